//! What a thread does to record one event: is recording on, its own state, open, is the call site known, clock, 16
//! constant bytes, the timestamp, the length, commit.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::ownership::Ownership;
use super::region::{HEADER_LEN, Region, SLOTS, Word};
use crate::clock;

/// The constant bytes of a call site's packet up to the timestamp's tag, and the call site's number.
#[derive(Debug, Clone, Copy)]
pub struct Template {
    bytes: [u8; 16],
    len: usize,
    site: u32,
}

/// Framing, sequence 1, flags, TrackEvent {type, category, name}, the timestamp's tag.
pub const BEGIN: Template =
    Template { bytes: *b"\x0a\x00\x50\x01\x68\x02\x5a\x06\x48\x01\x18\x01\x50\x01\x40_", len: 15, site: 1 };
pub const END: Template = Template { bytes: *b"\x0a\x00\x50\x01\x68\x02\x5a\x02\x48\x02\x40_____", len: 11, site: 1 };

/// Constant bytes, timestamp of ten bytes at most.
const MAX_PACKET_LEN: usize = 32;
const KNOWN: usize = 64;

pub static ON: AtomicBool = AtomicBool::new(false);

thread_local! {
    static WRITER: Cell<*mut Writer> = const { Cell::new(std::ptr::null_mut()) };
}

/// A thread's state.
#[derive(Debug)]
pub struct Writer {
    region: Arc<Region>,
    slot: usize,
    held: Word,
    at: *mut u8,
    /// The last place where a packet may begin.
    limit: *mut u8,
    chunks: u32,
    scale: u64,
    last_ns: u64,
    known: [u32; KNOWN],
    stub: u64,
    /// Chunks that were taken from it.
    pub taken: u64,
}

impl Writer {
    /// The calling thread's, from here on until [`Writer::leave`].
    pub fn enter(region: Arc<Region>) {
        let used = |slot: &usize| region.slots[*slot].used.swap(true, Ordering::Relaxed);
        let slot = (0..SLOTS).find(|slot| !used(slot)).expect("as many threads as slots");
        let scale = region.scale;
        let writer = Self {
            region,
            slot,
            held: Word::NONE,
            at: std::ptr::without_provenance_mut(1),
            limit: std::ptr::null_mut(),
            chunks: 0,
            scale,
            last_ns: 0,
            known: [0; KNOWN],
            stub: 0,
            taken: 0,
        };
        WRITER.set(Box::into_raw(Box::new(writer)));
    }

    /// Completes the thread's chunk.
    pub fn leave<O: Ownership>() -> Box<Self> {
        // SAFETY: made by `enter`, and out of reach from here on.
        let mut writer = unsafe { Box::from_raw(WRITER.replace(std::ptr::null_mut())) };
        if writer.held != Word::NONE && O::open(&writer.region.slots[writer.slot], writer.held) {
            writer.complete::<O>();
        }
        writer
    }

    /// One event; with a clock that costs nothing, if `STUB`.
    #[inline(always)]
    pub fn record<O: Ownership, const STUB: bool>(template: &Template) {
        if !ON.load(Ordering::Relaxed) {
            return;
        }
        let writer = WRITER.get();
        if writer.is_null() {
            return;
        }
        // SAFETY: the thread's own state, alive until `leave`; no recording happens inside of recording here.
        unsafe { (*writer).event::<O, STUB>(template) }
    }

    #[inline(always)]
    fn event<O: Ownership, const STUB: bool>(&mut self, template: &Template) {
        // SAFETY: `enter` found the slot.
        let slot: *const _ = unsafe { self.region.slots.get_unchecked(self.slot) };
        // SAFETY: the region lives as long as the writer.
        let slot = unsafe { &*slot };
        if !O::open(slot, self.held) {
            self.lost::<O>();
        } else if self.at > self.limit {
            self.change::<O>();
        }
        if self.known[template.site as usize % KNOWN] != template.site {
            self.learn(template.site);
        }
        loop {
            let now = scaled(self.ticks::<STUB>(), self.scale);
            let len = self.encode(template, now.wrapping_sub(self.last_ns));
            let new = Word(self.held.0 + (len as u64 | Word::ONE_PACKET));
            if O::commit(slot, self.held, new) {
                self.last_ns = now;
                self.held = new;
                // SAFETY: a packet that begins at `limit` still ends in the chunk.
                self.at = unsafe { self.at.add(len) };
                return;
            }
            self.lost::<O>();
        }
    }

    #[inline(always)]
    fn ticks<const STUB: bool>(&mut self) -> u64 {
        if STUB {
            self.stub += 50;
            self.stub
        } else {
            clock::ticks()
        }
    }

    #[inline(always)]
    fn encode(&mut self, template: &Template, delta: u64) -> usize {
        // SAFETY: `at` is not past `limit`, so MAX_PACKET_LEN bytes are the thread's own.
        let packet = unsafe { &mut *self.at.cast::<[u8; MAX_PACKET_LEN]>() };
        packet[..16].copy_from_slice(&template.bytes);
        let varint_len = if delta < 1 << 7 {
            packet[template.len] = delta as u8;
            1
        } else if delta < 1 << 14 {
            packet[template.len] = delta as u8 | 0x80;
            packet[template.len + 1] = (delta >> 7) as u8;
            2
        } else {
            long_varint(&mut packet[template.len..], delta)
        };
        let len = template.len + varint_len;
        packet[1] = len as u8 - 2;
        len
    }

    #[cold]
    #[inline(never)]
    fn learn(&mut self, site: u32) {
        self.known[site as usize % KNOWN] = site;
    }

    /// The reclaimer has the chunk: takes another.
    #[cold]
    #[inline(never)]
    fn lost<O: Ownership>(&mut self) {
        self.taken += 1;
        self.held = Word::NONE;
        self.take::<O>();
    }

    #[cold]
    #[inline(never)]
    fn change<O: Ownership>(&mut self) {
        if self.held != Word::NONE {
            self.complete::<O>();
        }
        self.take::<O>();
    }

    /// Gives up before pushing, and pushes before taking another: when the drain sees a chunk held, those before it
    /// are in the queue, and what is in the queue is not held.
    fn complete<O: Ownership>(&mut self) {
        if O::give_up(&self.region.slots[self.slot], self.held) {
            self.region.complete.push(self.held);
        } else {
            self.taken += 1;
        }
        self.held = Word::NONE;
    }

    fn take<O: Ownership>(&mut self) {
        let word = loop {
            match self.region.free.pop() {
                Some(word) => break word,
                None => {
                    // The product drops and counts; here a thread waits, so that each event is measured.
                    self.region.stalls.fetch_add(1, Ordering::Relaxed);
                    std::thread::sleep(Duration::from_micros(20));
                }
            }
        };
        let chunk = self.region.chunk(word.index().expect("a chunk"));
        let header = (self.slot as u64 | u64::from(self.chunks) << 32).to_le_bytes();
        // SAFETY: the chunk is the thread's own, from the free queue.
        unsafe { chunk.cast::<[u8; 8]>().write(header) };
        self.chunks += 1;
        // SAFETY: the header and the limit are within the chunk.
        (self.at, self.limit) = unsafe { (chunk.add(HEADER_LEN), chunk.add(self.region.chunk_len() - MAX_PACKET_LEN)) };
        self.held = word;
        O::hold(&self.region.slots[self.slot], word);
    }
}

/// Ticks to nanoseconds: the high half of one multiplication.
#[inline(always)]
fn scaled(ticks: u64, scale: u64) -> u64 {
    ((u128::from(ticks) * u128::from(scale)) >> 64) as u64
}

#[cold]
#[inline(never)]
fn long_varint(bytes: &mut [u8], mut value: u64) -> usize {
    let mut len = 0;
    while value >= 0x80 {
        bytes[len] = value as u8 | 0x80;
        value >>= 7;
        len += 1;
    }
    bytes[len] = value as u8;
    len + 1
}
