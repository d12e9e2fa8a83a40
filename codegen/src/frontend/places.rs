//! Where declarations stand, and what the comments on them say.

use std::collections::HashMap;

use protobuf::descriptor::source_code_info::Location;
use protobuf::descriptor::{DescriptorProto, EnumDescriptorProto, FileDescriptorProto};

use crate::load::Unit;
use crate::parse::{Comments, Enum, Extend, Field, Message, Pos, dedent};
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

    /// Adds those of a descriptor, if its compiler has left them in: `SourceCodeInfo` of descriptor.proto.
    pub(super) fn take_up(&mut self, file: &FileDescriptorProto) {
        let locations = file.source_code_info.location.iter().map(|location| (location.path.as_slice(), location));
        let locations = HashMap::from_iter(locations);
        let mut walk = Walk { places: self, locations: &locations, path: Vec::new() };
        walk.types(file.package(), (4, &file.message_type), (5, &file.enum_type));
        walk.each(file.package(), 7, file.extension.iter().map(|extension| extension.name()));
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

/// Through a descriptor, with the numbers of the fields and the indices that lead to where we are.
struct Walk<'a> {
    places: &'a mut Places,
    locations: &'a HashMap<&'a [i32], &'a Location>,
    path: Vec<i32>,
}

impl Walk<'_> {
    /// Each list with the number of the field that it is in.
    fn types(&mut self, scope: &str, messages: (i32, &[DescriptorProto]), enums: (i32, &[EnumDescriptorProto])) {
        for (index, message) in (0..).zip(messages.1) {
            self.within(&[messages.0, index], |walk| {
                walk.here(scope, message.name());
                let inner = join(scope, message.name());
                walk.each(&inner, 2, message.field.iter().map(|field| field.name()));
                walk.each(&inner, 6, message.extension.iter().map(|extension| extension.name()));
                walk.each(&inner, 8, message.oneof_decl.iter().map(|oneof| oneof.name()));
                walk.types(&inner, (3, &message.nested_type), (4, &message.enum_type));
            });
        }
        for (index, enumeration) in (0..).zip(enums.1) {
            self.within(&[enums.0, index], |walk| {
                walk.here(scope, enumeration.name());
                walk.each(scope, 2, enumeration.value.iter().map(|value| value.name()));
            });
        }
    }

    fn each<'n>(&mut self, scope: &str, field: i32, names: impl Iterator<Item = &'n str>) {
        for (index, name) in (0..).zip(names) {
            self.within(&[field, index], |walk| walk.here(scope, name));
        }
    }

    fn within(&mut self, steps: &[i32], f: impl FnOnce(&mut Self)) {
        self.path.extend(steps);
        f(self);
        self.path.truncate(self.path.len() - steps.len());
    }

    fn here(&mut self, scope: &str, name: &str) {
        let Some(location) = self.locations.get(self.path.as_slice()) else { return };
        let line = location.span.first().and_then(|line| u32::try_from(*line).ok()).map_or(0, |line| line + 1);
        let comments = Comments {
            leading: dedented(location.leading_comments()),
            trailing: dedented(location.trailing_comments()),
        };
        self.places.0.insert(join(scope, name), Place { line, comment: text(&comments) });
    }
}

fn dedented(comment: &str) -> String {
    dedent(&comment.lines().map(str::trim_end).collect::<Vec<_>>())
}
