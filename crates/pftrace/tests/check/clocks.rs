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

/// A snapshot of two clocks.
fn relates(one: Message, other: Message) -> Message {
    packet().message(CLOCK_SNAPSHOT, m().message(1, one).message(1, other))
}

/// When the events are, here and as the trace processor says.
#[track_caller]
fn shown(packets: &[Message], expected: &[i64]) {
    let (_, summary) = check(&encode(packets));
    assert_eq!(summary.span_ns, expected.first().copied().zip(expected.last().copied()));
    let Some(mut processor) = TraceProcessor::shared() else { return };
    let mut times: Vec<_> = processor.load(&encode(packets)).unwrap().slices.iter().map(|slice| slice.ts).collect();
    times.sort_unstable();
    assert_eq!(times, expected);
}

/// 200 is known by 201, 201 by 202, and so on, the last by the trace's: whatever was said first.
#[test]
fn clocks_that_are_related_over_others() {
    const UNKNOWN: Processor = Counts(&["clock_sync_failure"]);
    let chain = |last: u64| -> Vec<Message> {
        let step = |clock| relates(reading(clock, 3_000), reading(clock + 1, 1_000));
        (200..last).map(step).chain([relates(reading(last, 3_000), reading(6, 10_000))]).collect()
    };
    for last in [201, 202, 203] {
        let packets: Vec<_> = [head(), track()].into_iter().chain(chain(last)).chain([by_clock(200, 9_500)]).collect();
        finds(&packets, &[], Silent);
        shown(&packets, &[16_500 - (last as i64 - 200) * 2_000]);
        let reversed = chain(last).into_iter().rev();
        let packets: Vec<_> = [head(), track()].into_iter().chain(reversed).chain([by_clock(200, 9_500)]).collect();
        let (findings, _) = check(&encode(&packets));
        assert!(findings.iter().all(|finding| finding.kind == Kind::ClockBack), "{findings:#?}");
        shown(&packets, &[16_500 - (last as i64 - 200) * 2_000]);
    }
    // Perfetto goes four steps.
    let packets: Vec<_> = [head(), track()].into_iter().chain(chain(204)).chain([by_clock(200, 9_500)]).collect();
    finds(&packets, &[(Kind::ClockUnknown, 7)], UNKNOWN);
    // One of a sequence, and of differences.
    let packets = [
        head(),
        track(),
        relates(incremental(500), reading(3, 100)),
        relates(reading(3, 200), reading(6, 1_000)),
        by_clock(64, 10),
        by_clock(64, 10),
    ];
    finds(&packets, &[], Silent);
    shown(&packets, &[910, 920]);
}

/// At each step by the snapshot before.
#[test]
fn clocks_that_drift() {
    let packets = [
        head(),
        track(),
        relates(reading(200, 100), reading(201, 1_100)),
        relates(reading(200, 200), reading(201, 1_300)),
        relates(reading(201, 2_000), reading(6, 20_000)),
        by_clock(200, 50),
        by_clock(200, 150),
        by_clock(200, 250),
    ];
    finds(&packets, &[], Silent);
    shown(&packets, &[19_050, 19_150, 19_350]);
    // So many that only some are kept.
    let many = (1..5_000).map(|number| relates(reading(6, 1_000_000 + 1_001 * number), reading(3, 1_000 * number)));
    let packets: Vec<_> = [head(), track()].into_iter().chain(many).chain([by_clock(3, 4_999_500)]).collect();
    shown(&packets, &[1_000_000 + 1_001 * 4_999 + 500]);
}

/// A clock that goes back is no way to the trace's any more; between snapshots of other clocks it does not matter.
#[test]
fn a_clock_on_the_way_goes_back() {
    let packets = [
        head(),
        track(),
        relates(reading(200, 100), reading(201, 1_100)),
        relates(reading(201, 1_200), reading(6, 11_200)),
        by_clock(200, 150),
        relates(reading(200, 200), reading(201, 1_000)),
        by_clock(200, 210),
    ];
    finds(&packets, &[(Kind::ClockBack, 5), (Kind::ClockUnknown, 6)], Counts(&["clock_sync_failure"]));
    let packets = [
        head(),
        track(),
        relates(reading(201, 1_200), reading(6, 11_200)),
        relates(reading(200, 100), reading(201, 1_100)),
        by_clock(201, 1_300),
        by_clock(200, 350),
    ];
    finds(&packets, &[(Kind::ClockBack, 3)], Silent);
    shown(&packets, &[11_300, 11_350]);
}

/// Nothing is taken of a snapshot of which something is wrong.
#[test]
fn a_wrong_snapshot_relates_nothing() {
    let readings = [reading(6, 1_000), reading(3, 5), reading(200, 5).varint(3, 1)];
    let wrong = readings.into_iter().fold(m(), |readings, reading| readings.message(1, reading));
    let packets = [head(), track(), packet().message(CLOCK_SNAPSHOT, wrong), by_clock(3, 6)];
    let expected = [(Kind::ClockSnapshot, 2), (Kind::ClockUnknown, 3)];
    finds(&packets, &expected, Counts(&["clock_sync_failure", "invalid_clock_snapshots"]));
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

/// The same of others, after which the trace processor does not read on.
#[test]
fn an_event_beside_what_stands_alone() {
    for (field, alone) in [(69, m().varint(2, 1)), (107, m()), (EXTENSION_DESCRIPTOR, m())] {
        let packets = [head(), track(), instant(100, m()).message(field, alone.clone()), instant(200, m())];
        finds(&packets, &[(Kind::BesideSnapshot, 2)], Silent);
        if let Some(mut processor) = TraceProcessor::shared() {
            assert_eq!(processor.load(&encode(&packets)).unwrap().slices.len(), 1);
        }
        finds(&[head(), at(100).message(field, alone)], &[], Silent);
    }
    // Not of these.
    for (field, beside) in [(TRACE_STATS, m()), (33, m()), (45, m())] {
        finds(&[head(), track(), instant(100, m()).message(field, beside)], &[], Silent);
    }
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
