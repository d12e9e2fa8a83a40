//! A million events: memory stays as it was after the first.
#![cfg(feature = "std")]

use std::io::{self, Write};

use pftrace::{Error, TraceWriter};

/// Takes everything and keeps only how much it was.
#[derive(Default)]
struct Counting {
    bytes: u64,
    longest: usize,
}

impl Write for Counting {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.bytes += data.len() as u64;
        self.longest = self.longest.max(data.len());
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Slices with names and texts that are partly always the same and partly always new, so that what is interned overflows.
fn write_events(events: u64) -> Result<(Counting, u64), Error> {
    let mut trace = TraceWriter::builder().intern_bytes(16 * 1024).max_packet_len(4096).build(Counting::default());
    let mut track = trace.track("work").describe()?;
    let load = trace.counter_track("load").describe()?;
    let mut name = *b"call 00000000";
    for event in 0..events / 4 {
        let start = event * 100;
        write!(&mut name[5..], "{event:08}").ok();
        let text = std::str::from_utf8(&name).unwrap_or_default();
        trace.begin_with(&mut track, start, text, |slice| {
            slice.category("calls").arg("argument", event).arg("result", text);
        })?;
        trace.instant(&track, start + 10, "tick")?;
        trace.counter(&load, start + 20, event)?;
        trace.end(&mut track, start + 90)?;
    }
    let bytes = trace.bytes();
    Ok((trace.finish()?, bytes))
}

#[test]
fn memory_does_not_grow_with_the_trace() {
    let measure = |events| {
        let mut result = None;
        let memory = allocation_counter::measure(|| result = Some(write_events(events).unwrap()));
        let (sink, bytes) = result.unwrap();
        assert_eq!(sink.bytes, bytes, "what was counted is what was written");
        (memory, sink)
    };
    let (few, short) = measure(10_000);
    let (many, long) = measure(1_000_000);

    assert_eq!(many.bytes_max, few.bytes_max, "bytes at most, after 1,000,000 events and after 10,000");
    assert_eq!(many.count_total, few.count_total, "allocations");
    assert_eq!((many.bytes_current, many.count_current), (0, 0), "nothing is kept");
    // The buffer, the interned strings, and a little: far less than what was written.
    assert!(many.bytes_max < 64 * 1024 + 4096 + 16 * 1024 + 1024, "{} bytes", many.bytes_max);
    assert!(long.bytes > 20_000_000 && long.bytes > 90 * short.bytes, "{} bytes", long.bytes);
    // It streams: never more at once than the buffer holds.
    assert!(long.longest <= 64 * 1024 + 4096, "{} bytes in one write", long.longest);
}
