//! The checker: each mistake it knows is planted alone in a sound trace, and is found alone, in its packet and at its byte. What
//! the real trace processor says of the same bytes is beside it.

mod annotations;
mod clocks;
mod events;
mod framing;
mod lengths;
mod machines;
mod old_style;
mod random;
mod service;
mod slices;
mod state;
mod tracks;

use pftrace::check::{Finding, Kind, check};
use pftrace_testkit::TraceProcessor;
use pftrace_testkit::naive::Message;

// Numbers of fields and values that the packets here use.
const PACKET: u32 = 1;
const CLOCK_SNAPSHOT: u32 = 6;
const TIMESTAMP: u32 = 8;
const SEQUENCE_ID: u32 = 10;
const TRACK_EVENT: u32 = 11;
const INTERNED_DATA: u32 = 12;
const SEQUENCE_FLAGS: u32 = 13;
const TRACE_STATS: u32 = 35;
const DROPPED: u32 = 42;
const COMPRESSED: u32 = 50;
const CLOCK_ID: u32 = 58;
const DEFAULTS: u32 = 59;
const TRACK_DESCRIPTOR: u32 = 60;
const EXTENSION_DESCRIPTOR: u32 = 72;
const ZSTD: u32 = 133;
const CLEARED: u64 = 1;
const NEEDS: u64 = 2;
const BEGIN: u64 = 1;
const END: u64 = 2;
const INSTANT: u64 = 3;
const COUNTER: u64 = 4;
const STATE: u64 = 5;
/// The track of the events here, and that of the counters.
const TRACK: u64 = 7;
const COUNTER_TRACK: u64 = 8;

fn m() -> Message {
    Message::new()
}

fn packet() -> Message {
    m().varint(SEQUENCE_ID, 1)
}

/// An entry of interned data.
fn entry(iid: u64, text: &str) -> Message {
    m().varint(1, iid).bytes(2, text)
}

/// Clears the state, and defines the event name 1.
fn head() -> Message {
    packet().varint(SEQUENCE_FLAGS, CLEARED).message(INTERNED_DATA, m().message(2, entry(1, "work")))
}

fn descriptor(fields: Message) -> Message {
    packet().message(TRACK_DESCRIPTOR, fields)
}

fn track() -> Message {
    descriptor(m().varint(1, TRACK).bytes(2, "track"))
}

fn counter_track() -> Message {
    descriptor(m().varint(1, COUNTER_TRACK).bytes(2, "counter").message(8, m()))
}

/// The track of thread 5 of process 4.
fn thread_track() -> Message {
    descriptor(m().varint(1, TRACK).message(4, m().varint(1, 4).varint(2, 5)))
}

/// A packet with a time, of a sequence that has state.
fn at(timestamp: u64) -> Message {
    packet().varint(TIMESTAMP, timestamp).varint(SEQUENCE_FLAGS, NEEDS)
}

/// An event on the track.
fn event(timestamp: u64, kind: u64, fields: Message) -> Message {
    on(TRACK, timestamp, kind, fields)
}

fn on(track: u64, timestamp: u64, kind: u64, fields: Message) -> Message {
    at(timestamp).message(TRACK_EVENT, m().varint(9, kind).varint(11, track).append(fields))
}

fn begin(timestamp: u64) -> Message {
    event(timestamp, BEGIN, m().varint(10, 1))
}

fn end(timestamp: u64) -> Message {
    event(timestamp, END, m())
}

fn instant(timestamp: u64, fields: Message) -> Message {
    event(timestamp, INSTANT, m().varint(10, 1).append(fields))
}

fn encode<'m>(packets: impl IntoIterator<Item = &'m Message>) -> Vec<u8> {
    packets.into_iter().fold(m(), |trace, packet| trace.message(PACKET, packet.clone())).into_bytes()
}

/// What the trace processor does.
#[derive(Debug)]
enum Processor {
    /// It counts this statistic, and none that is not in the list.
    Counts(&'static [&'static str]),
    /// It says nothing.
    Silent,
    /// It loads nothing, and says this.
    Refuses(&'static str),
}

use Processor::{Counts, Refuses, Silent};

/// That these are the findings, and no others, in these packets; and that the trace processor does this.
#[track_caller]
fn finds(packets: &[Message], expected: &[(Kind, usize)], processor: Processor) -> Vec<Finding> {
    let trace = encode(packets);
    let (findings, _) = check(&trace);
    let place = |packet: usize| encode(&packets[..packet]).len() as u64;
    let expected: Vec<_> = expected.iter().map(|(kind, packet)| (*kind, *packet as u64, place(*packet))).collect();
    let found: Vec<_> = findings.iter().map(|finding| (finding.kind, finding.packet, finding.offset)).collect();
    assert_eq!(found, expected, "{findings:#?}");
    judged(&trace, &processor);
    findings
}

/// That the trace processor does this.
#[track_caller]
fn judged(trace: &[u8], expected: &Processor) {
    let Some(mut processor) = TraceProcessor::shared() else { return };
    let loaded = processor.load(trace);
    drop(processor);
    match (loaded, expected) {
        (Ok(loaded), Silent) => assert_eq!(loaded.complaints(), [""; 0]),
        (Ok(loaded), Counts(stats)) => {
            let names = |line: &String| line.split(' ').next().unwrap_or_default().to_owned();
            let mut found: Vec<_> = loaded.complaints().iter().map(names).collect();
            found.sort();
            found.dedup();
            assert_eq!(found, *stats, "{:#?}", loaded.complaints());
        }
        (Err(error), Refuses(what)) => assert!(error.contains(what), "{error}"),
        (Err(error), _) => panic!("expected {expected:?}, refused with {error}"),
        (Ok(loaded), Refuses(_)) => panic!("expected {expected:?}, loaded with {:#?}", loaded.complaints()),
    }
}

#[test]
fn a_sound_trace() {
    finds(&[head(), track(), begin(100), end(150)], &[], Silent);
    finds(&[head(), thread_track(), begin(100), instant(120, m()), end(150)], &[], Silent);
    finds(&[head(), counter_track(), on(COUNTER_TRACK, 100, COUNTER, m().varint(30, 4))], &[], Silent);
}

/// Every kind has a word of its own, and a test here plants it (or says why there is none).
#[test]
fn each_kind_is_planted() {
    let sources = [
        include_str!("annotations.rs"),
        include_str!("clocks.rs"),
        include_str!("events.rs"),
        include_str!("framing.rs"),
        include_str!("machines.rs"),
        include_str!("old_style.rs"),
        include_str!("service.rs"),
        include_str!("slices.rs"),
        include_str!("state.rs"),
        include_str!("tracks.rs"),
    ]
    .concat();
    let missing: Vec<_> = Kind::ALL.iter().filter(|kind| !sources.contains(&format!("Kind::{kind:?}"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let words: std::collections::BTreeSet<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
    assert_eq!(words.len(), Kind::ALL.len());
}
