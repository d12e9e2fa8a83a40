//! Candidates for the recording path: one recorder, with four ways to own and to reclaim the chunk that a thread
//! writes into. `unsafe` is at home here: these are sketches to measure, not the product.
//!
//! A **region** is cut into chunks. Each recording thread has a **slot** with one control word, in a cache line of its
//! own: the chunk it holds, the bytes and packets committed there, and whether an event is open. Chunks travel
//! free → held by a thread → complete → read by the drain → free, through two queues of chunk numbers.

mod drain;
pub mod ownership;
mod region;
#[cfg(test)]
mod tests;
mod writer;

pub use drain::{Drain, Pace, Sink};
pub use region::{Region, RegionOptions, map};
pub use writer::{BEGIN, END, ON, Writer};
