//! The machine's own clocks, in nanoseconds.

pub(crate) use system::{boottime, monotonic, realtime};

#[cfg(unix)]
mod system {
    pub(crate) fn monotonic() -> u64 {
        read(libc::CLOCK_MONOTONIC)
    }

    pub(crate) fn realtime() -> u64 {
        read(libc::CLOCK_REALTIME)
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(crate) fn boottime() -> u64 {
        read(libc::CLOCK_BOOTTIME)
    }

    /// Where there is no other, the monotonic one is the nearest.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub(crate) fn boottime() -> u64 {
        monotonic()
    }

    #[allow(unsafe_code)]
    fn read(id: libc::clockid_t) -> u64 {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `time` is there to write to. It can't fail: the clock is one that the system has.
        _ = unsafe { libc::clock_gettime(id, &mut time) };
        // Before 1970 there is nothing to record.
        u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000 + time.tv_nsec as u64
    }
}

#[cfg(not(unix))]
mod system {
    use std::sync::OnceLock;
    use std::time::{Instant, SystemTime};

    /// Since its first call: the standard library does not tell the clock's own numbers.
    pub(crate) fn monotonic() -> u64 {
        static FIRST: OnceLock<Instant> = OnceLock::new();
        FIRST.get_or_init(Instant::now).elapsed().as_nanos() as u64
    }

    pub(crate) fn boottime() -> u64 {
        monotonic()
    }

    pub(crate) fn realtime() -> u64 {
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
    }
}
