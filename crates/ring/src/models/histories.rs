//! The history, while writers write.

use std::sync::Arc;

use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;

use super::{Contents, check, ring, write};
use crate::History;
use crate::ring::Policy;

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
/// writes two to four more and the history is taken at any time. There is no hole, and what was committed before is there.
#[test]
fn a_history_has_no_hole() {
    for (before_the_first, before_the_second, meanwhile, preemptions) in [(1, 1, 4, 1), (2, 2, 3, 1), (2, 1, 2, 2)] {
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
