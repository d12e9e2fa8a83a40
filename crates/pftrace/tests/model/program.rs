//! Random programs: what is called on a writer, in words that do not depend on what came before, so that any part of a
//! program is a program too.

use std::fmt;

use pftrace::Clock;

/// A program of calls on a writer.
#[derive(Clone)]
pub(crate) struct Program {
    pub(crate) settings: Settings,
    pub(crate) ops: Vec<Op>,
}

/// What the builder is told.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) clock: Clock,
    /// The other clocks, which each snapshot names. Always the same ones: between snapshots of different sets the trace
    /// processor chooses by a hash.
    pub(crate) related: Vec<Clock>,
    pub(crate) intern_bytes: Option<usize>,
    pub(crate) max_packet_len: Option<usize>,
    pub(crate) first_track_uuid: Option<u64>,
}

/// Which one of those there are: counted around.
pub(crate) type Pick = usize;

/// A call, or a few.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    AddSequence,
    Process(Process),
    Thread {
        process: Pick,
        thread: Thread,
    },
    /// Describes a process or thread once more, in the same words.
    Redescribe(Pick),
    Track {
        described: Described,
        parent: Option<Pick>,
        kind: Kind,
    },
    /// As many tracks, each the child of the one before.
    NestTracks(usize),
    Begin {
        track: Pick,
        at: When,
        name: String,
        event: Event,
    },
    End {
        track: Pick,
        at: When,
        event: Event,
    },
    Instant {
        track: Pick,
        at: When,
        name: String,
        event: Event,
    },
    /// Begins as many slices on a track, and ends as many.
    NestSlices {
        track: Pick,
        begins: usize,
        ends: usize,
    },
    Counter {
        track: Pick,
        at: When,
        value: Number,
    },
    State {
        track: Pick,
        at: When,
        state: Option<String>,
    },
    Clear,
    Snapshot(Snapshot),
    /// `packet` with something that no method writes.
    Packet(u64),
    /// `packet_at` with an instant on a track that nothing describes.
    RawInstant {
        uuid: u64,
        at: When,
        name: Option<String>,
    },
    /// A call with a track, parent or sequence of another writer.
    Foreign(Foreign),
}

#[derive(Debug, Clone)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    pub(crate) name: Option<String>,
    pub(crate) cmdline: Vec<String>,
    pub(crate) labels: Vec<String>,
    pub(crate) start_ns: Option<i64>,
    pub(crate) described: Described,
}

#[derive(Debug, Clone)]
pub(crate) struct Thread {
    pub(crate) tid: i64,
    pub(crate) name: Option<String>,
    pub(crate) described: Described,
}

/// What can be said of every track.
#[derive(Debug, Clone, Default)]
pub(crate) struct Described {
    /// Of a process or thread it is not used.
    pub(crate) name: String,
    /// Of the sequences added; `None`: the main one.
    pub(crate) sequence: Option<Pick>,
    pub(crate) own_uuid: bool,
    pub(crate) description: Option<String>,
    pub(crate) ordering: Option<pftrace::ChildOrdering>,
    pub(crate) rank: Option<i32>,
    pub(crate) merge: Option<Merge>,
}

#[derive(Debug, Clone)]
pub(crate) enum Merge {
    ByName,
    Never,
    ByKey(String),
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Slices,
    Counter { unit: Option<Unit>, multiplier: Option<i64>, share_key: Option<String> },
    State,
}

#[derive(Debug, Clone)]
pub(crate) enum Unit {
    TimeNs,
    Count,
    SizeBytes,
    Named(String),
}

/// The time of a call.
#[derive(Debug, Clone, Copy)]
pub(crate) enum When {
    /// As much after the latest one in the program, which it becomes.
    After(u64),
    /// As much before the latest one in the program, but not below 0.
    Before(u64),
    /// As `After`, with the trace's clock named.
    Named(u64),
    /// As much below `i64::MAX`, or above it when negative.
    Huge(i64),
    /// Of another clock: as much after its last snapshot.
    Other {
        clock: Pick,
        after: i64,
    },
    Zero,
}

/// What the closure says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Event {
    pub(crate) categories: Vec<String>,
    pub(crate) args: Vec<(String, Arg)>,
    pub(crate) flows: Vec<u64>,
    pub(crate) terminating_flows: Vec<u64>,
    pub(crate) correlation_id: Option<u64>,
    pub(crate) location: Option<(String, String, u32)>,
}

impl Event {
    /// How deep its dictionaries and arrays are nested.
    pub(crate) fn depth(&self) -> u32 {
        self.args.iter().map(|(_, arg)| arg.depth()).max().unwrap_or(0)
    }
}

/// An annotation.
#[derive(Debug, Clone)]
pub(crate) enum Arg {
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Pointer(u64),
    Text(String),
    Dict(Vec<(String, Arg)>),
    Array(Vec<Arg>),
    /// A dictionary or array with nothing in it: which of the two is not written.
    Empty,
}

impl Arg {
    fn depth(&self) -> u32 {
        match self {
            Self::Dict(entries) => 1 + entries.iter().map(|(_, arg)| arg.depth()).max().unwrap_or(0),
            Self::Array(elements) => 1 + elements.iter().map(Self::depth).max().unwrap_or(0),
            _ => 0,
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Number {
    Int(i64),
    Double(f64),
}

#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    /// How far the trace's clock and the others have come since the last.
    pub(crate) own_after: u64,
    pub(crate) others_after: u64,
    pub(crate) fault: Option<SnapshotFault>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum SnapshotFault {
    WithoutOwn,
    OwnTwice,
    OwnGoesBack,
    OutOfRange,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Foreign {
    Begin,
    Instant,
    Counter,
    State,
    Parent,
    Sequence,
}

/// One line for each call.
impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:?}", self.settings)?;
        self.ops.iter().try_for_each(|op| writeln!(f, "    {op:?}"))
    }
}
