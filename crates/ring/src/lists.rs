//! Which chunks are free, and which wait for a reader.

use std::ops::Range;

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
#[derive(Debug)]
pub(crate) struct Queue {
    head: AtomicU64,
    tail: AtomicU64,
    slots: Box<[Slot]>,
}

#[derive(Debug)]
struct Slot {
    /// The position that may be reserved here; one more when it is filled.
    turn: AtomicU64,
    /// The index plus one; 0 when what the place was reserved for has not come.
    filled: AtomicU32,
}

/// A reserved place, to be filled soon: what comes behind it waits.
#[derive(Debug)]
#[must_use]
pub(crate) struct Place<'q> {
    queue: &'q Queue,
    position: u64,
}

impl Queue {
    pub(crate) fn with_room_for(count: u32) -> Self {
        let slot = |turn| Slot { turn: AtomicU64::new(turn), filled: AtomicU32::new(0) };
        // Twice as many as are ever in it, so that a place comes round late.
        let slots = (0..2 * u64::from(count.max(1))).map(slot).collect();
        Self { head: AtomicU64::new(0), tail: AtomicU64::new(0), slots }
    }

    fn slot(&self, position: u64) -> &Slot {
        &self.slots[(position % self.slots.len() as u64) as usize]
    }

    /// The next place. `None` when who emptied or reserved it a whole round ago is not done with it: it was stopped between
    /// two of its instructions, and nobody waits for it.
    pub(crate) fn reserve(&self) -> Option<Place<'_>> {
        let mut position = self.tail.load(Ordering::Relaxed);
        loop {
            let turn = self.slot(position).turn.load(Ordering::Acquire);
            if turn == position {
                match self.tail.compare_exchange_weak(position, position + 1, Ordering::Relaxed, Ordering::Relaxed) {
                    Ok(_) => return Some(Place { queue: self, position }),
                    Err(found) => position = found,
                }
            } else if turn < position {
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

    /// The places from the first one to the first that is reserved and not filled yet. Those before `known` were found filled
    /// before: what is filled stays so until it is popped.
    pub(crate) fn filled(&self, known: u64) -> Range<u64> {
        let begin = self.head.load(Ordering::Relaxed);
        let mut end = begin.max(known);
        while self.slot(end).turn.load(Ordering::Acquire) == end + 1 {
            end += 1;
        }
        begin..end
    }

    /// Pops all that [`filled`](Self::filled) has found: at one instant, the head goes there in one step. False when another has
    /// popped something meanwhile. The places are to be [emptied](Self::empty) one by one.
    pub(crate) fn pop_all(&self, filled: &Range<u64>) -> bool {
        self.head.compare_exchange(filled.start, filled.end, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// What is in a place that `pop_all` has popped; it can be reserved again.
    pub(crate) fn empty(&self, position: u64) -> Option<u32> {
        let slot = self.slot(position);
        let filled = slot.filled.load(Ordering::Relaxed);
        slot.turn.store(position + self.slots.len() as u64, Ordering::Release);
        filled.checked_sub(1)
    }

    /// `None` also when the first place is reserved and not filled yet.
    pub(crate) fn pop(&self) -> Option<u32> {
        let mut position = self.head.load(Ordering::Relaxed);
        loop {
            let slot = self.slot(position);
            let turn = slot.turn.load(Ordering::Acquire);
            if turn == position + 1 {
                match self.head.compare_exchange_weak(position, position + 1, Ordering::Relaxed, Ordering::Relaxed) {
                    Ok(_) => match self.empty(position) {
                        Some(index) => return Some(index),
                        None => position = self.head.load(Ordering::Relaxed),
                    },
                    Err(found) => position = found,
                }
            } else if turn <= position {
                return None;
            } else {
                position = self.head.load(Ordering::Relaxed);
            }
        }
    }
}

impl Place<'_> {
    /// Puts a chunk there. Release: what was done with it has happened for who pops it.
    pub(crate) fn fill(self, index: u32) {
        self.put(index + 1);
    }

    /// Leaves it empty.
    pub(crate) fn pass(self) {
        self.put(0);
    }

    fn put(self, filled: u32) {
        let slot = self.queue.slot(self.position);
        slot.filled.store(filled, Ordering::Relaxed);
        slot.turn.store(self.position + 1, Ordering::Release);
    }
}
