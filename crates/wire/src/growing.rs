//! A buffer that grows.

use alloc::vec::Vec;

use crate::{Encoded, Error};

/// Encodes one message into the front of `buffer`, which is made longer when it is too small, and never shorter: kept for
/// the next message, it soon fits them all, and nothing is allocated any more.
///
/// The length of the vector is the room that there is; what the message is, is returned. `f` encodes it into the buffer that
/// it gets: [`encode`](crate::encode), that of a generated writer, or [`delimited`](crate::delimited). When the buffer is too
/// small it is called once more, and should write the same.
///
/// # Errors
///
/// Those of `f`, but for an [`Error::Overflow`] of a message that a vector has room for.
///
/// # Example
///
/// ```
/// use pftrace_wire::{encode, growing};
///
/// let mut buffer = Vec::new();
/// let text = "long ".repeat(100);
/// let bytes = growing(&mut buffer, |buffer| encode(buffer, |mut m| m.string::<1>(&text)))?;
/// assert_eq!(bytes.len(), 503);
/// # Ok::<(), pftrace_wire::Error>(())
/// ```
pub fn growing<'b>(buffer: &'b mut Vec<u8>, mut f: impl FnMut(&mut [u8]) -> Encoded<'_>) -> Encoded<'b> {
    loop {
        match f(buffer).map(|message| message.len()) {
            Ok(len) => return Ok(&mut buffer[..len]),
            // Twice as long at least: messages that are a little longer each time shall not each be encoded twice.
            Err(Error::Overflow { needed, .. }) if needed > buffer.len() => {
                buffer.resize(needed.max(buffer.len().saturating_mul(2)), 0);
            }
            Err(error) => return Err(error),
        }
    }
}
