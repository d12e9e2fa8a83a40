//! The chunks of a region, and their way from hand to hand.

use std::io;
use std::sync::Arc;

use crate::barrier::Barrier;
use crate::claim::Claims;
use crate::lists::{Place, Queue, Stack};
use crate::region::Region;
use crate::sync::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use crate::word::{MAX_CHUNK_LEN, Owner, State, Word};
use crate::words::{Slots, Words};

/// What happens when no chunk is free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// Nothing is written until a reader has made room: the oldest is kept.
    #[default]
    Keep,
    /// The oldest complete chunk is written over: the newest is kept.
    Overwrite,
}

/// How large a ring is, and what it does when it is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// The size of a chunk in bytes: a power of two from 256 to [`MAX_CHUNK_LEN`].
    pub chunk_len: u32,
    /// How many there are: at least 1.
    pub chunks: u32,
    /// What happens when all are full.
    pub policy: Policy,
    /// How many writers can live at the same time: at most [`Owner::COUNT`]. Four bytes each.
    pub writers: u32,
}

/// Fixed memory in chunks, which [`Writer`](crate::Writer)s fill and a [`Reader`](crate::Reader) empties.
#[derive(Clone, Debug)]
pub struct Ring(pub(crate) Arc<Shared>);

#[derive(Debug)]
pub(crate) struct Shared {
    words: Words,
    pub(crate) region: Region,
    /// Of each owner: not 0 while it is within a packet.
    busy: Slots,
    pub(crate) barrier: Barrier,
    /// How many claims there have been.
    pub(crate) claims: AtomicU64,
    /// The numbers that no living writer has.
    pub(crate) owners: Stack,
    pub(crate) free: Stack,
    pub(crate) complete: Queue,
    policy: Policy,
    /// Chunks that were written over, and the packets in them.
    overwritten_chunks: AtomicU64,
    overwritten: AtomicU64,
    /// Whether no writer gets a chunk any more, and how many of them are out of use since.
    closed: AtomicBool,
    collected: AtomicU32,
}

impl Ring {
    /// Takes the memory, and touches all of it.
    ///
    /// # Errors
    ///
    /// When the configuration is out of its bounds ([`io::ErrorKind::InvalidInput`], the text says which), or the memory
    /// can't be had.
    pub fn new(config: Config) -> io::Result<Self> {
        let Config { chunk_len, chunks, policy, writers } = config;
        let invalid = |text: String| Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        if !chunk_len.is_power_of_two() || !(256..=MAX_CHUNK_LEN).contains(&chunk_len) {
            return invalid(format!("expected a chunk of 2^n bytes, 256 to {MAX_CHUNK_LEN}, found {chunk_len}"));
        }
        if chunks == 0 || chunks > MAX_CHUNKS {
            return invalid(format!("expected 1 to {MAX_CHUNKS} chunks, found {chunks}"));
        }
        if writers > Owner::COUNT {
            return invalid(format!("expected at most {} writers, found {writers}", Owner::COUNT));
        }
        Ok(Self(Arc::new(Shared {
            words: Words::new(chunks)?,
            region: Region::new(chunks, chunk_len)?,
            busy: Slots::new(writers.max(1))?,
            barrier: Barrier::new(),
            claims: AtomicU64::new(0),
            owners: Stack::full(writers),
            free: Stack::full(chunks),
            complete: Queue::with_room_for(chunks),
            policy,
            overwritten_chunks: AtomicU64::new(0),
            overwritten: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            collected: AtomicU32::new(0),
        })))
    }

    /// How many packets have been committed and written over before anybody read them.
    #[must_use]
    pub fn overwritten(&self) -> u64 {
        self.0.overwritten.load(Ordering::Relaxed)
    }

    /// How many chunks that was.
    #[must_use]
    pub fn overwritten_chunks(&self) -> u64 {
        self.0.overwritten_chunks.load(Ordering::Relaxed)
    }

    /// How many chunks have been completed so far, roughly: each has one of as many places. The chunks that a writer completes are
    /// before the number that is read after it.
    #[must_use]
    pub fn completed(&self) -> u64 {
        self.0.complete.tail()
    }

    /// The size of a chunk in bytes.
    #[must_use]
    pub fn chunk_len(&self) -> u32 {
        self.0.region.chunk_len()
    }

    /// How many chunks have packets that no reader has taken yet, and how many packets they are. Of chunks that are written just now it is
    /// a guess.
    #[must_use]
    pub fn unread(&self) -> (u64, u64) {
        self.count(|state| state != State::Claimed && state != State::Reading)
    }

    /// The same of chunks that readers have, or a history, and have not given back.
    #[must_use]
    pub fn held(&self) -> (u64, u64) {
        self.count(|state| state == State::Reading)
    }

    fn count(&self, wanted: impl Fn(State) -> bool) -> (u64, u64) {
        let words = self.0.words.slots().iter().map(|slot| Word(slot.word.load(Ordering::Relaxed)));
        let packets = words.filter(|word| wanted(word.state())).map(Word::packets);
        packets
            .filter(|&packets| packets > 0)
            .fold((0, 0), |(chunks, sum), packets| (chunks + 1, sum + u64::from(packets)))
    }

    /// Whether this process is a forked child of the one that made the ring. Then nothing can be read, and nothing be written; elsewhere
    /// than on Linux a writer's present chunk still can, into the child's own copy of it, which nobody reads.
    #[must_use]
    pub fn is_forked(&self) -> bool {
        self.0.words.are_wiped()
    }

    /// How many chunks there are.
    #[must_use]
    pub fn chunks(&self) -> u32 {
        self.0.words.slots().len() as u32
    }
}

pub(crate) const MAX_CHUNKS: u32 = 1 << 24;

impl Shared {
    pub(crate) fn word(&self, index: u32) -> &AtomicU64 {
        &self.words.slots()[index as usize].word
    }

    /// Whether the owner is within a packet.
    pub(crate) fn busy(&self, owner: Owner) -> &AtomicU64 {
        &self.busy.all()[owner.number() as usize].word
    }

    /// A chunk for `owner`, if one can be had.
    pub(crate) fn take(&self, owner: Owner) -> Option<u32> {
        if self.words.are_wiped() {
            return None;
        }
        let index = match self.free.pop() {
            Some(index) => index,
            // A history gives back as many as it takes: between our two looks, perhaps.
            None => self.oldest().or_else(|| self.free.pop())?,
        };
        // Nobody else has it: it was popped. Release: a history that sees this sees the places that its owner has reserved before.
        self.word(index).store(Word::taken(owner).0, Ordering::Release);
        Some(index)
    }

    /// The oldest chunk, to write over.
    fn oldest(&self) -> Option<u32> {
        // Relaxed: who misses it just now writes over a complete chunk, which is counted, and what it then writes is waited for.
        if self.policy == Policy::Keep || self.closed.load(Ordering::Relaxed) {
            return None;
        }
        let index = self.complete.pop_or_skip().or_else(|| {
            // All are held by writers. Those that are not within a packet can do without.
            self.complete_idle();
            self.complete.pop_or_skip()
        })?;
        self.count_overwritten(Word(self.word(index).load(Ordering::Relaxed)));
        Some(index)
    }

    /// A chunk makes room for what is newer.
    pub(crate) fn count_overwritten(&self, word: Word) {
        self.overwritten_chunks.fetch_add(1, Ordering::Relaxed);
        self.overwritten.fetch_add(u64::from(word.packets()), Ordering::Relaxed);
    }

    /// A chunk that was popped from the queue is a reader's. Returns what is in it.
    pub(crate) fn read(&self, index: u32) -> Word {
        let word = Word(self.word(index).load(Ordering::Relaxed));
        debug_assert_eq!(word.state(), State::Complete, "only what is complete is queued");
        self.word(index).store(word.with(State::Reading).0, Ordering::Relaxed);
        word
    }

    /// Ends the chunk `index` of the caller, who is not within a packet and left its word `idle`, unless another has been quicker. False when
    /// it is still the caller's: there is no place in the queue just now.
    pub(crate) fn end_own(&self, index: u32, idle: Word) -> bool {
        if idle.packets() == 0 {
            if self.change_own(index, idle, State::Reading) {
                self.release(index);
            }
            return true;
        }
        // Acquire: as in `change_own`.
        let found = Word(self.word(index).load(Ordering::Acquire));
        if found != idle && !found.is_claimed_of(idle.owner()) {
            return true;
        }
        let Some(place) = self.complete.reserve() else { return false };
        if self.change_own(index, idle, State::Complete) {
            self.fill(place, index, idle);
        } else {
            place.pass();
        }
        true
    }

    /// Puts a chunk that has been ended into its place.
    pub(crate) fn fill(&self, place: Place<'_>, index: u32, word: Word) {
        if !place.fill(index) {
            // It was the oldest by then, and others did not wait for it.
            self.count_overwritten(word);
            self.release(index);
        }
    }

    /// Whether it could: not when another has ended it.
    fn change_own(&self, index: u32, idle: Word, end: State) -> bool {
        let word = self.word(index);
        let mut from = idle;
        loop {
            // Release, with the acquire of whoever gets the chunk from the queue or the stack. Acquire: who was quicker has reserved a place
            // before, and ours for the next chunk comes behind it.
            match word.compare_exchange(from.0, idle.with(end).0, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return true,
                // Somebody wants it, and does not have it yet; or has withdrawn.
                Err(found) if found == idle.0 || Word(found).is_claimed_of(idle.owner()) => from = Word(found),
                Err(_) => return false,
            }
        }
    }

    /// Ends every chunk that has something in it and whose owner is not within a packet. Returns how many are within one.
    pub(crate) fn complete_idle(&self) -> usize {
        self.end_idle(|word| word.packets() > 0)
    }

    /// Ends every chunk whose word is `wanted` and whose owner is not within a packet. Returns how many are within one.
    fn end_idle(&self, wanted: impl Fn(Word) -> bool) -> usize {
        let (mut busy, mut claims) = (0, Claims::new(self));
        for index in 0..self.words.slots().len() as u32 {
            let word = Word(self.word(index).load(Ordering::Relaxed));
            if word.state() == State::Idle && wanted(word) {
                match self.busy(word.owner()).load(Ordering::Relaxed) {
                    0 => busy += claims.add(index, word),
                    _ => busy += 1,
                }
            }
        }
        busy + claims.settle()
    }

    /// See [`Reader::close`](crate::Reader::close).
    pub(crate) fn close(&self) -> u32 {
        self.closed.store(true, Ordering::Relaxed);
        self.end_idle(|_| true);
        // One by one they come here: free now, or given back by a reader later. None leaves again.
        while self.free.pop().is_some() {
            self.collected.fetch_add(1, Ordering::Relaxed);
        }
        let outstanding = self.words.slots().len() as u32 - self.collected.load(Ordering::Relaxed);
        if outstanding == 0 {
            self.region.give_back();
        }
        outstanding
    }

    /// Gives back a chunk that is the caller's alone.
    pub(crate) fn release(&self, index: u32) {
        // Release: as where a chunk is taken.
        self.word(index).store(Word::FREE.0, Ordering::Release);
        // Release: what was done with it has happened for who takes it.
        self.free.push(index);
    }
}
