//! What is found, and where.

use core::fmt;
use std::string::{String, ToString};
use std::vec::Vec;

/// A mistake in a trace, or something that is worth knowing about it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The number of the packet, from 0, in the order of the file. Packets of a compressed bundle count after the bundle.
    pub packet: u64,
    /// Where the packet begins, in bytes from the begin of the file; of a packet of a compressed bundle, where the bundle begins.
    pub offset: u64,
    /// The packet's `trusted_packet_sequence_id`, when it has one.
    pub sequence: Option<u32>,
    /// The packet's `machine_id`, when it is of another machine than the service's.
    pub machine: Option<u32>,
    /// What kind of a mistake it is.
    pub kind: Kind,
    /// What was expected and what was found, in one line.
    pub message: String,
}

impl Finding {
    /// How bad it is: [`Kind::severity`].
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.kind.severity()
    }
}

/// `error[iid-undefined]: packet 7 at byte 120, sequence 1: …`
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { packet, offset, sequence, machine, kind, message } = self;
        write!(f, "{}[{kind}]: packet {packet} at byte {offset}", kind.severity())?;
        if let Some(machine) = machine {
            write!(f, ", machine {machine}")?;
        }
        if let Some(sequence) = sequence {
            write!(f, ", sequence {sequence}")?;
        }
        write!(f, ": {message}")
    }
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// The trace is sound. This is good to know all the same.
    Note,
    /// Something is not shown, or is shown as something else than what was written.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Error => "error",
        })
    }
}

/// A row per kind: the variant, its name, its severity, whether it can come of what was not read before, and what it is.
macro_rules! kinds {
    ($($kind:ident $name:literal $severity:ident $($doubtful:ident)?, $doc:literal;)*) => {
        /// What kind of a mistake. `Display` and [`name`](Self::name) are the word that the command prints: `iid-undefined`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Kind {
            $(#[doc = $doc] $kind,)*
        }

        impl Kind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// Its word.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// How bad it is.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Self::$kind => Severity::$severity,)* }
            }

            /// What it is, in a sentence.
            #[must_use]
            pub fn description(self) -> &'static str {
                match self { $(Self::$kind => $doc,)* }
            }

            /// Whether it may be no mistake if something before it could not be read.
            fn needs_all_before(self) -> bool {
                match self { $(Self::$kind => false $(|| stringify!($doubtful) == "before")?,)* }
            }
        }
    };
}

kinds! {
    Cut "cut" Error, "The file ends inside a packet. Perfetto ignores that packet in silence.";
    Framing "framing" Error, "Where a packet is to begin is something else. Perfetto loads nothing of such a file.";
    PacketMalformed "packet-malformed" Error, "The fields of a packet do not come to its end. Perfetto loads nothing of such a file.";
    MessageMalformed "message-malformed" Error, "The fields of a message in a packet do not come to its end. Perfetto reads up to there.";
    Resumed "resumed" Note, "After something unreadable, packets were found again.";
    Bundle "bundle" Error, "Compressed packets that can't be decompressed, or are no packets.";
    NotRead "not-read" Note, "Something that is not checked here: packets compressed with zstd, without the feature `zstd`, and those of more than 1,024 machines.";
    WireType "wire-type" Error, "A field is encoded in another way than its type demands: packed, say, where it must not be. Perfetto ignores it or reads another number.";
    UnknownField "unknown-field" Note, "A field that Perfetto's schema does not have. A newer one may; in another, nothing of it is shown. Told once per field.";
    UnknownExtension "unknown-extension" Error before, "A field of an extension that no `ExtensionDescriptor` in the trace describes. Nothing of it is shown.";
    ExtensionType "extension-type" Error before, "A description of extensions with a message or enum that none so far describes: the file that has it is missing. Perfetto loads nothing of such a trace.";
    NoSequence "no-sequence" Error, "A packet that needs a sequence says none.";
    StateNotCleared "state-not-cleared" Error before, "A packet needs incremental state, and none has begun, or it was lost. Perfetto skips it.";
    InternedIgnored "interned-ignored" Error before, "Interned data where no incremental state has begun. Perfetto ignores it.";
    IidMissing "iid-missing" Error, "An entry of interned data without a number, or a name of events or annotations with 0, which stands for none; a source location without a number, or with 0.";
    TextMissing "text-missing" Note, "An entry of interned names, categories or log messages without a text. What refers to it has none.";
    CallstackEmpty "callstack-empty" Error, "A callstack without frames. Perfetto drops it.";
    IidRedefined "iid-redefined" Error, "A number stands for something else than before in the same generation. Perfetto keeps the first, in silence.";
    IidUndefined "iid-undefined" Error before, "A number that nothing before it defines in this generation of the sequence.";
    ClockUnknown "clock-unknown" Error before, "A timestamp of a clock that no snapshot relates to the trace's, or that has gone back from one snapshot to the next. Perfetto drops the packet.";
    ClockLate "clock-late" Note before, "A timestamp of a clock that is related to the trace's only later in the file. Old versions drop the packet.";
    ClockSnapshot "clock-snapshot" Error, "A snapshot that contradicts itself or one before.";
    ClockBack "clock-back" Note, "A clock goes back from one snapshot to the next; the trace's own only between snapshots of different clocks.";
    BesideSnapshot "beside-snapshot" Error, "An event or a track in the same packet as a clock snapshot, an event of the service, clocks of another machine or the description of extensions. Perfetto reads these only.";
    BesideBundle "beside-bundle" Error, "Something else in the same packet as compressed packets. Perfetto reads those only.";
    BesideEvent "beside-event" Error, "A track's or thread's description in the same packet as an event. Perfetto reads the event only.";
    FieldTwice "field-twice" Error, "A field twice in a packet or event that has it once, or two of which it has one (`name` and `name_iid`). Perfetto reads one.";
    NoTimestamp "no-timestamp" Error, "An event without a time.";
    DeltaNoThread "delta-no-thread" Error before, "A time as a difference (`timestamp_delta_us` and its like) on a sequence without a ThreadDescriptor since its state began. Perfetto drops the event.";
    MonotonicLate "monotonic-late" Error before, "Times of events themselves (`timestamp_delta_us` and its like), which are of CLOCK_MONOTONIC, before a snapshot relates it to the trace's clock. Perfetto takes them for the trace's time.";
    NegativeTimestamp "negative-timestamp" Error, "A time below 0 or above `i64::MAX`.";
    TimeBack "time-back" Note, "An event is before the one before it on its sequence. That is legal: events are sorted. What it does to slices is told by itself.";
    TrackNoUuid "track-no-uuid" Error, "A track's description without a number.";
    ThreadNoId "thread-no-id" Error, "A thread's description without pid and tid.";
    ProcessNoId "process-no-id" Error, "A process's description without pid.";
    PidRange "pid-range" Error, "A process's number that does not fit: below 0, or of more than 32 bits. Perfetto shows another.";
    TidLong "tid-long" Note, "A thread's number of more than 32 bits. Old versions show another.";
    RootWithParent "root-with-parent" Error, "The track 0, the root of all, has a parent.";
    ChildOrdering "child-ordering" Error, "An order of child tracks that there is not.";
    TrackConflict "track-conflict" Error, "A track is described again as something else.";
    Renamed "renamed" Note, "A track, thread or process is described again with another name. Perfetto shows one of them for the whole trace.";
    ThreadName "thread-name" Error, "The name of a thread's track, without one in its ThreadDescriptor. Perfetto shows the latter.";
    ParentUndescribed "parent-undescribed" Error before, "A track's parent is described nowhere in the file.";
    ParentLoop "parent-loop" Error, "A track is its own ancestor.";
    TracksTooDeep "tracks-too-deep" Error, "A track with more ancestors than Perfetto follows.";
    TrackUndescribed "track-undescribed" Error before, "Events on a track that nothing in the file describes. It has no name, thread or process. Told once per track.";
    ReservedId "reserved-id" Note, "A process or thread of number 0, which is the kernel's.";
    ThreadChanged "thread-changed" Error, "A sequence says another thread in the same generation. Perfetto shows events without a track on the last one, those before too.";
    ThreadTwice "thread-twice" Note, "Two tracks for one thread: read as two threads that had the number one after the other.";
    ProcessTwice "process-twice" Note, "Two tracks for one process: read as two processes that had the number one after the other.";
    EventNoType "event-no-type" Error, "An event without a type, or of one that there is not.";
    CounterNoTrack "counter-no-track" Error, "The value of a counter without a track.";
    CounterNan "counter-nan" Error, "The value of a counter that is not a number. Perfetto shows NULL, and of a counter of differences no other from then on.";
    CounterNoValue "counter-no-value" Error, "A counter event without a value.";
    ValueNoCounter "value-no-counter" Error, "The value of a counter in an event of another type. Perfetto ignores it.";
    NotACounter "not-a-counter" Error before, "The value of a counter on a track that is none.";
    CounterLate "counter-late" Error before, "The value of a counter before the description of its track. Perfetto drops it, with the event that has it. Told once per track.";
    CounterShared "counter-shared" Error, "Several sequences write on a counter of differences. Perfetto adds up those of each by itself. Told once per track.";
    ExtraCounters "extra-counters" Error, "Extra counter values without a track for each, or more than eight, whole numbers and others together.";
    StateNoTrack "state-no-track" Error, "A state without a track.";
    LogOffThread "log-off-thread" Error before, "A log message on a track that is no thread's.";
    LogNoBody "log-no-body" Error, "A log message without a text. Perfetto drops it.";
    AnnotationNoName "annotation-no-name" Error, "An annotation, or an entry of a dictionary in one, without a name. Perfetto drops the annotation.";
    AnnotationNoValue "annotation-no-value" Note, "An annotation, or a part of one, without a value, or an empty dictionary or array. Perfetto shows nothing of it.";
    AnnotationValues "annotation-values" Error, "An annotation, or a part of one, with several values, of which Perfetto shows one; or with a message that does not say its type (`.package.Type`), which it drops.";
    AnnotationTwice "annotation-twice" Note, "Two annotations of an event, or entries of a dictionary, of one name. Perfetto shows the last only.";
    AnnotationJson "annotation-json" Error, "JSON in an annotation that is none, or none that Perfetto reads: a number alone, half of a character (`\\ud83d`). It shows what comes before; of `null` alone, or nothing at all, it crashes.";
    FlowNoSlice "flow-no-slice" Error, "Flows of the value of a counter, or of a state. Perfetto ignores them.";
    FlowOld "flow-old" Note, "Flows in the fields of old, as varints.";
    EndsNothing "ends-nothing" Error before, "A slice ends where none is open. Perfetto ignores it in silence.";
    SlicesOverlap "slices-overlap" Error before, "Slices of one track overlap without one lying in the other. Perfetto ends the wrong one.";
    SlicesTooDeep "slices-too-deep" Error, "More slices are open on a track than Perfetto shows.";
    NeverEnded "never-ended" Note before, "Slices that do not end. They are shown up to the end of the trace.";
    SlicesNotMatched "slices-not-matched" Note, "Slices of a track that are not matched here: of the JSON format, of a time that is unknown, or too far from their place.";
    Loss "loss" Note, "The trace says that packets were lost, or that the service failed at what may lose some.";
    Config "config" Error, "The trace's TraceConfig asks for what loses data: a file beside buffers that discard, or without flushes.";
    Legacy "legacy" Note, "Events of the JSON format: whether their slices match is not checked.";
    LegacyMisuse "legacy-misuse" Error, "An event of the JSON format without what its phase needs. Perfetto drops it, or its flow.";
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) packet: u64,
    pub(super) offset: u64,
    /// 0: none.
    pub(super) sequence: u32,
    /// 0: the service's.
    pub(super) machine: u32,
}

/// How many of each kind were found.
#[derive(Clone, Debug)]
pub(super) struct Ledger {
    pub(super) counts: [u64; Kind::ALL.len()],
    /// Something could not be read: what depends on it is not judged any more.
    pub(super) doubtful: bool,
    /// Unknown fields that were told of, with their messages.
    unknown: Vec<(&'static str, u32)>,
}

/// As many different unknown fields are told of.
const MAX_UNKNOWN: usize = 64;

impl Ledger {
    /// Whether a field is told of for the first time.
    pub(super) fn first_of(&mut self, message: &'static str, field: u32) -> bool {
        let is_first = self.unknown.len() < MAX_UNKNOWN && !self.unknown.contains(&(message, field));
        if is_first {
            self.unknown.push((message, field));
        }
        is_first
    }
}

impl Default for Ledger {
    fn default() -> Self {
        Self { counts: [0; Kind::ALL.len()], doubtful: false, unknown: Vec::new() }
    }
}

/// Where findings go.
pub(super) struct Report<'f> {
    pub(super) ledger: &'f mut Ledger,
    pub(super) found: &'f mut dyn FnMut(Finding),
    /// The packet being read.
    pub(super) place: Place,
}

impl Report<'_> {
    #[cold]
    pub(super) fn say(&mut self, kind: Kind, message: fmt::Arguments<'_>) {
        self.say_at(self.place, kind, message);
    }

    #[cold]
    pub(super) fn say_at(&mut self, place: Place, kind: Kind, message: fmt::Arguments<'_>) {
        if self.ledger.doubtful && kind.needs_all_before() {
            return;
        }
        self.ledger.counts[kind as usize] += 1;
        let Place { packet, offset, sequence, machine } = place;
        let [sequence, machine] = [sequence, machine].map(|number| (number != 0).then_some(number));
        (self.found)(Finding { packet, offset, sequence, machine, kind, message: message.to_string() });
    }

    /// From here on something is missing.
    pub(super) fn doubt(&mut self) {
        self.ledger.doubtful = true;
    }
}
