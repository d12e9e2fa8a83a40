//! Where ticks come from: the processor's counter, or the machine's monotonic clock. Decided once in a process.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::line::{Rate, Reading};
use crate::machine;

/// Whether ticks are the counter's. Relaxed everywhere: it changes once, before the first [`Clock`](crate::Clock) is made.
static IS_COUNTER: AtomicBool = AtomicBool::new(false);

/// The counter that all time here is made of.
///
/// It means something together with a [`Line`](crate::Line) only, so nothing before the first [`Clock`](crate::Clock) is made.
/// Two calls on one thread can be reordered by the processor by a few nanoseconds; that has not been seen.
#[inline(always)] // 20 to 30 cycles, where a call and its saved registers would be some more.
#[must_use]
pub fn ticks() -> u64 {
    #[cfg(pftrace_stub_clock)]
    return stub::ticks();
    #[cfg(not(pftrace_stub_clock))]
    machine_ticks()
}

#[cfg(not(pftrace_stub_clock))]
#[inline(always)]
fn machine_ticks() -> u64 {
    if IS_COUNTER.load(Ordering::Relaxed) { counter::read() } else { clock_ticks() }
}

/// The processor's counter, whether time is made of it or not: where it is not, a [`Line`](crate::Line) has no
/// [`time for it`](crate::Line::fresh_ns).
#[inline(always)] // 20 to 30 cycles, where a call and its saved registers would be some more.
#[must_use]
pub fn raw_ticks() -> u64 {
    if counter::IS_THERE && !cfg!(pftrace_stub_clock) { counter::read() } else { ticks() }
}

/// Whether the ticks of lines are those of [`raw_ticks`].
pub(crate) fn is_raw() -> bool {
    !counter::IS_THERE || cfg!(pftrace_stub_clock) || IS_COUNTER.load(Ordering::Relaxed)
}

/// Half nanoseconds, so that a tick is less than a nanosecond, as the counter's are. Cold: where it is called, what it costs hides all the rest.
#[cold]
#[inline(never)]
fn clock_ticks() -> u64 {
    #[cfg(pftrace_stub_clock)]
    return stub::ticks();
    #[cfg(not(pftrace_stub_clock))]
    return 2 * machine::monotonic();
}

/// Time that costs nothing and is the same in each run: to count what recording takes beside it. Only in a build that asks for it, with
/// `RUSTFLAGS="--cfg pftrace_stub_clock"`.
#[cfg(pftrace_stub_clock)]
pub(crate) mod stub {
    use std::sync::atomic::{AtomicU64, Ordering};

    /// Half nanoseconds.
    static NOW: AtomicU64 = AtomicU64::new(1 << 40);

    /// 20 ns later each time. Not one atomic addition, which would cost more than all the rest: threads may read the same.
    #[inline(always)]
    pub(super) fn ticks() -> u64 {
        let now = NOW.load(Ordering::Relaxed);
        NOW.store(now + 40, Ordering::Relaxed);
        now
    }

    /// Lets time pass.
    pub fn advance(time: std::time::Duration) {
        NOW.fetch_add(2 * time.as_nanos() as u64, Ordering::Relaxed);
    }
}

/// Nanoseconds per tick, as measured when it is first asked for.
pub(crate) fn first_rate() -> Rate {
    static RATE: OnceLock<Rate> = OnceLock::new();
    if let Some(rate) = RATE.get() {
        return *rate;
    }
    // Measured by whoever comes, not within `get_or_init`: a child that is forked meanwhile would wait for that for ever.
    let rate = counter_rate();
    *RATE.get_or_init(|| {
        IS_COUNTER.store(rate.is_some(), Ordering::Relaxed);
        rate.unwrap_or(Rate::HALF)
    })
}

/// That of the processor's counter, over [`FIRST_WINDOW`], if it can be trusted.
fn counter_rate() -> Option<Rate> {
    if cfg!(pftrace_stub_clock) || !counter::is_trusted() {
        return None;
    }
    let read = || bracketed(counter::read, machine::monotonic);
    let first = read();
    thread::sleep(FIRST_WINDOW);
    // Leaves room for a rate that catches up.
    Rate::between(first, read()).filter(|rate| rate.per_tick < u64::MAX / 100 * 99)
}

/// Short, since a session's start waits for it: two readings with 20 ns of doubt make 20 parts in a million, which are
/// 0.2 µs until the line is drawn anew 10 ms later.
const FIRST_WINDOW: Duration = Duration::from_millis(2);

/// A clock, and the ticks in the middle of reading it: the narrowest of several tries, since any one may be interrupted.
pub(crate) fn read(clock: impl Fn() -> u64) -> Reading {
    bracketed(ticks, clock)
}

fn bracketed(ticks: impl Fn() -> u64, clock: impl Fn() -> u64) -> Reading {
    const TRIES: u32 = 8;
    let bracket = || {
        let begin = ticks();
        let ns = clock();
        (ticks().saturating_sub(begin), begin, ns)
    };
    let (width, begin, ns) = (0..TRIES).map(|_| bracket()).min().expect("there are tries");
    Reading { ticks: begin + width / 2, ns }
}

/// CLOCK_MONOTONIC.
pub(crate) fn read_monotonic() -> Reading {
    if IS_COUNTER.load(Ordering::Relaxed) {
        read(machine::monotonic)
    } else {
        let ticks = clock_ticks();
        Reading { ticks, ns: ticks / 2 }
    }
}

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
#[cfg_attr(pftrace_stub_clock, allow(dead_code))]
mod counter {
    use std::fs;

    pub(super) const IS_THERE: bool = true;

    #[allow(unsafe_code)]
    #[inline(always)]
    pub(super) fn read() -> u64 {
        // SAFETY: every x86-64 processor has the instruction. A process that has forbidden it to itself (prctl(2), PR_SET_TSC) can't ask for the
        // time either, for which the C library uses it.
        unsafe { core::arch::x86_64::_rdtsc() }
    }

    /// Whether it counts at one rate, on all processors, also while they sleep. The kernel has tested that, and goes on to.
    pub(super) fn is_trusted() -> bool {
        const SOURCES: &str = "/sys/devices/system/clocksource/clocksource0";
        let file = |path: &str| fs::read_to_string(path).unwrap_or_default();
        super::is_trusted(
            &file(&format!("{SOURCES}/current_clocksource")),
            &file(&format!("{SOURCES}/available_clocksource")),
            &file("/proc/cpuinfo"),
        )
    }
}

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
mod counter {
    pub(super) const IS_THERE: bool = false;

    pub(super) fn read() -> u64 {
        unreachable!("nobody trusts it")
    }

    pub(super) fn is_trusted() -> bool {
        false
    }
}

/// What the crate's page says, of the contents of the kernel's files.
#[cfg_attr(not(all(target_arch = "x86_64", target_os = "linux")), allow(dead_code))]
fn is_trusted(current: &str, available: &str, cpuinfo: &str) -> bool {
    let flags = || cpuinfo.lines().find(|line| line.starts_with("flags")).unwrap_or_default();
    let has_flag = |flag| flags().split_whitespace().any(|word| word == flag);
    match current.trim() {
        "tsc" => true,
        "kvm-clock" => {
            available.split_whitespace().any(|source| source == "tsc")
                && has_flag("constant_tsc")
                && has_flag("nonstop_tsc")
        }
        _ => false,
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_counter_is_trusted_where_the_kernel_trusts_it() {
        let good = "processor : 0\nflags\t\t: fpu constant_tsc nonstop_tsc\n";
        assert!(is_trusted("tsc\n", "tsc kvm-clock\n", ""));
        assert!(is_trusted("kvm-clock\n", "kvm-clock tsc acpi_pm\n", good));
        assert!(!is_trusted("kvm-clock\n", "kvm-clock acpi_pm\n", good), "the kernel has found it unstable");
        assert!(!is_trusted("kvm-clock\n", "kvm-clock tsc\n", "flags : constant_tsc\n"), "it stops in sleep");
        assert!(!is_trusted("hpet\n", "hpet tsc\n", good));
        assert!(!is_trusted("", "", ""), "no such files");
    }

    #[test]
    fn the_rate_is_the_counters() {
        let rate = first_rate();
        let (first, second) = (read_monotonic(), {
            thread::sleep(Duration::from_millis(20));
            read_monotonic()
        });
        let again = Rate::between(first, second).unwrap();
        let off = again.per_tick as f64 / rate.per_tick as f64 - 1.0;
        assert!(off.abs() < 500e-6, "{off}");
    }
}
