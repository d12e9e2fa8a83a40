//! Texts that are formatted.

use core::fmt;
use std::boxed::Box;
use std::vec::Vec;

use crate::text::{Cut, MARK};

/// Memory of a thread that `Debug` and `Display` are formatted into.
#[derive(Debug, Default)]
pub(super) struct Scratch(Vec<u8>);

/// The most that is formatted for one event. What is more is cut.
const CAPACITY: usize = 64 * 1024;

impl Scratch {
    /// Address space alone, until it is written to.
    pub(super) fn new() -> Box<Self> {
        Box::new(Self(Vec::with_capacity(CAPACITY)))
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Formats one more text; returns where it lies.
    pub(super) fn format(&mut self, value: fmt::Arguments<'_>) -> core::ops::Range<usize> {
        let begin = self.0.len();
        let mut writer = Bounded { bytes: &mut self.0, full: false };
        // An error is the value's own, or says that it is full: what is there is shown.
        _ = fmt::Write::write_fmt(&mut writer, value);
        begin..self.0.len()
    }

    pub(super) fn text(&self, range: core::ops::Range<usize>) -> &str {
        self.0.get(range).and_then(|bytes| core::str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

struct Bounded<'s> {
    bytes: &'s mut Vec<u8>,
    full: bool,
}

impl fmt::Write for Bounded<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.full {
            return Err(fmt::Error);
        }
        let room = self.bytes.capacity() - self.bytes.len();
        // There is always room for the mark.
        let free = room.saturating_sub(MARK.len());
        if text.len() <= free {
            self.bytes.extend_from_slice(text.as_bytes());
            return Ok(());
        }
        self.full = true;
        let Cut { text, mark } = Cut::to(text, room);
        self.bytes.extend_from_slice(text.as_bytes());
        self.bytes.extend_from_slice(mark.as_bytes());
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use std::string::String;

    use super::*;

    #[test]
    fn what_is_formatted_is_bounded() {
        let mut scratch = Scratch::new();
        let first = scratch.format(format_args!("{:?}", [1, 2]));
        let long = scratch.format(format_args!("{}", "ä".repeat(CAPACITY)));
        assert_eq!(scratch.text(first), "[1, 2]");
        assert!(scratch.text(long.clone()).ends_with("ä…") && long.end <= CAPACITY);
        let none: String = scratch.text(scratch.0.len()..usize::MAX).into();
        assert_eq!(none, "");
        scratch.clear();
        let again = scratch.format(format_args!("{}", 7));
        assert_eq!(scratch.text(again), "7");
    }
}
