//! What the tracing service says: its configuration, and what it lost.

use pftrace::check::Kind;

use crate::*;

const TRACE_CONFIG: u32 = 33;
const SYSTEM_INFO: u32 = 45;

/// Of a trace that is written into a file.
fn config(fields: Message) -> Message {
    m().message(TRACE_CONFIG, m().varint(8, 1).append(fields))
}

fn buffer(policy: u64) -> Message {
    m().message(1, m().varint(1, 64).varint(4, policy))
}

fn version(text: &str) -> Message {
    m().message(SYSTEM_INFO, m().bytes(4, text))
}

#[test]
fn a_file_beside_a_buffer_that_discards() {
    let with = |policy| [head(), track(), config(m().varint(13, 5_000).append(buffer(1)).append(buffer(policy)))];
    finds(&with(2), &[(Kind::Config, 2)], CONFIG);
    finds(&with(1), &[], Silent);
    let no_file = m().message(TRACE_CONFIG, buffer(2));
    finds(&[head(), track(), no_file], &[], Silent);
}

/// The trace processor of the tests is older than these checks, where it says nothing.
const CONFIG: Processor = Counts(&["config_write_into_file_discard"]);
const NO_FLUSH: Processor = Counts(&["config_write_into_file_no_flush"]);

#[test]
fn a_file_without_flushes() {
    finds(&[head(), track(), config(buffer(1))], &[(Kind::Config, 2)], NO_FLUSH);
    finds(&[head(), track(), config(buffer(1)), version("Perfetto v53.1 (a)")], &[(Kind::Config, 2)], NO_FLUSH);
    // Since v54 the service does by itself.
    let (findings, _) = check(&encode(&[head(), track(), config(buffer(1)), version("Perfetto v54.0 (a)")]));
    assert!(findings.is_empty(), "{findings:?}");
}

#[test]
fn what_was_overwritten_before_it_was_written() {
    let stats = || m().message(TRACE_STATS, m().message(1, m().varint(12, 4096).varint(13, 10)));
    let period = |ms| config(m().varint(13, 5_000).varint(9, ms).append(buffer(1)));
    finds(&[head(), track(), period(5_000), stats()], &[(Kind::Loss, 3)], Silent);
    // With such a period it is meant to be.
    finds(&[head(), track(), period(86_400_000), stats()], &[], Silent);
    finds(&[head(), track(), stats()], &[], Silent);
}

#[test]
fn what_has_failed() {
    let stats = |fields| [head(), track(), m().message(TRACE_STATS, fields)];
    let of_buffer = |number| stats(m().message(1, m().varint(12, 4096).varint(number, 3)));
    let findings = finds(&of_buffer(6), &[(Kind::Loss, 2)], Counts(&["traced_buf_patches_failed"]));
    assert_eq!(findings[0].message, "the statistics in the trace say what has failed: patches of chunks (3)");
    finds(&of_buffer(9), &[(Kind::Loss, 2)], Counts(&["traced_buf_abi_violations"]));
    finds(&stats(m().varint(14, 2)), &[(Kind::Loss, 2)], Counts(&["traced_flushes_failed"]));
    finds(&stats(m().varint(15, 2)), &[(Kind::Loss, 2)], Counts(&["traced_final_flush_failed"]));
    finds(&stats(m().varint(15, 1).varint(14, 0)), &[], Silent);
    // Said again: told once.
    let packets = [head(), m().message(TRACE_STATS, m().varint(14, 2)), m().message(TRACE_STATS, m().varint(14, 2))];
    assert_eq!(check(&encode(&packets)).0.len(), 1);
}
