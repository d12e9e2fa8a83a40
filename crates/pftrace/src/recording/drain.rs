//! Empties the ring into the sink.

use core::fmt;
use std::boxed::Box;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::string::{String, ToString};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use std::vec::Vec;

use pftrace_clock::snapshot;
use pftrace_ring::Reader;

use super::assemble::{Assembler, Connections, Pairs};
use super::builder::Policy;
use super::flight::Keeper;
use super::marks::Marks;
use super::output::Output;
use super::pieces::Held;
use super::session::Shared;
use super::stats::lock;

/// How often chunks that threads hold are taken, so that what is in them comes to the sink.
const TAKE_PERIOD: Duration = Duration::from_millis(100);

/// How often the clocks of the machine are written, names looked up, and threads that are gone forgotten.
pub(super) const SLOW_PERIOD: Duration = Duration::from_secs(1);

/// So much is gathered for one write.
pub(super) const WRITE_LEN: usize = 256 << 10;

/// What is done beside while threads record.
pub(super) struct Drain {
    shared: Arc<Shared>,
    next_anchor: Instant,
    work: Work,
}

enum Work {
    Stream(Box<Stream>),
    Keep(Keeper),
}

impl fmt::Debug for Drain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drain").finish_non_exhaustive()
    }
}

impl Drain {
    /// Into `sink`; only a flight recorder does without.
    pub(super) fn new(shared: Arc<Shared>, mut sink: Option<Output>) -> Self {
        if let Some(sink) = &mut sink {
            sink.attach(shared.clone());
        }
        let work = match sink {
            Some(sink) if shared.policy != Policy::FlightRecorder => {
                Work::Stream(Box::new(Stream::new(shared.clone(), sink)))
            }
            sink => Work::Keep(Keeper::new(shared.clone(), sink)),
        };
        Self { shared, next_anchor: Instant::now(), work }
    }

    /// As a thread: until the session stops. A sink that panics has failed; it gets nothing more, and the rest is counted.
    pub(super) fn run(mut self) {
        self.guarded_to_the_end(Self::run_to_the_end);
    }

    /// The same, on a thread of the program's, when the session stops.
    pub(super) fn finish_here(&mut self, deadline: Instant) {
        self.guarded_to_the_end(|this| this.finish(deadline));
    }

    fn guarded_to_the_end(&mut self, end: impl Fn(&mut Self)) {
        // Once more after that. Whatever panics twice is ours.
        for _ in 0..2 {
            if self.guarded(&end).is_ok() {
                return;
            }
        }
        self.shared.finish();
    }

    /// Does something with the sink; when that panics, it has failed.
    pub(super) fn guarded(&mut self, work: impl Fn(&mut Self)) -> std::thread::Result<()> {
        let result = catch_unwind(AssertUnwindSafe(|| work(self)));
        if let Err(panic) = &result {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said.or_else(|| panic.downcast_ref().copied()).unwrap_or("…");
            let error = std::io::Error::other(std::format!("a panic while writing: {said}"));
            lock(&self.shared.progress).fail(Arc::new(error));
        }
        result
    }

    fn run_to_the_end(&mut self) {
        let period = match &mut self.work {
            Work::Stream(stream) => {
                stream.write();
                stream.period()
            }
            Work::Keep(_) => Duration::from_millis(20),
        };
        while !self.shared.sleep(period) {
            self.pass(false);
        }
        let deadline = self.shared.deadline();
        self.finish(deadline);
    }

    /// Does what is due; `all` of it, also what threads still have, but for those within an event.
    pub(super) fn pass(&mut self, all: bool) {
        let now = Instant::now();
        if now >= self.next_anchor {
            self.next_anchor = now + self.shared.clock.re_anchor();
        }
        match &mut self.work {
            Work::Stream(stream) => stream.pass(now, all),
            Work::Keep(keeper) => keeper.pass(now),
        }
    }

    /// Writes all there is.
    fn finish(&mut self, deadline: Instant) {
        match &mut self.work {
            Work::Stream(stream) => stream.finish(deadline),
            Work::Keep(keeper) => keeper.finish(deadline),
        }
    }
}

/// What is recorded goes to the sink.
struct Stream {
    shared: Arc<Shared>,
    reader: Reader,
    assembler: Assembler,
    sink: Output,
    gathered: Vec<u8>,
    next_take: Instant,
    next_slow: Instant,
}

impl Stream {
    fn new(shared: Arc<Shared>, sink: Output) -> Self {
        let reader = Reader::new(&shared.ring);
        let now = Instant::now();
        let gathered = Vec::with_capacity(2 * WRITE_LEN);
        let pairs = match shared.marks {
            Marks::Begins => Pairs::Connections(Connections::default()),
            Marks::None | Marks::Ends => Pairs::Whole,
        };
        let mut this = Self {
            assembler: Assembler::new(false, pairs),
            shared,
            reader,
            sink,
            gathered,
            next_take: now + TAKE_PERIOD,
            next_slow: now + SLOW_PERIOD,
        };
        match this.sink.is_waiting() {
            true => this.assembler.close(),
            false => this.begin(),
        }
        this
    }

    /// A trace begins: the session's, or that of a new connection.
    #[cold]
    fn begin(&mut self) {
        let pairs = core::mem::replace(&mut self.assembler.pairs, Pairs::Whole);
        self.assembler = Assembler::new(false, pairs);
        self.assembler.begin(&self.shared, snapshot(&self.shared.clock), &mut self.gathered);
        self.assembler.connected(&mut self.gathered);
    }

    /// Tries to have a connection again, when there is none and it is time to.
    fn reconnect(&mut self, now: Instant) {
        let Some(receiver) = self.sink.reconnecting().filter(|receiver| receiver.is_waiting()) else { return };
        match receiver.reconnect(now) {
            Ok(true) => self.begin(),
            Ok(false) => {}
            Err(error) => lock(&self.shared.progress).connection_error = Some(error.to_string()),
        }
    }

    /// Tries it for the last time.
    fn reconnect_at_end(&mut self) {
        let Some(receiver) = self.sink.reconnecting() else { return };
        if !receiver.is_waiting() {
            return;
        }
        match receiver.reconnect_at_end() {
            Ok(()) => self.begin(),
            Err(error) => self.fail_if(Err(error)),
        }
    }

    /// A thread that does nothing else than record fills 1.4 GB per second: so long that it fills a quarter.
    fn period(&self) -> Duration {
        let bytes = u64::from(self.shared.ring.chunk_len()) * u64::from(self.shared.ring.chunks());
        Duration::from_nanos(bytes / 4).clamp(Duration::from_micros(200), Duration::from_millis(20))
    }

    fn pass(&mut self, now: Instant, all: bool) {
        if self.shared.policy == Policy::Discard {
            return;
        }
        self.reconnect(now);
        if self.sink.is_waiting() {
            // What is recorded meanwhile stays in the ring.
            return;
        }
        if all || now >= self.next_take {
            self.next_take = now + TAKE_PERIOD;
            self.reader.complete_idle();
        }
        self.read();
        if now >= self.next_slow {
            self.next_slow = now + SLOW_PERIOD;
            self.assembler.look_around(&self.shared, &mut self.gathered);
            self.write();
        }
    }

    fn finish(&mut self, deadline: Instant) {
        self.reconnect_at_end();
        loop {
            self.reader.close();
            self.read();
            // What was read just now is with nobody any more.
            let outstanding = self.reader.close();
            lock(&self.shared.progress).outstanding = outstanding;
            if outstanding == 0 || Instant::now() >= deadline {
                break;
            }
            std::thread::sleep(Duration::from_micros(20));
        }
        self.assembler.end_threads(&self.shared, &mut self.gathered);
        self.assembler.late_ends(&self.shared, &mut self.gathered);
        let lost = self.shared.report().lost();
        self.assembler.end(&self.shared, lost, &mut self.gathered);
        self.write();
        if self.assembler.is_open() {
            let flushed = self.sink.flush();
            self.fail_if(flushed);
        }
        self.shared.finish();
    }

    /// Writes what can be read.
    fn read(&mut self) {
        // Of its own: we are borrowed while chunks are held.
        let reader = Reader::new(&self.shared.ring);
        let mut held = Held::new();
        while !self.sink.is_waiting() {
            let Some(chunk) = reader.next_chunk() else { break };
            let rest = self.assembler.chunk(&self.shared, &chunk, &mut self.gathered).len();
            if rest > 0 {
                held.push(chunk, rest, self.gathered.len());
            }
            if held.is_full() || self.gathered.len() >= WRITE_LEN {
                self.write_with(&mut held);
            }
        }
        if !self.sink.is_waiting() {
            self.assembler.late_ends(&self.shared, &mut self.gathered);
        }
        self.write_with(&mut held);
    }

    fn write(&mut self) {
        self.write_with(&mut Held::new());
    }

    /// Writes what was gathered, and the packets of the chunks that are held: those are free then.
    fn write_with(&mut self, held: &mut Held<'_>) {
        if self.gathered.is_empty() && held.is_empty() {
            return;
        }
        let mut taken = 0;
        if self.assembler.is_open() {
            // Until it returns: nobody knows how much a sink that panics has taken.
            self.assembler.close();
            let written = held.write(&self.gathered, &mut self.sink, &mut taken);
            match written {
                Ok(()) => self.assembler.open(),
                Err(_) => self.fail_if(written),
            }
        }
        let delivered = self.assembler.written(taken);
        self.shared.gathered.store(0, Ordering::Relaxed);
        self.gathered.clear();
        held.clear();
        let mut progress = lock(&self.shared.progress);
        progress.packets += delivered.packets;
        progress.bytes += delivered.bytes;
        progress.corrupt += delivered.corrupt;
    }

    /// What it has not taken is counted as undelivered; and what comes from now on, unless there will be another connection. Recorders go on.
    fn fail_if(&mut self, result: std::io::Result<()>) {
        let Err(error) = result else { return };
        self.assembler.close();
        let is_last = self.shared.is_stopping();
        let mut progress = lock(&self.shared.progress);
        match self.sink.reconnecting() {
            Some(receiver) if !is_last => {
                receiver.disconnect();
                progress.connection_losses += 1;
                progress.connection_error = Some(error.to_string());
            }
            _ => progress.fail(Arc::new(error)),
        }
    }
}

/// The counters of threads that only the drain adds to.
pub(super) fn add(counter: &std::sync::atomic::AtomicU64, more: u64) {
    counter.store(counter.load(Ordering::Relaxed) + more, Ordering::Relaxed);
}
