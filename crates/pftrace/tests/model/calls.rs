//! The calls of a program on a writer, and the descriptors that they ask for as the decoders spell them.

use pftrace::protos::track_event;
use pftrace::{
    Array, BufferSink, ChildOrdering, Clock, CounterTrack, CounterValue, Dict, Error, ProcessTrack, SequenceId,
    SiblingMerge, StateTrack, Timestamp, TraceWriter, Track, Value as Scalar,
};
use serde_json::{Value, json};

use crate::program::*;
use crate::run::Writer;

/// A clock, if one is named, and its time.
pub(crate) type At = (Option<Clock>, u64);

fn timestamp((clock, ns): At) -> Timestamp {
    clock.map_or(ns.into(), |clock| clock.at(ns))
}

pub(crate) fn build(settings: &Settings) -> Writer {
    let mut builder = TraceWriter::<BufferSink<'_>>::builder().clock(settings.clock);
    if let Some(bytes) = settings.intern_bytes {
        builder = builder.intern_bytes(bytes);
    }
    if let Some(bytes) = settings.max_packet_len {
        builder = builder.max_packet_len(bytes);
    }
    if let Some(uuid) = settings.first_track_uuid {
        builder = builder.first_track_uuid(uuid);
    }
    builder.build(Vec::new())
}

/// A track that slices can be put on.
#[derive(Debug)]
pub(crate) enum Slices {
    Process(ProcessTrack),
    Track(Track),
}

impl Slices {
    pub(crate) fn open_slices(&self) -> u32 {
        self.as_ref().open_slices()
    }
}

impl AsRef<Track> for Slices {
    fn as_ref(&self) -> &Track {
        match self {
            Self::Process(process) => process.as_ref(),
            Self::Track(track) => track,
        }
    }
}

impl AsMut<Track> for Slices {
    fn as_mut(&mut self) -> &mut Track {
        match self {
            Self::Process(process) => process.as_mut(),
            Self::Track(track) => track,
        }
    }
}

#[derive(Debug)]
pub(crate) enum Handle {
    Slices(Slices),
    Counter(CounterTrack),
    State(StateTrack),
}

impl Handle {
    pub(crate) fn uuid(&self) -> u64 {
        match self {
            Self::Slices(slices) => slices.as_ref().uuid(),
            Self::Counter(counter) => counter.uuid(),
            Self::State(state) => state.uuid(),
        }
    }
}

// ---------------------------------------------------------------------- tracks

/// Says what can be said of all kinds of tracks.
macro_rules! describe {
    ($builder:expr, $described:expr, $sequence:expr) => {{
        let (mut builder, described) = ($builder, $described);
        if let Some(sequence) = $sequence {
            builder = builder.sequence(sequence);
        }
        if let Some(description) = &described.description {
            builder = builder.description(description);
        }
        if let Some(ordering) = described.ordering {
            builder = builder.child_ordering(ordering);
        }
        if let Some(rank) = described.rank {
            builder = builder.sibling_order_rank(rank);
        }
        if let Some(merge) = &described.merge {
            builder = builder.sibling_merge(match merge {
                Merge::ByName => SiblingMerge::ByName,
                Merge::Never => SiblingMerge::Never,
                Merge::ByKey(key) => SiblingMerge::ByKey(key),
            });
        }
        builder
    }};
}

pub(crate) fn process(
    trace: &mut Writer,
    process: &Process,
    sequence: Option<SequenceId>,
) -> Result<ProcessTrack, Error> {
    let (cmdline, labels) = (texts(&process.cmdline), texts(&process.labels));
    let mut builder = trace.process_track(process.pid).cmdline(&cmdline).labels(&labels);
    if let Some(name) = &process.name {
        builder = builder.name(name);
    }
    if let Some(ns) = process.start_ns {
        builder = builder.start_timestamp_ns(ns);
    }
    describe!(builder, &process.described, sequence).describe()
}

fn texts(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

pub(crate) fn thread(
    trace: &mut Writer,
    process: &ProcessTrack,
    thread: &Thread,
    sequence: Option<SequenceId>,
) -> Result<Track, Error> {
    let mut builder = trace.thread_track(process, thread.tid);
    if let Some(name) = &thread.name {
        builder = builder.name(name);
    }
    describe!(builder, &thread.described, sequence).describe()
}

pub(crate) fn track(
    trace: &mut Writer,
    described: &Described,
    kind: &Kind,
    parent: Option<&Slices>,
    sequence: Option<SequenceId>,
    uuid: Option<u64>,
) -> Result<Handle, Error> {
    macro_rules! finish {
        ($builder:expr, $handle:expr) => {{
            let mut builder = describe!($builder, described, sequence);
            if let Some(parent) = parent {
                builder = builder.parent(parent);
            }
            if let Some(uuid) = uuid {
                builder = builder.uuid(uuid);
            }
            builder.describe().map($handle)
        }};
    }
    match kind {
        Kind::Slices => finish!(trace.track(&described.name), |track| Handle::Slices(Slices::Track(track))),
        Kind::State => finish!(trace.state_track(&described.name), Handle::State),
        Kind::Counter { unit, multiplier, share_key } => {
            let mut builder = trace.counter_track(&described.name);
            if let Some(unit) = unit {
                builder = builder.unit(match unit {
                    Unit::TimeNs => pftrace::Unit::TimeNs,
                    Unit::Count => pftrace::Unit::Count,
                    Unit::SizeBytes => pftrace::Unit::SizeBytes,
                    Unit::Named(name) => pftrace::Unit::Named(name),
                });
            }
            if let Some(multiplier) = multiplier {
                builder = builder.unit_multiplier(*multiplier);
            }
            if let Some(key) = share_key {
                builder = builder.y_axis_share_key(key);
            }
            finish!(builder, Handle::Counter)
        }
    }
}

// ----------------------------------------------------------------- descriptors

/// The fields that are there. The decoders spell numbers of 64 bits as texts.
fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn descriptor(uuid: u64, described: &Described, more: Value) -> Value {
    let mut json = object([
        ("uuid", Some(json!(uuid.to_string()))),
        ("description", described.description.as_ref().map(|text| json!(text))),
        (
            "child_ordering",
            described.ordering.map(|ordering| match ordering {
                ChildOrdering::Lexicographic => json!("LEXICOGRAPHIC"),
                ChildOrdering::Chronological => json!("CHRONOLOGICAL"),
                _ => json!("EXPLICIT"),
            }),
        ),
        ("sibling_order_rank", described.rank.map(|rank| json!(rank))),
        (
            "sibling_merge_behavior",
            described.merge.as_ref().map(|merge| match merge {
                Merge::ByName => json!("SIBLING_MERGE_BEHAVIOR_BY_TRACK_NAME"),
                Merge::Never => json!("SIBLING_MERGE_BEHAVIOR_NONE"),
                Merge::ByKey(_) => json!("SIBLING_MERGE_BEHAVIOR_BY_SIBLING_MERGE_KEY"),
            }),
        ),
        (
            "sibling_merge_key",
            described
                .merge
                .as_ref()
                .and_then(|merge| if let Merge::ByKey(key) = merge { Some(json!(key)) } else { None }),
        ),
    ]);
    let (Value::Object(fields), Value::Object(more)) = (&mut json, more) else { return json };
    fields.extend(more);
    json
}

pub(crate) fn process_json(process: &Process, uuid: u64) -> Value {
    let list = |texts: &[String]| (!texts.is_empty()).then(|| json!(texts));
    let fields = object([
        ("pid", Some(json!(process.pid))),
        ("process_name", process.name.as_ref().map(|name| json!(name))),
        ("cmdline", list(&process.cmdline)),
        ("process_labels", list(&process.labels)),
        ("start_timestamp_ns", process.start_ns.map(|ns| json!(ns.to_string()))),
    ]);
    descriptor(uuid, &process.described, json!({ "process": fields }))
}

pub(crate) fn thread_json(pid: i32, thread: &Thread, uuid: u64) -> Value {
    let fields = object([
        ("pid", Some(json!(pid))),
        ("tid", Some(json!(thread.tid.to_string()))),
        ("thread_name", thread.name.as_ref().map(|name| json!(name))),
    ]);
    descriptor(uuid, &thread.described, json!({ "thread": fields }))
}

pub(crate) fn track_json(described: &Described, kind: &Kind, parent: Option<u64>, uuid: u64) -> Value {
    let counter = match kind {
        Kind::Counter { unit, multiplier, share_key } => Some(object([
            (
                "unit",
                unit.as_ref().and_then(|unit| match unit {
                    Unit::TimeNs => Some(json!("UNIT_TIME_NS")),
                    Unit::Count => Some(json!("UNIT_COUNT")),
                    Unit::SizeBytes => Some(json!("UNIT_SIZE_BYTES")),
                    Unit::Named(_) => None,
                }),
            ),
            (
                "unit_name",
                unit.as_ref().and_then(|unit| if let Unit::Named(name) = unit { Some(json!(name)) } else { None }),
            ),
            ("unit_multiplier", multiplier.map(|multiplier| json!(multiplier.to_string()))),
            ("y_axis_share_key", share_key.as_ref().map(|key| json!(key))),
        ])),
        _ => None,
    };
    let more = object([
        ("name", Some(json!(described.name))),
        ("parent_uuid", parent.map(|uuid| json!(uuid.to_string()))),
        ("counter", counter),
        ("state", matches!(kind, Kind::State).then(|| json!({}))),
    ]);
    descriptor(uuid, described, more)
}

// ---------------------------------------------------------------------- events

pub(crate) fn begin(trace: &mut Writer, track: &mut Slices, at: At, name: &str, event: &Event) -> Result<(), Error> {
    match is_plain(event) {
        true => trace.begin(track, timestamp(at), name),
        false => trace.begin_with(track, timestamp(at), name, |writer| say(writer, event)),
    }
}

pub(crate) fn end(trace: &mut Writer, track: &mut Slices, at: At, event: &Event) -> Result<(), Error> {
    match is_plain(event) {
        true => trace.end(track, timestamp(at)),
        false => trace.end_with(track, timestamp(at), |writer| say(writer, event)),
    }
}

pub(crate) fn instant(trace: &mut Writer, track: &Slices, at: At, name: &str, event: &Event) -> Result<(), Error> {
    match is_plain(event) {
        true => trace.instant(track, timestamp(at), name),
        false => trace.instant_with(track, timestamp(at), name, |writer| say(writer, event)),
    }
}

fn is_plain(event: &Event) -> bool {
    let Event { categories, args, flows, terminating_flows, correlation_id, location } = event;
    let said = categories.len() + args.len() + flows.len() + terminating_flows.len();
    said == 0 && correlation_id.is_none() && location.is_none()
}

fn say(writer: &mut pftrace::Event<'_>, event: &Event) {
    // Mixed, so that the fields come in another order than their numbers.
    event.flows.iter().for_each(|id| _ = writer.flow(*id));
    for (name, arg) in &event.args {
        match arg {
            Arg::Dict(entries) => writer.dict(name, |dict| fill_dict(dict, entries)),
            Arg::Array(elements) => writer.array(name, |array| fill_array(array, elements)),
            scalar => writer.arg(name, value(scalar)),
        };
    }
    event.categories.iter().for_each(|category| _ = writer.category(category));
    if let Some((file, function, line)) = &event.location {
        writer.source_location(file, function, *line);
    }
    event.terminating_flows.iter().for_each(|id| _ = writer.terminating_flow(*id));
    if let Some(id) = event.correlation_id {
        writer.correlation_id(id);
    }
}

fn fill_dict(dict: &mut Dict<'_>, entries: &[(String, Arg)]) {
    for (name, arg) in entries {
        match arg {
            Arg::Dict(entries) => dict.dict(name, |dict| fill_dict(dict, entries)),
            Arg::Array(elements) => dict.array(name, |array| fill_array(array, elements)),
            scalar => dict.arg(name, value(scalar)),
        };
    }
}

fn fill_array(array: &mut Array<'_>, elements: &[Arg]) {
    for arg in elements {
        match arg {
            Arg::Dict(entries) => array.dict(|dict| fill_dict(dict, entries)),
            Arg::Array(elements) => array.array(|array| fill_array(array, elements)),
            scalar => array.push(value(scalar)),
        };
    }
}

fn value(arg: &Arg) -> Scalar<'_> {
    match arg {
        Arg::Bool(value) => Scalar::from(*value),
        Arg::Int(value) => Scalar::from(*value),
        Arg::Uint(value) => Scalar::from(*value),
        Arg::Double(value) => Scalar::from(*value),
        Arg::Pointer(value) => Scalar::Pointer(*value),
        Arg::Text(text) => Scalar::from(text),
        Arg::Dict(_) | Arg::Array(_) | Arg::Empty => unreachable!("not a scalar"),
    }
}

pub(crate) fn counter(trace: &mut Writer, track: &CounterTrack, at: At, value: Number) -> Result<(), Error> {
    let value = match value {
        Number::Int(value) => CounterValue::from(value),
        Number::Double(value) => CounterValue::from(value),
    };
    trace.counter(track, timestamp(at), value)
}

pub(crate) fn state(trace: &mut Writer, track: &StateTrack, at: At, state: Option<&str>) -> Result<(), Error> {
    match state {
        Some(state) => trace.state(track, timestamp(at), state),
        None => trace.idle(track, timestamp(at)),
    }
}

// ------------------------------------------------------------------ the others

pub(crate) fn trace_uuid(trace: &mut Writer, number: u64) -> Result<(), Error> {
    trace.packet(|packet| {
        packet.set_trace_uuid(|uuid| {
            uuid.set_msb(7).set_lsb(number as i64);
        });
    })
}

pub(crate) fn trace_uuid_json(number: u64) -> Value {
    json!({ "trace_uuid": { "msb": "7", "lsb": (number as i64).to_string() } })
}

pub(crate) fn raw_instant(trace: &mut Writer, at: At, uuid: u64, name: Option<&str>) -> Result<(), Error> {
    trace.packet_at(timestamp(at), |packet| {
        packet.set_track_event(|event| {
            event.set_type(track_event::Type::TYPE_INSTANT).set_track_uuid(uuid);
            if let Some(name) = name {
                event.set_name(name);
            }
        });
    })
}

pub(crate) fn foreign(trace: &mut Writer, other: &mut Writer, call: Foreign) -> Result<(), Error> {
    let mut track = other.track("foreign").describe()?;
    match call {
        Foreign::Begin => trace.begin(&mut track, 0, "foreign"),
        Foreign::Instant => trace.instant(&track, 0, "foreign"),
        Foreign::Counter => trace.counter(&other.counter_track("foreign").describe()?, 0, 1),
        Foreign::State => trace.idle(&other.state_track("foreign").describe()?, 0),
        Foreign::Parent => trace.track("child").parent(&track).describe().map(drop),
        Foreign::Sequence => trace.track("track").sequence(other.add_sequence()).describe().map(drop),
    }
}
