//! A thread's first event, the change of chunks, many threads.

use std::io::sink;

use pftrace::{Session, instant};

use super::events::ON;
use super::{CALLS, Record, floor_ns, measure};
use crate::clock;
use crate::options::PartsOptions;
use crate::table::{self, number};

/// Threads, one after the other.
const THREADS: usize = 200;

/// CPU of a thread's first, second and hundredth event, medians.
pub fn first(options: &PartsOptions) {
    let columns = ["", "first", "second", "hundredth", "exit and join, with the event", "without"];
    let mut rows = vec![columns.map(str::to_owned).to_vec()];
    let median = |mut values: Vec<u64>| {
        values.sort_unstable();
        number(values[values.len() / 2] as f64)
    };
    // Places of threads that have exited are used again; the first threads of a process make theirs.
    for round in ["the process's first threads", "later ones"] {
        let session = Session::builder().writer(sink()).start().expect("a session");
        let mut columns = [(); 5].map(|()| Vec::new());
        for _ in 0..THREADS * if round == "later ones" { options.rounds } else { 1 } {
            let begin = clock::process_cpu_ns();
            let [first, second, hundredth] = std::thread::spawn(|| {
                let [first, second] = [(); 2].map(|()| event());
                (0..97).for_each(|_| _ = event());
                [first, second, event()]
            })
            .join()
            .expect("it records");
            let with = clock::process_cpu_ns() - begin;
            let begin = clock::process_cpu_ns();
            std::thread::spawn(|| (0..100).for_each(|_| _ = std::hint::black_box(clock::thread_cpu_ns())))
                .join()
                .expect("it ends");
            let without = clock::process_cpu_ns() - begin;
            columns.iter_mut().zip([first, second, hundredth, with, without]).for_each(|(all, value)| all.push(value));
        }
        drop(session);
        rows.push([vec![round.to_owned()], columns.map(median).to_vec()].concat());
    }
    let title = "Costs: the first event of a thread, ns, with reading the clock twice around each (medians)";
    table::print_rows(true, title, &rows);
}

fn event() -> u64 {
    let begin = clock::thread_cpu_ns();
    instant!(ON, "instant");
    clock::thread_cpu_ns() - begin
}

/// The smallest chunks beside the largest: what a change costs is the difference, by the events of a chunk.
pub fn chunk(options: &PartsOptions) {
    let record: Record<'_> = Box::new(|calls| (0..calls).for_each(|_| instant!(ON, "instant")));
    let (mut small, mut large, mut floor, mut bytes) = (f64::INFINITY, f64::INFINITY, f64::INFINITY, 0.0);
    for _ in 0..options.rounds {
        floor = floor.min(floor_ns());
        small = measure(|builder| builder.buffer_bytes(2 << 20), 1, CALLS, &record).ns.min(small);
        let cost = measure(|builder| builder.buffer_bytes(128 << 20), 1, CALLS, &record);
        (large, bytes) = (large.min(cost.ns), cost.bytes);
    }
    let per_chunk = 1024.0 / bytes;
    let change = (small - large) * per_chunk / (1.0 - per_chunk / (64.0 * per_chunk));
    let rows = vec![
        ["", "ns per instant", "÷ floor"].map(str::to_owned).to_vec(),
        vec!["chunks of 1 KiB".to_owned(), number(small), number(small / floor)],
        vec!["chunks of 64 KiB".to_owned(), number(large), number(large / floor)],
        vec![format!("so a change, each {per_chunk:.0} events of the former"), number(change), number(change / floor)],
    ];
    table::print_rows(true, "Costs: the change of chunks", &rows);
}

/// Threads at the same time.
pub fn many(options: &PartsOptions) {
    const ALL: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];
    let record: Record<'_> = Box::new(|calls| (0..calls).for_each(|_| instant!(ON, "instant")));
    let floor_record: Record<'_> = Box::new(crate::contenders::floor::repeat);
    let mut least = [(f64::INFINITY, f64::INFINITY, f64::INFINITY, 0.0_f64); ALL.len()];
    for _ in 0..options.rounds {
        for (threads, least) in ALL.into_iter().zip(&mut least) {
            let calls = 4 * CALLS / threads.max(4);
            let floor = super::timed(threads, calls, &floor_record);
            let stream = measure(|builder| builder, threads, calls, &record);
            let flight = measure(
                |builder| builder.policy(pftrace::Policy::FlightRecorder).buffer_bytes(4 << 20),
                threads,
                calls,
                &record,
            );
            *least = (least.0.min(floor), least.1.min(stream.ns), least.2.min(flight.ns), least.3.max(stream.lost));
        }
    }
    let columns =
        ["threads", "floor, ns", "stream, ns", "÷ floor", "flight recorder of 4 MiB, ns", "÷ floor", "lost, stream"];
    let mut rows = vec![columns.map(str::to_owned).to_vec()];
    for (threads, (floor, stream, flight, lost)) in ALL.into_iter().zip(least) {
        let numbers = [floor, stream, stream / floor, flight, flight / floor].map(number);
        rows.push([vec![threads.to_string()], numbers.to_vec(), vec![format!("{:.1} %", lost * 100.0)]].concat());
    }
    table::print_rows(true, "Costs: an instant, by the number of threads that record at once", &rows);
}
