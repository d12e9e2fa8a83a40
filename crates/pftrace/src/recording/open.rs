//! The slices that are open on a track without a guard: what [`end!`](crate::end) may end there.

use std::sync::atomic::{AtomicU64, Ordering};

/// How many there can be on one track.
const MOST: usize = 16;

/// A stack that threads push and pop without waiting. Those that do it at the same time have to agree on who is first, as
/// slices on a track have to be nested.
#[derive(Debug)]
pub(super) struct OpenSlices {
    /// The session, and how many are open in it; also of those there was no place for.
    depth: AtomicU64,
    /// The number of each one's category, whether its begin was written, and above these its own number.
    stack: [AtomicU64; MOST],
}

/// A slice that was open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Its begin is in the trace; its number.
    Written(u32),
    /// Its begin was lost.
    Lost,
}

const WRITTEN: u64 = 1 << 31;

impl OpenSlices {
    pub(super) const fn new() -> Self {
        Self { depth: AtomicU64::new(0), stack: [const { AtomicU64::new(0) }; MOST] }
    }

    /// One more; its place. `None` when it is too deep: it is to be lost.
    pub(super) fn push(&self, session: u32) -> Option<usize> {
        let next = |depth| Some(u64::from(session) << 32 | (open_in(depth, session) + 1));
        let before = self.depth.fetch_update(Ordering::AcqRel, Ordering::Acquire, next).unwrap_or_else(|depth| depth);
        let place = open_in(before, session) as usize;
        (place < MOST).then_some(place)
    }

    /// What the slice in that place is of, and its number if its begin was written.
    pub(super) fn set(&self, place: usize, category: u32, id: Option<u32>) {
        let written = id.map_or(0, |id| u64::from(id) << 32 | WRITTEN);
        if let Some(slot) = self.stack.get(place) {
            slot.store(u64::from(category) | written, Ordering::Release);
        }
    }

    /// The slice in that place has not begun: it is open no more, unless another thread has begun one within it meanwhile. Then what ends it ends nothing.
    pub(super) fn take_back(&self, session: u32, place: usize, category: u32) {
        self.set(place, category, None);
        let depth = |open: usize| u64::from(session) << 32 | open as u64;
        _ = self.depth.compare_exchange(depth(place + 1), depth(place), Ordering::AcqRel, Ordering::Relaxed);
    }

    /// The innermost is open no more, if it is of that category.
    pub(super) fn pop(&self, session: u32, category: u32) -> Option<Ended> {
        let depth = self.depth.load(Ordering::Acquire);
        let place = open_in(depth, session).checked_sub(1)?;
        let ended = match self.stack.get(place as usize) {
            None => Ended::Lost,
            Some(slot) => match slot.load(Ordering::Acquire) {
                slot if slot & (WRITTEN - 1) != u64::from(category) => return None,
                slot if slot & WRITTEN != 0 => Ended::Written((slot >> 32) as u32),
                _ => Ended::Lost,
            },
        };
        self.depth.compare_exchange(depth, depth - 1, Ordering::AcqRel, Ordering::Relaxed).ok().map(|_| ended)
    }
}

fn open_in(depth: u64, session: u32) -> u64 {
    if (depth >> 32) as u32 == session { depth & u64::from(u32::MAX) } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_of_its_category_is_ended_in_its_session() {
        let open = OpenSlices::new();
        let begin = |category, id| {
            let place = open.push(7);
            place.into_iter().for_each(|place| open.set(place, category, id));
            place
        };
        assert_eq!((begin(1, Some(9)), begin(2, None)), (Some(0), Some(1)));
        assert_eq!(open.pop(7, 1), None);
        assert_eq!(open.pop(7, 2), Some(Ended::Lost));
        assert_eq!(open.pop(7, 1), Some(Ended::Written(9)));
        assert_eq!(open.pop(7, 1), None);
        // What has not begun takes nobody else's place.
        assert_eq!((begin(1, Some(9)), begin(1, Some(10))), (Some(0), Some(1)));
        open.take_back(7, 0, 1);
        assert_eq!(
            (open.pop(7, 1), open.pop(7, 1), open.pop(7, 1)),
            (Some(Ended::Written(10)), Some(Ended::Lost), None)
        );
        assert_eq!(begin(1, None), Some(0));
        open.take_back(7, 0, 1);
        assert_eq!(open.pop(7, 1), None);
        // What another session left open does not count.
        begin(1, Some(9));
        assert_eq!(open.pop(8, 1), None);
        assert_eq!(open.push(8), Some(0));
        for place in 1..MOST {
            assert_eq!(open.push(8), Some(place));
        }
        assert_eq!(open.push(8), None);
        assert_eq!(open.pop(8, 99), Some(Ended::Lost));
    }
}
