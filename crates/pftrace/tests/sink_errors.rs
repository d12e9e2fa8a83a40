//! Sinks that fail: the error comes once and says how much was written, and that much is a trace.
#![cfg(feature = "std")]

use std::error::Error as _;
use std::io::{self, ErrorKind, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use pftrace::{Clock, Error, IoSink, TraceWriter};
use pftrace_testkit::{Arg, TraceProcessor, check};

/// Takes `limit` bytes, at most `at_once` in one call, and then fails.
struct FailsAfter {
    taken: Vec<u8>,
    limit: usize,
    at_once: usize,
    /// `None`: takes nothing more, without an error.
    kind: Option<ErrorKind>,
    calls_after: u32,
}

impl FailsAfter {
    fn new(limit: usize) -> Self {
        Self { taken: Vec::new(), limit, at_once: usize::MAX, kind: Some(ErrorKind::StorageFull), calls_after: 0 }
    }
}

impl Write for FailsAfter {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let len = data.len().min(self.limit - self.taken.len()).min(self.at_once);
        self.taken.extend_from_slice(&data[..len]);
        if len > 0 {
            return Ok(len);
        }
        self.calls_after += 1;
        self.kind.map_or(Ok(0), |kind| Err(kind.into()))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Enough events for three batches of 64 KiB. Returns what each call did, `finish` last; `Ok` holds where the packets
/// ended.
fn write_events<W: Write>(writer: W) -> Vec<Result<u64, Error>> {
    const EVENTS: u64 = 9_000;
    let mut trace = TraceWriter::builder().max_packet_len(4096).build(writer);
    let mut results = Vec::new();
    let Ok(mut track) = trace.track("work").describe() else { panic!("nothing is written out so early") };
    for event in 0..EVENTS {
        let begun = trace.begin_with(&mut track, event * 10, "call", |slice| _ = slice.arg("number", event));
        results.push(begun.map(|()| trace.bytes()));
        let ended = match track.open_slices() {
            0 => trace.instant(&track, event * 10 + 5, "not begun"),
            _ => trace.end(&mut track, event * 10 + 5),
        };
        results.push(ended.map(|()| trace.bytes()));
    }
    let bytes = trace.bytes();
    results.push(trace.finish().map(|_| bytes));
    results
}

/// That of all calls one failed with [`Error::Io`], and those after it with [`Error::Closed`], both with the number of
/// bytes that were written.
#[track_caller]
fn assert_fails_once(results: &[Result<u64, Error>], taken: usize) {
    let first = results.iter().position(Result::is_err).expect("no call failed");
    match &results[first] {
        Err(error @ Error::Io { written, source }) => {
            assert_eq!(*written, taken as u64);
            assert_eq!(error.to_string(), format!("cannot write the trace after {taken} bytes: {source}"));
            assert!(error.source().is_some());
        }
        other => panic!("expected Error::Io, found {other:?}"),
    }
    for later in &results[first + 1..] {
        match later {
            Err(error @ Error::Closed { written }) => {
                assert_eq!(*written, taken as u64);
                let text = format!("the trace has ended with a failed write after {taken} bytes");
                assert_eq!(error.to_string(), text);
            }
            other => panic!("expected Error::Closed, found {other:?}"),
        }
    }
}

fn whole_trace() -> Vec<u8> {
    let mut bytes = Vec::new();
    assert!(write_events(&mut bytes).iter().all(Result::is_ok));
    assert!(bytes.len() > 3 * 64 * 1024, "{} bytes", bytes.len());
    bytes
}

#[test]
fn a_sink_that_fails_after_any_number_of_bytes() {
    let whole = whole_trace();
    let near = |middle: usize| middle.saturating_sub(3)..(middle + 4).min(whole.len());
    let batches = (1..4).flat_map(|batch| near(batch * 64 * 1024));
    let everywhere = (0..whole.len()).step_by(5_003);
    for limit in (0..40).chain(batches).chain(everywhere).chain(near(whole.len())) {
        let mut sink = FailsAfter::new(limit);
        let results = write_events(&mut sink);
        assert_fails_once(&results, limit);
        assert!(sink.taken == whole[..limit], "{limit} bytes: another trace");
        assert_eq!(sink.calls_after, 1, "{limit} bytes: nothing is tried again after a failure");
    }
    let mut enough = FailsAfter::new(whole.len());
    assert!(write_events(&mut enough).iter().all(Result::is_ok));
    assert!(enough.taken == whole);
}

/// The trace processor ignores a packet that is cut short: the events whose packets were written whole are there.
#[test]
fn what_was_written_before_loads() {
    let whole = whole_trace();
    let ends: Vec<_> = write_events(io::sink()).into_iter().map(Result::unwrap).collect();
    let Some(mut processor) = TraceProcessor::shared() else { return };
    for limit in [1_000, 64 * 1024, 100_000, whole.len() - 1] {
        let mut sink = FailsAfter::new(limit);
        _ = write_events(&mut sink);
        let loaded = processor.load(&sink.taken).unwrap();
        assert_eq!(loaded.complaints(), [""; 0]);

        let events = ends[..ends.len() - 1].iter().filter(|end| **end <= limit as u64).count();
        assert_eq!(loaded.cut().is_empty(), ends.contains(&(limit as u64)), "{}", loaded.cut());
        assert_eq!(loaded.slices.len(), events.div_ceil(2), "{limit} bytes");
        for (number, slice) in loaded.slices.iter().enumerate() {
            let has_end = 2 * number + 1 < events;
            assert_eq!((slice.ts, slice.dur), (number as i64 * 10, if has_end { 5 } else { -1 }));
            assert_eq!(slice.args["debug.number"], Arg::Uint(number as u64));
        }
    }
}

#[test]
fn the_error_of_the_sink_is_handed_on() {
    for kind in [ErrorKind::BrokenPipe, ErrorKind::WouldBlock, ErrorKind::TimedOut, ErrorKind::Other] {
        let mut sink = FailsAfter { kind: Some(kind), ..FailsAfter::new(70_000) };
        let results = write_events(&mut sink);
        assert_fails_once(&results, 70_000);
        let found = results.iter().find_map(|result| match result {
            Err(Error::Io { source, .. }) => Some(source.kind()),
            _ => None,
        });
        assert_eq!(found, Some(kind));
    }
}

#[test]
fn a_sink_that_takes_nothing_without_an_error() {
    let mut sink = FailsAfter { kind: None, ..FailsAfter::new(70_000) };
    let results = write_events(&mut sink);
    assert_fails_once(&results, 70_000);
    let is_write_zero = |result: &Result<u64, Error>| match result {
        Err(Error::Io { source, .. }) => source.kind() == ErrorKind::WriteZero,
        _ => false,
    };
    assert!(results.iter().any(is_write_zero));
}

#[test]
fn short_writes() {
    let whole = whole_trace();
    for at_once in [1, 7, 4096, 65_535] {
        let mut sink = FailsAfter { at_once, ..FailsAfter::new(whole.len()) };
        assert!(write_events(&mut sink).iter().all(Result::is_ok));
        assert!(sink.taken == whole, "{at_once} bytes at once: another trace");
        let mut sink = FailsAfter { at_once, ..FailsAfter::new(80_000) };
        assert_fails_once(&write_events(&mut sink), 80_000);
    }
}

/// Is interrupted before each write that it takes.
#[derive(Default)]
struct Interrupted {
    taken: Vec<u8>,
    interruptions: u32,
}

impl Write for Interrupted {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.interruptions += 1;
        if self.interruptions % 4 != 0 {
            return Err(ErrorKind::Interrupted.into());
        }
        let len = data.len().min(10_000);
        self.taken.extend_from_slice(&data[..len]);
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn interruptions_are_no_errors() {
    let mut sink = Interrupted::default();
    assert!(write_events(&mut sink).iter().all(Result::is_ok));
    assert!(sink.interruptions > 20);
    assert!(sink.taken == whole_trace());
}

/// Takes everything; `flush` fails.
#[derive(Default)]
struct FailingFlush {
    taken: Vec<u8>,
    flushes: u32,
}

impl Write for FailingFlush {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.taken.write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flushes += 1;
        Err(io::Error::other("the disk is gone"))
    }
}

#[test]
fn a_flush_that_fails() {
    let mut sink = FailingFlush::default();
    let mut trace = TraceWriter::new(&mut sink);
    let track = trace.track("work").describe().unwrap();
    trace.instant(&track, 5, "before").unwrap();
    let bytes = trace.bytes();
    let error = trace.flush().unwrap_err();
    assert_eq!(error.to_string(), format!("cannot write the trace after {bytes} bytes: the disk is gone"));
    assert!(matches!(trace.flush(), Err(Error::Closed { written }) if written == bytes));
    assert!(matches!(trace.instant(&track, 6, "after"), Err(Error::Closed { written }) if written == bytes));
    assert!(matches!(trace.finish(), Err(Error::Closed { written }) if written == bytes));
    assert_eq!((sink.flushes, sink.taken.len() as u64), (1, bytes));

    let Some(loaded) = check(&sink.taken) else { return };
    assert_eq!(loaded.slices_named("before").len(), 1);
}

/// A trace whose sink has just failed.
fn closed<W: Write>(writer: W) -> TraceWriter<IoSink<W>> {
    let mut trace = TraceWriter::new(writer);
    trace.track("work").describe().unwrap();
    assert!(matches!(trace.flush(), Err(Error::Io { written: 0, .. })));
    trace
}

#[test]
fn every_call_after_the_error_says_that_the_trace_is_closed() {
    let mut sink = FailsAfter::new(0);
    let mut trace = closed(&mut sink);
    let calls: [(&str, Result<(), Error>); 7] = [
        ("track", trace.track("x").describe().map(|_| ())),
        ("process_track", trace.process_track(1).describe().map(|_| ())),
        ("counter_track", trace.counter_track("x").describe().map(|_| ())),
        ("clock_snapshot", trace.clock_snapshot(&[(Clock::Simulated, 1)])),
        ("packet", trace.packet(|_| {})),
        ("packet_at", trace.packet_at(1, |_| {})),
        ("flush", trace.flush()),
    ];
    for (name, result) in calls {
        assert!(matches!(result, Err(Error::Closed { written: 0 })), "{name}: {result:?}");
    }
    trace.clear_incremental_state();
    assert!(matches!(trace.packet(|_| {}), Err(Error::Closed { written: 0 })));
    drop(trace);
    assert_eq!(sink.calls_after, 1);
}

#[test]
fn a_writer_that_is_dropped_writes_what_it_has_and_never_panics() {
    let mut taken = Vec::new();
    let mut trace = TraceWriter::new(&mut taken);
    let track = trace.track("work").describe().unwrap();
    trace.instant(&track, 5, "last").unwrap();
    drop(trace);
    if let Some(loaded) = check(&taken) {
        assert_eq!(loaded.slices_named("last").len(), 1);
    }

    let mut sink = FailsAfter::new(10);
    let mut trace = TraceWriter::new(&mut sink);
    trace.track("work").describe().unwrap();
    drop(trace);
    assert_eq!(sink.taken.len(), 10);
}

/// Takes ten bytes, panics once, and then takes all.
#[derive(Default)]
struct PanicsOnce {
    taken: Vec<u8>,
    calls: u32,
}

impl Write for PanicsOnce {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.calls += 1;
        match self.calls {
            1 => self.taken.write(&data[..10]),
            2 => std::panic::resume_unwind(Box::new("in the sink")),
            _ => self.taken.write(data),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn after_a_panic_of_the_sink_nothing_is_written_twice() {
    let mut sink = PanicsOnce::default();
    let mut trace = TraceWriter::new(&mut sink);
    trace.track("work").describe().unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| trace.flush())).is_err());
    assert!(matches!(trace.flush(), Err(Error::Closed { written: 10 })));
    drop(trace);
    assert_eq!((sink.taken.len(), sink.calls), (10, 2));
}

#[test]
fn a_full_disk() {
    if !Path::new("/dev/full").exists() {
        eprintln!("SKIP a_full_disk: /dev/full is not here");
        return;
    }
    let mut trace = TraceWriter::create("/dev/full").unwrap();
    let track = trace.track("work").describe().unwrap();
    let error = loop {
        if let Err(error) = trace.instant(&track, 1, "until it is written out") {
            break error;
        }
    };
    assert!(trace.bytes() >= 64 * 1024);
    let Error::Io { written: 0, source } = &error else { panic!("{error:?}") };
    assert_eq!(source.kind(), ErrorKind::StorageFull);
    assert!(error.to_string().starts_with("cannot write the trace after 0 bytes: No space left"), "{error}");
    assert!(matches!(trace.instant(&track, 1, "x"), Err(Error::Closed { written: 0 })));
    assert!(matches!(trace.finish(), Err(Error::Closed { written: 0 })));
}

#[cfg(unix)]
#[test]
fn a_socket_that_the_reader_closes() {
    use std::os::unix::net::UnixStream;

    let (reader, writer) = UnixStream::pair().unwrap();
    let mut trace = TraceWriter::new(writer);
    let track = trace.track("work").describe().unwrap();
    trace.flush().unwrap();
    let written_before = trace.bytes();
    drop(reader);
    trace.instant(&track, 1, "nobody reads this").unwrap();
    let error = trace.flush().unwrap_err();
    let Error::Io { written, source } = &error else { panic!("{error:?}") };
    assert_eq!((*written, source.kind()), (written_before, ErrorKind::BrokenPipe));
    assert!(matches!(trace.flush(), Err(Error::Closed { written }) if written == written_before));
}

#[cfg(unix)]
#[test]
fn a_pipe_into_a_program_that_ends() {
    use std::process::{Command, Stdio};

    let mut program = Command::new("true").stdin(Stdio::piped()).spawn().unwrap();
    let pipe = program.stdin.take().unwrap();
    program.wait().unwrap();
    let results = write_events(pipe);
    assert_fails_once(&results, 0);
}

#[test]
fn a_file_that_cannot_be_created() {
    let folder = std::env::temp_dir().join(format!("pftrace-no-such-folder-{}", std::process::id()));
    let error = TraceWriter::create(folder.join("x.pftrace")).unwrap_err();
    let Error::Io { written: 0, source } = &error else { panic!("{error:?}") };
    assert_eq!(source.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains(&folder.display().to_string()), "{error}");
}
