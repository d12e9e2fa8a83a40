//! How fast the ring is emptied: filled first, then drained by the thread that is measured.

use std::fs::File;
use std::io::{Write, sink};
use std::path::PathBuf;

use pftrace::{Session, instant, slice};

use super::events::ON;
use crate::clock;
use crate::options::{PartsOptions, unique_file};
use crate::table::{self, number};

/// Bytes that are recorded between two drains; the ring holds more.
const LEN: usize = 40 << 20;

pub fn run(options: &PartsOptions) {
    let mut rows = vec![["", "ns per event", "M events/s", "MB/s", "bytes per event"].map(str::to_owned).to_vec()];
    let disk = unique_file(&options.directory);
    let memory = unique_file(&PathBuf::from("/dev/shm"));
    let create =
        |path: &PathBuf| -> Box<dyn Write + Send> { Box::new(File::create(path).expect("the file can be made")) };
    let instants = |events: usize| (0..events).for_each(|_| instant!(ON, "instant"));
    let annotated = |events: usize| {
        (0..events / 2).for_each(|i| {
            let _slice = slice!(ON, "annotated", number = (i & 127) as u64, real = i as f64, text = "short text");
        });
    };
    let nothing = || -> Box<dyn Write + Send> { Box::new(sink()) };
    let (tmpfs, file) = (|| create(&memory), || create(&disk));
    let cases: [Case<'_>; 4] = [
        ("instants, into nothing", &nothing, &instants, 14),
        ("spans with 3 annotations, into nothing", &nothing, &annotated, 32),
        ("instants, into a file on tmpfs", &tmpfs, &instants, 14),
        ("instants, into a file", &file, &instants, 14),
    ];
    for (name, sink, record, len) in cases {
        let mut best = (f64::INFINITY, 0.0);
        for _ in 0..options.rounds {
            let drained = drain(sink(), record, LEN / len);
            if drained.0 < best.0 {
                best = drained;
            }
        }
        let (ns, bytes) = best;
        rows.push([vec![name.to_owned()], [ns, 1e3 / ns, bytes / ns * 1e3, bytes].map(number).to_vec()].concat());
    }
    for file in [disk, memory] {
        _ = std::fs::remove_file(file);
    }
    table::print_rows(true, "Costs: emptying the ring, by the CPU of who does", &rows);
}

/// Its name, its sink, what is recorded, and about how long that is.
type Case<'a> = (&'a str, &'a dyn Fn() -> Box<dyn Write + Send>, &'a dyn Fn(usize), usize);

/// CPU of a drain per event, and bytes per event.
fn drain(sink: Box<dyn Write + Send>, record: &dyn Fn(usize), events: usize) -> (f64, f64) {
    let session = Session::builder().writer(sink).drain_by_caller().start().expect("a session");
    session.drain().expect("a sink that takes all");
    record(events);
    let before = session.stats();
    let begin = clock::thread_cpu_ns();
    session.drain().expect("a sink that takes all");
    let cpu_ns = (clock::thread_cpu_ns() - begin) as f64;
    let after = session.stats();
    assert_eq!(after.lost(), 0, "the ring holds it: {after:?}");
    let drained = (after.events - before.events) as f64;
    assert!(drained >= events as f64 * 0.99, "{drained} of {events} events");
    (cpu_ns / drained, (after.bytes - before.bytes) as f64 / drained)
}
