//! A tree of sources that is there wherever this program can be built: what this workspace depends on.

use std::path::PathBuf;
use std::process::Command;
use std::{env, io};

use serde_json::Value;

/// The folders of all packages that this workspace is built of and that are not its own, on this system. Cargo finds them,
/// and fetches what is not there yet.
///
/// # Errors
///
/// What cargo says when it can't.
pub fn packages() -> io::Result<Vec<PathBuf>> {
    let rustc = env::var_os("RUSTC").unwrap_or("rustc".into());
    let version = output(Command::new(rustc).arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).ok_or(wrong("rustc -vV names no host"))?;

    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    cargo.args(["metadata", "--locked", "--quiet", "--format-version", "1", "--filter-platform", host]);
    let metadata = output(cargo.args(["--manifest-path", manifest]))?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let packages = metadata["packages"].as_array().ok_or(wrong("cargo metadata lists no packages"))?;
    let mut folders: Vec<_> = packages
        .iter()
        // Those of the workspace have no source, and can change at any time.
        .filter(|package| !package["source"].is_null())
        .filter_map(|package| Some(PathBuf::from(package["manifest_path"].as_str()?).parent()?.to_path_buf()))
        .collect();
    folders.sort();
    Ok(folders)
}

fn output(command: &mut Command) -> io::Result<String> {
    let output = command.output()?;
    match output.status.success() {
        true => String::from_utf8(output.stdout).map_err(io::Error::other),
        false => Err(wrong(String::from_utf8_lossy(&output.stderr).trim())),
    }
}

fn wrong(what: &str) -> io::Error {
    io::Error::other(what.to_owned())
}
