//! Message sets, which the decoder takes for messages with a group that it does not know.
//!
//! ```text
//! repeated group Item = 1 { required uint32 type_id = 2; required bytes message = 3; }
//! ```

use prost_reflect::prost::Message as _;
use prost_reflect::prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use prost_reflect::prost::{DecodeError, bytes::Buf};
use prost_reflect::{DynamicMessage, ExtensionDescriptor, MessageDescriptor, ReflectMessage, UnknownField, Value};

/// Makes the items of all message sets in `message`, and in it, the extensions that they are.
pub(crate) fn decode_items(message: &mut DynamicMessage) -> Result<(), DecodeError> {
    if is_message_set(&message.descriptor()) {
        let fields: Vec<_> = message.take_unknown_fields().collect();
        // Whatever is left of them must not be found again.
        let mut set = DynamicMessage::new(message.descriptor());
        for field in fields {
            decode_item(&mut set, &field)?;
        }
        *message = set;
    }
    let extensions: Vec<_> = message.extensions().map(|(extension, _)| extension).collect();
    for extension in extensions {
        in_value(message.get_extension_mut(&extension))?;
    }
    message.fields_mut().try_for_each(|(_, value)| in_value(value))
}

fn in_value(value: &mut Value) -> Result<(), DecodeError> {
    match value {
        Value::Message(message) => decode_items(message),
        Value::List(values) => values.iter_mut().try_for_each(in_value),
        Value::Map(entries) => entries.values_mut().try_for_each(in_value),
        _ => Ok(()),
    }
}

fn is_message_set(descriptor: &MessageDescriptor) -> bool {
    let options = descriptor.options();
    options.get_field_by_name("message_set_wire_format").and_then(|value| value.as_bool()).unwrap_or_default()
}

/// An item that is no extension stays the unknown field that it is.
fn decode_item(set: &mut DynamicMessage, field: &UnknownField) -> Result<(), DecodeError> {
    let mut bytes = Vec::new();
    field.encode(&mut bytes);
    if let Some((extension, content)) = item(&set.descriptor(), field, &bytes)? {
        if let Value::Message(value) = set.get_extension_mut(&extension) {
            return value.merge(&content[..]);
        }
    }
    set.merge(&bytes[..])
}

/// The extension that `field` is, and its encoded message.
fn item(
    set: &MessageDescriptor,
    field: &UnknownField,
    mut bytes: &[u8],
) -> Result<Option<(ExtensionDescriptor, Vec<u8>)>, DecodeError> {
    if field.number() != 1 || field.wire_type() != WireType::StartGroup {
        return Ok(None);
    }
    let (mut type_id, mut content) = (None, Vec::new());
    decode_key(&mut bytes)?;
    while bytes.has_remaining() {
        match decode_key(&mut bytes)? {
            (_, WireType::EndGroup) => break,
            (2, WireType::Varint) => type_id = u32::try_from(decode_varint(&mut bytes)?).ok(),
            (3, WireType::LengthDelimited) => {
                let len = decode_varint(&mut bytes)? as usize;
                content.extend(bytes.get(..len).into_iter().flatten());
                bytes.advance(len.min(bytes.len()));
            }
            (number, wire_type) => skip_field(wire_type, number, &mut bytes, DecodeContext::default())?,
        }
    }
    let extension = type_id.and_then(|number| set.get_extension(number));
    Ok(extension.map(|extension| (extension, content)))
}
