//! From .proto files to declarations, with places, comments and the types that names mean.
//!
//! This is the one door to what stands behind: another parser, or a descriptor set from another compiler, would have to
//! return the same.

use std::path::PathBuf;

use crate::check::{self, Note, Types};
use crate::error::Error;
use crate::load::{self, Sources};
use crate::observer::Watch;

/// Files that are legal, and that the generator can write.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) sources: Sources,
    pub(crate) types: Types,
    pub(crate) notes: Vec<Note>,
}

/// Reads `inputs` and all they import, and checks them.
pub(crate) fn read(
    inputs: &[PathBuf],
    includes: &[PathBuf],
    skip_unsupported: bool,
    watch: Watch<'_>,
) -> Result<Parsed, Error> {
    let sources = load::load(inputs, includes, watch)?;
    let checked = check::check(&sources, skip_unsupported, watch)?;
    Ok(Parsed {
        sources,
        types: checked.types,
        notes: checked.notes,
    })
}
