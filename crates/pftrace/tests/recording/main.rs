//! Sessions and macros: what is recorded is what the real trace processor shows.

mod again;
mod categories;
mod configuration;
mod details;
mod edges;
mod flight;
mod flight_tracks;
#[cfg(target_os = "linux")]
mod forked;
#[cfg(target_os = "linux")]
mod forks;
mod guards;
mod losses;
mod nested;
mod options;
mod reentrancy;
mod rows;
mod sinks;
mod snapshots;
#[cfg(unix)]
mod sockets;
mod track_losses;
mod tracks;

use std::sync::{Mutex, MutexGuard, PoisonError};

use pftrace::{MemorySink, Report, Session, SessionBuilder};
use pftrace_testkit::{Loaded, check};

/// One session at a time is recorded in a process.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Records what `f` does, in a session that is configured by `configure`.
fn record_as(configure: impl FnOnce(SessionBuilder) -> SessionBuilder, f: impl FnOnce(&Session)) -> (Vec<u8>, Report) {
    let _alone = alone();
    let memory = MemorySink::new();
    let builder = configure(Session::builder().buffer_bytes(1 << 20).categories("")).writer(memory.clone());
    let session = builder.start().unwrap();
    f(&session);
    let report = session.stop().unwrap();
    (memory.take(), report)
}

/// Records what `f` does, and loads it. `None` where no judge is installed.
fn record(f: impl FnOnce()) -> Option<(Loaded, Report)> {
    let (trace, report) = record_as(|builder| builder, |_| f());
    assert_eq!(report.dropped.total(), 0, "{report:?}");
    Some((check(&trace)?, report))
}
