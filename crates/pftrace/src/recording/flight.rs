//! A flight recorder: the newest is kept, and written when somebody asks for it.
//!
//! A snapshot takes what is complete out of the ring, into the [`History`], and writes it from there, while threads go on in the other half. It
//! stays there for the next one, which is that and what is new: see `crates/ring/src/history.rs` for why there is no hole.

use std::boxed::Box;
use std::io::Write;
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, TryLockError};
use std::thread;
use std::time::{Duration, Instant};
use std::vec::Vec;

use pftrace_clock::{Clock, Snapshot, snapshot};
use pftrace_ring::{History, Ring};

use super::assemble::{Assembler, OnTracksOf, Pairs};
use super::drain::{SLOW_PERIOD, WRITE_LEN, add};
use super::os;
use super::output::Output;
use super::pieces::Held;
use super::report::Report;
use super::session::{Progress, Shared};
use super::session_error::SessionError;
use super::stats::{ThreadInfo, lock};

/// How long a snapshot waits for threads that are within an event. They are for nanoseconds, unless the system has stopped them there: it
/// lets each go on within some ten milliseconds.
const PATIENCE: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(super) struct Flight {
    kept: Mutex<Kept>,
    /// The thread that has it, 0 if none.
    by: AtomicI64,
    /// Snapshots that are to be taken later.
    triggers: Mutex<u32>,
    fewer_triggers: Condvar,
    panic_file: Option<PathBuf>,
    panicked: AtomicBool,
}

/// What there is to write.
#[derive(Debug)]
struct Kept {
    history: History,
    clocks: Clocks,
    gathered: Vec<u8>,
    /// The session has stopped.
    closed: bool,
}

impl Flight {
    pub(super) fn new(ring: &Ring, clock: &Clock, panic_file: Option<PathBuf>) -> Self {
        let (history, clocks) = (History::new(ring), Clocks::new(snapshot(clock)));
        let kept = Kept { history, clocks, gathered: Vec::with_capacity(2 * WRITE_LEN), closed: false };
        Self {
            kept: Mutex::new(kept),
            by: AtomicI64::new(0),
            triggers: Mutex::new(0),
            fewer_triggers: Condvar::new(),
            panic_file,
            panicked: AtomicBool::new(false),
        }
    }

    /// Where the first panic's snapshot goes: asked for once.
    pub(super) fn take_panic_file(&self) -> Option<&PathBuf> {
        self.panic_file.as_ref().filter(|_| !self.panicked.swap(true, Ordering::Relaxed))
    }

    /// What is kept, for one at a time.
    fn turn(&self, deadline: Instant) -> Result<Turn<'_>, SessionError> {
        let me = os::thread_id();
        loop {
            let kept = match self.kept.try_lock() {
                Ok(kept) => kept,
                Err(TryLockError::Poisoned(kept)) => kept.into_inner(),
                // What writes a snapshot asks for another, or panics.
                Err(TryLockError::WouldBlock)
                    if self.by.load(Ordering::Relaxed) == me || Instant::now() >= deadline =>
                {
                    return Err(SessionError::SnapshotInProgress);
                }
                Err(TryLockError::WouldBlock) => {
                    thread::sleep(Duration::from_micros(200));
                    continue;
                }
            };
            self.by.store(me, Ordering::Relaxed);
            return Ok(Turn { kept, by: &self.by });
        }
    }

    /// A snapshot will be taken later: stopping waits for it.
    pub(super) fn add_trigger(&self) {
        *lock(&self.triggers) += 1;
    }

    pub(super) fn remove_trigger(&self) {
        *lock(&self.triggers) -= 1;
        self.fewer_triggers.notify_all();
    }

    fn wait_for_triggers(&self, deadline: Instant) {
        let left = deadline.saturating_duration_since(Instant::now());
        let triggers = lock(&self.triggers);
        drop(self.fewer_triggers.wait_timeout_while(triggers, left, |triggers| *triggers > 0));
    }
}

struct Turn<'f> {
    kept: MutexGuard<'f, Kept>,
    by: &'f AtomicI64,
}

impl Deref for Turn<'_> {
    type Target = Kept;

    fn deref(&self) -> &Kept {
        &self.kept
    }
}

impl DerefMut for Turn<'_> {
    fn deref_mut(&mut self) -> &mut Kept {
        &mut self.kept
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.by.store(0, Ordering::Relaxed);
    }
}

impl Shared {
    /// The flight recorder of this session, which is ours.
    pub(super) fn flight(&self) -> Result<&Flight, SessionError> {
        if self.ring.is_forked() {
            self.notice_fork();
            return Err(SessionError::Forked);
        }
        self.flight.as_ref().ok_or(SessionError::NotAFlightRecorder)
    }

    /// Takes a snapshot, and writes it into what `open` opens then.
    pub(super) fn snapshot<W: Write>(
        &self,
        open: impl FnOnce() -> Result<W, SessionError>,
    ) -> Result<Report, SessionError> {
        let (mut turn, before, on_tracks) = self.take()?;
        turn.write(self, before, on_tracks, &mut open()?)
    }

    /// Takes what there is.
    fn take(&self) -> Result<(Turn<'_>, Before, OnTracksOf), SessionError> {
        let mut turn = self.flight()?.turn(Instant::now() + self.stop_timeout)?;
        if turn.closed {
            return Err(SessionError::Stopped);
        }
        let before = Before::look(self);
        turn.history.take(patience(Instant::now() + PATIENCE));
        let on_tracks = OnTracksOf::look(self, before.asked_ns);
        Ok((turn, before, on_tracks))
    }
}

/// An end is written that long after its time at most, unless its thread is stopped in between: the smallest buffer is not written over so soon.
const WRITTEN_WITHIN_NS: u64 = 100_000;

/// What is known before the chunks are taken.
struct Before {
    asked_ns: u64,
    /// The threads, and how many chunks they have begun: those that record nothing more, and whose chunks have all been written over, have
    /// slices open of which no chunk knows.
    threads: Vec<(Arc<ThreadInfo>, u32)>,
}

impl Before {
    fn look(shared: &Shared) -> Self {
        let threads = shared.threads.present().into_iter().map(|info| (info.clone(), info.chunks())).collect();
        Self { asked_ns: shared.clock.now_ns().saturating_sub(WRITTEN_WITHIN_NS), threads }
    }
}

/// Whether to wait on: shortly at first, until `deadline`.
fn patience(deadline: Instant) -> impl FnMut() -> bool {
    let mut asked = 0;
    move || {
        asked += 1;
        match asked {
            0..20 => thread::yield_now(),
            _ => thread::sleep(Duration::from_micros(50)),
        }
        Instant::now() < deadline
    }
}

impl Kept {
    /// Writes what is held: it stays held.
    fn write(
        &mut self,
        shared: &Shared,
        before: Before,
        mut on_tracks: OnTracksOf,
        sink: &mut dyn Write,
    ) -> Result<Report, SessionError> {
        shared.threads.look_up_names();
        self.history.chunks().for_each(|chunk| on_tracks.count(&chunk));
        let mut gathered = core::mem::take(&mut self.gathered);
        gathered.clear();
        let assembler = Assembler::new(true, Pairs::Snapshot(on_tracks));
        let mut pieces = Pieces { sink, gathered, assembler, progress: Progress::default() };
        let (first, later) = self.clocks.split();
        pieces.assembler.begin(shared, first, &mut pieces.gathered);
        for chunk in self.history.chunks() {
            pieces.assembler.chunk(shared, &chunk, &mut pieces.gathered);
            if pieces.gathered.len() >= WRITE_LEN {
                pieces.write();
            }
        }
        for (info, chunks) in before.threads {
            pieces.assembler.idle(shared, &info, chunks, &mut pieces.gathered);
        }
        pieces.assembler.rest(&mut pieces.gathered);
        later.iter().for_each(|clocks| pieces.assembler.clocks(*clocks, &mut pieces.gathered));
        let lost = pieces.assembler.lost();
        pieces.assembler.end(shared, lost, &mut pieces.gathered);
        pieces.write();
        if pieces.progress.error.is_none() {
            pieces.progress.error = pieces.sink.flush().err().map(Arc::new);
        }
        let Pieces { gathered, assembler, mut progress, .. } = pieces;
        self.gathered = gathered;
        progress.snapshots = u64::from(progress.error.is_none());
        let mut all = lock(&shared.progress);
        all.packets += progress.packets;
        all.bytes += progress.bytes;
        all.corrupt += progress.corrupt;
        all.snapshots += progress.snapshots;
        drop(all);
        if self.closed {
            // There is no other that could have it.
            for (info, tally) in assembler.threads() {
                add(&info.undelivered, tally.undelivered);
            }
        }
        let report = shared.report_of(&assembler, &progress);
        match progress.error {
            Some(source) => Err(SessionError::Sink { source, report: Box::new(report) }),
            None => Ok(report),
        }
    }

    /// Forgets threads that have exited and of which nothing is left.
    fn forget_threads(&self, shared: &Shared) {
        let oldest = self.history.oldest();
        for info in shared.threads.present() {
            if info.has_exited_at().is_some_and(|completed| completed <= oldest) {
                shared.threads.remove(info.number());
            }
        }
    }
}

/// A snapshot on its way to its sink.
struct Pieces<'s> {
    sink: &'s mut dyn Write,
    gathered: Vec<u8>,
    assembler: Assembler,
    progress: Progress,
}

impl Pieces<'_> {
    /// What comes after a failure is counted only.
    fn write(&mut self) {
        let mut taken = 0;
        if self.assembler.is_open() {
            if let Err(error) = Held::new().write(&self.gathered, self.sink, &mut taken) {
                self.assembler.close();
                self.progress.error = Some(Arc::new(error));
            }
        }
        let delivered = self.assembler.written(taken);
        self.gathered.clear();
        self.progress.packets += delivered.packets;
        self.progress.bytes += delivered.bytes;
        self.progress.corrupt += delivered.corrupt;
    }
}

/// How the clocks of the machine related, when they last did so differently: at a suspend, or when somebody set the time.
#[derive(Debug)]
struct Clocks(Vec<Snapshot>);

/// So many are kept.
const MOST_CLOCKS: usize = 64;

/// What is less has been adjusted bit by bit.
const STEP_NS: i64 = 100_000;

impl Clocks {
    fn new(first: Snapshot) -> Self {
        let mut clocks = Vec::with_capacity(MOST_CLOCKS);
        clocks.push(first);
        Self(clocks)
    }

    fn look(&mut self, now: Snapshot) {
        let ahead = |ns: u64, clocks: Snapshot| ns.wrapping_sub(clocks.ours) as i64;
        let is_near = |last: i64, now: i64| last.abs_diff(now) < STEP_NS as u64;
        if let Some(&last) = self.0.last() {
            let is_as_before = is_near(ahead(last.boottime, last), ahead(now.boottime, now))
                && is_near(ahead(last.realtime, last), ahead(now.realtime, now));
            if is_as_before {
                return;
            }
        }
        if self.0.len() == MOST_CLOCKS {
            self.0.remove(0);
        }
        self.0.push(now);
    }

    fn split(&self) -> (Snapshot, &[Snapshot]) {
        match self.0.split_first() {
            Some((first, later)) => (*first, later),
            None => unreachable!("there is one from the begin"),
        }
    }
}

/// Of a flight recorder's session, what is done beside: the clocks are kept, and threads that are gone forgotten. At its end the last snapshot.
pub(super) struct Keeper {
    shared: Arc<Shared>,
    sink: Option<Output>,
    next_slow: Instant,
}

impl Keeper {
    pub(super) fn new(shared: Arc<Shared>, sink: Option<Output>) -> Self {
        Self { shared, sink, next_slow: Instant::now() + SLOW_PERIOD }
    }

    pub(super) fn pass(&mut self, now: Instant) {
        if now < self.next_slow {
            return;
        }
        self.next_slow = now + SLOW_PERIOD;
        let Some(flight) = &self.shared.flight else { return };
        // While a snapshot is written, it can wait.
        if let Ok(mut kept) = flight.kept.try_lock() {
            kept.clocks.look(snapshot(&self.shared.clock));
            kept.forget_threads(&self.shared);
        }
    }

    /// Nothing is recorded any more: writes all there is.
    pub(super) fn finish(&mut self, deadline: Instant) {
        let shared = self.shared.clone();
        let Some(flight) = &shared.flight else { return };
        flight.wait_for_triggers(deadline);
        let (mut outstanding, before) = (1, Before::look(&shared));
        if let Ok(mut turn) = flight.turn(deadline) {
            turn.closed = true;
            while outstanding > 0 {
                outstanding = turn.history.close();
                if Instant::now() >= deadline {
                    break;
                }
                thread::sleep(Duration::from_micros(20));
            }
            // Once: one that panics gets nothing more.
            if let Some(mut sink) = self.sink.take() {
                let on_tracks = OnTracksOf::look(&shared, before.asked_ns);
                if let Err(SessionError::Sink { source, .. }) = turn.write(&shared, before, on_tracks, &mut sink) {
                    lock(&shared.progress).fail(source);
                }
            }
            turn.history.clear();
            turn.history.close();
        }
        lock(&shared.progress).outstanding = outstanding;
        shared.finish();
    }
}
