//! Enums: a newtype over the number, since protobuf's enums are open on the wire, and may have aliases.

use std::collections::HashMap;

use super::docs::{Docs, code_span};
use super::names::Names;
use crate::error::Error;
use crate::ir::{Enum, EnumId, Schema, Value};
use crate::names::const_ident;

pub(super) fn enumeration(schema: &Schema, names: &Names<'_>, id: EnumId) -> Result<String, Error> {
    let enumeration = &schema.enums[id.0];
    let ident = names.enumeration(id).map_or("", |place| &place.ident);
    let full_name = enumeration.path.full_name();
    let mut docs = Docs::default();
    docs.paragraph(&format!("The enum `{full_name}`."));
    if enumeration.closed {
        docs.paragraph("Closed: readers take a value that is not declared for an unknown field.");
    }
    docs.comment(&enumeration.doc.comment).deprecated(enumeration.doc.deprecated);
    let docs = docs.code();
    let constants = constants(enumeration)?;
    let allow = if enumeration.values.iter().any(|value| !is_upper_case(&value.name)) {
        "#[allow(non_upper_case_globals)]\n"
    } else {
        ""
    };
    Ok(format!(
        "{docs}#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub struct {ident}(i32);
        {allow}impl {ident} {{
            {constants}
            /// The value of any number, also of one that has no name here.
            #[inline]
            pub const fn from_value(value: i32) -> Self {{ Self(value) }}
            /// The number.
            #[inline]
            pub const fn value(self) -> i32 {{ self.0 }}
        }}"
    ))
}

fn constants(enumeration: &Enum) -> Result<String, Error> {
    let mut taken: HashMap<String, &Value> = HashMap::new();
    let mut out = String::new();
    for value in &enumeration.values {
        let ident = const_ident(&value.name);
        if let Some(first) = taken.insert(ident.clone(), value) {
            let rust_name = format!("{}::{ident}", enumeration.path.name);
            let (origin, first) = (value.doc.origin.clone(), first.doc.origin.clone().into());
            return Err(Error::NameClash { origin, first, rust_name });
        }
        let mut docs = Docs::default();
        docs.paragraph(&code_span(&format!("{} = {}", value.name, value.number)));
        docs.comment(&value.doc.comment).deprecated(value.doc.deprecated);
        out.push_str(&format!("{}pub const {ident}: Self = Self({});\n", docs.code(), value.number));
    }
    Ok(out)
}

fn is_upper_case(name: &str) -> bool {
    !name.contains(|c: char| c.is_ascii_lowercase())
}
