//! Clocks and times.

use pftrace::check::Kind;

use crate::*;

fn reading(id: u64, timestamp: u64) -> Message {
    m().varint(1, id).varint(2, timestamp)
}

/// A snapshot of BOOTTIME, which is the trace's clock, and one more.
fn snapshot(boottime: u64, other: Message) -> Message {
    packet().message(CLOCK_SNAPSHOT, m().message(1, reading(6, boottime)).message(1, other))
}

fn incremental(timestamp: u64) -> Message {
    reading(64, timestamp).varint(3, 1)
}

fn by_clock(clock: u64, timestamp: u64) -> Message {
    instant(timestamp, m()).varint(CLOCK_ID, clock)
}

#[test]
fn sound_clocks() {
    let packets = [
        head(),
        track(),
        snapshot(1_000, incremental(500)),
        by_clock(64, 10),
        by_clock(64, 10),
        snapshot(2_000, reading(3, 700)),
        by_clock(3, 800),
        by_clock(6, 2_150),
    ];
    finds(&packets, &[], Silent);
}

#[test]
fn a_clock_that_nothing_knows() {
    const UNKNOWN: Processor = Counts(&["clock_sync_failure"]);
    finds(&[head(), track(), by_clock(77, 5)], &[(Kind::ClockUnknown, 2)], UNKNOWN);
    let packets = [head(), track(), snapshot(1_000, incremental(500)), by_clock(200, 5), by_clock(200, 6)];
    finds(&packets, &[(Kind::ClockUnknown, 3)], UNKNOWN);
}

#[test]
fn a_clock_of_another_sequence() {
    let other = m().varint(SEQUENCE_ID, 2);
    let other = other.message(CLOCK_SNAPSHOT, m().message(1, reading(6, 1_000)).message(1, incremental(500)));
    let packets = [head(), track(), other, by_clock(64, 5)];
    finds(&packets, &[(Kind::ClockUnknown, 3)], Counts(&["clock_sync_failure"]));
}

#[test]
fn a_clock_that_is_related_later() {
    let packets = [head(), track(), by_clock(3, 650), snapshot(1_000, reading(3, 600)), by_clock(3, 700)];
    finds(&packets, &[(Kind::ClockLate, 2)], Counts(&["sorter_push_event_out_of_order"]));
}

#[test]
fn a_clock_twice_in_a_snapshot() {
    let twice = m().message(1, reading(6, 1_000)).message(1, reading(3, 5)).message(1, reading(3, 6));
    let packets = [head(), track(), packet().message(CLOCK_SNAPSHOT, twice)];
    finds(&packets, &[(Kind::ClockSnapshot, 2)], Counts(&["invalid_clock_snapshots"]));
}

#[test]
fn a_clock_of_another_unit() {
    let packets = [head(), snapshot(1_000, reading(64, 5).varint(4, 1_000)), snapshot(2_000, reading(64, 6))];
    finds(&packets, &[(Kind::ClockSnapshot, 2)], Counts(&["invalid_clock_snapshots"]));
    let packets = [head(), snapshot(1_000, incremental(5)), snapshot(2_000, reading(64, 6))];
    finds(&packets, &[(Kind::ClockSnapshot, 2)], Counts(&["invalid_clock_snapshots"]));
}

#[test]
fn an_incremental_clock_for_all() {
    let packets = [head(), snapshot(1_000, reading(200, 5).varint(3, 1))];
    finds(&packets, &[(Kind::ClockSnapshot, 1)], Counts(&["invalid_clock_snapshots"]));
}

#[test]
fn a_snapshot_of_a_sequence_clock_without_a_sequence() {
    let lone = m().message(CLOCK_SNAPSHOT, m().message(1, reading(6, 1_000)).message(1, incremental(5)));
    finds(&[head(), lone], &[(Kind::ClockSnapshot, 1)], Refuses("sequence"));
}

#[test]
fn the_traces_clock_goes_back() {
    let packets = [head(), snapshot(2_000, reading(3, 5)), snapshot(1_000, reading(3, 6))];
    finds(&packets, &[(Kind::ClockSnapshot, 2)], Counts(&["invalid_clock_snapshots"]));
    // Between snapshots of different clocks the trace processor allows it.
    let packets = [head(), snapshot(2_000, reading(3, 5)), snapshot(1_000, reading(1, 6))];
    finds(&packets, &[(Kind::ClockBack, 2)], Silent);
}

#[test]
fn the_traces_clock_in_other_units() {
    let wrong = m().message(1, reading(6, 1_000).varint(4, 1_000)).message(1, reading(3, 5));
    let packets = [head(), packet().message(CLOCK_SNAPSHOT, wrong)];
    finds(&packets, &[(Kind::ClockSnapshot, 1)], Counts(&["invalid_clock_snapshots"]));
}

#[test]
fn another_clock_goes_back() {
    let packets = [head(), snapshot(1_000, reading(1, 500)), snapshot(2_000, reading(1, 400))];
    finds(&packets, &[(Kind::ClockBack, 2)], Silent);
    // From then on none of its timestamps is converted; those before it have been, and other clocks go on.
    let packets = [
        head(),
        track(),
        snapshot(1_000, reading(1, 500)),
        by_clock(1, 600),
        snapshot(2_000, reading(1, 400)),
        by_clock(1, 700),
        by_clock(6, 2_500),
        snapshot(3_000, reading(1, 9_000)),
        by_clock(1, 9_100),
    ];
    let lost = [(Kind::ClockBack, 4), (Kind::ClockUnknown, 5), (Kind::ClockUnknown, 8)];
    finds(&packets, &lost, Counts(&["clock_sync_failure"]));
    // The same of a sequence's own.
    let packets =
        [head(), track(), snapshot(1_000, incremental(500)), snapshot(2_000, incremental(400)), by_clock(64, 10)];
    finds(&packets, &[(Kind::ClockBack, 3), (Kind::ClockUnknown, 4)], Counts(&["clock_sync_failure"]));
}

#[test]
fn an_event_beside_a_snapshot() {
    let both = instant(1_000, m()).message(CLOCK_SNAPSHOT, m().message(1, reading(6, 1_000)).message(1, reading(3, 1)));
    let packets = [head(), track(), both];
    finds(&packets, &[(Kind::BesideSnapshot, 2)], Silent);
    let Some(mut processor) = TraceProcessor::shared() else { return };
    assert_eq!(processor.load(&encode(&packets)).unwrap().slices, []);
}

#[test]
fn an_event_without_a_time() {
    let timeless = packet().varint(SEQUENCE_FLAGS, NEEDS);
    let timeless = timeless.message(TRACK_EVENT, m().varint(9, INSTANT).varint(11, TRACK).varint(10, 1));
    finds(&[head(), track(), timeless], &[(Kind::NoTimestamp, 2)], Counts(&["track_event_tokenizer_errors"]));
}

#[test]
fn a_time_below_zero() {
    let packets = [head(), track(), instant(u64::MAX - 5, m())];
    finds(&packets, &[(Kind::NegativeTimestamp, 2)], Counts(&["trace_sorter_negative_timestamp_dropped"]));
    let back = [head(), track(), snapshot(1_000, incremental(500)), by_clock(64, 2_000_u64.wrapping_neg())];
    finds(&back, &[(Kind::NegativeTimestamp, 3)], Counts(&["trace_sorter_negative_timestamp_dropped"]));
}

#[test]
fn time_that_goes_back() {
    let packets = [head(), track(), begin(100), end(150), begin(20), end(30)];
    finds(&packets, &[(Kind::TimeBack, 4)], Silent);
}
