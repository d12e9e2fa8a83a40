//! Monitors what a program does with files: each open, write, seek and read, how long it took, and what came of it.
//!
//! In the UI, below this program's process, its thread shows a slice for each operation. Click on one to see the file, the
//! bytes asked for and done, the offset after it, or its error. Two counters beside the thread add up the bytes.
//!
//! ```text
//! cargo run -p pftrace --example io_monitoring -- io.pftrace
//! ```

use std::env;
use std::error::Error;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use pftrace::{CounterTrack, Event, FileTraceWriter, TraceWriter, Track, Unit};

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args_os().nth(1).map_or(env::temp_dir().join("io_monitoring.pftrace"), PathBuf::from);
    trace(&path)?;
    println!("Drop {} on https://ui.perfetto.dev", path.display());
    Ok(())
}

/// Works on a file beside `path`, and writes to `path` what was done.
pub(crate) fn trace(path: &Path) -> Result<(), Box<dyn Error>> {
    let mut monitor = Monitor::new(path)?;
    let data = PathBuf::from(format!("{}.data", path.display()));
    let (mut buffer, mut offset) = ([7; 4096], 0);

    let mut file = monitor.open(&data, OpenOptions::new().read(true).write(true).create(true).truncate(true))??;
    for _ in 0..16 {
        offset += monitor.transfer("write", &data, buffer.len(), offset, || file.write(&buffer))?? as u64;
    }
    offset = monitor.seek(&data, SeekFrom::Start(10_000), &mut file)??;
    // To the end of the file, where a read gives 0 bytes.
    loop {
        let read = monitor.transfer("read", &data, buffer.len(), offset, || file.read(&mut buffer))??;
        offset += read as u64;
        if read == 0 {
            break;
        }
    }
    drop(file);

    // Failures are what one looks for in such a trace. These two are expected, so their errors go no further.
    let mut read_only = monitor.open(&data, OpenOptions::new().read(true))??;
    _ = monitor.transfer("write", &data, buffer.len(), 0, || read_only.write(&buffer))?;
    fs::remove_file(&data)?;
    _ = monitor.open(&data, OpenOptions::new().read(true))?;

    monitor.trace.finish()?;
    Ok(())
}

/// Writes each operation on files into a trace.
///
/// Its methods have two results in each other: the outer one is the trace's, the inner one the operation's own.
struct Monitor {
    trace: FileTraceWriter,
    thread: Track,
    bytes: [(&'static str, CounterTrack, u64); 2],
    start: Instant,
}

impl Monitor {
    fn new(path: &Path) -> Result<Self, Box<dyn Error>> {
        let mut trace = TraceWriter::create(path)?;
        let pid = std::process::id();
        let process = trace.process_track(pid).name("io_monitoring").describe()?;
        let thread = trace.thread_track(&process, thread_id().unwrap_or(pid.into())).name("files").describe()?;
        let mut counter = |name| trace.counter_track(name).parent(&process).unit(Unit::SizeBytes).describe();
        let bytes = [("read", counter("bytes read")?, 0), ("write", counter("bytes written")?, 0)];
        Ok(Self { trace, thread, bytes, start: Instant::now() })
    }

    fn open(&mut self, path: &Path, options: &OpenOptions) -> Result<io::Result<File>, pftrace::Error> {
        self.operation("open", path, || options.open(path), |_, _| {})
    }

    fn seek(&mut self, path: &Path, to: SeekFrom, file: &mut File) -> Result<io::Result<u64>, pftrace::Error> {
        self.operation("seek", path, || file.seek(to), |offset, event| _ = event.arg("offset", *offset))
    }

    /// A read or a write at `offset`.
    fn transfer(
        &mut self,
        name: &str,
        path: &Path,
        asked: usize,
        offset: u64,
        work: impl FnOnce() -> io::Result<usize>,
    ) -> Result<io::Result<usize>, pftrace::Error> {
        let result = self.operation(name, path, work, |done, event| {
            event.arg("bytes_asked", asked).arg("bytes", *done).arg("offset", offset + *done as u64);
        })?;
        let now = self.now();
        for (_, counter, sum) in self.bytes.iter_mut().filter(|(kind, ..)| *kind == name) {
            *sum += result.as_ref().map_or(0, |done| *done as u64);
            self.trace.counter(counter, now, *sum)?;
        }
        Ok(result)
    }

    /// A slice from before `work` to after it. Of a success `describe` says more.
    fn operation<T>(
        &mut self,
        name: &str,
        path: &Path,
        work: impl FnOnce() -> io::Result<T>,
        describe: impl FnOnce(&T, &mut Event<'_>),
    ) -> Result<io::Result<T>, pftrace::Error> {
        let begin = self.now();
        let result = work();
        let end = self.now();
        // It is written after the work: what it takes to write the trace is not in the slice.
        self.trace.slice_with(&mut self.thread, begin, end, name, |event| {
            event.category("io").arg("path", &*path.to_string_lossy());
            match &result {
                Ok(value) => describe(value, event),
                Err(error) => {
                    _ = event.dict("error", |e| {
                        _ = e.arg("message", &error.to_string()).arg("os_code", error.raw_os_error().unwrap_or(0))
                    })
                }
            }
        })?;
        Ok(result)
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }
}

/// The number that Linux has for this thread. The standard library does not tell it.
fn thread_id() -> Option<i64> {
    fs::read_link("/proc/thread-self").ok()?.file_name()?.to_str()?.parse().ok()
}
