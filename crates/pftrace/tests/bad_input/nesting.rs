//! Too much in each other: annotations, slices, tracks.

use pftrace::{Array, Dict, MAX_ANNOTATION_DEPTH, MAX_OPEN_SLICES, MAX_TRACK_ANCESTORS};
use pftrace_testkit::Arg;

use crate::{finish, refused, trace};

pub(crate) fn nest_dicts(dict: &mut Dict<'_>, more: u32) {
    match more {
        0 => _ = dict.arg("leaf", 1),
        _ => _ = dict.dict("d", |dict| nest_dicts(dict, more - 1)),
    }
}

fn nest_arrays(array: &mut Array<'_>, more: u32) {
    match more {
        0 => _ = array.push(1),
        _ => _ = array.array(|array| nest_arrays(array, more - 1)),
    }
}

/// One kind in the other, in turn.
fn nest_both(dict: &mut Dict<'_>, more: u32) {
    match more {
        0 => _ = dict.arg("leaf", 1),
        1 => _ = dict.array("a", |array| _ = array.push(1)),
        _ => _ = dict.array("a", |array| _ = array.dict(|dict| nest_both(dict, more - 2))),
    }
}

#[test]
fn annotations_nested_too_deep() {
    let (mut trace, track) = trace();
    assert_eq!(MAX_ANNOTATION_DEPTH, 64);
    let message = "expected dictionaries and arrays nested at most 64 deep, found more";
    for inner in [64, 65, 200] {
        refused(&mut trace, message, |trace| {
            trace.instant_with(&track, 1, "deep", |event| _ = event.dict("d", |dict| nest_dicts(dict, inner)))
        });
        refused(&mut trace, message, |trace| {
            trace.instant_with(&track, 1, "deep", |event| _ = event.array("a", |array| nest_arrays(array, inner)))
        });
        refused(&mut trace, message, |trace| {
            trace.instant_with(&track, 1, "deep", |event| _ = event.dict("d", |dict| nest_both(dict, inner)))
        });
    }
    trace
        .instant_with(&track, 1, "as deep as may be", |event| {
            event.dict("d", |dict| nest_dicts(dict, 63)).array("a", |array| nest_arrays(array, 63));
            event.dict("b", |dict| nest_both(dict, 63));
        })
        .unwrap();
    let Some(loaded) = finish(trace, &track) else { return };
    let args = &loaded.slices_named("as deep as may be")[0].args;
    assert_eq!(args.len(), 3);
    assert_eq!(args[&format!("debug{}.leaf", ".d".repeat(64))], Arg::Int(1));
    assert_eq!(args[&format!("debug.a{}", "[0]".repeat(64))], Arg::Int(1));
    assert!(
        args.contains_key(&format!("debug.d{}.a[0]", ".a[0]".repeat(31)).replacen("debug.d", "debug.b", 1)),
        "{args:?}"
    );
}

#[test]
fn an_end_of_what_is_not_open() {
    let (mut trace, mut track) = trace();
    let message = "expected an open slice to end, found none on this track";
    refused(&mut trace, message, |trace| trace.end(&mut track, 1));
    trace.begin(&mut track, 5, "slice").unwrap();
    trace.end(&mut track, 6).unwrap();
    for _ in 0..3 {
        refused(&mut trace, message, |trace| trace.end_with(&mut track, 7, |event| _ = event.arg("a", 1)));
    }
    let mut process = trace.process_track(1).describe().unwrap();
    refused(&mut trace, message, |trace| trace.end(&mut process, 8));
    let Some(loaded) = finish(trace, &track) else { return };
    assert_eq!(loaded.slices.iter().map(|slice| slice.dur).collect::<Vec<_>>(), [1, 0]);
    assert!(loaded.slices[0].args.is_empty());
}

#[test]
fn one_open_slice_too_many() {
    let (mut trace, mut track) = trace();
    assert_eq!(MAX_OPEN_SLICES, 512);
    for depth in 0..512 {
        trace.begin(&mut track, depth, "slice").unwrap();
    }
    let message = "expected at most 512 open slices on a track, found more";
    refused(&mut trace, message, |trace| trace.begin(&mut track, 512, "too deep"));
    refused(&mut trace, message, |trace| trace.begin(&mut track, 512, "too deep"));
    trace.end(&mut track, 513).unwrap();
    trace.begin(&mut track, 514, "slice").unwrap();
    for back in 0..512 {
        trace.end(&mut track, 1_000 + back).unwrap();
    }
    let Some(loaded) = finish(trace, &track) else { return };
    let slices = loaded.slices_named("slice");
    assert_eq!(slices.len(), 513);
    assert_eq!(slices.iter().map(|slice| slice.depth).max(), Some(511));
    assert!(slices.iter().all(|slice| slice.dur > 0));
}

#[test]
fn one_ancestor_too_many() {
    let (mut trace, track) = trace();
    let mut deepest = trace.track("root").describe().unwrap();
    for _ in 0..MAX_TRACK_ANCESTORS {
        deepest = trace.track("child").parent(&deepest).describe().unwrap();
    }
    let message = format!("expected a track with at most {MAX_TRACK_ANCESTORS} ancestors, found more");
    refused(&mut trace, &message, |trace| trace.track("too deep").parent(&deepest).describe());
    refused(&mut trace, &message, |trace| trace.counter_track("too deep").parent(&deepest).describe());
    refused(&mut trace, &message, |trace| trace.state_track("too deep").parent(&deepest).describe());
    trace.instant(&deepest, 1, "deep").unwrap();
    let Some(loaded) = finish(trace, &track) else { return };
    let mut row = &loaded.tracks[&loaded.slices_named("deep")[0].track];
    let mut ancestors = 0;
    while let Some(parent) = row.parent {
        row = &loaded.tracks[&parent];
        ancestors += 1;
    }
    assert_eq!((ancestors, row.name.as_deref()), (MAX_TRACK_ANCESTORS, Some("root")));
}
