//! An interpreter with function profiling: each call of a function of the program that it runs is a slice, named after it.
//!
//! The language is a small Lisp; program.lisp is what runs if no other file is given. In the UI the calls lie within each other as they were
//! made. Select one: its arguments by the names of the parameters, the line of the call, and what came of it, a value or an error. Switched
//! on, what is built in can be seen too:
//!
//! ```text
//! cargo run -p pftrace --example recording_interpreter -- calls.pftrace
//! cargo run -p pftrace --example recording_interpreter -- calls.pftrace '*' my.lisp
//! ```

mod interpret;
mod parse;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use pftrace::{Category, Report, Session, SessionError};

pub(crate) use self::interpret::Interpreter;

/// What runs if nothing else is asked for.
pub(crate) const PROGRAM: &str = include_str!("program.lisp");

/// A profile of all that is built in is a large one: not unless somebody asks for it.
pub(crate) const USUAL: &str = "-tag:detail";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1);
    let path = arguments.next().map_or(env::temp_dir().join("recording_interpreter.pftrace"), PathBuf::from);
    let categories = arguments.next().map_or(USUAL.into(), |patterns| patterns.to_string_lossy().into_owned());
    let program = arguments.next().map_or(Ok(PROGRAM.into()), fs::read_to_string)?;
    let (interpreter, report) = trace(&path, &categories, &program)?;
    for line in &interpreter.said {
        println!("{line}");
    }
    println!("{report}");
    for category in Category::all() {
        println!("{:8} {:?}: {}", category.name(), category.own_tags(), category.description_lines().concat());
    }
    println!("Drop {} on https://ui.perfetto.dev", path.display());
    Ok(())
}

/// Runs a program, recorded. Returns what the interpreter knows of it.
pub(crate) fn trace(path: &Path, categories: &str, program: &str) -> Result<(Interpreter, Report), SessionError> {
    let session = Session::builder().file(path).categories(categories).start()?;
    let mut interpreter = Interpreter::default();
    interpreter.run(program);
    Ok((interpreter, session.stop()?))
}
