use crate::*;

#[path = "../../examples/async_request.rs"]
#[allow(dead_code, reason = "`main` is not run here")]
mod example;

#[test]
fn each_request_is_a_flow_across_three_threads_that_ends() {
    let Some(((), loaded)) = run("async_request", example::trace) else { return };
    let [((pid, name), threads)] = &processes(&loaded)[..] else { panic!("one process") };
    assert_eq!((*pid, name.as_str()), (own_ids().0, "async_request"));
    let mut names: Vec<_> = threads.iter().map(|(_, name)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["client", "database", "server"]);

    // No arrow leads from a response to the next request, though their flows have the same number.
    let request = [
        "client/request -> server/handle",
        "server/handle -> database/query",
        "database/query -> server/render",
        "server/render -> client/response",
    ];
    assert_eq!(arrows(&loaded), request.repeat(3));
    // And each chain is of one request.
    for (chain, request) in loaded.flows.chunks(4).zip(loaded.slices_named("request")) {
        assert_eq!(chain[0].0, request.id);
        assert!(chain.windows(2).all(|pair| pair[0].1 == pair[1].0), "{chain:?}");
        let response = loaded.slices.iter().find(|slice| slice.id == chain[3].1).unwrap();
        assert_eq!(response.parent, Some(request.id));
    }
}

#[test]
fn the_answers_belong_to_the_requests() {
    let Some(((), loaded)) = run("async_request_answers", example::trace) else { return };
    let [requests, orders, responses] = ["request", "order", "response"].map(|name| loaded.slices_named(name));
    assert_eq!((requests.len(), orders.len(), responses.len()), (3, 3, 3));
    for (order, ((request, in_flight), response)) in (1..=3).zip(requests.into_iter().zip(orders).zip(responses)) {
        assert_eq!((uint(request, "order"), uint(in_flight, "order")), (order, order));
        assert_eq!(loaded.track_name(in_flight).as_deref(), Some("requests in flight"));
        assert_eq!((in_flight.ts, in_flight.dur), (request.ts, request.dur));
        assert_eq!(uint(response, "total"), order + (1..=order * 100_000).map(|n| n % 7).sum::<u64>());
        assert_eq!(request.category.as_deref(), Some("http"));
    }
}
