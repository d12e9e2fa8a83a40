//! Annotations: names, values, JSON.

use pftrace::check::Kind;

use crate::*;

fn named(name: &str, value: Message) -> Message {
    m().bytes(10, name).append(value)
}

fn annotated(annotations: &[Message]) -> Vec<Message> {
    let annotations = annotations.iter().fold(m(), |fields, annotation| fields.message(4, annotation.clone()));
    vec![head(), track(), instant(100, annotations)]
}

/// The keys of annotations that the trace processor shows, with their values.
fn shown(packets: &[Message], expected: &[&str]) {
    let Some(mut processor) = TraceProcessor::shared() else { return };
    processor.load(&encode(packets)).unwrap();
    let query = "select key || '=' || coalesce(string_value, int_value, real_value, 'NULL') from args \
        where key glob 'debug.*' order by key";
    let rows = processor.query(query).unwrap().rows;
    assert_eq!(rows.iter().map(|row| row[0].some_text().unwrap()).collect::<Vec<_>>(), expected);
}

#[test]
fn annotations_without_a_name() {
    const STAT: Processor = Counts(&["track_event_parser_errors"]);
    let nameless = |annotation: Message| {
        let packets = [head(), track(), instant(100, m().message(4, annotation))];
        finds(&packets, &[(Kind::AnnotationNoName, 2)], STAT);
    };
    let named = || m().bytes(10, "a");
    let value = || m().varint(4, 5);
    nameless(value());
    nameless(m());
    // The number 0 is none.
    nameless(value().varint(1, 0));
    // The entries of a dictionary, and of one in an array.
    nameless(named().message(11, value()));
    nameless(named().message(11, named().append(value())).message(11, value()));
    nameless(named().message(12, m().message(11, value())));
    // What is in an array needs none, and an empty one is one.
    let sound = |annotation: Message| {
        finds(&[head(), track(), instant(100, m().message(4, annotation))], &[], Silent);
    };
    sound(named().message(12, value()).message(12, m().message(12, value())));
    sound(named().message(12, m().message(11, named().append(value()))));
    sound(m().bytes(10, "").append(value()));
}

/// Perfetto shows one of several values, whichever stands first.
#[test]
fn annotations_with_another_number_of_values() {
    let annotated = |value: Message| [head(), track(), instant(100, m().message(4, m().bytes(10, "a").append(value)))];
    let entry = || m().bytes(10, "k").varint(4, 1);
    let shown = |packets: &[Message]| {
        let Some(mut processor) = TraceProcessor::shared() else { return 1 };
        processor.load(&encode(packets)).unwrap();
        processor.query("select count(*) from args where key glob 'debug.a*'").unwrap().rows[0][0].int()
    };
    for several in [
        m().varint(4, 1).bytes(6, "s"),
        m().bytes(6, "s").varint(4, 1),
        m().varint(4, 1).varint(4, 2),
        m().message(11, entry()).varint(4, 2),
        m().message(12, m().varint(4, 1)).message(11, entry()),
    ] {
        let packets = annotated(several);
        finds(&packets, &[(Kind::AnnotationValues, 2)], Silent);
        assert_eq!(shown(&packets), 1);
    }
    for none in [m(), m().message(11, m().bytes(10, "k")), m().message(12, m()), m().bytes(16, ".some.Type")] {
        let packets = annotated(none);
        finds(&packets, &[(Kind::AnnotationNoValue, 2)], Silent);
        assert!(TraceProcessor::shared().is_none() || shown(&packets) == 0);
    }
    let typeless = m().message(14, m().varint(1, 3));
    finds(&annotated(typeless), &[(Kind::AnnotationValues, 2)], Counts(&["track_event_parser_errors"]));
    let typed = m().message(14, m().varint(4, 3).bytes(10, "u")).bytes(16, ".perfetto.protos.DebugAnnotation");
    finds(&annotated(typed), &[], Silent);
    let entries = m().message(11, entry()).message(11, m().bytes(10, "l").message(12, m().varint(4, 1)));
    finds(&annotated(entries), &[], Silent);
}

#[test]
fn json_that_is_read_up_to_a_mistake() {
    let json = |text: &str| annotated(&[named("a", m().bytes(9, text))]);
    let sound: [(&str, &[&str]); 6] = [
        (r#"{"a":1,"b":[true,null,"x\"\u00e9"],"c":{}}"#, &["debug.a.a=1", "debug.a.b[0]=1", "debug.a.b[1]=x\"é"]),
        (" [1 , -2.5e1,]", &["debug.a[0]=1", "debug.a[1]=-25.0"]),
        ("\"text\"", &["debug.a=text"]),
        ("true", &["debug.a=1"]),
        ("5 ", &["debug.a=5"]),
        ("{}", &[]),
    ];
    for (text, keys) in sound {
        finds(&json(text), &[], Silent);
        shown(&json(text), keys);
    }
    let mistakes: [(&str, usize, &[&str]); 16] = [
        (r#"{"a":1,"b":}"#, 11, &["debug.a.a=1"]),
        (r#"{"a":1 "b":2}"#, 7, &[]),
        (r#"{"a" 1}"#, 5, &[]),
        ("{'a':1}", 1, &[]),
        ("{1:2}", 1, &[]),
        ("[1,2", 4, &["debug.a[0]=1"]),
        ("[1,x]", 3, &["debug.a[0]=1"]),
        ("[01]", 1, &[]),
        ("[1,2.]", 3, &["debug.a[0]=1"]),
        ("[1],2]", 3, &["debug.a[0]=1"]),
        ("\"text", 5, &[]),
        ("NaN", 0, &[]),
        ("hello", 0, &[]),
        // Sound, but not for Perfetto.
        ("5", 1, &[]),
        (" true", 5, &[]),
        ("-1.5", 4, &[]),
    ];
    for (text, at, keys) in mistakes {
        let found = finds(&json(text), &[(Kind::AnnotationJson, 2)], Silent);
        assert!(found[0].message.ends_with(&format!("stops at byte {at} of it")), "{text}: {}", found[0]);
        shown(&json(text), keys);
    }
    // Newer versions stop at the half of a character; these at the other two crash.
    for (text, at) in [(r#"["\ud83d\ude00",1]"#, 2), ("null", 4), ("", 0)] {
        let (findings, _) = check(&encode(&json(text)));
        let found: Vec<_> = findings.iter().map(|finding| (finding.kind, finding.packet)).collect();
        assert_eq!(found, [(Kind::AnnotationJson, 2)]);
        assert!(findings[0].message.ends_with(&format!("stops at byte {at} of it")), "{text}: {}", findings[0]);
    }
    // However deep.
    finds(&json(&format!("{}{}", "[".repeat(500), "]".repeat(500))), &[], Silent);
}

#[test]
fn two_annotations_of_one_name() {
    let number = |value: u64| m().varint(4, value);
    let dictionary = |entries: &[Message]| entries.iter().fold(m(), |dict, entry| dict.message(11, entry.clone()));
    let interned = |iid: u64, value| m().varint(1, iid).append(value);
    let packets = annotated(&[named("a", number(5)), named("b", number(6)), named("a", m().bytes(6, "x"))]);
    finds(&packets, &[(Kind::AnnotationTwice, 2)], Silent);
    shown(&packets, &["debug.a=x", "debug.b=6"]);
    let entries = dictionary(&[named("k", number(5)), named("k", number(6))]);
    let packets = annotated(&[named("a", entries)]);
    finds(&packets, &[(Kind::AnnotationTwice, 2)], Silent);
    shown(&packets, &["debug.a.k=6"]);
    // By its number, too.
    let mut packets = annotated(&[named("a", number(5)), interned(1, number(6))]);
    packets.insert(1, packet().message(INTERNED_DATA, m().message(3, entry(1, "a"))));
    finds(&packets, &[(Kind::AnnotationTwice, 3)], Silent);
    shown(&packets, &["debug.a=6"]);
    // Dictionaries and arrays are joined; elements have no name; what ends a slice says more of it.
    let list = |value| m().message(12, number(value));
    let joined = [named("a", dictionary(&[named("k", number(1))])), named("a", dictionary(&[named("l", number(2))]))];
    finds(&annotated(&joined), &[], Silent);
    shown(&annotated(&joined), &["debug.a.k=1", "debug.a.l=2"]);
    let joined = [named("a", list(1)), named("a", list(2)), named("b", list(3).append(list(3)))];
    finds(&annotated(&joined), &[], Silent);
    shown(&annotated(&joined), &["debug.a[0]=1", "debug.a[1]=2", "debug.b[0]=3", "debug.b[1]=3"]);
    let progress = |value| m().message(4, named("a", number(value)));
    let begins = event(100, BEGIN, m().varint(10, 1).append(progress(1)));
    finds(&[head(), track(), begins, event(150, END, progress(2))], &[], Silent);
}

#[test]
fn a_message_whose_type_has_no_name() {
    let message = || m().message(14, m().varint(4, 3).bytes(10, "u"));
    const DROPPED: Processor = Counts(&["track_event_parser_errors"]);
    for name in ["", "perfetto.protos.DebugAnnotation"] {
        let packets = annotated(&[named("a", message().bytes(16, name))]);
        finds(&packets, &[(Kind::AnnotationValues, 2)], DROPPED);
    }
    let mut packets = annotated(&[named("a", message().varint(13, 2))]);
    packets.insert(1, packet().message(INTERNED_DATA, m().message(27, m().varint(1, 2))));
    finds(&packets, &[(Kind::TextMissing, 1), (Kind::AnnotationValues, 3)], DROPPED);
    packets[1] = packet().message(INTERNED_DATA, m().message(27, entry(2, "perfetto.protos.DebugAnnotation")));
    finds(&packets, &[(Kind::AnnotationValues, 3)], DROPPED);
    packets[1] = packet().message(INTERNED_DATA, m().message(27, entry(2, ".perfetto.protos.DebugAnnotation")));
    finds(&packets, &[], Silent);
}
