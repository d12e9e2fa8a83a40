use crate::*;

#[path = "../../examples/function_profiling.rs"]
#[allow(dead_code, reason = "`main` is not run here")]
mod example;

#[test]
fn each_call_is_a_slice_below_its_caller() {
    let Some((result, loaded)) = run("function_profiling", example::trace) else { return };
    assert_eq!(result, 34);
    assert_eq!(processes(&loaded), [((1, "stack machine".into()), vec![(1, "cpu".into())])]);
    assert_eq!(loaded.slices_named("fib").len(), 109);
    assert_eq!(loaded.slices.len(), 110);

    let main = loaded.slices_named("main")[0];
    assert_eq!((main.ts, main.depth, main.parent, uint(main, "registers.sp")), (0, 0, None, 0));
    assert_eq!(loaded.track_name(main).as_deref(), Some("cpu"));
    assert_eq!(arg(main, "result"), &Arg::Int(34));
    assert!(!main.args.contains_key("debug.n") && !main.args.contains_key("debug.registers.return_address"));
    let [fib] = children(&loaded, main)[..] else { panic!("main calls once") };
    let (value, instructions) = check_fib(&loaded, fib, Expected { n: 9, depth: 1, sp: 3, return_address: 3 });
    assert_eq!((value, main.dur), (34, (instructions + 4) * 250));
}

struct Expected {
    n: i64,
    depth: i64,
    sp: u64,
    return_address: u64,
}

/// Checks a call and all below it. Returns its value, and how many instructions it took.
fn check_fib(loaded: &Loaded, slice: &Slice, expected: Expected) -> (i64, i64) {
    let Expected { n, depth, sp, return_address } = expected;
    assert_eq!((slice.name.as_deref(), slice.category.as_deref()), (Some("fib"), Some("call")));
    assert_eq!(slice.depth, depth, "{slice:#?}");
    assert_eq!(arg(slice, "n"), &Arg::Int(n), "{slice:#?}");
    assert_eq!(arg(slice, "registers.a"), &Arg::Int(n));
    assert_eq!(arg(slice, "registers.pc"), &Arg::Pointer(4));
    assert_eq!(arg(slice, "registers.return_address"), &Arg::Pointer(return_address), "{slice:#?}");
    // A call begins with an empty frame.
    assert_eq!((uint(slice, "registers.sp"), uint(slice, "registers.fp")), (sp, sp));

    let (value, instructions) = match children(loaded, slice)[..] {
        [] if n < 2 => (n, 3),
        [first, second] if n >= 2 => {
            let deeper = |n, sp, return_address| Expected { n, depth: depth + 1, sp, return_address };
            // The second call finds the result of the first on the stack.
            let (first, first_took) = check_fib(loaded, first, deeper(n - 1, sp + 3, 9));
            let (second, second_took) = check_fib(loaded, second, deeper(n - 2, sp + 4, 14));
            (first + second, 12 + first_took + second_took)
        }
        ref other => panic!("{} calls by fib({n})", other.len()),
    };
    assert_eq!((arg(slice, "result"), slice.dur), (&Arg::Int(value), instructions * 250));
    (value, instructions)
}

fn children<'l>(loaded: &'l Loaded, parent: &Slice) -> Vec<&'l Slice> {
    loaded.slices.iter().filter(|slice| slice.parent == Some(parent.id)).collect()
}
