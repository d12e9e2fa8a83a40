//! Every order in which the ring's threads can meet, within the bounds that each model states.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p pftrace-ring --profile loom --lib`
//!
//! What is in a chunk is a cell that loom watches: a read while somebody writes is an error in the model, whatever the
//! values. The memory of the region itself is not looked at.

use std::sync::Arc;

use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;

use crate::lists::{Queue, Stack};
use crate::ring::{Config, Policy, Ring};
use crate::{Desk, History, NoDesk, Reader, Seat, Sits, Writer};

/// The packets of each chunk: `contents[chunk][packet]`.
struct Contents(Vec<Vec<UnsafeCell<u32>>>);

impl Contents {
    fn new(chunks: u32, packets: usize) -> Arc<Self> {
        Arc::new(Self((0..chunks).map(|_| (0..packets).map(|_| UnsafeCell::new(0)).collect()).collect()))
    }

    fn write(&self, chunk: u32, packet: usize, value: u32) {
        // SAFETY: that nobody else has the cell is what loom checks.
        self.0[chunk as usize][packet].with_mut(|cell| unsafe { *cell = value });
    }

    fn read(&self, chunk: u32, packet: usize) -> u32 {
        // SAFETY: that nobody writes the cell is what loom checks.
        self.0[chunk as usize][packet].with(|cell| unsafe { *cell })
    }
}

fn ring(chunks: u32, policy: Policy) -> Ring {
    Ring::new(Config { chunk_len: 256, chunks, policy, writers: 3 }).unwrap()
}

/// Writes `values`, one packet each, at most `per_chunk` into a chunk; returns how many there was room for.
fn write(writer: &mut Writer, contents: &Contents, values: &[u32], per_chunk: usize) -> u32 {
    let mut written = 0;
    for &value in values {
        if writer.packets() as usize == per_chunk {
            writer.complete();
        }
        let Ok(space) = writer.begin_or_take() else { continue };
        let (chunk, packet) = space.place();
        contents.write(chunk, packet, value);
        space.commit(1);
        written += 1;
    }
    written
}

struct Pen(Writer);

impl Sits for Pen {
    fn writer(&self) -> Option<&Writer> {
        Some(&self.0)
    }
}

type PenSeat = Seat<(), Pen>;

/// A seat where a writer sits that has a chunk.
fn seat(ring: &Ring) -> PenSeat {
    let seat = Seat::new(Box::leak(Box::new(NoDesk::new(()))));
    let desk = Box::leak(Box::new(Desk::new(())));
    assert!(seat.sit(desk));
    let mut writer = ring.writer_at(&seat).unwrap();
    writer.take();
    *seat.occupy().unwrap().sitting() = Some(Pen(writer));
    seat
}

/// The same as `write`, the short way where that can be gone; returns also how often it was.
fn write_at(seat: &PenSeat, contents: &Contents, values: &[u32]) -> (u32, u32) {
    let (mut written, mut short) = (0, 0);
    for &value in values {
        if let Some(mut packet) = seat.enter() {
            let (chunk, number) = packet.place(|pen| &pen.0);
            contents.write(chunk, number, value);
            packet.commit(1);
            short += 1;
        } else {
            let mut occupied = seat.occupy().unwrap();
            let Some(Pen(writer)) = occupied.sitting() else { unreachable!() };
            let Ok(space) = writer.begin_or_take() else { continue };
            let (chunk, number) = space.place();
            contents.write(chunk, number, value);
            space.commit(1);
        }
        written += 1;
    }
    (written, short)
}

/// Reads all there is, when nobody writes any more.
fn read_rest(reader: &mut Reader, contents: &Contents) -> Vec<(u32, u32)> {
    let mut values = read(reader, contents);
    // What a writer could not end for want of a place in the queue.
    reader.complete_idle();
    values.extend(read(reader, contents));
    values
}

/// Reads all that is complete.
fn read(reader: &mut Reader, contents: &Contents) -> Vec<(u32, u32)> {
    let mut values = Vec::new();
    while let Some(chunk) = reader.next_chunk() {
        let packets = 0..chunk.packets() as usize;
        values.extend(packets.map(|packet| (chunk.owner().number(), contents.read(chunk.index(), packet))));
    }
    values
}

/// At most that many times is a thread stopped where it could go on: more takes hours and has found nothing else.
fn check(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

/// One writer, three packets, three chunks; a reader that ends its idle chunk at any time.
#[test]
fn an_idle_chunk_is_taken_away_between_packets_only() {
    check(3, || {
        let ring = ring(3, Policy::Keep);
        let contents = Contents::new(3, 3);
        let mut writer = ring.writer().unwrap();
        let mut reader = Reader::new(&ring);
        assert_eq!(write(&mut writer, &contents, &[1], 3), 1);
        let thread = thread::spawn({
            let contents = contents.clone();
            move || write(&mut writer, &contents, &[2, 3], 3)
        });
        reader.complete_idle();
        let mut values = read(&mut reader, &contents);
        let written = thread.join().unwrap();
        values.extend(read_rest(&mut reader, &contents));
        assert_eq!(written, 2, "there is always a chunk: two are read, one is free");
        assert_eq!(values, [(0, 1), (0, 2), (0, 3)]);
    });
}

/// The same the short way: the writer goes on in another chunk, the long way, and then the short way again.
#[test]
fn a_window_is_closed_between_packets_only() {
    check(3, || {
        let ring = ring(3, Policy::Keep);
        let contents = Contents::new(3, 3);
        let thread = thread::spawn({
            let (ring, contents) = (ring.clone(), contents.clone());
            move || {
                let seat = seat(&ring);
                let (written, _) = write_at(&seat, &contents, &[1, 2, 3]);
                written
            }
        });
        let mut reader = Reader::new(&ring);
        reader.complete_idle();
        let mut values = read(&mut reader, &contents);
        let written = thread.join().unwrap();
        values.extend(read_rest(&mut reader, &contents));
        assert_eq!(written, 3, "there is always a chunk: two are read, one is free");
        assert_eq!(values, [(0, 1), (0, 2), (0, 3)]);
    });
}

/// Two claim the chunk of one who writes the short way: whoever is late closes a window that has been opened again, or none at all.
#[test]
fn a_window_that_is_closed_late_is_opened_again() {
    check(2, || {
        let ring = ring(4, Policy::Keep);
        let contents = Contents::new(4, 4);
        let claiming = thread::spawn({
            let ring = ring.clone();
            move || _ = Reader::new(&ring).complete_idle()
        });
        let writing = thread::spawn({
            let (ring, contents) = (ring.clone(), contents.clone());
            move || {
                let seat = seat(&ring);
                write_at(&seat, &contents, &[1, 2]);
                seat
            }
        });
        let mut reader = Reader::new(&ring);
        reader.complete_idle();
        claiming.join().unwrap();
        let seat = writing.join().unwrap();
        // Nobody wants it any more: the long way, perhaps, and then the short one.
        write_at(&seat, &contents, &[3]);
        assert_eq!(write_at(&seat, &contents, &[4]), (1, 1));
        let values: Vec<_> = read_rest(&mut reader, &contents).into_iter().map(|(_, value)| value).collect();
        assert_eq!(values, [1, 2, 3, 4]);
    });
}

/// Closing while one writes the short way: what it writes is read, and when no chunk is left its window is closed, and stays so.
#[test]
fn no_window_is_open_after_the_end() {
    check(3, || {
        let ring = ring(2, Policy::Keep);
        let contents = Contents::new(2, 3);
        let thread = thread::spawn({
            let (ring, contents) = (ring.clone(), contents.clone());
            move || {
                let seat = seat(&ring);
                let (written, _) = write_at(&seat, &contents, &[1, 2]);
                (seat, written)
            }
        });
        let mut reader = Reader::new(&ring);
        reader.close();
        let mut values = read(&mut reader, &contents);
        let (seat, written) = thread.join().unwrap();
        assert!(seat.enter().is_none(), "also of who was within a packet");
        assert_eq!(write_at(&seat, &contents, &[3]).1, 0);
        values.extend(read_rest(&mut reader, &contents));
        assert!(values.len() as u32 >= written, "{values:?}");
        assert_eq!(reader.close(), 0);
        assert!(seat.enter().is_none());
    });
}

/// One writer that leaves a packet uncommitted, another that gets its chunk, by way of a reader.
#[test]
fn what_was_not_committed_is_written_over_after_it_was_written() {
    check(3, || {
        let ring = ring(1, Policy::Keep);
        let contents = Contents::new(1, 2);
        let (mut first, mut second) = (ring.writer().unwrap(), ring.writer().unwrap());
        assert_eq!(write(&mut first, &contents, &[1], 2), 1);
        let thread = thread::spawn({
            let contents = contents.clone();
            move || {
                let Ok(space) = first.begin() else { return };
                contents.write(0, 1, 7);
                drop(space);
            }
        });
        let mut reader = Reader::new(&ring);
        reader.complete_idle();
        let values = read(&mut reader, &contents);
        let written = write(&mut second, &contents, &[2, 3], 2);
        assert_eq!((values.len(), written), if values.is_empty() { (0, 0) } else { (1, 2) });
        thread.join().unwrap();
    });
}

/// Two writers, two packets each, three chunks, a reader in between.
#[test]
fn what_two_writers_commit_is_read_once_and_in_order() {
    check(3, || {
        let ring = ring(3, Policy::Keep);
        let contents = Contents::new(3, 2);
        let writers = [(); 2].map(|()| ring.writer().unwrap());
        let threads = writers.map(|mut writer| {
            let (contents, number) = (contents.clone(), writer.owner().number());
            thread::spawn(move || write(&mut writer, &contents, &[10 * number, 10 * number + 1], 1))
        });
        let mut reader = Reader::new(&ring);
        let mut values = read(&mut reader, &contents);
        let written: u32 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        values.extend(read_rest(&mut reader, &contents));
        assert_eq!(values.len() as u32, written);
        for number in [0, 1] {
            let own: Vec<_> = values.iter().filter(|(owner, _)| *owner == number).map(|(_, value)| *value).collect();
            assert!(own.is_sorted() && own.iter().all(|value| value / 10 == number), "{values:?}");
        }
    });
}

/// Two writers, two packets and one, one chunk for both: each takes it from the other. All is read or counted.
#[test]
fn what_is_written_over_is_counted() {
    check(2, || {
        let ring = ring(1, Policy::Overwrite);
        let contents = Contents::new(1, 2);
        let threads = [&[10, 11][..], &[20]].map(|values| {
            let (contents, mut writer) = (contents.clone(), ring.writer().unwrap());
            thread::spawn(move || write(&mut writer, &contents, values, 1))
        });
        let written: u32 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        let mut reader = Reader::new(&ring);
        let values = read_rest(&mut reader, &contents);
        assert_eq!(values.len() as u64 + ring.overwritten(), u64::from(written));
        assert!(written >= 1, "one of them had room");
    });
}

/// What a history has, as `read` returns it.
fn held(history: &History, contents: &Contents) -> Vec<(u32, u32)> {
    let mut values = Vec::new();
    for chunk in history.chunks() {
        let packets = 0..chunk.packets() as usize;
        values.extend(packets.map(|packet| (chunk.owner().number(), contents.read(chunk.index(), packet))));
    }
    values
}

/// One writer, one packet in each chunk, five chunks of which the history keeps two. It has some, and there are others, when the writer
/// writes three or four more and the history is taken at any time. There is no hole, and what was committed before is there.
#[test]
fn a_history_has_no_hole() {
    for (before_the_first, before_the_second, meanwhile, preemptions) in [(1, 1, 4, 1), (2, 2, 4, 1), (2, 1, 3, 2)] {
        check(preemptions, move || {
            let ring = ring(5, Policy::Overwrite);
            let contents = Contents::new(5, 1);
            let committed = Arc::new(AtomicU32::new(0));
            let mut writer = ring.writer().unwrap();
            let mut history = History::new(&ring);
            let mut write_some = {
                let (contents, committed) = (contents.clone(), committed.clone());
                move |packets: u32| {
                    for _ in 0..packets {
                        // There is always a chunk, but an old value of where it is may be seen.
                        let value = committed.load(Ordering::Relaxed) + 1;
                        if write(&mut writer, &contents, &[value], 1) == 1 {
                            committed.store(value, Ordering::Release);
                        }
                    }
                }
            };
            let assert_newest = |history: &History, at_least: Option<u32>| {
                let values: Vec<_> = held(history, &contents).into_iter().map(|(_, value)| value).collect();
                assert!(values.windows(2).all(|pair| pair[0] + 1 == pair[1]), "a hole: {values:?}");
                assert!(values.len() <= 2);
                let reached = at_least.is_none_or(|least| values.last().is_some_and(|&last| last >= least));
                assert!(reached, "{values:?} has not {at_least:?}");
                values.len() as u64
            };
            write_some(before_the_first);
            history.take(|| false);
            write_some(before_the_second);
            let thread = thread::spawn(move || write_some(meanwhile));
            let before = committed.load(Ordering::Acquire);
            let missing = history.take(|| false);
            assert_newest(&history, (missing == 0).then_some(before));
            thread.join().unwrap();
            let packets = committed.load(Ordering::Relaxed);
            assert_eq!(history.take(|| false), 0);
            let held = assert_newest(&history, Some(packets));
            assert_eq!(held + ring.overwritten(), u64::from(packets));
            while history.close() > 0 {}
            history.clear();
            assert_eq!(history.close(), 0);
        });
    }
}

/// Two writers, two packets and one, two chunks of which the history keeps one.
#[test]
fn a_history_of_two_writers_has_no_hole() {
    check(1, || {
        let ring = ring(2, Policy::Overwrite);
        let contents = Contents::new(2, 1);
        let threads = [&[1, 2][..], &[1]].map(|values| {
            let (contents, mut writer) = (contents.clone(), ring.writer().unwrap());
            thread::spawn(move || write(&mut writer, &contents, values, 1))
        });
        let mut history = History::new(&ring);
        history.take(|| false);
        assert!(held(&history, &contents).len() <= 1);
        let written: u32 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        history.take(|| false);
        assert_eq!(history.chunks().len() as u64 + ring.overwritten(), u64::from(written));
    });
}

/// Closing while a writer writes, with a chunk for each packet: what it could still write is read, and then it can write no more.
#[test]
fn what_is_written_before_the_end_is_read() {
    check(3, || {
        let ring = ring(2, Policy::Keep);
        let contents = Contents::new(2, 1);
        let mut writer = ring.writer().unwrap();
        let thread = thread::spawn({
            let contents = contents.clone();
            move || (write(&mut writer, &contents, &[1, 2], 1), writer)
        });
        let mut reader = Reader::new(&ring);
        reader.close();
        let mut values = read(&mut reader, &contents);
        let all_collected = reader.close() == 0;
        let (written, mut writer) = thread.join().unwrap();
        if all_collected {
            assert_eq!(values.len() as u32, written, "nothing came after");
        }
        values.extend(read_rest(&mut reader, &contents));
        assert_eq!(values.len() as u32, written, "{values:?}");
        assert_eq!(reader.close(), 0);
        assert!(writer.begin_or_take().is_err());
    });
}

/// Three threads take and put back two chunks: none is ever had twice.
#[test]
fn a_free_chunk_is_taken_once() {
    check(2, || {
        let stack = Arc::new(Stack::full(2));
        let held = Arc::new([AtomicU32::new(0), AtomicU32::new(0)]);
        let cells = Contents::new(2, 1);
        let take = |stack: &Stack, held: &[AtomicU32; 2], cells: &Contents| {
            for round in 0..2 {
                let Some(index) = stack.pop() else { continue };
                assert_eq!(held[index as usize].fetch_add(1, Ordering::Relaxed), 0);
                cells.write(index, 0, round);
                held[index as usize].fetch_sub(1, Ordering::Relaxed);
                stack.push(index);
            }
        };
        let threads = [(); 2].map(|()| {
            let (stack, held, cells) = (stack.clone(), held.clone(), cells.clone());
            thread::spawn(move || take(&stack, &held, &cells))
        });
        take(&stack, &held, &cells);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert!(stack.pop().is_some() && stack.pop().is_some() && stack.pop().is_none());
    });
}

/// One pushes, two pop and skip what is not there yet, often round: what was pushed comes out once and in order, or was skipped.
#[test]
fn what_is_skipped_does_not_come_out() {
    check(3, || {
        let queue = Arc::new(Queue::with_room_for(1));
        let cells = Contents::new(3, 1);
        let pushing = thread::spawn({
            let (queue, cells) = (queue.clone(), cells.clone());
            move || {
                let mut skipped = Vec::new();
                for index in 0..3 {
                    let Some(place) = queue.reserve() else {
                        skipped.push(index);
                        continue;
                    };
                    cells.write(index, 0, index);
                    if !place.fill(index) {
                        skipped.push(index);
                        // It is still ours.
                        cells.write(index, 0, index + 10);
                    }
                }
                skipped
            }
        });
        let pop = |queue: &Queue, cells: &Contents| {
            let popped = [(); 2].map(|()| queue.pop_or_skip());
            popped.into_iter().flatten().map(|index| (index, cells.read(index, 0))).collect::<Vec<_>>()
        };
        let popping = thread::spawn({
            let (queue, cells) = (queue.clone(), cells.clone());
            move || pop(&queue, &cells)
        });
        let mut found = vec![pop(&queue, &cells), popping.join().unwrap()];
        let skipped = pushing.join().unwrap();
        found.push(pop(&queue, &cells));
        assert!(found.iter().all(|found| found.is_sorted()), "{found:?}");
        let mut all: Vec<_> = found.concat().into_iter().chain(skipped.iter().map(|&index| (index, index))).collect();
        all.sort_unstable();
        assert_eq!(all, [(0, 0), (1, 1), (2, 2)]);
    });
}

/// Two threads push one each, two pop: what was pushed comes out, once.
#[test]
fn what_is_queued_comes_out_once() {
    check(3, || {
        let queue = Arc::new(Queue::with_room_for(2));
        let cells = Contents::new(2, 1);
        let pushing = [0, 1].map(|index| {
            let (queue, cells) = (queue.clone(), cells.clone());
            thread::spawn(move || {
                let place = queue.reserve().unwrap();
                cells.write(index, 0, 7 + index);
                assert!(place.fill(index));
            })
        });
        let pop = |queue: &Queue, cells: &Contents| queue.pop().map(|index| (index, cells.read(index, 0)));
        let popping = thread::spawn({
            let (queue, cells) = (queue.clone(), cells.clone());
            move || pop(&queue, &cells)
        });
        let mut found: Vec<_> = pop(&queue, &cells).into_iter().collect();
        pushing.into_iter().for_each(|thread| thread.join().unwrap());
        found.extend(popping.join().unwrap());
        while let Some(index) = queue.pop() {
            found.push((index, cells.read(index, 0)));
        }
        found.sort_unstable();
        assert_eq!(found, [(0, 7), (1, 8)]);
    });
}
