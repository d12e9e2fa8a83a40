//! The parser: a line of text to a statement.

use super::AsmError;
use super::statement::{ByteItem, Expr, Item, Operand, Part, Sign, Statement, Term};
use crate::isa::Mnemonic;

pub(super) fn parse(source: &str) -> Result<Vec<Statement<'_>>, AsmError> {
    let lines = source.lines().zip(1..);
    lines.map(|(text, line)| parse_line(text, line).map_err(|message| AsmError { line, message })).collect()
}

fn parse_line(text: &str, line: usize) -> Result<Statement<'_>, String> {
    let mut parser = Parser { rest: text };
    let mut statement = Statement { line, label: None, item: Item::Nothing };

    let mut word = parser.name();
    if let Some(name) = word {
        if parser.eats(':') {
            statement.label = Some(name);
            word = parser.name();
        } else if parser.eats('=') {
            statement.label = Some(name);
            statement.item = Item::Constant(parser.expr()?);
            word = None;
        }
    }
    if let Some(name) = word {
        let mnemonic = Mnemonic::from_name(name).ok_or_else(|| format!("no instruction is called `{name}`"))?;
        statement.item = Item::Instruction(mnemonic, parser.operand()?);
    } else if parser.eats('.') {
        parser.directive(&mut statement)?;
    }
    if !parser.at_end() {
        return Err(format!("expected the end of the line, found `{}`", parser.rest));
    }
    Ok(statement)
}

struct Parser<'s> {
    rest: &'s str,
}

impl<'s> Parser<'s> {
    fn directive(&mut self, statement: &mut Statement<'s>) -> Result<(), String> {
        let name = self.name().ok_or("expected the name of a directive after `.`")?;
        statement.item = match name {
            "org" => Item::Org(self.expr()?),
            "bank" if self.eats_word("fixed") => Item::Bank(None),
            "bank" => Item::Bank(Some(self.expr()?)),
            "proc" => {
                if statement.label.is_some() {
                    return Err("`.proc` makes a label of its own".into());
                }
                statement.label = Some(self.name().ok_or("expected the name of the function")?);
                Item::Proc
            }
            "endproc" => Item::EndProc,
            "byte" | "text" => Item::Bytes(self.list(Self::byte_item)?),
            "word" => Item::Words(self.list(Self::expr)?),
            "res" => Item::Reserve(self.expr()?),
            _ => return Err(format!("no directive is called `.{name}`")),
        };
        Ok(())
    }

    fn operand(&mut self) -> Result<Operand<'s>, String> {
        if self.at_end() {
            return Ok(Operand::None);
        }
        if self.eats('#') {
            return Ok(Operand::Immediate(self.expr()?));
        }
        if self.eats('(') {
            return self.indirect();
        }
        if self.eats_word("a") {
            return Ok(Operand::Accumulator);
        }
        let expr = self.expr()?;
        Ok(match self.index()? {
            None => Operand::Plain(expr),
            Some('x') => Operand::PlainX(expr),
            Some(_) => Operand::PlainY(expr),
        })
    }

    fn indirect(&mut self) -> Result<Operand<'s>, String> {
        let expr = self.expr()?;
        let inner = self.index()?;
        if !self.eats(')') {
            return Err("expected `)`".into());
        }
        match (inner, self.index()?) {
            (None, None) => Ok(Operand::Indirect(expr)),
            (Some('x'), None) => Ok(Operand::IndirectX(expr)),
            (None, Some('y')) => Ok(Operand::IndirectY(expr)),
            _ => Err("an indirect operand is `(address)`, `(address,x)` or `(address),y`".into()),
        }
    }

    /// `,x` or `,y`.
    fn index(&mut self) -> Result<Option<char>, String> {
        if !self.eats(',') {
            Ok(None)
        } else if self.eats_word("x") {
            Ok(Some('x'))
        } else if self.eats_word("y") {
            Ok(Some('y'))
        } else {
            Err("expected `x` or `y` after `,`".into())
        }
    }

    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T, String>) -> Result<Vec<T>, String> {
        let mut items = vec![item(self)?];
        while self.eats(',') {
            items.push(item(self)?);
        }
        Ok(items)
    }

    fn byte_item(&mut self) -> Result<ByteItem<'s>, String> {
        if !self.eats('"') {
            return Ok(ByteItem::Value(self.expr()?));
        }
        let mut text = Vec::new();
        let mut chars = self.rest.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return Ok(ByteItem::Text(text));
                }
                '\\' => match chars.next() {
                    Some((_, 'n')) => text.push(b'\n'),
                    Some((_, c @ ('"' | '\\'))) => text.push(c as u8),
                    _ => return Err(r#"expected `\n`, `\"` or `\\`"#.into()),
                },
                ' '..='~' => text.push(c as u8),
                _ => return Err(format!("text is ASCII, found `{}`", c.escape_default())),
            }
        }
        Err("the text has no closing `\"`".into())
    }

    fn expr(&mut self) -> Result<Expr<'s>, String> {
        let part = if self.eats('<') {
            Part::Low
        } else if self.eats('>') {
            Part::High
        } else if self.eats('^') {
            Part::Bank
        } else {
            Part::Whole
        };
        let mut sign = if self.eats('-') { Sign::Minus } else { Sign::Plus };
        let mut terms = Vec::new();
        loop {
            terms.push((sign, self.term()?));
            sign = if self.eats('+') {
                Sign::Plus
            } else if self.eats('-') {
                Sign::Minus
            } else {
                return Ok(Expr { part, terms });
            };
        }
    }

    fn term(&mut self) -> Result<Term<'s>, String> {
        if let Some(name) = self.name() {
            Ok(Term::Symbol(name))
        } else if self.eats('*') {
            Ok(Term::Here)
        } else if self.eats('$') {
            self.number(16)
        } else if self.eats('%') {
            self.number(2)
        } else if self.rest.starts_with('\'') {
            self.character()
        } else {
            self.number(10)
        }
    }

    fn number(&mut self, radix: u32) -> Result<Term<'s>, String> {
        let digits = self.take_while(|c| c.is_ascii_alphanumeric());
        if digits.is_empty() {
            let found = self.rest.chars().next().map_or("the end of the line".into(), |c| format!("`{c}`"));
            return Err(format!("expected a number or a name, found {found}"));
        }
        match u16::from_str_radix(digits, radix) {
            Ok(number) => Ok(Term::Number(number.into())),
            Err(_) => Err(format!("`{digits}` is no number of 16 bits in base {radix}")),
        }
    }

    /// Only called in front of a quote.
    fn character(&mut self) -> Result<Term<'s>, String> {
        match *self.rest.as_bytes() {
            [b'\'', c @ b' '..=b'~', b'\'', ..] => {
                self.rest = &self.rest[3..];
                Ok(Term::Number(c.into()))
            }
            _ => Err("expected one ASCII character between `'`".into()),
        }
    }

    fn name(&mut self) -> Option<&'s str> {
        self.skip_space();
        if !self.rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            return None;
        }
        Some(self.take_while(|c| c.is_ascii_alphanumeric() || c == '_'))
    }

    fn eats_word(&mut self, word: &str) -> bool {
        let before = self.rest;
        let found = self.name().is_some_and(|name| name.eq_ignore_ascii_case(word));
        if !found {
            self.rest = before;
        }
        found
    }

    fn eats(&mut self, c: char) -> bool {
        self.skip_space();
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn at_end(&mut self) -> bool {
        self.skip_space();
        self.rest.is_empty() || self.rest.starts_with(';')
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'s str {
        let (taken, rest) = self.rest.split_at(self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len()));
        self.rest = rest;
        taken
    }
}
