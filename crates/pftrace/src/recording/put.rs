//! The fields of an event that vary, written straight into a packet of fixed size whose lengths are all below 128: the same
//! bytes as the generated writers', for a third of the instructions. What is longer is left to those.

use pftrace_protos::{DebugAnnotation, TrackEvent};
use pftrace_wire::{WireType, tag};

use super::argument::Argument;
use super::call_site::CallSite;
use super::detail::{CorrelationId, Detail};
use crate::CounterValue;
use crate::event::Value;

/// What a field of a number takes at most: a tag of two bytes, and ten.
const NUMBER: usize = 12;

/// A tag of one byte.
pub(super) const fn tag_1(number: u32, wire_type: WireType) -> u8 {
    let tag = tag(number, wire_type);
    assert!(tag < 1 << 7);
    tag as u8
}

/// A tag of two bytes.
const fn tag_2(number: u32, wire_type: WireType) -> [u8; 2] {
    let tag = tag(number, wire_type);
    assert!(tag >= 1 << 7 && tag < 1 << 14);
    [tag as u8 | 0x80, (tag >> 7) as u8]
}

/// Writes a varint at `at`; returns where it ends. Always inline, as those below that say so: called, they make a counter dearer by
/// 30 instructions and a begin with three annotations by 90.
#[inline(always)]
pub(super) fn varint<const N: usize>(packet: &mut [u8; N], mut at: usize, mut value: u64) -> usize {
    while value >= 0x80 {
        packet[at] = value as u8 | 0x80;
        value >>= 7;
        at += 1;
    }
    packet[at] = value as u8;
    at + 1
}

/// Writes the value of a counter, which has room; returns where it ends.
#[inline]
pub(super) fn counter<const N: usize>(packet: &mut [u8; N], at: usize, value: CounterValue) -> usize {
    const INT: [u8; 2] = tag_2(TrackEvent::COUNTER_VALUE_FIELD_NUMBER, WireType::Varint);
    const DOUBLE: [u8; 2] = tag_2(TrackEvent::DOUBLE_COUNTER_VALUE_FIELD_NUMBER, WireType::Fixed64);
    match value {
        CounterValue::Int(value) => {
            packet[at..at + 2].copy_from_slice(&INT);
            varint(packet, at + 2, value as u64)
        }
        CounterValue::Double(value) => {
            packet[at..at + 2].copy_from_slice(&DOUBLE);
            packet[at + 2..at + 10].copy_from_slice(&value.to_le_bytes());
            at + 10
        }
    }
}

/// Writes the event's name; returns where it ends. `None` when there is no room.
#[inline]
pub(super) fn name<const N: usize>(packet: &mut [u8; N], at: usize, name: &str) -> Option<usize> {
    const NAME: [u8; 2] = tag_2(TrackEvent::NAME_FIELD_NUMBER, WireType::Len);
    packet.get_mut(at..at + 2)?.copy_from_slice(&NAME);
    text(packet, at + 2, name)
}

/// A length of one byte, and the bytes.
#[inline(always)]
fn text<const N: usize>(packet: &mut [u8; N], at: usize, text: &str) -> Option<usize> {
    let len = text.len();
    if len > 127 {
        return None;
    }
    let (place, rest) = packet.get_mut(at..)?.split_first_mut()?;
    *place = len as u8;
    copy(rest.get_mut(..len)?, text.as_bytes());
    Some(at + 1 + len)
}

/// Short texts are the rule: two overlapping words cost less than a call.
#[inline]
fn copy(to: &mut [u8], from: &[u8]) {
    let len = from.len();
    match len {
        8..=16 => {
            let (front, back) = (from.first_chunk::<8>(), from.last_chunk::<8>());
            if let (Some(front), Some(back)) = (front, back) {
                to[..8].copy_from_slice(front);
                to[len - 8..].copy_from_slice(back);
            }
        }
        _ => to.copy_from_slice(from),
    }
}

/// Writes what an event has to say this time; returns where that ends. `None` when there is no room, or something is not written by this.
#[inline(always)]
pub(super) fn varying<const N: usize>(
    packet: &mut [u8; N],
    at: usize,
    site: &CallSite,
    event_name: Option<&str>,
    arguments: &[Argument<'_>],
) -> Option<usize> {
    let at = match event_name {
        Some(event_name) => name(packet, at, event_name)?,
        None => at,
    };
    annotations(packet, at, site, arguments)
}

/// Writes the annotations; returns where they end. `None` when there is no room, or one is not written by this.
#[inline(always)]
pub(super) fn annotations<const N: usize>(
    packet: &mut [u8; N],
    mut at: usize,
    site: &CallSite,
    arguments: &[Argument<'_>],
) -> Option<usize> {
    const ANNOTATION: u8 = tag_1(TrackEvent::DEBUG_ANNOTATIONS_FIELD_NUMBER, WireType::Len);
    const NAME_IID: u8 = tag_1(DebugAnnotation::NAME_IID_FIELD_NUMBER, WireType::Varint);
    for (key, argument) in (site.first_key()..).zip(arguments) {
        let Argument::Value(value) = *argument else {
            match *argument {
                Argument::Dict(_) | Argument::Array(_) => return None,
                _ => continue,
            }
        };
        // Tag, length, the name's tag and number, and a number.
        if at + 2 + NUMBER + NUMBER > N {
            return None;
        }
        let begin = at + 2;
        packet[at] = ANNOTATION;
        packet[begin] = NAME_IID;
        at = varint(packet, begin + 1, u64::from(key));
        at = annotation(packet, at, value)?;
        let len = at - begin;
        if len > 127 {
            return None;
        }
        packet[begin - 1] = len as u8;
    }
    Some(at)
}

#[inline(always)]
fn annotation<const N: usize>(packet: &mut [u8; N], at: usize, value: Value<'_>) -> Option<usize> {
    const BOOL: u8 = tag_1(DebugAnnotation::BOOL_VALUE_FIELD_NUMBER, WireType::Varint);
    const UINT: u8 = tag_1(DebugAnnotation::UINT_VALUE_FIELD_NUMBER, WireType::Varint);
    const INT: u8 = tag_1(DebugAnnotation::INT_VALUE_FIELD_NUMBER, WireType::Varint);
    const DOUBLE: u8 = tag_1(DebugAnnotation::DOUBLE_VALUE_FIELD_NUMBER, WireType::Fixed64);
    const POINTER: u8 = tag_1(DebugAnnotation::POINTER_VALUE_FIELD_NUMBER, WireType::Varint);
    const STRING: u8 = tag_1(DebugAnnotation::STRING_VALUE_FIELD_NUMBER, WireType::Len);
    let (tag, number) = match value {
        Value::Bool(value) => (BOOL, u64::from(value)),
        Value::Uint(value) => (UINT, value),
        Value::Int(value) => (INT, value as u64),
        Value::Pointer(value) => (POINTER, value),
        Value::Double(value) => {
            packet[at] = DOUBLE;
            packet[at + 1..at + 9].copy_from_slice(&value.to_le_bytes());
            return Some(at + 9);
        }
        Value::Str(value) => {
            packet[at] = STRING;
            return text(packet, at + 1, value);
        }
    };
    packet[at] = tag;
    Some(varint(packet, at + 1, number))
}

/// Writes the number of the event's track; returns where it ends. `None` when there is no room.
#[inline]
pub(super) fn track<const N: usize>(packet: &mut [u8; N], at: usize, uuid: u64) -> Option<usize> {
    const TRACK: u8 = tag_1(TrackEvent::TRACK_UUID_FIELD_NUMBER, WireType::Varint);
    if at + NUMBER > N {
        return None;
    }
    packet[at] = TRACK;
    Some(varint(packet, at + 1, uuid))
}

/// Writes the details; returns where they end. `None` when there is no room, or one is not written by this.
#[inline]
pub(super) fn details<const N: usize>(packet: &mut [u8; N], mut at: usize, details: &[Detail<'_>]) -> Option<usize> {
    const FLOW: [u8; 2] = tag_2(TrackEvent::FLOW_IDS_FIELD_NUMBER, WireType::Fixed64);
    const TERMINATING: [u8; 2] = tag_2(TrackEvent::TERMINATING_FLOW_IDS_FIELD_NUMBER, WireType::Fixed64);
    const CORRELATION: [u8; 2] = tag_2(TrackEvent::CORRELATION_ID_FIELD_NUMBER, WireType::Varint);
    for (number, detail) in details.iter().enumerate() {
        let place = packet.get_mut(at..at + NUMBER)?;
        let (tag, id) = match *detail {
            Detail::Flow(id) => (FLOW, id),
            Detail::TerminatingFlow(id) => (TERMINATING, id),
            // An event has one: the first, wherever it stands.
            Detail::CorrelationId(CorrelationId::Number(id)) if number == 0 && details.len() == 1 => {
                place[..2].copy_from_slice(&CORRELATION);
                at = varint(packet, at + 2, id);
                continue;
            }
            _ => return None,
        };
        place[..2].copy_from_slice(&tag);
        place[2..10].copy_from_slice(&id.to_le_bytes());
        at += 10;
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use std::string::String;
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;
    use crate::recording::argument::annotate;
    use crate::recording::{Category, call_site::EventKind};

    fn value(text: &str, kind: u8, number: u64) -> Value<'_> {
        match kind {
            0 => Value::Bool(number % 2 == 1),
            1 => Value::Uint(number),
            2 => Value::Int(number as i64),
            3 => Value::Pointer(number),
            4 => Value::Double(f64::from_bits(number)),
            _ => Value::Str(text),
        }
    }

    proptest! {
        /// Each byte is what the generated writers write; what is not written here would not fit.
        #[test]
        fn fields_are_those_of_the_generated_writers(
            event_name in proptest::option::of("\\PC{0,40}"),
            values in proptest::collection::vec(("\\PC{0,50}", 0_u8..6, any::<u64>(), 0_u32..64), 0..6),
        ) {
            static CATEGORY: Category = Category::new("c");
            static SITE: CallSite = CallSite::new(EventKind::Instant, &CATEGORY, None, &[]);
            let values: Vec<(String, u8, u64)> =
                values.into_iter().map(|(text, kind, number, shift)| (text, kind, number >> shift)).collect();
            let arguments: Vec<_> =
                values.iter().map(|(text, kind, number)| Argument::Value(value(text, *kind, *number))).collect();
            let mut packet = [0; 192];
            let end = match &event_name {
                Some(text) => name(&mut packet, 3, text),
                None => Some(3),
            };
            let end = end.and_then(|at| annotations(&mut packet, at, &SITE, &arguments));
            let mut buffer = [0; 4096];
            let expected = TrackEvent::encode(&mut buffer, |event| {
                if let Some(text) = &event_name {
                    event.set_name(text);
                }
                annotate(event, &SITE, &arguments, usize::MAX);
            });
            let expected = expected.unwrap();
            match end {
                Some(end) => prop_assert_eq!(&packet[3..end], &*expected),
                None => prop_assert!(expected.len() > 127 || values.iter().any(|(text, ..)| text.len() > 120)),
            }
        }
    }

    #[test]
    fn tracks_and_details_are_those_of_the_generated_writers() {
        let numbers = [0, 1, 127, 128, 1 << 48, u64::MAX];
        for number in numbers {
            let (mut packet, mut buffer) = ([0; 64], [0; 64]);
            let end = track(&mut packet, 5, number).unwrap();
            let expected = TrackEvent::encode(&mut buffer, |event| _ = event.set_track_uuid(number)).unwrap();
            assert_eq!(&packet[5..end], &*expected);
            let (flow, correlation) = (Detail::Flow(number), Detail::CorrelationId(CorrelationId::Number(number)));
            for list in [&[flow, Detail::TerminatingFlow(number), Detail::Flow(7)][..], &[correlation]] {
                let end = details(&mut packet, 5, list).unwrap();
                let expected = TrackEvent::encode(&mut buffer, |event| {
                    list.iter().for_each(|detail| match *detail {
                        Detail::Flow(id) => _ = event.add_flow_ids(id),
                        Detail::TerminatingFlow(id) => _ = event.add_terminating_flow_ids(id),
                        _ => _ = event.set_correlation_id(number),
                    });
                });
                assert_eq!(&packet[5..end], &*expected.unwrap());
            }
            assert_eq!(details(&mut packet, 5, &[flow; 6]), None);
            assert_eq!(details(&mut packet, 5, &[correlation, correlation]), None);
            assert_eq!(details(&mut packet, 5, &[Detail::At(number)]), None);
        }
    }

    #[test]
    fn counters_are_those_of_the_generated_writers() {
        for value in [0, 1, -1, 127, 128, i64::MAX, i64::MIN] {
            let (mut packet, mut buffer) = ([0; 64], [0; 64]);
            let end = counter(&mut packet, 5, CounterValue::Int(value));
            let expected = TrackEvent::encode(&mut buffer, |event| _ = event.set_counter_value(value)).unwrap();
            assert_eq!(&packet[5..end], &*expected);
        }
        for value in [0.0, -1.5, f64::INFINITY] {
            let (mut packet, mut buffer) = ([0; 64], [0; 64]);
            let end = counter(&mut packet, 5, CounterValue::Double(value));
            let expected = TrackEvent::encode(&mut buffer, |event| _ = event.set_double_counter_value(value)).unwrap();
            assert_eq!(&packet[5..end], &*expected);
        }
    }
}
