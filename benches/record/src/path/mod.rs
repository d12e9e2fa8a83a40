//! The recording path over the ring, as the instrumentation door will have it: a thread's state, the call sites, the
//! definitions, and the reader that writes the file.
//!
//! A packet has its timestamp first, at a fixed place and nearly always of two bytes. So what is constant at a call site is
//! one template, and what varies comes last:
//!
//! ```text
//!  0a L 40 t t 50 s 68 02 5a E | type, category, name … | counter value, annotations, run-time name
//!     |    |      |          |
//!     |    |      |          length of the TrackEvent
//!     |    |      sequence
//!     |    nanoseconds since the last packet: a varint, here of two bytes
//!     length of the packet
//! ```
//!
//! `unsafe` is not needed: what it would save is in docs/decisions/009.

pub mod definitions;
pub mod forms;
pub mod names;
pub mod session;
pub mod site;
#[cfg(test)]
mod tests;
pub mod thread;

pub use session::Session;
pub use thread::{Thread, Tsc};
