//! The threads of the job.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::thread::{Builder, scope};
use std::{fs, io};

use pftrace::slice;

use crate::collect::{Totals, collect};
use crate::file::{Examiner, Finding, Source};
use crate::queue::Queue;
use crate::{FILE, FIND};

/// How many files wait for a worker at most.
const QUEUE_CAPACITY: usize = 256;

/// Takes stock of the Rust sources in `trees`: this thread finds them, `workers` others look at them, and one more collects.
///
/// # Errors
///
/// What can't be read; what is found until then is looked at nevertheless.
pub fn run(trees: &[PathBuf], workers: usize) -> io::Result<Totals> {
    let queue = Queue::new(QUEUE_CAPACITY);
    let (sender, receiver) = channel();
    scope(|scope| {
        let mut examining = Vec::new();
        let collecting = {
            // Whatever happens: when this ends the queue is closed, and so the workers end, and so the collector.
            let _closing = queue.close_at_end();
            let collecting = Builder::new().name("collector".into()).spawn_scoped(scope, || collect(receiver))?;
            for number in 1..=workers {
                let (queue, sender) = (&queue, sender.clone());
                let worker = Builder::new().name(format!("worker {number}"));
                examining.push(worker.spawn_scoped(scope, move || examine_all(queue, &sender))?);
            }
            drop(sender);
            for tree in trees {
                let name = tree.file_name().unwrap_or(tree.as_os_str()).to_string_lossy();
                find(tree, &name, &queue)?;
            }
            collecting
        };
        examining.into_iter().try_for_each(|worker| joined(worker.join()))?;
        joined(collecting.join())
    })
}

/// A panic of the thread goes on in this one.
fn joined<T>(result: std::thread::Result<T>) -> T {
    result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Puts the sources below `folder` into the queue.
fn find(folder: &Path, name: &str, queue: &Queue<Source>) -> io::Result<()> {
    let _find = slice!(FIND, name);
    let at_folder = |error| at(folder, error);
    let mut entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(at_folder)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let name = format!("{name}/{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type().map_err(at_folder)?;
        if kind.is_dir() {
            find(&path, &name, queue)?;
        } else if kind.is_file() && path.extension().is_some_and(|extension| extension == "rs") {
            queue.push(Source { name, path });
        }
    }
    Ok(())
}

/// A worker.
fn examine_all(queue: &Queue<Source>, findings: &Sender<Finding>) -> io::Result<()> {
    let mut examiner = Examiner::default();
    while let Some(source) = queue.pop() {
        let path = source.path.clone();
        let finding = examiner.examine(source).map_err(|error| at(&path, error))?;
        let _report = slice!(FILE, "report");
        if findings.send(finding).is_err() {
            // The collector has failed: it says why.
            return Ok(());
        }
    }
    Ok(())
}

fn at(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
