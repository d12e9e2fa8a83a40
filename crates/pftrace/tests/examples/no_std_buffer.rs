use crate::*;

#[path = "../../examples/no_std_buffer.rs"]
#[allow(dead_code, reason = "`main` is not run here")]
#[allow(unused_attributes, unused_extern_crates, reason = "there it is the root of a crate without std")]
mod example;

/// The size of the example's buffer.
const BUFFER_LEN: usize = 8 * 1024;

#[test]
fn what_fitted_into_the_buffer_is_a_whole_trace() {
    let (moves, bytes) = bytes("no_std_buffer", example::trace);
    // It was filled to the last event.
    assert!((BUFFER_LEN - 100..=BUFFER_LEN).contains(&bytes.len()), "{}", bytes.len());
    let Some(loaded) = check(&bytes) else { return };

    let found = loaded.slices_named("move");
    let (whole, open): (Vec<_>, Vec<_>) = found.into_iter().partition(|slice| slice.dur >= 0);
    assert!(whole.len() == moves as usize && moves > 50 && open.len() <= 1, "{moves} {}", whole.len());
    let (mut position, mut switched, mut now) = (0, 0, 0);
    for (slice, target) in whole.iter().zip([300, -20, 150, 480].into_iter().cycle()) {
        let end = if target == 480 { 400 } else { target };
        switched += i32::from(target == 480);
        assert_eq!((arg(slice, "from"), arg(slice, "to")), (&Arg::Int(position), &Arg::Int(target)));
        let steps = uint(slice, "steps");
        assert_eq!((steps, slice.dur), (position.abs_diff(end), steps as i64 * 1_250_000));
        assert_eq!((slice.ts, slice.category.as_deref()), (now, Some("motor")));
        assert_eq!(loaded.track_name(slice).as_deref(), Some("motor"));
        (position, now) = (end, slice.ts + slice.dur + 10_000_000);
    }
    // Each lies at the end of its move; one more may lie in the open one.
    let switches = loaded.slices_named("limit switch");
    assert!((0..=1).contains(&(switches.len() as i32 - switched)), "{} {switched}", switches.len());
    assert!(switches.iter().all(|slice| slice.dur == 0 && slice.parent.is_some()));
}

#[test]
fn the_counter_is_in_steps() {
    let Some((_, loaded)) = run("no_std_buffer_counter", example::trace) else { return };
    assert_eq!(counter(&loaded, "position").unit.as_deref(), Some("steps"));
    let values = values(&loaded, "position");
    // To 300, down to -20, up to 150, up to the switch at 400, where it stops before it counts.
    assert_eq!(values[..10], [100.0, 200.0, 300.0, 200.0, 100.0, 0.0, 0.0, 100.0, 200.0, 300.0]);
}

#[test]
fn the_static_memory_can_be_used_again() {
    let [(_, first), (_, second)] = ["first", "second"].map(|run| bytes(run, example::trace));
    assert!(first == second, "two runs differ");
}
