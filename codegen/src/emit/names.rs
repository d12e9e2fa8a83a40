//! From protobuf names to Rust names.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use crate::error::{Error, Origin};
use crate::externs::Externs;
use crate::ir::{EnumId, Extension, Field, Kind, MessageId, Path, Schema};
use crate::names::{method_ident, module_ident, type_ident};

/// The place of a type in the output.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The modules around it, from the root of the output.
    pub(crate) modules: Vec<String>,
    pub(crate) ident: String,
}

impl Place {
    /// From the root of the output.
    pub(crate) fn path(&self) -> String {
        let modules = self.modules.iter().map(String::as_str);
        modules.chain([self.ident.as_str()]).collect::<Vec<_>>().join("::")
    }
}

/// The extensions of one message that are declared in one scope.
#[derive(Debug)]
pub(crate) struct Extensions {
    /// Of their trait.
    pub(crate) place: Place,
    pub(crate) extendee: MessageId,
    pub(crate) members: Vec<Member>,
}

/// An extension of a trait.
#[derive(Debug)]
pub(crate) struct Member {
    /// The index in [`Schema::extensions`].
    pub(crate) index: usize,
    /// The name of its method.
    pub(crate) method: String,
}

/// The places of all types that are wanted.
#[derive(Debug)]
pub(crate) struct Names<'a> {
    schema: &'a Schema,
    externs: &'a Externs,
    messages: HashMap<MessageId, Place>,
    enums: HashMap<EnumId, Place>,
    pub(crate) extensions: Vec<Extensions>,
}

impl<'a> Names<'a> {
    /// Fails when two types, or a module and another, would be one.
    pub(crate) fn new(schema: &'a Schema, externs: &'a Externs) -> Result<Self, Error> {
        let mut taken = Taken::default();
        let mut names =
            Self { schema, externs, messages: HashMap::new(), enums: HashMap::new(), extensions: Vec::new() };
        for (id, message) in schema.messages.iter().enumerate().filter(|(_, m)| m.wanted) {
            names.messages.insert(MessageId(id), taken.place(&message.path, &message.doc.origin)?);
        }
        for (id, enumeration) in schema.enums.iter().enumerate().filter(|(_, e)| e.wanted) {
            names.enums.insert(EnumId(id), taken.place(&enumeration.path, &enumeration.doc.origin)?);
        }
        let mut groups: HashMap<_, usize> = HashMap::new();
        let mut inherent: HashMap<_, HashSet<String>> = HashMap::new();
        for (index, extension) in schema.extensions.iter().enumerate().filter(|(_, e)| e.wanted) {
            let scope = (extension.extendee, &extension.package, &extension.parents);
            let inherent = inherent.entry(extension.extendee);
            let inherent =
                inherent.or_insert_with_key(|extendee| schema.messages[extendee.0].fields.iter().map(method).collect());
            let member = Member { index, method: extension_method(&extension.field, inherent) };
            match groups.entry(scope) {
                Entry::Occupied(group) => names.extensions[*group.get()].members.push(member),
                Entry::Vacant(group) => {
                    group.insert(names.extensions.len());
                    names.extensions.push(Extensions {
                        place: taken.place(&trait_path(schema, extension), &extension.field.doc.origin)?,
                        extendee: extension.extendee,
                        members: vec![member],
                    });
                }
            }
        }
        Ok(names)
    }

    pub(crate) fn message(&self, id: MessageId) -> Option<&Place> {
        self.messages.get(&id)
    }

    pub(crate) fn enumeration(&self, id: EnumId) -> Option<&Place> {
        self.enums.get(&id)
    }

    /// The path of a type, seen from within `modules`.
    pub(crate) fn path_from(&self, modules: &[String], kind: &Kind) -> String {
        let place = match kind {
            Kind::Message(id) | Kind::Group(id) => self.message(*id),
            Kind::Enum(id) => self.enumeration(*id),
            Kind::Scalar(_) | Kind::Map(..) => None,
        };
        let Some(place) = place else { return self.extern_path(kind) };
        let common = modules.iter().zip(&place.modules).take_while(|(a, b)| a == b).count();
        let up = std::iter::repeat_n("super", modules.len() - common);
        let down = place.modules[common..].iter().map(String::as_str);
        up.chain(down).chain([place.ident.as_str()]).collect::<Vec<_>>().join("::")
    }
}

impl Names<'_> {
    /// The path of a type that is generated elsewhere.
    fn extern_path(&self, kind: &Kind) -> String {
        let path = match kind {
            Kind::Message(id) | Kind::Group(id) => &self.schema.messages[id.0].path,
            Kind::Enum(id) => &self.schema.enums[id.0].path,
            Kind::Scalar(_) | Kind::Map(..) => return String::new(),
        };
        self.externs.find(path).unwrap_or_default()
    }
}

/// The name of the method that writes `field` of a message.
pub(crate) fn method(field: &Field) -> String {
    method_ident(if field.cardinality.is_plural() { "add_" } else { "set_" }, &field.name)
}

/// The name of the method that writes an extension of a message with `inherent` methods. Rust prefers those, without a word: one of
/// the same name would never be called.
fn extension_method(field: &Field, inherent: &HashSet<String>) -> String {
    let mut name = method(field);
    while inherent.contains(&name) {
        name.push_str("_extension");
    }
    name
}

/// Of the trait of `extension` and its like.
fn trait_path(schema: &Schema, extension: &Extension) -> Path {
    let name = format!("{}Extensions", schema.messages[extension.extendee.0].path.name);
    Path { package: extension.package.clone(), parents: extension.parents.clone(), name }
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
