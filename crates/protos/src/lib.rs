//! Writers of the Perfetto messages that a producer of traces writes.
//!
//! They are generated from the .proto files beside this crate, which are our own: names, numbers and types are those of
//! Perfetto's public schema (a test compares each with the newest official one), the comments are ours. What is not here,
//! such as the messages of Android's and Chrome's own data sources, can be generated from the official files with
//! `pftrace-codegen`.
//!
//! `no_std`, no allocation, no `unsafe`. Nothing here checks that a packet makes sense to Perfetto: `pftrace` does.
//!
//! ```
//! use pftrace_protos::{Trace, track_event};
//!
//! let mut buffer = [0; 64];
//! let trace = Trace::encode(&mut buffer, |trace| {
//!     trace.add_packet(|packet| {
//!         packet.set_timestamp(1_000).set_trusted_packet_sequence_id(1).set_track_event(|event| {
//!             event.set_type(track_event::Type::TYPE_INSTANT).set_name("hello");
//!         });
//!     });
//! })?;
//! assert_eq!(trace, b"\x0a\x11\x40\xe8\x07\x50\x01\x5a\x0a\x48\x03\xba\x01\x05hello");
//! # Ok::<(), pftrace_wire::Error>(())
//! ```

#![no_std]
#![forbid(unsafe_code)]

#[rustfmt::skip] // As the generator formats it.
mod generated;

pub use crate::generated::perfetto::protos::*;

/// Where the .proto files are on the machine that builds this: for build scripts that compile files which import them, with
/// `pftrace_codegen::Config::include`. With this crate among the build dependencies nobody has to copy them.
///
/// ```
/// let file = std::path::Path::new(pftrace_protos::PROTO_DIR).join("track_event.proto");
/// assert!(file.exists());
/// ```
pub const PROTO_DIR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proto");
