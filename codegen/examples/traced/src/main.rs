//! Traces real work on real input: the code generator compiling the whole official .proto tree of Perfetto.

#![forbid(unsafe_code)]

mod recorder;

use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use pftrace_codegen::{Config, Phase};

use crate::recorder::{Recorder, Totals};

const USAGE: &str = "\
Traces the code generator at work on a tree of .proto files.

usage: traced-generator --protos DIR --out FILE

  --protos DIR   the tree: all .proto files below DIR are compiled, and import each other from there
  --out FILE     the trace
";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("traced-generator: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let Some(Arguments { protos, out }) = arguments()? else {
        print!("{USAGE}");
        return Ok(());
    };
    let mut inputs = Vec::new();
    find_protos(&protos, &mut inputs).map_err(|error| format!("{}: {error}", protos.display()))?;
    inputs.sort();
    if inputs.is_empty() {
        return Err(format!("{}: expected .proto files below it, found none", protos.display()).into());
    }
    if let Some(folder) = out.parent() {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }

    let count = inputs.len();
    let batches = batches(&protos, inputs)?;

    let begin = Instant::now();
    let recorder = Recorder::create(&out)?;
    let config = compiler(&protos).observer(&recorder);
    let mut lines = 0;
    for batch in &batches {
        lines += config.generate(batch)?.code().lines().count();
    }
    let totals = recorder.finish()?;
    let seconds = begin.elapsed().as_secs_f64();

    println!("compiled {count} .proto files into {lines} lines of Rust in {seconds:.2} s");
    print_totals(&totals, &out);
    Ok(())
}

fn compiler(protos: &Path) -> Config<'static> {
    Config::new().include(protos)
}

/// Files that can be compiled together. The official tree holds some types more than once: in files made by joining
/// others, and in files left over after their types had moved. Each file that repeats a type is a batch of its own.
fn batches(protos: &Path, inputs: Vec<PathBuf>) -> Result<Vec<Vec<PathBuf>>, pftrace_codegen::Error> {
    let mut batches = vec![inputs];
    loop {
        match compiler(protos).generate(&batches[0]) {
            Ok(_) => return Ok(batches),
            Err(error) => {
                let pftrace_codegen::Error::Duplicate { origin, .. } = &error else {
                    return Err(error);
                };
                let repeats = protos.join(&origin.file);
                let Some(position) = batches[0].iter().position(|input| *input == repeats) else {
                    return Err(error);
                };
                batches[0].remove(position);
                batches.push(vec![repeats]);
            }
        }
    }
}

struct Arguments {
    protos: PathBuf,
    out: PathBuf,
}

/// `None`: help was asked for.
fn arguments() -> Result<Option<Arguments>, lexopt::Error> {
    let (mut protos, mut out) = (None, None);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            lexopt::Arg::Long("protos") => protos = Some(parser.value()?),
            lexopt::Arg::Long("out") => out = Some(parser.value()?),
            lexopt::Arg::Long("help") | lexopt::Arg::Short('h') => return Ok(None),
            other => return Err(other.unexpected()),
        }
    }
    let required =
        |value: Option<OsString>, name| value.map(PathBuf::from).ok_or(format!("expected {name}, see --help"));
    Ok(Some(Arguments { protos: required(protos, "--protos DIR")?, out: required(out, "--out FILE")? }))
}

fn find_protos(folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            find_protos(&entry.path(), found)?;
        } else if entry.path().extension().is_some_and(|extension| extension == "proto") {
            found.push(entry.path());
        }
    }
    Ok(())
}

fn print_totals(totals: &Totals, out: &Path) {
    println!();
    println!("recorded  {:>9} packets", totals.packets);
    println!("          {:>9} bytes", totals.bytes);
    println!("          {:>9} slices", totals.slices);
    println!("          {:>9} counter values", totals.counter_values);
    println!("          {:>9} thread", 1);
    println!();
    println!("where the time went");
    for (phase, ns) in &totals.time {
        // The rest is what this phase consists of.
        if *phase != Phase::Generate {
            println!("          {:>9.1} ms  {}", *ns as f64 / 1e6, phase.name());
        }
    }
    println!();
    println!("wrote {}", out.display());
    println!("to look at it: open https://ui.perfetto.dev and drop the file on it");
}
