//! What the size of a chunk costs the thread and the drain.

use std::fs::File;

use super::recording::Recording;
use super::{Case, compare};
use crate::candidates::ownership::ByExchange;
use crate::candidates::{RegionOptions, Sink};
use crate::options::{PartsOptions, unique_file};

pub fn run(options: &PartsOptions) {
    let file = unique_file(&options.directory);
    let cases = [1, 2, 4, 8, 16, 32, 64, 128, 256].map(|kib: usize| {
        let file = file.clone();
        Case::new(format!("{kib} KiB"), move || {
            let region = RegionOptions { chunk_len: kib << 10, ..RegionOptions::LARGE };
            let one = Recording::calm(region, 1);
            let two = Recording::calm(region, 2);
            let (null, both) = (one.run::<ByExchange>(Sink::Null), two.run::<ByExchange>(Sink::Null));
            let written = one.run::<ByExchange>(Sink::File(File::create(&file).unwrap()));
            vec![null.hot_ns, both.hot_ns, null.drain_ns, written.drain_ns]
        })
    });
    let columns = ["hot ns, 1 thread", "2 threads", "drain ns, null", "drain ns, file"];
    compare("Chunk sizes, 64 MiB, exchange", &columns, options.rounds, cases.into());
    let _ = std::fs::remove_file(file);
}
