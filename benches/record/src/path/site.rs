//! A call site: its constant bytes, which a generated writer made.

use pftrace_protos::{Trace, TrackEvent};

/// A packet of this call site up to what varies in it.
#[derive(Debug, Clone)]
pub struct Site {
    pub bytes: [u8; TEMPLATE_LEN],
    pub len: u32,
    /// What the reader has to define for it: see [`Definitions`](super::definitions::Definitions).
    pub number: u32,
    /// Of each annotation, the bytes before its value: `22 A 08 name tag`, and `L` behind the tag of a string. The lengths are 0.
    pub annotations: [[u8; 8]; 3],
}

/// Two wide stores.
pub const TEMPLATE_LEN: usize = 32;

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
        let annotations = [*b"\x22\0\x08\x01\x18\0\0\0", *b"\x22\x0b\x08\x02\x29\0\0\0", *b"\x22\0\x08\x03\x32\0\0\0"];
        Self { bytes, len, number, annotations }
    }
}
