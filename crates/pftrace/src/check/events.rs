//! Reads `TrackEvent`.

mod annotation;
mod json;
mod read;

use pftrace_protos::InternedData;
use pftrace_protos::track_event::Type;

use self::read::{Extra, Said};
use super::clocks::{Clocks, Time};
use super::extensions::Extensions;
use super::finding::{Kind, Report};
use super::legacy::Legacy;
use super::names::Names;
use super::sequence::Sequence;
use super::slices::Event;
use super::summary::Summary;
use super::tracks::Tracks;

/// More values of extra counters Perfetto does not take, of both kinds together.
const MAX_EXTRA_COUNTERS: u32 = 8;

/// What an event is held against.
pub(super) struct Around<'s> {
    pub(super) sequence: &'s mut Sequence,
    pub(super) tracks: &'s mut Tracks,
    pub(super) clocks: &'s mut Clocks,
    pub(super) names: &'s mut Names,
    pub(super) summary: &'s mut Summary,
    pub(super) extensions: &'s mut Extensions,
    /// From when to when there are events of its machine.
    pub(super) span_ns: &'s mut Option<(i64, i64)>,
}

const BEGIN: u64 = Type::TYPE_SLICE_BEGIN.value() as u64;
const END: u64 = Type::TYPE_SLICE_END.value() as u64;
const INSTANT: u64 = Type::TYPE_INSTANT.value() as u64;
const COUNTER: u64 = Type::TYPE_COUNTER.value() as u64;
const STATE: u64 = Type::TYPE_STATE.value() as u64;

impl Around<'_> {
    /// Reads an event. `time` is its packet's, if it says one.
    pub(super) fn event(&mut self, bytes: &[u8], time: Option<Time>, report: &mut Report<'_>) {
        let mut said = Said::default();
        self.read(bytes, &mut said, report);
        // Of the value of a counter, the phase does not matter.
        let mut legacy = said.legacy.filter(|_| said.kind != COUNTER).map(|legacy| Legacy::read(legacy, report));
        if let Some(iid) = legacy.map(|legacy| legacy.name_iid).filter(|iid| *iid != 0 && !said.has_name_iid) {
            let name =
                self.sequence.interned.resolve(InternedData::EVENT_NAMES_FIELD_NUMBER, iid, "LegacyEvent", report);
            said.name = name.unwrap_or_default();
        }
        let is_legacy = legacy.is_some_and(|legacy| legacy.phase.is_some());
        self.count(&said, is_legacy, report);
        let time = if said.has_own_time() { self.own_time(&said, time, report) } else { time };
        let Some(time) = time else {
            return report.say(Kind::NoTimestamp, format_args!("expected an event to have a timestamp, found none"));
        };
        if matches!(time, Time::Lost) {
            return;
        }
        if let Time::At(at) = time {
            self.pass(at, report);
        }
        let uuid = said.track.or(self.sequence.default_track);
        self.counters(&said, uuid, report);
        let number = match uuid {
            Some(uuid) if uuid != 0 => self.tracks.number(uuid),
            _ => self.default_number(&said, legacy.as_ref()),
        };
        self.tracks.used(number, report.place);
        if said.is_logged {
            self.tracks.logged(number, report.place);
        }
        if let Some(legacy) = &mut legacy {
            legacy.set_name(said.name.hash);
            legacy.judge(said.has_annotation, report);
            if legacy.needs_thread() {
                self.tracks.threaded(number, report.place);
            }
            if legacy.needs_process() {
                self.tracks.processed(number, report.place);
            }
        }
        if is_legacy {
            return self.tracks.give_up(number, report, format_args!("events of the JSON format are on it"));
        }
        if said.kind == BEGIN || said.kind == END {
            match time {
                Time::At(at) => {
                    let event = Event::new(at, report.place, said.kind == END, said.name, said.category.text());
                    self.tracks.slice(number, event, self.names, report);
                }
                _ => self.tracks.give_up(number, report, format_args!("the time of an event on it is not known")),
            }
        }
    }

    /// The time that an event of the old style says, of CLOCK_MONOTONIC; else its packet's.
    #[cold]
    fn own_time(&mut self, said: &Said<'_>, time: Option<Time>, report: &mut Report<'_>) -> Option<Time> {
        let sequence = &mut self.sequence;
        if sequence.reference_ns.is_none() && (said.delta_us.is_some() || said.has_thread_delta) {
            report.say(Kind::DeltaNoThread, format_args!(
                "expected a ThreadDescriptor since the sequence's state began before a time that is a difference, found none"
            ));
            return Some(Time::Lost);
        }
        let ns = match (said.delta_us, &mut sequence.reference_ns) {
            (Some(delta), Some(reference)) => {
                *reference = reference.saturating_add(delta.saturating_mul(1_000));
                *reference
            }
            _ if said.absolute_us != 0 => said.absolute_us.saturating_mul(1_000),
            _ => return time,
        };
        if ns < 0 {
            report.say(Kind::NegativeTimestamp, format_args!("expected a time above 0, found {ns} ns"));
            return Some(Time::Lost);
        }
        Some(Time::At(self.clocks.monotonic(ns, report.place)))
    }

    /// The track of an event that says none, or 0: where its sequence has a thread, that is it, for an event of the old style.
    #[inline]
    fn default_number(&mut self, said: &Said<'_>, legacy: Option<&Legacy>) -> usize {
        let overridden = legacy.is_some_and(Legacy::overrides_thread);
        match self.sequence.thread {
            _ if said.track.is_some() && said.kind != 0 && !overridden => self.tracks.number(0),
            None if !overridden => {
                self.sequence.uses_thread = true;
                self.tracks.number(0)
            }
            thread => {
                self.sequence.uses_thread |= !overridden;
                let (pid, tid) = thread.unwrap_or_default();
                let (pid, tid) = legacy.map_or((pid, tid), |legacy| legacy.thread(pid, tid));
                self.tracks.thread_number(pid, tid)
            }
        }
    }

    /// `has_phase`: it is an event of the JSON format.
    #[inline]
    fn count(&mut self, said: &Said<'_>, has_phase: bool, report: &mut Report<'_>) {
        let events = &mut self.summary.events;
        match said.kind {
            BEGIN => events.begins += 1,
            END => events.ends += 1,
            INSTANT => events.instants += 1,
            COUNTER => events.counters += 1,
            STATE => events.states += 1,
            _ => events.others += 1,
        }
        if said.kind == BEGIN || said.kind == INSTANT {
            self.names.event(said.name.name);
        }
        if has_phase && report.ledger.counts[Kind::Legacy as usize] == 0 {
            report.say(
                Kind::Legacy,
                format_args!("events of the JSON format: whether their slices match is not checked"),
            );
        }
        if !has_phase && !(BEGIN..=STATE).contains(&said.kind) {
            report.say(
                Kind::EventNoType,
                format_args!(
                    "expected a type of {BEGIN} to {STATE}, or a phase of the JSON format, found type {}",
                    said.kind
                ),
            );
        }
    }

    /// Time goes on.
    #[inline]
    fn pass(&mut self, at: i64, report: &mut Report<'_>) {
        let (first, last) = self.span_ns.get_or_insert((at, at));
        (*first, *last) = ((*first).min(at), (*last).max(at));
        let before = self.sequence.last_ns;
        self.sequence.last_ns = at;
        if at < before && !self.sequence.has_gone_back {
            self.sequence.has_gone_back = true;
            report.say(
                Kind::TimeBack,
                format_args!("an event at {at} ns after one at {before} ns; told once per sequence"),
            );
        }
    }

    #[inline]
    fn counters(&mut self, said: &Said<'_>, uuid: Option<u64>, report: &mut Report<'_>) {
        if said.kind == COUNTER {
            match uuid {
                None | Some(0) => report.say(
                    Kind::CounterNoTrack,
                    format_args!("expected the value of a counter to have a track, found none"),
                ),
                Some(uuid) => {
                    let number = self.tracks.number(uuid);
                    self.tracks.counted(number, report.place, report);
                }
            }
            match said.value {
                Some(value) => number(value, report),
                None => report
                    .say(Kind::CounterNoValue, format_args!("expected a counter event to have a value, found none")),
            }
        }
        if said.value.is_some() && matches!(said.kind, BEGIN..=INSTANT | STATE) {
            report.say(
                Kind::ValueNoCounter,
                format_args!("expected the value of a counter in an event of type {COUNTER}, found type {}", said.kind),
            );
        }
        if said.has_flow && matches!(said.kind, COUNTER | STATE) {
            report.say(
                Kind::FlowNoSlice,
                format_args!("expected flows on slices and instants, found them on a counter's value or a state"),
            );
        }
        if said.kind == STATE && uuid.is_none_or(|uuid| uuid == 0) {
            report.say(Kind::StateNoTrack, format_args!("expected a state to have a track, found none"));
        }
        let extra_values = said.extra.values + said.extra_double.values;
        if extra_values > MAX_EXTRA_COUNTERS {
            return report.say(
                Kind::ExtraCounters,
                format_args!(
                    "expected at most {MAX_EXTRA_COUNTERS} extra counter values, whole numbers and others together, found {extra_values}"
                ),
            );
        }
        if said.extra.values > 0 {
            extra(&said.extra, &self.sequence.default_extra, "", self.tracks, report);
        }
        if said.extra_double.values > 0 {
            extra(&said.extra_double, &self.sequence.default_extra_double, "double ", self.tracks, report);
        }
    }
}

/// That the value of a counter is a number. Infinite ones are shown.
#[inline]
fn number(value: f64, report: &mut Report<'_>) {
    if value.is_nan() {
        report.say(Kind::CounterNan, format_args!("expected a number as the value of a counter, found {value}"));
    }
}

fn extra(extra: &Extra, default: &[u64], what: &str, tracks: &mut Tracks, report: &mut Report<'_>) {
    let values = extra.values;
    let uuids = if extra.tracks.is_empty() { default } else { &extra.tracks };
    for uuid in uuids.iter().take(values as usize) {
        let number = tracks.number(*uuid);
        tracks.counted(number, report.place, report);
    }
    let found = uuids.len();
    if found < values as usize {
        report.say(
            Kind::ExtraCounters,
            format_args!("expected a track for each of {values} extra {what}counter values, found {found}"),
        );
    }
}
