//! The options of the macros, and the rows that they make.

use std::time::{Duration, Instant};

use pftrace::{NamedTrack, begin, counter, end, instant, now_ns, slice};
use pftrace_testkit::{Arg, Loaded, Slice};

use crate::record;

static NETWORK: NamedTrack = NamedTrack::new("network");

fn only<'l>(loaded: &'l Loaded, name: &str) -> &'l Slice {
    let slices = loaded.slices_named(name);
    assert_eq!(slices.len(), 1, "{name}");
    slices[0]
}

#[test]
fn options_and_annotations_go_together() {
    let recorded = record(|| {
        let name = String::from("named");
        let number = 7;
        let _slice = slice!(correlation_id: 1, flow: 2, "c", "slice", number, text = "t");
        begin!(correlation_id: "operation", "c", &name, ?number);
        instant!(track: &NETWORK, correlation_id: &name, "c", "instant", number = 3,);
        end!("c");
    });
    let Some((loaded, report)) = recorded else { return };
    assert_eq!(report.events, 5);
    let slice = only(&loaded, "slice");
    assert_eq!(slice.args["debug.number"], Arg::Int(7));
    assert_eq!(slice.args["debug.text"], Arg::Text("t".into()));
    assert_eq!(slice.args["correlation_id"], Arg::Text("tp:#1".into()));
    let named = only(&loaded, "named");
    assert_eq!((named.depth, &named.args["debug.number"]), (1, &Arg::Text("7".into())));
    assert_eq!(named.args["correlation_id"], Arg::Text("operation".into()));
    let instant = only(&loaded, "instant");
    assert_eq!((instant.dur, loaded.track_name(instant).as_deref()), (0, Some("network")));
    assert_eq!(instant.args["debug.number"], Arg::Int(3));
    assert_eq!(instant.category.as_deref(), Some("c"));
}

/// Arrows from event to event, across threads and tracks.
#[test]
fn flows_are_arrows() {
    let recorded = record(|| {
        let request = 0xdead_beef_0000_0001;
        {
            let _ask = slice!(flow: request, "f", "ask");
        }
        std::thread::spawn(move || {
            let _answer = slice!(flow: request, flow: 5, "f", "answer");
        })
        .join()
        .unwrap();
        let _read = slice!(terminating_flow: request, "f", "read");
        instant!(terminating_flow: 5, track: &NETWORK, "f", "sent");
        {
            let _first = slice!(flow: 6, track: &NETWORK, "f", "first");
        }
        {
            let _then = slice!(terminating_flow: 6, track: &NETWORK, correlation_id: 1, "f", "then");
        }
        // A new one.
        instant!(flow: request, "f", "alone");
    });
    let Some((loaded, _)) = recorded else { return };
    let id = |name| only(&loaded, name).id;
    let mut expected = vec![
        (id("ask"), id("answer")),
        (id("answer"), id("read")),
        (id("answer"), id("sent")),
        (id("first"), id("then")),
    ];
    let mut flows = loaded.flows.clone();
    flows.sort_unstable();
    expected.sort_unstable();
    assert_eq!(flows, expected);
}

pftrace::categories! {
    FLOWS = "flows";
}

/// A flow that is the only option has a way of its own: of whatever event, with whatever name and annotations, soon after the event before and late, short and long.
#[test]
fn flows_go_with_all_that_an_event_says() {
    let long = "long ".repeat(60);
    let recorded = record(|| {
        let (given, number) = (String::from("given"), 7);
        for flow in 1..=9 {
            if flow % 3 == 0 {
                // Not soon after.
                std::thread::sleep(Duration::from_millis(1));
            }
            {
                let _slice = slice!(flow: flow, FLOWS, "slice", flow, half = 0.5);
                let _plain = slice!(flow: flow << 32, "flows", "plain");
                begin!(flow: flow, "flows", &given, ?given);
                instant!(flow: flow, FLOWS, given.as_str(), %number, text = if flow % 2 == 0 { &*long } else { "t" });
                end!("flows");
            }
            let _next = slice!(terminating_flow: flow << 32, "flows", &*given, number);
            begin!(terminating_flow: flow, FLOWS, "last");
            end!(FLOWS);
        }
    });
    let Some((loaded, report)) = recorded else { return };
    assert_eq!(report.events, 9 * (4 * 2 + 1 + 2));
    let named = |name| {
        let mut slices = loaded.slices_named(name);
        slices.sort_by_key(|slice| (slice.ts, slice.depth));
        slices
    };
    let (slices, plain, given, last) = (named("slice"), named("plain"), named("given"), named("last"));
    // Begun, the instant in it, and the next.
    let (begun, rest) = given.chunks(3).map(|three| (three[0], (three[1], three[2]))).collect::<(Vec<_>, Vec<_>)>();
    let mut expected = vec![];
    for at in 0..9 {
        let (instant, next) = rest[at];
        let ids = [slices[at].id, begun[at].id, instant.id, last[at].id];
        expected.extend(ids.windows(2).map(|pair| (pair[0], pair[1])));
        expected.push((plain[at].id, next.id));
        let flow = at as u64 + 1;
        assert_eq!(
            (&slices[at].args["debug.flow"], &slices[at].args["debug.half"]),
            (&Arg::Uint(flow), &Arg::Real(0.5))
        );
        assert_eq!(begun[at].args["debug.given"], Arg::Text("\"given\"".into()));
        let text = if flow % 2 == 0 { &*long } else { "t" };
        assert_eq!(instant.args["debug.text"], Arg::Text(text.into()));
        assert_eq!((&instant.args["debug.number"], instant.dur), (&Arg::Text("7".into()), 0));
        assert_eq!((&next.args["debug.number"], next.category.as_deref()), (&Arg::Int(7), Some("flows")));
    }
    let mut flows = loaded.flows.clone();
    flows.sort_unstable();
    expected.sort_unstable();
    assert_eq!(flows, expected);
}

const AGAIN: u64 = 20;

/// Times that are given, also before what was recorded already, do not disturb the thread's own.
#[test]
fn events_happen_when_it_is_said() {
    let start = now_ns();
    let (mut first, mut last) = (0, 0);
    let recorded = record(|| {
        let long_ago = Instant::now();
        std::thread::sleep(Duration::from_millis(20));
        first = now_ns();
        {
            let _first = slice!("t", "before");
        }
        instant!(at: start, track: &NETWORK, "t", "at the start");
        instant!(at: Duration::from_nanos(start + 1), "t", "a duration");
        instant!(at: long_ago, "t", "long ago");
        {
            let _second = slice!("t", "after");
        }
        let past = slice!(track: &NETWORK, at: start + 1_000, "t", "in the past");
        end!(slice: past, at: start + 5_000);
        // An end before its begin is where its begin is.
        let wrong = slice!(track: &NETWORK, at: start + 10_000, "t", "backwards");
        end!(slice: wrong, at: 5_u64);
        let own = slice!("t", "own backwards");
        end!(slice: own, at: 5_u64);
        // From its second time on what a call site says goes the short way.
        for number in 0..AGAIN {
            instant!(at: start + 20_000 + number, "t", "again", number);
            instant!("t", "now");
            let again = slice!(track: &NETWORK, at: start + 20_000 + 10 * number, "t", "again on a track");
            end!(slice: again, at: start + 20_007 + 10 * number);
        }
        last = now_ns();
    });
    let Some((loaded, report)) = recorded else { return };
    assert_eq!(report.events, 13 + 4 * AGAIN);
    let rows =
        |name, place: fn(&Slice) -> (i64, i64)| loaded.slices_named(name).into_iter().map(place).collect::<Vec<_>>();
    let expected =
        |step, dur| (0..AGAIN as i64).map(|number| (start as i64 + 20_000 + step * number, dur)).collect::<Vec<_>>();
    assert_eq!(rows("again", |row| (row.ts, row.dur)), expected(1, 0));
    assert_eq!(rows("again on a track", |row| (row.ts, row.dur)), expected(10, 7));
    let now = rows("now", |row| (row.ts, row.ts));
    assert!(now[0].0 >= first as i64 && now[AGAIN as usize - 1].0 <= last as i64);
    let ts = |name| only(&loaded, name).ts;
    assert_eq!((ts("at the start"), ts("a duration")), (start as i64, start as i64 + 1));
    assert!(ts("before") - ts("long ago") > 15_000_000);
    assert!(first as i64 <= ts("before") && ts("before") <= ts("after") && ts("after") <= last as i64);
    let past = only(&loaded, "in the past");
    assert_eq!((past.ts, past.dur), (start as i64 + 1_000, 4_000));
    let backwards = only(&loaded, "backwards");
    assert_eq!((backwards.ts, backwards.dur), (start as i64 + 10_000, 1));
    assert_eq!(only(&loaded, "own backwards").dur, 0);
}

/// Of each length around the longest that goes the short way; on threads whose numbers take one byte and two.
#[test]
fn events_of_any_length_happen_when_it_is_said() {
    let start = now_ns();
    let lengths = 60..150;
    let recorded = record(|| {
        for _ in 0..2 {
            for len in lengths.clone() {
                let text = "x".repeat(len);
                instant!(at: start + len as u64, "t", "long", len, text = text.as_str());
            }
        }
        // Until the numbers of two bytes.
        (0..150_i64).for_each(|number| std::thread::spawn(move || of_one_thread(start, number)).join().unwrap());
        let far = |len| instant!(at: u64::MAX, "t", "far", text = "x".repeat(len));
        std::thread::spawn(move || (0..2).for_each(|_| (60..150).for_each(far))).join().unwrap();
    });
    let Some((loaded, report)) = recorded else { return };
    assert_eq!(report.lost(), 0, "{report:?}");
    let long = loaded.slices_named("long");
    assert_eq!(long.len(), 2 * lengths.len());
    for (slice, len) in long.iter().zip(lengths.clone().flat_map(|len| [len; 2])) {
        assert_eq!((slice.ts, &slice.args["debug.text"]), ((start + len as u64) as i64, &Arg::Text("x".repeat(len))));
    }
    let far = loaded.slices_named("far");
    assert_eq!(far.len(), 2 * lengths.len());
    assert!(far.iter().all(|slice| slice.ts == i64::MAX && matches!(&slice.args["debug.text"], Arg::Text(_))));
    for name in ["of a thread", "slice of a thread"] {
        let mut found: Vec<_> = loaded.slices_named(name).iter().map(|slice| (slice.ts, slice.dur)).collect();
        found.sort_unstable();
        let dur = if name == "of a thread" { 0 } else { 3 };
        let expected = (0..150).flat_map(|number| [(start as i64 + 1000 * number, dur); 3]);
        assert_eq!(found, expected.collect::<Vec<_>>(), "{name}");
    }
    for (name, of) in COUNTED {
        let mut found: Vec<_> = loaded.counter_values(name).into_iter().map(|(_, value)| value).collect();
        found.sort_by(f64::total_cmp);
        let mut expected: Vec<_> = (0..150).flat_map(|number| [of(number); 3]).collect();
        expected.sort_by(f64::total_cmp);
        assert_eq!(found, expected, "{name}");
    }
}

type Counted = (&'static str, fn(i64) -> f64);

const COUNTED: [Counted; 5] = [
    ("small", |number| number as f64),
    ("medium", |number| ((1 << 20) + number) as f64),
    ("large", |number| ((1_i64 << 40) + number) as f64),
    ("negative", |number| -number as f64),
    ("real", |number| number as f64 / 4.0),
];

/// What it records first goes another way.
fn of_one_thread(start: u64, number: i64) {
    for _ in 0..3 {
        counter!("t", "small", number);
        counter!("t", "medium", (1 << 20) + number);
        counter!("t", "large", (1_i64 << 40) + number);
        counter!("t", "negative", -number);
        counter!("t", "real", number as f64 / 4.0);
        let at = start + 1000 * number as u64;
        instant!(at: at, "t", "of a thread");
        let slice = slice!(at: at, "t", "slice of a thread");
        end!(slice: slice, at: at + 3);
    }
}

/// A slice that is said to begin in times to come ends then; nothing else does.
#[test]
fn times_to_come_are_nobody_elses() {
    const HOUR: u64 = 3_600_000_000_000;
    let (mut first, mut last) = (0, 0);
    let recorded = record(|| {
        first = now_ns();
        for _ in 0..3 {
            drop(slice!(track: &NETWORK, at: first + HOUR, "t", "in an hour"));
            drop(slice!(track: &NETWORK, at: u64::MAX, "t", "at the end of time"));
            instant!(track: &NETWORK, "t", "now");
            let _now = slice!("t", "now");
            drop(slice!(track: &NETWORK, "t", "now"));
        }
        last = now_ns();
    });
    let Some((loaded, report)) = recorded else { return };
    assert_eq!((report.events, report.lost()), (27, 0), "{report:?}");
    let hour = loaded.slices_named("in an hour");
    assert!(hour.len() == 3 && hour.iter().all(|slice| slice.ts == (first + HOUR) as i64 && slice.dur > 0), "{hour:?}");
    let end = loaded.slices_named("at the end of time");
    assert!(end.len() == 3 && end.iter().all(|slice| slice.ts == i64::MAX), "{end:?}");
    let now = loaded.slices_named("now");
    assert_eq!(now.len(), 9);
    assert!(now.iter().all(|slice| slice.ts >= first as i64 && slice.ts + slice.dur <= last as i64), "{now:?}");
}

#[test]
fn ends_say_more() {
    let recorded = record(|| {
        let found = slice!("e", "search", query = "x");
        end!(slice: found, hits = 3, shown = ?found_debug(), );
        begin!("e", "begun");
        end!("e", result = %"ok", flow_is = 1);
        let on_track = slice!(track: &NETWORK, "e", "on a track", asked = true);
        let moved = std::thread::spawn(move || end!(slice: on_track, answered = -1));
        moved.join().unwrap();
        begin!(track: &NETWORK, "e", "begun on a track");
        begin!(track: &NETWORK, "e", "within");
        // It is of another category.
        end!(track: &NETWORK, "other");
        std::thread::spawn(|| end!(track: &NETWORK, "e", inner = 1)).join().unwrap();
        end!(track: &NETWORK, "e");
        end!(track: &NETWORK, "e");
    });
    let Some((loaded, report)) = recorded else { return };
    assert_eq!((report.events, report.ignored), (10, 2));
    let args = |name| only(&loaded, name).args.clone();
    assert_eq!(args("search")["debug.query"], Arg::Text("x".into()));
    assert_eq!(args("search")["debug.hits"], Arg::Int(3));
    assert_eq!(args("begun")["debug.result"], Arg::Text("ok".into()));
    assert_eq!(args("on a track")["debug.asked"], Arg::Bool(true));
    assert_eq!(args("on a track")["debug.answered"], Arg::Int(-1));
    let outer = only(&loaded, "begun on a track");
    let inner = only(&loaded, "within");
    assert_eq!((outer.depth, inner.depth, inner.parent), (0, 1, Some(outer.id)));
    assert!(outer.ts < inner.ts && inner.ts + inner.dur < outer.ts + outer.dur);
    assert_eq!(inner.args["debug.inner"], Arg::Int(1));
    assert!(loaded.slices.iter().all(|slice| slice.dur > 0), "{:?}", loaded.slices);
}

fn found_debug() -> u8 {
    7
}

/// What is said to begin in times to come does not end before, however it is ended; and ends nothing else.
#[test]
fn what_is_to_come_ends_no_sooner() {
    let recorded = record(|| {
        let _outer = slice!("t", "outer");
        let ahead = || pftrace::now_ns() + 50_000_000;
        drop(slice!(at: ahead(), "t", "dropped"));
        drop(slice!(at: ahead(), "t", String::from("with a name of its own").as_str()));
        begin!(at: ahead(), "t", "begun");
        end!("t");
        let told = slice!(at: ahead(), "t", "told");
        end!(slice: told, value = 1);
        instant!("t", "now");
        drop(slice!(at: pftrace::now_ns() - 1_000, "t", "past"));
    });
    let Some((loaded, report)) = recorded else { return };
    assert_eq!((report.events, report.lost(), report.ignored), (13, 0, 0), "{report:?}");
    let [outer] = loaded.slices_named("outer")[..] else { panic!("{:?}", loaded.slices) };
    assert!((1..50_000_000).contains(&outer.dur), "{outer:?}");
    for name in ["dropped", "with a name of its own", "begun", "told"] {
        let [row] = loaded.slices_named(name)[..] else { panic!("{name}: {:?}", loaded.slices) };
        assert!((0..1_000_000).contains(&row.dur) && row.ts > outer.ts + outer.dur, "{name}: {row:?}");
    }
    let [past] = loaded.slices_named("past")[..] else { panic!("{:?}", loaded.slices) };
    assert!(past.dur >= 1_000 && past.depth == 1, "{past:?}");
}
