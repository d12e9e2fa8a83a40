//! Annotations, by the kinds of their values.

use pftrace_protos::{DebugAnnotation, TrackEvent};
use pftrace_wire::WireType;

use super::tag_1;
use super::text::text;
use super::varint::{BELOW_4, small_varint, spread_4, varint};
use crate::recording::argument::Argument;
use crate::recording::call_site::CallSite;

/// Writes the annotations; returns where they end. `None` when there is no room, or one is not written by this.
#[inline(always)]
pub(in crate::recording) fn annotations<const N: usize>(
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
pub(in crate::recording) fn argument<const N: usize>(
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

pub(super) const ANNOTATION: u8 = tag_1(TrackEvent::DEBUG_ANNOTATIONS_FIELD_NUMBER, WireType::Len);
pub(super) const NAME_IID: u8 = tag_1(DebugAnnotation::NAME_IID_FIELD_NUMBER, WireType::Varint);
const BOOL: u8 = tag_1(DebugAnnotation::BOOL_VALUE_FIELD_NUMBER, WireType::Varint);
const UINT: u8 = tag_1(DebugAnnotation::UINT_VALUE_FIELD_NUMBER, WireType::Varint);
const INT: u8 = tag_1(DebugAnnotation::INT_VALUE_FIELD_NUMBER, WireType::Varint);
const DOUBLE: u8 = tag_1(DebugAnnotation::DOUBLE_VALUE_FIELD_NUMBER, WireType::Fixed64);
const POINTER: u8 = tag_1(DebugAnnotation::POINTER_VALUE_FIELD_NUMBER, WireType::Varint);
pub(super) const STRING: u8 = tag_1(DebugAnnotation::STRING_VALUE_FIELD_NUMBER, WireType::Len);

/// What an annotation of a number is written into: what comes before its value, and three times four bytes for a varint of ten.
pub(super) const NUMBER_WINDOW: usize = Key::MOST_BEFORE + 12;

/// What the number of an annotation's name takes at most.
const LONGEST_KEY: usize = 3;

/// The numbers of the names of annotations are less.
pub(in crate::recording) const MOST_KEYS: u32 = 1 << (7 * LONGEST_KEY);

/// As many numbers in a row, from a multiple of that on, differ in the lowest byte of their varints alone.
pub(in crate::recording) const KEYS_IN_A_ROW: u32 = 1 << 7;

/// What an annotation begins with: its tag, its length without that of the value, and the tag and number of its name. So it is made once for a call site, whose keys are
/// [in a row](KEYS_IN_A_ROW).
#[derive(Clone, Copy, Debug)]
pub struct Key(u64);

impl Key {
    /// Of the name of that number, which is [less than so many](MOST_KEYS).
    pub(in crate::recording) fn of(number: u32) -> Self {
        debug_assert!(number < MOST_KEYS);
        let mut bytes = [ANNOTATION, 0, NAME_IID, 0, 0, 0, 0, 0];
        let tag_at = varint(&mut bytes, 3, (number % MOST_KEYS).into());
        bytes[1] = (tag_at + 1 - 2) as u8;
        Self(u64::from_le_bytes(bytes))
    }

    /// As it was [stored](Self::bits).
    #[inline(always)]
    pub(in crate::recording) fn of_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(in crate::recording) fn bits(self) -> u64 {
        self.0
    }

    /// The name behind it.
    #[inline(always)]
    pub(in crate::recording) fn next(self) -> Self {
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
pub(in crate::recording) fn uint<const N: usize>(
    packet: &mut [u8; N],
    at: usize,
    key: Key,
    value: u64,
) -> Option<usize> {
    number(packet, at, key, UINT, value)
}

#[inline(always)]
pub(in crate::recording) fn int<const N: usize>(
    packet: &mut [u8; N],
    at: usize,
    key: Key,
    value: i64,
) -> Option<usize> {
    number(packet, at, key, INT, value as u64)
}

#[inline(always)]
pub(in crate::recording) fn bool<const N: usize>(
    packet: &mut [u8; N],
    at: usize,
    key: Key,
    value: bool,
) -> Option<usize> {
    let window: &mut [u8; NUMBER_WINDOW] = window(packet, at)?;
    key.begin(window, BOOL, 1);
    window[key.value_at()] = value.into();
    Some(at + key.value_at() + 1)
}

#[inline(always)]
pub(in crate::recording) fn double<const N: usize>(
    packet: &mut [u8; N],
    at: usize,
    key: Key,
    value: f64,
) -> Option<usize> {
    let window: &mut [u8; NUMBER_WINDOW] = window(packet, at)?;
    key.begin(window, DOUBLE, 8);
    window[key.value_at()..key.value_at() + 8].copy_from_slice(&value.to_le_bytes());
    Some(at + key.value_at() + 8)
}

#[inline(always)]
pub(in crate::recording) fn str<const N: usize>(
    packet: &mut [u8; N],
    at: usize,
    key: Key,
    value: &str,
) -> Option<usize> {
    // What is too long for a length of one byte is refused in the next line.
    key.begin(window(packet, at)?, STRING, 1 + value.len());
    text(packet, at + key.value_at(), value)
}

#[cfg(test)]
mod tests {
    use std::string::String;
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::super::name;
    use super::super::varint::BELOW_2;
    use super::*;
    use crate::event::Value;
    use crate::recording::argument::annotate;
    use crate::recording::call_site::{self, EventKind};
    use crate::recording::category::Category;

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
}
