//! The packets of a thread: where they go, what their times are since, and the short way to write them.

use pftrace_clock::{Line, raw_ticks};
use pftrace_ring::Writer;

use super::tail::Tail;
use crate::CounterValue;
use crate::recording::call_site::{
    CONSTANT_LEN, COUNTER_LEN, CallSite, END_BYTES, EVENT_AT, EVENT_LEN_AT, PACKET_AT, PACKET_LEN_AT, TEMPLATE_LEN,
    TIMESTAMP_TAG, Template,
};
use crate::recording::put::{self, Small};
use crate::recording::typed::Annotations;

/// What a packet needs at most of an event that is all constant: the template, and a tail.
const CONSTANT: usize = (TEMPLATE_LEN | 7) + 9;

/// The same, of the end of a slice.
const END: usize = END_BYTES.len() + 9;

/// The same, of a counter's value, whenever it is.
pub(super) const SHORT: usize = 64;

/// The same, of an event with a name or annotations whose lengths are all below 128.
pub(in crate::recording) const MEDIUM: usize = 160;

/// The event's fields end here at most, so that the packet's length, which is that without its first two bytes and with a tail, takes one byte.
const LONGEST_SHORT: usize = 127 + PACKET_AT - Tail::LONGEST;

/// How many places the table of known call sites has.
pub(super) const KNOWN: usize = 512;

/// How many places the table of other known definitions has.
pub(super) const KNOWN_OTHERS: usize = 256;

#[derive(Debug)]
pub(super) struct Packets {
    /// How many chunks have been begun: in the upper half.
    pub(super) chunk: u64,
    pub(super) writer: Writer,
    pub(super) line: Line,
    /// The time of the last packet.
    pub(super) last_ns: u64,
    pub(super) tail: Tail,
    /// [`END_BYTES`], with the length of a packet that comes soon.
    end_soon: u64,
    /// Which call sites the present chunk lists: the number of the chunk and the call site.
    pub(super) known: [u64; KNOWN],
    /// Which of the other definitions, likewise.
    pub(super) known_others: [u64; KNOWN_OTHERS],
}

impl Packets {
    pub(super) fn new(writer: Writer, line: Line, tail: Tail) -> Self {
        let last_ns = line.ns(pftrace_clock::ticks());
        let end_soon = u64::from_le_bytes(END_BYTES) + tail.soon_len_in_first();
        let (known, known_others) = ([0; KNOWN], [0; KNOWN_OTHERS]);
        Self { chunk: 0, writer, line, last_ns, tail, end_soon, known, known_others }
    }

    /// Perhaps some nanoseconds before the last event, where the line was taken up meanwhile. `None` where it has to be taken up.
    #[inline(always)]
    pub(super) fn quick_now(&self) -> Option<u64> {
        self.line.fresh_ns(raw_ticks())
    }

    /// The number of a call site that the present chunk lists. Not of one without a number: it was never listed. Asked before the clock, which who goes the long
    /// way reads anew.
    #[inline(always)]
    pub(super) fn listed(&self, template: &Template) -> Option<u32> {
        let number = template.number();
        (self.known[number as usize % KNOWN] == self.chunk | u64::from(number)).then_some(number)
    }

    /// The tail of what happens now.
    #[inline(always)]
    fn soon(&self, now: u64) -> Option<u64> {
        // What is before the last event is not soon after it.
        self.tail.soon(now.wrapping_sub(self.last_ns))
    }

    /// Writes an event of constant bytes and a time, which the chunk [lists](Self::listed), as all events below: what is so most of the time.
    #[inline(always)]
    pub(super) fn put_constant(&mut self, template: &Template, now: u64) -> Option<()> {
        let tail = self.soon(now)?;
        let mut short = self.writer.begin_short::<CONSTANT>().ok()?;
        let packet = short.bytes();
        let first = template.word(0) + self.tail.soon_len_in_first();
        packet[..8].copy_from_slice(&first.to_le_bytes());
        packet[8..CONSTANT_LEN].copy_from_slice(&template.word(1).to_le_bytes());
        let len = template.len();
        packet[len + 1..len + 9].copy_from_slice(&tail.to_le_bytes());
        short.commit(len + self.tail.soon_len());
        self.last_ns = now;
        Some(())
    }

    /// Writes the end of a slice.
    #[inline(always)]
    pub(super) fn put_end(&mut self, now: u64) -> Option<()> {
        let tail = self.soon(now)?;
        let mut short = self.writer.begin_short::<END>().ok()?;
        let packet = short.bytes();
        packet[..8].copy_from_slice(&self.end_soon.to_le_bytes());
        packet[END_BYTES.len()] = TIMESTAMP_TAG;
        packet[END_BYTES.len() + 1..].copy_from_slice(&tail.to_le_bytes());
        short.commit(END_BYTES.len() + self.tail.soon_len());
        self.last_ns = now;
        Some(())
    }

    /// Writes a counter's value that is [`put::SMALL`].
    #[inline(always)]
    pub(super) fn put_small_counter(&mut self, template: &Template, value: Small, now: u64) -> Option<()> {
        /// What a byte more adds to both lengths.
        const BYTE: u64 = 1 << (8 * PACKET_LEN_AT) | 1 << (8 * EVENT_LEN_AT);
        let tail = self.soon(now)?;
        let mut short = self.writer.begin_short::<SHORT>().ok()?;
        let packet = short.bytes();
        // The mask only tells the compiler that it is small.
        let len = 3 + (value.more & 3);
        let bytes = u64::from(value.bytes) << 16 | u64::from(u16::from_le_bytes(put::COUNTER_VALUE));
        let first = template.word(0) + self.tail.soon_len_in_first() + BYTE * len as u64;
        packet[..8].copy_from_slice(&first.to_le_bytes());
        packet[8..COUNTER_LEN].copy_from_slice(&template.word(1).to_le_bytes());
        packet[COUNTER_LEN..COUNTER_LEN + 8].copy_from_slice(&bytes.to_le_bytes());
        let end = COUNTER_LEN + len;
        packet[end] = TIMESTAMP_TAG;
        packet[end + 1..end + 9].copy_from_slice(&tail.to_le_bytes());
        short.commit(end + self.tail.soon_len());
        self.last_ns = now;
        Some(())
    }

    /// Writes a counter's value.
    #[inline(always)]
    pub(super) fn put_counter(&mut self, template: &Template, value: CounterValue, now: u64) -> Option<()> {
        let tail = self.soon(now)?;
        let mut short = self.writer.begin_short::<SHORT>().ok()?;
        let packet = short.bytes();
        let bytes = template.bytes();
        packet[..TEMPLATE_LEN].copy_from_slice(&bytes);
        let end = put::counter(packet, template.len(), value);
        packet[EVENT_LEN_AT] = (end - EVENT_AT) as u8;
        packet[end] = TIMESTAMP_TAG;
        packet[end + 1..end + 9].copy_from_slice(&tail.to_le_bytes());
        let len = end + self.tail.soon_len();
        packet[PACKET_LEN_AT] = (len - PACKET_AT) as u8;
        short.commit(len);
        self.last_ns = now;
        Some(())
    }

    /// Writes an event with what it has to say this time, if that is short.
    #[inline(always)]
    pub(super) fn put_varying<'a>(
        &mut self,
        site: &CallSite,
        name: Option<&str>,
        annotations: impl Annotations<'a>,
        now: u64,
    ) -> Option<()> {
        let (tail, tail_len) = self.tail.shortest_soon(now.wrapping_sub(self.last_ns))?;
        let mut short = self.writer.begin_short::<MEDIUM>().ok()?;
        let packet = short.bytes();
        let template = &site.template;
        packet[..8].copy_from_slice(&template.word(0).to_le_bytes());
        packet[8..CONSTANT_LEN].copy_from_slice(&template.word(1).to_le_bytes());
        let end = put::varying(packet, template.len(), site, name, annotations)?;
        if end > LONGEST_SHORT {
            return None;
        }
        packet[EVENT_LEN_AT] = (end - EVENT_AT) as u8;
        packet[end] = TIMESTAMP_TAG;
        packet[end + 1..end + 9].copy_from_slice(&tail.to_le_bytes());
        let len = end + tail_len;
        packet[PACKET_LEN_AT] = (len - PACKET_AT) as u8;
        short.commit(len);
        self.last_ns = now;
        Some(())
    }
}

/// Lays out a packet: template, what `fill` adds, tail. Returns how long it is.
#[inline(always)]
pub(super) fn lay_out<const N: usize>(
    packet: &mut [u8; N],
    template: &Template,
    tail: Tail,
    after: u64,
    fill: impl Fn(&mut [u8; N], usize) -> Option<usize>,
) -> Option<usize> {
    packet[..TEMPLATE_LEN].copy_from_slice(&template.bytes());
    let end = fill(packet, template.len())?;
    if N > LONGEST_SHORT && end > LONGEST_SHORT {
        return None;
    }
    packet[EVENT_LEN_AT] = (end - EVENT_AT) as u8;
    let len = tail.put(packet, end, after);
    packet[PACKET_LEN_AT] = (len - PACKET_AT) as u8;
    Some(len)
}
