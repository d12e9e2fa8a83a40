//! What callers say wrong, too large or at the edge: a trace with the rows that were asked for, or an error that says
//! what was expected and what was found; and the next call works.
//!
//! Texts that are not UTF-8 are not here: all texts are `&str`, so there is no way to give one.
#![cfg(feature = "std")]

mod calls;
mod nesting;
mod numbers;
mod texts;

use pftrace::{Error, IoSink, TraceWriter, Track};
use pftrace_testkit::{Arg, Loaded, check};

type Trace = TraceWriter<IoSink<Vec<u8>>>;

fn trace() -> (Trace, Track) {
    let mut trace = Trace::new(Vec::new());
    let track = trace.track("work").describe().unwrap();
    (trace, track)
}

/// Makes a call that must be refused with `message` and must not be seen in the trace.
#[track_caller]
fn refused<T>(trace: &mut Trace, message: &str, call: impl FnOnce(&mut Trace) -> Result<T, Error>) {
    let before = (trace.packets(), trace.bytes());
    match call(trace) {
        Ok(_) => panic!("not refused: {message}"),
        Err(error) => assert_eq!(error.to_string(), message),
    }
    assert_eq!((trace.packets(), trace.bytes()), before, "something was written");
}

/// Ends a trace that holds, beside anything else, an event that was written after all errors.
#[track_caller]
fn finish(mut trace: Trace, track: &Track) -> Option<Loaded> {
    trace
        .instant_with(track, i64::MAX as u64, "the next call", |event| _ = event.category("still").arg("works", true))
        .unwrap();
    let loaded = check(&trace.finish().unwrap())?;
    let next = loaded.slices_named("the next call");
    assert_eq!(next.len(), 1);
    assert_eq!((next[0].ts, next[0].category.as_deref()), (i64::MAX, Some("still")));
    assert_eq!(next[0].args["debug.works"], Arg::Bool(true));
    Some(loaded)
}
