//! The command.

use std::io::Write;
use std::process::{Command, Output, Stdio};

fn run(arguments: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pftrace-transcode"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Whatever this was built for: the longest name, so that it is no well-known type.
fn name() -> &'static str {
    pftrace_transcode::schema().names().max_by_key(|name| name.len()).unwrap()
}

#[test]
fn what_is_written_comes_on_the_standard_output() {
    // A field that no type has: its number is protobuf's own.
    let output = run(&[name()], b"\xc2\xbf\x09\x01x");
    assert_eq!((output.status.code(), said(&output)), (Some(0), String::new()));
    assert_eq!(output.stdout, b"\xc2\xbf\x09\x01x");
}

#[test]
fn what_is_no_message_is_an_error() {
    let output = run(&[name()], b"\xc2");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    assert!(said(&output).starts_with(&format!("pftrace-transcode: expected an encoded {}: ", name())));
}

#[test]
fn a_name_is_needed() {
    let output = run(&[], b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).starts_with("usage: pftrace-transcode MESSAGE < IN > OUT\n"));
}

#[test]
fn all_names_are_listed() {
    let output = run(&["--list"], b"");
    let names: String = pftrace_transcode::schema().names().map(|name| format!("{name}\n")).collect();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), names);
}
