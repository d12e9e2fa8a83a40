//! Numbers of processes, tracks and flows, times of other clocks, addresses, and what of a description v52 shows.
#![cfg(feature = "std")]

use pftrace::{Clock, Error, FileTraceWriter, TraceWriter, Track};
use pftrace_testkit::{Arg, check};

#[test]
fn a_process_number_is_what_std_or_the_system_gives() {
    let mut trace = TraceWriter::new(Vec::new());
    trace.process_track(std::process::id()).name("own").describe().unwrap();
    let numbers = [trace.process_track(7_u32).describe(), trace.process_track(7_i32).describe()];
    assert_eq!(numbers.map(|process| process.unwrap().uuid()).map(|uuid| uuid >> 40 != 0), [true, true]);
    trace.process_track(i32::MAX as u32).name("largest").describe().unwrap();
    for pid in [1 << 31, u32::MAX] {
        let error = trace.process_track(pid).describe().unwrap_err();
        assert!(matches!(error, Error::ProcessIdOutOfRange { pid: found } if found == i64::from(pid)));
        assert_eq!(error.to_string(), format!("expected a process id of at most 2147483647, found {pid}"));
    }
    assert!(matches!(trace.process_track(0_u32).describe(), Err(Error::ReservedId)));
    let Some(loaded) = check(&trace.finish().unwrap()) else { return };
    let mut pids: Vec<_> = loaded.processes.values().map(|process| process.pid).collect();
    pids.sort_unstable();
    let mut expected = [7, std::process::id().into(), i32::MAX.into()];
    expected.sort_unstable();
    assert_eq!(pids, expected);
}

/// What a track is given is not chosen for another, and what was chosen is not given.
#[test]
fn no_two_tracks_have_one_number() {
    let mut trace = TraceWriter::new(Vec::new());
    let mut mine = trace.track("mine").uuid(2).describe().unwrap();
    let mut others = ["b", "c"].map(|name| trace.track(name).describe().unwrap());
    let value = trace.counter_track("value").uuid(5).describe().unwrap();
    let mut last = trace.track("d").describe().unwrap();
    let far = trace.track("far").uuid(1 << 40).describe().unwrap();
    let next = trace.track("e").describe().unwrap();
    assert_eq!([&mine, &others[0], &others[1], &last, &far, &next].map(|track| track.uuid()), [2, 3, 4, 6, 1 << 40, 7]);
    for uuid in [6, 7] {
        let error = trace.track("taken").uuid(uuid).describe().unwrap_err();
        assert!(matches!(error, Error::TrackUuidTaken { uuid: found } if found == uuid), "{error}");
    }
    let mut chosen_first = TraceWriter::builder().first_track_uuid(u64::MAX - 1).build(Vec::new());
    let uuids = [(); 4].map(|()| chosen_first.track("t").describe().unwrap().uuid());
    assert_eq!(uuids, [u64::MAX - 1, u64::MAX, 1, 2]);
    assert!(chosen_first.track("t").uuid(u64::MAX - 1).describe().is_err());

    trace.begin(&mut mine, 0, "on mine").unwrap();
    trace.slice(&mut others[1], 50, 150, "on c").unwrap();
    trace.slice(&mut last, 60, 70, "on d").unwrap();
    trace.counter(&value, 60, 3).unwrap();
    trace.end(&mut mine, 100).unwrap();
    let Some(loaded) = check(&trace.finish().unwrap()) else { return };
    let mut slices: Vec<_> = loaded
        .slices
        .iter()
        .map(|slice| (slice.name.as_deref().unwrap(), slice.ts, slice.dur, loaded.track_name(slice).unwrap()))
        .collect();
    slices.sort_unstable();
    let row = |name, ts, dur, track: &str| (name, ts, dur, track.to_owned());
    assert_eq!(slices, [row("on c", 50, 100, "c"), row("on d", 60, 10, "d"), row("on mine", 0, 100, "mine")]);
}

/// What the trace processor would drop is refused: the times of a clock after it has gone back, and those before the zero of the trace's clock.
#[test]
fn times_that_can_not_be_converted_are_refused() {
    let mut trace = TraceWriter::builder().clock(Clock::Boottime).build(Vec::new());
    let mut track = trace.track("track").describe().unwrap();
    trace.clock_snapshot(&[(Clock::Boottime, 1_000), (Clock::Realtime, 9_000), (Clock::Monotonic, 500)]).unwrap();
    let mut slice = |trace: &mut TraceWriter<_>, at: u64, name| {
        trace.slice(&mut track, Clock::Realtime.at(at), Clock::Realtime.at(at + 100), name)
    };
    let error = slice(&mut trace, 7_999, "before").unwrap_err();
    assert!(matches!(error, Error::TimestampBeforeZero { timestamp: 7_999, earliest: 8_000 }), "{error}");
    slice(&mut trace, 8_000, "at zero").unwrap();
    slice(&mut trace, 9_500, "first").unwrap();
    trace.clock_snapshot(&[(Clock::Boottime, 2_000), (Clock::Realtime, 10_500)]).unwrap();
    slice(&mut trace, 10_600, "second").unwrap();
    trace.clock_snapshot(&[(Clock::Boottime, 3_000), (Clock::Realtime, 10_400)]).unwrap();
    let error = slice(&mut trace, 10_800, "after it went back").unwrap_err();
    assert!(matches!(error, Error::ClockWentBack { clock: Clock::Realtime }), "{error}");
    trace.clock_snapshot(&[(Clock::Boottime, 4_000), (Clock::Realtime, 20_000)]).unwrap();
    assert!(matches!(slice(&mut trace, 20_000, "for good"), Err(Error::ClockWentBack { .. })));
    // Others go on.
    trace.instant(&track, Clock::Monotonic.at(0), "other clock").unwrap();
    trace.slice(&mut track, 5_000, 5_100, "own clock").unwrap();
    let Some(loaded) = check(&trace.finish().unwrap()) else { return };
    let mut slices: Vec<_> =
        loaded.slices.iter().map(|slice| (slice.ts, slice.dur, slice.name.as_deref().unwrap())).collect();
    slices.sort_unstable();
    let expected = [
        (0, 100, "at zero"),
        (500, 0, "other clock"),
        (1_500, 100, "first"),
        (2_100, 100, "second"),
        (5_000, 100, "own clock"),
    ];
    assert_eq!(slices, expected);
}

#[test]
fn an_address_is_shown_as_one_wherever_it_lies() {
    let mut trace = TraceWriter::new(Vec::new());
    let track = trace.track("cpu").describe().unwrap();
    let say = |event: &mut pftrace::Event<'_>| {
        event.pointer("pc", 0xfffc).dict("registers", |registers| {
            registers.pointer("sp", u64::MAX);
        });
        event.array("stack", |stack| _ = stack.pointer(0).pointer(1 << 63));
    };
    trace.instant_with(&track, 1, "trap", say).unwrap();
    let Some(loaded) = check(&trace.finish().unwrap()) else { return };
    let args = &loaded.slices[0].args;
    assert_eq!(args["debug.pc"], Arg::Pointer(0xfffc));
    assert_eq!(args["debug.registers.sp"], Arg::Pointer(u64::MAX));
    assert_eq!(args["debug.stack[0]"], Arg::Pointer(0));
    assert_eq!(args["debug.stack[1]"], Arg::Pointer(1 << 63));
}

/// As the documentation of flows says: in the order of time, one event the end of one and the begin of another, and a number
/// that is free again after its last step.
#[test]
fn a_flow_leads_from_step_to_step_in_time() {
    let mut trace = TraceWriter::new(Vec::new());
    let mut tracks = ["client", "server", "log"].map(|name| trace.track(name).describe().unwrap());
    let [client, server, log] = &mut tracks;
    // The last step is written first.
    trace.slice_with(client, 500, 600, "read", |event| _ = event.terminating_flow(2)).unwrap();
    trace.slice_with(server, 300, 400, "answer", |event| _ = event.terminating_flow(1).flow(2)).unwrap();
    trace.slice_with(log, 100, 200, "ask", |event| _ = event.flow(1)).unwrap();
    trace.slice_with(log, 700, 800, "ask again", |event| _ = event.flow(1)).unwrap();
    trace.slice_with(server, 900, 950, "answer again", |event| _ = event.terminating_flow(1)).unwrap();
    let Some(loaded) = check(&trace.finish().unwrap()) else { return };
    let name = |id| loaded.slices.iter().find(|slice| slice.id == id).unwrap().name.clone().unwrap();
    let mut arrows: Vec<_> =
        loaded.flows.iter().map(|(from, to)| format!("{} -> {}", name(*from), name(*to))).collect();
    arrows.sort();
    assert_eq!(arrows, ["answer -> read", "ask -> answer", "ask again -> answer again"]);
}

/// What the documentation says of v52. When this fails because a newer one shows them, the documentation is to follow.
#[test]
fn v52_shows_no_command_line() {
    let mut trace = TraceWriter::new(Vec::new());
    trace.process_track(7).name("game").cmdline(&["game", "--fast"]).describe().unwrap();
    let Some(loaded) = check(&trace.finish().unwrap()) else { return };
    let [process] = &loaded.processes.values().collect::<Vec<_>>()[..] else { panic!("one process") };
    assert_eq!((process.name.as_deref(), &process.cmdline), (Some("game"), &None));
}

/// As the documentation of threads says; that it compiles is the test.
#[test]
fn writers_and_tracks_go_from_thread_to_thread() {
    fn goes<T: Send>() {}
    goes::<FileTraceWriter>();
    goes::<Track>();
    goes::<pftrace::ProcessTrack>();
    goes::<pftrace::CounterTrack>();
    goes::<pftrace::StateTrack>();
    goes::<TraceWriter<pftrace::BufferSink<'_>, &mut [u64]>>();
}

/// A thread and its counter in one sequence take less than with the counter in the main one.
#[test]
fn a_counter_on_its_threads_sequence_saves_bytes() {
    let bytes = |own: bool| {
        let mut trace = TraceWriter::new(Vec::new());
        let process = trace.process_track(1).describe().unwrap();
        let mut threads = [1, 2].map(|tid| {
            let sequence = trace.add_sequence();
            let thread = trace.thread_track(&process, tid).sequence(sequence).describe().unwrap();
            let counter = trace.counter_track("load").parent(&process);
            let counter = if own { counter.sequence(sequence) } else { counter };
            (thread, counter.describe().unwrap())
        });
        for now in 0..100 {
            // Each thread is a second apart from the other.
            for ((thread, counter), apart) in threads.iter_mut().zip([1_000_000_000, 2_000_000_000]) {
                let now = now * 1_000 + apart;
                trace.slice(thread, now, now + 500, "work").unwrap();
                trace.counter(counter, now + 500, 5).unwrap();
            }
        }
        trace.bytes()
    };
    let (own, main) = (bytes(true), bytes(false));
    assert!(own + 100 * 7 < main, "{own} {main}");
}
