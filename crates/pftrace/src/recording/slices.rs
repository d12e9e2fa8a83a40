//! The slices that a thread has open: what a header says of them.

use super::header::Open;
use super::put;
use crate::text::Cut;
use crate::writer::MAX_OPEN_SLICES;

const MOST: usize = MAX_OPEN_SLICES as usize;

/// For the names that were given at run time. What has no room is cut; it matters only when the begin is lost.
const NAMES_LEN: usize = 8192;
const _: () = assert!(NAMES_LEN <= u16::MAX as usize);

#[derive(Debug)]
pub(super) struct Slices {
    open: [Open; MOST],
    depth: usize,
    /// The names of those that are open, one behind the other.
    names: [u8; NAMES_LEN],
    names_len: usize,
    /// When slices ended, whose begin is written and whose end is not: the next header says so.
    ended: [u64; MOST],
    unwritten_ends: usize,
    /// How many were begun, without a guard, when no more could be open.
    too_deep: u32,
}

/// A slice that begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begun {
    pub(super) ns: u64,
    pub(super) site: u32,
    /// Whether its begin had room.
    pub(super) written: bool,
    /// Whether a guard will end it.
    pub(super) guarded: bool,
}

impl Slices {
    pub(super) fn new() -> Self {
        Self {
            open: [Open::default(); MOST],
            depth: 0,
            names: [0; NAMES_LEN],
            names_len: 0,
            ended: [0; MOST],
            unwritten_ends: 0,
            too_deep: 0,
        }
    }

    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.depth >= MOST
    }

    /// One more. Only if it is not full.
    #[inline(always)]
    pub(super) fn push(&mut self, begun: Begun) {
        let Begun { ns, site, written, guarded } = begun;
        let (written, guarded) = (u8::from(written), u8::from(guarded));
        self.open[self.depth % MOST] = Open { begin_ns: ns, site, name_len: 0, written, guarded };
        self.depth += 1;
    }

    /// One more, with a name that was given at run time.
    #[inline(always)]
    pub(super) fn push_named(&mut self, begun: Begun, name: &str) {
        let free = &mut self.names[self.names_len..];
        let name_len = match free.first_chunk_mut() {
            Some(window) if name.len() <= window.len() => {
                put::copy_short(window, name.as_bytes());
                name.len()
            }
            _ => {
                let Cut { text, mark } = Cut::to(name, free.len());
                let name_len = text.len() + mark.len();
                free[..text.len()].copy_from_slice(text.as_bytes());
                free[text.len()..name_len].copy_from_slice(mark.as_bytes());
                name_len
            }
        };
        self.push(begun);
        self.open[(self.depth - 1) % MOST].name_len = name_len as u16;
        self.names_len += name_len;
    }

    /// The innermost, which is open no more.
    #[inline(always)]
    pub(super) fn pop(&mut self) -> Option<Open> {
        let (depth, open) = self.innermost_at()?;
        self.pop_at(depth, open);
        Some(open)
    }

    /// The same, which is there.
    #[inline(always)]
    pub(super) fn pop_at(&mut self, depth: usize, open: Open) {
        self.depth = depth;
        self.names_len -= open.name_len as usize;
    }

    /// One was begun that is not open, and that an end will come for.
    pub(super) fn push_too_deep(&mut self) {
        self.too_deep += 1;
    }

    /// Whether an end was for one of those.
    pub(super) fn pop_too_deep(&mut self) -> bool {
        let is_any = self.too_deep > 0;
        self.too_deep -= u32::from(is_any);
        is_any
    }

    pub(super) fn innermost(&self) -> Option<Open> {
        self.innermost_at().map(|(_, open)| open)
    }

    /// The innermost, and how many are around it.
    #[inline(always)]
    pub(super) fn innermost_at(&self) -> Option<(usize, Open)> {
        let depth = self.depth.checked_sub(1)?;
        Some((depth, self.open[depth % MOST]))
    }

    /// The end of one whose begin is written had no room.
    pub(super) fn end_unwritten(&mut self, at_ns: u64) {
        // Each was open once, so they are no more than can be; those that are lost for good would be the last.
        if let Some(place) = self.ended.get_mut(self.unwritten_ends) {
            *place = at_ns;
            self.unwritten_ends += 1;
        }
    }

    /// What a header says that has `room` bytes for it: half for what has ended, and what that leaves for what is open.
    pub(super) fn listing(&self, room: usize) -> Listing<'_> {
        let ended = &self.ended[..self.unwritten_ends];
        let (ended_together, ended) = ended.split_at(ended.len().saturating_sub(room / 2 / size_of::<u64>()));
        let room = room - size_of_val(ended);
        let (mut count, mut names_len) = (0, 0);
        for open in &self.open[..self.depth] {
            let names = names_len + open.name_len as usize;
            if (count + 1) * size_of::<Open>() + names > room {
                break;
            }
            (count, names_len) = (count + 1, names);
        }
        Listing {
            ended_together: ended_together.len() as u32,
            ended,
            open: &self.open[..count],
            unlisted: self.open[count..self.depth].iter().filter(|open| open.written != 0).count() as u32,
            names: &self.names[..names_len],
        }
    }

    /// A header has been written with so many open ones.
    pub(super) fn listed(&mut self, count: usize) {
        self.open[..count].iter_mut().for_each(|open| open.written = 1);
        self.unwritten_ends = 0;
    }
}

/// What stands in a header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listing<'s> {
    /// How many ended first, whose times have no room: the innermost. They are said to have ended with the next.
    pub(super) ended_together: u32,
    pub(super) ended: &'s [u64],
    pub(super) open: &'s [Open],
    /// How many more are open whose begin is written.
    pub(super) unlisted: u32,
    pub(super) names: &'s [u8],
}

impl Listing<'_> {
    /// How many events it makes up for.
    pub(super) fn recovered(&self) -> u32 {
        self.ended_together + (self.ended.len() + self.open.iter().filter(|open| open.written == 0).count()) as u32
    }
}
