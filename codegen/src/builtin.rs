//! google/protobuf/*.proto, for those who have no copy of them: every protobuf compiler carries them in itself.

/// The text of a file.
pub(crate) fn text(name: &str) -> Option<&'static str> {
    Some(match name.strip_prefix("google/protobuf/")? {
        "any.proto" => include_str!("builtin/any.proto"),
        "api.proto" => include_str!("builtin/api.proto"),
        "descriptor.proto" => include_str!("builtin/descriptor.proto"),
        "duration.proto" => include_str!("builtin/duration.proto"),
        "empty.proto" => include_str!("builtin/empty.proto"),
        "field_mask.proto" => include_str!("builtin/field_mask.proto"),
        "source_context.proto" => include_str!("builtin/source_context.proto"),
        "struct.proto" => include_str!("builtin/struct.proto"),
        "timestamp.proto" => include_str!("builtin/timestamp.proto"),
        "type.proto" => include_str!("builtin/type.proto"),
        "wrappers.proto" => include_str!("builtin/wrappers.proto"),
        _ => return None,
    })
}
