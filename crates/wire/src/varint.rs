//! Numbers of the wire format: tags, varints, zigzag.
//!
//! A varint holds a number in groups of seven bits, lowest first, one byte each; all bytes but the last have the top bit
//! set. A field starts with its tag, the varint of `number << 3 | wire type`.
//! (<https://protobuf.dev/programming-guides/encoding/>)

/// The largest legal field number, 2^29 - 1.
pub const MAX_FIELD_NUMBER: u32 = (1 << 29) - 1;

/// The longest varint in bytes: 64 bits in groups of 7.
pub const MAX_VARINT_LEN: usize = 64usize.div_ceil(7);

/// The longest tag in bytes: 29 bits of number and 3 of wire type, in groups of 7.
pub const MAX_TAG_LEN: usize = 32usize.div_ceil(7);

const _: () = assert!(MAX_VARINT_LEN == 10 && MAX_TAG_LEN == 5);
const _: () = assert!(varint_len(u64::MAX) == MAX_VARINT_LEN);
const _: () = assert!(varint_len(tag(MAX_FIELD_NUMBER, WireType::Fixed32) as u64) == MAX_TAG_LEN);

/// How a field's value is laid out, the low three bits of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WireType {
    /// A varint: `int32`, `int64`, `uint32`, `uint64`, `sint32`, `sint64`, `bool`, enums.
    Varint = 0,
    /// Eight bytes, little endian: `fixed64`, `sfixed64`, `double`.
    Fixed64 = 1,
    /// A varint length and that many bytes: `string`, `bytes`, messages, packed fields.
    Len = 2,
    /// The start of a group.
    StartGroup = 3,
    /// The end of a group.
    EndGroup = 4,
    /// Four bytes, little endian: `fixed32`, `sfixed32`, `float`.
    Fixed32 = 5,
}

/// The tag of a field.
///
/// # Panics
///
/// When `number` is not a field number: 0, above [`MAX_FIELD_NUMBER`], or in 19000..=19999, which protobuf keeps for
/// itself. Generated code has the number as a constant, so there it is a compile error.
///
/// # Example
///
/// ```
/// use pftrace_wire::{WireType, tag};
///
/// assert_eq!(tag(1, WireType::Len), 0x0a);
/// ```
#[must_use]
pub const fn tag(number: u32, wire_type: WireType) -> u32 {
    assert!(number != 0 && number <= MAX_FIELD_NUMBER, "a field number is between 1 and 536870911");
    assert!(!matches!(number, 19_000..=19_999), "protobuf keeps the field numbers 19000 to 19999 for itself");
    number << 3 | wire_type as u32
}

/// The length of a number's varint, in bytes: 1 to 10.
///
/// ```
/// use pftrace_wire::varint_len;
///
/// assert_eq!((varint_len(127), varint_len(128), varint_len(u64::MAX)), (1, 2, 10));
/// ```
#[inline]
#[must_use]
pub const fn varint_len(value: u64) -> usize {
    // ceil(bits / 7) without a division: exact for 1 to 64 bits.
    ((63 - (value | 1).leading_zeros()) * 9 + 73) as usize / 64
}

/// `sint32`: numbers near zero, of either sign, become small: 0, -1, 1, -2 → 0, 1, 2, 3.
///
/// ```
/// assert_eq!([0, -1, 1, i32::MIN].map(pftrace_wire::zigzag32), [0, 1, 2, u32::MAX]);
/// ```
#[inline]
#[must_use]
pub const fn zigzag32(value: i32) -> u32 {
    (value << 1 ^ value >> 31) as u32
}

/// `sint64`, as [`zigzag32`].
///
/// ```
/// assert_eq!([0, -1, 1, i64::MIN].map(pftrace_wire::zigzag64), [0, 1, 2, u64::MAX]);
/// ```
#[inline]
#[must_use]
pub const fn zigzag64(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

/// The varint of `value`: ten bytes, of which the first `len` count, and `len`. No branch below 2^56.
#[inline]
pub(crate) const fn spread(value: u64) -> ([u8; MAX_VARINT_LEN], usize) {
    spread_groups(value, groups(value))
}

/// As [`spread`], at run time: with the processor's own instruction for it, where the target has one.
#[inline]
pub(crate) fn spread_fast(value: u64) -> ([u8; MAX_VARINT_LEN], usize) {
    spread_groups(value, deposit(value).unwrap_or(groups(value)))
}

/// The low 28 bits in four groups of 7, each in a byte of its own.
#[inline]
pub(crate) fn groups28(value: u32) -> u32 {
    deposit(u64::from(value)).unwrap_or(groups(u64::from(value))) as u32
}

/// [`groups`], where the target has an instruction for it.
#[inline]
fn deposit(value: u64) -> Option<u64> {
    #[cfg(all(target_arch = "x86_64", target_feature = "bmi2"))]
    {
        // SAFETY: the target has the feature. (From Rust 1.87 on, that is known to the compiler.)
        #[allow(unused_unsafe)]
        Some(unsafe { core::arch::x86_64::_pdep_u64(value, 0x7f7f_7f7f_7f7f_7f7f) })
    }
    #[cfg(not(all(target_arch = "x86_64", target_feature = "bmi2")))]
    {
        _ = value;
        None
    }
}

/// The low 56 bits in eight groups of 7, each in a byte of its own.
#[inline]
const fn groups(value: u64) -> u64 {
    // Three rounds of halving. To add a part of itself, once or three times, is to move that part up, by one bit or by two.
    let x = value & 0x0fff_ffff | value << 4 & 0x0fff_ffff_0000_0000;
    let x = x + 3 * (x & 0x0fff_c000_0fff_c000);
    x + (x & 0x3f80_3f80_3f80_3f80)
}

/// The varint of a value of 8 to 14 bits.
#[inline]
pub(crate) const fn two_byte_varint(value: u32) -> [u8; 2] {
    // The upper group added once more: it moves up by one.
    ((value + (value & 0x3f80)) as u16 | 0x80).to_le_bytes()
}

#[inline]
const fn spread_groups(value: u64, groups: u64) -> ([u8; MAX_VARINT_LEN], usize) {
    // In bits, the empty groups above the last one. From below, since x86-64 without extensions is slow at counting from
    // above.
    let empty = (groups | 1).swap_bytes().trailing_zeros() & !7;
    let long = value >= 1 << 56;
    let len = if long { 9 + (value >> 63) as usize } else { 8 - empty as usize / 8 };
    // The top bit says "more": on all bytes before the last one.
    let more = if long { 0x8080_8080_8080_8080 } else { 0x0080_8080_8080_8080 >> empty };
    let [a, b, c, d, e, f, g, h] = (groups | more).to_le_bytes();
    // The ninth's top bit, "more", is the tenth itself.
    ([a, b, c, d, e, f, g, h, (value >> 56) as u8, (value >> 63) as u8], len)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Varint as the specification tells it, a group at a time.
    fn naive(mut value: u64) -> ([u8; MAX_VARINT_LEN], usize) {
        let (mut out, mut len) = ([0; MAX_VARINT_LEN], 0);
        loop {
            let group = (value & 0x7f) as u8;
            value >>= 7;
            out[len] = if value == 0 { group } else { group | 0x80 };
            len += 1;
            if value == 0 {
                return (out, len);
            }
        }
    }

    #[test]
    fn spread_and_len_equal_the_naive_loop_around_every_power_of_two() {
        for bit in 0..64 {
            for near in [-2i64, -1, 0, 1, 2] {
                for value in [(1u64 << bit).wrapping_add_signed(near), !(1u64 << bit).wrapping_add_signed(near)] {
                    let ((bytes, len), (expected, expected_len)) = (spread(value), naive(value));
                    assert_eq!(len, expected_len, "{value:#x}");
                    assert_eq!(bytes[..len], expected[..len], "{value:#x}");
                    assert_eq!(varint_len(value), len);
                    assert_eq!(spread_fast(value), (bytes, len));
                    assert_eq!(groups28(value as u32), groups(value) as u32);
                }
            }
        }
    }
}
