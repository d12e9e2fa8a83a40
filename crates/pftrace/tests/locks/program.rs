//! Records each hot form, each in a function of its own: what the tests beside this file count the instructions of, and look at the
//! assembly of.

use std::hint::black_box;
use std::io::sink;
use std::sync::atomic::{AtomicUsize, Ordering};

use pftrace::{NamedCounter, NamedTrack, Session, Unit, begin, counter, end, instant, slice};

pftrace::categories! {
    ON = "on";
    OFF = "off";
}

static TRACK: NamedTrack = NamedTrack::new("track");
static COUNTER: NamedCounter = NamedCounter::new("counter").unit(Unit::Count);

#[inline(never)]
fn no_session(_: u64) {
    instant!(ON, "instant");
}

#[inline(never)]
fn no_session_slice(_: u64) {
    let _slice = slice!(ON, "slice");
}

#[inline(never)]
fn category_off(_: u64) {
    instant!(OFF, "instant");
}

#[inline(never)]
fn plain_slice(_: u64) {
    let _slice = slice!(ON, "slice");
}

#[inline(never)]
fn begun_and_ended(_: u64) {
    begin!(ON, "slice");
    end!("on");
}

#[inline(never)]
fn plain_instant(_: u64) {
    instant!(ON, "instant");
}

#[inline(never)]
fn counter_value(i: u64) {
    counter!(ON, "counter", i as i64);
}

#[inline(never)]
fn real_counter_value(i: u64) {
    counter!(ON, "real counter", f64::from(i as u32));
}

#[inline(never)]
fn one_annotation(i: u64) {
    instant!(ON, "annotated", number = i);
}

#[inline(never)]
fn three_annotations(i: u64) {
    let (number, real, text) = (i, f64::from(i as u32), black_box("short text"));
    let _slice = slice!(ON, "annotated", number, real, text);
}

#[inline(never)]
fn run_time_name(i: u64) {
    let _slice = slice!(ON, black_box(["run-time name 1", "run-time name 2"])[i as usize % 2]);
}

#[inline(never)]
fn long_text(_: u64) {
    static TEXT: &str = "SELECT name, value FROM settings WHERE owner = ?1 AND changed > ?2 ORDER BY name LIMIT 100 -- with a text that is long";
    instant!(ON, "long", text = black_box(TEXT));
}

#[inline(never)]
fn one_formatted(_: u64) {
    instant!(ON, "formatted", value = ?black_box(1234_u64));
}

#[inline(never)]
fn with_flow(i: u64) {
    instant!(flow: i, ON, "flow");
}

#[inline(never)]
fn on_a_track(_: u64) {
    instant!(track: &TRACK, ON, "on a track");
}

#[inline(never)]
fn slice_on_a_track(_: u64) {
    let _slice = slice!(track: &TRACK, ON, "on a track");
}

#[inline(never)]
fn counter_on_a_track(i: u64) {
    counter!(track: &COUNTER, ON, 1000 + i as i64);
}

#[inline(never)]
fn end_with_annotation(i: u64) {
    let slice = slice!(ON, "slice");
    end!(slice: slice, number = i);
}

#[inline(never)]
fn at_a_time(i: u64) {
    instant!(at: black_box(1 << 40) + i, ON, "at a time");
}

macro_rules! eight {
    ($each:expr) => {
        [$each, $each, $each, $each, $each, $each, $each, $each]
    };
}

/// 512 call sites.
static NEW: [[[fn(); 8]; 8]; 8] = eight!(eight!(eight!(|| instant!(ON, "new"))));

/// An event of a call site that the chunk does not list yet, met in another one.
#[inline(never)]
fn new_in_its_chunk(_: u64) {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    NEW[next / 64][next / 8 % 8][next % 8]();
}

type Form = fn(u64);

/// Whatever is done once.
#[inline(never)]
fn warm(form: Form) {
    (0..4).for_each(form);
}

#[inline(never)]
fn some(form: Form) {
    (0..100).for_each(form);
}

#[inline(never)]
fn twice_as_many(form: Form) {
    (0..200).for_each(form);
}

#[inline(never)]
fn record(forms: &[Form]) {
    for form in black_box(forms).iter().copied() {
        warm(form);
        some(form);
        twice_as_many(form);
    }
}

fn main() {
    record(&[no_session, no_session_slice]);
    let session = Session::builder().categories("-off").writer(sink()).drain_by_caller().start().expect("a session");
    NEW.as_flattened().as_flattened().iter().for_each(|meet| meet());
    let forms: [Form; 18] = [
        category_off,
        plain_slice,
        begun_and_ended,
        plain_instant,
        counter_value,
        real_counter_value,
        one_annotation,
        three_annotations,
        run_time_name,
        long_text,
        one_formatted,
        with_flow,
        on_a_track,
        slice_on_a_track,
        counter_on_a_track,
        end_with_annotation,
        at_a_time,
        new_in_its_chunk,
    ];
    for form in forms {
        // Each has a new thread, so a new chunk, in which there is room for all of them.
        std::thread::spawn(move || record(&[form])).join().expect("it records");
    }
    let report = session.stop().expect("a sink that takes all");
    // Eleven forms of one event and six of two, 304 times, and one of each of the many call sites: what is counted was recorded.
    let events = 304 * (11 + 2 * 6) + 512;
    assert_eq!((report.events, report.lost()), (events, 0), "{report:?}");
}
