//! Reads fields of a message where they lie. Nothing is copied, and nothing is trusted.

use core::fmt;

/// A field of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'b> {
    pub(super) number: u32,
    pub(super) value: Value<'b>,
}

/// A value, as its wire type has it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'b> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'b [u8]),
    Fixed32,
}

impl Value<'_> {
    pub(super) fn wire_type(&self) -> WireType {
        match self {
            Self::Varint(_) => WireType::Varint,
            Self::Fixed64(_) => WireType::Fixed64,
            Self::Bytes(_) => WireType::Bytes,
            Self::Fixed32 => WireType::Fixed32,
        }
    }
}

/// How a field is encoded, without groups, which Perfetto has none of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WireType {
    Varint,
    Fixed64,
    Bytes,
    Fixed32,
}

impl fmt::Display for WireType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Varint => "a varint",
            Self::Fixed64 => "eight bytes",
            Self::Bytes => "a length and bytes",
            Self::Fixed32 => "four bytes",
        })
    }
}

/// Where and why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    /// How far into the message.
    pub(super) at: usize,
    pub(super) why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// It ends inside a tag, a number or a length.
    Ends,
    /// A varint of more than ten bytes.
    LongVarint,
    /// A field of number 0, or above 2^29 - 1.
    Number(u64),
    /// A group, or none that there is.
    WireType(u8),
    /// A packet longer than any.
    TooLong { found: u64, limit: u64 },
    /// A length beyond the end.
    Length { expected: u64, found: usize },
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.why {
            Why::Ends => f.write_str("it ends inside a field"),
            Why::LongVarint => f.write_str("expected a varint of at most 10 bytes, found a longer one"),
            Why::Number(number) => write!(f, "expected a field number of 1 to 536870911, found {number}"),
            Why::WireType(found) => write!(f, "expected a field of wire type 0, 1, 2 or 5, found {found}"),
            Why::TooLong { found, limit } => write!(f, "expected at most {limit} bytes, found a length of {found}"),
            Why::Length { expected, found } => {
                write!(f, "expected a field of {expected} bytes, found {found} to the end of the message")
            }
        }?;
        write!(f, ", {} bytes into it", self.at)
    }
}

/// The fields of a message, in order. After an error there is nothing more.
#[derive(Clone, Debug)]
pub(super) struct Fields<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Fields<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How much of the message has been read.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    // By request: 200 MB of small events in 1.1 s of processor time, with a call for each field in 1.4 s.
    #[inline(always)]
    fn field(&mut self) -> Result<Field<'b>, Malformed> {
        let begin = self.at;
        let error = |why| Malformed { at: begin, why };
        let tag = self.varint().map_err(error)?;
        let number = tag >> 3;
        if number == 0 || number >= 1 << 29 {
            return Err(error(Why::Number(number)));
        }
        let value = match tag & 7 {
            0 => Value::Varint(self.varint().map_err(error)?),
            1 => self.fixed64().map(Value::Fixed64).ok_or(error(Why::Ends))?,
            2 => Value::Bytes(self.delimited().map_err(error)?),
            5 => self.take(4).map(|_| Value::Fixed32).ok_or(error(Why::Ends))?,
            other => return Err(error(Why::WireType(other as u8))),
        };
        Ok(Field { number: number as u32, value })
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, Why> {
        let (value, len) = varint(&self.bytes[self.at..])?;
        self.at += len;
        Ok(value)
    }

    #[inline]
    fn delimited(&mut self) -> Result<&'b [u8], Why> {
        let expected = self.varint()?;
        let found = self.bytes.len() - self.at;
        let len = usize::try_from(expected).ok().filter(|len| *len <= found);
        len.and_then(|len| self.take(len)).ok_or(Why::Length { expected, found })
    }

    #[inline]
    fn fixed64(&mut self) -> Option<u64> {
        let bytes = self.take(8)?.try_into().ok()?;
        Some(u64::from_le_bytes(bytes))
    }

    #[inline]
    fn take(&mut self, len: usize) -> Option<&'b [u8]> {
        let taken = self.bytes[self.at..].get(..len)?;
        self.at += len;
        Some(taken)
    }
}

impl<'b> Iterator for Fields<'b> {
    type Item = Result<Field<'b>, Malformed>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.bytes.len() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.at = self.bytes.len();
        }
        Some(field)
    }
}

/// The varint at the front, and its length.
#[inline]
pub(super) fn varint(bytes: &[u8]) -> Result<(u64, usize), Why> {
    match bytes.first() {
        Some(&byte) if byte < 0x80 => Ok((u64::from(byte), 1)),
        _ => long_varint(bytes),
    }
}

fn long_varint(bytes: &[u8]) -> Result<(u64, usize), Why> {
    let mut value = 0;
    for (index, &byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            return Ok((value, index + 1));
        }
    }
    Err(if bytes.len() < 10 { Why::Ends } else { Why::LongVarint })
}

/// The numbers of a packed field of varints; what is no varint ends them.
pub(super) fn packed(bytes: &[u8]) -> impl Iterator<Item = u64> {
    let mut at = 0;
    core::iter::from_fn(move || {
        let (value, len) = varint(bytes.get(at..).filter(|rest| !rest.is_empty())?).ok()?;
        at += len;
        Some(value)
    })
}
