//! Roots and extern paths: a part of the types, and types that are generated elsewhere.
//!
//! `PFTRACE_BLESS=1` takes over the code that is generated now, as in tests/golden.rs.

use std::path::{Path, PathBuf};

use pftrace_codegen::{Config, Error, Generated};
use prost_reflect::{DescriptorPool, DynamicMessage};

/// One package in two modules, as it would be in two crates: `app` has none of the types of `base`.
#[rustfmt::skip]
#[path = "golden/split_base.rs"]
mod base;
#[rustfmt::skip]
#[path = "golden/split_app.rs"]
mod app;

use app::fixture::app::{EnvelopeExtensions, Request, Status};
use base::fixture::base::{Envelope, id::Kind};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn config() -> Config<'static> {
    Config::new().include(fixtures())
}

fn assert_golden(name: &str, generated: &Generated) {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.rs"));
    if std::env::var_os("PFTRACE_BLESS").is_some() {
        std::fs::write(&golden, generated.code()).unwrap();
    }
    let expected = std::fs::read_to_string(&golden).unwrap();
    for (line, (found, expected)) in (1..).zip(generated.code().lines().zip(expected.lines())) {
        assert_eq!(found, expected, "line {line} differs from {}", golden.display());
    }
    assert_eq!(generated.code().len(), expected.len());
}

/// The messages that have a writer.
fn messages(generated: &Generated) -> Vec<&str> {
    generated.writers().iter().map(|writer| writer.message.as_str()).collect()
}

#[test]
fn two_modules_generate_the_golden_files() {
    assert_golden("split_base", &config().generate(&["split/base.proto"]).unwrap());
    let app =
        config().extern_path("fixture.base", "crate::base::fixture::base").generate(&["split/app.proto"]).unwrap();
    assert_golden("split_app", &app);
    assert_eq!(
        messages(&app),
        ["fixture.app.Request", "fixture.app.Request.Body", "fixture.app.Reply", "fixture.app.Trailer"]
    );
}

/// The message as the judge reads it, in text format; nothing may be left over that it does not know.
fn decode(name: &str, bytes: &[u8]) -> String {
    let set = protox::compile(["split/app.proto"], [fixtures()]).unwrap();
    let descriptor = DescriptorPool::from_file_descriptor_set(set).unwrap().get_message_by_name(name).unwrap();
    let message = DynamicMessage::decode(descriptor, bytes).unwrap();
    assert_eq!(message.unknown_fields().count(), 0);
    message.to_text_format()
}

#[test]
fn messages_of_two_modules_are_written_as_one() {
    let mut buffer = [0; 256];
    let bytes = Request::encode(&mut buffer, |request| {
        request.set_id(|id| {
            id.set_value(1).set_kind(Kind::KIND_USER);
        });
        request.add_others(|id| {
            id.set_value(2);
        });
        request.add_kinds(&[Kind::KIND_USER, Kind::KIND_NONE]);
        request.add_by_name("a", |id| {
            id.set_value(3);
        });
        request.add_kind_of(-1, Kind::KIND_USER).set_envelope(|envelope| {
            envelope.set_trailer(|trailer| {
                trailer.set_status(Status::STATUS_OK);
            });
            envelope.add_route(&[Kind::KIND_USER]);
        });
    });
    assert_eq!(
        decode("fixture.app.Request", bytes.unwrap()),
        "id{value:1,kind:KIND_USER},others:[{value:2}],kinds:[KIND_USER,KIND_NONE],by_name:[{key:\"a\",value{value:3}}],\
         kind_of:[{key:-1,value:KIND_USER}],envelope{[fixture.app.trailer]{status:STATUS_OK},[fixture.app.route]:[KIND_USER]}"
    );
    // What the other module calls required is required here.
    let mut buffer = [0; 256];
    let missing = Request::encode(&mut buffer, |request| {
        request.add_others(|_| {});
    });
    assert_eq!(missing, Err(pftrace_wire::Error::RequiredMissing { field: "fixture.base.Id.value" }));
    // The extensions of a message of another module, on its own.
    let mut buffer = [0; 256];
    let bytes = Envelope::encode(&mut buffer, |envelope| {
        envelope.add_route(&[Kind::KIND_NONE]);
    });
    assert_eq!(decode("fixture.base.Envelope", bytes.unwrap()), "[fixture.app.route]:[KIND_NONE]");
}

#[test]
fn a_single_type_is_left_to_another_path() {
    let code = config().extern_path("fixture.base.Id.Kind", "::kinds::Any").generate(&["split/app.proto"]).unwrap();
    assert!(code.code().contains("pub fn add_kind_of(&mut self, key: i32, value: ::kinds::Any)"), "{}", code.code());
    assert!(messages(&code).contains(&"fixture.base.Id"));
    // The longest prefix wins, in whatever order they are given.
    let code = config().extern_path("fixture", "::all").extern_path("fixture.base.Id", "::ids::Id");
    let code = code.extern_path("fixture.app", "crate::app").root("fixture.app.Request").generate(&["split/app.proto"]);
    assert_eq!(messages(&code.unwrap()), [] as [&str; 0]);
}

#[test]
fn roots_bring_what_they_need_and_no_more() {
    let roots = |roots: &[&str]| {
        let config = roots.iter().fold(config(), |config, root| config.root(*root));
        config.generate(&["split/app.proto"]).unwrap()
    };
    let reply = roots(&["fixture.app.Reply"]);
    assert_eq!(messages(&reply), ["fixture.app.Reply"]);
    assert!(
        reply.code().contains("pub struct Status(i32)") && !reply.code().contains("Extensions"),
        "{}",
        reply.code()
    );
    // With a message come its extensions in the inputs, and what these need.
    let envelope = roots(&[".fixture.base.Envelope"]);
    assert_eq!(messages(&envelope), ["fixture.base.Id", "fixture.base.Envelope", "fixture.app.Trailer"]);
    assert!(envelope.code().contains("pub trait EnvelopeExtensions"));
    let leaf = roots(&["fixture.base.Leaf"]);
    assert_eq!(messages(&leaf), ["fixture.base.Unused", "fixture.base.Leaf"]);
    let kind = roots(&["fixture.base.Id.Kind"]);
    assert_eq!(messages(&kind), [] as [&str; 0]);
    assert!(kind.code().contains("pub struct Kind(i32)"));
    let both = roots(&["fixture.app.Reply", "fixture.base.Leaf", "fixture.app.Reply"]);
    assert_eq!(messages(&both), ["fixture.base.Unused", "fixture.base.Leaf", "fixture.app.Reply"]);
    for code in [reply, envelope, leaf, kind, both] {
        syn::parse_file(code.code()).unwrap();
    }
}

/// What an imported file declares is generated when it is asked for by name; an input's is with its message.
#[test]
fn extensions_are_roots() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write(
        "base.proto",
        "syntax = \"proto2\"; package base; message Order { optional int32 id = 1; extensions 100 to 200; }",
    );
    write(
        "imported.proto",
        "syntax = \"proto2\"; package imported; import \"base.proto\"; message Wrap { optional string paper = 1;
         extend base.Order { optional Wrap wrap = 100; } } extend base.Order { optional int32 other = 101; }",
    );
    write(
        "input.proto",
        "syntax = \"proto2\"; package input; import \"base.proto\"; import \"imported.proto\";
         extend base.Order { optional string note = 102; } message Apart { optional imported.Wrap wrap = 1; }",
    );
    let generate = |roots: &[&str]| {
        let config = roots.iter().fold(Config::new().include(dir.path()), |config, root| config.root(*root));
        config.generate(&["input.proto"])
    };
    let setters = |roots: &[&str]| {
        let generated = generate(roots).unwrap();
        syn::parse_file(generated.code()).unwrap();
        let orders = generated.writers().iter().filter(|writer| writer.message == "base.Order");
        let mut fields: Vec<_> =
            orders.flat_map(|order| order.setters.iter().map(|setter| setter.field.clone())).collect();
        fields.sort();
        (fields, messages(&generated).iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let (fields, names) = setters(&["imported.Wrap.wrap"]);
    assert_eq!(fields, ["id", "imported.Wrap.wrap", "input.note"]);
    assert_eq!(names, ["base.Order", "imported.Wrap"]);
    let (fields, names) = setters(&[".imported.other"]);
    assert_eq!(
        (&fields[..], &names[..]),
        (&["id", "imported.other", "input.note"].map(String::from)[..], &["base.Order".into()][..])
    );
    let (fields, _) = setters(&["base.Order"]);
    assert_eq!(fields, ["id", "input.note"]);
    let (fields, _) = setters(&["input.note", "imported.other"]);
    assert_eq!(fields, ["id", "imported.other", "input.note"]);
    assert!(matches!(generate(&["imported.wrap"]), Err(Error::UnknownType { .. })));
}

#[test]
fn roots_that_are_no_type() {
    for root in [
        "Reply",
        "fixture.app.Replies",
        "fixture.app",
        "fixture.app.Reply.status",
        "fixture.app.Request.ByNameEntry",
        "",
    ] {
        let error = config().root(root).generate(&["split/app.proto"]).unwrap_err();
        assert!(matches!(&error, Error::UnknownType { name } if name == root));
        assert_eq!(
            error.to_string(),
            format!("expected the full name of a message, enum or extension, found `{root}`")
        );
    }
}

#[test]
fn extern_paths_that_are_none() {
    // Modules of the output lie at different depths: a path has to mean the same in each.
    for path in ["", "a b", "::a::", "1", "::a::B<u8>", "a::b", "self::a", "super::a", "::a;use x", "\"a\""] {
        let error = config().extern_path("fixture.base", path).generate(&["split/app.proto"]).unwrap_err();
        assert!(matches!(&error, Error::Config { .. }), "{path}: {error}");
        assert_eq!(
            error.to_string(),
            format!(
                "expected the path of a Rust module or type that begins with `::` or `crate::` for `fixture.base`, found `{path}`"
            )
        );
    }
    // Mistyped: the types would be generated as if nothing had been said.
    for prefix in ["fixture.bse", "Fixture.base", "fixture.base.Id.kind", "fixture.base.Id.Kind.x", "base"] {
        let config = config().extern_path("fixture.base", "::base").extern_path(prefix, "::a");
        let error = config.generate(&["split/app.proto"]).unwrap_err();
        assert!(matches!(&error, Error::Config { .. }), "{prefix}: {error}");
        let text = format!("found `{prefix}`, which begins the name of none");
        assert_eq!(error.to_string(), format!("expected a package or type of the inputs for `::a`, {text}"));
    }
    for prefix in ["", ".", "a..b", "a."] {
        let error = config().extern_path(prefix, "::a").generate(&["split/app.proto"]).unwrap_err();
        assert!(matches!(&error, Error::Config { .. }), "{prefix}: {error}");
        assert_eq!(error.to_string(), format!("expected a package or type for `::a`, found `{prefix}`"));
    }
}
