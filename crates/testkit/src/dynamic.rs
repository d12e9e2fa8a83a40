//! prost-reflect over the newest official descriptors.

use std::sync::OnceLock;

use prost_reflect::{DescriptorPool, DynamicMessage, Kind, SerializeOptions, Value};

use crate::tools;

/// The newest official schema as a serialized `FileDescriptorSet`; `None` where it is not installed.
///
/// # Panics
///
/// When the file can't be read.
#[must_use]
pub fn official_descriptor_set() -> Option<Vec<u8>> {
    let path = tools::require("schema/perfetto.binpb")?;
    Some(std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// The newest official schema; `None` where it is not installed.
///
/// # Panics
///
/// When it is not a descriptor set.
#[must_use]
pub fn official_schema() -> Option<DescriptorPool> {
    static POOL: OnceLock<DescriptorPool> = OnceLock::new();
    if let Some(pool) = POOL.get() {
        return Some(pool.clone());
    }
    let bytes = official_descriptor_set()?;
    let pool = DescriptorPool::decode(&bytes[..]).unwrap_or_else(|error| panic!("the official schema: {error}"));
    Some(POOL.get_or_init(|| pool).clone())
}

/// The packets of a trace, as JSON with the names of the .proto files; or what is wrong with it, an unknown field or enum
/// value included. `None` where the schema is not installed.
#[must_use]
pub fn decode(trace: &[u8]) -> Option<Result<Vec<serde_json::Value>, String>> {
    let schema = official_schema()?;
    Some(decode_packets(&schema, trace))
}

fn decode_packets(schema: &DescriptorPool, trace: &[u8]) -> Result<Vec<serde_json::Value>, String> {
    let descriptor = schema.get_message_by_name("perfetto.protos.Trace").ok_or("the schema has no Trace")?;
    let trace = DynamicMessage::decode(descriptor, trace).map_err(|error| error.to_string())?;
    check_known(&trace, "Trace")?;
    let packets = trace.get_field_by_name("packet");
    let packets = packets.as_ref().and_then(|packets| packets.as_list()).ok_or("Trace has no packets")?;
    packets.iter().map(to_json).collect()
}

fn to_json(packet: &Value) -> Result<serde_json::Value, String> {
    let packet = packet.as_message().ok_or("a packet is not a message")?;
    let options = SerializeOptions::new().use_proto_field_name(true);
    packet.serialize_with_options(serde_json::value::Serializer, &options).map_err(|error| error.to_string())
}

/// That the schema knows every field, and every number of an enum, of a message and all in it.
///
/// # Errors
///
/// The first that it does not know.
pub fn check_known(message: &DynamicMessage, path: &str) -> Result<(), String> {
    if let Some(unknown) = message.unknown_fields().next() {
        return Err(format!("{path}: field {} is not in the schema", unknown.number()));
    }
    for (field, value) in message.fields() {
        let path = format!("{path}.{}", field.name());
        let elements = match value {
            Value::List(elements) => elements.iter().collect(),
            Value::Map(entries) => entries.values().collect(),
            one => vec![one],
        };
        for element in elements {
            match (element, field.kind()) {
                (Value::Message(message), _) => check_known(message, &path)?,
                (Value::EnumNumber(number), Kind::Enum(kind)) if kind.get_value(*number).is_none() => {
                    return Err(format!("{path}: value {number} is not one of {}", kind.name()));
                }
                _ => {}
            }
        }
    }
    Ok(())
}
