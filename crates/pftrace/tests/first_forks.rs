//! Forks while a process begins to record: what is made once in a process is being made by another thread, which the child does not have.
#![cfg(all(unix, feature = "recording", not(feature = "off")))]

#[path = "recording/forked.rs"]
mod forked;

use std::thread;
use std::time::Duration;

use pftrace::{Session, SessionError, counter, set_categories};

use forked::says_yes;

/// Each from a process that has not recorded before, later and later.
#[test]
fn a_child_of_a_first_session_may_record() {
    let hung: Vec<u32> = (0..60).filter(|time| !says_yes(|| first_session(*time))).collect();
    assert!(hung.is_empty(), "{hung:?}");
}

/// Another thread records for the first time, and we fork meanwhile.
fn first_session(time: u32) -> bool {
    let other = thread::spawn(|| {
        set_categories("first");
        _ = pftrace::now_ns();
        record_once()
    });
    thread::sleep(time * Duration::from_micros(100));
    let child = says_yes(|| matches!(record_once(), Ok(1)));
    matches!(other.join(), Ok(Ok(1))) && child
}

fn record_once() -> Result<u64, SessionError> {
    _ = pftrace::now_ns();
    let session = Session::builder().writer(std::io::sink()).buffer_bytes(64 << 10).start()?;
    counter!("first", "recorded", 1);
    Ok(session.stop()?.events)
}
