//! Events on tracks of their own, and ends of slices that say something, the short way: `None` says that it is to be recorded in full.

use pftrace_ring::ROOM;

use super::Thread;
use super::detailed::put_mark;
use super::packets::Time;
use crate::recording::call_site::{self, CallSite, Head};
use crate::recording::marks::Kind;
use crate::recording::on_tracks::Told;
use crate::recording::slices::{Ending, Rest, Stack, Token};
use crate::recording::track::TrackRef;
use crate::recording::typed::{Annotations, On};

type Packet = [u8; ROOM];

impl Thread {
    /// An instant, a state, or the value of a counter. Values from several threads may change places by some nanoseconds.
    #[inline(always)]
    pub(in crate::recording) fn try_moment_on<'a>(
        &mut self,
        packet: &mut Packet,
        site: &CallSite,
        track: TrackRef,
        name: Option<&str>,
        said: impl Annotations<'a>,
        is_value: bool,
    ) -> Option<(usize, ())> {
        let head = self.packets.listed_with(&site.template, said)?;
        let (_, field) = self.packets.listed_track(track)?;
        let time = if is_value { self.packets.time_of(said) } else { self.time_on(track, 0, said)? };
        let said = On(field, said);
        let len = self.packets.put_varying(packet, (&site.template, head), site, name, said, time)?;
        self.packets.happened(time);
        Some((len, ()))
    }

    /// The begin of a slice. Says when, and its number.
    #[inline(always)]
    pub(in crate::recording) fn try_begin_on<'a>(
        &mut self,
        packet: &mut Packet,
        site: &CallSite,
        track: TrackRef,
        name: Option<&str>,
        annotations: impl Annotations<'a>,
    ) -> Option<(usize, (u64, u32))> {
        let head = self.packets.listed_with(&site.template, annotations)?;
        let (number, field) = self.packets.listed_track(track)?;
        let id = self.shared.on_tracks.take()?;
        let mut begin = || {
            let time = self.time_on(track, 0, annotations)?;
            let said = On(field, annotations);
            let len = self.packets.put_varying(packet, (&site.template, head), site, name, said, time)?;
            let begin_ns = self.packets.ns_of_time(time);
            let told = Told { begin_ns, track: number, site: head.number().into(), name: name.unwrap_or_default() };
            let len = len + put_mark(Some((Kind::Begin, id)), || told, &self.shared, &mut packet[len..])?;
            self.packets.happened(time);
            Some((len, told))
        };
        match begin() {
            Some((len, told)) => {
                self.shared.on_tracks.begun(id, &told);
                Some((len, (told.begin_ns, id)))
            }
            None => {
                self.shared.on_tracks.ended(id, 0);
                None
            }
        }
    }

    /// The end of the slice of that number, which did not begin later than that.
    #[inline(always)]
    pub(in crate::recording) fn try_end_on<'a>(
        &mut self,
        packet: &mut Packet,
        site: &CallSite,
        track: TrackRef,
        annotations: impl Annotations<'a>,
        (id, not_before): (u32, u64),
    ) -> Option<(usize, ())> {
        let (_, field) = self.packets.listed_track(track)?;
        let head = self.end_head(site, annotations)?;
        let time = self.time_on(track, not_before, annotations)?;
        let said = On(field, annotations);
        let len = self.packets.put_varying(packet, (&call_site::END, head), site, None, said, time)?;
        let len = len + put_mark(Some((Kind::End, id)), Told::default, &self.shared, &mut packet[len..])?;
        self.packets.happened(time);
        self.shared.on_tracks.ended(id, self.packets.ns_of_time(time));
        Some((len, ()))
    }

    /// The end of the slice of this thread that is known by that, if it is the innermost.
    #[inline(always)]
    pub(in crate::recording) fn try_end_with<'a>(
        &mut self,
        packet: &mut Packet,
        stack: &Stack,
        site: &CallSite,
        token: Token,
        annotations: impl Annotations<'a>,
    ) -> Option<(usize, ())> {
        let ending = stack.known_innermost(token)?;
        self.try_end_saying(packet, stack, site, ending, annotations)
    }

    /// The end of the innermost slice of this thread, if it is of that category and no guard's.
    #[inline(always)]
    pub(in crate::recording) fn try_end_of_with<'a>(
        &mut self,
        packet: &mut Packet,
        stack: &Stack,
        site: &CallSite,
        annotations: impl Annotations<'a>,
    ) -> Option<(usize, ())> {
        let ending = self.innermost_of(stack, site.category())?;
        self.try_end_saying(packet, stack, site, ending, annotations)
    }

    #[inline(always)]
    fn try_end_saying<'a>(
        &mut self,
        packet: &mut Packet,
        stack: &Stack,
        site: &CallSite,
        (ending, rest): (Ending, Rest),
        annotations: impl Annotations<'a>,
    ) -> Option<(usize, ())> {
        let head = self.end_head(site, annotations)?;
        if annotations.told_ns().is_some() {
            return None;
        }
        let time = self.packets.time_of(annotations);
        let len = self.packets.put_varying(packet, (&call_site::END, head), site, None, annotations, time)?;
        self.packets.happened(time);
        stack.end(ending);
        self.slices.ended(rest);
        Some((len, ()))
    }

    /// When what is said happens on a track, but not before that: now only if it is behind all that has happened on it.
    #[inline(always)]
    fn time_on<'a>(&self, track: TrackRef, not_before: u64, said: impl Annotations<'a>) -> Option<Time> {
        let time = self.packets.time_of(said);
        let Time::Now(now) = time else { return Some(Time::Told(self.packets.ns_of_time(time).max(not_before))) };
        let ns = self.packets.ns_of(now);
        let is_possible = self.packets.is_soon(now) && ns >= not_before;
        (is_possible && track.try_advance(ns)).then_some(time)
    }

    /// What an end begins with, if the chunk lists what its annotations refer to.
    #[inline(always)]
    fn end_head<'a>(&self, site: &CallSite, annotations: impl Annotations<'a>) -> Option<Head> {
        if !annotations.is_empty() {
            self.packets.listed(&site.template)?;
        }
        annotations.is_listed(&self.packets).then(|| call_site::END.head())
    }
}
