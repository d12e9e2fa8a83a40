//! Values of options in braces: messages in protobuf's text format.

use super::decl::{Content, Entry};
use super::lexer::Kind;
use super::tokens::{Result, Walk};

impl Walk<'_> {
    /// With `{` or `<` read, up to and with `close`.
    pub(super) fn entries(&mut self, close: u8) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        while !self.eat_symbol(close) {
            let line = self.token().line;
            let name = self.entry_name()?;
            let colon = self.eat_symbol(b':');
            entries.push(Entry { name, content: self.content(colon)?, line });
            if !self.eat_symbol(b',') {
                self.eat_symbol(b';');
            }
        }
        Ok(entries)
    }

    /// `a`, `[b.c]` of an extension, or `[d/b.c]` of what is in an `Any`.
    fn entry_name(&mut self) -> Result<String> {
        if !self.eat_symbol(b'[') {
            return Ok(self.word("the name of a field or `}`")?.to_owned());
        }
        let mut name = format!("[{}", self.path("the name of an extension", false)?);
        if self.eat_symbol(b'/') {
            name = format!("{name}/{}", self.path("the name of a message", false)?);
        }
        self.symbol(b']')?;
        Ok(name + "]")
    }

    /// One value or a list of them; numbers and the like only behind a `colon`.
    fn content(&mut self, colon: bool) -> Result<Content> {
        if !self.eat_symbol(b'[') {
            return self.single(colon);
        }
        let mut all = Vec::new();
        while !self.eat_symbol(b']') {
            if !all.is_empty() {
                self.symbol(b',')?;
            }
            all.push(self.single(colon)?);
        }
        Ok(Content::List(all))
    }

    fn single(&mut self, colon: bool) -> Result<Content> {
        if self.eat_symbol(b'{') {
            return Ok(Content::Message(self.entries(b'}')?));
        }
        if self.eat_symbol(b'<') {
            return Ok(Content::Message(self.entries(b'>')?));
        }
        if !colon {
            return Err(self.expected("`:` or a message"));
        }
        Ok(Content::Scalar(self.scalar_value()?))
    }

    /// As written, with single blanks between strings in a row.
    pub(super) fn scalar_value(&mut self) -> Result<String> {
        let mut strings = Vec::new();
        while self.token().kind == Kind::Str {
            let token = self.advance();
            strings.push(self.text_of(token));
        }
        if !strings.is_empty() {
            return Ok(strings.join(" "));
        }
        let sign = if self.eat_symbol(b'-') { "-" } else { "" };
        if !matches!(self.token().kind, Kind::Ident | Kind::Int | Kind::Float) {
            return Err(self.expected("a value"));
        }
        let token = self.advance();
        Ok(format!("{sign}{}", self.text_of(token)))
    }
}
