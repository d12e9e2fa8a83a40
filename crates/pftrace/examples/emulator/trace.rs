//! Writes a run as a Perfetto trace, in the machine's own time.
//!
//! ```text
//! 6502                    the machine, as a process
//!   cpu                   functions and interrupt handlers, called by each other
//!   instructions          every instruction
//!   console               every line that is printed, from its first character to its end
//!   frames                the vertical blanks
//!   ROM bank              which bank is in the window, as slices without a gap
//!   ports                 every write to a port
//!   cycles, stack …       counters
//! ```

use std::io::Write;

use pftrace::{CounterTrack, Error, IoSink, TraceWriter, Track, Unit};

use crate::calls::{Call, CallKind, Leave};
use crate::cpu::{Cpu, Interrupt};
use crate::machine::{Port, nanoseconds};
use crate::observer::{Counter, Instruction, Observer};

/// What `program.s` shows on its gauges.
const GAUGES: [&str; 3] = ["primes found", "disks moved", "frames seen"];

/// Writes what it observes.
pub(crate) struct Tracer<W: Write> {
    trace: TraceWriter<IoSink<W>>,
    tracks: Tracks,
    line: Line,
    /// When the last thing happened.
    cycles: u64,
    /// The first error; nothing is written after it.
    result: Result<(), Error>,
}

struct Tracks {
    cpu: Track,
    instructions: Track,
    console: Track,
    frames: Track,
    bank: Track,
    ports: Track,
    cycles: CounterTrack,
    stack: CounterTrack,
    irq_latency: CounterTrack,
    gauges: [CounterTrack; 3],
}

/// The line that is being printed.
#[derive(Default)]
struct Line {
    text: String,
    began: u64,
}

impl<W: Write> Tracer<W> {
    /// Describes the tracks.
    ///
    /// # Errors
    ///
    /// They could not be written.
    pub(crate) fn new(writer: W) -> Result<Self, Error> {
        let mut trace = TraceWriter::new(writer);
        let mut tracks = Tracks::describe(&mut trace)?;
        trace.begin(&mut tracks.bank, nanoseconds(0), &bank_name(0))?;
        Ok(Tracer { trace, tracks, line: Line::default(), cycles: 0, result: Ok(()) })
    }

    /// Ends the trace.
    ///
    /// # Errors
    ///
    /// The first error of the whole trace.
    pub(crate) fn finish(mut self) -> Result<W, Error> {
        // The last line may have no end.
        self.print(self.cycles, '\n');
        let end = nanoseconds(self.cycles);
        self.record(|trace, tracks| trace.end(&mut tracks.bank, end));
        self.result?;
        self.trace.finish()
    }

    fn record(&mut self, write: impl FnOnce(&mut TraceWriter<IoSink<W>>, &mut Tracks) -> Result<(), Error>) {
        if self.result.is_ok() {
            self.result = write(&mut self.trace, &mut self.tracks);
        }
    }

    fn print(&mut self, cycles: u64, character: char) {
        if character != '\n' {
            if self.line.text.is_empty() {
                self.line.began = cycles;
            }
            return self.line.text.push(character);
        }
        let Line { text, began } = std::mem::take(&mut self.line);
        if !text.is_empty() {
            // The line is known only now; on its own track it may still begin in the past.
            self.record(|trace, tracks| {
                trace.slice(&mut tracks.console, nanoseconds(began), nanoseconds(cycles), &text)
            });
        }
    }
}

impl Tracks {
    fn describe<W: Write>(trace: &mut TraceWriter<IoSink<W>>) -> Result<Self, Error> {
        let machine = trace.process_track(1).name("6502").describe()?;
        let cpu = trace.thread_track(&machine, 1).name("cpu").describe()?;
        let [primes, disks, frames] =
            GAUGES.map(|name| trace.counter_track(name).parent(&machine).unit(Unit::Count).describe());
        Ok(Tracks {
            cpu,
            instructions: trace.track("instructions").parent(&machine).describe()?,
            console: trace.track("console").parent(&machine).describe()?,
            frames: trace.track("frames").parent(&machine).describe()?,
            bank: trace.track("ROM bank").parent(&machine).describe()?,
            ports: trace.track("ports").parent(&machine).describe()?,
            cycles: trace.counter_track("cycles").parent(&machine).unit(Unit::Named("cycles")).describe()?,
            stack: trace.counter_track("stack").parent(&machine).unit(Unit::SizeBytes).describe()?,
            irq_latency: trace.counter_track("IRQ latency").parent(&machine).unit(Unit::Named("cycles")).describe()?,
            gauges: [primes?, disks?, frames?],
        })
    }
}

impl<W: Write> Observer for Tracer<W> {
    fn enter(&mut self, cycles: u64, call: &Call<'_>) {
        self.record(|trace, tracks| {
            trace.begin_with(&mut tracks.cpu, nanoseconds(cycles), &call.name(), |event| {
                event.category(category(call.kind)).pointer("entry", call.entry.into());
                event.pointer("called at", call.caller.into()).pointer("returns to", call.return_address.into());
                event.pointer("sp", call.sp.into());
                if let Some(bank) = call.bank {
                    event.arg("bank", bank);
                }
                if let Some(function) = call.function {
                    event.source_location("program.s", &function.name, function.line as u32);
                }
            })
        });
    }

    fn leave(&mut self, cycles: u64, _: &Call<'_>, how: Leave) {
        self.cycles = cycles;
        let how = match how {
            Leave::Return => None,
            Leave::Tail => Some("by a tail call"),
            Leave::Abandoned => Some("its return address was dropped"),
            Leave::Stop => Some("the run ended"),
        };
        self.record(|trace, tracks| {
            trace.end_with(&mut tracks.cpu, nanoseconds(cycles), |event| {
                if let Some(how) = how {
                    event.arg("left", how);
                }
            })
        });
    }

    fn instruction(&mut self, instruction: &Instruction, cpu: &Cpu) {
        let Instruction { executed, bank, cycles_before, cycles_after } = instruction;
        self.record(|trace, tracks| {
            let (begin, end) = (nanoseconds(*cycles_before), nanoseconds(*cycles_after));
            trace.slice_with(&mut tracks.instructions, begin, end, executed.mnemonic.as_str(), |event| {
                event.pointer("pc", executed.pc.into()).pointer("opcode", executed.opcode.into());
                if let Some(at) = executed.address {
                    event.pointer("address", at.into());
                }
                if let Some(bank) = bank {
                    event.arg("bank", *bank);
                }
                event.arg("a", cpu.a).arg("x", cpu.x).arg("y", cpu.y);
            })
        });
    }

    fn interrupt(&mut self, cycles: u64, kind: Interrupt) {
        self.record(|trace, tracks| {
            trace.instant(&tracks.cpu, nanoseconds(cycles), kind.as_str())?;
            trace.counter(&tracks.cycles, nanoseconds(cycles), cycles)
        });
    }

    fn port_write(&mut self, cycles: u64, port: Port, value: u8) {
        self.record(|trace, tracks| {
            trace.instant_with(&tracks.ports, nanoseconds(cycles), port.as_str(), |event| {
                event.category("io").arg("value", value);
                if let Port::Gauge(number) = port {
                    event.arg("gauge", number);
                }
            })
        });
        match port {
            Port::Console => self.print(cycles, value.into()),
            Port::Bank => self.record(|trace, tracks| {
                trace.end(&mut tracks.bank, nanoseconds(cycles))?;
                trace.begin(&mut tracks.bank, nanoseconds(cycles), &bank_name(value))
            }),
            _ => {}
        }
    }

    fn counter(&mut self, cycles: u64, counter: Counter, value: u64) {
        self.record(|trace, tracks| {
            let track = match counter {
                Counter::StackBytes => Some(&tracks.stack),
                Counter::IrqLatency => Some(&tracks.irq_latency),
                Counter::Gauge(number) => tracks.gauges.get(usize::from(number)),
            };
            track.map_or(Ok(()), |track| trace.counter(track, nanoseconds(cycles), value))
        });
    }

    fn frame(&mut self, cycles: u64, number: u64) {
        self.record(|trace, tracks| {
            trace.instant_with(&tracks.frames, nanoseconds(cycles), "vertical blank", |event| {
                event.arg("frame", number);
            })?;
            trace.counter(&tracks.cycles, nanoseconds(cycles), cycles)
        });
    }
}

fn category(kind: CallKind) -> &'static str {
    match kind {
        CallKind::Reset => "reset",
        CallKind::Jsr | CallKind::Tail => "function",
        CallKind::Brk | CallKind::Irq | CallKind::Nmi => "interrupt",
    }
}

fn bank_name(bank: u8) -> String {
    format!("bank {bank}")
}
