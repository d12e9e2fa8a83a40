//! Where the next byte goes, and the one place of this crate that writes through a pointer.
//!
//! ```text
//!  start                 cur       soft  limit       notes          end
//!    |  written           |     free |SLACK|   grow    | n ... 2 1   |
//!    +--------------------+----------+-----+-----------+-------------+
//! ```
//!
//! * `start..cur` is written. Each open message has one byte there, reserved for its length, right before its body; or two, where
//!   what the buffer held before lets a body over 127 bytes be expected, and there is room enough to be wrong.
//! * A closed body longer than 127 bytes, but not by much, is moved up at once, to make room for its length. One around it
//!   is not: no byte is moved at once twice.
//! * `notes..end` is a stack of notes that grows down: one for each other closed body longer than 127 bytes, the last closed
//!   at the lowest address. Their lengths are still to be written.
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
//!
//! Here is what is hot. `rest` is what is rare; `store` is the storing itself, unchecked; `notes` has the lengths that are
//! written last.

mod notes;
mod rest;
mod store;

use core::ptr::{self, NonNull};

use self::notes::NOTE_LEN;
pub(crate) use self::rest::Rest;
use self::store::{Tag, put_any_varint, wire_type};
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

/// An open message: what [`Cursor::close`] and [`Cursor::rewind`] need to know. All is of before its tag.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    cur: *mut u8,
    /// That of the rest; with [`GUESSED_LONG`] when two bytes are reserved.
    grow: usize,
}

/// In `Frame::grow`, which is a length in a buffer and never as large.
const GUESSED_LONG: usize = 1 << (usize::BITS - 1);

/// A body up to this length has a length of one byte.
const MAX_SHORT: usize = 0x7f;

/// How many bytes must be free for a guess that a body is long. More than any that is not, with all that is reserved in vain
/// in it: so by the time that room is short, all guesses that are still open have turned out right.
const ROOM_TO_GUESS: usize = 512;

/// The longest field that does not depend on its value's length: a tag and a varint. Rounded up.
const SLACK: usize = 16;

const _: () = assert!(MAX_TAG_LEN + MAX_VARINT_LEN <= SLACK && NOTE_LEN < SLACK);

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
            if rest.overflow.is_some() {
                return Err(rest.failure(head));
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
                self.head.put_content(value);
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
        let (Head { cur, .. }, rest) = self.parts();
        Frame { cur, grow: rest.grow }
    }

    /// Opens a length-delimited field whose length is not known yet. With `GUESS`, what was in the buffer before tells whether a
    /// long one is likely.
    #[inline]
    pub(crate) fn open<const N: u32, const GUESS: bool>(&mut self) -> Frame {
        let tag = const { &Tag::new(N, WireType::Len) };
        let mut frame = self.frame();
        if self.head.has_slack() {
            // SAFETY: the slack is enough for any tag and two bytes, which are reserved for the length.
            unsafe {
                let long = GUESS && self.head.was_long(tag);
                self.head.put(tag.bytes());
                self.head.put(&[0]);
                if long && self.head.has_slack_and(ROOM_TO_GUESS) {
                    frame.grow |= GUESSED_LONG;
                    // The last byte before a body tells that there is another one.
                    self.head.put(&[1]);
                }
            }
        } else {
            self.cold(|head, rest| rest.open_cold(head, tag));
        }
        frame
    }

    /// Closes what `open` opened: writes the length, or notes it.
    #[inline]
    pub(crate) fn close<const N: u32, const GUESS: bool>(&mut self, frame: Frame) {
        self.close_of::<GUESS>(frame, const { Tag::new(N, WireType::Len).len });
    }

    /// The same, once for all tags of `tag_len` bytes: what is the same is compiled once.
    #[inline]
    fn close_of<const GUESS: bool>(&mut self, frame: Frame, tag_len: usize) {
        let body = frame.cur.wrapping_add(tag_len + 1);
        let (head, rest) = self.parts();
        let len = head.cur.addr().wrapping_sub(body.addr());
        // With slack nothing has overflowed. When besides `grow` is what it was, the body is where it was, or is a long one: had the
        // notes of before been compacted, there would be as many new ones in the body. (After a guess `grow` is never what it was.)
        if len <= MAX_SHORT && head.has_slack() && rest.grow == frame.grow {
            // SAFETY: so the byte before the body is the one that `open` reserved.
            unsafe { body.sub(1).write(len as u8) };
            return;
        }
        // The same for a right guess: the body begins a byte later. It is no longer where it was when it is settled.
        let long = len.wrapping_sub(1);
        if GUESS
            && rest.grow | GUESSED_LONG == frame.grow
            && (MAX_SHORT + 1..1 << 14).contains(&long)
            && head.has_slack()
            && frame.final_place() > rest.settled
        {
            // SAFETY: so the two bytes before the body are those that `open` reserved.
            unsafe { body.sub(1).cast::<[u8; 2]>().write(varint::two_byte_varint(long as u32)) };
            return;
        }
        self.cold(|head, rest| rest.close_cold(head, frame, tag_len));
    }

    /// A packed field of varints: `raw` of each of `values`.
    #[inline]
    pub(crate) fn packed_varints<const N: u32, T: Copy>(&mut self, values: &[T], raw: impl Fn(T) -> u64) {
        let tag = const { &Tag::new(N, WireType::Len) };
        let count = values.len();
        let fits = count <= MAX_PACKED && self.head.has_slack_and(count * MAX_VARINT_LEN);
        if !fits {
            let frame = self.open::<N, false>();
            for &value in values {
                self.append_varint(raw(value));
            }
            return self.close_of::<false>(frame, tag.len);
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
            let frame = self.open::<N, false>();
            for &value in values {
                self.append(raw(value));
            }
            self.close_of::<false>(frame, tag.len);
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

impl Head {
    /// Whether [`SLACK`] bytes fit.
    #[inline]
    fn has_slack(self) -> bool {
        self.cur.addr() <= self.soft
    }

    /// Whether the buffer's old content has a long body here, behind the same tag (or the end of it). Then the same is likely to come
    /// once more: buffers are reused for messages that resemble each other.
    ///
    /// # Safety
    ///
    /// There is room for the tag and a byte more.
    #[inline]
    unsafe fn was_long(self, tag: &Tag) -> bool {
        // SAFETY: the caller's. The free part of the buffer is initialized, as all of it.
        let old = u16::from_le_bytes(unsafe { self.cur.add(tag.len - 1).cast::<[u8; 2]>().read() });
        // One comparison for both: the tag, and the bit that says that a length goes on.
        old & 0x80ff == 0x8000 | u16::from(tag.last())
    }

    /// Whether `len` bytes and [`SLACK`] more fit.
    #[inline]
    fn has_slack_and(self, len: usize) -> bool {
        self.has_slack() && len <= self.soft - self.cur.addr()
    }
}
