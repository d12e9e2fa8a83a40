//! What goes around content that is not in the buffer.

use crate::varint::{WireType, spread, tag, varint_len};
use crate::{Encoded, Error};

/// One of the messages around the content, for [`envelope`].
#[derive(Debug, Clone, Copy)]
pub struct Layer<'a> {
    /// The message's fields that come before, encoded.
    pub before: &'a [u8],
    /// The number of the field that holds the next layer, or the content.
    pub field: u32,
}

/// Encodes what stands before `content_len` bytes that the caller has elsewhere, or makes later: a file, say, that is too
/// large for any buffer. Behind the returned bytes come exactly that many bytes of content, and then nothing more of these
/// messages.
///
/// `layers` are the messages around the content, the outermost first. The content is the value of the innermost one's field: a
/// `string`, `bytes`, a message or a packed field.
///
/// # Errors
///
/// [`Error::Overflow`] when the buffer is too small.
///
/// # Panics
///
/// When a field number is none.
///
/// # Example
///
/// ```
/// use pftrace_wire::{Layer, encode, envelope};
///
/// // message Trace { Packet packet = 1; }    message Packet { uint64 timestamp = 8; bytes blob = 50; }
/// let blob = vec![7; 1_000_000];
/// let mut timestamp = [0; 16];
/// let timestamp = encode(&mut timestamp, |mut packet| packet.uint64::<8>(5))?;
///
/// let mut head = [0; 32];
/// let layers = [Layer { before: &[], field: 1 }, Layer { before: timestamp, field: 50 }];
/// let head = envelope(&mut head, &layers, blob.len() as u64)?;
///
/// let mut whole = vec![0; 1_000_100];
/// let whole = encode(&mut whole, |mut trace| {
///     trace.message::<1>(|mut packet| {
///         packet.uint64::<8>(5);
///         packet.bytes::<50>(&blob);
///     });
/// })?;
/// assert_eq!([head, &blob[..]].concat(), whole);
/// # Ok::<(), pftrace_wire::Error>(())
/// ```
pub fn envelope<'b>(buffer: &'b mut [u8], layers: &[Layer<'_>], content_len: u64) -> Encoded<'b> {
    let needed = layers.iter().rev().fold(0, |head, layer| head + head_len(layer, content_len.saturating_add(head)));
    let capacity = buffer.len();
    let Some(head) = usize::try_from(needed).ok().and_then(|needed| buffer.get_mut(..needed)) else {
        return Err(Error::Overflow { needed: usize::try_from(needed).unwrap_or(usize::MAX), capacity });
    };
    // From the inside out, and so from the back to the front.
    let mut at = head.len();
    for layer in layers.iter().rev() {
        let inside = content_len.saturating_add((head.len() - at) as u64);
        let (length, length_len) = spread(inside);
        let (tag, tag_len) = spread(u64::from(tag(layer.field, WireType::Len)));
        for part in [&length[..length_len], &tag[..tag_len], layer.before] {
            at -= part.len();
            head[at..][..part.len()].copy_from_slice(part);
        }
    }
    Ok(head)
}

/// The length of what stands before `inside` bytes in their layer.
fn head_len(layer: &Layer<'_>, inside: u64) -> u64 {
    let tag_len = varint_len(u64::from(tag(layer.field, WireType::Len)));
    (layer.before.len() + tag_len + varint_len(inside)) as u64
}
