//! How long messages can be.

use crate::ir::{Field, Kind, Message, Scalar, Schema};

/// Of each message of the schema, the most bytes that it takes with each of its fields written once at most, and one
/// field of each oneof. `None` where there is no bound.
pub(super) fn max_lens(schema: &Schema) -> Vec<Option<usize>> {
    // From the leaves upwards: each round knows those whose messages the rounds before know. What is recursive is never known.
    let mut lens = vec![None; schema.messages.len()];
    for _ in 0..MAX_DEPTH {
        let next: Vec<_> = schema.messages.iter().map(|message| bound(message, &lens)).collect();
        if next == lens {
            break;
        }
        lens = next;
    }
    lens
}

/// Of messages within each other; what is nested deeper has no bound.
const MAX_DEPTH: usize = 8;

/// No message is longer.
const MAX_MESSAGE_LEN: usize = i32::MAX as usize;

fn bound(message: &Message, lens: &[Option<usize>]) -> Option<usize> {
    if message.extendable {
        return None;
    }
    let mut sum = 0_usize;
    let mut oneofs = vec![0; message.oneofs.len()];
    for field in &message.fields {
        let len = field_len(field, lens)?;
        match field.oneof.and_then(|index| oneofs.get_mut(index)) {
            Some(longest) => *longest = len.max(*longest),
            None => sum = sum.checked_add(len)?,
        }
    }
    let sum = oneofs.into_iter().try_fold(sum, usize::checked_add);
    sum.filter(|&len| len <= MAX_MESSAGE_LEN)
}

fn field_len(field: &Field, lens: &[Option<usize>]) -> Option<usize> {
    if field.cardinality.is_plural() {
        return None;
    }
    let tag = varint_len(u64::from(field.number) << 3);
    Some(match &field.kind {
        Kind::Scalar(scalar) => tag + scalar_len(*scalar)?,
        Kind::Enum(_) => tag + 10,
        Kind::Message(id) => {
            let body = lens[id.0]?;
            tag + varint_len(body as u64) + body
        }
        Kind::Group(id) => 2 * tag + lens[id.0]?,
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
