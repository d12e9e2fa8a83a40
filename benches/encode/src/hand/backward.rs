//! Backward, from the end of the buffer: each length is known when it is written, and nothing ever moves.

use std::ptr;

use crate::args::{self, NESTED};
use crate::contender::Contender;

/// A hand-written backward encoder.
#[derive(Debug)]
pub struct Backward {
    buffer: Vec<u8>,
}

impl Default for Backward {
    fn default() -> Self {
        Self { buffer: vec![0; 16 << 10] }
    }
}

/// More than any message here takes without its texts, packed fields and elements.
const FIXED: usize = 256;

impl Backward {
    #[inline]
    fn write(&mut self, needed: usize, f: impl FnOnce(&mut Raw)) -> &[u8] {
        assert!(self.buffer.len() >= needed);
        let range = self.buffer.as_mut_ptr_range();
        let mut raw = Raw { cur: range.end };
        f(&mut raw);
        let at = raw.cur.addr() - range.start.addr();
        &self.buffer[at..]
    }
}

impl Contender for Backward {
    const NAME: &'static str = "hand, backward";

    fn slice(&mut self, a: &args::Slice) -> &[u8] {
        self.write(FIXED, |raw| slice(raw, a, |_| {}))
    }

    fn annotated(&mut self, a: &args::Annotated) -> &[u8] {
        self.write(FIXED + a.text.len() + a.label.len(), |raw| {
            slice(raw, &a.slice, |raw| {
                raw.nested([0x22], |raw| {
                    raw.nested([0x5a], |raw| {
                        raw.text(a.label.as_bytes()).bytes([0x32]).varint(a.names[5]).bytes([0x08]);
                    });
                    raw.nested([0x5a], |raw| {
                        raw.varint(a.offset as u64).bytes([0x20]).varint(a.names[4]).bytes([0x08]);
                    });
                    raw.varint(a.names[3]).bytes([0x08]);
                });
                raw.nested([0x22], |raw| {
                    raw.text(a.text.as_bytes()).bytes([0x32]).varint(a.names[2]).bytes([0x08]);
                });
                raw.nested([0x22], |raw| {
                    raw.bytes(a.ratio.to_le_bytes()).bytes([0x29]).varint(a.names[1]).bytes([0x08]);
                });
                raw.nested([0x22], |raw| {
                    raw.varint(a.count).bytes([0x18]).varint(a.names[0]).bytes([0x08]);
                });
            });
        })
    }

    fn interned(&mut self, a: &args::Interned) -> &[u8] {
        let texts = a.categories.iter().chain(&a.names).map(|text| text.len() + 32).sum::<usize>();
        self.write(FIXED + texts, |raw| {
            raw.nested([0x62], |raw| {
                for (i, name) in a.names.iter().enumerate().rev() {
                    raw.nested([0x12], |raw| {
                        raw.text(name.as_bytes()).bytes([0x12]).varint(i as u64 + 1).bytes([0x08]);
                    });
                }
                for (i, name) in a.categories.iter().enumerate().rev() {
                    raw.nested([0x0a], |raw| {
                        raw.text(name.as_bytes()).bytes([0x12]).varint(i as u64 + 1).bytes([0x08]);
                    });
                }
            });
            raw.varint(a.flags.into()).bytes([0x68]).varint(a.sequence.into()).bytes([0x50]);
        })
    }

    fn track(&mut self, a: &args::Track) -> &[u8] {
        self.write(FIXED + a.name.len() + a.process.len() + a.thread.len(), |raw| {
            raw.nested([0xe2, 0x03], |raw| {
                raw.nested([0x22], |raw| {
                    raw.text(a.thread.as_bytes()).bytes([0x2a]).varint(a.tid as u64).bytes([0x10]);
                    raw.varint(a.pid as u64).bytes([0x08]);
                });
                raw.nested([0x1a], |raw| {
                    raw.text(a.process.as_bytes()).bytes([0x32]).varint(a.pid as u64).bytes([0x08]);
                });
                raw.text(a.name.as_bytes()).bytes([0x12]);
                raw.varint(a.parent).bytes([0x28]).varint(a.uuid).bytes([0x08]);
            });
            raw.varint(a.sequence.into()).bytes([0x50]).varint(a.timestamp).bytes([0x40]);
        })
    }

    fn points(&mut self, a: &args::Points) -> &[u8] {
        self.write(FIXED + a.points.len() * 40, |raw| {
            for &(x, y, z) in a.points.iter().rev() {
                raw.nested([0x0a], |raw| {
                    raw.varint(z).bytes([0x18]).varint((y << 1 ^ y >> 31) as u32 as u64).bytes([0x10]);
                    raw.varint(x as u64).bytes([0x08]);
                });
            }
        })
    }

    fn mixed(&mut self, a: &args::Mixed) -> &[u8] {
        let texts = a.texts.iter().map(|text| text.len() + 11).sum::<usize>();
        self.write(FIXED + texts + a.ids.len() * 10 + a.weights.len() * 8 + a.blob.len(), |raw| {
            raw.text(&a.blob).bytes([0x22]);
            for weight in a.weights.iter().rev() {
                raw.bytes(weight.to_le_bytes());
            }
            raw.varint(a.weights.len() as u64 * 8).bytes([0x1a]);
            raw.nested([0x12], |raw| {
                for &id in a.ids.iter().rev() {
                    raw.varint(id);
                }
            });
            for text in a.texts.iter().rev() {
                raw.text(text.as_bytes()).bytes([0x0a]);
            }
        })
    }

    fn packed(&mut self, a: &args::Mixed) -> &[u8] {
        self.write(FIXED + a.ids.len() * 10, |raw| {
            raw.nested([0x12], |raw| {
                for &id in a.ids.iter().rev() {
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
            raw.nested([0x72], |raw| {
                raw.nested([0x72], |raw| {
                    raw.nested([0x72], |raw| flat(raw, a));
                    flat(raw, a);
                });
                flat(raw, a);
            });
            flat(raw, a);
        })
    }
}

#[inline(always)]
fn slice(raw: &mut Raw, a: &args::Slice, more: impl FnOnce(&mut Raw)) {
    raw.nested([0x5a], |raw| {
        more(raw);
        raw.varint(a.name).bytes([0x50]);
        raw.varint(a.category).bytes([0x18]).varint(a.track).bytes([0x48, 1, 0x58]);
    });
    raw.varint(a.flags.into()).bytes([0x68]);
    raw.varint(a.sequence.into()).bytes([0x50]).varint(a.timestamp).bytes([0x40]);
}

fn link(raw: &mut Raw, values: &[u64]) {
    if let Some((&value, rest)) = values.split_first() {
        if !rest.is_empty() {
            raw.nested([0x12], |raw| link(raw, rest));
        }
        raw.varint(value).bytes([0x08]);
    }
}

#[inline(always)]
fn flat(raw: &mut Raw, a: &args::EveryField) {
    raw.text(a.string.as_bytes()).bytes([0xa2, 0x1f]);
    raw.varint(a.uint64).bytes([0x20]).varint(a.int64 as u64).bytes([0x10]);
    raw.varint(a.uint32.into()).bytes([0x18]).varint(a.int32 as u64).bytes([0x08]);
}

/// Before which byte the next ones go. Whoever makes one has made sure of the room.
struct Raw {
    cur: *mut u8,
}

impl Raw {
    #[inline(always)]
    fn bytes<const LEN: usize>(&mut self, bytes: [u8; LEN]) -> &mut Self {
        // SAFETY: `Backward::write` checked the room.
        unsafe {
            self.cur = self.cur.sub(LEN);
            self.cur.cast::<[u8; LEN]>().write_unaligned(bytes);
        }
        self
    }

    #[inline(always)]
    fn varint(&mut self, mut value: u64) -> &mut Self {
        let len = ((value | 1).ilog2() as usize * 9 + 73) / 64;
        // SAFETY: `Backward::write` checked the room.
        unsafe {
            self.cur = self.cur.sub(len);
            let mut at = self.cur;
            while value >= 0x80 {
                at.write(value as u8 | 0x80);
                at = at.add(1);
                value >>= 7;
            }
            at.write(value as u8);
        }
        self
    }

    #[inline(always)]
    fn text(&mut self, text: &[u8]) -> &mut Self {
        // SAFETY: `Backward::write` checked the room.
        unsafe {
            self.cur = self.cur.sub(text.len());
            ptr::copy_nonoverlapping(text.as_ptr(), self.cur, text.len());
        }
        self.varint(text.len() as u64)
    }

    #[inline(always)]
    fn nested<const LEN: usize>(&mut self, tag: [u8; LEN], f: impl FnOnce(&mut Raw)) -> &mut Self {
        let end = self.cur.addr();
        f(self);
        self.varint((end - self.cur.addr()) as u64).bytes(tag)
    }
}
