//! The writing side: one per thread.
//!
//! Opening a packet is a plain store into a flag that only this writer sets, and a plain load of the chunk's word, which is what this writer left
//! there unless the chunk has been ended or is wanted: see [`claim`](crate::claim). Closing it is two plain stores, word and flag.

use std::ptr::NonNull;
use std::slice;

use crate::barrier::Barrier;
use crate::ring::{Ring, Shared};
use crate::sync::{AtomicU64, Ordering};
use crate::word::{MAX_TAIL, Owner, Word};

/// Writes packets into one chunk after the other. It never waits: what can't be written is for the caller to count.
///
/// A packet is [begun](Self::begin), written into the [`Space`], and committed. Between packets the chunk may be taken away,
/// by a reader that wants what is in it; the writer notices at the next packet and [takes](Self::take) another.
#[derive(Debug)]
pub struct Writer {
    /// What the chunk's word is while nobody has taken the chunk away; [`Word::NONE`] when there is no chunk.
    idle: Word,
    /// The chunk's word; some word of the ring when there is no chunk.
    word: NonNull<AtomicU64>,
    /// Not 0 while a packet is open.
    busy: NonNull<AtomicU64>,
    barrier: Barrier,
    /// Where the next packet goes, and where the words at the chunk's end begin.
    at: *mut u8,
    limit: *mut u8,
    /// Where short packets end at most: there, or nowhere.
    short_limit: usize,
    index: u32,
    is_taken: bool,
    owner: Owner,
    ring: Ring,
}

// SAFETY: the pointers lead into what `ring` shares between threads anyway.
unsafe impl Send for Writer {}

/// There is no chunk to write into, or it has been taken away: [`Writer::take`] another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoChunk;

impl Ring {
    /// A writer, without a chunk. `None` when as many live as the configuration has room for. (The number of one whose last chunk
    /// could not be ended, since all places of the queue were filled, is not given out again.)
    #[must_use]
    pub fn writer(&self) -> Option<Writer> {
        let owner = Owner::new(self.0.owners.pop()?);
        let (word, busy) = (NonNull::from(self.0.word(0)), NonNull::from(self.0.busy(owner)));
        let (at, barrier) = (self.0.region.chunk(0), self.0.barrier);
        Some(Writer {
            idle: Word::NONE,
            word,
            busy,
            barrier,
            at,
            limit: at,
            short_limit: 0,
            index: 0,
            is_taken: false,
            owner,
            ring: self.clone(),
        })
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
        if self.idle == Word::NONE { 0 } else { self.idle.packets() }
    }

    /// Whether the last packet that was to be [begun](Self::begin) was not, since the chunk had been taken away: it may go into another.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        self.is_taken
    }

    fn shared(&self) -> &Shared {
        &self.ring.0
    }

    #[inline]
    fn word(&self) -> &AtomicU64 {
        // SAFETY: it points at a word of `ring`, whose words stay where they are as long as we hold it.
        unsafe { self.word.as_ref() }
    }

    #[inline]
    fn busy(&self) -> &AtomicU64 {
        // SAFETY: it points at the flag of our owner in `ring`, whose flags stay where they are as long as we hold it.
        unsafe { self.busy.as_ref() }
    }

    /// Opens a packet in the present chunk.
    ///
    /// # Errors
    ///
    /// There is none, or it has been taken away.
    #[inline]
    pub fn begin(&mut self) -> Result<Space<'_>, NoChunk> {
        self.make_busy()?;
        Ok(Space { writer: self })
    }

    /// Opens a packet, in another chunk when the present one can't be written to.
    ///
    /// # Errors
    ///
    /// There is none.
    #[inline]
    pub fn begin_or_take(&mut self) -> Result<Space<'_>, NoChunk> {
        if self.make_busy().is_err() {
            if !self.take() {
                return Err(NoChunk);
            }
            self.make_busy()?;
        }
        Ok(Space { writer: self })
    }

    /// Opens a packet of at most `N` bytes in the present chunk, whose address is all that is to be known of it then.
    ///
    /// # Errors
    ///
    /// There is none, or it has been taken away, or has not that much room.
    #[inline(always)]
    pub fn begin_short<const N: usize>(&mut self) -> Result<Short<'_, N>, NoChunk> {
        let at = self.at;
        if at as usize + N > self.short_limit {
            return Err(NoChunk);
        }
        let (word, busy) = (self.word, self.busy);
        // SAFETY: as in `word()` and `busy()`, whose they are.
        let idle =
            open(unsafe { word.as_ref() }, &self.idle, unsafe { busy.as_ref() }, || self.barrier.light_of_short())?;
        Ok(Short { space: Space { writer: self }, at, idle, word, busy })
    }

    #[inline]
    fn make_busy(&mut self) -> Result<(), NoChunk> {
        let opened = open(self.word(), &self.idle, self.busy(), || self.barrier.light());
        if opened.is_err() {
            self.is_taken = self.idle != Word::NONE;
        }
        opened.map(|_| ())
    }

    /// Ends the chunk, if there is one, and takes another. Returns whether there was one to take.
    #[cold]
    pub fn take(&mut self) -> bool {
        if !self.complete() {
            return false;
        }
        match self.shared().take(self.owner) {
            Some(index) => {
                (self.index, self.idle, self.is_taken) = (index, Word::taken(self.owner), false);
                let shared = &self.ring.0;
                (self.word, self.at) = (NonNull::from(shared.word(index)), shared.region.chunk(index));
                // SAFETY: its end.
                let limit = unsafe { self.at.add(shared.region.chunk_len() as usize) };
                self.set_limit(limit);
                true
            }
            None => false,
        }
    }

    fn set_limit(&mut self, limit: *mut u8) {
        self.limit = limit;
        self.short_limit = if self.barrier.is_for_short() { limit as usize } else { 0 };
    }

    /// How many bytes are free between the packets so far and the words at the end.
    #[inline(always)]
    fn free(&self) -> usize {
        self.limit as usize - self.at as usize
    }

    /// Ends the chunk, if there is one: what is in it can be read. False when that can't be done just now, and it is kept.
    #[cold]
    pub fn complete(&mut self) -> bool {
        if self.idle != Word::NONE {
            if !self.shared().end_own(self.index, self.idle) {
                return false;
            }
            self.idle = Word::NONE;
        }
        true
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // A packet that was left open, its `Space` forgotten, is none any more. Release: as when it is dropped.
        self.busy().store(0, Ordering::Release);
        // Nobody expects a word of ours any more. Where the chunk can't be ended now, it stays idle until a reader ends it, and comes
        // behind what a next writer of that number would have written: so there is none.
        if self.complete() {
            self.ring.0.owners.push(self.owner.number());
        }
    }
}

/// The size of a word at the end of a chunk.
const WORD_LEN: usize = size_of::<u32>();

/// The free part of a chunk, to write one packet into. Dropped without a commit, nothing of it remains.
#[derive(Debug)]
pub struct Space<'w> {
    writer: &'w mut Writer,
}

impl Space<'_> {
    /// The bytes between the packets so far and the words at the end.
    #[inline]
    pub fn bytes(&mut self) -> &mut [u8] {
        let (at, free) = (self.writer.at, self.writer.free());
        // SAFETY: the chunk is ours and nobody ends it while we are busy, with so many bytes free from there; nobody reads behind the committed length or
        // before the committed words.
        unsafe { slice::from_raw_parts_mut(at, free) }
    }

    /// The chunk, and how many packets are before this one.
    #[cfg(all(test, loom))]
    pub(crate) fn place(&self) -> (u32, usize) {
        (self.writer.index, self.writer.idle.packets() as usize)
    }

    /// Room for one more word at the end, beside a packet of `len` bytes.
    #[inline]
    #[must_use]
    pub fn has_room_for_word(&self, len: usize) -> bool {
        self.writer.idle.tail() < MAX_TAIL && len + WORD_LEN <= self.writer.free()
    }

    /// Room for `count` more words at the end, beside a packet of `len` bytes.
    #[inline]
    #[must_use]
    pub fn has_room_for_words(&self, len: usize, count: usize) -> bool {
        let free = self.writer.free();
        self.writer.idle.tail() as usize + count <= MAX_TAIL as usize && len + WORD_LEN * count <= free
    }

    /// The packet is `len` bytes, at least one: the first ones of [`bytes`](Self::bytes). They can be read from now on.
    ///
    /// # Panics
    ///
    /// When it is longer than that, or empty.
    #[inline]
    pub fn commit(self, len: usize) {
        assert!(len > 0 && len <= self.writer.free(), "the packet is larger than its space, or empty");
        self.end(len, 0);
    }

    /// Also adds words at the end of the chunk, which come before those that are there. The packet must leave them room.
    ///
    /// # Panics
    ///
    /// When they don't fit, or are more than a chunk takes, or the packet is empty.
    pub fn commit_with(self, len: usize, words: &[u32]) {
        let Writer { limit, idle, .. } = *self.writer;
        let tail = idle.tail() as usize;
        assert!(
            len > 0 && tail + words.len() <= MAX_TAIL as usize && len + WORD_LEN * words.len() <= self.writer.free(),
            "the packet is larger than its space, or empty"
        );
        for (number, value) in (1..).zip(words) {
            // SAFETY: behind the packet and before the words that are committed, in a chunk that is ours. It is aligned, since
            // the end of a chunk is, and only words have been taken off it.
            unsafe { limit.sub(WORD_LEN * number).cast::<u32>().write(*value) };
        }
        self.end(len, words.len());
    }

    /// That much has room, which the callers have checked.
    #[inline]
    fn end(self, len: usize, words: usize) {
        let writer = &mut *self.writer;
        writer.idle = writer.idle.committed(len, words);
        // SAFETY: within the chunk: the words had room.
        let limit = unsafe { writer.limit.sub(WORD_LEN * words) };
        writer.set_limit(limit);
        // SAFETY: within the chunk, or its end: `len` was free.
        writer.at = unsafe { writer.at.add(len) };
        commit(writer.word(), writer.idle, writer.busy());
        std::mem::forget(self);
    }
}

impl Drop for Space<'_> {
    fn drop(&mut self) {
        // Release: what was written and not committed comes before what the next owner of the chunk writes.
        self.writer.busy().store(0, Ordering::Release);
    }
}

/// [`Space`] for `N` bytes.
#[derive(Debug)]
pub struct Short<'w, const N: usize> {
    space: Space<'w>,
    /// The writer's, which the compiler would load anew after each store into the packet.
    at: *mut u8,
    idle: Word,
    word: NonNull<AtomicU64>,
    busy: NonNull<AtomicU64>,
}

impl<const N: usize> Short<'_, N> {
    /// The bytes of the packet.
    #[inline(always)]
    pub fn bytes(&mut self) -> &mut [u8; N] {
        // SAFETY: as in `Space::bytes`; so many were free when it was made.
        unsafe { &mut *self.at.cast::<[u8; N]>() }
    }

    /// The packet is `len` bytes, at least one: the first ones of [`bytes`](Self::bytes). They can be read from now on.
    ///
    /// # Panics
    ///
    /// When it is longer than that, or empty.
    #[inline(always)]
    pub fn commit(self, len: usize) {
        assert!(len > 0 && len <= N, "the packet is larger than its space, or empty");
        let Self { space, at, idle, word, busy } = self;
        let idle = idle.committed(len, 0);
        space.writer.idle = idle;
        // SAFETY: within the chunk, or its end: `len` was free.
        space.writer.at = unsafe { at.add(len) };
        // SAFETY: as in `Writer::word` and `Writer::busy`, whose they are.
        commit(unsafe { word.as_ref() }, idle, unsafe { busy.as_ref() });
        std::mem::forget(space);
    }
}

/// Makes us busy, unless the chunk has been ended, or is wanted: another one will do. Returns its word.
#[inline(always)] // Called, it makes its callers save registers.
fn open(word: &AtomicU64, idle: &Word, busy: &AtomicU64, light: impl FnOnce()) -> Result<Word, NoChunk> {
    busy.store(1, Ordering::Relaxed);
    // With the heavy barrier of who claims the chunk: it sees that we are busy, or we see the claim.
    light();
    // Relaxed: nobody else has written into the chunk since our own last commit, which is what `idle` says. Nobody
    // reads behind its length before the commit that follows.
    let word = Word(word.load(Ordering::Relaxed));
    if word != *idle {
        busy.store(0, Ordering::Relaxed);
        return Err(NoChunk);
    }
    Ok(word)
}

/// A packet is there, and nothing is being written any more.
#[inline(always)]
fn commit(word: &AtomicU64, idle: Word, busy: &AtomicU64) {
    // Release: who sees the length sees the packet.
    store_over(word, idle.0);
    // Release: who sees that we are not busy sees the word.
    busy.store(0, Ordering::Release);
}

/// Release: with the acquire of who ends or claims the chunk, the packet has happened.
///
/// It may come over a claim, which then is none any more: a compare-and-swap from the value before it comes before it.
#[inline(always)]
fn store_over(word: &AtomicU64, value: u64) {
    #[cfg(not(loom))]
    word.store(value, Ordering::Release);
    // That order is one that loom does not know of stores.
    #[cfg(loom)]
    word.swap(value, Ordering::Release);
}
