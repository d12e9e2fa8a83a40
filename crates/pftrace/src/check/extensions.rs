//! Fields of extensions: those that events have, and those that the trace describes.

use core::ops::{Range, RangeInclusive};
use std::io::Read;
use std::vec::Vec;

use pftrace_protos::{
    DescriptorProto, ExtensionDescriptor, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet,
};

use super::finding::{Kind, Place, Report};
use super::wire::{Fields, Value};
use super::{Map, map};

/// Extensions of `TrackEvent` whose description Perfetto has itself: Chrome's, Android's, and those of GPUs.
const KNOWN: [RangeInclusive<u32>; 3] = [1000..=1085, 2001..=2021, 3000..=3001];

/// What is theirs: a newer Perfetto may know more.
const OFFICIAL: Range<u32> = 1000..3100;

/// Larger schemas of extensions are not decompressed.
const MAX_SCHEMA_LEN: u64 = 64 << 20;

#[derive(Debug)]
pub(super) struct Extensions {
    /// Where each field was first.
    used: Map<u32, Place>,
    described: Map<u32, ()>,
}

impl Extensions {
    pub(super) fn new() -> Self {
        Self { used: map(), described: map() }
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
                (ExtensionDescriptor::EXTENSION_SET_FIELD_NUMBER, Value::Bytes(set)) => {
                    describe_set(set, &mut self.described)
                }
                (ExtensionDescriptor::EXTENSION_SET_GZIP_FIELD_NUMBER, Value::Bytes(zipped)) => {
                    let mut set = Vec::new();
                    match flate2::read::GzDecoder::new(zipped).take(MAX_SCHEMA_LEN).read_to_end(&mut set) {
                        Ok(_) => describe_set(&set, &mut self.described),
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

/// The numbers of the extension fields that a `FileDescriptorSet` describes.
fn describe_set(set: &[u8], described: &mut Map<u32, ()>) {
    for field in Fields::new(set).flatten() {
        if let (FileDescriptorSet::FILE_FIELD_NUMBER, Value::Bytes(file)) = (field.number, field.value) {
            for field in Fields::new(file).flatten() {
                match (field.number, field.value) {
                    (FileDescriptorProto::EXTENSION_FIELD_NUMBER, Value::Bytes(extension)) => {
                        describe(extension, described)
                    }
                    (FileDescriptorProto::MESSAGE_TYPE_FIELD_NUMBER, Value::Bytes(message)) => {
                        describe_in(message, 0, described)
                    }
                    _ => {}
                }
            }
        }
    }
}

/// Extensions may stand in messages, of which none is nested deeper than this.
const MAX_NESTED_TYPES: u32 = 32;

fn describe_in(message: &[u8], depth: u32, described: &mut Map<u32, ()>) {
    for field in Fields::new(message).flatten() {
        match (field.number, field.value) {
            (DescriptorProto::EXTENSION_FIELD_NUMBER, Value::Bytes(extension)) => describe(extension, described),
            (DescriptorProto::NESTED_TYPE_FIELD_NUMBER, Value::Bytes(nested)) if depth < MAX_NESTED_TYPES => {
                describe_in(nested, depth + 1, described);
            }
            _ => {}
        }
    }
}

fn describe(extension: &[u8], described: &mut Map<u32, ()>) {
    let (mut number, mut is_event) = (None, false);
    for field in Fields::new(extension).flatten() {
        match (field.number, field.value) {
            (FieldDescriptorProto::NUMBER_FIELD_NUMBER, Value::Varint(value)) => number = Some(value as u32),
            (FieldDescriptorProto::EXTENDEE_FIELD_NUMBER, Value::Bytes(extendee)) => {
                is_event = extendee.ends_with(b"perfetto.protos.TrackEvent");
            }
            _ => {}
        }
    }
    if let Some(number) = number.filter(|_| is_event) {
        described.insert(number, ());
    }
}
