//! Ends of slices on tracks of their own that had no room: the drain writes them.
//!
//! A thread's own slices are in the header of its next chunk. A slice on another track can be ended by any thread, also by one that never
//! gets a chunk again, and it must end, since all that comes on the track later would lie within it.

use std::boxed::Box;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many can wait.
const MOST: u64 = 4096;

/// A bounded queue that threads push to without waiting, and the drain takes from.
#[derive(Debug)]
pub(super) struct LateEnds {
    slots: Box<[Slot]>,
    pushed: AtomicU64,
    taken: AtomicU64,
}

#[derive(Debug)]
struct Slot {
    ns: AtomicU64,
    /// The number of the track, and above it that of the thread; 0 while it is not there yet.
    who: AtomicU64,
}

/// A slice on that track ended then, by that thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LateEnd {
    pub(super) track: u32,
    pub(super) thread: u32,
    pub(super) ns: u64,
}

impl LateEnds {
    pub(super) fn new() -> Self {
        let slots = (0..MOST).map(|_| Slot { ns: AtomicU64::new(0), who: AtomicU64::new(0) }).collect();
        Self { slots, pushed: AtomicU64::new(0), taken: AtomicU64::new(0) }
    }

    /// False when too many wait.
    pub(super) fn push(&self, end: LateEnd) -> bool {
        // Acquire: with the release of `take`, the slot is free. What has been taken may be ahead of a number that is old by now: then that
        // is read again.
        let waiting = |pushed: u64| pushed.saturating_sub(self.taken.load(Ordering::Acquire));
        let room = |pushed: u64| (waiting(pushed) < MOST).then_some(pushed + 1);
        let Ok(place) = self.pushed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room) else { return false };
        let slot = &self.slots[(place % MOST) as usize];
        slot.ns.store(end.ns, Ordering::Relaxed);
        // Release: with the acquire of `take`, the time is there.
        slot.who.store(u64::from(end.thread) << 32 | u64::from(end.track), Ordering::Release);
        true
    }

    /// Only one takes.
    pub(super) fn take(&self) -> Option<LateEnd> {
        let place = self.taken.load(Ordering::Relaxed);
        let slot = &self.slots[(place % MOST) as usize];
        let who = slot.who.swap(0, Ordering::Acquire);
        if who == 0 {
            return None;
        }
        let ns = slot.ns.load(Ordering::Relaxed);
        self.taken.store(place + 1, Ordering::Release);
        Some(LateEnd { track: who as u32, thread: (who >> 32) as u32, ns })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pushed_is_taken_in_order_and_no_more_than_fits() {
        let ends = LateEnds::new();
        let end = |number: u64| LateEnd { track: number as u32 + 1, thread: 7, ns: number };
        for round in 0..3 {
            assert!((0..MOST).all(|number| ends.push(end(number))));
            assert!(!ends.push(end(MOST)), "round {round}");
            assert!((0..MOST).all(|number| ends.take() == Some(end(number))));
            assert_eq!(ends.take(), None);
        }
    }

    #[test]
    fn many_push_while_one_takes() {
        const THREADS: u64 = 3;
        const EACH: u64 = 100_000;
        let ends = LateEnds::new();
        let taken = std::thread::scope(|scope| {
            for thread in 1..=THREADS {
                let ends = &ends;
                scope.spawn(move || {
                    for ns in 1..=EACH {
                        while !ends.push(LateEnd { track: 1, thread: thread as u32, ns }) {
                            std::thread::yield_now();
                        }
                    }
                });
            }
            let mut last = [0; THREADS as usize + 1];
            let mut taken = 0;
            while taken < THREADS * EACH {
                let Some(end) = ends.take() else { continue };
                let last = &mut last[end.thread as usize];
                assert_eq!(end.ns, *last + 1, "each thread's in its order");
                (*last, taken) = (end.ns, taken + 1);
            }
            taken
        });
        assert_eq!((taken, ends.take()), (THREADS * EACH, None));
    }
}
