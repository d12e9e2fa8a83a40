//! Texts that are too long.

/// What stands behind a text that was cut.
pub(crate) const MARK: &str = "…";

/// A text that was cut between two characters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut<'t> {
    pub(crate) text: &'t str,
    pub(crate) mark: &'static str,
}

impl<'t> Cut<'t> {
    /// At most `longest` bytes, mark included; nothing where not even that has room.
    pub(crate) fn to(text: &'t str, longest: usize) -> Self {
        match longest.checked_sub(MARK.len()) {
            _ if text.len() <= longest => Self { text, mark: "" },
            Some(len) => Self { text: front(text, len), mark: MARK },
            None => Self { text: "", mark: "" },
        }
    }
}

/// As much of it as fits into `len` bytes.
fn front(text: &str, len: usize) -> &str {
    let len = (0..=len).rev().find(|&len| text.is_char_boundary(len)).unwrap_or(0);
    &text[..len]
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use std::format;

    use super::*;

    #[test]
    fn a_text_is_cut_between_characters_and_marked() {
        let cut = |text, longest| {
            let Cut { text, mark } = Cut::to(text, longest);
            format!("{text}{mark}")
        };
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdef", 5), "ab…");
        assert_eq!(cut("aäöü", 6), "aä…");
        assert_eq!(cut("äöü", 4), "…");
        assert_eq!(cut("äöü", 2), "");
    }
}
