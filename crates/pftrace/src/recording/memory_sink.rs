//! A trace in memory.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::vec::Vec;

use super::stats::lock;

/// A sink in memory: all its clones are the same one.
///
/// ```
/// use pftrace::{MemorySink, Session, instant};
///
/// let memory = MemorySink::new();
/// let session = Session::builder().writer(memory.clone()).start()?;
/// instant!("example", "here");
/// let report = session.stop()?;
/// assert_eq!(memory.take().len() as u64, report.bytes);
/// assert!(memory.take().is_empty()); // it has been taken
/// # Ok::<(), pftrace::SessionError>(())
/// ```
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
