//! Others' generated code: a tree of messages is made from the arguments, then encoded, as their authors advise, into a
//! buffer that is reused. perfetto-sdk alone streams.

pub mod buffa;
pub mod micropb;
#[cfg(feature = "sdk")]
pub mod perfetto_sdk;
pub mod prost;
pub mod quick_protobuf;
pub mod rust_protobuf;
