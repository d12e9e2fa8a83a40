use std::collections::BTreeMap;

use crate::*;

use example::{CLIENTS, QUEUE, REQUESTS, Summary, WORKERS, respond};

#[path = "../../examples/recording_server.rs"]
#[allow(dead_code, reason = "`main` is not run here")]
mod example;

/// By the number of the request.
fn by_id<'l>(loaded: &'l Loaded, name: &str, track: &str) -> BTreeMap<u64, &'l Slice> {
    let on_track = |slice: &&&Slice| loaded.track_name(slice).is_some_and(|name| name.starts_with(track));
    loaded.slices_named(name).iter().filter(on_track).map(|slice| (uint(slice, "id"), *slice)).collect()
}

#[test]
fn each_request_is_followed_from_its_client_to_a_worker_and_back() {
    let traced = run("recording_server", |path| {
        let summary = example::trace(path)?;
        // Not later: another test may record then.
        let expected: Vec<_> = summary.answers.iter().map(|answer| respond(&answer.path)).collect();
        Ok::<_, Box<dyn std::error::Error>>((summary, expected))
    });
    let Some(((summary, expected), loaded)) = traced else { return };
    let Summary { answers, report, received } = summary;
    assert_eq!((answers.len() as u64, report.bytes), (CLIENTS * REQUESTS, received));
    assert_eq!((report.lost(), report.ignored), (0, 0));

    let asks = by_id(&loaded, "ask", "client ");
    let worked = by_id(&loaded, "answer", "worker ");
    let answered = by_id(&loaded, "answered", "client ");
    let connections = by_id(&loaded, "connection", "connections");
    for rows in [&asks, &worked, &answered, &connections] {
        assert_eq!(rows.len(), answers.len());
    }
    let mut sent = 0;
    for (answer, expected) in answers.iter().zip(expected) {
        let id = &answer.id;
        assert_eq!((answer.status, answer.body.clone()), expected);
        let [ask, worked, answered, connection] = [asks[id], worked[id], answered[id], connections[id]];
        let path = Arg::Text(answer.path.clone());
        for row in [ask, worked, connection] {
            assert_eq!(arg(row, "path"), &path);
        }
        for row in [answered, connection] {
            assert_eq!(uint(row, "status"), u64::from(answer.status));
        }
        assert_eq!(loaded.track_name(ask).unwrap(), format!("client {}", id / REQUESTS));
        assert_eq!(answered.parent, Some(ask.id));
        // There and back, and nothing else.
        let flows: Vec<_> = loaded.flows.iter().filter(|(from, to)| [from, to].contains(&&worked.id)).collect();
        assert_eq!(flows, [&(ask.id, worked.id), &(worked.id, answered.id)]);
        let within = loaded.slices.iter().filter(|slice| slice.parent == Some(connection.id));
        let mut within: Vec<_> = within.map(|slice| (slice.ts, slice.name.as_deref().unwrap())).collect();
        within.sort_unstable();
        assert_eq!(within.iter().map(|(_, name)| *name).collect::<Vec<_>>(), ["wait", "answer"]);
        // The worker takes the number of primes along.
        let sieves: Vec<_> = loaded.slices.iter().filter(|slice| slice.parent == Some(worked.id)).collect();
        match answer.status {
            200 => assert_eq!(uint(sieves[0], "count").to_string(), answer.body),
            _ => assert_eq!(sieves[0].name.as_deref(), Some("failed")),
        }
        assert_eq!(sieves.len(), 1);
        sent += format!("HTTP/1.1 {} -\r\nContent-Length: {}\r\n\r\n", answer.status, answer.body.len()).len();
        sent += answer.body.len();
    }
    assert_eq!(loaded.flows.len(), 2 * answers.len());
    assert_eq!(values(&loaded, "sent").into_iter().fold(0.0, f64::max), sent as f64);
    // Each came and went.
    let waiting = values(&loaded, "waiting");
    assert_eq!((waiting.len(), waiting.iter().filter(|value| **value == 0.0).count() > 0), (2 * answers.len(), true));
    // As many rows as there were at once: those that wait, and those that are answered, and one that is given to them.
    let rows = loaded.tracks.values().filter(|track| track.name.as_deref() == Some("connections")).count();
    assert!((1..=QUEUE + WORKERS + 1).contains(&rows), "{rows}");
}
