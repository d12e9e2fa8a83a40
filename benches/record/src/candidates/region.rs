//! The region: chunks, slots, and the two queues.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use crate::clock;

/// How a region is made.
#[derive(Debug, Clone, Copy)]
pub struct RegionOptions {
    pub len: usize,
    pub chunk_len: usize,
    /// Asks for huge pages with `MADV_HUGEPAGE`.
    pub huge_pages: bool,
    /// Writes to each page at start.
    pub touch: bool,
}

impl RegionOptions {
    pub const LARGE: Self = Self { len: 64 << 20, chunk_len: 32 << 10, huge_pages: false, touch: true };
    /// Stays in the second-level cache.
    pub const SMALL: Self = Self { len: 256 << 10, chunk_len: 32 << 10, huge_pages: false, touch: true };
}

pub const SLOTS: usize = 8;

/// At the start of each chunk: the slot that fills it and the how many-th of that slot it is, 4 bytes each. The drain
/// keeps the order of a thread's chunks by it.
pub const HEADER_LEN: usize = 16;

/// What the drain and the thread share, alone in its cache lines.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Slot {
    /// A [`Word`].
    pub word: AtomicU64,
    /// For ways that ask by another word: 0 nothing, 1 asked, 2 taken.
    pub claim: AtomicU32,
    pub used: AtomicBool,
}

/// The control word: chunk, committed packets and bytes, and an open event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word(pub u64);

impl Word {
    /// Nothing held.
    pub const NONE: Self = Self(0);
    pub const BUSY: u64 = 1 << 63;
    const BYTES_BITS: u32 = 20;
    const PACKETS_BITS: u32 = 18;
    /// Added at a commit, beside the bytes.
    pub const ONE_PACKET: u64 = 1 << Self::BYTES_BITS;

    /// A chunk with nothing but its header. The number is stored plus one, so that no chunk is [`Word::NONE`].
    pub fn chunk(index: usize) -> Self {
        Self((index as u64 + 1) << (Self::BYTES_BITS + Self::PACKETS_BITS) | HEADER_LEN as u64)
    }
    pub fn index(self) -> Option<usize> {
        (((self.0 & !Self::BUSY) >> (Self::BYTES_BITS + Self::PACKETS_BITS)) as usize).checked_sub(1)
    }
    pub fn bytes(self) -> usize {
        (self.0 & ((1 << Self::BYTES_BITS) - 1)) as usize
    }
    pub fn packets(self) -> u64 {
        self.0 >> Self::BYTES_BITS & ((1 << Self::PACKETS_BITS) - 1)
    }
}

#[derive(Debug)]
pub struct Region {
    base: *mut u8,
    options: RegionOptions,
    /// Of the clock, for all threads.
    pub scale: u64,
    pub slots: [Slot; SLOTS],
    pub free: Queue,
    pub complete: Queue,
    /// Times a thread found no chunk and slept.
    pub stalls: AtomicU64,
}

// SAFETY: who may touch which chunk is settled by the words and queues; everything else is atomic.
unsafe impl Sync for Region {}
// SAFETY: as above.
unsafe impl Send for Region {}

impl Region {
    pub fn new(options: RegionOptions) -> Self {
        let base = map(options.len);
        if options.huge_pages {
            // SAFETY: the range was mapped just now.
            let result = unsafe { libc::madvise(base.cast(), options.len, libc::MADV_HUGEPAGE) };
            assert_eq!(result, 0, "madvise");
        }
        if options.touch {
            for at in (0..options.len).step_by(4096) {
                // SAFETY: within the mapping.
                unsafe { base.add(at).write_volatile(1) };
            }
        }
        let chunks = options.len / options.chunk_len;
        let region = Self {
            base,
            options,
            scale: clock::scale(),
            slots: Default::default(),
            free: Queue::new(chunks),
            complete: Queue::new(chunks),
            stalls: AtomicU64::new(0),
        };
        (0..chunks).for_each(|chunk| region.free.push(Word::chunk(chunk)));
        region
    }

    pub fn chunk_len(&self) -> usize {
        self.options.chunk_len
    }

    pub fn chunk(&self, index: usize) -> *mut u8 {
        // SAFETY: numbers of chunks come from the queues, which hold those of this region.
        unsafe { self.base.add(index * self.options.chunk_len) }
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: mapped by `new`; no thread holds a chunk any more.
        unsafe { libc::munmap(self.base.cast(), self.options.len) };
    }
}

/// Fresh pages, aligned as the kernel likes.
pub fn map(len: usize) -> *mut u8 {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a new mapping of no file.
    let base = unsafe { libc::mmap(std::ptr::null_mut(), len, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
    assert_ne!(base, libc::MAP_FAILED, "mmap");
    base.cast()
}

/// A bounded queue of words, as long as there are chunks: it is never full. Any thread may push or pop. Each place
/// counts the rounds, so that a thread that slept a whole round does not take its place for the one it saw.
#[derive(Debug)]
pub struct Queue {
    places: Box<[Place]>,
    head: Padded,
    tail: Padded,
}

#[derive(Debug)]
struct Place {
    turn: AtomicUsize,
    word: AtomicU64,
}

#[derive(Debug, Default)]
#[repr(align(128))]
struct Padded(AtomicUsize);

impl Queue {
    fn new(len: usize) -> Self {
        let places = (0..len).map(|at| Place { turn: AtomicUsize::new(at), word: AtomicU64::new(0) }).collect();
        Self { places, head: Padded::default(), tail: Padded::default() }
    }

    /// Places, which is the number of chunks.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    pub fn push(&self, word: Word) {
        let at = self.tail.0.fetch_add(1, Ordering::Relaxed);
        let place = &self.places[at % self.places.len()];
        // Whoever pops this place has advanced the head already and is about to say so here.
        while place.turn.load(Ordering::Acquire) != at {
            std::hint::spin_loop();
        }
        place.word.store(word.0, Ordering::Relaxed);
        // Release: the word, and what was written into the chunk. Pairs with the load in `pop`.
        place.turn.store(at + 1, Ordering::Release);
    }

    pub fn pop(&self) -> Option<Word> {
        loop {
            let at = self.head.0.load(Ordering::Relaxed);
            let place = &self.places[at % self.places.len()];
            let turn = place.turn.load(Ordering::Acquire);
            if turn == at {
                return None;
            }
            if turn == at + 1 && self.head.0.compare_exchange(at, at + 1, Ordering::Relaxed, Ordering::Relaxed).is_ok()
            {
                let word = Word(place.word.load(Ordering::Relaxed));
                // Release: the word was read. Pairs with the load in `push`.
                place.turn.store(at + self.places.len(), Ordering::Release);
                return Some(word);
            }
        }
    }
}
