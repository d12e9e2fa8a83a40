//! Reads `TracePacket`, in the order in which the trace processor does: state cleared, defaults, interned data, clock snapshot,
//! statistics, descriptions of extensions; then, if its state is there, time and payload.

mod machine;
mod read;

use std::vec::Vec;

use pftrace_protos::{InternedData, StackSample};

use self::machine::Machine;
use self::read::{NEEDS, Packet, Rare, tell_beside_event};
use super::bundle::Codec;
use super::clocks::Time;
use super::events::Around;
use super::extensions::Extensions;
use super::finding::{Kind, Report};
use super::framing::Packets;
use super::interned::{Interned, numbers};
use super::names::Names;
use super::schema::Schema;
use super::service::Service;
use super::summary::Summary;
use super::wire::{Field, Fields, WireType};
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
        let Machine { sequences, clocks, tracks, span_ns, .. } = machine;
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
        if let Some(sync) = rare.sync.filter(|_| packet.machine != 0) {
            clocks.synchronise(packet.sequence, sync, report);
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
        if let Some((bytes, field)) = rare.callstacks {
            callstacks(bytes, field, &mut sequence.interned, report);
        }
        if let Some(event) = packet.event.filter(|_| packet.has_sequence) {
            Around { sequence, tracks, clocks, names, summary, extensions, span_ns }.event(event, time, report);
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

impl Packets for State {
    fn packet(&mut self, body: &[u8], report: &mut Report<'_>) {
        self.read(body, false, report);
    }
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

/// Numbers of callstacks that samples of other profilers name.
#[cold]
fn callstacks(samples: &[u8], field: u32, interned: &mut Interned, report: &mut Report<'_>) {
    for item in Fields::new(samples).flatten().filter(|item| item.number == field) {
        for iid in numbers(item.value) {
            interned.resolve(InternedData::CALLSTACKS_FIELD_NUMBER, iid, "a sample", report);
        }
    }
}
