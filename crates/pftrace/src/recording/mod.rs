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
mod drain;
mod flight;
mod fork;
mod header;
mod local;
mod memory_sink;
mod os;
mod output;
mod panic_hook;
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

pub use self::argument::{Annotate, Argument};
pub use self::builder::{Policy, SessionBuilder};
pub use self::call_site::{CallSite, EventKind, MAX_CALL_SITES};
pub use self::category::{Category, set_categories};
pub use self::memory_sink::MemorySink;
pub use self::record::{CounterNumber, MAX_ANNOTATIONS, SliceGuard};
pub use self::recorder::{FlightRecorder, Trigger};
pub use self::report::Report;
pub use self::session::Session;
pub use self::session_error::SessionError;
pub use self::stats::{Dropped, ThreadReport};

/// What the macros expand to.
pub mod private {
    pub use core::option::Option::{self, None, Some};
    pub use core::stringify;

    pub use super::argument::{Annotate, Argument};
    pub use super::call_site::{CallSite, EventKind};
    pub use super::category::Category;
    pub use super::record::{
        CounterNumber, SliceGuard, begin, begin_slice, begin_slice_with, begin_with, end, instant, instant_with,
    };
}
