//! What the generated glue calls: the fields of a decoded message, as the setters take them.
//!
//! What a setter takes and what the decoder has read differ only where the generator and the decoder's compiler understood a
//! .proto file differently. That is what we are here to find: it is kept as the [`Fault`], and the message is not written.

use std::cell::OnceCell;

use prost_reflect::{DynamicMessage, MapKey, ReflectMessage, Value};

/// The first disagreement about a message, or in one within it.
#[derive(Debug, Default)]
pub struct Fault(OnceCell<String>);

impl Fault {
    /// What they disagree about.
    #[must_use]
    pub fn into_text(self) -> Option<String> {
        self.0.into_inner()
    }
}

/// A decoded message.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// `None` where the decoder read something else.
    message: Option<&'a DynamicMessage>,
    fault: &'a Fault,
}

impl<'a> Message<'a> {
    pub(crate) fn new(message: &'a DynamicMessage, fault: &'a Fault) -> Self {
        Self { message: Some(message), fault }
    }

    /// What is set, extensions too, in the order of the numbers.
    #[must_use]
    pub fn fields(&self) -> Vec<Field<'a>> {
        let Some(message) = self.message else { return Vec::new() };
        let field = |number, value| Field { number, value, of: message, fault: self.fault };
        let extensions = message.extensions().map(|(extension, value)| field(extension.number(), value));
        let mut fields: Vec<_> = message.fields().map(|(f, value)| field(f.number(), value)).collect();
        fields.extend(extensions);
        fields.sort_by_key(|field| field.number);
        fields
    }

    /// Writes what the schema does not have.
    pub fn unknown(&self, mut raw: pftrace_wire::Message<'_>) {
        let mut bytes = Vec::new();
        self.message.iter().flat_map(|m| m.unknown_fields()).for_each(|field| field.encode(&mut bytes));
        raw.encoded(&bytes);
    }
}

/// A field that is set: its value, or one of its elements.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    number: u32,
    value: &'a Value,
    of: &'a DynamicMessage,
    fault: &'a Fault,
}

/// The values of scalar fields, each named after its type in .proto files.
macro_rules! scalars {
    ($($($name:ident)+: $type:ty, $as:ident;)*) => {$($(
        #[doc = concat!("As `", stringify!($name), "`.")]
        #[must_use]
        pub fn $name(&self) -> $type {
            self.expect(stringify!($name), self.value.$as())
        }
    )+)*};
}

impl<'a> Field<'a> {
    scalars! {
        int32 sint32 sfixed32: i32, as_i32;
        int64 sint64 sfixed64: i64, as_i64;
        uint32 fixed32: u32, as_u32;
        uint64 fixed64: u64, as_u64;
        bool: bool, as_bool;
        float: f32, as_f32;
        double: f64, as_f64;
        enumeration: i32, as_enum_number;
        string: &'a str, as_str;
    }

    /// The number of the field.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// As `bytes`.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.expect("bytes", self.value.as_bytes().map(|bytes| &bytes[..]))
    }

    /// As a message or group.
    #[must_use]
    pub fn message(&self) -> Message<'a> {
        let message = self.value.as_message();
        if message.is_none() {
            self.disagree("a message");
        }
        Message { message, fault: self.fault }
    }

    /// The elements of a repeated field.
    pub fn each(&self) -> impl Iterator<Item = Field<'a>> + use<'a> {
        let list = self.expect("a repeated field", self.value.as_list());
        let field = *self;
        list.iter().map(move |value| Field { value, ..field })
    }

    /// The entries of a map, in the order of their keys, as Google's encoders sort them.
    pub fn entries(&self) -> impl Iterator<Item = (Key<'a>, Field<'a>)> + use<'a> {
        let map = self.value.as_map();
        if map.is_none() {
            self.disagree("a map");
        }
        let mut entries: Vec<_> = map.into_iter().flatten().collect();
        entries.sort_by_key(|(key, _)| *key);
        let field = *self;
        entries.into_iter().map(move |(key, value)| (Key { key, of: field }, Field { value, ..field }))
    }

    /// Whether a field without presence is not to be written. (-0.0 is: it is not all zeros.)
    #[must_use]
    pub fn is_zero(&self) -> bool {
        match self.value {
            Value::Bool(value) => !value,
            Value::I32(value) | Value::EnumNumber(value) => *value == 0,
            Value::I64(value) => *value == 0,
            Value::U32(value) => *value == 0,
            Value::U64(value) => *value == 0,
            Value::F32(value) => value.to_bits() == 0,
            Value::F64(value) => value.to_bits() == 0,
            Value::String(value) => value.is_empty(),
            Value::Bytes(value) => value.is_empty(),
            Value::Message(_) | Value::List(_) | Value::Map(_) => false,
        }
    }

    /// The generator made no method for it.
    pub fn no_setter(&self) {
        self.disagree("no field of that number");
    }

    fn expect<T: OrNothing>(&self, expected: &str, value: Option<T>) -> T {
        value.unwrap_or_else(|| {
            self.disagree(expected);
            T::NOTHING
        })
    }

    fn disagree(&self, expected: &str) {
        let message = self.of.descriptor();
        let text = format!("{}, field {}: the writer has {expected}", message.full_name(), self.number);
        self.fault.0.get_or_init(|| format!("{text}, the decoder {}", kind(self.value)));
    }
}

/// The key of an entry.
#[derive(Clone, Copy, Debug)]
pub struct Key<'a> {
    key: &'a MapKey,
    of: Field<'a>,
}

/// The keys of maps, named as the values.
macro_rules! keys {
    ($($($name:ident)+: $type:ty, $as:ident;)*) => {$($(
        #[doc = concat!("As `", stringify!($name), "`.")]
        #[must_use]
        pub fn $name(&self) -> $type {
            self.of.expect(concat!("the key ", stringify!($name)), self.key.$as())
        }
    )+)*};
}

impl<'a> Key<'a> {
    keys! {
        int32 sint32 sfixed32: i32, as_i32;
        int64 sint64 sfixed64: i64, as_i64;
        uint32 fixed32: u32, as_u32;
        uint64 fixed64: u64, as_u64;
        bool: bool, as_bool;
        string: &'a str, as_str;
    }
}

/// What is handed on after a disagreement; nobody gets to see it.
trait OrNothing {
    const NOTHING: Self;
}

macro_rules! or_nothing {
    ($($type:ty = $nothing:expr;)*) => {$(
        impl OrNothing for $type {
            const NOTHING: Self = $nothing;
        }
    )*};
}

or_nothing! {
    bool = false;
    i32 = 0;
    i64 = 0;
    u32 = 0;
    u64 = 0;
    f32 = 0.0;
    f64 = 0.0;
    &str = "";
    &[u8] = &[];
    &[Value] = &[];
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "a bool",
        Value::I32(_) => "32 bits with a sign",
        Value::I64(_) => "64 bits with a sign",
        Value::U32(_) => "32 bits without a sign",
        Value::U64(_) => "64 bits without a sign",
        Value::F32(_) => "a float",
        Value::F64(_) => "a double",
        Value::String(_) => "a string",
        Value::Bytes(_) => "bytes",
        Value::EnumNumber(_) => "an enum",
        Value::Message(_) => "a message",
        Value::List(_) => "a repeated field",
        Value::Map(_) => "a map",
    }
}
