//! The slices that a thread has open: what a header says of them.

use std::string::String;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::vec::Vec;

use super::header::Open;
use crate::text::Cut;
use crate::writer::MAX_OPEN_SLICES;

const MOST: usize = MAX_OPEN_SLICES as usize;

/// For the names that were given at run time. What has no room is cut; it matters only when the begin is lost.
const NAMES_LEN: usize = 8192;
const _: () = assert!(NAMES_LEN <= u16::MAX as usize);

/// Those that are open, where others can look: who takes a snapshot asks for the slices of threads that record nothing meanwhile. Only the thread itself
/// stores.
#[derive(Debug)]
pub(super) struct Stack {
    depth: AtomicU32,
    // Each an [`Open`], in what can be loaded and stored alone; an array for each part, so that the depth is the index as it is.
    begin_ns: [AtomicU64; MOST],
    sites: [AtomicU32; MOST],
    rests: [AtomicU32; MOST],
    /// The names that were given at run time, one behind the other, each from a word's begin.
    names: [AtomicU64; NAMES_LEN / 8],
}

/// What of an open slice its end asks for: the length of its name, whether it was written, whether a guard ends it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rest(u32);

const WRITTEN: u32 = 1 << 16;
const GUARDED: u32 = 1 << 17;

impl Rest {
    #[inline(always)]
    fn of(name_len: usize, written: bool, guarded: bool) -> Self {
        Self(name_len as u32 | if written { WRITTEN } else { 0 } | if guarded { GUARDED } else { 0 })
    }

    /// Whether it was written, and has no name of its own.
    #[inline(always)]
    pub(super) fn is_plain(self) -> bool {
        self.0 & !GUARDED == WRITTEN
    }

    #[inline(always)]
    fn name_len(self) -> usize {
        self.0 as u16 as usize
    }

    /// How many words the name has.
    #[inline(always)]
    fn name_words(self) -> usize {
        self.name_len().div_ceil(8)
    }

    #[inline(always)]
    pub(super) fn is_written(self) -> bool {
        self.0 & WRITTEN != 0
    }

    #[inline(always)]
    pub(super) fn is_guarded(self) -> bool {
        self.0 & GUARDED != 0
    }
}

impl Stack {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            depth: AtomicU32::new(0),
            begin_ns: [const { AtomicU64::new(0) }; MOST],
            sites: [const { AtomicU32::new(0) }; MOST],
            rests: [const { AtomicU32::new(0) }; MOST],
            names: [const { AtomicU64::new(0) }; NAMES_LEN / 8],
        })
    }

    #[inline(always)]
    fn depth(&self) -> usize {
        self.depth.load(Ordering::Relaxed) as usize
    }

    #[inline(always)]
    fn rest(&self, number: usize) -> Rest {
        Rest(self.rests[number % MOST].load(Ordering::Relaxed))
    }

    fn site(&self, number: usize) -> u32 {
        self.sites[number % MOST].load(Ordering::Relaxed)
    }

    fn get(&self, number: usize) -> Open {
        let rest = self.rest(number);
        Open {
            begin_ns: self.begin_ns[number % MOST].load(Ordering::Relaxed),
            site: self.site(number),
            name_len: rest.name_len() as u16,
            written: rest.is_written().into(),
            guarded: rest.is_guarded().into(),
        }
    }

    /// A name that begins with that word.
    fn name(&self, word: usize, len: usize) -> impl Iterator<Item = u8> + '_ {
        let words = self.names.get(word..).unwrap_or_default().iter();
        words.flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes()).take(len)
    }

    /// What is open, the outermost first, with the names that were given at run time. Of a thread that records meanwhile it may be nonsense.
    pub(super) fn read(&self) -> Vec<(Open, String)> {
        let mut word = 0;
        let listed = (0..self.depth().min(MOST)).map(|number| {
            let open = self.get(number);
            let name: Vec<u8> = self.name(word, open.name_len as usize).collect();
            word += self.rest(number).name_words();
            (open, String::from_utf8_lossy(&name).into_owned())
        });
        listed.collect()
    }
}

/// A slice that is not open yet.
#[derive(Debug)]
#[must_use]
pub(super) struct Opening<'s> {
    stack: &'s Stack,
    name_words: usize,
}

impl Opening<'_> {
    /// It is open now. Returns how many words its name has: for [`Slices::opened`].
    #[inline(always)]
    pub(super) fn open(self) -> usize {
        let depth = &self.stack.depth;
        depth.store(depth.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        self.name_words
    }
}

#[derive(Debug)]
pub(super) struct Slices {
    stack: Arc<Stack>,
    /// How many words of names there are.
    names_len: usize,
    /// When slices ended, whose begin is written and whose end is not: the next header says so.
    ended: [u64; MOST],
    unwritten_ends: usize,
    /// How many were begun, without a guard, when no more could be open.
    too_deep: u32,
}

/// A slice that begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begun {
    pub(super) ns: u64,
    pub(super) site: u32,
    /// Whether its begin had room.
    pub(super) written: bool,
    /// Whether a guard will end it.
    pub(super) guarded: bool,
}

impl Slices {
    pub(super) fn new() -> Self {
        Self { stack: Stack::new(), names_len: 0, ended: [0; MOST], unwritten_ends: 0, too_deep: 0 }
    }

    pub(super) fn stack(&self) -> &Arc<Stack> {
        &self.stack
    }

    #[inline(always)]
    pub(super) fn is_full(&self) -> bool {
        self.stack.depth() >= MOST
    }

    /// One more, if it is not full, as soon as it is [there](Opening::open). `name` is one that was given at run time.
    #[inline(always)]
    pub(super) fn prepare(&self, begun: Begun, name: Option<&str>) -> Option<Opening<'_>> {
        let depth = self.stack.depth();
        // All parts have as many places.
        let (begin_ns, site, rest) =
            (self.stack.begin_ns.get(depth)?, &self.stack.sites[depth], &self.stack.rests[depth]);
        let name_len = name.map_or(0, |name| self.store_name(name));
        begin_ns.store(begun.ns, Ordering::Relaxed);
        site.store(begun.site, Ordering::Relaxed);
        rest.store(Rest::of(name_len, begun.written, begun.guarded).0, Ordering::Relaxed);
        Some(Opening { stack: &self.stack, name_words: name_len.div_ceil(8) })
    }

    /// Stores a name behind the others. Returns how long it is there.
    #[inline(always)]
    fn store_name(&self, name: &str) -> usize {
        let free = self.stack.names.get(self.names_len..).unwrap_or_default();
        match free.first_chunk() {
            Some(places) if name.len() <= 32 => store_short(places, name.as_bytes()),
            _ => store_long(free, name),
        }
    }

    /// The names of those that are open have become longer by so many words.
    #[inline(always)]
    pub(super) fn opened(&mut self, name_words: usize) {
        self.names_len += name_words;
    }

    /// One more, if it is not full.
    pub(super) fn push(&mut self, begun: Begun, name: Option<&str>) {
        let name_words = self.prepare(begun, name).map_or(0, Opening::open);
        self.opened(name_words);
    }

    /// The innermost is open no more.
    pub(super) fn pop(&mut self) -> Option<Open> {
        let (depth, rest) = self.innermost()?;
        let open = self.stack.get(depth);
        self.pop_at(depth, rest);
        Some(open)
    }

    /// The same, of which that is known.
    #[inline(always)]
    pub(super) fn pop_at(&mut self, depth: usize, rest: Rest) {
        self.pop_plain_at(depth);
        self.names_len -= rest.name_words();
    }

    /// The same of one that is [plain](Rest::is_plain).
    #[inline(always)]
    pub(super) fn pop_plain_at(&mut self, depth: usize) {
        self.stack.depth.store(depth as u32, Ordering::Relaxed);
    }

    /// One was begun that is not open, and that an end will come for.
    pub(super) fn push_too_deep(&mut self) {
        self.too_deep += 1;
    }

    #[inline(always)]
    pub(super) fn has_too_deep(&self) -> bool {
        self.too_deep > 0
    }

    /// Whether an end was for one of those.
    pub(super) fn pop_too_deep(&mut self) -> bool {
        let is_any = self.too_deep > 0;
        self.too_deep -= u32::from(is_any);
        is_any
    }

    /// How many are around the innermost, and what its end asks for.
    #[inline(always)]
    pub(super) fn innermost(&self) -> Option<(usize, Rest)> {
        // None is open: there is no such place.
        let depth = self.stack.depth().wrapping_sub(1);
        let rest = self.stack.rests.get(depth)?;
        Some((depth, Rest(rest.load(Ordering::Relaxed))))
    }

    /// The call site of that one.
    pub(super) fn site_at(&self, depth: usize) -> u32 {
        self.stack.site(depth)
    }

    /// The end of one whose begin is written had no room.
    pub(super) fn end_unwritten(&mut self, at_ns: u64) {
        // Each was open once, so they are no more than can be; those that are lost for good would be the last.
        if let Some(place) = self.ended.get_mut(self.unwritten_ends) {
            *place = at_ns;
            self.unwritten_ends += 1;
        }
    }

    /// What a header says that has `room` bytes for it: half for what has ended, and what that leaves for what is open.
    pub(super) fn listing(&self, room: usize) -> Listing<'_> {
        let ended = &self.ended[..self.unwritten_ends];
        let (ended_together, ended) = ended.split_at(ended.len().saturating_sub(room / 2 / size_of::<u64>()));
        let room = room - size_of_val(ended);
        let (depth, mut count, mut names_len) = (self.stack.depth(), 0, 0);
        for number in 0..depth {
            let names = names_len + self.stack.rest(number).name_len();
            if (count + 1) * size_of::<Open>() + names > room {
                break;
            }
            (count, names_len) = (count + 1, names);
        }
        Listing {
            ended_together: ended_together.len() as u32,
            ended,
            stack: &self.stack,
            count,
            names_len,
            unlisted: (count..depth).filter(|&number| self.stack.rest(number).is_written()).count() as u32,
        }
    }

    /// A header has been written with so many open ones.
    pub(super) fn listed(&mut self, count: usize) {
        for rest in &self.stack.rests[..count] {
            rest.store(rest.load(Ordering::Relaxed) | WRITTEN, Ordering::Relaxed);
        }
        self.unwritten_ends = 0;
    }
}

/// Stores at most 32 bytes, as words of which the last is what remains of the last bytes. Returns how many there are.
#[inline(always)]
fn store_short(places: &[AtomicU64; 4], name: &[u8]) -> usize {
    let len = name.len();
    let store = |place: usize, bytes: u64| places[place].store(bytes.to_le(), Ordering::Relaxed);
    if let (Some(front), Some(back)) = (name.first_chunk(), name.last_chunk()) {
        let (front, back) = (u128::from_le_bytes(*front), u128::from_le_bytes(*back));
        // All of it, where there is nothing behind the front.
        let back = back.checked_shr(8 * (32 - len as u32)).unwrap_or(0);
        [front as u64, (front >> 64) as u64, back as u64, (back >> 64) as u64]
            .into_iter()
            .enumerate()
            .for_each(|(place, word)| store(place, word));
    } else if let (Some(front), Some(back)) = (name.first_chunk(), name.last_chunk()) {
        store(0, u64::from_le_bytes(*front));
        store(1, u64::from_le_bytes(*back).checked_shr(8 * (16 - len as u32)).unwrap_or(0));
    } else {
        let mut word = [0; 8];
        word[..len].copy_from_slice(name);
        store(0, u64::from_le_bytes(word));
    }
    len
}

/// Stores a name that is long, or for which there is little room; cut, then. Returns how long it is.
#[cold]
fn store_long(places: &[AtomicU64], name: &str) -> usize {
    let Cut { text, mark } = Cut::to(name, 8 * places.len());
    let mut bytes = text.bytes().chain(mark.bytes());
    let len = text.len() + mark.len();
    for place in &places[..len.div_ceil(8)] {
        let word = [(); 8].map(|()| bytes.next().unwrap_or(0));
        place.store(u64::from_le_bytes(word).to_le(), Ordering::Relaxed);
    }
    len
}

/// What stands in a header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listing<'s> {
    /// How many ended first, whose times have no room: the innermost. They are said to have ended with the next.
    pub(super) ended_together: u32,
    pub(super) ended: &'s [u64],
    stack: &'s Stack,
    /// How many are open: the outermost; and how long their names are.
    pub(super) count: usize,
    pub(super) names_len: usize,
    /// How many more are open whose begin is written.
    pub(super) unlisted: u32,
}

impl<'s> Listing<'s> {
    /// Those that are open.
    pub(super) fn open(&self) -> impl Iterator<Item = Open> + use<'s> {
        let stack = self.stack;
        (0..self.count).map(move |number| stack.get(number))
    }

    /// Their names, one behind the other.
    pub(super) fn names(&self) -> impl Iterator<Item = u8> + use<'s> {
        let (stack, mut word) = (self.stack, 0);
        (0..self.count).flat_map(move |number| {
            let (begin, rest) = (word, stack.rest(number));
            word += rest.name_words();
            stack.name(begin, rest.name_len())
        })
    }

    /// How many events it makes up for.
    pub(super) fn recovered(&self) -> u32 {
        self.ended_together + (self.ended.len() + self.open().filter(|open| open.written == 0).count()) as u32
    }
}
