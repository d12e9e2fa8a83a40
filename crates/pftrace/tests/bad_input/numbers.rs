//! Times, ids and values at their ends.

use pftrace::{ChildOrdering, Clock, CounterValue, Event, TraceWriter, Value};
use pftrace_testkit::Arg;

use crate::{finish, refused, trace};

#[test]
fn timestamps_beyond_i64() {
    let (mut trace, mut track) = trace();
    let counter = trace.counter_track("counter").describe().unwrap();
    let state = trace.state_track("state").describe().unwrap();
    for late in [i64::MAX as u64 + 1, u64::MAX] {
        let message = format!("expected a timestamp of at most 9223372036854775807 ns, found {late}");
        refused(&mut trace, &message, |trace| trace.begin(&mut track, late, "slice"));
        refused(&mut trace, &message, |trace| trace.instant(&track, late, "instant"));
        refused(&mut trace, &message, |trace| trace.instant(&track, Clock::Simulated.at(late), "instant"));
        refused(&mut trace, &message, |trace| trace.instant(&track, Clock::Realtime.at(late), "instant"));
        refused(&mut trace, &message, |trace| trace.counter(&counter, late, 1));
        refused(&mut trace, &message, |trace| trace.state(&state, late, "state"));
        refused(&mut trace, &message, |trace| trace.idle(&state, late));
        refused(&mut trace, &message, |trace| trace.packet_at(late, |_| {}));
        refused(&mut trace, &message, |trace| trace.clock_snapshot(&[(Clock::Simulated, late)]));
        refused(&mut trace, &message, |trace| trace.clock_snapshot(&[(Clock::Simulated, 0), (Clock::Realtime, late)]));
    }
    assert_eq!(track.open_slices(), 0);
    trace.begin(&mut track, 0, "all of time").unwrap();
    refused(&mut trace, "expected a timestamp of at most 9223372036854775807 ns, found 9223372036854775808", |trace| {
        trace.end(&mut track, 1 << 63)
    });
    assert_eq!(track.open_slices(), 1);
    trace.end(&mut track, i64::MAX as u64).unwrap();
    let Some(loaded) = finish(trace, &track) else { return };
    let slice = loaded.slices_named("all of time")[0];
    assert_eq!((slice.ts, slice.dur), (0, i64::MAX));
}

#[test]
fn time_that_goes_back() {
    let (mut trace, mut track) = trace();
    let counter = trace.counter_track("counter").describe().unwrap();
    trace.begin(&mut track, 1_000, "outer").unwrap();
    let message = |found| {
        format!("expected a timestamp of at least 1000 ns, the last one of a slice on this track, found {found}")
    };
    refused(&mut trace, &message(999), |trace| trace.begin(&mut track, 999, "inner"));
    refused(&mut trace, &message(0), |trace| trace.end(&mut track, 0));
    // What is not nested may come in any order.
    for time in (0..10).rev() {
        trace.instant(&track, time * 100, &format!("at {}", time * 100)).unwrap();
        trace.counter(&counter, time * 100, time).unwrap();
    }
    trace.end(&mut track, 1_000).unwrap();
    let Some(loaded) = finish(trace, &track) else { return };
    for time in 0..10 {
        assert_eq!(loaded.slices_named(&format!("at {}", time * 100))[0].ts, time * 100);
    }
    assert_eq!(loaded.counter_values("counter"), (0..10).map(|n| (n * 100, n as f64)).collect::<Vec<_>>());
    assert_eq!((loaded.slices_named("outer")[0].ts, loaded.slices_named("outer")[0].dur), (1_000, 0));
    assert_eq!(loaded.slices.len(), 12, "nothing that was refused");
}

#[test]
fn ids_that_mean_something_else() {
    let (mut trace, track) = trace();
    let process = trace.process_track(1).describe().unwrap();
    let message = "expected a process or thread id other than 0, which is the kernel's idle thread";
    refused(&mut trace, message, |trace| trace.process_track(0).name("idle").describe());
    refused(&mut trace, message, |trace| trace.thread_track(&process, 0).name("idle").describe());
    for pid in [-1, i32::MIN] {
        let message = format!("expected a process id above 0, found {pid}");
        refused(&mut trace, &message, |trace| trace.process_track(pid).name("negative").describe());
    }
    let message = "expected track 0, the root of all others, to have no parent, found one";
    refused(&mut trace, message, |trace| trace.track("root").uuid(0).parent(&process).describe());
    let root = trace.track("").uuid(0).child_ordering(ChildOrdering::Lexicographic).describe().unwrap();
    let child = trace.track("child of the root").parent(&root).describe().unwrap();
    trace.instant(&child, 1, "below the root").unwrap();
    let Some(loaded) = finish(trace, &track) else { return };
    let slice = loaded.slices_named("below the root")[0];
    assert_eq!(loaded.track_name(slice).as_deref(), Some("child of the root"));
    assert!(loaded.processes.values().all(|process| process.pid == 1));
}

#[test]
fn clocks_that_nothing_relates_and_bad_snapshots() {
    let (mut trace, mut track) = trace();
    let unknown = "expected a clock that a snapshot has related to the trace's, found Boottime";
    refused(&mut trace, unknown, |trace| trace.instant(&track, Clock::Boottime.at(1), "elsewhere"));
    refused(&mut trace, unknown, |trace| trace.begin(&mut track, Clock::Boottime.at(1), "elsewhere"));
    refused(&mut trace, unknown, |trace| trace.packet_at(Clock::Boottime.at(1), |_| {}));
    let own = "bad clock snapshot: expected the trace's own clock among the readings";
    refused(&mut trace, own, |trace| trace.clock_snapshot(&[]));
    refused(&mut trace, own, |trace| trace.clock_snapshot(&[(Clock::Boottime, 1)]));
    let twice = "bad clock snapshot: expected each clock once";
    refused(&mut trace, twice, |trace| trace.clock_snapshot(&[(Clock::Simulated, 1), (Clock::Simulated, 1)]));
    // None of them has related the clock.
    refused(&mut trace, unknown, |trace| trace.instant(&track, Clock::Boottime.at(1), "elsewhere"));
    trace.clock_snapshot(&[(Clock::Simulated, 1_000), (Clock::Boottime, 5_000)]).unwrap();
    let back = "bad clock snapshot: expected the trace's own clock to go forward from one to the next";
    refused(&mut trace, back, |trace| trace.clock_snapshot(&[(Clock::Simulated, 999), (Clock::Boottime, 5_000)]));
    trace.instant(&track, Clock::Boottime.at(5_500), "related").unwrap();
    let Some(loaded) = finish(trace, &track) else { return };
    assert_eq!(loaded.slices_named("related")[0].ts, 1_500);
    assert_eq!(loaded.slices.len(), 2);
}

#[test]
fn the_largest_and_smallest_numbers() {
    let mut trace = TraceWriter::builder().first_track_uuid(u64::MAX).build(Vec::new());
    let counter = trace.counter_track("counter").describe().unwrap();
    let track = trace.track("after the last uuid").sibling_order_rank(i32::MIN).describe().unwrap();
    assert_eq!((counter.uuid(), track.uuid()), (u64::MAX, 1));
    let process = trace.process_track(i32::MAX).name("last").start_timestamp_ns(i64::MAX).describe().unwrap();
    let thread = trace.thread_track(&process, i64::from(i32::MAX) - 1).name("last but one").describe().unwrap();
    let chosen = trace.track("chosen").uuid(u64::MAX - 1).parent(&process).describe().unwrap();
    for (time, track) in [&track, &thread, &chosen].into_iter().enumerate() {
        let annotate = |event: &mut Event<'_>| {
            event.arg("uint", u64::MAX).arg("int", i64::MIN).arg("pointer", Value::Pointer(u64::MAX));
            event
                .arg("infinite", f64::INFINITY)
                .arg("nan", f64::NAN)
                .arg("tiny", f64::from_bits(1))
                .arg("f32", f32::MAX);
            event.flow(u64::MAX).source_location("f", "g", u32::MAX);
        };
        trace.instant_with(track, time as u64, "extreme", annotate).unwrap();
    }
    let values =
        [u64::MAX.into(), i64::MIN.into(), f64::NEG_INFINITY.into(), f64::MAX.into(), CounterValue::from(i64::MAX)];
    for (time, value) in values.into_iter().enumerate() {
        trace.counter(&counter, time as u64, value).unwrap();
    }
    let Some(loaded) = finish(trace, &track) else { return };
    let extreme = loaded.slices_named("extreme");
    let names: Vec<_> = extreme.iter().map(|slice| loaded.track_name(slice).unwrap_or_default()).collect();
    assert_eq!(names, ["after the last uuid", "last but one", "chosen"]);
    for slice in &extreme {
        assert_eq!(slice.args["debug.uint"], Arg::Uint(u64::MAX));
        assert_eq!(slice.args["debug.int"], Arg::Int(i64::MIN));
        assert_eq!(slice.args["debug.pointer"], Arg::Pointer(u64::MAX));
        assert_eq!(slice.args["debug.infinite"], Arg::Real(f64::INFINITY));
        // SQL has no NaN.
        assert_eq!(slice.args["debug.nan"], Arg::Null);
        assert_eq!(slice.args["debug.tiny"], Arg::Real(f64::from_bits(1)));
        assert_eq!(slice.args["debug.f32"], Arg::Real(f64::from(f32::MAX)));
        assert_eq!(slice.args["source.line_number"], Arg::Uint(u64::from(u32::MAX)));
    }
    assert_eq!(loaded.flows, [(extreme[0].id, extreme[1].id), (extreme[1].id, extreme[2].id)]);
    let values: Vec<_> = loaded.counter_values("counter").into_iter().map(|(_, value)| value).collect();
    assert_eq!(values, [u64::MAX as f64, i64::MIN as f64, f64::NEG_INFINITY, f64::MAX, i64::MAX as f64]);
    assert!(loaded.processes.values().any(|p| p.pid == i64::from(i32::MAX) && p.name.as_deref() == Some("last")));
    assert!(loaded.threads.values().any(|thread| thread.tid == i64::from(i32::MAX) - 1));
}
