//! The stack of the slices that a thread has open, where others can look.

use std::string::String;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
use std::vec::Vec;

use crate::recording::call_site::MAX_CALL_SITES;
use crate::recording::header::Open;
use crate::text::{Cut, MARK};
use crate::writer::MAX_OPEN_SLICES;

pub(super) const MOST: usize = MAX_OPEN_SLICES as usize;

/// For the names that were given at run time. What has no room is cut; it matters only where the begin is lost, or written over.
pub(super) const NAMES_LEN: usize = 8192;
pub(super) const NAME_WORDS: usize = NAMES_LEN / 8;

/// So much each has behind that, so that none is without a name.
pub(super) const CUT_LEN: usize = 16;
const CUT_WORDS: usize = CUT_LEN / 8;

/// Those that are open, where others can look: who takes a snapshot asks for the slices of threads that record nothing meanwhile. Only the thread itself
/// stores.
#[derive(Debug)]
pub(in crate::recording) struct Stack {
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
    names: [AtomicU64; NAME_WORDS + MOST * CUT_WORDS],
}

/// How many are open.
const DEPTH: u32 = 2 * MOST as u32 - 1;
const _: () = assert!(MOST.is_power_of_two() && MOST < 1 << 14);

/// The begin of one that is open is not written, and no header has made up for that: so none is begun or ended by its [`Token`] the short way, as if there were too many.
pub(super) const UNWRITTEN: u32 = 1 << 15;

/// One time more that a thread begins. The last bit is free for [`LOOK`].
pub(super) const TIME: u32 = 1 << 16;

/// What an open slice is known by to who ends it: how many were open with it, as in [`Stack::depth`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::recording) struct Token(pub(super) u32);

/// Of a token: it is not plain, so its end has to look.
pub(super) const LOOK: u32 = 1 << 31;

impl Token {
    /// Of what was to be begun and was not: of no time that a thread begins.
    pub(in crate::recording) const LOST: Self = Self(LOOK | DEPTH);
}

/// Of a slice: its call site. That of most is all that is to be said: they have a guard, are written, and have no name of their own.
const SITE: u32 = u16::MAX as u32;
const _: () = assert!(MAX_CALL_SITES <= SITE);
const IS_UNGUARDED: u32 = 1 << 16;
const IS_UNWRITTEN: u32 = 1 << 17;
const IS_NAMED: u32 = 1 << 18;
/// When it began was told, and may be to come: it does not end before.
const IS_TOLD: u32 = 1 << 19;

/// By how much the word at which a name begins is shifted.
const NAME_AT: u32 = 16;
const _: () = assert!(NAMES_LEN < 1 << NAME_AT && NAME_WORDS + MOST * CUT_WORDS < 1 << (u32::BITS - NAME_AT));

/// What is to be known of an open slice at its end.
#[derive(Clone, Copy, Debug)]
pub(in crate::recording) struct Rest {
    site: u32,
    /// Of no meaning where it has none of its own.
    own_name: u32,
}

impl Rest {
    #[inline(always)]
    pub(super) fn of(begun: Begun, name: Option<(usize, usize)>) -> Self {
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
    pub(super) fn is_named(self) -> bool {
        self.site & IS_NAMED != 0
    }

    /// The word at which the name begins.
    #[inline(always)]
    pub(super) fn name_at(self) -> usize {
        (self.own_name >> NAME_AT) as usize
    }

    #[inline(always)]
    pub(super) fn name_len(self) -> usize {
        if self.is_named() { self.own_name as u16 as usize } else { 0 }
    }

    /// The word at which it ends.
    #[inline(always)]
    fn name_end(self) -> usize {
        self.name_at() + words(self.name_len())
    }

    #[inline(always)]
    pub(in crate::recording) fn is_written(self) -> bool {
        self.site & IS_UNWRITTEN == 0
    }

    #[inline(always)]
    pub(in crate::recording) fn is_told(self) -> bool {
        self.site & IS_TOLD != 0
    }

    #[inline(always)]
    pub(in crate::recording) fn is_guarded(self) -> bool {
        self.site & IS_UNGUARDED == 0
    }

    /// The number of its call site.
    #[inline(always)]
    pub(in crate::recording) fn site(self) -> u32 {
        self.site & SITE
    }
}

impl Stack {
    pub(in crate::recording) const fn new() -> Self {
        Self {
            depth: AtomicU32::new(0),
            begin_ns: [const { AtomicU64::new(0) }; MOST],
            sites: [const { AtomicU32::new(0) }; MOST],
            own_names: [const { AtomicU32::new(0) }; MOST],
            names: [const { AtomicU64::new(0) }; NAME_WORDS + MOST * CUT_WORDS],
        }
    }

    /// A thread begins, which has nothing open.
    pub(super) fn begin(&self) {
        // With the fence of `ThreadInfo::open_while`: who sees anything of this thread sees that the one before has exited.
        fence(Ordering::Release);
        // Never 0, also after 2^15 times.
        let time = self.counted().wrapping_add(TIME) & !((TIME - 1) | LOOK);
        self.depth.store(time.max(TIME), Ordering::Relaxed);
    }

    /// How many are open, and which time it is.
    #[inline(always)]
    pub(super) fn counted(&self) -> u32 {
        self.depth.load(Ordering::Relaxed)
    }

    #[inline(always)]
    pub(super) fn depth(&self) -> usize {
        (self.counted() & DEPTH) as usize
    }

    /// One more, whose begin is written, as soon as it is [there](Opening::open). `None` when it is full, or not all are written, or there seems to be no room for its name: one that was
    /// given at run time, behind so many words of others.
    #[inline(always)]
    pub(in crate::recording) fn prepare(
        &self,
        begun: Begun,
        name: Option<&str>,
        names_len: usize,
    ) -> Option<Opening<'_>> {
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
    pub(super) fn store(&self, counted: u32, depth: usize, begin_ns: u64, rest: Rest) -> Opening<'_> {
        self.begin_ns[depth].store(begin_ns, Ordering::Relaxed);
        self.sites[depth].store(rest.site, Ordering::Relaxed);
        if rest.is_named() {
            self.own_names[depth].store(rest.own_name, Ordering::Relaxed);
        }
        Opening { stack: self, counted, rest }
    }

    /// Stores a name behind the others, if it has room. Returns how long it is.
    #[inline(always)]
    pub(super) fn store_name(&self, name: &str, names_len: usize) -> Option<usize> {
        if name.len() <= SHORT_NAME && names_len <= const { NAME_WORDS - SHORT_NAME / 8 } {
            let places = self.names[names_len..names_len + SHORT_NAME / 8].first_chunk()?;
            store_short(places, name.as_bytes());
        } else {
            store_long(self.names.get(names_len..NAME_WORDS)?, name.as_bytes())?;
        }
        Some(name.len())
    }

    /// The same, cut if it has not. Returns how long it is there.
    #[cold]
    pub(super) fn store_cut(&self, name: &str, names_len: usize) -> usize {
        let places = self.names.get(names_len..).unwrap_or_default();
        let room = (8 * NAME_WORDS.saturating_sub(names_len)).max(CUT_LEN).min(8 * places.len());
        let Cut { text, mark } = Cut::to(name, room);
        let (mut bytes, len) = (text.bytes().chain(mark.bytes()), text.len() + mark.len());
        for place in &places[..words(len)] {
            let word = [(); 8].map(|()| bytes.next().unwrap_or(0));
            store(place, u64::from_le_bytes(word));
        }
        len
    }

    /// When the innermost began was told.
    pub(super) fn set_told(&self) {
        if let Some(site) = self.depth().checked_sub(1).and_then(|number| self.sites.get(number)) {
            site.store(site.load(Ordering::Relaxed) | IS_TOLD, Ordering::Relaxed);
        }
    }

    /// The innermost, if it is that one and plain, or as deep: where guards are dropped out of order, that may be any other, which then ends the same way.
    #[inline(always)]
    pub(in crate::recording) fn plain_innermost(&self, token: Token) -> Option<Ending> {
        let counted = self.counted();
        (counted == token.0).then(|| Ending(counted.wrapping_sub(1)))
    }

    /// The same of one that is not plain.
    #[inline(always)]
    pub(in crate::recording) fn named_innermost(&self, token: Token) -> Option<(Ending, Rest)> {
        let counted = self.counted();
        let ending = Ending(counted.wrapping_sub(1));
        (counted | LOOK == token.0).then(|| (ending, self.rest(ending.0 as usize)))
    }

    /// The same, plain or not.
    #[inline(always)]
    pub(in crate::recording) fn known_innermost(&self, token: Token) -> Option<(Ending, Rest)> {
        self.named_innermost(Token(token.0 | LOOK))
    }

    /// How many are around the innermost, and what its end asks for.
    #[inline(always)]
    pub(in crate::recording) fn innermost(&self) -> Option<(Ending, Rest)> {
        let counted = self.counted();
        let ending = Ending(counted.wrapping_sub(1));
        (counted & DEPTH != 0).then(|| (ending, self.rest(ending.0 as usize)))
    }

    /// A header says of the outermost that they are open.
    pub(super) fn made_up_for(&self, count: usize) {
        for site in &self.sites[..count] {
            site.store(site.load(Ordering::Relaxed) & !IS_UNWRITTEN, Ordering::Relaxed);
        }
        self.look_for_unwritten();
    }

    /// Perhaps all are written now.
    pub(super) fn look_for_unwritten(&self) {
        let counted = self.counted();
        if counted & UNWRITTEN != 0 && (0..self.depth()).all(|number| self.rest(number).is_written()) {
            self.depth.store(counted & !UNWRITTEN, Ordering::Relaxed);
        }
    }

    /// Where the names of those that are open end.
    #[cold]
    pub(super) fn names_len(&self) -> usize {
        let names = (0..self.depth()).map(|number| self.rest(number)).filter(|rest| rest.name_len() > 0);
        names.map(Rest::name_end).max().unwrap_or(0)
    }

    /// When that one began.
    pub(in crate::recording) fn begin_of(&self, ending: Ending) -> u64 {
        self.begin_ns[ending.0 as usize % MOST].load(Ordering::Relaxed)
    }

    /// It is open no more.
    #[inline(always)]
    pub(in crate::recording) fn end(&self, ending: Ending) {
        self.depth.store(ending.0, Ordering::Relaxed);
    }

    #[inline(always)]
    pub(super) fn rest(&self, number: usize) -> Rest {
        let site = self.sites[number % MOST].load(Ordering::Relaxed);
        Rest { site, own_name: self.own_names[number % MOST].load(Ordering::Relaxed) }
    }

    pub(super) fn get(&self, number: usize) -> Open {
        let rest = self.rest(number);
        Open {
            begin_ns: self.begin_ns[number % MOST].load(Ordering::Relaxed),
            site: rest.site(),
            name_len: rest.name_len() as u16,
            written: rest.is_written().into(),
            guarded: rest.is_guarded().into(),
        }
    }

    /// Its own name, cut to `longest` bytes.
    pub(super) fn name_of(&self, number: usize, longest: usize) -> OpenName<'_> {
        let rest = self.rest(number);
        let words = self.names.get(rest.name_at()..).unwrap_or_default();
        let mut name = OpenName { words, len: rest.name_len(), mark: "" };
        if name.len > longest {
            (name.len, name.mark) = (longest.saturating_sub(MARK.len()), MARK);
            // Between two characters.
            while name.len > 0 && name.byte(name.len) & 0xc0 == 0x80 {
                name.len -= 1;
            }
        }
        name
    }

    /// What is open, the outermost first, with the names that were given at run time. Of a thread that records meanwhile it may be nonsense.
    pub(in crate::recording) fn read(&self) -> Vec<(Open, String)> {
        let mut listed = Vec::new();
        for number in 0..self.depth().min(MOST) {
            let mut name = Vec::new();
            self.name_of(number, NAMES_LEN).write(&mut |bytes| name.extend_from_slice(bytes));
            listed.push((self.get(number), String::from_utf8_lossy(&name).into_owned()));
        }
        listed
    }
}

/// The name of an open slice, where it lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenName<'s> {
    words: &'s [AtomicU64],
    len: usize,
    mark: &'static str,
}

impl<'s> OpenName<'s> {
    pub(super) fn len(self) -> usize {
        self.len + self.mark.len()
    }

    fn byte(self, at: usize) -> u8 {
        self.words.get(at / 8).map_or(0, |word| word.load(Ordering::Relaxed).to_le_bytes()[at % 8])
    }

    /// Adds its bytes.
    pub(super) fn write(self, add: &mut impl FnMut(&[u8])) {
        for at in 0..self.len {
            add(&[self.byte(at)]);
        }
        add(self.mark.as_bytes());
    }
}

/// The innermost slice, which ends: what is counted without it.
#[derive(Clone, Copy, Debug)]
pub(in crate::recording) struct Ending(pub(super) u32);

/// A slice that is not open yet.
#[derive(Debug)]
#[must_use]
pub(in crate::recording) struct Opening<'s> {
    stack: &'s Stack,
    counted: u32,
    rest: Rest,
}

impl Opening<'_> {
    /// It is open now. Returns what it is known by.
    #[inline(always)]
    pub(in crate::recording) fn open(&self) -> Token {
        let counted = self.counted + 1;
        self.stack.depth.store(counted, Ordering::Relaxed);
        Token(if self.rest.is_plain() { counted } else { counted | LOOK })
    }

    /// Where its name ends, if it has one of its own: for [`Slices::opened`].
    #[inline(always)]
    pub(in crate::recording) fn names_len(&self) -> Option<usize> {
        self.rest.is_named().then_some(self.rest.name_end())
    }
}

/// A slice that begins.
#[derive(Clone, Copy, Debug)]
pub(in crate::recording) struct Begun {
    pub(in crate::recording) ns: u64,
    pub(in crate::recording) site: u32,
    /// Whether its begin had room.
    pub(in crate::recording) written: bool,
    /// Whether a guard will end it.
    pub(in crate::recording) guarded: bool,
}

/// How many words a name has.
#[expect(
    clippy::manual_div_ceil,
    reason = "names are no longer than memory is, and then this is three instructions less"
)]
#[inline(always)]
fn words(name_len: usize) -> usize {
    (name_len + 7) / 8
}

/// What is no longer is stored without a loop.
const SHORT_NAME: usize = 32;

/// The bytes of a name, of which the last word has what remains.
#[inline(always)]
fn store_short(places: &[AtomicU64; SHORT_NAME / 8], name: &[u8]) {
    if let (Some(front), Some(back)) = (name.first_chunk(), name.last_chunk()) {
        let (front, back) = (u128::from_le_bytes(*front), u128::from_le_bytes(*back));
        // All of it, where there is nothing behind the front.
        let back = back.checked_shr(8 * (32 - name.len() as u32)).unwrap_or(0);
        [front as u64, (front >> 64) as u64, back as u64, (back >> 64) as u64]
            .into_iter()
            .zip(places)
            .for_each(|(word, place)| store(place, word));
    } else if let (Some(front), Some(back)) = (name.first_chunk(), name.last_chunk()) {
        store(&places[0], u64::from_le_bytes(*front));
        store(&places[1], u64::from_le_bytes(*back).checked_shr(8 * (16 - name.len() as u32)).unwrap_or(0));
    } else {
        store(&places[0], less_than_a_word(name));
    }
}

/// The same of what is long, or has little room: `None` where it has none.
#[inline(never)]
fn store_long(places: &[AtomicU64], name: &[u8]) -> Option<()> {
    let mut places = places.get(..words(name.len()))?.iter();
    let mut words = name.chunks_exact(8);
    for (word, place) in words.by_ref().zip(places.by_ref()) {
        store(place, word.first_chunk().map_or(0, |word| u64::from_le_bytes(*word)));
    }
    for place in places {
        store(place, less_than_a_word(words.remainder()));
    }
    Some(())
}

/// At most seven bytes, as a word. Those that are taken twice are the same in the same place.
#[inline(always)]
fn less_than_a_word(bytes: &[u8]) -> u64 {
    let at = |place: usize, bytes: u64| bytes << (8 * place % 64);
    if let (Some(front), Some(back)) = (bytes.first_chunk(), bytes.last_chunk()) {
        u64::from(u32::from_le_bytes(*front)) | at(bytes.len() - 4, u32::from_le_bytes(*back).into())
    } else if let [first, .., last] = *bytes {
        let middle = bytes.len() / 2;
        u64::from(first) | at(middle, bytes[middle].into()) | at(bytes.len() - 1, last.into())
    } else {
        bytes.first().map_or(0, |&byte| byte.into())
    }
}

#[inline(always)]
fn store(place: &AtomicU64, bytes: u64) {
    place.store(bytes.to_le(), Ordering::Relaxed);
}
