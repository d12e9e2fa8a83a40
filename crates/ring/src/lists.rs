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
#[derive(Debug)]
pub(crate) struct Queue {
    head: AtomicU64,
    tail: AtomicU64,
    slots: Box<[AtomicU64]>,
}

/// What is in a slot: the round, whether it is filled, and then the index plus one, 0 when what the place was reserved for has not come.
/// In an empty one there may be [`LEFT_EMPTY`] and [`SKIPPABLE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slot(u64);

const INDEX_BITS: u32 = 25;
const FILLED: u64 = 1 << INDEX_BITS;
const ROUND_SHIFT: u32 = INDEX_BITS + 1;
/// Nothing came in the round before.
const LEFT_EMPTY: u64 = 1;
/// It is reserved by the owner of what is to come: who does not wait for it may skip it.
const SKIPPABLE: u64 = 2;
const _: () = assert!(MAX_CHUNKS < 1 << INDEX_BITS);

impl Slot {
    fn empty(round: u64) -> Self {
        Self(round << ROUND_SHIFT)
    }

    /// Popped, in the round before: with a chunk or without.
    fn emptied(round: u64, index: Option<u32>) -> Self {
        Self(round << ROUND_SHIFT | if index.is_none() { LEFT_EMPTY } else { 0 })
    }

    fn is_empty_in(self, round: u64) -> bool {
        self.round() == round && !self.is_filled()
    }

    fn filled(round: u64, index_plus_one: u32) -> Self {
        Self(round << ROUND_SHIFT | FILLED | u64::from(index_plus_one))
    }

    fn round(self) -> u64 {
        self.0 >> ROUND_SHIFT
    }

    fn is_skippable(self) -> bool {
        !self.is_filled() && self.0 & SKIPPABLE != 0
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
}

const FEWEST_PLACES: u64 = if cfg!(loom) { 2 } else { 8192 };

impl Queue {
    pub(crate) fn with_room_for(count: u32) -> Self {
        // Twice as many as are ever in it, and thousands, so that a place comes round late: whoever has it is done with it by then, though
        // the system may have stopped it for some milliseconds.
        let slots = (0..(2 * u64::from(count)).max(FEWEST_PLACES)).map(|_| AtomicU64::new(Slot::empty(0).0)).collect();
        Self { head: AtomicU64::new(0), tail: AtomicU64::new(0), slots }
    }

    fn slot(&self, position: u64) -> &AtomicU64 {
        &self.slots[(position % self.slots.len() as u64) as usize]
    }

    fn round(&self, position: u64) -> u64 {
        position / self.slots.len() as u64
    }

    /// Acquire: with the release of `fill`, and of who emptied it.
    fn load(&self, position: u64) -> Slot {
        Slot(self.slot(position).load(Ordering::Acquire))
    }

    /// The next place. `None` when who emptied or reserved it a whole round ago is not done with it: it was stopped between
    /// two of its instructions, and nobody waits for it.
    pub(crate) fn reserve(&self) -> Option<Place<'_>> {
        let mut position = self.tail.load(Ordering::Relaxed);
        loop {
            let (slot, round) = (self.load(position), self.round(position));
            if slot.is_empty_in(round) {
                match self.tail.compare_exchange_weak(position, position + 1, Ordering::Relaxed, Ordering::Relaxed) {
                    Ok(_) => return Some(Place { queue: self, position }),
                    Err(found) => position = found,
                }
            } else if slot.round() < round {
                return None;
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
        self.pop_or(|_| false)
    }

    /// The same, but skips places that are not filled yet and may be skipped: what was to come there is the oldest, and who comes with it
    /// finds that it has been written over.
    pub(crate) fn pop_or_skip(&self) -> Option<u32> {
        self.pop_or(Slot::is_skippable)
    }

    fn pop_or(&self, skip: impl Fn(Slot) -> bool) -> Option<u32> {
        let mut position = self.head.load(Ordering::Relaxed);
        loop {
            let (mut slot, round) = (self.load(position), self.round(position));
            if slot.is_empty_in(round) {
                // Nobody has passed it, since it was neither filled nor skipped: the head is still here.
                if !skip(slot) {
                    return None;
                }
                // Acquire: it may have been filled meanwhile. Release: who finds it skipped finds that it was reserved.
                let skipped = Slot::empty(round + 1);
                let skip = self.slot(position).compare_exchange(slot.0, skipped.0, Ordering::AcqRel, Ordering::Acquire);
                slot = skip.map_or_else(Slot, |_| skipped);
            }
            if slot.round() < round {
                // Who popped it a whole round ago is not done with it, so it has not been reserved since.
                return None;
            }
            // Filled in this round; or popped, or skipped by one who has not moved the head yet, or will not for a while.
            let is_filled = slot.round() == round;
            position = match self.move_head(position, position + 1) {
                Ok(_) if is_filled => match self.empty(position) {
                    Some(index) => return Some(index),
                    None => position + 1,
                },
                Ok(_) => position + 1,
                Err(found) => found,
            };
        }
    }

    /// The places from the first one to the first that is not filled yet, and how many chunks are there: some places were
    /// left empty.
    pub(crate) fn filled(&self) -> (Range<u64>, usize) {
        let begin = self.head.load(Ordering::Acquire);
        let (mut end, mut chunks) = (begin, 0);
        loop {
            let slot = self.load(end);
            if slot.round() != self.round(end) || !slot.is_filled() {
                return (begin..end, chunks);
            }
            chunks += usize::from(slot.index().is_some());
            end += 1;
        }
    }

    /// Whether there was no chunk in these places, which have been popped. False also when that can't be said any more.
    pub(crate) fn were_left_empty(&self, popped: Range<u64>) -> bool {
        if popped.end - popped.start > self.slots.len() as u64 {
            return false;
        }
        popped.into_iter().all(|position| {
            let (slot, round) = (self.load(position), self.round(position));
            // Who has popped it may not have said so yet.
            slot == Slot::filled(round, 0) || slot == Slot::emptied(round + 1, None)
        })
    }

    /// Pops all that [`filled`](Self::filled) has found: at one instant, the head goes there in one step. False when another has
    /// popped something meanwhile. The places are to be [emptied](Self::empty) one by one.
    pub(crate) fn pop_all(&self, filled: &Range<u64>) -> bool {
        self.move_head(filled.start, filled.end).is_ok()
    }

    /// Release: who sees in `filled` that something is gone, sees what has come behind it.
    fn move_head(&self, from: u64, to: u64) -> Result<u64, u64> {
        self.head.compare_exchange(from, to, Ordering::Release, Ordering::Relaxed)
    }

    /// What is in a place that the caller has popped; it can be reserved again.
    pub(crate) fn empty(&self, position: u64) -> Option<u32> {
        let slot = self.load(position);
        self.slot(position).store(Slot::emptied(self.round(position) + 1, slot.index()).0, Ordering::Release);
        slot.index()
    }
}

impl Place<'_> {
    /// Puts a chunk there. False when the place has been skipped: the chunk is still the caller's.
    #[must_use]
    pub(crate) fn fill(self, index: u32) -> bool {
        self.put(index + 1)
    }

    /// Who reserved it owns the chunk that is to come. Only then: until the place is filled the chunk can't come round a second time
    /// and look as before, which is what another's compare-and-swap of its word relies on.
    pub(crate) fn may_be_skipped(&self) {
        let slot = self.queue.slot(self.position);
        // Nobody else changes a place that is reserved and can't be skipped. Release: who skips it finds that it was reserved.
        slot.store(slot.load(Ordering::Relaxed) | SKIPPABLE, Ordering::Release);
    }

    /// Leaves it empty.
    pub(crate) fn pass(self) {
        self.put(0);
    }

    fn put(self, index_plus_one: u32) -> bool {
        let (slot, round) = (self.queue.slot(self.position), self.queue.round(self.position));
        // Since it was reserved it can only have been skipped.
        let empty = Slot(slot.load(Ordering::Relaxed));
        let filled = Slot::filled(round, index_plus_one);
        // Release: what was done with the chunk has happened for who pops it.
        empty.is_empty_in(round)
            && slot.compare_exchange(empty.0, filled.0, Ordering::Release, Ordering::Relaxed).is_ok()
    }
}
