//! The official SDK: an in-process session with a 64 MiB buffer, read out after stopping, as in its examples.

use std::cell::RefCell;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use perfetto_sdk::heap_buffer::HeapBuffer;
use perfetto_sdk::pb_msg::{PbMsg, PbMsgWriter};
use perfetto_sdk::producer::{Backends, Producer, ProducerInitArgsBuilder};
use perfetto_sdk::protos::config::data_source_config::DataSourceConfig;
use perfetto_sdk::protos::config::trace_config::{TraceConfig, TraceConfigBufferConfig, TraceConfigDataSource};
use perfetto_sdk::protos::config::track_event::track_event_config::TrackEventConfig;
use perfetto_sdk::tracing_session::TracingSession;
use perfetto_sdk::track_event::{
    EventContext, TrackEvent, TrackEventCounter, TrackEventDebugArg, TrackEventTrack, TrackEventType,
};
use perfetto_sdk::{
    scoped_track_event, track_event, track_event_categories, track_event_counter, track_event_end, track_event_instant,
};

use crate::contender::Contender;
use crate::workload::{Name, Workload};

track_event_categories! {
    pub mod race_categories {
        ("race", "The race", []),
    }
}

use race_categories as perfetto_te_ns;

const BUFFER_KB: u32 = 64 << 10;

thread_local! {
    /// Stays on the thread that starts and finishes; empty with recording off.
    static SESSION: RefCell<Option<TracingSession>> = const { RefCell::new(None) };
}

pub struct Sdk {
    counter: Arc<TrackEventTrack>,
    file: PathBuf,
}

impl Contender for Sdk {
    type Thread = Arc<TrackEventTrack>;
    const WORKLOADS: &[Workload] = &Workload::ALL;

    fn start(file: &Path, recording: bool) -> Self {
        Producer::init(ProducerInitArgsBuilder::new().backends(Backends::IN_PROCESS).build());
        TrackEvent::init();
        perfetto_te_ns::register().unwrap();
        let parent = TrackEventTrack::process_track_uuid();
        let counter = Arc::new(TrackEventTrack::register_counter_track("counter", parent).unwrap());
        if recording {
            let mut session = TracingSession::in_process().unwrap();
            session.setup(&config());
            session.start_blocking();
            SESSION.set(Some(session));
        }
        Self { counter, file: file.to_owned() }
    }
    fn thread(&self, _events: usize) -> Self::Thread {
        self.counter.clone()
    }
    #[inline(always)]
    fn span(_thread: &mut Self::Thread) {
        scoped_track_event!("race", "span");
    }
    #[inline(always)]
    fn instant(_thread: &mut Self::Thread) {
        track_event_instant!("race", "instant");
    }
    #[inline(always)]
    fn counter(track: &mut Self::Thread, value: i64) {
        track_event_counter!("race", |context: &mut EventContext| {
            context.set_track(track);
            context.set_counter(TrackEventCounter::Int64(value));
        });
    }
    #[inline(always)]
    fn annotated(_thread: &mut Self::Thread, number: u64, real: f64, text: &str) {
        scoped_track_event!("race", "annotated", |context: &mut EventContext| {
            context.add_debug_arg("number", TrackEventDebugArg::Uint64(number));
            context.add_debug_arg("real", TrackEventDebugArg::Double(real));
            context.add_debug_arg("text", TrackEventDebugArg::String(text));
        });
    }
    #[inline(always)]
    fn named(_thread: &mut Self::Thread, name: &Name) {
        track_event!("race", TrackEventType::SliceBegin(name.c_text.as_ptr()));
        track_event_end!("race");
    }
    fn finish(self) {
        let Some(mut session) = SESSION.take() else { return };
        session.stop_blocking();
        let file = Mutex::new(File::create(self.file).unwrap());
        session.read_trace_blocking(move |bytes, _last| file.lock().unwrap().write_all(bytes).unwrap());
    }
}

fn config() -> Vec<u8> {
    let writer = PbMsgWriter::new();
    let heap = HeapBuffer::new(writer.stream_writer());
    let mut message = PbMsg::new(&writer).unwrap();
    let mut config = TraceConfig { msg: &mut message };
    config.set_buffers(|buffer: &mut TraceConfigBufferConfig<'_, '_>| {
        buffer.set_size_kb(BUFFER_KB);
    });
    config.set_data_sources(|sources: &mut TraceConfigDataSource<'_, '_>| {
        sources.set_config(|source: &mut DataSourceConfig<'_, '_>| {
            source.set_name("track_event");
            source.set_track_event_config(|events: &mut TrackEventConfig<'_, '_>| {
                events.set_enabled_categories("race");
            });
        });
    });
    message.finalize();
    let mut bytes = vec![0; writer.stream_writer().get_written_size()];
    heap.copy_into(&mut bytes);
    bytes
}
