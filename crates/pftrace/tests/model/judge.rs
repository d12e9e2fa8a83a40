//! Random programs, each judged as a whole.

use pftrace::MAX_OPEN_SLICES;
use pftrace_testkit::{TraceProcessor, compare_decoders, dynamic};
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};

use crate::generate::programs;
use crate::predict::{matching, predict};
use crate::program::{Number, Op, Program};
use crate::reader::read;
use crate::record::{Record, Says, compare};
use crate::rows::Rows;
use crate::run::{Written, run};

/// As many as take half a minute without optimization.
const CASES: u32 = 150;

#[test]
fn random_programs() {
    let mut config = Config { failure_persistence: None, ..Config::default() };
    if std::env::var_os("PROPTEST_MAX_SHRINK_ITERS").is_none() {
        config.max_shrink_iters = 1000;
    }
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = CASES;
    }
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(0x7066_7472_6163_6521);
    }
    let outcome = TestRunner::new(config).run(&programs(), |program| judge(&program).map_err(TestCaseError::fail));
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(reason, program)) => panic!("{reason}\n\nThe program:\n{program:?}"),
        Err(error) => panic!("{error}"),
    }
}

/// Runs a program and compares all that came of it with the model.
pub(crate) fn judge(program: &Program) -> Result<(), String> {
    let clock = program.settings.clock.id();
    let written = run(program)?;
    let inline_strings = program.settings.intern_bytes.is_none().then_some(written.raw_names);
    judge_packets(&written.trace, &written.records, clock, inline_strings)?;
    judge_checker(&written, clock, program)?;
    judge_rows(&written.trace, &written.records, clock, inline_strings.is_some())?;
    // Slow: one trace in four. The other decoder's JSON is read with a limit of 128 levels, two for each annotation.
    let depths = written.records.iter().map(|record| match &record.says {
        Says::Event(happened) => happened.event.depth(),
        _ => 0,
    });
    if written.trace.len() % 4 == 0 && depths.max().unwrap_or(0) < 50 {
        _ = compare_decoders(&written.trace);
    }
    Ok(())
}

/// Compares the packets of a trace with what the model says they are. `inline_strings`: how many are not interned, if there
/// was room for all. Skipped where the schema is not installed.
pub(crate) fn judge_packets(
    trace: &[u8],
    records: &[Record],
    clock: u32,
    inline_strings: Option<u32>,
) -> Result<(), String> {
    let Some(packets) = dynamic::decode(trace) else { return Ok(()) };
    let read = read(&packets?, clock)?;
    if inline_strings.is_some_and(|expected| expected != read.inline_strings) {
        return Err(format!("{} strings are not interned, and there was room", read.inline_strings));
    }
    // Categories are two fields, for those interned and the others; their order among each other is lost.
    let sorted = |records: &[Record]| records.iter().cloned().map(sort_categories).collect::<Vec<_>>();
    match inline_strings.is_some() {
        true => compare("packet", records, &read.records)?,
        false => compare("packet", &sorted(records), &sorted(&read.records))?,
    }
    Ok(())
}

/// The checker finds no mistakes but those that a program makes on purpose: tracks that nothing describes, and slices that come out wrong
/// once they are sorted by time, since calls name several clocks, or one process through several handles. Nothing where it is not
/// built.
fn judge_checker(written: &Written, clock: u32, program: &Program) -> Result<(), String> {
    if !pftrace_testkit::HAS_CHECKER {
        return Ok(());
    }
    let describes_all = !program.ops.iter().any(|op| matches!(op, Op::RawInstant { .. }));
    let is_nan = |op: &Op| matches!(op, Op::Counter { value: Number::Double(value), .. } if value.is_nan());
    let matching = matching(&written.records, clock);
    let is_too_deep = matching.deepest > MAX_OPEN_SLICES as usize;
    let errors = pftrace_testkit::checker_errors(&written.trace);
    let of = |kind: &str| errors.iter().filter(|error| error.starts_with(&format!("error[{kind}]"))).count();
    let mut allowed = of("ends-nothing");
    if allowed != matching.stray_ends && !is_too_deep {
        return Err(format!("expected {} ends of nothing, the checker finds {errors:#?}", matching.stray_ends));
    }
    for (kind, is_allowed) in [
        ("track-undescribed", !describes_all),
        ("slices-overlap", matching.goes_back || is_too_deep),
        ("slices-too-deep", is_too_deep),
        ("counter-nan", program.ops.iter().any(is_nan)),
    ] {
        allowed += if is_allowed { of(kind) } else { 0 };
    }
    if allowed == errors.len() { Ok(()) } else { Err(format!("{matching:?}, the checker finds {errors:#?}")) }
}

fn sort_categories(mut record: Record) -> Record {
    if let Says::Event(happened) = &mut record.says {
        happened.event.categories.sort();
    }
    record
}

/// Compares what the trace processor shows of a trace with what the model says it shows. Skipped where it is not installed.
pub(crate) fn judge_rows(trace: &[u8], records: &[Record], clock: u32, interned: bool) -> Result<(), String> {
    if trace.is_empty() && records.is_empty() {
        return Ok(()); // It takes that for no trace at all.
    }
    let Some(mut processor) = TraceProcessor::shared() else { return Ok(()) };
    let loaded = processor.load(trace)?;
    drop(processor);
    if !loaded.cut().is_empty() {
        return Err(loaded.cut().to_owned());
    }
    let (expected, shown) = (predict(records, clock), Rows::shown(&loaded));
    match interned {
        true => expected.compare(&shown),
        false => expected.without_interning().compare(&shown.without_interning()),
    }
}

/// Why programs say no categories at an end: it then ends the innermost slice that has just these.
#[test]
fn an_end_has_no_category() {
    let mut trace = pftrace::TraceWriter::new(Vec::new());
    let mut track = trace.track("track").describe().unwrap();
    trace.begin_with(&mut track, 1, "slice", |event| _ = event.category("one")).unwrap();
    let refused = trace.end_with(&mut track, 5, |event| _ = event.category("two"));
    assert!(matches!(refused, Err(pftrace::Error::CategoryAtEnd)), "{refused:?}");
    trace.end(&mut track, 5).unwrap();
    let Some(loaded) = pftrace_testkit::check(&trace.finish().unwrap()) else { return };
    assert_eq!(loaded.slices[0].dur, 4);
}
