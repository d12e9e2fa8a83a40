//! From declarations to descriptors, as other compilers make them.
//!
//! Without custom options, services, and the positions that [`Places`](super::Places) has.

use protobuf::MessageField;
use protobuf::descriptor::descriptor_proto::ExtensionRange;
use protobuf::descriptor::field_descriptor_proto::{Label as ProtoLabel, Type};
use protobuf::descriptor::{
    DescriptorProto, EnumDescriptorProto, EnumOptions, EnumValueDescriptorProto, EnumValueOptions,
    FieldDescriptorProto, FieldOptions, FileDescriptorProto, MessageOptions, OneofDescriptorProto,
};

use crate::check::{Resolved, max_number, option};
use crate::ir::Scalar;
use crate::load::Unit;
use crate::parse::{self, Enum, Extend, Field, Label, Message, Opt, Syntax, TypeRef};
use crate::resolve::{Symbol, join, made_up_oneofs, map_entry_name};

/// The descriptor of one file.
pub(super) fn file(unit: &Unit, resolved: &Resolved) -> FileDescriptorProto {
    let file = &unit.file;
    let mut describe = Describe { resolved, proto3: file.syntax == Syntax::Proto3 };
    let mut descriptor = FileDescriptorProto::new();
    descriptor.set_name(unit.name.clone());
    if !file.package.is_empty() {
        descriptor.set_package(file.package.clone());
    }
    if describe.proto3 {
        descriptor.set_syntax("proto3".to_owned());
    }
    descriptor.dependency = file.imports.iter().map(|import| import.name.clone()).collect();
    descriptor.public_dependency = indices(&file.imports, |import| import.public);
    descriptor.message_type = file.messages.iter().map(|message| describe.message(&file.package, message)).collect();
    descriptor.enum_type = file.enums.iter().map(enumeration).collect();
    descriptor.extension = describe.extensions(&file.package, &file.extends);
    descriptor
}

fn indices(imports: &[parse::Import], which: impl Fn(&parse::Import) -> bool) -> Vec<i32> {
    let all = imports.iter().zip(0..);
    all.filter(|(import, _)| which(import)).map(|(_, index)| index).collect()
}

struct Describe<'a> {
    resolved: &'a Resolved,
    proto3: bool,
}

impl Describe<'_> {
    fn message(&mut self, scope: &str, message: &Message) -> DescriptorProto {
        let full_name = join(scope, &message.name);
        let mut descriptor = DescriptorProto::new();
        descriptor.set_name(message.name.clone());
        descriptor.oneof_decl = message.oneofs.iter().map(|oneof| oneof_named(&oneof.name)).collect();
        descriptor.nested_type = message.messages.iter().map(|nested| self.message(&full_name, nested)).collect();
        for field in &message.fields {
            let mut described = self.field(&full_name, field);
            if let TypeRef::Map(key, value) = &field.type_ref {
                let entry = self.map_entry(&full_name, field, key, value);
                described.set_type(Type::TYPE_MESSAGE);
                described.set_label(ProtoLabel::LABEL_REPEATED);
                described.set_type_name(format!(".{}", join(&full_name, entry.name())));
                descriptor.nested_type.push(entry);
            }
            descriptor.field.push(described);
        }
        for (index, name) in made_up_oneofs(message).into_iter().filter(|_| self.proto3) {
            descriptor.field[index].set_proto3_optional(true);
            descriptor.field[index].set_oneof_index(descriptor.oneof_decl.len() as i32);
            descriptor.oneof_decl.push(oneof_named(&name));
        }
        descriptor.enum_type = message.enums.iter().map(enumeration).collect();
        descriptor.extension = self.extensions(&full_name, &message.extends);
        descriptor.extension_range = extension_ranges(message);
        let mut options = MessageOptions::new();
        options.deprecated = flag(&message.options, "deprecated");
        options.message_set_wire_format = flag(&message.options, "message_set_wire_format");
        descriptor.options = some_unless_default(options);
        descriptor
    }

    fn extensions(&mut self, scope: &str, extends: &[Extend]) -> Vec<FieldDescriptorProto> {
        let fields = extends.iter().flat_map(|extend| &extend.fields);
        let describe = fields.map(|field| {
            let mut described = self.field(scope, field);
            let extendee = self.resolved.extendees.get(&join(scope, &field.name));
            described.extendee = extendee.map(|extendee| format!(".{extendee}"));
            described
        });
        describe.collect()
    }

    fn field(&self, scope: &str, field: &Field) -> FieldDescriptorProto {
        let mut descriptor = FieldDescriptorProto::new();
        descriptor.set_name(field.name.clone());
        descriptor.number = i32::try_from(field.number).ok();
        descriptor.set_label(match field.label {
            None | Some(Label::Optional) => ProtoLabel::LABEL_OPTIONAL,
            Some(Label::Required) => ProtoLabel::LABEL_REQUIRED,
            Some(Label::Repeated) => ProtoLabel::LABEL_REPEATED,
        });
        self.set_type(&mut descriptor, &join(scope, &field.name), scope, &field.type_ref);
        descriptor.oneof_index = field.oneof.and_then(|index| i32::try_from(index).ok());
        descriptor.default_value = option(&field.options, "default").map(|text| default_value(&field.type_ref, text));
        let mut options = FieldOptions::new();
        options.packed = flag(&field.options, "packed");
        options.deprecated = flag(&field.options, "deprecated");
        descriptor.options = some_unless_default(options);
        descriptor
    }

    /// Not of maps, whose type is their entry.
    fn set_type(&self, descriptor: &mut FieldDescriptorProto, full_name: &str, scope: &str, type_ref: &TypeRef) {
        match type_ref {
            TypeRef::Scalar(scalar) => descriptor.set_type(scalar_type(*scalar)),
            TypeRef::Named(_) => {
                if let Some((name, symbol)) = self.resolved.types.get(full_name) {
                    let is_enum = *symbol == Symbol::Enum;
                    descriptor.set_type(if is_enum { Type::TYPE_ENUM } else { Type::TYPE_MESSAGE });
                    descriptor.set_type_name(format!(".{name}"));
                }
            }
            TypeRef::Group(name) => {
                descriptor.set_type(Type::TYPE_GROUP);
                descriptor.set_type_name(format!(".{}", join(scope, name)));
            }
            TypeRef::Map(..) => {}
        }
    }

    fn map_entry(&self, message: &str, field: &Field, key: &TypeRef, value: &TypeRef) -> DescriptorProto {
        let mut entry = DescriptorProto::new();
        entry.set_name(map_entry_name(&field.name));
        for (name, number, type_ref) in [("key", 1, key), ("value", 2, value)] {
            let mut part = FieldDescriptorProto::new();
            part.set_name(name.to_owned());
            part.set_number(number);
            part.set_label(ProtoLabel::LABEL_OPTIONAL);
            self.set_type(&mut part, &join(message, &field.name), message, type_ref);
            entry.field.push(part);
        }
        entry.options = MessageField::some(MessageOptions { map_entry: Some(true), ..MessageOptions::new() });
        entry
    }
}

fn oneof_named(name: &str) -> OneofDescriptorProto {
    let mut oneof = OneofDescriptorProto::new();
    oneof.set_name(name.to_owned());
    oneof
}

/// The end of a range in a descriptor is not in it.
fn extension_ranges(message: &Message) -> Vec<ExtensionRange> {
    let describe = |range: &parse::Range| {
        let last = range.last.unwrap_or_else(|| max_number(message));
        let mut described = ExtensionRange::new();
        described.start = i32::try_from(range.first).ok();
        described.end = i32::try_from(last + 1).ok();
        described
    };
    message.extension_ranges.iter().map(describe).collect()
}

fn enumeration(enumeration: &Enum) -> EnumDescriptorProto {
    let mut descriptor = EnumDescriptorProto::new();
    descriptor.set_name(enumeration.name.clone());
    let values = enumeration.values.iter().map(|value| {
        let mut described = EnumValueDescriptorProto::new();
        described.set_name(value.name.clone());
        described.number = i32::try_from(value.number).ok();
        let deprecated = flag(&value.options, "deprecated");
        described.options = some_unless_default(EnumValueOptions { deprecated, ..EnumValueOptions::new() });
        described
    });
    descriptor.value = values.collect();
    let (allow_alias, deprecated) =
        (flag(&enumeration.options, "allow_alias"), flag(&enumeration.options, "deprecated"));
    descriptor.options = some_unless_default(EnumOptions { allow_alias, deprecated, ..EnumOptions::new() });
    descriptor
}

fn flag(options: &[Opt], name: &str) -> Option<bool> {
    option(options, name).map(|value| value == "true")
}

fn some_unless_default<T: Default + PartialEq>(options: T) -> MessageField<T> {
    if options == T::default() { MessageField::none() } else { MessageField::some(options) }
}

/// Decimal numbers, unquoted strings; bytes stay escaped.
fn default_value(type_ref: &TypeRef, text: &str) -> String {
    match type_ref {
        TypeRef::Scalar(Scalar::String) => {
            parse::unescape(text).unwrap_or_else(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        }
        TypeRef::Scalar(Scalar::Bytes) => {
            c_escape(&parse::unescape(text).map_or_else(|bytes| bytes, String::into_bytes))
        }
        TypeRef::Scalar(_) => parse::int_value(text).map_or_else(|| text.to_owned(), |value| value.to_string()),
        _ => text.to_owned(),
    }
}

/// As protoc writes bytes into descriptors.
fn c_escape(bytes: &[u8]) -> String {
    let escape = |&byte: &u8| match byte {
        b'\n' => "\\n".to_owned(),
        b'\r' => "\\r".to_owned(),
        b'\t' => "\\t".to_owned(),
        b'"' | b'\'' | b'\\' => format!("\\{}", char::from(byte)),
        b' '..=b'~' => char::from(byte).to_string(),
        _ => format!("\\{byte:03o}"),
    };
    bytes.iter().map(escape).collect()
}

fn scalar_type(scalar: Scalar) -> Type {
    match scalar {
        Scalar::Int32 => Type::TYPE_INT32,
        Scalar::Int64 => Type::TYPE_INT64,
        Scalar::Uint32 => Type::TYPE_UINT32,
        Scalar::Uint64 => Type::TYPE_UINT64,
        Scalar::Sint32 => Type::TYPE_SINT32,
        Scalar::Sint64 => Type::TYPE_SINT64,
        Scalar::Fixed32 => Type::TYPE_FIXED32,
        Scalar::Fixed64 => Type::TYPE_FIXED64,
        Scalar::Sfixed32 => Type::TYPE_SFIXED32,
        Scalar::Sfixed64 => Type::TYPE_SFIXED64,
        Scalar::Bool => Type::TYPE_BOOL,
        Scalar::Float => Type::TYPE_FLOAT,
        Scalar::Double => Type::TYPE_DOUBLE,
        Scalar::String => Type::TYPE_STRING,
        Scalar::Bytes => Type::TYPE_BYTES,
    }
}
