//! What many packets begin with: bytes that are set once, and read by whoever knows that they are.

use std::boxed::Box;
use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::vec::Vec;

use crate::word::MAX_TAIL;

const WORDS: usize = 3;

/// How many bytes a [`Template`] has.
pub const TEMPLATE_LEN: usize = 8 * WORDS;

/// Bytes that are set once, by any thread, and have a number from then on.
///
/// What it has to say is known when it is first met, by several threads at once perhaps, of which none waits. Later its bytes are read as they are, without atomics: by those
/// whose [`Listed`] has its number.
#[repr(C, align(16))]
pub struct Template {
    /// Each 0 until it is set; it is stored to once.
    words: [AtomicU64; WORDS],
    /// 0 until all else is there; of 16 bits. These two are larger than they need be, since what is smaller is widened after an atomic load.
    number: AtomicU32,
    /// How many of the bytes count. At most all.
    len: AtomicU32,
}

/// What a [`Template`] says.
#[derive(Clone, Copy, Debug)]
pub struct Said<'t> {
    /// The bytes, of which the first [`len`](Self::len) count.
    pub bytes: &'t [u8; TEMPLATE_LEN],
    /// Its number, of 16 bits.
    pub number: u32,
    len: &'t AtomicU32,
}

impl Said<'_> {
    /// How many of the bytes count: at most all. A load, for those who have to know.
    #[inline(always)]
    pub fn len(&self) -> usize {
        loaded(self.len)
    }

    /// Whether none of the bytes counts.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Template {
    /// One that is not set.
    #[must_use]
    pub const fn new() -> Self {
        Self { words: [const { AtomicU64::new(0) }; WORDS], number: AtomicU32::new(0), len: AtomicU32::new(0) }
    }

    /// One that has no number, and so is never listed.
    #[must_use]
    pub const fn constant(bytes: [u8; 8]) -> Self {
        let words = [AtomicU64::new(u64::from_ne_bytes(bytes)), AtomicU64::new(0), AtomicU64::new(0)];
        Self { words, number: AtomicU32::new(0), len: AtomicU32::new(bytes.len() as u32) }
    }

    /// Sets it: the first `len` bytes are what it says. Whoever does it again says the same; else some of both remains. Whether it could: not without a number, with more than all
    /// bytes, or with a word of zeros, which what is behind those that count may not be, either.
    pub fn set(&self, number: u16, bytes: &[u8; TEMPLATE_LEN], len: usize) -> bool {
        let words: [u64; WORDS] = std::array::from_fn(|word| u64::from_ne_bytes(word_of(bytes, word)));
        if number == 0 || len > TEMPLATE_LEN || words.contains(&0) {
            return false;
        }
        for (place, word) in self.words.iter().zip(words) {
            // Once: what is not 0 stays. Acquire: whoever else has stored it did so before we say that it is there.
            _ = place.compare_exchange(0, word, Ordering::AcqRel, Ordering::Acquire);
        }
        self.len.store(len as u32, Ordering::Relaxed);
        // Release: with the acquire of who reads it.
        self.number.store(number.into(), Ordering::Release);
        true
    }

    /// The number, which is 0 until it is set.
    #[inline(always)]
    pub fn number(&self) -> u16 {
        self.number.load(Ordering::Acquire) as u16
    }

    /// The bytes, of which the first ones count; and how many these are. Both as far as they are there.
    #[inline(always)]
    pub fn bytes(&self) -> ([u8; TEMPLATE_LEN], usize) {
        let mut bytes = [0; TEMPLATE_LEN];
        for (place, word) in bytes.chunks_exact_mut(size_of::<u64>()).zip(&self.words) {
            place.copy_from_slice(&word.load(Ordering::Relaxed).to_ne_bytes());
        }
        (bytes, loaded(&self.len))
    }
}

/// The length of a template.
#[inline(always)]
fn loaded(len: &AtomicU32) -> usize {
    let len = len.load(Ordering::Relaxed) as usize;
    // SAFETY: nothing larger is ever stored in one: see `constant` and `set`.
    unsafe { std::hint::assert_unchecked(len <= TEMPLATE_LEN) };
    len
}

fn word_of(bytes: &[u8; TEMPLATE_LEN], word: usize) -> [u8; 8] {
    std::array::from_fn(|at| bytes[8 * word + at])
}

impl Default for Template {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template").field("number", &self.number()).finish_non_exhaustive()
    }
}

/// Which templates a chunk lists, by their numbers.
#[derive(Debug)]
pub struct Listed {
    /// By number; 0 never.
    is_listed: Box<[bool; 1 << u16::BITS]>,
    /// Those that are.
    numbers: Vec<u16>,
}

impl Listed {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        // Not made where it is called: that would be copied. What nobody has looked at is not there yet.
        let is_listed = std::vec![false; 1 << u16::BITS].into_boxed_slice();
        let is_listed = is_listed.try_into().unwrap_or_else(|_| unreachable!("that many"));
        Self { is_listed, numbers: Vec::with_capacity(MAX_TAIL as usize) }
    }

    /// Whether that number is listed. 0 is not.
    #[inline(always)]
    pub fn lists(&self, number: u16) -> bool {
        self.is_listed[usize::from(number)]
    }

    /// What a template says, if it is listed.
    #[inline(always)]
    pub fn said<'t>(&self, template: &'t Template) -> Option<Said<'t>> {
        let number = template.number.load(Ordering::Acquire);
        // SAFETY: nothing larger is ever stored there.
        unsafe { std::hint::assert_unchecked(number <= u16::MAX.into()) };
        if !self.is_listed[number as usize] {
            return None;
        }
        // SAFETY: what is listed has a number, which is stored, with a release, behind all that `set` stores: we have loaded it, with an acquire. No word of a template with a number is
        // stored to any more, as each is stored to only while it is 0. So nobody stores there, and what was stored has happened.
        let bytes = unsafe { &*(&raw const template.words).cast::<[u8; TEMPLATE_LEN]>() };
        Some(Said { bytes, number, len: &template.len })
    }

    /// It is listed from now on.
    pub fn add(&mut self, number: u16) {
        // A chunk has room for as many.
        if number != 0 && self.numbers.len() < self.numbers.capacity() && !self.lists(number) {
            self.is_listed[usize::from(number)] = true;
            self.numbers.push(number);
        }
    }

    /// None is listed any more, as in a new chunk.
    pub fn clear(&mut self) {
        for number in self.numbers.drain(..) {
            self.is_listed[usize::from(number)] = false;
        }
    }
}

impl Default for Listed {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: [u8; TEMPLATE_LEN] = *b"what is the same, always";

    #[test]
    fn what_is_listed_is_said() {
        let template = Template::new();
        let mut listed = Listed::new();
        assert_eq!((template.number(), template.bytes()), (0, ([0; TEMPLATE_LEN], 0)));
        assert!(template.set(7, &BYTES, 10));
        assert_eq!((template.number(), template.bytes()), (7, (BYTES, 10)));
        assert!(listed.said(&template).is_none());
        listed.add(7);
        let said = listed.said(&template).unwrap();
        assert_eq!((said.number, said.bytes, said.len()), (7, &BYTES, 10));
        listed.clear();
        assert!(listed.said(&template).is_none() && !listed.lists(7));
    }

    #[test]
    fn what_has_no_number_is_never_listed() {
        let mut listed = Listed::new();
        listed.add(0);
        assert!(listed.said(&Template::new()).is_none());
        assert!(listed.said(&Template::constant(*b"constant")).is_none());
        assert_eq!(Template::constant(*b"constant").bytes().0[..8], *b"constant");
    }

    #[test]
    fn what_was_said_first_remains() {
        let template = Template::new();
        assert!(template.set(7, &BYTES, 10));
        assert!(template.set(7, &[1; TEMPLATE_LEN], 10));
        assert_eq!(template.bytes().0, BYTES);
    }

    #[test]
    fn what_could_be_stored_to_again_is_refused() {
        let template = Template::new();
        let zeros = std::array::from_fn(|at| if at < 16 { 1 } else { 0 });
        assert!(!template.set(7, &zeros, 10) && !template.set(0, &BYTES, 10) && !template.set(7, &BYTES, 25));
        assert_eq!(template.number(), 0);
    }

    /// Threads meet a template at the same time, and others read it as soon as its number is there: for ThreadSanitizer.
    #[test]
    fn threads_set_it_at_the_same_time() {
        for _ in 0..100 {
            let template = Template::new();
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        template.set(7, &BYTES, 10);
                        let mut listed = Listed::new();
                        listed.add(7);
                        assert_eq!(listed.said(&template).map(|said| said.bytes), Some(&BYTES));
                    });
                }
            });
        }
    }
}
