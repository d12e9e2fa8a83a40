//! pftrace as its users have it: a session into a file, and the macros; and a flight recorder, overwritten a few times in each run, of
//! which the file is the last snapshot: what was overwritten is shown as lost.

use std::path::Path;

use pftrace::{Policy, Session, counter, instant, slice};

use crate::contender::Contender;
use crate::workload::{Name, Workload};

pftrace::categories! {
    RACE = "race";
}

#[derive(Debug)]
pub struct Pftrace<const FLIGHT: bool>(Option<Session>);

impl<const FLIGHT: bool> Contender for Pftrace<FLIGHT> {
    type Thread = ();
    const WORKLOADS: &[Workload] =
        &[Workload::Span, Workload::Instant, Workload::Counter, Workload::Annotated, Workload::Named, Workload::Off];

    fn start(file: &Path, recording: bool) -> Self {
        let builder = match FLIGHT {
            true => Session::builder().policy(Policy::FlightRecorder).buffer_bytes(1 << 20),
            false => Session::builder(),
        };
        let session = || builder.file(file).start().expect("the file can be made");
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
