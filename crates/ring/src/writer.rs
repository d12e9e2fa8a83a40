//! The writing side: one per thread.

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
}

/// Why no packet can be written now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unavailable {
    /// There is no chunk, or it has been taken away, or is used up: [`Writer::take`] another.
    NoChunk,
    /// A packet of this writer is open: we are within a signal handler, or within what is being recorded.
    Nested,
}

impl Writer {
    /// A writer without a chunk. `owner` must be no other living writer's of the ring.
    #[must_use]
    pub fn new(ring: &Ring, owner: Owner) -> Self {
        Self { ring: ring.clone(), owner, idle: Word::FREE, index: 0 }
    }

    #[cfg(all(test, loom))]
    pub(crate) fn packets_in_chunk(&self) -> usize {
        self.idle.packets() as usize
    }

    fn shared(&self) -> &Shared {
        &self.ring.0
    }

    fn word(&self) -> &AtomicU64 {
        self.shared().word(self.index)
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
        let shared = self.writer.shared();
        let len = (shared.region.chunk_len() - 4 * word.tail()) as usize;
        let (chunk, from) = (shared.region.chunk(self.writer.index), word.len() as usize);
        // SAFETY: the chunk is `Busy` and ours; nobody reads behind the committed length or before the committed words.
        unsafe { slice::from_raw_parts_mut(chunk.add(from), len - from) }
    }

    /// The chunk, and how many packets are before this one.
    #[cfg(all(test, loom))]
    pub(crate) fn place(&self) -> (u32, usize) {
        (self.writer.index, self.writer.idle.packets() as usize)
    }

    /// Room for one more word at the end.
    #[inline]
    #[must_use]
    pub fn has_room_for_word(&self, behind: usize) -> bool {
        let word = self.writer.idle;
        let used = word.len() as usize + behind + 4 * (word.tail() as usize + 1);
        word.tail() < MAX_TAIL && used <= self.writer.shared().region.chunk_len() as usize
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
        let chunk_len = self.writer.shared().region.chunk_len() as usize;
        assert!(tail <= MAX_TAIL as usize && new_len + 4 * tail <= chunk_len, "the packet is larger than its space");
        let chunk = self.writer.shared().region.chunk(self.writer.index);
        for (number, value) in (word.tail() as usize + 1..).zip(words) {
            // SAFETY: before the words that are committed and behind the packet, in a chunk that is ours.
            unsafe { chunk.add(chunk_len - 4 * number).cast::<u32>().write(*value) };
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
