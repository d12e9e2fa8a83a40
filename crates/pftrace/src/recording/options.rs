//! What the macros call when options stand in front: `track:`, `at:`, `flow:` …

use super::argument::Argument;
use super::call_site::CallSite;
use super::category::Category;
use super::detail::Detail;
use super::lanes::{Lanes, Taken};
use super::local;
use super::on_tracks::NONE as NO_SLICE;
use super::open::{Ended, OpenSlices};
use super::record::{self, SliceGuard, format, format_then, is_to_format};
use super::session;
use super::slices::Token;
use super::stats::Loss;
use super::thread::Event;
use super::track::{NamedCounter, NamedState, NamedTrack, TrackRef};
use super::typed::{Annotations, Detailed, Listed};
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
    begun: BegunOn,
    track: Option<TrackRef>,
    /// Given back when it is dropped, after the end.
    _lane: Option<Taken>,
}

/// What is known of a slice on a track: in two registers.
#[derive(Clone, Copy, Debug, Default)]
struct BegunOn {
    ns: u64,
    /// In which session; 0 if it has not begun.
    session: u32,
    /// Its number; [`NO_SLICE`] if its begin had no room.
    id: u32,
}

impl TrackSlice {
    /// Its track: for what lies within it. `None` when nothing was recorded.
    #[must_use]
    pub fn track(&self) -> Option<TrackRef> {
        self.track.filter(|_| self.begun.session != 0)
    }

    /// Ends it, which it is not any more. `None`: the same event is to [end it in full](Self::end_in_full).
    #[inline(always)]
    fn end_quickly<'a>(&mut self, site: &CallSite, annotations: impl Annotations<'a>) -> Option<()> {
        let BegunOn { ns, session, id } = self.begun;
        let track = self.track.filter(|_| id != NO_SLICE && session == session::recording())?;
        end_quickly(track, site, annotations, id, not_before(ns))?;
        self.begun.session = 0;
        Some(())
    }

    fn end_in_full(&mut self, event: &Event<'_>) {
        let Some(track) = self.track else { return };
        let BegunOn { ns, session, id } = core::mem::take(&mut self.begun);
        if session == 0 || session != session::recording() {
            return;
        }
        match id {
            NO_SLICE => _ = local::with(|thread| thread.lose(Loss::NoRoom)),
            id => end_on(track, &Event { not_before: not_before(ns), ..*event }, id),
        }
    }

    #[inline(never)]
    fn end_plainly(&mut self) {
        if self.end_quickly(&END, NOTHING).is_none() {
            self.end_in_full(&Event::of(&END));
        }
    }
}

/// What has begun then does not end before.
#[inline(always)]
fn not_before(begin_ns: u64) -> u64 {
    begin_ns.saturating_add(1)
}

impl Drop for TrackSlice {
    #[inline]
    fn drop(&mut self) {
        if self.begun.session != 0 {
            self.end_plainly();
        }
    }
}

/// No annotations.
const NOTHING: Listed<(), 0> = Listed(());

/// The end of a slice of which nothing is said.
pub(super) static END: CallSite = CallSite::new(super::call_site::EventKind::End, &NONE, None, &[]);

/// The category of what has none.
pub static NONE: Category = Category::new("");

#[inline(always)]
fn end_quickly<'a>(
    track: TrackRef,
    site: &CallSite,
    annotations: impl Annotations<'a>,
    id: u32,
    not_before: u64,
) -> Option<()> {
    local::quickly(|packet, thread, _| thread.try_end_on(packet, site, track, annotations, (id, not_before)))
}

/// An end that has been begun is written, by whatever means.
fn end_on(track: TrackRef, event: &Event<'_>, id: u32) {
    if local::with(|thread| thread.end_on(track, event, id)).is_some() {
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
    fn begin<'a>(self, said: Said<'a, impl Annotations<'a>>) -> Self::Guard;
}

/// What is said of an event at its call site.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a, A> {
    site: &'static CallSite,
    name: Option<&'a str>,
    annotations: A,
}

impl<'a, A: Annotations<'a>> Said<'a, A> {
    /// Does something with it as an event.
    #[inline]
    fn event<R>(self, then: impl FnOnce(&Event<'_>) -> R) -> R {
        let Self { site, name, annotations } = self;
        annotations.listed(|arguments, details| then(&Event { name, arguments, details, ..Event::of(site) }))
    }
}

impl SliceTrack for ThisThread {
    type Guard = SliceGuard;

    #[inline]
    fn begin<'a>(self, said: Said<'a, impl Annotations<'a>>) -> SliceGuard {
        record::begin_slice_with(said.site, said.name, said.annotations)
    }
}

impl SliceTrack for TrackRef {
    type Guard = TrackSlice;

    #[inline]
    fn begin<'a>(self, said: Said<'a, impl Annotations<'a>>) -> TrackSlice {
        begin_on(self, None, said)
    }
}

impl SliceTrack for &'static NamedTrack {
    type Guard = TrackSlice;

    #[inline]
    fn begin<'a>(self, said: Said<'a, impl Annotations<'a>>) -> TrackSlice {
        begin_on(self.into(), None, said)
    }
}

impl<const N: usize> SliceTrack for &'static Lanes<N> {
    type Guard = TrackSlice;

    fn begin<'a>(self, said: Said<'a, impl Annotations<'a>>) -> TrackSlice {
        let Some((track, lane)) = self.take() else {
            local::with(|thread| thread.lose(Loss::TooManyTracks));
            return TrackSlice::default();
        };
        begin_on(track, Some(lane), said)
    }
}

/// Begins a slice of this thread. Returns what it is known by.
pub(super) fn begin_here(event: &Event<'_>, guarded: bool) -> Token {
    let begun = formatted(event, |event| local::with(|thread| thread.begin_detailed(event, guarded)));
    begun.unwrap_or(Token::LOST)
}

/// Begins the slice of a guard, which is made at once: what is stored in parts is not waited for to be loaded whole.
#[inline(always)]
fn begin_on<'a>(track: TrackRef, lane: Option<Taken>, said: Said<'a, impl Annotations<'a>>) -> TrackSlice {
    let begun = match begin_quickly(track, said) {
        Some(begun) => begun,
        None => said.event(|event| begin_on_in_full(&Event { track: Some(track), ..*event })),
    };
    TrackSlice { begun, track: Some(track), _lane: lane }
}

/// Begins a slice on a track.
#[inline(always)]
fn begin_quickly<'a>(track: TrackRef, said: Said<'a, impl Annotations<'a>>) -> Option<BegunOn> {
    let begun = begin_or_not(said.site, track, said.name, said.annotations);
    (begun.session != 0).then_some(begun)
}

/// The same, once for each kind of annotations. Each argument by itself: in registers.
#[inline(never)]
fn begin_or_not<'a>(
    site: &'static CallSite,
    track: TrackRef,
    name: Option<&str>,
    annotations: impl Annotations<'a>,
) -> BegunOn {
    let begun = local::quickly(|packet, thread, _| {
        let (len, (ns, id)) = thread.try_begin_on(packet, site, track, name, annotations)?;
        Some((len, BegunOn { ns, session: thread.session, id }))
    });
    begun.unwrap_or_default()
}

#[inline(never)]
fn begin_on_in_full(event: &Event<'_>) -> BegunOn {
    if let Some(track) = event.track.filter(|_| is_formatted_alone(event)) {
        return format(event.arguments, Argument::None, |arguments, _| {
            let begun = begin_quickly(track, said_of(event, arguments));
            begun.unwrap_or_else(|| begin_on_in_full(&Event { arguments, ..*event }))
        });
    }
    let begun = formatted(event, |event| {
        local::with(|thread| match thread.begin_on(event) {
            Ok((ns, id)) => BegunOn { ns, session: thread.session, id },
            // What has no track can't be ended either.
            Err(0) => BegunOn::default(),
            Err(ns) => BegunOn { ns, session: thread.session, id: NO_SLICE },
        })
    });
    begun.unwrap_or_default()
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
    fn begin<'a>(self, said: Said<'a, impl Annotations<'a>>);
    #[doc(hidden)]
    fn end<'a>(self, said: Said<'a, impl Annotations<'a>>);
}

impl OpenTrack for ThisThread {
    #[inline]
    fn begin<'a>(self, said: Said<'a, impl Annotations<'a>>) {
        record::begin_with(said.site, said.name, said.annotations);
    }

    fn end<'a>(self, said: Said<'a, impl Annotations<'a>>) {
        if !session::is_recording() {
            return;
        }
        let ended =
            local::quickly(|packet, thread, stack| thread.try_end_of_with(packet, stack, said.site, said.annotations));
        if ended.is_none() {
            said.event(end_here);
        }
    }
}

#[inline(never)]
fn end_here(event: &Event<'_>) {
    formatted(event, |event| {
        local::with(|thread| {
            // So that the next one is ended the short way.
            event.site.category().met();
            if thread.can_end(event.site.category()) {
                thread.end_detailed(event);
            }
        })
    });
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
    fn begin<'a>(self, said: Said<'a, impl Annotations<'a>>) {
        let session = session::recording();
        if !self.open.begin(session) {
            local::with(|thread| thread.lose(Loss::TooDeep));
            return;
        }
        let unbegun = Unbegun { open: &self.open, session };
        if let Some(begun) = begin_quickly(self.into(), said) {
            core::mem::forget(unbegun);
            return self.open.begun(begun.session, said.site.category().number(), Some(begun.id));
        }
        drop(unbegun);
        said.event(|event| begin_open(self, &Event { track: Some(self.into()), ..*event }));
    }

    fn end<'a>(self, said: Said<'a, impl Annotations<'a>>) {
        if session::is_recording() {
            // What is formatted may panic, before anything is ended.
            said.event(|event| formatted(event, |event| end_open(self, event)));
        }
    }
}

#[inline(never)]
fn begin_open(track: &'static NamedTrack, event: &Event<'_>) {
    formatted(event, |event| {
        let recorded = local::with(|thread| {
            let session = thread.session;
            if !track.open.begin(session) {
                return thread.lose(Loss::TooDeep);
            }
            let unbegun = Unbegun { open: &track.open, session };
            let begun = thread.begin_on(event).ok();
            core::mem::forget(unbegun);
            track.open.begun(session, event.site.category().number(), begun.map(|(_, id)| id));
        });
        // Within an event of this thread, or at its end: no other is to be ended by its end.
        let session = session::recording();
        if recorded.is_none() && session != 0 && track.open.begin(session) {
            track.open.begun(session, event.site.category().number(), None);
        }
    });
}

fn end_open(track: &'static NamedTrack, event: &Event<'_>) {
    let is_plain = event.arguments.is_empty() && event.details.is_empty();
    match track.open.end(session::recording(), event.site.category().number()) {
        Some(Ended::Written(id)) if is_plain && end_quickly(track.into(), event.site, NOTHING, id, 0).is_some() => {}
        Some(Ended::Written(id)) => end_on(track.into(), event, id),
        Some(Ended::Lost) => _ = local::with(|thread| thread.lose(Loss::NoRoom)),
        Some(Ended::TooDeep) => {}
        None => session::count_ignored(),
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
    fn end<'a>(self, said: Said<'a, impl Annotations<'a>>);
}

impl EndSlice for SliceGuard {
    fn end<'a>(self, said: Said<'a, impl Annotations<'a>>) {
        if !session::is_recording() {
            self.into_token();
            return;
        }
        let quickly = |token| {
            local::quickly(|packet, thread, stack| {
                thread.try_end_with(packet, stack, said.site, token, said.annotations)
            })
        };
        match self.token().and_then(quickly) {
            Some(()) => _ = self.into_token(),
            None => said.event(|event| end_guard(self, event)),
        }
    }
}

#[inline(never)]
fn end_guard(guard: SliceGuard, event: &Event<'_>) {
    // Until then it is a guard, which ends its slice when what is formatted panics.
    formatted(event, |event| {
        let Some(token) = guard.into_token() else { return };
        local::with_present(|thread| {
            if thread.ends_for(token) {
                thread.end_detailed(event);
            }
        });
    });
}

impl EndSlice for TrackSlice {
    fn end<'a>(mut self, said: Said<'a, impl Annotations<'a>>) {
        if self.begun.session != 0 && self.end_quickly(said.site, said.annotations).is_none() {
            said.event(|event| formatted(event, |event| self.end_in_full(event)));
        }
    }
}

/// Begins a slice, which ends when what is returned is dropped.
#[inline]
pub fn slice_on<'a, T: SliceTrack>(
    site: &'static CallSite,
    track: T,
    name: Option<&'a str>,
    annotations: impl Annotations<'a>,
) -> T::Guard {
    track.begin(Said { site, name, annotations })
}

/// Begins a slice that [`end_on_of`] ends.
#[inline]
pub fn begin_on_of<'a>(
    site: &'static CallSite,
    track: impl OpenTrack,
    name: Option<&'a str>,
    annotations: impl Annotations<'a>,
) {
    track.begin(Said { site, name, annotations });
}

/// Ends the innermost slice that was begun without a guard on a track, if it is of the call site's category.
#[inline]
pub fn end_on_of<'a>(site: &'static CallSite, track: impl OpenTrack, annotations: impl Annotations<'a>) {
    track.end(Said { site, name: None, annotations });
}

/// Ends the slice of a guard.
#[inline]
pub fn end_slice<'a>(site: &'static CallSite, slice: impl EndSlice, annotations: impl Annotations<'a>) {
    slice.end(Said { site, name: None, annotations });
}

/// Records an instant.
pub fn instant_on<'a>(
    site: &'static CallSite,
    track: impl InstantTrack,
    name: Option<&'a str>,
    annotations: impl Annotations<'a>,
) {
    match track.track() {
        Some(track) => record_on(track, Said { site, name, annotations }),
        None => record::instant_with(site, name, annotations),
    }
}

/// Records an instant, or a state.
fn record_on<'a>(track: TrackRef, said: Said<'a, impl Annotations<'a>>) {
    let recorded = local::quickly(|packet, thread, _| {
        thread.try_moment_on(packet, said.site, track, said.name, said.annotations, false)
    });
    if recorded.is_none() {
        said.event(|event| record_on_in_full(track, event));
    }
}

#[inline(never)]
fn record_on_in_full(track: TrackRef, event: &Event<'_>) {
    match is_formatted_alone(event) {
        true => format(event.arguments, Argument::None, |arguments, _| record_on(track, said_of(event, arguments))),
        false => record(&Event { track: Some(track), ..*event }),
    }
}

/// What an event says, with its arguments formatted.
fn said_of<'a>(event: &Event<'a>, arguments: &'a [Argument<'a>]) -> Said<'a, Detailed<'a, &'a [Argument<'a>]>> {
    Said { site: event.site, name: event.name, annotations: Detailed(arguments, event.details) }
}

/// Whether what is to be formatted are annotations alone, after which the event is recorded as if they had been texts.
fn is_formatted_alone(event: &Event<'_>) -> bool {
    is_to_format(event) && event.details.iter().all(Detail::is_short)
}

/// Records the value of a counter.
pub fn counter_on(
    site: &'static CallSite,
    counter: &'static NamedCounter,
    value: CounterValue,
    details: &[Detail<'_>],
) {
    let (value, track) = (counter.value(value), counter.into());
    let recorded = match details {
        [] => counter_quickly(site, track, value),
        _ => counter_quickly(site, track, Detailed(value, details)),
    };
    if recorded.is_none() {
        record(&Event { value: Some(value), track: Some(track), details, ..Event::of(site) });
    }
}

#[inline(always)]
fn counter_quickly<'a>(site: &CallSite, track: TrackRef, said: impl Annotations<'a>) -> Option<()> {
    local::quickly(|packet, thread, _| thread.try_moment_on(packet, site, track, None, said, true))
}

/// Records the state that a track is in from now on; without a name in none.
pub fn state_on<'a>(
    site: &'static CallSite,
    track: &'static NamedState,
    name: Option<&'a str>,
    details: &'a [Detail<'a>],
) {
    record_on(track.into(), Said { site, name, annotations: Detailed(NOTHING, details) });
}

/// Records an event that is no slice of this thread.
#[inline(never)]
pub(super) fn record(event: &Event<'_>) {
    formatted(event, |event| _ = local::with(|thread| thread.record(event)));
}

#[cfg(test)]
mod tests {
    // Of a macro of this crate's own: what is not used where there are no annotations.
    #![allow(unused_imports)]

    use std::sync::{Mutex, PoisonError};

    use super::*;
    use crate::{Report, Session, instant, now_ns, slice};

    /// One after the other.
    fn recorded(run: impl FnOnce()) -> Report {
        static ONE: Mutex<()> = Mutex::new(());
        let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let session = Session::builder().writer(std::io::sink()).start().unwrap();
        run();
        session.stop().unwrap()
    }

    /// Threads' clocks may differ by some nanoseconds, and another may be ahead.
    #[test]
    fn what_happens_on_a_track_is_behind_all_before() {
        static TRACKS: [NamedTrack; 2] = [NamedTrack::new("instants"), NamedTrack::new("slices")];
        let events = [
            || instant!(track: &TRACKS[0], "track", "instant"),
            || core::mem::forget(slice!(track: &TRACKS[1], "track", "slice")),
        ];
        let report = recorded(|| {
            for (track, event) in TRACKS.iter().zip(events) {
                let ahead = std::thread::spawn(move || {
                    // From the second time on the short way.
                    (0..3).for_each(|_| event());
                    let ahead = TrackRef::from(track).advance(now_ns() + 1_000_000_000);
                    event();
                    ahead
                });
                let ahead = ahead.join().unwrap();
                assert_eq!(TrackRef::from(track).advance(0), ahead + 2, "one has been recorded in between");
            }
        });
        assert_eq!((report.events, report.lost()), (8, 0), "{report:?}");
    }

    /// Also where the end of another would go the short way.
    #[test]
    fn what_has_not_begun_in_the_session_is_not_ended() {
        static TRACK: NamedTrack = NamedTrack::new("not begun");
        let report = recorded(|| {
            (0..3).for_each(|_| drop(slice!(track: &TRACK, "track", "slice")));
            let slice = slice!(track: &TRACK, "track", "slice");
            let forged = |begun| drop(TrackSlice { begun, track: slice.track, _lane: None });
            forged(BegunOn { session: slice.begun.session + 1, ..slice.begun });
            forged(BegunOn { id: NO_SLICE, ..slice.begun });
        });
        // Of one it is known that its begin was lost.
        assert_eq!((report.events, report.lost(), report.dropped.no_room), (8, 1, 1), "{report:?}");
    }
}
