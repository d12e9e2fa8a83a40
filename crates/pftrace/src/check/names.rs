//! The names of events, and how often each was there.

use std::boxed::Box;
use std::string::String;
use std::vec::Vec;

use super::{Map, hash, map};

/// More different names are summed up as others: a name may be different each time.
const MAX_NAMES: usize = 1 << 16;

/// So are those that would make more bytes than this with the others: a name may be as long as a packet.
const MAX_BYTES: usize = 16 << 20;

/// A text, for what it is needed: to be the same as another, and to be counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Text {
    /// Of its bytes; 0 for none.
    pub(super) hash: u64,
    /// Its name's number, when it is one of those that are counted.
    pub(super) name: u32,
}

/// How often a name was there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Name {
    /// The name; empty for events without, and `…` for those beyond the first 65,536 different ones, or 16 MiB of them.
    pub name: String,
    /// Slices and instants of that name.
    pub events: u64,
    /// The time of its slices that have ended, in nanoseconds; what lies within them counts too.
    pub duration_ns: u64,
}

#[derive(Debug)]
pub(super) struct Names {
    numbers: Map<u64, u32>,
    names: Vec<Counted>,
    /// How long they are together.
    bytes: usize,
}

#[derive(Debug)]
struct Counted {
    text: Box<[u8]>,
    events: u64,
    duration_ns: u64,
}

impl Names {
    pub(super) fn new() -> Self {
        let counted = |text: &[u8]| Counted { text: text.into(), events: 0, duration_ns: 0 };
        // 0: events without a name. 1: names that are one too many.
        Self { numbers: map(), names: Vec::from([counted(b""), counted("…".as_bytes())]), bytes: 0 }
    }

    pub(super) fn text(&mut self, text: &[u8]) -> Text {
        let hash = hash(text);
        let Self { numbers, names, bytes } = self;
        let full = names.len() >= MAX_NAMES || *bytes + text.len() > MAX_BYTES;
        let name = match numbers.get(&hash) {
            Some(name) => *name,
            None if full => 1,
            None => {
                *bytes += text.len();
                names.push(Counted { text: text.into(), events: 0, duration_ns: 0 });
                let name = names.len() as u32 - 1;
                numbers.insert(hash, name);
                name
            }
        };
        Text { hash, name }
    }

    #[inline]
    pub(super) fn event(&mut self, name: u32) {
        if let Some(counted) = self.names.get_mut(name as usize) {
            counted.events += 1;
        }
    }

    #[inline]
    pub(super) fn ended(&mut self, name: u32, duration_ns: u64) {
        if let Some(counted) = self.names.get_mut(name as usize) {
            counted.duration_ns = counted.duration_ns.saturating_add(duration_ns);
        }
    }

    /// The most frequent first.
    pub(super) fn top(&self, count: usize) -> Vec<Name> {
        let mut top: Vec<&Counted> = self.names.iter().filter(|counted| counted.events > 0).collect();
        top.sort_by(|a, b| b.events.cmp(&a.events).then_with(|| a.text.cmp(&b.text)));
        let name = |counted: &&Counted| Name {
            name: String::from_utf8_lossy(&counted.text).into_owned(),
            events: counted.events,
            duration_ns: counted.duration_ns,
        };
        top.iter().take(count).map(name).collect()
    }
}
