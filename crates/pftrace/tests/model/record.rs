//! What the packets of a trace say, with all that is relative or abbreviated resolved. The model says it from the calls, the
//! reader from the bytes; both must say the same.

use serde_json::Value;

use crate::program::{Arg, Event, Number};

/// What one packet says.
#[derive(Debug, Clone)]
#[expect(dead_code, reason = "compared as text")]
pub(crate) struct Record {
    pub(crate) sequence: u32,
    /// How many generations of its sequence began before it.
    pub(crate) generation: u32,
    pub(crate) says: Says,
}

#[derive(Debug, Clone)]
#[expect(dead_code, reason = "compared as text")]
pub(crate) enum Says {
    Event(Happened),
    /// A `TrackDescriptor`, as the decoders spell it.
    Descriptor(Value),
    /// The numbers of clocks and what they read.
    Snapshot(Vec<(u32, u64)>),
    /// Anything else, as the decoders spell it.
    Other(Value),
}

/// An event.
#[derive(Debug, Clone)]
pub(crate) struct Happened {
    /// The number of a clock, and what it read.
    pub(crate) at: (u32, u64),
    pub(crate) track: u64,
    pub(crate) kind: Type,
    pub(crate) name: Option<String>,
    pub(crate) event: Event,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Type {
    Begin,
    End,
    Instant,
    Counter(Number),
    State,
}

/// The first difference between what was expected and what was found. They are compared as text: there NaN is NaN, and -0
/// is not 0.
pub(crate) fn compare<T: std::fmt::Debug>(what: &str, expected: &[T], found: &[T]) -> Result<(), String> {
    for i in 0..expected.len().max(found.len()) {
        let text = |side: &[T]| side.get(i).map_or("nothing".to_owned(), |item| format!("{item:?}"));
        let (expected, found) = (text(expected), text(found));
        if expected != found {
            return Err(format!("{what} {i}:\n expected {expected}\n found    {found}"));
        }
    }
    Ok(())
}

/// With only one way to say that a dictionary or array is empty.
pub(crate) fn normalize(arg: &Arg) -> Arg {
    match arg {
        Arg::Dict(entries) if entries.is_empty() => Arg::Empty,
        Arg::Array(elements) if elements.is_empty() => Arg::Empty,
        Arg::Dict(entries) => Arg::Dict(entries.iter().map(|(key, value)| (key.clone(), normalize(value))).collect()),
        Arg::Array(elements) => Arg::Array(elements.iter().map(normalize).collect()),
        other => other.clone(),
    }
}
