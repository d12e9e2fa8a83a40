//! Tracks that a program declares: what they are called, what they lie under, what is on them.

use std::collections::BTreeMap;

use pftrace::{
    ChildOrdering, Lanes, NamedCounter, NamedTrack, SiblingMerge, TrackSlice, Unit, begin, counter, end, instant, slice,
};
use pftrace_testkit::{Arg, Loaded, Track};

use crate::{record, record_as};

fn track<'l>(loaded: &'l Loaded, name: &str) -> (i64, &'l Track) {
    let named: Vec<_> = loaded.tracks.iter().filter(|(_, track)| track.name.as_deref() == Some(name)).collect();
    assert_eq!(named.len(), 1, "{name}");
    (*named[0].0, named[0].1)
}

#[test]
fn tracks_have_names_and_parents() {
    static NETWORK: NamedTrack =
        NamedTrack::new("t-network").child_ordering(ChildOrdering::Explicit).description("all that is on the wire");
    static DOWN: NamedTrack = NamedTrack::new("t-down").parent(&NETWORK).sibling_order_rank(2);
    static UP: NamedTrack =
        NamedTrack::new("t-up").parent(&NETWORK).sibling_order_rank(-1).sibling_merge(SiblingMerge::ByKey("wire"));
    static ROOT: NamedTrack = NamedTrack::new("t-root").root();
    static ALONE: NamedTrack = NamedTrack::new("t-alone").sibling_merge(SiblingMerge::Never);
    let recorded = record(|| {
        // A child before its parent, which nothing is recorded on.
        instant!(track: &DOWN, "t", "a");
        instant!(track: &UP, "t", "b");
        instant!(track: &ROOT, "t", "c");
        instant!(track: &ALONE, "t", "d");
        let made = NamedTrack::new(String::from("t-made").leak()).parent(&DOWN).leak();
        let _slice = slice!(track: made, "t", "e");
    });
    let Some((loaded, _)) = recorded else { return };
    let (network, described) = track(&loaded, "t-network");
    assert!(described.upid.is_some() && described.parent.is_none(), "{described:?}");
    assert_eq!(described.args["child_ordering"], Arg::Text("explicit".into()));
    assert_eq!(described.args["description"], Arg::Text("all that is on the wire".into()));
    let (down, described) = track(&loaded, "t-down");
    assert_eq!((described.parent, &described.args["sibling_order_rank"]), (Some(network), &Arg::Int(2)));
    let (_, described) = track(&loaded, "t-up");
    assert_eq!((described.parent, &described.args["sibling_order_rank"]), (Some(network), &Arg::Int(-1)));
    assert_eq!(track(&loaded, "t-made").1.parent, Some(down));
    let (_, root) = track(&loaded, "t-root");
    assert_eq!((root.parent, root.upid), (None, None));
    track(&loaded, "t-alone");
    for (name, on) in [("a", "t-down"), ("b", "t-up"), ("c", "t-root"), ("d", "t-alone"), ("e", "t-made")] {
        assert_eq!(loaded.track_name(loaded.slices_named(name)[0]).as_deref(), Some(on));
    }
}

#[test]
fn other_processes_have_tracks() {
    static SERVER: NamedTrack = NamedTrack::process(4_242, "server");
    static WORKER: NamedTrack = NamedTrack::thread(4_242, 4_243, "worker");
    static QUEUE: NamedTrack = NamedTrack::new("p-queue").parent(&SERVER);
    static LOAD: NamedCounter = NamedCounter::new("p-load").parent(&SERVER);
    static NOBODY: NamedTrack = NamedTrack::process(0, "p-nobody");
    static TOO_MANY: NamedTrack = NamedTrack::thread(u32::MAX, 1, "p-too many");
    let recorded = record(|| {
        let _on = slice!(track: &SERVER, "p", "on the process");
        let _work = slice!(track: &WORKER, "p", "on the thread");
        instant!(track: &QUEUE, "p", "queued");
        instant!(track: &NOBODY, "p", "x");
        instant!(track: &TOO_MANY, "p", "y");
        counter!(track: &LOAD, "p", 0.5);
    });
    let Some((loaded, _)) = recorded else { return };
    let (upid, server) = loaded.processes.iter().find(|(_, process)| process.pid == 4_242).unwrap();
    assert_eq!(server.name.as_deref(), Some("server"));
    let (utid, worker) = loaded.threads.iter().find(|(_, thread)| thread.tid == 4_243).unwrap();
    assert_eq!((worker.name.as_deref(), worker.upid), (Some("worker"), Some(*upid)));
    let place = |name| {
        let slice = loaded.slices_named(name)[0];
        let track = &loaded.tracks[&slice.track];
        (track.name.as_deref(), track.upid, track.utid)
    };
    assert_eq!(place("on the process").1, Some(*upid));
    assert_eq!(place("on the thread").2, Some(*utid));
    assert_eq!((place("queued").0, place("queued").1), (Some("p-queue"), Some(*upid)));
    assert_eq!((place("x").0, place("y").0), (Some("p-nobody"), Some("p-too many")));
    assert_eq!(track(&loaded, "p-load").1.upid, Some(*upid));
    assert_eq!(loaded.counter_values("p-load").len(), 1);
}

#[test]
fn counters_have_units_and_sums() {
    static GROUP: NamedTrack = NamedTrack::new("c-group");
    static HEAP: NamedCounter = NamedCounter::new("c-heap").unit(Unit::SizeBytes).unit_multiplier(1024);
    static TIME: NamedCounter = NamedCounter::new("c-time").unit(Unit::TimeNs).y_axis_share_key("times");
    static COUNT: NamedCounter = NamedCounter::new("c-count").unit(Unit::Count).parent(&GROUP);
    static OTHER: NamedCounter = NamedCounter::new("c-other").unit(Unit::Named("apples")).description("fruit");
    static SUM: NamedCounter = NamedCounter::new("c-sum").incremental();
    static MIXED: NamedCounter = NamedCounter::new("c-mixed").incremental();
    let recorded = record(|| {
        counter!(track: &HEAP, "c", 4_u8);
        counter!(track: &TIME, at: pftrace::now_ns() - 1_000_000, "c", -1);
        counter!(track: &COUNT, "c", 7_usize);
        counter!(track: &OTHER, "c", 0.25);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..100).for_each(|_| counter!(track: &SUM, "c", 3)));
            }
        });
        counter!(track: &SUM, "c", -1_000);
        counter!(track: &MIXED, "c", i64::MAX / 2);
        counter!(track: &MIXED, "c", 0.5);
        counter!(track: &MIXED, "c", -i64::MAX / 2);
    });
    let Some((loaded, report)) = recorded else { return };
    assert_eq!(report.events, 408);
    let values = |name| loaded.counter_values(name).iter().map(|(_, value)| *value).collect::<Vec<_>>();
    let unit = |name| track(&loaded, name).1.unit.clone().unwrap_or_default();
    assert_eq!((values("c-heap"), unit("c-heap")), (vec![4096.0], "bytes".into()));
    assert_eq!((values("c-time"), unit("c-time")), (vec![-1.0], "ns".into()));
    assert_eq!((values("c-count"), unit("c-count")), (vec![7.0], "count".into()));
    assert_eq!((values("c-other"), unit("c-other")), (vec![0.25], "apples".into()));
    assert_eq!(track(&loaded, "c-time").1.args["y_axis_share_key"], Arg::Text("times".into()));
    assert_eq!(track(&loaded, "c-count").1.parent, Some(track(&loaded, "c-group").0));
    // Threads' clocks may differ by some nanoseconds, so two neighbours may change places.
    let mut sums = values("c-sum");
    assert_eq!(sums.pop(), Some(1_200.0 - 1_000.0));
    sums.sort_by(f64::total_cmp);
    assert!(sums.iter().enumerate().all(|(number, &sum)| sum == 3.0 * (number + 1) as f64), "{sums:?}");
    assert_eq!(values("c-mixed").last(), Some(&0.5));
}

/// One event sets several counters, each at its time.
#[test]
fn an_event_sets_counters() {
    static A: NamedCounter = NamedCounter::new("x-a");
    static B: NamedCounter = NamedCounter::new("x-b").unit(Unit::Named("°C"));
    static SUM: NamedCounter = NamedCounter::new("x-sum").incremental();
    let recorded = record(|| {
        let slice = slice!(counters: [(&A, 1), (&B, 20.5), (&SUM, 2)], "x", "counted", text = "t");
        end_of(slice);
        instant!(counters: [(&A, 3_u8), (&SUM, true),], "x", "all of one kind");
    });
    fn end_of(slice: pftrace::SliceGuard) {
        pftrace::end!(slice: slice, counters: [(&A, 2)]);
    }
    let Some((loaded, _)) = recorded else { return };
    let slice = loaded.slices_named("counted")[0];
    let instant = loaded.slices_named("all of one kind")[0];
    assert_eq!(loaded.counter_values("x-a"), [(slice.ts, 1.0), (slice.ts + slice.dur, 2.0), (instant.ts, 3.0)]);
    assert_eq!(loaded.counter_values("x-b"), [(slice.ts, 20.5)]);
    assert_eq!(loaded.counter_values("x-sum"), [(slice.ts, 2.0), (instant.ts, 3.0)]);
    assert_eq!(slice.args["debug.text"], Arg::Text("t".into()));
}

/// As many tracks as there was work at once, each slice whole, begun on one thread and ended on another.
#[test]
fn overlapping_work_is_on_as_many_tracks_as_ever_at_once() {
    static REQUESTS: Lanes = Lanes::new("l-request").description("what is asked");
    const ROUNDS: usize = 50;
    const AT_ONCE: usize = 20;
    let recorded = record(|| {
        let (send, receive) = std::sync::mpsc::sync_channel::<TrackSlice>(AT_ONCE - 2);
        let ends = std::thread::spawn(move || {
            let mut held = Vec::new();
            for slice in receive {
                if let Some(lane) = slice.track() {
                    let _within = slice!(track: lane, "l", "within");
                    instant!(track: lane, "l", "moment");
                }
                held.push(slice);
                if held.len() == 2 {
                    drop(held.swap_remove(0));
                }
            }
        });
        for number in 0..ROUNDS * AT_ONCE {
            send.send(slice!(track: &REQUESTS, "l", "request", number)).unwrap();
        }
        drop(send);
        ends.join().unwrap();
    });
    let Some((loaded, report)) = recorded else { return };
    assert_eq!(report.events as usize, 5 * ROUNDS * AT_ONCE);
    let requests = loaded.slices_named("request");
    assert_eq!(requests.len(), ROUNDS * AT_ONCE);
    assert!(requests.iter().all(|slice| slice.depth == 0 && slice.dur > 0));
    for name in ["within", "moment"] {
        assert!(loaded.slices_named(name).iter().all(|slice| slice.depth == 1 + i64::from(name == "moment")));
    }
    let mut on: BTreeMap<i64, Vec<_>> = BTreeMap::new();
    requests.iter().for_each(|slice| on.entry(slice.track).or_default().push(slice));
    assert!((2..=AT_ONCE + 1).contains(&on.len()), "{} lanes", on.len());
    for slices in on.values() {
        assert!(slices.windows(2).all(|pair| pair[0].ts + pair[0].dur < pair[1].ts));
    }
    let lanes = loaded.tracks.values().filter(|track| track.name.as_deref() == Some("l-request"));
    assert_eq!(lanes.count(), on.len());
}

/// What begins while all lanes are taken is dropped, and counted; a lane that was given back is taken again.
#[test]
fn lanes_are_bounded() {
    static FEW: Lanes<2> = Lanes::new("b-few");
    let (trace, report) = record_as(
        |builder| builder,
        |_| {
            let first = slice!(track: &FEW, "b", "first");
            let _second = slice!(track: &FEW, "b", "second");
            let third = slice!(track: &FEW, "b", "third");
            assert!(third.track().is_none());
            drop(first);
            let _fourth = slice!(track: &FEW, "b", "fourth");
            drop(third);
        },
    );
    assert_eq!((report.events, report.dropped.too_many_tracks, report.dropped.total()), (6, 1, 1));
    let Some(loaded) = crate::losses::check_lossy(&trace, 1) else { return };
    let lane = |name| loaded.slices_named(name)[0].track;
    assert_eq!(lane("first"), lane("fourth"));
    assert_ne!(lane("first"), lane("second"));
    assert!(loaded.slices_named("third").is_empty());
}

/// A slice that is open when its session ends has no end in the next, and gives its lane back.
#[test]
fn slices_belong_to_their_session() {
    static LANES: Lanes<1> = Lanes::new("s-lane");
    static TRACK: NamedTrack = NamedTrack::new("s-track");
    let mut open = Vec::new();
    let recorded = record(|| {
        open.push(slice!(track: &LANES, "s", "of the first"));
        pftrace::begin!(track: &TRACK, "s", "open for ever");
    });
    let second = record(|| {
        let _outer = slice!(track: &TRACK, "s", "of the second");
        open.clear();
        pftrace::end!(track: &TRACK, "s");
        let _lane = slice!(track: &LANES, "s", "on the lane");
    });
    let (Some((first, _)), Some((second, report))) = (recorded, second) else { return };
    assert_eq!((report.events, report.ignored), (4, 1));
    assert!(first.slices.iter().all(|slice| slice.dur == -1) && first.slices.len() == 2);
    assert!(second.slices.iter().all(|slice| slice.dur > 0) && second.slices.len() == 2);
}

/// Tracks that lie under each other in a circle: the trace processor refuses a trace with one.
#[test]
fn a_circle_of_parents_is_cut() {
    static FIRST: NamedTrack = NamedTrack::new("o-first").parent(&SECOND);
    static SECOND: NamedTrack = NamedTrack::new("o-second").parent(&FIRST);
    let recorded = record(|| {
        instant!(track: &FIRST, "o", "a");
        instant!(track: &SECOND, "o", "b");
    });
    let Some((loaded, _)) = recorded else { return };
    let ((first, one), (second, other)) = (track(&loaded, "o-first"), track(&loaded, "o-second"));
    assert!((one.parent, other.parent) == (Some(second), None) || (one.parent, other.parent) == (None, Some(first)));
}

/// The order on a track is that of the calls, of whatever thread.
#[test]
fn threads_take_turns_on_a_track() {
    static TURNS: NamedTrack = NamedTrack::new("turns");
    let turn = std::sync::Mutex::new(0_u64);
    let recorded = record(|| {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..300 {
                        let mut number = turn.lock().unwrap();
                        let _turn = slice!(track: &TURNS, "o", "turn", number = *number);
                        instant!(track: &TURNS, "o", "within");
                        *number += 1;
                    }
                });
            }
        });
    });
    let Some((loaded, _)) = recorded else { return };
    let turns = loaded.slices_named("turn");
    let numbers: Vec<_> = turns.iter().map(|turn| turn.args["debug.number"].clone()).collect();
    assert_eq!(numbers, (0..1_200).map(Arg::Uint).collect::<Vec<_>>());
    assert!(turns.windows(2).all(|pair| pair[0].ts + pair[0].dur < pair[1].ts && pair[0].dur > 0));
    assert!(loaded.slices_named("within").iter().all(|instant| instant.depth == 1));
}

/// Each begins one and ends one, whichever: what is open is ended, and none is taken for ended before it has begun.
#[test]
fn several_threads_begin_and_end_on_one_track() {
    static SHARED: NamedTrack = NamedTrack::new("shared by threads");
    let recorded = record(|| {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for number in 0..1_000 {
                        begin!(track: &SHARED, "shared", "step", number);
                        end!(track: &SHARED, "shared");
                    }
                });
            }
        });
    });
    let Some((loaded, report)) = recorded else { return };
    assert_eq!((report.events, report.lost(), report.ignored), (8_000, 0, 0), "{report}");
    let steps = loaded.slices_named("step");
    assert_eq!((steps.len(), steps.iter().filter(|step| step.dur < 0).count()), (4_000, 0));
}
