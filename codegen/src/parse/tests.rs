//! Places and comments.

use super::*;

/// Full name, line, column and comments of all that is declared.
fn declared(text: &str) -> Vec<(String, u32, u32, String, String)> {
    let file = parse(text).unwrap();
    let mut out = Vec::new();
    types(&file.package, &file.messages, &file.enums, &mut out);
    out
}

type Declared = Vec<(String, u32, u32, String, String)>;

fn types(scope: &str, messages: &[Message], enums: &[Enum], out: &mut Declared) {
    let join = |name: &str| crate::resolve::join(scope, name);
    let mut push = |name: String, pos: Pos, comments: &Comments| {
        out.push((name, pos.line, pos.column, comments.leading.clone(), comments.trailing.clone()));
    };
    for message in messages {
        let name = join(&message.name);
        push(name.clone(), message.pos, &message.comments);
        for field in &message.fields {
            push(format!("{name}.{}", field.name), field.pos, &field.comments);
        }
        for oneof in &message.oneofs {
            push(format!("{name}.{}", oneof.name), oneof.pos, &oneof.comments);
        }
    }
    for enumeration in enums {
        push(join(&enumeration.name), enumeration.pos, &enumeration.comments);
        for value in &enumeration.values {
            push(join(&value.name), value.pos, &value.comments);
        }
    }
    for message in messages {
        types(&join(&message.name), &message.messages, &message.enums, out);
    }
}

fn assert_declared(text: &str, expected: &[(&str, u32, u32, &str, &str)]) {
    let found = declared(text);
    let found: Vec<_> = found.iter().map(|(n, l, c, a, b)| (n.as_str(), *l, *c, a.as_str(), b.as_str())).collect();
    assert_eq!(found, expected, "\n{text}");
}

#[test]
fn places_count_lines_and_characters_from_one() {
    assert_declared(
        "\u{feff}package a.b;\nmessage M {\n\tmap<string, .a.b.M> größe_ok = 1;\n}".replace("größe_ok", "m").as_str(),
        &[("a.b.M", 2, 9, "", ""), ("a.b.M.m", 3, 22, "", "")],
    );
    assert_declared(
        "/* é€🦀 */ enum E { /* 🦀 */ A = 0; B = 1; }",
        &[("E", 1, 16, "é€🦀", ""), ("A", 1, 28, "", ""), ("B", 1, 35, "", "")],
    );
    assert_declared("message M {\r\n  optional int32 x = 1;\r\n}\r\n", &[("M", 1, 9, "", ""), ("M.x", 2, 18, "", "")]);
}

#[test]
fn a_leading_comment_is_directly_above() {
    assert_declared(
        "// Licence.\n\n// One\n//   two.\nmessage M {\n  // Apart.\n\n  // X.\n  optional int32 x = 1;\n  /* Y. */ optional int32 y = 2;\n  // Not z's: a blank line.\n\n  optional int32 z = 3;\n}",
        &[("M", 5, 9, "One\n  two.", ""), ("M.x", 9, 18, "X.", ""), ("M.y", 10, 27, "Y.", ""), ("M.z", 13, 18, "", "")],
    );
}

#[test]
fn a_trailing_comment_is_on_the_same_line() {
    assert_declared(
        "message M { // M.\n  optional int32 x = 1; // X.\n  // Above y.\n  optional int32 y = 2; /* Y. */\n  optional int32 z = 3; /* whose? */ optional int32 w = 4;\n}",
        &[
            ("M", 1, 9, "", "M."),
            ("M.x", 2, 18, "", "X."),
            ("M.y", 4, 18, "Above y.", "Y."),
            ("M.z", 5, 18, "", ""),
            ("M.w", 5, 53, "", ""),
        ],
    );
}

#[test]
fn blocks_lose_their_stars() {
    assert_declared(
        "/**\n * One.\n *\n *   two\n */\nenum E {\n  /* plain\n     lines */\n  A = 0; /** A. */\n}",
        &[("E", 6, 6, "One.\n\n  two", ""), ("A", 9, 3, "plain\nlines", "A.")],
    );
}

#[test]
fn only_the_last_of_several_comments_leads() {
    assert_declared("// a\n/* b */\n// c\n// d\nenum E { A = 0; }", &[("E", 5, 6, "c\nd", ""), ("A", 5, 10, "", "")]);
    assert_declared("// a\n/* b */\nenum E { A = 0; }", &[("E", 3, 6, "b", ""), ("A", 3, 10, "", "")]);
}

#[test]
fn everything_has_its_comments() {
    assert_declared(
        "message M {\n  // O.\n  oneof o { // o\n    // F.\n    int32 f = 1 [deprecated = true]; // f\n  }\n  // G.\n  optional group G = 2 { } // g\n  // N.\n  message N { // n\n  }\n}",
        &[
            ("M", 1, 9, "", ""),
            ("M.f", 5, 11, "F.", "f"),
            ("M.g", 8, 18, "G.", ""),
            ("M.o", 3, 9, "O.", "o"),
            ("M.G", 8, 18, "G.", ""),
            ("M.N", 10, 11, "N.", "n"),
        ],
    );
}

#[test]
fn comment_marks_in_strings_are_no_comments() {
    assert_declared(
        "message M { optional string s = 1 [default = \"// \\\" /*\"]; } // */",
        &[("M", 1, 9, "", ""), ("M.s", 1, 29, "", "")],
    );
}

#[test]
fn time_is_linear() {
    let time = |n: usize| {
        let text = format!("enum E {{ {} }}", "/* c */ A = 1; // c\n".repeat(n));
        let one_line = format!("enum E {{ {} }}", "/* ü */ A = 1;".repeat(n));
        let start = std::time::Instant::now();
        assert!(parse(&text).is_ok() && parse(&one_line).is_ok());
        start.elapsed()
    };
    time(1_000);
    let (small, large) = (time(4_000), time(64_000));
    assert!(large < small * 16 * 8, "{small:?} for one, {large:?} for sixteen");
}

/// protoc's rules as another parser has them, over all fixtures.
#[test]
fn comments_and_places_are_those_of_another_parser() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
    for name in ["everything.proto", "legacy.proto", "other/types.proto"] {
        let text = std::fs::read_to_string(format!("{dir}/{name}")).unwrap();
        judge::assert_same(&text, name, dir);
    }
}

/// protox.
pub(super) mod judge {
    use super::*;

    pub(crate) fn assert_same(text: &str, name: &str, include: &str) {
        let file = protox::Compiler::new([include])
            .unwrap()
            .include_source_info(true)
            .open_file(name)
            .unwrap()
            .file_descriptor_set();
        let descriptor = file.file.iter().find(|file| file.name() == name).unwrap();
        let info = descriptor.source_code_info.as_ref().unwrap();
        let at = |path: &[i32]| info.location.iter().find(|l| l.path == path).unwrap();
        let file = parse(text).unwrap();
        let same = |what: &str, path: &[i32], pos: Pos, comments: &Comments| {
            let location = at(path);
            let span = &at(&[path, &[1]].concat()).span;
            assert_eq!((pos.line as i32 - 1, pos.column as i32 - 1), (span[0], span[1]), "{name}: {what}");
            let words = |text: &str| text.split_whitespace().map(|w| w.trim_matches('*')).collect::<Vec<_>>().join(" ");
            assert_eq!(words(&comments.leading), words(location.leading_comments()), "{name}: {what}");
            // protoc also takes the comment on the line below, when a blank line follows.
            let trailing = words(&comments.trailing);
            if !trailing.is_empty() {
                assert_eq!(trailing, words(location.trailing_comments()), "{name}: {what}");
            }
        };
        messages(&file.messages, &[4], &same);
        enums(&file.enums, &[5], &same);
    }

    type Same<'a> = dyn Fn(&str, &[i32], Pos, &Comments) + 'a;

    fn messages(messages_: &[Message], path: &[i32], same: &Same<'_>) {
        for (index, message) in (0..).zip(messages_) {
            let path = [path, &[index]].concat();
            same(&message.name, &path, message.pos, &message.comments);
            // A group's comment is its message's.
            let is_group = |field: &Field| matches!(field.type_ref, TypeRef::Group(_));
            for (index, field) in (0..).zip(&message.fields).filter(|(_, field)| !is_group(field)) {
                same(&field.name, &[&path[..], &[2, index]].concat(), field.pos, &field.comments);
            }
            for (index, oneof) in (0..).zip(&message.oneofs) {
                same(&oneof.name, &[&path[..], &[8, index]].concat(), oneof.pos, &oneof.comments);
            }
            enums(&message.enums, &[&path[..], &[4]].concat(), same);
            if !message.fields.iter().any(|field| matches!(field.type_ref, TypeRef::Map(..))) {
                messages(&message.messages, &[&path[..], &[3]].concat(), same);
            }
        }
    }

    fn enums(enums: &[Enum], path: &[i32], same: &Same<'_>) {
        for (index, enumeration) in (0..).zip(enums) {
            let path = [path, &[index]].concat();
            same(&enumeration.name, &path, enumeration.pos, &enumeration.comments);
            for (index, value) in (0..).zip(&enumeration.values) {
                same(&value.name, &[&path[..], &[2, index]].concat(), value.pos, &value.comments);
            }
        }
    }
}
