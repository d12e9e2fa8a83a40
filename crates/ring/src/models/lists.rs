//! The stack of free chunks, and the queue of complete ones.

use std::sync::Arc;

use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;

use super::{Contents, check};
use crate::lists::{Queue, Stack};

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
