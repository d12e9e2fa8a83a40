//! Tracks: what describes them, what uses them, and whether the two agree. Descriptions may stand anywhere in the file, but for
//! those of counters, so most is judged at its end.

mod judge;
mod read;

use std::collections::BTreeMap;
use std::vec::Vec;

use self::read::{Read, process, thread};
use super::finding::{Kind, Place, Report};
use super::names::Names;
use super::slices::{Event, Of, Slices};
use super::{Map, map};

/// So many begins and ends wait in all to be matched: few enough for a cache of the processor while all are in order, and
/// more once one was not.
const WINDOW_EVENTS: usize = 1 << 16;
const LARGE_WINDOW_EVENTS: usize = 1 << 19;

#[derive(Debug)]
pub(super) struct Tracks {
    numbers: Map<u64, usize>,
    /// The one that was asked for last.
    last: (u64, usize),
    tracks: Vec<Track>,
    /// The track of each thread.
    threads: Map<(i64, i64), usize>,
    /// The track of each process, if it has one.
    processes: BTreeMap<i64, Option<u64>>,
    waiting: usize,
    /// How many may wait, and how many once one was out of order.
    window: usize,
    large_window: usize,
}

#[derive(Debug)]
struct Track {
    uuid: u64,
    /// It is known by its thread, and has no number.
    thread: Option<(i64, i64)>,
    described: Option<Described>,
    used: Option<Place>,
    /// The value of a counter, while it was not described as one.
    counted: Option<Place>,
    /// The sequence that wrote the first value of an incremental counter, and whether another has.
    counts_on: Option<u32>,
    is_shared: bool,
    logged: Option<Place>,
    /// An event that has to be a thread's.
    threaded: Option<Place>,
    /// One that has to be a process's, or a thread's.
    processed: Option<Place>,
    slices: Slices,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Described {
    place: Place,
    parent: u64,
    what: What,
    /// All else that has to be the same when it is described again.
    terms: u64,
    /// What it is called: a thread or process by its own name. 0 for nothing.
    name: u64,
}

/// A thread, as it is described.
#[derive(Clone, Copy, Debug)]
pub(super) struct Thread {
    pub(super) pid: i64,
    pub(super) tid: i64,
    name: u64,
    /// What times of its sequence that are differences are added to.
    pub(super) reference_us: i64,
}

/// What a track is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Plain,
    Process(i64),
    Thread(i64, i64),
    Counter { multiplier: i64, incremental: bool },
    State,
}

impl What {
    /// What Perfetto takes of two: a thread before a process before a counter before a state.
    fn or(self, other: Self) -> Self {
        if other.rank() > self.rank() { other } else { self }
    }

    fn rank(self) -> u8 {
        match self {
            Self::Plain => 0,
            Self::State => 1,
            Self::Counter { .. } => 2,
            Self::Process(_) => 3,
            Self::Thread(..) => 4,
        }
    }
}

impl Tracks {
    pub(super) fn new() -> Self {
        Self {
            numbers: map(),
            last: (0, usize::MAX),
            tracks: Vec::new(),
            threads: map(),
            processes: BTreeMap::new(),
            waiting: 0,
            window: WINDOW_EVENTS,
            large_window: LARGE_WINDOW_EVENTS,
        }
    }

    pub(super) fn set_window(&mut self, events: usize) {
        (self.window, self.large_window) = (events, events);
    }

    pub(super) fn described(&self) -> u64 {
        self.tracks.iter().filter(|track| track.described.is_some()).count() as u64
    }

    pub(super) fn threads(&self) -> u64 {
        self.threads.len() as u64
    }

    pub(super) fn processes(&self) -> u64 {
        self.processes.len() as u64
    }

    #[inline]
    pub(super) fn number(&mut self, uuid: u64) -> usize {
        let (last, number) = self.last;
        if last == uuid && number < self.tracks.len() {
            return number;
        }
        self.other_number(uuid)
    }

    fn other_number(&mut self, uuid: u64) -> usize {
        let Self { numbers, tracks, .. } = self;
        let number = *numbers.entry(uuid).or_insert_with(|| {
            tracks.push(Track::new(uuid, None));
            tracks.len() - 1
        });
        self.last = (uuid, number);
        number
    }

    /// The track of a thread, which may have no number of its own.
    pub(super) fn thread_number(&mut self, pid: i64, tid: i64) -> usize {
        let Self { threads, tracks, .. } = self;
        *threads.entry((pid, tid)).or_insert_with(|| {
            tracks.push(Track::new(0, Some((pid, tid))));
            tracks.len() - 1
        })
    }

    /// An event is on a track.
    #[inline]
    pub(super) fn used(&mut self, number: usize, place: Place) {
        self.tracks[number].used.get_or_insert(place);
    }

    /// The value of a counter is on a track. Unlike those of slices, the description has to stand before it.
    #[inline]
    pub(super) fn counted(&mut self, number: usize, place: Place, report: &mut Report<'_>) {
        let track = &mut self.tracks[number];
        match track.described {
            Some(Described { what: What::Counter { incremental: false, .. }, .. }) => {}
            Some(Described { what: What::Counter { .. }, .. }) => track.count_on(place, report),
            _ => _ = track.counted.get_or_insert(place),
        }
    }

    /// A log message is on a track.
    pub(super) fn logged(&mut self, number: usize, place: Place) {
        self.tracks[number].logged.get_or_insert(place);
    }

    /// An event is on a track that has to be a thread's.
    pub(super) fn threaded(&mut self, number: usize, place: Place) {
        self.tracks[number].threaded.get_or_insert(place);
    }

    /// An event is on a track that has to be a process's, or a thread's.
    pub(super) fn processed(&mut self, number: usize, place: Place) {
        self.tracks[number].processed.get_or_insert(place);
    }

    /// Slices of a track can't be matched.
    pub(super) fn give_up(&mut self, number: usize, report: &mut Report<'_>, why: core::fmt::Arguments<'_>) {
        let slices = &mut self.tracks[number].slices;
        self.waiting -= slices.waiting();
        slices.give_up(report, why);
    }

    /// A slice begins or ends on a track.
    #[inline]
    pub(super) fn slice(&mut self, number: usize, event: Event, names: &mut Names, report: &mut Report<'_>) {
        let slices = &mut self.tracks[number].slices;
        let waiting = slices.waiting();
        let Some(is_in_order) = slices.push(event, report) else {
            // None of them waits any more, if they have.
            self.waiting -= waiting;
            return;
        };
        self.waiting += 1;
        if !is_in_order {
            self.window = self.large_window;
        }
        if self.waiting >= self.window {
            self.match_half(names, report);
        }
    }

    #[cold]
    fn match_half(&mut self, names: &mut Names, report: &mut Report<'_>) {
        for track in self.tracks.iter_mut().filter(|track| track.slices.waiting() > 0) {
            track.slices.match_half(names, report);
        }
        self.waiting = self.tracks.iter().map(|track| track.slices.waiting()).sum();
    }

    /// Reads a `ProcessDescriptor` that stands alone, as of old.
    #[cold]
    pub(super) fn describe_process(&mut self, bytes: &[u8], report: &mut Report<'_>) {
        if let What::Process(pid) = process(bytes, report).0 {
            self.processes.entry(pid).or_default();
        }
    }

    /// Reads a `ThreadDescriptor` that stands alone, as of old: the thread of its sequence.
    #[cold]
    pub(super) fn describe_thread(&mut self, bytes: &[u8], report: &mut Report<'_>) -> Option<Thread> {
        let thread = thread(bytes, report)?;
        if thread.pid == 0 || thread.tid == 0 {
            report.say(
                Kind::ThreadNoId,
                format_args!(
                    "expected the thread of a sequence to have a pid and a tid above 0, found 0: its events are lost"
                ),
            );
        }
        self.processes.entry(thread.pid).or_default();
        let number = self.thread_number(thread.pid, thread.tid);
        let what = What::Thread(thread.pid, thread.tid);
        let described = Described { place: report.place, parent: 0, what, terms: 0, name: thread.name };
        self.tracks[number].described.get_or_insert(described);
        Some(thread)
    }

    /// A sequence has become another thread's after events without a track.
    #[cold]
    pub(super) fn thread_changed(&mut self, before: Option<(i64, i64)>, thread: &Thread, report: &mut Report<'_>) {
        let Thread { pid, tid, .. } = *thread;
        if let Some((pid_before, tid_before)) = before {
            report.say(Kind::ThreadChanged, format_args!(
                "expected a sequence to be of thread {tid_before} of process {pid_before} until its state is cleared, found thread {tid} of process {pid}"
            ));
        }
        let number_before = match before {
            Some((pid, tid)) => self.thread_number(pid, tid),
            None => self.number(0),
        };
        for number in [number_before, self.thread_number(pid, tid)] {
            self.give_up(number, report, format_args!("the thread of a sequence has changed"));
        }
    }

    /// Reads a `TrackDescriptor`. Returns the thread, if it is one's.
    pub(super) fn describe(&mut self, bytes: &[u8], report: &mut Report<'_>) -> Option<Thread> {
        let read = Read::track(bytes, report);
        let Some(uuid) = read.uuid else {
            report
                .say(Kind::TrackNoUuid, format_args!("expected the description of a track to have a uuid, found none"));
            return None;
        };
        if uuid == 0 && read.parent != 0 {
            let parent = read.parent;
            report.say(
                Kind::RootWithParent,
                format_args!("expected track 0, the root, to have no parent, found {parent}"),
            );
        }
        self.remember(uuid, read.described(report.place), report);
        read.thread
    }

    fn remember(&mut self, uuid: u64, described: Described, report: &mut Report<'_>) {
        match described.what {
            What::Process(pid) => self.remember_process(uuid, pid, report),
            What::Thread(pid, tid) => {
                self.processes.entry(pid).or_default();
                self.remember_thread(uuid, (pid, tid), report);
            }
            _ => {}
        }
        let number = self.number(uuid);
        match &mut self.tracks[number].described {
            Some(before) => before.again(uuid, &described, report),
            none => *none = Some(described),
        }
    }

    /// A track is a process's.
    fn remember_process(&mut self, uuid: u64, pid: i64, report: &mut Report<'_>) {
        let number = self.number(uuid);
        let before = self.processes.entry(pid).or_default().replace(uuid);
        // Told once of each.
        let is_new = self.tracks[number].described.is_none();
        if let Some(before) = before.filter(|before| *before != uuid && is_new) {
            report.say(
                Kind::ProcessTwice,
                format_args!("expected one track for process {pid}, found {before} and {uuid}"),
            );
        }
    }

    /// A track is a thread's.
    fn remember_thread(&mut self, uuid: u64, thread: (i64, i64), report: &mut Report<'_>) {
        let number = self.number(uuid);
        let Some(before) = self.threads.insert(thread, number).filter(|before| *before != number) else { return };
        if self.tracks[before].thread.is_none() {
            let (pid, tid) = thread;
            let before = self.tracks[before].uuid;
            return report.say(
                Kind::ThreadTwice,
                format_args!("expected one track for thread {tid} of process {pid}, found {before} and {uuid}"),
            );
        }
        // One track: what it has had without a number stays with it.
        let has_events = self.tracks[number].used.is_some();
        if has_events {
            let why = "its thread was known by another sequence before it had a number";
            self.give_up(before, report, format_args!("{why}"));
            return self.give_up(number, report, format_args!("{why}"));
        }
        self.threads.insert(thread, before);
        self.numbers.insert(uuid, before);
        self.last = (uuid, before);
        let track = &mut self.tracks[before];
        (track.uuid, track.thread, track.described) = (uuid, None, None);
    }

    /// The file has ended.
    pub(super) fn finish(&mut self, names: &mut Names, report: &mut Report<'_>) {
        for track in &mut self.tracks {
            track.slices.finish(names, report);
            track.judge_use(report);
        }
        self.judge_parents(report);
        self.judge_threads(report);
    }
}

impl Described {
    /// It is described again.
    fn again(&mut self, uuid: u64, other: &Self, report: &mut Report<'_>) {
        let Self { place, parent, what, terms, name } = *self;
        let packet = place.packet;
        if (what, parent) != (other.what, other.parent) {
            return report.say(
                Kind::TrackConflict,
                format_args!(
                    "expected track {uuid} as in packet {packet}, {what:?} with parent {parent}, found {:?} with parent {}",
                    other.what, other.parent
                ),
            );
        }
        if terms != other.terms {
            return report.say(Kind::TrackConflict, format_args!(
                "expected track {uuid} as in packet {packet}, found another way to merge it, or another type, share key or categories of its counter"
            ));
        }
        if name == 0 {
            self.name = other.name;
        } else if other.name != 0 && other.name != name {
            self.name = other.name;
            report.say(Kind::Renamed, format_args!("track {uuid} has another name than in packet {packet}"));
        }
    }

    /// The one that lends it its thread: a process and a thread have their own place.
    fn own_parent(&self) -> Option<u64> {
        let has_place = matches!(self.what, What::Process(_) | What::Thread(..));
        (!has_place && self.parent != 0).then_some(self.parent)
    }
}

impl Track {
    fn new(uuid: u64, thread: Option<(i64, i64)>) -> Self {
        Self {
            uuid,
            thread,
            described: None,
            used: None,
            counted: None,
            counts_on: None,
            is_shared: false,
            logged: None,
            threaded: None,
            processed: None,
            slices: Slices::new(match thread {
                Some((pid, tid)) => Of::Thread(pid, tid),
                None => Of::Track(uuid),
            }),
        }
    }

    /// Who says that it has a parent, and which.
    fn parent(&self) -> Option<(Place, u64)> {
        let described = self.described.filter(|described| described.parent != 0)?;
        Some((described.place, described.parent))
    }

    /// The value of a counter that counts on from the one before.
    fn count_on(&mut self, place: Place, report: &mut Report<'_>) {
        let writer = *self.counts_on.get_or_insert(place.sequence);
        if writer != place.sequence && !core::mem::replace(&mut self.is_shared, true) {
            let (uuid, other) = (self.uuid, place.sequence);
            report.say_at(place, Kind::CounterShared, format_args!(
                "expected one sequence to write on track {uuid}, a counter of differences, found {writer} and {other}; told once per track"
            ));
        }
    }

    #[inline]
    fn is_counter(&self) -> bool {
        matches!(self.described, Some(Described { what: What::Counter { .. }, .. }))
    }

    fn judge_use(&self, report: &mut Report<'_>) {
        let uuid = self.uuid;
        let what = self.described.map(|described| described.what);
        if let (Some(place), true) = (self.counted, self.is_counter()) {
            report.say_at(
                place,
                Kind::CounterLate,
                format_args!(
                    "expected track {uuid} to be described before the first value of its counter, found it described later; told once per track"
                ),
            );
        } else if let Some(place) = self.counted {
            let found = if what.is_some() { "it described as another" } else { "no description of it" };
            report.say_at(
                place,
                Kind::NotACounter,
                format_args!("expected track {uuid} to be a counter's, found {found}"),
            );
        } else if let (Some(place), None, true) = (self.used, what, uuid != 0) {
            report.say_at(
                place,
                Kind::TrackUndescribed,
                format_args!("expected track {uuid} to be described in the trace, found nothing"),
            );
        }
    }
}
