//! Many threads, little memory: all that is committed is read once, in order and untorn, or counted as written over.
#![cfg(not(loom))]

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::thread;

use pftrace_ring::{Config, Desk, History, NoDesk, Policy, Reader, Ring, Seat, Sits, Writer};

/// How much is done: less under a sanitizer, which is slow.
fn scale() -> u32 {
    std::env::var("PFTRACE_STRESS").ok().and_then(|scale| scale.parse().ok()).unwrap_or(300)
}

/// A packet: its length, its number, and bytes that follow from it.
fn packet(number: u32, space: &mut [u8]) -> Option<usize> {
    let len = 8 + (number.wrapping_mul(2_654_435_761) >> 27) as usize;
    let packet = space.get_mut(..len)?;
    packet[..4].copy_from_slice(&(len as u32).to_le_bytes());
    packet[4..8].copy_from_slice(&number.to_le_bytes());
    packet[8..].fill(number as u8);
    Some(len)
}

/// The numbers of the packets in `bytes`, each of which is whole.
fn numbers(mut bytes: &[u8]) -> Vec<u32> {
    let mut numbers = Vec::new();
    while !bytes.is_empty() {
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let (len, number) = (word(0) as usize, word(4));
        assert!(bytes[8..len].iter().all(|&byte| byte == number as u8), "torn: {:?}", &bytes[..len]);
        numbers.push(number);
        bytes = &bytes[len..];
    }
    numbers
}

/// Writes `packets` packets; returns how many there was room for. Every tenth also adds a word.
///
/// Their numbers come from `begun` once it has a writer, so those of one owner go up also when that goes to another writer.
fn write(ring: &Ring, begun: &AtomicU32, packets: u32) -> u64 {
    let mut writer = ring.writer().unwrap();
    let mut number = begun.fetch_add(packets, Ordering::Relaxed);
    let (mut written, end) = (0, number + packets);
    while number < end {
        let Ok(mut space) = writer.begin_or_take() else {
            number += 1;
            continue;
        };
        let words: &[u32] = if number % 10 == 0 && space.has_room_for_word(40) { &[number] } else { &[] };
        let room = space.bytes().len() - 4 * words.len();
        match packet(number, &mut space.bytes()[..room]) {
            Some(len) => {
                space.commit_with(len, words);
                (written, number) = (written + 1, number + 1);
            }
            None => {
                drop(space);
                if !writer.take() {
                    number += 1;
                }
            }
        }
    }
    written
}

/// What sits at a desk.
struct Pen(Writer);

impl Sits for Pen {
    fn writer(&self) -> Option<&Writer> {
        Some(&self.0)
    }
}

static NONE: NoDesk<(), Pen> = NoDesk::new(());

/// Those that nobody sits at.
static DESKS: Mutex<Vec<&'static Desk<(), Pen>>> = Mutex::new(Vec::new());

fn seat(ring: &Ring) -> Seat<(), Pen> {
    let (seat, unused) = (Seat::new(&NONE), DESKS.lock().unwrap().pop());
    let desk = unused.unwrap_or_else(|| Box::leak(Box::new(Desk::new(()))));
    assert!(seat.sit(desk));
    *seat.occupy().unwrap().sitting() = ring.writer_at(&seat).map(Pen);
    seat
}

fn leave(seat: &Seat<(), Pen>) {
    assert!(seat.leave(&NONE).is_none(), "something sits there");
    *seat.occupy().unwrap().sitting() = None;
    DESKS.lock().unwrap().extend(seat.leave(&NONE));
    assert!(seat.desk().is_none() && seat.enter().is_none() && seat.occupy().is_none());
}

/// Writes one packet the short way, where every tenth also adds a word, or else the long one. False where there is no room.
fn write_one(seat: &Seat<(), Pen>, number: u32) -> bool {
    if let Some(mut entered) = seat.enter() {
        if number % 10 == 0 {
            // Where there is no room set aside for it, the packet goes without.
            _ = entered.add_word(number);
        }
        let len = packet(number, entered.parts().0).unwrap();
        entered.commit(len);
        return true;
    }
    let mut occupied = seat.occupy().unwrap();
    let Some(Pen(writer)) = occupied.sitting() else { unreachable!("it has a writer") };
    for _ in 0..2 {
        if let Ok(mut space) = writer.begin() {
            if let Some(len) = packet(number, space.bytes()) {
                space.commit(len);
                return true;
            }
        }
        if !writer.take() {
            return false;
        }
    }
    // Taken away at once.
    false
}

/// The same as `write`, at a desk.
fn write_at_a_desk(ring: &Ring, begun: &AtomicU32, packets: u32) -> u64 {
    let seat = seat(ring);
    let number = begun.fetch_add(packets, Ordering::Relaxed);
    let written = (number..number + packets).filter(|&number| write_one(&seat, number)).count();
    leave(&seat);
    written as u64
}

/// What a reader has seen of each owner.
#[derive(Default)]
struct Seen {
    last: HashMap<u32, u32>,
    packets: u64,
}

impl Seen {
    fn read(&mut self, reader: &mut Reader) {
        while let Some(chunk) = reader.next_chunk() {
            let numbers = numbers(chunk.bytes());
            assert_eq!(numbers.len() as u32, chunk.packets());
            for &number in &numbers {
                let last = self.last.insert(chunk.owner().number(), number);
                assert!(last.is_none_or(|last| last < number), "{last:?} before {number}");
            }
            for word in chunk.words() {
                assert!(word % 10 == 0 && numbers.contains(&word));
            }
            self.packets += u64::from(chunk.packets());
        }
    }
}

fn stress(config: Config, threads: u32, packets: u32) {
    let ring = Ring::new(config).unwrap();
    let (done, written, begun) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU32::new(0));
    let mut seen = Seen::default();
    thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let (mut reader, mut seen) = (Reader::new(&ring), Seen::default());
            while !done.load(Ordering::Acquire) {
                seen.read(&mut reader);
                reader.complete_idle();
                thread::yield_now();
            }
            seen
        });
        // Each as three writers, one after the other.
        let writing: Vec<_> = (0..threads)
            .map(|thread| {
                let (ring, written, begun) = (&ring, &written, &begun);
                scope.spawn(move || {
                    for round in 0..3 {
                        let write = if (thread + round) % 2 == 0 { write } else { write_at_a_desk };
                        written.fetch_add(write(ring, begun, packets / 3), Ordering::Relaxed);
                    }
                })
            })
            .collect();
        writing.into_iter().for_each(|thread| thread.join().unwrap());
        done.store(true, Ordering::Release);
        seen = reading.join().unwrap();
    });
    let mut reader = Reader::new(&ring);
    seen.read(&mut reader);
    assert_eq!(reader.complete_idle(), 0, "nobody is within a packet");
    seen.read(&mut reader);
    assert_eq!(seen.packets + ring.overwritten(), written.into_inner());
    assert!(seen.packets > 0);
    // All chunks are free again.
    let mut writers: Vec<_> = (0..config.chunks).map(|_| ring.writer().unwrap()).collect();
    assert!(writers.iter_mut().all(Writer::take));
}

#[test]
fn nothing_is_lost_or_torn_where_the_oldest_is_kept() {
    for (chunks, threads) in [(1, 4), (3, 8), (64, 64)] {
        stress(Config { chunk_len: 256, chunks, policy: Policy::Keep, writers: 256 }, threads, 100 * scale());
    }
}

#[test]
fn nothing_is_torn_and_all_is_counted_where_the_newest_is_kept() {
    for (chunks, threads) in [(1, 4), (3, 8), (64, 64)] {
        stress(Config { chunk_len: 256, chunks, policy: Policy::Overwrite, writers: 256 }, threads, 100 * scale());
    }
}

/// The same as `write_on`, at a desk.
fn write_on_at_a_desk(ring: &Ring, committed: &AtomicU32, over: &AtomicBool) -> u32 {
    let seat = seat(ring);
    let (mut next, mut without_room) = (0, 0);
    while !over.load(Ordering::Relaxed) {
        if write_one(&seat, next) {
            next += 1;
            committed.store(next, Ordering::Release);
        } else {
            without_room += 1;
        }
    }
    leave(&seat);
    without_room
}

/// Writes as fast as it can; numbers are only used once there was room. `committed` is how many were. Returns how often there was none.
fn write_on(ring: &Ring, committed: &AtomicU32, over: &AtomicBool) -> u32 {
    let mut writer = ring.writer().unwrap();
    let (mut next, mut without_room) = (0, 0);
    while !over.load(Ordering::Relaxed) {
        let Ok(mut space) = writer.begin_or_take() else {
            without_room += 1;
            continue;
        };
        match packet(next, space.bytes()) {
            Some(len) => {
                space.commit(len);
                next += 1;
                committed.store(next, Ordering::Release);
            }
            None => {
                drop(space);
                writer.take();
            }
        }
    }
    without_room
}

/// A history is taken again and again while all write over: of each writer it has numbers without a hole, up to what was committed before.
/// Where there are chunks enough for all hands there is always one to write into, whoever is stopped wherever.
#[test]
fn a_history_has_no_hole() {
    for (chunks, threads) in [(8, 2), (64, 8), (512, 8)] {
        let config = Config { chunk_len: 256, chunks, policy: Policy::Overwrite, writers: 64 };
        let (ring, over) = (Ring::new(config).unwrap(), AtomicBool::new(false));
        let committed: Vec<_> = (0..threads).map(|_| AtomicU32::new(0)).collect();
        thread::scope(|scope| {
            let writers: Vec<_> = (committed.iter().enumerate())
                .map(|(thread, committed)| {
                    let (ring, over) = (&ring, &over);
                    let write_on = if thread % 2 == 0 { write_on } else { write_on_at_a_desk };
                    scope.spawn(move || write_on(ring, committed, over))
                })
                .collect();
            let mut history = History::new(&ring);
            for round in 0..(scale() / 10).max(10) {
                let before: Vec<_> = committed.iter().map(|number| number.load(Ordering::Acquire)).collect();
                let mut asked = 0;
                let missing = history.take(|| {
                    thread::yield_now();
                    asked += 1;
                    asked < 10_000
                });
                assert!(history.chunks().len() <= chunks as usize / 2);
                let mut last: HashMap<u32, u32> = HashMap::new();
                for chunk in history.chunks() {
                    for number in numbers(chunk.bytes()) {
                        let last = last.insert(chunk.owner().number(), number);
                        assert!(last.is_none_or(|last| last + 1 == number), "{number} after {last:?}");
                    }
                }
                // Whose last chunk was written over before has none here, of the others the last one is.
                let reached = last.values().filter(|&&last| before.iter().any(|&before| last + 1 >= before)).count();
                assert!(missing > 0 || reached == last.len(), "round {round}: {last:?} of {before:?}");
                thread::yield_now();
            }
            over.store(true, Ordering::Relaxed);
            let without_room: u32 = writers.into_iter().map(|writer| writer.join().unwrap()).sum();
            assert_eq!(without_room, 0, "{chunks} chunks, {threads} threads");
        });
        let mut history = History::new(&ring);
        assert_eq!(history.take(|| false), 0);
        let held: u64 = history.chunks().map(|chunk| u64::from(chunk.packets())).sum();
        let written: u32 = committed.into_iter().map(AtomicU32::into_inner).sum();
        assert!(ring.overwritten() + held <= u64::from(written));
        while history.close() > 0 {}
        history.clear();
        assert_eq!(history.close(), 0, "all chunks are there");
    }
}

/// A thread that sleeps between two packets does not keep its chunk from the others.
#[test]
fn an_idle_thread_pins_nothing() {
    let ring = Ring::new(Config { chunk_len: 256, chunks: 1, policy: Policy::Overwrite, writers: 2 }).unwrap();
    let mut idle = ring.writer().unwrap();
    idle.begin_or_take().unwrap().commit(10);
    let mut other = ring.writer().unwrap();
    other.begin_or_take().unwrap().commit(20);
    assert_eq!(ring.overwritten(), 1);
    assert!(idle.begin().is_err(), "it notices");
}

/// Closing while 8 threads write: all that they could write before is read.
#[test]
fn closing_loses_nothing() {
    for _ in 0..scale() {
        let ring = Ring::new(Config { chunk_len: 256, chunks: 12, policy: Policy::Keep, writers: 8 }).unwrap();
        let (written, begun, barrier) = (AtomicU64::new(0), AtomicU32::new(0), std::sync::Barrier::new(9));
        let mut seen = Seen::default();
        thread::scope(|scope| {
            for _ in 0..8 {
                let (ring, written, begun, barrier) = (&ring, &written, &begun, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    written.fetch_add(write(ring, begun, 200), Ordering::Relaxed);
                });
            }
            barrier.wait();
            let mut reader = Reader::new(&ring);
            while reader.close() > 0 {
                seen.read(&mut reader);
            }
        });
        assert_eq!(seen.packets, written.into_inner());
    }
}

#[test]
fn as_many_writers_live_as_there_is_room_for() {
    let ring = Ring::new(Config { chunk_len: 256, chunks: 1, policy: Policy::Keep, writers: 2 }).unwrap();
    let (first, second) = (ring.writer().unwrap(), ring.writer().unwrap());
    assert_ne!(first.owner(), second.owner());
    assert!(ring.writer().is_none());
    let free = second.owner();
    drop(second);
    assert_eq!(ring.writer().unwrap().owner(), free);
}

/// A packet that was left open is one for ever: its chunk and its writer's number are nobody else's.
#[test]
fn a_packet_left_open_keeps_its_chunk() {
    let ring = Ring::new(Config { chunk_len: 256, chunks: 2, policy: Policy::Keep, writers: 2 }).unwrap();
    let (mut writer, mut reader) = (ring.writer().unwrap(), Reader::new(&ring));
    writer.begin_or_take().unwrap().commit(1);
    std::mem::forget(writer.begin().unwrap());
    assert!(writer.begin().is_err() && !writer.take() && !writer.complete());
    let owner = writer.owner();
    drop(writer);
    assert_eq!(reader.complete_idle(), 1);
    let mut next = ring.writer().unwrap();
    assert!(next.owner() != owner && ring.writer().is_none());
    assert!(next.take() && !ring.is_closed(), "there is one more");
    assert_eq!(reader.close(), 1, "one is within a packet");
    assert!(ring.is_closed() && !next.take());
}

/// A packet that is open keeps its chunk with its writer.
#[test]
fn a_chunk_is_not_taken_away_within_a_packet() {
    let ring = Ring::new(Config { chunk_len: 256, chunks: 2, policy: Policy::Keep, writers: 256 }).unwrap();
    let (mut writer, mut reader) = (ring.writer().unwrap(), Reader::new(&ring));
    writer.begin_or_take().unwrap().commit(1);
    let open = writer.begin().unwrap();
    assert_eq!(reader.complete_idle(), 1, "it is seen to be within a packet");
    assert!(reader.next_chunk().is_none());
    open.commit(1);
    assert_eq!(reader.complete_idle(), 0);
    assert_eq!(reader.next_chunk().unwrap().packets(), 2);
    assert!(writer.begin().is_err(), "it has been taken away");
}

/// Chunks that a reader holds are nobody else's, several at a time, and counted apart from those that nobody has read.
#[test]
fn several_chunks_are_held() {
    let ring = Ring::new(Config { chunk_len: 256, chunks: 3, policy: Policy::Keep, writers: 1 }).unwrap();
    let (mut writer, reader) = (ring.writer().unwrap(), Reader::new(&ring));
    for len in 1..=3 {
        assert!(writer.take());
        let mut space = writer.begin().unwrap();
        space.bytes()[..len].fill(len as u8);
        space.commit(len);
    }
    assert!(writer.complete());
    assert_eq!((ring.unread(), ring.held()), ((3, 3), (0, 0)));
    let mut held = vec![reader.next_chunk().unwrap(), reader.next_chunk().unwrap()];
    assert_eq!((ring.unread(), ring.held()), ((1, 1), (2, 2)));
    held.extend(reader.next_chunk());
    assert!(!writer.take() && reader.next_chunk().is_none());
    assert!(held.iter().map(|chunk| chunk.bytes()).eq([&[1][..], &[2, 2], &[3, 3, 3]]));
    drop(held.remove(1));
    assert!(writer.take(), "one is free");
    assert_eq!((ring.unread(), ring.held()), ((0, 0), (2, 2)));
    drop(held);
    assert_eq!(ring.held(), (0, 0));
}

#[test]
fn configurations_that_make_no_sense_say_why() {
    let text = |chunk_len, chunks| {
        let config = Config { chunk_len, chunks, policy: Policy::Keep, writers: 1 };
        Ring::new(config).unwrap_err().to_string()
    };
    assert_eq!(text(100, 1), "expected a chunk of 2^n bytes, 256 to 131072, found 100");
    assert_eq!(text(1 << 18, 1), "expected a chunk of 2^n bytes, 256 to 131072, found 262144");
    assert_eq!(text(256, 0), "expected 1 to 16777216 chunks, found 0");
}
