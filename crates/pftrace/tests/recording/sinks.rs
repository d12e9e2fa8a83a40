//! Sinks that take what they like, or nothing: chunks that are large are written from where they are, and are there once, or counted.

use std::io::{self, IoSlice, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use pftrace::{Lanes, MemorySink, Policy, Session, SessionBuilder, SessionError, instant, slice};
use pftrace_testkit::{Arg, TraceProcessor, check};

use crate::alone;

/// Its chunks have 16 KiB: the smallest that are not copied.
const BUFFER: usize = 32 << 20;

fn builder() -> SessionBuilder {
    Session::builder().buffer_bytes(BUFFER).categories("")
}

/// Takes `most` bytes at a time, and each third time says that it was interrupted.
struct Picky {
    memory: MemorySink,
    most: usize,
    /// Whether it takes of more than the first piece.
    vectored: bool,
    calls: usize,
    /// How many pieces it has been given at once.
    pieces: Arc<AtomicUsize>,
}

impl Write for Picky {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        assert!(!bytes.is_empty());
        self.calls += 1;
        match self.calls % 3 {
            0 => Err(io::ErrorKind::Interrupted.into()),
            _ => self.memory.write(&bytes[..bytes.len().min(self.most)]),
        }
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.pieces.fetch_max(pieces.len(), Ordering::Relaxed);
        match self.vectored {
            true => self.write(&pieces.iter().map(|piece| &**piece).collect::<Vec<_>>().concat()),
            false => self.write(&pieces[0]),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Three threads one after the other, each with chunks that are full and one that is not, between two events of this one.
fn record(session: &Session) {
    for thread in 0..3_u64 {
        instant!("sinks", "before", thread);
        let numbered = || (0..1_500_u64).for_each(|number| instant!("sinks", "of a thread", thread, number));
        thread::scope(|scope| _ = scope.spawn(numbered));
        instant!("sinks", "after", thread);
        session.drain().unwrap();
    }
}

/// All of them, of each thread in their order.
fn assert_recorded(trace: &[u8]) {
    let Some(loaded) = check(trace) else { return };
    let of = |name: &'static str| loaded.slices.iter().filter(move |slice| slice.name.as_deref() == Some(name));
    for name in ["before", "after"] {
        let threads: Vec<_> = of(name).map(|slice| &slice.args["debug.thread"]).collect();
        assert_eq!(threads, [0, 1, 2].map(Arg::Uint).each_ref(), "{name}");
    }
    let mut tracks = Vec::new();
    for thread in (0..3).map(Arg::Uint) {
        let slices: Vec<_> = of("of a thread").filter(|slice| slice.args["debug.thread"] == thread).collect();
        assert!(
            slices.iter().map(|slice| &slice.args["debug.number"]).eq(&(0..1_500).map(Arg::Uint).collect::<Vec<_>>())
        );
        assert!(slices.iter().all(|slice| slice.track == slices[0].track) && !tracks.contains(&slices[0].track));
        tracks.push(slices[0].track);
    }
    assert_eq!(loaded.slices.len(), 4_506);
}

#[test]
fn a_sink_takes_what_it_likes() {
    let _alone = alone();
    for (most, vectored) in [(7, false), (usize::MAX, false), (7_777, true), (usize::MAX, true)] {
        let (memory, pieces) = (MemorySink::new(), Arc::new(AtomicUsize::new(0)));
        let sink = Picky { memory: memory.clone(), most, vectored, calls: 0, pieces: pieces.clone() };
        let session = builder().drain_by_caller().writer(sink).start().unwrap();
        record(&session);
        let (report, trace) = (session.stop().unwrap(), memory.take());
        assert_eq!((report.events, report.bytes), (4_506, trace.len() as u64), "{report:?}");
        assert_eq!((report.undelivered, report.lost(), report.corrupt_chunks), (0, 0, 0), "{report:?}");
        assert!(report.threads.iter().all(|thread| thread.bytes > 20 * thread.events), "{report:?}");
        let pieces = pieces.load(Ordering::Relaxed);
        assert!(pieces >= 4, "{pieces} pieces at once: no chunk was written from where it is");
        assert_recorded(&trace);
    }
}

/// Takes so many bytes.
struct Full(MemorySink, usize);
impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = bytes.len().min(self.1);
        self.1 -= len;
        match len {
            0 => Err(io::ErrorKind::StorageFull.into()),
            _ => self.0.write(&bytes[..len]),
        }
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A sink that fails in the first chunk, between chunks, after some: what it got before is counted, and the rest is; and chunks come back, since many
/// more are recorded than there are.
#[test]
fn a_sink_fails_among_chunks() {
    let text = "x".repeat(1_000);
    let _alone = alone();
    for room in [1_000, 40_000, 1_000_000] {
        let memory = MemorySink::new();
        let session = builder().drain_by_caller().writer(Full(memory.clone(), room)).start().unwrap();
        for _ in 0..6 {
            (0..10_000).for_each(|_| instant!("sinks", "long", text = &*text));
            _ = session.drain();
        }
        let Err(SessionError::Sink { source, report }) = session.stop() else { panic!("it failed") };
        assert_eq!(source.kind(), io::ErrorKind::StorageFull);
        assert_eq!((report.events + report.undelivered, report.dropped.total()), (60_000, 0), "{report:?}");
        let trace = memory.take();
        assert_eq!((trace.len(), report.bytes), (room, room as u64));
        let Some(mut processor) = TraceProcessor::shared() else { return };
        let loaded = processor.load(&trace).unwrap();
        // But for the chunk of 16 KiB within which it failed.
        let beyond = loaded.slices.len() as u64 - report.events;
        assert!(beyond < 16, "{beyond} more than {report:?}");
        assert_eq!(report.events > 0, room >= 40_000, "{report:?}");
    }
}

/// What a sink says that makes no sense is an error like any other.
#[test]
fn a_sink_takes_more_than_there_is() {
    struct Boasts;
    impl Write for Boasts {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len() + (1 << 30))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let _alone = alone();
    let session = builder().writer(Boasts).start().unwrap();
    instant!("sinks", "event");
    let Err(SessionError::Sink { source, report }) = session.stop() else { panic!("it failed") };
    let text = source.to_string();
    assert!(text.starts_with("expected a sink that takes ") && text.contains(" bytes at most, found 10737"), "{text}");
    assert_eq!(report.undelivered, 1);
}

/// Takes so many bytes; then it hangs until the other end is gone.
struct Hangs(usize, Receiver<()>);

impl Write for Hangs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            _ = self.1.recv();
        }
        let len = bytes.len().min(self.0);
        self.0 -= len;
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What stopping leaves behind is counted once: what lies in chunks that the drain holds, what has been gathered, what is still in the ring.
#[test]
fn what_a_sink_hangs_on_is_counted() {
    let timeout = Duration::from_millis(100);
    let _alone = alone();
    for room in [100, 50_000, 1_000_000] {
        let (sender, receiver) = channel();
        let session = builder().writer(Hangs(room, receiver)).stop_timeout(timeout).start().unwrap();
        for _ in 0..60 {
            (0..1_000_u64).for_each(|number| instant!("sinks", "event", number));
            thread::sleep(Duration::from_millis(1));
        }
        let Err(SessionError::StopTimeout { report }) = session.stop() else { panic!("it hangs") };
        assert_eq!((report.events + report.undelivered, report.dropped.total()), (60_000, 0), "{report:?}");
        drop(sender);
    }
}

/// The same of ends of slices on tracks that had no room.
#[test]
fn ends_that_wait_for_a_sink_that_hangs_are_counted() {
    static LANES: Lanes<64> = Lanes::new("hangs");
    let _alone = alone();
    let (sender, receiver) = channel();
    let builder = Session::builder().buffer_bytes(64 << 10).categories("").stop_timeout(Duration::from_millis(100));
    let session = builder.writer(Hangs(0, receiver)).start().unwrap();
    let open = [(); 50].map(|()| slice!(track: &LANES, "sinks", "open"));
    (0..20_000_u64).for_each(|number| instant!("sinks", "event", number));
    drop(open);
    let Err(SessionError::StopTimeout { report }) = session.stop() else { panic!("it hangs") };
    assert_eq!(report.events + report.lost(), 20_100, "{report:?}");
    drop(sender);
}

/// The same of a flight recorder, whose last snapshot hangs: earlier snapshots are not counted again.
#[test]
fn what_a_snapshot_hangs_on_is_counted() {
    let timeout = Duration::from_millis(100);
    let _alone = alone();
    let (sender, receiver) = channel();
    let builder = Session::builder().policy(Policy::FlightRecorder).buffer_bytes(1 << 20).categories("");
    let session = builder.writer(Hangs(0, receiver)).stop_timeout(timeout).start().unwrap();
    (0..100_u64).for_each(|number| instant!("sinks", "event", number));
    for _ in 0..3 {
        assert_eq!(session.snapshot(io::sink()).unwrap().events, 100);
    }
    let Err(SessionError::StopTimeout { report }) = session.stop() else { panic!("it hangs") };
    assert_eq!((report.undelivered, report.dropped.total()), (100, 0), "{report:?}");
    drop(sender);
}

/// With the second write.
struct Panics(MemorySink, usize);

impl Write for Panics {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.1 += 1;
        assert!(self.1 != 2, "as it should");
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// On the thread that writes: who stops the session does not wait for it, and hears why nothing came.
#[test]
fn a_sink_panics_on_the_thread_that_writes() {
    let _alone = alone();
    let memory = MemorySink::new();
    let session = builder().writer(Panics(memory.clone(), 0)).start().unwrap();
    (0..5_000_u64).for_each(|number| instant!("sinks", "event", number));
    let Err(SessionError::Sink { source, report }) = session.stop() else { panic!("it has failed") };
    assert_eq!(source.to_string(), "a panic while writing: as it should");
    assert_eq!((report.events, report.undelivered, report.dropped.total()), (0, 5_000, 0), "{report:?}");
    assert_eq!(report.bytes, memory.take().len() as u64);
}

/// A sink that panics gets nothing more, since nobody knows what it has taken; all else is counted.
#[test]
fn a_sink_panics() {
    let _alone = alone();
    let memory = MemorySink::new();
    let session = builder().drain_by_caller().writer(Panics(memory.clone(), 0)).start().unwrap();
    session.drain().unwrap();
    let first = memory.take().len() as u64;
    for round in 0..3 {
        (0..5_000_u64).for_each(|number| instant!("sinks", "event", number));
        assert_eq!(catch_unwind(AssertUnwindSafe(|| session.drain())).is_err(), round == 0);
    }
    let Err(SessionError::Sink { source, report }) = session.stop() else { panic!("it has failed") };
    assert_eq!(source.to_string(), "a panic while writing: as it should");
    assert_eq!((report.events, report.undelivered, report.dropped.total()), (0, 15_000, 0), "{report:?}");
    assert_eq!((report.bytes, memory.take().len()), (first, 0));
}

/// When the session stops, on the caller's thread: it is told of, and another session can be had.
#[test]
fn a_sink_panics_at_the_end() {
    let _alone = alone();
    for policy in [Policy::Stream, Policy::Discard, Policy::FlightRecorder] {
        let session = Session::builder().policy(policy).buffer_bytes(1 << 20).categories("");
        let session = session.drain_by_caller().writer(Panics(MemorySink::new(), 1)).start().unwrap();
        (0..1_000_u64).for_each(|number| instant!("sinks", "event", number));
        let Err(SessionError::Sink { source, report }) = session.stop() else { panic!("it has failed") };
        assert_eq!(source.to_string(), "a panic while writing: as it should", "{policy:?}");
        let told = report.events + report.undelivered;
        // What a flight recorder's snapshot was about is not known any more.
        assert!(told == 1_000 || policy == Policy::FlightRecorder, "{policy:?}: {report:?}");
    }
}

/// The last snapshot of a flight recorder fails: what it has is counted, and there is no other for the rest.
#[test]
fn the_last_snapshot_fails() {
    let _alone = alone();
    for room in [0, 4_096, 40_000] {
        let memory = MemorySink::new();
        let builder = Session::builder().policy(Policy::FlightRecorder).buffer_bytes(1 << 20).categories("");
        let session = builder.writer(Full(memory.clone(), room)).start().unwrap();
        (0..10_000_u64).for_each(|number| instant!("sinks", "event", number));
        let Err(SessionError::Sink { report, .. }) = session.stop() else { panic!("it has failed") };
        assert_eq!((report.events + report.undelivered, report.snapshots), (10_000, 0), "{report:?}");
        assert_eq!((report.bytes, memory.take().len()), (room as u64, room));
        assert_eq!((report.events > 0, report.packets > report.events), (room == 40_000, room == 40_000), "{report:?}");
        assert_eq!(report.lost(), report.undelivered);
    }
}

/// Who waits for ever.
#[test]
fn the_longest_times_are_taken() {
    let _alone = alone();
    for policy in [Policy::Stream, Policy::FlightRecorder] {
        let memory = MemorySink::new();
        let builder = Session::builder().policy(policy).buffer_bytes(1 << 20).categories("");
        let session = builder.writer(memory.clone()).stop_timeout(Duration::MAX).start().unwrap();
        instant!("sinks", "event");
        let snapshots = u64::from(policy == Policy::FlightRecorder);
        (0..snapshots).for_each(|_| assert_eq!(session.snapshot(io::sink()).unwrap().events, 1));
        assert_eq!(session.stop().unwrap().events, 1 + snapshots);
    }
}
