//! Writers that go the long way, and who wants their chunks.

use loom::sync::atomic::Ordering;
use loom::thread;

use super::{Contents, check, read, read_rest, ring, write};
use crate::Reader;
use crate::ring::Policy;
use crate::word::Word;

/// One writer, three packets, three chunks; a reader that ends its idle chunk at any time.
#[test]
fn an_idle_chunk_is_taken_away_between_packets_only() {
    check(2, || {
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

/// Two claim the one chunk of a writer, one of them after it has been ended and written over: a claim is not taken for the other.
#[test]
fn a_claim_that_is_late_is_gone() {
    check(2, || {
        let ring = ring(1, Policy::Overwrite);
        let contents = Contents::new(1, 1);
        let mut writer = ring.writer().unwrap();
        assert_eq!(write(&mut writer, &contents, &[1], 1), 1);
        let word = Word(ring.0.word(0).load(Ordering::Relaxed));
        let claiming = thread::spawn({
            let ring = ring.clone();
            move || ring.0.end_begun(0, word)
        });
        let writing = thread::spawn({
            let (ring, contents) = (ring.clone(), contents.clone());
            move || {
                let written = 1 + write(&mut writer, &contents, &[2], 1);
                ring.0.complete_idle();
                (written, writer)
            }
        });
        claiming.join().unwrap();
        let (written, _writer) = writing.join().unwrap();
        let values = read_rest(&mut Reader::new(&ring), &contents);
        assert_eq!(values.len() as u64 + ring.overwritten(), u64::from(written));
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
