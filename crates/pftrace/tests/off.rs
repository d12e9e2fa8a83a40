//! With the feature `off` nothing is recorded and nothing evaluated, whatever else is said.
#![cfg(feature = "off")]

use pftrace::{
    Lanes, LogPriority, MemorySink, NamedCounter, NamedState, NamedTrack, Session, begin, category_enabled, counter,
    end, instant, slice, state,
};

pftrace::categories! {
    DECLARED = "declared";
}

#[test]
fn nothing_is_recorded() {
    let never = || -> u64 { panic!("it is evaluated") };
    let session = Session::builder().writer(MemorySink::new()).buffer_bytes(1 << 20).start().unwrap();
    let _slice = slice!(DECLARED, "slice", value = never());
    begin!("category", "begun", value = never());
    end!("category");
    instant!("category", "instant", value = ?never());
    counter!("category", "counter", never());
    static TRACK: NamedTrack = NamedTrack::new("track");
    static LANES: Lanes<1> = Lanes::new("lanes");
    static COUNTER: NamedCounter = NamedCounter::new("counter");
    static STATE: NamedState = NamedState::new("state");
    let on_track = slice!(track: &LANES, flow: never(), DECLARED, "slice");
    let _flow_first: pftrace::TrackSlice = slice!(flow: never(), track: &LANES, DECLARED, "slice");
    let _flow_alone: pftrace::SliceGuard = slice!(terminating_flow: never(), DECLARED, "slice", value = never());
    let _lane_is_free = slice!(track: &LANES, at: never(), DECLARED, "slice");
    end!(slice: on_track);
    begin!(track: &TRACK, with: |_| _ = never(), "category", "begun");
    end!(track: &TRACK, "category");
    instant!(log: (LogPriority::Info, never()), counters: [(&COUNTER, never())], "category", "instant");
    counter!(track: &COUNTER, "category", never());
    state!(track: &STATE, at: never(), "category", "state");
    assert!(!DECLARED.is_enabled() && !category_enabled!(DECLARED) && !category_enabled!("other"));
    assert_eq!(session.stop().unwrap().events, 0);
}
