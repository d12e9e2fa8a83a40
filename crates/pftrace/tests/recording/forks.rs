//! Forks in any moment: whatever other threads are about, the child may start a session of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use pftrace::{Category, Session, SessionError, instant, set_categories};

use crate::alone;
use crate::forked::says_yes;

const FORKS: u32 = 150;

/// Sessions start and end, categories are switched and met, threads come and go: each has locks that the child gets as they are.
#[test]
fn a_child_of_any_moment_may_record() {
    let _alone = alone();
    let done = AtomicBool::new(false);
    let busy = || !done.load(Ordering::Relaxed);
    thread::scope(|scope| {
        scope.spawn(|| {
            while busy() {
                let session = Session::builder().writer(std::io::sink()).buffer_bytes(64 << 10).start().unwrap();
                instant!("fork", "in the parent");
                assert_eq!(session.stop().unwrap().undelivered, 0);
            }
        });
        scope.spawn(|| {
            while busy() {
                set_categories("fork");
                set_categories("");
            }
        });
        scope.spawn(|| {
            // Not as many as there can be.
            for number in 0..10_000 {
                if !busy() {
                    return;
                }
                let category: &'static Category = Box::leak(Box::new(Category::new(format!("f{number}").leak())));
                _ = category.is_enabled();
            }
        });
        scope.spawn(|| {
            while busy() {
                thread::spawn(|| instant!("fork", "in a thread")).join().unwrap();
            }
        });
        let records = || {
            let recorded = record_once();
            if !matches!(recorded, Ok(1)) {
                let what = format!("a child has recorded {recorded:?}\n");
                // SAFETY: not by the standard library, of whose lock it may have a copy that nobody gives back.
                unsafe { libc::write(2, what.as_ptr().cast(), what.len()) };
            }
            matches!(recorded, Ok(1))
        };
        let hung = (0..FORKS).filter(|_| !says_yes(records)).count();
        done.store(true, Ordering::Relaxed);
        assert_eq!(hung, 0, "of {FORKS} children");
    });
    set_categories("");
}

fn record_once() -> Result<u64, SessionError> {
    set_categories("");
    set_categories("fork");
    let session = Session::builder().writer(std::io::sink()).buffer_bytes(64 << 10).start()?;
    instant!("fork", "in the child");
    Ok(session.stop()?.events)
}
