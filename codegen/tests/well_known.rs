//! The files of google/protobuf that are built in are those of the reference compiler.

use std::process::Command;

use pftrace_codegen::{Config, Writer};
use pftrace_testkit::tools::require;

const FILES: [&str; 11] = [
    "any",
    "api",
    "descriptor",
    "duration",
    "empty",
    "field_mask",
    "source_context",
    "struct",
    "timestamp",
    "type",
    "wrappers",
];

fn names() -> impl Iterator<Item = String> {
    FILES.iter().map(|file| format!("google/protobuf/{file}.proto"))
}

/// One line per message and setter, in a fixed order.
fn lines(writers: &[Writer]) -> Vec<String> {
    let lines = writers.iter().flat_map(|writer| {
        let setters = writer.setters.iter().map(|setter| {
            let (number, method, shape, value) = (setter.number, &setter.method, &setter.shape, &setter.value);
            format!("{} {number} {method} {shape:?} {value:?}", writer.message)
        });
        setters.chain([format!("{} required: {}", writer.message, writer.has_required)])
    });
    let mut lines: Vec<_> = lines.collect();
    lines.sort();
    lines
}

#[test]
fn what_is_built_in_is_what_the_reference_compiler_has() {
    let Some(protoc) = require("protoc/protoc") else { return };
    let dir = tempfile::tempdir().unwrap();
    let set = dir.path().join("set.binpb");
    let include = protoc.parent().unwrap().join("include");
    let status = Command::new(&protoc)
        .arg("-I")
        .arg(include)
        .arg("--include_imports")
        .arg(format!("--descriptor_set_out={}", set.display()))
        .args(names())
        .status();
    assert!(status.unwrap().success());
    let imports: String = names().map(|name| format!("import public \"{name}\";\n")).collect();
    std::fs::write(dir.path().join("all.proto"), format!("syntax = \"proto3\";\n{imports}")).unwrap();

    let built_in = Config::new().include(dir.path()).generate(&["all.proto"]).unwrap();
    let reference = Config::new().descriptor_set(&set).generate(&names().collect::<Vec<_>>()).unwrap();
    let (built_in, reference) = (lines(built_in.writers()), lines(reference.writers()));
    let missing: Vec<_> = reference.iter().filter(|line| !built_in.contains(line)).collect();
    let foreign: Vec<_> = built_in.iter().filter(|line| !reference.contains(line)).collect();
    assert!(missing.is_empty() && foreign.is_empty(), "missing: {missing:#?}\nforeign: {foreign:#?}");
    assert!(reference.len() > 200);
}
