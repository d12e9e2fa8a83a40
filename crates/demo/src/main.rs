//! Runs the job, traced: what `make demo` does.

#![forbid(unsafe_code)]

use std::error::Error;
use std::fs;
use std::num::NonZero;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use pftrace::{Report, Session, begin, end};
use pftrace_demo::{Totals, packages, run};

const USAGE: &str = "\
Takes stock of trees of Rust sources with several threads, and records what they do.

usage: pftrace-demo [options] --out FILE

  --out FILE      the trace
  --tree DIR      the sources: all .rs files below DIR (as often as you like; default: the packages that this workspace
                  depends on)
  --workers N     so many threads look at files (default: one for each processor, at least 4)
  --at-least N    fail when fewer events are recorded
";

fn main() -> ExitCode {
    match traced() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pftrace-demo: {error}");
            ExitCode::FAILURE
        }
    }
}

fn traced() -> Result<(), Box<dyn Error>> {
    let Some(Arguments { out, trees, workers, at_least }) = arguments()? else {
        print!("{USAGE}");
        return Ok(());
    };
    let trees = if trees.is_empty() { packages()? } else { trees };
    if let Some(folder) = out.parent() {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }

    let session = Session::builder().file(&out).start()?;
    let begin = Instant::now();
    let totals = run(&trees, workers);
    let wall = begin.elapsed();
    let report = session.stop()?;

    let totals = totals?;
    if totals.files == 0 {
        return Err(format!("expected .rs files below {trees:?}, found none").into());
    }
    print_totals(&totals, trees.len(), workers, wall);
    print_report(&report, event_ns()?, totals.work);
    println!();
    println!("wrote {}", out.display());
    println!("to look at it: open https://ui.perfetto.dev and drop the file on it");
    if lost(&report) > 0 {
        return Err(format!("events are lost: {report:?}").into());
    }
    if report.events < at_least {
        return Err(format!("expected at least {at_least} events, found {}", report.events).into());
    }
    Ok(())
}

struct Arguments {
    out: PathBuf,
    trees: Vec<PathBuf>,
    workers: usize,
    at_least: u64,
}

/// `None`: help was asked for.
fn arguments() -> Result<Option<Arguments>, lexopt::Error> {
    use lexopt::ValueExt;

    let (mut out, mut trees, mut at_least) = (None, Vec::new(), 0);
    let mut workers = available_parallelism().map_or(1, NonZero::get).max(4);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            lexopt::Arg::Long("out") => out = Some(PathBuf::from(parser.value()?)),
            lexopt::Arg::Long("tree") => trees.push(PathBuf::from(parser.value()?)),
            lexopt::Arg::Long("workers") => workers = parser.value()?.parse::<NonZero<usize>>()?.get(),
            lexopt::Arg::Long("at-least") => at_least = parser.value()?.parse()?,
            lexopt::Arg::Long("help") | lexopt::Arg::Short('h') => return Ok(None),
            other => return Err(other.unexpected()),
        }
    }
    let out = out.ok_or("expected --out FILE, see --help")?;
    Ok(Some(Arguments { out, trees, workers, at_least }))
}

/// All that was to be recorded and is not in the trace. Here nothing may be ignored either: each end has its begin.
fn lost(report: &Report) -> u64 {
    report.lost() + report.ignored + report.corrupt_chunks
}

/// What an event of this program costs, by recording one pair of them over and over, on one thread. The sink is none.
fn event_ns() -> Result<f64, Box<dyn Error>> {
    const PAIRS: u32 = 20_000;
    let session = Session::builder().writer(std::io::sink()).start()?;
    let names = ["new", "drop", "fmt", "from", "next", "clone", "default", "as_ref"];
    let round = || {
        let begin = Instant::now();
        for pair in 0..PAIRS {
            begin!("cost", names[pair as usize % names.len()], kind = "fn", line = pair);
            end!("cost");
        }
        begin.elapsed()
    };
    let mut rounds: Vec<_> = (0..9).map(|_| round()).collect();
    session.stop()?;
    rounds.sort();
    Ok(rounds[rounds.len() / 2].as_nanos() as f64 / f64::from(2 * PAIRS))
}

fn print_totals(totals: &Totals, trees: usize, workers: usize, wall: Duration) {
    let Totals { files, bytes, compressed_bytes, lines, functions, types, unsafe_blocks, .. } = totals;
    println!("{files} Rust sources in {trees} trees, looked at by {workers} workers in {:.2} s", wall.as_secs_f64());
    println!();
    println!("{bytes:>12} bytes");
    println!("{compressed_bytes:>12} when compressed: {:.1} %", 100.0 * *compressed_bytes as f64 / *bytes as f64);
    println!("{:>12} in {} files that are the same as another", totals.duplicate_bytes, totals.duplicates);
    println!("{:>12} lines of code, {} of comments, {} blank", lines.code, lines.comment, lines.blank);
    println!("{functions:>12} functions, {types} types, {unsafe_blocks} unsafe blocks");
    if let Some((function, file)) = &totals.longest {
        println!(
            "{:>12} lines has the longest function: {} in {file}:{}",
            function.lines, function.name, function.line
        );
    }
    println!();
}

fn print_report(report: &Report, event_ns: f64, work: Duration) {
    println!("recorded");
    println!("{:>12} events", report.events);
    println!("{:>12} bytes: {:.1} each", report.bytes, report.bytes as f64 / report.events as f64);
    println!("{:>12} lost", lost(report));
    println!("{:>12} threads", report.thread_count);
    for thread in &report.threads {
        println!("{:>24} events of {}", thread.events, thread.name);
    }
    let all = event_ns * report.events as f64;
    println!("{event_ns:>12.1} ns for an event, measured in a loop afterwards: {:.1} ms for all,", all / 1e6);
    println!("             beside {:.2} s that the workers worked", work.as_secs_f64());
}
