//! All that some files declare, by full name: types and extensions, and what the fields of a message are.

use std::collections::HashMap;

use super::extensions::is_message_set;
use crate::error::Error;
use crate::ir::Scalar;
use crate::load::Sources;
use crate::parse::{Enum, Extend, Field, Label, Message, Opt, Syntax, TypeRef};
use crate::resolve::{Symbol, Symbols, join, map_entry_name};

#[derive(Debug)]
pub(super) struct Types<'a> {
    pub(super) sources: &'a Sources,
    pub(super) symbols: Symbols,
    /// With the index of the file.
    pub(super) messages: HashMap<String, (usize, &'a Message)>,
    pub(super) enums: HashMap<String, (usize, &'a Enum)>,
    extensions: HashMap<String, Extension<'a>>,
}

#[derive(Debug)]
pub(super) struct Extension<'a> {
    /// The index of its file.
    unit: usize,
    scope: String,
    /// The message that it extends, as written.
    pub(super) extendee: &'a str,
    field: &'a Field,
}

impl<'a> Types<'a> {
    pub(super) fn new(sources: &'a Sources) -> Result<Self, Error> {
        let symbols = Symbols::new(sources)?;
        let (messages, enums, extensions) = (HashMap::new(), HashMap::new(), HashMap::new());
        let mut types = Self { sources, symbols, messages, enums, extensions };
        for (index, unit) in sources.units.iter().enumerate() {
            let file = &unit.file;
            types.take_up(index, &file.package, &file.messages, &file.enums);
            types.take_up_extensions(index, &file.package, &file.extends);
        }
        Ok(types)
    }

    fn take_up(&mut self, unit: usize, scope: &str, messages: &'a [Message], enums: &'a [Enum]) {
        for message in messages {
            let name = join(scope, &message.name);
            self.take_up(unit, &name, &message.messages, &message.enums);
            self.take_up_extensions(unit, &name, &message.extends);
            self.messages.insert(name, (unit, message));
        }
        for enumeration in enums {
            self.enums.insert(join(scope, &enumeration.name), (unit, enumeration));
        }
    }

    fn take_up_extensions(&mut self, unit: usize, scope: &str, extends: &'a [Extend]) {
        for extend in extends {
            for field in &extend.fields {
                let extension = Extension { unit, scope: scope.to_owned(), extendee: &extend.extendee, field };
                self.extensions.insert(join(scope, &field.name), extension);
            }
        }
    }

    pub(super) fn message(&'a self, name: &str) -> Option<MessageType<'a>> {
        let &(unit, message) = self.messages.get(name)?;
        Some(MessageType { types: self, unit, name: name.to_owned(), body: Body::Declared(message) })
    }

    /// The extension that `name` means within `scope`, seen from the file `unit`.
    pub(super) fn extension(&self, unit: usize, scope: &str, name: &str) -> Option<&Extension<'a>> {
        let found = self.extensions.get(&self.symbols.find(unit, scope, name)?);
        found.filter(|extension| self.symbols.is_visible(unit, extension.unit))
    }

    /// Whether `extension` is one of the message `name`. One of nothing is complained about where it is declared.
    pub(super) fn extends(&self, extension: &Extension<'a>, name: &str) -> bool {
        let extendee = self.symbols.resolve(extension.unit, &extension.scope, extension.extendee);
        extendee.is_ok_and(|(extendee, _)| extendee == name)
    }
}

impl<'a> Extension<'a> {
    pub(super) fn target(&self, types: &'a Types<'a>) -> Target<'a> {
        let name = join(&self.scope, &self.field.name);
        Target { name, ..Target::new(types, self.unit, &self.scope, self.field) }
    }
}

/// A field, or an extension, that a value can be given to.
pub(super) struct Target<'a> {
    types: &'a Types<'a>,
    unit: usize,
    /// Where its type is looked for.
    scope: String,
    type_ref: &'a TypeRef,
    /// Of an extension, the full one.
    pub(super) name: String,
    pub(super) repeated: bool,
    pub(super) oneof: Option<usize>,
    options: &'a [Opt],
}

impl<'a> Target<'a> {
    fn new(types: &'a Types<'a>, unit: usize, scope: &str, field: &'a Field) -> Self {
        let repeated = field.label == Some(Label::Repeated) || matches!(field.type_ref, TypeRef::Map(..));
        let (name, scope) = (field.name.clone(), scope.to_owned());
        Self {
            types,
            unit,
            scope,
            type_ref: &field.type_ref,
            name,
            repeated,
            oneof: field.oneof,
            options: &field.options,
        }
    }

    /// What is wrong with an option on what has the options `kind`, if it says where it may be set.
    pub(super) fn bad_place(&self, kind: &str) -> Option<String> {
        let what = match kind.trim_end_matches("Options") {
            "EnumValue" => "ENUM_ENTRY".to_owned(),
            "ExtensionRange" => "EXTENSION_RANGE".to_owned(),
            other => other.to_ascii_uppercase(),
        };
        let mut targets = self.options.iter().filter(|option| option.name == "targets").peekable();
        let there = targets.peek().is_none() || targets.any(|target| target.value == format!("TARGET_TYPE_{what}"));
        (!there).then(|| format!("expected one that can be set on TARGET_TYPE_{what}, found `{}`", self.name))
    }

    /// Its type, if there is one of that name.
    pub(super) fn ty(&self) -> Option<Type<'a>> {
        let message = |name: &str| self.types.message(name).map(Type::Message);
        match self.type_ref {
            TypeRef::Scalar(scalar) => Some(Type::Scalar(*scalar)),
            TypeRef::Group(name) => message(&join(&self.scope, name)),
            TypeRef::Map(key, value) => {
                let name = join(&self.scope, &map_entry_name(&self.name));
                let body = Body::Entry(self.scope.clone(), [("key", &**key), ("value", &**value)]);
                Some(Type::Message(MessageType { types: self.types, unit: self.unit, name, body }))
            }
            TypeRef::Named(name) => match self.types.symbols.resolve(self.unit, &self.scope, name).ok()? {
                (name, Symbol::Enum) => {
                    let &(unit, enumeration) = self.types.enums.get(&name)?;
                    let closed = self.types.sources.units[unit].file.syntax == Syntax::Proto2;
                    Some(Type::Enum(closed, enumeration))
                }
                (name, _) => message(&name),
            },
        }
    }
}

/// What a value is of.
pub(super) enum Type<'a> {
    Scalar(Scalar),
    /// Whether it has no other values than those declared, and these.
    Enum(bool, &'a Enum),
    Message(MessageType<'a>),
}

pub(super) struct MessageType<'a> {
    types: &'a Types<'a>,
    unit: usize,
    pub(super) name: String,
    body: Body<'a>,
}

enum Body<'a> {
    Declared(&'a Message),
    /// Of a map that is declared there.
    Entry(String, [(&'static str, &'a TypeRef); 2]),
}

impl<'a> MessageType<'a> {
    pub(super) fn field(&self, name: &str) -> Option<Target<'a>> {
        self.find(name, |field| field.name == name)
    }

    /// As [`field`](Self::field); in text format, groups can also be called as their messages are.
    pub(super) fn text_field(&self, name: &str) -> Option<Target<'a>> {
        self.find(name, |field| field.name == name || matches!(&field.type_ref, TypeRef::Group(group) if group == name))
    }

    fn find(&self, name: &str, is: impl Fn(&Field) -> bool) -> Option<Target<'a>> {
        let (types, unit) = (self.types, self.unit);
        match &self.body {
            Body::Declared(message) => {
                let field = message.fields.iter().find(|field| is(field))?;
                Some(Target::new(types, unit, &self.name, field))
            }
            Body::Entry(scope, parts) => {
                let &(name, type_ref) = parts.iter().find(|(part, _)| *part == name)?;
                let (scope, name) = (scope.clone(), name.to_owned());
                Some(Target { types, unit, scope, type_ref, name, repeated: false, oneof: None, options: &[] })
            }
        }
    }

    /// None of a map's entry.
    pub(super) fn fields(&self) -> &'a [Field] {
        if let Body::Declared(message) = self.body { &message.fields } else { &[] }
    }

    /// Whether `name` may stand in its text though it is no field: a reserved one, or that of the type of a message set's item.
    pub(super) fn passes_over(&self, name: &str) -> bool {
        let Body::Declared(message) = self.body else { return false };
        is_message_set(message) || message.reserved_names.iter().any(|reserved| reserved.name == name)
    }
}
