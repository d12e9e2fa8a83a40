//! quick-protobuf.

use std::borrow::Cow;

use ::quick_protobuf::{MessageWrite, Writer};

use crate::args::{self, NESTED};
use crate::contender::Contender;
use crate::proto::quick::bench::mod_Points::Point;
use crate::proto::quick::bench::{Chain, EveryField, Mixed, Points};
use crate::proto::quick::perfetto::protos::mod_DebugAnnotation::{OneOfname_field as NameField, OneOfvalue as Value};
use crate::proto::quick::perfetto::protos::mod_TracePacket::{
    OneOfdata as Data, OneOfoptional_trusted_packet_sequence_id as Sequence,
};
use crate::proto::quick::perfetto::protos::mod_TrackDescriptor::OneOfstatic_or_dynamic_name as StaticOrDynamicName;
use crate::proto::quick::perfetto::protos::mod_TrackEvent::{OneOfname_field as EventNameField, Type};
use crate::proto::quick::perfetto::protos::{
    DebugAnnotation, EventCategory, EventName, InternedData, ProcessDescriptor, ThreadDescriptor, TracePacket,
    TrackDescriptor, TrackEvent,
};

/// Messages of pb-rs.
#[derive(Debug, Default)]
pub struct QuickProtobuf {
    buffer: Vec<u8>,
}

impl QuickProtobuf {
    fn write(&mut self, message: &impl MessageWrite) -> &[u8] {
        self.buffer.clear();
        // A Vec grows: this never fails.
        _ = message.write_message(&mut Writer::new(&mut self.buffer));
        &self.buffer
    }
}

impl Contender for QuickProtobuf {
    const NAME: &'static str = "quick-protobuf";

    fn slice(&mut self, a: &args::Slice) -> &[u8] {
        self.write(&slice(a, vec![]))
    }

    fn annotated(&mut self, a: &args::Annotated) -> &[u8] {
        let dictionary = DebugAnnotation {
            name_field: NameField::name_iid(a.names[3]),
            dict_entries: vec![
                annotation(a.names[4], Value::int_value(a.offset)),
                annotation(a.names[5], Value::string_value(Cow::Borrowed(a.label))),
            ],
            ..Default::default()
        };
        self.write(&slice(
            &a.slice,
            vec![
                annotation(a.names[0], Value::uint_value(a.count)),
                annotation(a.names[1], Value::double_value(a.ratio)),
                annotation(a.names[2], Value::string_value(Cow::Borrowed(a.text))),
                dictionary,
            ],
        ))
    }

    fn interned(&mut self, a: &args::Interned) -> &[u8] {
        let categories = (1..).zip(&a.categories);
        let names = (1..).zip(&a.names);
        self.write(&TracePacket {
            optional_trusted_packet_sequence_id: Sequence::trusted_packet_sequence_id(a.sequence),
            sequence_flags: Some(a.flags),
            interned_data: Some(InternedData {
                event_categories: categories
                    .map(|(iid, name)| EventCategory { iid: Some(iid), name: Some(Cow::Borrowed(name)) })
                    .collect(),
                event_names: names
                    .map(|(iid, name)| EventName { iid: Some(iid), name: Some(Cow::Borrowed(name)) })
                    .collect(),
                ..Default::default()
            }),
            ..Default::default()
        })
    }

    fn track(&mut self, a: &args::Track) -> &[u8] {
        self.write(&TracePacket {
            timestamp: Some(a.timestamp),
            optional_trusted_packet_sequence_id: Sequence::trusted_packet_sequence_id(a.sequence),
            data: Data::track_descriptor(TrackDescriptor {
                uuid: Some(a.uuid),
                parent_uuid: Some(a.parent),
                static_or_dynamic_name: StaticOrDynamicName::name(Cow::Borrowed(a.name)),
                process: Some(ProcessDescriptor {
                    pid: Some(a.pid),
                    process_name: Some(Cow::Borrowed(a.process)),
                    ..Default::default()
                }),
                thread: Some(ThreadDescriptor {
                    pid: Some(a.pid),
                    tid: Some(a.tid),
                    thread_name: Some(Cow::Borrowed(a.thread)),
                    ..Default::default()
                }),
                ..Default::default()
            }),
            ..Default::default()
        })
    }

    fn points(&mut self, a: &args::Points) -> &[u8] {
        let points = a.points.iter().map(|&(x, y, z)| Point { x: Some(x), y: Some(y), z: Some(z) });
        self.write(&Points { points: points.collect() })
    }

    fn mixed(&mut self, a: &args::Mixed) -> &[u8] {
        self.write(&Mixed {
            texts: a.texts.iter().map(|text| Cow::Borrowed(&text[..])).collect(),
            ids: a.ids.clone(),
            weights: Cow::Borrowed(&a.weights),
            blob: Some(Cow::Borrowed(&a.blob)),
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

fn slice<'a>(a: &'a args::Slice, debug_annotations: Vec<DebugAnnotation<'a>>) -> TracePacket<'a> {
    TracePacket {
        timestamp: Some(a.timestamp),
        optional_trusted_packet_sequence_id: Sequence::trusted_packet_sequence_id(a.sequence),
        sequence_flags: Some(a.flags),
        data: Data::track_event(TrackEvent {
            type_pb: Some(Type::TYPE_SLICE_BEGIN),
            track_uuid: Some(a.track),
            category_iids: vec![a.category],
            name_field: EventNameField::name_iid(a.name),
            debug_annotations,
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn annotation<'a>(name: u64, value: Value<'a>) -> DebugAnnotation<'a> {
    DebugAnnotation { name_field: NameField::name_iid(name), value, ..Default::default() }
}

fn flat(a: &args::EveryField, levels: usize) -> EveryField<'_> {
    EveryField {
        field_int32: Some(a.int32),
        field_int64: Some(a.int64),
        field_uint32: Some(a.uint32),
        field_uint64: Some(a.uint64),
        field_nested: if levels > 1 { vec![flat(a, levels - 1)] } else { vec![] },
        field_string: Some(Cow::Borrowed(a.string)),
    }
}
