//! Reading tokens.

use super::Failure;
use super::comments::comments;
use super::decl::{Comments, Message, Pos};
use super::lexer::{Kind, Lexed, Token};
use super::values::{unescaped, unsigned};
use crate::ir::Scalar;

pub(super) type Result<T> = std::result::Result<T, Failure>;

/// The tokens of a text, being read one after the other.
pub(super) struct Walk<'a> {
    pub(super) text: &'a str,
    pub(super) lexed: &'a Lexed,
    /// The index of the next token; never beyond the last, which is [`Kind::End`].
    pub(super) at: usize,
    /// The messages of the group fields that were just read, for whom they are nested in.
    pub(super) groups: Vec<Message>,
    /// How many messages are open.
    pub(super) depth: usize,
}

impl<'a> Walk<'a> {
    pub(super) fn new(text: &'a str, lexed: &'a Lexed) -> Self {
        Self { text, lexed, at: 0, groups: Vec::new(), depth: 0 }
    }

    pub(super) fn token(&self) -> Token {
        self.lexed.tokens[self.at]
    }

    pub(super) fn text_of(&self, token: Token) -> &'a str {
        &self.text[token.start..token.end]
    }

    pub(super) fn advance(&mut self) -> Token {
        let token = self.token();
        if token.kind != Kind::End {
            self.at += 1;
        }
        token
    }

    pub(super) fn pos(&self) -> Pos {
        let Token { line, column, .. } = self.token();
        Pos { line, column }
    }

    pub(super) fn is_symbol(&self, symbol: u8) -> bool {
        self.token().kind == Kind::Symbol(symbol)
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        self.token().kind == Kind::Ident && self.text_of(self.token()) == word
    }

    pub(super) fn next_is(&self, kind: Kind) -> bool {
        self.lexed.tokens.get(self.at + 1).is_some_and(|t| t.kind == kind)
    }

    pub(super) fn eat_symbol(&mut self, symbol: u8) -> bool {
        let found = self.is_symbol(symbol);
        if found {
            self.at += 1;
        }
        found
    }

    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.at += 1;
        }
        found
    }

    pub(super) fn symbol(&mut self, symbol: u8) -> Result<()> {
        if self.eat_symbol(symbol) { Ok(()) } else { Err(self.expected(&format!("`{}`", char::from(symbol)))) }
    }

    pub(super) fn word(&mut self, what: &str) -> Result<&'a str> {
        if self.token().kind != Kind::Ident {
            return Err(self.expected(what));
        }
        let token = self.advance();
        Ok(self.text_of(token))
    }

    /// What one or more strings in a row say together.
    pub(super) fn string(&mut self, what: &str) -> Result<String> {
        let line = self.token().line;
        let not_utf8 = || Failure { line, message: format!("expected {what} in UTF-8, found other bytes") };
        String::from_utf8(self.bytes(what)?).map_err(|_| not_utf8())
    }

    /// As [`string`](Self::string), in whatever encoding.
    pub(super) fn bytes(&mut self, what: &str) -> Result<Vec<u8>> {
        if self.token().kind != Kind::Str {
            return Err(self.expected(what));
        }
        let mut bytes = Vec::new();
        while self.token().kind == Kind::Str {
            let token = self.advance();
            bytes.extend(unescaped(self.text_of(token)));
        }
        Ok(bytes)
    }

    pub(super) fn unsigned(&mut self, what: &str) -> Result<u64> {
        let token = self.token();
        if token.kind != Kind::Int {
            return Err(self.expected(what));
        }
        let Some(value) = unsigned(self.text_of(token)) else {
            return Err(self.expected(what));
        };
        self.at += 1;
        Ok(value)
    }

    pub(super) fn signed(&mut self, what: &str) -> Result<i128> {
        let negative = self.eat_symbol(b'-');
        let value = i128::from(self.unsigned(what)?);
        Ok(if negative { -value } else { value })
    }

    /// `a.b.c`, and `.a.b.c` where a type is expected.
    pub(super) fn path(&mut self, what: &str, leading_dot: bool) -> Result<String> {
        let mut path = String::new();
        if leading_dot && self.eat_symbol(b'.') {
            path.push('.');
        }
        path.push_str(self.word(what)?);
        while self.eat_symbol(b'.') {
            path.push('.');
            path.push_str(self.word(what)?);
        }
        Ok(path)
    }

    /// The path of a type that is declared.
    pub(super) fn type_name(&mut self, what: &str) -> Result<String> {
        let first = self.text_of(self.token());
        if first == "group" || Scalar::from_name(first).is_some() {
            return Err(self.expected(what));
        }
        self.path(what, true)
    }

    pub(super) fn expected(&self, what: &str) -> Failure {
        let token = self.token();
        let found = match token.kind {
            Kind::End => "the end of the file".to_owned(),
            _ => format!("`{}`", self.text_of(token)),
        };
        Failure { line: token.line, message: format!("expected {what}, found {found}") }
    }

    /// The comments on what begins with the token `first` and whose head ended just now.
    pub(super) fn comments(&self, first: usize) -> Comments {
        comments(self.text, self.lexed, first, self.at - 1)
    }
}
