//! The official Perfetto tree, generated.

mod tree;

use std::path::Path;

use pftrace_codegen::{Config, Generated};
use prost_reflect::{DescriptorPool, ExtensionDescriptor, Kind, MessageDescriptor};

use crate::tree::{official_inputs, official_tree};

fn generate(tree: &Path) -> Generated {
    Config::new().include(tree).generate(&official_inputs(tree)).unwrap()
}

/// Each field of each message, as another compiler understands the tree, is written by the method that has its type.
#[test]
fn every_field_of_the_tree_is_written_as_another_compiler_reads_it() {
    let tree = official_tree();
    let generated = generate(&tree);
    let pool =
        DescriptorPool::from_file_descriptor_set(protox::compile(official_inputs(&tree), [&tree]).unwrap()).unwrap();
    let mut fields = 0;
    let mut messages = 0;
    for message in pool.all_messages().filter(|m| !m.is_map_entry() && !m.full_name().starts_with("google.protobuf.")) {
        messages += 1;
        fields += message.fields().len();
        check_message(generated.code(), &message);
    }
    assert!(messages > 1_400 && fields > 8_000, "{messages} messages, {fields} fields");
    assert_eq!(generated.code().matches("pub fn encode(").count(), messages);
    assert_eq!(
        generated.code().matches("pub fn set_").count() + generated.code().matches("pub fn add_").count(),
        fields
    );
    let options = |extension: &ExtensionDescriptor| extension.containing_message().full_name().ends_with("Options");
    let extensions: Vec<_> = pool.all_extensions().filter(|extension| !options(extension)).collect();
    extensions.iter().for_each(|extension| check_extension(generated.code(), extension));
    assert!(extensions.len() > 100, "{} extensions", extensions.len());
    let name = "perfetto.protos.ChromeTrackEvent.cc_scheduler_state";
    let setters = generated.writers().iter().flat_map(|writer| &writer.setters);
    let methods: Vec<_> = setters.filter(|setter| setter.field == name).map(|setter| setter.method.as_str()).collect();
    assert_eq!(methods, ["set_cc_scheduler_state_extension"]);
}

fn check_message(code: &str, message: &MessageDescriptor) {
    let head = format!("/// Writer of the message `{}`.\n", message.full_name());
    let start = code.find(&head).unwrap_or_else(|| panic!("{head}"));
    let code = &code[start..];
    let code = &code[..code[head.len()..].find("/// Writer of the message").map_or(code.len(), |end| end + head.len())];
    for field in message.fields() {
        let call = call(&field.kind(), field.is_list() || field.is_map(), field.is_packed(), field.number());
        assert!(code.contains(&call), "{}: {call}", field.full_name());
        let prefix = if field.is_list() || field.is_map() { "add_" } else { "set_" };
        let method = format!("pub fn {prefix}{}(", field.name());
        assert!(
            code.contains(&method) || field.name().contains(|c: char| c.is_uppercase()),
            "{}: {method}",
            field.full_name()
        );
    }
}

fn call(kind: &Kind, repeated: bool, packed: bool, number: u32) -> String {
    let kind = match kind {
        Kind::Enum(_) => "enumeration".to_owned(),
        Kind::Message(_) => if repeated { "element" } else { "message" }.to_owned(),
        kind => format!("{kind:?}").to_lowercase(),
    };
    format!("{}{kind}::<{number}>(", if packed { "packed_" } else { "" })
}

fn check_extension(code: &str, extension: &ExtensionDescriptor) {
    let message = extension.containing_message();
    let prefix = if extension.is_list() { "add" } else { "set" };
    // A method of the message's own would be called instead of one of the same name.
    let shadowed =
        message.get_field_by_name(extension.name()).is_some_and(|field| field.is_list() == extension.is_list());
    let method = format!("fn {prefix}_{}{}(", extension.name(), if shadowed { "_extension" } else { "" });
    let call = call(&extension.kind(), extension.is_list(), extension.is_packed(), extension.number());
    let written =
        code.match_indices(&format!("/// Extensions of the message `{}`.\n", message.full_name())).any(|(at, _)| {
            let code = &code[at..];
            let code = &code[..code.find("Writer of").unwrap_or(code.len())];
            code.contains(&method) && code.contains(&call)
        });
    assert!(written, "{}: {method} {call}", extension.full_name());
}

#[test]
fn what_is_left_out_of_the_tree_is_named() {
    let notes: Vec<_> = generate(&official_tree()).notes().iter().map(ToString::to_string).collect();
    let count = |what: &str| notes.iter().filter(|note| note.contains(what)).count();
    assert!(count("custom options are ignored") > 0);
    assert_eq!(count("custom options are ignored") + count("services are ignored"), notes.len(), "{notes:#?}");
}
