//! Ours: the recording path of `crate::path` over pftrace-ring, and a drain into the file each millisecond. The file is a whole trace:
//! names, tracks and clocks are in it.

use std::cell::Cell;
use std::fs::File;
use std::path::Path;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pftrace_ring::Policy;

use crate::contender::Contender;
use crate::path::forms::{self, Sites};
use crate::path::session::Drain;
use crate::path::{self, Session, Tsc};
use crate::workload::{Name, Workload};

static ON: AtomicBool = AtomicBool::new(false);

thread_local! {
    static THREAD: Cell<*mut Thread> = const { Cell::new(ptr::null_mut()) };
}

type Thread = path::Thread<Tsc>;

/// Run-time names by number, from a table of the thread.
#[derive(Debug)]
pub struct OverRing {
    session: Arc<Session>,
    sites: Sites,
    drain: Drain,
}

/// What a call of a macro has: whether recording is on, the thread's own state, the call site.
#[inline(always)]
fn record(f: impl FnOnce(&mut Thread)) {
    if !ON.load(Ordering::Relaxed) {
        return;
    }
    let thread = THREAD.get();
    if thread.is_null() {
        return;
    }
    // SAFETY: the thread's own state, alive until `leave`; no recording happens inside of recording here.
    f(unsafe { &mut *thread });
}

impl Contender for OverRing {
    type Thread = &'static Sites;
    const WORKLOADS: &[Workload] = &Workload::ALL;

    fn start(file: &Path, recording: bool) -> Self {
        ON.store(recording, Ordering::Relaxed);
        let session = Session::new::<Tsc>(2048, Policy::Keep);
        let sites = Sites::new(&session);
        let drain = session.drain(File::create(file).expect("the file can be made"));
        Self { session, sites, drain }
    }

    fn thread(&self, _events: usize) -> Self::Thread {
        THREAD.set(Box::into_raw(Box::new(Thread::new(&self.session))));
        // As the statics that macros make.
        Box::leak(Box::new(self.sites.clone()))
    }

    #[inline(always)]
    fn span(sites: &mut Self::Thread) {
        record(|thread| forms::constant(thread, &sites.begin));
        record(|thread| forms::constant(thread, &sites.end));
    }

    #[inline(always)]
    fn instant(sites: &mut Self::Thread) {
        record(|thread| forms::constant(thread, &sites.instant));
    }

    #[inline(always)]
    fn counter(sites: &mut Self::Thread, value: i64) {
        record(|thread| forms::counter(thread, &sites.counter, value));
    }

    #[inline(always)]
    fn annotated(sites: &mut Self::Thread, number: u64, real: f64, text: &str) {
        record(|thread| forms::annotated_by_hand(thread, &sites.annotated, number, real, text));
        record(|thread| forms::constant(thread, &sites.end));
    }

    #[inline(always)]
    fn named(sites: &mut Self::Thread, name: &Name) {
        record(|thread| forms::named(thread, &sites.named, &name.text));
        record(|thread| forms::constant(thread, &sites.end));
    }

    fn leave(&self, _sites: Self::Thread) {
        // SAFETY: made by `thread`, and out of reach from here on.
        drop(unsafe { Box::from_raw(THREAD.replace(ptr::null_mut())) });
    }

    fn finish(self) {
        self.drain.finish();
    }
}

/// Run-time names written in full.
#[derive(Debug)]
pub struct NamesInFull(OverRing);

impl Contender for NamesInFull {
    type Thread = &'static Sites;
    const WORKLOADS: &[Workload] = &[Workload::Named];

    fn start(file: &Path, recording: bool) -> Self {
        Self(OverRing::start(file, recording))
    }

    fn thread(&self, events: usize) -> Self::Thread {
        self.0.thread(events)
    }

    fn span(sites: &mut Self::Thread) {
        OverRing::span(sites);
    }

    #[inline(always)]
    fn named(sites: &mut Self::Thread, name: &Name) {
        record(|thread| forms::named_by_hand(thread, &sites.named, &name.text));
        record(|thread| forms::constant(thread, &sites.end));
    }

    fn leave(&self, sites: Self::Thread) {
        self.0.leave(sites);
    }

    fn finish(self) {
        self.0.finish();
    }
}
