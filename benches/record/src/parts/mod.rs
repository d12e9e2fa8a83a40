//! The parts of our own recording path, one experiment each. The cases of an experiment take turns.

mod chunk_len;
mod definitions;
mod drain;
mod drift;
mod memory;
mod ownership;
mod recording;
mod scaling;
mod thread_local;

use crate::options::PartsOptions;
use crate::table::number;

type Experiment = (&'static str, fn(&PartsOptions));

const ALL: &[Experiment] = &[
    ("ownership", ownership::run),
    ("thread-local", thread_local::run),
    ("scaling", scaling::run),
    ("chunk-len", chunk_len::run),
    ("memory", memory::run),
    ("drain", drain::run),
    ("definitions", definitions::run),
    ("drift", drift::run),
];

pub fn run(options: &PartsOptions) {
    for (name, experiment) in ALL {
        if options.names.is_empty() || options.names.iter().any(|wanted| wanted == name) {
            experiment(options);
        }
    }
}

/// One line of a table.
struct Case<'a> {
    name: String,
    /// One number a column.
    run: Box<dyn FnMut() -> Vec<f64> + 'a>,
}

impl<'a> Case<'a> {
    fn new(name: impl Into<String>, run: impl FnMut() -> Vec<f64> + 'a) -> Self {
        Self { name: name.into(), run: Box::new(run) }
    }
}

/// Runs all cases in turn and prints of each column the minimum and the median: where threads disturb each other, a
/// minimum may be of a round in which they did not meet.
fn compare(title: &str, columns: &[&str], rounds: usize, mut cases: Vec<Case<'_>>) {
    let mut measured: Vec<Vec<Vec<f64>>> = cases.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for (case, measured) in cases.iter_mut().zip(&mut measured) {
            measured.push((case.run)());
        }
    }
    println!("### {title}\n");
    println!("minimum (median) of {rounds} rounds\n");
    println!("| | {} |\n|---|{}", columns.join(" | "), "--:|".repeat(columns.len()));
    for (case, measured) in cases.iter().zip(&measured) {
        let cells: Vec<String> = (0..columns.len())
            .map(|column| {
                let mut values: Vec<f64> = measured.iter().map(|round| round[column]).collect();
                values.sort_by(f64::total_cmp);
                format!("{} ({})", number(values[0]), number(values[rounds / 2]))
            })
            .collect();
        println!("| {} | {} |", case.name, cells.join(" | "));
    }
    println!();
}
