//! Which file would be overwritten by which.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;

/// Fails when what is written to `path` would overwrite one of `others`.
pub(crate) fn refuse(path: &Path, others: impl IntoIterator<Item = impl AsRef<Path>>) -> Result<(), Error> {
    let Some(whole) = overwritten(path) else { return Ok(()) };
    let mut others = others.into_iter();
    match others.find(|other| overwritten(other.as_ref()).as_ref() == Some(&whole)) {
        Some(other) => Err(Error::Overwrites { path: path.to_owned(), other: other.as_ref().to_owned() }),
        None => Ok(()),
    }
}

/// The whole path of the file that writing to `path` overwrites or makes. Nothing of `/dev/null` is overwritten.
fn overwritten(path: &Path) -> Option<PathBuf> {
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return None;
    }
    fs::canonicalize(path).ok().or_else(|| made(path))
}

/// Of a file that is not there yet.
fn made(path: &Path) -> Option<PathBuf> {
    let (parent, name) = (path.parent()?, path.file_name()?);
    let parent = if parent == Path::new("") { Path::new(".") } else { parent };
    Some(fs::canonicalize(parent).ok()?.join(name))
}
