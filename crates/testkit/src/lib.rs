//! The judges of what pftrace writes, none of them written with it:
//!
//! * [`TraceProcessor`]: the engine of the Perfetto UI itself. What it shows is what counts.
//! * [`dynamic`]: prost-reflect over the newest official descriptors.
//! * [`python`]: Google's own protobuf runtime with the official Python package.
//! * [`naive`]: the simplest encoder of the wire format one can think of, to make packets with planted faults.
//!
//! [`judge`] asks the first three at once; [`check`] also sees to it that the checker of pftrace agrees ([`checker_errors`]). They are
//! installed by `make tools`, into [`tools::dir`]. A test that finds one missing is skipped, by name and counted; in continuous integration
//! it fails.

#![forbid(unsafe_code)]

pub mod dynamic;
pub mod naive;
pub mod python;
mod server;
pub mod tools;
mod trace_processor;

pub use crate::trace_processor::{Arg, Counter, Loaded, Process, Rows, Slice, Thread, TraceProcessor, Track, Value};

/// Asks all judges whether a trace is sound: it is whole, both decoders know every field and read the same packets, and
/// the trace processor has nothing to complain of.
///
/// Returns the trace loaded in the trace processor, to look at its rows; `None` where a judge is not installed.
///
/// # Panics
///
/// With what a judge said, when the trace is not sound.
#[must_use]
pub fn check(trace: &[u8]) -> Option<Loaded> {
    let errors = checker_errors(trace);
    assert!(errors.is_empty(), "the checker finds mistakes: {errors:#?}");
    judge(trace)
}

/// The same without the checker: for traces with mistakes that the judges pass over.
///
/// # Panics
///
/// With what a judge said, when the trace is not sound.
#[must_use]
pub fn judge(trace: &[u8]) -> Option<Loaded> {
    let mut processor = TraceProcessor::shared()?;
    compare_decoders(trace)?;
    let loaded = processor.load(trace).unwrap_or_else(|error| panic!("the trace processor: {error}"));
    assert_eq!(loaded.cut(), "", "the trace is not whole");
    let complaints = loaded.complaints();
    assert!(complaints.is_empty(), "the trace processor complains: {complaints:#?}");
    drop(processor);
    Some(loaded)
}

/// Whether [`checker_errors`] asks the checker: the feature `checker` is on.
pub const HAS_CHECKER: bool = cfg!(feature = "checker");

/// The errors that the checker of pftrace finds in a trace, one a line. It is no judge: where it finds one in a trace that
/// the judges find sound, it is wrong. Without the feature `checker` it is not asked.
#[must_use]
pub fn checker_errors(trace: &[u8]) -> Vec<String> {
    #[cfg(feature = "checker")]
    {
        let (findings, _) = pftrace::check::check(trace);
        let errors = findings.iter().filter(|finding| finding.severity() == pftrace::check::Severity::Error);
        errors.map(ToString::to_string).collect()
    }
    #[cfg(not(feature = "checker"))]
    {
        let _ = trace;
        Vec::new()
    }
}

/// Decodes a trace with both decoders and compares what they read. `None` where one is not installed.
///
/// # Panics
///
/// When one can't decode it, or they differ.
#[must_use]
pub fn compare_decoders(trace: &[u8]) -> Option<Vec<serde_json::Value>> {
    let dynamic = dynamic::decode(trace)?.unwrap_or_else(|error| panic!("the dynamic decoder: {error}"));
    let python = python::decode(trace)?.unwrap_or_else(|error| panic!("the Python decoder: {error}"));
    assert_eq!(dynamic.len(), python.len(), "the decoders read different numbers of packets");
    for (number, (ours, theirs)) in dynamic.iter().zip(&python).enumerate() {
        assert!(same_json(ours, theirs), "packet {number}: the decoders differ:\n{ours:#}\n{theirs:#}");
    }
    Some(dynamic)
}

/// Whether two decoders' JSON says the same: they spell whole doubles differently (1 and 1.0).
fn same_json(a: &serde_json::Value, b: &serde_json::Value) -> bool {
    use serde_json::Value::{Array, Number, Object};
    match (a, b) {
        (Number(a), Number(b)) => a.as_f64() == b.as_f64(),
        (Array(a), Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_json(a, b)),
        (Object(a), Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same_json(a, b)))
        }
        (a, b) => a == b,
    }
}
