//! The guide's examples: each is run, its trace is loaded by the real trace processor, and the rows are compared with what
//! the example did. (The emulator has tests of its own.)
//!
//! They are modules here, so they can't be missing or older than their source, as programs beside the test can. `main` of
//! each does no more than to find the path for `trace`.

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{fs, process};

use pftrace_testkit::{Arg, Loaded, Slice, Track, check};

mod async_request;
mod function_profiling;
mod io_monitoring;
mod no_std_buffer;
mod performance_metrics;
mod recording_env;
mod recording_frames;
mod recording_interpreter;
mod recording_rayon;
mod recording_server;
mod recording_threads;
mod recording_tracks;
mod several_processes;

/// Runs an example. Returns what it returned and its trace, loaded; `None` where a judge is not installed.
fn run<T, E: Debug>(name: &str, trace: impl FnOnce(&Path) -> Result<T, E>) -> Option<(T, Loaded)> {
    let (result, bytes) = bytes(name, trace);
    Some((result, check(&bytes)?))
}

/// Runs an example. Returns what it returned and its trace.
fn bytes<T, E: Debug>(name: &str, trace: impl FnOnce(&Path) -> Result<T, E>) -> (T, Vec<u8>) {
    let _alone = alone();
    let path = temporary(&format!("{name}.pftrace"));
    let result = trace(&path).unwrap();
    let bytes = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    (result, bytes)
}

/// One session at a time is recorded in a process.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A file or folder of this process.
fn temporary(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", process::id()))
}

/// An annotation of a slice.
#[track_caller]
fn arg<'l>(slice: &'l Slice, name: &str) -> &'l Arg {
    slice.args.get(&format!("debug.{name}")).unwrap_or_else(|| panic!("no {name}: {slice:#?}"))
}

#[track_caller]
fn uint(slice: &Slice, name: &str) -> u64 {
    match arg(slice, name) {
        Arg::Uint(value) => *value,
        other => panic!("{name} is {other:?}: {slice:#?}"),
    }
}

/// The arrows, as names of tracks and slices: `client/request -> server/handle`.
fn arrows(loaded: &Loaded) -> Vec<String> {
    let name = |id| {
        let slice = loaded.slices.iter().find(|slice| slice.id == id).unwrap();
        format!("{}/{}", loaded.track_name(slice).unwrap(), slice.name.as_deref().unwrap())
    };
    loaded.flows.iter().map(|(from, to)| format!("{} -> {}", name(*from), name(*to))).collect()
}

/// A number and a name.
type Named = (i64, String);

/// Each process, and its threads that have a name, all in order.
fn processes(loaded: &Loaded) -> Vec<(Named, Vec<Named>)> {
    let threads_of = |upid| {
        let threads = loaded.threads.values().filter(|thread| thread.upid == Some(upid));
        let mut threads: Vec<_> = threads.filter_map(|thread| Some((thread.tid, thread.name.clone()?))).collect();
        threads.sort();
        threads
    };
    let processes = loaded.processes.iter();
    let mut processes: Vec<_> = processes
        .map(|(upid, process)| ((process.pid, process.name.clone().unwrap_or_default()), threads_of(*upid)))
        .collect();
    processes.sort();
    processes
}

/// The only track of a counter.
#[track_caller]
fn counter<'l>(loaded: &'l Loaded, name: &str) -> &'l Track {
    let tracks: Vec<_> = loaded.tracks.values().filter(|track| track.name.as_deref() == Some(name)).collect();
    assert_eq!(tracks.len(), 1, "{name}: {tracks:#?}");
    tracks[0]
}

/// The values of a counter, in the order of time.
fn values(loaded: &Loaded, name: &str) -> Vec<f64> {
    loaded.counter_values(name).into_iter().map(|(_, value)| value).collect()
}

/// The numbers of this process and thread, where Linux tells them.
fn own_ids() -> (i64, Option<i64>) {
    let thread = fs::read_link("/proc/thread-self").ok();
    (process::id().into(), thread.and_then(|link| link.file_name()?.to_str()?.parse().ok()))
}
