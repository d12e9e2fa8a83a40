//! Ours: the generated writers.

use pftrace_protos::track_event::Type;
use pftrace_protos::{DebugAnnotation, TracePacket, TrackEvent};

use crate::args;
use crate::contender::Contender;
use crate::proto::ours::bench::{Chain, EveryField, Mixed, Points};

/// What `make gen` and a build script give.
#[derive(Debug)]
pub struct Ours {
    buffer: Vec<u8>,
}

impl Default for Ours {
    fn default() -> Self {
        Self { buffer: vec![0; 16 << 10] }
    }
}

impl Contender for Ours {
    const NAME: &'static str = "pftrace";

    fn slice(&mut self, a: &args::Slice) -> &[u8] {
        TracePacket::encode(&mut self.buffer, |packet| slice(packet, a, |_| {})).unwrap_or_default()
    }

    fn annotated(&mut self, a: &args::Annotated) -> &[u8] {
        let encoded = TracePacket::encode(&mut self.buffer, |packet| {
            slice(packet, &a.slice, |event| {
                event
                    .add_debug_annotations(|it| _ = it.set_name_iid(a.names[0]).set_uint_value(a.count))
                    .add_debug_annotations(|it| _ = it.set_name_iid(a.names[1]).set_double_value(a.ratio))
                    .add_debug_annotations(|it| _ = it.set_name_iid(a.names[2]).set_string_value(a.text))
                    .add_debug_annotations(|it| dictionary(it, a));
            });
        });
        encoded.unwrap_or_default()
    }

    fn interned(&mut self, a: &args::Interned) -> &[u8] {
        let encoded = TracePacket::encode(&mut self.buffer, |packet| {
            packet.set_trusted_packet_sequence_id(a.sequence).set_sequence_flags(a.flags);
            packet.set_interned_data(|data| {
                for (iid, name) in (1..).zip(&a.categories) {
                    data.add_event_categories(|it| _ = it.set_iid(iid).set_name(name));
                }
                for (iid, name) in (1..).zip(&a.names) {
                    data.add_event_names(|it| _ = it.set_iid(iid).set_name(name));
                }
            });
        });
        encoded.unwrap_or_default()
    }

    fn track(&mut self, a: &args::Track) -> &[u8] {
        let encoded = TracePacket::encode(&mut self.buffer, |packet| {
            packet.set_timestamp(a.timestamp).set_trusted_packet_sequence_id(a.sequence);
            packet.set_track_descriptor(|track| {
                track.set_uuid(a.uuid).set_parent_uuid(a.parent).set_name(a.name);
                track.set_process(|it| _ = it.set_pid(a.pid).set_process_name(a.process));
                track.set_thread(|it| _ = it.set_pid(a.pid).set_tid(a.tid).set_thread_name(a.thread));
            });
        });
        encoded.unwrap_or_default()
    }

    fn points(&mut self, a: &args::Points) -> &[u8] {
        let encoded = Points::encode(&mut self.buffer, |points| {
            for &(x, y, z) in &a.points {
                points.add_points(|it| _ = it.set_x(x).set_y(y).set_z(z));
            }
        });
        encoded.unwrap_or_default()
    }

    fn mixed(&mut self, a: &args::Mixed) -> &[u8] {
        let encoded = Mixed::encode(&mut self.buffer, |mixed| {
            for text in &a.texts {
                mixed.add_texts(text);
            }
            mixed.add_ids(&a.ids[..]).add_weights(&a.weights[..]).set_blob(&a.blob);
        });
        encoded.unwrap_or_default()
    }

    fn packed(&mut self, a: &args::Mixed) -> &[u8] {
        Mixed::encode(&mut self.buffer, |mixed| _ = mixed.add_ids(&a.ids[..])).unwrap_or_default()
    }

    fn chain(&mut self, a: &args::Chain) -> &[u8] {
        Chain::encode(&mut self.buffer, |chain| link(chain, &a.values)).unwrap_or_default()
    }

    fn flat(&mut self, a: &args::EveryField) -> &[u8] {
        flat_into(&mut self.buffer, a)
    }

    fn nested(&mut self, a: &args::EveryField) -> &[u8] {
        nested_into(&mut self.buffer, a)
    }
}

/// Perfetto's flat workload, anywhere.
#[inline]
pub fn flat_into<'b>(buffer: &'b mut [u8], a: &args::EveryField) -> &'b [u8] {
    EveryField::encode(buffer, |every| flat(every, a)).unwrap_or_default()
}

/// Perfetto's nested workload, anywhere.
#[inline]
pub fn nested_into<'b>(buffer: &'b mut [u8], a: &args::EveryField) -> &'b [u8] {
    let encoded = EveryField::encode(buffer, |every| {
        flat(every, a);
        every.add_field_nested(|every| {
            flat(every, a);
            every.add_field_nested(|every| {
                flat(every, a);
                every.add_field_nested(|every| flat(every, a));
            });
        });
    });
    encoded.unwrap_or_default()
}

fn slice(packet: &mut TracePacket<'_>, a: &args::Slice, more: impl FnOnce(&mut TrackEvent<'_>)) {
    packet.set_timestamp(a.timestamp).set_trusted_packet_sequence_id(a.sequence).set_sequence_flags(a.flags);
    packet.set_track_event(|event| {
        event.set_type(Type::TYPE_SLICE_BEGIN).set_track_uuid(a.track).add_category_iids(a.category);
        event.set_name_iid(a.name);
        more(event);
    });
}

fn dictionary(it: &mut DebugAnnotation<'_>, a: &args::Annotated) {
    it.set_name_iid(a.names[3])
        .add_dict_entries(|it| _ = it.set_name_iid(a.names[4]).set_int_value(a.offset))
        .add_dict_entries(|it| _ = it.set_name_iid(a.names[5]).set_string_value(a.label));
}

fn link(chain: &mut Chain<'_>, values: &[u64]) {
    if let Some((&value, rest)) = values.split_first() {
        chain.set_value(value);
        if !rest.is_empty() {
            chain.set_next(|next| link(next, rest));
        }
    }
}

fn flat(every: &mut EveryField<'_>, a: &args::EveryField) {
    every.set_field_int32(a.int32).set_field_uint32(a.uint32).set_field_int64(a.int64);
    every.set_field_uint64(a.uint64).set_field_string(a.string);
}
