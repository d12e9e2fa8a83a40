//! Files that use the whole language, which the official tree does not: proto2, proto3, editions.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use pftrace_testkit::tools;
use pftrace_transcode::fixtures::{editions, language, well_known};
use pftrace_transcode::{Error, Schema};
use support::google::Sample;
use support::random::{delimited, field, varint};

#[test]
fn the_language() {
    judge(&language::SCHEMA, language::ORIGINAL);
}

#[test]
fn the_well_known_types() {
    judge(&well_known::SCHEMA, well_known::ORIGINAL);
}

#[test]
fn the_editions() {
    judge(&editions::SCHEMA, editions::ORIGINAL);
}

/// Cargo runs a build script again when what it watches is newer than the script's start, as is all that the script writes.
#[test]
fn cargo_does_not_watch_what_the_build_script_writes() {
    let out = Path::new(env!("OUT_DIR"));
    let said = fs::read_to_string(out.with_file_name("output")).unwrap();
    let watched: Vec<_> = said.lines().filter_map(|line| line.strip_prefix("cargo:rerun-if-changed=")).collect();
    assert!(watched.iter().any(|path| path.ends_with("everything.proto")), "{said}");
    assert!(!watched.iter().any(|path| Path::new(path).starts_with(out)), "{said}");
}

fn judge(schema: &Schema, original: &str) {
    support::judge_all(schema, Path::new(original), 100);
}

/// One message of many large parts: the buffer grows, and lengths of each size.
#[test]
fn a_string_of_a_mebibyte_within_messages() {
    let text = delimited("x".repeat(1 << 20).as_bytes());
    let mut bytes = Vec::new();
    field(&mut bytes, 14, 2, &text);
    field(&mut bytes, 15, 2, &text);
    for _ in 0..3 {
        let inner = std::mem::take(&mut bytes);
        field(&mut bytes, 2047, 2, &delimited(&inner));
    }
    exactly(&language::SCHEMA, language::ORIGINAL, "fixture.all.Scalars", bytes);
}

/// What is written can be longer than what was read: the entries of a map have all their parts.
#[test]
fn the_buffer_grows() {
    let mut bytes = Vec::new();
    for number in 1..=18 {
        field(&mut bytes, number, 2, &delimited(&[]));
    }
    let written = exactly(&language::SCHEMA, language::ORIGINAL, "fixture.all.Maps", bytes.clone());
    assert!(written.len() > 2 * bytes.len());
}

#[test]
fn items_of_a_message_set_are_written_as_extensions() {
    let item = |type_id: u32, content: &[u8]| {
        let mut item = Vec::new();
        // The content first: an item is a group, and its fields have no order.
        field(&mut item, 3, 2, &delimited(content));
        field(&mut item, 2, 0, &varint(u64::from(type_id)));
        let mut out = Vec::new();
        field(&mut out, 1, 3, &item);
        field(&mut out, 1, 4, &[]);
        out
    };
    let bytes = [item(300_000, b"\x0a\x01b"), item(4, b"\x0a\x01a")].concat();
    let written = exactly(&language::SCHEMA, language::ORIGINAL, "fixture.plain.Set", bytes);
    assert_eq!(written, b"\x0b\x10\x04\x1a\x03\x0a\x01a\x0c\x0b\x10\xe0\xa7\x12\x1a\x03\x0a\x01b\x0c");
}

#[test]
fn an_item_that_no_extension_has_stays_what_it_is() {
    let bytes = b"\x0b\x10\x05\x1a\x03\x0a\x01a\x0c";
    assert_eq!(language::SCHEMA.transcode(bytes, "fixture.plain.Set").unwrap(), bytes);
}

/// What the reference writes too, byte for byte.
fn exactly(schema: &Schema, original: &str, name: &str, bytes: Vec<u8>) -> Vec<u8> {
    let sample = Sample { name: name.to_owned(), bytes };
    support::judge(schema, Path::new(original), &[sample], &[false]).remove(0).bytes
}

#[test]
fn a_message_without_a_required_field() {
    let error = language::SCHEMA.transcode(b"\x08\x01", "fixture.plain.Plain").unwrap_err();
    assert_eq!(error.to_string(), "expected the required field fixture.plain.Plain.inner, found none");
    // Also when it is missing further in: `inner` without `needed`.
    let error = language::SCHEMA.transcode(b"\x08\x01\x12\x00\xc2\x3e\x00", "fixture.plain.Plain").unwrap_err();
    assert_eq!(error.to_string(), "expected the required field fixture.plain.Plain.Inner.needed, found none");
}

#[test]
fn bytes_that_are_no_message() {
    let error = language::SCHEMA.transcode(b"\x08", "fixture.plain.Plain").unwrap_err();
    assert!(matches!(&error, Error::Decode { name, .. } if name == "fixture.plain.Plain"), "{error:?}");
    assert!(error.to_string().starts_with("expected an encoded fixture.plain.Plain: "), "{error}");
}

#[test]
fn a_name_that_no_message_has() {
    let error = |name: &str| language::SCHEMA.transcode(&[], name).unwrap_err().to_string();
    assert_eq!(error("plain"), "expected the full name of a message, found `plain`; near to it: fixture.plain.Plain");
    assert_eq!(
        error("fixture.all.Scalar"),
        "expected the full name of a message, found `fixture.all.Scalar`; near to it: fixture.all.Scalars"
    );
    assert_eq!(error(""), "expected the full name of a message, found ``");
}

/// Had the generator taken the `sint64` for an `int32`, or not seen a field, that would be no message but an error.
#[test]
fn what_the_writer_and_the_decoder_do_not_agree_about() {
    const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/language.binpb"));
    static WRONG_TYPE: Schema = Schema::new(
        DESCRIPTORS,
        &[("fixture.all.Scalars", |b, m| {
            pftrace_wire::encode(b, |mut w| m.fields().iter().for_each(|f| w.int32::<6>(f.int32())))
        })],
        1,
        &[],
    );
    static NO_SETTER: Schema = Schema::new(
        DESCRIPTORS,
        &[("fixture.all.Scalars", |b, m| pftrace_wire::encode(b, |_| m.fields().iter().for_each(|f| f.no_setter())))],
        1,
        &[],
    );
    static NO_DESCRIPTOR: Schema =
        Schema::new(&[], &[("fixture.all.Scalars", |b, _| pftrace_wire::encode(b, |_| ()))], 0, &[]);
    let error = |schema: &Schema| schema.transcode(b"\x30\x01", "fixture.all.Scalars").unwrap_err().to_string();
    let field = "fixture.all.Scalars, field 6";
    assert_eq!(error(&WRONG_TYPE), format!("{field}: the writer has int32, the decoder 64 bits with a sign"));
    assert_eq!(
        error(&NO_SETTER),
        format!("{field}: the writer has no field of that number, the decoder 64 bits with a sign")
    );
    assert_eq!(error(&NO_DESCRIPTOR), "fixture.all.Scalars: only the writer has it");
}

/// The committed descriptor set is what protoc makes of the files beside it.
#[test]
fn the_descriptor_set_of_the_editions_is_up_to_date() {
    let Some(protoc) = tools::require("protoc/protoc") else { return };
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("editions.binpb");
    let mut command = Command::new(protoc);
    command.arg("-I").arg(&fixtures).arg("--include_imports").arg("-o").arg(&out);
    assert!(command.args(["edition_2023.proto", "edition_2024.proto"]).status().unwrap().success());
    let committed = std::fs::read(fixtures.join("editions.binpb")).unwrap();
    assert!(std::fs::read(out).unwrap() == committed, "run protoc again on tests/fixtures/edition_*.proto");
}
