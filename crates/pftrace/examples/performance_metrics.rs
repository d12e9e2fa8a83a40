//! Records what this very process takes of the machine while it works: memory, time on the CPU, threads.
//!
//! In the UI, below the process, each value is a graph with its unit: memory climbs while blocks are allocated, stays on a
//! level while numbers are sorted, and falls when the blocks are dropped. The slices on the thread say what was going on.
//!
//! The values come from `/proc/self`, which Linux has. Elsewhere the graphs that need it are left out, and that is said.
//!
//! ```text
//! cargo run -p pftrace --example performance_metrics -- metrics.pftrace
//! ```

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use pftrace::{CounterTrack, FileTraceWriter, ProcessTrack, TraceWriter, Unit};

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args_os().nth(1).map_or(env::temp_dir().join("performance_metrics.pftrace"), PathBuf::from);
    for missing in trace(&path)? {
        println!("There is no {missing} on this system: what it tells is not in the trace.");
    }
    println!("Drop {} on https://ui.perfetto.dev", path.display());
    Ok(())
}

/// Works, and writes what that took. Returns the files that this system lacks.
pub(crate) fn trace(path: &Path) -> Result<Vec<&'static str>, Box<dyn Error>> {
    let mut trace = TraceWriter::create(path)?;
    let process = trace.process_track(std::process::id()).name("performance_metrics").describe()?;
    // The numbers of threads are the system's; a track that is not a thread's needs none.
    let mut work = trace.track("work").parent(&process).describe()?;
    let rate = trace.counter_track("numbers sorted").parent(&process).unit(Unit::Named("1/s")).describe()?;
    let meters = Meters::new(&mut trace, &process)?;

    let start = Instant::now();
    let now = || start.elapsed();
    meters.record(&mut trace, now())?;

    let mut blocks = Vec::new();
    trace.begin(&mut work, now(), "allocate")?;
    for number in 1..=32_u8 {
        // Not zeros: the system gives memory only when it is written.
        blocks.push(vec![number; 1 << 20]);
        meters.record(&mut trace, now())?;
    }
    trace.end_with(&mut work, now(), |event| _ = event.arg("blocks", blocks.len()).arg("block_bytes", 1 << 20))?;

    for _ in 0..8 {
        trace.begin(&mut work, now(), "sort")?;
        let began = Instant::now();
        let mut numbers: Vec<u32> = (0..50_000).map(|n: u32| n.wrapping_mul(0x9e37_79b9)).collect();
        numbers.sort_unstable();
        trace.counter(&rate, now(), (numbers.len() as f64 / began.elapsed().as_secs_f64()).round())?;
        trace.end_with(&mut work, now(), |event| {
            _ = event.arg("median", numbers.get(numbers.len() / 2).map_or(0, |n| *n))
        })?;
        meters.record(&mut trace, now())?;
    }

    trace.begin(&mut work, now(), "free")?;
    drop(blocks);
    trace.end(&mut work, now())?;
    meters.record(&mut trace, now())?;
    trace.finish()?;
    Ok(meters.missing)
}

/// Counters, each of which is read from a file of the system.
struct Meters {
    meters: Vec<(Source, CounterTrack)>,
    missing: Vec<&'static str>,
}

/// A number in a text file: the first one after `key`.
#[derive(Clone, Copy)]
struct Source {
    file: &'static str,
    key: &'static str,
}

impl Meters {
    /// Describes a counter for each source that there is.
    fn new(trace: &mut FileTraceWriter, process: &ProcessTrack) -> Result<Self, pftrace::Error> {
        const STATUS: &str = "/proc/self/status";
        // `status` says KiB where `statm` says pages, whose size the standard library does not know. The multiplier makes
        // them bytes when the trace is read.
        let sources = [
            ("resident memory", STATUS, "VmRSS:", Unit::SizeBytes, 1024),
            ("peak resident memory", STATUS, "VmHWM:", Unit::SizeBytes, 1024),
            ("threads", STATUS, "Threads:", Unit::Count, 1),
            ("time on CPU", "/proc/self/schedstat", "", Unit::TimeNs, 1),
        ];
        let mut meters = Self { meters: Vec::new(), missing: Vec::new() };
        for (name, file, key, unit, multiplier) in sources {
            let source = Source { file, key };
            if source.read().is_some() {
                let counter = trace.counter_track(name).parent(process).unit(unit).unit_multiplier(multiplier);
                meters.meters.push((source, counter.describe()?));
            } else if !meters.missing.contains(&file) {
                meters.missing.push(file);
            }
        }
        Ok(meters)
    }

    fn record(&self, trace: &mut FileTraceWriter, now: Duration) -> Result<(), pftrace::Error> {
        for (source, counter) in &self.meters {
            if let Some(value) = source.read() {
                trace.counter(counter, now, value)?;
            }
        }
        Ok(())
    }
}

impl Source {
    fn read(&self) -> Option<u64> {
        let text = fs::read_to_string(self.file).ok()?;
        let (_, rest) = text.split_once(self.key)?;
        rest.split_whitespace().next()?.parse().ok()
    }
}
