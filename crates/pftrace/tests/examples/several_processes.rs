use crate::*;

#[path = "../../examples/several_processes.rs"]
#[allow(dead_code, reason = "`main` is not run here")]
mod example;

#[test]
fn processes_and_their_threads() {
    let Some(((), loaded)) = run("several_processes", example::trace) else { return };
    let expected = [(100, "gateway"), (200, "leader"), (301, "follower 1"), (302, "follower 2")];
    let threads = |pid| vec![(pid, "rpc".to_owned()), (pid + 1000, "disk".to_owned())];
    assert_eq!(processes(&loaded), expected.map(|(pid, name)| ((pid, name.to_owned()), threads(pid))));
}

#[test]
fn each_message_is_an_arrow_between_processes() {
    let Some(((), loaded)) = run("several_processes_messages", example::trace) else { return };
    let mut found = std::collections::BTreeMap::new();
    for (from, to) in &loaded.flows {
        let [from, to] = [from, to].map(|id| loaded.slices.iter().find(|slice| slice.id == *id).unwrap());
        let [sender, receiver] = [from, to].map(|slice| process_of(&loaded, slice));
        let (sent, received) = (from.name.as_deref().unwrap(), to.name.as_deref().unwrap());
        // To handle it takes 40 us, to send it 150.
        assert!(from.ts + 190_000 <= to.ts, "{sent} {received}");
        *found.entry(format!("{sender}/{sent} -> {receiver}/{received}")).or_insert(0) += 1;
    }
    let expected = [
        ("follower 1/acknowledge -> leader/commit", 5),
        ("follower 2/acknowledge -> leader/commit", 5),
        ("gateway/PUT -> leader/append", 5),
        ("leader/append -> follower 1/replicate", 5),
        ("leader/append -> follower 2/replicate", 5),
        ("leader/commit -> gateway/reply", 5),
    ];
    assert_eq!(found.iter().map(|(arrow, count)| (arrow.as_str(), *count)).collect::<Vec<_>>(), expected);
}

#[test]
fn a_write_is_answered_when_all_have_it() {
    let Some(((), loaded)) = run("several_processes_writes", example::trace) else { return };
    let (puts, replies) = (loaded.slices_named("PUT"), loaded.slices_named("reply"));
    assert_eq!((puts.len(), replies.len()), (5, 5));
    for ((number, put), reply) in (0..).zip(puts).zip(replies) {
        assert_eq!(arg(put, "key"), &Arg::Text(format!("user:{number}")));
        assert_eq!((put.ts, reply.parent, reply.ts + reply.dur), (number * 5_000_000, Some(put.id), put.ts + put.dur));
        let stored =
            loaded.slices.iter().filter(|slice| slice.args.get("debug.entry") == Some(&Arg::Uint(number as u64)));
        let stored: Vec<_> = stored.map(|slice| (process_of(&loaded, slice), slice.ts + slice.dur)).collect();
        assert_eq!(stored.len(), 3, "{stored:?}");
        assert!(stored.iter().all(|(_, on_disk)| *on_disk < reply.ts), "{stored:?}");
    }
    // Each replica counts its entries.
    let mut tracks = std::collections::BTreeMap::<_, Vec<_>>::new();
    for counter in &loaded.counters {
        let track = &loaded.tracks[&counter.track];
        assert_eq!((track.name.as_deref(), track.unit.as_deref()), (Some("log entries"), Some("count")));
        tracks.entry(loaded.processes[&track.upid.unwrap()].name.clone()).or_default().push(counter.value);
    }
    let names: Vec<_> = tracks.keys().flatten().map(String::as_str).collect();
    assert_eq!(names, ["follower 1", "follower 2", "leader"]);
    assert!(tracks.values().all(|values| values == &[1.0, 2.0, 3.0, 4.0, 5.0]), "{tracks:?}");
}

fn process_of<'l>(loaded: &'l Loaded, slice: &Slice) -> &'l str {
    let thread = &loaded.threads[&loaded.tracks[&slice.track].utid.unwrap()];
    loaded.processes[&thread.upid.unwrap()].name.as_deref().unwrap()
}
