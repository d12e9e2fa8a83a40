//! The race: rounds of all runs, each in a process of its own, so that whatever else the machine does falls on all
//! contenders alike. Of each measurement the minimum over the rounds counts, of rates the maximum.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::bars;
use crate::contender::{Entry, Job, Outcome};
use crate::contenders;
use crate::options::{ChildOptions, RaceOptions, unique_file};
use crate::table;
use crate::workload::Workload;

pub const THREADS: [usize; 2] = [1, 2];

/// Someone who runs, and the executable that can do it.
#[derive(Debug)]
pub struct Runner {
    pub name: String,
    pub workloads: Vec<Workload>,
    pub executable: PathBuf,
    /// Only for the bars: [`contenders::LONG`].
    pub is_long: bool,
}

/// All that was measured of one contender, workload and number of threads.
#[derive(Debug)]
pub struct Runs {
    pub runner: usize,
    pub workload: Workload,
    pub threads: usize,
    pub outcomes: Vec<Outcome>,
}

impl Runs {
    pub fn least(&self, of: fn(&Outcome) -> f64) -> f64 {
        self.outcomes.iter().map(of).fold(f64::INFINITY, f64::min)
    }
    pub fn most(&self, of: fn(&Outcome) -> f64) -> f64 {
        self.outcomes.iter().map(of).fold(f64::NEG_INFINITY, f64::max)
    }
    pub fn median(&self, of: fn(&Outcome) -> f64) -> f64 {
        let mut values: Vec<f64> = self.outcomes.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

pub fn run(options: &RaceOptions) {
    let runners = runners(options);
    let mut all: Vec<Runs> = Vec::new();
    for (runner, Runner { workloads, .. }) in runners.iter().enumerate() {
        for &workload in workloads {
            if !options.workloads.is_empty() && !options.workloads.contains(&workload) {
                continue;
            }
            let threads = if runners[runner].is_long { &THREADS[..1] } else { &THREADS };
            all.extend(threads.iter().map(|&threads| Runs { runner, workload, threads, outcomes: Vec::new() }));
        }
    }
    // Runs that are compared with each other are next to each other in time.
    all.sort_by_key(|runs| (runs.workload.name(), runs.threads, runs.runner));
    for round in 1..=options.rounds {
        for runs in &mut all {
            let runner = &runners[runs.runner];
            if std::io::stderr().is_terminal() {
                eprint!(
                    "\rround {round}/{}: {} {} {:<40}",
                    options.rounds,
                    runs.workload.name(),
                    runs.threads,
                    runner.name
                );
            }
            match spawn(runner, runs.workload, runs.threads, options) {
                Ok(outcome) => runs.outcomes.push(outcome),
                Err(error) => eprintln!("\n{}: {error}", runner.name),
            }
        }
    }
    eprintln!();
    all.retain(|runs| !runs.outcomes.is_empty());
    table::print(options, &runners, &all);
    if options.bars {
        bars::print(options, &runners, &all);
    }
}

fn runners(options: &RaceOptions) -> Vec<Runner> {
    let own = std::env::current_exe().expect("the system knows this executable");
    let runner = |entry: &Entry, is_long| Runner {
        name: entry.name.to_owned(),
        workloads: entry.workloads.to_vec(),
        executable: own.clone(),
        is_long,
    };
    let mut runners: Vec<Runner> = contenders::ALL.iter().map(|entry| runner(entry, false)).collect();
    for other in &options.others {
        for (name, workloads) in listed(other) {
            if runners.iter().all(|runner| runner.name != name) {
                runners.push(Runner { name, workloads, executable: other.clone(), is_long: false });
            }
        }
    }
    let wanted = |name: &str| name == contenders::FLOOR || options.contenders.iter().any(|part| name.contains(part));
    runners.retain(|runner| options.contenders.is_empty() || wanted(&runner.name));
    if options.bars {
        runners.extend(
            contenders::LONG.iter().map(|entry| Runner { workloads: vec![Workload::Span], ..runner(entry, true) }),
        );
    }
    runners
}

/// Prints the contenders of this executable, a line each: workloads, name.
pub fn list() {
    for entry in contenders::ALL {
        let workloads: Vec<&str> = entry.workloads.iter().map(|workload| workload.name()).collect();
        println!("{}\t{}", workloads.join(","), entry.name);
    }
}

fn listed(executable: &Path) -> Vec<(String, Vec<Workload>)> {
    let output = Command::new(executable).arg("list").output().expect("the other executable runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = |line: &str| {
        let (workloads, name) = line.split_once('\t')?;
        Some((name.to_owned(), workloads.split(',').filter_map(Workload::from_name).collect()))
    };
    text.lines().filter_map(line).collect()
}

/// What a child says, beside whatever its contender prints.
const MARK: &str = "RACE-OUTCOME";

pub fn child(options: &ChildOptions) {
    let mut all = contenders::ALL.iter().chain(contenders::LONG);
    let entry = all.find(|entry| entry.name == options.contender).expect("a contender's name");
    let ChildOptions { workload, threads, events, .. } = *options;
    let outcome = (entry.run)(&Job { workload, threads, events, file: options.file.clone() });
    let Outcome { hot_ns, total_ns, wall_rate, allocations, bytes, loss } = outcome;
    println!("{MARK} {hot_ns} {total_ns} {wall_rate} {allocations} {bytes} {loss}");
}

fn spawn(runner: &Runner, workload: Workload, threads: usize, options: &RaceOptions) -> Result<Outcome, String> {
    let file = unique_file(&options.directory);
    let events = if runner.is_long { contenders::LONG_FACTOR * options.events } else { options.events };
    let output = Command::new(&runner.executable)
        .args(["child", "--contender", &runner.name, "--workload", workload.name()])
        .args(["--threads", &threads.to_string(), "--events", &events.to_string(), "--file"])
        .arg(&file)
        .env("TRACY_NO_INVARIANT_CHECK", "1")
        .output();
    let _ = std::fs::remove_file(&file);
    let output = output.map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers = text.lines().find_map(|line| line.strip_prefix(MARK)).ok_or_else(|| {
        format!("{} {threads}: {}: {}", workload.name(), output.status, String::from_utf8_lossy(&output.stderr))
    })?;
    let numbers: Vec<f64> = numbers.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    let [hot_ns, total_ns, wall_rate, allocations, bytes, loss] = numbers[..] else {
        return Err(format!("cannot read '{text}'"));
    };
    Ok(Outcome { hot_ns, total_ns, wall_rate, allocations, bytes, loss })
}
