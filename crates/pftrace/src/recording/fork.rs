//! Forks: a child has only the thread that forked, and a lock that another thread had would never be given back in it. So whoever forks
//! takes all of them before, and gives them back on both sides.
//!
//! What belongs to one session is no matter: the child has none.

use std::cell::RefCell;
use std::sync::{MutexGuard, Once};

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

/// From now on.
pub(super) fn prepare() {
    static ONCE: Once = Once::new();
    // Without it a child that is forked in an unlucky moment can't start a session: no reason not to record.
    ONCE.call_once(|| _ = pftrace_ring::at_fork(before, in_parent, in_child));
}

extern "C" fn before() {
    let held = Held { _session: session::hold(), _places: local::hold(), _categories: category::hold() };
    // A thread whose thread-locals are gone forks without: `held` is dropped here.
    _ = HELD.try_with(|place| place.try_borrow_mut().map(|mut place| *place = Some(held)));
}

extern "C" fn in_parent() {
    let held = HELD.try_with(|place| place.try_borrow_mut().ok()?.take());
    drop(held);
}

extern "C" fn in_child() {
    session::forget();
    local::close();
    in_parent();
    category::refresh();
}
