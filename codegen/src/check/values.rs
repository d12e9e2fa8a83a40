//! Messages in text format, which are the values of options.

use std::collections::{HashMap, HashSet};

use super::Checker;
use super::defaults::is_of;
use super::options::{expected_type, is_string};
use super::types::{MessageType, Target, Type};
use crate::ir::Scalar;
use crate::parse::{Content, Entry, Label, int_value};

/// The line, and what is wrong there.
pub(super) type Bad = (u32, String);

impl<'a> Checker<'a> {
    /// Checks that `entries` are a `message`, which begins in `line`, in an option of `kind`.
    pub(super) fn message_value(
        &self,
        kind: &str,
        message: &MessageType<'a>,
        entries: &[Entry],
        line: u32,
    ) -> Result<(), Bad> {
        let mut set = HashSet::new();
        let mut oneofs = HashMap::new();
        for entry in entries {
            let bad = |text: String| Err((entry.line, text));
            if let Some(name) = entry.name.strip_prefix('[').filter(|name| name.contains('/')) {
                self.any_value(kind, message, name.trim_end_matches(']'), entry)?;
                continue;
            }
            let Some(target) = self.entry_field(message, &entry.name) else {
                if message.passes_over(&entry.name) {
                    continue;
                }
                return bad(format!("expected a field of `{}`, found `{}`", message.name, entry.name));
            };
            if !target.repeated && !set.insert(target.name.clone()) {
                return bad(format!("field `{}` is set twice", entry.name));
            }
            if let Some(first) = target.oneof.and_then(|oneof| oneofs.insert(oneof, &entry.name)) {
                return bad(format!("field `{}` is in a oneof with `{first}`, which is set", entry.name));
            }
            if let Some(text) = target.bad_place(kind) {
                return bad(text);
            }
            self.entry_value(kind, &target, entry)?;
        }
        let required =
            message.fields().iter().find(|field| field.label == Some(Label::Required) && !set.contains(&field.name));
        match required {
            Some(field) => Err((line, format!("expected the required field `{}` of `{}`", field.name, message.name))),
            None => Ok(()),
        }
    }

    fn entry_field(&self, message: &MessageType<'a>, name: &str) -> Option<Target<'a>> {
        let Some(name) = name.strip_prefix('[') else { return message.text_field(name) };
        let scope = message.name.rsplit_once('.').map_or("", |(scope, _)| scope);
        let extension = self.types.extension(self.index, scope, name.trim_end_matches(']'))?;
        self.types.extends(extension, &message.name).then(|| extension.target(self.types))
    }

    /// `[type.googleapis.com/a.B] { … }`
    fn any_value(&self, kind: &str, message: &MessageType<'a>, url: &str, entry: &Entry) -> Result<(), Bad> {
        let name = ["type.googleapis.com/", "type.googleprod.com/"].iter().find_map(|host| url.strip_prefix(host));
        let found = name.filter(|_| message.name == "google.protobuf.Any").and_then(|name| self.types.message(name));
        match (found, &entry.content) {
            (Some(found), Content::Message(entries)) => self.message_value(kind, &found, entries, entry.line),
            _ => Err((entry.line, format!("expected a field of `{}`, found `{}`", message.name, entry.name))),
        }
    }

    fn entry_value(&self, kind: &str, target: &Target<'a>, entry: &Entry) -> Result<(), Bad> {
        match &entry.content {
            Content::List(all) if target.repeated => {
                all.iter().try_for_each(|one| self.single_value(kind, target, entry, one))
            }
            one => self.single_value(kind, target, entry, one),
        }
    }

    fn single_value(&self, kind: &str, target: &Target<'a>, entry: &Entry, content: &Content) -> Result<(), Bad> {
        let name = &entry.name;
        let Some(ty) = target.ty() else { return Ok(()) };
        let text = match (ty, content) {
            (Type::Message(message), Content::Message(entries)) => {
                return self.message_value(kind, &message, entries, entry.line);
            }
            (Type::Message(message), _) => format!("expected `{name}` to be a `{}` in braces", message.name),
            (_, Content::Message(_)) => format!("expected `{name}` to be a single value, found a message"),
            (_, Content::List(_)) => format!("expected `{name}` to be a single value, found a list"),
            (Type::Scalar(scalar), Content::Scalar(value)) if !is_text_of(scalar, value) => {
                expected_type(name, scalar, value)
            }
            (Type::Enum(closed, enumeration), Content::Scalar(value)) => {
                let number = int_value(value).filter(|number| i32::try_from(*number).is_ok());
                let named = |known: &crate::parse::Value| known.name == *value || number == Some(known.number);
                if enumeration.values.iter().any(named) || !closed && number.is_some() {
                    return Ok(());
                }
                format!("expected `{name}` to be a value of `{}`, found `{value}`", enumeration.name)
            }
            _ => return Ok(()),
        };
        Err((entry.line, text))
    }
}

/// Whether `text` is a value of such a field, in text format.
fn is_text_of(scalar: Scalar, text: &str) -> bool {
    match scalar {
        Scalar::Bool => {
            matches!(text, "true" | "True" | "t" | "false" | "False" | "f")
                || matches!(int_value(text), Some(0 | 1)) && !text.starts_with('-')
        }
        Scalar::Float | Scalar::Double => {
            let value = text.trim_start_matches('-').to_ascii_lowercase();
            let octal = value.len() > 1 && value.starts_with('0') && value.bytes().all(|c| c.is_ascii_digit());
            let decimal = value.starts_with(|c: char| c.is_ascii_digit() || c == '.');
            matches!(value.as_str(), "inf" | "infinity" | "nan") || decimal && !octal && !value.starts_with("0x")
        }
        Scalar::String | Scalar::Bytes => is_string(text),
        _ => is_of(scalar, text),
    }
}
