//! Whether an event costs more after hours: in a build whose clock only moves when it is read or pushed.

use crate::options::PartsOptions;

#[cfg(not(pftrace_stub_clock))]
pub fn run(_: &PartsOptions) {
    println!(
        "How long a session has been running is measured by a build with the stub clock: see `make bench-record`.\n"
    );
}

#[cfg(pftrace_stub_clock)]
pub fn run(options: &PartsOptions) {
    use std::io::sink;
    use std::time::Duration;

    use pftrace::{Session, instant, slice};

    use super::events::ON;
    use super::{CALLS, Record, timed};
    use crate::table::{self, number};

    const HOURS: [u64; 5] = [0, 1, 10, 100, 1000];
    let mut rows = vec![["hours", "ns", "bytes", "lost"].map(str::to_owned).to_vec()];
    let mut least = [(f64::INFINITY, 0.0, 0); HOURS.len()];
    let record: Record<'_> = Box::new(|calls| {
        (0..calls).for_each(|i| {
            let _slice = slice!(ON, "slice", number = (i & 127) as u64);
        });
    });
    for _ in 0..options.rounds {
        let session = Session::builder().writer(sink()).drain_by_caller().start().expect("a session");
        let mut hours = 0;
        for (target, least) in HOURS.into_iter().zip(&mut least) {
            // An event and a drain each ten seconds.
            while hours < target {
                for _ in 0..360 {
                    pftrace_clock::advance(Duration::from_secs(10));
                    instant!(ON, "tick");
                    session.drain().expect("a sink that takes all");
                }
                hours += 1;
            }
            let before = session.stats();
            let ns = timed(1, CALLS, &record);
            session.drain().expect("a sink that takes all");
            let after = session.stats();
            let bytes = (after.bytes - before.bytes) as f64 / ((after.events - before.events) as f64 / 2.0);
            *least = (least.0.min(ns), bytes, after.lost() - before.lost());
        }
    }
    for (hours, (ns, bytes, lost)) in HOURS.into_iter().zip(least) {
        rows.push(vec![hours.to_string(), number(ns), number(bytes), lost.to_string()]);
    }
    table::print_rows(
        true,
        "Costs: a slice with an annotation, ns by the stub clock, by how long the session has been running",
        &rows,
    );
}
