//! The candidates in the race: a region of 64 MiB, and a drain into the file every millisecond.

use std::fs::File;
use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::drain::{Drain, Pace, Sink};
use super::ownership::{ByCompareAtCommit, ByCooperation, ByExchange, ByMembarrier, Ownership};
use super::region::{Region, RegionOptions};
use super::writer::{BEGIN, END, INSTANT, ON, Writer};
use crate::contender::Contender;
use crate::workload::Workload;

pub type Exchange = Candidate<ByExchange>;
pub type Membarrier = Candidate<ByMembarrier>;
pub type CompareAtCommit = Candidate<ByCompareAtCommit>;
pub type Cooperative = Candidate<ByCooperation>;

#[derive(Debug)]
pub struct Candidate<O> {
    region: Arc<Region>,
    drain: Drain,
    ownership: PhantomData<O>,
}

impl<O: Ownership> Contender for Candidate<O> {
    type Thread = ();
    const WORKLOADS: &[Workload] = &[Workload::Span, Workload::Instant, Workload::Off];

    fn start(file: &Path, recording: bool) -> Self {
        ON.store(recording, Ordering::Relaxed);
        let region = Arc::new(Region::new(RegionOptions::LARGE));
        let sink = Sink::File(File::create(file).expect("the file can be made"));
        let drain = Drain::start::<O>(region.clone(), sink, Pace::CALM);
        Self { region, drain, ownership: PhantomData }
    }
    fn thread(&self, _events: usize) {
        Writer::enter(self.region.clone());
    }
    #[inline(always)]
    fn span(_thread: &mut ()) {
        Writer::record::<O>(&BEGIN);
        Writer::record::<O>(&END);
    }
    #[inline(always)]
    fn instant(_thread: &mut ()) {
        Writer::record::<O>(&INSTANT);
    }
    fn leave(&self, _thread: ()) {
        Writer::leave::<O>();
    }
    fn finish(self) {
        self.drain.finish();
    }
}
