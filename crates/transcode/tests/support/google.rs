//! Google's own protobuf runtimes: the reference encoder, and two of the decoders.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use pftrace_testkit::tools;

/// A message of a type, encoded.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// Which of the runtimes behind the Python package.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Runtime {
    /// Writes extensions among the other fields by number, as C++ and Java do. In Python.
    Plain,
    /// Writes extensions behind the other fields. In C.
    Upb,
}

/// What the runtime makes of each: encoded again, or its complaint. `None` where it is not installed.
pub(crate) fn reserialize<'a>(
    runtime: Runtime,
    descriptor_set: &Path,
    samples: impl IntoIterator<Item = (&'a str, &'a [u8])>,
) -> Option<Vec<Result<Vec<u8>, String>>> {
    let packages = tools::require("python")?;
    let mut input = Vec::new();
    let mut count = 0;
    for (name, bytes) in samples {
        count += 1;
        for piece in [name.as_bytes(), bytes] {
            input.extend((piece.len() as u32).to_le_bytes());
            input.extend(piece);
        }
    }
    let name = match runtime {
        Runtime::Plain => "python",
        Runtime::Upb => "upb",
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/reserialize.py");
    let mut command = Command::new("python3");
    command.arg(script).arg(descriptor_set).env("PYTHONPATH", packages);
    command.env("PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION", name).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let mut output = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut output).unwrap();
    assert!(child.wait().unwrap().success(), "{name}");
    writer.join().unwrap().unwrap();
    let mut rest = &output[..];
    let replies: Vec<_> = std::iter::from_fn(|| reply(&mut rest)).collect();
    assert_eq!(replies.len(), count, "{name}");
    Some(replies)
}

fn reply(rest: &mut &[u8]) -> Option<Result<Vec<u8>, String>> {
    let ok = number(rest)?;
    let len = number(rest)? as usize;
    let (content, after) = rest.split_at_checked(len)?;
    *rest = after;
    Some(if ok == 1 { Ok(content.to_vec()) } else { Err(String::from_utf8_lossy(content).into_owned()) })
}

fn number(rest: &mut &[u8]) -> Option<u32> {
    let (bytes, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(u32::from_le_bytes(*bytes))
}
