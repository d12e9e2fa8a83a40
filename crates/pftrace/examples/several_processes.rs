//! A small distributed system on one timeline: a gateway, a leader and two followers, each a process with threads.
//!
//! In the UI each process is a group with its thread `rpc`; those that store have a thread `disk` too, and a counter of their
//! log entries. Click on a slice: the arrows to and from it are the messages. A write goes from the gateway to the leader, from there to both followers, and
//! is answered when both have it on disk.
//!
//! The system is simulated. The same code writes what real processes logged: a writer takes any process, any thread, and
//! any time, as long as on each track slices come in order.
//!
//! ```text
//! cargo run -p pftrace --example several_processes -- cluster.pftrace
//! ```

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};

use pftrace::{CounterTrack, FileTraceWriter, TraceWriter, Track, Unit};

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args_os().nth(1).map_or(env::temp_dir().join("several_processes.pftrace"), PathBuf::from);
    trace(&path)?;
    println!("Drop {} on https://ui.perfetto.dev", path.display());
    Ok(())
}

/// How long things take, in nanoseconds.
const NETWORK: u64 = 150_000;
const CPU: u64 = 40_000;
const DISK: u64 = 900_000;

/// Has the system do five writes.
pub(crate) fn trace(path: &Path) -> Result<(), Box<dyn Error>> {
    let mut cluster = Cluster { trace: TraceWriter::create(path)?, messages: 0 };
    let mut gateway = cluster.process(100, "gateway")?;
    let mut leader = cluster.process(200, "leader")?;
    let mut followers = [cluster.process(301, "follower 1")?, cluster.process(302, "follower 2")?];
    for number in 0..5 {
        cluster.put(number, number * 5_000_000, &mut gateway, &mut leader, &mut followers)?;
    }
    cluster.trace.finish()?;
    Ok(())
}

struct Cluster {
    trace: FileTraceWriter,
    messages: u64,
}

struct Process {
    rpc: Track,
    disk: Track,
    entries: CounterTrack,
}

/// A message on its way: the number of its flow, and when it arrives.
#[derive(Clone, Copy)]
struct Message {
    flow: u64,
    arrives: u64,
}

impl Cluster {
    fn process(&mut self, pid: i32, name: &str) -> Result<Process, pftrace::Error> {
        // Each process gets a sequence, since their times advance apart: the trace is smaller for it.
        let sequence = self.trace.add_sequence();
        let process = self.trace.process_track(pid).name(name).describe()?;
        let mut thread = |tid, name| self.trace.thread_track(&process, tid).name(name).sequence(sequence).describe();
        // By custom the first thread has the process's number.
        let (rpc, disk) = (thread(pid.into(), "rpc")?, thread(i64::from(pid) + 1000, "disk")?);
        let entries =
            self.trace.counter_track("log entries").parent(&process).unit(Unit::Count).sequence(sequence).describe()?;
        Ok(Process { rpc, disk, entries })
    }

    fn put(
        &mut self,
        number: u64,
        time: u64,
        gateway: &mut Process,
        leader: &mut Process,
        followers: &mut [Process; 2],
    ) -> Result<(), pftrace::Error> {
        // The slice of the whole write stays open while the rest is written: tracks do not wait for each other.
        let to_leader = self.message(time + CPU);
        self.trace.begin_with(&mut gateway.rpc, time, "PUT", |event| {
            event.category("rpc").arg("key", &format!("user:{number}")).flow(to_leader.flow);
        })?;

        let sent = to_leader.arrives + CPU;
        let replicate = [self.message(sent), self.message(sent)];
        self.trace.slice_with(&mut leader.rpc, to_leader.arrives, sent, "append", |event| {
            event.terminating_flow(to_leader.flow).flow(replicate[0].flow).flow(replicate[1].flow);
        })?;
        self.store(leader, number, sent, DISK)?;

        let mut acks = Vec::new();
        for (follower, (message, speed)) in followers.iter_mut().zip(replicate.into_iter().zip(1..)) {
            let received = message.arrives + CPU;
            self.trace.slice_with(&mut follower.rpc, message.arrives, received, "replicate", |event| {
                event.terminating_flow(message.flow);
            })?;
            let on_disk = self.store(follower, number, received, speed * DISK)?;
            let ack = self.message(on_disk + CPU);
            self.trace.slice_with(&mut follower.rpc, on_disk, on_disk + CPU, "acknowledge", |event| {
                event.flow(ack.flow);
            })?;
            acks.push(ack);
        }

        let last = acks.iter().map(|message| message.arrives).max().unwrap_or(sent);
        let done = self.message(last + CPU);
        self.trace.slice_with(&mut leader.rpc, last, last + CPU, "commit", |event| {
            acks.iter().for_each(|ack| _ = event.terminating_flow(ack.flow));
            event.flow(done.flow);
        })?;
        let answered = done.arrives + CPU;
        self.trace.slice_with(&mut gateway.rpc, done.arrives, answered, "reply", |event| {
            event.terminating_flow(done.flow);
        })?;
        self.trace.end(&mut gateway.rpc, answered)
    }

    /// Writes a log entry to disk. Returns when it is there.
    fn store(&mut self, process: &mut Process, number: u64, begin: u64, takes: u64) -> Result<u64, pftrace::Error> {
        self.trace.slice_with(&mut process.disk, begin, begin + takes, "fsync", |event| {
            event.category("io").arg("entry", number);
        })?;
        self.trace.counter(&process.entries, begin + takes, number + 1)?;
        Ok(begin + takes)
    }

    /// Each message is a flow of two steps: what sends it has the `flow`, what receives it the `terminating_flow`.
    fn message(&mut self, sent: u64) -> Message {
        self.messages += 1;
        Message { flow: self.messages, arrives: sent + NETWORK }
    }
}
