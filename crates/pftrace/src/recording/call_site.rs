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
    /// The number, and above it the length of the template; 0 until it is first met.
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
        Self { category, kind, name, keys, known: AtomicU64::new(0), template, first: AtomicU32::new(0) }
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

    /// What a thread does that comes here first. Two may do it at once: then the second number is used by nobody.
    #[cold]
    fn register(&'static self) -> Option<Prepared> {
        let category = self.category.number();
        if !self.category.is_on() {
            return None;
        }
        let same_counter = |(_, other): &(u32, &Self)| {
            self.kind == Kind::Counter && other.kind == Kind::Counter && other.name == self.name
        };
        // Counters of one name are one track.
        let same = CALL_SITES.iter().find(same_counter).map(|(number, _)| number);
        let number = CALL_SITES.add(self)?;
        let first = match self.kind {
            Kind::Counter => same.unwrap_or(number),
            _ => KEYS.fetch_add(self.keys.len() as u32, Ordering::Relaxed),
        };
        let mut buffer = [0; 64];
        let written = pftrace_wire::encode(&mut buffer, |mut packet| {
            packet.uint32::<13>(2);
            packet.message::<11>(|event| {
                self.write_constant(event, category, if same.is_some() { first } else { number })
            });
        });
        let len = written.map_or(0, |bytes| bytes.len());
        let tag = tag(8, pftrace_wire::WireType::Varint);
        buffer[len] = tag as u8;
        let (words, _) = buffer.split_at(TEMPLATE_LEN);
        for (place, word) in self.template.iter().zip(words.chunks_exact(8)) {
            place.store(u64::from_le_bytes(word.try_into().unwrap_or_default()), Ordering::Relaxed);
        }
        self.first.store(first, Ordering::Relaxed);
        let known = (len as u64 + 1) << 32 | u64::from(number);
        self.known.store(known, Ordering::Release);
        Some(self.prepared_as(known))
    }

    fn write_constant(&self, event: Message<'_>, category: u32, number: u32) {
        let mut event = TrackEvent::new(event);
        match self.kind {
            Kind::Slice => event.set_type(Type::TYPE_SLICE_BEGIN),
            Kind::Instant => event.set_type(Type::TYPE_INSTANT),
            Kind::Counter => {
                event.set_type(Type::TYPE_COUNTER).set_track_uuid(counter_track(number));
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
                packet.message::<11>(|event| site.write_constant(event, 8192, MAX_CALL_SITES));
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
