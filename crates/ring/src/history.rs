//! The newest chunks of a ring that is written over.
//!
//! ```text
//!   position:      ... 7 8 9 | 10 11 12 13 14 | 15 16 ...
//!                      held      complete       reserved, or not yet
//!                            ^ end = head
//! ```
//!
//! Complete chunks have positions in the queue, and leave it in that order: to a writer that writes over the oldest, or, many in
//! one step, to the history. So what the history holds has no hole when each step begins where the one before has ended. Where it does
//! not, writers have come round meanwhile: what was held before is older than what they wrote over, and is released.
//!
//! The ring has twice the chunks that the history keeps. While it holds that many, as many are left to the writers, who write over
//! their own oldest: so they never wait for whoever reads. And what they have when they begin to do so is a history's worth: it
//! never has less than that many chunks to show, once there were so many.

use std::collections::VecDeque;

use crate::reader::Chunk;
use crate::ring::{Ring, Shared};
use crate::sync::Ordering;
use crate::word::{State, Word};

/// Keeps the newest complete chunks of a ring with [`Policy::Overwrite`](crate::Policy::Overwrite), to read them as often as is wanted.
///
/// There is one for a ring, and no other reader.
///
/// ```
/// use pftrace_ring::{Config, History, Policy, Ring};
///
/// let ring = Ring::new(Config { chunk_len: 256, chunks: 16, policy: Policy::Overwrite, writers: 1 })?;
/// let mut history = History::new(&ring);
/// let mut writer = ring.writer().unwrap();
/// // One packet in each chunk.
/// let mut write = |number| {
///     writer.take();
///     let mut space = writer.begin().unwrap();
///     space.bytes()[0] = number;
///     space.commit(1);
/// };
/// let numbers = |history: &History| history.chunks().map(|chunk| chunk.bytes()[0]).collect::<Vec<_>>();
///
/// (0..5).for_each(&mut write);
/// history.take(|| false);
/// assert_eq!(numbers(&history), [0, 1, 2, 3, 4]);
/// (5..10).for_each(&mut write);
/// history.take(|| false);
/// assert_eq!(numbers(&history), [2, 3, 4, 5, 6, 7, 8, 9]);
/// (10..100).for_each(&mut write);
/// history.take(|| false);
/// assert_eq!(numbers(&history), [92, 93, 94, 95, 96, 97, 98, 99]);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct History {
    ring: Ring,
    /// The oldest first: without a hole, up to `end`.
    held: VecDeque<Held>,
    end: u64,
    /// How many are kept at most.
    most: usize,
    /// Chunks that were begun when a `take` began, and are not ended yet.
    begun: Vec<(u32, Word)>,
    /// Which chunks are complete, and where.
    found: Vec<(u64, u32)>,
}

#[derive(Debug)]
struct Held {
    position: u64,
    index: u32,
    word: Word,
}

impl History {
    /// Of half the ring's chunks, at least one. Its own memory is taken now.
    #[must_use]
    pub fn new(ring: &Ring) -> Self {
        let chunks = ring.chunks() as usize;
        let most = (chunks / 2).max(1);
        let held = VecDeque::with_capacity(chunks + 1);
        let (begun, found) = (Vec::with_capacity(chunks), Vec::with_capacity(chunks));
        Self { ring: ring.clone(), held, end: 0, most, begun, found }
    }

    /// Takes what is complete, and makes it so before: at least all that was committed before the call. Releases the oldest beyond
    /// half the ring. What a writer had begun and is within a packet of is waited for, as long as `wait` says so each time it is asked.
    ///
    /// Returns how many chunks had been begun before and are not there, since their writers were stopped within a packet, or while they
    /// ended a chunk: what these committed last is missing.
    pub fn take(&mut self, mut wait: impl FnMut() -> bool) -> usize {
        let missing = self.end_begun(&mut wait);
        // All that has been ended has a place before this one, though it may not be filled yet.
        let wanted = self.ring.0.complete.tail();
        self.pop_all();
        while self.end < wanted && wait() {
            self.pop_all();
        }
        missing + wanted.saturating_sub(self.end) as usize
    }

    /// What is held, the oldest first; those of one writer are in the order in which it wrote them, and none of its is missing in between.
    pub fn chunks(&self) -> impl ExactSizeIterator<Item = Chunk<'_>> {
        self.held.iter().map(|held| Chunk { ring: &self.ring, index: held.index, word: held.word })
    }

    /// All chunks that have been completed and are still there have at least this number of [`Ring::completed`].
    #[must_use]
    pub fn oldest(&self) -> u64 {
        self.held.front().map_or_else(|| self.ring.0.complete.head(), |held| held.position)
    }

    /// From now on no writer gets a chunk. Takes what is complete, and returns how many chunks are still with writers: call it again
    /// until it is 0, then nothing more will come.
    pub fn close(&mut self) -> u32 {
        let outstanding = self.ring.0.close();
        self.pop_all();
        outstanding.saturating_sub(self.held.len() as u32)
    }

    /// Gives back all that is held.
    pub fn clear(&mut self) {
        while let Some(held) = self.held.pop_front() {
            self.ring.0.release(held.index);
        }
    }

    /// Ends the chunks that writers have begun, or sees them ended by these. Returns how many are not.
    fn end_begun(&mut self, wait: &mut impl FnMut() -> bool) -> usize {
        let shared: &Shared = &self.ring.0;
        // Acquire: who has ended a chunk, had reserved a place for it.
        let load = |index: u32| Word(shared.word(index).load(Ordering::Acquire));
        self.begun.clear();
        let is_begun = |word: Word| match word.state() {
            State::Idle => shared.packets_of(word.owner()) > 0,
            state => state == State::Claimed || state == State::Left,
        };
        self.begun
            .extend((0..self.ring.chunks()).map(|index| (index, load(index))).filter(|(_, word)| is_begun(*word)));
        loop {
            self.begun.retain(|&(index, begun)| {
                let word = load(index);
                if word.goes_on_from(begun) {
                    shared.end_begun(index, word);
                }
                load(index).goes_on_from(begun)
            });
            if self.begun.is_empty() || !wait() {
                return self.begun.len();
            }
        }
    }

    /// Takes all that is complete now. There are never more than `most` in our hands, not for an instant: as many are the writers'.
    fn pop_all(&mut self) {
        let ring = self.ring.clone();
        let complete = &ring.0.complete;
        let mut found = std::mem::take(&mut self.found);
        loop {
            let filled = complete.filled(&mut found);
            let excess = found.len().saturating_sub(self.most);
            if excess > 0 || !complete.were_left_empty(self.end..filled.start) {
                // Some of what comes behind will be written over now, or has been.
                self.release_down_to(0);
            }
            if excess > 0 {
                self.write_over(filled.start, &found[..excess]);
                continue;
            }
            self.release_down_to(self.most - found.len());
            if complete.pop_all(&filled) {
                self.end = filled.end;
                break;
            }
        }
        let held = |(position, index)| Held { position, index, word: ring.0.read(index) };
        self.held.extend(found.drain(..).map(held));
        self.found = found;
    }

    /// Releases these, the oldest, as writers do; no more when one of those does so meanwhile.
    fn write_over(&self, mut begin: u64, oldest: &[(u64, u32)]) {
        let shared = &self.ring.0;
        for &(position, index) in oldest {
            if !shared.complete.pop_all(&(begin..position + 1)) {
                return;
            }
            shared.count_overwritten(shared.read(index));
            shared.release(index);
            begin = position + 1;
        }
    }

    /// Releases the oldest until so many are left.
    fn release_down_to(&mut self, count: usize) {
        let shared = &self.ring.0;
        while self.held.len() > count {
            let Some(held) = self.held.pop_front() else { return };
            shared.count_overwritten(held.word);
            shared.release(held.index);
        }
    }
}

impl Drop for History {
    fn drop(&mut self) {
        self.clear();
    }
}
