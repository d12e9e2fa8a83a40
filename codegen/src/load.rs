//! Finding, reading and parsing the inputs and all they import, in an order where imports come first.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::builtin;
use crate::error::Error;
use crate::observer::{Counter, Phase, Watch};
use crate::parse::{self, File};

/// One file.
#[derive(Debug)]
pub(crate) struct Unit {
    /// As an `import` writes it.
    pub(crate) name: String,
    /// Where it was read; `None` for what is built in.
    pub(crate) path: Option<PathBuf>,
    pub(crate) file: File,
    /// The indices of what it imports.
    pub(crate) imports: Vec<usize>,
    /// Those of them that are `import public`.
    pub(crate) public_imports: Vec<usize>,
    /// Named by the caller.
    pub(crate) input: bool,
    /// An input, or publicly imported by one: all of it is generated. Of other files, what these need.
    pub(crate) wanted: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// Each after all that it imports.
    pub(crate) units: Vec<Unit>,
    /// The files that were read.
    pub(crate) paths: Vec<PathBuf>,
}

/// Loads `inputs` and all they import.
pub(crate) fn load(inputs: &[PathBuf], includes: &[PathBuf], watch: Watch<'_>) -> Result<Sources, Error> {
    let mut loader = Loader {
        includes,
        watch,
        sources: Sources::default(),
        done: HashMap::new(),
        loading: HashSet::new(),
        input_bytes: 0,
    };
    let mut names = Vec::new();
    for input in inputs {
        let (name, path) = loader.name_input(input)?;
        names.push(name.clone());
        loader.load(name, path)?;
    }
    let mut sources = loader.sources;
    for name in names {
        if let Some(&unit) = loader.done.get(&name) {
            sources.units[unit].input = true;
            sources.units[unit].wanted = true;
        }
    }
    // A file's importers come behind it.
    for i in (0..sources.units.len()).rev() {
        if sources.units[i].wanted {
            for public in sources.units[i].public_imports.clone() {
                sources.units[public].wanted = true;
            }
        }
    }
    Ok(sources)
}

/// The built-in file `name` alone.
pub(crate) fn builtin(name: &str) -> Result<Sources, Error> {
    let lost = || Error::Internal { message: format!("{name} got lost") };
    let file = builtin::text(name).and_then(|text| parse::parse(text).ok()).ok_or_else(lost)?;
    let (imports, public_imports) = (Vec::new(), Vec::new());
    let unit = Unit { name: name.to_owned(), path: None, file, imports, public_imports, input: false, wanted: false };
    Ok(Sources { units: vec![unit], paths: Vec::new() })
}

struct Loader<'a> {
    includes: &'a [PathBuf],
    watch: Watch<'a>,
    sources: Sources,
    /// The unit of each name.
    done: HashMap<String, usize>,
    /// The files whose imports are being loaded.
    loading: HashSet<String>,
    input_bytes: usize,
}

/// A file whose imports are being loaded.
struct Open {
    name: String,
    path: Option<PathBuf>,
    file: File,
    /// What it imports: name, line, public.
    wants: Vec<(String, u32, bool)>,
    imports: Vec<usize>,
    public_imports: Vec<usize>,
}

impl Loader<'_> {
    /// The name to import an input by, and where it is.
    fn name_input(&self, input: &Path) -> Result<(String, PathBuf), Error> {
        for include in self.includes {
            if let Some(name) = name_below(include, input) {
                return Ok((name, input.to_owned()));
            }
        }
        // Not below an include directory as written: perhaps it is relative to one, or written in another way.
        for include in self.includes {
            let joined = include.join(input);
            if let (true, Some(name)) = (joined.is_file(), name_below(Path::new(""), input)) {
                return Ok((name, joined));
            }
        }
        let absolute = fs::canonicalize(input).map_err(|source| Error::Read { path: input.to_owned(), source })?;
        for include in self.includes {
            if let Some(name) = fs::canonicalize(include).ok().and_then(|dir| name_below(&dir, &absolute)) {
                return Ok((name, input.to_owned()));
            }
        }
        Err(Error::OutsideIncludes { path: input.to_owned(), includes: self.includes.to_vec() })
    }

    /// Loads one input and all it imports, depth first.
    fn load(&mut self, name: String, path: PathBuf) -> Result<(), Error> {
        if self.done.contains_key(&name) {
            return Ok(());
        }
        let mut open = vec![self.read(name, path)?];
        while let Some(top) = open.last_mut() {
            let next = top.imports.len();
            let Some((name, line, public)) = top.wants.get(next).cloned() else {
                if let Some(top) = open.pop() {
                    self.close(top);
                }
                continue;
            };
            if let Some(&unit) = self.done.get(&name) {
                top.imports.push(unit);
                if public {
                    top.public_imports.push(unit);
                }
                continue;
            }
            let file = top.name.clone();
            if self.loading.contains(&name) {
                return Err(cycle(&open, file, line, name));
            }
            open.push(self.import(&file, line, name)?);
        }
        Ok(())
    }

    /// All imports of `open` are loaded.
    fn close(&mut self, open: Open) {
        let Open { name, path, file, imports, public_imports, .. } = open;
        self.loading.remove(&name);
        self.done.insert(name.clone(), self.sources.units.len());
        self.sources.units.push(Unit { name, path, file, imports, public_imports, input: false, wanted: false });
    }

    fn import(&mut self, file: &str, line: u32, import: String) -> Result<Open, Error> {
        if import.contains('\\') || import.split('/').any(|part| matches!(part, "" | "." | "..")) {
            let message = format!("expected a path relative to an include directory, found `{import}`");
            return Err(Error::syntax(file, line, message));
        }
        if let Some(path) = self.includes.iter().map(|dir| dir.join(&import)).find(|path| path.is_file()) {
            return self.read(import, path);
        }
        match builtin::text(&import) {
            Some(text) => self.parse(import, None, text),
            None => {
                let (file, searched) = (file.to_owned(), self.includes.to_vec());
                Err(Error::MissingImport { file, line, import, searched })
            }
        }
    }

    fn read(&mut self, name: String, path: PathBuf) -> Result<Open, Error> {
        let bytes = self.watch.phase(Phase::Read, &name, || read_file(&path, MAX_FILE_LEN));
        let bytes = bytes.map_err(|source| Error::Read { path: path.clone(), source })?;
        self.input_bytes += bytes.len();
        self.sources.paths.push(path.clone());
        self.watch.count(Counter::Files, self.sources.paths.len());
        self.watch.count(Counter::InputBytes, self.input_bytes);
        let text = parse::text(&bytes).map_err(|line| Error::NotUtf8 { file: name.clone(), line })?;
        self.parse(name, Some(path), &text)
    }

    fn parse(&mut self, name: String, path: Option<PathBuf>, text: &str) -> Result<Open, Error> {
        let file = self.watch.phase(Phase::Parse, &name, || parse::parse(text));
        let file = file.map_err(|failure| Error::syntax(&name, failure.line, failure.message))?;
        self.loading.insert(name.clone());
        let wants = file.imports.iter().map(|import| (import.name.clone(), import.line, import.public)).collect();
        Ok(Open { name, path, file, wants, imports: Vec::new(), public_imports: Vec::new() })
    }
}

/// The last file of `open` imports one that is open itself.
fn cycle(open: &[Open], file: String, line: u32, import: String) -> Error {
    let mut cycle: Vec<_> = open.iter().map(|open| open.name.clone()).skip_while(|name| *name != import).collect();
    cycle.push(import);
    Error::ImportCycle { file, line, cycle }
}

/// Of a .proto file; the largest of the official Perfetto tree has less than a twentieth of it.
const MAX_FILE_LEN: u64 = 16 << 20;

/// A device or a pipe may never end, and a file that was named by mistake may take more memory than there is.
pub(crate) fn read_file(path: &Path, max_len: u64) -> io::Result<Vec<u8>> {
    let metadata = fs::metadata(path)?;
    let kind = metadata.file_type();
    if metadata.len() > max_len {
        let text = format!("expected at most {} MiB, found {} bytes", max_len >> 20, metadata.len());
        return Err(io::Error::other(text));
    }
    if kind.is_dir() {
        return Err(io::Error::other("it is a directory"));
    }
    if !kind.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    fs::read(path)
}

/// The name of `path` below `dir`, with `/` between its parts.
fn name_below(dir: &Path, path: &Path) -> Option<String> {
    let plain = |path: &Path| path.components().filter(|c| *c != Component::CurDir).collect::<PathBuf>();
    let (dir, path) = (plain(dir), plain(path));
    let mut parts = Vec::new();
    for component in path.strip_prefix(&dir).ok()?.components() {
        match component {
            Component::Normal(part) => parts.push(part.to_str()?.to_owned()),
            _ => return None,
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}
