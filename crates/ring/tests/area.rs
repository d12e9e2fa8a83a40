//! Many threads that give numbers to the same texts.
#![cfg(not(loom))]

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::thread;

use pftrace_ring::Area;

fn hash(text: &[u8]) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(text)
}

/// Threads that define the same texts in different orders, in an area that is too small for all of them.
#[test]
fn threads_agree() {
    const THREADS: usize = 4;
    const TEXTS: usize = 2000;
    let texts: Vec<_> =
        (0..TEXTS).map(|number| format!("text {number} {:.>1$}", "", number % 50).into_bytes()).collect();
    for entries in [TEXTS * THREADS, 1000, 3] {
        let area = Area::new(1 << 20, entries).unwrap();
        let found = thread::scope(|scope| {
            let threads: [_; THREADS] = std::array::from_fn(|thread| {
                let (area, texts) = (&area, &texts);
                scope.spawn(move || {
                    let mut numbers = HashMap::new();
                    for round in 0..3 * TEXTS {
                        let text = (round * (2 * thread + 1) + thread) % TEXTS;
                        if let Some(number) = area.intern(&texts[text], hash(&texts[text])) {
                            assert_eq!(area.get(number), Some(&texts[text][..]));
                            assert_eq!(*numbers.entry(text).or_insert(number), number);
                        }
                    }
                    numbers
                })
            });
            threads.map(|thread| thread.join().unwrap())
        });
        let mut all = HashMap::new();
        for (text, number) in found.into_iter().flatten() {
            assert_eq!(*all.entry(text).or_insert(number), number, "one number for each text");
        }
        assert!(all.len() <= area.len() && area.len() <= entries);
        assert_eq!(area.is_full(), area.len() == entries);
        assert!(entries < TEXTS || all.len() == TEXTS);
    }
}
