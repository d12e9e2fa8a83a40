//! `cargo bench`: every contender on every message, and a table of it. `cargo bench -- M1` measures one message.
//!
//! Neighbours on the machine change its speed from one second to the next. So each round measures all contenders of a
//! message, for half a millisecond each, beginning with another one each time; what counts is the quietest round. (This is
//! what criterion can't do: it measures one after the other, seconds apart.)

use std::collections::BTreeMap;
use std::time::Duration;

use pftrace_bench_encode::args::Args;
use pftrace_bench_encode::cases::{MEMCPY, PDEP, Run, SPEED_OF_LIGHT, cases};
use pftrace_bench_encode::contender::Contender;
use pftrace_bench_encode::hand::backward::Backward;
use pftrace_bench_encode::hand::forward::Forward;
use pftrace_bench_encode::ours::Ours;

const ROUNDS: usize = 200;
const SAMPLE: Duration = Duration::from_micros(500);

/// Nanoseconds by case and contender.
type Results = BTreeMap<(&'static str, &'static str), f64>;

fn main() {
    // cargo gives `--bench`.
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    let args = Args::new();
    let mut cases = cases(&args);
    cases.retain(|case| case.name.contains(&wanted));
    let mut results = Results::new();
    let mut contenders = vec![];
    for case in &mut cases {
        eprintln!("{} ({} B)", case.name, case.len);
        for (name, ns) in measure(&mut case.runs) {
            results.insert((case.name, name), ns);
            if !contenders.contains(&name) {
                contenders.push(name);
            }
        }
    }
    let columns: Vec<_> = cases.iter().map(|case| case.name).collect();
    println!("\nns per message, quietest of {ROUNDS} rounds\n");
    table(&columns, &contenders, |case, contender| results.get(&(case, contender)).copied());
    println!("\n÷ hand-written forward\n");
    let forward = |case| results.get(&(case, Forward::NAME)).copied();
    table(&columns, &contenders, |case, contender| Some(results.get(&(case, contender))? / forward(case)?));
    println!("\n÷ the floor (memcpy)\n");
    let floor = |case| results.get(&(case, MEMCPY)).copied();
    table(&columns, &contenders, |case, contender| Some(results.get(&(case, contender))? / floor(case)?));
    bars(&results);
}

fn measure(runs: &mut [(&'static str, Run<'_>)]) -> Vec<(&'static str, f64)> {
    let iterations: Vec<u32> = runs.iter_mut().map(|(_, run)| calibrate(run)).collect();
    let mut best = vec![f64::INFINITY; runs.len()];
    for round in 0..ROUNDS {
        for i in 0..runs.len() {
            let i = (i + round) % runs.len();
            let took = runs[i].1(iterations[i]);
            best[i] = best[i].min(took.as_secs_f64() * 1e9 / f64::from(iterations[i]));
        }
    }
    runs.iter().map(|run| run.0).zip(best).collect()
}

/// How many iterations take [`SAMPLE`].
fn calibrate(run: &mut Run<'_>) -> u32 {
    let mut iterations = 16;
    while run(iterations) < SAMPLE {
        iterations *= 2;
    }
    iterations
}

fn table(columns: &[&'static str], rows: &[&'static str], cell: impl Fn(&'static str, &'static str) -> Option<f64>) {
    println!("| | {} |", columns.join(" | "));
    println!("|---|{}", "--:|".repeat(columns.len()));
    for row in rows {
        let cells = columns.iter().map(|column| match cell(column, row) {
            Some(value) if value < 100.0 => format!("{value:.2}"),
            Some(value) => format!("{value:.0}"),
            None => String::new(),
        });
        println!("| {row} | {} |", cells.collect::<Vec<_>>().join(" | "));
    }
}

/// What the project wants to be no slower than.
fn bars(results: &Results) {
    let ratio = |case, floor| Some(results.get(&(case, Ours::NAME))? / results.get(&(case, floor))?);
    let each: Vec<f64> =
        ["M1", "M2", "M3", "M4", "M5", "M6"].iter().filter_map(|case| ratio(case, Forward::NAME)).collect();
    println!("\nbars\n\n| | ours | bar |\n|---|--:|--:|");
    let row = |name: &str, ratio: Option<f64>, bar: f64| {
        if let Some(ratio) = ratio {
            println!("| {name} | {ratio:.2} | {bar} {} |", if ratio <= bar { "reached" } else { "missed" });
        }
    };
    if each.len() == 6 {
        let mean = (each.iter().map(|ratio| ratio.ln()).sum::<f64>() / 6.0).exp();
        row("÷ hand-written forward, geometric mean of M1 to M6", Some(mean), 1.15);
        row("÷ hand-written forward, the worst of them", each.iter().copied().reduce(f64::max), 1.3);
    }
    let native = cfg!(target_feature = "bmi2");
    for (case, bar) in [("flat", 1.6), ("flat, as Perfetto", if native { 1.2 } else { 1.6 })] {
        row(&format!("{case} ÷ speed of light"), ratio(case, SPEED_OF_LIGHT), bar);
    }
    for (case, bar) in [("nested", 2.4), ("nested, as Perfetto", if native { 1.8 } else { 2.4 })] {
        row(&format!("{case} ÷ speed of light"), ratio(case, SPEED_OF_LIGHT), bar);
    }
    row("packed varints of random length ÷ branch-free pdep", ratio("packed", PDEP), if native { 1.3 } else { 2.5 });
    row("chain of 64 ÷ hand-written backward", ratio("chain", Backward::NAME), 1.3);
}
