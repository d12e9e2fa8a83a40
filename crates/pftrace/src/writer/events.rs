//! Writing events: slices, instants, counters, states.

use pftrace_protos::TrackEvent;
use pftrace_protos::track_event::Type;

use super::{MAX_OPEN_SLICES, TraceWriter};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::event::{Context, Event};
use crate::sink::Sink;
use crate::track::{CounterTrack, Place, StateTrack, Track};

/// Writing events.
///
/// `timestamp` is in nanoseconds: a `u64` or a [`Duration`](core::time::Duration) of the trace's clock, or [`Clock::at`](crate::Clock::at)
/// of another. On one track slices begin and
/// end in the order of time, as they are nested; instants, counters and states may come in any order.
///
/// # Errors
///
/// All of them return [`Error::TimestampOutOfRange`], [`Error::TimestampBeforeZero`], [`Error::UnknownClock`], [`Error::ClockWentBack`], [`Error::ForeignTrack`],
/// [`Error::PacketTooLarge`] or [`Error::BufferFull`] where these apply, and [`Error::Io`] once when the sink has failed, then
/// [`Error::Closed`]; those with a closure also [`Error::AnnotationTooDeep`].
impl<S: Sink, M: AsRef<[u64]> + AsMut<[u64]>> TraceWriter<S, M> {
    /// Begins a slice.
    ///
    /// # Errors
    ///
    /// Beside those of all events, [`Error::SlicesTooDeep`] when [`MAX_OPEN_SLICES`] are open on the track and
    /// [`Error::TimeWentBack`].
    #[inline]
    pub fn begin(
        &mut self,
        track: &mut impl AsMut<Track>,
        timestamp: impl Into<Timestamp>,
        name: &str,
    ) -> Result<(), Error> {
        self.begin_with(track, timestamp, name, |_| {})
    }

    /// Begins a slice, of which `f` says more.
    ///
    /// # Errors
    ///
    /// As [`begin`](Self::begin).
    pub fn begin_with(
        &mut self,
        track: &mut impl AsMut<Track>,
        timestamp: impl Into<Timestamp>,
        name: &str,
        f: impl FnOnce(&mut Event<'_>),
    ) -> Result<(), Error> {
        let (track, timestamp) = (track.as_mut(), timestamp.into());
        if track.open >= MAX_OPEN_SLICES {
            return Err(Error::SlicesTooDeep { limit: MAX_OPEN_SLICES });
        }
        let last = self.check_order(track.last, timestamp)?;
        self.event(track.place, false, (timestamp, None), Type::TYPE_SLICE_BEGIN, Some(name), no_field, f)?;
        track.open += 1;
        track.last = Some(last);
        Ok(())
    }

    /// Ends the slice that was begun last on the track.
    ///
    /// # Errors
    ///
    /// Beside those of all events, [`Error::NothingOpen`] and [`Error::TimeWentBack`].
    #[inline]
    pub fn end(&mut self, track: &mut impl AsMut<Track>, timestamp: impl Into<Timestamp>) -> Result<(), Error> {
        self.end_with(track, timestamp, |_| {})
    }

    /// Ends the slice that was begun last on the track. What `f` says is added to what was said at its begin.
    ///
    /// # Errors
    ///
    /// As [`end`](Self::end), and [`Error::CategoryAtEnd`] when `f` gives a category.
    pub fn end_with(
        &mut self,
        track: &mut impl AsMut<Track>,
        timestamp: impl Into<Timestamp>,
        f: impl FnOnce(&mut Event<'_>),
    ) -> Result<(), Error> {
        let (track, timestamp) = (track.as_mut(), timestamp.into());
        if track.open == 0 {
            return Err(Error::NothingOpen);
        }
        let last = self.check_order(track.last, timestamp)?;
        self.event(track.place, false, (timestamp, None), Type::TYPE_SLICE_END, None, no_field, f)?;
        track.open -= 1;
        track.last = Some(last);
        Ok(())
    }

    /// A slice whose begin and end are known: both are written, or neither when the call fails.
    ///
    /// The order of time is as with [`begin`](Self::begin) and [`end`](Self::end): a slice that contains others is not
    /// written after them with this.
    ///
    /// ```
    /// # let mut trace = pftrace::TraceWriter::new(Vec::new());
    /// # let mut disk = trace.track("disk").describe()?;
    /// trace.slice(&mut disk, 1_000, 4_000, "read")?;
    /// trace.slice_with(&mut disk, 5_000, 9_000, "write", |event| _ = event.arg("bytes", 512))?;
    /// # Ok::<(), pftrace::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`begin`](Self::begin), and [`Error::TimeWentBack`] when the end is before the begin. Both together may be
    /// [`Builder::max_packet_len`](crate::Builder::max_packet_len) bytes long.
    #[inline]
    pub fn slice(
        &mut self,
        track: &mut impl AsMut<Track>,
        begin: impl Into<Timestamp>,
        end: impl Into<Timestamp>,
        name: &str,
    ) -> Result<(), Error> {
        self.slice_with(track, begin, end, name, |_| {})
    }

    /// A slice whose begin and end are known, of which `f` says more: see [`slice`](Self::slice).
    ///
    /// # Errors
    ///
    /// As [`slice`](Self::slice).
    pub fn slice_with(
        &mut self,
        track: &mut impl AsMut<Track>,
        begin: impl Into<Timestamp>,
        end: impl Into<Timestamp>,
        name: &str,
        f: impl FnOnce(&mut Event<'_>),
    ) -> Result<(), Error> {
        let (track, begin, end) = (track.as_mut(), begin.into(), end.into());
        if track.open >= MAX_OPEN_SLICES {
            return Err(Error::SlicesTooDeep { limit: MAX_OPEN_SLICES });
        }
        let began = self.check_order(track.last, begin)?;
        let ended = self.check_order(Some(began), end)?;
        self.event(track.place, false, (begin, Some(end)), Type::TYPE_SLICE_BEGIN, Some(name), no_field, f)?;
        track.last = Some(ended);
        Ok(())
    }

    /// Something that takes no time.
    ///
    /// # Errors
    ///
    /// Those of all events.
    #[inline]
    pub fn instant(
        &mut self,
        track: &impl AsRef<Track>,
        timestamp: impl Into<Timestamp>,
        name: &str,
    ) -> Result<(), Error> {
        self.instant_with(track, timestamp, name, |_| {})
    }

    /// Something that takes no time, of which `f` says more.
    ///
    /// # Errors
    ///
    /// Those of all events.
    pub fn instant_with(
        &mut self,
        track: &impl AsRef<Track>,
        timestamp: impl Into<Timestamp>,
        name: &str,
        f: impl FnOnce(&mut Event<'_>),
    ) -> Result<(), Error> {
        let place = track.as_ref().place;
        self.event(place, false, (timestamp.into(), None), Type::TYPE_INSTANT, Some(name), no_field, f)
    }

    /// The value of a counter from this time on: an `i64`, an `f64`, or what turns into one.
    ///
    /// Perfetto computes with doubles: integers beyond 2^53 are rounded.
    ///
    /// # Errors
    ///
    /// Those of all events.
    pub fn counter(
        &mut self,
        track: &CounterTrack,
        timestamp: impl Into<Timestamp>,
        value: impl Into<CounterValue>,
    ) -> Result<(), Error> {
        let value = value.into();
        let set_value = |event: &mut TrackEvent<'_>| match value {
            CounterValue::Int(value) => _ = event.set_counter_value(value),
            CounterValue::Double(value) => _ = event.set_double_counter_value(value),
        };
        self.event(track.0, true, (timestamp.into(), None), Type::TYPE_COUNTER, None, set_value, |_| {})
    }

    /// The state of a state track from this time on.
    ///
    /// # Errors
    ///
    /// Those of all events.
    pub fn state(&mut self, track: &StateTrack, timestamp: impl Into<Timestamp>, state: &str) -> Result<(), Error> {
        self.event(track.0, true, (timestamp.into(), None), Type::TYPE_STATE, Some(state), no_field, |_| {})
    }

    /// From this time on a state track is in no state.
    ///
    /// # Errors
    ///
    /// Those of all events.
    pub fn idle(&mut self, track: &StateTrack, timestamp: impl Into<Timestamp>) -> Result<(), Error> {
        self.event(track.0, true, (timestamp.into(), None), Type::TYPE_STATE, None, no_field, |_| {})
    }

    #[expect(clippy::too_many_arguments, reason = "private, and each of them differs between its callers")]
    fn event(
        &mut self,
        place: Place,
        names_track: bool,
        (timestamp, slice_end): (Timestamp, Option<Timestamp>),
        kind: Type,
        name: Option<&str>,
        set_value: impl FnOnce(&mut TrackEvent<'_>),
        f: impl FnOnce(&mut Event<'_>),
    ) -> Result<(), Error> {
        if place.writer != self.id {
            return Err(Error::ForeignTrack);
        }
        let timestamp = self.check_timestamp(timestamp)?;
        let slice_end = slice_end.map(|end| self.check_timestamp(end)).transpose()?;
        let (sequence, output, clock) = self.sequence(place.sequence);
        sequence.event(output, clock, (timestamp, slice_end), (place.uuid, names_track), |packet, track, table| {
            let mut error = None;
            let at_end = kind == Type::TYPE_SLICE_END;
            packet.set_track_event(|event| {
                event.set_type(kind);
                if let Some(uuid) = track {
                    event.set_track_uuid(uuid);
                }
                set_value(event);
                let mut event = Event::new(
                    TrackEvent::new(event.raw()),
                    Context { table: Some(table), error: &mut error, depth: 0, at_end, room: None },
                );
                if let Some(name) = name {
                    event.name(name);
                }
                f(&mut event);
            });
            error.map_or(Ok(()), Err)
        })
    }

    /// Whether a slice may begin or end at a time, where the last on its track did. Returns the time, and the number of its
    /// clock.
    fn check_order(&self, last: Option<(u64, u32)>, timestamp: Timestamp) -> Result<(u64, u32), Error> {
        let clock = timestamp.clock.unwrap_or(self.clock.clock).id();
        match last {
            Some((last, last_clock)) if last_clock == clock && timestamp.ns < last => {
                Err(Error::TimeWentBack { timestamp: timestamp.ns, last })
            }
            _ => Ok((timestamp.ns, clock)),
        }
    }
}

fn no_field(_: &mut TrackEvent<'_>) {}

/// The value of a counter.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum CounterValue {
    /// An integer.
    Int(i64),
    /// A floating-point number.
    Double(f64),
}

macro_rules! counter_value_from {
    ($($variant:ident: $($type:ty),+;)+) => {
        $($(
            impl From<$type> for CounterValue {
                fn from(value: $type) -> Self {
                    Self::$variant(value.into())
                }
            }
        )+)+
    };
}

counter_value_from! {
    Int: i8, i16, i32, i64, u8, u16, u32;
    Double: f32, f64;
}

impl From<u64> for CounterValue {
    /// Above `i64::MAX`, the nearest double, which is what Perfetto would make of it.
    fn from(value: u64) -> Self {
        i64::try_from(value).map_or(Self::Double(value as f64), Self::Int)
    }
}

impl From<usize> for CounterValue {
    fn from(value: usize) -> Self {
        Self::from(value as u64)
    }
}
