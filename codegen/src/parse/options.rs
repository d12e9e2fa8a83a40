//! Options: names, and values as written.

use super::decl::Opt;
use super::lexer::Kind;
use super::tokens::{Result, Walk};

impl Walk<'_> {
    /// `option name = value;`, with `option` read.
    pub(super) fn option_statement(&mut self) -> Result<Opt> {
        let option = self.option()?;
        self.symbol(b';')?;
        Ok(option)
    }

    /// `[name = value, …]`, if there is one.
    pub(super) fn option_list(&mut self) -> Result<Vec<Opt>> {
        let mut options = Vec::new();
        if !self.eat_symbol(b'[') {
            return Ok(options);
        }
        loop {
            options.push(self.option()?);
            if !self.eat_symbol(b',') {
                break;
            }
        }
        self.symbol(b']')?;
        Ok(options)
    }

    fn option(&mut self) -> Result<Opt> {
        let line = self.token().line;
        let name = self.option_name()?;
        self.symbol(b'=')?;
        Ok(Opt { name, value: self.option_value()?, line })
    }

    /// `a.(b.c).d`
    fn option_name(&mut self) -> Result<String> {
        const WHAT: &str = "the name of an option";
        let mut name = String::new();
        loop {
            if self.eat_symbol(b'(') {
                name.push_str(&format!("({})", self.path(WHAT, true)?));
                self.symbol(b')')?;
            } else {
                name.push_str(self.word(WHAT)?);
            }
            if !self.eat_symbol(b'.') {
                return Ok(name);
            }
            name.push('.');
        }
    }

    /// As written, with single blanks between strings in a row.
    fn option_value(&mut self) -> Result<String> {
        let first = self.at;
        if self.is_symbol(b'{') {
            self.balanced()?;
        } else if self.token().kind == Kind::Str {
            while self.token().kind == Kind::Str {
                self.at += 1;
            }
        } else {
            let sign = if self.eat_symbol(b'-') { "-" } else { "" };
            if !matches!(self.token().kind, Kind::Ident | Kind::Int | Kind::Float) {
                return Err(self.expected("a value"));
            }
            let token = self.advance();
            return Ok(format!("{sign}{}", self.text_of(token)));
        }
        let value: Vec<_> = self.lexed.tokens[first..self.at].iter().map(|&t| self.text_of(t)).collect();
        Ok(value.join(" "))
    }

    /// Steps over a bracket and all up to the one that closes it.
    fn balanced(&mut self) -> Result<()> {
        let mut depth = 0_usize;
        loop {
            match self.token().kind {
                Kind::End => return Err(self.expected("the end of the value")),
                Kind::Symbol(b'{' | b'[' | b'(') => depth += 1,
                Kind::Symbol(b'}' | b']' | b')') => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Ok(());
            }
        }
    }
}
