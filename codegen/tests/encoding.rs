//! What the generated writers write, as another protobuf library reads it.
//!
//! The writers are those of tests/golden/everything.rs; the judge compiles the same .proto files with a parser of its own.

#![deny(warnings, missing_docs, unsafe_code)]

use std::collections::HashMap;
use std::path::Path;
use std::sync::LazyLock;

use pftrace_wire::{Error, Message};
use prost_reflect::{DescriptorPool, DynamicMessage, MapKey, Value};

#[rustfmt::skip]
#[path = "golden/everything.rs"]
mod generated;

use generated::fixture::all::choices::inner::deeper::Kind;
use generated::fixture::all::{Choices, Color, Empty, Maps, Repeated, Scalars, Self_};
use generated::fixture::legacy::{Old, old::Mode};
use generated::fixture::other::point::Unit;

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let set = protox::compile(["everything.proto"], [fixtures]).unwrap();
    DescriptorPool::from_file_descriptor_set(set).unwrap()
});

/// What the judge reads. Nothing may be left over that it does not know.
fn decode(name: &str, bytes: &[u8]) -> DynamicMessage {
    let descriptor = POOL.get_message_by_name(name).unwrap();
    let message = DynamicMessage::decode(descriptor, bytes).unwrap();
    assert_eq!(message.unknown_fields().count(), 0, "{name}: {message:?}");
    message
}

fn field(message: &DynamicMessage, name: &str) -> Value {
    message.get_field_by_name(name).unwrap_or_else(|| panic!("no field {name}")).into_owned()
}

/// Writes with a generated writer, and reads.
macro_rules! written {
    ($writer:ident, $name:literal, $f:expr) => {{
        let mut buffer = vec![0; 1 << 18];
        let bytes: Result<&mut [u8], Error> = $writer::encode(&mut buffer, $f);
        decode($name, bytes.unwrap())
    }};
}

/// One field of `Scalars`, with several values.
macro_rules! scalar {
    ($($name:literal, $set:ident, $kind:ident: $values:expr;)*) => {$(
        for value in $values {
            let message = written!(Scalars, "fixture.all.Scalars", |m| { m.$set(value); });
            assert_eq!(field(&message, $name), Value::$kind(value), "{}", $name);
            // Also a default is written: the field is there, with a tag and at least one byte.
            let mut buffer = [0; 16];
            assert!(Scalars::encode(&mut buffer, |m| { m.$set(value); }).unwrap().len() >= 2);
        }
    )*};
}

const I32: [i32; 8] = [0, 1, -1, 127, 128, 16_384, i32::MIN, i32::MAX];
const I64: [i64; 9] = [0, 1, -1, 127, 128, 16_384, 1 << 42, i64::MIN, i64::MAX];
const U32: [u32; 7] = [0, 1, 127, 128, 16_384, 1 << 31, u32::MAX];
const U64: [u64; 7] = [0, 1, 127, 128, 16_384, 1 << 63, u64::MAX];
const F32: [f32; 7] = [0.0, -0.0, 1.5, f32::MIN, f32::MAX, f32::INFINITY, f32::MIN_POSITIVE];
const F64: [f64; 7] = [0.0, -0.0, 1.5, f64::MIN, f64::MAX, f64::NEG_INFINITY, f64::MIN_POSITIVE];

#[test]
fn every_scalar_type_at_its_ends() {
    scalar! {
        "int32", set_int32, I32: I32;
        "int64", set_int64, I64: I64;
        "uint32", set_uint32, U32: U32;
        "uint64", set_uint64, U64: U64;
        "sint32", set_sint32, I32: I32;
        "sint64", set_sint64, I64: I64;
        "fixed32", set_fixed32, U32: U32;
        "fixed64", set_fixed64, U64: U64;
        "sfixed32", set_sfixed32, I32: I32;
        "sfixed64", set_sfixed64, I64: I64;
        "bool", set_bool, Bool: [false, true];
        "float", set_float, F32: F32;
        "double", set_double, F64: F64;
        "with_presence", set_with_presence, I32: I32;
        "largest", set_largest, U32: U32;
    }
    let message = written!(Scalars, "fixture.all.Scalars", |m| {
        m.set_float(f32::NAN).set_double(f64::NAN);
    });
    assert!(matches!(field(&message, "float"), Value::F32(x) if x.is_nan()));
    assert!(matches!(field(&message, "double"), Value::F64(x) if x.is_nan()));
}

#[test]
fn strings_and_bytes_of_lengths_where_the_length_grows() {
    for len in [0, 1, 126, 127, 128, 129, 16_383, 16_384, 100_000] {
        let text = "x".repeat(len);
        let message = written!(Scalars, "fixture.all.Scalars", |m| {
            m.set_string(&text).set_bytes(text.as_bytes());
        });
        assert_eq!(field(&message, "string"), Value::String(text.clone()));
        assert_eq!(field(&message, "bytes"), Value::Bytes(text.into_bytes().into()));
    }
    let message = written!(Scalars, "fixture.all.Scalars", |m| {
        m.set_string("ünï\0cödé 🦀");
    });
    assert_eq!(field(&message, "string"), Value::String("ünï\0cödé 🦀".into()));
}

#[test]
fn enums_with_aliases_negative_and_unknown_numbers() {
    let cases = [
        (Color::COLOR_NONE, 0),
        (Color::COLOR_ROUGE, 1),
        (Color::COLOR_NEGATIVE, -1),
        (Color::COLOR_LOWEST, i32::MIN),
        (Color::COLOR_HIGHEST, i32::MAX),
        (Color::kCamel, 5),
        (Color::self_, 6),
        (Color::value_, 7),
        (Color::from_value(-77), -77),
    ];
    for (color, number) in cases {
        assert_eq!(color.value(), number);
        let message = written!(Scalars, "fixture.all.Scalars", |m| {
            m.set_color(color);
        });
        assert_eq!(field(&message, "color"), Value::EnumNumber(number));
    }
    assert_eq!(Color::COLOR_RED, Color::COLOR_ROUGE);
}

/// One packed field of `Repeated`: of a slice, an array and an iterator.
macro_rules! packed {
    ($($name:literal, $add:ident, $kind:ident: $values:expr;)*) => {$(
        let expected = Value::List($values.iter().map(|&value| Value::$kind(value)).collect());
        for message in [
            written!(Repeated, "fixture.all.Repeated", |m| { m.$add(&$values); }),
            written!(Repeated, "fixture.all.Repeated", |m| { m.$add(&$values[..]); }),
            written!(Repeated, "fixture.all.Repeated", |m| { m.$add(pftrace_wire::iter($values)); }),
        ] {
            assert_eq!(field(&message, $name), expected, "{}", $name);
        }
    )*};
}

#[test]
fn packed_fields() {
    packed! {
        "int32", add_int32, I32: I32;
        "int64", add_int64, I64: I64;
        "uint32", add_uint32, U32: U32;
        "uint64", add_uint64, U64: U64;
        "sint32", add_sint32, I32: I32;
        "sint64", add_sint64, I64: I64;
        "fixed32", add_fixed32, U32: U32;
        "fixed64", add_fixed64, U64: U64;
        "sfixed32", add_sfixed32, I32: I32;
        "sfixed64", add_sfixed64, I64: I64;
        "bool", add_bool, Bool: [true, false, true];
        "float", add_float, F32: F32;
        "double", add_double, F64: F64;
    }
    let colors = [Color::COLOR_RED, Color::COLOR_LOWEST, Color::COLOR_NONE];
    let message = written!(Repeated, "fixture.all.Repeated", |m| {
        m.add_color(&colors);
    });
    let expected = colors.iter().map(|color| Value::EnumNumber(color.value())).collect();
    assert_eq!(field(&message, "color"), Value::List(expected));
}

#[test]
fn packed_and_unpacked_differ_on_the_wire() {
    let mut buffer = [0; 64];
    assert_eq!(
        Repeated::encode(&mut buffer, |m| {
            m.add_uint64(&[1, 2]);
        })
        .unwrap(),
        [0x22, 2, 1, 2]
    );
    let unpacked = Repeated::encode(&mut buffer, |m| {
        m.add_unpacked(1).add_unpacked(2);
    });
    assert_eq!(unpacked.unwrap(), [0x90, 1, 1, 0x90, 1, 2]);
    let unpacked = Old::encode(&mut buffer, |m| {
        m.set_required(0).add_unpacked(1).add_unpacked(-1);
    });
    assert_eq!(unpacked.unwrap(), [0x08, 0, 0x28, 1, 0x28, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]);
    let packed = Old::encode(&mut buffer, |m| {
        m.set_required(0).add_packed(&[1, -1]).add_modes(&[Mode::MODE_A, Mode::MODE_B]);
    });
    assert_eq!(packed.unwrap(), [0x08, 0, 0x32, 2, 2, 1, 0x3a, 2, 1, 2]);
}

#[test]
fn repeated_fields_that_cannot_be_packed() {
    let message = written!(Repeated, "fixture.all.Repeated", |m| {
        m.add_string("a").add_string("").add_bytes(b"\xff").add_bytes(b"");
        m.add_scalars(|s| {
            s.set_int32(7);
        })
        .add_scalars(|_| {});
        m.add_unpacked_color(Color::COLOR_NEGATIVE).add_unpacked_color(Color::COLOR_NONE);
    });
    let strings = vec![Value::String("a".into()), Value::String(String::new())];
    assert_eq!(field(&message, "string"), Value::List(strings));
    let bytes = vec![Value::Bytes(vec![0xff].into()), Value::Bytes(vec![].into())];
    assert_eq!(field(&message, "bytes"), Value::List(bytes));
    let colors = vec![Value::EnumNumber(-1), Value::EnumNumber(0)];
    assert_eq!(field(&message, "unpacked_color"), Value::List(colors));
    let Value::List(scalars) = field(&message, "scalars") else { panic!() };
    assert_eq!(scalars.len(), 2);
    assert_eq!(field(scalars[0].as_message().unwrap(), "int32"), Value::I32(7));
}

/// One map field, whose keys are its values too.
macro_rules! map {
    ($($name:literal, $add:ident, $key:ident, $value:ident: $values:expr;)*) => {$(
        let message = written!(Maps, "fixture.all.Maps", |m| {
            for value in $values { m.$add(value, value); }
        });
        let expected = $values.iter().map(|&value| (MapKey::$key(value.into()), Value::$value(value.into())));
        assert_eq!(field(&message, $name), Value::Map(expected.collect::<HashMap<_, _>>()), "{}", $name);
    )*};
}

#[test]
fn maps_of_every_key() {
    map! {
        "int32", add_int32, I32, I32: I32;
        "int64", add_int64, I64, I64: I64;
        "uint32", add_uint32, U32, U32: U32;
        "uint64", add_uint64, U64, U64: U64;
        "sint32", add_sint32, I32, I32: I32;
        "sint64", add_sint64, I64, I64: I64;
        "fixed32", add_fixed32, U32, U32: U32;
        "fixed64", add_fixed64, U64, U64: U64;
        "sfixed32", add_sfixed32, I32, I32: I32;
        "sfixed64", add_sfixed64, I64, I64: I64;
        "bool", add_bool, Bool, Bool: [false, true];
        "string", add_string, String, String: ["", "a", "longer"];
    }
}

#[test]
fn maps_of_every_kind_of_value() {
    let message = written!(Maps, "fixture.all.Maps", |m| {
        m.add_bytes("b", b"\0\xff").add_float("f", -0.5).add_double("d", f64::MAX);
        m.add_color("c", Color::COLOR_LOWEST);
        m.add_maps("m", |m| {
            m.add_int32(1, 2);
        });
        m.add_points(-5, |p| {
            p.set_x(1).set_y(-1);
        });
    });
    let one = |name: &str, key: MapKey| {
        let Value::Map(map) = field(&message, name) else { panic!("{name}") };
        assert_eq!(map.len(), 1, "{name}");
        map[&key].clone()
    };
    assert_eq!(one("bytes", MapKey::String("b".into())), Value::Bytes(vec![0, 255].into()));
    assert_eq!(one("float", MapKey::String("f".into())), Value::F32(-0.5));
    assert_eq!(one("double", MapKey::String("d".into())), Value::F64(f64::MAX));
    assert_eq!(one("color", MapKey::String("c".into())), Value::EnumNumber(i32::MIN));
    let maps = one("maps", MapKey::String("m".into()));
    assert_eq!(field(maps.as_message().unwrap(), "int32"), Value::Map([(MapKey::I32(1), Value::I32(2))].into()));
    let point = one("points", MapKey::I32(-5));
    assert_eq!(field(point.as_message().unwrap(), "x"), Value::I32(1));
    assert_eq!(field(point.as_message().unwrap(), "y"), Value::I32(-1));
}

#[test]
fn nested_and_recursive_messages_of_other_packages() {
    let message = written!(Choices, "fixture.all.Choices", |m| {
        m.set_inner(|inner| {
            inner.set_x(-3).set_deeper(|deeper| {
                deeper.set_kind(Kind::KIND_SOME).set_back_to_the_top(|top| {
                    top.set_blob(b"top");
                });
            });
        });
        m.set_time(|time| {
            time.set_seconds(1 << 40).set_nanos(999_999_999);
        });
        m.set_old(|old| {
            old.set_required(1).set_mode(Mode::MODE_A).set_id(u64::MAX);
            old.add_children(|child| {
                child.set_required(2).set_with_default("x");
            });
            old.add_by_name("n", |named| {
                named.set_required(3).set_infinite(0.0);
            });
        });
        m.set_unit(Unit::UNIT_METRE);
    });
    let path = |names: &[&str]| {
        let mut value = Value::Message(message.clone());
        for name in names {
            value = field(value.as_message().unwrap(), name);
        }
        value
    };
    assert_eq!(path(&["inner", "x"]), Value::I32(-3));
    assert_eq!(path(&["inner", "deeper", "kind"]), Value::EnumNumber(1));
    assert_eq!(path(&["inner", "deeper", "back_to_the_top", "blob"]), Value::Bytes("top".into()));
    assert_eq!(path(&["time", "seconds"]), Value::I64(1 << 40));
    assert_eq!(path(&["time", "nanos"]), Value::I32(999_999_999));
    assert_eq!(path(&["old", "required"]), Value::I32(1));
    assert_eq!(path(&["old", "mode"]), Value::EnumNumber(1));
    assert_eq!(path(&["old", "id"]), Value::U64(u64::MAX));
    let Value::List(children) = path(&["old", "children"]) else { panic!() };
    assert_eq!(field(children[0].as_message().unwrap(), "with_default"), Value::String("x".into()));
    let Value::Map(named) = path(&["old", "by_name"]) else { panic!() };
    assert_eq!(field(named[&MapKey::String("n".into())].as_message().unwrap(), "infinite"), Value::F64(0.0));
    assert_eq!(path(&["unit"]), Value::EnumNumber(1));
}

#[test]
fn each_member_of_a_oneof() {
    let message = written!(Choices, "fixture.all.Choices", |m| {
        m.set_number(0);
    });
    assert!(message.has_field_by_name("number"), "also a default, since it says which member it is");
    let message = written!(Choices, "fixture.all.Choices", |m| {
        m.set_text("t");
    });
    assert_eq!(field(&message, "text"), Value::String("t".into()));
    let message = written!(Choices, "fixture.all.Choices", |m| {
        m.set_color(Color::COLOR_NONE);
    });
    assert!(message.has_field_by_name("color"));
    let message = written!(Choices, "fixture.all.Choices", |m| {
        m.set_blob(b"");
    });
    assert!(message.has_field_by_name("blob") && !message.has_field_by_name("text"));
}

#[test]
fn fields_of_odd_names() {
    let message = written!(Self_, "fixture.all.Self", |m| {
        m.set_type(|t| {
            t.set_b(|b| {
                b.set_bool(true);
            });
        });
        m.set_foo_bar("2").set_leading("3").set_trailing_("4").set_double_underscore("5").set_url("6");
        m.set_lower(|lower| {
            lower.set_self(|_| {});
        });
    });
    for (name, value) in
        [("fooBar", "2"), ("_leading", "3"), ("trailing_", "4"), ("double__underscore", "5"), ("URL", "6")]
    {
        assert_eq!(field(&message, name), Value::String(value.into()), "{name}");
    }
    assert!(message.has_field_by_name("type") && message.has_field_by_name("lower"));
}

#[test]
fn a_message_without_fields_and_one_that_does_not_fit() {
    assert_eq!(Empty::encode(&mut [], |_| {}).unwrap(), []);
    let mut small = [0; 2];
    let overflow = Scalars::encode(&mut small, |m| {
        m.set_fixed64(1);
    });
    assert_eq!(overflow, Err(Error::Overflow { needed: 9, capacity: 2 }));
    // A writer over a message that somebody else opened.
    let bytes = pftrace_wire::encode(&mut [0; 8], |m: Message<'_>| {
        Scalars::new(m).set_bool(true);
    })
    .map(|b| b.to_vec());
    assert_eq!(bytes, Ok(vec![0x58, 1]));
}
