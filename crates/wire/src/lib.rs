//! The protobuf wire format, written forward into a caller's buffer.
//!
//! This is the one encoder of the project: generated writers (see `pftrace-codegen`) are one call into [`Message`] per
//! field.
//!
//! # Guarantees
//!
//! * `no_std`, no allocation (but for the feature `alloc`), no dependencies.
//! * Lengths are **minimal** varints, also those of nested messages of any size and depth, in time linear in size and
//!   depth (how: see below).
//! * Nothing is ever written past the end of the buffer. A message that does not fit is reported once, by [`encode`], as
//!   an [`Error::Overflow`] that says how long the buffer should have been. Writers themselves never fail and never panic.
//! * A buffer of exactly the message's length is enough.
//! * While a nested message is open its parent can't be written: that is a compile error. A nested message is a closure,
//!   so there is no guard to leak; when the closure panics the nested message vanishes whole and its parent stays
//!   well formed.
//!
//! # Limits
//!
//! * A message of at most 4 GiB - 1 (protobuf itself stops at 2 GiB); a longer buffer is used up to there.
//! * It is an encoder: it does not check UTF-8 (Rust's `&str` has), nor that a singular field is written once. Generated
//!   writers check required fields and oneofs.
//!
//! # Example
//!
//! ```
//! // message Point { int32 x = 1; sint32 y = 2; }    message Shape { string name = 1; Point at = 2; }
//! let mut buffer = [0; 64];
//! let shape = pftrace_wire::encode(&mut buffer, |mut shape| {
//!     shape.string::<1>("dot");
//!     shape.message::<2>(|mut point| {
//!         point.int32::<1>(3);
//!         point.sint32::<2>(-1);
//!     });
//! })?;
//! assert_eq!(shape, b"\x0a\x03dot\x12\x04\x08\x03\x10\x01");
//! # Ok::<(), pftrace_wire::Error>(())
//! ```
//!
//! A child that is open makes its parent unwritable:
//!
//! ```compile_fail
//! let mut buffer = [0; 64];
//! pftrace_wire::encode(&mut buffer, |mut parent| {
//!     parent.message::<2>(|mut child| {
//!         parent.int32::<1>(3); // error[E0499]: `parent` is borrowed by the call that opened `child`
//!         child.int32::<1>(3);
//!     });
//! });
//! ```
//!
//! and it can't be carried out of its closure, so it can't be leaked open:
//!
//! ```compile_fail
//! let mut buffer = [0; 64];
//! pftrace_wire::encode(&mut buffer, |mut parent| {
//!     let mut kept = None;
//!     parent.message::<2>(|child| kept = Some(child)); // error: `child` escapes the closure body
//! });
//! ```
//!
//! # Features
//!
//! `alloc`, which is off by default: `growing`, which encodes into a `Vec` that grows.
//!
//! # How lengths stay minimal
//!
//! The length of a nested message stands before its body and is known only after it. One byte is reserved for it. A body
//! of up to 127 bytes, nearly every one, is finished by one store into that byte. One of up to 256 bytes is moved up by a
//! byte, unless such a body is in it. Any other is *noted*: eight bytes (where, how long) at the far end of the caller's
//! buffer, which is free until the message ends. When the outermost message ends, one pass over the notes from right to
//! left moves each byte at most once, straight to its final place, and writes the lengths. So a byte moves at most twice.
//!
//! Where the buffer holds a long body behind the same tag at the same place, from the message before, two bytes are reserved
//! at once: buffers are reused for messages that resemble each other, and then nothing moves. What the buffer held before makes
//! no difference to what is written; a wrong guess moves a short body back by a byte.
//!
//! Should the room for a note be missing (a buffer that fits exactly), the bodies noted so far are moved at once instead:
//! the result is the same, in time that then also depends on how many of them are open.

#![no_std]
#![warn(clippy::std_instead_of_core)]

#[cfg(feature = "alloc")]
extern crate alloc;

mod cursor;
mod delimited;
mod envelope;
mod error;
#[cfg(feature = "alloc")]
mod growing;
mod message;
mod packed;
mod parts;
mod varint;

use crate::cursor::{Cursor, Rest};
pub use crate::delimited::delimited;
pub use crate::envelope::{Layer, envelope};
pub use crate::error::Error;
#[cfg(feature = "alloc")]
pub use crate::growing::growing;
pub use crate::message::{Message, Oneof, Required};
pub use crate::packed::{Iter, Packed, iter};
pub use crate::parts::{BytesParts, StringParts};
pub use crate::varint::{MAX_FIELD_NUMBER, MAX_TAG_LEN, MAX_VARINT_LEN, WireType, tag, varint_len, zigzag32, zigzag64};

/// The bytes of a message, in the front of the buffer that was given; or why there are none.
pub type Encoded<'b> = Result<&'b mut [u8], Error>;

/// Encodes one message into the front of `buffer` and returns its bytes.
///
/// `f` gets the message to write; it is called once, whatever the size of the buffer. What it writes is the message's
/// fields alone, without a length in front.
///
/// # Errors
///
/// [`Error::Overflow`] when the message does not fit: encoding the same again into `needed` bytes succeeds. The other
/// [errors](Error) when what was written is no message of its type: only generated writers say so.
///
/// # Example
///
/// ```
/// use pftrace_wire::{Error, encode};
///
/// assert_eq!(encode(&mut [0; 8], |mut m| m.uint64::<1>(300)).unwrap(), [0x08, 0xac, 0x02]);
/// assert_eq!(encode(&mut [0; 2], |mut m| m.uint64::<1>(300)), Err(Error::Overflow { needed: 3, capacity: 2 }));
/// ```
#[inline]
pub fn encode(buffer: &mut [u8], f: impl FnOnce(Message<'_>)) -> Encoded<'_> {
    let mut rest = Rest::new(buffer);
    // SAFETY: `buffer` is borrowed mutably until we return, `rest` is not touched again, and the cursor does not outlive
    // this function: `f` only gets it behind a reference that it can't keep.
    let mut cursor = unsafe { Cursor::new(&mut rest) };
    f(Message::new(&mut cursor));
    match cursor.finish() {
        Ok(len) => Ok(&mut buffer[..len]),
        Err((_, Some(fault))) => Err(fault.into()),
        Err((needed, None)) => Err(Error::Overflow { needed, capacity: buffer.len() }),
    }
}
