//! The packets of a thread: where they go, what their times are since, and the short way to write them.

use std::boxed::Box;
use std::vec::Vec;

use pftrace_clock::{Line, raw_ticks};
use pftrace_ring::{MAX_TAIL, ROOM, Writer};

use super::tail::{Stamp, Tail};
use crate::CounterValue;
use crate::recording::call_site::{
    CONSTANT_LEN, COUNTER_LEN, COUNTER_VALUE_LEN, CallSite, END_BYTES, EVENT_AT, EVENT_LEN_AT, Head, PACKET_AT,
    PACKET_LEN_AT, TEMPLATE_LEN, TIMESTAMP_TAG, Template,
};
use crate::recording::put;
use crate::recording::typed::Annotations;

/// What a packet needs at most of a counter's value, whenever it is, or of an event that is all constant.
pub(super) const SHORT: usize = 64;

/// The same, of an event with a name or annotations whose lengths are all below 128: as much as there is the short way, if no more was asked for.
pub(in crate::recording) const MEDIUM: usize = ROOM;

/// The event's fields end here at most, so that the packet's length, which is that without its first two bytes and with a tail, takes one byte.
pub(in crate::recording) const LONGEST_SHORT: usize = 127 + PACKET_AT - Tail::LONGEST;

/// How many places the table of other known definitions has.
pub(super) const KNOWN_OTHERS: usize = 256;

/// What each event looks at comes first, in as few lines of the cache as it can.
#[derive(Debug)]
#[repr(C)]
pub struct Packets {
    pub(super) tail: Tail,
    /// When the last packet was.
    last: Moment,
    /// [`END_BYTES`], with the length of a packet that comes soon.
    end_soon: u64,
    pub(super) known: Known,
    line: Line,
    pub(super) writer: Writer,
    /// How many chunks have been begun: in the upper half.
    pub(super) chunk: u64,
    /// Which of the other definitions the present chunk lists: the number of the chunk and the definition.
    pub(super) known_others: [u64; KNOWN_OTHERS],
}

/// A time, as [`Line::offset`] on the present line.
#[derive(Clone, Copy, Debug)]
pub(in crate::recording) struct Moment(u64);

/// When an event happens that is laid out the short way.
#[derive(Clone, Copy, Debug)]
pub(super) enum Time {
    Now(Moment),
    /// Then, whatever happened since: nanoseconds.
    Told(u64),
}

/// Which call sites the present chunk lists.
#[derive(Debug)]
pub(super) struct Known {
    /// By their numbers.
    is_listed: Box<[bool; 1 << 16]>,
    /// Those that are.
    listed: Vec<u16>,
}

impl Known {
    fn new() -> Self {
        // Not made where it is called: that would be copied. What nobody has looked at is not there yet.
        let is_listed = std::vec![false; 1 << 16].into_boxed_slice();
        let is_listed = is_listed.try_into().unwrap_or_else(|_| unreachable!("that many"));
        Self { is_listed, listed: Vec::with_capacity(MAX_TAIL as usize) }
    }

    /// Not one without a number: it was never listed.
    #[inline(always)]
    pub(super) fn lists(&self, number: u16) -> bool {
        self.is_listed[usize::from(number)]
    }

    /// The chunk does.
    pub(super) fn add(&mut self, number: u16) {
        // A chunk has room for as many.
        if number != 0 && self.listed.len() < self.listed.capacity() {
            self.is_listed[usize::from(number)] = true;
            self.listed.push(number);
        }
    }

    /// Another chunk does not.
    pub(super) fn clear(&mut self) {
        for number in self.listed.drain(..) {
            self.is_listed[usize::from(number)] = false;
        }
    }
}

/// What adds so many bytes to the lengths of the packet and of its event, in its first word.
const fn in_both_lengths(bytes: usize) -> u64 {
    (bytes as u64) << (8 * PACKET_LEN_AT) | (bytes as u64) << (8 * EVENT_LEN_AT)
}

impl Packets {
    pub(super) fn new(writer: Writer, line: Line, tail: Tail) -> Self {
        let last = Moment(line.offset_of(line.ns(pftrace_clock::ticks())));
        let end_soon = u64::from_le_bytes(END_BYTES) + tail.soon_len_in_first();
        let (known, known_others) = (Known::new(), [0; KNOWN_OTHERS]);
        Self { chunk: 0, writer, line, last, tail, end_soon, known, known_others }
    }

    /// The head of a template whose call site the present chunk lists. Asked before the clock, which who goes the long
    /// way reads anew.
    #[inline(always)]
    pub(super) fn listed(&self, template: &Template) -> Option<Head> {
        let head = template.head();
        self.known.lists(head.number()).then_some(head)
    }

    /// The same of all that is said with it.
    #[inline(always)]
    pub(super) fn listed_with<'a>(&self, template: &Template, said: impl Annotations<'a>) -> Option<Head> {
        let head = self.listed(template)?;
        said.is_listed(self).then_some(head)
    }

    /// Whether the time is made of the counter, so that packets can go the short way.
    pub(super) fn has_raw_time(&self) -> bool {
        self.line.is_raw()
    }

    /// The time; `None` when another line has to be [taken up](Self::take_up).
    pub(super) fn fresh_ns(&self) -> Option<u64> {
        self.line.fresh_ns(raw_ticks())
    }

    /// From now on, time is on that line. Returns it.
    pub(super) fn take_up(&mut self, line: Line) -> &Line {
        let last_ns = self.last_ns();
        self.line = line;
        self.set_last_ns(last_ns);
        &self.line
    }

    /// When the last packet was.
    pub(super) fn last_ns(&self) -> u64 {
        self.line.ns_of(self.last.0)
    }

    pub(super) fn set_last_ns(&mut self, ns: u64) {
        self.last = Moment(self.line.offset_of(ns));
    }

    /// Perhaps some nanoseconds before the last event, where the line was taken up meanwhile.
    #[inline(always)]
    pub(super) fn now(&self) -> Moment {
        // A line is taken up with each chunk, and where it is stale the long way, which all go whose last packet is 16 µs old.
        Moment(self.line.offset(raw_ticks()))
    }

    /// A moment in nanoseconds.
    #[inline(always)]
    pub(super) fn ns_of(&self, moment: Moment) -> u64 {
        self.line.ns_of(moment.0)
    }

    /// Whether that is soon after the last packet.
    #[inline]
    pub(super) fn is_soon(&self, now: Moment) -> bool {
        Tail::is_soon(self.since_last(now))
    }

    /// What is before the last event is not soon after it.
    #[inline(always)]
    fn since_last(&self, now: Moment) -> u64 {
        now.0.wrapping_sub(self.last.0)
    }

    /// Lays out what happens now, which is [soon](Self::is_soon): `put` is told how long after the last packet.
    pub(super) fn put_at(&mut self, now: Moment, put: impl FnOnce(Tail, u64) -> Option<usize>) -> Option<usize> {
        let len = put(self.tail, self.since_last(now))?;
        self.last = now;
        Some(len)
    }

    /// Lays out an event of constant bytes and a time, which the chunk [lists](Self::listed), as all events below: what is so most of the time. Returns how long it is. `None` when it
    /// does not come soon: nothing is to be written, then, but the long way.
    #[inline(always)]
    pub(super) fn put_constant(
        &mut self,
        packet: &mut [u8; ROOM],
        template: &Template,
        head: Head,
        now: Moment,
    ) -> Option<usize> {
        let tail = self.soon(now)?;
        let first = template.word(0) + self.tail.soon_len_in_first();
        packet[..8].copy_from_slice(&first.to_le_bytes());
        packet[8..CONSTANT_LEN].copy_from_slice(&template.word(1).to_le_bytes());
        let len = head.len();
        packet[len + 1..len + 9].copy_from_slice(&tail.to_le_bytes());
        Some(len + self.tail.soon_len())
    }

    /// The tail of what happens now.
    #[inline(always)]
    fn soon(&mut self, now: Moment) -> Option<u64> {
        let tail = self.tail.soon(self.since_last(now))?;
        self.last = now;
        Some(tail)
    }

    /// The end of a slice.
    #[inline(always)]
    pub(super) fn put_end(&mut self, packet: &mut [u8; ROOM], now: Moment) -> Option<usize> {
        let tail = self.soon(now)?;
        packet[..8].copy_from_slice(&self.end_soon.to_le_bytes());
        packet[END_BYTES.len()] = TIMESTAMP_TAG;
        packet[END_BYTES.len() + 1..END_BYTES.len() + 9].copy_from_slice(&tail.to_le_bytes());
        Some(self.tail.end_soon_len())
    }

    /// A counter's value as a varint of `LEN` bytes, at most four. Its length is constant, also where fewer bytes would do: what varies from event to event costs no branch, and where the
    /// next packet goes does not wait for it.
    #[inline(always)]
    pub(in crate::recording) fn put_counter_of<const LEN: usize>(
        &mut self,
        packet: &mut [u8; ROOM],
        template: &Template,
        varint: u64,
        now: Moment,
    ) -> Option<usize> {
        const VALUE_AT: usize = put::COUNTER_VALUE.len();
        let tail = self.soon(now)?;
        let more = VALUE_AT + LEN - COUNTER_VALUE_LEN;
        let first = template.word(0) + self.tail.soon_len_in_first() + in_both_lengths(more);
        packet[..8].copy_from_slice(&first.to_le_bytes());
        packet[8..COUNTER_LEN].copy_from_slice(&template.word(1).to_le_bytes());
        let around = u16::from_le_bytes(put::COUNTER_VALUE) as u64 | (TIMESTAMP_TAG as u64) << (8 * (VALUE_AT + LEN));
        let bytes = varint << (8 * VALUE_AT) | around;
        packet[COUNTER_LEN..COUNTER_LEN + 8].copy_from_slice(&bytes.to_le_bytes());
        let end = COUNTER_LEN + VALUE_AT + LEN;
        packet[end + 1..end + 9].copy_from_slice(&tail.to_le_bytes());
        Some(self.tail.counter_soon_len() + more)
    }

    /// A counter's real value.
    #[inline(always)]
    pub(in crate::recording) fn put_real_counter(
        &mut self,
        packet: &mut [u8; ROOM],
        template: &Template,
        value: f64,
        now: Moment,
    ) -> Option<usize> {
        const LEN: usize = put::DOUBLE_COUNTER_VALUE.len() + size_of::<f64>();
        let tail = self.soon(now)?;
        let more = LEN - COUNTER_VALUE_LEN;
        let first = template.word(0) + self.tail.soon_len_in_first() + in_both_lengths(more);
        packet[..8].copy_from_slice(&first.to_le_bytes());
        packet[8..COUNTER_LEN].copy_from_slice(&template.word(1).to_le_bytes());
        packet[COUNTER_LEN..COUNTER_LEN + 2].copy_from_slice(&put::DOUBLE_COUNTER_VALUE);
        packet[COUNTER_LEN + 2..COUNTER_LEN + LEN].copy_from_slice(&value.to_le_bytes());
        packet[COUNTER_LEN + LEN] = TIMESTAMP_TAG;
        packet[COUNTER_LEN + LEN + 1..COUNTER_LEN + LEN + 9].copy_from_slice(&tail.to_le_bytes());
        Some(self.tail.counter_soon_len() + more)
    }

    /// A counter's value that is an integer.
    #[inline(always)]
    pub(in crate::recording) fn put_int_counter(
        &mut self,
        packet: &mut [u8; ROOM],
        template: &Template,
        value: i64,
        now: Moment,
    ) -> Option<usize> {
        let tail = self.soon(now)?;
        packet[..8].copy_from_slice(&template.word(0).to_le_bytes());
        packet[8..COUNTER_LEN].copy_from_slice(&template.word(1).to_le_bytes());
        let end = put::counter(packet, COUNTER_LEN, CounterValue::Int(value));
        packet[EVENT_LEN_AT] = (end - EVENT_AT) as u8;
        packet[end] = TIMESTAMP_TAG;
        packet[end + 1..end + 9].copy_from_slice(&tail.to_le_bytes());
        let len = end + self.tail.soon_len();
        packet[PACKET_LEN_AT] = (len - PACKET_AT) as u8;
        Some(len)
    }

    /// When what is said happens: now, or when it is said to have.
    #[inline(always)]
    pub(super) fn time_of<'a>(&self, said: impl Annotations<'a>) -> Time {
        match said.told_ns() {
            Some(ns) => Time::Told(ns),
            None => Time::Now(self.now()),
        }
    }

    /// The same in nanoseconds.
    #[inline(always)]
    pub(super) fn ns_of_time(&self, time: Time) -> u64 {
        match time {
            Time::Now(now) => self.ns_of(now),
            Time::Told(ns) => ns,
        }
    }

    /// An event with what it has to say this time, if that is short, all of which the chunk [lists](Self::listed_with). `site` has the keys. Once it is sure to be committed, it [has happened](Self::happened).
    #[inline(always)]
    pub(super) fn put_varying<'a>(
        &self,
        packet: &mut [u8; ROOM],
        (template, head): (&Template, Head),
        site: &CallSite,
        name: Option<&str>,
        annotations: impl Annotations<'a>,
        time: Time,
    ) -> Option<usize> {
        if matches!(time, Time::Now(now) if !self.is_soon(now)) {
            return None;
        }
        packet[..8].copy_from_slice(&template.word(0).to_le_bytes());
        packet[8..CONSTANT_LEN].copy_from_slice(&template.word(1).to_le_bytes());
        let end = put::varying(packet, head.len(), site, name, annotations)?;
        if end > LONGEST_SHORT {
            return None;
        }
        packet[EVENT_LEN_AT] = (end - EVENT_AT) as u8;
        let len = match time {
            Time::Now(now) => {
                // Told here, so that less has to be kept in between.
                let (tail, tail_len) = self.tail.shortest_soon(self.since_last(now));
                packet[end] = TIMESTAMP_TAG;
                packet[end + 1..end + 9].copy_from_slice(&tail.to_le_bytes());
                end + tail_len
            }
            // A clock is not reckoned with.
            Time::Told(ns) => Some(self.tail.put(packet, end, Stamp::At(ns))).filter(|&len| len <= 127 + PACKET_AT)?,
        };
        packet[PACKET_LEN_AT] = (len - PACKET_AT) as u8;
        Some(len)
    }

    /// An event that was laid out is committed: the time of the next one counts from it, unless it was told.
    #[inline(always)]
    pub(super) fn happened(&mut self, time: Time) {
        if let Time::Now(now) = time {
            self.last = now;
        }
    }
}

/// Lays out a packet: template, what `fill` adds, tail. Returns how long it is.
#[inline(always)]
pub(super) fn lay_out<const N: usize>(
    packet: &mut [u8; N],
    template: &Template,
    tail: Tail,
    stamp: Stamp,
    fill: impl Fn(&mut [u8; N], usize) -> Option<usize>,
) -> Option<usize> {
    packet[..TEMPLATE_LEN].copy_from_slice(&template.bytes());
    let end = fill(packet, template.len())?;
    if N > LONGEST_SHORT && end > LONGEST_SHORT {
        return None;
    }
    packet[EVENT_LEN_AT] = (end - EVENT_AT) as u8;
    let len = tail.put(packet, end, stamp);
    // A clock is not reckoned with.
    if len > 127 + PACKET_AT {
        return None;
    }
    packet[PACKET_LEN_AT] = (len - PACKET_AT) as u8;
    Some(len)
}
