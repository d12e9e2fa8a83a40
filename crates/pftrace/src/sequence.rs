//! One stream of packets: what its incremental state is, and the packets that set it.

use pftrace_protos::trace_packet::SequenceFlags;
use pftrace_protos::track_event::Type;
use pftrace_protos::{BuiltinClock, InternedData, Trace, TracePacket};

use crate::clock::{Clock, INCREMENTAL_CLOCK_ID};
use crate::error::Error;
use crate::intern::{Definition, Interner, Kind, Table};
use crate::sink::Sink;

/// Where packets go, and how many went there.
#[derive(Debug)]
pub(crate) struct Output<S> {
    pub(crate) sink: S,
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
}

impl<S: Sink> Output<S> {
    /// A packet, and another one after it where `next` is given. Nothing is written when `fill` fails or they do not fit.
    fn packets(
        &mut self,
        fill: impl FnOnce(&mut TracePacket<'_>) -> Result<(), Error>,
        next: Option<impl FnOnce(&mut TracePacket<'_>)>,
    ) -> Result<(), Error> {
        let space = self.sink.space()?;
        let (mut filled, mut packets) = (Ok(()), 1);
        let framed = Trace::encode(space, |trace| {
            trace.add_packet(|packet| filled = fill(packet));
            if let Some(next) = next {
                trace.add_packet(next);
                packets += 1;
            }
        });
        let framed = framed.map(|bytes| bytes.len());
        filled?;
        let len = framed.map_err(|error| match error {
            pftrace_wire::Error::Overflow { needed, .. } => self.sink.too_large(needed),
            source => Error::InvalidPacket { source },
        })?;
        self.sink.commit(len);
        self.packets += packets;
        self.bytes += len as u64;
        Ok(())
    }
}

/// The trace's clock, and how far its snapshots are. Perfetto wants each snapshot's trace time at or after the one's
/// before, whatever the order of the events.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TraceClock {
    pub(crate) clock: Clock,
    /// The trace's clock in the last snapshot.
    pub(crate) last_snapshot: u64,
    /// Whether a snapshot has said which clock it is.
    pub(crate) announced: bool,
}

/// A sequence and its state: what is true of it in the packets that have been committed.
#[derive(Debug)]
pub(crate) struct Sequence<M> {
    /// `trusted_packet_sequence_id`.
    pub(crate) id: u32,
    pub(crate) interner: Interner<M>,
    /// Whether any packet of it has been written.
    begun: bool,
    /// Whether the head of the current generation has been written.
    has_head: bool,
    /// The time of the last packet on the incremental clock.
    last_ns: u64,
    /// The track of events that name none, once an event has set it.
    default_track: Option<u64>,
}

/// A time, and its clock where that is not the trace's.
pub(crate) type Time = (u64, Option<Clock>);

/// A packet's timestamp, as it is written.
#[derive(Debug, Clone, Copy)]
enum Stamp {
    /// On the incremental clock: since the last one.
    Delta(u64),
    /// On a clock of the whole trace.
    Absolute(u64, Clock),
}

/// What of the sequence's state a packet changes when it is committed.
#[derive(Debug, Clone, Copy, Default)]
struct Change {
    last_ns: Option<u64>,
    default_track: Option<u64>,
}

/// The end of a slice, as it is written right after the slice's begin.
#[derive(Debug, Clone, Copy)]
struct SliceEnd {
    stamp: Stamp,
    /// Unless it is the default one.
    track: Option<u64>,
}

impl<M: AsRef<[u64]> + AsMut<[u64]>> Sequence<M> {
    pub(crate) fn new(id: u32, memory: M) -> Self {
        let interner = Interner::new(memory);
        Self { id, interner, begun: false, has_head: false, last_ns: 0, default_track: None }
    }

    /// The next packet begins a new generation: nothing said before is needed to read what follows.
    pub(crate) fn clear(&mut self) {
        self.has_head = false;
        self.default_track = None;
        self.interner.clear();
    }

    /// An event of `track`, or of the sequence's default track where that is the same and `names_track` is not set. If it is
    /// a whole slice, its end is written with it: both or neither.
    pub(crate) fn event<S: Sink>(
        &mut self,
        output: &mut Output<S>,
        clock: &mut TraceClock,
        (time, slice_end): (Time, Option<Time>),
        (track, names_track): (u64, bool),
        fill: impl FnOnce(&mut TracePacket<'_>, Option<u64>, Table<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.write_head(output, clock)?;
        let (stamp, mut change) = stamp_of(time, clock.clock, self.last_ns);
        let becomes_default = self.default_track.is_none();
        if becomes_default {
            change.default_track = Some(track);
        }
        let track = (names_track || !becomes_default && self.default_track != Some(track)).then_some(track);
        let default_track = change.default_track;
        let end = slice_end.map(|time| {
            let (stamp, after) = stamp_of(time, clock.clock, change.last_ns.unwrap_or(self.last_ns));
            change.last_ns = after.last_ns.or(change.last_ns);
            SliceEnd { stamp, track }
        });
        let fill = |packet: &mut TracePacket<'_>, table: Table<'_>| {
            set_stamp(packet, stamp);
            if let Some(track) = default_track {
                set_defaults(packet, Some(track));
            }
            fill(packet, track, table)
        };
        self.commit_or_rollback(output, change, fill, end)
    }

    /// Any packet, with the sequence's id, and a timestamp if one is given.
    pub(crate) fn packet<S: Sink>(
        &mut self,
        output: &mut Output<S>,
        clock: &mut TraceClock,
        timestamp: Option<Time>,
        fill: impl FnOnce(&mut TracePacket<'_>),
    ) -> Result<(), Error> {
        self.write_head(output, clock)?;
        let stamped = timestamp.map(|time| stamp_of(time, clock.clock, self.last_ns));
        let change = stamped.map(|(_, change)| change).unwrap_or_default();
        let fill = |packet: &mut TracePacket<'_>, _: Table<'_>| {
            if let Some((stamp, _)) = stamped {
                set_stamp(packet, stamp);
            }
            fill(packet);
            Ok(())
        };
        self.commit_or_rollback(output, change, fill, None)
    }

    fn commit_or_rollback<S: Sink>(
        &mut self,
        output: &mut Output<S>,
        change: Change,
        fill: impl FnOnce(&mut TracePacket<'_>, Table<'_>) -> Result<(), Error>,
        end: Option<SliceEnd>,
    ) -> Result<(), Error> {
        let (id, interner) = (self.id, &mut self.interner);
        let fill = |packet: &mut TracePacket<'_>| {
            set_sequence(packet, id);
            let mut table = interner.table();
            fill(packet, table.reborrow())?;
            if table.has_definitions() {
                packet.set_interned_data(|data| table.definitions().for_each(|definition| define(data, definition)));
            }
            Ok(())
        };
        let end = end.map(|SliceEnd { stamp, track }| {
            move |packet: &mut TracePacket<'_>| {
                set_sequence(packet, id);
                set_stamp(packet, stamp);
                packet.set_track_event(|event| {
                    event.set_type(Type::TYPE_SLICE_END);
                    if let Some(track) = track {
                        event.set_track_uuid(track);
                    }
                });
            }
        });
        let written = output.packets(fill, end);
        match written {
            Ok(()) => {
                self.interner.commit();
                self.last_ns = change.last_ns.unwrap_or(self.last_ns);
                self.default_track = change.default_track.or(self.default_track);
            }
            Err(_) => self.interner.rollback(),
        }
        written
    }

    /// The head of a generation: what is needed to read the packets after it.
    fn write_head<S: Sink>(&mut self, output: &mut Output<S>, clock: &mut TraceClock) -> Result<(), Error> {
        if self.has_head {
            return Ok(());
        }
        // At or after every snapshot before; it need not be the time of the first event.
        let now = clock.last_snapshot;
        let fill = |packet: &mut TracePacket<'_>| {
            packet.set_trusted_packet_sequence_id(self.id);
            packet.set_sequence_flags(SequenceFlags::SEQ_INCREMENTAL_STATE_CLEARED.value() as u32);
            if !self.begun {
                packet.set_first_packet_on_sequence(true);
            }
            set_defaults(packet, None);
            let primary = (!clock.announced).then(|| clock.clock.builtin());
            set_clocks(packet, primary, clock.clock.id(), now);
            Ok(())
        };
        output.packets(fill, None::<fn(&mut TracePacket<'_>)>)?;
        clock.announced = true;
        self.begun = true;
        self.has_head = true;
        self.last_ns = now;
        Ok(())
    }
}

/// How a timestamp is written: as the difference to the last one where it can be.
fn stamp_of((ns, other_clock): Time, trace_clock: Clock, last_ns: u64) -> (Stamp, Change) {
    let own = other_clock.is_none_or(|clock| clock == trace_clock);
    match (own, ns.checked_sub(last_ns)) {
        (true, Some(delta)) => (Stamp::Delta(delta), Change { last_ns: Some(ns), default_track: None }),
        _ => (Stamp::Absolute(ns, other_clock.unwrap_or(trace_clock)), Change::default()),
    }
}

fn set_sequence(packet: &mut TracePacket<'_>, id: u32) {
    packet.set_trusted_packet_sequence_id(id);
    packet.set_sequence_flags(SequenceFlags::SEQ_NEEDS_INCREMENTAL_STATE.value() as u32);
}

/// Later defaults replace earlier ones whole, so each time all of them are written.
pub(crate) fn set_defaults(packet: &mut TracePacket<'_>, track: Option<u64>) {
    packet.set_trace_packet_defaults(|defaults| {
        defaults.set_timestamp_clock_id(INCREMENTAL_CLOCK_ID);
        if let Some(track) = track {
            defaults.set_track_event_defaults(|event| {
                event.set_track_uuid(track);
            });
        }
    });
}

/// The sequence's incremental clock begins at `now` of the trace's clock, which is named for the first time if it is `primary`.
pub(crate) fn set_clocks(packet: &mut TracePacket<'_>, primary: Option<BuiltinClock>, clock_id: u32, now: u64) {
    packet.set_clock_snapshot(|snapshot| {
        if let Some(primary) = primary {
            snapshot.set_primary_trace_clock(primary);
        }
        snapshot.add_clocks(|entry| {
            entry.set_clock_id(INCREMENTAL_CLOCK_ID).set_timestamp(now).set_is_incremental(true);
        });
        snapshot.add_clocks(|entry| {
            entry.set_clock_id(clock_id).set_timestamp(now);
        });
    });
}

fn set_stamp(packet: &mut TracePacket<'_>, stamp: Stamp) {
    match stamp {
        Stamp::Delta(delta) => packet.set_timestamp(delta),
        Stamp::Absolute(ns, clock) => packet.set_timestamp_clock_id(clock.id()).set_timestamp(ns),
    };
}

pub(crate) fn define(data: &mut InternedData<'_>, Definition { kind, iid, text, extra }: Definition<'_>) {
    match kind {
        Kind::EventName => _ = data.add_event_names(|entry| _ = entry.set_iid(iid).set_name(text)),
        Kind::Category => _ = data.add_event_categories(|entry| _ = entry.set_iid(iid).set_name(text)),
        Kind::AnnotationName => _ = data.add_debug_annotation_names(|entry| _ = entry.set_iid(iid).set_name(text)),
        Kind::StringValue => {
            data.add_debug_annotation_string_values(|entry| _ = entry.set_iid(iid).set_str(text.as_bytes()));
        }
        Kind::SourceLocation => {
            let (file, function) = text.split_at((extra >> 32) as usize);
            define_location(data, iid, file, function, extra as u32);
        }
    }
}

pub(crate) fn define_location(data: &mut InternedData<'_>, iid: u64, file: &str, function: &str, line: u32) {
    data.add_source_locations(|entry| {
        entry.set_iid(iid).set_file_name(file).set_function_name(function).set_line_number(line);
    });
}
