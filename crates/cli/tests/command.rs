//! The command: what it prints, and how it ends.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;
use pftrace::TraceWriter;
use pftrace::check::Kind;
use pftrace_testkit::naive::Message;

fn sound() -> Vec<u8> {
    let mut trace = TraceWriter::new(Vec::new());
    let process = trace.process_track(4).name("game").describe().unwrap();
    let mut main = trace.thread_track(&process, 5).name("main").describe().unwrap();
    let fps = trace.counter_track("fps").parent(&process).describe().unwrap();
    for frame in 0..3_u64 {
        let start = 1_000 + frame * 16_000_000;
        trace.slice(&mut main, start, start + 9_000_000, "frame").unwrap();
        trace.counter(&fps, start + 9_000_000, 60).unwrap();
    }
    trace.instant(&main, 50_000_000, "done").unwrap();
    trace.finish().unwrap()
}

/// With an end that ends nothing, and a number that nothing defines.
fn faulty() -> Vec<u8> {
    let at = |timestamp| Message::new().varint(8, timestamp).varint(10, 1);
    let event = |kind| Message::new().varint(9, kind).varint(11, 7);
    let track = Message::new().varint(10, 1).varint(13, 1).message(60, Message::new().varint(1, 7).bytes(2, "t"));
    let packets = [track, at(100).message(11, event(2)), at(200).message(11, event(3).varint(10, 9))];
    packets.into_iter().fold(Message::new(), |trace, packet| trace.message(1, packet)).into_bytes()
}

/// A file that is there as long as this is.
fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn pftrace(arguments: &[&str], input: &[u8]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pftrace"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may end before it has read all.
    _ = child.stdin.take().unwrap().write_all(input);
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn a_sound_trace() {
    let trace = file(&sound());
    let path = trace.path().to_str().unwrap();
    let (code, out, err) = pftrace(&["check", path], b"");
    let expected = format!("{path}: sound; 14 packets, 10 events, {} bytes\n", sound().len());
    assert_eq!((code, out, err), (0, expected, String::new()));
}

/// A full disk: nobody is to take what is there for the whole of it.
#[test]
#[cfg(target_os = "linux")]
fn what_can_not_be_written_is_an_error() {
    let trace = file(&sound());
    let path = trace.path().to_str().unwrap();
    for arguments in [&["check", path][..], &["check", "--json", path], &["stat", path]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_pftrace")).args(arguments).stdout(full).output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {err}");
        assert!(err.starts_with("pftrace: cannot write: "), "{err}");
    }
}

#[test]
fn a_trace_with_mistakes() {
    let expected = "\
error[ends-nothing]: packet 1 at byte 14, sequence 1: expected an open slice on track 7 at 100 ns, found none
error[iid-undefined]: packet 2 at byte 26, sequence 1: TrackEvent: expected a number of event_names that this generation defines at or before this packet, found 9
standard input: 2 errors; 3 packets, 2 events, 41 bytes
";
    assert_eq!(pftrace(&["check", "-"], &faulty()), (1, expected.to_owned(), String::new()));
}

#[test]
fn findings_beyond_the_limit_are_counted() {
    let many = faulty().repeat(1_500);
    let (code, out, _) = pftrace(&["check", "--limit", "1", "-"], &many);
    assert_eq!(code, 1);
    let lines: Vec<_> = out.lines().map(|line| line.split(": ").next().unwrap()).collect();
    assert!(out.contains("error[ends-nothing]: 1,499 more like this\n"), "{out}");
    assert_eq!(lines.iter().filter(|line| line.starts_with("error[ends-nothing]")).count(), 2, "{out}");
}

#[test]
fn json() {
    let (code, out, _) = pftrace(&["check", "--json", "-"], &faulty());
    let object: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, 1);
    assert_eq!(object["sound"], false);
    assert_eq!(object["errors"], serde_json::json!({"ends-nothing": 1, "iid-undefined": 1}));
    let finding = &object["findings"][0];
    assert_eq!(
        (&finding["kind"], &finding["packet"], &finding["offset"]),
        (&"ends-nothing".into(), &1.into(), &14.into())
    );
    assert_eq!(object["summary"]["events"]["instants"], 1);
    let (code, out, _) = pftrace(&["stat", "--json", "-"], &sound());
    let object: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &object["top_names"][0]["name"]), (0, &"frame".into()));
    assert_eq!((&object["first_ns"], &object["last_ns"]), (&1_000.into(), &50_000_000.into()));
}

#[test]
fn a_summary() {
    let expected = "\
file       standard input, BYTES bytes
packets    14 on 1 sequence
tracks     3: 1 process, 1 thread
events     10: 3 slices, 1 instant, 3 counter values
time       49.999 ms, from 1000 ns to 50000000 ns
lost       nothing that the trace tells of
findings   0 errors, 0 notes

      events         time  name
           3    27.000 ms  frame
           1         0 ns  done
";
    let expected = expected.replace("BYTES", &sound().len().to_string());
    assert_eq!(pftrace(&["stat", "-"], &sound()), (0, expected, String::new()));
    assert_eq!(pftrace(&["stat", "-"], &faulty()).0, 0);
}

#[test]
fn gzip_is_seen() {
    let gzip = |bytes: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    assert_eq!(pftrace(&["check", "-"], &gzip(&sound())), pftrace(&["check", "-"], &sound()));
    let cut = gzip(&sound());
    let (code, _, err) = pftrace(&["check", "-"], &cut[..cut.len() - 10]);
    assert_eq!(code, 2);
    assert!(err.starts_with("pftrace: cannot read standard input: "), "{err}");
}

#[test]
fn what_is_no_trace() {
    let said = |input: &[u8]| {
        let (code, out, err) = pftrace(&["check", "-"], input);
        assert_eq!((code, out.as_str()), (2, ""));
        err
    };
    assert_eq!(said(b""), "pftrace: standard input is empty\n");
    let json =
        "pftrace: standard input is not a Perfetto trace of packets: it begins like JSON, perhaps a JSON trace\n";
    assert_eq!(said(b"{}"), json);
    assert_eq!(
        said(b"PK"),
        "pftrace: standard input is not a Perfetto trace: expected 0x0a as its first byte, found 0x50\n"
    );
    let (code, _, err) = pftrace(&["check", "/no/such/file"], b"");
    assert_eq!(code, 2);
    assert!(err.starts_with("pftrace: cannot read /no/such/file: "), "{err}");
    assert_eq!(pftrace(&["check"], b"").0, 2);
    assert_eq!(pftrace(&["judge", "x"], b"").0, 2);
}

#[test]
fn a_cut_file_is_told_and_the_rest_summed_up() {
    let cut = sound();
    let (code, out, _) = pftrace(&["check", "-"], &cut[..cut.len() - 3]);
    assert_eq!(code, 1);
    assert!(out.starts_with("error[cut]: packet 13 at byte "), "{out}");
    assert!(out.contains("1 error; 13 packets, 9 events"), "{out}");
}

#[test]
fn help_has_examples_and_exit_codes() {
    let (code, out, _) = pftrace(&["--help"], b"");
    assert_eq!(code, 0);
    assert!(
        out.contains("Examples:\n  pftrace check trace.pftrace") && out.contains("Exit codes: 0 sound, 1 mistakes"),
        "{out}"
    );
    let (_, out, _) = pftrace(&["check", "--help"], b"");
    assert!(out.contains("--limit <COUNT>") && out.contains("Examples:"), "{out}");
}

/// The guide lists each kind, with its word, how bad it is, and what it is.
#[test]
fn the_guide_lists_every_kind() {
    let guide =
        std::fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/checking.md")).unwrap();
    let row = |kind: &Kind| format!("| `{kind}` | {} | {} |", kind.severity(), kind.description());
    let missing: Vec<_> = Kind::ALL.iter().map(row).filter(|row| !guide.contains(row)).collect();
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}
