//! What the forms write is what a generated writer writes, but for the order of fields; and the file is read back whole.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};

use pftrace_ring::Policy;

use super::Session;
use super::forms::{self, Sites};
use super::thread::{Clock, Thread};

/// The recorded file.
#[derive(Debug, Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The steps between its times take turns: 1 to 10 bytes of varint, some of them where a template has room for two.
#[derive(Debug)]
struct Steps(u64, usize);

const STEPS: [u64; 7] = [0, 127, 128, (1 << 14) - 1, 1 << 14, 1 << 21, 1 << 40];

impl Clock for Steps {
    fn start_ns() -> u64 {
        1_000_000_000
    }
    fn new(start_ns: u64) -> Self {
        Self(start_ns, 0)
    }
    fn now_ns(&mut self) -> u64 {
        self.1 += 1;
        self.0 += STEPS[self.1 % STEPS.len()];
        self.0
    }
}

/// A field of a message, and in it its fields if it is one of `MESSAGES`.
#[derive(Debug, PartialEq)]
enum Field {
    Number(u64),
    Bytes(Vec<u8>),
    Message(Fields),
}

type Fields = BTreeMap<u64, Vec<Field>>;

/// Of Trace, TracePacket and TrackEvent: the packet, the event, the annotations.
const MESSAGES: [&[u64]; 3] = [&[1], &[11], &[4]];

fn fields(mut bytes: &[u8], depth: usize) -> Fields {
    let mut fields = Fields::new();
    while !bytes.is_empty() {
        let tag = number(&mut bytes);
        let field = match tag & 7 {
            0 => Field::Number(number(&mut bytes)),
            1 => Field::Bytes(bytes.split_off(..8).unwrap().to_vec()),
            2 => {
                let len = number(&mut bytes) as usize;
                let body = bytes.split_off(..len).expect("whole");
                if MESSAGES.get(depth).is_some_and(|numbers| numbers.contains(&(tag >> 3))) {
                    Field::Message(self::fields(body, depth + 1))
                } else {
                    Field::Bytes(body.to_vec())
                }
            }
            _ => panic!("a tag {tag:x}"),
        };
        fields.entry(tag >> 3).or_default().push(field);
    }
    fields
}

fn number(bytes: &mut &[u8]) -> u64 {
    let len = bytes.iter().position(|byte| byte & 0x80 == 0).expect("an end") + 1;
    let number = bytes.split_off(..len).unwrap();
    number.iter().rev().fold(0, |value, byte| value << 7 | u64::from(byte & 0x7f))
}

/// All packets of one recording, the reader's own included.
fn recorded(record: impl Fn(&mut Thread<Steps>, &Sites)) -> Vec<Field> {
    let session = Session::new::<Steps>(4, Policy::Keep);
    let sites = Sites::new(&session);
    let memory = Memory::default();
    let drain = session.drain(memory.clone());
    let mut thread = Thread::new(&session);
    record(&mut thread, &sites);
    drop(thread);
    let drained = drain.finish();
    let bytes = memory.0.lock().unwrap();
    assert!(drained.bytes > 0 && drained.bytes < bytes.len() as u64);
    fields(&bytes, 0).remove(&1).unwrap()
}

/// The events of two recordings, whose clocks show the same differences, are the same.
fn assert_same(one: impl Fn(&mut Thread<Steps>, &Sites), other: impl Fn(&mut Thread<Steps>, &Sites)) {
    let events = |packets: Vec<Field>| {
        let event = |packet: &Field| matches!(packet, Field::Message(fields) if fields.contains_key(&11));
        packets.into_iter().filter(event).collect::<Vec<_>>()
    };
    let (one, other) = (events(recorded(one)), events(recorded(other)));
    assert_eq!(one.len(), other.len());
    for (number, (one, other)) in one.iter().zip(&other).enumerate() {
        assert_eq!(one, other, "event {number}");
    }
}

/// All in one chunk: where that changes, the clock is read twice for a packet.
const TIMES: usize = 100;
/// Enough to change chunks.
const MANY_TIMES: usize = 10_000;

#[test]
fn plain_events() {
    assert_same(
        |thread, sites| {
            for _ in 0..TIMES {
                forms::constant(thread, &sites.begin);
                forms::constant(thread, &sites.instant);
                forms::constant(thread, &sites.end);
            }
        },
        |thread, sites| {
            for _ in 0..TIMES {
                forms::begin_straight(thread, &sites.begin);
                forms::instant_straight(thread, &sites.instant);
                forms::end_straight(thread, &sites.end);
            }
        },
    );
}

#[test]
fn plain_events_with_the_time_behind() {
    assert_same(
        |thread, sites| (0..TIMES).for_each(|_| forms::constant_late(thread, &(&sites.begin).into())),
        |thread, sites| (0..TIMES).for_each(|_| forms::constant_copied(thread, &sites.begin)),
    );
}

#[test]
fn counters() {
    const VALUES: [i64; 6] = [0, 127, 128, -1, i64::MAX, i64::MIN];
    assert_same(
        |thread, sites| (0..TIMES).for_each(|i| forms::counter(thread, &sites.counter, VALUES[i % 6])),
        |thread, sites| (0..TIMES).for_each(|i| forms::counter_straight(thread, &sites.counter, VALUES[i % 6])),
    );
}

type Annotated = fn(&mut Thread<Steps>, &super::site::Site, u64, f64, &str);

#[test]
fn annotations() {
    let text = "x".repeat(200);
    let all = |form: Annotated| {
        let text = text.clone();
        move |thread: &mut Thread<Steps>, sites: &Sites| {
            for i in 0..TIMES {
                form(thread, &sites.annotated, u64::MAX >> (i % 64), i as f64, &text[..i % 200]);
            }
        }
    };
    for form in [forms::annotated, forms::annotated_flat, forms::annotated_by_hand, forms::annotated_mixed] {
        assert_same(all(form), all(forms::annotated_straight));
    }
}

#[test]
fn run_time_names() {
    let names: Vec<String> = (0..300).map(|i| "n".repeat(i % 60) + &i.to_string()).collect();
    let packets = recorded(|thread, sites| {
        (0..MANY_TIMES).for_each(|i| forms::named(thread, &sites.named, &names[i * 7 % 300]));
    });
    // What the reader defines, and what the events then say.
    let mut defined = BTreeMap::new();
    let mut shown = Vec::new();
    for packet in &packets {
        let Field::Message(packet) = packet else { continue };
        if let Some([Field::Bytes(data)]) = packet.get(&12).map(Vec::as_slice) {
            for entry in fields(data, 9).remove(&2).into_iter().flatten() {
                let Field::Bytes(entry) = entry else { continue };
                let mut entry = fields(&entry, 9);
                let (Some([Field::Number(iid)]), Some(mut name)) =
                    (entry.get(&1).map(Vec::as_slice), entry.get(&2).map(|it| format!("{it:?}")))
                else {
                    panic!("{entry:?}")
                };
                name.shrink_to_fit();
                assert_eq!(defined.insert(*iid, name), None, "each once");
                entry.clear();
            }
        }
        if let Some([Field::Message(event)]) = packet.get(&11).map(Vec::as_slice) {
            let in_full = event.get(&23).map(|name| format!("{name:?}"));
            let by_number = event.get(&10).and_then(|iid| match &iid[..] {
                [Field::Number(iid)] => defined.get(iid).cloned(),
                _ => None,
            });
            shown.push(in_full.or(by_number).expect("a name"));
        }
    }
    let expected = |i: usize| format!("{:?}", vec![Field::Bytes(names[i * 7 % 300].clone().into_bytes())]);
    assert_eq!(shown.len(), MANY_TIMES);
    for (i, shown) in shown.iter().enumerate() {
        assert_eq!(*shown, expected(i), "event {i}");
    }
    assert!(defined.len() > 200, "most are short enough for the table");
}
