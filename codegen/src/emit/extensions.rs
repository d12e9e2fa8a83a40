//! Extensions: a trait per message that is extended and scope that extends it, with one method per extension.

use std::collections::HashMap;

use super::docs::Docs;
use super::messages::{Fields, clash};
use super::names::{Extensions, Names};
use crate::error::Error;
use crate::ir::{Kind, Schema};

pub(super) fn extensions(schema: &Schema, names: &Names<'_>, group: &Extensions) -> Result<String, Error> {
    let extendee = &schema.messages[group.extendee.0];
    let ident = &group.place.ident;
    let modules = &group.place.modules;
    let full_name = extendee.path.full_name();
    let mut docs = Docs::default();
    docs.paragraph(&format!("Extensions of the message `{full_name}`."));
    let docs = docs.code();
    let fields = Fields { schema, names, modules, message: extendee };
    let mut taken = HashMap::new();
    let (mut declarations, mut implementations) = (String::new(), String::new());
    for member in &group.members {
        let field = &schema.extensions[member.index].field;
        let name = member.method.clone();
        let method = match extendee.message_set {
            true => fields.item(name, field, "self.raw()"),
            false => fields.method(name, field, "self.raw()"),
        };
        clash(&mut taken, &method.name, &field.doc.origin, ident)?;
        declarations.push_str(&method.declaration());
        implementations.push_str(&method.implementation());
    }
    let writer = names.path_from(modules, &Kind::Message(group.extendee));
    Ok(format!(
        "{docs}pub trait {ident} {{ {declarations} }}
        impl {ident} for {writer}<'_> {{ {implementations} }}"
    ))
}
