//! Generated code.

#![allow(clippy::all, clippy::pedantic, missing_docs, nonstandard_style, rust_2018_idioms, unreachable_pub, unused)]

/// By pftrace-codegen, of proto/bench.proto.
pub mod ours {
    include!(concat!(env!("OUT_DIR"), "/ours.rs"));
}

/// By prost-build.
pub mod prost {
    pub mod bench {
        include!(concat!(env!("OUT_DIR"), "/prost/bench.rs"));
    }
    pub mod perfetto {
        pub mod protos {
            include!(concat!(env!("OUT_DIR"), "/prost/perfetto.protos.rs"));
        }
    }
}

/// By buffa-build.
#[path = ""]
pub mod buffa {
    #[path = ""]
    mod generated {
        include!(concat!(env!("OUT_DIR"), "/buffa/mod.rs"));
    }
    pub use generated::{bench, perfetto};
}

/// By protobuf-codegen.
pub mod rust_protobuf {
    include!(concat!(env!("OUT_DIR"), "/rust_protobuf/mod.rs"));
}

/// By pb-rs.
pub mod quick {
    include!(concat!(env!("OUT_DIR"), "/quick/mod.rs"));
}

/// By micropb-gen.
pub mod micropb {
    include!(concat!(env!("OUT_DIR"), "/micropb.rs"));
}
