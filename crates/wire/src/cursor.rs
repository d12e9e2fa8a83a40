//! Where the next byte goes, and the one place of this crate that writes through a pointer.
//!
//! ```text
//!  start                 cur             limit       notes          end
//!    |  written           |     free       |   grow    | n ... 2 1   |
//!    +--------------------+----------------+-----------+-------------+
//! ```
//!
//! * `start..cur` is written. Each open message has one byte there, reserved for its length, right before its body.
//! * `notes..end` is a stack of notes that grows down: one for each closed body longer than 127 bytes, the last closed at
//!   the lowest address. Their lengths are still to be written.
//! * `grow` is how many bytes those lengths will add to what is written. The last `grow` bytes before the notes are kept
//!   free for them, so [`Cursor::compact`] always has room.
//! * After an overflow `limit == cur`: nothing fits any more, `grow` goes on counting what did not.
//!
//! The *final* place of a byte is its place now plus the `grow` of the notes before it. Final places never change, so
//! the length of a message is the difference of two of them, whatever is moved meanwhile.
//!
//! Hot functions are inlined into their callers and keep a cursor in registers. That lasts as long as its address goes
//! nowhere, so the cold ones take the cursor by value and give it back.

use core::ptr;

use crate::error::Fault;
use crate::varint::{self, MAX_TAG_LEN, MAX_VARINT_LEN, WireType, varint_len};

/// The position in the buffer. See the module's documentation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor {
    cur: *mut u8,
    limit: *mut u8,
    grow: usize,
    notes: *mut u8,
    /// How often the notes have been compacted: what was open then has moved.
    compactions: usize,
    /// It did not fit, or has a fault: nothing is written any more.
    overflowed: bool,
    fault: Option<Fault>,
    start: *mut u8,
    end: *mut u8,
}

/// An open message: what [`Cursor::close`] needs to know.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    /// The first byte of its body, when it was opened.
    body: *mut u8,
    /// `grow` and `compactions` when it was opened.
    grow: usize,
    compactions: usize,
}

/// A closed body whose length takes more than the one byte that was reserved.
#[derive(Clone, Copy)]
struct Note {
    /// Offset of the reserved byte from the start of the buffer.
    at: u32,
    /// Final length of the body.
    len: u32,
}

const NOTE_LEN: usize = size_of::<Note>();

/// A body up to this length has a length of one byte.
const MAX_SHORT: usize = 0x7f;

impl Cursor {
    /// A cursor at the start of `buffer`; of a buffer over 4 GiB - 1 the front is used.
    ///
    /// # Safety
    ///
    /// While the cursor or a copy of it is used, `buffer` stays alive and nobody else touches it.
    #[inline]
    pub(crate) unsafe fn new(buffer: &mut [u8]) -> Self {
        let len = buffer.len().min(u32::MAX as usize);
        let start = buffer.as_mut_ptr();
        // SAFETY: `len` is at most the buffer's length.
        let end = unsafe { start.add(len) };
        Self { cur: start, limit: end, grow: 0, notes: end, compactions: 0, overflowed: false, fault: None, start, end }
    }

    /// Ends the outermost message: its length, or the length that it needs when it did not fit, or what is wrong with it.
    #[inline]
    pub(crate) fn finish(mut self) -> Result<usize, (usize, Option<Fault>)> {
        if self.grow != 0 {
            if self.overflowed {
                return Err((self.final_offset(), self.fault));
            }
            self = self.compact();
        }
        Ok(self.final_offset())
    }

    /// The final place of the next byte, from the start of the buffer.
    #[inline]
    fn final_offset(self) -> usize {
        self.cur.addr() - self.start.addr() + self.grow
    }

    /// How many bytes fit.
    #[inline]
    fn room(self) -> usize {
        self.limit.addr() - self.cur.addr()
    }

    // ------------------------------------------------------------------ fields

    /// A field whose value is a varint.
    #[inline]
    pub(crate) fn varint<const N: u32>(&mut self, value: u64) {
        let tag = const { Tag::new(N, WireType::Varint) };
        if self.room() >= tag.len + MAX_VARINT_LEN {
            // SAFETY: the room was just checked, for the longest varint.
            unsafe {
                self.put(tag.bytes());
                self.put_varint(value);
            }
        } else {
            *self = self.field_cold(tag, varint::spread(value));
        }
    }

    /// A field whose value has a fixed length: `fixed32`, `fixed64` and their like, and `bool`.
    #[inline]
    pub(crate) fn fixed<const N: u32, const W: u8, const LEN: usize>(&mut self, value: [u8; LEN]) {
        let tag = const { Tag::new(N, wire_type(W)) };
        if self.room() >= tag.len + LEN {
            // SAFETY: the room was just checked.
            unsafe {
                self.put(tag.bytes());
                self.put(&value);
            }
        } else {
            let mut bytes = [0; MAX_VARINT_LEN];
            bytes[..LEN].copy_from_slice(&value);
            *self = self.field_cold(tag, (bytes, LEN));
        }
    }

    /// A field that is a length and that many bytes.
    #[inline]
    pub(crate) fn bytes<const N: u32>(&mut self, value: &[u8]) {
        let tag = const { Tag::new(N, WireType::Len) };
        if value.len() <= MAX_SHORT && self.room() >= tag.len + 1 + value.len() {
            // SAFETY: the room was just checked.
            unsafe {
                self.put(tag.bytes());
                self.put(&[value.len() as u8]);
                self.put(value);
            }
        } else {
            *self = self.bytes_long(tag, value);
        }
    }

    /// The start or the end of a group.
    #[inline]
    pub(crate) fn group_tag<const N: u32, const W: u8>(&mut self) {
        let tag = const { Tag::new(N, wire_type(W)) };
        if self.room() >= tag.len {
            // SAFETY: the room was just checked.
            unsafe { self.put(tag.bytes()) };
        } else {
            *self = self.append_cold(tag.bytes());
        }
    }

    /// Opens a length-delimited field whose length is not known yet.
    #[inline]
    pub(crate) fn open<const N: u32>(&mut self) -> Frame {
        let tag = const { Tag::new(N, WireType::Len) };
        let mut frame = Frame { body: self.cur, grow: self.grow, compactions: self.compactions };
        if self.room() > tag.len {
            // SAFETY: the room was just checked. The second store reserves the byte of the length.
            unsafe {
                self.put(tag.bytes());
                self.put(&[0]);
            }
            frame.body = self.cur;
        } else {
            (*self, frame) = self.open_cold(tag, frame);
        }
        frame
    }

    /// Closes what `open` opened: writes the length, or notes it.
    #[inline]
    pub(crate) fn close(&mut self, frame: Frame) {
        // `grow` changes with each note and each byte that does not fit, so here nothing in the body has, and it is where
        // it was. (Had it been moved, and `grow` come back to the same by new notes, they would make it a long one.)
        if self.grow == frame.grow {
            let len = self.cur.addr() - frame.body.addr();
            if len <= MAX_SHORT {
                // SAFETY: `open` reserved the byte before the body (had it not fitted, `grow` would differ).
                unsafe { frame.body.sub(1).write(len as u8) };
                return;
            }
        }
        *self = self.close_cold(frame);
    }

    /// Appends the varint of `value`, without a tag.
    #[inline]
    pub(crate) fn append_varint(&mut self, value: u64) {
        if self.room() >= MAX_VARINT_LEN {
            // SAFETY: the room was just checked, for the longest varint.
            unsafe { self.put_varint(value) };
        } else {
            let (bytes, len) = varint::spread(value);
            *self = self.append_cold(&bytes[..len]);
        }
    }

    /// Appends bytes of a fixed number, without a tag or a length.
    #[inline]
    pub(crate) fn append<const LEN: usize>(&mut self, bytes: [u8; LEN]) {
        if self.room() >= LEN {
            // SAFETY: the room was just checked.
            unsafe { self.put(&bytes) };
        } else {
            *self = self.append_cold(&bytes);
        }
    }

    /// Appends bytes, without a tag or a length.
    #[inline]
    pub(crate) fn append_slice(&mut self, bytes: &[u8]) {
        if self.room() >= bytes.len() {
            // SAFETY: the room was just checked.
            unsafe { self.put(bytes) };
        } else {
            *self = self.append_cold(bytes);
        }
    }

    /// The message is not what it should be; the first such fault is reported.
    #[cold]
    #[inline(never)]
    pub(crate) fn fail(mut self, fault: Fault) -> Self {
        self.fault = self.fault.or(Some(fault));
        // `finish` looks for faults only where something grew.
        self.overflow(1);
        self
    }

    /// Takes back all that was written since `before`, which must be an earlier value of this cursor.
    ///
    /// # Safety
    ///
    /// Every message that was open at `before` is still open and no other is closed or used afterwards.
    #[cold]
    pub(crate) unsafe fn rewind(&mut self, before: Cursor) {
        if self.compactions == before.compactions {
            *self = before;
        } else {
            // What was written before has been moved to its final place; all notes since then are of what is taken back.
            // SAFETY: final places lie in the buffer; `before` had not overflowed, or nothing would have been compacted.
            self.cur = unsafe { before.cur.add(before.grow) };
            self.grow = 0;
            self.notes = self.end;
            self.limit = self.end;
            self.overflowed = false;
            self.fault = None;
        }
    }

    // ------------------------------------------------------- storing, unchecked

    /// # Safety
    ///
    /// There is room for `bytes`.
    #[inline]
    unsafe fn put(&mut self, bytes: &[u8]) {
        // SAFETY: `cur..cur + room` is free, in the buffer that only we may touch: so it can't overlap `bytes` either.
        unsafe {
            ptr::copy_nonoverlapping(bytes.as_ptr(), self.cur, bytes.len());
            self.cur = self.cur.add(bytes.len());
        }
    }

    /// # Safety
    ///
    /// There is room for [`MAX_VARINT_LEN`] bytes, of whatever length the varint is.
    #[inline]
    unsafe fn put_varint(&mut self, value: u64) {
        // SAFETY: the caller's.
        unsafe {
            if value < 1 << 7 {
                self.put(&[value as u8]);
            } else if value < 1 << 14 {
                self.put(&[value as u8 | 0x80, (value >> 7) as u8]);
            } else {
                self.cur = put_long_varint(self.cur, value);
            }
        }
    }

    // ---------------------------------------------------------------- the rare

    #[cold]
    #[inline(never)]
    fn field_cold(self, tag: Tag, (value, len): ([u8; MAX_VARINT_LEN], usize)) -> Self {
        let mut field = [0; MAX_TAG_LEN + MAX_VARINT_LEN];
        field[..tag.len].copy_from_slice(tag.bytes());
        field[tag.len..][..len].copy_from_slice(&value[..len]);
        self.append_cold(&field[..tag.len + len])
    }

    #[inline(never)]
    fn bytes_long(mut self, tag: Tag, value: &[u8]) -> Self {
        let (len, len_len) = varint::spread(value.len() as u64);
        if self.reserve(tag.len + len_len + value.len()) {
            // SAFETY: the room was just reserved.
            unsafe {
                self.put(tag.bytes());
                self.put(&len[..len_len]);
                self.put(value);
            }
        }
        self
    }

    #[cold]
    #[inline(never)]
    fn append_cold(mut self, bytes: &[u8]) -> Self {
        if self.reserve(bytes.len()) {
            // SAFETY: the room was just reserved.
            unsafe { self.put(bytes) };
        }
        self
    }

    #[cold]
    #[inline(never)]
    fn open_cold(mut self, tag: Tag, mut frame: Frame) -> (Self, Frame) {
        if self.reserve(tag.len + 1) {
            // SAFETY: the room was just reserved.
            unsafe {
                self.put(tag.bytes());
                self.put(&[0]);
            }
            frame = Frame { body: self.cur, grow: self.grow, compactions: self.compactions };
        } else {
            // The body's final place is after the tag and the length that did not fit. `close` sees `grow` differ.
            frame.body = self.cur.wrapping_add(tag.len + 1);
        }
        (self, frame)
    }

    /// Makes room for `len` bytes if that is possible, else overflows.
    fn reserve(&mut self, len: usize) -> bool {
        if self.room() < len && !self.overflowed && self.notes != self.end {
            *self = self.compact();
        }
        if self.room() < len || self.overflowed {
            self.overflow(len);
            return false;
        }
        true
    }

    /// `len` bytes did not fit: from here on nothing does, and `grow` counts.
    fn overflow(&mut self, len: usize) {
        self.overflowed = true;
        self.limit = self.cur;
        self.grow = self.grow.saturating_add(len);
    }

    #[cold]
    #[inline(never)]
    fn close_cold(mut self, frame: Frame) -> Self {
        // Addresses, not offsets: the start cancels out. (Wrapping: a body that did not fit may begin past the end.)
        let len = (self.cur.addr() + self.grow).wrapping_sub(frame.body.addr() + frame.grow);
        let extra = varint_len(len as u64) - 1;
        if self.overflowed {
            self.grow = self.grow.saturating_add(extra);
            return self;
        }
        if extra > 0 && self.room() < extra + NOTE_LEN && self.notes != self.end {
            self = self.compact();
        }
        let body = self.body_of(frame);
        if extra == 0 {
            // SAFETY: `open` reserved the byte before the body.
            unsafe { body.sub(1).write(len as u8) };
        } else if self.room() < extra {
            self.overflow(extra);
        } else if self.room() < extra + NOTE_LEN {
            self.move_body(body, len);
        } else {
            self.push_note(body, len, extra);
        }
        self
    }

    /// Where the body of an open message is now.
    fn body_of(&self, frame: Frame) -> *mut u8 {
        if self.compactions == frame.compactions {
            frame.body
        } else {
            // SAFETY: the notes before the frame have been compacted since, so the body has moved to its final place.
            unsafe { frame.body.add(frame.grow) }
        }
    }

    /// Puts the length of the last body in front of it at once. There is room for it, and no note.
    fn move_body(&mut self, body: *mut u8, len: usize) {
        let (varint, varint_len) = varint::spread(len as u64);
        // SAFETY: `len` bytes from `body` to `cur` are written and have room to move up by what the length takes beyond
        // the byte that is reserved before them.
        unsafe {
            ptr::copy(body, body.add(varint_len - 1), len);
            ptr::copy_nonoverlapping(varint.as_ptr(), body.sub(1), varint_len);
            self.cur = self.cur.add(varint_len - 1);
        }
    }

    fn push_note(&mut self, body: *mut u8, len: usize, extra: usize) {
        let at = body.addr() - self.start.addr() - 1;
        // Both fit: the buffer is no longer than u32::MAX.
        let (at, len) = (at as u32, len as u32);
        self.grow += extra;
        // SAFETY: the caller has seen room for the note and for what it adds to `grow`.
        unsafe {
            self.notes = self.notes.sub(NOTE_LEN);
            self.notes.cast::<Note>().write_unaligned(Note { at, len });
            self.limit = self.limit.sub(NOTE_LEN + extra);
        }
    }

    /// Writes every length that was noted and moves each byte behind one to its final place, once, from right to left.
    ///
    /// The notes are in the order in which their messages were closed: children before parents, left before right. Read
    /// backwards, that is parents before children, right before left; moving from right to left wants children before
    /// parents. So a parent waits, on a stack, until its children are done. The stack lies over the notes already read.
    #[cold]
    #[inline(never)]
    fn compact(mut self) -> Self {
        let notes = self.notes.cast::<Note>();
        let count = (self.end.addr() - self.notes.addr()) / NOTE_LEN;
        let mut waiting = 0;
        let mut mover = Mover { start: self.start, source_end: self.cur, shift: self.grow };
        // SAFETY: there are `count` notes from `notes` on; `waiting` never passes the index of the note that was read.
        unsafe {
            for i in 0..count {
                let note = notes.add(i).read_unaligned();
                while waiting > 0 && notes.add(waiting - 1).read_unaligned().at > note.at {
                    waiting -= 1;
                    mover.move_body(notes.add(waiting).read_unaligned());
                }
                notes.add(waiting).write_unaligned(note);
                waiting += 1;
            }
            while waiting > 0 {
                waiting -= 1;
                mover.move_body(notes.add(waiting).read_unaligned());
            }
            // All `grow` bytes that were kept free are used now.
            self.cur = self.cur.add(self.grow);
        }
        debug_assert_eq!(mover.shift, 0, "each note added its share of `grow`");
        self.grow = 0;
        self.notes = self.end;
        self.limit = self.end;
        self.compactions += 1;
        self
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
        let (varint, varint_len) = varint::spread(u64::from(note.len));
        // SAFETY: `at` is the byte reserved for the length, the body begins after it and ends before `source_end`.
        unsafe {
            let reserved = self.start.add(note.at as usize);
            let body = reserved.add(1);
            ptr::copy(body, body.add(self.shift), self.source_end.addr() - body.addr());
            self.shift -= varint_len - 1;
            ptr::copy_nonoverlapping(varint.as_ptr(), reserved.add(self.shift), varint_len);
            self.source_end = reserved;
        }
    }
}

/// A varint of three bytes or more, branch-free; returns where it ends.
///
/// # Safety
///
/// Ten bytes may be written at `at`.
#[inline(never)]
unsafe fn put_long_varint(at: *mut u8, value: u64) -> *mut u8 {
    let (bytes, len) = varint::spread(value);
    // SAFETY: the caller's; `len` is at most ten.
    unsafe {
        ptr::copy_nonoverlapping(bytes.as_ptr(), at, bytes.len());
        at.add(len)
    }
}

/// The varint of a field's tag, made at compile time.
#[derive(Debug, Clone, Copy)]
struct Tag {
    bytes: [u8; MAX_VARINT_LEN],
    len: usize,
}

impl Tag {
    const fn new(number: u32, wire_type: WireType) -> Self {
        let (bytes, len) = varint::spread(varint::tag(number, wire_type) as u64);
        Self { bytes, len }
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// The wire types of [`Cursor::fixed`] and [`Cursor::group_tag`]; const generics can't be enums.
const fn wire_type(number: u8) -> WireType {
    match number {
        0 => WireType::Varint,
        1 => WireType::Fixed64,
        3 => WireType::StartGroup,
        4 => WireType::EndGroup,
        5 => WireType::Fixed32,
        _ => panic!("not the wire type of a value of fixed length, nor of a group"),
    }
}
