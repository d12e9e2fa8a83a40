//! Encodes some messages, each in a function of its own: what `../instructions.rs` counts the instructions of.

use std::hint::black_box;

use pftrace_protos::track_event::Type;
use pftrace_protos::{TracePacket, TrackEvent};
use pftrace_wire::encode;

fn main() {
    let mut buffer = vec![0; 16 << 10];
    let names: Vec<String> = (0..20).map(|i| format!("name_{}", "abcdefghijklmnopq".get(..3 + i * 7 % 13).unwrap_or(""))).collect();
    let points: Vec<_> = (0..100_i32).map(|i| (i * i, -3 * i, 1 << (i % 40))).collect();
    let mixed = Mixed {
        texts: names.iter().take(10).cloned().collect(),
        ids: (0..1000).map(|i| u64::MAX >> (i * 7 % 64)).collect(),
        weights: (0..100).map(f64::from).collect(),
        blob: vec![7; 512],
    };
    // Twice: the first time resolves symbols.
    for _ in 0..2 {
        let buffer = black_box(&mut buffer[..]);
        let lens = [
            m1_slice(buffer, black_box(&SLICE)),
            m2_annotated(buffer, black_box(&ANNOTATED)),
            m3_interned(buffer, black_box(&names)),
            m4_track(buffer, black_box(&TRACK)),
            m5_points(buffer, black_box(&points)),
            m6_mixed(buffer, black_box(&mixed)),
        ];
        println!("{lens:?}");
    }
}

struct Slice {
    timestamp: u64,
    sequence: u32,
    flags: u32,
    track: u64,
    category: u64,
    name: u64,
}

static SLICE: Slice =
    Slice { timestamp: 1_234_567_890_123, sequence: 7, flags: 2, track: 0x5a5a_1234_5678_9abc, category: 3, name: 517 };

struct Annotated {
    names: [u64; 6],
    count: u64,
    ratio: f64,
    text: &'static str,
    offset: i64,
    label: &'static str,
}

static ANNOTATED: Annotated =
    Annotated { names: [1, 2, 3, 4, 5, 6], count: 300, ratio: 0.125, text: "/assets/1", offset: 4711, label: "main" };

struct Track {
    uuid: u64,
    parent: u64,
    name: &'static str,
    pid: i32,
    process: &'static str,
    tid: i64,
    thread: &'static str,
}

static TRACK: Track = Track {
    uuid: 0x5a5a_1234_5678_9abc,
    parent: 0x3c3c_1234_5678_9abc,
    name: "rendering1",
    pid: 12_345,
    process: "benchmark-process",
    tid: 23_456,
    thread: "render-worker",
};

struct Mixed {
    texts: Vec<String>,
    ids: Vec<u64>,
    weights: Vec<f64>,
    blob: Vec<u8>,
}

#[inline(never)]
fn m1_slice(buffer: &mut [u8], a: &Slice) -> usize {
    TracePacket::encode(buffer, |packet| slice(packet, a, |_| {})).map_or(0, |it| it.len())
}

#[inline(never)]
fn m2_annotated(buffer: &mut [u8], a: &Annotated) -> usize {
    let encoded = TracePacket::encode(buffer, |packet| {
        slice(packet, black_box(&SLICE), |event| {
            event
                .add_debug_annotations(|it| _ = it.set_name_iid(a.names[0]).set_uint_value(a.count))
                .add_debug_annotations(|it| _ = it.set_name_iid(a.names[1]).set_double_value(a.ratio))
                .add_debug_annotations(|it| _ = it.set_name_iid(a.names[2]).set_string_value(a.text))
                .add_debug_annotations(|it| {
                    it.set_name_iid(a.names[3])
                        .add_dict_entries(|it| _ = it.set_name_iid(a.names[4]).set_int_value(a.offset))
                        .add_dict_entries(|it| _ = it.set_name_iid(a.names[5]).set_string_value(a.label));
                });
        });
    });
    encoded.map_or(0, |it| it.len())
}

#[inline(never)]
fn m3_interned(buffer: &mut [u8], names: &[String]) -> usize {
    let encoded = TracePacket::encode(buffer, |packet| {
        packet.set_trusted_packet_sequence_id(7).set_sequence_flags(3);
        packet.set_interned_data(|data| {
            for (iid, name) in (1..).zip(names) {
                data.add_event_categories(|it| _ = it.set_iid(iid).set_name(name));
            }
            for (iid, name) in (1..).zip(names) {
                data.add_event_names(|it| _ = it.set_iid(iid).set_name(name));
            }
        });
    });
    encoded.map_or(0, |it| it.len())
}

#[inline(never)]
fn m4_track(buffer: &mut [u8], a: &Track) -> usize {
    let encoded = TracePacket::encode(buffer, |packet| {
        packet.set_timestamp(SLICE.timestamp).set_trusted_packet_sequence_id(7);
        packet.set_track_descriptor(|track| {
            track.set_uuid(a.uuid).set_parent_uuid(a.parent).set_name(a.name);
            track.set_process(|it| _ = it.set_pid(a.pid).set_process_name(a.process));
            track.set_thread(|it| _ = it.set_pid(a.pid).set_tid(a.tid).set_thread_name(a.thread));
        });
    });
    encoded.map_or(0, |it| it.len())
}

/// Many small messages: `repeated Point points = 1`.
#[inline(never)]
fn m5_points(buffer: &mut [u8], points: &[(i32, i32, u64)]) -> usize {
    let encoded = encode(buffer, |mut message| {
        for &(x, y, z) in points {
            message.element::<1>(|mut point| {
                point.int32::<1>(x);
                point.sint32::<2>(y);
                point.uint64::<3>(z);
            });
        }
    });
    encoded.map_or(0, |it| it.len())
}

/// Texts, packed varints, packed doubles, bytes.
#[inline(never)]
fn m6_mixed(buffer: &mut [u8], a: &Mixed) -> usize {
    let encoded = encode(buffer, |mut message| {
        for text in &a.texts {
            message.string::<1>(text);
        }
        message.packed_uint64::<2>(&a.ids[..]);
        message.packed_double::<3>(&a.weights[..]);
        message.bytes::<4>(&a.blob);
    });
    encoded.map_or(0, |it| it.len())
}

fn slice(packet: &mut TracePacket<'_>, a: &Slice, more: impl FnOnce(&mut TrackEvent<'_>)) {
    packet.set_timestamp(a.timestamp).set_trusted_packet_sequence_id(a.sequence).set_sequence_flags(a.flags);
    packet.set_track_event(|event| {
        event.set_type(Type::TYPE_SLICE_BEGIN).set_track_uuid(a.track).add_category_iids(a.category);
        event.set_name_iid(a.name);
        more(event);
    });
}
