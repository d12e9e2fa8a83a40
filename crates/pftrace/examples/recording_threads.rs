//! A pool of workers, recorded: three threads paint the Mandelbrot set, tile by tile.
//!
//! In the UI each worker has a track of its own, by its name. A tile is a slice, as long as painting it took, and each of its
//! rows is one within it; tiles that lie in the set take longest. Select one: its place is among its arguments. The curve
//! "tiles to do" falls to zero.
//!
//! The functions that work know nothing of the session: macros record where one is, and do nothing where none is.
//!
//! ```text
//! cargo run -p pftrace --example recording_threads -- mandelbrot.pftrace
//! ```

use std::env;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ScopedJoinHandle};

use pftrace::{Report, Session, SessionError, counter, instant, slice};

pftrace::categories! {
    /// Tiles and their rows.
    PAINT = "paint";
    /// Who gets which tile.
    POOL = "pool";
}

fn main() -> Result<(), SessionError> {
    let path = env::args_os().nth(1).map_or(env::temp_dir().join("recording_threads.pftrace"), PathBuf::from);
    let (report, inside) = trace(&path)?;
    println!("{inside} of {} points are in the set", TILES * TILES * TILE_LEN * TILE_LEN);
    println!("{report}");
    println!("Drop {} on https://ui.perfetto.dev", path.display());
    Ok(())
}

/// So many tiles in each direction.
pub(crate) const TILES: usize = 8;
/// So many points in each direction of a tile.
pub(crate) const TILE_LEN: usize = 32;
pub(crate) const WORKERS: usize = 3;

/// Paints the set, recorded.
pub(crate) fn trace(path: &Path) -> Result<(Report, usize), SessionError> {
    let session = Session::builder().file(path).start()?;
    let inside = paint();
    Ok((session.stop()?, inside))
}

/// How many points are in the set.
fn paint() -> usize {
    let _paint = slice!(PAINT, "paint", tiles = TILES * TILES, workers = WORKERS);
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let workers: Vec<_> = (1..=WORKERS)
            .map(|number| {
                // What the thread is called is what its track is called.
                let worker = thread::Builder::new().name(format!("painter {number}"));
                worker.spawn_scoped(scope, || work(&next)).expect("a thread")
            })
            .collect();
        workers.into_iter().map(ScopedJoinHandle::join).map(|inside| inside.expect("no panic")).sum()
    })
}

/// A worker: takes tiles until there are no more.
fn work(next: &AtomicUsize) -> usize {
    let mut inside = 0;
    loop {
        let tile = next.fetch_add(1, Ordering::Relaxed);
        if tile >= TILES * TILES {
            instant!(POOL, "no more tiles");
            return inside;
        }
        counter!(POOL, "tiles to do", TILES * TILES - tile - 1);
        inside += paint_tile(tile % TILES, tile / TILES);
    }
}

fn paint_tile(x: usize, y: usize) -> usize {
    let _tile = slice!(PAINT, "tile", x, y);
    (y * TILE_LEN..(y + 1) * TILE_LEN)
        .map(|row| {
            let _row = slice!(PAINT, "row", row);
            (x * TILE_LEN..(x + 1) * TILE_LEN).filter(|column| is_inside(*column, row)).count()
        })
        .sum()
}

/// Whether the point stays near zero, as far as a thousand steps show.
fn is_inside(column: usize, row: usize) -> bool {
    let scale = |position: usize| position as f64 / (TILES * TILE_LEN) as f64;
    let (x, y) = (scale(column) * 2.5 - 2.0, scale(row) * 2.5 - 1.25);
    let (mut a, mut b) = (0.0, 0.0);
    (0..1_000).all(|_| {
        (a, b) = (a * a - b * b + x, 2.0 * a * b + y);
        a * a + b * b < 4.0
    })
}
