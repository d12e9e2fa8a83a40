//! Every message, and who encodes it.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::args::{Args, EveryField, NESTED};
use crate::contender::Contender;
use crate::floor::{Memcpy, SpeedOfLight, Template};
use crate::hand::backward::Backward;
use crate::hand::forward::Forward;
use crate::ours::{self, Ours};
use crate::peers::buffa::Buffa;
use crate::peers::micropb::Micropb;
#[cfg(feature = "sdk")]
use crate::peers::perfetto_sdk::PerfettoSdk;
use crate::peers::prost::Prost;
use crate::peers::quick_protobuf::QuickProtobuf;
use crate::peers::rust_protobuf::RustProtobuf;

/// Measures `iterations` of something.
pub type Run<'a> = Box<dyn FnMut(u32) -> Duration + 'a>;

/// A message and its contenders, by name.
#[allow(missing_debug_implementations)]
pub struct Case<'a> {
    pub name: &'static str,
    pub len: usize,
    pub runs: Vec<(&'static str, Run<'a>)>,
}

pub const MEMCPY: &str = "floor: memcpy";
pub const TEMPLATE: &str = "floor: template patched";
pub const SPEED_OF_LIGHT: &str = "floor: speed of light";
pub const PDEP: &str = "floor: branch-free pdep";

/// All contenders on one message; `$args` is a slice of arguments, taken in turn.
macro_rules! case {
    ($name:literal, $method:ident, $args:expr) => {{
        let args = $args;
        let finished = Ours::default().$method(&args[0]).to_vec();
        let mut case = Case { name: $name, len: finished.len(), runs: vec![] };
        case.runs.push((MEMCPY, run(Memcpy::new(&finished), args, |it, _| it.copy())));
        case!(@add case, $method, args, Forward, Backward, Ours, Prost, RustProtobuf, QuickProtobuf, Buffa, Micropb);
        #[cfg(feature = "sdk")]
        case!(@add case, $method, args, PerfettoSdk);
        case
    }};
    (@add $case:ident, $method:ident, $args:ident, $($contender:ident),*) => {
        $($case.runs.push(($contender::NAME, run($contender::default(), $args, |it, a| it.$method(a))));)*
    };
}

/// All of them.
#[must_use]
pub fn cases(args: &Args) -> Vec<Case<'_>> {
    use std::slice::from_ref;
    let mut slice = case!("M1", slice, from_ref(&args.slice));
    let template = Template::new(Ours::default().slice(&args.slice));
    slice.runs.push((TEMPLATE, run(template, from_ref(&args.slice), |it, a| it.slice(a))));
    let mut packed = case!("packed", packed, &args.packed);
    #[cfg(target_arch = "x86_64")]
    if let Some(pdep) = crate::hand::pdep::Pdep::new() {
        packed.runs.push((PDEP, run(pdep, &args.packed, |it, a| it.packed(a))));
    }
    let mut flat = case!("flat", flat, from_ref(&args.every));
    flat.runs.push((SPEED_OF_LIGHT, run(vec![0; 512], from_ref(&args.every), |it, a| stored(a, 1, it))));
    let mut nested = case!("nested", nested, from_ref(&args.every));
    nested.runs.push((SPEED_OF_LIGHT, run(vec![0; 512], from_ref(&args.every), |it, a| stored(a, NESTED, it))));
    vec![
        slice,
        case!("M2", annotated, from_ref(&args.annotated)),
        case!("M3", interned, from_ref(&args.interned)),
        case!("M4", track, from_ref(&args.track)),
        case!("M5", points, from_ref(&args.points)),
        case!("M6", mixed, from_ref(&args.mixed)),
        packed,
        case!("chain", chain, from_ref(&args.chain)),
        flat,
        nested,
        Case {
            name: "flat, as Perfetto",
            len: 58,
            runs: vec![
                (SPEED_OF_LIGHT, run_as_perfetto(&args.every, |to, a| _ = stored(a, 1, to))),
                (Ours::NAME, run_as_perfetto(&args.every, |to, a| _ = black_box(ours::flat_into(to, a)))),
            ],
        },
        Case {
            name: "nested, as Perfetto",
            len: 239,
            runs: vec![
                (SPEED_OF_LIGHT, run_as_perfetto(&args.every, |to, a| _ = stored(a, NESTED, to))),
                (Ours::NAME, run_as_perfetto(&args.every, |to, a| _ = black_box(ours::nested_into(to, a)))),
            ],
        },
    ]
}

fn stored<'b>(a: &EveryField, levels: usize, to: &'b mut [u8]) -> &'b [u8] {
    let len = SpeedOfLight::store(a, levels, to);
    &to[..len]
}

fn run<'a, C: 'a, A>(
    mut contender: C,
    args: &'a [A],
    mut f: impl for<'c> FnMut(&'c mut C, &A) -> &'c [u8] + 'a,
) -> Run<'a> {
    let mut turns = args.iter().cycle();
    Box::new(move |iterations| {
        let start = Instant::now();
        for _ in 0..iterations {
            if let Some(args) = turns.next() {
                black_box(f(&mut contender, black_box(args)));
            }
        }
        start.elapsed()
    })
}

/// As protozero_benchmark.cc has it: 512 bytes after each other in 64 MiB, each read back, word by word.
fn run_as_perfetto<'a>(a: &'a EveryField, mut f: impl FnMut(&mut [u8], &EveryField) + 'a) -> Run<'a> {
    const SLOT: usize = 512;
    let mut memory = vec![1_u8; 64 << 20];
    let mut slot = 0;
    Box::new(move |iterations| {
        let start = Instant::now();
        for i in 0..iterations {
            let to = &mut memory[slot * SLOT..][..SLOT];
            f(to, black_box(a));
            let mut before = u64::from(i);
            for word in to.as_chunks_mut::<8>().0 {
                before ^= u64::from_ne_bytes(*word);
                *word = before.to_ne_bytes();
            }
            black_box(&*to);
            slot = (slot + 1) % ((64 << 20) / SLOT);
        }
        start.elapsed()
    })
}
