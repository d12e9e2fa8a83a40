//! Our time beside the machine's, on the real machine: for 10 seconds, or as many as PFTRACE_CLOCK_SECONDS says.
#![cfg(all(target_os = "linux", not(loom)))]

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pftrace_clock::{Clock, snapshot, ticks};
use rustix::time::{ClockId, clock_gettime};

fn read(id: ClockId) -> i64 {
    let time = clock_gettime(id);
    time.tv_sec * 1_000_000_000 + time.tv_nsec as i64
}

/// How far `ours` is ahead of the machine's clock, and how well that is known: the narrowest of many tries, since a machine
/// with other things to do interrupts most of them.
fn ahead(id: ClockId, ours: impl Fn() -> u64) -> (i64, i64) {
    let bracket = || {
        let (begin, ours, end) = (read(id), ours() as i64, read(id));
        (end - begin, ours - (begin + end) / 2)
    };
    let (width, ahead) = (0..50).map(|_| bracket()).min().unwrap();
    (ahead, width / 2)
}

/// How far CLOCK_MONOTONIC is ahead of CLOCK_MONOTONIC_RAW.
fn slewed() -> i64 {
    ahead(ClockId::MonotonicRaw, || read(ClockId::Monotonic) as u64).0
}

/// Records, in a way: asks for the time over and over as a thread that keeps its line. Returns its largest step back.
fn ask(clock: &Clock, done: &AtomicBool) -> u64 {
    let (mut line, mut last, mut back) = (clock.line(), 0u64, 0);
    while !done.load(Ordering::Relaxed) {
        for _ in 0..1000 {
            let now = ticks();
            if line.is_stale(now) {
                line = clock.line();
            }
            let ns = line.ns(now);
            back = back.max(last.saturating_sub(ns));
            last = last.max(ns);
        }
        thread::sleep(Duration::from_micros(200));
    }
    back
}

#[test]
fn our_time_stays_with_the_machines() {
    let seconds = std::env::var("PFTRACE_CLOCK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let (clock, done) = (Clock::new(), AtomicBool::new(false));
    let (mut stray, mut strays) = (0, Vec::new());
    let raw_at_first = ahead(ClockId::MonotonicRaw, || clock.now_ns()).0;
    let slew_at_first = slewed();
    let backs = thread::scope(|scope| {
        let asking = [(); 2].map(|()| scope.spawn(|| ask(&clock, &done)));
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                thread::sleep(clock.re_anchor());
            }
        });
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(seconds) {
            let (ahead, doubt) = ahead(ClockId::Monotonic, || clock.now_ns());
            if doubt < 500 {
                stray = stray.max(ahead.abs() - doubt);
                strays.push(ahead.abs());
            }
            thread::sleep(Duration::from_millis(7));
        }
        done.store(true, Ordering::Relaxed);
        asking.map(|thread| thread.join().unwrap())
    });
    let raw = ahead(ClockId::MonotonicRaw, || clock.now_ns()).0 - raw_at_first;
    let slew = slewed() - slew_at_first;
    strays.sort_unstable();
    println!(
        "from CLOCK_MONOTONIC: at most {stray} ns, median {} of {}; from CLOCK_MONOTONIC_RAW {raw} ns, which was slewed by {slew}; \
         largest step back of threads that keep their line {backs:?} ns",
        strays[strays.len() / 2],
        strays.len(),
    );
    assert!(stray < 1000, "{stray} ns from CLOCK_MONOTONIC");
    assert!(backs.iter().all(|back| *back < 1000), "steps back of {backs:?} ns");
    // What CLOCK_MONOTONIC is slewed by, we are too.
    assert!((raw - slew).abs() < 1000 + 500, "{raw} ns from CLOCK_MONOTONIC_RAW, with {slew} of slewing");
}

#[test]
fn whoever_draws_the_line_time_goes_on() {
    let clock = Clock::new();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut last = 0;
                for round in 0..200_000 {
                    if round % 100 == 0 {
                        clock.re_anchor();
                    }
                    let now = clock.now_ns();
                    // Nothing, unless the thread is stopped between taking the line and reading the ticks.
                    assert!(now + 1000 > last, "{} ns back", last - now);
                    last = now;
                }
            });
        }
    });
}

#[test]
fn a_snapshot_is_of_one_instant() {
    let clock = Clock::new();
    let before = [ClockId::Monotonic, ClockId::Boottime, ClockId::Realtime].map(read);
    let at = snapshot(&clock);
    let after = [ClockId::Monotonic, ClockId::Boottime, ClockId::Realtime].map(read);
    let ours = [at.monotonic, at.boottime, at.realtime].map(|ns| ns as i64);
    for (clock, ns) in ours.into_iter().enumerate() {
        assert!((before[clock]..=after[clock]).contains(&ns), "{before:?} {at:?} {after:?}");
    }
    assert!(at.ours.abs_diff(at.monotonic) < 10_000);
    // Nobody steps CLOCK_BOOTTIME beside CLOCK_MONOTONIC while the test runs: their difference is the same the next time.
    let suspended = |at: pftrace_clock::Snapshot| at.boottime as i64 - at.monotonic as i64;
    let again = (0..20).map(|_| (suspended(snapshot(&clock)) - suspended(at)).abs()).min().unwrap();
    assert!(again < 500, "{again} ns");
}
