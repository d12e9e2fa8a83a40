//! Varints in a packet of fixed size.

/// Writes a varint at `at`; returns where it ends. Up to three bytes are the rule. Always inline, as those below that say so: called, they make a
/// counter dearer by 30 instructions and a begin with three annotations by 90.
#[inline(always)]
pub(in crate::recording) fn varint<const N: usize>(packet: &mut [u8; N], at: usize, value: u64) -> usize {
    if value < 1 << 7 {
        packet[at] = value as u8;
        at + 1
    } else if value < 1 << 14 {
        packet[at..at + 2].copy_from_slice(&[value as u8 | 0x80, (value >> 7) as u8]);
        at + 2
    } else if value < 1 << 21 {
        packet[at..at + 3].copy_from_slice(&[value as u8 | 0x80, (value >> 7) as u8 | 0x80, (value >> 14) as u8]);
        at + 3
    } else {
        let mut rest = value;
        let mut at = at;
        while rest >= 0x80 {
            packet[at] = rest as u8 | 0x80;
            rest >>= 7;
            at += 1;
        }
        packet[at] = rest as u8;
        at + 1
    }
}

/// What a number is less than whose varint has two bytes at most.
pub(in crate::recording) const BELOW_2: u64 = 1 << 14;

/// The same of four bytes.
pub(in crate::recording) const BELOW_4: u64 = 1 << 28;

/// A number [below that](BELOW_2), seven bits in each of two bytes: the upper ones move up by one, so they are added once more.
#[inline(always)]
pub(in crate::recording) const fn spread_2(value: u64) -> u64 {
    value + (value & (BELOW_2 - 0x80))
}

/// The same [in four](BELOW_4), by way of fourteen bits in each of two words.
#[inline(always)]
pub(super) const fn spread_4(value: u64) -> u64 {
    let by_14 = value + (value & (BELOW_4 - BELOW_2)) * 3;
    by_14 + (by_14 & 0x3f80_3f80)
}

/// A number [below that](BELOW_2) as a varint of two bytes, also where one would do.
#[inline(always)]
pub(in crate::recording) const fn varint_of_2(value: u64) -> u64 {
    spread_2(value) | 0x80
}

/// A number [below that](BELOW_4) as a varint of four bytes, also where fewer would do.
#[inline(always)]
pub(in crate::recording) const fn varint_of_4(value: u64) -> u64 {
    spread_4(value) | 0x80_8080
}

/// How long the varint is of a number [below that](BELOW_4). A type of its own, so that the compiler knows that it is.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
enum SmallLen {
    One = 1,
    Two,
    Three,
    Four,
}

/// A number [below that](BELOW_4) as a varint, and how long it is. Without a branch for its length, which what varies from event to event would often take wrongly.
#[inline(always)]
pub(super) fn small_varint(value: u64) -> (u64, usize) {
    /// By the position of the highest bit, which is one instruction where dividing by seven takes three: what says that another byte follows, in all but the last, and the length. As many as
    /// the compiler thinks of: so it looks up without asking whether there is such a one.
    static BY_HIGHEST: [(u64, SmallLen); 64] = {
        let mut all = [(0x80_8080, SmallLen::Four); 64];
        let mut highest = 0;
        while highest < 21 {
            all[highest] = match highest {
                0..7 => (0, SmallLen::One),
                7..14 => (0x80, SmallLen::Two),
                _ => (0x8080, SmallLen::Three),
            };
            highest += 1;
        }
        all
    };
    let (more, len) = BY_HIGHEST[63 - (value | 1).leading_zeros() as usize];
    (spread_4(value) | more, len as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_varints_are_those_of_the_writers() {
        for value in (0..28).flat_map(|bit| [(1 << bit) - 1, 1 << bit, (1 << bit) + 1]).chain([BELOW_4 - 1]) {
            let (bytes, len) = small_varint(value);
            let mut expected = [0; 10];
            let expected_len = varint(&mut expected, 0, value);
            assert_eq!((&bytes.to_le_bytes()[..], len), (&expected[..8], expected_len));
            let decoded =
                |bytes: &[u8]| bytes.iter().rev().fold(0, |so_far, byte| so_far << 7 | u64::from(byte & 0x7f));
            let more = |bytes: &[u8]| bytes.iter().map(|byte| byte >> 7).collect::<std::vec::Vec<_>>();
            let four = varint_of_4(value).to_le_bytes();
            assert_eq!((decoded(&four[..4]), more(&four)), (value, [1, 1, 1, 0, 0, 0, 0, 0].into()));
            if value < BELOW_2 {
                let two = varint_of_2(value).to_le_bytes();
                assert_eq!((decoded(&two[..2]), more(&two)), (value, [1, 0, 0, 0, 0, 0, 0, 0].into()));
            }
        }
    }
}
