//! Ending the chunks of writers that are not within a packet.
//!
//! | who wants the chunk | its writer |
//! |---|---|
//! | word: idle → claimed | place: busy |
//! | looks how often its writer's window has been opened, and closes it | |
//! | heavy barrier | light barrier |
//! | window opened since, or place busy? word: claimed → idle | window closed? place: as before, and looks at the word, the long way |
//! | else reserves a place in the queue | |
//! | word: claimed → complete, with what the place says | |
//!
//! One of them sees the other, at least. So the word is complete only when its writer is not within a packet, and will not be. Where each
//! sees the other the chunk stays idle, until its writer ends it on its way to the next one. A writer that opens its window counts that and passes a light barrier, too, before it looks at the
//! word: it sees the claim, and closes the window again, or is seen to have opened it. That it is closed would say less: another may have closed it between the barrier and the look, and its
//! writer have begun a packet before. Who wants the chunk may be late, and close the window of
//! a writer that has gone on: which then finds, the long way, that its chunk is still its own, and opens it again. Each claim has a number of its own, so who made it
//! finds it gone when its writer has ended the chunk meanwhile, even if it has come round and been claimed by another. The place in the queue is reserved
//! late, since others may have to wait for it.

use crate::ring::Shared;
use crate::sync::Ordering;
use crate::window::Window;
use crate::word::{Content, State, Word};

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
    /// How often its writer's window had been opened when we closed it.
    opened: u32,
}

impl<'s> Claims<'s> {
    pub(crate) fn new(shared: &'s Shared) -> Self {
        Self { shared, claims: [Claim { index: 0, idle: Word::FREE, claimed: Word::FREE, opened: 0 }; MOST], count: 0 }
    }

    /// Claims one more, if its word is still `idle`. Returns what settling others has, which may be needed before.
    pub(crate) fn add(&mut self, index: u32, idle: Word) -> usize {
        let claimed = idle.claimed(self.shared.number());
        // Acquire: with the release of who took it, its window is there.
        let word = self.shared.word(index);
        if word.compare_exchange(idle.0, claimed.0, Ordering::Acquire, Ordering::Relaxed).is_ok() {
            let window = self.shared.window(idle.owner());
            let opened = window.map_or(0, Window::opened);
            window.inspect(|window| window.close());
            self.claims[self.count] = Claim { index, idle, claimed, opened };
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
        // What its place says is of this chunk, if the claim is still there below: until then it has not gone on.
        let content = if passed { shared.content(self.index, self.idle.owner(), self.opened) } else { None };
        match content {
            None => _ = self.change(shared, self.idle),
            Some(content @ Content { packets: 0, .. }) => {
                if self.change(shared, self.idle.ended(content, State::Reading)) {
                    shared.release(self.index);
                }
            }
            Some(content) => match shared.complete.reserve() {
                Some(place) => {
                    let ended = self.idle.ended(content, State::Complete);
                    if self.change(shared, ended) { shared.fill(place, self.index, ended) } else { place.pass() }
                }
                // Later.
                None => _ = self.change(shared, self.idle),
            },
        }
        content.is_some()
    }

    /// Whether it could: not when its writer has ended the chunk.
    fn change(&self, shared: &Shared, to: Word) -> bool {
        // Release: who finds it changed sees that a place was reserved.
        shared.word(self.index).compare_exchange(self.claimed.0, to.0, Ordering::Release, Ordering::Relaxed).is_ok()
    }
}
