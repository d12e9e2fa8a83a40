//! The other example of docs/codegen.md: writers that are checked in, so that who builds this needs no generator.
//!
//! Made by `pftrace-codegen -I proto -r shapes.Circle proto/shapes.proto -o src/generated.rs`, with the .proto files of
//! the other example.

#[rustfmt::skip] // As the generator formats it.
mod generated;

pub use crate::generated::shapes::*;
