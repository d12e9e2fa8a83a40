//! Any calls into the wire encoder, in buffers of any size: what a naive encoder writes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pftrace_fuzz::wire::Calls;

fuzz_target!(|calls: Calls<'_>| calls.check());
