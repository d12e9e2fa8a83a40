//! A trace that goes over a connection.

use core::fmt;
use std::io::{self, Write};
use std::net::{TcpStream, ToSocketAddrs};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::string::String;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::session::Shared;

/// How long a receiver may take to answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How often who waits for the receiver looks whether the session is to end.
const LOOK_PERIOD: Duration = Duration::from_millis(50);

/// Who gets the trace.
#[derive(Clone, Debug)]
pub(super) enum Address {
    Unix(PathBuf),
    /// A host and a port.
    Tcp(String),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(address) => write!(f, "tcp:{address}"),
        }
    }
}

/// A connection, or none until there is one again.
pub(super) struct Receiver {
    address: Address,
    connection: Option<Connection>,
    reconnect: Option<Duration>,
    next_try: Instant,
    /// Who is asked whether to wait on.
    shared: Option<Arc<Shared>>,
}

impl Receiver {
    /// Connects. What can't be had now is tried each `reconnect` later, if that is given, and an error otherwise.
    pub(super) fn connect(address: Address, reconnect: Option<Duration>) -> io::Result<Self> {
        let connection = match Connection::to(&address) {
            Err(error) if reconnect.is_none() => return Err(error),
            connection => connection.ok(),
        };
        Ok(Self { address, connection, reconnect, next_try: Instant::now(), shared: None })
    }

    pub(super) fn attach(&mut self, shared: Arc<Shared>) {
        self.shared = Some(shared);
    }

    /// Whether there is no connection now, and there will be one.
    pub(super) fn is_waiting(&self) -> bool {
        self.connection.is_none() && self.reconnect.is_some()
    }

    pub(super) fn reconnects(&self) -> bool {
        self.reconnect.is_some()
    }

    pub(super) fn disconnect(&mut self) {
        self.connection = None;
        self.next_try = Instant::now() + self.reconnect.unwrap_or_default();
    }

    /// Tries again, if it is time to. Whether there is a connection.
    pub(super) fn reconnect(&mut self, now: Instant) -> io::Result<bool> {
        if now < self.next_try {
            return Ok(false);
        }
        self.next_try = now + self.reconnect.unwrap_or_default();
        self.connection = Some(Connection::to(&self.address)?);
        Ok(true)
    }

    /// The last time: there will be no other.
    pub(super) fn reconnect_at_end(&mut self) -> io::Result<()> {
        self.reconnect = None;
        self.connection = Some(Connection::to(&self.address)?);
        Ok(())
    }
}

impl Write for Receiver {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(connection) = &mut self.connection else { return Err(io::ErrorKind::NotConnected.into()) };
        loop {
            match connection.send(bytes) {
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    // The receiver does not read. Those who record do not wait for it; nor does who stops for long.
                    if self.shared.as_ref().is_some_and(|shared| shared.is_past_deadline()) {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                }
                sent => return sent,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

enum Connection {
    #[cfg(unix)]
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Connection {
    fn to(address: &Address) -> io::Result<Self> {
        match address {
            #[cfg(unix)]
            Address::Unix(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_write_timeout(Some(LOOK_PERIOD))?;
                Ok(Self::Unix(stream))
            }
            #[cfg(not(unix))]
            Address::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
            Address::Tcp(address) => {
                let stream = connect_tcp(address)?;
                stream.set_write_timeout(Some(LOOK_PERIOD))?;
                Ok(Self::Tcp(stream))
            }
        }
    }

    /// Without a SIGPIPE when the receiver is gone: programs in other languages do not ignore that.
    fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Unix(stream) => pftrace_ring::send(stream, bytes),
            #[cfg(target_os = "linux")]
            Self::Tcp(stream) => pftrace_ring::send(stream, bytes),
            #[cfg(all(unix, not(target_os = "linux")))]
            Self::Unix(stream) => stream.write(bytes),
            #[cfg(not(target_os = "linux"))]
            Self::Tcp(stream) => stream.write(bytes),
        }
    }
}

/// The first of the host's addresses that answers.
fn connect_tcp(address: &str) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}
