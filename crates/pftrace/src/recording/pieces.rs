//! What goes to the sink with one write: bytes that were gathered, and between them the packets of chunks, from where they are.
//!
//! ```text
//! gathered:  | definitions, small chunks | definitions | ...          |
//!                                        ^             ^
//! chunks:                          | packets |   | packets |
//! ```
//!
//! Most of a busy trace is packets in chunks that are full. Copying them took nine tenths of the time that the drain needs for all but the
//! sink's own: decision 031.

use std::io::{self, IoSlice, Write};

use pftrace_ring::Reading;

/// So many bytes of a chunk are worth a piece of their own: a sink that takes one piece at a time is called for each.
pub(super) const LEAST_PIECE: usize = 8 << 10;

/// So many chunks are held for one write. A ring of chunks that large has a thousand at least: a slow sink does not take it away from who records.
const MOST_HELD: usize = 16;

/// The chunks whose packets are written from where they are.
#[derive(Debug)]
pub(super) struct Held<'r> {
    /// The first so many.
    count: usize,
    pieces: [Option<Piece<'r>>; MOST_HELD],
}

#[derive(Debug)]
struct Piece<'r> {
    chunk: Reading<'r>,
    /// The packets are so many bytes, the chunk's last.
    len: usize,
    /// So much of what was gathered comes before.
    at: usize,
}

impl Piece<'_> {
    fn bytes(&self) -> &[u8] {
        let bytes = self.chunk.bytes();
        &bytes[bytes.len() - self.len..]
    }
}

impl<'r> Held<'r> {
    pub(super) const fn new() -> Self {
        Self { count: 0, pieces: [const { None }; MOST_HELD] }
    }

    /// The last `len` bytes of a chunk come behind the first `at` that are gathered. Not when it is full.
    pub(super) fn push(&mut self, chunk: Reading<'r>, len: usize, at: usize) {
        self.pieces[self.count] = Some(Piece { chunk, len, at });
        self.count += 1;
    }

    pub(super) fn is_full(&self) -> bool {
        self.count == MOST_HELD
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Writes them, and what was gathered, in their order. `taken` counts the bytes that the sink has taken, also where it fails.
    pub(super) fn write<'w>(&'w self, gathered: &'w [u8], sink: &mut dyn Write, taken: &mut u64) -> io::Result<()> {
        // Each with what was gathered before it, and what was behind the last one.
        let mut slices = [IoSlice::new(&[]); 2 * MOST_HELD + 1];
        let mut len = 0;
        let mut add = |bytes: &'w [u8]| {
            if !bytes.is_empty() {
                slices[len] = IoSlice::new(bytes);
                len += 1;
            }
        };
        let mut from = 0;
        for piece in self.pieces[..self.count].iter().flatten() {
            add(&gathered[from..piece.at]);
            add(piece.bytes());
            from = piece.at;
        }
        add(&gathered[from..]);
        write_all(sink, &mut slices[..len], taken)
    }

    /// Gives the chunks back.
    pub(super) fn clear(&mut self) {
        *self = Self::new();
    }
}

/// Writes all of the pieces, of which none is empty. A sink may take a part, and only of the first.
fn write_all(sink: &mut dyn Write, mut pieces: &mut [IoSlice<'_>], all_taken: &mut u64) -> io::Result<()> {
    while !pieces.is_empty() {
        match sink.write_vectored(pieces) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(taken) => {
                let left: usize = pieces.iter().map(|piece| piece.len()).sum();
                if taken > left {
                    let text = std::format!("expected a sink that takes {left} bytes at most, found {taken}");
                    return Err(io::Error::other(text));
                }
                *all_taken += taken as u64;
                IoSlice::advance_slices(&mut pieces, taken);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
