//! Which files can be seen from which.

use crate::load::Unit;

/// Of each file: itself, what it imports, and what these import publicly.
pub(super) fn of(units: &[Unit]) -> Vec<UnitSet> {
    // What a file shows to those who import it. Imports come first.
    let mut shown: Vec<UnitSet> = Vec::new();
    let mut visible = Vec::new();
    for (unit, source) in units.iter().enumerate() {
        let with = |imports: &[usize]| UnitSet::union(unit, imports.iter().map(|&import| &shown[import]));
        visible.push(with(&source.imports));
        let own = with(&source.public_imports);
        shown.push(own);
    }
    visible
}

/// A set of files, by a bit of each from the first to the last: a chain of public imports shows each file to all behind it.
#[derive(Debug)]
pub(super) struct UnitSet {
    /// The index of the first word.
    first: usize,
    words: Vec<u64>,
}

const BITS: usize = u64::BITS as usize;

impl UnitSet {
    /// `unit`, and all that is in `sets`, where nothing behind it is.
    fn union<'a>(unit: usize, sets: impl Iterator<Item = &'a UnitSet> + Clone) -> Self {
        let last = unit / BITS;
        let first = sets.clone().map(|set| set.first).min().unwrap_or(last);
        let mut words = vec![0; last + 1 - first];
        words[last - first] = 1 << (unit % BITS);
        for set in sets {
            let own = &mut words[set.first - first..];
            own.iter_mut().zip(&set.words).for_each(|(own, other)| *own |= other);
        }
        Self { first, words }
    }

    pub(super) fn contains(&self, unit: usize) -> bool {
        let word = (unit / BITS).checked_sub(self.first).and_then(|index| self.words.get(index));
        word.is_some_and(|word| word >> (unit % BITS) & 1 == 1)
    }
}
