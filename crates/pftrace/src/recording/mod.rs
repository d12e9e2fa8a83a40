//! Recording what the threads of a program do, while they do it.
//!
//! ```text
//! macro → record → local (the thread's state) → thread → ring          by each thread
//!                                                        ring → drain → assemble → sink      by one
//!                                                        ring → flight → assemble → sink     by who takes a snapshot
//! ```

mod argument;
mod assemble;
mod builder;
mod call_site;
mod category;
mod detail;
mod drain;
mod flight;
mod fork;
mod header;
mod lanes;
mod local;
mod location;
mod marks;
mod memory_sink;
mod on_tracks;
mod open;
mod options;
mod os;
mod output;
mod panic_hook;
mod pieces;
mod put;
mod record;
mod recorder;
mod registry;
mod report;
mod session;
mod session_error;
mod slices;
mod socket;
mod stats;
mod text;
mod thread;
mod track;
mod typed;

pub use self::argument::{Annotate, Argument, Elements, Entries, array, dict};
pub use self::builder::{Policy, SessionBuilder};
pub use self::call_site::{CallSite, EventKind, MAX_CALL_SITES};
pub use self::category::{Category, set_categories};
pub use self::detail::{CorrelationId, Detail, Frame, LogPriority, MAX_EXTRA_COUNTERS, Moment};
pub use self::lanes::Lanes;
pub use self::location::SourceLocation;
pub use self::memory_sink::MemorySink;
pub use self::on_tracks::MAX_OPEN_TRACK_SLICES;
pub use self::options::{EndSlice, InstantTrack, OpenTrack, SliceTrack, ThisThread, TrackSlice};
pub use self::record::{CounterNumber, MAX_ANNOTATIONS, SliceGuard, now_ns};
pub use self::recorder::{FlightRecorder, Trigger};
pub use self::report::Report;
pub use self::session::Session;
pub use self::session_error::SessionError;
pub use self::stats::{Dropped, ThreadReport};
pub use self::track::{MAX_TRACKS, NamedCounter, NamedState, NamedTrack, TrackRef};

/// What the macros expand to.
pub mod private {
    pub use core::any::type_name_of_val;
    pub use core::default::Default;
    pub use core::option::Option::{self, None, Some};
    pub use core::{compile_error, concat, file, line, stringify};

    pub use super::argument::{Annotate, Argument};
    pub use super::call_site::{CallSite, EventKind};
    pub use super::category::Category;
    pub use super::detail::{Detail, counter_value};
    pub use super::location::SourceLocation;
    pub use super::options::{
        NONE, ThisThread, begin_on_of, counter_on, end_on_of, end_slice, instant_on, slice_on, state_on,
    };
    pub use super::record::{
        CounterNumber, SliceGuard, begin, begin_slice, begin_slice_with, begin_with, end, instant, instant_with,
    };
    pub use super::typed::{Detailed, Flow, InFlow, Known, Listed, OwnName, Probe, TerminatingFlow, Unknown, given};
}
