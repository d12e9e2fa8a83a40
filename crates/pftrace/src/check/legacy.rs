//! Events of the JSON format, whose phase is a letter: what Perfetto drops them for.

use core::fmt;

use pftrace_protos::track_event::LegacyEvent;
use pftrace_protos::track_event::legacy_event::InstantEventScope;

use super::finding::{Kind, Report};
use super::hash;
use super::wire::{Fields, Value};

/// What of a `LegacyEvent` matters here.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Legacy {
    pub(super) phase: Option<u8>,
    /// Of an event that says none itself; 0 for none.
    pub(super) name_iid: u64,
    duration_us: i64,
    scope: u64,
    has_id: bool,
    has_unscoped_id: bool,
    /// An id that counts within a process.
    has_local_id: bool,
    has_bind_id: bool,
    direction: u64,
    pid: Option<i64>,
    tid: Option<i64>,
    /// What it gives a name to, when its phase is M.
    names: Option<Named>,
}

/// An event of the phase M says what a thread or process is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    Nothing,
    Thread,
    Process,
    Other,
}

impl Legacy {
    #[cold]
    pub(super) fn read(bytes: &[u8], report: &mut Report<'_>) -> Self {
        let mut legacy = Self::default();
        for field in Fields::new(bytes) {
            match field.map(|field| (field.number, field.value)) {
                Ok((LegacyEvent::PHASE_FIELD_NUMBER, Value::Varint(phase))) => legacy.phase = Some(phase as u8),
                Ok((LegacyEvent::NAME_IID_FIELD_NUMBER, Value::Varint(iid))) => legacy.name_iid = iid,
                Ok((LegacyEvent::DURATION_US_FIELD_NUMBER, Value::Varint(us))) => legacy.duration_us = us as i64,
                Ok((LegacyEvent::INSTANT_EVENT_SCOPE_FIELD_NUMBER, Value::Varint(scope))) => legacy.scope = scope,
                Ok((LegacyEvent::UNSCOPED_ID_FIELD_NUMBER, _)) => {
                    (legacy.has_id, legacy.has_unscoped_id) = (true, true);
                }
                Ok((LegacyEvent::GLOBAL_ID_FIELD_NUMBER, _)) => legacy.has_id = true,
                Ok((LegacyEvent::LOCAL_ID_FIELD_NUMBER, _)) => legacy.has_local_id = true,
                Ok((LegacyEvent::BIND_ID_FIELD_NUMBER, _)) => legacy.has_bind_id = true,
                Ok((LegacyEvent::FLOW_DIRECTION_FIELD_NUMBER, Value::Varint(direction))) => {
                    legacy.direction = direction;
                }
                Ok((LegacyEvent::PID_OVERRIDE_FIELD_NUMBER, Value::Varint(pid))) => legacy.pid = Some(pid as i64),
                Ok((LegacyEvent::TID_OVERRIDE_FIELD_NUMBER, Value::Varint(tid))) => legacy.tid = Some(tid as i64),
                Ok(_) => {}
                Err(error) => report.say(Kind::MessageMalformed, format_args!("LegacyEvent: {error}")),
            }
        }
        legacy
    }

    /// What the event is called: of the phase M, that says what it does.
    pub(super) fn set_name(&mut self, name: u64) {
        self.names = (self.phase == Some(b'M')).then(|| match name {
            0 => Named::Nothing,
            name if name == hash(b"thread_name") => Named::Thread,
            name if name == hash(b"process_name") => Named::Process,
            _ => Named::Other,
        });
    }

    /// Whether its track has to be a thread's.
    pub(super) fn needs_thread(&self) -> bool {
        match self.phase {
            Some(b'M') => self.names == Some(Named::Thread),
            // Asynchronous ones, and flows.
            Some(b'b' | b'e' | b'n' | b'S' | b'T' | b'p' | b'F' | b's' | b't' | b'f') | None => false,
            Some(b'i' | b'I') => {
                self.scope != InstantEventScope::SCOPE_GLOBAL.value() as u64
                    && self.scope != InstantEventScope::SCOPE_PROCESS.value() as u64
            }
            // Those that Perfetto does not know, too.
            Some(_) => true,
        }
    }

    /// Whether its track has to be a process's, or a thread's.
    pub(super) fn needs_process(&self) -> bool {
        match self.phase {
            Some(b'b' | b'e' | b'n' | b'S' | b'T' | b'p' | b'F') => self.has_local_id && !self.has_id,
            Some(b'i' | b'I') => self.scope == InstantEventScope::SCOPE_PROCESS.value() as u64,
            Some(b'M') => self.names == Some(Named::Process),
            _ => false,
        }
    }

    /// It says itself of which thread it is.
    pub(super) fn overrides_thread(&self) -> bool {
        self.pid.is_some() || self.tid.is_some()
    }

    /// Its thread, on a sequence of another: a process without a thread is one of its own.
    pub(super) fn thread(&self, pid: i64, tid: i64) -> (i64, i64) {
        match (self.pid, self.tid) {
            (pid_override, Some(tid)) => (pid_override.unwrap_or(pid), tid),
            (Some(pid), None) => (pid, -1),
            (None, None) => (pid, tid),
        }
    }

    /// What it lacks.
    pub(super) fn judge(&self, has_annotation: bool, report: &mut Report<'_>) {
        let mut say = |message: fmt::Arguments<'_>| report.say(Kind::LegacyMisuse, message);
        match self.phase {
            Some(phase @ (b'b' | b'e' | b'n' | b'S' | b'T' | b'p' | b'F')) if !self.has_id && !self.has_local_id => {
                say(format_args!("expected an event of the phase {} to have an id, found none", char::from(phase)))
            }
            Some(phase @ (b's' | b't' | b'f')) if !self.has_unscoped_id => say(format_args!(
                "expected a flow of the phase {} to have an unscoped_id, found none",
                char::from(phase)
            )),
            Some(b'X') if self.duration_us < 0 => say(format_args!(
                "expected a duration_us of 0 or more of an event of the phase X, found {}",
                self.duration_us
            )),
            Some(b'M') if self.names == Some(Named::Nothing) => {
                say(format_args!("expected an event of the phase M to have a name, found none"))
            }
            Some(b'M') if self.names != Some(Named::Other) && !has_annotation => say(format_args!(
                "expected the name of a thread or process as an annotation of an event of the phase M, found none"
            )),
            _ => {}
        }
        if self.has_bind_id && !(1..=3).contains(&self.direction) {
            let found = self.direction;
            say(format_args!("expected a bind_id to have a flow_direction of 1 to 3, found {found}"));
        }
    }
}
