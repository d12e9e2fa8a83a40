//! What can go wrong, said with file, line and full name.

use std::fmt::{self, Write as _};
use std::io;
use std::path::PathBuf;

/// Where a declaration is.
///
/// Displays as `shapes.proto:12: shapes.Circle.center`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The name of the file, as an `import` would write it.
    pub file: String,
    /// The line, from 1; 0 when it is not known.
    pub line: u32,
    /// The full name of what is declared there, without a leading dot.
    pub name: String,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", Place(&self.file, self.line), name(&self.name))
    }
}

/// Why nothing was generated. The text says where, what was expected and what was found. In it, names and texts of the
/// input that are too long to be read are cut, with a `…` at their end.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read.
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The output could not be written.
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The output would overwrite a file that was read, or the other output. Nothing has been written.
    Overwrites {
        /// The output.
        path: PathBuf,
        /// The file that is the same one.
        other: PathBuf,
    },
    /// A file is not UTF-8, also outside of comments and strings.
    NotUtf8 {
        /// The file, as an `import` would write it.
        file: String,
        /// The line of the first such byte.
        line: u32,
    },
    /// An input lies outside of every include directory, so that it has no name to import it by.
    OutsideIncludes {
        /// The input.
        path: PathBuf,
        /// The include directories.
        includes: Vec<PathBuf>,
    },
    /// An import was found in no include directory.
    MissingImport {
        /// The file that imports.
        file: String,
        /// The line of the `import`.
        line: u32,
        /// What it imports.
        import: String,
        /// The directories that were searched.
        searched: Vec<PathBuf>,
    },
    /// Files import each other in a circle.
    ImportCycle {
        /// The file whose `import` closes the circle.
        file: String,
        /// The line of that `import`.
        line: u32,
        /// The circle: each file imports the next one, the last is the first again.
        cycle: Vec<String>,
    },
    /// A descriptor set is not one, or lacks something.
    DescriptorSet {
        /// The file.
        path: PathBuf,
        /// What was expected and what was found.
        message: String,
    },
    /// What was asked for makes no sense.
    Config {
        /// What was expected and what was found.
        message: String,
    },
    /// There is no type of that name.
    UnknownType {
        /// Its full name, as it was given.
        name: String,
    },
    /// The text is not a .proto file.
    Syntax {
        /// The file.
        file: String,
        /// The line, from 1; 0 when it is not known.
        line: u32,
        /// What was expected and what was found.
        message: String,
    },
    /// A declaration breaks a rule of the language.
    Invalid {
        /// The declaration.
        origin: Origin,
        /// The rule, and what was found.
        message: String,
    },
    /// A declaration is legal, and this version cannot write it.
    Unsupported {
        /// The declaration.
        origin: Origin,
        /// What is not supported.
        message: String,
    },
    /// A full name is declared twice.
    Duplicate {
        /// The second declaration.
        origin: Origin,
        /// The first one.
        first: Box<Origin>,
    },
    /// Two declarations would get the same name in the generated code.
    NameClash {
        /// The second declaration.
        origin: Origin,
        /// The first one.
        first: Box<Origin>,
        /// The name in Rust, with its scope.
        rust_name: String,
    },
    /// The output file is not what would be generated. Only [`Config::check`](crate::Config::check) and
    /// [`Generated::check_descriptor_set`](crate::Generated::check_descriptor_set) say this.
    Outdated {
        /// The output file.
        path: PathBuf,
        /// The first line that differs; 0 when there is no such file.
        line: usize,
    },
    /// The generator is at fault: what it wrote is not Rust, or a type that it had found is gone.
    Internal {
        /// What happened.
        message: String,
    },
}

impl Error {
    pub(crate) fn invalid(origin: Origin, message: impl Into<String>) -> Self {
        Self::Invalid { origin, message: message.into() }
    }

    pub(crate) fn syntax(file: &str, line: u32, message: impl Into<String>) -> Self {
        Self::Syntax { file: file.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { path, source } => write!(f, "{}: cannot be read: {source}", path.display()),
            Self::Write { path, source } => write!(f, "{}: cannot be written: {source}", path.display()),
            Self::Overwrites { path, other } => {
                let text = "expected another file to write to, would overwrite";
                write!(f, "{}: {text} `{}`", path.display(), other.display())
            }
            Self::NotUtf8 { file, line } => {
                write!(f, "{}: expected UTF-8 outside of comments and strings, found other bytes", Place(file, *line))
            }
            Self::OutsideIncludes { path, includes } => {
                write!(f, "{}: expected an input below an include directory ({})", path.display(), paths(includes))
            }
            Self::MissingImport { file, line, import, searched } => {
                let (place, import) = (Place(file, *line), name(import));
                write!(f, "{place}: import `{import}` is not found in {}", paths(searched))
            }
            Self::ImportCycle { file, line, cycle } => {
                write!(
                    f,
                    "{}: files import each other: {}",
                    Place(file, *line),
                    circle(cycle.iter().map(String::as_str))
                )
            }
            Self::Syntax { file, line, message } => write!(f, "{}: {}", Place(file, *line), text(message)),
            Self::Invalid { origin, message } | Self::Unsupported { origin, message } => {
                write!(f, "{origin}: {}", text(message))
            }
            Self::Duplicate { origin, first } => {
                write!(f, "{origin}: is already declared at {}", Place(&first.file, first.line))
            }
            Self::NameClash { origin, first, rust_name } => {
                write!(f, "{origin}: becomes `{}` in rust, as does {first}", name(rust_name))
            }
            Self::Outdated { path, line: 0 } => {
                write!(f, "{}: expected what would be generated, found no file", path.display())
            }
            Self::Outdated { path, line } => {
                write!(f, "{}:{line}: is not what would be generated, generate it again", path.display())
            }
            Self::DescriptorSet { path, message } => write!(f, "{}: {}", path.display(), text(message)),
            Self::UnknownType { name: unknown } => {
                write!(f, "expected the full name of a message, enum or extension, found `{}`", name(unknown))
            }
            Self::Config { message } => write!(f, "{}", text(message)),
            Self::Internal { message } => write!(f, "{message} (this is a bug of pftrace-codegen)"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read { source, .. } | Self::Write { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// `file:line`, or `file` when the line is not known.
struct Place<'a>(&'a str, u32);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {
            0 => write!(f, "{}", name(self.0)),
            line => write!(f, "{}:{line}", name(self.0)),
        }
    }
}

fn paths(paths: &[PathBuf]) -> String {
    let quoted: Vec<_> = paths.iter().map(|p| format!("`{}`", p.display())).collect();
    if quoted.is_empty() { "no directory".to_owned() } else { quoted.join(", ") }
}

/// The files of a circle of imports; of a large one, some.
pub(crate) fn circle<'a>(files: impl Iterator<Item = &'a str>) -> String {
    const MAX_FILES: usize = 10;
    let mut names: Vec<_> = files.map(|file| name(file).to_string()).collect();
    if names.len() > MAX_FILES {
        // The last one is the first one.
        let left_out = names.len() - MAX_FILES;
        names.splice(MAX_FILES - 1..names.len() - 1, [format!("({left_out} more)")]);
    }
    names.join(" -> ")
}

/// A full name, or that of a file.
fn name(text: &str) -> Cut<'_> {
    Cut { text, max_len: 400 }
}

/// What was expected and what was found, with names in it.
fn text(text: &str) -> Cut<'_> {
    Cut { text, max_len: 1_500 }
}

/// A text that may be part of a file of megabytes, and is shown up to `max_len` bytes.
struct Cut<'a> {
    text: &'a str,
    max_len: usize,
}

impl fmt::Display for Cut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.text.len() <= self.max_len {
            return shown(f, self.text);
        }
        let end = (0..=self.max_len).rev().find(|&end| self.text.is_char_boundary(end)).unwrap_or(0);
        shown(f, &self.text[..end])?;
        f.write_char('…')
    }
}

/// Writes a text in one line: strings of the input may have anything in them.
fn shown(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    text.chars().try_for_each(|c| if c.is_control() { write!(f, "{}", c.escape_default()) } else { f.write_char(c) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        let cut = |text| Cut { text, max_len: 5 }.to_string();
        assert_eq!(
            [cut(""), cut("abcde"), cut("abcdef"), cut("äöü"), cut("🦀🦀")],
            ["", "abcde", "abcde…", "äö…", "🦀…"]
        );
        assert_eq!([cut("a\nb"), cut("\t\u{85}ä")], ["a\\nb", "\\t\\u{85}ä"], "in one line");
    }
}
