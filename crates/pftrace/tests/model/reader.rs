//! Reads what the packets of a trace say: resolves interned strings, times that are differences, default tracks. It is
//! strict where the trace processor is silent: a number defined twice, state that was never cleared, flags that lie.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::program::{Arg, Event, Number};
use crate::record::{Happened, Record, Says, Type};

const CLEARED: u64 = 1;
const NEEDS: u64 = 2;
const INCREMENTAL_CLOCK: u32 = 64;

/// What a trace says.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) records: Vec<Record>,
    /// How many strings that could be interned were not.
    pub(crate) inline_strings: u32,
}

/// Reads the packets that a decoder has decoded. `clock` is the number of the trace's clock.
///
/// # Errors
///
/// What is wrong with the first packet that is.
pub(crate) fn read(packets: &[Value], clock: u32) -> Result<Read, String> {
    let mut reader = Reader { clock, ..Reader::default() };
    for (number, packet) in packets.iter().enumerate() {
        reader.packet(packet).map_err(|error| format!("packet {number}: {error}: {packet}"))?;
    }
    Ok(reader.read)
}

#[derive(Default)]
struct Reader {
    clock: u32,
    /// What the trace's clock read in the last snapshot; `None` until one says that it is the trace's.
    last_snapshot: Option<u64>,
    sequences: BTreeMap<u64, Sequence>,
    read: Read,
}

#[derive(Debug, Default)]
struct Sequence {
    generation: u32,
    strings: BTreeMap<(&'static str, u64), Value>,
    last_ns: Option<u64>,
    default_clock: Option<u64>,
    default_track: u64,
}

/// The fields of `InternedData` that are read, and the fields of their entries.
const INTERNED: [&str; 5] =
    ["event_names", "event_categories", "debug_annotation_names", "debug_annotation_string_values", "source_locations"];

impl Reader {
    fn packet(&mut self, packet: &Value) -> Result<(), String> {
        let id = uint(&packet["trusted_packet_sequence_id"])?;
        let flags = uint(&packet["sequence_flags"])?;
        let sequence = self.sequences.entry(id).or_default();
        if (packet["first_packet_on_sequence"] == true) != (sequence.generation == 0) {
            return Err("first_packet_on_sequence is not on the first packet, or on another".into());
        }
        match flags {
            CLEARED => {
                let Sequence { generation, .. } = sequence;
                *sequence = Sequence { generation: *generation + 1, ..Sequence::default() };
            }
            NEEDS if sequence.generation > 0 => {}
            flags => return Err(format!("sequence_flags is {flags} in generation {}", sequence.generation)),
        }
        sequence.defaults(&packet["trace_packet_defaults"])?;
        sequence.define(&packet["interned_data"])?;
        if flags == CLEARED {
            return self.head(id, packet);
        }
        let says = self.says(id, packet)?;
        let generation = self.sequences[&id].generation;
        self.read.records.push(Record { sequence: id as u32, generation, says });
        Ok(())
    }

    /// The first packet of a generation: a snapshot of the incremental clock and the trace's, and nothing more.
    fn head(&mut self, id: u64, packet: &Value) -> Result<(), String> {
        let expected = [
            "trusted_packet_sequence_id",
            "sequence_flags",
            "first_packet_on_sequence",
            "trace_packet_defaults",
            "clock_snapshot",
        ];
        let fields = packet.as_object().ok_or("not a message")?;
        if let Some(field) = fields.keys().find(|field| !expected.contains(&field.as_str())) {
            return Err(format!("a {field} at the head of a generation"));
        }
        if some_uint(&packet["trace_packet_defaults"]["timestamp_clock_id"])? != Some(INCREMENTAL_CLOCK.into()) {
            return Err("the incremental clock is not the default".into());
        }
        let snapshot = &packet["clock_snapshot"];
        let readings = readings(snapshot)?;
        let [(INCREMENTAL_CLOCK, incremental), (clock, ns)] = readings[..] else {
            return Err("expected the incremental clock and the trace's".into());
        };
        if clock != self.clock || incremental != ns || ns < self.last_snapshot.unwrap_or(0) {
            return Err("expected both clocks at one time after the last".into());
        }
        if snapshot["clocks"][0]["is_incremental"] != true {
            return Err("the incremental clock is not".into());
        }
        let primary = self.last_snapshot.is_none().then(|| builtin_clock(self.clock));
        if snapshot["primary_trace_clock"].as_str() != primary {
            return Err(format!("expected {primary:?} as primary_trace_clock"));
        }
        self.last_snapshot = Some(ns);
        self.sequences.entry(id).or_default().last_ns = Some(ns);
        Ok(())
    }

    fn says(&mut self, id: u64, packet: &Value) -> Result<Says, String> {
        if let Some(event) = packet.get("track_event") {
            let sequence = self.sequences.entry(id).or_default();
            let at = sequence.time(packet, self.clock)?;
            let mut happened = EventReader { sequence, inline: 0 };
            let event = happened.event(at, event)?;
            self.read.inline_strings += happened.inline;
            return Ok(Says::Event(event));
        }
        if packet.get("timestamp").is_some() {
            return Err("a timestamp, but no event".into());
        }
        if let Some(descriptor) = packet.get("track_descriptor") {
            return Ok(Says::Descriptor(descriptor.clone()));
        }
        if let Some(snapshot) = packet.get("clock_snapshot") {
            let readings = readings(snapshot)?;
            let own = readings.iter().find(|(clock, _)| *clock == self.clock).ok_or("not of the trace's clock")?.1;
            if Some(own) < self.last_snapshot || snapshot.get("primary_trace_clock").is_some() {
                return Err("the trace's clock goes back".into());
            }
            self.last_snapshot = Some(own);
            return Ok(Says::Snapshot(readings));
        }
        let fields = packet.as_object().ok_or("not a message")?.clone();
        let known = ["trusted_packet_sequence_id", "sequence_flags"];
        Ok(Says::Other(fields.into_iter().filter(|(name, _)| !known.contains(&name.as_str())).collect()))
    }
}

fn builtin_clock(number: u32) -> &'static str {
    match number {
        1 => "BUILTIN_CLOCK_REALTIME",
        3 => "BUILTIN_CLOCK_MONOTONIC",
        5 => "BUILTIN_CLOCK_MONOTONIC_RAW",
        6 => "BUILTIN_CLOCK_BOOTTIME",
        11 => "BUILTIN_CLOCK_TRACE_FILE",
        _ => "unknown",
    }
}

fn readings(snapshot: &Value) -> Result<Vec<(u32, u64)>, String> {
    let clocks = snapshot["clocks"].as_array().ok_or("expected a snapshot")?;
    clocks.iter().map(|clock| Ok((uint(&clock["clock_id"])? as u32, uint(&clock["timestamp"])?))).collect()
}

impl Sequence {
    fn defaults(&mut self, defaults: &Value) -> Result<(), String> {
        if !defaults.is_null() {
            self.default_clock = some_uint(&defaults["timestamp_clock_id"])?;
            self.default_track = some_uint(&defaults["track_event_defaults"]["track_uuid"])?.unwrap_or(0);
        }
        Ok(())
    }

    fn define(&mut self, interned: &Value) -> Result<(), String> {
        let Some(fields) = interned.as_object() else { return Ok(()) };
        for (name, entries) in fields {
            let name = INTERNED.into_iter().find(|known| known == name).ok_or("unknown interned data")?;
            for entry in entries.as_array().into_iter().flatten() {
                let iid = uint(&entry["iid"])?;
                let same = |other: &Value| {
                    let text = ["name", "str", "file_name", "function_name", "line_number"];
                    text.iter().all(|field| other[field] == entry[field])
                };
                if self.strings.iter().any(|(key, other)| key.0 == name && same(other)) {
                    return Err(format!("{name}: defined before: {entry}"));
                }
                if iid == 0 || self.strings.insert((name, iid), entry.clone()).is_some() {
                    return Err(format!("{name}: the iid {iid} is not free"));
                }
            }
        }
        Ok(())
    }

    fn time(&mut self, packet: &Value, trace_clock: u32) -> Result<(u32, u64), String> {
        let ns = uint(&packet["timestamp"])?;
        match some_uint(&packet["timestamp_clock_id"])?.or(self.default_clock) {
            Some(64) => {
                let last = self.last_ns.ok_or("no snapshot of the incremental clock")?;
                let now = last.checked_add(ns).filter(|now| *now <= i64::MAX as u64).ok_or("time beyond its range")?;
                self.last_ns = Some(now);
                Ok((trace_clock, now))
            }
            Some(clock) if clock as u32 == trace_clock && Some(ns) >= self.last_ns => {
                Err("the time could have been a difference".into())
            }
            Some(clock) => Ok((clock as u32, ns)),
            None => Err("a timestamp of no clock".into()),
        }
    }

    fn entry(&self, field: &'static str, iid: &Value) -> Result<&Value, String> {
        let iid = uint(iid)?;
        self.strings.get(&(field, iid)).ok_or_else(|| format!("{field}: nothing defines the iid {iid}"))
    }
}

/// Longer file and function names together are not interned.
const LONGEST_LOCATION: usize = 512;

struct EventReader<'s> {
    sequence: &'s Sequence,
    inline: u32,
}

impl EventReader<'_> {
    fn event(&mut self, at: (u32, u64), event: &Value) -> Result<Happened, String> {
        let kind = match event["type"].as_str().unwrap_or_default() {
            "TYPE_SLICE_BEGIN" => Type::Begin,
            "TYPE_SLICE_END" => Type::End,
            "TYPE_INSTANT" => Type::Instant,
            "TYPE_COUNTER" => Type::Counter(match event.get("double_counter_value") {
                Some(value) => Number::Double(double(value)?),
                None => Number::Int(int(&event["counter_value"])?),
            }),
            "TYPE_STATE" => Type::State,
            other => return Err(format!("the type is {other:?}")),
        };
        let mut categories = Vec::new();
        for iid in list(&event["category_iids"]) {
            categories.push(text(&self.sequence.entry("event_categories", iid)?["name"])?);
        }
        for category in list(&event["categories"]) {
            categories.push(text(category)?);
            self.inline += 1;
        }
        let ids = |field| list(&event[field]).map(uint).collect::<Result<_, _>>();
        let args =
            list(&event["debug_annotations"]).map(|annotation| self.named(annotation)).collect::<Result<_, _>>()?;
        let track = some_uint(&event["track_uuid"])?.unwrap_or(self.sequence.default_track);
        Ok(Happened {
            at,
            track,
            kind,
            name: self.name(event, "event_names")?,
            event: Event {
                categories,
                args,
                flows: ids("flow_ids")?,
                terminating_flows: ids("terminating_flow_ids")?,
                correlation_id: some_uint(&event["correlation_id"])?,
                location: self.location(event)?,
            },
        })
    }

    fn name(&mut self, message: &Value, field: &'static str) -> Result<Option<String>, String> {
        if let Some(iid) = message.get("name_iid") {
            return text(&self.sequence.entry(field, iid)?["name"]).map(Some);
        }
        self.inline += u32::from(message.get("name").is_some());
        message.get("name").map(text).transpose()
    }

    fn location(&mut self, event: &Value) -> Result<Option<(String, String, u32)>, String> {
        let location = match event.get("source_location_iid") {
            Some(iid) => self.sequence.entry("source_locations", iid)?,
            None => match event.get("source_location") {
                Some(location) => {
                    let len: usize = ["file_name", "function_name"]
                        .iter()
                        .map(|field| text(&location[field]).map_or(0, |text| text.len()))
                        .sum();
                    self.inline += u32::from(len <= LONGEST_LOCATION);
                    location
                }
                None => return Ok(None),
            },
        };
        let line = uint(&location["line_number"])? as u32;
        Ok(Some((text(&location["file_name"])?, text(&location["function_name"])?, line)))
    }

    fn named(&mut self, annotation: &Value) -> Result<(String, Arg), String> {
        let name = self.name(annotation, "debug_annotation_names")?.ok_or("an annotation without a name")?;
        Ok((name, self.value(annotation)?))
    }

    fn value(&mut self, annotation: &Value) -> Result<Arg, String> {
        let fields = annotation.as_object().ok_or("an annotation is not a message")?;
        let mut values = fields.iter().filter(|(field, _)| !["name", "name_iid"].contains(&field.as_str()));
        let (Some((field, value)), None) = (values.next(), values.next()) else {
            return if fields.len() < 2 { Ok(Arg::Empty) } else { Err(format!("two values: {annotation}")) };
        };
        match field.as_str() {
            "bool_value" => value.as_bool().map(Arg::Bool).ok_or_else(|| format!("expected a bool, found {value}")),
            "int_value" => int(value).map(Arg::Int),
            "uint_value" => uint(value).map(Arg::Uint),
            "double_value" => double(value).map(Arg::Double),
            "pointer_value" => uint(value).map(Arg::Pointer),
            "string_value" => {
                self.inline += 1;
                text(value).map(Arg::Text)
            }
            "string_value_iid" => {
                let entry = self.sequence.entry("debug_annotation_string_values", value)?;
                let bytes = base64(&text(&entry["str"])?).ok_or("not base64")?;
                String::from_utf8(bytes).map(Arg::Text).map_err(|error| error.to_string())
            }
            "dict_entries" => list(value).map(|entry| self.named(entry)).collect::<Result<_, _>>().map(Arg::Dict),
            "array_values" => list(value).map(|element| self.value(element)).collect::<Result<_, _>>().map(Arg::Array),
            other => Err(format!("the value is a {other}")),
        }
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> Result<String, String> {
    value.as_str().map(str::to_owned).ok_or_else(|| format!("expected a text, found {value}"))
}

fn number<T: std::str::FromStr>(value: &Value) -> Result<T, String> {
    // Of 64 bits they are texts.
    let digits = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    digits.parse().map_err(|_| format!("expected a number, found {value}"))
}

fn uint(value: &Value) -> Result<u64, String> {
    number(value)
}

fn some_uint(value: &Value) -> Result<Option<u64>, String> {
    if value.is_null() { Ok(None) } else { uint(value).map(Some) }
}

fn int(value: &Value) -> Result<i64, String> {
    number(value)
}

/// Also `NaN`, `Infinity` and `-Infinity`.
fn double(value: &Value) -> Result<f64, String> {
    number(value)
}

/// How JSON has bytes.
fn base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=').bytes().map(|byte| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    });
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for digit in digits {
        (bits, count) = (bits << 6 | u32::from(digit?), count + 6);
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Some(bytes)
}
