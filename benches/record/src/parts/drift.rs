//! How far our own clock strays from the machine's over ten minutes (`PFTRACE_DRIFT_SECONDS` says otherwise).
//!
//! A scaled counter, in three ways: the rate measured once over 20 ms, the rate measured once over the first second, and the rate taken
//! up anew each second so that the stray goes to nothing within the next one, without a step. Each is compared with
//! CLOCK_MONOTONIC_RAW, which nobody slews, and with CLOCK_MONOTONIC, which NTP does.

use std::thread::sleep;
use std::time::Duration;

use crate::clock;
use crate::options::PartsOptions;

const SAMPLES_PER_SECOND: u64 = 20;

pub fn run(_: &PartsOptions) {
    let seconds = std::env::var("PFTRACE_DRIFT_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(600);
    let clocks = [("CLOCK_MONOTONIC_RAW", libc::CLOCK_MONOTONIC_RAW), ("CLOCK_MONOTONIC", libc::CLOCK_MONOTONIC)];
    let mut ways = clocks.map(|(name, id)| (name, id, Ways::new(id)));
    for sample in 1..=seconds * SAMPLES_PER_SECOND {
        sleep(Duration::from_millis(1000 / SAMPLES_PER_SECOND));
        for (_, id, ways) in &mut ways {
            ways.sample(pair(*id), sample.is_multiple_of(SAMPLES_PER_SECOND));
        }
    }
    println!("### Stray from the machine's clocks over {seconds} s, in ns\n");
    println!("| | measured once, 20 ms | measured once, 1 s | each second, slewed: largest | median | steps back |");
    println!("|---|--:|--:|--:|--:|--:|");
    for (name, _, ways) in &mut ways {
        ways.slewed_strays.sort_unstable();
        let median = ways.slewed_strays[ways.slewed_strays.len() / 2];
        let largest = ways.slewed_strays[ways.slewed_strays.len() - 1];
        let (short, long) = (ways.short.stray(ways.last), ways.long.map_or(0, |line| line.stray(ways.last)));
        println!("| {name} | {short} | {long} | {largest} | {median} | {} |", ways.steps_back);
    }
    println!();
}

/// Ticks, and the time at them: the closest of several pairs, since we may be stopped between the two.
fn pair(id: libc::clockid_t) -> (u64, u64) {
    let pairs = (0..10).map(|_| {
        let before = clock::ticks();
        let time = clock::read(id);
        let after = clock::ticks();
        (after - before, (before + (after - before) / 2, time))
    });
    pairs.min().map_or((0, 0), |(_, pair)| pair)
}

/// Time as a line over ticks.
#[derive(Clone, Copy)]
struct Line {
    ticks: u64,
    time: u64,
    /// Nanoseconds per tick, of 2^64.
    rate: u64,
}

impl Line {
    fn through((ticks_0, time_0): (u64, u64), (ticks_1, time_1): (u64, u64)) -> Self {
        let rate = ((u128::from(time_1 - time_0) << 64) / u128::from(ticks_1 - ticks_0)) as u64;
        Self { ticks: ticks_0, time: time_0, rate }
    }

    fn at(self, ticks: u64) -> u64 {
        self.time + ((u128::from(ticks - self.ticks) * u128::from(self.rate)) >> 64) as u64
    }

    fn stray(self, (ticks, time): (u64, u64)) -> i64 {
        self.at(ticks) as i64 - time as i64
    }
}

struct Ways {
    first: (u64, u64),
    last: (u64, u64),
    second: (u64, u64),
    short: Line,
    long: Option<Line>,
    slewed: Line,
    slewed_last: u64,
    slewed_strays: Vec<u64>,
    steps_back: u64,
}

impl Ways {
    fn new(id: libc::clockid_t) -> Self {
        let first = pair(id);
        sleep(Duration::from_millis(20));
        let short = Line::through(first, pair(id));
        Self {
            first,
            last: first,
            second: first,
            short,
            long: None,
            slewed: short,
            slewed_last: first.1,
            slewed_strays: Vec::new(),
            steps_back: 0,
        }
    }

    fn sample(&mut self, now: (u64, u64), whole_second: bool) {
        self.last = now;
        let slewed = self.slewed.at(now.0);
        self.steps_back += u64::from(slewed < self.slewed_last);
        self.slewed_last = slewed;
        // The first second's rate is a guess.
        if self.long.is_some() {
            self.slewed_strays.push(self.slewed.stray(now).unsigned_abs());
        }
        if !whole_second {
            return;
        }
        self.long.get_or_insert(Line::through(self.first, now));
        // From where we are, at the rate that meets the clock's line one second from here.
        let clock = Line::through(self.second, now);
        let second = now.0 - self.second.0;
        let target = clock.at(now.0 + second);
        let rate = ((u128::from(target.saturating_sub(slewed)) << 64) / u128::from(second)) as u64;
        self.slewed = Line { ticks: now.0, time: slewed, rate };
        self.second = now;
    }
}
