//! Which end ends which begin, on one track.
//!
//! Perfetto sorts events by time over all sequences, equal times by their order in the file, and an end ends what is on top.
//! So that is how they are matched here, with a window: begins and ends wait until the window is full, then of each track
//! the earlier half is matched. A track with an event that comes after its place has been matched is told of, and given up.
//!
//! A writer means something else: that an end ends the last begin *it* wrote on that track. Where the two differ, and with
//! them when a slice ends, slices overlap or times are wrong, and the picture is: Perfetto does not say so.

use core::fmt;
use std::collections::VecDeque;
use std::vec::Vec;

use super::finding::{Kind, Place, Report};
use super::names::{Names, Text};

/// As many as Perfetto shows on a track.
pub(super) const MAX_DEPTH: usize = 512;

/// No packet: nobody meant one.
const NOBODY: u64 = u64::MAX;

/// What they are on.
#[derive(Clone, Copy, Debug)]
pub(super) enum Of {
    Track(u64),
    /// Of a process's number and its own, without a track's.
    Thread(i64, i64),
}

impl fmt::Display for Of {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Track(uuid) => write!(f, "track {uuid}"),
            Self::Thread(pid, tid) => write!(f, "thread {tid} of process {pid}"),
        }
    }
}

/// The slices of a track.
#[derive(Debug)]
pub(super) struct Slices {
    of: Of,
    pending: VecDeque<Event>,
    is_sorted: bool,
    /// Everything before has been matched.
    matched_to: i64,
    open: Vec<Open>,
    /// Begins that were too deep.
    too_deep: u64,
    /// What its sequence has begun and not ended; empty once there are two of them.
    meant: Vec<Meant>,
    /// How many that are open have ended before one within them.
    ended: usize,
    writer: Option<u32>,
    /// Several sequences write on it: which of them ends which slice is theirs to know.
    is_shared: bool,
    /// They are not matched any more.
    pub(super) given_up: bool,
}

/// A begin or an end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    pub(super) at: i64,
    pub(super) place: Place,
    pub(super) is_end: bool,
    pub(super) name: Text,
    pub(super) category: u64,
    /// Of an end: the packet of the begin that its writer means, or nobody's.
    meant: u64,
}

impl Event {
    pub(super) fn new(at: i64, place: Place, is_end: bool, name: Text, category: u64) -> Self {
        Self { at, place, is_end, name, category, meant: NOBODY }
    }

    fn is_named(&self) -> bool {
        self.name.hash != 0 || self.category != 0
    }

    /// Whether it ends a slice of this name and category.
    fn fits(&self, name: u64, category: u64) -> bool {
        (self.category == 0 || self.category == category)
            && (self.name.hash == 0 || name == 0 || self.name.hash == name)
    }
}

/// A begin, as its writer ends it: by its packet.
#[derive(Clone, Copy, Debug)]
struct Meant {
    packet: u64,
    name: u64,
    category: u64,
}

#[derive(Debug)]
struct Open {
    begin: Event,
    /// The packet of the begin whose end is to end this.
    meant_by: u64,
    /// When, and where, Perfetto has ended the slice that is meant.
    misread: Option<(i64, Place)>,
    /// When, and where, it has ended, while one within it is open: Perfetto waits for that as long as time stands still.
    ended: Option<(i64, Place)>,
}

impl Slices {
    pub(super) fn new(of: Of) -> Self {
        Self {
            of,
            pending: VecDeque::new(),
            is_sorted: true,
            matched_to: i64::MIN,
            open: Vec::new(),
            too_deep: 0,
            meant: Vec::new(),
            ended: 0,
            writer: None,
            is_shared: false,
            given_up: false,
        }
    }

    /// Takes an event, to be matched later. Returns whether it is after the one before; `None` when it can't be matched.
    #[inline]
    pub(super) fn push(&mut self, mut event: Event, report: &mut Report<'_>) -> Option<bool> {
        if self.given_up {
            return None;
        }
        if event.at < self.matched_to {
            self.give_up(report, format_args!("an event at {} ns stands too far behind its place in time", event.at));
            return None;
        }
        event.meant = self.mean(&event);
        let is_in_order = self.pending.back().is_none_or(|last| last.at <= event.at);
        self.is_sorted &= is_in_order;
        self.pending.push_back(event);
        Some(is_in_order)
    }

    /// That they can't be matched, with the reason.
    #[cold]
    pub(super) fn give_up(&mut self, report: &mut Report<'_>, why: core::fmt::Arguments<'_>) {
        if !self.given_up {
            report.say(Kind::SlicesNotMatched, format_args!("slices of {} are not matched: {why}", self.of));
        }
        self.given_up = true;
        (self.pending, self.open, self.ended) = (VecDeque::new(), Vec::new(), 0);
        self.meant = Vec::new();
    }

    /// Which begin the writer of an event means, by the order of the file.
    #[inline]
    fn mean(&mut self, event: &Event) -> u64 {
        if *self.writer.get_or_insert(event.place.sequence) != event.place.sequence {
            self.is_shared = true;
            self.meant = Vec::new();
        }
        if self.is_shared {
            return NOBODY;
        }
        if event.is_end {
            return self.mean_end(event).unwrap_or(NOBODY);
        }
        // Deeper ones are lost anyway.
        if self.meant.len() >= 2 * MAX_DEPTH {
            self.meant.clear();
        }
        self.meant.push(Meant { packet: event.place.packet, name: event.name.hash, category: event.category });
        NOBODY
    }

    /// The last one; with a name, the last of that name, if there is one.
    #[inline]
    fn mean_end(&mut self, end: &Event) -> Option<u64> {
        if !end.is_named() {
            return self.meant.pop().map(|meant| meant.packet);
        }
        let has_name = |meant: &Meant| meant.name == end.name.hash && end.fits(meant.name, meant.category);
        let exact = self.meant.iter().rposition(has_name);
        let index = exact.or_else(|| self.meant.iter().rposition(|meant| end.fits(meant.name, meant.category)))?;
        Some(self.meant.remove(index).packet)
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// Matches the earlier half of what waits.
    pub(super) fn match_half(&mut self, names: &mut Names, report: &mut Report<'_>) {
        let half = self.pending.len().div_ceil(2);
        self.match_first(half, names, report);
    }

    fn match_first(&mut self, count: usize, names: &mut Names, report: &mut Report<'_>) {
        if !self.is_sorted {
            self.pending.make_contiguous().sort_by_key(|event| event.at);
            self.is_sorted = true;
        }
        let mut pending = core::mem::take(&mut self.pending);
        for event in pending.drain(..count) {
            self.matched_to = event.at;
            self.take(event, names, report);
        }
        self.pending = pending;
    }

    fn take(&mut self, event: Event, names: &mut Names, report: &mut Report<'_>) {
        if self.ended > 0 {
            self.close(event.at, names, report);
        }
        if !event.is_end {
            self.begin(event, report);
        } else if event.is_named() || self.too_deep == 0 {
            self.end(event, names, report);
        } else {
            self.too_deep -= 1;
        }
    }

    #[inline]
    fn begin(&mut self, event: Event, report: &mut Report<'_>) {
        if self.open.len() < MAX_DEPTH {
            let meant_by = event.place.packet;
            return self.open.push(Open { begin: event, meant_by, misread: None, ended: None });
        }
        if self.too_deep == 0 {
            report.say_at(
                event.place,
                Kind::SlicesTooDeep,
                format_args!("expected at most {MAX_DEPTH} open slices on {}, found more", self.of),
            );
        }
        self.too_deep += 1;
    }

    /// An end ends the innermost slice; with a name or category, the innermost that has them.
    #[inline]
    fn end(&mut self, end: Event, names: &mut Names, report: &mut Report<'_>) {
        let fits = |open: &Open| open.ended.is_none() && end.fits(open.begin.name.hash, open.begin.category);
        let Some(index) = self.open.iter().rposition(fits) else {
            let what = if end.is_named() { " of that name and category" } else { "" };
            return report.say_at(
                end.place,
                Kind::EndsNothing,
                format_args!("expected an open slice{what} on {} at {} ns, found none", self.of, end.at),
            );
        };
        let begin = self.open[index].begin;
        names.ended(begin.name.name, end.at.abs_diff(begin.at));
        if index + 1 == self.open.len() {
            if let Some(top) = self.open.pop() {
                self.compare(end, top, report);
            }
            return;
        }
        self.ended += 1;
        let open = &mut self.open[index];
        let meant_by = core::mem::replace(&mut open.meant_by, NOBODY);
        let top = Open { begin, meant_by, misread: open.misread.take(), ended: None };
        open.ended = Some((end.at, end.place));
        self.compare(end, top, report);
    }

    /// Time goes on: slices that have ended go, and what is open within them is cut off.
    #[cold]
    fn close(&mut self, now: i64, names: &mut Names, report: &mut Report<'_>) {
        let mut within = 0;
        for index in (0..self.open.len()).rev() {
            let Some((at, place)) = self.open[index].ended else {
                within += 1;
                continue;
            };
            if within > 0 && now <= at {
                continue;
            }
            for cut in self.open.drain(index..).skip(1) {
                names.ended(cut.begin.name.name, at.abs_diff(cut.begin.at));
            }
            self.ended -= 1;
            if within > 0 {
                self.tell_cut(within, place, report);
            }
            within = 0;
        }
    }

    fn tell_cut(&self, within: usize, place: Place, report: &mut Report<'_>) {
        let of = self.of;
        report.say_at(place, Kind::SlicesOverlap, format_args!(
            "expected the innermost slice of {of} to end first, found {within} open within the one of that name and category"
        ));
    }

    /// An end has ended what was on top: is that what its writer meant?
    #[inline]
    fn compare(&mut self, end: Event, top: Open, report: &mut Report<'_>) {
        if self.is_shared || end.meant == top.meant_by || end.meant == NOBODY {
            if let Some(misread) = top.misread.filter(|_| !self.is_shared) {
                self.overlap(misread, end.at, report);
            }
            return;
        }
        self.mismatch(end, top, report);
    }

    #[cold]
    fn mismatch(&mut self, end: Event, top: Open, report: &mut Report<'_>) {
        let of = self.of;
        let Some(other) = self.open.iter_mut().rev().find(|open| open.meant_by == end.meant) else {
            return report.say_at(
                end.place,
                Kind::SlicesOverlap,
                format_args!(
                    "the slice of {of} that is to end here, begun in packet {}, has not begun at {} ns, or is ended",
                    end.meant, end.at
                ),
            );
        };
        // The slice that stays open stands for the one that has been ended in its place, until that one's end comes.
        let before = core::mem::replace(&mut other.misread, top.misread.or(Some((end.at, end.place))));
        other.meant_by = top.meant_by;
        if let Some(misread) = before {
            self.overlap(misread, end.at, report);
        }
    }

    /// A slice was ended at one time, and is to end at another. Where both are the same there is no difference to be seen.
    fn overlap(&self, (read, place): (i64, Place), meant: i64, report: &mut Report<'_>) {
        if read != meant {
            report.say_at(
                place,
                Kind::SlicesOverlap,
                format_args!(
                    "expected slices of {} to lie in each other or apart, \
                 found one that ends at {read} ns as read, at {meant} ns as written",
                    self.of
                ),
            );
        }
    }

    /// The file has ended.
    pub(super) fn finish(&mut self, names: &mut Names, report: &mut Report<'_>) {
        self.match_first(self.pending.len(), names, report);
        self.close(i64::MAX, names, report);
        let (mut never, mut first) = (0_u64, None);
        for open in core::mem::take(&mut self.open).into_iter().filter(|open| open.ended.is_none()) {
            match open.misread {
                Some((at, place)) => {
                    report.say_at(
                        place,
                        Kind::SlicesOverlap,
                        format_args!(
                            "expected slices of {} to lie in each other or apart, \
                         found one that ends at {at} ns as read, and not at all as written",
                            self.of
                        ),
                    );
                }
                None => {
                    never += 1;
                    first.get_or_insert(open.begin);
                }
            }
        }
        if let Some(first) = first {
            report.say_at(
                first.place,
                Kind::NeverEnded,
                format_args!("slices of {} do not end: {never}, the first one begun at {} ns", self.of, first.at),
            );
        }
    }
}
