//! Every order in which the ring's threads can meet, within the bounds that each model states.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p pftrace-ring --profile loom --lib`
//!
//! What is in a chunk is a cell that loom watches: a read while somebody writes is an error in the model, whatever the
//! values. The memory of the region itself is not looked at.

use std::sync::Arc;

use loom::cell::UnsafeCell;

use crate::ring::{Config, Policy, Ring};
use crate::{Reader, Writer};

mod desks;
mod histories;
mod lists;
mod writers;

/// The packets of each chunk: `contents[chunk][packet]`.
struct Contents(Vec<Vec<UnsafeCell<u32>>>);

impl Contents {
    fn new(chunks: u32, packets: usize) -> Arc<Self> {
        Arc::new(Self((0..chunks).map(|_| (0..packets).map(|_| UnsafeCell::new(0)).collect()).collect()))
    }

    fn write(&self, chunk: u32, packet: usize, value: u32) {
        // SAFETY: that nobody else has the cell is what loom checks.
        self.0[chunk as usize][packet].with_mut(|cell| unsafe { *cell = value });
    }

    fn read(&self, chunk: u32, packet: usize) -> u32 {
        // SAFETY: that nobody writes the cell is what loom checks.
        self.0[chunk as usize][packet].with(|cell| unsafe { *cell })
    }
}

fn ring(chunks: u32, policy: Policy) -> Ring {
    Ring::new(Config { chunk_len: 256, chunks, policy, writers: 3 }).unwrap()
}

/// Writes `values`, one packet each, at most `per_chunk` into a chunk; returns how many there was room for.
fn write(writer: &mut Writer, contents: &Contents, values: &[u32], per_chunk: usize) -> u32 {
    let mut written = 0;
    for &value in values {
        if writer.packets() as usize == per_chunk {
            writer.complete();
        }
        let Ok(space) = writer.begin_or_take() else { continue };
        let (chunk, packet) = space.place();
        contents.write(chunk, packet, value);
        space.commit(1);
        written += 1;
    }
    written
}

/// Reads all there is, when nobody writes any more.
fn read_rest(reader: &mut Reader, contents: &Contents) -> Vec<(u32, u32)> {
    let mut values = read(reader, contents);
    // What a writer could not end for want of a place in the queue.
    reader.complete_idle();
    values.extend(read(reader, contents));
    values
}

/// Reads all that is complete.
fn read(reader: &mut Reader, contents: &Contents) -> Vec<(u32, u32)> {
    let mut values = Vec::new();
    while let Some(chunk) = reader.next_chunk() {
        let packets = 0..chunk.packets() as usize;
        values.extend(packets.map(|packet| (chunk.owner().number(), contents.read(chunk.index(), packet))));
    }
    values
}

/// At most that many times is a thread stopped where it could go on: more takes hours and has found nothing else.
fn check(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}
