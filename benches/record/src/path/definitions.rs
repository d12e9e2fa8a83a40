//! What packets name by number: an area that is only appended to. A chunk says at its end what it names; the reader looks it up
//! here and writes it before the chunk.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The names of events, by number.
#[derive(Debug)]
pub struct Definitions {
    names: Box<[OnceLock<Name>]>,
    next: AtomicU32,
}

const ROOM: usize = 16 << 10;

impl Definitions {
    pub fn new() -> Self {
        Self { names: (0..ROOM).map(|_| OnceLock::new()).collect(), next: AtomicU32::new(1) }
    }

    /// The number that a name has from now on. `None`: there is no room.
    pub fn define(&self, name: Name) -> Option<u32> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.names.get(number as usize)?.set(name).ok()?;
        Some(number)
    }

    pub fn name(&self, number: u32) -> Option<&Name> {
        self.names.get(number as usize)?.get()
    }
}

/// A short text.
#[derive(Debug, Clone, Copy)]
pub struct Name {
    len: u8,
    bytes: [u8; Self::MAX_LEN],
}

impl Name {
    const MAX_LEN: usize = 55;
    pub const EMPTY: Self = Self { len: 0, bytes: [0; Self::MAX_LEN] };

    pub fn new(text: &str) -> Option<Self> {
        let mut name = Self { len: text.len().try_into().ok()?, ..Self::EMPTY };
        name.bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(name)
    }

    #[inline(always)]
    pub fn text(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len).min(Self::MAX_LEN)]
    }
}
