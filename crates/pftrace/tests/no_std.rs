//! The writer as a program without `std` has it: a byte buffer, static memory, no allocator. `make test` runs this with
//! `--no-default-features` too, where there is nothing else.

use std::sync::{Mutex, PoisonError};

use pftrace::{BufferSink, Clock, Error, MAX_END_LEN, TraceWriter, Unit};
use pftrace_testkit::{Arg, Loaded, check, dynamic};

type BufferTrace<'b, M> = TraceWriter<BufferSink<'b>, M>;

/// Some of everything: 10 steps, each a slice in a slice, an instant and a value.
const STEPS: u64 = 10;

fn write_steps<M: AsRef<[u64]> + AsMut<[u64]>>(trace: &mut BufferTrace<'_, M>) -> Result<(), Error> {
    let process = trace.process_track(1).name("firmware").describe()?;
    let mut task = trace.thread_track(&process, 2).name("control").describe()?;
    let current = trace.counter_track("current").parent(&process).unit(Unit::Named("mA")).describe()?;
    for step in 0..STEPS {
        let now = step * 1_000;
        trace.begin_with(&mut task, now, "step", |event| {
            event.category("motor").arg("number", step).dict("at", |at| {
                at.arg("x", step as f64 / 2.0).arg("axis", "left");
            });
        })?;
        trace.begin(&mut task, now + 100, "read encoder")?;
        trace.end(&mut task, now + 200)?;
        trace.instant_with(&task, now + 300, "tick", |event| {
            event.source_location("main.rs", "control", 42).flow(step / 2 + 1);
        })?;
        trace.counter(&current, now + 400, step * 10)?;
        trace.end(&mut task, now + 500)?;
    }
    Ok(())
}

#[test]
fn static_memory_is_all_it_needs() {
    static MEMORY: Mutex<([u8; 8192], [u64; 256])> = Mutex::new(([0; 8192], [0; 256]));
    let mut memory = MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
    let (buffer, interned) = &mut *memory;

    let mut trace = TraceWriter::in_buffer(buffer, &mut interned[..]);
    write_steps(&mut trace).unwrap();
    let bytes: &[u8] = trace.finish();

    let Some(loaded) = check(bytes) else { return };
    let steps = loaded.slices_named("step");
    assert_eq!(steps.len(), STEPS as usize);
    for (number, step) in steps.iter().enumerate() {
        assert_eq!((step.ts, step.dur, step.depth), (number as i64 * 1_000, 500, 0));
        assert_eq!(step.category.as_deref(), Some("motor"));
        assert_eq!(step.args["debug.number"], Arg::Uint(number as u64));
        assert_eq!(step.args["debug.at.x"], Arg::Real(number as f64 / 2.0));
        assert_eq!(step.args["debug.at.axis"], Arg::Text("left".into()));
        assert_eq!(loaded.track_name(step).as_deref(), Some("control"));
    }
    assert!(loaded.slices_named("read encoder").iter().all(|slice| slice.depth == 1 && slice.dur == 100));
    assert_eq!(loaded.flows.len(), 5, "each flow joins two ticks");
    let values: Vec<_> = (0..10).map(|step| (step * 1_000 + 400, step as f64 * 10.0)).collect();
    assert_eq!(loaded.counter_values("current"), values);
}

#[test]
fn a_full_buffer_is_an_error_and_what_was_written_before_loads() {
    let (mut buffer, memory) = ([0; 1000], [0; 64]);
    let mut trace = TraceWriter::in_buffer(&mut buffer, memory);
    let mut track = trace.track("motor").describe().unwrap();
    let mut written = 0;
    let error = loop {
        match trace.instant_with(&track, written, "step", |event| _ = event.arg("number", written)) {
            Ok(()) => written += 1,
            Err(error) => break error,
        }
    };
    let room = 1000 - trace.bytes() as usize;
    let Error::BufferFull { needed, remaining } = error else { panic!("{error:?}") };
    assert_eq!(remaining, room);
    assert!(needed > remaining);
    assert_eq!(error.to_string(), format!("the buffer is full: a packet of {needed} bytes, room for {remaining}"));

    // The same again, and nothing of it is counted; what is shorter may still find room.
    let packets = trace.packets();
    let again = trace.instant_with(&track, written, "step", |event| _ = event.arg("number", written)).unwrap_err();
    assert_eq!(again.to_string(), error.to_string());
    assert_eq!(trace.packets(), packets);
    let mut ends = 0;
    while trace.begin(&mut track, written, "step").is_ok() {
        ends += 1;
    }
    assert_eq!(track.open_slices(), ends);

    let bytes = trace.finish();
    assert!(bytes.len() <= 1000);
    let Some(loaded) = check(bytes) else { return };
    assert!(written > 10);
    assert_eq!(loaded.slices.len(), (written + u64::from(ends)) as usize);
    for (number, slice) in loaded.slices.iter().take(written as usize).enumerate() {
        assert_eq!((slice.ts, slice.name.as_deref()), (number as i64, Some("step")));
        assert_eq!(slice.args["debug.number"], Arg::Uint(number as u64));
    }
}

/// The longest: a track that must be named, with the largest number, and a time that can't be a difference.
#[test]
fn no_end_takes_more_than_the_room_that_is_to_be_kept_for_it() {
    let mut buffer = [0; 1000];
    let mut trace = TraceWriter::in_buffer(&mut buffer, [0; 64]);
    let mut track = trace.track("motor").uuid(u64::MAX).describe().unwrap();
    let other = trace.track("other").describe().unwrap();
    let mut process = trace.process_track(1).describe().unwrap();
    trace.clock_snapshot(&[(Clock::Simulated, 0), (Clock::Boottime, 0)]).unwrap();
    trace.instant(&other, i64::MAX as u64, "latest").unwrap();
    let mut longest = 0;
    for time in [Clock::Simulated.at(0), Clock::Boottime.at(i64::MAX as u64), (i64::MAX as u64 - 1).into()] {
        for (begin, end) in [(&mut track, time), (process.as_mut(), time)] {
            trace.begin(begin, time, "move").unwrap();
            let before = trace.remaining();
            trace.end(begin, end).unwrap();
            longest = longest.max(before - trace.remaining());
        }
    }
    assert_eq!(longest, MAX_END_LEN);
    assert_eq!(trace.remaining(), 1000 - trace.bytes() as usize);
}

#[test]
fn a_slice_whose_end_was_given_room_is_ended_in_a_buffer_of_any_size() {
    const BEGIN_LEN: usize = 64;
    for room in (200..400).step_by(7) {
        let mut buffer = [0; 400];
        let mut trace = TraceWriter::in_buffer(&mut buffer[..room], [0; 64]);
        let mut track = trace.track("motor").describe().unwrap();
        let mut now = 0;
        while trace.remaining() >= BEGIN_LEN + MAX_END_LEN {
            trace.begin(&mut track, now, "move").unwrap();
            // Other things fill the buffer up.
            while trace.remaining() >= BEGIN_LEN + MAX_END_LEN {
                trace.instant(&track, now, "step").unwrap();
            }
            now += 1_000_000;
            trace.end(&mut track, now).unwrap();
        }
        assert_eq!(track.open_slices(), 0);
        let Some(loaded) = check(trace.finish()) else { return };
        assert!(!loaded.slices_named("move").is_empty());
        assert!(loaded.slices.iter().all(|slice| slice.dur >= 0));
    }
}

/// A device with little memory sends its buffer away whenever it is full; the parts, one after the other, are one trace.
#[test]
fn the_bytes_are_taken_and_it_goes_on_in_the_same_memory() {
    let (mut buffer, mut memory) = ([0; 400], [0; 64]);
    let (mut sent, mut parts) = (Vec::new(), 0);
    let mut next = 0;
    while next < 100 {
        let mut trace = TraceWriter::in_buffer(&mut buffer, &mut memory[..]);
        // The same each time, so it is the same track.
        let mut track = trace.track("motor").describe().unwrap();
        while next < 100 {
            let full = trace.begin_with(&mut track, next * 10, "step", |event| _ = event.arg("number", next)).is_err();
            if full || trace.end(&mut track, next * 10 + 5).is_err() {
                break;
            }
            next += 1;
        }
        sent.extend_from_slice(trace.finish());
        parts += 1;
    }
    assert!(parts > 3, "{parts} parts");

    let Some(loaded) = check(&sent) else { return };
    // A slice whose end did not fit is begun once more in the next part, and never ends.
    let steps: Vec<_> = loaded.slices_named("step").into_iter().filter(|step| step.dur == 5).collect();
    assert_eq!(steps.iter().map(|step| step.ts).collect::<Vec<_>>(), (0..100).map(|n| n * 10).collect::<Vec<_>>());
    assert!(steps.iter().all(|step| loaded.track_name(step).as_deref() == Some("motor")));
}

#[test]
fn a_buffer_of_any_size_holds_the_packets_that_fit() {
    let mut large = [0; 8192];
    let mut trace = TraceWriter::in_buffer(&mut large, [0; 256]);
    write_steps(&mut trace).unwrap();
    let whole: &[u8] = trace.finish();

    for size in 0..=whole.len() {
        let mut buffer = vec![0xff; size];
        let mut trace = TraceWriter::in_buffer(&mut buffer, [0; 256]);
        let result = write_steps(&mut trace);
        let (packets, counted) = (trace.packets(), trace.bytes());
        let bytes: &[u8] = trace.finish();
        match result {
            Ok(()) => assert_eq!(size, whole.len()),
            Err(Error::BufferFull { needed, remaining }) => {
                assert_eq!(remaining, size - bytes.len());
                assert!(needed > remaining);
            }
            Err(other) => panic!("{size} bytes: {other:?}"),
        }
        assert_eq!(counted, bytes.len() as u64);
        assert!(whole.starts_with(bytes), "{size} bytes: another trace");
        if size % 50 == 0 && !bytes.is_empty() {
            let Some(decoded) = dynamic::decode(bytes) else { continue };
            assert_eq!(decoded.unwrap().len() as u64, packets);
        }
    }
}

#[test]
fn interned_or_not_the_rows_are_the_same() {
    let rows = |words: usize| {
        let (mut buffer, mut memory) = (vec![0; 8192], vec![0; words]);
        let mut trace = TraceWriter::in_buffer(&mut buffer, &mut memory[..]);
        write_steps(&mut trace).unwrap();
        let bytes = trace.finish();
        check(bytes).map(|loaded| (loaded, bytes.len()))
    };
    let Some((roomy, shortest)) = rows(256) else { return };
    assert!(roomy.slices.iter().any(|slice| slice.args.contains_key("source.file_name")));
    let mut longest = usize::MAX;
    for words in [0, 1, 7, 8, 9, 16, 32, 64, 128] {
        let Some((loaded, len)) = rows(words) else { return };
        assert!((shortest..=longest).contains(&len), "{words} words: {len} bytes");
        assert!(with_source_keys(loaded) == with_source_keys(roomy.clone()), "{words} words: other rows");
        longest = len;
    }
    assert!(longest < 2 * shortest, "nothing was interned in 128 words");
}

/// The trace processor gives a source location that is not interned other keys.
fn with_source_keys(mut loaded: Loaded) -> Loaded {
    for slice in &mut loaded.slices {
        slice.args.remove("source_location_iid");
        let renamed = |(key, value): (String, Arg)| (key.replace("source_location.", "source."), value);
        slice.args = std::mem::take(&mut slice.args).into_iter().map(renamed).collect();
    }
    loaded
}
