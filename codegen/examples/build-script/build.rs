//! Generates the writers of proto/*.proto.

use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let out = Path::new(&std::env::var("OUT_DIR")?).join("shapes.rs");
    let generated =
        pftrace_codegen::Config::new().include("proto").compile(&["proto/shapes.proto", "proto/legacy.proto"], out)?;
    generated.print_cargo_directives();
    Ok(())
}
