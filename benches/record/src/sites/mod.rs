//! Programs with many call sites: what each adds to the program and to its build, and what recording costs when neither the code nor the
//! data of a call site is in the cache. Real programs are no loops.

mod package;
mod recorders;

use self::package::Package;
use self::recorders::{
    FLOOR, Kind, NOTHING, PERFETTO_RECORDER, PFTRACE, PFTRACE_LITERAL, Recorder, TRACING_ALONE, TRACING_CHROME,
};
use crate::options::PartsOptions;
use crate::table::{self, number};

const SITES: [usize; 3] = [0, 1000, 2000];
const COLD_SITES: usize = 10_000;

pub fn run(options: &PartsOptions) {
    let wanted = |name: &str| options.names.is_empty() || options.names.iter().any(|wanted| wanted == name);
    if wanted("build") {
        build();
    }
    if wanted("size") {
        size();
    }
    if wanted("cold") {
        cold(options.rounds);
    }
}

/// CPU seconds to build pftrace and all that it depends on.
pub fn runtime_crate() -> f64 {
    Package::new(&PFTRACE).build_all()
}

fn build() {
    let mut rows = vec![vec![String::new(), "CPU seconds".to_owned()]];
    for recorder in [&PFTRACE, &PERFETTO_RECORDER, &TRACING_ALONE, &TRACING_CHROME] {
        rows.push(vec![recorder.name.to_owned(), number(Package::new(recorder).build_all())]);
    }
    table::print_rows(true, "Sites: a release build of it and all that it depends on", &rows);
}

/// Per call site and per thousand of them, without what functions cost that do nothing.
fn size() {
    let columns = ["", "code, bytes", "loaded, bytes", "build of 1,000, CPU seconds", "of the second 1,000"];
    for kind in Kind::ALL {
        let mut rows = vec![columns.map(str::to_owned).to_vec()];
        let nothing = growth(&NOTHING, kind);
        for recorder in [&PFTRACE, &PFTRACE_LITERAL, &PERFETTO_RECORDER, &TRACING_ALONE] {
            if recorder.statement(kind).is_empty() {
                continue;
            }
            let own = growth(recorder, kind);
            let row = own.iter().zip(&nothing).map(|(own, nothing)| number(own - nothing));
            rows.push([recorder.name.to_owned()].into_iter().chain(row).collect());
        }
        table::print_rows(true, &format!("Sites: what one more adds, {}", kind.name()), &rows);
    }
}

fn growth(recorder: &'static Recorder, kind: Kind) -> [f64; 4] {
    let package = Package::new(recorder);
    // What it depends on is built first, and not counted.
    package.build(kind, 0);
    let [none, some, more] = SITES.map(|sites| package.build(kind, sites));
    let each = (SITES[2] - SITES[1]) as f64;
    [
        (more.text - some.text) / each,
        (more.loaded - some.loaded) / each,
        some.cpu_seconds - none.cpu_seconds,
        more.cpu_seconds - some.cpu_seconds,
    ]
}

fn cold(rounds: usize) {
    const ALL: [&Recorder; 6] = [&NOTHING, &FLOOR, &PFTRACE, &PERFETTO_RECORDER, &TRACING_ALONE, &TRACING_CHROME];
    let packages = ALL.map(Package::new);
    for package in &packages {
        package.build(Kind::Span, COLD_SITES);
    }
    let mut least = vec![vec![f64::INFINITY; 4]; packages.len()];
    for _ in 0..rounds {
        for (package, least) in packages.iter().zip(&mut least) {
            least.iter_mut().zip(package.run()).for_each(|(least, found)| *least = least.min(found));
        }
    }
    let columns = ["", "one site, in a loop", "random order", "random order, cache evicted", "its first event"];
    let mut rows = vec![columns.map(str::to_owned).to_vec()];
    let floor = least[1].clone();
    for (recorder, least) in ALL.iter().zip(&least) {
        let cell = |at: usize| format!("{} ({:.2})", number(least[at]), least[at] / floor[at]);
        rows.push([vec![recorder.name.to_owned()], [1, 2, 3, 0].map(cell).to_vec()].concat());
    }
    let title = format!(
        "Sites: a span of {COLD_SITES} call sites, ns of the recording thread's CPU and its ratio to the floor's"
    );
    table::print_rows(true, &title, &rows);
}
