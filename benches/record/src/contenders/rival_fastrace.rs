//! fastrace: a root span per 1,000 spans, since it asks for short roots and drops beyond 10,240 spans in one; a
//! reporter that counts and discards, so it writes no file. Annotations are strings.

use std::borrow::Cow;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use fastrace::Span;
use fastrace::collector::{Config, Reporter, SpanContext, SpanRecord};
use fastrace::local::{LocalParentGuard, LocalSpan};

use crate::contender::{Contender, Kept};
use crate::workload::{Name, Workload};

const SPANS_PER_ROOT: u32 = 1000;

static KEPT: AtomicU64 = AtomicU64::new(0);

struct Counting;

impl Reporter for Counting {
    fn report(&mut self, spans: Vec<SpanRecord>) {
        let events = |span: &SpanRecord| span.events.len() as u64 + u64::from(span.name != "root");
        KEPT.fetch_add(spans.iter().map(events).sum(), Ordering::Relaxed);
    }
}

pub struct Fastrace {
    recording: bool,
}

pub struct Root {
    /// The guard goes before its span.
    open: Option<(LocalParentGuard, Span)>,
    left: u32,
}

impl Root {
    #[inline(always)]
    fn count(&mut self) {
        if self.left == 0 {
            self.renew();
        }
        self.left -= 1;
    }

    #[inline(never)]
    fn renew(&mut self) {
        self.open = None;
        let span = Span::root("root", SpanContext::random());
        self.open = Some((span.set_local_parent(), span));
        self.left = SPANS_PER_ROOT;
    }
}

impl Contender for Fastrace {
    type Thread = Root;
    const WORKLOADS: &[Workload] =
        &[Workload::Span, Workload::Instant, Workload::Annotated, Workload::Named, Workload::Off];

    fn start(_file: &Path, recording: bool) -> Self {
        if recording {
            fastrace::set_reporter(Counting, Config::default());
        }
        Self { recording }
    }
    fn thread(&self, _events: usize) -> Root {
        // Recording is off where there is no root.
        Root { open: None, left: if self.recording { 0 } else { u32::MAX } }
    }
    #[inline(always)]
    fn span(root: &mut Root) {
        root.count();
        let _span = LocalSpan::enter_with_local_parent("span");
    }
    #[inline(always)]
    fn instant(root: &mut Root) {
        root.count();
        LocalSpan::add_event(fastrace::Event::new("instant"));
    }
    #[inline(always)]
    fn annotated(root: &mut Root, number: u64, real: f64, text: &str) {
        root.count();
        let _span = LocalSpan::enter_with_local_parent("annotated").with_properties(|| {
            [("number", number.to_string()), ("real", real.to_string()), ("text", text.to_owned())]
        });
    }
    #[inline(always)]
    fn named(root: &mut Root, name: &Name) {
        root.count();
        let _span = LocalSpan::enter_with_local_parent(Cow::from(name.text.clone()));
    }
    fn leave(&self, root: Root) {
        drop(root);
    }
    fn finish(self) {
        fastrace::flush();
    }
    fn kept(_file: &Path) -> Option<Kept> {
        // It writes no file.
        Some(Kept { events: KEPT.load(Ordering::Relaxed), bytes: 0 })
    }
}
