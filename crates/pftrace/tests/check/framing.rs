//! Bytes that are no packets: cut, torn, compressed.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pftrace::check::Kind;

use crate::*;

fn sound() -> Vec<Message> {
    vec![head(), track(), begin(100), end(150)]
}

fn kinds(trace: &[u8]) -> Vec<(Kind, u64, u64)> {
    let (findings, _) = check(trace);
    findings.iter().map(|finding| (finding.kind, finding.packet, finding.offset)).collect()
}

#[test]
fn a_cut_file() {
    let whole = encode(&sound());
    let last = encode(&sound()[..3]).len();
    for len in last + 1..whole.len() {
        let (findings, summary) = check(&whole[..len]);
        let kinds: Vec<_> = findings.iter().map(|finding| (finding.kind, finding.packet, finding.offset)).collect();
        // The slice's end is missing.
        assert_eq!(
            kinds,
            [(Kind::NeverEnded, 2, encode(&sound()[..2]).len() as u64), (Kind::Cut, 3, last as u64)],
            "{len}"
        );
        assert_eq!((summary.packets, summary.events.total(), summary.bytes), (3, 1, len as u64));
    }
    judged(&whole[..whole.len() - 1], &Silent);
}

#[test]
fn no_packet_where_one_begins() {
    let first = encode(&sound()[..2]);
    let rest = encode([begin(100), end(150), begin(200), end(250)].iter());
    let torn = [&first[..], b"\x0f\xff", &rest].concat();
    let begin = first.len() as u64;
    assert_eq!(kinds(&torn), [(Kind::Framing, 2, begin), (Kind::Resumed, 2, begin + 2)]);
    let (_, summary) = check(&torn);
    assert_eq!((summary.packets, summary.events.total()), (6, 4));
    judged(&torn, &Refuses("Unknown field type"));
}

#[test]
fn a_length_beyond_the_file_with_packets_behind_it() {
    let first = encode(&sound()[..2]);
    let rest = encode((0..20).map(|number| instant(100 + number, m())).collect::<Vec<_>>().iter());
    let torn = [&first[..], b"\x0a\xff\x7f", &rest].concat();
    let begin = first.len() as u64;
    assert_eq!(kinds(&torn), [(Kind::Framing, 2, begin), (Kind::Resumed, 2, begin + 3)]);
    assert_eq!(check(&torn).1.events.instants, 20);
    // Longer than a packet can be.
    let torn = [&first[..], b"\x0a\xff\xff\xff\xff\xff\x01", &rest].concat();
    assert_eq!(kinds(&torn), [(Kind::Framing, 2, begin), (Kind::Resumed, 2, begin + 7)]);
}

#[test]
fn a_field_beside_the_packets() {
    let first = encode(&sound()[..2]);
    let odd = [&first[..], &m().varint(900, 1).into_bytes(), &encode(&sound()[2..])].concat();
    assert_eq!(kinds(&odd), [(Kind::UnknownField, 2, first.len() as u64)]);
    judged(&odd, &Silent);
}

#[test]
fn a_torn_packet_in_the_middle() {
    let torn = Message::new().bytes(PACKET, [0x52, 0x10]);
    let first = encode(&sound()[..2]);
    let trace = [&first[..], &torn.into_bytes(), &encode(&sound()[2..])].concat();
    let (findings, _) = check(&trace);
    assert_eq!(kinds(&trace), [(Kind::PacketMalformed, 2, first.len() as u64)]);
    let expected = "expected the fields of a packet to its end: expected a field of 16 bytes, found 0 to the end of the message, 0 bytes into it";
    assert_eq!(findings[0].message, expected);
    judged(&trace, &Refuses("corrupt"));
}

#[test]
fn a_torn_message_in_a_packet() {
    let mut torn = m().varint(9, INSTANT).varint(11, TRACK).varint(10, 1).varint(52, 300).into_bytes();
    torn.pop();
    let event = at(100).bytes(TRACK_EVENT, torn);
    finds(&[head(), track(), event], &[(Kind::MessageMalformed, 2)], Silent);
    finds(&[head(), packet().bytes(TRACK_DESCRIPTOR, [0x08, 0x09, 0x12])], &[(Kind::MessageMalformed, 1)], Silent);
    finds(&[head(), packet().bytes(INTERNED_DATA, [0x12])], &[(Kind::MessageMalformed, 1)], Silent);
}

/// What depends on what was not read is not told.
#[test]
fn after_something_unreadable_its_consequences_are_not_told() {
    let torn = Message::new().bytes(PACKET, [0x52, 0x10]);
    let rest = [event(100, INSTANT, m().varint(10, 99)), end(120), on(99, 130, INSTANT, m())];
    let trace = [&encode(&sound()[..2])[..], &torn.into_bytes(), &encode(&rest)].concat();
    assert_eq!(check(&trace).0.len(), 1);
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn compressed_packets() {
    let bundle = |packets: &[u8]| m().bytes(COMPRESSED, zlib(packets));
    let inner = encode(&sound());
    finds(&[bundle(&inner)], &[], Silent);
    let (_, summary) = check(&encode(&[bundle(&inner)]));
    assert_eq!((summary.packets, summary.events.total()), (5, 2));
    // Packets in it count after it, and are where it is.
    let odd = encode(&[head(), track(), instant(100, m().varint(3, 9))]);
    let (findings, _) = check(&encode(&[head(), bundle(&odd)]));
    assert_eq!(findings.len(), 1);
    assert_eq!((findings[0].kind, findings[0].packet), (Kind::IidUndefined, 4));
    assert_eq!(findings[0].offset, encode(&[head()]).len() as u64);
    // No zlib; packets that are none; compressed twice.
    finds(&[head(), m().bytes(COMPRESSED, b"nonsense")], &[(Kind::Bundle, 1)], Refuses("compress"));
    finds(&[head(), bundle(&inner[..inner.len() - 1])], &[(Kind::Bundle, 1)], Refuses("Invalid packet size"));
    let twice = encode(&[bundle(&inner)]);
    assert_eq!(kinds(&encode(&[head(), bundle(&twice)]))[0].0, Kind::Bundle);
}

#[test]
fn packets_compressed_with_zstd_are_named() {
    finds(&[head(), m().bytes(ZSTD, [0x28, 0xb5, 0x2f, 0xfd]), begin(100), end(150)], &[(Kind::NotRead, 1)], Silent);
}
