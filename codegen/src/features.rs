//! How fields and enums behave, by the syntax or edition of their file and what is set from the file inwards.
//!
//! `google/protobuf/descriptor.proto`: `Edition`, `FeatureSet`, and the field `features` of each of the options. The
//! `protobuf` crate does not know them, so they are among the fields that it did not know.

use protobuf::descriptor::FileDescriptorProto;
use protobuf::well_known_types::empty::Empty;
use protobuf::{Message, UnknownFields, UnknownValueRef};

/// In force somewhere in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Features {
    pub(crate) presence: Presence,
    /// Repeated fields that can be packed are.
    pub(crate) packed: bool,
    /// Nested messages are written as groups.
    pub(crate) delimited: bool,
    /// Enums have no other values than those declared.
    pub(crate) closed_enums: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    Explicit,
    Implicit,
    Required,
}

const PROTO2: Features = Features { presence: Presence::Explicit, packed: false, delimited: false, closed_enums: true };
const PROTO3: Features = Features { presence: Presence::Implicit, packed: true, delimited: false, closed_enums: false };
/// Editions 2023 and 2024.
const EDITION: Features =
    Features { presence: Presence::Explicit, packed: true, delimited: false, closed_enums: false };

/// The number of the field `features` in the options of each.
pub(crate) const OF_FILE: u32 = 50;
pub(crate) const OF_MESSAGE: u32 = 12;
pub(crate) const OF_FIELD: u32 = 21;
pub(crate) const OF_ONEOF: u32 = 1;
pub(crate) const OF_ENUM: u32 = 7;

impl Features {
    /// Of a whole file. Fails with the number of its edition when that is not known.
    pub(crate) fn of_file(file: &FileDescriptorProto) -> Result<Self, u64> {
        const EDITION_FIELD: u32 = 14;
        let edition = match file.special_fields.unknown_fields().get(EDITION_FIELD) {
            Some(UnknownValueRef::Varint(edition)) => edition,
            _ => match file.syntax() {
                "editions" => 0,
                "proto3" => 999,
                _ => 998,
            },
        };
        let own = match edition {
            998 => PROTO2,
            999 => PROTO3,
            1000 | 1001 => EDITION,
            other => return Err(other),
        };
        Ok(own.with(file.options.special_fields.unknown_fields(), OF_FILE))
    }

    /// What is in force where `options`, whose `features` have the number `field`, are set.
    pub(crate) fn with(mut self, options: &UnknownFields, field: u32) -> Self {
        let Some(UnknownValueRef::LengthDelimited(bytes)) = options.get(field) else { return self };
        // A message of no fields knows none of them.
        let Ok(set) = Empty::parse_from_bytes(bytes) else { return self };
        let value = |number| match set.special_fields.unknown_fields().get(number) {
            Some(UnknownValueRef::Varint(value)) => value,
            _ => 0,
        };
        match value(1) {
            1 => self.presence = Presence::Explicit,
            2 => self.presence = Presence::Implicit,
            3 => self.presence = Presence::Required,
            _ => {}
        }
        set_flag(&mut self.closed_enums, value(2), 2);
        set_flag(&mut self.packed, value(3), 1);
        set_flag(&mut self.delimited, value(5), 2);
        self
    }
}

/// Each of these enums has the values 1 and 2.
fn set_flag(flag: &mut bool, value: u64, on: u64) {
    if value == 1 || value == 2 {
        *flag = value == on;
    }
}
