//! The rules of the language that the parser does not check, and what this version cannot write.
//!
//! All types are resolved on the way.

mod enums;
mod fields;
mod ranges;

use std::collections::HashMap;

use crate::error::{Error, Origin};
use crate::load::{Sources, Unit};
use crate::observer::{Phase, Watch};
use crate::parse::{Extend, File, MAX_DEPTH, Message, Opt, Pos, Syntax, TypeRef};
use crate::resolve::{Symbol, Symbols, join};

/// Something that was left out. The output is complete without it, except for what it names.
///
/// Displays as `shapes.proto:12: shapes.Circle.center: groups are not supported, left out`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What was left out.
    pub origin: Origin,
    /// Why.
    pub message: String,
}

impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.origin, self.message)
    }
}

/// The types that the fields name: full field name → full type name.
pub(crate) type Types = HashMap<String, (String, Symbol)>;

#[derive(Debug, Default)]
pub(crate) struct Checked {
    pub(crate) types: Types,
    pub(crate) notes: Vec<Note>,
}

/// Checks all files.
pub(crate) fn check(sources: &Sources, skip_unsupported: bool, watch: Watch<'_>) -> Result<Checked, Error> {
    for unit in &sources.units {
        check_head(unit, &unit.file)?;
    }
    let symbols = Symbols::new(sources)?;
    let mut checked = Checked::default();
    for (index, unit) in sources.units.iter().enumerate() {
        let file = &unit.file;
        let mut checker = Checker {
            sources,
            symbols: &symbols,
            index,
            unit,
            file,
            skip_unsupported,
            checked: &mut checked,
        };
        watch.phase(Phase::Check, &unit.name, || checker.file())?;
    }
    Ok(checked)
}

fn check_head(unit: &Unit, file: &File) -> Result<(), Error> {
    let origin = |name: &str| Origin {
        file: unit.name.clone(),
        line: file.syntax_line,
        name: name.to_owned(),
    };
    if let Syntax::Edition(edition) = &file.syntax {
        let message = "editions are not supported, expected the syntax \"proto2\" or \"proto3\"".to_owned();
        return Err(Error::Unsupported {
            origin: origin(&format!("edition {edition}")),
            message,
        });
    }
    if file.package.split('.').count() > MAX_DEPTH {
        return Err(Error::invalid(
            origin("package"),
            format!("expected at most {MAX_DEPTH} parts, found more"),
        ));
    }
    Ok(())
}

/// Checks one file.
struct Checker<'a> {
    sources: &'a Sources,
    symbols: &'a Symbols,
    index: usize,
    unit: &'a Unit,
    file: &'a File,
    skip_unsupported: bool,
    checked: &'a mut Checked,
}

impl Checker<'_> {
    fn file(&mut self) -> Result<(), Error> {
        let file = self.file;
        for message in &file.messages {
            self.message(&file.package, message)?;
        }
        for enumeration in &file.enums {
            self.enumeration(&file.package, enumeration)?;
        }
        self.extends(&file.package, &file.extends)?;
        for service in &file.services {
            let origin = self.origin(service.pos, join(&file.package, &service.name));
            self.note(origin, "services are ignored");
        }
        Ok(())
    }

    fn message(&mut self, scope: &str, message: &Message) -> Result<(), Error> {
        let name = join(scope, &message.name);
        if option(&message.options, "message_set_wire_format") == Some("true") {
            self.unsupported(self.origin(message.pos, name.clone()), "message sets are not supported")?;
        }
        self.fields(&name, message)?;
        self.extends(&name, &message.extends)?;
        for nested in &message.messages {
            self.message(&name, nested)?;
        }
        for enumeration in &message.enums {
            self.enumeration(&name, enumeration)?;
        }
        Ok(())
    }

    fn extends(&mut self, scope: &str, extends: &[Extend]) -> Result<(), Error> {
        for extend in extends {
            let extendee = self.resolve(scope, &extend.extendee);
            let extendee =
                extendee.map_err(|hint| self.unresolved(extend.pos, &extend.extendee, &extend.extendee, &hint))?;
            let option = extendee.0.starts_with("google.protobuf.") && extendee.0.ends_with("Options");
            for field in &extend.fields {
                let origin = self.origin(field.pos, join(scope, &field.name));
                if option {
                    self.note(origin, "custom options are ignored");
                } else {
                    self.unsupported(origin, &format!("extensions (of {}) are not supported", extendee.0))?;
                }
            }
        }
        Ok(())
    }

    fn origin(&self, pos: Pos, name: String) -> Origin {
        Origin {
            file: self.unit.name.clone(),
            line: pos.line,
            name,
        }
    }

    fn note(&mut self, origin: Origin, message: &str) {
        self.checked.notes.push(Note {
            origin,
            message: message.to_owned(),
        });
    }

    /// An error, or a note when the caller wants to go on without.
    fn unsupported(&mut self, origin: Origin, message: &str) -> Result<(), Error> {
        if !self.skip_unsupported {
            return Err(Error::Unsupported {
                origin,
                message: message.to_owned(),
            });
        }
        self.note(origin, &format!("{message}, left out"));
        Ok(())
    }

    /// The type that `name` means within `scope`. Fails with the name of the file that has it, if one has.
    fn resolve(&self, scope: &str, name: &str) -> Result<(String, Symbol), Option<String>> {
        let found = self.symbols.resolve(self.index, scope, name);
        found.map_err(|error| error.declared_in.map(|unit| self.sources.units[unit].name.clone()))
    }

    fn unresolved(&self, pos: Pos, full_name: &str, type_name: &str, declared_in: &Option<String>) -> Error {
        let message = match declared_in {
            Some(file) => format!(
                "type `{type_name}` is declared in `{file}`, which `{}` does not import",
                self.unit.name
            ),
            None => format!("type `{type_name}` is not found"),
        };
        Error::invalid(self.origin(pos, full_name.to_owned()), message)
    }
}

/// The value of a plain option, as written.
pub(crate) fn option<'a>(options: &'a [Opt], name: &str) -> Option<&'a str> {
    options
        .iter()
        .find(|option| option.name == name)
        .map(|option| option.value.as_str())
}

fn is_map(type_ref: &TypeRef) -> bool {
    matches!(type_ref, TypeRef::Map(..))
}
