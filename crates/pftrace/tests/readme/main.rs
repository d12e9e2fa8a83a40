//! The program of the README: it is as long as it says, and its trace says what it does.
#![cfg(feature = "std")]

use std::fs;

use pftrace_testkit::{Arg, check};

/// The same program, so that it can be run.
mod program {
    include!("program.rs");

    pub(super) fn run() -> Result<(), pftrace::Error> {
        main()
    }
}

const README: &str = include_str!("../../../../README.md");
const PROGRAM: &str = include_str!("program.rs");

#[test]
fn it_has_twenty_lines() {
    let (_, program) = README.split_once("## A trace in twenty lines\n\n```rust\n").expect("a program");
    let (program, _) = program.split_once("```").expect("its end");
    assert_eq!(program, PROGRAM, "tests/readme/program.rs is another one");
    assert!(program.lines().count() <= 20, "{} lines", program.lines().count());
}

#[test]
fn its_trace_is_what_it_says() {
    program::run().unwrap();
    let Some(loaded) = check(&fs::read(std::env::temp_dir().join("hello.pftrace")).unwrap()) else { return };
    assert_eq!(loaded.slices.len(), 100);
    for (frame, slice) in (0..).zip(&loaded.slices) {
        assert_eq!((slice.ts, slice.dur, slice.name.as_deref()), (frame * 16_666_667, 9_000_000, Some("frame")));
        assert_eq!((slice.category.as_deref(), loaded.track_name(slice).as_deref()), (Some("render"), Some("main")));
        assert_eq!(slice.args["debug.number"], Arg::Uint(frame as u64));
        assert_eq!(slice.args["debug.camera.x"], Arg::Real(0.5));
        assert_eq!(slice.args["debug.camera.moving"], Arg::Bool(frame % 2 == 0));
    }
    let values: Vec<_> = (0..100).map(|frame| (frame * 16_666_667, 60.0)).collect();
    assert_eq!(loaded.counter_values("fps"), values);
    let process = loaded.processes.values().find(|process| process.pid == 42).expect("a process");
    assert_eq!(process.name.as_deref(), Some("game"));
}
