//! Fields of extensions: those that events have, and those that the trace describes.

use core::ops::{Range, RangeInclusive};
use std::io::Read;
use std::string::String;
use std::vec::Vec;

use pftrace_protos::field_descriptor_proto::Type;
use pftrace_protos::{
    DescriptorProto, EnumDescriptorProto, ExtensionDescriptor, FieldDescriptorProto, FileDescriptorProto,
    FileDescriptorSet,
};

use super::finding::{Kind, Place, Report};
use super::wire::{Fields, Value};
use super::{Map, map};

/// Extensions of `TrackEvent` whose description Perfetto has itself: Chrome's, Android's, and those of GPUs.
const KNOWN: [RangeInclusive<u32>; 3] = [1000..=1085, 2001..=2021, 3000..=3001];

/// What is theirs: a newer Perfetto may know more.
const OFFICIAL: Range<u32> = 1000..3100;

/// Packages of which the types are not known here, or not all of them.
const OFFICIAL_TYPES: [&[u8]; 5] =
    [b".perfetto.protos.", b".google.protobuf.", b".com.android.", b".android.", b".bluetooth."];

/// Larger schemas of extensions are not decompressed.
const MAX_SCHEMA_LEN: u64 = 64 << 20;

#[derive(Debug)]
pub(super) struct Extensions {
    /// Where each field was first.
    used: Map<u32, Place>,
    described: Map<u32, ()>,
    /// Messages and enums, by their full names.
    types: Map<Vec<u8>, ()>,
}

impl Extensions {
    pub(super) fn new() -> Self {
        Self { used: map(), described: map(), types: map() }
    }

    /// An event has the field.
    pub(super) fn used(&mut self, number: u32, place: Place) {
        if !KNOWN.iter().any(|range| range.contains(&number)) {
            self.used.entry(number).or_insert(place);
        }
    }

    /// Reads an `ExtensionDescriptor`.
    #[cold]
    pub(super) fn describe(&mut self, bytes: &[u8], report: &mut Report<'_>) {
        for field in Fields::new(bytes).flatten() {
            match (field.number, field.value) {
                (ExtensionDescriptor::EXTENSION_SET_FIELD_NUMBER, Value::Bytes(set)) => self.add(set, report),
                (ExtensionDescriptor::EXTENSION_SET_GZIP_FIELD_NUMBER, Value::Bytes(zipped)) => {
                    let mut set = Vec::new();
                    match flate2::read::GzDecoder::new(zipped).take(MAX_SCHEMA_LEN).read_to_end(&mut set) {
                        Ok(_) => self.add(&set, report),
                        Err(error) => report.say(
                            Kind::MessageMalformed,
                            format_args!(
                                "ExtensionDescriptor: expected descriptors compressed by gzip, found: {error}"
                            ),
                        ),
                    }
                }
                _ => {}
            }
        }
    }

    /// Takes over a `FileDescriptorSet`, whose types are its own, those of one before, or Perfetto's.
    fn add(&mut self, set: &[u8], report: &mut Report<'_>) {
        let set = Set::read(set);
        self.described.extend(set.extensions.iter().map(|number| (*number, ())));
        self.types.extend(set.types.into_iter().map(|name| (name, ())));
        let is_official = |name: &[u8]| OFFICIAL_TYPES.iter().any(|prefix| name.starts_with(prefix));
        for name in set.names.iter().filter(|name| !is_official(name) && !self.types.contains_key(**name)) {
            report.say(
                Kind::ExtensionType,
                format_args!(
                    "expected the message or enum {} among the descriptions of extensions, found none of it",
                    String::from_utf8_lossy(name)
                ),
            );
        }
    }

    /// The file has ended.
    pub(super) fn finish(&self, report: &mut Report<'_>) {
        let mut unknown: Vec<_> = self.used.iter().filter(|(number, _)| !self.described.contains_key(number)).collect();
        unknown.sort_unstable_by_key(|(number, _)| **number);
        for (number, place) in unknown {
            if OFFICIAL.contains(number) {
                let say =
                    "is not in the schema of Chrome's and Android's, and nothing in the trace describes it; told once";
                report.say_at(*place, Kind::UnknownField, format_args!("TrackEvent: field {number} {say}"));
                continue;
            }
            report.say_at(
                *place,
                Kind::UnknownExtension,
                format_args!("TrackEvent: expected an ExtensionDescriptor of field {number} in the trace, found none"),
            );
        }
    }
}

/// What a `FileDescriptorSet` has.
#[derive(Default)]
struct Set<'b> {
    /// Numbers of extension fields of events.
    extensions: Vec<u32>,
    types: Vec<Vec<u8>>,
    /// Full names that are referred to.
    names: Vec<&'b [u8]>,
}

/// Messages are nested no deeper than this.
const MAX_NESTED_TYPES: u32 = 32;

impl<'b> Set<'b> {
    fn read(bytes: &'b [u8]) -> Self {
        let mut set = Self::default();
        for (number, file) in submessages(bytes) {
            if number == FileDescriptorSet::FILE_FIELD_NUMBER {
                set.file(file);
            }
        }
        set
    }

    fn file(&mut self, file: &'b [u8]) {
        let package = within(b"", file, FileDescriptorProto::PACKAGE_FIELD_NUMBER);
        for (number, bytes) in submessages(file) {
            match number {
                FileDescriptorProto::EXTENSION_FIELD_NUMBER => self.field(bytes),
                FileDescriptorProto::MESSAGE_TYPE_FIELD_NUMBER => self.message(bytes, &package, 0),
                FileDescriptorProto::ENUM_TYPE_FIELD_NUMBER => self.enumeration(bytes, &package),
                _ => {}
            }
        }
    }

    fn message(&mut self, message: &'b [u8], parent: &[u8], depth: u32) {
        let name = within(parent, message, DescriptorProto::NAME_FIELD_NUMBER);
        for (number, bytes) in submessages(message) {
            match number {
                DescriptorProto::FIELD_FIELD_NUMBER | DescriptorProto::EXTENSION_FIELD_NUMBER => self.field(bytes),
                DescriptorProto::NESTED_TYPE_FIELD_NUMBER if depth < MAX_NESTED_TYPES => {
                    self.message(bytes, &name, depth + 1);
                }
                DescriptorProto::ENUM_TYPE_FIELD_NUMBER => self.enumeration(bytes, &name),
                _ => {}
            }
        }
        self.types.push(name);
    }

    fn enumeration(&mut self, enumeration: &'b [u8], parent: &[u8]) {
        self.types.push(within(parent, enumeration, EnumDescriptorProto::NAME_FIELD_NUMBER));
    }

    fn field(&mut self, field: &'b [u8]) {
        let (mut number, mut kind, mut of_event) = (None, 0, false);
        let mut type_name = None;
        for item in Fields::new(field).flatten() {
            match (item.number, item.value) {
                (FieldDescriptorProto::NUMBER_FIELD_NUMBER, Value::Varint(value)) => number = Some(value as u32),
                (FieldDescriptorProto::TYPE_FIELD_NUMBER, Value::Varint(value)) => kind = value,
                (FieldDescriptorProto::TYPE_NAME_FIELD_NUMBER, Value::Bytes(name)) => type_name = Some(name),
                (FieldDescriptorProto::EXTENDEE_FIELD_NUMBER, Value::Bytes(extendee)) => {
                    of_event = extendee.ends_with(b"perfetto.protos.TrackEvent");
                    self.names.extend(extendee.starts_with(b".").then_some(extendee));
                }
                _ => {}
            }
        }
        self.extensions.extend(number.filter(|_| of_event));
        let is_named = [Type::TYPE_MESSAGE, Type::TYPE_ENUM].iter().any(|named| named.value() as u64 == kind);
        self.names.extend(type_name.filter(|name| is_named && name.starts_with(b".")));
    }
}

fn submessages(bytes: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    Fields::new(bytes).flatten().filter_map(|field| match field.value {
        Value::Bytes(bytes) => Some((field.number, bytes)),
        _ => None,
    })
}

/// The full name of what has its own in a field; without one, its parent's.
fn within(parent: &[u8], bytes: &[u8], field: u32) -> Vec<u8> {
    match submessages(bytes).filter(|(number, _)| *number == field).last() {
        Some((_, name)) if !name.is_empty() => [parent, b".", name].concat(),
        _ => parent.to_vec(),
    }
}
