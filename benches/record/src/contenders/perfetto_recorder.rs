//! perfetto-recorder: events into a `Vec` of the thread, reserved beforehand as its example does; prost at the end.
//! It has no instants, and names are constants: the run-time name of W5 is an argument.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use perfetto_recorder::{
    CounterTrack, CounterUnit, EVENTS_PER_ARG, EVENTS_PER_SPAN, ThreadTraceData, TraceBuilder, scope,
};

use crate::contender::Contender;
use crate::workload::{Name, Workload};

pub const NAME: &str =
    if cfg!(feature = "recorder-fastant") { "perfetto-recorder 0.3.3 + fastant" } else { "perfetto-recorder 0.3.3" };

pub struct Recorder {
    /// `None` with recording off.
    trace: Option<Mutex<TraceBuilder>>,
    counter: Option<CounterTrack>,
    file: PathBuf,
}

impl Contender for Recorder {
    type Thread = Option<CounterTrack>;
    const WORKLOADS: &[Workload] =
        &[Workload::Span, Workload::Counter, Workload::Annotated, Workload::Named, Workload::Off];

    fn start(file: &Path, recording: bool) -> Self {
        let file = file.to_owned();
        if !recording {
            return Self { trace: None, counter: None, file };
        }
        perfetto_recorder::start().expect("enabled by feature");
        let mut trace = TraceBuilder::new().expect("started");
        let counter = trace.create_counter_track("counter", CounterUnit::Count, 1, false);
        Self { trace: Some(Mutex::new(trace)), counter: Some(counter), file }
    }
    fn thread(&self, events: usize) -> Self::Thread {
        if self.trace.is_some() {
            perfetto_recorder::current_thread_reserve(events * (EVENTS_PER_SPAN + 4 * EVENTS_PER_ARG));
        }
        self.counter
    }
    #[inline(always)]
    fn span(_thread: &mut Self::Thread) {
        scope!("span");
    }
    #[inline(always)]
    fn counter(thread: &mut Self::Thread, value: i64) {
        if let Some(counter) = thread {
            counter.record_i64(perfetto_recorder::time(), value);
        }
    }
    #[inline(always)]
    fn annotated(_thread: &mut Self::Thread, number: u64, real: f64, text: &str) {
        scope!("annotated", number = number, real = real, text = text);
    }
    #[inline(always)]
    fn named(_thread: &mut Self::Thread, name: &Name) {
        scope!("named", name = name.text.as_str());
    }
    fn leave(&self, _thread: Self::Thread) {
        if let Some(trace) = &self.trace {
            trace.lock().unwrap().process_thread_data(&ThreadTraceData::take_current_thread());
        }
    }
    fn finish(self) {
        if let Some(trace) = self.trace {
            trace.into_inner().unwrap().write_to_file(self.file).unwrap();
        }
    }
}
