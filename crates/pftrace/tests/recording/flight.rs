//! The flight recorder: what a snapshot has is the newest, without a hole.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use pftrace::{FlightRecorder, MemorySink, Policy, Session, SessionBuilder, SessionError, begin, end, instant, slice};
use pftrace_testkit::{Arg, Loaded, Slice, check};

use crate::alone;
use crate::losses::{STRAY, now};

pub(crate) fn builder(bytes: usize) -> SessionBuilder {
    Session::builder().policy(Policy::FlightRecorder).buffer_bytes(bytes).categories("")
}

pub(crate) fn snapshot(recorder: &FlightRecorder) -> (Vec<u8>, pftrace::Report) {
    let mut trace = Vec::new();
    let report = recorder.snapshot(&mut trace).unwrap();
    assert_eq!((report.bytes, report.snapshots), (trace.len() as u64, 1));
    assert_eq!((report.corrupt_chunks, report.undelivered), (0, 0), "{report:?}");
    (trace, report)
}

const NAMES: [&str; 3] = ["red", "green", "blue"];

/// So many rounds lie in one outer slice.
const OUTER: u64 = 300;

/// What a thread has recorded: how many rounds, and between which times each outer slice began.
#[derive(Default)]
struct Model {
    done: AtomicU64,
    outers: Mutex<Vec<(i64, i64)>>,
}

/// Rounds of a slice with an instant in it, in outer slices.
fn record(model: &Model, over: &AtomicBool) {
    let mut outer = None;
    for number in 0_u64.. {
        if over.load(Ordering::Relaxed) {
            break;
        }
        if number % OUTER == 0 {
            drop(outer.take());
            let before = now();
            let generation = number / OUTER;
            outer = Some(slice!("flight", "outer", generation));
            model.outers.lock().unwrap().push((before, now()));
        }
        {
            let at = now();
            let _round = slice!("flight", NAMES[number as usize % 3], number, at);
            instant!("flight", "mark", number, text = ?number);
        }
        model.done.store(number + 1, Ordering::Release);
    }
}

pub(crate) fn number(slice: &Slice, key: &str) -> Option<u64> {
    match slice.args.get(&format!("debug.{key}"))? {
        Arg::Uint(number) => Some(*number),
        other => panic!("{key}: {other:?}"),
    }
}

/// The rows of one thread are what it recorded from some event to some other, not before `before` rounds were done. Returns the
/// first and the last round.
fn assert_recorded(rows: &[&Slice], model: &Model, before: u64) -> (u64, u64) {
    let outers = model.outers.lock().unwrap();
    let of = |depth: i64| rows.iter().filter(move |row| row.depth == depth).copied().collect::<Vec<_>>();
    let (outer, rounds, marks) = (of(0), of(1), of(2));
    assert_eq!(outer.len() + rounds.len() + marks.len(), rows.len());
    // All that was begun in the snapshot has its annotations. What was open at its begin has none.
    let first = rounds.iter().find_map(|row| number(row, "number")).unwrap() - u64::from(rounds[0].args.is_empty());
    for (expected, row) in (first..).zip(&rounds) {
        assert_eq!(
            row.name.as_deref(),
            Some(NAMES[expected as usize % 3]),
            "{row:?} in {:#?}",
            &rows[..rows.len().min(8)]
        );
        assert_eq!(row.category.as_deref(), Some("flight"));
        if expected > first || !row.args.is_empty() {
            assert_eq!(number(row, "number"), Some(expected), "a hole");
            let Some(Arg::Int(at)) = row.args.get("debug.at") else { panic!("{row:?}") };
            assert!(row.ts >= at - STRAY, "{row:?}");
        }
        assert!(row.dur >= 0 || expected + 1 == first + rounds.len() as u64, "open: {row:?}");
    }
    let last = first + rounds.len() as u64 - 1;
    assert!(last + 1 >= before, "{before} rounds were done, and the last one there is {last}");
    let first_mark = number(marks[0], "number").unwrap();
    assert!(first_mark == first || first_mark == first + 1);
    for (expected, mark) in (first_mark..).zip(&marks) {
        assert_eq!((mark.name.as_deref(), number(mark, "number")), (Some("mark"), Some(expected)), "a hole");
        assert_eq!(mark.args["debug.text"], Arg::Text(expected.to_string()));
        // It lies in its round.
        let round = rounds[(expected - first) as usize];
        assert_eq!(mark.parent, Some(round.id));
    }
    let last_mark = first_mark + marks.len() as u64 - 1;
    assert!(last_mark == last || last_mark + 1 == last && rounds[rounds.len() - 1].dur < 0);
    assert!(rounds[rounds.len() - 1].dur >= 0 || last >= before, "what was ended before is not open");
    for row in &outer {
        let began = |at: &&(i64, i64)| (at.0 - STRAY..=at.1 + STRAY).contains(&row.ts);
        assert!(outers.iter().any(|at| began(&at)), "no outer slice began at {}", row.ts);
        assert_eq!(row.name.as_deref(), Some("outer"));
        assert_eq!(row.category.as_deref(), Some("flight"));
    }
    // The first one was open at the begin of the snapshot, or began in it: then nothing is before it.
    let generation = first / OUTER;
    let (begin, end) = outers[generation as usize];
    let is_first = |row: &Slice| (begin - STRAY..=end + STRAY).contains(&row.ts);
    let at = outer.iter().position(|row| is_first(row)).expect("its begin is the original one");
    assert!(at <= 1, "{at} outer slices before the first round's");
    for (expected, row) in (generation..).zip(&outer[at..]) {
        assert!(number(row, "generation").is_none_or(|found| found == expected), "{row:?}");
        assert!(row.args.is_empty() == (expected == generation && row.args.is_empty()), "{row:?}");
    }
    let ended = outer.iter().rev().skip(1);
    assert!(ended.clone().all(|row| row.dur >= 0), "{ended:?}");
    (first, last)
}

/// All that a thread recorded was written over, while the others went on: but for what it has open.
fn assert_open(rows: &[&Slice], model: &Model) {
    assert!(rows.iter().all(|row| row.dur < 0 && row.args.is_empty()), "{rows:?}");
    assert!(rows.iter().map(|row| row.depth).eq(0..rows.len() as i64) && rows.len() <= 2, "{rows:?}");
    let outers = model.outers.lock().unwrap();
    assert!(outers.iter().any(|at| (at.0 - STRAY..=at.1 + STRAY).contains(&rows[0].ts)), "{rows:?}");
}

/// The same of all but the last events, which no round begins with: the mark or the end of one that was open, and perhaps the end of the outer one and the begin of the next.
fn assert_rest(rows: &[&Slice]) {
    let of = |depth: i64| rows.iter().filter(|row| row.depth == depth).count();
    assert!(of(0) <= 2 && of(1) <= 1 && of(2) <= 1 && rows.iter().all(|row| row.depth <= 2), "{rows:?}");
}

fn by_thread(loaded: &Loaded) -> BTreeMap<String, Vec<&Slice>> {
    let mut threads: BTreeMap<String, Vec<&Slice>> = BTreeMap::new();
    for slice in &loaded.slices {
        threads.entry(loaded.track_name(slice).unwrap()).or_default().push(slice);
    }
    threads.values_mut().for_each(|rows| rows.sort_by_key(|row| (row.ts, row.depth)));
    threads
}

/// 8 threads record as fast as they can into little memory. Each snapshot has of each thread what it recorded, to the end.
#[test]
fn snapshots_under_full_load_have_no_hole() {
    for bytes in [64 << 10, 256 << 10] {
        let _alone = alone();
        let session = builder(bytes).start().unwrap();
        let models: Vec<_> = (0..8).map(|_| Arc::new(Model::default())).collect();
        let over = Arc::new(AtomicBool::new(false));
        let threads: Vec<_> = (models.iter().enumerate())
            .map(|(number, model)| {
                let (model, over) = (model.clone(), over.clone());
                let named = thread::Builder::new().name(format!("flight {number}"));
                named.spawn(move || record(&model, &over)).unwrap()
            })
            .collect();
        let mut snapshots = Vec::new();
        for number in 0..4 {
            // Two in a row, and then some that are far apart.
            let until = session.stats().overwritten + if number == 1 { 0 } else { 40 * bytes as u64 / 10 };
            while session.stats().overwritten < until
                || models.iter().any(|model| model.done.load(Ordering::Acquire) < 2)
            {
                thread::sleep(Duration::from_millis(1));
            }
            let before: Vec<_> = models.iter().map(|model| model.done.load(Ordering::Acquire)).collect();
            snapshots.push((before, snapshot(&session.recorder())));
        }
        over.store(true, Ordering::Relaxed);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let report = session.stop().unwrap();
        assert_eq!((report.snapshots, report.nested, report.lost()), (4, 0, 0), "{report:?}");
        assert!(report.overwritten > 120 * bytes as u64 / 10, "{report:?}");
        for (before, (trace, report)) in &snapshots {
            let Some(loaded) = check(trace) else { return };
            let threads = by_thread(&loaded);
            assert_eq!(report.thread_count, threads.len() as u64);
            // Where the system lets two or three run at a time, what the others have recorded may have been overwritten before they
            // come again: all of it, then.
            for (name, rows) in threads {
                let number: usize = name.strip_prefix("flight ").unwrap().parse().unwrap();
                match report.threads.iter().find(|thread| thread.name == name).map(|thread| thread.events) {
                    Some(1..) if rows.iter().any(|row| row.depth == 1 && !row.args.is_empty()) => {
                        assert_recorded(&rows, &models[number], before[number]);
                    }
                    Some(1..) => assert_rest(&rows),
                    _ => assert_open(&rows, &models[number]),
                }
            }
            // Half of it at least: the rest may be chunks that were ended early.
            assert!(trace.len() > bytes / 2, "{} of {bytes} bytes", trace.len());
        }
    }
}

/// Of one thread, which instants of the name `event` there are: numbers without a hole.
pub(crate) fn numbers(trace: &[u8]) -> Option<std::ops::Range<u64>> {
    let loaded = check(trace)?;
    let numbers: Vec<_> = loaded.slices_named("event").iter().map(|row| number(row, "number").unwrap()).collect();
    let Some((first, last)) = numbers.first().zip(numbers.last()) else { return Some(0..0) };
    assert!(numbers.iter().copied().eq(*first..last + 1), "a hole: {numbers:?}");
    Some(*first..last + 1)
}

/// Each has what the one before had, as far as the buffer reaches; and all that was recorded is there, or was overwritten.
#[test]
fn snapshots_in_a_row_reach_back() {
    let _alone = alone();
    let memory = MemorySink::new();
    let session = builder(64 << 10).writer(memory.clone()).start().unwrap();
    let mut recorded = 0_u64;
    let mut take = |more: u64| {
        for _ in 0..more {
            instant!("flight", "event", number = recorded);
            recorded += 1;
        }
        let (trace, report) = snapshot(&session.recorder());
        assert_eq!(report.events + report.overwritten, recorded, "{report:?}");
        trace
    };
    let traces = [0, 100, 100, 0, 700, 100_000, 0, 500].map(&mut take);
    for _ in 0..50 {
        instant!("flight", "event", number = recorded);
        recorded += 1;
    }
    let report = session.stop().unwrap();
    let last = memory.take();
    assert_eq!((report.snapshots, report.lost()), (9, 0));
    let Some(full) = numbers(&traces[5]) else { return };
    assert_eq!(full.end, 100_900);
    // 64 chunks of 1 KiB.
    assert!(full.end - full.start > 2_000, "{full:?}");
    let found = traces.each_ref().map(|trace| numbers(trace).unwrap());
    assert_eq!(found[..5], [0..0, 0..100, 0..200, 0..200, 0..900]);
    assert_eq!(found[6], full);
    assert_eq!(found[7].end, 101_400);
    assert!(found[7].end - found[7].start > 2_000, "{:?}", found[7]);
    let last = numbers(&last).unwrap();
    assert!(last.end == 101_450 && last.end - last.start > 2_000, "{last:?}");
}

/// The frame that was late is in the snapshot, whole: though its begin was overwritten long ago.
#[test]
fn what_was_open_has_its_original_begin() {
    let _alone = alone();
    let session = builder(64 << 10).start().unwrap();
    let before = now();
    let frame = slice!("flight", "frame", number = 7);
    begin!("flight", String::from("named at run time").as_str());
    let begun = before..now();
    thread::sleep(Duration::from_millis(20));
    while session.stats().overwritten < 50_000 {
        instant!("flight", "event");
    }
    let (open, _) = snapshot(&session.recorder());
    end!("flight");
    let before = now();
    drop(frame);
    let ended = before..now();
    let (whole, _) = snapshot(&session.recorder());
    drop(session);
    let Some(loaded) = check(&open) else { return };
    for (depth, name) in (0..).zip(["frame", "named at run time"]) {
        let row = loaded.slices_named(name)[0];
        assert_eq!((row.dur, row.depth, row.category.as_deref()), (-1, depth, Some("flight")));
        assert!((begun.start - STRAY..=begun.end + STRAY).contains(&row.ts), "{} in {begun:?}", row.ts);
    }
    assert!(loaded.slices_named("event").iter().all(|row| row.depth == 2));
    let loaded = check(&whole).unwrap();
    let row = loaded.slices_named("frame")[0];
    assert!((begun.start - STRAY..=begun.end + STRAY).contains(&row.ts), "{} in {begun:?}", row.ts);
    assert!((ended.start - STRAY..=ended.end + STRAY).contains(&(row.ts + row.dur)), "{row:?} ends in {ended:?}");
}

/// More slices are open than a header has room for: those that are not listed are there without a name, and depths are right.
#[test]
fn a_deep_stack_is_there() {
    let _alone = alone();
    let session = builder(64 << 10).start().unwrap();
    (0..100).for_each(|_| begin!("flight", "deep"));
    while session.stats().overwritten < 10_000 {
        instant!("flight", "within");
    }
    (0..99).for_each(|_| end!("flight"));
    instant!("flight", "in one");
    let (trace, report) = snapshot(&session.recorder());
    drop(session);
    let Some(loaded) = check(&trace) else { return };
    let (deep, others) = (loaded.slices_named("deep"), loaded.slices_named("…"));
    // 512 bytes of a chunk, 16 for each.
    assert_eq!((deep.len(), others.len(), report.threads[0].truncated), (32, 68, 68));
    assert!(deep.iter().all(|row| row.ts <= others[0].ts));
    assert!(deep.iter().chain(&others).all(|row| (row.dur == -1) == (row.depth == 0)));
    assert!(loaded.slices_named("within").iter().all(|row| row.depth == 100));
    assert_eq!(loaded.slices_named("in one")[0].depth, 1);
}

/// Loads a snapshot in which slices of those names are open, none left out: each has its name, or what it begins with.
fn check_open(session: &Session, names: &[String]) -> Option<Loaded> {
    let (trace, report) = snapshot(&session.recorder());
    assert_eq!(report.threads[0].truncated, 0);
    let loaded = check(&trace)?;
    let open: Vec<_> = loaded.slices.iter().filter(|row| row.dur == -1).collect();
    assert_eq!(open.len(), names.len());
    for (row, name) in open.iter().zip(names) {
        let shown = row.name.as_deref().unwrap();
        assert!(shown.len() > 8 && name.starts_with(shown.trim_end_matches('…')), "{shown:?} for {name}");
    }
    Some(loaded)
}

/// Names that were given at run time, and have no room in a header all together, are cut before slices are left out.
#[test]
fn many_that_are_open_have_their_names() {
    let _alone = alone();
    let session = builder(64 << 10).start().unwrap();
    let names: Vec<String> =
        (0..12).map(|number| format!("request {number} of somebody: {}", "ä".repeat(60))).collect();
    let mut begun = Vec::new();
    for name in &names {
        let before = now();
        begin!("flight", name.as_str());
        begun.push(before..now());
    }
    while session.stats().overwritten < 10_000 {
        instant!("flight", "within");
    }
    // What is longer than the half of a chunk that is left has room all the same.
    instant!("flight", "large", text = "x".repeat(600).as_str());
    let Some(loaded) = check_open(&session, &names) else { return };
    let open = loaded.slices.iter().filter(|row| row.dur == -1);
    for (row, begun) in open.zip(&begun) {
        let shown = row.name.as_deref().unwrap();
        assert!(shown.len() <= 32 && shown.ends_with('…'), "{shown}");
        assert!((begun.start - STRAY..=begun.end + STRAY).contains(&row.ts), "{} in {begun:?}", row.ts);
    }
    assert!(loaded.slices_named("within").iter().all(|row| row.depth == 12));
    assert_eq!(loaded.slices_named("large").len(), 1);
}

/// More names that were given at run time than a thread keeps: none is without one.
#[test]
fn none_that_is_open_is_without_a_name() {
    let _alone = alone();
    let session = builder(1 << 20).start().unwrap();
    let names: Vec<String> = (0..100).map(|number| format!("{number:04} {}", "x".repeat(95))).collect();
    names.iter().for_each(|name| begin!("flight", name.as_str()));
    while session.stats().overwritten < 200_000 {
        instant!("flight", "within");
    }
    check_open(&session, &names);
}

/// A sink that takes its time, while 4 threads record: they go on, and nothing is dropped.
#[test]
fn recording_goes_on_while_a_snapshot_is_written() {
    struct Slow<'t> {
        trace: &'t mut Vec<u8>,
        progress: &'t dyn Fn() -> u64,
        recorded: u64,
    }
    impl Write for Slow<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let begin = (self.progress)();
            // Many times the buffer.
            while (self.progress)() < begin + 50_000 {
                thread::sleep(Duration::from_millis(1));
            }
            self.recorded += (self.progress)() - begin;
            self.trace.write(&bytes[..bytes.len().min(20_000)])
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let _alone = alone();
    let session = builder(64 << 10).start().unwrap();
    let (over, models) = (AtomicBool::new(false), [(); 4].map(|()| Model::default()));
    let (mut first, mut second) = (Vec::new(), Vec::new());
    thread::scope(|scope| {
        for (number, model) in models.iter().enumerate() {
            let (named, over) = (thread::Builder::new().name(format!("flight {number}")), &over);
            named.spawn_scoped(scope, move || record(model, over)).unwrap();
        }
        let progress = || models.iter().map(|model| model.done.load(Ordering::Relaxed)).sum();
        while models.iter().any(|model| model.done.load(Ordering::Relaxed) < 10) {
            thread::yield_now();
        }
        for trace in [&mut first, &mut second] {
            let mut slow = Slow { trace, progress: &progress, recorded: 0 };
            session.snapshot(&mut slow).unwrap();
            assert!(slow.recorded >= 50_000);
        }
        over.store(true, Ordering::Relaxed);
    });
    let report = session.stop().unwrap();
    assert_eq!(report.lost(), 0, "{report:?}");
    for trace in [first, second] {
        let Some(loaded) = check(&trace) else { return };
        let mut rows = by_thread(&loaded);
        for rows in rows.values_mut() {
            rows.sort_by_key(|row| (row.ts, row.depth));
            let numbers: Vec<_> =
                rows.iter().filter(|row| row.depth == 1).filter_map(|row| number(row, "number")).collect();
            assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]), "a hole: {numbers:?}");
        }
    }
}

/// A sink that fails: it is told, and the next snapshot has everything. One that takes a snapshot itself is refused it, at once.
#[test]
fn a_failed_snapshot_loses_nothing() {
    struct Fails(usize);
    impl Write for Fails {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            match self.0.min(bytes.len()) {
                0 => Err(io::ErrorKind::StorageFull.into()),
                len => {
                    self.0 -= len;
                    Ok(len)
                }
            }
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    struct Asks(FlightRecorder, Option<SessionError>);
    impl Write for Asks {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1 = self.0.snapshot(io::sink()).err();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let _alone = alone();
    let session = builder(1 << 20).start().unwrap();
    (0..100_u64).for_each(|number| instant!("flight", "event", number));
    for room in [0, 2_000] {
        let Err(SessionError::Sink { source, report }) = session.snapshot(Fails(room)) else { panic!("it failed") };
        assert_eq!(source.kind(), io::ErrorKind::StorageFull);
        assert_eq!((report.events, report.undelivered), (0, 100), "{report:?}");
    }
    let nowhere = session.snapshot_to_file("/nowhere/at all.pftrace").unwrap_err().to_string();
    assert!(nowhere.starts_with("the trace file /nowhere/at all.pftrace: No such file"), "{nowhere}");
    let mut asks = Asks(session.recorder(), None);
    let begin = Instant::now();
    session.snapshot(&mut asks).unwrap();
    assert!(matches!(asks.1, Some(SessionError::SnapshotInProgress)), "{:?}", asks.1);
    assert!(begin.elapsed() < Duration::from_secs(3));
    // A sink that panics leaves what is kept as it was.
    struct Panics;
    impl Write for Panics {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            panic!("as it should")
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| _ = session.snapshot(Panics))).is_err());
    let (trace, _) = snapshot(&session.recorder());
    let (recorder, report) = (session.recorder(), session.stop().unwrap());
    assert_eq!((report.snapshots, report.undelivered, report.lost()), (2, 0, 0), "{report:?}");
    assert!(matches!(recorder.snapshot(io::sink()), Err(SessionError::Stopped)));
    assert_eq!(numbers(&trace), Some(0..100).filter(|_| pftrace_testkit::TraceProcessor::shared().is_some()));
}

/// A thread waits within slices, while all that it has recorded is written over: what it waits in is in each snapshot, from its begin; until it goes
/// on.
#[test]
fn what_a_thread_waits_in_is_there() {
    let long = "a name that was given at run time, longer than those that are copied as words";
    let _alone = alone();
    let session = builder(64 << 10).start().unwrap();
    let (waits, goes_on) = (AtomicBool::new(false), AtomicBool::new(false));
    let fill = |until: u64| {
        let until = session.stats().overwritten + until;
        while session.stats().overwritten < until {
            instant!("flight", "event");
        }
    };
    let mut begun = Vec::new();
    let (first, second, last) = thread::scope(|scope| {
        let waiting = thread::Builder::new().name("waiting".into()).spawn_scoped(scope, || {
            instant!("flight", "before");
            let mut times = vec![now()];
            let _request = slice!("flight", "request", number = 7);
            begin!("flight", String::from(long).as_str());
            let _done = slice!("flight", "done");
            drop(_done);
            begin!("flight", String::from("sixteen bytes, 2").as_str());
            begin!("flight", String::from("lock").as_str());
            times.push(now());
            waits.store(true, Ordering::Release);
            while !goes_on.load(Ordering::Acquire) {
                thread::sleep(Duration::from_millis(1));
            }
            (0..3).for_each(|_| end!("flight"));
            times
        });
        while !waits.load(Ordering::Acquire) {
            thread::yield_now();
        }
        // Ends its chunk.
        snapshot(&session.recorder());
        fill(50_000);
        let first = snapshot(&session.recorder());
        fill(50_000);
        let second = snapshot(&session.recorder());
        goes_on.store(true, Ordering::Release);
        begun.extend(waiting.unwrap().join().unwrap());
        (first, second, snapshot(&session.recorder()))
    });
    drop(session);
    let open = |trace: &[u8]| {
        let loaded = check(trace)?;
        let rows = by_thread(&loaded).remove("waiting").unwrap_or_default();
        assert!(rows.iter().all(|row| (begun[0] - STRAY..=begun[1] + STRAY).contains(&row.ts)), "{rows:?} {begun:?}");
        assert!(
            rows.is_sorted_by_key(|row| row.ts) && rows.iter().all(|row| row.category.as_deref() == Some("flight"))
        );
        Some(rows.iter().map(|row| (row.name.clone().unwrap(), row.depth, row.dur < 0)).collect::<Vec<_>>())
    };
    let Some(found) = open(&first.0) else { return };
    let names = ["request", long, "sixteen bytes, 2", "lock"];
    let expected = |is_open: bool| (0..).zip(names).map(|(depth, name)| (name.to_string(), depth, is_open)).collect();
    let (waiting, over): (Vec<_>, Vec<_>) = (expected(true), expected(false));
    assert_eq!(found, waiting);
    assert_eq!(open(&second.0).unwrap(), waiting);
    assert_eq!(open(&last.0).unwrap(), over);
}

/// Ends that say something, and stand first in the oldest chunk that a snapshot has: what they end was open at its begin.
#[test]
fn what_the_first_event_ends_was_open() {
    let _alone = alone();
    let session = builder(64 << 10).start().unwrap();
    let mut traces = Vec::new();
    for number in 0_u64..60 {
        for number in 0..2_000 + 7 * number {
            let outer = slice!("flight", "outer");
            let inner = slice!("flight", "inner", number);
            // Most of what a round takes, and of any length, so that it is the first of a chunk often.
            let text = &"a long text ".repeat(10)[..60 + (number * 7 % 50) as usize];
            end!(slice: inner, with = number, text);
            end!(slice: outer, text = "and another");
        }
        traces.push(snapshot(&session.recorder()).0);
    }
    drop(session);
    let mut inner_was_open = 0;
    for trace in traces {
        let Some(loaded) = check(&trace) else { return };
        assert!(loaded.slices_named("outer").iter().all(|slice| slice.depth == 0 && slice.dur >= 0));
        let inner = loaded.slices_named("inner");
        assert!(inner.iter().all(|slice| slice.depth == 1 && slice.dur >= 0));
        // One that was begun again has no arguments but those of its end.
        inner_was_open += inner.iter().filter(|slice| !slice.args.contains_key("debug.number")).count();
    }
    println!("{inner_was_open} of them begin within one");
    assert!(inner_was_open > 0, "no snapshot has begun within one");
}

/// Guards that are dropped out of order end slices with names of their own: what is open afterwards still has its own.
#[test]
fn names_are_given_back_out_of_order() {
    let _alone = alone();
    let session = builder(64 << 10).start().unwrap();
    for number in 0..3_000 {
        let first = slice!("flight", "first");
        let second = slice!("flight", "second");
        drop(first);
        // As deep as the second was, which has ended.
        let third = slice!("flight", format!("the third, number {number}").as_str());
        drop(second);
        drop(third);
    }
    let name = "open for a long time, until its begin has been overwritten";
    let _open = slice!("flight", name);
    (0..20_000).for_each(|_| instant!("flight", "filling"));
    let (trace, _) = snapshot(&session.recorder());
    drop(session);
    let Some(loaded) = check(&trace) else { return };
    let names: Vec<_> =
        loaded.slices.iter().filter(|slice| slice.dur == -1).map(|slice| slice.name.as_deref()).collect();
    assert_eq!(names, [Some(name)]);
}

/// Each guard is kept until the next one has begun, so that it is always as deep as the innermost: names of their own are given back.
#[test]
fn names_are_given_back_from_guard_to_guard() {
    let _alone = alone();
    let session = builder(64 << 10).start().unwrap();
    let mut phase = slice!("flight", "idle");
    for number in 0..2_000 {
        drop(std::mem::replace(&mut phase, slice!("flight", format!("job number {number}").as_str())));
        drop(std::mem::replace(&mut phase, slice!("flight", "idle")));
    }
    let name = "open for a long time, until its begin has been overwritten";
    let _open = slice!("flight", name);
    (0..20_000).for_each(|_| instant!("flight", "filling"));
    let (trace, _) = snapshot(&session.recorder());
    drop(phase);
    drop(session);
    let Some(loaded) = check(&trace) else { return };
    let names: Vec<_> =
        loaded.slices.iter().filter(|slice| slice.dur == -1).map(|slice| slice.name.as_deref()).collect();
    assert_eq!(names, [Some("idle"), Some(name)]);
}

/// Names that are too long for an event whose lengths have one byte each: each is kept beside those of the others, as long as all of them are little of a chunk.
#[test]
fn long_names_of_what_is_open_are_kept() {
    let _alone = alone();
    let session = builder(1 << 20).start().unwrap();
    let names: Vec<String> = (0..6_usize).map(|number| format!("{number} ").repeat(65 + 10 * number)).collect();
    // What has ended gives the room of its name back.
    for _ in 0..100 {
        let _guards: Vec<_> = names.iter().map(|name| slice!("flight", name.as_str())).collect();
    }
    let open: Vec<_> = names.iter().map(|name| slice!("flight", name.as_str(), text = name)).collect();
    (0..100_000).for_each(|_| instant!("flight", "filling"));
    let (trace, _) = snapshot(&session.recorder());
    drop(open);
    drop(session);
    let Some(loaded) = check(&trace) else { return };
    let rows = loaded.slices.iter().filter(|slice| slice.dur == -1);
    let found: Vec<_> = rows.map(|slice| slice.name.as_deref().unwrap()).collect();
    assert_eq!(found, names);
}
