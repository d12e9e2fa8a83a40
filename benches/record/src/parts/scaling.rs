//! Ways to turn ticks into nanoseconds.

use std::hint::black_box;

use super::{Case, compare};
use crate::clock;
use crate::options::PartsOptions;

const ROUNDS: u64 = 2_000_000;

pub fn run(options: &PartsOptions) {
    let fraction = black_box(clock::scale());
    let short = black_box((fraction >> 32) as u32);
    let real = black_box(fraction as f64 / 2f64.powi(64));
    let shift = black_box(40_u32);
    let multiplier = black_box(fraction >> 24);
    let ticks_per_second = black_box((2f64.powi(64) / fraction as f64 * 1e9) as u64);
    let base = clock::ticks();
    let cases = vec![
        case("none", |ticks, last| (ticks - last, ticks)),
        case("delta of 32 bits × u32 >> 32", |ticks, last| {
            (((ticks - last) as u32 as u64 * u64::from(short)) >> 32, ticks)
        }),
        case("u128 product's high half, of the absolute", |ticks, last| {
            let now = ((u128::from(ticks) * u128::from(fraction)) >> 64) as u64;
            (now.wrapping_sub(last), now)
        }),
        case("u128 >> shift, of the absolute", |ticks, last| {
            let now = ((u128::from(ticks - base) * u128::from(multiplier)) >> shift) as u64;
            (now.wrapping_sub(last), now)
        }),
        case("f64, of the absolute", |ticks, last| {
            let now = ((ticks - base) as f64 * real) as u64;
            (now.wrapping_sub(last), now)
        }),
        case("f64, of the delta", |ticks, last| (((ticks - last) as f64 * real) as u64, ticks)),
        case("u128 ÷ ticks per second, of the absolute", |ticks, last| {
            let now = (u128::from(ticks) * 1_000_000_000 / u128::from(ticks_per_second)) as u64;
            (now.wrapping_sub(last), now)
        }),
    ];
    let columns = ["alone", "beside rdtsc"];
    compare("Scaling ticks to nanoseconds, ns per event", &columns, options.rounds, cases);
    drift(fraction, short, real);
}

/// Takes the ticks and what was kept of the last event; gives the delta and what to keep.
fn case<'a>(name: &str, scale: impl Fn(u64, u64) -> (u64, u64) + Copy + 'a) -> Case<'a> {
    Case::new(name, move || {
        let begin = clock::thread_cpu_ns();
        let (mut ticks, mut last) = (clock::ticks(), clock::ticks());
        for _ in 0..ROUNDS {
            ticks += 30;
            let (delta, keep) = scale(black_box(ticks), last);
            last = keep;
            black_box(delta);
        }
        let alone = clock::thread_cpu_ns() - begin;
        let begin = clock::thread_cpu_ns();
        let mut last = clock::ticks();
        for _ in 0..ROUNDS {
            let (delta, keep) = scale(clock::ticks(), last);
            last = keep;
            black_box(delta);
        }
        let beside = clock::thread_cpu_ns() - begin;
        vec![alone as f64 / ROUNDS as f64, beside as f64 / ROUNDS as f64]
    })
}

/// How far the sum of the deltas is from the truth after ten seconds of events each 100 ns.
fn drift(fraction: u64, short: u32, real: f64) {
    let step = ((100_u128 << 64) / u128::from(fraction)) as u64 + 1;
    let events = 100_000_000_u64;
    let truth = ((u128::from(step * events) * u128::from(fraction)) >> 64) as f64;
    let off = |sum: u64| (sum as f64 - truth) / truth * 1e6;
    println!("drift of summed deltas over {:.0} s, parts per million:", truth / 1e9);
    println!("* delta × u32 >> 32: {:.0}", off(((step * u64::from(short)) >> 32) * events));
    println!("* f64 of the delta: {:.0}", off((step as f64 * real) as u64 * events));
    println!("* any of the absolute: 0 (the remainder is in the next delta)\n");
}
