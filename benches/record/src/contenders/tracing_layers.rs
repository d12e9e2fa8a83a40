//! Two layers for `tracing`: Chrome JSON by a thread of its own, and Perfetto packets through a mutex and a buffered
//! file. `tracing` has no counters and no run-time names: the name of W5 is a field.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

use tracing::{Level, event, span};
use tracing_chrome::{ChromeLayerBuilder, FlushGuard};
use tracing_perfetto::PerfettoLayer;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;

use crate::contender::{Contender, Kept};
use crate::readback;
use crate::workload::{Name, Workload};

const WORKLOADS: &[Workload] =
    &[Workload::Span, Workload::Instant, Workload::Annotated, Workload::Named, Workload::Off];

fn level(recording: bool) -> LevelFilter {
    if recording { LevelFilter::TRACE } else { LevelFilter::OFF }
}

#[inline(always)]
fn span() {
    let _span = span!(Level::INFO, "span").entered();
}

#[inline(always)]
fn annotated(number: u64, real: f64, text: &str) {
    let _span = span!(Level::INFO, "annotated", number, real, text).entered();
}

#[inline(always)]
fn named(name: &Name) {
    let name = name.text.as_str();
    let _span = span!(Level::INFO, "named", name).entered();
}

pub struct Chrome(Mutex<FlushGuard>);

impl Contender for Chrome {
    type Thread = ();
    const WORKLOADS: &[Workload] = WORKLOADS;

    fn start(file: &Path, recording: bool) -> Self {
        let (layer, guard) = ChromeLayerBuilder::new().file(file).include_args(true).build();
        tracing_subscriber::registry().with(level(recording)).with(layer).init();
        Self(Mutex::new(guard))
    }
    fn thread(&self, _events: usize) {}
    #[inline(always)]
    fn span(_thread: &mut ()) {
        span();
    }
    #[inline(always)]
    fn instant(_thread: &mut ()) {
        event!(Level::INFO, "instant");
    }
    #[inline(always)]
    fn annotated(_thread: &mut (), number: u64, real: f64, text: &str) {
        annotated(number, real, text);
    }
    #[inline(always)]
    fn named(_thread: &mut (), name: &Name) {
        named(name);
    }
    fn finish(self) {
        drop(self.0);
    }
    fn kept(file: &Path) -> Option<Kept> {
        readback::chrome(file)
    }
}

static WRITER: Mutex<Option<BufWriter<File>>> = Mutex::new(None);

struct Locked(MutexGuard<'static, Option<BufWriter<File>>>);

impl Write for Locked {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.as_mut().map_or(Ok(bytes.len()), |writer| writer.write(bytes))
    }
    fn flush(&mut self) -> std::io::Result<()> {
        self.0.as_mut().map_or(Ok(()), Write::flush)
    }
}

pub struct Perfetto;

impl Contender for Perfetto {
    type Thread = ();
    const WORKLOADS: &[Workload] = WORKLOADS;

    fn start(file: &Path, recording: bool) -> Self {
        *WRITER.lock().unwrap() = Some(BufWriter::new(File::create(file).unwrap()));
        let layer = PerfettoLayer::new(|| Locked(WRITER.lock().unwrap())).with_debug_annotations(true);
        tracing_subscriber::registry().with(level(recording)).with(layer).init();
        Self
    }
    fn thread(&self, _events: usize) {}
    #[inline(always)]
    fn span(_thread: &mut ()) {
        span();
    }
    #[inline(always)]
    fn instant(_thread: &mut ()) {
        event!(Level::INFO, "instant");
    }
    #[inline(always)]
    fn annotated(_thread: &mut (), number: u64, real: f64, text: &str) {
        annotated(number, real, text);
    }
    #[inline(always)]
    fn named(_thread: &mut (), name: &Name) {
        named(name);
    }
    fn finish(self) {
        if let Some(mut writer) = WRITER.lock().unwrap().take() {
            writer.flush().unwrap();
        }
    }
}
