//! The official Perfetto tree.
//!
//! Its .proto files are those of the package `perfetto_protos`, which is downloaded when it is not there, and never built.

use std::path::{Path, PathBuf};
use std::process::Command;

use pftrace_codegen::{Config, Generated};
use prost_reflect::{DescriptorPool, Kind, MessageDescriptor};

/// The folder of the package.
fn tree() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--manifest-path"])
        .arg(manifest)
        .output();
    let json = String::from_utf8(output.unwrap().stdout).unwrap();
    let end = json
        .find("perfetto_protos-0.51.1/Cargo.toml")
        .expect("perfetto_protos in the output of cargo metadata");
    let start = json[..end].rfind('"').unwrap() + 1;
    PathBuf::from(&json[start..end]).join("perfetto_protos-0.51.1")
}

/// All files below `dir`.
fn files(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            out.push(path);
        }
    }
}

/// The whole tree, but for files that declare again what others declare: merged ones, and some that nothing imports.
fn inputs(tree: &Path) -> Vec<PathBuf> {
    const AGAIN: [&str; 7] = [
        "trace/perfetto_trace.proto",
        "config/perfetto_config.proto",
        "metrics/perfetto_merged_metrics.proto",
        "system_info/system_info_config.proto",
        "ftrace/kfree.proto",
        "ftrace/kmalloc.proto",
        "ftrace/print.proto",
    ];
    let mut all = Vec::new();
    files(&tree.join("protos"), &mut all);
    all.retain(|path| !AGAIN.iter().any(|again| path.ends_with(again)));
    all.sort();
    all
}

fn generate(tree: &Path) -> Generated {
    Config::new()
        .include(tree)
        .skip_unsupported(true)
        .generate(&inputs(tree))
        .unwrap()
}

/// Each field of each message, as another compiler understands the tree, is written by the method that has its type.
#[test]
fn every_field_of_the_tree_is_written_as_another_compiler_reads_it() {
    let tree = tree();
    let generated = generate(&tree);
    let pool = DescriptorPool::from_file_descriptor_set(protox::compile(inputs(&tree), [&tree]).unwrap()).unwrap();
    let mut fields = 0;
    let mut messages = 0;
    for message in pool
        .all_messages()
        .filter(|m| !m.is_map_entry() && !m.full_name().starts_with("google.protobuf."))
    {
        messages += 1;
        fields += message.fields().len();
        check_message(generated.code(), &message);
    }
    assert!(
        messages > 1_400 && fields > 8_000,
        "{messages} messages, {fields} fields"
    );
    assert_eq!(generated.code().matches("pub fn encode(").count(), messages);
    assert_eq!(
        generated.code().matches("pub fn set_").count() + generated.code().matches("pub fn add_").count(),
        fields
    );
}

fn check_message(code: &str, message: &MessageDescriptor) {
    let head = format!("/// Writer of the message `{}`.\n", message.full_name());
    let start = code.find(&head).unwrap_or_else(|| panic!("{head}"));
    let code = &code[start..];
    let code = &code[..code[head.len()..]
        .find("/// Writer of the message")
        .map_or(code.len(), |end| end + head.len())];
    for field in message.fields() {
        let kind = match field.kind() {
            Kind::Enum(_) => "enumeration".to_owned(),
            Kind::Message(_) => "message".to_owned(),
            kind => format!("{kind:?}").to_lowercase(),
        };
        let packed = if field.is_packed() { "packed_" } else { "" };
        let call = format!("{packed}{kind}::<{}>(", field.number());
        assert!(code.contains(&call), "{}: {call}", field.full_name());
        let prefix = if field.is_list() || field.is_map() {
            "add_"
        } else {
            "set_"
        };
        let method = format!("pub fn {prefix}{}(", field.name());
        assert!(
            code.contains(&method) || field.name().contains(|c: char| c.is_uppercase()),
            "{}: {method}",
            field.full_name()
        );
    }
}

#[test]
fn what_is_left_out_of_the_tree_is_named() {
    let notes: Vec<_> = generate(&tree()).notes().iter().map(ToString::to_string).collect();
    let count = |what: &str| notes.iter().filter(|note| note.contains(what)).count();
    assert!(
        count("perfetto.protos.ChromeTrackEvent.frame_reporter: extensions (of perfetto.protos.TrackEvent)") == 1,
        "{notes:#?}"
    );
    assert_eq!(
        count("custom options are ignored") + count("are not supported, left out") + count("services are ignored"),
        notes.len()
    );
    assert_eq!(count("groups"), 0);
}

#[test]
fn without_the_switch_the_tree_is_refused() {
    let tree = tree();
    let error = Config::new().include(&tree).generate(&inputs(&tree)).unwrap_err();
    assert!(
        error.to_string().contains(": extensions (of perfetto.protos."),
        "{error}"
    );
}
