//! What an event says beside its category, name and annotations: the options of the macros.

use core::fmt;
use std::string::String;
use std::time::{Duration, Instant};

use pftrace_protos::log_message::Priority;
use pftrace_protos::{InternedData, TrackEvent};

use super::argument::Argument;
use super::location::SourceLocation;
use super::record::CounterNumber;
use super::thread::Event;
use super::track::{NamedCounter, TrackRef};
use crate::CounterValue;
use crate::text::{Cut, MARK};

/// The most counters that one event sets: Perfetto takes no more.
pub const MAX_EXTRA_COUNTERS: usize = 8;

/// What an event says beside its category, name and annotations. The options of the macros make these; by hand they are for
/// [`CallSite`](crate::CallSite)s that are made while the program runs.
///
/// ```
/// use pftrace::{Annotate, CallSite, Category, CorrelationId, Detail, EventKind, ThisThread};
///
/// static SCRIPT: Category = Category::new("script");
/// static LINE: CallSite = CallSite::new(EventKind::Instant, &SCRIPT, None, &["number"]);
///
/// if LINE.is_enabled() {
///     let details = [Detail::Flow(7), Detail::CorrelationId(CorrelationId::Text("run 7"))];
///     LINE.instant_on(ThisThread, Some("print"), &[3.argument()], &details);
/// }
/// ```
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Detail<'a> {
    /// `at: time`, in nanoseconds of CLOCK_MONOTONIC: when it happened, instead of now. See [`Moment`].
    At(u64),
    /// `flow: id`: it is a step of a flow. An arrow is drawn to the flow's next event in time.
    Flow(u64),
    /// `terminating_flow: id`: it is the last step of a flow.
    TerminatingFlow(u64),
    /// `correlation_id: id`: events of one operation have the same, and are coloured alike and lit up together.
    CorrelationId(CorrelationId<'a>),
    /// `source_location: here!()`: where in the program it comes from.
    SourceLocation(&'static SourceLocation),
    /// `source_location: Location::caller()`.
    Location(&'a core::panic::Location<'a>),
    /// `callstack: &frames`: the stack at the event, the outermost frame first.
    Callstack(&'a [Frame<'a>]),
    /// `log: (priority, text)`: it is also a line of the log. Only on a thread's own track; elsewhere it is an annotation `log`.
    Log(LogPriority, Argument<'a>),
    /// `counters: [(&COUNTER, value), …]`: counters that have these values then. At most [`MAX_EXTRA_COUNTERS`].
    Counters(&'a [(TrackRef, CounterValue)]),
    /// `with: |event| …`: any field, by its generated writer. It may be called more than once, and nothing can be recorded within.
    With(&'a dyn Fn(&mut TrackEvent<'_>)),
}

impl Detail<'_> {
    /// Whether it is a few bytes, which [`put::details`](super::put::details) writes.
    #[inline]
    pub(super) fn is_short(&self) -> bool {
        use Detail::{At, CorrelationId, Flow, SourceLocation, TerminatingFlow};
        matches!(self, At(_) | Flow(_) | TerminatingFlow(_) | CorrelationId(_) | SourceLocation(_))
    }
}

/// A trace tells no later time.
pub(super) const LATEST: u64 = i64::MAX as u64;

/// When an event happened of which this is said, if that is said.
pub(super) fn told_ns(details: &[Detail<'_>]) -> Option<u64> {
    // What is later than a trace can tell is as late as it can.
    for detail in details {
        if let Detail::At(ns) = detail {
            return Some((*ns).min(LATEST));
        }
    }
    None
}

impl fmt::Debug for Detail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(ns) => f.debug_tuple("At").field(ns).finish(),
            Self::Flow(id) => f.debug_tuple("Flow").field(id).finish(),
            Self::TerminatingFlow(id) => f.debug_tuple("TerminatingFlow").field(id).finish(),
            Self::CorrelationId(id) => f.debug_tuple("CorrelationId").field(id).finish(),
            Self::SourceLocation(location) => f.debug_tuple("SourceLocation").field(location).finish(),
            Self::Location(location) => f.debug_tuple("Location").field(location).finish(),
            Self::Callstack(frames) => f.debug_tuple("Callstack").field(frames).finish(),
            Self::Log(priority, text) => f.debug_tuple("Log").field(priority).field(text).finish(),
            Self::Counters(counters) => f.debug_tuple("Counters").field(counters).finish(),
            Self::With(_) => f.write_str("With(…)"),
        }
    }
}

/// What events of one operation have in common: a number or a text.
///
/// ```
/// use pftrace::instant;
///
/// let (number, text) = (17, String::from("order 17"));
/// instant!(correlation_id: number, "shop", "ordered");
/// instant!(correlation_id: &text, "shop", "paid");
/// instant!(correlation_id: "order 17", "shop", "sent");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CorrelationId<'a> {
    /// A number.
    Number(u64),
    /// A text.
    Text(&'a str),
}

impl From<u64> for CorrelationId<'_> {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl<'a> From<&'a str> for CorrelationId<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for CorrelationId<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

/// How grave a line of the log is.
///
/// ```
/// use pftrace::{LogPriority, instant, slice};
///
/// instant!(log: (LogPriority::Warn, "the disk is nearly full"), "io", "full");
/// let free = 3;
/// // A slice can be in the log as well; what is formatted is, if it is recorded.
/// let _clean = slice!(log: (LogPriority::Info, format_args!("{free} bytes are left")), "io", "clean up");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LogPriority {
    /// Of interest to nobody, most of the time.
    Verbose,
    /// For whoever looks for an error.
    Debug,
    /// What is as it should be.
    Info,
    /// What should not be.
    Warn,
    /// What did not work.
    Error,
    /// What nothing works after.
    Fatal,
}

impl LogPriority {
    fn value(self) -> Priority {
        match self {
            Self::Verbose => Priority::PRIO_VERBOSE,
            Self::Debug => Priority::PRIO_DEBUG,
            Self::Info => Priority::PRIO_INFO,
            Self::Warn => Priority::PRIO_WARN,
            Self::Error => Priority::PRIO_ERROR,
            Self::Fatal => Priority::PRIO_FATAL,
        }
    }
}

/// A frame of a callstack.
///
/// ```
/// use pftrace::{Frame, instant};
///
/// let stack = [
///     Frame::function("main"),
///     Frame::Function { name: "load", file: "src/load.rs", line: 17 },
///     Frame::Address(0x5555_0000_1234),
/// ];
/// instant!(callstack: &stack, "io", "slow read");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Frame<'a> {
    /// A function, and where it stands if that is known: an empty `file` and a `line` of 0 are left out.
    Function {
        /// The function's name.
        name: &'a str,
        /// The file that it is in.
        file: &'a str,
        /// The line, from 1.
        line: u32,
    },
    /// An address in the program. It is shown as such: nothing looks up which function it is in.
    Address(u64),
}

impl<'a> Frame<'a> {
    /// A function of which nothing but the name is known.
    #[must_use]
    pub fn function(name: &'a str) -> Self {
        Self::Function { name, file: "", line: 0 }
    }

    /// How many bytes it takes at most.
    fn most_len(&self) -> usize {
        match self {
            Self::Function { name, file, .. } => name.len() + file.len() + 24,
            Self::Address(_) => 32,
        }
    }
}

/// A point in time that an event can be said to have happened at, with `at:`.
///
/// ```
/// use std::time::{Duration, Instant};
///
/// use pftrace::{NamedTrack, end, now_ns, slice};
///
/// static NETWORK: NamedTrack = NamedTrack::new("network");
///
/// let (arrived, first_byte) = (Instant::now(), now_ns());
/// // Both begin when they did, and end now.
/// let request = slice!(track: &NETWORK, at: arrived, "net", "request");
/// let body = slice!(track: &NETWORK, at: first_byte, "net", "body");
/// end!(slice: body);
/// end!(slice: request);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no time of the trace's clock",
    label = "`now_ns()` or other nanoseconds of CLOCK_MONOTONIC as `u64`, a `Duration` of it, or an `Instant`"
)]
pub trait Moment {
    /// In nanoseconds of CLOCK_MONOTONIC, which is the trace's clock. [`now_ns`](crate::now_ns) says what it is now.
    fn ns(self) -> u64;
}

/// Nanoseconds of CLOCK_MONOTONIC.
impl Moment for u64 {
    fn ns(self) -> u64 {
        self
    }
}

/// Since CLOCK_MONOTONIC was 0.
impl Moment for Duration {
    fn ns(self) -> u64 {
        u64::try_from(self.as_nanos()).unwrap_or(u64::MAX)
    }
}

/// As long ago, or as far ahead, as it is by its own clock: exact to about a microsecond, so on a track it may be before what was recorded just before it was
/// taken. [`now_ns`](crate::now_ns) is not.
impl Moment for Instant {
    fn ns(self) -> u64 {
        // A reading that was interrupted tells nothing: of some, the one with the shortest time around it.
        let reading = |_| {
            let before = Instant::now();
            let now = super::record::now_ns();
            let around = before.elapsed();
            let at = before + around / 2;
            let (ago, ahead) = (at.saturating_duration_since(self).ns(), self.saturating_duration_since(at).ns());
            (around, now.saturating_sub(ago).saturating_add(ahead))
        };
        (0..3).map(reading).min().map_or(0, |(_, ns)| ns)
    }
}

/// The details of the macros' options that take some making.
impl<'a> Detail<'a> {
    #[doc(hidden)]
    pub fn at(moment: impl Moment) -> Self {
        Self::At(moment.ns())
    }

    #[doc(hidden)]
    pub fn correlation_id(id: impl Into<CorrelationId<'a>>) -> Self {
        Self::CorrelationId(id.into())
    }

    #[doc(hidden)]
    pub fn counters<const N: usize>(counters: &'a [(TrackRef, CounterValue); N]) -> Self {
        const { assert!(N <= MAX_EXTRA_COUNTERS, "one event sets at most 8 counters") };
        Self::Counters(counters)
    }
}

impl From<&'static SourceLocation> for Detail<'_> {
    fn from(location: &'static SourceLocation) -> Self {
        Self::SourceLocation(location)
    }
}

impl<'a> From<&'a core::panic::Location<'a>> for Detail<'a> {
    fn from(location: &'a core::panic::Location<'a>) -> Self {
        Self::Location(location)
    }
}

/// A counter, and what it is set to.
#[doc(hidden)]
pub fn counter_value(counter: &'static NamedCounter, value: impl CounterNumber) -> (TrackRef, CounterValue) {
    (counter.into(), counter.value(value.value()))
}

/// What a packet of an event defines for itself alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Own {
    /// The `iid` of the body of its log message, which no other of the sequence has.
    pub(super) body_iid: u64,
    /// Texts are cut to so many bytes.
    pub(super) longest: usize,
}

/// Writes what `event` says, but for its name and annotations.
pub(super) fn write(track_event: &mut TrackEvent<'_>, event: &Event<'_>, own: Own) {
    let mut has_correlation = false;
    for detail in event.details {
        match *detail {
            Detail::At(_) => {}
            Detail::Flow(id) => _ = track_event.add_flow_ids(id),
            Detail::TerminatingFlow(id) => _ = track_event.add_terminating_flow_ids(id),
            // An event has one: the first.
            Detail::CorrelationId(_) if has_correlation => {}
            Detail::CorrelationId(CorrelationId::Number(id)) => _ = track_event.set_correlation_id(id),
            Detail::CorrelationId(CorrelationId::Text(id)) if id.len() <= own.longest => {
                track_event.set_correlation_id_str(id);
            }
            Detail::CorrelationId(CorrelationId::Text(id)) => {
                text::<{ TrackEvent::CORRELATION_ID_STR_FIELD_NUMBER }>(track_event.raw(), id, own.longest);
            }
            Detail::SourceLocation(location) => match location.number() {
                Some(number) => _ = track_event.set_source_location_iid(number.into()),
                // There are too many of them to be defined.
                None => {
                    track_event.set_source_location(|to| {
                        let (file, function) = (location.file(), location.function());
                        to.set_file_name(file).set_function_name(function).set_line_number(location.line());
                    });
                }
            },
            Detail::Location(location) => {
                track_event.set_source_location(|to| {
                    to.set_file_name(location.file()).set_line_number(location.line());
                });
            }
            Detail::Callstack(frames) => callstack(track_event, frames, own.longest),
            Detail::Log(priority, _) => log(track_event, event, priority, own),
            Detail::Counters(counters) => extra_counters(track_event, counters),
            Detail::With(f) => f(track_event),
        }
        has_correlation |= matches!(detail, Detail::CorrelationId(_));
    }
}

/// The innermost frames that have room in so many bytes, and a mark in place of the others.
fn callstack(track_event: &mut TrackEvent<'_>, frames: &[Frame<'_>], mut room: usize) {
    let fits = |frame: &&Frame<'_>| room.checked_sub(frame.most_len()).inspect(|left| room = *left).is_some();
    let (left_out, shown) = frames.split_at(frames.len() - frames.iter().rev().take_while(fits).count());
    let mark = Frame::function(MARK);
    track_event.set_callstack(|callstack| {
        for frame in left_out.first().map(|_| &mark).into_iter().chain(shown) {
            callstack.add_frames(|to| match *frame {
                Frame::Function { name, file, line } => {
                    to.set_function_name(name);
                    if !file.is_empty() {
                        to.set_source_file(file);
                    }
                    if line != 0 {
                        to.set_line_number(line);
                    }
                }
                Frame::Address(address) => to.raw().string_parts::<1>(|mut text| {
                    _ = fmt::Write::write_fmt(&mut text, format_args!("{address:#x}"));
                }),
            });
        }
    });
}

fn log(track_event: &mut TrackEvent<'_>, event: &Event<'_>, priority: LogPriority, own: Own) {
    if event.logs() {
        track_event.set_log_message(|message| _ = message.set_body_iid(own.body_iid).set_prio(priority.value()));
        return;
    }
    track_event.add_debug_annotations(|annotation| {
        annotation.set_name("log");
        text::<{ pftrace_protos::DebugAnnotation::STRING_VALUE_FIELD_NUMBER }>(
            annotation.raw(),
            event.log,
            own.longest,
        );
    });
}

/// What the packet refers to by number and nothing else does.
pub(super) fn define(data: &mut InternedData<'_>, event: &Event<'_>, own: Own) {
    data.add_log_message_body(|body| {
        body.set_iid(own.body_iid);
        text::<{ pftrace_protos::LogMessageBody::BODY_FIELD_NUMBER }>(body.raw(), event.log, own.longest);
    });
}

fn text<const N: u32>(mut message: pftrace_wire::Message<'_>, text: &str, longest: usize) {
    let Cut { text, mark } = Cut::to(text, longest);
    message.string_parts::<N>(|mut parts| {
        parts.push(text);
        parts.push(mark);
    });
}

fn extra_counters(track_event: &mut TrackEvent<'_>, counters: &[(TrackRef, CounterValue)]) {
    for &(track, value) in counters.iter().take(MAX_EXTRA_COUNTERS) {
        let Some(number) = track.number() else { continue };
        let uuid = track.uuid(number);
        match value {
            CounterValue::Int(value) => {
                track_event.add_extra_counter_track_uuids(uuid).add_extra_counter_values(value);
            }
            CounterValue::Double(value) => {
                track_event.add_extra_double_counter_track_uuids(uuid).add_extra_double_counter_values(value);
            }
        }
    }
}
