//! One recording by a candidate: threads that record spans, and a drain.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Barrier};

use crate::candidates::ownership::Ownership;
use crate::candidates::{BEGIN, Drain, END, ON, Pace, Region, RegionOptions, Sink, Writer};
use crate::clock;

/// Per thread. Two events each: so long that the drain gets its share of a busy machine.
const SPANS: usize = 1_500_000;

pub struct Recording {
    pub options: RegionOptions,
    pub threads: usize,
    pub pace: Pace,
    /// A clock that costs nothing, in place of the raw one.
    pub stub_clock: bool,
}

pub struct Measured {
    /// CPU of a recording thread per event.
    pub hot_ns: f64,
    /// CPU of the drain per event.
    pub drain_ns: f64,
    pub stalls: f64,
    pub reclaimed: f64,
}

impl Recording {
    /// One or two threads, and a drain each millisecond.
    pub fn calm(options: RegionOptions, threads: usize) -> Self {
        Self { options, threads, pace: Pace::CALM, stub_clock: false }
    }

    pub fn run<O: Ownership>(&self, sink: Sink) -> Measured {
        let region = Arc::new(Region::new(self.options));
        ON.store(true, Ordering::Relaxed);
        let drain = Drain::start::<O>(region.clone(), sink, self.pace);
        let barrier = Barrier::new(self.threads);
        let record = || {
            Writer::enter(region.clone());
            barrier.wait();
            let begin = clock::thread_cpu_ns();
            if self.stub_clock {
                repeat::<O, true>();
            } else {
                repeat::<O, false>();
            }
            let cpu_ns = clock::thread_cpu_ns() - begin;
            Writer::leave::<O>();
            cpu_ns
        };
        let cpu_ns: u64 = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..self.threads).map(|_| scope.spawn(record)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        let drained = drain.finish();
        let events = (self.threads * SPANS * 2) as f64;
        assert_eq!(drained.packets as f64, events, "nothing lost, nothing twice");
        Measured {
            hot_ns: cpu_ns as f64 / events,
            drain_ns: drained.cpu_ns as f64 / events,
            stalls: region.stalls.load(Ordering::Relaxed) as f64,
            reclaimed: drained.reclaimed as f64,
        }
    }
}

#[inline(always)]
fn repeat<O: Ownership, const STUB: bool>() {
    for _ in 0..SPANS {
        Writer::record::<O, STUB>(&BEGIN);
        Writer::record::<O, STUB>(&END);
    }
}
