//! What stands at the begin of each chunk: all that a reader needs to know of the thread, whatever it has read before.
//!
//! ```text
//! | fixed: 48 bytes | times at which slices ended: a word each | slices that are open: 3 words each |
//! ```
//!
//! It is committed as a packet of its own, the chunk's first.

use bytemuck::{Pod, Zeroable};

/// A slice that is open where the chunk begins.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Open {
    /// When it began, on our clock.
    pub(super) begin_ns: u64,
    /// The call site's number.
    pub(super) site: u32,
    /// The number of a name given at run time; 0 if the call site has one.
    pub(super) text: u32,
    /// Whether its begin was written, by a packet or an earlier header. Otherwise it was lost, and this is its first mention.
    pub(super) written: u32,
    pub(super) reserved: u32,
}

/// The fixed part.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Fixed {
    /// The thread's number in its session.
    pub(super) thread: u32,
    /// How many chunks the thread has begun before.
    pub(super) serial: u32,
    /// The time of the last packet in the chunk before.
    pub(super) last_ns: u64,
    /// The time that the first packet of this one counts from.
    pub(super) resume_ns: u64,
    /// How many events of the thread have been lost so far, those that this header makes up for not counted.
    pub(super) lost: u64,
    /// How many slices ended since, whose end there was no room for.
    pub(super) ended: u32,
    /// How many slices are listed as open: the outermost.
    pub(super) listed: u32,
    /// How many more are open whose begin was written.
    pub(super) unlisted: u32,
    /// How many events this header makes up for.
    pub(super) recovered: u32,
}

const FIXED_LEN: usize = size_of::<Fixed>();

/// Writes a header into the front of `bytes`; returns its length. `None` when there is no room for it.
pub(super) fn write(bytes: &mut [u8], fixed: &Fixed, ended: &[u64], open: &[Open]) -> Option<usize> {
    let (ended, open): (&[u8], &[u8]) = (bytemuck::cast_slice(ended), bytemuck::cast_slice(open));
    let len = FIXED_LEN + ended.len() + open.len();
    let (front, rest) = bytes.get_mut(..len)?.split_at_mut(FIXED_LEN);
    front.copy_from_slice(bytemuck::bytes_of(fixed));
    rest[..ended.len()].copy_from_slice(ended);
    rest[ended.len()..].copy_from_slice(open);
    Some(len)
}

/// A header that was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header<'c> {
    pub(super) fixed: Fixed,
    ended: &'c [u8],
    open: &'c [u8],
}

impl<'c> Header<'c> {
    /// The header in the front of a chunk, and the packets behind it.
    pub(super) fn read(chunk: &'c [u8]) -> Option<(Self, &'c [u8])> {
        let (front, rest) = chunk.split_at_checked(FIXED_LEN)?;
        let fixed: Fixed = bytemuck::try_pod_read_unaligned(front).ok()?;
        let (ended, rest) = rest.split_at_checked(fixed.ended as usize * size_of::<u64>())?;
        let (open, packets) = rest.split_at_checked(fixed.listed as usize * size_of::<Open>())?;
        Some((Self { fixed, ended, open }, packets))
    }

    /// When slices ended, whose begin was written and whose end was not.
    pub(super) fn ended(&self) -> impl Iterator<Item = u64> + use<'c> {
        self.ended.chunks_exact(size_of::<u64>()).map(bytemuck::pod_read_unaligned)
    }

    /// The slices that are open, the outermost first.
    pub(super) fn open(&self) -> impl Iterator<Item = Open> + use<'c> {
        self.open.chunks_exact(size_of::<Open>()).map(bytemuck::pod_read_unaligned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut bytes = [0; 256];
        let open = [Open { begin_ns: 7, site: 1, ..Open::default() }, Open { begin_ns: 9, text: 3, ..Open::default() }];
        let fixed = Fixed { thread: 5, serial: 6, ended: 2, listed: 2, ..Fixed::default() };
        let len = write(&mut bytes, &fixed, &[1, 2], &open).unwrap();
        let (header, packets) = Header::read(&bytes).unwrap();
        assert_eq!((header.fixed.thread, header.fixed.serial, packets.len()), (5, 6, 256 - len));
        assert!(header.ended().eq([1, 2]));
        assert!(header.open().map(|open| (open.begin_ns, open.text)).eq([(7, 0), (9, 3)]));
        assert!(Header::read(&bytes[..len - 1]).is_none());
        assert!(write(&mut bytes[..len - 1], &fixed, &[1, 2], &open).is_none());
    }
}
