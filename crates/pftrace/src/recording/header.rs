//! What stands at the begin of each chunk: all that a reader needs to know of the thread, whatever it has read before.
//!
//! ```text
//! | fixed: 56 bytes | times at which slices ended: 8 bytes each | slices that are open: 16 bytes each | their names |
//! ```
//!
//! It is committed as a packet of its own, the chunk's first.

use super::slices::Listing;

/// A slice that is open where the chunk begins.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Open {
    /// When it began, on our clock.
    pub(super) begin_ns: u64,
    /// The call site's number.
    pub(super) site: u32,
    /// How long its name is, if that was given at run time.
    pub(super) name_len: u16,
    /// Whether its begin was written, by a packet or an earlier header. Otherwise it was lost, and this is its first mention.
    pub(super) written: u8,
    /// Whether a guard ends it. No reader asks.
    pub(super) guarded: u8,
}

/// The fixed part.
#[derive(Clone, Copy, Debug, Default)]
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
    /// How many events this header makes up for.
    pub(super) recovered: u32,
    /// How many slices ended since, whose end there was no room for: so many together with the first that is listed, and
    /// how many are listed.
    pub(super) ended_together: u32,
    pub(super) ended: u32,
    /// How many slices are listed as open: the outermost.
    pub(super) listed: u32,
    pub(super) names_len: u32,
    /// How many more are open, within them, whose begin was written, and which have no room here.
    pub(super) unlisted: u32,
}

/// As they stand in the chunk: words, of their members in order. Written out, since deriving it would have whoever builds a program with
/// this build syn as well: docs/decisions/033.
type FixedWords = [u64; 7];
type OpenWords = [u64; 2];

const FIXED_LEN: usize = size_of::<FixedWords>();
const OPEN_LEN: usize = size_of::<OpenWords>();
// Nothing of it is padding.
const _: () = assert!(size_of::<Fixed>() == FIXED_LEN && size_of::<Open>() == OPEN_LEN);

impl Fixed {
    fn to_words(self) -> FixedWords {
        [
            pair(self.thread, self.serial),
            self.last_ns,
            self.resume_ns,
            self.lost,
            pair(self.recovered, self.ended_together),
            pair(self.ended, self.listed),
            pair(self.names_len, self.unlisted),
        ]
    }

    fn from_words(words: FixedWords) -> Self {
        let [threads, last_ns, resume_ns, lost, recovered, ended, names] = words;
        let (thread, serial) = unpair(threads);
        let (recovered, ended_together) = unpair(recovered);
        let (ended, listed) = unpair(ended);
        let (names_len, unlisted) = unpair(names);
        Self { thread, serial, last_ns, resume_ns, lost, recovered, ended_together, ended, listed, names_len, unlisted }
    }
}

impl Open {
    fn to_words(self) -> OpenWords {
        let name = u32::from(self.name_len) | u32::from(self.written) << 16 | u32::from(self.guarded) << 24;
        [self.begin_ns, pair(self.site, name)]
    }

    fn from_words([begin_ns, rest]: OpenWords) -> Self {
        let (site, name) = unpair(rest);
        Self { begin_ns, site, name_len: name as u16, written: (name >> 16) as u8, guarded: (name >> 24) as u8 }
    }
}

fn pair(low: u32, high: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

fn unpair(word: u64) -> (u32, u32) {
    (word as u32, (word >> 32) as u32)
}

/// Writes a header into the front of `bytes`; returns its length. `None` when there is no room for it.
pub(super) fn write(bytes: &mut [u8], fixed: Fixed, listing: &Listing<'_>) -> Option<usize> {
    let fixed = Fixed {
        recovered: listing.recovered(),
        ended_together: listing.ended_together,
        ended: listing.ended.len() as u32,
        listed: listing.count as u32,
        names_len: listing.names_len as u32,
        unlisted: listing.unlisted,
        ..fixed
    };
    let bytes = bytes.get_mut(..FIXED_LEN + listing.len())?;
    let mut len = 0;
    let mut write = |part: &[u8]| {
        bytes[len..len + part.len()].copy_from_slice(part);
        len += part.len();
    };
    write(bytemuck::bytes_of(&fixed.to_words()));
    write(bytemuck::cast_slice(listing.ended));
    listing.open().for_each(|open| write(bytemuck::bytes_of(&open.to_words())));
    listing.write_names(&mut write);
    Some(len)
}

/// A header that was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header<'c> {
    pub(super) fixed: Fixed,
    ended: &'c [u8],
    open: &'c [u8],
    names: &'c [u8],
}

impl<'c> Header<'c> {
    /// The header in the front of a chunk, and the packets behind it.
    pub(super) fn read(chunk: &'c [u8]) -> Option<(Self, &'c [u8])> {
        let (front, rest) = chunk.split_at_checked(FIXED_LEN)?;
        let fixed = Fixed::from_words(bytemuck::pod_read_unaligned(front));
        let (ended, rest) = rest.split_at_checked(fixed.ended as usize * size_of::<u64>())?;
        let (open, rest) = rest.split_at_checked(fixed.listed as usize * OPEN_LEN)?;
        let (names, packets) = rest.split_at_checked(fixed.names_len as usize)?;
        Some((Self { fixed, ended, open, names }, packets))
    }

    /// When slices ended, whose begin was written and whose end was not.
    pub(super) fn ended(&self) -> impl Iterator<Item = u64> + use<'c> {
        let listed = || self.ended.chunks_exact(size_of::<u64>()).map(bytemuck::pod_read_unaligned);
        let together = listed().next().unwrap_or(self.fixed.last_ns);
        core::iter::repeat_n(together, self.fixed.ended_together as usize).chain(listed())
    }

    /// The slices that are open, the outermost first, with the names that were given at run time.
    pub(super) fn open(&self) -> impl Iterator<Item = (Open, &'c str)> + use<'c> {
        let mut names = self.names;
        self.open.chunks_exact(OPEN_LEN).map(move |bytes| {
            let open = Open::from_words(bytemuck::pod_read_unaligned(bytes));
            let (name, rest) = names.split_at_checked(open.name_len as usize).unwrap_or_default();
            names = rest;
            (open, core::str::from_utf8(name).unwrap_or_default())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::slices::{Begun, Slices, Stack};

    fn names(listing: &Listing<'_>) -> std::string::String {
        let mut names = std::vec::Vec::new();
        listing.write_names(&mut |bytes| names.extend_from_slice(bytes));
        std::string::String::from_utf8(names).unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let mut slices = Slices::new(std::boxed::Box::leak(std::boxed::Box::new(Stack::new())));
        slices.push(Begun { ns: 7, site: 1, written: true, guarded: true }, None);
        slices.push(Begun { ns: 8, site: 2, written: false, guarded: true }, Some("näme"));
        slices.push(Begun { ns: 9, site: 3, written: true, guarded: true }, Some("popped"));
        let (ending, rest) = slices.stack().innermost().unwrap();
        slices.pop(ending, rest);
        slices.end_unwritten(10);
        slices.push(Begun { ns: 11, site: 4, written: false, guarded: true }, Some("other"));
        let fixed = Fixed { thread: 5, serial: 6, ..Fixed::default() };
        let mut bytes = [0; 256];
        let len = write(&mut bytes, fixed, &slices.listing(1000)).unwrap();
        let (header, packets) = Header::read(&bytes).unwrap();
        assert_eq!((header.fixed.thread, header.fixed.serial, packets.len()), (5, 6, 256 - len));
        assert_eq!(header.fixed.recovered, 3);
        assert!(header.ended().eq([10]));
        let open = header.open().map(|(open, name)| (open.begin_ns, open.site, open.written, name));
        assert!(open.eq([(7, 1, 1, ""), (8, 2, 0, "näme"), (11, 4, 0, "other")]));
        assert!(Header::read(&bytes[..len - 1]).is_none());
        assert!(write(&mut bytes[..len - 1], fixed, &slices.listing(1000)).is_none());
        // Room for two, of 16 bytes and their names, beside the time at which one ended.
        let listing = slices.listing(8 + 2 * size_of::<Open>() + 6);
        assert_eq!(names(&listing), "näme");
        assert_eq!((listing.count, listing.unlisted), (2, 0));
        // Names are cut before slices are left out, between two characters.
        let around = "around all of the others, ".repeat(2) + "of which";
        slices.push(Begun { ns: 12, site: 5, written: true, guarded: true }, Some(&around));
        slices.push(Begun { ns: 13, site: 6, written: true, guarded: true }, Some("äöüäöüäöüäöü"));
        let listing = slices.listing(8 + 5 * size_of::<Open>() + 50);
        assert_eq!((listing.count, listing.unlisted), (5, 0));
        assert_eq!(names(&listing), "nämeotheraround all of…äöüäöü…");
        assert!(listing.open().map(|open| open.name_len).eq([0, 5, 5, 16, 15]));
        let listing = slices.listing(8);
        assert_eq!((listing.count, listing.unlisted), (0, 3), "the begin of the others is not written");
    }

    #[test]
    fn what_ended_and_has_no_room_ends_with_the_next() {
        let mut slices = Slices::new(std::boxed::Box::leak(std::boxed::Box::new(Stack::new())));
        (1..=5).for_each(|ns| slices.end_unwritten(ns));
        let mut bytes = [0; 256];
        let listing = slices.listing(4 * 8);
        assert_eq!((listing.ended_together, listing.ended, listing.recovered()), (3, &[4, 5][..], 5));
        write(&mut bytes, Fixed::default(), &listing).unwrap();
        let (header, _) = Header::read(&bytes).unwrap();
        assert!(header.ended().eq([4, 4, 4, 4, 5]));
    }
}
