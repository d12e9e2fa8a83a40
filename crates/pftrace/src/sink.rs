//! Where packets go: a buffer to encode the next one into, and what happens to it then.

use crate::error::Error;

/// Where a trace is written to. There are two: [`IoSink`] and [`BufferSink`].
pub trait Sink: sealed::Sink {}

pub(crate) mod sealed {
    use super::Error;

    #[doc(hidden)]
    pub trait Sink {
        /// Memory for the next packet, framing included.
        fn space(&mut self) -> Result<&mut [u8], Error>;
        /// The first `len` bytes of the space are a packet.
        fn commit(&mut self, len: usize);
        /// The error of a packet of `needed` bytes, more than the space has.
        fn too_large(&self, needed: usize) -> Error;
    }
}

/// A trace in a caller's buffer: see [`TraceWriter::in_buffer`](crate::TraceWriter::in_buffer).
#[derive(Debug)]
pub struct BufferSink<'b> {
    buffer: &'b mut [u8],
    used: usize,
}

impl<'b> BufferSink<'b> {
    pub(crate) fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, used: 0 }
    }

    pub(crate) fn remaining(&self) -> usize {
        self.buffer.len() - self.used
    }

    pub(crate) fn into_written(self) -> &'b mut [u8] {
        &mut self.buffer[..self.used]
    }
}

impl Sink for BufferSink<'_> {}

impl sealed::Sink for BufferSink<'_> {
    fn space(&mut self) -> Result<&mut [u8], Error> {
        Ok(&mut self.buffer[self.used..])
    }

    fn commit(&mut self, len: usize) {
        self.used += len;
    }

    fn too_large(&self, needed: usize) -> Error {
        Error::BufferFull { needed, remaining: self.remaining() }
    }
}

#[cfg(feature = "std")]
pub use io::IoSink;

#[cfg(feature = "std")]
mod io {
    use std::boxed::Box;
    use std::io::{self, Write};
    use std::vec;

    use crate::error::Error;

    /// A trace streamed into any [`Write`]: packets gather in a buffer of fixed size, which is written when it is full.
    pub struct IoSink<W: Write> {
        /// There until `finish` takes it.
        writer: Option<W>,
        buffer: Box<[u8]>,
        /// Bytes of whole packets at the front of the buffer.
        used: usize,
        max_packet_len: usize,
        /// Bytes that the writer has taken.
        written: u64,
        failed: bool,
    }

    /// How much is gathered before it is written.
    const BATCH_LEN: usize = 64 * 1024;

    impl<W: Write> IoSink<W> {
        pub(crate) fn new(writer: W, max_packet_len: usize) -> Self {
            let buffer = vec![0; BATCH_LEN + max_packet_len].into_boxed_slice();
            Self { writer: Some(writer), buffer, used: 0, max_packet_len, written: 0, failed: false }
        }

        /// Writes what has gathered.
        pub(crate) fn write_out(&mut self) -> Result<(), Error> {
            self.check()?;
            let Some(writer) = &mut self.writer else { return Ok(()) };
            let mut done = 0;
            // Should the writer panic, nothing is tried again: what it has taken would be in the trace twice.
            self.failed = true;
            while done < self.used {
                match writer.write(&self.buffer[done..self.used]) {
                    Ok(0) => return Err(self.fail(io::ErrorKind::WriteZero.into())),
                    Ok(len) => {
                        done += len;
                        self.written += len as u64;
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(self.fail(error)),
                }
            }
            self.failed = false;
            self.used = 0;
            Ok(())
        }

        /// Writes what has gathered, and has the writer do the same.
        pub(crate) fn flush(&mut self) -> Result<(), Error> {
            self.write_out()?;
            let flushed = self.writer.as_mut().map_or(Ok(()), Write::flush);
            flushed.map_err(|error| self.fail(error))
        }

        /// Flushes and gives the writer back.
        pub(crate) fn finish(mut self) -> Result<W, Error> {
            self.flush()?;
            self.writer.take().ok_or(Error::Closed { written: self.written })
        }

        fn check(&self) -> Result<(), Error> {
            if self.failed { Err(Error::Closed { written: self.written }) } else { Ok(()) }
        }

        fn fail(&mut self, source: io::Error) -> Error {
            self.failed = true;
            Error::Io { written: self.written, source }
        }
    }

    impl<W: Write> Drop for IoSink<W> {
        fn drop(&mut self) {
            if !self.failed {
                // Nobody is left to tell; `finish` is there for who wants to know.
                _ = self.flush();
            }
        }
    }

    impl<W: Write> core::fmt::Debug for IoSink<W> {
        fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
            let Self { used, written, failed, .. } = self;
            f.debug_struct("IoSink")
                .field("used", used)
                .field("written", written)
                .field("failed", failed)
                .finish_non_exhaustive()
        }
    }

    impl<W: Write> super::Sink for IoSink<W> {}

    impl<W: Write> super::sealed::Sink for IoSink<W> {
        fn space(&mut self) -> Result<&mut [u8], Error> {
            self.check()?;
            if self.used >= BATCH_LEN {
                self.write_out()?;
            }
            Ok(&mut self.buffer[self.used..self.used + self.max_packet_len])
        }

        fn commit(&mut self, len: usize) {
            self.used += len;
        }

        fn too_large(&self, needed: usize) -> Error {
            Error::PacketTooLarge { needed, capacity: self.max_packet_len }
        }
    }
}
