//! Strings and bytes that come in parts.

use core::fmt;

use crate::cursor::Cursor;

/// A string field being written part by part: the argument of [`string_parts`](crate::Message::string_parts).
///
/// It is a [`fmt::Write`] too, so anything that can be displayed is written without a string of its own:
///
/// ```
/// use core::fmt::Write;
///
/// let mut buffer = [0; 16];
/// let message = pftrace_wire::encode(&mut buffer, |mut m| {
///     m.string_parts::<1>(|mut text| {
///         text.push("n = ");
///         let _ = write!(text, "{}", 42); // never fails: what does not fit is counted
///     });
/// })?;
/// assert_eq!(message, b"\x0a\x06n = 42");
/// # Ok::<(), pftrace_wire::Error>(())
/// ```
#[derive(Debug)]
pub struct StringParts<'w>(BytesParts<'w>);

/// A bytes field being written part by part: the argument of [`bytes_parts`](crate::Message::bytes_parts).
pub struct BytesParts<'w> {
    cursor: &'w mut Cursor,
}

impl<'w> StringParts<'w> {
    #[inline]
    pub(crate) fn new(cursor: &'w mut Cursor) -> Self {
        Self(BytesParts::new(cursor))
    }

    /// Appends a part.
    #[inline]
    pub fn push(&mut self, part: &str) {
        self.0.push(part.as_bytes());
    }
}

impl<'w> BytesParts<'w> {
    #[inline]
    pub(crate) fn new(cursor: &'w mut Cursor) -> Self {
        Self { cursor }
    }

    /// Appends a part.
    #[inline]
    pub fn push(&mut self, part: &[u8]) {
        self.cursor.append_slice(part);
    }
}

impl fmt::Write for StringParts<'_> {
    #[inline]
    fn write_str(&mut self, part: &str) -> fmt::Result {
        self.push(part);
        Ok(())
    }
}

impl fmt::Debug for BytesParts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BytesParts").finish_non_exhaustive()
    }
}
