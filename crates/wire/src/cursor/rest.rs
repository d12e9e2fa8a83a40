//! What is rare: a buffer that gets full, a body over 127 bytes, a fault, taking back. Out of line, so that hot functions stay
//! short.

use core::ops::Range;
use core::ptr;

use super::notes::{NOTE_LEN, Note};
use super::store::Tag;
use super::{Frame, GUESSED_LONG, Head, MAX_SHORT, soft};
use crate::error::Fault;
use crate::varint::{self, two_byte_varint, varint_len};

/// What few fields change.
#[derive(Debug)]
pub(crate) struct Rest {
    pub(super) grow: usize,
    /// All before this final place has been moved there.
    pub(super) settled: usize,
    /// The final place of the last message whose body was moved at once: a message around it is not, so no byte is twice.
    pub(super) moved: usize,
    pub(super) notes: *mut u8,
    pub(super) start: *mut u8,
    pub(super) end: *mut u8,
    /// The final place of what did not fit first, or of the fault: nothing is written from there on.
    pub(super) overflow: Option<usize>,
    /// The first one, and its final place.
    pub(super) fault: Option<(Fault, usize)>,
}

/// A body over 127 bytes and up to this length is moved at once: some wide moves, while a note is at the far end of the
/// buffer, perhaps not in the cache.
const MOVED_AT_ONCE: usize = 256;

impl Frame {
    /// The `grow` of the rest when the message was opened.
    #[inline]
    fn grow(self) -> usize {
        self.grow & !GUESSED_LONG
    }

    fn guessed_long(self) -> bool {
        self.grow & GUESSED_LONG != 0
    }

    /// How many bytes are reserved for the length.
    fn reserved(self) -> usize {
        1 + usize::from(self.guessed_long())
    }

    /// The final place of the message's tag.
    #[inline]
    pub(super) fn final_place(self) -> usize {
        self.cur.addr().saturating_add(self.grow())
    }
}

impl Rest {
    /// Of a `buffer` in which nothing is written; of one over 4 GiB - 1 the front is used.
    #[inline]
    pub(crate) fn new(buffer: &mut [u8]) -> Self {
        let len = buffer.len().min(u32::MAX as usize);
        let Range { start, end } = buffer[..len].as_mut_ptr_range();
        Self { grow: 0, settled: 0, moved: 0, notes: end, start, end, overflow: None, fault: None }
    }

    /// How many bytes fit.
    fn room(&self, head: Head) -> usize {
        if self.overflow.is_some() { 0 } else { self.notes.addr() - self.grow - head.cur.addr() }
    }

    /// The head at `cur`.
    pub(super) fn head(&self, cur: *mut u8) -> Head {
        Head { cur, soft: soft(self.notes.addr() - self.grow) }
    }

    /// The final place of the next byte.
    fn final_place(&self, head: Head) -> usize {
        head.cur.addr().saturating_add(self.grow)
    }

    /// How long the buffer should have been, and what is wrong otherwise.
    #[cold]
    #[inline(never)]
    pub(super) fn failure(&self, head: Head) -> (usize, Option<Fault>) {
        let needed = (head.cur.addr() - self.start.addr()).saturating_add(self.grow);
        (needed, self.fault.map(|(fault, _)| fault))
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
        self.fault = self.fault.or(Some((fault, self.final_place(head))));
        // `finish` looks for faults only where something grew.
        self.overflow(head, 1)
    }

    /// Makes room for `len` bytes if that is possible, else overflows.
    fn reserve(&mut self, mut head: Head, len: usize) -> (Head, bool) {
        if self.room(head) < len && self.overflow.is_none() && self.notes != self.end {
            head = self.compact(head);
        }
        if self.room(head) < len || self.overflow.is_some() {
            return (self.overflow(head, len), false);
        }
        (head, true)
    }

    /// `len` bytes did not fit: from here on nothing does, and `grow` counts.
    fn overflow(&mut self, head: Head, len: usize) -> Head {
        self.overflow = self.overflow.or(Some(self.final_place(head)));
        self.grow = self.grow.saturating_add(len);
        Head { cur: head.cur, soft: 0 }
    }

    /// Closes a message over 127 bytes, or one in which something rare has happened.
    #[cold]
    #[inline(never)]
    pub(super) fn close_cold(&mut self, head: Head, frame: Frame, tag_len: usize) -> Head {
        let place = frame.final_place();
        let len = self.body_len(head, frame, tag_len);
        // Nearly always the length takes two bytes, and nothing rare has happened. (After an overflow there is no slack.)
        if !(head.has_slack() && place > self.settled && (MAX_SHORT + 1..1 << 14).contains(&len)) {
            return self.close_rare(head, frame, tag_len);
        }
        // SAFETY: nothing has overflowed, so the tag and the length are before the body.
        let body = unsafe { frame.cur.add(tag_len + frame.reserved()) };
        if frame.guessed_long() {
            // SAFETY: `open` reserved the two bytes before the body.
            unsafe { body.sub(2).cast::<[u8; 2]>().write(two_byte_varint(len as u32)) };
            head
        } else if len <= MOVED_AT_ONCE && place > self.moved && self.grow == frame.grow {
            self.moved = place;
            move_by_one(head, body, len)
        } else {
            self.push_note(head, body, len, 1)
        }
    }

    #[cold]
    #[inline(never)]
    fn close_rare(&mut self, mut head: Head, frame: Frame, tag_len: usize) -> Head {
        let len = self.body_len(head, frame, tag_len);
        let (length_len, reserved) = (varint_len(len as u64), frame.reserved());
        // A wrong guess, after an overflow: then there is a fault, and nobody asks for the length.
        let extra = length_len.saturating_sub(reserved);
        if self.overflow.is_some() {
            self.grow = self.grow.saturating_add(extra);
            return head;
        }
        if extra > 0 && self.room(head) < extra + NOTE_LEN && self.notes != self.end {
            head = self.compact(head);
        }
        // SAFETY: it fitted (nothing has overflowed), so the tag and the length are before the body.
        let body = unsafe { self.place_of(frame).add(tag_len + reserved) };
        if length_len <= reserved {
            // SAFETY: `open` reserved as many bytes before the body. A body that was wrongly guessed to be long is short: so there
            // is no note in what moves.
            unsafe { put_length(head, body, len, reserved) }
        } else if self.room(head) < extra {
            self.overflow(head, extra)
        } else if self.room(head) < extra + NOTE_LEN {
            // SAFETY: there is room for what the length takes more than was reserved, and no note in the body.
            unsafe { put_length(head, body, len, reserved) }
        } else {
            self.push_note(head, body, len, extra)
        }
    }

    /// The final length of a body that ends here: final places don't change. (The addresses' start cancels out.)
    fn body_len(&self, head: Head, frame: Frame, tag_len: usize) -> usize {
        let body = frame.cur.addr().wrapping_add(frame.grow()).wrapping_add(tag_len + frame.reserved());
        head.cur.addr().wrapping_add(self.grow).wrapping_sub(body)
    }

    /// Where the tag of an open message is now.
    fn place_of(&self, frame: Frame) -> *mut u8 {
        if frame.final_place() > self.settled {
            frame.cur
        } else {
            // SAFETY: the notes before the frame have been compacted since, so what follows has moved to its final place.
            unsafe { frame.cur.add(frame.grow()) }
        }
    }

    fn push_note(&mut self, head: Head, body: *mut u8, len: usize, extra: usize) -> Head {
        let at = body.addr() - self.start.addr() - 1;
        // Both fit: the buffer is no longer than u32::MAX.
        let note = Note::new(at as u32, len as u32);
        self.grow += extra;
        // SAFETY: the caller has seen room for the note and for what it adds to `grow`.
        unsafe {
            self.notes = self.notes.sub(NOTE_LEN);
            self.notes.cast::<Note>().write_unaligned(note);
        }
        self.head(head.cur)
    }

    #[cold]
    #[inline(never)]
    pub(super) fn rewind(&mut self, head: Head, frame: Frame) -> Head {
        // What has overflowed, or has a fault, counts at least one byte: so what was opened later has a later place.
        let place = frame.final_place();
        self.fault = self.fault.filter(|&(_, at)| at < place);
        if self.overflow.is_some_and(|at| at < place) {
            self.grow = frame.grow();
            return head;
        }
        self.overflow = None;
        if place > self.settled {
            // What is taken back has the last notes: those from the frame on.
            let at = frame.cur.addr() - self.start.addr();
            let mut notes = self.notes.cast::<Note>();
            // SAFETY: there are notes from `notes` up to `end`.
            unsafe {
                while notes.cast() != self.end && notes.read_unaligned().at() >= at {
                    notes = notes.add(1);
                }
            }
            self.notes = notes.cast();
            self.grow = frame.grow();
            self.head(frame.cur)
        } else {
            // What was written before has been moved to its final place; all notes since then are of what is taken back.
            self.grow = 0;
            self.notes = self.end;
            self.settled = place;
            // SAFETY: final places lie in the buffer; at the frame it had not overflowed, or nothing would have been
            // compacted since.
            self.head(unsafe { frame.cur.add(frame.grow()) })
        }
    }
}

/// Puts the length of the last body in front of it at once, and moves it to where the length ends.
///
/// # Safety
///
/// `reserved` bytes before the body are for its length, and there is room for what that takes more. No note is in a body that moves.
#[cold]
#[inline(never)]
unsafe fn put_length(head: Head, body: *mut u8, len: usize, reserved: usize) -> Head {
    let (varint, varint_len) = varint::spread(len as u64);
    // SAFETY: the caller's; all from `body` to `cur` is written.
    unsafe {
        let length = body.sub(reserved);
        if varint_len != reserved {
            ptr::copy(body, length.add(varint_len), len);
        }
        ptr::copy_nonoverlapping(varint.as_ptr(), length, varint_len);
        Head { cur: head.cur.sub(reserved).add(varint_len), soft: head.soft }
    }
}

/// Puts the length of the last body, which takes two bytes, in front of it at once. There is room for it, and no note in the
/// body.
#[cold]
#[inline(never)]
fn move_by_one(head: Head, body: *mut u8, len: usize) -> Head {
    // SAFETY: `len` bytes from `body` to `cur` are written and have room to move up by one; the byte before them is reserved.
    unsafe {
        ptr::copy(body, body.add(1), len);
        body.sub(1).cast::<[u8; 2]>().write(two_byte_varint(len as u32));
        Head { cur: head.cur.add(1), soft: head.soft }
    }
}
