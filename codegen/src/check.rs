//! The rules of the language that the parser does not check, and what this version cannot write.
//!
//! All types are resolved on the way.

mod declarations;
mod defaults;
mod enums;
mod extensions;
mod fields;
mod json;
mod misplaced;
mod options;
mod ranges;
mod services;
mod types;
mod values;

use std::collections::{HashMap, HashSet};

use self::declarations::Declared;
pub(crate) use self::fields::{bad_number, max_number};
use self::ranges::Ranges;
use self::types::Types;
use crate::error::{Error, Origin};
use crate::load::{self, Sources, Unit};
use crate::observer::{Phase, Watch};
use crate::parse::{File, MAX_DEPTH, Message, Opt, Pos, Syntax, TypeRef};
use crate::resolve::{Symbol, join};

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

/// What the names in declarations mean.
#[derive(Debug, Default)]
pub(crate) struct Resolved {
    /// The types that the fields name: full field name → full type name.
    pub(crate) types: HashMap<String, (String, Symbol)>,
    /// The messages that are extended: full name of the extension → full name of the message.
    pub(crate) extendees: HashMap<String, String>,
}

#[derive(Debug, Default)]
pub(crate) struct Checked {
    pub(crate) resolved: Resolved,
    pub(crate) notes: Vec<Note>,
}

/// Checks all files.
pub(crate) fn check(sources: &Sources, watch: Watch<'_>) -> Result<Checked, Error> {
    for unit in &sources.units {
        check_head(unit, &unit.file)?;
    }
    let types = Types::new(sources)?;
    let standard = load::builtin("google/protobuf/descriptor.proto")?;
    let standard = Types::new(&standard)?;
    let mut extension_ranges = HashMap::new();
    let mut extension_numbers = HashMap::new();
    let mut checked = Checked::default();
    for (index, unit) in sources.units.iter().enumerate() {
        let file = &unit.file;
        let mut checker = Checker {
            index,
            unit,
            file,
            types: &types,
            standard: &standard,
            extension_ranges: &mut extension_ranges,
            extension_numbers: &mut extension_numbers,
            checked: &mut checked,
        };
        watch.phase(Phase::Check, &unit.name, || checker.file())?;
    }
    Ok(checked)
}

fn check_head(unit: &Unit, file: &File) -> Result<(), Error> {
    let origin = |name: &str| Origin { file: unit.name.clone(), line: file.syntax_line, name: name.to_owned() };
    if let Syntax::Edition(edition) = &file.syntax {
        let message = "expected the syntax \"proto2\" or \"proto3\"; editions are read from descriptor sets".to_owned();
        return Err(Error::Unsupported { origin: origin(&format!("edition {edition}")), message });
    }
    if file.package.split('.').count() > MAX_DEPTH {
        return Err(Error::invalid(origin("package"), format!("expected at most {MAX_DEPTH} parts, found more")));
    }
    if file.package.len() > MAX_PACKAGE_LEN {
        return Err(Error::invalid(origin("package"), format!("expected at most {MAX_PACKAGE_LEN} bytes, found more")));
    }
    Ok(())
}

/// As in protoc.
const MAX_PACKAGE_LEN: usize = 511;

/// Checks one file.
struct Checker<'a> {
    index: usize,
    unit: &'a Unit,
    file: &'a File,
    types: &'a Types<'a>,
    /// Those of descriptor.proto, whether it is imported or not.
    standard: &'a Types<'a>,
    /// The ranges for extensions of the messages that have been extended so far, and what is declared of them.
    extension_ranges: &'a mut HashMap<String, (Ranges, Declared)>,
    /// The extensions so far: of which message, by which number.
    extension_numbers: &'a mut HashMap<(String, u64), Origin>,
    checked: &'a mut Checked,
}

impl Checker<'_> {
    fn file(&mut self) -> Result<(), Error> {
        let file = self.file;
        self.options("FileOptions", &file.package, &file.options)?;
        self.imports(file)?;
        for message in &file.messages {
            self.message(&file.package, message)?;
        }
        for enumeration in &file.enums {
            self.enumeration(&file.package, enumeration)?;
        }
        self.extends(&file.package, &file.extends)?;
        file.services.iter().try_for_each(|service| self.service(service))
    }

    fn imports(&self, file: &File) -> Result<(), Error> {
        let mut names = HashSet::new();
        match file.imports.iter().find(|import| !names.insert(import.name.as_str())) {
            Some(twice) => {
                let text = format!("import `{}` is there twice", twice.name);
                Err(Error::syntax(&self.unit.name, twice.line, text))
            }
            None => Ok(()),
        }
    }

    fn message(&mut self, scope: &str, message: &Message) -> Result<(), Error> {
        let name = join(scope, &message.name);
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

    fn origin(&self, pos: Pos, name: String) -> Origin {
        Origin { file: self.unit.name.clone(), line: pos.line, name }
    }

    fn note(&mut self, origin: Origin, message: &str) {
        self.checked.notes.push(Note { origin, message: message.to_owned() });
    }

    /// The type that `name` means within `scope`. Fails with the name of the file that has it, if one has.
    fn resolve(&self, scope: &str, name: &str) -> Result<(String, Symbol), Option<String>> {
        let found = self.types.symbols.resolve(self.index, scope, name);
        found.map_err(|error| error.declared_in.map(|unit| self.types.sources.units[unit].name.clone()))
    }

    /// The message that `name` means within `scope`, for what is declared there as `full_name`.
    fn message_named(&self, scope: &str, name: &str, pos: Pos, full_name: &str) -> Result<String, Error> {
        let (found, symbol) = self.resolve(scope, name).map_err(|hint| self.unresolved(pos, full_name, name, &hint))?;
        if symbol == Symbol::Message && self.types.symbols.find(self.index, scope, name).as_ref() == Some(&found) {
            return Ok(found);
        }
        let what = if symbol == Symbol::Enum { "the enum" } else { "what is no type:" };
        Err(Error::invalid(
            self.origin(pos, full_name.to_owned()),
            format!("expected a message, found {what} `{name}`"),
        ))
    }

    fn unresolved(&self, pos: Pos, full_name: &str, type_name: &str, declared_in: &Option<String>) -> Error {
        let message = match declared_in {
            Some(file) => {
                format!("type `{type_name}` is declared in `{file}`, which `{}` does not import", self.unit.name)
            }
            None => format!("type `{type_name}` is not found"),
        };
        Error::invalid(self.origin(pos, full_name.to_owned()), message)
    }
}

/// The value of a plain option, as written.
pub(crate) fn option<'a>(options: &'a [Opt], name: &str) -> Option<&'a str> {
    find(options, name).map(|option| option.value.as_str())
}

fn find<'a>(options: &'a [Opt], name: &str) -> Option<&'a Opt> {
    options.iter().find(|option| option.name == name)
}

fn is_map(type_ref: &TypeRef) -> bool {
    matches!(type_ref, TypeRef::Map(..))
}
