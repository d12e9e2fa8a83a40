//! Documentation comments: text from .proto files, made harmless for rustdoc.

/// Collects the lines of a documentation comment, in paragraphs.
#[derive(Debug, Default)]
pub(super) struct Docs(Vec<String>);

impl Docs {
    /// Adds a paragraph that is Markdown already.
    pub(super) fn paragraph(&mut self, text: &str) -> &mut Self {
        self.lines(text.lines().map(str::to_owned))
    }

    /// Adds the text of a comment.
    pub(super) fn comment(&mut self, text: &str) -> &mut Self {
        self.lines(markdown(text))
    }

    pub(super) fn deprecated(&mut self, deprecated: bool) -> &mut Self {
        if deprecated { self.paragraph("Deprecated.") } else { self }
    }

    /// As Rust code.
    pub(super) fn code(&self) -> String {
        let lines =
            self.0.iter().map(|line| if line.is_empty() { "///\n".to_owned() } else { format!("/// {line}\n") });
        lines.collect()
    }

    fn lines(&mut self, lines: impl IntoIterator<Item = String>) -> &mut Self {
        let mut lines = lines.into_iter().peekable();
        if lines.peek().is_some() && !self.0.is_empty() {
            self.0.push(String::new());
        }
        self.0.extend(lines);
        self
    }
}

/// A code span of any text.
pub(super) fn code_span(text: &str) -> String {
    let text = clean(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // A span that begins or ends with a backtick is set off by blanks.
    let blank = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{blank}{text}{blank}{fence}")
}

/// What a comment says, in lines of Markdown that show it as it is: no links, no HTML, no tests.
///
/// Code spans stay; text that is indented by four or more, or fenced, is shown as it is.
fn markdown(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    // Within a block of plain text; `Some(true)` when the comment itself opened it with a fence.
    let mut block: Option<bool> = None;
    for line in text.lines() {
        let line = clean(line);
        let fence = line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~");
        let indented = line.starts_with("    ");
        match (block, fence, indented || line.is_empty()) {
            (Some(true), true, _) => {
                out.push(FENCE.to_owned());
                block = None;
                continue;
            }
            (Some(false), _, false) => {
                close_block(&mut out);
                block = None;
            }
            _ => {}
        }
        if block.is_none() && (fence || indented) {
            out.push(format!("{FENCE}text"));
            block = Some(!indented);
            if !indented {
                continue;
            }
        }
        out.push(if block.is_some() { defuse_fence(&line) } else { escape(&line) });
    }
    if block.is_some() {
        close_block(&mut out);
    }
    out
}

/// Long, so that what a comment has in it does not close it.
const FENCE: &str = "~~~~~~";

/// Blank lines before the end of an indented block do not belong to it.
fn close_block(out: &mut Vec<String>) {
    let blank = out.iter().rev().take_while(|line| line.is_empty()).count();
    out.insert(out.len() - blank, FENCE.to_owned());
}

fn defuse_fence(line: &str) -> String {
    if line.trim_start().starts_with(FENCE) { format!("\u{200b}{line}") } else { line.to_owned() }
}

/// Without characters that rustc refuses or warns about in a comment, and without tabs and blanks at the end.
fn clean(text: &str) -> String {
    let bidi = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}');
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\t' => out.push_str("    "),
            c if c.is_control() || bidi(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// One line of prose.
fn escape(line: &str) -> String {
    let indent = line.len() - line.trim_start().len();
    let mut out = " ".repeat(indent);
    let mut rest = &line[indent..];
    // A quote, a heading, the line under a heading, or a table.
    if rest.starts_with(['>', '#', '=', '+', '|'])
        || !rest.is_empty() && rest.chars().all(|c| matches!(c, '-' | '=' | ' '))
    {
        out.push('\\');
        let first = rest.chars().next().map_or(0, char::len_utf8);
        out.push_str(&rest[..first]);
        rest = &rest[first..];
    }
    // A backtick without another one would make a span with one in another line.
    let spans = rest.matches('`').count() % 2 == 0;
    while let Some(c) = rest.chars().next() {
        // One blank is as good as many: behind the mark of a list's item, five would begin a block of code.
        if c == ' ' && out.ends_with(' ') {
            rest = &rest[1..];
            continue;
        }
        let taken = if let Some(url) = url(rest) {
            out.push_str(&format!("<{url}>"));
            url.len()
        } else if let (true, Some(span)) = (spans, span(rest)) {
            out.push_str(span);
            span.len()
        } else {
            if matches!(c, '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '&' | '|' | '~' | '$' | '_')
                && !is_inner_underscore(c, &out, rest)
                && !is_bullet(&out, rest)
            {
                out.push('\\');
            }
            out.push(c);
            c.len_utf8()
        };
        rest = &rest[taken..];
    }
    out
}

/// `snake_case` needs no backslash.
fn is_inner_underscore(c: char, before: &str, rest: &str) -> bool {
    let inner = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    c == '_' && inner(before.chars().next_back()) && inner(rest.chars().nth(1))
}

/// `* ` at the start of a line is an item of a list.
fn is_bullet(before: &str, rest: &str) -> bool {
    before.trim().is_empty() && rest.starts_with("* ")
}

/// The URL that `text` begins with.
fn url(text: &str) -> Option<&str> {
    let scheme = ["https://", "http://"].into_iter().find(|scheme| text.starts_with(scheme))?;
    let outside = |c: char| {
        c.is_whitespace() || matches!(c, '<' | '>' | '"' | '`' | '\\' | '|' | '[' | ']' | '{' | '}' | ')' | '(')
    };
    let end = text.find(outside).unwrap_or(text.len());
    let url = text[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '*', '_']);
    (url.len() > scheme.len()).then_some(url)
}

/// The code span that `text` begins with: with one backtick at each end.
fn span(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('`')?;
    let end = inner.find('`').filter(|&end| end > 0)?;
    Some(&text[..end + 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_escaped_and_code_is_kept() {
        for (comment, doc) in [
            ("plain text", "plain text"),
            ("see [foo] and <T>", r"see \[foo\] and \<T\>"),
            ("a snake_case name, _x", r"a snake_case name, \_x"),
            ("`a[0] <b>` and [c]", r"`a[0] <b>` and \[c\]"),
            ("one ` only [c]", r"one \` only \[c\]"),
            ("at https://x.dev/a_b.", "at <https://x.dev/a_b>."),
            ("(http://x.dev/a)", "(<http://x.dev/a>)"),
            ("# no heading", r"\# no heading"),
            ("---", r"\---"),
            ("- item [1]", r"- item \[1\]"),
            ("1.     no code,  2", "1. no code, 2"),
            ("` [a] `b`", r"\` \[a\] \`b\`"),
            ("* item *b*", r"* item \*b\*"),
            ("right\u{202e}left", "right\u{fffd}left"),
        ] {
            assert_eq!(markdown(comment), [doc], "{comment}");
        }
    }

    #[test]
    fn code_is_never_a_test() {
        let comment = "Like:\n    x = [1]\n\n    y\n\nand\n```rust\n<b>\n```\nend\n~~~\nopen";
        let doc = "Like:\n~~~~~~text\n    x = [1]\n\n    y\n~~~~~~\n\nand\n~~~~~~text\n<b>\n~~~~~~\nend\n~~~~~~text\nopen\n~~~~~~";
        assert_eq!(markdown(comment).join("\n"), doc);
    }

    #[test]
    fn a_code_span_holds_any_text() {
        assert_eq!(code_span("a = 1"), "`a = 1`");
        assert_eq!(code_span("a `b`"), "`` a `b` ``");
    }
}
