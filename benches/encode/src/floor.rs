//! What no encoder can beat: the finished bytes copied; a template patched; raw words stored.

use std::ptr;

use crate::args;

/// Copies finished bytes.
#[derive(Debug)]
pub struct Memcpy {
    finished: Vec<u8>,
    buffer: Vec<u8>,
}

impl Memcpy {
    #[must_use]
    pub fn new(finished: &[u8]) -> Self {
        Self { finished: finished.to_vec(), buffer: vec![0; 16 << 10] }
    }

    #[inline]
    pub fn copy(&mut self) -> &[u8] {
        // Else the length is known, and the copy is a few moves.
        let len = std::hint::black_box(self.finished.len());
        self.buffer[..len].copy_from_slice(&self.finished[..len]);
        &self.buffer[..len]
    }
}

/// M1 prepared once: only the timestamp varies, as a varint of six bytes.
#[derive(Debug)]
pub struct Template {
    finished: [u8; 32],
    len: usize,
    buffer: [u8; 32],
}

impl Template {
    #[must_use]
    pub fn new(finished: &[u8]) -> Self {
        let mut template = Self { finished: [0; 32], len: finished.len(), buffer: [0; 32] };
        template.finished[..finished.len()].copy_from_slice(finished);
        template
    }

    #[inline]
    pub fn slice(&mut self, a: &args::Slice) -> &[u8] {
        self.buffer = self.finished;
        for (i, byte) in self.buffer[1..7].iter_mut().enumerate() {
            *byte = (a.timestamp >> (7 * i)) as u8 & 0x7f | if i < 5 { 0x80 } else { 0 };
        }
        &self.buffer[..self.len]
    }
}

/// `SOLMsg` of Perfetto's protozero_benchmark.cc: each integer as a word, the string after them.
#[derive(Debug)]
pub struct SpeedOfLight;

/// The words of one message: four integers, 32 bytes of string, one to spare as there.
const WORDS: usize = 9;

impl SpeedOfLight {
    /// As there, into any place; returns the length.
    #[inline]
    pub fn store(a: &args::EveryField, levels: usize, to: &mut [u8]) -> usize {
        assert!(to.len() >= levels * WORDS * 8 && a.string.len() <= 32);
        for level in 0..levels {
            // SAFETY: the assertion.
            unsafe {
                let at = to.as_mut_ptr().add(level * WORDS * 8);
                at.cast::<i32>().write_unaligned(a.int32);
                at.add(8).cast::<u32>().write_unaligned(a.uint32);
                at.add(16).cast::<i64>().write_unaligned(a.int64);
                at.add(24).cast::<u64>().write_unaligned(a.uint64);
                ptr::copy_nonoverlapping(a.string.as_ptr(), at.add(32), a.string.len());
            }
        }
        levels * WORDS * 8
    }
}
