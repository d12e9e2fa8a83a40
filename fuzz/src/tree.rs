//! What a decoder has read, as something that can be compared: bit by bit, and whoever the decoder was.

use std::collections::{BTreeMap, HashMap};

use prost_reflect::{DynamicMessage, MapKey, Value};
use protobuf::descriptor::field_descriptor_proto::Type;
use protobuf::descriptor::{DescriptorProto, FieldDescriptorProto, FileDescriptorSet};
use protobuf::reflect::{FileDescriptor, MessageDescriptor, ReflectFieldRef, ReflectValueRef};
use protobuf::{Message as _, MessageDyn};

/// A message, its fields by number, or a value in it.
#[derive(Debug, PartialEq)]
pub(crate) enum Tree {
    /// A number: all its bits, with those of its sign.
    Number(u64),
    Bytes(Vec<u8>),
    Message(BTreeMap<u32, Tree>),
    List(Vec<Tree>),
    Map(BTreeMap<MapKey, Tree>),
}

/// How much of a message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Part {
    All,
    /// What rust-protobuf reads: it skips groups, and does not know extensions.
    WithoutGroupsAndExtensions,
}

// ------------------------------------------------------------------ prost-reflect

pub(crate) fn of(message: &DynamicMessage, part: Part) -> Tree {
    let fields = message.fields().filter(|(field, _)| part == Part::All || !field.is_group());
    let extensions = message.extensions().filter(|_| part == Part::All);
    let fields = fields.map(|(field, value)| (field.number(), value));
    let all = fields.chain(extensions.map(|(extension, value)| (extension.number(), value)));
    let all = all.filter(|(_, value)| !is_empty(value));
    Tree::Message(all.map(|(number, value)| (number, of_value(value, part))).collect())
}

fn is_empty(value: &Value) -> bool {
    value.as_list().is_some_and(<[_]>::is_empty) || value.as_map().is_some_and(HashMap::is_empty)
}

fn of_value(value: &Value, part: Part) -> Tree {
    match value {
        Value::Bool(value) => Tree::Number(u64::from(*value)),
        Value::I32(value) | Value::EnumNumber(value) => Tree::Number(i64::from(*value) as u64),
        Value::I64(value) => Tree::Number(*value as u64),
        Value::U32(value) => Tree::Number(u64::from(*value)),
        Value::U64(value) => Tree::Number(*value),
        Value::F32(value) => Tree::Number(u64::from(value.to_bits())),
        Value::F64(value) => Tree::Number(value.to_bits()),
        Value::String(value) => Tree::Bytes(value.clone().into_bytes()),
        Value::Bytes(value) => Tree::Bytes(value.to_vec()),
        Value::Message(message) => of(message, part),
        Value::List(values) => Tree::List(values.iter().map(|value| of_value(value, part)).collect()),
        Value::Map(entries) => {
            Tree::Map(entries.iter().map(|(key, value)| (key.clone(), of_value(value, part))).collect())
        }
    }
}

// ------------------------------------------------------------------ rust-protobuf

/// The types of a descriptor set by their full names. Its groups are taken out, which rust-protobuf does not know.
pub(crate) fn other_descriptors(descriptor_set: &[u8]) -> HashMap<String, MessageDescriptor> {
    let mut set = FileDescriptorSet::parse_from_bytes(descriptor_set).unwrap_or_else(|error| panic!("{error}"));
    for file in &mut set.file {
        file.extension.retain(is_no_group);
        file.message_type.iter_mut().for_each(remove_groups);
    }
    let files = FileDescriptor::new_dynamic_fds(set.file, &[]).unwrap_or_else(|error| panic!("{error}"));
    let mut types: Vec<_> = files.iter().flat_map(|file| file.messages().collect::<Vec<_>>()).collect();
    let mut by_name = HashMap::new();
    while let Some(ty) = types.pop() {
        types.extend(ty.nested_messages());
        by_name.insert(ty.full_name().to_owned(), ty);
    }
    by_name
}

fn remove_groups(message: &mut DescriptorProto) {
    message.field.retain(is_no_group);
    message.extension.retain(is_no_group);
    message.nested_type.iter_mut().for_each(remove_groups);
}

fn is_no_group(field: &FieldDescriptorProto) -> bool {
    field.type_() != Type::TYPE_GROUP
}

pub(crate) fn of_other(message: &dyn MessageDyn) -> Tree {
    let ty = message.descriptor_dyn();
    let fields = ty.fields().filter_map(|field| {
        let tree = match field.get_reflect(message) {
            ReflectFieldRef::Optional(value) => of_other_value(value.value()?),
            ReflectFieldRef::Repeated(values) if values.is_empty() => return None,
            ReflectFieldRef::Repeated(values) => Tree::List(values.into_iter().map(of_other_value).collect()),
            ReflectFieldRef::Map(entries) if entries.is_empty() => return None,
            ReflectFieldRef::Map(entries) => {
                let entries = entries.into_iter().map(|(key, value)| (other_key(key), of_other_value(value)));
                Tree::Map(entries.collect())
            }
        };
        Some((field.number() as u32, tree))
    });
    Tree::Message(fields.collect())
}

fn of_other_value(value: ReflectValueRef<'_>) -> Tree {
    match value {
        ReflectValueRef::Bool(value) => Tree::Number(u64::from(value)),
        ReflectValueRef::I32(value) | ReflectValueRef::Enum(_, value) => Tree::Number(i64::from(value) as u64),
        ReflectValueRef::I64(value) => Tree::Number(value as u64),
        ReflectValueRef::U32(value) => Tree::Number(u64::from(value)),
        ReflectValueRef::U64(value) => Tree::Number(value),
        ReflectValueRef::F32(value) => Tree::Number(u64::from(value.to_bits())),
        ReflectValueRef::F64(value) => Tree::Number(value.to_bits()),
        ReflectValueRef::String(value) => Tree::Bytes(value.into()),
        ReflectValueRef::Bytes(value) => Tree::Bytes(value.into()),
        ReflectValueRef::Message(message) => of_other(&*message),
    }
}

fn other_key(key: ReflectValueRef<'_>) -> MapKey {
    match key {
        ReflectValueRef::Bool(key) => MapKey::Bool(key),
        ReflectValueRef::I32(key) => MapKey::I32(key),
        ReflectValueRef::I64(key) => MapKey::I64(key),
        ReflectValueRef::U32(key) => MapKey::U32(key),
        ReflectValueRef::U64(key) => MapKey::U64(key),
        ReflectValueRef::String(key) => MapKey::String(key.into()),
        key => panic!("the key {key}"),
    }
}
