//! All types, by full name: where they are declared, and how.

use std::collections::HashMap;

use crate::load::{Sources, Unit};
use crate::parse::{Enum, Message};
use crate::resolve::join;

#[derive(Debug, Default)]
pub(super) struct Types<'a> {
    pub(super) messages: HashMap<String, (&'a Unit, &'a Message)>,
    pub(super) enums: HashMap<String, (&'a Unit, &'a Enum)>,
}

impl<'a> Types<'a> {
    pub(super) fn new(sources: &'a Sources) -> Self {
        let mut types = Self::default();
        for unit in &sources.units {
            types.take_up(unit, &unit.file.package, &unit.file.messages, &unit.file.enums);
        }
        types
    }

    fn take_up(&mut self, unit: &'a Unit, scope: &str, messages: &'a [Message], enums: &'a [Enum]) {
        for message in messages {
            let name = join(scope, &message.name);
            self.take_up(unit, &name, &message.messages, &message.enums);
            self.messages.insert(name, (unit, message));
        }
        for enumeration in enums {
            self.enums.insert(join(scope, &enumeration.name), (unit, enumeration));
        }
    }
}
