//! Options: that there are such, and their values.
//!
//! Those of descriptor.proto are looked for in the one that is built in, custom ones among the extensions of its messages.

use std::collections::HashSet;

use super::Checker;
use super::types::{MessageType, Target, Type};
use super::values::Bad;
use crate::error::{Error, Origin};
use crate::ir::Scalar;
use crate::parse::{Content, Entry, MAX_DEPTH, Opt, unescape};
use crate::resolve::join;

impl<'a> Checker<'a> {
    /// Checks the `options` of what is called `full_name`, of a file its package; they are those of the message `kind` of
    /// descriptor.proto.
    pub(super) fn options(&self, kind: &str, full_name: &str, options: &[Opt]) -> Result<(), Error> {
        let mut set = HashSet::new();
        for option in options {
            if let Err((line, text)) = self.option(kind, full_name, option, &mut set) {
                let name = if kind == "FileOptions" { "the file" } else { full_name };
                return Err(Error::invalid(Origin { line, ..self.option_origin(name, option) }, text));
            }
        }
        Ok(())
    }

    pub(super) fn option_origin(&self, full_name: &str, option: &Opt) -> Origin {
        Origin { file: self.unit.name.clone(), line: option.line, name: full_name.to_owned() }
    }

    /// Checks one; `set` is what those before have set.
    fn option(&self, kind: &str, full_name: &str, option: &Opt, set: &mut HashSet<String>) -> Result<(), Bad> {
        let bad = |text: String| Err((option.line, text));
        let parts = parts(&option.name);
        match parts[0] {
            "default" | "json_name" if kind == "FieldOptions" && parts.len() == 1 => return field_option(option, set),
            "features" => return bad("features are allowed in editions only".to_owned()),
            "map_entry" => return bad("expected `map<…>` instead of the option `map_entry`".to_owned()),
            // What has been set is remembered by its whole path.
            _ if parts.len() > MAX_DEPTH => return bad(format!("expected at most {MAX_DEPTH} parts, found more")),
            _ => {}
        }
        // The innermost name is not a scope of its own.
        let scope = if kind == "FileOptions" { full_name } else { full_name.rsplit_once('.').map_or("", |(s, _)| s) };
        let found = self.option_target(kind, scope, &parts).map_err(|text| (option.line, text))?;
        // What is wrong with a type is said where it is declared.
        let Some((target, path)) = found else { return Ok(()) };
        set_path(&path, target.repeated, option, set)?;
        self.option_value(kind, target.ty(), option)
    }

    /// What the `parts` of an option's name lead to, and the path there. Nothing, when a type on the way is not there.
    fn option_target(&self, kind: &str, scope: &str, parts: &[&str]) -> Result<Option<(Target<'a>, String)>, String> {
        let mut message = self.standard.message(&join("google.protobuf", kind));
        let mut path = String::new();
        for (index, part) in parts.iter().enumerate() {
            let Some(within) = message else { return Ok(None) };
            let target = self.option_field(scope, &within, part)?;
            path = format!("{path}/{}", target.name);
            if let Some(text) = target.bad_place(kind) {
                return Err(text);
            }
            if index + 1 == parts.len() {
                return Ok(Some((target, path)));
            }
            let name = || parts[..=index].join(".");
            message = match target.ty() {
                _ if target.repeated => {
                    return Err(format!("option `{}` is repeated, expected a whole value for it", name()));
                }
                Some(Type::Message(message)) => Some(message),
                Some(_) => return Err(format!("option `{}` is no message", name())),
                None => None,
            };
        }
        Ok(None)
    }

    /// The field or extension of `message` that `part` of an option's name means.
    fn option_field(&self, scope: &str, message: &MessageType<'a>, part: &str) -> Result<Target<'a>, String> {
        let short = message.name.strip_prefix("google.protobuf.").unwrap_or(&message.name);
        let Some(name) = part.strip_prefix('(').and_then(|part| part.strip_suffix(')')) else {
            let field = message.field(part).filter(|_| part != "uninterpreted_option");
            let known = if short == message.name { "a field" } else { "an option" };
            let place = if short == message.name { "" } else { " in descriptor.proto" };
            return field.ok_or_else(|| format!("expected {known} of `{short}`{place}, found `{part}`"));
        };
        let extension = self.types.extension(self.index, scope, name);
        let extension = extension.ok_or_else(|| format!("option `({name})` is not found"))?;
        if self.types.extends(extension, &message.name) {
            return Ok(extension.target(self.types));
        }
        Err(format!("option `({name})` extends `{}`, expected one of `{short}`", extension.extendee))
    }

    fn option_value(&self, kind: &str, ty: Option<Type<'a>>, option: &Opt) -> Result<(), Bad> {
        let (name, value) = (&option.name, &option.value);
        let text = match ty {
            Some(Type::Scalar(scalar)) if !super::defaults::is_of(scalar, value) => expected_type(name, scalar, value),
            Some(Type::Enum(_, enumeration)) if enumeration.values.iter().all(|known| known.name != *value) => {
                let names: Vec<_> = enumeration.values.iter().map(|value| value.name.as_str()).collect();
                format!("expected `{name}` to be one of `{}`, found `{value}`", names.join("`, `"))
            }
            Some(Type::Message(message)) => match &option.entries {
                Some(entries) => return self.message_value(kind, &message, entries, option.line),
                None => format!("expected `{name}` to be a `{}` in braces, found `{value}`", message.name),
            },
            _ => return Ok(()),
        };
        Err((option.line, text))
    }
}

/// `default` and `json_name`, which the language has on fields besides.
fn field_option(option: &Opt, set: &mut HashSet<String>) -> Result<(), Bad> {
    set_path(&option.name, false, option, set)?;
    let text = option.name == "default" || is_string(&option.value);
    if text { Ok(()) } else { Err((option.line, expected_type(&option.name, Scalar::String, &option.value))) }
}

/// `a`, `(b.c)` and `d` of `a.(b.c).d`.
fn parts(name: &str) -> Vec<&str> {
    let mut within = false;
    let split = move |c| {
        within = if within { c != ')' } else { c == '(' };
        c == '.' && !within
    };
    name.split(split).collect()
}

/// Notes that `option` sets what is at `path`, and all that it is within.
fn set_path(path: &str, repeated: bool, option: &Opt, set: &mut HashSet<String>) -> Result<(), Bad> {
    if !repeated && set.contains(path) {
        return Err((option.line, format!("option `{}` is set twice", option.name)));
    }
    set.extend(path.match_indices('/').map(|(at, _)| path[..at].to_owned()));
    set_entries(path.to_owned(), option.entries.as_deref().unwrap_or_default(), set);
    Ok(())
}

fn set_entries(path: String, entries: &[Entry], set: &mut HashSet<String>) {
    for entry in entries {
        let inner = if let Content::Message(inner) = &entry.content { inner.as_slice() } else { &[] };
        set_entries(format!("{path}/{}", entry.name), inner, set);
    }
    set.insert(path);
}

pub(super) fn expected_type(name: &str, scalar: Scalar, value: &str) -> String {
    format!("expected `{name}` to be of type `{}`, found `{value}`", scalar.name())
}

pub(super) fn is_string(text: &str) -> bool {
    text.starts_with(['"', '\''])
}

/// What a string among the options says.
pub(super) fn text_of(option: &Opt) -> String {
    unescape(&option.value).unwrap_or_else(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}
