//! Annotations of events: names, values, and what they refer to.

use pftrace_protos::{DebugAnnotation, InternedData};

use smallvec::SmallVec;

use super::json;
use crate::check::finding::{Kind, Report};
use crate::check::hash;
use crate::check::interned::Interned;
use crate::check::packet::odd_field;
use crate::check::schema;
use crate::check::wire::{Field, Fields, Value};

/// Annotations that are nested deeper are not looked into.
const MAX_ANNOTATION_DEPTH: u32 = 100;

const BY: &str = "DebugAnnotation";

/// More of an event or dictionary are not held against each other.
const MAX_SIBLINGS: usize = 64;

/// The names of annotations that stand beside each other, of those with a single value: the others are joined.
#[derive(Default)]
pub(super) struct Siblings(SmallVec<[u64; 8]>);

impl Siblings {
    #[inline]
    fn add(&mut self, name: u64, report: &mut Report<'_>) {
        if self.0.contains(&name) {
            return report.say(
                Kind::AnnotationTwice,
                format_args!("expected annotations, or entries of a dictionary in one, of different names, found two of one: the last one is shown"),
            );
        }
        if self.0.len() < MAX_SIBLINGS {
            self.0.push(name);
        }
    }
}

/// An annotation, and those within. What is in an array has no siblings, and needs no name.
pub(super) fn annotation(
    bytes: &[u8],
    siblings: Option<&mut Siblings>,
    interned: &mut Interned,
    depth: u32,
    report: &mut Report<'_>,
) {
    let mut said = Annotation::default();
    for field in Fields::new(bytes) {
        match field {
            Ok(field) => said.field(&field, interned, depth, report),
            Err(error) => return report.say(Kind::MessageMalformed, format_args!("{BY}: {error}")),
        }
    }
    if let Some(siblings) = siblings {
        let Some(name) = said.name else {
            return report.say(
                Kind::AnnotationNoName,
                format_args!("expected an annotation, or an entry of a dictionary in one, to have a name, found none"),
            );
        };
        if name != 0 && said.is_single() {
            siblings.add(name, report);
        }
    }
    said.judge(report);
}

/// What an annotation says.
#[derive(Default)]
struct Annotation {
    /// As a number; 0 for one that is not known.
    name: Option<u64>,
    /// The field of its first value.
    first: u32,
    has_several: bool,
    /// Of a message.
    has_type: bool,
    entries: Siblings,
}

impl Annotation {
    #[inline]
    fn field(&mut self, field: &Field<'_>, interned: &mut Interned, depth: u32, report: &mut Report<'_>) {
        self.count(field.number);
        match (field.number, field.value) {
            (DebugAnnotation::NAME_FIELD_NUMBER, Value::Bytes(name)) => self.name = Some(hash(name)),
            // None.
            (DebugAnnotation::NAME_IID_FIELD_NUMBER, Value::Varint(0)) => {}
            (DebugAnnotation::NAME_IID_FIELD_NUMBER, Value::Varint(iid)) => {
                let name = interned.resolve(InternedData::DEBUG_ANNOTATION_NAMES_FIELD_NUMBER, iid, BY, report);
                self.name = Some(name.map_or(0, |name| name.hash));
            }
            (DebugAnnotation::STRING_VALUE_IID_FIELD_NUMBER, Value::Varint(iid)) => {
                interned.resolve(InternedData::DEBUG_ANNOTATION_STRING_VALUES_FIELD_NUMBER, iid, BY, report);
            }
            (DebugAnnotation::PROTO_TYPE_NAME_FIELD_NUMBER, Value::Bytes(name)) => {
                self.has_type = name.starts_with(b".")
            }
            (DebugAnnotation::PROTO_TYPE_NAME_IID_FIELD_NUMBER, Value::Varint(iid)) => {
                let names = InternedData::DEBUG_ANNOTATION_VALUE_TYPE_NAMES_FIELD_NUMBER;
                let name = interned.resolve(names, iid, BY, report);
                self.has_type = name.is_none_or(|name| name.hash != 0);
            }
            (DebugAnnotation::DICT_ENTRIES_FIELD_NUMBER, Value::Bytes(entry)) if depth < MAX_ANNOTATION_DEPTH => {
                annotation(entry, Some(&mut self.entries), interned, depth + 1, report);
            }
            (DebugAnnotation::ARRAY_VALUES_FIELD_NUMBER, Value::Bytes(element)) if depth < MAX_ANNOTATION_DEPTH => {
                annotation(element, None, interned, depth + 1, report);
            }
            (DebugAnnotation::LEGACY_JSON_VALUE_FIELD_NUMBER, Value::Bytes(text)) => {
                if let Some(at) = json::stops_at(text) {
                    report.say(
                        Kind::AnnotationJson,
                        format_args!(
                            "expected JSON that Perfetto reads to its end, found that it stops at byte {at} of it"
                        ),
                    );
                }
            }
            _ => odd_field(&schema::DEBUG_ANNOTATION, field, report),
        }
    }

    /// Which values there are.
    #[inline]
    fn count(&mut self, field: u32) {
        match field {
            DebugAnnotation::NAME_FIELD_NUMBER
            | DebugAnnotation::PROTO_TYPE_NAME_FIELD_NUMBER
            | DebugAnnotation::PROTO_TYPE_NAME_IID_FIELD_NUMBER => {}
            2..=17 if self.first == 0 => self.first = field,
            // Entries and elements, one after the other.
            DebugAnnotation::DICT_ENTRIES_FIELD_NUMBER | DebugAnnotation::ARRAY_VALUES_FIELD_NUMBER => {
                self.has_several |= self.first != field;
            }
            2..=17 => self.has_several = true,
            _ => {}
        }
    }

    /// It is neither a dictionary nor an array nor what may turn out to be one.
    #[inline]
    fn is_single(&self) -> bool {
        matches!(
            self.first,
            DebugAnnotation::BOOL_VALUE_FIELD_NUMBER
                | DebugAnnotation::UINT_VALUE_FIELD_NUMBER
                | DebugAnnotation::INT_VALUE_FIELD_NUMBER
                | DebugAnnotation::DOUBLE_VALUE_FIELD_NUMBER
                | DebugAnnotation::STRING_VALUE_FIELD_NUMBER
                | DebugAnnotation::POINTER_VALUE_FIELD_NUMBER
                | DebugAnnotation::STRING_VALUE_IID_FIELD_NUMBER
        )
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
                format_args!(
                    "expected an annotation whose value is a message to say its type, as in `.package.Type`, found none"
                ),
            );
        }
    }
}
