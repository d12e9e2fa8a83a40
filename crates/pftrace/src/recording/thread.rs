//! A thread that records: its chunk, its time, its open slices.

mod detailed;
mod on_track;
mod packets;
mod tail;
mod wide;

use std::boxed::Box;
use std::sync::Arc;

use pftrace_clock::ticks;
use pftrace_ring::{NoChunk, ROOM, Sits, Writer};

pub(super) use self::detailed::Event;
use self::detailed::{NotWritten, When};
pub(super) use self::packets::{LONGEST_SHORT, MEDIUM, Packets};
use self::packets::{Moment, SHORT, Time, lay_out};
use self::tail::Stamp;
pub(super) use self::tail::Tail;
use super::argument::Argument;
use super::call_site::{self, CallSite, Template};
use super::category::Category;
use super::header::{self, Fixed};
use super::local::ThreadSeat;
use super::options::END;
use super::put;
use super::session::{Shared, count_ignored};
use super::slices::{Begun, Ending, Rest, Slices, Stack, Token};
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

/// Adds to a packet what its template does not say, from where on it is told, and says where that ends. Called by its address: what calls it is compiled once.
type Fill<'f, const N: usize> = &'f dyn Fn(&mut [u8; N], usize) -> Option<usize>;

/// Lays out a packet, so long after the one before. Returns how long it is.
type LayOut<'l> = &'l dyn Fn(&mut [u8], Tail, u64) -> Option<usize>;

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

impl Sits for Thread {
    fn writer(&self) -> Option<&Writer> {
        // Else the clock has to be asked, which the short way does not.
        self.packets.has_raw_time().then_some(&self.packets.writer)
    }
}

impl Thread {
    /// Takes part in a session, at the desk of that seat. `None` when as many threads do as there is room for.
    pub(super) fn join(shared: &Arc<Shared>, seat: &ThreadSeat) -> Option<Self> {
        let stack = seat.desk()?.shared();
        let writer = shared.ring.writer_at(seat)?;
        let info = shared.threads.add()?;
        let line = shared.clock.line();
        let slices = Slices::new(stack);
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

    /// Whether the present chunk lists a call site of that number.
    pub(super) fn lists(&self, number: u16) -> bool {
        self.packets.known.lists(number)
    }

    /// It does from now on. Whether that is known.
    pub(super) fn now_lists(&mut self, number: u16) -> bool {
        self.packets.known.add(number);
        self.lists(number)
    }

    /// Begins a slice that is all constant. Returns how long its packet is, as all below, and what it is known by. `None`: it is to be begun in full.
    #[inline(always)]
    pub(super) fn try_begin(
        &mut self,
        packet: &mut [u8; ROOM],
        stack: &Stack,
        site: &'static CallSite,
        guarded: bool,
    ) -> Option<(usize, Token)> {
        let head = self.packets.listed(&site.template)?;
        let now = self.packets.now();
        let begun = Begun { ns: self.packets.ns_of(now), site: head.number().into(), written: true, guarded };
        let opening = stack.prepare(begun, None, 0)?;
        let len = self.packets.put_constant(packet, &site.template, head, now)?;
        Some((len, opening.open()))
    }

    /// Begins a slice that is all constant. Returns what it is known by, which is nothing where it has not to be ended.
    pub(super) fn begin(&mut self, site: &'static CallSite, guarded: bool) -> Token {
        if !self.prepare(site) || self.is_too_deep(guarded) {
            return Token::LOST;
        }
        let written = self.constant(&site.template);
        let ns = if written { self.packets.last_ns() } else { self.lost_ns };
        let begun = Begun { ns, site: site.template.number().into(), written, guarded };
        self.slices.push(begun, None)
    }

    /// Begins a slice. `None`: it is to be begun in full.
    #[inline(always)]
    pub(super) fn try_begin_with<'a>(
        &mut self,
        packet: &mut [u8; ROOM],
        stack: &Stack,
        site: &CallSite,
        name: Option<&str>,
        annotations: impl Annotations<'a>,
        guarded: bool,
    ) -> Option<(usize, Token)> {
        let head = self.packets.listed_with(&site.template, annotations)?;
        let time = self.packets.time_of(annotations);
        let begun = Begun { ns: self.packets.ns_of_time(time), site: head.number().into(), written: true, guarded };
        let opening = stack.prepare(begun, name, self.slices.names_len)?;
        let len = self.packets.put_varying(packet, (&site.template, head), site, name, annotations, time)?;
        self.packets.happened(time);
        self.slices.opened(opening.names_len());
        let token = opening.open();
        Some((len, if let Time::Told(_) = time { self.slices.told(token) } else { token }))
    }

    /// Begins a slice. Returns what it is known by.
    pub(super) fn begin_with(
        &mut self,
        site: &'static CallSite,
        name: Option<&str>,
        arguments: &[Argument<'_>],
        guarded: bool,
    ) -> Token {
        if !self.prepare(site) || self.is_too_deep(guarded) {
            return Token::LOST;
        }
        let event = Event { name, arguments, ..Event::of(site) };
        let result = self.varying(&event);
        self.begun(&event, result, guarded)
    }

    /// Ends the slice that is known by that, if it is the innermost and plain. `None`: it is to be ended in full.
    #[inline(always)]
    pub(super) fn try_end(&mut self, packet: &mut [u8; ROOM], stack: &Stack, token: Token) -> Option<(usize, ())> {
        let ending = stack.plain_innermost(token)?;
        let now = self.packets.now();
        let len = self.packets.put_end(packet, now)?;
        stack.end(ending);
        Some((len, ()))
    }

    /// The same of one that is not plain.
    #[inline(always)]
    pub(super) fn try_end_named(
        &mut self,
        packet: &mut [u8; ROOM],
        stack: &Stack,
        token: Token,
    ) -> Option<(usize, ())> {
        let (ending, rest) = stack.named_innermost(token)?;
        let now = self.packets.now();
        let len = self.packets.put_end(packet, now)?;
        stack.end(ending);
        self.slices.ended(rest);
        Some((len, ()))
    }

    /// Ends the innermost slice, for the guard of that one.
    pub(super) fn end_for(&mut self, token: Token) {
        if self.ends_for(token) {
            self.end();
        }
    }

    /// Whether the guard of that one ends a slice: if it is of this thread in this session, whichever is the innermost.
    pub(super) fn ends_for(&self, token: Token) -> bool {
        self.slices.has_begun(token)
    }

    /// Ends the innermost slice.
    pub(super) fn end(&mut self) {
        let Some((ending, rest)) = self.slices.stack().innermost() else { return };
        if rest.is_told() {
            return self.end_detailed(&Event::of(&END));
        }
        let written = rest.is_written() && self.constant(&call_site::END);
        self.slices.pop(ending, rest);
        match rest.is_written() {
            true if written => {}
            true => self.end_unwritten(self.lost_ns),
            // Nobody has heard of it.
            false => self.lose(Loss::NoRoom),
        }
    }

    /// The end of a slice whose begin is written had no room. Where its session is over, it is open to the end of the trace.
    fn end_unwritten(&mut self, at_ns: u64) {
        if self.is_over() {
            return;
        }
        self.slices.end_unwritten(at_ns);
        self.info.unwritten.push(at_ns);
    }

    /// Ends the innermost slice, if it is of that category and no guard's. `None`: it is to be ended in full.
    #[inline(always)]
    pub(super) fn try_end_of(
        &mut self,
        packet: &mut [u8; ROOM],
        stack: &Stack,
        category: &Category,
    ) -> Option<(usize, ())> {
        let (ending, rest) = self.innermost_of(stack, category)?;
        let now = self.packets.now();
        let len = self.packets.put_end(packet, now)?;
        stack.end(ending);
        self.slices.ended(rest);
        Some((len, ()))
    }

    /// The innermost slice, if its begin is written, and it is of that category and no guard's.
    #[inline(always)]
    fn innermost_of(&self, stack: &Stack, category: &Category) -> Option<(Ending, Rest)> {
        let (ending, rest) = stack.innermost()?;
        if rest.is_guarded() || rest.is_told() || !rest.is_written() || self.slices.has_too_deep() {
            return None;
        }
        let site = CallSite::of_number(rest.site())?;
        let number = category.known_number();
        (number != 0 && site.category().known_number() == number).then_some((ending, rest))
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
        let stack = self.slices.stack();
        let innermost = stack.innermost().filter(|(_, rest)| !rest.is_guarded());
        let site = innermost.and_then(|(_, rest)| CallSite::of_number(rest.site()));
        let can_end = site.is_some_and(|site| site.category().name() == category.name());
        if !can_end {
            count_ignored();
        }
        can_end
    }

    /// An instant that is all constant. `None`: it is to be recorded in full.
    #[inline(always)]
    pub(super) fn try_instant(&mut self, packet: &mut [u8; ROOM], site: &'static CallSite) -> Option<(usize, ())> {
        let head = self.packets.listed(&site.template)?;
        let now = self.packets.now();
        Some((self.packets.put_constant(packet, &site.template, head, now)?, ()))
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
        packet: &mut [u8; ROOM],
        site: &CallSite,
        name: Option<&str>,
        annotations: impl Annotations<'a>,
    ) -> Option<(usize, ())> {
        let head = self.packets.listed_with(&site.template, annotations)?;
        let time = self.packets.time_of(annotations);
        let len = self.packets.put_varying(packet, (&site.template, head), site, name, annotations, time)?;
        self.packets.happened(time);
        Some((len, ()))
    }

    /// An instant.
    pub(super) fn instant_with(&mut self, site: &'static CallSite, name: Option<&str>, arguments: &[Argument<'_>]) {
        if self.prepare(site) {
            let result = self.varying(&Event { name, arguments, ..Event::of(site) });
            _ = self.count(result);
        }
    }

    /// The value of a counter, which `put` lays out. `None`: it is to be recorded in full.
    #[inline(always)]
    pub(super) fn try_counter(
        &mut self,
        site: &'static CallSite,
        put: impl FnOnce(&mut Packets, &Template, Moment) -> Option<usize>,
    ) -> Option<(usize, ())> {
        self.packets.listed(&site.template)?;
        let now = self.packets.now();
        Some((put(&mut self.packets, &site.template, now)?, ()))
    }

    /// The value of a counter.
    pub(super) fn counter(&mut self, site: &'static CallSite, value: CounterValue) {
        if self.prepare(site) {
            let fill = |packet: &mut [u8; SHORT], at| Some(put::counter(packet, at, value));
            self.list_and_put(&site.template, &fill);
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

    /// Not before the last event.
    pub(super) fn now(&mut self) -> u64 {
        let now = self.packets.fresh_ns().unwrap_or_else(|| self.packets.take_up(self.shared.clock.line()).ns(ticks()));
        now.max(self.packets.last_ns())
    }

    /// Writes an event whose packet is at most `N` bytes: `fill` adds to the template, from where on it is told, and says where that ends. The chunk may not list
    /// its call site yet.
    fn try_listing<const N: usize>(&mut self, template: &Template, now: u64, fill: Fill<'_, N>) -> Result<(), NoRoom> {
        self.list_and_lay_out(template, now, self.room_of(N), &|packet, tail, after| {
            lay_out(packet.first_chunk_mut::<N>()?, template, tail, Stamp::After(after), fill)
        })
    }

    /// The same of one whose packet takes up to `room` bytes, which are there where it is laid out.
    fn list_and_lay_out(
        &mut self,
        template: &Template,
        now: u64,
        room: usize,
        lay_out: LayOut<'_>,
    ) -> Result<(), NoRoom> {
        let number = template.number();
        // The end of a slice is of no call site.
        let words: &[u32] = if number == 0 || self.packets.known.lists(number) { &[] } else { &[number.into()] };
        let (tail, last_ns) = (self.packets.tail, self.packets.last_ns());
        let now = now.max(last_ns);
        let mut space = self.packets.writer.begin()?;
        if !space.has_room_for_words(room, words.len()) {
            return Err(NoRoom::InChunk);
        }
        let len = lay_out(space.bytes(), tail, now - last_ns).ok_or(NoRoom::InPacket)?;
        space.commit_with(len, words);
        if !words.is_empty() {
            self.packets.known.add(number);
        }
        self.packets.set_last_ns(now);
        Ok(())
    }

    /// The same, here or in another chunk. Whether it could be written.
    fn list_and_put<const N: usize>(&mut self, template: &Template, fill: Fill<'_, N>) -> bool {
        let now = self.now();
        for _ in 0..=MOST_CHUNKS_AT_ONCE {
            if self.try_listing(template, now, fill).is_ok() {
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
        self.list_and_put::<SHORT>(template, &|_, at| Some(at))
    }

    /// Writes an event of a name and annotations: short; short in another chunk, where that wastes little of this one; with long texts; in full length; cut. Returns when it happened.
    fn varying(&mut self, event: &Event<'_>) -> Result<u64, NotWritten> {
        let now = self.now();
        let template = &event.site.template;
        let fill =
            |packet: &mut [u8; MEDIUM], at: usize| put::varying(packet, at, event.site, event.name, event.arguments);
        let mut result = self.try_listing(template, now, &fill);
        if self.wastes_little() && matches!(result, Err(NoRoom::InChunk)) && self.next_chunk(now) {
            result = self.try_listing(template, now, &fill);
        }
        if let Err(NoRoom::InPacket) = result {
            result = self.try_wide(event, now);
        }
        match result {
            Ok(()) => Ok(self.packets.last_ns()),
            Err(_) => self.in_full(event, When::Now(now)),
        }
    }

    /// How much room there has to be in the chunk for a packet that may take so much. Where the short way ends, so does the chunk, if that wastes little of it: all that would follow would come the long way.
    fn room_of(&self, packet: usize) -> usize {
        if self.wastes_little() { self.packets.writer.short_room() } else { packet }
    }

    /// Whether the room of a packet is little of a chunk.
    fn wastes_little(&self) -> bool {
        self.shared.ring.chunk_len() as usize > 24 * ROOM
    }

    /// Goes on in another chunk, if there is one, and begins it with a header.
    fn next_chunk(&mut self, now: u64) -> bool {
        // A chunk is for events: what is open may take half.
        self.next_chunk_of(now, self.shared.ring.chunk_len() as usize / 2)
    }

    /// The same, with a header that takes so many bytes at most for what is open.
    #[cold]
    fn next_chunk_of(&mut self, now: u64, room: usize) -> bool {
        for _ in 0..MOST_CHUNKS_AT_ONCE {
            if self.is_over() {
                // What is shorter is not recorded, either.
                _ = self.packets.writer.complete();
                return false;
            }
            if !self.packets.writer.take() {
                self.shared.notice_fork();
                return false;
            }
            if self.begin_chunk(now, room) {
                return true;
            }
        }
        false
    }

    /// Whether the session is being stopped: there is no room any more, and what comes now is not its.
    fn is_over(&self) -> bool {
        self.shared.ring.is_closed()
    }

    /// How many chunks have been begun.
    fn chunks(&self) -> u32 {
        (self.packets.chunk >> 32) as u32
    }

    /// Not when the chunk has been taken away.
    fn begin_chunk(&mut self, now: u64, room: usize) -> bool {
        let (serial, last_ns) = (self.chunks(), self.packets.last_ns());
        let Ok(mut space) = self.packets.writer.begin() else { return false };
        let listing = self.slices.listing(room);
        let (listed, recovered) = (listing.count, listing.recovered());
        let last_ns = if self.packets.chunk == 0 { now } else { last_ns };
        let fixed = Fixed {
            thread: self.info.number(),
            serial,
            last_ns,
            resume_ns: last_ns.max(self.lost_ns),
            lost: self.info.lost() - u64::from(recovered),
            ..Fixed::default()
        };
        let Some(len) = header::write(space.bytes(), fixed, &listing) else { return false };
        space.commit(len);
        self.slices.listed(listed);
        self.info.unwritten.clear();
        self.info.recovered(recovered);
        self.packets.chunk += 1 << 32;
        self.packets.known.clear();
        self.info.begun(serial + 1);
        self.packets.take_up(self.shared.clock.line());
        self.packets.set_last_ns(fixed.resume_ns);
        true
    }

    pub(super) fn lose(&mut self, loss: Loss) {
        let now = self.now();
        self.lose_at(loss, now);
    }

    #[cold]
    fn lose_at(&mut self, loss: Loss, now: u64) {
        self.lost_ns = now.max(self.lost_ns);
        // From then on there is no next chunk, which would make up for what is not counted.
        if !(matches!(loss, Loss::NoRoom) && self.is_over()) {
            self.info.lose(loss);
        }
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        // What can't be ended now is ended by the drain.
        let completed = if self.packets.writer.complete() { self.shared.ring.completed() } else { u64::MAX };
        self.info.exit(completed);
    }
}
