//! The program as users build it: a package of its own, as cargo builds it for release, or optimized as one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use pftrace_testkit::tools;

/// How much of a program is optimized at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Profile {
    /// All of it: `lto = "fat"` and one codegen unit, as in this workspace.
    Whole,
    /// What cargo has for release.
    Release,
}

/// Builds `program.rs`, by the machine's clock or by one that costs nothing and is the same each time.
pub(crate) fn build(profile: Profile, stub_clock: bool) -> PathBuf {
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
        [profile.whole]
        inherits = "release"
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
    let profile = match profile {
        Profile::Whole => "whole",
        Profile::Release => "release",
    };
    let options = ["build", "--quiet", "--profile", profile, "--offline", "--target-dir", target];
    cargo.args(options).current_dir(&package);
    // As the tests themselves may have been built.
    for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS"] {
        cargo.env_remove(variable);
    }
    if stub_clock {
        cargo.env("RUSTFLAGS", "--cfg pftrace_stub_clock");
    }
    assert!(cargo.status().unwrap().success());
    package.join(target).join(profile).join("locks")
}
