//! Receivers: who stores what comes over a connection has a trace that loads.

use std::io::{self, Read};
use std::net::TcpListener;
use std::ops::Range;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use pftrace::{NamedTrack, Session, SessionBuilder, SessionError, begin, end, instant, slice};
use pftrace_testkit::{Arg, Loaded, check};

use crate::alone;
use crate::losses::{STRAY, check_lossy, now};

/// A path for a socket; it is gone when this is dropped.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("pftrace-{name}-{}.socket", std::process::id())))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        _ = std::fs::remove_file(&self.0);
    }
}

fn builder() -> SessionBuilder {
    Session::builder().buffer_bytes(1 << 20).categories("")
}

fn record(numbers: Range<u64>) {
    numbers.for_each(|number| instant!("socket", "event", number));
}

/// Which events there are: their numbers, without a hole.
fn numbers(loaded: &Loaded) -> Range<u64> {
    let events = loaded.slices_named("event");
    let numbers: Vec<_> = events
        .iter()
        .map(|row| match row.args["debug.number"] {
            Arg::Uint(number) => number,
            ref other => panic!("{other:?}"),
        })
        .collect();
    let (first, last) = (numbers[0], numbers[numbers.len() - 1]);
    assert!(numbers.iter().copied().eq(first..last + 1), "a hole: {numbers:?}");
    first..last + 1
}

/// Reads until nothing comes any more for a while; the connection stays.
fn read_all_so_far(connection: &mut UnixStream) -> Vec<u8> {
    connection.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let (mut trace, mut piece) = (Vec::new(), [0; 1 << 16]);
    loop {
        match connection.read(&mut piece) {
            Ok(0) => return trace,
            Ok(len) => trace.extend_from_slice(&piece[..len]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return trace,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_receiver_has_a_trace() {
    let _alone = alone();
    let place = Place::new("whole");
    let unix = UnixListener::bind(&place.0).unwrap();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = tcp.local_addr().unwrap().to_string();
    for is_unix in [true, false] {
        let builder = if is_unix { builder().unix(&place.0) } else { builder().tcp(&address) };
        let session = builder.start().unwrap();
        let mut connection: Box<dyn Read> = match is_unix {
            true => Box::new(unix.accept().unwrap().0),
            false => Box::new(tcp.accept().unwrap().0),
        };
        record(0..5_000);
        let report = thread::scope(|scope| {
            let stopping = scope.spawn(|| session.stop().unwrap());
            let mut trace = Vec::new();
            connection.read_to_end(&mut trace).unwrap();
            (trace, stopping.join().unwrap())
        });
        let (trace, report) = report;
        assert_eq!((report.events, report.bytes, report.lost()), (5_000, trace.len() as u64, 0), "{report:?}");
        assert_eq!((report.connection_losses, report.connection_error), (0, None));
        let Some(loaded) = check(&trace) else { return };
        assert_eq!(numbers(&loaded), 0..5_000);
    }
}

#[test]
fn who_is_not_there_is_named() {
    let _alone = alone();
    let text = |builder: SessionBuilder| match builder.start() {
        Err(error @ SessionError::Io { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    let said = text(builder().unix("/nowhere/at all"));
    assert!(said.starts_with("the trace's receiver unix:/nowhere/at all: No such file"), "{said}");
    // A port that was free just now.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let said = text(builder().tcp(&address));
    assert!(said.starts_with(&format!("the trace's receiver tcp:{address}: Connection refused")), "{said}");
    let said = text(builder().tcp("no port"));
    assert!(said.starts_with("the trace's receiver tcp:no port: "), "{said}");
}

/// The receiver dies and comes back: each connection has a trace that loads, and what lies between is counted.
#[test]
fn a_receiver_that_comes_back_has_another_trace() {
    let _alone = alone();
    let place = Place::new("back");
    let listener = UnixListener::bind(&place.0).unwrap();
    let session = builder().unix(&place.0).reconnect(Duration::from_millis(20)).drain_by_caller().start().unwrap();
    let (mut connection, _) = listener.accept().unwrap();
    let before = now();
    let open = slice!("socket", "open", number = 7);
    let begun = before..now();
    record(0..1_000);
    session.drain().unwrap();
    let first = read_all_so_far(&mut connection);
    drop((connection, listener));
    std::fs::remove_file(&place.0).unwrap();
    // Several pieces, of which the first is being sent when nobody is there any more.
    record(1_000..20_000);
    session.drain().unwrap();
    let stats = session.stats();
    let undelivered = stats.undelivered;
    assert!((100..18_000).contains(&undelivered), "{stats:?}");
    assert_eq!((stats.connection_losses, stats.events), (1, 1_001), "{stats:?}");
    assert!(stats.connection_error.as_ref().unwrap().contains("Broken pipe"), "{stats:?}");
    // While nobody is there, the buffer is kept.
    record(20_000..21_000);
    thread::sleep(Duration::from_millis(50));
    session.drain().unwrap();
    let stats = session.stats();
    assert!(stats.connection_error.as_ref().unwrap().contains("No such file"), "{stats:?}");
    assert_eq!((stats.events, stats.undelivered), (1_001, undelivered));
    let listener = UnixListener::bind(&place.0).unwrap();
    let reading = thread::spawn(move || {
        let (mut trace, (mut connection, _)) = (Vec::new(), listener.accept().unwrap());
        connection.read_to_end(&mut trace).unwrap();
        trace
    });
    thread::sleep(Duration::from_millis(50));
    session.drain().unwrap();
    drop(open);
    record(21_000..22_000);
    let report = session.stop().unwrap();
    let second = reading.join().unwrap();
    assert_eq!((report.events + undelivered, report.undelivered), (22_002, undelivered), "{report:?}");
    assert_eq!(report.dropped.total(), 0);
    assert_eq!((report.connection_losses, report.thread_count), (1, 1));
    let Some(loaded) = check(&first) else { return };
    assert_eq!((numbers(&loaded), loaded.slices_named("open")[0].dur), (0..1_000, -1));
    let loaded = check_lossy(&second, undelivered).unwrap();
    let there = numbers(&loaded);
    assert_eq!(there, 1_000 + undelivered..22_000);
    let open = loaded.slices_named("open")[0];
    assert!((begun.start - STRAY..=begun.end + STRAY).contains(&open.ts), "its begin is the original one");
    assert!(open.dur > 0);
    let within = (there.clone()).zip(loaded.slices_named("event")).filter(|(_, row)| row.depth == 1);
    assert_eq!(within.count() as u64, 21_000 - there.start);
    assert!(loaded.slices.iter().all(|row| row.name.is_some() && row.category.as_deref() == Some("socket")));
}

/// What is open on tracks when the connection is lost is begun again in the next, with its own begin, and ended there; whoever ends it.
#[test]
fn slices_on_tracks_go_on_in_the_next_connection() {
    static TRACK: NamedTrack = NamedTrack::new("socket-track");
    let _alone = alone();
    let place = Place::new("tracks");
    let listener = UnixListener::bind(&place.0).unwrap();
    let session = builder().unix(&place.0).reconnect(Duration::from_millis(20)).drain_by_caller().start().unwrap();
    let (mut connection, _) = listener.accept().unwrap();
    let before = now();
    let outer = slice!(track: &TRACK, "socket", "outer", number = 7);
    begin!(track: &TRACK, "socket", String::from("at run time").as_str());
    let inner = slice!(track: &TRACK, "socket", "inner");
    let begun = before..now();
    drop(slice!(track: &TRACK, "socket", "over"));
    session.drain().unwrap();
    let first = read_all_so_far(&mut connection);
    drop((connection, listener));
    std::fs::remove_file(&place.0).unwrap();
    // The connection is lost; what is begun and ended meanwhile is sent to nobody, or waits.
    drop(slice!(track: &TRACK, "socket", "to nobody"));
    session.drain().unwrap();
    record(0..1_000);
    session.drain().unwrap();
    assert_eq!(session.stats().connection_losses, 1);
    let before = now();
    thread::spawn(move || drop(inner)).join().unwrap();
    let ended = before..now();
    let listener = UnixListener::bind(&place.0).unwrap();
    let reading = thread::spawn(move || {
        let (mut trace, (mut connection, _)) = (Vec::new(), listener.accept().unwrap());
        connection.read_to_end(&mut trace).unwrap();
        trace
    });
    thread::sleep(Duration::from_millis(50));
    session.drain().unwrap();
    end!(track: &TRACK, "socket");
    drop(slice!(track: &TRACK, "socket", "after"));
    drop(outer);
    let report = session.stop().unwrap();
    let second = reading.join().unwrap();
    let Some(loaded) = check(&first) else { return };
    let open: Vec<_> = loaded.slices.iter().map(|row| (row.name.as_deref().unwrap(), row.dur == -1)).collect();
    assert_eq!(open, [("outer", true), ("at run time", true), ("inner", true), ("over", false)]);
    let loaded = check_lossy(&second, report.lost()).unwrap();
    let on_track = loaded.slices.iter().filter(|row| row.name.as_deref() != Some("event"));
    let rows: Vec<_> = on_track.map(|row| (row.name.as_deref().unwrap(), row.depth, row.dur > 0)).collect();
    assert_eq!(rows, [("outer", 0, true), ("at run time", 1, true), ("inner", 2, true), ("after", 1, true)]);
    for row in &loaded.slices[..3] {
        assert!((begun.start - STRAY..=begun.end + STRAY).contains(&row.ts), "{row:?} began in {begun:?}");
        assert_eq!(row.category.as_deref(), Some("socket"));
    }
    let inner = &loaded.slices[2];
    assert!(
        (ended.start - STRAY..=ended.end + STRAY).contains(&(inner.ts + inner.dur)),
        "{inner:?} ended in {ended:?}"
    );
}

/// The receiver comes only later: what the buffer can hold is kept for it.
#[test]
fn a_receiver_may_come_later() {
    let _alone = alone();
    let place = Place::new("later");
    let session = builder().unix(&place.0).reconnect(Duration::from_millis(5)).start().unwrap();
    record(0..1_000);
    thread::sleep(Duration::from_millis(60));
    assert!(session.stats().connection_error.unwrap().contains("No such file"));
    let listener = UnixListener::bind(&place.0).unwrap();
    let (mut connection, _) = listener.accept().unwrap();
    let report = session.stop().unwrap();
    assert_eq!((report.events, report.connection_losses, report.lost()), (1_000, 0, 0));
    let mut trace = Vec::new();
    connection.read_to_end(&mut trace).unwrap();
    // Nobody ever comes.
    drop(listener);
    let session = builder().unix(&place.0).reconnect(Duration::from_millis(5)).start().unwrap();
    record(0..1_000);
    let Err(SessionError::Sink { report, .. }) = session.stop() else { panic!("nobody is there") };
    assert_eq!((report.events, report.undelivered), (0, 1_000), "{report:?}");
    let Some(loaded) = check(&trace) else { return };
    assert_eq!(numbers(&loaded), 0..1_000);
}

/// It accepts and never reads: nobody who records waits for it, and stopping takes no longer than it may.
#[test]
fn a_receiver_that_never_reads_holds_nobody_up() {
    let _alone = alone();
    let place = Place::new("stuck");
    let listener = UnixListener::bind(&place.0).unwrap();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = tcp.local_addr().unwrap().to_string();
    for builder in [builder().unix(&place.0), builder().tcp(address).reconnect(Duration::from_millis(5))] {
        let session = builder.stop_timeout(Duration::from_millis(300)).start().unwrap();
        // Several times what the system and the buffer take.
        record(0..1_000_000);
        let begin = Instant::now();
        let Err(SessionError::Sink { source, report }) = session.stop() else { panic!("nobody reads") };
        assert_eq!(source.kind(), io::ErrorKind::TimedOut);
        assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
        assert_eq!(report.events + report.lost(), 1_000_000, "{report:?}");
        assert!(report.dropped.no_room > 0 && report.undelivered > 0, "{report:?}");
    }
    drop((listener, tcp));
}

/// Any program that stores what it gets will do.
#[test]
fn a_receiver_of_another_language_has_a_trace() {
    const RECEIVER: &str = "import socket, sys
server = socket.create_server(('127.0.0.1', 0))
print(server.getsockname()[1], flush=True)
connection, _ = server.accept()
with open(sys.argv[1], 'wb') as file:
    while piece := connection.recv(65536):
        file.write(piece)
";
    let path = std::env::temp_dir().join(format!("pftrace-python-{}.pftrace", std::process::id()));
    let python = Command::new("python3").arg("-c").arg(RECEIVER).arg(&path).stdout(Stdio::piped()).spawn();
    let Ok(mut python) = python else {
        assert!(std::env::var_os("CI").is_none(), "python3 is not there");
        return;
    };
    let mut port = String::new();
    let mut said = io::BufReader::new(python.stdout.take().unwrap());
    io::BufRead::read_line(&mut said, &mut port).unwrap();
    let _alone = alone();
    let session = builder().tcp(format!("localhost:{}", port.trim())).start().unwrap();
    record(0..2_000);
    session.stop().unwrap();
    assert!(python.wait().unwrap().success());
    let trace = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let Some(loaded) = check(&trace) else { return };
    assert_eq!(numbers(&loaded), 0..2_000);
}

/// More slices are open than the begin of another connection's trace has room for: those are counted.
#[test]
fn what_a_new_connection_lacks_is_counted() {
    let _alone = alone();
    let place = Place::new("deep");
    let listener = UnixListener::bind(&place.0).unwrap();
    let session = builder().unix(&place.0).reconnect(Duration::from_millis(20)).drain_by_caller().start().unwrap();
    let (connection, _) = listener.accept().unwrap();
    (0..300).for_each(|_| begin!("socket", "open"));
    session.drain().unwrap();
    drop(connection);
    // Of the first one nobody knows yet that the connection is lost.
    record(0..10);
    session.drain().unwrap();
    record(10..20);
    session.drain().unwrap();
    let reading = thread::spawn(move || {
        let (mut trace, (mut connection, _)) = (Vec::new(), listener.accept().unwrap());
        connection.read_to_end(&mut trace).unwrap();
        trace
    });
    thread::sleep(Duration::from_millis(50));
    record(20..30);
    session.drain().unwrap();
    let report = session.stop().unwrap();
    let trace = reading.join().unwrap();
    // Half a chunk of 8 KiB, 16 bytes for each.
    assert_eq!((report.connection_losses, report.threads[0].truncated), (1, 44), "{report:?}");
    let Some(mut processor) = pftrace_testkit::TraceProcessor::shared() else { return };
    let loaded = processor.load(&trace).unwrap();
    assert_eq!((loaded.slices_named("open").len(), loaded.slices_named("…").len()), (256, 44));
}
