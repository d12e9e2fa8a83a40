//! What is rare: a buffer that gets full, a body over 127 bytes, a fault, taking back. Out of line, so that hot functions stay
//! short.

use core::ops::Range;
use core::ptr;

use super::notes::{NOTE_LEN, Note};
use super::store::Tag;
use super::{FAULTY, Frame, Head, MAX_SHORT, NO_SLACK, OVERFLOWED, soft};
use crate::error::Fault;
use crate::varint::{self, varint_len};

/// What few fields change.
#[derive(Debug)]
pub(crate) struct Rest {
    pub(super) grow: usize,
    /// How often the notes have been compacted: what was open then has moved.
    pub(super) compactions: usize,
    pub(super) notes: *mut u8,
    pub(super) start: *mut u8,
    pub(super) end: *mut u8,
    /// It did not fit, or has a fault: nothing is written any more.
    pub(super) overflowed: bool,
    pub(super) fault: Option<Fault>,
}

impl Rest {
    /// Of a `buffer` in which nothing is written; of one over 4 GiB - 1 the front is used.
    #[inline]
    pub(crate) fn new(buffer: &mut [u8]) -> Self {
        let len = buffer.len().min(u32::MAX as usize);
        let Range { start, end } = buffer[..len].as_mut_ptr_range();
        Self { grow: 0, compactions: 0, notes: end, start, end, overflowed: false, fault: None }
    }

    /// How many bytes fit.
    fn room(&self, head: Head) -> usize {
        if self.overflowed { 0 } else { self.notes.addr() - self.grow - head.cur.addr() }
    }

    /// The head at `cur`.
    pub(super) fn head(&self, cur: *mut u8) -> Head {
        Head { cur, soft: soft(self.notes.addr() - self.grow) }
    }

    /// The final place of the next byte, from the start of the buffer.
    pub(super) fn final_offset(&self, head: Head) -> usize {
        (head.cur.addr() - self.start.addr()).saturating_add(self.grow)
    }

    #[cold]
    #[inline(never)]
    pub(super) fn varint_cold(&mut self, head: Head, tag: &Tag, value: u64) -> Head {
        let (bytes, len) = varint::spread(value);
        self.field(head, tag, bytes.get(..len).unwrap_or_default())
    }

    #[cold]
    #[inline(never)]
    pub(super) fn fixed_cold(&mut self, head: Head, tag: &Tag, value: &[u8]) -> Head {
        self.field(head, tag, value)
    }

    fn field(&mut self, head: Head, tag: &Tag, value: &[u8]) -> Head {
        let (mut head, fits) = self.reserve(head, tag.len + value.len());
        if fits {
            // SAFETY: the room was just reserved.
            unsafe {
                head.put(tag.bytes());
                head.put(value);
            }
        }
        head
    }

    #[inline(never)]
    pub(super) fn bytes_long(&mut self, head: Head, tag: &Tag, value: &[u8]) -> Head {
        let (len, len_len) = varint::spread(value.len() as u64);
        let (mut head, fits) = self.reserve(head, (tag.len + len_len).saturating_add(value.len()));
        if fits {
            // SAFETY: the room was just reserved.
            unsafe {
                head.put(tag.bytes());
                head.put(len.get(..len_len).unwrap_or_default());
                head.put(value);
            }
        }
        head
    }

    #[cold]
    #[inline(never)]
    pub(super) fn append_varint_cold(&mut self, head: Head, value: u64) -> Head {
        let (bytes, len) = varint::spread(value);
        self.append_cold(head, bytes.get(..len).unwrap_or_default())
    }

    #[cold]
    #[inline(never)]
    pub(super) fn append_cold(&mut self, head: Head, bytes: &[u8]) -> Head {
        let (mut head, fits) = self.reserve(head, bytes.len());
        if fits {
            // SAFETY: the room was just reserved.
            unsafe { head.put(bytes) };
        }
        head
    }

    /// The tag of a message, and the byte reserved for its length.
    #[cold]
    #[inline(never)]
    pub(super) fn open_cold(&mut self, head: Head, tag: &Tag) -> Head {
        self.field(head, tag, &[0])
    }

    #[cold]
    #[inline(never)]
    pub(super) fn fail(&mut self, head: Head, fault: Fault) -> Head {
        self.fault = self.fault.or(Some(fault));
        // `finish` looks for faults only where something grew.
        self.overflow(head, 1)
    }

    /// Makes room for `len` bytes if that is possible, else overflows.
    fn reserve(&mut self, mut head: Head, len: usize) -> (Head, bool) {
        if self.room(head) < len && !self.overflowed && self.notes != self.end {
            head = self.compact(head);
        }
        if self.room(head) < len || self.overflowed {
            return (self.overflow(head, len), false);
        }
        (head, true)
    }

    /// `len` bytes did not fit: from here on nothing does, and `grow` counts.
    fn overflow(&mut self, head: Head, len: usize) -> Head {
        self.overflowed = true;
        self.grow = self.grow.saturating_add(len);
        Head { cur: head.cur, soft: 0 }
    }

    /// Closes the message whose body begins `head_len` bytes after the frame.
    #[cold]
    #[inline(never)]
    pub(super) fn close_cold(&mut self, mut head: Head, frame: Frame, head_len: usize) -> Head {
        // Nearly always: a body whose length takes two bytes, and nothing special.
        if self.compactions == frame.compactions && head.has_slack() {
            let len = head.cur.addr().wrapping_add(self.grow - frame.grow).wrapping_sub(frame.cur.addr() + head_len);
            if (MAX_SHORT + 1..1 << 14).contains(&len) {
                // SAFETY: nothing has overflowed (there is slack), so the tag and the length are before the body.
                let body = unsafe { frame.cur.add(head_len) };
                return self.push_note(head, body, len, 1);
            }
        }
        // Addresses, not offsets: the start cancels out.
        let final_cur = head.cur.addr().wrapping_add(self.grow);
        let len = final_cur.wrapping_sub(frame.cur.addr().wrapping_add(frame.grow).wrapping_add(head_len));
        let extra = varint_len(len as u64) - 1;
        if self.overflowed {
            self.grow = self.grow.saturating_add(extra);
            return head;
        }
        if extra > 0 && self.room(head) < extra + NOTE_LEN && self.notes != self.end {
            head = self.compact(head);
        }
        // SAFETY: it fitted (nothing has overflowed), so the tag and the length are before the body.
        let body = unsafe { self.place_of(frame).add(head_len) };
        if extra == 0 {
            // SAFETY: `open` reserved the byte before the body.
            unsafe { body.sub(1).write(len as u8) };
            head
        } else if self.room(head) < extra {
            self.overflow(head, extra)
        } else if self.room(head) < extra + NOTE_LEN {
            self.move_body(head, body, len)
        } else {
            self.push_note(head, body, len, extra)
        }
    }

    /// Where the tag of an open message is now.
    fn place_of(&self, frame: Frame) -> *mut u8 {
        if self.compactions == frame.compactions {
            frame.cur
        } else {
            // SAFETY: the notes before the frame have been compacted since, so what follows has moved to its final place.
            unsafe { frame.cur.add(frame.grow) }
        }
    }

    /// Puts the length of the last body in front of it at once. There is room for it, and no note.
    fn move_body(&mut self, head: Head, body: *mut u8, len: usize) -> Head {
        let (varint, varint_len) = varint::spread(len as u64);
        // SAFETY: `len` bytes from `body` to `cur` are written and have room to move up by what the length takes beyond
        // the byte that is reserved before them.
        unsafe {
            ptr::copy(body, body.add(varint_len - 1), len);
            ptr::copy_nonoverlapping(varint.as_ptr(), body.sub(1), varint_len);
            self.head(head.cur.add(varint_len - 1))
        }
    }

    fn push_note(&mut self, head: Head, body: *mut u8, len: usize, extra: usize) -> Head {
        let at = body.addr() - self.start.addr() - 1;
        // Both fit: the buffer is no longer than u32::MAX.
        let (at, len) = (at as u32, len as u32);
        self.grow += extra;
        // SAFETY: the caller has seen room for the note and for what it adds to `grow`.
        unsafe {
            self.notes = self.notes.sub(NOTE_LEN);
            self.notes.cast::<Note>().write_unaligned(Note { at, len });
        }
        self.head(head.cur)
    }

    /// `Frame::soft` of a message that is opened without slack.
    #[cold]
    #[inline(never)]
    pub(super) fn no_slack(&self) -> usize {
        match (self.overflowed, self.fault) {
            (false, _) => NO_SLACK,
            (true, None) => OVERFLOWED,
            (true, Some(_)) => FAULTY,
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn rewind(&mut self, head: Head, frame: Frame) -> Head {
        if frame.soft != FAULTY {
            self.fault = None;
        }
        if matches!(frame.soft, FAULTY | OVERFLOWED) {
            self.grow = frame.grow;
            return head;
        }
        self.overflowed = false;
        if self.compactions == frame.compactions {
            // What is taken back has the last notes: those from the frame on.
            let at = frame.cur.addr() - self.start.addr();
            let mut notes = self.notes.cast::<Note>();
            // SAFETY: there are notes from `notes` up to `end`.
            unsafe {
                while notes.cast() != self.end && notes.read_unaligned().at as usize >= at {
                    notes = notes.add(1);
                }
            }
            self.notes = notes.cast();
            self.grow = frame.grow;
            self.head(frame.cur)
        } else {
            // What was written before has been moved to its final place; all notes since then are of what is taken back.
            self.grow = 0;
            self.notes = self.end;
            // SAFETY: final places lie in the buffer; at the frame it had not overflowed, or nothing would have been
            // compacted since.
            self.head(unsafe { frame.cur.add(frame.grow) })
        }
    }
}
