//! Which types are generated.

use std::collections::HashMap;

use crate::error::Error;
use crate::externs::Externs;
use crate::ir::{Enum, EnumId, Extension, Kind, Message, MessageId, Schema};

/// Marks what is wanted: the `roots`, or, when there are none, all of the wanted files; and what these need.
pub(crate) fn choose(schema: &mut Schema, roots: &[String], externs: &Externs) -> Result<(), Error> {
    if roots.is_empty() {
        want_extendees(schema);
    } else {
        want_roots(schema, roots)?;
    }
    let mut chooser = Chooser {
        messages: &mut schema.messages,
        enums: &mut schema.enums,
        extensions: HashMap::new(),
        externs,
        pending: Vec::new(),
    };
    for extension in schema.extensions.iter_mut().filter(|extension| extension.wanted) {
        chooser.extensions.entry(extension.extendee.0).or_default().push(extension);
    }
    chooser.start();
    chooser.follow();
    for message in &mut schema.messages {
        message.wanted &= externs.find(&message.path).is_none();
    }
    for enumeration in &mut schema.enums {
        enumeration.wanted &= externs.find(&enumeration.path).is_none();
    }
    for extension in &mut schema.extensions {
        extension.wanted = extension.chosen;
    }
    Ok(())
}

/// A custom option is written by compilers only: those who generate the options themselves get its writer.
fn want_extendees(schema: &mut Schema) {
    for extension in schema.extensions.iter().filter(|extension| extension.wanted) {
        let extendee = &mut schema.messages[extension.extendee.0];
        let option = extendee.path.package == "google.protobuf" && extendee.path.name.ends_with("Options");
        extendee.wanted |= !option;
    }
}

fn want_roots(schema: &mut Schema, roots: &[String]) -> Result<(), Error> {
    let messages: HashMap<_, _> = (schema.messages.iter().map(|m| m.path.full_name()).zip(0_usize..)).collect();
    let enums: HashMap<_, _> = (schema.enums.iter().map(|e| e.path.full_name()).zip(0_usize..)).collect();
    let extensions = schema.extensions.iter().map(|extension| extension.field.doc.origin.name.clone());
    let extensions: HashMap<_, _> = extensions.zip(0_usize..).collect();
    schema.messages.iter_mut().for_each(|message| message.wanted = false);
    schema.enums.iter_mut().for_each(|enumeration| enumeration.wanted = false);
    for root in roots {
        let name = root.trim_start_matches('.');
        match (messages.get(name), enums.get(name), extensions.get(name)) {
            (Some(&id), ..) => schema.messages[id].wanted = true,
            (_, Some(&id), _) => schema.enums[id].wanted = true,
            // Also one that is declared in a file which is no input; with what it extends.
            (.., Some(&id)) => {
                schema.extensions[id].wanted = true;
                schema.messages[schema.extensions[id].extendee.0].wanted = true;
            }
            (None, None, None) => return Err(Error::UnknownType { name: root.clone() }),
        }
    }
    Ok(())
}

struct Chooser<'a> {
    messages: &'a mut [Message],
    enums: &'a mut [Enum],
    /// Of the wanted files, by what they extend.
    extensions: HashMap<usize, Vec<&'a mut Extension>>,
    externs: &'a Externs,
    /// Messages that are wanted and whose fields and extensions have not been looked at.
    pending: Vec<usize>,
}

impl Chooser<'_> {
    fn start(&mut self) {
        let wanted = self.messages.iter().zip(0..).filter(|(message, _)| message.wanted);
        self.pending = wanted.map(|(_, index)| index).collect();
    }

    fn follow(&mut self) {
        while let Some(index) = self.pending.pop() {
            // An extension is wanted with its message.
            for extension in self.extensions.remove(&index).into_iter().flatten() {
                extension.chosen = true;
                self.want(&extension.field.kind);
            }
            // What is generated elsewhere needs nothing here.
            if self.externs.find(&self.messages[index].path).is_some() {
                continue;
            }
            let fields = std::mem::take(&mut self.messages[index].fields);
            fields.iter().for_each(|field| self.want(&field.kind));
            self.messages[index].fields = fields;
        }
    }

    fn want(&mut self, kind: &Kind) {
        match *kind {
            Kind::Map(_, ref value) => self.want(value),
            Kind::Message(MessageId(id)) | Kind::Group(MessageId(id)) => {
                if !std::mem::replace(&mut self.messages[id].wanted, true) {
                    self.pending.push(id);
                }
            }
            Kind::Enum(EnumId(id)) => self.enums[id].wanted = true,
            Kind::Scalar(_) => {}
        }
    }
}
