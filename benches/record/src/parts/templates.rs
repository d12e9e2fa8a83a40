//! A template per call site beside generated writers, and what is in between: over the ring, with the drain reading.
//!
//! Instructions are counted by valgrind, if it is there: of this program, which records with the stub clock and no drain.

use std::process::Command;
use std::sync::Barrier;

use pftrace_ring::Policy;

use super::{Case, compare};
use crate::clock;
use crate::options::{PartsOptions, RepeatOptions};
use crate::path::forms::{self, LateSite, Sites};
use crate::path::thread::Stub;
use crate::path::{Session, Thread, Tsc};
use crate::workload::Names;

/// One event in one form.
struct Form {
    event: &'static str,
    name: &'static str,
    /// Records so many events, by the counter or the stub.
    by_counter: fn(&mut Thread<Tsc>, &Sites, usize),
    by_stub: fn(&mut Thread<Stub>, &Sites, usize),
}

macro_rules! forms {
    ($($event:literal, $name:literal, |$thread:ident, $sites:ident, $i:ident| $record:expr;)*) => {
        &[$(Form {
            event: $event,
            name: $name,
            by_counter: |$thread, $sites, events| {
                let $sites = &Prepared::new($sites);
                (0..events).for_each(|$i| { _ = $i; $record })
            },
            by_stub: |$thread, $sites, events| {
                let $sites = &Prepared::new($sites);
                (0..events).for_each(|$i| { _ = $i; $record })
            },
        }),*]
    };
}

/// What the cases record, as if it came from elsewhere.
struct Prepared {
    sites: Sites,
    late_begin: LateSite,
    late_end: LateSite,
    text: String,
    names: Names,
}

impl Prepared {
    fn new(sites: &Sites) -> Self {
        let (late_begin, late_end) = (LateSite::from(&sites.begin), LateSite::from(&sites.end));
        std::hint::black_box(Self {
            sites: sites.clone(),
            late_begin,
            late_end,
            text: "short text".to_owned(),
            names: Names::new(),
        })
    }
}

const FORMS: &[Form] = forms! {
    "begin", "ring and clock alone, 16 B", |thread, it, i| forms::nothing(thread, &it.sites.begin);
    "begin", "template, time first, two bytes", |thread, it, i| forms::constant(thread, &it.sites.begin);
    "begin", "template, time last, minimal", |thread, it, i| forms::constant_late(thread, &it.late_begin);
    "begin", "template, copied by its length", |thread, it, i| forms::constant_copied(thread, &it.sites.begin);
    "begin", "generated writers", |thread, it, i| forms::begin_straight(thread, &it.sites.begin);
    "end", "template, time first, two bytes", |thread, it, i| forms::constant(thread, &it.sites.end);
    "end", "template, time last, minimal", |thread, it, i| forms::constant_late(thread, &it.late_end);
    "end", "template, copied by its length", |thread, it, i| forms::constant_copied(thread, &it.sites.end);
    "end", "generated writers", |thread, it, i| forms::end_straight(thread, &it.sites.end);
    "instant", "template", |thread, it, i| forms::constant(thread, &it.sites.instant);
    "instant", "generated writers", |thread, it, i| forms::instant_straight(thread, &it.sites.instant);
    "counter", "template, value behind", |thread, it, i| forms::counter(thread, &it.sites.counter, (i & 63) as i64);
    "counter", "generated writers", |thread, it, i| forms::counter_straight(thread, &it.sites.counter, (i & 63) as i64);
    "begin with 3 annotations", "template, annotations by hand", |thread, it, i|
        forms::annotated_by_hand(thread, &it.sites.annotated, (i & 127) as u64, i as f64, &it.text);
    "begin with 3 annotations", "template, each annotation by its generated writer", |thread, it, i|
        forms::annotated_flat(thread, &it.sites.annotated, (i & 127) as u64, i as f64, &it.text);
    "begin with 3 annotations", "template, annotations by generated writers", |thread, it, i|
        forms::annotated(thread, &it.sites.annotated, (i & 127) as u64, i as f64, &it.text);
    "begin with 3 annotations", "generated writers", |thread, it, i|
        forms::annotated_straight(thread, &it.sites.annotated, (i & 127) as u64, i as f64, &it.text);
    "begin with 3 annotations", "generated writers, given the template's bytes", |thread, it, i|
        forms::annotated_mixed(thread, &it.sites.annotated, (i & 127) as u64, i as f64, &it.text);
    "begin with a run-time name", "template, number behind", |thread, it, i|
        forms::named(thread, &it.sites.named, &it.names.pick(i).text);
    "begin with a run-time name", "template, the name itself behind", |thread, it, i|
        forms::named_by_hand(thread, &it.sites.named, &it.names.pick(i).text);
    "begin with a run-time name", "generated writers, the name itself", |thread, it, i|
        forms::named_straight(thread, &it.sites.named, &it.names.pick(i).text);
};

const EVENTS: usize = 1_000_000;
const COLUMNS: [&str; 6] =
    ["stub clock, ns", "2 threads", "time-stamp counter, ns", "2 threads", "bytes", "instructions"];

pub fn run(options: &PartsOptions) {
    let mut events: Vec<&str> = FORMS.iter().map(|form| form.event).collect();
    events.dedup();
    for event in events {
        let cases = FORMS.iter().filter(|form| form.event == event).map(|form| {
            let instructions = instructions(form);
            Case::new(form.name, move || {
                let (stub, bytes) = record(form.by_stub, 1);
                let (stub_2, _) = record(form.by_stub, 2);
                let (counter, _) = record(form.by_counter, 1);
                let (counter_2, _) = record(form.by_counter, 2);
                vec![stub, stub_2, counter, counter_2, bytes, instructions]
            })
        });
        compare(&format!("Templates: {event}"), &COLUMNS, options.rounds, cases.collect());
    }
}

/// CPU of a recording thread per event, and the bytes of one.
fn record<C: crate::path::thread::Clock>(repeat: fn(&mut Thread<C>, &Sites, usize), threads: usize) -> (f64, f64) {
    let session = Session::new::<C>(2048, Policy::Keep);
    let sites = Sites::new(&session);
    let drain = session.drain(std::io::sink());
    let barrier = Barrier::new(threads);
    let record = || {
        let mut thread = Thread::new(&session);
        // Whatever is done once per name or call site.
        repeat(&mut thread, &sites, 5000);
        barrier.wait();
        let begin = clock::thread_cpu_ns();
        repeat(&mut thread, &sites, EVENTS);
        clock::thread_cpu_ns() - begin
    };
    let cpu_ns: u64 = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(record)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    let drained = drain.finish();
    assert_eq!(drained.packets, (threads * (EVENTS + 5000)) as u64, "nothing lost, nothing twice");
    (cpu_ns as f64 / (threads * EVENTS) as f64, drained.bytes as f64 / drained.packets as f64)
}

/// As a process of its own, for valgrind: records by the stub clock, and nobody reads.
pub fn repeat(options: &RepeatOptions) {
    let form = FORMS.iter().find(|form| form.event == options.event && form.name == options.form).expect("a form");
    let session = Session::new::<Stub>(64, Policy::Overwrite);
    let sites = Sites::new(&session);
    let mut thread = Thread::new(&session);
    (form.by_stub)(&mut thread, &sites, options.events);
}

/// Instructions per event, chunk changes included. Not a number where there is no valgrind.
fn instructions(form: &Form) -> f64 {
    let [some, more] = [10_000, 60_000].map(|events: u32| {
        let own = std::env::current_exe().ok()?;
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(own)
            .args(["repeat", form.event, form.name, "--events", &events.to_string()])
            .output();
        let text = String::from_utf8(output.ok()?.stderr).ok()?;
        let (_, count) = text.split_once("Collected : ")?;
        count.split_whitespace().next()?.parse::<f64>().ok()
    });
    some.zip(more).map_or(f64::NAN, |(some, more)| (more - some) / 50_000.0)
}
