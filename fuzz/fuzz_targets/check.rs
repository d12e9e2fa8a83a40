//! Any bytes: the checker neither panics nor hangs, its memory does not run away, and it finds the same whatever the pieces
//! in which they come.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pftrace::check::{Checker, Finding, Summary};

/// Small, so that inputs of the fuzzer's length go beyond it.
const WINDOW: usize = 4;

fuzz_target!(|input: (u8, &[u8])| {
    let (piece, trace) = input;
    let whole = check(trace, trace.len().max(1));
    assert_eq!(whole, check(trace, usize::from(piece) + 1));
    let (findings, summary) = whole;
    assert_eq!(summary.bytes, trace.len() as u64);
    assert_eq!(summary.errors() + summary.notes(), findings.len() as u64);
    for finding in &findings {
        assert!(finding.offset < summary.bytes && finding.packet <= summary.packets, "{finding}");
    }
});

fn check(trace: &[u8], piece: usize) -> (Vec<Finding>, Summary) {
    let mut findings = Vec::new();
    let mut checker = Checker::new().window(WINDOW);
    trace.chunks(piece).for_each(|piece| checker.feed(piece, |finding| findings.push(finding)));
    let summary = checker.finish(|finding| findings.push(finding));
    (findings, summary)
}
