//! What is in a trace, in numbers.

use std::vec::Vec;

use super::finding::{Kind, Severity};
use super::names::Name;

/// What a trace holds, and how many findings there were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Bytes that were read.
    pub bytes: u64,
    /// Packets, those of compressed bundles too.
    pub packets: u64,
    /// Sequences that wrote them.
    pub sequences: u64,
    /// Processes that are described.
    pub processes: u64,
    /// Threads that are described.
    pub threads: u64,
    /// Tracks that are described, threads and processes too.
    pub tracks: u64,
    /// Track events, by their type.
    pub events: Events,
    /// The earliest and the latest time of an event, in nanoseconds of the trace's clock, that of the service's machine; `None` without events.
    pub span_ns: Option<(i64, i64)>,
    /// What the trace says was lost.
    pub loss: Losses,
    /// The most frequent names of slices and instants, most frequent first.
    pub top_names: Vec<Name>,
    /// How many findings there were of each kind that was found, in the order of [`Kind::ALL`].
    pub findings: Vec<(Kind, u64)>,
}

impl Summary {
    /// How many mistakes there are.
    #[must_use]
    pub fn errors(&self) -> u64 {
        self.of(Severity::Error)
    }

    /// How many notes there are.
    #[must_use]
    pub fn notes(&self) -> u64 {
        self.of(Severity::Note)
    }

    /// Whether nothing but notes was found.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.errors() == 0
    }

    fn of(&self, severity: Severity) -> u64 {
        self.findings.iter().filter(|(kind, _)| kind.severity() == severity).map(|(_, count)| count).sum()
    }
}

/// How many track events there are of each type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Events {
    /// `TYPE_SLICE_BEGIN`.
    pub begins: u64,
    /// `TYPE_SLICE_END`.
    pub ends: u64,
    /// `TYPE_INSTANT`.
    pub instants: u64,
    /// `TYPE_COUNTER`.
    pub counters: u64,
    /// `TYPE_STATE`.
    pub states: u64,
    /// Of the JSON format, and without a type.
    pub others: u64,
}

impl Events {
    /// All together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.begins + self.ends + self.instants + self.counters + self.states + self.others
    }
}

/// What a trace says was lost. Each is counted by another, and in another way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Losses {
    /// Places where a sequence says that packets before are missing.
    pub gaps: u64,
    /// Packets that writers did not get rid of: `TraceStats.buffer_stats.trace_writer_packet_loss`.
    pub packets: u64,
    /// Chunks that were overwritten or discarded: `TraceStats.buffer_stats`.
    pub chunks: u64,
}
