//! What each packet of a thread ends with: when it happened, and whose it is.
//!
//! ```text
//! | 0x40 | nanoseconds since the thread's last packet, a varint | 0x50 | the sequence's number, a varint |
//! ```
//!
//! or, where it is said when it happened:
//!
//! ```text
//! | 0x40 | nanoseconds of CLOCK_MONOTONIC, a varint | 0x50 | the sequence's number, a varint | 0xd0 0x03 | that clock |
//! ```

use pftrace_protos::{BuiltinClock, TracePacket};
use pftrace_wire::WireType;

use crate::recording::call_site::{COUNTER_VALUE_END, END_BYTES, TIMESTAMP_TAG};
use crate::recording::put;

const SEQUENCE: u8 = put::tag_1(TracePacket::TRUSTED_PACKET_SEQUENCE_ID_FIELD_NUMBER, WireType::Varint);

const CLOCK: [u8; 3] = {
    let [first, second] = put::tag_2(TracePacket::TIMESTAMP_CLOCK_ID_FIELD_NUMBER, WireType::Varint);
    [first, second, BuiltinClock::BUILTIN_CLOCK_MONOTONIC.value() as u8]
};

/// When a packet happens.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stamp {
    /// So many nanoseconds after the thread's last one.
    After(u64),
    /// Then, on our clock, whatever happened since.
    At(u64),
}

/// What comes sooner than that after the one before has a time of two bytes.
const SOON: u64 = put::BELOW_2;

#[derive(Clone, Copy, Debug)]
pub(in crate::recording) struct Tail {
    /// A tail behind its first tag, whose time has two bytes and is 0.
    soon: u64,
    /// The same with a time of one byte.
    sooner: u64,
    /// How long the former is, with that tag.
    soon_len: SoonLen,
    /// The same, with [`END_BYTES`] before it.
    end_soon_len: EndSoonLen,
    /// The same, with a counter's bytes and a value of the length that its template is laid out for before it.
    counter_soon_len: CounterSoonLen,
    /// The same, as the second byte of a word.
    soon_len_in_first: u64,
}

/// The length of a tail whose time has two bytes, by that of the sequence's number. A type of its own, so that the compiler knows that it is small.
#[derive(Clone, Copy, Debug)]
#[repr(usize)]
enum SoonLen {
    One = WITHOUT_SEQUENCE + 1,
    Two = WITHOUT_SEQUENCE + 2,
    Three = WITHOUT_SEQUENCE + 3,
}

/// The same, with [`END_BYTES`] before it.
#[derive(Clone, Copy, Debug)]
#[repr(usize)]
enum EndSoonLen {
    One = END_BYTES.len() + SoonLen::One as usize,
    Two = END_BYTES.len() + SoonLen::Two as usize,
    Three = END_BYTES.len() + SoonLen::Three as usize,
}

/// The same, with a counter's bytes and a value of the length that its template is laid out for before it.
#[derive(Clone, Copy, Debug)]
#[repr(usize)]
enum CounterSoonLen {
    One = COUNTER_VALUE_END + SoonLen::One as usize,
    Two = COUNTER_VALUE_END + SoonLen::Two as usize,
    Three = COUNTER_VALUE_END + SoonLen::Three as usize,
}

/// The length of such a tail without the sequence's number.
const WITHOUT_SEQUENCE: usize = 4;

impl Tail {
    /// The longest without a clock: a time of ten bytes, and a sequence of three.
    pub(super) const LONGEST: usize = 1 + 10 + 1 + 3;

    /// What it is written into, some of which may not count.
    pub(in crate::recording) const ROOM: usize = Self::LONGEST + 8;

    pub(in crate::recording) fn of(sequence: u32) -> Self {
        let mut bytes = [0x80, 0, SEQUENCE, 0, 0, 0, 0, 0];
        let sequence_len = 1 + put::varint(&mut bytes, WITHOUT_SEQUENCE - 1, u64::from(sequence)) - WITHOUT_SEQUENCE;
        let (soon_len, end_soon_len, counter_soon_len) = match sequence_len {
            1 => (SoonLen::One, EndSoonLen::One, CounterSoonLen::One),
            2 => (SoonLen::Two, EndSoonLen::Two, CounterSoonLen::Two),
            // There are no longer ones.
            _ => (SoonLen::Three, EndSoonLen::Three, CounterSoonLen::Three),
        };
        let (soon, soon_len_in_first) = (u64::from_le_bytes(bytes), (soon_len as u64) << 8);
        let sooner = soon >> 16 << 8;
        Self { soon, sooner, soon_len, end_soon_len, counter_soon_len, soon_len_in_first }
    }

    /// Whether what happens so long after the packet before comes soon.
    #[inline(always)]
    pub(super) fn is_soon(after: u64) -> bool {
        after < SOON
    }

    /// The tail of what comes soon, without its first byte. Its time has two bytes, also where one would do: that costs no branch, which what varies from event to event would often
    /// take wrongly.
    #[inline(always)]
    pub(super) fn soon(self, after: u64) -> Option<u64> {
        Self::is_soon(after).then(|| self.soon | put::spread_2(after))
    }

    /// The same of what [comes soon](Self::is_soon), with a time of one byte where that will do; and how long it is, with its first byte.
    #[inline(always)]
    pub(super) fn shortest_soon(self, after: u64) -> (u64, usize) {
        let is_one = after < 1 << 7;
        let (one, two) = (self.sooner | after, self.soon | put::spread_2(after));
        // No `if`: the compiler makes a branch of that.
        let bytes = two ^ (one ^ two) & u64::from(is_one).wrapping_neg();
        (bytes, self.soon_len() - usize::from(is_one))
    }

    /// How long that is, with its first byte.
    #[inline(always)]
    pub(super) fn soon_len(self) -> usize {
        self.soon_len as usize
    }

    /// How long a packet is that has [`END_BYTES`] before it.
    #[inline(always)]
    pub(super) fn end_soon_len(self) -> usize {
        self.end_soon_len as usize
    }

    /// How long a packet is of a counter, with a value of the length that its template is laid out for.
    #[inline(always)]
    pub(super) fn counter_soon_len(self) -> usize {
        self.counter_soon_len as usize
    }

    /// What that adds to the packet's length, which is the second byte of its first word.
    #[inline(always)]
    pub(super) fn soon_len_in_first(self) -> u64 {
        self.soon_len_in_first
    }

    /// A tail, and how many of the bytes it is.
    pub(in crate::recording) fn bytes(self, after: u64) -> ([u8; Self::ROOM], usize) {
        let mut bytes = [0; Self::ROOM];
        let len = self.put(&mut bytes, 0, Stamp::After(after));
        (bytes, len)
    }

    /// Writes a tail, which has room, at `at`; returns where it ends.
    #[inline(always)]
    pub(super) fn put<const N: usize>(self, packet: &mut [u8; N], at: usize, stamp: Stamp) -> usize {
        let (Stamp::After(time) | Stamp::At(time)) = stamp;
        packet[at] = TIMESTAMP_TAG;
        let at = put::varint(packet, at + 1, time);
        let sequence = self.soon >> 16;
        packet[at..at + 8].copy_from_slice(&sequence.to_le_bytes());
        let end = at + 1 + self.soon_len() - WITHOUT_SEQUENCE;
        if let Stamp::After(_) = stamp {
            return end;
        }
        packet[end..end + CLOCK.len()].copy_from_slice(&CLOCK);
        end + CLOCK.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_soon_is_as_any_other() {
        for sequence in [1, 127, 128, (1 << 14) - 1, 1 << 14, (1 << 21) - 1] {
            let tail = Tail::of(sequence);
            for after in 0..SOON {
                let (expected, len) = tail.bytes(after);
                let (shortest, shortest_len) = tail.shortest_soon(after);
                assert_eq!(
                    (&shortest.to_le_bytes()[..len - 1], shortest_len),
                    (&expected[1..len], len),
                    "{sequence}, {after}"
                );
                // The same with a time of two bytes, whatever it is.
                let (_, sequence_bytes) = expected[1..len].split_at(if after < 1 << 7 { 1 } else { 2 });
                let two = tail.soon(after).unwrap().to_le_bytes();
                let (time, others) = two.split_at(2);
                assert_eq!((time[0], time[1]), (after as u8 | 0x80, (after >> 7) as u8));
                assert_eq!(&others[..tail.soon_len() - 3], sequence_bytes);
            }
            assert_eq!(tail.soon(SOON), None);
        }
    }
}
