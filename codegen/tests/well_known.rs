//! The files of google/protobuf that are built in are those of the reference compiler.

use std::fs;
use std::path::Path;
use std::process::Command;

use pftrace_codegen::{Config, Writer};
use pftrace_testkit::tools::require;
use prost_reflect::prost::Message as _;
use prost_reflect::prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet,
};

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

fn compile(protoc: &Path, include: &Path, set: &Path) {
    let status = Command::new(protoc)
        .arg("-I")
        .arg(include)
        .arg("--include_imports")
        .arg(format!("--descriptor_set_out={}", set.display()))
        .args(names())
        .status();
    assert!(status.unwrap().success());
}

#[test]
fn what_is_built_in_is_what_the_reference_compiler_has() {
    let Some(protoc) = require("protoc/protoc") else { return };
    let dir = tempfile::tempdir().unwrap();
    let set = dir.path().join("set.binpb");
    compile(&protoc, &protoc.parent().unwrap().join("include"), &set);
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

/// Whatever the generator makes of them: enums and their values, reserved names, defaults too.
#[test]
fn the_reference_compiler_reads_in_ours_what_it_reads_in_its_own() {
    let Some(protoc) = require("protoc/protoc") else { return };
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("google/protobuf");
    fs::create_dir_all(&folder).unwrap();
    for file in FILES {
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/builtin/{file}.proto"));
        fs::copy(ours, folder.join(format!("{file}.proto"))).unwrap();
    }
    let set = dir.path().join("set.binpb");
    let mut files = [dir.path(), &protoc.parent().unwrap().join("include")].map(|include| {
        compile(&protoc, include, &set);
        let mut files = FileDescriptorSet::decode(&fs::read(&set).unwrap()[..]).unwrap().file;
        files.iter_mut().for_each(strip_file);
        files.sort_by(|a, b| a.name.cmp(&b.name));
        files.into_iter()
    });
    let [ours, theirs] = &mut files;
    assert_eq!(theirs.len(), FILES.len());
    for theirs in theirs {
        assert_eq!(ours.next().as_ref(), Some(&theirs));
    }
}

/// Without options: ours have those alone that decide what is on the wire, which the test above compares.
fn strip_file(file: &mut FileDescriptorProto) {
    file.options = None;
    file.message_type.iter_mut().for_each(strip_message);
    file.enum_type.iter_mut().for_each(strip_enum);
}

fn strip_message(message: &mut DescriptorProto) {
    message.options = message.options.take().filter(|options| options.map_entry.is_some());
    message.field.iter_mut().for_each(strip_field);
    message.oneof_decl.iter_mut().for_each(|oneof| oneof.options = None);
    message.extension_range.iter_mut().for_each(|range| range.options = None);
    message.nested_type.iter_mut().for_each(strip_message);
    message.enum_type.iter_mut().for_each(strip_enum);
}

fn strip_field(field: &mut FieldDescriptorProto) {
    field.options = None;
}

fn strip_enum(kind: &mut EnumDescriptorProto) {
    kind.options = None;
    kind.value.iter_mut().for_each(|value| value.options = None);
}
