//! Buffers that are too small, and slices on tracks of their own: what was begun is ended, what was not begun is not, and what is missing
//! is counted.

use std::collections::BTreeMap;

use pftrace::{Lanes, LogPriority, NamedCounter, NamedTrack, Policy, TrackSlice, begin, end, here, instant, slice};

use crate::losses::check_lossy;
use crate::record_as;

/// A program of slices that overlap, on lanes, moved between threads, with a buffer that fills up again and again.
#[test]
fn slices_on_lanes_are_whole_or_missing() {
    static LANES: Lanes = Lanes::new("loss-lane");
    let (trace, report) = record_as(
        |builder| builder.buffer_bytes(64 << 10).drain_by_caller(),
        |session| {
            let mut open: Vec<(usize, TrackSlice)> = Vec::new();
            for number in 0..30_000_usize {
                open.push((number, slice!(track: &LANES, source_location: here!(), "loss", "work", number)));
                let thread = number % 3;
                if open.len() > 8 {
                    let (_, ended) = open.swap_remove(number * 7 % open.len());
                    if thread == 0 && number % 100 == 0 {
                        std::thread::spawn(move || drop(ended)).join().unwrap();
                    } else {
                        pftrace::end!(slice: ended, done = true);
                    }
                }
                if number % 1_500 == 0 {
                    session.drain().unwrap();
                }
            }
        },
    );
    assert!(report.dropped.no_room > 1_000 && report.dropped.total() == report.dropped.no_room, "{report:?}");
    let Some(loaded) = check_lossy(&trace, report.lost()) else { return };
    let slices = loaded.slices_named("work");
    assert_eq!(report.events as usize, 2 * slices.len());
    assert!(slices.iter().all(|slice| slice.dur > 0 && slice.depth == 0), "each is ended, and none lies in another");
    let mut on: BTreeMap<i64, Vec<_>> = BTreeMap::new();
    slices.iter().for_each(|slice| on.entry(slice.track).or_default().push(slice));
    assert!(on.len() <= 10, "{}", on.len());
    assert!(slices.iter().all(|slice| slice.args.contains_key("source.line_number")));
}

/// Slices that are open when there is no room any more, and end then: also on threads that never got a chunk.
#[test]
fn ends_are_late_rather_than_missing() {
    static TRACK: NamedTrack = NamedTrack::new("late-track");
    static LANES: [Lanes<4096>; 2] = [Lanes::new("late-lane"), Lanes::new("late-other")];
    const OPEN: usize = 6_000;
    let (trace, report) = record_as(
        |builder| builder.buffer_bytes(512 << 10).policy(Policy::Discard),
        |_| {
            let open: Vec<_> = (0..OPEN).map(|number| slice!(track: &LANES[number % 2], "late", "open")).collect();
            begin!(track: &TRACK, "late", "begun");
            // Until nothing has room any more.
            for _ in 0..100_000 {
                instant!("late", "filling");
            }
            begin!(track: &TRACK, "late", "lost");
            end!(track: &TRACK, "late");
            std::thread::spawn(move || {
                drop(open);
                end!(track: &TRACK, "late");
            })
            .join()
            .unwrap();
        },
    );
    let Some(loaded) = check_lossy(&trace, report.lost()) else { return };
    let filling = loaded.slices_named("filling");
    assert_eq!(filling.len() + 2 * OPEN + 2, report.events as usize);
    // The begin and the end of the one that was lost.
    assert_eq!(report.dropped.no_room, 100_000 - filling.len() as u64 + 2);
    let last = filling.last().unwrap().ts;
    let ended = |name| loaded.slices_named(name).iter().all(|slice| slice.ts + slice.dur > last);
    assert!(loaded.slices_named("open").len() == OPEN && ended("open"));
    assert!(loaded.slices_named("begun").len() == 1 && ended("begun"));
    assert!(loaded.slices_named("lost").is_empty());
}

/// What is larger than a chunk: an end that says too much is an end all the same.
#[test]
fn what_is_too_large_is_cut() {
    static TRACK: NamedTrack = NamedTrack::new("large-track");
    static COUNTER: NamedCounter = NamedCounter::new("large-counter");
    let text = "ä".repeat(1 << 20);
    let (trace, report) = record_as(
        |builder| builder,
        |session| {
            let size = session.max_event_len();
            let slice = slice!(track: &TRACK, flow: 7, "large", "slice", a = text.as_str(), b = &text[..100]);
            end!(slice: slice, counters: [(&COUNTER, 3)], with: |event| _ = event.add_categories(&"x".repeat(size * 2)));
            instant!(log: (LogPriority::Info, &text), "large", "logged");
            begin!(flow: 7, "large", "of the thread");
            end!("large", text = &text, small = 3);
            instant!(with: |event| _ = event.add_categories(&"x".repeat(size * 2)), "large", "dropped");
        },
    );
    assert_eq!((report.dropped.too_large, report.dropped.total()), (1, 1));
    assert_eq!((report.threads[0].truncated, report.events), (4, 5));
    let Some(loaded) = check_lossy(&trace, 1) else { return };
    let slice = loaded.slices_named("slice")[0];
    let pftrace_testkit::Arg::Text(cut) = &slice.args["debug.a"] else { panic!("{slice:?}") };
    assert!(cut.ends_with("ä…") && slice.dur > 0);
    let thread = loaded.slices_named("of the thread")[0];
    assert_eq!(thread.args["debug.small"], pftrace_testkit::Arg::Int(3));
    assert_eq!(loaded.flows, [(slice.id, thread.id)]);
    let log = loaded.slices_named("logged")[0];
    assert_eq!(log.dur, 0);
}

/// A thread's own slices, with options and ends that say more, in a buffer that fills up again and again.
#[test]
fn slices_with_options_survive_gaps() {
    let (trace, report) = record_as(
        |builder| builder.buffer_bytes(64 << 10).drain_by_caller(),
        |session| {
            for number in 0..12_000_u64 {
                let outer = slice!(correlation_id: number, source_location: here!(), "own", "outer", number);
                begin!(flow: number, "own", "inner");
                instant!(log: (LogPriority::Info, "reached"), "own", "moment");
                end!("own", done = true);
                end!(slice: outer, text = "end");
                if number % 800 == 0 {
                    session.drain().unwrap();
                }
            }
        },
    );
    assert!(report.dropped.no_room > 1_000 && report.dropped.total() == report.dropped.no_room, "{report:?}");
    let Some(loaded) = check_lossy(&trace, report.lost()) else { return };
    assert!(loaded.slices.len() > 3_000, "{}", loaded.slices.len());
    for slice in &loaded.slices {
        let depth = match slice.name.as_deref().unwrap() {
            "outer" => 0,
            "inner" => 1,
            _ => 2,
        };
        assert_eq!((slice.depth, slice.category.as_deref()), (depth, Some("own")));
        assert!(slice.dur != 0 || slice.name.as_deref() == Some("moment"), "{slice:?}");
    }
    // Where the end of the last ones has no room, no later chunk tells of it.
    assert!(loaded.slices.iter().filter(|slice| slice.dur < 0).count() <= 2);
    let outer = loaded.slices_named("outer");
    assert!(outer.windows(2).all(|pair| pair[0].ts + pair[0].dur <= pair[1].ts));
}

/// While an event is being written nothing else can be: what is recorded is counted, and what was begun on a track ends all the same.
#[test]
fn within_an_event_nothing_is_recorded_but_ends() {
    static TRACK: NamedTrack = NamedTrack::new("within-track");
    let (trace, report) = record_as(
        |builder| builder,
        |_| {
            let open = std::cell::Cell::new(Some(slice!(track: &TRACK, "within", "open")));
            let closure = |_: &mut pftrace::protos::TrackEvent<'_>| {
                instant!("within", "nested");
                instant!(at: pftrace::now_ns(), "within", "nested", value = ?1);
                end!(slice: slice!(track: &TRACK, "within", "nested", value = %1), value = ?2);
                drop(open.take());
            };
            instant!(with: closure, "within", "outer");
            let _after = slice!(track: &TRACK, "within", "after");
        },
    );
    // Two instants, the begin of a slice, and the end on its own thread; that is written by the drain.
    assert_eq!((report.nested, report.dropped.total()), (4, 0));
    let Some(loaded) = check_lossy(&trace, report.lost()) else { return };
    assert!(loaded.slices_named("nested").is_empty() && loaded.slices_named("outer").len() == 1);
    let (open, after) = (loaded.slices_named("open")[0], loaded.slices_named("after")[0]);
    assert!(open.dur > 0 && open.ts + open.dur < after.ts && after.depth == 0);
}
