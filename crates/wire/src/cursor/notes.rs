//! The lengths that are written last: noting them, and moving what they displace.

use core::ptr;

use super::{Head, Rest};
use crate::varint;

/// A closed body whose length takes more than what was reserved: the offset of the last byte that was from the start of the
/// buffer, and, in the lower half, the final length of the body. So notes compare as their places do.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
pub(super) struct Note(u64);

impl Note {
    pub(super) fn new(at: u32, len: u32) -> Self {
        Self(u64::from(at) << 32 | u64::from(len))
    }

    pub(super) fn at(self) -> usize {
        (self.0 >> 32) as usize
    }

    fn len(self) -> u32 {
        self.0 as u32
    }
}

pub(super) const NOTE_LEN: usize = size_of::<Note>();

impl Rest {
    /// Writes every length that was noted and moves each byte behind one to its final place, once, from right to left.
    ///
    /// The notes are in the order in which their messages were closed: children before parents, left before right. Read
    /// backwards, that is parents before children, right before left; moving from right to left wants children before
    /// parents. So a parent waits, on a stack, until its children are done. The stack lies over the notes already read.
    #[cold]
    #[inline(never)]
    pub(super) fn compact(&mut self, head: Head) -> Head {
        let (stack, end) = (self.notes.cast::<Note>(), self.end.cast::<Note>());
        let (mut next, mut waiting) = (stack, stack);
        let mut mover = Mover { start: self.start, source_end: head.cur, shift: self.grow };
        // SAFETY: there are notes from `stack` up to `end`; those from `stack` up to `waiting` wait, which never passes `next`.
        unsafe {
            while next != end {
                let note = next.read_unaligned();
                next = next.add(1);
                while waiting != stack && waiting.sub(1).read_unaligned() > note {
                    waiting = waiting.sub(1);
                    mover.move_body(waiting.read_unaligned());
                }
                waiting.write_unaligned(note);
                waiting = waiting.add(1);
            }
            while waiting != stack {
                waiting = waiting.sub(1);
                mover.move_body(waiting.read_unaligned());
            }
        }
        debug_assert_eq!(mover.shift, 0, "each note added its share of `grow`");
        // SAFETY: all `grow` bytes that were kept free are used now.
        let cur = unsafe { head.cur.add(self.grow) };
        self.grow = 0;
        self.notes = self.end;
        self.settled = cur.addr();
        self.head(cur)
    }
}

/// Moves what is written up, from right to left, and puts lengths in between.
struct Mover {
    start: *mut u8,
    /// All from here on has been moved.
    source_end: *mut u8,
    /// How far what is before `source_end` moves: the bytes added by the lengths before it.
    shift: usize,
}

impl Mover {
    /// Moves all that follows the length of `note`, and writes that length.
    ///
    /// # Safety
    ///
    /// Notes come with `at` descending, each within what is written; `shift` bytes are free after `source_end`, or are
    /// what was moved away.
    unsafe fn move_body(&mut self, note: Note) {
        // SAFETY: `at` is the last byte reserved for the length, the body begins after it and ends before `source_end`.
        unsafe {
            let reserved = self.start.add(note.at());
            let body = reserved.add(1);
            move_up(body, self.shift, self.source_end.addr() - body.addr());
            if note.len() < 1 << 14 {
                // Nearly always. (A note's length is over 127; and of two reserved bytes there would be no note.)
                self.source_end = reserved;
                self.shift -= 1;
                reserved.add(self.shift).cast::<[u8; 2]>().write(varint::two_byte_varint(note.len()));
            } else {
                let (varint, varint_len) = varint::spread(u64::from(note.len()));
                // That byte says whether there is one more.
                let first = reserved.sub(usize::from(reserved.read()));
                self.source_end = first;
                self.shift -= varint_len - (body.addr() - first.addr());
                ptr::copy_nonoverlapping(varint.as_ptr(), first.add(self.shift), varint_len);
            }
        }
    }
}

/// Moves `len` bytes up by `shift`. Mostly they are few, as between the heads of nested messages.
///
/// # Safety
///
/// `len` bytes at `from` may be read, and `len` from `shift` bytes later on written.
#[inline]
unsafe fn move_up(from: *mut u8, shift: usize, len: usize) {
    /// All is read before anything is written: from its begin on, and up to its end.
    unsafe fn ends<T: Copy>(from: *mut u8, shift: usize, len: usize) {
        // SAFETY: the caller's; a `T` is no longer than `len`.
        unsafe {
            let last = len - size_of::<T>();
            let (a, b) = (from.cast::<T>().read_unaligned(), from.add(last).cast::<T>().read_unaligned());
            from.add(shift).cast::<T>().write_unaligned(a);
            from.add(shift + last).cast::<T>().write_unaligned(b);
        }
    }
    // SAFETY: the caller's.
    unsafe {
        match len {
            4..8 => ends::<u32>(from, shift, len),
            8..=16 => ends::<u64>(from, shift, len),
            _ => ptr::copy(from, from.add(shift), len),
        }
    }
}
