//! The rules of fields.

use std::collections::HashMap;

use super::extensions::is_message_set;
use super::ranges::{Ranges, reserved_names};
use super::{Checker, find, is_map, option};
use crate::error::{Error, Origin};
use crate::ir::Scalar;
use crate::parse::{Field, Label, Message, Syntax, TypeRef};
use crate::resolve::join;

/// 2^29 - 1: what a tag of 32 bits has room for.
const MAX_FIELD_NUMBER: u64 = 536_870_911;

impl Checker<'_> {
    pub(super) fn fields(&mut self, name: &str, message: &Message) -> Result<(), Error> {
        let whole = self.origin(message.pos, name.to_owned());
        self.options("MessageOptions", name, &message.options)?;
        for statement in &message.range_options {
            self.options("ExtensionRangeOptions", name, &statement.options)?;
        }
        if let (Syntax::Proto3, Some(range)) = (&self.file.syntax, message.extension_ranges.first()) {
            let origin = Origin { line: range.line, ..whole };
            return Err(Error::invalid(origin, "ranges for extensions are not allowed in proto3"));
        }
        if is_message_set(message) && (!message.fields.is_empty() || message.extension_ranges.is_empty()) {
            return Err(Error::invalid(whole, "expected a message set to have extensions and no fields"));
        }
        let ranges = Ranges::new(&whole, 1..=max_number(message), &message.reserved, &message.extension_ranges)?;
        self.declarations(&whole, message)?;
        let mut numbers: HashMap<u64, &Field> = HashMap::new();
        for field in &message.fields {
            let full_name = join(name, &field.name);
            let invalid = |text: String| Err(Error::invalid(self.origin(field.pos, full_name.clone()), text));
            if let Some(text) = bad_number(field.number) {
                return invalid(text);
            }
            if let Some(first) = numbers.insert(field.number, field) {
                let first = format!("`{}` in line {}", first.name, first.pos.line);
                return invalid(format!("field number {} is already used by {first}", field.number));
            }
            if let Some(text) = ranges.violation(i128::from(field.number)) {
                return invalid(format!("field number {} {text}", field.number));
            }
            self.field(&full_name, field)?;
        }
        self.reserved_field_names(name, message)?;
        self.json_names(name, message)?;
        self.oneofs(name, message)
    }

    fn reserved_field_names(&self, name: &str, message: &Message) -> Result<(), Error> {
        let reserved = reserved_names(&self.origin(message.pos, name.to_owned()), &message.reserved_names)?;
        match message.fields.iter().find(|field| reserved.contains(field.name.as_str())) {
            Some(field) => Err(Error::invalid(self.origin(field.pos, join(name, &field.name)), "the name is reserved")),
            None => Ok(()),
        }
    }

    fn oneofs(&self, name: &str, message: &Message) -> Result<(), Error> {
        for oneof in &message.oneofs {
            self.options("OneofOptions", &join(name, &oneof.name), &oneof.options)?;
        }
        let mut fields = vec![0; message.oneofs.len()];
        for oneof in message.fields.iter().filter_map(|field| field.oneof) {
            fields[oneof] += 1;
        }
        match fields.iter().position(|&count| count == 0) {
            Some(empty) => {
                let oneof = &message.oneofs[empty];
                let origin = self.origin(oneof.pos, join(name, &oneof.name));
                Err(Error::invalid(origin, "expected at least one field in the oneof, found none"))
            }
            None => Ok(()),
        }
    }

    /// An extension, which lies in `scope`.
    pub(super) fn extension_type(
        &mut self,
        scope: &str,
        full_name: &str,
        field: &Field,
        origin: Origin,
    ) -> Result<(), Error> {
        if let Some(text) = bad_number_reserved(field.number) {
            return Err(Error::invalid(origin, text));
        }
        self.field_in(scope, full_name, field)
    }

    fn field(&mut self, full_name: &str, field: &Field) -> Result<(), Error> {
        let message = full_name.rsplit_once('.').map_or("", |(message, _)| message);
        self.field_in(message, full_name, field)
    }

    /// Its type is looked for from `scope` outwards.
    fn field_in(&mut self, scope: &str, full_name: &str, field: &Field) -> Result<(), Error> {
        let origin = self.origin(field.pos, full_name.to_owned());
        if let Some(text) = self.bad_label(field) {
            return Err(Error::invalid(origin, text));
        }
        self.options("FieldOptions", full_name, &field.options)?;
        if self.file.syntax == Syntax::Proto3 && option(&field.options, "default").is_some() {
            return Err(Error::invalid(origin, "default values are not allowed in proto3"));
        }
        match &field.type_ref {
            TypeRef::Scalar(_) => {}
            TypeRef::Named(name) => self.field_type(scope, full_name, field, name)?,
            TypeRef::Map(key, value) => self.map(scope, full_name, field, key, value)?,
            TypeRef::Group(name) => {
                if let Some(text) = self.bad_group(name) {
                    return Err(Error::invalid(origin, text));
                }
            }
        }
        if let Some(option) = find(&field.options, "default") {
            if let Some(text) = self.bad_default(full_name, field, &option.value) {
                return Err(Error::invalid(self.option_origin(full_name, option), text));
            }
        }
        match self.misplaced_option(full_name, field).or_else(|| self.bad_enum(full_name, field)) {
            Some(text) => Err(Error::invalid(origin, text)),
            None => Ok(()),
        }
    }

    /// What is wrong with an enum as its type, if anything is.
    fn bad_enum(&self, full_name: &str, field: &Field) -> Option<String> {
        let (name, _) = self.checked.resolved.types.get(full_name)?;
        let (unit, enumeration) = self.types.enums.get(name)?;
        if self.file.syntax == Syntax::Proto3 && self.types.sources.units[*unit].file.syntax == Syntax::Proto2 {
            return Some(format!("expected an enum of proto3 in a message of proto3, found `{name}`"));
        }
        let first = enumeration.values.first().filter(|first| is_map(&field.type_ref) && first.number != 0)?;
        let number = first.number;
        Some(format!("expected 0 as the first value of an enum in a map, found {number} in `{name}`"))
    }

    fn bad_label(&self, field: &Field) -> Option<String> {
        let proto3 = self.file.syntax == Syntax::Proto3;
        match field.label {
            _ if is_map(&field.type_ref) && field.oneof.is_some() => Some("a map cannot be in a oneof".to_owned()),
            Some(_) if is_map(&field.type_ref) => Some("a map has no label".to_owned()),
            Some(Label::Required) if proto3 => Some("required fields are not allowed in proto3".to_owned()),
            None if !proto3 && field.oneof.is_none() && !is_map(&field.type_ref) => {
                Some("expected `optional`, `required` or `repeated`, found no label".to_owned())
            }
            _ => None,
        }
    }

    fn bad_group(&self, name: &str) -> Option<String> {
        if self.file.syntax == Syntax::Proto3 {
            return Some("groups are not allowed in proto3".to_owned());
        }
        let upper = name.starts_with(|c: char| c.is_ascii_uppercase());
        (!upper).then(|| format!("expected the name of a group to begin with a capital letter, found `{name}`"))
    }

    fn field_type(&mut self, scope: &str, full_name: &str, field: &Field, name: &str) -> Result<(), Error> {
        let resolved = self.resolve(scope, name);
        let resolved = resolved.map_err(|hint| self.unresolved(field.pos, full_name, name, &hint))?;
        self.checked.resolved.types.insert(full_name.to_owned(), resolved);
        Ok(())
    }

    fn map(
        &mut self,
        scope: &str,
        full_name: &str,
        field: &Field,
        key: &TypeRef,
        value: &TypeRef,
    ) -> Result<(), Error> {
        let origin = self.origin(field.pos, full_name.to_owned());
        if !matches!(key, TypeRef::Scalar(scalar) if Scalar::can_be_key(*scalar)) {
            return Err(Error::invalid(origin, "expected a map key that is an integer, bool or string"));
        }
        match value {
            TypeRef::Scalar(_) => Ok(()),
            TypeRef::Named(name) => self.field_type(scope, full_name, field, name),
            TypeRef::Map(..) | TypeRef::Group(_) => Err(Error::invalid(origin, "a map's value cannot be a map")),
        }
    }
}

/// Of the fields and extensions of `message`. An item of a message set has its number within a varint.
pub(crate) fn max_number(message: &Message) -> i128 {
    if is_message_set(message) { i128::from(i32::MAX) - 1 } else { i128::from(MAX_FIELD_NUMBER) }
}

/// What is wrong with the number of a field, if anything is.
pub(crate) fn bad_number(number: u64) -> Option<String> {
    match number {
        1..=MAX_FIELD_NUMBER => bad_number_reserved(number),
        _ => Some(format!("expected a field number from 1 to {MAX_FIELD_NUMBER}, found {number}")),
    }
}

fn bad_number_reserved(number: u64) -> Option<String> {
    (19_000..=19_999)
        .contains(&number)
        .then(|| format!("field number {number} is in 19000 to 19999, which protobuf keeps for itself"))
}
