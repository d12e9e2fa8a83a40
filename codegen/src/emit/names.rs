//! From protobuf names to Rust names.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use heck::{ToSnakeCase, ToUpperCamelCase};

use crate::error::{Error, Origin};
use crate::ir::{EnumId, Extension, Kind, MessageId, Path, Schema};

/// The place of a type in the output.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The modules around it, from the root of the output.
    pub(super) modules: Vec<String>,
    pub(super) ident: String,
}

/// The extensions of one message that are declared in one scope.
#[derive(Debug)]
pub(super) struct Extensions {
    /// Of their trait.
    pub(super) place: Place,
    pub(super) extendee: MessageId,
    /// The indices in [`Schema::extensions`].
    pub(super) members: Vec<usize>,
}

/// The places of all types that are wanted.
#[derive(Debug)]
pub(super) struct Names {
    messages: HashMap<MessageId, Place>,
    enums: HashMap<EnumId, Place>,
    pub(super) extensions: Vec<Extensions>,
}

impl Names {
    /// Fails when two types, or a module and another, would be one.
    pub(super) fn new(schema: &Schema) -> Result<Self, Error> {
        let mut taken = Taken::default();
        let mut names = Self { messages: HashMap::new(), enums: HashMap::new(), extensions: Vec::new() };
        for (id, message) in schema.messages.iter().enumerate().filter(|(_, m)| m.wanted) {
            names.messages.insert(MessageId(id), taken.place(&message.path, &message.doc.origin)?);
        }
        for (id, enumeration) in schema.enums.iter().enumerate().filter(|(_, e)| e.wanted) {
            names.enums.insert(EnumId(id), taken.place(&enumeration.path, &enumeration.doc.origin)?);
        }
        for (index, extension) in schema.extensions.iter().enumerate().filter(|(_, e)| e.wanted) {
            names.extension(schema, &mut taken, index, extension)?;
        }
        Ok(names)
    }

    fn extension(
        &mut self,
        schema: &Schema,
        taken: &mut Taken,
        index: usize,
        extension: &Extension,
    ) -> Result<(), Error> {
        let same_scope = |group: &&mut Extensions| {
            let first = &schema.extensions[group.members[0]];
            group.extendee == extension.extendee
                && (&first.package, &first.parents) == (&extension.package, &extension.parents)
        };
        if let Some(group) = self.extensions.iter_mut().find(same_scope) {
            group.members.push(index);
            return Ok(());
        }
        let name = format!("{}Extensions", schema.messages[extension.extendee.0].path.name);
        let (package, parents) = (extension.package.clone(), extension.parents.clone());
        let place = taken.place(&Path { package, parents, name }, &extension.field.doc.origin)?;
        self.extensions.push(Extensions { place, extendee: extension.extendee, members: vec![index] });
        Ok(())
    }

    pub(super) fn message(&self, id: MessageId) -> Option<&Place> {
        self.messages.get(&id)
    }

    pub(super) fn enumeration(&self, id: EnumId) -> Option<&Place> {
        self.enums.get(&id)
    }

    /// The path of a type, seen from within `modules`.
    pub(super) fn path_from(&self, modules: &[String], kind: &Kind) -> String {
        let place = match kind {
            Kind::Message(id) | Kind::Group(id) => self.message(*id),
            Kind::Enum(id) => self.enumeration(*id),
            Kind::Scalar(_) | Kind::Map(..) => None,
        };
        let Some(place) = place else { return String::new() };
        let common = modules.iter().zip(&place.modules).take_while(|(a, b)| a == b).count();
        let up = std::iter::repeat_n("super", modules.len() - common);
        let down = place.modules[common..].iter().map(String::as_str);
        up.chain(down).chain([place.ident.as_str()]).collect::<Vec<_>>().join("::")
    }
}

/// Which Rust names are taken, and by what.
#[derive(Debug, Default)]
struct Taken(HashMap<String, Origin>);

impl Taken {
    fn place(&mut self, path: &Path, origin: &Origin) -> Result<Place, Error> {
        let mut modules = Vec::new();
        let mut proto = Vec::new();
        let packages = path.package.split('.').filter(|part| !part.is_empty());
        for part in packages.chain(path.parents.iter().map(String::as_str)) {
            proto.push(part);
            modules.push(module_ident(part));
            let module = Origin { file: origin.file.clone(), line: 0, name: proto.join(".") };
            // Many types share a module, as long as it stands for the same name.
            self.take(modules.join("::"), &module, true)?;
        }
        let ident = type_ident(&path.name);
        let whole = modules.iter().chain([&ident]).cloned().collect::<Vec<_>>().join("::");
        self.take(whole, origin, false)?;
        Ok(Place { modules, ident })
    }

    fn take(&mut self, rust_name: String, origin: &Origin, shared: bool) -> Result<(), Error> {
        match self.0.entry(rust_name) {
            Entry::Vacant(entry) => {
                entry.insert(origin.clone());
                Ok(())
            }
            Entry::Occupied(entry) if shared && entry.get().name == origin.name => Ok(()),
            Entry::Occupied(entry) => {
                let (origin, first, rust_name) = (origin.clone(), entry.get().clone().into(), entry.key().clone());
                Err(Error::NameClash { origin, first, rust_name })
            }
        }
    }
}

/// The name of a writer or enum: as it is, when rustc takes it for a type's name.
fn type_ident(name: &str) -> String {
    let camel = if is_camel_case(name) { name.to_owned() } else { start_with_letter(name.to_upper_camel_case()) };
    match camel.as_str() {
        // What the generated code itself calls by its bare name.
        "Self" | "FnOnce" => camel + "_",
        _ => camel,
    }
}

/// The name of a module.
fn module_ident(name: &str) -> String {
    let snake = start_with_letter(snake_case(name, ""));
    match snake.as_str() {
        // A module of the name of a primitive type would hide it.
        "bool" | "str" | "char" | "u8" | "u16" | "u32" | "u64" | "u128" | "usize" | "i8" | "i16" | "i32" | "i64"
        | "i128" | "isize" | "f32" | "f64" => snake + "_",
        _ => escape(snake),
    }
}

/// The name of a setter.
pub(super) fn method_ident(prefix: &str, name: &str) -> String {
    format!("{prefix}{}", snake_case(name, prefix))
}

/// The name of the constant with a field's number.
pub(super) fn number_ident(name: &str) -> String {
    let upper = start_with_letter(snake_case(name, "")).to_ascii_uppercase();
    format!("{upper}_FIELD_NUMBER")
}

/// The name of what remembers whether a field or oneof has been written.
pub(super) fn flag(name: &str) -> String {
    format!("{}_written", snake_case(name, "").trim_matches('_'))
}

/// The name of an enum value's constant: as it is in the .proto file.
pub(super) fn const_ident(name: &str) -> String {
    match name {
        "_" | "value" | "from_value" => format!("{name}_"),
        _ => escape(name.to_owned()),
    }
}

/// The name as it is, when rustc takes it (behind `prefix`) for snake case.
fn snake_case(name: &str, prefix: &str) -> String {
    let whole = format!("{prefix}{name}");
    let trimmed = whole.trim_matches('_');
    let snake = !trimmed.is_empty() && !trimmed.contains("__") && !name.contains(|c: char| c.is_ascii_uppercase());
    if snake { name.to_owned() } else { name.to_snake_case() }
}

/// rustc's own rule.
fn is_camel_case(name: &str) -> bool {
    let name = name.trim_matches('_');
    let bytes = name.as_bytes();
    let odd = |w: &[u8]| w[1] == b'_' && (w[0].is_ascii_alphabetic() || w[2].is_ascii_alphabetic());
    bytes.first().is_some_and(u8::is_ascii_uppercase) && !name.contains("__") && !bytes.windows(3).any(odd)
}

/// What changing the case may have taken away.
fn start_with_letter(name: String) -> String {
    match name.as_bytes().first() {
        None => "x".to_owned(),
        Some(c) if c.is_ascii_digit() => format!("_{name}"),
        Some(_) => name,
    }
}

/// A keyword becomes a raw identifier, or gets a `_` behind it where that is not allowed.
fn escape(name: String) -> String {
    match name.as_str() {
        "self" | "Self" | "super" | "crate" | "_" => name + "_",
        _ if KEYWORDS.contains(&name.as_str()) => format!("r#{name}"),
        _ => name,
    }
}

#[rustfmt::skip]
const KEYWORDS: [&str; 48] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else", "enum",
    "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move",
    "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_keep_their_names_when_rustc_allows_them() {
        for (proto, rust) in [
            ("TrackEvent", "TrackEvent"),
            ("_TrackEvent", "_TrackEvent"),
            ("HTTPServer", "HTTPServer"),
            ("track_event", "TrackEvent"),
            ("Track_Event", "TrackEvent"),
            ("V2_1", "V2_1"),
            ("Self", "Self_"),
            ("FnOnce", "FnOnce_"),
            ("_", "x"),
            ("_1st", "_1st"),
        ] {
            assert_eq!(type_ident(proto), rust, "{proto}");
        }
    }

    #[test]
    fn modules_and_methods_are_in_snake_case() {
        for (proto, rust) in [
            ("TrackEvent", "track_event"),
            ("protos", "protos"),
            ("type", "r#type"),
            ("Self", "self_"),
            ("Bool", "bool_"),
            ("GPUEvent", "gpu_event"),
            ("_1st", "_1st"),
            ("__", "x"),
        ] {
            assert_eq!(module_ident(proto), rust, "{proto}");
        }
        for (proto, rust) in [
            ("type", "set_type"),
            ("threadName", "set_thread_name"),
            ("_x", "set_x"),
            ("x_", "set_x_"),
            ("a__b", "set_a_b"),
            ("UUID", "set_uuid"),
            ("x1_y2", "set_x1_y2"),
        ] {
            assert_eq!(method_ident("set_", proto), rust, "{proto}");
        }
    }

    #[test]
    fn constants_keep_their_names() {
        for (proto, rust) in
            [("TYPE_A", "TYPE_A"), ("kFoo", "kFoo"), ("true", "r#true"), ("self", "self_"), ("value", "value_")]
        {
            assert_eq!(const_ident(proto), rust, "{proto}");
        }
    }
}
