//! What a contender is, and one run of it. Each run has a process of its own, since most contenders are global.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Barrier;

use crate::clock;
use crate::malloc;
use crate::readback;
use crate::workload::{Name, Names, Workload};

/// A recorder in the race, set up as its authors advise.
///
/// A method of a workload that is not in [`Contender::WORKLOADS`] is never called.
pub trait Contender: Sync + Sized {
    /// What a recording thread holds.
    type Thread;
    /// What it can record.
    const WORKLOADS: &[Workload];

    /// Starts recording towards the file, or sets everything up and leaves recording off.
    fn start(file: &Path, recording: bool) -> Self;
    /// Called on each recording thread, with the number of events to come.
    fn thread(&self, events: usize) -> Self::Thread;

    fn span(thread: &mut Self::Thread);
    fn instant(_thread: &mut Self::Thread) {
        unreachable!("not in WORKLOADS")
    }
    fn counter(_thread: &mut Self::Thread, _value: i64) {
        unreachable!("not in WORKLOADS")
    }
    fn annotated(_thread: &mut Self::Thread, _number: u64, _real: f64, _text: &str) {
        unreachable!("not in WORKLOADS")
    }
    fn named(_thread: &mut Self::Thread, _name: &Name) {
        unreachable!("not in WORKLOADS")
    }

    /// Called on each recording thread after its last event.
    fn leave(&self, _thread: Self::Thread) {}
    /// Returns when the file is written.
    fn finish(self);
    /// What is in the file, or what else the contender knows to have kept. `None` where nobody can tell.
    fn kept(file: &Path) -> Option<Kept> {
        readback::perfetto(file)
    }
}

/// What is left of what was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Whole spans, and other events.
    pub events: u64,
    /// What the file takes from the first of them on.
    pub bytes: u64,
}

/// A contender in the list.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    pub name: &'static str,
    pub workloads: &'static [Workload],
    pub run: fn(&Job) -> Outcome,
}

impl Entry {
    pub const fn new<C: Contender>(name: &'static str) -> Self {
        Self { name, workloads: C::WORKLOADS, run: run::<C> }
    }
}

/// One run.
#[derive(Debug)]
pub struct Job {
    pub workload: Workload,
    pub threads: usize,
    /// Per thread, after the warm-up.
    pub events: usize,
    pub file: PathBuf,
}

/// What one run measured.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// CPU of the recording thread per event, mean over the threads.
    pub hot_ns: f64,
    /// CPU of the process per event, from the first event until the file is written.
    pub total_ns: f64,
    /// Events per second of wall time, all threads together.
    pub wall_rate: f64,
    /// Allocations of the recording thread per event.
    pub allocations: f64,
    /// Bytes in the file per event that it holds, from the first one on.
    pub bytes: f64,
    /// Events recorded and not found again, of all: negative where nobody can tell.
    pub loss: f64,
}

struct Recorded {
    cpu_ns: u64,
    begin_ns: u64,
    end_ns: u64,
    allocations: u64,
}

fn run<C: Contender>(job: &Job) -> Outcome {
    let names = Names::new();
    let warm_up = (job.events / 10).max(1000);
    let contender = C::start(&job.file, job.workload != Workload::Off);
    let begin = clock::process_cpu_ns();
    let barrier = Barrier::new(job.threads);
    let record = || {
        let mut thread = contender.thread(warm_up + job.events);
        repeat::<C>(job.workload, &mut thread, &names, warm_up);
        barrier.wait();
        let allocations = malloc::allocations();
        let begin_ns = clock::monotonic_ns();
        let cpu_ns = clock::thread_cpu_ns();
        repeat::<C>(job.workload, &mut thread, &names, job.events);
        let cpu_ns = clock::thread_cpu_ns() - cpu_ns;
        let end_ns = clock::monotonic_ns();
        let allocations = malloc::allocations() - allocations;
        contender.leave(thread);
        Recorded { cpu_ns, begin_ns, end_ns, allocations }
    };
    let recorded: Vec<Recorded> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..job.threads).map(|_| scope.spawn(record)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    contender.finish();
    let total = clock::process_cpu_ns() - begin;

    let timed = (job.threads * job.events) as f64;
    let all = (job.threads * (job.events + warm_up)) as f64;
    let begin_ns = recorded.iter().map(|thread| thread.begin_ns).min().unwrap();
    let end_ns = recorded.iter().map(|thread| thread.end_ns).max().unwrap();
    let kept = if job.workload == Workload::Off { None } else { C::kept(&job.file) };
    Outcome {
        hot_ns: recorded.iter().map(|thread| thread.cpu_ns).sum::<u64>() as f64 / timed,
        total_ns: total as f64 / all,
        wall_rate: timed * 1e9 / (end_ns - begin_ns) as f64,
        allocations: recorded.iter().map(|thread| thread.allocations).sum::<u64>() as f64 / timed,
        bytes: match kept {
            Some(kept) => kept.bytes as f64 / kept.events as f64,
            None => fs::metadata(&job.file).map_or(0.0, |file| file.len() as f64 / all),
        },
        loss: kept.map_or(-1.0, |kept| 1.0 - kept.events as f64 / all),
    }
}

/// Records so many events.
pub fn repeat<C: Contender>(workload: Workload, thread: &mut C::Thread, names: &Names, events: usize) {
    let events = 0..events;
    match workload {
        Workload::Span | Workload::Off => events.for_each(|_| C::span(thread)),
        Workload::Instant => events.for_each(|_| C::instant(thread)),
        // Opaque: where all values are small, the compiler would leave out what others take.
        Workload::Counter => events.for_each(|i| C::counter(thread, black_box((i & 63) as i64))),
        Workload::Annotated => {
            events.for_each(|i| C::annotated(thread, black_box((i & 127) as u64), i as f64, black_box("short text")));
        }
        Workload::Named => events.for_each(|i| C::named(thread, names.pick(i))),
    }
}
