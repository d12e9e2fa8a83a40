//! What a range for extensions declares that its extensions are.

use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;

use super::{Checker, option};
use crate::error::{Error, Origin};
use crate::ir::Scalar;
use crate::parse::{Content, Entry, Field, Label, Message, Opt, Range, TypeRef, int_value, unescape};
use crate::resolve::join;

/// `declaration = { number: 1, full_name: ".p.x", type: ".p.M" }`
#[derive(Debug)]
struct Declaration {
    line: u32,
    number: i128,
    full_name: Option<String>,
    ty: Option<String>,
    reserved: bool,
    repeated: bool,
}

impl Declaration {
    /// Those in `options`, which have been checked.
    fn all(options: &[Opt]) -> impl Iterator<Item = Self> + '_ {
        let entries = options.iter().filter(|option| option.name == "declaration");
        entries.filter_map(|option| option.entries.as_deref().map(|entries| Self::new(option.line, entries)))
    }

    fn new(line: u32, entries: &[Entry]) -> Self {
        let value = |name| {
            let found = entries.iter().find(|entry| entry.name == name)?;
            if let Content::Scalar(text) = &found.content { Some(text.as_str()) } else { None }
        };
        let string = |name| value(name).map(|text| unescape(text).unwrap_or_default());
        let is_set = |name| value(name).is_some_and(|text| matches!(text, "true" | "True" | "t" | "1"));
        Self {
            line,
            number: value("number").and_then(int_value).unwrap_or(0),
            full_name: string("full_name"),
            ty: string("type"),
            reserved: is_set("reserved"),
            repeated: is_set("repeated"),
        }
    }

    /// What is wrong with it in itself, if anything is.
    fn bad(&self) -> Option<String> {
        let number = self.number;
        let (name, ty) = match (&self.full_name, &self.ty) {
            (None, None) if self.reserved => return None,
            (Some(name), Some(ty)) => (name, ty),
            _ => return Some(format!("the declaration of {number} needs both `full_name` and `type`")),
        };
        let scalar = ty == "enum" || Scalar::from_name(ty).is_some();
        let bad = [name].into_iter().chain(Some(ty).filter(|_| !scalar)).find(|name| !is_full_name(name))?;
        Some(format!("expected a full name with a dot in front in the declaration of {number}, found `{bad}`"))
    }
}

fn is_full_name(name: &str) -> bool {
    let part = |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_');
    name.strip_prefix('.').is_some_and(|name| name.split('.').all(part))
}

/// What the extensions of a message are declared to be.
#[derive(Debug)]
pub(super) struct Declared {
    /// Where all have to be declared; sorted.
    ranges: Vec<RangeInclusive<i128>>,
    by_number: HashMap<i128, Declaration>,
}

impl Declared {
    pub(super) fn new(message: &Message) -> Self {
        let (mut ranges, mut by_number) = (Vec::new(), HashMap::new());
        for statement in &message.range_options {
            let before = by_number.len();
            by_number.extend(Declaration::all(&statement.options).map(|declaration| (declaration.number, declaration)));
            if by_number.len() > before || option(&statement.options, "verification") == Some("DECLARATION") {
                ranges.extend(message.extension_ranges[statement.ranges.clone()].iter().map(numbers));
            }
        }
        ranges.sort_by_key(|range| *range.start());
        Self { ranges, by_number }
    }

    fn must(&self, number: i128) -> bool {
        let behind = self.ranges.partition_point(|range| *range.start() <= number);
        behind.checked_sub(1).is_some_and(|index| self.ranges[index].contains(&number))
    }
}

fn numbers(range: &Range) -> RangeInclusive<i128> {
    range.first..=range.last.unwrap_or(i128::MAX)
}

/// What is wrong with the declarations of a range, if anything is, and in which line; `names` are those before.
fn bad_declaration(range: &Range, options: &[Opt], names: &mut HashSet<String>) -> Option<(u32, String)> {
    let mut declared = HashSet::new();
    for declaration in Declaration::all(options) {
        let number = declaration.number;
        let bad = if !numbers(range).contains(&number) {
            Some(format!("a declaration is of {number}, which is not in the range"))
        } else if !declared.insert(number) {
            Some(format!("number {number} is declared twice"))
        } else {
            let twice = declaration.full_name.clone().filter(|name| !names.insert(name.clone()));
            declaration.bad().or_else(|| twice.map(|name| format!("extension `{name}` is declared twice")))
        };
        if let Some(text) = bad {
            return Some((declaration.line, text));
        }
    }
    let unverified = !declared.is_empty() && option(options, "verification") == Some("UNVERIFIED");
    unverified.then(|| (range.line, "a range that declares extensions cannot be `UNVERIFIED`".to_owned()))
}

impl Checker<'_> {
    /// Checks what the ranges of a message declare.
    pub(super) fn declarations(&self, origin: &Origin, message: &Message) -> Result<(), Error> {
        let mut names = HashSet::new();
        for statement in &message.range_options {
            for range in &message.extension_ranges[statement.ranges.clone()] {
                if let Some((line, text)) = bad_declaration(range, &statement.options, &mut names) {
                    return Err(Error::invalid(Origin { line, ..origin.clone() }, text));
                }
            }
        }
        Ok(())
    }

    /// What is wrong with an extension by what its message declares, if anything is.
    pub(super) fn against_declaration(&self, declared: &Declared, scope: &str, field: &Field) -> Option<String> {
        let number = i128::from(field.number);
        if !declared.must(number) {
            return None;
        }
        let Some(declaration) = declared.by_number.get(&number) else {
            return Some(format!("number {number} is not declared in its range, whose extensions all are"));
        };
        if declaration.reserved {
            return Some(format!("number {number} is declared to be reserved"));
        }
        let label = |repeated| if repeated { "repeated" } else { "not repeated" };
        let pairs = [
            (declaration.full_name.clone().unwrap_or_default(), format!(".{}", join(scope, &field.name))),
            (declaration.ty.clone().unwrap_or_default(), self.declared_type(scope, field)),
            (label(declaration.repeated).to_owned(), label(field.label == Some(Label::Repeated)).to_owned()),
        ];
        let (expected, found) = pairs.into_iter().find(|(expected, found)| expected != found)?;
        Some(format!("number {number} is declared to be `{expected}`, found `{found}`"))
    }

    /// The type of a field as declarations write it.
    fn declared_type(&self, scope: &str, field: &Field) -> String {
        match &field.type_ref {
            TypeRef::Scalar(scalar) => scalar.name().to_owned(),
            TypeRef::Group(name) => format!(".{}", join(scope, name)),
            _ => {
                let resolved = self.checked.resolved.types.get(&join(scope, &field.name));
                resolved.map_or_else(String::new, |(name, _)| format!(".{name}"))
            }
        }
    }
}
