//! `make bench-statistics`: the same messages and contenders as `encode`, measured by criterion, one after the other. For work on one
//! encoder: it says how a benchmark has changed since it was run last, and how sure that is. Ratios between contenders are
//! `encode`'s, which measures them interleaved.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pftrace_bench_encode::args::Args;
use pftrace_bench_encode::cases::cases;

fn messages(criterion: &mut Criterion) {
    let args = Args::new();
    for case in &mut cases(&args) {
        let mut group = criterion.benchmark_group(case.name);
        group.throughput(Throughput::Bytes(case.len as u64));
        for (contender, run) in &mut case.runs {
            // One call takes at most so many iterations; criterion asks for more where they are short.
            let mut run = |iterations: u64| {
                let (whole, rest) = (iterations / u64::from(u32::MAX), (iterations % u64::from(u32::MAX)) as u32);
                (0..whole).map(|_| run(u32::MAX)).sum::<std::time::Duration>() + run(rest)
            };
            group.bench_function(*contender, |bencher| bencher.iter_custom(&mut run));
        }
        group.finish();
    }
}

criterion_group!(statistics, messages);
criterion_main!(statistics);
