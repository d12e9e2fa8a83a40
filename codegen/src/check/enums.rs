//! The rules of enums.

use std::collections::HashMap;

use super::ranges::{Ranges, reserved_names};
use super::{Checker, find, option};
use crate::error::Error;
use crate::parse::{Enum, Syntax, Value};
use crate::resolve::{camel_case, join};

impl Checker<'_> {
    pub(super) fn enumeration(&mut self, scope: &str, enumeration: &Enum) -> Result<(), Error> {
        let whole = self.origin(enumeration.pos, join(scope, &enumeration.name));
        let Some(first) = enumeration.values.first() else {
            return Err(Error::invalid(whole, "expected at least one value, found none"));
        };
        if self.file.syntax == Syntax::Proto3 && first.number != 0 {
            let origin = self.origin(first.pos, join(scope, &first.name));
            let text = format!("expected 0 as the first value of a proto3 enum, found {}", first.number);
            return Err(Error::invalid(origin, text));
        }
        self.options("EnumOptions", &whole.name, &enumeration.options)?;
        let limits = i128::from(i32::MIN)..=i128::from(i32::MAX);
        let ranges = Ranges::new(&whole, limits.clone(), &enumeration.reserved, &[])?;
        let alias = option(&enumeration.options, "allow_alias") == Some("true");
        let mut numbers: HashMap<i128, &Value> = HashMap::new();
        let reserved = reserved_names(&whole, &enumeration.reserved_names)?;
        for value in &enumeration.values {
            let number = value.number;
            let invalid = |text: String| Err(Error::invalid(self.origin(value.pos, join(scope, &value.name)), text));
            if !limits.contains(&number) {
                return invalid(format!("expected a number of 32 bits, found {number}"));
            }
            if let (Some(first), false) = (numbers.insert(number, value), alias) {
                let text = format!("number {number} is already used by `{}` in line {}", first.name, first.pos.line);
                return invalid(text + ", and `allow_alias` is not set");
            }
            if let Some(text) = ranges.violation(number) {
                return invalid(format!("number {number} {text}"));
            }
            if reserved.contains(value.name.as_str()) {
                return invalid("the name is reserved".to_owned());
            }
            self.options("EnumValueOptions", &join(scope, &value.name), &value.options)?;
        }
        if find(&enumeration.options, "allow_alias").is_some() && numbers.len() == enumeration.values.len() {
            let text = "expected `allow_alias` where two values have one number, and there alone";
            return Err(Error::invalid(whole, text));
        }
        self.values_in_json(scope, enumeration)
    }

    /// Other languages, and JSON, leave the enum's name out of its values' and write them in another case.
    fn values_in_json(&self, scope: &str, enumeration: &Enum) -> Result<(), Error> {
        let mut names: HashMap<String, &Value> = HashMap::new();
        for value in &enumeration.values {
            let name = camel_case(&without_prefix(&enumeration.name, &value.name).to_ascii_lowercase(), true);
            let first = names.entry(name).or_insert(value);
            if first.number != value.number {
                let first = format!("`{}` in line {}", first.name, first.pos.line);
                let text = format!("is {first} but for its case and the enum's name in front");
                return Err(Error::invalid(self.origin(value.pos, join(scope, &value.name)), text));
            }
        }
        Ok(())
    }
}

/// `E_A` of `E` without `E_`, in whatever case; the whole, where nothing would remain.
fn without_prefix<'a>(enumeration: &str, value: &'a str) -> &'a str {
    let mut prefix = enumeration.bytes().filter(|&c| c != b'_').map(|c| c.to_ascii_lowercase()).peekable();
    let mut rest = value;
    while let (true, Some(found)) = (prefix.peek().is_some(), rest.bytes().next()) {
        if found != b'_' && prefix.next_if_eq(&found.to_ascii_lowercase()).is_none() {
            return value;
        }
        rest = &rest[1..];
    }
    let rest = rest.trim_start_matches('_');
    if prefix.peek().is_some() || rest.is_empty() { value } else { rest }
}
