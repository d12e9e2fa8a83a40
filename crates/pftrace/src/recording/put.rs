//! The fields of an event that vary, written straight into a packet of fixed size whose lengths are all below 128: the same
//! bytes as the generated writers', for a third of the instructions. What is longer is left to those.

use pftrace_protos::{DebugAnnotation, TrackEvent};
use pftrace_wire::{WireType, tag};

use super::argument::Argument;
use super::call_site::CallSite;
use super::detail::{CorrelationId, Detail};
use crate::CounterValue;

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

/// Writes a varint at `at`; returns where it ends. One and two bytes are the rule. Always inline, as those below that say so: called, they make a
/// counter dearer by 30 instructions and a begin with three annotations by 90.
#[inline(always)]
pub(super) fn varint<const N: usize>(packet: &mut [u8; N], at: usize, value: u64) -> usize {
    if value < 1 << 7 {
        packet[at] = value as u8;
        at + 1
    } else if value < 1 << 14 {
        packet[at..at + 2].copy_from_slice(&[value as u8 | 0x80, (value >> 7) as u8]);
        at + 2
    } else {
        let mut rest = value;
        let mut at = at;
        while rest >= 0x80 {
            packet[at] = rest as u8 | 0x80;
            rest >>= 7;
            at += 1;
        }
        packet[at] = rest as u8;
        at + 1
    }
}

/// Writes the value of a counter, which has room; returns where it ends.
#[inline(always)]
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
#[inline(always)]
pub(super) fn name<const N: usize>(packet: &mut [u8; N], at: usize, name: &str) -> Option<usize> {
    const NAME: [u8; 2] = tag_2(TrackEvent::NAME_FIELD_NUMBER, WireType::Len);
    packet.get_mut(at..at + 2)?.copy_from_slice(&NAME);
    text(packet, at + 2, name)
}

/// A length of one byte, and the bytes.
#[inline(always)]
fn text<const N: usize>(packet: &mut [u8; N], at: usize, text: &str) -> Option<usize> {
    let len = text.len();
    let (place, rest) = packet.get_mut(at..)?.split_first_mut()?;
    match rest.first_chunk_mut() {
        Some(window) if len <= WINDOW => copy_short(window, text.as_bytes()),
        _ if len > 127 => return None,
        _ => rest.get_mut(..len)?.copy_from_slice(text.as_bytes()),
    }
    *place = len as u8;
    Some(at + 1 + len)
}

/// What is not longer is copied without a call.
const WINDOW: usize = 32;

/// Copies at most [`WINDOW`] bytes, as two words that overlap.
#[inline(always)]
pub(super) fn copy_short(to: &mut [u8; WINDOW], from: &[u8]) {
    let len = from.len().min(WINDOW);
    if let (Some(front), Some(back)) = (from.first_chunk::<16>(), from.last_chunk::<16>()) {
        to[..16].copy_from_slice(front);
        to[len - 16..len].copy_from_slice(back);
    } else if let (Some(front), Some(back)) = (from.first_chunk::<8>(), from.last_chunk::<8>()) {
        to[..8].copy_from_slice(front);
        to[len - 8..len].copy_from_slice(back);
    } else if let (Some(front), Some(back)) = (from.first_chunk::<4>(), from.last_chunk::<4>()) {
        to[..4].copy_from_slice(front);
        to[len - 4..len].copy_from_slice(back);
    } else if let [first, .., last] = *from {
        to[0] = first;
        to[len / 2] = from[len / 2];
        to[len - 1] = last;
    } else if let [byte] = *from {
        to[0] = byte;
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
        let window: &mut [u8; ANNOTATION_WINDOW] = packet.get_mut(at..)?.first_chunk_mut()?;
        let written = if key < 1 << 7 {
            window[..4].copy_from_slice(&[ANNOTATION, 0, NAME_IID, key as u8]);
            annotation(window, 4, argument)
        } else {
            window[..3].copy_from_slice(&[ANNOTATION, 0, NAME_IID]);
            let value_at = varint(window, 3, u64::from(key));
            annotation(window, value_at, argument)
        };
        at = match (written, argument) {
            (Some(len), _) => at + len,
            (None, Argument::Str(value)) => long_text(packet, at, key, value)?,
            // Larger, or to be formatted before.
            _ => return None,
        };
    }
    Some(at)
}

/// An annotation of a text that is longer than a window.
fn long_text<const N: usize>(packet: &mut [u8; N], at: usize, key: u32, value: &str) -> Option<usize> {
    let value_at = varint(packet, at + 3, u64::from(key));
    packet[value_at] = STRING;
    let end = text(packet, value_at + 1, value)?;
    packet[at + 1] = u8::try_from(end - at - 2).ok().filter(|&len| len < 1 << 7)?;
    Some(end)
}

const STRING: u8 = tag_1(DebugAnnotation::STRING_VALUE_FIELD_NUMBER, WireType::Len);

/// What an annotation takes at most that is written by this: tag, length, the name's tag and number, the value's tag, and a text.
const ANNOTATION_WINDOW: usize = 2 + 1 + 3 + 1 + 1 + WINDOW;

/// Writes a value at `at` into a window that begins with an annotation of that name; returns how long that is.
#[inline(always)]
fn annotation(window: &mut [u8; ANNOTATION_WINDOW], at: usize, argument: &Argument<'_>) -> Option<usize> {
    const BOOL: u8 = tag_1(DebugAnnotation::BOOL_VALUE_FIELD_NUMBER, WireType::Varint);
    const UINT: u8 = tag_1(DebugAnnotation::UINT_VALUE_FIELD_NUMBER, WireType::Varint);
    const INT: u8 = tag_1(DebugAnnotation::INT_VALUE_FIELD_NUMBER, WireType::Varint);
    const DOUBLE: u8 = tag_1(DebugAnnotation::DOUBLE_VALUE_FIELD_NUMBER, WireType::Fixed64);
    const POINTER: u8 = tag_1(DebugAnnotation::POINTER_VALUE_FIELD_NUMBER, WireType::Varint);
    let mut number = |tag: u8, value: u64| {
        window[at] = tag;
        varint(window, at + 1, value)
    };
    let end = match *argument {
        Argument::Bool(value) => number(BOOL, u64::from(value)),
        Argument::Uint(value) => number(UINT, value),
        Argument::Int(value) => number(INT, value as u64),
        Argument::Pointer(value) => number(POINTER, value),
        Argument::Double(value) => {
            window[at] = DOUBLE;
            window[at + 1..at + 9].copy_from_slice(&value.to_le_bytes());
            at + 9
        }
        Argument::Str(value) => {
            window[at] = STRING;
            text(window, at + 1, value)?
        }
        Argument::None => return Some(0),
        Argument::Dict(_) | Argument::Array(_) | Argument::Debug(_) | Argument::Display(_) => return None,
    };
    // Less than 128: it is in the window.
    window[1] = (end - 2) as u8;
    Some(end)
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
    use crate::event::Value;
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
                values.iter().map(|(text, kind, number)| Argument::from(value(text, *kind, *number))).collect();
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
