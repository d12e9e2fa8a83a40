//! Numbers and names that fields and values must keep out of.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use crate::error::{Error, Origin};
use crate::parse::{Range, ReservedName};

/// A descriptor has room for the number behind it.
const MAX_RESERVED: i128 = i32::MAX as i128 - 1;

/// Sorted, and without overlaps.
#[derive(Debug)]
pub(super) struct Ranges(Vec<(RangeInclusive<i128>, &'static str)>);

impl Ranges {
    /// Within `numbers`; a message can reserve more.
    pub(super) fn new(
        origin: &Origin,
        numbers: RangeInclusive<i128>,
        reserved: &[Range],
        extensions: &[Range],
    ) -> Result<Self, Error> {
        let wide = *numbers.start()..=(*numbers.end()).max(MAX_RESERVED);
        let reserved = reserved.iter().map(|range| (range, "is reserved", &wide));
        let extensions = extensions.iter().map(|range| (range, "is in a range for extensions", &numbers));
        let mut ranges = Vec::new();
        for (range, text, limits) in reserved.chain(extensions) {
            let last = range.last.unwrap_or(*numbers.end());
            let place = || Origin { line: range.line, ..origin.clone() };
            if !limits.contains(&range.first) || !limits.contains(&last) || range.first > last {
                let (from, to) = limits.clone().into_inner();
                let text = format!("expected a range within {from} to {to}, found {} to {last}", range.first);
                return Err(Error::invalid(place(), text));
            }
            ranges.push((range.first..=last, text, range.line));
        }
        ranges.sort_by_key(|(range, ..)| *range.start());
        for pair in ranges.windows(2) {
            if pair[0].0.end() >= pair[1].0.start() {
                let place = Origin { line: pair[0].2.max(pair[1].2), ..origin.clone() };
                let text = |range: &RangeInclusive<i128>| format!("{} to {}", range.start(), range.end());
                return Err(Error::invalid(
                    place,
                    format!("ranges {} and {} overlap", text(&pair[0].0), text(&pair[1].0)),
                ));
            }
        }
        Ok(Self(ranges.into_iter().map(|(range, text, _)| (range, text)).collect()))
    }

    /// What is wrong with `number`, if anything is.
    pub(super) fn violation(&self, number: i128) -> Option<&'static str> {
        let behind = self.0.partition_point(|(range, _)| *range.start() <= number);
        let (range, text) = self.0.get(behind.checked_sub(1)?)?;
        range.contains(&number).then_some(*text)
    }
}

/// The names that `origin` reserves, each once.
pub(super) fn reserved_names<'a>(origin: &Origin, names: &'a [ReservedName]) -> Result<HashSet<&'a str>, Error> {
    let mut all = HashSet::new();
    match names.iter().find(|reserved| !all.insert(reserved.name.as_str())) {
        Some(twice) => {
            let origin = Origin { line: twice.line, ..origin.clone() };
            Err(Error::invalid(origin, format!("the name `{}` is reserved twice", twice.name)))
        }
        None => Ok(all),
    }
}
