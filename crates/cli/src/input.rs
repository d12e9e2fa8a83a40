//! Opens what is to be read: a file or the standard input, decompressed if need be, with a progress bar.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pftrace::check::{Finding, Summary, check_reader};

use crate::Input;

/// Why nothing can be said.
#[derive(Debug)]
pub(crate) struct Unreadable(pub(crate) String);

/// What the input is called in messages.
pub(crate) fn name(file: &Path) -> String {
    if is_stdin(file) { "standard input".to_owned() } else { file.display().to_string() }
}

/// Reads all of it through the checker.
pub(crate) fn read(input: &Input, found: impl FnMut(Finding)) -> Result<Summary, Unreadable> {
    let name = name(&input.file);
    let unreadable = |error: io::Error| Unreadable(format!("cannot read {name}: {error}"));
    let (source, len) = open(&input.file).map_err(unreadable)?;
    let bar = progress(len, input.no_progress);
    let mut source = BufReader::with_capacity(BUFFER_LEN, bar.wrap_read(source));
    let is_gzip = source.fill_buf().map_err(unreadable)?.starts_with(&GZIP);
    let summary = if is_gzip {
        let mut plain = BufReader::with_capacity(BUFFER_LEN, MultiGzDecoder::new(source));
        looks_like_a_trace(&mut plain, &name)?;
        check_reader(plain, found)
    } else {
        looks_like_a_trace(&mut source, &name)?;
        check_reader(source, found)
    };
    bar.finish_and_clear();
    summary.map_err(unreadable)
}

const BUFFER_LEN: usize = 1 << 18;
const GZIP: [u8; 2] = [0x1f, 0x8b];

fn is_stdin(file: &Path) -> bool {
    file.as_os_str() == "-"
}

fn open(file: &Path) -> io::Result<(Box<dyn Read>, Option<u64>)> {
    if is_stdin(file) {
        return Ok((Box::new(io::stdin()), None));
    }
    let opened = File::open(file)?;
    let metadata = opened.metadata()?;
    Ok((Box::new(opened), metadata.is_file().then_some(metadata.len())))
}

/// That a file begins as one: a trace has no other mark.
fn looks_like_a_trace(source: &mut impl BufRead, name: &str) -> Result<(), Unreadable> {
    let begin = source.fill_buf().map_err(|error| Unreadable(format!("cannot read {name}: {error}")))?;
    match begin.first() {
        Some(0x0a) => Ok(()),
        Some(b'{' | b'[') => Err(Unreadable(format!(
            "{name} is not a Perfetto trace of packets: it begins like JSON, perhaps a JSON trace"
        ))),
        Some(byte) => Err(Unreadable(format!(
            "{name} is not a Perfetto trace: expected 0x0a as its first byte, found {byte:#04x}"
        ))),
        None => Err(Unreadable(format!("{name} is empty"))),
    }
}

fn progress(len: Option<u64>, is_off: bool) -> ProgressBar {
    if is_off || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let (bar, template) = match len {
        Some(len) => (ProgressBar::new(len), "{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left"),
        None => (ProgressBar::no_length(), "{spinner} {bytes}, {bytes_per_sec}"),
    };
    bar.set_draw_target(ProgressDrawTarget::stderr());
    // Only a mistake in the template is an error, and it is always the same.
    ProgressStyle::with_template(template).map_or(bar.clone(), |style| bar.with_style(style))
}
