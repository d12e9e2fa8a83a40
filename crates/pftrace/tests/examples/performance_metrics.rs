use crate::*;

#[path = "../../examples/performance_metrics.rs"]
#[allow(dead_code, reason = "`main` is not run here")]
mod example;

const MIB: f64 = 1024.0 * 1024.0;

#[test]
fn the_graphs_are_what_the_process_took() {
    let Some((missing, loaded)) = run("performance_metrics", example::trace) else { return };
    let (pid, _) = own_ids();
    let [((found, name), _)] = &processes(&loaded)[..] else { panic!("one process") };
    assert_eq!((*found, name.as_str()), (pid, "performance_metrics"));

    for name in ["allocate", "free"] {
        assert_eq!(loaded.slices_named(name).len(), 1);
    }
    let sorts = loaded.slices_named("sort");
    assert_eq!(sorts.len(), 8);
    assert!(sorts.iter().all(|slice| slice.dur > 0 && uint(slice, "median") > 1 << 30));
    assert_eq!(uint(loaded.slices_named("allocate")[0], "blocks"), 32);

    let rate = values(&loaded, "numbers sorted");
    assert_eq!((rate.len(), counter(&loaded, "numbers sorted").unit.as_deref()), (8, Some("1/s")));
    // No machine sorts a number in less than a tenth of a nanosecond.
    assert!(rate.iter().all(|rate| (1.0..1e10).contains(rate)), "{rate:?}");

    if cfg!(target_os = "linux") {
        assert!(!missing.contains(&"/proc/self/status"), "{missing:?}");
    }
    if !missing.contains(&"/proc/self/status") {
        memory_and_threads(&loaded);
    }
    if !missing.contains(&"/proc/self/schedstat") {
        let time = values(&loaded, "time on CPU");
        assert_eq!((time.len(), counter(&loaded, "time on CPU").unit.as_deref()), (42, Some("ns")));
        assert!(time.is_sorted() && time[0] > 0.0 && time[0] < time[41], "{time:?}");
    }
}

fn memory_and_threads(loaded: &Loaded) {
    for (name, unit) in [("resident memory", "bytes"), ("peak resident memory", "bytes"), ("threads", "count")] {
        let track = counter(loaded, name);
        assert_eq!(track.unit.as_deref(), Some(unit), "{name}");
        assert_eq!(track.upid.map(|upid| loaded.processes[&upid].pid), Some(own_ids().0));
        assert_eq!(values(loaded, name).len(), 42, "{name}");
    }
    // Bytes, though the file says KiB; other tests take and free memory meanwhile.
    let (resident, peak) = (values(loaded, "resident memory"), values(loaded, "peak resident memory"));
    assert!(resident.iter().all(|bytes| *bytes > 0.5 * MIB && bytes % 1024.0 == 0.0), "{resident:?}");
    assert!(resident[32] > resident[0] + 24.0 * MIB, "32 MiB were allocated: {resident:?}");
    // The kernel's own peak may fall a little: it counts on each CPU, and adds up when it is asked.
    assert!(peak.iter().skip(32).all(|bytes| *bytes > resident[0] + 24.0 * MIB), "{peak:?}");
    assert!(values(loaded, "threads").iter().all(|threads| (1.0..10_000.0).contains(threads)));
}
