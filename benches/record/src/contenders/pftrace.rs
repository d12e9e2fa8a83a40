//! pftrace as its users have it: a session into a file, and the macros.

use std::path::Path;

use pftrace::{Session, counter, instant, slice};

use crate::contender::Contender;
use crate::workload::{Name, Workload};

pftrace::categories! {
    RACE = "race";
}

#[derive(Debug)]
pub struct Pftrace(Option<Session>);

impl Contender for Pftrace {
    type Thread = ();
    const WORKLOADS: &[Workload] =
        &[Workload::Span, Workload::Instant, Workload::Counter, Workload::Annotated, Workload::Named, Workload::Off];

    fn start(file: &Path, recording: bool) -> Self {
        let session = || Session::builder().file(file).start().expect("the file can be made");
        Self(recording.then(session))
    }

    fn thread(&self, _events: usize) {}

    #[inline(always)]
    fn span(_: &mut ()) {
        let _slice = slice!(RACE, "span");
    }

    #[inline(always)]
    fn instant(_: &mut ()) {
        instant!(RACE, "instant");
    }

    #[inline(always)]
    fn counter(_: &mut (), value: i64) {
        counter!(RACE, "counter", value);
    }

    #[inline(always)]
    fn annotated(_: &mut (), number: u64, real: f64, text: &str) {
        let _slice = slice!(RACE, "annotated", number, real, text);
    }

    #[inline(always)]
    fn named(_: &mut (), name: &Name) {
        let _slice = slice!(RACE, name.text.as_str());
    }

    fn finish(self) {
        if let Some(session) = self.0 {
            let report = session.stop().expect("the file takes it");
            eprintln!("pftrace: {report}");
        }
    }
}
