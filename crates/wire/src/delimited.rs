//! Messages one behind the other.

use crate::varint::{spread, varint_len};
use crate::{Encoded, Error};

/// Encodes one message with its length, a varint, in front of it: as messages stand one behind the other in a file or on a
/// connection, where they would run together otherwise. Java's `parseDelimitedFrom`, Python's
/// `google.protobuf.proto.parse_length_prefixed` and prost's `decode_length_delimited` read it.
///
/// `f` encodes the message into the buffer that it gets: [`encode`](crate::encode), or that of a generated writer. It is
/// called once.
///
/// # Errors
///
/// Those of `f`. The `needed` of an [`Error::Overflow`] counts the length in front.
///
/// # Example
///
/// ```
/// use pftrace_wire::{delimited, encode};
///
/// let mut buffer = [0; 16];
/// let bytes = delimited(&mut buffer, |buffer| encode(buffer, |mut m| m.uint64::<1>(300)))?;
/// assert_eq!(bytes, [3, 0x08, 0xac, 0x02]);
/// # Ok::<(), pftrace_wire::Error>(())
/// ```
pub fn delimited<'b>(buffer: &'b mut [u8], f: impl FnOnce(&mut [u8]) -> Encoded<'_>) -> Encoded<'b> {
    let capacity = buffer.len();
    let overflow = |len: usize| Error::Overflow { needed: varint_len(len as u64) + len, capacity };
    // Behind one byte, which is enough for the lengths of most messages.
    let len = match f(buffer.get_mut(1..).unwrap_or_default()) {
        Ok(message) => message.len(),
        Err(Error::Overflow { needed, .. }) => return Err(overflow(needed)),
        Err(error) => return Err(error),
    };
    let (length, length_len) = spread(len as u64);
    let Some(bytes) = buffer.get_mut(..length_len + len) else { return Err(overflow(len)) };
    if length_len > 1 {
        bytes.copy_within(1..1 + len, length_len);
    }
    bytes[..length_len].copy_from_slice(&length[..length_len]);
    Ok(bytes)
}
