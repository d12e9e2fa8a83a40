//! The declarations of a .proto text.

use super::decl::{
    Enum, Extend, Field, File, Import, Label, Message, Oneof, Range, RangeOptions, ReservedName, Syntax, TypeRef, Value,
};
use super::lexer::{Kind, Lexed};
use super::tokens::{Result, Walk};
use super::{Failure, MAX_MESSAGE_DEPTH};
use crate::ir::Scalar;

pub(super) fn walk(text: &str, lexed: &Lexed) -> Result<File> {
    Walk::new(text, lexed).file()
}

/// Files.
impl Walk<'_> {
    fn file(&mut self) -> Result<File> {
        let mut file = File { syntax_line: self.token().line, ..File::default() };
        if self.is_word("edition") && self.next_is(Kind::Symbol(b'=')) {
            self.at += 2;
            file.syntax = Syntax::Edition(self.string("an edition")?);
            return Ok(file);
        }
        if self.is_word("syntax") {
            file.syntax = self.syntax()?;
        }
        while self.token().kind != Kind::End {
            self.file_item(&mut file)?;
        }
        Ok(file)
    }

    fn syntax(&mut self) -> Result<Syntax> {
        self.at += 1;
        self.symbol(b'=')?;
        let found = self.token();
        let syntax = match self.string("\"proto2\" or \"proto3\"")?.as_str() {
            "proto2" => Syntax::Proto2,
            "proto3" => Syntax::Proto3,
            other => {
                let message = format!("expected the syntax \"proto2\" or \"proto3\", found \"{other}\"");
                return Err(Failure { line: found.line, message });
            }
        };
        self.symbol(b';')?;
        Ok(syntax)
    }

    fn file_item(&mut self, file: &mut File) -> Result<()> {
        let first = self.at;
        if self.eat_symbol(b';') {
            return Ok(());
        }
        match self.word("a declaration")? {
            "import" => file.imports.push(self.import()?),
            "package" => {
                if !file.package.is_empty() {
                    self.at = first;
                    return Err(self.expected("one `package` only"));
                }
                file.package = self.path("a package", false)?;
                self.symbol(b';')?;
            }
            "option" => file.options.push(self.option_statement()?),
            "message" => file.messages.push(self.message(first)?),
            "enum" => file.enums.push(self.enumeration(first)?),
            "extend" => {
                file.extends.push(self.extend()?);
                file.messages.append(&mut self.groups);
            }
            "service" => file.services.push(self.service()?),
            _ => {
                self.at = first;
                return Err(self.expected("a declaration"));
            }
        }
        Ok(())
    }

    fn import(&mut self) -> Result<Import> {
        let line = self.token().line;
        let public = self.eat_word("public");
        if !public {
            self.eat_word("weak");
        }
        let name = self.string("the name of a file")?;
        self.symbol(b';')?;
        Ok(Import { name, public, line })
    }
}

/// Messages.
impl Walk<'_> {
    /// With `message` read, which was the token `first`.
    fn message(&mut self, first: usize) -> Result<Message> {
        let pos = self.pos();
        let name = self.word("the name of a message")?.to_owned();
        self.symbol(b'{')?;
        let mut message = Message { name, pos, comments: self.comments(first), ..Message::default() };
        self.message_body(&mut message)?;
        Ok(message)
    }

    /// With `{` read, up to and with `}`.
    fn message_body(&mut self, message: &mut Message) -> Result<()> {
        self.depth += 1;
        if self.depth > MAX_MESSAGE_DEPTH {
            let text = format!("expected at most {MAX_MESSAGE_DEPTH} messages one within the other, found more");
            return Err(Failure { line: message.pos.line, message: text });
        }
        while !self.eat_symbol(b'}') {
            let first = self.at;
            if self.eat_symbol(b';') {
                continue;
            }
            if self.token().kind == Kind::Ident && self.message_item(first, message)? {
                continue;
            }
            let field = self.field(first)?;
            message.messages.append(&mut self.groups);
            message.fields.push(field);
        }
        self.depth -= 1;
        Ok(())
    }

    /// What is not a field. False, with nothing read, when it is one.
    fn message_item(&mut self, first: usize, message: &mut Message) -> Result<bool> {
        match self.word("a declaration")? {
            "message" => message.messages.push(self.message(first)?),
            "enum" => message.enums.push(self.enumeration(first)?),
            "oneof" => self.oneof(first, message)?,
            "extend" => {
                message.extends.push(self.extend()?);
                message.messages.append(&mut self.groups);
            }
            "option" => message.options.push(self.option_statement()?),
            "reserved" => self.reserved(&mut message.reserved, &mut message.reserved_names)?,
            "extensions" => {
                let before = message.extension_ranges.len();
                self.ranges(&mut message.extension_ranges)?;
                let ranges = before..message.extension_ranges.len();
                message.range_options.push(RangeOptions { ranges, options: self.option_list()? });
                self.symbol(b';')?;
            }
            _ => {
                self.at = first;
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn oneof(&mut self, first: usize, message: &mut Message) -> Result<()> {
        let pos = self.pos();
        let name = self.word("the name of a oneof")?.to_owned();
        self.symbol(b'{')?;
        let index = message.oneofs.len();
        let mut options = Vec::new();
        let comments = self.comments(first);
        while !self.eat_symbol(b'}') {
            let first = self.at;
            if self.eat_word("option") {
                options.push(self.option_statement()?);
                continue;
            }
            if self.is_label() {
                return Err(self.expected("a field of the oneof, without a label"));
            }
            let field = self.field(first)?;
            message.messages.append(&mut self.groups);
            message.fields.push(Field { oneof: Some(index), ..field });
        }
        message.oneofs.push(Oneof { name, pos, comments, options });
        Ok(())
    }

    fn is_label(&self) -> bool {
        ["optional", "required", "repeated"].iter().any(|word| self.is_word(word))
    }

    fn label(&mut self) -> Option<Label> {
        if self.eat_word("optional") {
            Some(Label::Optional)
        } else if self.eat_word("required") {
            Some(Label::Required)
        } else if self.eat_word("repeated") {
            Some(Label::Repeated)
        } else {
            None
        }
    }

    fn field(&mut self, first: usize) -> Result<Field> {
        let label = self.label();
        if self.is_word("group") && self.next_is(Kind::Ident) {
            return self.group(first, label);
        }
        let type_ref = self.type_ref()?;
        let pos = self.pos();
        let name = self.word("the name of a field")?.to_owned();
        self.symbol(b'=')?;
        let number = self.unsigned("a field number")?;
        let options = self.option_list()?;
        self.symbol(b';')?;
        let comments = self.comments(first);
        Ok(Field { name, pos, comments, label, type_ref, number, oneof: None, options })
    }

    /// The field. Its message waits in `groups`.
    fn group(&mut self, first: usize, label: Option<Label>) -> Result<Field> {
        self.at += 1;
        let pos = self.pos();
        let name = self.word("the name of a group")?.to_owned();
        self.symbol(b'=')?;
        let number = self.unsigned("a field number")?;
        let options = self.option_list()?;
        self.symbol(b'{')?;
        let comments = self.comments(first);
        let mut message = Message { name: name.to_owned(), pos, comments: comments.clone(), ..Message::default() };
        self.message_body(&mut message)?;
        self.groups.push(message);
        let (name, type_ref) = (name.to_ascii_lowercase(), TypeRef::Group(name.to_owned()));
        Ok(Field { name, pos, comments, label, type_ref, number, oneof: None, options })
    }

    fn type_ref(&mut self) -> Result<TypeRef> {
        if self.is_word("map") && self.next_is(Kind::Symbol(b'<')) {
            self.at += 2;
            let key = self.type_ref()?;
            self.symbol(b',')?;
            let value = self.type_ref()?;
            self.symbol(b'>')?;
            return Ok(TypeRef::Map(Box::new(key), Box::new(value)));
        }
        match Scalar::from_name(self.text_of(self.token())) {
            Some(scalar) => {
                self.at += 1;
                Ok(TypeRef::Scalar(scalar))
            }
            None => self.type_name("a type").map(TypeRef::Named),
        }
    }

    fn extend(&mut self) -> Result<Extend> {
        let pos = self.pos();
        let extendee = self.type_name("the message to extend")?;
        self.symbol(b'{')?;
        let mut fields = Vec::new();
        while !self.eat_symbol(b'}') {
            let first = self.at;
            fields.push(self.field(first)?);
        }
        if fields.is_empty() {
            return Err(Failure { line: pos.line, message: "expected a field in `extend`, found none".to_owned() });
        }
        Ok(Extend { extendee, pos, fields })
    }
}

/// Enums and reserved numbers.
impl Walk<'_> {
    fn enumeration(&mut self, first: usize) -> Result<Enum> {
        let pos = self.pos();
        let name = self.word("the name of an enum")?.to_owned();
        self.symbol(b'{')?;
        let mut enumeration = Enum { name, pos, comments: self.comments(first), ..Enum::default() };
        while !self.eat_symbol(b'}') {
            let first = self.at;
            if self.eat_symbol(b';') {
                continue;
            }
            if self.eat_word("option") {
                enumeration.options.push(self.option_statement()?);
            } else if self.eat_word("reserved") {
                self.reserved(&mut enumeration.reserved, &mut enumeration.reserved_names)?;
            } else {
                enumeration.values.push(self.value(first)?);
            }
        }
        Ok(enumeration)
    }

    fn value(&mut self, first: usize) -> Result<Value> {
        let pos = self.pos();
        let name = self.word("the name of an enum value")?.to_owned();
        self.symbol(b'=')?;
        let number = self.signed("a number")?;
        let options = self.option_list()?;
        self.symbol(b';')?;
        Ok(Value { name, pos, comments: self.comments(first), number, options })
    }

    fn reserved(&mut self, ranges: &mut Vec<Range>, names: &mut Vec<ReservedName>) -> Result<()> {
        if self.token().kind == Kind::Str {
            loop {
                let line = self.token().line;
                // Any bytes, of which none but names matter.
                names.push(ReservedName { name: self.bytes("a name")?.escape_ascii().to_string(), line });
                if !self.eat_symbol(b',') {
                    break;
                }
            }
        } else {
            self.ranges(ranges)?;
        }
        self.symbol(b';')?;
        Ok(())
    }

    fn ranges(&mut self, ranges: &mut Vec<Range>) -> Result<()> {
        loop {
            let line = self.token().line;
            let first = self.signed("a number")?;
            let last = if !self.eat_word("to") {
                Some(first)
            } else if self.eat_word("max") {
                None
            } else {
                Some(self.signed("a number or `max`")?)
            };
            ranges.push(Range { first, last, line });
            if !self.eat_symbol(b',') {
                return Ok(());
            }
        }
    }
}
