//! All contenders encode the same: before anything is measured.

use pftrace_bench_encode::args::Args;
use pftrace_bench_encode::contender::Contender;
use pftrace_bench_encode::floor::Template;
use pftrace_bench_encode::hand::backward::Backward;
use pftrace_bench_encode::hand::forward::Forward;
use pftrace_bench_encode::ours::Ours;
use pftrace_bench_encode::peers::buffa::Buffa;
use pftrace_bench_encode::peers::micropb::Micropb;
#[cfg(feature = "sdk")]
use pftrace_bench_encode::peers::perfetto_sdk::PerfettoSdk;
use pftrace_bench_encode::peers::prost::Prost;
use pftrace_bench_encode::peers::quick_protobuf::QuickProtobuf;
use pftrace_bench_encode::peers::rust_protobuf::RustProtobuf;
use pftrace_bench_encode::proto::prost::bench::{Chain, EveryField, Mixed, Points};
use pftrace_bench_encode::proto::prost::perfetto::protos::TracePacket;
use prost::Message;

/// Decodes what each contender gives, with prost, and compares it with what prost encoded. Lengths are minimal in all of
/// them but the SDK, so they are equally long too.
macro_rules! same {
    ($type:ty, $method:ident, $args:expr, $($contender:ty),*) => {{
        let mut prost = Prost::default();
        let expected = prost.$method($args);
        let message = <$type>::decode(expected).unwrap();
        $(
            let mut contender = <$contender>::default();
            let found = contender.$method($args);
            assert_eq!(<$type>::decode(found).unwrap(), message, "{}", <$contender>::NAME);
            assert_eq!(found.len(), expected.len(), "{}", <$contender>::NAME);
        )*
        // Its lengths are not minimal.
        #[cfg(feature = "sdk")]
        assert_eq!(<$type>::decode(PerfettoSdk::default().$method($args)).unwrap(), message, "{}", PerfettoSdk::NAME);
    }};
    ($type:ty, $method:ident, $args:expr) => {
        same!($type, $method, $args, Forward, Backward, Ours, RustProtobuf, QuickProtobuf, Buffa, Micropb)
    };
}

#[test]
fn all_contenders_encode_the_same() {
    let args = Args::new();
    same!(TracePacket, slice, &args.slice);
    same!(TracePacket, annotated, &args.annotated);
    same!(TracePacket, interned, &args.interned);
    same!(TracePacket, track, &args.track);
    same!(Points, points, &args.points);
    same!(Mixed, mixed, &args.mixed);
    same!(Chain, chain, &args.chain);
    same!(EveryField, flat, &args.every);
    same!(EveryField, nested, &args.every);
    for packed in &args.packed {
        same!(Mixed, packed, packed);
        #[cfg(target_arch = "x86_64")]
        if let Some(mut pdep) = pftrace_bench_encode::hand::pdep::Pdep::new() {
            assert_eq!(pdep.packed(packed), Forward::default().packed(packed));
        }
    }
    let finished = Ours::default().slice(&args.slice).to_vec();
    assert_eq!(Template::new(&finished).slice(&args.slice), finished);
}
