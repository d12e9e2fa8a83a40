//! Tracks: the rows of the timeline that events are drawn on. A track is described once, and the handle that this
//! returns is what events are written on.

use core::fmt;

use pftrace_protos::track_descriptor::{ChildTracksOrdering, SiblingMergeBehavior};
use pftrace_protos::{CounterDescriptor, TrackDescriptor, counter_descriptor};

use crate::error::Error;
use crate::sink::Sink;
use crate::writer::TraceWriter;

/// How many ancestors a track may have. Perfetto follows 100, but the engine of its UI (v52) runs out of stack at 77, and
/// the trace does not load.
pub const MAX_TRACK_ANCESTORS: u32 = 64;

/// A track of slices and instants.
///
/// It knows how many slices are open on it and when the last one began or ended, so the writer remembers nothing of the
/// tracks that it has described. It is [`Send`]: the thread that writes on a track keeps it, without a lock.
#[derive(Debug)]
pub struct Track {
    pub(crate) place: Place,
    pub(crate) open: u32,
    /// Time of the last begin or end, and the number of its clock.
    pub(crate) last: Option<(u64, u32)>,
}

/// The number of a process, from the `i32` of system calls or the `u32` of `std::process::id()`.
///
/// 0 and negative numbers, and those above `i32::MAX`, which a trace can't hold, are refused when the track is
/// [described](TrackBuilder::describe).
///
/// ```
/// let mut trace = pftrace::TraceWriter::new(Vec::new());
/// let own = trace.process_track(std::process::id()).describe()?;
/// let other = trace.process_track(42).describe()?;
/// # Ok::<(), pftrace::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProcessId(i64);

impl From<i32> for ProcessId {
    fn from(pid: i32) -> Self {
        Self(pid.into())
    }
}

impl From<u32> for ProcessId {
    fn from(pid: u32) -> Self {
        Self(pid.into())
    }
}

/// The track of a process. Slices and instants may be put on it as on any [`Track`].
#[derive(Debug)]
pub struct ProcessTrack {
    track: Track,
    pid: i32,
}

/// A track of numbers over time. It is shown once it has a value: see [`TraceWriter::counter`].
#[derive(Debug)]
pub struct CounterTrack(pub(crate) Place);

/// A track of one state after the other, such as a device's power states.
#[derive(Debug)]
pub struct StateTrack(pub(crate) Place);

/// What all tracks have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub(crate) uuid: u64,
    /// The writer that has described it.
    pub(crate) writer: u32,
    /// The sequence that its events are written on.
    pub(crate) sequence: u32,
    ancestors: u32,
}

impl CounterTrack {
    /// Its number in the trace, unique to it: `TrackDescriptor.uuid`.
    #[must_use]
    pub fn uuid(&self) -> u64 {
        self.0.uuid
    }
}

impl StateTrack {
    /// Its number in the trace, unique to it: `TrackDescriptor.uuid`.
    #[must_use]
    pub fn uuid(&self) -> u64 {
        self.0.uuid
    }
}

impl Track {
    /// Its number in the trace, unique to it: `TrackDescriptor.uuid`.
    #[must_use]
    pub fn uuid(&self) -> u64 {
        self.place.uuid
    }

    /// How many slices are open on it.
    #[must_use]
    pub fn open_slices(&self) -> u32 {
        self.open
    }
}

impl ProcessTrack {
    /// Its number in the trace, unique to it: `TrackDescriptor.uuid`.
    #[must_use]
    pub fn uuid(&self) -> u64 {
        self.track.place.uuid
    }

    /// The process's number.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid
    }
}

impl AsRef<Track> for Track {
    fn as_ref(&self) -> &Track {
        self
    }
}

impl AsMut<Track> for Track {
    fn as_mut(&mut self) -> &mut Track {
        self
    }
}

impl AsRef<Track> for ProcessTrack {
    fn as_ref(&self) -> &Track {
        &self.track
    }
}

impl AsMut<Track> for ProcessTrack {
    fn as_mut(&mut self) -> &mut Track {
        &mut self.track
    }
}

/// In which order the children of a track are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChildOrdering {
    /// By name.
    Lexicographic,
    /// By the time of their first event.
    Chronological,
    /// By their [rank](TrackBuilder::sibling_order_rank).
    Explicit,
}

/// Which of the tracks with the same parent are shown as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SiblingMerge<'t> {
    /// Those of the same name. What Perfetto does when nothing is said.
    ByName,
    /// None.
    Never,
    /// Those with the same key.
    ByKey(&'t str),
}

/// What a counter counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unit<'t> {
    /// Nanoseconds.
    TimeNs,
    /// A number of things.
    Count,
    /// Bytes.
    SizeBytes,
    /// Anything else, by its name.
    Named(&'t str),
}

/// Describes a track: from [`TraceWriter`]'s `…_track` methods to [`describe`](Self::describe).
#[must_use = "a track is described by `describe`"]
pub struct TrackBuilder<'w, 't, S: Sink, M, K> {
    writer: &'w mut TraceWriter<S, M>,
    common: Common<'t>,
    kind: K,
}

/// What can be said of every track.
#[derive(Debug, Clone, Copy, Default)]
struct Common<'t> {
    uuid: Option<u64>,
    sequence: Option<SequenceId>,
    name: Option<&'t str>,
    description: Option<&'t str>,
    parent: Option<Place>,
    child_ordering: Option<ChildOrdering>,
    sibling_order_rank: Option<i32>,
    sibling_merge: Option<SiblingMerge<'t>>,
}

/// The kinds of tracks, and what can be said of each.
pub mod kind {
    use super::Unit;

    /// A process: [`process_track`](crate::TraceWriter::process_track).
    #[derive(Debug, Clone, Copy)]
    pub struct Process<'t> {
        pub(super) pid: super::ProcessId,
        pub(super) cmdline: &'t [&'t str],
        pub(super) labels: &'t [&'t str],
        pub(super) start_ns: Option<i64>,
    }

    /// A thread: [`thread_track`](crate::TraceWriter::thread_track).
    #[derive(Debug, Clone, Copy)]
    pub struct Thread {
        pub(super) pid: i32,
        pub(super) tid: i64,
    }

    /// A track of slices of one's own: [`track`](crate::TraceWriter::track).
    #[derive(Debug, Clone, Copy)]
    pub struct Slices;

    /// A counter: [`counter_track`](crate::TraceWriter::counter_track).
    #[derive(Debug, Clone, Copy, Default)]
    pub struct Counter<'t> {
        pub(super) unit: Option<Unit<'t>>,
        pub(super) unit_multiplier: Option<i64>,
        pub(super) y_axis_share_key: Option<&'t str>,
    }

    /// A state: [`state_track`](crate::TraceWriter::state_track).
    #[derive(Debug, Clone, Copy)]
    pub struct State;

    /// Kinds of tracks that may have a parent.
    pub trait HasParent: super::Kind {}
    impl HasParent for Slices {}
    impl HasParent for Counter<'_> {}
    impl HasParent for State {}
}

/// A kind of track. Its `Handle` is what [`describe`](TrackBuilder::describe) returns.
pub trait Kind: Copy + sealed::Kind {}

impl<K: Copy + sealed::Kind> Kind for K {}

mod sealed {
    use pftrace_protos::TrackDescriptor;

    use super::{Error, Place};

    #[doc(hidden)]
    pub trait Kind {
        type Handle;

        /// The number of the track, where that follows from what it is.
        fn uuid(&self) -> Option<u64> {
            None
        }
        fn check(&self) -> Result<(), Error> {
            Ok(())
        }
        fn fill(&self, descriptor: &mut TrackDescriptor<'_>, name: Option<&str>);
        fn handle(&self, place: Place) -> Self::Handle;
    }
}

impl<'w, 't, S: Sink, M: AsRef<[u64]> + AsMut<[u64]>, K: Kind> TrackBuilder<'w, 't, S, M, K> {
    pub(crate) fn new(writer: &'w mut TraceWriter<S, M>, kind: K, name: Option<&'t str>) -> Self {
        Self { writer, kind, common: Common { name, ..Common::default() } }
    }

    /// A text about the track, shown by the UI on demand.
    pub fn description(mut self, description: &'t str) -> Self {
        self.common.description = Some(description);
        self
    }

    /// The track's number in the trace, which must be unique to it, instead of one that the writer chooses. 0 is the root,
    /// which every track without a parent lies under. The writer chooses one after the other, from [`Builder::first_track_uuid`](crate::Builder::first_track_uuid) on, and skips what has been
    /// given here before.
    pub fn uuid(mut self, uuid: u64) -> Self {
        self.common.uuid = Some(uuid);
        self
    }

    /// The sequence that the track's events are written on, instead of the main one.
    ///
    /// Tracks whose times advance apart from each other take less room on sequences of their own. The counters of a thread,
    /// whose times are the thread's, belong on its sequence too.
    pub fn sequence(mut self, sequence: SequenceId) -> Self {
        self.common.sequence = Some(sequence);
        self
    }

    /// The order of the track's children.
    pub fn child_ordering(mut self, ordering: ChildOrdering) -> Self {
        self.common.child_ordering = Some(ordering);
        self
    }

    /// Where the track stands among its siblings when their parent orders them [explicitly](ChildOrdering::Explicit):
    /// lower first.
    pub fn sibling_order_rank(mut self, rank: i32) -> Self {
        self.common.sibling_order_rank = Some(rank);
        self
    }

    /// With which siblings the track is shown as one.
    pub fn sibling_merge(mut self, merge: SiblingMerge<'t>) -> Self {
        self.common.sibling_merge = Some(merge);
        self
    }

    /// Writes the description and returns the track.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignTrack`] when the parent or the sequence is of another writer, [`Error::TracksTooDeep`] when it has too many
    /// ancestors, [`Error::RootWithParent`], [`Error::TrackUuidTaken`], [`Error::ReservedId`] for a process or thread 0, [`Error::ProcessIdOutOfRange`],
    /// and all errors of writing a packet.
    pub fn describe(self) -> Result<K::Handle, Error> {
        let Self { writer, common, kind } = self;
        kind.check()?;
        let ancestors = match common.parent {
            Some(parent) if parent.writer != writer.id() => return Err(Error::ForeignTrack),
            Some(parent) if parent.ancestors >= MAX_TRACK_ANCESTORS => {
                return Err(Error::TracksTooDeep { limit: MAX_TRACK_ANCESTORS });
            }
            Some(parent) => parent.ancestors + 1,
            None => 0,
        };
        let sequence = match common.sequence {
            Some(sequence) if sequence.writer != writer.id() => return Err(Error::ForeignTrack),
            Some(sequence) => sequence.index,
            None => 0,
        };
        if common.uuid == Some(0) && common.parent.is_some() {
            return Err(Error::RootWithParent);
        }
        let uuid = match kind.uuid().filter(|_| common.uuid.is_none()) {
            Some(uuid) => uuid,
            None => writer.track_uuid(common.uuid)?,
        };
        writer.packet(|packet| {
            packet.set_track_descriptor(|descriptor| {
                descriptor.set_uuid(uuid);
                kind.fill(descriptor, common.name);
                common.fill(descriptor);
            });
        })?;
        Ok(kind.handle(Place { uuid, writer: writer.id(), sequence, ancestors }))
    }
}

impl Common<'_> {
    fn fill(&self, descriptor: &mut TrackDescriptor<'_>) {
        if let Some(description) = self.description {
            descriptor.set_description(description);
        }
        if let Some(parent) = self.parent {
            descriptor.set_parent_uuid(parent.uuid);
        }
        if let Some(ordering) = self.child_ordering {
            set_child_ordering(descriptor, ordering);
        }
        if let Some(rank) = self.sibling_order_rank {
            descriptor.set_sibling_order_rank(rank);
        }
        if let Some(merge) = self.sibling_merge {
            set_sibling_merge(descriptor, merge);
        }
    }
}

pub(crate) fn set_child_ordering(descriptor: &mut TrackDescriptor<'_>, ordering: ChildOrdering) {
    descriptor.set_child_ordering(match ordering {
        ChildOrdering::Lexicographic => ChildTracksOrdering::LEXICOGRAPHIC,
        ChildOrdering::Chronological => ChildTracksOrdering::CHRONOLOGICAL,
        ChildOrdering::Explicit => ChildTracksOrdering::EXPLICIT,
    });
}

pub(crate) fn set_sibling_merge(descriptor: &mut TrackDescriptor<'_>, merge: SiblingMerge<'_>) {
    let behavior = match merge {
        SiblingMerge::ByName => SiblingMergeBehavior::SIBLING_MERGE_BEHAVIOR_BY_TRACK_NAME,
        SiblingMerge::Never => SiblingMergeBehavior::SIBLING_MERGE_BEHAVIOR_NONE,
        SiblingMerge::ByKey(_) => SiblingMergeBehavior::SIBLING_MERGE_BEHAVIOR_BY_SIBLING_MERGE_KEY,
    };
    descriptor.set_sibling_merge_behavior(behavior);
    if let SiblingMerge::ByKey(key) = merge {
        descriptor.set_sibling_merge_key(key);
    }
}

pub(crate) fn set_process(
    descriptor: &mut TrackDescriptor<'_>,
    pid: i32,
    name: Option<&str>,
    cmdline: &[&str],
    labels: &[&str],
    start_ns: Option<i64>,
) {
    descriptor.set_process(|process| {
        process.set_pid(pid);
        if let Some(name) = name {
            process.set_process_name(name);
        }
        for argument in cmdline {
            process.add_cmdline(argument);
        }
        for label in labels {
            process.add_process_labels(label);
        }
        if let Some(ns) = start_ns {
            process.set_start_timestamp_ns(ns);
        }
    });
}

pub(crate) fn set_thread(descriptor: &mut TrackDescriptor<'_>, pid: i32, tid: i64, name: Option<&str>) {
    descriptor.set_thread(|thread| {
        thread.set_pid(pid).set_tid(tid);
        if let Some(name) = name {
            thread.set_thread_name(name);
        }
    });
}

pub(crate) fn set_counter(
    descriptor: &mut TrackDescriptor<'_>,
    unit: Option<Unit<'_>>,
    multiplier: Option<i64>,
    share_key: Option<&str>,
) {
    descriptor.set_counter(|counter| {
        if let Some(unit) = unit {
            set_unit(counter, unit);
        }
        if let Some(multiplier) = multiplier {
            counter.set_unit_multiplier(multiplier);
        }
        if let Some(key) = share_key {
            counter.set_y_axis_share_key(key);
        }
    });
}

fn set_unit(counter: &mut CounterDescriptor<'_>, unit: Unit<'_>) {
    match unit {
        Unit::TimeNs => counter.set_unit(counter_descriptor::Unit::UNIT_TIME_NS),
        Unit::Count => counter.set_unit(counter_descriptor::Unit::UNIT_COUNT),
        Unit::SizeBytes => counter.set_unit(counter_descriptor::Unit::UNIT_SIZE_BYTES),
        Unit::Named(name) => counter.set_unit_name(name),
    };
}

impl<'t, S: Sink, M, K: kind::HasParent> TrackBuilder<'_, 't, S, M, K> {
    /// The track that this one belongs to.
    ///
    /// Perfetto shows a child of a process or thread beside the threads of that process; a child of any other track
    /// below it.
    pub fn parent(mut self, parent: &impl AsRef<Track>) -> Self {
        self.common.parent = Some(parent.as_ref().place);
        self
    }
}

impl<'t, S: Sink, M> TrackBuilder<'_, 't, S, M, kind::Process<'t>> {
    /// The name of the process.
    pub fn name(mut self, name: &'t str) -> Self {
        self.common.name = Some(name);
        self
    }

    /// Its command line, one text for each argument.
    ///
    /// The trace processor v52 does not show it for a process that is described by a track: `process.cmdline` is NULL.
    pub fn cmdline(mut self, cmdline: &'t [&'t str]) -> Self {
        self.kind.cmdline = cmdline;
        self
    }

    /// Labels, shown beside its name.
    pub fn labels(mut self, labels: &'t [&'t str]) -> Self {
        self.kind.labels = labels;
        self
    }

    /// When it was started, in nanoseconds of the trace's clock.
    pub fn start_timestamp_ns(mut self, ns: i64) -> Self {
        self.kind.start_ns = Some(ns);
        self
    }
}

impl<'t, S: Sink, M> TrackBuilder<'_, 't, S, M, kind::Thread> {
    /// The name of the thread.
    pub fn name(mut self, name: &'t str) -> Self {
        self.common.name = Some(name);
        self
    }
}

impl<'t, S: Sink, M> TrackBuilder<'_, 't, S, M, kind::Counter<'t>> {
    /// What it counts.
    pub fn unit(mut self, unit: Unit<'t>) -> Self {
        self.kind.unit = Some(unit);
        self
    }

    /// What each value is multiplied with: 1024 for a counter of KiB whose unit is bytes.
    pub fn unit_multiplier(mut self, multiplier: i64) -> Self {
        self.kind.unit_multiplier = Some(multiplier);
        self
    }

    /// Counters of the same parent and key are drawn to one scale.
    pub fn y_axis_share_key(mut self, key: &'t str) -> Self {
        self.kind.y_axis_share_key = Some(key);
        self
    }
}

impl<'t> kind::Process<'t> {
    pub(crate) fn new(pid: ProcessId) -> Self {
        Self { pid, cmdline: &[], labels: &[], start_ns: None }
    }
}

/// `ProcessDescriptor.pid` is an `int32`.
const MAX_PROCESS_ID: i64 = i32::MAX as i64;

impl ProcessId {
    /// As a trace has it, once it has been checked.
    fn number(self) -> i32 {
        self.0 as i32
    }
}

impl kind::Thread {
    pub(crate) fn new(pid: i32, tid: i64) -> Self {
        Self { pid, tid }
    }
}

impl sealed::Kind for kind::Process<'_> {
    type Handle = ProcessTrack;

    fn uuid(&self) -> Option<u64> {
        Some(process_uuid(self.pid.number()))
    }

    fn check(&self) -> Result<(), Error> {
        match self.pid.0 {
            0 => Err(Error::ReservedId),
            1..=MAX_PROCESS_ID => Ok(()),
            pid => Err(Error::ProcessIdOutOfRange { pid }),
        }
    }

    fn fill(&self, descriptor: &mut TrackDescriptor<'_>, name: Option<&str>) {
        set_process(descriptor, self.pid.number(), name, self.cmdline, self.labels, self.start_ns);
    }

    fn handle(&self, place: Place) -> ProcessTrack {
        ProcessTrack { track: Track::at(place), pid: self.pid.number() }
    }
}

impl sealed::Kind for kind::Thread {
    type Handle = Track;

    fn uuid(&self) -> Option<u64> {
        Some(thread_uuid(self.pid, self.tid))
    }

    fn check(&self) -> Result<(), Error> {
        if self.tid == 0 { Err(Error::ReservedId) } else { Ok(()) }
    }

    fn fill(&self, descriptor: &mut TrackDescriptor<'_>, name: Option<&str>) {
        set_thread(descriptor, self.pid, self.tid, name);
    }

    fn handle(&self, place: Place) -> Track {
        Track::at(place)
    }
}

impl sealed::Kind for kind::Slices {
    type Handle = Track;

    fn fill(&self, descriptor: &mut TrackDescriptor<'_>, name: Option<&str>) {
        set_name(descriptor, name);
    }

    fn handle(&self, place: Place) -> Track {
        Track::at(place)
    }
}

impl sealed::Kind for kind::Counter<'_> {
    type Handle = CounterTrack;

    fn fill(&self, descriptor: &mut TrackDescriptor<'_>, name: Option<&str>) {
        set_name(descriptor, name);
        set_counter(descriptor, self.unit, self.unit_multiplier, self.y_axis_share_key);
    }

    fn handle(&self, place: Place) -> CounterTrack {
        CounterTrack(place)
    }
}

impl sealed::Kind for kind::State {
    type Handle = StateTrack;

    fn fill(&self, descriptor: &mut TrackDescriptor<'_>, name: Option<&str>) {
        set_name(descriptor, name);
        descriptor.set_state(|_| {});
    }

    fn handle(&self, place: Place) -> StateTrack {
        StateTrack(place)
    }
}

fn set_name(descriptor: &mut TrackDescriptor<'_>, name: Option<&str>) {
    if let Some(name) = name {
        descriptor.set_name(name);
    }
}

impl Track {
    fn at(place: Place) -> Self {
        Self { place, open: 0, last: None }
    }
}

/// Names a sequence of a writer: see [`TraceWriter::add_sequence`](crate::TraceWriter::add_sequence).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SequenceId {
    pub(crate) writer: u32,
    pub(crate) index: u32,
}

/// The same process has the same number in every trace, so traces of it can be joined. Likewise a thread: two numbers for
/// one thread would be read as two threads.
pub(crate) fn process_uuid(pid: i32) -> u64 {
    mix(u64::from(pid as u32) | 1 << 32)
}

pub(crate) fn thread_uuid(pid: i32, tid: i64) -> u64 {
    mix(process_uuid(pid) ^ mix(tid as u64))
}

/// Spreads numbers over 64 bits, one to one (the finalizer of splitmix64). The lowest bit of the top byte is set, so
/// that no result is one of the small numbers of other tracks.
pub(crate) fn mix(number: u64) -> u64 {
    let x = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    (x ^ x >> 31) | 1 << 56
}

impl<S: Sink + fmt::Debug, M: fmt::Debug, K: fmt::Debug> fmt::Debug for TrackBuilder<'_, '_, S, M, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrackBuilder").field("common", &self.common).field("kind", &self.kind).finish_non_exhaustive()
    }
}
