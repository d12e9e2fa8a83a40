//! Any text as .proto files: an error that says where, or code that is Rust.

#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use pftrace_codegen::{Config, Error};

/// A folder of this process's own; in memory where that is possible.
static DIR: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let parent = if memory.is_dir() { memory } else { std::env::temp_dir() };
    let dir = parent.join(format!("pftrace-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a folder for the files");
    dir
});

/// Up to three files that may import each other, with a NUL between them.
const NAMES: [&str; 3] = ["a.proto", "b.proto", "c.proto"];

fuzz_target!(|data: &[u8]| {
    let mut inputs = Vec::new();
    for (name, text) in NAMES.iter().zip(data.split(|byte| *byte == 0)) {
        let input = DIR.join(name);
        std::fs::write(&input, text).expect("a file in memory");
        inputs.push(input);
    }
    let start = Instant::now();
    let generated = Config::new().include(&*DIR).generate(&inputs);
    assert!(start.elapsed() < Duration::from_secs(10), "it hangs");
    for input in &inputs {
        std::fs::remove_file(input).expect("the file is there");
    }
    match generated {
        Ok(generated) => {
            let parsed = syn::parse_file(generated.code());
            assert!(parsed.is_ok(), "{:?}\n{}", parsed.err(), generated.code());
        }
        Err(Error::Internal { message }) => panic!("{message}"),
        Err(error) => {
            let text = error.to_string();
            assert!(NAMES.iter().any(|name| text.starts_with(name)), "no file: {text}");
            assert!(!text.contains('\n') && !text.ends_with('.'), "{text:?}");
        }
    }
});
