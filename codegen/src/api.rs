//! What was generated, for tools that generate code around it.

use std::collections::HashMap;

use crate::emit::{Names, method};
use crate::ir::{Cardinality, Field, Kind, MessageId, Schema};

/// A writer that was generated.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Writer {
    /// The full name of the message.
    pub message: String,
    /// The path of the writer in the output: `perfetto::protos::TracePacket`.
    pub path: String,
    /// In the order of the .proto file, extensions last.
    pub setters: Vec<Setter>,
    /// Whether encoding fails without some of its fields.
    pub has_required: bool,
}

/// A method of a writer, which writes one field.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Setter {
    /// The name of the field; of an extension, its full name.
    pub field: String,
    /// Its number.
    pub number: u32,
    /// The name of the method.
    pub method: String,
    /// The path of the trait that has the method: of an extension.
    pub extension_trait: Option<String>,
    /// How often it is called, and with what.
    pub shape: Shape,
    /// The type of the value, of an element, or of a map's value.
    pub value: ValueType,
}

/// How a setter is called.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shape {
    /// Once, with the value.
    Singular,
    /// Once per element.
    Repeated,
    /// Once, with all elements.
    Packed,
    /// Once per entry, with the key, which is of this scalar type, and the value.
    Map(&'static str),
}

/// What a setter takes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValueType {
    /// A scalar, by its name in .proto files: `sint32`, `bytes`.
    Scalar(&'static str),
    /// The enum at this path.
    Enum(String),
    /// A closure that writes the message with this path, in whatever way it is delimited.
    Message(String),
}

/// All writers of the output, in its order.
pub(crate) fn writers(schema: &Schema, names: &Names<'_>) -> Vec<Writer> {
    let mut extensions: HashMap<_, Vec<_>> = HashMap::new();
    for group in &names.extensions {
        extensions.entry(group.extendee).or_default().push(group);
    }
    let ids = (0..schema.messages.len()).map(MessageId);
    ids.filter_map(|id| {
        let message = &schema.messages[id.0];
        names.message(id)?;
        let mut setters: Vec<_> = message.fields.iter().map(|field| setter(names, field)).collect();
        for group in extensions.get(&id).into_iter().flatten() {
            let path = group.place.path();
            setters.extend(group.members.iter().map(|member| {
                let field = &schema.extensions[member.index].field;
                let (name, extension_trait) = (field.doc.origin.name.clone(), Some(path.clone()));
                Setter { field: name, method: member.method.clone(), extension_trait, ..setter(names, field) }
            }));
        }
        Some(Writer {
            message: message.path.full_name(),
            path: names.path_from(&[], &Kind::Message(id)),
            setters,
            has_required: message.has_required,
        })
    })
    .collect()
}

fn setter(names: &Names<'_>, field: &Field) -> Setter {
    let (shape, value) = match (&field.kind, field.cardinality) {
        (Kind::Map(key, value), _) => (Shape::Map(key.name()), &**value),
        (kind, Cardinality::Packed) => (Shape::Packed, kind),
        (kind, Cardinality::Repeated) => (Shape::Repeated, kind),
        (kind, _) => (Shape::Singular, kind),
    };
    let value = match value {
        Kind::Scalar(scalar) => ValueType::Scalar(scalar.name()),
        Kind::Enum(_) => ValueType::Enum(names.path_from(&[], value)),
        _ => ValueType::Message(names.path_from(&[], value)),
    };
    Setter {
        field: field.name.clone(),
        number: field.number,
        method: method(field),
        extension_trait: None,
        shape,
        value,
    }
}
