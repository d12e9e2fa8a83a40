//! prost.

use ::prost::Message;

use crate::args::{self, NESTED};
use crate::contender::Contender;
use crate::proto::prost::bench::{Chain, EveryField, Mixed, Points, points::Point};
use crate::proto::prost::perfetto::protos::debug_annotation::{NameField, Value};
use crate::proto::prost::perfetto::protos::trace_packet::{Data, OptionalTrustedPacketSequenceId as Sequence};
use crate::proto::prost::perfetto::protos::track_descriptor::StaticOrDynamicName;
use crate::proto::prost::perfetto::protos::{
    DebugAnnotation, EventCategory, EventName, InternedData, ProcessDescriptor, ThreadDescriptor, TracePacket,
    TrackDescriptor, TrackEvent, track_event,
};

/// Messages of prost-build.
#[derive(Debug, Default)]
pub struct Prost {
    buffer: Vec<u8>,
}

impl Prost {
    fn write(&mut self, message: &impl Message) -> &[u8] {
        self.buffer.clear();
        // A Vec grows: this never fails.
        _ = message.encode(&mut self.buffer);
        &self.buffer
    }
}

impl Contender for Prost {
    const NAME: &'static str = "prost";

    fn slice(&mut self, a: &args::Slice) -> &[u8] {
        self.write(&slice(a, vec![]))
    }

    fn annotated(&mut self, a: &args::Annotated) -> &[u8] {
        let dictionary = DebugAnnotation {
            name_field: Some(NameField::NameIid(a.names[3])),
            dict_entries: vec![
                annotation(a.names[4], Value::IntValue(a.offset)),
                annotation(a.names[5], Value::StringValue(a.label.to_owned())),
            ],
            ..Default::default()
        };
        self.write(&slice(
            &a.slice,
            vec![
                annotation(a.names[0], Value::UintValue(a.count)),
                annotation(a.names[1], Value::DoubleValue(a.ratio)),
                annotation(a.names[2], Value::StringValue(a.text.to_owned())),
                dictionary,
            ],
        ))
    }

    fn interned(&mut self, a: &args::Interned) -> &[u8] {
        let categories = (1..).zip(&a.categories);
        let names = (1..).zip(&a.names);
        self.write(&TracePacket {
            optional_trusted_packet_sequence_id: Some(Sequence::TrustedPacketSequenceId(a.sequence)),
            sequence_flags: Some(a.flags),
            interned_data: Some(InternedData {
                event_categories: categories
                    .map(|(iid, name)| EventCategory { iid: Some(iid), name: Some(name.clone()) })
                    .collect(),
                event_names: names.map(|(iid, name)| EventName { iid: Some(iid), name: Some(name.clone()) }).collect(),
                ..Default::default()
            }),
            ..Default::default()
        })
    }

    fn track(&mut self, a: &args::Track) -> &[u8] {
        self.write(&TracePacket {
            timestamp: Some(a.timestamp),
            optional_trusted_packet_sequence_id: Some(Sequence::TrustedPacketSequenceId(a.sequence)),
            data: Some(Data::TrackDescriptor(TrackDescriptor {
                uuid: Some(a.uuid),
                parent_uuid: Some(a.parent),
                static_or_dynamic_name: Some(StaticOrDynamicName::Name(a.name.to_owned())),
                process: Some(ProcessDescriptor {
                    pid: Some(a.pid),
                    process_name: Some(a.process.to_owned()),
                    ..Default::default()
                }),
                thread: Some(ThreadDescriptor {
                    pid: Some(a.pid),
                    tid: Some(a.tid),
                    thread_name: Some(a.thread.to_owned()),
                    ..Default::default()
                }),
                ..Default::default()
            })),
            ..Default::default()
        })
    }

    fn points(&mut self, a: &args::Points) -> &[u8] {
        let points = a.points.iter().map(|&(x, y, z)| Point { x: Some(x), y: Some(y), z: Some(z) });
        self.write(&Points { points: points.collect() })
    }

    fn mixed(&mut self, a: &args::Mixed) -> &[u8] {
        self.write(&Mixed {
            texts: a.texts.clone(),
            ids: a.ids.clone(),
            weights: a.weights.clone(),
            blob: Some(a.blob.clone()),
        })
    }

    fn packed(&mut self, a: &args::Mixed) -> &[u8] {
        self.write(&Mixed { ids: a.ids.clone(), ..Default::default() })
    }

    fn chain(&mut self, a: &args::Chain) -> &[u8] {
        let link = |next, &value| Some(Box::new(Chain { value: Some(value), next }));
        let chain = a.values.iter().rfold(None, link).unwrap_or_default();
        self.write(&*chain)
    }

    fn flat(&mut self, a: &args::EveryField) -> &[u8] {
        self.write(&flat(a, 1))
    }

    fn nested(&mut self, a: &args::EveryField) -> &[u8] {
        self.write(&flat(a, NESTED))
    }
}

fn slice(a: &args::Slice, debug_annotations: Vec<DebugAnnotation>) -> TracePacket {
    TracePacket {
        timestamp: Some(a.timestamp),
        optional_trusted_packet_sequence_id: Some(Sequence::TrustedPacketSequenceId(a.sequence)),
        sequence_flags: Some(a.flags),
        data: Some(Data::TrackEvent(TrackEvent {
            r#type: Some(track_event::Type::SliceBegin.into()),
            track_uuid: Some(a.track),
            category_iids: vec![a.category],
            name_field: Some(track_event::NameField::NameIid(a.name)),
            debug_annotations,
            ..Default::default()
        })),
        ..Default::default()
    }
}

fn annotation(name: u64, value: Value) -> DebugAnnotation {
    DebugAnnotation { name_field: Some(NameField::NameIid(name)), value: Some(value), ..Default::default() }
}

fn flat(a: &args::EveryField, levels: usize) -> EveryField {
    EveryField {
        field_int32: Some(a.int32),
        field_int64: Some(a.int64),
        field_uint32: Some(a.uint32),
        field_uint64: Some(a.uint64),
        field_nested: if levels > 1 { vec![flat(a, levels - 1)] } else { vec![] },
        field_string: Some(a.string.to_owned()),
    }
}
