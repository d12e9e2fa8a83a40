//! From what a decoder has read to the generated writers: one function per message, with one arm per field.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;

use pftrace_codegen::{Generated, Setter, Shape, ValueType, Writer};

/// A module's content: the writers, the functions that call them, and `SCHEMA`.
pub(crate) fn glue(name: &str, generated: &Generated, implicit: &BTreeSet<(String, u32)>) -> String {
    let writers = generated.writers();
    let functions = writers.iter().enumerate().map(|(index, writer)| (writer.path.as_str(), index)).collect();
    let glue = Glue { functions, implicit };
    let mut out = format!(
        "mod writers {{ include!(concat!(env!(\"OUT_DIR\"), \"/{name}_writers.rs\")); }}
        use ::pftrace_transcode::glue::Message;
        /// All messages.
        pub static SCHEMA: ::pftrace_transcode::Schema = ::pftrace_transcode::Schema::new(
            include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}.binpb\")),
            &["
    );
    let mut by_name: Vec<_> = writers.iter().enumerate().collect();
    by_name.sort_by_key(|(_, writer)| &writer.message);
    for (index, Writer { message, path, .. }) in by_name {
        _ = writeln!(out, "({message:?}, |b, m| writers::{path}::encode(b, |w| write_{index}(w, m))),");
    }
    let setters: usize = writers.iter().map(|writer| writer.setters.len()).sum();
    let implicit: Vec<_> = implicit.iter().collect();
    _ = writeln!(out, "], {setters}, &{implicit:?});");
    for (index, writer) in writers.iter().enumerate() {
        out.push_str(&glue.function(index, writer));
    }
    out
}

struct Glue<'a> {
    /// The path of a writer, and the number of its function.
    functions: HashMap<&'a str, usize>,
    implicit: &'a BTreeSet<(String, u32)>,
}

impl Glue<'_> {
    fn function(&self, index: usize, writer: &Writer) -> String {
        let Writer { message, path, setters, .. } = writer;
        let mut arms = String::new();
        let implicit = setters.iter().filter(|setter| self.implicit.contains(&(message.clone(), setter.number)));
        let implicit: Vec<_> = implicit.map(|setter| setter.number.to_string()).collect();
        if !implicit.is_empty() {
            _ = writeln!(arms, "{} if f.is_zero() => {{}}", implicit.join(" | "));
        }
        for setter in setters {
            _ = writeln!(arms, "{} => {{ {} }}", setter.number, self.calls(path, setter));
        }
        format!(
            "fn write_{index}(w: &mut writers::{path}<'_>, m: &Message<'_>) {{
                for f in m.fields() {{ match f.number() {{ {arms} _ => f.no_setter(), }} }}
                m.unknown(w.raw());
            }}\n"
        )
    }

    /// What writes the field `f` of `m` into `w`.
    fn calls(&self, path: &str, setter: &Setter) -> String {
        let Setter { method, extension_trait, shape, value, .. } = setter;
        let owner = extension_trait.as_deref().unwrap_or(path);
        let call = |arguments: &str| format!("writers::{owner}::{method}(w, {arguments});");
        match shape {
            Shape::Singular => call(&self.argument("f", value)),
            Shape::Repeated => format!("for f in f.each() {{ {} }}", call(&self.argument("f", value))),
            Shape::Packed => call(&format!("&f.each().map(|f| {}).collect::<Vec<_>>()[..]", self.argument("f", value))),
            Shape::Map(key) => {
                let entry = format!("k.{key}(), {}", self.argument("f", value));
                format!("for (k, f) in f.entries() {{ {} }}", call(&entry))
            }
            // The enum may grow: what we do not know we do not write, and then each such field is missed.
            _ => "f.no_setter();".to_owned(),
        }
    }

    fn argument(&self, field: &str, value: &ValueType) -> String {
        match value {
            ValueType::Scalar(name) => format!("{field}.{name}()"),
            ValueType::Enum(path) => format!("writers::{path}::from_value({field}.enumeration())"),
            ValueType::Message(path) => match self.functions.get(path.as_str()) {
                Some(index) => format!("|w| write_{index}(w, &{field}.message())"),
                None => format!("|_| {field}.no_setter()"),
            },
            _ => format!("{field}.no_setter()"),
        }
    }
}
