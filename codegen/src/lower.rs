//! From declarations to what is generated from.

use std::collections::HashMap;

use crate::check::{Types, option};
use crate::error::{Error, Origin};
use crate::frontend::Parsed;
use crate::ir::{self, Cardinality, Doc, EnumId, Kind, MessageId, Path, Schema};
use crate::load::Unit;
use crate::observer::{Phase, Watch};
use crate::parse::{Comments, Enum, Field, Label, Message, Opt, Pos, Syntax, TypeRef};
use crate::resolve::{Symbol, join};

/// Lowers all files, and marks what is wanted.
pub(crate) fn lower(parsed: &Parsed, watch: Watch<'_>) -> Result<Schema, Error> {
    let mut ids = Ids::default();
    for unit in &parsed.sources.units {
        ids.take_up(&unit.file.package, &unit.file.messages, &unit.file.enums);
    }
    let mut schema = Schema::default();
    for unit in &parsed.sources.units {
        let mut lowering = Lowering {
            unit,
            types: &parsed.types,
            ids: &ids,
            schema: &mut schema,
            parents: Vec::new(),
        };
        watch.phase(Phase::Lower, &unit.name, || {
            lowering.types(&unit.file.messages, &unit.file.enums)
        })?;
    }
    let inputs = parsed.sources.units.iter().filter(|unit| unit.input);
    schema.files = inputs.map(|unit| unit.name.clone()).collect();
    want_what_is_needed(&mut schema);
    Ok(schema)
}

/// The id of each full name, in the order in which [`Lowering`] pushes.
#[derive(Debug, Default)]
struct Ids {
    messages: HashMap<String, MessageId>,
    enums: HashMap<String, EnumId>,
}

impl Ids {
    fn take_up(&mut self, scope: &str, messages: &[Message], enums: &[Enum]) {
        for message in messages {
            let name = join(scope, &message.name);
            self.messages.insert(name.clone(), MessageId(self.messages.len()));
            self.take_up(&name, &message.messages, &message.enums);
        }
        for enumeration in enums {
            self.enums
                .insert(join(scope, &enumeration.name), EnumId(self.enums.len()));
        }
    }
}

struct Lowering<'a> {
    unit: &'a Unit,
    types: &'a Types,
    ids: &'a Ids,
    schema: &'a mut Schema,
    /// The names of the messages around, outermost first.
    parents: Vec<String>,
}

impl Lowering<'_> {
    fn types(&mut self, messages: &[Message], enums: &[Enum]) -> Result<(), Error> {
        for message in messages {
            self.message(message)?;
        }
        for enumeration in enums {
            let lowered = self.enumeration(enumeration);
            self.schema.enums.push(lowered);
        }
        Ok(())
    }

    fn message(&mut self, message: &Message) -> Result<(), Error> {
        let path = self.path(&message.name);
        let full_name = path.full_name();
        let fields = message
            .fields
            .iter()
            .filter_map(|field| self.field(&full_name, field).transpose());
        let fields = fields.collect::<Result<Vec<_>, _>>()?;
        let oneofs = oneofs(message, &fields);
        let doc = self.doc(full_name, message.pos, &message.comments, &message.options);
        self.schema.messages.push(ir::Message {
            path,
            doc,
            fields,
            oneofs,
            wanted: self.unit.wanted,
        });
        self.parents.push(message.name.clone());
        self.types(&message.messages, &message.enums)?;
        self.parents.pop();
        Ok(())
    }

    fn path(&self, name: &str) -> Path {
        Path {
            package: self.unit.file.package.clone(),
            parents: self.parents.clone(),
            name: name.to_owned(),
        }
    }

    fn doc(&self, name: String, pos: Pos, comments: &Comments, options: &[Opt]) -> Doc {
        Doc {
            origin: Origin {
                file: self.unit.name.clone(),
                line: pos.line,
                name,
            },
            comment: comment(comments),
            deprecated: option(options, "deprecated") == Some("true"),
        }
    }

    /// `None` for a group: only those get here that are to be left out.
    fn field(&self, message: &str, field: &Field) -> Result<Option<ir::Field>, Error> {
        let full_name = join(message, &field.name);
        let Some(kind) = self.kind(&full_name, &field.type_ref)? else {
            return Ok(None);
        };
        let number = u32::try_from(field.number).map_err(|_| lost(&full_name))?;
        let cardinality = self.cardinality(field, &kind);
        let options = ["default", "packed"].into_iter();
        let options = options
            .filter_map(|name| Some(format!("{name} = {}", option(&field.options, name)?)))
            .collect();
        let doc = self.doc(full_name, field.pos, &field.comments, &field.options);
        let (name, oneof) = (field.name.clone(), field.oneof);
        Ok(Some(ir::Field {
            name,
            number,
            cardinality,
            kind,
            oneof,
            options,
            doc,
        }))
    }

    fn kind(&self, full_name: &str, type_ref: &TypeRef) -> Result<Option<Kind>, Error> {
        Ok(Some(match type_ref {
            TypeRef::Scalar(scalar) => Kind::Scalar(*scalar),
            TypeRef::Named(_) => self.named(full_name)?,
            TypeRef::Map(key, value) => {
                let (TypeRef::Scalar(key), Some(value)) = (&**key, self.kind(full_name, value)?) else {
                    return Err(lost(full_name));
                };
                Kind::Map(*key, Box::new(value))
            }
            TypeRef::Group => return Ok(None),
        }))
    }

    fn named(&self, full_name: &str) -> Result<Kind, Error> {
        let (name, symbol) = self.types.get(full_name).ok_or_else(|| lost(full_name))?;
        let kind = match symbol {
            Symbol::Message => self.ids.messages.get(name).copied().map(Kind::Message),
            Symbol::Enum => self.ids.enums.get(name).copied().map(Kind::Enum),
            Symbol::Other => None,
        };
        kind.ok_or_else(|| lost(full_name))
    }

    fn cardinality(&self, field: &Field, kind: &Kind) -> Cardinality {
        let can_be_packed = match kind {
            Kind::Scalar(scalar) => scalar.can_be_packed(),
            Kind::Enum(_) => true,
            Kind::Message(_) | Kind::Map(..) => false,
        };
        let packed = match option(&field.options, "packed") {
            Some(value) => value == "true",
            None => self.unit.file.syntax == Syntax::Proto3,
        };
        match field.label {
            _ if matches!(kind, Kind::Map(..)) => Cardinality::Map,
            None => Cardinality::Implicit,
            Some(Label::Optional) => Cardinality::Optional,
            Some(Label::Required) => Cardinality::Required,
            Some(Label::Repeated) if packed && can_be_packed => Cardinality::Packed,
            Some(Label::Repeated) => Cardinality::Repeated,
        }
    }

    fn enumeration(&self, enumeration: &Enum) -> ir::Enum {
        let path = self.path(&enumeration.name);
        let full_name = path.full_name();
        // Values are siblings of their enum.
        let scope = full_name.rsplit_once('.').map_or("", |(scope, _)| scope);
        // Out of 32 bits would have been refused.
        let values = enumeration.values.iter().map(|value| ir::Value {
            name: value.name.clone(),
            number: value.number as i32,
            doc: self.doc(join(scope, &value.name), value.pos, &value.comments, &value.options),
        });
        let values = values.collect();
        let doc = self.doc(
            path.full_name(),
            enumeration.pos,
            &enumeration.comments,
            &enumeration.options,
        );
        ir::Enum {
            path,
            doc,
            values,
            wanted: self.unit.wanted,
        }
    }
}

fn oneofs(message: &Message, fields: &[ir::Field]) -> Vec<ir::Oneof> {
    let empty = message.oneofs.iter().map(|oneof| ir::Oneof {
        name: oneof.name.clone(),
        comment: comment(&oneof.comments),
        fields: Vec::new(),
    });
    let mut oneofs: Vec<_> = empty.collect();
    for field in fields {
        if let Some(oneof) = field.oneof.and_then(|index| oneofs.get_mut(index)) {
            oneof.fields.push(field.name.clone());
        }
    }
    oneofs
}

fn lost(name: &str) -> Error {
    Error::Internal {
        message: format!("the type of {name} got lost"),
    }
}

fn comment(comments: &Comments) -> String {
    match (comments.leading.as_str(), comments.trailing.as_str()) {
        (leading, "") => leading.to_owned(),
        ("", trailing) => trailing.to_owned(),
        (leading, trailing) => format!("{leading}\n\n{trailing}"),
    }
}

/// What a wanted message has fields of is wanted too.
fn want_what_is_needed(schema: &mut Schema) {
    let wanted = schema.messages.iter().enumerate().filter(|(_, message)| message.wanted);
    let mut pending: Vec<_> = wanted.map(|(index, _)| index).collect();
    while let Some(index) = pending.pop() {
        for field in 0..schema.messages[index].fields.len() {
            let kind = match &schema.messages[index].fields[field].kind {
                Kind::Map(_, value) => &**value,
                kind => kind,
            };
            match *kind {
                Kind::Message(MessageId(id)) if !schema.messages[id].wanted => {
                    schema.messages[id].wanted = true;
                    pending.push(id);
                }
                Kind::Enum(EnumId(id)) => schema.enums[id].wanted = true,
                _ => {}
            }
        }
    }
}
