//! Ways to write the length of a nested message, which stands before its body and is known after it.
//!
//! Hand-written writers that differ in nothing else, and the generated ones. M1 is a packet with a slice's begin, M3 one with 40 interned
//! names (docs/benchmarks-encoding.md), each behind the tag and the length that it has in a file.

use std::hint::black_box;
use std::marker::PhantomData;

use pftrace_protos::Trace;
use pftrace_protos::track_event::Type;
use pftrace_ring::Policy;

use super::{Case, compare};
use crate::clock;
use crate::options::PartsOptions;
use crate::path::forms::{self, Sites};
use crate::path::site::Site;
use crate::path::thread::{Clock, Stub};
use crate::path::{Session, Thread, Tsc};

/// What is before a body while it is written, and what is done when it ends.
trait Lengths {
    const RESERVED: usize;
    /// Gives where the body ends: it may have moved.
    ///
    /// # Safety
    ///
    /// `body..end` is written, the reserved bytes are before it, and ten more are free behind it.
    unsafe fn close(body: *mut u8, end: *mut u8) -> *mut u8;
}

/// A length of as many bytes as are reserved, whatever it is; a body that it is too small for is moved.
struct Padded<const RESERVED: usize>;

impl<const RESERVED: usize> Lengths for Padded<RESERVED> {
    const RESERVED: usize = RESERVED;

    #[inline(always)]
    unsafe fn close(body: *mut u8, end: *mut u8) -> *mut u8 {
        let len = end.addr() - body.addr();
        if len >= 1 << (7 * RESERVED) {
            // SAFETY: the caller's.
            return unsafe { move_body::<RESERVED>(body, len) };
        }
        // SAFETY: the bytes before the body are reserved.
        unsafe { put_length(body.sub(RESERVED), len, RESERVED) };
        end
    }
}

/// Two bytes reserved, and a body whose length needs one only is moved back.
struct TwoMinimal;

impl Lengths for TwoMinimal {
    const RESERVED: usize = 2;

    #[inline(always)]
    unsafe fn close(body: *mut u8, end: *mut u8) -> *mut u8 {
        let len = end.addr() - body.addr();
        if len < 0x80 {
            // SAFETY: two bytes before the body are reserved.
            unsafe {
                std::ptr::copy(body, body.sub(1), len);
                body.sub(2).write(len as u8);
                return end.sub(1);
            }
        }
        // SAFETY: the caller's.
        unsafe { Padded::<2>::close(body, end) }
    }
}

/// Moves a body that has `RESERVED` bytes for its length to where that has as many as it needs.
#[cold]
#[inline(never)]
unsafe fn move_body<const RESERVED: usize>(body: *mut u8, len: usize) -> *mut u8 {
    let length_len = pftrace_wire::varint_len(len as u64);
    // SAFETY: the caller's: at most ten bytes.
    unsafe {
        let moved = body.add(length_len - RESERVED);
        std::ptr::copy(body, moved, len);
        put_length(body.sub(RESERVED), len, length_len);
        moved.add(len)
    }
}

#[inline(always)]
unsafe fn put_length(at: *mut u8, len: usize, length_len: usize) {
    for byte in 0..length_len {
        let more = if byte + 1 < length_len { 0x80 } else { 0 };
        // SAFETY: the caller's: so many bytes are free.
        unsafe { at.add(byte).write((len >> (7 * byte)) as u8 & 0x7f | more) };
    }
}

/// Where the next byte goes. Whoever makes one has made sure of the room.
struct Raw<L> {
    cur: *mut u8,
    lengths: PhantomData<L>,
}

impl<L: Lengths> Raw<L> {
    /// Writes into a buffer with room for `most` bytes, and gives how many it were.
    #[inline(always)]
    fn write(buffer: &mut [u8], most: usize, f: impl FnOnce(&mut Self)) -> Option<usize> {
        if buffer.len() < most {
            return None;
        }
        let start = buffer.as_mut_ptr();
        let mut raw = Self { cur: start, lengths: PhantomData };
        f(&mut raw);
        Some(raw.cur.addr() - start.addr())
    }

    #[inline(always)]
    fn bytes<const LEN: usize>(&mut self, bytes: [u8; LEN]) -> &mut Self {
        // SAFETY: there is room.
        unsafe {
            self.cur.cast::<[u8; LEN]>().write_unaligned(bytes);
            self.cur = self.cur.add(LEN);
        }
        self
    }

    #[inline(always)]
    fn varint(&mut self, mut value: u64) -> &mut Self {
        while value >= 0x80 {
            self.bytes([value as u8 | 0x80]);
            value >>= 7;
        }
        self.bytes([value as u8])
    }

    #[inline(always)]
    fn text(&mut self, text: &str) -> &mut Self {
        self.varint(text.len() as u64);
        // SAFETY: there is room.
        unsafe {
            std::ptr::copy_nonoverlapping(text.as_ptr(), self.cur, text.len());
            self.cur = self.cur.add(text.len());
        }
        self
    }

    #[inline(always)]
    fn message(&mut self, tag: u8, f: impl FnOnce(&mut Self)) -> &mut Self {
        self.bytes([tag]);
        // SAFETY: there is room.
        self.cur = unsafe { self.cur.add(L::RESERVED) };
        let body = self.cur;
        f(self);
        // SAFETY: the body has just been written behind the reserved bytes, and there is room.
        self.cur = unsafe { L::close(body, self.cur) };
        self
    }
}

/// What is encoded.
struct Messages {
    timestamp: u64,
    sequence: u8,
    track: u64,
    category: u64,
    name: u64,
    categories: Vec<String>,
    names: Vec<String>,
}

impl Messages {
    fn new() -> Self {
        let text = |prefix: &str, i: usize| format!("{prefix}_{}_{i:02}", &"abcdefghijklmnopq"[..3 + i * 7 % 13]);
        black_box(Self {
            timestamp: 1_234_567_890_123,
            sequence: 7,
            track: 0x5a5a_1234_5678_9abc,
            category: 3,
            name: 517,
            categories: (0..20).map(|i| text("cat", i)).collect(),
            names: (0..20).map(|i| text("name", i)).collect(),
        })
    }
}

/// More than any message here takes.
const MOST: usize = 2048;
/// More than a packet with three annotations takes, without its text.
const MOST_OF_PACKET: usize = 160;

#[inline(always)]
fn slice<L: Lengths>(buffer: &mut [u8], it: &Messages) -> Option<usize> {
    Raw::<L>::write(buffer, MOST, |raw| {
        raw.message(0x0a, |raw| {
            raw.bytes([0x40]).varint(it.timestamp).bytes([0x50, it.sequence, 0x68, 2]).message(0x5a, |raw| {
                raw.bytes([0x48, 1, 0x58]).varint(it.track).bytes([0x18]).varint(it.category);
                raw.bytes([0x50]).varint(it.name);
            });
        });
    })
}

#[inline(always)]
fn interned<L: Lengths>(buffer: &mut [u8], it: &Messages) -> Option<usize> {
    Raw::<L>::write(buffer, MOST, |raw| {
        raw.message(0x0a, |raw| {
            raw.bytes([0x50, it.sequence, 0x68, 3]).message(0x62, |raw| {
                for (iid, name) in (1..).zip(&it.categories) {
                    raw.message(0x0a, |raw| _ = raw.bytes([0x08]).varint(iid).bytes([0x12]).text(name));
                }
                for (iid, name) in (1..).zip(&it.names) {
                    raw.message(0x12, |raw| _ = raw.bytes([0x08]).varint(iid).bytes([0x12]).text(name));
                }
            });
        });
    })
}

/// A whole packet with three annotations, into the ring.
#[inline(always)]
fn annotated<L: Lengths, C: Clock>(thread: &mut Thread<C>, site: &Site, number: u64, real: f64, text: &str) {
    thread.packet(site.number, |room, delta, sequence| {
        Raw::<L>::write(room, MOST_OF_PACKET + text.len(), |raw| {
            raw.message(0x0a, |raw| {
                raw.bytes([0x40]).varint(delta).bytes([0x50, sequence, 0x68, 2]).message(0x5a, |raw| {
                    raw.bytes([0x48, 1, 0x18, 1, 0x50]).varint(u64::from(site.number));
                    raw.message(0x22, |raw| _ = raw.bytes([0x08, 1, 0x18]).varint(number));
                    raw.message(0x22, |raw| _ = raw.bytes([0x08, 2, 0x29]).bytes(real.to_le_bytes()));
                    raw.message(0x22, |raw| _ = raw.bytes([0x08, 3, 0x32]).text(text));
                });
            });
        })
    });
}

fn slice_generated(buffer: &mut [u8], it: &Messages) -> Option<usize> {
    let bytes = Trace::encode(buffer, |trace| {
        trace.add_packet(|packet| {
            packet.set_timestamp(it.timestamp).set_trusted_packet_sequence_id(u32::from(it.sequence));
            packet.set_sequence_flags(2).set_track_event(|event| {
                event.set_type(Type::TYPE_SLICE_BEGIN).set_track_uuid(it.track);
                event.add_category_iids(it.category).set_name_iid(it.name);
            });
        });
    });
    Some(bytes.ok()?.len())
}

fn interned_generated(buffer: &mut [u8], it: &Messages) -> Option<usize> {
    let bytes = Trace::encode(buffer, |trace| {
        trace.add_packet(|packet| {
            packet.set_trusted_packet_sequence_id(u32::from(it.sequence)).set_sequence_flags(3);
            packet.set_interned_data(|data| {
                for (iid, name) in (1..).zip(&it.categories) {
                    data.add_event_categories(|entry| _ = entry.set_iid(iid).set_name(name));
                }
                for (iid, name) in (1..).zip(&it.names) {
                    data.add_event_names(|entry| _ = entry.set_iid(iid).set_name(name));
                }
            });
        });
    });
    Some(bytes.ok()?.len())
}

type Encode = fn(&mut [u8], &Messages) -> Option<usize>;
type Annotated<C> = fn(&mut Thread<C>, &Site, u64, f64, &str);

pub fn run(options: &PartsOptions) {
    let cases = vec![
        case::<Padded<4>>("4 bytes, padded"),
        case::<Padded<2>>("2 bytes, padded"),
        case::<TwoMinimal>("2 bytes, moved back where 1 does"),
        case::<Padded<1>>("1 byte, moved where it is too few, at each end"),
        by(
            "1 byte, moved once, at the end of all: generated writers",
            slice_generated,
            interned_generated,
            forms::annotated_straight,
            forms::annotated_straight,
        ),
    ];
    let columns = [
        "M1, ns",
        "M1, bytes",
        "M3, ns",
        "M3, bytes",
        "packet with 3 annotations in the ring, stub clock, ns",
        "time-stamp counter, ns",
        "bytes",
    ];
    compare("Lengths of nested messages", &columns, options.rounds, cases);
}

fn case<L: Lengths>(name: &'static str) -> Case<'static> {
    by(name, slice::<L>, interned::<L>, annotated::<L, Stub>, annotated::<L, Tsc>)
}

fn by(
    name: &'static str,
    slice: Encode,
    interned: Encode,
    by_stub: Annotated<Stub>,
    by_counter: Annotated<Tsc>,
) -> Case<'static> {
    let messages = Messages::new();
    Case::new(name, move || {
        let (slice_ns, slice_len) = repeat(slice, &messages, 1_000_000);
        let (interned_ns, interned_len) = repeat(interned, &messages, 50_000);
        let (stub_ns, packet_len) = record(by_stub);
        let (counter_ns, _) = record(by_counter);
        vec![slice_ns, slice_len, interned_ns, interned_len, stub_ns, counter_ns, packet_len]
    })
}

/// Time and bytes of a message.
fn repeat(encode: Encode, messages: &Messages, times: u32) -> (f64, f64) {
    let mut buffer = vec![0; 2 * MOST];
    let mut len = None;
    let begin = clock::thread_cpu_ns();
    for _ in 0..times {
        len = encode(black_box(&mut buffer), messages);
    }
    let ns = (clock::thread_cpu_ns() - begin) as f64 / f64::from(times);
    (ns, len.map_or(f64::NAN, |len| len as f64))
}

/// Time and bytes of a packet in the ring, with the drain reading.
fn record<C: Clock>(annotated: Annotated<C>) -> (f64, f64) {
    const EVENTS: u64 = 500_000;
    let session = Session::new::<C>(2048, Policy::Keep);
    let sites = Sites::new(&session);
    let drain = session.drain(std::io::sink());
    let mut thread = Thread::new(&session);
    let text = black_box("short text");
    let begin = clock::thread_cpu_ns();
    (0..EVENTS).for_each(|i| annotated(&mut thread, &sites.annotated, i & 127, i as f64, text));
    let ns = (clock::thread_cpu_ns() - begin) as f64 / EVENTS as f64;
    drop(thread);
    let drained = drain.finish();
    (ns, drained.bytes as f64 / drained.packets as f64)
}
