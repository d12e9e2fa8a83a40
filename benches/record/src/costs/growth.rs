//! How cost grows with the ring, with call sites, with tracks.

use pftrace::{CallSite, EventKind, NamedTrack, Policy, instant};

use super::events::ON;
use super::{CALLS, Record, floor_ns, measure, turns};
use crate::options::PartsOptions;
use crate::table::{self, number};

pub fn ring(options: &PartsOptions) {
    const SIZES: [usize; 6] = [256 << 10, 1 << 20, 8 << 20, 64 << 20, 256 << 20, 1 << 30];
    let record: Record<'_> = Box::new(|calls| (0..calls).for_each(|_| instant!(ON, "instant")));
    let mut least = [[f64::INFINITY; 3]; SIZES.len()];
    let mut lost = [0.0_f64; SIZES.len()];
    let mut floor = f64::INFINITY;
    // A round of the whole ring takes seconds.
    for _ in 0..options.rounds.min(3) {
        floor = floor.min(floor_ns());
        for ((bytes, least), lost) in SIZES.into_iter().zip(&mut least).zip(&mut lost) {
            // Instants of 14 bytes, into each chunk at least once where it is filled or written over.
            let whole = bytes / 14;
            let of = |policy, calls| measure(|builder| builder.policy(policy).buffer_bytes(bytes), 1, calls, &record);
            let stream = of(Policy::Stream, CALLS);
            let discard = of(Policy::Discard, (whole / 10 * 9).saturating_sub(super::WARM_UP).max(1000));
            let flight = of(Policy::FlightRecorder, (3 * whole).max(CALLS));
            *lost = lost.max(stream.lost);
            least.iter_mut().zip([stream, discard, flight]).for_each(|(least, cost)| *least = least.min(cost.ns));
        }
    }
    let columns = [
        "ring",
        "stream",
        "÷ floor",
        "lost",
        "discard, all of it filled",
        "÷ floor",
        "flight recorder, written over",
        "÷ floor",
    ];
    let mut rows = vec![columns.map(str::to_owned).to_vec()];
    for ((bytes, [stream, discard, flight]), lost) in SIZES.into_iter().zip(least).zip(lost) {
        let mut row = vec![format!("{} KiB", bytes >> 10), number(stream), number(stream / floor)];
        row.push(format!("{:.1} %", lost * 100.0));
        row.extend([discard, discard / floor, flight, flight / floor].map(number));
        rows.push(row);
    }
    table::print_rows(true, "Costs: an instant, ns, by the size of the ring", &rows);
}

pub fn sites(options: &PartsOptions) {
    let site = |i: usize| -> &'static CallSite {
        let name: &'static str = format!("site {i}").leak();
        Box::leak(Box::new(CallSite::new(EventKind::Instant, &ON, Some(name), &[])))
    };
    let sites: Vec<&'static CallSite> = (0..10_000).map(site).collect();
    let title = "Costs: an instant, by the number of call sites that take turns";
    grow(title, "call sites", options, &[1, 10, 100, 1000, 10_000], |count| {
        let turns = turns(&sites[..count]);
        Box::new(move |calls| turns[..calls].iter().for_each(|site| site.instant(None, &[])))
    });
}

/// Up to what a program can have, and beyond.
pub fn live_tracks(options: &PartsOptions) {
    let track = |i: usize| NamedTrack::new(format!("track {i}").leak()).leak();
    let tracks: Vec<&'static NamedTrack> = (0..100_000).map(track).collect();
    let title = "Costs: an instant on a track of its own, by the number of tracks that take turns";
    grow(title, "tracks", options, &[1, 10, 100, 1000, 10_000, 32_000, 100_000], |count| {
        let turns = turns(&tracks[..count]);
        Box::new(move |calls| turns[..calls].iter().for_each(|track| instant!(track: *track, ON, "event")))
    });
}

fn grow<'a>(title: &str, what: &str, options: &PartsOptions, counts: &[usize], record: impl Fn(usize) -> Record<'a>) {
    let mut least = vec![(f64::INFINITY, 0.0, 0.0); counts.len()];
    let mut floor = f64::INFINITY;
    for _ in 0..options.rounds {
        floor = floor.min(floor_ns());
        for (&count, least) in counts.iter().zip(&mut least) {
            let cost = measure(|builder| builder, 1, CALLS, &record(count));
            *least = (cost.ns.min(least.0), cost.bytes, cost.lost);
        }
    }
    let mut rows = vec![[what, "ns", "÷ floor", "bytes", "lost"].map(str::to_owned).to_vec()];
    for (count, (ns, bytes, lost)) in counts.iter().zip(least) {
        rows.push(
            [
                vec![count.to_string()],
                [ns, ns / floor, bytes].map(number).to_vec(),
                vec![format!("{:.1} %", lost * 100.0)],
            ]
            .concat(),
        );
    }
    table::print_rows(true, title, &rows);
}
