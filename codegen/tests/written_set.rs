//! The descriptor sets that are written say what those of another compiler say.

use std::fs;
use std::path::Path;

use pftrace_codegen::Config;
use prost_reflect::prost::Message;
use prost_reflect::prost_types::field_descriptor_proto::Type;
use prost_reflect::prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet,
};

/// All that a reader of messages has to know, a line for each.
fn lines(file: &FileDescriptorProto) -> Vec<String> {
    let (name, package) = (file.name(), file.package());
    let is_proto3 = file.syntax() == "proto3";
    let mut lines = vec![format!("{name} {package} {is_proto3} {:?} {:?}", file.dependency, file.public_dependency)];
    file.message_type.iter().for_each(|message| message_lines(package, message, &mut lines));
    file.enum_type.iter().for_each(|enumeration| enum_line(package, enumeration, &mut lines));
    file.extension.iter().for_each(|field| field_line(package, field, &mut lines));
    lines
}

fn message_lines(scope: &str, message: &DescriptorProto, lines: &mut Vec<String>) {
    let name = format!("{scope}.{}", message.name());
    let is_map = message.options.as_ref().is_some_and(|options| options.map_entry());
    let oneofs: Vec<_> = message.oneof_decl.iter().map(|oneof| oneof.name()).collect();
    let ranges: Vec<_> = message.extension_range.iter().map(|range| (range.start(), range.end())).collect();
    lines.push(format!("message {name} {is_map} {oneofs:?} {ranges:?}"));
    message.field.iter().chain(&message.extension).for_each(|field| field_line(&name, field, lines));
    message.enum_type.iter().for_each(|enumeration| enum_line(&name, enumeration, lines));
    // Types that compilers make themselves, of maps and groups, have no place among the others.
    let mut nested: Vec<_> = message.nested_type.iter().collect();
    nested.sort_by_key(|message| message.name());
    nested.into_iter().for_each(|message| message_lines(&name, message, lines));
}

fn field_line(scope: &str, field: &FieldDescriptorProto, lines: &mut Vec<String>) {
    let packed = field.options.as_ref().and_then(|options| options.packed);
    // Numbers are spelled in more than one way.
    let default = field.default_value.as_ref().filter(|_| matches!(field.r#type(), Type::String | Type::Bytes));
    lines.push(format!(
        "{scope} {} = {} {:?} {:?} {} {} {:?} {packed:?} {default:?}",
        field.name(),
        field.number(),
        field.label(),
        field.r#type(),
        field.type_name(),
        field.extendee(),
        field.oneof_index,
    ));
}

fn enum_line(scope: &str, enumeration: &EnumDescriptorProto, lines: &mut Vec<String>) {
    let values: Vec<_> = enumeration.value.iter().map(|value| (value.name(), value.number())).collect();
    lines.push(format!("enum {scope}.{} {values:?}", enumeration.name()));
}

/// Where `protobuf-parse` reads something else.
#[test]
fn it_has_escapes_and_the_whole_range_of_message_sets() {
    const TEXT: &str = r#"
message M { optional string s = 1 [default = "\u00e9\U0001F600\x41"]; optional bytes b = 2 [default = "\377\u00e9"]; }
message Set { option message_set_wire_format = true; extensions 4 to max; }
extend Set { optional M m = 4; }"#;
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.proto"), TEXT).unwrap();
    let out = dir.path().join("set.binpb");
    Config::new().include(dir.path()).generate(&["a.proto"]).unwrap().write_descriptor_set(&out).unwrap();
    let written = FileDescriptorSet::decode(&*fs::read(&out).unwrap()).unwrap();
    let expected = protox::compile(["a.proto"], [dir.path()]).unwrap();
    assert_eq!(lines(&written.file[0]), lines(&expected.file[0]));
}

#[test]
fn it_has_the_inputs_as_another_compiler_describes_them() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("set.binpb");
    for names in
        [&["everything.proto"][..], &["legacy.proto"], &["plain.proto"], &["split/app.proto", "split/base.proto"]]
    {
        let generated = Config::new().include(&fixtures).generate(names).unwrap();
        generated.write_descriptor_set(&out).unwrap();
        let written = FileDescriptorSet::decode(&*fs::read(&out).unwrap()).unwrap();
        // It has the inputs alone too.
        let expected = protox::compile(names, [&fixtures]).unwrap();
        let expected = expected.file.into_iter().filter(|file| names.contains(&file.name()));
        let mut expected: Vec<_> = expected.flat_map(|file| lines(&file)).collect();
        let mut found: Vec<_> = written.file.iter().flat_map(lines).collect();
        expected.sort();
        found.sort();
        let differ: Vec<_> = found.iter().zip(&expected).filter(|(found, expected)| found != expected).collect();
        assert!(differ.is_empty() && found.len() == expected.len(), "{names:?}: {differ:#?}");
        assert!(written.file.iter().all(|file| file.source_code_info.is_none()), "comments");
        assert!(found.len() > 10 * names.len(), "{found:?}");
        // It is left alone when it is the same.
        let modified = || fs::metadata(&out).unwrap().modified().unwrap();
        let before = modified();
        generated.write_descriptor_set(&out).unwrap();
        assert_eq!(modified(), before);
    }
    let generated = Config::new().include(&fixtures).generate(&["plain.proto"]).unwrap();
    let error = generated.write_descriptor_set(dir.path().join("none/set.binpb")).unwrap_err().to_string();
    assert!(error.contains("set.binpb"), "{error}");
}
