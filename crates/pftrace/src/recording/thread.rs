//! A thread that records: its chunk, its time, its open slices.

mod detailed;

use std::boxed::Box;
use std::sync::Arc;

use pftrace_clock::{Line, ticks};
use pftrace_ring::{NoChunk, Space, Writer};

pub(super) use self::detailed::Event;
use self::detailed::{KNOWN_OTHERS, When};
use super::argument::Argument;
use super::call_site::{self, CallSite, EVENT_AT, EVENT_LEN_AT, TEMPLATE_LEN, Template};
use super::category::Category;
use super::header::{self, Fixed};
use super::put;
use super::session::{Shared, count_ignored};
use super::slices::{Begun, Slices};
use super::stats::{Loss, ThreadInfo};
use super::text::Scratch;
use crate::CounterValue;

/// What a packet of an event needs at most that is all constant, or a counter: what is the same for all packets of a
/// thread, the template, a value, a timestamp.
const SHORT: usize = 64;

/// The same, of an event with a name or annotations whose lengths are all below 128.
const MEDIUM: usize = 160;

/// The event's fields end here at most, so that the packet's length, which is that without its first two bytes and with a timestamp
/// of at most eleven, takes one byte.
const LONGEST_SHORT: usize = 127 + 2 - 11;

/// How many places the table of known definitions has.
const KNOWN: usize = 512;

/// A chunk can be taken away as soon as its header is there; more often in a row it is not tried.
const MOST_CHUNKS_AT_ONCE: usize = 4;

/// The tag of `TracePacket.timestamp`.
const TIMESTAMP_TAG: u8 = 0x40;

/// Of a session, what one thread has.
#[derive(Debug)]
pub(super) struct Thread {
    pub(super) session: u32,
    /// How many chunks have been begun.
    chunks: u32,
    writer: Writer,
    line: Line,
    /// The time of the last packet.
    last_ns: u64,
    /// The time of the last event that was lost.
    lost_ns: u64,
    /// The begin of each packet: its tag, room for its length, its sequence.
    prefix: [u8; 8],
    prefix_len: u8,
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
        let info = shared.threads.add();
        let line = shared.clock.line();
        let mut prefix = [0x0a, 0, 0x50, 0, 0, 0, 0, 0];
        let prefix_len = put::varint(&mut prefix, 3, u64::from(info.sequence())) as u8;
        Some(Self {
            session: shared.id,
            chunks: 0,
            writer,
            line,
            last_ns: line.ns(ticks()),
            lost_ns: 0,
            prefix,
            prefix_len,
            known: [0; KNOWN],
            known_others: [0; KNOWN_OTHERS],
            next_body_iid: 1,
            slices: Slices::new(),
            info,
            shared: shared.clone(),
            scratch: Some(Scratch::new()),
        })
    }

    pub(super) fn scratch(&mut self) -> &mut Option<Box<Scratch>> {
        &mut self.scratch
    }

    /// Begins a slice that is all constant. Whether it has to be ended.
    #[inline]
    pub(super) fn begin(&mut self, site: &'static CallSite, guarded: bool) -> bool {
        if !self.prepare(site) || self.is_too_deep(guarded) {
            return false;
        }
        let written = self.constant(&site.template);
        self.slices.push(self.begun(site, written, guarded));
        true
    }

    /// Begins a slice. Whether it has to be ended.
    #[inline]
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
        let begun = self.begun(site, written, guarded);
        match name {
            None => self.slices.push(begun),
            Some(name) => self.slices.push_named(begun, name),
        }
        true
    }

    /// Ends the innermost slice.
    #[inline]
    pub(super) fn end(&mut self) {
        let Some(open) = self.slices.innermost() else { return };
        if open.written == 0 {
            // Its begin was lost, and nobody has heard of it.
            self.slices.pop();
            return self.lose(Loss::NoRoom);
        }
        // It is open until then: where its end is the first in a chunk, the header says that it is open.
        let written = self.constant(&call_site::END);
        self.slices.pop();
        if !written {
            self.end_unwritten(self.lost_ns);
        }
    }

    /// The end of a slice whose begin is written had no room.
    fn end_unwritten(&mut self, at_ns: u64) {
        self.slices.end_unwritten(at_ns);
        self.info.unwritten.push(at_ns);
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
        let innermost = self.slices.innermost().filter(|open| open.guarded == 0);
        let site = innermost.and_then(|open| CallSite::of_number(open.site));
        let can_end = site.is_some_and(|site| site.category().name() == category.name());
        if !can_end {
            count_ignored();
        }
        can_end
    }

    /// An instant that is all constant.
    #[inline]
    pub(super) fn instant(&mut self, site: &'static CallSite) {
        if self.prepare(site) {
            self.constant(&site.template);
        }
    }

    /// An instant.
    #[inline]
    pub(super) fn instant_with(&mut self, site: &'static CallSite, name: Option<&str>, arguments: &[Argument<'_>]) {
        if self.prepare(site) {
            self.varying(site, name, arguments);
        }
    }

    /// The value of a counter.
    #[inline]
    pub(super) fn counter(&mut self, site: &'static CallSite, value: CounterValue) {
        if self.prepare(site) {
            self.write::<SHORT>(&site.template, |packet, at| Some(put::counter(packet, at, value)));
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
    #[inline]
    pub(super) fn now(&mut self) -> u64 {
        let ticks = ticks();
        let now = self.line.fresh_ns(ticks).unwrap_or_else(|| self.take_up_line(ticks));
        now.max(self.last_ns)
    }

    #[cold]
    fn take_up_line(&mut self, ticks: u64) -> u64 {
        self.line = self.shared.clock.line();
        self.line.ns(ticks)
    }

    /// Writes an event of constant bytes and a time. Whether it could.
    #[inline]
    fn constant(&mut self, template: &Template) -> bool {
        self.write::<SHORT>(template, |_, at| Some(at))
    }

    /// Writes an event whose packet is at most `N` bytes: `fill` adds to the template, from where on it is told, and says where
    /// that ends. Whether it could.
    #[inline]
    fn write<const N: usize>(
        &mut self,
        template: &Template,
        fill: impl Fn(&mut [u8; N], usize) -> Option<usize>,
    ) -> bool {
        let now = self.now();
        self.try_short(template, now, &fill).is_ok() || self.write_elsewhere(template, now, &fill)
    }

    #[cold]
    fn write_elsewhere<const N: usize>(
        &mut self,
        template: &Template,
        now: u64,
        fill: &impl Fn(&mut [u8; N], usize) -> Option<usize>,
    ) -> bool {
        for _ in 0..MOST_CHUNKS_AT_ONCE {
            if !self.next_chunk(now) {
                break;
            }
            if self.try_short(template, now, fill).is_ok() {
                return true;
            }
            if !self.writer.is_taken() {
                break;
            }
        }
        self.lose_at(Loss::NoRoom, now);
        false
    }

    /// The packet is laid out so that all that varies in length comes last: prefix, template, what `fill` adds, timestamp.
    #[inline(always)]
    fn try_short<const N: usize>(
        &mut self,
        template: &Template,
        now: u64,
        fill: &impl Fn(&mut [u8; N], usize) -> Option<usize>,
    ) -> Result<(), NoRoom> {
        let mut space = self.writer.begin()?;
        let site = Site::of(template, &mut self.known, self.chunks);
        if site.is_new() && !space.has_room_for_word(N) {
            return Err(NoRoom);
        }
        let packet = space.bytes().first_chunk_mut::<N>().ok_or(NoRoom)?;
        let now = now.max(self.last_ns);
        let begin = usize::from(self.prefix_len % 8);
        packet[..8].copy_from_slice(&self.prefix);
        packet[begin..begin + TEMPLATE_LEN].copy_from_slice(&template.bytes());
        let fields_end = fill(packet, begin + template.len()).ok_or(NoRoom)?;
        let event_len = fields_end - begin - EVENT_AT;
        if N > LONGEST_SHORT && fields_end > LONGEST_SHORT {
            return Err(NoRoom);
        }
        packet[begin + EVENT_LEN_AT] = event_len as u8;
        packet[fields_end] = TIMESTAMP_TAG;
        let len = put::varint(packet, fields_end + 1, now - self.last_ns);
        packet[1] = (len - 2) as u8;
        site.commit(space, len);
        self.last_ns = now;
        Ok(())
    }

    /// Writes an event with what it has to say this time. Whether it could.
    #[inline(always)]
    fn varying(&mut self, site: &'static CallSite, name: Option<&str>, arguments: &[Argument<'_>]) -> bool {
        let now = self.now();
        let fill = |packet: &mut [u8; MEDIUM], at: usize| {
            let at = match name {
                Some(name) => put::name(packet, at, name)?,
                None => at,
            };
            put::annotations(packet, at, site, arguments)
        };
        self.try_short(&site.template, now, &fill).is_ok() || self.varying_elsewhere(site, name, arguments, now)
    }

    /// In full length; in another chunk; cut.
    #[cold]
    fn varying_elsewhere(
        &mut self,
        site: &'static CallSite,
        name: Option<&str>,
        arguments: &[Argument<'_>],
        now: u64,
    ) -> bool {
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

    /// Not when the chunk has been taken away.
    fn begin_chunk(&mut self, now: u64) -> bool {
        let Ok(mut space) = self.writer.begin() else { return false };
        // A chunk is for events: what is open may take a quarter.
        let listing = self.slices.listing(self.shared.ring.chunk_len() as usize / 4);
        let (listed, recovered) = (listing.open.len(), listing.recovered());
        self.last_ns = if self.chunks == 0 { now } else { self.last_ns };
        let fixed = Fixed {
            thread: self.info.number(),
            serial: self.chunks,
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
        self.chunks += 1;
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
        self.info.exit(self.chunks, completed);
    }
}

/// The call site of a packet, which the present chunk lists already or not.
#[derive(Debug)]
struct Site<'k> {
    number: u32,
    /// Its place in the table of known ones, and what stands there when the chunk lists it.
    place: &'k mut u64,
    listed: u64,
}

impl<'k> Site<'k> {
    #[inline]
    fn of(template: &Template, known: &'k mut [u64; KNOWN], chunks: u32) -> Self {
        let number = template.number();
        let listed = u64::from(chunks) << 32 | u64::from(number);
        Self { number, place: &mut known[number as usize % KNOWN], listed }
    }

    /// Whether the chunk has to list it. The end of a slice is of no call site.
    #[inline]
    fn is_new(&self) -> bool {
        *self.place != self.listed && self.number != 0
    }

    /// Commits a packet of it.
    #[inline]
    fn commit(self, space: Space<'_>, len: usize) {
        if self.is_new() {
            space.commit_with(len, &[self.number]);
            *self.place = self.listed;
        } else {
            space.commit(len);
        }
    }
}
