//! Types that are generated elsewhere.

use crate::error::Error;
use crate::ir::Path;
use crate::names::{module_ident, type_ident};

/// Prefixes of full names, and where what they begin is found.
#[derive(Debug, Default)]
pub(crate) struct Externs(Vec<(Vec<String>, String)>);

impl Externs {
    /// Fails when a Rust path is none.
    pub(crate) fn new(paths: &[(String, String)]) -> Result<Self, Error> {
        let mut externs = Vec::new();
        for (prefix, rust_path) in paths {
            if syn::parse_str::<syn::Path>(rust_path).is_err() {
                let message = format!("expected the path of a Rust module or type for `{prefix}`, found `{rust_path}`");
                return Err(Error::Config { message });
            }
            let parts = prefix.split('.').filter(|part| !part.is_empty()).map(str::to_owned);
            externs.push((parts.collect(), rust_path.clone()));
        }
        // The longest first.
        externs.sort_by_key(|(parts, _): &(Vec<String>, String)| std::cmp::Reverse(parts.len()));
        Ok(Self(externs))
    }

    /// The path of a type that is generated elsewhere.
    pub(crate) fn find(&self, path: &Path) -> Option<String> {
        let modules: Vec<_> = path
            .package
            .split('.')
            .filter(|part| !part.is_empty())
            .chain(path.parents.iter().map(String::as_str))
            .collect();
        let whole: Vec<_> = modules.iter().copied().chain([path.name.as_str()]).collect();
        let (prefix, rust_path) =
            self.0.iter().find(|(prefix, _)| whole.len() >= prefix.len() && whole[..prefix.len()] == **prefix)?;
        if prefix.len() == whole.len() {
            return Some(rust_path.clone());
        }
        let inner = modules[prefix.len()..].iter().map(|module| module_ident(module));
        let parts: Vec<_> = [rust_path.clone()].into_iter().chain(inner).chain([type_ident(&path.name)]).collect();
        Some(parts.join("::"))
    }
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
