//! A thread that records: its chunk, its time, its open slices.

mod detailed;
mod packets;
mod tail;

use std::boxed::Box;
use std::sync::Arc;

use pftrace_clock::ticks;
use pftrace_ring::NoChunk;

pub(super) use self::detailed::Event;
use self::detailed::When;
pub(super) use self::packets::MEDIUM;
use self::packets::{KNOWN, Packets, SHORT, lay_out};
use self::tail::Tail;
use super::argument::Argument;
use super::call_site::{self, CallSite, Template};
use super::category::Category;
use super::header::{self, Fixed};
use super::put::{self, Small};
use super::session::{Shared, count_ignored};
use super::slices::{Begun, Slices};
use super::stats::{Loss, ThreadInfo};
use super::text::Scratch;
use super::typed::Annotations;
use crate::CounterValue;

/// A chunk can be taken away as soon as its header is there; more often in a row it is not tried.
const MOST_CHUNKS_AT_ONCE: usize = 4;

/// Of a session, what one thread has.
#[derive(Debug)]
pub(super) struct Thread {
    pub(super) session: u32,
    packets: Packets,
    /// The time of the last event that was lost.
    lost_ns: u64,
    /// The number of the next log message's text.
    next_body_iid: u64,
    slices: Slices,
    info: Arc<ThreadInfo>,
    shared: Arc<Shared>,
    scratch: Option<Box<Scratch>>,
}

/// Why a packet is not written where it was tried.
#[derive(Clone, Copy, Debug)]
enum NoRoom {
    /// In another chunk it may be.
    InChunk,
    /// It is longer than a short one.
    InPacket,
}

impl From<NoChunk> for NoRoom {
    fn from(_: NoChunk) -> Self {
        Self::InChunk
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
            packets: Packets::new(writer, line, Tail::of(info.sequence())),
            lost_ns: 0,
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
        let number = self.packets.listed(&site.template)?;
        let ns = self.packets.quick_now()?;
        let opening = self.slices.prepare(Begun { ns, site: number, written: true, guarded }, None)?;
        self.packets.put_constant(&site.template, ns)?;
        opening.open();
        Some(())
    }

    /// Begins a slice that is all constant. Whether it has to be ended.
    pub(super) fn begin(&mut self, site: &'static CallSite, guarded: bool) -> bool {
        if !self.prepare(site) || self.is_too_deep(guarded) {
            return false;
        }
        let written = self.constant(&site.template);
        self.slices.push(self.begun(site, written, guarded), None);
        true
    }

    /// Begins a slice. `None`: it is to be begun in full.
    #[inline(always)]
    pub(super) fn try_begin_with<'a>(
        &mut self,
        site: &CallSite,
        name: Option<&str>,
        annotations: impl Annotations<'a>,
        guarded: bool,
    ) -> Option<()> {
        let number = self.packets.listed(&site.template)?;
        let ns = self.packets.quick_now()?;
        let opening = self.slices.prepare(Begun { ns, site: number, written: true, guarded }, name)?;
        self.packets.put_varying(site, name, annotations, ns)?;
        let name_words = opening.open();
        self.slices.opened(name_words);
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
        self.slices.push(self.begun(site, written, guarded), name);
        true
    }

    /// Ends the innermost slice. `None`: it is to be ended in full.
    #[inline(always)]
    pub(super) fn try_end(&mut self) -> Option<()> {
        let now = self.packets.quick_now()?;
        let (depth, rest) = self.slices.innermost()?;
        // It is open until it is written: where its end is the first in a chunk, the header says that it is open. Twice, since one way with both takes more registers
        // than can be had without saving them.
        if rest.is_plain() {
            self.packets.put_end(now)?;
            self.slices.pop_plain_at(depth);
        } else if rest.is_written() {
            self.packets.put_end(now)?;
            self.slices.pop_at(depth, rest);
        } else {
            return None;
        }
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

    /// Ends the innermost slice, if it is of that category and no guard's. `None`: it is to be ended in full.
    #[inline(always)]
    pub(super) fn try_end_of(&mut self, category: &Category) -> Option<()> {
        let (depth, rest) = self.slices.innermost()?;
        if rest.is_guarded() || self.slices.has_too_deep() {
            return None;
        }
        let site = CallSite::of_number(self.slices.site_at(depth))?;
        let number = category.known_number();
        (number != 0 && site.category().known_number() == number).then(|| self.try_end())?
    }

    /// Ends the innermost slice, if it is of that category and no guard's.
    pub(super) fn end_of(&mut self, category: &'static Category) {
        // So that the next one is ended the short way.
        category.met();
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
        self.packets.listed(&site.template)?;
        let now = self.packets.quick_now()?;
        self.packets.put_constant(&site.template, now)
    }

    /// An instant that is all constant.
    pub(super) fn instant(&mut self, site: &'static CallSite) {
        if self.prepare(site) {
            self.constant(&site.template);
        }
    }

    /// An instant. `None`: it is to be recorded in full.
    #[inline(always)]
    pub(super) fn try_instant_with<'a>(
        &mut self,
        site: &CallSite,
        name: Option<&str>,
        annotations: impl Annotations<'a>,
    ) -> Option<()> {
        self.packets.listed(&site.template)?;
        let now = self.packets.quick_now()?;
        self.packets.put_varying(site, name, annotations, now)
    }

    /// An instant.
    pub(super) fn instant_with(&mut self, site: &'static CallSite, name: Option<&str>, arguments: &[Argument<'_>]) {
        if self.prepare(site) {
            self.varying(site, name, arguments);
        }
    }

    /// The value of a counter that is [`put::SMALL`]. `None`: it is to be recorded in full.
    #[inline(always)]
    pub(super) fn try_small_counter(&mut self, site: &'static CallSite, value: Small) -> Option<()> {
        self.packets.listed(&site.template)?;
        let now = self.packets.quick_now()?;
        self.packets.put_small_counter(&site.template, value, now)
    }

    /// The value of a counter. `None`: it is to be recorded in full.
    #[inline(always)]
    pub(super) fn try_counter(&mut self, site: &'static CallSite, value: CounterValue) -> Option<()> {
        self.packets.listed(&site.template)?;
        let now = self.packets.quick_now()?;
        self.packets.put_counter(&site.template, value, now)
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
        let ns = if written { self.packets.last_ns } else { self.lost_ns };
        Begun { ns, site: site.template.number(), written, guarded }
    }

    /// Not before the last event.
    pub(super) fn now(&mut self) -> u64 {
        let now = self.packets.quick_now().unwrap_or_else(|| {
            self.packets.line = self.shared.clock.line();
            self.packets.line.ns(ticks())
        });
        now.max(self.packets.last_ns)
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
        let listed = self.packets.chunk | u64::from(number);
        let place = &mut self.packets.known[number as usize % KNOWN];
        // The end of a slice is of no call site.
        let words: &[u32] = if *place == listed || number == 0 { &[] } else { &[number] };
        let mut space = self.packets.writer.begin()?;
        if !space.has_room_for_words(N, words.len()) {
            return Err(NoRoom::InChunk);
        }
        let now = now.max(self.packets.last_ns);
        let packet = space.bytes().first_chunk_mut::<N>().ok_or(NoRoom::InChunk)?;
        let len =
            lay_out(packet, template, self.packets.tail, now - self.packets.last_ns, fill).ok_or(NoRoom::InPacket)?;
        space.commit_with(len, words);
        if number != 0 {
            *place = listed;
        }
        self.packets.last_ns = now;
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

    /// Writes an event with what it has to say this time: short; short in another chunk, where that wastes little of this one; in full length; cut. Whether it could.
    fn varying(&mut self, site: &'static CallSite, name: Option<&str>, arguments: &[Argument<'_>]) -> bool {
        let now = self.now();
        let fill = |packet: &mut [u8; MEDIUM], at: usize| put::varying(packet, at, site, name, arguments);
        let mut result = self.try_listing(&site.template, now, fill);
        let wastes_little = self.shared.ring.chunk_len() as usize > 24 * MEDIUM;
        if wastes_little && matches!(result, Err(NoRoom::InChunk)) && self.next_chunk(now) {
            result = self.try_listing(&site.template, now, fill);
        }
        if result.is_ok() {
            return true;
        }
        let result = self.in_full(&Event { name, arguments, ..Event::of(site) }, When::Now(now));
        self.count(result).is_ok()
    }

    /// Goes on in another chunk, if there is one, and begins it with a header.
    #[cold]
    fn next_chunk(&mut self, now: u64) -> bool {
        for _ in 0..MOST_CHUNKS_AT_ONCE {
            if !self.packets.writer.take() {
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
        (self.packets.chunk >> 32) as u32
    }

    /// Not when the chunk has been taken away.
    fn begin_chunk(&mut self, now: u64) -> bool {
        let serial = self.chunks();
        let Ok(mut space) = self.packets.writer.begin() else { return false };
        // A chunk is for events: what is open may take a quarter.
        let listing = self.slices.listing(self.shared.ring.chunk_len() as usize / 4);
        let (listed, recovered) = (listing.count, listing.recovered());
        self.packets.last_ns = if self.packets.chunk == 0 { now } else { self.packets.last_ns };
        let fixed = Fixed {
            thread: self.info.number(),
            serial,
            last_ns: self.packets.last_ns,
            resume_ns: self.packets.last_ns.max(self.lost_ns),
            lost: self.info.lost() - u64::from(recovered),
            ..Fixed::default()
        };
        let Some(len) = header::write(space.bytes(), fixed, &listing) else { return false };
        space.commit(len);
        self.slices.listed(listed);
        self.info.unwritten.clear();
        self.info.recovered(recovered);
        self.packets.last_ns = fixed.resume_ns;
        self.packets.chunk += 1 << 32;
        self.info.begun(serial + 1);
        self.packets.line = self.shared.clock.line();
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
        let completed = if self.packets.writer.complete() { self.shared.ring.completed() } else { u64::MAX };
        self.info.exit(completed);
    }
}
