//! Options: names, and values as written.

use super::decl::Opt;
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
        let first = self.at;
        if !self.eat_symbol(b'{') {
            return Ok(Opt { name, value: self.scalar_value()?, entries: None, line });
        }
        let entries = Some(self.entries(b'}')?);
        let value: Vec<_> = self.lexed.tokens[first..self.at].iter().map(|&t| self.text_of(t)).collect();
        Ok(Opt { name, value: value.join(" "), entries, line })
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
}
