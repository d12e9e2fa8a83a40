//! What ranges for extensions declare.

use super::{PROTO2, assert_agree};

/// Each case is the options of a range with one extension, and what is wrong in which line.
fn assert_declared(cases: &[(&str, &str)]) {
    for (options, expected) in cases {
        let text = format!(
            "package p;\nmessage M {{\nextensions 100 to 200 [{options}];\n}}\nextend M {{ optional M x = 100; }}"
        );
        assert_agree(PROTO2, &[(&text, expected)]);
    }
}

#[test]
fn extensions_are_as_declared() {
    assert_declared(&[
        ("declaration = { number: 100, full_name: \".p.x\", type: \".p.M\" }", ""),
        (
            "declaration = { number: 100 full_name: \".p.x\" type: \".p.M\" }, declaration = { number: 101 reserved: true }",
            "",
        ),
        ("verification = UNVERIFIED", ""),
        ("verification = DECLARATION", "6: p.x: number 100 is not declared in its range, whose extensions all are"),
        (
            "declaration = { number: 101 reserved: true }",
            "6: p.x: number 100 is not declared in its range, whose extensions all are",
        ),
        ("declaration = { number: 100 reserved: true }", "6: p.x: number 100 is declared to be reserved"),
        (
            "declaration = { number: 100 full_name: \".x\" type: \".p.M\" }",
            "6: p.x: number 100 is declared to be `.x`, found `.p.x`",
        ),
        (
            "declaration = { number: 100 full_name: \".p.x\" type: \"int32\" }",
            "6: p.x: number 100 is declared to be `int32`, found `.p.M`",
        ),
        (
            "declaration = { number: 100 full_name: \".p.x\" type: \".p.M\" repeated: true }",
            "6: p.x: number 100 is declared to be `repeated`, found `not repeated`",
        ),
    ]);
    assert_agree(
        PROTO2,
        &[
            (
                "message M { extensions 1 [verification = DECLARATION]; extensions 7; }\nextend M { optional int32 x = 7; }",
                "",
            ),
            (
                "message M { extensions 1 [declaration = { number: 1 full_name: \".g\" type: \".G\" }]; }\nextend M { optional group G = 1 {} }",
                "",
            ),
            (
                "message M { extensions 1 [declaration = { number: 1 full_name: \".x\" type: \"int32\" }]; }\nextend M { optional int32 x = 1; }",
                "",
            ),
        ],
    );
}

#[test]
fn declarations_are_whole() {
    let both = "4: p.M: the declaration of 100 needs both `full_name` and `type`";
    let name =
        |found| format!("4: p.M: expected a full name with a dot in front in the declaration of 100, found `{found}`");
    assert_declared(&[
        ("declaration = { number: 100 }", both),
        ("declaration = { number: 100 full_name: \".p.x\" }", both),
        ("declaration = { number: 100 type: \".p.M\" reserved: true }", both),
        ("declaration = { number: 100 full_name: \"p.x\" type: \".p.M\" }", &name("p.x")),
        ("declaration = { number: 100 full_name: \".p.x\" type: \"group\" }", &name("group")),
        ("declaration = { number: 100 full_name: \".p..x\" type: \".p.M\" }", &name(".p..x")),
        ("declaration = { number: 99 reserved: true }", "4: p.M: a declaration is of 99, which is not in the range"),
        ("declaration = { reserved: true }", "4: p.M: a declaration is of 0, which is not in the range"),
        (
            "declaration = { number: 101 reserved: true },\ndeclaration = { number: 101 reserved: true }",
            "5: p.M: number 101 is declared twice",
        ),
        (
            "declaration = { number: 100 full_name: \".p.x\" type: \".p.M\" },\ndeclaration = { number: 101 full_name: \".p.x\" type: \".p.M\" }",
            "5: p.M: extension `.p.x` is declared twice",
        ),
        (
            "declaration = { number: 100 reserved: true }, verification = UNVERIFIED",
            "4: p.M: a range that declares extensions cannot be `UNVERIFIED`",
        ),
        (
            "declaration = { numbr: 100 }",
            "4: p.M: expected a field of `google.protobuf.ExtensionRangeOptions.Declaration`, found `numbr`",
        ),
    ]);
    let either = "message M { extensions 1, 3 [declaration = { number: 1 reserved: true }]; }";
    assert_agree(PROTO2, &[(either, "2: M: a declaration is of 1, which is not in the range")]);
}
