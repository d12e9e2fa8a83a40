//! Guards that are dropped in any order, beside slices without one: each end is that of the innermost, if it is one at all.

use pftrace::{SliceGuard, begin, end, instant, slice};
use pftrace_testkit::check;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::record_as;

#[derive(Clone, Copy, Debug)]
enum Step {
    /// With a guard.
    Plain,
    Named(usize),
    Annotated(usize),
    Refused,
    /// Without.
    Begin,
    BeginNamed(usize),
    End,
    EndOfOther,
    /// The guard in that place, or the last one.
    Drop(Option<usize>),
    EndWith(Option<usize>),
    Instant,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let len = || prop_oneof![4 => 1_usize..32, 1 => 32_usize..200];
    let place = || proptest::option::of(any::<usize>());
    let step = prop_oneof![
        4 => Just(Step::Plain),
        3 => len().prop_map(Step::Named),
        1 => len().prop_map(Step::Annotated),
        1 => Just(Step::Refused),
        1 => Just(Step::Begin),
        1 => len().prop_map(Step::BeginNamed),
        2 => Just(Step::End),
        1 => Just(Step::EndOfOther),
        6 => place().prop_map(Step::Drop),
        2 => place().prop_map(Step::EndWith),
        2 => Just(Step::Instant),
    ];
    proptest::collection::vec(step, 1..400)
}

/// What is to be shown: names and depths in order.
#[derive(Debug, Default)]
struct Model {
    rows: Vec<(String, i64)>,
    /// Whether those that are open have guards.
    open: Vec<bool>,
}

impl Model {
    fn show(&mut self, name: &str) {
        self.rows.push((name.to_owned(), self.open.len() as i64));
    }

    fn begin(&mut self, name: &str, guarded: bool) {
        self.show(name);
        self.open.push(guarded);
    }

    /// `end!` of the category that all are of.
    fn end(&mut self) {
        if self.open.last() == Some(&false) {
            self.open.pop();
        }
    }
}

/// Takes the guard in a place, or the last one, if there are any.
fn take(guards: &mut Vec<SliceGuard>, place: Option<usize>) -> Option<SliceGuard> {
    let last = guards.len().checked_sub(1)?;
    Some(guards.remove(place.map_or(last, |place| place % guards.len())))
}

fn run(steps: &[Step]) -> (Model, Vec<u8>) {
    let mut model = Model::default();
    let (trace, report) = record_as(
        |builder| builder.buffer_bytes(4 << 20),
        |_| {
            let mut guards = Vec::new();
            for (number, step) in steps.iter().enumerate() {
                let name = |len: usize| format!("{number} {}", "x".repeat(len));
                match *step {
                    Step::Plain => {
                        guards.push(slice!("guards", "plain"));
                        model.begin("plain", true);
                    }
                    Step::Named(len) => {
                        guards.push(slice!("guards", name(len).as_str()));
                        model.begin(&name(len), true);
                    }
                    Step::Annotated(len) => {
                        guards.push(slice!("guards", name(len).as_str(), number));
                        model.begin(&name(len), true);
                    }
                    Step::Refused => {
                        guards.push(slice!(
                            with: |event| _ = event.set_correlation_id(1).set_correlation_id_str("2"),
                            "guards",
                            "refused"
                        ));
                        model.begin("refused", true);
                    }
                    Step::Begin => {
                        begin!("guards", "begun");
                        model.begin("begun", false);
                    }
                    Step::BeginNamed(len) => {
                        begin!("guards", name(len).as_str());
                        model.begin(&name(len), false);
                    }
                    Step::End => {
                        end!("guards");
                        model.end();
                    }
                    Step::EndOfOther => end!("other"),
                    Step::Drop(place) => {
                        if let Some(guard) = take(&mut guards, place) {
                            drop(guard);
                            model.open.pop();
                        }
                    }
                    Step::EndWith(place) => {
                        if let Some(guard) = take(&mut guards, place) {
                            end!(slice: guard, number);
                            model.open.pop();
                        }
                    }
                    Step::Instant => {
                        instant!("guards", "instant");
                        model.show("instant");
                    }
                }
            }
            guards.into_iter().for_each(std::mem::forget);
        },
    );
    assert_eq!(report.dropped.total(), 0, "{report:?}");
    (model, trace)
}

#[test]
fn every_end_is_that_of_the_innermost() {
    let mut runner = TestRunner::new(Config { cases: 30, failure_persistence: None, ..Config::default() });
    let test = |steps: Vec<Step>| {
        let (model, trace) = run(&steps);
        let Some(loaded) = check(&trace) else { return Ok(()) };
        let mut slices: Vec<_> = loaded.slices.iter().collect();
        slices.sort_by_key(|slice| slice.ts);
        let rows: Vec<_> = slices.iter().map(|slice| (slice.name.clone().unwrap_or_default(), slice.depth)).collect();
        prop_assert_eq!(rows, model.rows);
        prop_assert_eq!(slices.iter().filter(|slice| slice.dur == -1).count(), model.open.len());
        Ok(())
    };
    if let Err(error) = runner.run(&steps(), test) {
        panic!("{}", error.to_string().chars().take(3_000).collect::<String>());
    }
}
