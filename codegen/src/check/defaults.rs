//! Default values of fields.

use super::Checker;
use super::options::is_string;
use crate::ir::Scalar;
use crate::parse::{Field, Label, TypeRef, int_value};
use crate::resolve::Symbol;

impl Checker<'_> {
    /// What is wrong with the default of a field whose type is resolved, if anything is.
    pub(super) fn bad_default(&self, full_name: &str, field: &Field, text: &str) -> Option<String> {
        if field.label == Some(Label::Repeated) {
            return Some("a repeated field has no default".to_owned());
        }
        match &field.type_ref {
            TypeRef::Scalar(scalar) if is_of(*scalar, text) => None,
            TypeRef::Scalar(scalar) => Some(format!("expected a default of type `{}`, found `{text}`", scalar.name())),
            TypeRef::Named(_) => self.bad_default_of_type(full_name, text),
            TypeRef::Map(..) => Some("a map has no default".to_owned()),
            TypeRef::Group(_) => Some("a message has no default".to_owned()),
        }
    }

    fn bad_default_of_type(&self, full_name: &str, text: &str) -> Option<String> {
        let (name, symbol) = self.checked.resolved.types.get(full_name)?;
        if *symbol != Symbol::Enum {
            return Some("a message has no default".to_owned());
        }
        let (_, enumeration) = self.types.enums.get(name)?;
        let found = enumeration.values.iter().any(|value| value.name == text);
        (!found).then(|| format!("expected a value of `{name}` as default, found `{text}`"))
    }
}

/// Whether `text` is a value of such a field.
pub(super) fn is_of(scalar: Scalar, text: &str) -> bool {
    let within = |min: i128, max: i128| int_value(text).is_some_and(|value| (min..=max).contains(&value));
    let unsigned = !text.starts_with('-');
    match scalar {
        Scalar::Int32 | Scalar::Sint32 | Scalar::Sfixed32 => within(i32::MIN.into(), i32::MAX.into()),
        Scalar::Int64 | Scalar::Sint64 | Scalar::Sfixed64 => within(i64::MIN.into(), i64::MAX.into()),
        Scalar::Uint32 | Scalar::Fixed32 => unsigned && within(0, u32::MAX.into()),
        Scalar::Uint64 | Scalar::Fixed64 => unsigned && within(0, u64::MAX.into()),
        Scalar::Bool => matches!(text, "true" | "false"),
        Scalar::String | Scalar::Bytes => is_string(text),
        Scalar::Float | Scalar::Double => {
            let value = text.trim_start_matches('-');
            matches!(value, "inf" | "nan") || value.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        }
    }
}
