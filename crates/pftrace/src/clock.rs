//! Clocks and timestamps.

use pftrace_protos::BuiltinClock;

/// The clock that a timestamp was read from. All clocks count nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Clock {
    /// No clock of a machine: time that the program makes up, such as an emulator's. Its zero is wherever you put it.
    /// The default.
    Simulated,
    /// `CLOCK_REALTIME`: since 1970.
    Realtime,
    /// `CLOCK_MONOTONIC`: since the machine's start, without the time it was suspended.
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

/// When something happened: nanoseconds of the trace's clock (made from a `u64`), or of a given one ([`Clock::at`]).
///
/// Perfetto computes with signed numbers, so a timestamp above `i64::MAX` is refused with
/// [`Error::TimestampOutOfRange`](crate::Error::TimestampOutOfRange).
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

/// The clock of a sequence's packets: each timestamp is the difference from the one before. Sequence-scoped clocks have
/// the numbers 64 to 127 (builtin_clock.proto).
pub(crate) const INCREMENTAL_CLOCK_ID: u32 = 64;
