//! The clocks that the race measures with.

use std::sync::OnceLock;

/// CPU time of the calling thread, in nanoseconds.
pub fn thread_cpu_ns() -> u64 {
    read(libc::CLOCK_THREAD_CPUTIME_ID)
}

/// CPU time of all threads of this process, in nanoseconds.
pub fn process_cpu_ns() -> u64 {
    read(libc::CLOCK_PROCESS_CPUTIME_ID)
}

/// Monotonic time, in nanoseconds.
pub fn monotonic_ns() -> u64 {
    read(libc::CLOCK_MONOTONIC)
}

/// The time of a clock, in nanoseconds.
pub fn read(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid timespec to write to.
    let result = unsafe { libc::clock_gettime(clock, &mut time) };
    assert_eq!(result, 0, "clock_gettime");
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// The raw clock: the time-stamp counter.
#[inline(always)]
pub fn ticks() -> u64 {
    // SAFETY: every x86-64 processor has RDTSC.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Nanoseconds per tick as a fraction of 2^64, measured once over 20 ms. The counter is faster than 1 GHz on every
/// machine that has a constant one, so the fraction is below 1.
pub fn scale() -> u64 {
    static SCALE: OnceLock<u64> = OnceLock::new();
    *SCALE.get_or_init(measure_scale)
}

fn measure_scale() -> u64 {
    let (ticks_0, ns_0) = (ticks(), monotonic_ns());
    while monotonic_ns() - ns_0 < 20_000_000 {
        std::hint::spin_loop();
    }
    let (ticks_1, ns_1) = (ticks(), monotonic_ns());
    ((u128::from(ns_1 - ns_0) << 64) / u128::from(ticks_1 - ticks_0)) as u64
}
