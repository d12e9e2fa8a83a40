//! The reading side.

use std::ops::Deref;
use std::slice;

use crate::ring::Ring;
use crate::word::{Owner, Word};

/// Takes chunks out of a ring, the oldest first. Those of one writer come in the order in which it wrote them.
#[derive(Debug)]
pub struct Reader {
    ring: Ring,
}

impl Reader {
    /// A reader. Several share the chunks between them.
    #[must_use]
    pub fn new(ring: &Ring) -> Self {
        Self { ring: ring.clone() }
    }

    /// The oldest complete chunk. Several can be held at a time; no writer gets them meanwhile.
    pub fn next_chunk(&self) -> Option<Reading<'_>> {
        let index = self.ring.0.complete.pop()?;
        Some(Reading(Chunk { ring: &self.ring, index, word: self.ring.0.read(index) }))
    }

    /// From now on no writer gets a chunk. Returns how many are still in hands: writers', in the queue, or readers'. Read what
    /// is complete and call it again, until it is 0: then all that was ever committed has been read, and the memory is
    /// given back to the system. A writer within a packet is waited for that way; one that never ends its packet keeps the number
    /// above 0.
    pub fn close(&mut self) -> u32 {
        self.ring.0.close()
    }

    /// Ends all chunks that have something in them, so that it can be read, but for those that are within a packet just now.
    /// Returns how many those are.
    pub fn complete_idle(&mut self) -> usize {
        self.ring.0.complete_idle()
    }
}

/// A chunk that a reader has. It is free again when this is dropped.
#[derive(Debug)]
pub struct Reading<'r>(Chunk<'r>);

impl<'r> Deref for Reading<'r> {
    type Target = Chunk<'r>;

    fn deref(&self) -> &Chunk<'r> {
        &self.0
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.0.ring.0.release(self.0.index);
    }
}

/// What is in a chunk that can be read.
#[derive(Debug)]
pub struct Chunk<'r> {
    pub(crate) ring: &'r Ring,
    pub(crate) index: u32,
    pub(crate) word: Word,
}

impl Chunk<'_> {
    /// Its packets, one behind the other.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the chunk is complete and its reader's, whom we borrow; popping it from the queue acquired what was committed.
        unsafe { slice::from_raw_parts(self.ring.0.region.chunk(self.index), self.word.len() as usize) }
    }

    /// The words at its end, in the order in which they were added.
    pub fn words(&self) -> impl Iterator<Item = u32> + '_ {
        let region = &self.ring.0.region;
        let (chunk, end) = (region.chunk(self.index), region.chunk_len() as usize);
        // SAFETY: as for `bytes`; the words are aligned since chunks are, and were written by `commit_with` or `add_word`.
        (1..=self.word.tail() as usize).map(move |number| unsafe { chunk.add(end - 4 * number).cast::<u32>().read() })
    }

    /// How many packets were committed.
    #[must_use]
    pub fn packets(&self) -> u32 {
        self.word.packets()
    }

    #[cfg(all(test, loom))]
    pub(crate) fn index(&self) -> u32 {
        self.index
    }

    /// Who wrote it.
    #[must_use]
    pub fn owner(&self) -> Owner {
        self.word.owner()
    }
}
