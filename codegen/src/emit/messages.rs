//! Messages: a newtype over `pftrace_wire::Message` with one method per field.

use std::collections::HashMap;

use super::docs::{Docs, code_span};
use super::names::{Names, method_ident};
use crate::error::{Error, Origin};
use crate::ir::{Cardinality, Field, Kind, Message, MessageId, Scalar, Schema};

/// The code of one message, which lies in `modules`.
pub(super) fn message(schema: &Schema, names: &Names, modules: &[String], id: MessageId) -> Result<String, Error> {
    let message = &schema.messages[id.0];
    let ident = names.message(id).map_or("", |place| &place.ident);
    let full_name = message.path.full_name();
    let mut docs = Docs::default();
    docs.paragraph(&format!("Writer of the message `{full_name}`."));
    docs.comment(&message.doc.comment).deprecated(message.doc.deprecated);
    let docs = docs.code();
    let mut writer = Fields {
        schema,
        names,
        modules,
        message,
        taken: HashMap::new(),
    };
    let fields = message
        .fields
        .iter()
        .map(|field| writer.field(field))
        .collect::<Result<String, _>>()?;
    Ok(format!(
        "{docs}#[derive(Debug)]
        pub struct {ident}<'w>(::pftrace_wire::Message<'w>);
        impl<'w> {ident}<'w> {{
            /// The writer over a message that is open.
            #[inline]
            pub fn new(message: ::pftrace_wire::Message<'w>) -> Self {{ Self(message) }}
            /// The same message for a shorter time, to give away while keeping it.
            #[inline]
            pub fn reborrow(&mut self) -> {ident}<'_> {{ {ident}(self.0.reborrow()) }}
            /// Encodes one `{full_name}` into the front of `buffer`.
            ///
            /// # Errors
            ///
            /// [`Overflow`](::pftrace_wire::Overflow) when the buffer is too small; it says how many bytes are needed.
            #[inline]
            pub fn encode(buffer: &mut [u8], f: impl FnOnce(&mut {ident}<'_>))
                -> ::core::result::Result<&mut [u8], ::pftrace_wire::Overflow>
            {{
                ::pftrace_wire::encode(buffer, |m| f(&mut {ident}::new(m)))
            }}
            {fields}
        }}"
    ))
}

/// Writes the methods of one message.
struct Fields<'a> {
    schema: &'a Schema,
    names: &'a Names,
    modules: &'a [String],
    message: &'a Message,
    /// The fields of the methods so far.
    taken: HashMap<String, &'a Origin>,
}

impl<'a> Fields<'a> {
    fn field(&mut self, field: &'a Field) -> Result<String, Error> {
        let repeated = matches!(
            field.cardinality,
            Cardinality::Repeated | Cardinality::Packed | Cardinality::Map
        );
        let method = method_ident(if repeated { "add_" } else { "set_" }, &field.name);
        if let Some(first) = self.taken.insert(method.clone(), &field.doc.origin) {
            let (origin, first) = (field.doc.origin.clone(), first.clone().into());
            let rust_name = format!("{}::{method}", self.message.path.name);
            return Err(Error::NameClash {
                origin,
                first,
                rust_name,
            });
        }
        let docs = self.docs(field);
        let (arguments, call) = match (&field.kind, field.cardinality) {
            (Kind::Map(key, value), _) => self.map(field.number, *key, value),
            (kind, Cardinality::Packed) => self.packed(field.number, kind),
            (kind, _) => self.value("self.0", field.number, kind),
        };
        Ok(format!(
            "{docs}#[inline]\npub fn {method}(&mut self, {arguments}) -> &mut Self {{ {call}; self }}\n"
        ))
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
                (
                    format!("value: {ty}"),
                    format!("{target}.enumeration::<{number}>(value.value())"),
                )
            }
            Kind::Message(_) | Kind::Map(..) => {
                let ty = self.names.path_from(self.modules, kind);
                let write = format!("f(&mut {ty}::new(m))");
                let call = nested(target, number, "m", &write);
                (format!("f: impl FnOnce(&mut {ty}<'_>)"), call)
            }
        }
    }

    fn packed(&self, number: u32, kind: &Kind) -> (String, String) {
        match kind {
            Kind::Scalar(scalar) => {
                let ty = scalar_type(*scalar);
                let call = format!("self.0.packed_{}::<{number}>(values)", scalar.name());
                (format!("values: impl ::pftrace_wire::Packed<{ty}>"), call)
            }
            _ => {
                let ty = self.names.path_from(self.modules, kind);
                let call = format!(
                    "let values = ::pftrace_wire::Packed::elements(values).map({ty}::value);
                    self.0.packed_enumeration::<{number}>(::pftrace_wire::iter(values))"
                );
                (format!("values: impl ::pftrace_wire::Packed<{ty}>"), call)
            }
        }
    }

    /// An entry is a message of a key and a value.
    fn map(&self, number: u32, key: Scalar, value: &Kind) -> (String, String) {
        let (argument, call) = self.value("entry", 2, value);
        let arguments = format!("key: {}, {argument}", scalar_type(key));
        let key = key.name();
        let write = format!("{{ entry.{key}::<1>(key); {call}; }}");
        (arguments, nested("self.0", number, "mut entry", &write))
    }

    fn docs(&self, field: &Field) -> String {
        let mut docs = Docs::default();
        docs.paragraph(&code_span(&self.declaration(field)));
        docs.comment(&field.doc.comment).deprecated(field.doc.deprecated);
        match field.cardinality {
            Cardinality::Repeated => docs.paragraph("Once per element."),
            Cardinality::Packed => docs.paragraph("Packed: all elements in one call."),
            Cardinality::Map => docs.paragraph("Once per entry."),
            _ => &mut docs,
        };
        if let Some(oneof) = field.oneof.and_then(|index| self.message.oneofs.get(index)) {
            docs.paragraph(&format!(
                "Part of oneof `{}`: write at most one of {}.",
                oneof.name,
                members(&oneof.fields)
            ));
            docs.comment(&oneof.comment);
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
        let ty = self.type_name(&field.kind);
        let options = field.options.join(", ");
        let options = if options.is_empty() {
            options
        } else {
            format!(" [{options}]")
        };
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

/// The call that opens a nested message in `target`; `write` writes it, as `message`.
fn nested(target: &str, number: u32, message: &str, write: &str) -> String {
    let call = format!("{target}.message::<{number}>(|{message}| {write})");
    if call.len() <= MAX_CALL_LEN {
        return call;
    }
    // In two steps, since prettyplease breaks a long closure behind a `::<>` at the `<`.
    format!("let write = |{message}: ::pftrace_wire::Message<'_>| {write}; {target}.message::<{number}>(write)")
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
