//! With the feature `off` nothing is recorded and nothing evaluated, whatever else is said.
#![cfg(feature = "off")]

use pftrace::{MemorySink, Session, begin, counter, end, instant, slice};

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
    assert!(!DECLARED.is_enabled());
    assert_eq!(session.stop().unwrap().events, 0);
}
