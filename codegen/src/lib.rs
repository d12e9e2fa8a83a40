//! From .proto files to Rust writers, at build time.
//!
//! The writers are straight-line code over [`pftrace-wire`](https://docs.rs/pftrace-wire): they write a message forward into a
//! buffer, without a tree of messages and without an allocator. One writer per message, one method per field.
//!
//! # Use
//!
//! In a build script (with `pftrace-codegen` under `[build-dependencies]`, without its default features, which only
//! concern the command, and with `pftrace-wire` under `[dependencies]`):
//!
//! ```no_run
//! // build.rs
//! use std::path::Path;
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let out = Path::new(&std::env::var("OUT_DIR")?).join("shapes.rs");
//!     let generated = pftrace_codegen::Config::new().include("proto").compile(&["proto/shapes.proto"], out)?;
//!     generated.print_cargo_directives();
//!     Ok(())
//! }
//! ```
//!
//! and in the crate:
//!
//! ```ignore
//! include!(concat!(env!("OUT_DIR"), "/shapes.rs"));
//!
//! let mut buffer = [0; 64];
//! let circle = Circle::encode(&mut buffer, |circle| {
//!     circle.set_radius(1.5);
//! })?;
//! ```
//!
//! There is a command of the same name too, which can also `--check` that a file in a repository is up to date.
//!
//! # What becomes what
//!
//! | .proto | Rust |
//! |---|---|
//! | package `a.b` | `mod a { mod b { … } }` |
//! | message `TrackEvent` | `struct TrackEvent<'w>`, with `new`, `encode`, `raw` and a method per field |
//! | what is declared in it | `mod track_event { … }` |
//! | singular field `x` | `set_x(value)`; of a message or group: `set_x(\|child\| …)` |
//! | repeated field `x` | `add_x(value)`, once per element |
//! | packed field `x` | `add_x(&[…])`, all elements at once |
//! | map field `x` | `add_x(key, value)`, once per entry |
//! | the number of field `x` | `TrackEvent::X_FIELD_NUMBER` |
//! | extensions of `TrackEvent` | `trait TrackEventExtensions`, where they are declared, with a method per extension |
//! | enum `Type` | `struct Type(i32)` with a constant per value, named as in the .proto file |
//!
//! Setters always write, also a value that is the default. A message whose length is bounded has a `MAX_LEN`. Names that
//! are not Rust's (`fooBar`, `type`, `Self`) are adapted; two that become one are an error.
//!
//! An extension whose method the message has itself, for a field of the same name, gets one with `_extension` behind its
//! name: Rust would call the message's own without a word.
//!
//! A message that lacks a required field, or has two fields of a oneof, is not encoded: `encode` returns an error that
//! names the field. What is checked is known at compile time nearly always, and costs nothing then.
//!
//! All of the inputs is generated, and of the files that they import what they need. The output is one file, `no_std`,
//! without `unsafe`, the same for the same inputs on every machine.
//!
//! # Supported, and not
//!
//! proto2 and proto3 whole: all scalar types, enums, nested types, repeated and packed fields, oneofs, maps, `optional` in
//! proto3, required fields, groups, extensions, message sets, imports, public and weak ones too, and
//! google/protobuf/*.proto even where no include directory has them.
//!
//! Editions 2023 and 2024 are read from a [descriptor set](Config::descriptor_set), and refused as text.
//!
//! Custom options and services write nothing: they are left out, and [noted](Generated::notes). What
//! is legal in no .proto file, such as a field number that is reserved, an option that there is not, or a default of another
//! type, is refused too, also what other compilers let pass.
//!
//! Comments become documentation: text, whatever it looks like, never a link or a test.

#![forbid(unsafe_code)]

mod api;
mod builtin;
mod check;
mod config;
mod emit;
mod error;
mod externs;
mod features;
mod frontend;
mod ir;
#[cfg(test)]
mod large;
mod load;
mod lower;
mod names;
mod observer;
mod overwrite;
mod parse;
mod resolve;
mod want;

pub use crate::api::{Setter, Shape, ValueType, Writer};
pub use crate::check::Note;
pub use crate::config::{Config, Generated};
pub use crate::error::{Error, Origin};
pub use crate::observer::{Counter, Observer, Phase};

#[cfg(test)]
#[path = "../tests/tree/mod.rs"]
mod testing;
