//! A frame loop with a flight recorder: when a frame is late, the last two seconds are saved, and what comes of it.
//!
//! Particles fall and bounce, 60 frames a second; now and then a level is loaded, and once that takes far too long. Nothing is written while
//! all goes well: the buffer has the newest and forgets the oldest. The late frame triggers a snapshot.
//!
//! In the UI: hundreds of frames on the main thread, one of them wide. Select it: it was the loading of a level, within "update". The
//! curve "frame ms" has a spike; the thread "mixer" went on meanwhile.
//!
//! ```text
//! cargo run -p pftrace --example recording_frames -- /tmp
//! ```

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use std::{env, thread};

use pftrace::{
    FlightRecorder, LogPriority, NamedCounter, Policy, Report, Session, SessionError, Trigger, counter, end, instant,
    slice,
};

pftrace::categories! {
    /// Frames and their parts.
    GAME = "game";
    /// Details, in large numbers.
    #[tags("detail")]
    CELLS = "game.cells";
    /// Sound.
    SOUND = "sound";
}

static FRAME_MS: NamedCounter = NamedCounter::new("frame ms");

/// What a frame may take, and what nobody overlooks any more.
pub(crate) const BUDGET: Duration = Duration::from_nanos(1_000_000_000 / 60);
pub(crate) const LATE: Duration = BUDGET.saturating_mul(3);
/// So much of what comes behind a late frame is saved with it.
const AFTER: Duration = Duration::from_millis(200);
/// A snapshot reaches back as far as the buffer does. This program records about 100 KB a second, as the report of one of a known length says:
/// so this is two seconds, `AFTER`, and half a second for safety.
const BUFFER_BYTES: usize = 320 << 10;

pub(crate) const FRAMES: u64 = 300;
pub(crate) const PARTICLES: usize = 2_000;
/// The level that this frame loads is too large.
pub(crate) const SLOW: u64 = 260;

fn main() -> Result<(), SessionError> {
    let folder = env::args_os().nth(1).map_or(env::temp_dir(), PathBuf::from);
    let Summary { saved, frames, report } = trace(&folder)?;
    println!("{} frames, the slowest took {:?}", frames.len(), frames.iter().max().unwrap_or(&Duration::ZERO));
    for Saved { frame, path, report } in &saved {
        println!("frame {frame} was late: {report}");
        println!("Drop {} on https://ui.perfetto.dev", path.display());
    }
    println!("{} events were recorded and forgotten", report.overwritten);
    Ok(())
}

/// A late frame.
pub(crate) struct Saved {
    pub(crate) frame: u64,
    pub(crate) path: PathBuf,
    pub(crate) report: Report,
}

pub(crate) struct Summary {
    pub(crate) saved: Vec<Saved>,
    /// How long each frame took.
    pub(crate) frames: Vec<Duration>,
    pub(crate) report: Report,
}

/// Plays, with a flight recorder. A snapshot of each late frame goes into `folder`.
pub(crate) fn trace(folder: &Path) -> Result<Summary, SessionError> {
    let session = Session::builder()
        .policy(Policy::FlightRecorder)
        .buffer_bytes(BUFFER_BYTES)
        // Where the program ends in a panic, that is what led to it.
        .snapshot_on_panic(folder.join("panic.pftrace"))
        .start()?;
    let mut watch = Watch { recorder: session.recorder(), folder: folder.into(), until: None, pending: Vec::new() };
    let frames = thread::scope(|scope| {
        // The mixer stops when `playing` is gone: also in a panic.
        let (playing, over) = channel();
        let mixer = thread::Builder::new().name("mixer".into());
        mixer.spawn_scoped(scope, move || mix(&over)).expect("a thread");
        let frames = play(&mut watch);
        drop(playing);
        frames
    })?;
    let saved = watch.pending.into_iter().map(|(frame, path, trigger)| {
        // Its own thread has written it, or is about to.
        Ok(Saved { frame, path, report: trigger.wait()? })
    });
    let saved = saved.collect::<Result<_, SessionError>>()?;
    Ok(Summary { saved, frames, report: session.stop()? })
}

/// Has the flight recorder save what is to be looked at later.
struct Watch {
    recorder: FlightRecorder,
    folder: PathBuf,
    /// What happens before is in the snapshot that was triggered last.
    until: Option<Instant>,
    pending: Vec<(u64, PathBuf, Trigger)>,
}

impl Watch {
    fn frame_took(&mut self, frame: u64, took: Duration) -> Result<(), SessionError> {
        let now = Instant::now();
        if took < LATE || self.until.is_some_and(|until| now < until) {
            return Ok(());
        }
        instant!(log: (LogPriority::Warn, format_args!("frame {frame} took {took:?}")), GAME, "late", frame);
        let path = self.folder.join(format!("late-{frame}.pftrace"));
        // It returns at once; a thread of its own waits and writes, while the game goes on.
        self.pending.push((frame, path.clone(), self.recorder.trigger(AFTER, &path)?));
        self.until = Some(now + AFTER);
        Ok(())
    }
}

/// All frames, each when it is due. Returns how long each took.
fn play(watch: &mut Watch) -> Result<Vec<Duration>, SessionError> {
    let mut world = World::new(PARTICLES);
    let mut pixels = vec![0; WIDTH * HEIGHT];
    let mut due = Instant::now();
    let mut frames = Vec::new();
    for number in 0..FRAMES {
        let begin = Instant::now();
        let frame = slice!(GAME, "frame", number);
        world.update(number);
        let drawn = world.draw(&mut pixels);
        end!(slice: frame, drawn);
        let took = begin.elapsed();
        counter!(track: &FRAME_MS, GAME, took.as_secs_f64() * 1e3);
        watch.frame_took(number, took)?;
        frames.push(took);
        // A late frame delays those behind it: they do not try to catch up.
        due = (due + BUDGET).max(Instant::now());
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    Ok(frames)
}

const WIDTH: usize = 160;
const HEIGHT: usize = 90;
/// The world is cut into columns of so many pixels.
const CELL: usize = 10;

struct Particle {
    x: f32,
    y: f32,
    dx: f32,
    dy: f32,
}

struct World {
    /// By columns.
    cells: Vec<Vec<Particle>>,
}

impl World {
    fn new(count: usize) -> Self {
        let mut cells: Vec<_> = (0..WIDTH / CELL).map(|_| Vec::new()).collect();
        // Nothing here has to be random: it only has to move.
        for i in 0..count {
            let (x, y) = ((i * 37 % WIDTH) as f32, (i * 53 % HEIGHT) as f32);
            let (dx, dy) = ((i % 7) as f32 / 7.0 - 0.5, (i % 5) as f32 / 5.0);
            cells[x as usize / CELL].push(Particle { x, y, dx, dy });
        }
        Self { cells }
    }

    fn update(&mut self, frame: u64) {
        let _update = slice!(GAME, "update");
        if frame % 100 == SLOW % 100 {
            load_level(frame);
        }
        let mut leaving = Vec::new();
        for (column, cell) in self.cells.iter_mut().enumerate() {
            let moving = slice!(CELLS, "move", column, particles = cell.len());
            cell.iter_mut().for_each(Particle::step);
            let before = leaving.len();
            let mut at = 0;
            while let Some(particle) = cell.get(at) {
                if particle.column() == column {
                    at += 1;
                } else {
                    leaving.push(cell.swap_remove(at));
                }
            }
            end!(slice: moving, left = leaving.len() - before);
        }
        leaving.into_iter().for_each(|particle| self.cells[particle.column()].push(particle));
    }

    /// Returns how many pixels there are to see.
    fn draw(&self, pixels: &mut [u32]) -> usize {
        let _draw = slice!(GAME, "draw");
        pixels.fill(0);
        for (column, cell) in self.cells.iter().enumerate() {
            let _paint = slice!(CELLS, "paint", column);
            cell.iter().for_each(|particle| pixels[particle.pixel()] += 1);
        }
        pixels.iter().filter(|pixel| **pixel != 0).count()
    }
}

impl Particle {
    fn step(&mut self) {
        self.dy += 0.02;
        let bounce = |at: &mut f32, by: &mut f32, end: f32| {
            if !(0.0..end).contains(&(*at + *by)) {
                *by = -*by * 0.9;
            }
            *at = (*at + *by).clamp(0.0, end - 1.0);
        };
        bounce(&mut self.x, &mut self.dx, WIDTH as f32);
        bounce(&mut self.y, &mut self.dy, HEIGHT as f32);
    }

    fn column(&self) -> usize {
        self.x as usize / CELL
    }

    fn pixel(&self) -> usize {
        self.y as usize * WIDTH + self.x as usize
    }
}

/// What should have been done in another thread, or piece by piece.
fn load_level(frame: u64) {
    let _load = slice!(GAME, "load level", level = frame / 100);
    // What a slow disk does.
    thread::sleep(if frame == SLOW { 2 * LATE } else { BUDGET / 4 });
}

/// The mixer has another rhythm: each 10 ms.
fn mix(over: &Receiver<()>) {
    let mut phase = 0.0_f32;
    while over.recv_timeout(Duration::from_millis(10)) == Err(RecvTimeoutError::Timeout) {
        let mixing = slice!(SOUND, "mix");
        let samples = (0..441).map(|_| {
            phase = (phase + 0.06) % std::f32::consts::TAU;
            phase.sin()
        });
        end!(slice: mixing, loudest = samples.fold(0.0, f32::max));
    }
}
