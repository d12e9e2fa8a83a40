//! Begins and ends.

use pftrace::check::{Checker, Kind};

use crate::*;

/// Names and durations, as the trace processor shows them, in the order of time.
#[track_caller]
fn shown(packets: &[Message], expected: &[(&str, i64)]) {
    let Some(mut processor) = TraceProcessor::shared() else { return };
    let loaded = processor.load(&encode(packets)).unwrap();
    let mut slices: Vec<_> = loaded.slices.iter().collect();
    slices.sort_by_key(|slice| slice.ts);
    let slices: Vec<_> = slices.iter().map(|slice| (slice.name.as_deref().unwrap_or("NULL"), slice.dur)).collect();
    assert_eq!(slices, expected);
}

fn named(timestamp: u64, name: &str) -> Message {
    event(timestamp, BEGIN, m().bytes(23, name))
}

#[test]
fn an_end_that_closes_nothing() {
    finds(&[head(), track(), begin(100), end(150), end(160)], &[(Kind::EndsNothing, 4)], Silent);
    finds(&[head(), track(), end(50), begin(100), end(150)], &[(Kind::EndsNothing, 2)], Silent);
}

#[test]
fn slices_that_do_not_end() {
    let found =
        finds(&[head(), track(), begin(100), begin(110), begin(120), end(150)], &[(Kind::NeverEnded, 2)], Silent);
    assert_eq!(found[0].message, "slices of track 7 do not end: 2, the first one begun at 100 ns");
}

/// Two whole slices, one after the other in the file, that overlap in time: the first one's end ends the second.
#[test]
fn partial_overlap() {
    let packets = [head(), track(), named(100, "a"), end(200), named(150, "b"), end(250)];
    finds(&packets, &[(Kind::SlicesOverlap, 3), (Kind::TimeBack, 4)], Silent);
    shown(&packets, &[("a", 150), ("b", 50)]);
}

/// Whole slices in any order of the file are fine if they lie in each other or apart.
#[test]
fn whole_slices_in_any_order() {
    let back = |packet| [(Kind::TimeBack, packet)];
    let packets = [head(), track(), named(120, "in"), end(130), named(100, "out"), end(200)];
    finds(&packets, &back(4), Silent);
    shown(&packets, &[("out", 100), ("in", 10)]);
    // They end at the same time: which end ends which can't be seen.
    let packets = [head(), track(), named(100, "out"), end(200), named(150, "in"), end(200)];
    finds(&packets, &back(4), Silent);
    shown(&packets, &[("out", 100), ("in", 50)]);
}

#[test]
fn the_clock_steps_back_within_slices() {
    // The inner one begins before the outer: they change places.
    let packets = [head(), track(), named(100, "out"), named(99, "in"), end(150), end(200)];
    finds(&packets, &[(Kind::TimeBack, 3), (Kind::SlicesOverlap, 4)], Silent);
    shown(&packets, &[("in", 101), ("out", 50)]);
    // A slice ends before it begins.
    let packets = [head(), track(), named(100, "a"), end(99)];
    finds(&packets, &[(Kind::NeverEnded, 2), (Kind::TimeBack, 3), (Kind::EndsNothing, 3)], Silent);
    shown(&packets, &[("a", -1)]);
}

#[test]
fn an_end_with_a_name_or_category_of_an_outer_slice() {
    let with_category = |timestamp, kind, category| event(timestamp, kind, m().bytes(22, category));
    let packets = [
        head(),
        track(),
        with_category(100, BEGIN, "a"),
        with_category(110, BEGIN, "b"),
        with_category(120, END, "a"),
        with_category(130, BEGIN, "c"),
        with_category(140, END, "c"),
    ];
    finds(&packets, &[(Kind::SlicesOverlap, 4)], Counts(&["misplaced_end_event"]));
    let packets = [head(), track(), with_category(100, BEGIN, "a"), with_category(120, END, "b")];
    finds(&packets, &[(Kind::NeverEnded, 2), (Kind::EndsNothing, 3)], Silent);
    let packets = [head(), track(), with_category(100, BEGIN, "a"), with_category(120, END, "a")];
    finds(&packets, &[], Silent);
}

fn end_named(timestamp: u64, name: &str) -> Message {
    event(timestamp, END, m().bytes(23, name))
}

/// In any order, as long as time stands still.
#[test]
fn ends_with_names_at_one_time() {
    let around = |ends: &[Message]| {
        let begins = [head(), track(), named(100, "out"), named(110, "in")];
        let after = [named(200, "after"), end(210)];
        begins.into_iter().chain(ends.iter().cloned()).chain(after).collect::<Vec<_>>()
    };
    for inner in [end_named(200, "in"), end(200)] {
        let packets = around(&[end_named(200, "out"), inner]);
        finds(&packets, &[], Silent);
        shown(&packets, &[("out", 100), ("in", 90), ("after", 10)]);
    }
    // All of no length, and three of them.
    let begins = ["a", "b", "c"].map(|name| named(100, name));
    let ends = ["b", "a", "c"].map(|name| end_named(100, name));
    let packets: Vec<_> = [head(), track()].into_iter().chain(begins).chain(ends).collect();
    finds(&packets, &[], Silent);
    shown(&packets, &[("a", 0), ("b", 0), ("c", 0)]);
    // Time goes on: what lies within is cut off, and its end ends nothing.
    let late = around(&[end_named(199, "out"), end_named(200, "in")]);
    finds(&late, &[(Kind::SlicesOverlap, 4), (Kind::EndsNothing, 5)], Counts(&["misplaced_end_event"]));
    shown(&late, &[("out", 99), ("in", 89), ("after", 10)]);
    let never = [head(), track(), named(100, "out"), named(110, "in"), end_named(200, "out")];
    finds(&never, &[(Kind::SlicesOverlap, 4)], Silent);
}

/// What an end means by its name, and what Perfetto takes.
#[test]
fn ends_with_names_that_are_ambiguous() {
    let nameless = |timestamp| event(timestamp, BEGIN, m());
    // A slice without a name has any.
    finds(&[head(), track(), nameless(100), end_named(200, "a")], &[], Silent);
    let packets = [head(), track(), named(100, "a"), nameless(110), end_named(200, "a"), end(210)];
    finds(&packets, &[(Kind::SlicesOverlap, 4)], Silent);
    shown(&packets, &[("a", 110), ("NULL", 90)]);
    let packets = [head(), track(), named(100, "a"), nameless(110), end_named(200, "a"), end(200)];
    finds(&packets, &[], Silent);
    // Whole slices of one name.
    let packets = [head(), track(), named(100, "a"), end_named(200, "a"), named(150, "a"), end_named(250, "a")];
    finds(&packets, &[(Kind::SlicesOverlap, 3), (Kind::TimeBack, 4)], Silent);
    shown(&packets, &[("a", 150), ("a", 50)]);
}

/// What is interned comes before what is not.
#[test]
fn names_and_categories_of_both_kinds() {
    let category = || packet().message(INTERNED_DATA, m().message(1, entry(1, "c")));
    let begin = event(100, BEGIN, m().varint(10, 1).bytes(23, "other").bytes(22, "x").varint(3, 1));
    let end = event(200, END, m().varint(3, 1).bytes(22, "x").bytes(23, "work"));
    let packets = [head(), category(), track(), begin, end];
    finds(&packets, &[(Kind::FieldTwice, 3)], Silent);
    shown(&packets, &[("work", 100)]);
}

#[test]
fn too_many_open_slices() {
    let deep = |count: u64| -> Vec<Message> {
        let begins = (0..count).map(|number| begin(100 + number));
        let ends = (0..count).map(|number| end(10_000 + number));
        [head(), track()].into_iter().chain(begins).chain(ends).collect()
    };
    finds(&deep(512), &[], Silent);
    // Newer versions count slice_max_depth_exceeded; that of the tests says nothing, and ends the wrong ones.
    finds(&deep(513), &[(Kind::SlicesTooDeep, 514)], Silent);
    let Some(mut processor) = TraceProcessor::shared() else { return };
    let loaded = processor.load(&encode(&deep(520))).unwrap();
    assert_eq!(loaded.slices.iter().filter(|slice| slice.dur < 0).count(), 8);
}

#[test]
fn a_track_that_two_sequences_write() {
    let of = |sequence: u64, timestamp: u64, kind: u64| {
        let event = m().varint(9, kind).varint(11, TRACK).bytes(23, "x");
        let event = if kind == END { m().varint(9, kind).varint(11, TRACK) } else { event };
        m().varint(SEQUENCE_ID, sequence).varint(TIMESTAMP, timestamp).message(TRACK_EVENT, event)
    };
    // Written late, begun on one and ended on the other, and in the file before its begin.
    let packets = [track(), of(1, 100, BEGIN), of(1, 300, END), of(2, 250, END), of(2, 200, BEGIN)];
    finds(&packets, &[(Kind::TimeBack, 4)], Silent);
    shown(&packets, &[("x", 200), ("x", 50)]);
}

/// With a window of four events: one that is late by more is told, and what follows on its track is not matched.
#[test]
fn events_too_far_from_their_place() {
    let mut packets = vec![head(), track()];
    packets.extend((0..10).flat_map(|number| [begin(1_000 + 100 * number), end(1_050 + 100 * number)]));
    packets.extend([end(10), begin(5)]);
    let (mut all, mut windowed) = (Vec::new(), Vec::new());
    for (window, kinds) in [(1_000, &mut all), (4, &mut windowed)] {
        let mut checker = Checker::new().window(window);
        checker.feed(&encode(&packets), |finding| kinds.push(finding.kind));
        checker.finish(|finding| kinds.push(finding.kind));
    }
    assert_eq!(all, [Kind::TimeBack]);
    assert_eq!(windowed, [Kind::TimeBack, Kind::SlicesNotMatched]);
}
