//! Where the judges are installed, and what happens to a test when one is not.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The folder that `make tools` installs into: `$PFTRACE_TOOLS`, else `target/tools` of this workspace.
#[must_use]
pub fn dir() -> PathBuf {
    match std::env::var_os("PFTRACE_TOOLS") {
        Some(dir) => dir.into(),
        None => workspace().join("target/tools"),
    }
}

/// The root of this workspace.
#[must_use]
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The path of an installed tool; `None` if the test has to be skipped, which is then noted in `skips.log`.
///
/// # Panics
///
/// When the tool is missing and `$CI` is set: there nothing may be skipped.
#[must_use]
pub fn require(path_in_dir: &str) -> Option<PathBuf> {
    let path = dir().join(path_in_dir);
    if path.exists() {
        return Some(path);
    }
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let note = format!("{test}: {} is not installed, run `make tools`", path.display());
    assert!(std::env::var_os("CI").is_none(), "{note}");
    eprintln!("SKIP {note}");
    let log = OpenOptions::new().create(true).append(true).open(dir().join("skips.log"));
    // Where the folder itself is missing the line above is all there is.
    if let Ok(mut log) = log {
        _ = writeln!(log, "{note}");
    }
    None
}
