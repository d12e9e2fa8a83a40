//! What the macros call.

use core::fmt;
use core::marker::PhantomData;

use super::argument::Argument;
use super::call_site::CallSite;
use super::category::Category;
use super::local;
use super::options;
use super::put::{BELOW_2, BELOW_4, Wide, varint_of_2, varint_of_4};
use super::session;
use super::slices::Token;
use super::text::Scratch;
use super::thread::Event;
use super::typed::{Annotations, Name};
use crate::CounterValue;

/// The most annotations of one event.
pub const MAX_ANNOTATIONS: usize = 32;

/// Ends its slice when it is dropped.
///
/// Keep it in a variable with a name: `let _slice = slice!(…)`. What is called `_` alone is dropped at once. It stays on its
/// thread; slices of a thread end in the opposite order of their begin, and a guard that is dropped out of order ends the
/// innermost.
///
/// ```
/// use pftrace::{end, slice};
///
/// let outer = slice!("example", "outer");
/// {
///     let _inner = slice!("example", "inner");
/// } // it ends here
/// end!(slice: outer, result = 3); // and this here, with what came of it
/// ```
#[derive(Debug)]
#[must_use = "a slice ends when its guard is dropped: `let _slice = slice!(…);`"]
pub struct SliceGuard {
    guarded: Guarded,
    not_send: PhantomData<*const ()>,
}

/// What a guard ends. Which of these it is, is known where a guard stays in its function, so that nobody asks.
#[derive(Clone, Copy, Debug)]
enum Guarded {
    Nothing,
    Slice(Token),
    /// Most probably one that has a name of its own.
    Named(Token),
}

impl SliceGuard {
    /// Of no slice.
    #[inline(always)]
    pub fn inactive() -> Self {
        Self::on(Guarded::Nothing)
    }

    #[inline(always)]
    pub(super) fn of(token: Token) -> Self {
        Self::on(Guarded::Slice(token))
    }

    #[inline(always)]
    fn on(guarded: Guarded) -> Self {
        Self { guarded, not_send: PhantomData }
    }

    /// What it is ended by.
    #[inline(always)]
    pub(super) fn token(&self) -> Option<Token> {
        match self.guarded {
            Guarded::Nothing => None,
            Guarded::Slice(token) | Guarded::Named(token) => Some(token),
        }
    }

    /// The same, by other means than being dropped.
    pub(super) fn into_token(self) -> Option<Token> {
        core::mem::ManuallyDrop::new(self).token()
    }
}

/// Of no slice.
impl Default for SliceGuard {
    fn default() -> Self {
        Self::inactive()
    }
}

impl Drop for SliceGuard {
    #[inline(always)]
    fn drop(&mut self) {
        match self.guarded {
            Guarded::Nothing => {}
            Guarded::Slice(token) => end_of(token),
            Guarded::Named(token) => end_of_named(token),
        }
    }
}

/// A session that is over has no ends.
#[inline(never)]
fn end_of(token: Token) {
    if local::quickly(|packet, thread, stack| thread.try_end(packet, stack, token)).is_none() {
        end_of_named(token);
    }
}

/// The same of one that has a name of its own: in one function with the others, these would take five instructions more.
#[inline(never)]
fn end_of_named(token: Token) {
    if local::quickly(|packet, thread, stack| thread.try_end_named(packet, stack, token)).is_none() {
        end_of_in_full(token);
    }
}

#[cold]
#[inline(never)]
fn end_of_in_full(token: Token) {
    if token == Token::LOST {
        return;
    }
    local::with_present(|thread| thread.end_for(token));
}

/// Begins a slice of a call site that has a name and no annotations.
#[inline(always)]
pub fn begin_slice(site: &'static CallSite) -> SliceGuard {
    SliceGuard::of(begin_guarded(site))
}

#[inline(never)]
fn begin_guarded(site: &'static CallSite) -> Token {
    match local::quickly(|packet, thread, stack| thread.try_begin(packet, stack, site, true)) {
        Some(token) => token,
        None => begin_guarded_again(site),
    }
}

#[cold]
#[inline(never)]
fn begin_guarded_again(site: &'static CallSite) -> Token {
    if local::list(site) { begin_guarded(site) } else { begin_guarded_in_full(site) }
}

#[cold]
#[inline(never)]
fn begin_guarded_in_full(site: &'static CallSite) -> Token {
    local::with(|thread| thread.begin(site, true)).unwrap_or_else(|| unmet(site))
}

/// Nothing could be recorded. Perhaps nothing is at all, and the category has not been met: then nobody comes here any more.
fn unmet(site: &'static CallSite) -> Token {
    site.category().met();
    Token::LOST
}

/// Begins a slice. `name` is for call sites that have none.
#[inline(always)]
pub fn begin_slice_with<'a>(
    site: &'static CallSite,
    name: impl Name<'a>,
    annotations: impl Annotations<'a>,
) -> SliceGuard {
    let token = begin_guarded_with(site, name, annotations);
    SliceGuard::on(if name.given().is_some() { Guarded::Named(token) } else { Guarded::Slice(token) })
}

#[inline(never)]
fn begin_guarded_with<'a>(site: &'static CallSite, name: impl Name<'a>, annotations: impl Annotations<'a>) -> Token {
    let begun = local::quickly(|packet, thread, stack| {
        thread.try_begin_with(packet, stack, site, name.given(), annotations, true)
    });
    match begun {
        Some(token) => token,
        None => begin_guarded_with_again(site, name, annotations),
    }
}

/// Takes what the hot form takes, as all that it leaves to: then nothing is laid out anew there.
#[cold]
#[inline(never)]
fn begin_guarded_with_again<'a>(
    site: &'static CallSite,
    name: impl Name<'a>,
    annotations: impl Annotations<'a>,
) -> Token {
    if annotations.may_be_listed() && local::list(site) {
        begin_guarded_with(site, name, annotations)
    } else {
        annotations.listed(|arguments, details| {
            begin_with_in_full(&Event { name: name.given(), arguments, details, ..Event::of(site) }, true)
        })
    }
}

#[cold]
#[inline(never)]
fn begin_with_in_full(event: &Event<'_>, guarded: bool) -> Token {
    if !event.details.is_empty() {
        return options::begin_here(event, guarded);
    }
    if is_to_format(event) {
        let begun = format(event.arguments, Argument::None, |arguments, _| match guarded {
            true => Some(begin_guarded_with(event.site, event.name, arguments)),
            false => {
                begin_with(event.site, event.name, arguments);
                None
            }
        });
        return begun.unwrap_or(Token::LOST);
    }
    let begun = Wide::of(event).and_then(|wide| {
        local::quickly_for(wide.room(), |packet, thread, stack| thread.try_begin_wide(packet, stack, &wide, guarded))
    });
    begun
        .or_else(|| local::with(|thread| thread.begin_with(event.site, event.name, event.arguments, guarded)))
        .unwrap_or(Token::LOST)
}

/// Begins a slice that [`end`] ends.
#[inline(never)]
pub fn begin(site: &'static CallSite) {
    if local::quickly(|packet, thread, stack| thread.try_begin(packet, stack, site, false)).is_none() {
        begin_again(site);
    }
}

#[cold]
#[inline(never)]
fn begin_again(site: &'static CallSite) {
    if local::list(site) { begin(site) } else { begin_in_full(site) }
}

#[cold]
#[inline(never)]
fn begin_in_full(site: &'static CallSite) {
    if local::with(|thread| thread.begin(site, false)).is_none() {
        unmet(site);
    }
}

/// Begins a slice that [`end`] ends.
#[inline(never)]
pub fn begin_with<'a>(site: &'static CallSite, name: impl Name<'a>, annotations: impl Annotations<'a>) {
    let begun = local::quickly(|packet, thread, stack| {
        thread.try_begin_with(packet, stack, site, name.given(), annotations, false)
    });
    if begun.is_none() {
        begin_with_again(site, name, annotations);
    }
}

#[cold]
#[inline(never)]
fn begin_with_again<'a>(site: &'static CallSite, name: impl Name<'a>, annotations: impl Annotations<'a>) {
    if annotations.may_be_listed() && local::list(site) {
        begin_with(site, name, annotations);
    } else {
        annotations.listed(|arguments, details| {
            begin_with_in_full(&Event { name: name.given(), arguments, details, ..Event::of(site) }, false)
        });
    }
}

/// Ends the innermost slice of this thread, if it is of that category and no guard's. What was begun is ended, also when its
/// category is off by now.
#[inline(always)]
pub fn end(category: &'static Category) {
    if session::is_recording() {
        end_now(category);
    }
}

#[inline(never)]
fn end_now(category: &'static Category) {
    if local::quickly(|packet, thread, stack| thread.try_end_of(packet, stack, category)).is_none() {
        end_now_in_full(category);
    }
}

#[cold]
#[inline(never)]
fn end_now_in_full(category: &'static Category) {
    local::with(|thread| thread.end_of(category));
}

/// Records an instant of a call site that has a name and no annotations.
#[inline(never)]
pub fn instant(site: &'static CallSite) {
    if local::quickly(|packet, thread, _| thread.try_instant(packet, site)).is_none() {
        instant_again(site);
    }
}

#[cold]
#[inline(never)]
fn instant_again(site: &'static CallSite) {
    if local::list(site) { instant(site) } else { instant_in_full(site) }
}

#[cold]
#[inline(never)]
fn instant_in_full(site: &'static CallSite) {
    if local::with(|thread| thread.instant(site)).is_none() {
        unmet(site);
    }
}

/// Records an instant.
#[inline(never)]
pub fn instant_with<'a>(site: &'static CallSite, name: impl Name<'a>, annotations: impl Annotations<'a>) {
    if local::quickly(|packet, thread, _| thread.try_instant_with(packet, site, name.given(), annotations)).is_none() {
        instant_with_again(site, name, annotations);
    }
}

#[cold]
#[inline(never)]
fn instant_with_again<'a>(site: &'static CallSite, name: impl Name<'a>, annotations: impl Annotations<'a>) {
    if annotations.may_be_listed() && local::list(site) {
        instant_with(site, name, annotations);
    } else {
        annotations.listed(|arguments, details| {
            instant_with_in_full(&Event { name: name.given(), arguments, details, ..Event::of(site) });
        });
    }
}

#[cold]
#[inline(never)]
fn instant_with_in_full(event: &Event<'_>) {
    if !event.details.is_empty() {
        return options::record(event);
    }
    if is_to_format(event) {
        return format(event.arguments, Argument::None, |arguments, _| {
            instant_with(event.site, event.name, arguments);
        });
    }
    let recorded = Wide::of(event)
        .and_then(|wide| local::quickly_for(wide.room(), |packet, thread, _| thread.try_instant_wide(packet, &wide)));
    if recorded.is_none() {
        local::with(|thread| thread.instant_with(event.site, event.name, event.arguments));
    }
}

/// Whether something is to be formatted, after which the event is recorded as if it had been texts.
pub(super) fn is_to_format(event: &Event<'_>) -> bool {
    event.arguments.iter().any(Argument::is_formatted)
}

/// What a counter can be set to: integers, floating-point numbers, `bool` as 0 and 1. Above `i64::MAX` it is a floating-point
/// number: Perfetto's counters are signed.
///
/// ```
/// pftrace::counter!("example", "integer", -3_i8);
/// pftrace::counter!("example", "fraction", 0.25_f32);
/// pftrace::counter!("example", "yes or no", true);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no value of a counter",
    label = "an integer, a floating-point number or a `bool`"
)]
pub trait CounterNumber: Sized {
    /// The value.
    fn value(self) -> CounterValue;

    #[doc(hidden)]
    #[inline]
    fn record(self, site: &'static CallSite) {
        match self.value() {
            CounterValue::Int(value) => int_counter(site, value),
            CounterValue::Double(value) => double_counter(site, value),
        }
    }
}

macro_rules! counter_number {
    ($($type:ty => $kind:ident($as:ty)),+) => {
        $(impl CounterNumber for $type {
            #[inline]
            fn value(self) -> CounterValue {
                CounterValue::$kind(self as $as)
            }
        })+
    };
}

counter_number! {
    bool => Int(i64), i8 => Int(i64), i16 => Int(i64), i32 => Int(i64), i64 => Int(i64), isize => Int(i64),
    u8 => Int(i64), u16 => Int(i64), u32 => Int(i64), f32 => Double(f64), f64 => Double(f64)
}

macro_rules! counter_number_unsigned {
    ($($type:ty),+) => {
        $(impl CounterNumber for $type {
            #[inline]
            fn value(self) -> CounterValue {
                CounterValue::from(self)
            }
        })+
    };
}

counter_number_unsigned!(u64, usize);

impl<T: CounterNumber + Copy> CounterNumber for &T {
    #[inline]
    fn value(self) -> CounterValue {
        (*self).value()
    }

    #[inline]
    fn record(self, site: &'static CallSite) {
        (*self).record(site);
    }
}

/// Records the value of a counter of a call site that has a name. A counter's values are of one size, most of the time, so each has a function of its own.
#[inline(never)]
fn int_counter(site: &'static CallSite, value: i64) {
    let bits = value as u64;
    if bits >= BELOW_2 {
        return medium_counter(site, value);
    }
    if counter_of::<2>(site, varint_of_2(bits)).is_none() {
        int_counter_again(site, value);
    }
}

/// The same, of a value that is not small.
#[inline(never)]
fn medium_counter(site: &'static CallSite, value: i64) {
    let bits = value as u64;
    if bits >= BELOW_4 {
        return large_counter(site, value);
    }
    if counter_of::<4>(site, varint_of_4(bits)).is_none() {
        int_counter_again(site, value);
    }
}

#[inline(always)]
fn counter_of<const LEN: usize>(site: &'static CallSite, varint: u64) -> Option<()> {
    local::quickly(|packet, thread, _| {
        thread.try_counter(site, |packets, template, now| packets.put_counter_of::<LEN>(packet, template, varint, now))
    })
}

/// The same, of any value.
#[inline(never)]
fn large_counter(site: &'static CallSite, value: i64) {
    if local::quickly(|packet, thread, _| {
        thread.try_counter(site, |packets, template, now| packets.put_int_counter(packet, template, value, now))
    })
    .is_none()
    {
        int_counter_again(site, value);
    }
}

#[cold]
#[inline(never)]
fn int_counter_again(site: &'static CallSite, value: i64) {
    if local::list(site) { int_counter(site, value) } else { counter_in_full(site, CounterValue::Int(value)) }
}

/// The same, of a real value.
#[inline(never)]
fn double_counter(site: &'static CallSite, value: f64) {
    if local::quickly(|packet, thread, _| {
        thread.try_counter(site, |packets, template, now| packets.put_real_counter(packet, template, value, now))
    })
    .is_none()
    {
        double_counter_again(site, value);
    }
}

#[cold]
#[inline(never)]
fn double_counter_again(site: &'static CallSite, value: f64) {
    if local::list(site) { double_counter(site, value) } else { counter_in_full(site, CounterValue::Double(value)) }
}

#[cold]
#[inline(never)]
fn counter_in_full(site: &'static CallSite, value: CounterValue) {
    local::with(|thread| thread.counter(site, value));
}

/// Formats what has to be formatted, a text beside the arguments too, and goes on with the texts. No event is being recorded meanwhile: `Debug` and `Display`
/// may record, take long, and panic.
#[cold]
pub(super) fn format<R: Default>(
    arguments: &[Argument<'_>],
    text: Argument<'_>,
    then: impl FnOnce(&[Argument<'_>], &str) -> R,
) -> R {
    let (mut then, mut result) = (Some(then), None);
    format_then(arguments, text, &mut |arguments, text| result = then.take().map(|then| then(arguments, text)));
    // It has been done.
    result.unwrap_or_default()
}

/// The same, once for all that is done then: `then` is called once.
pub(super) fn format_then(arguments: &[Argument<'_>], text: Argument<'_>, then: &mut dyn FnMut(&[Argument<'_>], &str)) {
    let (arguments, _) = arguments.split_at(arguments.len().min(MAX_ANNOTATIONS));
    let mut formatting = Formatting(local::with_at_once(|thread| thread.scratch().take()).flatten());
    // One behind the other, in their order.
    let mut ends = [0; MAX_ANNOTATIONS + 1];
    if let Some(scratch) = &mut formatting.0 {
        scratch.clear();
        for (number, (end, argument)) in ends.iter_mut().zip(arguments.iter().chain([&text])).enumerate() {
            let to_come = arguments.len() - number;
            match argument {
                Argument::Debug(value) => *end = scratch.format(format_args!("{value:?}"), to_come),
                Argument::Display(value) => *end = scratch.format(format_args!("{value}"), to_come),
                _ => {}
            }
        }
    }
    let (mut begin, scratch) = (0, formatting.0.as_deref());
    // Mostly they are few.
    let (mut few, mut many);
    let texts: &mut [Argument<'_>] = if arguments.len() <= 4 {
        few = [Argument::None; 4];
        &mut few[..arguments.len()]
    } else {
        many = [Argument::None; MAX_ANNOTATIONS];
        &mut many[..arguments.len()]
    };
    for ((text, argument), end) in texts.iter_mut().zip(arguments).zip(ends) {
        *text = shown(*argument, scratch, &mut begin, end);
    }
    then(texts, shown(text, scratch, &mut begin, ends[arguments.len()]).text());
}

fn shown<'a>(argument: Argument<'a>, scratch: Option<&'a Scratch>, begin: &mut usize, end: usize) -> Argument<'a> {
    match (argument, scratch) {
        (Argument::Debug(_) | Argument::Display(_), Some(scratch)) => {
            Argument::Str(scratch.text(core::mem::replace(begin, end)..end))
        }
        // Something is being formatted on this thread already.
        (Argument::Debug(_) | Argument::Display(_), None) => Argument::Str("…"),
        (other, _) => other,
    }
}

/// The present time on the trace's clock, CLOCK_MONOTONIC, in nanoseconds: for the option `at`. Not before the thread's last event.
///
/// ```
/// use pftrace::{instant, now_ns};
///
/// let arrived = now_ns();
/// // …
/// instant!(at: arrived, "net", "packet arrived");
/// ```
#[must_use]
pub fn now_ns() -> u64 {
    let recorded = session::is_recording().then(|| local::with_uncounted(|thread| thread.now())).flatten();
    recorded.unwrap_or_else(|| pftrace_clock::Clock::new().now_ns())
}

/// Gives the thread's memory back, also when what is formatted panics.
struct Formatting(Option<std::boxed::Box<Scratch>>);

impl Drop for Formatting {
    fn drop(&mut self) {
        if let Some(scratch) = self.0.take() {
            local::with_at_once(|thread| *thread.scratch() = Some(scratch));
        }
    }
}

impl fmt::Debug for Formatting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Formatting")
    }
}
