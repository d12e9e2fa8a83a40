//! The chunks of a region, and their way from hand to hand.

use std::io;
use std::sync::Arc;

use crate::barrier::Barrier;
use crate::claim::Claims;
use crate::lists::{Place, Queue, Stack};
use crate::region::Region;
use crate::sync::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering};
use crate::window::{self, Window};
use crate::word::{Content, MAX_CHUNK_LEN, Owner, State, Word};
use crate::words::Words;

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
    /// How many writers can live at the same time: at most [`Owner::COUNT`]. Twelve bytes each.
    pub writers: u32,
}

/// Fixed memory in chunks, which [`Writer`](crate::Writer)s fill and a [`Reader`](crate::Reader) empties.
#[derive(Clone, Debug)]
pub struct Ring(pub(crate) Arc<Shared>);

#[derive(Debug)]
pub(crate) struct Shared {
    words: Words,
    pub(crate) region: Region,
    /// Each owner's, or the last one's of that number.
    windows: Box<[AtomicPtr<Window>]>,
    pub(crate) barrier: Barrier,
    /// How often a chunk has been taken or claimed.
    numbers: AtomicU64,
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
            windows: (0..writers).map(|_| AtomicPtr::new(std::ptr::null_mut())).collect(),
            barrier: Barrier::new(),
            numbers: AtomicU64::new(0),
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
        self.count(|word| match word.state() {
            State::Idle => self.0.packets_of(word.owner()),
            State::Complete | State::Left => word.packets(),
            State::Free | State::Claimed | State::Reading => 0,
        })
    }

    /// The same of chunks that readers have, or a history, and have not given back.
    #[must_use]
    pub fn held(&self) -> (u64, u64) {
        self.count(|word| if word.state() == State::Reading { word.packets() } else { 0 })
    }

    fn count(&self, packets: impl Fn(Word) -> u32) -> (u64, u64) {
        // Acquire: the window of who took it is there.
        let words = self.0.words.slots().iter().map(|slot| Word(slot.word.load(Ordering::Acquire)));
        words
            .map(packets)
            .filter(|&packets| packets > 0)
            .fold((0, 0), |(chunks, sum), packets| (chunks + 1, sum + u64::from(packets)))
    }

    /// Whether this process is a forked child of the one that made the ring. Then nothing can be read, and nothing be written; but what is written the
    /// [short way](crate::Seat::enter) goes into the child's own copy of the chunk that its thread had, which nobody reads, until the seat is
    /// [closed](crate::Seat::close) or the chunk full. Elsewhere than on Linux so does what a writer writes into its present chunk.
    #[must_use]
    pub fn is_forked(&self) -> bool {
        self.0.words.are_wiped()
    }

    /// Whether a reader, or a history, has [closed](crate::Reader::close) it: writers get no chunk any more. Whoever has seen that sees it from then on.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
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

    /// How often a chunk has been taken or claimed: no two are told the same.
    pub(crate) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// From now on that is the owner's.
    pub(crate) fn set_window(&self, owner: Owner, window: &'static Window) {
        // Relaxed: it has no chunk yet, and whoever comes with one of its finds the window by the release of that chunk's word.
        self.windows[owner.number() as usize].store(std::ptr::from_ref(window).cast_mut(), Ordering::Relaxed);
    }

    /// Of an owner who has been seen with a chunk; else there may be none.
    pub(crate) fn window(&self, owner: Owner) -> Option<&'static Window> {
        let window = self.windows[owner.number() as usize].load(Ordering::Relaxed);
        // SAFETY: null until there is an owner of that number, and afterwards one of the references that live for ever, which `set_window` was given.
        unsafe { window.as_ref() }
    }

    /// How many packets an owner who has been seen with a chunk has in it. Acquire: where that is none, the one that had some has been ended.
    pub(crate) fn packets_of(&self, owner: Owner) -> u32 {
        self.window(owner).map_or(0, |window| window.packets.load(Ordering::Acquire))
    }

    fn is_busy(&self, owner: Owner) -> bool {
        self.window(owner).is_some_and(|window| window::is_busy(window.at()))
    }

    /// What the owner, whose window was closed when it had been `opened` so often, says that is in that chunk: `None` while it is within a packet or may be soon, and when it has another
    /// one.
    pub(crate) fn content(&self, index: u32, owner: Owner, opened: u32) -> Option<Content> {
        let window = self.window(owner).filter(|window| window.opened() == opened)?;
        window.content(self.region.chunk(index), self.region.chunk_len())
    }

    /// A chunk for `owner`, whose window that is, if one can be had.
    pub(crate) fn take(&self, owner: Owner, window: &Window) -> Option<(u32, Word)> {
        if self.words.are_wiped() {
            return None;
        }
        let index = match self.free.pop() {
            Some(index) => index,
            // A history gives back as many as it takes: between our two looks, perhaps.
            None => self.oldest().or_else(|| self.free.pop())?,
        };
        window.begin(self.region.chunk(index));
        // Nobody else has it: it was popped. Release: who sees this sees that nothing is in it yet; a history that sees this sees the places that its owner has reserved before.
        let taken = Word::taken(owner, self.number());
        self.word(index).store(taken.0, Ordering::Release);
        Some((index, taken))
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

    /// Ends the chunk `index` of the caller, who is not within a packet, whose word was `idle` and who has so much in it, unless another has been quicker. False when
    /// it is still the caller's: there is no place in the queue just now.
    pub(crate) fn end_own(&self, index: u32, idle: Word, content: Content) -> bool {
        if content.packets == 0 {
            if self.change_own(index, idle, idle.ended(content, State::Reading)) {
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
        let ended = idle.ended(content, State::Complete);
        if self.change_own(index, idle, ended) {
            self.fill(place, index, ended)
        } else {
            place.pass()
        }
        true
    }

    /// Leaves the chunk `index` of the caller, as in `end_own`, where it is, for others to put into the queue.
    pub(crate) fn leave_own(&self, index: u32, idle: Word, content: Content) {
        self.change_own(index, idle, idle.ended(content, State::Left));
    }

    /// Puts a chunk that was left into the queue. Another may be quicker.
    fn end_left(&self, index: u32, left: Word) {
        let Some(place) = self.complete.reserve() else { return };
        let ended = left.with(State::Complete);
        // Acquire: what is in it has happened. Release: who finds it changed sees that a place was reserved.
        match self.word(index).compare_exchange(left.0, ended.0, Ordering::AcqRel, Ordering::Relaxed) {
            Ok(_) => self.fill(place, index, ended),
            Err(_) => place.pass(),
        }
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
    fn change_own(&self, index: u32, idle: Word, to: Word) -> bool {
        let word = self.word(index);
        let mut from = idle;
        loop {
            // Release, with the acquire of whoever gets the chunk from the queue or the stack. Acquire: who was quicker has reserved a place
            // before, and ours for the next chunk comes behind it.
            match word.compare_exchange(from.0, to.0, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return true,
                // Somebody wants it, and does not have it yet; or has withdrawn.
                Err(found) if found == idle.0 || Word(found).is_claimed_of(idle.owner()) => from = Word(found),
                Err(_) => return false,
            }
        }
    }

    /// Ends every chunk that has something in it and whose owner is not within a packet. Returns how many are within one.
    pub(crate) fn complete_idle(&self) -> usize {
        self.end_idle(|owner| self.packets_of(owner) > 0)
    }

    /// Ends every chunk whose owner is `wanted` and not within a packet. Returns how many are within one.
    fn end_idle(&self, wanted: impl Fn(Owner) -> bool) -> usize {
        let (mut busy, mut claims) = (0, Claims::new(self));
        for index in 0..self.words.slots().len() as u32 {
            // Acquire: the window of who took it is there.
            let word = Word(self.word(index).load(Ordering::Acquire));
            match word.state() {
                State::Idle if !wanted(word.owner()) => {}
                State::Idle if self.is_busy(word.owner()) => busy += 1,
                State::Idle => busy += claims.add(index, word),
                State::Left => self.end_left(index, word),
                _ => {}
            }
        }
        busy + claims.settle()
    }

    /// Ends that chunk, if its owner is gone, or is not within a packet.
    pub(crate) fn end_begun(&self, index: u32, word: Word) {
        match word.state() {
            State::Idle if !self.is_busy(word.owner()) => {
                let mut claims = Claims::new(self);
                claims.add(index, word);
                claims.settle();
            }
            State::Left => self.end_left(index, word),
            _ => {}
        }
    }

    /// See [`Reader::close`](crate::Reader::close).
    pub(crate) fn close(&self) -> u32 {
        self.closed.store(true, Ordering::Relaxed);
        // With the light barrier of `Writer::open`: who opens a window sees that, or it is closed after it was opened.
        self.barrier.heavy();
        self.end_idle(|owner| {
            // Also of who is within a packet now: it is its last.
            self.window(owner).inspect(|window| window.close());
            true
        });
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
