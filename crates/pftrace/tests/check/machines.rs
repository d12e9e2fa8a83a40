//! Packets of several machines: each has its own sequences, clocks, tracks and threads.

use pftrace::check::Kind;

use crate::*;

const MACHINE_ID: u32 = 98;

fn remote(packet: Message) -> Message {
    packet.varint(MACHINE_ID, 5)
}

/// BOOTTIME, and a clock of the sequence.
fn snapshot(boottime: u64, clock: u64) -> Message {
    let reading = |id, timestamp| m().varint(1, id).varint(2, timestamp);
    packet().message(CLOCK_SNAPSHOT, m().message(1, reading(6, boottime)).message(1, reading(64, clock).varint(3, 1)))
}

fn by_clock(timestamp: u64) -> Message {
    instant(timestamp, m()).varint(CLOCK_ID, 64)
}

#[test]
fn the_same_numbers_on_two_machines() {
    let other_head = packet().varint(SEQUENCE_FLAGS, CLEARED).message(INTERNED_DATA, m().message(2, entry(1, "other")));
    let other_track = descriptor(m().varint(1, TRACK).bytes(2, "other"));
    let packets = [
        head(),
        remote(other_head),
        thread_track(),
        remote(other_track),
        snapshot(1_000, 500),
        remote(snapshot(3_000, 100)),
        begin(2_000),
        remote(begin(1_500)),
        end(2_100),
        remote(end(2_500)),
        by_clock(10),
        remote(by_clock(10)),
    ];
    finds(&packets, &[(Kind::TimeBack, 10)], Silent);
    let (_, summary) = check(&encode(&packets));
    assert_eq!((summary.sequences, summary.tracks, summary.threads), (2, 2, 1));
    let Some(mut processor) = TraceProcessor::shared() else { return };
    let mut slices: Vec<_> = processor.load(&encode(&packets)).unwrap().slices;
    slices.sort_by_key(|slice| slice.ts);
    let slices: Vec<_> = slices.iter().map(|slice| (slice.name.as_deref().unwrap_or_default(), slice.dur)).collect();
    assert_eq!(slices, [("work", 0), ("other", 1_000), ("work", 100), ("other", 0)]);
}

#[test]
fn a_thread_of_the_same_number_on_another_machine() {
    let other = remote(descriptor(m().varint(1, 9).message(4, m().varint(1, 4).varint(2, 5))));
    finds(&[head(), thread_track(), other, begin(100), end(150)], &[], Silent);
}

/// What is kept does not grow with how many a file names.
#[test]
fn too_many_machines() {
    let of = |machine: u64| instant(100, m()).varint(MACHINE_ID, machine);
    let packets: Vec<_> = (1..5_000).map(of).chain([head(), track(), begin(100), end(150), of(4_999)]).collect();
    let (findings, summary) = check(&encode(&packets));
    let unread: Vec<_> = findings.iter().filter(|finding| finding.kind == Kind::NotRead).collect();
    assert_eq!((unread.len(), unread[0].packet), (1, 1_024));
    assert_eq!((summary.sequences, summary.events.begins), (1_025, 1));
}

/// The clocks of another machine are known by what the service says of them.
#[test]
fn clocks_that_are_apart() {
    let clocks = |boottime: u64, monotonic: u64| {
        [(6, boottime), (3, monotonic)]
            .iter()
            .fold(m(), |clocks, (id, ns)| clocks.message(1, m().varint(1, *id).varint(2, *ns)))
    };
    let synced = |client, host| m().message(2, client).message(3, host);
    let first = synced(clocks(1_000, 500), clocks(101_000, 700));
    let second = synced(clocks(1_200, 700), clocks(101_200, 900));
    let sync = |synced: &[Message]| {
        remote(packet().message(107, synced.iter().fold(m(), |sync, synced| sync.message(1, synced.clone()))))
    };
    let by = |clock, timestamp| remote(instant(timestamp, m()).varint(CLOCK_ID, clock));
    let packets = |sync| {
        let head = [head(), track(), instant(101_500, m()), remote(head()), remote(track()), sync];
        [head.as_slice(), &[by(6, 1_300), by(3, 900)]].concat()
    };
    let shown = |packets: &[Message], expected: [i64; 3]| {
        let (_, summary) = check(&encode(packets));
        assert_eq!(summary.span_ns, Some((expected[0], expected[2])));
        let Some(mut processor) = TraceProcessor::shared() else { return };
        let mut times: Vec<_> = processor.load(&encode(packets)).unwrap().slices.iter().map(|slice| slice.ts).collect();
        times.sort_unstable();
        assert_eq!(times, expected);
    };
    let whole = packets(sync(&[first.clone(), second.clone()]));
    finds(&whole, &[], Silent);
    shown(&whole, [101_200, 101_300, 101_500]);
    // One reading is no round, nor are two that are far apart.
    shown(&packets(sync(std::slice::from_ref(&first))), [1_300, 1_400, 101_500]);
    let late = synced(clocks(31_000_000_000, 30_999_999_500), clocks(31_000_100_000, 1));
    shown(&packets(sync(&[first, late])), [1_300, 1_400, 101_500]);
}

/// What one machine has said is nothing to another. The trace processor of the tests says nothing of clocks it does not know.
#[test]
fn what_only_another_machine_knows() {
    let lost = Counts(&["tokenizer_skipped_packets"]);
    finds(&[head(), track(), remote(track()), remote(instant(100, m()))], &[(Kind::StateNotCleared, 3)], lost);
    let packets = [head(), track(), snapshot(1_000, 500), remote(head()), remote(track()), remote(by_clock(10))];
    let found = finds(&packets, &[(Kind::ClockUnknown, 5)], Silent);
    assert!(found[0].to_string().contains(", machine 5, sequence 1: "), "{}", found[0]);
    let Some(mut processor) = TraceProcessor::shared() else { return };
    assert_eq!(processor.load(&encode(&packets)).unwrap().slices, []);
    drop(processor);
    finds(&[head(), track(), remote(head()), remote(instant(100, m()))], &[(Kind::TrackUndescribed, 3)], Silent);
}
