//! Descriptions of tracks.

use pftrace::check::Kind;

use crate::*;

#[test]
fn a_track_without_a_number() {
    let nameless = descriptor(m().bytes(2, "track"));
    finds(&[head(), nameless], &[(Kind::TrackNoUuid, 1)], Counts(&["track_event_tokenizer_errors"]));
}

#[test]
fn a_thread_without_its_numbers() {
    let stat = || Counts(&["track_event_tokenizer_errors"]);
    let without_tid = descriptor(m().varint(1, 9).message(4, m().varint(1, 4)));
    finds(&[head(), without_tid], &[(Kind::ThreadNoId, 1)], stat());
    let without_pid = descriptor(m().varint(1, 9).message(4, m().varint(2, 5)));
    finds(&[head(), without_pid], &[(Kind::ThreadNoId, 1)], stat());
}

#[test]
fn a_process_without_its_number() {
    let without_pid = descriptor(m().varint(1, 9).message(3, m().bytes(6, "p")));
    finds(&[head(), without_pid], &[(Kind::ProcessNoId, 1)], Counts(&["track_event_tokenizer_errors"]));
}

#[test]
fn the_root_has_a_parent() {
    finds(
        &[head(), track(), descriptor(m().varint(1, 0).varint(5, TRACK))],
        &[(Kind::RootWithParent, 2)],
        Counts(&["track_event_tokenizer_errors"]),
    );
}

#[test]
fn an_order_that_there_is_not() {
    let packets = [
        head(),
        track(),
        descriptor(m().varint(1, 9).bytes(2, "t").varint(11, 9)),
        on(9, 100, INSTANT, m().varint(10, 1)),
    ];
    finds(&packets, &[(Kind::ChildOrdering, 2)], Refuses("crashed"));
}

#[test]
fn a_track_described_as_something_else() {
    let described_as = |fields: Message| m().varint(1, 9).append(fields);
    let conflict = |one: Message, other: Message| {
        let packets = [head(), track(), descriptor(described_as(one)), descriptor(described_as(other))];
        finds(&packets, &[(Kind::TrackConflict, 3)], Counts(&["track_event_tokenizer_errors"]));
    };
    conflict(m(), m().varint(5, TRACK));
    conflict(m(), m().message(8, m()));
    conflict(m().message(4, m().varint(1, 4).varint(2, 5)), m().message(4, m().varint(1, 4).varint(2, 6)));
    conflict(m().message(8, m()), m().message(8, m().varint(4, 1_000)));
    let thread = || m().message(4, m().varint(1, 4).varint(2, 5));
    conflict(thread(), thread().varint(5, TRACK));
    conflict(m().message(3, m().varint(1, 4)), m().message(3, m().varint(1, 4)).varint(5, TRACK));
    // How it is merged with others, and all that a counter is.
    conflict(m(), m().varint(15, 2));
    let by_key = |key: &str| m().varint(15, 3).bytes(16, key);
    conflict(by_key("one"), by_key("other"));
    for other in [m().varint(1, 1), m().bytes(2, "category"), m().bytes(7, "key")] {
        conflict(m().message(8, m()), m().message(8, other));
    }
    // The same again is fine, and what is the same by default, and what does not count.
    let again = |one: Message, other: Message| {
        finds(&[head(), track(), descriptor(described_as(one)), descriptor(described_as(other))], &[], Silent);
    };
    again(by_key("one"), by_key("one"));
    again(m().bytes(16, "one"), m().varint(15, 1).bytes(16, "other"));
    again(m().message(8, m()), m().message(8, m().varint(3, 3).bytes(6, "apples")));
}

#[test]
fn a_parent_that_is_nowhere() {
    let orphan = descriptor(m().varint(1, TRACK).bytes(2, "t").varint(5, 99));
    finds(
        &[head(), orphan, begin(100), end(150)],
        &[(Kind::ParentUndescribed, 1)],
        Counts(&["track_event_parser_errors"]),
    );
    // It may come later.
    let parent = descriptor(m().varint(1, 99).bytes(2, "p"));
    finds(&[head(), descriptor(m().varint(1, TRACK).bytes(2, "t").varint(5, 99)), parent], &[], Silent);
}

#[test]
fn a_track_that_is_its_own_ancestor() {
    let child = |uuid, parent| descriptor(m().varint(1, uuid).bytes(2, "t").varint(5, parent));
    let packets = [head(), child(TRACK, 9), child(9, TRACK), begin(100), end(150)];
    finds(&packets, &[(Kind::ParentLoop, 2)], Counts(&["track_event_parser_errors"]));
    finds(&[head(), child(9, 9)], &[(Kind::ParentLoop, 1)], Counts(&["track_event_parser_errors"]));
}

/// Threads and processes lie under their parents as other tracks do.
#[test]
fn parents_of_threads_and_processes() {
    const STAT: Processor = Counts(&["track_event_parser_errors"]);
    let thread = |parent| descriptor(m().varint(1, TRACK).varint(5, parent).message(4, m().varint(1, 4).varint(2, 5)));
    let process = |uuid, parent| descriptor(m().varint(1, uuid).varint(5, parent).message(3, m().varint(1, uuid)));
    let packets = |describe| [head(), describe, instant(100, m())];
    finds(&packets(thread(99)), &[(Kind::ParentUndescribed, 1)], STAT);
    finds(&packets(thread(TRACK)), &[(Kind::ParentLoop, 1)], STAT);
    finds(&packets(process(TRACK, 99)), &[(Kind::ParentUndescribed, 1)], STAT);
    let child = descriptor(m().varint(1, TRACK).bytes(2, "t").varint(5, 20));
    let packets = [head(), process(20, 21), process(21, 20), child, instant(100, m())];
    finds(&packets, &[(Kind::ParentLoop, 2)], STAT);
    // Later is early enough.
    finds(&[head(), thread(20), instant(100, m()), process(20, 0)], &[], Silent);
}

/// The trace processor is not asked: the engine runs out of stack, and with it the tests.
#[test]
fn a_track_with_too_many_ancestors() {
    let child = |uuid: u64| descriptor(m().varint(1, uuid).bytes(2, "t").varint(5, uuid - 1));
    let chain = |last: u64| -> Vec<Message> {
        let root = descriptor(m().varint(1, 1000).bytes(2, "root"));
        [head(), root].into_iter().chain((1001..=last).map(child)).collect()
    };
    let kinds = |packets: &[Message]| -> Vec<_> {
        let (findings, _) = check(&encode(packets));
        findings.iter().map(|finding| (finding.kind, finding.packet)).collect()
    };
    assert_eq!(kinds(&chain(1076)), []);
    assert_eq!(kinds(&chain(1077)), [(Kind::TracksTooDeep, 78)]);
    // The one that is too deep is told, not all below it.
    assert_eq!(kinds(&chain(1200)), [(Kind::TracksTooDeep, 78)]);
    let reversed: Vec<_> = chain(1200).into_iter().rev().collect();
    assert_eq!(kinds(&reversed), [(Kind::TracksTooDeep, 123)]);
}

#[test]
fn a_track_that_nothing_describes() {
    finds(&[head(), begin(100), end(150)], &[(Kind::TrackUndescribed, 1)], Silent);
    // It may be described later.
    finds(&[head(), begin(100), end(150), track()], &[], Silent);
}

#[test]
fn numbers_of_the_kernel() {
    let process = descriptor(m().varint(1, 9).message(3, m().varint(1, 0)));
    finds(&[head(), process], &[(Kind::ReservedId, 1)], Silent);
}

/// A process has 32 bits without a sign, a thread 32 bits with one, for its process too.
#[test]
fn numbers_that_do_not_fit() {
    let process = |pid: i64| [head(), descriptor(m().varint(1, 9).message(3, m().varint(1, pid as u64)))];
    let thread = |pid: i64, tid: i64| {
        [head(), descriptor(m().varint(1, 9).message(4, m().varint(1, pid as u64).varint(2, tid as u64)))]
    };
    const LARGE: i64 = (1 << 32) + 9;
    for packets in [process(LARGE), process(-4), thread(LARGE, 5), thread(1 << 31, 5)] {
        finds(&packets, &[(Kind::PidRange, 1)], Silent);
    }
    // A thread's own has 64 in newer versions.
    finds(&thread(4, LARGE), &[(Kind::TidLong, 1)], Silent);
    for packets in [process(i64::from(u32::MAX)), thread(-4, -5), thread(i64::from(i32::MAX), i64::from(i32::MAX))] {
        finds(&packets, &[], Silent);
    }
    // That is what is shown.
    let shown = |packets: &[Message], query: &str| {
        let mut processor = TraceProcessor::shared()?;
        processor.load(&encode(packets)).unwrap();
        Some(processor.query(query).unwrap().rows[0][0].int())
    };
    for (packets, query, expected) in [
        (process(LARGE), "select max(pid) from process", 9),
        (process(-4), "select max(pid) from process", (1 << 32) - 4),
        (thread(1 << 31, 5), "select min(pid) from process", -1 << 31),
        (thread(4, LARGE), "select max(tid) from thread", 9),
        (thread(-4, -5), "select min(tid) from thread", -5),
    ] {
        assert!(shown(&packets, query).is_none_or(|pid| pid == expected), "{query}");
    }
}

#[test]
fn two_tracks_for_a_thread() {
    let again = descriptor(m().varint(1, 9).message(4, m().varint(1, 4).varint(2, 5)));
    finds(&[head(), thread_track(), again], &[(Kind::ThreadTwice, 2)], Silent);
}

#[test]
fn two_tracks_for_a_process() {
    let process = |uuid: u64| descriptor(m().varint(1, uuid).message(3, m().varint(1, 4)));
    let packets = [
        head(),
        process(TRACK),
        process(9),
        process(TRACK),
        process(9),
        begin(100),
        end(150),
        on(9, 150, INSTANT, m().varint(10, 1)),
    ];
    finds(&packets, &[(Kind::ProcessTwice, 2)], Silent);
    let Some(mut processor) = TraceProcessor::shared() else { return };
    processor.load(&encode(&packets)).unwrap();
    assert_eq!(processor.query("select count(*) from process where pid = 4").unwrap().rows[0][0].int(), 2);
}

/// Those of one track, thread or process; whichever stand at its events, the trace processor shows one.
#[test]
fn names_that_change() {
    let shown = |packets: &[Message], query: &str, expected: &str| {
        finds(packets, &[(Kind::Renamed, 3)], Silent);
        let Some(mut processor) = TraceProcessor::shared() else { return };
        processor.load(&encode(packets)).unwrap();
        assert_eq!(processor.query(query).unwrap().rows[0][0].some_text().unwrap(), expected);
    };
    let renamed = |one: Message, other: Message| {
        let described = |fields| descriptor(m().varint(1, TRACK).append(fields));
        [head(), described(one), instant(100, m()), described(other), instant(200, m())]
    };
    let name = |name: &str| m().bytes(2, name);
    shown(
        &renamed(name("one"), name("other")),
        "select distinct t.name from slice join track t on track_id = t.id",
        "one",
    );
    let thread = |name: &str| m().message(4, m().varint(1, 4).varint(2, 5).bytes(5, name));
    shown(&renamed(thread("one"), thread("other")), "select name from thread where tid = 5", "other");
    let process = |name: &str| m().message(3, m().varint(1, 4).bytes(6, name));
    shown(&renamed(process("one"), process("other")), "select name from process where pid = 4", "one");
    finds(&renamed(m(), name("other")), &[], Silent);
    finds(&renamed(thread("one"), thread("")), &[], Silent);
}

#[test]
fn the_name_of_a_threads_track() {
    let thread = |name: &str| m().message(4, m().varint(1, 4).varint(2, 5).bytes(5, name));
    let named = |fields: Message| {
        [head(), descriptor(m().varint(1, TRACK).append(fields).bytes(2, "track")), begin(100), end(150)]
    };
    finds(&named(thread("")), &[(Kind::ThreadName, 1)], Silent);
    finds(&named(thread("thread")), &[], Silent);
    finds(&named(thread("").varint(9, 1)), &[], Silent);
    let Some(mut processor) = TraceProcessor::shared() else { return };
    for (fields, expected) in [(thread(""), None), (thread("").varint(9, 1), Some("track"))] {
        let loaded = processor.load(&encode(&named(fields))).unwrap();
        assert_eq!(loaded.track_name(&loaded.slices[0]).as_deref(), expected);
        let name = processor.query("select name from thread where tid = 5").unwrap();
        assert_eq!(name.rows[0][0].some_text(), None);
    }
}
