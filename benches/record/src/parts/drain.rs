//! What the drain costs per event, by sink.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use super::recording::Recording;
use super::{Case, compare};
use crate::candidates::ownership::ByExchange;
use crate::candidates::{RegionOptions, Sink};
use crate::clock;
use crate::options::{PartsOptions, unique_file};

pub fn run(options: &PartsOptions) {
    let disk = unique_file(&options.directory);
    let memory = unique_file(&PathBuf::from("/dev/shm"));
    let create = |path: &PathBuf| File::create(path).expect("the file can be made");
    let cases = vec![
        case("null", || Sink::Null),
        case("sum of all bytes", || Sink::Sum(0)),
        case("file on tmpfs", || Sink::File(create(&memory))),
        case("file on disk", || Sink::File(create(&disk))),
        Case::new("write(2) of the same bytes alone, tmpfs", || {
            vec![f64::NAN, f64::NAN, write(create(&memory)), f64::NAN]
        }),
        Case::new("write(2) of the same bytes alone, disk", || {
            vec![f64::NAN, f64::NAN, write(create(&disk)), f64::NAN]
        }),
    ];
    let columns = ["hot ns", "hot ns, 2 threads", "drain ns", "drain ns, 2 threads"];
    compare("The drain's CPU per event, 64 MiB, chunks of 32 KiB, each 1 ms", &columns, options.rounds, cases);
    for file in [disk, memory] {
        let _ = std::fs::remove_file(file);
    }
}

fn case<'a>(name: &str, sink: impl Fn() -> Sink + 'a) -> Case<'a> {
    let options = RegionOptions::LARGE;
    Case::new(name, move || {
        let one = Recording::calm(options, 1).run::<ByExchange>(sink());
        let two = Recording::calm(options, 2).run::<ByExchange>(sink());
        vec![one.hot_ns, two.hot_ns, one.drain_ns, two.drain_ns]
    })
}

/// As many events of 14 bytes, in pieces of a chunk.
fn write(mut file: File) -> f64 {
    const EVENTS: usize = 600_000;
    let chunk = vec![1; 32 << 10];
    let begin = clock::thread_cpu_ns();
    for _ in 0..EVENTS * 14 / chunk.len() {
        file.write_all(&chunk).expect("the file takes it");
    }
    (clock::thread_cpu_ns() - begin) as f64 / EVENTS as f64
}
