//! What call sites, categories and tracks there are: numbered as they are first met, never forgotten.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::vec::Vec;

/// A bounded list that threads add to without waiting, and without allocating once it is [prepared](Self::prepare).
#[derive(Debug)]
pub(super) struct Registry<T> {
    slots: OnceLock<Vec<OnceLock<T>>>,
    added: AtomicU32,
    capacity: u32,
}

impl<T: Copy> Registry<T> {
    pub(super) const fn new(capacity: u32) -> Self {
        Self { slots: OnceLock::new(), added: AtomicU32::new(0), capacity }
    }

    /// Takes the memory.
    pub(super) fn prepare(&self) {
        self.slots.get_or_init(|| {
            let mut slots = Vec::new();
            slots.resize_with(self.capacity as usize, OnceLock::new);
            slots
        });
    }

    pub(super) fn is_prepared(&self) -> bool {
        self.slots.get().is_some()
    }

    /// Its number, from 1. `None` when the list is full or not prepared.
    pub(super) fn add(&self, item: T) -> Option<u32> {
        let slots = self.slots.get()?;
        // Nobody writes what all look at; and it goes beyond by no more than there are threads, so it never comes round.
        if self.added.load(Ordering::Relaxed) >= self.capacity {
            return None;
        }
        let number = self.added.fetch_add(1, Ordering::Relaxed);
        _ = slots.get(number as usize)?.set(item);
        Some(number + 1)
    }

    pub(super) fn get(&self, number: u32) -> Option<T> {
        self.slots.get()?.get(number.checked_sub(1)? as usize)?.get().copied()
    }

    /// All that have been added, with their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, T)> {
        let added = self.added.load(Ordering::Relaxed).min(self.capacity);
        // Not an inclusive range, which keeps whether it has ended, wherever this is inlined.
        (1..added + 1).filter_map(|number| Some((number, self.get(number)?)))
    }
}
