//! Recording events into a trace: ours, others and the floor, in one run. See the README beside this file.

mod bars;
mod candidates;
mod clock;
mod contender;
mod contenders;
mod costs;
mod instructions;
mod lossless;
mod malloc;
mod options;
mod parts;
mod race;
mod readback;
mod sites;
mod table;
mod workload;

use std::process::ExitCode;

use options::Options;

fn main() -> ExitCode {
    match Options::from_arguments() {
        Ok(Options::Race(options)) => race::run(&options),
        Ok(Options::Child(child)) => race::child(&child),
        Ok(Options::Parts(parts)) => parts::run(&parts),
        Ok(Options::Costs(costs)) => costs::run(&costs),
        Ok(Options::Lossless(lossless)) => lossless::run(&lossless),
        Ok(Options::Sites(sites)) => sites::run(&sites),
        Ok(Options::Count(count)) => instructions::count(&count),
        Ok(Options::List) => race::list(),
        Err(error) => {
            eprintln!("race: {error}\n{}", options::USAGE);
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
