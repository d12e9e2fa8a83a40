//! A clock whose rate is taken up anew while a thread records: the counter's ticks are made nanoseconds by one line after the other, each
//! drawn from where our time is. Packets carry differences of our own time, so nothing is written about the change.

use std::collections::BTreeSet;

use pftrace_testkit::{HAS_CHECKER, TraceProcessor, check, checker_errors};

use crate::assemble::Assembler;
use crate::thread::{Chunk, Recorded, Slice, chunks, expected};
use crate::{assert_shown, program, shown};

/// The machine: its counter, and its clock, which is slewed from a time on.
struct Machine {
    ticks_per_second: f64,
    /// Seconds, and parts in a million from then on.
    slewed: (f64, f64),
}

const SECOND_NS: f64 = 1e9;
/// When the machine's clock began.
const BEGIN_NS: u64 = 5_000 * 1_000_000_000;

impl Machine {
    /// The counter, and the machine's clock, after so many seconds.
    fn at(&self, seconds: f64) -> (u64, u64) {
        let (from, parts) = self.slewed;
        let slewed = (seconds - from).max(0.0) * parts / 1e6;
        ((seconds * self.ticks_per_second) as u64, BEGIN_NS + ((seconds + slewed) * SECOND_NS) as u64)
    }
}

/// Our time as a line over ticks.
#[derive(Clone, Copy)]
struct Line {
    ticks: u64,
    ns: u64,
    /// Nanoseconds per tick, of 2^64.
    rate: u64,
}

impl Line {
    fn at(self, ticks: u64) -> u64 {
        self.ns + ((u128::from(ticks - self.ticks) * u128::from(self.rate)) >> 64) as u64
    }

    /// The next one: from where we are, at the rate that meets the machine's clock a second later.
    fn next(self, before: (u64, u64), now: (u64, u64)) -> Self {
        let (ticks, ns) = (now.0 - before.0, now.1 - before.1);
        let ours = self.at(now.0);
        let target = now.1 + ns;
        Self { ticks: now.0, ns: ours, rate: ((u128::from(target - ours) << 64) / u128::from(ticks)) as u64 }
    }
}

/// Steps of ten milliseconds: begins and ends of slices in each other, that go on where the line changes.
const PROGRAM: &str = "((.)(()).())((.))(.(.(.)))";
const SECONDS: usize = 6;
const STEPS_PER_SECOND: usize = 100;

struct Run {
    recorded: Vec<Recorded>,
    /// The largest stray from the machine's clock in each second.
    strays: Vec<u64>,
    /// The machine's clock at each second's begin.
    seconds: Vec<u64>,
}

/// A thread's recording: its times are ours. The first rate is `parts` in a million too fast.
fn run(machine: &Machine, parts: f64) -> Run {
    let mut before = machine.at(0.0);
    let rate = SECOND_NS / machine.ticks_per_second * (1.0 + parts / 1e6);
    let mut line = Line { ticks: before.0, ns: before.1, rate: (rate * 2_f64.powi(64)) as u64 };
    let mut run = Run { recorded: Vec::new(), strays: Vec::new(), seconds: Vec::new() };
    let mut kinds = PROGRAM.chars().cycle();
    for second in 0..SECONDS {
        run.seconds.push(before.1);
        let mut stray = 0;
        for step in 0..STEPS_PER_SECOND {
            // Not all at once, and so that nothing falls on a whole number of ticks.
            let seconds = second as f64 + (step as f64 + 0.317) / STEPS_PER_SECOND as f64;
            let (ticks, ns) = machine.at(seconds);
            let time = line.at(ticks);
            stray = stray.max(time.abs_diff(ns));
            let definition = 1 + step as u32 % 7;
            run.recorded.push(match kinds.next() {
                Some('(') => Recorded::Begin { time, definition },
                Some(')') => Recorded::End { time },
                _ => Recorded::Instant { time, definition },
            });
        }
        run.strays.push(stray);
        let now = machine.at(second as f64 + 1.0);
        (line, before) = (line.next(before, now), now);
    }
    run
}

/// How many events a chunk has: so that lines change within chunks and between them.
const PER_CHUNK: usize = 40;

/// The trace of the chunks that remain, with the machine's clocks each second, as the drain writes them.
fn trace(run: &Run, chunks: &[Chunk], lost: &BTreeSet<usize>) -> Vec<u8> {
    let mut assembler = Assembler::new(7);
    let mut seconds = run.seconds.iter().copied().peekable();
    for (number, chunk) in chunks.iter().enumerate() {
        while let Some(second) = seconds.next_if(|&second| second <= chunk.last) {
            assembler.machine_clocks(second);
        }
        if !lost.contains(&number) {
            assembler.chunk(number, chunk);
        }
    }
    assembler.finish()
}

const SLEWED: Machine = Machine { ticks_per_second: 2.595e9, slewed: (2.4, 300.0) };

#[test]
fn rows_have_our_times_when_the_rate_changes() {
    let run = run(&SLEWED, 20.0);
    assert!(run.recorded.is_sorted_by_key(|recorded| recorded.time()), "no step back");
    // The first second is a guess; the third and fourth have the slewing that nobody knows of yet.
    assert!(run.strays[0] > 15_000 && run.strays[2] > 100_000, "{:?}", run.strays);
    assert!(run.strays[5] < 1_000, "{:?}", run.strays);

    let chunks = chunks(&run.recorded, PER_CHUNK);
    for lost in [&[][..], &[0], &[2, 3], &[6], &[5, 7, 8, 14]] {
        let lost: BTreeSet<usize> = lost.iter().copied().collect();
        let Some(loaded) = check(&trace(&run, &chunks, &lost)) else { return };
        assert!(loaded.complaints().is_empty(), "{:?}", loaded.complaints());
        let kept: Vec<_> = (0..chunks.len()).filter(|number| !lost.contains(number)).collect();
        assert_shown(&loaded, expected(&run.recorded, PER_CHUNK, &kept), &format!("without {lost:?}"));
    }
}

/// Taken up with a step back of a microsecond instead, by a thread whose events are 100 ns apart: durations and depths are wrong, and
/// the trace processor does not complain.
#[test]
fn what_a_step_back_does() {
    let recorded = program(PROGRAM);
    let chunks = chunks(&recorded, 13);
    let mut assembler = Assembler::new(7);
    assembler.chunk(0, &chunks[0]);
    assembler.step_to(chunks[1].base - 1_000);
    assembler.chunk(1, &chunks[1]);
    let trace = assembler.finish();
    // Only the checker does, where it is there.
    let errors = checker_errors(&trace);
    assert!(errors.iter().all(|error| error.starts_with("error[slices-overlap]")), "{errors:#?}");
    assert_eq!(errors.is_empty(), !HAS_CHECKER, "{errors:#?}");
    let Some(mut processor) = TraceProcessor::shared() else { return };
    let loaded = processor.load(&trace).unwrap();
    drop(processor);
    assert!(loaded.complaints().is_empty(), "{:?}", loaded.complaints());
    let shape = |slices: Vec<Slice>| {
        let mut shape: Vec<_> = slices.into_iter().map(|slice| (slice.name, slice.depth, slice.duration)).collect();
        shape.sort();
        shape
    };
    assert_ne!(shape(shown(&loaded)), shape(expected(&recorded, 13, &[0, 1])), "whenever they begin");
}
