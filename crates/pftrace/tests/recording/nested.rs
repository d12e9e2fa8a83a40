//! Annotations that are dictionaries and arrays.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use pftrace::{Annotate, Argument, Dict, Entries, MAX_ANNOTATION_DEPTH, array, dict, instant, slice};
use pftrace_testkit::{Arg, Loaded, check};

use crate::{record, record_as};

struct Point {
    x: i32,
    tags: Vec<&'static str>,
}

impl Entries for Point {
    fn entries(&self, dict: &mut Dict<'_>) {
        dict.arg("x", self.x).value("tags", &self.tags);
    }
}

impl Annotate for Point {
    fn argument(&self) -> Argument<'_> {
        Argument::Dict(self)
    }
}

fn args(loaded: &Loaded, name: &str) -> BTreeMap<String, Arg> {
    let args = &loaded.slices_named(name)[0].args;
    args.iter().filter_map(|(key, value)| Some((key.strip_prefix("debug.")?.to_owned(), value.clone()))).collect()
}

fn text(text: &str) -> Arg {
    Arg::Text(text.into())
}

fn map(entries: &[(&str, Arg)]) -> BTreeMap<String, Arg> {
    entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

#[test]
fn values_are_nested() {
    let recorded = record(|| {
        let list = vec![1, -2];
        let part: &[f64] = &[0.5];
        instant!(
            "n",
            "arrays",
            list,
            part,
            three = [true, false, true],
            none = [Some(1), None, Some(3)],
            empty = [0; 0]
        );
        let points = [Point { x: 1, tags: vec![] }, Point { x: 2, tags: vec!["a", "b"] }];
        let some = Some(&points[1]);
        let _slice = slice!("n", "own types", points, some, number = 7);
        instant!(
            "n",
            "collections",
            map = BTreeMap::from([("one", 1), ("two", 2)]),
            hash = HashMap::from([(String::from("key"), vec!['x', 'ß'])]),
            set = BTreeSet::from([3_u8, 1]),
            deque = VecDeque::from([u128::MAX]),
        );
        let factor = 2;
        instant!(
            correlation_id: 3,
            "n",
            "closures",
            camera = dict(|camera| {
                camera.arg("x", factor).pointer("p", 0x10).dict("lens", |lens| _ = lens.arg("mm", 35.5).arg("on", true));
                camera.array("a", |a| _ = a.push(1).push("text").dict(|d| _ = d.value("point", &points[1])));
            }),
            all = array(|all| _ = all.value(&points[0]).value(&format_args!("{factor}!")).array(|a| _ = a.push(9))),
            after = "it",
        );
    });
    let Some((loaded, _)) = recorded else { return };
    let arrays = [
        ("list[0]", Arg::Int(1)),
        ("list[1]", Arg::Int(-2)),
        ("part[0]", Arg::Real(0.5)),
        ("three[0]", Arg::Bool(true)),
        ("three[1]", Arg::Bool(false)),
        ("three[2]", Arg::Bool(true)),
        ("none[0]", Arg::Int(1)),
        ("none[1]", Arg::Int(3)),
    ];
    assert_eq!(args(&loaded, "arrays"), map(&arrays));
    let own = [
        ("points[0].x", Arg::Int(1)),
        ("points[1].x", Arg::Int(2)),
        ("points[1].tags[0]", text("a")),
        ("points[1].tags[1]", text("b")),
        ("some.x", Arg::Int(2)),
        ("some.tags[0]", text("a")),
        ("some.tags[1]", text("b")),
        ("number", Arg::Int(7)),
    ];
    assert_eq!(args(&loaded, "own types"), map(&own));
    let collections = [
        ("map.one", Arg::Int(1)),
        ("map.two", Arg::Int(2)),
        ("hash.key[0]", text("x")),
        ("hash.key[1]", text("ß")),
        ("set[0]", Arg::Uint(1)),
        ("set[1]", Arg::Uint(3)),
        ("deque[0]", text(&u128::MAX.to_string())),
    ];
    assert_eq!(args(&loaded, "collections"), map(&collections));
    let closures = [
        ("camera.x", Arg::Int(2)),
        ("camera.p", Arg::Pointer(0x10)),
        ("camera.lens.mm", Arg::Real(35.5)),
        ("camera.lens.on", Arg::Bool(true)),
        ("camera.a[0]", Arg::Int(1)),
        ("camera.a[1]", text("text")),
        ("camera.a[2].point.x", Arg::Int(2)),
        ("camera.a[2].point.tags[0]", text("a")),
        ("camera.a[2].point.tags[1]", text("b")),
        ("all[0].x", Arg::Int(1)),
        ("all[1]", text("2!")),
        ("all[2][0]", Arg::Int(9)),
        ("after", text("it")),
    ];
    assert_eq!(args(&loaded, "closures"), map(&closures));
}

/// Nested in itself as often as it says.
struct Deep(u32);

impl Entries for Deep {
    fn entries(&self, dict: &mut Dict<'_>) {
        dict.arg("left", self.0);
        if let Some(left) = self.0.checked_sub(1) {
            dict.value("in", &Deep(left));
        }
    }
}

impl Annotate for Deep {
    fn argument(&self) -> Argument<'_> {
        Argument::Dict(self)
    }
}

#[test]
fn what_is_too_deep_is_marked() {
    let (trace, report) = record_as(
        |builder| builder.buffer_bytes(64 << 20),
        |_| {
            instant!("n", "fits", deep = Deep(MAX_ANNOTATION_DEPTH - 1));
            instant!("n", "deeper", deep = Deep(MAX_ANNOTATION_DEPTH + 7), after = 1);
        },
    );
    assert_eq!((report.events, report.threads[0].truncated), (2, 0));
    let Some(loaded) = check(&trace) else { return };
    let depth = MAX_ANNOTATION_DEPTH as usize;
    let key = |depth: usize, last: &str| format!("deep.{}{last}", "in.".repeat(depth));
    let fits = args(&loaded, "fits");
    assert_eq!((fits.len(), &fits[&key(depth - 1, "left")]), (depth, &Arg::Uint(0)));
    let deeper = args(&loaded, "deeper");
    assert_eq!(deeper[&key(depth - 1, "left")], Arg::Uint(8));
    assert_eq!(deeper[key(depth, "").trim_end_matches('.')], text("…"));
    assert_eq!((deeper.len(), &deeper["after"]), (depth + 2, &Arg::Int(1)));
}

#[test]
fn what_is_too_large_is_cut_and_marked() {
    let (trace, report) = record_as(
        |builder| builder,
        |session| {
            let size = session.max_event_len();
            let numbers: Vec<u64> = (0..size as u64).collect();
            let texts = vec!["ä".repeat(size); 3];
            // As it is, it has room: numbers of an array take at most six bytes here.
            instant!("n", "whole", numbers = &numbers[..size / 8]);
            instant!("n", "numbers", numbers, after = 1);
            instant!(
                "n",
                "texts",
                texts,
                shown = array(|a| (0..9).for_each(|n| _ = a.value(&format_args!("{n}{}", texts[0]))))
            );
        },
    );
    assert_eq!((report.dropped.total(), report.threads[0].truncated), (0, 2));
    let Some(loaded) = check(&trace) else { return };
    let whole = args(&loaded, "whole");
    assert!(whole.len() > 60 && whole.values().all(|value| matches!(value, Arg::Uint(_))), "{}", whole.len());
    let numbers = args(&loaded, "numbers");
    let marks: Vec<_> = numbers.iter().filter(|(_, value)| **value == text("…")).collect();
    let last = numbers.len() - 2;
    assert_eq!((marks.len(), &numbers["after"]), (1, &Arg::Int(1)));
    assert_eq!(marks[0].0, &format!("numbers[{last}]"));
    assert!((0..last).all(|number| numbers[&format!("numbers[{number}]")] == Arg::Uint(number as u64)));
    let texts = args(&loaded, "texts");
    let Arg::Text(first) = &texts["texts[0]"] else { panic!("{texts:?}") };
    let Arg::Text(shown) = &texts["shown[0]"] else { panic!("{texts:?}") };
    assert!(first.ends_with("ä…") && shown.starts_with("0ä") && shown.ends_with('…'), "{first} {shown}");
}
