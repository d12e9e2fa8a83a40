//! Messages of any type, encoded in ways that an encoder of ours never would: fields in any order, defaults written out,
//! packed where they are not, and not where they are.

use std::collections::{BTreeMap, HashSet};

use prost_reflect::{ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor};

/// A small generator of numbers, the same on each run: splitmix64.
#[derive(Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ x >> 31
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.below(end + 1));
        }
    }
}

/// A field or an extension.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) number: u32,
    kind: Kind,
    group: bool,
    list: bool,
    map: bool,
    packable: bool,
    required: bool,
    oneof: Option<String>,
}

impl From<FieldDescriptor> for Member {
    fn from(field: FieldDescriptor) -> Self {
        Self {
            number: field.number(),
            kind: field.kind(),
            group: field.is_group(),
            list: field.is_list(),
            map: field.is_map(),
            packable: field.is_list() && packable(&field.kind()),
            required: field.cardinality() == prost_reflect::Cardinality::Required,
            oneof: field.containing_oneof().map(|oneof| oneof.name().to_owned()),
        }
    }
}

impl From<ExtensionDescriptor> for Member {
    fn from(field: ExtensionDescriptor) -> Self {
        Self {
            number: field.number(),
            kind: field.kind(),
            group: field.is_group(),
            list: field.is_list(),
            map: field.is_map(),
            packable: field.is_list() && packable(&field.kind()),
            required: false,
            oneof: None,
        }
    }
}

fn packable(kind: &Kind) -> bool {
    !matches!(kind, Kind::String | Kind::Bytes | Kind::Message(_))
}

/// All fields and extensions of a message, by number.
pub(crate) fn members(message: &MessageDescriptor) -> Vec<Member> {
    let all = message.fields().map(Member::from).chain(message.extensions().map(Member::from));
    let by_number: BTreeMap<_, _> = all.map(|member| (member.number, member)).collect();
    by_number.into_values().collect()
}

pub(crate) fn is_message_set(message: &MessageDescriptor) -> bool {
    let options = message.options();
    options.get_field_by_name("message_set_wire_format").is_some_and(|value| value.as_bool() == Some(true))
}

/// Makes messages.
#[derive(Debug)]
pub(crate) struct Maker {
    pub(crate) random: Random,
    /// Whether a number has been used that its enum does not have. At most one is, in a message and all in it, since it may
    /// come out as an unknown field, of which only the order says where it was.
    pub(crate) strange_enum: bool,
}

/// How many extreme values there are of the kind that has most.
pub(crate) const EXTREMES: usize = 12;

const DEEPEST: usize = 4;

impl Maker {
    /// A message of one field and what is required; the value is the extreme of that number.
    pub(crate) fn single(&mut self, message: &MessageDescriptor, member: &Member, extreme: usize) -> Vec<u8> {
        self.strange_enum = false;
        let all = members(message);
        let required = all.iter().filter(|other| other.required && other.number != member.number);
        let mut out = Vec::new();
        for other in required {
            self.member(message, other, 1, DEEPEST, &mut out);
        }
        self.member(message, member, extreme, DEEPEST - 1, &mut out);
        out
    }

    /// Any fields, with any values, and fields that the type does not have.
    pub(crate) fn any(&mut self, message: &MessageDescriptor) -> Vec<u8> {
        self.strange_enum = false;
        self.message(message, 0)
    }

    fn message(&mut self, message: &MessageDescriptor, depth: usize) -> Vec<u8> {
        let mut all = members(message);
        self.random.shuffle(&mut all);
        let most = if depth >= DEEPEST { 0 } else { 1 + self.random.below(12 >> depth) };
        let mut oneofs = HashSet::new();
        let mut chosen = 0;
        let mut out = Vec::new();
        for member in &all {
            if !member.required && chosen >= most {
                continue;
            }
            if member.oneof.as_ref().is_none_or(|oneof| oneofs.insert(oneof.clone())) {
                chosen += 1;
                let extreme = self.random.below(EXTREMES);
                self.member(message, member, extreme, depth, &mut out);
            }
        }
        if depth < DEEPEST && !is_message_set(message) && self.random.below(4) == 0 {
            self.unknown(message, &mut out);
        }
        out
    }

    /// In the order of their numbers, which is all that the decoder remembers.
    fn unknown(&mut self, message: &MessageDescriptor, out: &mut Vec<u8>) {
        let numbers = [15, 2000, 18_999, 20_000, 3_000_001, 536_870_910];
        for number in
            numbers.into_iter().filter(|&n| message.get_field(n).is_none() && message.get_extension(n).is_none())
        {
            match self.random.below(8) {
                0 => field(out, number, 0, &varint(u64::MAX - 5)),
                1 => field(out, number, 1, &[1, 2, 3, 4, 5, 6, 7, 8]),
                2 => field(out, number, 2, &delimited(&[0xff; 200])),
                3 => {
                    field(out, number, 3, &[0x08, 0x05, 0x13, 0x14, 0x3a, 0x01, 0x00]);
                    field(out, number, 4, &[]);
                }
                4 => field(out, number, 5, &[1, 2, 3, 4]),
                _ => {}
            }
        }
    }

    fn member(&mut self, of: &MessageDescriptor, member: &Member, extreme: usize, depth: usize, out: &mut Vec<u8>) {
        if is_message_set(of) {
            let Kind::Message(kind) = &member.kind else { panic!("{}: {member:?}", of.full_name()) };
            let content = self.message(kind, depth + 1);
            let mut item = Vec::new();
            field(&mut item, 2, 0, &varint(u64::from(member.number)));
            field(&mut item, 3, 2, &delimited(&content));
            field(out, 1, 3, &item);
            return field(out, 1, 4, &[]);
        }
        if member.map {
            return self.map(member, extreme, depth, out);
        }
        if !member.list {
            return self.value(member.number, &member.kind, member.group, extreme, depth, out);
        }
        let len = 1 + extreme % 4;
        if member.packable && self.random.below(3) > 0 {
            let mut elements = Vec::new();
            for at in 0..len {
                elements.extend(self.scalar(&member.kind, extreme + at).1);
            }
            return field(out, member.number, 2, &delimited(&elements));
        }
        for at in 0..len {
            self.value(member.number, &member.kind, member.group, extreme + at, depth, out);
        }
    }

    /// Two entries, or three.
    fn map(&mut self, member: &Member, extreme: usize, depth: usize, out: &mut Vec<u8>) {
        let Kind::Message(entry) = &member.kind else { panic!("{member:?}") };
        let value = Member::from(entry.map_entry_value_field());
        let mut seen = HashSet::new();
        for at in 0..2 + extreme % 2 {
            let key = self.scalar(&entry.map_entry_key_field().kind(), extreme + at);
            if !seen.insert(key.clone()) {
                continue;
            }
            let mut content = Vec::new();
            field(&mut content, 1, key.0, &key.1);
            self.value(2, &value.kind, value.group, extreme + at, depth, &mut content);
            field(out, member.number, 2, &delimited(&content));
        }
    }

    fn value(&mut self, number: u32, kind: &Kind, group: bool, extreme: usize, depth: usize, out: &mut Vec<u8>) {
        let Kind::Message(message) = kind else {
            let (wire_type, value) = self.scalar(kind, extreme);
            return field(out, number, wire_type, &value);
        };
        let content = self.message(message, depth + 1);
        if group {
            field(out, number, 3, &content);
            field(out, number, 4, &[]);
        } else {
            field(out, number, 2, &delimited(&content));
        }
    }

    /// The wire type and the encoded value.
    fn scalar(&mut self, kind: &Kind, extreme: usize) -> (u8, Vec<u8>) {
        const SIGNED: [i64; 12] =
            [0, 1, -1, i64::MIN, i64::MAX, 127, 128, -64, -65, 16_383, 16_384, 0x1234_5678_9abc_def0];
        const UNSIGNED: [u64; 12] =
            [0, 1, u64::MAX, 1 << 63, 126, 127, 128, 16_383, 16_384, 1 << 42, 0xffff_ffff, 0x8000_0001];
        const SIGNED_32: [i32; 12] = [0, 1, -1, i32::MIN, i32::MAX, 127, 128, -64, -65, 16_383, 16_384, 0x1234_5678];
        const UNSIGNED_32: [u32; 12] =
            [0, 1, u32::MAX, 1 << 31, 126, 127, 128, 16_383, 16_384, 1 << 21, 0x0fff_ffff, 0x8000_0001];
        const DOUBLES: [f64; 12] = [
            0.0,
            1.5,
            -0.0,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::MIN,
            f64::MAX,
            f64::MIN_POSITIVE,
            f64::EPSILON,
            5e-324,
            -1.0,
        ];
        const FLOATS: [f32; 12] = [
            0.0,
            1.5,
            -0.0,
            f32::NAN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            f32::MIN,
            f32::MAX,
            f32::MIN_POSITIVE,
            f32::EPSILON,
            1e-45,
            -1.0,
        ];
        let at = extreme % EXTREMES;
        let zigzag = |value: i64| (value << 1 ^ value >> 63) as u64;
        match kind {
            Kind::Int32 => (0, varint(i64::from(SIGNED_32[at]) as u64)),
            Kind::Int64 => (0, varint(SIGNED[at] as u64)),
            Kind::Uint32 => (0, varint(u64::from(UNSIGNED_32[at]))),
            Kind::Uint64 => (0, varint(UNSIGNED[at])),
            Kind::Sint32 => (0, varint(zigzag(i64::from(SIGNED_32[at])) & 0xffff_ffff)),
            Kind::Sint64 => (0, varint(zigzag(SIGNED[at]))),
            Kind::Bool => (0, varint(extreme as u64 % 2)),
            Kind::Fixed32 => (5, UNSIGNED_32[at].to_le_bytes().into()),
            Kind::Sfixed32 => (5, SIGNED_32[at].to_le_bytes().into()),
            Kind::Float => (5, FLOATS[at].to_le_bytes().into()),
            Kind::Fixed64 => (1, UNSIGNED[at].to_le_bytes().into()),
            Kind::Sfixed64 => (1, SIGNED[at].to_le_bytes().into()),
            Kind::Double => (1, DOUBLES[at].to_le_bytes().into()),
            Kind::String => (2, delimited(self.text(at).as_bytes())),
            Kind::Bytes if at == 2 => (2, delimited(&[0, 0xff, 0x80, 0xfe])),
            Kind::Bytes => (2, delimited(self.text(at).as_bytes())),
            Kind::Enum(kind) => {
                let values: Vec<_> = kind.values().map(|value| value.number()).collect();
                let strange = [i32::MIN, i32::MAX, -1, 77_777][at % 4];
                let declared = values.contains(&strange);
                let number = if at % 3 == 0 && (declared || !self.strange_enum) {
                    self.strange_enum |= !declared;
                    strange
                } else {
                    values[extreme % values.len()]
                };
                (0, varint(i64::from(number) as u64))
            }
            Kind::Message(message) => panic!("{}: no scalar", message.full_name()),
        }
    }

    /// Texts of lengths where their length becomes longer; the long ones not always.
    fn text(&mut self, at: usize) -> String {
        match at {
            0 => String::new(),
            2 => "ünï\0cödé \u{10ffff}🦀".to_owned(),
            3 => "x".repeat(127),
            4 => "y".repeat(128),
            5 if self.random.below(16) == 0 => "z".repeat(16_383),
            6 if self.random.below(16) == 0 => "w".repeat(16_384),
            _ => format!("text {at}"),
        }
    }
}

pub(crate) fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

pub(crate) fn delimited(bytes: &[u8]) -> Vec<u8> {
    [varint(bytes.len() as u64), bytes.to_vec()].concat()
}

pub(crate) fn field(out: &mut Vec<u8>, number: u32, wire_type: u8, value: &[u8]) {
    out.extend(varint(u64::from(number) << 3 | u64::from(wire_type)));
    out.extend(value);
}
