//! The declarations of a file.

use crate::ir::Scalar;

/// A place in a text, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pos {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

/// The comments on a declaration, as text without comment marks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Comments {
    /// Directly above, with no blank line in between.
    pub(crate) leading: String,
    /// Behind it, on the same line.
    pub(crate) trailing: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Syntax {
    #[default]
    Proto2,
    Proto3,
    /// `edition = "2023"`. Nothing behind it is parsed.
    Edition(String),
}

#[derive(Debug, Default)]
pub(crate) struct File {
    pub(crate) syntax: Syntax,
    pub(crate) syntax_line: u32,
    pub(crate) package: String,
    pub(crate) imports: Vec<Import>,
    pub(crate) messages: Vec<Message>,
    pub(crate) enums: Vec<Enum>,
    pub(crate) extends: Vec<Extend>,
    pub(crate) services: Vec<Service>,
    pub(crate) options: Vec<Opt>,
}

#[derive(Debug)]
pub(crate) struct Import {
    pub(crate) name: String,
    pub(crate) public: bool,
    pub(crate) line: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Message {
    pub(crate) name: String,
    pub(crate) pos: Pos,
    pub(crate) comments: Comments,
    pub(crate) fields: Vec<Field>,
    pub(crate) oneofs: Vec<Oneof>,
    pub(crate) messages: Vec<Message>,
    pub(crate) enums: Vec<Enum>,
    pub(crate) extends: Vec<Extend>,
    pub(crate) options: Vec<Opt>,
    pub(crate) reserved: Vec<Range>,
    pub(crate) reserved_names: Vec<ReservedName>,
    pub(crate) extension_ranges: Vec<Range>,
    pub(crate) range_options: Vec<RangeOptions>,
}

/// Of one statement with ranges for extensions.
#[derive(Debug)]
pub(crate) struct RangeOptions {
    /// The indices of these in [`Message::extension_ranges`].
    pub(crate) ranges: std::ops::Range<usize>,
    pub(crate) options: Vec<Opt>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Label {
    Optional,
    Required,
    Repeated,
}

#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) pos: Pos,
    pub(crate) comments: Comments,
    pub(crate) label: Option<Label>,
    pub(crate) type_ref: TypeRef,
    pub(crate) number: u64,
    /// The index in [`Message::oneofs`].
    pub(crate) oneof: Option<usize>,
    pub(crate) options: Vec<Opt>,
}

#[derive(Debug)]
pub(crate) enum TypeRef {
    Scalar(Scalar),
    /// As written.
    Named(String),
    Map(Box<TypeRef>, Box<TypeRef>),
    /// Of the message of that name, which lies where the field does.
    Group(String),
}

#[derive(Debug)]
pub(crate) struct Oneof {
    pub(crate) name: String,
    pub(crate) pos: Pos,
    pub(crate) comments: Comments,
    pub(crate) options: Vec<Opt>,
}

#[derive(Debug, Default)]
pub(crate) struct Enum {
    pub(crate) name: String,
    pub(crate) pos: Pos,
    pub(crate) comments: Comments,
    pub(crate) values: Vec<Value>,
    pub(crate) options: Vec<Opt>,
    pub(crate) reserved: Vec<Range>,
    pub(crate) reserved_names: Vec<ReservedName>,
}

#[derive(Debug)]
pub(crate) struct Value {
    pub(crate) name: String,
    pub(crate) pos: Pos,
    pub(crate) comments: Comments,
    pub(crate) number: i128,
    pub(crate) options: Vec<Opt>,
}

#[derive(Debug)]
pub(crate) struct Extend {
    /// As written.
    pub(crate) extendee: String,
    pub(crate) pos: Pos,
    pub(crate) fields: Vec<Field>,
}

#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) pos: Pos,
    pub(crate) methods: Vec<Method>,
    pub(crate) options: Vec<Opt>,
}

#[derive(Debug)]
pub(crate) struct Method {
    pub(crate) name: String,
    pub(crate) pos: Pos,
    /// The types of what is asked and answered, as written.
    pub(crate) types: [String; 2],
    pub(crate) options: Vec<Opt>,
}

/// `name = value`, as written.
#[derive(Debug)]
pub(crate) struct Opt {
    pub(crate) name: String,
    pub(crate) value: String,
    /// Where the value is a message in braces.
    pub(crate) entries: Option<Vec<Entry>>,
    pub(crate) line: u32,
}

/// What a message in text format says of one field.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Of an extension and of what is in an `Any`, with its brackets.
    pub(crate) name: String,
    pub(crate) content: Content,
    pub(crate) line: u32,
}

#[derive(Debug)]
pub(crate) enum Content {
    /// As written.
    Scalar(String),
    Message(Vec<Entry>),
    List(Vec<Content>),
}

/// Of numbers, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) first: i128,
    /// `None` for `max`.
    pub(crate) last: Option<i128>,
    pub(crate) line: u32,
}

#[derive(Debug)]
pub(crate) struct ReservedName {
    pub(crate) name: String,
    pub(crate) line: u32,
}
