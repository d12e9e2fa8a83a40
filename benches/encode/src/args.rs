//! The plain arguments that every contender encodes.

/// M1: a packet in which a slice begins.
#[derive(Debug)]
pub struct Slice {
    pub timestamp: u64,
    pub sequence: u32,
    pub flags: u32,
    pub track: u64,
    pub category: u64,
    pub name: u64,
}

/// M2: M1 with four annotations: a number, a double, a text, and a dictionary of a number and a text.
#[derive(Debug)]
pub struct Annotated {
    pub slice: Slice,
    pub names: [u64; 6],
    pub count: u64,
    pub ratio: f64,
    pub text: &'static str,
    pub offset: i64,
    pub label: &'static str,
}

/// M3: a packet that interns categories and names, numbered from 1.
#[derive(Debug)]
pub struct Interned {
    pub sequence: u32,
    pub flags: u32,
    pub categories: Vec<String>,
    pub names: Vec<String>,
}

/// M4: a packet that describes a track, its process and its thread.
#[derive(Debug)]
pub struct Track {
    pub timestamp: u64,
    pub sequence: u32,
    pub uuid: u64,
    pub parent: u64,
    pub name: &'static str,
    pub pid: i32,
    pub process: &'static str,
    pub tid: i64,
    pub thread: &'static str,
}

/// M5: many small messages of varints.
#[derive(Debug)]
pub struct Points {
    pub points: Vec<(i32, i32, u64)>,
}

/// M6: texts, packed varints, packed doubles, bytes.
#[derive(Debug)]
pub struct Mixed {
    pub texts: Vec<String>,
    pub ids: Vec<u64>,
    pub weights: Vec<f64>,
    pub blob: Vec<u8>,
}

/// A chain of nested messages, the outermost first.
#[derive(Debug)]
pub struct Chain {
    pub values: Vec<u64>,
}

/// Perfetto's own workload: protozero_benchmark.cc.
#[derive(Debug)]
pub struct EveryField {
    pub int32: i32,
    pub uint32: u32,
    pub int64: i64,
    pub uint64: u64,
    pub string: &'static str,
}

/// How deep Perfetto nests it: the outermost and three more.
pub const NESTED: usize = 4;

/// The arguments of everything.
#[derive(Debug)]
pub struct Args {
    pub slice: Slice,
    pub annotated: Annotated,
    pub interned: Interned,
    pub track: Track,
    pub points: Points,
    pub mixed: Mixed,
    /// Many, so that no branch predictor learns their lengths by heart.
    pub packed: Vec<Mixed>,
    pub chain: Chain,
    pub every: EveryField,
}

impl Args {
    /// The same ones each time.
    #[must_use]
    pub fn new() -> Self {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let text = |prefix: &str, i: usize| format!("{prefix}_{}_{i:02}", &"abcdefghijklmnopq"[..3 + i * 7 % 13]);
        Self {
            slice: slice(),
            annotated: Annotated {
                slice: slice(),
                names: [1, 2, 3, 4, 5, 6],
                count: 300,
                ratio: 0.125,
                text: "/assets/1",
                offset: 4711,
                label: "main",
            },
            interned: Interned {
                sequence: 7,
                flags: 3,
                categories: (0..20).map(|i| text("cat", i)).collect(),
                names: (0..20).map(|i| text("name", i)).collect(),
            },
            track: Track {
                timestamp: 1_234_567_890_123,
                sequence: 7,
                uuid: 0x5a5a_1234_5678_9abc,
                parent: 0x3c3c_1234_5678_9abc,
                name: "rendering1",
                pid: 12_345,
                process: "benchmark-process",
                tid: 23_456,
                thread: "render-worker",
            },
            points: Points {
                points: (0..100)
                    .map(|_| (random.bits(7, 27) as i32, random.bits(7, 20) as i32 - 1000, random.bits(14, 35)))
                    .collect(),
            },
            mixed: Mixed {
                texts: (0..10).map(|i| format!("a text of about thirty bytes {i}")).collect(),
                ids: (0..1000).map(|_| random.bits(1, 49)).collect(),
                weights: (0..100).map(|i| f64::from(i) / 3.0).collect(),
                blob: (0..512).map(|i| i as u8).collect(),
            },
            packed: (0..64)
                .map(|_| Mixed {
                    texts: vec![],
                    ids: (0..1000).map(|_| random.bits(1, 64)).collect(),
                    weights: vec![],
                    blob: vec![],
                })
                .collect(),
            chain: Chain { values: (0..64).map(|i| 1000 + i).collect() },
            every: EveryField {
                int32: 0x1234_5678,
                uint32: 0x90ab_cdef,
                int64: 0x1111_1111,
                uint64: 0xffff_ffff,
                string: "fffffffffffffffffffffffffffffff",
            },
        }
    }
}

impl Default for Args {
    fn default() -> Self {
        Self::new()
    }
}

fn slice() -> Slice {
    Slice { timestamp: 1_234_567_890_123, sequence: 7, flags: 2, track: 0x5a5a_1234_5678_9abc, category: 3, name: 517 }
}

/// xorshift64.
struct Random(u64);

impl Random {
    /// A number whose length in bits is anything from `min` to `max`, each as likely.
    fn bits(&mut self, min: u32, max: u32) -> u64 {
        let bits = min + (self.next() % u64::from(max - min + 1)) as u32;
        self.next() >> (64 - bits) | 1 << (bits - 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}
