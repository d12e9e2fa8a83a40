//! micropb, with the containers of the standard library: those of fixed capacity would hold each message at its largest.

use ::micropb::{MessageEncode, PbEncoder};

use crate::args::{self, NESTED};
use crate::contender::Contender;
use crate::proto::micropb::bench_::Points_::Point;
use crate::proto::micropb::bench_::{Chain, EveryField, Mixed, Points};
use crate::proto::micropb::perfetto_::protos_::DebugAnnotation_::{NameField, Value};
use crate::proto::micropb::perfetto_::protos_::TracePacket_::{Data, OptionalTrustedPacketSequenceId as Sequence};
use crate::proto::micropb::perfetto_::protos_::TrackDescriptor_::StaticOrDynamicName;
use crate::proto::micropb::perfetto_::protos_::TrackEvent_;
use crate::proto::micropb::perfetto_::protos_::{
    DebugAnnotation, EventCategory, EventName, InternedData, ProcessDescriptor, ThreadDescriptor, TracePacket,
    TrackDescriptor, TrackEvent,
};

/// Messages of micropb-gen.
#[derive(Debug, Default)]
pub struct Micropb {
    buffer: Vec<u8>,
}

impl Micropb {
    fn write(&mut self, message: &impl MessageEncode) -> &[u8] {
        self.buffer.clear();
        // A Vec grows: this never fails.
        _ = message.encode(&mut PbEncoder::new(&mut self.buffer));
        &self.buffer
    }
}

impl Contender for Micropb {
    const NAME: &'static str = "micropb";

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
        let data = InternedData {
            event_categories: categories
                .map(|(iid, name)| EventCategory::default().init_iid(iid).init_name(name.clone()))
                .collect(),
            event_names: names.map(|(iid, name)| EventName::default().init_iid(iid).init_name(name.clone())).collect(),
            ..Default::default()
        };
        let mut packet = TracePacket::default().init_sequence_flags(a.flags).init_interned_data(data);
        packet.optional_trusted_packet_sequence_id = Some(Sequence::TrustedPacketSequenceId(a.sequence));
        self.write(&packet)
    }

    fn track(&mut self, a: &args::Track) -> &[u8] {
        let mut track = TrackDescriptor::default()
            .init_uuid(a.uuid)
            .init_parent_uuid(a.parent)
            .init_process(ProcessDescriptor::default().init_pid(a.pid).init_process_name(a.process.to_owned()))
            .init_thread(
                ThreadDescriptor::default().init_pid(a.pid).init_tid(a.tid).init_thread_name(a.thread.to_owned()),
            );
        track.static_or_dynamic_name = Some(StaticOrDynamicName::Name(a.name.to_owned()));
        let mut packet = TracePacket::default().init_timestamp(a.timestamp);
        packet.optional_trusted_packet_sequence_id = Some(Sequence::TrustedPacketSequenceId(a.sequence));
        packet.data = Some(Data::TrackDescriptor(track));
        self.write(&packet)
    }

    fn points(&mut self, a: &args::Points) -> &[u8] {
        let points = a.points.iter().map(|&(x, y, z)| Point::default().init_x(x).init_y(y).init_z(z));
        self.write(&Points { points: points.collect() })
    }

    fn mixed(&mut self, a: &args::Mixed) -> &[u8] {
        let mut mixed = Mixed::default().init_blob(a.blob.clone());
        mixed.texts = a.texts.clone();
        mixed.ids = a.ids.clone();
        mixed.weights = a.weights.clone();
        self.write(&mixed)
    }

    fn packed(&mut self, a: &args::Mixed) -> &[u8] {
        self.write(&Mixed { ids: a.ids.clone(), ..Default::default() })
    }

    fn chain(&mut self, a: &args::Chain) -> &[u8] {
        let link = |next: Option<Chain>, &value| {
            Some(Chain { next: next.map(Box::new), ..Chain::default().init_value(value) })
        };
        let chain = a.values.iter().rfold(None, link).unwrap_or_default();
        self.write(&chain)
    }

    fn flat(&mut self, a: &args::EveryField) -> &[u8] {
        self.write(&flat(a, 1))
    }

    fn nested(&mut self, a: &args::EveryField) -> &[u8] {
        self.write(&flat(a, NESTED))
    }
}

fn slice(a: &args::Slice, debug_annotations: Vec<DebugAnnotation>) -> TracePacket {
    let mut event = TrackEvent { category_iids: vec![a.category], debug_annotations, ..Default::default() };
    event.set_type(TrackEvent_::Type::SliceBegin).set_track_uuid(a.track);
    event.name_field = Some(TrackEvent_::NameField::NameIid(a.name));
    let mut packet = TracePacket::default().init_timestamp(a.timestamp).init_sequence_flags(a.flags);
    packet.optional_trusted_packet_sequence_id = Some(Sequence::TrustedPacketSequenceId(a.sequence));
    packet.data = Some(Data::TrackEvent(event));
    packet
}

fn annotation(name: u64, value: Value) -> DebugAnnotation {
    DebugAnnotation { name_field: Some(NameField::NameIid(name)), value: Some(value), ..Default::default() }
}

fn flat(a: &args::EveryField, levels: usize) -> EveryField {
    let mut every = EveryField::default()
        .init_field_int32(a.int32)
        .init_field_int64(a.int64)
        .init_field_uint32(a.uint32)
        .init_field_uint64(a.uint64)
        .init_field_string(a.string.to_owned());
    every.field_nested = if levels > 1 { vec![flat(a, levels - 1)] } else { vec![] };
    every
}
