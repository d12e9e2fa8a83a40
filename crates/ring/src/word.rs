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
//!    ^               |         withdraw      |            ^                |
//!    |               |                       | settle     |                |
//!    |               |                       +----------->|                |
//!    |               +-- end (by its owner) ------------->|                |
//!    |               +-- its owner is gone --> Left ----->|                |
//!    |                                                    |                |
//!    |                        overwrite (to Idle, new owner)               |
//!    +---------------------------------------------------------------------+
//!                                          release
//! ```
//!
//! While a writer has the chunk, how much is committed is not here but in the writer's [`Window`](crate::window::Window), and the word has a number instead, which no other
//! word of the ring has: of the taking, or of the claim.

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
    /// Waits for a place in the queue: its writer is gone.
    Left = 5,
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

/// What is in a chunk. It has no more packets than bytes, since none is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) len: u32,
    pub(crate) packets: u32,
    /// How many words there are at the end.
    pub(crate) tail: u32,
}

impl Word {
    pub(crate) const FREE: Self = Self(State::Free as u64);
    /// No word of any chunk, in no state: its length is none that there is.
    pub(crate) const NONE: Self = Self(u64::MAX - 1);

    /// A chunk that `owner` takes, for the `number`th time that one is taken or claimed.
    pub(crate) fn taken(owner: Owner, number: u64) -> Self {
        Self::numbered(owner, number, State::Idle)
    }

    /// The same when somebody wants it.
    pub(crate) fn claimed(self, number: u64) -> Self {
        Self::numbered(self.owner(), number, State::Claimed)
    }

    fn numbered(owner: Owner, number: u64, state: State) -> Self {
        let number = number & ((1 << (OWNER_SHIFT - STATE_BITS)) - 1);
        Self(u64::from(owner.0) << OWNER_SHIFT | number << STATE_BITS | state as u64)
    }

    /// The same, ended with so much in it.
    pub(crate) fn ended(self, content: Content, state: State) -> Self {
        let Content { len, packets, tail } = content;
        debug_assert!(len <= MAX_CHUNK_LEN && packets <= len && tail <= MAX_TAIL);
        let content = u64::from(len) << LEN_SHIFT | u64::from(packets) << PACKETS_SHIFT | u64::from(tail) << TAIL_SHIFT;
        Self(u64::from(self.owner().0) << OWNER_SHIFT | content | state as u64)
    }

    pub(crate) fn state(self) -> State {
        match self.0 & ((1 << STATE_BITS) - 1) {
            0 => State::Free,
            1 => State::Idle,
            2 => State::Claimed,
            3 => State::Complete,
            4 => State::Reading,
            _ => State::Left,
        }
    }

    /// The same in another state.
    pub(crate) fn with(self, state: State) -> Self {
        Self(self.0 & !((1 << STATE_BITS) - 1) | state as u64)
    }

    /// Whether somebody wants it of that owner.
    pub(crate) fn is_claimed_of(self, owner: Owner) -> bool {
        self.state() == State::Claimed && self.owner() == owner
    }

    /// Whether it is still in the hands of the writer who had it when it was `begun`.
    pub(crate) fn goes_on_from(self, begun: Self) -> bool {
        match (self.state(), begun.state()) {
            _ if self == begun => true,
            // Claimed and given back, perhaps.
            (State::Idle, State::Claimed) | (State::Claimed | State::Left, State::Idle | State::Claimed) => {
                self.owner() == begun.owner()
            }
            _ => false,
        }
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
        let (taken, claimed) = (Word::taken(owner, u64::MAX), Word::taken(owner, 7).claimed(u64::MAX));
        assert_eq!((taken.state(), taken.owner()), (State::Idle, owner));
        assert!(claimed.is_claimed_of(owner) && !claimed.is_claimed_of(Owner::new(0)));
        assert!(claimed != taken.claimed(7) && taken != Word::taken(owner, 7));
        assert!(
            claimed.goes_on_from(taken) && taken.goes_on_from(claimed) && !taken.goes_on_from(Word::taken(owner, 7))
        );
        let full = Content { len: MAX_CHUNK_LEN, packets: MAX_CHUNK_LEN, tail: MAX_TAIL };
        for content in [full, Content::default(), Content { packets: 0, ..full }] {
            for state in [State::Complete, State::Reading, State::Left] {
                let word = claimed.ended(content, State::Complete).with(state);
                assert_eq!((word.state(), word.owner()), (state, owner));
                assert_eq!((word.len(), word.packets(), word.tail()), (content.len, content.packets, content.tail));
                assert_eq!(word.goes_on_from(taken), state == State::Left);
            }
        }
    }
}
