//! What a thread does for each packet: own chunk, known?, clock, bytes, commit.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use pftrace_ring::Writer;

use super::names::Names;
use super::session::{self, Session};
use crate::clock;

/// Where a thread has its time from.
pub trait Clock {
    /// What the first packet of a thread counts from.
    fn start_ns() -> u64;
    fn new(start_ns: u64) -> Self;
    fn now_ns(&mut self) -> u64;
}

/// The time-stamp counter, scaled.
#[derive(Debug)]
pub struct Tsc {
    scale: u64,
}

impl Clock for Tsc {
    fn start_ns() -> u64 {
        Self::new(0).now_ns()
    }
    fn new(_start_ns: u64) -> Self {
        Self { scale: clock::scale() }
    }
    #[inline(always)]
    fn now_ns(&mut self) -> u64 {
        ((u128::from(clock::ticks()) * u128::from(self.scale)) >> 64) as u64
    }
}

/// A clock that costs nothing: each packet is half a microsecond after the one before.
#[derive(Debug)]
pub struct Stub(u64);

/// It needs no rate, which takes a time to measure that would be counted among the instructions.
impl Clock for Stub {
    fn start_ns() -> u64 {
        1_000_000_000
    }
    fn new(start_ns: u64) -> Self {
        Self(start_ns)
    }
    #[inline(always)]
    fn now_ns(&mut self) -> u64 {
        self.0 += 500;
        self.0
    }
}

/// A recording thread's state.
#[derive(Debug)]
pub struct Thread<C> {
    session: Arc<Session>,
    writer: Writer,
    clock: C,
    last_ns: u64,
    /// In each packet, below 128.
    pub sequence: u8,
    /// Of each place, the definition that the present chunk has named, and the chunk's number in the upper half.
    known: Box<[u64; PLACES]>,
    chunk: u64,
    pub names: Names,
}

const PLACES: usize = 1024;

impl<C: Clock> Thread<C> {
    pub fn new(session: &Arc<Session>) -> Self {
        let writer = session.writer();
        let sequence = session::sequence(writer.owner().number()) as u8;
        Self {
            session: session.clone(),
            writer,
            clock: C::new(session.start_ns),
            last_ns: session.start_ns,
            sequence,
            known: Box::new([0; PLACES]),
            chunk: 0,
            names: Names::new(),
        }
    }

    /// The number of a run-time name.
    #[inline(always)]
    pub fn name(&mut self, text: &str) -> Option<u32> {
        self.names.find(text, &self.session.definitions)
    }

    /// One packet. `write` gets the room, the nanoseconds since the last packet and the sequence, and gives the length; `None`: there
    /// is too little room.
    ///
    /// `definition` is what the packet names: where the chunk has not named it yet, a word at its end does.
    #[inline(always)]
    pub fn packet(&mut self, definition: u32, write: impl Fn(&mut [u8], u64, u8) -> Option<usize>) {
        loop {
            // Nothing here records while it records, so it is never refused for that.
            let Ok(mut space) = self.writer.begin() else {
                self.take();
                continue;
            };
            let place = &mut self.known[definition as usize % PLACES];
            let now = self.clock.now_ns();
            let Some(len) = write(space.bytes(), now.wrapping_sub(self.last_ns), self.sequence) else {
                drop(space);
                self.writer.complete();
                continue;
            };
            let known = self.chunk << 32 | u64::from(definition);
            if *place == known {
                space.commit(len);
            } else if space.has_room_for_word(len) {
                space.commit_with(len, &[definition]);
                *place = known;
            } else {
                drop(space);
                self.writer.complete();
                continue;
            }
            self.last_ns = now;
            return;
        }
    }

    #[cold]
    #[inline(never)]
    fn take(&mut self) {
        while !self.writer.take() {
            // The product drops and counts; here a thread waits, so that each event is measured.
            self.session.stalls.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(Duration::from_micros(20));
        }
        self.chunk += 1;
    }
}
