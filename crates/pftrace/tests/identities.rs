//! Numbers of processes and flows, addresses, and what of a description v52 shows.
#![cfg(feature = "std")]

use pftrace::{Error, FileTraceWriter, TraceWriter, Track};
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
