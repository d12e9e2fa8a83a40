//! Whether anything is lost while the sink takes the trace at 80 % of the rate that it was measured at: for a minute, with the default
//! buffer of 64 MiB.

use std::fs::File;
use std::io::{Result, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use pftrace::{Session, instant};

use crate::options::{PartsOptions, unique_file};
use crate::table::{self, number};

pftrace::categories! {
    LOSSLESS = "lossless";
}

const SHARE: f64 = 0.8;
/// What pftrace writes at once.
const PIECE: usize = 256 << 10;
/// So long a file is, from the begin on: it is written over. While it grows a sink takes less, as memory is looked for: on tmpfs sometimes less than one thread can record.
const FILE_LEN: u64 = 4 << 30;
/// What a slow sink takes in a second.
const SLOW: f64 = 200e6;
/// Events that are recorded between two looks at the clock.
const BATCH: u64 = 500;

pub fn run(options: &PartsOptions) {
    println!("{}\n", table::machine());
    let seconds = Duration::from_secs(options.seconds);
    let [disk, memory] = [&options.directory, &PathBuf::from("/dev/shm")].map(|folder| unique_file(folder));
    let sinks: [(&str, &Path, Option<f64>); 3] = [
        ("file on tmpfs", &memory, None),
        ("file", &disk, None),
        ("file on tmpfs that takes 200 MB/s", &memory, Some(SLOW)),
    ];
    let columns = ["sink", "takes, MB/s", "recorded, MB/s", "of what it takes", "seconds", "events", "lost"];
    let mut rows = vec![columns.map(str::to_owned).to_vec()];
    for (name, path, limit) in sinks {
        let mut sink = Sink::new(path, limit).expect("the file can be made");
        let takes = rate(&mut sink, seconds / 6);
        let Recorded { bytes, events, lost, elapsed } = record(sink, SHARE * takes, seconds);
        let recorded = bytes as f64 / elapsed;
        let mut row = vec![name.to_owned()];
        row.extend([takes / 1e6, recorded / 1e6].map(number));
        row.extend([
            format!("{:.0} %", recorded / takes * 100.0),
            number(elapsed),
            events.to_string(),
            lost.to_string(),
        ]);
        rows.push(row);
        _ = std::fs::remove_file(path);
    }
    let title = "Lossless: one thread records at 80 % of what the sink takes, or as fast as it can";
    table::print_rows(true, title, &rows);
}

/// Bytes per second of wall time.
fn rate(sink: &mut Sink, time: Duration) -> f64 {
    let piece = vec![1; PIECE];
    let begin = Instant::now();
    let mut bytes = 0;
    while begin.elapsed() < time {
        sink.write_all(&piece).expect("the file takes it");
        bytes += PIECE;
    }
    bytes as f64 / begin.elapsed().as_secs_f64()
}

struct Recorded {
    bytes: u64,
    events: u64,
    lost: u64,
    elapsed: f64,
}

fn record(sink: Sink, bytes_per_second: f64, time: Duration) -> Recorded {
    /// In the file.
    const EVENT_LEN: f64 = 16.0;
    let session = Session::builder().writer(sink).start().expect("a session");
    let begin = Instant::now();
    let mut events = 0;
    while begin.elapsed() < time {
        let due = begin.elapsed().as_secs_f64() * bytes_per_second / EVENT_LEN;
        if events as f64 > due {
            std::hint::spin_loop();
            continue;
        }
        (0..BATCH).for_each(|_| instant!(LOSSLESS, "instant"));
        events += BATCH;
    }
    let elapsed = begin.elapsed().as_secs_f64();
    let report = session.stop().expect("the file takes it");
    assert_eq!(report.events + report.lost(), events, "all is delivered or counted: {report:?}");
    Recorded { bytes: report.bytes, events: report.events, lost: report.lost(), elapsed }
}

/// A file that does not grow, and may be slow.
struct Sink {
    file: File,
    written: u64,
    limit: Option<f64>,
    begin: Instant,
    total: u64,
}

impl Sink {
    fn new(path: &Path, limit: Option<f64>) -> Result<Self> {
        let mut file = File::create(path)?;
        let piece = vec![1; PIECE];
        for _ in 0..FILE_LEN / PIECE as u64 {
            file.write_all(&piece)?;
        }
        Ok(Self { file, written: FILE_LEN, limit, begin: Instant::now(), total: 0 })
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        if self.written >= FILE_LEN {
            self.file.seek(SeekFrom::Start(0))?;
            self.written = 0;
        }
        let len = self.file.write(bytes)?;
        self.written += len as u64;
        self.total += len as u64;
        if let Some(limit) = self.limit {
            let due = Duration::from_secs_f64(self.total as f64 / limit);
            std::thread::sleep(due.saturating_sub(self.begin.elapsed()));
        }
        Ok(len)
    }

    fn flush(&mut self) -> Result<()> {
        self.file.flush()
    }
}
