//! What is generated from, in protobuf's own words. Rust types are chosen in [`emit`](crate::emit).

use crate::error::Origin;

/// All messages and enums of all files.
#[derive(Debug, Default)]
pub(crate) struct Schema {
    /// The names of the files that the caller named.
    pub(crate) files: Vec<String>,
    pub(crate) messages: Vec<Message>,
    pub(crate) enums: Vec<Enum>,
    pub(crate) extensions: Vec<Extension>,
}

/// An index in [`Schema::messages`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct MessageId(pub(crate) usize);

/// An index in [`Schema::enums`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct EnumId(pub(crate) usize);

/// Where a type is declared.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    /// `perfetto.protos`; empty without a package.
    pub(crate) package: String,
    /// The messages around it, outermost first.
    pub(crate) parents: Vec<String>,
    pub(crate) name: String,
}

/// What a declaration says about itself.
#[derive(Clone, Debug)]
pub(crate) struct Doc {
    pub(crate) origin: Origin,
    pub(crate) comment: String,
    pub(crate) deprecated: bool,
}

#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) path: Path,
    pub(crate) doc: Doc,
    pub(crate) fields: Vec<Field>,
    pub(crate) oneofs: Vec<Oneof>,
    /// One of its fields is required.
    pub(crate) has_required: bool,
    /// Its extensions are written as items of a `MessageSet`.
    pub(crate) message_set: bool,
    /// There may be extensions of it.
    pub(crate) extendable: bool,
    /// Asked for, or needed by one that is.
    pub(crate) wanted: bool,
}

#[derive(Debug)]
pub(crate) struct Oneof {
    pub(crate) name: String,
    pub(crate) comment: String,
    /// The names of its fields.
    pub(crate) fields: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) number: u32,
    pub(crate) cardinality: Cardinality,
    pub(crate) kind: Kind,
    /// The index in [`Message::oneofs`].
    pub(crate) oneof: Option<usize>,
    /// The options that tell how to write or read it, as written.
    pub(crate) options: Vec<String>,
    pub(crate) doc: Doc,
}

/// A field that is declared outside of its message.
#[derive(Debug)]
pub(crate) struct Extension {
    /// Where it is declared, as in [`Path`].
    pub(crate) package: String,
    pub(crate) parents: Vec<String>,
    pub(crate) extendee: MessageId,
    pub(crate) field: Field,
    /// Of a wanted file.
    pub(crate) wanted: bool,
    /// And of a wanted message.
    pub(crate) chosen: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cardinality {
    /// Without presence, or a member of a oneof.
    Implicit,
    Optional,
    Required,
    /// One tag per element.
    Repeated,
    /// One tag for all elements.
    Packed,
    Map,
}

impl Cardinality {
    /// More than one value may be written.
    pub(crate) fn is_plural(self) -> bool {
        matches!(self, Self::Repeated | Self::Packed | Self::Map)
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Scalar(Scalar),
    Message(MessageId),
    /// A message between two tags instead of behind a length.
    Group(MessageId),
    Enum(EnumId),
    /// Of a key to a value that is no map.
    Map(Scalar, Box<Kind>),
}

#[derive(Debug)]
pub(crate) struct Enum {
    pub(crate) path: Path,
    pub(crate) doc: Doc,
    pub(crate) values: Vec<Value>,
    /// No other values are legal.
    pub(crate) closed: bool,
    pub(crate) wanted: bool,
}

#[derive(Debug)]
pub(crate) struct Value {
    pub(crate) name: String,
    pub(crate) number: i32,
    pub(crate) doc: Doc,
}

/// The scalar types of protobuf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    Int32,
    Int64,
    Uint32,
    Uint64,
    Sint32,
    Sint64,
    Fixed32,
    Fixed64,
    Sfixed32,
    Sfixed64,
    Bool,
    Float,
    Double,
    String,
    Bytes,
}

impl Scalar {
    const ALL: [(Scalar, &'static str); 15] = [
        (Self::Int32, "int32"),
        (Self::Int64, "int64"),
        (Self::Uint32, "uint32"),
        (Self::Uint64, "uint64"),
        (Self::Sint32, "sint32"),
        (Self::Sint64, "sint64"),
        (Self::Fixed32, "fixed32"),
        (Self::Fixed64, "fixed64"),
        (Self::Sfixed32, "sfixed32"),
        (Self::Sfixed64, "sfixed64"),
        (Self::Bool, "bool"),
        (Self::Float, "float"),
        (Self::Double, "double"),
        (Self::String, "string"),
        (Self::Bytes, "bytes"),
    ];

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, n)| *n == name).map(|(scalar, _)| *scalar)
    }

    /// As a .proto file calls it, which is also what `pftrace_wire` calls it.
    pub(crate) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(scalar, _)| *scalar == self).map_or("", |(_, name)| name)
    }

    /// Whether repeated fields of it may be packed.
    pub(crate) fn can_be_packed(self) -> bool {
        !matches!(self, Self::String | Self::Bytes)
    }

    /// Whether a map may have it as its key.
    pub(crate) fn can_be_key(self) -> bool {
        !matches!(self, Self::Float | Self::Double | Self::Bytes)
    }
}

impl Schema {
    /// The full name of a type, without a leading dot.
    pub(crate) fn type_name(&self, kind: &Kind) -> String {
        match kind {
            Kind::Scalar(scalar) => scalar.name().to_owned(),
            Kind::Message(id) | Kind::Group(id) => self.messages[id.0].path.full_name(),
            Kind::Enum(id) => self.enums[id.0].path.full_name(),
            Kind::Map(key, value) => format!("map<{}, {}>", key.name(), self.type_name(value)),
        }
    }
}

impl Path {
    pub(crate) fn full_name(&self) -> String {
        let package = Some(self.package.as_str()).filter(|package| !package.is_empty());
        let parts: Vec<_> =
            package.into_iter().chain(self.parents.iter().map(String::as_str)).chain([&*self.name]).collect();
        parts.join(".")
    }
}
