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

/// A file that writing to a path overwrites or makes.
#[derive(PartialEq, Eq)]
enum Overwritten {
    /// Its whole path.
    Path(PathBuf),
    /// Its device and number there: it may have several paths.
    #[cfg(unix)]
    Inode(u64, u64),
}

/// Nothing of `/dev/null` is overwritten.
fn overwritten(path: &Path) -> Option<Overwritten> {
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => None,
        #[cfg(unix)]
        Ok(found) => {
            use std::os::unix::fs::MetadataExt;
            Some(Overwritten::Inode(found.dev(), found.ino()))
        }
        _ => fs::canonicalize(path).ok().or_else(|| made(path)).map(Overwritten::Path),
    }
}

/// The whole path of a file that is not there yet.
fn made(path: &Path) -> Option<PathBuf> {
    let (parent, name) = (path.parent()?, path.file_name()?);
    let parent = if parent == Path::new("") { Path::new(".") } else { parent };
    Some(fs::canonicalize(parent).ok()?.join(name))
}
