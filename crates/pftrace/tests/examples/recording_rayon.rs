use std::collections::BTreeMap;

use crate::*;

use example::{COUNT, LEAF, THREADS};

#[path = "../../examples/recording_rayon.rs"]
#[allow(dead_code, reason = "`main` is not run here")]
mod example;

const PARTS: u64 = (COUNT / LEAF) as u64;

#[test]
fn each_part_is_a_slice_of_the_thread_that_took_it() {
    let Some(((report, distinct), loaded)) = run("recording_rayon", example::trace) else { return };
    // Of so many with 24 bits most are different.
    assert!((COUNT * 9 / 10..COUNT).contains(&distinct), "{distinct}");
    for name in ["make up", "count"] {
        let (parts, whole): (Vec<_>, Vec<_>) =
            loaded.slices_named(name).into_iter().partition(|slice| slice.category.as_deref() == Some("part"));
        let mut numbers: Vec<_> = parts.iter().map(|slice| uint(slice, "part")).collect();
        numbers.sort_unstable();
        assert_eq!((numbers, whole.len()), ((0..PARTS).collect(), 1), "{name}");
        let whole = whole[0];
        assert!(parts.iter().all(|part| part.ts >= whole.ts && part.ts + part.dur <= whole.ts + whole.dur));
    }

    let nodes: BTreeMap<_, _> =
        loaded.slices_named("sort").into_iter().map(|slice| (uint(slice, "node"), slice)).collect();
    assert_eq!(nodes.keys().copied().collect::<Vec<_>>(), (1..2 * PARTS).collect::<Vec<_>>());
    let mut arrows = vec![(loaded.slices_named("sort all")[0].id, nodes[&1].id)];
    for (node, slice) in &nodes {
        assert_eq!(uint(slice, "len") << node.ilog2(), COUNT as u64, "{node}");
        let merges = loaded.slices.iter().filter(|merge| merge.parent == Some(slice.id));
        let merges: Vec<_> = merges.filter(|merge| merge.name.as_deref() == Some("merge")).collect();
        if *node >= PARTS {
            assert!(merges.is_empty());
            continue;
        }
        assert_eq!((merges.len(), uint(merges[0], "len")), (1, uint(slice, "len")));
        for half in [2 * node, 2 * node + 1].map(|half| nodes[&half]) {
            assert!(half.ts > slice.ts && half.ts + half.dur < merges[0].ts, "{half:?} of {slice:?}");
            arrows.push((slice.id, half.id));
        }
    }
    let mut flows = loaded.flows.clone();
    flows.sort_unstable();
    arrows.sort_unstable();
    assert_eq!(flows, arrows);

    assert!(loaded.slices.iter().all(|slice| loaded.track_name(slice).unwrap().starts_with("sorter ")));
    assert!((1..=THREADS as u64).contains(&report.thread_count), "{report:?}");
    let sorted = values(&loaded, "sorted");
    assert_eq!((sorted.len() as u64, sorted.into_iter().fold(0.0, f64::max)), (PARTS, COUNT as f64));
    let slices = 3 + 2 * PARTS + (2 * PARTS - 1) + (PARTS - 1);
    assert_eq!((report.events, report.lost()), (2 * slices + PARTS, 0));
}
