//! Who takes part.

mod floor;
#[cfg(feature = "recorder")]
mod perfetto_recorder;
#[cfg(feature = "sdk")]
mod perfetto_sdk;
mod pftrace;
mod ring;
#[cfg(feature = "fastrace")]
mod rival_fastrace;
#[cfg(feature = "tracing")]
mod tracing_layers;
#[cfg(feature = "tracy")]
mod tracy;

use crate::contender::Entry;

/// What every ratio is taken to.
pub const FLOOR: &str = "floor: clock + 16 B store";

/// In the order of the table.
pub const ALL: &[Entry] = &[
    Entry::new::<floor::Store>(FLOOR),
    Entry::new::<floor::Packet>("floor: clock + whole packet"),
    Entry::new::<pftrace::Pftrace<false>>("pftrace"),
    Entry::new::<pftrace::Pftrace<true>>("pftrace, flight recorder of 1 MiB"),
    Entry::new::<ring::OverRing>("pftrace-ring"),
    Entry::new::<ring::NamesInFull>("pftrace-ring, run-time names in full"),
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
