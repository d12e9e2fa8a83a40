//! Each judge, shown to fail: a sound trace passes, and the same with one fault does not.

use pftrace_testkit::naive::Message;
use pftrace_testkit::{TraceProcessor, check, dynamic, judge, python};

// Numbers of fields and values that the packets here use.
const PACKET: u32 = 1;
const TIMESTAMP: u32 = 8;
const SEQUENCE_ID: u32 = 10;
const TRACK_EVENT: u32 = 11;
const INTERNED_DATA: u32 = 12;
const SEQUENCE_FLAGS: u32 = 13;
const TRACK_DESCRIPTOR: u32 = 60;
const CLEARED: u64 = 1;
const NEEDS: u64 = 2;
const BEGIN: u64 = 1;
const END: u64 = 2;

fn packet() -> Message {
    Message::new().varint(SEQUENCE_ID, 1)
}

/// Clears the state, and defines the event name 1.
fn head() -> Message {
    let names = Message::new().message(2, Message::new().varint(1, 1).bytes(2, "work"));
    packet().varint(SEQUENCE_FLAGS, CLEARED).message(INTERNED_DATA, names)
}

fn track() -> Message {
    packet().message(TRACK_DESCRIPTOR, Message::new().varint(1, 7).bytes(2, "track"))
}

fn event(timestamp: u64, kind: u64, fields: Message) -> Message {
    let event = Message::new().varint(9, kind).varint(11, 7).into_bytes();
    let event = [event, fields.into_bytes()].concat();
    packet().varint(TIMESTAMP, timestamp).varint(SEQUENCE_FLAGS, NEEDS).bytes(TRACK_EVENT, event)
}

fn begin() -> Message {
    event(100, BEGIN, Message::new().varint(10, 1))
}

fn end() -> Message {
    event(150, END, Message::new())
}

fn trace(packets: impl IntoIterator<Item = Message>) -> Vec<u8> {
    packets.into_iter().fold(Message::new(), |trace, packet| trace.message(PACKET, packet)).into_bytes()
}

/// What each judge has against a trace: the two decoders, then the trace processor. `None` where one is not installed.
fn complaints(trace: &[u8]) -> Option<[String; 3]> {
    let python = python::decode(trace)?.err().unwrap_or_default();
    let dynamic = dynamic::decode(trace)?.err().unwrap_or_default();
    let processor = match TraceProcessor::shared()?.load(trace) {
        Ok(loaded) => format!("{}{}", loaded.cut(), loaded.complaints().join("; ")),
        Err(error) => error,
    };
    Some([python, dynamic, processor])
}

/// Which of the judges complain, with a text that has `expected` in it.
#[track_caller]
fn assert_caught(trace: &[u8], by: [&str; 3]) {
    let Some(complaints) = complaints(trace) else { return };
    for (complaint, expected) in complaints.iter().zip(by) {
        assert!(complaint.contains(expected) && complaint.is_empty() == expected.is_empty(), "{complaints:#?}");
    }
}

#[test]
fn a_sound_trace_passes_and_its_rows_are_read() {
    let Some(loaded) = check(&trace([head(), track(), begin(), end()])) else {
        return;
    };
    let slice = &loaded.slices[0];
    assert_eq!((slice.ts, slice.dur, slice.name.as_deref()), (100, 50, Some("work")));
    assert_eq!(loaded.track_name(slice).as_deref(), Some("track"));
}

#[test]
fn a_cut_packet() {
    let mut cut = trace([head(), track(), begin(), end()]);
    cut.pop();
    assert_caught(&cut, ["expected a packet of", "buffer underflow", "the file ends inside packet 3"]);
}

#[test]
fn a_field_that_is_not_in_the_schema() {
    let odd = trace([head(), track(), begin().varint(500_000_000, 1), end()]);
    assert_caught(&odd, ["field 500000000", "field 500000000", ""]);
}

#[test]
fn a_field_of_the_wrong_wire_type() {
    // flow_ids is a fixed64.
    let odd = trace([head(), track(), event(100, BEGIN, Message::new().varint(10, 1).varint(47, 2)), end()]);
    // The trace processor drops the flow without a word.
    assert_caught(&odd, ["field 47", "invalid wire type", ""]);
}

#[test]
fn a_value_that_is_not_in_the_enum() {
    let odd = trace([head(), track(), event(100, 77, Message::new())]);
    assert_caught(&odd, ["value 77", "value 77", "track_event_parser_errors"]);
}

#[test]
fn a_torn_packet_in_the_middle() {
    let torn = Message::new().bytes(PACKET, [0x52, 0x10]);
    let torn = [trace([head()]), torn.into_bytes(), trace([begin(), end()])].concat();
    assert_caught(&torn, ["packet 1", "invalid wire type", "probably corrupt"]);
}

#[test]
fn a_name_that_nothing_defines() {
    let odd = trace([head(), track(), event(100, BEGIN, Message::new().varint(10, 99)), end()]);
    assert_caught(&odd, ["", "", "interned_data_tokenizer_errors"]);
}

#[test]
fn state_that_was_never_cleared() {
    assert_caught(&trace([track(), begin(), end()]), ["", "", "skipped"]);
}

#[test]
fn an_end_that_closes_nothing_is_seen_in_the_rows_alone() {
    let odd = trace([head(), track(), event(50, END, Message::new()), begin()]);
    assert_caught(&odd, ["", "", ""]);
    let Some(loaded) = judge(&odd) else { return };
    assert_eq!(loaded.slices.iter().map(|slice| slice.dur).collect::<Vec<_>>(), [-1]);
}

#[test]
fn a_track_that_nothing_describes_is_seen_in_the_rows_alone() {
    let odd = trace([head(), begin(), end()]);
    assert_caught(&odd, ["", "", ""]);
    let Some(loaded) = judge(&odd) else { return };
    // It is called as its first slice.
    assert_eq!(loaded.track_name(&loaded.slices[0]).as_deref(), Some("work"));
}

#[test]
#[should_panic(expected = "the trace processor complains")]
fn judge_panics_with_what_the_trace_processor_says() {
    let odd = trace([head(), track(), event(100, BEGIN, Message::new().varint(10, 99)), end()]);
    if judge(&odd).is_none() {
        panic!("the trace processor complains: (skipped, it is not installed)");
    }
}
