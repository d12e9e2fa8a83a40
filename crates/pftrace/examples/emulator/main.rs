//! A computer with a 6502, in simulated time.
//!
//! The program is `program.s`. It is assembled, loaded into the machine's ROM and run; what it prints goes to the
//! standard output. Then follows where the cycles went. The whole run is written as a trace, every instruction of it.
//!
//! In the UI the process "6502" has the functions and interrupts on its thread "cpu". Beside it are tracks of the
//! instructions, the ROM bank, the ports, the lines printed and the vertical blanks, and counters.
//!
//! ```text
//! cargo run -p pftrace --example emulator -- emulator.pftrace
//! ```

mod asm;
mod calls;
mod cpu;
mod isa;
mod machine;
mod observer;
mod trace;

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use crate::calls::{Call, Leave};
use crate::cpu::{Cpu, Interrupt};
use crate::machine::{Machine, Port};
use crate::observer::{Counter, Instruction, Observer};
use crate::trace::Tracer;

/// A program that runs away is stopped here, after ten seconds of its time.
const MAX_CYCLES: u64 = 17_897_727;

fn main() -> Result<(), Box<dyn Error>> {
    let program = asm::assemble(include_str!("program.s")).map_err(|error| format!("program.s: {error}"))?;
    let mut machine = Machine::new(&program)?;
    let mut summary = Summary::default();
    let default = || env::temp_dir().join("emulator.pftrace");
    let path = env::args_os().nth(1).map_or_else(default, PathBuf::from);
    let mut both = (&mut summary, Tracer::new(File::create(&path)?)?);
    let stop = machine.run(MAX_CYCLES, &mut both);
    both.1.finish()?;

    let mut out = io::stdout().lock();
    out.write_all(&summary.console)?;
    let (cycles, ns) = (machine.cycles(), machine::nanoseconds(machine.cycles()));
    writeln!(out, "\n{stop} after {cycles} cycles = {ns} ns")?;
    summary.write(&mut out)?;
    writeln!(out, "\nDrop {} on https://ui.perfetto.dev", path.display())?;
    Ok(())
}

/// Counts, and keeps what the program prints.
#[derive(Default)]
struct Summary {
    console: Vec<u8>,
    instructions: u64,
    interrupts: BTreeMap<&'static str, u64>,
    frames: u64,
    max_irq_latency: u64,
    max_stack_bytes: u64,
    /// When each open call began, and the cycles of those it called.
    open: Vec<(u64, u64)>,
    functions: BTreeMap<String, Profile>,
}

#[derive(Default)]
struct Profile {
    calls: u64,
    own_cycles: u64,
}

impl Summary {
    fn write(&self, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
        writeln!(out, "{} instructions, {} frames", self.instructions, self.frames)?;
        for (kind, count) in &self.interrupts {
            writeln!(out, "{count} {kind}s")?;
        }
        writeln!(out, "at most {} bytes of stack, {} cycles to an IRQ", self.max_stack_bytes, self.max_irq_latency)?;
        let mut functions: Vec<_> = self.functions.iter().collect();
        functions.sort_by_key(|(_, profile)| std::cmp::Reverse(profile.own_cycles));
        writeln!(out, "\n{:<16} {:>8} {:>10}", "function", "calls", "own cycles")?;
        for (name, profile) in functions {
            writeln!(out, "{name:<16} {:>8} {:>10}", profile.calls, profile.own_cycles)?;
        }
        Ok(())
    }
}

impl Observer for Summary {
    fn enter(&mut self, cycles: u64, _: &Call<'_>) {
        self.open.push((cycles, 0));
    }

    fn leave(&mut self, cycles: u64, call: &Call<'_>, _: Leave) {
        let Some((began, inner)) = self.open.pop() else { return };
        let all = cycles - began;
        if let Some((_, outer_inner)) = self.open.last_mut() {
            *outer_inner += all;
        }
        let profile = self.functions.entry(call.name().into()).or_default();
        profile.calls += 1;
        profile.own_cycles += all - inner;
    }

    fn instruction(&mut self, _: &Instruction, _: &Cpu) {
        self.instructions += 1;
    }

    fn interrupt(&mut self, _: u64, kind: Interrupt) {
        *self.interrupts.entry(kind.as_str()).or_default() += 1;
    }

    fn port_write(&mut self, _: u64, port: Port, value: u8) {
        if port == Port::Console {
            self.console.push(value);
        }
    }

    fn counter(&mut self, _: u64, counter: Counter, value: u64) {
        match counter {
            Counter::StackBytes => self.max_stack_bytes = self.max_stack_bytes.max(value),
            Counter::IrqLatency => self.max_irq_latency = self.max_irq_latency.max(value),
            Counter::Gauge(_) => {}
        }
    }

    fn frame(&mut self, _: u64, _: u64) {
        self.frames += 1;
    }
}
