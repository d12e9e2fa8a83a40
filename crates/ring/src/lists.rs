//! Which chunks are free, and which wait for a reader.

use std::ops::Range;

use crate::ring::MAX_CHUNKS;
use crate::sync::{AtomicU32, AtomicU64, Ordering};

/// Free chunks: the last one back is the first one out, since it is still in the cache. Lock-free.
#[derive(Debug)]
pub(crate) struct Stack {
    /// The index of the top one plus one, 0 if there is none; in the upper half how often it has changed, so that one that
    /// was taken and put back in between is not taken for the same.
    top: AtomicU64,
    /// Of each, the index plus one of the one below.
    below: Box<[AtomicU32]>,
}

impl Stack {
    /// With all of `count` on it, the lowest on top.
    pub(crate) fn full(count: u32) -> Self {
        let below = (0..count).map(|index| AtomicU32::new(if index + 1 < count { index + 2 } else { 0 }));
        Self { top: AtomicU64::new(u64::from(count.min(1))), below: below.collect() }
    }

    /// Acquire, with the release of `push`: what was done with the chunk before it was pushed has happened.
    pub(crate) fn pop(&self) -> Option<u32> {
        let mut top = self.top.load(Ordering::Acquire);
        loop {
            let index = (top as u32).checked_sub(1)?;
            let below = self.below[index as usize].load(Ordering::Relaxed);
            let next = changed(top, below);
            match self.top.compare_exchange_weak(top, next, Ordering::Acquire, Ordering::Acquire) {
                Ok(_) => return Some(index),
                Err(found) => top = found,
            }
        }
    }

    pub(crate) fn push(&self, index: u32) {
        let mut top = self.top.load(Ordering::Relaxed);
        loop {
            self.below[index as usize].store(top as u32, Ordering::Relaxed);
            match self.top.compare_exchange_weak(top, changed(top, index + 1), Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(found) => top = found,
            }
        }
    }
}

/// The next value of the top.
fn changed(top: u64, to: u32) -> u64 {
    (top >> 32).wrapping_add(1) << 32 | u64::from(to)
}

/// Chunks that wait for a reader, in the order in which their places were reserved. After D. Vyukov's bounded queue of many
/// producers and many consumers.
///
/// A place is reserved before the chunk is ended, since a writer whose chunk has been ended by another goes on at once: its next
/// chunk must come behind.
///
/// ```text
///            fill, pass              pop
///   Empty n ------------> Filled n --------> Empty n+1      n: how many times the queue has been round
///      |                                        ^
///      +----------------------------------------+
///                        skip
/// ```
///
/// Nobody waits for a thread that the system has stopped between two steps: what is popped is known before the head is moved, so that whoever
/// comes round can empty the place; and who writes over the oldest skips a place that has not been filled.
#[derive(Debug)]
pub(crate) struct Queue {
    head: AtomicU64,
    tail: AtomicU64,
    slots: Box<[AtomicU64]>,
}

/// What is in a slot: the round, whether it is filled, and then the index plus one, 0 when what the place was reserved for has not come.
/// In an empty one there may be [`LEFT_EMPTY`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot(u64);

const INDEX_BITS: u32 = 25;
const FILLED: u64 = 1 << INDEX_BITS;
const ROUND_SHIFT: u32 = INDEX_BITS + 1;
/// Nothing came in the round before.
const LEFT_EMPTY: u64 = 1;
const _: () = assert!(MAX_CHUNKS < 1 << INDEX_BITS);

impl Slot {
    fn empty(round: u64) -> Self {
        Self(round << ROUND_SHIFT)
    }

    /// What a filled one is after it has been popped.
    fn emptied(self) -> Self {
        Self((self.round() + 1) << ROUND_SHIFT | if self.index().is_none() { LEFT_EMPTY } else { 0 })
    }

    fn is_empty_in(self, round: u64) -> bool {
        self.round() == round && !self.is_filled()
    }

    fn is_filled_in(self, round: u64) -> bool {
        self.round() == round && self.is_filled()
    }

    fn filled(round: u64, index_plus_one: u32) -> Self {
        Self(round << ROUND_SHIFT | FILLED | u64::from(index_plus_one))
    }

    fn round(self) -> u64 {
        self.0 >> ROUND_SHIFT
    }

    fn is_filled(self) -> bool {
        self.0 & FILLED != 0
    }

    fn index(self) -> Option<u32> {
        ((self.0 & (FILLED - 1)) as u32).checked_sub(1)
    }
}

/// A reserved place, to be filled soon: what comes behind it waits, or skips it.
#[derive(Debug)]
#[must_use]
pub(crate) struct Place<'q> {
    queue: &'q Queue,
    position: u64,
    empty: Slot,
}

const FEWEST_PLACES: u64 = if cfg!(loom) { 2 } else { 1024 };

impl Queue {
    pub(crate) fn with_room_for(count: u32) -> Self {
        // Twice as many as are ever in it, and some, since places may be left empty.
        let slots = (0..(2 * u64::from(count)).max(FEWEST_PLACES)).map(|_| AtomicU64::new(Slot::empty(0).0)).collect();
        Self { head: AtomicU64::new(0), tail: AtomicU64::new(0), slots }
    }

    fn slot(&self, position: u64) -> &AtomicU64 {
        &self.slots[(position % self.slots.len() as u64) as usize]
    }

    fn round(&self, position: u64) -> u64 {
        position / self.slots.len() as u64
    }

    /// Acquire: with the release of `fill`.
    fn load(&self, position: u64) -> Slot {
        Slot(self.slot(position).load(Ordering::Acquire))
    }

    /// The next place. `None` when all are filled, and none popped.
    pub(crate) fn reserve(&self) -> Option<Place<'_>> {
        let mut position = self.tail.load(Ordering::Relaxed);
        loop {
            let (slot, round) = (self.load(position), self.round(position));
            if slot.is_empty_in(round) {
                // Release: who finds it reserved, and skips it, finds the slot as it was.
                match self.tail.compare_exchange_weak(position, position + 1, Ordering::Release, Ordering::Relaxed) {
                    Ok(_) => return Some(Place { queue: self, position, empty: slot }),
                    Err(found) => position = found,
                }
            } else if slot.round() < round {
                let before = position - self.slots.len() as u64;
                // Acquire: who moved the head had seen the slot filled.
                if self.head.load(Ordering::Acquire) <= before {
                    return None;
                }
                // Who popped it a whole round ago has not emptied it yet.
                if slot.is_filled() {
                    self.empty(before, slot);
                }
            } else {
                position = self.tail.load(Ordering::Relaxed);
            }
        }
    }

    /// The place that is reserved next: all that have been are before it.
    pub(crate) fn tail(&self) -> u64 {
        self.tail.load(Ordering::Relaxed)
    }

    /// The place that is popped next.
    pub(crate) fn head(&self) -> u64 {
        self.head.load(Ordering::Relaxed)
    }

    /// `None` also when the first place is reserved and not filled yet.
    pub(crate) fn pop(&self) -> Option<u32> {
        self.pop_or(|_, _| None)
    }

    /// The same, but skips places that are reserved and not filled yet: what was to come there is the oldest, and who comes with it
    /// finds that it has been written over.
    pub(crate) fn pop_or_skip(&self) -> Option<u32> {
        self.pop_or(|position, empty| {
            // Acquire: with the release of who reserved it.
            if self.tail.load(Ordering::Acquire) <= position {
                return None;
            }
            let skipped = Slot::empty(empty.round() + 1);
            // Acquire: it may have been filled meanwhile. Release: who finds it skipped finds that it was reserved.
            let skip = self.slot(position).compare_exchange(empty.0, skipped.0, Ordering::AcqRel, Ordering::Acquire);
            Some(skip.map_or_else(Slot, |_| skipped))
        })
    }

    /// `unfilled` is asked what is in the first place when it was empty.
    fn pop_or(&self, unfilled: impl Fn(u64, Slot) -> Option<Slot>) -> Option<u32> {
        let mut position = self.head.load(Ordering::Relaxed);
        loop {
            let (mut slot, round) = (self.load(position), self.round(position));
            if slot.is_empty_in(round) {
                slot = unfilled(position, slot)?;
            }
            if slot.round() < round {
                // It has not been reserved.
                return None;
            }
            // Filled in this round; or popped, or skipped by one who has not moved the head yet, or will not for a while.
            position = match self.move_head(position, position + 1) {
                Ok(_) if slot.is_filled_in(round) => {
                    self.empty(position, slot);
                    match slot.index() {
                        Some(index) => return Some(index),
                        None => position + 1,
                    }
                }
                Ok(_) => position + 1,
                Err(found) => found,
            };
        }
    }

    /// The places from the first one to the first that is not filled yet, and which chunks are where: some places were left empty.
    pub(crate) fn filled(&self, chunks: &mut Vec<(u64, u32)>) -> Range<u64> {
        let begin = self.head.load(Ordering::Acquire);
        let mut end = begin;
        chunks.clear();
        loop {
            let slot = self.load(end);
            if !slot.is_filled_in(self.round(end)) {
                return begin..end;
            }
            chunks.extend(slot.index().map(|index| (end, index)));
            end += 1;
        }
    }

    /// Whether there was no chunk in these places, which have been popped. False also when that can't be said any more.
    pub(crate) fn were_left_empty(&self, popped: Range<u64>) -> bool {
        if popped.end - popped.start > self.slots.len() as u64 {
            return false;
        }
        popped.into_iter().all(|position| {
            let slot = self.load(position);
            let left = Slot::filled(self.round(position), 0);
            // Who has popped it may not have emptied it yet.
            slot == left || slot == left.emptied()
        })
    }

    /// Pops all of these places, which [`filled`](Self::filled) has found: at one instant, the head goes there in one step. False when another has
    /// popped something meanwhile: then these are not the caller's.
    pub(crate) fn pop_all(&self, filled: &Range<u64>) -> bool {
        let popped = self.move_head(filled.start, filled.end).is_ok();
        if popped {
            for position in filled.clone() {
                let slot = self.load(position);
                // Else somebody has come round and emptied it.
                if slot.is_filled_in(self.round(position)) {
                    self.empty(position, slot);
                }
            }
        }
        popped
    }

    /// Release: who sees in `filled` that something is gone, sees what has come behind it.
    fn move_head(&self, from: u64, to: u64) -> Result<u64, u64> {
        self.head.compare_exchange(from, to, Ordering::Release, Ordering::Relaxed)
    }

    /// A place that has been popped can be reserved again. Another may have been quicker.
    fn empty(&self, position: u64, filled: Slot) {
        let emptied = filled.emptied();
        _ = self.slot(position).compare_exchange(filled.0, emptied.0, Ordering::Release, Ordering::Relaxed);
    }
}

impl Place<'_> {
    /// Puts a chunk there. False when the place has been skipped: the chunk is still the caller's.
    #[must_use]
    pub(crate) fn fill(self, index: u32) -> bool {
        self.put(index + 1)
    }

    /// Leaves it empty.
    pub(crate) fn pass(self) {
        self.put(0);
    }

    fn put(self, index_plus_one: u32) -> bool {
        let (slot, round) = (self.queue.slot(self.position), self.queue.round(self.position));
        let filled = Slot::filled(round, index_plus_one);
        // Release: what was done with the chunk has happened for who pops it.
        slot.compare_exchange(self.empty.0, filled.0, Ordering::Release, Ordering::Relaxed).is_ok()
    }
}
