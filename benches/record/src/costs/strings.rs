//! Names that are made while the program runs.

use pftrace::{instant, slice};

use super::events::ON;
use super::{CALLS, Case, WARM_UP, compare, turns};
use crate::options::PartsOptions;

pub fn run(options: &PartsOptions) {
    let names = |count: usize, len: usize| -> Vec<String> { (0..count).map(|i| format!("{i:0len$}")).collect() };
    let of = |name: &str, names: Vec<String>| {
        let names = turns(&names);
        Case::new(name, 1.0, move |calls| names[..calls].iter().for_each(|name| instant!(ON, name.as_str())))
    };
    let (annotation, slices) = (turns(&names(1000, 16)), turns(&names(1000, 16)));
    let cases = vec![
        Case::new("instant, name written out", 1.0, |calls| (0..calls).for_each(|_| instant!(ON, "written out"))),
        of("one of 10 names of 16 bytes: known", names(10, 16)),
        of("one of 1,000", names(1000, 16)),
        of("one of 20,000: more than a table holds", names(20_000, 16)),
        of("each time a new one", names(CALLS + WARM_UP, 16)),
        of("one of 10 names of 3 bytes", names(10, 3)),
        of("one of 10 names of 100 bytes", names(10, 100)),
        Case::new("annotation, one of 1,000 of 16 bytes", 1.0, |calls| {
            annotation[..calls].iter().for_each(|text| instant!(ON, "event", text));
        }),
        Case::new("slice, one of 1,000 names (W5)", 2.0, |calls| {
            slices[..calls].iter().for_each(|name| {
                let _slice = slice!(ON, name.as_str());
            });
        }),
    ];
    compare("run-time names", options.rounds, &cases);
}
