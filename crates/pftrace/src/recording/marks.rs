//! What a chunk says, besides its packets, of slices on tracks of their own: which slice a packet begins or ends.
//!
//! ```text
//! | 0x0a | length | packet | 0x12 | length: 1 | kind: 1 | number of the slice: 4 | begin: 8 | track: 4 | call site: 4 | name |
//! ```
//!
//! A mark stands behind its packet and is committed with it. What comes after the number is there where a reader may need it: in a flight
//! recorder with the end, as the begin may have been written over; on its way to a connection with the begin, as that connection may be lost. Where
//! neither can be there are no marks at all. No mark reaches a trace.

use std::vec::Vec;

use super::on_tracks::{NAME_LEN, OnTrack, Told};

const PACKET_TAG: u8 = 0x0a;
const MARK_TAG: u8 = 0x12;

/// In which of the marks it stands what the slice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marks {
    None,
    /// A flight recorder's.
    Ends,
    /// Those of a session that connects again.
    Begins,
}

/// What a packet is to a slice on a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Begin,
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) kind: Kind,
    pub(super) id: u32,
    /// What the slice is, if that stands there.
    pub(super) slice: Option<OnTrack>,
}

/// The kind and the number.
const FRONT_LEN: usize = size_of::<u8>() + size_of::<u32>();
/// The begin, the track and the call site.
const BODY_LEN: usize = size_of::<u64>() + 2 * size_of::<u32>();

/// Writes a mark into the front of `room`; returns its length. `None` when there is no room for it.
#[inline]
pub(super) fn write(room: &mut [u8], kind: Kind, id: u32, told: Option<&Told<'_>>) -> Option<usize> {
    const FRONT: usize = 2 + FRONT_LEN;
    let front = room.get_mut(2..FRONT)?;
    front[0] = kind as u8;
    front[1..].copy_from_slice(&id.to_le_bytes());
    let mut end = FRONT;
    if let Some(&Told { begin_ns, track, site, name }) = told {
        // Longer ones are never given: then it would take more than a byte to say how long the mark is.
        let name = &name.as_bytes()[..name.len().min(NAME_LEN)];
        let (at, name_at) = (end, end + BODY_LEN);
        end = name_at + name.len();
        let (body, place) = room.get_mut(at..end)?.split_at_mut(BODY_LEN);
        let numbers = [begin_ns, u64::from(site) << 32 | u64::from(track)].map(u64::to_le_bytes);
        body.copy_from_slice(numbers.as_flattened());
        place.copy_from_slice(name);
    }
    (room[0], room[1]) = (MARK_TAG, (end - 2) as u8);
    Some(end)
}

impl Mark {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (&kind, rest) = bytes.split_first()?;
        let (&id, rest) = rest.split_first_chunk()?;
        let slice = Self::slice(rest);
        let kind = if kind == Kind::Begin as u8 { Kind::Begin } else { Kind::End };
        Some(Self { kind, id: u32::from_le_bytes(id), slice })
    }

    fn slice(bytes: &[u8]) -> Option<OnTrack> {
        let (&begin, rest) = bytes.split_first_chunk()?;
        let (&track, rest) = rest.split_first_chunk()?;
        let (&site, name) = rest.split_first_chunk()?;
        let (begin_ns, track, site) = (u64::from_le_bytes(begin), u32::from_le_bytes(track), u32::from_le_bytes(site));
        let name = core::str::from_utf8(name).unwrap_or_default();
        Some(OnTrack::of(&Told { begin_ns, track, site, name }))
    }
}

/// The packets of a chunk, each with its tag and length, and its mark if it has one. An error is the last.
pub(super) fn packets(bytes: &[u8]) -> impl Iterator<Item = Result<(&[u8], Option<Mark>), Corrupt>> {
    let mut rest = bytes;
    core::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let next = split(rest);
        rest = next.map_or(&[], |(_, _, rest)| rest);
        Some(next.map(|(packet, mark, _)| (packet, mark)).ok_or(Corrupt))
    })
}

/// What is there is no packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Corrupt;

fn split(bytes: &[u8]) -> Option<(&[u8], Option<Mark>, &[u8])> {
    let body = bytes.strip_prefix(&[PACKET_TAG])?;
    let (len, behind) = varint(body)?;
    let end = bytes.len() - behind.len() + usize::try_from(len).ok()?;
    let (packet, rest) = bytes.split_at_checked(end)?;
    let Some((&len, behind)) = rest.strip_prefix(&[MARK_TAG]).and_then(<[u8]>::split_first) else {
        return Some((packet, None, rest));
    };
    let (mark, rest) = behind.split_at_checked(usize::from(len))?;
    Some((packet, Some(Mark::read(mark)?), rest))
}

/// Appends a packet without its event: nothing is left of it but its time, which the next one counts from.
pub(super) fn without_event(packet: &[u8], out: &mut Vec<u8>) -> Option<()> {
    const TRACK_EVENT: u64 = 11 << 3 | 2;
    let (_, mut rest) = varint(packet.get(1..)?)?;
    let mut kept: Vec<u8> = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        let (tag, behind) = varint(rest)?;
        let behind = match tag & 7 {
            0 => varint(behind)?.1,
            1 => behind.get(8..)?,
            2 => {
                let (len, content) = varint(behind)?;
                content.get(usize::try_from(len).ok()?..)?
            }
            5 => behind.get(4..)?,
            _ => return None,
        };
        if tag != TRACK_EVENT {
            kept.extend_from_slice(&rest[..rest.len() - behind.len()]);
        }
        rest = behind;
    }
    out.push(PACKET_TAG);
    let mut len = kept.len();
    while len >= 0x80 {
        out.push(len as u8 | 0x80);
        len >>= 7;
    }
    out.push(len as u8);
    out.extend_from_slice(&kept);
    Some(())
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (place, &byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte < 0x80 {
            return Some((value, &bytes[place + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use pftrace_protos::Trace;

    use super::*;

    fn packet(number: u32, text: &str) -> Vec<u8> {
        let mut buffer = [0; 1024];
        let packet = Trace::encode(&mut buffer, |trace| {
            trace.add_packet(|packet| {
                packet.set_trusted_packet_sequence_id(number).set_timestamp(1 << 40);
                packet.set_track_event(|event| _ = event.set_name(text));
                packet.set_timestamp_clock_id(300);
            });
        });
        packet.unwrap().to_vec()
    }

    #[test]
    fn packets_and_marks_are_read_as_they_were_written() {
        let long = "x".repeat(300);
        let told = |begin_ns, name| Told { begin_ns, track: 3, site: 4, name };
        let marks = [
            None,
            Some((Kind::Begin, u32::MAX, None)),
            Some((Kind::End, 7, Some(told(u64::MAX - 1, "näme")))),
            Some((Kind::End, 8, Some(told(1, "")))),
            Some((Kind::Begin, 9, Some(told(1, &long[..NAME_LEN])))),
            None,
        ];
        let (mut bytes, mut expected) = (Vec::new(), Vec::new());
        for (number, mark) in (0..).zip(marks) {
            let text = if number % 2 == 0 { &*long } else { "short" };
            bytes.extend_from_slice(&packet(number, text));
            let mut room = [0; 127];
            let mut len = 0;
            if let Some((kind, id, told)) = mark {
                len = write(&mut room, kind, id, told.as_ref()).unwrap();
                assert_eq!(write(&mut [0; 127][..len - 1], kind, id, told.as_ref()), None);
            }
            bytes.extend_from_slice(&room[..len]);
            let slice = |told: Option<Told<'_>>| told.map(|told| OnTrack::of(&told));
            expected.push((packet(number, text), mark.map(|(kind, id, told)| Mark { kind, id, slice: slice(told) })));
        }
        let found: Vec<_> = packets(&bytes).map(|frame| frame.map(|(packet, mark)| (packet.to_vec(), mark))).collect();
        assert_eq!(found.into_iter().map(Result::unwrap).collect::<Vec<_>>(), expected);
    }

    /// Whatever the bytes are: no panic, and what is read is what was before the fault.
    #[test]
    fn what_is_no_packet_is_an_error() {
        let mut bytes = packet(1, "a");
        let len = bytes.len();
        bytes.extend_from_slice(&[PACKET_TAG, 200, 1, 0]);
        let found: Vec<_> = packets(&bytes).collect();
        assert!(matches!(found[..], [Ok((packet, None)), Err(Corrupt)] if packet.len() == len));
        for cut in 0..len {
            assert!(cut == 0 || matches!(packets(&bytes[..cut]).last(), Some(Err(Corrupt))), "{cut}");
            _ = without_event(&bytes[..cut], &mut Vec::new());
        }
    }

    #[test]
    fn a_packet_without_its_event_has_its_time() {
        let mut out = Vec::new();
        without_event(&packet(5, &"x".repeat(200)), &mut out).unwrap();
        let mut buffer = [0; 64];
        let expected = Trace::encode(&mut buffer, |trace| {
            trace.add_packet(|packet| {
                packet.set_trusted_packet_sequence_id(5).set_timestamp(1 << 40).set_timestamp_clock_id(300);
            });
        });
        assert_eq!(out, &*expected.unwrap());
    }
}
