//! The recording side: a thread's packets in chunks, and the model of what must be shown of them.

use pftrace_protos::track_event::Type;
use pftrace_protos::{Trace, TrackEvent};

/// What a thread records.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Recorded {
    Begin { time: u64, definition: u32 },
    End { time: u64 },
    Instant { time: u64, definition: u32 },
}

impl Recorded {
    pub(crate) fn time(self) -> u64 {
        match self {
            Self::Begin { time, .. } | Self::End { time } | Self::Instant { time, .. } => time,
        }
    }
}

/// A slice that is open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Open {
    pub(crate) definition: u32,
    pub(crate) time: u64,
    /// How many events the thread had recorded before.
    pub(crate) event: usize,
}

/// A piece of the thread's recording.
#[derive(Debug)]
pub(crate) struct Chunk {
    /// The time that its first packet counts from.
    pub(crate) base: u64,
    /// The time of its last packet.
    pub(crate) last: u64,
    /// How many events the thread had recorded before.
    pub(crate) events_before: usize,
    pub(crate) events: usize,
    /// The slices that are open where it begins, the outermost first.
    pub(crate) open: Vec<Open>,
    /// How many are open where it ends.
    pub(crate) depth: usize,
    /// The definitions that it uses.
    pub(crate) definitions: Vec<u32>,
    pub(crate) packets: Vec<u8>,
}

/// What stands in every packet of the thread.
pub(crate) const SEQUENCE: u32 = 7;
/// `SEQ_NEEDS_INCREMENTAL_STATE`
pub(crate) const NEEDS_STATE: u32 = 2;

/// Cuts a recording into chunks of `per_chunk` events.
pub(crate) fn chunks(recorded: &[Recorded], per_chunk: usize) -> Vec<Chunk> {
    let mut open: Vec<Open> = Vec::new();
    let mut last = recorded[0].time();
    let mut chunks = Vec::new();
    for (number, piece) in recorded.chunks(per_chunk).enumerate() {
        let events_before = number * per_chunk;
        let mut chunk = Chunk {
            base: last,
            last,
            events_before,
            events: piece.len(),
            open: open.clone(),
            depth: 0,
            definitions: Vec::new(),
            packets: Vec::new(),
        };
        for (event, &recorded) in (events_before..).zip(piece) {
            match recorded {
                Recorded::Begin { time, definition } => open.push(Open { definition, time, event }),
                Recorded::End { .. } => drop(open.pop()),
                Recorded::Instant { .. } => {}
            }
            if let Recorded::Begin { definition, .. } | Recorded::Instant { definition, .. } = recorded {
                if !chunk.definitions.contains(&definition) {
                    chunk.definitions.push(definition);
                }
            }
            chunk.packets.extend(packet(recorded, recorded.time() - last));
            last = recorded.time();
        }
        (chunk.last, chunk.depth) = (last, open.len());
        chunks.push(chunk);
    }
    chunks
}

/// One packet, with the time since the one before.
fn packet(recorded: Recorded, delta: u64) -> Vec<u8> {
    let event = |event: &mut TrackEvent<'_>| {
        match recorded {
            Recorded::Begin { definition, .. } => {
                event.set_type(Type::TYPE_SLICE_BEGIN).set_name_iid(u64::from(definition))
            }
            Recorded::End { .. } => event.set_type(Type::TYPE_SLICE_END),
            Recorded::Instant { definition, .. } => {
                event.set_type(Type::TYPE_INSTANT).set_name_iid(u64::from(definition))
            }
        };
    };
    let mut buffer = [0; 64];
    let bytes = Trace::encode(&mut buffer, |trace| {
        trace.add_packet(|packet| {
            packet.set_timestamp(delta).set_trusted_packet_sequence_id(SEQUENCE).set_sequence_flags(NEEDS_STATE);
            packet.set_track_event(event);
        });
    });
    bytes.unwrap().to_vec()
}

/// A row of the table `slice`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slice {
    pub(crate) begin: u64,
    pub(crate) depth: i64,
    pub(crate) name: String,
    /// -1 when it never ends.
    pub(crate) duration: i64,
}

/// What must be shown when only the chunks `kept` remain: a slice of which the begin, the end or any time between remains.
///
/// One that ended in a gap is closed where the gap begins. One that began in a gap, and is open where that ends, has its
/// original begin.
pub(crate) fn expected(recorded: &[Recorded], per_chunk: usize, kept: &[usize]) -> Vec<Slice> {
    let is_kept = |event: usize| kept.contains(&(event / per_chunk));
    // The last event that remains at or before another: where a gap begins.
    let gap_begin = |event: usize| (0..event).rev().find(|&event| is_kept(event)).map(|event| recorded[event].time());
    // Whether a chunk that remains begins while a slice of these events is open.
    let spans =
        |begin: usize, end: usize| kept.iter().any(|&chunk| begin < chunk * per_chunk && chunk * per_chunk < end);
    let mut slices = Vec::new();
    let mut open: Vec<(usize, u32)> = Vec::new();
    let mut row = |begin: usize, end: Option<usize>, definition: u32, depth: usize| {
        let last = end.unwrap_or(recorded.len());
        if !is_kept(begin) && !spans(begin, last) && !end.is_some_and(|end| is_kept(end) && spans(begin, end + 1)) {
            return;
        }
        let time = recorded[begin].time();
        let end_time = match end {
            Some(end) if is_kept(end) => Some(recorded[end].time()),
            // Closed when the reader sees, at the next chunk, that it has ended.
            Some(end) if kept.iter().any(|&chunk| chunk * per_chunk > end) => gap_begin(end),
            _ => None,
        };
        let duration = end_time.map_or(-1, |end| end as i64 - time as i64);
        slices.push(Slice { name: name(definition), begin: time, duration, depth: depth as i64 });
    };
    for (event, &kind) in recorded.iter().enumerate() {
        match kind {
            Recorded::Begin { definition, .. } => open.push((event, definition)),
            Recorded::End { .. } => {
                let (begin, definition) = open.pop().unwrap();
                row(begin, Some(event), definition, open.len());
            }
            Recorded::Instant { definition, .. } if is_kept(event) => {
                row(event, Some(event), definition, open.len());
            }
            Recorded::Instant { .. } => {}
        }
    }
    while let Some((begin, definition)) = open.pop() {
        row(begin, None, definition, open.len());
    }
    slices
}

pub(crate) fn name(definition: u32) -> String {
    format!("name {definition}")
}
