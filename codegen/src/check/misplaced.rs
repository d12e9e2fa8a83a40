//! Options of fields that only some types have.

use super::{Checker, option};
use crate::ir::Scalar;
use crate::parse::{Field, Label, TypeRef};
use crate::resolve::Symbol;

impl Checker<'_> {
    /// What is wrong with the options of a field whose type is resolved, if anything is.
    pub(super) fn misplaced_option(&self, full_name: &str, field: &Field) -> Option<String> {
        let bad = self.bad_packed(full_name, field).or_else(|| self.bad_lazy(full_name, field));
        bad.or_else(|| bad_jstype(field))
    }

    fn bad_packed(&self, full_name: &str, field: &Field) -> Option<String> {
        let value = option(&field.options, "packed")?;
        let scalar = match &field.type_ref {
            TypeRef::Scalar(scalar) => scalar.can_be_packed(),
            TypeRef::Named(_) => self.is_a(full_name, Symbol::Enum),
            _ => false,
        };
        let can = scalar && field.label == Some(Label::Repeated);
        (value == "true" && !can).then(|| "only repeated numbers, bools and enums can be packed".to_owned())
    }

    fn bad_lazy(&self, full_name: &str, field: &Field) -> Option<String> {
        let set = |name: &&&str| option(&field.options, name) == Some("true");
        let name = ["lazy", "unverified_lazy"].iter().find(set)?;
        let message = match &field.type_ref {
            TypeRef::Scalar(_) | TypeRef::Group(_) => false,
            TypeRef::Named(_) => self.is_a(full_name, Symbol::Message),
            TypeRef::Map(..) => true,
        };
        (!message).then(|| format!("only messages can be `{name}`"))
    }

    pub(super) fn is_a(&self, full_name: &str, symbol: Symbol) -> bool {
        self.checked.resolved.types.get(full_name).is_some_and(|(_, found)| *found == symbol)
    }
}

fn bad_jstype(field: &Field) -> Option<String> {
    option(&field.options, "jstype").filter(|value| *value != "JS_NORMAL")?;
    use Scalar::{Fixed64, Int64, Sfixed64, Sint64, Uint64};
    let long = matches!(field.type_ref, TypeRef::Scalar(Fixed64 | Int64 | Sfixed64 | Sint64 | Uint64));
    (!long).then(|| "only integers of 64 bits have a `jstype`".to_owned())
}
