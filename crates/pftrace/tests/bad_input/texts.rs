//! Texts that are too long, empty or odd, and no room for them.

use pftrace::{Clock, Error, Event, TraceWriter, Track, Unit};
use pftrace_testkit::{Arg, check, compare_decoders, dynamic};

use crate::{Trace, finish, trace};

const MEGABYTE: usize = 1 << 20;

/// Every text that an event or a track can have, each set to `text` in a call of its own.
fn say_everywhere(trace: &mut Trace, track: &mut Track, text: &str) -> Vec<Result<(), Error>> {
    let process = trace.process_track(7).describe().unwrap();
    let state = trace.state_track("state").describe().unwrap();
    vec![
        trace.instant(track, 1, text),
        trace.begin(track, 2, text).and_then(|()| trace.end(track, 2)),
        trace.instant_with(track, 3, "event", |event| _ = event.category(text)),
        trace.instant_with(track, 4, "event", |event| _ = event.arg(text, 1)),
        trace.instant_with(track, 5, "event", |event| _ = event.arg("key", text)),
        trace.instant_with(track, 6, "event", |event| _ = event.dict(text, |dict| _ = dict.arg("key", text))),
        trace.instant_with(track, 7, "event", |event| _ = event.array(text, |array| _ = array.push(text))),
        trace.instant_with(track, 8, "event", |event| _ = event.source_location(text, "function", 1)),
        trace.instant_with(track, 9, "event", |event| _ = event.source_location("file", text, 1)),
        trace.state(&state, 10, text),
        trace.process_track(7).name(text).describe().map(|_| ()),
        trace.process_track(7).cmdline(&[text]).describe().map(|_| ()),
        trace.process_track(7).labels(&[text]).describe().map(|_| ()),
        trace.thread_track(&process, 8).name(text).describe().map(|_| ()),
        trace.track(text).describe().map(|_| ()),
        trace.track("track").description(text).describe().map(|_| ()),
        trace.counter_track(text).describe().map(|_| ()),
        trace.counter_track("counter").unit(Unit::Named(text)).describe().map(|_| ()),
        trace.counter_track("counter").y_axis_share_key(text).describe().map(|_| ()),
        trace.state_track(text).describe().map(|_| ()),
    ]
}

#[test]
fn texts_larger_than_a_packet_are_refused_everywhere() {
    let (mut trace, mut track) = trace();
    for result in say_everywhere(&mut trace, &mut track, &"x".repeat(MEGABYTE)) {
        let Err(error @ Error::PacketTooLarge { needed, capacity: 262_144 }) = &result else { panic!("{result:?}") };
        assert!((MEGABYTE..2 * MEGABYTE + 100).contains(needed), "{error}");
        assert_eq!(error.to_string(), format!("expected a packet of at most 262144 bytes, found one of {needed}"));
    }
    let Some(loaded) = finish(trace, &track) else { return };
    assert_eq!(loaded.slices.len(), 1);
}

#[test]
fn texts_of_a_megabyte_are_written_everywhere_when_packets_may_be_that_large() {
    let text = "long ".repeat(MEGABYTE / 5);
    let mut trace = TraceWriter::builder().max_packet_len(3 * MEGABYTE).build(Vec::new());
    let mut track = trace.track("work").describe().unwrap();
    for (number, result) in say_everywhere(&mut trace, &mut track, &text).into_iter().enumerate() {
        assert!(result.is_ok(), "call {number}: {result:?}");
    }
    let bytes = trace.finish().unwrap();
    // The trace processor is left out: it does not know states.
    let Some(packets) = compare_decoders(&bytes) else { return };
    let said: usize = packets.iter().map(|packet| packet.to_string().matches(&text).count()).sum();
    assert_eq!(said, 22, "20 calls, two of which say it twice");
}

#[test]
fn the_error_says_exactly_how_large_a_packet_must_be_allowed_to_be() {
    let name = "x".repeat(5_000);
    let write = |max_packet_len| {
        let mut trace = TraceWriter::builder().max_packet_len(max_packet_len).build(Vec::new());
        let track = trace.track("work").describe()?;
        trace.instant_with(&track, 1, &name, |event| _ = event.arg("key", "value"))?;
        trace.finish()
    };
    let Err(Error::PacketTooLarge { needed, capacity: 1_000 }) = write(1_000) else { panic!("not refused") };
    assert!(matches!(write(needed - 1), Err(Error::PacketTooLarge { needed: again, .. }) if again == needed));
    let Some(loaded) = check(&write(needed).unwrap()) else { return };
    assert_eq!(loaded.slices_named(&name)[0].args["debug.key"], Arg::Text("value".into()));
}

/// Each size from nothing: what is refused leaves no trace, and what is written is whole.
#[test]
fn packets_of_every_small_size() {
    for max_packet_len in 0..200 {
        let mut trace = TraceWriter::builder().max_packet_len(max_packet_len).build(Vec::new());
        let mut written = 0;
        let mut call = |result: Result<(), Error>| match result {
            Ok(()) => written += 1,
            Err(Error::PacketTooLarge { needed, capacity }) => {
                assert_eq!(capacity, max_packet_len);
                assert!(needed > capacity);
            }
            Err(other) => panic!("{max_packet_len}: {other:?}"),
        };
        let process = trace.process_track(1).name("process").describe();
        let counter = trace.counter_track("counter").describe();
        match trace.track("work").describe() {
            Ok(mut track) => {
                call(trace.begin(&mut track, 1, "slice"));
                call(trace.instant_with(&track, 2, "instant", |event| {
                    event.category("category").arg("a", 1).dict("dictionary", |dict| _ = dict.arg("key", "value"));
                }));
                if track.open_slices() > 0 {
                    call(trace.end(&mut track, 3));
                }
                call(trace.instant(&track, 1 << 40, "late"));
            }
            Err(error) => call(Err(error)),
        }
        call(process.map(|_| ()));
        match counter {
            Ok(counter) => call(trace.counter(&counter, 4, f64::MAX)),
            Err(error) => call(Err(error)),
        }
        call(trace.clock_snapshot(&[(Clock::Simulated, 5), (Clock::Realtime, 6)]));
        call(trace.flush());
        assert!(written > 0, "a flush always works");
        let bytes = trace.finish().unwrap();
        if bytes.is_empty() {
            assert!(max_packet_len < 50, "{max_packet_len}: nothing fits");
            continue;
        }
        match dynamic::decode(&bytes) {
            Some(decoded) => assert!(decoded.is_ok(), "{max_packet_len}: {decoded:?}"),
            None => return,
        }
        if max_packet_len % 40 == 0 && check(&bytes).is_none() {
            return;
        }
    }
}

#[test]
fn memory_for_interned_strings_of_every_small_size() {
    let write = |intern_bytes| {
        let mut trace = TraceWriter::builder().intern_bytes(intern_bytes).build(Vec::new());
        let track = trace.track("work").describe().unwrap();
        for (time, text) in
            ["a", "", "a longer text, for one entry", "a", "b", "", "a longer text, for one entry"].iter().enumerate()
        {
            let annotate = |event: &mut Event<'_>| _ = event.category(text).arg("key", *text).arg("k", 1);
            trace.instant_with(&track, time as u64, text, annotate).unwrap();
        }
        trace.finish().unwrap()
    };
    let Some(expected) = check(&write(4096)) else { return };
    assert_eq!(expected.slices.len(), 7);
    for intern_bytes in [0, 1, 7, 8, 31, 32, 63, 64, 65, 100, 128, 300, 512] {
        let Some(loaded) = check(&write(intern_bytes)) else { return };
        assert!(loaded == expected, "{intern_bytes} bytes: {loaded:#?}");
    }
}

/// The trace processor shows a text up to its first NUL; the decoders have all of it.
#[test]
fn nul_bytes() {
    let (mut trace, mut track) = trace();
    for result in say_everywhere(&mut trace, &mut track, "be\0fore") {
        result.unwrap();
    }
    let bytes = trace.finish().unwrap();
    let Some(packets) = compare_decoders(&bytes) else { return };
    let said: String = packets.iter().map(ToString::to_string).collect();
    // The same kind of text is interned once: an event's name in two calls and the state's, the annotations' names in
    // three, their values in three. In source locations it is the file's or the function's.
    assert_eq!(said.matches(r"be\u0000fore").count(), 15, "{said}");

    let mut trace = Trace::new(Vec::new());
    let track = trace.track("be\0fore").describe().unwrap();
    trace.instant_with(&track, 1, "na\0me", |event| _ = event.category("cat\0egory").arg("k\0ey", "val\0ue")).unwrap();
    let Some(loaded) = finish(trace, &track) else { return };
    let slice = loaded.slices_named("na")[0];
    assert_eq!(slice.category.as_deref(), Some("cat"));
    assert_eq!(slice.args["debug.k"], Arg::Text("val".into()));
    assert_eq!(loaded.track_name(slice).as_deref(), Some("be"));
}

#[test]
fn empty_texts() {
    let mut trace = Trace::new(Vec::new());
    let process = trace.process_track(1).name("").cmdline(&[""]).labels(&[""]).description("").describe().unwrap();
    let thread = trace.thread_track(&process, 2).name("").describe().unwrap();
    let track = trace.track("").parent(&process).describe().unwrap();
    let counter = trace.counter_track("").unit(Unit::Named("")).y_axis_share_key("").describe().unwrap();
    let annotate = |event: &mut Event<'_>| {
        event.category("").arg("", "").source_location("", "", 0);
        event.dict("", |_| {}).array("", |_| {}).dict("d", |dict| _ = dict.arg("", 1).dict("", |_| {}));
    };
    trace.instant_with(&track, 1, "", annotate).unwrap();
    trace.instant_with(&thread, 2, "", annotate).unwrap();
    trace.counter(&counter, 3, 0).unwrap();
    let Some(loaded) = finish(trace, &track) else { return };
    let empty = loaded.slices_named("");
    assert_eq!(empty.len(), 2);
    for slice in empty {
        assert_eq!(slice.category.as_deref(), Some(""));
        assert_eq!(slice.args["debug."], Arg::Text(String::new()));
        assert_eq!(slice.args["debug.d."], Arg::Int(1));
        assert_eq!(slice.args["source.file_name"], Arg::Text(String::new()));
    }
    assert_eq!(loaded.counter_values(""), [(3, 0.0)]);
}
