//! The official Perfetto tree.
//!
//! Its .proto files are those of the package `perfetto_protos`, which is downloaded when it is not there, and never built.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of the package.
pub(crate) fn official_tree() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let output = Command::new(cargo).args(["metadata", "--format-version=1", "--manifest-path"]).arg(manifest).output();
    let json = String::from_utf8(output.unwrap().stdout).unwrap();
    let end = json.find("perfetto_protos-0.51.1/Cargo.toml").expect("perfetto_protos in the output of cargo metadata");
    let start = json[..end].rfind('"').unwrap() + 1;
    PathBuf::from(&json[start..end]).join("perfetto_protos-0.51.1")
}

/// The whole tree, but for files that declare again what others declare: merged ones, and some that nothing imports.
pub(crate) fn official_inputs(tree: &Path) -> Vec<PathBuf> {
    const AGAIN: [&str; 7] = [
        "trace/perfetto_trace.proto",
        "config/perfetto_config.proto",
        "metrics/perfetto_merged_metrics.proto",
        "system_info/system_info_config.proto",
        "ftrace/kfree.proto",
        "ftrace/kmalloc.proto",
        "ftrace/print.proto",
    ];
    let mut all = Vec::new();
    files(&tree.join("protos"), &mut all);
    all.retain(|path| !AGAIN.iter().any(|again| path.ends_with(again)));
    all.sort();
    all
}

/// All files below `dir`.
fn files(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            out.push(path);
        }
    }
}
