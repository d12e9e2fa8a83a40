//! What is judged of all tracks together, once the file has ended: whose they are, and what they lie under.

use std::vec::Vec;

use super::{Described, Track, Tracks, What};
use crate::check::finding::{Kind, Report};

/// Perfetto follows 100, but the engine of its UI (v52) runs out of stack at 77, and the trace does not load.
const MAX_ANCESTORS: u32 = 76;

/// How many ancestors a track has, as far as is known.
#[derive(Clone, Copy, Debug)]
enum Depth {
    Unknown,
    BeingFollowed,
    Known(u32),
}

impl Tracks {
    /// A track is a thread's, too, where one that it lies under is.
    pub(super) fn judge_threads(&self, report: &mut Report<'_>) {
        for track in self.tracks.iter().filter(|track| track.threaded.or(track.logged).or(track.processed).is_some()) {
            let parent = |track: &&Track| {
                let parent = track.described?.own_parent()?;
                self.numbers.get(&parent).map(|number| &self.tracks[*number])
            };
            let line = core::iter::successors(Some(track), parent).take(MAX_ANCESTORS as usize);
            let is_thread = |track: &Track| matches!(track.described, Some(Described { what: What::Thread(..), .. }));
            let is_process = |track: &Track| matches!(track.described, Some(Described { what: What::Process(..), .. }));
            let uuid = track.uuid;
            if track.thread.is_some() || line.clone().any(is_thread) {
                continue;
            }
            let is_undescribed = track.described.is_none() && uuid != 0;
            let is_free = is_undescribed || line.clone().any(is_process);
            if let Some(place) = track.processed.filter(|_| !is_free) {
                report.say_at(
                    place,
                    Kind::LegacyMisuse,
                    format_args!("expected an event of a process's scope on a process's or thread's track, found track {uuid}; told once per track"),
                );
            }
            if let Some(place) = track.logged {
                report.say_at(
                    place,
                    Kind::LogOffThread,
                    format_args!("expected a log message on a thread's track, found track {uuid}"),
                );
            }
            if let Some(place) = track.threaded.filter(|_| !is_undescribed) {
                report.say_at(place, Kind::LegacyMisuse, format_args!(
                    "expected an event of a thread's phase on a thread's track, found track {uuid}; told once per track"
                ));
            }
        }
    }

    /// Follows each chain of parents once.
    pub(super) fn judge_parents(&self, report: &mut Report<'_>) {
        let mut depths: Vec<Depth> = Vec::new();
        depths.resize(self.tracks.len(), Depth::Unknown);
        let mut chain = Vec::new();
        for number in 0..self.tracks.len() {
            let mut next = Some(number);
            let mut depth = 0;
            while let Some(number) = next {
                match depths[number] {
                    Depth::Unknown => {}
                    Depth::Known(known) => {
                        depth = known + 1;
                        break;
                    }
                    Depth::BeingFollowed => {
                        self.tell_loop(chain.last().copied().unwrap_or(number), report);
                        break;
                    }
                }
                depths[number] = Depth::BeingFollowed;
                chain.push(number);
                next = self.parent_of(number, report);
            }
            for number in chain.drain(..).rev() {
                depths[number] = Depth::Known(depth);
                if depth == MAX_ANCESTORS + 1 {
                    self.tell_depth(number, report);
                }
                depth += 1;
            }
        }
    }

    fn parent_of(&self, number: usize, report: &mut Report<'_>) -> Option<usize> {
        let (place, parent) = self.tracks[number].parent()?;
        let found = self.numbers.get(&parent).copied().filter(|number| self.tracks[*number].described.is_some());
        if found.is_none() {
            let uuid = self.tracks[number].uuid;
            report.say_at(
                place,
                Kind::ParentUndescribed,
                format_args!(
                    "expected the parent of track {uuid} to be described in the trace, found nothing of {parent}"
                ),
            );
        }
        found
    }

    fn tell_loop(&self, number: usize, report: &mut Report<'_>) {
        let Some((place, parent)) = self.tracks[number].parent() else { return };
        let uuid = self.tracks[number].uuid;
        report.say_at(place, Kind::ParentLoop, format_args!(
            "expected the ancestors of track {uuid} to come to an end, found its parent {parent} among its descendants"
        ));
    }

    fn tell_depth(&self, number: usize, report: &mut Report<'_>) {
        let Some((place, _)) = self.tracks[number].parent() else { return };
        let uuid = self.tracks[number].uuid;
        report.say_at(
            place,
            Kind::TracksTooDeep,
            format_args!("expected track {uuid} to have at most {MAX_ANCESTORS} ancestors, found more"),
        );
    }
}
