//! A threaded server under load, traced to a socket.
//!
//! One thread accepts connections, workers answer them, and clients ask as fast as they are answered, over TCP. What all of them do goes
//! over another socket to a receiver, which stores it. Here it is a thread; in earnest it is a program on another machine, such as
//! `nc -l 9000 > server.pftrace`. The server waits for it no more than for a disk.
//!
//! In the UI each connection is a row of the group "connections", as long as it is open: how long it waited for a worker, and how long
//! one took to answer it. Arrows lead from each client to the worker that answered it and back: the client sends a number
//! with its request, the flow's. Beside it the curves "waiting" and "sent", and in the log the requests that failed.
//!
//! ```text
//! cargo run -p pftrace --example recording_server -- server.pftrace
//! ```

use std::error::Error;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use std::{env, thread};

use pftrace::{
    Lanes, LogPriority, NamedCounter, NamedTrack, Report, Session, TrackSlice, Unit, counter, end, instant, slice,
};

pftrace::categories! {
    /// Connections, from their arrival to their answer.
    HTTP = "http";
    /// What an answer takes.
    WORK = "work";
    /// Those who ask.
    LOAD = "load";
}

/// Connections overlap, and go from thread to thread: each has a row of its own while it is open.
static CONNECTIONS: Lanes = Lanes::new("connections");
static SERVER: NamedTrack = NamedTrack::new("server");
/// Each thread says what it adds or takes away; what is shown is the sum.
static WAITING: NamedCounter = NamedCounter::new("waiting").parent(&SERVER).unit(Unit::Count).incremental();
static SENT: NamedCounter = NamedCounter::new("sent").parent(&SERVER).unit(Unit::SizeBytes).incremental();

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args_os().nth(1).map_or(env::temp_dir().join("recording_server.pftrace"), PathBuf::from);
    let Summary { answers, report, received } = trace(&path)?;
    for Answer { id, path, status, body } in answers.iter().take(10) {
        println!("{id}: {path}: {status} {body}");
    }
    println!("… {} requests; {received} bytes were received", answers.len());
    println!("{report}");
    println!("Drop {} on https://ui.perfetto.dev", path.display());
    Ok(())
}

pub(crate) const WORKERS: usize = 3;
pub(crate) const CLIENTS: u64 = 8;
pub(crate) const REQUESTS: u64 = 40;
/// So many connections may wait for a worker, before the next is accepted.
pub(crate) const QUEUE: usize = 4;
const PATIENCE: Duration = Duration::from_secs(30);

/// What a client got.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) id: u64,
    pub(crate) path: String,
    pub(crate) status: u16,
    pub(crate) body: String,
}

pub(crate) struct Summary {
    pub(crate) answers: Vec<Answer>,
    pub(crate) report: Report,
    /// How many bytes of trace the receiver has stored.
    pub(crate) received: u64,
}

/// Has the server answer all clients, recorded.
pub(crate) fn trace(path: &Path) -> Result<Summary, Box<dyn Error>> {
    let receiver = TcpListener::bind("127.0.0.1:0")?;
    let address = receiver.local_addr()?.to_string();
    let mut file = File::create(path)?;
    let storing = thread::spawn(move || io::copy(&mut receiver.accept()?.0, &mut file));

    // What is recorded while the receiver is busy must fit into the buffer; with `.reconnect(…)` also while it is away.
    let session = Session::builder().tcp(address).buffer_bytes(16 << 20).start()?;
    let answers = serve()?;
    // When this returns, the receiver has been sent all.
    let report = session.stop()?;
    let received = storing.join().expect("no panic")?;
    Ok(Summary { answers, report, received })
}

/// The server, until all clients have their answers.
fn serve() -> Result<Vec<Answer>, Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let closing = AtomicBool::new(false);
    let (send, receive) = sync_channel(QUEUE);
    let receive = Mutex::new(receive);
    thread::scope(|scope| {
        // What a thread is called its track is called.
        let named = |name: String| thread::Builder::new().name(name);
        for number in 1..=WORKERS {
            named(format!("worker {number}")).spawn_scoped(scope, || work(&receive))?;
        }
        named("accept".into()).spawn_scoped(scope, || accept(&listener, send, &closing))?;
        let start = |client| named(format!("client {client}")).spawn_scoped(scope, move || ask_all(address, client));
        let clients: Vec<_> = (1..=CLIENTS).map(start).collect();
        let panicked = |_| Err(io::Error::other("a client panicked"));
        let answers = clients.into_iter().map(|client| client?.join().unwrap_or_else(panicked));
        let answers = answers.collect::<io::Result<Vec<_>>>();
        // Whatever came of it, `accept` waits for one more.
        closing.store(true, Ordering::Release);
        TcpStream::connect(address)?;
        Ok(answers?.into_iter().flatten().collect())
    })
}

/// A connection on its way to a worker. Its slices go with it, and end where it ends.
struct Connection {
    stream: TcpStream,
    open: TrackSlice,
    /// Within `open`, on the same row.
    waiting: Option<TrackSlice>,
}

fn accept(listener: &TcpListener, send: SyncSender<Connection>, closing: &AtomicBool) {
    for stream in listener.incoming() {
        if closing.load(Ordering::Acquire) {
            return; // and with `send` the workers' queue ends
        }
        match stream {
            Ok(stream) => {
                let open = slice!(track: &CONNECTIONS, HTTP, "connection", peer = ?stream.peer_addr().ok());
                // Without a session, or with the category off, it has no track.
                let waiting = open.track().map(|row| slice!(track: row, HTTP, "wait"));
                counter!(track: &WAITING, HTTP, 1);
                if send.send(Connection { stream, open, waiting }).is_err() {
                    return;
                }
            }
            Err(error) => instant!(log: (LogPriority::Warn, format_args!("accept: {error}")), HTTP, "refused"),
        }
    }
}

fn work(queue: &Mutex<Receiver<Connection>>) {
    loop {
        // The guard of the lock is gone by the end of this line.
        let Ok(connection) = queue.lock().unwrap_or_else(PoisonError::into_inner).recv() else { return };
        counter!(track: &WAITING, HTTP, -1);
        if let Err(error) = answer(connection) {
            instant!(log: (LogPriority::Error, format_args!("a connection broke: {error}")), HTTP, "broken");
        }
    }
}

fn answer(connection: Connection) -> io::Result<()> {
    let Connection { stream, open, waiting } = connection;
    drop(waiting);
    let busy = open.track().map(|row| slice!(track: row, HTTP, "answer"));
    let (id, path) = read_request(&stream)?;
    // The second step of the request's flow: an arrow comes from the client.
    let _answer = slice!(flow: id, HTTP, "answer", id, path);
    let (status, body) = respond(&path);
    if status != 200 {
        instant!(log: (LogPriority::Warn, format_args!("{path}: {status}")), HTTP, "failed");
    }
    let response = format!("HTTP/1.1 {status} -\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    (&stream).write_all(response.as_bytes())?;
    counter!(track: &SENT, HTTP, response.len());
    drop(busy);
    // What came of it is known only now.
    end!(slice: open, id, path, status);
    Ok(())
}

/// The number that the client has given it, and the path.
fn read_request(stream: &TcpStream) -> io::Result<(u64, String)> {
    let _read = slice!(HTTP, "read");
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut lines = BufReader::new(stream).lines();
    let expected = |what| io::Error::new(io::ErrorKind::InvalidData, format!("expected {what}"));
    let first = lines.next().ok_or_else(|| expected("a request"))??;
    let path = first.strip_prefix("GET ").and_then(|rest| rest.split(' ').next()).ok_or_else(|| expected("GET"))?;
    let mut id = None;
    for line in lines {
        let line = line?;
        if line.is_empty() {
            break;
        }
        id = line.strip_prefix("X-Request: ").and_then(|number| number.parse().ok()).or(id);
    }
    Ok((id.ok_or_else(|| expected("X-Request"))?, path.to_owned()))
}

/// `/primes/N`: how many primes there are below N.
pub(crate) fn respond(path: &str) -> (u16, String) {
    match path.strip_prefix("/primes/").map(str::parse::<usize>) {
        Some(Ok(end)) if end <= 1_000_000 => (200, primes_below(end).to_string()),
        Some(_) => (400, "expected a number up to 1000000".into()),
        None => (404, String::new()),
    }
}

fn primes_below(end: usize) -> usize {
    let sieving = slice!(WORK, "sieve", end);
    let mut is_prime = vec![true; end];
    let mut count = 0;
    for number in 2..end {
        if is_prime[number] {
            count += 1;
            is_prime.iter_mut().skip(number * number).step_by(number).for_each(|multiple| *multiple = false);
        }
    }
    end!(slice: sieving, count);
    count
}

/// A client: one request after the other.
fn ask_all(server: SocketAddr, client: u64) -> io::Result<Vec<Answer>> {
    (0..REQUESTS)
        .map(|number| {
            let path = match number % 10 {
                9 => "/nothing".into(),
                size => format!("/primes/{}", 5_000 * (size + client)),
            };
            ask(server, client * REQUESTS + number, path)
        })
        .collect()
}

fn ask(server: SocketAddr, id: u64, path: String) -> io::Result<Answer> {
    // The flow begins here; its number goes along.
    let _ask = slice!(flow: id, LOAD, "ask", id, path);
    let mut stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nX-Request: {id}\r\n\r\n")?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    let (head, body) = response.split_once("\r\n\r\n").unwrap_or((&response, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    // And ends here.
    instant!(terminating_flow: id, LOAD, "answered", id, status);
    Ok(Answer { id, path, status, body: body.into() })
}
