//! Every form of every macro, and the rows that it makes.

use std::collections::BTreeMap;
use std::thread;

use pftrace::{begin, counter, end, instant, slice};
use pftrace_testkit::{Arg, check};

use crate::{record, record_as};

pftrace::categories! {
    RENDER = "render";
    pub(crate) IO = "io.disk";
}

#[test]
fn slices_nest_and_have_their_categories() {
    let recorded = record(|| {
        let _frame = slice!(RENDER, "frame");
        {
            let _item = slice!("item", "draw");
            begin!(IO, "read");
            instant!(self::IO, "byte");
            end!(IO);
        }
        let name = String::from("at run time");
        let _late = slice!(RENDER, &name);
    });
    let Some((loaded, report)) = recorded else { return };
    let rows: Vec<_> = loaded
        .slices
        .iter()
        .map(|slice| (slice.name.as_deref().unwrap(), slice.category.as_deref().unwrap(), slice.depth))
        .collect();
    let expected = [
        ("frame", "render", 0),
        ("draw", "item", 1),
        ("read", "io.disk", 2),
        ("byte", "io.disk", 3),
        ("at run time", "render", 1),
    ];
    assert_eq!(rows, expected);
    assert!(loaded.slices.iter().all(|slice| slice.dur >= 0));
    assert_eq!((report.events, report.thread_count), (9, 1));
}

#[test]
fn annotations_are_of_every_kind() {
    #[derive(Debug)]
    #[expect(dead_code, reason = "it is for its `Debug`")]
    struct Point {
        x: i32,
    }
    let recorded = record(|| {
        let (shorthand, text, none) = (7_u8, String::from("owned"), None::<u64>);
        let point = Point { x: -1 };
        let shown = "displayed";
        instant!(
            "c",
            "numbers",
            a = i8::MIN,
            b = i16::MIN,
            c = i32::MIN,
            d = i64::MIN,
            e = -1_isize,
            f = u8::MAX,
            g = u16::MAX,
            h = u32::MAX,
            i = u64::MAX,
            j = 5_usize,
            k = 0.5_f32,
            l = -1e300,
            m = true,
        );
        instant!(
            "c", "texts", shorthand, s = "static", o = text, r = &text, none, some = Some("x"), opt = Some(&3),
            p = 0x10 as *const u8, q = ?point, w = %shown, ?point, %shown, z = 'z', big = u128::MAX, r#type = 1,
            cow = std::borrow::Cow::Borrowed("cow"), args = format_args!("{}-{}", 1, 2),
        );
        let _slice = slice!("c", "slice", n = 1);
        let _named = slice!("c", text.as_str(), n = 2);
    });
    let Some((loaded, _)) = recorded else { return };
    let args = |name: &str| {
        let slice = loaded.slices_named(name)[0];
        let own =
            slice.args.iter().filter_map(|(key, value)| Some((key.strip_prefix("debug.")?.to_owned(), value.clone())));
        own.collect::<BTreeMap<String, Arg>>()
    };
    let map = |entries: &[(&str, Arg)]| -> BTreeMap<String, Arg> {
        entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
    };
    let text = |text: &str| Arg::Text(text.into());
    let numbers = [
        ("a", Arg::Int(-128)),
        ("b", Arg::Int(-32768)),
        ("c", Arg::Int(i32::MIN.into())),
        ("d", Arg::Int(i64::MIN)),
        ("e", Arg::Int(-1)),
        ("f", Arg::Uint(255)),
        ("g", Arg::Uint(65535)),
        ("h", Arg::Uint(u32::MAX.into())),
        ("i", Arg::Uint(u64::MAX)),
        ("j", Arg::Uint(5)),
        ("k", Arg::Real(0.5)),
        ("l", Arg::Real(-1e300)),
        ("m", Arg::Bool(true)),
    ];
    assert_eq!(args("numbers"), map(&numbers));
    let texts = [
        ("shorthand", Arg::Uint(7)),
        ("s", text("static")),
        ("o", text("owned")),
        ("r", text("owned")),
        ("some", text("x")),
        ("opt", Arg::Int(3)),
        ("p", Arg::Pointer(0x10)),
        ("q", text("Point { x: -1 }")),
        ("w", text("displayed")),
        ("point", text("Point { x: -1 }")),
        ("shown", text("displayed")),
        ("z", text("z")),
        ("big", text("340282366920938463463374607431768211455")),
        ("type", Arg::Int(1)),
        ("cow", text("cow")),
        ("args", text("1-2")),
    ];
    assert_eq!(args("texts"), map(&texts));
    assert_eq!(args("slice"), map(&[("n", Arg::Int(1))]));
    assert_eq!(args("owned"), map(&[("n", Arg::Int(2))]));
}

#[test]
fn counters_of_one_name_are_one_track() {
    let recorded = record(|| {
        counter!("queue", "length", 3_u64);
        counter!("queue", "length", -1);
        counter!("queue", "load", 0.25);
        counter!("queue", "length", u64::MAX);
        counter!(IO, "open", true);
    });
    let Some((loaded, _)) = recorded else { return };
    let values = |name| loaded.counter_values(name).iter().map(|(_, value)| *value).collect::<Vec<_>>();
    assert_eq!(values("length"), [3.0, -1.0, u64::MAX as f64]);
    assert_eq!(values("load"), [0.25]);
    assert_eq!(values("open"), [1.0]);
    let named = loaded.tracks.values().filter(|track| track.name.as_deref() == Some("length"));
    assert_eq!(named.count(), 1);
}

#[test]
fn threads_and_the_process_are_named() {
    let recorded = record(|| {
        let spawn = |name: &str| {
            let record = || {
                for _ in 0..100 {
                    let _work = slice!("t", "work");
                }
            };
            thread::Builder::new().name(name.into()).spawn(record).unwrap()
        };
        let threads = ["short", "a name of more than fifteen bytes"].map(spawn);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let unnamed = thread::spawn(|| instant!("t", "unnamed"));
        unnamed.join().unwrap();
    });
    let Some((loaded, report)) = recorded else { return };
    assert_eq!((report.events, report.thread_count), (401, 3));
    for name in ["short", "a name of more than fifteen bytes"] {
        let own: Vec<_> =
            loaded.slices.iter().filter(|slice| loaded.track_name(slice).as_deref() == Some(name)).collect();
        assert_eq!(own.len(), 100, "{name}");
        assert!(own.iter().all(|slice| slice.dur >= 0 && slice.depth == 0));
        assert!(own.windows(2).all(|pair| pair[0].ts + pair[0].dur <= pair[1].ts));
    }
    let process = loaded.processes.values().next().unwrap();
    assert_eq!(process.pid, i64::from(std::process::id()));
    assert!(process.name.as_ref().unwrap().starts_with("recording"), "{process:?}");
    assert!(loaded.threads.values().all(|thread| thread.upid.is_some()));
}

/// What is off is not evaluated.
#[test]
fn categories_are_switched_while_recording() {
    let mut evaluated = 0;
    let recorded = record(|| {
        let mut value = || {
            evaluated += 1;
            evaluated
        };
        for (patterns, is_on) in [("", true), ("-render", false), ("io.*", false), ("*", true)] {
            pftrace::set_categories(patterns);
            assert_eq!(RENDER.is_enabled(), is_on);
            instant!(RENDER, "r", n = value());
            let _slice = slice!(IO, "i");
            instant!("other", "o");
        }
    });
    let Some((loaded, _)) = recorded else { return };
    assert_eq!(evaluated, 2);
    let count = |name| loaded.slices_named(name).len();
    assert_eq!((count("r"), count("i"), count("o")), (2, 4, 3));
}

/// Also not once, where a category is off before anything of it was met.
#[test]
fn what_was_never_on_is_never_evaluated() {
    pftrace::categories! {
        NEVER = "never";
    }
    let never = || -> u64 { panic!("it is evaluated") };
    let recorded = record(|| {
        pftrace::set_categories("-never -unmet");
        assert!(!NEVER.is_enabled());
        instant!(NEVER, "x", value = never());
        let _slice = slice!("unmet", "y", value = ?never());
        counter!("unmet", "z", never());
        instant!("met", "shown");
        pftrace::set_categories("");
        assert!(NEVER.is_enabled());
    });
    let Some((loaded, _)) = recorded else { return };
    assert_eq!(loaded.slices.len(), 1);
}

/// The numbers of threads that are gone are given out again, also while others record without a pause.
#[test]
fn sequences_are_used_again() {
    let (trace, report) = record_as(
        |builder| builder.drain_by_caller(),
        |session| {
            instant!("t", "of the first");
            for _ in 0..3 {
                thread::spawn(|| instant!("t", "of one that goes")).join().unwrap();
                session.drain().unwrap();
                // The drain looks around each second.
                thread::sleep(std::time::Duration::from_millis(1_050));
                instant!("t", "of the first");
                session.drain().unwrap();
            }
        },
    );
    assert_eq!((report.events, report.thread_count), (7, 4));
    let Some(packets) = pftrace_testkit::compare_decoders(&trace) else { return };
    let sequences: std::collections::BTreeSet<_> =
        packets.iter().map(|packet| packet["trusted_packet_sequence_id"].to_string()).collect();
    assert_eq!(sequences.len(), 3, "the drain's, the first thread's, and one for the others: {sequences:?}");
    let Some(loaded) = check(&trace) else { return };
    assert_eq!(loaded.slices_named("of one that goes").len(), 3);
}

/// A thread that is renamed while it records, and one that exits, whose number goes to the next.
#[test]
fn renames_are_seen() {
    let (trace, report) = record_as(
        |builder| builder,
        |session| {
            let renamed = thread::Builder::new().name("old name".into()).spawn(|| {
                instant!("t", "before");
                std::fs::write("/proc/thread-self/comm", "new name").unwrap();
                // The drain looks each second.
                thread::sleep(std::time::Duration::from_millis(2_500));
                instant!("t", "after");
            });
            renamed.unwrap().join().unwrap();
            for _ in 0..2 {
                thread::spawn(|| instant!("t", "short-lived")).join().unwrap();
            }
            assert!(session.stats().thread_count <= 3);
        },
    );
    assert_eq!(report.threads[0].name, "new name");
    let Some(loaded) = check(&trace) else { return };
    let names: Vec<_> = loaded.threads.values().filter_map(|thread| thread.name.as_deref()).collect();
    assert!(names.contains(&"new name") && !names.contains(&"old name"), "{names:?}");
    assert_eq!(loaded.slices_named("short-lived").len(), 2);
}

/// What the trace says of the machine's clocks is what they say: so traces of several processes and machines line up.
#[test]
fn the_clocks_of_the_machine_are_told() {
    use rustix::time::{ClockId, clock_gettime};
    let (trace, _) = record_as(
        |builder| builder.drain_by_caller(),
        |session| {
            instant!("t", "x");
            session.drain().unwrap();
        },
    );
    let ns = |clock| {
        let now = clock_gettime(clock);
        i128::from(now.tv_sec) * 1_000_000_000 + i128::from(now.tv_nsec)
    };
    // What is true of the machine now, of the best of some readings.
    let offset = |clock| {
        let reading = |_| {
            let before = ns(ClockId::Monotonic);
            let other = ns(clock);
            let after = ns(ClockId::Monotonic);
            (after - before, other - (before + after) / 2)
        };
        (0..100).map(reading).min().unwrap().1
    };
    let Some(packets) = pftrace_testkit::compare_decoders(&trace) else { return };
    let first = &packets[0]["clock_snapshot"]["clocks"];
    let told = |id: i64| {
        let entry = first.as_array().unwrap().iter().find(|entry| entry["clock_id"].as_i64() == Some(id)).unwrap();
        entry["timestamp"].as_str().unwrap().parse::<i128>().unwrap()
    };
    let (monotonic, boottime, realtime) = (told(3), told(6), told(1));
    let near = |found: i128, clock| (found - offset(clock)).abs() < 20_000;
    assert!(near(boottime - monotonic, ClockId::Boottime), "{first}");
    assert!(near(realtime - monotonic, ClockId::Realtime), "{first}");
}

/// Call sites that are made while the program runs, as an interpreter would.
#[test]
fn call_sites_are_made_at_run_time() {
    use pftrace::{Annotate, Argument, CallSite, Category, Detail, EventKind, Lanes, ThisThread};
    static LANES: Lanes = Lanes::new("run-time lanes");
    static SCRIPT: Category = Category::new("script");
    let recorded = record(|| {
        let make = |kind, name: Option<String>| -> &'static CallSite {
            let name = name.map(|name| &*name.leak());
            let keys: &'static [&'static str] = if kind == EventKind::Counter { &[] } else { &["line", "file"] };
            Box::leak(Box::new(CallSite::new(kind, &SCRIPT, name, keys)))
        };
        for number in 0..300 {
            let function = make(EventKind::Slice, Some(format!("function {number}")));
            assert!(function.is_enabled());
            let _slice = function.slice(None, &[number.argument(), "a.lua".argument()]);
            make(EventKind::Instant, None).instant(Some("given"), &[7.argument()]);
        }
        make(EventKind::Counter, Some("depth".into())).counter(3);
        let slice =
            make(EventKind::Slice, None).slice_on(&LANES, Some("on a lane"), &[1.argument()], &[Detail::Flow(9)]);
        let lane = slice.track().unwrap();
        make(EventKind::Instant, Some("within".into())).instant_on(lane, None, &[], &[Detail::TerminatingFlow(9)]);
        make(EventKind::End, None).end(slice, &[Argument::None, "late".argument()], &[]);
        let own = make(EventKind::Slice, Some("own".into())).slice_on(ThisThread, None, &[], &[Detail::At(5)]);
        // Of the wrong kind: it ends, and no more is said.
        make(EventKind::Instant, None).end(own, &[7.argument()], &[]);
        // Of the wrong kind: nothing.
        make(EventKind::Counter, Some("depth".into())).instant(None, &[]);
    });
    let Some((loaded, report)) = recorded else { return };
    assert_eq!(report.events, 906);
    for number in [0, 127, 128, 299] {
        let slices = loaded.slices_named(&format!("function {number}"));
        assert_eq!(slices.len(), 1);
        assert_eq!(slices[0].category.as_deref(), Some("script"));
        assert_eq!(slices[0].args["debug.line"], Arg::Int(number));
        assert_eq!(slices[0].args["debug.file"], Arg::Text("a.lua".into()));
    }
    let lane = loaded.slices_named("on a lane")[0];
    assert_eq!((&lane.args["debug.line"], &lane.args["debug.file"]), (&Arg::Int(1), &Arg::Text("late".into())));
    let within = loaded.slices_named("within")[0];
    assert_eq!((within.parent, loaded.flows.clone()), (Some(lane.id), vec![(lane.id, within.id)]));
    assert_eq!(loaded.slices_named("own")[0].ts, 5);
    assert_eq!(loaded.slices_named("given").len(), 300);
    assert_eq!(loaded.counter_values("depth").len(), 1);
}

/// What is given beyond a call site's own.
#[test]
fn a_call_site_has_the_name_and_the_keys_that_it_has() {
    use pftrace::{Annotate, CallSite, Category, EventKind, ThisThread};
    static SCRIPT: Category = Category::new("script");
    static SLICE: CallSite = CallSite::new(EventKind::Slice, &SCRIPT, Some("slice"), &["first"]);
    static INSTANT: CallSite = CallSite::new(EventKind::Instant, &SCRIPT, Some("instant"), &["second", "third"]);
    static END: CallSite = CallSite::new(EventKind::End, &SCRIPT, None, &[]);
    let (trace, report) = record_as(
        |builder| builder,
        |_| {
            let arguments = [1.argument(), 2.argument(), 3.argument(), 4.argument()];
            for _ in 0..3 {
                drop(SLICE.slice(Some("given"), &arguments));
                INSTANT.instant(Some("given"), &arguments);
                END.end(SLICE.slice_on(ThisThread, Some("given"), &arguments, &[]), &arguments, &[]);
                INSTANT.instant_on(ThisThread, Some("given"), &arguments, &[]);
            }
        },
    );
    assert_eq!(report.events, 18);
    assert!(!trace.windows(5).any(|bytes| bytes == b"given"));
    let Some(loaded) = check(&trace) else { return };
    for (number, row) in loaded.slices.iter().enumerate() {
        let (name, keys): (_, &[_]) =
            if number % 2 == 0 { ("slice", &["debug.first"]) } else { ("instant", &["debug.second", "debug.third"]) };
        let args: Vec<_> = row.args.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
        let expected: Vec<_> = keys.iter().zip(1..).map(|(&key, value)| (key, Arg::Int(value))).collect();
        assert_eq!((row.name.as_deref(), args), (Some(name), expected));
    }
    assert_eq!(loaded.slices.len(), 12);
}

/// So many that their numbers take one, two and three bytes.
#[test]
fn each_annotation_has_the_name_of_its_key() {
    use pftrace::{Annotate, CallSite, Category, EventKind};
    const SITES: usize = 900;
    static SCRIPT: Category = Category::new("script");
    let count = |site: usize| if site % 3 == 0 { 32 } else { 1 + site % 32 };
    let key = |site: usize, number: usize| format!("key {number} of {site}");
    let sites: Vec<&'static CallSite> = (0..SITES)
        .map(|site| {
            let keys: Vec<&'static str> = (0..count(site)).map(|number| &*key(site, number).leak()).collect();
            &*Box::leak(Box::new(CallSite::new(EventKind::Instant, &SCRIPT, Some("site"), keys.leak())))
        })
        .collect();
    let recorded = record(|| {
        for (number, site) in sites.iter().enumerate() {
            let arguments: Vec<_> = (0..count(number)).map(|_| number.argument()).collect();
            // Some are short, and the last ones' keys as well.
            site.instant(None, &arguments[..count(number).min(1 + number % 7)]);
            site.instant(None, &arguments);
        }
    });
    let Some((loaded, report)) = recorded else { return };
    assert_eq!((report.events, report.dropped.total()), (2 * SITES as u64, 0));
    assert!((0..SITES).map(count).sum::<usize>() > 1 << 14);
    for (site, rows) in loaded.slices.chunks(2).enumerate() {
        for (row, count) in rows.iter().zip([count(site).min(1 + site % 7), count(site)]) {
            let expected: std::collections::BTreeMap<_, _> =
                (0..count).map(|number| (format!("debug.{}", key(site, number)), Arg::Uint(site as u64))).collect();
            assert_eq!(row.args, expected, "{site}");
        }
    }
}

/// Names and texts whose lengths, or the lengths of what they are in, take one, two and three bytes; soon after the event before, and late; formatted, too.
#[test]
fn long_names_and_texts_are_as_recorded() {
    struct Shown<'t>(&'t str);
    impl std::fmt::Display for Shown<'_> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0)
        }
    }
    let lens: Vec<usize> = (60..130).chain([250, 1_000]).chain((16_370..16_388).step_by(3)).collect();
    let text = |len: usize, last: &str| "ä".repeat(len / 2) + last;
    // Both together are an event that is not cut.
    let texts = |len: usize| (text(len.min(15_000), "n"), text(len, "v"));
    let (trace, report) = record_as(
        |builder| builder.buffer_bytes(64 << 20),
        |_| {
            for &len in &lens {
                if len % 3 == 0 {
                    thread::sleep(std::time::Duration::from_micros(50));
                }
                let (name, value) = texts(len);
                let _slice = slice!(IO, name.as_str(), len, value, half = 0.5);
                let _inner = slice!(RENDER, "inner", value = value.as_str());
                begin!(IO, &name);
                instant!(IO, "shown", shown = %Shown(&value), none = None::<u8>, yes = true, len = u64::MAX - len as u64);
                end!(IO);
            }
        },
    );
    assert_eq!((report.events, report.dropped.total()), (7 * lens.len() as u64, 0), "{report:?}");
    assert_eq!(report.threads[0].truncated, 0);
    let Some(loaded) = check(&trace) else { return };
    assert_eq!(loaded.slices.len(), 4 * lens.len());
    for (rows, &len) in loaded.slices.chunks(4).zip(&lens) {
        let (name, value) = texts(len);
        let found: Vec<_> = rows.iter().map(|row| (row.name.as_deref().unwrap(), row.depth, row.args.len())).collect();
        assert_eq!(found, [(&*name, 0, 3), ("inner", 1, 1), (&*name, 2, 0), ("shown", 3, 3)], "{len}");
        assert_eq!(rows[0].args["debug.value"], Arg::Text(value.clone()));
        assert_eq!(
            (&rows[0].args["debug.len"], &rows[0].args["debug.half"]),
            (&Arg::Uint(len as u64), &Arg::Real(0.5))
        );
        assert_eq!(rows[1].args["debug.value"], Arg::Text(value.clone()));
        assert_eq!(rows[3].args["debug.shown"], Arg::Text(value));
        assert_eq!(rows[3].args["debug.len"], Arg::Uint(u64::MAX - len as u64));
    }
}

/// More call sites in a chunk than can be listed on the way that is tried first.
#[test]
fn long_texts_of_many_call_sites_have_their_names() {
    const TEXT: &str = "a text that is as long as those are that have two bytes of length, which is longer than it seems at first sight: 127 bytes and more";
    macro_rules! eight {
        ($each:expr) => {
            [$each, $each, $each, $each, $each, $each, $each, $each]
        };
    }
    type Some = [fn(); 8];
    static ALL: [[Some; 8]; 8] = eight!(eight!(eight!(|| instant!(IO, "one of many", text = TEXT))));
    let (trace, report) = record_as(
        |builder| builder.buffer_bytes(64 << 20),
        |_| (0..3).for_each(|_| ALL.as_flattened().as_flattened().iter().for_each(|record| record())),
    );
    assert_eq!((report.events, report.dropped.total()), (3 * 512, 0), "{report:?}");
    let Some(loaded) = check(&trace) else { return };
    let expected = BTreeMap::from([(String::from("debug.text"), Arg::Text(TEXT.into()))]);
    for row in &loaded.slices {
        assert_eq!((row.name.as_deref(), &row.args), (Some("one of many"), &expected));
    }
}
