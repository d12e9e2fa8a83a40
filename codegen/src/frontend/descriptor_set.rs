//! Descriptor sets: what protoc, buf and other compilers make of .proto files.
//!
//! `protoc --include_imports --include_source_info --descriptor_set_out=FILE`, `buf build -o FILE`.

mod rules;

use std::collections::HashMap;
use std::path::Path;

use protobuf::descriptor::{FileDescriptorProto, FileDescriptorSet};
use protobuf::rt::WireType;
use protobuf::{CodedInputStream, Message};

use super::{Described, File};
use crate::error::{self, Error};
use crate::load;
use crate::observer::{Counter, Phase, Watch};

/// A set has all the files that its own import.
const MAX_SET_LEN: u64 = 64 << 20;

/// Reads the descriptor set at `path`. Of its files, `inputs` are generated; all, if there are none.
pub(crate) fn read(path: &Path, inputs: &[String], watch: Watch<'_>) -> Result<Described, Error> {
    let name = path.display().to_string();
    let bytes = watch.phase(Phase::Read, &name, || load::read_file(path, MAX_SET_LEN));
    let bytes = bytes.map_err(|source| Error::Read { path: path.to_owned(), source })?;
    watch.count(Counter::Files, 1);
    watch.count(Counter::InputBytes, bytes.len());
    let set = watch
        .phase(Phase::Parse, &name, || check_whole(&bytes).and_then(|()| FileDescriptorSet::parse_from_bytes(&bytes)));
    let set = set.map_err(|error| broken(path, format!("expected a serialized FileDescriptorSet: {error}")))?;
    drop(bytes);
    let files = in_order(path, set.file)?;
    watch.phase(Phase::Check, &name, || rules::check(&files))?;
    let mut described = Described { paths: vec![path.to_owned()], ..Described::default() };
    for descriptor in files {
        described.places.take_up(&descriptor);
        let wanted = inputs.is_empty();
        described.files.push(File { wanted, input: wanted, descriptor });
    }
    want(path, inputs, &mut described.files)?;
    Ok(described)
}

/// `protobuf` takes a file that ends too early for a whole one, where it happens to end behind one of its fields.
fn check_whole(bytes: &[u8]) -> protobuf::Result<()> {
    let mut input = CodedInputStream::from_bytes(bytes);
    while let Some(tag) = input.read_raw_tag_or_eof()? {
        // What is in the set besides files is no concern of ours.
        let Some(WireType::LengthDelimited) = WireType::new(tag & 7) else { return Ok(()) };
        let len = input.read_raw_varint32()?;
        input.skip_raw_bytes(len)?;
    }
    Ok(())
}

/// Marks the inputs, and what they import publicly.
fn want(path: &Path, inputs: &[String], files: &mut [File]) -> Result<(), Error> {
    let by_name: HashMap<_, _> = (0..).zip(&*files).map(|(i, file)| (file.descriptor.name().to_owned(), i)).collect();
    for input in inputs {
        let Some(&index) = by_name.get(input) else {
            return Err(broken(path, format!("expected the file `{input}` in it, found none of that name")));
        };
        let file: &mut File = &mut files[index];
        (file.input, file.wanted) = (true, true);
    }
    // A file's importers come behind it.
    for index in (0..files.len()).rev().filter(|_| !inputs.is_empty()) {
        if files[index].wanted {
            let public: Vec<_> =
                public_imports(&files[index].descriptor).filter_map(|name| by_name.get(name)).collect();
            public.into_iter().for_each(|&import| files[import].wanted = true);
        }
    }
    Ok(())
}

fn public_imports(file: &FileDescriptorProto) -> impl Iterator<Item = &String> {
    file.public_dependency.iter().filter_map(|&i| file.dependency.get(usize::try_from(i).ok()?))
}

fn broken(path: &Path, message: String) -> Error {
    Error::DescriptorSet { path: path.to_owned(), message }
}

/// The files, each after all that it imports.
fn in_order(path: &Path, files: Vec<FileDescriptorProto>) -> Result<Vec<FileDescriptorProto>, Error> {
    let mut by_name = HashMap::new();
    for (index, file) in files.iter().enumerate() {
        if file.name().is_empty() {
            return Err(broken(path, "expected each file to have a name, found one without".to_owned()));
        }
        if by_name.insert(file.name(), index).is_some() {
            return Err(broken(path, format!("expected each file once, found `{}` twice", file.name())));
        }
    }
    let mut order = Vec::new();
    let mut seen = vec![Seen::No; files.len()];
    for start in 0..files.len() {
        // Files whose imports are being followed, and how many of these have been.
        let mut open = vec![];
        if seen[start] == Seen::No {
            open.push((start, 0));
        }
        while let Some((index, followed)) = open.last_mut() {
            let index = *index;
            seen[index] = Seen::Open;
            let Some(import) = files[index].dependency.get(*followed) else {
                seen[index] = Seen::Done;
                order.push(index);
                open.pop();
                continue;
            };
            *followed += 1;
            // An import that is not there is found out where a type is missed: an option's may be left out.
            let Some(&import) = by_name.get(import.as_str()) else { continue };
            match seen[import] {
                Seen::No => open.push((import, 0)),
                Seen::Done => {}
                Seen::Open => {
                    let circle = open.iter().map(|(index, _)| *index).skip_while(|&index| index != import);
                    let circle: Vec<_> = circle.chain([import]).map(|index| files[index].name()).collect();
                    return Err(broken(
                        path,
                        format!("files import each other: {}", error::circle(circle.into_iter())),
                    ));
                }
            }
        }
    }
    let mut files: Vec<_> = files.into_iter().map(Some).collect();
    Ok(order.into_iter().filter_map(|index| files[index].take()).collect())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    No,
    Open,
    Done,
}
