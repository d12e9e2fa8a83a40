//! A program that records when the environment says so: it counts the words of files.
//!
//! ```text
//! cargo run -p pftrace --example recording_env -- README.md CHANGELOG.md
//! PFTRACE=words.pftrace cargo run -p pftrace --example recording_env -- README.md CHANGELOG.md
//! PFTRACE='words.pftrace,categories=-line' cargo run -p pftrace --example recording_env -- README.md
//! ```
//!
//! The first records nothing. The second records all: in the UI each file is a slice of its name, and each of its lines one
//! within it. The third leaves the lines out.

use std::error::Error;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use pftrace::{SessionBuilder, counter, instant, slice};

fn main() -> Result<(), Box<dyn Error>> {
    count_words(env::args_os().skip(1))
}

/// What `main` does.
pub(crate) fn count_words(paths: impl Iterator<Item = OsString>) -> Result<(), Box<dyn Error>> {
    // These two lines are all that a program needs to be traced without a change from now on.
    let session = SessionBuilder::from_env()?.map(SessionBuilder::start).transpose()?;
    let total = words_of_all(paths);
    if let Some(session) = session {
        eprintln!("{}", session.stop()?);
    }
    println!("{total} in all");
    Ok(())
}

fn words_of_all(paths: impl Iterator<Item = OsString>) -> usize {
    let mut total = 0;
    for path in paths.map(PathBuf::from) {
        match words_of(&path) {
            Ok(words) => {
                println!("{words} {}", path.to_string_lossy());
                total += words;
                counter!("file", "words", total);
            }
            Err(error) => {
                instant!("file", "unreadable", path = ?path, %error);
                eprintln!("{}: {error}", path.to_string_lossy());
            }
        }
    }
    total
}

fn words_of(path: &Path) -> io::Result<usize> {
    let name = path.display().to_string();
    let _file = slice!("file", &name);
    let text = {
        let _read = slice!("file", "read");
        fs::read_to_string(path)?
    };
    let words_of_line = |(number, line): (usize, &str)| {
        let _line = slice!("line", "line", number = number + 1, bytes = line.len());
        line.split_whitespace().count()
    };
    Ok(text.lines().enumerate().map(words_of_line).sum())
}
