//! pftrace-ring as it is, with events as its users will write them: a call site's constant bytes, the time, the length.
//!
//! Names and descriptors are not written: it is the ring that races.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use pftrace_ring::{Config, Owner, Policy, Reader, Ring, Writer};

use crate::clock;
use crate::contender::Contender;
use crate::workload::Workload;

static ON: AtomicBool = AtomicBool::new(false);

/// Framing, sequence 1, flags, TrackEvent {type, category, name}, the timestamp's tag.
const BEGIN: &[u8; 16] = b"\x0a\x00\x50\x01\x68\x02\x5a\x06\x48\x01\x18\x01\x50\x01\x40_";
const BEGIN_LEN: usize = 15;
const END: &[u8; 16] = b"\x0a\x00\x50\x01\x68\x02\x5a\x02\x48\x02\x40_____";
const END_LEN: usize = 11;
const INSTANT: &[u8; 16] = b"\x0a\x00\x50\x01\x68\x02\x5a\x06\x48\x03\x18\x01\x50\x02\x40_";

/// A template, and a timestamp of ten bytes at most.
const MAX_PACKET_LEN: usize = 32;

#[derive(Debug)]
pub struct OverRing {
    ring: Ring,
    owners: AtomicU32,
    stop: Arc<AtomicBool>,
    drain: JoinHandle<()>,
}

#[derive(Debug)]
pub struct Thread {
    writer: Writer,
    last_ns: u64,
    scale: u64,
}

impl Thread {
    #[inline(always)]
    fn record(&mut self, template: &[u8; 16], len: usize) {
        if !ON.load(Ordering::Relaxed) {
            return;
        }
        loop {
            let Ok(mut space) = self.writer.begin_or_take() else {
                // The product drops and counts; here a thread waits, so that each event is measured.
                std::thread::sleep(Duration::from_micros(20));
                continue;
            };
            let Some(packet) = space.bytes().first_chunk_mut::<MAX_PACKET_LEN>() else {
                drop(space);
                self.writer.complete();
                continue;
            };
            let now = ((u128::from(clock::ticks()) * u128::from(self.scale)) >> 64) as u64;
            packet[..16].copy_from_slice(template);
            let len = len + varint(&mut packet[len..], now.wrapping_sub(self.last_ns));
            packet[1] = len as u8 - 2;
            space.commit(len);
            self.last_ns = now;
            return;
        }
    }
}

#[inline(always)]
fn varint(bytes: &mut [u8], mut value: u64) -> usize {
    let mut len = 0;
    while value >= 0x80 {
        bytes[len] = value as u8 | 0x80;
        value >>= 7;
        len += 1;
    }
    bytes[len] = value as u8;
    len + 1
}

impl Contender for OverRing {
    type Thread = Thread;
    const WORKLOADS: &[Workload] = &[Workload::Span, Workload::Instant, Workload::Off];

    fn start(file: &Path, recording: bool) -> Self {
        ON.store(recording, Ordering::Relaxed);
        let ring = Ring::new(Config { chunk_len: 32 << 10, chunks: 2048, policy: Policy::Keep }).expect("memory");
        let mut file = File::create(file).expect("the file can be made");
        let (stop, mut reader) = (Arc::new(AtomicBool::new(false)), Reader::new(&ring));
        let stopped = stop.clone();
        let drain = std::thread::spawn(move || {
            loop {
                let last = stopped.load(Ordering::Acquire);
                while let Some(chunk) = reader.next_chunk() {
                    file.write_all(chunk.bytes()).expect("the sink takes it");
                }
                if last {
                    return;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        Self { ring, owners: AtomicU32::new(0), stop, drain }
    }

    fn thread(&self, _events: usize) -> Thread {
        let owner = Owner::new(self.owners.fetch_add(1, Ordering::Relaxed)).expect("few threads");
        Thread { writer: Writer::new(&self.ring, owner), last_ns: 0, scale: clock::scale() }
    }

    #[inline(always)]
    fn span(thread: &mut Thread) {
        thread.record(BEGIN, BEGIN_LEN);
        thread.record(END, END_LEN);
    }

    #[inline(always)]
    fn instant(thread: &mut Thread) {
        thread.record(INSTANT, BEGIN_LEN);
    }

    fn finish(self) {
        self.stop.store(true, Ordering::Release);
        self.drain.join().expect("the drain ends");
    }
}
