//! Arbitrary bytes, and sound traces with bytes changed: no panic, and the same whatever the pieces.

use pftrace::TraceWriter;
use pftrace::check::Checker;
use proptest::prelude::*;

use crate::*;

/// Of everything a bit, by the writer.
fn written() -> Vec<u8> {
    let mut trace = TraceWriter::new(Vec::new());
    let process = trace.process_track(4).name("game").describe().unwrap();
    let mut thread = trace.thread_track(&process, 5).name("main").describe().unwrap();
    let counter = trace.counter_track("fps").parent(&process).describe().unwrap();
    for number in 0..5_u64 {
        trace
            .begin_with(&mut thread, 100 * number, "frame", |event| {
                event.category("render").arg("n", number).flow(7).dict("d", |dict| _ = dict.arg("x", 0.5));
            })
            .unwrap();
        trace.counter(&counter, 100 * number + 10, number as i64).unwrap();
        trace.end(&mut thread, 100 * number + 50).unwrap();
    }
    trace.finish().unwrap()
}

fn findings(trace: &[u8], piece: usize) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut checker = Checker::new().window(3);
    trace.chunks(piece).for_each(|piece| checker.feed(piece, |finding| findings.push(finding)));
    checker.finish(|finding| findings.push(finding));
    findings
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300), piece in 1..40_usize) {
        prop_assert_eq!(findings(&bytes, piece), findings(&bytes, 1000));
    }

    #[test]
    fn any_bytes_in_a_packet(bytes in proptest::collection::vec(any::<u8>(), 0..300), field in 1..140_u32) {
        findings(&encode(&[head(), track(), at(5).bytes(field, bytes)]), 1000);
    }

    #[test]
    fn changed_bytes(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), piece in 1..40_usize) {
        let mut trace = written();
        for (index, byte) in changes {
            let len = trace.len();
            trace[index.index(len)] = byte;
        }
        prop_assert_eq!(findings(&trace, piece), findings(&trace, 10_000));
    }
}

#[test]
fn what_was_written_is_sound() {
    assert_eq!(findings(&written(), 1000), []);
}
