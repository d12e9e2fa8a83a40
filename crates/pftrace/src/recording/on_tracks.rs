//! The slices that are open on tracks of their own, whoever began them: each has a place here from its begin to its end.
//!
//! A thread's own slices are in the header of its next chunk. A slice on another track can be ended by any thread, also by one that never
//! gets a chunk again, and it must end, since all that comes on the track later would lie within it: so the room for its end is reserved
//! with its begin. And what is open here is begun again where its begin has been written over, or went to a connection that is lost.
//!
//! ```text
//! free ── take ──> taken ── begun ──> open ── ended ──> free: what was there is remembered until another takes the place
//!                    └──── ended ────> free   └── late ──> late ── take_late ──> free
//! ```
//!
//! Places are given out in turn, so that what has ended is remembered as long as can be. The number of a slice is the turn, which says its place.

use std::boxed::Box;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
use std::vec::Vec;

use crate::text::Cut;

/// How many slices can be open at once on tracks of their own: what begins beyond is dropped, and counted in
/// [`Dropped::too_many_tracks`](crate::Dropped::too_many_tracks).
pub const MAX_OPEN_TRACK_SLICES: u32 = 8192;

/// No slice has that number.
pub(super) const NONE: u32 = 0;

/// How many are refused where none was free, before that is looked for again: which takes as long as to begin some hundreds.
const REFUSED: u32 = 1 << 10;

const NAME_WORDS: usize = 11;

/// A longer name that was given at run time is cut, where its slice is begun again.
pub(super) const NAME_LEN: usize = NAME_WORDS * size_of::<u64>();

#[derive(Debug)]
pub(super) struct OnTracks {
    places: Box<[Place; MAX_OPEN_TRACK_SLICES as usize]>,
    next: AtomicU32,
    /// No place was free, and none has become so since: so many more are refused without a look.
    refused: AtomicU32,
    /// How many ends wait for the drain.
    late: AtomicU32,
}

#[derive(Debug)]
struct Place {
    /// The number of the slice, and above it the state. Who has taken the place writes all of it.
    word: AtomicU64,
    begin_ns: AtomicU64,
    end_ns: AtomicU64,
    /// The number of the call site, and above it that of the track.
    what: AtomicU64,
    /// The length of the name, and above it the number of the thread that ended it late.
    about: AtomicU64,
    name: [AtomicU64; NAME_WORDS],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It has ended.
    Free,
    /// It is being begun.
    Taken,
    Open,
    /// It has ended, and its end had no room.
    Late,
}

/// What is known of a slice that is, or was, open. Its name is one that was given at run time; empty where the call site has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Told<'n> {
    pub(super) begin_ns: u64,
    pub(super) track: u32,
    pub(super) site: u32,
    pub(super) name: &'n str,
}

/// The same, with room of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OnTrack {
    pub(super) begin_ns: u64,
    pub(super) track: u32,
    pub(super) site: u32,
    name: [[u8; size_of::<u64>()]; NAME_WORDS],
    name_len: u8,
}

/// What stands in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: u32,
    pub(super) state: State,
    pub(super) slice: OnTrack,
    pub(super) end_ns: u64,
    /// Who ended it late.
    pub(super) thread: u32,
}

impl OnTracks {
    pub(super) fn new() -> Self {
        // Not made where it is called: that would be copied.
        let mut places = Vec::new();
        places.resize_with(MAX_OPEN_TRACK_SLICES as usize, Place::new);
        let places = places.into_boxed_slice().try_into().unwrap_or_else(|_| unreachable!("that many"));
        // The first number is none that an empty place could be taken for.
        let next = AtomicU32::new(MAX_OPEN_TRACK_SLICES);
        Self { places, next, refused: AtomicU32::new(0), late: AtomicU32::new(0) }
    }

    #[inline]
    fn place(&self, id: u32) -> &Place {
        &self.places[(id % MAX_OPEN_TRACK_SLICES) as usize]
    }

    /// A number and a place for a slice that begins. `None` when too many are open.
    #[inline]
    pub(super) fn take(&self) -> Option<u32> {
        let refused = self.refused.load(Ordering::Relaxed);
        if refused != 0 {
            // Not where one has ended meanwhile.
            _ = self.refused.compare_exchange(refused, refused - 1, Ordering::Relaxed, Ordering::Relaxed);
            return None;
        }
        // The places of slices that live long lie side by side, and are passed over once in a round.
        for _ in 0..MAX_OPEN_TRACK_SLICES {
            // Release: with the acquire of `next`.
            let id = self.next.fetch_add(1, Ordering::Release);
            if id == NONE {
                continue;
            }
            let word = &self.place(id).word;
            let before = word.load(Ordering::Relaxed);
            // Acquire: with the release of `set`, who had the place before is done with it.
            if before >> STATE == State::Free as u64
                && word.compare_exchange(before, put(id, State::Taken), Ordering::Acquire, Ordering::Relaxed).is_ok()
            {
                // With the fence of `read`: who sees what is written here from now on sees that the place was taken.
                fence(Ordering::Release);
                return Some(id);
            }
        }
        // Until one ends. Where all have just now, there is no end that says so.
        self.refused.store(REFUSED, Ordering::Relaxed);
        None
    }

    /// The number of the slice that begins next.
    pub(super) fn next(&self) -> u32 {
        // Acquire: with the release of `take`, what had ended when the one before began is seen to have.
        self.next.load(Ordering::Acquire)
    }

    /// The begin of the slice is written.
    #[inline]
    pub(super) fn begun(&self, id: u32, slice: &Told<'_>) {
        let place = self.place(id);
        place.begin_ns.store(slice.begin_ns, Ordering::Relaxed);
        place.what.store(u64::from(slice.track) << 32 | u64::from(slice.site), Ordering::Relaxed);
        let name_len = if slice.name.is_empty() { 0 } else { place.set_name(slice.name) };
        place.about.store(u64::from(name_len), Ordering::Relaxed);
        self.set(id, State::Open);
    }

    /// What is known of a slice that is open: only who ends it asks.
    #[inline]
    pub(super) fn with<R>(&self, id: u32, f: impl FnOnce(&Told<'_>) -> R) -> R {
        let place = self.place(id);
        if place.about.load(Ordering::Relaxed) as u8 != 0 {
            return f(&place.slice().told());
        }
        f(&place.unnamed())
    }

    /// Its end is written, or its begin is not, then at 0.
    #[inline]
    pub(super) fn ended(&self, id: u32, end_ns: u64) {
        self.place(id).end_ns.store(end_ns, Ordering::Relaxed);
        self.set(id, State::Free);
        if self.refused.load(Ordering::Relaxed) != 0 {
            self.refused.store(0, Ordering::Relaxed);
        }
    }

    /// It has ended, and that has to be written by the drain.
    pub(super) fn late(&self, id: u32, end_ns: u64, thread: u32) {
        let place = self.place(id);
        place.end_ns.store(end_ns, Ordering::Relaxed);
        let name_len = place.about.load(Ordering::Relaxed) as u32;
        place.about.store(u64::from(thread) << 32 | u64::from(name_len), Ordering::Relaxed);
        self.set(id, State::Late);
        self.late.fetch_add(1, Ordering::Relaxed);
    }

    /// How many have ended late, and wait to be written.
    pub(super) fn late_count(&self) -> u64 {
        self.late.load(Ordering::Relaxed).into()
    }

    /// Those that have ended late since.
    pub(super) fn take_late(&self) -> impl Iterator<Item = Entry> {
        let some = if self.late.load(Ordering::Relaxed) == 0 { &[][..] } else { &self.places[..] };
        some.iter().filter_map(Place::read).filter(|entry| entry.state == State::Late).inspect(|entry| {
            self.late.fetch_sub(1, Ordering::Relaxed);
            self.ended(entry.id, entry.end_ns);
        })
    }

    /// All places; one that changes too often meanwhile is left out.
    pub(super) fn entries(&self) -> impl Iterator<Item = Option<Entry>> {
        self.places.iter().map(Place::read)
    }

    /// Release: with the acquire of `take` and `read`, what was written into the place is there.
    #[inline]
    fn set(&self, id: u32, state: State) {
        self.place(id).word.store(put(id, state), Ordering::Release);
    }
}

/// Where the state begins in a place's word.
const STATE: u32 = 32;

#[inline]
fn put(id: u32, state: State) -> u64 {
    (state as u64) << STATE | u64::from(id)
}

fn state(word: u64) -> State {
    [State::Free, State::Taken, State::Open, State::Late][(word >> STATE) as usize % 4]
}

impl Place {
    fn new() -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            word: zero(),
            begin_ns: zero(),
            end_ns: zero(),
            what: zero(),
            about: zero(),
            name: [const { AtomicU64::new(0) }; NAME_WORDS],
        }
    }

    #[inline]
    fn unnamed(&self) -> Told<'static> {
        let what = self.what.load(Ordering::Relaxed);
        let begin_ns = self.begin_ns.load(Ordering::Relaxed);
        Told { begin_ns, track: (what >> 32) as u32, site: what as u32, name: "" }
    }

    /// Returns how long it is: what has no room is cut.
    fn set_name(&self, name: &str) -> u8 {
        let Cut { text, mark } = Cut::to(name, NAME_LEN);
        let (mut words, len) = ([[0; size_of::<u64>()]; NAME_WORDS], text.len() + mark.len());
        let bytes = words.as_flattened_mut();
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        bytes[text.len()..len].copy_from_slice(mark.as_bytes());
        for (word, bytes) in self.name.iter().zip(words).take(len.div_ceil(size_of::<u64>())) {
            word.store(u64::from_le_bytes(bytes), Ordering::Relaxed);
        }
        len as u8
    }

    fn slice(&self) -> OnTrack {
        let Told { begin_ns, track, site, .. } = self.unnamed();
        let name_len = (self.about.load(Ordering::Relaxed) as u8).min(NAME_LEN as u8);
        let mut name = [[0; size_of::<u64>()]; NAME_WORDS];
        for (bytes, word) in name.iter_mut().zip(&self.name) {
            *bytes = word.load(Ordering::Relaxed).to_le_bytes();
        }
        OnTrack { begin_ns, track, site, name, name_len }
    }

    fn read(&self) -> Option<Entry> {
        // A few times: it changes only with a begin or an end.
        for _ in 0..8 {
            let word = self.word.load(Ordering::Acquire);
            let slice = self.slice();
            let end_ns = self.end_ns.load(Ordering::Relaxed);
            let thread = (self.about.load(Ordering::Relaxed) >> 32) as u32;
            // With the fence of `take`: what was read is of that word, or that word is no more.
            fence(Ordering::Acquire);
            if self.word.load(Ordering::Relaxed) == word {
                return Some(Entry { id: word as u32, state: state(word), slice, end_ns, thread });
            }
        }
        None
    }
}

impl OnTrack {
    /// Of a name that has room.
    pub(super) fn of(told: &Told<'_>) -> Self {
        let Told { begin_ns, track, site, name: text } = *told;
        let mut name = [[0; size_of::<u64>()]; NAME_WORDS];
        let text = &text.as_bytes()[..text.len().min(NAME_LEN)];
        name.as_flattened_mut()[..text.len()].copy_from_slice(text);
        Self { begin_ns, track, site, name, name_len: text.len() as u8 }
    }

    pub(super) fn told(&self) -> Told<'_> {
        let Self { begin_ns, track, site, name, name_len } = self;
        let name = core::str::from_utf8(&name.as_flattened()[..usize::from(*name_len)]).unwrap_or_default();
        Told { begin_ns: *begin_ns, track: *track, site: *site, name }
    }
}

#[cfg(test)]
mod tests {
    use std::format;
    use std::vec::Vec;

    use super::*;

    fn begin(on: &OnTracks, number: u64) -> u32 {
        // All are late, perhaps, and whoever takes those was stopped.
        let mut tries = std::iter::repeat_with(|| on.take().ok_or_else(std::thread::yield_now).ok());
        let id = tries.by_ref().take(100_000_000).flatten().next().unwrap();
        on.begun(id, &Told { begin_ns: number, track: number as u32, site: 7, name: &format!("number {number}") });
        id
    }

    #[test]
    fn what_is_open_is_there_and_what_has_ended_is_remembered() {
        let on = OnTracks::new();
        let ids: Vec<_> = (1..=3).map(|number| begin(&on, number)).collect();
        on.ended(ids[1], 20);
        on.late(ids[2], 30, 5);
        let entry = |id: u32| on.entries().flatten().find(|entry| entry.id == id).unwrap();
        let shown = ids.iter().map(|&id| {
            let Entry { state, slice, end_ns, .. } = entry(id);
            (state, slice.begin_ns, slice.track, slice.site, format!("{} {end_ns}", slice.told().name))
        });
        let expected = [
            (State::Open, 1, 1, 7, "number 1 0".into()),
            (State::Free, 2, 2, 7, "number 2 20".into()),
            (State::Late, 3, 3, 7, "number 3 30".into()),
        ];
        assert!(shown.eq(expected));
        let late: Vec<_> = on.take_late().map(|entry| (entry.id, entry.thread)).collect();
        assert_eq!((late, on.take_late().count()), (Vec::from([(ids[2], 5)]), 0));
        assert_eq!(entry(ids[2]).state, State::Free);
        assert_eq!(
            on.with(ids[0], |told| format!("{told:?}")),
            "Told { begin_ns: 1, track: 1, site: 7, name: \"number 1\" }"
        );
    }

    #[test]
    fn there_are_so_many_and_what_is_given_back_is_taken_again() {
        let on = OnTracks::new();
        let ids: Vec<_> = (0..u64::from(MAX_OPEN_TRACK_SLICES)).map(|number| begin(&on, number)).collect();
        assert_eq!((on.take(), on.take()), (None, None));
        for id in [ids[100], ids[5000], ids[17]] {
            on.ended(id, 1);
            let next = on.take().unwrap();
            assert_eq!((next % MAX_OPEN_TRACK_SLICES, on.take()), (id % MAX_OPEN_TRACK_SLICES, None));
            assert_ne!(next, id);
            on.ended(next, 0);
            assert_eq!(begin(&on, 3) % MAX_OPEN_TRACK_SLICES, id % MAX_OPEN_TRACK_SLICES);
        }
    }

    /// As where all end while who has found none free is about to say so.
    #[test]
    fn what_is_taken_for_full_is_looked_at_again() {
        let on = OnTracks::new();
        on.refused.store(REFUSED, Ordering::Relaxed);
        assert_eq!((0..=REFUSED).filter_map(|_| on.take()).count(), 1);
    }

    #[test]
    fn a_long_name_is_cut() {
        let long = "ä".repeat(200);
        let on = OnTracks::new();
        let id = on.take().unwrap();
        on.begun(id, &Told { begin_ns: 0, track: 1, site: 2, name: &long });
        on.with(id, |told| assert!(told.name.len() <= NAME_LEN && told.name.ends_with("ä…"), "{}", told.name));
    }

    /// What is read is of one slice, also while others begin and end in the same places.
    #[test]
    fn what_is_read_is_whole() {
        const EACH: u64 = if cfg!(debug_assertions) { 20_000 } else { 500_000 };
        let on = OnTracks::new();
        std::thread::scope(|scope| {
            let threads: Vec<_> = (1..=3_u64)
                .map(|thread| {
                    let on = &on;
                    scope.spawn(move || {
                        for number in (thread..).step_by(3).take(EACH as usize) {
                            let id = begin(on, number);
                            assert_eq!(on.with(id, |told| told.begin_ns), number, "a place is in one hand");
                            if number % 5 == 0 { on.late(id, number, 0) } else { on.ended(id, number) }
                        }
                    })
                })
                .collect();
            let mut late = 0;
            while !threads.iter().all(|thread| thread.is_finished()) {
                for entry in on.entries().flatten().filter(|entry| entry.state == State::Open) {
                    let number = entry.slice.begin_ns;
                    assert_eq!(
                        (entry.slice.track, entry.slice.told().name),
                        (number as u32, &*format!("number {number}"))
                    );
                }
                late += on.take_late().count();
            }
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            late += on.take_late().count();
            assert_eq!(late as u64, 3 * EACH / 5);
            assert!(on.entries().flatten().all(|entry| entry.state == State::Free));
        });
    }
}
