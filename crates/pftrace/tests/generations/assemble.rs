//! The reading side: what it writes before and between the chunks that remain.

use std::collections::BTreeSet;

use pftrace_protos::track_event::Type;
use pftrace_protos::{BuiltinClock, Trace, TracePacket};

use crate::thread::{Chunk, NEEDS_STATE, Open, SEQUENCE, name};

/// `SEQ_INCREMENTAL_STATE_CLEARED`
const CLEARED: u32 = 1;
/// The sequence's own clock, which counts from packet to packet, and CLOCK_MONOTONIC.
const INCREMENTAL: u32 = 64;
const MONOTONIC: u32 = 3;

/// Writes the trace of one thread.
#[derive(Debug)]
pub(crate) struct Assembler {
    trace: Vec<u8>,
    track: u64,
    /// The chunk that must follow, for the generation to go on.
    next: Option<usize>,
    defined: BTreeSet<u32>,
    /// Of the chunk before: the time and number of its last event, and how many slices are open.
    last: u64,
    events: usize,
    depth: usize,
    generations: usize,
    forgetful: bool,
}

impl Assembler {
    pub(crate) fn new(track: u64) -> Self {
        Self {
            trace: clocks(1),
            track,
            next: None,
            defined: BTreeSet::new(),
            last: 0,
            events: 0,
            depth: 0,
            generations: 0,
            forgetful: false,
        }
    }

    /// From now on slices that are open where a generation begins are forgotten.
    pub(crate) fn forgetful(&mut self) {
        self.forgetful = true;
    }

    pub(crate) fn generations(&self) -> usize {
        self.generations
    }

    /// The next chunk that remains, which was the thread's `number`th.
    pub(crate) fn chunk(&mut self, number: usize, chunk: &Chunk) {
        if self.next == Some(number) {
            self.define(chunk.definitions.iter().copied());
        } else {
            let dropped = self.next.is_some() || number > 0;
            // What was begun before the gap and is still open goes on; all else that was open has ended in it.
            let common = chunk.open.iter().filter(|open| self.next.is_some() && open.event < self.events).count();
            let forgetful = self.forgetful;
            for _ in common..self.depth {
                if !forgetful {
                    self.packet(|packet| end(packet, 0));
                }
            }
            let again = if forgetful { &[] } else { &chunk.open[common..] };
            self.generation(chunk, again, dropped);
        }
        self.trace.extend(&chunk.packets);
        self.next = Some(number + 1);
        (self.last, self.events, self.depth) = (chunk.last, chunk.events_before + chunk.events, chunk.depth);
    }

    /// What the drain writes each second: the machine's clocks, on the sequence of the file's first packet.
    pub(crate) fn machine_clocks(&mut self, ns: u64) {
        self.trace.extend(clocks(ns));
    }

    /// Has the thread's own clock show another time, from here on.
    pub(crate) fn step_to(&mut self, ns: u64) {
        self.packet(|packet| snapshot(packet, ns));
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.trace
    }

    /// Begins a generation with the slices `again`, which began in the gap.
    fn generation(&mut self, chunk: &Chunk, again: &[Open], dropped: bool) {
        self.generations += 1;
        self.defined.clear();
        let anchor = again.first().map_or(chunk.base, |open| open.time);
        let (track, first) = (self.track, self.generations == 1);
        self.packet(|packet| {
            packet.set_sequence_flags(CLEARED).set_previous_packet_dropped(u32::from(dropped));
            packet.set_trace_packet_defaults(|defaults| {
                defaults.set_timestamp_clock_id(INCREMENTAL);
                defaults.set_track_event_defaults(|event| {
                    event.set_track_uuid(track);
                });
            });
            snapshot(packet, anchor);
        });
        if first {
            self.packet(|packet| {
                packet.set_track_descriptor(|descriptor| {
                    descriptor.set_uuid(track).set_name("thread");
                });
            });
        }
        let definitions = chunk.definitions.iter().copied().chain(again.iter().map(|open| open.definition));
        self.define(definitions.collect::<Vec<_>>());
        let mut time = anchor;
        for open in again {
            self.packet(|packet| {
                packet.set_timestamp(open.time - time).set_sequence_flags(NEEDS_STATE);
                packet.set_track_event(|event| {
                    event.set_type(Type::TYPE_SLICE_BEGIN).set_name_iid(u64::from(open.definition));
                });
            });
            time = open.time;
        }
        if time < chunk.base {
            // Nothing but time: the packets of the chunk count from its base.
            let delta = chunk.base - time;
            self.packet(|packet| {
                packet.set_timestamp(delta).set_sequence_flags(NEEDS_STATE);
            });
        }
    }

    fn define(&mut self, definitions: impl IntoIterator<Item = u32>) {
        let new: Vec<_> = definitions.into_iter().filter(|&definition| self.defined.insert(definition)).collect();
        if new.is_empty() {
            return;
        }
        self.packet(|packet| {
            packet.set_sequence_flags(NEEDS_STATE);
            packet.set_interned_data(|data| {
                for definition in new {
                    data.add_event_names(|event_name| {
                        event_name.set_iid(u64::from(definition)).set_name(&name(definition));
                    });
                }
            });
        });
    }

    fn packet(&mut self, fill: impl FnOnce(&mut TracePacket<'_>)) {
        let mut buffer = [0; 4096];
        let bytes = Trace::encode(&mut buffer, |trace| {
            trace.add_packet(|packet| {
                packet.set_trusted_packet_sequence_id(SEQUENCE);
                fill(packet);
            });
        });
        self.trace.extend(&*bytes.unwrap());
    }
}

/// The thread's own clock shows `ns`, and so does CLOCK_MONOTONIC.
fn snapshot(packet: &mut TracePacket<'_>, ns: u64) {
    packet.set_clock_snapshot(|snapshot| {
        snapshot.add_clocks(|clock| {
            clock.set_clock_id(INCREMENTAL).set_timestamp(ns).set_is_incremental(true);
        });
        snapshot.add_clocks(|clock| {
            clock.set_clock_id(MONOTONIC).set_timestamp(ns);
        });
    });
}

/// How the clocks of the machine relate, and which is the trace's: the first packet of the file, on a sequence of its own.
fn clocks(ns: u64) -> Vec<u8> {
    const BOOTTIME: u32 = 6;
    let mut buffer = [0; 64];
    let bytes = Trace::encode(&mut buffer, |trace| {
        trace.add_packet(|packet| {
            packet.set_trusted_packet_sequence_id(1);
            packet.set_clock_snapshot(|snapshot| {
                snapshot.set_primary_trace_clock(BuiltinClock::BUILTIN_CLOCK_MONOTONIC);
                for clock_id in [MONOTONIC, BOOTTIME] {
                    snapshot.add_clocks(|clock| {
                        clock.set_clock_id(clock_id).set_timestamp(ns);
                    });
                }
            });
        });
    });
    bytes.unwrap().to_vec()
}

fn end(packet: &mut TracePacket<'_>, delta: u64) {
    packet.set_timestamp(delta).set_sequence_flags(NEEDS_STATE);
    packet.set_track_event(|event| {
        event.set_type(Type::TYPE_SLICE_END);
    });
}
