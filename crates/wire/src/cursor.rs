//! Where the next byte goes, and the one place of this crate that writes through a pointer.
//!
//! ```text
//!  start                 cur       soft  limit       notes          end
//!    |  written           |     free |SLACK|   grow    | n ... 2 1   |
//!    +--------------------+----------+-----+-----------+-------------+
//! ```
//!
//! * `start..cur` is written. Each open message has one byte there, reserved for its length, right before its body.
//! * `notes..end` is a stack of notes that grows down: one for each closed body longer than 127 bytes, the last closed at
//!   the lowest address. Their lengths are still to be written.
//! * `grow` is how many bytes those lengths will add to what is written. The last `grow` bytes before the notes are kept
//!   free for them, so [`Rest::compact`] always has room.
//! * `soft` is [`SLACK`] bytes before the limit: up to there a small field fits, whatever its value, which is one
//!   comparison. What might not fit goes through a cold function, and that measures.
//! * After an overflow nothing fits any more, `grow` goes on counting what did not.
//!
//! The *final* place of a byte is its place now plus the `grow` of the notes before it. Final places never change, so
//! the length of a message is the difference of two of them, whatever is moved meanwhile.
//!
//! Hot functions are inlined into their callers and keep a [`Head`] in registers: two words, which the cold functions take
//! and give back in registers too. All else is the [`Rest`], in memory, for the cold functions.

use core::ops::Range;
use core::ptr::{self, NonNull};

use crate::error::Fault;
use crate::varint::{self, MAX_TAG_LEN, MAX_VARINT_LEN, WireType, varint_len};

/// The position in the buffer. See the module's documentation.
#[derive(Debug)]
pub(crate) struct Cursor {
    head: Head,
    rest: NonNull<Rest>,
}

/// What every field changes.
#[derive(Debug, Clone, Copy)]
struct Head {
    cur: *mut u8,
    /// An address: up to it `cur` has [`SLACK`] bytes free. 0 after an overflow.
    soft: usize,
}

/// What few fields change.
#[derive(Debug)]
pub(crate) struct Rest {
    grow: usize,
    /// How often the notes have been compacted: what was open then has moved.
    compactions: usize,
    notes: *mut u8,
    start: *mut u8,
    end: *mut u8,
    /// It did not fit, or has a fault: nothing is written any more.
    overflowed: bool,
    fault: Option<Fault>,
}

/// An open message: what [`Cursor::close`] and [`Cursor::rewind`] need to know. All is of before its tag.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    cur: *mut u8,
    /// That of the head; or one of those below, when there was no slack.
    soft: usize,
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

/// The longest field that does not depend on its value's length: a tag and a varint. Rounded up.
const SLACK: usize = 16;

const _: () = assert!(MAX_TAG_LEN + MAX_VARINT_LEN <= SLACK && NOTE_LEN < SLACK);

/// Instead of `Frame::soft` where there was no slack, so that [`Cursor::close`] does nothing in a hurry. No `Head::soft`
/// is one of these, since it is 0 or [`SLACK`] below an address.
const NO_SLACK: usize = usize::MAX;
/// The same where it had overflowed already.
const OVERFLOWED: usize = usize::MAX - 1;
/// The same where it had a fault already.
const FAULTY: usize = usize::MAX - 2;

impl Rest {
    /// Of a `buffer` in which nothing is written; of one over 4 GiB - 1 the front is used.
    #[inline]
    pub(crate) fn new(buffer: &mut [u8]) -> Self {
        let len = buffer.len().min(u32::MAX as usize);
        let Range { start, end } = buffer[..len].as_mut_ptr_range();
        Self { grow: 0, compactions: 0, notes: end, start, end, overflowed: false, fault: None }
    }
}

impl Cursor {
    /// A cursor at the start of the buffer of `rest`.
    ///
    /// # Safety
    ///
    /// While the cursor is used, the buffer and `rest` stay alive and nobody else touches them.
    #[inline]
    pub(crate) unsafe fn new(rest: &mut Rest) -> Self {
        Self { head: Head { cur: rest.start, soft: soft(rest.end.addr()) }, rest: NonNull::from(rest) }
    }

    /// Ends the outermost message: its length, or the length that it needs when it did not fit, or what is wrong with it.
    #[inline]
    pub(crate) fn finish(mut self) -> Result<usize, (usize, Option<Fault>)> {
        let (mut head, rest) = self.parts();
        if rest.grow != 0 {
            if rest.overflowed {
                return Err((rest.final_offset(head), rest.fault));
            }
            head = rest.compact(head);
        }
        Ok(head.cur.addr() - rest.start.addr())
    }

    #[inline]
    fn parts(&mut self) -> (Head, &mut Rest) {
        // SAFETY: `new` was promised that it lives and that nobody else touches it; we give it to one at a time.
        (self.head, unsafe { self.rest.as_mut() })
    }

    /// Does what is rare: `f` of the head and the rest gives the new head.
    #[inline]
    fn cold(&mut self, f: impl FnOnce(Head, &mut Rest) -> Head) {
        let (head, rest) = self.parts();
        self.head = f(head, rest);
    }

    // ------------------------------------------------------------------ fields

    /// A field whose value is a varint.
    #[inline]
    pub(crate) fn varint<const N: u32>(&mut self, value: u64) {
        let tag = const { &Tag::new(N, WireType::Varint) };
        if self.head.has_slack() {
            // SAFETY: the slack is enough for any tag and any varint.
            unsafe {
                self.head.put(tag.bytes());
                self.head.put_varint(value);
            }
        } else {
            self.cold(|head, rest| rest.varint_cold(head, tag, value));
        }
    }

    /// A field whose value has a fixed length: `fixed32`, `fixed64` and their like, and `bool`.
    #[inline]
    pub(crate) fn fixed<const N: u32, const W: u8, const LEN: usize>(&mut self, value: [u8; LEN]) {
        const { assert!(LEN <= MAX_VARINT_LEN) };
        let tag = const { &Tag::new(N, wire_type(W)) };
        if self.head.has_slack() {
            // SAFETY: the slack is enough for any tag and any value of such a length.
            unsafe {
                self.head.put(tag.bytes());
                self.head.put(&value);
            }
        } else {
            self.cold(|head, rest| rest.fixed_cold(head, tag, &value));
        }
    }

    /// A field that is a length and that many bytes.
    #[inline]
    pub(crate) fn bytes<const N: u32>(&mut self, value: &[u8]) {
        let tag = const { &Tag::new(N, WireType::Len) };
        if value.len() <= MAX_SHORT && self.head.has_slack_and(value.len()) {
            // SAFETY: the slack is enough for the tag and the length, and there is room for the value beside it.
            unsafe {
                self.head.put(tag.bytes());
                self.head.put(&[value.len() as u8]);
                self.head.put(value);
            }
        } else {
            self.cold(|head, rest| rest.bytes_long(head, tag, value));
        }
    }

    /// The start or the end of a group.
    #[inline]
    pub(crate) fn group_tag<const N: u32, const W: u8>(&mut self) {
        let tag = const { &Tag::new(N, wire_type(W)) };
        if self.head.has_slack() {
            // SAFETY: the slack is enough for any tag.
            unsafe { self.head.put(tag.bytes()) };
        } else {
            self.cold(|head, rest| rest.append_cold(head, tag.bytes()));
        }
    }

    /// What is to be known of a message that is opened next.
    #[inline]
    pub(crate) fn frame(&mut self) -> Frame {
        let slack = self.head.has_slack();
        let (Head { cur, soft }, rest) = self.parts();
        let soft = if slack { soft } else { rest.no_slack() };
        Frame { cur, soft, grow: rest.grow, compactions: rest.compactions }
    }

    /// Opens a length-delimited field whose length is not known yet.
    #[inline]
    pub(crate) fn open<const N: u32>(&mut self) -> Frame {
        let tag = const { &Tag::new(N, WireType::Len) };
        let frame = self.frame();
        if self.head.has_slack() {
            // SAFETY: the slack is enough for any tag and one byte, which is reserved for the length.
            unsafe {
                self.head.put(tag.bytes());
                self.head.put(&[0]);
            }
        } else {
            self.cold(|head, rest| rest.open_cold(head, tag));
        }
        frame
    }

    /// Closes what `open` opened: writes the length, or notes it.
    #[inline]
    pub(crate) fn close<const N: u32>(&mut self, frame: Frame) {
        let tag = const { &Tag::new(N, WireType::Len) };
        // `soft` changes with each note, each compaction and at the first byte that does not fit, so here nothing in the
        // body has, and it is where it was. (Had it been moved, and `soft` come back to the same by new notes, they would
        // make it a long one.)
        if self.head.soft == frame.soft {
            let body = frame.cur.wrapping_add(tag.len + 1);
            let len = self.head.cur.addr().wrapping_sub(body.addr());
            if len <= MAX_SHORT {
                // SAFETY: `open` had the slack for the byte before the body, or `soft` would differ.
                unsafe { body.sub(1).write(len as u8) };
                return;
            }
        }
        self.cold(|head, rest| rest.close_cold(head, frame, tag.len + 1));
    }

    /// A packed field of varints: `raw` of each of `values`.
    #[inline]
    pub(crate) fn packed_varints<const N: u32, T: Copy>(&mut self, values: &[T], raw: impl Fn(T) -> u64) {
        let tag = const { &Tag::new(N, WireType::Len) };
        let count = values.len();
        let fits = count <= MAX_PACKED && self.head.has_slack_and(count * MAX_VARINT_LEN);
        if !fits {
            let frame = self.open::<N>();
            for &value in values {
                self.append_varint(raw(value));
            }
            return self.close::<N>(frame);
        }
        // The length is not known yet, but it is at least the number of elements.
        let mut reserved = varint_len(count as u64);
        // SAFETY: the slack is enough for a tag and any length of this count; the elements have room beside it, each for
        // the longest varint. So has what moves up, since a body with longer elements than one byte leaves more than that.
        unsafe {
            let mut head = self.head;
            head.put(tag.bytes());
            let body = head.cur.add(reserved);
            head.cur = body;
            for &value in values {
                head.cur = put_any_varint(head.cur, raw(value));
            }
            let len = head.cur.addr() - body.addr();
            let (length, length_len) = varint::spread(len as u64);
            if length_len != reserved {
                ptr::copy(body, body.sub(reserved).add(length_len), len);
                head.cur = head.cur.add(length_len - reserved);
                reserved = length_len;
            }
            ptr::copy_nonoverlapping(length.as_ptr(), head.cur.sub(len + reserved), length_len);
            self.head = head;
        }
    }

    /// A packed field of values of a fixed length: `raw` of each of `values`.
    #[inline]
    pub(crate) fn packed_fixed<const N: u32, const LEN: usize, T: Copy>(
        &mut self,
        values: &[T],
        raw: impl Fn(T) -> [u8; LEN],
    ) {
        let tag = const { &Tag::new(N, WireType::Len) };
        let len = values.len().saturating_mul(LEN);
        if len <= MAX_PACKED * MAX_VARINT_LEN && self.head.has_slack_and(len) {
            let (length, length_len) = varint::spread(len as u64);
            // SAFETY: the slack is enough for a tag and such a length; the elements have room beside it.
            unsafe {
                self.head.put(tag.bytes());
                self.head.put(&length[..length_len]);
                for &value in values {
                    self.head.put(&raw(value));
                }
            }
        } else {
            let frame = self.open::<N>();
            for &value in values {
                self.append(raw(value));
            }
            self.close::<N>(frame);
        }
    }

    /// Appends the varint of `value`, without a tag.
    #[inline]
    pub(crate) fn append_varint(&mut self, value: u64) {
        if self.head.has_slack() {
            // SAFETY: the slack is enough for any varint.
            unsafe { self.head.cur = put_any_varint(self.head.cur, value) };
        } else {
            self.cold(|head, rest| rest.append_varint_cold(head, value));
        }
    }

    /// Appends bytes of a fixed number, without a tag or a length.
    #[inline]
    pub(crate) fn append<const LEN: usize>(&mut self, bytes: [u8; LEN]) {
        const { assert!(LEN <= SLACK) };
        if self.head.has_slack() {
            // SAFETY: there is more room than that.
            unsafe { self.head.put(&bytes) };
        } else {
            self.cold(|head, rest| rest.append_cold(head, &bytes));
        }
    }

    /// Appends bytes, without a tag or a length.
    #[inline]
    pub(crate) fn append_slice(&mut self, bytes: &[u8]) {
        if self.head.has_slack_and(bytes.len()) {
            // SAFETY: there is more room than that.
            unsafe { self.head.put(bytes) };
        } else {
            self.cold(|head, rest| rest.append_cold(head, bytes));
        }
    }

    /// The message is not what it should be; the first such fault is reported.
    #[inline]
    pub(crate) fn fail(&mut self, fault: Fault) {
        self.cold(|head, rest| rest.fail(head, fault));
    }

    /// Takes back all that was written since `frame`.
    ///
    /// # Safety
    ///
    /// Every message that was open at `frame` is still open and no other is closed or used afterwards.
    #[inline]
    pub(crate) unsafe fn rewind(&mut self, frame: Frame) {
        self.cold(|head, rest| rest.rewind(head, frame));
    }
}

/// The most elements that a packed field may have whose length is reserved by their number: the length takes at most one byte
/// more than the number, and neither over five.
const MAX_PACKED: usize = (u32::MAX >> 8) as usize;

/// `Head::soft` for a limit.
#[inline]
fn soft(limit: usize) -> usize {
    limit.saturating_sub(SLACK)
}

// ------------------------------------------------------------ storing, unchecked

impl Head {
    /// Whether [`SLACK`] bytes fit.
    #[inline]
    fn has_slack(self) -> bool {
        self.cur.addr() <= self.soft
    }

    /// Whether `len` bytes and [`SLACK`] more fit.
    #[inline]
    fn has_slack_and(self, len: usize) -> bool {
        self.has_slack() && len <= self.soft - self.cur.addr()
    }

    /// # Safety
    ///
    /// There is room for `bytes`.
    #[inline]
    unsafe fn put(&mut self, bytes: &[u8]) {
        // SAFETY: the room is free, in the buffer that only we may touch: so it can't overlap `bytes` either.
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
}

// ----------------------------------------------------------------------- the rare

impl Rest {
    /// How many bytes fit.
    fn room(&self, head: Head) -> usize {
        if self.overflowed { 0 } else { self.notes.addr() - self.grow - head.cur.addr() }
    }

    /// The head at `cur`.
    fn head(&self, cur: *mut u8) -> Head {
        Head { cur, soft: soft(self.notes.addr() - self.grow) }
    }

    /// The final place of the next byte, from the start of the buffer.
    fn final_offset(&self, head: Head) -> usize {
        (head.cur.addr() - self.start.addr()).saturating_add(self.grow)
    }

    #[cold]
    #[inline(never)]
    fn varint_cold(&mut self, head: Head, tag: &Tag, value: u64) -> Head {
        let (bytes, len) = varint::spread(value);
        self.field(head, tag, bytes.get(..len).unwrap_or_default())
    }

    #[cold]
    #[inline(never)]
    fn fixed_cold(&mut self, head: Head, tag: &Tag, value: &[u8]) -> Head {
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
    fn bytes_long(&mut self, head: Head, tag: &Tag, value: &[u8]) -> Head {
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
    fn append_varint_cold(&mut self, head: Head, value: u64) -> Head {
        let (bytes, len) = varint::spread(value);
        self.append_cold(head, bytes.get(..len).unwrap_or_default())
    }

    #[cold]
    #[inline(never)]
    fn append_cold(&mut self, head: Head, bytes: &[u8]) -> Head {
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
    fn open_cold(&mut self, head: Head, tag: &Tag) -> Head {
        self.field(head, tag, &[0])
    }

    #[cold]
    #[inline(never)]
    fn fail(&mut self, head: Head, fault: Fault) -> Head {
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
    fn close_cold(&mut self, mut head: Head, frame: Frame, head_len: usize) -> Head {
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
    fn no_slack(&self) -> usize {
        match (self.overflowed, self.fault) {
            (false, _) => NO_SLACK,
            (true, None) => OVERFLOWED,
            (true, Some(_)) => FAULTY,
        }
    }

    #[cold]
    #[inline(never)]
    fn rewind(&mut self, head: Head, frame: Frame) -> Head {
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

    /// Writes every length that was noted and moves each byte behind one to its final place, once, from right to left.
    ///
    /// The notes are in the order in which their messages were closed: children before parents, left before right. Read
    /// backwards, that is parents before children, right before left; moving from right to left wants children before
    /// parents. So a parent waits, on a stack, until its children are done. The stack lies over the notes already read.
    #[cold]
    #[inline(never)]
    fn compact(&mut self, head: Head) -> Head {
        let notes = self.notes.cast::<Note>();
        let count = (self.end.addr() - self.notes.addr()) / NOTE_LEN;
        let mut waiting = 0;
        let mut mover = Mover { start: self.start, source_end: head.cur, shift: self.grow };
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
        }
        debug_assert_eq!(mover.shift, 0, "each note added its share of `grow`");
        // SAFETY: all `grow` bytes that were kept free are used now.
        let cur = unsafe { head.cur.add(self.grow) };
        self.grow = 0;
        self.notes = self.end;
        self.compactions += 1;
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
        // SAFETY: `at` is the byte reserved for the length, the body begins after it and ends before `source_end`.
        unsafe {
            let reserved = self.start.add(note.at as usize);
            let body = reserved.add(1);
            move_up(body, self.shift, self.source_end.addr() - body.addr());
            self.source_end = reserved;
            if note.len < 1 << 14 {
                // Nearly always. (A note's length is over 127.)
                self.shift -= 1;
                let varint = [note.len as u8 | 0x80, (note.len >> 7) as u8];
                reserved.add(self.shift).cast::<[u8; 2]>().write(varint);
            } else {
                let (varint, varint_len) = varint::spread(u64::from(note.len));
                self.shift -= varint_len - 1;
                ptr::copy_nonoverlapping(varint.as_ptr(), reserved.add(self.shift), varint_len);
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

/// The varint of any value; returns where it ends. What its length is below nine bytes makes no difference.
///
/// # Safety
///
/// Ten bytes may be written at `at`.
#[inline]
unsafe fn put_any_varint(at: *mut u8, value: u64) -> *mut u8 {
    let (bytes, len) = varint::spread_fast(value);
    // SAFETY: the caller's; `len` is at most ten.
    unsafe {
        ptr::copy_nonoverlapping(bytes.as_ptr(), at, bytes.len());
        at.add(len)
    }
}

/// A varint of three bytes or more, out of line; returns where it ends.
///
/// # Safety
///
/// `value` takes three bytes or more. Ten bytes may be written at `at`.
#[inline(never)]
unsafe fn put_long_varint(at: *mut u8, value: u64) -> *mut u8 {
    // SAFETY: the caller's.
    unsafe {
        if value >> 35 != 0 {
            return put_any_varint(at, value);
        }
        // Three to five bytes: the same in half the instructions.
        let x = value as u32;
        let groups = x & 0x7f | x << 1 & 0x7f00 | x << 2 & 0x7f_0000 | x << 3 & 0x7f00_0000;
        let empty = u32::from(value < 1 << 28) + u32::from(value < 1 << 21);
        at.cast::<[u8; 4]>().write((groups | 0x8080_8080 >> (8 * empty)).to_le_bytes());
        at.add(4).write((value >> 28) as u8);
        at.add(5 - empty as usize)
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
        // Not an index: a function that might panic keeps its callers from keeping the head in registers.
        self.bytes.get(..self.len).unwrap_or_default()
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
