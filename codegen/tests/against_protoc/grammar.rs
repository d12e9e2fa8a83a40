//! What stands where, and what names mean there.

use super::{PROTO2, assert_agree};

#[test]
fn words_of_the_language_as_names() {
    assert_agree(
        PROTO2,
        &[
            ("message message { optional .group group = 1; } message group {}", ""),
            ("enum E { reserved = 0; }", "2: expected a number, found `=`"),
            ("enum E { option = 0; }", "2: expected the name of an option, found `=`"),
            ("message M { map<int32, group> m = 1; } message group {}", "2: expected a type, found `group`"),
            ("message M { optional int32.x y = 1; }", "2: expected the name of a field, found `.`"),
            (
                "message int32 { extensions 1; } extend int32 { optional bool x = 1; }",
                "2: expected the message to extend, found `int32`",
            ),
            ("message int32 { extensions 1; } extend .int32 { optional bool x = 1; }", ""),
            ("message group {} service S { rpc A(group) returns (group); }", "2: expected a message, found `group`"),
        ],
    );
}

#[test]
fn empty_statements() {
    assert_agree(
        PROTO2,
        &[
            (";message M {; optional int32 x = 1;; };; enum E {; A = 0;; };", ""),
            ("message M { oneof o {; int32 x = 1; } }", "2: expected a type, found `;`"),
            ("message M { oneof o { int32 x = 1;; } }", "2: expected a type, found `;`"),
            ("message M { extensions 1; } extend M {; optional int32 x = 1; }", "2: expected a type, found `;`"),
        ],
    );
}

/// Where a message must be, other names are not passed over.
#[test]
fn names_of_what_is_no_message() {
    assert_agree(
        PROTO2,
        &[
            (
                "message A {} service S { rpc A(A) returns (A); }",
                "2: S.A: expected a message, found what is no type: `A`",
            ),
            ("message A {} service S { rpc A(.A) returns (.A); }", ""),
            (
                "message A { extensions 1; } message M { optional int32 A = 1; extend A { optional int32 x = 1; } }",
                "2: A: expected a message, found what is no type: `A`",
            ),
            ("message A {} message M { optional int32 A = 1; optional A x = 2; }", ""),
            (
                "import \"closed.proto\"; package q; service p {} message M { optional p.Old x = 1; }",
                "2: q.M.x: type `p.Old` is not found",
            ),
        ],
    );
}

#[test]
fn ranges_and_limits() {
    let package = |length| format!("package {}{};", "a23456789.".repeat(50), "a".repeat(length));
    assert_agree(
        PROTO2,
        &[
            ("message M { reserved 536870912, 2147483645 to 2147483646; }", ""),
            (
                "message M { reserved 2147483647; }",
                "2: M: expected a range within 1 to 2147483646, found 2147483647 to 2147483647",
            ),
            (
                "message M { extensions 536870912; }",
                "2: M: expected a range within 1 to 536870911, found 536870912 to 536870912",
            ),
            (&package(11), ""),
            (&package(12), "1: package: expected at most 511 bytes, found more"),
            (
                "message M { option message_set_wire_format = true; extensions 4; } enum E { A = 0; }\n\
                 extend M { optional E e = 4; }",
                "3: e: an extension of a message set is an optional message",
            ),
            // Of `p.Old`, another file has an extension of that number.
            ("import \"closed.proto\"; extend p.Old { optional int32 x = 1; }", ""),
        ],
    );
}
