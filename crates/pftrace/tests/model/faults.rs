//! The judges, shown to fail: a trace with one fault planted is not what the model says.

use pftrace::Clock;
use pftrace_testkit::naive::Message;
use pftrace_testkit::{dynamic, tools};

use crate::judge::{judge_packets, judge_rows};
use crate::program::*;
use crate::run::{Written, run};

/// A bit of everything.
fn written() -> Written {
    let described = |name: &str| Described { name: name.into(), ..Described::default() };
    let track = |name: &str, parent, kind| Op::Track { described: described(name), parent, kind };
    let counter = Kind::Counter { unit: Some(Unit::Count), multiplier: None, share_key: None };
    let at = When::After(10);
    let (plain, name) = (Event::default(), |name: &str| name.to_owned());
    let deep = Arg::Dict(vec![(name("deep"), Arg::Array(vec![Arg::Array(vec![Arg::Double(1.5)])]))]);
    let event = Event {
        categories: vec![name("render")],
        args: vec![(name("n"), Arg::Int(1)), (name("s"), Arg::Text(name("text"))), (name("d"), deep)],
        flows: vec![7],
        location: Some((name("file"), name("function"), 3)),
        ..Event::default()
    };
    let arrives = Event { terminating_flows: vec![7], ..Event::default() };
    let process = Process {
        pid: 4,
        name: Some(name("game")),
        cmdline: Vec::new(),
        labels: Vec::new(),
        start_ns: None,
        described: described(""),
    };
    let ops = vec![
        Op::AddSequence,
        Op::Process(process),
        Op::Thread { process: 0, thread: Thread { tid: 5, name: Some(name("main")), described: described("") } },
        Op::Track {
            described: Described { sequence: Some(0), ..described("queue") },
            parent: None,
            kind: Kind::Slices,
        },
        track("child", Some(2), Kind::Slices),
        track("fps", None, counter),
        track("power", None, Kind::State),
        Op::Begin { track: 1, at, name: name("frame"), event },
        Op::Begin { track: 1, at, name: name("draw"), event: plain.clone() },
        Op::Instant { track: 2, at, name: name("arrive"), event: arrives },
        Op::Instant { track: 3, at, name: name("draw"), event: Event { flows: vec![7], ..Event::default() } },
        Op::Counter { track: 0, at, value: Number::Int(60) },
        Op::Counter { track: 0, at, value: Number::Double(1.5) },
        Op::State { track: 0, at, state: Some(name("on")) },
        Op::End { track: 1, at, event: plain.clone() },
        Op::End { track: 1, at, event: plain.clone() },
        Op::Clear,
        Op::Snapshot(crate::program::Snapshot { own_after: 5, others_after: 5, fault: None }),
        Op::Begin { track: 1, at, name: name("frame"), event: plain.clone() },
        Op::End { track: 1, at, event: plain },
    ];
    let settings = Settings {
        clock: Clock::Monotonic,
        related: vec![Clock::Boottime],
        intern_bytes: None,
        max_packet_len: None,
        first_track_uuid: None,
    };
    run(&Program { settings, ops }).unwrap()
}

fn by_packets(written: &Written, trace: &[u8]) -> Result<(), String> {
    judge_packets(trace, &written.records, Clock::Monotonic.id(), Some(0))
}

fn by_rows(written: &Written, trace: &[u8]) -> Result<(), String> {
    judge_rows(trace, &written.records, Clock::Monotonic.id(), true)
}

#[test]
fn without_a_fault_nothing_is_found() {
    let written = written();
    by_packets(&written, &written.trace).unwrap();
    by_rows(&written, &written.trace).unwrap();
}

#[test]
fn any_byte_changed_is_found_in_the_packets() {
    if dynamic::official_schema().is_none() {
        return;
    }
    let written = written();
    let mut missed = Vec::new();
    for position in 0..written.trace.len() {
        for bit in [0x01, 0x08, 0x40, 0x80] {
            let mut trace = written.trace.clone();
            trace[position] ^= bit;
            // Another number for `true` says the same.
            let same = || dynamic::decode(&trace) == dynamic::decode(&written.trace);
            if by_packets(&written, &trace).is_ok() && !same() {
                missed.push((position, bit, &written.trace[position.saturating_sub(6)..=position]));
            }
        }
    }
    assert!(missed.is_empty(), "{missed:x?}");
}

#[test]
fn any_packet_dropped_is_found_in_the_packets() {
    if dynamic::official_schema().is_none() {
        return;
    }
    let written = written();
    let packets = fields(&written.trace);
    for dropped in 0..packets.len() {
        let mut rest = packets.clone();
        rest.remove(dropped);
        assert!(by_packets(&written, &encode(rest)).is_err(), "packet {dropped}");
    }
}

/// What is wrong, and how the trace becomes so: by a change to the first field of a path.
type Fault = (&'static str, fn(&mut Packets));

#[test]
fn faults_found_in_the_rows() {
    if tools::require("ui").is_none() {
        return;
    }
    let cases: &[Fault] = &[
        ("a begin dropped", |trace| trace.drop_event("render")),
        ("a time one off", |trace| trace.change(&[8], |field| field.0 += 1)),
        ("another name", |trace| trace.change(&[11, 10], |field| field.0 += 1)),
        ("a category lost", |trace| trace.remove(&[11, 3])),
        ("a flow lost", |trace| trace.remove(&[11, 47])),
        ("a flow that is not the last", |trace| trace.rename(&[11, 48], 47)),
        ("another flow", |trace| trace.change(&[11, 47], |field| field.0 += 1)),
        ("an annotation lost", |trace| trace.remove(&[11, 4])),
        ("another value of an annotation", |trace| trace.change(&[11, 4, 4], |field| field.0 += 1)),
        ("an int as uint", |trace| trace.rename(&[11, 4, 4], 3)),
        ("another string", |trace| trace.bytes(&[12, 29, 2], b"next")),
        ("another text of a name", |trace| trace.bytes(&[12, 2, 2], b"other")),
        ("another function", |trace| trace.bytes(&[12, 4, 3], b"f")),
        ("another line", |trace| trace.change(&[12, 4, 4], |field| field.0 += 1)),
        ("a begin as an instant", |trace| trace.change(&[11, 9], |field| field.0 = 3)),
        ("another track", |trace| trace.change(&[11, 11], |field| field.0 += 1)),
        ("another default track", |trace| trace.change(&[59, 11, 11], |field| field.0 += 1)),
        ("another value of a counter", |trace| trace.change(&[11, 30], |field| field.0 += 1)),
        ("another double", |trace| trace.change(&[11, 44], |field| field.0 += 1)),
        ("a double as int", |trace| trace.rename_varint(&[11, 44], 30)),
        ("another name of a process", |trace| trace.bytes(&[60, 3, 6], b"other")),
        ("another name of a thread", |trace| trace.bytes(&[60, 4, 5], b"other")),
        ("another thread", |trace| trace.change(&[60, 4, 2], |field| field.0 += 1)),
        ("another name of a track", |trace| trace.bytes(&[60, 2], b"other")),
        ("another parent", |trace| trace.remove(&[60, 5])),
        ("another unit", |trace| trace.change(&[60, 8, 3], |field| field.0 += 1)),
        ("another sequence", |trace| trace.change(&[10], |field| field.0 += 1)),
    ];
    let written = written();
    let mut missed: Vec<&str> = Vec::new();
    for (name, plant) in cases {
        let mut trace = Packets { fields: fields(&written.trace), planted: 0 };
        plant(&mut trace);
        assert!(trace.planted > 0, "{name}: there is nothing to change");
        let trace = encode(trace.fields);
        assert_ne!(trace, written.trace, "{name}");
        if by_rows(&written, &trace).is_ok() {
            missed.push(name);
        }
    }
    assert!(missed.is_empty(), "not found: {missed:?}");
}

/// The fields of a message. One of a wire type of fixed length is kept as its number, with that length.
type Fields = Vec<(u32, Field)>;

#[derive(Debug, Clone)]
enum Field {
    Number(Number64, usize),
    Bytes(Vec<u8>),
}

#[derive(Debug, Clone, Copy)]
struct Number64(u64);

struct Packets {
    fields: Fields,
    planted: usize,
}

impl Packets {
    fn drop_event(&mut self, text: &str) {
        let has = |field: &Field| matches!(field, Field::Bytes(bytes) if String::from_utf8_lossy(bytes).contains(text));
        self.edit_first(&[], |packets| {
            let position = packets.iter().position(|(_, packet)| has(packet))?;
            packets.remove(position);
            Some(())
        });
    }

    fn change(&mut self, path: &[u32], f: impl Fn(&mut Number64)) {
        self.edit_field(path, |fields, position| {
            if let Field::Number(number, _) = &mut fields[position].1 {
                f(number)
            }
        });
    }

    fn bytes(&mut self, path: &[u32], bytes: &[u8]) {
        self.edit_field(path, |fields, position| fields[position].1 = Field::Bytes(bytes.to_vec()));
    }

    fn remove(&mut self, path: &[u32]) {
        self.edit_field(path, |fields, position| _ = fields.remove(position));
    }

    fn rename(&mut self, path: &[u32], number: u32) {
        self.edit_field(path, |fields, position| fields[position].0 = number);
    }

    fn rename_varint(&mut self, path: &[u32], number: u32) {
        self.edit_field(path, |fields, position| {
            if let Field::Number(value, _) = fields[position].1 {
                fields[position] = (number, Field::Number(Number64(f64::from_bits(value.0) as u64), 0));
            }
        });
    }

    /// The first field of that path in the trace.
    fn edit_field(&mut self, path: &[u32], edit: impl Fn(&mut Fields, usize)) {
        let Some((last, parents)) = path.split_last() else { return };
        self.edit_first(&[&[1], parents].concat(), |fields| {
            let position = fields.iter().position(|(number, _)| number == last)?;
            edit(fields, position);
            Some(())
        });
    }

    fn edit_first(&mut self, parents: &[u32], edit: impl Fn(&mut Fields) -> Option<()>) {
        self.planted += usize::from(edit_in(&mut self.fields, parents, &edit).is_some());
    }
}

fn edit_in(message: &mut Fields, parents: &[u32], edit: &impl Fn(&mut Fields) -> Option<()>) -> Option<()> {
    let Some((parent, rest)) = parents.split_first() else { return edit(message) };
    message.iter_mut().filter(|(number, _)| number == parent).find_map(|(_, field)| {
        let Field::Bytes(bytes) = field else { return None };
        let mut inner = fields(bytes);
        edit_in(&mut inner, rest, edit)?;
        *bytes = encode(inner);
        Some(())
    })
}

fn fields(mut bytes: &[u8]) -> Fields {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes);
        let field = match tag & 7 {
            0 => Field::Number(Number64(varint(&mut bytes)), 0),
            1 => Field::Number(Number64(u64::from_le_bytes(take(&mut bytes, 8).try_into().unwrap())), 8),
            2 => {
                let len = varint(&mut bytes) as usize;
                Field::Bytes(take(&mut bytes, len).to_vec())
            }
            other => panic!("wire type {other}"),
        };
        fields.push(((tag >> 3) as u32, field));
    }
    fields
}

fn encode(fields: Fields) -> Vec<u8> {
    let message = fields.into_iter().fold(Message::new(), |message, (number, field)| match field {
        Field::Number(Number64(value), 8) => message.fixed64(number, value),
        Field::Number(Number64(value), _) => message.varint(number, value),
        Field::Bytes(bytes) => message.bytes(number, bytes),
    });
    message.into_bytes()
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let byte = take(bytes, 1)[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    value
}

fn take<'b>(bytes: &mut &'b [u8], len: usize) -> &'b [u8] {
    let (taken, rest) = bytes.split_at(len);
    *bytes = rest;
    taken
}
