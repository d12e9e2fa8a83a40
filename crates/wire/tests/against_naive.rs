//! Random trees of fields, written by this crate and by the simplest encoder one can think of: equal bytes, in buffers
//! of every size around the message's own.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pftrace_wire::{Error, Layer, Message, Oneof, Required, WireType, encode, envelope, iter, tag, zigzag32, zigzag64};
use proptest::prelude::*;

/// One field. `number` is an index into [`NUMBERS`].
#[derive(Debug, Clone)]
struct Field {
    number: usize,
    value: Value,
}

#[derive(Debug, Clone)]
enum Value {
    Int32(i32),
    Int64(i64),
    Uint32(u32),
    Uint64(u64),
    Sint32(i32),
    Sint64(i64),
    Bool(bool),
    Enumeration(i32),
    Fixed32(u32),
    Fixed64(u64),
    Sfixed32(i32),
    Sfixed64(i64),
    Float(f32),
    Double(f64),
    Text(String),
    Bytes(Vec<u8>),
    PackedUint64(Vec<u64>),
    PackedSint32(Vec<i32>),
    PackedBool(Vec<bool>),
    PackedDouble(Vec<f64>),
    TextParts(Vec<String>),
    BytesParts(Vec<Vec<u8>>),
    Nested(Vec<Field>),
    /// As an element of a repeated field.
    Element(Vec<Field>),
    Group(Vec<Field>),
    /// A nested message that panics after these fields, caught by its parent.
    Abandoned(Vec<Field>),
}

/// Field numbers on both sides of each length of a tag.
const NUMBERS: [u32; 11] = [1, 2, 15, 16, 2047, 2048, 262_143, 262_144, 33_554_431, 33_554_432, 536_870_911];

/// Calls `m.method::<NUMBER>(value)` for a number only known at run time.
macro_rules! with_number {
    ($index:expr, $m:ident.$method:ident($value:expr)) => {
        match $index {
            0 => $m.$method::<1>($value),
            1 => $m.$method::<2>($value),
            2 => $m.$method::<15>($value),
            3 => $m.$method::<16>($value),
            4 => $m.$method::<2047>($value),
            5 => $m.$method::<2048>($value),
            6 => $m.$method::<262_143>($value),
            7 => $m.$method::<262_144>($value),
            8 => $m.$method::<33_554_431>($value),
            9 => $m.$method::<33_554_432>($value),
            _ => $m.$method::<536_870_911>($value),
        }
    };
}

fn write(m: &mut Message<'_>, fields: &[Field]) {
    for Field { number, value } in fields {
        match value {
            Value::Int32(v) => with_number!(number, m.int32(*v)),
            Value::Int64(v) => with_number!(number, m.int64(*v)),
            Value::Uint32(v) => with_number!(number, m.uint32(*v)),
            Value::Uint64(v) => with_number!(number, m.uint64(*v)),
            Value::Sint32(v) => with_number!(number, m.sint32(*v)),
            Value::Sint64(v) => with_number!(number, m.sint64(*v)),
            Value::Bool(v) => with_number!(number, m.bool(*v)),
            Value::Enumeration(v) => with_number!(number, m.enumeration(*v)),
            Value::Fixed32(v) => with_number!(number, m.fixed32(*v)),
            Value::Fixed64(v) => with_number!(number, m.fixed64(*v)),
            Value::Sfixed32(v) => with_number!(number, m.sfixed32(*v)),
            Value::Sfixed64(v) => with_number!(number, m.sfixed64(*v)),
            Value::Float(v) => with_number!(number, m.float(*v)),
            Value::Double(v) => with_number!(number, m.double(*v)),
            Value::Text(v) => with_number!(number, m.string(v)),
            Value::Bytes(v) => with_number!(number, m.bytes(v)),
            Value::PackedUint64(v) => with_number!(number, m.packed_uint64(&v[..])),
            Value::PackedSint32(v) => with_number!(number, m.packed_sint32(iter(v.iter().copied()))),
            Value::PackedBool(v) => with_number!(number, m.packed_bool(&v[..])),
            Value::PackedDouble(v) => with_number!(number, m.packed_double(&v[..])),
            Value::TextParts(v) => {
                with_number!(number, m.string_parts(|mut text| v.iter().for_each(|part| text.push(part))))
            }
            Value::BytesParts(v) => {
                with_number!(number, m.bytes_parts(|mut bytes| v.iter().for_each(|part| bytes.push(part))))
            }
            Value::Nested(v) => with_number!(number, m.message(|mut child| write(&mut child, v))),
            Value::Element(v) => with_number!(number, m.element(|mut child| write(&mut child, v))),
            Value::Group(v) => with_number!(number, m.group(|mut child| write(&mut child, v))),
            Value::Abandoned(v) => {
                let result = catch_unwind(AssertUnwindSafe(|| {
                    with_number!(
                        number,
                        m.message(|mut child| {
                            write(&mut child, v);
                            std::panic::resume_unwind(Box::new("abandoned"));
                        })
                    );
                }));
                assert!(result.is_err());
                let result = catch_unwind(AssertUnwindSafe(|| {
                    with_number!(
                        number,
                        m.group(|mut child| {
                            write(&mut child, v);
                            std::panic::resume_unwind(Box::new("abandoned"));
                        })
                    );
                }));
                assert!(result.is_err());
            }
        }
    }
}

fn naive_varint(mut value: u64, out: &mut Vec<u8>) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn varints(values: impl IntoIterator<Item = u64>) -> Vec<u8> {
    let mut out = Vec::new();
    values.into_iter().for_each(|value| naive_varint(value, &mut out));
    out
}

/// The field's value without its tag and length; `None` where nothing is written.
fn naive_value(value: &Value, padded: bool) -> Option<(WireType, Vec<u8>)> {
    Some(match value {
        Value::Int32(v) | Value::Enumeration(v) => (WireType::Varint, varints([i64::from(*v) as u64])),
        Value::Int64(v) => (WireType::Varint, varints([*v as u64])),
        Value::Uint32(v) => (WireType::Varint, varints([u64::from(*v)])),
        Value::Uint64(v) => (WireType::Varint, varints([*v])),
        Value::Sint32(v) => (WireType::Varint, varints([u64::from(zigzag32(*v))])),
        Value::Sint64(v) => (WireType::Varint, varints([zigzag64(*v)])),
        Value::Bool(v) => (WireType::Varint, varints([u64::from(*v)])),
        Value::Fixed32(v) => (WireType::Fixed32, v.to_le_bytes().into()),
        Value::Fixed64(v) => (WireType::Fixed64, v.to_le_bytes().into()),
        Value::Sfixed32(v) => (WireType::Fixed32, v.to_le_bytes().into()),
        Value::Sfixed64(v) => (WireType::Fixed64, v.to_le_bytes().into()),
        Value::Float(v) => (WireType::Fixed32, v.to_le_bytes().into()),
        Value::Double(v) => (WireType::Fixed64, v.to_le_bytes().into()),
        Value::Text(v) => (WireType::Len, v.as_bytes().into()),
        Value::Bytes(v) => (WireType::Len, v.clone()),
        Value::PackedUint64(v) => (WireType::Len, packed(v, |v| varints([*v]))?),
        Value::PackedSint32(v) => (WireType::Len, packed(v, |v| varints([u64::from(zigzag32(*v))]))?),
        Value::PackedBool(v) => (WireType::Len, packed(v, |v| vec![u8::from(*v)])?),
        Value::PackedDouble(v) => (WireType::Len, packed(v, |v| v.to_le_bytes().into())?),
        Value::TextParts(v) => (WireType::Len, v.concat().into()),
        Value::BytesParts(v) => (WireType::Len, v.concat()),
        Value::Nested(v) | Value::Element(v) => (WireType::Len, naive_padded(v, padded)),
        Value::Group(v) => (WireType::StartGroup, naive_padded(v, padded)),
        Value::Abandoned(_) => return None,
    })
}

fn packed<T>(values: &[T], one: impl Fn(&T) -> Vec<u8>) -> Option<Vec<u8>> {
    (!values.is_empty()).then(|| values.iter().flat_map(one).collect())
}

fn naive(fields: &[Field]) -> Vec<u8> {
    naive_padded(fields, false)
}

/// With `padded`, lengths of one byte are written in two, as if they were guessed to be long.
fn naive_padded(fields: &[Field], padded: bool) -> Vec<u8> {
    let mut out = Vec::new();
    for Field { number, value } in fields {
        let Some((wire_type, value)) = naive_value(value, padded) else {
            continue;
        };
        naive_varint(u64::from(tag(NUMBERS[*number], wire_type)), &mut out);
        if matches!(wire_type, WireType::Len) {
            if padded && value.len() < 0x80 {
                out.extend([value.len() as u8 | 0x80, 0]);
            } else {
                naive_varint(value.len() as u64, &mut out);
            }
        }
        out.extend(value);
        if matches!(wire_type, WireType::StartGroup) {
            naive_varint(u64::from(tag(NUMBERS[*number], WireType::EndGroup)), &mut out);
        }
    }
    out
}

/// Numbers with every length of a varint about equally often.
fn number() -> impl Strategy<Value = u64> {
    (0..=64u32, any::<u64>()).prop_map(|(bits, random)| random.checked_shr(64 - bits).unwrap_or(0))
}

/// Lengths on both sides of where a length grows by a byte.
fn content() -> impl Strategy<Value = Vec<u8>> {
    let len = prop_oneof![8 => 0..20usize, 2 => 120..136usize, 1 => 16_370..16_400usize];
    len.prop_flat_map(|len| proptest::collection::vec(any::<u8>(), len))
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        number().prop_map(|v| Value::Int32(v as i32)),
        number().prop_map(|v| Value::Int64(v as i64)),
        number().prop_map(|v| Value::Uint32(v as u32)),
        number().prop_map(Value::Uint64),
        number().prop_map(|v| Value::Sint32(v as i32)),
        number().prop_map(|v| Value::Sint64(v as i64)),
        any::<bool>().prop_map(Value::Bool),
        any::<i32>().prop_map(Value::Enumeration),
        any::<u32>().prop_map(Value::Fixed32),
        any::<u64>().prop_map(Value::Fixed64),
        any::<i32>().prop_map(Value::Sfixed32),
        any::<i64>().prop_map(Value::Sfixed64),
        any::<f32>().prop_map(Value::Float),
        any::<f64>().prop_map(Value::Double),
        content().prop_map(|v| Value::Text(v.iter().map(|b| char::from(b & 0x7f)).collect())),
        content().prop_map(Value::Bytes),
        proptest::collection::vec(".{0,40}", 0..6).prop_map(Value::TextParts),
        proptest::collection::vec(content(), 0..4).prop_map(Value::BytesParts),
        proptest::collection::vec(number(), 0..40).prop_map(Value::PackedUint64),
        proptest::collection::vec(any::<i32>(), 0..40).prop_map(Value::PackedSint32),
        proptest::collection::vec(any::<bool>(), 0..200).prop_map(Value::PackedBool),
        proptest::collection::vec(any::<f64>(), 0..40).prop_map(Value::PackedDouble),
    ]
}

fn field(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Field> {
    (0..NUMBERS.len(), value).prop_map(|(number, value)| Field { number, value })
}

fn message() -> impl Strategy<Value = Vec<Field>> {
    let leaf = scalar().boxed();
    let value = leaf.prop_recursive(12, 96, 6, |inner| {
        let fields = proptest::collection::vec(field(inner), 0..6);
        (fields, 0..8).prop_map(|(fields, kind)| match kind {
            0 => Value::Abandoned(fields),
            1 => Value::Group(fields),
            2 => Value::Element(fields),
            _ => Value::Nested(fields),
        })
    });
    proptest::collection::vec(field(value), 0..6)
}

/// Encodes into a buffer of `capacity` bytes.
fn encode_within(capacity: usize, fields: &[Field]) -> Result<Vec<u8>, Error> {
    encode_over(&[0xa5], capacity, fields)
}

/// Encodes into a buffer of `capacity` bytes, which holds `old` again and again. It is the middle of a larger one, whose margins must
/// stay as they are.
fn encode_over(old: &[u8], capacity: usize, fields: &[Field]) -> Result<Vec<u8>, Error> {
    const MARGIN: usize = 32;
    let mut memory = vec![0xa5; MARGIN + capacity + MARGIN];
    for (byte, old) in memory[MARGIN..MARGIN + capacity].iter_mut().zip(old.iter().cycle()) {
        *byte = *old;
    }
    let result =
        encode(&mut memory[MARGIN..MARGIN + capacity], |mut m| write(&mut m, fields)).map(|bytes| bytes.to_vec());
    let margins = memory[..MARGIN].iter().chain(&memory[MARGIN + capacity..]);
    assert!(margins.copied().all(|byte| byte == 0xa5), "written outside of the buffer");
    result
}

fn assert_encodes(fields: &[Field]) {
    let expected = naive(fields);
    let exact = expected.len();
    // Room for everything, exactly enough, and each size in between at which the notes of long bodies run out of room.
    for capacity in [exact + 4096, exact].into_iter().chain(exact + 1..exact + 40) {
        let bytes = encode_within(capacity, fields).unwrap();
        assert!(bytes == expected, "capacity {capacity} of {exact}");
    }
    // Too small: a few bytes, half, nothing. What is reported is what is needed.
    for capacity in [exact.wrapping_sub(1), exact.wrapping_sub(7), exact / 2, 0] {
        if capacity < exact {
            assert_eq!(encode_within(capacity, fields), Err(Error::Overflow { needed: exact, capacity }));
        }
    }
    assert_encodes_over_any_content(fields, &expected);
}

/// What a buffer held before makes no difference to what is written: right guesses, wrong ones, and all of them at once.
fn assert_encodes_over_any_content(fields: &[Field], expected: &[u8]) {
    let exact = expected.len();
    let padded = naive_padded(fields, true);
    let guesses: [&[u8]; 3] = [&[0x0a, 0xff], &[0xff, 0x0a], &[0x7f, 0x80]];
    // Large ones are slow, and differ in little but their lengths.
    let guesses = if exact > 20_000 { &guesses[..0] } else { &guesses[..] };
    let more = [0, 540];
    for old in guesses.iter().copied().chain([expected, &padded[..]]).filter(|old| !old.is_empty()) {
        for capacity in more.iter().map(|more| exact + more) {
            assert!(encode_over(old, capacity, fields).unwrap() == expected, "{capacity} over {old:02x?}");
        }
        if let Some(capacity) = exact.checked_sub(1) {
            assert_eq!(encode_over(old, capacity, fields), Err(Error::Overflow { needed: exact, capacity }));
        }
    }
}

/// Fewer under a sanitizer, which is slow.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(2000)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn any_tree_of_fields_in_buffers_of_any_size(fields in message()) {
        assert_encodes(&fields);
    }
}

/// A chain of `depth` nested messages with `fields` in the innermost.
fn chain(depth: usize, fields: Vec<Field>) -> Vec<Field> {
    (0..depth).fold(fields, |inner, _| vec![Field { number: 0, value: Value::Nested(inner) }])
}

#[test]
fn bodies_around_each_length_of_a_length() {
    for len in [0, 1, 126, 127, 128, 129, 16_383, 16_384, 16_385, 2_097_151, 2_097_152] {
        for depth in [0, 1, 2, 5] {
            let content = Field { number: 0, value: Value::Bytes(vec![7; len]) };
            let fields = chain(depth, vec![content]);
            let expected = naive(&fields);
            for capacity in [expected.len(), expected.len() + 9, expected.len() + 1000] {
                assert!(encode_within(capacity, &fields).unwrap() == expected, "{len} bytes, {depth} deep");
            }
            assert_encodes_over_any_content(&fields, &expected);
            let (needed, capacity) = (expected.len(), expected.len() - 1);
            assert_eq!(encode_within(capacity, &fields), Err(Error::Overflow { needed, capacity }));
        }
    }
}

#[test]
fn a_thousand_messages_deep() {
    assert_encodes(&chain(1000, vec![Field { number: 3, value: Value::Uint64(1) }]));
}

#[test]
fn many_long_siblings_at_each_of_three_depths() {
    let long =
        || Field { number: 1, value: Value::Nested(vec![Field { number: 0, value: Value::Bytes(vec![1; 200]) }]) };
    let middle = || Field { number: 2, value: Value::Nested((0..20).map(|_| long()).collect()) };
    assert_encodes(&(0..10).map(|_| middle()).collect::<Vec<_>>());
}

/// In an abandoned message, a short one that is open while the notes of before are compacted, and that then overflows by as
/// many bytes as those notes had added: its length must not be written where it no longer is.
#[test]
fn a_short_message_moved_and_overflown_by_as_much() {
    let long =
        || Field { number: 0, value: Value::Nested(vec![Field { number: 0, value: Value::Bytes(vec![1; 300]) }]) };
    let flag = || Field { number: 0, value: Value::Bool(true) };
    for longs in 1..6 {
        for flags in 0..60 {
            let short = Field { number: 0, value: Value::Nested((0..flags).map(|_| flag()).collect()) };
            let mut fields: Vec<_> = (0..longs).map(|_| long()).collect();
            fields.push(Field { number: 0, value: Value::Abandoned(vec![short]) });
            let expected = naive(&fields);
            for capacity in expected.len()..expected.len() + 80 {
                assert!(
                    encode_within(capacity, &fields).unwrap() == expected,
                    "{longs} notes, {flags} flags, {capacity}"
                );
            }
        }
    }
}

/// A message that was guessed to be long, and is; that is open while the notes of before are compacted, for the sake of one that is
/// abandoned; and in which there are as many new notes: its length must not be written where it no longer is.
#[test]
fn a_guess_moved_and_noted_by_as_much() {
    let bytes = |len| Field { number: 0, value: Value::Bytes(vec![1; len]) };
    let long = || Field { number: 0, value: Value::Element(vec![bytes(300)]) };
    for notes in 1..6 {
        let mut inside = vec![Field { number: 0, value: Value::Abandoned(vec![bytes(100_000)]) }];
        inside.extend((0..notes).map(|_| long()));
        let mut fields: Vec<_> = (0..notes).map(|_| long()).collect();
        fields.push(Field { number: 0, value: Value::Nested(inside) });
        assert_encodes_over_any_content(&fields, &naive(&fields));
    }
}

/// Whatever else is written, and whether it fits or not.
#[test]
fn the_first_fault_is_reported_and_nothing_else() {
    for capacity in [0, 3, 100] {
        let mut buffer = vec![0; capacity];
        let twice = encode(&mut buffer, |mut m| {
            let mut oneof = Oneof::new("M.o");
            m.message::<1>(|mut child| {
                child.once(&mut oneof).uint64::<1>(1);
                child.once(&mut oneof).uint64::<2>(1);
                child.expect(&Required::new("M.late"));
            });
            m.bytes::<2>(&[7; 200]);
        });
        assert_eq!(twice, Err(Error::OneofTwice { oneof: "M.o" }));
        let missing = encode(&mut buffer, |mut m| {
            let mut there = Required::new("M.there");
            m.required(&mut there).bool::<1>(true);
            m.expect(&there);
            m.expect(&Required::new("M.missing"));
        });
        assert_eq!(missing, Err(Error::RequiredMissing { field: "M.missing" }));
    }
}

/// A fault within a nested message that then panics goes with it.
#[test]
fn an_abandoned_message_takes_its_faults_along() {
    let mut buffer = [0; 100];
    let bytes = encode(&mut buffer, |mut m| {
        m.uint64::<1>(1);
        let result = catch_unwind(AssertUnwindSafe(|| {
            m.message::<2>(|mut child| {
                child.expect(&Required::new("M.x"));
                std::panic::resume_unwind(Box::new("abandoned"));
            });
        }));
        assert!(result.is_err());
        m.encoded(&[0x18, 3]);
    });
    assert_eq!(bytes.unwrap(), [0x08, 1, 0x18, 3]);
}

/// Content of any length, in messages of any depth, in a head that just fits.
#[test]
fn an_envelope_is_what_stands_before_its_content() {
    for content in [0, 1, 127, 128, 16_383, 16_384, 3_000_000] {
        for depth in [1, 2, 3, 20] {
            let before = [0x08, 0x96, 0x01];
            let layers = vec![Layer { before: &before[..], field: 16 }; depth];
            let mut head = vec![0; depth * 20];
            let head = envelope(&mut head, &layers, content).unwrap().to_vec();
            let expected = (0..depth).fold(vec![0xee; content as usize], |inside, _| {
                let mut out = before.to_vec();
                naive_varint(u64::from(tag(16, WireType::Len)), &mut out);
                naive_varint(inside.len() as u64, &mut out);
                [out, inside].concat()
            });
            assert!([&head[..], &vec![0xee; content as usize]].concat() == expected, "{content} bytes, {depth} deep");
            let (needed, mut exact, mut small) = (head.len(), vec![0; head.len()], vec![0; head.len() - 1]);
            assert_eq!(envelope(&mut exact, &layers, content).unwrap(), head);
            let capacity = small.len();
            assert_eq!(envelope(&mut small, &layers, content), Err(Error::Overflow { needed, capacity }));
        }
    }
    assert_eq!(envelope(&mut [], &[], 7).unwrap(), []);
    assert!(envelope(&mut [0; 10], &[Layer { before: &[], field: 1 }], u64::MAX).is_err());
    assert_eq!(envelope(&mut [0; 99], &[Layer { before: &[], field: 1 }; 2], u64::MAX).unwrap().len(), 22);
}

#[test]
fn an_abandoned_message_leaves_an_older_fault() {
    let mut buffer = [0; 64];
    let faulty = encode(&mut buffer, |mut m| {
        m.expect(&Required::new("M.older"));
        let result = catch_unwind(AssertUnwindSafe(|| {
            m.message::<2>(|_| std::panic::resume_unwind(Box::new("abandoned")));
        }));
        assert!(result.is_err());
    });
    assert_eq!(faulty, Err(Error::RequiredMissing { field: "M.older" }));
}

/// The length of a packed field is reserved by the number of its elements, and may need a byte more.
#[test]
fn packed_fields_around_each_length_of_a_length() {
    for count in [1, 12, 13, 127, 128, 1638, 1639, 16_383, 16_384, 209_716] {
        for value in [1, 1 << 56, u64::MAX] {
            let values = vec![value; count];
            let body = varints(values.iter().copied());
            let mut expected = vec![0x0a];
            naive_varint(body.len() as u64, &mut expected);
            expected.extend(body);
            expected.extend([0x10, 7]);
            let needed = expected.len();
            for capacity in [needed - 1, needed, needed + 1, needed + 40, needed + count * 10] {
                let mut buffer = vec![0xee; capacity];
                let found = encode(&mut buffer, |mut m| {
                    m.packed_uint64::<1>(&values[..]);
                    m.uint64::<2>(7);
                });
                if capacity < needed {
                    assert_eq!(found, Err(Error::Overflow { needed, capacity }));
                } else {
                    assert!(found.unwrap() == expected, "{count} times {value}, in {capacity} bytes");
                }
            }
        }
    }
}
