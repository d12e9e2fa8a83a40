//! From descriptors to what is generated from.

use std::collections::HashMap;

use protobuf::descriptor::field_descriptor_proto::{Label, Type};
use protobuf::descriptor::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto};

use crate::error::{Error, Origin};
use crate::features::{self, Features, Presence};
use crate::frontend::{Described, Places};
use crate::ir::{self, Cardinality, Doc, EnumId, Kind, MessageId, Path, Scalar, Schema};
use crate::observer::{Phase, Watch};
use crate::resolve::join;

/// Lowers all files.
pub(crate) fn lower(described: &Described, watch: Watch<'_>) -> Result<Schema, Error> {
    let mut names = Names::default();
    for file in &described.files {
        let descriptor = &file.descriptor;
        names.take_up(&dotted(descriptor.package()), &descriptor.message_type, &descriptor.enum_type);
    }
    let mut schema = Schema::default();
    for file in &described.files {
        let descriptor = &file.descriptor;
        let mut lowering = Lowering {
            file: descriptor.name(),
            package: descriptor.package(),
            wanted: file.wanted,
            places: &described.places,
            names: &names,
            schema: &mut schema,
            parents: Vec::new(),
        };
        let features = Features::of_file(descriptor).map_err(|edition| lowering.unknown_edition(edition))?;
        watch.phase(Phase::Lower, descriptor.name(), || {
            lowering.extensions(features, &descriptor.extension)?;
            lowering.types(features, &descriptor.message_type, &descriptor.enum_type)
        })?;
    }
    let inputs = described.files.iter().filter(|file| file.input);
    schema.files = inputs.map(|file| file.descriptor.name().to_owned()).collect();
    Ok(schema)
}

/// What each full name, with a leading dot as in descriptors, stands for.
#[derive(Debug, Default)]
struct Names<'a> {
    /// In the order in which [`Lowering`] pushes.
    messages: HashMap<String, MessageId>,
    enums: HashMap<String, EnumId>,
    map_entries: HashMap<String, &'a DescriptorProto>,
}

impl<'a> Names<'a> {
    fn take_up(&mut self, scope: &str, messages: &'a [DescriptorProto], enums: &[EnumDescriptorProto]) {
        for message in messages {
            let name = format!("{scope}.{}", message.name());
            if message.options.map_entry() {
                self.map_entries.insert(name, message);
                continue;
            }
            self.messages.insert(name.clone(), MessageId(self.messages.len()));
            self.take_up(&name, &message.nested_type, &message.enum_type);
        }
        for enumeration in enums {
            self.enums.insert(format!("{scope}.{}", enumeration.name()), EnumId(self.enums.len()));
        }
    }
}

struct Lowering<'a> {
    file: &'a str,
    package: &'a str,
    wanted: bool,
    places: &'a Places,
    names: &'a Names<'a>,
    schema: &'a mut Schema,
    /// The names of the messages around, outermost first.
    parents: Vec<String>,
}

impl Lowering<'_> {
    fn types(
        &mut self,
        features: Features,
        messages: &[DescriptorProto],
        enums: &[EnumDescriptorProto],
    ) -> Result<(), Error> {
        for message in messages.iter().filter(|message| !message.options.map_entry()) {
            self.message(features, message)?;
        }
        for enumeration in enums {
            self.enumeration(features, enumeration);
        }
        Ok(())
    }

    fn message(&mut self, features: Features, message: &DescriptorProto) -> Result<(), Error> {
        let features = features.with(message.options.special_fields.unknown_fields(), features::OF_MESSAGE);
        let path = self.path(message.name());
        let full_name = path.full_name();
        let fields = message.field.iter().map(|field| {
            let oneof = field.oneof_index.and_then(|index| message.oneof_decl.get(usize::try_from(index).ok()?));
            let features = match oneof {
                Some(oneof) => features.with(oneof.options.special_fields.unknown_fields(), features::OF_ONEOF),
                None => features,
            };
            self.field(features, &full_name, field)
        });
        let fields = fields.collect::<Result<Vec<_>, _>>()?;
        let doc = self.doc(full_name.clone(), message.options.deprecated());
        self.schema.messages.push(ir::Message {
            doc,
            oneofs: self.oneofs(&full_name, message, &fields),
            has_required: fields.iter().any(|field| field.cardinality == Cardinality::Required),
            fields,
            path,
            message_set: message.options.message_set_wire_format(),
            extendable: !message.extension_range.is_empty(),
            wanted: self.wanted,
        });
        self.parents.push(message.name().to_owned());
        self.extensions(features, &message.extension)?;
        self.types(features, &message.nested_type, &message.enum_type)?;
        self.parents.pop();
        Ok(())
    }

    fn extensions(&mut self, features: Features, extensions: &[FieldDescriptorProto]) -> Result<(), Error> {
        let scope = self.path("").full_name();
        for extension in extensions {
            let field = self.field(features, scope.trim_end_matches('.'), extension)?;
            let extendee = self.names.messages.get(extension.extendee()).copied();
            let extendee = extendee.ok_or_else(|| lost(&field.doc.origin.name))?;
            let (package, parents) = (self.package.to_owned(), self.parents.clone());
            self.schema.extensions.push(ir::Extension {
                package,
                parents,
                extendee,
                field,
                wanted: self.wanted,
                chosen: false,
            });
        }
        Ok(())
    }

    fn path(&self, name: &str) -> Path {
        Path { package: self.package.to_owned(), parents: self.parents.clone(), name: name.to_owned() }
    }

    fn doc(&self, name: String, deprecated: bool) -> Doc {
        let place = self.places.get(&name);
        Doc {
            origin: Origin { file: self.file.to_owned(), line: place.line, name },
            comment: place.comment,
            deprecated,
        }
    }

    fn field(&self, features: Features, scope: &str, field: &FieldDescriptorProto) -> Result<ir::Field, Error> {
        let features = features.with(field.options.special_fields.unknown_fields(), features::OF_FIELD);
        let full_name = join(scope, field.name());
        let number = u32::try_from(field.number()).map_err(|_| lost(&full_name))?;
        let kind = self.kind(features, &full_name, field)?;
        Ok(ir::Field {
            name: field.name().to_owned(),
            number,
            cardinality: cardinality(features, field, &kind),
            oneof: field.oneof_index.filter(|_| !field.proto3_optional()).and_then(|index| usize::try_from(index).ok()),
            options: options(field),
            doc: self.doc(full_name, field.options.deprecated()),
            kind,
        })
    }

    fn kind(&self, features: Features, full_name: &str, field: &FieldDescriptorProto) -> Result<Kind, Error> {
        let name = field.type_name();
        let kind = match field.type_.and_then(|ty| ty.enum_value().ok()) {
            Some(Type::TYPE_ENUM) => self.names.enums.get(name).copied().map(Kind::Enum),
            Some(Type::TYPE_GROUP) => self.names.messages.get(name).copied().map(Kind::Group),
            Some(Type::TYPE_MESSAGE) => match self.names.map_entries.get(name) {
                Some(entry) => return self.map(features, full_name, entry),
                None if features.delimited => self.names.messages.get(name).copied().map(Kind::Group),
                None => self.names.messages.get(name).copied().map(Kind::Message),
            },
            Some(scalar) => scalar_of(scalar).map(Kind::Scalar),
            None => None,
        };
        kind.ok_or_else(|| lost(full_name))
    }

    /// Its values are length-prefixed, also where other messages are delimited.
    fn map(&self, features: Features, full_name: &str, entry: &DescriptorProto) -> Result<Kind, Error> {
        let features = Features { delimited: false, ..features };
        let [key, value] = &*entry.field else { return Err(lost(full_name)) };
        let Kind::Scalar(key) = self.kind(features, full_name, key)? else { return Err(lost(full_name)) };
        Ok(Kind::Map(key, Box::new(self.kind(features, full_name, value)?)))
    }

    fn oneofs(&self, message: &str, descriptor: &DescriptorProto, fields: &[ir::Field]) -> Vec<ir::Oneof> {
        let mut members = vec![Vec::new(); descriptor.oneof_decl.len()];
        for field in fields {
            if let Some(members) = field.oneof.and_then(|index| members.get_mut(index)) {
                members.push(field.name.clone());
            }
        }
        let oneofs = descriptor.oneof_decl.iter().zip(members).map(|(oneof, fields)| ir::Oneof {
            name: oneof.name().to_owned(),
            comment: self.places.get(&join(message, oneof.name())).comment,
            fields,
        });
        // Behind those that are declared come those of single optional fields.
        oneofs.filter(|oneof| !oneof.fields.is_empty()).collect()
    }

    fn enumeration(&mut self, features: Features, enumeration: &EnumDescriptorProto) {
        let features = features.with(enumeration.options.special_fields.unknown_fields(), features::OF_ENUM);
        let path = self.path(enumeration.name());
        // Values are siblings of their enum.
        let full_name = path.full_name();
        let scope = full_name.rsplit_once('.').map_or("", |(scope, _)| scope);
        let values = enumeration.value.iter().map(|value| ir::Value {
            name: value.name().to_owned(),
            number: value.number(),
            doc: self.doc(join(scope, value.name()), value.options.deprecated()),
        });
        let values = values.collect();
        let doc = self.doc(full_name.clone(), enumeration.options.deprecated());
        self.schema.enums.push(ir::Enum { path, doc, values, closed: features.closed_enums, wanted: self.wanted });
    }

    fn unknown_edition(&self, edition: u64) -> Error {
        let message = format!("expected the edition 2023 (1000) or 2024 (1001), found the one of number {edition}");
        let origin = Origin { file: self.file.to_owned(), line: 0, name: "edition".to_owned() };
        Error::Unsupported { origin, message }
    }
}

fn cardinality(features: Features, field: &FieldDescriptorProto, kind: &Kind) -> Cardinality {
    let can_be_packed = match kind {
        Kind::Scalar(scalar) => scalar.can_be_packed(),
        Kind::Enum(_) => true,
        Kind::Message(_) | Kind::Group(_) | Kind::Map(..) => false,
    };
    let packed = can_be_packed && field.options.packed.unwrap_or(features.packed);
    match field.label() {
        _ if matches!(kind, Kind::Map(..)) => Cardinality::Map,
        Label::LABEL_REPEATED if packed => Cardinality::Packed,
        Label::LABEL_REPEATED => Cardinality::Repeated,
        Label::LABEL_REQUIRED => Cardinality::Required,
        Label::LABEL_OPTIONAL if field.proto3_optional() => Cardinality::Optional,
        Label::LABEL_OPTIONAL if field.oneof_index.is_some() => Cardinality::Implicit,
        Label::LABEL_OPTIONAL => match features.presence {
            Presence::Explicit => Cardinality::Optional,
            Presence::Implicit => Cardinality::Implicit,
            Presence::Required => Cardinality::Required,
        },
    }
}

/// Those that tell how to write or read the field.
fn options(field: &FieldDescriptorProto) -> Vec<String> {
    let default = field.default_value.as_ref().map(|value| match field.type_() {
        Type::TYPE_STRING => format!("default = \"{}\"", value.escape_debug()),
        // Its bytes are escaped in the descriptor.
        Type::TYPE_BYTES => format!("default = \"{value}\""),
        Type::TYPE_FLOAT | Type::TYPE_DOUBLE => {
            format!("default = {}", value.parse().map_or_else(|_| value.clone(), |value: f64| value.to_string()))
        }
        _ => format!("default = {value}"),
    });
    let packed = field.options.packed.map(|packed| format!("packed = {packed}"));
    default.into_iter().chain(packed).collect()
}

fn scalar_of(ty: Type) -> Option<Scalar> {
    Some(match ty {
        Type::TYPE_INT32 => Scalar::Int32,
        Type::TYPE_INT64 => Scalar::Int64,
        Type::TYPE_UINT32 => Scalar::Uint32,
        Type::TYPE_UINT64 => Scalar::Uint64,
        Type::TYPE_SINT32 => Scalar::Sint32,
        Type::TYPE_SINT64 => Scalar::Sint64,
        Type::TYPE_FIXED32 => Scalar::Fixed32,
        Type::TYPE_FIXED64 => Scalar::Fixed64,
        Type::TYPE_SFIXED32 => Scalar::Sfixed32,
        Type::TYPE_SFIXED64 => Scalar::Sfixed64,
        Type::TYPE_BOOL => Scalar::Bool,
        Type::TYPE_FLOAT => Scalar::Float,
        Type::TYPE_DOUBLE => Scalar::Double,
        Type::TYPE_STRING => Scalar::String,
        Type::TYPE_BYTES => Scalar::Bytes,
        Type::TYPE_MESSAGE | Type::TYPE_GROUP | Type::TYPE_ENUM => return None,
    })
}

/// With the leading dot that full names have in descriptors.
fn dotted(package: &str) -> String {
    if package.is_empty() { String::new() } else { format!(".{package}") }
}

fn lost(name: &str) -> Error {
    Error::Internal { message: format!("the type of {name} got lost") }
}
