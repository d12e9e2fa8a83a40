//! A rayon program: numbers are made up, sorted and counted by a pool whose threads take work from each other.
//!
//! In the UI each thread of the pool has a track. A slice "sort" has in it the sorting of its two halves, or arrows lead to where they went: another
//! thread has taken one of them. A thread that waits for a half takes up other work meanwhile, so slices also lie in others that
//! have nothing to do with them. Select one: `node` says which half of which half it is.
//!
//! rayon needs no support for this: what runs on a thread is recorded on that thread's track.
//!
//! ```text
//! cargo run -p pftrace --example recording_rayon -- sort.pftrace
//! ```

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, iter};

use pftrace::{NamedCounter, Report, Session, Unit, counter, slice};
use rayon::prelude::*;

pftrace::categories! {
    /// The steps of the whole job.
    JOB = "job";
    /// Parts of them, on whatever thread.
    PART = "part";
}

static SORTED: NamedCounter = NamedCounter::new("sorted").unit(Unit::Count).incremental();

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args_os().nth(1).map_or(env::temp_dir().join("recording_rayon.pftrace"), PathBuf::from);
    let (report, distinct) = trace(&path)?;
    println!("{distinct} of {COUNT} numbers are different");
    println!("{report}");
    println!("Drop {} on https://ui.perfetto.dev", path.display());
    Ok(())
}

pub(crate) const THREADS: usize = 4;
pub(crate) const COUNT: usize = 1 << 18;
/// So many are sorted in one go. A slice costs nanoseconds, but what a thread does in a microsecond is not worth looking at.
pub(crate) const LEAF: usize = 1 << 13;

/// Does it all, recorded. Returns how many different numbers there are.
pub(crate) fn trace(path: &Path) -> Result<(Report, usize), Box<dyn Error>> {
    // A pool may be there before the session, and stay when it stops. What its threads are called their tracks are called.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(THREADS).thread_name(|number| format!("sorter {number}"));
    let pool = pool.build()?;
    let session = Session::builder().file(path).start()?;
    let distinct = pool.install(job);
    Ok((session.stop()?, distinct))
}

fn job() -> usize {
    let (mut numbers, mut merged) = (vec![0; COUNT], vec![0; COUNT]);
    {
        let _step = slice!(JOB, "make up");
        numbers.par_chunks_mut(LEAF).enumerate().for_each(|(part, numbers)| make_up(part, numbers));
    }
    {
        let _step = slice!(flow: 1, JOB, "sort all");
        sort(&mut numbers, &mut merged, 1);
    }
    let _step = slice!(JOB, "count");
    numbers.par_chunks(LEAF).enumerate().map(|(part, chunk)| count(part, chunk, &numbers)).sum()
}

fn make_up(part: usize, numbers: &mut [u32]) {
    let _part = slice!(PART, "make up", part);
    let mut state = part as u64 + 1;
    let random = iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as u32
    });
    numbers.iter_mut().zip(random).for_each(|(number, random)| *number = random);
}

/// The halves of node `n` are `2n` and `2n + 1`. These are the numbers of the flows too: an arrow leads from a node to each of its halves.
fn sort(numbers: &mut [u32], merged: &mut [u32], node: u64) {
    let len = numbers.len();
    if len <= LEAF {
        let _sort = slice!(terminating_flow: node, PART, "sort", node, len);
        numbers.sort_unstable();
        counter!(track: &SORTED, PART, len);
        return;
    }
    let (left, right) = (2 * node, 2 * node + 1);
    let _sort = slice!(terminating_flow: node, flow: left, flow: right, PART, "sort", node, len);
    let (first, second) = numbers.split_at_mut(len / 2);
    let (first_merged, second_merged) = merged.split_at_mut(len / 2);
    // One of them is offered to the other threads.
    rayon::join(|| sort(first, first_merged, left), || sort(second, second_merged, right));
    merge(first, second, merged);
    numbers.copy_from_slice(merged);
}

fn merge(first: &[u32], second: &[u32], merged: &mut [u32]) {
    let _merge = slice!(PART, "merge", len = merged.len());
    let (mut first, mut second) = (first.iter().peekable(), second.iter().peekable());
    for to in merged {
        let from = match (first.peek(), second.peek()) {
            (Some(a), Some(b)) if a > b => &mut second,
            (None, _) => &mut second,
            _ => &mut first,
        };
        *to = *from.next().expect("as many as in both");
    }
}

/// How many numbers there are that the one before is not equal to, in one part of all.
fn count(part: usize, chunk: &[u32], all: &[u32]) -> usize {
    let _part = slice!(PART, "count", part);
    let before = (part * LEAF).checked_sub(1).map(|last| all[last]);
    let pairs = iter::once(before).chain(chunk.iter().copied().map(Some)).zip(chunk);
    pairs.filter(|(before, number)| *before != Some(**number)).count()
}
