//! A value of a few words that one thread replaces while others read it, without waiting.
//!
//! There are two places. The sequence's lowest bit says which one holds the value; the other is written, and then the sequence goes
//! up by one. A reader copies its place and looks whether the sequence is still the same. So a reader never meets a value
//! that is half written: it tries again only when a new one has come meanwhile. And a signal handler that interrupts
//! the writer reads the old value.

#[cfg(loom)]
use loom::sync::atomic::{AtomicU64, Ordering};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug)]
#[repr(align(128))] // On cache lines that nobody writes but the one who draws a line.
pub(crate) struct Latch<const WORDS: usize> {
    sequence: AtomicU64,
    places: [[AtomicU64; WORDS]; 2],
}

impl<const WORDS: usize> Latch<WORDS> {
    pub(crate) fn new(value: [u64; WORDS]) -> Self {
        let place = || value.map(AtomicU64::new);
        Self { sequence: AtomicU64::new(0), places: [place(), place()] }
    }

    pub(crate) fn read(&self) -> [u64; WORDS] {
        loop {
            // Acquire, with the release of `write`: the words of that value are there.
            let sequence = self.sequence.load(Ordering::Acquire);
            // Acquire, with the release of the words in `write`: who reads a word of a later value sees below that the
            // sequence has gone on, since it went on before the place was written again.
            let place = &self.places[(sequence & 1) as usize];
            let value = std::array::from_fn(|word| place[word].load(Ordering::Acquire));
            if self.sequence.load(Ordering::Relaxed) == sequence {
                return value;
            }
        }
    }

    /// Only one at a time calls it.
    pub(crate) fn write(&self, value: [u64; WORDS]) {
        let sequence = self.sequence.load(Ordering::Relaxed) + 1;
        for (word, value) in self.places[(sequence & 1) as usize].iter().zip(value) {
            word.store(value, Ordering::Release);
        }
        self.sequence.store(sequence, Ordering::Release);
    }
}

/// `RUSTFLAGS="--cfg loom" cargo test -p pftrace-clock --profile loom --lib`
#[cfg(all(test, loom))]
mod models {
    use std::sync::Arc;

    use super::*;

    const WORDS: usize = 2;

    /// Two values come while one is read twice: each read is whole, and the second is not older than the first.
    #[test]
    fn a_value_is_read_whole() {
        loom::model(|| {
            let latch = Arc::new(Latch::new([0; WORDS]));
            let writing = loom::thread::spawn({
                let latch = latch.clone();
                move || (1..=2).for_each(|value| latch.write([value; WORDS]))
            });
            let (first, second) = (latch.read(), latch.read());
            for value in [first, second] {
                assert!(value.iter().all(|word| *word == value[0]), "{value:?}");
            }
            assert!(first[0] <= second[0]);
            writing.join().unwrap();
            assert_eq!(latch.read(), [2; WORDS]);
        });
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::thread;

    use super::*;

    const WORDS: usize = 4;

    #[test]
    fn values_are_read_whole_and_in_order() {
        let (latch, done) = (Latch::new([0; WORDS]), AtomicBool::new(false));
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let mut last = 0;
                    while !done.load(Ordering::Relaxed) {
                        let value = latch.read();
                        assert!(value.iter().all(|word| *word == value[0]), "{value:?}");
                        assert!(value[0] >= last);
                        last = value[0];
                    }
                });
            }
            (1..=300_000).for_each(|value| latch.write([value; WORDS]));
            done.store(true, Ordering::Relaxed);
        });
    }
}
