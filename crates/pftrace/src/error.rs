//! What can go wrong while a trace is written.

use core::fmt;

use crate::clock::Clock;

/// Why a call wrote nothing, but for the head of a generation perhaps, which shows nothing. What was written before stays as
/// it was and loads.
///
/// After [`Io`](Self::Io) the writer is of no more use (each further call returns [`Closed`](Self::Closed)); after any
/// other error the next call works as if the failed one had not been made.
///
/// `Display` says it in one line. `Debug`, which a `main` that returns it prints, has the same facts by their names.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The timestamp is above `i64::MAX`, where Perfetto's are negative.
    TimestampOutOfRange {
        /// The timestamp, in nanoseconds.
        timestamp: u64,
    },
    /// The timestamp is of a time before the trace's clock showed 0, by the snapshot that relates the two. Perfetto would drop what happens then.
    TimestampBeforeZero {
        /// The timestamp, in nanoseconds.
        timestamp: u64,
        /// What its clock shows where the trace's shows 0.
        earliest: u64,
    },
    /// A slice begins or ends before the last one on its track did. Perfetto sorts by time, so it would come out nested
    /// wrong, without a word.
    TimeWentBack {
        /// The timestamp, in nanoseconds.
        timestamp: u64,
        /// The last one on the track.
        last: u64,
    },
    /// A slice is to be ended on a track where none is open.
    NothingOpen,
    /// More slices are open on one track than Perfetto shows.
    SlicesTooDeep {
        /// How many may be open.
        limit: u32,
    },
    /// A track has more ancestors than Perfetto follows.
    TracksTooDeep {
        /// How long the chain of parents may be.
        limit: u32,
    },
    /// A category is given where a slice ends. Perfetto would end the innermost slice of that category, or none.
    CategoryAtEnd,
    /// Dictionaries and arrays are nested deeper than readers follow.
    AnnotationTooDeep {
        /// How deep they may be nested.
        limit: u32,
    },
    /// The track belongs to another writer, so it is not described in this trace.
    ForeignTrack,
    /// A process or thread has the number 0, which Perfetto keeps for the idle threads of the kernel.
    ReservedId,
    /// A process's number is none that a trace can hold: it is above `i32::MAX`, or negative. Of a negative one Perfetto
    /// reads one process from its description, and another from those of its threads.
    ProcessIdOutOfRange {
        /// The number.
        pid: i64,
    },
    /// The track with the number 0, the root of all others, has a parent.
    RootWithParent,
    /// The timestamp is of a clock that no [`clock_snapshot`](crate::TraceWriter::clock_snapshot) has related to the
    /// trace's.
    UnknownClock {
        /// The clock.
        clock: Clock,
    },
    /// The timestamp is of a clock that has gone back from one snapshot to the next, as `Realtime` when it is set. Perfetto would drop what happens then.
    ClockWentBack {
        /// The clock.
        clock: Clock,
    },
    /// The number that a track is given is one that the writer has chosen for another.
    TrackUuidTaken {
        /// The number.
        uuid: u64,
    },
    /// A clock snapshot lacks the trace's clock, names a clock twice, or has the trace's clock go back.
    BadSnapshot {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A packet that was written field by field is no legal one: it has two fields of a oneof, say.
    InvalidPacket {
        /// What is wrong with it.
        source: pftrace_wire::Error,
    },
    /// A packet is larger than the buffer for one.
    PacketTooLarge {
        /// The size of the packet, in bytes.
        needed: usize,
        /// The size of the buffer: see [`Builder::max_packet_len`](crate::Builder::max_packet_len).
        capacity: usize,
    },
    /// The buffer that the trace is written into is full.
    BufferFull {
        /// The size of the packet that did not fit, in bytes.
        needed: usize,
        /// What is left of the buffer, in bytes.
        remaining: usize,
    },
    /// The file, socket or other sink failed. This is said once.
    #[cfg(feature = "std")]
    Io {
        /// How many bytes of the trace the sink has taken. A packet cut short at its end is ignored by readers.
        written: u64,
        /// What it said.
        source: std::io::Error,
    },
    /// The sink failed before: nothing more is written.
    Closed {
        /// How many bytes of the trace the sink has taken.
        written: u64,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimestampOutOfRange { timestamp } => {
                write!(f, "expected a timestamp of at most {} ns, found {timestamp}", i64::MAX)
            }
            Self::TimestampBeforeZero { timestamp, earliest } => write!(
                f,
                "expected a timestamp of at least {earliest} ns, where the trace's clock shows 0, found {timestamp}"
            ),
            Self::TimeWentBack { timestamp, last } => {
                write!(
                    f,
                    "expected a timestamp of at least {last} ns, the last one of a slice on this track, found {timestamp}"
                )
            }
            Self::NothingOpen => f.write_str("expected an open slice to end, found none on this track"),
            Self::SlicesTooDeep { limit } => write!(f, "expected at most {limit} open slices on a track, found more"),
            Self::TracksTooDeep { limit } => write!(f, "expected a track with at most {limit} ancestors, found more"),
            Self::CategoryAtEnd => f.write_str("expected categories where the slice begins, found one where it ends"),
            Self::AnnotationTooDeep { limit } => {
                write!(f, "expected dictionaries and arrays nested at most {limit} deep, found more")
            }
            Self::ForeignTrack => f.write_str("expected a track of this writer, found one of another"),
            Self::ReservedId => {
                f.write_str("expected a process or thread id other than 0, which is the kernel's idle thread")
            }
            Self::ProcessIdOutOfRange { pid: pid @ ..0 } => write!(f, "expected a process id above 0, found {pid}"),
            Self::ProcessIdOutOfRange { pid } => {
                write!(f, "expected a process id of at most {}, found {pid}", i32::MAX)
            }
            Self::RootWithParent => {
                f.write_str("expected track 0, the root of all others, to have no parent, found one")
            }
            Self::UnknownClock { clock } => {
                write!(f, "expected a clock that a snapshot has related to the trace's, found {clock:?}")
            }
            Self::ClockWentBack { clock } => {
                write!(f, "expected a clock that has gone forward from each snapshot to the next, found {clock:?}")
            }
            Self::TrackUuidTaken { uuid } => {
                write!(f, "expected a number that no other track has, found {uuid}, which the writer has given to one")
            }
            Self::BadSnapshot { reason } => write!(f, "bad clock snapshot: {reason}"),
            Self::InvalidPacket { source } => write!(f, "invalid packet: {source}"),
            Self::PacketTooLarge { needed, capacity } => {
                write!(f, "expected a packet of at most {capacity} bytes, found one of {needed}")
            }
            Self::BufferFull { needed, remaining } => {
                write!(f, "the buffer is full: a packet of {needed} bytes, room for {remaining}")
            }
            #[cfg(feature = "std")]
            Self::Io { written, source } => write!(f, "cannot write the trace after {written} bytes: {source}"),
            Self::Closed { written } => write!(f, "the trace has ended with a failed write after {written} bytes"),
        }
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            #[cfg(feature = "std")]
            Self::Io { source, .. } => Some(source),
            Self::InvalidPacket { source } => Some(source),
            _ => None,
        }
    }
}
