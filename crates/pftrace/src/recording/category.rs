//! Categories: what is recorded is switched by them.

use std::string::String;
use std::sync::atomic::{AtomicU32, Ordering, fence};
use std::sync::{Mutex, PoisonError, RwLock, TryLockError};
use std::vec::Vec;

use super::registry::Registry;
use super::stats::lock;

/// A named group of events, which can be switched on and off while recording.
///
/// Declare one with [`categories!`](crate::categories), or write its name as the first argument of a macro.
#[derive(Debug)]
pub struct Category {
    name: &'static str,
    /// 0 until it is first met; then [`MET`], [`ON`] or not, and above them the number, 0 if there was no room for one.
    state: AtomicU32,
}

const ON: u32 = 1;
const MET: u32 = 2;
const NUMBER_SHIFT: u32 = 2;

/// How many there can be: each call site may have its own. What is recorded in further ones bears no category.
const CAPACITY: u32 = super::call_site::MAX_CALL_SITES;

static CATEGORIES: Registry<&'static Category> = Registry::new(CAPACITY);

/// Which are on.
static SWITCH: Switch = Switch::new();

impl Category {
    /// A category of that name.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, state: AtomicU32::new(0) }
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Whether its events are recorded just now.
    #[inline(always)]
    #[must_use]
    pub fn is_enabled(&'static self) -> bool {
        super::session::is_recording() && self.is_on()
    }

    /// Whether its events are recorded just now, as far as it is up to the category.
    #[inline(always)]
    pub(super) fn is_on(&'static self) -> bool {
        let state = self.state.load(Ordering::Relaxed);
        state & ON != 0 || state == 0 && self.meet() & ON != 0
    }

    /// Its number: the same for all categories of the same name, 0 if there is no room for it.
    pub(super) fn number(&'static self) -> u32 {
        let state = self.state.load(Ordering::Relaxed);
        let met = if state == 0 { self.meet() } else { state };
        met >> NUMBER_SHIFT
    }

    /// What a thread does that comes here first; returns the state. Nobody waits.
    #[cold]
    fn meet(&'static self) -> u32 {
        let same = CATEGORIES.iter().find(|(_, other)| other.name == self.name);
        let added = CATEGORIES.add(self);
        let number = added.and_then(|own| same.map(|(number, _)| number).or(Some(own))).unwrap_or(0);
        SWITCH.apply(self, number << NUMBER_SHIFT | MET);
        self.state.load(Ordering::Relaxed)
    }

    /// On or off. `met` is the state of one that is met right now: all of it is there at once, so that no other thread takes it for off.
    fn turn(&self, on: bool, met: u32) {
        let turned = |state: u32| {
            let state = if state == 0 { met } else { state };
            (state != 0).then_some(state & !ON | u32::from(on))
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
}

/// Switches categories on and off, at once and while recording.
///
/// `patterns` are separated by commas or blanks: a name, with `*` for any number of any characters, and a `-` in front to
/// switch off instead of on. The last one that matches a category decides; what none matches is on if all patterns switch
/// off, and off otherwise. No pattern at all: everything is on.
///
/// ```
/// pftrace::set_categories("render io.*");      // these alone
/// pftrace::set_categories("-debug.*");         // all but these
/// pftrace::set_categories("*, -io.*, io.net"); // all but those of io, with io.net
/// pftrace::set_categories("");                 // all
/// ```
pub fn set_categories(patterns: &str) {
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
        let _setting = lock(&self.setting);
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
        loop {
            let filter = match self.filters[times as usize % 2].try_read() {
                Ok(filter) => Some(filter),
                Err(TryLockError::Poisoned(filter)) => Some(filter.into_inner()),
                // It is being made anew, so it is no longer the present one.
                Err(TryLockError::WouldBlock) => None,
            };
            if let Some(filter) = &filter {
                category.turn(filter.is_on(category.name), met);
            }
            fence(Ordering::SeqCst);
            let now = self.times.load(Ordering::Acquire);
            if now == times && filter.is_some() {
                return;
            }
            times = now;
        }
    }
}

#[derive(Debug)]
struct Filter {
    rules: Vec<(String, bool)>,
}

impl Filter {
    fn parse(patterns: &str) -> Self {
        let patterns = patterns.split([',', ' ', '\t', '\n']).filter(|pattern| !pattern.is_empty());
        let rule = |pattern: &str| match pattern.strip_prefix('-') {
            Some(pattern) => (pattern.into(), false),
            None => (pattern.into(), true),
        };
        Self { rules: patterns.map(rule).collect() }
    }

    fn is_on(&self, name: &str) -> bool {
        let matching = self.rules.iter().rev().find(|(pattern, _)| matches(pattern, name));
        matching.map_or_else(|| self.rules.iter().all(|&(_, on)| !on), |&(_, on)| on)
    }
}

/// Whether `pattern`, in which each `*` stands for any text, is `name`.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_pattern_that_matches_decides() {
        let on = |patterns: &str, name: &str| Filter::parse(patterns).is_on(name);
        assert!(on("", "render"));
        assert!(on("render io.*", "io.net") && !on("render io.*", "net"));
        assert!(on("-debug.*", "render") && !on("-debug.*", "debug.x"));
        assert!(on("*,-io.*,io.net", "io.net") && !on("*,-io.*,io.net", "io.disk") && on("*,-io.*,io.net", "x"));
        assert!(on("*a*b*", "xxaxxbxx") && !on("*a*b*", "xxbxxaxx") && on("a*", "a") && !on("a*a", "a"));
    }
}
