//! Tokens and comments of a .proto text, with their places. One pass, linear, for any text.

use std::ops::Range;

use super::Failure;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Ident,
    Int,
    Float,
    Str,
    /// One ASCII character.
    Symbol(u8),
    /// After the last token.
    End,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
    /// From 1.
    pub(super) line: u32,
    /// From 1, in characters.
    pub(super) column: u32,
    /// How many comments lie before this token, in the whole text.
    pub(super) comments_before: usize,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Comment {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) first_line: u32,
    pub(super) last_line: u32,
    /// `/* */`, not `//`.
    pub(super) block: bool,
}

#[derive(Debug)]
pub(super) struct Lexed {
    /// The last one is [`Kind::End`].
    pub(super) tokens: Vec<Token>,
    pub(super) comments: Vec<Comment>,
}

pub(super) fn lex(text: &str) -> Result<Lexed, Failure> {
    let mut lexer = Lexer::new(text);
    while lexer.step()? {}
    Ok(Lexed { tokens: lexer.tokens, comments: lexer.comments })
}

/// Where the comments and the strings are, up to the first failure.
pub(super) fn comments_and_strings(text: &str) -> (Vec<Range<usize>>, Vec<Range<usize>>) {
    let mut lexer = Lexer::new(text);
    while lexer.step().is_ok_and(|more| more) {}
    let strings = lexer.tokens.iter().filter(|token| token.kind == Kind::Str);
    let comments = lexer.comments.iter().map(|comment| comment.start..comment.end);
    (comments.collect(), strings.map(|token| token.start..token.end).collect())
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: u32,
    /// A place of this line whose column is known, so that columns cost one pass over the text.
    mark: usize,
    mark_column: u32,
    tokens: Vec<Token>,
    comments: Vec<Comment>,
}

impl<'a> Lexer<'a> {
    fn new(text: &'a str) -> Self {
        // A byte order mark is allowed, and says nothing.
        let at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        Self { text, at, line: 1, mark: 0, mark_column: 1, tokens: Vec::new(), comments: Vec::new() }
    }
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.text.as_bytes().get(self.at + ahead).copied().unwrap_or(0)
    }

    /// One token, comment or piece of white space. False at the end.
    fn step(&mut self) -> Result<bool, Failure> {
        if self.at >= self.text.len() {
            self.push(Kind::End, self.at);
            return Ok(false);
        }
        match self.peek(0) {
            b'\n' => self.newline(),
            b' ' | b'\t' | b'\r' | 0x0b | 0x0c => self.at += 1,
            b'/' if self.peek(1) == b'/' => self.line_comment(),
            b'/' if self.peek(1) == b'*' => self.block_comment()?,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                self.take_while(Kind::Ident, |c| c.is_ascii_alphanumeric() || c == b'_')
            }
            b'0'..=b'9' => self.number()?,
            b'.' if self.peek(1).is_ascii_digit() => self.number()?,
            quote @ (b'"' | b'\'') => self.string(quote)?,
            c if c.is_ascii_graphic() => self.push(Kind::Symbol(c), self.at + 1),
            _ => return Err(self.unexpected()),
        }
        Ok(true)
    }

    fn newline(&mut self) {
        self.at += 1;
        self.line += 1;
        (self.mark, self.mark_column) = (self.at, 1);
    }

    fn push(&mut self, kind: Kind, end: usize) {
        let since = &self.text.as_bytes()[self.mark..self.at];
        self.mark_column += since.iter().filter(|&&c| c & 0xc0 != 0x80).count() as u32;
        self.mark = self.at;
        let comments_before = self.comments.len();
        self.tokens.push(Token {
            kind,
            start: self.at,
            end,
            line: self.line,
            column: self.mark_column,
            comments_before,
        });
        self.at = end;
    }

    fn take_while(&mut self, kind: Kind, more: impl Fn(u8) -> bool) {
        let rest = &self.text.as_bytes()[self.at..];
        let len = rest.iter().position(|&c| !more(c)).unwrap_or(rest.len());
        self.push(kind, self.at + len);
    }

    fn number(&mut self) -> Result<(), Failure> {
        let rest = &self.text.as_bytes()[self.at..];
        let hex = rest.len() > 1 && rest[0] == b'0' && matches!(rest[1], b'x' | b'X');
        let mut float = false;
        let mut len = 0;
        while let Some(&c) = rest.get(len) {
            let exponent_sign = !hex && matches!(c, b'+' | b'-') && matches!(rest[len - 1], b'e' | b'E');
            if !(c.is_ascii_alphanumeric() || c == b'_' || c == b'.' || exponent_sign) {
                break;
            }
            float |= c == b'.' || exponent_sign || !hex && matches!(c, b'e' | b'E' | b'f' | b'F');
            len += 1;
        }
        let text = &self.text[self.at..self.at + len];
        if !(if float { is_float(text) } else { is_int(text) }) {
            return Err(self.failure(&format!("expected a number, found `{text}`")));
        }
        self.push(if float { Kind::Float } else { Kind::Int }, self.at + len);
        Ok(())
    }

    fn string(&mut self, quote: u8) -> Result<(), Failure> {
        let bytes = self.text.as_bytes();
        let mut end = self.at + 1;
        loop {
            match bytes.get(end) {
                None | Some(b'\n' | 0) => {
                    return Err(self.failure("expected the end of the string, found the end of the line"));
                }
                Some(b'\\') if bytes.get(end + 1).is_some_and(|&c| c != b'\n') => {
                    if !is_escape(&bytes[end + 1..]) {
                        let found = self.text[end + 1..].chars().next().unwrap_or(' ');
                        return Err(self.failure(&format!("expected an escape of the language, found `\\{found}`")));
                    }
                    end += 2;
                }
                Some(&c) if c == quote => break,
                Some(_) => end += 1,
            }
        }
        self.push(Kind::Str, end + 1);
        Ok(())
    }

    fn line_comment(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        let len = rest.iter().position(|&c| matches!(c, b'\n' | 0)).unwrap_or(rest.len());
        let end = self.at + len;
        let line = self.line;
        self.comments.push(Comment { start: self.at, end, first_line: line, last_line: line, block: false });
        self.at = end;
    }

    fn block_comment(&mut self) -> Result<(), Failure> {
        let rest = &self.text[self.at + 2..];
        let Some(len) = rest.find("*/").filter(|&len| !rest[..len].contains('\0')) else {
            return Err(self.failure("expected the end of the comment, found the end of the file"));
        };
        let (start, end, first_line) = (self.at, self.at + 2 + len + 2, self.line);
        while self.at < end {
            if self.peek(0) == b'\n' { self.newline() } else { self.at += 1 }
        }
        self.comments.push(Comment { start, end, first_line, last_line: self.line, block: true });
        Ok(())
    }

    fn unexpected(&self) -> Failure {
        let found = self.text[self.at..].chars().next().unwrap_or(' ');
        self.failure(&format!("expected a declaration, found the character {found:?}"))
    }

    fn failure(&self, message: &str) -> Failure {
        Failure { line: self.line, message: message.to_owned() }
    }
}

/// Decimal, `0x` or octal.
fn is_int(text: &str) -> bool {
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return !hex.is_empty() && hex.bytes().all(|c| c.is_ascii_hexdigit());
    }
    let octal = text.len() > 1 && text.starts_with('0');
    text.bytes().all(|c| if octal { matches!(c, b'0'..=b'7') } else { c.is_ascii_digit() })
}

fn is_float(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|c| c.is_ascii_digit());
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    // What looks octal is no fraction.
    let decimal = digits(whole) && (whole.len() == 1 || !whole.starts_with('0'));
    decimal && digits(fraction) && !exponent.is_empty() && digits(exponent)
}

/// Whether what follows a backslash begins with what may.
fn is_escape(text: &[u8]) -> bool {
    let hex = |count| text.get(1..=count).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
    match text.first() {
        Some(b'a' | b'b' | b'f' | b'n' | b'r' | b't' | b'v' | b'\\' | b'?' | b'\'' | b'"' | b'0'..=b'7') => true,
        Some(b'x' | b'X') => hex(1),
        Some(b'u') => hex(4),
        // Up to 10ffff.
        Some(b'U') => hex(8) && text[1..3] == *b"00" && matches!(text[3], b'0' | b'1'),
        _ => false,
    }
}
