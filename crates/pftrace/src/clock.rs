//! Clocks and timestamps.

use core::time::Duration;

use pftrace_protos::BuiltinClock;

/// The clock that a timestamp was read from. All clocks count nanoseconds.
///
/// | where the time is from | which clock |
/// |---|---|
/// | a simulation; a log whose times count from its own start | [`Simulated`](Self::Simulated) |
/// | [`Instant`](https://doc.rust-lang.org/std/time/struct.Instant.html), which does not tell its numbers: what has elapsed since one that you keep | [`Simulated`](Self::Simulated) |
/// | [`SystemTime`](https://doc.rust-lang.org/std/time/struct.SystemTime.html) since `UNIX_EPOCH` | [`Realtime`](Self::Realtime) |
/// | `clock_gettime`, the kernel, another trace | the one of that name |
///
/// To lay a trace of `Simulated` beside others, say with
/// [`clock_snapshot`](crate::TraceWriter::clock_snapshot) what another clock showed when it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Clock {
    /// No clock of a machine: time that the program makes up, such as an emulator's. Its zero is wherever you put it.
    /// The default. Also the clock of what has elapsed since an `Instant`.
    Simulated,
    /// `CLOCK_REALTIME`: since 1970.
    Realtime,
    /// `CLOCK_MONOTONIC`: since the machine's start, without the time it was suspended. Only for what `clock_gettime` or
    /// the kernel said, not for what has elapsed since an `Instant`: that would lie at the machine's start.
    Monotonic,
    /// `CLOCK_MONOTONIC_RAW`: as `Monotonic`, never slewed.
    MonotonicRaw,
    /// `CLOCK_BOOTTIME`: since the machine's start, with the time it was suspended.
    Boottime,
}

impl Clock {
    /// Its number in a trace: `perfetto.protos.BuiltinClock`.
    ///
    /// ```
    /// assert_eq!(pftrace::Clock::Boottime.id(), 6);
    /// ```
    #[must_use]
    pub const fn id(self) -> u32 {
        self.builtin().value() as u32
    }

    pub(crate) const fn builtin(self) -> BuiltinClock {
        match self {
            // The clock of a trace's own file, whose readings mean nothing outside it.
            Self::Simulated => BuiltinClock::BUILTIN_CLOCK_TRACE_FILE,
            Self::Realtime => BuiltinClock::BUILTIN_CLOCK_REALTIME,
            Self::Monotonic => BuiltinClock::BUILTIN_CLOCK_MONOTONIC,
            Self::MonotonicRaw => BuiltinClock::BUILTIN_CLOCK_MONOTONIC_RAW,
            Self::Boottime => BuiltinClock::BUILTIN_CLOCK_BOOTTIME,
        }
    }

    /// A timestamp of this clock, in nanoseconds.
    ///
    /// ```
    /// use pftrace::{Clock, Timestamp};
    ///
    /// let timestamp: Timestamp = Clock::Realtime.at(1_795_392_000_000_000_000);
    /// ```
    #[must_use]
    pub const fn at(self, ns: u64) -> Timestamp {
        Timestamp { ns, clock: Some(self) }
    }
}

/// When something happened: nanoseconds of the trace's clock (made from a `u64` or a [`Duration`]), or of a given one
/// ([`Clock::at`]).
///
/// Perfetto computes with signed numbers, so a timestamp above `i64::MAX`, 292 years, is refused with
/// [`Error::TimestampOutOfRange`](crate::Error::TimestampOutOfRange).
///
/// # Example
///
/// ```
/// use std::time::Instant;
///
/// # let mut trace = pftrace::TraceWriter::new(Vec::new());
/// # let track = trace.track("work").describe()?;
/// let start = Instant::now();
/// trace.instant(&track, start.elapsed(), "done")?;
/// trace.instant(&track, 12_000, "at 12 microseconds")?;
/// # Ok::<(), pftrace::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Timestamp {
    pub(crate) ns: u64,
    /// `None`: the trace's.
    pub(crate) clock: Option<Clock>,
}

impl From<u64> for Timestamp {
    fn from(ns: u64) -> Self {
        Self { ns, clock: None }
    }
}

impl From<Duration> for Timestamp {
    /// The time since the clock's zero. More than `u64::MAX` nanoseconds become `u64::MAX`, which is refused as any
    /// timestamp above `i64::MAX`.
    fn from(since_zero: Duration) -> Self {
        Self::from(u64::try_from(since_zero.as_nanos()).unwrap_or(u64::MAX))
    }
}

/// The clock of a sequence's packets: each timestamp is the difference from the one before. Sequence-scoped clocks have
/// the numbers 64 to 127 (builtin_clock.proto).
pub(crate) const INCREMENTAL_CLOCK_ID: u32 = 64;
