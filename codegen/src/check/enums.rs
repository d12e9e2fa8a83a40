//! The rules of enums.

use std::collections::HashMap;

use super::ranges::Ranges;
use super::{Checker, option};
use crate::error::Error;
use crate::parse::{Enum, Syntax, Value};
use crate::resolve::join;

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
        let limits = i128::from(i32::MIN)..=i128::from(i32::MAX);
        let ranges = Ranges::new(&whole, limits.clone(), &enumeration.reserved, &[])?;
        let alias = match option(&enumeration.options, "allow_alias") {
            None | Some("false") => false,
            Some("true") => true,
            Some(other) => {
                return Err(Error::invalid(
                    whole,
                    format!("expected `allow_alias` to be true or false, found `{other}`"),
                ));
            }
        };
        let mut numbers: HashMap<i128, &Value> = HashMap::new();
        let reserved: std::collections::HashSet<_> =
            enumeration.reserved_names.iter().map(|r| r.name.as_str()).collect();
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
        }
        Ok(())
    }
}
