use crate::*;

use example::{COUNT, MISSING, WORKERS};

#[path = "../../examples/recording_tracks.rs"]
#[allow(dead_code, reason = "`main` is not run here")]
mod example;

#[test]
fn each_request_is_whole_and_its_arrow_leads_to_its_answer() {
    let Some((report, loaded)) = run("recording_tracks", example::trace) else { return };
    let requests = loaded.slices_named("GET");
    assert_eq!(requests.len() as u64, COUNT);
    for (number, request) in (0..).zip(&requests) {
        assert_eq!(arg(request, "path"), &Arg::Text(format!("/{number}")));
        let status = if number % MISSING == MISSING - 1 { 404 } else { 200 };
        assert_eq!(arg(request, "status"), &Arg::Int(status));
        let id = Arg::Text(format!("tp:#{number}"));
        assert_eq!((request.depth, request.args.get("correlation_id")), (0, Some(&id)));
        assert_eq!(loaded.track_name(request).as_deref(), Some("requests"));
        let within: Vec<_> = loaded.slices.iter().filter(|slice| slice.parent == Some(request.id)).collect();
        assert_eq!(within.iter().map(|slice| slice.name.as_deref().unwrap()).collect::<Vec<_>>(), ["wait", "read"]);
        assert!(within.iter().all(|slice| slice.ts + slice.dur < request.ts + request.dur && slice.dur > 0));
    }
    // As many rows as there were at once: those that wait, and those that are answered.
    let lanes = loaded.tracks.values().filter(|track| track.name.as_deref() == Some("requests")).count();
    assert!((1..=8 + 2 + WORKERS).contains(&lanes), "{lanes}");
    let arrows = arrows(&loaded);
    assert_eq!(arrows.len() as u64, COUNT);
    assert!(arrows.iter().all(|arrow| arrow.starts_with("accept/accept -> worker ") && arrow.ends_with("/answer")));
    let sent = values(&loaded, "sent");
    let sum = (0..COUNT).map(|number| 1_000 + number).sum::<u64>() as f64;
    assert_eq!(sent.iter().copied().fold(0.0, f64::max), sum);
    assert_eq!(values(&loaded, "queue").len() as u64, COUNT);
    assert_eq!((report.lost(), report.thread_count), (0, 1 + WORKERS as u64));
}
