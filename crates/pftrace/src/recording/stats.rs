//! What was recorded, what was delivered, what was lost.

use std::string::String;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

use super::header::Open;
use super::slices::Stack;

/// Why an event is not in the trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    NoRoom,
    TooLarge,
    TooDeep,
    TooManyCallSites,
    TooManyTracks,
    Malformed,
}

const LOSSES: usize = 6;

/// How many events are not in the trace, and why.
///
/// ```
/// use pftrace::{Lanes, MemorySink, Session, slice};
///
/// static ONE: Lanes<1> = Lanes::new("one at a time");
///
/// let session = Session::builder().writer(MemorySink::new()).start()?;
/// let first = slice!(track: &ONE, "example", "first");
/// let second = slice!(track: &ONE, "example", "second"); // no lane is free
/// drop((first, second));
/// let dropped = session.stop()?.dropped;
/// assert_eq!((dropped.too_many_tracks, dropped.total()), (1, 1));
/// # Ok::<(), pftrace::SessionError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dropped {
    /// No chunk was free: the sink was slower than the program, or the buffer was full and kept.
    pub no_room: u64,
    /// It was larger than a chunk even with its texts cut. Not the begins and ends of slices: these are there without what they said, and are
    /// [truncated](ThreadReport::truncated).
    pub too_large: u64,
    /// More slices were open than Perfetto shows, [`MAX_OPEN_SLICES`](crate::MAX_OPEN_SLICES). Their ends are not counted.
    pub too_deep: u64,
    /// The program has more call sites than [`MAX_CALL_SITES`](crate::MAX_CALL_SITES).
    pub too_many_call_sites: u64,
    /// The program has more tracks than [`MAX_TRACKS`](crate::MAX_TRACKS), all [`Lanes`](crate::Lanes) were taken, or
    /// [`MAX_OPEN_TRACK_SLICES`](crate::MAX_OPEN_TRACK_SLICES) slices were open on tracks.
    pub too_many_tracks: u64,
    /// What `with: |event| …` wrote is no message: two fields of a `oneof`, say. Not begins and ends, as above.
    pub malformed: u64,
}

impl Dropped {
    fn each(&self) -> [u64; LOSSES] {
        let Self { no_room, too_large, too_deep, too_many_call_sites, too_many_tracks, malformed } = *self;
        [no_room, too_large, too_deep, too_many_call_sites, too_many_tracks, malformed]
    }

    /// In the order of [`Loss`].
    fn of(each: [u64; LOSSES]) -> Self {
        let [no_room, too_large, too_deep, too_many_call_sites, too_many_tracks, malformed] = each;
        Self { no_room, too_large, too_deep, too_many_call_sites, too_many_tracks, malformed }
    }

    /// All together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.each().iter().sum()
    }
}

/// What of a thread others look at.
#[derive(Debug)]
pub(super) struct ThreadInfo {
    number: u32,
    pub(super) tid: i64,
    /// When it began, in the system's own measure.
    pub(super) start: u64,
    pub(super) name: Mutex<String>,
    dropped: [AtomicU64; LOSSES],
    pub(super) unwritten: Unwritten,
    truncated: AtomicU64,
    exited: AtomicBool,
    /// How many chunks it has begun.
    chunks: AtomicU32,
    /// What it has open; when it has exited, that is another's.
    stack: Mutex<Option<&'static Stack>>,
    /// How many the ring had completed when it exited; `u64::MAX` if its last one could not be completed.
    completed: AtomicU64,
    /// How many chunks of it have been read, by the drain; what follows is the drain's too.
    pub(super) read: AtomicU32,
    pub(super) events: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) undelivered: AtomicU64,
    /// Slices open where a connection began, of which nothing else was known.
    pub(super) unnamed: AtomicU64,
    /// Events that had no room and that the drain has written for the thread.
    made_up: AtomicU64,
}

/// The slices of a thread that have ended, and whose end had no room: until the thread's next chunk says so, or, when there is
/// none, the drain does.
#[derive(Debug, Default)]
pub(super) struct Unwritten {
    count: AtomicU32,
    first_ns: AtomicU64,
    last_ns: AtomicU64,
}

impl Unwritten {
    pub(super) fn push(&self, at_ns: u64) {
        let count = self.count.load(Ordering::Relaxed);
        if count == 0 {
            self.first_ns.store(at_ns, Ordering::Relaxed);
        }
        self.last_ns.store(at_ns, Ordering::Relaxed);
        // Release: with the acquire of `times`, the times are there.
        self.count.store(count + 1, Ordering::Release);
    }

    pub(super) fn clear(&self) {
        self.count.store(0, Ordering::Relaxed);
    }

    /// When they ended; of more than two, all but the innermost with the last.
    pub(super) fn times(&self) -> impl Iterator<Item = u64> + use<> {
        let count = self.count.load(Ordering::Acquire) as usize;
        let (first, last) = (self.first_ns.load(Ordering::Relaxed), self.last_ns.load(Ordering::Relaxed));
        (0..count).map(move |number| if number == 0 { first } else { last })
    }
}

/// One adds, and only its owner: no need for the bus to be locked.
fn add(counter: &AtomicU64, more: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
}

impl ThreadInfo {
    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// `trusted_packet_sequence_id`.
    pub(super) fn sequence(&self) -> u32 {
        self.number + FIRST_SEQUENCE
    }

    pub(super) fn lose(&self, loss: Loss) {
        add(&self.dropped[loss as usize], 1);
    }

    /// Events that had no room and are delivered after all.
    pub(super) fn recovered(&self, events: u32) {
        add(&self.dropped[Loss::NoRoom as usize], u64::from(events).wrapping_neg());
    }

    /// The same, by the drain.
    pub(super) fn made_up(&self, events: u64) {
        add(&self.made_up, events);
    }

    pub(super) fn truncated(&self) {
        add(&self.truncated, 1);
    }

    pub(super) fn lost(&self) -> u64 {
        self.dropped().total()
    }

    fn dropped(&self) -> Dropped {
        let mut losses = [0; LOSSES];
        for (loss, counter) in losses.iter_mut().zip(&self.dropped) {
            *loss = counter.load(Ordering::Relaxed);
        }
        losses[Loss::NoRoom as usize] -= self.made_up.load(Ordering::Relaxed);
        Dropped::of(losses)
    }

    /// It begins to record, with this for what it will have open.
    pub(super) fn enter(&self, stack: &'static Stack) {
        *lock(&self.stack) = Some(stack);
    }

    /// It has begun so many chunks.
    pub(super) fn begun(&self, chunks: u32) {
        self.chunks.store(chunks, Ordering::Relaxed);
        // With the fence of `open_while`: who sees what it has open then sees that.
        fence(Ordering::Release);
    }

    /// How many chunks it has begun.
    pub(super) fn chunks(&self) -> u32 {
        self.chunks.load(Ordering::Acquire)
    }

    /// What it has open, if it has begun no more than so many chunks, and so recorded nothing, until that is known.
    pub(super) fn open_while(&self, chunks: u32) -> Vec<(Open, String)> {
        let stack = *lock(&self.stack);
        let open = stack.map(Stack::read).unwrap_or_default();
        fence(Ordering::Acquire);
        // Where it has exited, that may be another thread's.
        let is_its = self.chunks.load(Ordering::Relaxed) == chunks && !self.exited.load(Ordering::Relaxed);
        if is_its { open } else { Vec::new() }
    }

    pub(super) fn exit(&self, completed: u64) {
        self.completed.store(completed, Ordering::Relaxed);
        // Release: with the acquire of those who ask, the numbers are there.
        self.exited.store(true, Ordering::Release);
    }

    /// Whether it has exited, after so many chunks.
    pub(super) fn has_exited_after(&self) -> Option<u32> {
        self.exited.load(Ordering::Acquire).then(|| self.chunks.load(Ordering::Relaxed))
    }

    /// Whether it has exited, and all its chunks were among the first so many that the ring completed.
    pub(super) fn has_exited_at(&self) -> Option<u64> {
        self.exited.load(Ordering::Acquire).then(|| self.completed.load(Ordering::Relaxed))
    }

    pub(super) fn report(&self) -> ThreadReport {
        ThreadReport {
            tid: self.tid,
            name: lock(&self.name).clone(),
            events: self.events.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            dropped: self.dropped(),
            undelivered: self.undelivered.load(Ordering::Relaxed),
            truncated: self.truncated.load(Ordering::Relaxed) + self.unnamed.load(Ordering::Relaxed),
        }
    }
}

/// What came of one thread's events.
///
/// ```
/// use pftrace::{MemorySink, Session, instant};
///
/// let session = Session::builder().writer(MemorySink::new()).start()?;
/// let worker = std::thread::Builder::new().name("worker 1".into());
/// worker.spawn(|| instant!("job", "done")).unwrap().join().unwrap();
/// let report = session.stop()?;
/// let worker = &report.threads[0];
/// assert_eq!((&*worker.name, worker.events, worker.dropped.total()), ("worker 1", 1, 0));
/// # Ok::<(), pftrace::SessionError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ThreadReport {
    /// The system's number of the thread.
    pub tid: i64,
    /// Its name, the last one that was seen.
    pub name: String,
    /// How many events the sink has got.
    pub events: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many were dropped, and why.
    pub dropped: Dropped,
    /// How many were recorded, and the sink failed before it got them, or did not take them in time.
    pub undelivered: u64,
    /// How many have texts that were cut, since they were larger than a chunk; and begins and ends of slices without what they said, which was too large all the same, or no message. Of a
    /// snapshot, and of connections that were lost, also how many slices were open at its begin for which there was no room, and which are there as `…`: more than 32 in the smallest buffer, 256 from 1 MiB on; half
    /// as many with names of their own.
    pub truncated: u64,
}

impl ThreadReport {
    /// The counts of another, too.
    pub(super) fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.bytes += other.bytes;
        self.undelivered += other.undelivered;
        self.truncated += other.truncated;
        let mut dropped = self.dropped.each();
        for (own, others) in dropped.iter_mut().zip(other.dropped.each()) {
            *own += others;
        }
        self.dropped = Dropped::of(dropped);
    }
}

/// The threads of a session. Numbers of those that have exited, and whose chunks have all been read, are given out again.
#[derive(Debug, Default)]
pub(super) struct Threads(Mutex<List>);

#[derive(Debug, Default)]
struct List {
    present: Vec<Option<Arc<ThreadInfo>>>,
    /// The sum of those that are gone.
    gone: Gone,
}

/// `trusted_packet_sequence_id` of the first thread: 1 is the drain's own.
const FIRST_SEQUENCE: u32 = 2;

/// The number of a sequence has three bytes at most.
const MOST_PRESENT: usize = (1 << 21) - FIRST_SEQUENCE as usize;

/// Of so many threads that have exited each is told of; all others are summed up.
const MOST_REPORTED: usize = 1000;

#[derive(Debug, Default)]
struct Gone {
    reports: Vec<ThreadReport>,
    others: ThreadReport,
    count: u64,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Threads {
    /// The calling thread. `None` when there are too many, nearly all of which have exited and whose chunks have not been read.
    pub(super) fn add(&self) -> Option<Arc<ThreadInfo>> {
        let tid = super::os::thread_id();
        let name = super::os::thread_name();
        let mut list = lock(&self.0);
        let free = list.present.iter().position(Option::is_none);
        let number = free.unwrap_or(list.present.len());
        if number >= MOST_PRESENT {
            return None;
        }
        let info = Arc::new(ThreadInfo {
            number: number as u32,
            tid,
            start: super::os::thread_start(),
            name: Mutex::new(name),
            dropped: [const { AtomicU64::new(0) }; LOSSES],
            unwritten: Unwritten::default(),
            truncated: AtomicU64::new(0),
            exited: AtomicBool::new(false),
            chunks: AtomicU32::new(0),
            stack: Mutex::new(None),
            completed: AtomicU64::new(0),
            read: AtomicU32::new(0),
            events: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            undelivered: AtomicU64::new(0),
            unnamed: AtomicU64::new(0),
            made_up: AtomicU64::new(0),
        });
        match free {
            Some(number) => list.present[number] = Some(info.clone()),
            None => list.present.push(Some(info.clone())),
        }
        Some(info)
    }

    pub(super) fn get(&self, number: u32) -> Option<Arc<ThreadInfo>> {
        lock(&self.0).present.get(number as usize)?.clone()
    }

    /// All that are there.
    pub(super) fn present(&self) -> Vec<Arc<ThreadInfo>> {
        let mut present = Vec::new();
        for info in lock(&self.0).present.iter().flatten() {
            present.push(info.clone());
        }
        present
    }

    /// Asks the system how those that run are called.
    pub(super) fn look_up_names(&self) {
        for info in self.present().iter().filter(|info| info.has_exited_after().is_none()) {
            let mut name = lock(&info.name);
            if let Some(now) = super::os::renamed(info.tid, &name) {
                *name = now;
            }
        }
    }

    /// All of it has been read: the number is free.
    pub(super) fn remove(&self, number: u32) {
        let mut list = lock(&self.0);
        let Some(info) = list.present.get_mut(number as usize).and_then(Option::take) else { return };
        let report = info.report();
        let gone = &mut list.gone;
        gone.count += 1;
        if gone.reports.len() < MOST_REPORTED {
            return gone.reports.push(report);
        }
        gone.others.add(&report);
    }

    /// Of each thread, and how many there are; the last one is the sum of more than a thousand that have exited.
    pub(super) fn reports(&self) -> (Vec<ThreadReport>, u64) {
        let list = lock(&self.0);
        let mut reports = list.gone.reports.clone();
        list.present.iter().flatten().for_each(|info| reports.push(info.report()));
        let count = list.gone.count + list.present.iter().flatten().count() as u64;
        if list.gone.count > MOST_REPORTED as u64 {
            reports.push(ThreadReport { name: "others".into(), ..list.gone.others.clone() });
        }
        (reports, count)
    }
}
