//! The job that `make demo` traces: several threads take stock of trees of Rust sources. They read each file, look for
//! others of the same content, find its functions and types, and see how far it can be compressed.
//!
//! It is a program as any other: what is recorded is written beside the work, with pftrace's macros, and the job does not
//! know whether there is a session.

#![forbid(unsafe_code)]

mod collect;
mod file;
mod job;
mod outline;
mod packages;
mod queue;

pub use crate::collect::Totals;
pub use crate::job::run;
pub use crate::outline::{Function, Lines, Outline, outline};
pub use crate::packages::packages;

pftrace::categories! {
    /// Looking for sources.
    FIND = "find";
    /// What is done with a file.
    FILE = "file";
    /// The blocks that a file is compressed in.
    COMPRESS = "compress";
    /// The functions and types of a file, while they are looked at.
    OUTLINE = "outline";
    /// Files on their way from who finds them to who works on them.
    QUEUE = "queue";
    /// What came of all files together.
    COLLECT = "collect";
}
