//! The floor: what reading the raw clock and storing bytes costs, in a ring that stays in the cache.

use std::cell::RefCell;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::clock;
use crate::contender::{Contender, Kept};
use crate::workload::{Name, Workload};

pub const NAME: &str = "floor: clock + 16 B store";

const RING_LEN: usize = 256 << 10;

static ON: AtomicBool = AtomicBool::new(false);

/// A ring of one thread. Every store is within it and 64 bytes past its end at most.
pub struct Ring {
    bytes: Box<[u8]>,
    at: usize,
    last: u64,
}

impl Ring {
    fn new() -> Self {
        Self { bytes: vec![1; RING_LEN + 64].into_boxed_slice(), at: 0, last: clock::ticks() }
    }

    #[inline(always)]
    fn store<const LEN: usize>(&mut self, at: usize, bytes: &[u8; LEN]) {
        self.bytes[at..][..LEN].copy_from_slice(bytes);
    }

    /// The clock and the site's number, 16 bytes.
    #[inline(always)]
    fn clock_and_word(&mut self, word: u64) {
        if !ON.load(Ordering::Relaxed) {
            return;
        }
        let value = u128::from(clock::ticks()) | u128::from(word) << 64;
        self.store(self.at, &value.to_le_bytes());
        self.at = (self.at + 16) % RING_LEN;
    }

    /// A packet: constant bytes, then the clock's delta in two bytes, then `LEN` bytes more.
    #[inline(always)]
    fn packet<const LEN: usize>(&mut self, constant: &[u8; 16], more: &[u8; LEN]) {
        if !ON.load(Ordering::Relaxed) {
            return;
        }
        let now = clock::ticks();
        let delta = now.wrapping_sub(self.last);
        self.last = now;
        self.store(self.at, constant);
        self.store(self.at + 14, &[delta as u8 | 0x80, (delta >> 7) as u8 & 0x7f]);
        self.store(self.at + 16, more);
        self.at = (self.at + 14 + 2 + LEN) % RING_LEN;
    }
}

/// Clock + one 16-byte store per event.
pub struct Store;

impl Contender for Store {
    type Thread = Ring;
    const WORKLOADS: &[Workload] = &Workload::ALL;

    fn start(_file: &Path, recording: bool) -> Self {
        ON.store(recording, Ordering::Relaxed);
        Self
    }
    fn thread(&self, _events: usize) -> Ring {
        Ring::new()
    }
    #[inline(always)]
    fn span(ring: &mut Ring) {
        ring.clock_and_word(1);
        ring.clock_and_word(2);
    }
    #[inline(always)]
    fn instant(ring: &mut Ring) {
        ring.clock_and_word(3);
    }
    #[inline(always)]
    fn counter(ring: &mut Ring, value: i64) {
        ring.clock_and_word(value as u64);
    }
    #[inline(always)]
    fn annotated(ring: &mut Ring, number: u64, real: f64, text: &str) {
        ring.clock_and_word(number ^ real.to_bits() ^ text.len() as u64);
        ring.clock_and_word(2);
    }
    #[inline(always)]
    fn named(ring: &mut Ring, name: &Name) {
        ring.clock_and_word(name.text.as_ptr() as u64);
        ring.clock_and_word(2);
    }
    fn leave(&self, ring: Ring) {
        std::hint::black_box(&ring.bytes);
    }
    fn finish(self) {}
    fn kept(_file: &Path) -> Option<Kept> {
        None
    }
}

/// So many events, on the calling thread's ring.
pub fn repeat(events: usize) {
    thread_local! {
        static RING: RefCell<Ring> = RefCell::new(Ring::new());
    }
    ON.store(true, Ordering::Relaxed);
    RING.with_borrow_mut(|ring| (0..events).for_each(|_| ring.clock_and_word(3)));
}

/// Records nothing; the file is as long as that of as many spans, in the pieces that pftrace writes.
pub struct Write(File, AtomicU64);

/// Of a span.
const SPAN_LEN: u64 = 28;

impl Contender for Write {
    type Thread = ();
    const WORKLOADS: &[Workload] = &[Workload::Span];

    fn start(file: &Path, _recording: bool) -> Self {
        Self(File::create(file).expect("the file can be made"), AtomicU64::new(0))
    }
    fn thread(&self, events: usize) {
        self.1.fetch_add(events as u64 * SPAN_LEN, Ordering::Relaxed);
    }
    #[inline(always)]
    fn span(_: &mut ()) {}
    fn finish(mut self) {
        let piece = vec![1; 256 << 10];
        let mut left = self.1.into_inner();
        while left > 0 {
            let len = left.min(piece.len() as u64);
            self.0.write_all(&piece[..len as usize]).expect("the file takes it");
            left -= len;
        }
    }
    fn kept(_file: &Path) -> Option<Kept> {
        None
    }
}

/// Clock + the whole packet, encoded in place: 14 constant bytes, a timestamp delta, the values.
pub struct Packet;

const BEGIN: [u8; 16] = *b"\x0a\x0e\x50\x01\x68\x02\x5a\x06\x48\x01\x50\x01\x18\x40__";
const END: [u8; 16] = *b"\x0a\x0e\x50\x01\x68\x02\x5a\x06\x48\x02\x50\x01\x18\x40__";
const COUNTER: [u8; 16] = *b"\x0a\x10\x50\x01\x68\x02\x5a\x08\x48\x04\x58\x01\x18\x40__";

impl Contender for Packet {
    type Thread = Ring;
    const WORKLOADS: &[Workload] = &Workload::ALL;

    fn start(_file: &Path, recording: bool) -> Self {
        ON.store(recording, Ordering::Relaxed);
        Self
    }
    fn thread(&self, _events: usize) -> Ring {
        Ring::new()
    }
    #[inline(always)]
    fn span(ring: &mut Ring) {
        ring.packet(&BEGIN, &[]);
        ring.packet(&END, &[]);
    }
    #[inline(always)]
    fn instant(ring: &mut Ring) {
        ring.packet(&BEGIN, &[]);
    }
    #[inline(always)]
    fn counter(ring: &mut Ring, value: i64) {
        ring.packet(&COUNTER, &[0xf0, value as u8 & 0x7f]);
    }
    #[inline(always)]
    fn annotated(ring: &mut Ring, number: u64, real: f64, text: &str) {
        let mut more = *b"\x22\x04\x08\x01\x18_\x22\x0b\x08\x02\x29________\x22\x0e\x08\x03\x32\x0a__________";
        more[5] = number as u8;
        more[11..19].copy_from_slice(&real.to_le_bytes());
        more[25..35].copy_from_slice(&text.as_bytes()[..10]);
        ring.packet(&BEGIN, &more);
        ring.packet(&END, &[]);
    }
    #[inline(always)]
    fn named(ring: &mut Ring, name: &Name) {
        let iid = name.text.as_ptr() as u64 >> 5;
        ring.packet(&BEGIN, &[iid as u8 | 0x80, (iid >> 7) as u8 & 0x7f]);
        ring.packet(&END, &[]);
    }
    fn leave(&self, ring: Ring) {
        std::hint::black_box(&ring.bytes);
    }
    fn finish(self) {}
    fn kept(_file: &Path) -> Option<Kept> {
        None
    }
}
