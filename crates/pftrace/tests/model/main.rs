//! The judge of the writer: random programs of calls, and a model of them that knows nothing of how they are written.
//!
//! ```text
//! program -> TraceWriter -> bytes -> decoder -> reader -> records   = the model's records
//!        \                       \-> trace processor   -> rows      = the rows predicted from these
//!         \-> model -> what each call returns, records -> rows
//! ```
//!
//! `PROPTEST_CASES` says how many programs; `PROPTEST_RNG_SEED` which. Nothing is random unless that is set.

mod args;
mod calls;
mod clocks;
mod events;
mod faults;
mod generate;
mod judge;
mod predict;
mod program;
mod reader;
mod record;
mod rows;
mod run;
mod tracks;
