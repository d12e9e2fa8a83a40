//! What descriptions of tracks say, and within them those of threads, processes and counters.

use pftrace_protos::track_descriptor::{ChildTracksOrdering, SiblingMergeBehavior};
use pftrace_protos::{CounterDescriptor, ProcessDescriptor, ThreadDescriptor, TrackDescriptor};

use super::{Described, Thread, What};
use crate::check::finding::{Kind, Place, Report};
use crate::check::packet::odd_field;
use crate::check::schema::{self, Schema};
use crate::check::wire::{Fields, Value};
use crate::check::{HASHER, hash};

/// What a `TrackDescriptor` says.
pub(super) struct Read {
    pub(super) uuid: Option<u64>,
    pub(super) parent: u64,
    what: What,
    pub(super) thread: Option<Thread>,
    name: u64,
    process_name: u64,
    /// Whether it is another track than the system's of its thread.
    is_separate: bool,
    merge: u64,
    merge_key: u64,
    counter_terms: u64,
}

impl Read {
    pub(super) fn track(bytes: &[u8], report: &mut Report<'_>) -> Self {
        let mut read = Self {
            uuid: None,
            parent: 0,
            what: What::Plain,
            thread: None,
            name: 0,
            process_name: 0,
            is_separate: false,
            merge: 0,
            merge_key: 0,
            counter_terms: 0,
        };
        for_each(bytes, &schema::TRACK_DESCRIPTOR, report, |number, value, report| read.field(number, value, report));
        read.judge_name(report);
        read
    }

    /// Whether it is one that matters here.
    fn field(&mut self, number: u32, value: Value<'_>, report: &mut Report<'_>) -> bool {
        match (number, value) {
            (TrackDescriptor::UUID_FIELD_NUMBER, Value::Varint(uuid)) => self.uuid = Some(uuid),
            (TrackDescriptor::PARENT_UUID_FIELD_NUMBER, Value::Varint(parent)) => self.parent = parent,
            (
                TrackDescriptor::NAME_FIELD_NUMBER
                | TrackDescriptor::STATIC_NAME_FIELD_NUMBER
                | TrackDescriptor::ATRACE_NAME_FIELD_NUMBER,
                Value::Bytes(name),
            ) => self.name = hash(name),
            (TrackDescriptor::THREAD_FIELD_NUMBER, Value::Bytes(bytes)) => {
                self.thread = thread(bytes, report);
                let what = self.thread.map_or(What::Plain, |thread| What::Thread(thread.pid, thread.tid));
                self.what = self.what.or(what);
            }
            (TrackDescriptor::PROCESS_FIELD_NUMBER, Value::Bytes(bytes)) => {
                let (what, name) = process(bytes, report);
                (self.what, self.process_name) = (self.what.or(what), name);
            }
            (TrackDescriptor::COUNTER_FIELD_NUMBER, Value::Bytes(bytes)) => {
                let (what, terms) = counter(bytes, report);
                (self.what, self.counter_terms) = (self.what.or(what), terms);
            }
            (TrackDescriptor::STATE_FIELD_NUMBER, Value::Bytes(_)) => self.what = self.what.or(What::State),
            (TrackDescriptor::CHILD_ORDERING_FIELD_NUMBER, Value::Varint(ordering)) => {
                let last = ChildTracksOrdering::EXPLICIT.value() as u64;
                if ordering > last {
                    report.say(
                        Kind::ChildOrdering,
                        format_args!("expected an order of children of 0 to {last}, found {ordering}"),
                    );
                }
            }
            (TrackDescriptor::DISALLOW_MERGING_WITH_SYSTEM_TRACKS_FIELD_NUMBER, Value::Varint(is_separate)) => {
                self.is_separate = is_separate != 0;
            }
            (TrackDescriptor::SIBLING_MERGE_BEHAVIOR_FIELD_NUMBER, Value::Varint(merge)) => {
                // By the name, which is what it is by default.
                self.merge = if merge == 1 { 0 } else { merge };
            }
            (TrackDescriptor::SIBLING_MERGE_KEY_FIELD_NUMBER, Value::Bytes(key)) => self.merge_key = hash(key),
            (TrackDescriptor::SIBLING_MERGE_KEY_INT_FIELD_NUMBER, Value::Varint(key)) => self.merge_key = key,
            _ => return false,
        }
        true
    }

    /// A thread is called as its own description says.
    fn judge_name(&self, report: &mut Report<'_>) {
        if self.name != 0 && !self.is_separate && self.thread.is_some_and(|thread| thread.name == 0) {
            report.say(
                Kind::ThreadName,
                format_args!("expected a thread's name in its ThreadDescriptor, found one of its track only"),
            );
        }
    }

    pub(super) fn described(&self, place: Place) -> Described {
        let Self { parent, what, merge, .. } = *self;
        let by_key = merge == SiblingMergeBehavior::SIBLING_MERGE_BEHAVIOR_BY_SIBLING_MERGE_KEY.value() as u64;
        let merge_key = if by_key { self.merge_key } else { 0 };
        let counter = if matches!(what, What::Counter { .. }) { self.counter_terms } else { 0 };
        let name = match (what, self.thread) {
            (What::Thread(..), Some(thread)) => thread.name,
            (What::Process(_), _) => self.process_name,
            _ => self.name,
        };
        Described { place, parent, what, terms: HASHER.hash_one((merge, merge_key, counter)), name }
    }
}

pub(super) fn thread(bytes: &[u8], report: &mut Report<'_>) -> Option<Thread> {
    let (mut pid, mut tid, mut reference_us, mut name) = (None, None, 0, 0);
    for_each(bytes, &schema::THREAD_DESCRIPTOR, report, |number, value, _| {
        match (number, value) {
            (ThreadDescriptor::PID_FIELD_NUMBER, Value::Varint(number)) => pid = Some(number as i64),
            (ThreadDescriptor::TID_FIELD_NUMBER, Value::Varint(number)) => tid = Some(number as i64),
            (ThreadDescriptor::REFERENCE_TIMESTAMP_US_FIELD_NUMBER, Value::Varint(us)) => reference_us = us as i64,
            (ThreadDescriptor::THREAD_NAME_FIELD_NUMBER, Value::Bytes(text)) if !text.is_empty() => name = hash(text),
            _ => return false,
        }
        true
    });
    let (Some(pid), Some(tid)) = (pid, tid) else {
        report.say(
            Kind::ThreadNoId,
            format_args!("expected a thread to have a pid and a tid, found pid {pid:?} and tid {tid:?}"),
        );
        return None;
    };
    reserved(tid, report);
    shown_as(pid, i64::from(pid as i32), report);
    let shown = tid as i32;
    if i64::from(shown) != tid {
        report.say(
            Kind::TidLong,
            format_args!(
                "expected a thread's number to fit into 32 bits, found {tid}, which old versions show as {shown}"
            ),
        );
    }
    Some(Thread { pid, tid, name, reference_us })
}

/// And what it is called.
pub(super) fn process(bytes: &[u8], report: &mut Report<'_>) -> (What, u64) {
    let (mut pid, mut name) = (None, 0);
    for_each(bytes, &schema::PROCESS_DESCRIPTOR, report, |number, value, _| {
        match (number, value) {
            (ProcessDescriptor::PID_FIELD_NUMBER, Value::Varint(number)) => pid = Some(number as i64),
            (ProcessDescriptor::PROCESS_NAME_FIELD_NUMBER, Value::Bytes(text)) if !text.is_empty() => name = hash(text),
            _ => return false,
        }
        true
    });
    let Some(pid) = pid else {
        report.say(Kind::ProcessNoId, format_args!("expected a process to have a pid, found none"));
        return (What::Plain, 0);
    };
    reserved(pid, report);
    shown_as(pid, i64::from(pid as u32), report);
    (What::Process(pid), name)
}

/// A process's number has a sign where a thread says it, and none where the process does.
fn shown_as(pid: i64, shown: i64, report: &mut Report<'_>) {
    if shown != pid {
        report.say(
            Kind::PidRange,
            format_args!(
                "expected a process to have a number of 0 to {}, found {pid}, which is shown as {shown}",
                i32::MAX
            ),
        );
    }
}

fn reserved(id: i64, report: &mut Report<'_>) {
    if id == 0 {
        report.say(
            Kind::ReservedId,
            format_args!("expected a process or thread of a number other than 0, the kernel's idle thread"),
        );
    }
}

/// And what else has to be the same when it is described again: its type, categories and the key of the axis that it shares.
fn counter(bytes: &[u8], report: &mut Report<'_>) -> (What, u64) {
    let (mut multiplier, mut incremental) = (1, false);
    let (mut kind, mut categories, mut share_key) = (0, 0, 0);
    for_each(bytes, &schema::COUNTER_DESCRIPTOR, report, |number, value, _| {
        match (number, value) {
            (CounterDescriptor::UNIT_MULTIPLIER_FIELD_NUMBER, Value::Varint(number)) => multiplier = number as i64,
            (CounterDescriptor::TYPE_FIELD_NUMBER, Value::Varint(number)) => kind = number,
            (CounterDescriptor::CATEGORIES_FIELD_NUMBER, Value::Bytes(text)) => {
                categories = HASHER.hash_one((categories, text));
            }
            (CounterDescriptor::Y_AXIS_SHARE_KEY_FIELD_NUMBER, Value::Bytes(key)) => share_key = hash(key),
            (CounterDescriptor::IS_INCREMENTAL_FIELD_NUMBER, Value::Varint(number)) => incremental = number != 0,
            _ => return false,
        }
        true
    });
    (What::Counter { multiplier, incremental }, HASHER.hash_one((kind, categories, share_key)))
}

/// Reads the fields of a message. `read` returns whether it has taken one; the others are held against the schema.
fn for_each(
    bytes: &[u8],
    schema: &Schema,
    report: &mut Report<'_>,
    mut read: impl FnMut(u32, Value<'_>, &mut Report<'_>) -> bool,
) {
    for field in Fields::new(bytes) {
        match field {
            Ok(field) if read(field.number, field.value, report) => {}
            Ok(field) => odd_field(schema, &field, report),
            Err(error) => report.say(Kind::MessageMalformed, format_args!("{}: {error}", schema.name)),
        }
    }
}
