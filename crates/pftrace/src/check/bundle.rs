//! Packets that are compressed together.

use std::io;
#[cfg(feature = "zstd")]
use std::io::Read;
use std::vec::Vec;

use flate2::{Decompress, FlushDecompress, Status};

use super::finding::{Kind, Report};
use super::framing::PACKET_TAG;
use super::packet::State;
use super::wire::{Field, Fields, Value};

/// More is not decompressed of one bundle. The service writes half a MiB at most.
const MAX_BUNDLE_LEN: u64 = 64 << 20;

/// So much is decompressed at a time.
const PIECE_LEN: usize = 1 << 16;

/// What packets are compressed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    Zlib,
    Zstd,
}

impl Codec {
    fn name(self) -> &'static str {
        match self {
            Self::Zlib => "zlib",
            Self::Zstd => "zstd",
        }
    }

    /// Decompresses into `packets`, which keep what comes before an error; one byte more than may be, if there is more. Returns how many
    /// bytes lie behind.
    fn decompress(self, bundle: &[u8], packets: &mut Vec<u8>) -> io::Result<usize> {
        match self {
            Self::Zlib => inflate(bundle, packets),
            #[cfg(feature = "zstd")]
            Self::Zstd => {
                let mut rest = bundle;
                let wrong = |error| io::Error::new(io::ErrorKind::InvalidData, std::format!("{error}"));
                let decoder = ruzstd::decoding::StreamingDecoder::new(&mut rest).map_err(wrong)?;
                decoder.take(MAX_BUNDLE_LEN + 1).read_to_end(packets)?;
                Ok(rest.len())
            }
            #[cfg(not(feature = "zstd"))]
            Self::Zstd => Ok(0),
        }
    }
}

/// By hand: some versions of flate2's reader take a stream that is cut for one that has come to its end.
fn inflate(bundle: &[u8], packets: &mut Vec<u8>) -> io::Result<usize> {
    let mut stream = Decompress::new(true);
    while packets.len() as u64 <= MAX_BUNDLE_LEN {
        packets.reserve(PIECE_LEN);
        let rest = &bundle[stream.total_in() as usize..];
        let before = (rest.len(), packets.len());
        let status = stream.decompress_vec(rest, packets, FlushDecompress::None);
        let rest = bundle.len() - stream.total_in() as usize;
        match status.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))? {
            Status::StreamEnd => return Ok(rest),
            _ if (rest, packets.len()) == before => {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the end of the field before that of the stream",
                ));
            }
            _ => {}
        }
    }
    Ok(0)
}

impl State {
    #[cold]
    pub(super) fn bundle(&mut self, codec: Codec, bundle: &[u8], in_bundle: bool, report: &mut Report<'_>) {
        if codec == Codec::Zstd && !cfg!(feature = "zstd") {
            report.say(
                Kind::NotRead,
                format_args!(
                    "packets compressed with zstd (field 133) are not read, nor what depends on them: the feature `zstd` is off"
                ),
            );
            return report.doubt();
        }
        let place = report.place;
        let wrong = |report: &mut Report<'_>, message: core::fmt::Arguments<'_>| {
            report.say_at(place, Kind::Bundle, message);
            report.doubt();
        };
        if in_bundle {
            return wrong(report, format_args!("expected packets among compressed ones, found compressed ones again"));
        }
        let name = codec.name();
        let first = *self.codec.get_or_insert(codec);
        if first != codec {
            let first = first.name();
            report.say(Kind::Bundle, format_args!("expected packets compressed by {first} as before, found {name}"));
        }
        let mut packets = Vec::new();
        let decompressed = codec.decompress(bundle, &mut packets);
        let is_cut = decompressed.is_err() || packets.len() as u64 > MAX_BUNDLE_LEN;
        match decompressed {
            Err(error) => wrong(
                report,
                format_args!("expected packets compressed by {name}, found: {error}; what comes before is read"),
            ),
            Ok(_) if packets.len() as u64 > MAX_BUNDLE_LEN => wrong(
                report,
                format_args!(
                    "expected at most {MAX_BUNDLE_LEN} bytes of compressed packets, found more; what comes before is read"
                ),
            ),
            Ok(0) => {}
            Ok(behind) => report.say(
                Kind::Bundle,
                format_args!(
                    "expected the compressed packets to come to the field's end, found {behind} bytes behind them"
                ),
            ),
        }
        let mut fields = Fields::new(&packets);
        let mut begin = 0;
        while let Some(field) = fields.next() {
            // Unlike outside, in one byte.
            if packets[begin] != PACKET_TAG && matches!(field, Ok(Field { number: 1, value: Value::Bytes(_) })) {
                let found = packets[begin];
                return wrong(
                    report,
                    format_args!("expected compressed packets to begin with {PACKET_TAG:#04x}, found {found:#04x}"),
                );
            }
            begin = fields.position();
            match field {
                Ok(Field { number: 1, value: Value::Bytes(body) }) => {
                    report.place.packet += 1;
                    (report.place.sequence, report.place.machine) = (0, 0);
                    self.read(body, true, report);
                }
                Ok(Field { number, .. }) => {
                    wrong(report, format_args!("expected compressed packets (field 1), found field {number}"));
                }
                // That is told.
                Err(_) if is_cut => {}
                Err(error) => {
                    wrong(report, format_args!("expected whole packets to the end of the compressed ones: {error}"))
                }
            }
        }
    }
}
