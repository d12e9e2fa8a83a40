//! The names that fields have in JSON.

use std::collections::HashMap;

use super::options::text_of;
use super::{Checker, find, option};
use crate::error::Error;
use crate::parse::{Field, Message, Opt, Syntax};
use crate::resolve::{camel_case, join};

impl Checker<'_> {
    /// Two fields must not have one name. proto2 allows it where one of them is not set by an option.
    pub(super) fn json_names(&self, full_name: &str, message: &Message) -> Result<(), Error> {
        let strict = self.file.syntax == Syntax::Proto3;
        let legacy = option(&message.options, "deprecated_legacy_json_field_conflicts") == Some("true");
        let mut defaults: HashMap<String, &Field> = HashMap::new();
        let mut names: HashMap<String, (&Field, bool)> = HashMap::new();
        for field in &message.fields {
            let custom = find(&field.options, "json_name");
            let default = camel_case(&field.name, false);
            let name = custom.map_or_else(|| default.clone(), text_of);
            if let Some(option) = custom {
                self.json_name(&join(full_name, &field.name), option, &name, legacy)?;
            }
            let custom = name != default;
            let (first, first_custom) = *names.entry(name.clone()).or_insert((field, custom));
            let clash = !std::ptr::eq(first, field) && (strict || first_custom && custom);
            let clash = clash.then_some((first, &name));
            let clash_of_defaults = defaults.insert(default.clone(), field).filter(|_| strict);
            if let Some((first, name)) = clash.or(clash_of_defaults.map(|first| (first, &default))).filter(|_| !legacy)
            {
                let text =
                    format!("name `{name}` in json is already that of `{}` in line {}", first.name, first.pos.line);
                return Err(Error::invalid(self.origin(field.pos, join(full_name, &field.name)), text));
            }
        }
        Ok(())
    }

    fn json_name(&self, full_name: &str, option: &Opt, name: &str, legacy: bool) -> Result<(), Error> {
        let bad = name.contains('\0') || !legacy && name.starts_with('[') && name.ends_with(']');
        if !bad {
            return Ok(());
        }
        let text = "expected a `json_name` without zero bytes and not in `[` and `]`";
        Err(Error::invalid(self.option_origin(full_name, option), text))
    }
}
