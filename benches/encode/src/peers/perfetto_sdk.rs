//! The official SDK: its own messages where it has them, and others declared with its macro. It streams, as we do, and writes
//! lengths of nested messages in four bytes; so its messages are longer than all others'. It knows neither `sint32` nor packed
//! fields: these are made before and given as bytes.

use perfetto_sdk::heap_buffer::HeapBuffer;
use perfetto_sdk::pb_msg;
use perfetto_sdk::pb_msg::{PbMsg, PbMsgWriter};
use perfetto_sdk::pb_utils::pb_write_varint;
use perfetto_sdk::protos::trace::interned_data::interned_data::InternedData;
use perfetto_sdk::protos::trace::trace_packet::TracePacket;
use perfetto_sdk::protos::trace::track_event::debug_annotation::DebugAnnotation;
use perfetto_sdk::protos::trace::track_event::process_descriptor::ProcessDescriptor;
use perfetto_sdk::protos::trace::track_event::thread_descriptor::ThreadDescriptor;
use perfetto_sdk::protos::trace::track_event::track_descriptor::TrackDescriptor;
use perfetto_sdk::protos::trace::track_event::track_event::{EventCategory, EventName, TrackEvent, TrackEventType};

use crate::args;
use crate::contender::Contender;

pb_msg!(Point { x: i32, primitive, 1, z: u64, primitive, 3 });
pb_msg!(Points { points: Point, msg, 1 });
pb_msg!(Mixed { texts: String, primitive, 1 });
pb_msg!(Chain { value: u64, primitive, 1, next: Chain, msg, 2 });
pb_msg!(EveryField {
    field_int32: i32, primitive, 1,
    field_int64: i64, primitive, 2,
    field_uint32: u32, primitive, 3,
    field_uint64: u64, primitive, 4,
    field_nested: EveryField, msg, 14,
    field_string: String, primitive, 500,
});

/// The SDK's own buffer is made anew for each message, there is no other way; what is in it is copied out.
#[derive(Debug, Default)]
pub struct PerfettoSdk {
    buffer: Vec<u8>,
}

impl PerfettoSdk {
    fn write(&mut self, f: impl FnOnce(&mut PbMsg<'_>)) -> &[u8] {
        let writer = PbMsgWriter::new();
        let heap = HeapBuffer::new(writer.stream_writer());
        // Its only error is that there is no buffer.
        if let Ok(mut message) = PbMsg::new(&writer) {
            f(&mut message);
            message.finalize();
        }
        self.buffer.resize(writer.stream_writer().get_written_size(), 0);
        heap.copy_into(&mut self.buffer);
        &self.buffer
    }

    fn packet(&mut self, f: impl FnOnce(&mut TracePacket<'_, '_>)) -> &[u8] {
        self.write(|msg| f(&mut TracePacket { msg }))
    }
}

impl Contender for PerfettoSdk {
    const NAME: &'static str = "perfetto-sdk";

    fn slice(&mut self, a: &args::Slice) -> &[u8] {
        self.packet(|packet| slice(packet, a, |_| {}))
    }

    fn annotated(&mut self, a: &args::Annotated) -> &[u8] {
        self.packet(|packet| {
            slice(packet, &a.slice, |event| {
                event.set_debug_annotations(|it: &mut DebugAnnotation<'_, '_>| {
                    it.set_name_iid(a.names[0]).set_uint_value(a.count);
                });
                event.set_debug_annotations(|it: &mut DebugAnnotation<'_, '_>| {
                    it.set_name_iid(a.names[1]).set_double_value(a.ratio);
                });
                event.set_debug_annotations(|it: &mut DebugAnnotation<'_, '_>| {
                    it.set_name_iid(a.names[2]).set_string_value(a.text);
                });
                event.set_debug_annotations(|it: &mut DebugAnnotation<'_, '_>| {
                    it.set_name_iid(a.names[3]);
                    it.set_dict_entries(|it: &mut DebugAnnotation<'_, '_>| {
                        it.set_name_iid(a.names[4]).set_int_value(a.offset);
                    });
                    it.set_dict_entries(|it: &mut DebugAnnotation<'_, '_>| {
                        it.set_name_iid(a.names[5]).set_string_value(a.label);
                    });
                });
            });
        })
    }

    fn interned(&mut self, a: &args::Interned) -> &[u8] {
        self.packet(|packet| {
            packet.set_trusted_packet_sequence_id(a.sequence).set_sequence_flags(a.flags);
            packet.set_interned_data(|data: &mut InternedData<'_, '_>| {
                for (iid, name) in (1..).zip(&a.categories) {
                    data.set_event_categories(|it: &mut EventCategory<'_, '_>| {
                        it.set_iid(iid).set_name(&name[..]);
                    });
                }
                for (iid, name) in (1..).zip(&a.names) {
                    data.set_event_names(|it: &mut EventName<'_, '_>| {
                        it.set_iid(iid).set_name(&name[..]);
                    });
                }
            });
        })
    }

    fn track(&mut self, a: &args::Track) -> &[u8] {
        self.packet(|packet| {
            packet.set_timestamp(a.timestamp).set_trusted_packet_sequence_id(a.sequence);
            packet.set_track_descriptor(|track: &mut TrackDescriptor<'_, '_>| {
                track.set_uuid(a.uuid).set_parent_uuid(a.parent).set_name(a.name);
                track.set_process(|it: &mut ProcessDescriptor<'_, '_>| {
                    it.set_pid(a.pid).set_process_name(a.process);
                });
                track.set_thread(|it: &mut ThreadDescriptor<'_, '_>| {
                    it.set_pid(a.pid).set_tid(a.tid).set_thread_name(a.thread);
                });
            });
        })
    }

    fn points(&mut self, a: &args::Points) -> &[u8] {
        self.write(|msg| {
            let mut points = Points { msg };
            for &(x, y, z) in &a.points {
                points.set_points(|it: &mut Point<'_, '_>| {
                    it.set_x(x);
                    it.msg.append_type0_field(2, u64::from((y << 1 ^ y >> 31) as u32));
                    it.set_z(z);
                });
            }
        })
    }

    fn mixed(&mut self, a: &args::Mixed) -> &[u8] {
        self.write(|msg| {
            let mut mixed = Mixed { msg };
            for text in &a.texts {
                mixed.set_texts(&text[..]);
            }
            mixed.msg.append_type2_field(2, &packed(&a.ids));
            let weights: Vec<u8> = a.weights.iter().flat_map(|weight| weight.to_le_bytes()).collect();
            mixed.msg.append_type2_field(3, &weights);
            mixed.msg.append_type2_field(4, &a.blob);
        })
    }

    fn packed(&mut self, a: &args::Mixed) -> &[u8] {
        self.write(|msg| msg.append_type2_field(2, &packed(&a.ids)))
    }

    fn chain(&mut self, a: &args::Chain) -> &[u8] {
        self.write(|msg| link(&mut Chain { msg }, &a.values))
    }

    fn flat(&mut self, a: &args::EveryField) -> &[u8] {
        self.write(|msg| flat(&mut EveryField { msg }, a))
    }

    fn nested(&mut self, a: &args::EveryField) -> &[u8] {
        self.write(|msg| {
            let mut every = EveryField { msg };
            flat(&mut every, a);
            every.set_field_nested(|every: &mut EveryField<'_, '_>| {
                flat(every, a);
                every.set_field_nested(|every: &mut EveryField<'_, '_>| {
                    flat(every, a);
                    every.set_field_nested(|every: &mut EveryField<'_, '_>| flat(every, a));
                });
            });
        })
    }
}

fn slice(packet: &mut TracePacket<'_, '_>, a: &args::Slice, more: impl Fn(&mut TrackEvent<'_, '_>)) {
    packet.set_timestamp(a.timestamp).set_trusted_packet_sequence_id(a.sequence).set_sequence_flags(a.flags);
    packet.set_track_event(|event: &mut TrackEvent<'_, '_>| {
        event.set_type(TrackEventType::TypeSliceBegin).set_track_uuid(a.track).set_category_iids(a.category);
        event.set_name_iid(a.name);
        more(event);
    });
}

fn packed(values: &[u64]) -> Vec<u8> {
    let mut bytes = vec![0; values.len() * 10];
    let len = values.iter().fold(0, |len, &value| len + pb_write_varint(value, &mut bytes[len..]));
    bytes.truncate(len);
    bytes
}

fn link(chain: &mut Chain<'_, '_>, values: &[u64]) {
    if let Some((&value, rest)) = values.split_first() {
        chain.set_value(value);
        if !rest.is_empty() {
            chain.set_next(|next: &mut Chain<'_, '_>| link(next, rest));
        }
    }
}

fn flat(every: &mut EveryField<'_, '_>, a: &args::EveryField) {
    every.set_field_int32(a.int32).set_field_uint32(a.uint32).set_field_int64(a.int64);
    every.set_field_uint64(a.uint64).set_field_string(a.string);
}
