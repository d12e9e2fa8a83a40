//! What is done with one file.

use std::fs::File;
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::DeflateEncoder;
use pftrace::slice;

use crate::outline::{Outline, outline};
use crate::{COMPRESS, FILE};

/// A file that was found.
#[derive(Debug)]
pub(crate) struct Source {
    /// From its tree on: what it is called in the trace.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

/// What is known of it then.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) source: Source,
    pub(crate) bytes: usize,
    pub(crate) hash: u64,
    pub(crate) compressed_bytes: usize,
    /// Of what is no UTF-8 there is none.
    pub(crate) outline: Option<Outline>,
    pub(crate) took: Duration,
}

/// What a file is compressed in.
const BLOCK_BYTES: usize = 64 << 10;

/// Looks at files, one after the other: what it needs memory for, it keeps.
#[derive(Debug, Default)]
pub(crate) struct Examiner {
    content: Vec<u8>,
    compressed: Vec<u8>,
}

impl Examiner {
    pub(crate) fn examine(&mut self, source: Source) -> io::Result<Finding> {
        let begin = Instant::now();
        let file = File::open(&source.path)?;
        let _file = slice!(FILE, &source.name, bytes = file.metadata()?.len());
        self.read(file)?;
        let hash = self.hash();
        let outline = self.outline();
        let compressed_bytes = self.compress()?;
        Ok(Finding { source, bytes: self.content.len(), hash, compressed_bytes, outline, took: begin.elapsed() })
    }

    fn read(&mut self, mut file: File) -> io::Result<()> {
        let _read = slice!(FILE, "read");
        self.content.clear();
        file.read_to_end(&mut self.content)?;
        Ok(())
    }

    /// Good enough to find candidates: files of the same hash are compared.
    fn hash(&self) -> u64 {
        let _hash = slice!(FILE, "hash", bytes = self.content.len());
        let mut hasher = DefaultHasher::new();
        hasher.write(&self.content);
        hasher.finish()
    }

    fn outline(&self) -> Option<Outline> {
        let _outline = slice!(FILE, "outline", bytes = self.content.len());
        std::str::from_utf8(&self.content).ok().map(outline)
    }

    fn compress(&mut self) -> io::Result<usize> {
        let _compress = slice!(FILE, "compress", bytes = self.content.len());
        self.compressed.clear();
        let mut encoder = DeflateEncoder::new(&mut self.compressed, Compression::default());
        for (number, block) in self.content.chunks(BLOCK_BYTES).enumerate() {
            let _block = slice!(COMPRESS, "block", number, bytes = block.len());
            encoder.write_all(block)?;
        }
        Ok(encoder.finish()?.len())
    }
}
