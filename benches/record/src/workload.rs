//! What is recorded: the workloads of the published tables.

use std::ffi::CString;

/// One way to record. All but [`Workload::Off`] with recording on, in steady state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// W1: a span, begin and end, with a static name.
    Span,
    /// W2: an instant.
    Instant,
    /// W3: a counter, `i64`.
    Counter,
    /// W4: a span with three annotations: `u64`, `f64`, short `&str`.
    Annotated,
    /// W5: a span with a run-time name out of 1,000.
    Named,
    /// W6: W1 with recording off.
    Off,
}

impl Workload {
    pub const ALL: [Self; 6] = [Self::Span, Self::Instant, Self::Counter, Self::Annotated, Self::Named, Self::Off];

    pub fn name(self) -> &'static str {
        match self {
            Self::Span => "W1",
            Self::Instant => "W2",
            Self::Counter => "W3",
            Self::Annotated => "W4",
            Self::Named => "W5",
            Self::Off => "W6",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|workload| workload.name().eq_ignore_ascii_case(name))
    }
}

/// A run-time name, in the forms that contenders want.
#[derive(Debug)]
pub struct Name {
    pub text: String,
    #[cfg_attr(not(feature = "sdk"), expect(dead_code, reason = "only the C++ one wants it"))]
    pub c_text: CString,
}

/// The run-time names of W5, made before the clock runs.
#[derive(Debug)]
pub struct Names(Vec<Name>);

impl Names {
    pub const COUNT: usize = 1000;

    pub fn new() -> Self {
        let name = |i| {
            let text = format!("run-time name {i}");
            Name { c_text: CString::new(text.as_str()).unwrap(), text }
        };
        Self((0..Self::COUNT).map(name).collect())
    }

    /// A fixed walk over the names that is not sequential.
    #[inline(always)]
    pub fn pick(&self, i: usize) -> &Name {
        &self.0[i.wrapping_mul(617) % Self::COUNT]
    }
}
