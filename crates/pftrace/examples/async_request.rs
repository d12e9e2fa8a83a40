//! Follows requests from thread to thread: a client asks, a server handles, a database answers.
//!
//! In the UI the three threads lie below each other. Click on a slice `request`: arrows lead through `handle` on the server,
//! `query` on the database and `render` on the server, back to `response` on the client, where they end. The track
//! "requests in flight" shows each request as one slice from end to end.
//!
//! A [`TraceWriter`] is used by one thread at a time, so here it lies in a [`Mutex`]. A track's handle belongs to the thread
//! that writes on it, and needs no lock. Times are read before the lock is taken: waiting for it is not measured.
//!
//! ```text
//! cargo run -p pftrace --example async_request -- requests.pftrace
//! ```

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use pftrace::{FileTraceWriter, ProcessTrack, TraceWriter, Track};

/// Errors that may go from thread to thread.
type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let path = env::args_os().nth(1).map_or(env::temp_dir().join("async_request.pftrace"), PathBuf::from);
    trace(&path)?;
    println!("Drop {} on https://ui.perfetto.dev", path.display());
    Ok(())
}

/// The flow that all requests use, one after the other: each terminates it, which frees its number for the next.
const FLOW: u64 = 1;

/// Runs the three threads, and writes what they do.
pub(crate) fn trace(path: &Path) -> Result<(), Failure> {
    let mut trace = TraceWriter::create(path)?;
    let process = trace.process_track(std::process::id()).name("async_request").describe()?;
    let in_flight = trace.track("requests in flight").parent(&process).describe()?;
    let recorder = Recorder { trace: Mutex::new(trace), process, start: Instant::now() };

    let ((to_server, requests), (to_client, responses)) = (channel(), channel());
    let ((to_database, queries), (from_database, totals)) = (channel(), channel());
    // A thread that ends drops its senders, and so ends those that wait for it.
    thread::scope(|scope| {
        let recorder = &recorder;
        let client = scope.spawn(move || client(recorder, in_flight, (to_server, responses)));
        let server = scope.spawn(move || server(recorder, requests, (to_database, totals), to_client));
        let database = scope.spawn(move || database(recorder, queries, from_database));
        // All are waited for before the first error is returned.
        let results = [client, server, database].map(|thread| thread.join());
        results.into_iter().try_for_each(|result| result.unwrap_or_else(|_| Err("a thread panicked".into())))
    })?;
    recorder.trace.into_inner().unwrap_or_else(PoisonError::into_inner).finish()?;
    Ok(())
}

/// Where to ask a thread, and where its answers come.
type Wire = (Sender<u64>, Receiver<u64>);

fn client(to: &Recorder, mut in_flight: Track, server: Wire) -> Result<(), Failure> {
    let mut track = to.thread("client", 1)?;
    for order in 1..=3 {
        let now = to.now();
        to.trace().begin_with(&mut track, now, "request", |event| {
            _ = event.category("http").arg("order", order).flow(FLOW)
        })?;
        to.trace().begin_with(&mut in_flight, now, "order", |event| _ = event.arg("order", order))?;
        server.0.send(order)?;
        let total = server.1.recv()?;

        let now = to.now();
        // The last step: no arrow leads on from here.
        to.trace().begin_with(&mut track, now, "response", |event| {
            event.arg("total", total).terminating_flow(FLOW);
        })?;
        let now = to.now();
        to.trace().end(&mut track, now)?;
        to.trace().end(&mut track, now)?;
        to.trace().end(&mut in_flight, now)?;
    }
    Ok(())
}

fn server(to: &Recorder, inbox: Receiver<u64>, database: Wire, client: Sender<u64>) -> Result<(), Failure> {
    let mut track = to.thread("server", 2)?;
    for order in inbox {
        to.slice(&mut track, "handle", || database.0.send(order))??;
        let total = database.1.recv()?;
        to.slice(&mut track, "render", || client.send(total))??;
    }
    Ok(())
}

fn database(to: &Recorder, inbox: Receiver<u64>, server: Sender<u64>) -> Result<(), Failure> {
    let mut track = to.thread("database", 3)?;
    for order in inbox {
        let total = to.slice(&mut track, "query", || (1..=order * 100_000).fold(order, |sum, n| sum + n % 7))?;
        server.send(total)?;
    }
    Ok(())
}

/// The trace, for several threads.
struct Recorder {
    trace: Mutex<FileTraceWriter>,
    process: ProcessTrack,
    start: Instant,
}

impl Recorder {
    fn trace(&self) -> MutexGuard<'_, FileTraceWriter> {
        // A thread that panicked left no packet half written: the trace is as good as before.
        self.trace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The track of the thread that calls this, on a sequence of its own: its times are then short differences to each
    /// other, whatever the other threads write in between.
    fn thread(&self, name: &str, fallback: i64) -> Result<Track, pftrace::Error> {
        // Linux tells the number of a thread so; the standard library does not.
        let link = fs::read_link("/proc/thread-self").ok();
        let tid = link.and_then(|link| link.file_name()?.to_str()?.parse().ok()).unwrap_or(fallback);
        let mut trace = self.trace();
        let sequence = trace.add_sequence();
        trace.thread_track(&self.process, tid).name(name).sequence(sequence).describe()
    }

    /// A step of the request: a slice from before `work` to after it.
    fn slice<T>(&self, track: &mut Track, name: &str, work: impl FnOnce() -> T) -> Result<T, pftrace::Error> {
        let begin = self.now();
        let result = work();
        let end = self.now();
        self.trace().slice_with(track, begin, end, name, |event| _ = event.flow(FLOW))?;
        Ok(result)
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }
}
