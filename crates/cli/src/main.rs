//! The command `pftrace`: checks Perfetto traces for mistakes, and sums up what is in them.
//!
//! Exit codes: 0 the trace is sound (or summed up), 1 there are mistakes in it, 2 it can't be read, what is said of it can't be written, or the
//! arguments are wrong.

#![forbid(unsafe_code)]

mod check;
mod input;
mod stat;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::input::Unreadable;

/// Checks Perfetto traces for mistakes, and sums up what is in them.
#[derive(Debug, Parser)]
#[command(name = "pftrace", version, arg_required_else_help = true, after_help = EXAMPLES)]
struct Command {
    #[command(subcommand)]
    action: Action,
}

const EXAMPLES: &str = "\
Examples:
  pftrace check trace.pftrace            what is wrong, in which packet, at which byte
  pftrace check --json trace.pftrace     the same for a program
  pftrace stat trace.pftrace             packets, threads, events, time, losses, names
  ssh host cat big.pftrace | pftrace check -

Exit codes: 0 sound, 1 mistakes were found, 2 not a trace, not readable, or the output not writable.";

#[derive(Debug, Subcommand)]
enum Action {
    /// Says what is wrong with a trace: exit code 0 if nothing is, 1 if something is, 2 if it can't be read
    #[command(after_help = CHECK_EXAMPLES)]
    Check {
        #[command(flatten)]
        input: Input,
        /// Prints at most so many findings of each kind; the others are counted
        #[arg(long, value_name = "COUNT", default_value_t = 10)]
        limit: usize,
    },
    /// Sums up a trace: packets, sequences, threads, events, time, losses, names
    #[command(after_help = STAT_EXAMPLES)]
    Stat {
        #[command(flatten)]
        input: Input,
    },
}

const CHECK_EXAMPLES: &str = "\
Examples:
  pftrace check trace.pftrace
  pftrace check --limit 1 trace.pftrace          one of each kind
  pftrace check --json trace.pftrace | jq '.findings[].message'
  pftrace check - < trace.pftrace.gz             gzip is seen by itself

Errors are mistakes: something is not shown, or not as it was written. Notes are good to know.";

const STAT_EXAMPLES: &str = "\
Examples:
  pftrace stat trace.pftrace
  pftrace stat --json trace.pftrace | jq '.top_names[0]'";

#[derive(Args, Debug)]
struct Input {
    /// The trace, also compressed with gzip; `-` for the standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Writes JSON: one object
    #[arg(long)]
    json: bool,
    /// Shows no progress bar; there is none anyway unless a terminal would show it
    #[arg(long)]
    no_progress: bool,
}

fn main() -> ExitCode {
    let command = Command::parse();
    let outcome = match &command.action {
        Action::Check { input, limit } => check::run(input, *limit),
        Action::Stat { input } => stat::run(input),
    };
    match outcome {
        Ok(Outcome { text, is_sound }) => {
            if !print(&text) {
                return ExitCode::from(2);
            }
            if is_sound { ExitCode::SUCCESS } else { ExitCode::from(1) }
        }
        Err(Unreadable(why)) => {
            // Nobody is left to tell if this fails.
            _ = writeln!(io::stderr(), "pftrace: {why}");
            ExitCode::from(2)
        }
    }
}

/// What is to be printed, and whether nothing is wrong.
struct Outcome {
    text: String,
    is_sound: bool,
}

/// Prints to the standard output; whoever reads it may have enough before its end. Whether it could be printed.
fn print(text: &str) -> bool {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            _ = writeln!(io::stderr(), "pftrace: cannot write: {error}");
            false
        }
        _ => true,
    }
}
