//! The writing side: one per thread.
//!
//! Opening a packet marks the writer's place as busy, and looks whether the chunk's word is what this writer left
//! there, unless the chunk has been ended or is wanted: see [`claim`](crate::claim). Closing it is one plain store. Where the window is [open](Writer::open), the word need not be
//! looked at: see [`desk`](crate::desk).

use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::slice;

use crate::barrier::Barrier;
use crate::desk::Seat;
use crate::ring::{Ring, Shared};
use crate::sync::{AtomicU64, LoadOwn as _, Ordering};
use crate::window::{ROOM, Window, is_busy};
use crate::word::{Content, MAX_TAIL, Owner, Word};

/// Writes packets into one chunk after the other. It never waits: what can't be written is for the caller to count.
///
/// A packet is [begun](Self::begin), written into the [`Space`], and committed. Between packets the chunk may be taken away,
/// by a reader that wants what is in it; the writer notices at the next packet and [takes](Self::take) another.
#[derive(Debug)]
pub struct Writer {
    /// Where it is. Nobody else's, and on this thread.
    window: &'static Window,
    /// What the chunk's word is while nobody has taken the chunk away; [`Word::NONE`] when there is no chunk.
    idle: Word,
    /// The chunk's word; some word of the ring when there is no chunk.
    word: NonNull<AtomicU64>,
    barrier: Barrier,
    /// Where the chunk ends.
    end: *mut u8,
    index: u32,
    is_taken: bool,
    owner: Owner,
    ring: Ring,
    on_its_thread: PhantomData<*mut ()>,
}

// SAFETY: models move a writer before anybody uses it.
#[cfg(loom)]
unsafe impl Send for Writer {}

/// There is no chunk to write into, or it has been taken away: [`Writer::take`] another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoChunk;

impl Ring {
    /// A writer, without a chunk. `None` when as many live as the configuration has room for. (The number of one whose last chunk
    /// could not be ended, since all places of the queue were filled, is not given out again.)
    ///
    /// It has a place in memory that is never given back, but to later writers: what writes often sits at a [`Desk`](crate::Desk).
    #[must_use]
    pub fn writer(&self) -> Option<Writer> {
        self.writer_of(Window::unused())
    }

    /// The same, at the desk of a seat. `None` also when the seat is at none, its desk has a writer, or a packet is open there.
    #[must_use]
    pub fn writer_at<S, T>(&self, seat: &Seat<S, T>) -> Option<Writer> {
        // On the seat's thread, as the writer stays: nobody else stores where it is.
        let window = seat.desk()?.window();
        // Acquire: with the release of the last writer there, what it did has happened.
        let is_free = !is_busy(window.own_at()) && !window.is_written.swap(true, Ordering::Acquire);
        is_free.then(|| self.writer_of(window))?
    }

    /// At a window that has been found free, and is said to be written.
    fn writer_of(&self, window: &'static Window) -> Option<Writer> {
        let Some(number) = self.0.owners.pop() else {
            window.is_written.store(false, Ordering::Release);
            return None;
        };
        let owner = Owner::new(number);
        window.begin(ptr::null_mut());
        self.0.set_window(owner, window);
        Some(Writer {
            window,
            idle: Word::NONE,
            word: NonNull::from(self.0.word(0)),
            barrier: self.0.barrier,
            end: ptr::null_mut(),
            index: 0,
            is_taken: false,
            owner,
            ring: self.clone(),
            on_its_thread: PhantomData,
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
        if self.idle == Word::NONE { 0 } else { self.window.packets.load_own() }
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

    /// Opens a packet in the present chunk.
    ///
    /// # Errors
    ///
    /// There is none, or it has been taken away; or a packet is open.
    #[inline]
    pub fn begin(&mut self) -> Result<Space<'_>, NoChunk> {
        let at = self.mark()?;
        Ok(Space { writer: self, at })
    }

    /// Opens a packet, in another chunk when the present one can't be written to.
    ///
    /// # Errors
    ///
    /// There is none.
    #[inline]
    pub fn begin_or_take(&mut self) -> Result<Space<'_>, NoChunk> {
        let at = match self.mark() {
            Ok(at) => at,
            Err(_) if self.take() => self.mark()?,
            Err(error) => return Err(error),
        };
        Ok(Space { writer: self, at })
    }

    /// Makes us busy, unless the chunk has been ended, or is wanted: another one will do. Returns where the packet goes.
    #[inline]
    fn mark(&mut self) -> Result<*mut u8, NoChunk> {
        // What room there is, and in which chunk, may be another after this: it is open only while nothing is written the long way.
        self.window.close_own();
        let at = self.window.mark();
        // With the heavy barrier of who claims the chunk: it sees that we are busy, or we see the claim.
        self.barrier.light();
        // Relaxed: nobody else has written into the chunk since we took it, which is what `idle` says. Nobody
        // reads behind what the window says before the commit that follows.
        if is_busy(at) || self.word().load(Ordering::Relaxed) != self.idle.0 {
            self.window.set_at(at);
            self.is_taken = self.idle != Word::NONE;
            return Err(NoChunk);
        }
        Ok(at)
    }

    /// Ends the chunk, if there is one, and takes another. Returns whether there was one to take.
    #[cold]
    pub fn take(&mut self) -> bool {
        if !self.complete() {
            return false;
        }
        match self.shared().take(self.owner, self.window) {
            Some((index, taken)) => {
                (self.index, self.idle, self.is_taken) = (index, taken, false);
                let shared = &self.ring.0;
                self.word = NonNull::from(shared.word(index));
                // SAFETY: the chunk's end.
                self.end = unsafe { shared.region.chunk(index).add(shared.region.chunk_len() as usize) };
                true
            }
            None => false,
        }
    }

    /// Ends the chunk, if there is one: what is in it can be read. False when that can't be done just now, and it is kept.
    #[cold]
    pub fn complete(&mut self) -> bool {
        self.window.close_own();
        if is_busy(self.window.own_at()) {
            return false;
        }
        if self.idle == Word::NONE {
            return true;
        }
        let Some(content) = self.content() else { return false };
        if !self.shared().end_own(self.index, self.idle, content) {
            return false;
        }
        self.idle = Word::NONE;
        true
    }

    /// Where the words at the chunk's end begin.
    #[inline]
    fn limit(&self) -> *mut u8 {
        self.end.wrapping_sub(WORD_LEN * self.window.tail.load_own() as usize)
    }

    /// `None` while a packet is open.
    fn content(&self) -> Option<Content> {
        let region = &self.shared().region;
        self.window.own_content(region.chunk(self.index), region.chunk_len())
    }

    /// Opens the window: packets of [`ROOM`] bytes can be written without us from now on, until somebody closes it. Not where the barrier has to be looked at.
    pub(crate) fn open(&self) {
        if self.idle == Word::NONE || !self.barrier.is_for_short() {
            return;
        }
        self.window.open(self.limit(), self.short_words());
        // With the heavy barrier of who closes it: it sees that we have opened it, or we see why not to.
        self.barrier.light();
        if self.word().load(Ordering::Relaxed) != self.idle.0 || self.shared().is_closed() {
            self.window.close_own();
        }
    }

    /// How many words can be added the short way until the window is opened anew: a small part of the chunk, since that is not used otherwise.
    fn short_words(&self) -> u32 {
        (self.shared().region.chunk_len() / 512).max(1)
    }

    /// Less room than that is not for the short way.
    #[must_use]
    pub fn short_room(&self) -> usize {
        ROOM + WORD_LEN * self.short_words() as usize
    }

    /// One word more at the chunk's end, while a packet of the short way is open in it.
    pub(crate) fn add_short_word(&self, word: u32) -> bool {
        self.window.add_word(self.end, word)
    }

    #[cfg(all(test, loom))]
    pub(crate) fn index(&self) -> u32 {
        self.index
    }

    /// Whether that is where it is.
    pub(crate) fn is_at(&self, window: &Window) -> bool {
        ptr::eq(self.window, window)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.window.close_own();
        // A packet is open, its `Space` forgotten, or of who has entered the desk: its chunk stays where it is, and the window, and the memory.
        if is_busy(self.window.own_at()) {
            keep(self.ring.clone());
            return;
        }
        // Nobody expects a word of ours any more. Where the chunk can't be ended now, others will, and it comes
        // behind what a next writer of that number would have written: so there is none.
        if self.complete() {
            self.ring.0.owners.push(self.owner.number());
        } else if let Some(content) = self.content() {
            self.ring.0.leave_own(self.index, self.idle, content);
        }
        // Release: with the acquire of the next writer there.
        self.window.is_written.store(false, Ordering::Release);
    }
}

/// Keeps a ring for ever, where leaks are looked for.
fn keep(ring: Ring) {
    #[cfg(not(loom))]
    {
        static KEPT: std::sync::Mutex<Vec<Ring>> = std::sync::Mutex::new(Vec::new());
        KEPT.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(ring);
    }
    #[cfg(loom)]
    std::mem::forget(ring);
}

/// The size of a word at the end of a chunk.
pub(crate) const WORD_LEN: usize = size_of::<u32>();

/// The free part of a chunk, to write one packet into. Dropped without a commit, nothing of it remains.
#[derive(Debug)]
pub struct Space<'w> {
    writer: &'w mut Writer,
    at: *mut u8,
}

impl Space<'_> {
    /// The bytes between the packets so far and the words at the end.
    #[inline]
    pub fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: the chunk is ours and nobody ends it while we are busy, with so many bytes free from there; nobody reads behind what was committed or
        // before the words that were.
        unsafe { slice::from_raw_parts_mut(self.at, self.free()) }
    }

    /// How many bytes are free between the packets so far and the words at the end.
    #[inline(always)]
    fn free(&self) -> usize {
        self.writer.limit().addr() - self.at.addr()
    }

    /// How many words there are at the end.
    #[inline]
    fn tail(&self) -> u32 {
        self.writer.window.tail.load_own()
    }

    /// The chunk, and how many packets are before this one.
    #[cfg(all(test, loom))]
    pub(crate) fn place(&self) -> (u32, usize) {
        (self.writer.index, self.writer.packets() as usize)
    }

    /// Room for one more word at the end, beside a packet of `len` bytes.
    #[inline]
    #[must_use]
    pub fn has_room_for_word(&self, len: usize) -> bool {
        self.has_room_for_words(len, 1)
    }

    /// Room for `count` more words at the end, beside a packet of `len` bytes.
    #[inline]
    #[must_use]
    pub fn has_room_for_words(&self, len: usize, count: usize) -> bool {
        self.tail() as usize + count <= MAX_TAIL as usize && len.saturating_add(WORD_LEN * count) <= self.free()
    }

    /// The packet is `len` bytes, at least one: the first ones of [`bytes`](Self::bytes). They can be read from now on.
    ///
    /// # Panics
    ///
    /// When it is longer than that, or empty.
    #[inline]
    pub fn commit(self, len: usize) {
        self.commit_with(len, &[]);
    }

    /// Also adds words at the end of the chunk, which come before those that are there. The packet must leave them room.
    ///
    /// # Panics
    ///
    /// When they don't fit, or are more than a chunk takes, or the packet is empty.
    #[inline]
    pub fn commit_with(self, len: usize, words: &[u32]) {
        assert!(len > 0 && self.has_room_for_words(len, words.len()), "the packet is larger than its space, or empty");
        let this = std::mem::ManuallyDrop::new(self);
        let (window, limit) = (this.writer.window, this.writer.limit());
        for (number, value) in (1..).zip(words) {
            // SAFETY: behind the packet and before the words that are committed, in a chunk that is ours. It is aligned, since
            // the end of a chunk is, and only words have been taken off it.
            unsafe { limit.sub(WORD_LEN * number).cast::<u32>().write(*value) };
        }
        window.tail.store(this.tail() + words.len() as u32, Ordering::Relaxed);
        // SAFETY: within the chunk: packet and words had room.
        window.commit(unsafe { this.at.add(len) });
    }
}

impl Drop for Space<'_> {
    fn drop(&mut self) {
        // What was written and not committed comes before what the next owner of the chunk writes.
        self.writer.window.set_at(self.at);
    }
}
