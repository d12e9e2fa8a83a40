//! The rules of extensions.

use std::collections::hash_map::Entry;

use super::declarations::Declared;
use super::ranges::Ranges;
use super::{Checker, find, is_map, option};
use crate::error::{Error, Origin};
use crate::parse::{Extend, Field, Label, Message, Syntax};
use crate::resolve::{Symbol, join};

impl Checker<'_> {
    pub(super) fn extends(&mut self, scope: &str, extends: &[Extend]) -> Result<(), Error> {
        for extend in extends {
            let extendee = self.message_named(scope, &extend.extendee, extend.pos, &extend.extendee)?;
            for field in &extend.fields {
                self.extension(scope, &extendee, field)?;
            }
        }
        Ok(())
    }

    fn extension(&mut self, scope: &str, extendee: &str, field: &Field) -> Result<(), Error> {
        let full_name = join(scope, &field.name);
        let origin = self.origin(field.pos, full_name.clone());
        let custom_option = extendee.starts_with("google.protobuf.") && extendee.ends_with("Options");
        if self.file.syntax == Syntax::Proto3 && !custom_option {
            return Err(Error::invalid(origin, "extensions in proto3 are only allowed for custom options"));
        }
        if field.label == Some(Label::Required) || is_map(&field.type_ref) {
            return Err(Error::invalid(origin, "an extension can be neither required nor a map"));
        }
        if let Some(option) = find(&field.options, "json_name") {
            let text = "an extension has no `json_name`: its full name is written";
            return Err(Error::invalid(self.option_origin(&full_name, option), text));
        }
        self.extension_number(extendee, field, &origin)?;
        self.extension_type(scope, &full_name, field, origin.clone())?;
        self.message_set_item(extendee, &full_name, field, &origin)?;
        let declared = self.extension_ranges.get(extendee).map(|(_, declared)| declared);
        if let Some(text) = declared.and_then(|declared| self.against_declaration(declared, scope, field)) {
            return Err(Error::invalid(origin, text));
        }
        self.checked.resolved.extendees.insert(full_name, extendee.to_owned());
        if custom_option {
            self.note(origin, "custom options are ignored");
        }
        Ok(())
    }

    fn extension_number(&mut self, extendee: &str, field: &Field, origin: &Origin) -> Result<(), Error> {
        let number = i128::from(field.number);
        let Some((unit, message)) = self.types.messages.get(extendee) else { return Ok(()) };
        let (ranges, _) = match self.extension_ranges.entry(extendee.to_owned()) {
            Entry::Occupied(ranges) => ranges.into_mut(),
            Entry::Vacant(entry) => {
                let file = self.types.sources.units[*unit].name.clone();
                let whole = Origin { file, line: message.pos.line, name: extendee.to_owned() };
                let limits = 1..=super::fields::max_number(message);
                let ranges = Ranges::new(&whole, limits, &[], &message.extension_ranges)?;
                entry.insert((ranges, Declared::new(message)))
            }
        };
        if ranges.violation(number).is_none() {
            let text = format!("expected a number that `{extendee}` has for extensions, found {number}");
            return Err(Error::invalid(origin.clone(), text));
        }
        // Of two files, that do not know each other, it is not an error.
        match self.extension_numbers.insert((extendee.to_owned(), field.number), origin.clone()) {
            Some(first) if first.file == origin.file => {
                let text = format!("number {number} of `{extendee}` is already used by {first}");
                Err(Error::invalid(origin.clone(), text))
            }
            _ => Ok(()),
        }
    }

    fn message_set_item(&self, extendee: &str, full_name: &str, field: &Field, origin: &Origin) -> Result<(), Error> {
        let set = self.types.messages.get(extendee).is_some_and(|(_, message)| is_message_set(message));
        let message = self.is_a(full_name, Symbol::Message) && field.label == Some(Label::Optional);
        if set && !message {
            return Err(Error::invalid(origin.clone(), "an extension of a message set is an optional message"));
        }
        Ok(())
    }
}

pub(super) fn is_message_set(message: &Message) -> bool {
    option(&message.options, "message_set_wire_format") == Some("true")
}
