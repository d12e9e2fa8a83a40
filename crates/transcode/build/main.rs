//! Generates the writers of a tree of .proto files, and what calls them with what a decoder has read.
//!
//! The tree is chosen by the environment: see the crate's documentation. Beside it the tests get three small ones of their
//! own.

mod explicit;
mod glue;
mod source;
#[path = "../../../codegen/tests/tree/mod.rs"]
mod tree;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use crate::source::Source;

fn main() -> Result<(), Box<dyn Error>> {
    for changed in ["build", "tests/fixtures", "../../codegen/src/builtin"] {
        println!("cargo:rerun-if-changed={changed}");
    }
    let out = std::env::var("OUT_DIR")?;
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let fixtures = here.join("tests/fixtures");
    let language = here.join("../../codegen/tests/fixtures");
    let well_known = well_known_root(here, &fixtures, Path::new(&out))?;
    let sources = [
        ("built", source::from_environment()?),
        ("language", Source::Text { root: language, files: vec!["everything.proto".into(), "plain.proto".into()] }),
        ("well_known", Source::Text { root: well_known, files: vec!["well_known.proto".into()] }),
        ("editions", Source::DescriptorSet(fixtures.join("editions.binpb"))),
    ];
    for (name, source) in sources {
        source.generate(name, Path::new(&out)).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(())
}

/// A folder with the generator's own copies of google/protobuf/*.proto, so that the decoder does not take other ones.
fn well_known_root(here: &Path, fixtures: &Path, out: &Path) -> std::io::Result<PathBuf> {
    let root = out.join("well_known");
    let google = root.join("google/protobuf");
    fs::create_dir_all(&google)?;
    fs::copy(fixtures.join("well_known.proto"), root.join("well_known.proto"))?;
    for entry in fs::read_dir(here.join("../../codegen/src/builtin"))? {
        let path = entry?.path();
        fs::copy(&path, google.join(path.file_name().unwrap_or_default()))?;
    }
    Ok(root)
}
