//! The calling thread's state: where it lies, and what happens when it can't be had.
//!
//! It lies at a desk, where a packet is open while an event is recorded the short way, and which is occupied while one is the long way. Who looks meanwhile, a signal handler or
//! what is being recorded, finds that, and records nothing.

use std::boxed::Box;
use std::cell::Cell;
use std::sync::{Arc, Mutex, MutexGuard};
use std::vec::Vec;

use pftrace_ring::{Desk, NoDesk, Occupied, ROOM, Seat};

use super::call_site::CallSite;
use super::session::{self, Shared};
use super::slices::Stack;
use super::stats::lock;
use super::thread::Thread;

/// Where a thread's state lies. It is never freed but given to a later thread, so that it can be had without a destructor in
/// the way, and others can look there; there are as many as threads have ever recorded at the same time.
pub(super) type Place = Desk<Stack, Thread>;

pub(super) type ThreadSeat = Seat<Stack, Thread>;

static NONE: NoDesk<Stack, Thread> = NoDesk::new(Stack::new());

std::thread_local! {
    static SEAT: ThreadSeat = const { Seat::new(&NONE) };
    static PHASE: Cell<Phase> = const { Cell::new(Phase::New) };
    /// Its destructor is the thread's end.
    static AT_END: AtEnd = const { AtEnd };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The thread has recorded nothing yet.
    New,
    /// It has a place. That it can't be had means that an event is being recorded.
    Placed,
    /// Its thread-locals are being destroyed.
    Ended,
}

static FREE: Mutex<Vec<&'static Place>> = Mutex::new(Vec::new());

/// Keeps other threads from beginning and ending, as far as it is up to us.
pub(super) fn hold() -> MutexGuard<'static, Vec<&'static Place>> {
    lock(&FREE)
}

/// Not by `with`, which the compiler does not inline unless the whole program is optimized as one.
#[inline(always)]
fn at_seat<R>(f: impl FnOnce(&ThreadSeat) -> Option<R>) -> Option<R> {
    SEAT.try_with(f).ok()?
}

/// Does something with the thread's state. `None` when it can't be had: nothing is recorded (any more), or an event of this
/// thread is being recorded right now.
#[inline]
pub(super) fn with<R>(f: impl FnOnce(&mut Thread) -> R) -> Option<R> {
    let (mut f, mut result) = (Some(f), None);
    with_thread(&mut |thread| result = f.take().map(|f| f(thread)));
    result
}

/// The same, once for all that is done then.
#[inline(never)]
fn with_thread(f: &mut dyn FnMut(&mut Thread)) {
    at_seat(|seat| take_part_or_count(seat)?.sitting().as_mut().map(f));
}

/// The same of what is no event, and not counted as one when that can't be had.
#[inline]
pub(super) fn with_uncounted<R>(f: impl FnOnce(&mut Thread) -> R) -> Option<R> {
    at_seat(|seat| take_part(seat).ok()?.sitting().as_mut().map(f))
}

/// The same of what is done in an instant, which can be where a packet could be opened: most of the time.
#[inline]
pub(super) fn with_at_once<R>(f: impl FnOnce(&mut Thread) -> R) -> Option<R> {
    at_seat(|seat| match seat.enter() {
        // It is never committed.
        Some(mut entered) => Some(f(entered.parts().1)),
        None => take_part(seat).ok()?.sitting().as_mut().map(f),
    })
}

/// The same, if the thread takes part in the present session already.
pub(super) fn with_present<R>(f: impl FnOnce(&mut Thread) -> R) -> Option<R> {
    at_seat(|seat| {
        let mut occupied = occupy(seat).map_err(Refused::count).ok()?;
        occupied.sitting().as_mut().filter(|thread| thread.session == session::recording()).map(f)
    })
}

/// Why a thread's state can't be had.
#[derive(Debug)]
enum Refused {
    /// Nothing is recorded.
    NoSession,
    /// An event of this thread is being recorded.
    Nested,
    /// The thread ends.
    Ended,
    /// As many threads record as can, in that session.
    NoPlace(Arc<Shared>),
}

impl Refused {
    /// An event that is refused is counted; without a lock, which whom it interrupts may hold.
    #[cold]
    fn count(self) {
        match self {
            Self::NoSession => {}
            Self::Nested => session::count_nested(),
            Self::Ended => session::count_ignored(),
            Self::NoPlace(shared) => shared.no_place(),
        }
    }
}

#[inline(never)]
fn take_part_or_count(seat: &ThreadSeat) -> Option<Occupied<'_, Stack, Thread>> {
    take_part(seat).map_err(Refused::count).ok()
}

/// All of the thread's state, of the present session. One function for all that is done [with](with) it.
#[inline(never)]
fn take_part(seat: &ThreadSeat) -> Result<Occupied<'_, Stack, Thread>, Refused> {
    let mut occupied = occupy(seat)?;
    let takes_part = occupied.sitting().as_ref().is_some_and(|thread| thread.session == session::recording());
    if !takes_part {
        if PHASE.get() == Phase::Ended {
            // By a signal handler, within the thread's end.
            return Err(Refused::Ended);
        }
        join(seat, occupied.sitting())?;
    }
    Ok(occupied)
}

/// All of the thread's state: none while an event is being recorded.
#[inline]
fn occupy(seat: &ThreadSeat) -> Result<Occupied<'_, Stack, Thread>, Refused> {
    seat.occupy().map_or_else(|| occupy_first(seat), Ok)
}

#[cold]
#[inline(never)]
fn occupy_first(seat: &ThreadSeat) -> Result<Occupied<'_, Stack, Thread>, Refused> {
    first_place(seat)?;
    seat.occupy().ok_or(Refused::NoSession)
}

/// Records an event with the thread's state, if that can be had at once, takes part in the session, and has a chunk with room: else, or where `f` returns `None`, it is to be
/// done [in full](with). `f` calls nothing, and returns how long the packet is, besides what it has to say.
#[inline(always)]
pub(super) fn quickly<R>(
    f: impl FnOnce(&mut [u8; ROOM], &mut Thread, &'static Stack) -> Option<(usize, R)>,
) -> Option<R> {
    let mut entered = at_seat(Seat::enter)?;
    let (packet, thread, stack) = entered.parts();
    let (len, result) = f(packet, thread, stack)?;
    // It always is. But a function that might panic keeps more in memory.
    if !(1..=ROOM).contains(&len) {
        debug_assert!(false, "a packet of {len} bytes");
        return None;
    }
    entered.commit(len);
    Some(result)
}

/// The same of a packet that may take up to `room` bytes. `f` copies texts.
#[cold]
pub(super) fn quickly_for<R>(
    room: usize,
    f: impl FnOnce(&mut [u8], &mut Thread, &'static Stack) -> Option<(usize, R)>,
) -> Option<R> {
    let mut entered = at_seat(|seat| seat.enter_for(room))?;
    let (packet, thread, stack) = entered.parts_in_full();
    let (len, result) = f(packet, thread, stack)?;
    entered.commit(len);
    Some(result)
}

/// Has the chunk list a call site, met for the first time perhaps, if it does not, and that can be done at once: what was to be recorded [quickly] is tried once more then.
#[cold]
#[inline(never)]
pub(super) fn list(site: &'static CallSite) -> bool {
    SEAT.with(|seat| {
        if site.template.number() == 0 && !meet(seat, site) {
            return false;
        }
        let (number, Some(mut entered)) = (site.template.number(), seat.enter()) else { return false };
        !entered.parts().1.lists(number) && entered.add_word(number.into()) && entered.parts().1.now_lists(number)
    })
}

/// A call site is met for the first time, by a thread that can list it then.
#[cold]
#[inline(never)]
fn meet(seat: &ThreadSeat, site: &'static CallSite) -> bool {
    let can_enter = seat.enter().is_some();
    // Not while a packet is open: it may take long, and who wants the chunk meanwhile would not get it.
    can_enter && site.prepare()
}

/// In a forked child: nothing is recorded at once any more.
pub(super) fn close() {
    SEAT.with(Seat::close);
}

/// Takes part in the present session, if there is one.
#[cold]
fn join(seat: &ThreadSeat, place: &mut Option<Thread>) -> Result<(), Refused> {
    *place = None;
    // None where it was stopped just now, or a category is met for the first time.
    let shared = session::current().ok_or(Refused::NoSession)?;
    *place = Thread::join(&shared, seat);
    if place.is_some() { Ok(()) } else { Err(Refused::NoPlace(shared)) }
}

/// Takes a place, if the thread has none.
fn first_place(seat: &ThreadSeat) -> Result<(), Refused> {
    match PHASE.get() {
        Phase::Placed => return Err(Refused::Nested),
        Phase::Ended => return Err(Refused::Ended),
        Phase::New if !session::is_recording() => return Err(Refused::NoSession),
        Phase::New => PHASE.set(Phase::Placed),
    }
    if AT_END.try_with(|_| ()).is_err() {
        PHASE.set(Phase::Ended);
        return Err(Refused::Ended);
    }
    let place = lock(&FREE).pop().unwrap_or_else(|| Box::leak(Box::new(Desk::new(Stack::new()))));
    seat.sit(place).then_some(()).ok_or(Refused::NoSession)
}

#[derive(Debug)]
struct AtEnd;

impl Drop for AtEnd {
    fn drop(&mut self) {
        PHASE.set(Phase::Ended);
        SEAT.with(|seat| {
            if let Some(mut occupied) = seat.occupy() {
                *occupied.sitting() = None;
            }
            if let Some(place) = seat.leave(&NONE) {
                lock(&FREE).push(place);
            }
        });
    }
}
