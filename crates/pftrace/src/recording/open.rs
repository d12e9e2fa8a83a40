//! The slices that are open on a track without a guard: what [`end!`](crate::end) may end there.

use core::hint;
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// How many there can be on one track.
const MOST: u64 = 16;

/// A stack that several threads push and pop. Each has it to itself for a few instructions; who does not get it, since it has interrupted one who has, or the process was forked then,
/// gives up.
#[derive(Debug)]
pub(super) struct OpenSlices {
    /// The session in the upper half; below it [`Counts`], and whether somebody has it.
    state: AtomicU64,
    /// The number of each one's category, whether its begin was written, and above these its own number.
    stack: [AtomicU64; MOST as usize],
}

/// How many are open in the present session.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    /// In the stack.
    open: u64,
    /// That are about to begin, and have a place.
    beginning: u64,
    /// Those there was no place for, within all others.
    too_deep: u64,
}

impl Counts {
    fn of(state: u64) -> Self {
        Self { open: state & 0xff, beginning: state >> 8 & 0xff, too_deep: state >> 16 & MOST_TOO_DEEP }
    }

    fn state(self) -> u64 {
        self.open | self.beginning << 8 | self.too_deep << 16
    }
}

std::thread_local! {
    /// Whether this thread has a stack to itself, or is about to.
    static IS_WITHIN: Cell<bool> = const { Cell::new(false) };
}

const MOST_TOO_DEEP: u64 = (1 << 15) - 1;
const TAKEN: u64 = 1 << 31;

/// A slice that was open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Its begin is in the trace; its number.
    Written(u32),
    /// Its begin was lost.
    Lost,
    /// There was no place for it, which has been counted.
    TooDeep,
}

const WRITTEN: u64 = 1 << 31;

impl OpenSlices {
    pub(super) const fn new() -> Self {
        Self { state: AtomicU64::new(0), stack: [const { AtomicU64::new(0) }; MOST as usize] }
    }

    /// Does something with the stack; `None` when it can't be had.
    fn with<R>(&self, session: u32, f: impl FnOnce(&mut Counts) -> R) -> Option<R> {
        let is_within = IS_WITHIN.replace(true);
        let result = self.try_with(session, is_within, f);
        IS_WITHIN.set(is_within);
        result
    }

    /// `is_within`: we have interrupted this, so that who has the stack may be waiting for us.
    fn try_with<R>(&self, session: u32, is_within: bool, f: impl FnOnce(&mut Counts) -> R) -> Option<R> {
        /// Longer than the system stops a thread for, where others have to run as well.
        const TRIES: u32 = 100_000;
        for tries in 0..TRIES {
            let before = self.state.load(Ordering::Relaxed);
            // What another session has left does not count; and who is late with an event of one before this takes nothing away.
            let state = match (before >> 32) as u32 {
                present if present == session => before & u64::from(u32::MAX),
                present if present > session => return None,
                _ => 0,
            };
            let taken = u64::from(session) << 32 | state | TAKEN;
            if state & TAKEN == 0
                && self.state.compare_exchange(before, taken, Ordering::Acquire, Ordering::Relaxed).is_ok()
            {
                let mut counts = Counts::of(state);
                let result = f(&mut counts);
                let after = u64::from(session) << 32 | counts.state();
                // Unless another session has begun meanwhile, which it is no matter for.
                _ = self.state.compare_exchange(taken, after, Ordering::Release, Ordering::Relaxed);
                return Some(result);
            }
            if state & TAKEN != 0 && is_within {
                return None;
            }
            if tries % 64 == 63 { thread::yield_now() } else { hint::spin_loop() }
        }
        None
    }

    /// One more is to begin. False when it is too deep: it is to be lost.
    pub(super) fn begin(&self, session: u32) -> bool {
        let begins = self.with(session, |counts| {
            let has_place = counts.too_deep == 0 && counts.open + counts.beginning < MOST;
            if has_place {
                counts.beginning += 1;
            } else {
                counts.too_deep = (counts.too_deep + 1).min(MOST_TOO_DEEP);
            }
            has_place
        });
        begins.unwrap_or(false)
    }

    /// It has begun: what it is of, and its number if its begin was written.
    pub(super) fn begun(&self, session: u32, category: u32, id: Option<u32>) {
        let slice = u64::from(category) | id.map_or(0, |id| u64::from(id) << 32 | WRITTEN);
        self.with(session, |counts| {
            counts.beginning = counts.beginning.saturating_sub(1);
            if let Some(slot) = self.stack.get(counts.open as usize) {
                slot.store(slice, Ordering::Relaxed);
                counts.open += 1;
            }
        });
    }

    /// It has not begun.
    pub(super) fn not_begun(&self, session: u32) {
        self.with(session, |counts| counts.beginning = counts.beginning.saturating_sub(1));
    }

    /// The innermost is open no more, if it is of that category.
    pub(super) fn end(&self, session: u32, category: u32) -> Option<Ended> {
        self.with(session, |counts| {
            if counts.too_deep > 0 {
                counts.too_deep -= 1;
                return Some(Ended::TooDeep);
            }
            let innermost = counts.open.checked_sub(1)?;
            let slice = self.stack.get(innermost as usize)?.load(Ordering::Relaxed);
            if slice & (WRITTEN - 1) != u64::from(category) {
                return None;
            }
            counts.open = innermost;
            Some(if slice & WRITTEN != 0 { Ended::Written((slice >> 32) as u32) } else { Ended::Lost })
        })?
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};
    use std::vec::Vec;

    use super::*;

    #[test]
    fn the_innermost_of_its_category_is_ended_in_its_session() {
        let open = OpenSlices::new();
        let begin = |session, category, id| {
            let begins = open.begin(session);
            if begins {
                open.begun(session, category, id);
            }
            begins
        };
        assert!(begin(7, 1, Some(9)) && begin(7, 2, None));
        assert_eq!(open.end(7, 1), None);
        assert_eq!(open.end(7, 2), Some(Ended::Lost));
        assert_eq!(open.end(7, 1), Some(Ended::Written(9)));
        assert_eq!(open.end(7, 1), None);
        // What is about to begin is not ended, and what has not begun has no place.
        assert!(open.begin(7) && open.end(7, 1).is_none() && begin(7, 1, Some(10)));
        open.not_begun(7);
        assert_eq!((open.end(7, 1), open.end(7, 1)), (Some(Ended::Written(10)), None));
        // What another session left open does not count, nor what it was about to do.
        assert!(begin(7, 1, Some(9)) && open.begin(7));
        open.state.fetch_or(TAKEN, Ordering::Relaxed);
        assert_eq!(open.end(8, 1), None);
        assert!(begin(8, 1, Some(9)) && !open.begin(7) && open.end(7, 1).is_none());
        open.not_begun(7);
        assert_eq!(open.end(8, 1), Some(Ended::Written(9)));
        assert!((0..MOST).all(|id| begin(8, 3, Some(id as u32))) && !begin(8, 3, None) && !begin(8, 3, None));
        assert_eq!([99, 99].map(|category| open.end(8, category)), [Some(Ended::TooDeep); 2]);
        assert_eq!((open.end(8, 99), open.end(8, 3)), (None, Some(Ended::Written(15))));
        // Who has interrupted one who has it does not wait for ever.
        open.state.fetch_or(TAKEN, Ordering::Relaxed);
        assert!(!open.begin(8) && open.end(8, 3).is_none());
    }

    /// As a signal handler does that comes while its thread has the stack.
    #[test]
    fn who_has_interrupted_ones_own_thread_does_not_wait() {
        let open = OpenSlices::new();
        let begin = Instant::now();
        let begins = open.with(7, |_| (0..1_000).filter(|_| open.begin(7)).count());
        assert_eq!(begins, Some(0));
        assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
        assert!(open.begin(7));
    }

    /// Whatever others do meanwhile, who has begun one ends one.
    #[test]
    fn as_many_are_ended_as_are_begun() {
        let open = OpenSlices::new();
        let work = |id: u32| {
            let ended = |_| {
                assert!(open.begin(7));
                open.begun(7, 1, Some(id));
                matches!(open.end(7, 1), Some(Ended::Written(_)))
            };
            (0..20_000).filter(|number| ended(*number)).count()
        };
        let ended: usize = thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|id| scope.spawn(move || work(id))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!((ended, open.end(7, 1)), (80_000, None));
    }
}
