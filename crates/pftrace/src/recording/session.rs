//! A session: one recording, from start to stop.

use core::fmt;
use std::boxed::Box;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::string::{String, ToString};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};
use std::vec::Vec;

use pftrace_clock::Clock;
use pftrace_ring::{Config, Ring};

use super::drain::Drain;
use super::late::LateEnds;
use super::stats::{Dropped, ThreadReport, Threads, lock};
use super::{call_site, category, location, set_categories, track};

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

/// The same, where nothing may wait: none while it starts or stops.
pub(super) fn try_current() -> Option<Arc<Shared>> {
    CURRENT.try_lock().ok()?.clone().filter(|session| session.id == recording())
}

#[cold]
pub(super) fn count_nested() {
    NESTED.fetch_add(1, Ordering::Relaxed);
}

#[cold]
pub(super) fn count_ignored() {
    IGNORED.fetch_add(1, Ordering::Relaxed);
}

/// What happens when the buffer is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Policy {
    /// The buffer is emptied into the sink all the time. What has no room is dropped.
    #[default]
    Stream,
    /// The buffer is kept until the session stops. What has no room in it is dropped: the begin is kept.
    Discard,
}

/// How a session is to be recorded: from [`Session::builder`].
#[must_use]
pub struct SessionBuilder {
    target: Target,
    buffer_bytes: usize,
    policy: Policy,
    stop_timeout: Duration,
    categories: Option<String>,
    own_drain: bool,
    extensions: Vec<Vec<u8>>,
}

enum Target {
    None,
    File(PathBuf),
    Writer(Box<dyn Write + Send>),
}

impl Target {
    fn open(self) -> Result<Box<dyn Write + Send>, SessionError> {
        match self {
            Self::None => Err(SessionError::NoSink),
            Self::Writer(writer) => Ok(writer),
            Self::File(path) => match File::create(&path) {
                Ok(file) => Ok(Box::new(file)),
                Err(source) => {
                    Err(SessionError::Io { what: std::format!("the trace file {}", path.display()), source })
                }
            },
        }
    }
}

impl fmt::Debug for SessionBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = match &self.target {
            Target::None => "none".to_string(),
            Target::File(path) => path.display().to_string(),
            Target::Writer(_) => "a writer".to_string(),
        };
        let mut debug = f.debug_struct("SessionBuilder");
        debug.field("target", &target).field("buffer_bytes", &self.buffer_bytes).field("policy", &self.policy);
        debug.field("stop_timeout", &self.stop_timeout).field("categories", &self.categories).finish()
    }
}

const SMALLEST_BUFFER: usize = 64 << 10;
const LARGEST_BUFFER: usize = 64 << 30;

/// How many threads can record at the same time.
const MOST_THREADS: u32 = 1 << 14;

impl SessionBuilder {
    fn new() -> Self {
        Self {
            target: Target::None,
            buffer_bytes: 64 << 20,
            policy: Policy::Stream,
            stop_timeout: Duration::from_secs(5),
            categories: None,
            own_drain: false,
            extensions: Vec::new(),
        }
    }

    /// Writes the trace into a file, which is created when the session starts; one that is there is written over.
    pub fn file(mut self, path: impl AsRef<Path>) -> Self {
        self.target = Target::File(path.as_ref().to_path_buf());
        self
    }

    /// Writes the trace into `writer`. It gets large pieces, so it needs no buffer of its own.
    ///
    /// For a trace in memory: a [`MemorySink`]. To measure what recording costs: [`std::io::sink`].
    pub fn writer(mut self, writer: impl Write + Send + 'static) -> Self {
        self.target = Target::Writer(Box::new(writer));
        self
    }

    /// The memory for what is recorded and not yet written, in bytes: all of it is taken and touched at the start, and it does
    /// not grow, whatever the number of threads. 64 KiB to 64 GiB; 64 MiB unless set.
    ///
    /// It is cut into chunks, and each thread that records holds one: see [`max_event_len`](Session::max_event_len).
    pub fn buffer_bytes(mut self, bytes: usize) -> Self {
        self.buffer_bytes = bytes;
        self
    }

    /// What happens when the buffer is full: [`Policy::Stream`] unless set.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// How long stopping waits at most for the sink, and for threads within an event. 5 seconds unless set.
    pub fn stop_timeout(mut self, timeout: Duration) -> Self {
        self.stop_timeout = timeout;
        self
    }

    /// Which categories are recorded: [`set_categories`] when the session starts. As they are unless set.
    pub fn categories(mut self, patterns: impl Into<String>) -> Self {
        self.categories = Some(patterns.into());
        self
    }

    /// No thread is started to empty the buffer: the program does it, with [`Session::drain`].
    pub fn drain_by_caller(mut self) -> Self {
        self.own_drain = true;
        self
    }

    /// The schema of fields of one's own in events, so that the UI can show them: a serialized `google.protobuf.FileDescriptorSet`, as
    /// `protoc --descriptor_set_out` writes it, with the `extend perfetto.protos.TrackEvent` in it. The fields themselves are written by
    /// the option `with` of the macros. May be called several times.
    pub fn extension_descriptor(mut self, file_descriptor_set: impl Into<Vec<u8>>) -> Self {
        self.extensions.push(file_descriptor_set.into());
        self
    }

    /// Starts recording, in this process and all its threads.
    ///
    /// # Errors
    ///
    /// [`SessionError::AlreadyRecording`] when a session is recorded already; [`SessionError::BufferBytes`] and
    /// [`SessionError::NoSink`] when the configuration makes no sense; [`SessionError::Io`] when the file can't be created
    /// or the memory can't be had.
    pub fn start(self) -> Result<Session, SessionError> {
        if !(SMALLEST_BUFFER..=LARGEST_BUFFER).contains(&self.buffer_bytes) {
            return Err(SessionError::BufferBytes { found: self.buffer_bytes });
        }
        let mut current = lock(&CURRENT);
        if current.as_ref().is_some_and(|session| !session.ring.is_forked()) {
            return Err(SessionError::AlreadyRecording);
        }
        let out_of_memory = |source| SessionError::Io { what: "the buffer".into(), source };
        let ring = Ring::new(ring_config(self.buffer_bytes)).map_err(out_of_memory)?;
        // Last of what can fail for its own sake: a file that is there is written over.
        let sink = self.target.open()?;
        category::prepare();
        call_site::prepare();
        track::prepare();
        location::prepare();
        at_exit();
        if let Some(patterns) = &self.categories {
            set_categories(patterns);
        }
        let shared = Arc::new(Shared {
            // It is never 0, also after 2^32 sessions.
            id: LAST.fetch_add(1, Ordering::Relaxed).wrapping_add(1).max(1),
            ring,
            clock: Clock::new(),
            threads: Threads::default(),
            policy: self.policy,
            stop_timeout: self.stop_timeout,
            late_ends: LateEnds::new(),
            extensions: self.extensions,
            no_place: AtomicU64::new(0),
            stopping: Mutex::new(false),
            wake: Condvar::new(),
            progress: Mutex::new(Progress::default()),
            gathered: AtomicU64::new(0),
            finished: Condvar::new(),
            ended: AtomicBool::new(false),
            drain: Mutex::new(None),
        });
        let drain = Drain::new(shared.clone(), sink);
        if self.own_drain {
            *lock(&shared.drain) = Some(drain);
        } else {
            let run = || drain.run();
            let spawned = thread::Builder::new().name("pftrace drain".into()).spawn(run);
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

    /// What the environment variable `PFTRACE` says; `None` if it is not set or empty.
    ///
    /// It is a list of `key=value`, separated by commas: `file` (where to; also without `file=`), `buffer` (in bytes, or with `K`,
    /// `M`, `G`), `policy` (`stream` or `discard`), `categories` (patterns as in [`set_categories`], separated by
    /// blanks), `stop_timeout` (in seconds).
    ///
    /// ```sh
    /// PFTRACE=trace.pftrace,buffer=16M,categories='render -debug.*' ./program
    /// ```
    ///
    /// # Errors
    ///
    /// [`SessionError::Environment`] when it says something else.
    pub fn from_env() -> Result<Option<Self>, SessionError> {
        match std::env::var("PFTRACE") {
            Ok(text) if !text.trim().is_empty() => Self::parse(&text).map(Some),
            Ok(_) | Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(text)) => {
                Err(SessionError::Environment { found: text.to_string_lossy().into_owned(), expected: "text in UTF-8" })
            }
        }
    }

    fn parse(text: &str) -> Result<Self, SessionError> {
        let mut builder = Self::new();
        for item in text.split(',') {
            let item = item.trim();
            let (key, value) = item.split_once('=').unwrap_or(("file", item));
            let wrong = |expected| SessionError::Environment { found: item.into(), expected };
            builder = match key.trim() {
                "file" if !value.is_empty() => builder.file(value),
                "file" => return Err(wrong("file=PATH")),
                "buffer" => builder.buffer_bytes(bytes(value).ok_or_else(|| wrong("buffer=BYTES, such as 16M"))?),
                "policy" => builder.policy(match value {
                    "stream" => Policy::Stream,
                    "discard" => Policy::Discard,
                    _ => return Err(wrong("policy=stream or policy=discard")),
                }),
                "categories" => builder.categories(value),
                "stop_timeout" => {
                    let seconds: Option<f64> = value.parse().ok();
                    let timeout = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                    builder.stop_timeout(timeout.ok_or_else(|| wrong("stop_timeout=SECONDS"))?)
                }
                _ => return Err(wrong("file, buffer, policy, categories or stop_timeout")),
            };
        }
        match builder.target {
            Target::None => Err(SessionError::Environment { found: text.into(), expected: "file=PATH" }),
            _ => Ok(builder),
        }
    }
}

/// `16M` and the like.
fn bytes(text: &str) -> Option<usize> {
    let digits = text.trim_end_matches(|unit: char| unit.is_ascii_alphabetic());
    let shift = match &text[digits.len()..] {
        "" => 0,
        "K" | "k" | "KiB" => 10,
        "M" | "m" | "MiB" => 20,
        "G" | "g" | "GiB" => 30,
        _ => return None,
    };
    digits.parse::<usize>().ok()?.checked_mul(1 << shift)
}

/// Chunks of a 2,048th of the buffer, between 1 and 64 KiB.
fn ring_config(bytes: usize) -> Config {
    let chunk_len = (bytes / 2048).next_power_of_two().clamp(1 << 10, 64 << 10);
    let chunks = (bytes / chunk_len) as u32;
    Config { chunk_len: chunk_len as u32, chunks, policy: pftrace_ring::Policy::Keep, writers: MOST_THREADS }
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
    #[must_use]
    pub fn stats(&self) -> Report {
        self.shared.report()
    }

    /// Writes what has been recorded so far: for a session with [`drain_by_caller`](SessionBuilder::drain_by_caller). Call it often
    /// enough that the buffer does not fill up, and at least each second, so that the time is kept.
    ///
    /// It waits for nobody but the sink. Events that are being recorded just now come with the next call. For a session with a
    /// thread of its own it does nothing.
    ///
    /// # Errors
    ///
    /// [`SessionError::Sink`] when the sink has failed, now or before.
    pub fn drain(&self) -> Result<(), SessionError> {
        if let Some(drain) = &mut *lock(&self.shared.drain) {
            drain.pass(true);
        }
        self.shared.sink_error(|| self.stats())
    }

    /// How large an event can be: a chunk of the buffer, a 2,048th of it between 1 and 64 KiB, without what stands in front. Texts
    /// of one that is larger are cut, and marked with `…`.
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
    stop_timeout: Duration,
    /// Ends of slices on tracks of their own that had no room.
    pub(super) late_ends: LateEnds,
    /// The schemas of the user's own fields.
    pub(super) extensions: Vec<Vec<u8>>,
    /// Events of threads that were too many.
    no_place: AtomicU64,
    stopping: Mutex<bool>,
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
    pub(super) error: Option<Arc<io::Error>>,
    /// Chunks that are still with threads.
    pub(super) outstanding: u32,
    pub(super) finished: bool,
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

    /// Sleeps as long, or until the session is to stop: returns that.
    pub(super) fn sleep(&self, duration: Duration) -> bool {
        let stopping = lock(&self.stopping);
        let wait = self.wake.wait_timeout_while(stopping, duration, |stopping| !*stopping);
        *wait.unwrap_or_else(PoisonError::into_inner).0
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
            return Ok(self.report());
        }
        _ = RECORDING.compare_exchange(self.id, 0, Ordering::Relaxed, Ordering::Relaxed);
        category::refresh();
        let deadline = Instant::now() + self.stop_timeout;
        *lock(&self.stopping) = true;
        self.wake.notify_all();
        if let Some(mut drain) = self.own_drain_by(deadline) {
            drain.finish(deadline);
        }
        let progress = lock(&self.progress);
        let left = deadline.saturating_duration_since(Instant::now()) + GRACE;
        let waited = self.finished.wait_timeout_while(progress, left, |progress| !progress.finished);
        let progress = waited.unwrap_or_else(PoisonError::into_inner).0;
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
            nested: NESTED.load(Ordering::Relaxed),
            ignored: IGNORED.load(Ordering::Relaxed),
            no_place: self.no_place.load(Ordering::Relaxed),
            corrupt_chunks: progress.corrupt,
            thread_count,
            threads,
        }
    }

    /// The report of a session that is given up: with what is still on its way as undelivered.
    fn report_of_rest(&self) -> Report {
        let mut report = self.report();
        let (chunks, packets) = self.ring.unread();
        // Each chunk begins with a header.
        report.undelivered += self.gathered.load(Ordering::Relaxed) + packets - chunks;
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

/// What came of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// How many events the sink has got: each begin and each end of a slice, each instant, each value of a counter.
    pub events: u64,
    /// How many packets: events, and what is needed to read them.
    pub packets: u64,
    /// How many bytes.
    pub bytes: u64,
    /// How many events were dropped, and why.
    pub dropped: Dropped,
    /// How many were recorded and did not reach the sink: it failed, or did not take them in time.
    pub undelivered: u64,
    /// How many were to be recorded while another one of the same thread was: by a signal handler.
    pub nested: u64,
    /// How many were to be recorded while a thread's thread-locals were destroyed, or end what was not begun.
    pub ignored: u64,
    /// How many were to be recorded by threads that were too many at the same time (16,384).
    pub no_place: u64,
    /// Chunks that made no sense when they were read: an error of this library, or somebody wrote into its memory.
    pub corrupt_chunks: u64,
    /// How many threads have recorded.
    pub thread_count: u64,
    /// Each of them, but at most a thousand of those that have exited: the others are summed up.
    pub threads: Vec<ThreadReport>,
}

impl Report {
    /// How many events the program recorded, or was about to, that are not in the trace: dropped, undelivered, nested, and of threads
    /// that were too many. Not those that were ignored.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.dropped.total() + self.undelivered + self.nested + self.no_place
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, bytes, thread_count, .. } = self;
        let (lost, plural) = (self.lost(), if *thread_count == 1 { "" } else { "s" });
        write!(f, "{events} events of {thread_count} thread{plural} in {bytes} bytes, {lost} lost")
    }
}

/// Why a session can't be recorded, or did not end well.
#[derive(Debug)]
#[non_exhaustive]
pub enum SessionError {
    /// A session is being recorded. Stop it before the next.
    AlreadyRecording,
    /// Neither a file nor another sink was given.
    NoSink,
    /// The size of the buffer is out of bounds.
    BufferBytes {
        /// What was given.
        found: usize,
    },
    /// A file, memory or thread can't be had.
    Io {
        /// What it is.
        what: String,
        /// Why.
        source: io::Error,
    },
    /// `PFTRACE` says something that makes no sense.
    Environment {
        /// What.
        found: String,
        /// What there could be.
        expected: &'static str,
    },
    /// The sink failed. What it got before is a trace; what came later is lost.
    Sink {
        /// How.
        source: Arc<io::Error>,
        /// What came of the events.
        report: Box<Report>,
    },
    /// Not everything was written within the time that stopping may take.
    StopTimeout {
        /// What came of the events so far.
        report: Box<Report>,
    },
    /// The session is that of the process that forked this one: it is untouched.
    Forked,
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyRecording => f.write_str("a session is being recorded already: stop it before the next"),
            Self::NoSink => f.write_str("expected a file or a writer for the trace, found none"),
            Self::BufferBytes { found } => {
                write!(f, "expected a buffer of {SMALLEST_BUFFER} to {LARGEST_BUFFER} bytes, found {found}")
            }
            Self::Io { what, source } => write!(f, "{what}: {source}"),
            Self::Environment { found, expected } => {
                write!(f, "the environment variable PFTRACE: expected {expected}, found `{found}`")
            }
            Self::Sink { source, report } => write!(f, "the trace's sink failed: {source} (delivered: {report})"),
            Self::StopTimeout { report } => write!(f, "the trace was not written in time (delivered: {report})"),
            Self::Forked => f.write_str("the session belongs to the process that forked this one"),
        }
    }
}

impl std::error::Error for SessionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Sink { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// A sink in memory: all its clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct MemorySink(Arc<Mutex<Vec<u8>>>);

impl MemorySink {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What it has got since it was made, or since this was called last.
    #[must_use]
    pub fn take(&self) -> Vec<u8> {
        core::mem::take(&mut lock(&self.0))
    }
}

impl Write for MemorySink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
