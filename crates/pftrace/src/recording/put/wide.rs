//! An event of a name and annotations that are long: each length is told before what it is of, whatever it takes. The same bytes as the generated writers', which
//! make room for a length afterwards, for a fifth of the instructions.

use pftrace_wire::varint_len;

use super::annotation::{ANNOTATION, Key, NAME_IID, NUMBER_WINDOW, STRING, argument};
use super::{NAME, varint};
use crate::recording::argument::Argument;
use crate::recording::call_site::{EVENT_AT, EVENT_LEN_AT, PACKET_AT, PACKET_LEN_AT, TEMPLATE_LEN};
use crate::recording::thread::{Event, LONGEST_SHORT, Tail};

/// What comes before an event's fields, and before the text of an annotation: at most seven bytes, and three numbers that take five at most.
const HEAD: usize = 7 + 3 * 5;

/// What a packet takes at most besides its event's fields, and what more is written into behind it: a tail, or as much before one.
const AROUND: usize = HEAD + Tail::ROOM;
const _: () = assert!(Tail::ROOM >= NUMBER_WINDOW && Tail::ROOM >= HEAD && Tail::ROOM >= TEMPLATE_LEN - EVENT_AT);

#[derive(Debug)]
pub(in crate::recording) struct Wide<'e> {
    event: &'e Event<'e>,
    /// How long the event's fields are.
    len: usize,
}

impl<'e> Wide<'e> {
    /// `None`: it is [short](LONGEST_SHORT), or has something that this does not write.
    pub(in crate::recording) fn of(event: &'e Event<'e>) -> Option<Self> {
        if !event.details.is_empty() || event.value.is_some() || event.track.is_some() {
            return None;
        }
        let name = event.name.map_or(0, |name| NAME.len() + text_len(name));
        // Not of a call site that has not been met.
        let own = event.site.template.len().checked_sub(EVENT_AT)? + name;
        let len = keyed(event).try_fold(own, |len, (key, argument)| {
            // Some texts can be longer together than memory is.
            len.checked_add(body_len(key, argument)?.map_or(0, |body| 1 + varint_len(body as u64) + body))
        })?;
        (len > LONGEST_SHORT - EVENT_AT).then_some(Self { event, len })
    }

    /// What it is of.
    pub(in crate::recording) fn event(&self) -> &'e Event<'e> {
        self.event
    }

    /// How much room there has to be for it: more than it takes.
    pub(in crate::recording) fn room(&self) -> usize {
        self.len.saturating_add(AROUND)
    }

    /// Writes its packet; returns how long it is. `None` when there is no [room](Self::room).
    pub(in crate::recording) fn put(&self, packet: &mut [u8], tail: Tail, after: u64) -> Option<usize> {
        let template = &self.event.site.template;
        let bytes = template.bytes();
        let (tail, tail_len) = tail.bytes(after);
        let before = EVENT_LEN_AT - PACKET_AT + varint_len(self.len as u64);
        let mut to = Cursor { packet, at: 0 };
        to.head(|head| {
            head[..PACKET_LEN_AT].copy_from_slice(&bytes[..PACKET_LEN_AT]);
            let at = varint(head, PACKET_LEN_AT, (before + self.len + tail_len) as u64);
            head[at..at + EVENT_LEN_AT - PACKET_AT].copy_from_slice(&bytes[PACKET_AT..EVENT_LEN_AT]);
            varint(head, at + EVENT_LEN_AT - PACKET_AT, self.len as u64)
        })?;
        to.window::<{ TEMPLATE_LEN - EVENT_AT }>()?.copy_from_slice(&bytes[EVENT_AT..]);
        to.at += template.len() - EVENT_AT;
        if let Some(name) = self.event.name {
            to.head(|head| {
                head[..NAME.len()].copy_from_slice(&NAME);
                varint(head, NAME.len(), name.len() as u64)
            })?;
            to.push(name.as_bytes())?;
        }
        for (key, argument) in keyed(self.event) {
            to.annotation(key, argument)?;
        }
        *to.window()? = tail;
        Some(to.at + tail_len)
    }
}

/// The annotations, with the numbers of their names.
fn keyed<'e>(event: &Event<'e>) -> impl Iterator<Item = (u32, &'e Argument<'e>)> + use<'e> {
    (event.site.first_key()..).zip(event.arguments)
}

/// How long a text is, with its length.
fn text_len(text: &str) -> usize {
    varint_len(text.len() as u64) + text.len()
}

/// How long an annotation is without its tag and length: nothing where it is left out. `None`: it is not written by this.
fn body_len(key: u32, argument: &Argument<'_>) -> Option<Option<usize>> {
    let value = match *argument {
        Argument::Bool(_) => 1,
        Argument::Uint(value) | Argument::Pointer(value) => varint_len(value),
        Argument::Int(value) => varint_len(value as u64),
        Argument::Double(_) => 8,
        Argument::Str(text) => text_len(text),
        Argument::None => return Some(None),
        Argument::Dict(_) | Argument::Array(_) | Argument::Debug(_) | Argument::Display(_) => return None,
    };
    Some(Some(2 + varint_len(key.into()) + value))
}

struct Cursor<'p> {
    packet: &'p mut [u8],
    at: usize,
}

impl Cursor<'_> {
    /// The bytes from here on.
    #[inline]
    fn window<const N: usize>(&mut self) -> Option<&mut [u8; N]> {
        self.packet.get_mut(self.at..)?.first_chunk_mut()
    }

    /// What comes before something: `write` says where it ends.
    #[inline]
    fn head(&mut self, write: impl FnOnce(&mut [u8; HEAD]) -> usize) -> Option<()> {
        self.at += write(self.window()?);
        Some(())
    }

    #[inline]
    fn push(&mut self, bytes: &[u8]) -> Option<()> {
        self.packet.get_mut(self.at..self.at + bytes.len())?.copy_from_slice(bytes);
        self.at += bytes.len();
        Some(())
    }

    #[inline]
    fn annotation(&mut self, key: u32, value: &Argument<'_>) -> Option<()> {
        let Argument::Str(text) = *value else {
            self.at += argument(self.window::<NUMBER_WINDOW>()?, 0, Key::of(key), value)?;
            return Some(());
        };
        self.head(|head| {
            head[0] = ANNOTATION;
            let at = varint(head, 1, (2 + varint_len(key.into()) + text_len(text)) as u64);
            head[at] = NAME_IID;
            let at = varint(head, at + 1, key.into());
            head[at] = STRING;
            varint(head, at + 1, text.len() as u64)
        })?;
        self.push(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use std::string::String;
    use std::vec;
    use std::vec::Vec;

    use pftrace_protos::{Trace, track_event::Type};
    use proptest::prelude::*;

    use super::*;
    use crate::CounterValue;
    use crate::recording::argument::annotate;
    use crate::recording::call_site::{self, CallSite, EventKind, NEEDS_STATE};
    use crate::recording::category::Category;
    use crate::recording::detail::Detail;

    /// The texts' lengths are around those whose lengths, or the lengths of what they are in, take a byte more.
    fn texts() -> impl Strategy<Value = String> {
        let len = prop_oneof![0_usize..300, 16_300_usize..16_400];
        ("\\PC{0,4}", len).prop_map(|(text, len)| text + &"x".repeat(len))
    }

    proptest! {
        /// Each byte is what the generated writers write; and no byte is looked at behind the room.
        #[test]
        fn packets_are_those_of_the_generated_writers(
            name in proptest::option::of(texts()),
            values in proptest::collection::vec((texts(), 0_u8..8, any::<u64>(), 0_u32..64), 0..5),
            sequence in 1_u32..1 << 21,
            after in (any::<u64>(), 0_u32..64).prop_map(|(after, shift)| after >> shift),
        ) {
            static CATEGORY: Category = Category::new("c");
            // Of the kind that is met without a session.
            static SITE: CallSite = CallSite::new(EventKind::End, &CATEGORY, None, &["1", "2", "3", "4", "5"]);
            call_site::prepare();
            assert!(SITE.prepare());
            let arguments: Vec<_> = values.iter().map(|(text, kind, number, shift)| match (kind, number >> shift) {
                (0, number) => Argument::Bool(number % 2 == 1),
                (1, number) => Argument::Uint(number),
                (2, number) => Argument::Int(number as i64),
                (3, number) => Argument::Pointer(number),
                (4, number) => Argument::Double(f64::from_bits(number)),
                (5, _) => Argument::None,
                _ => Argument::Str(text),
            }).collect();
            let event = Event { name: name.as_deref(), arguments: &arguments, ..Event::of(&SITE) };
            let mut buffer = vec![0; 1 << 18];
            let expected = Trace::encode(&mut buffer, |trace| {
                trace.add_packet(|packet| {
                    packet.set_sequence_flags(NEEDS_STATE);
                    packet.set_track_event(|event| {
                        event.set_type(Type::TYPE_SLICE_END);
                        if let Some(name) = &name {
                            event.set_name(name);
                        }
                        annotate(event, &SITE, &arguments, usize::MAX);
                    });
                    packet.set_timestamp(after).set_trusted_packet_sequence_id(sequence);
                });
            });
            let expected = &*expected.unwrap();
            let Some(wide) = Wide::of(&event) else {
                prop_assert!(expected.len() <= PACKET_AT + 127);
                return Ok(());
            };
            let mut packet = vec![0; wide.room()];
            let len = wide.put(&mut packet, Tail::of(sequence), after).unwrap();
            prop_assert!(len > LONGEST_SHORT);
            prop_assert_eq!(&packet[..len], expected);
            for room in 0..len.min(400) {
                prop_assert_eq!(wide.put(&mut packet[..room], Tail::of(sequence), after), None);
            }
        }
    }

    #[test]
    fn what_has_parts_is_not_written() {
        static CATEGORY: Category = Category::new("c");
        static SITE: CallSite = CallSite::new(EventKind::End, &CATEGORY, None, &["1"]);
        static UNMET: CallSite = CallSite::new(EventKind::Instant, &CATEGORY, None, &["1"]);
        call_site::prepare();
        assert!(SITE.prepare());
        let text = "x".repeat(200);
        let long = Event { name: Some(&text), ..Event::of(&SITE) };
        assert!(Wide::of(&long).is_some() && Wide::of(&Event { name: Some("short"), ..long }).is_none());
        for argument in [Argument::Debug(&1), Argument::Display(&1)] {
            assert!(Wide::of(&Event { arguments: &[argument], ..long }).is_none());
        }
        assert!(Wide::of(&Event { site: &UNMET, ..long }).is_none());
        assert!(Wide::of(&Event { details: &[Detail::Flow(1)], ..long }).is_none());
        assert!(Wide::of(&Event { value: Some(CounterValue::Int(1)), ..long }).is_none());
    }
}
