use crate::*;

use example::{BUDGET, LATE, PARTICLES, SLOW, Saved};

#[path = "../../examples/recording_frames.rs"]
#[allow(dead_code, reason = "`main` is not run here")]
mod example;

#[test]
fn a_late_frame_is_saved_with_the_two_seconds_before_it() {
    let folder = temporary("recording_frames");
    fs::create_dir_all(&folder).unwrap();
    let summary = {
        let _alone = alone();
        example::trace(&folder).unwrap()
    };
    // On a busy machine others may be late too: the last snapshot up to that frame has it.
    let saved = summary.saved.iter().rev().find(|saved| saved.frame <= SLOW).expect("a snapshot of the late frame");
    let bytes = fs::read(&saved.path).unwrap();
    assert!(summary.saved.iter().all(|saved| saved.path.exists()) && !folder.join("panic.pftrace").exists());
    fs::remove_dir_all(&folder).unwrap();
    let Saved { report, .. } = saved;
    assert_eq!((report.bytes, report.lost()), (bytes.len() as u64, 0));
    let Some(loaded) = check(&bytes) else { return };

    // All frames from the first that it has, each once. The last one was still going on perhaps.
    let frames: Vec<_> = loaded.slices_named("frame").into_iter().filter(|slice| slice.depth == 0).collect();
    let numbered: Vec<_> = frames.iter().filter(|frame| frame.args.contains_key("debug.number")).collect();
    let first = uint(numbered[0], "number");
    let numbers: Vec<_> = numbered.iter().map(|frame| uint(frame, "number")).collect();
    assert_eq!(numbers, (first..first + numbers.len() as u64).collect::<Vec<_>>());
    // Of the one that was open at its begin it is not known which it was.
    assert!(frames.len() <= numbered.len() + 1);
    assert!(numbers.contains(&SLOW), "{numbers:?}");
    let slow = numbered[(SLOW - first) as usize];
    let seconds = (slow.ts - frames[0].ts) as f64 / 1e9;
    assert!(seconds >= 2.0, "it reaches back {seconds} s");
    // It has forgotten what was before.
    assert!(first > 0 && summary.report.overwritten > 0, "{first}");

    let took = summary.frames[SLOW as usize].as_nanos() as i64;
    assert!(slow.dur >= 2 * LATE.as_nanos() as i64 && slow.dur <= took + 1_000_000, "{slow:?}");
    let within = |parent: &Slice, name: &str| -> Vec<&Slice> {
        let within = loaded.slices.iter().filter(|slice| slice.parent == Some(parent.id));
        within.filter(|slice| slice.name.as_deref() == Some(name)).collect()
    };
    let [update] = within(slow, "update")[..] else { panic!("{slow:?}") };
    let [load] = within(update, "load level")[..] else { panic!("{update:?}") };
    assert_eq!(uint(load, "level"), SLOW / 100);
    assert!(load.dur >= slow.dur / 2);
    let moved: u64 = within(update, "move").into_iter().map(|cell| uint(cell, "particles")).sum();
    assert_eq!(moved, PARTICLES as u64);
    assert_eq!(within(within(slow, "draw")[0], "paint").len(), within(update, "move").len());

    let late: Vec<_> = loaded.slices_named("late").into_iter().map(|late| uint(late, "frame")).collect();
    assert!(late.contains(&saved.frame), "{late:?}");
    let spike = values(&loaded, "frame ms").into_iter().fold(0.0, f64::max);
    assert!(spike >= 2.0 * LATE.as_secs_f64() * 1e3 && LATE > BUDGET, "{spike}");
    assert!(loaded.slices_named("mix").iter().all(|mix| loaded.track_name(mix).as_deref() == Some("mixer")));
    assert!(!loaded.slices_named("mix").is_empty());
}
