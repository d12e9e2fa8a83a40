//! Fresh memory, touched memory, huge pages.

use super::recording::Recording;
use super::{Case, compare};
use crate::candidates::ownership::ByExchange;
use crate::candidates::{RegionOptions, Sink, map};
use crate::clock;
use crate::options::PartsOptions;

const LEN: usize = 64 << 20;
const PAGE: usize = 4096;

pub fn run(options: &PartsOptions) {
    let cases = vec![
        touch("4 KiB pages", None),
        touch("MADV_HUGEPAGE", Some(libc::MADV_HUGEPAGE)),
        touch("MADV_POPULATE_WRITE", Some(libc::MADV_POPULATE_WRITE)),
    ];
    let columns = ["advise, whole, ms", "first touch, ns a page", "second, ns a page"];
    compare("First touch of 64 MiB", &columns, options.rounds, cases);

    let record = |name: &str, huge_pages, touch| {
        Case::new(name, move || {
            let region = RegionOptions { huge_pages, touch, ..RegionOptions::LARGE };
            let one = Recording::calm(region, 1).run::<ByExchange>(Sink::Null);
            let two = Recording::calm(region, 2).run::<ByExchange>(Sink::Null);
            vec![one.hot_ns, two.hot_ns]
        })
    };
    let cases = vec![
        record("fresh", false, false),
        record("touched at start", false, true),
        record("fresh huge pages", true, false),
        record("huge pages, touched at start", true, true),
    ];
    compare("Recording into 64 MiB, exchange", &["hot ns, 1 thread", "2 threads"], options.rounds, cases);
}

fn check(result: libc::c_int) {
    assert_eq!(result, 0, "madvise");
}

fn touch(name: &str, advice: Option<libc::c_int>) -> Case<'static> {
    Case::new(name, move || {
        let base = map(LEN);
        let begin = clock::thread_cpu_ns();
        if let Some(advice) = advice {
            // SAFETY: the range is the mapping.
            check(unsafe { libc::madvise(base.cast(), LEN, advice) });
        }
        let advised = clock::thread_cpu_ns() - begin;
        let pass = || {
            let begin = clock::thread_cpu_ns();
            for at in (0..LEN).step_by(PAGE) {
                // SAFETY: within the mapping.
                unsafe { base.add(at).write_volatile(1) };
            }
            (clock::thread_cpu_ns() - begin) as f64 / (LEN / PAGE) as f64
        };
        let (first, second) = (pass(), pass());
        // SAFETY: mapped above, used by nobody else.
        check(unsafe { libc::munmap(base.cast(), LEN) });
        vec![advised as f64 / 1e6, first, second]
    })
}
