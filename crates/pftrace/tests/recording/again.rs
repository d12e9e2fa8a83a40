//! The same call sites again and again: the first event of each goes another way than those that follow it.

use std::cell::Cell;

use pftrace::{Annotate, Argument, CallSite, Category, EventKind, begin, counter, end, instant, slice};
use pftrace_testkit::Arg;

use crate::record;
use crate::rows::IO;

/// Where lengths change.
const NUMBERS: [u64; 16] = [
    0,
    1,
    (1 << 7) - 1,
    1 << 7,
    (1 << 14) - 1,
    1 << 14,
    (1 << 21) - 1,
    1 << 21,
    (1 << 28) - 1,
    1 << 28,
    (1 << 32) + 7,
    (1 << 35) - 1,
    (1 << 56) + 1,
    (1 << 63) - 1,
    1 << 63,
    u64::MAX,
];

/// Of each length, up to some that no short packet takes.
const TEXTS: usize = 200;

#[test]
fn what_comes_again_is_written_as_what_came_first() {
    static SCRIPT: Category = Category::new("script");
    // Names of annotations have numbers of one byte, of two, of three.
    let sites: Vec<&'static CallSite> = (0..700)
        .map(|_| {
            let keys = &["first", "second", "third", "k4", "k5", "k6", "k7", "k8", "k9", "k10"];
            &*Box::leak(Box::new(CallSite::new(EventKind::Instant, &SCRIPT, Some("site"), keys)))
        })
        .collect();
    let texts: Vec<String> = (0..TEXTS).map(|len| ('a'..='z').cycle().skip(len).take(len).collect()).collect();
    let recorded = record(|| {
        for run in 0..3 {
            for (number, text) in texts.iter().enumerate() {
                let value = NUMBERS[number % NUMBERS.len()];
                let (signed, real, yes) = (value as i64, value as f64 / 3.0, number % 2 == 0);
                instant!(
                    "again",
                    "event",
                    run,
                    value,
                    signed,
                    real,
                    yes,
                    text,
                    small = number as u8,
                    none = None::<u8>
                );
                instant!(IO, "numbers", value, number);
                {
                    let _slice = slice!("again", text, value, signed = -signed.max(-5));
                    let _plain = slice!(IO, text.as_str());
                }
                counter!("again", "unsigned", value);
                counter!("again", "signed", -signed.max(-i64::MAX));
                counter!("again", "real", real);
                begin!("written out", "begun");
                begin!(IO, text, text);
                end!("io.disk");
                end!("written out");
            }
        }
        for &site in sites.iter().flat_map(|site| [site; 2]) {
            site.instant(None, &[1.argument(), Argument::None, "third".argument()]);
        }
        for (number, &value) in NUMBERS.iter().chain(&NUMBERS).enumerate() {
            instant!("again", "long key", number, value, text = texts[number].as_str(), real = 0.5, yes = true);
        }
    });
    let Some((loaded, report)) = recorded else { return };
    assert_eq!((report.events, report.threads[0].truncated), (3 * 200 * 13 + 1400 + 32, 0));
    let text = |text: &str| Arg::Text(text.into());
    let values = (0..3).flat_map(|run| texts.iter().enumerate().map(move |(number, text)| (run, number, text)));
    let value_of = |number: usize| NUMBERS[number % NUMBERS.len()];

    let events = loaded.slices_named("event");
    assert_eq!(events.len(), 600);
    for (slice, (run, number, own)) in events.iter().zip(values.clone()) {
        let value = value_of(number);
        let expected = [
            ("debug.run", Arg::Int(run)),
            ("debug.value", Arg::Uint(value)),
            ("debug.signed", Arg::Int(value as i64)),
            ("debug.real", Arg::Real(value as f64 / 3.0)),
            ("debug.yes", Arg::Bool(number % 2 == 0)),
            ("debug.text", text(own)),
            ("debug.small", Arg::Uint(number as u64)),
        ];
        assert_eq!(slice.args, expected.map(|(key, value)| (key.to_owned(), value)).into(), "run {run}, {number}");
    }
    // Those of run-time names are told by their parents.
    let named: Vec<_> = loaded.slices.iter().filter(|slice| slice.category.as_deref() == Some("again")).collect();
    let named: Vec<_> = named.into_iter().filter(|slice| slice.args.len() == 2).collect();
    assert_eq!(named.len(), 600);
    for (slice, (_, number, own)) in named.iter().zip(values.clone()) {
        assert_eq!(slice.name.as_deref().unwrap_or_default(), own);
        let expected = [
            ("debug.value", Arg::Uint(value_of(number))),
            ("debug.signed", Arg::Int(-(value_of(number) as i64).max(-5))),
        ];
        assert_eq!(slice.args, expected.map(|(key, value)| (key.to_owned(), value)).into());
        let within: Vec<_> = loaded.slices.iter().filter(|inner| inner.parent == Some(slice.id)).collect();
        assert_eq!(within.len(), 1);
        assert_eq!(within[0].name.as_deref().unwrap_or_default(), own);
    }
    let begun = loaded.slices_named("begun");
    assert_eq!(begun.len(), 600);
    for (slice, (_, _, own)) in begun.iter().zip(values.clone()) {
        let within: Vec<_> = loaded.slices.iter().filter(|inner| inner.parent == Some(slice.id)).collect();
        assert_eq!(within.len(), 1);
        assert_eq!(
            (within[0].name.as_deref().unwrap_or_default(), &within[0].args["debug.text"]),
            (&**own, &text(own))
        );
        assert!(slice.dur >= within[0].dur && within[0].dur >= 0);
    }
    let counted = |name| loaded.counter_values(name).into_iter().map(|(_, value)| value).collect::<Vec<f64>>();
    let all = |of: fn(u64) -> f64| values.clone().map(|(_, number, _)| of(value_of(number))).collect::<Vec<f64>>();
    assert_eq!(counted("unsigned"), all(|value| value as f64));
    assert_eq!(counted("signed"), all(|value| -(value as i64).max(-i64::MAX) as f64));
    assert_eq!(counted("real"), all(|value| value as f64 / 3.0));
    let at_sites = loaded.slices_named("site");
    assert_eq!(at_sites.len(), 1400);
    let expected = [("debug.first".to_owned(), Arg::Int(1)), ("debug.third".to_owned(), text("third"))];
    assert!(at_sites.iter().all(|slice| slice.args == expected.clone().into()));
    let long = loaded.slices_named("long key");
    assert_eq!(long.len(), 32);
    for (number, slice) in long.iter().enumerate() {
        let expected = [
            ("debug.number", Arg::Uint(number as u64)),
            ("debug.value", Arg::Uint(value_of(number))),
            ("debug.text", text(&texts[number])),
            ("debug.real", Arg::Real(0.5)),
            ("debug.yes", Arg::Bool(true)),
        ];
        assert_eq!(slice.args, expected.map(|(key, value)| (key.to_owned(), value)).into());
    }
}

/// It may record, and is asked once.
#[test]
fn a_value_of_ones_own_is_asked_before_its_event() {
    struct Own(Cell<u64>);
    impl Annotate for Own {
        fn argument(&self) -> Argument<'_> {
            self.0.set(self.0.get() + 1);
            instant!("again", "asked", times = self.0.get());
            Argument::Uint(self.0.get())
        }
    }
    let own = Own(Cell::new(0));
    let recorded = record(|| {
        for number in 0..5 {
            let _slice = slice!("again", "asks", number, own);
        }
    });
    let Some((loaded, report)) = recorded else { return };
    assert_eq!(report.nested, 0);
    let names: Vec<_> = loaded.slices.iter().map(|slice| slice.name.as_deref().unwrap()).collect();
    assert_eq!(names, ["asked", "asks"].repeat(5));
    let values: Vec<_> = loaded.slices_named("asks").iter().map(|slice| slice.args["debug.own"].clone()).collect();
    assert_eq!(values, (1..=5).map(Arg::Uint).collect::<Vec<_>>());
}

/// Guards that are dropped out of order: each ends the innermost, whatever that is, plain or with a name of its own.
#[test]
fn guards_out_of_order_end_the_innermost() {
    let names: Vec<String> = (0..40).map(|number| format!("named {number}")).collect();
    let recorded = record(|| {
        for name in &names {
            let _around = slice!("again", "around");
            let first = slice!("again", "first");
            let second = slice!("again", "second");
            drop(first);
            // As deep as the second was, which has ended.
            let third = slice!("again", name.as_str());
            drop(second);
            let fourth = slice!("again", "fourth");
            drop(third);
            drop(fourth);
        }
    });
    let Some((loaded, _)) = recorded else { return };
    let slices: Vec<_> =
        loaded.slices.iter().map(|slice| (slice.name.clone().unwrap_or_default(), slice.depth)).collect();
    assert_eq!(slices.len(), 5 * names.len());
    for (slices, name) in slices.chunks(5).zip(&names) {
        let found: Vec<_> = slices.iter().map(|(name, depth)| (name.as_str(), *depth)).collect();
        let expected = [("around", 0), ("first", 1), ("second", 2), (name, 2), ("fourth", 2)];
        assert_eq!(found, expected);
    }
}

/// A counter whose track is to be given each time has none here.
#[test]
fn a_counter_without_a_name_records_nothing() {
    static SCRIPT: Category = Category::new("script");
    static NAMELESS: CallSite = CallSite::new(EventKind::Counter, &SCRIPT, None, &[]);
    let recorded = record(|| {
        (0..100_i64).for_each(|value| NAMELESS.counter(value));
        instant!("again", "behind");
    });
    let Some((loaded, _)) = recorded else { return };
    assert_eq!((loaded.counters.len(), loaded.slices_named("behind").len()), (0, 1));
}
