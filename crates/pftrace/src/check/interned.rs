//! What a sequence has interned in its generation: which numbers stand for something, and whether always for the same.

use std::vec::Vec;

use pftrace_protos::{Callstack, Frame, InternedData, Mapping, UnsymbolizedSourceLocation};

use super::finding::{Kind, Report};
use super::names::{Names, Text};
use super::packet::odd_field;
use super::wire::{Field, Fields, Value, packed};
use super::{Map, hash, map, schema};

/// The field of every entry that says its number, and of a name its text.
const IID: u32 = 1;
const NAME: u32 = 2;

#[derive(Debug)]
pub(super) struct Interned {
    /// By the field of `InternedData`; few are used.
    tables: Vec<(u32, Table)>,
    /// References that were told of: once each.
    told: Map<(u32, u64), ()>,
}

/// Numbers usually begin at 1 and have no gaps.
#[derive(Debug)]
struct Table {
    dense: Vec<Option<Entry>>,
    sparse: Map<u64, Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    content: u64,
    text: Text,
}

impl Interned {
    pub(super) fn new() -> Self {
        Self { tables: Vec::new(), told: map() }
    }

    /// A new generation.
    pub(super) fn clear(&mut self) {
        for (_, table) in &mut self.tables {
            table.dense.clear();
            table.sparse.clear();
        }
        self.told.clear();
    }

    /// Takes in `InternedData`.
    pub(super) fn define(&mut self, data: &[u8], names: &mut Names, report: &mut Report<'_>) {
        let mut refers = false;
        for field in Fields::new(data) {
            match field {
                Ok(Field { number, value: Value::Bytes(entry) }) => {
                    if schema::INTERNED_DATA.wire_type(number).is_none() && !(1000..10_000).contains(&number) {
                        odd_field(&schema::INTERNED_DATA, &Field { number, value: Value::Bytes(entry) }, report);
                        continue;
                    }
                    refers |= refers_to(number).is_some();
                    self.entry(number, entry, names, report);
                }
                Ok(field) => odd_field(&schema::INTERNED_DATA, &field, report),
                Err(error) => report.say(Kind::MessageMalformed, format_args!("InternedData: {error}")),
            }
        }
        // Entries may name others in the same packet, before or behind them.
        if refers {
            self.references(data, report);
        }
    }

    fn entry(&mut self, field: u32, entry: &[u8], names: &mut Names, report: &mut Report<'_>) {
        let (mut iid, mut name) = (None, None);
        for item in Fields::new(entry) {
            match item {
                Ok(Field { number: IID, value: Value::Varint(number) }) => iid = Some(number),
                Ok(Field { number: NAME, value: Value::Bytes(text) }) => name = Some(text),
                Ok(_) => {}
                Err(error) => report.say(Kind::MessageMalformed, format_args!("{}: {error}", field_name(field))),
            }
        }
        let Some(iid) = iid else {
            return report.say(
                Kind::IidMissing,
                format_args!("expected an entry of {} to have a number, found none", field_name(field)),
            );
        };
        // Perfetto's own producers define 0 as the empty text.
        if iid == 0 && is_none_at_0(field) && name.is_some_and(|text| !text.is_empty()) {
            return report.say(
                Kind::IidMissing,
                format_args!("expected an entry of {} to have a number above 0, found 0", field_name(field)),
            );
        }
        if iid != 0 && name.is_none_or(<[u8]>::is_empty) && needs_text(field) {
            let field = field_name(field);
            report.say(Kind::TextMissing, format_args!("expected number {iid} of {field} to have a text, found none"));
        }
        let text = match (field, name) {
            (InternedData::EVENT_NAMES_FIELD_NUMBER, Some(text)) => names.text(text),
            // It is none.
            (InternedData::DEBUG_ANNOTATION_VALUE_TYPE_NAMES_FIELD_NUMBER, Some(text)) if !text.starts_with(b".") => {
                Text::default()
            }
            (_, Some(text)) => Text { hash: hash(text), name: 0 },
            (_, None) => Text::default(),
        };
        let content = hash(entry);
        let table = self.table(field);
        match table.get(iid) {
            None => table.insert(iid, Entry { content, text }),
            Some(before) if before.content == content => {}
            Some(_) => report.say(
                Kind::IidRedefined,
                format_args!(
                    "expected number {iid} of {} to stand for the same in one generation, found other content",
                    field_name(field)
                ),
            ),
        }
    }

    fn table(&mut self, field: u32) -> &mut Table {
        let index = match self.tables.iter().position(|(number, _)| *number == field) {
            Some(index) => index,
            None => {
                self.tables.push((field, Table { dense: Vec::new(), sparse: map() }));
                self.tables.len() - 1
            }
        };
        &mut self.tables[index].1
    }

    /// The text behind a number of a field of `InternedData`, if it is defined; else that is told.
    #[inline]
    pub(super) fn resolve(&mut self, field: u32, iid: u64, by: &str, report: &mut Report<'_>) -> Option<Text> {
        let entry = self.tables.iter().find(|(number, _)| *number == field).and_then(|(_, table)| table.get(iid));
        match entry {
            Some(entry) => Some(entry.text),
            None => {
                self.undefined(field, iid, by, report);
                None
            }
        }
    }

    #[cold]
    fn undefined(&mut self, field: u32, iid: u64, by: &str, report: &mut Report<'_>) {
        if self.told.len() < MAX_TOLD && self.told.insert((field, iid), ()).is_some() {
            return;
        }
        let name = field_name(field);
        report.say(
            Kind::IidUndefined,
            format_args!(
                "{by}: expected a number of {name} that this generation defines at or before this packet, found {iid}"
            ),
        );
    }

    #[cold]
    fn references(&mut self, data: &[u8], report: &mut Report<'_>) {
        for field in Fields::new(data).flatten() {
            let (Some((schema, references)), Value::Bytes(entry)) = (refers_to(field.number), field.value) else {
                continue;
            };
            let mut has_frame = field.number != InternedData::CALLSTACKS_FIELD_NUMBER;
            for item in Fields::new(entry).flatten() {
                has_frame |= item.number == Callstack::FRAME_IDS_FIELD_NUMBER;
                let table = references.iter().find(|(number, _)| *number == item.number).map(|(_, table)| *table);
                match (table, item.value) {
                    (Some(table), Value::Varint(iid)) => _ = self.resolve(table, iid, schema.name, report),
                    _ => odd_field(schema, &item, report),
                }
            }
            if !has_frame {
                report.say(Kind::CallstackEmpty, format_args!("expected a callstack to have a frame, found none"));
            }
        }
    }
}

/// More are told each time.
const MAX_TOLD: usize = 1 << 12;

impl Table {
    #[inline]
    fn get(&self, iid: u64) -> Option<Entry> {
        match self.dense.get(iid as usize) {
            Some(Some(entry)) if usize::try_from(iid).is_ok() => Some(*entry),
            _ => self.sparse.get(&iid).copied(),
        }
    }

    fn insert(&mut self, iid: u64, entry: Entry) {
        // Memory grows with what is defined, not with how high a number is.
        if iid > 2 * self.dense.len() as u64 + 16 {
            self.sparse.insert(iid, entry);
            return;
        }
        let index = iid as usize;
        if index >= self.dense.len() {
            self.dense.resize(index + 1, None);
        }
        self.dense[index] = Some(entry);
    }
}

type References = &'static [(u32, u32)];

/// Which fields of an entry are numbers, and of which other field of `InternedData`.
fn refers_to(field: u32) -> Option<(&'static schema::Schema, References)> {
    match field {
        InternedData::FRAMES_FIELD_NUMBER => Some((
            &schema::FRAME,
            &[
                (Frame::FUNCTION_NAME_ID_FIELD_NUMBER, InternedData::FUNCTION_NAMES_FIELD_NUMBER),
                (Frame::MAPPING_ID_FIELD_NUMBER, InternedData::MAPPINGS_FIELD_NUMBER),
                (Frame::SOURCE_PATH_IID_FIELD_NUMBER, InternedData::SOURCE_PATHS_FIELD_NUMBER),
            ],
        )),
        InternedData::CALLSTACKS_FIELD_NUMBER => {
            Some((&schema::CALLSTACK, &[(Callstack::FRAME_IDS_FIELD_NUMBER, InternedData::FRAMES_FIELD_NUMBER)]))
        }
        InternedData::MAPPINGS_FIELD_NUMBER => Some((
            &schema::MAPPING,
            &[
                (Mapping::BUILD_ID_FIELD_NUMBER, InternedData::BUILD_IDS_FIELD_NUMBER),
                (Mapping::PATH_STRING_IDS_FIELD_NUMBER, InternedData::MAPPING_PATHS_FIELD_NUMBER),
            ],
        )),
        InternedData::UNSYMBOLIZED_SOURCE_LOCATIONS_FIELD_NUMBER => Some((
            &schema::UNSYMBOLIZED_SOURCE_LOCATION,
            &[(UnsymbolizedSourceLocation::MAPPING_ID_FIELD_NUMBER, InternedData::MAPPINGS_FIELD_NUMBER)],
        )),
        _ => None,
    }
}

/// Whether who refers to the number 0 of a field of `InternedData` refers to nothing.
fn is_none_at_0(field: u32) -> bool {
    matches!(field, InternedData::EVENT_NAMES_FIELD_NUMBER | InternedData::DEBUG_ANNOTATION_NAMES_FIELD_NUMBER)
}

/// Whether an entry of a field of `InternedData` is of no use without a text.
fn needs_text(field: u32) -> bool {
    matches!(
        field,
        InternedData::EVENT_CATEGORIES_FIELD_NUMBER
            | InternedData::EVENT_NAMES_FIELD_NUMBER
            | InternedData::DEBUG_ANNOTATION_NAMES_FIELD_NUMBER
            | InternedData::DEBUG_ANNOTATION_VALUE_TYPE_NAMES_FIELD_NUMBER
            | InternedData::LOG_MESSAGE_BODY_FIELD_NUMBER
    )
}

/// What a field of `InternedData` is called.
fn field_name(field: u32) -> &'static str {
    match field {
        InternedData::EVENT_CATEGORIES_FIELD_NUMBER => "event_categories",
        InternedData::EVENT_NAMES_FIELD_NUMBER => "event_names",
        InternedData::DEBUG_ANNOTATION_NAMES_FIELD_NUMBER => "debug_annotation_names",
        InternedData::DEBUG_ANNOTATION_VALUE_TYPE_NAMES_FIELD_NUMBER => "debug_annotation_value_type_names",
        InternedData::DEBUG_ANNOTATION_STRING_VALUES_FIELD_NUMBER => "debug_annotation_string_values",
        InternedData::CORRELATION_ID_STR_FIELD_NUMBER => "correlation_id_str",
        InternedData::BUILD_IDS_FIELD_NUMBER => "build_ids",
        InternedData::MAPPING_PATHS_FIELD_NUMBER => "mapping_paths",
        InternedData::SOURCE_PATHS_FIELD_NUMBER => "source_paths",
        InternedData::FUNCTION_NAMES_FIELD_NUMBER => "function_names",
        InternedData::MAPPINGS_FIELD_NUMBER => "mappings",
        InternedData::FRAMES_FIELD_NUMBER => "frames",
        InternedData::CALLSTACKS_FIELD_NUMBER => "callstacks",
        InternedData::SOURCE_LOCATIONS_FIELD_NUMBER => "source_locations",
        InternedData::UNSYMBOLIZED_SOURCE_LOCATIONS_FIELD_NUMBER => "unsymbolized_source_locations",
        InternedData::LOG_MESSAGE_BODY_FIELD_NUMBER => "log_message_body",
        InternedData::STACK_SAMPLE_TASK_CONTEXTS_FIELD_NUMBER => "stack_sample_task_contexts",
        InternedData::STACK_SAMPLE_EXECUTION_CONTEXTS_FIELD_NUMBER => "stack_sample_execution_contexts",
        InternedData::STACK_SAMPLE_COUNTER_DESCRIPTORS_FIELD_NUMBER => "stack_sample_counter_descriptors",
        _ => "interned data",
    }
}

/// The numbers of a field that is either single or, where the schema says so, packed.
pub(super) fn numbers(value: Value<'_>) -> impl Iterator<Item = u64> {
    let (one, many): (Option<u64>, &[u8]) = match value {
        Value::Varint(one) => (Some(one), &[]),
        Value::Bytes(many) => (None, many),
        _ => (None, &[]),
    };
    one.into_iter().chain(packed(many))
}
