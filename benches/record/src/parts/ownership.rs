//! Ways to own and to reclaim a chunk, with the drain reading at the same time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::recording::Recording;
use super::{Case, compare};
use crate::candidates::ownership::{ByCompareAtCommit, ByCooperation, ByExchange, ByMembarrier, Ownership, barrier};
use crate::candidates::{Pace, RegionOptions, Sink};
use crate::clock;
use crate::options::PartsOptions;

const COLUMNS: [&str; 5] = ["hot ns", "with a stub clock", "drain ns", "chunks reclaimed", "stalls"];

pub fn run(options: &PartsOptions) {
    let calm = Pace { poll: Duration::from_micros(100), partial: false, reclaim: None };
    let keen = Pace { poll: Duration::ZERO, partial: true, reclaim: None };
    let reclaiming = Pace { reclaim: Some(Duration::from_millis(1)), partial: true, ..calm };
    let greedy = Pace { reclaim: Some(Duration::ZERO), ..keen };
    let paces = [
        ("drain of complete chunks each 100 µs", calm),
        ("drain that reads committed parts without a pause", keen),
        ("the same each 100 µs, reclaiming each 1 ms", reclaiming),
        ("drain that reclaims without a pause", greedy),
    ];
    for (memory, region) in [("64 MiB", RegionOptions::LARGE), ("256 KiB", RegionOptions::SMALL)] {
        for (name, pace) in paces {
            let mut cases = Vec::new();
            for threads in [1, 2] {
                cases.push(case::<ByExchange>("exchange", region, threads, pace));
                cases.push(case::<ByMembarrier>("membarrier", region, threads, pace));
                cases.push(case::<ByCompareAtCommit>("compare at commit", region, threads, pace));
                cases.push(case::<ByCooperation>("cooperative, cannot reclaim", region, threads, pace));
            }
            compare(&format!("Ownership, {memory}: {name}"), &COLUMNS, options.rounds, cases);
        }
    }
    barriers(options);
}

fn case<O: Ownership>(name: &str, options: RegionOptions, threads: usize, pace: Pace) -> Case<'static> {
    Case::new(format!("{name}, {threads} thread{}", if threads == 1 { "" } else { "s" }), move || {
        let measured = Recording { options, threads, pace, stub_clock: false }.run::<O>(Sink::Null);
        let stub = Recording { options, threads, pace, stub_clock: true }.run::<O>(Sink::Null);
        vec![measured.hot_ns, stub.hot_ns, measured.drain_ns, measured.reclaimed, measured.stalls]
    })
}

/// What asking costs the reclaimer, and the thread that is asked.
fn barriers(options: &PartsOptions) {
    const CALLS: u32 = 2000;
    ByMembarrier::prepare();
    let case = |name, others: usize| {
        Case::new(name, move || {
            let stop = AtomicBool::new(false);
            std::thread::scope(|scope| {
                for _ in 0..others {
                    scope.spawn(|| {
                        while !stop.load(Ordering::Relaxed) {
                            std::hint::spin_loop();
                        }
                    });
                }
                std::thread::sleep(Duration::from_millis(2));
                let (wall, cpu) = (clock::monotonic_ns(), clock::thread_cpu_ns());
                (0..CALLS).for_each(|_| barrier());
                let (wall, cpu) = (clock::monotonic_ns() - wall, clock::thread_cpu_ns() - cpu);
                stop.store(true, Ordering::Relaxed);
                vec![cpu as f64 / f64::from(CALLS), wall as f64 / f64::from(CALLS)]
            })
        })
    };
    let cases = vec![case("alone", 0), case("beside one running thread", 1)];
    compare("membarrier(2), each call", &["CPU ns", "wall ns"], options.rounds, cases);
}
