//! Sequences of the old style: a thread is described for all of the sequence, and times are differences.

use pftrace::check::Kind;

use crate::*;

const PROCESS_DESCRIPTOR: u32 = 43;
const THREAD_DESCRIPTOR: u32 = 44;
const SKIPPED: Processor = Counts(&["tokenizer_skipped_packets"]);

/// A thread of process 4, whose reference is one millisecond.
fn fields(tid: u64) -> Message {
    m().varint(1, 4).varint(2, tid).varint(6, 1_000).varint(7, 0)
}

fn thread(tid: u64) -> Message {
    packet().message(THREAD_DESCRIPTOR, fields(tid))
}

/// An event without a track or a timestamp.
fn bare(kind: u64, fields: Message) -> Message {
    packet().varint(SEQUENCE_FLAGS, NEEDS).message(TRACK_EVENT, m().varint(9, kind).append(fields))
}

fn delta(kind: u64, us: i64) -> Message {
    let named = if kind == END { m() } else { m().varint(10, 1) };
    bare(kind, named.varint(1, us as u64))
}

fn on_sequence(sequence: u64, packet: Message) -> Message {
    packet.varint(SEQUENCE_ID, sequence)
}

/// Begins and durations in microseconds.
#[track_caller]
fn shown(packets: &[Message], expected: &[(i64, i64)]) {
    let Some(mut processor) = TraceProcessor::shared() else { return };
    let mut slices = processor.load(&encode(packets)).unwrap().slices;
    slices.sort_by_key(|slice| slice.ts);
    let slices: Vec<_> = slices.iter().map(|slice| (slice.ts / 1_000, slice.dur / 1_000)).collect();
    assert_eq!(slices, expected);
}

#[test]
fn sound_threads() {
    let process = packet().message(PROCESS_DESCRIPTOR, m().varint(1, 4).bytes(6, "process"));
    let timed = bare(BEGIN, m().varint(10, 1).varint(1, 10).varint(2, 3));
    let packets =
        [head(), process, thread(5), timed, delta(END, 5), bare(INSTANT, m().varint(10, 1).varint(16, 1_200))];
    finds(&packets, &[], Silent);
    shown(&packets, &[(1_010, 5), (1_200, 0)]);
    let (_, summary) = check(&encode(&packets));
    assert_eq!((summary.processes, summary.threads, summary.span_ns), (1, 1, Some((1_010_000, 1_200_000))));
    // Described by a track; and both, which is one track.
    let described = descriptor(m().varint(1, TRACK).message(4, fields(5)));
    let packets = [head(), described.clone(), delta(BEGIN, 10), delta(END, 5)];
    finds(&packets, &[], Silent);
    shown(&packets, &[(1_010, 5)]);
    let packets = [head(), thread(5), delta(BEGIN, 10), described, event(1_020_000, END, m())];
    finds(&packets, &[], Silent);
    shown(&packets, &[(1_010, 10)]);
}

/// Two sequences without tracks are two threads, or one.
#[test]
fn sequences_are_threads() {
    let sequences = |other| {
        let event = |kind, us| on_sequence(2, delta(kind, us));
        [
            head(),
            on_sequence(2, head()),
            thread(5),
            on_sequence(2, thread(other)),
            delta(BEGIN, 10),
            event(BEGIN, 15),
            delta(END, 15),
            event(END, 30),
        ]
    };
    finds(&sequences(6), &[], Silent);
    shown(&sequences(6), &[(1_010, 15), (1_015, 30)]);
    finds(&sequences(5), &[], Silent);
    shown(&sequences(5), &[(1_010, 35), (1_015, 10)]);
    // A new generation keeps the thread, not the reference.
    let packets = [head(), thread(5), head(), at(100).message(TRACK_EVENT, m().varint(9, BEGIN).varint(10, 1))];
    let found = finds(&packets, &[(Kind::NeverEnded, 3)], Silent);
    assert!(found[0].message.contains("thread 5 of process 4"), "{}", found[0].message);
}

#[test]
fn differences_without_a_thread() {
    for packets in [
        [head(), track(), delta(INSTANT, 10)],
        [head(), track(), instant(100, m().varint(1, 10))],
        [head(), track(), instant(100, m().varint(2, 10))],
        [head(), track(), instant(100, m().varint(8, 10))],
        [descriptor(m().varint(1, TRACK).message(4, fields(5))), head(), delta(INSTANT, 10)],
    ] {
        finds(&packets, &[(Kind::DeltaNoThread, 2)], SKIPPED);
        shown(&packets, &[]);
    }
    // Its state was lost, or begun again.
    let packets = [head(), thread(5), delta(INSTANT, 10), head(), delta(INSTANT, 10)];
    finds(&packets, &[(Kind::DeltaNoThread, 4)], SKIPPED);
    finds(&[thread(5), head(), delta(INSTANT, 10)], &[(Kind::StateNotCleared, 0), (Kind::DeltaNoThread, 2)], SKIPPED);
    // An absolute time needs none; one of 0 is none.
    finds(&[head(), track(), event(0, INSTANT, m().varint(10, 1).varint(16, 10))], &[], Silent);
    let zero = bare(INSTANT, m().varint(10, 1).varint(11, TRACK).varint(16, 0));
    finds(&[head(), track(), zero], &[(Kind::NoTimestamp, 2)], Counts(&["track_event_tokenizer_errors"]));
}

#[test]
fn slices_that_overlap() {
    let packets = [head(), thread(5), delta(BEGIN, 10), delta(END, 20), delta(BEGIN, -15), delta(END, 30)];
    finds(&packets, &[(Kind::SlicesOverlap, 3), (Kind::TimeBack, 4)], Silent);
    finds(&[head(), thread(5), delta(END, 10)], &[(Kind::EndsNothing, 2)], Silent);
}

#[test]
fn a_sequence_of_two_threads() {
    let packets = [head(), thread(5), delta(INSTANT, 10), thread(6), delta(INSTANT, 10)];
    let expected = [(Kind::ThreadChanged, 3), (Kind::SlicesNotMatched, 3), (Kind::SlicesNotMatched, 3)];
    finds(&packets, &expected, Silent);
    if let Some(mut processor) = TraceProcessor::shared() {
        processor.load(&encode(&packets)).unwrap();
        let threads = "select count(*) from thread_track join slice on slice.track_id = thread_track.id \
            join thread using (utid) where tid = 6";
        assert_eq!(processor.query(threads).unwrap().rows[0][0].int(), 2);
    }
    finds(&[head(), thread(5), delta(INSTANT, 10), head(), thread(6), delta(INSTANT, 10)], &[], Silent);
    // One that is described behind its first events is theirs, too.
    let begin = at(100).message(TRACK_EVENT, m().varint(9, BEGIN).varint(10, 1));
    let end = at(200).message(TRACK_EVENT, m().varint(9, END));
    let packets = [head(), begin, thread(5), end];
    finds(&packets, &[(Kind::SlicesNotMatched, 2), (Kind::SlicesNotMatched, 2)], Silent);
    if let Some(mut processor) = TraceProcessor::shared() {
        assert_eq!(processor.load(&encode(&packets)).unwrap().slices[0].dur, 100);
    }
    // The thread is of no concern to events that say a track.
    finds(&[head(), track(), thread(5), instant(100, m()), thread(6)], &[], Silent);
}

#[test]
fn times_of_another_clock() {
    let reading = |id, timestamp| m().varint(1, id).varint(2, timestamp);
    let snapshot = || {
        packet().message(CLOCK_SNAPSHOT, m().message(1, reading(6, 1_000_000_000)).message(1, reading(3, 1_000_000)))
    };
    let packets = [head(), snapshot(), thread(5), delta(INSTANT, 10)];
    finds(&packets, &[], Silent);
    shown(&packets, &[(1_000_010, 0)]);
    // Too late for the first.
    let packets = [head(), thread(5), delta(INSTANT, 10), snapshot(), delta(INSTANT, 10)];
    finds(&packets, &[(Kind::MonotonicLate, 2)], Silent);
    shown(&packets, &[(1_010, 0), (1_000_020, 0)]);
    let packets = [head(), thread(5), delta(INSTANT, -5_000)];
    finds(&packets, &[(Kind::NegativeTimestamp, 2)], Counts(&["trace_sorter_negative_timestamp_dropped"]));
}

#[test]
fn threads_that_are_lost() {
    let beside = instant(100, m()).message(THREAD_DESCRIPTOR, fields(5));
    finds(&[head(), track(), beside], &[(Kind::BesideEvent, 2)], Silent);
    let alone = m().message(THREAD_DESCRIPTOR, fields(5));
    finds(&[head(), alone], &[(Kind::NoSequence, 1)], Counts(&["track_event_tokenizer_errors"]));
    let zero = [head(), thread(0), delta(INSTANT, 10)];
    finds(&zero, &[(Kind::ReservedId, 1), (Kind::ThreadNoId, 1)], Counts(&["track_event_parser_errors"]));
}

/// Phases of a thread, on a sequence of one and of none.
#[test]
fn phases_of_the_json_format() {
    let phase = |phase: u8| {
        let legacy = m().varint(2, u64::from(phase));
        packet().message(TRACK_EVENT, m().varint(10, 1).varint(16, 10).message(6, legacy))
    };
    finds(&[head(), thread(5), phase(b'B')], &[(Kind::Legacy, 2), (Kind::SlicesNotMatched, 2)], Silent);
    let (findings, _) = check(&encode(&[head(), phase(b'B')]));
    let kinds: Vec<_> = findings.iter().map(|finding| finding.kind).collect();
    assert!(kinds.contains(&Kind::LegacyMisuse), "{kinds:?}");
    judged(&encode(&[head(), phase(b'B')]), &Counts(&["track_event_parser_errors"]));
}
