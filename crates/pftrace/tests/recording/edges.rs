//! What is at the edge of what there can be: the longest texts, the deepest tracks, the largest sums, the shortest times.

use pftrace::instant;
use pftrace_testkit::{Arg, check};

use crate::record_as;

/// As all texts are.
#[test]
fn a_long_correlation_id_is_cut() {
    let long = "ä".repeat(50_000);
    let (trace, report) = record_as(
        |builder| builder,
        |_| {
            instant!(correlation_id: &long, "edge", "long");
            instant!(correlation_id: "short", "edge", "short");
        },
    );
    assert_eq!((report.events, report.lost(), report.threads[0].truncated), (2, 0, 1), "{report:?}");
    let Some(loaded) = check(&trace) else { return };
    let id = |name| match &loaded.slices_named(name)[0].args["correlation_id"] {
        Arg::Text(text) => text.clone(),
        other => panic!("{other:?}"),
    };
    assert!(id("long").len() > 1_000 && id("long").ends_with("ä…"));
    assert_eq!(id("short"), "short");
}
