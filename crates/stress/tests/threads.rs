//! Up to 64 threads and little memory: delivered + dropped = recorded, and each thread's events in its order.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Barrier, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use pftrace::{
    CallSite, Category, EventKind, Lanes, MemorySink, Policy, Report, Session, TrackSlice, instant, set_categories,
    slice,
};
use pftrace_stress::events;

/// How much is done: less under a sanitizer, which is slow.
fn scale() -> u64 {
    std::env::var("PFTRACE_STRESS").ok().and_then(|scale| scale.parse().ok()).unwrap_or(100)
}

fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What one thread records: three events each.
fn work(rounds: u64) {
    for number in 0..rounds {
        let _slice = slice!("stress", "slice");
        if number % 7 == 0 {
            instant!("stress", ["red", "green", "blue"][number as usize / 7 % 3], number, text = %number);
        } else {
            instant!("stress", "number", number);
        }
    }
}

/// The trace has what the report says, each sequence in order. Returns how many events it has.
fn assert_sound(trace: &[u8], report: &Report) -> u64 {
    let mut count = 0;
    for (sequence, events) in events(trace) {
        // A sequence may be of several threads, one after the other: numbers go up, or begin anew while nothing is open.
        let (mut last, mut depth) = (None, 0);
        for event in &events {
            match event.kind {
                1 => depth += 1,
                2 => depth -= 1,
                _ => {
                    let is_next = last.is_none_or(|last| Some(last) < event.value) || depth == 1;
                    assert!(is_next, "sequence {sequence}: {:?} after {last:?}", event.value);
                    last = event.value;
                }
            }
            assert!((0..=1).contains(&depth), "sequence {sequence}: {depth} slices open within {events:?}");
        }
        count += events.len() as u64;
    }
    assert_eq!(count, report.events, "{report:?}");
    assert_eq!((report.corrupt_chunks, report.nested, report.undelivered), (0, 0, 0), "{report:?}");
    count
}

/// Slices on lanes that wander from thread to thread, in little memory: as many ends as begins, and each is delivered or counted.
#[test]
fn slices_that_wander_are_whole_or_counted() {
    static LANES: Lanes = Lanes::new("stress");
    const THREADS: u64 = 8;
    let _alone = alone();
    let memory = MemorySink::new();
    let session = Session::builder().writer(memory.clone()).buffer_bytes(64 << 10).start().unwrap();
    let shelf: Vec<Mutex<TrackSlice>> = (0..16).map(|_| Mutex::new(TrackSlice::default())).collect();
    let rounds = 10 * scale();
    thread::scope(|scope| {
        for first in 0..THREADS {
            let shelf = &shelf;
            scope.spawn(move || {
                for number in 0..rounds {
                    let slice = slice!(track: &LANES, flow: number, "stress", "wanders", number);
                    let place = &shelf[(number * 7 + first) as usize % shelf.len()];
                    // What lay there ends, on this thread.
                    *place.lock().unwrap_or_else(PoisonError::into_inner) = slice;
                }
            });
        }
    });
    drop(shelf);
    let report = session.stop().unwrap();
    let kinds: Vec<u64> = events(&memory.take()).into_values().flatten().map(|event| event.kind).collect();
    let count = |kind| kinds.iter().filter(|&&found| found == kind).count() as u64;
    assert_eq!(count(1), count(2), "{report:?}");
    assert_eq!((report.events, report.undelivered), (kinds.len() as u64, 0), "{report:?}");
    assert_eq!(report.events + report.dropped.total(), 2 * THREADS * rounds, "{report:?}");
}

#[test]
fn what_is_recorded_is_delivered_or_dropped() {
    let _alone = alone();
    for (threads, buffer, policy) in [
        (64, 64 << 10, Policy::Stream),
        (64, 1 << 20, Policy::Stream),
        (8, 64 << 10, Policy::Discard),
        (2, 256 << 10, Policy::Stream),
    ] {
        let memory = MemorySink::new();
        let session = Session::builder().writer(memory.clone()).buffer_bytes(buffer).policy(policy).start().unwrap();
        thread::scope(|scope| (0..threads).for_each(|_| _ = scope.spawn(|| work(10 * scale()))));
        let report = session.stop().unwrap();
        let delivered = assert_sound(&memory.take(), &report);
        assert_eq!(delivered + report.dropped.total(), threads * 30 * scale(), "{report:?}");
        assert_eq!(report.thread_count, threads);
    }
}

/// Sessions start and stop while threads record: what was recorded before the end is in the trace.
#[test]
fn sessions_start_and_stop_while_threads_record() {
    let _alone = alone();
    let done = AtomicBool::new(false);
    let mut seen = 0;
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    work(50);
                    thread::yield_now();
                }
            });
        }
        for number in 0..scale().max(20) {
            let memory = MemorySink::new();
            let builder = Session::builder().writer(memory.clone()).buffer_bytes(64 << (number % 5 + 10));
            let session = match number % 3 {
                0 => builder.drain_by_caller(),
                _ => builder,
            };
            let session = session.start().unwrap();
            thread::sleep(Duration::from_micros(200 * (number % 10)));
            if number % 2 == 0 {
                session.drain().unwrap();
            }
            let report = session.stop().unwrap();
            // Slices that were open when it began or ended have one end only.
            let trace = memory.take();
            let count: usize = events(&trace).values().map(Vec::len).sum();
            assert_eq!(count as u64, report.events, "{report:?}");
            assert_eq!((report.corrupt_chunks, report.undelivered), (0, 0), "{report:?}");
            seen += count;
        }
        done.store(true, Ordering::Relaxed);
    });
    assert!(seen > 0);
}

/// Snapshots of a flight recorder while 8 threads record: each thread's numbers have no hole, in any of them, and nothing is
/// dropped: nobody waits for who is stopped.
#[test]
fn snapshots_have_no_hole() {
    let _alone = alone();
    for bytes in [64 << 10, 1 << 20] {
        let session = Session::builder().policy(Policy::FlightRecorder).buffer_bytes(bytes).start().unwrap();
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for number in 0_u64.. {
                        instant!("stress", "number", number);
                        if number % 100 == 0 && over.load(Ordering::Relaxed) {
                            break;
                        }
                    }
                });
            }
            for round in 0..(scale() / 4).min(20) {
                thread::sleep(Duration::from_millis(round % 3));
                let mut trace = Vec::new();
                let report = session.snapshot(&mut trace).unwrap();
                assert_eq!((report.corrupt_chunks, report.undelivered), (0, 0), "{report:?}");
                for (sequence, events) in events(&trace) {
                    for pair in events.windows(2) {
                        assert_eq!(pair[0].value.map(|value| value + 1), pair[1].value, "sequence {sequence}");
                    }
                }
            }
            over.store(true, Ordering::Relaxed);
        });
        let report = session.stop().unwrap();
        assert_eq!(report.lost(), 0, "{report:?}");
    }
}

/// Threads that live shortly, many more than there are chunks; 1,000 of them at once in 8 MiB.
#[test]
fn threads_come_and_go_and_lose_nothing() {
    let _alone = alone();
    let memory = MemorySink::new();
    let session = Session::builder().writer(memory.clone()).buffer_bytes(8 << 20).start().unwrap();
    let at_once = (10 * scale()).min(1_000);
    let barrier = Barrier::new(at_once as usize);
    let recorded = AtomicU64::new(0);
    thread::scope(|scope| {
        for number in 0..at_once {
            let (barrier, recorded) = (&barrier, &recorded);
            scope.spawn(move || {
                work(1 + number % 5);
                barrier.wait();
                work(number % 3);
                recorded.fetch_add(3 * (1 + number % 5 + number % 3), Ordering::Relaxed);
            });
        }
    });
    for _ in 0..at_once {
        thread::spawn(|| work(1)).join().unwrap();
        recorded.fetch_add(3, Ordering::Relaxed);
    }
    let report = session.stop().unwrap();
    let delivered = assert_sound(&memory.take(), &report);
    assert_eq!((delivered, report.dropped.total()), (recorded.into_inner(), 0), "{report:?}");
    assert_eq!(report.thread_count, 2 * at_once);
}

/// Many threads come to the same new call sites at the same time.
#[test]
fn call_sites_are_met_by_all_threads_at_once() {
    macro_rules! sites {
        ($barrier:ident: $($number:literal)+) => {
            $(
                $barrier.wait();
                instant!("first", "met", number = $number, other = 0_u64);
            )+
        };
    }
    let _alone = alone();
    let memory = MemorySink::new();
    let session = Session::builder().writer(memory.clone()).buffer_bytes(1 << 20).start().unwrap();
    let barrier = Barrier::new(4);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                sites!(barrier: 0_u64 1_u64 2_u64 3_u64 4_u64 5_u64 6_u64 7_u64 8_u64 9_u64 10_u64 11_u64 12_u64);
            });
        }
    });
    let report = session.stop().unwrap();
    assert_eq!(report.events, 52);
    let trace = memory.take();
    for (_, events) in events(&trace).into_iter().filter(|(_, events)| !events.is_empty()) {
        assert!(events.iter().map(|event| event.value).eq((0..13).map(Some)), "{events:?}");
    }
}

/// Categories that nobody has met.
fn categories(name: &str, count: usize) -> Vec<&'static Category> {
    (0..count).map(|number| &*Box::leak(Box::new(Category::new(format!("{name}.{number}").leak())))).collect()
}

/// Categories are switched while many threads meet new ones, which are on by every pattern.
#[test]
fn what_is_on_is_on_for_whoever_meets_it_first() {
    let _alone = alone();
    let session = Session::builder().writer(std::io::sink()).buffer_bytes(1 << 20).start().unwrap();
    let (barrier, done) = (Barrier::new(4), AtomicBool::new(false));
    let rounds = 2 * scale() as usize;
    let site = |category| &*Box::leak(Box::new(CallSite::new(EventKind::Instant, category, Some("met"), &[])));
    let sites: Vec<&'static CallSite> = categories("met", rounds).into_iter().map(site).collect();
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                ["met.*", "*", "-other", ""].iter().for_each(|patterns| set_categories(patterns));
            }
        });
        let meeting: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    for site in &sites {
                        barrier.wait();
                        if site.is_enabled() {
                            site.instant(None, &[]);
                        }
                    }
                })
            })
            .collect();
        meeting.into_iter().for_each(|thread| thread.join().unwrap());
        done.store(true, Ordering::Relaxed);
    });
    let report = session.stop().unwrap();
    assert_eq!((report.events, report.lost()), (4 * rounds as u64, 0), "{report:?}");
    set_categories("");
}

/// Whoever comes first, the switch or the thread that meets a category: in the end it is as the switch says.
#[test]
fn a_category_met_while_it_is_switched_is_as_it_was_switched_last() {
    let _alone = alone();
    let _session = Session::builder().writer(std::io::sink()).buffer_bytes(64 << 10).start().unwrap();
    let barrier = Barrier::new(3);
    let categories = categories("switched", 5 * scale() as usize);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for category in &categories {
                    barrier.wait();
                    _ = category.is_enabled();
                    barrier.wait();
                }
            });
        }
        let mut stale = 0;
        for (number, category) in categories.iter().enumerate() {
            let last = ["switched.*", "-switched.*"][number % 2];
            set_categories(["switched.*", "-switched.*"][(number + 1) % 2]);
            barrier.wait();
            set_categories(last);
            barrier.wait();
            stale += u32::from(category.is_enabled() != (number % 2 == 0));
        }
        assert_eq!(stale, 0);
    });
    set_categories("");
}
