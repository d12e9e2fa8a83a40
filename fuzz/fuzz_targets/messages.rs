//! Any message of any type, through the generated writers: the bytes of the reference encoder, and what two decoders read
//! is what was said.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pftrace_fuzz::message::Sample;

fuzz_target!(|sample: Sample| sample.check());
