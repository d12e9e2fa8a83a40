//! From names in .proto files to names in Rust.

use heck::{ToSnakeCase, ToUpperCamelCase};

/// The name of a writer or enum: as it is, when rustc takes it for a type's name.
pub(crate) fn type_ident(name: &str) -> String {
    let mut camel = if is_camel_case(name) { name.to_owned() } else { name.to_upper_camel_case() };
    // With a letter in front, so that it is not called as the module of what lies within.
    if !camel.starts_with(|c: char| c.is_ascii_uppercase() || c == '_') {
        camel.insert(0, 'X');
    }
    match camel.as_str() {
        // What the generated code itself calls by its bare name.
        "Self" | "FnOnce" => camel + "_",
        _ => camel,
    }
}

/// The name of a module.
pub(crate) fn module_ident(name: &str) -> String {
    let snake = start_with_letter(snake_case(name, ""));
    match snake.as_str() {
        // A module of the name of a primitive type would hide it.
        "bool" | "str" | "char" | "u8" | "u16" | "u32" | "u64" | "u128" | "usize" | "i8" | "i16" | "i32" | "i64"
        | "i128" | "isize" | "f32" | "f64" => snake + "_",
        _ => escape(snake),
    }
}

/// The name of a setter.
pub(crate) fn method_ident(prefix: &str, name: &str) -> String {
    format!("{prefix}{}", snake_case(name, prefix))
}

/// The name of the constant with a field's number.
pub(crate) fn number_ident(name: &str) -> String {
    let upper = start_with_letter(snake_case(name, "")).to_ascii_uppercase();
    format!("{upper}_FIELD_NUMBER")
}

/// The name of what remembers whether a field or oneof has been written.
pub(crate) fn flag(name: &str) -> String {
    match snake_case(name, "").as_str() {
        "message" => "message_".to_owned(),
        snake => escape(start_with_letter(snake.to_owned())),
    }
}

/// The name of an enum value's constant: as it is in the .proto file.
pub(crate) fn const_ident(name: &str) -> String {
    match name {
        "_" | "value" | "from_value" => format!("{name}_"),
        _ => escape(name.to_owned()),
    }
}

/// The name as it is, when rustc takes it (behind `prefix`) for snake case.
fn snake_case(name: &str, prefix: &str) -> String {
    let whole = format!("{prefix}{name}");
    let trimmed = whole.trim_matches('_');
    let snake = !trimmed.is_empty() && !trimmed.contains("__") && !name.contains(|c: char| c.is_ascii_uppercase());
    if snake { name.to_owned() } else { name.to_snake_case() }
}

/// rustc's own rule.
fn is_camel_case(name: &str) -> bool {
    let name = name.trim_matches('_');
    let bytes = name.as_bytes();
    let odd = |w: &[u8]| w[1] == b'_' && (w[0].is_ascii_alphabetic() || w[2].is_ascii_alphabetic());
    bytes.first().is_some_and(u8::is_ascii_uppercase) && !name.contains("__") && !bytes.windows(3).any(odd)
}

/// What changing the case may have taken away.
fn start_with_letter(name: String) -> String {
    match name.as_bytes().first() {
        None => "x".to_owned(),
        Some(c) if c.is_ascii_digit() => format!("_{name}"),
        Some(_) => name,
    }
}

/// A keyword becomes a raw identifier, or gets a `_` behind it where that is not allowed.
fn escape(name: String) -> String {
    match name.as_str() {
        "self" | "Self" | "super" | "crate" | "_" => name + "_",
        _ if KEYWORDS.contains(&name.as_str()) => format!("r#{name}"),
        _ => name,
    }
}

#[rustfmt::skip]
const KEYWORDS: [&str; 48] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else", "enum",
    "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move",
    "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_keep_their_names_when_rustc_allows_them() {
        for (proto, rust) in [
            ("TrackEvent", "TrackEvent"),
            ("_TrackEvent", "_TrackEvent"),
            ("HTTPServer", "HTTPServer"),
            ("track_event", "TrackEvent"),
            ("Track_Event", "TrackEvent"),
            ("V2_1", "V2_1"),
            ("Self", "Self_"),
            ("FnOnce", "FnOnce_"),
            ("_", "X"),
            ("_1st", "X1st"),
        ] {
            assert_eq!(type_ident(proto), rust, "{proto}");
        }
    }

    #[test]
    fn modules_and_methods_are_in_snake_case() {
        for (proto, rust) in [
            ("TrackEvent", "track_event"),
            ("protos", "protos"),
            ("type", "r#type"),
            ("Self", "self_"),
            ("Bool", "bool_"),
            ("GPUEvent", "gpu_event"),
            ("_1st", "_1st"),
            ("__", "x"),
        ] {
            assert_eq!(module_ident(proto), rust, "{proto}");
        }
        for (proto, rust) in [
            ("type", "set_type"),
            ("threadName", "set_thread_name"),
            ("_x", "set_x"),
            ("x_", "set_x_"),
            ("a__b", "set_a_b"),
            ("UUID", "set_uuid"),
            ("x1_y2", "set_x1_y2"),
        ] {
            assert_eq!(method_ident("set_", proto), rust, "{proto}");
        }
    }

    #[test]
    fn constants_keep_their_names() {
        for (proto, rust) in
            [("TYPE_A", "TYPE_A"), ("kFoo", "kFoo"), ("true", "r#true"), ("self", "self_"), ("value", "value_")]
        {
            assert_eq!(const_ident(proto), rust, "{proto}");
        }
    }
}
