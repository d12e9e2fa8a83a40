//! The calling thread's state: where it lies, and what happens when it can't be had.
//!
//! It is taken out of its place while an event is recorded, and put back after it. Who looks meanwhile, a signal handler or
//! what is being recorded, finds nothing, and records nothing.

use std::boxed::Box;
use std::cell::Cell;
use std::sync::atomic::{Ordering, compiler_fence};
use std::sync::{Mutex, MutexGuard};
use std::vec::Vec;

use super::session;
use super::stats::lock;
use super::thread::Thread;

/// Where a thread's state lies. It is never freed but given to a later thread, so that it can be had without a destructor in
/// the way; there are as many as threads have ever recorded at the same time.
pub(super) type Place = Option<Thread>;

std::thread_local! {
    static CURRENT: Cell<Option<&'static mut Place>> = const { Cell::new(None) };
    static PHASE: Cell<Phase> = const { Cell::new(Phase::New) };
    /// Its destructor is the thread's end.
    static AT_END: AtEnd = const { AtEnd };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The thread has recorded nothing yet.
    New,
    /// It has a place. That it is not there means that an event is being recorded.
    Placed,
    /// Its thread-locals are being destroyed.
    Ended,
}

static FREE: Mutex<Vec<&'static mut Place>> = Mutex::new(Vec::new());

/// Keeps other threads from beginning and ending, as far as it is up to us.
pub(super) fn hold() -> MutexGuard<'static, Vec<&'static mut Place>> {
    lock(&FREE)
}

/// Puts the place back, also when what is done with it panics.
struct Taken(Option<&'static mut Place>);

impl Drop for Taken {
    #[inline]
    fn drop(&mut self) {
        // A signal handler that comes before this line finds nothing, and one that comes after it finds all that was done.
        compiler_fence(Ordering::SeqCst);
        CURRENT.set(self.0.take());
    }
}

/// Does something with the thread's state. `None` when it can't be had: nothing is recorded (any more), or an event of this
/// thread is being recorded right now.
#[inline]
pub(super) fn with<R>(f: impl FnOnce(&mut Thread) -> R) -> Option<R> {
    let mut taken = Taken(Some(match CURRENT.take() {
        Some(place) => place,
        None => first_place()?,
    }));
    compiler_fence(Ordering::SeqCst);
    let place = taken.0.as_mut()?;
    let takes_part = place.as_ref().is_some_and(|thread| thread.session == session::recording());
    if !takes_part && !join(place) {
        return None;
    }
    place.as_mut().map(f)
}

/// Does something that calls nothing with the thread's state, if it is there and takes part in the present session: else, or where `f` returns `None`, it is to be
/// done [in full](with).
#[inline(always)]
pub(super) fn quickly<R>(f: impl FnOnce(&mut Thread) -> Option<R>) -> Option<R> {
    quickly_in(session::recording(), f)
}

/// The same in that session, be it over by now.
#[inline(always)]
pub(super) fn quickly_in<R>(session: u32, f: impl FnOnce(&mut Thread) -> Option<R>) -> Option<R> {
    let mut taken = Taken(Some(CURRENT.take()?));
    compiler_fence(Ordering::SeqCst);
    taken.0.as_mut()?.as_mut().filter(|thread| thread.session == session).and_then(f)
}

/// Takes part in the present session, if there is one.
#[cold]
fn join(place: &mut Place) -> bool {
    *place = None;
    // None where it was stopped just now, or a category is met for the first time.
    if let Some(shared) = session::current() {
        *place = Thread::join(&shared);
        if place.is_none() {
            shared.no_place();
        }
    }
    place.is_some()
}

#[cold]
fn first_place() -> Option<&'static mut Place> {
    match PHASE.get() {
        Phase::Placed => {
            session::count_nested();
            return None;
        }
        Phase::Ended => {
            session::count_ignored();
            return None;
        }
        Phase::New if !session::is_recording() => return None,
        Phase::New => PHASE.set(Phase::Placed),
    }
    if AT_END.try_with(|_| ()).is_err() {
        PHASE.set(Phase::Ended);
        session::count_ignored();
        return None;
    }
    Some(lock(&FREE).pop().unwrap_or_else(|| Box::leak(Box::new(None))))
}

#[derive(Debug)]
struct AtEnd;

impl Drop for AtEnd {
    fn drop(&mut self) {
        PHASE.set(Phase::Ended);
        if let Some(place) = CURRENT.take() {
            *place = None;
            lock(&FREE).push(place);
        }
    }
}
