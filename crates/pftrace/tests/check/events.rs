//! Events: types, counters, states, flows, logs, extensions, fields.

use pftrace::check::Kind;

use crate::*;

#[test]
fn an_event_without_a_type() {
    let typeless = at(100).message(TRACK_EVENT, m().varint(11, TRACK).varint(10, 1));
    finds(&[head(), track(), typeless], &[(Kind::EventNoType, 2)], Counts(&["track_event_parser_errors"]));
    let odd = event(100, 77, m().varint(10, 1));
    finds(&[head(), track(), odd], &[(Kind::EventNoType, 2)], Counts(&["track_event_parser_errors"]));
}

#[test]
fn a_counter_without_a_track() {
    let trackless = at(100).message(TRACK_EVENT, m().varint(9, COUNTER).varint(30, 5));
    finds(
        &[head(), counter_track(), trackless],
        &[(Kind::CounterNoTrack, 2)],
        Counts(&["track_event_tokenizer_errors"]),
    );
}

#[test]
fn a_counter_without_a_value() {
    let valueless = on(COUNTER_TRACK, 100, COUNTER, m());
    finds(
        &[head(), counter_track(), valueless],
        &[(Kind::CounterNoValue, 2)],
        Counts(&["track_event_tokenizer_errors"]),
    );
}

#[test]
fn values_that_are_no_numbers() {
    let double = |timestamp, value: f64| on(COUNTER_TRACK, timestamp, COUNTER, m().fixed64(44, value.to_bits()));
    let shown = |packets: &[Message]| {
        let Some(mut processor) = TraceProcessor::shared() else { return vec!["1".to_owned(), "NULL".to_owned()] };
        processor.load(&encode(packets)).unwrap();
        let rows =
            processor.query("select coalesce(cast(value as text), 'NULL') from counter order by ts").unwrap().rows;
        rows.iter().map(|row| row[0].some_text().unwrap()).collect()
    };
    let packets = [head(), counter_track(), double(100, f64::NAN), double(110, f64::INFINITY), double(120, 0.5)];
    finds(&packets, &[(Kind::CounterNan, 2)], Silent);
    assert_eq!(shown(&packets)[0], "NULL");
    // Of differences, all that come after are lost.
    let differences = descriptor(m().varint(1, COUNTER_TRACK).message(8, m().varint(5, 1)));
    let packets = [head(), differences, double(100, 1.0), double(110, f64::NAN), double(120, 1.0)];
    finds(&packets, &[(Kind::CounterNan, 3)], Silent);
    assert_eq!(shown(&packets).pop().unwrap(), "NULL");
    let extra = instant(100, m().varint(45, COUNTER_TRACK).fixed64(46, f64::NAN.to_bits()));
    finds(&[head(), counter_track(), track(), extra], &[(Kind::CounterNan, 3)], Silent);
    finds(&[head(), counter_track(), double(100, f64::MAX), double(110, -0.0)], &[], Silent);
}

/// What the trace processor reads of the two stands beside each.
#[test]
fn a_field_twice_in_an_event() {
    let column = |packets: &[Message], query: &str| {
        let mut processor = TraceProcessor::shared()?;
        processor.load(&encode(packets)).unwrap();
        processor.query(query).unwrap().rows[0][0].some_text()
    };
    let names = [
        (m().bytes(23, "a").bytes(23, "b"), "b"),
        (m().bytes(23, "a").varint(10, 1), "work"),
        (m().varint(10, 1).bytes(23, "a"), "work"),
    ];
    for (fields, expected) in names {
        let packets = [head(), track(), event(100, INSTANT, fields)];
        finds(&packets, &[(Kind::FieldTwice, 2)], Silent);
        assert_eq!(column(&packets, "select name from slice").as_deref().unwrap_or(expected), expected);
    }
    let values = [(m().varint(30, 1).varint(30, 2), "2.0"), (m().fixed64(44, 2.5_f64.to_bits()).varint(30, 1), "1.0")];
    for (fields, expected) in values {
        let packets = [head(), counter_track(), on(COUNTER_TRACK, 100, COUNTER, fields)];
        finds(&packets, &[(Kind::FieldTwice, 2)], Silent);
        let value = column(&packets, "select cast(value as text) from counter");
        assert_eq!(value.as_deref().unwrap_or(expected), expected);
    }
    finds(&[head(), track(), begin(100), event(150, BEGIN, m().varint(9, END))], &[(Kind::FieldTwice, 3)], Silent);
    let other = descriptor(m().varint(1, 9).bytes(2, "other"));
    finds(&[head(), track(), other, instant(100, m().varint(11, 9))], &[(Kind::FieldTwice, 3)], Silent);
    // The same again.
    let again = m().varint(9, INSTANT).varint(11, TRACK).varint(10, 1).bytes(23, "work");
    finds(&[head(), track(), instant(100, again)], &[], Silent);
    let again = m().varint(30, 5).fixed64(44, 5.0_f64.to_bits());
    finds(&[head(), counter_track(), on(COUNTER_TRACK, 100, COUNTER, again)], &[], Silent);
}

#[test]
fn the_value_of_a_counter_in_another_event() {
    for event in [instant(100, m().varint(30, 5)), instant(100, m().fixed64(44, 0))] {
        finds(&[head(), track(), event], &[(Kind::ValueNoCounter, 2)], Silent);
    }
    let state = event(100, STATE, m().varint(10, 1).varint(30, 5));
    let stat = Counts(&["track_event_parser_errors"]);
    finds(&[head(), descriptor(m().varint(1, TRACK).message(18, m())), state], &[(Kind::ValueNoCounter, 2)], stat);
}

/// Whatever phase of the JSON format it has, too.
#[test]
fn a_counter_with_a_phase() {
    let value = on(COUNTER_TRACK, 100, COUNTER, m().varint(30, 5).message(6, m().varint(2, u64::from(b'C'))));
    finds(&[head(), counter_track(), value], &[], Silent);
}

#[test]
fn source_locations_of_number_0() {
    const STAT: Processor = Counts(&["track_event_parser_errors"]);
    let define = || packet().message(INTERNED_DATA, m().message(4, entry(0, "zero")).message(4, entry(1, "one")));
    for fields in [m().varint(34, 0), m().message(5, m()), m().message(5, m().varint(1, 0))] {
        finds(&[head(), define(), track(), instant(100, fields)], &[(Kind::IidMissing, 3)], STAT);
    }
    for fields in [m().varint(34, 1), m().message(5, m().varint(1, 1))] {
        finds(&[head(), define(), track(), instant(100, fields)], &[], Silent);
    }
}

#[test]
fn a_counter_that_is_none() {
    let value = || event(100, COUNTER, m().varint(30, 5));
    finds(&[head(), track(), value()], &[(Kind::NotACounter, 2)], Counts(&["track_event_tokenizer_errors"]));
    finds(&[head(), value()], &[(Kind::NotACounter, 1)], Counts(&["track_event_tokenizer_errors"]));
}

/// Nor is a thread or process that says that it is one, too, whatever it says first.
#[test]
fn a_counter_that_is_also_a_thread_or_process() {
    const STAT: Processor = Counts(&["track_event_tokenizer_errors"]);
    let value = || on(COUNTER_TRACK, 100, COUNTER, m().varint(30, 5));
    let own = || m().varint(1, COUNTER_TRACK);
    let thread = || m().message(4, m().varint(1, 4).varint(2, 5));
    let process = || m().message(3, m().varint(1, 4));
    for other in [thread(), process()] {
        for both in [own().append(other.clone()).message(8, m()), own().message(8, m()).append(other)] {
            finds(&[head(), descriptor(both), value()], &[(Kind::NotACounter, 2)], STAT);
        }
    }
    // Both of them is a thread.
    for both in [thread().append(process()), process().append(thread())] {
        let both = descriptor(m().varint(1, TRACK).append(both));
        finds(&[head(), both, thread_track()], &[], Silent);
    }
}

#[test]
fn a_counter_that_is_described_too_late() {
    const STAT: Processor = Counts(&["track_event_tokenizer_errors"]);
    let value = |timestamp| on(COUNTER_TRACK, timestamp, COUNTER, m().varint(30, 5));
    // Once per track.
    let packets = [head(), value(100), value(110), counter_track(), value(120)];
    finds(&packets, &[(Kind::CounterLate, 1)], STAT);
    // As the track of the sequence, and from another sequence.
    let defaults = m().message(11, m().varint(11, COUNTER_TRACK));
    let trackless = at(100).message(TRACK_EVENT, m().varint(9, COUNTER).varint(30, 5));
    let packets = [head().message(DEFAULTS, defaults), trackless.clone(), counter_track()];
    finds(&packets, &[(Kind::CounterLate, 1)], STAT);
    let by_another = m().varint(SEQUENCE_ID, 2).message(TRACK_DESCRIPTOR, m().varint(1, COUNTER_TRACK).message(8, m()));
    finds(&[head(), by_another.clone(), value(100)], &[], Silent);
    finds(&[head(), value(100), by_another], &[(Kind::CounterLate, 1)], STAT);
    // An event with extra values goes with them; those that only name tracks say no value.
    let extra = instant(100, m().varint(31, COUNTER_TRACK).varint(12, 5));
    finds(&[head(), track(), extra, counter_track()], &[(Kind::CounterLate, 2)], STAT);
    let double = instant(100, m().varint(45, COUNTER_TRACK).fixed64(46, 0));
    finds(&[head(), track(), double, counter_track()], &[(Kind::CounterLate, 2)], STAT);
    let defaults = m().message(11, m().varint(31, COUNTER_TRACK));
    let by_default = instant(100, m().varint(12, 5));
    let packets = [head().message(DEFAULTS, defaults), track(), by_default, counter_track()];
    finds(&packets, &[(Kind::CounterLate, 2)], STAT);
    let named = instant(100, m().varint(31, COUNTER_TRACK));
    finds(&[head(), track(), named, counter_track()], &[], Silent);
}

#[test]
fn a_counter_of_differences_that_two_sequences_write() {
    let counter = |incremental| {
        descriptor(m().varint(1, COUNTER_TRACK).bytes(2, "counter").message(8, m().varint(5, incremental)))
    };
    let value = |sequence: u64, timestamp: u64, value: u64| {
        let value = m().varint(9, COUNTER).varint(11, COUNTER_TRACK).varint(30, value);
        m().varint(SEQUENCE_ID, sequence).varint(TIMESTAMP, timestamp).message(TRACK_EVENT, value)
    };
    let packets = |incremental| {
        [head(), counter(incremental), value(1, 100, 5), value(2, 110, 7), value(1, 120, 1), value(2, 130, 1)]
    };
    finds(&packets(1), &[(Kind::CounterShared, 3)], Silent);
    finds(&packets(0), &[], Silent);
    let Some(mut processor) = TraceProcessor::shared() else { return };
    processor.load(&encode(&packets(1))).unwrap();
    let values = processor.query("select cast(value as int) from counter order by ts").unwrap().rows;
    assert_eq!(values.iter().map(|row| row[0].int()).collect::<Vec<_>>(), [5, 7, 6, 8]);
}

#[test]
fn extra_counters() {
    let with = |fields: Message| [head(), counter_track(), track(), instant(100, fields)];
    const STAT: Processor = Counts(&["track_event_tokenizer_errors"]);
    finds(&with(m().varint(31, COUNTER_TRACK).varint(12, 5)), &[], Silent);
    finds(&with(m().varint(12, 5)), &[(Kind::ExtraCounters, 3)], STAT);
    finds(&with(m().varint(31, COUNTER_TRACK).varint(12, 5).varint(12, 6)), &[(Kind::ExtraCounters, 3)], STAT);
    finds(&with(m().varint(45, COUNTER_TRACK).fixed64(46, 0).fixed64(46, 0)), &[(Kind::ExtraCounters, 3)], STAT);
    let nine = |message: Message| (0..9).fold(message, |message, _| message.varint(31, COUNTER_TRACK).varint(12, 5));
    finds(&with(nine(m())), &[(Kind::ExtraCounters, 3)], STAT);
    // Whole numbers and others together.
    let both = |whole, other| {
        let message = (0..whole).fold(m(), |message, _| message.varint(31, COUNTER_TRACK).varint(12, 5));
        (0..other).fold(message, |message, _| message.varint(45, COUNTER_TRACK).fixed64(46, 0))
    };
    finds(&with(both(4, 4)), &[], Silent);
    finds(&with(both(5, 4)), &[(Kind::ExtraCounters, 3)], STAT);
    finds(&with(both(5, 5)), &[(Kind::ExtraCounters, 3)], STAT);
    finds(&with(m().varint(31, TRACK).varint(12, 5)), &[(Kind::NotACounter, 3)], STAT);
    // By default.
    let defaults = m().message(11, m().varint(31, COUNTER_TRACK));
    let packets = [head().message(DEFAULTS, defaults), counter_track(), track(), instant(100, m().varint(12, 5))];
    finds(&packets, &[], Silent);
}

/// States are newer than the trace processor of the tests.
#[test]
fn a_state_without_a_track() {
    let trackless = at(100).message(TRACK_EVENT, m().varint(9, STATE).varint(10, 1));
    finds(&[head(), trackless], &[(Kind::StateNoTrack, 1)], Counts(&["track_event_parser_errors"]));
}

#[test]
fn a_log_message_without_a_thread() {
    let log = m().varint(1, 1).bytes(2, "text");
    let define = packet().message(INTERNED_DATA, m().message(20, log));
    let logged = instant(100, m().message(21, m().varint(2, 1)));
    finds(
        &[head(), track(), define.clone(), logged.clone()],
        &[(Kind::LogOffThread, 3)],
        Counts(&["track_event_parser_errors"]),
    );
    finds(&[head(), thread_track(), define.clone(), logged.clone()], &[], Silent);
    // A track below a thread's is one's, too.
    let below = descriptor(m().varint(1, TRACK).bytes(2, "below").varint(5, 9));
    let thread = descriptor(m().varint(1, 9).message(4, m().varint(1, 4).varint(2, 5)));
    finds(&[head(), below.clone(), define.clone(), logged.clone(), thread], &[], Silent);
    let process = descriptor(m().varint(1, 9).message(3, m().varint(1, 4)));
    let stat = Counts(&["track_event_parser_errors"]);
    finds(&[head(), below, define, logged, process], &[(Kind::LogOffThread, 3)], stat);
}

#[test]
fn a_log_message_without_a_text() {
    let logged = |log| [head(), thread_track(), instant(100, m().message(21, log))];
    let stat = || Counts(&["interned_data_tokenizer_errors", "track_event_parser_errors"]);
    finds(&logged(m().varint(3, 4)), &[(Kind::LogNoBody, 2)], stat());
    finds(&logged(m()), &[(Kind::LogNoBody, 2)], stat());
}

#[test]
fn flows_as_varints() {
    // The trace processor drops them without a word.
    finds(&[head(), track(), instant(100, m().varint(47, 2))], &[(Kind::WireType, 2)], Silent);
    finds(&[head(), track(), instant(100, m().varint(48, 2))], &[(Kind::WireType, 2)], Silent);
    finds(&[head(), track(), instant(100, m().fixed64(47, 2).fixed64(48, 3))], &[], Silent);
}

#[test]
fn packed_where_it_must_not_be() {
    let found = finds(&[head(), track(), instant(100, m().bytes(47, [1; 16]))], &[(Kind::WireType, 2)], Silent);
    assert!(found[0].message.ends_with("found a length and bytes (packed, perhaps)"), "{}", found[0].message);
    finds(
        &[head(), track(), instant(100, m().bytes(3, [1, 1]))],
        &[(Kind::WireType, 2)],
        Counts(&["interned_data_tokenizer_errors"]),
    );
}

#[test]
fn other_fields_of_the_wrong_type() {
    finds(&[head(), track(), instant(100, m().varint(44, 2))], &[(Kind::WireType, 2)], Silent);
    finds(&[head(), packet().message(TRACK_DESCRIPTOR, m().varint(1, 9).varint(2, 1))], &[(Kind::WireType, 1)], Silent);
    finds(&[head(), packet().varint(45, 1)], &[(Kind::WireType, 1)], Silent);
}

/// The trace processor passes over the value in the middle.
#[test]
fn flows_of_counters_and_states() {
    let flow = || m().fixed64(47, 2);
    for fields in [flow(), m().fixed64(48, 2)] {
        let value = on(COUNTER_TRACK, 110, COUNTER, m().varint(30, 5).append(fields));
        let packets = [head(), track(), counter_track(), instant(100, flow()), value, instant(120, flow())];
        finds(&packets, &[(Kind::FlowNoSlice, 4)], Silent);
        let Some(mut processor) = TraceProcessor::shared() else { continue };
        processor.load(&encode(&packets)).unwrap();
        assert_eq!(processor.query("select count(*) from flow").unwrap().rows[0][0].int(), 1);
    }
    let state = event(110, STATE, m().varint(10, 1).append(flow()));
    let track = descriptor(m().varint(1, TRACK).bytes(2, "state").message(18, m()));
    finds(&[head(), track, state], &[(Kind::FlowNoSlice, 2)], Counts(&["track_event_parser_errors"]));
}

#[test]
fn flows_of_old() {
    finds(&[head(), track(), instant(100, m().varint(36, 2))], &[(Kind::FlowOld, 2)], Silent);
}

#[test]
fn a_field_that_nobody_knows() {
    // Once per field.
    let odd = || instant(100, m().varint(600, 1));
    let stat = Counts(&["unknown_extension_fields"]);
    finds(&[head(), track(), odd(), odd()], &[(Kind::UnknownField, 2)], stat);
}

#[test]
fn an_extension_that_nothing_describes() {
    let extended = || instant(100, m().varint(9_900, 1));
    let packets = [head(), track(), extended()];
    finds(&packets, &[(Kind::UnknownExtension, 2)], Counts(&["unknown_extension_fields"]));
    let field =
        m().bytes(1, "number").varint(3, 9_900).varint(4, 1).varint(5, 5).bytes(2, ".perfetto.protos.TrackEvent");
    let file = m().bytes(1, "own.proto").bytes(2, "own").message(4, m().bytes(1, "Own").message(6, field));
    let described = packet().message(EXTENSION_DESCRIPTOR, m().message(1, m().message(1, file)));
    finds(&[head(), track(), extended(), described], &[], Silent);
}

/// As where only the file of the extension was described, and not those that it imports.
#[test]
fn an_extension_of_a_type_that_nothing_describes() {
    let file = |content: Message| m().bytes(1, "own.proto").bytes(2, "own").append(content);
    let set = |files: &[Message]| {
        let set = files.iter().fold(m(), |set, content| set.message(1, file(content.clone())));
        packet().message(EXTENSION_DESCRIPTOR, m().message(1, set))
    };
    let field = |kind, name: &str| m().bytes(1, "field").varint(3, 9_900).varint(4, 1).varint(5, kind).bytes(6, name);
    let extension = |kind, name| m().message(7, field(kind, name).bytes(2, ".perfetto.protos.TrackEvent"));
    let message = |name: &str, content: Message| m().message(4, m().bytes(1, name).append(content));
    let missing = |descriptions: &[Message], refused| {
        let packets = [&[head(), track()], descriptions, &[instant(100, m())]].concat();
        finds(&packets, &[(Kind::ExtensionType, 2)], Refuses(refused));
    };
    missing(&[set(&[extension(11, ".own.Missing")])], "Unable to find short type .own.Missing");
    missing(&[set(&[extension(14, ".own.Missing")])], "Unable to find short type .own.Missing");
    let inner = message("Outer", m().message(2, field(11, ".other.Missing")));
    missing(&[set(&[inner])], "Unable to find short type .other.Missing");
    missing(&[set(&[m().message(7, field(5, "").bytes(2, ".own.Missing"))])], "Extendee does not exist .own.Missing");
    // Too late.
    let outer = || message("Missing", m());
    missing(&[set(&[extension(11, ".own.Missing")]), set(&[outer()])], "Unable to find short type .own.Missing");
    let sound = |descriptions: &[Message]| {
        finds(&[&[head(), track()], descriptions, &[instant(100, m())]].concat(), &[], Silent);
    };
    sound(&[set(&[extension(11, ".own.Missing"), outer()])]);
    sound(&[set(&[outer()]), set(&[extension(11, ".own.Missing")])]);
    let nested = message("Outer", m().message(3, m().bytes(1, "Inner").message(4, m().bytes(1, "Enum"))));
    sound(&[set(&[nested.append(extension(14, ".own.Outer.Inner.Enum"))])]);
    sound(&[set(&[m().message(5, m().bytes(1, "Enum")).append(extension(14, ".own.Enum"))])]);
    sound(&[set(&[extension(11, ".perfetto.protos.DebugAnnotation")])]);
}

/// Those of Chrome and Android, which Perfetto describes itself: a newer one may know more of them.
#[test]
fn an_extension_of_chrome_or_android() {
    let extended = |number| [head(), track(), instant(100, m().varint(number, 1))];
    for number in [1000, 1077, 2001] {
        finds(&extended(number), &[], Silent);
    }
    for number in [1086, 1500, 2000, 2999, 3050] {
        finds(&extended(number), &[(Kind::UnknownField, 2)], Counts(&["unknown_extension_fields"]));
    }
    // Whatever the processor of the tests knows is no finding, and it knows nothing that is one.
    let all: Vec<_> = (1000..3100).map(|number| instant(u64::from(number), m().varint(number, 1))).collect();
    let packets: Vec<_> = [head(), track()].into_iter().chain(all).collect();
    let (findings, _) = check(&encode(&packets));
    assert!(findings.iter().all(|finding| finding.kind == Kind::UnknownField));
    let mut unknown: Vec<_> = findings.iter().map(|finding| 998 + finding.packet).collect();
    unknown.sort_unstable();
    let Some(mut processor) = TraceProcessor::shared() else { return };
    processor.load(&encode(&packets)).unwrap();
    let shown = "select distinct s.id + 1000 from slice s join args a using (arg_set_id) where s.name = 'work'";
    let shown = processor.query(shown).unwrap().rows;
    assert!(shown.len() > 60, "{shown:?}");
    for row in shown {
        assert!(unknown.binary_search(&(row[0].int() as u64)).is_err(), "{row:?}");
    }
    let newer = (1078..=1085).chain(2006..=2021).chain(3000..=3001);
    let count = processor.query("select value from stats where name = 'unknown_extension_fields'").unwrap();
    assert_eq!(count.rows[0][0].int() as usize, unknown.len() + newer.count());
}

/// An event with the phase of the JSON format, on the track.
fn legacy(phase: u8, fields: Message) -> Message {
    let phase = m().varint(2, u64::from(phase)).append(fields);
    at(100).message(TRACK_EVENT, m().varint(11, TRACK).varint(10, 1).message(6, phase))
}

#[test]
fn events_of_the_json_format() {
    let sound = [(b'I', m()), (b'X', m().varint(3, 5)), (b'b', m().varint(6, 7)), (b'n', m().varint(11, 7))];
    for (phase, fields) in sound {
        let packets = [head(), thread_track(), legacy(phase, fields)];
        finds(&packets, &[(Kind::Legacy, 2), (Kind::SlicesNotMatched, 2)], Silent);
    }
}

/// Where an event has no number of a name, that of its legacy_event counts.
#[test]
fn names_of_the_json_format() {
    let named =
        |kind, timestamp, fields, iid| event(timestamp, kind, m().append(fields).message(6, m().varint(1, iid)));
    let undefined = named(INSTANT, 100, m(), 9);
    finds(&[head(), track(), undefined], &[(Kind::IidUndefined, 2)], Counts(&["interned_data_tokenizer_errors"]));
    finds(&[head(), track(), named(INSTANT, 100, m().varint(10, 1), 9)], &[], Silent);
    let ends = event(150, END, m().bytes(23, "work"));
    finds(&[head(), track(), named(BEGIN, 100, m().bytes(23, "x"), 1), ends], &[], Silent);
}

#[test]
fn phases_without_what_they_need() {
    const FLOW: Processor = Counts(&["flow_invalid_id", "track_event_parser_errors"]);
    const DROPPED: Processor = Counts(&["track_event_parser_errors"]);
    let lacks = |track: Message, event: Message, processor| {
        let expected = [(Kind::Legacy, 2), (Kind::LegacyMisuse, 2), (Kind::SlicesNotMatched, 2)];
        let (findings, _) = check(&encode(&[head(), track.clone(), event.clone()]));
        let mut found: Vec<_> = findings.iter().map(|finding| (finding.kind, finding.packet as usize)).collect();
        found.sort();
        let mut expected = expected.to_vec();
        expected.sort();
        assert_eq!(found, expected, "{findings:#?}");
        judged(&encode(&[head(), track, event]), &processor);
    };
    // No thread: neither it nor what it lies under.
    for phase in [b'B', b'X', b'I', b'O', b'D', b'?', 0] {
        lacks(track(), legacy(phase, m()), DROPPED);
    }
    let below = descriptor(m().varint(1, TRACK).varint(5, 9).bytes(2, "below"));
    let thread = descriptor(m().varint(1, 9).message(4, m().varint(1, 4).varint(2, 5)));
    let packets = [head(), below, legacy(b'I', m()), thread];
    finds(&packets, &[(Kind::Legacy, 2), (Kind::SlicesNotMatched, 2)], Silent);
    lacks(thread_track(), legacy(b'X', m().varint(3, u64::MAX)), DROPPED);
    // No process: of an id that counts within one, and of an instant for all of one.
    for (phase, fields) in [(b'b', m().varint(10, 7)), (b'n', m().varint(10, 7)), (b'I', m().varint(14, 2))] {
        lacks(track(), legacy(phase, fields.clone()), DROPPED);
        let process = descriptor(m().varint(1, TRACK).message(3, m().varint(1, 4)));
        let packets = [head(), process, legacy(phase, fields)];
        finds(&packets, &[(Kind::Legacy, 2), (Kind::SlicesNotMatched, 2)], Silent);
    }
    // No name to give, or nothing to give it to.
    let meta = |name: Message, fields| {
        at(100).message(
            TRACK_EVENT,
            m().varint(11, TRACK).append(name).message(6, m().varint(2, u64::from(b'M'))).append(fields),
        )
    };
    let given = || m().message(4, m().bytes(10, "name").bytes(6, "main"));
    lacks(thread_track(), meta(m(), given()), DROPPED);
    for name in ["thread_name", "process_name"].map(|name| m().bytes(23, name)) {
        lacks(thread_track(), meta(name.clone(), m()), DROPPED);
        lacks(track(), meta(name.clone(), given()), DROPPED);
        let packets = [head(), thread_track(), meta(name, given())];
        finds(&packets, &[(Kind::Legacy, 2), (Kind::SlicesNotMatched, 2)], Silent);
    }
    for phase in *b"benSTpF" {
        lacks(thread_track(), legacy(phase, m()), DROPPED);
    }
    for phase in *b"stf" {
        lacks(thread_track(), legacy(phase, m().varint(11, 7)), FLOW);
    }
    for direction in [m(), m().varint(13, 0)] {
        lacks(thread_track(), legacy(b'B', m().varint(8, 7).append(direction)), Counts(&["flow_without_direction"]));
    }
}

/// As many bytes of names are kept as the documentation says, however long each is.
#[test]
fn names_that_are_too_long_together_are_summed_up() {
    let name = |number: u8| [b'a' + number].repeat((1 << 20) - 1);
    let named = (0..20).map(|number| event(100, INSTANT, m().bytes(23, name(number))));
    let again = (0..20).map(|number| event(200, INSTANT, m().bytes(23, name(number))));
    let packets: Vec<_> = [head(), track()].into_iter().chain(named).chain(again).collect();
    let (findings, summary) = check(&encode(&packets));
    assert_eq!(findings, []);
    let top: Vec<_> = summary.top_names.iter().map(|top| (top.name.chars().next().unwrap(), top.events)).collect();
    let kept = ('a'..='p').map(|first| (first, 2));
    assert_eq!(top, [('…', 8)].into_iter().chain(kept).collect::<Vec<_>>());
}
