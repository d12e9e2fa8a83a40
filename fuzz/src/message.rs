//! Messages of any type of several schemas, made by their descriptors, and what the generated writers make of them.

use std::collections::HashMap;
use std::sync::LazyLock;

use arbitrary::{Arbitrary, Result, Unstructured};
use pftrace_transcode::{Schema, fixtures};
use prost_reflect::prost::Message as _;
use prost_reflect::{
    Cardinality, DynamicMessage, ExtensionDescriptor, FieldDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage,
    Value,
};
use protobuf::reflect::MessageDescriptor as OtherDescriptor;

use crate::tree::{self, Part};

/// What can be drawn from, read once.
static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(|| {
    let own = [&fixtures::language::SCHEMA, &fixtures::well_known::SCHEMA, &fixtures::editions::SCHEMA];
    own.into_iter().chain([pftrace_transcode::schema()]).map(Source::new).collect()
});

struct Source {
    schema: &'static Schema,
    types: Vec<MessageDescriptor>,
    members: HashMap<String, Vec<Member>>,
    /// The same types, as the second decoder sees them.
    others: HashMap<String, OtherDescriptor>,
}

/// A field or an extension of a message.
struct Member {
    what: Declared,
    kind: Kind,
    list: bool,
    map: bool,
    required: bool,
    /// A default is not written.
    implicit: bool,
}

enum Declared {
    Field(FieldDescriptor),
    Extension(ExtensionDescriptor),
}

impl Source {
    fn new(schema: &'static Schema) -> Self {
        let pool = schema.pool().unwrap_or_else(|error| panic!("{error}"));
        let types = schema
            .names()
            .map(|name| pool.get_message_by_name(name).unwrap_or_else(|| panic!("{name}: only the writers have it")));
        // The decoder takes message sets for messages.
        let types: Vec<_> = types.filter(|ty| !is_message_set(ty)).collect();
        let members = types.iter().map(|ty| (ty.full_name().to_owned(), Member::all(ty, schema))).collect();
        Self { schema, types, members, others: tree::other_descriptors(schema.descriptor_set()) }
    }
}

fn is_message_set(ty: &MessageDescriptor) -> bool {
    let set = ty.options().get_field_by_name("message_set_wire_format").and_then(|value| value.as_bool());
    set.unwrap_or_default()
}

impl Member {
    fn all(ty: &MessageDescriptor, schema: &Schema) -> Vec<Self> {
        let fields = ty.fields().map(|field| Self {
            kind: field.kind(),
            list: field.is_list(),
            map: field.is_map(),
            required: field.cardinality() == Cardinality::Required,
            implicit: schema.is_implicit(ty.full_name(), field.number()),
            what: Declared::Field(field),
        });
        let extensions = ty.extensions().map(|extension| Self {
            kind: extension.kind(),
            list: extension.is_list(),
            map: extension.is_map(),
            required: false,
            implicit: false,
            what: Declared::Extension(extension),
        });
        fields.chain(extensions).collect()
    }
}

/// A message.
#[derive(Debug)]
pub struct Sample {
    source: usize,
    message: DynamicMessage,
    /// No map has two entries, whose order the reference encoder leaves to chance.
    one_order: bool,
}

impl<'a> Arbitrary<'a> for Sample {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        let source = bytes.choose_index(SOURCES.len())?;
        let ty = bytes.choose(&SOURCES[source].types)?;
        let mut maker = Maker { source: &SOURCES[source], bytes, one_order: true };
        let message = maker.message(ty, 0)?;
        Ok(Self { source, message, one_order: maker.one_order })
    }
}

impl Sample {
    /// Writes it with the generated writers.
    ///
    /// # Panics
    ///
    /// When the bytes are not those of the reference encoder, or a decoder reads something else in them.
    pub fn check(&self) {
        let Self { source, message, one_order } = self;
        let source = &SOURCES[*source];
        let (ty, given) = (message.descriptor(), message.encode_to_vec());
        let name = ty.full_name();
        let written = source.schema.transcode(&given, name).unwrap_or_else(|error| panic!("{name}: {error}"));
        if *one_order {
            assert_eq!(written, given, "{name}: the bytes");
        }
        assert_eq!(written.len(), given.len(), "{name}: the length");
        let read = DynamicMessage::decode(ty.clone(), &written[..]).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(tree::of(&read, Part::All), tree::of(message, Part::All), "{name}: what prost-reflect reads");
        let read = source.others[name].parse_from_bytes(&written).unwrap_or_else(|error| panic!("{name}: {error}"));
        let said = tree::of(message, Part::WithoutGroupsAndExtensions);
        assert_eq!(tree::of_other(&*read), said, "{name}: what rust-protobuf reads");
    }
}

/// Deeper messages have only what is required; decoders give up at 100.
const DEEPEST: u32 = 40;

/// Makes messages from the fuzzer's bytes: when these are used up, nothing is added.
struct Maker<'m, 'a> {
    source: &'static Source,
    bytes: &'m mut Unstructured<'a>,
    one_order: bool,
}

impl Maker<'_, '_> {
    fn message(&mut self, ty: &MessageDescriptor, depth: u32) -> Result<DynamicMessage> {
        let mut message = DynamicMessage::new(ty.clone());
        let members = self.source.members.get(ty.full_name()).map_or(&[][..], |members| members);
        for member in members.iter().filter(|member| member.required) {
            self.set(&mut message, member, depth)?;
        }
        while !members.is_empty() && depth < DEEPEST && !self.bytes.is_empty() && self.bytes.ratio(7, 8)? {
            let index = self.bytes.choose_index(members.len())?;
            self.set(&mut message, &members[index], depth)?;
        }
        Ok(message)
    }

    fn set(&mut self, message: &mut DynamicMessage, member: &Member, depth: u32) -> Result<()> {
        let value = match &member.kind {
            Kind::Message(entry) if member.map => self.map(entry, depth)?,
            kind if member.list => self.list(kind, depth)?,
            kind => self.value(kind, depth)?,
        };
        match &member.what {
            Declared::Field(field) if member.implicit && value == Value::default_value(&member.kind) => {
                message.clear_field(field);
            }
            Declared::Field(field) => message.set_field(field, value),
            Declared::Extension(extension) => message.set_extension(extension, value),
        }
        Ok(())
    }

    fn list(&mut self, kind: &Kind, depth: u32) -> Result<Value> {
        let mut values = Vec::new();
        for _ in 0..self.bytes.arbitrary::<u8>()? {
            if self.bytes.is_empty() {
                break;
            }
            values.push(self.value(kind, depth)?);
        }
        Ok(Value::List(values))
    }

    fn map(&mut self, entry: &MessageDescriptor, depth: u32) -> Result<Value> {
        let mut entries = HashMap::new();
        for _ in 0..self.bytes.int_in_range(0..=4)? {
            let key = match self.value(&entry.map_entry_key_field().kind(), depth)? {
                Value::Bool(key) => MapKey::Bool(key),
                Value::I32(key) => MapKey::I32(key),
                Value::I64(key) => MapKey::I64(key),
                Value::U32(key) => MapKey::U32(key),
                Value::U64(key) => MapKey::U64(key),
                Value::String(key) => MapKey::String(key),
                key => panic!("{}: the key {key}", entry.full_name()),
            };
            entries.insert(key, self.value(&entry.map_entry_value_field().kind(), depth)?);
        }
        self.one_order &= entries.len() < 2;
        Ok(Value::Map(entries))
    }

    fn value(&mut self, kind: &Kind, depth: u32) -> Result<Value> {
        Ok(match kind {
            Kind::Bool => Value::Bool(self.bytes.arbitrary()?),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(self.number()? as i32),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(self.number()? as i64),
            Kind::Uint32 | Kind::Fixed32 => Value::U32(self.number()? as u32),
            Kind::Uint64 | Kind::Fixed64 => Value::U64(self.number()?),
            Kind::Float => Value::F32(f32::from_bits(self.number()? as u32)),
            Kind::Double => Value::F64(f64::from_bits(self.number()?)),
            Kind::String => Value::String(self.text()?),
            Kind::Bytes => Value::Bytes(self.text()?.into_bytes().into()),
            // Often one that it does not have.
            Kind::Enum(_) => Value::EnumNumber(self.number()? as i32),
            Kind::Message(ty) => Value::Message(self.message(ty, depth + 1)?),
        })
    }

    /// Of any length, with either sign; a small one needs few of the fuzzer's bytes.
    fn number(&mut self) -> Result<u64> {
        let head = self.bytes.arbitrary::<u8>()?;
        let len = usize::from(head % 16).min(8).min(self.bytes.len());
        let number = self.bytes.bytes(len)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        Ok(if head < 128 { number } else { number.wrapping_neg() })
    }

    /// Some longer than the fuzzer likes to give.
    fn text(&mut self) -> Result<String> {
        match self.bytes.arbitrary::<u8>()? {
            head @ 250.. => Ok("long".repeat(usize::from(self.bytes.arbitrary::<u16>()? >> (head - 250)))),
            len => {
                let len = usize::from(len).min(self.bytes.len());
                Ok(String::from_utf8_lossy(self.bytes.bytes(len)?).into_owned())
            }
        }
    }
}
