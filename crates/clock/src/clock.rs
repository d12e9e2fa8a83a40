//! The clock of a session: the newest line, and who draws the next.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::latch::Latch;
use crate::line::{Line, Pen, Rate, Reading};
use crate::{machine, source, ticks};

/// Draws [`Line`]s; shared by threads. No call but [`new`](Self::new) waits for anything.
#[derive(Debug)]
pub struct Clock {
    /// The newest line. Written by who holds `pen`.
    line: Latch<4>,
    /// Only ever tried, never waited for: a signal handler can have interrupted the thread that holds it.
    pen: Mutex<Pen>,
}

/// The rate of the last clock, 0 before the first: the next clock begins with it. It was measured over half a second at least.
static LAST_RATE: AtomicU64 = AtomicU64::new(0);

impl Clock {
    /// The first one of a process measures the counter's rate, which takes 2 ms. Later ones begin with the last one's.
    #[must_use]
    pub fn new() -> Self {
        let first = source::first_rate();
        let rate = match LAST_RATE.load(Ordering::Relaxed) {
            0 => first,
            per_tick => Rate::good(per_tick),
        };
        let (pen, line) = Pen::new(source::read_monotonic(), rate);
        Self { line: Latch::new(line.to_words()), pen: Mutex::new(pen) }
    }

    /// The newest line. When it is stale, since nobody calls [`re_anchor`](Self::re_anchor), that is done first.
    #[must_use]
    pub fn line(&self) -> Line {
        let line = self.drawn();
        if !line.is_stale(ticks()) {
            return line;
        }
        self.re_anchor();
        self.drawn()
    }

    /// The time now, in nanoseconds of CLOCK_MONOTONIC.
    #[must_use]
    pub fn now_ns(&self) -> u64 {
        let line = self.line();
        line.ns(ticks())
    }

    /// Draws the line anew, from where our time is, at a rate that meets the machine's clock when the next one is due. Where we
    /// are more than 1 ms behind, or the line was stale, time jumps forward to the machine's clock.
    ///
    /// Returns in how long it should be called again: 10 ms at first, then 50 ms, 0.3 s, and each second. Nothing happens when
    /// it comes much earlier than that, or when another thread is just doing it.
    pub fn re_anchor(&self) -> Duration {
        if let Ok(mut pen) = self.pen.try_lock() {
            self.draw(&mut pen);
        }
        // Not at once, where another thread has been stopped while it draws.
        self.drawn().due(ticks()).max(Duration::from_millis(1))
    }

    fn draw(&self, pen: &mut Pen) {
        let old = self.drawn();
        // Two threads that find the same line stale come here one after the other; and each line begins up to 2 ns ahead.
        if old.is_young(ticks()) {
            return;
        }
        let line = pen.draw(old, source::read_monotonic());
        self.line.write(line.to_words());
        if let Some(rate) = pen.good_rate() {
            LAST_RATE.store(rate.per_tick, Ordering::Relaxed);
        }
    }

    fn drawn(&self) -> Line {
        Line::from_words(self.line.read())
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

/// The machine's clocks at one instant, and ours, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Ours.
    pub ours: u64,
    /// CLOCK_MONOTONIC: since the machine's start, without the time it was suspended.
    pub monotonic: u64,
    /// CLOCK_BOOTTIME: since the machine's start, with the time it was suspended.
    pub boottime: u64,
    /// CLOCK_REALTIME: since 1970.
    pub realtime: u64,
}

/// Reads the clocks one after the other, and counts forward to the instant of the last.
#[must_use]
pub fn snapshot(clock: &Clock) -> Snapshot {
    // First, so that it is not drawn behind a reading.
    let line = clock.line();
    let readings = [machine::realtime, machine::boottime, machine::monotonic].map(source::read);
    let ours = line.ns(readings[2].ticks);
    let [realtime, boottime, monotonic] = readings.map(|Reading { ticks, ns }| ns + (ours - line.ns(ticks)));
    Snapshot { ours, monotonic, boottime, realtime }
}
