//! A thread that records: its chunk, its time, its open slices.

use std::boxed::Box;
use std::sync::Arc;

use pftrace_clock::{Line, ticks};
use pftrace_protos::{Trace, TrackEvent};
use pftrace_ring::{Space, Unavailable, Writer};

use super::argument::{Argument, annotate};
use super::call_site::{CallSite, Prepared, TEMPLATE_LEN};
use super::header::{self, Fixed, Open};
use super::session::Shared;
use super::stats::{Loss, ThreadInfo};
use super::text::{Cut, Scratch};
use crate::writer::MAX_OPEN_SLICES;

/// The word at a chunk's end that says that it uses a call site, or, with this bit, a text.
pub(super) const TEXT: u32 = 1 << 31;

/// What a packet without annotations needs at most: what is the same for all of a thread's, the template, and a timestamp.
const SHORT: usize = 64;

/// Names given at run time that are longer are not interned: they stand in the packet itself.
const LONGEST_INTERNED: usize = 1024;

/// How many places the table of known definitions has.
const KNOWN: usize = 512;

/// Of a session, what one thread has.
#[derive(Debug)]
pub(super) struct Thread {
    pub(super) session: u32,
    writer: Writer,
    line: Line,
    /// The time of the last packet.
    last_ns: u64,
    /// The time of the last event that was lost.
    lost_ns: u64,
    /// The begin of each packet: its tag, room for its length, its sequence.
    prefix: [u8; 8],
    prefix_len: u8,
    /// How many chunks have been begun.
    chunks: u32,
    /// Which definitions the present chunk lists: the number of the chunk and the definition.
    known: [u64; KNOWN],
    slices: Slices,
    info: Arc<ThreadInfo>,
    shared: Arc<Shared>,
    scratch: Option<Box<Scratch>>,
}

/// The slices that are open.
#[derive(Debug)]
struct Slices {
    open: [Open; MAX_OPEN_SLICES as usize],
    depth: usize,
    /// When slices ended, whose begin is written and whose end is not: the next header says so.
    ended: [u64; MAX_OPEN_SLICES as usize],
    unwritten_ends: usize,
}

/// What a call site has to say this time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event<'e> {
    pub(super) site: &'static CallSite,
    /// Its name, where the call site has none.
    pub(super) name: Option<&'e str>,
    pub(super) arguments: &'e [Argument<'e>],
    pub(super) value: Option<CounterValue>,
}

/// The value of a counter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum CounterValue {
    Int(i64),
    Double(f64),
}

/// Why a packet is not written where it was tried.
#[derive(Clone, Copy, Debug)]
struct NoRoom;

impl From<Unavailable> for NoRoom {
    fn from(_: Unavailable) -> Self {
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
        let sequence_len = put_varint(&mut prefix, 3, u64::from(info.sequence())) - 3;
        Some(Self {
            session: shared.id,
            writer,
            line,
            last_ns: line.ns(ticks()),
            lost_ns: 0,
            prefix,
            prefix_len: 3 + sequence_len as u8,
            chunks: 0,
            known: [0; KNOWN],
            slices: Slices {
                open: [Open::default(); MAX_OPEN_SLICES as usize],
                depth: 0,
                ended: [0; MAX_OPEN_SLICES as usize],
                unwritten_ends: 0,
            },
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
    pub(super) fn begin(&mut self, site: &'static CallSite) -> bool {
        let Some(prepared) = self.prepare(site) else { return false };
        if self.is_too_deep() {
            return false;
        }
        let written = self.constant(&prepared);
        self.push(prepared.number, 0, written);
        true
    }

    /// Begins a slice. Whether it has to be ended.
    pub(super) fn begin_with(&mut self, event: &Event<'_>) -> bool {
        let Some(prepared) = self.prepare(event.site) else { return false };
        if self.is_too_deep() {
            return false;
        }
        let (written, text) = self.varying(&prepared, event);
        self.push(prepared.number, text, written);
        true
    }

    /// Ends the innermost slice; with annotations, if there are any.
    #[inline]
    pub(super) fn end(&mut self, event: Option<&Event<'_>>) {
        let Some(depth) = self.slices.depth.checked_sub(1) else { return };
        self.slices.depth = depth;
        if self.slices.open[depth % MAX_OPEN_SLICES as usize].written == 0 {
            // Its begin was lost, and nobody has heard of it.
            return self.lose(Loss::NoRoom);
        }
        let written = match event {
            None => self.constant(&Prepared::END),
            Some(event) => self.varying(&Prepared::END, event).0,
        };
        if !written {
            self.slices.ended[self.slices.unwritten_ends] = self.lost_ns;
            self.slices.unwritten_ends += 1;
        }
    }

    /// The call site of the innermost slice.
    pub(super) fn innermost(&self) -> Option<&'static CallSite> {
        let depth = self.slices.depth.checked_sub(1)?;
        CallSite::of_number(self.slices.open[depth].site)
    }

    /// An event that is all constant.
    #[inline]
    pub(super) fn record(&mut self, site: &'static CallSite) {
        if let Some(prepared) = self.prepare(site) {
            self.constant(&prepared);
        }
    }

    /// An event.
    pub(super) fn record_with(&mut self, event: &Event<'_>) {
        if let Some(prepared) = self.prepare(event.site) {
            self.varying(&prepared, event);
        }
    }

    #[inline]
    fn prepare(&mut self, site: &'static CallSite) -> Option<Prepared> {
        let prepared = site.prepared();
        if prepared.is_none() && site.is_enabled() {
            self.lose(Loss::TooManyCallSites);
        }
        prepared
    }

    #[inline]
    fn is_too_deep(&mut self) -> bool {
        let too_deep = self.slices.depth == MAX_OPEN_SLICES as usize;
        if too_deep {
            self.lose(Loss::TooDeep);
        }
        too_deep
    }

    #[inline]
    fn push(&mut self, site: u32, text: u32, written: bool) {
        let begin_ns = if written { self.last_ns } else { self.lost_ns };
        let open = &mut self.slices.open[self.slices.depth % MAX_OPEN_SLICES as usize];
        *open = Open { begin_ns, site, text, written: u32::from(written), reserved: 0 };
        self.slices.depth += 1;
    }

    /// Not before the last event.
    #[inline]
    fn now(&mut self) -> u64 {
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
    fn constant(&mut self, prepared: &Prepared) -> bool {
        let now = self.now();
        if self.try_constant(prepared, now).is_ok() {
            return true;
        }
        self.constant_elsewhere(prepared, now)
    }

    #[cold]
    fn constant_elsewhere(&mut self, prepared: &Prepared, now: u64) -> bool {
        let written = self.next_chunk(now) && self.try_constant(prepared, now).is_ok();
        if !written {
            self.lose_at(Loss::NoRoom, now);
        }
        written
    }

    #[inline]
    fn try_constant(&mut self, prepared: &Prepared, now: u64) -> Result<(), NoRoom> {
        let mut space = self.writer.begin()?;
        let place = &mut self.known[prepared.number as usize % KNOWN];
        let definition = known(self.chunks, prepared.number);
        let is_new = *place != definition && prepared.number != 0;
        if is_new && !space.has_room_for_word(SHORT) {
            return Err(NoRoom);
        }
        let packet = space.bytes().first_chunk_mut::<SHORT>().ok_or(NoRoom)?;
        let now = now.max(self.last_ns);
        let begin = usize::from(self.prefix_len % 8);
        packet[..8].copy_from_slice(&self.prefix);
        packet[begin..begin + TEMPLATE_LEN].copy_from_slice(&prepared.template);
        let len = put_varint(packet, begin + prepared.len % (TEMPLATE_LEN + 1), now - self.last_ns);
        packet[1] = len as u8 - 2;
        if is_new {
            space.commit_with(len, &[prepared.number]);
            *place = definition;
        } else {
            space.commit(len);
        }
        self.last_ns = now;
        Ok(())
    }

    /// Writes an event with what it has to say this time: whether it could, and the number of its name.
    fn varying(&mut self, prepared: &Prepared, event: &Event<'_>) -> (bool, u32) {
        let text = event.name.map_or(0, |name| self.intern(name));
        let now = self.now();
        let fits = |longest| Fit { text, now, longest };
        if self.try_varying(prepared, event, fits(usize::MAX)).is_ok() {
            return (true, text);
        }
        (self.varying_elsewhere(prepared, event, fits), text)
    }

    #[cold]
    fn varying_elsewhere(&mut self, prepared: &Prepared, event: &Event<'_>, fits: impl Fn(usize) -> Fit) -> bool {
        let now = fits(0).now;
        if !self.next_chunk(now) {
            self.lose_at(Loss::NoRoom, now);
            return false;
        }
        if self.try_varying(prepared, event, fits(usize::MAX)).is_ok() {
            return true;
        }
        // It is larger than a chunk: each of its texts is cut to its share.
        let shares = event.arguments.len() + 1;
        let longest = self.shared.ring.chunk_len() as usize / 2 / shares;
        let written = self.try_varying(prepared, event, fits(longest)).is_ok();
        match written {
            true => self.info.truncated(),
            false => self.lose_at(Loss::TooLarge, now),
        }
        written
    }

    fn try_varying(&mut self, prepared: &Prepared, event: &Event<'_>, fit: Fit) -> Result<(), NoRoom> {
        let Fit { text, now, longest } = fit;
        let mut space = self.writer.begin()?;
        let mut new = NewDefinitions::default();
        new.add(&self.known, self.chunks, prepared.number, 0);
        new.add(&self.known, self.chunks, text, TEXT);
        let words = size_of_val(&new.words);
        if !space.has_room_for_word(words) {
            return Err(NoRoom);
        }
        let now = now.max(self.last_ns);
        let (prefix, last_ns) = (&self.prefix[2..usize::from(self.prefix_len)], self.last_ns);
        let room = space.bytes().len().checked_sub(words).ok_or(NoRoom)?;
        let packet = Trace::encode(&mut space.bytes()[..room], |trace| {
            trace.add_packet(|packet| {
                packet.raw().encoded(prefix);
                packet.set_sequence_flags(2).set_timestamp(now - last_ns);
                packet.set_track_event(|track_event| {
                    track_event.raw().encoded(prepared.event());
                    match (event.name, text) {
                        (None, _) => {}
                        (Some(name), 0) => {
                            let Cut { text, mark } = Cut::to(name, longest);
                            track_event.raw().string_parts::<{ TrackEvent::NAME_FIELD_NUMBER }>(|mut parts| {
                                parts.push(text);
                                parts.push(mark);
                            });
                        }
                        (Some(_), text) => _ = track_event.set_name_iid(super::call_site::text_iid(text)),
                    }
                    match event.value {
                        Some(CounterValue::Int(value)) => _ = track_event.set_counter_value(value),
                        Some(CounterValue::Double(value)) => _ = track_event.set_double_counter_value(value),
                        None => {}
                    }
                    annotate(track_event, event.site, event.arguments, longest);
                });
            });
        });
        let len = packet.map_err(|_| NoRoom)?.len();
        new.commit(space, len, &mut self.known, self.chunks);
        self.last_ns = now;
        Ok(())
    }

    fn intern(&self, name: &str) -> u32 {
        let number = (name.len() <= LONGEST_INTERNED).then(|| self.shared.intern(name)).flatten();
        if number.is_none() {
            self.info.inlined();
        }
        number.unwrap_or(0)
    }

    /// Goes on in another chunk, if there is one, and begins it with a header.
    #[cold]
    fn next_chunk(&mut self, now: u64) -> bool {
        if !self.writer.take() {
            self.shared.notice_fork();
            return false;
        }
        let Ok(mut space) = self.writer.begin() else { return false };
        let Slices { open, depth, ended, unwritten_ends } = &mut self.slices;
        // A chunk is for events: of slices that are open it lists as many as a quarter has room for.
        let most = self.shared.ring.chunk_len() as usize / 4 / size_of::<Open>();
        let (listed, unlisted) = open[..*depth].split_at_mut((*depth).min(most));
        let begun = listed.iter().filter(|open| open.written == 0).count();
        let recovered = (*unwritten_ends + begun) as u32;
        self.last_ns = if self.chunks == 0 { now } else { self.last_ns };
        let fixed = Fixed {
            thread: self.info.number(),
            serial: self.chunks,
            last_ns: self.last_ns,
            resume_ns: self.last_ns.max(self.lost_ns),
            lost: self.info.lost() - u64::from(recovered),
            ended: *unwritten_ends as u32,
            listed: listed.len() as u32,
            unlisted: unlisted.iter().filter(|open| open.written == 1).count() as u32,
            recovered,
        };
        let Some(len) = header::write(space.bytes(), &fixed, &ended[..*unwritten_ends], listed) else { return false };
        space.commit(len);
        listed.iter_mut().for_each(|open| open.written = 1);
        *unwritten_ends = 0;
        self.info.recovered(recovered);
        self.last_ns = fixed.resume_ns;
        self.chunks += 1;
        self.line = self.shared.clock.line();
        true
    }

    fn lose(&mut self, loss: Loss) {
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
        self.writer.complete();
        self.info.exit(self.chunks);
    }
}

/// How an event is written: with which interned name, when, and how long its texts may be.
#[derive(Clone, Copy, Debug)]
struct Fit {
    text: u32,
    now: u64,
    longest: usize,
}

/// What the table of known definitions has for one that the present chunk lists. Chunks count from 1, so never 0.
#[inline]
fn known(chunks: u32, definition: u32) -> u64 {
    u64::from(chunks) << 32 | u64::from(definition)
}

/// What a packet uses and its chunk does not list yet.
#[derive(Debug, Default)]
struct NewDefinitions {
    words: [u32; 2],
    count: usize,
}

impl NewDefinitions {
    fn add(&mut self, table: &[u64; KNOWN], chunks: u32, number: u32, kind: u32) {
        let definition = number | kind;
        if number != 0 && table[number as usize % KNOWN] != known(chunks, definition) {
            self.words[self.count] = definition;
            self.count += 1;
        }
    }

    fn commit(&self, space: Space<'_>, len: usize, table: &mut [u64; KNOWN], chunks: u32) {
        let words = &self.words[..self.count];
        space.commit_with(len, words);
        for &definition in words {
            table[definition as usize % KNOWN] = known(chunks, definition);
        }
    }
}

/// Writes a varint at `at`; returns where it ends.
#[inline]
fn put_varint<const N: usize>(bytes: &mut [u8; N], mut at: usize, mut value: u64) -> usize {
    while value >= 0x80 {
        bytes[at] = value as u8 | 0x80;
        value >>= 7;
        at += 1;
    }
    bytes[at] = value as u8;
    at + 1
}
