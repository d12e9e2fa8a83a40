//! What events can say that has a table of its own, and what v52 does not know: judged by two decoders.

use std::panic::Location;

use pftrace::protos::TrackEvent;
use pftrace::protos::track_event::Type;
use pftrace::{Frame, LogPriority, NamedState, NamedTrack, begin, end, here, instant, slice, state};
use pftrace_testkit::{Arg, TraceProcessor, Value, check, compare_decoders};
use serde_json::json;

use crate::{record, record_as};

#[rustfmt::skip]
#[path = "app/generated.rs"]
mod generated;

#[test]
fn places_in_the_source_are_shown() {
    #[track_caller]
    fn helper() {
        instant!(source_location: Location::caller(), "l", "by its caller");
    }
    let mut lines = (0, 0);
    let recorded = record(|| {
        let _slice = slice!(source_location: here!(), "l", "here");
        let in_closure = || instant!(source_location: here!(), "l", "in a closure");
        lines.0 = line!() - 2;
        in_closure();
        helper();
        lines.1 = line!() - 1;
        // The same place in another generation is there again.
        for _ in 0..3 {
            instant!(source_location: here!(), "l", "again");
        }
        // One call site, and places that are new to its chunk one by one.
        for place in [here!(), here!(), here!()] {
            (0..2).for_each(|_| instant!(source_location: place, "l", "some places"));
        }
    });
    let Some((loaded, _)) = recorded else { return };
    let text = |text: &str| Arg::Text(text.into());
    let here = &loaded.slices_named("here")[0].args;
    assert_eq!(here["source.file_name"], text(file!()));
    assert_eq!(here["source.function_name"], text("recording::details::places_in_the_source_are_shown"));
    assert_eq!(here["source.line_number"], Arg::Uint(lines.0.into()));
    let in_closure = &loaded.slices_named("in a closure")[0].args;
    assert_eq!(in_closure["source.function_name"], here["source.function_name"]);
    let caller = &loaded.slices_named("by its caller")[0].args;
    assert_eq!(caller["source_location.file_name"], text(file!()));
    assert_eq!(caller["source_location.line_number"], Arg::Uint(lines.1.into()));
    assert!(loaded.slices_named("again").iter().all(|slice| slice.args.contains_key("source.file_name")));
    let some_places = loaded.slices_named("some places");
    assert!(some_places.len() == 6 && some_places.iter().all(|slice| slice.args["source.file_name"] == text(file!())));
}

#[test]
fn log_messages_are_in_the_log() {
    static TRACK: NamedTrack = NamedTrack::new("log-track");
    let (trace, _) = record_as(
        |builder| builder,
        |_| {
            instant!(log: (LogPriority::Info, "started"), "log", "start");
            for number in 0..3 {
                instant!(log: (LogPriority::Warn, format_args!("number {number}")), "log", "step", number, ?number);
            }
            let slice = slice!(log: (LogPriority::Error, String::from("failed")), "log", "failing");
            pftrace::end!(slice: slice, log: (LogPriority::Debug, "ended"));
            instant!(track: &TRACK, log: (LogPriority::Fatal, 'x'), "log", "elsewhere");
        },
    );
    let Some(loaded) = check(&trace) else { return };
    let Some(mut processor) = TraceProcessor::shared() else { return };
    processor.load(&trace).unwrap();
    let rows = processor.query("select prio, msg, ts, utid from android_logs order by ts, id").unwrap().rows;
    let lines: Vec<_> = rows.iter().map(|row| (row[0].int(), row[1].some_text().unwrap())).collect();
    let expected = [(4, "started"), (5, "number 0"), (5, "number 1"), (5, "number 2"), (6, "failed"), (3, "ended")];
    assert_eq!(lines, expected.map(|(prio, text)| (prio, text.to_owned())));
    assert_eq!(rows[0][2], Value::Int(loaded.slices_named("start")[0].ts));
    let step = &loaded.slices_named("step")[2].args;
    assert_eq!((&step["debug.number"], step.len()), (&Arg::Text("2".into()), step.len()));
    // A log is a thread's: on another track it is an annotation.
    assert_eq!(loaded.slices_named("elsewhere")[0].args["debug.log"], Arg::Text("x".into()));
}

/// The `track_event`s that have a field, of either decoder's packets.
fn events_with(trace: &[u8], field: &str) -> Option<Vec<serde_json::Value>> {
    let packets = compare_decoders(trace)?;
    let events = packets.iter().map(|packet| packet["track_event"].clone());
    Some(events.filter(|event| !event[field].is_null()).collect())
}

#[test]
fn states_follow_each_other() {
    static POWER: NamedState = NamedState::new("power").description("of the radio");
    let (trace, report) = record_as(
        |builder| builder,
        |_| {
            let busy = String::from("at run time");
            state!(track: &POWER, "radio", "off");
            state!(track: &POWER, "radio", busy.as_str());
            state!(track: &POWER, at: 5_u64, "radio", "off");
            state!(track: &POWER, "radio");
        },
    );
    assert_eq!(report.events, 4);
    let Some(packets) = compare_decoders(&trace) else { return };
    let descriptor = packets.iter().find(|packet| !packet["track_descriptor"]["state"].is_null()).unwrap();
    let descriptor = &descriptor["track_descriptor"];
    assert_eq!((&descriptor["name"], &descriptor["description"]), (&json!("power"), &json!("of the radio")));
    let names = packets.iter().filter_map(|packet| packet["interned_data"]["event_names"].as_array()).flatten();
    let names: Vec<_> = names.map(|entry| (entry["iid"].clone(), entry["name"].clone())).collect();
    let states: Vec<_> = packets.iter().filter(|packet| packet["track_event"]["type"] == "TYPE_STATE").collect();
    let state_of = |packet: &serde_json::Value| {
        let event = &packet["track_event"];
        assert_eq!(event["track_uuid"], descriptor["uuid"]);
        assert_eq!(event["category_iids"].as_array().unwrap().len(), 1);
        let named = names.iter().find(|(iid, _)| *iid == event["name_iid"]).map(|(_, name)| name);
        named.unwrap_or(&event["name"]).clone()
    };
    let shown: Vec<_> = states.iter().map(|packet| state_of(packet)).collect();
    assert_eq!(shown, [json!("off"), json!("at run time"), json!("off"), json!(null)]);
    assert_eq!((&states[2]["timestamp"], &states[2]["timestamp_clock_id"]), (&json!("5"), &json!(3)));
}

#[test]
fn callstacks_are_written() {
    let (trace, _) = record_as(
        |builder| builder,
        |_| {
            let frames = [
                Frame::function("main"),
                Frame::Function { name: "work", file: "src/work.rs", line: 7 },
                Frame::Address(0x5555_0000_1234),
            ];
            instant!(callstack: &frames, "c", "here", number = 1);
        },
    );
    let Some(events) = events_with(&trace, "callstack") else { return };
    let frames = json!([
        { "function_name": "main" },
        { "function_name": "work", "source_file": "src/work.rs", "line_number": 7 },
        { "function_name": "0x555500001234" },
    ]);
    assert_eq!((events.len(), &events[0]["callstack"]["frames"]), (1, &frames));
    assert_eq!(events[0]["debug_annotations"].as_array().unwrap().len(), 1);
}

/// Fields of one's own, with their schema in the trace: the trace processor shows them by it.
#[test]
fn extensions_are_shown() {
    use generated::app::TrackEventExtensions;
    let job = |event: &mut TrackEvent<'_>, id: i64, queue: &str| {
        event.set_job(|job| _ = job.set_id(id).set_queue(queue));
    };
    let (trace, _) = record_as(
        |builder| builder.extension_descriptor(*include_bytes!("app/app.binpb")),
        |_| {
            let queue = String::from("mail");
            let _slice = slice!(with: |event| job(event, 7, &queue), "x", "job", number = 1);
            begin!(with: |event| _ = event.set_callstack_weight(0.5), "x", "without");
            end!(with: |event| job(event, -1, "end"), "x");
        },
    );
    // The decoders do not know the field, and the trace processor not the weight.
    let Some(mut processor) = TraceProcessor::shared() else { return };
    let loaded = processor.load(&trace).unwrap();
    let args = |name| loaded.slices_named(name)[0].args.clone();
    assert_eq!(args("job")["job.id"], Arg::Int(7));
    assert_eq!(args("job")["job.queue"], Arg::Text("mail".into()));
    assert_eq!(args("job")["debug.number"], Arg::Int(1));
    assert_eq!(args("without")["job.queue"], Arg::Text("end".into()));
}

/// What a closure writes can't make the trace unreadable: two values of what has one are refused, and counted.
#[test]
fn what_is_no_message_is_dropped() {
    let (trace, report) = record_as(
        |builder| builder,
        |_| {
            instant!(with: |event| _ = event.set_correlation_id(1).set_correlation_id_str("2"), "m", "refused");
            let slice = slice!("m", "slice");
            pftrace::end!(slice: slice, with: |event| _ = event.set_name("a").set_name("b"));
            instant!(with: |event| _ = event.set_type(Type::TYPE_INSTANT), "m", "shown");
        },
    );
    assert_eq!((report.events, report.dropped.malformed, report.dropped.total()), (3, 1, 1));
    let Some(loaded) = crate::losses::check_lossy(&trace, 1) else { return };
    assert_eq!(loaded.slices.len(), 2);
    assert!(loaded.slices_named("slice")[0].dur > 0);
}

/// The begin of a slice that says too much, or what is no message, is a begin all the same: it, and what is around it, have their ends, also when the next chunk has begun meanwhile.
#[test]
fn a_begin_that_is_refused_is_a_begin() {
    static TRACK: NamedTrack = NamedTrack::new("refused-track");
    let (trace, report) = record_as(
        |builder| builder.buffer_bytes(256 << 10),
        |session| {
            let size = session.max_event_len();
            let _around = slice!("m", "around");
            for _ in 0..10 {
                let first = slice!("m", "first");
                let second = slice!("m", "second");
                drop(first);
                let refused =
                    slice!(with: |event| _ = event.set_correlation_id(1).set_correlation_id_str("2"), "m", "refused");
                // As deep as the second was, which has ended.
                drop(second);
                instant!("m", "within first");
                drop(refused);
                let large =
                    slice!(with: |event| _ = event.add_categories(&"x".repeat(size * 2)), "m", "large", number = 1);
                (0..300).for_each(|_| instant!("m", "filling"));
                drop(large);
                let on_track = slice!(track: &TRACK, with: |event| _ = event.set_correlation_id(1).set_correlation_id_str("2"), "m", "on a track");
                end!(slice: on_track, with: |event| _ = event.set_name("a").set_name("b"));
            }
        },
    );
    assert_eq!((report.dropped.total(), report.threads[0].truncated), (0, 40), "{report:?}");
    let Some(loaded) = check(&trace) else { return };
    assert!(loaded.slices.iter().all(|slice| slice.dur >= 0));
    let rows = loaded.slices.iter().map(|slice| (slice.name.as_deref().unwrap_or_default(), slice.depth));
    let (on_track, rows): (Vec<_>, Vec<_>) =
        rows.filter(|row| row.0 != "filling").partition(|row| row.0 == "on a track");
    assert_eq!(on_track, [("on a track", 0); 10]);
    let each = [("first", 1), ("second", 2), ("refused", 2), ("within first", 2), ("large", 1)];
    assert_eq!(rows, [&[("around", 0)][..], &each.repeat(10)].concat());
}

/// What could not be written anywhere takes no room from what can.
#[test]
fn what_is_no_message_takes_no_room() {
    let (trace, report) = record_as(
        |builder| builder.buffer_bytes(64 << 10).drain_by_caller(),
        |_| {
            for _ in 0..1000 {
                instant!(with: |event| _ = event.set_correlation_id(1).set_correlation_id_str("2"), "m", "refused");
            }
            instant!("m", "has room");
        },
    );
    assert_eq!((report.events, report.dropped.malformed, report.dropped.total()), (1, 1000, 1000));
    let Some(loaded) = crate::losses::check_lossy(&trace, 1000) else { return };
    assert_eq!(loaded.slices_named("has room").len(), 1);
}
