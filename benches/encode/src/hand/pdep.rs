//! Packed varints as fast as a processor with BMI2 writes them: branch-free, whatever their lengths.

use std::arch::x86_64::{_bzhi_u64, _pdep_u64};

use crate::args;

/// The packed `ids` alone, with `pdep`.
#[derive(Debug)]
pub struct Pdep {
    buffer: Vec<u8>,
}

impl Pdep {
    /// `None` where the processor has no BMI2.
    #[must_use]
    pub fn new() -> Option<Self> {
        is_x86_feature_detected!("bmi2").then(|| Self { buffer: vec![0; 16 << 10] })
    }

    #[inline]
    pub fn packed(&mut self, a: &args::Mixed) -> &[u8] {
        assert!(self.buffer.len() >= a.ids.len() * 10 + 16);
        // The length takes two bytes for all arguments that are measured; that is asserted below.
        let start = self.buffer.as_mut_ptr();
        // SAFETY: `new` has seen the feature, and the assertion the room.
        let end = unsafe { varints(start.add(3), &a.ids) };
        let len = end.addr() - start.addr() - 3;
        assert!((1 << 7..1 << 14).contains(&len));
        self.buffer[..3].copy_from_slice(&[0x12, len as u8 | 0x80, (len >> 7) as u8]);
        &self.buffer[..len + 3]
    }
}

/// # Safety
///
/// There are ten bytes for each value at `at`.
#[target_feature(enable = "bmi2,lzcnt")]
unsafe fn varints(mut at: *mut u8, values: &[u64]) -> *mut u8 {
    for &value in values {
        let len = ((63 - (value | 1).leading_zeros()) * 9 + 73) / 64;
        let groups = _pdep_u64(value, 0x7f7f_7f7f_7f7f_7f7f);
        let more = _bzhi_u64(0x8080_8080_8080_8080, 8 * (len - 1));
        let ninth = (value >> 56) as u16 & 0x7f | if len > 9 { 0x80 } else { 0 };
        // SAFETY: the caller's.
        unsafe {
            at.cast::<u64>().write_unaligned(groups | more);
            at.add(8).cast::<u16>().write_unaligned(ninth | ((value >> 63) as u16) << 8);
            at = at.add(len as usize);
        }
    }
    at
}
