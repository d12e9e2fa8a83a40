//! Tests of large files: the time is linear in their size, but for the formatting, which is not ours and is linear.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::emit::{self, Names};
use crate::externs::Externs;
use crate::observer::Watch;
use crate::{api, frontend, lower, want};

/// All that [`Config::generate`](crate::Config::generate) does, but for the formatting.
fn time(dir: &Path, text: &str) -> Duration {
    let watch = Watch(None);
    let input = dir.join("large.proto");
    std::fs::write(&input, text).unwrap();
    let start = Instant::now();
    let described = frontend::read(&[input], &[PathBuf::from(dir)], watch).unwrap();
    let mut schema = lower::lower(&described, watch).unwrap();
    let externs = Externs::default();
    want::choose(&mut schema, &[], &externs).unwrap();
    let names = Names::new(&schema, &externs).unwrap();
    emit::unformatted(&schema, &names).unwrap();
    api::writers(&schema, &names);
    start.elapsed()
}

/// A file with `n` of what is called `name`.
fn file(name: &str, n: usize) -> String {
    let mut text = "syntax = \"proto2\";\n".to_owned();
    let mut lines = |before: &str, line: &dyn Fn(usize, usize) -> String, after: &str| {
        text.push_str(before);
        for i in 0..n {
            // From 20000 on there is nothing that protobuf keeps for itself.
            writeln!(text, "{}", line(i, 20_000 + i)).unwrap();
        }
        text.push_str(after);
    };
    match name {
        "fields" => lines("message M {", &|i, number| format!("optional M f{i} = {number};"), "}"),
        "oneofs" => lines("message M {", &|i, number| format!("oneof o{i} {{ bool f{i} = {number}; }}"), "}"),
        "values" => lines("enum E {", &|i, number| format!("V{i} = {number};"), "}"),
        "messages" => lines("", &|i, _| format!("message M{i} {{ optional M{} f = 1; }}", i / 2), ""),
        "scopes of extensions" => lines(
            "message M { extensions 20000 to max; }",
            &|i, number| format!("message M{i} {{ extend M {{ optional bool f{i} = {number}; }} }}"),
            "",
        ),
        "ranges of extensions" => {
            lines("message M {", &|_, number| format!("extensions {number};"), "}");
            lines("extend M {", &|i, number| format!("optional bool f{i} = {number};"), "}");
        }
        "extensions that need each other" => {
            lines("", &|i, _| format!("message M{i} {{ extensions 1; }}"), "");
            lines("", &|i, _| format!("extend M{0} {{ optional M{1} f{0} = 1; }}", n - 1 - i, n - i), "message M");
            write!(text, "{n} {{}}").unwrap();
        }
        "fields of a oneof with a long comment" => {
            let comment = format!("message M {{ /* {} */ oneof o {{", "word ".repeat(n));
            lines(&comment, &|i, number| format!("bool f{i} = {number};"), "}}");
        }
        _ => panic!("{name}"),
    }
    text
}

#[test]
fn four_times_as_much_takes_four_times_as_long() {
    // Beyond what is given to `protobuf-parse`, whose time is bounded by that.
    const SMALL: usize = 10_000;
    let dir = std::env::temp_dir().join(format!("pftrace-codegen-large-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    for name in [
        "fields",
        "oneofs",
        "values",
        "messages",
        "scopes of extensions",
        "ranges of extensions",
        "extensions that need each other",
        "fields of a oneof with a long comment",
    ] {
        // Were it quadratic, it would be up to sixteen times. A machine that does something else gets another try.
        let linear = (0..4).any(|_| {
            let [small, large] = [SMALL, 4 * SMALL].map(|n| time(&dir, &file(name, n)));
            eprintln!("{name}: {small:.1?}, {large:.1?}");
            large < 8 * small
        });
        assert!(linear, "{name}");
    }
    std::fs::remove_dir_all(&dir).unwrap();
}

/// `protobuf-parse`, if it were given them, would copy for each file all those before.
#[test]
fn a_chain_of_three_thousand_imports() {
    const FILES: usize = 3_000;
    for import in ["import", "import public"] {
        let dir = tempfile::tempdir().unwrap();
        let file = |i: usize| format!("{import} \"{i}.proto\"; message M{} {{ optional M{i} f = 1; }}", i + 1);
        std::fs::write(dir.path().join("0.proto"), "message M0 {}").unwrap();
        for i in 1..FILES {
            std::fs::write(dir.path().join(format!("{i}.proto")), file(i - 1)).unwrap();
        }
        let took = time(dir.path(), &file(FILES - 1));
        eprintln!("{import}: {took:.1?}");
        assert!(took < Duration::from_secs(10), "{import}: {took:?}");
    }
}
