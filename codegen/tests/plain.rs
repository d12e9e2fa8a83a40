//! proto2's own: groups, extensions, required fields, message sets. As `encoding.rs`, of tests/golden/plain.rs.

#![deny(warnings, missing_docs, unsafe_code)]

use std::path::Path;
use std::sync::LazyLock;

use pftrace_wire::Error;
use prost_reflect::{DescriptorPool, DynamicMessage, Value};

#[rustfmt::skip]
#[path = "golden/plain.rs"]
mod generated;

use generated::fixture::plain::item::SetExtensions as _;
use generated::fixture::plain::{Bounded, Plain, PlainExtensions as _, Set, plain::Mode};

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let set = protox::compile(["plain.proto"], [fixtures]).unwrap();
    DescriptorPool::from_file_descriptor_set(set).unwrap()
});

/// What the judge reads. Nothing may be left over that it does not know.
fn decode(name: &str, bytes: &[u8]) -> DynamicMessage {
    let message = DynamicMessage::decode(POOL.get_message_by_name(name).unwrap(), bytes).unwrap();
    assert_eq!(message.unknown_fields().count(), 0, "{name}: {message:?}");
    message
}

/// A `Plain` with all that is required, and what `f` writes.
fn plain(f: impl FnOnce(&mut Plain<'_>)) -> Result<Vec<u8>, Error> {
    let mut buffer = [0; 500];
    let written = Plain::encode(&mut buffer, |m| {
        m.set_id(1).set_name("n");
        m.set_inner(|inner| {
            inner.set_needed(true);
        });
        f(m);
    });
    written.map(|bytes| bytes.to_vec())
}

fn field(message: &DynamicMessage, name: &str) -> Value {
    message.get_field_by_name(name).unwrap_or_else(|| panic!("no field {name}")).into_owned()
}

fn inner(message: &Value, name: &str) -> Value {
    field(message.as_message().unwrap(), name)
}

#[test]
fn groups() {
    let bytes = plain(|m| {
        m.set_pair(|pair| {
            pair.set_left(-1).set_right(2);
        });
        for key in ["a", "b"] {
            m.add_row(|row| {
                row.set_key(key).add_values(7).add_values(8);
            });
        }
        m.set_chosen(|chosen| {
            chosen.set_yes(true);
        });
    });
    let message = decode("fixture.plain.Plain", &bytes.unwrap());
    assert_eq!(inner(&field(&message, "pair"), "left"), Value::I32(-1));
    assert_eq!(inner(&field(&message, "pair"), "right"), Value::I32(2));
    let rows = field(&message, "row");
    let rows = rows.as_list().unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(inner(&rows[1], "key"), Value::String("b".into()));
    assert_eq!(inner(&rows[1], "values"), Value::List(vec![Value::U32(7), Value::U32(8)]));
    assert_eq!(inner(&field(&message, "chosen"), "yes"), Value::Bool(true));
}

#[test]
fn extensions_of_each_scope() {
    let bytes = plain(|m| {
        m.set_outside(-3).add_packed(&[-1, 1]).add_texts("a").add_texts("b").set_extended_mode(Mode::MODE_ON);
        m.add_extended(|group| {
            group.set_x(5);
        });
        m.set_last(true);
        generated::fixture::plain::plain::PlainExtensions::set_within(m, |inner| {
            inner.set_needed(false);
        });
        generated::fixture::plain::elsewhere::PlainExtensions::set_within(m, |elsewhere| {
            elsewhere.set_x(6);
        });
    });
    let message = decode("fixture.plain.Plain", &bytes.unwrap());
    let extension = |name: &str| {
        let extension = POOL.all_extensions().find(|e| e.full_name() == format!("fixture.plain.{name}")).unwrap();
        assert!(message.has_extension(&extension), "{name}");
        message.get_extension(&extension).into_owned()
    };
    assert_eq!(extension("outside"), Value::I32(-3));
    assert_eq!(extension("packed"), Value::List(vec![Value::I64(-1), Value::I64(1)]));
    assert_eq!(extension("texts"), Value::List(vec![Value::String("a".into()), Value::String("b".into())]));
    assert_eq!(extension("extended_mode"), Value::EnumNumber(1));
    assert_eq!(inner(&extension("extended").as_list().unwrap()[0], "x"), Value::I32(5));
    assert_eq!(extension("last"), Value::Bool(true));
    assert_eq!(inner(&extension("Plain.within"), "needed"), Value::Bool(false));
    assert_eq!(inner(&extension("Elsewhere.within"), "x"), Value::I32(6));
}

/// Rust would call the message's own method, and the wrong field would be written.
#[test]
fn extensions_that_are_called_as_a_field_is() {
    use generated::fixture::plain::elsewhere::PlainExtensions as _;

    let bytes = plain(|m| {
        m.set_text("field").set_text_extension("extension");
        m.set_flag(true).set_flag_extension(false).set_flag_extension_extension(7);
        m.set_int(8).add_int(9);
    });
    let message = decode("fixture.plain.Plain", &bytes.unwrap());
    for (name, value, extension) in [
        ("text", Value::String("field".into()), Value::String("extension".into())),
        ("flag", Value::Bool(true), Value::I32(7)),
        ("int", Value::I32(8), Value::List(vec![Value::I32(9)])),
    ] {
        assert_eq!(field(&message, name), value);
        let full_name = format!("fixture.plain.Elsewhere.{name}");
        let declared = POOL.all_extensions().find(|e| e.full_name() == full_name).unwrap();
        assert_eq!(message.get_extension(&declared).into_owned(), extension, "{full_name}");
    }
    assert_eq!(field(&message, "flag_extension"), Value::Bool(false));
}

/// Neither as what is required nor as the field of a oneof.
#[test]
fn what_panics_is_not_written() {
    let panics = |f: &mut dyn FnMut()| {
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f));
        assert_eq!(caught.unwrap_err().downcast_ref(), Some(&"on purpose"));
    };
    let panic = || std::panic::resume_unwind(Box::new("on purpose"));
    let missing = Plain::encode(&mut [0; 99], |m| {
        m.set_id(1).set_name("n");
        panics(&mut || {
            m.set_inner(|_| panic());
        });
    })
    .map(|bytes| bytes.to_vec());
    assert_eq!(missing, Err(Error::RequiredMissing { field: "fixture.plain.Plain.inner" }));
    let bytes = plain(|m| {
        panics(&mut || {
            m.set_chosen(|_| panic());
        });
        m.set_other_choice(4);
    });
    assert_eq!(field(&decode("fixture.plain.Plain", &bytes.unwrap()), "other_choice"), Value::U32(4));
    // One that was written before stays.
    let bytes = plain(|m| {
        m.set_other_choice(4);
        panics(&mut || {
            m.set_chosen(|_| panic());
        });
    });
    assert_eq!(field(&decode("fixture.plain.Plain", &bytes.unwrap()), "other_choice"), Value::U32(4));
    let twice = plain(|m| {
        m.set_chosen(|_| {}).set_chosen(|_| {});
    });
    assert_eq!(twice, Err(Error::OneofTwice { oneof: "fixture.plain.Plain.choice" }));
}

#[test]
fn what_is_required_is_missed() {
    let nested = |field| Err(Error::RequiredMissing { field });
    assert_eq!(Plain::encode(&mut [0; 99], |_| {}).map(|b| b.to_vec()), nested("fixture.plain.Plain.id"));
    assert_eq!(
        plain(|m| {
            m.set_inner(|_| {});
        }),
        nested("fixture.plain.Plain.Inner.needed")
    );
    assert_eq!(
        plain(|m| {
            m.add_row(|_| {});
        }),
        nested("fixture.plain.Plain.Row.key")
    );
    assert_eq!(
        plain(|m| {
            m.add_inners(1, |_| {});
        }),
        nested("fixture.plain.Plain.Inner.needed")
    );
    let extension =
        plain(|m| generated::fixture::plain::plain::PlainExtensions::set_within(m, |_| {}).raw().encoded(&[]));
    assert_eq!(extension, nested("fixture.plain.Plain.Inner.needed"));
    assert!(plain(|_| {}).is_ok());
}

#[test]
fn a_oneof_is_written_once() {
    let twice = Err(Error::OneofTwice { oneof: "fixture.plain.Plain.choice" });
    assert_eq!(
        plain(|m| {
            m.set_other_choice(1).set_other_choice(2);
        }),
        twice
    );
    assert_eq!(
        plain(|m| {
            m.set_chosen(|_| {}).set_other_choice(2);
        }),
        twice
    );
    assert!(
        plain(|m| {
            m.set_other_choice(1);
        })
        .is_ok()
    );
}

#[test]
fn the_bound_is_reached_and_not_passed() {
    assert_eq!(Bounded::MAX_LEN, 11 + 10 + 2 + 2 + 2 + 6 + 6);
    let mut buffer = [0; Bounded::MAX_LEN];
    let bytes = Bounded::encode(&mut buffer, |m| {
        m.set_a(-1).set_b(u64::MAX).set_e(u32::MAX);
        m.set_c(|c| {
            c.set_x(true);
            c.set_deep(|deep| {
                deep.set_y(i32::MIN);
            });
        });
    });
    assert_eq!(bytes.unwrap().len(), Bounded::MAX_LEN);
}

/// <https://protobuf.dev/programming-guides/encoding/> does not know them; descriptor.proto does: `message_set_wire_format`.
#[test]
fn items_of_a_message_set() {
    let mut buffer = [0; 50];
    let bytes = Set::encode(&mut buffer, |set| {
        set.set_small(|item| {
            item.set_text("a");
        });
        set.set_item(|item| {
            item.set_text("b");
        });
    });
    let expected = b"\x0b\x10\x04\x1a\x03\x0a\x01a\x0c\x0b\x10\xe0\xa7\x12\x1a\x03\x0a\x01b\x0c";
    assert_eq!(bytes.unwrap(), expected);
}

#[test]
fn numbers_of_fields() {
    assert_eq!((Plain::NAME_FIELD_NUMBER, Plain::PAIR_FIELD_NUMBER), (1000, 15));
}
