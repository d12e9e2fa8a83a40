//! What recording is to cost at most, and what it was measured to cost: for each policy, in the race's own run.

use std::fmt;

use crate::contender::Outcome;
use crate::contenders::{FLOOR, LONG_INTO_A_FILE, LONG_INTO_NOTHING, OURS, STUB, WRITE};
use crate::options::RaceOptions;
use crate::race::{Runner, Runs};
use crate::workload::Workload::{self, Annotated, Counter, Instant, Named, Off, Span};
use crate::{instructions, sites, table};

pub fn print(options: &RaceOptions, runners: &[Runner], all: &[Runs]) {
    let mut rows = vec![["", "bar", "stream", "discard", "flight recorder"].map(str::to_owned).to_vec()];
    let race = Race { runners, all };
    for bar in bars() {
        let mut row = vec![bar.what.to_owned(), bar.limit.to_string()];
        row.extend((0..OURS.len()).map(|policy| cell(&bar, (bar.measure)(&race, policy))));
        rows.push(row);
    }
    let title = "against the bars (of minima; bold what misses its bar)";
    table::print_rows(options.markdown, title, &rows);
    let seconds = sites::runtime_crate();
    let verdict = if seconds <= 10.0 { "reached" } else { "missed" };
    println!(
        "Building pftrace and all that it depends on, for release: {seconds:.1} s of CPU; the bar is 10 s: {verdict}.\n"
    );
    println!("Lossless at 80 % of the sink's rate: `make bench-lossless`.\n");
}

/// One line.
struct Bar {
    what: &'static str,
    limit: Limit,
    measure: fn(&Race<'_>, usize) -> Option<f64>,
}

#[derive(Clone, Copy)]
enum Limit {
    AtMost(f64),
    AtLeast(f64),
    /// Says what another line is made of.
    None,
}

impl Limit {
    /// What is printed is what is compared.
    fn is_missed(self, measured: f64) -> bool {
        let round = |number: f64| (number * 100.0).round();
        match self {
            Self::AtMost(limit) => round(measured) > round(limit),
            Self::AtLeast(limit) => round(measured) < round(limit),
            Self::None => false,
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(limit) => write!(f, "≤ {limit}"),
            Self::AtLeast(limit) => write!(f, "≥ {limit}"),
            Self::None => f.write_str("–"),
        }
    }
}

fn bars() -> Vec<Bar> {
    let bar = |what, limit, measure| Bar { what, limit: Limit::AtMost(limit), measure };
    vec![
        bar("W1 hot ÷ floor", 1.25, |race, policy| race.hot_to_floor(OURS[policy], Span)),
        bar("W2 hot ÷ floor", 1.25, |race, policy| race.hot_to_floor(OURS[policy], Instant)),
        bar("W3 hot ÷ floor", 1.25, |race, policy| race.hot_to_floor(OURS[policy], Counter)),
        bar("W4 hot ÷ floor", 1.6, |race, policy| race.hot_to_floor(OURS[policy], Annotated)),
        bar("W5 hot ÷ floor", 1.75, |race, policy| race.hot_to_floor(OURS[policy], Named)),
        bar("W1 by a stub clock, ns per event", 4.0, |race, policy| Some(race.hot(STUB[policy], Span, 1)? / 2.0)),
        bar("W2 by a stub clock, ns per event", 4.0, |race, policy| race.hot(STUB[policy], Instant, 1)),
        bar("W3 by a stub clock, ns per event", 4.0, |race, policy| race.hot(STUB[policy], Counter, 1)),
        bar("W1 by a stub clock, instructions per event", 35.0, |race, policy| {
            Some(race.instructions(STUB[policy], Span)? / 2.0)
        }),
        bar("W2 by a stub clock, instructions per event", 35.0, |race, policy| {
            race.instructions(STUB[policy], Instant)
        }),
        bar("W3 by a stub clock, instructions per event", 35.0, |race, policy| {
            race.instructions(STUB[policy], Counter)
        }),
        bar("W6 off, instructions", 3.0, |race, policy| race.instructions(OURS[policy], Off)),
        bar("W1 hot + drain ÷ floor, into nothing", 1.5, |race, policy| {
            Some(
                race.least(LONG_INTO_NOTHING[policy], Span, 1, |outcome| outcome.total_ns)?
                    / race.hot(FLOOR, Span, 1)?,
            )
        }),
        bar("W1 hot + drain without 1.2 × write(2) ÷ floor, into a file", 1.5, |race, policy| {
            let total = race.least(LONG_INTO_A_FILE[policy], Span, 1, |outcome| outcome.total_ns)?;
            Some((total - 1.2 * race.write()?) / race.hot(FLOOR, Span, 1)?)
        }),
        bar("heap allocations per event, W1 to W5, most", 0.0, |race, policy| race.allocations(OURS[policy])),
        bar("bytes per span, W1", 30.0, |race, policy| race.bytes(OURS[policy], Span)),
        bar("bytes per span, W4", 64.0, |race, policy| race.bytes(OURS[policy], Annotated)),
        Bar {
            what: "W1 per CPU second, 2 threads ÷ 1, of the floor's",
            limit: Limit::AtLeast(0.97),
            measure: |race, policy| Some(race.two_to_one(OURS[policy])? / race.two_to_one(FLOOR)?),
        },
        Bar { what: "write(2) of as many bytes as W1, ns", limit: Limit::None, measure: |race, _| race.write() },
    ]
}

fn cell(bar: &Bar, measured: Option<f64>) -> String {
    match measured.filter(|number| number.is_finite()) {
        Some(measured) if bar.limit.is_missed(measured) => format!("**{measured:.2}**"),
        Some(measured) => format!("{measured:.2}"),
        None => "–".to_owned(),
    }
}

struct Race<'a> {
    runners: &'a [Runner],
    all: &'a [Runs],
}

impl Race<'_> {
    fn runs(&self, name: &str, workload: Workload, threads: usize) -> Option<&Runs> {
        let runner = self.runners.iter().position(|runner| runner.name == name)?;
        self.all.iter().find(|runs| (runs.runner, runs.workload, runs.threads) == (runner, workload, threads))
    }

    fn least(&self, name: &str, workload: Workload, threads: usize, of: fn(&Outcome) -> f64) -> Option<f64> {
        Some(self.runs(name, workload, threads)?.least(of))
    }

    fn hot(&self, name: &str, workload: Workload, threads: usize) -> Option<f64> {
        self.least(name, workload, threads, |outcome| outcome.hot_ns)
    }

    fn hot_to_floor(&self, name: &str, workload: Workload) -> Option<f64> {
        Some(self.hot(name, workload, 1)? / self.hot(FLOOR, workload, 1)?)
    }

    fn two_to_one(&self, name: &str) -> Option<f64> {
        Some(self.hot(name, Span, 1)? / self.hot(name, Span, 2)?)
    }

    fn bytes(&self, name: &str, workload: Workload) -> Option<f64> {
        self.least(name, workload, 1, |outcome| outcome.bytes)
    }

    fn write(&self) -> Option<f64> {
        self.least(WRITE, Span, 1, |outcome| outcome.total_ns)
    }

    fn allocations(&self, name: &str) -> Option<f64> {
        let runner = self.runners.iter().position(|runner| runner.name == name)?;
        let of = self.all.iter().filter(|runs| runs.runner == runner && runs.workload != Off);
        of.map(|runs| runs.least(|outcome| outcome.allocations)).reduce(f64::max)
    }

    fn instructions(&self, name: &str, workload: Workload) -> Option<f64> {
        let runner = self.runners.iter().find(|runner| runner.name == name)?;
        instructions::per_event(&runner.executable, name, workload)
    }
}
