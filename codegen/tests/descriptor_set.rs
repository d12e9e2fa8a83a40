//! Descriptor sets from anywhere: an error that says what is wrong, or code that is Rust.

use std::path::Path;
use std::time::{Duration, Instant};

use pftrace_codegen::{Config, Error};
use pftrace_testkit::naive;
use proptest::prelude::*;
use protobuf::Message;
use protobuf::descriptor::{DescriptorProto, FileDescriptorProto, FileDescriptorSet};

fn generate(set: &[u8]) -> Result<String, Error> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), set).unwrap();
    let generated = Config::new().descriptor_set(file.path()).generate(&[] as &[&str]);
    // The name of the file is another one each time.
    let shorten = |message: String| message.replace(&file.path().display().to_string(), "SET");
    match generated {
        Ok(generated) => Ok(generated.code().to_owned()),
        Err(Error::DescriptorSet { message, .. }) => {
            Err(Error::DescriptorSet { path: "SET".into(), message: shorten(message) })
        }
        Err(error) => Err(error),
    }
}

fn set(text: &str) -> Vec<u8> {
    let set: FileDescriptorSet = protobuf::text_format::parse_from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"));
    set.write_to_bytes().unwrap()
}

/// Each text is that of a `FileDescriptorSet`.
fn assert_refused(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        let error = generate(&set(text)).expect_err(text);
        assert!(!matches!(error, Error::Internal { .. }), "{text}: {error}");
        assert_eq!(error.to_string(), *expected, "{text}");
    }
}

/// Each text is the inside of the message `M` in `a.proto`.
fn assert_message_refused(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_refused(&[(&format!("file {{ name: 'a.proto' message_type {{ name: 'M' {text} }} }}"), expected)]);
    }
}

#[test]
fn names() {
    let long = format!("field {{ name: '{}' number: 1 type: TYPE_BOOL }}", "x".repeat(256));
    assert_message_refused(&[
        (
            "field { name: 'x-y' number: 1 type: TYPE_BOOL }",
            "a.proto: M: expected a name of letters, digits and `_`, found \"x-y\"",
        ),
        ("field { number: 1 type: TYPE_BOOL }", "a.proto: M: expected a name of letters, digits and `_`, found \"\""),
        (
            "field { name: '\\303\\251' number: 1 type: TYPE_BOOL }",
            "a.proto: M: expected a name of letters, digits and `_`, found \"é\"",
        ),
        ("nested_type { name: '1' }", "a.proto: M: expected a name of letters, digits and `_`, found \"1\""),
        (
            "enum_type { name: 'E\\n' value { name: 'A' number: 0 } }",
            "a.proto: M: expected a name of letters, digits and `_`, found \"E\\n\"",
        ),
        ("oneof_decl { name: 'a.b' }", "a.proto: M: expected a name of letters, digits and `_`, found \"a.b\""),
        (&long, "a.proto: M: expected names of at most 255 bytes, found a longer one"),
        (
            "field { name: 'x' number: 1 type: TYPE_BOOL } nested_type { name: 'x' }",
            "a.proto: M.x: is already declared",
        ),
        (
            "field { name: 'x' number: 1 type: TYPE_BOOL } field { name: 'X' number: 2 type: TYPE_BOOL }",
            "a.proto: M.X: becomes `M::set_x` in rust, as does a.proto: M.x",
        ),
    ]);
    let deep = format!("file {{ name: 'a.proto' package: 'p{}' }}", ".p".repeat(64));
    assert_refused(&[
        (
            "file { name: 'a.proto' package: 'a..b' }",
            "a.proto: package: expected a name of letters, digits and `_`, found \"\"",
        ),
        (&deep, "a.proto: package: expected at most 64 parts, found more"),
        (
            "file { name: 'a.proto' message_type { name: 'fn main() {}' } }",
            "a.proto: the file: expected a name of letters, digits and `_`, found \"fn main() {}\"",
        ),
        (
            "file { name: 'a.proto' message_type { name: 'M' } } file { name: 'b.proto' enum_type { name: 'M' } }",
            "b.proto: M: is already declared",
        ),
        ("file { name: 'a.proto' } file { name: 'a.proto' }", "SET: expected each file once, found `a.proto` twice"),
        ("file { package: 'a' }", "SET: expected each file to have a name, found one without"),
        ("file { name: 'a.proto' enum_type { name: 'E' } }", "a.proto: E: expected at least one value, found none"),
    ]);
}

#[test]
fn numbers() {
    for (number, expected) in [
        ("0", "expected a field number from 1 to 536870911, found 0"),
        ("-1", "expected a field number from 1 to 536870911, found 0"),
        ("-2147483648", "expected a field number from 1 to 536870911, found 0"),
        ("19000", "field number 19000 is in 19000 to 19999, which protobuf keeps for itself"),
        ("19999", "field number 19999 is in 19000 to 19999, which protobuf keeps for itself"),
        ("536870912", "expected a field number from 1 to 536870911, found 536870912"),
        ("2147483647", "expected a field number from 1 to 536870911, found 2147483647"),
    ] {
        let field = format!("field {{ name: 'x' number: {number} type: TYPE_BOOL }}");
        assert_message_refused(&[(&field, &format!("a.proto: M.x: {expected}"))]);
    }
    assert_message_refused(&[
        (
            "field { name: 'x' number: 1 type: TYPE_BOOL } field { name: 'y' number: 1 type: TYPE_BOOL }",
            "a.proto: M.y: field number 1 is already used by `x`",
        ),
        (
            "field { name: 'x' number: 5 type: TYPE_BOOL } extension_range { start: 5 end: 6 }",
            "a.proto: M.x: field number 5 is in a range for extensions",
        ),
        ("extension_range { start: 0 end: 6 }", "a.proto: M: expected ranges for extensions within 1 to 536870911"),
        ("extension_range { start: 9 end: 9 }", "a.proto: M: expected ranges for extensions within 1 to 536870911"),
        (
            "extension_range { start: 9 end: 536870913 }",
            "a.proto: M: expected ranges for extensions within 1 to 536870911",
        ),
        (
            "extension_range { start: 9 end: 20 } extension_range { start: 4 end: 10 }",
            "a.proto: M: expected ranges for extensions that do not overlap",
        ),
    ]);
}

#[test]
fn types() {
    assert_message_refused(&[
        ("field { name: 'x' number: 1 }", "a.proto: M.x: expected one of the types of descriptor.proto, found none"),
        ("field { name: 'x' number: 1 type: TYPE_MESSAGE }", "a.proto: M.x: type `` is not found in the set"),
        (
            "field { name: 'x' number: 1 type: TYPE_MESSAGE type_name: 'M' }",
            "a.proto: M.x: type `M` is not found in the set",
        ),
        (
            "field { name: 'x' number: 1 type: TYPE_ENUM type_name: '.M' }",
            "a.proto: M.x: type `.M` is not found in the set",
        ),
        (
            "field { name: 'x' number: 1 type: TYPE_GROUP type_name: '.M.x' }",
            "a.proto: M.x: type `.M.x` is not found in the set",
        ),
    ]);
    // A type that descriptor.proto does not have.
    let field = naive::Message::new().bytes(1, "x").varint(3, 1).varint(5, 99);
    let message = naive::Message::new().bytes(1, "M").message(2, field);
    let file = naive::Message::new().bytes(1, "a.proto").message(4, message);
    let error = generate(&naive::Message::new().message(1, file).into_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "a.proto: M.x: expected one of the types of descriptor.proto, found none");
}

#[test]
fn oneofs() {
    assert_message_refused(&[
        (
            "field { name: 'x' number: 1 type: TYPE_BOOL oneof_index: 0 }",
            "a.proto: M.x: expected a oneof of its message",
        ),
        (
            "oneof_decl { name: 'o' } field { name: 'x' number: 1 type: TYPE_BOOL oneof_index: 1 }",
            "a.proto: M.x: expected a oneof of its message",
        ),
        (
            "oneof_decl { name: 'o' } field { name: 'x' number: 1 type: TYPE_BOOL oneof_index: -1 }",
            "a.proto: M.x: expected a oneof of its message",
        ),
        (
            "oneof_decl { name: 'o' } field { name: 'x' number: 1 label: LABEL_REPEATED type: TYPE_BOOL oneof_index: 0 }",
            "a.proto: M.x: expected a field of a oneof to be neither repeated nor required",
        ),
        (
            "oneof_decl { name: 'o' } field { name: 'x' number: 1 label: LABEL_REQUIRED type: TYPE_BOOL oneof_index: 0 }",
            "a.proto: M.x: expected a field of a oneof to be neither repeated nor required",
        ),
        ("oneof_decl { name: 'o' }", "a.proto: M.o: expected at least one field in the oneof, found none"),
        (
            "oneof_decl { name: '_x' } oneof_decl { name: 'o' }
             field { name: 'x' number: 1 type: TYPE_BOOL oneof_index: 0 proto3_optional: true }
             field { name: 'y' number: 2 type: TYPE_BOOL oneof_index: 1 }",
            "a.proto: M.o: expected a oneof of one `optional` field, behind those that are declared",
        ),
        (
            "oneof_decl { name: 'o' } field { name: 'x' number: 1 type: TYPE_BOOL oneof_index: 0 proto3_optional: true }
             field { name: 'y' number: 2 type: TYPE_BOOL oneof_index: 0 }",
            "a.proto: M.o: expected a oneof of one `optional` field, behind those that are declared",
        ),
    ]);
}

#[test]
fn maps() {
    const VALUE: &str = "field { name: 'value' number: 2 type: TYPE_BOOL }";
    const KEY: &str = "field { name: 'key' number: 1 type: TYPE_INT32 }";
    const ENTRY: &str = "a.proto: M.E: expected the entry of a map to be `key = 1` and `value = 2`";
    let field =
        |label: &str| format!("field {{ name: 'x' number: 1 label: {label} type: TYPE_MESSAGE type_name: '.M.E' }}");
    let map = |entry: &str| {
        let entry = format!("nested_type {{ name: 'E' {entry} options {{ map_entry: true }} }}");
        format!("{} {entry}", field("LABEL_REPEATED"))
    };
    let itself = "field { name: 'value' number: 2 type: TYPE_MESSAGE type_name: '.M.E' }";
    let repeated_itself = itself.replace("type:", "label: LABEL_REPEATED type:");
    for (entry, expected) in [
        (String::new(), ENTRY),
        (KEY.to_owned(), ENTRY),
        (format!("{VALUE} {KEY}"), ENTRY),
        (format!("{KEY} {}", VALUE.replace("number: 2", "number: 3")), ENTRY),
        (format!("{KEY} {VALUE} {}", VALUE.replace("value", "more").replace('2', "3")), ENTRY),
        (format!("{KEY} {VALUE} nested_type {{ name: 'N' }}"), ENTRY),
        (
            format!("{} {VALUE}", KEY.replace("INT32", "FLOAT")),
            "a.proto: M.E: expected a map key that is an integer, bool or string",
        ),
        (
            format!("{} {VALUE}", KEY.replace("TYPE_INT32", "TYPE_MESSAGE type_name: '.M'")),
            "a.proto: M.E: expected a map key that is an integer, bool or string",
        ),
        (
            format!("{KEY} {}", VALUE.replace("TYPE_BOOL", "TYPE_GROUP type_name: '.M'")),
            "a.proto: M.E: a map's value cannot be a group",
        ),
        // A map of itself has no end.
        (format!("{KEY} {itself}"), "a.proto: M.E.value: expected a map to be a repeated field, and no extension"),
        (format!("{KEY} {repeated_itself}"), ENTRY),
    ] {
        assert_message_refused(&[(&map(&entry), expected)]);
    }
    let single = map(&format!("{KEY} {VALUE}")).replace("LABEL_REPEATED", "LABEL_OPTIONAL");
    let group = map(&format!("{KEY} {VALUE}")).replace("TYPE_MESSAGE", "TYPE_GROUP");
    assert_message_refused(&[
        (&single, "a.proto: M.x: expected a map to be a repeated field, and no extension"),
        (&group, "a.proto: M.x: a group cannot be a map"),
    ]);
    // And one that is as it should be.
    let good = format!("file {{ name: 'a.proto' message_type {{ name: 'M' {} }} }}", map(&format!("{KEY} {VALUE}")));
    assert!(generate(&set(&good)).unwrap().contains("pub fn add_x(&mut self, key: i32, value: bool)"));
}

#[test]
fn extensions() {
    let extend = |message: &str, extension: &str| {
        format!(
            "file {{ name: 'a.proto' message_type {{ name: 'M' {message} }} enum_type {{ name: 'E' value {{ name: 'A' number: 0 }} }}
             extension {{ name: 'x' extendee: '.M' type: TYPE_BOOL label: LABEL_OPTIONAL {extension} }} }}"
        )
    };
    let range = "extension_range { start: 5 end: 10 }";
    let message_set = "options { message_set_wire_format: true } extension_range { start: 4 end: 2147483647 }";
    let bad_number = |found| format!("a.proto: x: expected a number that `.M` has for extensions, found {found}");
    for (message, extension, expected) in [
        (range, "number: 4", bad_number(4)),
        (range, "number: 10", bad_number(10)),
        (range, "number: -5", bad_number(-5)),
        ("", "number: 5", bad_number(5)),
        (range, "number: 5 extendee: '.N'", "a.proto: x: expected a message to extend, found `.N`".to_owned()),
        (range, "number: 5 extendee: '.E'", "a.proto: x: expected a message to extend, found `.E`".to_owned()),
        (
            range,
            "number: 5 label: LABEL_REQUIRED",
            "a.proto: x: an extension can be neither required nor in a oneof".to_owned(),
        ),
        (
            range,
            "number: 5 oneof_index: 0",
            "a.proto: x: an extension can be neither required nor in a oneof".to_owned(),
        ),
        (
            "extension_range { start: 18000 end: 20000 }",
            "number: 19500",
            "a.proto: x: field number 19500 is in 19000 to 19999, which protobuf keeps for itself".to_owned(),
        ),
        (message_set, "number: 5", "a.proto: x: an extension of a message set is an optional message".to_owned()),
        (
            "options { message_set_wire_format: true }",
            "number: 5",
            "a.proto: M: expected a message set to have extensions and no fields".to_owned(),
        ),
    ] {
        // Of a field that is given twice the last one counts.
        assert_refused(&[(&extend(message, extension), &expected)]);
    }
    let twice = extend(range, "number: 5").replacen(
        "extension {",
        "extension { name: 'y' extendee: '.M' type: TYPE_BOOL number: 5 } extension {",
        1,
    );
    assert_refused(&[(&twice, "a.proto: x: number 5 is already used by another extension")]);
    let item = extend(message_set, "number: 2147483646 type: TYPE_MESSAGE type_name: '.M'");
    assert!(generate(&set(&item)).unwrap().contains("item.uint32::<2>(2147483646)"));
}

#[test]
fn files() {
    assert_refused(&[
        (
            "file { name: 'a.proto' dependency: 'b.proto' } file { name: 'b.proto' dependency: 'c.proto' }
             file { name: 'c.proto' dependency: 'b.proto' }",
            "SET: files import each other: b.proto -> c.proto -> b.proto",
        ),
        ("file { name: 'a.proto' dependency: 'a.proto' }", "SET: files import each other: a.proto -> a.proto"),
        (
            "file { name: 'a.proto' syntax: 'proto4' }",
            "a.proto: syntax: expected proto2, proto3 or editions, found \"proto4\"",
        ),
        (
            "file { name: 'a.proto' syntax: 'editions' }",
            "a.proto: edition: expected the edition 2023 (1000) or 2024 (1001), found the one of number 0",
        ),
    ]);
    for edition in [1, 997, 1002, 9999, 99_999, 0x7fff_ffff, u64::MAX] {
        let file = naive::Message::new().bytes(1, "a.proto").bytes(12, "editions").varint(14, edition);
        let error = generate(&naive::Message::new().message(1, file).into_bytes()).unwrap_err().to_string();
        let expected = "a.proto: edition: expected the edition 2023 (1000) or 2024 (1001), found the one of number";
        assert_eq!(error, format!("{expected} {edition}"));
    }
    // Indices of public imports that lead nowhere are nobody's.
    let public = "file { name: 'a.proto' public_dependency: 7 public_dependency: -1 message_type { name: 'M' } }";
    assert!(generate(&set(public)).unwrap().contains("pub struct M<'w>"));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), set(public)).unwrap();
    let other = Config::new().descriptor_set(file.path()).generate(&["b.proto"]).unwrap_err().to_string();
    assert!(other.ends_with(": expected the file `b.proto` in it, found none of that name"), "{other}");
    let none = Config::new().descriptor_set("none.binpb").generate(&["b.proto"]).unwrap_err();
    assert_eq!(none.to_string(), "none.binpb: cannot be read: No such file or directory (os error 2)");
    let directory = Config::new().descriptor_set("src").generate(&["b.proto"]).unwrap_err();
    assert_eq!(directory.to_string(), "src: cannot be read: it is a directory");
}

/// What the features of descriptor.proto say in places where protoc lets nobody say it.
#[test]
fn features_go_from_the_message_inwards() {
    let features = |number, value| naive::Message::new().varint(number, value);
    let field = |name: &str, label: u64, ty: u64| {
        let field = naive::Message::new().bytes(1, name).varint(3, u64::from(name.as_bytes()[0] - b'`'));
        let field = field.varint(4, label).varint(5, ty);
        if ty == 11 { field.bytes(6, ".M") } else { field }
    };
    // message_encoding = DELIMITED and repeated_field_encoding = EXPANDED.
    let options = naive::Message::new().message(12, features(5, 2).varint(3, 2));
    let nested = naive::Message::new().bytes(1, "N").message(2, field("a", 1, 11)).message(2, field("b", 3, 5));
    let message = naive::Message::new().bytes(1, "M").message(2, field("a", 1, 11)).message(2, field("b", 3, 5));
    let message = message.message(3, nested).message(7, options);
    let other = naive::Message::new().bytes(1, "O").message(2, field("a", 1, 11)).message(2, field("b", 3, 5));
    let file = naive::Message::new().bytes(1, "a.proto").message(4, message).message(4, other);
    let file = file.bytes(12, "editions").varint(14, 1000);
    let code = generate(&naive::Message::new().message(1, file).into_bytes()).unwrap();
    assert_eq!(code.matches(".group::<1>").count(), 2, "{code}");
    assert_eq!(code.matches(".int32::<2>").count(), 2, "{code}");
    assert_eq!(code.matches(".message::<1>").count(), 1, "{code}");
    assert_eq!(code.matches(".packed_int32::<2>").count(), 1, "{code}");
}

#[test]
fn what_is_no_descriptor_set() {
    for bytes in [&b"syntax = \"proto3\";"[..], &[0xff; 20], &[0x0a, 0x7f], &[0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]] {
        let error = generate(bytes).unwrap_err().to_string();
        assert!(error.starts_with("SET: expected a serialized FileDescriptorSet: "), "{error}");
    }
    assert_eq!(generate(&[]).unwrap(), "// Generated by pftrace-codegen, do not edit. From:\n");
    let whole = valid();
    let files = FileDescriptorSet::parse_from_bytes(&whole).unwrap().file;
    let mut end = 0;
    let ends = files.iter().map(|file| {
        end += 1 + file.write_length_delimited_to_bytes().unwrap().len();
        end
    });
    let ends: Vec<_> = ends.collect();
    assert_eq!(ends.last(), Some(&whole.len()));
    for len in 1..whole.len() {
        match generate(&whole[..len]) {
            Ok(_) => assert!(ends.contains(&len), "{len} bytes of {}", whole.len()),
            Err(Error::Internal { message }) => panic!("{message}"),
            Err(_) => {}
        }
    }
}

#[test]
fn messages_nested_too_deep() {
    let nest = |depth: usize| {
        let mut message = DescriptorProto { name: Some("M".to_owned()), ..DescriptorProto::default() };
        for _ in 1..depth {
            let outer = DescriptorProto { name: Some("M".to_owned()), ..DescriptorProto::default() };
            let inner = std::mem::replace(&mut message, outer);
            message.nested_type.push(inner);
        }
        let file = FileDescriptorProto {
            name: Some("a.proto".to_owned()),
            message_type: vec![message],
            ..FileDescriptorProto::default()
        };
        FileDescriptorSet { file: vec![file], ..FileDescriptorSet::default() }.write_to_bytes().unwrap()
    };
    assert!(generate(&nest(60)).is_ok());
    let error = generate(&nest(70)).unwrap_err().to_string();
    assert!(error.ends_with("expected at most 64 nested messages, found more"), "{error}");
    let error = generate(&nest(1_000)).unwrap_err().to_string();
    assert!(error.starts_with("SET: expected a serialized FileDescriptorSet: "), "{error}");
}

fn within(limit: Duration, what: &str, f: impl FnOnce()) {
    let start = Instant::now();
    f();
    assert!(start.elapsed() < limit, "{what} took {:?}", start.elapsed());
}

/// What would take years, were the time quadratic or worse.
#[test]
fn much_of_everything_takes_no_long() {
    const LIMIT: Duration = Duration::from_secs(60);
    let file = |name: String, text: &str| format!("file {{ name: '{name}' {text} }}");
    let chain: String =
        (0..50_000).map(|i| file(format!("{i}"), &format!("dependency: '{}' public_dependency: 0", i + 1))).collect();
    within(LIMIT, "a chain of imports", || drop(generate(&set(&chain)).unwrap()));
    let circle = file("50000".to_owned(), "dependency: '0'") + &chain;
    within(LIMIT, "a circle of imports", || drop(generate(&set(&circle)).unwrap_err()));
    let imports: String = (0..50_000).map(|i| format!("dependency: '{i}' public_dependency: {i}")).collect();
    let star = file("star".to_owned(), &imports) + &(0..50_000).map(|i| file(i.to_string(), "")).collect::<String>();
    within(LIMIT, "a star of imports", || drop(generate(&set(&star)).unwrap()));
    // Each of ten messages has a hundred fields of the next one: how long is the first?
    let tree: String = (0..10)
        .map(|i| {
            let field = |n| format!("field {{ name: 'f{n}' number: {n} type: TYPE_MESSAGE type_name: '.M{}' }}", i + 1);
            format!("message_type {{ name: 'M{i}' {} }}", (1..=100).map(field).collect::<String>())
        })
        .collect();
    let tree = file("tree".to_owned(), &(tree + "message_type { name: 'M10' }"));
    within(LIMIT, "a tree of messages", || {
        let code = generate(&set(&tree)).unwrap();
        assert_eq!(code.matches("pub const MAX_LEN").count(), 5, "{code}");
    });
}

/// A set with all there is in it.
fn valid() -> Vec<u8> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut compiler = protox::Compiler::new([&fixtures]).unwrap();
    compiler.include_imports(true).include_source_info(true).open_files(["other/types.proto", "plain.proto"]).unwrap();
    let mut set = compiler.encode_file_descriptor_set();
    // And an edition.
    let options = naive::Message::new().message(21, naive::Message::new().varint(1, 3).varint(5, 2));
    let field = naive::Message::new().bytes(1, "f").varint(3, 1).varint(4, 1).varint(5, 11).bytes(6, ".e.E");
    let message = naive::Message::new().bytes(1, "E").message(2, field.message(8, options));
    let file = naive::Message::new().bytes(1, "e.proto").bytes(2, "e").message(4, message);
    let file = file.bytes(12, "editions").varint(14, 1001);
    set.extend(naive::Message::new().message(1, file).into_bytes());
    set
}

fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let edit = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..6_u8, any::<u8>());
    let valid = valid();
    prop::collection::vec(edit, 1..4).prop_map(move |edits| {
        let mut bytes = valid.clone();
        for (a, b, kind, byte) in edits {
            let (a, b) = (a.index(bytes.len()), b.index(bytes.len()));
            match kind {
                0 => bytes[a] = byte,
                1 => bytes[a] ^= 1 << (byte % 8),
                2 => bytes[a] = bytes[a].wrapping_add(1),
                // Of the same length, so that what is around it stays whole.
                3 => bytes[a] = bytes[b],
                4 => {
                    let len = 8.min(bytes.len() - a.max(b));
                    bytes.copy_within(a..a + len, b);
                }
                _ => drop(bytes.remove(a)),
            }
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_sets(bytes in mutated()) {
        match generate(&bytes) {
            Ok(code) => drop(syn::parse_file(&code).unwrap_or_else(|error| panic!("{error}\n{code}"))),
            Err(Error::Internal { message }) => panic!("{message}"),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }
}
