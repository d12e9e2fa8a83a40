//! Programs of calls to the trace writer, and what the trace should say.

use std::fmt::Write;

use arbitrary::Arbitrary;
use pftrace::{
    Array, ChildOrdering, Clock, CounterTrack, CounterValue, Dict, Error, Event, ProcessTrack, SequenceId,
    SiblingMerge, Sink, StateTrack, Timestamp, TraceWriter, Track, Unit, Value,
};

use crate::reader;

/// A writer's settings, and calls to it.
#[derive(Debug, Arbitrary)]
pub struct Program<'a> {
    max_packet_len: u16,
    buffer_len: u16,
    intern_words: u8,
    first_track_uuid: u8,
    clock: ClockName,
    calls: Vec<Call<'a>>,
}

#[derive(Debug, Clone, Copy, Arbitrary)]
enum ClockName {
    Simulated,
    Realtime,
    Monotonic,
    MonotonicRaw,
    Boottime,
}

#[derive(Debug, Clone, Copy, Arbitrary)]
enum Time {
    /// After the last one, by a little.
    Later(u8),
    At(u64),
    Of(ClockName, u64),
}

#[derive(Debug, Clone, Copy, Arbitrary)]
enum Text<'a> {
    /// One of a few.
    Common(u8),
    Any(&'a str),
    Long(u16),
}

/// Tracks are named by the number of their description.
#[derive(Debug, Arbitrary)]
enum Call<'a> {
    Process {
        pid: i32,
        name: Option<Text<'a>>,
        more: Vec<Text<'a>>,
        start_ns: Option<i64>,
    },
    Thread {
        process: u8,
        tid: i64,
        name: Option<Text<'a>>,
        sequence: u8,
    },
    Track {
        name: Text<'a>,
        description: Option<Text<'a>>,
        parent: Option<u8>,
        uuid: Option<u64>,
        look: u8,
        sequence: u8,
    },
    Counter {
        name: Text<'a>,
        parent: Option<u8>,
        unit: Option<Text<'a>>,
        multiplier: Option<i64>,
        sequence: u8,
    },
    State {
        name: Text<'a>,
        parent: Option<u8>,
        sequence: u8,
    },
    AddSequence,
    Begin(u8, Time, Text<'a>, Vec<Detail<'a>>),
    End(u8, Time, Vec<Detail<'a>>),
    Instant(u8, Time, Text<'a>, Vec<Detail<'a>>),
    Count(u8, Time, i64),
    CountDouble(u8, Time, f64),
    Enter(u8, Time, Text<'a>),
    Idle(u8, Time),
    Snapshot(Vec<(ClockName, u64)>),
    Packet,
    PacketAt(Time),
    Clear,
    Flush,
}

#[derive(Debug, Arbitrary)]
enum Detail<'a> {
    Category(Text<'a>),
    Arg(Text<'a>, Scalar<'a>),
    Dict(Text<'a>, Vec<Entry<'a>>),
    Array(Text<'a>, Vec<Entry<'a>>),
    Flow(u64),
    TerminatingFlow(u64),
    CorrelationId(u64),
    SourceLocation(Text<'a>, Text<'a>, u32),
}

/// What is in a dictionary, or in an array, where the name is left out.
#[derive(Debug, Arbitrary)]
enum Entry<'a> {
    Scalar(Text<'a>, Scalar<'a>),
    Dict(Text<'a>, Vec<Entry<'a>>),
    Array(Text<'a>, Vec<Entry<'a>>),
}

#[derive(Debug, Clone, Copy, Arbitrary)]
enum Scalar<'a> {
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Pointer(u64),
    Str(Text<'a>),
}

impl ClockName {
    fn clock(self) -> Clock {
        match self {
            Self::Simulated => Clock::Simulated,
            Self::Realtime => Clock::Realtime,
            Self::Monotonic => Clock::Monotonic,
            Self::MonotonicRaw => Clock::MonotonicRaw,
            Self::Boottime => Clock::Boottime,
        }
    }
}

impl Text<'_> {
    fn text(self) -> String {
        const COMMON: [&str; 6] = ["", "name", "key", "naïve", "a\0b", "twenty bytes of text"];
        match self {
            Self::Common(index) => COMMON[usize::from(index) % COMMON.len()].to_owned(),
            Self::Any(text) => text.to_owned(),
            Self::Long(len) => "long".repeat(usize::from(len) % 2048 / 4),
        }
    }
}

impl Program<'_> {
    /// Runs it into a `Vec` and into a buffer, and reads what was written.
    ///
    /// # Panics
    ///
    /// When it is not what was said.
    pub fn check(&self) {
        let builder =
            TraceWriter::builder().clock(self.clock.clock()).first_track_uuid(u64::from(self.first_track_uuid));
        let memory = usize::from(self.intern_words) * 8;

        let streamed = builder.max_packet_len(usize::from(self.max_packet_len)).intern_bytes(memory).build(Vec::new());
        let mut run = Run::new(streamed, self.clock);
        for call in &self.calls {
            let result = match call {
                // Each has memory of its own.
                Call::AddSequence if run.sequences.len() < 3 => {
                    let sequence = run.trace.add_sequence();
                    run.sequences.push(sequence);
                    Ok(())
                }
                Call::Flush => run.trace.flush(),
                call => run.call(call),
            };
            assert!(
                !matches!(result, Err(Error::Io { .. } | Error::Closed { .. } | Error::BufferFull { .. })),
                "{result:?}"
            );
        }
        let (packets, bytes, expected) = (run.trace.packets(), run.trace.bytes(), run.expected);
        let Ok(trace) = run.trace.finish() else { panic!("a Vec does not fail") };
        assert_eq!(trace.len() as u64, bytes);
        reader::check(&trace, packets, &expected);

        let (mut buffer, mut memory) =
            (vec![0xa5; usize::from(self.buffer_len)], vec![0; usize::from(self.intern_words)]);
        let mut run = Run::new(builder.in_buffer(&mut buffer, &mut memory[..]), self.clock);
        for call in &self.calls {
            let result = run.call(call);
            assert!(
                !matches!(result, Err(Error::Io { .. } | Error::Closed { .. } | Error::PacketTooLarge { .. })),
                "{result:?}"
            );
        }
        let (packets, bytes, expected) = (run.trace.packets(), run.trace.bytes(), run.expected);
        let trace = run.trace.finish();
        assert_eq!(trace.len() as u64, bytes);
        reader::check(trace, packets, &expected);
    }
}

/// A program at work.
struct Run<S: Sink, M> {
    trace: TraceWriter<S, M>,
    clock: ClockName,
    now: u64,
    sequences: Vec<SequenceId>,
    processes: Vec<ProcessTrack>,
    tracks: Vec<Track>,
    counters: Vec<CounterTrack>,
    states: Vec<StateTrack>,
    /// The events that were written, as the reader puts it.
    expected: Vec<String>,
}

fn pick<T>(all: &[T], index: u8) -> Option<&T> {
    all.get(usize::from(index) % all.len().max(1))
}

impl<S: Sink, M: AsRef<[u64]> + AsMut<[u64]>> Run<S, M> {
    fn new(trace: TraceWriter<S, M>, clock: ClockName) -> Self {
        Self {
            trace,
            clock,
            now: 0,
            sequences: Vec::new(),
            processes: Vec::new(),
            tracks: Vec::new(),
            counters: Vec::new(),
            states: Vec::new(),
            expected: Vec::new(),
        }
    }

    /// Makes a call. A refused one is not expected to be read.
    fn call(&mut self, call: &Call<'_>) -> Result<(), Error> {
        match call {
            Call::Process { .. }
            | Call::Thread { .. }
            | Call::Track { .. }
            | Call::Counter { .. }
            | Call::State { .. } => self.describe(call),
            Call::Begin(track, time, name, details) => {
                let (timestamp, shown) = self.time(*time);
                let Some(index) = self.track(*track) else { return Ok(()) };
                let name = name.text();
                self.trace.begin_with(&mut self.tracks[index], timestamp, &name, |event| say(event, details))?;
                self.expect("TYPE_SLICE_BEGIN", self.tracks[index].uuid(), &shown, Some(&name), "", details);
                Ok(())
            }
            Call::End(track, time, details) => {
                let (timestamp, shown) = self.time(*time);
                let Some(index) = self.track(*track) else { return Ok(()) };
                self.trace.end_with(&mut self.tracks[index], timestamp, |event| say(event, details))?;
                self.expect("TYPE_SLICE_END", self.tracks[index].uuid(), &shown, None, "", details);
                Ok(())
            }
            Call::Instant(track, time, name, details) => {
                let (timestamp, shown) = self.time(*time);
                let Some(index) = self.track(*track) else { return Ok(()) };
                let name = name.text();
                self.trace.instant_with(&self.tracks[index], timestamp, &name, |event| say(event, details))?;
                self.expect("TYPE_INSTANT", self.tracks[index].uuid(), &shown, Some(&name), "", details);
                Ok(())
            }
            Call::Count(track, time, value) => {
                self.count(*track, *time, (*value).into(), &reader::int("counter", *value))
            }
            Call::CountDouble(track, time, value) => {
                self.count(*track, *time, (*value).into(), &reader::double("counter", *value))
            }
            Call::Enter(track, time, name) => self.state(*track, *time, Some(&name.text())),
            Call::Idle(track, time) => self.state(*track, *time, None),
            Call::Snapshot(readings) => {
                let readings: Vec<_> = readings.iter().map(|(clock, ns)| (clock.clock(), *ns)).collect();
                self.trace.clock_snapshot(&readings)
            }
            Call::Packet => self.trace.packet(|packet| _ = packet.set_synchronization_marker(b"marker")),
            Call::PacketAt(time) => {
                let (timestamp, shown) = self.time(*time);
                self.trace.packet_at(timestamp, |packet| _ = packet.set_synchronization_marker(b"marker"))?;
                self.expected.push(reader::marker(&shown));
                Ok(())
            }
            Call::Clear => {
                self.trace.clear_incremental_state();
                Ok(())
            }
            Call::AddSequence | Call::Flush => Ok(()),
        }
    }

    fn count(&mut self, track: u8, time: Time, value: CounterValue, shown_value: &str) -> Result<(), Error> {
        let (timestamp, shown) = self.time(time);
        let Some(track) = pick(&self.counters, track) else { return Ok(()) };
        self.trace.counter(track, timestamp, value)?;
        self.expect("TYPE_COUNTER", track.uuid(), &shown, None, shown_value, &[]);
        Ok(())
    }

    fn state(&mut self, track: u8, time: Time, name: Option<&str>) -> Result<(), Error> {
        let (timestamp, shown) = self.time(time);
        let Some(track) = pick(&self.states, track) else { return Ok(()) };
        match name {
            Some(name) => self.trace.state(track, timestamp, name)?,
            None => self.trace.idle(track, timestamp)?,
        }
        self.expect("TYPE_STATE", track.uuid(), &shown, name, "", &[]);
        Ok(())
    }

    fn expect(
        &mut self,
        kind: &str,
        uuid: u64,
        shown_time: &str,
        name: Option<&str>,
        value: &str,
        details: &[Detail<'_>],
    ) {
        self.expected.push(reader::event(kind, uuid, shown_time, name, value, &expected_details(details)));
    }

    fn track(&self, index: u8) -> Option<usize> {
        usize::from(index).checked_rem(self.tracks.len())
    }

    /// A timestamp, and how the reader shows it.
    fn time(&mut self, time: Time) -> (Timestamp, String) {
        let (clock, ns, timestamp) = match time {
            Time::Later(by) => {
                let ns = self.now.saturating_add(u64::from(by));
                (self.clock, ns, Timestamp::from(ns))
            }
            Time::At(ns) => (self.clock, ns, Timestamp::from(ns)),
            Time::Of(clock, ns) => (clock, ns, clock.clock().at(ns)),
        };
        if clock.clock() == self.clock.clock() && ns <= i64::MAX as u64 {
            self.now = ns;
        }
        (timestamp, reader::time(u64::from(clock.clock().id()), ns))
    }

    fn describe(&mut self, call: &Call<'_>) -> Result<(), Error> {
        let sequence = |index: &u8| pick(&self.sequences, *index).copied().filter(|_| index % 2 == 1);
        let parent = |index: &Option<u8>| index.and_then(|index| pick(&self.tracks, index));
        match call {
            Call::Process { pid, name, more, start_ns } => {
                let (name, more) = (name.map(Text::text), more.iter().map(|text| text.text()).collect::<Vec<_>>());
                let more: Vec<_> = more.iter().map(|text| &text[..]).collect();
                let mut track = self.trace.process_track(*pid).cmdline(&more).labels(&more);
                if let Some(name) = &name {
                    track = track.name(name);
                }
                if let Some(ns) = start_ns {
                    track = track.start_timestamp_ns(*ns);
                }
                let track = track.describe()?;
                self.processes.push(track);
            }
            Call::Thread { process, tid, name, sequence: index } => {
                let sequence = sequence(index);
                let Some(process) = pick(&self.processes, *process) else { return Ok(()) };
                let name = name.map(Text::text);
                let mut track = self.trace.thread_track(process, *tid);
                if let Some(name) = &name {
                    track = track.name(name);
                }
                if let Some(sequence) = sequence {
                    track = track.sequence(sequence);
                }
                let track = track.describe()?;
                self.tracks.push(track);
            }
            Call::Track { name, description, parent: above, uuid, look, sequence: index } => {
                let (sequence, parent) = (sequence(index), parent(above));
                let (name, description) = (name.text(), description.map(Text::text));
                let orders = [ChildOrdering::Lexicographic, ChildOrdering::Chronological, ChildOrdering::Explicit];
                let merges = [SiblingMerge::ByName, SiblingMerge::Never, SiblingMerge::ByKey(&name)];
                let mut track = self.trace.track(&name).child_ordering(orders[usize::from(look % 3)]);
                track = track.sibling_merge(merges[usize::from(look / 3 % 3)]).sibling_order_rank(i32::from(*look) - 9);
                if let Some(description) = &description {
                    track = track.description(description);
                }
                if let Some(parent) = parent {
                    track = track.parent(parent);
                }
                if let Some(uuid) = uuid {
                    track = track.uuid(*uuid);
                }
                if let Some(sequence) = sequence {
                    track = track.sequence(sequence);
                }
                let track = track.describe()?;
                self.tracks.push(track);
            }
            Call::Counter { name, parent: above, unit, multiplier, sequence: index } => {
                let (sequence, parent) = (sequence(index), parent(above));
                let (name, unit) = (name.text(), unit.map(Text::text));
                let mut track = self.trace.counter_track(&name).y_axis_share_key(&name);
                track = track.unit(unit.as_deref().map_or(Unit::SizeBytes, Unit::Named));
                if let Some(multiplier) = multiplier {
                    track = track.unit_multiplier(*multiplier);
                }
                if let Some(parent) = parent {
                    track = track.parent(parent);
                }
                if let Some(sequence) = sequence {
                    track = track.sequence(sequence);
                }
                let track = track.describe()?;
                self.counters.push(track);
            }
            Call::State { name, parent: above, sequence: index } => {
                let (sequence, parent) = (sequence(index), parent(above));
                let name = name.text();
                let mut track = self.trace.state_track(&name);
                if let Some(parent) = parent {
                    track = track.parent(parent);
                }
                if let Some(sequence) = sequence {
                    track = track.sequence(sequence);
                }
                let track = track.describe()?;
                self.states.push(track);
            }
            _ => {}
        }
        Ok(())
    }
}

fn say(event: &mut Event<'_>, details: &[Detail<'_>]) {
    for detail in details {
        match detail {
            Detail::Category(text) => event.category(&text.text()),
            Detail::Arg(name, Scalar::Str(text)) => event.arg(&name.text(), &text.text()[..]),
            Detail::Arg(name, value) => event.arg(&name.text(), value.value()),
            Detail::Dict(name, entries) => event.dict(&name.text(), |dict| fill_dict(dict, entries)),
            Detail::Array(name, entries) => event.array(&name.text(), |array| fill_array(array, entries)),
            Detail::Flow(id) => event.flow(*id),
            Detail::TerminatingFlow(id) => event.terminating_flow(*id),
            Detail::CorrelationId(id) => event.correlation_id(*id),
            Detail::SourceLocation(file, function, line) => {
                event.source_location(&file.text(), &function.text(), *line)
            }
        };
    }
}

fn fill_dict(dict: &mut Dict<'_>, entries: &[Entry<'_>]) {
    for entry in entries {
        match entry {
            Entry::Scalar(name, Scalar::Str(text)) => dict.arg(&name.text(), &text.text()[..]),
            Entry::Scalar(name, value) => dict.arg(&name.text(), value.value()),
            Entry::Dict(name, entries) => dict.dict(&name.text(), |dict| fill_dict(dict, entries)),
            Entry::Array(name, entries) => dict.array(&name.text(), |array| fill_array(array, entries)),
        };
    }
}

fn fill_array(array: &mut Array<'_>, entries: &[Entry<'_>]) {
    for entry in entries {
        match entry {
            Entry::Scalar(_, Scalar::Str(text)) => array.push(&text.text()[..]),
            Entry::Scalar(_, value) => array.push(value.value()),
            Entry::Dict(_, entries) => array.dict(|dict| fill_dict(dict, entries)),
            Entry::Array(_, entries) => array.array(|array| fill_array(array, entries)),
        };
    }
}

impl Scalar<'_> {
    /// Texts are not values of their own, since they are put together on demand.
    fn value(self) -> Value<'static> {
        match self {
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Int(value),
            Self::Uint(value) => Value::Uint(value),
            Self::Double(value) => Value::Double(value),
            Self::Pointer(value) => Value::Pointer(value),
            Self::Str(_) => Value::Str(""),
        }
    }

    fn expected(self) -> String {
        match self {
            Self::Bool(value) => reader::bool("value", value),
            Self::Int(value) => reader::int("value", value),
            Self::Uint(value) => reader::uint("value", value),
            Self::Double(value) => reader::double("value", value),
            Self::Pointer(value) => reader::uint("pointer", value),
            Self::Str(text) => reader::text("value", &text.text()),
        }
    }
}

/// As the reader puts it.
fn expected_details(details: &[Detail<'_>]) -> reader::Details {
    let mut expected = reader::Details::default();
    for detail in details {
        match detail {
            Detail::Category(text) => expected.categories.push(text.text()),
            Detail::Arg(name, value) => expected.annotations.push_str(&annotation(Some(name), &value.expected())),
            Detail::Dict(name, entries) => {
                expected.annotations.push_str(&annotation(Some(name), &inner(entries, true)))
            }
            Detail::Array(name, entries) => {
                expected.annotations.push_str(&annotation(Some(name), &inner(entries, false)))
            }
            Detail::Flow(id) => expected.flows.push(*id),
            Detail::TerminatingFlow(id) => expected.terminating_flows.push(*id),
            Detail::CorrelationId(id) => expected.correlation_id = Some(*id),
            Detail::SourceLocation(file, function, line) => {
                expected.source_location = Some((file.text(), function.text(), *line));
            }
        }
    }
    expected.categories.sort();
    expected
}

fn annotation(name: Option<&Text<'_>>, value: &str) -> String {
    reader::annotation(name.map(|name| name.text()).as_deref(), value)
}

fn inner(entries: &[Entry<'_>], named: bool) -> String {
    let mut out = String::new();
    for entry in entries {
        let (name, value) = match entry {
            Entry::Scalar(name, value) => (name, value.expected()),
            Entry::Dict(name, entries) => (name, inner(entries, true)),
            Entry::Array(name, entries) => (name, inner(entries, false)),
        };
        // Writing to a String does not fail.
        _ = write!(out, "{}", annotation(named.then_some(name), &value));
    }
    out
}
