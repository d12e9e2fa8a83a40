//! What the tracing service says of itself: its configuration, and what was lost on the way.

use core::fmt;
use std::vec::Vec;

use pftrace_protos::trace_stats::{BufferStats, FinalFlushOutcome};
use pftrace_protos::{SystemInfo, TraceStats};

use super::finding::{Kind, Place, Report};
use super::summary::Losses;
use super::wire::{Fields, Value};

/// Fields of messages that no producer writes.
pub(super) const TRACE_CONFIG: u32 = 33;
pub(super) const SERVICE_EVENT: u32 = 69;
pub(super) const REMOTE_CLOCK_SYNC: u32 = 107;
pub(super) const STREAMING_PROFILE: u32 = 54;
pub(super) const STREAMING_PROFILE_CALLSTACKS: u32 = 1;
pub(super) const PERF_SAMPLE: u32 = 66;
pub(super) const PERF_SAMPLE_CALLSTACK: u32 = 4;
pub(super) const SYNCED_CLOCKS: u32 = 1;
pub(super) const CLIENT_CLOCKS: u32 = 2;
pub(super) const HOST_CLOCKS: u32 = 3;
const BUFFERS: u32 = 1;
const FILL_POLICY: u32 = 4;
const DISCARD: u64 = 2;
const WRITE_INTO_FILE: u32 = 8;
const FILE_WRITE_PERIOD_MS: u32 = 9;
const FLUSH_PERIOD_MS: u32 = 13;

/// With a longer period, the buffer is meant to be overwritten.
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// From then on the service flushes whenever it writes into the file.
const FLUSHES_SINCE: u64 = 54;

/// What was last said.
#[derive(Debug, Default)]
pub(super) struct Service {
    config: Option<(Place, Config)>,
    version: Option<u64>,
    failures: Failures,
    overwritten: Option<(Place, Vec<u64>)>,
}

#[derive(Debug, Default)]
struct Config {
    discards: Vec<bool>,
    writes_into_file: bool,
    write_period_ms: u64,
    flush_period_ms: u64,
}

/// What went wrong beside packets that were lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Failures {
    patches: u64,
    abi_violations: u64,
    flushes: u64,
    final_flush: u64,
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { patches, abi_violations, flushes, final_flush } = self;
        let each = [
            ("patches of chunks", *patches),
            ("chunks that were no chunks", *abi_violations),
            ("flushes", *flushes),
            ("the last flush", *final_flush),
        ];
        let mut separator = "";
        for (what, count) in each.into_iter().filter(|(_, count)| *count > 0) {
            write!(f, "{separator}{what} ({count})")?;
            separator = ", ";
        }
        Ok(())
    }
}

impl Service {
    /// Reads a `TraceStats`. Statistics are of the whole session so far: later ones replace earlier ones.
    #[cold]
    pub(super) fn stats(&mut self, stats: &[u8], loss: &mut Losses, report: &mut Report<'_>) {
        let (mut packets, mut chunks, mut failures) = (0_u64, 0_u64, Failures::default());
        let mut overwritten = Vec::new();
        for field in Fields::new(stats).flatten() {
            match (field.number, field.value) {
                (TraceStats::BUFFER_STATS_FIELD_NUMBER, Value::Bytes(buffer)) => {
                    let mut bytes_overwritten = 0;
                    for field in Fields::new(buffer).flatten() {
                        let Value::Varint(count) = field.value else { continue };
                        let counter = match field.number {
                            BufferStats::TRACE_WRITER_PACKET_LOSS_FIELD_NUMBER => &mut packets,
                            BufferStats::CHUNKS_OVERWRITTEN_FIELD_NUMBER
                            | BufferStats::CHUNKS_DISCARDED_FIELD_NUMBER => &mut chunks,
                            BufferStats::PATCHES_FAILED_FIELD_NUMBER => &mut failures.patches,
                            BufferStats::ABI_VIOLATIONS_FIELD_NUMBER => &mut failures.abi_violations,
                            BufferStats::BYTES_OVERWRITTEN_FIELD_NUMBER => &mut bytes_overwritten,
                            _ => continue,
                        };
                        *counter = counter.saturating_add(count);
                    }
                    overwritten.push(bytes_overwritten);
                }
                (TraceStats::FLUSHES_FAILED_FIELD_NUMBER, Value::Varint(count)) => failures.flushes = count,
                (TraceStats::FINAL_FLUSH_OUTCOME_FIELD_NUMBER, Value::Varint(outcome)) => {
                    failures.final_flush = u64::from(outcome == FinalFlushOutcome::FINAL_FLUSH_FAILED.value() as u64);
                }
                _ => {}
            }
        }
        if (packets, chunks) != (loss.packets, loss.chunks) {
            (loss.packets, loss.chunks) = (packets, chunks);
            report.say(
                Kind::Loss,
                format_args!("the statistics in the trace say that {packets} packets and {chunks} chunks were lost"),
            );
        }
        if failures != self.failures && failures != Failures::default() {
            report.say(Kind::Loss, format_args!("the statistics in the trace say what has failed: {failures}"));
        }
        self.failures = failures;
        self.overwritten = Some((report.place, overwritten));
    }

    /// Reads a `TraceConfig`.
    #[cold]
    pub(super) fn config(&mut self, bytes: &[u8], report: &mut Report<'_>) {
        let mut config = Config::default();
        for field in Fields::new(bytes) {
            match field.map(|field| (field.number, field.value)) {
                Ok((BUFFERS, Value::Bytes(buffer))) => {
                    let mut policies = Fields::new(buffer).flatten().filter(|field| field.number == FILL_POLICY);
                    config.discards.push(policies.any(|field| matches!(field.value, Value::Varint(DISCARD))));
                }
                Ok((WRITE_INTO_FILE, Value::Varint(value))) => config.writes_into_file = value != 0,
                Ok((FILE_WRITE_PERIOD_MS, Value::Varint(period))) => config.write_period_ms = period,
                Ok((FLUSH_PERIOD_MS, Value::Varint(period))) => config.flush_period_ms = period,
                Ok(_) => {}
                Err(error) => report.say(Kind::MessageMalformed, format_args!("TraceConfig: {error}")),
            }
        }
        if config.writes_into_file {
            for (number, _) in config.discards.iter().enumerate().filter(|(_, discards)| **discards) {
                report.say(
                    Kind::Config,
                    format_args!(
                        "expected buffer {number} of a trace that is written into a file to be a ring, found one that discards \
                         what comes when it is full"
                    ),
                );
            }
        }
        self.config = Some((report.place, config));
    }

    /// Reads a `SystemInfo`: which version of the service it was, as in `Perfetto v54.0-abc (…)`.
    #[cold]
    pub(super) fn system(&mut self, bytes: &[u8]) {
        for field in Fields::new(bytes).flatten() {
            if let (SystemInfo::TRACING_SERVICE_VERSION_FIELD_NUMBER, Value::Bytes(version)) =
                (field.number, field.value)
            {
                self.version = core::str::from_utf8(version).ok().and_then(major);
            }
        }
    }

    /// The file has ended.
    pub(super) fn finish(&self, report: &mut Report<'_>) {
        let Some((place, config)) = self.config.as_ref().filter(|(_, config)| config.writes_into_file) else { return };
        if config.flush_period_ms == 0 && self.version.is_none_or(|version| version < FLUSHES_SINCE) {
            report.say_at(
                *place,
                Kind::Config,
                format_args!(
                    "expected a trace that a service before v{FLUSHES_SINCE} writes into a file to be flushed from time to time, \
                     found no flush_period_ms"
                ),
            );
        }
        let Some((place, overwritten)) = self.overwritten.as_ref().filter(|_| config.write_period_ms < DAY_MS) else {
            return;
        };
        for (number, bytes) in
            overwritten.iter().take(config.discards.len()).enumerate().filter(|(_, bytes)| **bytes > 0)
        {
            report.say_at(
                *place,
                Kind::Loss,
                format_args!(
                    "{bytes} bytes of buffer {number} were overwritten before they were written into the file"
                ),
            );
        }
    }
}

fn major(version: &str) -> Option<u64> {
    let (_, number) = version.split_once('v')?;
    let end = number.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(number.len());
    number[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_the_official_ones() {
        let Some(official) = pftrace_testkit::dynamic::official_schema() else { return };
        let number = |message: &str, field: &str| {
            let message = official.get_message_by_name(&std::format!("perfetto.protos.{message}")).unwrap();
            message.get_field_by_name(field).unwrap().number()
        };
        let config = ["buffers", "write_into_file", "file_write_period_ms", "flush_period_ms"];
        assert_eq!(
            config.map(|field| number("TraceConfig", field)),
            [BUFFERS, WRITE_INTO_FILE, FILE_WRITE_PERIOD_MS, FLUSH_PERIOD_MS]
        );
        assert_eq!(number("TraceConfig.BufferConfig", "fill_policy"), FILL_POLICY);
        assert_eq!(
            ["trace_config", "service_event", "remote_clock_sync"].map(|field| number("TracePacket", field)),
            [TRACE_CONFIG, SERVICE_EVENT, REMOTE_CLOCK_SYNC]
        );
        assert_eq!(
            ["streaming_profile_packet", "perf_sample"].map(|field| number("TracePacket", field)),
            [STREAMING_PROFILE, PERF_SAMPLE]
        );
        assert_eq!(number("StreamingProfilePacket", "callstack_iid"), STREAMING_PROFILE_CALLSTACKS);
        assert_eq!(number("PerfSample", "callstack_iid"), PERF_SAMPLE_CALLSTACK);
        assert_eq!(number("RemoteClockSync", "synced_clocks"), SYNCED_CLOCKS);
        assert_eq!(
            ["client_clocks", "host_clocks"].map(|field| number("RemoteClockSync.SyncedClocks", field)),
            [CLIENT_CLOCKS, HOST_CLOCKS]
        );
    }

    #[test]
    fn versions_of_the_service() {
        let of = ["Perfetto v54.0-9f6d8ea5f (9f6d8ea5f)", "Perfetto v7.1", "v101", "Perfetto", "vain"].map(major);
        assert_eq!(of, [Some(54), Some(7), Some(101), None, None]);
    }
}
