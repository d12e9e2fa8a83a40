//! Slices whose begin and end are written by one call: both are in the trace, or neither.
#![cfg(feature = "std")]

use std::time::Duration;

use pftrace::{Clock, Error, TraceWriter};
use pftrace_testkit::check;

#[test]
fn they_are_what_begin_and_end_would_have_written() {
    let by = |whole: bool| {
        let mut trace = TraceWriter::new(Vec::new());
        trace.clock_snapshot(&[(Clock::Simulated, 0), (Clock::Boottime, 1_000_000)]).unwrap();
        let mut first = trace.track("first").describe().unwrap();
        let mut second = trace.track("second").describe().unwrap();
        let boottime = Clock::Boottime.at(1_020_000);
        trace.begin(&mut first, 10, "outer").unwrap();
        // On the default track and another one, forward and back in time, and from one clock to another.
        for (track, begin, end) in [(0, 100, 200), (1, 5, 7), (0, 200, 200), (1, 300, 900)] {
            let track = if track == 0 { &mut first } else { &mut second };
            let say = |event: &mut pftrace::Event<'_>| _ = event.category("work").arg("begin", begin);
            if whole {
                trace.slice_with(track, begin, end, "inner", say).unwrap();
            } else {
                trace.begin_with(track, begin, "inner", say).unwrap();
                trace.end(track, end).unwrap();
            }
        }
        if whole {
            trace.slice(&mut first, 10_000, boottime, "two clocks").unwrap();
        } else {
            trace.begin(&mut first, 10_000, "two clocks").unwrap();
            trace.end(&mut first, boottime).unwrap();
        }
        trace.end(&mut first, 30_000).unwrap();
        assert_eq!((first.open_slices(), trace.packets()), (0, 16));
        trace.finish().unwrap()
    };
    let bytes = by(true);
    assert_eq!(bytes, by(false));
    let Some(loaded) = check(&bytes) else { return };
    let mut found: Vec<_> =
        loaded.slices_named("inner").iter().map(|slice| (slice.ts, slice.dur, slice.depth)).collect();
    found.sort_unstable();
    assert_eq!(found, [(5, 2, 0), (100, 100, 1), (200, 0, 1), (300, 600, 0)]);
    let two_clocks = loaded.slices_named("two clocks")[0];
    assert_eq!((two_clocks.ts, two_clocks.dur), (10_000, 10_000));
}

#[test]
fn one_that_is_refused_leaves_nothing() {
    let mut trace = TraceWriter::new(Vec::new());
    let mut other = TraceWriter::new(Vec::new());
    let mut foreign = other.track("foreign").describe().unwrap();
    let mut track = trace.track("work").describe().unwrap();
    trace.slice(&mut track, 100, 200, "before").unwrap();
    let packets = trace.packets();

    let mut refused = |begin: u64, end: u64| trace.slice(&mut track, begin, end, "refused").unwrap_err();
    assert!(matches!(refused(300, 299), Error::TimeWentBack { timestamp: 299, last: 300 }));
    assert!(matches!(refused(199, 300), Error::TimeWentBack { timestamp: 199, last: 200 }));
    assert!(matches!(refused(300, u64::MAX), Error::TimestampOutOfRange { timestamp: u64::MAX }));
    let error = trace.slice(&mut track, 300, Clock::Realtime.at(5), "refused").unwrap_err();
    assert!(matches!(error, Error::UnknownClock { clock: Clock::Realtime }));
    let error = trace.slice(&mut foreign, 300, 400, "refused").unwrap_err();
    assert!(matches!(error, Error::ForeignTrack));
    assert_eq!((trace.packets(), track.open_slices()), (packets, 0));

    // None of them has moved the track's time.
    trace.slice(&mut track, 200, 250, "after").unwrap();
    for now in 0..512 {
        trace.begin(&mut track, 300 + now, "open").unwrap();
    }
    let error = trace.slice(&mut track, 1_000, 2_000, "refused").unwrap_err();
    assert!(matches!(error, Error::SlicesTooDeep { limit: 512 }));
    for _ in 0..512 {
        trace.end(&mut track, 1_000).unwrap();
    }
    let Some(loaded) = check(&trace.finish().unwrap()) else { return };
    assert_eq!(loaded.slices.len(), 514);
    assert!(loaded.slices_named("refused").is_empty());
}

/// Whatever the room, no slice is left without its end, and what it would have interned is not taken for known.
#[test]
fn when_only_the_begin_fits_neither_is_written() {
    let (mut halves, mut last) = (0, None);
    for room in 100..400 {
        let mut buffer = vec![0; room];
        let mut trace = TraceWriter::in_buffer(&mut buffer, [0; 64]);
        let Ok(mut track) = trace.track("work").describe() else { continue };
        let mut written = 0;
        let error = loop {
            let name = format!("slice {written}");
            match trace.slice(&mut track, written * 100, written * 100 + 50, &name) {
                Ok(()) => written += 1,
                Err(error) => break error,
            }
        };
        let Error::BufferFull { needed, remaining } = error else { panic!("{error:?}") };
        assert!(needed > remaining && remaining == trace.remaining());
        assert_eq!(track.open_slices(), 0);
        // The begin alone would have fitted, with the name that the failed call did not define.
        let begin = trace.begin(&mut track, written * 100, &format!("slice {written}")).is_ok();
        halves += u32::from(begin);
        // The judges take their time: once for each number of slices.
        if last == Some((written, begin)) {
            continue;
        }
        last = Some((written, begin));
        let Some(loaded) = check(trace.finish()) else { return };
        assert_eq!(loaded.slices.len(), written as usize + usize::from(begin));
        for (number, slice) in loaded.slices.iter().enumerate() {
            assert_eq!(slice.name, Some(format!("slice {number}")));
            assert_eq!(slice.dur, if number < written as usize { 50 } else { -1 });
        }
    }
    assert!(halves > 30, "{halves}");
}

#[test]
fn both_halves_count_for_the_longest_packet() {
    let name = "x".repeat(150);
    let with = |max_packet_len| {
        let mut trace = TraceWriter::builder().max_packet_len(max_packet_len).build(Vec::new());
        let track = trace.track("work").describe().unwrap();
        (trace, track)
    };
    let (mut trace, mut track) = with(100);
    let error = trace.slice(&mut track, 100, 200, &name).unwrap_err();
    let Error::PacketTooLarge { needed, capacity: 100 } = error else { panic!("{error:?}") };

    let (mut trace, mut track) = with(needed);
    trace.slice(&mut track, 100, 200, &name).unwrap();
    let Some(loaded) = check(&trace.finish().unwrap()) else { return };
    assert_eq!((loaded.slices.len(), loaded.slices[0].dur), (1, 100));

    let (mut trace, mut track) = with(needed - 1);
    assert!(matches!(trace.slice(&mut track, 100, 200, &name), Err(Error::PacketTooLarge { .. })));
    assert_eq!(track.open_slices(), 0);
    trace.begin(&mut track, 100, &name).unwrap();
}

#[test]
fn times_may_be_durations() {
    let mut trace = TraceWriter::new(Vec::new());
    let mut track = trace.track("work").describe().unwrap();
    trace.slice(&mut track, Duration::from_micros(3), Duration::from_millis(2), "slice").unwrap();
    trace.instant(&track, Duration::from_nanos(i64::MAX as u64), "latest").unwrap();
    for late in [Duration::from_nanos(i64::MAX as u64 + 1), Duration::from_nanos(u64::MAX), Duration::MAX] {
        let expected = u64::try_from(late.as_nanos()).unwrap_or(u64::MAX);
        let error = trace.instant(&track, late, "later").unwrap_err();
        assert!(matches!(error, Error::TimestampOutOfRange { timestamp } if timestamp == expected), "{error:?}");
    }
    // What would be 49 when cut to 64 bits.
    let wrapping = Duration::from_nanos(u64::MAX) + Duration::from_nanos(50);
    assert!(matches!(trace.instant(&track, wrapping, "later"), Err(Error::TimestampOutOfRange { .. })));
    let Some(loaded) = check(&trace.finish().unwrap()) else { return };
    let times: Vec<_> = loaded.slices.iter().map(|slice| (slice.ts, slice.dur)).collect();
    assert_eq!(times, [(3_000, 1_997_000), (i64::MAX, 0)]);
}
