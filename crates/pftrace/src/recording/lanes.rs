//! Tracks for work that overlaps: as many as there is work at once.

use std::sync::atomic::{AtomicU64, Ordering};

use super::track::{About, State, TrackRef};

/// Tracks of one name for work that overlaps: a request among a hundred others.
///
/// Each slice has a track of its own while it is open, the first one that is free, so there are as many tracks as there ever was work
/// at once; the UI shows them as one group. The slice's guard gives it back, on whatever thread it is dropped.
///
/// ```
/// use pftrace::{Lanes, instant, slice};
///
/// static REQUESTS: Lanes = Lanes::new("request");
///
/// let request = slice!(track: &REQUESTS, "http", "GET", path = "/");
/// std::thread::spawn(move || {
///     if let Some(lane) = request.track() {
///         let _parse = slice!(track: lane, "http", "parse"); // within the request
///         instant!(track: lane, "http", "cache miss");
///     }
/// }); // the request ends with that thread
/// ```
///
/// At most `N` at once, which is 256 unless said otherwise and at most 4096: `static MANY: Lanes<1000> = Lanes::new("many")`. What
/// begins while all are taken is dropped, and counted in [`Dropped::too_many_tracks`](crate::Dropped::too_many_tracks).
#[derive(Debug)]
pub struct Lanes<const N: usize = 256> {
    pub(super) about: About,
    lanes: [State; N],
    busy: Busy,
}

const WORDS: usize = 64;

/// Which lanes are taken: a bit for each.
#[derive(Debug)]
pub(super) struct Busy([AtomicU64; WORDS]);

/// A lane that is taken until this is dropped.
#[derive(Debug)]
pub(super) struct Taken {
    busy: &'static Busy,
    lane: usize,
}

impl<const N: usize> Lanes<N> {
    /// Lanes of that name, under the process.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        const { assert!(N <= 64 * WORDS, "there are at most 4096 lanes") };
        Self { about: About::new(name), lanes: [const { State::new() }; N], busy: Busy::new() }
    }

    pub(super) fn take(&'static self) -> Option<(TrackRef, Taken)> {
        let lane = self.busy.take(N)?;
        Some((TrackRef::of(&self.about, &self.lanes[lane]), Taken { busy: &self.busy, lane }))
    }
}

impl Busy {
    const fn new() -> Self {
        Self([const { AtomicU64::new(0) }; WORDS])
    }

    /// Takes the first of `count` that is free. Another may become free behind its back: then a later one is taken.
    fn take(&self, count: usize) -> Option<usize> {
        for (word, first) in self.0.iter().zip((0..count).step_by(64)) {
            let beyond = count - first;
            let never = if beyond < 64 { u64::MAX << beyond } else { 0 };
            let mut busy = word.load(Ordering::Relaxed);
            while busy | never != u64::MAX {
                let bit = (busy | never).trailing_ones();
                // Acquire: what was recorded on it by who had it before was so before this.
                match word.compare_exchange_weak(busy, busy | 1 << bit, Ordering::Acquire, Ordering::Relaxed) {
                    Ok(_) => return Some(first + bit as usize),
                    Err(found) => busy = found,
                }
            }
        }
        None
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        // Release: with the acquire of `take`.
        self.busy.0[self.lane / 64].fetch_and(!(1 << (self.lane % 64)), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::vec::Vec;

    use super::*;

    /// Ten million that overlap, a hundred at once, of several threads: each has a lane of its own, and none beyond the hundredth is ever taken.
    #[test]
    fn ten_million_take_as_many_lanes_as_there_are_at_once() {
        static LANES: Lanes = Lanes::new("many");
        static HELD: [AtomicU64; 256] = [const { AtomicU64::new(0) }; 256];
        const THREADS: usize = 4;
        const EACH: usize = 2_500_000;
        let work = |seed: usize| {
            let mut random = seed;
            let take = || {
                let (_, taken) = LANES.take().expect("there are enough");
                assert_eq!(HELD[taken.lane].swap(1, Ordering::Relaxed), 0, "a lane is in one hand");
                taken
            };
            let mut held: Vec<_> = (0..100 / THREADS).map(|_| take()).collect();
            let mut highest = 0;
            for _ in held.len()..EACH {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let ended = held.swap_remove((random >> 33) % held.len());
                HELD[ended.lane].store(0, Ordering::Relaxed);
                drop(ended);
                let taken = take();
                highest = highest.max(taken.lane);
                held.push(taken);
            }
            held.iter().for_each(|taken| HELD[taken.lane].store(0, Ordering::Relaxed));
            highest
        };
        let highest = thread::scope(|scope| {
            let threads: Vec<_> = (1..=THREADS).map(|seed| scope.spawn(move || work(seed))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).max()
        });
        // While one looks through the lanes, a lower one may become free behind its back: about one for each other thread.
        assert!(highest < Some(100 + 2 * THREADS), "{highest:?}");
    }

    #[test]
    fn no_more_are_taken_than_there_are() {
        static LANES: Lanes<67> = Lanes::new("few");
        let mut held: Vec<_> = (0..67).map(|_| LANES.take().unwrap().1).collect();
        assert!(held.iter().enumerate().all(|(lane, taken)| taken.lane == lane));
        assert!(LANES.take().is_none());
        for lane in [3, 65, 3] {
            drop(held.swap_remove(held.iter().position(|taken| taken.lane == lane).unwrap()));
            held.push(LANES.take().unwrap().1);
            assert_eq!(held.last().unwrap().lane, lane);
        }
    }
}
