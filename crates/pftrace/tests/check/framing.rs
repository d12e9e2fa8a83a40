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
    zlib_at(Compression::default(), bytes)
}

fn zlib_at(level: Compression, bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), level);
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
    let long_tag = [&[0x8a, 0][..], &inner[1..]].concat();
    finds(&[head(), bundle(&long_tag)], &[(Kind::Bundle, 1)], Refuses("Expected TracePacket tag"));
    let twice = encode(&[bundle(&inner)]);
    assert_eq!(kinds(&encode(&[head(), bundle(&twice)]))[0].0, Kind::Bundle);
}

/// Wherever it is cut, whatever it is compressed by: also not at all, in several blocks.
#[test]
fn compressed_packets_that_are_cut() {
    let many: Vec<_> = [head(), track()].into_iter().chain((1..8_000).map(|at| instant(at, m()))).collect();
    for (packets, step) in [(sound(), 1), (many, 6_007)] {
        let inner = encode(&packets);
        for level in [Compression::none(), Compression::fast(), Compression::best()] {
            let whole = zlib_at(level, &inner);
            let cut = |len| encode(&[head(), m().bytes(COMPRESSED, &whole[..len])]);
            assert_eq!(check(&cut(whole.len())).1.packets as usize, 2 + packets.len());
            for len in (0..whole.len()).step_by(step).chain([whole.len() - 4, whole.len() - 1]) {
                let (findings, summary) = check(&cut(len));
                let kinds: Vec<_> = findings.iter().map(|finding| (finding.kind, finding.packet)).collect();
                assert_eq!(kinds, [(Kind::Bundle, 1)], "{level:?} {len}: {findings:#?}");
                assert!(summary.packets as usize <= 2 + packets.len());
            }
        }
    }
    let stored = zlib_at(Compression::none(), &encode(&sound()));
    let cut = encode(&[head(), m().bytes(COMPRESSED, &stored[..stored.len() - 20])]);
    assert_eq!(check(&cut).1.packets, 4);
    judged(&cut, &Refuses("compress"));
}

/// Of the trace processor nobody would know.
#[test]
fn what_stands_beside_compressed_packets() {
    let bundle = || m().bytes(COMPRESSED, zlib(&encode(&sound())));
    let silent = |beside: Message| finds(&[beside], &[(Kind::BesideBundle, 0)], Silent);
    let lost = instant(100, m().bytes(23, "lost")).append(bundle());
    silent(lost.clone());
    if let Some(mut processor) = TraceProcessor::shared() {
        processor.load(&encode(&[lost])).unwrap();
        assert_eq!(processor.query("select count(*) from slice where name = 'lost'").unwrap().rows[0][0].int(), 0);
    }
    silent(track().append(bundle()));
    silent(head().append(bundle()));
    silent(packet().message(DEFAULTS, m()).append(bundle()));
    silent(m().message(TRACE_STATS, m()).append(bundle()));
    finds(&[packet().append(bundle())], &[], Silent);
    finds(&[bundle().append(bundle())], &[(Kind::FieldTwice, 0)], Silent);
}

/// What comes behind the compressed packets, and another codec than before.
#[test]
fn bundles_are_alike_and_end_with_their_field() {
    let inner = encode(&sound());
    let behind = [zlib(&inner), b"more".to_vec()].concat();
    assert_eq!(kinds(&encode(&[m().bytes(COMPRESSED, behind)])), [(Kind::Bundle, 0, 0)]);
    let packets = [m().bytes(COMPRESSED, zlib(&inner)), m().bytes(ZSTD, RAW)];
    let expected = if cfg!(feature = "zstd") { Kind::Bundle } else { Kind::NotRead };
    assert_eq!(kinds(&encode(&packets))[0].0, expected);
}

/// A frame of zstd with one block, which is not compressed: a packet of sequence 1, and nothing else.
const RAW: [u8; 13] = [0x28, 0xb5, 0x2f, 0xfd, 0x20, 4, 0x21, 0, 0, 0x0a, 2, 0x50, 1];

/// The processor of the tests does not know the field.
#[test]
#[cfg(feature = "zstd")]
fn packets_compressed_with_zstd() {
    let (findings, summary) = check(&encode(&[m().bytes(ZSTD, RAW)]));
    assert_eq!((findings.len(), summary.packets), (0, 2), "{findings:#?}");
    let bundle = |bytes: &[u8]| kinds(&encode(&[head(), m().bytes(ZSTD, bytes)]));
    let expected = [(Kind::Bundle, 1, encode(&[head()]).len() as u64)];
    for cut in [1, 5, 9, RAW.len() - 1] {
        assert_eq!(bundle(&RAW[..cut]), expected, "{cut}");
    }
    assert_eq!(bundle(&[&RAW[..], &[0]].concat()), expected);
    assert_eq!(bundle(b"nonsense"), expected);
    let many: Vec<_> = [head(), track()].into_iter().chain((100..150).map(|at| instant(at, m()))).collect();
    let (findings, summary) = check(&encode(&[m().bytes(ZSTD, MANY)]));
    assert_eq!(
        (findings.len(), summary.packets, summary.events.instants),
        (0, 1 + many.len() as u64, 50),
        "{findings:#?}"
    );
    // The checks are of what was compressed.
    let odd = encode(&[m().bytes(ZSTD, MANY), instant(160, m().varint(3, 9))]);
    assert_eq!(check(&odd).0[0].kind, Kind::IidUndefined);
}

/// A sound trace of 52 packets, as the command `zstd` compresses it.
#[cfg(feature = "zstd")]
#[rustfmt::skip]
const MANY: [u8; 161] = [
    40, 181, 47, 253, 96, 88, 2, 189, 4, 0, 68, 7, 10, 16, 80, 1, 104, 1, 98, 10, 18, 8, 8, 1, 18, 4, 119, 111, 114, 107, 10, 14, 80,
    1, 226, 3, 9, 8, 7, 18, 5, 116, 114, 97, 99, 64, 100, 104, 2, 90, 6, 72, 3, 88, 7, 80, 1, 101, 102, 103, 104, 105, 106, 107, 108,
    109, 110, 111, 112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 15, 128, 1, 129, 64, 130, 64, 131,
    64, 132, 64, 133, 64, 134, 64, 135, 64, 136, 64, 137, 64, 138, 64, 139, 64, 140, 64, 141, 64, 142, 64, 143, 64, 144, 64, 145, 64,
    146, 64, 147, 64, 148, 64, 149, 52, 168, 17, 96, 246, 94, 123, 7, 224, 231, 32, 2, 34, 156, 8, 126, 255, 255, 255, 123, 65, 170,
    129, 203, 69, 89, 171, 245, 85, 51, 55, 85, 1,
];

#[test]
#[cfg(not(feature = "zstd"))]
fn packets_compressed_with_zstd_are_named() {
    finds(&[head(), m().bytes(ZSTD, RAW), begin(100), end(150)], &[(Kind::NotRead, 1)], Silent);
}
