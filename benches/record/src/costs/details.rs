//! What options add, and tracks that are no thread's.

use std::hint::black_box;

use pftrace::{
    Frame, Lanes, LogPriority, NamedCounter, NamedState, NamedTrack, begin, counter, end, here, instant, now_ns, slice,
    state,
};

use super::events::ON;
use super::{Case, case, compare};
use crate::options::PartsOptions;

static TRACK: NamedTrack = NamedTrack::new("track");
static QUEUED: NamedCounter = NamedCounter::new("queued");
static SUM: NamedCounter = NamedCounter::new("sum").incremental();
static POWER: NamedState = NamedState::new("power");
static LANES: Lanes = Lanes::new("lanes");

pub fn run(options: &PartsOptions) {
    let stack = black_box([Frame::function("main"), Frame::function("work"), Frame::Address(0x5555)]);
    let cases: Vec<Case<'_>> = vec![
        case!("instant", 1.0, |i| instant!(ON, "instant")),
        case!("`flow`", 1.0, |i| instant!(flow: i as u64, ON, "event")),
        case!("`terminating_flow`", 1.0, |i| instant!(terminating_flow: i as u64, ON, "event")),
        case!("`at`, and `now_ns()`", 2.0, |i| instant!(at: now_ns(), ON, "event")),
        case!("`correlation_id`, a number", 1.0, |i| instant!(correlation_id: i as u64, ON, "event")),
        case!("`correlation_id`, a text", 1.0, |i| instant!(correlation_id: "request", ON, "event")),
        case!("`log`, a text", 1.0, |i| instant!(log: (LogPriority::Info, "a line of the log"), ON, "event")),
        case!("`log`, formatted", 1.0, |i| {
            instant!(log: (LogPriority::Info, format_args!("line {i}")), ON, "event");
        }),
        case!("`counters`, one", 1.0, |i| instant!(counters: [(&QUEUED, i as i64 & 63)], ON, "event")),
        case!("`source_location`", 1.0, |i| instant!(source_location: here!(), ON, "event")),
        case!("`callstack` of 3", 1.0, |i| instant!(callstack: &stack, ON, "event")),
        case!("`with`, one field", 1.0, |i| {
            instant!(with: |event| { event.set_correlation_id(i as u64); }, ON, "event");
        }),
    ];
    compare("options (of an instant)", options.rounds, &cases);
}

pub fn tracks(options: &PartsOptions) {
    let cases: Vec<Case<'_>> = vec![
        case!("instant on the thread's", 1.0, |i| instant!(ON, "instant")),
        case!("instant on another", 1.0, |i| instant!(track: &TRACK, ON, "event")),
        case!("slice on another", 2.0, |i| {
            let _slice = slice!(track: &TRACK, ON, "event");
        }),
        case!("begin! and end! on another", 2.0, |i| {
            begin!(track: &TRACK, ON, "event");
            end!(track: &TRACK, ON);
        }),
        case!("slice on a lane", 2.0, |i| {
            let _slice = slice!(track: &LANES, ON, "event");
        }),
        case!("counter with a unit", 1.0, |i| counter!(track: &QUEUED, ON, i as i64 & 63)),
        case!("counter that sums", 1.0, |i| counter!(track: &SUM, ON, 1)),
        case!("state, name written out", 1.0, |i| state!(track: &POWER, ON, "on")),
        case!("slice on the thread's, `end!` with an annotation", 2.0, |i| {
            let slice = slice!(ON, "event");
            end!(slice: slice, number = (i & 127) as u64);
        }),
    ];
    compare("tracks", options.rounds, &cases);
}
