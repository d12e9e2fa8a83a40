//! How clocks are related: a snapshot relates all its clocks to each other, and others over these.
//!
//! Perfetto converts a timestamp along the shortest way to the trace's clock: at each step by the newest snapshot of the same
//! clocks that is not after it. That way is kept for each clock, and only changes when clocks meet that have not met before.

use std::collections::VecDeque;
use std::vec::Vec;

use super::{Map, map};

/// As many steps as Perfetto goes.
const MAX_STEPS: u8 = 4;

/// No way is known.
const FAR: u8 = u8::MAX;

/// So many are an hour of one a second: then every other goes.
const MAX_ROWS: usize = 4096;

/// So often the ways are looked for anew because a clock has gone back: that takes time.
const MAX_RENEWALS: u32 = 64;

#[derive(Debug)]
pub(super) struct Relations {
    clocks: Vec<Clock>,
    sets: Vec<Set>,
    /// By what names the clocks of a snapshot.
    numbers: Map<u64, usize>,
    renewals: u32,
}

#[derive(Debug)]
struct Clock {
    /// Those that it is in, and its column there.
    sets: Vec<(usize, usize)>,
    /// How many there are to the trace's clock.
    steps: u8,
    next: Step,
    /// No timestamp of it is converted, nor of others over it.
    is_lost: bool,
}

/// From one column of a set to another.
#[derive(Clone, Copy, Debug, Default)]
struct Step {
    set: usize,
    from: usize,
    to: usize,
}

/// Snapshots of the same clocks.
#[derive(Debug)]
struct Set {
    clocks: Vec<usize>,
    /// What each clock reads, snapshot by snapshot.
    rows: Vec<i64>,
    /// How many steps it is from the nearest of its clocks, and which that is.
    nearest: (u8, usize),
}

impl Relations {
    pub(super) fn new() -> Self {
        Self { clocks: Vec::new(), sets: Vec::new(), numbers: map(), renewals: 0 }
    }

    /// Clocks are numbered in the order in which they are added.
    pub(super) fn add_clock(&mut self) {
        self.clocks.push(Clock { sets: Vec::new(), steps: FAR, next: Step::default(), is_lost: false });
    }

    /// This is the trace's clock.
    pub(super) fn set_root(&mut self, clock: usize) {
        self.clocks[clock].steps = 0;
    }

    /// Whether timestamps of a clock can be converted.
    pub(super) fn knows(&self, clock: usize) -> bool {
        self.clocks[clock].steps != FAR
    }

    /// The trace's time when a clock reads `ns`.
    #[inline]
    pub(super) fn to_trace(&self, mut clock: usize, mut ns: i64) -> Option<i64> {
        loop {
            let Clock { steps, next, .. } = self.clocks[clock];
            match steps {
                0 => return Some(ns),
                FAR => return None,
                // Fewer with each.
                _ => {}
            }
            let set = &self.sets[next.set];
            ns = ns.wrapping_add(set.offset(next, ns));
            clock = set.clocks[next.to];
        }
    }

    /// A snapshot of clocks, named by `name`: which they are, each once, and what they read.
    pub(super) fn add(&mut self, name: u64, readings: &[(usize, i64)]) {
        let Self { numbers, sets, clocks, .. } = self;
        let mut is_new = false;
        let number = *numbers.entry(name).or_insert_with(|| {
            is_new = true;
            sets.push(Set::new(readings));
            sets.len() - 1
        });
        sets[number].push(readings);
        if is_new {
            for (column, (clock, _)) in readings.iter().enumerate() {
                clocks[*clock].sets.push((number, column));
            }
            self.spread((0..readings.len()).map(|column| (number, column)).collect());
        }
    }

    /// A clock has gone back: from now on nothing goes over it.
    #[cold]
    pub(super) fn lose(&mut self, clock: usize) {
        self.clocks[clock].is_lost = true;
        let sets = &self.sets;
        let is_used = self.clocks[clock].sets.iter().any(|(set, column)| sets[*set].nearest.1 == *column);
        if is_used && self.renewals < MAX_RENEWALS {
            self.renewals += 1;
            self.renew();
        }
    }

    fn renew(&mut self) {
        let mut ways = VecDeque::new();
        for clock in &mut self.clocks {
            match clock.steps {
                0 => ways.extend(&clock.sets),
                _ => clock.steps = FAR,
            }
        }
        self.sets.iter_mut().for_each(|set| set.nearest = (FAR, usize::MAX));
        self.spread(ways);
    }

    /// Ways have been found to these columns of these sets: further clocks are reached from there.
    fn spread(&mut self, mut ways: VecDeque<(usize, usize)>) {
        let Self { clocks, sets, .. } = self;
        while let Some((number, to)) = ways.pop_front() {
            let set = &mut sets[number];
            let Clock { steps, is_lost, .. } = clocks[set.clocks[to]];
            if is_lost || steps >= MAX_STEPS || steps >= set.nearest.0 {
                continue;
            }
            set.nearest = (steps, to);
            for (from, clock) in set.clocks.iter().enumerate() {
                let clock = &mut clocks[*clock];
                if clock.steps > steps + 1 {
                    (clock.steps, clock.next) = (steps + 1, Step { set: number, from, to });
                    ways.extend(&clock.sets);
                }
            }
        }
    }
}

impl Set {
    fn new(readings: &[(usize, i64)]) -> Self {
        let clocks = readings.iter().map(|(clock, _)| *clock).collect();
        Self { clocks, rows: Vec::new(), nearest: (FAR, usize::MAX) }
    }

    /// One that relates its clocks as the one before is none.
    fn push(&mut self, readings: &[(usize, i64)]) {
        let width = self.clocks.len();
        if readings.len() != width || self.is_as_before(readings) {
            return;
        }
        if self.rows.len() >= MAX_ROWS * width {
            let mut column = 0;
            self.rows.retain(|_| {
                column += 1;
                (column - 1) / width % 2 == 0
            });
        }
        self.rows.extend(readings.iter().map(|(_, ns)| ns));
    }

    fn is_as_before(&self, readings: &[(usize, i64)]) -> bool {
        let Some(last) = self.rows.len().checked_sub(readings.len()).map(|begin| &self.rows[begin..]) else {
            return false;
        };
        let Some((ago, (_, now))) = last.first().zip(readings.first()) else { return true };
        let passed = now.wrapping_sub(*ago);
        last.iter().zip(readings).all(|(ago, (_, now))| now.wrapping_sub(*ago) == passed)
    }

    /// What is to be added for a step when its first clock reads `ns`.
    #[inline]
    fn offset(&self, step: Step, ns: i64) -> i64 {
        let width = self.clocks.len();
        let count = self.rows.len() / width;
        let at = |row: usize, column: usize| self.rows[row * width + column];
        let mut row = count - 1;
        if at(row, step.from) > ns {
            // The first is also for what is before it.
            let (mut low, mut high) = (0, row);
            while high - low > 1 {
                let middle = low.midpoint(high);
                if at(middle, step.from) <= ns { low = middle } else { high = middle }
            }
            row = low;
        }
        at(row, step.to).wrapping_sub(at(row, step.from))
    }
}
