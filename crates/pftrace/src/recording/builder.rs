//! How a session is to be recorded.

use core::fmt;
use std::boxed::Box;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::string::String;
use std::time::Duration;
use std::vec::Vec;

use pftrace_ring::Config;

use super::output::Target;
use super::session::{self, Session};
use super::session_error::SessionError;
use super::socket::Address;

/// What happens when the buffer is full.
///
/// ```
/// use pftrace::{MemorySink, Policy, Session, instant};
///
/// // The begin of something, without anything being written meanwhile.
/// let session = Session::builder().writer(MemorySink::new()).policy(Policy::Discard).buffer_bytes(64 << 10).start()?;
/// for number in 0..100_000 {
///     instant!("example", "number", number);
/// }
/// let report = session.stop()?;
/// assert!(report.events > 1_000 && report.dropped.no_room > 0);
/// assert_eq!(report.events + report.lost(), 100_000);
/// # Ok::<(), pftrace::SessionError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Policy {
    /// The buffer is emptied into the sink all the time. What has no room is dropped.
    #[default]
    Stream,
    /// The buffer is kept until the session stops. What has no room in it is dropped: the begin is kept.
    Discard,
    /// The buffer is kept, the oldest in it is overwritten: it has the newest whenever somebody asks for it, with
    /// [`Session::snapshot_to_file`] and the like. The memory is twice [`buffer_bytes`](SessionBuilder::buffer_bytes): while a snapshot is
    /// written, recording goes on in the other half.
    ///
    /// Where a file or another sink is given, it gets a last snapshot when the session stops.
    FlightRecorder,
}

/// How a session is to be recorded: from [`Session::builder`].
///
/// ```
/// use std::time::Duration;
///
/// use pftrace::{Policy, Session, slice};
///
/// # let path = std::env::temp_dir().join(format!("pftrace-builder-{}.pftrace", std::process::id()));
/// let session = Session::builder()
///     .file(&path)
///     .policy(Policy::Stream)
///     .buffer_bytes(16 << 20)
///     .categories("-verbose")
///     .stop_timeout(Duration::from_secs(1))
///     .start()?;
/// {
///     let _work = slice!("job", "work");
///     let _detail = slice!("verbose", "detail"); // not recorded
/// }
/// assert_eq!(session.stop()?.events, 2);
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), pftrace::SessionError>(())
/// ```
#[must_use]
pub struct SessionBuilder {
    pub(super) target: Target,
    pub(super) buffer_bytes: usize,
    pub(super) policy: Policy,
    pub(super) stop_timeout: Duration,
    pub(super) categories: Option<String>,
    pub(super) own_drain: bool,
    pub(super) panic_file: Option<PathBuf>,
    pub(super) reconnect: Option<Duration>,
    pub(super) extensions: Vec<Vec<u8>>,
}

impl fmt::Debug for SessionBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = self.target.describe();
        let mut debug = f.debug_struct("SessionBuilder");
        debug.field("target", &target).field("buffer_bytes", &self.buffer_bytes).field("policy", &self.policy);
        debug.field("stop_timeout", &self.stop_timeout).field("categories", &self.categories).finish()
    }
}

pub(super) const SMALLEST_BUFFER: usize = 64 << 10;
pub(super) const LARGEST_BUFFER: usize = 64 << 30;

/// How many threads can record at the same time.
const MOST_THREADS: u32 = 1 << 14;

impl SessionBuilder {
    pub(super) fn new() -> Self {
        Self {
            target: Target::None,
            buffer_bytes: 64 << 20,
            policy: Policy::Stream,
            stop_timeout: Duration::from_secs(5),
            categories: None,
            own_drain: false,
            panic_file: None,
            reconnect: None,
            extensions: Vec::new(),
        }
    }

    /// Writes the trace into a file, which is created when the session starts; one that is there is written over.
    pub fn file(mut self, path: impl AsRef<Path>) -> Self {
        self.target = Target::File(path.as_ref().to_path_buf());
        self
    }

    /// Writes the trace into `writer`. It gets large pieces, so it needs no buffer of its own; several at a time where it has a
    /// [`write_vectored`](Write::write_vectored), which is worth passing on from what wraps a file.
    ///
    /// For a trace in memory: a [`MemorySink`](crate::MemorySink). To measure what recording costs: [`std::io::sink`].
    ///
    /// ```
    /// use std::io;
    ///
    /// use pftrace::{Session, instant};
    ///
    /// let session = Session::builder().writer(io::sink()).start()?;
    /// instant!("example", "here");
    /// assert!(session.stop()?.bytes > 0);
    /// # Ok::<(), pftrace::SessionError>(())
    /// ```
    pub fn writer(mut self, writer: impl Write + Send + 'static) -> Self {
        self.target = Target::Writer(Box::new(writer));
        self
    }

    /// Sends the trace to who listens on a Unix socket. Whatever stores the bytes in a file has a trace that loads.
    ///
    /// Nobody who records waits for the receiver: while it does not read, the buffer fills. What the system has taken counts as delivered.
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// use std::io::Read;
    /// use std::os::unix::net::UnixListener;
    ///
    /// use pftrace::{Session, instant};
    ///
    /// let path = std::env::temp_dir().join(format!("pftrace-unix-{}", std::process::id()));
    /// let listener = UnixListener::bind(&path)?;
    /// let session = Session::builder().unix(&path).start()?;
    /// instant!("example", "here");
    /// let (mut connection, _) = listener.accept()?;
    /// let report = session.stop()?;
    /// let mut trace = Vec::new();
    /// connection.read_to_end(&mut trace)?;
    /// assert_eq!((report.events, report.bytes), (1, trace.len() as u64));
    /// # std::fs::remove_file(path)?;
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn unix(mut self, path: impl AsRef<Path>) -> Self {
        self.target = Target::Receiver(Address::Unix(path.as_ref().to_path_buf()));
        self
    }

    /// Sends the trace to who listens on a TCP port, `host:port`: else as [`unix`](Self::unix).
    ///
    /// ```
    /// use std::io::Read;
    /// use std::net::TcpListener;
    ///
    /// use pftrace::{Session, instant};
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let session = Session::builder().tcp(listener.local_addr()?.to_string()).start()?;
    /// instant!("example", "here");
    /// let (mut connection, _) = listener.accept()?;
    /// let report = session.stop()?;
    /// let mut trace = Vec::new();
    /// connection.read_to_end(&mut trace)?;
    /// assert_eq!((report.events, report.bytes), (1, trace.len() as u64));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn tcp(mut self, address: impl Into<String>) -> Self {
        self.target = Target::Receiver(Address::Tcp(address.into()));
        self
    }

    /// When the connection to a receiver is lost, or can't be made at the start, it is tried again each `period`. What each connection gets
    /// is a trace on its own: it begins with all definitions, and with the slices that are open, at their original time.
    ///
    /// Meanwhile the buffer is kept; when it is full, what comes then is dropped. What was just being sent is lost, and counted as
    /// [undelivered](crate::Report::undelivered). [`Report::connection_losses`](crate::Report::connection_losses) says how often it was. Only for
    /// [`Policy::Stream`].
    ///
    /// ```
    /// use std::io::Read;
    /// use std::net::TcpListener;
    /// use std::time::Duration;
    ///
    /// use pftrace::{Session, instant};
    ///
    /// // Nobody listens there yet.
    /// let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    /// let session = Session::builder().tcp(&address).reconnect(Duration::from_millis(10)).start()?;
    /// instant!("example", "before anybody listened");
    /// let listener = TcpListener::bind(&address)?;
    /// let (mut connection, _) = listener.accept()?;
    /// assert_eq!(session.stop()?.events, 1);
    /// let mut trace = Vec::new();
    /// connection.read_to_end(&mut trace)?;
    /// assert!(!trace.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reconnect(mut self, period: Duration) -> Self {
        self.reconnect = Some(period.min(LONGEST));
        self
    }

    /// The memory for what is recorded and not yet written, in bytes: all of it is taken and touched at the start, and it does
    /// not grow, whatever the number of threads. 64 KiB to 64 GiB; 64 MiB unless set.
    ///
    /// It is cut into chunks, and each thread that records holds one: see [`max_event_len`](Session::max_event_len).
    pub fn buffer_bytes(mut self, bytes: usize) -> Self {
        self.buffer_bytes = bytes;
        self
    }

    /// What happens when the buffer is full: [`Policy::Stream`] unless set.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// How long stopping waits at most for the sink, and for threads within an event. 5 seconds unless set.
    pub fn stop_timeout(mut self, timeout: Duration) -> Self {
        self.stop_timeout = timeout.min(LONGEST);
        self
    }

    /// Which categories are recorded: [`set_categories`](crate::set_categories) when the session starts. As they are unless set.
    pub fn categories(mut self, patterns: impl Into<String>) -> Self {
        self.categories = Some(patterns.into());
        self
    }

    /// No thread is started to empty the buffer: the program does it, with [`Session::drain`].
    ///
    /// ```
    /// use pftrace::{MemorySink, Session, instant};
    ///
    /// let memory = MemorySink::new();
    /// let session = Session::builder().writer(memory.clone()).drain_by_caller().start()?;
    /// instant!("example", "here");
    /// assert!(memory.take().is_empty());
    /// session.drain()?;
    /// assert!(!memory.take().is_empty());
    /// # Ok::<(), pftrace::SessionError>(())
    /// ```
    pub fn drain_by_caller(mut self) -> Self {
        self.own_drain = true;
        self
    }

    /// With the first panic of a [flight recorder](Policy::FlightRecorder)'s session, in whatever thread, a snapshot is written into
    /// that file: before the panic's message, with the slices that the panic is in. One line on standard error says so.
    ///
    /// It is done by a panic hook, which is set once in a process and calls the one that was set before. Where another one is set later
    /// it has to call ours.
    ///
    /// ```
    /// use pftrace::{Policy, Session, slice};
    ///
    /// let path = std::env::temp_dir().join(format!("pftrace-panic-{}.pftrace", std::process::id()));
    /// let session = Session::builder().policy(Policy::FlightRecorder).buffer_bytes(1 << 20).snapshot_on_panic(&path).start()?;
    /// let panicked = std::thread::spawn(|| {
    ///     let _work = slice!("job", "work");
    ///     panic!("a panic, on purpose");
    /// });
    /// assert!(panicked.join().is_err());
    /// assert!(path.exists()); // "work" is in it, and is open
    /// # std::fs::remove_file(path).unwrap();
    /// # Ok::<(), pftrace::SessionError>(())
    /// ```
    pub fn snapshot_on_panic(mut self, path: impl AsRef<Path>) -> Self {
        self.panic_file = Some(path.as_ref().to_path_buf());
        self
    }

    /// The schema of fields of one's own in events, so that the UI can show them: a serialized `google.protobuf.FileDescriptorSet`, as
    /// `protoc --descriptor_set_out` writes it, with the `extend perfetto.protos.TrackEvent` in it. The fields themselves are written by
    /// the option `with` of the macros. May be called several times.
    ///
    /// In `codegen/examples/typed-extension` of the repository there is a whole program, whose build script makes the writer and the schema.
    ///
    /// ```
    /// use pftrace::{MemorySink, Session, instant};
    ///
    /// # const SCHEMA: &[u8] = b"";
    /// // const SCHEMA: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/app.binpb"));
    /// let session = Session::builder().writer(MemorySink::new()).extension_descriptor(SCHEMA).start()?;
    /// // By hand, as the generated method would: `optional string queue = 9910` in `extend perfetto.protos.TrackEvent`.
    /// instant!(with: |event| event.raw().string::<9910>("mail"), "job", "queued");
    /// assert_eq!(session.stop()?.events, 1);
    /// # Ok::<(), pftrace::SessionError>(())
    /// ```
    pub fn extension_descriptor(mut self, file_descriptor_set: impl Into<Vec<u8>>) -> Self {
        self.extensions.push(file_descriptor_set.into());
        self
    }

    /// Starts recording, in this process and all its threads.
    ///
    /// # Errors
    ///
    /// [`SessionError::AlreadyRecording`] when a session is recorded already; [`SessionError::BufferBytes`],
    /// [`SessionError::NoSink`] and [`SessionError::NotAFlightRecorder`] when the configuration makes no sense; [`SessionError::Io`] when the file can't be created
    /// or the receiver is not there, or the memory can't be had.
    pub fn start(self) -> Result<Session, SessionError> {
        session::start(self)
    }

    /// What the environment variable `PFTRACE` says; `None` if it is not set or empty.
    ///
    /// It is a list of `key=value`, separated by commas: `file` (where to; also without `file=`), `unix:PATH` or
    /// `tcp:HOST:PORT` (who gets it instead), `reconnect` (in seconds), `buffer` (in bytes, or with `K`,
    /// `M`, `G`), `policy` (`stream`, `discard` or `flight-recorder`), `panic` (a file for
    /// [`snapshot_on_panic`](Self::snapshot_on_panic)), `categories` (patterns as in
    /// [`set_categories`](crate::set_categories), separated by
    /// blanks), `stop_timeout` (in seconds).
    ///
    /// ```sh
    /// PFTRACE=trace.pftrace,buffer=16M,categories='render -debug.*' ./program
    /// ```
    ///
    /// # Errors
    ///
    /// [`SessionError::Environment`] when it says something else.
    pub fn from_env() -> Result<Option<Self>, SessionError> {
        match std::env::var("PFTRACE") {
            Ok(text) if !text.trim().is_empty() => Self::parse(&text).map(Some),
            Ok(_) | Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(text)) => {
                Err(SessionError::Environment { found: text.to_string_lossy().into_owned(), expected: "text in UTF-8" })
            }
        }
    }

    fn parse(text: &str) -> Result<Self, SessionError> {
        let mut builder = Self::new();
        for item in text.split(',') {
            let item = item.trim();
            let (key, value) = match (item.split_once('='), item.split_once(':')) {
                (None, Some((key @ ("unix" | "tcp"), value))) => (key, value),
                (pair, _) => pair.unwrap_or(("file", item)),
            };
            let wrong = |expected| SessionError::Environment { found: item.into(), expected };
            builder.set(key.trim(), value).map_err(wrong)?;
        }
        match builder.target {
            Target::None if builder.panic_file.is_none() => {
                Err(SessionError::Environment { found: text.into(), expected: "file=PATH, unix:PATH or tcp:HOST:PORT" })
            }
            _ => Ok(builder),
        }
    }

    /// What one item says; an error says what is expected.
    fn set(&mut self, key: &str, value: &str) -> Result<(), &'static str> {
        match key {
            "file" if !value.is_empty() => self.target = Target::File(value.into()),
            "file" => return Err("file=PATH"),
            "unix" if !value.is_empty() => self.target = Target::Receiver(Address::Unix(value.into())),
            "unix" => return Err("unix:PATH"),
            // `contains` would be a search for texts, which takes long to build.
            "tcp" if value.split_once(':').is_some() => self.target = Target::Receiver(Address::Tcp(value.into())),
            "tcp" => return Err("tcp:HOST:PORT"),
            "reconnect" => self.reconnect = Some(seconds(value).ok_or("reconnect=SECONDS")?),
            "buffer" => self.buffer_bytes = bytes(value).ok_or("buffer=BYTES, such as 16M")?,
            "policy" => {
                self.policy = match value {
                    "stream" => Policy::Stream,
                    "discard" => Policy::Discard,
                    "flight-recorder" => Policy::FlightRecorder,
                    _ => return Err("policy=stream, policy=discard or policy=flight-recorder"),
                }
            }
            "panic" if !value.is_empty() => self.panic_file = Some(value.into()),
            "panic" => return Err("panic=PATH"),
            "categories" => self.categories = Some(value.into()),
            "stop_timeout" => self.stop_timeout = seconds(value).ok_or("stop_timeout=SECONDS")?,
            _ => return Err("file, unix, tcp, reconnect, buffer, policy, panic, categories or stop_timeout"),
        }
        Ok(())
    }
}

/// A hundred years: who waits for ever waits so long. A time that much later is one, still.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

fn seconds(text: &str) -> Option<Duration> {
    Some(Duration::try_from_secs_f64(text.parse().ok()?).ok()?.min(LONGEST))
}

/// `16M` and the like.
fn bytes(text: &str) -> Option<usize> {
    let digits = text.trim_end_matches(|unit: char| unit.is_ascii_alphabetic());
    let shift = match &text[digits.len()..] {
        "" => 0,
        "K" | "k" | "KiB" => 10,
        "M" | "m" | "MiB" => 20,
        "G" | "g" | "GiB" => 30,
        _ => return None,
    };
    digits.parse::<usize>().ok()?.checked_mul(1 << shift)
}

/// Chunks of a 2,048th of the buffer, or a 128th where that is at most 8 KiB, between 1 and 64 KiB. A flight recorder has twice as many: for what is recorded while a snapshot
/// is written.
pub(super) fn ring_config(bytes: usize, policy: Policy) -> Config {
    let chunk_len = (bytes / 2048).max((bytes / 128).min(8 << 10)).next_power_of_two().clamp(1 << 10, 64 << 10);
    let chunks = (bytes / chunk_len) as u32;
    let (chunks, policy) = match policy {
        Policy::FlightRecorder => (2 * chunks, pftrace_ring::Policy::Overwrite),
        Policy::Stream | Policy::Discard => (chunks, pftrace_ring::Policy::Keep),
    };
    Config { chunk_len: chunk_len as u32, chunks, policy, writers: MOST_THREADS }
}
