//! A recording: the ring, the definitions, and the thread that writes what comes out of the ring.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use pftrace_protos::{BuiltinClock, InternedData, Trace, TracePacket};
use pftrace_ring::{Config, Policy, Reader, Reading, Ring, Writer};

use super::definitions::Definitions;
use super::site::NEEDS_STATE;
use super::thread::Clock;

#[derive(Debug)]
pub struct Session {
    ring: Ring,
    pub definitions: Definitions,
    /// What the first packet of each thread counts from.
    pub start_ns: u64,
    /// Times a thread found no chunk and slept.
    pub stalls: AtomicU64,
}

impl Session {
    /// A ring of `chunks` chunks of 32 KiB, for threads that have their time from `C`.
    pub fn new<C: Clock>(chunks: u32, policy: Policy) -> Arc<Self> {
        let ring = Ring::new(Config { chunk_len: 32 << 10, chunks, policy, writers: 64 }).expect("memory");
        Arc::new(Self { ring, definitions: Definitions::new(), start_ns: C::start_ns(), stalls: AtomicU64::new(0) })
    }

    pub fn writer(&self) -> Writer {
        self.ring.writer().expect("few threads")
    }

    /// Empties the ring each millisecond, until it is told to stop.
    pub fn drain(self: &Arc<Self>, sink: impl Write + Send + 'static) -> Drain {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, session) = (stop.clone(), self.clone());
        let thread = std::thread::spawn(move || {
            let reader = Reader::new(&session.ring);
            let mut file = TraceFile { session: &session, sink, defined: BTreeMap::new(), bytes: 0, packets: 0 };
            file.clocks();
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
const BOOTTIME: u32 = 6;
/// Above the threads'.
const CLOCKS_SEQUENCE: u32 = 128;

impl<W: Write> TraceFile<'_, W> {
    fn chunk(&mut self, chunk: &Reading<'_>) {
        let owner = chunk.owner().number();
        let is_known = self.defined.contains_key(&owner);
        if !is_known {
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

    /// How the clocks of the machine relate, and which is the trace's: on a sequence of its own.
    fn clocks(&mut self) {
        let start_ns = self.session.start_ns;
        self.packet(CLOCKS_SEQUENCE, |packet| {
            packet.set_clock_snapshot(|snapshot| {
                snapshot.set_primary_trace_clock(BuiltinClock::BUILTIN_CLOCK_MONOTONIC);
                for clock_id in [MONOTONIC, BOOTTIME] {
                    snapshot.add_clocks(|clock| {
                        clock.set_clock_id(clock_id).set_timestamp(start_ns);
                    });
                }
            });
        });
    }

    fn head(&mut self, owner: u32) {
        let (track, sequence, start_ns) = (u64::from(owner) + 1, sequence(owner), self.session.start_ns);
        self.packet(sequence, |packet| {
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
        self.packet(sequence, |packet| {
            packet.set_track_descriptor(|descriptor| {
                descriptor.set_uuid(track).set_name("thread");
            });
        });
        self.packet(sequence, |packet| {
            packet.set_track_descriptor(|descriptor| {
                descriptor.set_uuid(COUNTER_TRACK).set_name("counter").set_counter(|_| {});
            });
        });
        self.packet(sequence, |packet| {
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
        self.packet(sequence(owner), |packet| {
            packet.set_sequence_flags(NEEDS_STATE).set_interned_data(fill);
        });
    }

    fn packet(&mut self, sequence: u32, fill: impl FnOnce(&mut TracePacket<'_>)) {
        let mut buffer = [0; 64 << 10];
        let bytes = Trace::encode(&mut buffer, |trace| {
            trace.add_packet(|packet| {
                packet.set_trusted_packet_sequence_id(sequence);
                fill(packet);
            });
        });
        self.sink.write_all(bytes.expect("it is small")).expect("the sink takes it");
    }
}

/// The sequence that a writer's packets are on: of one byte.
pub fn sequence(owner: u32) -> u32 {
    owner % 127 + 1
}

pub const CATEGORY: u64 = 1;
/// Above the threads'.
pub const COUNTER_TRACK: u64 = 100;
