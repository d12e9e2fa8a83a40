//! The message being written: one method per scalar type of protobuf.

use core::fmt;

use crate::cursor::{Cursor, Frame};
use crate::error::Fault;
use crate::packed::Packed;
use crate::parts::{BytesParts, StringParts};
use crate::varint::{zigzag32, zigzag64};

/// A message being written into a buffer: the argument of the closures of [`encode`](crate::encode) and
/// [`message`](Message::message). Generated writers are newtypes over it.
///
/// Each method writes one field of number `N`, in the wire format of the protobuf type that it is named after, and always
/// writes it, also where the value is the default. Nothing here fails: what does not fit is counted, and
/// [`encode`](crate::encode) reports it. A number that is no field number does not compile:
///
/// ```compile_fail
/// pftrace_wire::encode(&mut [0; 8], |mut m| m.bool::<0>(true)); // field numbers begin at 1
/// ```
pub struct Message<'w> {
    cursor: &'w mut Cursor,
}

/// The methods of the scalar types: of one field, and of a packed one.
macro_rules! scalars {
    ($($(#[$doc:meta])* $name:ident, $packed:ident: $type:ty, |$value:ident| $how:ident($raw:expr);)*) => {
        /// One field of a scalar type.
        impl Message<'_> {
            $(
                $(#[$doc])*
                #[inline]
                pub fn $name<const N: u32>(&mut self, $value: $type) {
                    scalars!(@field self, $how, $raw);
                }
            )*
        }

        /// A packed repeated field: all its elements behind one tag and one length. No elements: no field.
        impl Message<'_> {
            $(
                #[doc = concat!("Packed elements, each as [`", stringify!($name), "`](Self::", stringify!($name), ") writes it.")]
                #[inline]
                pub fn $packed<const N: u32>(&mut self, values: impl Packed<$type>) {
                    scalars!(@packed self, values, $value, $how, $type, $raw);
                }
            )*
        }
    };
    (@field $self:ident, varint, $raw:expr) => { $self.cursor.varint::<N>($raw) };
    (@field $self:ident, bool, $raw:expr) => { $self.cursor.fixed::<N, 0, 1>([u8::from($raw)]) };
    (@field $self:ident, fixed32, $raw:expr) => { $self.cursor.fixed::<N, 5, 4>($raw.to_le_bytes()) };
    (@field $self:ident, fixed64, $raw:expr) => { $self.cursor.fixed::<N, 1, 8>($raw.to_le_bytes()) };
    (@packed $self:ident, $values:ident, $value:ident, varint, $type:ty, $raw:expr) => {
        match $values.as_slice() {
            Some(values) if values.is_empty() => {}
            Some(values) => $self.cursor.packed_varints::<N, _>(values, |$value| $raw),
            None => $self.packed::<N, _>($values, |cursor, $value| cursor.append_varint($raw)),
        }
    };
    (@packed $self:ident, $values:ident, $value:ident, bool, $type:ty, $raw:expr) => {
        scalars!(@packed_fixed $self, $values, $value, $type, [u8::from($raw)])
    };
    (@packed $self:ident, $values:ident, $value:ident, $fixed:ident, $type:ty, $raw:expr) => {
        scalars!(@packed_fixed $self, $values, $value, $type, $raw.to_le_bytes())
    };
    (@packed_fixed $self:ident, $values:ident, $value:ident, $type:ty, $bytes:expr) => {
        match $values.as_slice() {
            Some(values) if values.is_empty() => {}
            Some(values) => $self.cursor.packed_fixed::<N, { size_of::<$type>() }, _>(values, |$value| $bytes),
            None => $self.packed::<N, _>($values, |cursor, $value| cursor.append($bytes)),
        }
    };
}

// A negative int32 or enum value is sign-extended: ten bytes, as an int64 of the same value.
scalars! {
    /// `int32`: a varint, ten bytes when negative.
    int32, packed_int32: i32, |value| varint(i64::from(value) as u64);
    /// `int64`: a varint, ten bytes when negative.
    int64, packed_int64: i64, |value| varint(value as u64);
    /// `uint32`: a varint.
    uint32, packed_uint32: u32, |value| varint(u64::from(value));
    /// `uint64`: a varint.
    uint64, packed_uint64: u64, |value| varint(value);
    /// `sint32`: a zigzag varint, short also when negative.
    sint32, packed_sint32: i32, |value| varint(u64::from(zigzag32(value)));
    /// `sint64`: a zigzag varint, short also when negative.
    sint64, packed_sint64: i64, |value| varint(zigzag64(value));
    /// An enum's number: a varint, ten bytes when negative.
    enumeration, packed_enumeration: i32, |value| varint(i64::from(value) as u64);
    /// `bool`: a varint of one byte.
    bool, packed_bool: bool, |value| bool(value);
    /// `fixed32`: four bytes.
    fixed32, packed_fixed32: u32, |value| fixed32(value);
    /// `fixed64`: eight bytes.
    fixed64, packed_fixed64: u64, |value| fixed64(value);
    /// `sfixed32`: four bytes.
    sfixed32, packed_sfixed32: i32, |value| fixed32(value);
    /// `sfixed64`: eight bytes.
    sfixed64, packed_sfixed64: i64, |value| fixed64(value);
    /// `float`: four bytes.
    float, packed_float: f32, |value| fixed32(value);
    /// `double`: eight bytes.
    double, packed_double: f64, |value| fixed64(value);
}

/// Length-delimited fields.
impl Message<'_> {
    /// `string`: a length and UTF-8.
    #[inline]
    pub fn string<const N: u32>(&mut self, value: &str) {
        self.cursor.bytes::<N>(value.as_bytes());
    }

    /// `bytes`: a length and that many bytes.
    #[inline]
    pub fn bytes<const N: u32>(&mut self, value: &[u8]) {
        self.cursor.bytes::<N>(value);
    }

    /// A `string` that comes in parts: what `f` pushes, one after the other.
    #[inline]
    pub fn string_parts<const N: u32>(&mut self, f: impl FnOnce(StringParts<'_>)) {
        self.delimited::<N, true>(|cursor| f(StringParts::new(cursor)));
    }

    /// `bytes` that come in parts: what `f` pushes, one after the other.
    #[inline]
    pub fn bytes_parts<const N: u32>(&mut self, f: impl FnOnce(BytesParts<'_>)) {
        self.delimited::<N, true>(|cursor| f(BytesParts::new(cursor)));
    }

    /// A nested message: what `f` writes. `f` is called once, also when the buffer is full.
    ///
    /// When `f` panics, the nested message is taken back whole, so a parent that goes on after catching the panic is
    /// well formed.
    #[inline]
    pub fn message<const N: u32>(&mut self, f: impl FnOnce(Message<'_>)) {
        self.delimited::<N, true>(|cursor| f(Message::new(cursor)));
    }

    /// An element of a repeated field of messages: what `f` writes. As [`message`](Self::message) in all but speed: elements are
    /// expected to be short, as they mostly are, where for a single message it counts what the buffer held before.
    #[inline]
    pub fn element<const N: u32>(&mut self, f: impl FnOnce(Message<'_>)) {
        self.delimited::<N, false>(|cursor| f(Message::new(cursor)));
    }

    /// A group: what `f` writes, between two tags instead of behind a length. As [`message`](Self::message) otherwise.
    #[inline]
    pub fn group<const N: u32>(&mut self, f: impl FnOnce(Message<'_>)) {
        let frame = self.cursor.frame();
        self.cursor.group_tag::<N, 3>();
        let nested = Nested { cursor: &mut *self.cursor, frame };
        f(Message::new(&mut *nested.cursor));
        core::mem::forget(nested);
        self.cursor.group_tag::<N, 4>();
    }

    /// Fields that are encoded already, as they are.
    ///
    /// What is no sequence of whole fields makes this message unreadable.
    #[inline]
    pub fn encoded(&mut self, fields: &[u8]) {
        self.cursor.append_slice(fields);
    }

    #[inline]
    fn delimited<const N: u32, const GUESS: bool>(&mut self, f: impl FnOnce(&mut Cursor)) {
        let frame = self.cursor.open::<N, GUESS>();
        let nested = Nested { cursor: &mut *self.cursor, frame };
        f(&mut *nested.cursor);
        // Read back, so that it is in one place only.
        let frame = nested.frame;
        core::mem::forget(nested);
        self.cursor.close::<N, GUESS>(frame);
    }
}

/// What generated writers check. A fault is reported by [`encode`](crate::encode), and nothing is written any more.
impl Message<'_> {
    /// This message, to write a field of `oneof`; a fault when it has one already. A field whose closure may panic is written before.
    #[inline]
    pub fn once(&mut self, oneof: &mut Oneof) -> &mut Self {
        if core::mem::replace(&mut oneof.written, true) {
            self.cursor.fail(Fault::OneofTwice(oneof.name));
        }
        self
    }

    /// This message, to write the required field `field`. One whose closure may panic is written before.
    #[inline]
    pub fn required(&mut self, field: &mut Required) -> &mut Self {
        field.written = true;
        self
    }

    /// At the end of the message: a fault unless `field` has been written.
    #[inline]
    pub fn expect(&mut self, field: &Required) {
        if !field.written {
            self.cursor.fail(Fault::RequiredMissing(field.name));
        }
    }
}

/// Whether a field of a oneof has been written: for [`Message::once`].
#[derive(Debug)]
pub struct Oneof {
    name: &'static str,
    written: bool,
}

impl Oneof {
    /// Of the oneof of that full name, no field has been written.
    #[inline]
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, written: false }
    }
}

/// Whether a required field has been written: for [`Message::required`].
#[derive(Debug)]
pub struct Required {
    name: &'static str,
    written: bool,
}

impl Required {
    /// The field of that full name has not been written.
    #[inline]
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, written: false }
    }
}

impl<'w> Message<'w> {
    #[inline]
    pub(crate) fn new(cursor: &'w mut Cursor) -> Self {
        Self { cursor }
    }

    /// The same message for a shorter time, to give away while keeping it.
    #[inline]
    pub fn reborrow(&mut self) -> Message<'_> {
        Message { cursor: self.cursor }
    }

    #[inline]
    fn packed<const N: u32, T>(&mut self, values: impl Packed<T>, append: impl Fn(&mut Cursor, T)) {
        let mut values = values.elements();
        let Some(first) = values.next() else { return };
        // The elements' own code may panic: in `next`, not in `append`.
        self.delimited::<N, true>(|cursor| {
            append(cursor, first);
            for value in values {
                append(cursor, value);
            }
        });
    }
}

/// A nested message whose closure runs. Dropped only when that panics.
struct Nested<'w> {
    cursor: &'w mut Cursor,
    frame: Frame,
}

impl Drop for Nested<'_> {
    // Else the cursor's address is known to a function, and it is not kept in registers.
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: the frame is of the nested message; all that was opened since is nested in it and is not used again, since
        // its closures are unwinding.
        unsafe { self.cursor.rewind(self.frame) };
    }
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").finish_non_exhaustive()
    }
}
