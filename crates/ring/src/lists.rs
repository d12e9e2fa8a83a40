//! Which chunks are free, and which wait for a reader.

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

/// Chunks that wait for a reader, in the order in which they were completed. There is room for every chunk, so it is never
/// full. After D. Vyukov's bounded queue of many producers and many consumers.
#[derive(Debug)]
pub(crate) struct Queue {
    head: AtomicU64,
    tail: AtomicU64,
    slots: Box<[Slot]>,
}

#[derive(Debug)]
struct Slot {
    /// The position that may be written here; one more when it is.
    turn: AtomicU64,
    index: AtomicU32,
}

impl Queue {
    pub(crate) fn with_room_for(count: u32) -> Self {
        let slot = |turn| Slot { turn: AtomicU64::new(turn), index: AtomicU32::new(0) };
        // Twice as many as are ever in it, so that a place comes round late.
        let slots = (0..2 * u64::from(count.max(1))).map(slot).collect();
        Self { head: AtomicU64::new(0), tail: AtomicU64::new(0), slots }
    }

    fn slot(&self, position: u64) -> &Slot {
        &self.slots[(position % self.slots.len() as u64) as usize]
    }

    /// Release: what was done with the chunk has happened for who pops it.
    ///
    /// False when who popped this place's last is not done with it, and nothing is pushed: it was stopped between two of its
    /// instructions for as long as all others went round, and nobody waits for it.
    #[must_use]
    pub(crate) fn push(&self, index: u32) -> bool {
        let mut position = self.tail.load(Ordering::Relaxed);
        loop {
            let slot = self.slot(position);
            let turn = slot.turn.load(Ordering::Acquire);
            if turn == position {
                match self.tail.compare_exchange_weak(position, position + 1, Ordering::Relaxed, Ordering::Relaxed) {
                    Ok(_) => {
                        slot.index.store(index, Ordering::Relaxed);
                        slot.turn.store(position + 1, Ordering::Release);
                        return true;
                    }
                    Err(found) => position = found,
                }
            } else if turn < position {
                return false;
            } else {
                position = self.tail.load(Ordering::Relaxed);
            }
        }
    }

    /// `None` also when the first one is still being pushed.
    pub(crate) fn pop(&self) -> Option<u32> {
        let mut position = self.head.load(Ordering::Relaxed);
        loop {
            let slot = self.slot(position);
            let turn = slot.turn.load(Ordering::Acquire);
            if turn == position + 1 {
                match self.head.compare_exchange_weak(position, position + 1, Ordering::Relaxed, Ordering::Relaxed) {
                    Ok(_) => {
                        let index = slot.index.load(Ordering::Relaxed);
                        slot.turn.store(position + self.slots.len() as u64, Ordering::Release);
                        return Some(index);
                    }
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
