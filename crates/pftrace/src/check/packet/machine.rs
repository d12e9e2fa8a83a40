//! What belongs to one machine.

use std::vec::Vec;

use crate::check::clocks::Clocks;
use crate::check::finding::Report;
use crate::check::names::Names;
use crate::check::sequence::Sequence;
use crate::check::summary::Summary;
use crate::check::tracks::Tracks;
use crate::check::{Map, map};

/// What belongs to one machine: sequences, clocks, tracks, processes and threads of two may have the same numbers.
#[derive(Debug)]
pub(super) struct Machine {
    numbers: Map<u32, usize>,
    /// The one that was asked for last.
    last: (u32, usize),
    pub(super) sequences: Vec<Sequence>,
    pub(super) clocks: Clocks,
    pub(super) tracks: Tracks,
    /// The earliest and the latest time of an event, of its own clock.
    pub(super) span_ns: Option<(i64, i64)>,
}

impl Machine {
    pub(super) fn new(window: Option<usize>) -> Self {
        let mut tracks = Tracks::new();
        if let Some(events) = window {
            tracks.set_window(events);
        }
        Self {
            numbers: map(),
            last: (0, usize::MAX),
            sequences: Vec::new(),
            clocks: Clocks::new(),
            tracks,
            span_ns: None,
        }
    }

    #[inline]
    pub(super) fn number(&mut self, id: u32, doubtful: bool) -> usize {
        let (last, number) = self.last;
        if last == id && number < self.sequences.len() {
            return number;
        }
        let Self { numbers, sequences, .. } = self;
        let number = *numbers.entry(id).or_insert_with(|| {
            let mut sequence = Sequence::new();
            // Where something is missing, its state may have begun there.
            sequence.is_valid = doubtful;
            sequences.push(sequence);
            sequences.len() - 1
        });
        self.last = (id, number);
        number
    }

    /// The file has ended.
    pub(super) fn finish(&mut self, names: &mut Names, summary: &mut Summary, report: &mut Report<'_>) {
        self.clocks.finish(report);
        self.tracks.finish(names, report);
        if let Some((first, last)) = self.span_ns {
            let [first, last] = [first, last].map(|at| at.saturating_sub(self.clocks.offset_ns));
            let (earliest, latest) = summary.span_ns.unwrap_or((first, last));
            summary.span_ns = Some((first.min(earliest), last.max(latest)));
        }
        summary.sequences += self.numbers.keys().filter(|id| **id != 0).count() as u64;
        summary.processes += self.tracks.processes();
        summary.threads += self.tracks.threads();
        summary.tracks += self.tracks.described();
    }
}
