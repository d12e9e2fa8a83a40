//! CLOCK_MONOTONIC at the price of reading the processor's counter.
//!
//! [`ticks`] reads the counter. A [`Line`] makes nanoseconds of ticks: one multiplication. A [`Clock`] draws the line anew about
//! once a second, from where our time is, at a rate that meets the machine's clock a second later: so it follows the machine's
//! clock, which is slewed, and there is no step.
//!
//! ```
//! use pftrace_clock::{Clock, ticks};
//!
//! let clock = Clock::new();
//! // What a thread keeps.
//! let mut line = clock.line();
//!
//! let now = ticks();
//! let ns = line.fresh_ns(now).unwrap_or_else(|| {
//!     line = clock.line();
//!     line.ns(now)
//! });
//! println!("{ns} ns");
//! ```
//!
//! # Guarantees
//!
//! * It strays from CLOCK_MONOTONIC by less than a microsecond while somebody calls [`Clock::re_anchor`] when it says so, or
//!   threads ask for a line when theirs is stale (`tests/stray.rs`); when the kernel changes the clock's rate, by 2.5 µs for each
//!   part in a million, until two seconds later.
//! * A line never goes back, and the next one begins where it is. Taken up late, it can be behind the one before:
//!   [`Line::is_stale`] says by how much. Who wants no step back on a thread keeps the last time, and takes the later of the two.
//! * After a pause, a suspend, a move to another machine: time goes on from what was given out, or jumps forward to the
//!   machine's clock; never back. Where we are ahead, our time runs at half speed until the machine's has come up.
//! * Nothing here waits or allocates after [`Clock::new`], and all of it can be called in a signal handler.
//!
//! # Which counter
//!
//! On x86-64 with Linux the time-stamp counter, where the kernel trusts it and it is faster than 1 GHz. The kernel trusts it when
//! its clock source is `tsc`; or when it is `kvm-clock`, which is made of the same counter, while `tsc` is still among the
//! available ones and the processor says `constant_tsc` and `nonstop_tsc`. Everywhere else [`ticks`] reads the machine's
//! monotonic clock: that costs more, and all the rest is the same.

#![deny(unsafe_code)]

mod clock;
mod latch;
mod line;
mod machine;
mod source;

pub use clock::{Clock, Snapshot, snapshot};
pub use line::Line;
#[cfg(pftrace_stub_clock)]
pub use source::stub::advance;
pub use source::ticks;
