//! Reads the fields of an event.

use std::vec::Vec;

use pftrace_protos::{InternedData, LogMessage, TaskExecution, TrackEvent};

use super::annotation::{Siblings, annotation};
use super::{Around, number};
use crate::check::finding::{Kind, Report};
use crate::check::hash;
use crate::check::interned::Interned;
use crate::check::names::Text;
use crate::check::packet::odd_field;
use crate::check::schema;
use crate::check::wire::{Field, Fields, Value};

const EXTENSIONS: core::ops::Range<u32> = 1000..10_000;

/// What an event says, as far as it matters here.
#[derive(Default)]
pub(super) struct Said<'b> {
    pub(super) kind: u64,
    pub(super) track: Option<u64>,
    pub(super) name: Text,
    /// The name that is interned counts, whichever stands first.
    pub(super) has_name_iid: bool,
    pub(super) category: Category,
    /// Of a counter.
    pub(super) value: Option<f64>,
    pub(super) has_flow: bool,
    pub(super) has_annotation: bool,
    pub(super) annotations: Siblings,
    pub(super) extra: Extra,
    pub(super) extra_double: Extra,
    pub(super) is_logged: bool,
    pub(super) legacy: Option<&'b [u8]>,
    pub(super) delta_us: Option<i64>,
    pub(super) absolute_us: i64,
    /// Of the thread's time, or its instructions.
    pub(super) has_thread_delta: bool,
}

/// Those that are interned are before the others, whichever stand first.
#[derive(Clone, Copy, Default)]
pub(super) struct Category {
    pub(super) interned: u64,
    pub(super) inline: u64,
}

/// Extra counters, of one of the two kinds.
#[derive(Default)]
pub(super) struct Extra {
    pub(super) values: u32,
    /// Those of the event: where it says none, the default ones count.
    pub(super) tracks: Vec<u64>,
}

impl Around<'_> {
    #[inline]
    pub(super) fn read<'b>(&mut self, bytes: &'b [u8], said: &mut Said<'b>, report: &mut Report<'_>) {
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
            (TrackEvent::TYPE_FIELD_NUMBER, Value::Varint(kind)) => {
                let before = core::mem::replace(&mut said.kind, kind);
                once(before != 0 && before != kind, field.number, report);
            }
            (TrackEvent::TRACK_UUID_FIELD_NUMBER, Value::Varint(uuid)) => {
                let before = said.track.replace(uuid);
                once(before.is_some_and(|before| before != uuid), field.number, report);
            }
            // None.
            (TrackEvent::NAME_IID_FIELD_NUMBER, Value::Varint(0)) => {}
            (TrackEvent::NAME_IID_FIELD_NUMBER, Value::Varint(iid)) => {
                let name = refer(InternedData::EVENT_NAMES_FIELD_NUMBER, iid, report).unwrap_or_default();
                said.add_name(name, field.number, report);
            }
            (TrackEvent::NAME_FIELD_NUMBER, Value::Bytes(name)) => {
                said.add_name(self.names.text(name), field.number, report);
            }
            (TrackEvent::CATEGORY_IIDS_FIELD_NUMBER, Value::Varint(iid)) => {
                let text = refer(InternedData::EVENT_CATEGORIES_FIELD_NUMBER, iid, report);
                said.category.interned = also(said.category.interned, text.map_or(iid, |text| text.hash));
            }
            (TrackEvent::CATEGORIES_FIELD_NUMBER, Value::Bytes(category)) => {
                said.category.inline = also(said.category.inline, hash(category));
            }
            (TrackEvent::DEBUG_ANNOTATIONS_FIELD_NUMBER, Value::Bytes(bytes)) => {
                said.has_annotation = true;
                annotation(bytes, Some(&mut said.annotations), interned, 0, report);
            }
            (TrackEvent::COUNTER_VALUE_FIELD_NUMBER, Value::Varint(value)) => {
                said.add_value(value as i64 as f64, field.number, report);
            }
            (TrackEvent::DOUBLE_COUNTER_VALUE_FIELD_NUMBER, Value::Fixed64(bits)) => {
                said.add_value(f64::from_bits(bits), field.number, report);
            }
            (TrackEvent::FLOW_IDS_FIELD_NUMBER | TrackEvent::TERMINATING_FLOW_IDS_FIELD_NUMBER, Value::Fixed64(_)) => {
                said.has_flow = true;
            }
            _ => self.rare_field(field, said, report),
        }
    }

    fn rare_field<'b>(&mut self, field: &Field<'b>, said: &mut Said<'b>, report: &mut Report<'_>) {
        let interned = &mut self.sequence.interned;
        let mut refer = |table, iid, report: &mut Report<'_>| _ = interned.resolve(table, iid, "TrackEvent", report);
        match (field.number, field.value) {
            (TrackEvent::SOURCE_LOCATION_IID_FIELD_NUMBER, Value::Varint(0)) => no_location("TrackEvent", report),
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
            (TrackEvent::EXTRA_DOUBLE_COUNTER_VALUES_FIELD_NUMBER, Value::Fixed64(bits)) => {
                said.extra_double.values += 1;
                number(f64::from_bits(bits), report);
            }
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
                let is_place = |field: Field<'_>| {
                    field.number == TaskExecution::POSTED_FROM_IID_FIELD_NUMBER
                        && !matches!(field.value, Value::Varint(0))
                };
                if !Fields::new(task).any(|field| field.map_or(true, is_place)) {
                    no_location("TaskExecution", report);
                }
            }
            (
                TrackEvent::FLOW_IDS_OLD_FIELD_NUMBER | TrackEvent::TERMINATING_FLOW_IDS_OLD_FIELD_NUMBER,
                Value::Varint(_),
            ) => {
                said.has_flow = true;
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
    fn add_name(&mut self, name: Text, field: u32, report: &mut Report<'_>) {
        let is_other = self.name.hash != 0 && name.hash != 0 && self.name.hash != name.hash;
        once(is_other, field, report);
        let is_interned = field == TrackEvent::NAME_IID_FIELD_NUMBER;
        if is_interned || !self.has_name_iid {
            self.name = name;
        }
        self.has_name_iid |= is_interned;
    }

    #[inline]
    fn add_value(&mut self, value: f64, field: u32, report: &mut Report<'_>) {
        let before = self.value.replace(value);
        once(before.is_some_and(|before| before != value), field, report);
    }

    #[inline]
    pub(super) fn has_own_time(&self) -> bool {
        self.delta_us.is_some() || self.absolute_us != 0 || self.has_thread_delta
    }
}

/// That a field is there once. The same again changes nothing.
#[inline]
fn once(is_again: bool, field: u32, report: &mut Report<'_>) {
    if is_again {
        report.say(
            Kind::FieldTwice,
            format_args!("TrackEvent: expected field {field} once, and none of which it excludes, found another before it: only one is read"),
        );
    }
}

impl Category {
    /// Both kinds together; 0 for none.
    #[inline]
    pub(super) fn text(self) -> u64 {
        if self.inline == 0 { self.interned } else { also(self.interned, self.inline) }
    }
}

/// Several are one, in their order.
#[inline]
fn also(texts: u64, text: u64) -> u64 {
    if texts == 0 { text } else { texts.rotate_left(5) ^ text }
}

/// Unlike most numbers, 0 is none even if something is defined as it.
#[cold]
fn no_location(by: &str, report: &mut Report<'_>) {
    report.say(
        Kind::IidMissing,
        format_args!("{by}: expected the number of a source location to be above 0, found none, or 0"),
    );
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
