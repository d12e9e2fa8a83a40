//! The writer allocates when it is made and when a sequence is added: no other call does, whatever it writes and however
//! it fails.
#![cfg(feature = "std")]

use std::io;

use pftrace::{
    ChildOrdering, Clock, CounterTrack, Error, IoSink, ProcessTrack, SiblingMerge, StateTrack, TraceWriter, Track, Unit,
};

type NullTrace = TraceWriter<IoSink<io::Sink>>;

/// Counts what each call allocates, and says which did.
#[derive(Default)]
struct Counted {
    calls: u32,
    guilty: Vec<String>,
}

impl Counted {
    fn call<T>(&mut self, name: &str, call: impl FnOnce() -> T) -> T {
        let mut result = None;
        let memory = allocation_counter::measure(|| result = Some(call()));
        self.calls += 1;
        if memory.count_total != 0 {
            self.guilty.push(format!("{name}: {} allocations, {} bytes", memory.count_total, memory.bytes_total));
        }
        result.unwrap_or_else(|| panic!("{name} did not return"))
    }

    #[track_caller]
    fn verdict(self, at_least: u32) {
        assert!(self.guilty.is_empty(), "{:#?}", self.guilty);
        assert!(self.calls >= at_least, "only {} calls were counted", self.calls);
    }
}

/// The tracks that events are written on.
struct Tracks {
    process: ProcessTrack,
    thread: Track,
    counter: CounterTrack,
    state: StateTrack,
}

fn describe_tracks(trace: &mut NullTrace, counted: &mut Counted) -> Tracks {
    let process = counted.call("process_track", || {
        let track = trace.process_track(42).name("game").cmdline(&["game", "--fast"]).labels(&["beta", "local"]);
        let track = track.start_timestamp_ns(17).description("a process").child_ordering(ChildOrdering::Explicit);
        track.describe().unwrap()
    });
    let thread = counted.call("thread_track", || {
        let track = trace.thread_track(&process, 43).name("main").description("a thread").sibling_order_rank(-3);
        track.describe().unwrap()
    });
    counted.call("track", || {
        let track = trace.track("tasks").parent(&process).child_ordering(ChildOrdering::Chronological);
        let track = track.sibling_merge(SiblingMerge::ByKey("tasks")).uuid(99).sibling_order_rank(1);
        track.describe().unwrap()
    });
    for merge in [SiblingMerge::ByName, SiblingMerge::Never] {
        counted.call("track that merges", || {
            let track = trace.track("merging").sibling_merge(merge).child_ordering(ChildOrdering::Lexicographic);
            track.describe().unwrap()
        });
    }
    let counter = counted.call("counter_track", || {
        let track = trace.counter_track("load").parent(&process).unit(Unit::Named("jobs"));
        track.unit_multiplier(3).y_axis_share_key("load").description("a counter").describe().unwrap()
    });
    for unit in [Unit::Count, Unit::SizeBytes, Unit::TimeNs] {
        counted.call("counter_track with a unit", || trace.counter_track("other").unit(unit).describe().unwrap());
    }
    let state = counted.call("state_track", || trace.state_track("power").parent(&process).describe().unwrap());
    Tracks { process, thread, counter, state }
}

/// Every kind of event and of annotation. `texts` are what may be interned.
fn write_events(trace: &mut NullTrace, tracks: &mut Tracks, now: u64, texts: [&str; 3], counted: &mut Counted) {
    let Tracks { process, thread, counter, state } = tracks;
    let [name, key, text] = texts;
    counted.call("begin", || trace.begin(thread, now, name).unwrap());
    counted.call("begin_with every annotation", || {
        let annotate = |event: &mut pftrace::Event<'_>| {
            let address = &raw const now;
            event.category(name).category(text).arg(key, true).arg(key, -1_i8).arg(key, u64::MAX).arg(key, 0.5_f32);
            event.arg(key, address).arg(key, text).arg(key, usize::MAX).arg(key, i64::MIN);
            event.dict(key, |dict| {
                dict.arg(key, text).dict(key, |dict| _ = dict.arg(name, 1)).array(key, |array| _ = array.push(1));
            });
            event.array(key, |array| {
                array.push(text).push(2).dict(|dict| _ = dict.arg(key, text)).array(|array| _ = array.push(f64::NAN));
            });
        };
        trace.begin_with(process, now, name, annotate).unwrap();
    });
    counted.call("begin_with everything else", || {
        let say = |event: &mut pftrace::Event<'_>| {
            event.flow(7).terminating_flow(8).correlation_id(9).source_location(name, text, 10).raw(|event| {
                event.set_log_message(|log| _ = log.set_body_iid(1));
            });
        };
        trace.begin_with(thread, now, name, say).unwrap();
    });
    counted.call("end_with", || trace.end_with(thread, now, |event| _ = event.arg(key, text)).unwrap());
    counted.call("end", || trace.end(thread, now).unwrap());
    counted.call("end of the process's", || trace.end(process, now).unwrap());
    counted.call("slice", || trace.slice(thread, now, now + 1, name).unwrap());
    counted.call("slice_with", || {
        trace.slice_with(thread, now + 1, now + 1, text, |event| _ = event.pointer(key, now).arg(name, text)).unwrap();
    });
    counted.call("instant", || trace.instant(thread, now, name).unwrap());
    counted.call("instant_with", || trace.instant_with(process, now, name, |event| _ = event.flow(7)).unwrap());
    counted.call("instant before the last", || trace.instant(thread, now / 2, name).unwrap());
    counted.call("counter, an integer", || trace.counter(counter, now, 5).unwrap());
    counted.call("counter, a double", || trace.counter(counter, now, 0.5).unwrap());
    counted.call("state", || trace.state(state, now, text).unwrap());
    counted.call("idle", || trace.idle(state, now).unwrap());
    counted.call("instant of another clock", || trace.instant(thread, Clock::Boottime.at(5 + now), name).unwrap());
    counted.call("packet", || {
        trace.packet(|packet| _ = packet.set_track_descriptor(|track| _ = track.set_uuid(1).set_name(text))).unwrap();
    });
    counted.call("packet_at", || {
        trace.packet_at(now, |packet| _ = packet.set_synchronization_marker(text.as_bytes())).unwrap();
    });
    counted.call("packets and bytes", || (trace.packets(), trace.bytes()));
}

#[test]
fn no_call_allocates_the_first_time_or_later() {
    let mut trace = NullTrace::new(io::sink());
    let mut counted = Counted::default();
    let mut tracks = describe_tracks(&mut trace, &mut counted);
    counted.call("clock_snapshot", || {
        trace.clock_snapshot(&[(Clock::Simulated, 0), (Clock::Boottime, 5), (Clock::Realtime, 6)]).unwrap();
    });
    // First all texts are new, then all are known.
    for now in [1_000, 2_000] {
        write_events(&mut trace, &mut tracks, now, ["name", "key", "text"], &mut counted);
    }
    counted.call("flush", || trace.flush().unwrap());
    for now in [3_000, 4_000] {
        counted.call("clear_incremental_state", || trace.clear_incremental_state());
        write_events(&mut trace, &mut tracks, now, ["name", "key", "text"], &mut counted);
    }
    counted.call("finish", || trace.finish().unwrap());
    counted.verdict(80);
}

#[test]
fn nor_when_no_more_can_be_interned() {
    let long = "x".repeat(5_000);
    for intern_bytes in [0, 8, 64, 500, 4_000] {
        let mut trace = TraceWriter::builder().intern_bytes(intern_bytes).build(io::sink());
        let mut counted = Counted::default();
        let mut tracks = describe_tracks(&mut trace, &mut counted);
        trace.clock_snapshot(&[(Clock::Simulated, 0), (Clock::Boottime, 5)]).unwrap();
        for now in 1..200 {
            let texts = [now, now + 1_000, now + 2_000].map(|number| format!("text {number}"));
            write_events(&mut trace, &mut tracks, now, texts.each_ref().map(|text| &text[..]), &mut counted);
        }
        // Longer than anything that is interned, and than the buffer in which a source location is put together.
        write_events(&mut trace, &mut tracks, 1_000, [&long; 3], &mut counted);
        counted.verdict(3_000);
    }
}

#[test]
fn nor_on_an_added_sequence() {
    let mut trace = NullTrace::new(io::sink());
    let mut counted = Counted::default();
    let added = trace.add_sequence();
    let mut tracks = describe_tracks(&mut trace, &mut counted);
    tracks.thread = counted
        .call("track on a sequence", || trace.thread_track(&tracks.process, 44).sequence(added).describe().unwrap());
    trace.clock_snapshot(&[(Clock::Simulated, 0), (Clock::Boottime, 5)]).unwrap();
    for now in 1..10 {
        write_events(&mut trace, &mut tracks, now, ["name", "key", "text"], &mut counted);
    }
    counted.verdict(100);
}

#[test]
fn nor_while_the_buffer_is_written_out_time_and_again() {
    let mut trace = NullTrace::new(io::sink());
    let mut counted = Counted::default();
    let mut tracks = describe_tracks(&mut trace, &mut counted);
    trace.clock_snapshot(&[(Clock::Simulated, 0), (Clock::Boottime, 5)]).unwrap();
    while trace.bytes() < 500_000 {
        let now = trace.packets();
        write_events(&mut trace, &mut tracks, now, ["name", "key", "text"], &mut counted);
    }
    counted.verdict(1_000);
}

#[test]
fn nor_when_they_fail() {
    let mut trace = TraceWriter::builder().max_packet_len(1_000).build(io::sink());
    let mut other = NullTrace::new(io::sink());
    let foreign = other.track("foreign").describe().unwrap();
    let mut track = trace.track("work").describe().unwrap();
    let long = "x".repeat(2_000);
    let mut counted = Counted::default();
    let mut refused = |name: &str, call: &mut dyn FnMut() -> Result<(), Error>| {
        assert!(counted.call(name, call).is_err(), "{name} was not refused");
    };
    refused("NothingOpen", &mut || trace.end(&mut track, 1));
    refused("TimestampOutOfRange", &mut || trace.instant(&track, u64::MAX, "late"));
    refused("UnknownClock", &mut || trace.instant(&track, Clock::Realtime.at(1), "elsewhere"));
    refused("ForeignTrack", &mut || trace.instant(&foreign, 1, "foreign"));
    refused("PacketTooLarge", &mut || trace.instant(&track, 1, &long));
    refused("PacketTooLarge after what is new", &mut || {
        trace.instant_with(&track, 1, "new", |event| _ = event.category("new").source_location("new", &long, 1))
    });
    refused("ReservedId", &mut || trace.process_track(0).describe().map(|_| ()));
    trace.clock_snapshot(&[(Clock::Simulated, 1), (Clock::Monotonic, 10), (Clock::Boottime, 10)]).unwrap();
    trace.clock_snapshot(&[(Clock::Simulated, 2), (Clock::Monotonic, 9)]).unwrap();
    refused("ClockWentBack", &mut || trace.instant(&track, Clock::Monotonic.at(11), "elsewhere"));
    refused("TimestampBeforeZero", &mut || trace.instant(&track, Clock::Boottime.at(8), "before"));
    refused("TrackUuidTaken", &mut || trace.track("taken").uuid(track.uuid()).describe().map(|_| ()));
    refused("BadSnapshot", &mut || trace.clock_snapshot(&[]));
    refused("AnnotationTooDeep", &mut || {
        fn nest(dict: &mut pftrace::Dict<'_>, depth: u32) {
            if depth > 0 {
                dict.dict("d", |dict| nest(dict, depth - 1));
            }
        }
        trace.instant_with(&track, 1, "deep", |event| _ = event.dict("d", |dict| nest(dict, 70)))
    });
    for now in 0..512 {
        trace.begin(&mut track, now, "slice").unwrap();
    }
    refused("SlicesTooDeep", &mut || trace.begin(&mut track, 600, "slice"));
    refused("TimeWentBack", &mut || trace.end(&mut track, 1));
    counted.verdict(11);
}

/// The counter counts: what is allowed to allocate does.
#[test]
fn making_a_writer_and_adding_a_sequence_allocates() {
    let mut made = None;
    let memory = allocation_counter::measure(|| made = Some(NullTrace::new(io::sink())));
    assert!(memory.count_total > 0);
    let memory = allocation_counter::measure(|| _ = made.as_mut().map(|trace| trace.add_sequence()));
    assert!(memory.count_total > 0);
}
