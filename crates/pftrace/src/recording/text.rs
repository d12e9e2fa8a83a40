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

/// What each of those that come behind is left.
const LEAST: usize = 256;

impl Scratch {
    /// Address space alone, until it is written to.
    pub(super) fn new() -> Box<Self> {
        Box::new(Self(String::with_capacity(CAPACITY)))
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Formats one more text, behind the others and with so many to come; returns where it ends.
    pub(super) fn format(&mut self, value: fmt::Arguments<'_>, to_come: usize) -> usize {
        let most = self.0.capacity().saturating_sub(to_come * LEAST);
        let mut writer = Bounded { text: &mut self.0, most, full: false };
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
    /// How long it may be.
    most: usize,
    full: bool,
}

impl fmt::Write for Bounded<'_> {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        if self.full {
            return Err(fmt::Error);
        }
        let room = self.most.saturating_sub(self.text.len());
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
    use crate::recording::record::MAX_ANNOTATIONS;

    #[test]
    fn what_is_formatted_is_bounded() {
        let mut scratch = Scratch::new();
        let first = scratch.format(format_args!("{:?}", [1, 2]), 1);
        let long = scratch.format(format_args!("{}", "ä".repeat(CAPACITY)), 0);
        assert_eq!(scratch.text(0..first), "[1, 2]");
        assert!(scratch.text(first..long).ends_with("ä…") && long <= CAPACITY);
        let none: String = scratch.text(scratch.0.len()..usize::MAX).into();
        assert_eq!(none, "");
        scratch.clear();
        let again = scratch.format(format_args!("{}", 7), 0);
        assert_eq!(scratch.text(0..again), "7");
    }

    #[test]
    fn what_is_long_leaves_some_room_for_others() {
        let mut scratch = Scratch::new();
        let mut begin = 0;
        for to_come in (0..=MAX_ANNOTATIONS).rev() {
            let end = scratch.format(format_args!("{}", "x".repeat(CAPACITY)), to_come);
            let text = scratch.text(begin..end);
            assert!(text.len() >= LEAST && text.ends_with("x…"), "{to_come}: {} bytes", text.len());
            begin = end;
        }
        assert!(begin <= CAPACITY);
    }
}
