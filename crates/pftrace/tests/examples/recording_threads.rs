use crate::*;

use example::{TILE_LEN, TILES, WORKERS};

#[path = "../../examples/recording_threads.rs"]
#[allow(dead_code, reason = "`main` is not run here")]
mod example;

#[test]
fn each_tile_is_a_slice_of_the_worker_that_painted_it() {
    let Some(((report, inside), loaded)) = run("recording_threads", example::trace) else { return };
    assert!((10_000..25_000).contains(&inside), "{inside}");
    let tiles = loaded.slices_named("tile");
    let mut places: Vec<_> = tiles.iter().map(|tile| (uint(tile, "y"), uint(tile, "x"))).collect();
    places.sort_unstable();
    let expected: Vec<_> = (0..TILES as u64).flat_map(|y| (0..TILES as u64).map(move |x| (y, x))).collect();
    assert_eq!(places, expected);

    let names: Vec<_> = (1..=WORKERS).map(|number| format!("painter {number}")).collect();
    for tile in &tiles {
        assert_eq!((tile.category.as_deref(), tile.depth), (Some("paint"), 0));
        assert!(names.contains(&loaded.track_name(tile).unwrap()), "{tile:?}");
        let rows: Vec<_> = loaded.slices.iter().filter(|slice| slice.parent == Some(tile.id)).collect();
        let numbers: Vec<_> = rows.iter().map(|row| uint(row, "row")).collect();
        let first = uint(tile, "y") * TILE_LEN as u64;
        assert_eq!(numbers, (first..first + TILE_LEN as u64).collect::<Vec<_>>());
        assert!(rows.iter().all(|row| row.ts >= tile.ts && row.ts + row.dur <= tile.ts + tile.dur));
    }
    // The thread that waits for them has its own.
    let paint = loaded.slices_named("paint")[0];
    assert_eq!((uint(paint, "tiles"), uint(paint, "workers")), (64, 3));
    assert!(tiles.iter().all(|tile| tile.ts >= paint.ts && tile.ts + tile.dur <= paint.ts + paint.dur));
    assert_eq!(loaded.slices_named("no more tiles").len(), WORKERS);

    let mut to_do = values(&loaded, "tiles to do");
    to_do.sort_by(f64::total_cmp);
    assert_eq!(to_do, (0..64).map(f64::from).collect::<Vec<_>>());
    let slices = 1 + tiles.len() + TILES * TILES * TILE_LEN;
    assert_eq!(report.events, (2 * slices + to_do.len() + WORKERS) as u64);
    assert_eq!((report.dropped.total(), report.undelivered, report.thread_count), (0, 0, 4));
}
