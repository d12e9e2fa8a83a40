//! Chunks of a thread's packets, of which some are lost, and what a reader has to write around the rest, so that the trace
//! processor shows all that remains: names, times, durations, depths.
//!
//! The chunks know no names: each event names a definition by number, and the reader writes the definitions, at the begin of
//! each generation those of the chunk that follows, later those that are new.

mod assemble;
mod rate;
mod thread;

use std::collections::BTreeSet;

use pftrace_testkit::{Loaded, check};

use crate::assemble::Assembler;
use crate::thread::{Chunk, Recorded, Slice, chunks, expected};

/// Begins and ends of nested slices, with times: `(` and `)`, one step of time each.
fn program(text: &str) -> Vec<Recorded> {
    let mut recorded = Vec::new();
    for (number, kind) in text.chars().enumerate() {
        let time = 1_000 + 100 * number as u64;
        recorded.push(match kind {
            '(' => Recorded::Begin { time, definition: 1 + number as u32 % 7 },
            ')' => Recorded::End { time },
            _ => Recorded::Instant { time, definition: 20 + number as u32 % 3 },
        });
    }
    recorded
}

/// The trace of what remains of `chunks` without `lost`.
fn trace(chunks: &[Chunk], lost: &BTreeSet<usize>) -> Vec<u8> {
    let mut assembler = Assembler::new(7);
    for (number, chunk) in chunks.iter().enumerate().filter(|(number, _)| !lost.contains(number)) {
        assembler.chunk(number, chunk);
    }
    assembler.finish()
}

fn shown(loaded: &Loaded) -> Vec<Slice> {
    let mut slices: Vec<_> = loaded
        .slices
        .iter()
        .map(|slice| Slice {
            name: slice.name.clone().unwrap_or_default(),
            begin: slice.ts as u64,
            duration: slice.dur,
            depth: slice.depth,
        })
        .collect();
    slices.sort();
    slices
}

fn assert_survives(text: &str, per_chunk: usize, losses: impl Iterator<Item = BTreeSet<usize>>) {
    let recorded = program(text);
    let chunks = chunks(&recorded, per_chunk);
    for lost in losses {
        if lost.len() == chunks.len() {
            continue;
        }
        let Some(loaded) = check(&trace(&chunks, &lost)) else { return };
        assert!(loaded.complaints().is_empty(), "{:?}", loaded.complaints());
        let kept: Vec<_> = (0..chunks.len()).filter(|number| !lost.contains(number)).collect();
        let note = format!("{text} in chunks of {per_chunk}, without {lost:?}");
        assert_shown(&loaded, expected(&recorded, per_chunk, &kept), &note);
    }
}

fn assert_shown(loaded: &Loaded, mut expected: Vec<Slice>, note: &str) {
    expected.sort();
    assert_eq!(shown(loaded), expected, "{note}");
}

/// Every set of lost chunks out of `count`.
fn every_loss(count: usize) -> impl Iterator<Item = BTreeSet<usize>> {
    (0..1_u32 << count).map(move |bits| (0..count).filter(|chunk| bits >> chunk & 1 == 1).collect())
}

const PROGRAM: &str = "((.)(()).())((.))(.(.(.)))";

#[test]
fn every_loss_out_of_six_chunks() {
    assert_survives(PROGRAM, PROGRAM.len().div_ceil(6), every_loss(6));
}

#[test]
fn one_chunk_or_two_lost_at_every_boundary() {
    for per_chunk in [1, 2, 7] {
        let count = PROGRAM.len().div_ceil(per_chunk);
        let windows =
            (0..count).flat_map(|first| (first + 1..=count.min(first + 2)).map(move |end| (first..end).collect()));
        assert_survives(PROGRAM, per_chunk, windows);
    }
}

#[test]
fn nothing_lost_needs_one_generation() {
    let chunks = chunks(&program(PROGRAM), 4);
    let mut assembler = Assembler::new(7);
    chunks.iter().enumerate().for_each(|(number, chunk)| assembler.chunk(number, chunk));
    assert_eq!(assembler.generations(), 1);
}

/// A slice that was lost shortens its parents when the reader does not begin it again, and no stat says so.
#[test]
fn what_happens_without_beginning_again() {
    let recorded = program("((.)((.)).)");
    let chunks = chunks(&recorded, 5);
    let mut assembler = Assembler::new(7);
    assembler.forgetful();
    for number in [0, 2] {
        assembler.chunk(number, &chunks[number]);
    }
    let Some(loaded) = check(&assembler.finish()) else { return };
    assert!(loaded.complaints().is_empty());
    let mut expected = expected(&recorded, 5, &[0, 2]);
    expected.sort();
    assert_ne!(shown(&loaded), expected);
}
