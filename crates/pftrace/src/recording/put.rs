//! The fields of an event that vary, written straight into a packet of fixed size whose lengths are all below 128: the same
//! bytes as the generated writers', for a third of the instructions. What is longer is left to [`Wide`], or to those.

mod wide;

use pftrace_protos::{DebugAnnotation, TrackEvent};
use pftrace_wire::{WireType, tag};

pub(super) use self::wide::Wide;
use super::argument::Argument;
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

/// Writes a varint at `at`; returns where it ends. Up to three bytes are the rule. Always inline, as those below that say so: called, they make a
/// counter dearer by 30 instructions and a begin with three annotations by 90.
#[inline(always)]
pub(super) fn varint<const N: usize>(packet: &mut [u8; N], at: usize, value: u64) -> usize {
    if value < 1 << 7 {
        packet[at] = value as u8;
        at + 1
    } else if value < 1 << 14 {
        packet[at..at + 2].copy_from_slice(&[value as u8 | 0x80, (value >> 7) as u8]);
        at + 2
    } else if value < 1 << 21 {
        packet[at..at + 3].copy_from_slice(&[value as u8 | 0x80, (value >> 7) as u8 | 0x80, (value >> 14) as u8]);
        at + 3
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

/// What a number is less than whose varint has two bytes at most.
pub(super) const BELOW_2: u64 = 1 << 14;

/// The same of four bytes.
pub(super) const BELOW_4: u64 = 1 << 28;

/// A number [below that](BELOW_2), seven bits in each of two bytes: the upper ones move up by one, so they are added once more.
#[inline(always)]
pub(super) const fn spread_2(value: u64) -> u64 {
    value + (value & (BELOW_2 - 0x80))
}

/// The same [in four](BELOW_4), by way of fourteen bits in each of two words.
#[inline(always)]
const fn spread_4(value: u64) -> u64 {
    let by_14 = value + (value & (BELOW_4 - BELOW_2)) * 3;
    by_14 + (by_14 & 0x3f80_3f80)
}

/// A number [below that](BELOW_2) as a varint of two bytes, also where one would do.
#[inline(always)]
pub(super) const fn varint_of_2(value: u64) -> u64 {
    spread_2(value) | 0x80
}

/// A number [below that](BELOW_4) as a varint of four bytes, also where fewer would do.
#[inline(always)]
pub(super) const fn varint_of_4(value: u64) -> u64 {
    spread_4(value) | 0x80_8080
}

/// How long the varint is of a number [below that](BELOW_4). A type of its own, so that the compiler knows that it is.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
enum SmallLen {
    One = 1,
    Two,
    Three,
    Four,
}

/// A number [below that](BELOW_4) as a varint, and how long it is. Without a branch for its length, which what varies from event to event would often take wrongly.
#[inline(always)]
fn small_varint(value: u64) -> (u64, usize) {
    /// By the position of the highest bit, which is one instruction where dividing by seven takes three: what says that another byte follows, in all but the last, and the length. As many as
    /// the compiler thinks of: so it looks up without asking whether there is such a one.
    static BY_HIGHEST: [(u64, SmallLen); 64] = {
        let mut all = [(0x80_8080, SmallLen::Four); 64];
        let mut highest = 0;
        while highest < 21 {
            all[highest] = match highest {
                0..7 => (0, SmallLen::One),
                7..14 => (0x80, SmallLen::Two),
                _ => (0x8080, SmallLen::Three),
            };
            highest += 1;
        }
        all
    };
    let (more, len) = BY_HIGHEST[63 - (value | 1).leading_zeros() as usize];
    (spread_4(value) | more, len as usize)
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

/// A length of one byte, and the bytes.
#[inline(always)]
fn text<const N: usize>(packet: &mut [u8; N], at: usize, text: &str) -> Option<usize> {
    let len = text.len();
    let (place, rest) = packet.get_mut(at..)?.split_first_mut()?;
    match rest.first_chunk_mut() {
        Some(window) if len <= WINDOW => copy_short(window, text.as_bytes()),
        _ => copy_longer(rest, text.as_bytes())?,
    }
    *place = len as u8;
    Some(at + 1 + len)
}

/// The longest text of an annotation whose own length takes one byte: beside it are three tags and lengths, and the number of a name, of which there are
/// at most 2^20.
const LONGEST_TEXT: usize = 127 - 3 - 3;

/// Copies what is longer than [`WINDOW`], or has little room. From both ends to the middle: a loop that is not taken for a copy, which would be a call.
#[inline(always)]
fn copy_longer(to: &mut [u8], from: &[u8]) -> Option<()> {
    const STEP: usize = 16;
    let to = to.get_mut(..from.len()).filter(|to| to.len() <= LONGEST_TEXT)?;
    let (mut front, mut back) = (0, from.len());
    while front < back {
        let (first, last) = (front..front + STEP, back.checked_sub(STEP)?..back);
        to.get_mut(first.clone())?.copy_from_slice(from.get(first)?);
        to.get_mut(last.clone())?.copy_from_slice(from.get(last)?);
        (front, back) = (front + STEP, back - STEP);
    }
    Some(())
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

/// Writes the annotations; returns where they end. `None` when there is no room, or one is not written by this.
#[inline(always)]
pub(super) fn annotations<const N: usize>(
    packet: &mut [u8; N],
    at: usize,
    site: &CallSite,
    arguments: &[Argument<'_>],
) -> Option<usize> {
    let keys = core::iter::successors(Some(site.key()), |key| Some(key.next()));
    keys.zip(arguments).try_fold(at, |at, (key, value)| argument(packet, at, key, value))
}

/// Writes an annotation; returns where it ends. `None` when there is no room, or it is not written by this.
#[inline(always)]
pub(super) fn argument<const N: usize>(
    packet: &mut [u8; N],
    at: usize,
    key: Key,
    argument: &Argument<'_>,
) -> Option<usize> {
    match *argument {
        Argument::Bool(value) => bool(packet, at, key, value),
        Argument::Uint(value) => uint(packet, at, key, value),
        Argument::Int(value) => int(packet, at, key, value),
        Argument::Pointer(value) => number(packet, at, key, POINTER, value),
        Argument::Double(value) => double(packet, at, key, value),
        Argument::Str(value) => str(packet, at, key, value),
        Argument::None => Some(at),
        // Larger, or to be formatted before.
        Argument::Dict(_) | Argument::Array(_) | Argument::Debug(_) | Argument::Display(_) => None,
    }
}

const ANNOTATION: u8 = tag_1(TrackEvent::DEBUG_ANNOTATIONS_FIELD_NUMBER, WireType::Len);
const NAME_IID: u8 = tag_1(DebugAnnotation::NAME_IID_FIELD_NUMBER, WireType::Varint);
const BOOL: u8 = tag_1(DebugAnnotation::BOOL_VALUE_FIELD_NUMBER, WireType::Varint);
const UINT: u8 = tag_1(DebugAnnotation::UINT_VALUE_FIELD_NUMBER, WireType::Varint);
const INT: u8 = tag_1(DebugAnnotation::INT_VALUE_FIELD_NUMBER, WireType::Varint);
const DOUBLE: u8 = tag_1(DebugAnnotation::DOUBLE_VALUE_FIELD_NUMBER, WireType::Fixed64);
const POINTER: u8 = tag_1(DebugAnnotation::POINTER_VALUE_FIELD_NUMBER, WireType::Varint);
const STRING: u8 = tag_1(DebugAnnotation::STRING_VALUE_FIELD_NUMBER, WireType::Len);

/// What an annotation of a number is written into: what comes before its value, and three times four bytes for a varint of ten.
const NUMBER_WINDOW: usize = Key::MOST_BEFORE + 12;

/// What the number of an annotation's name takes at most.
const LONGEST_KEY: usize = 3;

/// The numbers of the names of annotations are less.
pub(super) const MOST_KEYS: u32 = 1 << (7 * LONGEST_KEY);

/// As many numbers in a row, from a multiple of that on, differ in the lowest byte of their varints alone.
pub(super) const KEYS_IN_A_ROW: u32 = 1 << 7;

/// What an annotation begins with: its tag, its length without that of the value, and the tag and number of its name. So it is made once for a call site, whose keys are
/// [in a row](KEYS_IN_A_ROW).
#[derive(Clone, Copy, Debug)]
pub struct Key(u64);

impl Key {
    /// Of the name of that number, which is [less than so many](MOST_KEYS).
    pub(super) fn of(number: u32) -> Self {
        debug_assert!(number < MOST_KEYS);
        let mut bytes = [ANNOTATION, 0, NAME_IID, 0, 0, 0, 0, 0];
        let tag_at = varint(&mut bytes, 3, (number % MOST_KEYS).into());
        bytes[1] = (tag_at + 1 - 2) as u8;
        Self(u64::from_le_bytes(bytes))
    }

    /// As it was [stored](Self::bits).
    #[inline(always)]
    pub(super) fn of_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(super) fn bits(self) -> u64 {
        self.0
    }

    /// The name behind it.
    #[inline(always)]
    pub(super) fn next(self) -> Self {
        Self(self.0.wrapping_add(1 << 24))
    }

    /// No value goes behind this, as far as the compiler knows.
    const MOST_BEFORE: usize = 2 + 7;

    /// Where the value goes, from the annotation's begin on.
    #[inline(always)]
    fn value_at(self) -> usize {
        2 + (self.0 >> 8) as usize % 8
    }

    /// Begins an annotation of a value of that tag and length.
    #[inline(always)]
    fn begin(self, window: &mut [u8; NUMBER_WINDOW], tag: u8, len: usize) {
        window[..8].copy_from_slice(&self.0.wrapping_add((len as u64) << 8).to_le_bytes());
        window[self.value_at() - 1] = tag;
    }
}

/// The bytes of an annotation from `at` on, if there is room for `W`.
#[inline(always)]
fn window<const N: usize, const W: usize>(packet: &mut [u8; N], at: usize) -> Option<&mut [u8; W]> {
    if at > const { N - W } {
        return None;
    }
    packet[at..at + W].first_chunk_mut()
}

/// An annotation of an integer.
#[inline(always)]
fn number<const N: usize>(packet: &mut [u8; N], at: usize, key: Key, tag: u8, value: u64) -> Option<usize> {
    let window: &mut [u8; NUMBER_WINDOW] = window(packet, at)?;
    key.begin(window, tag, 0);
    let mut end = key.value_at();
    let mut rest = value;
    // Twice at most. Not a call: for that, what is needed behind it would have to be stored and loaded.
    while rest >= BELOW_4 {
        let bytes = spread_4(rest % BELOW_4) | 0x8080_8080;
        window[end..end + 4].copy_from_slice(&(bytes as u32).to_le_bytes());
        (rest, end) = (rest >> 28, end + 4);
    }
    let (bytes, len) = small_varint(rest);
    window[end..end + 4].copy_from_slice(&(bytes as u32).to_le_bytes());
    end += len;
    window[1] = (end - 2) as u8;
    Some(at + end)
}

#[inline(always)]
pub(super) fn uint<const N: usize>(packet: &mut [u8; N], at: usize, key: Key, value: u64) -> Option<usize> {
    number(packet, at, key, UINT, value)
}

#[inline(always)]
pub(super) fn int<const N: usize>(packet: &mut [u8; N], at: usize, key: Key, value: i64) -> Option<usize> {
    number(packet, at, key, INT, value as u64)
}

#[inline(always)]
pub(super) fn bool<const N: usize>(packet: &mut [u8; N], at: usize, key: Key, value: bool) -> Option<usize> {
    let window: &mut [u8; NUMBER_WINDOW] = window(packet, at)?;
    key.begin(window, BOOL, 1);
    window[key.value_at()] = value.into();
    Some(at + key.value_at() + 1)
}

#[inline(always)]
pub(super) fn double<const N: usize>(packet: &mut [u8; N], at: usize, key: Key, value: f64) -> Option<usize> {
    let window: &mut [u8; NUMBER_WINDOW] = window(packet, at)?;
    key.begin(window, DOUBLE, 8);
    window[key.value_at()..key.value_at() + 8].copy_from_slice(&value.to_le_bytes());
    Some(at + key.value_at() + 8)
}

#[inline(always)]
pub(super) fn str<const N: usize>(packet: &mut [u8; N], at: usize, key: Key, value: &str) -> Option<usize> {
    // What is too long for a length of one byte is refused in the next line.
    key.begin(window(packet, at)?, STRING, 1 + value.len());
    text(packet, at + key.value_at(), value)
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
    const CORRELATION_TEXT: [u8; 2] = tag_2(TrackEvent::CORRELATION_ID_STR_FIELD_NUMBER, WireType::Len);
    const LOCATION: [u8; 2] = tag_2(TrackEvent::SOURCE_LOCATION_IID_FIELD_NUMBER, WireType::Varint);
    let mut has_correlation = false;
    for detail in details {
        let place = packet.get_mut(at..at + NUMBER)?;
        let mut begin = |tag: [u8; 2]| place[..2].copy_from_slice(&tag);
        match *detail {
            Detail::Flow(id) | Detail::TerminatingFlow(id) => {
                begin(if let Detail::Flow(_) = detail { FLOW } else { TERMINATING });
                place[2..10].copy_from_slice(&id.to_le_bytes());
                at += 10;
            }
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
    use std::string::String;
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;
    use crate::event::Value;
    use crate::recording::argument::annotate;
    use crate::recording::thread::Event;
    use crate::recording::{Category, call_site, call_site::EventKind, detail};

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
            // Of the kind that is met without a session.
            static SITE: CallSite = CallSite::new(EventKind::End, &CATEGORY, None, &["1", "2", "3", "4", "5", "6"]);
            call_site::prepare();
            prop_assert!(SITE.prepare());
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
    fn keys_in_a_row_follow_each_other() {
        for row in [0, 1, 2, BELOW_2 as u32 / KEYS_IN_A_ROW, MOST_KEYS / KEYS_IN_A_ROW - 1] {
            let mut key = Key::of(row * KEYS_IN_A_ROW);
            for number in 1..KEYS_IN_A_ROW {
                key = key.next();
                assert_eq!(key.bits(), Key::of(row * KEYS_IN_A_ROW + number).bits(), "{row}, {number}");
            }
        }
    }

    /// Up to where the annotation's length would take two bytes, which this does not write.
    #[test]
    fn texts_of_every_length_are_those_of_the_generated_writers() {
        for (key, len) in [1, 127, 128, BELOW_2 as u32 - 1, BELOW_2 as u32, MOST_KEYS - 1]
            .into_iter()
            .flat_map(|key| (0..200).map(move |len| (key, len)))
        {
            let (mut packet, mut buffer, value) = ([0; 256], [0; 256], "x".repeat(len));
            let expected = TrackEvent::encode(&mut buffer, |event| {
                event.add_debug_annotations(|annotation| {
                    annotation.set_name_iid(u64::from(key)).set_string_value(&value);
                });
            });
            match str(&mut packet, 5, Key::of(key), &value) {
                Some(end) => assert_eq!(&packet[5..end], &*expected.unwrap(), "{key}, {len}"),
                None => assert!(len > 120, "{key}, {len}"),
            }
        }
    }

    #[test]
    fn small_varints_are_those_of_the_writers() {
        for value in (0..28).flat_map(|bit| [(1 << bit) - 1, 1 << bit, (1 << bit) + 1]).chain([BELOW_4 - 1]) {
            let (bytes, len) = small_varint(value);
            let mut expected = [0; 10];
            let expected_len = varint(&mut expected, 0, value);
            assert_eq!((&bytes.to_le_bytes()[..], len), (&expected[..8], expected_len));
            let decoded =
                |bytes: &[u8]| bytes.iter().rev().fold(0, |so_far, byte| so_far << 7 | u64::from(byte & 0x7f));
            let more = |bytes: &[u8]| bytes.iter().map(|byte| byte >> 7).collect::<std::vec::Vec<_>>();
            let four = varint_of_4(value).to_le_bytes();
            assert_eq!((decoded(&four[..4]), more(&four)), (value, [1, 1, 1, 0, 0, 0, 0, 0].into()));
            if value < BELOW_2 {
                let two = varint_of_2(value).to_le_bytes();
                assert_eq!((decoded(&two[..2]), more(&two)), (value, [1, 0, 0, 0, 0, 0, 0, 0].into()));
            }
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
