//! The command: see `--help`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::prelude::*;
use pftrace_codegen::{Config, Error, Generated};

const HELP: &str = "\
Generates Rust writers, over the crate pftrace-wire, from .proto files.

Usage: pftrace-codegen [options] <file.proto>...
       pftrace-codegen [options] --descriptor-set <file> [<file.proto>...]

Arguments:
  <file.proto>...       The files to generate writers of. Of the files that they
                        import, what they need is generated too.

Options:
  -I, --include <dir>   Where imports are found; the inputs lie below one of
                        these too. May be repeated.
                        [default: the current directory]
  -d, --descriptor-set <file>
                        Read the files from a descriptor set, which protoc or
                        another compiler has made: <file.proto> are then names
                        in it, and none means all. Editions are read this way.
  -r, --root <name>     Generate only the message, enum or extension of this
                        full name, and what it needs. May be repeated.
  -e, --extern <name>=<path>
                        The types of this package, or this type, are generated
                        elsewhere: at this Rust path. May be repeated.
  -o, --out <file>      Where the code goes. [default: the standard output]
      --descriptor-set-out <file>
                        Write the schema of the inputs too: a descriptor set, as
                        protoc does.
      --check           Write nothing: fail when <file> is not what would be
                        generated, of code and schema.
  -q, --quiet           Do not name what was left out.
  -h, --help            Show this text.
  -V, --version         Show the version.

Exit codes:
  0  done; with --check: the file is up to date
  1  an input is not legal or cannot be read, or the output cannot be written;
     with --check: the file is out of date
  2  the command was called in a wrong way
";

fn main() -> ExitCode {
    let job = match parse(lexopt::Parser::from_env()) {
        Ok(Command::Run(job)) => job,
        Ok(Command::Print(text)) => return print(&text),
        Err(error) => {
            eprintln!("pftrace-codegen: {error}\nTry `pftrace-codegen --help`.");
            return ExitCode::from(2);
        }
    };
    match job.run() {
        Ok(generated) => job.report(&generated),
        Err(error) => {
            eprintln!("pftrace-codegen: {error}");
            ExitCode::from(1)
        }
    }
}

enum Command {
    Run(Job),
    Print(String),
}

#[derive(Default)]
struct Job {
    includes: Vec<PathBuf>,
    inputs: Vec<PathBuf>,
    descriptor_set: Option<PathBuf>,
    roots: Vec<String>,
    externs: Vec<(String, String)>,
    out: Option<PathBuf>,
    descriptor_set_out: Option<PathBuf>,
    check: bool,
    quiet: bool,
}

fn parse(mut arguments: lexopt::Parser) -> Result<Command, lexopt::Error> {
    let mut job = Job::default();
    while let Some(argument) = arguments.next()? {
        match argument {
            Short('I') | Long("include") => job.includes.push(arguments.value()?.into()),
            Short('d') | Long("descriptor-set") => job.descriptor_set = Some(arguments.value()?.into()),
            Short('r') | Long("root") => job.roots.push(arguments.value()?.string()?),
            Short('e') | Long("extern") => job.externs.push(extern_path(&arguments.value()?.string()?)?),
            Short('o') | Long("out") => job.out = Some(arguments.value()?.into()),
            Long("descriptor-set-out") => job.descriptor_set_out = Some(arguments.value()?.into()),
            Long("check") => job.check = true,
            Short('q') | Long("quiet") => job.quiet = true,
            Short('h') | Long("help") => return Ok(Command::Print(HELP.to_owned())),
            Short('V') | Long("version") => {
                return Ok(Command::Print(format!("pftrace-codegen {}\n", env!("CARGO_PKG_VERSION"))));
            }
            Value(input) => job.inputs.push(input_path(input)?),
            other => return Err(other.unexpected()),
        }
    }
    if job.inputs.is_empty() && job.descriptor_set.is_none() {
        return Err("expected at least one .proto file".into());
    }
    if job.check && job.out.is_none() {
        return Err("expected --out with --check, to know what to compare".into());
    }
    Ok(Command::Run(job))
}

fn extern_path(pair: &str) -> Result<(String, String), lexopt::Error> {
    match pair.split_once('=') {
        Some((name, path)) => Ok((name.to_owned(), path.to_owned())),
        None => Err(format!("expected <name>=<path> with --extern, found '{pair}'").into()),
    }
}

fn input_path(input: OsString) -> Result<PathBuf, lexopt::Error> {
    if input.is_empty() { Err("expected the path of a file, found an empty one".into()) } else { Ok(input.into()) }
}

impl Job {
    fn run(&self) -> Result<Generated, Error> {
        let config = Config::new();
        let config = self.includes.iter().fold(config, |config, include| config.include(include));
        let config = self.descriptor_set.iter().fold(config, |config, set| config.descriptor_set(set));
        let config = self.roots.iter().fold(config, |config, root| config.root(root));
        let config = self.externs.iter().fold(config, |config, (name, path)| config.extern_path(name, path));
        let config = self.descriptor_set_out.iter().fold(config, |config, set| config.descriptor_set_out(set));
        match (&self.out, &self.descriptor_set_out) {
            (Some(out), _) if self.check => config.check(&self.inputs, out),
            (Some(out), _) => config.compile(&self.inputs, out),
            (None, set) => {
                let generated = config.generate(&self.inputs)?;
                set.iter().try_for_each(|set| generated.write_descriptor_set(set))?;
                Ok(generated)
            }
        }
    }

    fn report(&self, generated: &Generated) -> ExitCode {
        for note in generated.notes().iter().filter(|_| !self.quiet) {
            eprintln!("pftrace-codegen: note: {note}");
        }
        if self.out.is_none() { print(generated.code()) } else { ExitCode::SUCCESS }
    }
}

/// A reader that has seen enough and closes the pipe is no reason to panic, as `println` would.
fn print(text: &str) -> ExitCode {
    use std::io::Write;

    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pftrace-codegen: the standard output cannot be written: {error}");
            ExitCode::from(1)
        }
    }
}
