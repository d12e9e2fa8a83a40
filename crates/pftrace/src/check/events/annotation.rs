//! Annotations of events: names, values, and what they refer to.

use pftrace_protos::{DebugAnnotation, InternedData};

use crate::check::finding::{Kind, Report};
use crate::check::interned::Interned;
use crate::check::packet::odd_field;
use crate::check::schema;
use crate::check::wire::{Fields, Value};

/// Annotations that are nested deeper are not looked into.
const MAX_ANNOTATION_DEPTH: u32 = 100;

/// An annotation, and those within. What is in an array needs no name.
pub(super) fn annotation(bytes: &[u8], needs_name: bool, interned: &mut Interned, depth: u32, report: &mut Report<'_>) {
    let by = schema::DEBUG_ANNOTATION.name;
    let mut has_name = !needs_name;
    let mut values = Values::default();
    for field in Fields::new(bytes) {
        let field = match field {
            Ok(field) => field,
            Err(error) => return report.say(Kind::MessageMalformed, format_args!("{by}: {error}")),
        };
        values.add(field.number);
        let table = match (field.number, field.value) {
            (DebugAnnotation::NAME_FIELD_NUMBER, Value::Bytes(_)) => {
                has_name = true;
                continue;
            }
            // None.
            (DebugAnnotation::NAME_IID_FIELD_NUMBER, Value::Varint(0)) => continue,
            (DebugAnnotation::NAME_IID_FIELD_NUMBER, Value::Varint(_)) => {
                has_name = true;
                InternedData::DEBUG_ANNOTATION_NAMES_FIELD_NUMBER
            }
            (DebugAnnotation::STRING_VALUE_IID_FIELD_NUMBER, Value::Varint(_)) => {
                InternedData::DEBUG_ANNOTATION_STRING_VALUES_FIELD_NUMBER
            }
            (DebugAnnotation::PROTO_TYPE_NAME_IID_FIELD_NUMBER, Value::Varint(_)) => {
                InternedData::DEBUG_ANNOTATION_VALUE_TYPE_NAMES_FIELD_NUMBER
            }
            (
                DebugAnnotation::DICT_ENTRIES_FIELD_NUMBER | DebugAnnotation::ARRAY_VALUES_FIELD_NUMBER,
                Value::Bytes(inner),
            ) => {
                if depth < MAX_ANNOTATION_DEPTH {
                    let needs_name = field.number == DebugAnnotation::DICT_ENTRIES_FIELD_NUMBER;
                    annotation(inner, needs_name, interned, depth + 1, report);
                }
                continue;
            }
            _ => {
                odd_field(&schema::DEBUG_ANNOTATION, &field, report);
                continue;
            }
        };
        if let Value::Varint(iid) = field.value {
            interned.resolve(table, iid, by, report);
        }
    }
    if !has_name {
        return report.say(
            Kind::AnnotationNoName,
            format_args!("expected an annotation, or an entry of a dictionary in one, to have a name, found none"),
        );
    }
    values.judge(report);
}

/// Which values an annotation has.
#[derive(Default)]
struct Values {
    /// The field of the first.
    first: u32,
    has_several: bool,
    has_type: bool,
}

impl Values {
    #[inline]
    fn add(&mut self, field: u32) {
        match field {
            DebugAnnotation::NAME_FIELD_NUMBER | DebugAnnotation::NAME_IID_FIELD_NUMBER => {}
            DebugAnnotation::PROTO_TYPE_NAME_FIELD_NUMBER | DebugAnnotation::PROTO_TYPE_NAME_IID_FIELD_NUMBER => {
                self.has_type = true;
            }
            2..=17 if self.first == 0 => self.first = field,
            // Entries and elements, one after the other.
            DebugAnnotation::DICT_ENTRIES_FIELD_NUMBER | DebugAnnotation::ARRAY_VALUES_FIELD_NUMBER => {
                self.has_several |= self.first != field;
            }
            2..=17 => self.has_several = true,
            _ => {}
        }
    }

    #[inline]
    fn judge(&self, report: &mut Report<'_>) {
        if self.first == 0 {
            report.say(Kind::AnnotationNoValue, format_args!("expected an annotation to have a value, found none"));
        }
        if self.has_several {
            report.say(Kind::AnnotationValues, format_args!("expected an annotation to have one value, found several"));
        }
        if self.first == DebugAnnotation::PROTO_VALUE_FIELD_NUMBER && !self.has_type {
            report.say(
                Kind::AnnotationValues,
                format_args!("expected an annotation whose value is a message to say its type, found none"),
            );
        }
    }
}
