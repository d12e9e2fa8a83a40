//! What is at the edge of what there can be: the longest texts, the deepest tracks, the largest sums, the shortest times.

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use pftrace::{Frame, NamedCounter, NamedTrack, Policy, Session, begin, counter, end, instant, now_ns};
use pftrace_testkit::{Arg, check, compare_decoders};

use crate::{alone, record, record_as};

/// As all texts are.
#[test]
fn a_long_correlation_id_is_cut() {
    let long = "ä".repeat(50_000);
    let (trace, report) = record_as(
        |builder| builder,
        |_| {
            instant!(correlation_id: &long, "edge", "long");
            instant!(correlation_id: "short", "edge", "short");
        },
    );
    assert_eq!((report.events, report.lost(), report.threads[0].truncated), (2, 0, 1), "{report:?}");
    let Some(loaded) = check(&trace) else { return };
    let id = |name| match &loaded.slices_named(name)[0].args["correlation_id"] {
        Arg::Text(text) => text.clone(),
        other => panic!("{other:?}"),
    };
    assert!(id("long").len() > 1_000 && id("long").ends_with("ä…"));
    assert_eq!(id("short"), "short");
}

/// The innermost frames are there.
#[test]
fn a_deep_callstack_is_cut() {
    let name = |number: usize| format!("a function of some length in some module {number}");
    let names: Vec<_> = (0..2_000).map(name).collect();
    let (trace, report) = record_as(
        |builder| builder,
        |_| {
            let frames: Vec<_> = names.iter().map(|name| Frame::function(name)).collect();
            instant!(callstack: &frames, "edge", "deep");
        },
    );
    assert_eq!((report.events, report.lost(), report.threads[0].truncated), (1, 0, 1), "{report:?}");
    let Some(packets) = compare_decoders(&trace) else { return };
    let frames = packets.iter().find_map(|packet| packet["track_event"]["callstack"]["frames"].as_array()).unwrap();
    let shown: Vec<_> = frames.iter().map(|frame| frame["function_name"].as_str().unwrap()).collect();
    assert!(shown.len() > 20, "{}", shown.len());
    assert_eq!(shown[0], "…");
    assert_eq!(shown[1..], names[names.len() + 1 - shown.len()..]);
}

/// What lies under more tracks than the trace processor follows is there all the same, whatever is recorded on first.
#[test]
fn the_longest_lines_of_tracks_are_shown() {
    static OUTERMOST: NamedTrack = NamedTrack::new("edge-0");
    let recorded = record(|| {
        let mut track: &'static NamedTrack = &OUTERMOST;
        for depth in 1..=200 {
            instant!(track: track, "edge", "on a line");
            track = NamedTrack::new(format!("edge-{depth}").leak()).parent(track).leak();
        }
    });
    let Some((loaded, _)) = recorded else { return };
    assert_eq!(loaded.slices_named("on a line").len(), 200);
    let under = loaded.tracks.values().filter(|track| {
        let parent = track.parent.and_then(|parent| loaded.tracks.get(&parent));
        parent.is_some_and(|parent| parent.name.as_deref().is_some_and(|name| name.starts_with("edge-")))
    });
    assert_eq!(under.count(), 200 - 4);
}

/// A sum that has no room among the integers goes on, and comes back.
#[test]
fn sums_do_not_wrap() {
    static SUM: NamedCounter = NamedCounter::new("edge-sum").incremental();
    let recorded = record(|| {
        for value in [i64::MAX, i64::MAX, -i64::MAX, -i64::MAX, 7] {
            counter!(track: &SUM, "edge", value);
        }
    });
    let Some((loaded, _)) = recorded else { return };
    let values: Vec<_> = loaded.counter_values("edge-sum").into_iter().map(|(_, value)| value).collect();
    let most = i64::MAX as f64;
    assert_eq!(values, [most, 2.0 * most, most, 0.0, 7.0]);
}

/// Who does not wait at all is told of what was not delivered, and of nothing else.
#[test]
fn what_is_delivered_at_once_is_in_time() {
    let _alone = alone();
    for policy in [Policy::Stream, Policy::Discard, Policy::FlightRecorder] {
        let builder = Session::builder().policy(policy).buffer_bytes(1 << 20).categories("");
        let builder = builder.writer(io::sink()).drain_by_caller().stop_timeout(Duration::ZERO);
        let session = builder.start().unwrap();
        instant!("edge", "event");
        match session.stop() {
            Ok(report) => assert_eq!(report.events, 1),
            Err(error) => panic!("{policy:?}: {error}"),
        }
    }
}

/// An `Instant` to come is when it will be.
#[test]
fn an_instant_may_be_to_come() {
    let mut expected = 0;
    let recorded = record(|| {
        expected = now_ns() + 10_000_000_000;
        instant!(at: Instant::now() + Duration::from_secs(10), "edge", "to come");
    });
    let Some((loaded, _)) = recorded else { return };
    let found = loaded.slices_named("to come")[0].ts as u64;
    assert!(found.abs_diff(expected) < 1_000_000_000, "{found} {expected}");
}

/// A slice that could not be begun on a track, since its thread is at its end, ends no other there.
#[test]
fn the_end_of_what_was_not_begun_on_a_track_ends_nothing() {
    static TRACK: NamedTrack = NamedTrack::new("edge-track");
    struct AtEnd;
    impl Drop for AtEnd {
        fn drop(&mut self) {
            begin!(track: &TRACK, "edge", "at the end");
            end!(track: &TRACK, "edge");
        }
    }
    thread_local!(static FIRST: AtEnd = const { AtEnd });
    let (trace, report) = record_as(
        |builder| builder,
        |_| {
            begin!(track: &TRACK, "edge", "around");
            let at_end = || {
                // It is destroyed last.
                FIRST.with(|_| ());
                instant!("edge", "recorded");
            };
            std::thread::spawn(at_end).join().unwrap();
            instant!(track: &TRACK, "edge", "within");
            end!(track: &TRACK, "edge");
        },
    );
    let Some(loaded) = check(&trace) else { return };
    assert_eq!(loaded.slices_named("within")[0].depth, 1, "{report:?}");
    assert_eq!(loaded.slices_named("around").len(), 1);
}

/// A sink that panics when it is dropped does so at the end of the session, not in place of it.
#[test]
fn another_session_follows_a_sink_that_panics_when_it_is_dropped() {
    struct Panics(Vec<u8>);
    impl Write for Panics {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    impl Drop for Panics {
        fn drop(&mut self) {
            assert!(self.0.is_empty(), "as it should");
        }
    }
    let _alone = alone();
    let session =
        Session::builder().buffer_bytes(1 << 20).writer(Panics(Vec::new())).drain_by_caller().start().unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| session.stop())).is_err());
    let next = Session::builder().buffer_bytes(1 << 20).writer(io::sink()).start().unwrap();
    next.stop().unwrap();
}
