//! The generator's interface.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::check::Note;
use crate::emit;
use crate::error::Error;
use crate::frontend;
use crate::lower;
use crate::observer::{Observer, Phase, Watch};

/// What to generate, and how.
///
/// ```no_run
/// let generated = pftrace_codegen::Config::new()
///     .include("proto")
///     .compile(&["proto/a.proto", "proto/b.proto"], "src/generated.rs")?;
/// for note in generated.notes() {
///     eprintln!("{note}");
/// }
/// # Ok::<(), pftrace_codegen::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Config<'a> {
    includes: Vec<PathBuf>,
    observer: Option<&'a dyn Observer>,
}

impl<'a> Config<'a> {
    /// Nothing set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a directory in which imports are found, behind those added before. Inputs lie below one of them too. When
    /// none is added it is the current directory.
    #[must_use]
    pub fn include(mut self, directory: impl Into<PathBuf>) -> Self {
        self.includes.push(directory.into());
        self
    }

    /// Lets `observer` follow the generator at work.
    #[must_use]
    pub fn observer(mut self, observer: &'a dyn Observer) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Generates the code of `inputs`, without writing it anywhere.
    ///
    /// An input is a path to a file, or the name of one below an include directory.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, is not legal, or has something in it that is not supported: see [`Error`].
    pub fn generate(&self, inputs: &[impl AsRef<Path>]) -> Result<Generated, Error> {
        let watch = Watch(self.observer);
        watch.phase(Phase::Generate, "", || {
            let inputs: Vec<_> = inputs.iter().map(|input| input.as_ref().to_owned()).collect();
            let described = frontend::read(&inputs, &self.include_directories(), watch)?;
            let schema = lower::lower(&described, watch)?;
            let code = emit::emit(&schema, watch)?;
            Ok(Generated { code, notes: described.notes, inputs: described.paths })
        })
    }

    /// Generates the code of `inputs` into the file `output`. A file that has that content already is not touched, so that
    /// nothing is built again on its account.
    ///
    /// # Errors
    ///
    /// As [`generate`](Self::generate), or when the file cannot be written.
    pub fn compile(&self, inputs: &[impl AsRef<Path>], output: impl AsRef<Path>) -> Result<Generated, Error> {
        let generated = self.generate(inputs)?;
        let output = output.as_ref();
        if fs::read(output).ok().as_deref() != Some(generated.code.as_bytes()) {
            let written = fs::write(output, &generated.code);
            written.map_err(|source| Error::Write { path: output.to_owned(), source })?;
        }
        Ok(generated)
    }

    /// Generates the code of `inputs` and compares it with the file `output`, which is left alone.
    ///
    /// # Errors
    ///
    /// As [`generate`](Self::generate), and [`Error::Outdated`] when the file differs or does not exist.
    pub fn check(&self, inputs: &[impl AsRef<Path>], output: impl AsRef<Path>) -> Result<Generated, Error> {
        let generated = self.generate(inputs)?;
        let path = output.as_ref().to_owned();
        let found = match fs::read(&path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Error::Outdated { path, line: 0 }),
            Err(source) => return Err(Error::Read { path, source }),
        };
        match first_difference(&found, generated.code.as_bytes()) {
            Some(line) => Err(Error::Outdated { path, line }),
            None => Ok(generated),
        }
    }

    fn include_directories(&self) -> Vec<PathBuf> {
        if self.includes.is_empty() { vec![PathBuf::from(".")] } else { self.includes.clone() }
    }
}

impl fmt::Debug for Config<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("includes", &self.includes).field("observer", &self.observer.is_some()).finish()
    }
}

/// What was generated.
#[derive(Clone, Debug)]
pub struct Generated {
    code: String,
    notes: Vec<Note>,
    inputs: Vec<PathBuf>,
}

impl Generated {
    /// The code.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// What was left out, and why.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// The files that were read: the inputs and all they import.
    #[must_use]
    pub fn inputs(&self) -> &[PathBuf] {
        &self.inputs
    }

    /// Tells cargo, on the standard output of a build script, to run it again when one of the
    /// [files](Self::inputs) changes.
    pub fn print_cargo_directives(&self) {
        for input in &self.inputs {
            println!("cargo:rerun-if-changed={}", input.display());
        }
    }
}

/// The first line that differs, from 1.
fn first_difference(a: &[u8], b: &[u8]) -> Option<usize> {
    let common = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let differ = common < a.len() || common < b.len();
    differ.then(|| 1 + a[..common].iter().filter(|&&c| c == b'\n').count())
}
