//! Reads the fields of a packet that matter here.

use pftrace_protos::TracePacket;
use pftrace_protos::trace_packet::SequenceFlags;

use super::odd_field;
use crate::check::bundle::Codec;
use crate::check::finding::{Kind, Report};
use crate::check::schema;
use crate::check::sequence::CLEARED;
use crate::check::service::{
    PERF_SAMPLE, PERF_SAMPLE_CALLSTACK, REMOTE_CLOCK_SYNC, SERVICE_EVENT, STREAMING_PROFILE,
    STREAMING_PROFILE_CALLSTACKS, TRACE_CONFIG,
};
use crate::check::wire::{Field, Fields, Value};

/// The fields of a packet that matter here.
#[derive(Debug, Default)]
pub(super) struct Packet<'b> {
    pub(super) timestamp: Option<u64>,
    pub(super) clock: Option<u32>,
    pub(super) sequence: u32,
    /// It says which, if only 0.
    pub(super) has_sequence: bool,
    pub(super) machine: u32,
    pub(super) flags: u64,
    /// Of old: the flag.
    pub(super) is_cleared: bool,
    pub(super) dropped: u64,
    pub(super) event: Option<&'b [u8]>,
    pub(super) track: Option<&'b [u8]>,
    pub(super) interned: Option<&'b [u8]>,
    pub(super) defaults: Option<&'b [u8]>,
    pub(super) snapshot: Option<&'b [u8]>,
    /// All of its fields, where some are of those that few packets have.
    pub(super) rare: Option<&'b [u8]>,
}

/// Of the fields of a packet that matter here those that few have: read a second time, so that the others cost nothing for them.
#[derive(Debug, Default)]
pub(super) struct Rare<'b> {
    pub(super) stats: Option<&'b [u8]>,
    pub(super) extension: Option<&'b [u8]>,
    pub(super) stack_sample: Option<&'b [u8]>,
    /// Samples of other profilers, and the field of them that has the numbers of callstacks.
    pub(super) callstacks: Option<(&'b [u8], u32)>,
    pub(super) process: Option<&'b [u8]>,
    pub(super) thread: Option<&'b [u8]>,
    pub(super) config: Option<&'b [u8]>,
    pub(super) system: Option<&'b [u8]>,
    pub(super) sync: Option<&'b [u8]>,
    /// Something beside which nothing is read.
    pub(super) alone: Option<&'static str>,
    pub(super) compressed: Option<(Codec, &'b [u8])>,
}

pub(super) const NEEDS: u64 = SequenceFlags::SEQ_NEEDS_INCREMENTAL_STATE.value() as u64;

impl<'b> Packet<'b> {
    /// False when it is none.
    #[inline]
    pub(super) fn read(&mut self, body: &'b [u8], report: &mut Report<'_>) -> bool {
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
            (TracePacket::TIMESTAMP_FIELD_NUMBER, Value::Varint(timestamp)) => {
                if self.timestamp.replace(timestamp).is_some_and(|before| before != timestamp) {
                    tell_twice(field.number, report);
                }
            }
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
    pub(super) fn tell_beside(&self, what: &str, rare: &Rare<'_>, report: &mut Report<'_>) {
        if self.event.is_some() || self.track.is_some() || rare.thread.is_some() {
            report.say(
                Kind::BesideSnapshot,
                format_args!("expected {what} in a packet of its own, found an event or a track beside it"),
            );
        }
    }

    /// What stands beside compressed packets, and is lost.
    #[cold]
    pub(super) fn tell_beside_bundle(&self, rare: &Rare<'_>, report: &mut Report<'_>) {
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
    pub(super) fn tell_no_sequence(&self, rare: &Rare<'_>, report: &mut Report<'_>) {
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
    const FIELDS: [u32; 13] = [
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
        STREAMING_PROFILE,
        PERF_SAMPLE,
    ];

    /// Others than compressed packets.
    fn has_others(&self) -> bool {
        let Self {
            stats,
            extension,
            stack_sample,
            callstacks,
            process,
            thread,
            config,
            system,
            sync: _,
            alone,
            compressed: _,
        } = self;
        [stats, extension, stack_sample, process, thread, config, system].iter().any(|field| field.is_some())
            || callstacks.is_some()
            || alone.is_some()
    }

    #[cold]
    pub(super) fn read(body: &'b [u8], report: &mut Report<'_>) -> Self {
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
                STREAMING_PROFILE => rare.callstacks = Some((bytes, STREAMING_PROFILE_CALLSTACKS)),
                PERF_SAMPLE => rare.callstacks = Some((bytes, PERF_SAMPLE_CALLSTACK)),
                SERVICE_EVENT => rare.alone = Some("an event of the service"),
                REMOTE_CLOCK_SYNC => (rare.sync, rare.alone) = (Some(bytes), Some("clocks of another machine")),
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
pub(super) fn tell_beside_event(track: Option<&[u8]>, rare: &Rare<'_>, report: &mut Report<'_>) {
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
