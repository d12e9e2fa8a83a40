//! Custom options: extensions of what descriptor.proto has for options.

use std::collections::HashSet;

use super::Checker;
use super::defaults::is_of;
use super::types::Extension;
use crate::parse::{Label, Opt, TypeRef};
use crate::resolve::{join, prefixes};

impl Checker<'_> {
    /// What is wrong with a custom option in `scope`, if anything is; `set` are those before.
    pub(super) fn bad_custom_option<'o>(
        &self,
        kind: &str,
        scope: &str,
        option: &'o Opt,
        set: &mut HashSet<&'o str>,
    ) -> Option<String> {
        let (name, within) = option.name.strip_prefix('(')?.split_once(')')?;
        let Some(extension) = self.custom_option(scope, name) else {
            return Some(format!("option `({name})` is not found"));
        };
        let extendee = self.symbols.resolve(extension.unit, &extension.scope, extension.extendee);
        if extendee.is_ok_and(|(extendee, _)| extendee != format!("google.protobuf.{kind}")) {
            return Some(format!("option `({name})` extends `{}`, expected one of `{kind}`", extension.extendee));
        }
        if !within.is_empty() {
            return None;
        }
        if extension.field.label != Some(Label::Repeated) && !set.insert(&option.name) {
            return Some(format!("option `({name})` is set twice"));
        }
        match extension.field.type_ref {
            TypeRef::Scalar(scalar) if !is_of(scalar, &option.value) => {
                let ty = scalar.name();
                Some(format!("expected `({name})` to be of type `{ty}`, found `{}`", option.value))
            }
            _ => None,
        }
    }

    /// The extension that `name` means within `scope`.
    fn custom_option(&self, scope: &str, name: &str) -> Option<&Extension<'_>> {
        let candidates = match name.strip_prefix('.') {
            Some(absolute) => vec![absolute.to_owned()],
            None => prefixes(scope).chain([""]).map(|scope| join(scope, name)).collect(),
        };
        let found = candidates.iter().filter_map(|candidate| self.types.extensions.get(candidate));
        found.into_iter().find(|extension| self.symbols.is_visible(self.index, extension.unit))
    }
}
