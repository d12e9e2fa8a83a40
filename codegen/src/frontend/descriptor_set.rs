//! Descriptor sets: what protoc, buf and other compilers make of .proto files.
//!
//! `protoc --include_imports --include_source_info --descriptor_set_out=FILE`, `buf build -o FILE`.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use protobuf::Message;
use protobuf::descriptor::field_descriptor_proto::Type;
use protobuf::descriptor::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet,
};

use super::{Described, File};
use crate::check::bad_number;
use crate::error::{Error, Origin};
use crate::load;
use crate::observer::{Counter, Phase, Watch};
use crate::parse::{MAX_DEPTH, MAX_NAME_LEN};
use crate::resolve::join;

/// Reads the descriptor set at `path`. Of its files, `inputs` are generated; all, if there are none.
pub(crate) fn read(path: &Path, inputs: &[String], watch: Watch<'_>) -> Result<Described, Error> {
    let name = path.display().to_string();
    let bytes = watch.phase(Phase::Read, &name, || load::read_file(path));
    let bytes = bytes.map_err(|source| Error::Read { path: path.to_owned(), source })?;
    watch.count(Counter::Files, 1);
    watch.count(Counter::InputBytes, bytes.len());
    let set = watch.phase(Phase::Parse, &name, || FileDescriptorSet::parse_from_bytes(&bytes));
    let set = set.map_err(|error| broken(path, format!("expected a serialized FileDescriptorSet: {error}")))?;
    let files = in_order(path, set.file)?;
    watch.phase(Phase::Check, &name, || Checker::default().files(&files))?;
    let mut described = Described { paths: vec![path.to_owned()], ..Described::default() };
    for input in inputs {
        if !files.iter().any(|file| file.name() == input) {
            return Err(broken(path, format!("expected the file `{input}` in it, found none of that name")));
        }
    }
    for descriptor in files {
        described.places.take_up(&descriptor);
        let input = inputs.is_empty() || inputs.iter().any(|input| input == descriptor.name());
        described.files.push(File { wanted: input, input, descriptor });
    }
    // A file's importers come behind it.
    for index in (0..described.files.len()).rev() {
        if described.files[index].wanted {
            want_public_imports(&mut described.files, index);
        }
    }
    Ok(described)
}

fn want_public_imports(files: &mut [File], index: usize) {
    let descriptor = &files[index].descriptor;
    let public =
        descriptor.public_dependency.iter().filter_map(|&i| descriptor.dependency.get(usize::try_from(i).ok()?));
    let public: HashSet<_> = public.cloned().collect();
    for file in files.iter_mut().filter(|file| public.contains(file.descriptor.name())) {
        file.wanted = true;
    }
}

fn broken(path: &Path, message: String) -> Error {
    Error::DescriptorSet { path: path.to_owned(), message }
}

/// The files, each after all that it imports.
fn in_order(path: &Path, files: Vec<FileDescriptorProto>) -> Result<Vec<FileDescriptorProto>, Error> {
    let mut waiting: HashMap<String, FileDescriptorProto> = HashMap::new();
    let names: Vec<_> = files.iter().map(|file| file.name().to_owned()).collect();
    for file in files {
        if let Some(first) = waiting.insert(file.name().to_owned(), file) {
            return Err(broken(path, format!("expected each file once, found `{}` twice", first.name())));
        }
    }
    let mut sorted = Vec::new();
    for name in names {
        let mut open: Vec<String> = vec![name];
        while let Some(top) = open.last().cloned() {
            let Some(file) = waiting.get(&top) else {
                open.pop();
                continue;
            };
            // Imports that are not there are found out where a type is missed: an option's may be left out.
            let next = file.dependency.iter().find(|name| waiting.contains_key(*name));
            match next {
                Some(next) if open.contains(next) => {
                    open.push(next.clone());
                    return Err(broken(path, format!("files import each other in a circle: {}", open.join(", "))));
                }
                Some(next) => open.push(next.clone()),
                None => {
                    sorted.extend(waiting.remove(&top));
                    open.pop();
                }
            }
        }
    }
    Ok(sorted)
}

/// The rules without which what is generated would not be Rust, or would write what nobody reads.
#[derive(Default)]
struct Checker {
    /// All full names, with a leading dot; of types, which.
    names: HashMap<String, Option<Type>>,
    extension_numbers: HashSet<(String, i32)>,
    file: String,
}

impl Checker {
    fn files(&mut self, files: &[FileDescriptorProto]) -> Result<(), Error> {
        for file in files {
            self.file = file.name().to_owned();
            if !file.package().is_empty() {
                file.package().split('.').try_for_each(|part| self.identifier("", part))?;
            }
            if file.package().split('.').count() > MAX_DEPTH {
                return Err(self.invalid(file.package(), format!("expected at most {MAX_DEPTH} parts, found more")));
            }
            self.declare_all(file.package(), &file.message_type, &file.enum_type, &file.extension, 0)?;
        }
        for file in files {
            self.file = file.name().to_owned();
            self.extensions(file.package(), &file.extension)?;
            file.message_type.iter().try_for_each(|message| self.message(file.package(), message))?;
        }
        Ok(())
    }

    fn declare_all(
        &mut self,
        scope: &str,
        messages: &[DescriptorProto],
        enums: &[EnumDescriptorProto],
        extensions: &[FieldDescriptorProto],
        depth: usize,
    ) -> Result<(), Error> {
        if depth > MAX_DEPTH {
            return Err(self.invalid(scope, format!("expected at most {MAX_DEPTH} nested messages, found more")));
        }
        for message in messages {
            self.declare(scope, message.name(), Some(Type::TYPE_MESSAGE))?;
            let inner = join(scope, message.name());
            message.field.iter().try_for_each(|field| self.declare(&inner, field.name(), None))?;
            message.oneof_decl.iter().try_for_each(|oneof| self.declare(&inner, oneof.name(), None))?;
            self.declare_all(&inner, &message.nested_type, &message.enum_type, &message.extension, depth + 1)?;
        }
        for enumeration in enums {
            self.declare(scope, enumeration.name(), Some(Type::TYPE_ENUM))?;
            // Values are siblings of their enum.
            enumeration.value.iter().try_for_each(|value| self.declare(scope, value.name(), None))?;
            if enumeration.value.is_empty() {
                let name = join(scope, enumeration.name());
                return Err(self.invalid(&name, "expected at least one value, found none".to_owned()));
            }
        }
        extensions.iter().try_for_each(|extension| self.declare(scope, extension.name(), None))
    }

    fn declare(&mut self, scope: &str, name: &str, ty: Option<Type>) -> Result<(), Error> {
        self.identifier(scope, name)?;
        let full_name = join(scope, name);
        match self.names.insert(format!(".{full_name}"), ty) {
            None => Ok(()),
            Some(_) => Err(self.invalid(&full_name, "is already declared".to_owned())),
        }
    }

    fn identifier(&self, scope: &str, name: &str) -> Result<(), Error> {
        let mut bytes = name.bytes();
        let first = bytes.next().is_some_and(|c| c.is_ascii_alphabetic() || c == b'_');
        if first && bytes.all(|c| c.is_ascii_alphanumeric() || c == b'_') && name.len() <= MAX_NAME_LEN {
            return Ok(());
        }
        Err(self.invalid(scope, format!("expected a name of letters, digits and `_`, found {name:?}")))
    }

    fn message(&mut self, scope: &str, message: &DescriptorProto) -> Result<(), Error> {
        let full_name = join(scope, message.name());
        let mut numbers = HashSet::new();
        for field in &message.field {
            self.field(&full_name, field)?;
            let in_oneofs = field
                .oneof_index
                .is_none_or(|index| usize::try_from(index).is_ok_and(|index| index < message.oneof_decl.len()));
            if !numbers.insert(field.number()) || !in_oneofs {
                let text = "expected a number of its own, and a oneof of its message";
                return Err(self.invalid(&join(&full_name, field.name()), text.to_owned()));
            }
        }
        self.extensions(&full_name, &message.extension)?;
        message.nested_type.iter().try_for_each(|nested| self.message(&full_name, nested))
    }

    fn extensions(&mut self, scope: &str, extensions: &[FieldDescriptorProto]) -> Result<(), Error> {
        for extension in extensions {
            self.field(scope, extension)?;
            let extendee = extension.extendee().to_owned();
            let is_message = matches!(self.names.get(&extendee), Some(Some(Type::TYPE_MESSAGE)));
            if !is_message || !self.extension_numbers.insert((extendee.clone(), extension.number())) {
                let text = format!("expected a message `{extendee}` in the set, and a number of its own in it");
                return Err(self.invalid(&join(scope, extension.name()), text));
            }
        }
        Ok(())
    }

    fn field(&self, scope: &str, field: &FieldDescriptorProto) -> Result<(), Error> {
        let invalid = |text| Err(self.invalid(&join(scope, field.name()), text));
        // Of a message set's extensions the numbers go further; they are no tags.
        let limit = |number: u64| if field.has_extendee() { number.min(1 << 28) } else { number };
        if let Some(text) = bad_number(u64::try_from(field.number()).map_or(0, limit)) {
            return invalid(text);
        }
        let Some(ty) = field.type_.and_then(|ty| ty.enum_value().ok()) else {
            return invalid("expected one of the types of descriptor.proto, found none".to_owned());
        };
        let expected = match ty {
            Type::TYPE_MESSAGE | Type::TYPE_GROUP => Type::TYPE_MESSAGE,
            Type::TYPE_ENUM => Type::TYPE_ENUM,
            _ => return Ok(()),
        };
        match self.names.get(field.type_name()) {
            Some(Some(found)) if *found == expected => Ok(()),
            _ => invalid(format!("type `{}` is not found in the set", field.type_name())),
        }
    }

    fn invalid(&self, name: &str, message: String) -> Error {
        Error::invalid(Origin { file: self.file.clone(), line: 0, name: name.to_owned() }, message)
    }
}
