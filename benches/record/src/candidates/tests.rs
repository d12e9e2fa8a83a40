//! What was recorded is what is read, while the drain reads and reclaims as often as it can.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::drain::{Drain, Drained, Pace, Sink};
use super::ownership::{ByCompareAtCommit, ByCooperation, ByExchange, ByMembarrier, Ownership};
use super::region::{Region, RegionOptions};
use super::writer::{BEGIN, END, ON, Writer};

const SPANS: usize = 100_000;

fn record<O: Ownership>(threads: usize) -> (Vec<u8>, Drained) {
    ON.store(true, Ordering::Relaxed);
    let region = Arc::new(Region::new(RegionOptions { chunk_len: 4 << 10, ..RegionOptions::SMALL }));
    let pace = Pace { poll: Duration::ZERO, partial: true, reclaim: Some(Duration::ZERO) };
    let drain = Drain::start::<O>(region.clone(), Sink::Memory(Vec::new()), pace);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                Writer::enter(region.clone());
                for span in 0..SPANS {
                    Writer::record::<O, false>(&BEGIN);
                    Writer::record::<O, false>(&END);
                    // Time for the reclaimer to find the thread between events.
                    (0..span % 64).for_each(|_| std::hint::spin_loop());
                }
                Writer::leave::<O>();
            });
        }
    });
    let mut drained = drain.finish();
    let Sink::Memory(bytes) = std::mem::replace(&mut drained.sink, Sink::Null) else { unreachable!() };
    (bytes, drained)
}

/// The packets' event types, after checking that each is whole.
fn types(mut bytes: &[u8]) -> Vec<u8> {
    let mut types = Vec::new();
    while let [0x0a, len, rest @ ..] = bytes {
        let (packet, rest) = rest.split_at(usize::from(*len));
        let [0x50, 1, 0x68, 2, 0x5a, event_len, 0x48, kind, ..] = packet else { panic!("a torn packet: {packet:x?}") };
        let [0x40, timestamp @ ..] = &packet[6 + usize::from(*event_len)..] else {
            panic!("no timestamp: {packet:x?}")
        };
        let last = timestamp.iter().position(|byte| byte & 0x80 == 0);
        assert_eq!(last, Some(timestamp.len() - 1), "a torn timestamp: {packet:x?}");
        types.push(*kind);
        bytes = rest;
    }
    assert!(bytes.is_empty(), "not a packet: {bytes:x?}");
    types
}

fn nothing_is_lost_or_torn<O: Ownership>(reclaims: bool) {
    let (bytes, drained) = record::<O>(1);
    let types = types(&bytes);
    assert_eq!(types.len(), 2 * SPANS);
    assert!(types.chunks(2).all(|span| span == [1, 2]), "a thread's packets in their order");
    assert_eq!(drained.packets as usize, 2 * SPANS);
    assert_eq!(drained.reclaimed > 0, reclaims);

    let (bytes, _) = record::<O>(3);
    assert_eq!(self::types(&bytes).len(), 3 * 2 * SPANS);
}

#[test]
fn exchange() {
    nothing_is_lost_or_torn::<ByExchange>(true);
}

#[test]
fn membarrier() {
    nothing_is_lost_or_torn::<ByMembarrier>(true);
}

#[test]
fn compare_at_commit() {
    nothing_is_lost_or_torn::<ByCompareAtCommit>(true);
}

#[test]
fn cooperative() {
    nothing_is_lost_or_torn::<ByCooperation>(false);
}
