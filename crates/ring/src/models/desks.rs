//! Writers at desks, which go the short way, and who wants their chunks.

use loom::thread;

use super::{Contents, check, read, read_rest, ring, write};
use crate::ring::{Policy, Ring};
use crate::window::ROOM;
use crate::word::Word;
use crate::{Desk, NoDesk, Owner, Reader, Seat, Sits, Writer};
use loom::sync::atomic::Ordering;

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

/// The same as `write`, the short way where that can be gone, each other packet as one that may be longer than most; returns also how often it was.
fn write_at(seat: &PenSeat, contents: &Contents, values: &[u32]) -> (u32, u32) {
    let (mut written, mut short) = (0, 0);
    for &value in values {
        let entered = if value % 2 == 0 { seat.enter() } else { seat.enter_for(ROOM + 32) };
        if let Some(mut packet) = entered {
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

/// A seat whose writer has a chunk with a packet in it, and what the chunk's word is then.
fn begun_seat(ring: &Ring, contents: &Contents) -> (PenSeat, Word) {
    let seat = seat(ring);
    assert_eq!(write_at(&seat, contents, &[1]), (1, 1));
    let word = Word(ring.0.word(0).load(Ordering::Relaxed));
    (seat, word)
}

/// One goes the long way and opens its window again, while others claim its chunk, or close the window.
fn opens_its_window(meanwhile: &[fn(&Ring, Word)]) {
    let ring = ring(2, Policy::Keep);
    let contents = Contents::new(2, 2);
    let (seat, word) = begun_seat(&ring, &contents);
    let others: Vec<_> = meanwhile
        .iter()
        .map(|&other| {
            let ring = ring.clone();
            thread::spawn(move || other(&ring, word))
        })
        .collect();
    drop(seat.occupy());
    write_at(&seat, &contents, &[2]);
    others.into_iter().for_each(|other| other.join().unwrap());
    assert_eq!(read_rest(&mut Reader::new(&ring), &contents), [(0, 1), (0, 2)]);
}

fn claim(ring: &Ring, word: Word) {
    ring.0.end_begun(0, word);
}

/// Another claims its chunk.
#[test]
fn a_window_is_opened_on_a_chunk_that_is_there_only() {
    check(3, || opens_its_window(&[claim]));
}

/// The same, and a third closes the window, as who is late with an older claim does: that is not what the claim has closed.
#[test]
fn a_window_that_another_has_closed_was_open() {
    check(2, || opens_its_window(&[claim, |ring, _| ring.0.window(Owner::new(0)).unwrap().close()]));
}

/// One adds a word before each packet, the short way, where that can be gone and has room for it, which is one each time the window is opened; another claims its chunk.
#[test]
fn a_word_is_added_while_nobody_ends_the_chunk() {
    check(3, || {
        let ring = ring(2, Policy::Keep);
        let contents = Contents::new(2, 3);
        let (seat, word) = begun_seat(&ring, &contents);
        let claiming = thread::spawn({
            let ring = ring.clone();
            move || claim(&ring, word)
        });
        let mut words = Vec::new();
        for value in [2, 3] {
            if seat.enter().is_some_and(|mut packet| packet.add_word(value)) {
                words.push(value);
            }
            write_at(&seat, &contents, &[value]);
        }
        claiming.join().unwrap();
        let mut reader = Reader::new(&ring);
        reader.complete_idle();
        let (mut values, mut read) = (Vec::new(), Vec::new());
        while let Some(chunk) = reader.next_chunk() {
            values.extend((0..chunk.packets() as usize).map(|packet| contents.read(chunk.index(), packet)));
            read.extend(chunk.words());
        }
        assert_eq!((values, read), (vec![1, 2, 3], words));
    });
}

/// One leaves a packet of the short way uncommitted, another gets its chunk, by way of a reader.
#[test]
fn what_was_not_committed_the_short_way_is_written_over_after_it_was_written() {
    check(3, || {
        let ring = ring(1, Policy::Keep);
        let contents = Contents::new(1, 2);
        let (seat, word) = begun_seat(&ring, &contents);
        let mut second = ring.writer().unwrap();
        let thread = thread::spawn({
            let contents = contents.clone();
            move || {
                if let Some(packet) = seat.enter() {
                    contents.write(0, 1, 7);
                    drop(packet);
                }
                seat
            }
        });
        ring.0.end_begun(0, word);
        let values = read(&mut Reader::new(&ring), &contents);
        let written = write(&mut second, &contents, &[2, 3], 2);
        assert_eq!((values.len(), written), if values.is_empty() { (0, 0) } else { (1, 2) });
        thread.join().unwrap();
    });
}

/// Closing while one writes the short way: what it writes is read, and when no chunk is left its window is closed, and stays so.
#[test]
fn no_window_is_open_after_the_end() {
    check(2, || {
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
