//! What each thing that can be recorded costs, and how cost grows: with threads, the ring, call sites, tracks, time. The cases of an
//! experiment take turns, and the floor takes turns with them.

mod details;
mod drain;
mod events;
mod growth;
mod hours;
mod strings;
mod threads;

use std::io::sink;
use std::sync::Barrier;

use pftrace::{Report, Session, SessionBuilder};

use crate::clock;
use crate::contenders::floor;
use crate::options::PartsOptions;
use crate::table::{self, number};

type Experiment = (&'static str, fn(&PartsOptions));

const ALL: &[Experiment] = &[
    ("annotations", events::annotations),
    ("options", details::run),
    ("tracks", details::tracks),
    ("strings", strings::run),
    ("first", threads::first),
    ("chunk", threads::chunk),
    ("drain", drain::run),
    ("threads", threads::many),
    ("ring", growth::ring),
    ("sites", growth::sites),
    ("live-tracks", growth::live_tracks),
    ("hours", hours::run),
];

pub fn run(options: &PartsOptions) {
    println!("{} Minima of {} rounds.\n", table::machine(), options.rounds);
    for (name, experiment) in ALL {
        if options.names.is_empty() || options.names.iter().any(|wanted| wanted == name) {
            experiment(options);
        }
    }
}

/// What is recorded, by number of calls.
pub type Record<'a> = Box<dyn Fn(usize) + Sync + 'a>;

/// One line of a table.
pub struct Case<'a> {
    name: String,
    /// A call is so many events, for the floor's sake. 0: it records nothing.
    events: f64,
    record: Record<'a>,
}

impl<'a> Case<'a> {
    pub fn new(name: impl Into<String>, events: f64, record: impl Fn(usize) + Sync + 'a) -> Self {
        Self { name: name.into(), events, record: Box::new(record) }
    }
}

/// A case of one line of code, which may use the number of the call.
macro_rules! case {
    ($name:expr, $events:expr, |$i:ident| $record:expr) => {
        $crate::costs::Case::new($name, $events, |calls| {
            for $i in 0..calls {
                let $i = std::hint::black_box($i);
                _ = $i;
                $record;
            }
        })
    };
}
use case;

/// How much is recorded in a case.
pub const CALLS: usize = 200_000;
pub const WARM_UP: usize = 5_000;

/// For each call one of them, in an order that jumps about, each as often as the others; made before the clock runs.
pub fn turns<T: Clone>(of: &[T]) -> Vec<T> {
    (0..CALLS.max(WARM_UP)).map(|i| of[i.wrapping_mul(7919) % of.len()].clone()).collect()
}

/// What a case was measured to cost.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// CPU of a recording thread per call.
    pub ns: f64,
    /// In the file, per call.
    pub bytes: f64,
    pub lost: f64,
}

/// Of one call, on a thread of its own, in a session that streams into nothing.
pub fn measure(
    configure: impl FnOnce(SessionBuilder) -> SessionBuilder,
    threads: usize,
    calls: usize,
    record: &Record<'_>,
) -> Cost {
    let session = configure(Session::builder().writer(sink())).start().expect("a session");
    let ns = timed(threads, calls, record);
    let report = session.stop().expect("a sink that takes all");
    let all = (threads * (calls + WARM_UP)) as f64;
    Cost { ns, bytes: report.bytes as f64 / all, lost: lost(&report) }
}

/// CPU of the recording threads per call.
pub fn timed(threads: usize, calls: usize, record: &Record<'_>) -> f64 {
    let barrier = Barrier::new(threads);
    let run = || {
        record(WARM_UP);
        barrier.wait();
        let begin = clock::thread_cpu_ns();
        record(calls);
        clock::thread_cpu_ns() - begin
    };
    let cpu_ns: u64 = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        threads.into_iter().map(|thread| thread.join().expect("it records")).sum()
    });
    cpu_ns as f64 / (threads * calls) as f64
}

fn lost(report: &Report) -> f64 {
    report.lost() as f64 / (report.lost() + report.events).max(1) as f64
}

/// The floor of one event: clock + 16-byte store.
pub fn floor_ns() -> f64 {
    let record: Record<'_> = Box::new(floor::repeat);
    timed(1, CALLS, &record)
}

/// Runs all cases in turn and prints the minimum of each, its ratio to the floor of as many events, what it costs beyond the first
/// case, and its bytes.
fn compare(title: &str, rounds: usize, cases: &[Case<'_>]) {
    let mut least = vec![Cost { ns: f64::INFINITY, bytes: f64::INFINITY, lost: 0.0 }; cases.len()];
    let mut floor = f64::INFINITY;
    for _ in 0..rounds {
        floor = floor.min(floor_ns());
        for (case, least) in cases.iter().zip(&mut least) {
            let cost = measure(|builder| builder, 1, CALLS, &case.record);
            *least =
                Cost { ns: least.ns.min(cost.ns), bytes: least.bytes.min(cost.bytes), lost: least.lost.max(cost.lost) };
        }
    }
    let mut rows = vec![["", "ns", "÷ floor", "more than the first", "bytes", "lost"].map(str::to_owned).to_vec()];
    rows.push([floor::NAME, &number(floor), "1.00", "", "", ""].map(str::to_owned).to_vec());
    for (case, cost) in cases.iter().zip(&least) {
        let ratio = if case.events == 0.0 { "–".to_owned() } else { number(cost.ns / (floor * case.events)) };
        let lost = if cost.lost == 0.0 { "0".to_owned() } else { format!("{:.1} %", cost.lost * 100.0) };
        let more = number(cost.ns - least[0].ns);
        rows.push(vec![case.name.clone(), number(cost.ns), ratio, more, number(cost.bytes), lost]);
    }
    table::print_rows(true, &format!("Costs: {title}"), &rows);
}
