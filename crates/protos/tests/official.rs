//! Each field, enum and value of our .proto files, compared with the newest official schema.

use std::collections::{BTreeMap, BTreeSet};

use pftrace_testkit::{dynamic, tools};
use prost_reflect::{Cardinality, DescriptorPool, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};

const PACKAGE: &str = "perfetto.protos";

/// Official fields that our messages do not have.
const LEFT_OUT: &[(&str, &[&str])] = &[
    // Data sources of the system, Android and Chrome, and what only the tracing service writes.
    (
        "TracePacket",
        &[
            "generic_gpu_frequency_event",
            "process_tree",
            "process_stats",
            "inode_file_map",
            "chrome_events",
            "sys_stats",
            "trace_config",
            "ftrace_stats",
            "profile_packet",
            "streaming_allocation",
            "streaming_free",
            "battery",
            "power_rails",
            "android_log",
            "chrome_trigger",
            "packages_list",
            "chrome_benchmark_metadata",
            "perfetto_metatrace",
            "chrome_metadata",
            "gpu_counter_event",
            "gpu_render_stage_event",
            "streaming_profile_packet",
            "art_process_metadata",
            "graphics_frame_event",
            "vulkan_memory_event",
            "gpu_log",
            "vulkan_api_event",
            "perf_sample",
            "cpu_info",
            "smaps_packet",
            "concurrent_session_event",
            "initial_display_state",
            "gpu_mem_total_event",
            "memory_tracker_snapshot",
            "android_energy_estimation_breakdown",
            "ui_state",
            "translation_table",
            "android_game_intervention_list",
            "statsd_atom",
            "android_system_property",
            "entity_state_residency",
            "trace_provenance",
            "protovms",
            "android_aflags",
            "gpu_info",
            "interrupt_info",
            "module_symbols",
            "deobfuscation_mapping",
            "ftrace_events",
            "etw_events",
            "v8_js_code",
            "v8_internal_code",
            "v8_wasm_code",
            "v8_reg_exp_code",
            "v8_code_move",
            "pixel_modem_events",
            "pixel_modem_token_database",
            "kernel_wakelock_data",
            "cpu_per_uid_data",
            "user_list",
            "journald_event",
            "recovered_trace_info",
            "for_testing",
        ],
    ),
    // Of perf samples and V8.
    ("TracePacketDefaults", &["perf_sample_defaults", "v8_code_defaults"]),
    // Chrome's own arguments.
    (
        "TrackEvent",
        &[
            "cc_scheduler_state",
            "chrome_user_event",
            "chrome_keyed_service",
            "chrome_legacy_ipc",
            "chrome_histogram_sample",
            "chrome_latency_info",
            "chrome_frame_reporter",
            "chrome_application_state_info",
            "chrome_renderer_scheduler_state",
            "chrome_window_handle_event_info",
            "chrome_content_settings_event_info",
            "chrome_active_processes",
            "chrome_message_pump",
            "chrome_mojo_event_info",
        ],
    ),
    // Chrome's own descriptions.
    ("TrackDescriptor", &["chrome_process", "chrome_thread"]),
    // Of Chrome, GPU drivers, V8 and the kernel.
    (
        "InternedData",
        &[
            "histogram_names",
            "vulkan_memory_keys",
            "graphics_contexts",
            "gpu_specifications",
            "gpu_counter_descriptors",
            "kernel_symbols",
            "v8_js_function_name",
            "v8_js_function",
            "v8_js_script",
            "v8_wasm_script",
            "v8_isolate",
        ],
    ),
    // Of Android devices.
    (
        "SystemInfo",
        &[
            "android_build_fingerprint",
            "android_device_manufacturer",
            "android_soc_model",
            "device_tree_compatibles",
            "android_guest_soc_model",
            "android_hardware_revision",
            "android_storage_model",
            "android_ram_model",
            "android_serial_console",
            "android_sdk_version",
        ],
    ),
    // Of no use in a finished schema.
    ("FieldOptions", &["uninterpreted_option"]),
    // Has no fields but extensions.
    ("OneofDescriptorProto", &["options"]),
];

/// What a reader of the wire format, or of generated code, can tell of a field.
#[derive(Debug, PartialEq)]
struct Field {
    number: u32,
    kind: String,
    cardinality: Cardinality,
    packed: bool,
    oneof: Option<String>,
    default: Option<String>,
}

fn describe(field: &FieldDescriptor) -> Field {
    let kind = match field.kind() {
        Kind::Message(message) => message.full_name().to_owned(),
        Kind::Enum(of) => of.full_name().to_owned(),
        scalar => format!("{scalar:?}"),
    };
    let proto = field.field_descriptor_proto();
    Field {
        number: field.number(),
        kind,
        cardinality: field.cardinality(),
        packed: field.is_packed(),
        oneof: field.containing_oneof().map(|oneof| oneof.name().to_owned()),
        default: proto.default_value.clone(),
    }
}

fn values(of: &EnumDescriptor) -> BTreeMap<String, i32> {
    of.values().map(|value| (value.name().to_owned(), value.number())).collect()
}

/// All differences between our schema and the official one.
fn differences(ours: &DescriptorPool, official: &DescriptorPool, left_out: &[(&str, &[&str])]) -> Vec<String> {
    let mut found = Vec::new();
    for message in ours.all_messages().filter(|message| message.package_name() == PACKAGE) {
        match official.get_message_by_name(message.full_name()) {
            Some(theirs) => compare_messages(&message, &theirs, left_out, &mut found),
            None => found.push(format!("{}: is not official", message.full_name())),
        }
    }
    for of in ours.all_enums().filter(|of| of.package_name() == PACKAGE) {
        match official.get_enum_by_name(of.full_name()) {
            Some(theirs) if values(&of) == values(&theirs) => {}
            Some(theirs) => {
                found.push(format!("{}: {:?}, officially {:?}", of.full_name(), values(&of), values(&theirs)))
            }
            None => found.push(format!("{}: is not official", of.full_name())),
        }
    }
    found
}

fn compare_messages(
    ours: &MessageDescriptor,
    official: &MessageDescriptor,
    left_out: &[(&str, &[&str])],
    found: &mut Vec<String>,
) {
    let short = ours.full_name().trim_start_matches(PACKAGE).trim_start_matches('.');
    let left_out = left_out.iter().find(|(message, _)| *message == short).map_or(&[][..], |(_, fields)| fields);
    let names: BTreeSet<String> = ours.fields().chain(official.fields()).map(|field| field.name().to_owned()).collect();
    for name in &names {
        let (ours, official) = (ours.get_field_by_name(name), official.get_field_by_name(name));
        let left_out = left_out.contains(&name.as_str());
        match (ours.as_ref().map(describe), official.as_ref().map(describe), left_out) {
            (Some(ours), Some(official), false) if ours == official => {}
            (None, Some(_), true) => {}
            (ours, official, left_out) => {
                found.push(format!("{short}.{name}: {ours:?}, officially {official:?}, left out: {left_out}"));
            }
        }
    }
    found.extend(
        left_out
            .iter()
            .filter(|name| !names.contains(**name))
            .map(|name| format!("{short}.{name}: is left out of nothing")),
    );
}

fn ours() -> DescriptorPool {
    let folder = tools::workspace().join("crates/protos/proto");
    let files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let set = protox::compile(files, [&folder]).unwrap();
    DescriptorPool::from_file_descriptor_set(set).unwrap()
}

fn compile(text: &str) -> DescriptorPool {
    let file = prost_reflect::prost_types::FileDescriptorSet { file: vec![protox_parse(text)] };
    DescriptorPool::from_file_descriptor_set(file).unwrap()
}

fn protox_parse(text: &str) -> prost_reflect::prost_types::FileDescriptorProto {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("test.proto"), text).unwrap();
    protox::compile(["test.proto"], [folder.path()]).unwrap().file.remove(0)
}

#[test]
fn every_field_and_value_is_the_official_one() {
    let Some(official) = dynamic::official_schema() else {
        return;
    };
    let ours = ours();
    assert!(ours.all_messages().count() > 60, "our .proto files were not found");
    assert_eq!(differences(&ours, &official, LEFT_OUT), [""; 0]);
}

#[test]
fn what_is_left_out_is_left_out_of_our_messages() {
    let ours = ours();
    for (message, _) in LEFT_OUT {
        assert!(ours.get_message_by_name(&format!("{PACKAGE}.{message}")).is_some(), "{message} is not ours");
    }
}

/// The comparison itself, shown to find each kind of difference.
#[test]
fn planted_differences_are_found() {
    let schema = |field: &str| compile(&format!("syntax = 'proto2'; package {PACKAGE}; message A {{ {field} }}"));
    let official =
        schema("optional uint32 a = 1; oneof o { string b = 2; } repeated int32 c = 3; optional int32 d = 4;");
    let same = "optional uint32 a = 1; oneof o { string b = 2; } repeated int32 c = 3; optional int32 d = 4;";
    assert_eq!(differences(&schema(same), &official, &[]), [""; 0]);
    for (planted, name) in [
        (same.replace("uint32 a", "uint64 a"), "A.a"),
        (same.replace("a = 1", "a = 9"), "A.a"),
        (same.replace("oneof o { string b = 2; }", "optional string b = 2;"), "A.b"),
        (same.replace("oneof o", "oneof p"), "A.b"),
        (same.replace("c = 3", "c = 3 [packed = true]"), "A.c"),
        (same.replace("repeated int32 c", "optional int32 c"), "A.c"),
        (same.replace("d = 4", "d = 4 [default = 7]"), "A.d"),
        (same.replace("optional int32 d = 4;", ""), "A.d"),
        (format!("{same} optional int32 e = 5;"), "A.e"),
    ] {
        let found = differences(&schema(&planted), &official, &[]);
        assert!(found.len() == 1 && found[0].starts_with(name), "{planted}: {found:?}");
    }
    let found = differences(&schema(same), &official, &[("A", &["d"])]);
    assert!(found.len() == 1 && found[0].starts_with("A.d"), "{found:?}");
    let found = differences(&schema(same), &official, &[("A", &["z"])]);
    assert!(found.len() == 1 && found[0].starts_with("A.z"), "{found:?}");
    let enums = |values: &str| compile(&format!("syntax = 'proto2'; package {PACKAGE}; enum E {{ {values} }}"));
    assert_eq!(differences(&enums("X = 1;"), &enums("X = 2;"), &[]).len(), 1);
}
