//! What the system says of the process and its threads. Linux; elsewhere what the standard library knows.

use std::boxed::Box;
use std::string::{String, ToString};
use std::vec::Vec;
use std::{fs, process, thread};

/// The system's number of the calling thread.
pub(super) fn thread_id() -> i64 {
    #[cfg(target_os = "linux")]
    let id = i64::from(pftrace_ring::thread_id());
    #[cfg(not(target_os = "linux"))]
    let id = other::thread_id();
    id
}

/// Begins a thread of our own, on which no handler of the program's runs. In a forked child not as the standard library does, which may wait for ever there; then a panic in it ends
/// the process.
pub(super) fn spawn(name: &str, run: Box<dyn FnOnce() + Send>) -> std::io::Result<()> {
    pftrace_ring::without_signals(|| {
        #[cfg(unix)]
        if super::fork::is_child() {
            return pftrace_ring::spawn_bare(run);
        }
        thread::Builder::new().name(name.into()).spawn(run).map(drop)
    })
}

/// The name of the calling thread.
pub(super) fn thread_name() -> String {
    let tid = thread_id();
    let known = thread::current();
    let name = match known.name() {
        // The system has the first 15 bytes of it.
        Some(own) => renamed(tid, own).unwrap_or_else(|| own.to_string()),
        None => system_name(tid).unwrap_or_default(),
    };
    // The standard library calls the first thread so, the system by the program.
    if name == "main" || name.is_empty() { process_name() } else { name }
}

/// The name that the thread `tid` has, if that is not `last`, nor cut from it.
pub(super) fn renamed(tid: i64, last: &str) -> Option<String> {
    let now = system_name(tid)?;
    let same = now == last || now.len() == SYSTEM_NAME_LEN && last.starts_with(&now);
    (!same && last != "main").then_some(now)
}

/// How much of a thread's name the system keeps, in bytes.
const SYSTEM_NAME_LEN: usize = 15;

fn system_name(tid: i64) -> Option<String> {
    let name = fs::read(std::format!("/proc/self/task/{tid}/comm")).ok()?;
    let name = String::from_utf8_lossy(&name);
    Some(name.trim_end_matches('\n').to_string())
}

/// When the calling thread began, in hundredths of a second since the machine's start; 0 where that is not known. With the
/// process and the thread's number it tells a thread from a later one of the same number.
pub(super) fn thread_start() -> u64 {
    fs::read_to_string("/proc/thread-self/stat").ok().and_then(|stat| start_of(&stat)).unwrap_or(0)
}

/// When the process began, in nanoseconds of CLOCK_BOOTTIME.
pub(super) fn process_start_ns() -> Option<u64> {
    start_of(&fs::read_to_string("/proc/self/stat").ok()?)?.checked_mul(10_000_000)
}

/// The 22nd field, `starttime`: see proc_pid_stat(5). The second is a name in parentheses, which can have any characters.
fn start_of(stat: &str) -> Option<u64> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

/// The program's name.
pub(super) fn process_name() -> String {
    let path = std::env::args_os().next().unwrap_or_default();
    let name = std::path::Path::new(&path).file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// How the program was called.
pub(super) fn command_line() -> Vec<String> {
    let mut arguments = Vec::new();
    for argument in std::env::args_os() {
        arguments.push(argument.to_string_lossy().into_owned());
    }
    arguments
}

pub(super) fn process_id() -> i32 {
    process::id() as i32
}

#[cfg(not(target_os = "linux"))]
mod other {
    use std::sync::atomic::{AtomicI64, Ordering};

    /// Where the system's is not known: counted from 1 in the order of their first event.
    pub(super) fn thread_id() -> i64 {
        static NEXT: AtomicI64 = AtomicI64::new(1);
        std::thread_local!(static ID: i64 = NEXT.fetch_add(1, Ordering::Relaxed));
        ID.try_with(|id| *id).unwrap_or(0)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_thread_and_its_process_are_known() {
        let named = thread::Builder::new().name("a rather long name".into()).spawn(|| {
            let (tid, name) = (thread_id(), thread_name());
            assert_eq!(name, "a rather long name");
            assert_eq!(renamed(tid, &name), None);
            assert_eq!(renamed(tid, "another").as_deref(), Some("a rather long n"));
            assert!(thread_start() > 0);
        });
        named.unwrap().join().unwrap();
        assert_ne!(thread_id(), 0);
        assert!(process_start_ns() > Some(0));
        assert_eq!(start_of("1 (a) b) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 99 20"), Some(99));
        assert_eq!(start_of("1 (a"), None);
    }
}
