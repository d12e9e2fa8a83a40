//! Follows the generator with a trace writer.

use std::cell::RefCell;
use std::fs::{self, File};
use std::path::Path;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use pftrace::{Clock, CounterTrack, Error, IoSink, TraceWriter, Track, Unit};
use pftrace_codegen::{Counter, Observer, Phase};

/// Writes a slice for each phase of each file and type, and a counter track for each counter.
pub(crate) struct Recorder(RefCell<State>);

/// What was recorded.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    pub(crate) slices: u64,
    pub(crate) counter_values: u64,
    /// How long each phase took in all, in nanoseconds, in the order of their first begin.
    pub(crate) time: Vec<(Phase, u64)>,
}

struct State {
    trace: TraceWriter<IoSink<File>>,
    thread: Track,
    counters: Vec<Total>,
    memory: CounterTrack,
    start: Instant,
    /// When the open phases began.
    open: Vec<(Phase, u64)>,
    totals: Totals,
    /// The first error: an observer can't return one, so it waits for `finish`.
    failed: Result<(), Error>,
}

/// A counter of the generator, which counts from zero for each batch of files, and its track, which does not.
struct Total {
    counter: Counter,
    track: CounterTrack,
    /// Of the batches before.
    before: u64,
    /// Of this batch.
    now: u64,
}

const COUNTERS: [Counter; 6] =
    [Counter::Files, Counter::InputBytes, Counter::Messages, Counter::Enums, Counter::Fields, Counter::OutputBytes];

impl Recorder {
    pub(crate) fn create(path: &Path) -> Result<Self, Error> {
        let mut trace = TraceWriter::create(path)?;
        let start = Instant::now();
        // Time counts from the start of the recording. Saying when that was lets other traces be laid beside this one.
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        trace.clock_snapshot(&[(Clock::Simulated, 0), (Clock::Realtime, since_1970.as_nanos() as u64)])?;

        let pid = std::process::id() as i32;
        let process = trace.process_track(pid).name("traced-generator").describe()?;
        let thread = trace.thread_track(&process, pid.into()).name("generator").describe()?;
        let mut counters = Vec::new();
        for counter in COUNTERS {
            let unit = match counter {
                Counter::InputBytes | Counter::OutputBytes => Unit::SizeBytes,
                _ => Unit::Count,
            };
            let track = trace.counter_track(counter.name()).parent(&process).unit(unit).describe()?;
            counters.push(Total { counter, track, before: 0, now: 0 });
        }
        let memory = trace.counter_track("resident memory").parent(&process).unit(Unit::SizeBytes).describe()?;
        let (open, totals) = (Vec::new(), Totals::default());
        Ok(Self(RefCell::new(State { trace, thread, counters, memory, start, open, totals, failed: Ok(()) })))
    }

    /// Ends the trace.
    pub(crate) fn finish(self) -> Result<Totals, Error> {
        let State { trace, mut totals, failed, .. } = self.0.into_inner();
        failed?;
        totals.packets = trace.packets();
        totals.bytes = trace.bytes();
        trace.finish()?;
        Ok(totals)
    }
}

impl Observer for Recorder {
    fn begin(&self, phase: Phase, subject: &str) {
        self.0.borrow_mut().record(|state, now| {
            let State { trace, thread, .. } = state;
            // The timeline shows what is worked on; the phase is the category.
            let name = subject.rsplit(['/', '.']).find(|part| *part != "proto").filter(|part| !part.is_empty());
            trace.begin_with(thread, now, name.unwrap_or(phase.name()), |event| {
                event.category(phase.name());
                if !subject.is_empty() {
                    event.arg("subject", subject);
                }
            })?;
            state.open.push((phase, now));
            state.totals.slices += 1;
            Ok(())
        });
    }

    fn end(&self, phase: Phase) {
        self.0.borrow_mut().record(|state, now| {
            state.trace.end(&mut state.thread, now)?;
            let begin = state.open.pop().map_or(now, |(_, begin)| begin);
            if phase == Phase::Generate {
                state.counters.iter_mut().for_each(|counted| counted.before += std::mem::take(&mut counted.now));
            }
            match state.totals.time.iter_mut().find(|(other, _)| *other == phase) {
                Some((_, total)) => *total += now - begin,
                None => state.totals.time.push((phase, now - begin)),
            }
            Ok(())
        });
    }

    fn count(&self, counter: Counter, total: u64) {
        self.0.borrow_mut().record(|state, now| {
            let Some(counted) = state.counters.iter_mut().find(|counted| counted.counter == counter) else {
                return Ok(());
            };
            counted.now = total;
            state.trace.counter(&counted.track, now, counted.before + total)?;
            state.totals.counter_values += 1;
            // Often enough to see memory grow, seldom enough not to be what takes the time.
            if matches!(counter, Counter::Files | Counter::Messages) && total % 16 == 1 {
                if let Some(bytes) = resident_bytes() {
                    state.trace.counter(&state.memory, now, bytes)?;
                    state.totals.counter_values += 1;
                }
            }
            Ok(())
        });
    }
}

impl State {
    fn record(&mut self, write: impl FnOnce(&mut Self, u64) -> Result<(), Error>) {
        let now = self.start.elapsed().as_nanos() as u64;
        if self.failed.is_ok() {
            self.failed = write(self, now);
        }
    }
}

/// The memory that this process has in use, where the system tells: on Linux.
fn resident_bytes() -> Option<u64> {
    const PAGE_BYTES: u64 = 4096;
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * PAGE_BYTES)
}
