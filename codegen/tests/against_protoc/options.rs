//! Options, and their values.

use super::{PROTO2, PROTO3, assert_agree};

#[test]
fn options_that_there_are_not() {
    assert_agree(
        PROTO2,
        &[
            (
                "message M { repeated int32 x = 1 [pakced = true]; }",
                "2: M.x: expected an option of `FieldOptions` in descriptor.proto, found `pakced`",
            ),
            (
                "option go_pakage = \"a\";",
                "2: the file: expected an option of `FileOptions` in descriptor.proto, found `go_pakage`",
            ),
            (
                "message M {\n  option allow_alias = true;\n}",
                "3: M: expected an option of `MessageOptions` in descriptor.proto, found `allow_alias`",
            ),
            (
                "message M { oneof o { option deprecated = true; int32 x = 1; } }",
                "2: M.o: expected an option of `OneofOptions` in descriptor.proto, found `deprecated`",
            ),
            (
                "enum E { A = 0 [packed = true]; }",
                "2: A: expected an option of `EnumValueOptions` in descriptor.proto, found `packed`",
            ),
            (
                "message M { extensions 1 [packed = true]; }",
                "2: M: expected an option of `ExtensionRangeOptions` in descriptor.proto, found `packed`",
            ),
            (
                "message M { optional int32 x = 1 [uninterpreted_option = {}]; }",
                "2: M.x: expected an option of `FieldOptions` in descriptor.proto, found `uninterpreted_option`",
            ),
            (
                "message M { optional int32 x = 1 [features.field_presence = EXPLICIT]; }",
                "2: M.x: features are allowed in editions only",
            ),
            ("message M { option map_entry = true; }", "2: M: expected `map<…>` instead of the option `map_entry`"),
        ],
    );
}

#[test]
fn values_of_options() {
    assert_agree(
        PROTO2,
        &[
            (
                "message M { optional int32 x = 1 [deprecated = 1]; }",
                "2: M.x: expected `deprecated` to be of type `bool`, found `1`",
            ),
            (
                "message M { optional int32 x = 1 [json_name = x]; }",
                "2: M.x: expected `json_name` to be of type `string`, found `x`",
            ),
            (
                "option optimize_for = FAST;",
                "2: the file: expected `optimize_for` to be one of `SPEED`, `CODE_SIZE`, `LITE_RUNTIME`, found `FAST`",
            ),
            ("option optimize_for = LITE_RUNTIME;", ""),
            ("option java_package = \"a\" /* . */ \"b\";", ""),
            (
                "message M { optional int32 x = 1 [deprecated = true, deprecated = true]; }",
                "2: M.x: option `deprecated` is set twice",
            ),
            ("message M { optional string x = 1 [targets = TARGET_TYPE_FIELD, targets = TARGET_TYPE_FILE]; }", ""),
            ("message M { extensions 1 [verification = UNVERIFIED]; extensions 2 [verification = UNVERIFIED]; }", ""),
            ("message M { optional int32 x = 1 [lazy = true]; }", "2: M.x: only messages can be `lazy`"),
            ("message M { repeated M x = 1 [lazy = true]; }", ""),
            (
                "message M { optional int32 x = 1 [jstype = JS_STRING]; }",
                "2: M.x: only integers of 64 bits have a `jstype`",
            ),
            ("message M { optional int32 x = 1 [default = 1 2]; }", "2: expected `]`, found `2`"),
            ("option java_package = [\"a\"];", "2: expected a value, found `[`"),
            ("message M { option a..b = 1; }", "2: expected the name of an option, found `.`"),
            ("message M { option (a)b = 1; }", "2: expected `=`, found `b`"),
            ("message M { option () = 1; }", "2: expected the name of an option, found `)`"),
        ],
    );
}

#[test]
fn custom_options() {
    let own = "import \"google/protobuf/descriptor.proto\";\npackage p;\nmessage O { optional int32 a = 1; }\n\
               extend google.protobuf.FieldOptions { optional string unit = 50000; repeated int32 many = 50001; \
               optional O o = 50002; }\n\
               extend google.protobuf.FileOptions { optional bool whole = 50000; }\n";
    for (text, expected) in [
        ("option (whole) = true;", ""),
        ("option (.p.whole) = 1;", "7: the file: expected `(.p.whole)` to be of type `bool`, found `1`"),
        (
            "option (unit) = \"a\";",
            "7: the file: option `(unit)` extends `google.protobuf.FieldOptions`, expected one of `FileOptions`",
        ),
        ("message M { optional int32 x = 1 [(unit) = \"m\", (p.many) = 1, (many) = -2, (o).a = 1]; }", ""),
        ("message M { optional int32 x = 1 [(units) = \"m\"]; }", "7: p.M.x: option `(units)` is not found"),
        (
            "message M { optional int32 x = 1 [(unit) = m]; }",
            "7: p.M.x: expected `(unit)` to be of type `string`, found `m`",
        ),
        (
            "message M { optional int32 x = 1 [(many) = 2147483648]; }",
            "7: p.M.x: expected `(many)` to be of type `int32`, found `2147483648`",
        ),
        (
            "message M { optional int32 x = 1 [(unit) = \"a\", (unit) = \"b\"]; }",
            "7: p.M.x: option `(unit)` is set twice",
        ),
    ] {
        assert_agree(PROTO2, &[(&format!("{own}{text}"), expected)]);
    }
    // Of a file that is not imported.
    assert_agree(PROTO2, &[("message M { option (unit) = 1; }", "2: M: option `(unit)` is not found")]);
}

/// What the options below set: `p.O` is the type of the option `o`, `p.E` that of `e`.
const OPTIONS: &str = r#"import "google/protobuf/descriptor.proto";
import "google/protobuf/any.proto";
package p;
enum E { A = 0; B = 1; NEGATIVE = -3; }
message O { optional int32 a = 1; optional E e = 2; optional string s = 3; optional O o = 4; repeated int32 r = 5; repeated O ro = 6;
  optional bool f = 7; optional double d = 8; optional uint32 u = 9; optional group Grp = 10 { optional int32 q = 1; }
  oneof one { int32 x = 11; int32 y = 12; } map<string, O> m = 13; optional google.protobuf.Any any = 14; optional Need need = 15;
  reserved "gone"; extensions 100 to 200; extend O { optional int32 inner = 101; } }
message Need { required int32 n = 1; }
extend O { optional O ext = 100; }
extend google.protobuf.FileOptions { optional O o = 50000; optional E e = 50001; repeated O ro = 50002; optional Need need = 50003; }
"#;

/// Each case is what the file says behind `OPTIONS`, and what is wrong with it.
fn assert_options(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        let line = 1 + OPTIONS.lines().count() + text.lines().count();
        let expected = if expected.is_empty() { String::new() } else { format!("{line}: the file: {expected}") };
        assert_agree(PROTO2, &[(&format!("{OPTIONS}{text}"), &expected)]);
    }
}

#[test]
fn custom_options_of_enums_and_messages() {
    assert_options(&[
        ("option (e) = B;", ""),
        ("option (e) = C;", "expected `(e)` to be one of `A`, `B`, `NEGATIVE`, found `C`"),
        ("option (e) = 1;", "expected `(e)` to be one of `A`, `B`, `NEGATIVE`, found `1`"),
        ("option (o) = {};", ""),
        ("option (o) = 1;", "expected `(o)` to be a `p.O` in braces, found `1`"),
        ("option (e) = { a: 1 };", "expected `(e)` to be one of `A`, `B`, `NEGATIVE`, found `{ a : 1 }`"),
        ("option (need) = {};", "expected the required field `n` of `p.Need`"),
        ("option (need).n = 1;", ""),
    ]);
}

#[test]
fn parts_of_custom_options() {
    assert_options(&[
        ("option (o).o.(p.ext).(O.inner) = 1;", ""),
        ("option (o).m = { key: \"a\" };", ""),
        ("option (o).zz = 1;", "expected a field of `p.O`, found `zz`"),
        ("option (o).a = \"1\";", "expected `(o).a` to be of type `int32`, found `\"1\"`"),
        ("option (o).o.e = C;", "expected `(o).o.e` to be one of `A`, `B`, `NEGATIVE`, found `C`"),
        ("option (o).a.b = 1;", "option `(o).a` is no message"),
        ("option java_package.a = \"a\";", "option `java_package` is no message"),
        ("option (o).ro.a = 1;", "option `(o).ro` is repeated, expected a whole value for it"),
        ("option (o).(inner) = 1;", "option `(inner)` is not found"),
        ("option (o).(p.e) = A;", "option `(p.e)` extends `google.protobuf.FileOptions`, expected one of `p.O`"),
        ("option (o).a = 1;\noption (o).s = \"\";", ""),
        ("option (o).a = 1;\noption (.p.o).a = 1;", "option `(.p.o).a` is set twice"),
        ("option (o).a = 1;\noption (o) = {};", "option `(o)` is set twice"),
        ("option (o) = { o { a: 1 } };\noption (o).o.a = 1;", "option `(o).o.a` is set twice"),
        ("option (o) = { o { a: 1 } };\noption (o).o.s = \"\";", ""),
        ("option (ro) = {};\noption (ro) = {};", ""),
    ]);
    let own = "import \"google/protobuf/descriptor.proto\";\npackage p;\n\
               extend google.protobuf.FieldOptions { optional int32 o = 1000; }\n";
    for (text, expected) in [
        ("message M { optional int32 x = 1 [(o) = 1, (p.o) = 2]; }", "5: p.M.x: option `(p.o)` is set twice"),
        ("message M { optional int32 o = 1 [(o) = 1]; }", "5: p.M.o: option `(o)` is not found"),
        ("message M { message p {} optional int32 x = 1 [(p.o) = 1]; }", "5: p.M.x: option `(p.o)` is not found"),
        ("message M { optional int32 p = 1 [(p.o) = 1]; }", ""),
    ] {
        assert_agree(PROTO2, &[(&format!("{own}{text}"), expected)]);
    }
    let inner = "extend google.protobuf.MessageOptions { optional int32 inner = 1000; }";
    let text = format!("import \"google/protobuf/descriptor.proto\";\nmessage M {{ {inner} option (inner) = 1; }}");
    assert_agree(PROTO2, &[(&text, "3: M: option `(inner)` is not found")]);
}

#[test]
fn messages_in_braces() {
    for text in [
        "a: 1, s: 'x' \"y\"; f: t",
        "a: -0x10 f: 0 d: -INFINITY e: -3",
        "o < a: 1 > ro [{}, <>] ro: [] r: [1, 2] r: 3",
        "Grp { q: 1 } gone: 1",
        "grp { q: 1 } m { key: '' value { a: 1 } }",
        "[p.ext] { [O.inner]: 1 } any { [type.googleapis.com/p.O] { a: 1 } }",
    ] {
        assert_options(&[(&format!("option (o) = {{ {text} }};"), "")]);
    }
    for (text, expected) in [
        ("zz: 1", "expected a field of `p.O`, found `zz`"),
        ("a: 'x'", "expected `a` to be of type `int32`, found `'x'`"),
        ("a: 2147483648", "expected `a` to be of type `int32`, found `2147483648`"),
        ("u: -1", "expected `u` to be of type `uint32`, found `-1`"),
        ("f: -0", "expected `f` to be of type `bool`, found `-0`"),
        ("f: 2", "expected `f` to be of type `bool`, found `2`"),
        ("d: 010", "expected `d` to be of type `double`, found `010`"),
        ("s: a", "expected `s` to be of type `string`, found `a`"),
        ("e: C", "expected `e` to be a value of `E`, found `C`"),
        ("e: 7", "expected `e` to be a value of `E`, found `7`"),
        ("o: 1", "expected `o` to be a `p.O` in braces"),
        ("a: {}", "expected `a` to be a single value, found a message"),
        ("a: [1]", "expected `a` to be a single value, found a list"),
        ("a: 1 a: 1", "field `a` is set twice"),
        ("x: 1 y: 1", "field `y` is in a oneof with `x`, which is set"),
        ("o { o { zz: 1 } }", "expected a field of `p.O`, found `zz`"),
        ("ro: [{}, { zz: 1 }]", "expected a field of `p.O`, found `zz`"),
        ("m { kee: '' }", "expected a field of `p.O.MEntry`, found `kee`"),
        ("need {}", "expected the required field `n` of `p.Need`"),
        ("[inner]: 1", "expected a field of `p.O`, found `[inner]`"),
        (
            "any { [type.googleapis.com/p.P] {} }",
            "expected a field of `google.protobuf.Any`, found `[type.googleapis.com/p.P]`",
        ),
    ] {
        assert_options(&[(&format!("option (o) = {{\n{text} }};"), expected)]);
    }
    assert_agree(
        PROTO2,
        &[
            ("option (o) = { a 1 };", "2: expected `:` or a message, found `1`"),
            ("option (o) = { a = 1 };", "2: expected `:` or a message, found `=`"),
            ("option (o) = { r: [1,] };", "2: expected a value, found `]`"),
            ("option (o) = { a: 1,, };", "2: expected the name of a field or `}`, found `,`"),
        ],
    );
}

#[test]
fn messages_that_descriptor_proto_has() {
    assert_agree(
        PROTO2,
        &[
            ("message M { optional int32 x = 1 [feature_support.edition_introduced = EDITION_2023]; }", ""),
            ("message M { optional int32 x = 1 [edition_defaults = { edition: EDITION_2023 value: \"a\" }]; }", ""),
            (
                "message M { optional int32 x = 1 [edition_defaults = { editio: EDITION_2023 }]; }",
                "2: M.x: expected a field of `google.protobuf.FieldOptions.EditionDefault`, found `editio`",
            ),
        ],
    );
}

#[test]
fn options_and_what_they_can_be_set_on() {
    let own = |targets: &str, set: &str| {
        format!(
            "import \"google/protobuf/descriptor.proto\";\n\
             message O {{ int32 a = 1 [targets = TARGET_TYPE_ENUM_ENTRY]; int32 b = 2; }}\n\
             extend google.protobuf.FieldOptions {{ O o = 50000 [{targets}]; }}\nmessage M {{ int32 x = 1 [{set}]; }}"
        )
    };
    let (field, file) = ("targets = TARGET_TYPE_FILE, targets = TARGET_TYPE_FIELD", "targets = TARGET_TYPE_FILE");
    let error = |found| format!("5: M.x: expected one that can be set on TARGET_TYPE_FIELD, found `{found}`");
    for (text, expected) in [
        (own(field, "(o).b = 1"), String::new()),
        (own(file, "(o).b = 1"), error("o")),
        (own(field, "(o).a = 1"), error("a")),
        (own(field, "(o) = { a: 1 }"), error("a")),
    ] {
        assert_agree(PROTO3, &[(&text, &expected)]);
    }
}
