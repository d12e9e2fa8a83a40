//! Texts that all threads know by a number.
//!
//! ```text
//!  slots    | tag, place |     0      |     0      | tag, place | ...   found by the hash of a text
//!  places   |   place    |   place    |     0      | ...                found by the number of a text
//!  words    | 0 | number, length | text, up to a whole word | number, length | text ...
//! ```
//!
//! A place is the index of a word; none is 0. Room is taken from the front, a text is written into it, then its place is
//! written to its number, and at last into the first empty slot from where its hash points. Nothing of it changes any more
//! after that, so whoever finds a place, with acquire, may read what is there as plain memory.
//!
//! Two threads may write the same text at the same time. One of them is first to put it into the slot; the other finds it there,
//! and what it has written stays unused.

use std::cell::UnsafeCell;
use std::{io, slice};

use crate::sync::{AtomicU32, AtomicU64, Ordering};

/// Byte strings that have a number: the same one for equal strings, whichever thread asks. It only ever gains some, up to its
/// bounds.
///
/// Memory is taken and touched when it is made. Nothing is allocated later, nobody waits, and all calls can be made in a signal
/// handler.
///
/// ```
/// use std::hash::BuildHasher;
///
/// let area = pftrace_ring::Area::new(64 << 10, 1000)?;
/// let hash = std::hash::RandomState::new();
/// let number = |text: &str| area.intern(text.as_bytes(), hash.hash_one(text));
/// assert_eq!((number("parse"), number("render"), number("parse")), (Some(1), Some(2), Some(1)));
/// assert_eq!(area.get(2), Some(&b"render"[..]));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Area {
    /// The upper half of the hash, and the place; 0 when empty. At most half of them are used.
    slots: Zeroed<AtomicU64>,
    /// The place of each number, from 1.
    places: Zeroed<AtomicU32>,
    words: Zeroed<UnsafeCell<u64>>,
    /// How many words and, in the upper half, how many numbers are taken.
    taken: AtomicU64,
    /// 1 once there was no room for a text.
    is_full: AtomicU32,
    /// Loom watches who reads and writes what is at a place.
    #[cfg(loom)]
    watched: Box<[loom::cell::UnsafeCell<()>]>,
}

// SAFETY: a word is written by who took it, before its place is told with release; after that it is only read.
unsafe impl Send for Area {}
// SAFETY: as above.
unsafe impl Sync for Area {}

const WORD: usize = size_of::<u64>();

impl Area {
    /// The largest `bytes`: 32 GiB less a word.
    pub const MAX_BYTES: usize = u32::MAX as usize * WORD;

    /// The largest `entries`.
    pub const MAX_ENTRIES: usize = 1 << 30;

    /// Room for `entries` texts, and for `bytes` of them: each takes its length, up to a multiple of 8, and 8 more. Another
    /// 20 to 36 bytes per entry are taken to find them.
    ///
    /// # Errors
    ///
    /// When a number is 0 or too large ([`io::ErrorKind::InvalidInput`], the text says which), or the memory can't be had.
    pub fn new(bytes: usize, entries: usize) -> io::Result<Self> {
        let in_bounds = |what: &str, found: usize, most: usize| match found {
            0 => Err(format!("expected 1 to {most} {what}, found 0")),
            _ if found > most => Err(format!("expected 1 to {most} {what}, found {found}")),
            _ => Ok(()),
        };
        in_bounds("bytes", bytes, Self::MAX_BYTES)
            .and_then(|()| in_bounds("entries", entries, Self::MAX_ENTRIES))
            .map_err(|text| io::Error::new(io::ErrorKind::InvalidInput, text))?;
        // The word 0 is nobody's.
        let words = bytes.div_ceil(WORD) + 1;
        Ok(Self {
            slots: Zeroed::new((2 * entries).next_power_of_two())?,
            places: Zeroed::new(entries)?,
            words: Zeroed::new(words)?,
            taken: AtomicU64::new(1),
            is_full: AtomicU32::new(0),
            #[cfg(loom)]
            watched: (0..words).map(|_| loom::cell::UnsafeCell::new(())).collect(),
        })
    }

    /// The number of `text`, from 1, in the order in which they came. `None` when there is no room for one more.
    ///
    /// `hash` is a good hash of it, the same each time, in all bits: the lower half says where to look, the upper half what
    /// need not be compared.
    #[inline]
    pub fn intern(&self, text: &[u8], hash: u64) -> Option<u32> {
        let mut at = self.first_slot(hash);
        // Ends: at most half of the slots are used, since each holds another number.
        loop {
            // Acquire, with the release of `define`: what is at the place is there.
            let slot = self.slots[at].load(Ordering::Acquire);
            if slot == 0 {
                return self.define(text, hash, at);
            }
            if let Some(number) = self.number_of(slot, text, hash) {
                return Some(number);
            }
            at = self.next_slot(at);
        }
    }

    /// The text of a number. `None` when there is no such number; or when it was told by another thread without release and
    /// acquire, and the text is not here yet.
    #[inline]
    pub fn get(&self, number: u32) -> Option<&[u8]> {
        // Acquire, with the release of `write`: what is at the place is there.
        match self.places.get(number.checked_sub(1)? as usize)?.load(Ordering::Acquire) {
            0 => None,
            place => Some(self.read(place).1),
        }
    }

    /// How many numbers have been given out. Some of them may have no text yet, or be of a text that another thread was
    /// quicker to define.
    pub fn len(&self) -> usize {
        Taken::of(self.taken.load(Ordering::Relaxed)).numbers as usize
    }

    /// Whether no number has been given out.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes the texts take.
    pub fn used_bytes(&self) -> usize {
        (Taken::of(self.taken.load(Ordering::Relaxed)).words as usize - 1) * WORD
    }

    /// Whether there was no room for a text. A shorter one may still fit.
    pub fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Relaxed) != 0
    }

    fn first_slot(&self, hash: u64) -> usize {
        hash as usize & (self.slots.len() - 1)
    }

    fn next_slot(&self, at: usize) -> usize {
        (at + 1) & (self.slots.len() - 1)
    }

    /// The number in a slot that is not empty, if it is that of `text`.
    #[inline]
    fn number_of(&self, slot: u64, text: &[u8], hash: u64) -> Option<u32> {
        if slot >> 32 != hash >> 32 {
            return None;
        }
        let (number, known) = self.read(slot as u32);
        // A call into the C library: 5 ns for all of this at 100 names of mixed lengths, 9 with words compared in place.
        (known == text).then_some(number)
    }

    /// Gives `text` a number, unless another thread does so first. All slots before `at` have been looked at.
    #[cold]
    #[inline(never)]
    fn define(&self, text: &[u8], hash: u64, mut at: usize) -> Option<u32> {
        let Some(Taken { words: place, numbers }) = self.take(text.len()) else {
            // Seldom written, so that many threads that all find it full share the line.
            if !self.is_full() {
                self.is_full.store(1, Ordering::Relaxed);
            }
            return None;
        };
        let number = numbers + 1;
        self.write(place, number, text);
        let slot = hash >> 32 << 32 | u64::from(place);
        loop {
            // Release: who finds the place finds what is there. Acquire: as in `intern`.
            match self.slots[at].compare_exchange(0, slot, Ordering::Release, Ordering::Acquire) {
                Ok(_) => return Some(number),
                Err(found) => {
                    if let Some(number) = self.number_of(found, text, hash) {
                        return Some(number);
                    }
                }
            }
            at = self.next_slot(at);
        }
    }

    /// Takes room for a text of `len` bytes, and a number: what was taken before it.
    fn take(&self, len: usize) -> Option<Taken> {
        let needed = 1 + len.div_ceil(WORD);
        let mut taken = self.taken.load(Ordering::Relaxed);
        loop {
            let before = Taken::of(taken);
            let words = needed.checked_add(before.words as usize).filter(|words| *words <= self.words.len())?;
            let numbers = ((before.numbers as usize) < self.places.len()).then_some(before.numbers + 1)?;
            let after = u64::from(numbers) << 32 | words as u64;
            // Relaxed: nobody has ever touched what lies behind.
            match self.taken.compare_exchange_weak(taken, after, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Some(before),
                Err(found) => taken = found,
            }
        }
    }

    /// The word at a place. It points into all of the words behind, too.
    #[inline]
    fn word(&self, place: u32) -> *mut u64 {
        UnsafeCell::raw_get(self.words[place as usize..].as_ptr())
    }

    /// Writes a text at a place that has just been taken.
    fn write(&self, place: u32, number: u32, text: &[u8]) {
        #[cfg(loom)]
        self.watched[place as usize].with_mut(|_| ());
        let first = self.word(place);
        // SAFETY: these words are ours since `take`, which has checked that they are there; nobody knows the place yet.
        unsafe {
            first.write(u64::from(number) | (text.len() as u64) << 32);
            first.add(1).cast::<u8>().copy_from_nonoverlapping(text.as_ptr(), text.len());
        }
        // Release: who reads the place by its number finds what is there.
        self.places[number as usize - 1].store(place, Ordering::Release);
    }

    /// The number and the text at a place that was found with acquire.
    #[inline]
    fn read(&self, place: u32) -> (u32, &[u8]) {
        #[cfg(loom)]
        self.watched[place as usize].with(|_| ());
        let first = self.word(place);
        // SAFETY: `write` has written a head and, behind it, as many bytes as that says, all within `words`; nobody writes there
        // again.
        unsafe {
            let head = first.read();
            (head as u32, slice::from_raw_parts(first.add(1).cast(), (head >> 32) as usize))
        }
    }
}

/// Counts that change together.
#[derive(Clone, Copy)]
struct Taken {
    words: u32,
    numbers: u32,
}

impl Taken {
    fn of(taken: u64) -> Self {
        Self { words: taken as u32, numbers: (taken >> 32) as u32 }
    }
}

use zeroed::Zeroed;

#[cfg(not(loom))]
mod zeroed {
    use std::cell::UnsafeCell;
    use std::marker::PhantomData;
    use std::ops::Deref;
    use std::{io, slice};

    use crate::sync::{AtomicU32, AtomicU64};

    /// Elements that are all zero at first, in pages that are there from the start.
    #[derive(Debug)]
    pub(super) struct Zeroed<T> {
        memory: memmap2::MmapMut,
        elements: PhantomData<T>,
    }

    /// Types for which zeros are a value.
    pub(super) trait Element {}
    impl Element for AtomicU64 {}
    impl Element for AtomicU32 {}
    impl Element for UnsafeCell<u64> {}

    impl<T: Element> Zeroed<T> {
        pub(super) fn new(count: usize) -> io::Result<Self> {
            let len = count.checked_mul(size_of::<T>()).ok_or(io::ErrorKind::OutOfMemory)?;
            let mut memory = memmap2::MmapMut::map_anon(len)?;
            // A page is only there once it has been written to.
            memory.fill(0);
            Ok(Self { memory, elements: PhantomData })
        }
    }

    impl<T: Element> Deref for Zeroed<T> {
        type Target = [T];

        #[inline]
        fn deref(&self) -> &[T] {
            // SAFETY: a mapping is aligned to pages and ours, zeros are a valid element, and it is only reached as elements.
            unsafe { slice::from_raw_parts(self.memory.as_ptr().cast(), self.memory.len() / size_of::<T>()) }
        }
    }
}

/// Loom's atomics are no plain memory.
#[cfg(loom)]
mod zeroed {
    use std::io;
    use std::ops::Deref;

    #[derive(Debug)]
    pub(super) struct Zeroed<T>(Box<[T]>);

    impl<T: Default> Zeroed<T> {
        pub(super) fn new(count: usize) -> io::Result<Self> {
            Ok(Self((0..count).map(|_| T::default()).collect()))
        }
    }

    impl<T> Deref for Zeroed<T> {
        type Target = [T];

        fn deref(&self) -> &[T] {
            &self.0
        }
    }
}

/// In every order in which threads can meet. The bytes of a text are watched: one that is read while, or before, it is written is
/// an error in the model.
#[cfg(all(test, loom))]
mod models {
    use std::sync::Arc;

    use loom::thread;

    use super::*;

    fn check(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(preemptions);
        builder.check(model);
    }

    /// Two threads ask for the same text: one number, and both can read it.
    #[test]
    fn equal_texts_get_one_number() {
        check(5, || {
            let area = Arc::new(Area::new(64, 2).unwrap());
            let intern = |area: &Area| {
                let number = area.intern(b"same", 1 << 40).unwrap();
                assert_eq!(area.get(number), Some(&b"same"[..]));
                number
            };
            let thread = thread::spawn({
                let area = area.clone();
                move || intern(&area)
            });
            let number = intern(&area);
            assert_eq!(thread.join().unwrap(), number);
        });
    }

    /// Three threads, texts whose hashes point to the same slot, one of them asked for twice, room for two texts.
    #[test]
    fn different_texts_get_different_numbers() {
        check(2, || {
            let area = Arc::new(Area::new(64, 2).unwrap());
            let threads = [b"a", b"b"].map(|text| {
                let area = area.clone();
                thread::spawn(move || area.intern(text, u64::from(text[0]) << 40))
            });
            let own = area.intern(b"a", u64::from(b'a') << 40);
            let [a, b] = threads.map(|thread| thread.join().unwrap());
            assert!(own.is_some() || b.is_some(), "one fits at least");
            for (text, number) in [(b"a", own), (b"a", a), (b"b", b)] {
                assert!(number.is_none_or(|number| area.get(number) == Some(text)));
            }
            assert!(own == a || own.is_none() || a.is_none());
            assert_eq!(area.is_full(), [own, a, b].contains(&None));
        });
    }

    /// A reader that looks for a number at any time finds nothing or the whole text.
    #[test]
    fn a_number_has_no_text_or_all_of_it() {
        check(5, || {
            let area = Arc::new(Area::new(64, 2).unwrap());
            let thread = thread::spawn({
                let area = area.clone();
                move || [area.intern(b"long as two words", 1 << 33), area.intern(b"b", 2)]
            });
            for (number, text) in [(1, &b"long as two words"[..]), (2, b"b")] {
                assert!(area.get(number).is_none_or(|found| found == text));
            }
            assert_eq!(thread.join().unwrap(), [Some(1), Some(2)]);
        });
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

    use super::*;

    fn hash(text: &[u8]) -> u64 {
        BuildHasherDefault::<DefaultHasher>::default().hash_one(text)
    }

    #[test]
    fn numbers_go_up_and_stay() {
        let area = Area::new(1 << 16, 1000).unwrap();
        let texts: Vec<_> =
            (0..1000).map(|number| format!("{number:#>width$}", width = number % 40).into_bytes()).collect();
        for _ in 0..2 {
            for (text, number) in texts.iter().zip(1..) {
                assert_eq!(area.intern(text, hash(text)), Some(number));
                assert_eq!(area.get(number), Some(&text[..]));
            }
        }
        assert_eq!(area.len(), 1000);
        assert!(!area.is_full());
        assert_eq!(area.intern(b"one more", hash(b"one more")), None);
        assert!(area.is_full());
    }

    #[test]
    fn one_hash_for_all_is_slow_and_right() {
        let area = Area::new(1 << 12, 100).unwrap();
        for hash in [0, u64::MAX, 7 << 32] {
            let number = |text: u8| area.intern(&[text], hash);
            let first: Vec<_> = (0..30).map(number).collect();
            assert!(first.iter().all(Option::is_some) && first.is_sorted());
            assert_eq!((0..30).map(number).collect::<Vec<_>>(), first);
        }
    }

    #[test]
    fn every_length_fits_exactly() {
        for len in 0..40 {
            let text = vec![b'x'; len];
            let needed = 8 + len.next_multiple_of(8);
            let area = Area::new(needed, 10).unwrap();
            assert_eq!(area.intern(&text, 5), Some(1));
            assert_eq!((area.get(1), area.used_bytes()), (Some(&text[..]), needed));
            assert_eq!(area.intern(b"y", 6), None);
            let area = Area::new(needed - 8, 10);
            assert!(area.is_err() || area.unwrap().intern(&text, 5).is_none());
        }
    }

    #[test]
    fn there_is_no_such_number() {
        let area = Area::new(100, 3).unwrap();
        area.intern(b"a", 1).unwrap();
        assert_eq!([0, 2, 3, 4, u32::MAX].map(|number| area.get(number)), [None; 5]);
    }

    #[test]
    fn bounds_are_said() {
        let text = |bytes, entries| Area::new(bytes, entries).unwrap_err().to_string();
        assert_eq!(text(0, 1), format!("expected 1 to {} bytes, found 0", Area::MAX_BYTES));
        assert_eq!(text(8, 1 << 31), format!("expected 1 to {} entries, found {}", Area::MAX_ENTRIES, 1u32 << 31));
        assert!(Area::new(usize::MAX, 1).is_err());
    }
}
