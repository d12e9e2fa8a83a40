//! A trace without the standard library and without an allocator: the packets go into a byte buffer, interned strings into
//! memory of a fixed size, both of them static.
//!
//! In the UI the track "motor" shows the moves of a stepper motor, with an instant where it meets its limit switch, and
//! the counter "position" the steps. When the buffer is full the recording ends, and what is in it is a whole trace.
//!
//! `record` and all below it uses `core` alone: this runs on a device, with `default-features = false`. `main` and `trace`
//! stand for the debugger or the serial line that fetches the bytes.
//!
//! ```text
//! cargo run -p pftrace --no-default-features --example no_std_buffer -- motor.pftrace
//! ```
#![no_std]

extern crate std;

use std::boxed::Box;
use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::println;
use std::sync::{Mutex, PoisonError};

use pftrace::{BufferSink, CounterTrack, TraceWriter, Track, Unit};

/// On a device: `static_cell::StaticCell`, or what else gives a `&'static mut` there.
static BUFFER: Mutex<[u8; 8 * 1024]> = Mutex::new([0; 8 * 1024]);
static STRINGS: Mutex<[u64; 128]> = Mutex::new([0; 128]);

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args_os().nth(1).map_or(env::temp_dir().join("no_std_buffer.pftrace"), PathBuf::from);
    let moves = trace(&path)?;
    println!("The buffer took {moves} moves. Drop {} on https://ui.perfetto.dev", path.display());
    Ok(())
}

/// Records, and fetches what was recorded.
pub(crate) fn trace(path: &Path) -> Result<u32, Box<dyn Error>> {
    let mut buffer = BUFFER.lock().unwrap_or_else(PoisonError::into_inner);
    let mut strings = STRINGS.lock().unwrap_or_else(PoisonError::into_inner);
    let (moves, bytes) = record(&mut buffer[..], &mut strings[..])?;
    fs::write(path, bytes)?;
    Ok(moves)
}

/// Moves the motor to and fro until the buffer is full. Returns how many moves were recorded whole, and the trace.
fn record<'b>(buffer: &'b mut [u8], strings: &mut [u64]) -> Result<(u32, &'b [u8]), pftrace::Error> {
    let mut trace = TraceWriter::in_buffer(buffer, strings);
    let tracks = Tracks {
        motor: trace.track("motor").describe()?,
        position: trace.counter_track("position").unit(Unit::Named("steps")).describe()?,
    };
    let mut motor = Motor { tracks, position: 0, microseconds: 0 };
    let mut moves = 0;
    for target in [300, -20, 150, 480].into_iter().cycle() {
        match motor.go_to(target, &mut trace) {
            Ok(()) => moves += 1,
            // This event is not in the trace, all before it are. Of the last move there may be the begin alone, which
            // the UI draws up to the end.
            Err(pftrace::Error::BufferFull { .. }) => break,
            Err(error) => return Err(error),
        }
    }
    Ok((moves, trace.finish()))
}

type Trace<'b, 's> = TraceWriter<BufferSink<'b>, &'s mut [u64]>;

struct Tracks {
    motor: Track,
    position: CounterTrack,
}

struct Motor {
    tracks: Tracks,
    position: i32,
    /// What the device's timer says.
    microseconds: u64,
}

/// Where the limit switch is.
const LIMIT: i32 = 400;
const MICROSECONDS_PER_STEP: u64 = 1_250;

impl Motor {
    fn go_to(&mut self, target: i32, trace: &mut Trace<'_, '_>) -> Result<(), pftrace::Error> {
        let (from, begin) = (self.position, self.nanoseconds());
        trace.begin_with(&mut self.tracks.motor, begin, "move", |event| {
            event.category("motor").arg("from", from).arg("to", target);
        })?;
        while self.position != target {
            self.position += (target - self.position).signum();
            self.microseconds += MICROSECONDS_PER_STEP;
            if self.position == LIMIT {
                trace.instant(&self.tracks.motor, self.nanoseconds(), "limit switch")?;
                break;
            }
            if self.position % 100 == 0 {
                trace.counter(&self.tracks.position, self.nanoseconds(), self.position)?;
            }
        }
        let (steps, end) = ((self.position - from).unsigned_abs(), self.nanoseconds());
        trace.end_with(&mut self.tracks.motor, end, |event| _ = event.arg("steps", steps))?;
        // The motor rests a moment.
        self.microseconds += 10_000;
        Ok(())
    }

    fn nanoseconds(&self) -> u64 {
        self.microseconds * 1_000
    }
}
