//! The rules without which what is generated from a descriptor set would not be Rust, or would write what nobody reads.
//!
//! A compiler of .proto files keeps them all; a set may come from anywhere.

use std::collections::{HashMap, HashSet};

use protobuf::descriptor::field_descriptor_proto::{Label, Type};
use protobuf::descriptor::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto};

use crate::check::bad_number;
use crate::error::{Error, Origin};
use crate::parse::{MAX_DEPTH, MAX_NAME_LEN};
use crate::resolve::join;

/// Checks all files of a set.
pub(super) fn check(files: &[FileDescriptorProto]) -> Result<(), Error> {
    let mut checker = Checker::default();
    for file in files {
        checker.file = file.name().to_owned();
        checker.head(file)?;
        checker.declare_all(file.package(), &file.message_type, &file.enum_type, &file.extension, 0)?;
    }
    for file in files {
        checker.file = file.name().to_owned();
        checker.extensions(file.package(), &file.extension)?;
        file.message_type.iter().try_for_each(|message| checker.message(file.package(), message))?;
    }
    Ok(())
}

#[derive(Default)]
struct Checker<'a> {
    /// All full names, with a leading dot.
    names: HashMap<String, Declared<'a>>,
    /// Of each message that has some, with a leading dot: from, to but not including; in order.
    extension_ranges: HashMap<String, Vec<(i32, i32)>>,
    extension_numbers: HashSet<(String, i32)>,
    file: String,
}

#[derive(Clone, Copy)]
enum Declared<'a> {
    Message(&'a DescriptorProto),
    Enum,
    Other,
}

/// All names.
impl<'a> Checker<'a> {
    fn head(&self, file: &FileDescriptorProto) -> Result<(), Error> {
        if !matches!(file.syntax(), "" | "proto2" | "proto3" | "editions") {
            let text = format!("expected proto2, proto3 or editions, found {:?}", file.syntax());
            return Err(self.invalid("syntax", text));
        }
        if file.package().is_empty() {
            return Ok(());
        }
        if file.package().split('.').count() > MAX_DEPTH {
            return Err(self.invalid("package", format!("expected at most {MAX_DEPTH} parts, found more")));
        }
        file.package().split('.').try_for_each(|part| self.identifier("package", part))
    }

    fn declare_all(
        &mut self,
        scope: &str,
        messages: &'a [DescriptorProto],
        enums: &'a [EnumDescriptorProto],
        extensions: &'a [FieldDescriptorProto],
        depth: usize,
    ) -> Result<(), Error> {
        if depth > MAX_DEPTH {
            return Err(self.invalid(scope, format!("expected at most {MAX_DEPTH} nested messages, found more")));
        }
        for message in messages {
            self.declare(scope, message.name(), Declared::Message(message))?;
            let inner = join(scope, message.name());
            self.take_extension_ranges(&inner, message)?;
            message.field.iter().try_for_each(|field| self.declare(&inner, field.name(), Declared::Other))?;
            message.oneof_decl.iter().try_for_each(|oneof| self.declare(&inner, oneof.name(), Declared::Other))?;
            self.declare_all(&inner, &message.nested_type, &message.enum_type, &message.extension, depth + 1)?;
        }
        for enumeration in enums {
            self.declare(scope, enumeration.name(), Declared::Enum)?;
            // Values are siblings of their enum.
            enumeration.value.iter().try_for_each(|value| self.declare(scope, value.name(), Declared::Other))?;
            if enumeration.value.is_empty() {
                let name = join(scope, enumeration.name());
                return Err(self.invalid(&name, "expected at least one value, found none"));
            }
        }
        extensions.iter().try_for_each(|extension| self.declare(scope, extension.name(), Declared::Other))
    }

    fn declare(&mut self, scope: &str, name: &str, what: Declared<'a>) -> Result<(), Error> {
        self.identifier(scope, name)?;
        let full_name = join(scope, name);
        match self.names.insert(format!(".{full_name}"), what) {
            None => Ok(()),
            Some(_) => Err(self.invalid(&full_name, "is already declared")),
        }
    }

    fn identifier(&self, scope: &str, name: &str) -> Result<(), Error> {
        let mut bytes = name.bytes();
        let first = bytes.next().is_some_and(|c| c.is_ascii_alphabetic() || c == b'_');
        if name.len() > MAX_NAME_LEN {
            return Err(
                self.invalid(scope, format!("expected names of at most {MAX_NAME_LEN} bytes, found a longer one"))
            );
        }
        if first && bytes.all(|c| c.is_ascii_alphanumeric() || c == b'_') {
            return Ok(());
        }
        Err(self.invalid(scope, format!("expected a name of letters, digits and `_`, found {name:?}")))
    }

    fn take_extension_ranges(&mut self, full_name: &str, message: &DescriptorProto) -> Result<(), Error> {
        let mut ranges: Vec<_> = message.extension_range.iter().map(|range| (range.start(), range.end())).collect();
        ranges.sort_unstable();
        let max = max_number(message);
        if ranges.iter().any(|&(from, to)| from < 1 || to <= from || to - 1 > max) {
            return Err(self.invalid(full_name, format!("expected ranges for extensions within 1 to {max}")));
        }
        if ranges.windows(2).any(|pair| pair[1].0 < pair[0].1) {
            return Err(self.invalid(full_name, "expected ranges for extensions that do not overlap"));
        }
        if message.options.message_set_wire_format() && (ranges.is_empty() || !message.field.is_empty()) {
            return Err(self.invalid(full_name, "expected a message set to have extensions and no fields"));
        }
        if !ranges.is_empty() {
            self.extension_ranges.insert(format!(".{full_name}"), ranges);
        }
        Ok(())
    }

    fn invalid(&self, name: &str, message: impl Into<String>) -> Error {
        let name = if name.is_empty() { "the file" } else { name };
        Error::invalid(Origin { file: self.file.clone(), line: 0, name: name.to_owned() }, message)
    }
}

/// What has names of its own in it.
impl Checker<'_> {
    fn message(&mut self, scope: &str, message: &DescriptorProto) -> Result<(), Error> {
        let full_name = join(scope, message.name());
        let mut numbers = HashMap::new();
        for field in &message.field {
            let invalid = |text| Err(self.invalid(&join(&full_name, field.name()), text));
            if let Some(text) = bad_number(u64::try_from(field.number()).unwrap_or(0)) {
                return invalid(text);
            }
            if let Some(first) = numbers.insert(field.number(), field.name()) {
                return invalid(format!("field number {} is already used by `{first}`", field.number()));
            }
            if self.is_for_extensions(&format!(".{full_name}"), field.number()) {
                return invalid(format!("field number {} is in a range for extensions", field.number()));
            }
            self.field(&full_name, field)?;
        }
        self.oneofs(&full_name, message)?;
        if message.options.map_entry() {
            self.map_entry(&full_name, message)?;
        }
        self.extensions(&full_name, &message.extension)?;
        message.nested_type.iter().try_for_each(|nested| self.message(&full_name, nested))
    }

    fn field(&self, scope: &str, field: &FieldDescriptorProto) -> Result<(), Error> {
        let invalid = |text| Err(self.invalid(&join(scope, field.name()), text));
        let ty = field.type_.and_then(|ty| ty.enum_value().ok());
        let found = self.names.get(field.type_name());
        match (ty, found) {
            (None, _) => return invalid("expected one of the types of descriptor.proto, found none".to_owned()),
            (Some(Type::TYPE_MESSAGE), Some(Declared::Message(entry))) if entry.options.map_entry() => {
                if field.label() != Label::LABEL_REPEATED || field.has_oneof_index() || field.has_extendee() {
                    return invalid("expected a map to be a repeated field, and no extension".to_owned());
                }
            }
            (Some(Type::TYPE_GROUP), Some(Declared::Message(entry))) if entry.options.map_entry() => {
                return invalid("a group cannot be a map".to_owned());
            }
            (Some(Type::TYPE_MESSAGE | Type::TYPE_GROUP), Some(Declared::Message(_))) => {}
            (Some(Type::TYPE_ENUM), Some(Declared::Enum)) => {}
            (Some(Type::TYPE_MESSAGE | Type::TYPE_GROUP | Type::TYPE_ENUM), _) => {
                return invalid(format!("type `{}` is not found in the set", field.type_name()));
            }
            (Some(_), _) => {}
        }
        Ok(())
    }

    /// Those that `optional` of proto3 makes up come behind those that are declared.
    fn oneofs(&self, full_name: &str, message: &DescriptorProto) -> Result<(), Error> {
        let mut members = vec![(0, false); message.oneof_decl.len()];
        for field in message.field.iter().filter(|field| field.has_oneof_index()) {
            let invalid = |text| Err(self.invalid(&join(full_name, field.name()), text));
            let Some((count, made_up)) = usize::try_from(field.oneof_index()).ok().and_then(|i| members.get_mut(i))
            else {
                return invalid("expected a oneof of its message");
            };
            if field.label() != Label::LABEL_OPTIONAL {
                return invalid("expected a field of a oneof to be neither repeated nor required");
            }
            *count += 1;
            *made_up |= field.proto3_optional();
        }
        let mut behind_made_up = false;
        for (oneof, (count, made_up)) in message.oneof_decl.iter().zip(members) {
            let invalid = |text| Err(self.invalid(&join(full_name, oneof.name()), text));
            if count == 0 {
                return invalid("expected at least one field in the oneof, found none");
            }
            if made_up && count > 1 || behind_made_up && !made_up {
                return invalid("expected a oneof of one `optional` field, behind those that are declared");
            }
            behind_made_up = made_up;
        }
        Ok(())
    }

    fn map_entry(&self, full_name: &str, entry: &DescriptorProto) -> Result<(), Error> {
        let expected = |field: Option<&FieldDescriptorProto>, name, number| {
            field.is_some_and(|field| {
                (field.name(), field.number(), field.label()) == (name, number, Label::LABEL_OPTIONAL)
            })
        };
        let whole = expected(entry.field.first(), "key", 1)
            && expected(entry.field.get(1), "value", 2)
            && entry.field.len() == 2
            && entry.oneof_decl.is_empty()
            && (entry.nested_type.is_empty() && entry.enum_type.is_empty() && entry.extension.is_empty())
            && entry.extension_range.is_empty();
        if !whole {
            return Err(self.invalid(full_name, "expected the entry of a map to be `key = 1` and `value = 2`"));
        }
        use Type::{TYPE_BYTES, TYPE_DOUBLE, TYPE_ENUM, TYPE_FLOAT, TYPE_GROUP, TYPE_MESSAGE};
        if matches!(
            entry.field[0].type_(),
            TYPE_DOUBLE | TYPE_FLOAT | TYPE_BYTES | TYPE_ENUM | TYPE_MESSAGE | TYPE_GROUP
        ) {
            return Err(self.invalid(full_name, "expected a map key that is an integer, bool or string"));
        }
        if entry.field[1].type_() == TYPE_GROUP {
            return Err(self.invalid(full_name, "a map's value cannot be a group"));
        }
        Ok(())
    }

    fn extensions(&mut self, scope: &str, extensions: &[FieldDescriptorProto]) -> Result<(), Error> {
        for extension in extensions {
            let full_name = join(scope, extension.name());
            let extendee = extension.extendee().to_owned();
            let Some(&Declared::Message(message)) = self.names.get(&extendee) else {
                return Err(self.invalid(&full_name, format!("expected a message to extend, found `{extendee}`")));
            };
            let number = extension.number();
            if !self.is_for_extensions(&extendee, number) {
                let text = format!("expected a number that `{extendee}` has for extensions, found {number}");
                return Err(self.invalid(&full_name, text));
            }
            let message_set = message.options.message_set_wire_format();
            // An item of a message set has its number within a varint, not in a tag.
            if let Some(text) = bad_number(u64::try_from(number).unwrap_or(0)).filter(|_| !message_set) {
                return Err(self.invalid(&full_name, text));
            }
            self.field(scope, extension)?;
            if extension.label() == Label::LABEL_REQUIRED || extension.has_oneof_index() {
                return Err(self.invalid(&full_name, "an extension can be neither required nor in a oneof"));
            }
            let optional_message =
                (extension.label(), extension.type_()) == (Label::LABEL_OPTIONAL, Type::TYPE_MESSAGE);
            if message_set && !optional_message {
                return Err(self.invalid(&full_name, "an extension of a message set is an optional message"));
            }
            if !self.extension_numbers.insert((extendee, number)) {
                return Err(self.invalid(&full_name, format!("number {number} is already used by another extension")));
            }
        }
        Ok(())
    }

    /// Whether a message, whose name has a leading dot, has `number` for extensions.
    fn is_for_extensions(&self, message: &str, number: i32) -> bool {
        let Some(ranges) = self.extension_ranges.get(message) else { return false };
        let behind = ranges.partition_point(|&(from, _)| from <= number);
        behind.checked_sub(1).is_some_and(|last| number < ranges[last].1)
    }
}

/// Of the extensions of `message`.
fn max_number(message: &DescriptorProto) -> i32 {
    if message.options.message_set_wire_format() { i32::MAX - 1 } else { (1 << 29) - 1 }
}
