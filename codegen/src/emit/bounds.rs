//! How long a message can be.

use crate::ir::{Cardinality, Field, Kind, MessageId, Scalar, Schema};

/// The most bytes that a message takes with each of its fields written once at most, and one field of each oneof. `None`
/// where there is no bound.
pub(super) fn max_len(schema: &Schema, id: MessageId) -> Option<usize> {
    bound(schema, id, &mut Vec::new()).filter(|&len| len <= MAX_MESSAGE_LEN)
}

/// No message is longer.
const MAX_MESSAGE_LEN: usize = i32::MAX as usize;

/// `open` are the messages around.
fn bound(schema: &Schema, id: MessageId, open: &mut Vec<MessageId>) -> Option<usize> {
    let message = &schema.messages[id.0];
    // A tree of messages that each have two of the next could be looked at for ever.
    if message.extendable || open.contains(&id) || open.len() >= MAX_DEPTH {
        return None;
    }
    open.push(id);
    let mut sum = 0_usize;
    let mut oneofs = vec![0; message.oneofs.len()];
    for field in &message.fields {
        let len = field_len(schema, field, open)?;
        match field.oneof.and_then(|index| oneofs.get_mut(index)) {
            Some(longest) => *longest = len.max(*longest),
            None => sum = sum.checked_add(len)?,
        }
    }
    open.pop();
    oneofs.into_iter().try_fold(sum, usize::checked_add)
}

const MAX_DEPTH: usize = 8;

fn field_len(schema: &Schema, field: &Field, open: &mut Vec<MessageId>) -> Option<usize> {
    if matches!(field.cardinality, Cardinality::Repeated | Cardinality::Packed | Cardinality::Map) {
        return None;
    }
    let tag = varint_len(u64::from(field.number) << 3);
    Some(match &field.kind {
        Kind::Scalar(scalar) => tag + scalar_len(*scalar)?,
        Kind::Enum(_) => tag + 10,
        Kind::Message(id) => {
            let body = bound(schema, *id, open)?;
            tag + varint_len(body as u64) + body
        }
        Kind::Group(id) => 2 * tag + bound(schema, *id, open)?,
        Kind::Map(..) => return None,
    })
}

/// Of the longest value; a negative `int32` is written as 64 bits.
fn scalar_len(scalar: Scalar) -> Option<usize> {
    Some(match scalar {
        Scalar::Bool => 1,
        Scalar::Fixed32 | Scalar::Sfixed32 | Scalar::Float => 4,
        Scalar::Uint32 | Scalar::Sint32 => 5,
        Scalar::Fixed64 | Scalar::Sfixed64 | Scalar::Double => 8,
        Scalar::Int32 | Scalar::Int64 | Scalar::Uint64 | Scalar::Sint64 => 10,
        Scalar::String | Scalar::Bytes => return None,
    })
}

fn varint_len(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}
