//! Generates every contender's code for the same .proto files.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

const PERFETTO: &str = "../../crates/protos/proto";
const FILES: [&str; 2] = ["trace.proto", "bench.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    println!("cargo:rerun-if-changed=proto");
    println!("cargo:rerun-if-changed={PERFETTO}");

    pftrace_codegen::Config::new().include("proto").compile(&["proto/bench.proto"], out.join("ours.rs"))?;

    let mut compiler = protox::Compiler::new(["proto", PERFETTO])?;
    compiler.include_imports(true).open_files(FILES)?;
    let set = out.join("set.bin");
    fs::write(&set, compiler.encode_file_descriptor_set())?;
    let files: Vec<_> = compiler.files().map(|file| file.name().to_owned()).collect();

    let prost = folder(&out, "prost")?;
    prost_build::Config::new().out_dir(&prost).compile_fds(compiler.file_descriptor_set())?;

    let buffa = folder(&out, "buffa")?;
    buffa_build::Config::new().descriptor_set(&set).files(&files).out_dir(buffa).include_file("mod.rs").compile()?;

    let mut micropb = micropb_gen::Generator::new();
    micropb.use_container_std().encode_decode(micropb_gen::EncodeDecode::EncodeOnly);
    // Boxed by itself it would be there always, and so without an end.
    micropb.configure(".bench.Chain.next", micropb_gen::Config::new().boxed(true));
    micropb.compile_fdset_file(&set, out.join("micropb.rs"))?;

    let inputs: Vec<_> = files.iter().map(|file| input(file)).collect();
    let rust_protobuf = folder(&out, "rust_protobuf")?;
    protobuf_codegen::Codegen::new()
        .pure()
        .includes(["proto", PERFETTO])
        .inputs(&inputs)
        .out_dir(rust_protobuf)
        .run()?;

    let quick = folder(&out, "quick")?;
    // It writes one module per package and file, each over the last: so all in one.
    let mut merged = String::from("syntax = \"proto2\";\npackage perfetto.protos;\n");
    for file in files.iter().filter(|&file| file != "bench.proto") {
        let text = fs::read_to_string(input(file))?;
        let head = ["syntax ", "package ", "import "];
        let body = text.lines().filter(|line| !head.iter().any(|word| line.starts_with(word)));
        merged.extend(body.flat_map(|line| [line, "\n"]));
    }
    let perfetto = quick.join("perfetto.proto");
    fs::write(&perfetto, merged)?;
    for file in [perfetto, input("bench.proto")] {
        let includes = ["proto".into(), quick.clone()];
        let configs = pb_rs::ConfigBuilder::new(&[file], None, Some(&quick), &includes)?.dont_use_cow(false);
        pb_rs::types::FileDescriptor::run(&configs.build())?;
    }
    Ok(())
}

fn input(file: &str) -> PathBuf {
    let ours = Path::new("proto").join(file);
    if ours.exists() { ours } else { Path::new(PERFETTO).join(file) }
}

fn folder(out: &Path, name: &str) -> std::io::Result<PathBuf> {
    let folder = out.join(name);
    fs::create_dir_all(&folder)?;
    Ok(folder)
}
