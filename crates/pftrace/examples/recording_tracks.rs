//! Work that overlaps, recorded: requests that threads hand to each other, each with a track of its own while it lasts.
//!
//! In the UI the requests are one group of as many rows as there were at once. Select one: arrows lead from the thread that accepted it to
//! the one that answered it, its arguments say what was asked and what was found. Beside it there are the curve of the queue,
//! in a group with the bytes that were sent, and the log: a line for each request that failed.
//!
//! ```text
//! cargo run -p pftrace --example recording_tracks -- requests.pftrace
//! ```

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use pftrace::{
    Lanes, LogPriority, NamedCounter, NamedTrack, Report, Session, SessionError, TrackSlice, Unit, counter, end, here,
    instant, now_ns, slice,
};

pftrace::categories! {
    /// Requests, from their arrival to their answer.
    HTTP = "http";
    /// What is read for them.
    STORE = "store";
}

static REQUESTS: Lanes = Lanes::new("requests").description("one row for each that is under way");
static SERVER: NamedTrack = NamedTrack::new("server");
static QUEUE: NamedCounter = NamedCounter::new("queue").parent(&SERVER).unit(Unit::Count);
static SENT: NamedCounter = NamedCounter::new("sent").parent(&SERVER).unit(Unit::SizeBytes).incremental();

fn main() -> Result<(), SessionError> {
    let path = env::args_os().nth(1).map_or(env::temp_dir().join("recording_tracks.pftrace"), PathBuf::from);
    println!("{}", trace(&path)?);
    println!("Drop {} on https://ui.perfetto.dev", path.display());
    Ok(())
}

pub(crate) const COUNT: u64 = 60;
pub(crate) const WORKERS: usize = 4;
/// Each seventh is not found.
pub(crate) const MISSING: u64 = 7;

/// A request that is under way. Its slice goes with it.
struct Request {
    number: u64,
    /// When, in nanoseconds of the trace's clock.
    arrived: u64,
    under_way: TrackSlice,
}

/// Answers all requests, recorded.
pub(crate) fn trace(path: &Path) -> Result<Report, SessionError> {
    let session = Session::builder().file(path).start()?;
    let (send, receive) = sync_channel(8);
    let receive = Mutex::new(receive);
    thread::scope(|scope| {
        for number in 1..=WORKERS {
            let worker = thread::Builder::new().name(format!("worker {number}"));
            worker.spawn_scoped(scope, || work(&receive)).expect("a thread");
        }
        let accept = thread::Builder::new().name("accept".into());
        accept.spawn_scoped(scope, move || accept_all(&send)).expect("a thread");
    });
    session.stop()
}

fn accept_all(send: &SyncSender<Request>) {
    for number in 0..COUNT {
        // The arrow begins here, and the request's own slice.
        let _accept = slice!(flow: number + 1, HTTP, "accept", number);
        let under_way = slice!(track: &REQUESTS, correlation_id: number, HTTP, "GET", path = format_args!("/{number}"));
        counter!(track: &QUEUE, HTTP, number % 8);
        if send.send(Request { number, arrived: now_ns(), under_way }).is_err() {
            return;
        }
        thread::sleep(Duration::from_micros(300));
    }
}

fn work(requests: &Mutex<Receiver<Request>>) {
    loop {
        // The guard of the lock is gone by the end of this line.
        let Ok(request) = requests.lock().unwrap_or_else(std::sync::PoisonError::into_inner).recv() else { return };
        answer(request);
    }
}

fn answer(request: Request) {
    let Request { number, arrived, under_way } = request;
    let _answer = slice!(terminating_flow: number + 1, correlation_id: number, HTTP, "answer", number);
    if let Some(lane) = under_way.track() {
        // What it waited is known only now.
        end!(slice: slice!(track: lane, at: arrived, HTTP, "wait"));
        let _read = slice!(track: lane, source_location: here!(), STORE, "read", blocks = [number, number + 1]);
        thread::sleep(Duration::from_micros(700 + number * 37 % 900));
    }
    let status = if number % MISSING == MISSING - 1 { 404 } else { 200 };
    if status == 404 {
        instant!(log: (LogPriority::Warn, format_args!("/{number}: not found")), HTTP, "not found");
    }
    counter!(track: &SENT, HTTP, 1_000 + number);
    end!(slice: under_way, status);
}
