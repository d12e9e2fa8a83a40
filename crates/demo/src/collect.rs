//! What came of all files together.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::mpsc::Receiver;
use std::time::Duration;
use std::{fs, io};

use pftrace::{counter, instant, slice};

use crate::COLLECT;
use crate::file::Finding;
use crate::outline::{Function, Lines};

/// What came of all files together.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// How many there are.
    pub files: usize,
    /// Their bytes.
    pub bytes: usize,
    /// Their bytes when each is compressed.
    pub compressed_bytes: usize,
    /// Their lines.
    pub lines: Lines,
    /// Functions that have a body.
    pub functions: usize,
    /// Structs, enums and traits that have one.
    pub types: usize,
    /// Blocks that are `unsafe`.
    pub unsafe_blocks: usize,
    /// The longest function, and the file that it is in.
    pub longest: Option<(Function, String)>,
    /// How many files have the content of another one.
    pub duplicates: usize,
    /// Their bytes.
    pub duplicate_bytes: usize,
    /// How long the workers worked, all together.
    pub work: Duration,
}

/// Takes what workers found until there are no more of them.
pub(crate) fn collect(findings: Receiver<Finding>) -> io::Result<Totals> {
    let mut totals = Totals::default();
    // Where contents were seen first, by length and hash.
    let mut seen = HashMap::<(usize, u64), Vec<PathBuf>>::new();
    for finding in findings {
        let _collect = slice!(COLLECT, "collect");
        let first = seen.entry((finding.bytes, finding.hash)).or_default();
        let mut is_new = true;
        for path in &*first {
            let _compare = slice!(COLLECT, "compare", file = %finding.source.path.display(), with = %path.display());
            if fs::read(&finding.source.path)? == fs::read(path)? {
                is_new = false;
                break;
            }
        }
        if is_new {
            first.push(finding.source.path.clone());
        } else {
            instant!(COLLECT, "duplicate", file = finding.source.name);
            totals.duplicates += 1;
            totals.duplicate_bytes += finding.bytes;
        }
        totals.add(finding);
        counter!(COLLECT, "bytes read", totals.bytes);
        counter!(COLLECT, "bytes when compressed", totals.compressed_bytes);
    }
    Ok(totals)
}

impl Totals {
    fn add(&mut self, finding: Finding) {
        self.files += 1;
        self.bytes += finding.bytes;
        self.compressed_bytes += finding.compressed_bytes;
        self.work += finding.took;
        let Some(outline) = finding.outline else { return };
        self.lines.code += outline.lines.code;
        self.lines.comment += outline.lines.comment;
        self.lines.blank += outline.lines.blank;
        self.functions += outline.functions;
        self.types += outline.types;
        self.unsafe_blocks += outline.unsafe_blocks;
        let so_far = self.longest.as_ref().map_or(0, |(function, _)| function.lines);
        if let Some(longest) = outline.longest.filter(|longest| longest.lines > so_far) {
            self.longest = Some((longest, finding.source.name));
        }
    }
}
