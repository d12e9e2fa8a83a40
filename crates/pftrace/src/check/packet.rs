//! Reads `TracePacket`, in the order in which the trace processor does: state cleared, defaults, interned data, clock snapshot,
//! statistics, descriptions of extensions; then, if its state is there, time and payload.

use std::vec::Vec;

use pftrace_protos::trace_packet::SequenceFlags;
use pftrace_protos::{InternedData, StackSample, TracePacket};

use super::bundle::Codec;
use super::clocks::{Clocks, Time};
use super::events::Around;
use super::extensions::Extensions;
use super::finding::{Kind, Report};
use super::framing::Packets;
use super::interned::{Interned, numbers};
use super::names::Names;
use super::schema::{self, Schema};
use super::sequence::{CLEARED, Sequence};
use super::service::{REMOTE_CLOCK_SYNC, SERVICE_EVENT, Service, TRACE_CONFIG};
use super::summary::Summary;
use super::tracks::Tracks;
use super::wire::{Field, Fields, Value, WireType};
use super::{Map, map};

/// What was read of a trace so far.
#[derive(Debug)]
pub(super) struct State {
    /// That of the service is the first.
    machines: Vec<Machine>,
    numbers: Map<u32, usize>,
    /// How many begins and ends of slices wait, of each machine.
    window: Option<usize>,
    names: Names,
    extensions: Extensions,
    service: Service,
    pub(super) codec: Option<Codec>,
    pub(super) summary: Summary,
}

/// Packets of more machines are not read: what is kept of each takes far more than a packet that names it.
const MAX_MACHINES: usize = 1 << 10;

/// What belongs to one machine: sequences, clocks, tracks, processes and threads of two may have the same numbers.
#[derive(Debug)]
struct Machine {
    numbers: Map<u32, usize>,
    /// The one that was asked for last.
    last: (u32, usize),
    sequences: Vec<Sequence>,
    clocks: Clocks,
    tracks: Tracks,
}

/// The fields of a packet that matter here.
#[derive(Debug, Default)]
struct Packet<'b> {
    timestamp: Option<u64>,
    clock: Option<u32>,
    sequence: u32,
    /// It says which, if only 0.
    has_sequence: bool,
    machine: u32,
    flags: u64,
    /// Of old: the flag.
    is_cleared: bool,
    dropped: u64,
    event: Option<&'b [u8]>,
    track: Option<&'b [u8]>,
    interned: Option<&'b [u8]>,
    defaults: Option<&'b [u8]>,
    snapshot: Option<&'b [u8]>,
    /// All of its fields, where some are of those that few packets have.
    rare: Option<&'b [u8]>,
}

/// Of the fields of a packet that matter here those that few have: read a second time, so that the others cost nothing for them.
#[derive(Debug, Default)]
struct Rare<'b> {
    stats: Option<&'b [u8]>,
    extension: Option<&'b [u8]>,
    stack_sample: Option<&'b [u8]>,
    process: Option<&'b [u8]>,
    thread: Option<&'b [u8]>,
    config: Option<&'b [u8]>,
    system: Option<&'b [u8]>,
    /// Something beside which nothing is read.
    alone: Option<&'static str>,
    compressed: Option<(Codec, &'b [u8])>,
}

const NEEDS: u64 = SequenceFlags::SEQ_NEEDS_INCREMENTAL_STATE.value() as u64;

impl State {
    pub(super) fn new() -> Self {
        Self {
            machines: Vec::from([Machine::new(None)]),
            numbers: map(),
            window: None,
            names: Names::new(),
            extensions: Extensions::new(),
            service: Service::default(),
            codec: None,
            summary: Summary::default(),
        }
    }

    pub(super) fn set_window(&mut self, events: usize) {
        self.window = Some(events);
        self.machines[0].tracks.set_window(events);
    }

    pub(super) fn read(&mut self, body: &[u8], in_bundle: bool, report: &mut Report<'_>) {
        self.summary.packets += 1;
        // Filled where it lies: to move it would cost as much as to read two fields.
        let mut packet = Packet::default();
        if !packet.read(body, report) {
            return;
        }
        (report.place.sequence, report.place.machine) = (packet.sequence, packet.machine);
        if packet.rare.is_none() {
            return self.take(&packet, &Rare::default(), report);
        }
        let rare = packet.rare.map(|body| Rare::read(body, report)).unwrap_or_default();
        match rare.compressed {
            Some((codec, bundle)) => {
                packet.tell_beside_bundle(&rare, report);
                self.bundle(codec, bundle, in_bundle, report);
            }
            None => self.take(&packet, &rare, report),
        }
    }

    #[inline]
    fn take(&mut self, packet: &Packet<'_>, rare: &Rare<'_>, report: &mut Report<'_>) {
        let doubtful = report.ledger.doubtful;
        if packet.sequence == 0 {
            packet.tell_no_sequence(rare, report);
        }
        let Self { machines, numbers, window, names, extensions, service, summary, .. } = self;
        let machine = match packet.machine {
            0 => &mut machines[0],
            id => match other_machine(id, machines, numbers, *window) {
                Some(machine) => machine,
                None => return tell_machines(report),
            },
        };
        let number = machine.number(packet.sequence, doubtful);
        let Machine { sequences, clocks, tracks, .. } = machine;
        let sequence = &mut sequences[number];
        sequence.renew(packet.flags, packet.dropped, summary, report);
        if let Some(defaults) = packet.defaults {
            sequence.set_defaults(defaults, report);
        }
        if let Some(data) = packet.interned {
            if sequence.is_valid || doubtful {
                sequence.interned.define(data, names, report);
            } else {
                report.say(
                    Kind::InternedIgnored,
                    format_args!("expected interned data after SEQ_INCREMENTAL_STATE_CLEARED, found it before"),
                );
            }
        }
        if let Some(snapshot) = packet.snapshot {
            clocks.snapshot(packet.sequence, snapshot, report);
            return packet.tell_beside("a clock snapshot", rare, report);
        }
        if let Some(stats) = rare.stats {
            service.stats(stats, &mut summary.loss, report);
        }
        if let Some(config) = rare.config {
            service.config(config, report);
        }
        if let Some(system) = rare.system {
            service.system(system);
        }
        if let Some(extension) = rare.extension {
            extensions.describe(extension, report);
        }
        if let Some(what) = rare.alone {
            return packet.tell_beside(what, rare, report);
        }
        if packet.flags & NEEDS != 0 && !sequence.is_valid && !doubtful {
            if !sequence.has_told && packet.sequence != 0 {
                sequence.has_told = true;
                report.say(Kind::StateNotCleared, format_args!("expected SEQ_INCREMENTAL_STATE_CLEARED before a packet that needs incremental state, found none \
                    since the sequence's begin or its last loss; told once per gap"));
            }
            return;
        }
        let clock = packet.clock.or(sequence.default_clock);
        let time = packet.timestamp.map(|timestamp| clocks.time(packet.sequence, clock, timestamp, report));
        if matches!(time, Some(Time::Lost)) {
            // Counted all the same.
            summary.events.others += u64::from(packet.event.is_some());
            return;
        }
        if packet.event.is_some() {
            tell_beside_event(packet.track, rare, report);
        }
        let mut thread = None;
        if let Some(track) = packet.track {
            thread = tracks.describe(track, report).filter(|_| sequence.is_valid);
        }
        if let Some(process) = rare.process {
            tracks.describe_process(process, report);
        }
        if let Some(bytes) = rare.thread.filter(|_| packet.event.is_none() && packet.has_sequence) {
            if sequence.is_valid || doubtful {
                thread = tracks.describe_thread(bytes, report).or(thread);
            } else {
                report.say(Kind::StateNotCleared, format_args!(
                    "expected SEQ_INCREMENTAL_STATE_CLEARED before the description of a sequence's thread, found it before"
                ));
            }
        }
        if let Some(thread) = thread {
            if let Some(before) = sequence.set_thread(&thread) {
                tracks.thread_changed(before, &thread, report);
            }
        }
        if let Some(sample) = rare.stack_sample {
            stack_sample(sample, &mut sequence.interned, report);
        }
        if let Some(event) = packet.event.filter(|_| packet.has_sequence) {
            Around { sequence, tracks, clocks, names, summary, extensions }.event(event, time, report);
        }
    }

    /// The file has ended.
    pub(super) fn finish(&mut self, report: &mut Report<'_>) {
        let Self { machines, names, extensions, service, summary, .. } = self;
        for machine in machines {
            machine.finish(names, summary, report);
        }
        extensions.finish(report);
        service.finish(report);
    }

    pub(super) fn top_names(&self, count: usize) -> Vec<super::Name> {
        self.names.top(count)
    }
}

/// One that is not the service's own; `None` where there are too many.
#[cold]
fn other_machine<'m>(
    id: u32,
    machines: &'m mut Vec<Machine>,
    numbers: &mut Map<u32, usize>,
    window: Option<usize>,
) -> Option<&'m mut Machine> {
    if let Some(number) = numbers.get(&id) {
        return machines.get_mut(*number);
    }
    if machines.len() > MAX_MACHINES {
        return None;
    }
    numbers.insert(id, machines.len());
    machines.push(Machine::new(window));
    machines.last_mut()
}

#[cold]
fn tell_machines(report: &mut Report<'_>) {
    if report.ledger.counts[Kind::NotRead as usize] == 0 {
        report.say(Kind::NotRead, format_args!("packets of more than {MAX_MACHINES} machines are not read; told once"));
    }
}

impl Machine {
    fn new(window: Option<usize>) -> Self {
        let mut tracks = Tracks::new();
        if let Some(events) = window {
            tracks.set_window(events);
        }
        Self { numbers: map(), last: (0, usize::MAX), sequences: Vec::new(), clocks: Clocks::new(), tracks }
    }

    #[inline]
    fn number(&mut self, id: u32, doubtful: bool) -> usize {
        let (last, number) = self.last;
        if last == id && number < self.sequences.len() {
            return number;
        }
        let Self { numbers, sequences, .. } = self;
        let number = *numbers.entry(id).or_insert_with(|| {
            let mut sequence = Sequence::new();
            // Where something is missing, its state may have begun there.
            sequence.is_valid = doubtful;
            sequences.push(sequence);
            sequences.len() - 1
        });
        self.last = (id, number);
        number
    }

    /// The file has ended.
    fn finish(&mut self, names: &mut Names, summary: &mut Summary, report: &mut Report<'_>) {
        self.clocks.finish(report);
        self.tracks.finish(names, report);
        summary.sequences += self.numbers.keys().filter(|id| **id != 0).count() as u64;
        summary.processes += self.tracks.processes();
        summary.threads += self.tracks.threads();
        summary.tracks += self.tracks.described();
    }
}

impl Packets for State {
    fn packet(&mut self, body: &[u8], report: &mut Report<'_>) {
        self.read(body, false, report);
    }
}

impl<'b> Packet<'b> {
    /// False when it is none.
    #[inline]
    fn read(&mut self, body: &'b [u8], report: &mut Report<'_>) -> bool {
        for field in Fields::new(body) {
            match field {
                Ok(field) => self.field(&field, body, report),
                Err(error) => {
                    report.say(
                        Kind::PacketMalformed,
                        format_args!("expected the fields of a packet to its end: {error}"),
                    );
                    report.doubt();
                    return false;
                }
            }
        }
        self.flags |= if self.is_cleared { CLEARED } else { 0 };
        true
    }

    #[inline]
    fn field(&mut self, field: &Field<'b>, body: &'b [u8], report: &mut Report<'_>) {
        match (field.number, field.value) {
            (TracePacket::TIMESTAMP_FIELD_NUMBER, Value::Varint(timestamp)) => self.timestamp = Some(timestamp),
            (TracePacket::TRUSTED_PACKET_SEQUENCE_ID_FIELD_NUMBER, Value::Varint(id)) => {
                (self.sequence, self.has_sequence) = (id as u32, true);
            }
            (TracePacket::SEQUENCE_FLAGS_FIELD_NUMBER, Value::Varint(flags)) => self.flags = flags,
            (TracePacket::TRACK_EVENT_FIELD_NUMBER, Value::Bytes(event)) => {
                once(&mut self.event, event, field.number, report)
            }
            (TracePacket::TIMESTAMP_CLOCK_ID_FIELD_NUMBER, Value::Varint(clock)) => self.clock = Some(clock as u32),
            (TracePacket::INTERNED_DATA_FIELD_NUMBER, Value::Bytes(data)) => {
                once(&mut self.interned, data, field.number, report)
            }
            (TracePacket::TRACK_DESCRIPTOR_FIELD_NUMBER, Value::Bytes(track)) => {
                once(&mut self.track, track, field.number, report)
            }
            (TracePacket::CLOCK_SNAPSHOT_FIELD_NUMBER, Value::Bytes(snapshot)) => {
                once(&mut self.snapshot, snapshot, field.number, report)
            }
            (TracePacket::TRACE_PACKET_DEFAULTS_FIELD_NUMBER, Value::Bytes(defaults)) => {
                once(&mut self.defaults, defaults, field.number, report)
            }
            (TracePacket::MACHINE_ID_FIELD_NUMBER, Value::Varint(id)) => self.machine = id as u32,
            (TracePacket::PREVIOUS_PACKET_DROPPED_FIELD_NUMBER, Value::Varint(dropped)) => self.dropped = dropped,
            (TracePacket::INCREMENTAL_STATE_CLEARED_FIELD_NUMBER, Value::Varint(cleared)) => {
                self.is_cleared = cleared != 0;
            }
            (number, Value::Bytes(_)) if Rare::FIELDS.contains(&number) => self.rare = Some(body),
            _ => odd_field(&schema::TRACE_PACKET, field, report),
        }
    }

    /// That an event or a description stands beside what makes that it is lost.
    #[cold]
    fn tell_beside(&self, what: &str, rare: &Rare<'_>, report: &mut Report<'_>) {
        if self.event.is_some() || self.track.is_some() || rare.thread.is_some() {
            report.say(
                Kind::BesideSnapshot,
                format_args!("expected {what} in a packet of its own, found an event or a track beside it"),
            );
        }
    }

    /// What stands beside compressed packets, and is lost.
    #[cold]
    fn tell_beside_bundle(&self, rare: &Rare<'_>, report: &mut Report<'_>) {
        let what = if self.event.is_some() {
            "an event"
        } else if self.track.is_some() {
            "a track's description"
        } else if self.interned.is_some() {
            "interned data"
        } else if self.snapshot.is_some() {
            "a clock snapshot"
        } else if self.defaults.is_some() {
            "defaults"
        } else if self.flags & CLEARED != 0 {
            "SEQ_INCREMENTAL_STATE_CLEARED"
        } else if rare.has_others() {
            "another field"
        } else {
            return;
        };
        report.say(
            Kind::BesideBundle,
            format_args!("expected compressed packets in a packet of their own, found {what} beside them"),
        );
    }

    #[cold]
    fn tell_no_sequence(&self, rare: &Rare<'_>, report: &mut Report<'_>) {
        let what = if self.flags & NEEDS != 0 {
            "a packet that needs incremental state"
        } else if self.has_sequence {
            // For all else 0 is a number like others.
            return;
        } else if self.event.is_some() {
            "a track event"
        } else if self.flags & CLEARED != 0 {
            "a packet that clears incremental state"
        } else if self.interned.is_some() {
            "interned data"
        } else if self.defaults.is_some() {
            "defaults"
        } else if rare.thread.is_some() {
            "the description of a thread"
        } else {
            return;
        };
        report
            .say(Kind::NoSequence, format_args!("expected {what} to say trusted_packet_sequence_id, found none, or 0"));
    }
}

impl<'b> Rare<'b> {
    const FIELDS: [u32; 11] = [
        TracePacket::TRACE_STATS_FIELD_NUMBER,
        TracePacket::EXTENSION_DESCRIPTOR_FIELD_NUMBER,
        TracePacket::STACK_SAMPLE_FIELD_NUMBER,
        TracePacket::PROCESS_DESCRIPTOR_FIELD_NUMBER,
        TracePacket::THREAD_DESCRIPTOR_FIELD_NUMBER,
        TracePacket::COMPRESSED_PACKETS_FIELD_NUMBER,
        TracePacket::ZSTD_COMPRESSED_PACKETS_FIELD_NUMBER,
        TracePacket::SYSTEM_INFO_FIELD_NUMBER,
        SERVICE_EVENT,
        REMOTE_CLOCK_SYNC,
        TRACE_CONFIG,
    ];

    /// Others than compressed packets.
    fn has_others(&self) -> bool {
        let Self { stats, extension, stack_sample, process, thread, config, system, alone, compressed: _ } = self;
        [stats, extension, stack_sample, process, thread, config, system].iter().any(|field| field.is_some())
            || alone.is_some()
    }

    #[cold]
    fn read(body: &'b [u8], report: &mut Report<'_>) -> Self {
        let mut rare = Self::default();
        for field in Fields::new(body).flatten() {
            let Value::Bytes(bytes) = field.value else { continue };
            match field.number {
                TracePacket::TRACE_STATS_FIELD_NUMBER => rare.stats = Some(bytes),
                TracePacket::EXTENSION_DESCRIPTOR_FIELD_NUMBER => {
                    (rare.extension, rare.alone) = (Some(bytes), Some("the description of extensions"));
                }
                TracePacket::PROCESS_DESCRIPTOR_FIELD_NUMBER => rare.process = Some(bytes),
                TracePacket::THREAD_DESCRIPTOR_FIELD_NUMBER => rare.thread = Some(bytes),
                SERVICE_EVENT => rare.alone = Some("an event of the service"),
                REMOTE_CLOCK_SYNC => rare.alone = Some("clocks of another machine"),
                TracePacket::STACK_SAMPLE_FIELD_NUMBER => rare.stack_sample = Some(bytes),
                TracePacket::COMPRESSED_PACKETS_FIELD_NUMBER | TracePacket::ZSTD_COMPRESSED_PACKETS_FIELD_NUMBER => {
                    let is_zstd = field.number == TracePacket::ZSTD_COMPRESSED_PACKETS_FIELD_NUMBER;
                    let codec = if is_zstd { Codec::Zstd } else { Codec::Zlib };
                    if rare.compressed.replace((codec, bytes)).is_some_and(|(before, _)| before == codec) {
                        tell_twice(field.number, report);
                    }
                }
                TracePacket::SYSTEM_INFO_FIELD_NUMBER => rare.system = Some(bytes),
                TRACE_CONFIG => rare.config = Some(bytes),
                _ => {}
            }
        }
        rare
    }
}

/// What stands beside an event, and is lost.
#[inline]
fn tell_beside_event(track: Option<&[u8]>, rare: &Rare<'_>, report: &mut Report<'_>) {
    if track.is_some() || rare.thread.is_some() {
        let what = if track.is_some() { "track" } else { "thread" };
        report.say(
            Kind::BesideEvent,
            format_args!("expected a {what}'s description in a packet of its own, found an event beside it"),
        );
    }
}

/// A field that a packet has once. The last one counts, as for Perfetto.
#[inline]
fn once<'b>(slot: &mut Option<&'b [u8]>, bytes: &'b [u8], number: u32, report: &mut Report<'_>) {
    if slot.replace(bytes).is_some() {
        tell_twice(number, report);
    }
}

#[cold]
fn tell_twice(number: u32, report: &mut Report<'_>) {
    report.say(
        Kind::FieldTwice,
        format_args!("expected field {number} once in a packet, found it again: only the last one is read"),
    );
}

/// A field that nothing here reads: it may be of the wrong wire type, or unknown.
#[inline]
pub(super) fn odd_field(schema: &Schema, field: &Field<'_>, report: &mut Report<'_>) {
    let found = field.value.wire_type();
    match schema.wire_type(field.number) {
        Some(expected) if expected == found => {}
        expected => tell_odd_field(schema, field.number, expected, found, report),
    }
}

#[cold]
fn tell_odd_field(schema: &Schema, number: u32, expected: Option<WireType>, found: WireType, report: &mut Report<'_>) {
    let name = schema.name;
    match expected {
        Some(expected) => {
            let packed = if found == WireType::Bytes { " (packed, perhaps)" } else { "" };
            report.say(
                Kind::WireType,
                format_args!("{name}: expected field {number} to be {expected}, found {found}{packed}"),
            );
        }
        None if report.ledger.first_of(name, number) => {
            report.say(Kind::UnknownField, format_args!("{name}: field {number} is not in the schema; told once"));
        }
        None => {}
    }
}

/// Numbers of interned data that a stack sample names.
#[cold]
fn stack_sample(bytes: &[u8], interned: &mut Interned, report: &mut Report<'_>) {
    const COUNTERS: u32 = InternedData::STACK_SAMPLE_COUNTER_DESCRIPTORS_FIELD_NUMBER;
    for field in Fields::new(bytes) {
        let field = match field {
            Ok(field) => field,
            Err(error) => return report.say(Kind::MessageMalformed, format_args!("StackSample: {error}")),
        };
        let table = match field.number {
            StackSample::TASK_CONTEXT_IID_FIELD_NUMBER => InternedData::STACK_SAMPLE_TASK_CONTEXTS_FIELD_NUMBER,
            StackSample::EXECUTION_CONTEXT_IID_FIELD_NUMBER => {
                InternedData::STACK_SAMPLE_EXECUTION_CONTEXTS_FIELD_NUMBER
            }
            StackSample::CALLSTACK_IID_FIELD_NUMBER => InternedData::CALLSTACKS_FIELD_NUMBER,
            StackSample::PRIMARY_DESCRIPTOR_IID_FIELD_NUMBER | StackSample::FOLLOWER_DESCRIPTOR_IIDS_FIELD_NUMBER => {
                COUNTERS
            }
            _ => continue,
        };
        for iid in numbers(field.value) {
            interned.resolve(table, iid, "StackSample", report);
        }
    }
}
