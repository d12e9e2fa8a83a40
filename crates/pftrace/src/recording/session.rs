//! A session: one recording, from start to stop.

use std::boxed::Box;
use std::io::{self, Write};
use std::panic::resume_unwind;
use std::path::Path;
use std::string::String;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};
use std::vec::Vec;

use pftrace_clock::Clock;
use pftrace_ring::Ring;

use super::assemble::{Assembler, Tally};
use super::builder::{LARGEST_BUFFER, Policy, SMALLEST_BUFFER, SessionBuilder, ring_config};
use super::drain::Drain;
use super::flight::Flight;
use super::marks::Marks;
use super::on_tracks::OnTracks;
use super::recorder::FlightRecorder;
use super::report::Report;
use super::session_error::SessionError;
use super::stats::{ThreadInfo, ThreadReport, Threads, lock};
use super::{call_site, category, fork, location, os, panic_hook, set_categories, track};

/// The number of the session that is recorded, 0 when none is. Each has another one.
static RECORDING: AtomicU32 = AtomicU32::new(0);
static LAST: AtomicU32 = AtomicU32::new(0);

/// The session that is not stopped yet.
static CURRENT: Mutex<Option<Arc<Shared>>> = Mutex::new(None);

/// Of the present session: what was recorded while an event of the same thread was, and what came too late or too early.
static NESTED: AtomicU64 = AtomicU64::new(0);
static IGNORED: AtomicU64 = AtomicU64::new(0);

/// Whether anything is recorded at all.
#[inline(always)]
pub(super) fn is_recording() -> bool {
    cfg!(not(feature = "off")) && RECORDING.load(Ordering::Relaxed) != 0
}

#[inline(always)]
pub(super) fn recording() -> u32 {
    RECORDING.load(Ordering::Relaxed)
}

/// The session that is recorded: not one that is being stopped.
pub(super) fn current() -> Option<Arc<Shared>> {
    lock(&CURRENT).clone().filter(|session| session.id == recording())
}

/// Keeps sessions from starting and ending.
pub(super) fn hold() -> MutexGuard<'static, Option<Arc<Shared>>> {
    lock(&CURRENT)
}

/// Nothing is recorded (any more), as far as this process is concerned.
pub(super) fn forget() {
    RECORDING.store(0, Ordering::Relaxed);
}

/// The same for who must not wait long: nobody knows what locks a thread holds that panics.
pub(super) fn current_soon() -> Option<Arc<Shared>> {
    for _ in 0..100 {
        match CURRENT.try_lock() {
            Ok(current) => return current.clone(),
            Err(TryLockError::Poisoned(current)) => return current.into_inner().clone(),
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_micros(100)),
        }
    }
    None
}

/// The same, where nobody may wait for long, such as in a signal handler: none while it starts or stops.
pub(super) fn try_current() -> Option<Arc<Shared>> {
    // Others hold it for nanoseconds, unless the system has stopped them there.
    let tried = (0..1_000).find_map(|_| match CURRENT.try_lock() {
        Ok(current) => Some(current.clone()),
        Err(TryLockError::Poisoned(current)) => Some(current.into_inner().clone()),
        Err(TryLockError::WouldBlock) => {
            thread::yield_now();
            None
        }
    });
    tried.flatten().filter(|session| session.id == recording())
}

#[cold]
pub(super) fn count_nested() {
    NESTED.fetch_add(1, Ordering::Relaxed);
}

#[cold]
pub(super) fn count_ignored() {
    IGNORED.fetch_add(1, Ordering::Relaxed);
}

/// See [`SessionBuilder::start`].
pub(super) fn start(builder: SessionBuilder) -> Result<Session, SessionError> {
    let SessionBuilder {
        target,
        buffer_bytes,
        policy,
        stop_timeout,
        categories,
        own_drain,
        panic_file,
        reconnect,
        extensions,
    } = builder;
    if !(SMALLEST_BUFFER..=LARGEST_BUFFER).contains(&buffer_bytes) {
        return Err(SessionError::BufferBytes { found: buffer_bytes });
    }
    let is_flight = policy == Policy::FlightRecorder;
    if panic_file.is_some() && !is_flight {
        return Err(SessionError::NotAFlightRecorder);
    }
    fork::prepare();
    let mut current = lock(&CURRENT);
    if current.as_ref().is_some_and(|session| !session.ring.is_forked()) {
        return Err(SessionError::AlreadyRecording);
    }
    let out_of_memory = |source| SessionError::Io { what: "the buffer".into(), source };
    let ring = Ring::new(ring_config(buffer_bytes, policy)).map_err(out_of_memory)?;
    // Last of what can fail for its own sake: a file that is there is written over.
    let reconnect = reconnect.filter(|_| policy == Policy::Stream);
    let marks = match reconnect {
        _ if is_flight => Marks::Ends,
        Some(_) => Marks::Begins,
        None => Marks::None,
    };
    let sink = target.open(reconnect)?;
    if sink.is_none() && !is_flight {
        return Err(SessionError::NoSink);
    }
    category::prepare();
    call_site::prepare();
    track::prepare();
    location::prepare();
    at_exit();
    if panic_file.is_some() {
        panic_hook::set();
    }
    if let Some(patterns) = &categories {
        set_categories(patterns);
    }
    let clock = Clock::new();
    let shared = Arc::new(Shared {
        // It is never 0, also after 2^32 sessions.
        id: LAST.fetch_add(1, Ordering::Relaxed).wrapping_add(1).max(1),
        flight: is_flight.then(|| Flight::new(&ring, &clock, panic_file)),
        ring,
        clock,
        threads: Threads::default(),
        policy,
        stop_timeout,
        on_tracks: OnTracks::new(),
        marks,
        extensions,
        no_place: AtomicU64::new(0),
        stopping: Mutex::new(None),
        wake: Condvar::new(),
        progress: Mutex::new(Progress::default()),
        gathered: AtomicU64::new(0),
        finished: Condvar::new(),
        ended: AtomicBool::new(false),
        drain: Mutex::new(None),
    });
    let drain = Drain::new(shared.clone(), sink);
    if own_drain {
        *lock(&shared.drain) = Some(drain);
    } else {
        let spawned = os::spawn("pftrace drain", Box::new(|| drain.run()));
        spawned.map_err(|source| SessionError::Io { what: "the draining thread".into(), source })?;
    }
    NESTED.store(0, Ordering::Relaxed);
    IGNORED.store(0, Ordering::Relaxed);
    *current = Some(shared.clone());
    // Release: who sees the number finds the session, behind the mutex that it asks then.
    RECORDING.store(shared.id, Ordering::Release);
    category::refresh();
    Ok(Session { shared })
}

/// One recording, from start to stop. One is recorded at a time.
///
/// ```
/// use pftrace::{MemorySink, Session, instant};
///
/// let memory = MemorySink::new();
/// let session = Session::builder().writer(memory.clone()).start()?;
/// instant!("example", "here");
/// let report = session.stop()?;
/// assert_eq!((report.events, report.dropped.total()), (1, 0));
/// assert!(memory.take().len() > 50);
/// # Ok::<(), pftrace::SessionError>(())
/// ```
///
/// Dropped, it stops as well, but has nobody to report to. So it does when the process exits while it is recorded.
#[derive(Debug)]
#[must_use = "a session stops when it is dropped"]
pub struct Session {
    shared: Arc<Shared>,
}

impl Session {
    /// How a session is to be recorded.
    pub fn builder() -> SessionBuilder {
        SessionBuilder::new()
    }

    /// Stops recording, writes what is left, and says what came of it.
    ///
    /// Waits for the sink, and for threads within an event, as long as [`SessionBuilder::stop_timeout`] says.
    ///
    /// # Errors
    ///
    /// [`SessionError::Sink`] when the sink has failed; [`SessionError::StopTimeout`] when it did not take all in time. Both have
    /// the report.
    pub fn stop(self) -> Result<Report, SessionError> {
        self.shared.stop()
    }

    /// What has come of the events so far. The sink has got those that the drain has passed on, which takes up to 100 ms.
    ///
    /// Nothing in a forked child: its parent counts.
    ///
    /// ```
    /// use pftrace::{MemorySink, Session, instant};
    ///
    /// let session = Session::builder().writer(MemorySink::new()).drain_by_caller().start()?;
    /// instant!("example", "here");
    /// assert_eq!(session.stats().events, 0); // it is in the buffer
    /// session.drain()?;
    /// assert_eq!(session.stats().events, 1);
    /// # Ok::<(), pftrace::SessionError>(())
    /// ```
    #[must_use]
    pub fn stats(&self) -> Report {
        match self.shared.ring.is_forked() {
            true => Report::default(),
            false => self.shared.report(),
        }
    }

    /// Writes what has been recorded so far: for a session with [`drain_by_caller`](SessionBuilder::drain_by_caller). Call it often
    /// enough that the buffer does not fill up, and at least each second, so that the time is kept.
    ///
    /// It waits for nobody but the sink. Events that are being recorded just now come with the next call. For a session with a
    /// thread of its own it does nothing.
    ///
    /// # Errors
    ///
    /// [`SessionError::Sink`] when the sink has failed, now or before; [`SessionError::Forked`] in a forked child.
    ///
    /// # Panics
    ///
    /// When the sink does. It has failed then.
    pub fn drain(&self) -> Result<(), SessionError> {
        if self.shared.ring.is_forked() {
            return Err(SessionError::Forked);
        }
        if let Some(drain) = &mut *lock(&self.shared.drain) {
            if let Err(panic) = drain.guarded(|drain| drain.pass(true)) {
                resume_unwind(panic);
            }
        }
        self.shared.sink_error(|| self.stats())
    }

    /// Writes what a [flight recorder](Policy::FlightRecorder) has: the newest, up to what was recorded before this call. Recording goes
    /// on meanwhile, and nothing is lost by it; the next snapshot begins no later than where this one ends, as far as the buffer reaches.
    ///
    /// What is written is a trace on its own. Slices that were open where it begins are there, with their original begin; what is open
    /// where it ends has no end. The report is of this snapshot. One is written at a time: another that is asked for
    /// meanwhile waits.
    ///
    /// ```
    /// use pftrace::{Policy, Session, slice};
    ///
    /// let session = Session::builder().policy(Policy::FlightRecorder).buffer_bytes(1 << 20).start()?;
    /// for number in 0..100_000 {
    ///     let _frame = slice!("render", "frame", number);
    /// }
    /// let mut trace = Vec::new();
    /// let report = session.snapshot(&mut trace)?;
    /// assert!(report.events > 1_000 && report.overwritten > 0 && report.lost() == 0);
    /// assert!(trace.len() > 100_000);
    /// # Ok::<(), pftrace::SessionError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SessionError::NotAFlightRecorder`], [`SessionError::Stopped`], [`SessionError::Forked`]: there is nothing to write.
    /// [`SessionError::Sink`] when `writer` fails, with the report of what it has got; the next snapshot has it all.
    /// [`SessionError::SnapshotInProgress`] when this is called by what writes another one, or another one is not done within
    /// [`SessionBuilder::stop_timeout`].
    pub fn snapshot(&self, mut writer: impl Write) -> Result<Report, SessionError> {
        self.shared.snapshot(|| Ok(&mut writer))
    }

    /// The same into a file, which is created; one that is there is written over.
    ///
    /// # Errors
    ///
    /// As [`snapshot`](Self::snapshot), and [`SessionError::Io`] when the file can't be created.
    pub fn snapshot_to_file(&self, path: impl AsRef<Path>) -> Result<Report, SessionError> {
        self.recorder().snapshot_to_file(path)
    }

    /// What other threads take snapshots with, and later ones.
    #[must_use]
    pub fn recorder(&self) -> FlightRecorder {
        FlightRecorder::of(self.shared.clone())
    }

    /// How large an event can be that is written whole, in bytes: three quarters of a chunk of the buffer, which is a 2,048th of it up to 64 KiB (of 1 to 16 MiB 8 KiB, of less a 128th). The
    /// rest is for what stands in front, which may be less. Texts of an event that does not fit are cut, and marked with `…`.
    ///
    /// ```
    /// use pftrace::{MemorySink, Session, instant};
    ///
    /// let session = Session::builder().writer(MemorySink::new()).buffer_bytes(1 << 20).start()?;
    /// assert_eq!(session.max_event_len(), 6080);
    /// instant!("example", "long", text = "x".repeat(10_000)); // cut
    /// let report = session.stop()?;
    /// assert_eq!((report.lost(), report.threads[0].truncated), (0, 1));
    /// # Ok::<(), pftrace::SessionError>(())
    /// ```
    #[must_use]
    pub fn max_event_len(&self) -> usize {
        self.shared.ring.chunk_len() as usize * 3 / 4 - 64
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        _ = self.shared.stop();
    }
}

/// A session, as its threads and its drain see it.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) id: u32,
    pub(super) ring: Ring,
    pub(super) clock: Clock,
    pub(super) threads: Threads,
    pub(super) policy: Policy,
    /// Of a flight recorder, what it has.
    pub(super) flight: Option<Flight>,
    pub(super) stop_timeout: Duration,
    /// What is open on tracks of their own, and what chunks say of it.
    pub(super) on_tracks: OnTracks,
    pub(super) marks: Marks,
    /// The schemas of the user's own fields.
    pub(super) extensions: Vec<Vec<u8>>,
    /// Events of threads that were too many.
    no_place: AtomicU64,
    /// When stopping has to be done, once it has begun.
    stopping: Mutex<Option<Instant>>,
    wake: Condvar,
    pub(super) progress: Mutex<Progress>,
    /// How many events the drain has read and not written yet.
    pub(super) gathered: AtomicU64,
    finished: Condvar,
    ended: AtomicBool,
    drain: Mutex<Option<Drain>>,
}

/// How far the drain is.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) packets: u64,
    pub(super) bytes: u64,
    /// Chunks that made no sense.
    pub(super) corrupt: u64,
    pub(super) snapshots: u64,
    pub(super) connection_losses: u64,
    pub(super) connection_error: Option<String>,
    pub(super) error: Option<Arc<io::Error>>,
    /// Chunks that are still with threads.
    pub(super) outstanding: u32,
    pub(super) finished: bool,
}

impl Progress {
    /// What went wrong first is told.
    pub(super) fn fail(&mut self, error: Arc<io::Error>) {
        if self.error.is_none() {
            self.error = Some(error);
        }
    }
}

impl Shared {
    pub(super) fn no_place(&self) {
        self.no_place.fetch_add(1, Ordering::Relaxed);
    }

    /// In a forked child nothing is recorded, until it starts a session of its own.
    pub(super) fn notice_fork(&self) {
        if self.ring.is_forked() {
            _ = RECORDING.compare_exchange(self.id, 0, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// The end of a slice on a track had no room: the drain writes it. A snapshot finds it where it has ended.
    pub(super) fn end_late(&self, id: u32, ns: u64, thread: u32) {
        match self.policy {
            Policy::FlightRecorder => self.on_tracks.ended(id, ns),
            Policy::Stream | Policy::Discard => self.on_tracks.late(id, ns, thread),
        }
    }

    /// Sleeps as long, or until the session is to stop: returns that.
    pub(super) fn sleep(&self, duration: Duration) -> bool {
        let stopping = lock(&self.stopping);
        let wait = self.wake.wait_timeout_while(stopping, duration, |stopping| stopping.is_none());
        wait.unwrap_or_else(PoisonError::into_inner).0.is_some()
    }

    pub(super) fn is_stopping(&self) -> bool {
        lock(&self.stopping).is_some()
    }

    /// Whether nobody waits any more for what is still to be written.
    pub(super) fn is_past_deadline(&self) -> bool {
        lock(&self.stopping).is_some_and(|deadline| Instant::now() >= deadline)
    }

    pub(super) fn finish(&self) {
        lock(&self.progress).finished = true;
        self.finished.notify_all();
    }

    fn stop(&self) -> Result<Report, SessionError> {
        if self.ring.is_forked() {
            self.notice_fork();
            return Err(SessionError::Forked);
        }
        if self.ended.swap(true, Ordering::AcqRel) {
            // It is stopped, or another thread does it: this may be the process's exit.
            drop(self.wait());
            return Ok(self.report());
        }
        _ = RECORDING.compare_exchange(self.id, 0, Ordering::Relaxed, Ordering::Relaxed);
        category::refresh();
        let deadline = Instant::now() + self.stop_timeout;
        *lock(&self.stopping) = Some(deadline);
        self.wake.notify_all();
        // A sink that panics when it is dropped does so at the end of this.
        let mut drain = self.own_drain_by(deadline);
        if let Some(drain) = &mut drain {
            drain.finish_here(deadline);
        }
        let progress = self.wait();
        let (finished, outstanding) = (progress.finished, progress.outstanding);
        drop(progress);
        let mut current = lock(&CURRENT);
        if current.as_ref().is_some_and(|session| session.id == self.id) {
            *current = None;
        }
        drop(current);
        self.sink_error(|| self.report())?;
        match finished && outstanding == 0 {
            true => Ok(self.report()),
            false => Err(SessionError::StopTimeout { report: Box::new(self.report_of_rest()) }),
        }
    }

    /// Waits until all is written, but not for long after the time that this may take.
    fn wait(&self) -> MutexGuard<'_, Progress> {
        let deadline = lock(&self.stopping).unwrap_or_else(|| self.deadline()) + GRACE;
        let (progress, left) = (lock(&self.progress), deadline.saturating_duration_since(Instant::now()));
        let waited = self.finished.wait_timeout_while(progress, left, |progress| !progress.finished);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// The caller's own drain, if there is one and no other thread keeps it till then.
    fn own_drain_by(&self, deadline: Instant) -> Option<Drain> {
        loop {
            match self.drain.try_lock() {
                Ok(mut drain) => return drain.take(),
                Err(TryLockError::Poisoned(drain)) => return drain.into_inner().take(),
                Err(TryLockError::WouldBlock) if Instant::now() >= deadline => return None,
                Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_micros(50)),
            }
        }
    }

    /// The drain looks at the clock itself, so that it can still say what it has; this much later nobody waits for it.
    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + self.stop_timeout
    }

    fn sink_error(&self, report: impl FnOnce() -> Report) -> Result<(), SessionError> {
        let error = lock(&self.progress).error.clone();
        match error {
            Some(source) => Err(SessionError::Sink { source, report: Box::new(report()) }),
            None => Ok(()),
        }
    }

    pub(super) fn report(&self) -> Report {
        let (threads, thread_count) = self.threads.reports();
        let progress = lock(&self.progress);
        let mut sum = ThreadReport::default();
        threads.iter().for_each(|thread| sum.add(thread));
        Report {
            events: sum.events,
            packets: progress.packets,
            bytes: progress.bytes,
            dropped: sum.dropped,
            undelivered: sum.undelivered,
            // Each chunk begins with a header, which is one of its packets.
            overwritten: self.ring.overwritten().saturating_sub(self.ring.overwritten_chunks()),
            snapshots: progress.snapshots,
            connection_losses: progress.connection_losses,
            connection_error: progress.connection_error.clone(),
            nested: NESTED.load(Ordering::Relaxed),
            ignored: IGNORED.load(Ordering::Relaxed),
            no_place: self.no_place.load(Ordering::Relaxed),
            corrupt_chunks: progress.corrupt,
            thread_count,
            threads,
        }
    }

    /// The report of a snapshot: what its sink has got of each thread. The rest is of the session so far.
    pub(super) fn report_of(&self, assembler: &Assembler, progress: &Progress) -> Report {
        let mut report = self.report();
        let of_thread = |(info, tally): (&ThreadInfo, Tally)| {
            let Tally { events, bytes, undelivered, unnamed } = tally;
            let report = info.report();
            ThreadReport { events, bytes, undelivered, truncated: report.truncated + unnamed, ..report }
        };
        report.threads.clear();
        for thread in assembler.threads() {
            report.threads.push(of_thread(thread));
        }
        report.thread_count = report.threads.len() as u64;
        report.events = report.threads.iter().map(|thread| thread.events).sum();
        report.undelivered = report.threads.iter().map(|thread| thread.undelivered).sum();
        (report.packets, report.bytes, report.snapshots) = (progress.packets, progress.bytes, progress.snapshots);
        report.corrupt_chunks = progress.corrupt;
        report
    }

    /// The report of a session that is given up: with what is still on its way as undelivered.
    fn report_of_rest(&self) -> Report {
        let mut report = self.report();
        let (chunks, packets) = self.ring.unread();
        // Each chunk begins with a header.
        report.undelivered += packets - chunks;
        report.undelivered += match self.policy {
            // What it holds is to be written: in a snapshot that is given up.
            Policy::FlightRecorder => {
                let (chunks, packets) = self.ring.held();
                packets - chunks
            }
            // Also what is in the chunks that the drain holds.
            Policy::Stream | Policy::Discard => self.gathered.load(Ordering::Relaxed) + self.on_tracks.late_count(),
        };
        report
    }
}

/// How much longer than the timeout stopping may take, when the sink does not come back.
const GRACE: Duration = Duration::from_millis(200);

/// Has the session that is recorded stopped when the process exits.
fn at_exit() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    extern "C" fn stop() {
        let session = lock(&CURRENT).clone();
        if let Some(shared) = session {
            // There is nobody left to tell.
            _ = shared.stop();
        }
    }
    // Without it what is left is lost at exit, unless the session is stopped: no reason not to record.
    ONCE.call_once(|| _ = pftrace_ring::at_exit(stop));
}
