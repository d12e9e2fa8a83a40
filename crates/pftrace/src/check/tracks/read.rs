//! What descriptions of tracks say: of threads, processes and counters.

use pftrace_protos::{CounterDescriptor, ProcessDescriptor, ThreadDescriptor};

use super::{Thread, What};
use crate::check::finding::{Kind, Report};
use crate::check::packet::odd_field;
use crate::check::schema::{self, Schema};
use crate::check::wire::{Fields, Value};

pub(super) fn thread(bytes: &[u8], report: &mut Report<'_>) -> Option<Thread> {
    let (mut pid, mut tid, mut reference_us) = (None, None, 0);
    for_each(bytes, &schema::THREAD_DESCRIPTOR, report, |number, value, _| {
        match (number, value) {
            (ThreadDescriptor::PID_FIELD_NUMBER, Value::Varint(number)) => pid = Some(number as i64),
            (ThreadDescriptor::TID_FIELD_NUMBER, Value::Varint(number)) => tid = Some(number as i64),
            (ThreadDescriptor::REFERENCE_TIMESTAMP_US_FIELD_NUMBER, Value::Varint(us)) => reference_us = us as i64,
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
    Some(Thread { pid, tid, reference_us })
}

pub(super) fn process(bytes: &[u8], report: &mut Report<'_>) -> What {
    let mut pid = None;
    for_each(bytes, &schema::PROCESS_DESCRIPTOR, report, |number, value, _| {
        match (number, value) {
            (ProcessDescriptor::PID_FIELD_NUMBER, Value::Varint(number)) => pid = Some(number as i64),
            _ => return false,
        }
        true
    });
    let Some(pid) = pid else {
        report.say(Kind::ProcessNoId, format_args!("expected a process to have a pid, found none"));
        return What::Plain;
    };
    reserved(pid, report);
    shown_as(pid, i64::from(pid as u32), report);
    What::Process(pid)
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

pub(super) fn counter(bytes: &[u8], report: &mut Report<'_>) -> What {
    let (mut multiplier, mut incremental) = (1, false);
    for_each(bytes, &schema::COUNTER_DESCRIPTOR, report, |number, value, _| {
        match (number, value) {
            (CounterDescriptor::UNIT_MULTIPLIER_FIELD_NUMBER, Value::Varint(number)) => multiplier = number as i64,
            (CounterDescriptor::IS_INCREMENTAL_FIELD_NUMBER, Value::Varint(number)) => incremental = number != 0,
            _ => return false,
        }
        true
    });
    What::Counter { multiplier, incremental }
}

/// Reads the fields of a message. `read` returns whether it has taken one; the others are held against the schema.
pub(super) fn for_each(
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
