//! Who is built with many call sites, and how each sets up and records.

/// One recorder as a program uses it.
#[derive(Debug)]
pub struct Recorder {
    pub name: &'static str,
    /// Lines for `[dependencies]`; `{crates}` is where ours are.
    pub dependencies: &'static str,
    /// What stands in front of the call sites: `fn start()`, which gives what `fn finish(_)` takes.
    pub prelude: &'static str,
    /// A span; one with three annotations; an instant. `NAME` is the call site's own name, in quotes, `NUMBER` its number. Empty: cannot.
    pub span: &'static str,
    pub annotated: &'static str,
    pub instant: &'static str,
}

impl Recorder {
    pub fn statement(&self, kind: Kind) -> &'static str {
        match kind {
            Kind::Span => self.span,
            Kind::Annotated => self.annotated,
            Kind::Instant => self.instant,
        }
    }
}

/// What a call site records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Span,
    Annotated,
    Instant,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Span, Self::Annotated, Self::Instant];

    pub fn name(self) -> &'static str {
        match self {
            Self::Span => "span",
            Self::Annotated => "span, 3 annotations",
            Self::Instant => "instant",
        }
    }
}

/// Functions that do nothing: what is not the recorder's.
pub const NOTHING: Recorder = Recorder {
    name: "nothing",
    dependencies: "",
    prelude: "fn start() {}\nfn finish(_: ()) {}\n",
    span: "std::hint::black_box(NUMBER);",
    annotated: "std::hint::black_box(NUMBER);",
    instant: "std::hint::black_box(NUMBER);",
};

pub const FLOOR: Recorder = Recorder {
    name: crate::contenders::FLOOR,
    dependencies: "",
    prelude: r#"
        use std::cell::Cell;
        const LEN: usize = 256 << 10;
        thread_local! {
            static RING: Cell<Option<&'static mut [u8]>> = const { Cell::new(None) };
            static AT: Cell<usize> = const { Cell::new(0) };
        }
        #[inline(always)]
        fn store(name: &'static str) {
            let Some(ring) = RING.take() else { return };
            let at = AT.get();
            let now = unsafe { core::arch::x86_64::_rdtsc() };
            let word = u128::from(now) | (name.as_ptr() as u128) << 64;
            ring[at..][..16].copy_from_slice(&word.to_le_bytes());
            AT.set((at + 16) % LEN);
            RING.set(Some(ring));
        }
        fn start() { RING.set(Some(vec![1; LEN + 16].leak())); }
        fn finish(_: ()) {}
    "#,
    span: "store(NAME); store(TEXT);",
    annotated: "store(NAME); store(TEXT); std::hint::black_box(i);",
    instant: "store(NAME);",
};

pub const PFTRACE: Recorder = Recorder {
    name: "pftrace",
    dependencies: r#"pftrace = { path = "{crates}/pftrace" }"#,
    prelude: r#"
        use pftrace::{Session, instant, slice};
        pftrace::categories! { RACE = "race"; }
        fn start() -> Session { Session::builder().writer(std::io::sink()).start().unwrap() }
        fn finish(session: Session) { assert_eq!(session.stop().unwrap().lost(), 0); }
    "#,
    span: "let _slice = slice!(RACE, NAME);",
    annotated: "let _slice = slice!(RACE, NAME, number = i, real = i as f64, text = TEXT);",
    instant: "instant!(RACE, NAME);",
};

/// Each call site with a category that is written out.
pub const PFTRACE_LITERAL: Recorder = Recorder {
    name: "pftrace, categories written out",
    span: r#"let _slice = slice!("race", NAME);"#,
    annotated: r#"let _slice = slice!("race", NAME, number = i, real = i as f64, text = TEXT);"#,
    instant: r#"instant!("race", NAME);"#,
    ..PFTRACE
};

pub const PERFETTO_RECORDER: Recorder = Recorder {
    name: "perfetto-recorder 0.3.3",
    dependencies: r#"perfetto-recorder = { version = "=0.3.3", features = ["enable"] }"#,
    prelude: r#"
        use perfetto_recorder::scope;
        fn start() {
            perfetto_recorder::start().unwrap();
            perfetto_recorder::current_thread_reserve(4_000_000);
        }
        fn finish(_: ()) {}
    "#,
    span: "scope!(NAME);",
    annotated: "scope!(NAME, number = i, real = i as f64, text = TEXT);",
    instant: "",
};

/// With nobody who writes.
pub const TRACING_ALONE: Recorder = Recorder {
    name: "tracing, the registry alone",
    dependencies: r#"
tracing = "0.1"
tracing-subscriber = { version = "0.3", default-features = false, features = ["registry", "std"] }
"#,
    prelude: r#"
        use tracing::{Level, event, span};
        use tracing_subscriber::prelude::*;
        fn start() { tracing_subscriber::registry().init(); }
        fn finish(_: ()) {}
    "#,
    span: "let _span = span!(Level::INFO, NAME).entered();",
    annotated: "let _span = span!(Level::INFO, NAME, number = i, real = i as f64, text = TEXT).entered();",
    instant: "event!(Level::INFO, NAME);",
};

pub const TRACING_CHROME: Recorder = Recorder {
    name: "tracing-chrome 0.7.2",
    dependencies: r#"
tracing = "0.1"
tracing-subscriber = { version = "0.3", default-features = false, features = ["registry", "std"] }
tracing-chrome = "=0.7.2"
"#,
    prelude: r#"
        use tracing::{Level, event, span};
        use tracing_chrome::{ChromeLayerBuilder, FlushGuard};
        use tracing_subscriber::prelude::*;
        fn start() -> FlushGuard {
            let (layer, guard) = ChromeLayerBuilder::new().file("/dev/null").include_args(true).build();
            tracing_subscriber::registry().with(layer).init();
            guard
        }
        fn finish(_: FlushGuard) {}
    "#,
    ..TRACING_ALONE
};
