//! Time as a straight line over ticks, and how the next line is drawn. Nothing here reads a clock.

use std::time::Duration;

/// Nanoseconds of CLOCK_MONOTONIC as a straight line over [`ticks`](crate::ticks).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    base_ticks: u64,
    base_ns: u64,
    /// What it was when the counter was 0, were it as straight as that.
    zero_ns: u64,
    /// Nanoseconds per tick, times 2^64: a tick is less than a nanosecond.
    per_tick: u64,
    /// For how many ticks it is meant to be used: twice the time after which the next one is drawn.
    span: u64,
    /// One more where time is made of the counter, else 0.
    fresh: u64,
}

impl Line {
    /// The time at `ticks`: what it was when they were 0, plus the high half of ticks × rate.
    ///
    /// Ticks from before the line was drawn give the time at which it was, which is a little late: nothing wraps.
    #[inline(always)] // Some instructions.
    #[must_use]
    pub fn ns(&self, ticks: u64) -> u64 {
        self.at(ticks.max(self.base_ticks))
    }

    /// The nanoseconds that so many [`raw_ticks`](crate::raw_ticks) are, where time [is made of them](Self::is_raw) and the line is known not to be stale for long: what is between
    /// two of them is time, and what they are [at](Self::ns_of) too.
    #[inline(always)] // One instruction.
    #[must_use]
    pub fn offset(&self, raw_ticks: u64) -> u64 {
        product(raw_ticks, self.per_tick)
    }

    /// The time at an [offset](Self::offset).
    #[inline(always)] // One instruction.
    #[must_use]
    pub fn ns_of(&self, offset: u64) -> u64 {
        // Would wrap after 584 years.
        self.zero_ns.wrapping_add(offset)
    }

    /// Where a time is on this line.
    #[inline(always)]
    #[must_use]
    pub fn offset_of(&self, ns: u64) -> u64 {
        ns.wrapping_sub(self.zero_ns)
    }

    /// Whether time is made of [`raw_ticks`](crate::raw_ticks).
    #[must_use]
    pub fn is_raw(&self) -> bool {
        self.fresh > 0
    }

    /// Whether it was drawn more than two seconds before `ticks` (of a clock that is not a second old: some milliseconds), or
    /// after: then ask for the [newest](crate::Clock::line), before using this one for these ticks.
    ///
    /// The newest is drawn in half that time, so a line is used beside its successor for up to a second. They meet where the
    /// successor was drawn, and part by the difference of their rates, which a thread that takes the new one up late meets as a
    /// step, forward or back. The rates differ by the doubt of readings, 0.1 parts in a million at most, which are 0.1 µs after
    /// a second; by a change of the kernel's slewing, 1 µs for each part in a million; and by what is made up for when the
    /// machine's clock has jumped back: never more than it has. A clock's first lines differ by up to 20 parts in a
    /// million, and are used for 20 ms: 0.2 µs.
    #[inline(always)] // Two instructions.
    #[must_use]
    pub fn is_stale(&self, ticks: u64) -> bool {
        ticks.wrapping_sub(self.base_ticks) > self.span
    }

    /// The time at [`raw_ticks`](crate::raw_ticks). `None` when the line [is stale](Self::is_stale) for them, and always where time is made of another clock: then
    /// take the newest line, and ask it for the time at [`ticks`](crate::ticks).
    #[inline(always)]
    #[must_use]
    pub fn fresh_ns(&self, raw_ticks: u64) -> Option<u64> {
        let since = raw_ticks.wrapping_sub(self.base_ticks);
        (since < self.fresh).then(|| self.at(raw_ticks))
    }

    #[inline(always)]
    fn at(&self, ticks: u64) -> u64 {
        self.ns_of(self.offset(ticks))
    }

    /// How long after `ticks` the next one is due: half of its span after it was drawn.
    pub(crate) fn due(&self, ticks: u64) -> Duration {
        let age = ticks.saturating_sub(self.base_ticks);
        Duration::from_nanos(product((self.span / 2).saturating_sub(age), self.per_tick))
    }

    /// Whether the next one is not due for long.
    pub(crate) fn is_young(&self, ticks: u64) -> bool {
        ticks.wrapping_sub(self.base_ticks) < self.span / 4
    }

    /// The latest time that it has given to somebody who asks whether it is stale before he asks for the time at `ticks`,
    /// and does so no later than now. Rounded up, and one more, so that the next line is behind it from then on: both are rounded down, each where it may.
    fn given_until(&self, ticks: u64) -> u64 {
        let used = ticks.saturating_sub(self.base_ticks).min(self.span);
        let since = u128::from(used) * u128::from(self.per_tick);
        self.base_ns + since.div_ceil(1 << 64) as u64 + 1
    }

    /// For a [`Latch`](crate::latch::Latch).
    pub(crate) fn to_words(self) -> [u64; 4] {
        [self.base_ticks, self.base_ns, self.per_tick, self.span]
    }

    pub(crate) fn from_words([base_ticks, base_ns, per_tick, span]: [u64; 4]) -> Self {
        let fresh = if crate::source::is_raw() { span.saturating_add(1) } else { 0 };
        let zero_ns = base_ns.wrapping_sub(product(base_ticks, per_tick));
        Self { base_ticks, base_ns, zero_ns, per_tick, span, fresh }
    }
}

/// Nanoseconds in so many ticks.
#[inline(always)]
fn product(ticks: u64, per_tick: u64) -> u64 {
    ((u128::from(ticks) * u128::from(per_tick)) >> 64) as u64
}

/// What the machine's clock showed at some ticks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    pub(crate) ticks: u64,
    pub(crate) ns: u64,
}

/// How fast the machine's clock goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    /// Nanoseconds per tick, times 2^64.
    pub(crate) per_tick: u64,
    /// Over how long it was measured: its doubt is that of two readings, by this.
    pub(crate) window_ns: u64,
}

impl Rate {
    /// Of ticks that are half nanoseconds.
    pub(crate) const HALF: Self = Self::good(1 << 63);

    /// One that was measured over long enough.
    pub(crate) const fn good(per_tick: u64) -> Self {
        Self { per_tick, window_ns: GOOD_WINDOW_NS }
    }

    /// `None` when one of the clocks has not gone forward, or a tick is not less than a nanosecond.
    pub(crate) fn between(first: Reading, second: Reading) -> Option<Self> {
        let window_ns = second.ns.checked_sub(first.ns)?;
        let ticks = second.ticks.checked_sub(first.ticks)?;
        let per_tick = (u128::from(window_ns) << 64).checked_div(u128::from(ticks))?;
        let per_tick = u64::try_from(per_tick).ok().filter(|rate| *rate > 0)?;
        Some(Self { per_tick, window_ns })
    }

    fn differs_by_more_than_slewing(self, other: Self) -> bool {
        // The kernel slews by at most 500 parts in a million.
        self.per_tick.abs_diff(other.per_tick) > other.per_tick / 1000
    }
}

const SECOND_NS: u64 = 1_000_000_000;

/// A rate is as good as this from half a second on; it is measured anew each time, since it changes.
const GOOD_WINDOW_NS: u64 = SECOND_NS / 2;

/// Up to here, what we are behind the machine's clock is caught up with; beyond, it has jumped, and so do we.
const MAX_CATCH_UP_NS: i64 = 1_000_000;

/// What is known to draw the next line.
#[derive(Debug)]
pub(crate) struct Pen {
    /// The reading from which the rate is measured.
    reference: Reading,
    rate: Rate,
    /// The last measured rate was so far from `rate` that it was not believed.
    doubted: bool,
}

impl Pen {
    pub(crate) fn new(first: Reading, rate: Rate) -> (Self, Line) {
        let pen = Self { reference: first, rate, doubted: false };
        let line = pen.line(first.ticks, first.ns, rate.per_tick);
        (pen, line)
    }

    /// The rate, if it was measured over long enough to serve the next clock as its first.
    pub(crate) fn good_rate(&self) -> Option<Rate> {
        (self.rate.window_ns >= GOOD_WINDOW_NS).then_some(self.rate)
    }

    /// The line that follows `old`: from where that is `now`, at a rate that meets the machine's clock when the next is due.
    pub(crate) fn draw(&mut self, old: Line, now: Reading) -> Line {
        self.measure(now);
        let given = old.given_until(now.ticks);
        let behind = now.ns.wrapping_sub(given) as i64;
        if behind > MAX_CATCH_UP_NS || (behind > 0 && old.is_stale(now.ticks)) {
            return self.line(now.ticks, now.ns, self.rate.per_tick);
        }
        let due = self.due_ns();
        // At half speed at least.
        let meet = due.saturating_add_signed(behind).max(due / 2);
        let per_tick = u128::from(self.rate.per_tick) * u128::from(meet) / u128::from(due);
        self.line(now.ticks, given, u64::try_from(per_tick).unwrap_or(u64::MAX))
    }

    /// Measures the rate anew where the window is good, or twice as long as the one so far.
    fn measure(&mut self, now: Reading) {
        let Some(rate) = Rate::between(self.reference, now) else {
            // The counter was set back: another machine, or a suspend.
            self.reference = now;
            return;
        };
        if rate.window_ns < GOOD_WINDOW_NS.min(2 * self.rate.window_ns) {
            return;
        }
        // The first time, one of the clocks has jumped or stood still; the second time, it is so.
        let doubted = rate.differs_by_more_than_slewing(self.rate) && !self.doubted;
        if doubted || rate.window_ns >= GOOD_WINDOW_NS {
            self.reference = now;
        }
        if !doubted {
            self.rate = rate;
        }
        self.doubted = doubted;
    }

    /// Five times as long as the rate was measured: until then its doubt makes five times that of a reading. At most a second.
    fn due_ns(&self) -> u64 {
        (5 * self.rate.window_ns).min(SECOND_NS)
    }

    fn line(&self, base_ticks: u64, base_ns: u64, per_tick: u64) -> Line {
        let span = (u128::from(2 * self.due_ns()) << 64) / u128::from(per_tick);
        Line::from_words([base_ticks, base_ns, per_tick, span as u64])
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// A machine whose clock and counter are made up.
    struct Machine {
        ticks: f64,
        ns: f64,
        ticks_per_ns: f64,
        /// How much faster the clock goes, in parts per million.
        slew: f64,
        /// The doubt of a reading.
        noise_ns: i64,
        random: u64,
    }

    impl Machine {
        fn new(ticks_per_ns: f64, noise_ns: i64) -> Self {
            Self { ticks: 1e12, ns: 4e14, ticks_per_ns, slew: 0.0, noise_ns, random: 1 }
        }

        fn run(&mut self, ns: f64) {
            self.ticks += ns * self.ticks_per_ns;
            self.ns += ns * (1.0 + self.slew / 1e6);
        }

        fn read(&mut self) -> Reading {
            self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let noise = (self.random >> 33) as i64 % (2 * self.noise_ns + 1) - self.noise_ns;
            Reading { ticks: self.ticks as u64, ns: (self.ns as u64).wrapping_add_signed(noise) }
        }
    }

    /// A machine, a clock on it, and a thread that takes up lines when its own is stale.
    struct Run {
        machine: Machine,
        pen: Pen,
        newest: Line,
        held: Line,
        /// The latest time that this thread was given, and one that takes up each line at once.
        last_ns: u64,
        newest_ns: u64,
        /// The thread's largest step back, and largest stray from the machine's clock, since they were last looked at.
        back: u64,
        stray: u64,
    }

    impl Run {
        fn new(mut machine: Machine) -> Self {
            let first = machine.read();
            machine.run(2e6);
            let second = machine.read();
            let (pen, line) = Pen::new(second, Rate::between(first, second).unwrap());
            Self { machine, pen, newest: line, held: line, last_ns: 0, newest_ns: 0, back: 0, stray: 0 }
        }

        /// The thread records something; where its line is stale and the newest one too, that is drawn anew, as
        /// `Clock::line` does.
        fn event(&mut self) {
            let ticks = self.machine.ticks as u64;
            if self.held.is_stale(ticks) {
                if self.newest.is_stale(ticks) {
                    self.re_anchor();
                }
                // What it was given at the very end of its line.
                self.last_ns = self.last_ns.max(self.held.given_until(ticks));
                self.held = self.newest;
            }
            let ns = self.held.ns(ticks);
            self.back = self.back.max(self.last_ns.saturating_sub(ns));
            self.stray = self.stray.max(ns.abs_diff(self.machine.ns as u64));
            self.last_ns = self.last_ns.max(ns);
            if self.newest.is_stale(ticks) {
                self.re_anchor();
            }
            assert!(self.newest.ns(ticks) >= self.newest_ns, "a step back: {:?}", self.newest);
            self.newest_ns = self.newest.ns(ticks);
        }

        fn re_anchor(&mut self) {
            let (old, now) = (self.newest, self.machine.read());
            self.newest = self.pen.draw(old, now);
            // Without a step back: also for who takes it up at once.
            if !old.is_stale(now.ticks) {
                assert!(self.newest.ns(now.ticks) >= old.ns(now.ticks), "{old:?} {:?}", self.newest);
            }
        }

        /// Goes on for `seconds`, with an event each millisecond and new lines when they are due.
        fn go(&mut self, seconds: u64) {
            let mut due_ns = 0;
            for _ in 0..seconds * 1000 {
                self.machine.run(1e6);
                self.event();
                due_ns += 1_000_000;
                if due_ns >= self.newest.due(0).as_nanos() as u64 {
                    self.re_anchor();
                    due_ns = 0;
                }
            }
        }

        fn assert_within(&mut self, what: &str, stray: u64, back: u64) {
            assert!(self.stray <= stray && self.back <= back, "{what}: stray {}, back {}", self.stray, self.back);
            (self.stray, self.back) = (0, 0);
        }
    }

    #[test]
    fn it_follows_the_machines_clock() {
        for ticks_per_ns in [1.05, 2.0, 2.596_123, 5.7] {
            let mut run = Run::new(Machine::new(ticks_per_ns, 20));
            run.go(2);
            run.assert_within("at first", 600, 500);
            run.go(120);
            run.assert_within("then", 250, 150);
        }
    }

    #[test]
    fn without_noise_it_is_the_machines_clock() {
        let mut run = Run::new(Machine::new(2.0, 0));
        run.go(60);
        run.assert_within("exact", 1, 0);
    }

    #[test]
    fn it_follows_a_rate_that_changes() {
        let mut run = Run::new(Machine::new(2.6, 20));
        run.go(10);
        run.assert_within("at first", 600, 500);
        for slew in [1.0, -1.0, 20.0, -20.0, 500.0] {
            let change = (run.machine.slew - slew).abs();
            run.machine.slew = slew;
            run.go(5);
            // A change of the rate is unknown for a second, and in the measured rate a second later.
            let most = (2500.0 * change) as u64 + 200;
            run.assert_within("while it changes", most, most);
            run.go(10);
            run.assert_within("after it", 200, 100);
        }
    }

    #[test]
    fn nobody_draws_but_who_records() {
        let mut run = Run::new(Machine::new(2.6, 20));
        for _ in 0..100_000 {
            run.machine.run(7e6);
            run.event();
        }
        run.assert_within("no drain", 1200, 600);
    }

    #[test]
    fn after_a_pause_it_goes_on_at_the_machines_clock() {
        let mut run = Run::new(Machine::new(2.6, 20));
        run.go(5);
        run.assert_within("at first", 600, 500);
        for seconds in [3, 60, 3600, 100_000] {
            run.machine.run(seconds as f64 * 1e9);
            run.event();
            run.assert_within("after the pause", 150, 100);
            run.go(5);
            run.assert_within("and then", 150, 100);
        }
    }

    #[test]
    fn a_suspend_may_stop_the_clock_or_the_counter() {
        let mut run = Run::new(Machine::new(2.6, 20));
        run.go(5);
        // The clock stood still, the counter went on.
        run.machine.ticks += 3600e9 * 2.6;
        run.go(5);
        // A line is used up to two seconds from its begin: up to there time was perhaps given out.
        run.assert_within("the clock stood still", 2_100_000_000, 100);
        run.go(3);
        run.assert_within("caught up", 200, 100);
        // The counter stood still, or the clock was set forward.
        run.machine.ns += 3600e9;
        run.go(3);
        assert!(run.back <= 100, "{}", run.back);
        run.stray = 0;
        run.go(3);
        run.assert_within("the clock went on", 200, 100);
        // The counter begins again from nothing.
        run.machine.ticks = 1000.0;
        run.go(3);
        run.stray = 0;
        run.go(3);
        run.assert_within("the counter was reset", 200, 100);
    }

    #[test]
    fn a_small_jump_of_the_clock_is_made_up_for() {
        let mut run = Run::new(Machine::new(2.6, 20));
        for jump in [500e3, -500e3, 5e6, -5e6, 300e6, -300e6] {
            run.go(5);
            run.machine.ns += jump;
            run.go(5);
            run.stray = 0;
            // Who holds the line from before the jump can be ahead by as much.
            assert!(run.back <= jump.abs() as u64, "{jump}: {}", run.back);
            run.back = 0;
            run.go(5);
            run.assert_within("caught up", 200, 100);
        }
    }

    #[test]
    fn a_large_jump_is_followed_at_once_and_a_small_one_is_not() {
        let mut run = Run::new(Machine::new(2.6, 20));
        run.go(5);
        run.machine.ns += 800e3;
        run.re_anchor();
        assert!(run.newest.ns(run.machine.ticks as u64) < run.machine.ns as u64 - 700_000);
        run.go(5);
        run.back = 0;
        run.machine.ns += 5e6;
        run.re_anchor();
        run.held = run.newest;
        run.stray = 0;
        run.go(5);
        run.assert_within("after it", 200, 100);
    }

    #[test]
    fn an_early_jump_is_not_taken_for_a_rate() {
        let mut run = Run::new(Machine::new(2.6, 20));
        run.machine.run(5e6);
        run.machine.ns += 5e6;
        run.re_anchor();
        run.held = run.newest;
        run.go(2);
        run.assert_within("after it", 1000, 500);
    }

    #[test]
    fn lines_meet_to_the_last_bit() {
        for ticks_per_ns in [1.05, 2.0, 2.596_123, 5.7] {
            let mut run = Run::new(Machine::new(ticks_per_ns, 0));
            run.go(3);
            for _ in 0..10_000 {
                run.machine.run(12_345.678);
                let old = run.newest;
                run.re_anchor();
                let ticks = run.machine.ticks as u64;
                for ticks in ticks..ticks + 20 {
                    assert!(run.newest.ns(ticks) >= old.ns(ticks), "a step back: {old:?} {:?}", run.newest);
                }
            }
            run.event();
            // Each begins up to 2 ns ahead.
            run.assert_within("thousands of lines later", 10_000, 0);
        }
    }

    #[test]
    fn another_machine_has_another_rate() {
        let mut run = Run::new(Machine::new(2.6, 20));
        run.go(5);
        run.machine.ticks_per_ns = 3.1;
        run.go(10);
        // The old rate is 19 % too fast, and lines of it are held for two seconds.
        assert!(run.back < 400_000_000, "{}", run.back);
        (run.stray, run.back) = (0, 0);
        run.go(5);
        run.assert_within("the new rate is known", 200, 100);
    }

    #[test]
    fn early_ticks_do_not_wrap() {
        let line = Line { fresh: 101, ..Line::from_words([1000, 500, 1 << 63, 100]) };
        assert_eq!([0, 999, 1000, 1002, 3000].map(|ticks| line.ns(ticks)), [500, 500, 500, 501, 1500]);
        assert_eq!([0, 999, 1000, 1100, 1101].map(|ticks| line.is_stale(ticks)), [true, true, false, false, true]);
        assert_eq!([999, 1000, 1100, 1101].map(|ticks| line.fresh_ns(ticks)), [None, Some(500), Some(550), None]);
        assert_eq!(line.ns(u64::MAX), 500 + (u64::MAX - 1000) / 2);
        assert_eq!([0, 1000, 1030, 1051].map(|ticks| line.due(ticks).as_nanos()), [25, 25, 10, 0]);
        assert_eq!([0, 999, 1000, 1024, 1025].map(|ticks| line.is_young(ticks)), [false, false, true, true, false]);
        assert_eq!(
            [1000, 1100].map(|ticks| Line { fresh: 0, ..line }.fresh_ns(ticks)),
            [None; 2],
            "time is another clock's"
        );
        assert_eq!(Line::from_words(line.to_words()).to_words(), line.to_words());
    }
}
