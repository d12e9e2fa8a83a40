//! The direct writer: packets with explicit times on explicit tracks, streamed into a sink.

use core::ops::Range;
use core::sync::atomic::{AtomicU32, Ordering};

use pftrace_protos::TracePacket;

use crate::clock::{Clock, Timestamp};
use crate::error::Error;
use crate::sequence::{Output, Sequence, Time, TraceClock};
use crate::sink::{BufferSink, Sink};
#[cfg(feature = "std")]
use crate::track::SequenceId;
use crate::track::{ProcessId, ProcessTrack, TrackBuilder, kind};

mod events;

pub use self::events::CounterValue;

/// How many slices may be open on one track: Perfetto drops deeper ones.
pub const MAX_OPEN_SLICES: u32 = 512;

/// What [`end`](TraceWriter::end) takes of a buffer, at most, in bytes; after
/// [`clear_incremental_state`](TraceWriter::clear_incremental_state) the first event takes more. See
/// [`remaining`](TraceWriter::remaining).
pub const MAX_END_LEN: usize = 34;

/// The memory for a sequence's interned strings, in words of eight bytes.
#[cfg(feature = "std")]
pub type Memory = std::boxed::Box<[u64]>;

/// The memory for a sequence's interned strings, in words of eight bytes.
#[cfg(not(feature = "std"))]
pub type Memory = &'static mut [u64];

/// A [`TraceWriter`] into a file, as [`TraceWriter::create`] returns it: to name it in a struct or a signature.
///
/// ```
/// use std::time::{Duration, Instant};
///
/// use pftrace::{Error, FileTraceWriter, Track};
///
/// struct Engine {
///     trace: FileTraceWriter,
///     track: Track,
///     start: Instant,
/// }
///
/// impl Engine {
///     fn step(&mut self) -> Result<(), Error> {
///         // Before the call, not in it, if that takes a method of `self`, which `&mut self.track` has borrowed there.
///         let begin = self.now();
///         self.trace.begin(&mut self.track, begin, "step")?;
///         self.trace.end(&mut self.track, self.start.elapsed())
///     }
///
///     fn now(&self) -> Duration {
///         self.start.elapsed()
///     }
/// }
/// ```
#[cfg(feature = "std")]
pub type FileTraceWriter = TraceWriter<crate::IoSink<std::fs::File>>;

/// Writes a trace, packet by packet.
///
/// Times, tracks, processes and threads are what the caller says: this is for emulators and simulators, converters, and
/// programs that keep their own time. There are no globals, no threads and no clock in it.
///
/// * It streams: a packet is encoded in place into the sink's buffer, and memory does not grow with the trace.
/// * It allocates when it is made and when a sequence is added, never else.
/// * Names, categories, annotation names, string values and source locations are interned by themselves.
/// * A call that fails wrote nothing, and the next works as if it had not been made; see [`Error`].
///
/// `S` is where the trace goes: any [`std::io::Write`] ([`new`](Self::new), [`create`](Self::create)) or, without `std`
/// and without an allocator, a byte buffer ([`in_buffer`](Self::in_buffer)). `M` is the memory for interned strings. What
/// [`create`](Self::create) returns has the short name [`FileTraceWriter`].
///
/// # Example
///
/// ```
/// use pftrace::{TraceWriter, Unit};
///
/// let mut trace = TraceWriter::new(Vec::new());
/// let game = trace.process_track(42).name("game").describe()?;
/// let mut main = trace.thread_track(&game, 42).name("main").describe()?;
/// let fps = trace.counter_track("frames per second").parent(&game).unit(Unit::Count).describe()?;
///
/// trace.begin_with(&mut main, 1_000, "frame", |event| {
///     event.category("render").arg("number", 1);
/// })?;
/// trace.counter(&fps, 1_000, 60)?;
/// trace.end(&mut main, 17_000)?;
/// let bytes = trace.finish()?;
/// # assert!(!bytes.is_empty());
/// # Ok::<(), pftrace::Error>(())
/// ```
///
/// # Threads
///
/// The writer and its tracks are [`Send`]; one thread at a time writes. Several threads share a writer in a `Mutex`, or each
/// has a writer and a file of its own. Shared, each thread keeps the handles of its tracks, puts them on a sequence of its
/// own, and reads the time before it takes the lock. How to come by the number of a thread,
/// [`thread_track`](Self::thread_track) says.
///
/// ```
/// use std::sync::Mutex;
/// use std::time::Instant;
///
/// use pftrace::{Error, TraceWriter};
///
/// let mut trace = TraceWriter::new(Vec::new());
/// let process = trace.process_track(std::process::id()).name("workers").describe()?;
/// let (trace, start) = (Mutex::new(trace), Instant::now());
/// std::thread::scope(|scope| {
///     let worker = |tid: i64| {
///         let mut shared = trace.lock().unwrap();
///         let sequence = shared.add_sequence();
///         let mut track = shared.thread_track(&process, tid).sequence(sequence).describe()?;
///         drop(shared);
///
///         let begin = start.elapsed();
///         // … the work …
///         let end = start.elapsed();
///         trace.lock().unwrap().slice(&mut track, begin, end, "work")
///     };
///     let threads = [1, 2].map(|tid| scope.spawn(move || worker(tid)));
///     threads.into_iter().try_for_each(|thread| thread.join().unwrap())
/// })?;
/// trace.into_inner().unwrap().finish()?;
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct TraceWriter<S: Sink, M = Memory> {
    output: Output<S>,
    clock: TraceClock,
    related: RelatedClocks,
    main: Sequence<M>,
    #[cfg(feature = "std")]
    added: std::vec::Vec<Sequence<M>>,
    #[cfg(feature = "std")]
    intern_bytes: usize,
    id: u32,
    track_uuids: TrackUuids,
}

/// How a trace is to be written: from [`TraceWriter::builder`].
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct Builder {
    clock: Clock,
    #[cfg(feature = "std")]
    max_packet_len: usize,
    #[cfg(feature = "std")]
    intern_bytes: usize,
    first_track_uuid: u64,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            clock: Clock::Simulated,
            #[cfg(feature = "std")]
            max_packet_len: 256 * 1024,
            #[cfg(feature = "std")]
            intern_bytes: 256 * 1024,
            first_track_uuid: 1,
        }
    }
}

impl Builder {
    /// The clock of timestamps that do not name one, which is also the trace's. [`Clock::Simulated`] unless set.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The size of the largest packet that can be written, in bytes. 256 KiB unless set. That much memory is taken.
    #[cfg(feature = "std")]
    pub fn max_packet_len(mut self, bytes: usize) -> Self {
        self.max_packet_len = bytes;
        self
    }

    /// The memory for the interned strings of each sequence, in bytes. 256 KiB unless set, enough for 4096 strings of 32
    /// bytes. When it is full, further strings are written out in each packet.
    #[cfg(feature = "std")]
    pub fn intern_bytes(mut self, bytes: usize) -> Self {
        self.intern_bytes = bytes;
        self
    }

    /// The number of the first track that has none by itself; the next ones count up from there. 1 unless set.
    ///
    /// Small numbers make small packets. Set it when traces of several writers are joined into one file; of these, one takes
    /// [snapshots of clocks](TraceWriter::clock_snapshot), since they must not go back from one to the next in the file.
    pub fn first_track_uuid(mut self, uuid: u64) -> Self {
        self.first_track_uuid = uuid;
        self
    }

    /// A trace that is streamed into `writer`.
    ///
    /// Packets are gathered and written 64 KiB at a time, so `writer` needs no buffer of its own.
    ///
    /// # Panics
    ///
    /// When there is no memory for as much as [`max_packet_len`](Self::max_packet_len) or [`intern_bytes`](Self::intern_bytes) say.
    #[cfg(feature = "std")]
    pub fn build<W: std::io::Write>(self, writer: W) -> TraceWriter<crate::IoSink<W>> {
        let memory = intern_memory(self.intern_bytes);
        TraceWriter::assemble(self, crate::IoSink::new(writer, self.max_packet_len), memory)
    }

    /// A trace that is streamed into a new file.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the file can't be created.
    #[cfg(feature = "std")]
    pub fn create(self, path: impl AsRef<std::path::Path>) -> Result<TraceWriter<crate::IoSink<std::fs::File>>, Error> {
        let path = path.as_ref();
        let file = std::fs::File::create(path).map_err(|error| {
            let source = std::io::Error::new(error.kind(), std::format!("{}: {error}", path.display()));
            Error::Io { written: 0, source }
        })?;
        Ok(self.build(file))
    }

    /// A trace that is written into `buffer`: see [`TraceWriter::in_buffer`].
    pub fn in_buffer<'b, M>(self, buffer: &'b mut [u8], intern_memory: M) -> TraceWriter<BufferSink<'b>, M>
    where
        M: AsRef<[u64]> + AsMut<[u64]>,
    {
        TraceWriter::assemble(self, BufferSink::new(buffer), intern_memory)
    }
}

#[cfg(feature = "std")]
fn intern_memory(bytes: usize) -> Memory {
    std::vec![0; bytes / size_of::<u64>()].into_boxed_slice()
}

#[cfg(feature = "std")]
impl<W: std::io::Write> TraceWriter<crate::IoSink<W>> {
    /// A trace that is streamed into `writer`: [`Builder::build`] with nothing set.
    pub fn new(writer: W) -> Self {
        Builder::default().build(writer)
    }

    /// Adds a sequence: a stream of packets with a clock and interned strings of its own. This allocates.
    ///
    /// What it saves is bytes of the trace. A packet's time is written as the difference to the one before on its sequence,
    /// which takes one to four bytes as long as time goes forward; a time that goes back takes about eleven more. And
    /// the track on which a sequence's first event lies is not named again, which saves up to eleven. So tracks whose times
    /// advance apart, such as threads, are better off on sequences of their own, and the counters that
    /// are written with a thread's slices on the thread's: see [`TrackBuilder::sequence`].
    ///
    /// What it costs is memory, [`Builder::intern_bytes`], and that each string is defined once per sequence.
    pub fn add_sequence(&mut self) -> SequenceId {
        let index = self.added.len() as u32 + 1;
        self.added.push(Sequence::new(FIRST_SEQUENCE_ID + index, intern_memory(self.intern_bytes)));
        SequenceId { writer: self.id, index }
    }

    /// Writes what has gathered, so that all packets so far are with the sink.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the sink fails.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.output.sink.flush()
    }

    /// Ends the trace: writes what has gathered and returns the sink.
    ///
    /// A writer that is dropped does the same, but has nobody to tell that it failed.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the sink fails.
    pub fn finish(self) -> Result<W, Error> {
        self.output.sink.finish()
    }
}

#[cfg(feature = "std")]
impl TraceWriter<crate::IoSink<std::fs::File>> {
    /// A trace that is streamed into a new file: [`Builder::create`] with nothing set.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the file can't be created.
    pub fn create(path: impl AsRef<std::path::Path>) -> Result<Self, Error> {
        Builder::default().create(path)
    }
}

impl<'b, M: AsRef<[u64]> + AsMut<[u64]>> TraceWriter<BufferSink<'b>, M> {
    /// A trace that is written into `buffer`, with `intern_memory` for interned strings: no `std`, no allocator.
    ///
    /// Of the memory a half is for the texts, and each text takes 32 bytes of the other. It may be empty: then nothing is
    /// interned.
    ///
    /// What does not fit into the buffer is refused with [`Error::BufferFull`]: see [`remaining`](Self::remaining) on slices
    /// that are open then.
    ///
    /// # Example
    ///
    /// ```
    /// use pftrace::TraceWriter;
    ///
    /// let (mut buffer, mut memory) = ([0; 1024], [0; 256]);
    /// let mut trace = TraceWriter::in_buffer(&mut buffer, &mut memory[..]);
    /// let mut track = trace.track("motor").describe()?;
    /// trace.instant(&mut track, 5, "step")?;
    /// let bytes: &[u8] = trace.finish();
    /// # assert!(bytes.len() > 20);
    /// # Ok::<(), pftrace::Error>(())
    /// ```
    pub fn in_buffer(buffer: &'b mut [u8], intern_memory: M) -> Self {
        Builder::default().in_buffer(buffer, intern_memory)
    }

    /// Ends the trace and returns the part of the buffer that it takes.
    #[must_use]
    pub fn finish(self) -> &'b mut [u8] {
        self.output.sink.into_written()
    }

    /// How many bytes of the buffer are left.
    ///
    /// When the buffer is full, slices may be open whose end no longer fits; they are shown up to the end of the trace.
    /// Who minds stops beginning slices before: [`MAX_END_LEN`] bytes are enough to end one. Or writes whole ones, with
    /// [`slice`](Self::slice).
    ///
    /// ```
    /// use pftrace::{MAX_END_LEN, TraceWriter};
    ///
    /// let mut buffer = [0; 1024];
    /// let mut trace = TraceWriter::in_buffer(&mut buffer, [0; 64]);
    /// let mut track = trace.track("motor").describe()?;
    /// // What the begin, with its name and annotations, takes is known to the program alone.
    /// let begin_len = 64;
    /// for now in 0.. {
    ///     if trace.remaining() < begin_len + MAX_END_LEN {
    ///         break;
    ///     }
    ///     trace.begin(&mut track, now, "move")?;
    ///     trace.end(&mut track, now)?;
    /// }
    /// assert_eq!(track.open_slices(), 0);
    /// # Ok::<(), pftrace::Error>(())
    /// ```
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.output.sink.remaining()
    }
}

impl TraceWriter<BufferSink<'_>, Memory> {
    /// How a trace is to be written.
    pub fn builder() -> Builder {
        Builder::default()
    }
}

/// Describing tracks.
impl<S: Sink, M: AsRef<[u64]> + AsMut<[u64]>> TraceWriter<S, M> {
    /// The track of a process, this one (`std::process::id()`) or any other, also one that is made up.
    ///
    /// Describe it once and keep the handle. A process described twice, or another one that has been given the same number later, is one track in
    /// Perfetto, but each handle counts its own open slices. The same goes for threads.
    pub fn process_track<'t>(&mut self, pid: impl Into<ProcessId>) -> TrackBuilder<'_, 't, S, M, kind::Process<'t>> {
        TrackBuilder::new(self, kind::Process::new(pid.into()), None)
    }

    /// The track of a thread of a process.
    ///
    /// `tid` is the system's number of the thread, or any other that is not 0 and unique in the process. The standard
    /// library does not tell it: on Linux it is what `libc::gettid()` returns or where the link `/proc/thread-self` leads,
    /// and it is the process's own number for the first thread alone.
    pub fn thread_track<'t>(&mut self, process: &ProcessTrack, tid: i64) -> TrackBuilder<'_, 't, S, M, kind::Thread> {
        TrackBuilder::new(self, kind::Thread::new(process.pid(), tid), None)
    }

    /// A track of slices and instants that is neither a process's nor a thread's: an asynchronous task, a device, a
    /// queue.
    pub fn track<'t>(&mut self, name: &'t str) -> TrackBuilder<'_, 't, S, M, kind::Slices> {
        TrackBuilder::new(self, kind::Slices, Some(name))
    }

    /// A track of numbers over time. The UI shows it once it has a value.
    pub fn counter_track<'t>(&mut self, name: &'t str) -> TrackBuilder<'_, 't, S, M, kind::Counter<'t>> {
        TrackBuilder::new(self, kind::Counter::default(), Some(name))
    }

    /// A track of states, one after the other.
    ///
    /// State tracks came with Perfetto v57; an older one ignores them.
    pub fn state_track<'t>(&mut self, name: &'t str) -> TrackBuilder<'_, 't, S, M, kind::State> {
        TrackBuilder::new(self, kind::State, Some(name))
    }
}

/// Writing anything else.
impl<S: Sink, M: AsRef<[u64]> + AsMut<[u64]>> TraceWriter<S, M> {
    /// Relates clocks to each other: their readings at one moment, in nanoseconds. The trace's own must be among them.
    ///
    /// After it timestamps of the clocks named may be used, and Perfetto can lay the trace beside those of other
    /// processes and machines, if `Boottime` and `Realtime` are among them. A clock that shows less than in the snapshot before, as
    /// `Realtime` does when it is set, is there all the same, but Perfetto converts no more timestamps of it: they are refused from then on.
    ///
    /// # Errors
    ///
    /// [`Error::BadSnapshot`], and all errors of writing a packet.
    pub fn clock_snapshot(&mut self, readings: &[(Clock, u64)]) -> Result<(), Error> {
        let own = readings.iter().find(|(clock, _)| *clock == self.clock.clock);
        let own = own.ok_or(Error::BadSnapshot { reason: "expected the trace's own clock among the readings" })?.1;
        if own < self.clock.last_snapshot {
            return Err(Error::BadSnapshot {
                reason: "expected the trace's own clock to go forward from one to the next",
            });
        }
        if readings.iter().enumerate().any(|(i, (clock, _))| readings[..i].iter().any(|(other, _)| other == clock)) {
            return Err(Error::BadSnapshot { reason: "expected each clock once" });
        }
        for &(_, timestamp) in readings {
            check_range(timestamp)?;
        }
        self.packet(|packet| {
            packet.set_clock_snapshot(|snapshot| {
                for (clock, timestamp) in readings {
                    snapshot.add_clocks(|entry| {
                        entry.set_clock_id(clock.id()).set_timestamp(*timestamp);
                    });
                }
            });
        })?;
        self.clock.last_snapshot = own;
        self.related.add(readings, own);
        Ok(())
    }

    /// A packet on the main sequence, filled through its generated writer. Its sequence id and flags are set.
    ///
    /// # Errors
    ///
    /// All errors of writing a packet.
    pub fn packet(&mut self, f: impl FnOnce(&mut TracePacket<'_>)) -> Result<(), Error> {
        let (sequence, output, clock) = self.sequence(0);
        sequence.packet(output, clock, None, f)
    }

    /// As [`packet`](Self::packet), with a timestamp; `f` must not set another.
    ///
    /// # Errors
    ///
    /// [`Error::TimestampOutOfRange`], [`Error::TimestampBeforeZero`], [`Error::UnknownClock`], [`Error::ClockWentBack`], and all errors of writing a
    /// packet.
    pub fn packet_at(
        &mut self,
        timestamp: impl Into<Timestamp>,
        f: impl FnOnce(&mut TracePacket<'_>),
    ) -> Result<(), Error> {
        let timestamp = self.check_timestamp(timestamp.into())?;
        let (sequence, output, clock) = self.sequence(0);
        sequence.packet(output, clock, Some(timestamp), f)
    }

    /// Begins a new generation on every sequence: what follows can be read without the interned strings before it.
    pub fn clear_incremental_state(&mut self) {
        self.main.clear();
        #[cfg(feature = "std")]
        self.added.iter_mut().for_each(Sequence::clear);
    }

    /// How many packets have been written.
    #[must_use]
    pub fn packets(&self) -> u64 {
        self.output.packets
    }

    /// How many bytes these packets take in the trace.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.output.bytes
    }

    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// The number of a track: its own, if it has one, which no other may have been given, or the next.
    pub(crate) fn track_uuid(&mut self, own: Option<u64>) -> Result<u64, Error> {
        match own {
            Some(uuid) => self.track_uuids.take(uuid),
            None => Ok(self.track_uuids.next()),
        }
    }

    fn assemble(builder: Builder, sink: S, memory: M) -> Self {
        static WRITERS: AtomicU32 = AtomicU32::new(0);
        Self {
            output: Output { sink, packets: 0, bytes: 0 },
            clock: TraceClock { clock: builder.clock, last_snapshot: 0, announced: false },
            related: RelatedClocks::default(),
            main: Sequence::new(FIRST_SEQUENCE_ID, memory),
            #[cfg(feature = "std")]
            added: std::vec::Vec::new(),
            #[cfg(feature = "std")]
            intern_bytes: builder.intern_bytes,
            // Only to tell writers apart: no other memory hangs on it.
            id: WRITERS.fetch_add(1, Ordering::Relaxed),
            track_uuids: TrackUuids::from(builder.first_track_uuid),
        }
    }

    /// A sequence, by the number that its tracks have, and where its packets go.
    fn sequence(&mut self, index: u32) -> (&mut Sequence<M>, &mut Output<S>, &mut TraceClock) {
        #[cfg(feature = "std")]
        let sequence = match index.checked_sub(1).and_then(|index| self.added.get_mut(index as usize)) {
            Some(added) => added,
            None => &mut self.main,
        };
        #[cfg(not(feature = "std"))]
        let (sequence, _) = (&mut self.main, index);
        (sequence, &mut self.output, &mut self.clock)
    }

    fn check_timestamp(&self, Timestamp { ns, clock }: Timestamp) -> Result<Time, Error> {
        check_range(ns)?;
        match clock {
            Some(related) if related != self.clock.clock => self.related.check(related, ns)?,
            _ => {}
        }
        Ok((ns, clock))
    }
}

const FIRST_SEQUENCE_ID: u32 = 1;

/// The numbers of tracks that have none by themselves.
#[derive(Debug)]
struct TrackUuids {
    /// Given first, one after the other; and since the last time that some were skipped.
    first: Range<u64>,
    present: Range<u64>,
}

impl TrackUuids {
    /// What a track chooses for itself is skipped up to that far ahead: further on, it would take as many tracks to come there.
    const AHEAD: u64 = 1 << 24;

    fn from(first: u64) -> Self {
        // 0 is the root.
        let first = first.max(1);
        Self { first: first..first, present: first..first }
    }

    fn next(&mut self) -> u64 {
        let uuid = self.present.end;
        match uuid.checked_add(1) {
            Some(end) if self.first == self.present => (self.first.end, self.present.end) = (end, end),
            Some(end) => self.present.end = end,
            None => self.present = 1..1,
        }
        uuid
    }

    /// What a track has chosen for itself.
    fn take(&mut self, uuid: u64) -> Result<u64, Error> {
        if self.first.contains(&uuid) || self.present.contains(&uuid) {
            return Err(Error::TrackUuidTaken { uuid });
        }
        if uuid.checked_sub(self.present.end).is_some_and(|ahead| ahead < Self::AHEAD) {
            let next = uuid.wrapping_add(1).max(1);
            self.present = next..next;
        }
        Ok(uuid)
    }
}

fn check_range(timestamp: u64) -> Result<(), Error> {
    if timestamp > i64::MAX as u64 { Err(Error::TimestampOutOfRange { timestamp }) } else { Ok(()) }
}

/// What snapshots have said of each clock, by its place among them.
#[derive(Debug, Default)]
struct RelatedClocks([Option<RelatedClock>; Clock::Boottime as usize + 1]);

#[derive(Clone, Copy, Debug)]
struct RelatedClock {
    /// What it shows where the trace's shows 0, by its first snapshot: that is the one for all times before it.
    earliest: u64,
    last: u64,
    /// From then on Perfetto converts no time of it.
    went_back: bool,
}

impl RelatedClocks {
    /// `own` is the trace's clock then.
    fn add(&mut self, readings: &[(Clock, u64)], own: u64) {
        for &(clock, reading) in readings {
            let before = self.0[clock as usize];
            self.0[clock as usize] = Some(RelatedClock {
                earliest: before.map_or(reading.saturating_sub(own), |before| before.earliest),
                last: reading,
                went_back: before.is_some_and(|before| before.went_back || reading < before.last),
            });
        }
    }

    /// Whether a timestamp of that clock can be converted.
    fn check(&self, clock: Clock, timestamp: u64) -> Result<(), Error> {
        match self.0[clock as usize] {
            None => Err(Error::UnknownClock { clock }),
            Some(RelatedClock { went_back: true, .. }) => Err(Error::ClockWentBack { clock }),
            Some(RelatedClock { earliest, .. }) if timestamp < earliest => {
                Err(Error::TimestampBeforeZero { timestamp, earliest })
            }
            Some(_) => Ok(()),
        }
    }
}
