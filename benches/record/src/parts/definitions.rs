//! Where definitions go: into the stream, once a chunk or once a session, or into an area of their own, with a list in
//! each chunk of what it uses and the definitions written by the reader. One thread, chunks of 32 KiB, instants.

use super::{Case, compare};
use crate::clock;
use crate::options::PartsOptions;

const EVENTS: usize = 200_000;
const CHUNK_LEN: usize = 32 << 10;
const RING_LEN: usize = 24 << 20;
/// A definition and an event.
const MAX_LEN: usize = 128;

#[derive(Clone, Copy, PartialEq)]
enum Placement {
    /// A packet with interned data before the first event of each chunk that uses it.
    StreamEachChunk,
    /// The same, once a session: what is overwritten takes the names of all that follows with it.
    StreamOnce,
    /// Beside the stream; the reader writes a head for each chunk.
    AreaEachChunk,
    /// Beside the stream; the reader, having lost nothing, writes each definition once.
    AreaOnce,
}

use Placement::{AreaEachChunk, AreaOnce, StreamEachChunk, StreamOnce};

const PLACEMENTS: [(Placement, &str); 4] = [
    (StreamEachChunk, "in the stream, each chunk"),
    (StreamOnce, "in the stream, once"),
    (AreaEachChunk, "area, head for each chunk"),
    (AreaOnce, "area, each once"),
];

pub fn run(options: &PartsOptions) {
    let columns = ["hot ns", "drain ns", "bytes an event in the file", "definitions per 1,000 events"];
    for (count, skew, text) in [
        (10, 1, "10 call sites"),
        (1000, 1, "1,000 call sites, uniform"),
        (1000, 4, "1,000 call sites, skewed"),
        (10_000, 1, "10,000 call sites, uniform"),
        (10_000, 4, "10,000 call sites, skewed"),
    ] {
        let scene = Scene::new(count, skew);
        let case = |(placement, name)| scene.case(name, placement, 1024, false);
        compare(&format!("Definitions: {text}"), &columns, options.rounds, PLACEMENTS.map(case).into());
    }
    let scene = Scene::new(1000, 1);
    let case = |(placement, name)| scene.case(name, placement, 1024, true);
    compare("Definitions: 1,000 run-time names, found by hash", &columns, options.rounds, PLACEMENTS.map(case).into());
    for (count, skew) in [(1000, 1), (10_000, 4)] {
        let scene = Scene::new(count, skew);
        let case = |places: usize| scene.case(&format!("{places} places"), AreaOnce, places, false);
        let title = format!("Places in the thread's table of known call sites, {count} sites, area");
        compare(&title, &columns, options.rounds, [64, 256, 1024, 4096, 16384].map(case).into());
    }
}

/// Names, their definitions, and which event has which.
struct Scene {
    names: Vec<String>,
    /// InternedData.event_names of each: tag, length, iid, name.
    definitions: Vec<Vec<u8>>,
    order: Vec<u32>,
}

impl Scene {
    fn new(count: usize, skew: i32) -> Self {
        let names: Vec<String> = (0..count).map(|site| format!("module::function_{site:05}")).collect();
        let definitions = names.iter().enumerate().map(|(site, name)| definition(site as u32 + 1, name)).collect();
        let mut random = 1_u64;
        let mut pick = || {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            ((random >> 11) as f64 / (1_u64 << 53) as f64).powi(skew) * count as f64
        };
        let order = (0..EVENTS).map(|_| pick() as u32).collect();
        Self { names, definitions, order }
    }

    fn case(&self, name: &str, placement: Placement, places: usize, by_name: bool) -> Case<'_> {
        let mut ring = vec![1; RING_LEN];
        let mut file = Vec::with_capacity(RING_LEN * 2);
        file.resize(RING_LEN * 2, 1_u8);
        Case::new(name, move || {
            let mut thread = Thread::new(std::mem::take(&mut ring), places);
            let table = Table::new(&self.names);
            let begin = clock::thread_cpu_ns();
            match (placement, by_name) {
                (StreamEachChunk, false) => thread.record::<true, true>(self, |_| None),
                (StreamOnce, false) => thread.record::<true, false>(self, |_| None),
                (_, false) => thread.record::<false, true>(self, |_| None),
                (StreamEachChunk, true) => thread.record::<true, true>(self, |site| table.find(&self.names, site)),
                (StreamOnce, true) => thread.record::<true, false>(self, |site| table.find(&self.names, site)),
                (_, true) => thread.record::<false, true>(self, |site| table.find(&self.names, site)),
            }
            let hot = clock::thread_cpu_ns() - begin;
            thread.complete();
            file.clear();
            let begin = clock::thread_cpu_ns();
            let mut written = if placement == AreaOnce { vec![false; self.names.len()] } else { Vec::new() };
            thread.chunks.iter().for_each(|chunk| chunk.drain(&thread, self, &mut written, &mut file));
            let drain = clock::thread_cpu_ns() - begin;
            let defined = thread.defined as f64 * 1000.0 / EVENTS as f64;
            let bytes = file.len() as f64 / EVENTS as f64;
            ring = thread.ring;
            vec![hot as f64 / EVENTS as f64, drain as f64 / EVENTS as f64, bytes, defined]
        })
    }
}

struct Thread {
    ring: Vec<u8>,
    begin: usize,
    at: usize,
    /// Where the list of used definitions begins: it grows down from the chunk's end.
    list: usize,
    /// Of each place, the generation and the call site that is known.
    known: Vec<u64>,
    generation: u64,
    last: u64,
    defined: usize,
    chunks: Vec<Chunk>,
}

struct Chunk {
    begin: usize,
    end: usize,
    list: usize,
}

impl Thread {
    fn new(ring: Vec<u8>, places: usize) -> Self {
        let chunks = Vec::with_capacity(RING_LEN / CHUNK_LEN);
        let known = vec![0; places];
        Self { ring, begin: 0, at: 0, list: CHUNK_LEN, known, generation: 1, last: clock::ticks(), defined: 0, chunks }
    }

    #[inline(always)]
    fn record<const STREAM: bool, const EACH_CHUNK: bool>(&mut self, scene: &Scene, find: impl Fn(u32) -> Option<u32>) {
        for &site in &scene.order {
            let site = find(site).unwrap_or(site);
            if self.at + MAX_LEN > self.list {
                self.complete();
                self.generation += u64::from(EACH_CHUNK);
            }
            let place = site as usize & (self.known.len() - 1);
            let known = self.generation << 32 | u64::from(site);
            if self.known[place] != known {
                self.known[place] = known;
                self.define::<STREAM>(scene, site);
            }
            self.event(site + 1);
        }
    }

    #[cold]
    #[inline(never)]
    fn define<const STREAM: bool>(&mut self, scene: &Scene, site: u32) {
        self.defined += 1;
        if STREAM {
            let definition = &scene.definitions[site as usize];
            let len = definition.len() as u8;
            let packet = &mut self.ring[self.at..][..MAX_LEN];
            packet[..8].copy_from_slice(&[0x0a, len + 6, 0x50, 0x01, 0x68, 0x02, 0x62, len]);
            packet[8..8 + definition.len()].copy_from_slice(definition);
            self.at += 8 + definition.len();
        } else {
            self.list -= 4;
            self.ring[self.list..][..4].copy_from_slice(&site.to_le_bytes());
        }
    }

    #[inline(always)]
    fn event(&mut self, iid: u32) {
        let now = clock::ticks();
        let delta = now.wrapping_sub(self.last) & 0x3fff;
        self.last = now;
        let packet = &mut self.ring[self.at..][..32];
        packet[..16].copy_from_slice(b"\x0a_\x50\x01\x68\x02\x5a_\x48\x03\x18\x01\x50___");
        let len = varint(packet, 13, iid);
        packet[7] = len as u8 - 8;
        packet[len] = 0x40;
        let len = varint(packet, len + 1, delta as u32);
        packet[1] = len as u8 - 2;
        self.at += len;
    }

    #[cold]
    #[inline(never)]
    fn complete(&mut self) {
        self.chunks.push(Chunk { begin: self.begin, end: self.at, list: self.list });
        self.begin += CHUNK_LEN;
        self.at = self.begin;
        self.list = self.begin + CHUNK_LEN;
    }
}

impl Chunk {
    /// Writes the head, if definitions are beside the stream, and the packets. An empty `written`: each chunk's all.
    fn drain(&self, thread: &Thread, scene: &Scene, written: &mut [bool], file: &mut Vec<u8>) {
        let list = &thread.ring[self.list..self.begin + CHUNK_LEN];
        let head = file.len();
        if !list.is_empty() {
            // Lengths of three bytes, patched below.
            file.extend_from_slice(b"\x0a___\x50\x01\x68\x03\x62___");
            for site in list.rchunks(4) {
                let site = u32::from_le_bytes([site[0], site[1], site[2], site[3]]) as usize;
                if let Some(written) = written.get_mut(site)
                    && std::mem::replace(written, true)
                {
                    continue;
                }
                file.extend_from_slice(&scene.definitions[site]);
            }
            for (at, from) in [(head + 1, head + 4), (head + 9, head + 12)] {
                let len = file.len() - from;
                file[at..from].copy_from_slice(&[len as u8 | 0x80, (len >> 7) as u8 | 0x80, (len >> 14) as u8]);
            }
        }
        file.extend_from_slice(&thread.ring[self.begin..self.end]);
    }
}

/// One or two bytes, rarely three. Gives the place after it.
#[inline(always)]
fn varint(packet: &mut [u8], at: usize, value: u32) -> usize {
    if value < 1 << 7 {
        packet[at] = value as u8;
        at + 1
    } else {
        packet[at] = value as u8 | 0x80;
        packet[at + 1] = (value >> 7) as u8;
        at + 2
    }
}

fn definition(iid: u32, name: &str) -> Vec<u8> {
    let mut bytes = vec![0; 16];
    bytes[0] = 0x08;
    let len = varint(&mut bytes, 1, iid);
    bytes.truncate(len);
    bytes.extend_from_slice(&[0x12, name.len() as u8]);
    bytes.extend_from_slice(name.as_bytes());
    [&[0x12, bytes.len() as u8][..], &bytes].concat()
}

/// Names to numbers: open addressing, the bytes compared.
struct Table {
    places: Vec<(u32, u32)>,
}

impl Table {
    fn new(names: &[String]) -> Self {
        let mut places = vec![(0, u32::MAX); (names.len() * 4).next_power_of_two()];
        for (site, name) in names.iter().enumerate() {
            let hash = hash(name.as_bytes());
            let mut at = hash as usize & (places.len() - 1);
            while places[at].1 != u32::MAX {
                at = (at + 1) & (places.len() - 1);
            }
            places[at] = (hash, site as u32);
        }
        Self { places }
    }

    /// As if the name of the call came from elsewhere: the text itself is hashed.
    #[inline(always)]
    fn find(&self, names: &[String], site: u32) -> Option<u32> {
        let name = std::hint::black_box(names[site as usize].as_bytes());
        let hash = hash(name);
        let mut at = hash as usize & (self.places.len() - 1);
        loop {
            let (other, found) = self.places[at];
            if found == u32::MAX {
                return None;
            }
            if other == hash && names[found as usize].as_bytes() == name {
                return Some(found);
            }
            at = (at + 1) & (self.places.len() - 1);
        }
    }
}

/// Eight bytes at a time, folded products.
#[inline(always)]
fn hash(bytes: &[u8]) -> u32 {
    const KEY: u64 = 0x9e37_79b9_7f4a_7c15;
    let fold = |a: u64, b: u64| {
        let product = u128::from(a) * u128::from(b);
        product as u64 ^ (product >> 64) as u64
    };
    let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
    let mut state = bytes.len() as u64 ^ KEY;
    if bytes.len() < 8 {
        let padded = bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
        return fold(state ^ padded, KEY) as u32;
    }
    let mut rest = bytes;
    while rest.len() > 8 {
        state = fold(state ^ word(&rest[..8]), KEY);
        rest = &rest[8..];
    }
    fold(state ^ word(&bytes[bytes.len() - 8..]), KEY) as u32
}
