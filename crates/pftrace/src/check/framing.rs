//! Cuts a stream of bytes into packets. After something that is none it looks for the next that are.
//!
//! ```text
//! 0x0a length packet | 0x0a length packet | …
//! ```

use std::vec::Vec;

use pftrace_protos::TracePacket;

use super::finding::{Kind, Place, Report};
use super::schema;
use super::wire::{Fields, Malformed, Value, Why, varint};

/// Longer ones are no packets: Perfetto skips them.
pub(super) const MAX_PACKET_LEN: u64 = 256 << 20;

/// The tag of `Trace.packet`.
pub(super) const PACKET_TAG: u8 = 0x0a;

/// So many packets, one right after the other, are no accident.
const CHAIN: usize = 3;

/// Longer ones are not believed where packets are looked for.
const MAX_CHAINED_LEN: usize = 4096;

/// So many bytes are looked at in search of packets, in all: the search must come to an end.
const SEARCH_BYTES: usize = 256 << 20;

/// Takes the packets.
pub(super) trait Packets {
    fn packet(&mut self, body: &[u8], report: &mut Report<'_>);
}

#[derive(Debug)]
pub(super) struct Framing {
    /// What has not been read yet.
    rest: Vec<u8>,
    /// Of the first byte of the rest.
    offset: u64,
    /// How many packets there were.
    packets: u64,
    /// Where packets ended to be found.
    lost: bool,
    search_bytes: usize,
}

/// What lies at the front.
enum Front {
    /// A packet: its bytes and those before it.
    Packet {
        body: usize,
        len: usize,
    },
    /// A field that is no packet.
    Other {
        number: u32,
        len: usize,
    },
    /// More bytes are needed to say, and how many bytes of the packet are missing, if it is one.
    Unfinished(Option<(u64, usize)>),
    Bad(Why),
}

impl Framing {
    pub(super) fn new() -> Self {
        Self { rest: Vec::new(), offset: 0, packets: 0, lost: false, search_bytes: SEARCH_BYTES }
    }

    /// Bytes that have come so far.
    pub(super) fn bytes(&self) -> u64 {
        self.offset + self.rest.len() as u64
    }

    pub(super) fn feed(&mut self, bytes: &[u8], to: &mut impl Packets, report: &mut Report<'_>) {
        let used = if self.rest.is_empty() {
            let used = self.read(bytes, false, to, report);
            self.rest.extend_from_slice(&bytes[used..]);
            used
        } else {
            let mut rest = core::mem::take(&mut self.rest);
            rest.extend_from_slice(bytes);
            let used = self.read(&rest, false, to, report);
            rest.drain(..used);
            self.rest = rest;
            used
        };
        self.offset += used as u64;
    }

    /// No more bytes come.
    pub(super) fn finish(&mut self, to: &mut impl Packets, report: &mut Report<'_>) {
        let rest = core::mem::take(&mut self.rest);
        self.read(&rest, true, to, report);
        self.offset += rest.len() as u64;
    }

    /// Reads what is there. Returns how much of it.
    fn read(&mut self, bytes: &[u8], is_end: bool, to: &mut impl Packets, report: &mut Report<'_>) -> usize {
        let mut at = 0;
        while at < bytes.len() {
            report.place = Place { packet: self.packets, offset: self.offset + at as u64, ..Place::default() };
            if self.lost {
                match self.search(&bytes[at..], is_end) {
                    Search::Found(skipped) => {
                        at += skipped;
                        self.resume(at, report);
                    }
                    Search::Unfinished(skipped) => return at + skipped,
                }
                continue;
            }
            match front(&bytes[at..]) {
                Front::Packet { body, len } => {
                    to.packet(&bytes[at + body..][..len], report);
                    self.packets = report.place.packet + 1;
                    at += body + len;
                }
                Front::Other { number, len } => {
                    report.say(Kind::UnknownField, format_args!("expected packets (field 1), found field {number}"));
                    at += len;
                }
                Front::Unfinished(_) if !is_end => return at,
                Front::Unfinished(missing) => at += self.cut(&bytes[at..], missing, report),
                Front::Bad(why) => {
                    let malformed = Malformed { at: 0, why };
                    report.say(Kind::Framing, format_args!("expected a packet or the end of the file: {malformed}"));
                    self.lose(report);
                    at += 1;
                }
            }
        }
        at
    }

    /// The file ends inside a packet; or its length is wrong, and further packets lie within it. Returns how far to skip.
    fn cut(&mut self, rest: &[u8], missing: Option<(u64, usize)>, report: &mut Report<'_>) -> usize {
        let (expected, found) = missing.unwrap_or((0, 0));
        if let (Some(_), Search::Found(skipped)) = (missing, self.search(&rest[1..], true)) {
            if 1 + skipped < rest.len() {
                report.say(
                    Kind::Framing,
                    format_args!(
                        "expected a packet of {expected} bytes, found {found} to the file's end, with packets in them"
                    ),
                );
                self.lose(report);
                return 1 + skipped;
            }
        }
        match missing {
            Some(_) => report.say(
                Kind::Cut,
                format_args!("the file ends inside a packet: expected {expected} bytes of it, found {found}"),
            ),
            None => report.say(Kind::Cut, format_args!("the file ends inside the length of a packet")),
        }
        rest.len()
    }

    fn lose(&mut self, report: &mut Report<'_>) {
        report.doubt();
        self.lost = true;
    }

    fn resume(&mut self, at: usize, report: &mut Report<'_>) {
        self.lost = false;
        report.place.offset = self.offset + at as u64;
        report.say(
            Kind::Resumed,
            format_args!("packets again; what depends on what is missing before them is not told from here on"),
        );
    }

    /// Where the next packets begin.
    fn search(&mut self, bytes: &[u8], is_end: bool) -> Search {
        for at in 0..bytes.len() {
            if bytes[at] != PACKET_TAG || self.search_bytes == 0 {
                continue;
            }
            let (chain, cost) = chain(&bytes[at..], is_end);
            self.search_bytes = self.search_bytes.saturating_sub(cost);
            match chain {
                Chain::Packets => return Search::Found(at),
                Chain::Unfinished => return Search::Unfinished(at),
                Chain::No => {}
            }
        }
        Search::Unfinished(bytes.len())
    }
}

enum Search {
    /// After so many bytes.
    Found(usize),
    /// Not in so many bytes.
    Unfinished(usize),
}

enum Chain {
    Packets,
    No,
    Unfinished,
}

/// Whether here begin packets that say what packets say, and what it cost to know.
fn chain(bytes: &[u8], is_end: bool) -> (Chain, usize) {
    let mut at = 0;
    for _ in 0..CHAIN {
        match front(&bytes[at..]) {
            Front::Packet { body, len } if len <= MAX_CHAINED_LEN && is_packet(&bytes[at + body..][..len]) => {
                at += body + len;
            }
            Front::Unfinished(missing) if !is_end => {
                let believed = missing.is_none_or(|(expected, _)| expected <= MAX_CHAINED_LEN as u64);
                return (if believed { Chain::Unfinished } else { Chain::No }, at + 1);
            }
            _ => return (Chain::No, at + MAX_CHAINED_LEN.min(bytes.len() - at)),
        }
    }
    (Chain::Packets, at)
}

/// Whether it is well-formed, all fields are of a packet, and one says of which sequence it is or when.
fn is_packet(body: &[u8]) -> bool {
    let mut is_told = false;
    for field in Fields::new(body) {
        let Ok(field) = field else { return false };
        if !schema::TRACE_PACKET.has(field.number, field.value.wire_type()) {
            return false;
        }
        is_told |= match field.number {
            TracePacket::TIMESTAMP_FIELD_NUMBER => true,
            TracePacket::TRUSTED_PACKET_SEQUENCE_ID_FIELD_NUMBER => {
                matches!(field.value, Value::Varint(1..=0xffff_ffff))
            }
            _ => false,
        };
    }
    is_told
}

fn front(bytes: &[u8]) -> Front {
    if bytes.first() != Some(&PACKET_TAG) {
        return other(bytes);
    }
    match varint(&bytes[1..]) {
        Ok((len, _)) if len > MAX_PACKET_LEN => too_long(len),
        Ok((len, size)) => {
            let (body, found) = (1 + size, bytes.len() - 1 - size);
            match len as usize {
                len if len <= found => Front::Packet { body, len },
                _ => Front::Unfinished(Some((len, found))),
            }
        }
        Err(Why::Ends) => Front::Unfinished(None),
        Err(why) => Front::Bad(why),
    }
}

/// A field that is no packet, or a packet with a long tag.
#[cold]
fn other(bytes: &[u8]) -> Front {
    let mut fields = Fields::new(bytes);
    match fields.next() {
        Some(Ok(field)) => {
            let len = fields.position();
            match (field.number, field.value) {
                (1, Value::Bytes(body)) => Front::Packet { body: len - body.len(), len: body.len() },
                (number, _) => Front::Other { number, len },
            }
        }
        Some(Err(Malformed { why: Why::Length { expected, .. }, .. })) if expected > MAX_PACKET_LEN => {
            too_long(expected)
        }
        Some(Err(Malformed { why: Why::Length { expected, found }, .. })) => Front::Unfinished(Some((expected, found))),
        Some(Err(Malformed { why: Why::Ends, .. })) if bytes.len() < 20 => Front::Unfinished(None),
        Some(Err(Malformed { why, .. })) => Front::Bad(why),
        None => Front::Unfinished(None),
    }
}

fn too_long(found: u64) -> Front {
    Front::Bad(Why::TooLong { found, limit: MAX_PACKET_LEN })
}
