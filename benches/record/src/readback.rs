//! Counts the events in a file, and their bytes: a walk over the wire format, of the fields that say what a packet is.

use std::fs;
use std::path::Path;

use crate::contender::Kept;

const TRACE_PACKET: u64 = 1;
const TRACK_EVENT: u64 = 11;
const EVENT_TYPE: u64 = 9;
const SLICE_BEGIN: u64 = 1;
const SLICE_END: u64 = 2;
const INSTANT: u64 = 3;
const COUNTER: u64 = 4;

/// Whole spans, instants and counters of a Perfetto trace, and its bytes from the first of them on. `None` if the file is not one.
pub fn perfetto(file: &Path) -> Option<Kept> {
    let bytes = fs::read(file).ok()?;
    let (mut begins, mut ends, mut others, mut len) = (0, 0, 0, 0);
    let mut trace = Fields(&bytes);
    while !trace.0.is_empty() {
        let rest = trace.0.len();
        let Some((TRACE_PACKET, Value::Bytes(packet))) = trace.next() else { return None };
        let Some(event) = Fields(packet).bytes(TRACK_EVENT) else { continue };
        len = len.max(rest);
        match Fields(event).varint(EVENT_TYPE) {
            Some(SLICE_BEGIN) => begins += 1,
            Some(SLICE_END) => ends += 1,
            Some(INSTANT | COUNTER) => others += 1,
            _ => {}
        }
    }
    Some(Kept { events: others + u64::min(begins, ends), bytes: len as u64 })
}

/// Whole spans and instants of a Chrome JSON trace with one event a line, as tracing-chrome writes it.
#[cfg(feature = "tracing")]
pub fn chrome(file: &Path) -> Option<Kept> {
    let text = fs::read_to_string(file).ok()?;
    let count = |phase: &str| text.lines().filter(|line| line.contains(phase)).count() as u64;
    let events = count("\"ph\":\"i\"") + u64::min(count("\"ph\":\"B\""), count("\"ph\":\"E\""));
    Some(Kept { events, bytes: text.len() as u64 })
}

enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn varint(self, number: u64) -> Option<u64> {
        self.into_iter().find_map(|(field, value)| match value {
            Value::Number(value) if field == number => Some(value),
            _ => None,
        })
    }

    fn bytes(self, number: u64) -> Option<&'a [u8]> {
        self.into_iter().find_map(|(field, value)| match value {
            Value::Bytes(value) if field == number => Some(value),
            _ => None,
        })
    }

    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(len)?;
        self.0 = tail;
        Some(head)
    }

    fn number(&mut self) -> Option<u64> {
        let len = self.0.iter().take(10).position(|byte| byte & 0x80 == 0)? + 1;
        let bytes = self.take(len)?;
        Some(bytes.iter().rev().fold(0, |value, byte| value << 7 | u64::from(byte & 0x7f)))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (u64, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let tag = self.number()?;
        let value = match tag & 7 {
            0 => Value::Number(self.number()?),
            1 => Value::Bytes(self.take(8)?),
            2 => {
                let len = self.number()?;
                Value::Bytes(self.take(len.try_into().ok()?)?)
            }
            5 => Value::Bytes(self.take(4)?),
            _ => return None,
        };
        Some((tag >> 3, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(bytes: &[u8]) -> Option<Kept> {
        let file = std::env::temp_dir().join(format!("race-readback-{}-{}", std::process::id(), bytes.len()));
        fs::write(&file, bytes).unwrap();
        let kept = perfetto(&file);
        fs::remove_file(&file).unwrap();
        kept
    }

    #[test]
    fn counts_whole_spans_instants_and_counters() {
        let begin = [0x0a, 0x04, 0x5a, 0x02, 0x48, 0x01];
        let end = [0x0a, 0x04, 0x5a, 0x02, 0x48, 0x02];
        let instant = [0x0a, 0x06, 0x40, 0x07, 0x5a, 0x02, 0x48, 0x03];
        let other = [0x0a, 0x02, 0x68, 0x02];
        let trace = [&other[..], &begin, &end, &begin, &instant, &other].concat();
        let bytes = (trace.len() - other.len()) as u64;
        assert_eq!(
            kept(&trace),
            Some(Kept { events: 2, bytes }),
            "what comes before the first event is not the events'"
        );
        assert_eq!(kept(&[&begin[..], &end, &[0x0a, 0x09, 0x00]].concat()), None, "a torn packet is no trace");
    }
}
