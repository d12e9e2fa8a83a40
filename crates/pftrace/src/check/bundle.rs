//! Packets that are compressed together.

use std::io::{self, Read};
use std::vec::Vec;

use super::finding::{Kind, Report};
use super::packet::State;
use super::wire::{Field, Fields, Value};

/// More is not decompressed of one bundle. The service writes half a MiB at most.
const MAX_BUNDLE_LEN: u64 = 64 << 20;

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
            Self::Zlib => {
                let mut decoder = flate2::read::ZlibDecoder::new(bundle).take(MAX_BUNDLE_LEN + 1);
                decoder.read_to_end(packets)?;
                // It reads as much as it needs, of a slice.
                Ok(bundle.len() - decoder.into_inner().total_in() as usize)
            }
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
        match codec.decompress(bundle, &mut packets) {
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
        for field in Fields::new(&packets) {
            match field {
                Ok(Field { number: 1, value: Value::Bytes(body) }) => {
                    report.place.packet += 1;
                    (report.place.sequence, report.place.machine) = (0, 0);
                    self.read(body, true, report);
                }
                Ok(Field { number, .. }) => {
                    wrong(report, format_args!("expected compressed packets (field 1), found field {number}"));
                }
                Err(error) => {
                    wrong(report, format_args!("expected whole packets to the end of the compressed ones: {error}"))
                }
            }
        }
    }
}
