//! Buffers that are too small: what remains has its names, times and depths, and what is missing is counted.

use std::ops::Range;

use pftrace::{MemorySink, Policy, Session, SessionError, SliceGuard, begin, dict, end, instant, slice};
use pftrace_testkit::{Loaded, check, checker_errors, compare_decoders};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::{alone, record_as};

/// Loads a trace of which `lost` events are missing: it says so, and nothing else is wrong with it.
pub(crate) fn check_lossy(trace: &[u8], lost: u64) -> Option<Loaded> {
    if lost == 0 {
        return check(trace);
    }
    assert_eq!(checker_errors(trace), [""; 0]);
    compare_decoders(trace)?;
    let loaded = pftrace_testkit::TraceProcessor::shared()?.load(trace).unwrap();
    let (told, others): (Vec<_>, Vec<_>) =
        loaded.complaints().iter().partition(|line| line.starts_with("traced_buf_trace_writer_packet_loss"));
    let begin = format!("traced_buf_trace_writer_packet_loss 0 data_loss {lost} ");
    assert!(told.len() == 1 && told[0].starts_with(&begin), "{lost} lost: {told:?}");
    let others: Vec<_> = others.iter().filter(|line| !line.contains("packet_loss")).collect();
    assert!(others.is_empty(), "{others:?}");
    Some(loaded)
}

/// CLOCK_MONOTONIC, which is the trace's clock.
pub(crate) fn now() -> i64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec * 1_000_000_000 + now.tv_nsec
}

/// How far our clock may be from the machine's: 1 µs, and the time that reading takes.
pub(crate) const STRAY: i64 = 5_000;

const NAMES: [&str; 5] = ["alpha", "beta", "gamma", "delta", "epsilon"];

#[derive(Clone, Copy, Debug)]
enum Step {
    Begin(usize),
    End,
    Instant(usize),
    Drain,
    Pause,
}

/// A slice that the model expects.
#[derive(Clone, Debug)]
struct Expected {
    name: String,
    begin: Range<i64>,
    /// `None`: it is open to the end of the trace.
    end: Option<Range<i64>>,
    depth: i64,
}

/// What happened, and what must be shown of it.
#[derive(Debug, Default)]
struct Model {
    rows: Vec<Expected>,
    /// Of each open slice: its row, once its begin is written, and its name and begin.
    open: Vec<(Option<usize>, String, Range<i64>)>,
    /// Rows whose end had no room.
    ended: Vec<(usize, Range<i64>)>,
    recorded: u64,
}

impl Model {
    /// An event has been written, so there was a chunk: what had no room before came with its header.
    fn recover(&mut self) {
        for (row, end) in self.ended.drain(..) {
            self.rows[row].end = Some(end);
        }
        for depth in 0..self.open.len() {
            let (row, name, begin) = &mut self.open[depth];
            if row.is_none() {
                *row = Some(self.rows.len());
                let (name, begin) = (name.clone(), begin.clone());
                self.rows.push(Expected { name, begin, end: None, depth: depth as i64 });
            }
        }
    }

    fn begin(&mut self, name: String, at: Range<i64>, written: bool) {
        if written {
            self.recover();
        }
        self.open.push((None, name, at));
        if written {
            self.recover();
        }
    }

    fn end(&mut self, at: Range<i64>, written: bool) {
        match self.open.pop() {
            Some((Some(row), ..)) if written => {
                self.rows[row].end = Some(at);
                self.recover();
            }
            Some((Some(row), ..)) => self.ended.push((row, at)),
            _ => {}
        }
    }

    fn instant(&mut self, name: String, at: Range<i64>, written: bool) {
        if written {
            self.recover();
            let depth = self.open.len() as i64;
            self.rows.push(Expected { name, begin: at.clone(), end: Some(at), depth });
        }
    }

    /// Nothing comes after: what has ended is ended by the drain, all but the innermost with the last.
    fn finish(&mut self) {
        let Some((_, last)) = self.ended.last().cloned() else { return };
        for (place, (row, end)) in self.ended.drain(..).enumerate() {
            self.rows[row].end = Some(if place == 0 { end } else { last.clone() });
        }
    }

    fn assert_shown(&self, loaded: &Loaded, what: &str) {
        let mut shown: Vec<_> = loaded.slices.iter().collect();
        shown.sort_by_key(|slice| (slice.ts, slice.depth));
        let mut expected: Vec<_> = self.rows.iter().collect();
        expected.sort_by_key(|row| (row.begin.start, row.depth));
        let names = |rows: &[String]| rows.join(" ");
        let (ours, theirs): (Vec<_>, Vec<_>) = (
            expected.iter().map(|row| format!("{}@{}", row.name, row.depth)).collect(),
            shown.iter().map(|row| format!("{}@{}", row.name.as_deref().unwrap_or("NULL"), row.depth)).collect(),
        );
        assert_eq!(names(&ours), names(&theirs), "{what}");
        let near = |ns: i64, range: &Range<i64>| (range.start - STRAY..=range.end + STRAY).contains(&ns);
        for (row, slice) in expected.iter().zip(&shown) {
            assert_eq!(slice.category.as_deref(), Some("loss"));
            assert!(near(slice.ts, &row.begin), "{what}: begin of {row:?}: {slice:?}");
            match &row.end {
                None => assert_eq!(slice.dur, -1, "{what}: {row:?}"),
                // An instant, and a slice: the same.
                Some(_) if slice.dur == 0 => {}
                Some(end) => assert!(near(slice.ts + slice.dur, end), "{what}: end of {row:?}: {slice:?}"),
            }
        }
    }
}

/// Runs the steps and returns the model and the trace.
fn run(steps: &[Step], policy: Policy) -> (Model, Vec<u8>, pftrace::Report) {
    let mut model = Model::default();
    let configure = |builder: pftrace::SessionBuilder| builder.buffer_bytes(64 << 10).drain_by_caller().policy(policy);
    let (trace, report) = record_as(configure, |session| {
        let mut guards: Vec<SliceGuard> = Vec::new();
        for (number, &step) in steps.iter().enumerate() {
            let dropped = session.stats().dropped.total();
            let before = now();
            let text = format!("run-time {}", number % 7);
            let dynamic = number % 3 == 0;
            let name = |of: usize| if dynamic { text.clone() } else { NAMES[of].to_owned() };
            match step {
                Step::Begin(of) => {
                    guards.push(match (dynamic, of) {
                        (true, _) => slice!("loss", text.as_str(), number),
                        (_, 0) => slice!("loss", "alpha"),
                        (_, 1) => slice!("loss", "beta", number),
                        (_, 2) => slice!("loss", "gamma", text = ?text),
                        (_, 3) => slice!("loss", "delta"),
                        _ => slice!("loss", "epsilon"),
                    });
                }
                Step::End => drop(guards.pop()),
                Step::Instant(of) => match (dynamic, of) {
                    (true, _) => instant!("loss", text.as_str()),
                    (_, 0) => instant!("loss", "alpha"),
                    (_, 1) => instant!("loss", "beta", number),
                    (_, 2) => instant!("loss", "gamma"),
                    (_, 3) => instant!("loss", "delta"),
                    _ => instant!("loss", "epsilon"),
                },
                Step::Drain => session.drain().unwrap(),
                Step::Pause => std::thread::sleep(std::time::Duration::from_micros(200)),
            }
            let at = before..now();
            let written = session.stats().dropped.total() <= dropped;
            match step {
                Step::Begin(of) => model.begin(name(of), at, written),
                Step::End => model.end(at, written),
                Step::Instant(of) => model.instant(name(of), at, written),
                Step::Drain | Step::Pause => continue,
            }
            model.recorded += 1;
        }
        guards.into_iter().for_each(std::mem::forget);
    });
    assert_eq!(report.events + report.dropped.total(), model.recorded, "{report:?}");
    model.finish();
    (model, trace, report)
}

/// Steps that never end what is not open, and have at most eight slices open.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let kind = prop_oneof![40 => Just(0), 38 => Just(1), 20 => Just(2), 1 => Just(3)];
    // Runs without a drain are longer than the buffer.
    proptest::collection::vec((kind, 0_usize..5, 1_usize..400), 1..120).prop_map(|runs| {
        let mut depth = 0;
        let mut steps = Vec::new();
        for (kind, name, times) in runs {
            match kind {
                0 if depth < 8 => steps.push(Step::Begin(name)),
                1 if depth > 0 => steps.push(Step::End),
                3 => steps.push(Step::Drain),
                _ => steps.extend((0..times).map(|_| Step::Instant(name))),
            }
            match steps.last() {
                Some(Step::Begin(_)) => depth += 1,
                Some(Step::End) => depth -= 1,
                _ => {}
            }
        }
        steps
    })
}

#[test]
fn what_remains_is_what_the_model_says() {
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    let test = |steps: Vec<Step>| {
        let (model, trace, report) = run(&steps, Policy::Stream);
        if let Some(loaded) = check_lossy(&trace, report.dropped.total()) {
            model.assert_shown(&loaded, &format!("{} steps, {} dropped", steps.len(), report.dropped.total()));
        }
        Ok(())
    };
    if let Err(error) = runner.run(&steps(), test) {
        panic!("{}", error.to_string().chars().take(3_000).collect::<String>());
    }
}

/// One gap, of every kind: slices that began, ended, or did both within it, at every place of the step before it in its chunk.
#[test]
fn a_gap_is_mended() {
    let filling = |count: usize| (0..count).map(|_| Step::Instant(3));
    for before in [0, 1, 2, 30] {
        let mut steps: Vec<_> = filling(before).collect();
        steps.extend([Step::Begin(0), Step::Begin(1), Step::Begin(2), Step::Begin(3)]);
        steps.extend(filling(6_000));
        // In the gap: three end that are written, one begins and ends, two begin and stay; all of them apart.
        let apart = [Step::End, Step::End, Step::End, Step::Begin(2), Step::End, Step::Begin(3), Step::Begin(4)];
        apart.into_iter().for_each(|step| steps.extend([Step::Pause, step]));
        steps.push(Step::Drain);
        steps.extend(filling(3));
        steps.extend([Step::End, Step::End, Step::End]);
        let (model, trace, report) = run(&steps, Policy::Stream);
        assert!(report.dropped.no_room > 100 && report.events > 1_000, "{report:?}");
        let Some(loaded) = check_lossy(&trace, report.dropped.total()) else { return };
        model.assert_shown(&loaded, &format!("{before} before"));
        assert_eq!(loaded.slices.iter().filter(|slice| slice.dur == -1).count(), 0, "all have ended");
    }
}

/// A thread whose chunk is read after later ones of another: its clock goes back in the trace, its times do not.
#[test]
fn a_chunk_that_comes_late_keeps_its_time() {
    let mut at = 0..0;
    let (trace, report) = record_as(
        |builder| builder.buffer_bytes(64 << 10).drain_by_caller(),
        |session| {
            let before = now();
            let (sender, receiver) = std::sync::mpsc::channel::<()>();
            std::thread::scope(|scope| {
                let early = scope.spawn(move || {
                    instant!("loss", "early");
                    // Its chunk stays with it, until it is taken.
                    _ = receiver.recv();
                });
                std::thread::sleep(std::time::Duration::from_millis(20));
                at = before..now();
                std::thread::sleep(std::time::Duration::from_millis(20));
                (0..300).for_each(|number| instant!("loss", "late", number));
                session.drain().unwrap();
                drop(sender);
                early.join().unwrap();
            });
        },
    );
    assert_eq!(report.dropped.total(), 0);
    let Some(loaded) = check(&trace) else { return };
    let early = loaded.slices_named("early")[0].ts;
    assert!((at.start - STRAY..=at.end + STRAY).contains(&early), "{early} in {at:?}");
    assert!(loaded.slices_named("late").iter().all(|slice| slice.ts > at.end));
    // The trace's own clock never goes back from snapshot to snapshot: newer trace processors call that an error.
    let Some(packets) = compare_decoders(&trace) else { return };
    let monotonic: Vec<i64> = packets
        .iter()
        .flat_map(|packet| packet["clock_snapshot"]["clocks"].as_array().cloned().unwrap_or_default())
        .filter(|clock| clock["clock_id"].as_i64() == Some(3))
        .map(|clock| clock["timestamp"].as_str().unwrap().parse().unwrap())
        .collect();
    assert!(monotonic.len() >= 4 && monotonic.is_sorted(), "{monotonic:?}");
}

#[test]
fn with_discard_the_begin_is_kept() {
    let steps: Vec<_> = (0..10_000)
        .map(|number| match number % 3 {
            0 => Step::Begin(number % 5),
            1 => Step::Instant(number % 5),
            _ => Step::End,
        })
        .collect();
    let (model, trace, report) = run(&steps, Policy::Discard);
    assert!(report.events > 1_000 && report.dropped.no_room > 1_000, "{report:?}");
    let Some(loaded) = check_lossy(&trace, report.dropped.total()) else { return };
    model.assert_shown(&loaded, "discard");
}

/// A trace that is cut off anywhere loads, and nothing in it is without a name.
#[test]
fn a_cut_trace_has_its_names() {
    let steps: Vec<_> = (0..3_000)
        .map(|number| match number % 4 {
            0 => Step::Begin(number % 5),
            1 => Step::Instant(number % 5),
            2 => Step::End,
            _ if number % 500 == 3 => Step::Drain,
            _ => Step::Instant(number % 3),
        })
        .collect();
    let (_, trace, _) = run(&steps, Policy::Stream);
    let Some(mut processor) = pftrace_testkit::TraceProcessor::shared() else { return };
    let whole = processor.load(&trace).unwrap().slices.len();
    let mut last = 0;
    for cut in (1..=24).map(|part| trace.len() * part / 24) {
        let loaded = processor.load(&trace[..cut]).unwrap();
        assert!(loaded.complaints().is_empty(), "{:?}", loaded.complaints());
        assert!(loaded.slices.iter().all(|slice| slice.name.is_some() && slice.category.is_some()));
        assert!(loaded.slices.len() >= last);
        last = loaded.slices.len();
    }
    assert_eq!(last, whole);
}

/// Threads that end in a gap, and others that come after them, which have their sequences: all slices that have ended are ended.
#[test]
fn a_thread_that_ends_in_a_gap_leaves_no_slice_open() {
    let mut ends = Vec::new();
    let (trace, report) = record_as(
        |builder| builder.buffer_bytes(64 << 10).drain_by_caller(),
        |session| {
            for _ in 0..3 {
                std::thread::scope(|scope| {
                    let ending = scope.spawn(|| {
                        let (outer, middle, inner) =
                            (slice!("loss", "outer"), slice!("loss", "middle"), slice!("loss", "inner"));
                        let dropped = session.stats().dropped.total();
                        while session.stats().dropped.total() == dropped {
                            instant!("loss", "filling");
                        }
                        let end = |slice: SliceGuard| {
                            std::thread::sleep(std::time::Duration::from_millis(1));
                            let before = now();
                            drop(slice);
                            before..now()
                        };
                        [inner, middle, outer].map(end)
                    });
                    ends.push(ending.join().unwrap());
                });
                session.drain().unwrap();
                // Threads that are gone are forgotten each second.
                std::thread::sleep(std::time::Duration::from_millis(1100));
                session.drain().unwrap();
            }
        },
    );
    assert_eq!(report.dropped.no_room, 3, "only what filled: {report:?}");
    assert_eq!(report.threads.iter().map(|thread| thread.events).sum::<u64>(), report.events, "{report:?}");
    let Some(loaded) = check_lossy(&trace, report.dropped.total()) else { return };
    for (name, place) in [("inner", 0), ("middle", 2), ("outer", 2)] {
        let slices = loaded.slices_named(name);
        assert_eq!(slices.len(), 3);
        for (slice, ends) in slices.iter().zip(&ends) {
            let end = slice.ts + slice.dur;
            assert!(
                (ends[place].start - STRAY..=ends[place].end + STRAY).contains(&end),
                "{name} {slice:?} in {ends:?}"
            );
        }
    }
}

/// More slices than a header lists, and more than Perfetto shows.
#[test]
fn deep_stacks_stay_in_order() {
    let configure = |builder: pftrace::SessionBuilder| builder.buffer_bytes(64 << 10);
    let (trace, report) = record_as(configure, |_| {
        let guards: Vec<_> = (0..520).map(|_| slice!("loss", "deep")).collect();
        guards.into_iter().rev().for_each(drop);
    });
    assert_eq!((report.events, report.dropped.too_deep), (2 * 512, 8));
    let Some(loaded) = check_lossy(&trace, 8) else { return };
    assert_eq!(loaded.slices.iter().map(|slice| slice.depth).max(), Some(511));
    assert!(loaded.slices.iter().all(|slice| slice.dur >= 0));
}

/// Many slices end while there is no room, in the smallest chunks: the thread goes on afterwards, and all of them have ended.
#[test]
fn a_deep_stack_unwinds_in_a_gap() {
    let (trace, report) = record_as(
        |builder| builder.buffer_bytes(64 << 10).drain_by_caller(),
        |session| {
            let guards: Vec<_> = (0..400).map(|_| slice!("loss", "deep")).collect();
            while session.stats().dropped.total() == 0 {
                instant!("loss", "filling");
            }
            guards.into_iter().rev().for_each(drop);
            session.drain().unwrap();
            for _ in 0..10 {
                instant!("loss", "after");
            }
        },
    );
    let Some(loaded) = check_lossy(&trace, report.dropped.total()) else { return };
    let deep = loaded.slices_named("deep");
    assert_eq!(deep.len(), 400);
    assert!(deep.iter().all(|slice| slice.dur >= 0));
    let after = loaded.slices_named("after");
    assert_eq!(after.len(), 10);
    assert!(after.iter().all(|slice| slice.depth == 0), "{after:?}");
    // The outermost have their own ends.
    let ends: Vec<_> = deep.iter().map(|slice| slice.ts + slice.dur).collect();
    assert!(ends[0] > ends[1] && ends[1] > ends[2], "{:?}", &ends[..3]);
}

/// What is begun where no more slices can be open is not ended either.
#[test]
fn ends_of_what_was_too_deep_end_nothing_else() {
    let (trace, report) = record_as(
        |builder| builder,
        |_| {
            (0..520).for_each(|_| pftrace::begin!("loss", "deep"));
            (0..8).for_each(|_| pftrace::end!("loss"));
            instant!("loss", "within all");
            (0..512).for_each(|_| pftrace::end!("loss"));
        },
    );
    assert_eq!((report.events, report.dropped.too_deep, report.ignored), (2 * 512 + 1, 8, 0), "{report:?}");
    let Some(loaded) = check_lossy(&trace, 8) else { return };
    let within = loaded.slices_named("within all")[0];
    let open = loaded.slices_named("deep").iter().filter(|slice| slice.ts + slice.dur >= within.ts).count();
    assert_eq!(open, 512);
}

/// Texts of any length: cut only when the event is larger than a chunk.
#[test]
fn large_texts_are_cut_and_marked() {
    let configure = |builder: pftrace::SessionBuilder| builder.buffer_bytes(512 << 10);
    let long = "ä".repeat(10_000);
    let (trace, report) = record_as(configure, |session| {
        assert!((2_900..4_096).contains(&session.max_event_len()));
        for len in [1, 127, 128, 500, 960, 1_024, 1_025, 1_300] {
            instant!("loss", &long[..2 * len], len, text = &long[..2 * len]);
        }
        instant!("loss", long.as_str(), text = long.as_str(), debug = ?long, more = 1);
    });
    assert_eq!((report.events, report.dropped.total()), (9, 0), "{report:?}");
    assert_eq!(report.threads[0].truncated, 4, "1,024, 1,025 and 1,300 characters twice, and all");
    let Some(loaded) = check(&trace) else { return };
    let text = |number: usize, key: &str| match &loaded.slices[number].args[&format!("debug.{key}")] {
        pftrace_testkit::Arg::Text(text) => text.clone(),
        other => panic!("{other:?}"),
    };
    for (number, len) in [1, 127, 128, 500].into_iter().enumerate() {
        assert_eq!(loaded.slices[number].name.as_deref(), Some(&long[..2 * len]));
        assert_eq!(text(number, "text"), long[..2 * len]);
    }
    for key in ["text", "debug"] {
        let shown = text(8, key);
        assert!(shown.ends_with("ä…") && shown.len() > 400, "{} bytes", shown.len());
    }
    assert_eq!(loaded.slices[8].args["debug.more"], pftrace_testkit::Arg::Int(1));
    assert!(loaded.slices[8].name.as_ref().unwrap().ends_with("ä…"));
}

/// A sink that fails at once, in the middle, at the end: recording goes on, and it is told.
#[test]
fn a_sink_that_fails_is_told_of() {
    #[derive(Debug)]
    struct Full {
        memory: MemorySink,
        room: usize,
    }
    impl std::io::Write for Full {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let len = bytes.len().min(self.room);
            self.room -= len;
            self.memory.write_all(&bytes[..len])?;
            match len {
                0 => Err(std::io::ErrorKind::StorageFull.into()),
                len => Ok(len),
            }
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let _alone = alone();
    pftrace::set_categories("");
    for room in [0, 1_000, 20_000] {
        let memory = MemorySink::new();
        let sink = Full { memory: memory.clone(), room };
        let session = Session::builder().buffer_bytes(1 << 20).drain_by_caller().writer(sink).start().unwrap();
        for _ in 0..4 {
            for _ in 0..500 {
                instant!("loss", "event");
            }
            _ = session.drain();
        }
        let Err(SessionError::Sink { source, report }) = session.stop() else { panic!("it failed") };
        assert_eq!(source.kind(), std::io::ErrorKind::StorageFull);
        assert_eq!(report.events + report.undelivered, 2_000, "{report:?}");
        assert!(report.undelivered >= 500);
        let trace = memory.take();
        assert_eq!(trace.len(), room);
        let Some(mut processor) = pftrace_testkit::TraceProcessor::shared() else { return };
        if room > 0 {
            let loaded = processor.load(&trace).unwrap();
            assert!(loaded.slices.len() as u64 >= report.events, "what was reported is there");
        }
    }
}

/// What has no room since the session has been stopped meanwhile is not the session's: nothing of it is lost.
#[test]
fn what_comes_while_a_session_is_stopped_is_not_lost() {
    let _alone = alone();
    pftrace::set_categories("");
    let is_stopping = |stops: &std::sync::mpsc::Sender<()>| {
        _ = stops.send(());
        // It waits for the event within which this is.
        std::thread::sleep(std::time::Duration::from_millis(50));
    };
    for policy in [Policy::Stream, Policy::Discard, Policy::FlightRecorder] {
        let memory = MemorySink::new();
        let session = Session::builder().policy(policy).buffer_bytes(1 << 20).writer(memory.clone()).start().unwrap();
        let (stops, stop) = std::sync::mpsc::channel();
        let report = std::thread::scope(|scope| {
            let stopped = scope.spawn(move || {
                stop.recv().unwrap();
                session.stop().unwrap()
            });
            begin!("loss", "slice");
            // As large as no chunk, so that it is looked for another, which is not given out any more.
            let large = "x".repeat(100_000);
            end!(
                "loss",
                text = dict(|text| {
                    is_stopping(&stops);
                    text.arg("large", &*large);
                })
            );
            stopped.join().unwrap()
        });
        assert_eq!((report.events, report.lost(), report.ignored), (1, 0, 0), "{policy:?}: {report:?}");
        let Some(loaded) = check(&memory.take()) else { return };
        assert_eq!((loaded.slices_named("slice")[0].dur, loaded.slices.len()), (-1, 1));
    }
}
