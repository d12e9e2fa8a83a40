//! What is known of one sequence.

use std::vec::Vec;

use pftrace_protos::trace_packet::SequenceFlags;
use pftrace_protos::{TracePacketDefaults, TrackEventDefaults};

use super::finding::{Kind, Report};
use super::interned::Interned;
use super::packet::odd_field;
use super::schema;
use super::summary::Summary;
use super::tracks::Thread;
use super::wire::{Fields, Value};

pub(super) const CLEARED: u64 = SequenceFlags::SEQ_INCREMENTAL_STATE_CLEARED.value() as u64;

/// One stream of packets.
#[derive(Debug)]
pub(super) struct Sequence {
    /// It has a packet.
    has_begun: bool,
    pub(super) is_valid: bool,
    /// Skipped packets of this gap have been told of.
    pub(super) has_told: bool,
    pub(super) interned: Interned,
    pub(super) default_clock: Option<u32>,
    pub(super) default_track: Option<u64>,
    /// The tracks of extra counters of an event that says none.
    pub(super) default_extra: Vec<u64>,
    pub(super) default_extra_double: Vec<u64>,
    /// The thread that was described last on it: the track of events that say none. A new generation keeps it.
    pub(super) thread: Option<(i64, i64)>,
    /// An event of this generation has said no track: it is on the thread that is described last in it, before or after.
    pub(super) uses_thread: bool,
    /// What times that are differences are added to, in nanoseconds of CLOCK_MONOTONIC.
    pub(super) reference_ns: Option<i64>,
    /// Of its last event.
    pub(super) last_ns: i64,
    pub(super) has_gone_back: bool,
}

impl Sequence {
    pub(super) fn new() -> Self {
        Self {
            has_begun: false,
            is_valid: false,
            has_told: false,
            interned: Interned::new(),
            default_clock: None,
            default_track: None,
            default_extra: Vec::new(),
            default_extra_double: Vec::new(),
            thread: None,
            uses_thread: false,
            reference_ns: None,
            last_ns: i64::MIN,
            has_gone_back: false,
        }
    }

    fn forget_defaults(&mut self) {
        (self.default_clock, self.default_track) = (None, None);
        self.default_extra.clear();
        self.default_extra_double.clear();
    }

    /// What a packet's flags do to the state.
    #[inline]
    pub(super) fn renew(&mut self, flags: u64, dropped: u64, summary: &mut Summary, report: &mut Report<'_>) {
        // The service says so of the first packet of each sequence as well: it can't know of one before.
        let is_first = !core::mem::replace(&mut self.has_begun, true);
        if dropped != 0 && !is_first {
            summary.loss.gaps += 1;
            report.say(Kind::Loss, format_args!("packets of this sequence before this one are missing"));
        }
        if flags & CLEARED != 0 {
            self.interned.clear();
            self.forget_defaults();
            (self.is_valid, self.has_told) = (true, false);
            (self.reference_ns, self.uses_thread) = (None, false);
        } else if dropped != 0 {
            (self.reference_ns, self.uses_thread) = (None, false);
            self.is_valid = false;
            self.has_told = false;
        }
    }

    /// A thread is described on it. Returns the one before, if that is another, or none, and events of this generation are on it.
    #[cold]
    pub(super) fn set_thread(&mut self, thread: &Thread) -> Option<Option<(i64, i64)>> {
        self.reference_ns = Some(thread.reference_us.saturating_mul(1_000));
        let before = self.thread.replace((thread.pid, thread.tid));
        let is_another = before != self.thread && core::mem::take(&mut self.uses_thread);
        is_another.then_some(before)
    }

    /// All of them are replaced.
    pub(super) fn set_defaults(&mut self, bytes: &[u8], report: &mut Report<'_>) {
        self.forget_defaults();
        for field in Fields::new(bytes) {
            match field {
                Ok(field) => match (field.number, field.value) {
                    (TracePacketDefaults::TIMESTAMP_CLOCK_ID_FIELD_NUMBER, Value::Varint(clock)) => {
                        self.default_clock = Some(clock as u32);
                    }
                    (TracePacketDefaults::TRACK_EVENT_DEFAULTS_FIELD_NUMBER, Value::Bytes(event)) => {
                        self.set_event_defaults(event, report);
                    }
                    _ => odd_field(&schema::TRACE_PACKET_DEFAULTS, &field, report),
                },
                Err(error) => report.say(Kind::MessageMalformed, format_args!("TracePacketDefaults: {error}")),
            }
        }
    }

    fn set_event_defaults(&mut self, bytes: &[u8], report: &mut Report<'_>) {
        for field in Fields::new(bytes) {
            match field {
                Ok(field) => match (field.number, field.value) {
                    (TrackEventDefaults::TRACK_UUID_FIELD_NUMBER, Value::Varint(uuid)) => {
                        self.default_track = Some(uuid)
                    }
                    (TrackEventDefaults::EXTRA_COUNTER_TRACK_UUIDS_FIELD_NUMBER, Value::Varint(uuid)) => {
                        self.default_extra.push(uuid);
                    }
                    (TrackEventDefaults::EXTRA_DOUBLE_COUNTER_TRACK_UUIDS_FIELD_NUMBER, Value::Varint(uuid)) => {
                        self.default_extra_double.push(uuid);
                    }
                    _ => odd_field(&schema::TRACK_EVENT_DEFAULTS, &field, report),
                },
                Err(error) => report.say(Kind::MessageMalformed, format_args!("TrackEventDefaults: {error}")),
            }
        }
    }
}
