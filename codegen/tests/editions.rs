//! Editions 2023 and 2024, through descriptor sets of the real protoc: what the generated writers write is, byte for byte,
//! what Google's own runtime serializes.
//!
//! `PFTRACE_BLESS=1` takes over the code that is generated now, as in tests/golden.rs.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pftrace_codegen::Config;
use pftrace_testkit::tools;

#[rustfmt::skip]
#[path = "golden/editions.rs"]
mod generated;

use generated::fixture::of2023::{Closed, Inherits, Open, Overrides, OverridesExtensions};
use generated::fixture::of2024::{Defaults, Mode, Needed};

const FILES: [&str; 2] = ["editions/of2023.proto", "editions/of2024.proto"];

/// The set that protoc makes of the fixtures; `None` where it is not installed.
fn descriptor_set(dir: &Path) -> Option<PathBuf> {
    let protoc = tools::require("protoc/protoc")?;
    let set = dir.join("editions.binpb");
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut command = Command::new(protoc);
    command.arg("-I").arg(fixtures).args(["--include_imports", "--include_source_info"]);
    let output = command.arg("--descriptor_set_out").arg(&set).args(FILES).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(set)
}

#[test]
fn descriptor_sets_of_protoc_generate_the_golden_file() {
    let dir = tempfile::tempdir().unwrap();
    let Some(set) = descriptor_set(dir.path()) else { return };
    let generated = Config::new().descriptor_set(&set).generate(&FILES).unwrap();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/editions.rs");
    if std::env::var_os("PFTRACE_BLESS").is_some() {
        std::fs::write(&golden, generated.code()).unwrap();
    }
    let expected = std::fs::read_to_string(&golden).unwrap();
    for (line, (found, expected)) in (1..).zip(generated.code().lines().zip(expected.lines())) {
        assert_eq!(found, expected, "line {line} differs from {}", golden.display());
    }
    assert_eq!(generated.code().len(), expected.len());
    assert_eq!(generated.inputs(), [set]);
}

/// What our writer writes, beside the same message in text format for the judge.
struct Case {
    message: &'static str,
    text: &'static str,
    bytes: Vec<u8>,
}

macro_rules! case {
    ($writer:ident, $message:literal, $text:literal, $f:expr) => {{
        let mut buffer = [0; 512];
        let bytes: Result<&mut [u8], pftrace_wire::Error> = $writer::encode(&mut buffer, $f);
        Case { message: $message, text: $text, bytes: bytes.unwrap().to_vec() }
    }};
}

fn cases() -> Vec<Case> {
    vec![
        case!(
            Inherits,
            "fixture.of2023.Inherits",
            "implicit: 1 expanded: [1, -2, 300] delimited { implicit: 2 delimited { implicit: 3 } }
             delimited_elements { implicit: 4 } delimited_elements {} delimited_of_another_file { seconds: 5 nanos: 6 }
             entries { key: 'a' value { implicit: 7 delimited {} } } delimited_choice { text: 'b' }
             nested { expanded: [OPEN_ONE, OPEN_ZERO] delimited { expanded: OPEN_ONE } }",
            |m| {
                m.set_implicit(1).add_expanded(1).add_expanded(-2).add_expanded(300);
                m.set_delimited(|m| {
                    m.set_implicit(2).set_delimited(|m| {
                        m.set_implicit(3);
                    });
                });
                m.add_delimited_elements(|m| {
                    m.set_implicit(4);
                });
                m.add_delimited_elements(|_| {}).set_delimited_of_another_file(|time| {
                    time.set_seconds(5).set_nanos(6);
                });
                m.add_entries("a", |m| {
                    m.set_implicit(7).set_delimited(|_| {});
                });
                m.set_delimited_choice(|m| {
                    m.set_text("b");
                });
                m.set_nested(|m| {
                    m.add_expanded(Open::OPEN_ONE).add_expanded(Open::OPEN_ZERO).set_delimited(|m| {
                        m.add_expanded(Open::OPEN_ONE);
                    });
                });
            }
        ),
        case!(
            Overrides,
            "fixture.of2023.Overrides",
            "explicit: 0 required: 0 packed: [1, -1, 100] length_prefixed { implicit: 1 } closed: CLOSED_MINUS_ONE
             unchecked: 'x' [fixture.of2023.delimited_extension] { implicit: 2 }
             [fixture.of2023.expanded_extension]: [3, 4] [fixture.of2023.packed_extension]: [5, 6]",
            |m| {
                m.set_explicit(0).set_required(0).add_packed(&[1, -1, 100]);
                m.set_length_prefixed(|m| {
                    m.set_implicit(1);
                });
                // Google's runtime begins with the last extension.
                m.set_closed(Closed::CLOSED_MINUS_ONE).set_unchecked("x").add_packed_extension(&[5, 6]);
                m.add_expanded_extension(3).add_expanded_extension(4).set_delimited_extension(|m| {
                    m.set_implicit(2);
                });
            }
        ),
        case!(
            Defaults,
            "fixture.of2024.Defaults",
            "explicit: 0 packed: [1, 2, -1] length_prefixed { explicit: 3 } modes: [MODE_SOME, MODE_NONE]
             grouped { implicit: 4 back { explicit: 5 } } expanded_modes: [MODE_NONE, MODE_SOME]
             of_another_edition { required: 6 } grouped_choice { implicit: 7 }",
            |m| {
                m.set_explicit(0).add_packed(&[1, 2, -1]);
                m.set_length_prefixed(|m| {
                    m.set_explicit(3);
                });
                m.add_modes(&[Mode::MODE_SOME, Mode::MODE_NONE]).set_grouped(|m| {
                    m.set_implicit(4).set_back(|m| {
                        m.set_explicit(5);
                    });
                });
                m.add_expanded_modes(Mode::MODE_NONE).add_expanded_modes(Mode::MODE_SOME);
                m.set_of_another_edition(|m| {
                    m.set_required(6);
                });
                m.set_grouped_choice(|m| {
                    m.set_implicit(7);
                });
            }
        ),
        case!(Needed, "fixture.of2024.Needed", "required_message { explicit: 1 } required_group { number: 2 }", |m| {
            m.set_required_message(|m| {
                m.set_explicit(1);
            });
            m.set_required_group(|m| {
                m.set_number(2);
            });
        }),
    ]
}

#[test]
fn what_is_written_is_what_google_serializes() {
    let dir = tempfile::tempdir().unwrap();
    let Some(set) = descriptor_set(dir.path()) else { return };
    let Some(packages) = tools::require("python") else { return };
    let cases = cases();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judge.py");
    let mut python = Command::new("python3");
    python.arg(script).arg(set).env("PYTHONPATH", packages).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut python = python.spawn().unwrap();
    let mut input = python.stdin.take().unwrap();
    for case in &cases {
        writeln!(input, "{}\t{}", case.message, case.text.replace('\n', " ")).unwrap();
    }
    drop(input);
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success());
    let lines = String::from_utf8(output.stdout).unwrap();
    assert_eq!(lines.lines().count(), cases.len());
    for (case, expected) in cases.iter().zip(lines.lines()) {
        let found: String = case.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, expected, "{}", case.message);
    }
}

#[test]
fn a_field_that_an_edition_calls_required_is() {
    let mut buffer = [0; 32];
    let missing = Needed::encode(&mut buffer, |m| {
        m.set_required_message(|_| {});
    });
    let field = "fixture.of2024.Needed.required_group";
    assert_eq!(missing, Err(pftrace_wire::Error::RequiredMissing { field }));
}
