//! Reads the events of a trace, by hand and without any library, so that the tests here can be built with sanitizers in a
//! minute.

use std::collections::BTreeMap;

/// An event of a sequence: its type, and the value of its first annotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// `TrackEvent.type`.
    pub kind: u64,
    /// `DebugAnnotation.uint_value`.
    pub value: Option<u64>,
}

/// The events of each sequence, in the order in which they are in the trace.
///
/// # Panics
///
/// When it is no protobuf.
#[must_use]
pub fn events(trace: &[u8]) -> BTreeMap<u64, Vec<Event>> {
    let mut sequences: BTreeMap<u64, Vec<Event>> = BTreeMap::new();
    for (_, packet) in fields(trace) {
        let Field::Bytes(packet) = packet else { panic!("a trace has packets only") };
        let (mut sequence, mut event) = (0, None);
        for (number, field) in fields(packet) {
            match (number, field) {
                (10, Field::Number(id)) => sequence = id,
                (11, Field::Bytes(bytes)) => event = Some(track_event(bytes)),
                _ => {}
            }
        }
        sequences.entry(sequence).or_default().extend(event);
    }
    sequences
}

fn track_event(bytes: &[u8]) -> Event {
    let mut event = Event { kind: 0, value: None };
    for (number, field) in fields(bytes) {
        match (number, field) {
            (9, Field::Number(kind)) => event.kind = kind,
            (4, Field::Bytes(annotation)) => {
                let value = fields(annotation).find_map(|(number, field)| match (number, field) {
                    (3, Field::Number(value)) => Some(value),
                    _ => None,
                });
                event.value = event.value.or(value);
            }
            _ => {}
        }
    }
    event
}

enum Field<'b> {
    Number(u64),
    Bytes(&'b [u8]),
}

fn fields(mut bytes: &[u8]) -> impl Iterator<Item = (u64, Field<'_>)> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let tag = varint(&mut bytes);
        let field = match tag & 7 {
            0 => Field::Number(varint(&mut bytes)),
            1 => Field::Bytes(take(&mut bytes, 8)),
            2 => {
                let len = varint(&mut bytes);
                Field::Bytes(take(&mut bytes, len as usize))
            }
            5 => Field::Bytes(take(&mut bytes, 4)),
            wire_type => panic!("wire type {wire_type}"),
        };
        Some((tag >> 3, field))
    })
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..70).step_by(7) {
        let byte = take(bytes, 1)[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return value;
        }
    }
    panic!("a varint of more than ten bytes")
}

fn take<'b>(bytes: &mut &'b [u8], len: usize) -> &'b [u8] {
    let (front, rest) = bytes.split_at(len);
    *bytes = rest;
    front
}
