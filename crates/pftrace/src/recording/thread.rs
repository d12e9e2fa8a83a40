//! A thread that records: its chunk, its time, its open slices.

mod detailed;
mod tail;

use std::boxed::Box;
use std::sync::Arc;

use pftrace_clock::{Line, raw_ticks, ticks};
use pftrace_ring::{NoChunk, Writer};

pub(super) use self::detailed::Event;
use self::detailed::{KNOWN_OTHERS, When};
use self::tail::Tail;
use super::argument::Argument;
use super::call_site::{
    self, CallSite, END_BYTES, EVENT_AT, EVENT_LEN_AT, PACKET_AT, PACKET_LEN_AT, TEMPLATE_LEN, TIMESTAMP_TAG, Template,
};
use super::category::Category;
use super::header::{self, Fixed};
use super::put;
use super::session::{Shared, count_ignored};
use super::slices::{Begun, Slices};
use super::stats::{Loss, ThreadInfo};
use super::text::Scratch;
use crate::CounterValue;

/// What a packet needs at most of an event that is all constant: the template, and a tail.
const CONSTANT: usize = (TEMPLATE_LEN | 7) + 9;

/// The same, of the end of a slice.
const END: usize = END_BYTES.len() + 8;

/// The same, of a counter's value, whenever it is.
const SHORT: usize = 64;

/// The same, of an event with a name or annotations whose lengths are all below 128.
const MEDIUM: usize = 160;

/// The event's fields end here at most, so that the packet's length, which is that without its first two bytes and with a tail, takes one byte.
const LONGEST_SHORT: usize = 127 + PACKET_AT - Tail::LONGEST;

/// How many places the table of known definitions has.
const KNOWN: usize = 512;

/// A chunk can be taken away as soon as its header is there; more often in a row it is not tried.
const MOST_CHUNKS_AT_ONCE: usize = 4;

/// Of a session, what one thread has.
#[derive(Debug)]
pub(super) struct Thread {
    pub(super) session: u32,
    /// How many chunks have been begun: in the upper half.
    chunk: u64,
    writer: Writer,
    line: Line,
    /// The time of the last packet.
    last_ns: u64,
    /// The time of the last event that was lost.
    lost_ns: u64,
    tail: Tail,
    /// Which call sites the present chunk lists: the number of the chunk and the call site.
    known: [u64; KNOWN],
    /// Which of the other definitions, likewise.
    known_others: [u64; KNOWN_OTHERS],
    /// The number of the next log message's text.
    next_body_iid: u64,
    slices: Slices,
    info: Arc<ThreadInfo>,
    shared: Arc<Shared>,
    scratch: Option<Box<Scratch>>,
}

/// Why a packet is not written where it was tried.
#[derive(Clone, Copy, Debug)]
struct NoRoom;

impl From<NoChunk> for NoRoom {
    fn from(_: NoChunk) -> Self {
        Self
    }
}

impl Thread {
    /// Takes part in a session. `None` when as many threads do as there is room for.
    pub(super) fn join(shared: &Arc<Shared>) -> Option<Self> {
        let writer = shared.ring.writer()?;
        let info = shared.threads.add()?;
        let line = shared.clock.line();
        let slices = Slices::new();
        info.enter(slices.stack());
        Some(Self {
            session: shared.id,
            chunk: 0,
            writer,
            line,
            last_ns: line.ns(ticks()),
            lost_ns: 0,
            tail: Tail::of(info.sequence()),
            known: [0; KNOWN],
            known_others: [0; KNOWN_OTHERS],
            next_body_iid: 1,
            slices,
            info,
            shared: shared.clone(),
            scratch: Some(Scratch::new()),
        })
    }

    pub(super) fn scratch(&mut self) -> &mut Option<Box<Scratch>> {
        &mut self.scratch
    }

    /// Begins a slice that is all constant. `None`: it is to be begun in full.
    #[inline(always)]
    pub(super) fn try_begin(&mut self, site: &'static CallSite, guarded: bool) -> Option<()> {
        let now = self.quick_now()?;
        if self.slices.is_full() {
            return None;
        }
        self.put_constant(&site.template, now)?;
        self.slices.push(Begun { ns: now, site: site.template.number(), written: true, guarded });
        Some(())
    }

    /// Begins a slice that is all constant. Whether it has to be ended.
    pub(super) fn begin(&mut self, site: &'static CallSite, guarded: bool) -> bool {
        if !self.prepare(site) || self.is_too_deep(guarded) {
            return false;
        }
        let written = self.constant(&site.template);
        self.slices.push(self.begun(site, written, guarded));
        true
    }

    /// Begins a slice. `None`: it is to be begun in full.
    #[inline(always)]
    pub(super) fn try_begin_with(
        &mut self,
        site: &'static CallSite,
        name: Option<&str>,
        arguments: &[Argument<'_>],
        guarded: bool,
    ) -> Option<()> {
        let now = self.quick_now()?;
        if self.slices.is_full() {
            return None;
        }
        self.put_varying(site, name, arguments, now)?;
        self.push(Begun { ns: now, site: site.template.number(), written: true, guarded }, name);
        Some(())
    }

    /// Begins a slice. Whether it has to be ended.
    pub(super) fn begin_with(
        &mut self,
        site: &'static CallSite,
        name: Option<&str>,
        arguments: &[Argument<'_>],
        guarded: bool,
    ) -> bool {
        if !self.prepare(site) || self.is_too_deep(guarded) {
            return false;
        }
        let written = self.varying(site, name, arguments);
        self.push(self.begun(site, written, guarded), name);
        true
    }

    #[inline(always)]
    fn push(&mut self, begun: Begun, name: Option<&str>) {
        match name {
            None => self.slices.push(begun),
            Some(name) => self.slices.push_named(begun, name),
        }
    }

    /// Ends the innermost slice. `None`: it is to be ended in full.
    #[inline(always)]
    pub(super) fn try_end(&mut self) -> Option<()> {
        let now = self.quick_now()?;
        let (depth, rest) = self.slices.innermost().filter(|(_, rest)| rest.is_written())?;
        // It is open until then: where its end is the first in a chunk, the header says that it is open.
        self.put_end(now)?;
        self.slices.pop_at(depth, rest);
        Some(())
    }

    /// Ends the innermost slice.
    pub(super) fn end(&mut self) {
        let Some((depth, rest)) = self.slices.innermost() else { return };
        let written = rest.is_written() && self.constant(&call_site::END);
        self.slices.pop_at(depth, rest);
        match rest.is_written() {
            true if written => {}
            true => self.end_unwritten(self.lost_ns),
            // Nobody has heard of it.
            false => self.lose(Loss::NoRoom),
        }
    }

    /// The end of a slice whose begin is written had no room.
    fn end_unwritten(&mut self, at_ns: u64) {
        self.slices.end_unwritten(at_ns);
        self.info.unwritten.push(at_ns);
    }

    /// Ends the innermost slice, if it was begun with that very category, and is no guard's. `None`: it is to be ended in full.
    #[inline(always)]
    pub(super) fn try_end_of(&mut self, category: &'static Category) -> Option<()> {
        let (depth, rest) = self.slices.innermost()?;
        if rest.is_guarded() || self.slices.has_too_deep() {
            return None;
        }
        let site = CallSite::of_number(self.slices.site_at(depth))?;
        core::ptr::eq(site.category(), category).then(|| self.try_end())?
    }

    /// Ends the innermost slice, if it is of that category and no guard's.
    pub(super) fn end_of(&mut self, category: &Category) {
        if self.can_end(category) {
            self.end();
        }
    }

    /// Whether the innermost slice is of that category and no guard's.
    pub(super) fn can_end(&mut self, category: &Category) -> bool {
        if self.slices.pop_too_deep() {
            return false;
        }
        let innermost = self.slices.innermost().filter(|(_, rest)| !rest.is_guarded());
        let site = innermost.and_then(|(depth, _)| CallSite::of_number(self.slices.site_at(depth)));
        let can_end = site.is_some_and(|site| site.category().name() == category.name());
        if !can_end {
            count_ignored();
        }
        can_end
    }

    /// An instant that is all constant. `None`: it is to be recorded in full.
    #[inline(always)]
    pub(super) fn try_instant(&mut self, site: &'static CallSite) -> Option<()> {
        let now = self.quick_now()?;
        self.put_constant(&site.template, now)
    }

    /// An instant that is all constant.
    pub(super) fn instant(&mut self, site: &'static CallSite) {
        if self.prepare(site) {
            self.constant(&site.template);
        }
    }

    /// An instant. `None`: it is to be recorded in full.
    #[inline(always)]
    pub(super) fn try_instant_with(
        &mut self,
        site: &'static CallSite,
        name: Option<&str>,
        arguments: &[Argument<'_>],
    ) -> Option<()> {
        let now = self.quick_now()?;
        self.put_varying(site, name, arguments, now)
    }

    /// An instant.
    pub(super) fn instant_with(&mut self, site: &'static CallSite, name: Option<&str>, arguments: &[Argument<'_>]) {
        if self.prepare(site) {
            self.varying(site, name, arguments);
        }
    }

    /// The value of a counter. `None`: it is to be recorded in full.
    #[inline(always)]
    pub(super) fn try_counter(&mut self, site: &'static CallSite, value: CounterValue) -> Option<()> {
        let now = self.quick_now()?;
        self.put_counter(&site.template, value, now)
    }

    /// The value of a counter.
    pub(super) fn counter(&mut self, site: &'static CallSite, value: CounterValue) {
        if self.prepare(site) {
            let fill = |packet: &mut [u8; SHORT], at| Some(put::counter(packet, at, value));
            self.list_and_put(&site.template, fill);
        }
    }

    #[inline]
    fn prepare(&mut self, site: &'static CallSite) -> bool {
        let is_prepared = site.prepare();
        if !is_prepared && site.is_enabled() {
            self.lose(Loss::TooManyCallSites);
        }
        is_prepared
    }

    #[inline]
    fn is_too_deep(&mut self, guarded: bool) -> bool {
        let too_deep = self.slices.is_full();
        if too_deep {
            self.lose(Loss::TooDeep);
            if !guarded {
                self.slices.push_too_deep();
            }
        }
        too_deep
    }

    /// A slice whose begin was just written, or lost.
    #[inline]
    fn begun(&self, site: &CallSite, written: bool, guarded: bool) -> Begun {
        let ns = if written { self.last_ns } else { self.lost_ns };
        Begun { ns, site: site.template.number(), written, guarded }
    }

    /// Not before the last event.
    pub(super) fn now(&mut self) -> u64 {
        let now = self.quick_now().unwrap_or_else(|| {
            self.line = self.shared.clock.line();
            self.line.ns(ticks())
        });
        now.max(self.last_ns)
    }

    /// Perhaps some nanoseconds before the last event, where the line was taken up meanwhile. `None` where it has to be taken up.
    #[inline(always)]
    fn quick_now(&self) -> Option<u64> {
        self.line.fresh_ns(raw_ticks())
    }

    /// Whether the present chunk lists a call site. Not one without a number: it was never listed.
    #[inline(always)]
    fn lists(&self, template: &Template) -> bool {
        let number = template.number();
        self.known[number as usize % KNOWN] == self.chunk | u64::from(number)
    }

    /// Writes an event of constant bytes and a time: what is so most of the time.
    #[inline(always)]
    fn put_constant(&mut self, template: &Template, now: u64) -> Option<()> {
        // What is before the last event is not soon after it.
        let tail = self.tail.soon(now.wrapping_sub(self.last_ns))?;
        if !self.lists(template) {
            return None;
        }
        let mut short = self.writer.begin_short::<CONSTANT>().ok()?;
        let packet = short.bytes();
        let ([first, second], len) = (template.constant(), template.len());
        packet[..8].copy_from_slice(&(first + self.tail.soon_len_in_first()).to_le_bytes());
        packet[8..16].copy_from_slice(&second.to_le_bytes());
        packet[len + 1..len + 9].copy_from_slice(&tail.to_le_bytes());
        short.commit(len + self.tail.soon_len());
        self.last_ns = now;
        Some(())
    }

    /// Writes the end of a slice.
    #[inline(always)]
    fn put_end(&mut self, now: u64) -> Option<()> {
        let tail = self.tail.soon(now.wrapping_sub(self.last_ns))?;
        let mut short = self.writer.begin_short::<END>().ok()?;
        let packet = short.bytes();
        let first = u64::from_le_bytes(END_BYTES) + self.tail.soon_len_in_first();
        packet[..8].copy_from_slice(&first.to_le_bytes());
        packet[8..].copy_from_slice(&(tail << 8 | u64::from(TIMESTAMP_TAG)).to_le_bytes());
        short.commit(END_BYTES.len() + self.tail.soon_len());
        self.last_ns = now;
        Some(())
    }

    /// Writes a counter's value.
    #[inline(always)]
    fn put_counter(&mut self, template: &Template, value: CounterValue, now: u64) -> Option<()> {
        let tail = self.tail.soon(now.wrapping_sub(self.last_ns))?;
        if !self.lists(template) {
            return None;
        }
        let mut short = self.writer.begin_short::<SHORT>().ok()?;
        let packet = short.bytes();
        packet[..TEMPLATE_LEN].copy_from_slice(&template.bytes());
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
    fn put_varying(
        &mut self,
        site: &'static CallSite,
        name: Option<&str>,
        arguments: &[Argument<'_>],
        now: u64,
    ) -> Option<()> {
        if !self.lists(&site.template) {
            return None;
        }
        let tail = self.tail;
        // Not before the last event.
        let after = now.checked_sub(self.last_ns)?;
        let mut short = self.writer.begin_short::<MEDIUM>().ok()?;
        let fill = |packet: &mut [u8; MEDIUM], at| put::varying(packet, at, site, name, arguments);
        let len = lay_out(short.bytes(), &site.template, tail, after, fill)?;
        short.commit(len);
        self.last_ns = now;
        Some(())
    }

    /// Writes an event whose packet is at most `N` bytes: `fill` adds to the template, from where on it is told, and says where that ends. The chunk may not list
    /// its call site yet.
    fn try_listing<const N: usize>(
        &mut self,
        template: &Template,
        now: u64,
        fill: impl Fn(&mut [u8; N], usize) -> Option<usize>,
    ) -> Result<(), NoRoom> {
        let number = template.number();
        let listed = self.chunk | u64::from(number);
        let place = &mut self.known[number as usize % KNOWN];
        // The end of a slice is of no call site.
        let words: &[u32] = if *place == listed || number == 0 { &[] } else { &[number] };
        let mut space = self.writer.begin()?;
        if !space.has_room_for_words(N, words.len()) {
            return Err(NoRoom);
        }
        let now = now.max(self.last_ns);
        let packet = space.bytes().first_chunk_mut::<N>().ok_or(NoRoom)?;
        let len = lay_out(packet, template, self.tail, now - self.last_ns, fill).ok_or(NoRoom)?;
        space.commit_with(len, words);
        if number != 0 {
            *place = listed;
        }
        self.last_ns = now;
        Ok(())
    }

    /// The same, here or in another chunk. Whether it could be written.
    fn list_and_put<const N: usize>(
        &mut self,
        template: &Template,
        fill: impl Fn(&mut [u8; N], usize) -> Option<usize>,
    ) -> bool {
        let now = self.now();
        for _ in 0..=MOST_CHUNKS_AT_ONCE {
            if self.try_listing(template, now, &fill).is_ok() {
                return true;
            }
            if !self.next_chunk(now) {
                break;
            }
        }
        self.lose_at(Loss::NoRoom, now);
        false
    }

    /// Writes an event that is all constant. Whether it could.
    fn constant(&mut self, template: &Template) -> bool {
        self.list_and_put::<SHORT>(template, |_, at| Some(at))
    }

    /// Writes an event with what it has to say this time: short; in full length; in another chunk; cut. Whether it could.
    fn varying(&mut self, site: &'static CallSite, name: Option<&str>, arguments: &[Argument<'_>]) -> bool {
        let now = self.now();
        let fill = |packet: &mut [u8; MEDIUM], at: usize| put::varying(packet, at, site, name, arguments);
        if self.try_listing(&site.template, now, fill).is_ok() {
            return true;
        }
        let result = self.in_full(&Event { name, arguments, ..Event::of(site) }, When::Now(now));
        self.count(result).is_ok()
    }

    /// Goes on in another chunk, if there is one, and begins it with a header.
    #[cold]
    fn next_chunk(&mut self, now: u64) -> bool {
        for _ in 0..MOST_CHUNKS_AT_ONCE {
            if !self.writer.take() {
                self.shared.notice_fork();
                return false;
            }
            if self.begin_chunk(now) {
                return true;
            }
        }
        false
    }

    /// How many chunks have been begun.
    fn chunks(&self) -> u32 {
        (self.chunk >> 32) as u32
    }

    /// Not when the chunk has been taken away.
    fn begin_chunk(&mut self, now: u64) -> bool {
        let serial = self.chunks();
        let Ok(mut space) = self.writer.begin() else { return false };
        // A chunk is for events: what is open may take a quarter.
        let listing = self.slices.listing(self.shared.ring.chunk_len() as usize / 4);
        let (listed, recovered) = (listing.count, listing.recovered());
        self.last_ns = if self.chunk == 0 { now } else { self.last_ns };
        let fixed = Fixed {
            thread: self.info.number(),
            serial,
            last_ns: self.last_ns,
            resume_ns: self.last_ns.max(self.lost_ns),
            lost: self.info.lost() - u64::from(recovered),
            ..Fixed::default()
        };
        let Some(len) = header::write(space.bytes(), fixed, &listing) else { return false };
        space.commit(len);
        self.slices.listed(listed);
        self.info.unwritten.clear();
        self.info.recovered(recovered);
        self.last_ns = fixed.resume_ns;
        self.chunk += 1 << 32;
        self.info.begun(serial + 1);
        self.line = self.shared.clock.line();
        true
    }

    pub(super) fn lose(&mut self, loss: Loss) {
        let now = self.now();
        self.lose_at(loss, now);
    }

    #[cold]
    fn lose_at(&mut self, loss: Loss, now: u64) {
        self.lost_ns = now.max(self.lost_ns);
        self.info.lose(loss);
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        // What can't be ended now is ended by the drain.
        let completed = if self.writer.complete() { self.shared.ring.completed() } else { u64::MAX };
        self.info.exit(completed);
    }
}

/// Lays out a packet: template, what `fill` adds, tail. Returns how long it is.
#[inline(always)]
fn lay_out<const N: usize>(
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
