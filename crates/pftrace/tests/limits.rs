//! More of a program than has numbers: in a process of its own, since numbers are never given back.
#![cfg(all(feature = "recording", not(feature = "off")))]

use pftrace::{
    CallSite, Category, EventKind, MemorySink, NamedTrack, Report, Session, SourceLocation, TrackRef, instant,
};
use pftrace_testkit::{Arg, TraceProcessor};

/// As docs/recording.md says.
const MOST: usize = 32_768;

/// What is recorded here besides has numbers, too.
const OTHERS: usize = 8;

static CATEGORY: Category = Category::new("limits");

fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

fn recorded(record: impl FnOnce()) -> (Report, Vec<u8>) {
    let memory = MemorySink::new();
    let session = Session::builder().writer(memory.clone()).buffer_bytes(64 << 20).start().unwrap();
    record();
    (session.stop().unwrap(), memory.take())
}

#[test]
fn what_is_too_much_is_counted_or_written_out() {
    fn function() -> &'static str {
        "limits::function::within"
    }
    let location = |line| leak(SourceLocation::new("limits.rs", line as u32, function));
    let locations: Vec<_> = (0..MOST + OTHERS).map(location).collect();
    let site = |_| leak(CallSite::new(EventKind::Instant, &CATEGORY, Some("site"), &[]));
    let sites: Vec<_> = (0..MOST + OTHERS).map(site).collect();
    let track = |number| leak(NamedTrack::new(leak(format!("track {number}"))));
    let tracks: Vec<_> = (0..MOST + OTHERS).map(track).collect();
    let record = |numbers: std::ops::Range<usize>| {
        for number in numbers.clone() {
            instant!(source_location: locations[number], "limits", "somewhere");
            instant!(track: TrackRef::from(tracks[number]), "limits", "on a track");
        }
        numbers.for_each(|number| sites[number].instant(None, &[]));
    };
    recorded(|| record(0..MOST - OTHERS));
    // The last ones that have numbers, and some more, twice.
    let last = MOST - OTHERS..MOST + OTHERS;
    let (report, trace) = recorded(|| (0..2).for_each(|_| record(last.clone())));
    let (sites, tracks) = (report.dropped.too_many_call_sites as usize, report.dropped.too_many_tracks as usize);
    assert!((2 * OTHERS..=4 * OTHERS).contains(&sites) && sites % 2 == 0, "{report:?}");
    assert!((2 * OTHERS..=4 * OTHERS).contains(&tracks) && tracks % 2 == 0, "{report:?}");
    assert_eq!(report.lost() as usize, sites + tracks, "{report:?}");
    let Some(mut processor) = TraceProcessor::shared() else { return };
    let loaded = processor.load(&trace).unwrap();
    assert_eq!(loaded.slices_named("site").len(), 4 * OTHERS - sites);
    assert_eq!(loaded.slices_named("on a track").len(), 4 * OTHERS - tracks);
    let somewhere = loaded.slices_named("somewhere");
    assert_eq!(somewhere.len(), 4 * OTHERS);
    for (slice, line) in somewhere.iter().zip(last.clone().chain(last)) {
        let text = |text: &str| Some(Arg::Text(text.into()));
        // By a number, or written out.
        let prefix = if line < MOST { "source" } else { "source_location" };
        let arg = |name: &str| slice.args.get(&format!("{prefix}.{name}")).cloned();
        assert_eq!((arg("file_name"), arg("function_name")), (text("limits.rs"), text("limits::function")), "{line}");
        let found = arg("line_number");
        assert!(found == Some(Arg::Uint(line as u64)) || found == Some(Arg::Int(line as i64)), "{line}: {found:?}");
    }
}
