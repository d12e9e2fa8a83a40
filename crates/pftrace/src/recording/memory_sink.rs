//! A trace in memory.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::vec::Vec;

use super::stats::lock;

/// A sink in memory: all its clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct MemorySink(Arc<Mutex<Vec<u8>>>);

impl MemorySink {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What it has got since it was made, or since this was called last.
    #[must_use]
    pub fn take(&self) -> Vec<u8> {
        core::mem::take(&mut lock(&self.0))
    }
}

impl Write for MemorySink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
