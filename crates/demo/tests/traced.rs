//! The program on a small tree: the trace says what it did.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};
use std::{fs, iter};

use pftrace_testkit::{Arg, Loaded, Slice, check};

/// Files by name: how many functions, types and the like each has, and a block more than 64 KiB in one.
fn tree(folder: &Path) -> BTreeMap<&'static str, String> {
    let functions = |count: usize| -> String {
        (0..count).map(|number| format!("impl S{number} {{\n    fn f{number}() {{ unsafe {{}} }}\n}}\n")).collect()
    };
    let files = BTreeMap::from([
        ("sources/empty.rs", String::new()),
        ("sources/a/many.rs", functions(100)),
        ("sources/a/same.rs", functions(100)),
        ("sources/a/b/long.rs", iter::repeat_n("// a comment\n", 10_000).chain(["fn end() {}\n"]).collect()),
        ("sources/a/b/no rust.rs", "} fn cut { \"".into()),
        ("sources/a/b/other.txt", "fn none() {}".into()),
    ]);
    for (name, content) in &files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    fs::write(folder.join("sources/a/latin1.rs"), b"fn f() { \"\xe9\" }").unwrap();
    files
}

fn demo(folder: &Path, arguments: &[&str]) -> Output {
    let out = folder.join("out/demo.pftrace");
    let program = env!("CARGO_BIN_EXE_pftrace-demo");
    let mut command = Command::new(program);
    command.args(arguments).arg("--tree").arg(folder.join("sources")).arg("--out").arg(out).output().unwrap()
}

fn in_category<'l>(loaded: &'l Loaded, category: &str) -> impl Iterator<Item = &'l Slice> {
    loaded.slices.iter().filter(move |slice| slice.category.as_deref() == Some(category))
}

#[test]
fn each_file_has_its_slices_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let files = tree(folder.path());
    let output = demo(folder.path(), &["--workers", "3"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.starts_with("6 Rust sources in 1 trees, looked at by 3 workers"), "{text}");
    assert!(text.contains(" 0 lost\n"), "{text}");
    assert!(text.contains("in 1 files that are the same"), "{text}");

    let trace = fs::read(folder.path().join("out/demo.pftrace")).unwrap();
    let Some(loaded) = check(&trace) else { return };
    let mut names: Vec<_> = in_category(&loaded, "file")
        .filter(|slice| slice.depth == 0 && slice.name.as_deref() != Some("report"))
        .collect();
    names.sort_by_key(|slice| slice.name.clone());
    let mut expected: Vec<_> = files.keys().copied().filter(|name| name.ends_with(".rs")).collect();
    expected.push("sources/a/latin1.rs");
    expected.sort_unstable();
    assert_eq!(names.iter().map(|slice| slice.name.as_deref().unwrap()).collect::<Vec<_>>(), expected);

    // What lies in each of them, at any depth.
    for file in &names {
        let name = file.name.as_deref().unwrap();
        let content = files.get(name);
        assert!(loaded.track_name(file).unwrap().starts_with("worker "), "{file:?}");
        if let Some(content) = content {
            assert_eq!(file.args["debug.bytes"], Arg::Uint(content.len() as u64), "{name}");
        }
        let inside = |slice: &&Slice| {
            slice.track == file.track && slice.ts >= file.ts && slice.ts + slice.dur <= file.ts + file.dur
        };
        let steps: Vec<_> = in_category(&loaded, "file").filter(inside).filter(|slice| slice.depth == 1).collect();
        let steps: Vec<_> = steps.iter().map(|slice| slice.name.as_deref().unwrap()).collect();
        assert_eq!(steps, ["read", "hash", "outline", "compress"], "{name}");
        let items = in_category(&loaded, "outline").filter(inside).count();
        let expected = match name {
            // An `impl`, a function and an unsafe block each.
            "sources/a/many.rs" | "sources/a/same.rs" => 300,
            "sources/a/b/long.rs" => 1,
            // It has no end, but its slice has.
            "sources/a/b/no rust.rs" => 1,
            _ => 0,
        };
        assert_eq!(items, expected, "{name}");
        let blocks = in_category(&loaded, "compress").filter(inside).count();
        assert_eq!(blocks, content.map_or(1, |content| content.len().div_ceil(64 << 10)), "{name}");
    }
    let f7: Vec<_> = loaded.slices_named("f7");
    assert_eq!(f7.len(), 2);
    for f7 in f7 {
        assert_eq!((&f7.args["debug.kind"], &f7.args["debug.line"]), (&Arg::Text("fn".into()), &Arg::Uint(23)));
    }
    assert_eq!(loaded.slices_named("impl S7").len(), 2);
    assert_eq!(loaded.slices_named("report").len(), names.len());
    assert_eq!(loaded.slices_named("duplicate").len(), 1);
    assert!(loaded.slices.iter().all(|slice| slice.dur >= 0), "a slice has no end");
}

#[test]
fn threads_and_counters_have_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let files = tree(folder.path());
    assert!(demo(folder.path(), &["--workers", "2"]).status.success());
    let trace = fs::read(folder.path().join("out/demo.pftrace")).unwrap();
    let Some(loaded) = check(&trace) else { return };

    let mut threads: Vec<_> = loaded.threads.values().filter_map(|thread| thread.name.as_deref()).collect();
    threads.sort_unstable();
    assert_eq!(threads, ["collector", "pftrace-demo", "worker 1", "worker 2"]);
    let queue: Vec<_> = loaded.counter_values("files in the queue").into_iter().map(|(_, value)| value).collect();
    // Each file goes in and out, one at a time.
    assert_eq!((queue.len(), queue.first(), queue.last()), (12, Some(&1.0), Some(&0.0)));
    assert!(queue.windows(2).all(|pair| (pair[1] - pair[0]).abs() == 1.0), "{queue:?}");
    let read = loaded.counter_values("bytes read");
    let bytes: usize = files.iter().filter(|(name, _)| name.ends_with(".rs")).map(|(_, content)| content.len()).sum();
    assert_eq!(read.last().unwrap().1, (bytes + b"fn f() { \"\xe9\" }".len()) as f64);
}

#[test]
fn what_is_not_as_expected_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let says = |arguments: &[&str], expected: &str| {
        let output = demo(folder.path(), arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && error.contains(expected), "{error}");
    };
    says(&[], "sources: ");
    tree(folder.path());
    says(&["--at-least", "100000"], "expected at least 100000 events, found ");
    says(&["--workers", "0"], "\"0\"");
    says(&["--sink"], "--sink");
}
