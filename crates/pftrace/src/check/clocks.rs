//! What time it is: clocks, what snapshots say of them, and timestamps that are differences.

use std::vec::Vec;

use pftrace_protos::clock_snapshot::Clock;
use pftrace_protos::{BuiltinClock, ClockSnapshot};
use smallvec::SmallVec;

use super::finding::{Kind, Place, Report};
use super::packet::odd_field;
use super::relations::Relations;
use super::service::{CLIENT_CLOCKS, HOST_CLOCKS, SYNCED_CLOCKS};
use super::wire::{Fields, Value};
use super::{HASHER, Map, map, schema};

/// Readings of two machines that are further apart are of two rounds.
const ROUND_NS: u64 = 30_000_000_000;

const BOOTTIME: u32 = BuiltinClock::BUILTIN_CLOCK_BOOTTIME.value() as u32;
const MONOTONIC: u32 = BuiltinClock::BUILTIN_CLOCK_MONOTONIC.value() as u32;

/// Ids of clocks that belong to a sequence.
const SEQUENCE_CLOCKS: core::ops::RangeInclusive<u32> = 64..=127;

/// What a timestamp says.
#[derive(Clone, Copy, Debug)]
pub(super) enum Time {
    /// Nanoseconds of the trace's clock.
    At(i64),
    /// Its clock is not yet, or not directly, related to the trace's.
    Unknown,
    /// Perfetto drops the packet: this has been told.
    Lost,
}

/// The clocks of a trace.
#[derive(Debug)]
pub(super) struct Clocks {
    known: Map<(u32, u32), usize>,
    /// The sequence's clock that was asked for last.
    last: ((u32, u32), usize),
    states: Vec<State>,
    /// Of the states, by their index.
    relations: Relations,
    trace_clock: u32,
    /// By how much it is ahead of the service's machine.
    pub(super) offset_ns: i64,
    /// A timestamp has been related to the trace's clock.
    frozen: bool,
    any_snapshot: bool,
    /// What each clock read last in a snapshot of the same clocks: between others it may go back.
    last_in_set: Map<(u64, usize), i64>,
    /// The first time of CLOCK_MONOTONIC that was taken for the trace's.
    taken: Option<(Place, u64)>,
}

#[derive(Debug)]
struct State {
    id: u32,
    /// What its first snapshot said of it.
    terms: Option<(u64, bool)>,
    /// Its last reading, in nanoseconds of its own; of an incremental one the last time of a packet.
    ns: i64,
    last_snapshot_ns: i64,
    /// From where to where it went back between two snapshots: from then on Perfetto converts no timestamp of it.
    went_back: Option<(i64, i64)>,
    /// The first timestamp of it that could not be related.
    unresolved: Option<(Place, u64)>,
}

/// A reading in a snapshot.
#[derive(Clone, Copy, Debug, Default)]
struct Reading {
    id: u32,
    timestamp: u64,
    incremental: bool,
    multiplier: u64,
}

impl Clocks {
    pub(super) fn new() -> Self {
        Self {
            known: map(),
            last: ((0, 0), 0),
            states: Vec::new(),
            relations: Relations::new(),
            trace_clock: BOOTTIME,
            offset_ns: 0,
            frozen: false,
            any_snapshot: false,
            last_in_set: map(),
            taken: None,
        }
    }

    /// The time of a packet, by its clock or its sequence's.
    #[inline]
    pub(super) fn time(&mut self, sequence: u32, clock: Option<u32>, timestamp: u64, report: &mut Report<'_>) -> Time {
        let Some(id) = clock.filter(|id| *id != 0) else { return plain(timestamp, report) };
        if SEQUENCE_CLOCKS.contains(&id) {
            return self.sequence_time(sequence, id, timestamp, report);
        }
        if id == self.trace_clock {
            self.frozen = true;
            return plain(timestamp, report);
        }
        let index = self.index(0, id);
        let state = &mut self.states[index];
        let multiplier = state.terms.map_or(1, |(multiplier, _)| multiplier);
        let Some(ns) = scaled(timestamp, multiplier) else { return negative(timestamp, report) };
        self.related(index, ns, report)
    }

    #[inline]
    fn sequence_time(&mut self, sequence: u32, id: u32, timestamp: u64, report: &mut Report<'_>) -> Time {
        let index =
            if self.last.0 == (sequence, id) { Some(self.last.1) } else { self.known.get(&(sequence, id)).copied() };
        let state = index.map(|index| (&mut self.states[index], index)).filter(|(state, _)| state.terms.is_some());
        let Some((state, index)) = state else {
            let say = "expected a snapshot of its clock on its own sequence before it, found none of clock";
            report.say(Kind::ClockUnknown, format_args!("{say} {id}"));
            return Time::Lost;
        };
        self.last = ((sequence, id), index);
        let (multiplier, incremental) = state.terms.unwrap_or((1, false));
        let ns = if incremental {
            // A difference below zero is one above the largest: the sum is right all the same.
            let ns = state.ns.wrapping_add(timestamp.wrapping_mul(multiplier) as i64);
            state.ns = ns;
            ns
        } else {
            match scaled(timestamp, multiplier) {
                Some(ns) => ns,
                None => return negative(timestamp, report),
            }
        };
        self.related(index, ns, report)
    }

    /// The trace's time when a clock reads `ns`.
    #[inline]
    fn related(&mut self, index: usize, ns: i64, report: &mut Report<'_>) -> Time {
        let state = &mut self.states[index];
        if let Some((from, to)) = state.went_back {
            let say = "expected a clock that goes forward from one snapshot to the next, found clock";
            let id = state.id;
            report.say(Kind::ClockUnknown, format_args!("{say} {id}, which went back from {from} ns to {to} ns"));
            return Time::Lost;
        }
        match self.relations.to_trace(index, ns) {
            Some(at) => {
                self.frozen = true;
                if at < 0 {
                    report
                        .say(Kind::NegativeTimestamp, format_args!("expected a time of the trace above 0, found {at}"));
                    return Time::Lost;
                }
                Time::At(at)
            }
            None => {
                state.unresolved.get_or_insert((report.place, 0)).1 += 1;
                Time::Unknown
            }
        }
    }

    /// The time that an event itself says, of CLOCK_MONOTONIC: the trace's, as long as nothing relates the two.
    #[cold]
    pub(super) fn monotonic(&mut self, ns: i64, place: Place) -> i64 {
        if self.trace_clock == MONOTONIC {
            return ns;
        }
        let index = self.index(0, MONOTONIC);
        if self.states[index].went_back.is_some() {
            return ns;
        }
        self.relations.to_trace(index, ns).unwrap_or_else(|| {
            self.taken.get_or_insert((place, 0)).1 += 1;
            ns
        })
    }

    fn index(&mut self, sequence: u32, id: u32) -> usize {
        let Self { known, states, relations, .. } = self;
        *known.entry((sequence, id)).or_insert_with(|| {
            relations.add_clock();
            states.push(State::new(id));
            states.len() - 1
        })
    }

    /// Reads a snapshot that a sequence has written.
    pub(super) fn snapshot(&mut self, sequence: u32, bytes: &[u8], report: &mut Report<'_>) {
        let (readings, primary) = read_snapshot(bytes, report);
        self.relate(sequence, &readings, primary, report);
    }

    /// Reads a `RemoteClockSync`: clocks of this machine, each time beside those of the service's.
    #[cold]
    pub(super) fn synchronise(&mut self, sequence: u32, bytes: &[u8], report: &mut Report<'_>) {
        let mut readings = Vec::new();
        for field in Fields::new(bytes).flatten() {
            let (SYNCED_CLOCKS, Value::Bytes(synced)) = (field.number, field.value) else { continue };
            let [client, host] = [CLIENT_CLOCKS, HOST_CLOCKS].map(|wanted| {
                let clocks = Fields::new(synced).flatten().filter(|field| field.number == wanted).last();
                match clocks.map(|field| field.value) {
                    Some(Value::Bytes(clocks)) => read_snapshot(clocks, report).0,
                    _ => OfEach::new(),
                }
            });
            self.relate(sequence, &client, None, report);
            let of = |readings: &[Reading], id| {
                readings.iter().rev().find(|reading| reading.id == id).map_or(0, |reading| reading.timestamp)
            };
            let boottime = of(&client, BOOTTIME);
            readings.push((boottime, of(&client, self.trace_clock) as i64, of(&host, self.trace_clock) as i64));
        }
        if let Some(offset_ns) = offset(&readings) {
            self.offset_ns = offset_ns;
        }
    }

    /// Takes over what a snapshot says.
    fn relate(&mut self, sequence: u32, readings: &[Reading], primary: Option<u32>, report: &mut Report<'_>) {
        if let Some(primary) = primary.filter(|primary| *primary != self.trace_clock) {
            if self.frozen || self.any_snapshot {
                report.say(
                    Kind::ClockSnapshot,
                    format_args!("expected the trace's clock to be told in the first snapshot, found clock {primary}"),
                );
            } else {
                self.trace_clock = primary;
            }
        }
        if !core::mem::replace(&mut self.any_snapshot, true) {
            let trace_clock = self.index(0, self.trace_clock);
            self.relations.set_root(trace_clock);
        }
        let ids = readings.iter().map(|reading| (scope(sequence, reading.id), reading.id));
        let set = HASHER.hash_one(ids.collect::<OfEach<_>>());
        // Perfetto takes nothing of a snapshot of which something is wrong.
        let mut valid = OfEach::new();
        for (position, reading) in readings.iter().enumerate() {
            if readings[..position].iter().any(|other| other.id == reading.id) {
                report.say(
                    Kind::ClockSnapshot,
                    format_args!("expected each clock once, found clock {} twice", reading.id),
                );
                continue;
            }
            if let Some(read) = self.reading(sequence, set, reading, report) {
                valid.push(read);
            }
        }
        if valid.len() == readings.len() {
            self.relations.add(set, &valid);
        }
    }

    /// Takes over what a snapshot says of one clock: which one, and its nanoseconds. `None` when it is wrong.
    fn reading(&mut self, sequence: u32, set: u64, reading: &Reading, report: &mut Report<'_>) -> Option<(usize, i64)> {
        let Reading { id, timestamp, incremental, multiplier } = *reading;
        let own = SEQUENCE_CLOCKS.contains(&id);
        let mut wrong = |message: core::fmt::Arguments<'_>| {
            report.say(Kind::ClockSnapshot, message);
            None
        };
        if id == 0 {
            return wrong(format_args!("expected the number of a clock, found none"));
        }
        if own && sequence == 0 {
            return wrong(format_args!("expected a sequence to have clock {id}, found none"));
        }
        if incremental && !own {
            return wrong(format_args!("expected an incremental clock to be one of 64 to 127, found {id}"));
        }
        let trace_clock = id == self.trace_clock;
        if trace_clock && multiplier != 1 {
            return wrong(format_args!("expected the trace's clock to count nanoseconds, found units of {multiplier}"));
        }
        let Some(ns) = scaled(timestamp, multiplier) else {
            return wrong(format_args!(
                "expected a reading of at most {} ns of clock {id}, found {timestamp} units of {multiplier}",
                i64::MAX
            ));
        };
        let index = self.index(scope(sequence, id), id);
        let state = &mut self.states[index];
        let terms = *state.terms.get_or_insert((multiplier, incremental));
        if terms != (multiplier, incremental) {
            return wrong(format_args!(
                "expected clock {id} in units of {} ns, incremental: {}, as before; found {multiplier} ns, {incremental}",
                terms.0, terms.1
            ));
        }
        let last = core::mem::replace(&mut state.last_snapshot_ns, ns);
        state.ns = ns;
        let last_in_set = self.last_in_set.insert((set, index), ns).unwrap_or(i64::MIN);
        if ns < last_in_set && trace_clock {
            return wrong(format_args!("expected the trace's clock not to go back, found {ns} after {last_in_set}"));
        }
        if ns < last {
            report.say(Kind::ClockBack, format_args!("clock {id} goes back, from {last} ns to {ns} ns"));
        }
        // Of several times the first. Between snapshots of other clocks it may.
        if ns < last_in_set && self.states[index].went_back.is_none() {
            self.states[index].went_back = Some((last_in_set, ns));
            self.relations.lose(index);
        }
        Some((index, ns))
    }

    /// The file has ended: clocks that nothing relates to the trace's.
    pub(super) fn finish(&self, report: &mut Report<'_>) {
        let monotonic = self.known.get(&(0, MONOTONIC)).is_some_and(|index| self.relations.knows(*index));
        if let Some((place, count)) = self.taken.filter(|_| monotonic) {
            report.say_at(
                place,
                Kind::MonotonicLate,
                format_args!(
                    "expected a snapshot of clock {MONOTONIC} before times of it, found {count} events before it"
                ),
            );
        }
        for index in 0..self.states.len() {
            let State { id, unresolved: Some((place, count)), .. } = self.states[index] else { continue };
            let trace_clock = self.trace_clock;
            if self.relations.knows(index) {
                report.say_at(
                    place,
                    Kind::ClockLate,
                    format_args!(
                        "expected a snapshot of clock {id} before its timestamps, found {count} packets before it"
                    ),
                );
            } else {
                report.say_at(
                    place,
                    Kind::ClockUnknown,
                    format_args!("expected a snapshot that relates clock {id} to the trace's, {trace_clock}, found none; {count} packets"),
                );
            }
        }
    }
}

impl State {
    fn new(id: u32) -> Self {
        Self { id, terms: None, ns: 0, last_snapshot_ns: i64::MIN, went_back: None, unresolved: None }
    }
}

/// The sequence that a clock belongs to; 0 for one that all share.
fn scope(sequence: u32, id: u32) -> u32 {
    if SEQUENCE_CLOCKS.contains(&id) { sequence } else { 0 }
}

/// By how much a machine's clock is ahead, from readings of its clock and of the service's, one after the other: as Perfetto estimates
/// it, the average over both ways there and back.
fn offset(readings: &[(u64, i64, i64)]) -> Option<i64> {
    let mut offsets = Vec::new();
    for pair in readings.windows(2) {
        let [(from, client, host), (to, next_client, next_host)] = *pair else { continue };
        let is_whole = [client, host, next_client, next_host].iter().all(|reading| *reading != 0);
        if is_whole && to.wrapping_sub(from) < ROUND_NS {
            let middle = |one: i64, other: i64| (i128::from(one) + i128::from(other)) / 2;
            offsets.push(middle(client, next_client) - i128::from(host));
            offsets.push(i128::from(next_client) - middle(host, next_host));
        }
    }
    let sum: i128 = offsets.iter().sum();
    sum.checked_div(offsets.len() as i128).and_then(|offset| i64::try_from(offset).ok())
}

/// What there is of each clock of a snapshot: of a handful.
type OfEach<T> = SmallVec<[T; 8]>;

fn read_snapshot(bytes: &[u8], report: &mut Report<'_>) -> (OfEach<Reading>, Option<u32>) {
    let (mut readings, mut primary) = (OfEach::new(), None);
    for field in Fields::new(bytes) {
        match field {
            Ok(field) => match (field.number, field.value) {
                (ClockSnapshot::CLOCKS_FIELD_NUMBER, Value::Bytes(clock)) if readings.len() < MAX_READINGS => {
                    readings.push(read_clock(clock, report));
                }
                (ClockSnapshot::PRIMARY_TRACE_CLOCK_FIELD_NUMBER, Value::Varint(clock)) => primary = Some(clock as u32),
                _ => odd_field(&schema::CLOCK_SNAPSHOT, &field, report),
            },
            Err(error) => report.say(Kind::MessageMalformed, format_args!("ClockSnapshot: {error}")),
        }
    }
    (readings, primary)
}

/// More clocks than there are: they are looked for one by one.
const MAX_READINGS: usize = 256;

fn read_clock(bytes: &[u8], report: &mut Report<'_>) -> Reading {
    let mut reading = Reading { multiplier: 1, ..Reading::default() };
    for field in Fields::new(bytes) {
        match field {
            Ok(field) => match (field.number, field.value) {
                (Clock::CLOCK_ID_FIELD_NUMBER, Value::Varint(id)) => reading.id = id as u32,
                (Clock::TIMESTAMP_FIELD_NUMBER, Value::Varint(timestamp)) => reading.timestamp = timestamp,
                (Clock::IS_INCREMENTAL_FIELD_NUMBER, Value::Varint(incremental)) => {
                    reading.incremental = incremental != 0
                }
                (Clock::UNIT_MULTIPLIER_NS_FIELD_NUMBER, Value::Varint(multiplier)) => {
                    reading.multiplier = multiplier.max(1)
                }
                _ => odd_field(&schema::CLOCK, &field, report),
            },
            Err(error) => report.say(Kind::MessageMalformed, format_args!("ClockSnapshot.Clock: {error}")),
        }
    }
    reading
}

#[inline]
fn plain(timestamp: u64, report: &mut Report<'_>) -> Time {
    match i64::try_from(timestamp) {
        Ok(at) => Time::At(at),
        Err(_) => negative(timestamp, report),
    }
}

#[cold]
fn negative(timestamp: u64, report: &mut Report<'_>) -> Time {
    report.say(
        Kind::NegativeTimestamp,
        format_args!("expected a timestamp of at most {} ns, found {timestamp}", i64::MAX),
    );
    Time::Lost
}

#[inline]
fn scaled(timestamp: u64, multiplier: u64) -> Option<i64> {
    i64::try_from(timestamp.checked_mul(multiplier)?).ok()
}
