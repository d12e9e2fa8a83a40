//! All types and extensions, by full name: where they are declared, and how.

use std::collections::HashMap;

use crate::load::{Sources, Unit};
use crate::parse::{Enum, Extend, Field, Message};
use crate::resolve::join;

#[derive(Debug, Default)]
pub(super) struct Types<'a> {
    pub(super) messages: HashMap<String, (&'a Unit, &'a Message)>,
    pub(super) enums: HashMap<String, (&'a Unit, &'a Enum)>,
    pub(super) extensions: HashMap<String, Extension<'a>>,
}

#[derive(Debug)]
pub(super) struct Extension<'a> {
    /// The index of its file.
    pub(super) unit: usize,
    pub(super) scope: String,
    /// The message that it extends, as written.
    pub(super) extendee: &'a str,
    pub(super) field: &'a Field,
}

impl<'a> Types<'a> {
    pub(super) fn new(sources: &'a Sources) -> Self {
        let mut types = Self::default();
        for (index, unit) in sources.units.iter().enumerate() {
            let file = &unit.file;
            types.take_up((index, unit), &file.package, &file.messages, &file.enums);
            types.extensions(index, &file.package, &file.extends);
        }
        types
    }

    fn take_up(&mut self, unit: (usize, &'a Unit), scope: &str, messages: &'a [Message], enums: &'a [Enum]) {
        for message in messages {
            let name = join(scope, &message.name);
            self.take_up(unit, &name, &message.messages, &message.enums);
            self.extensions(unit.0, &name, &message.extends);
            self.messages.insert(name, (unit.1, message));
        }
        for enumeration in enums {
            self.enums.insert(join(scope, &enumeration.name), (unit.1, enumeration));
        }
    }

    fn extensions(&mut self, unit: usize, scope: &str, extends: &'a [Extend]) {
        for extend in extends {
            for field in &extend.fields {
                let extension = Extension { unit, scope: scope.to_owned(), extendee: &extend.extendee, field };
                self.extensions.insert(join(scope, &field.name), extension);
            }
        }
    }
}
