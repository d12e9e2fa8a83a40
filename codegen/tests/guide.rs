//! docs/codegen.md shows what there is. Its Rust is compiled and run as doctests of examples/build-script.
#![cfg(feature = "cli")]

use std::path::Path;
use std::process::Command;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn the_guide_has_the_help_of_the_command() {
    let help = Command::new(env!("CARGO_BIN_EXE_pftrace-codegen")).arg("--help").output().unwrap().stdout;
    let help = String::from_utf8(help).unwrap();
    assert!(read("../docs/codegen.md").contains(&format!("```text\n{help}```\n")), "{help}");
}

#[test]
fn the_guide_has_the_files_of_the_example() {
    let guide = read("../docs/codegen.md");
    for name in ["proto/shapes.proto", "proto/legacy.proto"] {
        let text = read(&format!("examples/build-script/{name}"));
        assert!(guide.contains(&format!("```protobuf\n{text}```\n")), "{name}");
    }
    let build = read("examples/build-script/build.rs");
    let code = build.split_once("\n\n").unwrap().1;
    assert!(guide.contains(&format!("```rust,no_run\n{code}```\n")), "build.rs");
    let module = "mod generated {\n    include!(concat!(env!(\"OUT_DIR\"), \"/shapes.rs\"));\n}\n\npub use generated::{legacy, shapes::*};\n";
    assert!(guide.contains(module) && read("examples/build-script/src/lib.rs").contains(module), "lib.rs");
}
