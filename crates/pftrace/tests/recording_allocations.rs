//! Once a thread has recorded its first event, nothing that it records allocates: no macro, no annotation, no change of the
//! chunk, no loss.
#![cfg(feature = "recording")]

use std::fmt;

use pftrace::{
    Frame, Lanes, LogPriority, NamedCounter, NamedState, NamedTrack, Policy, Session, begin, counter, dict, end, here,
    instant, now_ns, slice, state,
};

/// Of the calling thread, while `f` runs.
fn allocations(f: impl FnOnce()) -> u64 {
    allocation_counter::measure(f).count_total
}

struct Shown;

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        instant!("a", "within");
        write!(f, "{} {:?}", 1, [2, 3])
    }
}

static TRACK: NamedTrack = NamedTrack::new("track").parent(&PARENT);
static PARENT: NamedTrack = NamedTrack::process(7, "parent");
static LANES: Lanes = Lanes::new("lanes");
static COUNTER: NamedCounter = NamedCounter::new("counter");
static SUM: NamedCounter = NamedCounter::new("sum").incremental();
static STATE: NamedState = NamedState::new("state");

/// All that stands in front of the category.
fn options(number: u64, name: &str) {
    let on_track = slice!(track: &TRACK, flow: number, "a", "on a track", number);
    let first = slice!(track: &LANES, correlation_id: number, "a", "on a lane");
    let second = slice!(track: &LANES, correlation_id: name, "a", name, ?number);
    if let Some(lane) = first.track() {
        instant!(track: lane, terminating_flow: number, "a", "within");
    }
    drop(first);
    end!(slice: second, at: now_ns(), number, display = %Shown);
    begin!(track: &TRACK, source_location: here!(), "a", "begun");
    end!(track: &TRACK, "a", number);
    begin!(at: std::time::Instant::now(), "a", "begun");
    end!("a", ?name);
    instant!(log: (LogPriority::Info, format_args!("{number} {}", Shown)), "a", "logged");
    instant!(counters: [(&COUNTER, number), (&SUM, 1), (&COUNTER, 0.5)], "a", "counted");
    counter!(track: &COUNTER, "a", number);
    counter!(track: &SUM, "a", 1);
    state!(track: &STATE, "a", "written out");
    state!(track: &STATE, "a", name);
    state!(track: &STATE, "a");
    let nested = dict(|dict| _ = dict.arg("x", 1).value("of", &[name, "b"]).array("a", |array| _ = array.push(name)));
    instant!("a", "nested", nested, list = [number; 3], shown = [format_args!("{number}")]);
    let frames = [Frame::function("main"), Frame::Address(number)];
    instant!(callstack: &frames, with: |event| _ = event.set_callstack_weight(0.5), "a", "called");
    drop(on_track);
}

const LONG: &str = "a text that is as long as those are that have lengths of two bytes, which is longer than it seems at first sight: 127 bytes and more";

fn everything(number: u64, names: &[String]) {
    let _slice = slice!("a", "slice");
    let _with = slice!("a", "slice with", number, text = "text", double = 0.5, flag = true);
    let name = names[number as usize % names.len()].as_str();
    let _named = slice!("a", name);
    begin!("a", "begun", number);
    end!("a");
    instant!("a", "instant");
    instant!("a", name, number, none = None::<u64>, pointer = &raw const number);
    let _long = slice!("a", LONG, number, text = LONG);
    instant!("a", "formatted", debug = ?names[0], display = %Shown, ?number, long = %LONG);
    counter!("a", "counter", number);
    counter!("a", "double", 0.5);
    options(number, name);
    let _off = slice!("off", "off", number);
}

#[test]
fn recording_does_not_allocate() {
    let names: Vec<String> = (0..1_000).map(|number| format!("name {number}")).collect();
    // The second fills up at once and loses all that comes; the third has no room for its names; the last is overwritten again and again.
    for (policy, bytes, loses) in [
        (Policy::Stream, 8 << 20, false),
        (Policy::Discard, 64 << 10, true),
        (Policy::Stream, 64 << 10, false),
        (Policy::FlightRecorder, 64 << 10, false),
    ] {
        let builder = Session::builder().writer(std::io::sink()).buffer_bytes(bytes).policy(policy).categories("-off");
        let session = builder.start().unwrap();
        instant!("first", "event");
        // Every call site for the first time, all names for the first time, thousands of chunks.
        let count = allocations(|| (0..20_000).for_each(|number| everything(number, &names)));
        let report = session.stop().unwrap();
        assert_eq!(count, 0, "{policy:?} {bytes}: {report:?}");
        assert!(!loses || report.dropped.no_room > 0, "{report:?}");
        assert!(report.events > 500, "{report:?}");
        assert_eq!(report.overwritten > 100_000, policy == Policy::FlightRecorder, "{report:?}");
    }
    assert_eq!(allocations(|| everything(1, &names)), 0, "nothing is recorded");
}
