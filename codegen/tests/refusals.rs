//! What is refused, and with which words.

use std::path::{Path, PathBuf};

use pftrace_codegen::{Config, Error};

/// A directory of .proto files that is removed again.
struct Files(PathBuf);

impl Files {
    fn new(test: &str, files: &[(&str, &[u8])]) -> Self {
        let dir = std::env::temp_dir().join(format!("pftrace-codegen-{}-{test}", std::process::id()));
        for (name, text) in files {
            let path = dir.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self(dir)
    }

    fn generate(&self, input: &str) -> Result<String, Error> {
        let generated = Config::new().include(&self.0).generate(&[self.0.join(input)])?;
        Ok(generated.code().to_owned())
    }

    /// The error's text, with `DIR` for the directory.
    fn refused(&self, input: &str) -> String {
        let error = self.generate(input).expect_err(input);
        error.to_string().replace(&self.0.display().to_string(), "DIR")
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Each text is the whole of `a.proto`.
fn assert_refused(test: &str, cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        let files = Files::new(test, &[("a.proto", text.as_bytes())]);
        assert_eq!(files.refused("a.proto"), *expected, "\n{text}");
    }
}

#[test]
fn editions() {
    assert_refused(
        "editions",
        &[(
            "// 2023\nedition = \"2023\";\nmessage M { int32 x = 1; }",
            "a.proto:2: edition 2023: expected the syntax \"proto2\" or \"proto3\"; editions are read from descriptor sets",
        )],
    );
}

#[test]
fn groups() {
    assert_refused(
        "groups",
        &[
            (
                "message M {\n  optional group gG = 1 {}\n}",
                "a.proto:2: M.gg: expected the name of a group to begin with a capital letter, found `gG`",
            ),
            (
                "syntax = \"proto3\";\nmessage M { optional group G = 1 {} }",
                "a.proto:2: M.g: groups are not allowed in proto3",
            ),
            (
                "message M {\n  optional group G = 1 { optional group H = 2 { optional int32 x = 0; } }\n}",
                "a.proto:2: M.G.H.x: expected a field number from 1 to 536870911, found 0",
            ),
            (
                "message M {\n  optional group G = 1 {}\n  message G {}\n}",
                "a.proto:3: M.G: is already declared at a.proto:2",
            ),
        ],
    );
}

#[test]
fn extensions() {
    assert_refused(
        "extensions",
        &[
            (
                "package p;\nmessage M { extensions 5 to 9; }\nextend M {\n  optional int32 x = 10;\n}",
                "a.proto:4: p.x: expected a number that `p.M` has for extensions, found 10",
            ),
            (
                "message M { extensions 5; }\nextend M { optional int32 x = 5; }\nextend M { optional int32 y = 5; }",
                "a.proto:3: y: number 5 of `M` is already used by a.proto:2: x",
            ),
            (
                "message M { extensions 5; }\nextend M { required int32 x = 5; }",
                "a.proto:2: x: an extension can be neither required nor a map",
            ),
            (
                "message M { extensions 5; }\nextend M { map<int32, int32> x = 5; }",
                "a.proto:2: x: an extension can be neither required nor a map",
            ),
            (
                "message M { extensions 19000 to max; }\nextend M { optional int32 x = 19001; }",
                "a.proto:2: x: field number 19001 is in 19000 to 19999, which protobuf keeps for itself",
            ),
            ("message M { extensions 5; }\nextend M { optional N x = 5; }", "a.proto:2: x: type `N` is not found"),
            (
                "enum E { A = 0; }\nextend E { optional int32 x = 5; }",
                "a.proto:2: E: expected a message, found the enum `E`",
            ),
            (
                "syntax = \"proto3\";\nmessage M {}\nextend M { int32 x = 5; }",
                "a.proto:3: x: extensions in proto3 are only allowed for custom options",
            ),
            (
                "message M { option message_set_wire_format = true; extensions 4; }\nextend M { optional int32 x = 4; }",
                "a.proto:2: x: an extension of a message set is an optional message",
            ),
            (
                "message M {\n  option message_set_wire_format = true;\n  optional int32 x = 1;\n}",
                "a.proto:1: M: expected a message set to have extensions and no fields",
            ),
            (
                "message M { extensions 5 to 6; }\nmessage N {\n  extend M { optional int32 x = 5; }\n  optional int32 x = 1;\n}",
                "a.proto:3: N.x: is already declared at a.proto:4",
            ),
        ],
    );
}

#[test]
fn field_numbers() {
    assert_refused(
        "numbers",
        &[
            (
                "message M { optional int32 x = 0; }",
                "a.proto:1: M.x: expected a field number from 1 to 536870911, found 0",
            ),
            (
                "message M { optional int32 x = 536870912; }",
                "a.proto:1: M.x: expected a field number from 1 to 536870911, found 536870912",
            ),
            (
                "message M { optional int32 x = 0x8000000000000001; }",
                "a.proto:1: M.x: expected a field number from 1 to 536870911, found 9223372036854775809",
            ),
            (
                "message M { optional int32 x = 19000; }",
                "a.proto:1: M.x: field number 19000 is in 19000 to 19999, which protobuf keeps for itself",
            ),
            (
                "message M { optional int32 x = 19999; }",
                "a.proto:1: M.x: field number 19999 is in 19000 to 19999, which protobuf keeps for itself",
            ),
            (
                "message M {\n  optional int32 x = 010;\n  optional int32 y = 8;\n}",
                "a.proto:3: M.y: field number 8 is already used by `x` in line 2",
            ),
            ("message M { reserved 1, 5 to 7;\noptional int32 x = 6; }", "a.proto:2: M.x: field number 6 is reserved"),
            ("message M { reserved 9 to max;\noptional int32 x = 9; }", "a.proto:2: M.x: field number 9 is reserved"),
            (
                "message M { extensions 4 to 5;\noptional int32 x = 4; }",
                "a.proto:2: M.x: field number 4 is in a range for extensions",
            ),
            ("message M { reserved \"a\", \"x\";\noptional int32 x = 6; }", "a.proto:2: M.x: the name is reserved"),
            ("message M {\n  reserved 4 to 9;\n  reserved 5;\n}", "a.proto:3: M: ranges 4 to 9 and 5 to 5 overlap"),
            ("message M { reserved 7 to 4; }", "a.proto:1: M: expected a range within 1 to 2147483646, found 7 to 4"),
            (
                "message M { reserved 1 to 2147483647; }",
                "a.proto:1: M: expected a range within 1 to 2147483646, found 1 to 2147483647",
            ),
        ],
    );
}

#[test]
fn names_declared_twice() {
    assert_refused(
        "names",
        &[
            (
                "message M {\n  optional int32 x = 1;\n  optional bool x = 2;\n}",
                "a.proto:3: M.x: is already declared at a.proto:2",
            ),
            ("package p;\nmessage M {}\nenum M { A = 0; }", "a.proto:3: p.M: is already declared at a.proto:2"),
            ("enum A { X = 0; }\nenum B { X = 0; }", "a.proto:2: X: is already declared at a.proto:1"),
            ("message M {\n  oneof x { int32 x = 1; }\n}", "a.proto:2: M.x: is already declared at a.proto:2"),
            (
                "message M {\n  message XYEntry {}\n  map<int32, int32> x_y = 1;\n}",
                "a.proto:2: M.XYEntry: is already declared at a.proto:3",
            ),
        ],
    );
    let files = Files::new(
        "names",
        &[("a.proto", b"import \"b.proto\";\n\nmessage M {}"), ("b.proto", b"syntax = \"proto3\";\nmessage M {}")],
    );
    assert_eq!(files.refused("a.proto"), "a.proto:3: M: is already declared at b.proto:2");
    let files = Files::new(
        "names",
        &[("a.proto", b"import \"b.proto\";\n\nmessage p {}"), ("b.proto", b"package p.q;\nmessage M {}")],
    );
    assert_eq!(files.refused("a.proto"), "b.proto:1: p: is already declared at a.proto:3");
}

#[test]
fn names_that_become_one_in_rust() {
    assert_refused(
        "rust",
        &[
            (
                "message M {\n  optional int32 fooBar = 1;\n  optional int32 foo_bar = 2;\n}",
                "a.proto:3: M.foo_bar: becomes `M::set_foo_bar` in rust, as does a.proto:2: M.fooBar",
            ),
            (
                "message M {\n  repeated int32 self = 1;\n  optional int32 Self = 2;\n}",
                "a.proto:3: M.Self: becomes `M::SELF_FIELD_NUMBER` in rust, as does a.proto:2: M.self",
            ),
            (
                "message M {\n  required int32 foo_bar = 1;\n  oneof fooBar { int32 x = 2; }\n}",
                "a.proto:2: M.foo_bar: becomes `M::foo_bar` in rust, as does a.proto:1: M.fooBar",
            ),
            ("message Foo {}\nmessage foo {}", "a.proto:2: foo: becomes `Foo` in rust, as does a.proto:1: Foo"),
            (
                "message FooBar { message X {} }\nmessage Foo_Bar { message Y {} }",
                "a.proto:2: Foo_Bar: becomes `FooBar` in rust, as does a.proto:1: FooBar",
            ),
            (
                "message HTTPServer { message X {} }\nmessage HttpServer { enum E { V = 0; } }",
                "a.proto: HttpServer: becomes `http_server` in rust, as does a.proto: HTTPServer",
            ),
            (
                "enum E {\n  option allow_alias = true;\n  value = 0;\n  value_ = 0;\n}",
                "a.proto:4: value_: becomes `E::value_` in rust, as does a.proto:3: value",
            ),
        ],
    );
    let files = Files::new(
        "rust",
        &[
            ("a.proto", b"package p;\nimport public \"b.proto\";\nmessage Q { message M {} }"),
            ("b.proto", b"package p.q;\nmessage N {}"),
        ],
    );
    assert_eq!(files.refused("a.proto"), "a.proto: p.Q: becomes `p::q` in rust, as does b.proto: p.q");
}

#[test]
fn types() {
    assert_refused(
        "types",
        &[
            ("package p;\nmessage M {\n  optional N n = 1;\n}", "a.proto:3: p.M.n: type `N` is not found"),
            ("message M { optional .q.N n = 1; }", "a.proto:1: M.n: type `.q.N` is not found"),
            // protoc, too, stops at the first scope that has the first part.
            (
                "message A { message B {} }\nmessage M { message A {} optional A.B b = 1; }",
                "a.proto:2: M.b: type `A.B` is not found",
            ),
            (
                "message M { map<float, int32> m = 1; }",
                "a.proto:1: M.m: expected a map key that is an integer, bool or string",
            ),
            (
                "message M { map<M, int32> m = 1; }",
                "a.proto:1: M.m: expected a map key that is an integer, bool or string",
            ),
            ("message M { map<int32, map<int32, int32>> m = 1; }", "a.proto:1: M.m: a map's value cannot be a map"),
            ("message M { repeated map<int32, int32> m = 1; }", "a.proto:1: M.m: a map has no label"),
            ("message M { oneof o { map<int32, int32> m = 1; } }", "a.proto:1: M.m: a map cannot be in a oneof"),
            ("message M { extensions 1; }\nextend N { optional int32 x = 1; }", "a.proto:2: N: type `N` is not found"),
        ],
    );
    let text: &[u8] = b"package p;\nimport \"b.proto\";\nmessage M {\n  optional C c = 1;\n}";
    let files = Files::new(
        "types",
        &[("a.proto", text), ("b.proto", b"package p;\nimport \"c.proto\";"), ("c.proto", b"package p;\nmessage C {}")],
    );
    assert_eq!(
        files.refused("a.proto"),
        "a.proto:4: p.M.c: type `C` is declared in `c.proto`, which `a.proto` does not import"
    );
}

/// A text of megabytes tells nobody anything.
#[test]
fn long_names_are_cut() {
    let long = "ä".repeat(1 << 20);
    for (text, begin, end) in [
        (format!("import \"{long}\";"), "a.proto:1: import `ä", "ä…` is not found in `DIR`"),
        (
            format!("import \"/{long}\";"),
            "a.proto:1: expected a path relative to an include directory, found `/ä",
            "ä…",
        ),
        (format!("syntax = \"{long}\";"), "a.proto:1: expected the syntax \"proto2\" or \"proto3\", found \"ä", "ä…"),
        (format!("edition = \"{long}\";"), "a.proto:1: edition ä", "editions are read from descriptor sets"),
        (format!("message \"{long}\" {{}}"), "a.proto:1: expected the name of a message, found `\"ä", "ä…"),
        (
            format!("message M {{ optional a{}.b x = 1; }}", ".aaaaaaaaa".repeat(1 << 17)),
            "a.proto:1: M.x: type `a.aaaaaaaaa.",
            "…",
        ),
    ] {
        let files = Files::new("long", &[("a.proto", text.as_bytes())]);
        let refused = files.refused("a.proto");
        assert!(refused.starts_with(begin) && refused.ends_with(end) && refused.len() < 2_000, "{refused}");
    }
}

#[test]
fn labels_and_options() {
    assert_refused(
        "labels",
        &[
            (
                "message M { int32 x = 1; }",
                "a.proto:1: M.x: expected `optional`, `required` or `repeated`, found no label",
            ),
            (
                "syntax = \"proto3\";\nmessage M { required int32 x = 1; }",
                "a.proto:2: M.x: required fields are not allowed in proto3",
            ),
            (
                "syntax = \"proto3\";\nmessage M { int32 x = 1 [default = 3]; }",
                "a.proto:2: M.x: default values are not allowed in proto3",
            ),
            (
                "message M { repeated string x = 1 [packed = true]; }",
                "a.proto:1: M.x: only repeated numbers, bools and enums can be packed",
            ),
            (
                "message M { optional int32 x = 1 [packed = true]; }",
                "a.proto:1: M.x: only repeated numbers, bools and enums can be packed",
            ),
            (
                "message M { repeated int32 x = 1 [packed = 1]; }",
                "a.proto:1: M.x: expected `packed` to be of type `bool`, found `1`",
            ),
            ("message M { oneof o {} }", "a.proto:1: M.o: expected at least one field in the oneof, found none"),
            (
                "message M { oneof o { optional int32 x = 1; } }",
                "a.proto:1: expected a field of the oneof, without a label, found `optional`",
            ),
        ],
    );
}

#[test]
fn enums() {
    assert_refused(
        "enums",
        &[
            ("enum E {}", "a.proto:1: E: expected at least one value, found none"),
            (
                "syntax = \"proto3\";\nenum E {\n  A = 1;\n}",
                "a.proto:3: A: expected 0 as the first value of a proto3 enum, found 1",
            ),
            (
                "package p;\nenum E {\n  A = 1;\n  B = 1;\n}",
                "a.proto:4: p.B: number 1 is already used by `A` in line 3, and `allow_alias` is not set",
            ),
            ("enum E { A = 2147483648; }", "a.proto:1: A: expected a number of 32 bits, found 2147483648"),
            ("enum E { A = -2147483649; }", "a.proto:1: A: expected a number of 32 bits, found -2147483649"),
            ("enum E { A = -5; reserved -9 to -2; }", "a.proto:1: A: number -5 is reserved"),
            ("enum E { A = 1; reserved \"A\"; }", "a.proto:1: A: the name is reserved"),
            (
                "enum E { option allow_alias = yes; A = 1; }",
                "a.proto:1: E: expected `allow_alias` to be of type `bool`, found `yes`",
            ),
        ],
    );
}

#[test]
fn what_is_not_a_proto_file() {
    let deep = format!("{}{}", "message M { ".repeat(70), "}".repeat(70));
    let deeper = format!("{}{}", "message M { ".repeat(1_000), "}".repeat(1_000));
    let options = format!("option x = {}1{};", "[".repeat(100_000), "]".repeat(100_000));
    let map = format!("message M {{ {}", "map<int32,".repeat(100_000));
    let name = format!("message {} {{}}", "M".repeat(256));
    assert_refused(
        "syntax",
        &[
            ("message M {\n  optional int32 x 1;\n}", "a.proto:2: expected `=`, found `1`"),
            ("message M {\n  optional int32 = 1;\n}", "a.proto:2: expected the name of a field, found `=`"),
            ("message M {\n  optional int32 x = -1;\n}", "a.proto:2: expected a field number, found `-`"),
            (
                "message M {\n  optional int32 x = 99999999999999999999;\n}",
                "a.proto:2: expected a field number, found `99999999999999999999`",
            ),
            ("message M {\n  optional int32 x = 1\n}", "a.proto:3: expected `;`, found `}`"),
            ("message M {\n", "a.proto:2: expected a type, found the end of the file"),
            ("\n\nmassage M {}", "a.proto:3: expected a declaration, found `massage`"),
            ("syntax = \"proto4\";", "a.proto:1: expected the syntax \"proto2\" or \"proto3\", found \"proto4\""),
            ("package a;\npackage b;", "a.proto:2: expected one `package` only, found `package`"),
            ("/* open", "a.proto:1: expected the end of the comment, found the end of the file"),
            ("import \"a.proto", "a.proto:1: expected the end of the string, found the end of the line"),
            ("message M {\n  é\n}", "a.proto:2: expected a declaration, found the character 'é'"),
            ("message \0 {}", "a.proto:1: expected a declaration, found the character '\\0'"),
            (&deep, "a.proto:1: expected at most 64 nested brackets, found more"),
            (&deeper, "a.proto:1: expected at most 64 nested brackets, found more"),
            (&options, "a.proto:1: expected at most 64 nested brackets, found more"),
            (&map, "a.proto:1: expected at most 64 nested brackets, found more"),
            (&name, "a.proto:1: expected names of at most 255 bytes, found a longer one"),
        ],
    );
}

#[test]
fn files() {
    let files = Files::new(
        "files",
        &[
            ("missing.proto", b"syntax = \"proto3\";\nimport \"sub/none.proto\";"),
            ("up.proto", b"import \"../a.proto\";"),
            ("dir.proto", b"import \"sub.proto\";"),
            ("sub.proto/x.proto", b""),
            ("one.proto", b"\nimport \"two.proto\";"),
            ("two.proto", b"\n\nimport \"three.proto\";"),
            ("three.proto", b"import \"two.proto\";"),
            ("self.proto", b"import \"self.proto\";"),
            ("latin.proto", b"// fine \xe9\noption go_package = \"\xe9\"; // \xe9\nmessage \xe9 {}"),
        ],
    );
    for (input, expected) in [
        ("missing.proto", "missing.proto:2: import `sub/none.proto` is not found in `DIR`"),
        ("up.proto", "up.proto:1: expected a path relative to an include directory, found `../a.proto`"),
        ("dir.proto", "dir.proto:1: import `sub.proto` is not found in `DIR`"),
        ("one.proto", "three.proto:1: files import each other: two.proto -> three.proto -> two.proto"),
        ("self.proto", "self.proto:1: files import each other: self.proto -> self.proto"),
        ("latin.proto", "latin.proto:3: expected UTF-8 outside of comments and strings, found other bytes"),
        ("sub.proto", "DIR/sub.proto: cannot be read: it is a directory"),
        ("none.proto", "DIR/none.proto: cannot be read: No such file or directory (os error 2)"),
    ] {
        assert_eq!(files.refused(input), expected, "{input}");
    }
    let outside = Config::new().include(files.0.join("sub.proto")).generate(&[files.0.join("self.proto")]);
    let outside = outside.unwrap_err().to_string().replace(&files.0.display().to_string(), "DIR");
    assert_eq!(outside, "DIR/self.proto: expected an input below an include directory (`DIR/sub.proto`)");
    let endless = Config::new().include("/").generate(&["/dev/zero"]);
    assert_eq!(endless.unwrap_err().to_string(), "/dev/zero: cannot be read: it is not a regular file");
}

#[test]
fn an_output_that_cannot_be_written() {
    let files = Files::new("output", &[("a.proto", b"message M {}")]);
    let error = Config::new().include(&files.0).compile(&[files.0.join("a.proto")], files.0.join("none/out.rs"));
    let text = error.unwrap_err().to_string().replace(&files.0.display().to_string(), "DIR");
    assert_eq!(text, "DIR/none/out.rs: cannot be written: No such file or directory (os error 2)");
    // What stands there is left as it is.
    for (output, expected) in [
        (".", "DIR/.: cannot be written: Is a directory (os error 21)"),
        ("a.proto/out.rs", "DIR/a.proto/out.rs: cannot be written: Not a directory (os error 20)"),
        ("/dev/full", "/dev/full: cannot be written: No space left on device (os error 28)"),
    ] {
        let error = Config::new().include(&files.0).compile(&[files.0.join("a.proto")], files.0.join(output));
        let text = error.unwrap_err().to_string().replace(&files.0.display().to_string(), "DIR");
        assert_eq!(text, expected);
    }
    assert_eq!(std::fs::read(files.0.join("a.proto")).unwrap(), b"message M {}");
}

#[test]
fn an_output_that_would_overwrite_another_file() {
    let files = Files::new("overwrites", &[("a.proto", b"message M {}")]);
    let (input, output) = (files.0.join("a.proto"), files.0.join("a.rs"));
    let text = |error: Error| error.to_string().replace(&files.0.display().to_string(), "DIR");
    let config = Config::new().include(&files.0);
    let refused = config.compile(&[&input], &input).unwrap_err();
    assert_eq!(text(refused), "DIR/a.proto: expected another file to write to, would overwrite `DIR/a.proto`");
    let generated = config.compile(&[&input], &output).unwrap();
    let linked = files.0.join("linked.rs");
    std::fs::hard_link(&input, &linked).unwrap();
    let refused = config.compile(&[&input], &linked).unwrap_err();
    assert_eq!(text(refused), "DIR/linked.rs: expected another file to write to, would overwrite `DIR/a.proto`");
    for other in [&input, &output, &linked] {
        let refused = text(generated.write_descriptor_set(other).unwrap_err());
        assert!(refused.contains("would overwrite"), "{refused}");
    }
    generated.write_descriptor_set(files.0.join("a.binpb")).unwrap();
    assert_eq!(std::fs::read(&input).unwrap(), b"message M {}");
    assert_eq!(std::fs::read_to_string(&output).unwrap(), generated.code());
}

/// Neither time nor memory: the length alone is looked at.
#[test]
fn files_of_a_hundred_megabytes() {
    let files = Files::new("large", &[("a.proto", b"message M {}"), ("b.proto", b"import \"a.proto\";")]);
    let file = std::fs::File::options().write(true).open(files.0.join("a.proto")).unwrap();
    file.set_len(100 << 20).unwrap();
    let text = "DIR/a.proto: cannot be read: expected at most 16 MiB, found 104857600 bytes";
    let start = std::time::Instant::now();
    assert_eq!(files.refused("a.proto"), text);
    assert_eq!(files.refused("b.proto"), text);
    let set = Config::new().descriptor_set(files.0.join("a.proto")).generate(&[] as &[&str]).unwrap_err();
    assert!(set.to_string().ends_with("cannot be read: expected at most 64 MiB, found 104857600 bytes"), "{set}");
    assert!(start.elapsed().as_millis() < 500, "{:?}", start.elapsed());
    // One that is not too long is read, whatever is in it.
    file.set_len(16 << 20).unwrap();
    assert_eq!(files.refused("a.proto"), "a.proto:1: expected a declaration, found the character '\\0'");
}

#[test]
fn strings_come_in_parts_and_comments_in_any_encoding() {
    let files = Files::new(
        "parts",
        &[
            ("a.proto", b"syntax = \"pro\" /* 2 */\n 'to2';\nimport \"sub/\" // or so\n \"b\\056proto\";\nmessage M { optional N n = 1; }"),
            ("sub/b.proto", b"// caf\xe9 \xff\nmessage N {\n  /* na\xefve */ optional int32 x = 1; // \xe2\x82\n}"),
            ("bytes.proto", b"import \"\\xff\";"),
        ],
    );
    let code = files.generate("a.proto").unwrap();
    assert!(code.contains("set_n(") && code.contains("pub struct N<'w>"), "{code}");
    let code = files.generate("sub/b.proto").unwrap();
    for comment in ["caf\u{fffd} \u{fffd}", "na\u{fffd}ve", "/// \u{fffd}\n"] {
        assert!(code.contains(comment), "{comment:?} in {code}");
    }
    assert_eq!(files.refused("bytes.proto"), "bytes.proto:1: expected the name of a file in UTF-8, found other bytes");
}

#[test]
fn an_input_is_found_in_many_ways() {
    let files = Files::new("inputs", &[("sub/a.proto", b"message M {}")]);
    let expected = Config::new().include(&files.0).generate(&["sub/a.proto"]).unwrap();
    for (include, input) in [
        (files.0.clone(), files.0.join("sub/a.proto")),
        (files.0.join("."), files.0.join("./sub/a.proto")),
        (files.0.join("sub/.."), files.0.join("sub/a.proto")),
    ] {
        let generated = Config::new().include(include).generate(&[input]).unwrap();
        assert_eq!(generated.code(), expected.code());
    }
    assert_eq!(expected.inputs(), [Path::new(&files.0).join("sub/a.proto")]);
}
