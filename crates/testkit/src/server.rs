//! A program of another language that answers line by line.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// One request a line, one reply a line.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    requests: ChildStdin,
    replies: Receiver<std::io::Result<String>>,
}

/// Loading a trace of a hundred megabytes takes half a minute on a small machine.
const TIMEOUT: Duration = Duration::from_secs(120);

impl Server {
    pub(crate) fn start(command: &mut Command) -> Result<Self, String> {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| format!("{command:?}: {error}"))?;
        let (Some(requests), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(format!("{command:?}: has no pipes"));
        };
        let (sender, replies) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Self { child, requests, replies })
    }

    /// Never waits longer than [`TIMEOUT`]: a server that does not answer is ended.
    pub(crate) fn ask(&mut self, request: &str) -> Result<serde_json::Value, String> {
        let sent = writeln!(self.requests, "{request}").and_then(|()| self.requests.flush());
        sent.map_err(|error| format!("{error}{}", self.last_words()))?;
        let reply = match self.replies.recv_timeout(TIMEOUT) {
            Ok(reply) => reply.map_err(|error| error.to_string())?,
            Err(RecvTimeoutError::Timeout) => {
                return Err(format!("no answer in {} s{}", TIMEOUT.as_secs(), self.last_words()));
            }
            Err(RecvTimeoutError::Disconnected) => return Err(format!("it has ended{}", self.last_words())),
        };
        let mut reader = serde_json::Deserializer::from_str(&reply);
        reader.disable_recursion_limit();
        let parsed = reader.into_iter().next().ok_or("an empty reply")?;
        parsed.map_err(|error| format!("{error} in {reply}"))
    }

    /// Ends the server; what it said on its standard error.
    fn last_words(&mut self) -> String {
        _ = self.child.kill();
        let mut said = String::new();
        if let Some(mut errors) = self.child.stderr.take() {
            _ = errors.read_to_string(&mut said);
        }
        format!("; it said: {said:?}")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// A file that holds `bytes` until it is dropped.
pub(crate) fn temporary_file(bytes: &[u8]) -> Result<tempfile::NamedTempFile, String> {
    let write = || {
        let mut file = tempfile::NamedTempFile::new()?;
        file.write_all(bytes)?;
        Ok::<_, std::io::Error>(file)
    };
    write().map_err(|error| format!("cannot write a temporary file: {error}"))
}
