//! The slices that a thread has open: what a header says of them.

use std::string::String;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
use std::vec::Vec;

use super::call_site::MAX_CALL_SITES;
use super::header::Open;
use crate::text::Cut;
use crate::writer::MAX_OPEN_SLICES;

const MOST: usize = MAX_OPEN_SLICES as usize;

/// For the names that were given at run time. What has no room is cut; it matters only where the begin is lost, or written over.
const NAMES_LEN: usize = 8192;
const NAME_WORDS: usize = NAMES_LEN / 8;

/// Those that are open, where others can look: who takes a snapshot asks for the slices of threads that record nothing meanwhile. Only the thread itself
/// stores.
#[derive(Debug)]
pub(super) struct Stack {
    /// How many there are, in ten bits; whether one of them [is unwritten](UNWRITTEN); and in the upper half which time it is that a thread begins here: what is open of one session
    /// is not taken for another's.
    depth: AtomicU32,
    // Each an [`Open`], in what can be loaded and stored alone; an array for each part, so that the depth is the index as it is.
    begin_ns: [AtomicU64; MOST],
    /// The call site of each, and above it what is [not as usual](SITE).
    sites: [AtomicU32; MOST],
    /// Of those that have a name of their own, how long it is, and above that where.
    own_names: [AtomicU32; MOST],
    /// The names that were given at run time, one behind the other, each from a word's begin.
    names: [AtomicU64; NAME_WORDS],
}

/// How many are open.
const DEPTH: u32 = 2 * MOST as u32 - 1;
const _: () = assert!(MOST.is_power_of_two() && MOST < 1 << 14);

/// The begin of one that is open is not written, and no header has made up for that: so none is begun or ended by its [`Token`] the short way, as if there were too many.
const UNWRITTEN: u32 = 1 << 15;

/// One time more that a thread begins. The last bit is free for [`LOOK`].
const TIME: u32 = 1 << 16;

/// What an open slice is known by to who ends it: how many were open with it, as in [`Stack::depth`]. No niche: that it is there is known where the guard is dropped, without a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token(u32);

/// Of a token: it is not plain, so its end has to look.
const LOOK: u32 = 1 << 31;

impl Token {
    /// Of what was to be begun and was not: of no time that a thread begins.
    pub(super) const LOST: Self = Self(LOOK | DEPTH);
}

/// Of a slice: its call site. That of most is all that is to be said: they have a guard, are written, and have no name of their own.
const SITE: u32 = u16::MAX as u32;
const _: () = assert!(MAX_CALL_SITES <= SITE);
const IS_UNGUARDED: u32 = 1 << 16;
const IS_UNWRITTEN: u32 = 1 << 17;
const IS_NAMED: u32 = 1 << 18;

/// By how much the word at which a name begins is shifted.
const NAME_AT: u32 = 16;
const _: () = assert!(NAMES_LEN < 1 << NAME_AT && NAME_WORDS < 1 << (u32::BITS - NAME_AT));

/// What is to be known of an open slice at its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rest {
    site: u32,
    /// Of no meaning where it has none of its own.
    own_name: u32,
}

impl Rest {
    #[inline(always)]
    fn of(begun: Begun, name: Option<(usize, usize)>) -> Self {
        let flag = |is: bool, flag| if is { flag } else { 0 };
        let flags = flag(!begun.guarded, IS_UNGUARDED) | flag(!begun.written, IS_UNWRITTEN);
        match name {
            Some((at, len)) => {
                Self { site: begun.site | flags | IS_NAMED, own_name: (at as u32) << NAME_AT | len as u32 }
            }
            None => Self { site: begun.site | flags, own_name: 0 },
        }
    }

    /// Whether it was written, and has no name of its own.
    #[inline(always)]
    fn is_plain(self) -> bool {
        self.site & (IS_UNWRITTEN | IS_NAMED) == 0
    }

    #[inline(always)]
    fn is_named(self) -> bool {
        self.site & IS_NAMED != 0
    }

    /// The word at which the name begins.
    #[inline(always)]
    fn name_at(self) -> usize {
        (self.own_name >> NAME_AT) as usize
    }

    #[inline(always)]
    fn name_len(self) -> usize {
        if self.is_named() { self.own_name as u16 as usize } else { 0 }
    }

    /// The word at which it ends.
    #[inline(always)]
    fn name_end(self) -> usize {
        self.name_at() + self.name_len().div_ceil(8)
    }

    #[inline(always)]
    pub(super) fn is_written(self) -> bool {
        self.site & IS_UNWRITTEN == 0
    }

    #[inline(always)]
    pub(super) fn is_guarded(self) -> bool {
        self.site & IS_UNGUARDED == 0
    }

    /// The number of its call site.
    #[inline(always)]
    pub(super) fn site(self) -> u32 {
        self.site & SITE
    }
}

impl Stack {
    pub(super) const fn new() -> Self {
        Self {
            depth: AtomicU32::new(0),
            begin_ns: [const { AtomicU64::new(0) }; MOST],
            sites: [const { AtomicU32::new(0) }; MOST],
            own_names: [const { AtomicU32::new(0) }; MOST],
            names: [const { AtomicU64::new(0) }; NAME_WORDS],
        }
    }

    /// A thread begins, which has nothing open.
    fn begin(&self) {
        // With the fence of `ThreadInfo::open_while`: who sees anything of this thread sees that the one before has exited.
        fence(Ordering::Release);
        // Never 0, also after 2^15 times.
        let time = self.counted().wrapping_add(TIME) & !((TIME - 1) | LOOK);
        self.depth.store(time.max(TIME), Ordering::Relaxed);
    }

    /// How many are open, and which time it is.
    #[inline(always)]
    fn counted(&self) -> u32 {
        self.depth.load(Ordering::Relaxed)
    }

    #[inline(always)]
    fn depth(&self) -> usize {
        (self.counted() & DEPTH) as usize
    }

    /// One more, whose begin is written, as soon as it is [there](Opening::open). `None` when it is full, or not all are written, or there seems to be no room for its name: one that was
    /// given at run time, behind so many words of others.
    #[inline(always)]
    pub(super) fn prepare(&self, begun: Begun, name: Option<&str>, names_len: usize) -> Option<Opening<'_>> {
        let counted = self.counted();
        // Too large where not all are written.
        let depth = usize::from(counted as u16);
        if depth >= MOST {
            return None;
        }
        let name = match name {
            Some(name) => Some((names_len, self.store_name(name, names_len)?)),
            None => None,
        };
        Some(self.store(counted, depth, begun.ns, Rest::of(begun, name)))
    }

    /// Stores one behind `depth` others.
    #[inline(always)]
    fn store(&self, counted: u32, depth: usize, begin_ns: u64, rest: Rest) -> Opening<'_> {
        self.begin_ns[depth].store(begin_ns, Ordering::Relaxed);
        self.sites[depth].store(rest.site, Ordering::Relaxed);
        if rest.is_named() {
            self.own_names[depth].store(rest.own_name, Ordering::Relaxed);
        }
        Opening { stack: self, counted, rest }
    }

    /// Stores a name behind the others, if it has room. Returns how long it is.
    #[inline(always)]
    fn store_name(&self, name: &str, names_len: usize) -> Option<usize> {
        let free = self.names.get(names_len..).unwrap_or_default();
        match free.first_chunk() {
            Some(places) if name.len() <= 32 => Some(store_short(places, name.as_bytes())),
            _ if name.len() <= size_of_val(free) => Some(store_long(free, name)),
            _ => None,
        }
    }

    /// The same, cut if it has not. Returns how long it is there.
    fn store_cut(&self, name: &str, names_len: usize) -> usize {
        store_long(self.names.get(names_len..).unwrap_or_default(), name)
    }

    /// The innermost, if it is that one and plain, or as deep: where guards are dropped out of order, that may be any other, which then ends the same way.
    #[inline(always)]
    pub(super) fn plain_innermost(&self, token: Token) -> Option<Ending> {
        let counted = self.counted();
        (counted == token.0).then(|| Ending(counted.wrapping_sub(1)))
    }

    /// The same of one that is not plain.
    #[inline(always)]
    pub(super) fn named_innermost(&self, token: Token) -> Option<(Ending, Rest)> {
        let counted = self.counted();
        let ending = Ending(counted.wrapping_sub(1));
        (counted | LOOK == token.0).then(|| (ending, self.rest(ending.0 as usize)))
    }

    /// How many are around the innermost, and what its end asks for.
    #[inline(always)]
    pub(super) fn innermost(&self) -> Option<(Ending, Rest)> {
        let counted = self.counted();
        let ending = Ending(counted.wrapping_sub(1));
        (counted & DEPTH != 0).then(|| (ending, self.rest(ending.0 as usize)))
    }

    /// Perhaps all are written now.
    fn look_for_unwritten(&self) {
        let counted = self.counted();
        if counted & UNWRITTEN != 0 && (0..self.depth()).all(|number| self.rest(number).is_written()) {
            self.depth.store(counted & !UNWRITTEN, Ordering::Relaxed);
        }
    }

    /// Where the names of those that are open end.
    #[cold]
    fn names_len(&self) -> usize {
        let names = (0..self.depth()).map(|number| self.rest(number)).filter(|rest| rest.name_len() > 0);
        names.map(Rest::name_end).max().unwrap_or(0)
    }

    /// When that one began.
    pub(super) fn begin_of(&self, ending: Ending) -> u64 {
        self.begin_ns[ending.0 as usize % MOST].load(Ordering::Relaxed)
    }

    /// It is open no more.
    #[inline(always)]
    pub(super) fn end(&self, ending: Ending) {
        self.depth.store(ending.0, Ordering::Relaxed);
    }

    #[inline(always)]
    fn rest(&self, number: usize) -> Rest {
        let site = self.sites[number % MOST].load(Ordering::Relaxed);
        Rest { site, own_name: self.own_names[number % MOST].load(Ordering::Relaxed) }
    }

    fn get(&self, number: usize) -> Open {
        let rest = self.rest(number);
        Open {
            begin_ns: self.begin_ns[number % MOST].load(Ordering::Relaxed),
            site: rest.site(),
            name_len: rest.name_len() as u16,
            written: rest.is_written().into(),
            guarded: rest.is_guarded().into(),
        }
    }

    /// The name of its own.
    fn name(&self, rest: Rest) -> impl Iterator<Item = u8> + '_ {
        let words = self.names.get(rest.name_at()..).unwrap_or_default().iter();
        words.flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes()).take(rest.name_len())
    }

    /// What is open, the outermost first, with the names that were given at run time. Of a thread that records meanwhile it may be nonsense.
    pub(super) fn read(&self) -> Vec<(Open, String)> {
        let listed = (0..self.depth().min(MOST)).map(|number| {
            let name: Vec<u8> = self.name(self.rest(number)).collect();
            (self.get(number), String::from_utf8_lossy(&name).into_owned())
        });
        listed.collect()
    }
}

/// The innermost slice, which ends: what is counted without it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ending(u32);

/// A slice that is not open yet.
#[derive(Debug)]
#[must_use]
pub(super) struct Opening<'s> {
    stack: &'s Stack,
    counted: u32,
    rest: Rest,
}

impl Opening<'_> {
    /// It is open now. Returns what it is known by.
    #[inline(always)]
    pub(super) fn open(&self) -> Token {
        let counted = self.counted + 1;
        self.stack.depth.store(counted, Ordering::Relaxed);
        Token(if self.rest.is_plain() { counted } else { counted | LOOK })
    }

    /// Where its name ends, if it has one of its own: for [`Slices::opened`].
    #[inline(always)]
    pub(super) fn names_len(&self) -> Option<usize> {
        self.rest.is_named().then_some(self.rest.name_end())
    }
}

#[derive(Debug)]
pub(super) struct Slices {
    stack: &'static Stack,
    /// How many words of names there are.
    pub(super) names_len: usize,
    /// When slices ended, whose begin is written and whose end is not: the next header says so.
    late_ends: [u64; MOST],
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
    pub(super) fn new(stack: &'static Stack) -> Self {
        stack.begin();
        Self { stack, names_len: 0, late_ends: [0; MOST], unwritten_ends: 0, too_deep: 0 }
    }

    pub(super) fn stack(&self) -> &'static Stack {
        self.stack
    }

    pub(super) fn is_full(&self) -> bool {
        self.stack.depth() >= MOST
    }

    /// The names of those that are open end there now, if there is one more.
    #[inline(always)]
    pub(super) fn opened(&mut self, names_len: Option<usize>) {
        self.names_len = names_len.unwrap_or(self.names_len);
    }

    /// One more, if it is not full.
    pub(super) fn push(&mut self, begun: Begun, name: Option<&str>) -> Token {
        let counted = self.stack.counted() | if begun.written { 0 } else { UNWRITTEN };
        let depth = self.stack.depth();
        if depth >= MOST {
            return Token::LOST;
        }
        let rest = Rest::of(begun, name.map(|name| self.store_name(name)));
        let opening = self.stack.store(counted, depth, begun.ns, rest);
        self.opened(opening.names_len());
        // Once all are written, it is found.
        Token(opening.open().0 & !UNWRITTEN)
    }

    /// Stores a name, cut if it has no room. Returns where, and how long it is there.
    fn store_name(&mut self, name: &str) -> (usize, usize) {
        if let Some(len) = self.stack.store_name(name, self.names_len) {
            return (self.names_len, len);
        }
        // Slices that have names of their own may have ended as if they had none.
        self.names_len = self.stack.names_len();
        (self.names_len, self.stack.store_cut(name, self.names_len))
    }

    /// Whether that is one of this thread in this session.
    pub(super) fn has_begun(&self, token: Token) -> bool {
        (token.0 ^ self.stack.counted()) & !(LOOK | (TIME - 1)) == 0
    }

    /// One of which that is known [has ended](Stack::end).
    #[inline(always)]
    pub(super) fn ended(&mut self, rest: Rest) {
        if rest.is_named() {
            self.names_len = rest.name_at();
        }
    }

    /// The innermost, which is perhaps unwritten, is open no more.
    pub(super) fn pop(&mut self, ending: Ending, rest: Rest) {
        self.stack.end(ending);
        self.ended(rest);
        self.stack.look_for_unwritten();
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

    /// The end of one whose begin is written had no room.
    pub(super) fn end_unwritten(&mut self, at_ns: u64) {
        // Each was open once, so they are no more than can be; those that are lost for good would be the last.
        if let Some(place) = self.late_ends.get_mut(self.unwritten_ends) {
            *place = at_ns;
            self.unwritten_ends += 1;
        }
    }

    /// What a header says that has `room` bytes for it: half for what has ended, and what that leaves for what is open.
    pub(super) fn listing(&self, room: usize) -> Listing<'_> {
        let ended = &self.late_ends[..self.unwritten_ends];
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
            stack: self.stack,
            count,
            names_len,
            unlisted: (count..depth).filter(|&number| self.stack.rest(number).is_written()).count() as u32,
        }
    }

    /// A header has been written with so many open ones.
    pub(super) fn listed(&mut self, count: usize) {
        for site in &self.stack.sites[..count] {
            site.store(site.load(Ordering::Relaxed) & !IS_UNWRITTEN, Ordering::Relaxed);
        }
        self.stack.look_for_unwritten();
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
        let stack = self.stack;
        (0..self.count).flat_map(move |number| stack.name(stack.rest(number)))
    }

    /// How many events it makes up for.
    pub(super) fn recovered(&self) -> u32 {
        self.ended_together + (self.ended.len() + self.open().filter(|open| open.written == 0).count()) as u32
    }
}

#[cfg(test)]
mod tests {
    use std::boxed::Box;
    use std::format;

    use super::*;

    fn slices() -> Slices {
        Slices::new(Box::leak(Box::new(Stack::new())))
    }

    fn begun(written: bool) -> Begun {
        Begun { ns: 1, site: 1, written, guarded: true }
    }

    #[test]
    fn what_is_unwritten_keeps_others_from_the_short_way() {
        let mut slices = slices();
        let stack = slices.stack();
        let is_short = || stack.prepare(begun(true), None, 0).is_some();
        let outer = slices.push(begun(true), None);
        assert!(is_short() && stack.plain_innermost(outer).is_some());
        let unwritten = slices.push(begun(false), None);
        assert!(
            !is_short() && stack.plain_innermost(unwritten).is_none() && stack.named_innermost(unwritten).is_none()
        );
        // Until it has ended,
        let (ending, rest) = stack.innermost().unwrap();
        slices.pop(ending, rest);
        assert!(is_short() && stack.plain_innermost(outer).is_some());
        // or a header has said that it is open.
        let unwritten = slices.push(begun(false), None);
        let named = slices.push(begun(true), Some("name"));
        slices.listed(1);
        assert!(!is_short() && stack.named_innermost(named).is_none());
        slices.listed(2);
        assert!(is_short() && stack.named_innermost(named).is_some() && slices.has_begun(unwritten));
    }

    #[test]
    fn a_name_lies_where_its_slice_says() {
        let mut slices = slices();
        let names = ["", "the name of the second", "", "that of the fourth, which is longer than the others"];
        let tokens = names.map(|name| slices.push(begun(true), Some(name).filter(|name| !name.is_empty())));
        let open = slices.stack().read();
        assert_eq!(open.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>(), names);
        assert!(tokens.iter().all(|token| slices.has_begun(*token)));
    }

    /// As guards are dropped that are kept until the next one has begun.
    #[test]
    fn names_of_what_ends_as_if_it_had_none_are_given_back() {
        let mut slices = slices();
        let stack = slices.stack();
        slices.push(begun(true), Some("around"));
        let mut longest = 0;
        for number in 0..2 * NAMES_LEN / 16 {
            let name = format!("named {number:>10}");
            match stack.prepare(begun(true), Some(&name), slices.names_len) {
                Some(opening) => {
                    slices.opened(opening.names_len());
                    opening.open();
                }
                // The long way.
                None => _ = slices.push(begun(true), Some(&name)),
            }
            assert_eq!(stack.read().iter().map(|(_, name)| &**name).collect::<Vec<_>>(), ["around", &name]);
            longest = longest.max(slices.names_len);
            stack.end(Ending(stack.counted() - 1));
        }
        assert!(longest > NAME_WORDS - 4, "{longest}");
        // With no room for any of it, it still takes nothing from others.
        let long = "x".repeat(NAMES_LEN - 32);
        slices.push(begun(true), Some(&long));
        let more = [(); 8].map(|()| slices.push(begun(true), Some("has hardly any room")));
        assert!(more.iter().all(|token| slices.has_begun(*token)) && slices.names_len <= NAME_WORDS);
        assert_eq!(stack.read()[1].1, long);
    }

    #[test]
    fn another_time_is_another() {
        let mut slices = slices();
        let token = slices.push(begun(true), None);
        let stack = slices.stack();
        for _ in 0..3 {
            let mut later = Slices::new(stack);
            assert!(!later.has_begun(token) && stack.plain_innermost(token).is_none());
            assert_ne!(later.push(begun(true), None), token);
        }
    }
}
