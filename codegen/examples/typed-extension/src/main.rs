//! `cargo run -p typed-extension -- store.pftrace`

use std::env;
use std::path::PathBuf;

use typed_extension::Query::{Get, Put, Scan};

fn main() -> Result<(), pftrace::SessionError> {
    let path = env::args_os().nth(1).map_or(env::temp_dir().join("typed_extension.pftrace"), PathBuf::from);
    let queries = [
        Put("apple", "a fruit"),
        Put("asparagus", "a vegetable"),
        Put("bolt", "it goes with a nut"),
        Get("apple"),
        Get("nut"),
        Scan("a", "b"),
    ];
    let (answers, report) = typed_extension::trace(&path, &queries)?;
    for (query, answer) in queries.iter().zip(answers) {
        println!("{query:?}: {answer:?}");
    }
    println!("{report}");
    println!("Drop {} on https://ui.perfetto.dev, and select a slice", path.display());
    Ok(())
}
