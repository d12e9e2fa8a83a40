//! Plain events, and each kind of annotation.

use std::collections::BTreeMap;
use std::hint::black_box;

use pftrace::{Annotate, Argument, Dict, Entries, array, begin, counter, dict, end, instant, slice};

use super::{Case, case, compare};
use crate::options::PartsOptions;

pftrace::categories! {
    pub ON = "on";
    pub OFF = "off";
}

struct Point {
    x: f64,
    y: f64,
}

impl Entries for Point {
    fn entries(&self, dict: &mut Dict<'_>) {
        dict.arg("x", self.x).arg("y", self.y);
    }
}

impl Annotate for Point {
    fn argument(&self) -> Argument<'_> {
        Argument::Dict(self)
    }
}

pub fn annotations(options: &PartsOptions) {
    let short = black_box("short text");
    let long = black_box("x".repeat(100));
    let numbers: [u64; 8] = black_box([1, 2, 3, 4, 5, 6, 7, 8]);
    let map: BTreeMap<&str, u64> = black_box(BTreeMap::from([("a", 1), ("b", 2), ("c", 3)]));
    let cases: Vec<Case<'_>> = vec![
        case!("instant", 1.0, |i| instant!(ON, "instant")),
        case!("instant, category written out", 1.0, |i| instant!("on", "instant")),
        case!("slice", 2.0, |i| {
            let _slice = slice!(ON, "slice");
        }),
        case!("begin! and end!", 2.0, |i| {
            begin!(ON, "slice");
            end!(ON)
        }),
        case!("counter, i64", 1.0, |i| counter!(ON, "counter", (i & 63) as i64)),
        case!("counter, f64", 1.0, |i| counter!(ON, "real", i as f64)),
        case!("`bool`", 1.0, |i| instant!(ON, "event", value = i & 1 == 0)),
        case!("`u64` below 128", 1.0, |i| instant!(ON, "event", value = (i & 127) as u64)),
        case!("`u64` of ten bytes", 1.0, |i| instant!(ON, "event", value = u64::MAX - i as u64)),
        case!("`i64`, negative", 1.0, |i| instant!(ON, "event", value = -(i as i64))),
        case!("`f64`", 1.0, |i| instant!(ON, "event", value = i as f64)),
        case!("pointer", 1.0, |i| instant!(ON, "event", value = std::ptr::from_ref(&numbers))),
        case!("`&str`, 10 bytes", 1.0, |i| instant!(ON, "event", value = short)),
        case!("`&str`, 100 bytes", 1.0, |i| instant!(ON, "event", value = long)),
        case!("`None`", 1.0, |i| instant!(ON, "event", value = None::<u64>)),
        case!("`?`, Debug of a `u64`", 1.0, |i| instant!(ON, "event", value = ?i)),
        case!("`%`, Display of two numbers", 1.0, |i| instant!(ON, "event", value = %format_args!("{i} of {i}"))),
        case!("array of 8 `u64`", 1.0, |i| instant!(ON, "event", value = &numbers[..])),
        case!("`array(…)` of 3", 1.0, |i| instant!(
            ON,
            "event",
            value = array(|array| {
                array.push(1).push(2).push(i as u64);
            })
        )),
        case!("map of 3", 1.0, |i| instant!(ON, "event", value = map)),
        case!("`Entries` of 2 `f64`", 1.0, |i| instant!(ON, "event", value = Point { x: i as f64, y: 1.0 })),
        case!("`dict(…)` of 3", 1.0, |i| instant!(
            ON,
            "event",
            value = dict(|dict| {
                dict.arg("a", 1).arg("b", 2).arg("c", i as u64);
            })
        )),
        case!("3 numbers", 1.0, |i| instant!(ON, "event", a = i as u64, b = 1, c = 2)),
        case!("8 numbers", 1.0, |i| {
            instant!(ON, "event", a = i as u64, b = 1, c = 2, d = 3, e = 4, f = 5, g = 6, h = 7);
        }),
        case!("slice with 3: `u64`, `f64`, `&str`", 2.0, |i| {
            let _slice = slice!(ON, "event", number = (i & 127) as u64, real = i as f64, text = short);
        }),
    ];
    compare("events and annotations (of an instant unless said)", options.rounds, &cases);
    pftrace::set_categories("-off");
    let cases: Vec<Case<'_>> = vec![case!("category off, in a session", 0.0, |i| instant!(OFF, "instant"))];
    compare("what is off", options.rounds, &cases);
    pftrace::set_categories("");
}
