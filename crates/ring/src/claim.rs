//! Ending the chunks of writers that are not within a packet.
//!
//! | who wants the chunk | its writer |
//! |---|---|
//! | word: idle → claimed | flag: busy |
//! | heavy barrier | light barrier |
//! | flag busy? word: claimed → idle | word not idle? flag: not busy, and goes elsewhere |
//! | else reserves a place in the queue | |
//! | word: claimed → complete | |
//!
//! One of them sees the other, at least. So the word is complete only when its writer is not within a packet, and will not be. Where each
//! sees the other the chunk stays idle, until its writer ends it on its way to the next one. Each claim has a number of its own, so who made it
//! finds it gone when its writer has ended the chunk meanwhile, even if it has come round and been claimed by another. The place is reserved
//! late, since others may have to wait for it.

use crate::ring::Shared;
use crate::sync::Ordering;
use crate::word::{State, Word};

/// Chunks that are claimed: several for one heavy barrier.
#[derive(Debug)]
pub(crate) struct Claims<'s> {
    shared: &'s Shared,
    claims: [Claim; MOST],
    count: usize,
}

const MOST: usize = 32;

#[derive(Clone, Copy, Debug)]
struct Claim {
    index: u32,
    /// What its word was when it was idle, and what it is now.
    idle: Word,
    claimed: Word,
}

impl<'s> Claims<'s> {
    pub(crate) fn new(shared: &'s Shared) -> Self {
        Self { shared, claims: [Claim { index: 0, idle: Word::FREE, claimed: Word::FREE }; MOST], count: 0 }
    }

    /// Claims one more, if its word is still `idle`. Returns what settling others has, which may be needed before.
    pub(crate) fn add(&mut self, index: u32, idle: Word) -> usize {
        let claimed = idle.claimed(self.shared.claims.fetch_add(1, Ordering::Relaxed));
        // Relaxed: nothing comes with a claim.
        let word = self.shared.word(index);
        if word.compare_exchange(idle.0, claimed.0, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.claims[self.count] = Claim { index, idle, claimed };
            self.count += 1;
        }
        if self.count == MOST { self.settle() } else { 0 }
    }

    /// Ends those whose writers are not within a packet, and gives the others back. Returns how many these are.
    pub(crate) fn settle(&mut self) -> usize {
        if self.count == 0 {
            return 0;
        }
        let passed = self.shared.barrier.heavy();
        let claims = &self.claims[..core::mem::take(&mut self.count)];
        claims.iter().map(|claim| usize::from(!claim.settle(self.shared, passed))).sum()
    }
}

impl Claim {
    /// Whether its writer was not within a packet.
    fn settle(&self, shared: &Shared, passed: bool) -> bool {
        // Acquire: with the release at a packet's end, what was committed has happened.
        let is_idle = passed && shared.busy(self.idle.owner()).load(Ordering::Acquire) == 0;
        if !is_idle {
            self.change(shared, State::Idle);
        } else if self.idle.packets() == 0 {
            if self.change(shared, State::Reading) {
                shared.release(self.index);
            }
        } else {
            match shared.complete.reserve() {
                Some(place) if self.change(shared, State::Complete) => shared.fill(place, self.index, self.idle),
                Some(place) => place.pass(),
                // Later.
                None => _ = self.change(shared, State::Idle),
            }
        }
        is_idle
    }

    /// Whether it could: not when its writer has ended the chunk, or committed a packet that it was within.
    fn change(&self, shared: &Shared, to: State) -> bool {
        let (from, to) = (self.claimed, self.idle.with(to));
        // Acquire: with the release of the commit that left it idle. Release: who finds it changed sees that a place was reserved.
        shared.word(self.index).compare_exchange(from.0, to.0, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}
