//! Any message of any .proto, decoded by a reference decoder and written again by the generated writers.
//!
//! If what comes out is what the reference encoder makes of the same message, the generator is right about that message. The
//! tests ask this of all messages of the official Perfetto tree. The command asks it of one:
//!
//! ```sh
//! pftrace-transcode perfetto.protos.Trace < in.pftrace > out.pftrace
//! ```
//!
//! # Which .proto files
//!
//! Those chosen by the environment when this is built:
//!
//! | variables | |
//! |---|---|
//! | none | the official tree, of the package `perfetto_protos` |
//! | `PFTRACE_PROTO_ROOT` | a folder, and all .proto files in it |
//! | `PFTRACE_PROTO_ROOT` and `PFTRACE_PROTO_FILES` | a folder, and files in it with all they import: their names in it, with spaces or colons between them |
//! | `PFTRACE_DESCRIPTOR_SET` | a descriptor set, with all its imports |
//!
//! The writers are made by pftrace-codegen. The decoder is prost-reflect, over descriptors that another compiler has made:
//! protox, or whoever made the descriptor set. Their one change is that all presence is explicit, and editions are spelled in
//! proto2, which is what prost-reflect can read.
//!
//! # What comes out
//!
//! What Google's encoders make of it, where they are asked to be deterministic:
//!
//! * fields in the order of their numbers, extensions between them; map entries in the order of their keys;
//! * without the defaults of fields that have no presence; -0.0 is not one;
//! * unknown fields as they came, behind the others, in the order of their numbers.
//!
//! Two things differ. A number that a closed enum does not have is written as the value of its field, where Google's runtimes
//! move it to the unknown fields: what is decoded is the same. And a field with another wire type than its own cannot be
//! decoded, where they make it an unknown field.

#![forbid(unsafe_code)]

// The generated glue calls us by our name, here as in the tests.
extern crate self as pftrace_transcode;

mod error;
#[doc(hidden)]
pub mod fixtures;
#[doc(hidden)]
pub mod glue;
mod message_set;
mod schema;

#[allow(clippy::all, unreachable_pub)]
mod built {
    include!(concat!(env!("OUT_DIR"), "/built.rs"));
}

pub use crate::error::Error;
pub use crate::schema::{Encode, Schema};

/// The messages that this was built for.
#[must_use]
pub fn schema() -> &'static Schema {
    &built::SCHEMA
}

/// Decodes the message `name`, which is a full name like `perfetto.protos.Trace`, and writes it with the generated writers.
///
/// # Errors
///
/// When there is no message of that name, the bytes are not one, or a required field is missing; and when the generator and
/// the decoder's compiler do not agree about it, which is a bug of one of them.
pub fn transcode(bytes: &[u8], name: &str) -> Result<Vec<u8>, Error> {
    schema().transcode(bytes, name)
}
