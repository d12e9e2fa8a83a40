//! Calls into the wire encoder, and what a naive encoder makes of them.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::slice::Iter;

use arbitrary::Arbitrary;
use pftrace_testkit::naive::Message as Naive;
use pftrace_wire::{Error, Message, encode, iter, zigzag32, zigzag64};

/// What is to be written, and into how large a buffer.
#[derive(Debug, Arbitrary)]
pub struct Calls<'a> {
    /// More room than the message needs.
    slack: u16,
    /// Less.
    lack: u16,
    /// What the buffer held before, again and again.
    old: [u8; 2],
    calls: Vec<Call<'a>>,
}

/// One call. Field numbers are indices into [`NUMBERS`].
#[derive(Debug, Arbitrary)]
enum Call<'a> {
    Int32(u8, i32),
    Int64(u8, i64),
    Uint32(u8, u32),
    Uint64(u8, u64),
    Sint32(u8, i32),
    Sint64(u8, i64),
    Bool(u8, bool),
    Enumeration(u8, i32),
    Fixed32(u8, u32),
    Fixed64(u8, u64),
    Sfixed32(u8, i32),
    Sfixed64(u8, i64),
    Float(u8, f32),
    Double(u8, f64),
    Text(u8, &'a str),
    Bytes(u8, &'a [u8]),
    /// More bytes than the fuzzer likes to give.
    Long(u8, u16),
    TextParts(u8, Vec<&'a str>),
    BytesParts(u8, Vec<&'a [u8]>),
    PackedUint64(u8, Vec<u64>),
    PackedSint32(u8, Vec<i32>),
    PackedBool(u8, Vec<bool>),
    PackedDouble(u8, Vec<f64>),
    /// Fields up to the matching `Close` are those of a nested message.
    Open(u8),
    /// The same, as an element of a repeated field.
    OpenElement(u8),
    /// As `Open`, and a panic in it is caught by its parent.
    OpenGuarded(u8),
    OpenGroup(u8),
    OpenGroupGuarded(u8),
    Close,
    /// Panics, where a parent catches it.
    Panic,
    /// A field that is encoded already.
    Encoded(u8, u64),
}

/// Field numbers on both sides of each length of a tag.
const NUMBERS: [u32; 8] = [1, 15, 16, 2047, 2048, 262_144, 33_554_432, 536_870_911];

fn number(index: u8) -> u32 {
    NUMBERS[usize::from(index) % NUMBERS.len()]
}

/// Calls `m.method::<NUMBER>(value)` for a number only known at run time.
macro_rules! with_number {
    ($index:expr, $m:ident.$method:ident($value:expr)) => {
        match number(*$index) {
            1 => $m.$method::<1>($value),
            15 => $m.$method::<15>($value),
            16 => $m.$method::<16>($value),
            2047 => $m.$method::<2047>($value),
            2048 => $m.$method::<2048>($value),
            262_144 => $m.$method::<262_144>($value),
            33_554_432 => $m.$method::<33_554_432>($value),
            _ => $m.$method::<536_870_911>($value),
        }
    };
}

/// A panic that no hook hears of.
#[derive(Debug)]
struct Abandoned;

/// Where in the tree a call is.
#[derive(Clone, Copy)]
struct Inside {
    /// A parent catches panics.
    guarded: bool,
    depth: u32,
}

/// Deeper messages are not opened: the fuzzer's stack frames are large.
const DEEPEST: u32 = 100;

impl Inside {
    const ROOT: Self = Self { guarded: false, depth: 0 };

    fn deeper(self) -> Option<Self> {
        (self.depth < DEEPEST).then_some(Self { depth: self.depth + 1, ..self })
    }

    fn guarded(self) -> Option<Self> {
        self.deeper().map(|inside| Self { guarded: true, ..inside })
    }
}

fn write(m: &mut Message<'_>, calls: &mut Iter<'_, Call<'_>>, inside: Inside) {
    while let Some(call) = calls.next() {
        match call {
            Call::Int32(n, v) => with_number!(n, m.int32(*v)),
            Call::Int64(n, v) => with_number!(n, m.int64(*v)),
            Call::Uint32(n, v) => with_number!(n, m.uint32(*v)),
            Call::Uint64(n, v) => with_number!(n, m.uint64(*v)),
            Call::Sint32(n, v) => with_number!(n, m.sint32(*v)),
            Call::Sint64(n, v) => with_number!(n, m.sint64(*v)),
            Call::Bool(n, v) => with_number!(n, m.bool(*v)),
            Call::Enumeration(n, v) => with_number!(n, m.enumeration(*v)),
            Call::Fixed32(n, v) => with_number!(n, m.fixed32(*v)),
            Call::Fixed64(n, v) => with_number!(n, m.fixed64(*v)),
            Call::Sfixed32(n, v) => with_number!(n, m.sfixed32(*v)),
            Call::Sfixed64(n, v) => with_number!(n, m.sfixed64(*v)),
            Call::Float(n, v) => with_number!(n, m.float(*v)),
            Call::Double(n, v) => with_number!(n, m.double(*v)),
            Call::Text(n, v) => with_number!(n, m.string(v)),
            Call::Bytes(n, v) => with_number!(n, m.bytes(v)),
            Call::Long(n, len) => with_number!(n, m.bytes(&vec![7; usize::from(*len)])),
            Call::TextParts(n, v) => {
                with_number!(n, m.string_parts(|mut text| v.iter().for_each(|part| text.push(part))))
            }
            Call::BytesParts(n, v) => {
                with_number!(n, m.bytes_parts(|mut bytes| v.iter().for_each(|part| bytes.push(part))));
            }
            Call::PackedUint64(n, v) => with_number!(n, m.packed_uint64(&v[..])),
            Call::PackedSint32(n, v) => with_number!(n, m.packed_sint32(iter(v.iter().copied()))),
            Call::PackedBool(n, v) => with_number!(n, m.packed_bool(&v[..])),
            Call::PackedDouble(n, v) => with_number!(n, m.packed_double(&v[..])),
            Call::Open(n) => {
                if let Some(inside) = inside.deeper() {
                    with_number!(n, m.message(|mut child| write(&mut child, calls, inside)));
                }
            }
            Call::OpenElement(n) => {
                if let Some(inside) = inside.deeper() {
                    with_number!(n, m.element(|mut child| write(&mut child, calls, inside)));
                }
            }
            Call::OpenGroup(n) => {
                if let Some(inside) = inside.deeper() {
                    with_number!(n, m.group(|mut child| write(&mut child, calls, inside)));
                }
            }
            Call::OpenGuarded(n) => {
                if let Some(inside) = inside.guarded() {
                    guard(|| with_number!(n, m.message(|mut child| write(&mut child, calls, inside))));
                }
            }
            Call::OpenGroupGuarded(n) => {
                if let Some(inside) = inside.guarded() {
                    guard(|| with_number!(n, m.group(|mut child| write(&mut child, calls, inside))));
                }
            }
            Call::Close => return,
            Call::Panic if inside.guarded => resume_unwind(Box::new(Abandoned)),
            Call::Panic => {}
            Call::Encoded(n, v) => m.encoded(&Naive::new().varint(number(*n), *v).into_bytes()),
        }
    }
}

fn guard(f: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(f))
        && !panic.is::<Abandoned>()
    {
        resume_unwind(panic);
    }
}

/// The same naively: the fields of one message, or that they were abandoned.
fn naive(calls: &mut Iter<'_, Call<'_>>, inside: Inside) -> Result<Vec<u8>, Abandoned> {
    let mut out = Vec::new();
    while let Some(call) = calls.next() {
        let field = Naive::new();
        let field = match call {
            Call::Int32(n, v) | Call::Enumeration(n, v) => field.varint(number(*n), i64::from(*v) as u64),
            Call::Int64(n, v) => field.varint(number(*n), *v as u64),
            Call::Uint32(n, v) => field.varint(number(*n), u64::from(*v)),
            Call::Uint64(n, v) | Call::Encoded(n, v) => field.varint(number(*n), *v),
            Call::Sint32(n, v) => field.varint(number(*n), u64::from(zigzag32(*v))),
            Call::Sint64(n, v) => field.varint(number(*n), zigzag64(*v)),
            Call::Bool(n, v) => field.varint(number(*n), u64::from(*v)),
            Call::Fixed32(n, v) => field.fixed32(number(*n), *v),
            Call::Fixed64(n, v) => field.fixed64(number(*n), *v),
            Call::Sfixed32(n, v) => field.fixed32(number(*n), *v as u32),
            Call::Sfixed64(n, v) => field.fixed64(number(*n), *v as u64),
            Call::Float(n, v) => field.fixed32(number(*n), v.to_bits()),
            Call::Double(n, v) => field.fixed64(number(*n), v.to_bits()),
            Call::Text(n, v) => field.bytes(number(*n), v),
            Call::Bytes(n, v) => field.bytes(number(*n), v),
            Call::Long(n, len) => field.bytes(number(*n), vec![7; usize::from(*len)]),
            Call::TextParts(n, v) => field.bytes(number(*n), v.concat()),
            Call::BytesParts(n, v) => field.bytes(number(*n), v.concat()),
            Call::PackedUint64(n, v) => packed(*n, v, |v| varint(*v)),
            Call::PackedSint32(n, v) => packed(*n, v, |v| varint(u64::from(zigzag32(*v)))),
            Call::PackedBool(n, v) => packed(*n, v, |v| varint(u64::from(*v))),
            Call::PackedDouble(n, v) => packed(*n, v, |v| v.to_le_bytes().into()),
            Call::Open(n) | Call::OpenElement(n) => match inside.deeper() {
                Some(inside) => field.bytes(number(*n), naive(calls, inside)?),
                None => field,
            },
            Call::OpenGroup(n) => {
                if let Some(inside) = inside.deeper() {
                    out.extend(group(*n, naive(calls, inside)?));
                }
                field
            }
            Call::OpenGuarded(n) => match inside.guarded().map(|inside| naive(calls, inside)) {
                Some(Ok(body)) => field.bytes(number(*n), body),
                Some(Err(Abandoned)) | None => field,
            },
            Call::OpenGroupGuarded(n) => {
                if let Some(Ok(body)) = inside.guarded().map(|inside| naive(calls, inside)) {
                    out.extend(group(*n, body));
                }
                field
            }
            Call::Close => break,
            Call::Panic if inside.guarded => return Err(Abandoned),
            Call::Panic => field,
        };
        out.extend(field.into_bytes());
    }
    Ok(out)
}

fn packed<T>(n: u8, values: &[T], one: impl Fn(&T) -> Vec<u8>) -> Naive {
    match values {
        [] => Naive::new(),
        values => Naive::new().bytes(number(n), values.iter().flat_map(one).collect::<Vec<_>>()),
    }
}

fn group(n: u8, body: Vec<u8>) -> Vec<u8> {
    let tag = |wire_type| varint(u64::from(number(n)) << 3 | wire_type);
    [tag(3), body, tag(4)].concat()
}

/// What a field of a number has behind its tag of one byte.
fn varint(value: u64) -> Vec<u8> {
    Naive::new().varint(1, value).into_bytes().split_off(1)
}

impl Calls<'_> {
    /// Writes them into buffers of several sizes.
    ///
    /// # Panics
    ///
    /// When it is not what the naive encoder writes.
    pub fn check(&self) {
        // Nothing panics where nobody catches it.
        let expected = naive(&mut self.calls.iter(), Inside::ROOT).unwrap_or_default();
        let exact = expected.len();
        for capacity in [exact, exact + usize::from(self.slack), exact + usize::from(self.slack) % 64, exact + 4096] {
            // Over itself, guesses are right; over anything else, wrong.
            for old in [&self.old[..], &expected] {
                assert_eq!(self.encode_over(old, capacity), Ok(expected.clone()), "capacity {capacity}");
            }
        }
        for capacity in [exact.checked_sub(1), exact.checked_sub(1 + usize::from(self.lack) % exact.max(1)), Some(0)] {
            let Some(capacity) = capacity.filter(|capacity| *capacity < exact) else { continue };
            assert_eq!(self.encode_over(&self.old, capacity), Err(Error::Overflow { needed: exact, capacity }));
        }
    }

    /// Encodes into the middle of a larger buffer, whose margins must stay as they are, over `old` again and again.
    fn encode_over(&self, old: &[u8], capacity: usize) -> Result<Vec<u8>, Error> {
        const MARGIN: usize = 16;
        let mut memory = vec![0xa5; MARGIN + capacity + MARGIN];
        let buffer = &mut memory[MARGIN..MARGIN + capacity];
        buffer.iter_mut().zip(old.iter().cycle()).for_each(|(byte, old)| *byte = *old);
        let result =
            encode(buffer, |mut m| write(&mut m, &mut self.calls.iter(), Inside::ROOT)).map(|bytes| bytes.to_vec());
        let mut margins = memory[..MARGIN].iter().chain(&memory[MARGIN + capacity..]);
        assert!(margins.all(|byte| *byte == 0xa5), "written outside of the buffer");
        result
    }
}
