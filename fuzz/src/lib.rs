//! What the fuzz targets are made of. `make fuzz-smoke` runs each for a while; a single one, for long:
//!
//! ```text
//! cargo +nightly fuzz run proto_text corpus/proto_text seeds/proto_text -- -dict=proto.dict
//! ```

#![forbid(unsafe_code)]

pub mod program;
pub mod reader;
pub mod wire;
