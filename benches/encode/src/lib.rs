//! What the encoder is measured with: messages, the plain arguments they are made from, and contenders that encode them.

#![allow(missing_docs)]

// Micropb's generated code boxes what is recursive.
extern crate alloc;

pub mod args;
pub mod cases;
pub mod contender;
pub mod floor;
pub mod hand;
pub mod ours;
pub mod peers;
pub mod proto;
