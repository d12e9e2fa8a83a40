//! Judging all messages of a schema.

pub(crate) mod google;
pub(crate) mod random;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use pftrace_transcode::Schema;
use prost_reflect::prost::Message as _;
use prost_reflect::prost_types::FileDescriptorSet;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, ReflectMessage, Value};

use self::google::{Runtime, Sample, reserialize};
use self::random::{EXTREMES, Maker, Random, members};

/// Each field of each message with each of its extreme values, and `rounds` messages of random fields of each type: written
/// by the generated writers, they are what the reference encoder writes, and three decoders read in them what they read
/// in what was given.
///
/// `original` are the descriptors that the schema was made of, for the judges.
pub(crate) fn judge_all(schema: &Schema, original: &Path, rounds: usize) {
    let pool = schema.pool().unwrap();
    let mut maker = Maker { random: Random(7), strange_enum: false };
    let mut samples = Vec::new();
    let mut strange = Vec::new();
    let mut fields = 0;
    for name in schema.names() {
        let message = pool.get_message_by_name(name).unwrap();
        let mut add = |bytes, maker: &Maker| {
            samples.push(Sample { name: name.to_owned(), bytes });
            strange.push(maker.strange_enum);
        };
        for member in members(&message) {
            fields += 1;
            for extreme in 0..EXTREMES {
                add(maker.single(&message, &member, extreme), &maker);
            }
        }
        for _ in 0..rounds {
            add(maker.any(&message), &maker);
        }
    }
    assert_eq!(fields, schema.setters(), "each field has a setter, and each setter a field");
    let written = judge(schema, original, &samples, &strange);
    let missed = not_covered(schema, &written);
    assert!(missed.is_empty(), "never written: {missed:#?}");
    eprintln!("{} messages, {} types, {fields} fields", samples.len(), schema.names().len());
}

/// Judges single messages; returns what was written. `strange` ones have a number that its enum does not have: if that is
/// closed, the reference moves it to the unknown fields, so what is compared is what the reference makes of each.
pub(crate) fn judge(schema: &Schema, original: &Path, samples: &[Sample], strange: &[bool]) -> Vec<Sample> {
    let written = samples.iter().map(|Sample { name, bytes }| {
        let bytes = schema.transcode(bytes, name).unwrap_or_else(|error| panic!("{name}: {error}: {bytes:02x?}"));
        Sample { name: name.clone(), bytes }
    });
    let written: Vec<_> = written.collect();
    let plain = Google::ask(Runtime::Plain, original, samples, &written);
    let upb = Google::ask(Runtime::Upb, original, samples, &written);
    let other = other_pool(original);
    for (index, (given, written)) in samples.iter().zip(&written).enumerate() {
        let told = |what: &str| {
            let show = |bytes: &[u8]| format!("{:02x?}", &bytes[..bytes.len().min(2_000)]);
            format!("{}: {what}\ngiven:   {}\nwritten: {}", given.name, show(&given.bytes), show(&written.bytes))
        };
        if let Some(plain) = &plain {
            let reference = plain.of_given[index].as_ref().unwrap_or_else(|error| panic!("{}", told(error)));
            if reference != &written.bytes {
                assert!(strange[index], "{}", told(&format!("the reference wrote\n         {reference:02x?}")));
                assert_eq!(Ok(reference), plain.of_written[index].as_ref(), "{}", told("the reference reads another"));
            }
        }
        if let Some(upb) = &upb {
            assert_eq!(upb.of_given[index], upb.of_written[index], "{}", told("upb reads another"));
            assert!(upb.of_given[index].is_ok(), "{}", told("upb"));
        }
        if let Some(pool) = &other {
            let read = |bytes: &[u8]| {
                let descriptor = pool.get_message_by_name(&given.name).unwrap();
                DynamicMessage::decode(descriptor, bytes).unwrap_or_else(|error| panic!("{}", told(&error.to_string())))
            };
            assert!(same(&read(&given.bytes), &read(&written.bytes)), "{}", told("prost-reflect reads another"));
        }
    }
    written
}

/// What one of Google's runtimes makes of what was given, and of what was written.
struct Google {
    of_given: Vec<Result<Vec<u8>, String>>,
    of_written: Vec<Result<Vec<u8>, String>>,
}

impl Google {
    fn ask(runtime: Runtime, original: &Path, given: &[Sample], written: &[Sample]) -> Option<Self> {
        let both = given.iter().chain(written).map(|sample| (sample.name.as_str(), &sample.bytes[..]));
        let mut of_given = reserialize(runtime, original, both)?;
        let of_written = of_given.split_off(given.len());
        Some(Self { of_given, of_written })
    }
}

/// prost-reflect with the descriptors as they were; it does not know editions.
fn other_pool(original: &Path) -> Option<DescriptorPool> {
    let set = FileDescriptorSet::decode(&std::fs::read(original).unwrap()[..]).unwrap();
    let editions = set.file.iter().any(|file| file.syntax() == "editions");
    (!editions).then(|| DescriptorPool::from_file_descriptor_set(set).unwrap())
}

/// Bit by bit, so that a NaN is itself.
fn same(a: &DynamicMessage, b: &DynamicMessage) -> bool {
    fn set(message: &DynamicMessage) -> BTreeMap<u32, &Value> {
        let extensions = message.extensions().map(|(extension, value)| (extension.number(), value));
        message.fields().map(|(field, value)| (field.number(), value)).chain(extensions).collect()
    }
    fn unknown(message: &DynamicMessage) -> Vec<Vec<u8>> {
        let encoded = message.unknown_fields().map(|field| {
            let mut bytes = Vec::new();
            field.encode(&mut bytes);
            bytes
        });
        let mut encoded: Vec<_> = encoded.collect();
        // The items of a message set come sorted.
        encoded.sort();
        encoded
    }
    let (left, right) = (set(a), set(b));
    left.keys().eq(right.keys()) && left.values().zip(right.values()).all(|(a, b)| same_value(a, b)) && {
        random::is_message_set(&a.descriptor()) || unknown(a) == unknown(b)
    }
}

fn same_value(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Message(a), Value::Message(b)) => same(a, b),
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_value(a, b)),
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same_value(a, b)))
        }
        (Value::F32(a), Value::F32(b)) => a.to_bits() == b.to_bits(),
        (Value::F64(a), Value::F64(b)) => a.to_bits() == b.to_bits(),
        (a, b) => a == b,
    }
}

/// The fields and extensions that are in none of the messages.
fn not_covered(schema: &Schema, written: &[Sample]) -> BTreeSet<String> {
    let pool = schema.pool().unwrap();
    let types = schema.names().map(|name| pool.get_message_by_name(name).unwrap());
    let mut missed: BTreeSet<_> =
        types.flat_map(|ty| members(&ty).into_iter().map(move |m| (ty.clone(), m.number))).map(label).collect();
    for Sample { name, bytes } in written {
        cover(&pool.get_message_by_name(name).unwrap(), bytes, &mut missed);
    }
    missed
}

fn label((ty, number): (MessageDescriptor, u32)) -> String {
    format!("{} {number}", ty.full_name())
}

/// Only at the top: each field is there once as the only one.
fn cover(ty: &MessageDescriptor, bytes: &[u8], missed: &mut BTreeSet<String>) {
    let message = DynamicMessage::decode(ty.clone(), bytes).unwrap();
    let extensions = message.extensions().map(|(extension, _)| extension.number());
    for number in message.fields().map(|(field, _)| field.number()).chain(extensions) {
        missed.remove(&label((ty.clone(), number)));
    }
    if random::is_message_set(ty) {
        // Each item begins: start group 1, type id (2).
        for extension in ty.extensions() {
            let mut head = vec![0x0b];
            random::field(&mut head, 2, 0, &random::varint(u64::from(extension.number())));
            if bytes.starts_with(&head) {
                missed.remove(&label((ty.clone(), extension.number())));
            }
        }
    }
}
