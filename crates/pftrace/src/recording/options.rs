//! What the macros call when options stand in front: `track:`, `at:`, `flow:` …

use super::argument::Argument;
use super::call_site::CallSite;
use super::category::Category;
use super::detail::Detail;
use super::lanes::{Lanes, Taken};
use super::local;
use super::open::{Ended, OpenSlices};
use super::record::{SliceGuard, format_then};
use super::session;
use super::slices::Token;
use super::stats::Loss;
use super::thread::Event;
use super::track::{NamedCounter, NamedState, NamedTrack, TrackRef};
use crate::CounterValue;

/// The track of the thread that records: where events are when no other is named.
///
/// ```
/// use pftrace::{ThisThread, slice};
///
/// let _slice = slice!(track: ThisThread, "example", "as without `track`");
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct ThisThread;

/// Ends its slice, on a track that is no thread's, when it is dropped: on any thread.
///
/// Keep it in a variable with a name, or in what it is about: a request, a job. One that is forgotten ends nothing, and keeps its
/// lane.
///
/// ```
/// use pftrace::{Lanes, TrackSlice, end, slice};
///
/// static JOBS: Lanes = Lanes::new("jobs");
///
/// struct Job {
///     number: u32,
///     slice: TrackSlice,
/// }
///
/// let job = Job { number: 1, slice: slice!(track: &JOBS, "job", "job", number = 1) };
/// std::thread::spawn(move || {
///     // What lies within it is on the same track.
///     let step = job.slice.track().map(|track| slice!(track: track, "job", "step"));
///     drop(step);
///     end!(slice: job.slice, result = job.number * 2);
/// });
/// ```
#[derive(Debug, Default)]
#[must_use = "a slice ends when its guard is dropped: `let _slice = slice!(…);`"]
pub struct TrackSlice {
    /// The session in which it began; 0 if it did not.
    session: u32,
    /// Whether its begin had room.
    written: bool,
    begin_ns: u64,
    /// Its number, if its begin had room.
    id: u32,
    track: Option<TrackRef>,
    /// Given back when it is dropped, after the end.
    _lane: Option<Taken>,
}

impl TrackSlice {
    /// Its track: for what lies within it. `None` when nothing was recorded.
    #[must_use]
    pub fn track(&self) -> Option<TrackRef> {
        self.track.filter(|_| self.session != 0)
    }

    /// One that has not begun.
    fn on(track: TrackRef, lane: Option<Taken>) -> Self {
        Self { session: 0, written: false, begin_ns: 0, id: 0, track: Some(track), _lane: lane }
    }

    fn end_with(&mut self, event: &Event<'_>) {
        let Some(track) = self.track else { return };
        let session = core::mem::take(&mut self.session);
        if session == 0 || session != session::recording() {
            return;
        }
        let event = Event { not_before: self.begin_ns.saturating_add(1), ..*event };
        if self.written {
            end_on(track, &event, self.id);
        } else {
            local::with(|thread| thread.lose(Loss::NoRoom));
        }
    }
}

impl Drop for TrackSlice {
    fn drop(&mut self) {
        if self.session != 0 {
            self.end_with(&Event::of(&END));
        }
    }
}

/// The end of a slice of which nothing is said.
pub(super) static END: CallSite = CallSite::new(super::call_site::EventKind::End, &NONE, None, &[]);

/// The category of what has none.
pub static NONE: Category = Category::new("");

/// An end that has been begun is written, by whatever means.
fn end_on(track: TrackRef, event: &Event<'_>, id: u32) {
    let ended = local::quickly(|packet, thread, _| thread.try_end_on(packet, track, event, id));
    if ended.is_some() || local::with(|thread| thread.end_on(track, event, id)).is_some() {
        return;
    }
    // Within an event of this thread, or at its end.
    if let Some(shared) = session::try_current() {
        let ns = track.advance(shared.clock.now_ns().max(event.not_before));
        shared.end_late(id, ns, u32::MAX);
    }
}

/// Formats what has to be formatted, and goes on with the event.
#[inline]
fn formatted<R: Default>(event: &Event<'_>, then: impl FnOnce(&Event<'_>) -> R) -> R {
    let is_log = |detail: &Detail<'_>| matches!(detail, Detail::Log(..));
    if event.details.iter().any(is_log) || event.arguments.iter().any(Argument::is_formatted) {
        return formatted_first(event, then);
    }
    then(event)
}

#[cold]
#[inline(never)]
fn formatted_first<R: Default>(event: &Event<'_>, then: impl FnOnce(&Event<'_>) -> R) -> R {
    let (mut then, mut result) = (Some(then), None);
    format_and(event, &mut |event| result = then.take().map(|then| then(event)));
    // It has been done.
    result.unwrap_or_default()
}

/// The same, once for all that is done then: `then` is called once.
fn format_and(event: &Event<'_>, then: &mut dyn FnMut(&Event<'_>)) {
    let log =
        event.details.iter().find_map(|detail| if let Detail::Log(_, text) = detail { Some(*text) } else { None });
    let log = log.unwrap_or(Argument::None);
    if !event.arguments.iter().chain([&log]).any(Argument::is_formatted) {
        return then(&Event { log: log.text(), ..*event });
    }
    format_then(event.arguments, log, &mut |arguments, log| then(&Event { arguments, log, ..*event }));
}

/// What slices can be begun on.
///
/// ```
/// use pftrace::{Lanes, NamedTrack, slice};
///
/// static DISK: NamedTrack = NamedTrack::new("disk");
/// static REQUESTS: Lanes = Lanes::new("requests");
///
/// let _read = slice!(track: &DISK, "io", "read");
/// let request = slice!(track: &REQUESTS, "http", "GET");
/// let _within = request.track().map(|track| slice!(track: track, "http", "parse"));
/// ```
#[diagnostic::on_unimplemented(
    message = "a slice can't be on the track `{Self}`",
    label = "a `&'static NamedTrack`, a `TrackRef`, or `&'static Lanes`"
)]
pub trait SliceTrack {
    /// What ends the slice.
    type Guard: Default;

    #[doc(hidden)]
    fn begin(self, event: &Event<'_>) -> Self::Guard;
}

impl SliceTrack for ThisThread {
    type Guard = SliceGuard;

    fn begin(self, event: &Event<'_>) -> SliceGuard {
        SliceGuard::of(begin_here(event, true))
    }
}

impl SliceTrack for TrackRef {
    type Guard = TrackSlice;

    fn begin(self, event: &Event<'_>) -> TrackSlice {
        begin_on(TrackSlice::on(self, None), event)
    }
}

impl SliceTrack for &'static NamedTrack {
    type Guard = TrackSlice;

    fn begin(self, event: &Event<'_>) -> TrackSlice {
        TrackRef::from(self).begin(event)
    }
}

impl<const N: usize> SliceTrack for &'static Lanes<N> {
    type Guard = TrackSlice;

    fn begin(self, event: &Event<'_>) -> TrackSlice {
        let Some((track, lane)) = self.take() else {
            local::with(|thread| thread.lose(Loss::TooManyTracks));
            return TrackSlice::default();
        };
        begin_on(TrackSlice::on(track, Some(lane)), event)
    }
}

/// Begins a slice of this thread. Returns what it is known by.
pub(super) fn begin_here(event: &Event<'_>, guarded: bool) -> Token {
    let begun = formatted(event, |event| {
        let begun = local::quickly(|packet, thread, _| thread.try_begin_detailed(packet, event, guarded));
        begun.or_else(|| local::with(|thread| thread.begin_detailed(event, guarded)))
    });
    begun.unwrap_or(Token::LOST)
}

/// Begins the slice of a guard, which has its track.
fn begin_on(mut slice: TrackSlice, event: &Event<'_>) -> TrackSlice {
    let event = Event { track: slice.track, ..*event };
    let recorded = formatted(&event, |event| {
        let begun = local::quickly(|packet, thread, _| {
            let (len, begun) = thread.try_begin_on(packet, event)?;
            Some((len, (thread.session, Ok(begun))))
        });
        begun.or_else(|| local::with(|thread| (thread.session, thread.begin_on(event))))
    });
    match recorded {
        Some((session, Ok((ns, id)))) => {
            (slice.session, slice.written, slice.begin_ns, slice.id) = (session, true, ns, id);
        }
        Some((session, Err(ns @ 1..))) => (slice.session, slice.begin_ns) = (session, ns),
        // What has no track can't be ended either.
        Some((_, Err(0))) | None => {}
    }
    slice
}

/// Where slices can be begun and ended apart.
///
/// ```
/// use pftrace::{NamedTrack, begin, end};
///
/// static DISK: NamedTrack = NamedTrack::new("disk");
///
/// begin!(track: &DISK, "io", "read");
/// std::thread::spawn(|| end!(track: &DISK, "io", bytes = 512)); // also from another thread
/// ```
#[diagnostic::on_unimplemented(
    message = "`begin!` and `end!` can't be on the track `{Self}`",
    label = "a `&'static NamedTrack`; on any other there is `slice!`"
)]
pub trait OpenTrack {
    #[doc(hidden)]
    fn begin(self, event: &Event<'_>);
    #[doc(hidden)]
    fn end(self, category: &'static Category, event: &Event<'_>);
}

impl OpenTrack for ThisThread {
    fn begin(self, event: &Event<'_>) {
        begin_here(event, false);
    }

    fn end(self, category: &'static Category, event: &Event<'_>) {
        if !session::is_recording() {
            return;
        }
        formatted(event, |event| {
            local::with(|thread| {
                if thread.can_end(category) {
                    thread.end_detailed(event);
                }
            })
        });
    }
}

/// Gives a slice's place back when what is said of its begin panics.
struct Unbegun<'o> {
    open: &'o OpenSlices,
    session: u32,
}

impl Drop for Unbegun<'_> {
    fn drop(&mut self) {
        self.open.not_begun(self.session);
    }
}

impl OpenTrack for &'static NamedTrack {
    fn begin(self, event: &Event<'_>) {
        let event = Event { track: Some(self.into()), ..*event };
        formatted(&event, |event| {
            local::with(|thread| {
                let session = thread.session;
                if !self.open.begin(session) {
                    return thread.lose(Loss::TooDeep);
                }
                let unbegun = Unbegun { open: &self.open, session };
                let begun = thread.begin_on(event).ok();
                core::mem::forget(unbegun);
                self.open.begun(session, event.site.category().number(), begun.map(|(_, id)| id));
            })
        });
    }

    fn end(self, category: &'static Category, event: &Event<'_>) {
        if !session::is_recording() {
            return;
        }
        formatted(event, |event| match self.open.end(session::recording(), category.number()) {
            Some(Ended::Written(id)) => end_on(self.into(), event, id),
            Some(Ended::Lost) => _ = local::with(|thread| thread.lose(Loss::NoRoom)),
            Some(Ended::TooDeep) => {}
            None => session::count_ignored(),
        });
    }
}

/// What instants can be on.
///
/// ```
/// use pftrace::{NamedTrack, instant};
///
/// static DISK: NamedTrack = NamedTrack::new("disk");
///
/// instant!(track: &DISK, "io", "spun up");
/// ```
#[diagnostic::on_unimplemented(
    message = "an instant can't be on the track `{Self}`",
    label = "a `&'static NamedTrack` or a `TrackRef`; of lanes that of the slice: `slice.track()`"
)]
pub trait InstantTrack {
    #[doc(hidden)]
    fn track(self) -> Option<TrackRef>;
}

impl InstantTrack for ThisThread {
    fn track(self) -> Option<TrackRef> {
        None
    }
}

impl InstantTrack for TrackRef {
    fn track(self) -> Option<TrackRef> {
        Some(self)
    }
}

impl InstantTrack for &'static NamedTrack {
    fn track(self) -> Option<TrackRef> {
        Some(self.into())
    }
}

/// What can be ended by `end!(slice: guard, …)`.
///
/// ```
/// use pftrace::{NamedTrack, end, slice};
///
/// static DISK: NamedTrack = NamedTrack::new("disk");
///
/// let (search, read) = (slice!("index", "search"), slice!(track: &DISK, "io", "read"));
/// end!(slice: read, bytes = 512);
/// end!(slice: search, found = true);
/// ```
#[diagnostic::on_unimplemented(message = "`{Self}` is no guard of a slice", label = "what `slice!` returned")]
pub trait EndSlice {
    #[doc(hidden)]
    fn end(self, event: &Event<'_>);
}

impl EndSlice for SliceGuard {
    fn end(self, event: &Event<'_>) {
        if !session::is_recording() {
            self.into_token();
            return;
        }
        // Until then it is a guard, which ends its slice when what is formatted panics.
        formatted(event, |event| {
            let Some(token) = self.into_token() else { return };
            local::with_present(|thread| {
                if thread.ends_for(token) {
                    thread.end_detailed(event);
                }
            });
        });
    }
}

impl EndSlice for TrackSlice {
    fn end(mut self, event: &Event<'_>) {
        if self.session != 0 {
            formatted(event, |event| self.end_with(event));
        }
    }
}

/// Begins a slice, which ends when what is returned is dropped.
pub fn slice_on<T: SliceTrack>(
    site: &'static CallSite,
    track: T,
    name: Option<&str>,
    arguments: &[Argument<'_>],
    details: &[Detail<'_>],
) -> T::Guard {
    track.begin(&Event { name, arguments, details, ..Event::of(site) })
}

/// Begins a slice that [`end_on_of`] ends.
pub fn begin_on_of(
    site: &'static CallSite,
    track: impl OpenTrack,
    name: Option<&str>,
    arguments: &[Argument<'_>],
    details: &[Detail<'_>],
) {
    track.begin(&Event { name, arguments, details, ..Event::of(site) });
}

/// Ends the innermost slice that was begun without a guard on a track, if it is of the call site's category.
pub fn end_on_of(site: &'static CallSite, track: impl OpenTrack, arguments: &[Argument<'_>], details: &[Detail<'_>]) {
    track.end(site.category(), &Event { arguments, details, ..Event::of(site) });
}

/// Ends the slice of a guard.
pub fn end_slice(site: &'static CallSite, slice: impl EndSlice, arguments: &[Argument<'_>], details: &[Detail<'_>]) {
    slice.end(&Event { arguments, details, ..Event::of(site) });
}

/// Records an instant.
pub fn instant_on(
    site: &'static CallSite,
    track: impl InstantTrack,
    name: Option<&str>,
    arguments: &[Argument<'_>],
    details: &[Detail<'_>],
) {
    record(&Event { name, arguments, details, track: track.track(), ..Event::of(site) });
}

/// Records the value of a counter.
pub fn counter_on(
    site: &'static CallSite,
    counter: &'static NamedCounter,
    value: CounterValue,
    details: &[Detail<'_>],
) {
    record(&Event { value: Some(counter.value(value)), track: Some(counter.into()), details, ..Event::of(site) });
}

/// Records the state that a track is in from now on; without a name in none.
pub fn state_on(site: &'static CallSite, track: &'static NamedState, name: Option<&str>, details: &[Detail<'_>]) {
    record(&Event { name, track: Some(track.into()), details, ..Event::of(site) });
}

/// Records an event that is no slice of this thread.
#[inline(always)]
pub(super) fn record(event: &Event<'_>) {
    formatted(event, |event| {
        if local::quickly(|packet, thread, _| thread.try_record(packet, event)).is_none() {
            local::with(|thread| thread.record(event));
        }
    });
}
