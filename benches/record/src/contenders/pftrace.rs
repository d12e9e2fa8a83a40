//! pftrace as its users have it: a session, and the macros. Of each policy, into a file or into nothing.

use std::marker::PhantomData;
use std::path::Path;

use pftrace::{Policy, Session, SessionBuilder, counter, instant, slice};

use crate::contender::{Contender, Kept};
use crate::readback;
use crate::workload::{Name, Workload};

pftrace::categories! {
    RACE = "race";
}

/// What the session is.
pub trait Setup: Sync {
    const POLICY: Policy;
    const BUFFER_BYTES: usize = 64 << 20;
    const INTO_NOTHING: bool = false;
}

pub fn session<S: Setup>(file: &Path) -> SessionBuilder {
    let builder = Session::builder().policy(S::POLICY).buffer_bytes(S::BUFFER_BYTES);
    if S::INTO_NOTHING { builder.writer(std::io::sink()) } else { builder.file(file) }
}

/// The default: a thread of pftrace's writes while others record.
#[derive(Debug)]
pub struct Stream;

impl Setup for Stream {
    const POLICY: Policy = Policy::Stream;
}

/// Written when it stops. The buffer holds ten times what a run records.
#[derive(Debug)]
pub struct Discard;

impl Setup for Discard {
    const POLICY: Policy = Policy::Discard;
    const BUFFER_BYTES: usize = 256 << 20;
}

/// Overwritten a few times in each run; the file is the last snapshot: what was overwritten is shown as lost.
#[derive(Debug)]
pub struct Flight;

impl Setup for Flight {
    const POLICY: Policy = Policy::FlightRecorder;
    const BUFFER_BYTES: usize = 1 << 20;
}

/// The same, written into nothing.
#[derive(Debug)]
pub struct IntoNothing<S>(PhantomData<S>);

impl<S: Setup> Setup for IntoNothing<S> {
    const POLICY: Policy = S::POLICY;
    const BUFFER_BYTES: usize = S::BUFFER_BYTES;
    const INTO_NOTHING: bool = true;
}

#[derive(Debug)]
pub struct Pftrace<S>(Option<Session>, PhantomData<S>);

impl<S: Setup> Contender for Pftrace<S> {
    type Thread = ();
    const WORKLOADS: &[Workload] = &Workload::ALL;

    fn start(file: &Path, recording: bool) -> Self {
        Self(recording.then(|| session::<S>(file).start().expect("the file can be made")), PhantomData)
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

    fn kept(file: &Path) -> Option<Kept> {
        if S::INTO_NOTHING { None } else { readback::perfetto(file) }
    }
}
