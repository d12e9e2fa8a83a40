//! Strings that a sequence has defined, and the numbers (iids) that stand for them.
//!
//! A table of fixed size in memory that is given once. Texts are compared byte by byte, so an iid means one text only.
//! What does not fit is not interned: its text then stands in each packet itself, and nothing is lost.
//!
//! ```text
//! memory:  | entries: 24 bytes each, in the order of their definition | index: u32 each | texts |
//! ```
//!
//! The index is a hash table with linear probing, at most half full; it holds 1 + the number of an entry, or 0. What a
//! packet adds stands at the end of the entries until the packet is committed, and is taken back when it is not.

use core::hash::BuildHasher;

use foldhash::fast::FixedState;

/// What a text is interned for. Numbers are per kind: each is a field of `perfetto.protos.InternedData`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    EventName,
    Category,
    AnnotationName,
    StringValue,
    /// Text: the file's name and the function's, one after the other. `extra`: the length of the first and the line.
    SourceLocation,
}

const KINDS: usize = 5;

impl Kind {
    const ALL: [Self; KINDS] =
        [Self::EventName, Self::Category, Self::AnnotationName, Self::StringValue, Self::SourceLocation];
}

/// A text and its number.
#[derive(Debug, Clone, Copy)]
struct Entry {
    extra: u64,
    hash: u32,
    /// Where its text is among the texts.
    offset: u32,
    len: u32,
    /// Its number, and in the top eight bits its kind.
    kind_and_iid: u32,
}

/// As it lies in the memory.
type EntryWords = [u64; 3];

const IID_BITS: u32 = 24;

/// Fixed keys: the same program writes the same trace.
const HASHER: FixedState = FixedState::with_seed(0x696e_7465_726e_6572);

impl Entry {
    fn to_words(self) -> EntryWords {
        let Self { extra, hash, offset, len, kind_and_iid } = self;
        [extra, u64::from(offset) << 32 | u64::from(hash), u64::from(kind_and_iid) << 32 | u64::from(len)]
    }

    fn of(&[extra, hash, len]: &EntryWords) -> Self {
        let (offset, kind_and_iid) = ((hash >> 32) as u32, (len >> 32) as u32);
        Self { extra, hash: hash as u32, offset, len: len as u32, kind_and_iid }
    }

    fn kind(&self) -> Kind {
        Kind::ALL[(self.kind_and_iid >> IID_BITS) as usize]
    }

    fn iid(&self) -> u64 {
        u64::from(self.kind_and_iid & ((1 << IID_BITS) - 1))
    }
}

/// A text that the packet being written defines.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Definition<'t> {
    pub(crate) kind: Kind,
    pub(crate) iid: u64,
    pub(crate) text: &'t str,
    pub(crate) extra: u64,
}

/// The table of one sequence, and the memory that it lies in.
#[derive(Debug)]
pub(crate) struct Interner<M> {
    memory: M,
    layout: Layout,
    progress: Progress,
}

/// What of the memory is used.
#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    used: Used,
    /// `used` when the last packet was committed.
    committed: Used,
}

#[derive(Debug, Clone, Copy, Default)]
struct Used {
    entries: usize,
    text_bytes: usize,
    /// Of these, by string values: they may take half, so that a million different ones leave room for names.
    value_bytes: usize,
    per_kind: [u32; KINDS],
}

#[derive(Debug, Clone, Copy)]
struct Layout {
    /// How many entries there is room for; the index has twice as many places.
    entries: usize,
    texts: usize,
}

/// Longer texts are not interned: the table is for many short ones. A fraction of its room for texts.
const LONGEST_TEXT: usize = 16;

impl Layout {
    /// Half for entries and index, half for texts.
    fn new(words: usize) -> Self {
        let bytes = words * size_of::<u64>();
        let per_entry = size_of::<EntryWords>() + 2 * size_of::<u32>();
        let most = (bytes / 2 / per_entry).min(1 << (IID_BITS - 1));
        // The number of places of the index must be a power of two.
        let entries = if most == 0 { 0 } else { 1 << most.ilog2() };
        Self { entries, texts: (bytes - entries * per_entry).min(u32::MAX as usize) }
    }
}

impl<M: AsRef<[u64]> + AsMut<[u64]>> Interner<M> {
    pub(crate) fn new(memory: M) -> Self {
        let layout = Layout::new(memory.as_ref().len());
        let mut this = Self { memory, layout, progress: Progress::default() };
        this.clear();
        this
    }

    /// Forgets all: a new generation.
    pub(crate) fn clear(&mut self) {
        self.table().index.fill(0);
        self.progress = Progress::default();
    }

    /// The packet has been committed: what it defines is known from now on.
    pub(crate) fn commit(&mut self) {
        self.progress.committed = self.progress.used;
    }

    /// The packet was not written: what it would have defined is unknown again.
    pub(crate) fn rollback(&mut self) {
        let Progress { used, committed } = self.progress;
        let Table { entries, index, .. } = self.table();
        // The last one first: then no chain of probes is cut.
        for number in (committed.entries..used.entries).rev() {
            let place =
                places(Entry::of(&entries[number]).hash, index.len()).find(|&place| index[place] == number as u32 + 1);
            if let Some(place) = place {
                index[place] = 0;
            }
        }
        self.progress.used = committed;
    }

    /// The parts of the memory, to look up and define.
    pub(crate) fn table(&mut self) -> Table<'_> {
        let Layout { entries, texts } = self.layout;
        let (entry_words, rest) =
            self.memory.as_mut().split_at_mut(entries * size_of::<EntryWords>() / size_of::<u64>());
        let (index_words, text_words) = rest.split_at_mut(entries);
        Table {
            // Whole entries: this can't fail.
            entries: bytemuck::cast_slice_mut(entry_words),
            index: bytemuck::must_cast_slice_mut(index_words),
            texts: &mut bytemuck::must_cast_slice_mut(text_words)[..texts],
            progress: &mut self.progress,
        }
    }
}

/// The table while a packet is written.
#[derive(Debug)]
pub(crate) struct Table<'m> {
    entries: &'m mut [EntryWords],
    index: &'m mut [u32],
    texts: &'m mut [u8],
    progress: &'m mut Progress,
}

impl Table<'_> {
    /// The same table, for a shorter time.
    pub(crate) fn reborrow(&mut self) -> Table<'_> {
        let Self { entries, index, texts, progress } = self;
        Table { entries, index, texts, progress }
    }

    /// The number of a text, which is defined from now on; `None` when there is no room for it.
    pub(crate) fn intern(&mut self, kind: Kind, text: &str, extra: u64) -> Option<u64> {
        let hash = HASHER.hash_one((kind as u8, extra, text)) as u32;
        for place in places(hash, self.index.len()) {
            let Some(number) = self.index[place].checked_sub(1) else {
                return self.has_room(kind, text.len()).then(|| self.define(kind, text, extra, hash, place));
            };
            let entry = Entry::of(&self.entries[number as usize]);
            let same = entry.hash == hash && entry.kind() == kind && entry.extra == extra;
            if same && text_of(&entry, self.texts) == text.as_bytes() {
                return Some(entry.iid());
            }
        }
        // Only a table without memory has no free place: the index has twice as many as there are entries.
        None
    }

    /// What the packet being written defines.
    pub(crate) fn definitions(&self) -> impl Iterator<Item = Definition<'_>> {
        let Progress { used, committed } = *self.progress;
        self.entries[committed.entries..used.entries].iter().map(Entry::of).map(|entry| Definition {
            kind: entry.kind(),
            iid: entry.iid(),
            // A `&str` was stored there whole.
            text: core::str::from_utf8(text_of(&entry, self.texts)).unwrap_or_default(),
            extra: entry.extra,
        })
    }

    /// Whether the packet being written defines something.
    pub(crate) fn has_definitions(&self) -> bool {
        self.progress.used.entries != self.progress.committed.entries
    }

    fn has_room(&self, kind: Kind, len: usize) -> bool {
        let used = &self.progress.used;
        let (entries, texts) = (self.entries.len(), self.texts.len());
        let room = used.entries < entries && len <= texts - used.text_bytes && len <= texts / LONGEST_TEXT;
        let values = used.per_kind[Kind::StringValue as usize] as usize;
        let value_room = values < entries / 2 && used.value_bytes + len <= texts / 2;
        room && (kind != Kind::StringValue || value_room)
    }

    fn define(&mut self, kind: Kind, text: &str, extra: u64, hash: u32, place: usize) -> u64 {
        let used = &mut self.progress.used;
        let (number, offset) = (used.entries, used.text_bytes);
        used.entries += 1;
        used.text_bytes += text.len();
        if kind == Kind::StringValue {
            used.value_bytes += text.len();
        }
        let count = &mut used.per_kind[kind as usize];
        *count += 1;
        self.texts[offset..][..text.len()].copy_from_slice(text.as_bytes());
        let kind_and_iid = (kind as u32) << IID_BITS | *count;
        let entry = Entry { extra, hash, offset: offset as u32, len: text.len() as u32, kind_and_iid };
        self.entries[number] = entry.to_words();
        self.index[place] = number as u32 + 1;
        u64::from(*count)
    }
}

/// The places of an index of `len`, a power of two or 0, in the order in which a hash's entry is looked for.
fn places(hash: u32, len: usize) -> impl Iterator<Item = usize> {
    (0..len).map(move |probe| (hash as usize).wrapping_add(probe) & (len - 1))
}

fn text_of<'t>(entry: &Entry, texts: &'t [u8]) -> &'t [u8] {
    &texts[entry.offset as usize..][..entry.len as usize]
}
