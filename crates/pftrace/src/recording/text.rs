//! Texts that are formatted.

use core::fmt;
use std::boxed::Box;
use std::string::String;

use crate::text::{Cut, MARK};

/// Memory of a thread that `Debug` and `Display` are formatted into.
#[derive(Debug, Default)]
pub(super) struct Scratch(String);

/// The most that is formatted for one event. What is more is cut.
const CAPACITY: usize = 64 * 1024;

impl Scratch {
    /// Address space alone, until it is written to.
    pub(super) fn new() -> Box<Self> {
        Box::new(Self(String::with_capacity(CAPACITY)))
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Formats one more text, behind the others; returns where it ends.
    pub(super) fn format(&mut self, value: fmt::Arguments<'_>) -> usize {
        let mut writer = Bounded { text: &mut self.0, full: false };
        // An error is the value's own, or says that it is full: what is there is shown.
        _ = fmt::Write::write_fmt(&mut writer, value);
        self.0.len()
    }

    pub(super) fn text(&self, range: core::ops::Range<usize>) -> &str {
        self.0.get(range).unwrap_or_default()
    }
}

struct Bounded<'s> {
    text: &'s mut String,
    full: bool,
}

impl fmt::Write for Bounded<'_> {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        if self.full {
            return Err(fmt::Error);
        }
        let room = self.text.capacity() - self.text.len();
        // There is always room for the mark.
        let free = room.saturating_sub(MARK.len());
        if more.len() <= free {
            self.text.push_str(more);
            return Ok(());
        }
        self.full = true;
        let Cut { text, mark } = Cut::to(more, room);
        self.text.push_str(text);
        self.text.push_str(mark);
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_formatted_is_bounded() {
        let mut scratch = Scratch::new();
        let first = scratch.format(format_args!("{:?}", [1, 2]));
        let long = scratch.format(format_args!("{}", "ä".repeat(CAPACITY)));
        assert_eq!(scratch.text(0..first), "[1, 2]");
        assert!(scratch.text(first..long).ends_with("ä…") && long <= CAPACITY);
        let none: String = scratch.text(scratch.0.len()..usize::MAX).into();
        assert_eq!(none, "");
        scratch.clear();
        let again = scratch.format(format_args!("{}", 7));
        assert_eq!(scratch.text(0..again), "7");
    }
}
