//! The calls of a program that write events: what each must return, and what must then be in the trace.

use pftrace::{Clock, Error};

use crate::calls;
use crate::program::*;
use crate::record::{Happened, Says, Type, normalize};
use crate::run::{Run, picked};

impl Run<'_> {
    pub(crate) fn begin(&mut self, index: usize, at: When, name: &str, event: &Event) -> Result<(), String> {
        let (at, mut problems) = self.time(at);
        let track = &mut self.slices[index];
        let (place, time) = (track.place, (at.1, at.0.unwrap_or(self.settings.clock)));
        let limit = pftrace::MAX_OPEN_SLICES;
        if track.open >= limit {
            problems.push(Error::SlicesTooDeep { limit });
        }
        problems.extend(time_went_back(track.last, time));
        problems.extend(too_deep(event));
        let result = calls::begin(&mut self.trace, &mut track.handle, at, name, event);
        let says = || happened(place.uuid, time, Type::Begin, Some(name), event);
        if self.settle(place.sequence, problems, result, says)?.is_some() {
            let track = &mut self.slices[index];
            track.last = Some(time);
            track.open += 1;
        }
        self.check_open(index)
    }

    pub(crate) fn end(&mut self, index: usize, at: When, event: &Event) -> Result<(), String> {
        let (at, mut problems) = self.time(at);
        let track = &mut self.slices[index];
        let (place, time) = (track.place, (at.1, at.0.unwrap_or(self.settings.clock)));
        if track.open == 0 {
            problems.push(Error::NothingOpen);
        }
        problems.extend(time_went_back(track.last, time));
        problems.extend(too_deep(event));
        let result = calls::end(&mut self.trace, &mut track.handle, at, event);
        let says = || happened(place.uuid, time, Type::End, None, event);
        if self.settle(place.sequence, problems, result, says)?.is_some() {
            let track = &mut self.slices[index];
            track.last = Some(time);
            track.open -= 1;
        }
        self.check_open(index)
    }

    pub(crate) fn check_open(&self, index: usize) -> Result<(), String> {
        let track = &self.slices[index];
        let open = track.handle.open_slices();
        if open == track.open { Ok(()) } else { Err(format!("{open} slices open, expected {}", track.open)) }
    }

    pub(crate) fn instant(&mut self, index: usize, at: When, name: &str, event: &Event) -> Result<(), String> {
        let (at, mut problems) = self.time(at);
        let track = &self.slices[index];
        let (place, time) = (track.place, (at.1, at.0.unwrap_or(self.settings.clock)));
        problems.extend(too_deep(event));
        let result = calls::instant(&mut self.trace, &track.handle, at, name, event);
        let says = || happened(place.uuid, time, Type::Instant, Some(name), event);
        self.settle(place.sequence, problems, result, says).map(drop)
    }

    pub(crate) fn counter(&mut self, index: usize, at: When, value: Number) -> Result<(), String> {
        let (at, problems) = self.time(at);
        let time = (at.1, at.0.unwrap_or(self.settings.clock));
        let (handle, place) = &self.counters[index];
        let place = *place;
        let result = calls::counter(&mut self.trace, handle, at, value);
        let says = || happened(place.uuid, time, Type::Counter(value), None, &Event::default());
        self.settle(place.sequence, problems, result, says).map(drop)
    }

    pub(crate) fn state(&mut self, index: usize, at: When, state: Option<&str>) -> Result<(), String> {
        let (at, problems) = self.time(at);
        let time = (at.1, at.0.unwrap_or(self.settings.clock));
        let (handle, place) = &self.states[index];
        let place = *place;
        let result = calls::state(&mut self.trace, handle, at, state);
        let says = || happened(place.uuid, time, Type::State, state, &Event::default());
        self.settle(place.sequence, problems, result, says).map(drop)
    }

    pub(crate) fn raw_instant(&mut self, uuid: u64, at: When, name: Option<&str>) -> Result<(), String> {
        let (at, problems) = self.time(at);
        let time = (at.1, at.0.unwrap_or(self.settings.clock));
        let result = calls::raw_instant(&mut self.trace, at, uuid, name);
        let says = || happened(uuid, time, Type::Instant, name, &Event::default());
        if self.settle(0, problems, result, says)?.is_some() {
            self.raw_names += u32::from(name.is_some());
        }
        Ok(())
    }

    pub(crate) fn snapshot(&mut self, snapshot: &Snapshot) -> Result<(), String> {
        let own = self.settings.clock;
        let base = |clock: Clock| self.readings.get(&clock.id()).copied();
        let own_now = base(own).unwrap_or(0) + snapshot.own_after;
        let mut readings = vec![(own, own_now)];
        for &clock in &self.settings.related {
            // Far from each other, as real clocks are.
            let start = u64::from(clock.id()) * 1_000_000_007;
            readings.push((clock, base(clock).unwrap_or(start) + snapshot.others_after));
        }
        let mut problems = Vec::new();
        match snapshot.fault {
            None => {}
            Some(SnapshotFault::WithoutOwn) => {
                readings.remove(0);
                let reason = "expected the trace's own clock among the readings";
                problems.push(Error::BadSnapshot { reason });
            }
            Some(SnapshotFault::OwnTwice) => {
                readings.push((own, own_now));
                problems.push(Error::BadSnapshot { reason: "expected each clock once" });
            }
            Some(SnapshotFault::OwnGoesBack) => match base(own).unwrap_or(0).checked_sub(1) {
                Some(before) => {
                    readings[0].1 = before;
                    let reason = "expected the trace's own clock to go forward from one to the next";
                    problems.push(Error::BadSnapshot { reason });
                }
                None => return Ok(()),
            },
            Some(SnapshotFault::OutOfRange) => {
                let timestamp = 1 << 63;
                readings[0].1 = timestamp;
                problems.push(Error::TimestampOutOfRange { timestamp });
            }
        }
        let numbered: Vec<_> = readings.iter().map(|(clock, ns)| (clock.id(), *ns)).collect();
        let result = self.trace.clock_snapshot(&readings);
        if self.settle(0, problems, result, || Says::Snapshot(numbered.clone()))?.is_some() {
            for &(clock, ns) in &numbered {
                self.earliest.entry(clock).or_insert(ns.saturating_sub(own_now));
            }
            self.readings.extend(numbered);
        }
        Ok(())
    }

    /// The time of a call, and what is wrong with it.
    pub(crate) fn time(&mut self, when: When) -> (calls::At, Vec<Error>) {
        let own = self.settings.clock;
        let (clock, ns) = match when {
            When::After(ns) => (None, self.now + ns),
            When::Before(ns) => (None, self.now.saturating_sub(ns)),
            When::Named(ns) => (Some(own), self.now + ns),
            When::Huge(below) => (None, (i64::MAX as u64).wrapping_sub(below as u64)),
            When::Zero => (None, 0),
            When::Other { clock, after } => match picked(&self.settings.related, clock) {
                Some(index) => {
                    let clock = self.settings.related[index];
                    let read = self.readings.get(&clock.id()).copied();
                    (Some(clock), read.unwrap_or(1000).saturating_add_signed(after))
                }
                None => (Some(own), self.now),
            },
        };
        if let When::After(_) | When::Named(_) = when {
            self.now = ns;
        }
        let mut problems = Vec::new();
        if ns > i64::MAX as u64 {
            problems.push(Error::TimestampOutOfRange { timestamp: ns });
        }
        if let Some(clock) = clock.filter(|clock| *clock != own && !self.readings.contains_key(&clock.id())) {
            problems.push(Error::UnknownClock { clock });
        }
        let earliest = clock.filter(|clock| *clock != own).and_then(|clock| self.earliest.get(&clock.id()));
        if let Some(&earliest) = earliest.filter(|earliest| ns < **earliest) {
            problems.push(Error::TimestampBeforeZero { timestamp: ns, earliest });
        }
        ((clock, ns), problems)
    }
}

fn happened(track: u64, (ns, clock): (u64, Clock), kind: Type, name: Option<&str>, event: &Event) -> Says {
    let args = event.args.iter().map(|(key, arg)| (key.clone(), normalize(arg))).collect();
    let event = Event { args, ..event.clone() };
    Says::Event(Happened { at: (clock.id(), ns), track, kind, name: name.map(str::to_owned), event })
}

fn time_went_back(last: Option<(u64, Clock)>, (timestamp, clock): (u64, Clock)) -> Option<Error> {
    let (last, last_clock) = last?;
    (clock == last_clock && timestamp < last).then_some(Error::TimeWentBack { timestamp, last })
}

fn too_deep(event: &Event) -> Option<Error> {
    let limit = pftrace::MAX_ANNOTATION_DEPTH;
    (event.depth() > limit).then_some(Error::AnnotationTooDeep { limit })
}
