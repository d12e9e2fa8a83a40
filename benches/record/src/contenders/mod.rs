//! Who takes part.

pub mod floor;
#[cfg(feature = "recorder")]
mod perfetto_recorder;
#[cfg(feature = "sdk")]
mod perfetto_sdk;
pub mod pftrace;
#[cfg(feature = "fastrace")]
mod rival_fastrace;
#[cfg(feature = "tracing")]
mod tracing_layers;
#[cfg(feature = "tracy")]
mod tracy;

use self::pftrace::{Discard, Flight, IntoNothing, Pftrace, Stream};
use crate::contender::Entry;

/// What every ratio is taken to.
pub const FLOOR: &str = floor::NAME;

/// Ours, of each policy: builds with the stub clock, and by cargo's own release profile, race beside them, see `--other`.
pub const POLICIES: [&str; 3] = if cfg!(pftrace_stub_clock) {
    STUB
} else if cfg!(feature = "plain") {
    PLAIN
} else {
    OURS
};
pub const OURS: [&str; 3] = ["pftrace", "pftrace, discard", "pftrace, flight recorder of 1 MiB"];
pub const STUB: [&str; 3] =
    ["pftrace, stub clock", "pftrace, discard, stub clock", "pftrace, flight recorder, stub clock"];

/// `codegen-units = 16` and no `lto`, instead of the profile in Cargo.toml.
pub const PLAIN: [&str; 3] =
    ["pftrace, cargo's profile", "pftrace, discard, cargo's profile", "pftrace, flight recorder, cargo's profile"];

/// In the order of the table.
pub const ALL: &[Entry] = &[
    Entry::new::<floor::Store>(FLOOR),
    Entry::new::<floor::Packet>("floor: clock + whole packet"),
    Entry::new::<Pftrace<Stream>>(POLICIES[0]),
    Entry::new::<Pftrace<Discard>>(POLICIES[1]),
    Entry::new::<Pftrace<Flight>>(POLICIES[2]),
    #[cfg(feature = "tracy")]
    Entry::new::<tracy::Tracy>("tracy-client 0.18.5"),
    #[cfg(feature = "recorder")]
    Entry::new::<perfetto_recorder::Recorder>(perfetto_recorder::NAME),
    #[cfg(feature = "fastrace")]
    Entry::new::<rival_fastrace::Fastrace>("fastrace 0.7.19"),
    #[cfg(feature = "sdk")]
    Entry::new::<perfetto_sdk::Sdk>("perfetto-sdk 1.2.1"),
    #[cfg(feature = "tracing")]
    Entry::new::<tracing_layers::Chrome>("tracing-chrome 0.7.2"),
    #[cfg(feature = "tracing")]
    Entry::new::<tracing_layers::Perfetto>("tracing-perfetto 0.1.5"),
];

/// Only for the bars: W1 on one thread, with so many times more events that starting and stopping do not count.
pub const LONG: &[Entry] = &[
    Entry::new::<floor::Write>(WRITE),
    Entry::new::<Pftrace<Stream>>(LONG_INTO_A_FILE[0]),
    Entry::new::<Pftrace<Discard>>(LONG_INTO_A_FILE[1]),
    Entry::new::<Pftrace<Flight>>(LONG_INTO_A_FILE[2]),
    Entry::new::<Pftrace<IntoNothing<Stream>>>(LONG_INTO_NOTHING[0]),
    Entry::new::<Pftrace<IntoNothing<Discard>>>(LONG_INTO_NOTHING[1]),
    Entry::new::<Pftrace<IntoNothing<Flight>>>(LONG_INTO_NOTHING[2]),
];
pub const LONG_FACTOR: usize = 10;
pub const WRITE: &str = "write(2)";
pub const LONG_INTO_A_FILE: [&str; 3] = ["long: stream", "long: discard", "long: flight recorder"];
pub const LONG_INTO_NOTHING: [&str; 3] =
    ["long: stream into nothing", "long: discard into nothing", "long: flight recorder into nothing"];
