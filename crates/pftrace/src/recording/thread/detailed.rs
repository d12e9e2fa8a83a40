//! Events that say more than a name and annotations, and those that are longer than a short packet: the generated writers write them.

use pftrace_protos::{BuiltinClock, Trace, TrackEvent};
use pftrace_ring::Space;
use pftrace_wire::Error;

use super::packets::{KNOWN_OTHERS, Known, MEDIUM, Packets, lay_out};
use super::tail::{Stamp, Tail};
use super::{MOST_CHUNKS_AT_ONCE, NoRoom, Thread};
use crate::CounterValue;
use crate::recording::argument::{Argument, annotate};
use crate::recording::assemble::{LOCATION, TRACK};
use crate::recording::call_site::{self, CallSite, EVENT_AT, EventKind, NEEDS_STATE, Template};
use crate::recording::detail::{self, Detail, LATEST, MAX_EXTRA_COUNTERS, Own, told_ns};
use crate::recording::marks::{self, Kind, Marks};
use crate::recording::on_tracks::{NAME_LEN, Told};
use crate::recording::put;
use crate::recording::session::Shared;
use crate::recording::slices::{Begun, Token};
use crate::recording::stats::Loss;
use crate::recording::track::TrackRef;
use crate::text::Cut;

/// What a call site has to say this time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event<'e> {
    pub(in crate::recording) site: &'static CallSite,
    /// Its name, where the call site has none.
    pub(in crate::recording) name: Option<&'e str>,
    pub(in crate::recording) arguments: &'e [Argument<'e>],
    pub(in crate::recording) details: &'e [Detail<'e>],
    /// The text of its log message.
    pub(in crate::recording) log: &'e str,
    /// The value of a counter.
    pub(in crate::recording) value: Option<CounterValue>,
    /// Its track, if that is not the thread's.
    pub(in crate::recording) track: Option<TrackRef>,
    /// It did not happen before then, whatever is said.
    pub(in crate::recording) not_before: u64,
    /// What it is to the slice of that number on its track.
    pub(in crate::recording) of_slice: Option<(Kind, u32)>,
}

impl Event<'_> {
    /// Of which nothing is said.
    #[inline]
    pub(in crate::recording) fn of(site: &'static CallSite) -> Self {
        let (arguments, details): (&[Argument<'_>], &[Detail<'_>]) = (&[], &[]);
        Self { site, name: None, arguments, details, log: "", value: None, track: None, not_before: 0, of_slice: None }
    }

    /// The slice that begins with it, at `ns`.
    #[inline]
    fn begun(&self, ns: u64) -> Told<'_> {
        let track = self.track.and_then(TrackRef::number).unwrap_or(0);
        Told { begin_ns: ns, track, site: self.site.template.number().into(), name: self.name.unwrap_or_default() }
    }

    /// All ends are alike, whether their call sites could be registered or not.
    fn template(&self) -> &'static Template {
        if self.site.kind() == EventKind::End { &call_site::END } else { &self.site.template }
    }

    /// Whether it ends what was said to begin in times to come. That is said of the end as well, then: the thread's and the track's time does not go there.
    fn is_ahead_of(&self, now: u64) -> bool {
        /// More than the clocks of two threads differ by.
        const AHEAD: u64 = 1_000_000;
        self.not_before > now.saturating_add(AHEAD)
    }

    /// Whether its log message can be one: the trace processor takes those of threads alone.
    pub(in crate::recording) fn logs(&self) -> bool {
        let has_log = self.details.iter().any(|detail| matches!(detail, Detail::Log(..)));
        has_log && self.track.is_none_or(TrackRef::is_thread)
    }
}

/// When an event happens, on our clock.
#[derive(Clone, Copy, Debug)]
pub(super) enum When {
    Now(u64),
    /// Then, whatever happened since.
    At(u64),
}

/// An event that is not written.
#[derive(Clone, Copy, Debug)]
pub(super) struct NotWritten {
    loss: Loss,
    ns: u64,
}

/// Ends the innermost slice when what is said of its end panics.
struct Unended<'t>(&'t mut Thread);

impl Drop for Unended<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Ends a slice on a track of its own when what is said of its end panics.
struct UnendedOn<'t>(&'t mut Thread, TrackRef, Event<'static>, u32);

impl Drop for UnendedOn<'_> {
    fn drop(&mut self) {
        let Self(thread, track, event, id) = self;
        thread.end_on(*track, event, *id);
    }
}

/// Gives back the place of a slice on a track of its own when what is said of its begin panics.
struct Unbegun<'t>(&'t mut Thread, u32);

impl Drop for Unbegun<'_> {
    fn drop(&mut self) {
        self.0.shared.on_tracks.ended(self.1, 0);
    }
}

impl Thread {
    /// Begins a slice of this thread. Returns what it is known by.
    pub(in crate::recording) fn begin_detailed(&mut self, event: &Event<'_>, guarded: bool) -> Token {
        if !self.prepare(event.site) || self.is_too_deep(guarded) {
            return Token::LOST;
        }
        let result = self.detailed(event);
        self.begun(event, result, guarded)
    }

    /// A slice of this thread has begun, if the event of its begin could be written; without what it says, where that is too large or no message. Returns what it is known by.
    pub(super) fn begun(&mut self, event: &Event<'_>, result: Result<u64, NotWritten>, guarded: bool) -> Token {
        let result = self.or_bare(event, result);
        let ns = self.count(result).unwrap_or_else(|ns| ns);
        let begun = Begun { ns, site: event.site.template.number().into(), written: result.is_ok(), guarded };
        self.push(begun, event)
    }

    /// A slice of this thread is open.
    fn push(&mut self, begun: Begun, event: &Event<'_>) -> Token {
        match told_ns(event.details) {
            Some(_) => self.slices.push_told(begun, event.name),
            None => self.slices.push(begun, event.name),
        }
    }

    /// An event without what it says, where it could not be written with that.
    fn or_bare(&mut self, event: &Event<'_>, result: Result<u64, NotWritten>) -> Result<u64, NotWritten> {
        let Err(NotWritten { loss: Loss::TooLarge | Loss::Malformed, ns }) = result else { return result };
        self.info.truncated();
        self.detailed(&Event { arguments: &[], details: &[Detail::At(ns)], ..*event })
    }

    /// Ends the innermost slice of this thread, and says more of it.
    pub(in crate::recording) fn end_detailed(&mut self, event: &Event<'_>) {
        let stack = self.slices.stack();
        let Some((ending, rest)) = stack.innermost() else { return };
        if !rest.is_written() {
            self.slices.pop(ending, rest);
            return self.lose(Loss::NoRoom);
        }
        let event = Event { not_before: stack.begin_of(ending), ..*event };
        // It is open until it is written: where its end is the first in a chunk, the header says that it is open.
        let unended = Unended(self);
        let result = unended.0.end_in_full(&event);
        core::mem::forget(unended);
        self.slices.pop(ending, rest);
        if let Err(NotWritten { ns, .. }) = result {
            self.end_unwritten(ns.max(self.lost_ns));
        }
    }

    /// An event that is no slice of this thread; a begin without what it says, where that is too large or no message. Returns when it happened. When it is lost, which has been counted:
    /// the same when it had no room, else 0.
    pub(in crate::recording) fn record(&mut self, event: &Event<'_>) -> Result<u64, u64> {
        if !self.prepare(event.site) {
            return Err(0);
        }
        let mut result = self.detailed(event);
        if let Some((Kind::Begin, _)) = event.of_slice {
            result = self.or_bare(event, result);
        }
        let had_room = matches!(result, Err(NotWritten { loss, .. }) if loss != Loss::NoRoom);
        self.count(result).map_err(|ns| if had_room { 0 } else { ns })
    }

    /// Begins a slice on another track than this thread's. Returns when, and its number. When it is lost, as [`record`](Self::record).
    pub(in crate::recording) fn begin_on(&mut self, event: &Event<'_>) -> Result<(u64, u32), u64> {
        let Some(id) = self.shared.on_tracks.take() else {
            self.lose(Loss::TooManyTracks);
            return Err(0);
        };
        let unbegun = Unbegun(self, id);
        let result = unbegun.0.record(&Event { of_slice: Some((Kind::Begin, id)), ..*event });
        core::mem::forget(unbegun);
        match result {
            Ok(ns) => self.shared.on_tracks.begun(id, &event.begun(ns)),
            Err(_) => self.shared.on_tracks.ended(id, 0),
        }
        result.map(|ns| (ns, id))
    }

    /// Ends a slice on another track than this thread's.
    pub(in crate::recording) fn end_on(&mut self, track: TrackRef, event: &Event<'_>, id: u32) {
        let bare = Event { not_before: event.not_before, ..Event::of(event.site) };
        let event = Event { track: Some(track), of_slice: Some((Kind::End, id)), ..*event };
        let unended = UnendedOn(self, track, bare, id);
        let result = unended.0.end_in_full(&event);
        core::mem::forget(unended);
        match result {
            Ok(ns) => self.shared.on_tracks.ended(id, ns),
            Err(_) if self.is_over() => {}
            Err(NotWritten { ns, .. }) => {
                self.shared.end_late(id, ns, self.info.number());
                self.info.recovered(1);
            }
        }
    }

    /// The end of a slice; without what it says, where that is too large. What is not written has been counted.
    fn end_in_full(&mut self, event: &Event<'_>) -> Result<u64, NotWritten> {
        // Without its names it is an end all the same.
        let is_named = event.arguments.is_empty() || event.site.prepare();
        let event = &Event { arguments: if is_named { event.arguments } else { &[] }, ..*event };
        let result = self.detailed(event);
        let result = self.or_bare(event, result);
        _ = self.count(result);
        result
    }

    /// Counts what is lost.
    pub(super) fn count(&mut self, result: Result<u64, NotWritten>) -> Result<u64, u64> {
        result.map_err(|NotWritten { loss, ns }| {
            let now = self.now();
            self.lose_at(loss, now);
            ns
        })
    }

    /// Writes an event in full. Returns when it happened.
    fn detailed(&mut self, event: &Event<'_>) -> Result<u64, NotWritten> {
        if let Some(ns) = told_ns(event.details) {
            return self.in_full(event, When::At(ns.max(event.not_before)));
        }
        let now = self.now();
        if event.is_ahead_of(now) {
            return self.in_full(event, When::At(event.not_before.min(LATEST)));
        }
        let now = self.advance(event, now.max(event.not_before));
        let mut result = self.try_medium(event, now);
        if self.wastes_little() && matches!(result, Err(NoRoom::InChunk)) && self.next_chunk(now) {
            result = self.try_medium(event, now);
        }
        result.or_else(|_| self.in_full(event, When::Now(now)))
    }

    /// What is short and simple, as the plain events are written.
    fn try_medium(&mut self, event: &Event<'_>, now: u64) -> Result<u64, NoRoom> {
        // What can't be told is found out once more in full.
        let words = Words::of(event, &self.packets.known, &self.packets.known_others, self.packets.chunk)
            .map_err(|_| NoRoom::InPacket)?;
        let (tail, last_ns, room) = (self.packets.tail, self.packets.last_ns(), self.room_of(MEDIUM));
        let now = now.max(last_ns);
        let mut space = self.packets.writer.begin()?;
        if !space.has_room_for_words(room, words.count) {
            return Err(NoRoom::InChunk);
        }
        let packet = space.bytes().first_chunk_mut::<MEDIUM>().ok_or(NoRoom::InChunk)?;
        let len = lay_out_event(packet, event, tail, now, Stamp::After(now - last_ns), &self.shared)
            .ok_or(NoRoom::InPacket)?;
        words.commit(space, len, &mut self.packets.known, &mut self.packets.known_others);
        self.packets.set_last_ns(now);
        Ok(now)
    }

    /// Here; in another chunk; cut.
    pub(super) fn in_full(&mut self, event: &Event<'_>, when: When) -> Result<u64, NotWritten> {
        self.try_long(event, when, usize::MAX).or_else(|loss| match loss {
            Loss::NoRoom => self.long_elsewhere(event, when),
            // In another chunk it would be no better, and that chunk would be wasted.
            loss => Err(NotWritten { loss, ns: when.ns() }),
        })
    }

    /// A time that is behind all that has happened on the event's track.
    fn advance(&self, event: &Event<'_>, now: u64) -> u64 {
        match event.track {
            // Values of a counter from several threads may change places by some nanoseconds.
            Some(track) if event.value.is_none() => track.advance(now.max(self.lost_ns)),
            _ => now,
        }
    }

    #[cold]
    fn long_elsewhere(&mut self, event: &Event<'_>, when: When) -> Result<u64, NotWritten> {
        let ns = when.ns();
        let now = if let When::Now(now) = when { now } else { self.now() };
        let chunk_len = self.shared.ring.chunk_len() as usize;
        let mut room = chunk_len / 2;
        for _ in 0..MOST_CHUNKS_AT_ONCE {
            if !self.next_chunk_of(now, room) {
                return Err(NotWritten { loss: Loss::NoRoom, ns });
            }
            if let Ok(ns) = self.try_long(event, when, usize::MAX) {
                return Ok(ns);
            }
            if !self.packets.writer.is_taken() {
                // What is open takes less for once, if it takes so much.
                if self.slices.listing(room).len() <= chunk_len / 4 {
                    break;
                }
                room = chunk_len / 4;
            }
        }
        // It is larger than a chunk: each of its texts is cut to its share.
        let shares = event.arguments.len() + event.details.len() + 1;
        let longest = self.shared.ring.chunk_len() as usize / 2 / shares;
        let result = self.try_long(event, when, longest).map_err(|loss| match loss {
            Loss::NoRoom if !self.packets.writer.is_taken() => NotWritten { loss: Loss::TooLarge, ns },
            loss => NotWritten { loss, ns },
        });
        if result.is_ok() {
            self.info.truncated();
        }
        result
    }

    fn try_long(&mut self, event: &Event<'_>, when: When, longest: usize) -> Result<u64, Loss> {
        let template = event.template();
        let words = Words::of(event, &self.packets.known, &self.packets.known_others, self.packets.chunk)?;
        let last_ns = self.packets.last_ns();
        let mut space = self.packets.writer.begin().map_err(|_| Loss::NoRoom)?;
        let len = space.bytes().len();
        if !space.has_room_for_words(0, words.count) {
            return Err(Loss::NoRoom);
        }
        let room = len - size_of::<u32>() * words.count;
        let (timestamp, clock) = match when {
            When::Now(now) => (now.max(last_ns) - last_ns, None),
            When::At(ns) => (ns, Some(BuiltinClock::BUILTIN_CLOCK_MONOTONIC.value() as u32)),
        };
        let own = Own { body_iid: self.next_body_iid, longest };
        let packet = Trace::encode(&mut space.bytes()[..room], |trace| {
            trace.add_packet(|packet| {
                packet.set_trusted_packet_sequence_id(self.info.sequence());
                packet.set_sequence_flags(NEEDS_STATE).set_timestamp(timestamp);
                if let Some(clock) = clock {
                    packet.set_timestamp_clock_id(clock);
                }
                packet.set_track_event(|track_event| {
                    track_event.raw().encoded(&template.bytes()[EVENT_AT..template.len()]);
                    write(track_event, event, own);
                });
                if event.logs() {
                    packet.set_interned_data(|data| detail::define(data, event, own));
                }
            });
        });
        let len = match packet {
            Ok(packet) => packet.len(),
            Err(Error::Overflow { .. }) => return Err(Loss::NoRoom),
            Err(_) => return Err(Loss::Malformed),
        };
        let ns = if let When::Now(now) = when { now.max(last_ns) } else { when.ns() };
        let len = len
            + put_mark(event.of_slice, || event.begun(ns), &self.shared, &mut space.bytes()[len..room])
                .ok_or(Loss::NoRoom)?;
        words.commit(space, len, &mut self.packets.known, &mut self.packets.known_others);
        self.next_body_iid += 1;
        if let When::Now(_) = when {
            self.packets.set_last_ns(ns);
        }
        Ok(ns)
    }
}

impl Packets {
    /// The number and the [field](TrackRef::field) of a track that the present chunk lists.
    #[inline(always)]
    pub(super) fn listed_track(&self, track: TrackRef) -> Option<(u32, u64)> {
        track.field().filter(|(number, _)| self.lists(TRACK | number))
    }

    /// Whether that is so of all that the details refer to, and they are written as [`put::details`] does.
    #[inline]
    pub(in crate::recording) fn list_details(&self, details: &[Detail<'_>]) -> bool {
        details.iter().all(|detail| match *detail {
            Detail::SourceLocation(location) => location.number().is_some_and(|number| self.lists(LOCATION | number)),
            _ => detail.is_short(),
        })
    }

    #[inline]
    fn lists(&self, word: u32) -> bool {
        lists(word, &self.known, &self.known_others, self.chunk)
    }
}

impl When {
    fn ns(self) -> u64 {
        match self {
            Self::Now(ns) | Self::At(ns) => ns,
        }
    }
}

/// Lays out an event that is short and simple, at `ns`, and what a reader has to know of it; returns how long that is.
fn lay_out_event(
    packet: &mut [u8; MEDIUM],
    event: &Event<'_>,
    tail: Tail,
    ns: u64,
    stamp: Stamp,
    shared: &Shared,
) -> Option<usize> {
    let fill = |packet: &mut [u8; MEDIUM], at| put_event(packet, at, event);
    let len = lay_out(packet, event.template(), tail, stamp, fill)?;
    Some(len + put_mark(event.of_slice, || event.begun(ns), shared, &mut packet[len..])?)
}

/// What an event says behind its template, if that is short and simple; returns where it ends.
#[inline]
fn put_event(packet: &mut [u8; MEDIUM], mut at: usize, event: &Event<'_>) -> Option<usize> {
    if let Some(track) = event.track {
        at = put::track(packet, at, track.uuid(track.number()?))?;
    }
    if let Some(value) = event.value {
        at = put::counter(packet, at, value);
    }
    if let Some(name) = event.name {
        at = put::name(packet, at, name)?;
    }
    at = put::annotations(packet, at, event.site, event.arguments)?;
    put::details(packet, at, event.details)
}

/// Writes what a reader has to know of the slice that begins or ends with an event, on a track of its own, and that `begun` tells of when it begins; returns how long that
/// is. `None` when there is no room.
#[inline(always)]
pub(super) fn put_mark<'e>(
    of_slice: Option<(Kind, u32)>,
    begun: impl FnOnce() -> Told<'e>,
    shared: &Shared,
    room: &mut [u8],
) -> Option<usize> {
    match of_slice {
        Some(of_slice) if shared.marks != Marks::None => put_mark_of(of_slice, begun(), shared, room),
        _ => Some(0),
    }
}

#[inline(never)]
fn put_mark_of((kind, id): (Kind, u32), begun: Told<'_>, shared: &Shared, room: &mut [u8]) -> Option<usize> {
    match (shared.marks, kind) {
        (Marks::Begins, Kind::Begin) => {
            let Cut { text, .. } = Cut::to(begun.name, NAME_LEN);
            marks::write(room, kind, id, Some(&Told { name: text, ..begun }))
        }
        (Marks::Ends, Kind::End) => shared.on_tracks.with(id, |told| marks::write(room, kind, id, Some(told))),
        _ => marks::write(room, kind, id, None),
    }
}

/// The same, whatever it is.
fn write(track_event: &mut TrackEvent<'_>, event: &Event<'_>, own: Own) {
    if let Some((track, number)) = event.track.and_then(|track| Some((track, track.number()?))) {
        track_event.set_track_uuid(track.uuid(number));
    }
    match event.value {
        None => {}
        Some(CounterValue::Int(value)) => _ = track_event.set_counter_value(value),
        Some(CounterValue::Double(value)) => _ = track_event.set_double_counter_value(value),
    }
    if let Some(name) = event.name {
        let Cut { text, mark } = Cut::to(name, own.longest);
        track_event.raw().string_parts::<{ TrackEvent::NAME_FIELD_NUMBER }>(|mut parts| {
            parts.push(text);
            parts.push(mark);
        });
    }
    annotate(track_event, event.site, event.arguments, own.longest);
    detail::write(track_event, event, own);
}

/// How many definitions an event refers to at most: its call site, its track, its place, its counters.
const MOST_WORDS: usize = 3 + MAX_EXTRA_COUNTERS;

/// The definitions that an event refers to and the chunk does not list yet.
#[derive(Debug)]
struct Words {
    words: [u32; MOST_WORDS],
    count: usize,
    /// The present chunk, in the upper half.
    chunk: u64,
}

impl Words {
    fn of(event: &Event<'_>, sites: &Known, others: &[u64; KNOWN_OTHERS], chunk: u64) -> Result<Self, Loss> {
        let mut this = Self { words: [0; MOST_WORDS], count: 0, chunk };
        let mut need = |word: u32| {
            if !lists(word, sites, others, chunk)
                && this.count < MOST_WORDS
                && !this.words[..this.count].contains(&word)
            {
                this.words[this.count] = word;
                this.count += 1;
            }
        };
        need(event.site.template.number().into());
        if let Some(track) = event.track {
            need(TRACK | track.number().ok_or(Loss::TooManyTracks)?);
        }
        for detail in event.details {
            match *detail {
                Detail::SourceLocation(location) => {
                    location.number().into_iter().for_each(|number| need(LOCATION | number))
                }
                Detail::Counters(counters) => {
                    counters.iter().filter_map(|(track, _)| track.number()).for_each(|number| need(TRACK | number));
                }
                _ => {}
            }
        }
        Ok(this)
    }

    /// Commits a packet that refers to them. Most of the time the chunk lists all.
    #[inline]
    fn commit(self, space: Space<'_>, len: usize, sites: &mut Known, others: &mut [u64; KNOWN_OTHERS]) {
        match self.count {
            0 => space.commit(len),
            _ => self.commit_and_list(space, len, sites, others),
        }
    }

    #[cold]
    fn commit_and_list(self, space: Space<'_>, len: usize, sites: &mut Known, others: &mut [u64; KNOWN_OTHERS]) {
        let words = &self.words[..self.count];
        space.commit_with(len, words);
        for &word in words {
            match place(word) {
                Place::Site(number) => sites.add(number),
                Place::Other(place) => others[place] = listed(word, self.chunk),
            }
        }
    }
}

/// Whether the present chunk lists a definition.
#[inline]
fn lists(word: u32, sites: &Known, others: &[u64; KNOWN_OTHERS], chunk: u64) -> bool {
    match place(word) {
        // An end of which nothing is said is of no call site.
        Place::Site(number) => number == 0 || sites.lists(number),
        Place::Other(place) => others[place] == listed(word, chunk),
    }
}

/// What a place of the table of others holds while that chunk lists a definition.
fn listed(word: u32, chunk: u64) -> u64 {
    chunk | u64::from(word)
}

/// Where a definition is known.
enum Place {
    /// A call site's, by its number.
    Site(u16),
    /// In the table of others.
    Other(usize),
}

#[inline]
fn place(word: u32) -> Place {
    match u16::try_from(word) {
        Ok(number) if word < TRACK.min(LOCATION) => Place::Site(number),
        _ => Place::Other((word ^ word >> 20) as usize % KNOWN_OTHERS),
    }
}
