//! Why a session can't be recorded, or did not end well.

use core::fmt;
use std::boxed::Box;
use std::io;
use std::string::String;
use std::sync::Arc;

use super::builder::{LARGEST_BUFFER, SMALLEST_BUFFER};
use super::report::Report;

/// Why a session can't be recorded, or did not end well.
///
/// ```
/// use pftrace::{MemorySink, Session, SessionError, instant};
///
/// let session = Session::builder().writer(MemorySink::new()).start()?;
/// let second = Session::builder().writer(MemorySink::new()).start();
/// assert!(matches!(second, Err(SessionError::AlreadyRecording)));
/// instant!("example", "here");
/// match session.stop() {
///     Ok(report) => println!("{report}"),
///     // Not all of it is there: the report says what is.
///     Err(SessionError::Sink { source, report }) => println!("{source}; delivered: {report}"),
///     Err(error) => println!("{error}"),
/// }
/// # Ok::<(), pftrace::SessionError>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum SessionError {
    /// A session is being recorded. Stop it before the next.
    AlreadyRecording,
    /// Neither a file nor another sink was given.
    NoSink,
    /// The size of the buffer is out of bounds.
    BufferBytes {
        /// What was given.
        found: usize,
    },
    /// A file, memory or thread can't be had.
    Io {
        /// What it is.
        what: String,
        /// Why.
        source: io::Error,
    },
    /// `PFTRACE` says something that makes no sense.
    Environment {
        /// What.
        found: String,
        /// What there could be.
        expected: &'static str,
    },
    /// The sink failed, or what writes into it has panicked. What it got before is a trace; what came later is lost.
    Sink {
        /// How.
        source: Arc<io::Error>,
        /// What came of the events.
        report: Box<Report>,
    },
    /// Not everything was written within the time that stopping may take.
    StopTimeout {
        /// What came of the events so far.
        report: Box<Report>,
    },
    /// The session is that of the process that forked this one: it is untouched.
    Forked,
    /// A snapshot was asked for in a session that is not a [flight recorder](crate::Policy::FlightRecorder).
    NotAFlightRecorder,
    /// A snapshot was asked for when the session had stopped.
    Stopped,
    /// A snapshot was asked for while another is written: by the sink of that one, or for longer than
    /// [`stop_timeout`](crate::SessionBuilder::stop_timeout).
    SnapshotInProgress,
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyRecording => f.write_str("a session is being recorded already: stop it before the next"),
            Self::NoSink => f.write_str("expected a file or a writer for the trace, found none"),
            Self::BufferBytes { found } => {
                write!(f, "expected a buffer of {SMALLEST_BUFFER} to {LARGEST_BUFFER} bytes, found {found}")
            }
            Self::Io { what, source } => write!(f, "{what}: {source}"),
            Self::Environment { found, expected } => {
                write!(f, "the environment variable PFTRACE: expected {expected}, found `{found}`")
            }
            Self::Sink { source, report } => write!(f, "the trace's sink failed: {source} (delivered: {report})"),
            Self::StopTimeout { report } => write!(f, "the trace was not written in time (delivered: {report})"),
            Self::Forked => f.write_str("the session belongs to the process that forked this one"),
            Self::NotAFlightRecorder => f.write_str(
                "expected a session with Policy::FlightRecorder to take a snapshot of, found another policy",
            ),
            Self::Stopped => f.write_str("the session has stopped: there is nothing to take a snapshot of"),
            Self::SnapshotInProgress => f.write_str("another snapshot is being written"),
        }
    }
}

impl std::error::Error for SessionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Sink { source, .. } => Some(source),
            _ => None,
        }
    }
}
