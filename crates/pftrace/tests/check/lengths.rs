//! The same findings whatever the pieces in which a trace comes.

use pftrace::check::{Checker, check_reader};

use crate::*;

fn faulty() -> Vec<u8> {
    let packets = [head(), track(), begin(100), end(150), end(160), instant(170, m().varint(3, 9)), begin(180)];
    let mut trace = encode(&packets);
    trace.extend(b"\x0f\xff\x0a");
    trace.extend(encode(&[begin(200), end(210), begin(220), end(230), end(240)]));
    trace.pop();
    trace
}

fn in_pieces(trace: &[u8], len: usize) -> (Vec<Finding>, pftrace::check::Summary) {
    let mut findings = Vec::new();
    let mut checker = Checker::new();
    trace.chunks(len).for_each(|piece| checker.feed(piece, |finding| findings.push(finding)));
    let summary = checker.finish(|finding| findings.push(finding));
    findings.sort_by_key(|finding| finding.packet);
    (findings, summary)
}

#[test]
fn pieces_of_every_length() {
    let trace = faulty();
    let whole = check(&trace);
    assert!(whole.0.len() >= 4, "{:#?}", whole.0);
    for len in 1..trace.len() {
        assert_eq!(in_pieces(&trace, len), whole, "pieces of {len} bytes");
    }
}

#[test]
fn a_reader() {
    let trace = faulty();
    let mut findings = Vec::new();
    let summary = check_reader(&trace[..], |finding| findings.push(finding)).unwrap();
    findings.sort_by_key(|finding| finding.packet);
    assert_eq!((findings, summary), check(&trace));
}

#[test]
fn a_reader_that_fails() {
    struct Failing;
    impl std::io::Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("gone"))
        }
    }
    assert_eq!(check_reader(Failing, |_| {}).unwrap_err().to_string(), "gone");
}
