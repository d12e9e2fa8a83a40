//! Slices on tracks of their own: of which the begin or the end is not among what is written.
//!
//! The begin and the end of such a slice can be of two threads, and so in chunks that are written over, or go to a connection, apart from each other. An end that
//! closes nothing would end whatever lies around it, and a begin whose end is gone would hold all that comes later: chunks say by
//! [marks](super::super::marks) which belong together.

use std::collections::HashMap;
use std::vec::Vec;

use foldhash::fast::FixedState;
use pftrace_protos::BuiltinClock;
use pftrace_protos::track_event::Type;
use pftrace_ring::Chunk;

use super::{Assembler, Kind, Numbers, SEQUENCE, add, append};
use crate::recording::call_site::CallSite;
use crate::recording::header::Header;
use crate::recording::marks::{self, Mark};
use crate::recording::on_tracks::{Entry, MAX_OPEN_TRACK_SLICES, OnTrack, State};
use crate::recording::pieces::LEAST_PIECE;
use crate::recording::session::Shared;
use crate::recording::track::TrackRef;

/// How slices on tracks are made whole.
#[derive(Debug)]
pub(in crate::recording) enum Pairs {
    /// All that is recorded is written, once, to one sink: they are.
    Whole,
    Snapshot(Snapshot),
    Connections(Connections),
}

/// What is open, and which begins and ends there are in a snapshot.
#[derive(Debug)]
pub(in crate::recording) struct Snapshot {
    places: Vec<Option<Found>>,
    /// Of slices of which no place knows any more, those of which only the begin or only the end is there.
    alone: Numbers,
    asked_ns: u64,
    /// The number of the slice that began next.
    next: u32,
}

/// What a place says, and what there is of that slice.
#[derive(Debug)]
struct Found {
    entry: Entry,
    begin: bool,
    end: bool,
}

impl Snapshot {
    /// What is open now, just after the chunks were taken, which was asked for at `asked_ns`.
    pub(in crate::recording) fn look(shared: &Shared, asked_ns: u64) -> Self {
        // What begins while the places are looked at, one by one, would be there without the end of what had its lane before.
        let next = shared.on_tracks.next();
        let found = |entry| Found { entry, begin: false, end: false };
        let places = shared.on_tracks.entries().map(|entry| entry.map(found)).collect();
        Self { places, alone: Numbers::default(), asked_ns, next }
    }

    /// What is in a chunk that will be written.
    pub(in crate::recording) fn count(&mut self, chunk: &Chunk<'_>) {
        let Some((_, packets)) = Header::read(chunk.bytes()).filter(|_| on_tracks(chunk)) else { return };
        for mark in marks::packets(packets).flatten().filter_map(|(_, mark)| mark) {
            if let Some(found) = self.place(mark.id) {
                *(if mark.kind == Kind::Begin { &mut found.begin } else { &mut found.end }) = true;
            } else if !self.alone.remove(&mark.id.into()) {
                self.alone.insert(mark.id.into());
            }
        }
    }

    /// What the place of a slice says, if it is still that slice's.
    fn place(&mut self, id: u32) -> Option<&mut Found> {
        let place = self.places.get_mut((id % MAX_OPEN_TRACK_SLICES) as usize)?;
        place.as_mut().filter(|found| found.entry.id == id)
    }

    /// Whether the begin of a slice is written, which is there: not when it has ended, and nobody knows when.
    fn writes_begin(&mut self, id: u32) -> bool {
        self.place(id).is_some() || !self.alone.contains(&id.into())
    }

    /// Whether the begin of a slice is there, whose end is.
    fn has_begin(&mut self, id: u32) -> bool {
        match self.place(id) {
            Some(found) => found.begin,
            None => !self.alone.contains(&id.into()),
        }
    }
}

impl Found {
    /// Whether its begin has been written over and it was open at the end of the snapshot, so far as can be told.
    fn begins_again(&self, asked_ns: u64, next: u32) -> bool {
        let Entry { id, state, end_ns, .. } = self.entry;
        let has_begun = state != State::Taken && (id.wrapping_sub(next) as i32) < 0;
        let has_ended = state == State::Free && end_ns < asked_ns;
        !self.begin && !self.end && has_begun && !has_ended
    }

    /// When it ended, if that has been written over, or comes just after the chunks were taken.
    fn end_ns(&self) -> Option<u64> {
        let is_missing = !self.end && self.entry.state == State::Free && self.entry.end_ns != 0;
        is_missing.then_some(self.entry.end_ns)
    }
}

/// What has gone to connections.
#[derive(Debug, Default)]
pub(in crate::recording) struct Connections {
    /// The slices whose begin has been read, and whose end has not.
    open: HashMap<u32, OnTrack, FixedState>,
    /// Those whose end has been read, and whose begin has not: it is in a chunk that its thread still has.
    ended: Numbers,
    /// The same, whose end has gone to a connection before.
    ended_before: Numbers,
}

impl Connections {
    /// The begin of a slice has been read. Whether it is written.
    fn begin(&mut self, id: u32, slice: OnTrack) -> bool {
        if self.ended_before.remove(&id.into()) {
            return false;
        }
        if !self.ended.remove(&id.into()) {
            self.open.insert(id, slice);
        }
        true
    }

    fn end(&mut self, id: u32) {
        if self.open.remove(&id).is_none() {
            self.ended.insert(id.into());
        }
    }

    /// What comes goes to another connection.
    fn lose(&mut self) {
        for id in self.ended.iter() {
            self.ended_before.insert(*id);
        }
        self.ended.clear();
    }
}

/// Whether there are events on tracks in a chunk: only then it has marks.
fn on_tracks(chunk: &Chunk<'_>) -> bool {
    chunk.words().any(|word| word & super::TRACK != 0)
}

impl Assembler {
    /// The packets of a chunk; and what makes its slices on tracks whole. Returns those that are not copied.
    pub(super) fn packets<'c>(&mut self, chunk: &Chunk<'_>, packets: &'c [u8], out: &mut Vec<u8>) -> &'c [u8] {
        if matches!(self.pairs, Pairs::Whole) || !on_tracks(chunk) {
            if packets.len() >= LEAST_PIECE && !self.keeps {
                return packets;
            }
            out.extend_from_slice(packets);
            return &[];
        }
        for packet in marks::packets(packets) {
            let written = match packet {
                Ok((packet, Some(mark))) => self.marked(packet, &mark, out),
                Ok((packet, None)) => {
                    out.extend_from_slice(packet);
                    Some(())
                }
                Err(marks::Corrupt) => None,
            };
            if written.is_none() {
                self.delivered.corrupt += 1;
                break;
            }
        }
        &[]
    }

    fn marked(&mut self, packet: &[u8], mark: &Mark, out: &mut Vec<u8>) -> Option<()> {
        let mut is_written = true;
        let mut again = None;
        match (&mut self.pairs, mark.kind) {
            (Pairs::Whole, _) => {}
            (Pairs::Snapshot(snapshot), Kind::Begin) => is_written = snapshot.writes_begin(mark.id),
            (Pairs::Snapshot(snapshot), Kind::End) => again = mark.slice.filter(|_| !snapshot.has_begin(mark.id)),
            (Pairs::Connections(connections), Kind::Begin) => {
                is_written = mark.slice.is_none_or(|slice| connections.begin(mark.id, slice));
            }
            (Pairs::Connections(connections), Kind::End) => connections.end(mark.id),
        }
        if let Some(slice) = again {
            self.begin_on_track(&slice, out);
        }
        match is_written {
            true => out.extend_from_slice(packet),
            false => marks::without_event(packet, out)?,
        }
        Some(())
    }

    /// A new connection: what is open on tracks is begun again there.
    pub(in crate::recording) fn connected(&mut self, out: &mut Vec<u8>) {
        let Pairs::Connections(connections) = &mut self.pairs else { return };
        connections.lose();
        let mut open = Vec::new();
        for slice in connections.open.values() {
            open.push(*slice);
        }
        open.iter().for_each(|slice| self.begin_on_track(slice, out));
    }

    /// What a snapshot has beside its chunks: slices that are open, and ends that were written over.
    pub(in crate::recording) fn rest(&mut self, out: &mut Vec<u8>) {
        let Pairs::Snapshot(Snapshot { places, asked_ns, next, .. }) = &mut self.pairs else { return };
        let (places, asked_ns, next) = (core::mem::take(places), *asked_ns, *next);
        for found in places.iter().flatten() {
            let begins_again = found.begins_again(asked_ns, next);
            if begins_again {
                self.begin_on_track(&found.entry.slice, out);
            }
            if let Some(end_ns) = found.end_ns().filter(|_| begins_again || found.begin) {
                self.end_on_track(found.entry.slice.track, end_ns, out);
            }
        }
    }

    /// Ends of slices that had no room, at the time at which they ended.
    pub(in crate::recording) fn late_ends(&mut self, shared: &Shared, out: &mut Vec<u8>) {
        for end in shared.on_tracks.take_late() {
            if let Pairs::Connections(connections) = &mut self.pairs {
                connections.end(end.id);
            }
            let begin = out.len();
            self.end_on_track(end.slice.track, end.end_ns, out);
            if self.sequence(shared, end.thread, out) {
                add(&shared.gathered, 1);
                self.gather(end.thread, 1, out, begin, 0);
            }
        }
    }

    /// The begin of a slice, as it was but for its annotations.
    fn begin_on_track(&mut self, slice: &OnTrack, out: &mut Vec<u8>) {
        let (told, site) = (slice.told(), CallSite::of_number(slice.site));
        let name = site.and_then(CallSite::name).unwrap_or(told.name);
        let category = site.filter(|site| site.has_category()).map(|site| site.category().name());
        self.describe_track(slice.track, out);
        self.on_track(slice.track, slice.begin_ns, out, &|event| {
            event.set_type(Type::TYPE_SLICE_BEGIN).set_name(name);
            category.into_iter().for_each(|category| _ = event.add_categories(category));
        });
    }

    fn end_on_track(&mut self, track: u32, end_ns: u64, out: &mut Vec<u8>) {
        self.on_track(track, end_ns, out, &|event| _ = event.set_type(Type::TYPE_SLICE_END));
    }

    /// An event on a track, on the reader's own sequence.
    fn on_track(
        &mut self,
        number: u32,
        ns: u64,
        out: &mut Vec<u8>,
        fill: &dyn Fn(&mut pftrace_protos::TrackEvent<'_>),
    ) {
        let Some(track) = TrackRef::of_number(number) else { return };
        self.delivered.packets += 1;
        append(SEQUENCE, out, &|packet| {
            packet.set_timestamp(ns).set_timestamp_clock_id(BuiltinClock::BUILTIN_CLOCK_MONOTONIC.value() as u32);
            packet.set_track_event(|event| {
                event.set_track_uuid(track.uuid(number));
                fill(event);
            });
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::on_tracks::Told;

    fn slice() -> OnTrack {
        OnTrack::of(&Told { begin_ns: 1, track: 2, site: 3, name: "" })
    }

    /// What is asked for at 100, while the slice 50 is the next to begin.
    #[test]
    fn what_is_written_beside_the_chunks() {
        let of = |id, state, end_ns, begin, end| {
            let entry = Entry { id, state, slice: slice(), end_ns, thread: 0 };
            let found = Found { entry, begin, end };
            let begins_again = found.begins_again(100, 50);
            (begins_again, found.end_ns().filter(|_| begins_again || begin))
        };
        // Open: its begin was written over, is there, or both are.
        assert_eq!(of(7, State::Open, 0, false, false), (true, None));
        assert_eq!(of(7, State::Open, 0, true, false), (false, None));
        assert_eq!(of(7, State::Open, 0, true, true), (false, None));
        // Begun after the chunks were taken; being begun.
        assert_eq!(of(50, State::Open, 0, false, false), (false, None));
        assert_eq!(of(50, State::Free, 120, false, false), (false, None));
        assert_eq!(of(7, State::Taken, 0, false, false), (false, None));
        // Ended: long ago, just after; its end was written over; nothing is missing; the end alone, which is a chunk's to make whole.
        assert_eq!(of(7, State::Free, 99, false, false), (false, None));
        assert_eq!(of(7, State::Free, 101, false, false), (true, Some(101)));
        assert_eq!(of(7, State::Free, 99, true, false), (false, Some(99)));
        assert_eq!(of(7, State::Free, 99, true, true), (false, None));
        assert_eq!(of(7, State::Free, 101, false, true), (false, None));
        // Its begin had no room, and never was.
        assert_eq!(of(7, State::Free, 0, false, false), (false, None));
        // Numbers come round.
        assert_eq!(of(u32::MAX, State::Open, 0, false, false), (true, None));
    }

    #[test]
    fn an_end_may_be_read_before_its_begin() {
        let mut connections = Connections::default();
        assert!(connections.begin(1, slice()));
        connections.end(1);
        // Of the same connection: both are written, and nothing is open.
        connections.end(2);
        assert!(connections.begin(2, slice()) && connections.open.is_empty());
        // The end went to another connection: the begin would be open for ever.
        connections.end(3);
        connections.lose();
        assert!(!connections.begin(3, slice()) && connections.open.is_empty());
        assert!(connections.begin(4, slice()) && connections.open.len() == 1);
    }
}
