//! Ending the chunks of writers that are not within a packet.
//!
//! | who wants the chunk | its writer |
//! |---|---|
//! | reserves a place in the queue | |
//! | word: idle → claimed | flag: busy |
//! | heavy barrier | light barrier |
//! | flag busy? word: claimed → idle | word not idle? flag: not busy, and goes elsewhere |
//! | else word: claimed → complete | |
//!
//! One of them sees the other, at least. So the word is complete only when its writer is not within a packet, and will not be. Where each
//! sees the other the chunk stays idle, until its writer ends it on its way to the next one. A claim is withdrawn by nobody but who made it,
//! so a word that is claimed is claimed by the same as before.

use crate::lists::Place;
use crate::ring::Shared;
use crate::sync::Ordering;
use crate::word::{State, Word};

/// Chunks that are claimed: several for one heavy barrier.
#[derive(Debug)]
pub(crate) struct Claims<'s> {
    shared: &'s Shared,
    claims: [Option<Claim<'s>>; MOST],
    count: usize,
}

/// The queue waits for the places of those that are claimed, so they are not too many.
const MOST: usize = 16;

#[derive(Debug)]
struct Claim<'s> {
    index: u32,
    /// What it was when it was idle.
    idle: Word,
    /// `None`: there is nothing in it to be read.
    place: Option<Place<'s>>,
}

impl<'s> Claims<'s> {
    pub(crate) fn new(shared: &'s Shared) -> Self {
        Self { shared, claims: [const { None }; MOST], count: 0 }
    }

    /// Claims one more, if its word is still `idle`. Returns what settling others has, which may be needed before.
    pub(crate) fn add(&mut self, index: u32, idle: Word) -> usize {
        let place = match idle.packets() {
            0 => None,
            _ => match self.shared.complete.reserve() {
                Some(place) => Some(place),
                // Later.
                None => return 0,
            },
        };
        let claimed = idle.with(State::Claimed);
        // Release: who finds it changed sees that a place was reserved.
        let changed =
            self.shared.word(index).compare_exchange(idle.0, claimed.0, Ordering::AcqRel, Ordering::Relaxed).is_ok();
        match (changed, place) {
            (true, place) => {
                self.claims[self.count] = Some(Claim { index, idle, place });
                self.count += 1;
            }
            (false, Some(place)) => place.pass(),
            (false, None) => {}
        }
        if self.count == MOST { self.settle() } else { 0 }
    }

    /// Ends those whose writers are not within a packet, and gives the others back. Returns how many these are.
    pub(crate) fn settle(&mut self) -> usize {
        if self.count == 0 {
            return 0;
        }
        let passed = self.shared.barrier.heavy();
        let claims = self.claims.iter_mut().take(core::mem::take(&mut self.count)).filter_map(Option::take);
        claims.map(|claim| usize::from(!claim.settle(self.shared, passed))).sum()
    }
}

impl Claim<'_> {
    /// Whether its writer was not within a packet.
    fn settle(self, shared: &Shared, passed: bool) -> bool {
        // Acquire: with the release at a packet's end, what was committed has happened.
        let is_idle = passed && shared.busy(self.idle.owner()).load(Ordering::Acquire) == 0;
        let next = match (is_idle, &self.place) {
            (false, _) => State::Idle,
            (true, Some(_)) => State::Complete,
            (true, None) => State::Reading,
        };
        let (from, to) = (self.idle.with(State::Claimed), self.idle.with(next));
        // Acquire: with the release of the commit that left it idle.
        let changed =
            shared.word(self.index).compare_exchange(from.0, to.0, Ordering::AcqRel, Ordering::Relaxed).is_ok();
        match self.place {
            Some(place) if changed && is_idle => shared.fill(place, self.index, self.idle),
            Some(place) => place.pass(),
            None if changed && is_idle => shared.release(self.index),
            None => {}
        }
        is_idle
    }
}
