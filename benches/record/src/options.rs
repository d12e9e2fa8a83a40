//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use lexopt::prelude::*;

use crate::workload::Workload;

pub const USAGE: &str = "usage: race [OPTION]...        all contenders, interleaved
       race parts [NAME]...      the parts of our own recording path
       race costs [NAME]...      what each thing costs, and how cost grows
       race sites [build|size|cold]   many call sites: builds packages with them
       race lossless             whether anything is lost close to the sink's limit
       race list                 the contenders
  --rounds N          how often everything is run; the minimum counts (7)
  --events N          per thread and run (200000)
  --contender TEXT    only those whose name holds TEXT; may be given more than once
  --seconds N         how long is recorded to see whether anything is lost (60)
  --workload W1       only this; may be given more than once
  --other EXECUTABLE  takes over the contenders of another build of this program (perfetto-recorder with fastant)
  --directory PATH    where the traces go (the system's temporary directory)
  --bars              against the bars, too: builds pftrace anew, and counts instructions if there is valgrind
  --markdown          a table for the documentation";

#[derive(Debug)]
pub enum Options {
    Race(RaceOptions),
    Child(ChildOptions),
    Parts(PartsOptions),
    Costs(PartsOptions),
    Sites(PartsOptions),
    Lossless(PartsOptions),
    Count(CountOptions),
    List,
}

#[derive(Debug)]
pub struct RaceOptions {
    pub rounds: usize,
    pub events: usize,
    pub contenders: Vec<String>,
    pub workloads: Vec<Workload>,
    pub others: Vec<PathBuf>,
    pub directory: PathBuf,
    pub markdown: bool,
    pub bars: bool,
    /// As it was given, for the table.
    pub command: String,
}

/// One run in a process of its own.
#[derive(Debug)]
pub struct ChildOptions {
    pub contender: String,
    pub workload: Workload,
    pub threads: usize,
    pub events: usize,
    pub file: PathBuf,
}

#[derive(Debug)]
pub struct PartsOptions {
    pub names: Vec<String>,
    pub rounds: usize,
    pub seconds: u64,
    pub directory: PathBuf,
}

/// A workload again and again, for whoever counts instructions.
#[derive(Debug)]
pub struct CountOptions {
    pub contender: String,
    /// A workload's name; anything else is nothing.
    pub what: String,
    pub events: usize,
}

impl Options {
    pub fn from_arguments() -> Result<Self, lexopt::Error> {
        let mut parser = lexopt::Parser::from_env();
        let mut words: Vec<String> = Vec::new();
        let mut race = RaceOptions {
            rounds: 7,
            events: 200_000,
            contenders: Vec::new(),
            workloads: Vec::new(),
            others: Vec::new(),
            directory: std::env::temp_dir(),
            markdown: false,
            bars: false,
            command: std::env::args().skip(1).collect::<Vec<_>>().join(" "),
        };
        let (mut threads, mut file, mut seconds) = (1, None, 60);
        while let Some(argument) = parser.next()? {
            match argument {
                Long("rounds") => race.rounds = parser.value()?.parse()?,
                Long("events") => race.events = parser.value()?.parse()?,
                Long("contender") => race.contenders.push(parser.value()?.string()?),
                Long("workload") => race.workloads.push(workload(parser.value()?)?),
                Long("other") => race.others.push(parser.value()?.into()),
                Long("directory") => race.directory = parser.value()?.into(),
                Long("bars") => race.bars = true,
                Long("markdown") => race.markdown = true,
                Long("seconds") => seconds = parser.value()?.parse()?,
                Long("threads") => threads = parser.value()?.parse()?,
                Long("file") => file = Some(PathBuf::from(parser.value()?)),
                Value(word) => words.push(word.string()?),
                other => return Err(other.unexpected()),
            }
        }
        match words.first().cloned().as_deref() {
            None => Ok(Self::Race(race)),
            Some("list") => Ok(Self::List),
            Some(kind @ ("parts" | "costs" | "sites" | "lossless")) => {
                let names = words.split_off(1);
                let options = PartsOptions { names, rounds: race.rounds, seconds, directory: race.directory };
                Ok(match kind {
                    "parts" => Self::Parts(options),
                    "costs" => Self::Costs(options),
                    "lossless" => Self::Lossless(options),
                    _ => Self::Sites(options),
                })
            }
            Some("count") => {
                let [_, what] = &words[..] else { return Err("expected a workload".into()) };
                let contender = race.contenders.pop().unwrap_or_default();
                Ok(Self::Count(CountOptions { contender, what: what.clone(), events: race.events }))
            }
            Some("child") => {
                let (Some(contender), Some(&workload)) = (race.contenders.pop(), race.workloads.first()) else {
                    return Err("a child needs --contender and --workload".into());
                };
                let file = file.ok_or("a child needs --file")?;
                Ok(Self::Child(ChildOptions { contender, workload, threads, events: race.events, file }))
            }
            Some(word) => Err(format!("unexpected argument '{word}'").into()),
        }
    }
}

fn workload(value: OsString) -> Result<Workload, lexopt::Error> {
    let name = value.string()?;
    Workload::from_name(&name).ok_or_else(|| format!("'{name}' is not a workload").into())
}

/// A name for a trace that no other process uses.
pub fn unique_file(directory: &std::path::Path) -> PathBuf {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    directory.join(format!("race-{}-{now}.trace", std::process::id()))
}
