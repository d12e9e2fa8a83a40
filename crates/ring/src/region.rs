//! The memory: `chunks` pieces of `chunk_len` bytes, one behind the other.

use std::io;

/// Memory that is there from the start: every page has been written to, so that none is missing later.
pub(crate) struct Region {
    memory: memmap2::MmapMut,
    base: *mut u8,
    chunk_len: usize,
}

// SAFETY: the memory is only reached through `chunk`, whose callers say who may touch what; the rest is never changed.
unsafe impl Send for Region {}
// SAFETY: as above.
unsafe impl Sync for Region {}

impl Region {
    pub(crate) fn new(chunks: u32, chunk_len: u32) -> io::Result<Self> {
        let chunk_len = chunk_len as usize;
        let len = chunk_len.checked_mul(chunks as usize).ok_or(io::ErrorKind::OutOfMemory)?;
        let mut memory = memmap2::MmapMut::map_anon(len)?;
        prefer_huge_pages(&memory);
        // A page that has never been written to costs as much as a hundred events when one is.
        memory.fill(0xff);
        let base = memory.as_mut_ptr();
        Ok(Self { memory, base, chunk_len })
    }

    pub(crate) fn chunk_len(&self) -> u32 {
        self.chunk_len as u32
    }

    /// Gives the memory back to the system; addresses stay valid, what was there is gone. Only when nobody reads or writes it.
    pub(crate) fn give_back(&self) {
        #[cfg(unix)]
        // SAFETY: all chunks are out of use, so nobody has a reference into them. Refused, the memory just stays.
        unsafe {
            _ = self.memory.unchecked_advise(memmap2::UncheckedAdvice::DontNeed);
        }
    }

    /// The first byte of a chunk; `chunk_len` bytes from there on are its.
    pub(crate) fn chunk(&self, index: u32) -> *mut u8 {
        let offset = self.chunk_len * index as usize;
        assert!(offset < self.memory.len());
        // SAFETY: within the mapping, which has just been checked.
        unsafe { self.base.add(offset) }
    }
}

/// Where they can't be had, small pages do.
#[cfg(target_os = "linux")]
fn prefer_huge_pages(memory: &memmap2::MmapMut) {
    _ = memory.advise(memmap2::Advice::HugePage);
}

#[cfg(not(target_os = "linux"))]
fn prefer_huge_pages(_: &memmap2::MmapMut) {}

impl std::fmt::Debug for Region {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Region").field("len", &self.memory.len()).field("chunk_len", &self.chunk_len).finish()
    }
}
