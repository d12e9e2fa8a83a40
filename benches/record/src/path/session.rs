//! A recording: the ring, the definitions, and the thread that writes what comes out of the ring.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use pftrace_protos::{InternedData, Trace, TracePacket};
use pftrace_ring::{Config, Owner, Policy, Reader, Reading, Ring, Writer};

use super::definitions::Definitions;
use super::site::NEEDS_STATE;
use crate::clock;

#[derive(Debug)]
pub struct Session {
    ring: Ring,
    owners: AtomicU32,
    pub definitions: Definitions,
    /// What the first packet of each thread counts from.
    pub start_ns: u64,
    /// Times a thread found no chunk and slept.
    pub stalls: AtomicU64,
}

impl Session {
    /// A ring of `chunks` chunks of 32 KiB.
    pub fn new(chunks: u32, policy: Policy) -> Arc<Self> {
        let ring = Ring::new(Config { chunk_len: 32 << 10, chunks, policy }).expect("memory");
        // Our time is the counter's, scaled: it begins with the machine.
        let start_ns = ((u128::from(clock::ticks()) * u128::from(clock::scale())) >> 64) as u64;
        Arc::new(Self {
            ring,
            owners: AtomicU32::new(0),
            definitions: Definitions::new(),
            start_ns,
            stalls: AtomicU64::new(0),
        })
    }

    /// A writer, and its owner's number.
    pub fn writer(&self) -> (Writer, u32) {
        let number = self.owners.fetch_add(1, Ordering::Relaxed);
        (Writer::new(&self.ring, Owner::new(number).expect("few threads")), number)
    }

    /// Empties the ring each millisecond, until it is told to stop.
    pub fn drain(self: &Arc<Self>, sink: impl Write + Send + 'static) -> Drain {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, session) = (stop.clone(), self.clone());
        let thread = std::thread::spawn(move || {
            let mut reader = Reader::new(&session.ring);
            let mut file = TraceFile { session: &session, sink, defined: BTreeMap::new(), bytes: 0, packets: 0 };
            loop {
                let last = stopped.load(Ordering::Acquire);
                while let Some(chunk) = reader.next_chunk() {
                    file.chunk(&chunk);
                }
                if last {
                    return Drained { bytes: file.bytes, packets: file.packets };
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        Drain { stop, thread }
    }
}

#[derive(Debug)]
pub struct Drain {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Drained>,
}

/// What came out of the ring.
#[derive(Debug)]
pub struct Drained {
    pub bytes: u64,
    pub packets: u64,
}

impl Drain {
    /// All threads have left.
    pub fn finish(self) -> Drained {
        self.stop.store(true, Ordering::Release);
        self.thread.join().expect("the drain ends")
    }
}

/// The reading side: before a thread's first chunk its generation's head, before each chunk what it names that is new.
struct TraceFile<'s, W> {
    session: &'s Session,
    sink: W,
    /// Of each thread, the definitions that are written.
    defined: BTreeMap<u32, Vec<bool>>,
    bytes: u64,
    packets: u64,
}

const CLEARED: u32 = 1;
const INCREMENTAL: u32 = 64;
const MONOTONIC: u32 = 3;

impl<W: Write> TraceFile<'_, W> {
    fn chunk(&mut self, chunk: &Reading<'_>) {
        let owner = chunk.owner().number();
        if !self.defined.contains_key(&owner) {
            self.defined.insert(owner, Vec::new());
            self.head(owner);
        }
        let defined = self.defined.entry(owner).or_default();
        let mut new = Vec::new();
        for number in chunk.words() {
            let index = number as usize;
            if defined.len() <= index {
                defined.resize(index + 1, false);
            }
            if !std::mem::replace(&mut defined[index], true) {
                new.push(number);
            }
        }
        // So that each packet fits into the buffer.
        for new in new.chunks(512) {
            self.define(owner, new);
        }
        self.sink.write_all(chunk.bytes()).expect("the sink takes it");
        self.bytes += chunk.bytes().len() as u64;
        self.packets += u64::from(chunk.packets());
    }

    fn head(&mut self, owner: u32) {
        let (track, start_ns) = (u64::from(owner) + 1, self.session.start_ns);
        self.packet(owner, |packet| {
            packet.set_sequence_flags(CLEARED).set_trace_packet_defaults(|defaults| {
                defaults.set_timestamp_clock_id(INCREMENTAL).set_track_event_defaults(|event| {
                    event.set_track_uuid(track);
                });
            });
            packet.set_clock_snapshot(|snapshot| {
                snapshot.add_clocks(|clock| {
                    clock.set_clock_id(INCREMENTAL).set_timestamp(start_ns).set_is_incremental(true);
                });
                snapshot.add_clocks(|clock| {
                    clock.set_clock_id(MONOTONIC).set_timestamp(start_ns);
                });
            });
        });
        self.packet(owner, |packet| {
            packet.set_track_descriptor(|descriptor| {
                descriptor.set_uuid(track).set_name("thread");
            });
        });
        self.packet(owner, |packet| {
            packet.set_track_descriptor(|descriptor| {
                descriptor.set_uuid(COUNTER_TRACK).set_name("counter").set_counter(|_| {});
            });
        });
        self.packet(owner, |packet| {
            packet.set_sequence_flags(NEEDS_STATE).set_interned_data(|data| {
                data.add_event_categories(|category| {
                    category.set_iid(CATEGORY).set_name("race");
                });
                for (iid, name) in (1..).zip(["number", "real", "text"]) {
                    data.add_debug_annotation_names(|entry| {
                        entry.set_iid(iid).set_name(name);
                    });
                }
            });
        });
    }

    fn define(&mut self, owner: u32, numbers: &[u32]) {
        let definitions = &self.session.definitions;
        let fill = |data: &mut InternedData<'_>| {
            for &number in numbers {
                let Some(name) = definitions.name(number) else { continue };
                data.add_event_names(|entry| {
                    entry.set_iid(u64::from(number)).set_name(&String::from_utf8_lossy(name.text()));
                });
            }
        };
        self.packet(owner, |packet| {
            packet.set_sequence_flags(NEEDS_STATE).set_interned_data(fill);
        });
    }

    fn packet(&mut self, owner: u32, fill: impl FnOnce(&mut TracePacket<'_>)) {
        let mut buffer = [0; 64 << 10];
        let bytes = Trace::encode(&mut buffer, |trace| {
            trace.add_packet(|packet| {
                packet.set_trusted_packet_sequence_id(owner % 127 + 1);
                fill(packet);
            });
        });
        self.sink.write_all(bytes.expect("it is small")).expect("the sink takes it");
    }
}

pub const CATEGORY: u64 = 1;
/// Above the threads'.
pub const COUNTER_TRACK: u64 = 100;
