//! Categories: what is recorded is switched by them.

use core::fmt;
use std::string::String;
use std::sync::atomic::{AtomicU32, Ordering, fence};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockWriteGuard, TryLockError};
use std::vec::Vec;

use super::fork;
use super::registry::Registry;
use super::stats::lock;

/// A named group of events, which can be switched on and off while recording.
///
/// Declare one with [`categories!`](crate::categories), or write its name as the first argument of a macro.
///
/// ```
/// use pftrace::{Category, MemorySink, Session, instant, set_categories};
///
/// pftrace::categories! {
///     /// Files and sockets.
///     #[tags("slow")]
///     IO = "io";
/// }
///
/// assert_eq!((IO.name(), IO.own_tags(), IO.description_lines()), ("io", &["slow"][..], &[" Files and sockets."][..]));
/// assert!(!IO.is_enabled()); // there is no session
/// let session = Session::builder().writer(MemorySink::new()).start()?;
/// instant!(IO, "read");
/// assert!(IO.is_enabled());
/// set_categories("-tag:slow");
/// instant!("io", "not recorded"); // it is the same category
/// assert!(!IO.is_enabled());
/// assert_eq!(session.stop()?.events, 1);
/// # Ok::<(), pftrace::SessionError>(())
/// ```
pub struct Category {
    name: &'static str,
    tags: &'static [&'static str],
    description: &'static [&'static str],
    /// [`LIVE`] alone until it is first met: so who asks for that alone, asks for all. 0 while it [waits](Self::wait). Then [`MET`], [`ON`] or not, [`LIVE`] or not, and above them the
    /// number, 0 if there was no room for one.
    state: AtomicU32,
    /// The next one that waits, if there is one, when this one does.
    next: OnceLock<Option<&'static Category>>,
}

impl fmt::Debug for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, tags, description, .. } = self;
        f.debug_struct("Category").field("name", name).field("tags", tags).field("description", description).finish()
    }
}

const ON: u32 = 1;
const MET: u32 = 2;
/// It is on and a session is recorded, as far as is known.
const LIVE: u32 = 4;
const NUMBER_SHIFT: u32 = 3;

/// How many there can be: each call site may have its own. What is recorded in further ones bears no category.
const CAPACITY: u32 = super::call_site::MAX_CALL_SITES;

static CATEGORIES: Registry<&'static Category> = Registry::new(CAPACITY);

/// Those of them that have tags.
static TAGGED: Registry<&'static Category> = Registry::new(MAX_TAGGED);

/// How many categories there can be with tags: those of further ones count for nothing.
const MAX_TAGGED: u32 = 1024;

/// The first of those that were met before there was a session.
static WAITING: Mutex<Option<&'static Category>> = Mutex::new(None);

/// Which are on.
static SWITCH: Switch = Switch::new();

impl Category {
    /// A category of that name.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, tags: &[], description: &[], state: AtomicU32::new(LIVE), next: OnceLock::new() }
    }

    /// Words that it can be switched by, together with others: see [`set_categories`].
    #[must_use]
    pub const fn tags(mut self, tags: &'static [&'static str]) -> Self {
        self.tags = tags;
        self
    }

    /// What it is about, line by line.
    #[must_use]
    pub const fn description(mut self, lines: &'static [&'static str]) -> Self {
        self.description = lines;
        self
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The words that it can be switched by beside its name.
    #[must_use]
    pub const fn own_tags(&self) -> &'static [&'static str] {
        self.tags
    }

    /// The comment in front of it, where [`categories!`](crate::categories) declares it: line by line, with what stands behind the
    /// slashes.
    #[must_use]
    pub const fn description_lines(&self) -> &'static [&'static str] {
        self.description
    }

    /// All that are known: those of which something was recorded, or would have been had they been on. One for each name, in no particular
    /// order; where one of a name has a description, that one.
    ///
    /// ```
    /// for category in pftrace::Category::all() {
    ///     println!("{:10} {:?} {}", category.name(), category.own_tags(), category.description_lines().concat());
    /// }
    /// ```
    #[must_use]
    pub fn all() -> Vec<&'static Self> {
        let mut all: Vec<&'static Self> = Vec::new();
        for (_, category) in CATEGORIES.iter() {
            match all.iter_mut().find(|known| known.name == category.name) {
                None => all.push(category),
                Some(known) if known.description.is_empty() => *known = category,
                Some(_) => {}
            }
        }
        all
    }

    /// Whether its events are recorded just now: one load. [`category_enabled!`](crate::category_enabled) asks it.
    #[inline(always)]
    #[must_use]
    pub fn is_enabled(&'static self) -> bool {
        if cfg!(feature = "off") {
            return false;
        }
        let state = self.state.load(Ordering::Relaxed);
        state & LIVE != 0 && (state & MET != 0 || self.meet() & LIVE != 0)
    }

    /// The same, or it has not been met: where nothing has to be done before an event but to call what records it, and that meets it.
    #[doc(hidden)]
    #[inline(always)]
    pub fn may_be_enabled(&self) -> bool {
        cfg!(not(feature = "off")) && self.state.load(Ordering::Relaxed) & LIVE != 0
    }

    /// Its number: the same for all categories of the same name, 0 if there is no room for it.
    pub(super) fn number(&'static self) -> u32 {
        self.met() >> NUMBER_SHIFT
    }

    /// The same, if it is on. `None` also where it can't be met just now, so that nobody takes 0 for its number.
    pub(super) fn number_if_on(&'static self) -> Option<u32> {
        let state = self.met();
        (state & ON != 0).then_some(state >> NUMBER_SHIFT)
    }

    /// The same, if it has been met: else 0.
    #[inline(always)]
    pub(super) fn known_number(&self) -> u32 {
        self.state.load(Ordering::Relaxed) >> NUMBER_SHIFT
    }

    /// Its state, when it has been met.
    pub(super) fn met(&'static self) -> u32 {
        let state = self.state.load(Ordering::Relaxed);
        if state & MET == 0 { self.meet() } else { state }
    }

    /// What a thread does that comes here first; returns the state. Nobody waits.
    #[cold]
    fn meet(&'static self) -> u32 {
        if !CATEGORIES.is_prepared() {
            return self.wait();
        }
        let same = CATEGORIES.iter().find(|(_, other)| other.name == self.name);
        let added = CATEGORIES.add(self);
        let number = added.and_then(|own| same.map(|(number, _)| number).or(Some(own))).unwrap_or(0);
        SWITCH.apply(self, number << NUMBER_SHIFT | MET);
        if !self.tags.is_empty() {
            // What was met before without its tags has them now.
            _ = TAGGED.add(self);
            let same = CATEGORIES.iter().filter(|(_, other)| other.name == self.name);
            same.for_each(|(_, other)| SWITCH.apply(other, 0));
        }
        self.state.load(Ordering::Relaxed)
    }

    /// There has been no session yet, and no memory to remember it in: the first one meets it. Nothing is allocated, since this may be a signal handler.
    fn wait(&'static self) -> u32 {
        // Whoever has it is about to give it back, or is interrupted by us: then it is met with its next event.
        let Ok(mut first) = WAITING.try_lock() else { return 0 };
        if CATEGORIES.is_prepared() {
            drop(first);
            return self.meet();
        }
        if self.next.set(*first).is_ok() {
            *first = Some(self);
        }
        self.state.store(0, Ordering::Relaxed);
        0
    }

    /// On or off. `met` is the state of one that is met right now: all of it is there at once, so that no other thread takes it for off.
    fn turn(&self, on: bool, met: u32) {
        let turned = |state: u32| {
            let state = if state & MET == 0 { met } else { state };
            let live = if on && super::session::is_recording() { LIVE } else { 0 };
            (state & MET != 0).then_some(state & !(ON | LIVE) | u32::from(on) | live)
        };
        // One that nobody has met yet stays so.
        _ = self.state.fetch_update(Ordering::Relaxed, Ordering::Relaxed, turned);
    }

    pub(super) fn of_number(number: u32) -> Option<&'static Self> {
        CATEGORIES.get(number)
    }
}

pub(super) fn prepare() {
    CATEGORIES.prepare();
    TAGGED.prepare();
    // From now on none begins to wait. The lock is had at once; but for ever in a child that was forked while another thread had it, before there was a session
    // to see to that.
    let waiting = (0..MOST_TRIES).find_map(|_| match WAITING.try_lock() {
        Ok(mut first) => Some(first.take()),
        Err(_) => {
            std::thread::yield_now();
            None
        }
    });
    let mut waiting = waiting.flatten();
    while let Some(category) = waiting {
        category.met();
        waiting = category.next.get().copied().flatten();
    }
}

/// A session has begun or ended just now.
pub(super) fn refresh() {
    SWITCH.refresh();
}

/// Keeps the switch as it is.
pub(super) fn hold() -> Held {
    let waiting = lock(&WAITING);
    let setting = lock(&SWITCH.setting);
    // Who reads is through with it soon.
    let hold = |filter: &'static RwLock<Filter>| filter.write().unwrap_or_else(PoisonError::into_inner);
    let [first, second] = &SWITCH.filters;
    Held { _waiting: waiting, _setting: setting, _filters: [hold(first), hold(second)] }
}

/// See [`hold`].
pub(super) struct Held {
    _waiting: MutexGuard<'static, Option<&'static Category>>,
    _setting: MutexGuard<'static, ()>,
    _filters: [RwLockWriteGuard<'static, Filter>; 2],
}

/// Switches categories on and off, at once and while recording.
///
/// `patterns` are separated by commas or blanks: a name, with `*` for any number of any characters, and a `-` in front to
/// switch off instead of on. The last one that matches a category decides; what none matches is on if all patterns switch
/// off, and off otherwise. No pattern at all: everything is on. A pattern that begins with `tag:` is about the tags of a category instead of
/// its name.
///
/// ```
/// pftrace::set_categories("render io.*");      // these alone
/// pftrace::set_categories("-debug.*");         // all but these
/// pftrace::set_categories("*, -io.*, io.net"); // all but those of io, with io.net
/// pftrace::set_categories("");                 // all
/// ```
pub fn set_categories(patterns: &str) {
    fork::prepare();
    SWITCH.set(Filter::parse(patterns));
}

/// The filter, and the one before it: the next is made where that was, so who reads the present one never waits.
#[derive(Debug)]
struct Switch {
    filters: [RwLock<Filter>; 2],
    /// How often it has been set: the present filter is that of its parity.
    times: AtomicU32,
    setting: Mutex<()>,
}

impl Switch {
    const fn new() -> Self {
        let filters = [const { RwLock::new(Filter { rules: Vec::new() }) }; 2];
        Self { filters, times: AtomicU32::new(0), setting: Mutex::new(()) }
    }

    fn set(&self, filter: Filter) {
        let setting = lock(&self.setting);
        self.set_now(filter, &setting);
    }

    /// The same filter once more: what else it depends on has changed.
    fn refresh(&self) {
        let setting = lock(&self.setting);
        let times = self.times.load(Ordering::Relaxed);
        let filter = self.filters[times as usize % 2].read().unwrap_or_else(PoisonError::into_inner).clone();
        self.set_now(filter, &setting);
    }

    fn set_now(&self, filter: Filter, _setting: &MutexGuard<'_, ()>) {
        let times = self.times.load(Ordering::Relaxed).wrapping_add(1);
        *self.filters[times as usize % 2].write().unwrap_or_else(PoisonError::into_inner) = filter;
        // Release: with the acquire of `apply`, who sees the number finds the filter.
        self.times.store(times, Ordering::Release);
        // With the fence of `apply`: a category that is not in the list yet when it is looked through is switched by whoever adds it.
        fence(Ordering::SeqCst);
        CATEGORIES.iter().for_each(|(_, category)| self.apply(category, 0));
    }

    /// Turns a category that is in the list already as the filter says that is present in the end.
    fn apply(&self, category: &Category, met: u32) {
        fence(Ordering::SeqCst);
        let mut times = self.times.load(Ordering::Acquire);
        // It is had at once, but while the process forks: then the category is met again later.
        for _ in 0..MOST_TRIES {
            let filter = match self.filters[times as usize % 2].try_read() {
                Ok(filter) => Some(filter),
                Err(TryLockError::Poisoned(filter)) => Some(filter.into_inner()),
                // It is being made anew, so it is no longer the present one; or the process forks.
                Err(TryLockError::WouldBlock) => None,
            };
            if let Some(filter) = &filter {
                category.turn(filter.is_on(category), met);
            }
            fence(Ordering::SeqCst);
            let now = self.times.load(Ordering::Acquire);
            if now == times && filter.is_some() {
                return;
            }
            times = now;
            std::hint::spin_loop();
        }
    }
}

/// A few milliseconds.
const MOST_TRIES: u32 = 100_000;

#[derive(Clone, Debug)]
struct Filter {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    pattern: String,
    /// It is about tags.
    of_tags: bool,
    on: bool,
}

impl Filter {
    fn parse(patterns: &str) -> Self {
        let mut rules = Vec::new();
        for pattern in patterns.split([',', ' ', '\t', '\n']) {
            if !pattern.is_empty() {
                rules.push(Rule::parse(pattern));
            }
        }
        Self { rules }
    }

    fn is_on(&self, category: &Category) -> bool {
        let matching = self.rules.iter().rev().find(|rule| match rule.of_tags {
            true => has_tag(category, &rule.pattern),
            false => matches(&rule.pattern, category.name),
        });
        matching.map_or_else(|| self.rules.iter().all(|rule| !rule.on), |rule| rule.on)
    }
}

impl Rule {
    fn parse(pattern: &str) -> Self {
        let (pattern, on) = pattern.strip_prefix('-').map_or((pattern, true), |pattern| (pattern, false));
        let (pattern, of_tags) = pattern.strip_prefix("tag:").map_or((pattern, false), |pattern| (pattern, true));
        Self { pattern: pattern.into(), of_tags, on }
    }
}

/// Whether the category has such a tag, or one of the same name that is written out somewhere else.
fn has_tag(category: &Category, pattern: &str) -> bool {
    let has = |category: &Category| category.tags.iter().any(|tag| matches(pattern, tag));
    has(category) || TAGGED.iter().any(|(_, other)| other.name == category.name && has(other))
}

/// Whether `pattern`, in which each `*` stands for any text, is `name`.
fn matches(pattern: &str, name: &str) -> bool {
    let (mut pattern, mut name) = (pattern.as_bytes(), name.as_bytes());
    // What is behind the last `*`, and the shortest rest of the name that has not been tried for it.
    let mut star = None;
    loop {
        match (pattern, name) {
            ([b'*', behind @ ..], _) => (pattern, star) = (behind, Some((behind, name))),
            ([expected, behind @ ..], [found, rest @ ..]) if expected == found => (pattern, name) = (behind, rest),
            ([], []) => return true,
            _ => {
                let Some((behind, [_, rest @ ..])) = star else { return false };
                (pattern, name, star) = (behind, rest, Some((behind, rest)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_pattern_that_matches_decides() {
        let on = |patterns: &str, name: &'static str| Filter::parse(patterns).is_on(&Category::new(name));
        assert!(on("", "render"));
        assert!(on("render io.*", "io.net") && !on("render io.*", "net"));
        assert!(on("-debug.*", "render") && !on("-debug.*", "debug.x"));
        assert!(on("*,-io.*,io.net", "io.net") && !on("*,-io.*,io.net", "io.disk") && on("*,-io.*,io.net", "x"));
        assert!(on("*a*b*", "xxaxxbxx") && !on("*a*b*", "xxbxxaxx") && on("a*", "a") && !on("a*a", "a"));
    }

    #[test]
    fn a_star_stands_for_any_text() {
        /// The same, by what it says: slow.
        fn does_match(pattern: &[u8], name: &[u8]) -> bool {
            match pattern {
                [] => name.is_empty(),
                [b'*', behind @ ..] => (0..=name.len()).any(|at| does_match(behind, &name[at..])),
                [first, behind @ ..] => name.first() == Some(first) && does_match(behind, &name[1..]),
            }
        }
        let texts = |letters: &'static str, longest: u32| {
            (0..=longest).flat_map(move |len| {
                let count = letters.len();
                (0..count.pow(len)).map(move |number| {
                    (0..len).map(|at| letters.as_bytes()[number / count.pow(at) % count] as char).collect::<String>()
                })
            })
        };
        for pattern in texts("*ab", 6) {
            for name in texts("ab", 6) {
                let expected = does_match(pattern.as_bytes(), name.as_bytes());
                assert_eq!(matches(&pattern, &name), expected, "{pattern} {name}");
            }
        }
    }

    #[test]
    fn tags_are_matched_like_names() {
        let on = |patterns: &str, tags: &'static [&'static str]| {
            Filter::parse(patterns).is_on(&Category::new("render").tags(tags))
        };
        assert!(on("tag:slow", &["debug", "slow"]) && !on("tag:slow", &["slower"]) && !on("tag:slow", &[]));
        assert!(!on("-tag:slow", &["slow"]) && on("-tag:slow", &["debug"]));
        assert!(on("-tag:s* render", &["slow"]) && !on("render -tag:s*", &["slow"]));
        assert!(!on("tag:render", &[]) && !on("slow", &["slow"]));
    }
}
