//! Where the messages come from.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use pftrace_codegen::Config;

use crate::{explicit, glue, tree};

/// .proto files, in either of the ways that the generator reads them.
pub(crate) enum Source {
    /// Text: files below a folder, by their names in it.
    Text { root: PathBuf, files: Vec<String> },
    /// What another compiler has made of them.
    DescriptorSet(PathBuf),
}

const DESCRIPTOR_SET: &str = "PFTRACE_DESCRIPTOR_SET";
const PROTO_ROOT: &str = "PFTRACE_PROTO_ROOT";
const PROTO_FILES: &str = "PFTRACE_PROTO_FILES";

/// What the environment asks for; the official tree if nothing.
pub(crate) fn from_environment() -> Result<Source, Box<dyn Error>> {
    let [set, root, files] = [DESCRIPTOR_SET, PROTO_ROOT, PROTO_FILES].map(|name| {
        println!("cargo:rerun-if-env-changed={name}");
        std::env::var(name).ok().filter(|value| !value.is_empty())
    });
    match (set, root, files) {
        (Some(set), None, None) => Ok(Source::DescriptorSet(set.into())),
        (None, Some(root), files) => {
            let root = PathBuf::from(root);
            let files = match files {
                Some(files) => files.split([' ', ':', '\n']).filter(|file| !file.is_empty()).map(Into::into).collect(),
                None => all_files(&root, &root)?,
            };
            Ok(Source::Text { root, files })
        }
        (None, None, None) => {
            let root = tree::official_tree();
            let files = tree::official_inputs(&root);
            let files = files.iter().map(|file| name_below(&root, file)).collect::<Result<_, _>>()?;
            Ok(Source::Text { root, files })
        }
        _ => Err(format!("expected either {DESCRIPTOR_SET} or {PROTO_ROOT}, with {PROTO_FILES} or without").into()),
    }
}

impl Source {
    /// Writes into `out` the writers, `{name}_writers.rs`; the descriptors of the decoder, `{name}.binpb`; `{name}.rs`, which
    /// has both and the glue between them; and for the judge the descriptors as they were, `{name}_original.binpb`.
    pub(crate) fn generate(&self, name: &str, out: &Path) -> Result<(), Box<dyn Error>> {
        let writers = out.join(format!("{name}_writers.rs"));
        let (generated, set) = match self {
            Self::Text { root, files } => {
                let mut compiler = protox::Compiler::new([root])?;
                compiler.include_imports(true).open_files(files)?;
                // The imports too: the decoder knows the extensions in them.
                let all = compiler.files().filter_map(|file| file.path()).collect::<Vec<_>>();
                (Config::new().include(root).compile(&all, writers)?, compiler.encode_file_descriptor_set())
            }
            Self::DescriptorSet(file) => {
                let generated = Config::new().descriptor_set(file).compile(&[""; 0], writers)?;
                (generated, fs::read(file)?)
            }
        };
        // What this script itself has written is newer than its start: cargo would run it each time, and build all anew.
        if !self.is_below(out) {
            generated.print_cargo_directives();
        }
        let explicit = explicit::rewrite(&set)?;
        fs::write(out.join(format!("{name}_original.binpb")), &set)?;
        fs::write(out.join(format!("{name}.binpb")), &explicit.descriptor_set)?;
        fs::write(out.join(format!("{name}.rs")), glue::glue(name, &generated, &explicit.implicit))?;
        Ok(())
    }

    fn is_below(&self, folder: &Path) -> bool {
        let (Self::Text { root: path, .. } | Self::DescriptorSet(path)) = self;
        path.starts_with(folder)
    }
}

fn all_files(root: &Path, dir: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(all_files(root, &path)?);
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(name_below(root, &path)?);
        }
    }
    files.sort();
    Ok(files)
}

fn name_below(root: &Path, file: &Path) -> Result<String, Box<dyn Error>> {
    let name = file.strip_prefix(root)?.to_str().ok_or_else(|| format!("{}: expected UTF-8", file.display()))?;
    Ok(name.replace('\\', "/"))
}
