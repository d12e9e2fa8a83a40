//! The code that is generated for the fixtures, word for word.
//!
//! `PFTRACE_BLESS=1 cargo test -p pftrace-codegen --test golden` takes over what is generated now. Review the difference.

use std::path::Path;

use pftrace_codegen::{Config, Generated};

fn generate(input: &str) -> Generated {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    Config::new().include(&fixtures).generate(&[fixtures.join(input)]).unwrap()
}

fn assert_golden(name: &str) {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.rs"));
    let generated = generate(&format!("{name}.proto"));
    if std::env::var_os("PFTRACE_BLESS").is_some() {
        std::fs::write(&golden, generated.code()).unwrap();
    }
    let expected = std::fs::read_to_string(&golden).unwrap();
    for (line, (found, expected)) in (1..).zip(generated.code().lines().zip(expected.lines())) {
        assert_eq!(found, expected, "line {line} differs from {}", golden.display());
    }
    assert_eq!(generated.code().len(), expected.len());
}

#[test]
fn fixtures_generate_the_golden_files() {
    assert_golden("everything");
    assert_golden("plain");
}

/// Another compiler's descriptors, with its own idea of which comment belongs where, lead to the same code.
#[test]
fn a_descriptor_set_generates_the_same() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut compiler = protox::Compiler::new([&fixtures]).unwrap();
    compiler.include_imports(true).include_source_info(true).open_files(["everything.proto", "plain.proto"]).unwrap();
    let set = std::env::temp_dir().join(format!("pftrace-codegen-set-{}.binpb", std::process::id()));
    std::fs::write(&set, compiler.encode_file_descriptor_set()).unwrap();
    for name in ["everything", "plain"] {
        let from_set = Config::new().descriptor_set(&set).generate(&[format!("{name}.proto")]).unwrap();
        let from_text = generate(&format!("{name}.proto"));
        let code = |generated: &Generated| {
            let lines = generated.code().lines().filter(|line| !line.trim_start().starts_with("///"));
            lines.filter(|line| !line.is_empty()).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(code(&from_set), code(&from_text));
        assert_eq!(from_set.writers(), from_text.writers());
    }
    let from_set = Config::new().descriptor_set(&set).generate(&["everything.proto"]).unwrap();
    for comment in ["/// One field of each scalar type.", "/// A colour.", "/// Trailing comment.", "/// No colour."] {
        assert!(from_set.code().contains(comment), "{comment}");
    }
    std::fs::remove_file(set).unwrap();
}

#[test]
fn what_is_left_out_is_noted() {
    let notes: Vec<_> = generate("everything.proto").notes().iter().map(ToString::to_string).collect();
    let expected = [
        "legacy.proto:8: fixture.legacy.unit: custom options are ignored",
        "everything.proto:161: fixture.all.Ignored: services are ignored",
    ];
    assert_eq!(notes, expected);
}

#[test]
fn the_same_inputs_generate_the_same_code() {
    let first = generate("everything.proto");
    for _ in 0..5 {
        assert_eq!(generate("everything.proto").code(), first.code());
    }
}

#[test]
fn inputs_in_any_order_generate_the_same_types() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let generate = |inputs: &[&str]| {
        let generated = Config::new().include(&fixtures).generate(inputs).unwrap();
        let mut lines: Vec<_> = generated.code().lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let one = generate(&["everything.proto", "legacy.proto", "other/types.proto"]);
    let other = generate(&["other/types.proto", "legacy.proto", "everything.proto"]);
    assert_eq!(one, other);
}
