//! Recording where nobody expects it: within an event, in a signal handler, at a thread's end, before, after, in a child.

use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use pftrace::{
    Lanes, MAX_OPEN_TRACK_SLICES, MemorySink, NamedTrack, Session, SessionError, begin, counter, dict, end, instant,
    slice,
};
use pftrace_testkit::{Arg, check};

use crate::{alone, record, record_as};

/// Its `Debug` records.
struct Records;

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _slice = slice!("r", "inner", depth = 1);
        instant!("r", "formatted within", text = ?"x", plain = "y");
        f.write_str("recorded")
    }
}

#[test]
fn an_argument_may_record() {
    let recorded = record(|| {
        instant!("r", "outer", value = ?Records);
        let _slice = slice!("r", String::from("named").as_str(), value = ?Records, after = 2);
    });
    let Some((loaded, _)) = recorded else { return };
    let names: Vec<_> = loaded.slices.iter().map(|slice| slice.name.clone().unwrap()).collect();
    assert_eq!(names, ["inner", "formatted within", "outer", "inner", "formatted within", "named"]);
    let arg = |number: usize, key: &str| loaded.slices[number].args[key].clone();
    assert_eq!(arg(2, "debug.value"), Arg::Text("recorded".into()));
    assert_eq!(arg(5, "debug.after"), Arg::Int(2));
    assert_eq!(arg(1, "debug.plain"), Arg::Text("y".into()));
    // The memory for formatted texts was in use.
    assert_eq!(arg(1, "debug.text"), Arg::Text("…".into()));
}

#[test]
fn a_panic_in_an_argument_leaves_no_trace() {
    struct Panics;
    impl fmt::Debug for Panics {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("as it should")
        }
    }
    let recorded = record(|| {
        let _outer = slice!("r", "outer");
        let caught = catch_unwind(AssertUnwindSafe(|| {
            let _unwound = slice!("r", "unwound");
            instant!("r", "never", value = ?Panics);
        }));
        assert!(caught.is_err());
        for _ in 0..2 {
            let caught = catch_unwind(AssertUnwindSafe(|| end!(slice: slice!("r", "ended"), value = ?Panics)));
            assert!(caught.is_err());
        }
        instant!("r", "after", value = ?"formatted");
    });
    let Some((loaded, _)) = recorded else { return };
    let rows: Vec<_> = loaded.slices.iter().map(|slice| (slice.name.as_deref().unwrap(), slice.depth)).collect();
    assert_eq!(rows, [("outer", 0), ("unwound", 1), ("ended", 1), ("ended", 1), ("after", 1)]);
    assert!(loaded.slices.iter().all(|slice| slice.dur >= 0), "{:?}", loaded.slices);
    assert_eq!(loaded.slices[4].args["debug.value"], Arg::Text("\"formatted\"".into()));
}

/// What was to begin on a track has no place there, and none of its lane's.
#[test]
fn a_panic_at_the_begin_of_a_slice_on_a_track_leaves_no_trace() {
    static TRACK: NamedTrack = NamedTrack::new("panics");
    static LANES: Lanes<2> = Lanes::new("panics too");
    let recorded = record(|| {
        let panics = |_: &mut pftrace::protos::TrackEvent<'_>| std::panic::resume_unwind(Box::new(()));
        begin!(track: &TRACK, "r", "outer");
        for _ in 0..=MAX_OPEN_TRACK_SLICES {
            let caught = catch_unwind(AssertUnwindSafe(|| drop(slice!(track: &TRACK, with: panics, "r", "never"))));
            assert!(caught.is_err());
        }
        for _ in 0..20 {
            let caught = catch_unwind(AssertUnwindSafe(|| begin!(track: &TRACK, with: panics, "r", "never")));
            assert!(caught.is_err());
            let caught = catch_unwind(AssertUnwindSafe(|| drop(slice!(track: &LANES, with: panics, "r", "never"))));
            assert!(caught.is_err());
        }
        begin!(track: &TRACK, "r", "inner");
        end!(track: &TRACK, "r");
        end!(track: &TRACK, "r");
        let _lanes = [slice!(track: &LANES, "r", "first"), slice!(track: &LANES, "r", "second")];
    });
    let Some((loaded, report)) = recorded else { return };
    assert_eq!((report.events, report.lost(), report.ignored), (8, 0, 0), "{report:?}");
    let rows = loaded.slices.iter().map(|slice| (slice.name.as_deref().unwrap(), slice.depth, slice.dur >= 0));
    let expected = [("outer", 0, true), ("inner", 1, true), ("first", 0, true), ("second", 0, true)];
    assert_eq!(rows.collect::<Vec<_>>(), expected);
}

/// What is said of the end of a slice on a track panics: it ends, without that.
#[test]
fn a_panic_at_the_end_of_a_slice_on_a_track_ends_it() {
    static TRACK: NamedTrack = NamedTrack::new("panics at the end");
    static LANES: Lanes<2> = Lanes::new("panics at the end, too");
    const TIMES: usize = 3;
    let recorded = record(|| {
        let panics = || dict(|_| std::panic::resume_unwind(Box::new(())));
        for _ in 0..TIMES {
            let slice = slice!(track: &LANES, "r", "ends");
            assert!(catch_unwind(AssertUnwindSafe(|| end!(slice: slice, value = panics()))).is_err());
            begin!(track: &TRACK, "r", "ends");
            assert!(catch_unwind(AssertUnwindSafe(|| end!(track: &TRACK, "r", value = panics()))).is_err());
        }
        drop(slice!(track: &LANES, "r", "after"));
    });
    let Some((loaded, report)) = recorded else { return };
    assert_eq!((report.events as usize, report.lost(), report.ignored), (4 * TIMES + 2, 0, 0), "{report:?}");
    assert!(loaded.slices.iter().all(|slice| slice.depth == 0 && slice.dur >= 0), "{:?}", loaded.slices);
    assert_eq!((loaded.slices_named("ends").len(), loaded.slices_named("after").len()), (2 * TIMES, 1));
}

/// A handler would run on any thread that does not block its signal: not on the one that writes.
#[cfg(target_os = "linux")]
#[test]
fn the_thread_that_writes_gets_no_signals() {
    let _ = record_as(
        |builder| builder,
        |_| {
            let read = |task: &Path, file: &str| std::fs::read_to_string(task.join(file)).unwrap_or_default();
            let statuses = || {
                let tasks = std::fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
                let drains = tasks.filter(|task| read(task, "comm") == "pftrace drain\n");
                // One that is about to end has none any more.
                drains.map(|task| read(&task, "status")).filter(|status| !status.is_empty()).collect::<Vec<_>>()
            };
            // It gives itself its name.
            let tries = std::iter::repeat_with(|| (statuses(), thread::sleep(Duration::from_millis(1))).0);
            let statuses = tries.take(10_000).find(|statuses| !statuses.is_empty()).unwrap();
            for status in statuses {
                let mask = status.lines().find_map(|line| line.strip_prefix("SigBlk:")).unwrap().trim();
                let blocked = u64::from_str_radix(mask, 16).unwrap();
                assert!(blocked >> (libc::SIGALRM - 1) & 1 != 0 && blocked >> (libc::SIGSEGV - 1) & 1 == 0, "{mask}");
            }
        },
    );
}

/// A handler that records, every 100 microseconds, while its thread does.
#[cfg(target_os = "linux")]
#[test]
fn a_signal_handler_records_or_is_counted() {
    static HANDLED: AtomicU64 = AtomicU64::new(0);
    extern "C" fn handler(_: libc::c_int) {
        instant!("r", "signal", number = 1, text = "handled");
        HANDLED.fetch_add(1, Ordering::Relaxed);
    }
    let mut own = 0;
    let (trace, report) = record_as(
        |builder| builder.buffer_bytes(16 << 20),
        |_| {
            // Signals of a timer go to this thread alone: it is a thread's own CPU clock that is raised here.
            // SAFETY: the handler only records, which is meant to be done in a handler; the old one is put back below.
            let old =
                unsafe { libc::signal(libc::SIGUSR1, handler as extern "C" fn(libc::c_int) as libc::sighandler_t) };
            // SAFETY: it has no arguments and can't fail.
            let me = unsafe { libc::pthread_self() } as usize;
            let done = AtomicU64::new(0);
            thread::scope(|scope| {
                scope.spawn(|| {
                    while done.load(Ordering::Relaxed) == 0 {
                        // SAFETY: the thread lives until `done`.
                        unsafe { libc::pthread_kill(me as libc::pthread_t, libc::SIGUSR1) };
                        thread::sleep(std::time::Duration::from_micros(50));
                    }
                });
                for number in 0..40_000_u64 {
                    let _slice = slice!("r", "work");
                    instant!("r", if number % 2 == 0 { "even" } else { "odd" }, number, formatted = %number);
                    own += 3;
                }
                done.store(1, Ordering::Relaxed);
            });
            // SAFETY: as above.
            unsafe { libc::signal(libc::SIGUSR1, old) };
        },
    );
    let handled = HANDLED.load(Ordering::Relaxed);
    assert!(handled > 20, "{handled}");
    assert_eq!(report.events + report.dropped.total() + report.nested, own + handled, "{report:?}");
    assert_eq!(report.corrupt_chunks, 0);
    let Some(loaded) = crate::losses::check_lossy(&trace, report.lost()) else { return };
    assert_eq!(loaded.slices_named("work").len(), 40_000);
    assert!(loaded.slices_named("work").iter().all(|slice| slice.dur >= 0 && slice.depth == 0));
    assert_eq!(loaded.slices_named("signal").len() as u64, handled - report.nested - report.dropped.total());
}

/// Thread-locals are destroyed in an order that nobody knows: what they record is there or is counted.
#[test]
fn destructors_of_thread_locals_may_record() {
    struct AtEnd(&'static str);
    impl Drop for AtEnd {
        fn drop(&mut self) {
            let _slice = slice!("r", self.0);
        }
    }
    thread_local! {
        static BEFORE: AtEnd = const { AtEnd("made before") };
        static AFTER: AtEnd = const { AtEnd("made after") };
    }
    let (trace, report) = record_as(
        |builder| builder,
        |_| {
            thread::spawn(|| {
                BEFORE.with(|_| ());
                instant!("r", "first");
                AFTER.with(|_| ());
            })
            .join()
            .unwrap();
        },
    );
    // Each that could not begin its slice does not end it.
    assert_eq!(report.events + 2 * report.ignored, 5, "{report:?}");
    let Some(loaded) = check(&trace) else { return };
    assert_eq!(loaded.slices.len() as u64, 3 - report.ignored);
}

#[test]
fn outside_of_a_session_nothing_happens() {
    let _alone = alone();
    let everything = || {
        let guard = slice!("r", "outside", value = 1);
        instant!("r", "outside");
        counter!("r", "outside", 1);
        end!("r");
        guard
    };
    let before = everything();
    let first = MemorySink::new();
    let session = Session::builder().writer(first.clone()).buffer_bytes(1 << 20).start().unwrap();
    drop(before);
    assert!(matches!(Session::builder().writer(std::io::sink()).start(), Err(SessionError::AlreadyRecording)));
    let spanning = slice!("r", "spanning");
    begin!("r", "never ended");
    assert_eq!(session.stop().unwrap().events, 2);
    drop(everything());
    let second = MemorySink::new();
    let session = Session::builder().writer(second.clone()).buffer_bytes(1 << 20).start().unwrap();
    // A guard of another session, and an end of nothing.
    drop(spanning);
    end!("r");
    instant!("r", "inside");
    let report = session.stop().unwrap();
    assert_eq!((report.events, report.ignored), (1, 1));
    let Some(loaded) = check(&first.take()) else { return };
    let rows: Vec<_> = loaded.slices.iter().map(|slice| (slice.name.clone().unwrap(), slice.dur)).collect();
    assert_eq!(rows, [("spanning".to_owned(), -1), ("never ended".to_owned(), -1)]);
    let Some(loaded) = check(&second.take()) else { return };
    assert_eq!(loaded.slices.len(), 1);
}

/// An end ends what was begun, in its category, whether that is on by now; it ends nothing else.
#[test]
fn ends_are_of_what_was_begun() {
    pftrace::categories! {
        A = "a";
        B = "b";
    }
    let (trace, report) = record_as(
        |builder| builder,
        |_| {
            begin!(A, "outer");
            begin!(B, "switched off");
            pftrace::set_categories("-b -off");
            end!(B);
            begin!("off", "never begun");
            end!("off");
            let guarded = slice!(A, "guarded");
            end!(A);
            instant!(A, "within");
            drop(guarded);
            end!(A);
            end!(A);
            pftrace::set_categories("");
        },
    );
    assert_eq!((report.events, report.ignored), (7, 3));
    let Some(loaded) = check(&trace) else { return };
    let rows: Vec<_> = loaded.slices.iter().map(|slice| (slice.name.as_deref().unwrap(), slice.depth)).collect();
    assert_eq!(rows, [("outer", 0), ("switched off", 1), ("guarded", 1), ("within", 2)]);
    assert!(loaded.slices.iter().all(|slice| slice.dur >= 0), "{:?}", loaded.slices);
}

/// The child of a fork records nothing in its parent's session, and may start its own; the parent's is whole.
#[cfg(target_os = "linux")]
#[test]
fn a_forked_child_leaves_its_parents_session_alone() {
    let path = std::env::temp_dir().join(format!("pftrace-child-{}.pftrace", std::process::id()));
    let (trace, report) = record_as(
        |builder| builder,
        |session| {
            instant!("r", "before");
            count(1);
            let open = slice!("r", "open");
            // SAFETY: the child only records, writes a file and exits; glibc's allocator is usable in it.
            match unsafe { libc::fork() } {
                0 => {
                    let passed = catch_unwind(AssertUnwindSafe(|| in_child(session, open, &path)));
                    // SAFETY: it ends the child, without destructors and handlers.
                    unsafe { libc::_exit(i32::from(!matches!(passed, Ok(true)))) }
                }
                child => {
                    assert!(child > 0);
                    instant!("r", "parent");
                    let mut status = 0;
                    // SAFETY: `status` is ours.
                    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
                    assert_eq!(status, 0, "the child is content");
                    drop(open);
                }
            }
        },
    );
    assert_eq!((report.events, report.corrupt_chunks), (5, 0));
    let childs = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let Some(loaded) = check(&trace) else { return };
    let names: Vec<_> = loaded.slices.iter().map(|slice| slice.name.clone().unwrap()).collect();
    assert_eq!(names, ["before", "open", "parent"]);
    let Some(loaded) = check(&childs) else { return };
    let names: Vec<_> = loaded.slices.iter().map(|slice| slice.name.clone().unwrap()).collect();
    assert_eq!(names, ["child's own"]);
    assert_eq!(loaded.counter_values("counted").len(), 1);
    let pid = loaded.processes.values().next().unwrap().pid;
    assert_ne!(pid, i64::from(std::process::id()));
}

fn count(value: u32) {
    counter!("r", "counted", value);
}

#[cfg(target_os = "linux")]
fn in_child(parents: &Session, open: pftrace::SliceGuard, path: &Path) -> bool {
    instant!("r", "lost in the child");
    instant!("r", "and again", text = ?"formatted");
    drop(open);
    _ = parents.stats();
    let session = Session::builder().file(path).buffer_bytes(1 << 20).start().unwrap();
    instant!("r", "child's own");
    count(2);
    session.stop().unwrap().events == 2
}

/// Runs a test of this program again, as a process of its own.
pub(crate) fn in_a_process(test: &str, path: &Path) -> std::process::Output {
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new(program);
    command.args(["--exact", test, "--nocapture"]).env("PFTRACE_TEST_FILE", path);
    command.output().unwrap()
}

pub(crate) fn file_of_process() -> Option<PathBuf> {
    std::env::var_os("PFTRACE_TEST_FILE").map(PathBuf::from)
}

/// A process that exits, from within functions, while it records, and while another thread does.
#[test]
fn exit_without_stop_delivers() {
    if let Some(path) = file_of_process() {
        let session = Session::builder().file(path).buffer_bytes(1 << 20).start().unwrap();
        let _open = slice!("r", "open");
        let (sender, receiver) = std::sync::mpsc::channel();
        thread::spawn(move || {
            instant!("r", "of a thread");
            sender.send(()).unwrap();
            loop {
                thread::park();
            }
        });
        receiver.recv().unwrap();
        instant!("r", "last");
        std::mem::forget(session);
        std::process::exit(7);
    }
    let path = std::env::temp_dir().join(format!("pftrace-exit-{}.pftrace", std::process::id()));
    let output = in_a_process("reentrancy::exit_without_stop_delivers", &path);
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    let trace = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let Some(loaded) = check(&trace) else { return };
    let mut names: Vec<_> = loaded.slices.iter().map(|slice| slice.name.clone().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["last", "of a thread", "open"]);
}

/// A process that exits while another thread stops the session.
#[test]
fn exit_waits_for_who_stops() {
    struct Slow(std::fs::File, std::sync::mpsc::Sender<()>);
    impl std::io::Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.1.send(()).unwrap();
            thread::sleep(std::time::Duration::from_millis(200));
            self.0.write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    if let Some(path) = file_of_process() {
        let (sender, receiver) = std::sync::mpsc::channel();
        let slow = Slow(std::fs::File::create(path).unwrap(), sender);
        let session = Session::builder().writer(slow).drain_by_caller().buffer_bytes(1 << 20).start().unwrap();
        instant!("r", "event");
        thread::spawn(|| session.stop());
        receiver.recv().unwrap();
        std::process::exit(7);
    }
    let path = std::env::temp_dir().join(format!("pftrace-exit-stop-{}.pftrace", std::process::id()));
    let output = in_a_process("reentrancy::exit_waits_for_who_stops", &path);
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    let trace = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let Some(loaded) = check(&trace) else { return };
    assert_eq!(loaded.slices_named("event").len(), 1);
}

/// A program that is started, or takes this one's place, has nothing of a session open: neither its file nor its connection.
#[cfg(target_os = "linux")]
#[test]
fn other_programs_inherit_nothing() {
    const LIST: &str = "for fd in /proc/self/fd/*; do readlink $fd; done; true";
    if let Some(path) = file_of_process() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        // But for the pipes that we read it from.
        let list = || {
            let listed = String::from_utf8(Command::new("sh").args(["-c", LIST]).output().unwrap().stdout).unwrap();
            listed.lines().filter(|line| !line.starts_with("pipe:")).map(str::to_owned).collect::<Vec<_>>()
        };
        let before = list();
        let session = Session::builder().tcp(listener.local_addr().unwrap().to_string()).start().unwrap();
        instant!("r", "event");
        assert_eq!(list(), before, "a connection");
        session.stop().unwrap();
        let session = Session::builder().file(path).start().unwrap();
        instant!("r", "event");
        assert_eq!(list(), before, "a file");
        std::mem::forget(session);
        let error = std::os::unix::process::CommandExt::exec(Command::new("sh").args(["-c", LIST]));
        panic!("{error}");
    }
    let path = std::env::temp_dir().join(format!("pftrace-exec-{}.pftrace", std::process::id()));
    let output = in_a_process("reentrancy::other_programs_inherit_nothing", &path);
    let listed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && listed.contains("pipe:"), "{output:?}");
    assert!(!listed.contains(path.to_str().unwrap()), "{listed}");
    std::fs::remove_file(&path).unwrap();
}

/// The process exits while another thread hands the trace to a sink that hangs: nobody waits longer than for `stop_timeout`.
#[test]
fn exit_does_not_wait_for_a_sink_that_hangs() {
    struct Hangs(std::sync::mpsc::Sender<()>);
    impl std::io::Write for Hangs {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            self.0.send(()).unwrap();
            loop {
                thread::park();
            }
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    if file_of_process().is_some() {
        let (sender, receiver) = std::sync::mpsc::channel();
        let timeout = std::time::Duration::from_millis(100);
        let builder = Session::builder().writer(Hangs(sender)).buffer_bytes(1 << 20).stop_timeout(timeout);
        let session: &'static Session = Box::leak(Box::new(builder.drain_by_caller().start().unwrap()));
        thread::spawn(|| session.drain());
        receiver.recv().unwrap();
        std::process::exit(7);
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "reentrancy::exit_does_not_wait_for_a_sink_that_hangs"]).env("PFTRACE_TEST_FILE", "none");
    let mut child = command.stdout(std::process::Stdio::null()).spawn().unwrap();
    let begin = std::time::Instant::now();
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if begin.elapsed() > std::time::Duration::from_secs(20) => {
                child.kill().unwrap();
                panic!("it waits");
            }
            None => thread::sleep(std::time::Duration::from_millis(20)),
        }
    };
    assert_eq!(status.code(), Some(7));
}

/// A panic that nobody catches: the guard stops the session while unwinding.
#[test]
fn a_panic_delivers() {
    if let Some(path) = file_of_process() {
        let _session = Session::builder().file(path).buffer_bytes(1 << 20).start().unwrap();
        let _open = slice!("r", "unwound");
        panic!("as it should");
    }
    let path = std::env::temp_dir().join(format!("pftrace-panic-{}.pftrace", std::process::id()));
    let output = in_a_process("reentrancy::a_panic_delivers", &path);
    assert!(!output.status.success());
    let trace = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let Some(loaded) = check(&trace) else { return };
    assert_eq!(loaded.slices.len(), 1);
    assert!(loaded.slices[0].dur >= 0);
}

/// A thread that is stuck within an event, as within a debugger: stopping does not wait for ever, and says so.
#[test]
fn a_sink_that_hangs_is_left_behind() {
    thread_local!(static HANGS: Cell<bool> = const { Cell::new(false) });
    struct Hangs(std::sync::mpsc::Receiver<()>);
    impl std::io::Write for Hangs {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            // Until the test is over.
            _ = self.0.recv();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let _alone = alone();
    let (sender, receiver) = std::sync::mpsc::channel();
    let timeout = std::time::Duration::from_millis(100);
    let builder = Session::builder().writer(Hangs(receiver)).buffer_bytes(1 << 16).stop_timeout(timeout);
    let session = builder.start().unwrap();
    for _ in 0..20_000 {
        instant!("r", "event");
    }
    let stats = session.stats();
    assert!(stats.dropped.no_room > 0, "{stats:?}");
    let begin = std::time::Instant::now();
    let Err(SessionError::StopTimeout { report }) = session.stop() else { panic!("it hangs") };
    assert!(begin.elapsed() < std::time::Duration::from_secs(5));
    assert_eq!(report.events, 0, "{report:?}");
    assert_eq!(report.dropped.total() + report.undelivered, 20_000, "what was recorded is told of: {report:?}");
    // Another may be recorded meanwhile.
    let session = Session::builder().writer(std::io::sink()).buffer_bytes(1 << 20).start().unwrap();
    instant!("r", "next");
    assert_eq!(session.stop().unwrap().events, 1);
    drop(sender);
}
