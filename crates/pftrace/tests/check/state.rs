//! Sequences, incremental state, interned data.

use pftrace::check::Kind;

use crate::*;

#[test]
fn an_event_without_a_sequence() {
    let lone = m().varint(TIMESTAMP, 100).message(TRACK_EVENT, m().varint(9, INSTANT).varint(11, TRACK).bytes(23, "x"));
    finds(&[head(), track(), lone], &[(Kind::NoSequence, 2)], Counts(&["track_event_tokenizer_errors"]));
}

/// 0 is a number like others, but for what needs state.
#[test]
fn the_sequence_0() {
    let zero = || m().varint(SEQUENCE_ID, 0);
    let event =
        zero().varint(TIMESTAMP, 100).message(TRACK_EVENT, m().varint(9, INSTANT).varint(11, TRACK).varint(10, 1));
    let head = zero().varint(SEQUENCE_FLAGS, CLEARED).message(INTERNED_DATA, m().message(2, entry(1, "work")));
    finds(&[head.clone(), track(), event.clone()], &[], Silent);
    let needs = event.varint(SEQUENCE_FLAGS, NEEDS);
    finds(&[head, track(), needs], &[(Kind::NoSequence, 2)], Refuses("sequence_id is zero"));
}

#[test]
fn needing_state_without_a_sequence() {
    let lone = m().varint(TIMESTAMP, 100).varint(SEQUENCE_FLAGS, NEEDS);
    finds(&[head(), track(), lone], &[(Kind::NoSequence, 2)], Refuses("sequence_id is zero"));
}

#[test]
fn interned_data_without_a_sequence() {
    let lone = m().varint(SEQUENCE_FLAGS, CLEARED).message(INTERNED_DATA, m().message(2, entry(1, "x")));
    finds(&[head(), track(), lone], &[(Kind::NoSequence, 2)], Counts(&["interned_data_tokenizer_errors"]));
}

#[test]
fn state_that_was_never_cleared() {
    let told_once = [track(), begin(100), end(150)];
    finds(&told_once, &[(Kind::StateNotCleared, 1)], Counts(&["tokenizer_skipped_packets"]));
}

/// The last one counts; and the field of old beside them.
#[test]
fn flags_twice() {
    const INCREMENTAL_STATE_CLEARED: u32 = 41;
    let both = head().varint(SEQUENCE_FLAGS, NEEDS);
    let skipped = Counts(&["tokenizer_skipped_packets"]);
    finds(&[both, track(), begin(100)], &[(Kind::InternedIgnored, 0), (Kind::StateNotCleared, 0)], skipped);
    let old = packet().varint(INCREMENTAL_STATE_CLEARED, 1).varint(SEQUENCE_FLAGS, NEEDS);
    finds(&[old, track(), event(100, INSTANT, m().bytes(23, "x"))], &[], Silent);
}

#[test]
fn state_that_was_lost() {
    let lost = packet().varint(DROPPED, 1);
    let packets = [head(), track(), begin(100), end(110), lost, begin(200), end(210), head(), begin(300), end(310)];
    finds(&packets, &[(Kind::Loss, 4), (Kind::StateNotCleared, 5)], Counts(&["tokenizer_skipped_packets"]));
}

#[test]
fn a_loss_where_a_generation_begins() {
    let packets = [head(), track(), head().varint(DROPPED, 1), begin(300), end(310)];
    finds(&packets, &[(Kind::Loss, 2)], Silent);
}

/// The service says so of the first packet of each sequence, before which there is none.
#[test]
fn no_loss_where_a_sequence_begins() {
    let packets = [head().varint(DROPPED, 1), track(), begin(300), end(310)];
    let (_, summary) = check(&encode(&packets));
    assert_eq!(summary.loss.gaps, 0);
    finds(&packets, &[], Silent);
    let second = m().varint(SEQUENCE_ID, 2).varint(DROPPED, 1);
    finds(&[head(), track(), second.clone(), second], &[(Kind::Loss, 3)], Silent);
}

#[test]
fn interned_data_before_the_state() {
    let early = packet().message(INTERNED_DATA, m().message(2, entry(1, "x")));
    finds(
        &[early, head(), track(), begin(100), end(150)],
        &[(Kind::InternedIgnored, 0)],
        Counts(&["tokenizer_skipped_packets"]),
    );
}

#[test]
fn an_entry_without_a_number() {
    let define = |entry| packet().message(INTERNED_DATA, m().message(2, entry));
    finds(
        &[head(), track(), define(m().bytes(2, "x"))],
        &[(Kind::IidMissing, 2)],
        Counts(&["interned_data_tokenizer_errors"]),
    );
}

/// Perfetto's own producers define it as the empty text, for what has none.
#[test]
fn the_number_0() {
    let define = |field, text| packet().message(INTERNED_DATA, m().message(field, entry(0, text)));
    let frame = packet().message(INTERNED_DATA, m().message(6, m().varint(1, 1).varint(2, 0)));
    finds(&[head(), define(5, ""), define(16, ""), define(17, ""), define(5, ""), frame], &[], Silent);
    finds(&[head(), define(5, ""), define(5, "f")], &[(Kind::IidRedefined, 2)], Silent);
    // Categories and texts may have it, too.
    finds(&[head(), track(), define(1, "render"), instant(100, m().varint(3, 0))], &[], Silent);
    let valued = instant(100, m().message(4, m().bytes(10, "a").varint(17, 0)));
    finds(&[head(), track(), define(29, "v"), valued], &[], Silent);
    // Whoever names an event or an annotation by 0 names it by none.
    finds(&[head(), track(), define(2, "x")], &[(Kind::IidMissing, 2)], Silent);
    finds(&[head(), track(), define(3, "x")], &[(Kind::IidMissing, 2)], Silent);
    finds(&[head(), track(), define(2, ""), define(3, "")], &[], Silent);
    let none = event(100, INSTANT, m().varint(10, 0).bytes(23, "x"));
    finds(&[head(), track(), none], &[], Silent);
}

#[test]
fn entries_without_a_text() {
    let define = |field, entry| packet().message(INTERNED_DATA, m().message(field, entry));
    for field in [1, 2, 3, 20, 27] {
        for textless in [m().varint(1, 2), entry(2, "")] {
            finds(&[head(), define(field, textless)], &[(Kind::TextMissing, 1)], Silent);
        }
        finds(&[head(), define(field, entry(2, "text"))], &[], Silent);
    }
    // An empty text is a value like others, and the number 0 is none.
    finds(&[head(), define(29, entry(2, "")), define(2, entry(0, ""))], &[], Silent);
    let nameless = event(100, INSTANT, m().varint(10, 2));
    let packets = [head(), track(), define(2, m().varint(1, 2)), nameless];
    finds(&packets, &[(Kind::TextMissing, 2)], Silent);
    let Some(mut processor) = TraceProcessor::shared() else { return };
    assert_eq!(processor.load(&encode(&packets)).unwrap().slices[0].name, None);
}

#[test]
fn a_number_with_two_meanings() {
    let define = |text| packet().message(INTERNED_DATA, m().message(2, entry(1, text)));
    finds(&[head(), track(), define("work"), define("play")], &[(Kind::IidRedefined, 3)], Silent);
    // In a new generation it may.
    let other = packet().varint(SEQUENCE_FLAGS, CLEARED).message(INTERNED_DATA, m().message(2, entry(1, "play")));
    finds(&[head(), track(), other], &[], Silent);
}

#[test]
fn numbers_that_nothing_defines() {
    let undefined = |field: Message, stat| {
        finds(&[head(), track(), instant(100, field)], &[(Kind::IidUndefined, 2)], stat);
    };
    // What refers to it is then left out, or shown without.
    const ALONE: Processor = Counts(&["interned_data_tokenizer_errors"]);
    const LEFT_OUT: Processor = Counts(&["interned_data_tokenizer_errors", "track_event_parser_errors"]);
    undefined(m().varint(3, 9), ALONE);
    undefined(m().message(4, m().varint(1, 9).varint(4, 1)), LEFT_OUT);
    undefined(m().message(4, m().bytes(10, "a").varint(17, 9)), LEFT_OUT);
    undefined(m().message(4, m().bytes(10, "a").message(11, m().bytes(10, "b").varint(17, 9))), LEFT_OUT);
    undefined(m().message(4, m().bytes(10, "a").varint(13, 9).bytes(14, "")), LEFT_OUT);
    undefined(m().varint(34, 9), LEFT_OUT);
    undefined(m().varint(54, 9), ALONE);
    undefined(m().message(5, m().varint(1, 9)), LEFT_OUT);
    let name = event(100, INSTANT, m().varint(10, 9));
    finds(&[head(), track(), name], &[(Kind::IidUndefined, 2)], ALONE);
    let log = instant(100, m().message(21, m().varint(2, 9)));
    finds(&[head(), thread_track(), log], &[(Kind::IidUndefined, 2)], LEFT_OUT);
}

/// Newer than the trace processor of the tests, which knows none of these fields.
#[test]
fn numbers_of_stacks_that_nothing_defines() {
    let callstack = instant(100, m().varint(56, 9));
    finds(&[head(), track(), callstack], &[(Kind::IidUndefined, 2)], Counts(&["unknown_extension_fields"]));
    let sample = at(100).message(135, m().varint(2, 5).varint(6, 6).bytes(13, [7]));
    let found = [(Kind::IidUndefined, 2), (Kind::IidUndefined, 2), (Kind::IidUndefined, 2)];
    finds(&[head(), track(), sample], &found, Silent);
}

#[test]
fn entries_that_name_entries_that_nothing_defines() {
    let define = |data| packet().message(INTERNED_DATA, data);
    let frame = define(m().message(6, m().varint(1, 1).varint(2, 9)));
    finds(&[head(), frame], &[(Kind::IidUndefined, 1)], Silent);
    let callstack = define(m().message(7, m().varint(1, 1).varint(2, 9)));
    finds(&[head(), callstack], &[(Kind::IidUndefined, 1)], Silent);
    let mapping = define(m().message(19, m().varint(1, 1).varint(2, 9)));
    finds(&[head(), mapping], &[(Kind::IidUndefined, 1)], Silent);
    // In one packet the order does not matter.
    let whole = m()
        .message(7, m().varint(1, 1).varint(2, 1))
        .message(6, m().varint(1, 1).varint(2, 1))
        .message(5, entry(1, "f"));
    finds(&[head(), define(whole)], &[], Silent);
}

/// Samples of profilers: what the trace processor says of a callstack, it says where it is used.
#[test]
fn callstacks_of_samples() {
    const UNDEFINED: Processor = Counts(&["interned_data_tokenizer_errors", "stackprofile_invalid_callstack_id"]);
    let define = |callstack: Message| {
        let strings = m().message(5, entry(1, "function")).message(16, entry(1, "build")).message(17, entry(1, "path"));
        let mapping = m().message(19, m().varint(1, 1).varint(2, 1).varint(7, 1));
        let frame = m().message(6, m().varint(1, 1).varint(2, 1).varint(3, 1)).message(7, callstack);
        packet().message(INTERNED_DATA, strings.append(mapping).append(frame))
    };
    let sample = |callstack: u64| at(100).message(66, m().varint(1, 1).varint(2, 4).varint(3, 5).varint(4, callstack));
    let sound = define(m().varint(1, 1).varint(2, 1));
    finds(&[head(), sound.clone(), sample(1)], &[], Silent);
    finds(&[head(), sound, sample(9)], &[(Kind::IidUndefined, 2)], UNDEFINED);
    let empty = define(m().varint(1, 1));
    finds(&[head(), empty, sample(1)], &[(Kind::CallstackEmpty, 1)], Counts(&["stackprofile_empty_callstack"]));
    let thread = packet().message(44, m().varint(1, 4).varint(2, 5).varint(6, 1));
    let streaming = at(100).message(54, m().varint(1, 9).varint(2, 0));
    let (findings, _) = check(&encode(&[head(), thread, streaming]));
    assert_eq!(
        findings.iter().map(|finding| (finding.kind, finding.packet)).collect::<Vec<_>>(),
        [(Kind::IidUndefined, 2)]
    );
}

#[test]
fn a_number_of_another_sequence() {
    let head_of_2 = m().varint(SEQUENCE_ID, 2).varint(SEQUENCE_FLAGS, CLEARED);
    let of_2 = m().varint(SEQUENCE_ID, 2).varint(TIMESTAMP, 100).varint(SEQUENCE_FLAGS, NEEDS);
    let of_2 = of_2.message(TRACK_EVENT, m().varint(9, INSTANT).varint(11, TRACK).varint(10, 1));
    let found = finds(
        &[head(), track(), head_of_2, of_2],
        &[(Kind::IidUndefined, 3)],
        Counts(&["interned_data_tokenizer_errors"]),
    );
    assert_eq!(found[0].sequence, Some(2));
}

/// What is silent here loses all but one: of the trace processor nobody would know.
#[test]
fn a_field_twice_in_a_packet() {
    let instant = |name: &str| m().varint(9, INSTANT).varint(11, TRACK).bytes(23, name);
    let both = at(100).message(TRACK_EVENT, instant("one")).message(TRACK_EVENT, instant("two"));
    let packets = [head(), track(), both];
    finds(&packets, &[(Kind::FieldTwice, 2)], Silent);
    if let Some(mut processor) = TraceProcessor::shared() {
        processor.load(&encode(&packets)).unwrap();
        assert_eq!(
            processor.query("select group_concat(name) from slice").unwrap().rows[0][0].some_text().unwrap(),
            "two"
        );
    }
    let tracks = track().message(TRACK_DESCRIPTOR, m().varint(1, 9).bytes(2, "other"));
    finds(&[head(), tracks], &[(Kind::FieldTwice, 1)], Silent);
    let data = |iid, text: &str| m().message(2, entry(iid, text));
    let interned = packet().message(INTERNED_DATA, data(2, "two")).message(INTERNED_DATA, data(3, "three"));
    finds(&[head(), track(), interned], &[(Kind::FieldTwice, 2)], Silent);
    let defaults = packet().message(DEFAULTS, m()).message(DEFAULTS, m());
    finds(&[head(), track(), defaults], &[(Kind::FieldTwice, 2)], Silent);
    let snapshot = || m().message(1, m().varint(1, 6).varint(2, 5));
    let snapshots = packet().message(CLOCK_SNAPSHOT, snapshot()).message(CLOCK_SNAPSHOT, snapshot());
    finds(&[head(), snapshots], &[(Kind::FieldTwice, 1)], Silent);
    // Not of the same time.
    let timed = |timestamp| [head(), track(), begin(100).varint(TIMESTAMP, timestamp), end(300)];
    finds(&timed(200), &[(Kind::FieldTwice, 2)], Silent);
    finds(&timed(100), &[], Silent);
    let Some(mut processor) = TraceProcessor::shared() else { return };
    assert_eq!(processor.load(&encode(&timed(200))).unwrap().slices[0].ts, 200);
}

#[test]
fn a_track_beside_an_event() {
    let described = instant(100, m()).message(TRACK_DESCRIPTOR, m().varint(1, TRACK).bytes(2, "track"));
    let packets = [head(), described];
    finds(&packets, &[(Kind::BesideEvent, 1)], Silent);
    if let Some(mut processor) = TraceProcessor::shared() {
        processor.load(&encode(&packets)).unwrap();
        assert_eq!(processor.query("select count(*) from track where name = 'track'").unwrap().rows[0][0].int(), 0);
    }
}

#[test]
fn losses_that_the_statistics_tell() {
    let stats = packet().message(TRACE_STATS, m().message(1, m().varint(19, 3)));
    let found = finds(
        &[head(), track(), begin(100), end(150), stats],
        &[(Kind::Loss, 4)],
        Counts(&["traced_buf_trace_writer_packet_loss"]),
    );
    assert_eq!(found[0].message, "the statistics in the trace say that 3 packets and 0 chunks were lost");
}
