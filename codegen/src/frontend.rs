//! From .proto files to descriptors, with places and comments.
//!
//! This is the one door to what stands behind it. The text is read twice: by our own parser, which knows where everything
//! stands and what was said about it, and refuses what is not legal; and by `protobuf-parse`, which makes the descriptors.
//! What `protobuf-parse` cannot read, though it is legal, is [described](describe) from our own parser's declarations.

mod agree;
mod beyond;
mod describe;
pub(crate) mod descriptor_set;
mod places;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use protobuf::descriptor::FileDescriptorProto;

pub(crate) use self::places::Places;
use crate::check::{self, Note, Resolved};
use crate::error::Error;
use crate::load::{self, Sources};
use crate::observer::{Phase, Watch};

/// Files that are legal, and that the generator can write.
#[derive(Debug, Default)]
pub(crate) struct Described {
    /// Each after all that it imports.
    pub(crate) files: Vec<File>,
    pub(crate) places: Places,
    pub(crate) notes: Vec<Note>,
    /// The files that were read.
    pub(crate) paths: Vec<PathBuf>,
}

#[derive(Debug)]
pub(crate) struct File {
    /// With all types resolved: `.package.Message`.
    pub(crate) descriptor: FileDescriptorProto,
    /// Named by the caller.
    pub(crate) input: bool,
    /// An input, or publicly imported by one: all of it is generated. Of other files, what these need.
    pub(crate) wanted: bool,
}

/// Reads `inputs` and all they import, and checks them.
pub(crate) fn read(inputs: &[PathBuf], includes: &[PathBuf], watch: Watch<'_>) -> Result<Described, Error> {
    let sources = load::load(inputs, includes, watch)?;
    let checked = check::check(&sources, watch)?;
    let descriptors = watch.phase(Phase::Describe, "", || descriptors(&sources, &checked.resolved, includes));
    let files = sources.units.iter().zip(descriptors);
    let files = files.map(|(unit, descriptor)| File { descriptor, input: unit.input, wanted: unit.wanted });
    Ok(Described {
        files: files.collect(),
        places: Places::new(&sources.units),
        notes: checked.notes,
        paths: sources.paths,
    })
}

/// The descriptor of each unit.
fn descriptors(sources: &Sources, resolved: &Resolved, includes: &[PathBuf]) -> Vec<FileDescriptorProto> {
    let own = sources.units.iter().map(|unit| describe::file(unit, resolved));
    // What it takes exception to is legal, or we would not be here.
    let parsed = if beyond::protobuf_parse(&sources.units) { None } else { protobuf_parse(sources, includes) };
    let Some(parsed) = parsed else { return own.collect() };
    // It takes `010` for 10, and has its own idea of what is built in: where the two do not agree, ours is right.
    let choose = |(mut parsed, own): (FileDescriptorProto, FileDescriptorProto)| {
        if !agree::files(&parsed, &own) {
            return own;
        }
        agree::take_ranges(&mut parsed.message_type, &own.message_type);
        parsed
    };
    parsed.into_iter().zip(own).map(choose).collect()
}

/// The descriptor of each unit, from `protobuf-parse`, if it can read them all.
fn protobuf_parse(sources: &Sources, includes: &[PathBuf]) -> Option<Vec<FileDescriptorProto>> {
    let inputs = sources.units.iter().filter_map(|unit| unit.path.as_ref());
    let mut parser = protobuf_parse::Parser::new();
    parser.pure().includes(includes).inputs(inputs);
    // It has been seen to panic on files that import publicly.
    let parsed = catch_unwind(AssertUnwindSafe(|| parser.parse_and_typecheck())).ok()?.ok()?;
    let mut found: std::collections::HashMap<_, _> =
        parsed.file_descriptors.into_iter().map(|file| (file.name().to_owned(), file)).collect();
    sources.units.iter().map(|unit| found.remove(&unit.name)).collect()
}

#[cfg(test)]
mod tests;
