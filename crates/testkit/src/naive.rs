//! The simplest encoder of the wire format: every message is a vector of bytes, made from the inside out.
//!
//! It writes whatever it is told, also what is wrong: that is what it is for.

/// A message being put together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message(Vec<u8>);

impl Message {
    /// A message without fields.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A varint field.
    #[must_use]
    pub fn varint(mut self, number: u32, value: u64) -> Self {
        self.tag(number, 0);
        self.raw_varint(value);
        self
    }

    /// A field of eight bytes.
    #[must_use]
    pub fn fixed64(mut self, number: u32, value: u64) -> Self {
        self.tag(number, 1);
        self.0.extend(value.to_le_bytes());
        self
    }

    /// A field of four bytes.
    #[must_use]
    pub fn fixed32(mut self, number: u32, value: u32) -> Self {
        self.tag(number, 5);
        self.0.extend(value.to_le_bytes());
        self
    }

    /// A length-delimited field: a string, bytes, or a packed field's elements.
    #[must_use]
    pub fn bytes(mut self, number: u32, value: impl AsRef<[u8]>) -> Self {
        self.tag(number, 2);
        self.raw_varint(value.as_ref().len() as u64);
        self.0.extend(value.as_ref());
        self
    }

    /// A nested message.
    #[must_use]
    pub fn message(self, number: u32, value: Message) -> Self {
        self.bytes(number, value.0)
    }

    /// The fields of another one after its own.
    #[must_use]
    pub fn append(mut self, other: Message) -> Self {
        self.0.extend(other.0);
        self
    }

    /// What has been put together.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn tag(&mut self, number: u32, wire_type: u32) {
        self.raw_varint(u64::from(number << 3 | wire_type));
    }

    fn raw_varint(&mut self, mut value: u64) {
        while value > 0x7f {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of <https://protobuf.dev/programming-guides/encoding/>.
    #[test]
    fn the_examples_of_the_specification() {
        assert_eq!(Message::new().varint(1, 150).into_bytes(), [0x08, 0x96, 0x01]);
        assert_eq!(Message::new().bytes(2, "testing").into_bytes(), b"\x12\x07testing");
        let nested = Message::new().message(3, Message::new().varint(1, 150));
        assert_eq!(nested.into_bytes(), [0x1a, 0x03, 0x08, 0x96, 0x01]);
    }
}
