//! Runs a program on a writer, and says beside it what each call must return and what must then be in the trace.
//!
//! The model knows the documentation of the calls, not how they write.

use std::collections::{BTreeMap, BTreeSet};

use pftrace::{Clock, Error, IoSink, ProcessTrack, SequenceId, TraceWriter};
use serde_json::Value;

use crate::calls;
use crate::program::*;
use crate::record::{Record, Says};

/// What came of a program.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) trace: Vec<u8>,
    pub(crate) records: Vec<Record>,
    /// How many names were written by hand, and so not interned.
    pub(crate) raw_names: u32,
}

/// Runs a program.
///
/// # Errors
///
/// The first call that did not return what it must.
pub(crate) fn run(program: &Program) -> Result<Written, String> {
    let mut run = Run::new(&program.settings);
    for op in &program.ops {
        run.op(op).map_err(|error| format!("{op:?}: {error}"))?;
    }
    let (packets, bytes) = (run.trace.packets(), run.trace.bytes());
    let trace = run.trace.finish().map_err(|error| error.to_string())?;
    if (bytes, packets) != (trace.len() as u64, run.packets) {
        return Err(format!("{packets} packets, {bytes} bytes counted; {} bytes written", trace.len()));
    }
    Ok(Written { trace, records: run.records, raw_names: run.raw_names })
}

pub(crate) type Writer = TraceWriter<IoSink<Vec<u8>>>;

/// A track for slices, and what the model knows of it.
#[derive(Debug)]
pub(crate) struct SliceTrack {
    pub(crate) handle: calls::Slices,
    pub(crate) place: Place,
    pub(crate) open: u32,
    /// Time of the last begin or end, and its clock.
    pub(crate) last: Option<(u64, Clock)>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Place {
    pub(crate) uuid: u64,
    pub(crate) sequence: u32,
    pub(crate) ancestors: u32,
}

/// A process or thread, to describe again.
#[derive(Debug, Clone)]
pub(crate) enum Known {
    Process(Process),
    Thread(i32, Thread),
}

pub(crate) struct Run<'p> {
    pub(crate) settings: &'p Settings,
    pub(crate) trace: Writer,
    pub(crate) foreign: Writer,
    pub(crate) sequences: Vec<SequenceId>,
    pub(crate) processes: Vec<(ProcessTrack, i32)>,
    pub(crate) slices: Vec<SliceTrack>,
    pub(crate) counters: Vec<(pftrace::CounterTrack, Place)>,
    pub(crate) states: Vec<(pftrace::StateTrack, Place)>,
    /// The numbers of processes and threads, and how each was described.
    pub(crate) known: BTreeMap<(i32, i64), (u64, Known)>,
    pub(crate) uuids: BTreeSet<u64>,
    /// Names and merge keys of tracks, with their parents'.
    pub(crate) siblings: BTreeSet<(Option<u64>, String)>,
    /// The latest time of the trace's clock that a call named.
    pub(crate) now: u64,
    /// Per clock what it read in the last snapshot.
    pub(crate) readings: BTreeMap<u32, u64>,
    /// What each clock shows where the trace's shows 0, by the first snapshot.
    pub(crate) earliest: BTreeMap<u32, u64>,
    /// Per sequence its generation, and whether the next packet begins another.
    pub(crate) generations: BTreeMap<u32, (u32, bool)>,
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    pub(crate) records: Vec<Record>,
    pub(crate) raw_names: u32,
}

impl<'p> Run<'p> {
    fn new(settings: &'p Settings) -> Self {
        let trace = calls::build(settings);
        Self {
            settings,
            trace,
            foreign: TraceWriter::new(Vec::new()),
            sequences: Vec::new(),
            processes: Vec::new(),
            slices: Vec::new(),
            counters: Vec::new(),
            states: Vec::new(),
            known: BTreeMap::new(),
            uuids: BTreeSet::new(),
            siblings: BTreeSet::new(),
            now: 0,
            readings: BTreeMap::new(),
            earliest: BTreeMap::new(),
            generations: BTreeMap::new(),
            packets: 0,
            bytes: 0,
            records: Vec::new(),
            raw_names: 0,
        }
    }

    fn op(&mut self, op: &Op) -> Result<(), String> {
        match op {
            Op::AddSequence => {
                self.sequences.push(self.trace.add_sequence());
                Ok(())
            }
            Op::Process(process) => self.process(process),
            Op::Thread { process, thread } => match picked(&self.processes, *process) {
                Some(index) => self.thread(self.processes[index].1, thread),
                None => Ok(()),
            },
            Op::Redescribe(pick) => match picked(&self.known, *pick) {
                Some(index) => self.redescribe(self.known.values().nth(index).map(|known| known.1.clone())),
                None => Ok(()),
            },
            Op::Track { described, parent, kind } => {
                let parent = parent.and_then(|parent| picked(&self.slices, parent));
                self.track(described, parent, kind)
            }
            Op::NestTracks(count) => (0..*count).try_for_each(|_| {
                let parent = self.slices.len().checked_sub(1);
                self.track(&Described { name: "nested".into(), ..Described::default() }, parent, &Kind::Slices)
            }),
            Op::Begin { track, at, name, event } => match picked(&self.slices, *track) {
                Some(index) => self.begin(index, *at, name, event),
                None => Ok(()),
            },
            Op::End { track, at, event } => match picked(&self.slices, *track) {
                Some(index) => self.end(index, *at, event),
                None => Ok(()),
            },
            Op::NestSlices { track, begins, ends } => match picked(&self.slices, *track) {
                Some(index) => {
                    let event = Event::default();
                    (0..*begins).try_for_each(|_| self.begin(index, When::After(1), "nested", &event))?;
                    (0..*ends).try_for_each(|_| self.end(index, When::After(1), &event))
                }
                None => Ok(()),
            },
            Op::Instant { track, at, name, event } => match picked(&self.slices, *track) {
                Some(index) => self.instant(index, *at, name, event),
                None => Ok(()),
            },
            Op::Counter { track, at, value } => match picked(&self.counters, *track) {
                Some(index) => self.counter(index, *at, *value),
                None => Ok(()),
            },
            Op::State { track, at, state } => match picked(&self.states, *track) {
                Some(index) => self.state(index, *at, state.as_deref()),
                None => Ok(()),
            },
            Op::Clear => {
                self.trace.clear_incremental_state();
                self.generations.values_mut().for_each(|(_, ended)| *ended = true);
                Ok(())
            }
            Op::Snapshot(snapshot) => self.snapshot(snapshot),
            Op::Packet(number) => {
                let result = calls::trace_uuid(&mut self.trace, *number);
                self.settle(0, Vec::new(), result, || Says::Other(calls::trace_uuid_json(*number))).map(drop)
            }
            Op::RawInstant { uuid, at, name } => self.raw_instant(*uuid, *at, name.as_deref()),
            Op::Foreign(call) => {
                let result = calls::foreign(&mut self.trace, &mut self.foreign, *call);
                self.settle(0, vec![Error::ForeignTrack], result, || Says::Other(Value::Null)).map(drop)
            }
        }
    }

    /// That a call returned what it must, and that this many packets were written by it. `says` is what they say.
    pub(crate) fn settle<T>(
        &mut self,
        sequence: u32,
        problems: Vec<Error>,
        result: Result<T, Error>,
        says: impl FnOnce() -> Says,
    ) -> Result<Option<T>, String> {
        let packets = self.trace.packets() - self.packets;
        let bytes = self.trace.bytes() - self.bytes;
        (self.packets, self.bytes) = (self.trace.packets(), self.trace.bytes());
        if (packets == 0) != (bytes == 0) {
            return Err(format!("{packets} packets of {bytes} bytes"));
        }
        let (generation, ended) = *self.generations.entry(sequence).or_insert((0, true));
        let heads = match &result {
            Ok(_) => packets.wrapping_sub(1),
            Err(_) => packets,
        };
        // A packet that fails while it is encoded may have had the head of its generation written.
        let head_alone = match &result {
            Err(Error::PacketTooLarge { .. } | Error::AnnotationTooDeep { .. }) => ended && heads == 0,
            Err(_) => heads == 0,
            Ok(_) => false,
        };
        if heads != u64::from(ended) && !head_alone {
            return Err(format!("{packets} packets written, of which {heads} begin a generation: {:?}", result.err()));
        }
        let generation = generation + heads as u32;
        self.generations.insert(sequence, (generation, ended && heads == 0));
        match result {
            Ok(value) if problems.is_empty() => {
                self.records.push(Record { sequence: sequence + 1, generation, says: says() });
                Ok(Some(value))
            }
            Ok(_) => Err(format!("expected one of {problems:?}")),
            Err(Error::PacketTooLarge { needed, capacity })
                if Some(capacity) == self.settings.max_packet_len && needed > capacity =>
            {
                Ok(None)
            }
            Err(error) => {
                let expected = problems.iter().any(|problem| format!("{problem:?}") == format!("{error:?}"));
                expected.then_some(None).ok_or_else(|| format!("expected one of {problems:?}, found {error:?}"))
            }
        }
    }
}

/// Of those there are one, counted around.
pub(crate) fn picked<'a, C>(all: &'a C, pick: Pick) -> Option<usize>
where
    &'a C: IntoIterator<IntoIter: ExactSizeIterator>,
{
    pick.checked_rem(all.into_iter().len())
}
