//! Reads `TrackEvent`.

use std::vec::Vec;

use pftrace_protos::track_event::Type;
use pftrace_protos::{DebugAnnotation, InternedData, LogMessage, TaskExecution, TrackEvent};

use super::clocks::{Clocks, Time};
use super::extensions::Extensions;
use super::finding::{Kind, Report};
use super::hash;
use super::interned::Interned;
use super::legacy::Legacy;
use super::names::{Names, Text};
use super::packet::odd_field;
use super::schema;
use super::sequence::Sequence;
use super::slices::Event;
use super::summary::Summary;
use super::tracks::Tracks;
use super::wire::{Field, Fields, Value};

/// More values of extra counters Perfetto does not take, of both kinds together.
const MAX_EXTRA_COUNTERS: u32 = 8;

/// Annotations that are nested deeper are not looked into.
const MAX_ANNOTATION_DEPTH: u32 = 100;

const EXTENSIONS: core::ops::Range<u32> = 1000..10_000;

/// What an event is held against.
pub(super) struct Around<'s> {
    pub(super) sequence: &'s mut Sequence,
    pub(super) tracks: &'s mut Tracks,
    pub(super) clocks: &'s mut Clocks,
    pub(super) names: &'s mut Names,
    pub(super) summary: &'s mut Summary,
    pub(super) extensions: &'s mut Extensions,
}

/// What an event says, as far as it matters here.
#[derive(Default)]
struct Said<'b> {
    kind: u64,
    track: Option<u64>,
    name: Text,
    /// The name that is interned counts, whichever stands first.
    has_name_iid: bool,
    category: Category,
    has_value: bool,
    extra: Extra,
    extra_double: Extra,
    is_logged: bool,
    legacy: Option<&'b [u8]>,
    delta_us: Option<i64>,
    absolute_us: i64,
    /// Of the thread's time, or its instructions.
    has_thread_delta: bool,
}

/// Those that are interned are before the others, whichever stand first.
#[derive(Clone, Copy, Default)]
struct Category {
    interned: u64,
    inline: u64,
}

/// Extra counters, of one of the two kinds.
#[derive(Default)]
struct Extra {
    values: u32,
    /// Those of the event: where it says none, the default ones count.
    tracks: Vec<u64>,
}

const BEGIN: u64 = Type::TYPE_SLICE_BEGIN.value() as u64;
const END: u64 = Type::TYPE_SLICE_END.value() as u64;
const INSTANT: u64 = Type::TYPE_INSTANT.value() as u64;
const COUNTER: u64 = Type::TYPE_COUNTER.value() as u64;
const STATE: u64 = Type::TYPE_STATE.value() as u64;

impl Around<'_> {
    /// Reads an event. `time` is its packet's, if it says one.
    pub(super) fn event(&mut self, bytes: &[u8], time: Option<Time>, report: &mut Report<'_>) {
        let mut said = Said::default();
        self.read(bytes, &mut said, report);
        let legacy = said.legacy.map(|legacy| Legacy::read(legacy, report));
        if let Some(iid) = legacy.map(|legacy| legacy.name_iid).filter(|iid| *iid != 0 && !said.has_name_iid) {
            let name =
                self.sequence.interned.resolve(InternedData::EVENT_NAMES_FIELD_NUMBER, iid, "LegacyEvent", report);
            said.name = name.unwrap_or_default();
        }
        let is_legacy = legacy.is_some_and(|legacy| legacy.phase.is_some());
        self.count(&said, is_legacy, report);
        let time = if said.has_own_time() { self.own_time(&said, time, report) } else { time };
        let Some(time) = time else {
            return report.say(Kind::NoTimestamp, format_args!("expected an event to have a timestamp, found none"));
        };
        if matches!(time, Time::Lost) {
            return;
        }
        if let Time::At(at) = time {
            self.pass(at, report);
        }
        let uuid = said.track.or(self.sequence.default_track);
        self.counters(&said, uuid, report);
        let number = match uuid {
            Some(uuid) if uuid != 0 => self.tracks.number(uuid),
            _ => self.default_number(&said, legacy.as_ref()),
        };
        self.tracks.used(number, report.place);
        if said.is_logged {
            self.tracks.logged(number, report.place);
        }
        if let Some(legacy) = legacy {
            legacy.judge(report);
            if legacy.needs_thread() {
                self.tracks.threaded(number, report.place);
            }
            if legacy.needs_process() {
                self.tracks.processed(number, report.place);
            }
        }
        if is_legacy {
            return self.tracks.give_up(number, report, format_args!("events of the JSON format are on it"));
        }
        if said.kind == BEGIN || said.kind == END {
            match time {
                Time::At(at) => {
                    let event = Event::new(at, report.place, said.kind == END, said.name, said.category.text());
                    self.tracks.slice(number, event, self.names, report);
                }
                _ => self.tracks.give_up(number, report, format_args!("the time of an event on it is not known")),
            }
        }
    }

    /// The time that an event of the old style says, of CLOCK_MONOTONIC; else its packet's.
    #[cold]
    fn own_time(&mut self, said: &Said<'_>, time: Option<Time>, report: &mut Report<'_>) -> Option<Time> {
        let sequence = &mut self.sequence;
        if sequence.reference_ns.is_none() && (said.delta_us.is_some() || said.has_thread_delta) {
            report.say(Kind::DeltaNoThread, format_args!(
                "expected a ThreadDescriptor since the sequence's state began before a time that is a difference, found none"
            ));
            return Some(Time::Lost);
        }
        let ns = match (said.delta_us, &mut sequence.reference_ns) {
            (Some(delta), Some(reference)) => {
                *reference = reference.saturating_add(delta.saturating_mul(1_000));
                *reference
            }
            _ if said.absolute_us != 0 => said.absolute_us.saturating_mul(1_000),
            _ => return time,
        };
        if ns < 0 {
            report.say(Kind::NegativeTimestamp, format_args!("expected a time above 0, found {ns} ns"));
            return Some(Time::Lost);
        }
        Some(Time::At(self.clocks.monotonic(ns, report.place)))
    }

    /// The track of an event that says none, or 0: where its sequence has a thread, that is it, for an event of the old style.
    #[inline]
    fn default_number(&mut self, said: &Said<'_>, legacy: Option<&Legacy>) -> usize {
        let overridden = legacy.is_some_and(Legacy::overrides_thread);
        match self.sequence.thread {
            _ if said.track.is_some() && said.kind != 0 && !overridden => self.tracks.number(0),
            None if !overridden => {
                self.sequence.uses_thread = true;
                self.tracks.number(0)
            }
            thread => {
                self.sequence.uses_thread |= !overridden;
                let (pid, tid) = thread.unwrap_or_default();
                let (pid, tid) = legacy.map_or((pid, tid), |legacy| legacy.thread(pid, tid));
                self.tracks.thread_number(pid, tid)
            }
        }
    }

    /// `has_phase`: it is an event of the JSON format.
    #[inline]
    fn count(&mut self, said: &Said<'_>, has_phase: bool, report: &mut Report<'_>) {
        let events = &mut self.summary.events;
        match said.kind {
            BEGIN => events.begins += 1,
            END => events.ends += 1,
            INSTANT => events.instants += 1,
            COUNTER => events.counters += 1,
            STATE => events.states += 1,
            _ => events.others += 1,
        }
        if said.kind == BEGIN || said.kind == INSTANT {
            self.names.event(said.name.name);
        }
        if has_phase && report.ledger.counts[Kind::Legacy as usize] == 0 {
            report.say(
                Kind::Legacy,
                format_args!("events of the JSON format: whether their slices match is not checked"),
            );
        }
        if !has_phase && !(BEGIN..=STATE).contains(&said.kind) {
            report.say(
                Kind::EventNoType,
                format_args!(
                    "expected a type of {BEGIN} to {STATE}, or a phase of the JSON format, found type {}",
                    said.kind
                ),
            );
        }
    }

    /// Time goes on.
    #[inline]
    fn pass(&mut self, at: i64, report: &mut Report<'_>) {
        let (first, last) = self.summary.span_ns.get_or_insert((at, at));
        (*first, *last) = ((*first).min(at), (*last).max(at));
        let before = self.sequence.last_ns;
        self.sequence.last_ns = at;
        if at < before && !self.sequence.has_gone_back {
            self.sequence.has_gone_back = true;
            report.say(
                Kind::TimeBack,
                format_args!("an event at {at} ns after one at {before} ns; told once per sequence"),
            );
        }
    }

    #[inline]
    fn counters(&mut self, said: &Said<'_>, uuid: Option<u64>, report: &mut Report<'_>) {
        if said.kind == COUNTER {
            match uuid {
                None | Some(0) => report.say(
                    Kind::CounterNoTrack,
                    format_args!("expected the value of a counter to have a track, found none"),
                ),
                Some(uuid) => {
                    let number = self.tracks.number(uuid);
                    self.tracks.counted(number, report.place, report);
                }
            }
            if !said.has_value {
                report.say(Kind::CounterNoValue, format_args!("expected a counter event to have a value, found none"));
            }
        }
        if said.kind == STATE && uuid.is_none_or(|uuid| uuid == 0) {
            report.say(Kind::StateNoTrack, format_args!("expected a state to have a track, found none"));
        }
        let extra_values = said.extra.values + said.extra_double.values;
        if extra_values > MAX_EXTRA_COUNTERS {
            return report.say(
                Kind::ExtraCounters,
                format_args!(
                    "expected at most {MAX_EXTRA_COUNTERS} extra counter values, whole numbers and others together, found {extra_values}"
                ),
            );
        }
        if said.extra.values > 0 {
            extra(&said.extra, &self.sequence.default_extra, "", self.tracks, report);
        }
        if said.extra_double.values > 0 {
            extra(&said.extra_double, &self.sequence.default_extra_double, "double ", self.tracks, report);
        }
    }

    #[inline]
    fn read<'b>(&mut self, bytes: &'b [u8], said: &mut Said<'b>, report: &mut Report<'_>) {
        for field in Fields::new(bytes) {
            match field {
                Ok(field) => self.field(&field, said, report),
                Err(error) => report.say(Kind::MessageMalformed, format_args!("TrackEvent: {error}")),
            }
        }
    }

    #[inline]
    fn field<'b>(&mut self, field: &Field<'b>, said: &mut Said<'b>, report: &mut Report<'_>) {
        let interned = &mut self.sequence.interned;
        let mut refer = |table, iid, report: &mut Report<'_>| interned.resolve(table, iid, "TrackEvent", report);
        match (field.number, field.value) {
            (TrackEvent::TYPE_FIELD_NUMBER, Value::Varint(kind)) => said.kind = kind,
            (TrackEvent::TRACK_UUID_FIELD_NUMBER, Value::Varint(uuid)) => said.track = Some(uuid),
            // None.
            (TrackEvent::NAME_IID_FIELD_NUMBER, Value::Varint(0)) => {}
            (TrackEvent::NAME_IID_FIELD_NUMBER, Value::Varint(iid)) => {
                said.name = refer(InternedData::EVENT_NAMES_FIELD_NUMBER, iid, report).unwrap_or_default();
                said.has_name_iid = true;
            }
            (TrackEvent::NAME_FIELD_NUMBER, Value::Bytes(name)) if !said.has_name_iid => {
                said.name = self.names.text(name);
            }
            (TrackEvent::NAME_FIELD_NUMBER, Value::Bytes(_)) => {}
            (TrackEvent::CATEGORY_IIDS_FIELD_NUMBER, Value::Varint(iid)) => {
                let text = refer(InternedData::EVENT_CATEGORIES_FIELD_NUMBER, iid, report);
                said.category.interned = also(said.category.interned, text.map_or(iid, |text| text.hash));
            }
            (TrackEvent::CATEGORIES_FIELD_NUMBER, Value::Bytes(category)) => {
                said.category.inline = also(said.category.inline, hash(category));
            }
            (TrackEvent::DEBUG_ANNOTATIONS_FIELD_NUMBER, Value::Bytes(annotation)) => {
                self::annotation(annotation, true, interned, 0, report);
            }
            (TrackEvent::COUNTER_VALUE_FIELD_NUMBER, Value::Varint(_))
            | (TrackEvent::DOUBLE_COUNTER_VALUE_FIELD_NUMBER, Value::Fixed64) => said.has_value = true,
            (TrackEvent::FLOW_IDS_FIELD_NUMBER | TrackEvent::TERMINATING_FLOW_IDS_FIELD_NUMBER, Value::Fixed64) => {}
            _ => self.rare_field(field, said, report),
        }
    }

    fn rare_field<'b>(&mut self, field: &Field<'b>, said: &mut Said<'b>, report: &mut Report<'_>) {
        let interned = &mut self.sequence.interned;
        let mut refer = |table, iid, report: &mut Report<'_>| _ = interned.resolve(table, iid, "TrackEvent", report);
        match (field.number, field.value) {
            (TrackEvent::SOURCE_LOCATION_IID_FIELD_NUMBER, Value::Varint(iid)) => {
                refer(InternedData::SOURCE_LOCATIONS_FIELD_NUMBER, iid, report);
            }
            (TrackEvent::CORRELATION_ID_STR_IID_FIELD_NUMBER, Value::Varint(iid)) => {
                refer(InternedData::CORRELATION_ID_STR_FIELD_NUMBER, iid, report);
            }
            (TrackEvent::CALLSTACK_IID_FIELD_NUMBER, Value::Varint(iid)) => {
                refer(InternedData::CALLSTACKS_FIELD_NUMBER, iid, report);
            }
            (TrackEvent::EXTRA_COUNTER_VALUES_FIELD_NUMBER, Value::Varint(_)) => said.extra.values += 1,
            (TrackEvent::EXTRA_DOUBLE_COUNTER_VALUES_FIELD_NUMBER, Value::Fixed64) => said.extra_double.values += 1,
            (TrackEvent::EXTRA_COUNTER_TRACK_UUIDS_FIELD_NUMBER, Value::Varint(uuid)) => {
                said.extra.tracks.push(uuid);
            }
            (TrackEvent::EXTRA_DOUBLE_COUNTER_TRACK_UUIDS_FIELD_NUMBER, Value::Varint(uuid)) => {
                said.extra_double.tracks.push(uuid);
            }
            (TrackEvent::LOG_MESSAGE_FIELD_NUMBER, Value::Bytes(log)) => {
                said.is_logged = true;
                let tables: &[_] = &[
                    (LogMessage::BODY_IID_FIELD_NUMBER, InternedData::LOG_MESSAGE_BODY_FIELD_NUMBER),
                    (LogMessage::SOURCE_LOCATION_IID_FIELD_NUMBER, InternedData::SOURCE_LOCATIONS_FIELD_NUMBER),
                ];
                references(log, &schema::LOG_MESSAGE, tables, interned, report);
                let is_body = |field: Field<'_>| {
                    field.number == LogMessage::BODY_IID_FIELD_NUMBER && matches!(field.value, Value::Varint(_))
                };
                // Behind what can't be read there may be one.
                if !Fields::new(log).any(|field| field.map_or(true, is_body)) {
                    report.say(
                        Kind::LogNoBody,
                        format_args!("expected a log message to have a body_iid, its text, found none"),
                    );
                }
            }
            (TrackEvent::TASK_EXECUTION_FIELD_NUMBER, Value::Bytes(task)) => {
                let tables: &[_] =
                    &[(TaskExecution::POSTED_FROM_IID_FIELD_NUMBER, InternedData::SOURCE_LOCATIONS_FIELD_NUMBER)];
                references(task, &schema::TASK_EXECUTION, tables, interned, report);
            }
            (
                TrackEvent::FLOW_IDS_OLD_FIELD_NUMBER | TrackEvent::TERMINATING_FLOW_IDS_OLD_FIELD_NUMBER,
                Value::Varint(_),
            ) => {
                if report.ledger.counts[Kind::FlowOld as usize] == 0 {
                    let number = field.number;
                    report.say(
                        Kind::FlowOld,
                        format_args!("expected flows in the fields 47 and 48, found field {number} of old; told once"),
                    );
                }
            }
            (TrackEvent::LEGACY_EVENT_FIELD_NUMBER, Value::Bytes(legacy)) => said.legacy = Some(legacy),
            (TrackEvent::TIMESTAMP_DELTA_US_FIELD_NUMBER, Value::Varint(us)) => said.delta_us = Some(us as i64),
            (TrackEvent::TIMESTAMP_ABSOLUTE_US_FIELD_NUMBER, Value::Varint(us)) => said.absolute_us = us as i64,
            (
                TrackEvent::THREAD_TIME_DELTA_US_FIELD_NUMBER | TrackEvent::THREAD_INSTRUCTION_COUNT_DELTA_FIELD_NUMBER,
                Value::Varint(_),
            ) => said.has_thread_delta = true,
            (number, _) if EXTENSIONS.contains(&number) => {
                self.extensions.used(number, report.place);
            }
            _ => odd_field(&schema::TRACK_EVENT, field, report),
        }
    }
}

impl Said<'_> {
    #[inline]
    fn has_own_time(&self) -> bool {
        self.delta_us.is_some() || self.absolute_us != 0 || self.has_thread_delta
    }
}

impl Category {
    /// Both kinds together; 0 for none.
    #[inline]
    fn text(self) -> u64 {
        if self.inline == 0 { self.interned } else { also(self.interned, self.inline) }
    }
}

/// Several are one, in their order.
#[inline]
fn also(texts: u64, text: u64) -> u64 {
    if texts == 0 { text } else { texts.rotate_left(5) ^ text }
}

fn extra(extra: &Extra, default: &[u64], what: &str, tracks: &mut Tracks, report: &mut Report<'_>) {
    let values = extra.values;
    let uuids = if extra.tracks.is_empty() { default } else { &extra.tracks };
    for uuid in uuids.iter().take(values as usize) {
        let number = tracks.number(*uuid);
        tracks.counted(number, report.place, report);
    }
    let found = uuids.len();
    if found < values as usize {
        report.say(
            Kind::ExtraCounters,
            format_args!("expected a track for each of {values} extra {what}counter values, found {found}"),
        );
    }
}

/// An annotation, and those within. What is in an array needs no name.
fn annotation(bytes: &[u8], needs_name: bool, interned: &mut Interned, depth: u32, report: &mut Report<'_>) {
    let by = schema::DEBUG_ANNOTATION.name;
    let mut has_name = !needs_name;
    let mut values = Values::default();
    for field in Fields::new(bytes) {
        let field = match field {
            Ok(field) => field,
            Err(error) => return report.say(Kind::MessageMalformed, format_args!("{by}: {error}")),
        };
        values.add(field.number);
        let table = match (field.number, field.value) {
            (DebugAnnotation::NAME_FIELD_NUMBER, Value::Bytes(_)) => {
                has_name = true;
                continue;
            }
            // None.
            (DebugAnnotation::NAME_IID_FIELD_NUMBER, Value::Varint(0)) => continue,
            (DebugAnnotation::NAME_IID_FIELD_NUMBER, Value::Varint(_)) => {
                has_name = true;
                InternedData::DEBUG_ANNOTATION_NAMES_FIELD_NUMBER
            }
            (DebugAnnotation::STRING_VALUE_IID_FIELD_NUMBER, Value::Varint(_)) => {
                InternedData::DEBUG_ANNOTATION_STRING_VALUES_FIELD_NUMBER
            }
            (DebugAnnotation::PROTO_TYPE_NAME_IID_FIELD_NUMBER, Value::Varint(_)) => {
                InternedData::DEBUG_ANNOTATION_VALUE_TYPE_NAMES_FIELD_NUMBER
            }
            (
                DebugAnnotation::DICT_ENTRIES_FIELD_NUMBER | DebugAnnotation::ARRAY_VALUES_FIELD_NUMBER,
                Value::Bytes(inner),
            ) => {
                if depth < MAX_ANNOTATION_DEPTH {
                    let needs_name = field.number == DebugAnnotation::DICT_ENTRIES_FIELD_NUMBER;
                    annotation(inner, needs_name, interned, depth + 1, report);
                }
                continue;
            }
            _ => {
                odd_field(&schema::DEBUG_ANNOTATION, &field, report);
                continue;
            }
        };
        if let Value::Varint(iid) = field.value {
            interned.resolve(table, iid, by, report);
        }
    }
    if !has_name {
        return report.say(
            Kind::AnnotationNoName,
            format_args!("expected an annotation, or an entry of a dictionary in one, to have a name, found none"),
        );
    }
    values.judge(report);
}

/// Which values an annotation has.
#[derive(Default)]
struct Values {
    /// The field of the first.
    first: u32,
    has_several: bool,
    has_type: bool,
}

impl Values {
    #[inline]
    fn add(&mut self, field: u32) {
        match field {
            DebugAnnotation::NAME_FIELD_NUMBER | DebugAnnotation::NAME_IID_FIELD_NUMBER => {}
            DebugAnnotation::PROTO_TYPE_NAME_FIELD_NUMBER | DebugAnnotation::PROTO_TYPE_NAME_IID_FIELD_NUMBER => {
                self.has_type = true;
            }
            2..=17 if self.first == 0 => self.first = field,
            // Entries and elements, one after the other.
            DebugAnnotation::DICT_ENTRIES_FIELD_NUMBER | DebugAnnotation::ARRAY_VALUES_FIELD_NUMBER => {
                self.has_several |= self.first != field;
            }
            2..=17 => self.has_several = true,
            _ => {}
        }
    }

    #[inline]
    fn judge(&self, report: &mut Report<'_>) {
        if self.first == 0 {
            report.say(Kind::AnnotationNoValue, format_args!("expected an annotation to have a value, found none"));
        }
        if self.has_several {
            report.say(Kind::AnnotationValues, format_args!("expected an annotation to have one value, found several"));
        }
        if self.first == DebugAnnotation::PROTO_VALUE_FIELD_NUMBER && !self.has_type {
            report.say(
                Kind::AnnotationValues,
                format_args!("expected an annotation whose value is a message to say its type, found none"),
            );
        }
    }
}

/// A message of which some fields are numbers of interned data.
fn references(
    bytes: &[u8],
    schema: &schema::Schema,
    tables: &[(u32, u32)],
    interned: &mut Interned,
    report: &mut Report<'_>,
) {
    for field in Fields::new(bytes) {
        match field {
            Ok(field) => {
                let table = tables.iter().find(|(number, _)| *number == field.number);
                match (table, field.value) {
                    (Some((_, table)), Value::Varint(iid)) => _ = interned.resolve(*table, iid, schema.name, report),
                    _ => odd_field(schema, &field, report),
                }
            }
            Err(error) => report.say(Kind::MessageMalformed, format_args!("{}: {error}", schema.name)),
        }
    }
}
