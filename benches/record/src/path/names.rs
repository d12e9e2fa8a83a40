//! Names that are known only at run time: a bounded table of a thread.

use std::hash::{BuildHasher, Hasher};

use ahash::RandomState;

use super::definitions::{Definitions, Name};

/// A table of texts, found by their hash and compared byte by byte. The texts are in the places themselves, so that finding one
/// touches one cache line.
#[derive(Debug)]
pub struct Names {
    places: Box<[Place; PLACES]>,
    hasher: RandomState,
}

const PLACES: usize = 2048;
/// How many places are looked at.
const PROBES: usize = 8;

#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Place {
    hash: u32,
    /// 0: the place is free.
    number: u32,
    name: Name,
}

impl Names {
    pub fn new() -> Self {
        let free = Place { hash: 0, number: 0, name: Name::EMPTY };
        // Fixed keys: the same program writes the same trace.
        let hasher = RandomState::with_seeds(0x7066_7472, 0x6163_6520, 0x6e61_6d65, 0x7320_2020);
        Self { places: Box::new([free; PLACES]), hasher }
    }

    /// The number of a name, which is defined from now on. `None`: there is no room for it.
    #[inline(always)]
    pub fn find(&mut self, text: &str, definitions: &Definitions) -> Option<u32> {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(text.as_bytes());
        let hash = hasher.finish() as u32;
        let place = &self.places[hash as usize % PLACES];
        if place.hash == hash && place.number != 0 && place.name.text() == text.as_bytes() {
            return Some(place.number);
        }
        self.find_further(text, hash, definitions)
    }

    #[cold]
    #[inline(never)]
    fn find_further(&mut self, text: &str, hash: u32, definitions: &Definitions) -> Option<u32> {
        for probe in 0..PROBES {
            let place = &mut self.places[(hash as usize + probe) % PLACES];
            if place.number == 0 {
                let name = Name::new(text)?;
                *place = Place { hash, number: definitions.define(name)?, name };
                return Some(place.number);
            }
            if place.hash == hash && place.name.text() == text.as_bytes() {
                return Some(place.number);
            }
        }
        None
    }
}
