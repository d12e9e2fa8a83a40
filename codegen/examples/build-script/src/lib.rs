//! The example of docs/codegen.md: writers that a build script generates.

mod generated {
    include!(concat!(env!("OUT_DIR"), "/shapes.rs"));
}

pub use generated::{legacy, shapes::*};

/// Every piece of Rust in docs/codegen.md is compiled and run as a test of this crate.
#[cfg(doctest)]
#[doc = include_str!("../../../../docs/codegen.md")]
struct Guide;
