//! The generator's interface.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use protobuf::Message;
use protobuf::descriptor::FileDescriptorSet;

use crate::api::{self, Writer};
use crate::check::Note;
use crate::emit::{self, Names};
use crate::error::Error;
use crate::externs::Externs;
use crate::frontend;
use crate::load;
use crate::lower;
use crate::observer::{Observer, Phase, Watch};
use crate::overwrite;
use crate::want;

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
    descriptor_set: Option<PathBuf>,
    descriptor_set_out: Option<PathBuf>,
    roots: Vec<String>,
    extern_paths: Vec<(String, String)>,
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

    /// Reads the files from a descriptor set, which protoc, buf or another compiler has made of them, instead of from their
    /// text: this is how editions are read. Inputs are then the names of files in the set; none means all. It has comments
    /// and lines if its compiler was asked for them (`protoc --include_imports --include_source_info`).
    ///
    /// ```no_run
    /// let config = pftrace_codegen::Config::new().descriptor_set("shapes.binpb");
    /// config.compile(&["shapes.proto"], "src/generated.rs")?;
    /// # Ok::<(), pftrace_codegen::Error>(())
    /// ```
    #[must_use]
    pub fn descriptor_set(mut self, file: impl Into<PathBuf>) -> Self {
        self.descriptor_set = Some(file.into());
        self
    }

    /// Where [`compile`](Self::compile) writes the schema of the inputs too, and [`check`](Self::check) compares it: as
    /// [`Generated::write_descriptor_set`] does, but both files or neither.
    ///
    /// ```no_run
    /// let config = pftrace_codegen::Config::new().descriptor_set_out("src/app.binpb");
    /// config.compile(&["proto/app.proto"], "src/generated.rs")?;
    /// # Ok::<(), pftrace_codegen::Error>(())
    /// ```
    #[must_use]
    pub fn descriptor_set_out(mut self, file: impl Into<PathBuf>) -> Self {
        self.descriptor_set_out = Some(file.into());
        self
    }

    /// Generates only the message, enum or extension of this full name, and what it needs. May be given more than once.
    ///
    /// Of the extensions in the inputs, those of generated messages are generated too; of those in files that are only imported, those
    /// that are roots themselves.
    ///
    /// ```no_run
    /// let config = pftrace_codegen::Config::new().include("proto").root("perfetto.protos.TracePacket");
    /// # let _ = config;
    /// ```
    #[must_use]
    pub fn root(mut self, full_name: impl Into<String>) -> Self {
        self.roots.push(full_name.into());
        self
    }

    /// The types of a package, or a single type, are not generated: they are found at `rust_path`, generated there by
    /// pftrace-codegen too. The path begins with `::` or `crate`. The longest prefix that fits wins; one that fits no type in
    /// the inputs and their imports is an error.
    ///
    /// ```no_run
    /// let config = pftrace_codegen::Config::new()
    ///     .include("proto")
    ///     .extern_path("perfetto.protos", "::pftrace_protos");
    /// # let _ = config;
    /// ```
    #[must_use]
    pub fn extern_path(mut self, proto_prefix: impl Into<String>, rust_path: impl Into<String>) -> Self {
        self.extern_paths.push((proto_prefix.into(), rust_path.into()));
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
            let described = match &self.descriptor_set {
                Some(set) => frontend::descriptor_set::read(set, &names(&inputs), watch)?,
                None => frontend::read(&inputs, &self.include_directories(), watch)?,
            };
            let mut schema = lower::lower(&described, watch)?;
            let externs = Externs::new(&self.extern_paths)?;
            externs.check(&schema)?;
            want::choose(&mut schema, &self.roots, &externs)?;
            let names = Names::new(&schema, &externs)?;
            let code = emit::emit(&schema, &names, watch)?;
            let writers = api::writers(&schema, &names);
            let files = described.files.into_iter().filter(|file| file.input);
            let mut descriptors = FileDescriptorSet::new();
            descriptors.file = files.map(|file| file.descriptor).collect();
            let (notes, inputs) = (described.notes, described.paths);
            Ok(Generated { code, notes, inputs, output: None, writers, descriptors })
        })
    }

    /// Generates the code of `inputs` into the file `output`. A file that has that content already is not touched, so that
    /// nothing is built again on its account.
    ///
    /// # Errors
    ///
    /// As [`generate`](Self::generate), when the file cannot be written, and [`Error::Overwrites`] when it is one that was read.
    pub fn compile(&self, inputs: &[impl AsRef<Path>], output: impl AsRef<Path>) -> Result<Generated, Error> {
        let generated = self.generate_for(inputs, output.as_ref())?;
        write(output.as_ref(), generated.code.as_bytes())?;
        self.descriptor_set_out.iter().try_for_each(|set| generated.write_descriptor_set(set))?;
        Ok(generated)
    }

    /// Generates the code of `inputs` and compares it with the file `output`, which is left alone.
    ///
    /// # Errors
    ///
    /// As [`generate`](Self::generate), and [`Error::Outdated`] when the file differs or does not exist.
    pub fn check(&self, inputs: &[impl AsRef<Path>], output: impl AsRef<Path>) -> Result<Generated, Error> {
        let generated = self.generate_for(inputs, output.as_ref())?;
        compare(output.as_ref(), generated.code.as_bytes())?;
        self.descriptor_set_out.iter().try_for_each(|set| generated.check_descriptor_set(set))?;
        Ok(generated)
    }

    /// What goes into `output`. Fails when that, or where the schema goes, is another file of this.
    fn generate_for(&self, inputs: &[impl AsRef<Path>], output: &Path) -> Result<Generated, Error> {
        let set = self.descriptor_set_out.as_deref();
        set.map_or(Ok(()), |set| overwrite::refuse(set, [output]))?;
        let mut generated = self.generate(inputs)?;
        for output in [output].into_iter().chain(set) {
            generated.check_overwrites(output)?;
        }
        generated.output = Some(output.to_owned());
        Ok(generated)
    }

    fn include_directories(&self) -> Vec<PathBuf> {
        if self.includes.is_empty() { vec![PathBuf::from(".")] } else { self.includes.clone() }
    }
}

/// The inputs as they are called in a descriptor set.
fn names(inputs: &[PathBuf]) -> Vec<String> {
    inputs.iter().map(|input| input.to_string_lossy().replace('\\', "/")).collect()
}

impl fmt::Debug for Config<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("includes", &self.includes)
            .field("descriptor_set", &self.descriptor_set)
            .field("descriptor_set_out", &self.descriptor_set_out)
            .field("roots", &self.roots)
            .field("extern_paths", &self.extern_paths)
            .field("observer", &self.observer.is_some())
            .finish()
    }
}

/// What was generated.
#[derive(Clone, Debug)]
pub struct Generated {
    code: String,
    notes: Vec<Note>,
    inputs: Vec<PathBuf>,
    /// Where the code has gone.
    output: Option<PathBuf>,
    writers: Vec<Writer>,
    descriptors: FileDescriptorSet,
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

    /// The writers in the code, for those who generate code around it.
    #[must_use]
    pub fn writers(&self) -> &[Writer] {
        &self.writers
    }

    /// The files that were read: the inputs and all they import.
    #[must_use]
    pub fn inputs(&self) -> &[PathBuf] {
        &self.inputs
    }

    /// Writes the schema of the inputs into a file: a serialized `google.protobuf.FileDescriptorSet`, as `protoc --descriptor_set_out` does,
    /// without the files that they import. Programs that show messages which they were not built with ask for it. A file that has that
    /// content already is not touched.
    ///
    /// ```no_run
    /// # let config = pftrace_codegen::Config::new();
    /// let generated = config.compile(&["proto/app.proto"], "src/generated.rs")?;
    /// generated.write_descriptor_set("src/app.binpb")?;
    /// # Ok::<(), pftrace_codegen::Error>(())
    /// ```
    ///
    /// Of options it has those that say how a field is encoded, and no comments; unless the inputs come from a
    /// [descriptor set](Config::descriptor_set): then it has what that has.
    ///
    /// # Errors
    ///
    /// When the file cannot be written, and [`Error::Overwrites`] when it is one that was read, or the one with the code.
    pub fn write_descriptor_set(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        self.check_overwrites(path)?;
        write(path, &self.descriptor_set(path)?)
    }

    /// Compares the schema of the inputs with what [`write_descriptor_set`](Self::write_descriptor_set) has written, which is left alone.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, and [`Error::Outdated`] when it differs or does not exist.
    pub fn check_descriptor_set(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        compare(path, &self.descriptor_set(path)?)
    }

    fn check_overwrites(&self, path: &Path) -> Result<(), Error> {
        overwrite::refuse(path, self.inputs.iter().chain(&self.output))
    }

    /// For the file at `path`.
    fn descriptor_set(&self, path: &Path) -> Result<Vec<u8>, Error> {
        let bytes = self.descriptors.write_to_bytes();
        bytes.map_err(|error| Error::Write { path: path.to_owned(), source: io::Error::other(error) })
    }

    /// Tells cargo, on the standard output of a build script, to run it again when one of the
    /// [files](Self::inputs) changes.
    pub fn print_cargo_directives(&self) {
        for input in &self.inputs {
            println!("cargo:rerun-if-changed={}", input.display());
        }
    }
}

/// A file that has that content already is not touched.
fn write(path: &Path, content: &[u8]) -> Result<(), Error> {
    if has_content(path, content) {
        return Ok(());
    }
    fs::write(path, content).map_err(|source| Error::Write { path: path.to_owned(), source })
}

/// Whether a file has that content.
fn compare(path: &Path, content: &[u8]) -> Result<(), Error> {
    let path = path.to_owned();
    let found = match load::read_file(&path, u64::MAX) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Error::Outdated { path, line: 0 }),
        Err(source) => return Err(Error::Read { path, source }),
    };
    match first_difference(&found, content) {
        Some(line) => Err(Error::Outdated { path, line }),
        None => Ok(()),
    }
}

/// What is no regular file, such as `/dev/stdout`, is not read: it might have no end.
fn has_content(path: &Path, content: &[u8]) -> bool {
    let same_len = fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() == content.len() as u64);
    same_len && fs::read(path).is_ok_and(|found| found == content)
}

/// The first line that differs, from 1.
fn first_difference(a: &[u8], b: &[u8]) -> Option<usize> {
    let common = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let differ = common < a.len() || common < b.len();
    differ.then(|| 1 + a[..common].iter().filter(|&&c| c == b'\n').count())
}
