//! What an observer sees.

use std::cell::RefCell;
use std::path::Path;

use pftrace_codegen::{Config, Counter, Observer, Phase};

#[derive(Default)]
struct Log {
    open: RefCell<Vec<Phase>>,
    lines: RefCell<Vec<String>>,
    counts: RefCell<Vec<(Counter, u64)>>,
}

impl Observer for Log {
    fn begin(&self, phase: Phase, subject: &str) {
        self.open.borrow_mut().push(phase);
        self.lines.borrow_mut().push(format!("{} {subject}", phase.name()));
    }

    fn end(&self, phase: Phase) {
        assert_eq!(self.open.borrow_mut().pop(), Some(phase));
    }

    fn count(&self, counter: Counter, total: u64) {
        self.counts.borrow_mut().push((counter, total));
    }
}

#[test]
fn phases_nest_and_name_their_subjects() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let log = Log::default();
    let config = Config::new().include(&fixtures).observer(&log);
    let generated = config.generate(&["everything.proto"]).unwrap();
    assert_eq!(log.open.take(), []);
    let lines = log.lines.take();
    assert_eq!(
        lines[..4],
        ["generate ", "read everything.proto", "parse everything.proto", "parse google/protobuf/timestamp.proto"]
    );
    for phase in ["parse", "check", "lower"] {
        let files = lines.iter().filter(|line| line.starts_with(phase));
        assert_eq!(files.count(), 5, "{phase}: with timestamp.proto and descriptor.proto");
    }
    for line in
        ["read legacy.proto", "emit fixture.all.Scalars", "format fixture.all.Scalars", "emit fixture.all.Color"]
    {
        assert_eq!(lines.iter().filter(|other| *other == line).count(), 1, "{line}");
    }
    let last = |counter| log.counts.borrow().iter().rfind(|(c, _)| *c == counter).map(|(_, total)| *total);
    let size: u64 = generated.inputs().iter().map(|path| path.metadata().unwrap().len()).sum();
    let types = |what: &str| generated.code().matches(what).count() as u64;
    assert_eq!(last(Counter::Files), Some(3));
    assert_eq!(last(Counter::InputBytes), Some(size));
    assert_eq!(last(Counter::Messages), Some(types("pub fn encode(")));
    assert_eq!(last(Counter::Enums), Some(types("pub const fn from_value(")));
    // An extension is declared in a trait.
    assert_eq!(last(Counter::Fields), Some(types("pub fn set_") + types("pub fn add_") + types("&mut Self;")));
    assert!(last(Counter::OutputBytes).unwrap() > 20_000);
}
