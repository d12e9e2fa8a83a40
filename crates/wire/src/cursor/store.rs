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

    /// The content of a string or of bytes. Those of 8 to 32 bytes, as names are, without a call: from both ends to the middle.
    ///
    /// # Safety
    ///
    /// There is room for `bytes`.
    #[inline]
    pub(super) unsafe fn put_content(&mut self, bytes: &[u8]) {
        // SAFETY: the caller's; and the length is what the arm says.
        unsafe {
            match bytes.len() {
                8..=16 => self.put_ends::<8>(bytes),
                17..=32 => self.put_ends::<16>(bytes),
                _ => self.put(bytes),
            }
        }
    }

    /// # Safety
    ///
    /// There is room for `bytes`, which are from `END` to twice as many.
    #[inline]
    unsafe fn put_ends<const END: usize>(&mut self, bytes: &[u8]) {
        let (from, last) = (bytes.as_ptr(), bytes.len() - END);
        // SAFETY: both ends are in `bytes`, for which there is room that nobody else has.
        unsafe {
            ptr::copy_nonoverlapping(from, self.cur, END);
            ptr::copy_nonoverlapping(from.add(last), self.cur.add(last), END);
            self.cur = self.cur.add(bytes.len());
        }
    }

    /// Inline, with a branch for each length but for that between three and four bytes. A field's values are mostly of one length, or of
    /// lengths that the processor learns; a call here cost more than both. (Elements of packed fields have any lengths: see
    /// [`put_any_varint`].)
    ///
    /// # Safety
    ///
    /// There is room for [`MAX_VARINT_LEN`] bytes, of whatever length the varint is.
    #[inline]
    pub(super) unsafe fn put_varint(&mut self, mut value: u64) {
        // SAFETY: the caller's. At most two times four bytes, and two for the eight bits that remain; or once four and four.
        unsafe {
            while value >= 1 << 28 {
                self.put(&(varint::groups28(value as u32) | 0x8080_8080).to_le_bytes());
                value >>= 28;
            }
            let value = value as u32;
            if value < 1 << 7 {
                self.put(&[value as u8]);
            } else if value < 1 << 14 {
                self.put(&varint::two_byte_varint(value));
            } else {
                let four = value >= 1 << 21;
                let more = if four { 0x80_8080 } else { 0x8080 };
                self.put(&(varint::groups28(value) | more).to_le_bytes());
                self.cur = self.cur.sub(usize::from(!four));
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

impl Tag {
    #[inline]
    pub(super) fn last(&self) -> u8 {
        self.bytes().last().copied().unwrap_or_default()
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
