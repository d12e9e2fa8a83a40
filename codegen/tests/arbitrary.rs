//! Any text at all: an error, or code that is Rust.

use std::path::Path;

use pftrace_codegen::{Config, Error};
use proptest::prelude::*;

/// Generates from one text, in a file of this thread's own.
fn generate(text: &[u8]) -> Result<String, Error> {
    thread_local! {
        static DIR: tempfile::TempDir = tempfile::tempdir().unwrap();
    }
    let dir = DIR.with(|dir| dir.path().to_owned());
    let input = dir.join("a.proto");
    std::fs::write(&input, text).unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let config = Config::new().include(&dir).include(fixtures);
    let generated = config.generate(&[&input]);
    std::fs::remove_file(input).unwrap();
    generated.map(|generated| generated.code().to_owned())
}

fn assert_error_or_rust(text: &[u8]) {
    match generate(text) {
        Ok(code) => drop(syn::parse_file(&code).unwrap_or_else(|error| panic!("{error}\n{code}"))),
        Err(Error::Internal { message }) => panic!("{message}"),
        Err(error) => {
            let text = error.to_string();
            assert!(text.starts_with("a.proto") || text.starts_with("legacy.proto"), "{text}");
            assert!(!text.contains('\n') && !text.ends_with('.'), "{text:?}");
        }
    }
}

const VALID: [&str; 4] = [
    include_str!("fixtures/everything.proto"),
    include_str!("fixtures/legacy.proto"),
    include_str!("fixtures/plain.proto"),
    include_str!("fixtures/other/types.proto"),
];

/// Pieces of .proto files, in any order.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "syntax = \"proto3\";",
        "package a.b;",
        "import \"legacy.proto\";",
        "message",
        "enum",
        "oneof",
        "extend",
        "service",
        "option",
        "reserved",
        "extensions",
        "group",
        "optional group G = 7 {",
        "extensions 5 to 9;",
        "extend M { optional int32 y = 5; }",
        "map<",
        ">",
        "optional",
        "repeated",
        "required",
        "int32",
        "string",
        "M",
        "N",
        "self",
        "Self",
        "_",
        "x",
        "Type",
        "=",
        "1",
        "0",
        "-1",
        "18446744073709551615",
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        ";",
        ",",
        ".",
        "to",
        "max",
        "\"a\"",
        "'b\\''",
        "// c\n",
        "/* d */",
        "\n",
        " ",
        "packed = true",
        "deprecated = true",
        "default = -inf",
        "message M {",
        "int32 x = 1;",
        "A = 0;",
        "enum E { A = 0; }",
    ]);
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.join(" "))
}

/// A valid file with some bytes or lines changed.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let edit = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..5_u8, any::<u8>());
    (prop::sample::select(VALID.to_vec()), prop::collection::vec(edit, 1..4)).prop_map(|(text, edits)| {
        let mut bytes = text.as_bytes().to_vec();
        for (a, b, kind, byte) in edits {
            let (a, b) = (a.index(bytes.len()), b.index(bytes.len()));
            match kind {
                0 => bytes[a] = byte,
                1 => bytes[a] = byte % 128,
                2 => drop(bytes.remove(a)),
                3 => drop(bytes.drain(a..(a + b % 40).min(bytes.len()))),
                _ => {
                    let piece = bytes[b..(b + 30).min(bytes.len())].to_vec();
                    bytes.splice(a..a, piece);
                }
            }
            if bytes.is_empty() {
                bytes.push(b' ');
            }
        }
        bytes
    })
}

/// A valid message around comments that say anything.
fn commented() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        prop::sample::select(vec![
            "`",
            "```",
            "~~~",
            "~~~~~~",
            "    ",
            "\t",
            "[a]",
            "<b>",
            "https://x.y/z",
            "# h",
            "- i",
            "1. ",
            "|",
            "*",
            "_",
            "\\",
            "\n",
            "\n\n",
            "'",
            "\"",
            "&amp;",
            "---",
            "===",
            "> q",
            "/",
            "/*",
            "\r",
            "\u{202e}",
            "\u{0}",
        ])
        .prop_map(str::to_owned),
        "[a-z]{1,8}",
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(word, 0..30).prop_map(|words| {
        // A zero byte ends a comment.
        let text = words.concat().replace('\0', "0");
        let lines: String = text.split('\n').map(|line| format!("  // {line}\n")).collect();
        let block = text.replace("*/", "* /");
        format!(
            "syntax = \"proto3\";\n/*{block}*/\nmessage M {{\n{lines}  int32 x = 1;\n}}\nenum E {{\n{lines}  A = 0;\n}}"
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in ".{0,200}") {
        assert_error_or_rust(text.as_bytes());
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        assert_error_or_rust(&bytes);
    }

    #[test]
    fn any_pieces(text in pieces()) {
        assert_error_or_rust(text.as_bytes());
    }

    #[test]
    fn mutated_files(bytes in mutated()) {
        assert_error_or_rust(&bytes);
    }

    #[test]
    fn any_comment(text in commented()) {
        let code = generate(text.as_bytes()).unwrap();
        syn::parse_file(&code).unwrap();
        // A line of documentation is closed before the code goes on.
        prop_assert!(code.contains("pub fn set_x(&mut self, value: i32)"), "{code}");
        prop_assert!(code.contains("pub const A: Self = Self(0);"), "{code}");
    }
}

#[test]
fn the_deepest_that_is_allowed() {
    // 31 messages in a package of 64 parts: with a stack of 2 MiB, and in a debug build.
    let package = (0..64).map(|i| format!("p{i}")).collect::<Vec<_>>().join(".");
    let open: String = (0..31).map(|i| format!("message M{i} {{ M0 x = 1; ")).collect();
    let text = format!("syntax = \"proto3\"; package {package}; {open} {}", "}".repeat(31));
    let code = std::thread::Builder::new().stack_size(2 << 20).spawn(move || generate(text.as_bytes())).unwrap();
    let code = code.join().unwrap().unwrap();
    assert_eq!(code.matches("pub fn set_x").count(), 31);
}

#[test]
fn a_large_file_takes_no_long() {
    // Names that are long to look up, and many of them.
    let message = |i: usize| {
        format!("message M{i} {{ M{} a = 1; repeated .p.M{i} b = 2; reserved 100 to {}; }}\n", i / 2, 101 + i)
    };
    let text: String = (0..10_000).map(message).collect();
    let start = std::time::Instant::now();
    generate(format!("syntax = \"proto3\"; package p;\n{text}").as_bytes()).unwrap();
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

/// Each is looked for in the one before: in little time, however many.
#[test]
fn an_option_has_so_many_parts() {
    let own = "import \"google/protobuf/descriptor.proto\";\nmessage O { optional O o = 1; optional int32 a = 2; }\n\
               extend google.protobuf.FileOptions { optional O o = 50000; }\n";
    let option = |count| generate(format!("{own}option (o){}.a = 1;", ".o".repeat(count)).as_bytes());
    option(62).unwrap();
    for more in [63, 1_000_000] {
        let error = option(more).unwrap_err().to_string();
        assert_eq!(error, "a.proto:4: the file: expected at most 64 parts, found more");
    }
}
