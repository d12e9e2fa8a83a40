//! The words of the chunks, where a forked child does not see them.

use crate::sync::AtomicU64;

/// A word, on cache lines that it shares with no other.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Slot {
    pub(crate) word: AtomicU64,
}

#[cfg(not(loom))]
pub(crate) use mapped::Words;

#[cfg(not(loom))]
mod mapped {
    use std::{io, slice};

    use super::Slot;
    use crate::sync::Ordering;

    /// Says that these are the words, and not the zeros that a child sees.
    const HERE: u64 = 0x7066_7472_6163_6521;

    /// All zero at first: [`Word::FREE`](crate::word::Word::FREE).
    ///
    /// In a forked child they are zero again, whatever they were: no writer finds what it expects there, so nothing
    /// is written, and noticing it costs nothing. That is Linux; elsewhere the number of the process tells the child.
    #[derive(Debug)]
    pub(crate) struct Words {
        /// Slots; one more, in front, tells the child.
        memory: memmap2::MmapMut,
        #[cfg(not(target_os = "linux"))]
        process: u32,
    }

    impl Words {
        pub(crate) fn new(count: u32) -> io::Result<Self> {
            let memory = memmap2::MmapMut::map_anon(size_of::<Slot>() * (count as usize + 1))?;
            #[cfg(target_os = "linux")]
            wipe_on_fork(&memory)?;
            let this = Self {
                memory,
                #[cfg(not(target_os = "linux"))]
                process: std::process::id(),
            };
            this.all()[0].word.store(HERE, Ordering::Relaxed);
            Ok(this)
        }

        fn all(&self) -> &[Slot] {
            let count = self.memory.len() / size_of::<Slot>();
            // SAFETY: a mapping is aligned to pages, is ours, and all zero is a valid slot; it is only reached as slots.
            unsafe { slice::from_raw_parts(self.memory.as_ptr().cast(), count) }
        }

        pub(crate) fn slots(&self) -> &[Slot] {
            &self.all()[1..]
        }

        /// Whether we are a child of the process that made them.
        pub(crate) fn are_wiped(&self) -> bool {
            #[cfg(not(target_os = "linux"))]
            if std::process::id() != self.process {
                return true;
            }
            self.all()[0].word.load(Ordering::Relaxed) != HERE
        }
    }

    #[cfg(target_os = "linux")]
    fn wipe_on_fork(memory: &memmap2::MmapMut) -> io::Result<()> {
        // SAFETY: the range is a private anonymous mapping of ours; the advice says what a child sees, and changes nothing here.
        let result = unsafe { libc::madvise(memory.as_ptr().cast_mut().cast(), memory.len(), libc::MADV_WIPEONFORK) };
        if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

/// Loom's atomics are no plain memory.
#[cfg(loom)]
#[derive(Debug)]
pub(crate) struct Words(Box<[Slot]>);

#[cfg(loom)]
impl Words {
    pub(crate) fn new(count: u32) -> std::io::Result<Self> {
        Ok(Self((0..count).map(|_| Slot { word: AtomicU64::new(0) }).collect()))
    }

    pub(crate) fn slots(&self) -> &[Slot] {
        &self.0
    }

    pub(crate) fn are_wiped(&self) -> bool {
        false
    }
}
