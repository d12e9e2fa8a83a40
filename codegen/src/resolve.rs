//! What a name in a .proto file means: protoc's rules.

mod visible;

use std::collections::{HashMap, HashSet};

use self::visible::UnitSet;
use crate::error::{Error, Origin};
use crate::load::{Sources, Unit};
use crate::parse::{Enum, Extend, Field, Label, Message, Pos, Syntax, TypeRef};

/// What is declared under a full name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Symbol {
    Message,
    Enum,
    /// No type, though names lie within.
    Service,
    /// A field, value or oneof: no type, and nothing lies within.
    Other,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    symbol: Symbol,
    unit: usize,
    line: u32,
}

/// All full names of all files.
#[derive(Debug, Default)]
pub(crate) struct Symbols {
    entries: HashMap<String, Entry>,
    /// The files of each package, and of each package around it.
    packages: HashMap<String, Vec<usize>>,
    /// Of each file: itself, what it imports, and what these import publicly.
    visible: Vec<UnitSet>,
}

impl Symbols {
    /// Takes up all names. Fails when one is declared twice.
    pub(crate) fn new(sources: &Sources) -> Result<Self, Error> {
        let mut symbols = Self { visible: visible::of(&sources.units), ..Self::default() };
        for (unit, source) in sources.units.iter().enumerate() {
            let mut scope = Scope { symbols: &mut symbols, units: &sources.units, unit };
            let file = &source.file;
            scope.package(&file.package);
            scope.types(&file.package, &file.messages, &file.enums)?;
            scope.extends(&file.package, &file.extends)?;
            for service in &file.services {
                let name = join(&file.package, &service.name);
                for method in &service.methods {
                    scope.add(join(&name, &method.name), Symbol::Other, method.pos)?;
                }
                scope.add(name, Symbol::Service, service.pos)?;
            }
        }
        symbols.check_packages(&sources.units)?;
        Ok(symbols)
    }

    /// A package must not be called as something else is.
    fn check_packages(&self, units: &[Unit]) -> Result<(), Error> {
        for (unit, source) in units.iter().enumerate() {
            let file = &source.file;
            for package in prefixes(&file.package) {
                if let Some(entry) = self.entries.get(package) {
                    let name = package.to_owned();
                    let first =
                        Origin { file: units[entry.unit].name.clone(), line: entry.line, name: name.clone() }.into();
                    let origin = Origin { file: units[unit].name.clone(), line: file.syntax_line, name };
                    return Err(Error::Duplicate { origin, first });
                }
            }
        }
        Ok(())
    }

    /// Finds the type that `name` means within `scope`, seen from the file `unit`.
    pub(crate) fn resolve(&self, unit: usize, scope: &str, name: &str) -> Result<(String, Symbol), Unresolved> {
        if let Some(absolute) = name.strip_prefix('.') {
            return self.type_at(unit, absolute.to_owned());
        }
        let first = name.split('.').next().unwrap_or(name);
        let mut hidden = None;
        for scope in prefixes(scope).chain([""]) {
            let candidate = join(scope, first);
            let whole = join(scope, name);
            if first.len() == name.len() {
                match self.type_at(unit, whole) {
                    Err(Unresolved { declared_in: Some(file) }) => hidden = hidden.or(Some(file)),
                    Err(_) => {}
                    found => return found,
                }
            } else if self.is_scope(unit, &candidate) {
                return self.type_at(unit, whole);
            } else if let Err(Unresolved { declared_in: Some(file) }) = self.type_at(unit, whole) {
                hidden = hidden.or(Some(file));
            }
        }
        Err(Unresolved { declared_in: hidden })
    }

    /// The full name of what `name` means within `scope` where it is not only types that count: for extensions and options, messages to
    /// extend, and those of methods.
    pub(crate) fn find(&self, unit: usize, scope: &str, name: &str) -> Option<String> {
        if let Some(absolute) = name.strip_prefix('.') {
            return Some(absolute.to_owned());
        }
        let (first, dotted) = name.split_once('.').map_or((name, false), |(first, _)| (first, true));
        let mut scopes = prefixes(scope).chain([""]);
        let found = scopes.find(|scope| {
            let candidate = join(scope, first);
            let entry = || self.entries.get(&candidate).is_some_and(|entry| self.is_visible(unit, entry.unit));
            if dotted { self.is_scope(unit, &candidate) } else { entry() }
        });
        found.map(|scope| join(scope, name))
    }

    /// Whether what the file `other` declares can be seen from the file `unit`.
    pub(crate) fn is_visible(&self, unit: usize, other: usize) -> bool {
        self.visible[unit].contains(other)
    }

    fn type_at(&self, unit: usize, name: String) -> Result<(String, Symbol), Unresolved> {
        match self.entries.get(&name) {
            Some(entry) if matches!(entry.symbol, Symbol::Service | Symbol::Other) => {
                Err(Unresolved { declared_in: None })
            }
            Some(entry) if self.visible[unit].contains(entry.unit) => Ok((name, entry.symbol)),
            Some(entry) => Err(Unresolved { declared_in: Some(entry.unit) }),
            None => Err(Unresolved { declared_in: None }),
        }
    }

    /// Whether more names lie within `name`: a type or service, or a package of a visible file.
    fn is_scope(&self, unit: usize, name: &str) -> bool {
        let visible = &self.visible[unit];
        let message = self.entries.get(name).is_some_and(|e| e.symbol != Symbol::Other && visible.contains(e.unit));
        message || self.packages.get(name).is_some_and(|units| units.iter().any(|unit| visible.contains(*unit)))
    }
}

/// No type of that name can be seen.
#[derive(Debug)]
pub(crate) struct Unresolved {
    /// The file that declares it, when that is not imported.
    pub(crate) declared_in: Option<usize>,
}

/// Taking up the names of one file.
struct Scope<'a> {
    symbols: &'a mut Symbols,
    units: &'a [Unit],
    unit: usize,
}

impl Scope<'_> {
    fn package(&mut self, package: &str) {
        for package in prefixes(package) {
            self.symbols.packages.entry(package.to_owned()).or_default().push(self.unit);
        }
    }

    fn add(&mut self, name: String, symbol: Symbol, pos: Pos) -> Result<(), Error> {
        let entry = Entry { symbol, unit: self.unit, line: pos.line };
        let Some(first) = self.symbols.entries.insert(name.clone(), entry) else {
            return Ok(());
        };
        let first = Origin { file: self.units[first.unit].name.clone(), line: first.line, name: name.clone() }.into();
        let origin = Origin { file: self.units[self.unit].name.clone(), line: pos.line, name };
        Err(Error::Duplicate { origin, first })
    }

    fn types(&mut self, scope: &str, messages: &[Message], enums: &[Enum]) -> Result<(), Error> {
        for message in messages {
            self.message(scope, message)?;
        }
        for enumeration in enums {
            self.add(join(scope, &enumeration.name), Symbol::Enum, enumeration.pos)?;
            // Values are siblings of their enum, as in C++.
            for value in &enumeration.values {
                self.add(join(scope, &value.name), Symbol::Other, value.pos)?;
            }
        }
        Ok(())
    }

    fn message(&mut self, scope: &str, message: &Message) -> Result<(), Error> {
        let name = join(scope, &message.name);
        self.add(name.clone(), Symbol::Message, message.pos)?;
        for field in &message.fields {
            self.field(&name, field)?;
        }
        for oneof in &message.oneofs {
            self.add(join(&name, &oneof.name), Symbol::Other, oneof.pos)?;
        }
        if self.units[self.unit].file.syntax == Syntax::Proto3 {
            for (index, oneof) in made_up_oneofs(message) {
                self.add(join(&name, &oneof), Symbol::Other, message.fields[index].pos)?;
            }
        }
        self.extends(&name, &message.extends)?;
        self.types(&name, &message.messages, &message.enums)
    }

    fn extends(&mut self, scope: &str, extends: &[Extend]) -> Result<(), Error> {
        for field in extends.iter().flat_map(|extend| &extend.fields) {
            self.add(join(scope, &field.name), Symbol::Other, field.pos)?;
        }
        Ok(())
    }

    fn field(&mut self, message: &str, field: &Field) -> Result<(), Error> {
        self.add(join(message, &field.name), Symbol::Other, field.pos)?;
        if let TypeRef::Map(..) = field.type_ref {
            self.add(join(message, &map_entry_name(&field.name)), Symbol::Other, field.pos)?;
        }
        Ok(())
    }
}

/// The oneofs that protoc makes up in proto3: of which field, and the name.
pub(crate) fn made_up_oneofs(message: &Message) -> Vec<(usize, String)> {
    let fields = message.fields.iter().map(|field| field.name.clone());
    let mut taken: HashSet<_> = fields.chain(message.oneofs.iter().map(|oneof| oneof.name.clone())).collect();
    let mut oneofs = Vec::new();
    for (index, field) in message.fields.iter().enumerate() {
        if field.label == Some(Label::Optional) && field.oneof.is_none() {
            let underscore = if field.name.starts_with('_') { "" } else { "_" };
            let mut name = format!("{underscore}{}", field.name);
            while !taken.insert(name.clone()) {
                name.insert(0, 'X');
            }
            oneofs.push((index, name));
        }
    }
    oneofs
}

/// The message that protoc makes up for the map field `field`.
pub(crate) fn map_entry_name(field: &str) -> String {
    camel_case(field, true) + "Entry"
}

/// `foo_bar` is `fooBar`; with `upper` it is `FooBar`.
pub(crate) fn camel_case(field: &str, mut upper: bool) -> String {
    let mut name = String::new();
    for c in field.chars() {
        if c == '_' {
            upper = true;
        } else {
            name.push(if upper { c.to_ascii_uppercase() } else { c });
            upper = false;
        }
    }
    name
}

pub(crate) fn join(scope: &str, name: &str) -> String {
    if scope.is_empty() { name.to_owned() } else { format!("{scope}.{name}") }
}

/// `a.b.c`, `a.b`, `a`; nothing for the empty name.
pub(crate) fn prefixes(name: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(name).filter(|name| !name.is_empty());
    std::iter::from_fn(move || {
        let current = rest?;
        rest = current.rfind('.').map(|dot| &current[..dot]);
        Some(current)
    })
}
