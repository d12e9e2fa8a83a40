//! The drain: empties complete chunks, reads what is committed in chunks that are still held, and reclaims them.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::ownership::Ownership;
use super::region::{HEADER_LEN, Region, SLOTS, Word};
use crate::clock;

/// Where the bytes go.
#[derive(Debug)]
pub enum Sink {
    /// Looks at no byte.
    Null,
    /// Looks at each byte.
    Sum(u64),
    File(File),
    #[cfg(test)]
    Memory(Vec<u8>),
}

impl Sink {
    fn write(&mut self, bytes: &[u8]) {
        match self {
            Self::Null => {
                std::hint::black_box(bytes);
            }
            Self::Sum(sum) => *sum = bytes.iter().fold(*sum, |sum, byte| sum.wrapping_add(u64::from(*byte))),
            Self::File(file) => file.write_all(bytes).expect("the sink takes it"),
            #[cfg(test)]
            Self::Memory(all) => all.extend_from_slice(bytes),
        }
    }
}

/// How often the drain looks, and how.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Sleeps so long between passes; zero: only yields.
    pub poll: Duration,
    /// Reads what is committed in chunks that are held, on each pass.
    pub partial: bool,
    /// Takes held chunks from their threads so often.
    pub reclaim: Option<Duration>,
}

impl Pace {
    pub const CALM: Self = Self { poll: Duration::from_millis(1), partial: false, reclaim: None };
}

/// What it did.
#[derive(Debug)]
pub struct Drained {
    pub packets: u64,
    pub cpu_ns: u64,
    pub reclaimed: u64,
    #[cfg(test)]
    pub sink: Sink,
}

#[derive(Debug)]
pub struct Drain {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Drained>,
}

impl Drain {
    pub fn start<O: Ownership>(region: Arc<Region>, sink: Sink, pace: Pace) -> Self {
        O::prepare();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || Reader::new(region, sink).run::<O>(pace, &stopped));
        Self { stop, thread }
    }

    /// All threads have left.
    pub fn finish(self) -> Drained {
        self.stop.store(true, Ordering::Release);
        self.thread.join().expect("the drain does not panic")
    }
}

struct Reader {
    region: Arc<Region>,
    sink: Sink,
    /// Of each chunk, what was read while it was held.
    consumed: Vec<Word>,
    /// Of each chunk, the pass in which it was last emptied.
    emptied: Vec<u64>,
    pass: u64,
    /// What was taken from each slot in this pass and not yet written.
    pending: [Option<Word>; SLOTS],
    /// The chunk last taken from each slot: its word may still show it.
    taken: [Option<usize>; SLOTS],
    quarantine: [Option<Word>; SLOTS],
    packets: u64,
    reclaimed: u64,
}

impl Reader {
    fn new(region: Arc<Region>, sink: Sink) -> Self {
        let chunks = region.free.len();
        Self {
            region,
            sink,
            consumed: (0..chunks).map(Word::chunk).collect(),
            emptied: vec![0; chunks],
            pass: 0,
            pending: [None; SLOTS],
            taken: [None; SLOTS],
            quarantine: [None; SLOTS],
            packets: 0,
            reclaimed: 0,
        }
    }

    fn run<O: Ownership>(mut self, pace: Pace, stop: &AtomicBool) -> Drained {
        let begin = clock::thread_cpu_ns();
        let mut last_reclaim = Instant::now();
        loop {
            let last = stop.load(Ordering::Acquire);
            let reclaim = pace.reclaim.is_some_and(|every| last_reclaim.elapsed() >= every);
            if reclaim {
                last_reclaim = Instant::now();
            }
            self.pass::<O>(pace.partial, reclaim);
            if last {
                break;
            }
            if pace.poll.is_zero() {
                std::thread::yield_now();
            } else {
                std::thread::sleep(pace.poll);
            }
        }
        let cpu_ns = clock::thread_cpu_ns() - begin;
        Drained {
            packets: self.packets,
            cpu_ns,
            reclaimed: self.reclaimed,
            #[cfg(test)]
            sink: self.sink,
        }
    }

    /// Looks at the slots first and at the queue second: a thread's chunk comes after those that it completed before.
    fn pass<O: Ownership>(&mut self, partial: bool, reclaim: bool) {
        self.pass += 1;
        let mut held = [Word::NONE; SLOTS];
        for (slot, held) in held.iter_mut().enumerate() {
            if reclaim && let Some(word) = O::reclaim(&self.region.slots[slot]) {
                self.reclaimed += 1;
                // It held a chunk, so it has noticed that the last one was taken.
                if let Some(word) = self.quarantine[slot].take() {
                    self.free(word);
                }
                self.pending[slot] = Some(word);
                self.taken[slot] = word.index();
            } else if partial {
                *held = self.committed(slot);
            }
        }
        while let Some(word) = self.region.complete.pop() {
            let (slot, number) = self.header(word);
            if let Some(pending) = self.pending[slot]
                && self.header(pending).1 < number
            {
                self.finish_pending::<O>(slot);
            }
            self.read(word);
            self.free(word);
        }
        for (slot, word) in held.into_iter().enumerate() {
            self.finish_pending::<O>(slot);
            if let Some(chunk) = word.index()
                && self.emptied[chunk] != self.pass
            {
                self.read(word);
            }
            self.release_quarantine(slot);
        }
    }

    /// What a slot shows as committed, if the chunk is surely its own.
    fn committed(&mut self, slot: usize) -> Word {
        let word = Word(self.region.slots[slot].word.load(Ordering::Acquire) & !Word::BUSY);
        // A thread that has not noticed yet shows nothing first and then, busy, the chunk that it has lost.
        if word == Word::NONE || word.index() == self.taken[slot] {
            return Word::NONE;
        }
        self.taken[slot] = None;
        word
    }

    fn finish_pending<O: Ownership>(&mut self, slot: usize) {
        let Some(word) = self.pending[slot].take() else { return };
        self.read(word);
        if O::QUARANTINE {
            self.quarantine[slot] = Some(word);
        } else {
            self.free(word);
        }
    }

    fn release_quarantine(&mut self, slot: usize) {
        let Some(word) = self.quarantine[slot] else { return };
        if self.region.slots[slot].word.load(Ordering::Acquire) != Word::NONE.0 {
            self.quarantine[slot] = None;
            self.free(word);
        }
    }

    fn header(&self, word: Word) -> (usize, u32) {
        let chunk = self.region.chunk(word.index().expect("a chunk"));
        // SAFETY: the thread wrote the header before it published the chunk.
        let [a, b, c, d, number @ ..] = unsafe { chunk.cast::<[u8; 8]>().read() };
        (u32::from_le_bytes([a, b, c, d]) as usize, u32::from_le_bytes(number))
    }

    fn read(&mut self, word: Word) {
        let index = word.index().expect("a chunk");
        let consumed = self.consumed[index];
        let len = word.bytes() - consumed.bytes();
        let chunk = self.region.chunk(index);
        // SAFETY: committed bytes of a chunk that the drain has not freed: nobody writes them.
        let bytes = unsafe { std::slice::from_raw_parts(chunk.add(consumed.bytes()), len) };
        if !bytes.is_empty() {
            self.sink.write(bytes);
        }
        self.packets += word.packets() - consumed.packets();
        self.consumed[index] = word;
    }

    fn free(&mut self, word: Word) {
        let index = word.index().expect("a chunk");
        debug_assert!(word.bytes() >= HEADER_LEN);
        self.consumed[index] = Word::chunk(index);
        self.emptied[index] = self.pass;
        self.region.free.push(Word::chunk(index));
    }
}
