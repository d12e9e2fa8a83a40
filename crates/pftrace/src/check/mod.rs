//! Checks a trace for mistakes, those too that Perfetto passes over in silence (feature `check`).
//!
//! Everything incremental in a trace is easy to get wrong, and most of it shows as a missing name, a slice that is too long,
//! or nothing at all. The checker reads any Perfetto trace, whoever wrote it, and says what is wrong in which packet, at which
//! byte, and what was expected there. docs/checking.md in the repository is the guide; the command `pftrace` (crates/cli) does it for files.
//!
//! ```
//! use pftrace::{TraceWriter, check};
//!
//! let mut trace = TraceWriter::new(Vec::new());
//! let mut track = trace.track("work").describe()?;
//! trace.slice(&mut track, 0, 1_000, "step")?;
//! let mut bytes = trace.finish()?;
//!
//! let (findings, summary) = check::check(&bytes);
//! assert_eq!((findings.len(), summary.events.total()), (0, 2));
//!
//! bytes.pop();
//! let (findings, summary) = check::check(&bytes);
//! assert!(!summary.is_sound());
//! let found: Vec<String> = findings.iter().map(ToString::to_string).collect();
//! assert_eq!(found, [
//!     "note[never-ended]: packet 2 at byte 50, sequence 1: slices of track 1 do not end: 1, the first one begun at 0 ns",
//!     "error[cut]: packet 3 at byte 86: the file ends inside a packet: expected 11 bytes of it, found 10",
//! ]);
//! # Ok::<(), pftrace::Error>(())
//! ```
//!
//! # How
//!
//! The file is read once, front to back, from memory, a file or a pipe: [`Checker`], [`check_reader`]. In memory is what must be
//! known to go on: a packet at a time, the interned numbers of each sequence, the tracks, slices that are open, and a window of begins
//! and ends of slices, which are matched by time. It does not grow with the length of the file.
//!
//! What can only be known at the end (a track may be described after its slices and instants, though not after values of its counter)
//! is told at the end, with the packet that it is about.
//!
//! # What it does not see
//!
//! * Packets other than track events, their tracks, clocks and interned data: they are read for what they share (sequence, state,
//!   clock), and stack samples for their numbers. Of events of the JSON format it is checked that they have what their phase
//!   needs, not that their slices match. Packets compressed with zstd are read with the feature `zstd`, and else named. A whole file that is compressed is no trace here; the command decompresses gzip.
//! * Slices of a track are matched by time. A begin or end that stands further from its place in time than half the window
//!   ([`Checker::window`]) gets a note, and that track is matched no further.
//! * After something that can't be read, what depends on it is not told: an undefined number may have been defined there.

mod bundle;
mod clocks;
mod events;
mod extensions;
mod finding;
mod framing;
mod interned;
mod legacy;
mod names;
mod packet;
mod relations;
mod schema;
mod sequence;
mod service;
mod slices;
mod summary;
mod tracks;
mod wire;

use core::hash::Hash;
use std::collections::HashMap;
use std::io::{self, Read};
use std::vec::Vec;

pub use self::finding::{Finding, Kind, Severity};
pub use self::names::Name;
pub use self::summary::{Events, Losses, Summary};

use self::finding::{Ledger, Place, Report};
use self::framing::Framing;
use self::packet::State;

/// How many names a [`Summary`] has.
pub const TOP_NAMES: usize = 20;

/// Checks a trace that is in memory. The findings are in the order of their packets.
#[must_use]
pub fn check(trace: &[u8]) -> (Vec<Finding>, Summary) {
    let mut findings = Vec::new();
    let mut checker = Checker::new();
    checker.feed(trace, |finding| findings.push(finding));
    let summary = checker.finish(|finding| findings.push(finding));
    findings.sort_by_key(|finding| finding.packet);
    (findings, summary)
}

/// Checks a trace as it comes out of a reader. Memory does not grow with its length.
///
/// # Errors
///
/// When the reader fails. What was found until then has been told.
pub fn check_reader(mut reader: impl Read, mut found: impl FnMut(Finding)) -> io::Result<Summary> {
    let mut checker = Checker::new();
    let mut buffer = std::vec![0; READ_LEN];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(checker.finish(found)),
            Ok(len) => checker.feed(&buffer[..len], &mut found),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

const READ_LEN: usize = 1 << 18;

/// Checks a trace that comes in pieces of any size.
///
/// ```
/// use pftrace::check::{Checker, Severity};
///
/// let mut checker = Checker::new();
/// let mut errors = 0;
/// let mut count = |finding: pftrace::check::Finding| errors += u32::from(finding.severity() == Severity::Error);
/// for piece in [&[0x0a, 0x02][..], &[0x50]] {
///     checker.feed(piece, &mut count);
/// }
/// let summary = checker.finish(&mut count);
/// assert_eq!((errors, summary.packets), (1, 0)); // a packet of two bytes, of which one is there
/// ```
#[derive(Debug)]
pub struct Checker {
    framing: Framing,
    state: State,
    ledger: Ledger,
}

impl Checker {
    /// One that has seen nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self { framing: Framing::new(), state: State::new(), ledger: Ledger::default() }
    }

    /// With a window of so many begins and ends of slices in which they are brought into the order of time, each of 72 bytes.
    /// It is 65,536, and 524,288 once one was out of order.
    #[must_use]
    pub fn window(mut self, events: usize) -> Self {
        self.state.set_window(events.max(2));
        self
    }

    /// Takes the next bytes of the trace.
    pub fn feed(&mut self, bytes: &[u8], mut found: impl FnMut(Finding)) {
        let Self { framing, state, ledger } = self;
        framing.feed(bytes, state, &mut Report { ledger, found: &mut found, place: Place::default() });
    }

    /// The trace has ended: tells what could not be known before.
    pub fn finish(self, mut found: impl FnMut(Finding)) -> Summary {
        let Self { mut framing, mut state, mut ledger } = self;
        let mut report = Report { ledger: &mut ledger, found: &mut found, place: Place::default() };
        framing.finish(&mut state, &mut report);
        state.finish(&mut report);
        let mut summary = core::mem::take(&mut state.summary);
        summary.bytes = framing.bytes();
        summary.top_names = state.top_names(TOP_NAMES);
        let counts = Kind::ALL.iter().map(|kind| (*kind, ledger.counts[*kind as usize]));
        summary.findings = counts.filter(|(_, count)| *count > 0).collect();
        summary
    }
}

impl Default for Checker {
    fn default() -> Self {
        Self::new()
    }
}

type Map<K, V> = HashMap<K, V, ahash::RandomState>;

/// Fixed keys: the same trace, the same findings in the same order.
const HASHER: ahash::RandomState = ahash::RandomState::with_seeds(0x6368, 0x6563, 0x6b65, 0x72);

fn map<K: Eq + Hash, V>() -> Map<K, V> {
    HashMap::with_hasher(HASHER)
}

/// Of a text or other content; never 0, which stands for none.
fn hash(bytes: &[u8]) -> u64 {
    HASHER.hash_one(bytes).max(1)
}
