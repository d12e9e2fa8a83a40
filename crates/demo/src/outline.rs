//! What a Rust source consists of: its lines, functions and types. It needs no more of Rust than where comments and literals
//! are, and that blocks stand in braces.

use pftrace::{begin, end, instant};

use crate::OUTLINE;

/// What a source consists of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// Its lines.
    pub lines: Lines,
    /// How many functions have a body.
    pub functions: usize,
    /// How many structs, enums and traits have one.
    pub types: usize,
    /// How many blocks are `unsafe`.
    pub unsafe_blocks: usize,
    /// The longest of the functions.
    pub longest: Option<Function>,
}

/// Lines, by what stands on them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// Code, perhaps with a comment.
    pub code: usize,
    /// Nothing but a comment.
    pub comment: usize,
    /// Nothing.
    pub blank: usize,
}

/// A function with a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// The line of its opening brace, from 1.
    pub line: usize,
    /// How many lines there are from brace to brace.
    pub lines: usize,
}

/// Looks at a source, and records a slice for each module, type, `impl` and function in it: they nest as in the source, and
/// each takes as long as looking at it does.
pub fn outline(source: &str) -> Outline {
    let mut outliner = Outliner::default();
    let mut tokens = Tokens::new(source);
    while let Some(token) = tokens.next() {
        outliner.take(token, &tokens);
    }
    while let Some(block) = outliner.open.pop() {
        // A source that is cut, or no Rust: its slices end all the same.
        if block.is_some() {
            end!(OUTLINE);
        }
    }
    Outline { lines: tokens.lines(), ..outliner.outline }
}

#[derive(Default)]
struct Outliner<'s> {
    outline: Outline,
    /// The item whose brace is to come.
    pending: Option<Item<'s>>,
    /// How many parentheses and brackets are open since it began.
    nested: usize,
    /// The braces that are open: of an item or not.
    open: Vec<Option<Item<'s>>>,
    previous: Option<Token<'s>>,
}

struct Item<'s> {
    kind: &'static str,
    name: &'s str,
    /// Of the word that began it; then of its brace.
    line: usize,
}

impl<'s> Outliner<'s> {
    fn take(&mut self, token: Token<'s>, tokens: &Tokens<'s>) {
        match (self.previous.replace(token), token) {
            (_, Token::Mark(b'{')) => self.enter(tokens),
            (_, Token::Mark(b'}')) => self.leave(tokens.line),
            (_, Token::Mark(b'(' | b'[')) => self.nested += 1,
            (_, Token::Mark(b')' | b']')) => self.nested = self.nested.saturating_sub(1),
            // An item without a body. The semicolon of `[u8; 4]` in a signature is none of its own.
            (_, Token::Mark(b';')) if self.nested == 0 => self.pending = None,
            (_, Token::Word("impl")) if self.pending.is_none() => self.expect("impl", &tokens.source[tokens.at - 4..]),
            (Some(Token::Word(word)), Token::Word(name)) => {
                if let Some(kind) = ["fn", "mod", "struct", "enum", "trait"].into_iter().find(|kind| *kind == word) {
                    self.expect(kind, name);
                }
            }
            _ => {}
        }
    }

    fn expect(&mut self, kind: &'static str, name: &'s str) {
        self.pending = Some(Item { kind, name, line: 0 });
        self.nested = 0;
    }

    fn enter(&mut self, tokens: &Tokens<'s>) {
        if tokens.before_brace() == Some("unsafe") {
            self.outline.unsafe_blocks += 1;
            instant!(OUTLINE, "unsafe", line = tokens.line);
        }
        let Some(mut item) = self.pending.take_if(|_| self.nested == 0) else {
            self.open.push(None);
            return;
        };
        item.line = tokens.line;
        if item.kind == "impl" {
            // All that stands before the brace, but for lines that follow.
            item.name = item.name.split(['{', '\n']).next().unwrap_or_default().trim();
        }
        begin!(OUTLINE, item.name, kind = item.kind, line = item.line);
        self.open.push(Some(item));
    }

    fn leave(&mut self, line: usize) {
        let Some(Some(item)) = self.open.pop() else { return };
        end!(OUTLINE);
        match item.kind {
            "fn" => {
                let lines = line - item.line + 1;
                self.outline.functions += 1;
                if self.outline.longest.as_ref().is_none_or(|longest| longest.lines < lines) {
                    self.outline.longest = Some(Function { name: item.name.into(), line: item.line, lines });
                }
            }
            "struct" | "enum" | "trait" => self.outline.types += 1,
            _ => {}
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'s> {
    /// A keyword, name or number.
    Word(&'s str),
    /// A character that is none of these.
    Mark(u8),
}

/// The tokens of a source, without comments and literals.
struct Tokens<'s> {
    source: &'s str,
    at: usize,
    line: usize,
    lines: Lines,
    /// What stands on the line so far.
    code: bool,
    comment: bool,
    /// Where the last two tokens lie, to look back.
    last: (usize, usize),
}

impl<'s> Tokens<'s> {
    fn new(source: &'s str) -> Self {
        Self { source, at: 0, line: 1, lines: Lines::default(), code: false, comment: false, last: (0, 0) }
    }

    fn next(&mut self) -> Option<Token<'s>> {
        loop {
            let rest = &self.source[self.at..];
            let first = rest.chars().next()?;
            match first {
                '\n' => self.newline(),
                _ if first.is_whitespace() => self.at += first.len_utf8(),
                '/' if rest.starts_with("//") => {
                    self.comment = true;
                    self.at += rest.find('\n').unwrap_or(rest.len());
                }
                '/' if rest.starts_with("/*") => self.block_comment(),
                _ => {
                    self.code = true;
                    match literal_len(rest) {
                        Some(len) => self.skip(len),
                        None => return Some(self.token(rest, first)),
                    }
                }
            }
        }
    }

    fn token(&mut self, rest: &'s str, first: char) -> Token<'s> {
        if first.is_alphanumeric() || first == '_' {
            let raw = if rest.starts_with("r#") { 2 } else { 0 };
            let word = &rest[raw..];
            let len = word.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(word.len());
            self.last = (self.at + raw, self.at + raw + len);
            self.at = self.last.1;
            // A raw name is no keyword.
            return if raw == 0 { Token::Word(&word[..len]) } else { Token::Mark(b'#') };
        }
        self.at += first.len_utf8();
        Token::Mark(u8::try_from(first).unwrap_or(b'?'))
    }

    /// The word right before the brace that was read last.
    fn before_brace(&self) -> Option<&'s str> {
        let (begin, end) = self.last;
        self.source[end..self.at - 1].trim().is_empty().then(|| &self.source[begin..end])
    }

    fn newline(&mut self) {
        match (self.code, self.comment) {
            (true, _) => self.lines.code += 1,
            (false, true) => self.lines.comment += 1,
            (false, false) => self.lines.blank += 1,
        }
        (self.code, self.comment) = (false, false);
        self.line += 1;
        self.at += 1;
    }

    /// Skips what may go over several lines, all of which have code.
    fn skip(&mut self, len: usize) {
        let end = self.at + len;
        while let Some(newline) = self.source[self.at..end].find('\n') {
            self.at += newline;
            self.newline();
            self.code = true;
        }
        self.at = end;
    }

    /// Block comments nest.
    fn block_comment(&mut self) {
        let mut depth = 0;
        loop {
            self.comment = true;
            let rest = &self.source.as_bytes()[self.at..];
            match rest {
                [b'/', b'*', ..] => (depth, self.at) = (depth + 1, self.at + 2),
                [b'*', b'/', ..] => (depth, self.at) = (depth - 1, self.at + 2),
                [b'\n', ..] => self.newline(),
                [_, ..] => self.at += 1,
                [] => return,
            }
            if depth == 0 {
                return;
            }
        }
    }

    /// All lines, when the source is at its end.
    fn lines(mut self) -> Lines {
        if self.code || self.comment {
            self.newline();
        }
        self.lines
    }
}

/// The length of the text, byte string or character that `rest` begins with. What does not end goes to the end.
fn literal_len(rest: &str) -> Option<usize> {
    let prefix = ["br", "cr", "r", "b", "c"].into_iter().find(|prefix| rest.starts_with(prefix)).unwrap_or("");
    let body = &rest[prefix.len()..];
    let hashes = body.len() - body.trim_start_matches('#').len();
    if body[hashes..].starts_with('"') && (hashes == 0 || prefix.ends_with('r')) {
        let text = &body[hashes + 1..];
        let (len, closing) = match prefix.ends_with('r') {
            true => (text.find(&format!("\"{}", "#".repeat(hashes))), 1 + hashes),
            false => (unescaped(text, b'"'), 1),
        };
        return Some(prefix.len() + hashes + 1 + len.map_or(text.len(), |len| len + closing));
    }
    let text = body.strip_prefix('\'').filter(|_| matches!(prefix, "" | "b"))?;
    let first = text.chars().next()?;
    // `'a'` is a character, `'a` a lifetime.
    let len = match first {
        '\\' => unescaped(text, b'\'')?,
        _ => text[first.len_utf8()..].starts_with('\'').then_some(first.len_utf8())?,
    };
    Some(prefix.len() + 1 + len + 1)
}

/// Where `quote` stands without a backslash before it.
fn unescaped(text: &str, quote: u8) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let here = byte == quote && !escaped;
        escaped = byte == b'\\' && !escaped;
        here
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names and lengths of functions, and the counts.
    fn of(source: &str) -> (usize, usize, usize, [usize; 3]) {
        let outline = outline(source);
        let Lines { code, comment, blank } = outline.lines;
        (outline.functions, outline.types, outline.unsafe_blocks, [code, comment, blank])
    }

    #[test]
    fn braces_in_texts_and_comments_are_none() {
        let source = r####"
// fn no() {
/* fn no() { /* { */ still */ fn yes() { "} \" }"; r##"}"#}"##; b"}"; c"}"; '}'; '\''; b'}'; '\u{7d}'; }
fn second<'a>(x: &'a str) { br#"}"#; }
"####;
        assert_eq!(of(source), (2, 0, 0, [2, 1, 1]));
    }

    #[test]
    fn what_has_no_body_is_no_function() {
        let source = "trait T { fn f(&self, x: [u8; 4]); fn g() -> impl Fn(u8) -> u8 { |x| x } }\nmod m;\nstruct S;\n\
            struct P(fn(u8));\nfn h(x: [u8; 2]) -> fn() { unsafe { x } }\nlet r#fn = x; unsafe fn k() {}";
        assert_eq!(of(source), (3, 1, 1, [6, 0, 0]));
    }

    #[test]
    fn the_longest_function_is_known() {
        let longest = outline("fn a() {}\nimpl X for Y\nwhere Y: Z {\n  fn b() {\n\n  }\n}\n").longest;
        assert_eq!(longest, Some(Function { name: "b".into(), line: 4, lines: 3 }));
    }

    #[test]
    fn a_text_over_several_lines_is_code() {
        assert_eq!(of("let x = \"a\n\n// b\n\";\n\n/* c\n\n*/\n"), (0, 0, 0, [4, 3, 1]));
    }

    #[test]
    fn what_does_not_end_ends_with_the_source() {
        for source in ["fn f() { \"", "/* ", "'", "r#\"", "}", "fn", "impl", "b'", "'\\", "fn ü() { 'ü' } é", "r#"] {
            _ = outline(source);
        }
    }
}
