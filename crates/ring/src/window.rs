//! Where a writer is, which others see: where its next packet goes, how far it may go, and what its chunk has in it.
//!
//! A packet is opened by [marking](Window::mark) the place as busy, and committed by storing the next place. How far it may go is taken away by who wants the chunk.

use std::ptr;
#[cfg(not(loom))]
use std::sync::{Mutex, PoisonError};

use crate::barrier;
use crate::sync::{AtomicBool, AtomicPtr, AtomicU16, AtomicU32, LoadOwn as _, Ordering, const_but_in_models};
use crate::word::{Content, MAX_TAIL};
use crate::writer::WORD_LEN;

/// A packet of the short way is not longer, where it has not [asked for more](crate::Seat::enter_for).
pub const ROOM: usize = 160;

#[derive(Debug)]
#[repr(C)]
pub(crate) struct Window {
    /// Where the next packet goes; while one is open, [`is_busy`].
    at: AtomicPtr<u8>,
    /// Before this, packets of [`ROOM`] bytes may begin the short way: null while the window is closed. Its writer opens it, anybody closes it.
    end: AtomicPtr<u8>,
    /// What is in the chunk. Of no meaning when there is none.
    pub(crate) packets: AtomicU32,
    pub(crate) tail: AtomicU32,
    /// How often it has been opened, round and round.
    opened: AtomicU32,
    /// While there are fewer words than that, each packet of the short way can add one: they have room behind it.
    words_end: AtomicU16,
    /// Whether it has a writer.
    pub(crate) is_written: AtomicBool,
}

/// What a place is raised by while a packet is open: behind all memory that a process has; a hundred times that, when as many handlers interrupt each other here, is no place either.
const BUSY: usize = if usize::BITS == 64 { 1 << 57 } else { usize::MAX };

/// Whether that is the place of an open packet.
#[inline(always)]
pub(crate) fn is_busy(at: *mut u8) -> bool {
    at.addr() >= BUSY
}

impl Window {
    const_but_in_models! {
        pub(crate) fn closed() -> Self {
            Self {
                at: AtomicPtr::new(ptr::null_mut()),
                end: AtomicPtr::new(ptr::null_mut()),
                packets: AtomicU32::new(0),
                tail: AtomicU32::new(0),
                opened: AtomicU32::new(0),
                words_end: AtomicU16::new(0),
                is_written: AtomicBool::new(false),
            }
        }
    }

    /// One that nobody writes, and that is said to be written now.
    #[cfg(not(loom))]
    pub(crate) fn unused() -> &'static Self {
        static ALL: Mutex<Vec<&'static Window>> = Mutex::new(Vec::new());
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        // Acquire: with the release of the last writer there, what it did has happened.
        if let Some(unused) = all.iter().find(|window| !window.is_written.swap(true, Ordering::Acquire)) {
            return unused;
        }
        let window = &*Box::leak(Box::new(Self::closed()));
        window.is_written.store(true, Ordering::Relaxed);
        all.push(window);
        window
    }

    /// Loom's atomics are of one run.
    #[cfg(loom)]
    pub(crate) fn unused() -> &'static Self {
        let window = &*Box::leak(Box::new(Self::closed()));
        window.is_written.store(true, Ordering::Relaxed);
        window
    }

    /// Where the next packet goes. Acquire: what was committed before has happened.
    #[inline]
    pub(crate) fn at(&self) -> *mut u8 {
        self.at.load(Ordering::Acquire)
    }

    /// The same, for its writer's thread.
    #[inline]
    pub(crate) fn own_at(&self) -> *mut u8 {
        self.at.load_own()
    }

    /// Relaxed would do within one thread. Release: what was written before has happened for who sees the place.
    #[inline(always)]
    pub(crate) fn set_at(&self, at: *mut u8) {
        self.at.store(at, Ordering::Release);
    }

    /// Says that a packet is open, and returns where: [busy](is_busy) when one has been before. One instruction, so no signal handler of this thread comes in between; the bus is not
    /// locked, since nobody else stores there.
    #[inline(always)]
    pub(crate) fn mark(&self) -> *mut u8 {
        #[cfg(all(target_arch = "x86_64", target_pointer_width = "64", not(loom)))]
        {
            let mut at = ptr::without_provenance_mut(BUSY);
            // SAFETY: it adds to the place, which is ours and may be any number, and returns what it was. Only this thread stores there: see `Desk` and `Writer`, which stay on
            // one thread.
            unsafe {
                core::arch::asm!("xadd qword ptr [{place}], {at}", place = in(reg) self.at.as_ptr(), at = inout(reg) at, options(nostack));
            }
            at
        }
        #[cfg(not(all(target_arch = "x86_64", target_pointer_width = "64", not(loom))))]
        self.at.swap(ptr::without_provenance_mut(BUSY), Ordering::Relaxed)
    }

    /// The same, if the window is open and there is room for so many bytes more than [`ROOM`]; else nothing has changed.
    #[inline(always)]
    pub(crate) fn try_mark(&self, more: usize) -> Option<*mut u8> {
        let at = self.mark();
        // With the heavy barrier of who has closed the window: it sees that we are busy, or we see it closed.
        barrier::light_of_short();
        if at.addr() >= self.end.load(Ordering::Relaxed).addr().saturating_sub(more) {
            // As before, for who sees this one.
            self.set_at(at);
            return None;
        }
        Some(at)
    }

    /// One packet more, and nothing is being written any more.
    #[inline(always)]
    pub(crate) fn commit(&self, next: *mut u8) {
        self.packets.store(self.packets.load_own() + 1, Ordering::Relaxed);
        // Release: who sees that we are not busy sees the packet, and how many there are.
        self.set_at(next);
    }

    /// The next packet comes the long way.
    pub(crate) fn close(&self) {
        self.end.store(ptr::null_mut(), Ordering::Relaxed);
    }

    /// The same, by the thread whose it is, which alone opens it.
    pub(crate) fn close_own(&self) {
        if self.is_open() {
            self.close();
        }
    }

    /// Its writer's alone, who then has to look whether it still has the chunk. `limit` is where the words at the end begin, and so many more can be added the short way.
    pub(crate) fn open(&self, limit: *mut u8, words: u32) {
        let words = words.min(MAX_TAIL - self.tail.load_own());
        self.words_end.store((self.tail.load_own() + words) as u16, Ordering::Relaxed);
        // Where there is less room than that the window is as good as closed.
        self.end.store(limit.wrapping_sub(WORD_LEN * words as usize + ROOM - 1), Ordering::Relaxed);
        // Release: with the acquire of `opened`.
        self.opened.store(self.opened.load_own().wrapping_add(1), Ordering::Release);
    }

    /// How often it has been opened. Acquire: who closes it now closes what has been opened until then.
    pub(crate) fn opened(&self) -> u32 {
        self.opened.load(Ordering::Acquire)
    }

    /// A chunk begins there.
    pub(crate) fn begin(&self, at: *mut u8) {
        // Release: who sees that there are none in this chunk sees that the one before has been ended.
        self.packets.store(0, Ordering::Release);
        self.tail.store(0, Ordering::Relaxed);
        self.set_at(at);
    }

    /// Whether packets can be written the short way.
    fn is_open(&self) -> bool {
        !self.end.load(Ordering::Relaxed).is_null()
    }

    /// One word more at the end of the chunk, before those that are there, while a packet of the short way is open; it comes with whatever the next place says. `end` is that of the chunk. Whether it could.
    pub(crate) fn add_word(&self, end: *mut u8, word: u32) -> bool {
        let words = self.tail.load_own() + 1;
        if words > self.words_end.load_own().into() {
            return false;
        }
        // SAFETY: the window was open with that much room for words behind the packet, in a chunk that nobody ends while a packet is open. It is aligned, since the end of a chunk is.
        unsafe { end.sub(WORD_LEN * words as usize).cast::<u32>().write(word) };
        self.tail.store(words, Ordering::Relaxed);
        true
    }

    /// What is in the chunk that begins at `base` and has `chunk_len` bytes. `None` while a packet is open, and when the writer has gone on to another.
    pub(crate) fn content(&self, base: *mut u8, chunk_len: u32) -> Option<Content> {
        // The place first: with it these have happened.
        let (at, packets, tail) = (self.at(), &self.packets, &self.tail);
        content_of(at, packets.load(Ordering::Relaxed), tail.load(Ordering::Relaxed), base, chunk_len)
    }

    /// The same, for its writer's thread.
    pub(crate) fn own_content(&self, base: *mut u8, chunk_len: u32) -> Option<Content> {
        content_of(self.own_at(), self.packets.load_own(), self.tail.load_own(), base, chunk_len)
    }
}

fn content_of(at: *mut u8, packets: u32, tail: u32, base: *mut u8, chunk_len: u32) -> Option<Content> {
    let len = at.addr().checked_sub(base.addr()).and_then(|len| u32::try_from(len).ok())?;
    // It may have gone on while we looked.
    (len <= chunk_len && packets <= len && tail <= MAX_TAIL).then_some(Content { len, packets, tail })
}
