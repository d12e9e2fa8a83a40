//! Snapshots of a flight recorder: of threads that are gone, later, in a child, at exit, at a panic.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pftrace::{Session, SessionError, instant, slice};
use pftrace_testkit::check;

use crate::alone;
use crate::flight::{builder, number, numbers, snapshot};
#[cfg(target_os = "linux")]
use crate::forked::says_yes;
use crate::reentrancy::{file_of_process, in_a_process};

/// Threads that have exited are in a snapshot as long as what they recorded is, under their own names; then they are forgotten.
#[test]
fn threads_that_have_exited_are_there() {
    let _alone = alone();
    let session = builder(64 << 10).start().unwrap();
    let mut traces = Vec::new();
    for batch in 0..3_u64 {
        for number in 700 * batch..700 * (batch + 1) {
            let named = thread::Builder::new().name(format!("worker {number}"));
            named.spawn(move || instant!("flight", "event", number)).unwrap().join().unwrap();
        }
        if batch == 1 {
            traces.push(snapshot(&session.recorder()).0);
        }
        // The others of the batch before are forgotten: their numbers are given out again.
        thread::sleep(Duration::from_millis(1_100));
    }
    traces.push(snapshot(&session.recorder()).0);
    thread::sleep(Duration::from_millis(1_100));
    traces.push(snapshot(&session.recorder()).0);
    let report = session.stop().unwrap();
    assert_eq!((report.thread_count, report.lost()), (2_100, 0));
    for (trace, end) in traces.iter().zip([1_400, 2_100, 2_100]) {
        assert_eq!(numbers(trace), Some(end - 64..end).filter(|_| pftrace_testkit::TraceProcessor::shared().is_some()));
        let Some(loaded) = check(trace) else { return };
        let named = loaded
            .threads
            .values()
            .filter(|thread| thread.name.as_ref().is_some_and(|name| name.starts_with("worker")));
        assert_eq!(named.count(), 64, "{:?}", loaded.threads);
        for row in &loaded.slices {
            assert_eq!(loaded.track_name(row), Some(format!("worker {}", number(row, "number").unwrap())));
        }
    }
}

/// A trace begins with how the clocks relate, and nothing in it is before the session.
#[test]
fn an_idle_flight_recorder_has_an_empty_trace() {
    let _alone = alone();
    let session = builder(64 << 10).drain_by_caller().start().unwrap();
    let (empty, report) = snapshot(&session.recorder());
    assert_eq!((report.events, report.thread_count), (0, 0));
    instant!("flight", "only");
    session.drain().unwrap();
    let (one, report) = snapshot(&session.recorder());
    assert_eq!((report.events, report.thread_count), (1, 1));
    // Nobody has recorded anything since.
    assert_eq!(snapshot(&session.recorder()).1.events, 1);
    let report = session.stop().unwrap();
    assert_eq!((report.events, report.snapshots, report.overwritten), (2, 3, 0));
    let Some(loaded) = check(&empty) else { return };
    assert!(loaded.slices.is_empty() && loaded.processes.len() == 1);
    let only = check(&one).unwrap().slices[0].clone();
    let mut processor = pftrace_testkit::TraceProcessor::shared().unwrap();
    processor.load(&one).unwrap();
    let bounds = processor.query("select start_ts, end_ts from trace_bounds").unwrap();
    assert_eq!(bounds.rows[0][0].int(), only.ts, "the time before the first event is not shown");
    drop(processor);
    let packets = pftrace_testkit::compare_decoders(&one).unwrap();
    let clocks = &packets[0]["clock_snapshot"]["clocks"];
    let first: i64 = clocks[0]["timestamp"].as_str().unwrap().parse().unwrap();
    assert!(clocks.as_array().unwrap().len() == 3 && first <= only.ts, "{clocks}");
    let mut processor = pftrace_testkit::TraceProcessor::shared().unwrap();
    processor.load(&one).unwrap();
    let clocks = processor.query("select count(distinct clock_id) from clock_snapshot where clock_id < 64").unwrap();
    assert_eq!(clocks.rows[0][0].int(), 3);
}

#[test]
fn a_trigger_has_what_comes_after() {
    let _alone = alone();
    let file = |name: &str| std::env::temp_dir().join(format!("pftrace-trigger-{name}-{}", std::process::id()));
    let (soon, late) = (file("soon"), file("late"));
    let session = builder(1 << 20).start().unwrap();
    instant!("flight", "event", number = 0_u64);
    let first = session.recorder().trigger(Duration::from_millis(300), &soon).unwrap();
    instant!("flight", "event", number = 1_u64);
    assert!(!first.is_done());
    assert_eq!(first.wait().unwrap().events, 2);
    instant!("flight", "event", number = 2_u64);
    // The session stops before it is due.
    let second = session.recorder().trigger(Duration::from_secs(1_000), &late).unwrap();
    instant!("flight", "event", number = 3_u64);
    let begin = Instant::now();
    let report = session.stop().unwrap();
    assert!(begin.elapsed() < Duration::from_secs(4));
    assert_eq!((report.snapshots, second.wait().unwrap().events), (2, 4));
    let traces = [&soon, &late].map(|path| std::fs::read(path).unwrap());
    [soon, late].iter().for_each(|path| std::fs::remove_file(path).unwrap());
    let Some(found) = numbers(&traces[0]) else { return };
    assert_eq!((found, numbers(&traces[1])), (0..2, Some(0..4)));
}

#[test]
fn other_sessions_have_no_snapshots() {
    let _alone = alone();
    let session = Session::builder().writer(io::sink()).buffer_bytes(1 << 20).start().unwrap();
    assert!(matches!(session.snapshot(io::sink()), Err(SessionError::NotAFlightRecorder)));
    let later = session.recorder().trigger(Duration::ZERO, "/nowhere/at all");
    assert!(matches!(later, Err(SessionError::NotAFlightRecorder)));
    drop(session);
    let builder = Session::builder().writer(io::sink()).snapshot_on_panic("/nowhere/at all");
    assert!(matches!(builder.start(), Err(SessionError::NotAFlightRecorder)));
}

/// The child of a fork has nothing to take a snapshot of; the parent has.
#[cfg(target_os = "linux")]
#[test]
fn a_forked_child_has_no_snapshot() {
    let _alone = alone();
    let session = builder(1 << 20).start().unwrap();
    instant!("flight", "event", number = 0_u64);
    let path = std::env::temp_dir().join(format!("pftrace-pending-{}.pftrace", std::process::id()));
    let pending = session.recorder().trigger(Duration::from_secs(1_000), &path).unwrap();
    // SAFETY: the child asks, and exits without destructors and handlers.
    match unsafe { libc::fork() } {
        0 => {
            let refused = pending.is_done()
                && matches!(pending.wait(), Err(SessionError::Forked))
                && matches!(session.snapshot(io::sink()), Err(SessionError::Forked))
                && matches!(session.recorder().trigger(Duration::ZERO, "x"), Err(SessionError::Forked));
            // SAFETY: as above.
            unsafe { libc::_exit(i32::from(!refused)) }
        }
        child => {
            let mut status = 0;
            // SAFETY: `status` is ours.
            assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
            assert_eq!(status, 0, "the child is refused");
        }
    }
    instant!("flight", "event", number = 1_u64);
    let (trace, _) = snapshot(&session.recorder());
    drop(session);
    assert_eq!(pending.wait().unwrap().events, 2);
    std::fs::remove_file(&path).unwrap();
    let Some(found) = numbers(&trace) else { return };
    assert_eq!(found, 0..2);
}

/// The child of a fork has a flight recorder of its own, whose snapshots also come later.
#[cfg(target_os = "linux")]
#[test]
fn a_forked_child_has_a_trigger_of_its_own() {
    let _alone = alone();
    let path = std::env::temp_dir().join(format!("pftrace-child-trigger-{}.pftrace", std::process::id()));
    let later = || {
        let session = builder(1 << 20).start().ok()?;
        let trigger = session.recorder().trigger(Duration::from_millis(20), &path).ok()?;
        (0..100_u64).for_each(|number| instant!("flight", "event", number));
        trigger.wait().ok()
    };
    assert!(says_yes(|| later().is_some_and(|report| report.events == 100)));
    let trace = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let Some(found) = numbers(&trace) else { return };
    assert_eq!(found, 0..100);
}

/// A process that exits without a stop leaves the newest in its file, and waits for a snapshot that is to come.
#[test]
fn exit_leaves_a_snapshot() {
    if let Some(path) = file_of_process() {
        let session = builder(64 << 10).file(&path).start().unwrap();
        (0..10_000_u64).for_each(|number| instant!("flight", "event", number));
        let later = session.recorder().trigger(Duration::from_secs(1_000), path.with_extension("later")).unwrap();
        std::mem::forget((session, later));
        std::process::exit(7);
    }
    let path = std::env::temp_dir().join(format!("pftrace-flight-exit-{}.pftrace", std::process::id()));
    let output = in_a_process("snapshots::exit_leaves_a_snapshot", &path);
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    for path in [path.with_extension("later"), path] {
        let trace = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let Some(found) = numbers(&trace) else { return };
        assert!(found.end == 10_000 && found.start < 8_500, "{found:?}");
    }
}

/// A panic within an event, in a slice, while others record: the snapshot is there, with the slice open. The second panic writes none.
#[test]
fn a_panic_is_in_a_snapshot() {
    struct Panics(u64);
    impl std::fmt::Debug for Panics {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("number {}", self.0)
        }
    }
    if let Some(path) = file_of_process() {
        // Large enough that the other thread does not come round while the one that panics is stopped.
        let session = builder(8 << 20).snapshot_on_panic(&path).start().unwrap();
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    instant!("flight", "other");
                }
            });
            for number in [1, 2] {
                let doomed = move || {
                    let _doomed = slice!("flight", "doomed", number);
                    instant!("flight", "never", value = ?Panics(number));
                };
                assert!(
                    thread::Builder::new().name("doomed".into()).spawn_scoped(scope, doomed).unwrap().join().is_err()
                );
            }
            over.store(true, Ordering::Relaxed);
        });
        println!("snapshots {}", session.stop().unwrap().snapshots);
        return;
    }
    let path = std::env::temp_dir().join(format!("pftrace-panic-{}.pftrace", std::process::id()));
    let output = in_a_process("snapshots::a_panic_is_in_a_snapshot", &path);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("number 1") && said.contains("number 2"), "the hook before is called: {said}");
    assert_eq!(said.matches("pftrace: what led to the panic is in ").count(), 1, "{said}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("snapshots 1"), "{output:?}");
    let trace = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let Some(loaded) = check(&trace) else { return };
    let doomed = loaded.slices_named("doomed");
    assert_eq!((doomed.len(), doomed[0].dur), (1, -1));
    assert_eq!(number(doomed[0], "number"), Some(1));
    assert_eq!(loaded.track_name(doomed[0]).as_deref(), Some("doomed"));
}
