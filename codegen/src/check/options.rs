//! Options: that there are such, and their values. Here are those that descriptor.proto declares.

use std::collections::{HashMap, HashSet};

use super::Checker;
use crate::builtin;
use crate::error::{Error, Origin};
use crate::ir::Scalar;
use crate::parse::{self, Enum, Label, Message, Opt, TypeRef, unescape};
use crate::resolve::join;

/// By the full name within descriptor.proto: `FieldOptions.packed`.
#[derive(Debug)]
pub(super) struct Standard(HashMap<String, Declared>);

#[derive(Debug)]
struct Declared {
    value: Value,
    repeated: bool,
}

#[derive(Debug)]
enum Value {
    Bool,
    Text,
    /// One of these names.
    Enum(Vec<String>),
    /// It is not looked at.
    Other,
}

impl Standard {
    /// Those of the descriptor.proto that is built in.
    pub(super) fn new() -> Result<Self, Error> {
        let lost = || Error::Internal { message: "descriptor.proto got lost".to_owned() };
        let text = builtin::text("google/protobuf/descriptor.proto").ok_or_else(lost)?;
        let file = parse::parse(text).map_err(|_| lost())?;
        let mut all = HashMap::new();
        for message in file.messages.iter().filter(|message| message.name.ends_with("Options")) {
            for field in &message.fields {
                let value = Value::of(&field.type_ref, message, &file.enums);
                let repeated = field.label == Some(Label::Repeated);
                all.insert(join(&message.name, &field.name), Declared { value, repeated });
            }
        }
        // What the language has on fields besides.
        for (name, value) in [("default", Value::Other), ("json_name", Value::Text)] {
            all.insert(join("FieldOptions", name), Declared { value, repeated: false });
        }
        Ok(Self(all))
    }
}

impl Value {
    fn of(type_ref: &TypeRef, message: &Message, enums: &[Enum]) -> Self {
        match type_ref {
            TypeRef::Scalar(Scalar::Bool) => Self::Bool,
            TypeRef::Scalar(Scalar::String) => Self::Text,
            TypeRef::Named(name) => {
                let name = name.rsplit('.').next().unwrap_or(name);
                let found = message.enums.iter().chain(enums).find(|enumeration| enumeration.name == name);
                let names = found.map(|found| found.values.iter().map(|value| value.name.clone()).collect());
                names.map_or(Self::Other, Self::Enum)
            }
            _ => Self::Other,
        }
    }

    /// What is expected instead of `text`, if it is not such a value.
    fn expected(&self, text: &str) -> Option<String> {
        match self {
            Self::Bool if !matches!(text, "true" | "false") => Some("true or false".to_owned()),
            Self::Text if !is_string(text) => Some("a string".to_owned()),
            Self::Enum(names) if !names.iter().any(|name| name == text) => {
                Some(format!("one of `{}`", names.join("`, `")))
            }
            _ => None,
        }
    }
}

pub(super) fn is_string(text: &str) -> bool {
    text.starts_with(['"', '\''])
}

impl Checker<'_> {
    /// Checks the `options` of what is called `full_name`, of a file its package; they are those of the message `kind` of
    /// descriptor.proto.
    pub(super) fn options(&self, kind: &str, full_name: &str, options: &[Opt]) -> Result<(), Error> {
        let mut set = HashSet::new();
        for option in options {
            let bad = match option.name.starts_with('(') {
                true => self.bad_custom_option(kind, full_name, option, &mut set),
                false => self.bad_option(kind, option, &mut set),
            };
            if let Some(text) = bad {
                let name = if kind == "FileOptions" { "the file" } else { full_name };
                return Err(Error::invalid(self.option_origin(name, option), text));
            }
        }
        Ok(())
    }

    pub(super) fn option_origin(&self, full_name: &str, option: &Opt) -> Origin {
        Origin { file: self.unit.name.clone(), line: option.line, name: full_name.to_owned() }
    }

    /// What is wrong with one that is not custom, if anything is; `set` are those before.
    fn bad_option<'o>(&self, kind: &str, option: &'o Opt, set: &mut HashSet<&'o str>) -> Option<String> {
        let name = option.name.as_str();
        let first = name.split('.').next().unwrap_or(name);
        let declared = self.standard.0.get(&join(kind, first));
        let Some(declared) = declared.filter(|_| first != "uninterpreted_option") else {
            return Some(format!("expected an option of `{kind}` in descriptor.proto, found `{name}`"));
        };
        match first {
            "features" => return Some("features are allowed in editions only".to_owned()),
            "map_entry" => return Some("expected `map<…>` instead of the option `map_entry`".to_owned()),
            _ => {}
        }
        if !declared.repeated && !set.insert(name) {
            return Some(format!("option `{name}` is set twice"));
        }
        let expected = declared.value.expected(&option.value).filter(|_| first.len() == name.len())?;
        Some(format!("expected `{name}` to be {expected}, found `{}`", option.value))
    }
}

/// What a string among the options says.
pub(super) fn text_of(option: &Opt) -> String {
    unescape(&option.value).unwrap_or_else(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}
