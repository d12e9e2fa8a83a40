//! Forward. A nested message has one byte reserved for its length; when that is too short its body is moved.

use std::ptr;

use crate::args::{self, NESTED};
use crate::contender::Contender;

/// A hand-written forward encoder.
#[derive(Debug)]
pub struct Forward {
    buffer: Vec<u8>,
}

impl Default for Forward {
    fn default() -> Self {
        Self { buffer: vec![0; 16 << 10] }
    }
}

/// More than any message here takes without its texts, packed fields and elements.
const FIXED: usize = 256;

impl Forward {
    #[inline]
    fn write(&mut self, needed: usize, f: impl FnOnce(&mut Raw)) -> &[u8] {
        assert!(self.buffer.len() >= needed);
        let start = self.buffer.as_mut_ptr();
        let mut raw = Raw { cur: start };
        f(&mut raw);
        let len = raw.cur.addr() - start.addr();
        &self.buffer[..len]
    }
}

impl Contender for Forward {
    const NAME: &'static str = "hand, forward";

    fn slice(&mut self, a: &args::Slice) -> &[u8] {
        self.write(FIXED, |raw| slice(raw, a, |_| {}))
    }

    fn annotated(&mut self, a: &args::Annotated) -> &[u8] {
        self.write(FIXED + a.text.len() + a.label.len(), |raw| {
            slice(raw, &a.slice, |raw| {
                raw.short([0x22], |raw| raw.bytes([0x08]).varint(a.names[0]).bytes([0x18]).varint(a.count));
                raw.short([0x22], |raw| {
                    raw.bytes([0x08]).varint(a.names[1]).bytes([0x29]).bytes(a.ratio.to_le_bytes())
                });
                raw.short([0x22], |raw| raw.bytes([0x08]).varint(a.names[2]).bytes([0x32]).text(a.text.as_bytes()));
                raw.short([0x22], |raw| {
                    raw.bytes([0x08]).varint(a.names[3]);
                    raw.short([0x5a], |raw| raw.bytes([0x08]).varint(a.names[4]).bytes([0x20]).varint(a.offset as u64));
                    raw.short([0x5a], |raw| raw.bytes([0x08]).varint(a.names[5]).bytes([0x32]).text(a.label.as_bytes()))
                });
            });
        })
    }

    fn interned(&mut self, a: &args::Interned) -> &[u8] {
        let texts = a.categories.iter().chain(&a.names).map(|text| text.len() + 32).sum::<usize>();
        self.write(FIXED + texts, |raw| {
            raw.bytes([0x50]).varint(a.sequence.into()).bytes([0x68]).varint(a.flags.into());
            raw.long([0x62], |raw| {
                for (iid, name) in (1..).zip(&a.categories) {
                    raw.short([0x0a], |raw| raw.bytes([0x08]).varint(iid).bytes([0x12]).text(name.as_bytes()));
                }
                for (iid, name) in (1..).zip(&a.names) {
                    raw.short([0x12], |raw| raw.bytes([0x08]).varint(iid).bytes([0x12]).text(name.as_bytes()));
                }
            });
        })
    }

    fn track(&mut self, a: &args::Track) -> &[u8] {
        self.write(FIXED + a.name.len() + a.process.len() + a.thread.len(), |raw| {
            raw.bytes([0x40]).varint(a.timestamp).bytes([0x50]).varint(a.sequence.into());
            raw.short([0xe2, 0x03], |raw| {
                raw.bytes([0x08]).varint(a.uuid).bytes([0x28]).varint(a.parent);
                raw.bytes([0x12]).text(a.name.as_bytes());
                raw.short([0x1a], |raw| {
                    raw.bytes([0x08]).varint(a.pid as u64).bytes([0x32]).text(a.process.as_bytes())
                });
                raw.short([0x22], |raw| {
                    raw.bytes([0x08]).varint(a.pid as u64).bytes([0x10]).varint(a.tid as u64);
                    raw.bytes([0x2a]).text(a.thread.as_bytes())
                })
            });
        })
    }

    fn points(&mut self, a: &args::Points) -> &[u8] {
        self.write(FIXED + a.points.len() * 40, |raw| {
            for &(x, y, z) in &a.points {
                raw.short([0x0a], |raw| {
                    raw.bytes([0x08]).varint(x as u64).bytes([0x10]).varint((y << 1 ^ y >> 31) as u32 as u64);
                    raw.bytes([0x18]).varint(z)
                });
            }
        })
    }

    fn mixed(&mut self, a: &args::Mixed) -> &[u8] {
        let texts = a.texts.iter().map(|text| text.len() + 11).sum::<usize>();
        self.write(FIXED + texts + a.ids.len() * 10 + a.weights.len() * 8 + a.blob.len(), |raw| {
            for text in &a.texts {
                raw.bytes([0x0a]).text(text.as_bytes());
            }
            raw.long([0x12], |raw| {
                for &id in &a.ids {
                    raw.varint(id);
                }
            });
            raw.bytes([0x1a]).varint(a.weights.len() as u64 * 8);
            for weight in &a.weights {
                raw.bytes(weight.to_le_bytes());
            }
            raw.bytes([0x22]).text(&a.blob);
        })
    }

    fn packed(&mut self, a: &args::Mixed) -> &[u8] {
        self.write(FIXED + a.ids.len() * 10, |raw| {
            raw.long([0x12], |raw| {
                for &id in &a.ids {
                    raw.varint(id);
                }
            });
        })
    }

    fn chain(&mut self, a: &args::Chain) -> &[u8] {
        self.write(FIXED + a.values.len() * 24, |raw| link(raw, &a.values))
    }

    fn flat(&mut self, a: &args::EveryField) -> &[u8] {
        self.write(FIXED + a.string.len(), |raw| flat(raw, a))
    }

    fn nested(&mut self, a: &args::EveryField) -> &[u8] {
        self.write(FIXED + NESTED * (a.string.len() + 64), |raw| {
            flat(raw, a);
            raw.long([0x72], |raw| {
                flat(raw, a);
                raw.long([0x72], |raw| {
                    flat(raw, a);
                    raw.long([0x72], |raw| flat(raw, a));
                });
            });
        })
    }
}

#[inline(always)]
fn slice(raw: &mut Raw, a: &args::Slice, more: impl FnOnce(&mut Raw)) {
    raw.bytes([0x40]).varint(a.timestamp).bytes([0x50]).varint(a.sequence.into());
    raw.bytes([0x68]).varint(a.flags.into());
    raw.short([0x5a], |raw| {
        raw.bytes([0x48, 1]).bytes([0x58]).varint(a.track).bytes([0x18]).varint(a.category);
        raw.bytes([0x50]).varint(a.name);
        more(raw);
        raw
    });
}

fn link(raw: &mut Raw, values: &[u64]) {
    if let Some((&value, rest)) = values.split_first() {
        raw.bytes([0x08]).varint(value);
        if !rest.is_empty() {
            raw.long([0x12], |raw| link(raw, rest));
        }
    }
}

#[inline(always)]
fn flat(raw: &mut Raw, a: &args::EveryField) {
    raw.bytes([0x08]).varint(a.int32 as u64).bytes([0x18]).varint(a.uint32.into());
    raw.bytes([0x10]).varint(a.int64 as u64).bytes([0x20]).varint(a.uint64);
    raw.bytes([0xa2, 0x1f]).text(a.string.as_bytes());
}

/// Where the next byte goes. Whoever makes one has made sure of the room.
struct Raw {
    cur: *mut u8,
}

impl Raw {
    #[inline(always)]
    fn bytes<const LEN: usize>(&mut self, bytes: [u8; LEN]) -> &mut Self {
        // SAFETY: `Forward::write` checked the room.
        unsafe {
            self.cur.cast::<[u8; LEN]>().write_unaligned(bytes);
            self.cur = self.cur.add(LEN);
        }
        self
    }

    #[inline(always)]
    fn varint(&mut self, mut value: u64) -> &mut Self {
        while value >= 0x80 {
            self.bytes([value as u8 | 0x80]);
            value >>= 7;
        }
        self.bytes([value as u8])
    }

    #[inline(always)]
    fn text(&mut self, text: &[u8]) -> &mut Self {
        self.varint(text.len() as u64);
        // SAFETY: `Forward::write` checked the room.
        unsafe {
            ptr::copy_nonoverlapping(text.as_ptr(), self.cur, text.len());
            self.cur = self.cur.add(text.len());
        }
        self
    }

    /// A nested message that is known to be short, but for its texts.
    #[inline(always)]
    fn short<const LEN: usize>(&mut self, tag: [u8; LEN], f: impl FnOnce(&mut Raw) -> &mut Raw) -> &mut Self {
        self.long(tag, |raw| _ = f(raw))
    }

    /// A nested message.
    #[inline(always)]
    fn long<const LEN: usize>(&mut self, tag: [u8; LEN], f: impl FnOnce(&mut Raw)) -> &mut Self {
        self.bytes(tag).bytes([0]);
        let body = self.cur;
        f(self);
        let len = self.cur.addr() - body.addr();
        if len < 0x80 {
            // SAFETY: the byte was written above.
            unsafe { body.sub(1).write(len as u8) };
        } else {
            self.make_room(body, len);
        }
        self
    }

    #[cold]
    #[inline(never)]
    fn make_room(&mut self, body: *mut u8, len: usize) {
        let more = len.ilog2() as usize / 7;
        // SAFETY: `Forward::write` checked the room, with ten bytes for each length.
        unsafe {
            ptr::copy(body, body.add(more), len);
            Raw { cur: body.sub(1) }.varint(len as u64);
            self.cur = self.cur.add(more);
        }
    }
}
