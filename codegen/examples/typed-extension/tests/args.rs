//! The trace processor shows the fields by the schema that the trace holds.

use std::fs;
use std::path::Path;

use pftrace_testkit::{Arg, TraceProcessor};
use typed_extension::Query::{self, Get, Put, Scan};
use typed_extension::{Answer, trace};

const QUERIES: [Query<'static>; 6] =
    [Put("b", "two"), Put("a", "one"), Put("c", "three"), Get("a"), Get("none"), Scan("a", "b")];

#[test]
fn fields_of_ones_own_are_arguments() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("typed-extension-{}.pftrace", std::process::id()));
    let (answers, report) = trace(&path, &QUERIES).unwrap();
    let bytes = fs::read(&path).unwrap();
    fs::remove_file(path).unwrap();
    let found = |rows, bytes| Answer { rows, bytes };
    assert_eq!(answers, [found(0, 0), found(0, 0), found(0, 0), found(1, 3), found(0, 0), found(2, 6)]);
    assert_eq!((report.events, report.lost()), (2 * QUERIES.len() as u64, 0));

    // The decoders do not know the fields.
    let Some(mut processor) = TraceProcessor::shared() else { return };
    let loaded = processor.load(&bytes).unwrap();
    assert_eq!((loaded.cut(), loaded.complaints()), ("", &[][..]));
    let mut slices: Vec<_> = loaded.slices.iter().collect();
    slices.sort_by_key(|slice| slice.ts);
    assert_eq!(slices.len(), QUERIES.len());
    for ((slice, query), answer) in slices.into_iter().zip(QUERIES).zip(answers) {
        let (name, kind, keys) = match query {
            Get(key) => ("get", "KIND_GET", vec![key]),
            Put(key, _) => ("put", "KIND_PUT", vec![key]),
            Scan(first, last) => ("scan", "KIND_SCAN", vec![first, last]),
        };
        assert_eq!((slice.name.as_deref(), slice.category.as_deref()), (Some(name), Some("store")));
        let ours = slice.args.iter().filter(|(key, _)| key.starts_with("query.") || key.starts_with("cost."));
        let mut expected = vec![("query.kind".to_owned(), Arg::Text(kind.into()))];
        expected.extend((0..).zip(keys).map(|(i, key): (u32, _)| (format!("query.keys[{i}]"), Arg::Text(key.into()))));
        expected.push(("cost.rows".into(), Arg::Uint(answer.rows.into())));
        expected.push(("cost.bytes".into(), Arg::Uint(answer.bytes)));
        expected.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(ours.map(|(key, value)| (key.clone(), value.clone())).collect::<Vec<_>>(), expected);
    }
}

/// Each piece of the guide's section is a part of this program, which is compiled.
#[test]
fn the_guide_shows_this_program() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guide = fs::read_to_string(root.join("../../../docs/recording.md")).unwrap();
    let section = guide.split("\n## ").find(|section| section.starts_with("Fields of your own\n")).unwrap();
    // Pieces of functions stand further left in the guide.
    let squeezed = |text: &str| text.lines().map(str::trim).collect::<Vec<_>>().join("\n");
    let files = ["proto/store.proto", "build.rs", "src/lib.rs"];
    let files = files.map(|file| squeezed(&fs::read_to_string(root.join(file)).unwrap()));
    let pieces: Vec<_> = section.split("\n```").skip(1).step_by(2).collect();
    assert_eq!(pieces.len(), 7);
    for piece in pieces {
        let code = piece.split_once('\n').unwrap().1;
        assert!(files.iter().any(|file| file.contains(&squeezed(code))), "{code}");
    }
}
