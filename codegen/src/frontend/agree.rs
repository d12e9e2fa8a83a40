//! Whether two descriptors say the same of what is on the wire, and of what is read where nothing is.

use std::collections::HashMap;

use protobuf::descriptor::field_descriptor_proto::Type;
use protobuf::descriptor::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto};

pub(super) fn files(a: &FileDescriptorProto, b: &FileDescriptorProto) -> bool {
    (a.package(), a.syntax() == "proto3") == (b.package(), b.syntax() == "proto3")
        && all(&a.message_type, &b.message_type, messages)
        && all(&a.enum_type, &b.enum_type, enums)
        && all(&a.extension, &b.extension, fields)
}

fn messages(a: &DescriptorProto, b: &DescriptorProto) -> bool {
    let oneofs = |message: &DescriptorProto| message.oneof_decl.iter().map(|o| o.name().to_owned()).collect::<Vec<_>>();
    a.name() == b.name()
        && oneofs(a) == oneofs(b)
        && a.options.map_entry() == b.options.map_entry()
        && a.options.message_set_wire_format() == b.options.message_set_wire_format()
        && all(&a.field, &b.field, fields)
        && all(&a.extension, &b.extension, fields)
        && all(&sorted(&a.nested_type), &sorted(&b.nested_type), |a, b| messages(a, b))
        && all(&a.enum_type, &b.enum_type, enums)
}

/// Gives `messages` the ranges for extensions of the same ones in `own`: that those of message sets are larger, `protobuf-parse` does
/// not know.
pub(super) fn take_ranges(messages: &mut [DescriptorProto], own: &[DescriptorProto]) {
    let own: HashMap<_, _> = own.iter().map(|message| (message.name(), message)).collect();
    for message in messages {
        if let Some(own) = own.get(message.name()) {
            message.extension_range.clone_from(&own.extension_range);
            take_ranges(&mut message.nested_type, &own.nested_type);
        }
    }
}

/// The messages that are made up, of maps and groups, are not in the same places.
fn sorted(messages: &[DescriptorProto]) -> Vec<&DescriptorProto> {
    let mut sorted: Vec<_> = messages.iter().collect();
    sorted.sort_by_key(|message| message.name());
    sorted
}

fn fields(a: &FieldDescriptorProto, b: &FieldDescriptorProto) -> bool {
    (a.name(), a.number(), a.type_, a.label(), a.type_name(), a.extendee())
        == (b.name(), b.number(), b.type_, b.label(), b.type_name(), b.extendee())
        && (a.oneof_index, a.proto3_optional()) == (b.oneof_index, b.proto3_optional())
        && a.options.packed == b.options.packed
        && (a.default_value == b.default_value || is_float(a) && float(a) == float(b))
}

fn is_float(field: &FieldDescriptorProto) -> bool {
    matches!(field.type_(), Type::TYPE_FLOAT | Type::TYPE_DOUBLE)
}

/// The default, which can be spelled in more than one way.
fn float(field: &FieldDescriptorProto) -> Option<u64> {
    field.default_value().parse().ok().map(f64::to_bits)
}

fn enums(a: &EnumDescriptorProto, b: &EnumDescriptorProto) -> bool {
    a.name() == b.name() && all(&a.value, &b.value, |a, b| (a.name(), a.number()) == (b.name(), b.number()))
}

fn all<T>(a: &[T], b: &[T], same: impl Fn(&T, &T) -> bool) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
}
