//! Types that are generated elsewhere.

use crate::error::Error;
use crate::ir::{Path, Schema};
use crate::names::{module_ident, type_ident};

/// Prefixes of full names, and where what they begin is found.
#[derive(Debug, Default)]
pub(crate) struct Externs(Vec<(Vec<String>, String)>);

impl Externs {
    /// Fails when a Rust path is none.
    pub(crate) fn new(paths: &[(String, String)]) -> Result<Self, Error> {
        let mut externs = Vec::new();
        for (prefix, rust_path) in paths {
            if !is_from_anywhere(rust_path) {
                let expected = "expected the path of a Rust module or type that begins with `::` or `crate::`";
                return Err(Error::Config { message: format!("{expected} for `{prefix}`, found `{rust_path}`") });
            }
            let parts: Vec<_> = prefix.trim_start_matches('.').split('.').map(str::to_owned).collect();
            if parts.iter().any(String::is_empty) {
                let message = format!("expected a package or type for `{rust_path}`, found `{prefix}`");
                return Err(Error::Config { message });
            }
            externs.push((parts, rust_path.clone()));
        }
        // The longest first.
        externs.sort_by_key(|(parts, _): &(Vec<String>, String)| std::cmp::Reverse(parts.len()));
        Ok(Self(externs))
    }

    /// Fails when one of them begins the name of no type: it is mistyped.
    pub(crate) fn check(&self, schema: &Schema) -> Result<(), Error> {
        let types = schema.messages.iter().map(|message| &message.path).chain(schema.enums.iter().map(|e| &e.path));
        let mut unused: Vec<_> = self.0.iter().collect();
        for path in types {
            if unused.is_empty() {
                return Ok(());
            }
            let whole = parts(path);
            unused.retain(|(prefix, _)| !begins(&whole, prefix));
        }
        match unused.first() {
            Some((prefix, rust_path)) => {
                let found = format!("found `{}`, which begins the name of none", prefix.join("."));
                let message = format!("expected a package or type of the inputs for `{rust_path}`, {found}");
                Err(Error::Config { message })
            }
            None => Ok(()),
        }
    }

    /// The path of a type that is generated elsewhere.
    pub(crate) fn find(&self, path: &Path) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        let whole = parts(path);
        let (prefix, rust_path) = self.0.iter().find(|(prefix, _)| begins(&whole, prefix))?;
        if prefix.len() == whole.len() {
            return Some(rust_path.clone());
        }
        let inner = whole[prefix.len()..whole.len() - 1].iter().map(|module| module_ident(module));
        let parts: Vec<_> = [rust_path.clone()].into_iter().chain(inner).chain([type_ident(&path.name)]).collect();
        Some(parts.join("::"))
    }
}

/// Of the full name of a type.
fn parts(path: &Path) -> Vec<&str> {
    let package = path.package.split('.').filter(|part| !part.is_empty());
    package.chain(path.parents.iter().map(String::as_str)).chain([path.name.as_str()]).collect()
}

fn begins(whole: &[&str], prefix: &[String]) -> bool {
    whole.len() >= prefix.len() && whole[..prefix.len()] == *prefix
}

/// Whether it is a path, and the same one in every module of the output.
fn is_from_anywhere(rust_path: &str) -> bool {
    let Ok(path) = syn::parse_str::<syn::Path>(rust_path) else { return false };
    let plain = path.segments.iter().all(|segment| segment.arguments.is_none());
    plain && (path.leading_colon.is_some() || path.segments.first().is_some_and(|first| first.ident == "crate"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_wins() {
        let pairs = [("a.b", "::x"), ("a", "crate::y"), ("a.b.M.N", "::z::Other")];
        let externs = Externs::new(&pairs.map(|(a, b)| (a.to_owned(), b.to_owned()))).unwrap();
        let find = |package: &str, parents: &[&str], name: &str| {
            let parents = parents.iter().map(|&parent| parent.to_owned()).collect();
            externs.find(&Path { package: package.to_owned(), parents, name: name.to_owned() })
        };
        assert_eq!(find("a.b", &[], "M").as_deref(), Some("::x::M"));
        assert_eq!(find("a.b.type", &["Some"], "m_n").as_deref(), Some("::x::r#type::some::MN"));
        assert_eq!(find("a.c", &[], "M").as_deref(), Some("crate::y::c::M"));
        assert_eq!(find("a.b", &["M"], "N").as_deref(), Some("::z::Other"));
        assert_eq!(find("ab", &[], "M"), None);
    }
}
