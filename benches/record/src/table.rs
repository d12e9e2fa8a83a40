//! Prints what the race measured.

use std::process::Command;

use crate::contenders::FLOOR;
use crate::options::RaceOptions;
use crate::race::{Runner, Runs};
use crate::workload::Workload;

pub fn print(options: &RaceOptions, runners: &[Runner], all: &[Runs]) {
    let table = Table { runners, all };
    let workloads: Vec<Workload> =
        Workload::ALL.into_iter().filter(|workload| all.iter().any(|runs| runs.workload == *workload)).collect();
    let lines = [
        (
            "hot: CPU of the recording thread per event, ns, and its ratio to the floor's",
            table.hot(&workloads, 1, least),
        ),
        ("the same with two threads", table.hot(&workloads, 2, least)),
        ("the same with one thread, medians", table.hot(&workloads, 1, median)),
        ("the same with two threads, medians", table.hot(&workloads, 2, median)),
        ("until the file is written, and what is in it", table.whole(&workloads)),
    ];
    if options.markdown {
        let rounds = format!("the minimum of {} interleaved rounds of {} events", options.rounds, options.events);
        println!("{} `race {}`: {rounds}.\n", machine(), options.command);
    }
    for (title, rows) in lines {
        print_rows(options.markdown, title, &rows);
    }
}

pub fn print_rows(as_markdown: bool, title: &str, rows: &[Vec<String>]) {
    println!("{}{title}\n", if as_markdown { "### " } else { "" });
    if as_markdown {
        markdown(rows)
    } else {
        plain(rows)
    }
    println!();
}

/// What counts of the rounds.
type Pick = fn(&Runs) -> f64;

fn least(runs: &Runs) -> f64 {
    runs.least(|outcome| outcome.hot_ns)
}

fn median(runs: &Runs) -> f64 {
    runs.median(|outcome| outcome.hot_ns)
}

struct Table<'a> {
    runners: &'a [Runner],
    all: &'a [Runs],
}

impl Table<'_> {
    fn runs(&self, runner: usize, workload: Workload, threads: usize) -> Option<&Runs> {
        self.all.iter().find(|runs| (runs.runner, runs.workload, runs.threads) == (runner, workload, threads))
    }

    fn hot(&self, workloads: &[Workload], threads: usize, pick: Pick) -> Vec<Vec<String>> {
        let floor = self.runners.iter().position(|runner| runner.name == FLOOR).unwrap_or(0);
        let cell = |runner, workload| {
            let hot = pick(self.runs(runner, workload, threads)?);
            let floor = pick(self.runs(floor, workload, threads)?);
            Some(format!("{hot:.1} ({:.2})", hot / floor))
        };
        self.rows(workloads, cell)
    }

    fn shown(&self) -> impl Iterator<Item = (usize, &Runner)> {
        self.runners.iter().enumerate().filter(|(_, runner)| !runner.is_long)
    }

    fn rows(&self, workloads: &[Workload], cell: impl Fn(usize, Workload) -> Option<String>) -> Vec<Vec<String>> {
        let mut rows = vec![vec![String::new()]];
        rows[0].extend(workloads.iter().map(|workload| workload.name().to_owned()));
        for (runner, Runner { name, .. }) in self.shown() {
            let mut row = vec![name.clone()];
            row.extend(workloads.iter().map(|&workload| cell(runner, workload).unwrap_or_else(|| "–".to_owned())));
            rows.push(row);
        }
        rows
    }

    fn whole(&self, workloads: &[Workload]) -> Vec<Vec<String>> {
        let main = if workloads.contains(&Workload::Span) { Workload::Span } else { workloads[0] };
        let annotated = workloads.contains(&Workload::Annotated).then_some(Workload::Annotated);
        let mut head = vec![String::new(), format!("{} total ns", main.name())];
        let each = || [Some(main), annotated].into_iter().flatten();
        head.extend(each().map(|workload| format!("{} allocations", workload.name())));
        head.extend(each().map(|workload| format!("{} bytes", workload.name())));
        head.extend([
            "events lost, most".to_owned(),
            format!("{} per CPU second, 2 ÷ 1 threads", main.name()),
            "per wall second".to_owned(),
        ]);
        let mut rows = vec![head];
        for (runner, Runner { name, .. }) in self.shown() {
            let least = |workload, of| self.runs(runner, workload, 1).map(|runs| runs.least(of));
            let number =
                |value: Option<f64>, digits| value.map_or("–".to_owned(), |value| format!("{value:.digits$}"));
            let mut row = vec![name.clone(), number(least(main, |outcome| outcome.total_ns), 0)];
            row.extend(each().map(|workload| number(least(workload, |outcome| outcome.allocations), 2)));
            row.extend(
                each().map(|workload| number(least(workload, |outcome| outcome.bytes).filter(|bytes| *bytes > 0.0), 1)),
            );
            let losses =
                self.all.iter().filter(|runs| runs.runner == runner).map(|runs| runs.most(|outcome| outcome.loss));
            let loss = losses.fold(-1.0, f64::max);
            row.push(if loss < 0.0 { "–".to_owned() } else { format!("{:.1} %", loss * 100.0) });
            let hot = |threads| self.runs(runner, main, threads).map(|runs| runs.least(|outcome| outcome.hot_ns));
            row.push(number(hot(1).zip(hot(2)).map(|(one, two)| one / two), 2));
            let rate = |threads| self.runs(runner, main, threads).map(|runs| runs.most(|outcome| outcome.wall_rate));
            row.push(number(rate(2).zip(rate(1)).map(|(two, one)| two / one), 2));
            rows.push(row);
        }
        rows
    }
}

fn plain(rows: &[Vec<String>]) {
    let columns = rows[0].len();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in rows {
        let cells = row.iter().zip(&widths).enumerate();
        let line: Vec<String> = cells
            .map(
                |(column, (cell, &width))| {
                    if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
                },
            )
            .collect();
        println!("{}", line.join("  "));
    }
}

fn markdown(rows: &[Vec<String>]) {
    for (at, row) in rows.iter().enumerate() {
        println!("| {} |", row.join(" | "));
        if at == 0 {
            println!("|---|{}", "--:|".repeat(row.len() - 1));
        }
    }
}

/// Machine, compiler and commit.
pub fn machine() -> String {
    let of = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned()).filter(|text| !text.is_empty())
    };
    let unknown = || "unknown".to_owned();
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field =
        |name| info.lines().find(|line| line.starts_with(name))?.split_once(": ").map(|(_, value)| value.to_owned());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    format!(
        "{} (family {}, model {}), {cores} cores, load {}, Linux {}, {}, commit {}.",
        field("model name").unwrap_or_else(unknown),
        field("cpu family").unwrap_or_else(unknown),
        field("model\t").unwrap_or_else(unknown),
        load.split(' ').next().unwrap_or_default(),
        of("uname", &["-r"]).unwrap_or_else(unknown),
        of("rustc", &["--version"]).unwrap_or_else(unknown),
        of("git", &["describe", "--always", "--dirty"]).unwrap_or_else(unknown),
    )
}

/// With as many digits as it deserves.
pub fn number(value: f64) -> String {
    match value {
        value if value.is_nan() => "–".to_owned(),
        value if value >= 100.0 => format!("{value:.0}"),
        value => format!("{value:.2}"),
    }
}
