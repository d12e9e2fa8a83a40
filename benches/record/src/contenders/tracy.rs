//! tracy-client without a server: it keeps everything in memory and writes no file.

use std::path::Path;

use tracy_client::{Client, plot_name, span_location};

use crate::contender::{Contender, Kept};
use crate::workload::{Name, Workload};

pub struct Tracy;

impl Contender for Tracy {
    type Thread = Client;
    const WORKLOADS: &[Workload] =
        &[Workload::Span, Workload::Instant, Workload::Counter, Workload::Annotated, Workload::Named];

    fn start(_file: &Path, _recording: bool) -> Self {
        Client::start();
        Self
    }
    fn thread(&self, _events: usize) -> Client {
        Client::running().expect("started")
    }
    #[inline(always)]
    fn span(client: &mut Client) {
        let _span = client.clone().span(span_location!("span"), 0);
    }
    #[inline(always)]
    fn instant(client: &mut Client) {
        client.message("instant", 0);
    }
    #[inline(always)]
    fn counter(client: &mut Client, value: i64) {
        client.plot(plot_name!("counter"), value as f64);
    }
    #[inline(always)]
    fn annotated(client: &mut Client, number: u64, real: f64, text: &str) {
        let span = client.clone().span(span_location!("annotated"), 0);
        span.emit_value(number);
        span.emit_value(real.to_bits());
        span.emit_text(text);
    }
    #[inline(always)]
    fn named(client: &mut Client, name: &Name) {
        let _span = client.clone().span_alloc(Some(&name.text), "named", file!(), line!(), 0);
    }
    fn finish(self) {}
    fn kept(_file: &Path) -> Option<Kept> {
        None
    }
}
