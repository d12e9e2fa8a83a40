//! Forks: a child has only the thread that forked, and a lock that another thread had would never be given back in it. So whoever forks
//! takes all of them before, and gives them back on both sides.
//!
//! What belongs to one session is no matter: the child has none.

use std::cell::RefCell;
use std::sync::MutexGuard;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use super::local::Place;
use super::session::Shared;
use super::{category, local, session};

/// All locks that are not of one session, in the order in which they are taken.
pub(super) struct Held {
    _session: MutexGuard<'static, Option<std::sync::Arc<Shared>>>,
    _places: MutexGuard<'static, std::vec::Vec<&'static Place>>,
    _categories: category::Held,
}

std::thread_local! {
    static HELD: RefCell<Option<Held>> = const { RefCell::new(None) };
}

/// From now on. To be called before any of those locks is taken for the first time.
pub(super) fn prepare() {
    /// The process in which a thread has begun to. No `Once`: in a child that is forked meanwhile nobody would end it.
    static BEGUN: AtomicU32 = AtomicU32::new(0);
    static DONE: AtomicBool = AtomicBool::new(false);
    while !DONE.load(Ordering::Acquire) {
        let (begun, process) = (BEGUN.load(Ordering::Relaxed), std::process::id());
        if begun == process {
            thread::yield_now();
        } else if BEGUN.compare_exchange(begun, process, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            // Without it a child that is forked in an unlucky moment can't start a session: no reason not to record.
            _ = pftrace_ring::at_fork(before, in_parent, in_child);
            DONE.store(true, Ordering::Release);
        }
    }
}

/// Whether this process has been forked since it could record.
static IS_CHILD: AtomicBool = AtomicBool::new(false);

#[cfg(unix)]
pub(super) fn is_child() -> bool {
    IS_CHILD.load(Ordering::Relaxed)
}

extern "C" fn before() {
    let hold = || Held { _session: session::hold(), _places: local::hold(), _categories: category::hold() };
    // A thread whose thread-locals are gone forks without. It may be registered twice, in a child that was forked while it was: the second call finds them held.
    _ = HELD.try_with(|place| _ = place.try_borrow_mut().map(|mut place| _ = place.get_or_insert_with(hold)));
}

extern "C" fn in_parent() {
    let held = HELD.try_with(|place| place.try_borrow_mut().ok()?.take());
    drop(held);
}

extern "C" fn in_child() {
    IS_CHILD.store(true, Ordering::Relaxed);
    session::forget();
    local::close();
    in_parent();
    category::refresh();
}
