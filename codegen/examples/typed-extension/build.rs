//! Generates the writers of proto/store.proto, and its schema for the trace.

use std::env;
use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let generated = pftrace_codegen::Config::new()
        .include("proto")
        // What store.proto imports, and where its Rust types are: they are not generated once more.
        .include(pftrace_protos::PROTO_DIR)
        .extern_path("perfetto.protos", "::pftrace::protos")
        .compile(&["proto/store.proto"], out.join("store.rs"))?;
    generated.write_descriptor_set(out.join("store.binpb"))?;
    generated.print_cargo_directives();
    Ok(())
}
