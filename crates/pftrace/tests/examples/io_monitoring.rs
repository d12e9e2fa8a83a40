use crate::*;

#[path = "../../examples/io_monitoring.rs"]
#[allow(dead_code, reason = "`main` is not run here")]
mod example;

#[test]
fn each_operation_is_a_slice_with_what_came_of_it() {
    let mut data = PathBuf::new();
    let run = run("io_monitoring", |path| {
        data = PathBuf::from(format!("{}.data", path.display()));
        example::trace(path)
    });
    assert!(!data.exists(), "the example leaves its file");
    let Some(((), loaded)) = run else { return };

    let (pid, tid) = own_ids();
    assert_eq!(processes(&loaded), [((pid, "io_monitoring".into()), vec![(tid.unwrap_or(pid), "files".into())])]);
    assert!(loaded.slices.iter().all(|slice| arg(slice, "path") == &Arg::Text(data.to_str().unwrap().into())));
    assert!(loaded.slices.iter().all(|slice| loaded.track_name(slice).as_deref() == Some("files")));
    assert!(loaded.slices.iter().all(|slice| slice.category.as_deref() == Some("io") && slice.depth == 0));
    assert!(loaded.slices.iter().all(|slice| slice.dur > 0), "system calls take time");

    // Name, bytes, offset, error of the system.
    let mut expected = vec![("open", None, None, None)];
    expected.extend((1..=16).map(|n| ("write", Some(4096), Some(n * 4096), None)));
    expected.push(("seek", None, Some(10_000), None));
    expected.extend((1..=13).map(|n| ("read", Some(4096), Some(10_000 + n * 4096), None)));
    expected.extend([("read", Some(2288), Some(65_536), None), ("read", Some(0), Some(65_536), None)]);
    let (bad_file, not_found) = (Some(9), Some(2));
    expected.extend([("open", None, None, None), ("write", None, None, bad_file), ("open", None, None, not_found)]);
    let optional = |slice: &Slice, name| match slice.args.get(&format!("debug.{name}")) {
        Some(Arg::Uint(value)) => Some(*value as i64),
        Some(Arg::Int(value)) => Some(*value),
        _ => None,
    };
    let found: Vec<_> = (loaded.slices.iter())
        .map(|slice| {
            let name = slice.name.as_deref().unwrap();
            (name, optional(slice, "bytes"), optional(slice, "offset"), optional(slice, "error.os_code"))
        })
        .collect();
    assert_eq!(found, expected);

    let failures = loaded.slices.iter().filter(|slice| slice.args.contains_key("debug.error.os_code"));
    assert!(failures.clone().all(|slice| matches!(arg(slice, "error.message"), Arg::Text(text) if !text.is_empty())));
    assert_eq!(failures.count(), 2);
}

#[test]
fn the_counters_add_up_the_bytes() {
    let Some(((), loaded)) = run("io_monitoring_counters", example::trace) else { return };
    for (name, kind, sum) in [("bytes read", "read", 55_536.0), ("bytes written", "write", 65_536.0)] {
        assert_eq!(counter(&loaded, name).unit.as_deref(), Some("bytes"));
        let values = values(&loaded, name);
        // One for each operation; the last read and the refused write add nothing.
        assert_eq!(values.len(), loaded.slices_named(kind).len());
        assert!(values.is_sorted(), "{values:?}");
        assert_eq!(values.last(), Some(&sum));
    }
}
