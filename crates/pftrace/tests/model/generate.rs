//! Strategies for programs.

use std::ops::Range;

use pftrace::{ChildOrdering, Clock};
use proptest::collection::vec;
use proptest::option::{of, weighted};
use proptest::prelude::*;
use proptest::sample::select;

use crate::program::*;

/// Programs of a few dozen calls: tracks to begin with, then anything.
pub(crate) fn programs() -> impl Strategy<Value = Program> {
    let ops = (vec(describe(), 3..10), vec(any_op(), 0..70)).prop_map(|(first, rest)| [first, rest].concat());
    (settings(), ops).prop_map(|(settings, ops)| Program { settings, ops })
}

const CLOCKS: [Clock; 5] = [Clock::Simulated, Clock::Realtime, Clock::Monotonic, Clock::MonotonicRaw, Clock::Boottime];

fn settings() -> impl Strategy<Value = Settings> {
    let intern_bytes = prop_oneof![3 => Just(None), 1 => Just(Some(0)), 3 => (0..2000_usize).prop_map(Some)];
    let max_packet_len = weighted(0.3, 60..600_usize);
    let first_track_uuid = weighted(0.3, prop_oneof![1 => 0..200_u64, 1 => Just(1 << 40)]);
    let clocks = (0..CLOCKS.len(), proptest::sample::subsequence(CLOCKS.to_vec(), 0..=CLOCKS.len()));
    (clocks, intern_bytes, max_packet_len, first_track_uuid).prop_map(
        |((own, related), intern_bytes, max_packet_len, first_track_uuid)| {
            let clock = CLOCKS[own];
            let related = related.into_iter().filter(|other| *other != clock).collect();
            Settings { clock, related, intern_bytes, max_packet_len, first_track_uuid }
        },
    )
}

fn describe() -> impl Strategy<Value = Op> {
    prop_oneof![
        2 => process().prop_map(Op::Process),
        4 => (pick(), thread()).prop_map(|(process, thread)| Op::Thread { process, thread }),
        1 => pick().prop_map(Op::Redescribe),
        8 => (described(), weighted(0.6, pick()), kind())
            .prop_map(|(described, parent, kind)| Op::Track { described, parent, kind }),
        2 => Just(Op::AddSequence),
    ]
}

fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        60 => describe(),
        150 => (pick(), when(), text(), event())
            .prop_map(|(track, at, name, event)| Op::Begin { track, at, name, event }),
        130 => (pick(), when(), event()).prop_map(|(track, at, event)| Op::End {
            track,
            at,
            // The trace processor would end the innermost slice that has these categories: see the test of that.
            event: Event { categories: Vec::new(), ..event },
        }),
        90 => (pick(), when(), text(), event())
            .prop_map(|(track, at, name, event)| Op::Instant { track, at, name, event }),
        60 => (pick(), when(), number()).prop_map(|(track, at, value)| Op::Counter { track, at, value }),
        40 => (pick(), when(), weighted(0.7, text())).prop_map(|(track, at, state)| Op::State { track, at, state }),
        30 => Just(Op::Clear),
        30 => snapshot().prop_map(Op::Snapshot),
        15 => any::<u64>().prop_map(Op::Packet),
        15 => (undescribed(), when(), of(select(&["raw a", "raw b"][..]).prop_map(String::from))).prop_map(|(uuid, at, name)| Op::RawInstant { uuid, at, name }),
        15 => select(&[
            Foreign::Begin,
            Foreign::Instant,
            Foreign::Counter,
            Foreign::State,
            Foreign::Parent,
            Foreign::Sequence,
        ][..]).prop_map(Op::Foreign),
        2 => (pick(), 500..515_usize, 0..515_usize)
            .prop_map(|(track, begins, ends)| Op::NestSlices { track, begins, ends }),
        1 => (90..102_usize).prop_map(Op::NestTracks),
    ]
}

fn pick() -> Range<usize> {
    0..8
}

/// Few, so that they come again, and some that ask for trouble.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        12 => select(&["a", "b", "c", "update", "draw", "read"][..]).prop_map(String::from),
        3 => select(&["", " ", "a.b", "x[0]", "größe", "🦀", "two\nlines", "\"quoted\" \\", "null"][..]).prop_map(String::from),
        2 => "[a-z]{1,12}",
        1 => (1..400_usize).prop_map(|len| "long ".repeat(len.div_ceil(5))),
    ]
}

fn process() -> impl Strategy<Value = Process> {
    // Process 0 is the kernel's.
    let pid = prop_oneof![30 => 1..6_i32, 3 => Just(i32::MAX), 1 => Just(0)];
    let texts = || vec(text(), 0..3);
    (pid, of(text()), texts(), texts(), of(any::<i64>()), described()).prop_map(
        |(pid, name, cmdline, labels, start_ns, described)| Process { pid, name, cmdline, labels, start_ns, described },
    )
}

fn thread() -> impl Strategy<Value = Thread> {
    let tid = prop_oneof![10 => 1..6_i64, 20 => 100..106_i64, 3 => Just(i64::from(i32::MAX)), 1 => Just(0)];
    (tid, of(text()), described()).prop_map(|(tid, name, described)| Thread { tid, name, described })
}

fn described() -> impl Strategy<Value = Described> {
    let ordering = select(&[ChildOrdering::Lexicographic, ChildOrdering::Chronological, ChildOrdering::Explicit][..]);
    let merge = prop_oneof![Just(Merge::ByName), Just(Merge::Never), text().prop_map(Merge::ByKey)];
    (
        text(),
        weighted(0.4, pick()),
        prop::bool::weighted(0.2),
        weighted(0.2, text()),
        weighted(0.3, ordering),
        weighted(0.3, prop_oneof![-3..3_i32, any::<i32>()]),
        weighted(0.3, merge),
    )
        .prop_map(|(name, sequence, own_uuid, description, ordering, rank, merge)| Described {
            name,
            sequence,
            own_uuid,
            description,
            ordering,
            rank,
            merge,
        })
}

fn kind() -> impl Strategy<Value = Kind> {
    let unit = prop_oneof![Just(Unit::TimeNs), Just(Unit::Count), Just(Unit::SizeBytes), text().prop_map(Unit::Named)];
    let counter = (of(unit), weighted(0.3, -3..2000_i64), weighted(0.3, text()))
        .prop_map(|(unit, multiplier, share_key)| Kind::Counter { unit, multiplier, share_key });
    prop_oneof![5 => Just(Kind::Slices), 3 => counter, 2 => Just(Kind::State)]
}

fn when() -> impl Strategy<Value = When> {
    prop_oneof![
        60 => (0..300_u64).prop_map(When::After),
        10 => Just(When::After(0)),
        6 => (0..1_u64 << 40).prop_map(When::After),
        10 => (0..1000_u64).prop_map(When::Before),
        6 => (0..300_u64).prop_map(When::Named),
        10 => (pick(), -50..200_i64).prop_map(|(clock, after)| When::Other { clock, after }),
        2 => Just(When::Zero),
        2 => (-2..3_i64).prop_map(When::Huge),
        1 => (0..1000_i64).prop_map(When::Huge),
        1 => Just(When::Huge(i64::MIN)),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let said = (
        vec(text(), 0..3),
        vec((text(), arg()), 0..4),
        vec(flow(), 0..3),
        vec(flow(), 0..2),
        weighted(0.2, prop_oneof![0..5_u64, any::<u64>()]),
        weighted(0.3, location()),
    );
    let said = said.prop_map(|(categories, args, flows, terminating_flows, correlation_id, location)| Event {
        categories,
        args,
        flows,
        terminating_flows,
        correlation_id,
        location,
    });
    prop_oneof![1 => Just(Event::default()), 1 => said]
}

/// Often two that differ in one part only, or in where the file ends and the function begins.
fn location() -> impl Strategy<Value = (String, String, u32)> {
    let name = || prop_oneof![4 => select(&["", "a", "ab", "b"][..]).prop_map(String::from), 1 => text()];
    (name(), name(), prop_oneof![4 => 0..2_u32, 1 => any::<u32>()])
}

fn flow() -> impl Strategy<Value = u64> {
    prop_oneof![10 => 0..4_u64, 1 => Just(u64::MAX)]
}

fn arg() -> impl Strategy<Value = Arg> {
    let double = prop_oneof![
        4 => any::<f64>(),
        4 => select(&[0.0, -0.0, 1.5, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN_POSITIVE][..]),
    ];
    let leaf = prop_oneof![
        any::<bool>().prop_map(Arg::Bool),
        prop_oneof![-200..200_i64, any::<i64>()].prop_map(Arg::Int),
        prop_oneof![0..200_u64, any::<u64>()].prop_map(Arg::Uint),
        double.prop_map(Arg::Double),
        any::<u64>().prop_map(Arg::Pointer),
        text().prop_map(Arg::Text),
        text().prop_map(Arg::Text),
    ];
    let tree = leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![vec((text(), inner.clone()), 0..4).prop_map(Arg::Dict), vec(inner, 0..4).prop_map(Arg::Array),]
    });
    // Around the deepest that is allowed.
    let deep = (60..68_usize, any::<u64>()).prop_map(|(depth, kinds)| {
        (0..depth).fold(Arg::Int(7), |inner, level| match kinds >> (level % 64) & 1 {
            0 => Arg::Array(vec![inner]),
            _ => Arg::Dict(vec![("d".into(), inner)]),
        })
    });
    prop_oneof![60 => tree, 1 => deep]
}

fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        4 => (-1000..1000_i64).prop_map(Number::Int),
        2 => any::<i64>().prop_map(Number::Int),
        4 => any::<f64>().prop_map(Number::Double),
        1 => select(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0][..]).prop_map(Number::Double),
    ]
}

fn snapshot() -> impl Strategy<Value = Snapshot> {
    let fault = select(
        &[SnapshotFault::WithoutOwn, SnapshotFault::OwnTwice, SnapshotFault::OwnGoesBack, SnapshotFault::OutOfRange][..],
    );
    (0..1000_u64, 0..1000_u64, weighted(0.2, fault)).prop_map(|(own_after, others_after, fault)| Snapshot {
        own_after,
        others_after,
        fault,
    })
}

/// Numbers that no described track has. One beside the trace's default track: the trace processor makes one track of two
/// that it knows nothing of.
fn undescribed() -> impl Strategy<Value = u64> {
    prop_oneof![4 => Just(900_000), 1 => Just(0)]
}
