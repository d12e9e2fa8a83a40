//! What recording takes is locked: the instructions of each hot form, and the assembly of the hottest. `PFTRACE_BLESS=1` takes over
//! what is found now; review the difference.
#![cfg(all(target_arch = "x86_64", target_os = "linux", feature = "recording", not(feature = "off")))]

mod assembly;
mod instructions;
mod package;

use std::path::{Path, PathBuf};
use std::process::Command;

use pftrace_testkit::tools;

/// What was found before, in a file beside this one.
fn expected(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/locks").join(name)
}

fn is_blessed() -> bool {
    std::env::var_os("PFTRACE_BLESS").is_some()
}

/// A program on the PATH; `None` if the test has to be skipped, which is then noted.
fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.exists());
    tools::require(found.as_deref().and_then(Path::to_str).unwrap_or(name))
}

/// The compiler's version, as the expected files name it in their first line.
fn rustc() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_whitespace().nth(1).unwrap().to_owned()
}

/// The version in `# rustc 1.2.3 …`.
fn rustc_of(text: &str) -> &str {
    text.strip_prefix("# rustc ").and_then(|rest| rest.split_whitespace().next()).unwrap_or("none")
}
