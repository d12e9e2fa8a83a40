//! Tracks that a program declares: rows of the timeline beside those of its threads.

use std::boxed::Box;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::vec::Vec;

use pftrace_protos::TrackDescriptor;

use super::lanes::Lanes;
use super::open::OpenSlices;
use super::put;
use super::registry::Registry;
use crate::CounterValue;
use crate::track::{
    ChildOrdering, MAX_TRACK_ANCESTORS, SiblingMerge, Unit, process_uuid, set_child_ordering, set_counter, set_process,
    set_sibling_merge, set_thread, thread_uuid,
};

/// How many tracks there can be in a program, lanes included: what is recorded on further ones is dropped, and counted in
/// [`Dropped::too_many_tracks`](crate::Dropped::too_many_tracks).
pub const MAX_TRACKS: u32 = 1 << 15;

static TRACKS: Registry<TrackRef> = Registry::new(MAX_TRACKS);

/// A track of slices and instants that belongs to no thread in particular: any thread may record on it.
///
/// ```
/// use pftrace::{NamedTrack, instant, slice};
///
/// static NETWORK: NamedTrack = NamedTrack::new("network");
/// static DOWNLOADS: NamedTrack = NamedTrack::new("downloads").parent(&NETWORK).description("one at a time");
///
/// let download = slice!(track: &DOWNLOADS, "net", "download", url = "/index.html");
/// std::thread::spawn(move || {
///     instant!(track: &DOWNLOADS, "net", "first byte");
///     drop(download); // it ends here, on another thread
/// });
/// ```
///
/// Its children can be ordered, and its siblings be kept apart from it. Other processes' tracks can be recorded on, too:
///
/// ```
/// use pftrace::{ChildOrdering, NamedTrack, SiblingMerge, instant};
///
/// static BOARD: NamedTrack = NamedTrack::new("board").root().child_ordering(ChildOrdering::Explicit);
/// static CPU: NamedTrack = NamedTrack::new("chip").parent(&BOARD).sibling_order_rank(1).sibling_merge(SiblingMerge::Never);
/// static GPU: NamedTrack = NamedTrack::new("chip").parent(&BOARD).sibling_order_rank(2).sibling_merge(SiblingMerge::Never);
/// static SERVER: NamedTrack = NamedTrack::process(4711, "server");
/// static SERVER_MAIN: NamedTrack = NamedTrack::thread(4711, 4711, "main");
///
/// instant!(track: &CPU, "power", "on");
/// instant!(track: &GPU, "power", "on");
/// instant!(track: &SERVER, "rpc", "is up");
/// instant!(track: &SERVER_MAIN, "rpc", "asked");
/// let plugged_in: &'static NamedTrack = NamedTrack::new("usb").parent(&BOARD).leak();
/// instant!(track: plugged_in, "power", "on");
/// ```
///
/// It is a `static`, or made while the program runs and [leaked](Self::leak): what has been recorded on one can't be forgotten. For
/// many things of one kind that come and go there are [`Lanes`](crate::Lanes).
///
/// On one track slices lie within each other. They are in the order in which they were recorded, also by several threads: the
/// times on a track never go back.
#[derive(Debug)]
pub struct NamedTrack {
    about: About,
    state: State,
    pub(super) open: OpenSlices,
}

/// A counter that is declared: with a unit, under a track of one's own. One without all that is [`counter!`](crate::counter) alone.
///
/// ```
/// use pftrace::{NamedCounter, Unit, counter};
///
/// static HEAP: NamedCounter = NamedCounter::new("heap").unit(Unit::SizeBytes);
/// static REQUESTS: NamedCounter = NamedCounter::new("requests").unit(Unit::Count).incremental();
///
/// counter!(track: &HEAP, "mem", 4096);
/// counter!(track: &REQUESTS, "http", 1); // one more
/// counter!(track: &REQUESTS, "http", -1); // one less
///
/// // Two curves of one scale; the values of the first are multiplied with 1024.
/// static FROM_DISK: NamedCounter =
///     NamedCounter::new("from disk").unit(Unit::SizeBytes).unit_multiplier(1024).y_axis_share_key("read");
/// static FROM_CACHE: NamedCounter = NamedCounter::new("from cache").unit(Unit::SizeBytes).y_axis_share_key("read");
///
/// counter!(track: &FROM_DISK, "io", 4);
/// counter!(track: &FROM_CACHE, "io", 4096);
/// ```
#[derive(Debug)]
pub struct NamedCounter {
    about: About,
    state: State,
    sum: Option<Sum>,
}

/// A track of one state after the other, such as a device's power states: see [`state!`](crate::state).
///
/// ```
/// use pftrace::{NamedState, NamedTrack, state};
///
/// static MODEM: NamedTrack = NamedTrack::new("modem");
/// static RADIO: NamedState = NamedState::new("radio").parent(&MODEM).description("what the radio does");
///
/// state!(track: &RADIO, "power", "receiving");
/// state!(track: &RADIO, "power", "sending"); // instead
/// state!(track: &RADIO, "power"); // nothing
/// ```
#[derive(Debug)]
pub struct NamedState {
    about: About,
    state: State,
}

/// A track that is recorded on: a [`NamedTrack`], or one of some [`Lanes`](crate::Lanes).
///
/// ```
/// use pftrace::{Lanes, NamedTrack, TrackRef, instant, slice};
///
/// static DISK: NamedTrack = NamedTrack::new("disk");
/// static REQUESTS: Lanes = Lanes::new("requests");
///
/// fn mark(track: TrackRef) {
///     instant!(track: track, "example", "here");
/// }
///
/// mark(TrackRef::from(&DISK));
/// let request = slice!(track: &REQUESTS, "http", "GET");
/// request.track().into_iter().for_each(mark);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TrackRef {
    about: &'static About,
    state: &'static State,
}

/// What is said of a track.
#[derive(Clone, Copy, Debug)]
pub(super) struct About {
    kind: Kind,
    name: &'static str,
    parent: Parent,
    description: Option<&'static str>,
    child_ordering: Option<ChildOrdering>,
    sibling_order_rank: Option<i32>,
    sibling_merge: Option<SiblingMerge<'static>>,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Slices,
    Process { pid: i32 },
    Thread { pid: i32, tid: i64 },
    Counter { unit: Option<Unit<'static>>, multiplier: Option<i64>, share_key: Option<&'static str> },
    State,
}

#[derive(Clone, Copy, Debug)]
enum Parent {
    /// The process that records.
    Process,
    None,
    Track(&'static NamedTrack),
}

/// What changes of a track.
#[derive(Debug)]
pub(super) struct State {
    /// 0 until it is first recorded on.
    number: AtomicU32,
    /// [`TrackRef::field`]; 0 until then.
    field: AtomicU64,
    /// When a slice began or ended on it last.
    last_ns: AtomicU64,
}

/// What a counter has been set to by additions.
#[derive(Debug)]
struct Sum {
    int: AtomicU64,
    double: AtomicU64,
}

impl About {
    pub(super) const fn new(name: &'static str) -> Self {
        Self::of_kind(Kind::Slices, name)
    }

    const fn of_kind(kind: Kind, name: &'static str) -> Self {
        Self {
            kind,
            name,
            parent: Parent::Process,
            description: None,
            child_ordering: None,
            sibling_order_rank: None,
            sibling_merge: None,
        }
    }
}

impl State {
    pub(super) const fn new() -> Self {
        Self { number: AtomicU32::new(0), field: AtomicU64::new(0), last_ns: AtomicU64::new(0) }
    }
}

/// What can be said of all kinds of tracks.
macro_rules! about {
    ($($of:tt)+) => {
        $($of)+ {
            /// The track that it lies under, instead of the process.
            ///
            /// Perfetto shows a child of a process or thread beside the threads of that process; a child of any other track below it.
            /// At most [`MAX_TRACK_ANCESTORS`](crate::MAX_TRACK_ANCESTORS) lie above each other; what is above those is left out.
            #[must_use]
            pub const fn parent(mut self, parent: &'static NamedTrack) -> Self {
                self.about.parent = Parent::Track(parent);
                self
            }

            /// It lies under nothing, instead of under the process.
            #[must_use]
            pub const fn root(mut self) -> Self {
                self.about.parent = Parent::None;
                self
            }

            /// A text about it, shown by the UI on demand.
            #[must_use]
            pub const fn description(mut self, description: &'static str) -> Self {
                self.about.description = Some(description);
                self
            }

            /// Where it stands among its siblings when their parent orders them [explicitly](ChildOrdering::Explicit): lower first.
            #[must_use]
            pub const fn sibling_order_rank(mut self, rank: i32) -> Self {
                self.about.sibling_order_rank = Some(rank);
                self
            }

            /// With which siblings it is shown as one: those of the same name, unless set.
            #[must_use]
            pub const fn sibling_merge(mut self, merge: SiblingMerge<'static>) -> Self {
                self.about.sibling_merge = Some(merge);
                self
            }

            /// One that is made while the program runs. It is never freed.
            #[must_use]
            pub fn leak(self) -> &'static Self {
                Box::leak(Box::new(self))
            }
        }
    };
}

about!(impl NamedTrack);
about!(impl NamedCounter);
about!(impl NamedState);
about!(impl<const N: usize> Lanes<N>);

impl NamedTrack {
    /// A track of that name, under the process.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self::of(About::new(name))
    }

    /// The track of another process, which the UI shows as one; others can lie [under](Self::parent) it.
    ///
    /// A number that is none of a process (0, or above `i32::MAX`) makes it a track of that name.
    #[must_use]
    pub const fn process(pid: u32, name: &'static str) -> Self {
        Self::of(match pid {
            1..=MOST_PROCESSES => About::of_kind(Kind::Process { pid: pid as i32 }, name),
            _ => About::new(name),
        })
    }

    /// The track of a thread of another process. This process's own threads have theirs already.
    ///
    /// A number that is none of a process or thread (0, or a process above `i32::MAX`) makes it a track of that name.
    #[must_use]
    pub const fn thread(pid: u32, tid: i64, name: &'static str) -> Self {
        Self::of(match (pid, tid) {
            (1..=MOST_PROCESSES, 1..) => About::of_kind(Kind::Thread { pid: pid as i32, tid }, name),
            _ => About::new(name),
        })
    }

    const fn of(about: About) -> Self {
        Self { about, state: State::new(), open: OpenSlices::new() }
    }

    /// The order of its children.
    #[must_use]
    pub const fn child_ordering(mut self, ordering: ChildOrdering) -> Self {
        self.about.child_ordering = Some(ordering);
        self
    }
}

const MOST_PROCESSES: u32 = i32::MAX as u32;

impl NamedCounter {
    /// A counter of that name, of the process.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        let kind = Kind::Counter { unit: None, multiplier: None, share_key: None };
        Self { about: About::of_kind(kind, name), state: State::new(), sum: None }
    }

    /// What it counts.
    #[must_use]
    pub const fn unit(mut self, to: Unit<'static>) -> Self {
        if let Kind::Counter { unit, .. } = &mut self.about.kind {
            *unit = Some(to);
        }
        self
    }

    /// What each value is multiplied with: 1024 for a counter of KiB whose unit is bytes.
    #[must_use]
    pub const fn unit_multiplier(mut self, to: i64) -> Self {
        if let Kind::Counter { multiplier, .. } = &mut self.about.kind {
            *multiplier = Some(to);
        }
        self
    }

    /// Counters of the same parent and key are drawn to one scale.
    #[must_use]
    pub const fn y_axis_share_key(mut self, to: &'static str) -> Self {
        if let Kind::Counter { share_key, .. } = &mut self.about.kind {
            *share_key = Some(to);
        }
        self
    }

    /// Each value is added to what it was, by whatever thread: the sum is recorded. What comes while its category is off, or no session runs, is not added; what is dropped is.
    #[must_use]
    pub const fn incremental(mut self) -> Self {
        self.sum = Some(Sum { int: AtomicU64::new(0), double: AtomicU64::new(0) });
        self
    }

    /// What is written when it is set to `value`, or `value` is added.
    pub(super) fn value(&self, value: CounterValue) -> CounterValue {
        self.sum.as_ref().map_or(value, |sum| sum.add(value))
    }
}

impl Sum {
    /// Integers and floating-point numbers are summed up apart, so that many integers are added exactly. What integers have no room for is with the others until it comes back.
    fn add(&self, value: CounterValue) -> CounterValue {
        let (int, more) = match value {
            CounterValue::Int(value) => {
                let before = self.int.fetch_add(value as u64, Ordering::Relaxed) as i64;
                let (sum, wraps) = before.overflowing_add(value);
                (sum, if wraps { (u64::MAX as f64).copysign(value as f64) } else { 0.0 })
            }
            CounterValue::Double(value) => (self.int.load(Ordering::Relaxed) as i64, value),
        };
        let added = |sum| (f64::from_bits(sum) + more).to_bits();
        let before = match more {
            0.0 => Ok(self.double.load(Ordering::Relaxed)),
            _ => self.double.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |sum| Some(added(sum))),
        };
        let double = added(before.unwrap_or_else(|sum| sum));
        match (int, f64::from_bits(double)) {
            (int, 0.0) => CounterValue::Int(int),
            (int, double) => CounterValue::Double(int as f64 + double),
        }
    }
}

impl NamedState {
    /// A track of states of that name, of the process.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { about: About::of_kind(Kind::State, name), state: State::new() }
    }
}

impl From<&'static NamedTrack> for TrackRef {
    fn from(track: &'static NamedTrack) -> Self {
        Self::of(&track.about, &track.state)
    }
}

impl From<&'static NamedCounter> for TrackRef {
    fn from(track: &'static NamedCounter) -> Self {
        Self::of(&track.about, &track.state)
    }
}

impl From<&'static NamedState> for TrackRef {
    fn from(track: &'static NamedState) -> Self {
        Self::of(&track.about, &track.state)
    }
}

impl TrackRef {
    pub(super) const fn of(about: &'static About, state: &'static State) -> Self {
        Self { about, state }
    }

    pub(super) fn of_number(number: u32) -> Option<Self> {
        TRACKS.get(number)
    }

    /// Its number; `None` when there are too many tracks. Threads that come here first at once agree on one.
    pub(super) fn number(self) -> Option<u32> {
        match self.state.number.load(Ordering::Relaxed) {
            0 => {
                let own = TRACKS.add(self)?;
                let set = self.state.number.compare_exchange(0, own, Ordering::Relaxed, Ordering::Relaxed);
                let number = set.map_or_else(|found| found, |_| own);
                self.state.field.store(self.field_of(number), Ordering::Relaxed);
                Some(number)
            }
            number => Some(number),
        }
    }

    /// Its number, and what an event on it says of that: eight bytes, [`TrackEvent.track_uuid`](pftrace_protos::TrackEvent) with its tag. `None` until it has been recorded on, and for
    /// those of other processes and threads, whose numbers in the trace are longer.
    #[inline(always)]
    pub(super) fn field(self) -> Option<(u32, u64)> {
        let (number, field) = (self.state.number.load(Ordering::Relaxed), self.state.field.load(Ordering::Relaxed));
        (number != 0 && field != 0).then_some((number, field))
    }

    fn field_of(self, number: u32) -> u64 {
        let mut bytes = [0; 16];
        match put::track(&mut bytes, 0, self.uuid(number)) {
            Some(FIELD_LEN) => u64::from_le_bytes(bytes.first_chunk().copied().unwrap_or_default()),
            _ => 0,
        }
    }

    /// Its number in the trace. `number` is the one that it has here.
    pub(super) fn uuid(self, number: u32) -> u64 {
        match self.about.kind {
            Kind::Process { pid } => process_uuid(pid),
            Kind::Thread { pid, tid } => thread_uuid(pid, tid),
            Kind::Slices | Kind::Counter { .. } | Kind::State => own_uuid(OWN, number),
        }
    }

    /// Whether what it shows is what a thread does.
    pub(super) fn is_thread(self) -> bool {
        matches!(self.about.kind, Kind::Thread { .. })
    }

    /// Whether that can be the time of what happens on it now: behind all that has happened on it. From then on that has.
    #[inline(always)]
    pub(super) fn try_advance(self, now: u64) -> bool {
        let last = self.state.last_ns.load(Ordering::Relaxed);
        last < now && self.state.last_ns.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// A time for what happens on it now: behind all that has happened on it, by whatever thread, since threads' clocks may
    /// differ by some nanoseconds.
    pub(super) fn advance(self, now: u64) -> u64 {
        let next = |last: u64| now.max(last.saturating_add(1));
        // Relaxed: whoever has to come behind another has been told by it, which orders this too.
        let last = self.state.last_ns.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(next(last)));
        next(last.unwrap_or_else(|last| last))
    }

    /// What it lies under, from the outermost on, and itself.
    pub(super) fn with_ancestors(self) -> Vec<Self> {
        let mut line: Vec<_> = self.line().take(1 + self.level()).collect();
        line.reverse();
        line
    }

    /// Itself, and what it lies under: without an end where that is a circle.
    fn line(self) -> impl Iterator<Item = Self> {
        let parent = |track: &Self| match track.about.parent {
            Parent::Track(parent) => Some(Self::from(parent)),
            Parent::Process | Parent::None => None,
        };
        core::iter::successors(Some(self), parent)
    }

    /// How many it lies under in the trace. Of a long line each so-manieth begins anew, whichever of them are recorded on, and in what order.
    fn level(self) -> usize {
        self.line().skip(1).take(MAX_TRACKS as usize - 1).count() % MAX_TRACK_ANCESTORS as usize
    }

    /// What the trace says of it. `is_known`: whether a track has been described.
    pub(super) fn describe(self, descriptor: &mut TrackDescriptor<'_>, pid: i32, is_known: &dyn Fn(u64) -> bool) {
        let About { kind, name, parent, .. } = *self.about;
        match parent {
            _ if matches!(kind, Kind::Process { .. } | Kind::Thread { .. }) => {}
            Parent::None => {}
            Parent::Process => _ = descriptor.set_parent_uuid(process_uuid(pid)),
            Parent::Track(parent) => {
                let parent = Self::from(parent);
                // The outermost of too many, or of a circle, is the process's.
                let is_under = |&uuid: &u64| self.level() > 0 && is_known(uuid);
                let uuid = parent.number().map(|number| parent.uuid(number)).filter(is_under);
                descriptor.set_parent_uuid(uuid.unwrap_or_else(|| process_uuid(pid)));
            }
        }
        match kind {
            Kind::Slices => _ = descriptor.set_name(name),
            Kind::Process { pid } => set_process(descriptor, pid, Some(name), &[], &[], None),
            Kind::Thread { pid, tid } => set_thread(descriptor, pid, tid, Some(name)),
            Kind::State => _ = descriptor.set_name(name).set_state(|_| {}),
            Kind::Counter { unit, multiplier, share_key } => {
                set_counter(descriptor.set_name(name), unit, multiplier, share_key);
            }
        }
        if let Some(description) = self.about.description {
            descriptor.set_description(description);
        }
        if let Some(rank) = self.about.sibling_order_rank {
            descriptor.set_sibling_order_rank(rank);
        }
        if let Some(ordering) = self.about.child_ordering {
            set_child_ordering(descriptor, ordering);
        }
        if let Some(merge) = self.about.sibling_merge {
            set_sibling_merge(descriptor, merge);
        }
    }
}

pub(super) fn prepare() {
    TRACKS.prepare();
    // So that no thread makes it while another one forks.
    _ = process_number();
}

/// Which of a process's numbers: what [`counter!`](crate::counter) alone counts, and tracks that are declared.
pub(super) const COUNTERS: u64 = 0;
const OWN: u64 = 1;

/// How long the field of a track's number is, with its tag, if the track has none by its nature: seven bytes in every process.
const FIELD_LEN: usize = size_of::<u64>();

/// The number in the trace of a track that has none by its nature: different in each process, and short. In a forked child it is what it
/// was, since it stands in what call sites have prepared.
pub(super) fn own_uuid(kind: u64, number: u32) -> u64 {
    kind << 47 | u64::from(process_number()) << 15 | u64::from(number - 1)
}

fn process_number() -> u32 {
    /// 0 until it is made. No `OnceLock`: in a child that is forked while another thread makes it, it would never be.
    static PROCESS: AtomicU32 = AtomicU32::new(0);

    #[cold]
    fn make() -> u32 {
        let number = process_uuid(std::process::id() as i32) as u32 | 1 << 31;
        PROCESS.compare_exchange(0, number, Ordering::Relaxed, Ordering::Relaxed).err().unwrap_or(number)
    }

    match PROCESS.load(Ordering::Relaxed) {
        0 => make(),
        number => number,
    }
}

#[cfg(test)]
mod tests {
    use pftrace_protos::TrackEvent;

    use super::*;

    #[test]
    fn what_happens_on_a_track_happens_behind_all_before() {
        static TRACK: NamedTrack = NamedTrack::new("ordered");
        let track = TrackRef::from(&TRACK);
        let times = [5, 3, 6, 100, 100, 7].map(|now| track.advance(now));
        assert_eq!(times, [5, 6, 7, 100, 101, 102]);
        assert_eq!([102, 103, 103, 104].map(|now| track.try_advance(now)), [false, true, false, true]);
    }

    #[test]
    fn the_field_of_a_track_is_that_of_the_generated_writers() {
        static TRACK: NamedTrack = NamedTrack::new("of its own");
        static OTHER: NamedTrack = NamedTrack::process(4711, "another's");
        prepare();
        let (track, other) = (TrackRef::from(&TRACK), TrackRef::from(&OTHER));
        assert_eq!(track.field(), None);
        let number = track.number().unwrap();
        let mut buffer = [0; 16];
        let expected = TrackEvent::encode(&mut buffer, |event| _ = event.set_track_uuid(track.uuid(number)));
        assert_eq!(
            track.field().map(|(number, field)| (number, field.to_le_bytes())),
            Some((number, *expected.unwrap().first_chunk().unwrap()))
        );
        assert_eq!(track.uuid(number) >> 42, track.uuid(MAX_TRACKS) >> 42, "as long for every number");
        assert!(other.number().is_some() && other.field().is_none());
    }

    #[test]
    fn circles_and_long_lines_of_ancestors_end() {
        static FIRST: NamedTrack = NamedTrack::new("first").parent(&SECOND);
        static SECOND: NamedTrack = NamedTrack::new("second").parent(&FIRST);
        let line = TrackRef::from(&FIRST).with_ancestors();
        assert_eq!(line.len(), MAX_TRACK_ANCESTORS as usize);
        assert_eq!((line.last().unwrap().about.name, line[0].about.name), ("first", "second"));
    }
}
