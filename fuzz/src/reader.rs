//! Reads a trace with the official schema, as a reader of Perfetto's would: interned strings, defaults and the
//! incremental clock are those of a packet's sequence. Events become texts that can be compared.

use std::collections::HashMap;

use pftrace_testkit::dynamic;
use prost_reflect::{DynamicMessage, Value};

/// What an event says beside its time, track and name.
#[derive(Debug, Default)]
pub(crate) struct Details {
    pub(crate) categories: Vec<String>,
    pub(crate) annotations: String,
    pub(crate) flows: Vec<u64>,
    pub(crate) terminating_flows: Vec<u64>,
    pub(crate) correlation_id: Option<u64>,
    pub(crate) source_location: Option<(String, String, u32)>,
}

pub(crate) fn event(kind: &str, uuid: u64, time: &str, name: Option<&str>, value: &str, details: &Details) -> String {
    format!("{kind} on {uuid} {time} {name:?} {value} {details:?}")
}

pub(crate) fn marker(time: &str) -> String {
    format!("marker {time}")
}

pub(crate) fn time(clock: u64, ns: u64) -> String {
    format!("at {ns} of clock {clock}")
}

pub(crate) fn annotation(name: Option<&str>, value: &str) -> String {
    format!("{name:?}: {{{value}}} ")
}

pub(crate) fn bool(what: &str, value: bool) -> String {
    format!("{what} {value}")
}

pub(crate) fn int(what: &str, value: i64) -> String {
    format!("{what} {value}i")
}

pub(crate) fn uint(what: &str, value: u64) -> String {
    format!("{what} {value}u")
}

pub(crate) fn double(what: &str, value: f64) -> String {
    format!("{what} {value:?} ({:#x})", value.to_bits())
}

pub(crate) fn text(what: &str, value: &str) -> String {
    format!("{what} {value:?}")
}

/// That a trace is `packets` packets that the official schema knows, with these events.
///
/// # Panics
///
/// When it is not, or the schema is not installed.
pub(crate) fn check(trace: &[u8], packets: u64, expected: &[String]) {
    let Some(schema) = dynamic::official_schema() else { panic!("no official schema: run `make tools`") };
    let Some(descriptor) = schema.get_message_by_name("perfetto.protos.Trace") else { panic!("it has no Trace") };
    let trace = DynamicMessage::decode(descriptor, trace).unwrap_or_else(|error| panic!("{error}"));
    dynamic::check_known(&trace, "Trace").unwrap_or_else(|error| panic!("{error}"));
    let decoded = list(&trace, "packet");
    assert_eq!(decoded.len() as u64, packets, "packets");

    let mut sequences = HashMap::<u64, Sequence>::new();
    let mut found = Vec::new();
    for packet in &decoded {
        let id = number(packet, "trusted_packet_sequence_id").unwrap_or_else(|| panic!("no sequence: {packet:?}"));
        sequences.entry(id).or_default().read(packet, &mut found);
    }
    for (number, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert_eq!(found, expected, "event {number}");
    }
    assert_eq!(found.len(), expected.len(), "events");
}

/// What a sequence has said that later packets rely on.
#[derive(Debug, Default)]
struct Sequence {
    cleared: bool,
    /// By the name of the field of InternedData, and the number.
    interned: HashMap<(&'static str, u64), DynamicMessage>,
    default_track: Option<u64>,
    default_clock: Option<u64>,
    incremental: Option<u64>,
    trace_clock: u64,
}

const CLEARED: u64 = 1;
const NEEDS: u64 = 2;
const INCREMENTAL_CLOCK: u64 = 64;
const INTERNED: [&str; 5] =
    ["event_names", "event_categories", "debug_annotation_names", "debug_annotation_string_values", "source_locations"];

impl Sequence {
    fn read(&mut self, packet: &DynamicMessage, found: &mut Vec<String>) {
        let flags = number(packet, "sequence_flags").unwrap_or(0);
        if flags & CLEARED != 0 {
            // A snapshot stays, and its clock with it, until the next.
            *self =
                Self { cleared: true, incremental: self.incremental, trace_clock: self.trace_clock, ..Self::default() };
        }
        assert!(flags & NEEDS == 0 || self.cleared, "state that was never cleared");
        if let Some(defaults) = message(packet, "trace_packet_defaults") {
            self.default_clock = number(&defaults, "timestamp_clock_id");
            self.default_track =
                message(&defaults, "track_event_defaults").and_then(|track| number(&track, "track_uuid"));
        }
        if let Some(data) = message(packet, "interned_data") {
            self.define(&data);
        }
        if let Some(snapshot) = message(packet, "clock_snapshot") {
            self.snapshot(&snapshot);
        }
        let time = number(packet, "timestamp").map(|timestamp| self.time(packet, timestamp));
        match (message(packet, "track_event"), time) {
            (Some(event), Some(time)) => found.push(self.event(&event, &time)),
            (Some(event), None) => panic!("an event without a time: {event:?}"),
            (None, Some(time)) => found.push(marker(&time)),
            (None, None) => {}
        }
    }

    fn define(&mut self, data: &DynamicMessage) {
        for field in INTERNED {
            for entry in list(data, field) {
                let iid = number(&entry, "iid").unwrap_or(0);
                assert_ne!(iid, 0, "{field} without a number");
                let before = self.interned.insert((field, iid), entry);
                assert!(before.is_none(), "{field} {iid} is defined twice");
            }
        }
    }

    fn snapshot(&mut self, snapshot: &DynamicMessage) {
        let clocks = list(snapshot, "clocks");
        if let Some(incremental) = clocks.iter().find(|clock| number(clock, "clock_id") == Some(INCREMENTAL_CLOCK)) {
            self.incremental = number(incremental, "timestamp");
            let other = clocks.iter().find_map(|clock| number(clock, "clock_id").filter(|id| *id != INCREMENTAL_CLOCK));
            self.trace_clock = other.unwrap_or_else(|| panic!("a snapshot that relates nothing: {snapshot:?}"));
        }
    }

    fn time(&mut self, packet: &DynamicMessage, timestamp: u64) -> String {
        let clock = number(packet, "timestamp_clock_id").or(self.default_clock);
        match clock.unwrap_or_else(|| panic!("no clock: {packet:?}")) {
            INCREMENTAL_CLOCK => {
                let Some(last) = &mut self.incremental else { panic!("no snapshot before {packet:?}") };
                *last += timestamp;
                time(self.trace_clock, *last)
            }
            clock => time(clock, timestamp),
        }
    }

    fn event(&self, event: &DynamicMessage, time: &str) -> String {
        let kind = match event.get_field_by_name("type").as_deref() {
            Some(Value::EnumNumber(1)) => "TYPE_SLICE_BEGIN",
            Some(Value::EnumNumber(2)) => "TYPE_SLICE_END",
            Some(Value::EnumNumber(3)) => "TYPE_INSTANT",
            Some(Value::EnumNumber(4)) => "TYPE_COUNTER",
            Some(Value::EnumNumber(5)) => "TYPE_STATE",
            other => panic!("type {other:?}"),
        };
        let uuid = number(event, "track_uuid").or(self.default_track);
        let uuid = uuid.unwrap_or_else(|| panic!("no track: {event:?}"));
        let name = self.text_or_iid(event, "name", "name_iid", "event_names", "name");
        let value = match (value(event, "counter_value"), value(event, "double_counter_value")) {
            (Some(Value::I64(value)), None) => int("counter", value),
            (None, Some(Value::F64(value))) => double("counter", value),
            (None, None) => String::new(),
            other => panic!("the value of a counter: {other:?}"),
        };
        // Sorted: which are interned is not known to who said them.
        let mut categories: Vec<_> = (numbers(event, "category_iids").into_iter())
            .map(|iid| string(self.entry("event_categories", iid), "name").unwrap_or_default())
            .collect();
        categories.extend(strings(event, "categories"));
        categories.sort();
        let location = match number(event, "source_location_iid") {
            Some(iid) => Some(self.entry("source_locations", iid).clone()),
            None => message(event, "source_location"),
        };
        let details = Details {
            categories,
            annotations: list(event, "debug_annotations").iter().map(|note| self.annotation(note)).collect(),
            flows: numbers(event, "flow_ids"),
            terminating_flows: numbers(event, "terminating_flow_ids"),
            correlation_id: number(event, "correlation_id"),
            source_location: location.map(|location| {
                let text = |field| string(&location, field).unwrap_or_default();
                let line = number(&location, "line_number").unwrap_or(0) as u32;
                (text("file_name"), text("function_name"), line)
            }),
        };
        self::event(kind, uuid, time, name.as_deref(), &value, &details)
    }

    fn annotation(&self, note: &DynamicMessage) -> String {
        let name = self.text_or_iid(note, "name", "name_iid", "debug_annotation_names", "name");
        let scalars = [
            value(note, "bool_value").and_then(|value| value.as_bool()).map(|value| bool("value", value)),
            value(note, "int_value").and_then(|value| value.as_i64()).map(|value| int("value", value)),
            value(note, "uint_value").and_then(|value| value.as_u64()).map(|value| uint("value", value)),
            value(note, "double_value").and_then(|value| value.as_f64()).map(|value| double("value", value)),
            value(note, "pointer_value").and_then(|value| value.as_u64()).map(|value| uint("pointer", value)),
            self.text_or_iid(note, "string_value", "string_value_iid", "debug_annotation_string_values", "str")
                .map(|value| text("value", &value)),
        ];
        let inner = ["dict_entries", "array_values"].map(|field| list(note, field)).concat();
        let inner: String = inner.iter().map(|note| self.annotation(note)).collect();
        annotation(name.as_deref(), &scalars.into_iter().flatten().chain([inner]).collect::<String>())
    }

    fn text_or_iid(
        &self,
        m: &DynamicMessage,
        text: &str,
        iid: &str,
        table: &'static str,
        field: &str,
    ) -> Option<String> {
        match (string(m, text), number(m, iid)) {
            (None, Some(iid)) => Some(string(self.entry(table, iid), field).unwrap_or_default()),
            (text, None) => text,
            both => panic!("{text} twice: {both:?}"),
        }
    }

    fn entry(&self, table: &'static str, iid: u64) -> &DynamicMessage {
        self.interned.get(&(table, iid)).unwrap_or_else(|| panic!("{table} {iid} is not defined"))
    }
}

fn value(m: &DynamicMessage, field: &str) -> Option<Value> {
    if !m.has_field_by_name(field) {
        return None;
    }
    m.get_field_by_name(field).map(|value| value.into_owned())
}

fn number(m: &DynamicMessage, field: &str) -> Option<u64> {
    value(m, field).and_then(|value| as_number(&value))
}

fn as_number(value: &Value) -> Option<u64> {
    match value {
        Value::U64(value) => Some(*value),
        Value::U32(value) => Some(u64::from(*value)),
        _ => None,
    }
}

fn string(m: &DynamicMessage, field: &str) -> Option<String> {
    value(m, field).and_then(|value| as_string(&value))
}

fn as_string(value: &Value) -> Option<String> {
    match value {
        Value::String(value) => Some(value.clone()),
        Value::Bytes(value) => Some(String::from_utf8(value.to_vec()).unwrap_or_else(|error| panic!("{error}"))),
        _ => None,
    }
}

fn message(m: &DynamicMessage, field: &str) -> Option<DynamicMessage> {
    value(m, field).and_then(|value| value.as_message().cloned())
}

fn elements<T>(m: &DynamicMessage, field: &str, element: impl Fn(&Value) -> Option<T>) -> Vec<T> {
    let elements =
        value(m, field).and_then(|value| value.as_list().map(|list| list.iter().filter_map(element).collect()));
    elements.unwrap_or_default()
}

fn list(m: &DynamicMessage, field: &str) -> Vec<DynamicMessage> {
    elements(m, field, |value| value.as_message().cloned())
}

fn numbers(m: &DynamicMessage, field: &str) -> Vec<u64> {
    elements(m, field, as_number)
}

fn strings(m: &DynamicMessage, field: &str) -> Vec<String> {
    elements(m, field, as_string)
}
