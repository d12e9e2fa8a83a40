//! The program as users build it: a package of its own, in a release build with the profile of this workspace.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use pftrace_testkit::tools;

/// Builds `program.rs`, by the machine's clock or by one that costs nothing and is the same each time.
pub(crate) fn build(stub_clock: bool) -> PathBuf {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let package = tools::dir().join("../locks");
    let manifest = format!(
        r#"
        package = {{ name = "locks", version = "0.0.0", edition = "2024" }}
        bin = [{{ name = "locks", path = {program:?} }}]
        workspace = {{}}
        [dependencies]
        pftrace = {{ path = {here:?} }}
        [profile.release]
        lto = "fat"
        codegen-units = 1
        debug = "line-tables-only"
        "#,
        program = here.join("tests/locks/program.rs"),
    );
    fs::create_dir_all(&package).unwrap();
    fs::write(package.join("Cargo.toml"), manifest).unwrap();
    let target = if stub_clock { "stub" } else { "real" };
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--release", "--offline", "--target-dir", target]).current_dir(&package);
    // As the tests themselves may have been built.
    for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS"] {
        cargo.env_remove(variable);
    }
    if stub_clock {
        cargo.env("RUSTFLAGS", "--cfg pftrace_stub_clock");
    }
    assert!(cargo.status().unwrap().success());
    package.join(target).join("release/locks")
}
