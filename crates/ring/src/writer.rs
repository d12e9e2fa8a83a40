//! The writing side: one per thread.

use std::ptr::NonNull;
use std::slice;

use crate::ring::{Ring, Shared};
use crate::sync::{AtomicU64, Ordering};
use crate::word::{MAX_PACKETS, MAX_TAIL, Owner, State, Word};

/// Writes packets into one chunk after the other. It never waits: what can't be written is for the caller to count.
///
/// A packet is [begun](Self::begin), written into the [`Space`], and committed. Between packets the chunk may be taken away,
/// by a reader that wants what is in it; the writer notices at the next packet and [takes](Self::take) another.
#[derive(Debug)]
pub struct Writer {
    ring: Ring,
    owner: Owner,
    /// What its word is while nobody has taken the chunk away; [`Word::FREE`], which no word of ours is, when there is none.
    idle: Word,
    index: u32,
    chunk_len: u32,
    /// Of the chunk `index`: its word and its first byte, in memory that `ring` keeps.
    word: NonNull<AtomicU64>,
    chunk: *mut u8,
}

// SAFETY: the pointers lead into what `ring` shares between threads anyway.
unsafe impl Send for Writer {}

/// Why no packet can be written now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unavailable {
    /// There is no chunk, or it has been taken away, or is used up: [`Writer::take`] another.
    NoChunk,
    /// A packet of this writer is open: we are within a signal handler, or within what is being recorded.
    Nested,
}

impl Ring {
    /// A writer, without a chunk. `None` when as many live as the configuration has room for.
    #[must_use]
    pub fn writer(&self) -> Option<Writer> {
        let owner = Owner::new(self.0.owners.pop()?);
        let chunk_len = self.chunk_len();
        let (word, chunk) = (NonNull::from(self.0.word(0)), self.0.region.chunk(0));
        Some(Writer { ring: self.clone(), owner, idle: Word::FREE, index: 0, chunk_len, word, chunk })
    }
}

impl Writer {
    /// Which one it is: what it writes bears this number.
    #[must_use]
    pub fn owner(&self) -> Owner {
        self.owner
    }

    /// The ring that it writes into.
    #[must_use]
    pub fn ring(&self) -> &Ring {
        &self.ring
    }

    /// How many packets it has committed to its present chunk, which may have been taken away since; 0 if there is none.
    #[inline]
    #[must_use]
    pub fn packets(&self) -> u32 {
        self.idle.packets()
    }

    fn shared(&self) -> &Shared {
        &self.ring.0
    }

    #[inline]
    fn word(&self) -> &AtomicU64 {
        // SAFETY: it points at a word of `ring`, whose words stay where they are as long as we hold it.
        unsafe { self.word.as_ref() }
    }

    /// Opens a packet in the present chunk.
    ///
    /// # Errors
    ///
    /// See [`Unavailable`].
    #[inline]
    pub fn begin(&mut self) -> Result<Space<'_>, Unavailable> {
        self.make_busy()?;
        Ok(Space { writer: self })
    }

    /// Opens a packet, in another chunk when the present one can't be written to.
    ///
    /// # Errors
    ///
    /// See [`Unavailable`]: there is none.
    #[inline]
    pub fn begin_or_take(&mut self) -> Result<Space<'_>, Unavailable> {
        match self.make_busy() {
            Err(Unavailable::NoChunk) if self.take() => self.make_busy()?,
            made => made?,
        }
        Ok(Space { writer: self })
    }

    #[inline]
    fn make_busy(&mut self) -> Result<(), Unavailable> {
        let (idle, busy) = (self.idle, self.idle.with(State::Busy));
        if idle == Word::FREE || idle.packets() == MAX_PACKETS {
            return Err(Unavailable::NoChunk);
        }
        // Relaxed: nobody else has written into the chunk since our own last commit, which is what `idle` says. Nobody
        // reads behind its length before the commit that follows.
        match self.word().compare_exchange(idle.0, busy.0, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => Ok(()),
            Err(found) if found == busy.0 => Err(Unavailable::Nested),
            Err(_) => Err(Unavailable::NoChunk),
        }
    }

    /// Ends the chunk, if there is one, and takes another. Returns whether there was one to take.
    #[cold]
    pub fn take(&mut self) -> bool {
        if !self.complete() {
            return false;
        }
        match self.shared().take(self.owner) {
            Some(index) => {
                (self.index, self.idle) = (index, Word::taken(self.owner));
                (self.word, self.chunk) = (NonNull::from(self.ring.0.word(index)), self.ring.0.region.chunk(index));
                true
            }
            None => false,
        }
    }

    /// Ends the chunk, if there is one: what is in it can be read. False when that can't be done just now, and it is kept.
    #[cold]
    pub fn complete(&mut self) -> bool {
        if self.idle != Word::FREE {
            if !self.shared().complete(self.index, self.idle) {
                return false;
            }
            self.idle = Word::FREE;
        }
        true
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // What can't be ended now stays idle, and a reader ends it.
        self.complete();
        // Nobody expects a word of ours any more.
        self.ring.0.owners.push(self.owner.number());
    }
}

/// The free part of a chunk, to write one packet into. Dropped without a commit, nothing of it remains.
#[derive(Debug)]
pub struct Space<'w> {
    writer: &'w mut Writer,
}

impl Space<'_> {
    /// The bytes between the packets so far and the words at the end.
    #[inline]
    pub fn bytes(&mut self) -> &mut [u8] {
        let word = self.writer.idle;
        let (from, to) = (word.len() as usize, (self.writer.chunk_len - 4 * word.tail()) as usize);
        // SAFETY: the chunk is `Busy` and ours; nobody reads behind the committed length or before the committed words.
        unsafe { slice::from_raw_parts_mut(self.writer.chunk.add(from), to - from) }
    }

    /// The chunk, and how many packets are before this one.
    #[cfg(all(test, loom))]
    pub(crate) fn place(&self) -> (u32, usize) {
        (self.writer.index, self.writer.idle.packets() as usize)
    }

    /// Whether the packet is the chunk's first.
    #[inline]
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.writer.idle.packets() == 0
    }

    /// Room for one more word at the end.
    #[inline]
    #[must_use]
    pub fn has_room_for_word(&self, behind: usize) -> bool {
        let word = self.writer.idle;
        let used = word.len() as usize + behind + 4 * (word.tail() as usize + 1);
        word.tail() < MAX_TAIL && used <= self.writer.chunk_len as usize
    }

    /// The packet is `len` bytes: the first ones of [`bytes`](Self::bytes). They can be read from now on.
    ///
    /// # Panics
    ///
    /// When it is longer than that.
    #[inline]
    pub fn commit(self, len: usize) {
        self.commit_with(len, &[]);
    }

    /// Also adds words at the end of the chunk, which come before those that are there. The packet must leave them room.
    ///
    /// # Panics
    ///
    /// When they don't fit, or are more than a chunk takes.
    #[inline]
    pub fn commit_with(self, len: usize, words: &[u32]) {
        let word = self.writer.idle;
        let tail = word.tail() as usize + words.len();
        let new_len = word.len() as usize + len;
        let chunk_len = self.writer.chunk_len as usize;
        assert!(tail <= MAX_TAIL as usize && new_len + 4 * tail <= chunk_len, "the packet is larger than its space");
        for (number, value) in (word.tail() as usize + 1..).zip(words) {
            // SAFETY: before the words that are committed and behind the packet, in a chunk that is ours.
            unsafe { self.writer.chunk.add(chunk_len - 4 * number).cast::<u32>().write(*value) };
        }
        self.writer.idle = word.committed(new_len as u32, tail as u32);
        // Release: who sees the length sees the packet.
        self.writer.word().store(self.writer.idle.0, Ordering::Release);
        std::mem::forget(self);
    }
}

impl Drop for Space<'_> {
    fn drop(&mut self) {
        self.writer.word().store(self.writer.idle.0, Ordering::Release);
    }
}
