//! Calls that should not be made, or that stop halfway.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pftrace::{Clock, Event, TraceWriter};
use pftrace_testkit::Arg;

use crate::nesting::nest_dicts;
use crate::{Trace, finish, refused, trace};

#[test]
fn what_belongs_to_another_writer() {
    let (mut trace, track) = trace();
    let mut other = Trace::new(Vec::new());
    let mut foreign = other.track("foreign").describe().unwrap();
    let counter = other.counter_track("foreign").describe().unwrap();
    let state = other.state_track("foreign").describe().unwrap();
    let sequence = other.add_sequence();
    let message = "expected a track of this writer, found one of another";
    refused(&mut trace, message, |trace| trace.begin(&mut foreign, 1, "slice"));
    refused(&mut trace, message, |trace| trace.instant(&foreign, 1, "instant"));
    refused(&mut trace, message, |trace| trace.counter(&counter, 1, 1));
    refused(&mut trace, message, |trace| trace.state(&state, 1, "state"));
    refused(&mut trace, message, |trace| trace.idle(&state, 1));
    refused(&mut trace, message, |trace| trace.track("child").parent(&foreign).describe());
    refused(&mut trace, message, |trace| trace.track("elsewhere").sequence(sequence).describe());
    other.begin(&mut foreign, 1, "at home").unwrap();
    refused(&mut trace, message, |trace| trace.end(&mut foreign, 2));
    assert_eq!(foreign.open_slices(), 1);
    let Some(loaded) = finish(trace, &track) else { return };
    assert_eq!(loaded.slices.len(), 1);
}

#[test]
fn nothing_at_all() {
    assert_eq!(Trace::new(Vec::new()).finish().unwrap(), [0; 0]);
    let mut trace = Trace::new(Vec::new());
    trace.flush().unwrap();
    trace.clear_incremental_state();
    trace.add_sequence();
    assert_eq!((trace.packets(), trace.bytes()), (0, 0));
    let track = trace.track("").describe().unwrap();
    trace.packet(|_| {}).unwrap();
    trace.packet_at(0, |_| {}).unwrap();
    for _ in 0..3 {
        trace.clear_incremental_state();
    }
    let Some(loaded) = finish(trace, &track) else { return };
    assert_eq!(loaded.slices.len(), 1);
}

#[test]
fn a_closure_that_panics_writes_nothing() {
    let (mut trace, mut track) = trace();
    let before = (trace.packets(), trace.bytes());
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        trace.begin_with(&mut track, 1, "new name", |event| {
            event.category("new category").dict("new key", |dict| {
                dict.arg("inner", "new text");
                std::panic::resume_unwind(Box::new("halfway"));
            });
        })
    }));
    assert!(panicked.is_err());
    assert_eq!((trace.packets(), trace.bytes(), track.open_slices()), (before.0, before.1, 0));
    // What was new there is known in none of the packets so far.
    trace
        .begin_with(&mut track, 2, "new name", |event| _ = event.category("new category").arg("new key", "new text"))
        .unwrap();
    trace.end(&mut track, 3).unwrap();
    let Some(loaded) = finish(trace, &track) else { return };
    let slice = loaded.slices_named("new name")[0];
    assert_eq!((slice.ts, slice.dur, slice.category.as_deref()), (2, 1, Some("new category")));
    assert_eq!(slice.args["debug.new key"], Arg::Text("new text".into()));
    assert_eq!(loaded.slices.len(), 2);
}

/// A refused call defines no interned strings and takes no time: what follows names and times are as without it.
#[test]
fn refused_calls_do_not_change_the_bytes_of_others() {
    let write = |with_refused: bool| {
        let mut trace = TraceWriter::builder().max_packet_len(500).build(Vec::new());
        let mut track = trace.track("work").describe().unwrap();
        let long = "x".repeat(600);
        for time in 0..20 {
            if with_refused {
                let new = format!("new {time}");
                assert!(
                    trace
                        .begin_with(&mut track, time * 1_000, &new, |e| _ = e.category(&new).arg(&long, &new))
                        .is_err()
                );
                let deep = |event: &mut Event<'_>| _ = event.arg(&new, &new).dict("d", |dict| nest_dicts(dict, 64));
                assert!(trace.instant_with(&track, time * 1_000, "deep", deep).is_err());
                assert!(trace.instant(&track, Clock::Boottime.at(5), &new).is_err());
            }
            trace.begin_with(&mut track, time, &format!("name {}", time % 7), |e| _ = e.arg("key", "value")).unwrap();
            trace.end(&mut track, time + 1).unwrap();
        }
        trace.finish().unwrap()
    };
    assert!(write(true) == write(false));
}
