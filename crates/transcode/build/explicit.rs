//! Descriptors for the decoder: all of them proto2, with whatever differs from it made explicit.
//!
//! prost-reflect does not know editions, and takes the -0.0 of an implicit field for its default. So delimited messages
//! become groups, packed fields say so, and all fields have presence: the decoder drops nothing. Which ones have none in
//! truth, the glue is told.

use std::collections::BTreeSet;
use std::error::Error;

use prost_reflect::prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, Value};

pub(crate) struct Explicit {
    pub(crate) descriptor_set: Vec<u8>,
    /// The fields without presence: full name of the message, and number.
    pub(crate) implicit: BTreeSet<(String, u32)>,
}

/// Of a serialized `FileDescriptorSet`.
pub(crate) fn rewrite(set: &[u8]) -> Result<Explicit, Box<dyn Error>> {
    let descriptor = DescriptorPool::global().get_message_by_name("google.protobuf.FileDescriptorSet");
    let mut set = DynamicMessage::decode(descriptor.ok_or("prost-reflect has no descriptor.proto")?, set)?;
    let mut rewriter = Rewriter { implicit: BTreeSet::new() };
    for file in messages(&mut set, "file") {
        rewriter.file(file)?;
    }
    Ok(Explicit { descriptor_set: set.encode_to_vec(), implicit: rewriter.implicit })
}

#[derive(Clone, Copy)]
struct Features {
    implicit: bool,
    required: bool,
    packed: bool,
    delimited: bool,
}

impl Features {
    fn of_file(file: &DynamicMessage) -> Result<Self, String> {
        let base = match (text(file, "syntax").as_str(), number(file, "edition")) {
            ("" | "proto2", 0) => Self { implicit: false, required: false, packed: false, delimited: false },
            ("proto3", 0) => Self { implicit: true, required: false, packed: true, delimited: false },
            ("editions", 1000 | 1001) => Self { implicit: false, required: false, packed: true, delimited: false },
            (syntax, edition) => return Err(format!("{}: syntax {syntax}, edition {edition}", text(file, "name"))),
        };
        Ok(base.of(file))
    }

    /// Those of what is declared within, with features in its options.
    fn of(mut self, declaration: &DynamicMessage) -> Self {
        let Some(options) = child(declaration, "options") else { return self };
        let Some(features) = child(&options, "features") else { return self };
        match number(&features, "field_presence") {
            0 => {}
            presence => (self.implicit, self.required) = (presence == 2, presence == 3),
        }
        match number(&features, "repeated_field_encoding") {
            0 => {}
            encoding => self.packed = encoding == 1,
        }
        match number(&features, "message_encoding") {
            0 => {}
            encoding => self.delimited = encoding == 2,
        }
        self
    }
}

struct Rewriter {
    implicit: BTreeSet<(String, u32)>,
}

impl Rewriter {
    fn file(&mut self, file: &mut DynamicMessage) -> Result<(), String> {
        let features = Features::of_file(file)?;
        let package = text(file, "package");
        file.clear_field_by_name("syntax");
        file.clear_field_by_name("edition");
        for message in messages(file, "message_type") {
            self.message(message, &package, features);
        }
        for extension in messages(file, "extension") {
            field(extension, features);
        }
        Ok(())
    }

    fn message(&mut self, message: &mut DynamicMessage, scope: &str, outer: Features) {
        let name = text(message, "name");
        let name = if scope.is_empty() { name } else { format!("{scope}.{name}") };
        let features = outer.of(message);
        let map_entry = child(message, "options").is_some_and(|options| flag(&options, "map_entry"));
        let entries: BTreeSet<_> = messages(message, "nested_type")
            .filter(|nested| child(nested, "options").is_some_and(|options| flag(&options, "map_entry")))
            .map(|nested| format!(".{name}.{}", text(nested, "name")))
            .collect();
        for nested in messages(message, "nested_type") {
            self.message(nested, &name, features);
        }
        for extension in messages(message, "extension") {
            field(extension, features);
        }
        for member in messages(message, "field") {
            // Maps and what is in them are never delimited, and have no presence to speak of.
            if map_entry || entries.contains(&text(member, "type_name")) {
                continue;
            }
            if field(member, features) && !member.has_field_by_name("oneof_index") {
                self.implicit.insert((name.clone(), number(member, "number") as u32));
            }
        }
    }
}

/// Whether it is a scalar without presence.
fn field(field: &mut DynamicMessage, outer: Features) -> bool {
    const REQUIRED: i32 = 2;
    const REPEATED: i32 = 3;
    const STRING: i32 = 9;
    const GROUP: i32 = 10;
    const MESSAGE: i32 = 11;
    const BYTES: i32 = 12;
    let features = outer.of(field);
    field.clear_field_by_name("proto3_optional");
    let ty = number(field, "type");
    if ty == MESSAGE && features.delimited {
        field.set_field_by_name("type", Value::EnumNumber(GROUP));
    }
    if number(field, "label") != REPEATED {
        if features.required {
            field.set_field_by_name("label", Value::EnumNumber(REQUIRED));
        }
        return features.implicit && ty != MESSAGE && ty != GROUP;
    }
    if ![STRING, BYTES, MESSAGE, GROUP].contains(&ty) {
        let own = child(field, "options").filter(|options| options.has_field_by_name("packed"));
        let packed = own.map_or(features.packed, |options| flag(&options, "packed"));
        if let Some(Value::Message(options)) = field.get_field_by_name_mut("options") {
            options.set_field_by_name("packed", Value::Bool(packed));
        }
    }
    false
}

// ------------------------------------------------------------------ reading descriptors by name

fn messages<'a>(parent: &'a mut DynamicMessage, field: &str) -> impl Iterator<Item = &'a mut DynamicMessage> {
    let list = parent.get_field_by_name_mut(field).and_then(Value::as_list_mut);
    list.into_iter().flatten().filter_map(Value::as_message_mut)
}

fn child(parent: &DynamicMessage, field: &str) -> Option<DynamicMessage> {
    let set = parent.has_field_by_name(field);
    set.then(|| parent.get_field_by_name(field)?.as_message().cloned()).flatten()
}

fn text(parent: &DynamicMessage, field: &str) -> String {
    parent.get_field_by_name(field).and_then(|value| value.as_str().map(Into::into)).unwrap_or_default()
}

fn flag(parent: &DynamicMessage, field: &str) -> bool {
    parent.get_field_by_name(field).and_then(|value| value.as_bool()).unwrap_or_default()
}

fn number(parent: &DynamicMessage, field: &str) -> i32 {
    let set = parent.has_field_by_name(field);
    let value = parent.get_field_by_name(field).filter(|_| set);
    value.and_then(|value| value.as_i32().or(value.as_enum_number())).unwrap_or_default()
}
