//! Writes [Perfetto](https://perfetto.dev) traces: streaming, without a message tree, without allocations, without C++.
//! Open them at <https://ui.perfetto.dev>.
//!
//! There are two doors.
//!
//! [`Session`] and the macros record what the threads of a program do, while they do it, at one to two times the price of reading the clock
//! (docs/recording.md in the repository is the guide):
//!
#![cfg_attr(feature = "recording", doc = "```")]
#![cfg_attr(not(feature = "recording"), doc = "```ignore")]
//! use pftrace::{MemorySink, Session, counter, instant, slice};
//!
//! # let path = std::env::temp_dir().join(format!("pftrace-crate-{}.pftrace", std::process::id()));
//! let session = Session::builder().file(&path).start()?;
//! {
//!     let _frame = slice!("render", "frame", number = 1);
//!     instant!("cache", "miss");
//!     counter!("queue", "length", 3);
//! }
//! let report = session.stop()?;
//! assert_eq!((report.events, report.lost()), (4, 0));
//! # std::fs::remove_file(path).unwrap();
//! # Ok::<(), pftrace::SessionError>(())
//! ```
//!
//! [`TraceWriter`] writes events with explicit times on explicit tracks of any process or thread, as emulators,
//! simulators and converters want it:
//!
//! ```
//! use pftrace::TraceWriter;
//!
//! let mut trace = TraceWriter::new(Vec::new());
//! let process = trace.process_track(1).name("emulator").describe()?;
//! let mut cpu = trace.thread_track(&process, 1).name("cpu").describe()?;
//! trace.begin_with(&mut cpu, 0, "reset", |event| {
//!     event.category("6502").arg("pc", 0xfffc);
//! })?;
//! trace.end(&mut cpu, 7_000)?;
//! let bytes = trace.finish()?;
//! # assert!(!bytes.is_empty());
//! # Ok::<(), pftrace::Error>(())
//! ```
//!
//! # What there is
//!
//! | type | what it is |
//! |---|---|
//! | [`Session`], [`SessionBuilder`], [`Report`] | one recording, how it is to be, and what came of it |
//! | [`Policy::FlightRecorder`], [`FlightRecorder`] | the newest, kept and written on demand |
//! | [`slice!`], [`begin!`], [`end!`], [`instant!`], [`counter!`], [`state!`] | what is recorded |
//! | [`NamedTrack`], [`Lanes`], [`NamedCounter`], [`NamedState`] | tracks beside those of threads |
//! | [`Category`], [`categories!`], [`set_categories`], [`category_enabled!`] | what it is switched by |
//! | [`TraceWriter`] | writes a trace into any [`Write`](std::io::Write) or a byte buffer |
//! | [`Builder`] | what can be set before: the clock, sizes |
//! | [`ProcessTrack`], [`Track`], [`CounterTrack`], [`StateTrack`] | what events are put on |
//! | [`Event`], [`Dict`], [`Array`] | what an event says beside its time and name |
//! | [`Error`] | why a call wrote nothing |
//! | `check` | finds mistakes in traces, with the feature of that name |
//! | [`protos`] | the generated writers of Perfetto's messages, for all that has no method here |
//!
//! # Features
//!
//! `std` (on): files and other [`Write`](std::io::Write)rs. Without it the crate is `no_std`, needs no allocator, and writes into
//! byte buffers.
//!
//! `recording` (on, needs `std`): sessions and macros.
//!
//! `check` (off, needs `std`): the module `check`, which finds the mistakes in any trace.
//!
//! `off`: the macros record nothing, and nothing is left of them in the program.
//!
//! # Limits
//!
//! * One [`TraceWriter`] is used by one thread at a time.
//! * Its packets are at most [`Builder::max_packet_len`] bytes long; a larger one is an error.
//! * One session is recorded at a time; an event that is larger than [`Session::max_event_len`] has its texts cut.

#![no_std]
#![forbid(unsafe_code)]
// Without `std` some links lead to what is not there.
#![cfg_attr(not(feature = "std"), allow(rustdoc::broken_intra_doc_links))]

#[cfg(feature = "std")]
extern crate std;

#[cfg(feature = "recording")]
mod macros;

#[cfg(feature = "check")]
pub mod check;
mod clock;
mod error;
mod event;
mod intern;
mod nested;
#[cfg(feature = "recording")]
mod recording;
mod sequence;
mod sink;
mod text;
mod track;
mod writer;

/// What the macros expand to: not for use by hand.
#[cfg(feature = "recording")]
#[doc(hidden)]
pub use crate::recording::private as __private;

pub use pftrace_protos as protos;

pub use crate::clock::{Clock, Timestamp};
pub use crate::error::Error;
pub use crate::event::{Event, MAX_ANNOTATION_DEPTH, Value};
pub use crate::nested::{Array, Dict};
#[cfg(feature = "recording")]
pub use crate::recording::{
    Annotate, Argument, CallSite, Category, CorrelationId, CounterNumber, Detail, Dropped, Elements, EndSlice, Entries,
    EventKind, FlightRecorder, Frame, InstantTrack, Lanes, LogPriority, MAX_ANNOTATIONS, MAX_CALL_SITES,
    MAX_EXTRA_COUNTERS, MAX_OPEN_TRACK_SLICES, MAX_TRACKS, MemorySink, Moment, NamedCounter, NamedState, NamedTrack,
    OpenTrack, Policy, Report, Session, SessionBuilder, SessionError, SliceGuard, SliceTrack, SourceLocation,
    ThisThread, ThreadReport, TrackRef, TrackSlice, Trigger, array, dict, now_ns, set_categories,
};
#[cfg(feature = "std")]
pub use crate::sink::IoSink;
pub use crate::sink::{BufferSink, Sink};
pub use crate::track::{
    ChildOrdering, CounterTrack, Kind, MAX_TRACK_ANCESTORS, ProcessId, ProcessTrack, SequenceId, SiblingMerge,
    StateTrack, Track, TrackBuilder, Unit, kind,
};
#[cfg(feature = "std")]
pub use crate::writer::FileTraceWriter;
pub use crate::writer::{Builder, CounterValue, MAX_END_LEN, MAX_OPEN_SLICES, Memory, TraceWriter};

/// The programs of the guide to recording are tests.
#[cfg(all(doctest, feature = "recording"))]
#[doc = include_str!("../../../docs/recording.md")]
struct RecordingGuide;

/// The program of the guide to checking is a test.
#[cfg(all(doctest, feature = "check"))]
#[doc = include_str!("../../../docs/checking.md")]
struct CheckingGuide;

/// The program of the README is a test.
#[cfg(all(doctest, feature = "recording"))]
#[doc = include_str!("../../../README.md")]
struct Readme;
