//! Storing, unchecked: whoever calls has made sure of the room.

use core::ptr;

use super::Head;
use crate::varint::{self, MAX_VARINT_LEN, WireType};

impl Head {
    /// # Safety
    ///
    /// There is room for `bytes`.
    #[inline]
    pub(super) unsafe fn put(&mut self, bytes: &[u8]) {
        // SAFETY: the room is free, in the buffer that only we may touch: so it can't overlap `bytes` either.
        unsafe {
            ptr::copy_nonoverlapping(bytes.as_ptr(), self.cur, bytes.len());
            self.cur = self.cur.add(bytes.len());
        }
    }

    /// # Safety
    ///
    /// There is room for [`MAX_VARINT_LEN`] bytes, of whatever length the varint is.
    #[inline]
    pub(super) unsafe fn put_varint(&mut self, value: u64) {
        // SAFETY: the caller's.
        unsafe {
            if value < 1 << 7 {
                self.put(&[value as u8]);
            } else if value < 1 << 14 {
                self.put(&[value as u8 | 0x80, (value >> 7) as u8]);
            } else {
                self.cur = put_long_varint(self.cur, value);
            }
        }
    }
}

/// The varint of any value; returns where it ends. What its length is below nine bytes makes no difference.
///
/// # Safety
///
/// Ten bytes may be written at `at`.
#[inline]
pub(super) unsafe fn put_any_varint(at: *mut u8, value: u64) -> *mut u8 {
    let (bytes, len) = varint::spread_fast(value);
    // SAFETY: the caller's; `len` is at most ten.
    unsafe {
        ptr::copy_nonoverlapping(bytes.as_ptr(), at, bytes.len());
        at.add(len)
    }
}

/// A varint of three bytes or more, out of line; returns where it ends.
///
/// # Safety
///
/// `value` takes three bytes or more. Ten bytes may be written at `at`.
#[inline(never)]
unsafe fn put_long_varint(at: *mut u8, value: u64) -> *mut u8 {
    // SAFETY: the caller's.
    unsafe {
        if value >> 35 != 0 {
            return put_any_varint(at, value);
        }
        // Three to five bytes: the same in half the instructions.
        let x = value as u32;
        let groups = x & 0x7f | x << 1 & 0x7f00 | x << 2 & 0x7f_0000 | x << 3 & 0x7f00_0000;
        let empty = u32::from(value < 1 << 28) + u32::from(value < 1 << 21);
        at.cast::<[u8; 4]>().write((groups | 0x8080_8080 >> (8 * empty)).to_le_bytes());
        at.add(4).write((value >> 28) as u8);
        at.add(5 - empty as usize)
    }
}

/// The varint of a field's tag, made at compile time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tag {
    bytes: [u8; MAX_VARINT_LEN],
    pub(super) len: usize,
}

impl Tag {
    pub(super) const fn new(number: u32, wire_type: WireType) -> Self {
        let (bytes, len) = varint::spread(varint::tag(number, wire_type) as u64);
        Self { bytes, len }
    }

    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        // Not an index: a function that might panic keeps its callers from keeping the head in registers.
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// The wire types of [`Cursor::fixed`] and [`Cursor::group_tag`]; const generics can't be enums.
pub(super) const fn wire_type(number: u8) -> WireType {
    match number {
        0 => WireType::Varint,
        1 => WireType::Fixed64,
        3 => WireType::StartGroup,
        4 => WireType::EndGroup,
        5 => WireType::Fixed32,
        _ => panic!("not the wire type of a value of fixed length, nor of a group"),
    }
}
