//! The forms in which an event can be written: what `race parts templates` compares. The contender uses the fastest: templates, with
//! what varies behind them.

use pftrace_protos::track_event::Type;
use pftrace_protos::{DebugAnnotation, Trace, TrackEvent};

use super::definitions::Name;
use super::session::{CATEGORY, COUNTER_TRACK, Session};
use super::site::{
    ANNOTATION_LENGTH_AT, EVENT_AT, EVENT_LENGTH_AT, LENGTH_AT, NEEDS_STATE, PIECE_LEN, SEQUENCE_AT, Site,
    TEMPLATE_LEN, TEXT_AT, TIME_AT, TIME_LIMIT, VALUE_AT,
};
use super::thread::{Clock, Thread};

/// In a packet of up to this length every length takes one byte.
const SHORT: usize = 128;
/// A tag, and a varint.
const MAX_VARINT_LEN: usize = 10;

/// The call sites of the race.
#[derive(Debug, Clone)]
pub struct Sites {
    pub begin: Site,
    pub end: Site,
    pub instant: Site,
    pub counter: Site,
    /// Its annotations have the names 1 to 3.
    pub annotated: Site,
    /// Without a name.
    pub named: Site,
}

impl Sites {
    pub fn new(session: &Session) -> Self {
        let define = |name| session.definitions.define(Name::new(name).expect("short")).expect("room");
        let site = |kind, name| {
            let number = define(name);
            Site::new(number, |event| {
                event.set_type(kind).add_category_iids(CATEGORY).set_name_iid(u64::from(number));
            })
        };
        let begin = site(Type::TYPE_SLICE_BEGIN, "span");
        let named = Site::new(begin.number, |event| {
            event.set_type(Type::TYPE_SLICE_BEGIN).add_category_iids(CATEGORY);
        });
        let counter = Site::new(begin.number, |event| {
            // The value is behind: its tag is there already.
            event.set_type(Type::TYPE_COUNTER).set_track_uuid(COUNTER_TRACK);
            event.raw().encoded(&[0xf0, 0x01]);
        });
        let end = Site::new(begin.number, |event| _ = event.set_type(Type::TYPE_SLICE_END));
        let (instant, annotated) = (site(Type::TYPE_INSTANT, "instant"), site(Type::TYPE_SLICE_BEGIN, "annotated"));
        Self { begin, end, instant, counter, annotated, named }
    }
}

// ------------------------------------------------------------------ the template

/// A packet of which only the time varies.
#[inline(always)]
pub fn constant<C: Clock>(thread: &mut Thread<C>, site: &Site) {
    thread.packet(site.number, |room, delta, sequence| {
        let packet = room.first_chunk_mut()?;
        stamp(packet, site, delta, sequence);
        let len = site.len as usize % TEMPLATE_LEN;
        if delta < TIME_LIMIT { Some(len) } else { stretch(packet, len, delta) }
    });
}

/// A template, and behind it what `more` writes: it gets the packet and where to write, and gives where it ends.
#[inline(always)]
fn varying<C: Clock>(
    thread: &mut Thread<C>,
    site: &Site,
    definition: u32,
    more: impl Fn(&mut [u8; SHORT], usize) -> Option<usize>,
) {
    thread.packet(definition, |room, delta, sequence| {
        let packet = room.first_chunk_mut()?;
        stamp(packet, site, delta, sequence);
        let len = more(packet, site.len as usize % TEMPLATE_LEN)?;
        packet[EVENT_LENGTH_AT] = (len - EVENT_AT) as u8;
        packet[LENGTH_AT] = (len - LENGTH_AT - 1) as u8;
        if delta < TIME_LIMIT { Some(len) } else { stretch(packet, len, delta) }
    });
}

#[inline(always)]
fn stamp(packet: &mut [u8; SHORT], site: &Site, delta: u64, sequence: u8) {
    packet[..TEMPLATE_LEN].copy_from_slice(&site.bytes);
    packet[SEQUENCE_AT] = sequence;
    // Two bytes also where one would do. What stands here is overwritten where two do not.
    let time = (delta + (delta & !0x7f)) as u16 | 0x80;
    packet[TIME_AT..TIME_AT + 2].copy_from_slice(&time.to_le_bytes());
}

/// Makes room for a longer time.
#[cold]
#[inline(never)]
fn stretch(packet: &mut [u8; SHORT], len: usize, delta: u64) -> Option<usize> {
    let mut time = [0; MAX_VARINT_LEN];
    let more = varint(&mut time, delta) - 2;
    if len + more > SHORT {
        return None;
    }
    packet.copy_within(TIME_AT + 2..len, TIME_AT + 2 + more);
    packet[TIME_AT..][..2 + more].copy_from_slice(&time[..2 + more]);
    packet[LENGTH_AT] += more as u8;
    Some(len + more)
}

/// Gives its length.
pub fn varint(bytes: &mut [u8], mut value: u64) -> usize {
    let mut len = 0;
    while value >= 0x80 {
        bytes[len] = value as u8 | 0x80;
        value >>= 7;
        len += 1;
    }
    bytes[len] = value as u8;
    len + 1
}

/// A varint that is nearly always of one byte.
#[inline(always)]
fn put(packet: &mut [u8; SHORT], at: usize, value: u64) -> usize {
    if value < 0x80 {
        packet[at] = value as u8;
        at + 1
    } else {
        put_long(packet, at, value)
    }
}

#[cold]
#[inline(never)]
fn put_long(packet: &mut [u8; SHORT], at: usize, value: u64) -> usize {
    at + varint(&mut packet[at..], value)
}

#[inline(always)]
pub fn counter<C: Clock>(thread: &mut Thread<C>, site: &Site, value: i64) {
    varying(thread, site, site.number, |packet, at| Some(put(packet, at, value as u64)));
}

/// The annotations by generated writers.
#[inline(always)]
pub fn annotated<C: Clock>(thread: &mut Thread<C>, site: &Site, number: u64, real: f64, text: &str) {
    if text.len() > LONGEST_TEXT {
        return annotated_straight(thread, site, number, real, text);
    }
    varying(thread, site, site.number, |packet, at| {
        let fields = TrackEvent::encode(&mut packet[at..], |event| annotate::<0>(event, number, real, text)).ok()?;
        Some(at + fields.len())
    });
}

/// With the template, the other annotations and a long time it still makes a short packet.
const LONGEST_TEXT: usize = 50;

/// `FORM`: each has a copy of its own, so that the compiler inlines in one as if there were no others.
#[inline(always)]
fn annotate<const FORM: u8>(event: &mut TrackEvent<'_>, number: u64, real: f64, text: &str) {
    event.add_debug_annotations(|entry| _ = entry.set_name_iid(1).set_uint_value(number));
    event.add_debug_annotations(|entry| _ = entry.set_name_iid(2).set_double_value(real));
    event.add_debug_annotations(|entry| _ = entry.set_name_iid(3).set_string_value(text));
}

/// Each annotation by its generated writer, and its length by hand: no message is nested in what a writer writes.
#[inline(always)]
pub fn annotated_flat<C: Clock>(thread: &mut Thread<C>, site: &Site, number: u64, real: f64, text: &str) {
    if text.len() > LONGEST_TEXT {
        return annotated_straight(thread, site, number, real, text);
    }
    varying(thread, site, site.number, |packet, at| {
        let at = annotation(packet, at, |entry| _ = entry.set_name_iid(1).set_uint_value(number))?;
        let at = annotation(packet, at, |entry| _ = entry.set_name_iid(2).set_double_value(real))?;
        annotation(packet, at, |entry| _ = entry.set_name_iid(3).set_string_value(text))
    });
}

#[inline(always)]
fn annotation(packet: &mut [u8; SHORT], at: usize, fill: impl FnOnce(&mut DebugAnnotation<'_>)) -> Option<usize> {
    let len = DebugAnnotation::encode(packet.get_mut(at + 2..)?, fill).ok()?.len();
    packet[at..at + 2].copy_from_slice(&[0x22, len as u8]);
    Some(at + 2 + len)
}

/// The annotations by hand: the constant bytes of each in one store, the value, its length.
#[inline(always)]
pub fn annotated_by_hand<C: Clock>(thread: &mut Thread<C>, site: &Site, number: u64, real: f64, text: &str) {
    if text.len() > LONGEST_TEXT {
        return annotated_straight(thread, site, number, real, text);
    }
    varying(thread, site, site.number, |packet, at| {
        let [number_piece, real_piece, text_piece] = &site.annotations;
        packet[at..at + PIECE_LEN].copy_from_slice(number_piece);
        let end = put(packet, at + VALUE_AT, number);
        packet[at + ANNOTATION_LENGTH_AT] = (end - at - ANNOTATION_LENGTH_AT - 1) as u8;

        // Its length is that of the piece: a double has eight bytes.
        let at = end;
        packet[at..at + PIECE_LEN].copy_from_slice(real_piece);
        packet[at + VALUE_AT..][..8].copy_from_slice(&real.to_le_bytes());

        let at = at + VALUE_AT + 8;
        packet[at..at + PIECE_LEN].copy_from_slice(text_piece);
        packet[at + ANNOTATION_LENGTH_AT] = (TEXT_AT - ANNOTATION_LENGTH_AT - 1 + text.len()) as u8;
        packet[at + TEXT_AT - 1] = text.len() as u8;
        packet[at + TEXT_AT..][..text.len()].copy_from_slice(text.as_bytes());
        Some(at + TEXT_AT + text.len())
    });
}

/// A name that is known only now: by number, or itself where there is no room for a definition.
#[inline(always)]
pub fn named<C: Clock>(thread: &mut Thread<C>, site: &Site, text: &str) {
    let Some(number) = thread.name(text) else { return named_in_full(thread, site, text) };
    varying(thread, site, number, |packet, at| {
        // Tag and number: one byte of it, or two, without a branch. Numbers are below 2^14.
        let long = u32::from(number > 0x7f);
        let value = (number + (number & !0x7f)) | long << 7;
        packet[at..at + 4].copy_from_slice(&(value << 8 | 0x50).to_le_bytes());
        Some(at + 2 + long as usize)
    });
}

/// The name itself, behind the template.
#[inline(always)]
pub fn named_by_hand<C: Clock>(thread: &mut Thread<C>, site: &Site, text: &str) {
    if text.len() > LONGEST_TEXT {
        return named_in_full(thread, site, text);
    }
    varying(thread, site, site.number, |packet, at| {
        packet[at..at + 4].copy_from_slice(&[0xba, 0x01, text.len() as u8, 0]);
        packet[at + 3..][..text.len()].copy_from_slice(text.as_bytes());
        Some(at + 3 + text.len())
    });
}

#[cold]
#[inline(never)]
fn named_in_full<C: Clock>(thread: &mut Thread<C>, site: &Site, text: &str) {
    named_straight(thread, site, text);
}

/// The name itself.
#[inline(always)]
pub fn named_straight<C: Clock>(thread: &mut Thread<C>, site: &Site, text: &str) {
    straight(thread, site, |event| {
        event.set_type(Type::TYPE_SLICE_BEGIN).add_category_iids(CATEGORY).set_name(text);
    });
}

// ------------------------------------------------------------- generated writers

/// The whole packet by generated writers.
#[inline(always)]
fn straight<C: Clock>(thread: &mut Thread<C>, site: &Site, fill: impl Fn(&mut TrackEvent<'_>)) {
    thread.packet(site.number, |room, delta, sequence| {
        let bytes = Trace::encode(room, |trace| {
            trace.add_packet(|packet| {
                packet.set_timestamp(delta).set_trusted_packet_sequence_id(u32::from(sequence));
                packet.set_sequence_flags(NEEDS_STATE).set_track_event(|event| fill(event));
            });
        });
        Some(bytes.ok()?.len())
    });
}

#[inline(always)]
pub fn begin_straight<C: Clock>(thread: &mut Thread<C>, site: &Site) {
    straight(thread, site, |event| {
        event.set_type(Type::TYPE_SLICE_BEGIN).add_category_iids(CATEGORY).set_name_iid(u64::from(site.number));
    });
}

#[inline(always)]
pub fn end_straight<C: Clock>(thread: &mut Thread<C>, site: &Site) {
    straight(thread, site, |event| _ = event.set_type(Type::TYPE_SLICE_END));
}

#[inline(always)]
pub fn instant_straight<C: Clock>(thread: &mut Thread<C>, site: &Site) {
    straight(thread, site, |event| {
        event.set_type(Type::TYPE_INSTANT).add_category_iids(CATEGORY).set_name_iid(u64::from(site.number));
    });
}

#[inline(always)]
pub fn counter_straight<C: Clock>(thread: &mut Thread<C>, site: &Site, value: i64) {
    straight(thread, site, |event| {
        event.set_type(Type::TYPE_COUNTER).set_track_uuid(COUNTER_TRACK).set_counter_value(value);
    });
}

#[inline(always)]
pub fn annotated_straight<C: Clock>(thread: &mut Thread<C>, site: &Site, number: u64, real: f64, text: &str) {
    straight(thread, site, |event| {
        event.set_type(Type::TYPE_SLICE_BEGIN).add_category_iids(CATEGORY).set_name_iid(u64::from(site.number));
        annotate::<1>(event, number, real, text);
    });
}

// --------------------------------------------------------------------- in between

/// The template and the annotations both through a generated writer, which does all lengths.
#[inline(always)]
pub fn annotated_mixed<C: Clock>(thread: &mut Thread<C>, site: &Site, number: u64, real: f64, text: &str) {
    straight(thread, site, |event| {
        event.raw().encoded(&site.bytes[EVENT_AT..site.len as usize % TEMPLATE_LEN]);
        annotate::<2>(event, number, real, text);
    });
}

/// The time behind the template, as short as it can be; so the packet's length varies.
#[inline(always)]
pub fn constant_late<C: Clock>(thread: &mut Thread<C>, site: &LateSite) {
    thread.packet(site.number, |room, delta, sequence| {
        let packet: &mut [u8; SHORT] = room.first_chunk_mut()?;
        packet[..TEMPLATE_LEN].copy_from_slice(&site.bytes);
        packet[3] = sequence;
        let at = site.len as usize % TEMPLATE_LEN;
        let len = if delta < 0x80 {
            packet[at] = delta as u8;
            at + 1
        } else if delta < TIME_LIMIT {
            packet[at..at + 2].copy_from_slice(&((delta + (delta & !0x7f)) as u16 | 0x80).to_le_bytes());
            at + 2
        } else {
            put_long(packet, at, delta)
        };
        packet[LENGTH_AT] = (len - LENGTH_AT - 1) as u8;
        Some(len)
    });
}

/// A template that ends with the tag of the time.
#[derive(Debug)]
pub struct LateSite {
    bytes: [u8; TEMPLATE_LEN],
    len: u32,
    number: u32,
}

impl From<&Site> for LateSite {
    fn from(site: &Site) -> Self {
        // Tag and two bytes of time go from the third byte to the end.
        let (mut bytes, len) = (site.bytes, site.len as usize);
        bytes.copy_within(TIME_AT + 2..len, TIME_AT - 1);
        bytes[len - 3] = 0x40;
        Self { bytes, len: len as u32 - 2, number: site.number }
    }
}

/// A template copied by its length, which only run time knows.
#[inline(always)]
pub fn constant_copied<C: Clock>(thread: &mut Thread<C>, site: &Site) {
    thread.packet(site.number, |room, delta, sequence| {
        let packet: &mut [u8; SHORT] = room.first_chunk_mut()?;
        let len = site.len as usize % TEMPLATE_LEN;
        packet[..len].copy_from_slice(&site.bytes[..len]);
        packet[SEQUENCE_AT] = sequence;
        let time = (delta + (delta & !0x7f)) as u16 | 0x80;
        packet[TIME_AT..TIME_AT + 2].copy_from_slice(&time.to_le_bytes());
        if delta < TIME_LIMIT { Some(len) } else { stretch(packet, len, delta) }
    });
}

/// No packet at all, but 16 bytes: what chunk, known-ness, clock and commit take.
#[inline(always)]
pub fn nothing<C: Clock>(thread: &mut Thread<C>, site: &Site) {
    thread.packet(site.number, |room, delta, _| {
        let packet: &mut [u8; SHORT] = room.first_chunk_mut()?;
        packet[..16].copy_from_slice(&(u128::from(delta) << 64 | u128::from(site.number)).to_le_bytes());
        Some(16)
    });
}
