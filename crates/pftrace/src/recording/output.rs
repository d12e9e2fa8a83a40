//! Where a session's trace goes.

use std::boxed::Box;
use std::fs::File;
use std::io::{self, IoSlice, Write};
use std::path::{Path, PathBuf};
use std::string::{String, ToString};
use std::sync::Arc;
use std::time::Duration;

use super::session::Shared;
use super::session_error::SessionError;
use super::socket::{Address, Receiver};

/// What was configured.
pub(super) enum Target {
    None,
    File(PathBuf),
    Writer(Box<dyn Write + Send>),
    Receiver(Address),
}

/// What is written to.
pub(super) enum Output {
    Writer(Box<dyn Write + Send>),
    Receiver(Receiver),
}

impl Target {
    pub(super) fn open(self, reconnect: Option<Duration>) -> Result<Option<Output>, SessionError> {
        Ok(match self {
            Self::None => None,
            Self::Writer(writer) => Some(Output::Writer(writer)),
            Self::File(path) => Some(Output::Writer(Box::new(create(&path)?))),
            Self::Receiver(address) => {
                let what = std::format!("the trace's receiver {address}");
                let receiver = Receiver::connect(address, reconnect);
                Some(Output::Receiver(receiver.map_err(|source| SessionError::Io { what, source })?))
            }
        })
    }

    pub(super) fn describe(&self) -> String {
        match self {
            Self::None => "none".into(),
            Self::File(path) => path.display().to_string(),
            Self::Writer(_) => "a writer".into(),
            Self::Receiver(address) => address.to_string(),
        }
    }
}

/// A file for a trace.
pub(super) fn create(path: &Path) -> Result<File, SessionError> {
    File::create(path)
        .map_err(|source| SessionError::Io { what: std::format!("the trace file {}", path.display()), source })
}

impl Output {
    pub(super) fn attach(&mut self, shared: Arc<Shared>) {
        if let Self::Receiver(receiver) = self {
            receiver.attach(shared);
        }
    }

    /// A receiver that is connected to anew when the connection is lost.
    pub(super) fn reconnecting(&mut self) -> Option<&mut Receiver> {
        match self {
            Self::Receiver(receiver) if receiver.reconnects() => Some(receiver),
            _ => None,
        }
    }

    /// Whether nothing can be written now, but later.
    pub(super) fn is_waiting(&self) -> bool {
        matches!(self, Self::Receiver(receiver) if receiver.is_waiting())
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Writer(writer) => writer.write(bytes),
            Self::Receiver(receiver) => receiver.write(bytes),
        }
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Writer(writer) => writer.write_vectored(pieces),
            Self::Receiver(receiver) => receiver.write_vectored(pieces),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Writer(writer) => writer.flush(),
            Self::Receiver(receiver) => receiver.flush(),
        }
    }
}
