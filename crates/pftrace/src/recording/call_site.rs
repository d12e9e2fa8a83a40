//! Call sites: the places in a program that record.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use pftrace_protos::TrackEvent;
use pftrace_protos::track_event::Type;
use pftrace_wire::{Message, tag};

use super::category::Category;
use super::record::MAX_ANNOTATIONS;
use super::registry::Registry;

/// A place in a program that records: what is the same each time it does. The macros make one, as a `static`.
#[derive(Debug)]
pub struct CallSite {
    category: &'static Category,
    kind: Kind,
    /// `None`: given each time.
    name: Option<&'static str>,
    keys: &'static [&'static str],
    /// The number; 0 until it is first met.
    number: AtomicU32,
    /// The same, and above it the length of the template; 0 until that is there.
    known: AtomicU64,
    template: [AtomicU64; 2],
    /// The number of the first key; of a counter, that of the call site which stands for its track.
    first: AtomicU32,
}

/// What a call site records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The begin of a slice.
    Slice,
    /// A moment.
    Instant,
    /// A value over time.
    Counter,
}

/// How many there can be in a program: what more there are record nothing, and it is counted.
pub const MAX_CALL_SITES: u32 = 1 << 15;

static CALL_SITES: Registry<CallSite> = Registry::new(MAX_CALL_SITES);
static KEYS: AtomicU32 = AtomicU32::new(1);

/// The bytes of a packet that are the same each time: see [`Prepared`].
pub(super) const TEMPLATE_LEN: usize = 16;

/// In front of an event's fields: the packet's flags, and the event's tag and length.
pub(super) const EVENT_OFFSET: usize = 4;

/// A call site that is registered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prepared {
    pub(super) number: u32,
    /// A packet's `sequence_flags`, its `track_event` whole, and the tag of its `timestamp`.
    pub(super) template: [u8; TEMPLATE_LEN],
    pub(super) len: usize,
}

impl Prepared {
    /// What ends a slice: without a name, so of no call site.
    pub(super) const END: Self = {
        let mut template = [0; TEMPLATE_LEN];
        let bytes = [0x68, 0x02, 0x5a, 0x02, 0x48, Type::TYPE_SLICE_END.value() as u8, 0x40];
        let mut at = 0;
        while at < bytes.len() {
            template[at] = bytes[at];
            at += 1;
        }
        Self { number: 0, template, len: bytes.len() }
    };

    /// The fields of the event alone.
    pub(super) fn event(&self) -> &[u8] {
        &self.template[EVENT_OFFSET..self.len - 1]
    }
}

impl CallSite {
    /// A call site, switched by `category`. Without a name, one is given each time. Events have annotations of the names
    /// `keys`, in that order.
    #[must_use]
    pub const fn new(
        kind: Kind,
        category: &'static Category,
        name: Option<&'static str>,
        keys: &'static [&'static str],
    ) -> Self {
        assert!(keys.len() <= MAX_ANNOTATIONS, "an event has at most 32 annotations");
        let template = [AtomicU64::new(0), AtomicU64::new(0)];
        let (number, known, first) = (AtomicU32::new(0), AtomicU64::new(0), AtomicU32::new(0));
        Self { category, kind, name, keys, number, known, template, first }
    }

    /// Whether something is recorded here just now: one load when nothing is recorded at all, two when something is.
    #[inline(always)]
    pub fn is_enabled(&self) -> bool {
        self.category.is_enabled()
    }

    pub(super) fn category(&self) -> &'static Category {
        self.category
    }

    pub(super) fn kind(&self) -> Kind {
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

    /// Of a counter: whose track it is on.
    pub(super) fn track_number(&self) -> u32 {
        self.first.load(Ordering::Relaxed)
    }

    pub(super) fn of_number(number: u32) -> Option<&'static Self> {
        CALL_SITES.get(number)
    }

    /// `None` when there are too many, or its category turned out to be off.
    #[inline]
    pub(super) fn prepared(&'static self) -> Option<Prepared> {
        // Acquire: with the release of `register`, the template is there.
        let known = self.known.load(Ordering::Acquire);
        if known == 0 {
            return self.register();
        }
        Some(self.prepared_as(known))
    }

    #[inline]
    fn prepared_as(&self, known: u64) -> Prepared {
        let [low, high] = &self.template;
        let words = [low.load(Ordering::Relaxed).to_le_bytes(), high.load(Ordering::Relaxed).to_le_bytes()];
        Prepared { number: known as u32, template: bytemuck::cast(words), len: (known >> 32) as usize }
    }

    /// What a thread does that comes here first. Several may do it at once: each number is the one that was set first, so they
    /// all write the same, and none waits.
    #[cold]
    fn register(&'static self) -> Option<Prepared> {
        let category = self.category.number();
        if !self.category.is_on() {
            return None;
        }
        let number = match self.number.load(Ordering::Relaxed) {
            0 => set_once(&self.number, CALL_SITES.add(self)?),
            number => number,
        };
        let first = set_once(
            &self.first,
            match self.kind {
                // Counters of one name are one track.
                Kind::Counter => self.same_counter().unwrap_or(number),
                _ => KEYS.fetch_add(self.keys.len() as u32, Ordering::Relaxed),
            },
        );
        let mut buffer = [0; 64];
        let written = pftrace_wire::encode(&mut buffer, |mut packet| {
            packet.uint32::<13>(2);
            packet.message::<11>(|event| self.write_constant(event, category, number, first));
        });
        let len = written.map_or(0, |bytes| bytes.len());
        let tag = tag(8, pftrace_wire::WireType::Varint);
        buffer[len] = tag as u8;
        let (words, _) = buffer.split_at(TEMPLATE_LEN);
        for (place, word) in self.template.iter().zip(words.chunks_exact(8)) {
            place.store(u64::from_le_bytes(word.try_into().unwrap_or_default()), Ordering::Relaxed);
        }
        let known = (len as u64 + 1) << 32 | u64::from(number);
        self.known.store(known, Ordering::Release);
        Some(self.prepared_as(known))
    }

    /// The call site that was the first for a counter of that name.
    fn same_counter(&self) -> Option<u32> {
        let same = |other: &Self| other.kind == Kind::Counter && other.name == self.name;
        CALL_SITES.iter().find(|(_, other)| same(other)).map(|(number, _)| number)
    }

    fn write_constant(&self, event: Message<'_>, category: u32, number: u32, first: u32) {
        let mut event = TrackEvent::new(event);
        match self.kind {
            Kind::Slice => event.set_type(Type::TYPE_SLICE_BEGIN),
            Kind::Instant => event.set_type(Type::TYPE_INSTANT),
            Kind::Counter => {
                event.set_type(Type::TYPE_COUNTER).set_track_uuid(counter_track(first));
                return;
            }
        };
        if category != 0 {
            event.add_category_iids(u64::from(category));
        }
        if self.name.is_some() {
            event.set_name_iid(name_iid(number));
        }
    }
}

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

/// The `iid` of a call site's name: the even ones.
pub(super) fn name_iid(number: u32) -> u64 {
    u64::from(number) << 1
}

/// The `iid` of a text given at run time: the odd ones.
pub(super) fn text_iid(number: u32) -> u64 {
    u64::from(number) << 1 | 1
}

/// The track of the counter that a call site of that number describes: different in each process, and short.
pub(super) fn counter_track(number: u32) -> u64 {
    let process = crate::track::process_uuid(std::process::id() as i32) as u32;
    u64::from(process | 1 << 31) << 15 | u64::from(number - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_has_room() {
        static CATEGORY: Category = Category::new("c");
        for kind in [Kind::Slice, Kind::Instant, Kind::Counter] {
            let site = CallSite::new(kind, &CATEGORY, Some("name"), &[]);
            let mut buffer = [0; 64];
            let longest = pftrace_wire::encode(&mut buffer, |mut packet| {
                packet.uint32::<13>(2);
                packet.message::<11>(|event| site.write_constant(event, 8192, MAX_CALL_SITES, MAX_CALL_SITES));
            });
            assert!(longest.unwrap().len() < TEMPLATE_LEN, "{kind:?}");
        }
    }

    #[test]
    fn the_end_of_a_slice_is_what_the_writers_write() {
        let mut buffer = [0; 16];
        let bytes = pftrace_protos::TracePacket::encode(&mut buffer, |packet| {
            packet.set_sequence_flags(2).set_track_event(|event| {
                event.set_type(Type::TYPE_SLICE_END);
            });
        });
        assert_eq!(bytes.unwrap(), &Prepared::END.template[..Prepared::END.len - 1]);
    }
}
