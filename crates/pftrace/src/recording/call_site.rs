//! Call sites: the places in a program that record.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use pftrace_protos::track_event::Type;
use pftrace_protos::{TracePacket, TrackEvent};
use pftrace_wire::{Message, WireType};

use super::argument::Argument;
use super::category::Category;
use super::detail::Detail;
use super::options::{self, EndSlice, InstantTrack, SliceTrack};
use super::put::{self, KEYS_IN_A_ROW, Key, MOST_KEYS};
use super::record::{self, CounterNumber, MAX_ANNOTATIONS, SliceGuard};
use super::registry::Registry;
use super::track;
use super::typed::Detailed;

/// A place in a program that records: what is the same each time it does.
///
/// The macros make one, as a `static`. Made at run time, for what a program loads or generates, it has to live as long as the
/// program: there are at most [`MAX_CALL_SITES`] that ever record.
///
/// ```
/// use pftrace::{Annotate, CallSite, Category, EventKind};
///
/// fn site_of(function: String) -> &'static CallSite {
///     static SCRIPT: Category = Category::new("script");
///     let name = Some(&*function.leak());
///     Box::leak(Box::new(CallSite::new(EventKind::Slice, &SCRIPT, name, &["depth"])))
/// }
///
/// let site = site_of("main".into());
/// if site.is_enabled() {
///     let _slice = site.slice(None, &[1.argument()]);
/// }
/// ```
///
/// What an event asks for lies in one line of the cache: in a large program that is where the time goes.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct CallSite {
    pub(super) template: Template,
    /// The number of the first key; of a counter, that of the call site which stands for its track.
    first: AtomicU32,
    /// The number; 0 until it is first met.
    number: AtomicU32,
    /// [`Key`] of the first one.
    key: AtomicU64,
    category: &'static Category,
    kind: EventKind,
    /// `None`: given each time.
    name: Option<&'static str>,
    keys: &'static [&'static str],
}

/// What a call site records.
///
/// ```
/// use pftrace::{CallSite, Category, EventKind};
///
/// static SCRIPT: Category = Category::new("script");
/// static LINES: CallSite = CallSite::new(EventKind::Counter, &SCRIPT, Some("lines"), &[]);
/// static STOPPED: CallSite = CallSite::new(EventKind::Instant, &SCRIPT, Some("stopped"), &[]);
///
/// if LINES.is_enabled() {
///     LINES.counter(17);
///     STOPPED.instant(None, &[]);
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// The begin of a slice.
    Slice,
    /// A moment.
    Instant,
    /// A value over time.
    Counter,
    /// The end of a slice: it has no name.
    End,
    /// A state from then on: of no name, none.
    State,
}

/// How many there can be in a program: what more there are record nothing, and it is counted.
pub const MAX_CALL_SITES: u32 = 1 << 15;

/// `SEQ_NEEDS_INCREMENTAL_STATE`
pub(super) const NEEDS_STATE: u32 = 2;

static CALL_SITES: Registry<&'static CallSite> = Registry::new(MAX_CALL_SITES);
static KEYS: AtomicU32 = AtomicU32::new(1);

/// The bytes that packets of a call site begin with: tag and length, `sequence_flags`, and `track_event` up to where that varies. Both lengths are those
/// of a packet with nothing else in it. What comes behind them then, the packet's time, is there with its tag.
#[derive(Debug)]
pub(super) struct Template {
    words: [AtomicU64; TEMPLATE_WORDS],
    /// A [`Head`]; 0 until the bytes are there.
    head: AtomicU32,
}

/// What is loaded first of a template: the number of its call site, in 16 bits, and how many of its bytes count, in five.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head(u32);

const HEAD_LEN_SHIFT: u32 = u32::BITS - 5;
const _: () = assert!(MAX_CALL_SITES <= u16::MAX as u32 && TEMPLATE_LEN < 1 << 5);

impl Head {
    const fn new(number: u16, len: usize) -> Self {
        Self(number as u32 | (len as u32) << HEAD_LEN_SHIFT)
    }

    /// The number of the call site; 0 if the bytes are not there.
    #[inline(always)]
    pub(super) fn number(self) -> u16 {
        self.0 as u16
    }

    /// How many of the bytes count: at most 31.
    #[inline(always)]
    pub(super) fn len(self) -> usize {
        (self.0 >> HEAD_LEN_SHIFT) as usize
    }
}

const TEMPLATE_WORDS: usize = 3;
pub(super) const TEMPLATE_LEN: usize = 8 * TEMPLATE_WORDS;

/// Where the packet's length stands, and its fields begin.
pub(super) const PACKET_LEN_AT: usize = 1;
pub(super) const PACKET_AT: usize = 2;
/// Where the event's length stands, and its fields begin.
pub(super) const EVENT_LEN_AT: usize = 5;
pub(super) const EVENT_AT: usize = 6;

/// A template that has nothing but a type, category and name is not longer, with the first byte of what follows.
pub(super) const CONSTANT_LEN: usize = 16;

/// The template of a counter that has a name is that long: its track's number takes seven bytes in every process.
pub(super) const COUNTER_LEN: usize = 16;

/// What the value of a counter takes that its template is laid out for: its tag, and two bytes.
pub(super) const COUNTER_VALUE_LEN: usize = put::COUNTER_VALUE.len() + 2;
pub(super) const COUNTER_VALUE_END: usize = COUNTER_LEN + COUNTER_VALUE_LEN;

/// The tag of `TracePacket.timestamp`.
pub(super) const TIMESTAMP_TAG: u8 = put::tag_1(TracePacket::TIMESTAMP_FIELD_NUMBER, WireType::Varint);

/// What ends a slice: without a name, so of no call site.
pub(super) static END: Template = {
    let words = [AtomicU64::new(u64::from_le_bytes(END_BYTES)), AtomicU64::new(0), AtomicU64::new(0)];
    Template { words, head: AtomicU32::new(Head::new(0, END_BYTES.len()).0) }
};

/// The bytes of [`END`].
pub(super) const END_BYTES: [u8; 8] = [0x0a, 6, 0x68, 2, 0x5a, 2, 0x48, Type::TYPE_SLICE_END.value() as u8];

impl Template {
    const fn new() -> Self {
        let words = [const { AtomicU64::new(0) }; TEMPLATE_WORDS];
        Self { words, head: AtomicU32::new(0) }
    }

    /// Acquire: with the release of `set`, the bytes are there where the number is.
    #[inline(always)]
    pub(super) fn head(&self) -> Head {
        Head(self.head.load(Ordering::Acquire))
    }

    /// The number, which is 0 until the bytes are there.
    pub(super) fn number(&self) -> u16 {
        self.head().number()
    }

    /// How many of the bytes count.
    pub(super) fn len(&self) -> usize {
        self.head().len()
    }

    /// Some of the bytes, and the tag behind them.
    #[inline(always)]
    pub(super) fn word(&self, number: usize) -> u64 {
        self.words[number].load(Ordering::Relaxed)
    }

    #[inline(always)]
    pub(super) fn bytes(&self) -> [u8; TEMPLATE_LEN] {
        let mut words = [0; 3];
        for (word, place) in words.iter_mut().zip(&self.words) {
            *word = place.load(Ordering::Relaxed).to_le();
        }
        bytemuck::must_cast(words)
    }

    fn set(&self, number: u16, bytes: &[u8; TEMPLATE_LEN], len: usize) {
        let words: [[u8; 8]; TEMPLATE_WORDS] = bytemuck::must_cast(*bytes);
        for (place, word) in self.words.iter().zip(words) {
            place.store(u64::from_le_bytes(word), Ordering::Relaxed);
        }
        self.head.store(Head::new(number, len).0, Ordering::Release);
    }
}

impl CallSite {
    /// A call site, switched by `category`. Without a name, one is given each time. Events have annotations of the names
    /// `keys`, in that order. A counter has no keys; without a name its track is
    /// given each time.
    ///
    /// # Panics
    ///
    /// With more than 32 keys.
    #[must_use]
    pub const fn new(
        kind: EventKind,
        category: &'static Category,
        name: Option<&'static str>,
        keys: &'static [&'static str],
    ) -> Self {
        assert!(keys.len() <= MAX_ANNOTATIONS, "an event has at most 32 annotations");
        let (number, first, key) = (AtomicU32::new(0), AtomicU32::new(0), AtomicU64::new(0));
        Self { template: Template::new(), first, number, key, category, kind, name, keys }
    }

    /// Whether something is recorded here just now: one load behind a pointer.
    #[inline(always)]
    pub fn is_enabled(&self) -> bool {
        self.category.is_enabled()
    }

    /// Begins a slice, which ends when the guard is dropped. Ask [`is_enabled`](Self::is_enabled) first: this does not.
    ///
    /// `name` is for a call site that has none, and not looked at otherwise. Each argument is the value of the key of its place; those that have no key are left out.
    pub fn slice(&'static self, name: Option<&str>, arguments: &[Argument<'_>]) -> SliceGuard {
        match (self.kind, self.given(name), self.with_keys(arguments)) {
            // As the macros do: not the form that has to look at each argument's type.
            (EventKind::Slice, None, []) => record::begin_slice(self),
            (EventKind::Slice, name, arguments) => record::begin_slice_with(self, name, arguments),
            _ => SliceGuard::inactive(),
        }
    }

    /// Records an instant, as [`slice`](Self::slice) does a slice.
    pub fn instant(&'static self, name: Option<&str>, arguments: &[Argument<'_>]) {
        match (self.kind, self.given(name), self.with_keys(arguments)) {
            (EventKind::Instant, None, []) => record::instant(self),
            (EventKind::Instant, name, arguments) => record::instant_with(self, name, arguments),
            _ => {}
        }
    }

    /// Begins a slice on a track, [`ThisThread`](crate::ThisThread)'s or another, and says more of it. Otherwise as [`slice`](Self::slice).
    ///
    /// ```
    /// use pftrace::{Annotate, CallSite, Category, Detail, EventKind, Lanes, ThisThread};
    ///
    /// static CATEGORY: Category = Category::new("script");
    /// static CALL: CallSite = CallSite::new(EventKind::Slice, &CATEGORY, None, &["line"]);
    /// static RETURN: CallSite = CallSite::new(EventKind::End, &CATEGORY, None, &["result"]);
    /// static TASKS: Lanes = Lanes::new("tasks");
    ///
    /// if CALL.is_enabled() {
    ///     let call = CALL.slice_on(&TASKS, Some("main"), &[7.argument()], &[Detail::Flow(1)]);
    ///     RETURN.end(call, &["ok".argument()], &[]);
    ///     let _on_this_thread = CALL.slice_on(ThisThread, Some("main"), &[7.argument()], &[Detail::Flow(1)]);
    /// }
    /// ```
    pub fn slice_on<T: SliceTrack>(
        &'static self,
        track: T,
        name: Option<&str>,
        arguments: &[Argument<'_>],
        details: &[Detail<'_>],
    ) -> T::Guard {
        match self.kind {
            EventKind::Slice => {
                options::slice_on(self, track, self.given(name), Detailed(self.with_keys(arguments), details))
            }
            _ => T::Guard::default(),
        }
    }

    /// Ends a slice, and says more of it. The call site is of the kind [`EventKind::End`]; with any other the slice just ends.
    pub fn end(&'static self, slice: impl EndSlice, arguments: &[Argument<'_>], details: &[Detail<'_>]) {
        if self.kind == EventKind::End {
            options::end_slice(self, slice, Detailed(self.with_keys(arguments), details));
        }
    }

    /// Records an instant on a track, and says more of it. Otherwise as [`instant`](Self::instant).
    pub fn instant_on(
        &'static self,
        track: impl InstantTrack,
        name: Option<&str>,
        arguments: &[Argument<'_>],
        details: &[Detail<'_>],
    ) {
        if self.kind == EventKind::Instant {
            options::instant_on(self, track, self.given(name), Detailed(self.with_keys(arguments), details));
        }
    }

    /// Records the value of a counter that has a name. Ask [`is_enabled`](Self::is_enabled) first.
    pub fn counter(&'static self, value: impl CounterNumber) {
        // Without one it has no track.
        if self.kind == EventKind::Counter && self.name.is_some() {
            value.record(self);
        }
    }

    /// The name, where it has none.
    fn given<'n>(&self, name: Option<&'n str>) -> Option<&'n str> {
        name.filter(|_| self.name.is_none())
    }

    /// As many arguments as there are keys at most: behind them are those of other call sites.
    fn with_keys<'a>(&self, arguments: &'a [Argument<'a>]) -> &'a [Argument<'a>] {
        arguments.get(..self.keys.len()).unwrap_or(arguments)
    }

    pub(super) fn category(&self) -> &'static Category {
        self.category
    }

    /// Whether what it records bears its category.
    pub(super) fn has_category(&self) -> bool {
        !matches!(self.kind, EventKind::Counter | EventKind::End)
    }

    pub(super) fn kind(&self) -> EventKind {
        self.kind
    }

    pub(super) fn name(&self) -> Option<&'static str> {
        self.name
    }

    pub(super) fn keys(&self) -> &'static [&'static str] {
        self.keys
    }

    /// The `iid` of the first of `keys`; the others follow.
    pub(super) fn first_key(&self) -> u32 {
        self.first.load(Ordering::Relaxed)
    }

    /// How an annotation of the first of `keys` begins, which the others are in a row with. Of no meaning before the template is there.
    #[inline(always)]
    pub(super) fn key(&self) -> Key {
        Key::of_bits(self.key.load(Ordering::Relaxed))
    }

    /// Of a counter: whose track it is on.
    pub(super) fn track_number(&self) -> u32 {
        self.first.load(Ordering::Relaxed)
    }

    pub(super) fn of_number(number: u32) -> Option<&'static Self> {
        CALL_SITES.get(number)
    }

    /// Sees to it that the template is there. Not when there are too many call sites, or the category turns out to be off.
    #[inline]
    pub(super) fn prepare(&'static self) -> bool {
        self.template.number() != 0 || self.register().is_some()
    }

    /// What a thread does that comes here first. Several may do it at once: each number is the one that was set first, so they
    /// all write the same, and none waits.
    #[cold]
    fn register(&'static self) -> Option<()> {
        // What was begun is ended, whatever is on by then.
        let category = if self.kind == EventKind::End { 0 } else { self.category.number_if_on()? };
        let number = match self.number.load(Ordering::Relaxed) {
            0 => set_once(&self.number, CALL_SITES.add(self)?),
            number => number,
        };
        let first = set_once(
            &self.first,
            match self.kind {
                // Counters of one name are one track.
                EventKind::Counter if self.name.is_some() => self.same_counter().unwrap_or(number),
                _ => next_keys(self.keys.len() as u32),
            },
        );
        if !self.keys.is_empty() {
            self.key.store(Key::of(first).bits(), Ordering::Relaxed);
        }
        // More than a template, so that nothing is written close to the end, where each byte is looked at.
        let mut bytes = [0; 4 * TEMPLATE_LEN];
        let len = self.write_packet(&mut bytes, category, number, first).filter(|&len| len < TEMPLATE_LEN)?;
        bytes[len] = TIMESTAMP_TAG;
        if self.kind == EventKind::Counter {
            bytes[PACKET_LEN_AT] += COUNTER_VALUE_LEN as u8;
            bytes[EVENT_LEN_AT] += COUNTER_VALUE_LEN as u8;
        }
        self.template.set(u16::try_from(number).ok()?, bytes.first_chunk()?, len);
        Some(())
    }

    /// The call site that was the first for a counter of that name.
    fn same_counter(&self) -> Option<u32> {
        let same = |other: &'static Self| other.kind == EventKind::Counter && other.name == self.name;
        CALL_SITES.iter().find(|(_, other)| same(other)).map(|(number, _)| number)
    }

    /// Writes a packet of all that is constant. Returns how long it is.
    fn write_packet(&self, to: &mut [u8], category: u32, number: u32, first: u32) -> Option<usize> {
        let packet = pftrace_wire::encode(to, |mut trace| {
            trace.message::<1>(|mut packet| {
                packet.uint32::<13>(NEEDS_STATE);
                packet.message::<11>(|event| self.write_constant(event, category, number, first));
            });
        });
        Some(packet.ok()?.len())
    }

    fn write_constant(&self, event: Message<'_>, category: u32, number: u32, first: u32) {
        let mut event = TrackEvent::new(event);
        match self.kind {
            EventKind::Slice => event.set_type(Type::TYPE_SLICE_BEGIN),
            EventKind::Instant => event.set_type(Type::TYPE_INSTANT),
            EventKind::End => event.set_type(Type::TYPE_SLICE_END),
            EventKind::State => event.set_type(Type::TYPE_STATE),
            EventKind::Counter => event.set_type(Type::TYPE_COUNTER),
        };
        if self.kind == EventKind::Counter {
            if self.name.is_some() {
                event.set_track_uuid(counter_track(first));
            }
            return;
        }
        if category != 0 {
            event.add_category_iids(u64::from(category));
        }
        if self.name.is_some() {
            event.set_name_iid(u64::from(number));
        }
    }
}

/// So many numbers for keys, [in a row](KEYS_IN_A_ROW); returns the first.
fn next_keys(count: u32) -> u32 {
    let first_of = |next: u32| {
        if next % KEYS_IN_A_ROW + count > KEYS_IN_A_ROW { next.next_multiple_of(KEYS_IN_A_ROW) } else { next }
    };
    match KEYS.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |next| Some(first_of(next) + count)) {
        Ok(next) | Err(next) => first_of(next),
    }
}

// So their numbers are short enough: of a row, no less than three quarters are given away.
const _: () =
    assert!(MAX_ANNOTATIONS as u32 * 4 <= KEYS_IN_A_ROW && MAX_CALL_SITES * MAX_ANNOTATIONS as u32 * 4 / 3 < MOST_KEYS);

/// Sets it, unless another thread has; returns what it is then.
fn set_once(place: &AtomicU32, value: u32) -> u32 {
    place.compare_exchange(0, value, Ordering::Relaxed, Ordering::Relaxed).map_or_else(|found| found, |_| value)
}

pub(super) fn prepare() {
    CALL_SITES.prepare();
}

/// A key as it is written in a program, `r#type` perhaps, as it is shown.
pub(super) fn key_name(key: &'static str) -> &'static str {
    key.strip_prefix("r#").unwrap_or(key)
}

/// The track of the counter that a call site of that number describes.
pub(super) fn counter_track(number: u32) -> u64 {
    track::own_uuid(track::COUNTERS, number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_has_room() {
        static CATEGORY: Category = Category::new("c");
        let kinds = [EventKind::Slice, EventKind::Instant, EventKind::Counter, EventKind::End, EventKind::State];
        for kind in kinds {
            let site = CallSite::new(kind, &CATEGORY, Some("name"), &[]);
            let mut longest = [0; TEMPLATE_LEN];
            let len = site.write_packet(&mut longest, 8192, MAX_CALL_SITES, MAX_CALL_SITES).unwrap();
            assert_eq!(PACKET_AT + longest[PACKET_LEN_AT] as usize, len, "{kind:?}");
            assert_eq!(EVENT_AT + longest[EVENT_LEN_AT] as usize, len, "{kind:?}");
            assert!(kind == EventKind::Counter || len < CONSTANT_LEN, "{kind:?}");
            let shortest = site.write_packet(&mut longest, 1, 1, 1).unwrap();
            assert!(kind != EventKind::Counter || (shortest, len) == (COUNTER_LEN, COUNTER_LEN));
        }
    }

    #[test]
    fn keys_are_in_a_row_and_no_others() {
        let mut end = 0;
        for round in 0..1000 {
            let count = round * 7 % (MAX_ANNOTATIONS as u32 + 1);
            let first = next_keys(count);
            assert!(first >= end, "{first} is below {end}");
            assert!(first % KEYS_IN_A_ROW + count <= KEYS_IN_A_ROW, "{count} from {first} on");
            end = first + count;
        }
    }

    #[test]
    fn the_end_of_a_slice_is_what_the_writers_write() {
        let mut buffer = [0; 16];
        let bytes = pftrace_protos::Trace::encode(&mut buffer, |trace| {
            trace.add_packet(|packet| {
                packet.set_sequence_flags(NEEDS_STATE).set_track_event(|event| {
                    event.set_type(Type::TYPE_SLICE_END);
                });
            });
        });
        assert_eq!(bytes.unwrap(), END_BYTES);
    }
}
