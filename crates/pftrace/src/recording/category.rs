//! Categories: what is recorded is switched by them.

use std::string::String;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::vec::Vec;

use super::registry::Registry;

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

static CATEGORIES: Registry<Category> = Registry::new(CAPACITY);

/// Which are on: the last pattern that matches says so.
static FILTER: Mutex<Filter> = Mutex::new(Filter { rules: Vec::new() });

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
        let state = match self.state.load(Ordering::Relaxed) {
            0 => self.meet(),
            state => state,
        };
        state >> NUMBER_SHIFT
    }

    /// What a thread does that comes here first; returns the state. Nobody waits.
    #[cold]
    fn meet(&'static self) -> u32 {
        let same = CATEGORIES.iter().find(|(_, other)| other.name == self.name);
        let added = CATEGORIES.add(self);
        let number = added.and_then(|own| same.map(|(number, _)| number).or(Some(own))).unwrap_or(0);
        // Who holds the filter switches this one too, since it is in the list now, or has done so already.
        let on = FILTER.try_lock().ok().map(|filter| u32::from(filter.is_on(self.name)));
        let meet = |state: u32| {
            let met = number << NUMBER_SHIFT | MET | on.unwrap_or(state & ON);
            (state & MET == 0).then_some(met)
        };
        match self.state.fetch_update(Ordering::Relaxed, Ordering::Relaxed, meet) {
            Ok(_) => self.state.load(Ordering::Relaxed),
            // Another thread has been quicker.
            Err(state) => state,
        }
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
    let filter = Filter::parse(patterns);
    let mut current = FILTER.lock().unwrap_or_else(PoisonError::into_inner);
    *current = filter;
    for (_, category) in CATEGORIES.iter() {
        let on = u32::from(current.is_on(category.name));
        _ = category.state.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |state| Some(state & !ON | on));
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
