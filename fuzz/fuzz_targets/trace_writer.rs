//! Any program of calls to the trace writer: what the official schema decodes is what was said.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pftrace_fuzz::program::Program;

fuzz_target!(|program: Program<'_>| program.check());
