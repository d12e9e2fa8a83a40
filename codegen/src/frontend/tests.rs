//! Both ways to descriptors lead to the same.

use std::path::{Path, PathBuf};

use super::*;
use crate::load::Unit;
use crate::lower::lower;

const SILENT: Watch<'static> = Watch(None);

/// What is generated from, made by `protobuf-parse` and from our own declarations.
fn both_ways(inputs: &[PathBuf], include: &Path) -> [String; 2] {
    let includes = [include.to_owned()];
    let sources = load::load(inputs, &includes, SILENT).unwrap();
    let checked = check::check(&sources, SILENT).unwrap();
    let places = Places::new(&sources.units);
    let parsed = protobuf_parse(&sources, &includes).expect("protobuf-parse reads it");
    let own: Vec<_> = sources.units.iter().map(|unit| describe::file(unit, &checked.resolved)).collect();
    // Of what is built in it has older copies.
    let choose = |((unit, parsed), own): ((&Unit, FileDescriptorProto), &FileDescriptorProto)| {
        if unit.path.is_some() { parsed } else { own.clone() }
    };
    let parsed = sources.units.iter().zip(parsed).zip(&own).map(choose).collect();
    let mut described = Described { places, ..Described::default() };
    [parsed, own].map(|descriptors| {
        described.files =
            descriptors.into_iter().map(|descriptor| File { descriptor, input: true, wanted: true }).collect();
        format!("{:#?}", lower(&described, SILENT).unwrap())
    })
}

/// What is used, of each input that has a field, is what `protobuf-parse` made.
fn assert_used(inputs: &[PathBuf], include: &Path) {
    let described = read(inputs, &[include.to_owned()], SILENT).unwrap();
    for file in described.files.iter().filter(|file| file.input) {
        let fields = file.descriptor.message_type.iter().flat_map(|message| &message.field);
        // Ours come without the names of fields in JSON.
        assert!(fields.clone().all(|field| field.has_json_name()), "{}", file.descriptor.name());
    }
    assert!(described.files.iter().any(|file| file.descriptor.message_type.iter().any(|m| !m.field.is_empty())));
}

fn assert_same(inputs: &[PathBuf], include: &Path) {
    let [parsed, own] = both_ways(inputs, include);
    let lines = || parsed.lines().zip(own.lines()).enumerate();
    if let Some((line, (a, b))) = lines().find(|(_, (a, b))| a != b) {
        let context: Vec<_> = parsed.lines().skip(line.saturating_sub(40)).take(41).collect();
        panic!("protobuf-parse: {a}\nown: {b}\nin\n{}", context.join("\n"));
    }
    assert_eq!(parsed.len(), own.len());
    assert!(parsed.contains("Field {"));
}

#[test]
fn the_official_tree() {
    let tree = crate::testing::official_tree();
    assert_same(&crate::testing::official_inputs(&tree), &tree);
    assert_used(&crate::testing::official_inputs(&tree), &tree);
}

#[test]
fn the_language() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    assert_same(&[dir.join("plain.proto")], &dir);
    assert_used(&[dir.join("plain.proto")], &dir);
}

/// An octal number is another one for `protobuf-parse`: it is not to decide on the wire.
#[test]
fn where_the_readings_differ_our_own_is_taken() {
    let dir = std::env::temp_dir().join(format!("pftrace-codegen-octal-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("a.proto"), "message M { optional int32 x = 010; }").unwrap();
    let described = read(&[dir.join("a.proto")], std::slice::from_ref(&dir), SILENT);
    std::fs::remove_dir_all(&dir).unwrap();
    assert_eq!(described.unwrap().files[0].descriptor.message_type[0].field[0].number(), 8);
}

/// `protobuf-parse` does not read options of ranges, nor groups within groups.
#[test]
fn what_protobuf_parse_cannot_read_is_described_all_the_same() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let includes = [dir.clone()];
    let sources = load::load(&[dir.join("legacy.proto")], &includes, SILENT).unwrap();
    assert!(protobuf_parse(&sources, &includes).is_none());
    let described = read(&[dir.join("legacy.proto")], &includes, SILENT).unwrap();
    assert_eq!(described.files.last().unwrap().descriptor.message_type[0].name(), "Old");
}
