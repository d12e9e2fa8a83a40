use std::collections::BTreeMap;

use crate::*;

use example::{Interpreter, PROGRAM, USUAL};

#[path = "../../examples/recording_interpreter/main.rs"]
#[allow(dead_code, reason = "`main` is not run here")]
mod example;

fn interpret(categories: &str, program: &str) -> Option<(Interpreter, Loaded)> {
    let traced = run("recording_interpreter", |path| {
        let traced = example::trace(path, categories, program);
        // They hold for the process, and so for other examples.
        pftrace::set_categories("");
        traced
    });
    let ((interpreter, report), loaded) = traced?;
    assert_eq!(report.lost(), 0);
    Some((interpreter, loaded))
}

fn calls(loaded: &Loaded) -> impl Iterator<Item = &Slice> {
    loaded.slices.iter().filter(|slice| slice.category.as_deref() == Some("call"))
}

/// What an argument or a result is, as the language writes numbers.
#[track_caller]
fn int(slice: &Slice, name: &str) -> i64 {
    match arg(slice, name) {
        Arg::Int(value) => *value,
        other => panic!("{name} is {other:?}: {slice:#?}"),
    }
}

#[test]
fn each_call_is_a_slice_with_its_arguments_and_its_result() {
    let Some((interpreter, loaded)) = interpret(USUAL, PROGRAM) else { return };
    let said = ["144", "(list 1 4 9 16 25 36)", "91", "1", "3", "line 28: (/ 0 0) has no value"];
    assert_eq!(interpreter.said, said);
    let mut counts = BTreeMap::new();
    for call in calls(&loaded).filter(|call| call.name.as_deref() != Some("error")) {
        assert!(call.dur >= 0);
        *counts.entry(call.name.as_deref().unwrap().into()).or_default() += 1;
    }
    assert_eq!(counts, interpreter.calls);

    // Each fib of 2 and more lies over the two that it is the sum of.
    let by_id: BTreeMap<_, _> = loaded.slices.iter().map(|slice| (slice.id, slice)).collect();
    let mut parts: BTreeMap<i64, Vec<(i64, i64)>> = BTreeMap::new();
    for fib in loaded.slices_named("fib") {
        let (n, result) = (int(fib, "with.n"), int(fib, "result"));
        match fib.parent {
            Some(parent) => parts.entry(parent).or_default().push((n, result)),
            None => assert_eq!((n, result, uint(fib, "line")), (12, 144, 5)),
        }
        assert!(n >= 2 || result == n);
    }
    for (id, parts) in &parts {
        let (n, result) = (int(by_id[id], "with.n"), int(by_id[id], "result"));
        assert_eq!((parts[0].0, parts[1].0, parts.len()), (n - 1, n - 2, 2));
        assert_eq!(parts[0].1 + parts[1].1, result);
    }
    assert_eq!(parts.len(), loaded.slices_named("fib").iter().filter(|fib| int(fib, "with.n") >= 2).count());

    // Functions and lists are arguments too.
    let map = loaded.slices_named("map")[0];
    assert_eq!(arg(map, "with.f"), &Arg::Text("square".into()));
    let elements = (0..6).map(|i| (int(map, &format!("with.values[{i}]")), int(map, &format!("result[{i}]"))));
    assert!(elements.eq((1..=6).map(|n| (n, n * n))));
    let deepest = loaded.slices_named("odd?").iter().map(|call| call.depth).max();
    assert_eq!(deepest, Some(29));

    // The error ended all that it passed through.
    let error = Arg::Text("line 28: (/ 0 0) has no value".into());
    let failed: Vec<_> = calls(&loaded).filter(|call| call.args.get("debug.error") == Some(&error)).collect();
    let names: Vec<_> = failed.iter().map(|call| (call.name.as_deref().unwrap(), call.depth)).collect();
    assert_eq!(names, [("report", 0), ("average", 1), ("error", 0)]);
    // One value for each expression: at the end there are the numbers and their squares.
    let forms = PROGRAM.lines().filter(|line| line.starts_with('(')).count();
    let (lists, elements) = (values(&loaded, "lists"), values(&loaded, "elements"));
    assert_eq!((lists.len(), lists.last(), elements.last()), (forms, Some(&2.0), Some(&12.0)));
}

#[test]
fn categories_decide_what_is_in_the_profile() {
    let in_category = |loaded: &Loaded, category: &str| {
        loaded.slices.iter().filter(|slice| slice.category.as_deref() == Some(category)).count()
    };
    let program = "(define (twice x) (* 2 x)) (print (twice (+ 20 1)))";
    let Some((_, usual)) = interpret(USUAL, program) else { return };
    assert_eq!((in_category(&usual, "call"), in_category(&usual, "builtin")), (1, 0));
    assert_eq!(values(&usual, "lists"), [0.0, 0.0]);
    let (_, all) = interpret("*", program).unwrap();
    assert_eq!((in_category(&all, "call"), in_category(&all, "builtin")), (1, 3));
    let product = all.slices_named("*")[0];
    assert_eq!((int(product, "arguments[0]"), int(product, "arguments[1]"), int(product, "result")), (2, 21, 42));
    assert_eq!(product.parent, Some(all.slices_named("twice")[0].id));
    let (interpreter, details) = interpret("tag:detail", program).unwrap();
    assert_eq!((in_category(&details, "call"), in_category(&details, "builtin")), (0, 3));
    assert_eq!((values(&details, "lists").len(), interpreter.said), (0, vec!["42".to_owned()]));
}

#[test]
fn what_is_no_program_is_said() {
    let _alone = alone();
    for (program, said) in [
        ("(", "line 1: `(` has no `)`"),
        ("\n)", "line 2: expected an expression, found `)`"),
        ("(f)", "line 1: (f) has no value"),
        ("x", "there is no x"),
        ("(define x 1) (x)", "line 1: 1 is no function"),
        ("(define (f x) x)\n(f)", "line 2: f takes 1 arguments, found 0"),
        ("(+ 9223372036854775807 1)", "line 1: (+ 9223372036854775807 1) has no value"),
    ] {
        let mut interpreter = Interpreter::default();
        interpreter.run(program);
        assert_eq!(interpreter.said, [said]);
    }
}
