//! The fields of an event that vary, written straight into a packet of fixed size whose lengths are all below 128: the same
//! bytes as the generated writers', for a third of the instructions. What is longer is left to [`Wide`], or to those.

mod annotation;
mod text;
mod varint;
mod wide;

use pftrace_protos::TrackEvent;
use pftrace_wire::{WireType, tag};

pub(super) use self::annotation::{KEYS_IN_A_ROW, Key, MOST_KEYS, annotations, argument, bool, double, int, str, uint};
use self::text::text;
pub(super) use self::varint::{BELOW_2, BELOW_4, spread_2, varint, varint_of_2, varint_of_4};
pub(super) use self::wide::Wide;
use super::call_site::CallSite;
use super::detail::{CorrelationId, Detail};
use super::typed::{Annotations, Packet};
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
pub(super) const fn tag_2(number: u32, wire_type: WireType) -> [u8; 2] {
    let tag = tag(number, wire_type);
    assert!(tag >= 1 << 7 && tag < 1 << 14);
    [tag as u8 | 0x80, (tag >> 7) as u8]
}

/// The tags of the value of a counter.
pub(super) const COUNTER_VALUE: [u8; 2] = tag_2(TrackEvent::COUNTER_VALUE_FIELD_NUMBER, WireType::Varint);
pub(super) const DOUBLE_COUNTER_VALUE: [u8; 2] =
    tag_2(TrackEvent::DOUBLE_COUNTER_VALUE_FIELD_NUMBER, WireType::Fixed64);

/// Writes the value of a counter, which has room; returns where it ends.
#[inline(always)]
pub(super) fn counter<const N: usize>(packet: &mut [u8; N], at: usize, value: CounterValue) -> usize {
    match value {
        CounterValue::Int(value) => {
            packet[at..at + 2].copy_from_slice(&COUNTER_VALUE);
            varint(packet, at + 2, value as u64)
        }
        CounterValue::Double(value) => {
            packet[at..at + 2].copy_from_slice(&DOUBLE_COUNTER_VALUE);
            packet[at + 2..at + 10].copy_from_slice(&value.to_le_bytes());
            at + 10
        }
    }
}

const NAME: [u8; 2] = tag_2(TrackEvent::NAME_FIELD_NUMBER, WireType::Len);

/// Writes the event's name; returns where it ends. `None` when there is no room.
#[inline(always)]
pub(super) fn name<const N: usize>(packet: &mut [u8; N], at: usize, name: &str) -> Option<usize> {
    packet.get_mut(at..at + 2)?.copy_from_slice(&NAME);
    text(packet, at + 2, name)
}

/// Writes what an event has to say this time; returns where that ends. `None` when there is no room, or something is not written by this.
#[inline(always)]
pub(super) fn varying<'a>(
    packet: &mut Packet,
    at: usize,
    site: &CallSite,
    event_name: Option<&str>,
    annotations: impl Annotations<'a>,
) -> Option<usize> {
    let at = match event_name {
        Some(event_name) => name(packet, at, event_name)?,
        None => at,
    };
    annotations.put(packet, at, site)
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

pub(super) const FLOW: [u8; 2] = tag_2(TrackEvent::FLOW_IDS_FIELD_NUMBER, WireType::Fixed64);
pub(super) const TERMINATING_FLOW: [u8; 2] = tag_2(TrackEvent::TERMINATING_FLOW_IDS_FIELD_NUMBER, WireType::Fixed64);

/// Writes a flow that the event is part of; returns where it ends. `None` when there is no room.
#[inline(always)]
pub(super) fn flow<const N: usize>(packet: &mut [u8; N], at: usize, tag: [u8; 2], id: u64) -> Option<usize> {
    let place = packet.get_mut(at..at + 10)?;
    place[..2].copy_from_slice(&tag);
    place[2..].copy_from_slice(&id.to_le_bytes());
    Some(at + 10)
}

/// Writes the details; returns where they end. `None` when there is no room, or one is not written by this.
#[inline]
pub(super) fn details<const N: usize>(packet: &mut [u8; N], mut at: usize, details: &[Detail<'_>]) -> Option<usize> {
    const CORRELATION: [u8; 2] = tag_2(TrackEvent::CORRELATION_ID_FIELD_NUMBER, WireType::Varint);
    const CORRELATION_TEXT: [u8; 2] = tag_2(TrackEvent::CORRELATION_ID_STR_FIELD_NUMBER, WireType::Len);
    const LOCATION: [u8; 2] = tag_2(TrackEvent::SOURCE_LOCATION_IID_FIELD_NUMBER, WireType::Varint);
    let mut has_correlation = false;
    for detail in details {
        let place = packet.get_mut(at..at + NUMBER)?;
        let mut begin = |tag: [u8; 2]| place[..2].copy_from_slice(&tag);
        match *detail {
            Detail::Flow(id) => at = flow(packet, at, FLOW, id)?,
            Detail::TerminatingFlow(id) => at = flow(packet, at, TERMINATING_FLOW, id)?,
            // An event has one: the first.
            Detail::CorrelationId(_) if has_correlation => {}
            Detail::CorrelationId(CorrelationId::Number(id)) => {
                begin(CORRELATION);
                at = varint(packet, at + 2, id);
                has_correlation = true;
            }
            Detail::CorrelationId(CorrelationId::Text(id)) => {
                begin(CORRELATION_TEXT);
                at = text(packet, at + 2, id)?;
                has_correlation = true;
            }
            Detail::SourceLocation(location) => {
                // Without one there are too many of them, and it is written out.
                let number = location.number()?;
                begin(LOCATION);
                at = varint(packet, at + 2, number.into());
            }
            // The packet says it.
            Detail::At(_) => {}
            _ => return None,
        }
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::thread::Event;
    use crate::recording::{Category, call_site, detail};

    #[test]
    fn tracks_and_details_are_those_of_the_generated_writers() {
        static CATEGORY: Category = Category::new("c");
        static SITE: CallSite = CallSite::new(call_site::EventKind::Instant, &CATEGORY, Some("name"), &[]);
        // Else no place has a number.
        crate::recording::location::prepare();
        let numbers = [0, 1, 127, 128, 1 << 48, u64::MAX];
        for number in numbers {
            let (mut packet, mut buffer) = ([0; 64], [0; 64]);
            let end = track(&mut packet, 5, number).unwrap();
            let expected = TrackEvent::encode(&mut buffer, |event| _ = event.set_track_uuid(number)).unwrap();
            assert_eq!(&packet[5..end], &*expected);
            let (flow, terminating) = (Detail::Flow(number), Detail::TerminatingFlow(number));
            let correlation = Detail::CorrelationId(CorrelationId::Number(number));
            let (text, place) =
                (Detail::CorrelationId(CorrelationId::Text("täxt")), Detail::SourceLocation(crate::here!()));
            let lists: [&[Detail<'_>]; 4] = [
                &[flow, terminating, Detail::Flow(7)],
                &[correlation],
                &[place, correlation, text],
                &[text, flow, correlation],
            ];
            for list in lists {
                let end = details(&mut packet, 5, list).unwrap();
                let event = Event { details: list, ..Event::of(&SITE) };
                let own = detail::Own { body_iid: 1, longest: usize::MAX };
                let expected = TrackEvent::encode(&mut buffer, |to| detail::write(to, &event, own));
                assert_eq!(&packet[5..end], &*expected.unwrap());
            }
            assert_eq!(details(&mut packet, 5, &[flow; 6]), None);
            assert_eq!(details(&mut packet, 5, &[Detail::At(number)]), Some(5));
            assert_eq!(details(&mut packet, 5, &[Detail::Callstack(&[])]), None);
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
