//! What came of a session.

use core::fmt;
use std::string::String;
use std::vec::Vec;

use super::stats::{Dropped, ThreadReport};

/// What came of a session.
///
/// ```
/// use pftrace::{MemorySink, Session, slice};
///
/// let session = Session::builder().writer(MemorySink::new()).start()?;
/// for _ in 0..10 {
///     let _slice = slice!("example", "slice");
/// }
/// let report = session.stop()?;
/// assert_eq!((report.events, report.lost(), report.thread_count), (20, 0, 1));
/// println!("{report}"); // 20 events of 1 thread in … bytes, 0 lost
/// for thread in &report.threads {
///     println!("{} ({}): {} events", thread.name, thread.tid, thread.events);
/// }
/// # Ok::<(), pftrace::SessionError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// How many events the sink has got: each begin and each end of a slice, each instant, each value of a counter.
    pub events: u64,
    /// How many packets: events, and what is needed to read them.
    pub packets: u64,
    /// How many bytes.
    pub bytes: u64,
    /// How many events were dropped, and why.
    pub dropped: Dropped,
    /// How many were recorded and did not reach the sink: it failed, or did not take them in time.
    pub undelivered: u64,
    /// How many made room for newer ones: of a [flight recorder](crate::Policy::FlightRecorder). What a snapshot has got is counted
    /// here too, once it is no longer kept for the next.
    pub overwritten: u64,
    /// How many snapshots have been written.
    pub snapshots: u64,
    /// How often the connection to a receiver was lost, of a session that [reconnects](crate::SessionBuilder::reconnect).
    pub connection_losses: u64,
    /// What was wrong with it the last time, or with the last try to have it.
    pub connection_error: Option<String>,
    /// How many were to be recorded while another one of the same thread was: by a signal handler.
    pub nested: u64,
    /// How many were to be recorded while a thread's thread-locals were destroyed, or end what was not begun.
    pub ignored: u64,
    /// How many were to be recorded by threads that were too many at the same time (16,384).
    pub no_place: u64,
    /// Chunks that made no sense when they were read: an error of this library, or somebody wrote into its memory.
    pub corrupt_chunks: u64,
    /// How many threads have recorded.
    pub thread_count: u64,
    /// Each of them, but at most a thousand of those that have exited: the others are summed up.
    pub threads: Vec<ThreadReport>,
}

impl Report {
    /// How many events the program recorded, or was about to, that are not in the trace: dropped, undelivered, nested, and of threads
    /// that were too many. Not those that were ignored, nor those that were overwritten.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.dropped.total() + self.undelivered + self.nested + self.no_place
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, bytes, thread_count, .. } = self;
        let (lost, plural) = (self.lost(), if *thread_count == 1 { "" } else { "s" });
        write!(f, "{events} events of {thread_count} thread{plural} in {bytes} bytes, {lost} lost")
    }
}
