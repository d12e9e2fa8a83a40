//! How many instructions pftrace takes for an event, counted by valgrind: a number that does not depend on the machine's load.
//!
//! Of this program, or of another build of it, as a process of its own that records and nobody reads; once with some events and once with
//! twice as many.

use std::path::Path;
use std::process::Command;

use crate::contender::repeat;
use crate::contenders::pftrace::{Discard, Flight, Pftrace, Setup, Stream, session};
use crate::contenders::POLICIES;
use crate::options::CountOptions;
use crate::workload::{Names, Workload};

const EVENTS: usize = 20_000;

/// Instructions per event, chunk changes included, without those of the loop. `None` where there is no valgrind.
pub fn per_event(executable: &Path, contender: &str, workload: Workload) -> Option<f64> {
    let of = |what| {
        Some((collected(executable, contender, what, 2)? - collected(executable, contender, what, 1)?) / EVENTS as f64)
    };
    Some(of(workload.name())? - of(NOTHING)?)
}

const NOTHING: &str = "nothing";

fn collected(executable: &Path, contender: &str, what: &str, factor: usize) -> Option<f64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=race_counted"])
        .arg(executable)
        .args(["count", what, "--contender", contender, "--events", &(factor * EVENTS).to_string()])
        .output();
    let text = String::from_utf8(output.ok()?.stderr).ok()?;
    let (_, count) = text.split_once("Collected : ")?;
    count.split_whitespace().next()?.parse::<f64>().ok()
}

/// The process that is counted.
pub fn count(options: &CountOptions) {
    let is = |at: usize| options.contender == POLICIES[at];
    match (is(1), is(2)) {
        (true, _) => record::<Discard>(options),
        (_, true) => record::<Flight>(options),
        _ => record::<Stream>(options),
    }
}

fn record<S: Setup>(options: &CountOptions) {
    let Some(workload) = Workload::from_name(&options.what) else {
        return race_counted(&mut || (0..options.events).for_each(|_| std::hint::black_box(())));
    };
    let session = (workload != Workload::Off)
        .then(|| session::<S>(Path::new("/dev/null")).drain_by_caller().start().expect("a session"));
    let names = Names::new();
    race_counted(&mut || repeat::<Pftrace<S>>(workload, &mut (), &names, options.events));
    // Without stopping: that reads what was recorded.
    if session.is_some() {
        // SAFETY: ends the process.
        unsafe { libc::_exit(0) };
    }
}

/// Only within it is counted: not what others' C++ does at the start, nor the threads that it has.
#[unsafe(no_mangle)]
#[inline(never)]
fn race_counted(f: &mut dyn FnMut()) {
    f();
}
