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
