//! Snapshots of a flight recorder: at once, and later.

use std::boxed::Box;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::os;
use super::output::create;
use super::report::Report;
use super::session::Shared;
use super::session_error::SessionError;
use super::stats::lock;

/// Takes snapshots of a session with [`Policy::FlightRecorder`](crate::Policy::FlightRecorder), in any thread: from
/// [`Session::recorder`](crate::Session::recorder). All clones are of the same session. It does not keep the session from being stopped.
///
/// ```
/// use std::time::Duration;
///
/// use pftrace::{Policy, Session, instant};
///
/// # let path = std::env::temp_dir().join(format!("pftrace-trigger-{}.pftrace", std::process::id()));
/// let session = Session::builder().policy(Policy::FlightRecorder).buffer_bytes(1 << 20).start()?;
/// let recorder = session.recorder();
/// let watching = std::thread::spawn(move || {
///     instant!("watch", "too slow");
///     // With what comes of it.
///     recorder.trigger(Duration::from_millis(50), &path)?.wait()
/// });
/// instant!("work", "going on");
/// let report = watching.join().unwrap()?;
/// assert_eq!(report.events, 2);
/// # std::fs::remove_file(std::env::temp_dir().join(format!("pftrace-trigger-{}.pftrace", std::process::id()))).unwrap();
/// # Ok::<(), pftrace::SessionError>(())
/// ```
#[derive(Clone, Debug)]
pub struct FlightRecorder {
    shared: Arc<Shared>,
}

impl FlightRecorder {
    pub(super) fn of(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// See [`Session::snapshot`](crate::Session::snapshot).
    ///
    /// # Errors
    ///
    /// The same.
    pub fn snapshot(&self, mut writer: impl Write) -> Result<Report, SessionError> {
        self.shared.snapshot(|| Ok(&mut writer))
    }

    /// See [`Session::snapshot_to_file`](crate::Session::snapshot_to_file).
    ///
    /// # Errors
    ///
    /// The same.
    pub fn snapshot_to_file(&self, path: impl AsRef<Path>) -> Result<Report, SessionError> {
        self.shared.snapshot(|| create(path.as_ref()))
    }

    /// Takes a snapshot into a file after that time, in a thread of its own: it has what led here, and what comes of it. When the session
    /// stops before, the snapshot is taken then.
    ///
    /// # Errors
    ///
    /// [`SessionError::NotAFlightRecorder`] and [`SessionError::Forked`] at once, and [`SessionError::Io`] when no thread can be
    /// started; all others come from [`Trigger::wait`].
    pub fn trigger(&self, after: Duration, path: impl AsRef<Path>) -> Result<Trigger, SessionError> {
        self.shared.flight()?;
        let pending = Pending::new(self.shared.clone());
        let (path, outcome) = (path.as_ref().to_path_buf(), Arc::new(Outcome::default()));
        let trigger = Trigger { outcome: outcome.clone(), shared: self.shared.clone() };
        // Who stops the session waits for what is pending, and finds it done.
        let take = move || outcome.set(pending.take(after, &path));
        os::spawn("pftrace trigger", Box::new(take)).map_err(in_thread)?;
        Ok(trigger)
    }
}

/// A snapshot that will be taken: from [`FlightRecorder::trigger`]. It is taken as well when this is dropped.
///
/// ```
/// use std::time::Duration;
///
/// use pftrace::{Policy, Session, instant};
///
/// # let path = std::env::temp_dir().join(format!("pftrace-pending-{}.pftrace", std::process::id()));
/// let session = Session::builder().policy(Policy::FlightRecorder).buffer_bytes(1 << 20).start()?;
/// let trigger = session.recorder().trigger(Duration::from_millis(20), &path)?;
/// instant!("example", "what comes of it");
/// assert_eq!(trigger.wait()?.events, 1);
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), pftrace::SessionError>(())
/// ```
#[derive(Debug)]
pub struct Trigger {
    outcome: Arc<Outcome>,
    shared: Arc<Shared>,
}

impl Trigger {
    /// Whether the snapshot has been written, or has failed.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.shared.ring.is_forked() || lock(&self.outcome.result).is_some()
    }

    /// Waits until it is done, and says what came of it.
    ///
    /// # Errors
    ///
    /// See [`Session::snapshot_to_file`](crate::Session::snapshot_to_file).
    pub fn wait(self) -> Result<Report, SessionError> {
        let mut result = lock(&self.outcome.result);
        loop {
            match result.take() {
                Some(result) => return result,
                // Its thread is the parent's.
                None if self.shared.ring.is_forked() => return Err(SessionError::Forked),
                None => result = self.outcome.done.wait(result).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

/// What came of it, when it is done.
#[derive(Debug, Default)]
struct Outcome {
    result: Mutex<Option<Result<Report, SessionError>>>,
    done: Condvar,
}

impl Outcome {
    fn set(&self, result: Result<Report, SessionError>) {
        *lock(&self.result) = Some(result);
        self.done.notify_all();
    }
}

/// What is wrong with the trigger's thread.
fn in_thread(source: io::Error) -> SessionError {
    SessionError::Io { what: "the trigger's thread".into(), source }
}

/// Counted by the flight recorder, until it is done.
struct Pending(Arc<Shared>);

impl Pending {
    fn new(shared: Arc<Shared>) -> Self {
        if let Some(flight) = &shared.flight {
            flight.add_trigger();
        }
        Self(shared)
    }

    fn take(&self, after: Duration, path: &Path) -> Result<Report, SessionError> {
        self.0.sleep(after);
        catch_unwind(AssertUnwindSafe(|| self.0.snapshot(|| create(path))))
            .unwrap_or_else(|_| Err(in_thread(io::Error::other("it panicked"))))
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(flight) = &self.0.flight {
            flight.remove_trigger();
        }
    }
}
