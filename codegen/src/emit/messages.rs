//! Messages: a newtype over `pftrace_wire::Message` with one method per field.

use std::collections::HashMap;

use super::docs::{Docs, code_span};
use super::names::{Names, method};
use crate::error::{Error, Origin};
use crate::ir::{Cardinality, Field, Kind, Message, MessageId, Scalar, Schema};
use crate::names::{flag, number_ident};

/// The code of one message, which lies in `modules` and takes `max_len` bytes at most, if there is a bound.
pub(super) fn message(
    schema: &Schema,
    names: &Names<'_>,
    modules: &[String],
    id: MessageId,
    max_len: Option<usize>,
) -> Result<String, Error> {
    let message = &schema.messages[id.0];
    let ident = names.message(id).map_or("", |place| &place.ident);
    let full_name = message.path.full_name();
    let mut docs = Docs::default();
    docs.paragraph(&format!("Writer of the message `{full_name}`."));
    docs.comment(&message.doc.comment).deprecated(message.doc.deprecated);
    let docs = docs.code();
    let checks = Checks::new(message);
    let (fields_of_struct, new, target) = (checks.fields(), checks.new_expression(), checks.message());
    let write = checks.write(ident);
    let constants = constants(message, max_len);
    let run = run(ident, "m", message);
    let writer = Fields { schema, names, modules, message };
    let mut taken = HashMap::new();
    let mut fields = String::new();
    let flags: Vec<_> = checks.flag_origins().collect();
    // Fields of the struct, not functions.
    let mut taken_flags = HashMap::new();
    for (flag, origin) in &flags {
        clash(&mut taken_flags, flag, origin, &message.path.name)?;
    }
    for field in &message.fields {
        let method = writer.method(method(field), field, &checks.target(field)).then(&checks.behind(field));
        // `self` and `Self` are two methods, if one is repeated, and one constant.
        for name in [&method.name, &number_ident(&field.name)] {
            clash(&mut taken, name, &field.doc.origin, &message.path.name)?;
        }
        fields.push_str(&method.inherent());
    }
    Ok(format!(
        "{docs}#[derive(Debug)]
        pub struct {ident}<'w>{fields_of_struct}
        impl<'w> {ident}<'w> {{
            {constants}
            /// The writer over a message that is open.
            pub fn new(message: ::pftrace_wire::Message<'w>) -> Self {{ {new} }}
            /// Encodes one `{full_name}` into the front of `buffer`.
            ///
            /// # Errors
            ///
            /// When the buffer is too small: the [`Error`](::pftrace_wire::Error) says how many bytes are needed.
            pub fn encode(buffer: &mut [u8], f: impl FnOnce(&mut {ident}<'_>)) -> ::pftrace_wire::Encoded<'_> {{
                ::pftrace_wire::encode(buffer, |m| {run})
            }}
            {write}
            /// The message itself, to write fields that are not in its schema.
            pub fn raw(&mut self) -> ::pftrace_wire::Message<'_> {{ {target}.reborrow() }}
            {fields}
        }}"
    ))
}

/// What calls `f` with the writer `ty` over `message`.
fn run(ty: &str, message: &str, schema: &Message) -> String {
    if schema.has_required { format!("{ty}::write({message}, f)") } else { format!("f(&mut {ty}::new({message}))") }
}

/// The numbers of the fields, and the bound of the length, if there is one.
fn constants(message: &Message, max_len: Option<usize>) -> String {
    let mut out = String::new();
    for field in &message.fields {
        let ident = number_ident(&field.name);
        let doc = format!("The number of the field `{}`.", field.name);
        out.push_str(&format!("/// {doc}\npub const {ident}: u32 = {};\n", field.number));
    }
    if let Some(len) = max_len {
        out.push_str(&format!(
            "/// The most bytes that it takes, with each field written once at most.
            pub const MAX_LEN: usize = {len};\n"
        ));
    }
    out
}

/// Two of a message must not get the same name, in the type or trait `owner`.
pub(super) fn clash<'a>(
    taken: &mut HashMap<String, &'a Origin>,
    name: &str,
    origin: &'a Origin,
    owner: &str,
) -> Result<(), Error> {
    match taken.insert(name.to_owned(), origin) {
        None => Ok(()),
        Some(first) => {
            let (origin, first) = (origin.clone(), first.clone().into());
            Err(Error::NameClash { origin, first, rust_name: format!("{owner}::{name}") })
        }
    }
}

/// What a writer has to remember: which oneofs and required fields have been written.
struct Checks<'a> {
    message: &'a Message,
    full_name: String,
}

impl<'a> Checks<'a> {
    fn new(message: &'a Message) -> Self {
        Self { message, full_name: message.path.full_name() }
    }

    /// The fields of the writer that remember: name, type, and full name in the .proto file.
    fn flags(&self) -> impl Iterator<Item = (String, &'static str, String)> + '_ {
        let full_name = |name: &str| format!("{}.{name}", self.full_name);
        let oneofs = self.message.oneofs.iter().map(move |oneof| (flag(&oneof.name), "Oneof", full_name(&oneof.name)));
        let required = self.required().map(move |field| (flag(&field.name), "Required", full_name(&field.name)));
        oneofs.chain(required)
    }

    /// The same fields, and where that was declared.
    fn flag_origins(&self) -> impl Iterator<Item = (String, Origin)> + '_ {
        let oneofs = self.message.oneofs.iter().map(|oneof| {
            let name = format!("{}.{}", self.full_name, oneof.name);
            (flag(&oneof.name), Origin { name, ..self.message.doc.origin.clone() })
        });
        oneofs.chain(self.required().map(|field| (flag(&field.name), field.doc.origin.clone())))
    }

    fn required(&self) -> impl Iterator<Item = &'a Field> {
        self.message.fields.iter().filter(|field| field.cardinality == Cardinality::Required)
    }

    /// Of the struct: the message alone, or with a name.
    fn fields(&self) -> String {
        let flags: String = self.flags().map(|(flag, ty, _)| format!("{flag}: ::pftrace_wire::{ty}, ")).collect();
        if flags.is_empty() {
            return "(::pftrace_wire::Message<'w>);".to_owned();
        }
        format!(" {{ message: ::pftrace_wire::Message<'w>, {flags} }}")
    }

    fn new_expression(&self) -> String {
        let flags = self.flags().map(|(flag, ty, name)| format!("{flag}: ::pftrace_wire::{ty}::new(\"{name}\"), "));
        let flags: String = flags.collect();
        if flags.is_empty() { "Self(message)".to_owned() } else { format!("Self {{ message, {flags} }}") }
    }

    fn message(&self) -> &'static str {
        if self.message.oneofs.is_empty() && !self.message.has_required { "self.0" } else { "self.message" }
    }

    /// What a field's method calls.
    fn target(&self, field: &Field) -> String {
        self.mark(field).filter(|_| !is_nested(field)).unwrap_or_else(|| self.message().to_owned())
    }

    /// What it calls behind that: a nested message whose closure panics has not been written.
    fn behind(&self, field: &Field) -> String {
        self.mark(field).filter(|_| is_nested(field)).unwrap_or_default()
    }

    /// What remembers that a field has been written, if anything has to. It returns the message.
    fn mark(&self, field: &Field) -> Option<String> {
        if let Some(oneof) = field.oneof.and_then(|index| self.message.oneofs.get(index)) {
            return Some(format!("self.message.once(&mut self.{})", flag(&oneof.name)));
        }
        let required = field.cardinality == Cardinality::Required;
        required.then(|| format!("self.message.required(&mut self.{})", flag(&field.name)))
    }

    /// Writing the whole message, where something is required.
    fn write(&self, ident: &str) -> String {
        let expect = self.required().map(|field| format!("writer.message.expect(&writer.{});\n", flag(&field.name)));
        let expect: String = expect.collect();
        if expect.is_empty() {
            return expect;
        }
        format!(
            "/// Writes a whole message. That it lacks a required field is reported as an error when all is encoded.
            #[inline]
            pub fn write(message: ::pftrace_wire::Message<'w>, f: impl FnOnce(&mut {ident}<'_>)) {{
                let mut writer = {ident}::new(message);
                f(&mut writer);
                {expect}
            }}"
        )
    }
}

/// Whether a closure writes it.
fn is_nested(field: &Field) -> bool {
    matches!(field.kind, Kind::Message(_) | Kind::Group(_))
}

/// A method of a writer.
pub(super) struct Method {
    pub(super) name: String,
    docs: String,
    arguments: String,
    call: String,
}

impl Method {
    /// With another call behind its own, if there is one.
    fn then(mut self, call: &str) -> Self {
        if !call.is_empty() {
            self.call.push_str("; ");
            self.call.push_str(call);
        }
        self
    }

    fn inherent(&self) -> String {
        let Self { name, docs, arguments, call } = self;
        format!("{docs}#[inline]\npub fn {name}(&mut self, {arguments}) -> &mut Self {{ {call}; self }}\n")
    }

    pub(super) fn declaration(&self) -> String {
        let Self { name, docs, arguments, .. } = self;
        format!("{docs}fn {name}(&mut self, {arguments}) -> &mut Self;\n")
    }

    pub(super) fn implementation(&self) -> String {
        let Self { name, arguments, call, .. } = self;
        format!("#[inline]\nfn {name}(&mut self, {arguments}) -> &mut Self {{ {call}; self }}\n")
    }
}

/// Makes the methods of the fields of one message.
pub(super) struct Fields<'a> {
    pub(super) schema: &'a Schema,
    pub(super) names: &'a Names<'a>,
    /// Where the methods lie.
    pub(super) modules: &'a [String],
    pub(super) message: &'a Message,
}

impl Fields<'_> {
    /// The method `name`, which writes `field` into `target`.
    pub(super) fn method(&self, name: String, field: &Field, target: &str) -> Method {
        let (arguments, call) = match (&field.kind, field.cardinality) {
            (Kind::Map(key, value), _) => self.map(target, field.number, *key, value),
            (kind, Cardinality::Packed) => self.packed(target, field.number, kind),
            (Kind::Message(id), Cardinality::Repeated) => self.nested(target, "element", field.number, *id),
            (kind, _) => self.value(target, field.number, kind),
        };
        Method { name, docs: self.docs(field), arguments, call }
    }

    /// The method `name`, which writes `field` as an item of a message set, into `target`.
    pub(super) fn item(&self, name: String, field: &Field, target: &str) -> Method {
        let (arguments, call) = self.value("item", 3, &field.kind);
        let write = format!("{{ item.uint32::<2>({}); {call}; }}", field.number);
        let call = nested(target, "group", 1, "mut item", &write);
        Method { name, docs: self.docs(field), arguments, call }
    }

    /// The argument of one value, and the call that writes it into `target`.
    fn value(&self, target: &str, number: u32, kind: &Kind) -> (String, String) {
        match kind {
            Kind::Scalar(scalar) => {
                let call = format!("{target}.{}::<{number}>(value)", scalar.name());
                (format!("value: {}", scalar_type(*scalar)), call)
            }
            Kind::Enum(_) => {
                let ty = self.names.path_from(self.modules, kind);
                (format!("value: {ty}"), format!("{target}.enumeration::<{number}>(value.value())"))
            }
            Kind::Message(id) => self.nested(target, "message", number, *id),
            Kind::Group(id) => self.nested(target, "group", number, *id),
            // Its value is no map, so nobody asks.
            Kind::Map(..) => (String::new(), String::new()),
        }
    }

    /// As `value`, of a message or group.
    fn nested(&self, target: &str, method: &str, number: u32, id: MessageId) -> (String, String) {
        let ty = self.names.path_from(self.modules, &Kind::Message(id));
        let call = nested(target, method, number, "m", &run(&ty, "m", &self.schema.messages[id.0]));
        (format!("f: impl FnOnce(&mut {ty}<'_>)"), call)
    }

    fn packed(&self, target: &str, number: u32, kind: &Kind) -> (String, String) {
        match kind {
            Kind::Scalar(scalar) => {
                let ty = scalar_type(*scalar);
                let call = format!("{target}.packed_{}::<{number}>(values)", scalar.name());
                (format!("values: impl ::pftrace_wire::Packed<{ty}>"), call)
            }
            _ => {
                let ty = self.names.path_from(self.modules, kind);
                let call = format!(
                    "let values = ::pftrace_wire::Packed::elements(values).map({ty}::value);
                    {target}.packed_enumeration::<{number}>(::pftrace_wire::iter(values))"
                );
                (format!("values: impl ::pftrace_wire::Packed<{ty}>"), call)
            }
        }
    }

    /// An entry is a message of a key and a value.
    fn map(&self, target: &str, number: u32, key: Scalar, value: &Kind) -> (String, String) {
        let (argument, call) = self.value("entry", 2, value);
        let arguments = format!("key: {}, {argument}", scalar_type(key));
        let key = key.name();
        let write = format!("{{ entry.{key}::<1>(key); {call}; }}");
        (arguments, nested(target, "element", number, "mut entry", &write))
    }

    fn docs(&self, field: &Field) -> String {
        let mut docs = Docs::default();
        docs.paragraph(&code_span(&self.declaration(field)));
        docs.comment(&field.doc.comment).deprecated(field.doc.deprecated);
        match field.cardinality {
            Cardinality::Repeated => docs.paragraph("Once per element."),
            Cardinality::Packed => docs.paragraph("Packed: all elements in one call."),
            Cardinality::Map => docs.paragraph("Once per entry."),
            Cardinality::Required => docs.paragraph("Required: encoding fails without it."),
            _ => &mut docs,
        };
        if let Some(oneof) = field.oneof.and_then(|index| self.message.oneofs.get(index)) {
            docs.paragraph(&format!(
                "Part of oneof `{}`: at most one of {}, else encoding fails.",
                oneof.name,
                members(&oneof.fields)
            ));
            if oneof.comment.len() <= MAX_REPEATED_LEN || oneof.fields.first() == Some(&field.name) {
                docs.comment(&oneof.comment);
            }
        }
        docs.code()
    }

    /// As in the .proto file, with the type's name as short as it is clear.
    fn declaration(&self, field: &Field) -> String {
        let label = match field.cardinality {
            Cardinality::Implicit | Cardinality::Map => "",
            Cardinality::Optional => "optional ",
            Cardinality::Required => "required ",
            Cardinality::Repeated | Cardinality::Packed => "repeated ",
        };
        let group = if matches!(field.kind, Kind::Group(_)) { "group " } else { "" };
        let ty = format!("{group}{}", self.type_name(&field.kind));
        let options = field.options.join(", ");
        let options = if options.is_empty() { options } else { format!(" [{options}]") };
        format!("{label}{ty} {} = {}{options}", field.name, field.number)
    }

    fn type_name(&self, kind: &Kind) -> String {
        if let Kind::Map(key, value) = kind {
            return format!("map<{}, {}>", key.name(), self.type_name(value));
        }
        let name = self.schema.type_name(kind);
        let own = self.message.path.full_name();
        for scope in [own.as_str(), self.message.path.package.as_str()] {
            if let Some(short) = name.strip_prefix(scope).and_then(|rest| rest.strip_prefix('.')) {
                return short.to_owned();
            }
        }
        name
    }
}

/// The comment on a oneof is on each of its fields; on the first one alone when it is longer.
const MAX_REPEATED_LEN: usize = 2_000;

/// The call of `method` that opens a nested message in `target`; `write` writes it, as `message`.
fn nested(target: &str, method: &str, number: u32, message: &str, write: &str) -> String {
    let call = format!("{target}.{method}::<{number}>(|{message}| {write})");
    if call.len() <= MAX_CALL_LEN {
        return call;
    }
    // A block, since prettyplease breaks a long closure without one behind a `::<>` at the `<`.
    format!("{target}.{method}::<{number}>(|{message}| {{ {write}; }})")
}

/// Calls up to here fit into a line of prettyplease's, which has 89 columns, indented twice and with a `;`.
const MAX_CALL_LEN: usize = 80;

/// The names of a oneof's fields, if they are few.
fn members(fields: &[String]) -> String {
    if fields.len() > MAX_MEMBERS {
        return format!("its {} fields", fields.len());
    }
    let names: Vec<_> = fields.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// A large oneof would say all its names with each of them.
const MAX_MEMBERS: usize = 8;

fn scalar_type(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::Int32 | Scalar::Sint32 | Scalar::Sfixed32 => "i32",
        Scalar::Int64 | Scalar::Sint64 | Scalar::Sfixed64 => "i64",
        Scalar::Uint32 | Scalar::Fixed32 => "u32",
        Scalar::Uint64 | Scalar::Fixed64 => "u64",
        Scalar::Bool => "bool",
        Scalar::Float => "f32",
        Scalar::Double => "f64",
        Scalar::String => "&str",
        Scalar::Bytes => "&[u8]",
    }
}
