//! What is refused beyond the numbers and names of tests/refusals.rs, with which words; and that protoc refuses and accepts the same.

use std::path::Path;
use std::process::Command;

use pftrace_codegen::Config;
use pftrace_testkit::tools;

mod declarations;
mod grammar;
mod options;

const PROTO2: &str = "syntax = \"proto2\";\n";
const PROTO3: &str = "syntax = \"proto3\";\n";
const CLOSED: &str = "syntax = \"proto2\";\npackage p;\nenum Closed { A = 0; }\nmessage Old { extensions 1; }\nextend Old { optional int32 first = 1; }";

/// The error, if it is refused.
fn ours(dir: &Path) -> Option<String> {
    Config::new().include(dir).generate(&["a.proto"]).err().map(|error| error.to_string())
}

fn protoc_refuses(protoc: &Path, dir: &Path) -> bool {
    let mut command = Command::new(protoc);
    command.arg("-I").arg(dir).arg("-o").arg(dir.join("set.binpb")).arg("a.proto");
    !command.output().unwrap().status.success()
}

/// Each case is what follows the syntax in `a.proto`, and the error behind `a.proto:`; an empty one, where it is accepted.
fn assert_agree(syntax: &str, cases: &[(&str, &str)]) {
    let cases = cases.iter().map(|(text, expected)| (text.as_bytes(), *expected));
    assert_agree_on_bytes(syntax, &cases.collect::<Vec<_>>());
}

fn assert_agree_on_bytes(syntax: &str, cases: &[(&[u8], &str)]) {
    let protoc = tools::require("protoc/protoc");
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("closed.proto"), CLOSED).unwrap();
    for (bytes, expected) in cases {
        std::fs::write(dir.path().join("a.proto"), [syntax.as_bytes(), bytes].concat()).unwrap();
        let text = String::from_utf8_lossy(bytes);
        let expected = Some(expected).filter(|text| !text.is_empty()).map(|text| format!("a.proto:{text}"));
        assert_eq!(ours(dir.path()), expected, "\n{text}");
        if let Some(protoc) = &protoc {
            assert_eq!(protoc_refuses(protoc, dir.path()), expected.is_some(), "protoc does not agree\n{text}");
        }
    }
}

/// As `assert_agree`, of the default of one field.
fn assert_defaults(cases: &[(&str, &str, bool)]) {
    for (ty, value, legal) in cases {
        let text = format!("enum E {{ A = 0; }}\nmessage M {{ optional {ty} x = 1 [default = {value}]; }}");
        let expected = match *ty {
            "E" => format!("3: M.x: expected a value of `E` as default, found `{value}`"),
            _ => format!("3: M.x: expected a default of type `{ty}`, found `{value}`"),
        };
        assert_agree(PROTO2, &[(&text, if *legal { "" } else { &expected })]);
    }
}

#[test]
fn defaults_of_another_type() {
    assert_defaults(&[
        ("int32", "-0x80000000", true),
        ("int32", "2147483648", false),
        ("int32", "-2147483649", false),
        ("int32", "1.5", false),
        ("int32", "\"1\"", false),
        ("int32", "A", false),
        ("int32", "{ a : 1 }", false),
        ("uint32", "4294967295", true),
        ("uint32", "4294967296", false),
        ("fixed32", "-1", false),
        ("sint64", "-9223372036854775808", true),
        ("sint64", "9223372036854775808", false),
        ("uint64", "18446744073709551615", true),
        ("uint64", "-0", false),
        ("float", "-1.5e+3", true),
        ("float", "-inf", true),
        ("float", "infinity", false),
        ("double", "\"1\"", false),
        ("double", "nan", true),
        ("bool", "true", true),
        ("bool", "1", false),
        ("bool", "\"true\"", false),
        ("string", "\"a\" 'b'", true),
        ("string", "a", false),
        ("bytes", "1", false),
        ("E", "A", true),
        ("E", "B", false),
        ("E", "0", false),
        ("E", "\"A\"", false),
    ]);
    assert_agree(
        PROTO2,
        &[
            ("message M { repeated int32 x = 1 [default = 1]; }", "2: M.x: a repeated field has no default"),
            ("message M { map<int32, int32> x = 1 [default = 1]; }", "2: M.x: a map has no default"),
            ("message M { optional M x = 1 [default = A]; }", "2: M.x: a message has no default"),
            ("message M { optional group G = 1 [default = 1] {} }", "2: M.g: a message has no default"),
            (
                "message M { extensions 1; }\nextend M {\n  optional bool x = 1\n  [default = 1];\n}",
                "5: x: expected a default of type `bool`, found `1`",
            ),
        ],
    );
}

#[test]
fn names_in_json() {
    assert_agree(
        PROTO3,
        &[
            (
                "message M {\n  int32 x_1 = 1;\n  int32 x1 = 2;\n}",
                "4: M.x1: name `x1` in json is already that of `x_1` in line 3",
            ),
            (
                "message M { int32 ab_c = 1; int32 q = 2 [json_name = \"abC\"]; }",
                "2: M.q: name `abC` in json is already that of `ab_c` in line 2",
            ),
            ("message M { int32 ab_c = 1; int32 q = 2 [json_name = \"AbC\"]; }", ""),
            (
                "message M { int32 a = 1 [json_name = \"b\"]; int32 b = 2; }",
                "2: M.b: name `b` in json is already that of `a` in line 2",
            ),
            (
                "message M { int32 x_1 = 1; int32 x1 = 2 [json_name = \"q\"]; }",
                "2: M.x1: name `x1` in json is already that of `x_1` in line 2",
            ),
            ("message M { int32 a = 1 [json_name = \"b\"]; int32 b = 2 [json_name = \"a\"]; }", ""),
            ("message M { option deprecated_legacy_json_field_conflicts = true; int32 x_1 = 1; int32 x1 = 2; }", ""),
            (
                "message M { int32 a = 1 [json_name = \"[a]\"]; }",
                "2: M.a: expected a `json_name` without zero bytes and not in `[` and `]`",
            ),
            (
                "enum E {\n  E_A = 0;\n  A = 1;\n}",
                "4: A: is `E_A` in line 3 but for its case and the enum's name in front",
            ),
            (
                "enum FooBar { FOO_BAR_A = 0; foobar_a = 1; }",
                "2: foobar_a: is `FOO_BAR_A` in line 2 but for its case and the enum's name in front",
            ),
            (
                "enum E { A_1 = 0; AB = 1; A1 = 2; }",
                "2: A1: is `A_1` in line 2 but for its case and the enum's name in front",
            ),
            ("enum E { option allow_alias = true; E_A = 0; A = 0; }", ""),
            ("enum E { E_ = 0; FOO = 1; EFOO_A = 2; }", ""),
        ],
    );
    assert_agree(
        PROTO2,
        &[
            ("message M { optional int32 x_1 = 1; optional int32 x1 = 2; }", ""),
            (
                "message M { optional int32 a = 1 [json_name = \"q\"]; optional int32 b = 2 [json_name = \"q\"]; }",
                "2: M.b: name `q` in json is already that of `a` in line 2",
            ),
            ("message M { optional int32 a = 1 [json_name = \"b\"]; optional int32 b = 2 [json_name = \"b\"]; }", ""),
            (
                "message M { optional int32 a = 1 [json_name = \"b\"]; optional int32 b = 2;\n\
                 optional int32 c = 3 [json_name = \"b\"]; }",
                "3: M.c: name `b` in json is already that of `a` in line 2",
            ),
            (
                "message M { optional int32 b = 1; optional int32 a = 2 [json_name = \"b\"];\n\
                 optional int32 c = 3 [json_name = \"b\"]; }",
                "",
            ),
            (
                "message M { option deprecated_legacy_json_field_conflicts = true; optional int32 a = 1 [json_name = \"[a]\"]; }",
                "",
            ),
            (
                "message M { extensions 1; }\nextend M { optional int32 x = 1 [json_name = \"y\"]; }",
                "3: x: an extension has no `json_name`: its full name is written",
            ),
        ],
    );
}

#[test]
fn enums_and_extensions() {
    const EITHER: &str = "expected `allow_alias` where two values have one number, and there alone";
    assert_agree(
        PROTO3,
        &[
            ("enum E { option allow_alias = true; A = 0; B = 1; }", &format!("2: E: {EITHER}")),
            ("enum E { option allow_alias = false; A = 0; B = 1; }", &format!("2: E: {EITHER}")),
            (
                "import \"closed.proto\";\nmessage M { p.Closed e = 1; }",
                "3: M.e: expected an enum of proto3 in a message of proto3, found `p.Closed`",
            ),
            (
                "import \"closed.proto\";\nmessage M { map<int32, p.Closed> e = 1; }",
                "3: M.e: expected an enum of proto3 in a message of proto3, found `p.Closed`",
            ),
            ("import \"closed.proto\";\nmessage M { p.Old old = 1; }", ""),
            ("message M { extensions 1; }", "2: M: ranges for extensions are not allowed in proto3"),
            ("enum E { A = 0; reserved \"B\";\nreserved \"B\"; }", "3: E: the name `B` is reserved twice"),
        ],
    );
    assert_agree(
        PROTO2,
        &[
            (
                "enum E { B = 1; A = 0; }\nmessage M { map<int32, E> m = 1; }",
                "3: M.m: expected 0 as the first value of an enum in a map, found 1 in `E`",
            ),
            ("message M { reserved \"a\", \"b\", \"a\"; }", "2: M: the name `a` is reserved twice"),
            ("message M { extensions 1; }\nextend M {}", "3: expected a field in `extend`, found none"),
            ("import \"closed.proto\";\nimport \"closed.proto\";", "3: import `closed.proto` is there twice"),
        ],
    );
}

#[test]
fn services() {
    assert_agree(
        PROTO2,
        &[
            ("message M {}\nservice S {\n  rpc A(stream M) returns (.M) { option deprecated = true; }\n}", ""),
            ("message M {}\nservice S {\n  rpc A(M) returns (N);\n}", "4: S.A: type `N` is not found"),
            (
                "enum E { A = 0; }\nservice S { rpc A(E) returns (E); }",
                "3: S.A: expected a message, found the enum `E`",
            ),
            (
                "message M {}\nservice S {\n  rpc A(M) returns (M);\n  rpc A(M) returns (M);\n}",
                "5: S.A: is already declared at a.proto:4",
            ),
            ("message M {}\nservice S { rpc A(M); }", "3: expected `returns`, found `;`"),
            ("service S { message M {} }", "2: expected `rpc`, found `message`"),
            (
                "message M {}\nservice S { rpc A(M) returns (M) { option idempotency_level = OFTEN; } }",
                "3: S.A: expected `idempotency_level` to be one of `IDEMPOTENCY_UNKNOWN`, `NO_SIDE_EFFECTS`, \
                 `IDEMPOTENT`, found `OFTEN`",
            ),
        ],
    );
}

#[test]
fn literals() {
    let field = |ty: &str, value: &str| format!("message M {{ optional {ty} x = 1 [default = {value}]; }}");
    for (ty, value, found) in [
        ("string", r#""\a\v\?\'\0\377\x1\X41\u00e9\U0001F600""#, None),
        ("string", r#""\q""#, Some(r"expected an escape of the language, found `\q`")),
        ("string", r#""\9""#, Some(r"expected an escape of the language, found `\9`")),
        ("string", r#""\xg""#, Some(r"expected an escape of the language, found `\x`")),
        ("string", r#""\u12""#, Some(r"expected an escape of the language, found `\u`")),
        ("string", r#""\U00200000""#, Some(r"expected an escape of the language, found `\U`")),
        ("double", "1.", None),
        ("double", "1.e5", None),
        ("double", "1E-05", None),
        ("double", "1f", Some("expected a number, found `1f`")),
        ("double", "1e", Some("expected a number, found `1e`")),
        ("double", "1.5.2", Some("expected a number, found `1.5.2`")),
        ("double", "09.5", Some("expected a number, found `09.5`")),
        ("int32", "0X1f", None),
        ("int32", "08", Some("expected a number, found `08`")),
        ("int32", "0x", Some("expected a number, found `0x`")),
        ("int32", "1u", Some("expected a number, found `1u`")),
    ] {
        let expected = found.map(|text| format!("2: {text}"));
        assert_agree(PROTO2, &[(&field(ty, value), expected.as_deref().unwrap_or_default())]);
    }
}

#[test]
fn messages_within_messages() {
    let messages = |count| format!("{}{}", "message M {".repeat(count), "}".repeat(count));
    let groups = |count| {
        format!("message M {{ oneof o {{ {}int32 x = 1; }} }}", "group G = 1 { oneof o { ".repeat(count))
            + &"}}".repeat(count)
    };
    let expected = "2: expected at most 31 messages one within the other, found more";
    assert_agree(PROTO2, &[(&messages(31), ""), (&messages(32), expected), (&groups(30), ""), (&groups(31), expected)]);
}

/// protoc makes up a oneof for each `optional` of proto3.
#[test]
fn names_of_made_up_oneofs() {
    assert_agree(
        PROTO3,
        &[
            ("message M {\n  message _x {}\n  optional int32 x = 1;\n}", "3: M._x: is already declared at a.proto:4"),
            (
                "message M {\n  enum E { _x = 0; }\n  optional int32 x = 1;\n}",
                "3: M._x: is already declared at a.proto:4",
            ),
            ("message M { message _x {} optional int32 _x = 1; }", "2: M._x: is already declared at a.proto:2"),
            ("message M { oneof _x { int32 a = 2; } optional int32 x = 1; }", ""),
            (
                "message M { oneof _x { int32 a = 2; } enum X_x { A = 0; } optional int32 x = 1; }",
                "2: M.X_x: is already declared at a.proto:2",
            ),
            ("message M { message _x {} int32 x = 1; }", ""),
        ],
    );
    assert_agree(PROTO2, &[("message M { message _x {} optional int32 x = 1; }", "")]);
}

#[test]
fn bytes_that_are_not_utf8() {
    assert_agree_on_bytes(
        PROTO2,
        &[
            (b"message M { optional bytes x = 1 [default = \"\xff\"]; }", ""),
            (b"message M { optional string x = 1 [default = \"\xff\\\\\xe9\"]; }", ""),
            (b"option java_package = '\xff';", ""),
            (b"message M { reserved \"\xff\", \"\xfe\", \"a b\"; }", ""),
            (
                b"message M { optional bytes x = 1 [default = \"\\\xff\"]; }",
                "2: expected UTF-8 outside of comments and strings, found other bytes",
            ),
            (b"message \xff {}", "2: expected UTF-8 outside of comments and strings, found other bytes"),
            (b"option java_package = \"a\0b\";", "2: expected the end of the string, found the end of the line"),
            (b"// a \0 b", "2: expected a declaration, found the character '\\0'"),
            (b"/* a \0 b */", "2: expected the end of the comment, found the end of the file"),
            (b"// a \x01 b\noption java_package = \"\x01\";", ""),
        ],
    );
}
