//! Where declarations stand, and what the comments on them say.

use std::collections::HashMap;

use crate::load::Unit;
use crate::parse::{Comments, Enum, Extend, Field, Message, Pos};
use crate::resolve::join;

/// Of one declaration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// From 1; 0 when it is not known.
    pub(crate) line: u32,
    pub(crate) comment: String,
}

/// By full name, which no two declarations share.
#[derive(Debug, Default)]
pub(crate) struct Places(HashMap<String, Place>);

impl Places {
    pub(crate) fn new(units: &[Unit]) -> Self {
        let mut places = Self::default();
        for unit in units {
            let file = &unit.file;
            places.types(&file.package, &file.messages, &file.enums);
            places.extends(&file.package, &file.extends);
        }
        places
    }

    pub(crate) fn get(&self, full_name: &str) -> Place {
        self.0.get(full_name).cloned().unwrap_or_default()
    }

    fn add(&mut self, scope: &str, name: &str, pos: Pos, comments: &Comments) {
        self.0.insert(join(scope, name), Place { line: pos.line, comment: text(comments) });
    }

    fn types(&mut self, scope: &str, messages: &[Message], enums: &[Enum]) {
        for message in messages {
            self.add(scope, &message.name, message.pos, &message.comments);
            let inner = join(scope, &message.name);
            self.fields(&inner, &message.fields);
            for oneof in &message.oneofs {
                self.add(&inner, &oneof.name, oneof.pos, &oneof.comments);
            }
            self.extends(&inner, &message.extends);
            self.types(&inner, &message.messages, &message.enums);
        }
        for enumeration in enums {
            self.add(scope, &enumeration.name, enumeration.pos, &enumeration.comments);
            // Values are siblings of their enum.
            for value in &enumeration.values {
                self.add(scope, &value.name, value.pos, &value.comments);
            }
        }
    }

    fn extends(&mut self, scope: &str, extends: &[Extend]) {
        for extend in extends {
            self.fields(scope, &extend.fields);
        }
    }

    fn fields(&mut self, scope: &str, fields: &[Field]) {
        for field in fields {
            self.add(scope, &field.name, field.pos, &field.comments);
        }
    }
}

fn text(comments: &Comments) -> String {
    match (comments.leading.as_str(), comments.trailing.as_str()) {
        (leading, "") => leading.to_owned(),
        ("", trailing) => trailing.to_owned(),
        (leading, trailing) => format!("{leading}\n\n{trailing}"),
    }
}
