//! A call site: its constant bytes, which a generated writer made.

use pftrace_protos::{DebugAnnotation, Trace, TrackEvent};

/// A packet of this call site up to what varies in it.
#[derive(Debug, Clone)]
pub struct Site {
    pub bytes: [u8; TEMPLATE_LEN],
    pub len: u32,
    /// What the reader has to define for it: see [`Definitions`](super::definitions::Definitions).
    pub number: u32,
    /// Of each annotation, the bytes before its value: `22 A 08 name tag`, and behind the tag of a text `L`.
    pub annotations: [[u8; PIECE_LEN]; 3],
}

/// Two wide stores.
pub const TEMPLATE_LEN: usize = 32;

/// One store.
pub const PIECE_LEN: usize = 8;

/// Where in an annotation its length is, the value of a number, and a text.
pub const ANNOTATION_LENGTH_AT: usize = 1;
pub const VALUE_AT: usize = 5;
pub const TEXT_AT: usize = 6;

/// Where in a packet its length is, the two bytes of time, the sequence, the length of its event, and the event.
pub const LENGTH_AT: usize = 1;
pub const TIME_AT: usize = 3;
pub const SEQUENCE_AT: usize = 6;
pub const EVENT_LENGTH_AT: usize = 10;
pub const EVENT_AT: usize = 11;

/// Longer times have more bytes than the template has room for.
pub const TIME_LIMIT: u64 = 1 << 14;

pub const NEEDS_STATE: u32 = 2;

impl Site {
    pub fn new(number: u32, fill: impl FnOnce(&mut TrackEvent<'_>)) -> Self {
        let mut bytes = [0; TEMPLATE_LEN];
        let encoded = Trace::encode(&mut bytes, |trace| {
            trace.add_packet(|packet| {
                // Any of two bytes.
                packet.set_timestamp(TIME_LIMIT - 1);
                packet.set_trusted_packet_sequence_id(1).set_sequence_flags(NEEDS_STATE).set_track_event(fill);
            });
        });
        let len = encoded.expect("a call site's constants are few").len() as u32;
        assert_eq!((bytes[TIME_AT - 1], bytes[SEQUENCE_AT - 1], bytes[EVENT_LENGTH_AT - 1]), (0x40, 0x50, 0x5a));
        let annotations = [
            piece(|entry| _ = entry.set_name_iid(1).set_uint_value(0)),
            piece(|entry| _ = entry.set_name_iid(2).set_double_value(0.0)),
            piece(|entry| _ = entry.set_name_iid(3).set_string_value("")),
        ];
        Self { bytes, len, number, annotations }
    }
}

/// The front of an annotation without its value.
fn piece(fill: impl FnOnce(&mut DebugAnnotation<'_>)) -> [u8; PIECE_LEN] {
    let mut bytes = [0; 16];
    let encoded = TrackEvent::encode(&mut bytes, |event| _ = event.add_debug_annotations(fill));
    encoded.expect("a name's number and a value");
    std::array::from_fn(|at| bytes[at])
}
