//! What the fuzz targets are made of. `make fuzz-smoke` runs each for a while; a single one, for long:
//!
//! ```text
//! cargo +nightly fuzz run proto_text corpus/proto_text seeds/proto_text -- -dict=proto.dict
//! ```
//!
//! `messages` has the messages of the official tree too, unless the environment chooses other .proto files (as for
//! `pftrace-transcode`), which builds faster.

#![forbid(unsafe_code)]

pub mod message;
pub mod program;
pub mod reader;
mod tree;
pub mod wire;
