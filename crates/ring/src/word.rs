//! The word of a chunk: who has it, and how much of it can be read.
//!
//! ```text
//!   63          49 48         39 38            21 20           3 2     0
//!  | owner        | tail        | packets        | len          | state |
//! ```
//!
//! Every change of the word is one of these. Each is made by whoever the state before it names, or is a compare-and-swap
//! that fails when another was quicker:
//!
//! ```text
//!            take                claim               read
//!   Free ----------> Idle <--------------> Claimed     Complete ------> Reading
//!    ^               |  ^      withdraw      |            ^                |
//!    |          commit\_/                    | settle     |                |
//!    |                |                      +----------->|                |
//!    |                +-- end (by its owner) ------------>|                |
//!    |                                                    |                |
//!    |                        overwrite (to Idle, new owner)               |
//!    +---------------------------------------------------------------------+
//!                                          release
//! ```
//!
//! `Idle` carries the length that is committed: what lies before it is never written again until the chunk is free. `Claimed` has the number of
//! the claim in its place, and who claims remembers the rest. Whether its owner is within a packet is not in the word, but in the owner's own flag: see [`writer`](crate::writer).

/// What a chunk is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Nobody's.
    Free = 0,
    /// A writer's.
    Idle = 1,
    /// A writer's, and another wants to end it: who is quicker changes it back or on.
    Claimed = 2,
    /// Waits for a reader.
    Complete = 3,
    /// A reader's.
    Reading = 4,
}

/// Who writes a chunk. Two writers that live at the same time have different ones; the ring gives them out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Owner(u32);

impl Owner {
    /// How many there are.
    pub const COUNT: u32 = 1 << OWNER_BITS;

    pub(crate) fn new(number: u32) -> Self {
        debug_assert!(number < Self::COUNT);
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

const STATE_BITS: u32 = 3;
const LEN_BITS: u32 = 18;
const PACKETS_BITS: u32 = 18;
const TAIL_BITS: u32 = 10;
const OWNER_BITS: u32 = 15;

const LEN_SHIFT: u32 = STATE_BITS;
const PACKETS_SHIFT: u32 = LEN_SHIFT + LEN_BITS;
const TAIL_SHIFT: u32 = PACKETS_SHIFT + PACKETS_BITS;
const OWNER_SHIFT: u32 = TAIL_SHIFT + TAIL_BITS;
const _: () = assert!(OWNER_SHIFT + OWNER_BITS == 64);

/// The largest chunk, in bytes.
pub const MAX_CHUNK_LEN: u32 = 1 << (LEN_BITS - 1);
/// The most words at the end of one chunk.
pub const MAX_TAIL: u32 = (1 << TAIL_BITS) - 1;

/// A value of the word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word(pub(crate) u64);

impl Word {
    pub(crate) const FREE: Self = Self(State::Free as u64);
    /// No word of any chunk, in no state: its length is none that there is.
    pub(crate) const NONE: Self = Self(u64::MAX - 1);

    /// A chunk that `owner` has just taken.
    pub(crate) fn taken(owner: Owner) -> Self {
        Self(u64::from(owner.0) << OWNER_SHIFT | State::Idle as u64)
    }

    pub(crate) fn state(self) -> State {
        match self.0 & ((1 << STATE_BITS) - 1) {
            0 => State::Free,
            1 => State::Idle,
            2 => State::Claimed,
            3 => State::Complete,
            _ => State::Reading,
        }
    }

    /// The same in another state.
    pub(crate) fn with(self, state: State) -> Self {
        Self(self.0 & !((1 << STATE_BITS) - 1) | state as u64)
    }

    /// One packet more, of `len` bytes, at least one, and `words` words. Together they have room in the chunk: so no field
    /// overflows into the next, since a chunk has no more packets than bytes.
    #[inline]
    pub(crate) fn committed(self, len: usize, words: usize) -> Self {
        debug_assert!(len > 0 && self.len() as usize + len <= MAX_CHUNK_LEN as usize);
        debug_assert!(self.tail() as usize + words <= MAX_TAIL as usize);
        Self(self.0 + ((len as u64) << LEN_SHIFT) + (1 << PACKETS_SHIFT) + ((words as u64) << TAIL_SHIFT))
    }

    /// The same, idle before, when somebody wants it: with the number of the claim instead of what is committed, so that no two look the same.
    pub(crate) fn claimed(self, number: u64) -> Self {
        let number = number & ((1 << (OWNER_SHIFT - STATE_BITS)) - 1);
        Self(u64::from(self.owner().0) << OWNER_SHIFT | number << STATE_BITS | State::Claimed as u64)
    }

    /// Whether somebody wants it of that owner.
    pub(crate) fn is_claimed_of(self, owner: Owner) -> bool {
        self.state() == State::Claimed && self.owner() == owner
    }

    /// Whether the chunk is in the hands of a writer, who has committed something.
    pub(crate) fn is_begun(self) -> bool {
        match self.state() {
            State::Idle => self.packets() > 0,
            state => state == State::Claimed,
        }
    }

    /// Whether it is still in the hands of the writer who had committed as much as `begun` says.
    pub(crate) fn goes_on_from(self, begun: Self) -> bool {
        let is_known = self.state() == State::Idle && begun.state() == State::Idle;
        self.is_begun() && self.owner() == begun.owner() && (!is_known || self.len() >= begun.len())
    }

    pub(crate) fn len(self) -> u32 {
        self.field(LEN_SHIFT, LEN_BITS)
    }

    pub(crate) fn packets(self) -> u32 {
        self.field(PACKETS_SHIFT, PACKETS_BITS)
    }

    pub(crate) fn tail(self) -> u32 {
        self.field(TAIL_SHIFT, TAIL_BITS)
    }

    pub(crate) fn owner(self) -> Owner {
        Owner(self.field(OWNER_SHIFT, OWNER_BITS))
    }

    fn field(self, shift: u32, bits: u32) -> u32 {
        (self.0 >> shift & ((1 << bits) - 1)) as u32
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_its_own_bits() {
        let owner = Owner::new(Owner::COUNT - 1);
        let word = Word::taken(owner);
        assert_eq!((word.state(), word.len(), word.packets(), word.tail()), (State::Idle, 0, 0, 0));
        let word = word.committed(MAX_CHUNK_LEN as usize, MAX_TAIL as usize);
        assert_eq!((word.len(), word.packets(), word.tail(), word.owner()), (MAX_CHUNK_LEN, 1, MAX_TAIL, owner));
        let claimed = word.claimed(u64::MAX);
        assert!(claimed.is_claimed_of(owner) && claimed.is_begun() && claimed.goes_on_from(word));
        assert!(claimed != word.claimed(7) && !claimed.is_claimed_of(Owner::new(0)));
        // As many packets as bytes.
        let full = (0..MAX_CHUNK_LEN).fold(Word::taken(owner), |word, _| word.committed(1, 0));
        assert_eq!((full.len(), full.packets(), full.tail(), full.owner()), (MAX_CHUNK_LEN, MAX_CHUNK_LEN, 0, owner));
        for state in [State::Free, State::Idle, State::Claimed, State::Complete, State::Reading] {
            let other = word.with(state);
            assert_eq!(other.state(), state);
            assert_eq!(
                (other.len(), other.packets(), other.tail(), other.owner()),
                (MAX_CHUNK_LEN, 1, MAX_TAIL, owner)
            );
        }
    }
}
