//! How many instructions encoding takes, counted by valgrind: a number that does not depend on the machine's load.
//!
//! The counts below are those of x86-64 without extensions, in a release build with the profile of this workspace. When a change makes one
//! smaller, lower it here; when one grows, the change has to be worth it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use pftrace_testkit::tools;

/// Each function of `instructions/encode.rs`, and how many instructions one call takes.
const EXPECTED: [(&str, u64); 6] = [
    ("m1_slice", 195),
    ("m2_annotated", 479),
    ("m3_interned", 2490),
    ("m4_track", 352),
    ("m5_points", 7874),
    ("m6_mixed", 40536),
];

/// Compilers differ a little, and so do the C library's `memcpy`s.
const TOLERANCE: f64 = 0.05;

#[test]
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn encoding_takes_no_more_instructions_than_it_did() {
    let Some(valgrind) = valgrind() else { return };
    let program = build();
    let out = tempfile::NamedTempFile::new().unwrap();
    let run = Command::new(valgrind)
        .args(["--tool=callgrind", "--quiet"])
        .arg(format!("--callgrind-out-file={}", out.path().display()))
        .arg(&program)
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let profile = fs::read_to_string(out.path()).unwrap();
    let mut wrong = vec![];
    for (function, expected) in EXPECTED {
        let found = per_call(&profile, function);
        println!("{function}: {found} instructions, expected {expected}");
        if found as f64 > expected as f64 * (1.0 + TOLERANCE) || (found as f64) < expected as f64 * (1.0 - TOLERANCE) {
            wrong.push(format!("{function}: {found} instead of {expected}"));
        }
    }
    assert!(wrong.is_empty(), "instructions per message: {wrong:#?}");
}

fn valgrind() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join("valgrind")).find(|path| path.exists());
    tools::require(found.as_deref().and_then(Path::to_str).unwrap_or("valgrind"))
}

/// The program as users build it: a package of its own, which builds nothing but the writers.
fn build() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let package = tools::dir().join("../instructions");
    let manifest = format!(
        r#"
        package = {{ name = "instructions", version = "0.0.0", edition = "2024" }}
        bin = [{{ name = "encode", path = {main:?} }}]
        workspace = {{}}
        [dependencies]
        pftrace-protos = {{ path = {here:?} }}
        pftrace-wire = {{ path = {wire:?} }}
        [profile.release]
        lto = "fat"
        codegen-units = 1
        debug = "line-tables-only"
        "#,
        main = here.join("tests/instructions/encode.rs"),
        wire = here.join("../wire"),
    );
    fs::create_dir_all(&package).unwrap();
    fs::write(package.join("Cargo.toml"), manifest).unwrap();
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--release", "--offline", "--target-dir", "target"])
        .current_dir(&package)
        .env_remove("RUSTFLAGS")
        .status()
        .unwrap();
    assert!(built.success());
    package.join("target/release/encode")
}

/// The inclusive cost of one call of a function that `main` calls.
///
/// The format (<https://valgrind.org/docs/manual/cl-format.html>): `fn=` begins the lines of a function; `cfn=` names what it
/// calls, `calls=` follows with the number of calls, and the line after that has the cost of all of them. A name is written
/// out once, as `(7) name`, later it is `(7)`.
fn per_call(profile: &str, function: &str) -> u64 {
    let mut lines = profile.lines();
    let (mut calls, mut cost) = (0, 0);
    let mut id = None;
    while let Some(line) = lines.next() {
        let Some((_, name)) = line.split_once("fn=(") else { continue };
        let (number, name) = name.split_once(')').unwrap_or((name, ""));
        if name.contains(function) {
            id = Some(number);
        }
        if !line.starts_with("cfn=") || id != Some(number) {
            continue;
        }
        for line in lines.by_ref() {
            if let Some(count) = line.strip_prefix("calls=") {
                calls += count.split(' ').next().and_then(|count| count.parse::<u64>().ok()).unwrap();
                let line = lines.next().unwrap_or_default();
                cost += line.split(' ').nth(1).and_then(|cost| cost.parse::<u64>().ok()).unwrap();
                break;
            }
        }
    }
    assert!(calls > 0, "callgrind saw no call of {function}");
    cost / calls
}
