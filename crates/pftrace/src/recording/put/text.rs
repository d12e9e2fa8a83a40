//! Texts in a packet of fixed size whose lengths are all below 128.

/// A length of one byte, and the bytes.
#[inline(always)]
pub(super) fn text<const N: usize>(packet: &mut [u8; N], at: usize, text: &str) -> Option<usize> {
    let len = text.len();
    let (place, rest) = packet.get_mut(at..)?.split_first_mut()?;
    match rest.first_chunk_mut() {
        Some(window) if len <= WINDOW => copy_short(window, text.as_bytes()),
        _ => copy_longer(rest, text.as_bytes())?,
    }
    *place = len as u8;
    Some(at + 1 + len)
}

/// The longest text of an annotation whose own length takes one byte: beside it are three tags and lengths, and the number of a name, of which there are
/// at most 2^20.
const LONGEST_TEXT: usize = 127 - 3 - 3;

/// Copies what is longer than [`WINDOW`], or has little room. From both ends to the middle: a loop that is not taken for a copy, which would be a call.
#[inline(always)]
fn copy_longer(to: &mut [u8], from: &[u8]) -> Option<()> {
    const STEP: usize = 16;
    let to = to.get_mut(..from.len()).filter(|to| to.len() <= LONGEST_TEXT)?;
    let (mut front, mut back) = (0, from.len());
    while front < back {
        let (first, last) = (front..front + STEP, back.checked_sub(STEP)?..back);
        to.get_mut(first.clone())?.copy_from_slice(from.get(first)?);
        to.get_mut(last.clone())?.copy_from_slice(from.get(last)?);
        (front, back) = (front + STEP, back - STEP);
    }
    Some(())
}

/// What is not longer is copied without a call.
const WINDOW: usize = 32;

/// Copies at most [`WINDOW`] bytes, as two words that overlap.
#[inline(always)]
fn copy_short(to: &mut [u8; WINDOW], from: &[u8]) {
    let len = from.len().min(WINDOW);
    if let (Some(front), Some(back)) = (from.first_chunk::<16>(), from.last_chunk::<16>()) {
        to[..16].copy_from_slice(front);
        to[len - 16..len].copy_from_slice(back);
    } else if let (Some(front), Some(back)) = (from.first_chunk::<8>(), from.last_chunk::<8>()) {
        to[..8].copy_from_slice(front);
        to[len - 8..len].copy_from_slice(back);
    } else if let (Some(front), Some(back)) = (from.first_chunk::<4>(), from.last_chunk::<4>()) {
        to[..4].copy_from_slice(front);
        to[len - 4..len].copy_from_slice(back);
    } else if let [first, .., last] = *from {
        to[0] = first;
        to[len / 2] = from[len / 2];
        to[len - 1] = last;
    } else if let [byte] = *from {
        to[0] = byte;
    }
}
