//! Profiles the functions of an interpreted program: which were called, from where, for how long.
//!
//! A small stack machine computes a Fibonacci number by recursion. Each call is a slice, so the UI draws the calls on the
//! thread "cpu" as a flame: `main` on top, each `fib` below the one that called it. Click on a slice to see its argument
//! `n`, its `result`, and under `registers` the machine's registers at the moment of the call.
//!
//! Time is the machine's own: one instruction takes 250 ns. Nothing is measured, so each run gives the same trace.
//!
//! ```text
//! cargo run -p pftrace --example function_profiling -- fib.pftrace
//! ```

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};

use pftrace::{FileTraceWriter, TraceWriter, Track};

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args_os().nth(1).map_or(env::temp_dir().join("function_profiling.pftrace"), PathBuf::from);
    let result = trace(&path)?;
    println!("fib(9) = {result}. Drop {} on https://ui.perfetto.dev", path.display());
    Ok(())
}

/// Runs the program and writes its trace.
pub(crate) fn trace(path: &Path) -> Result<i64, Box<dyn Error>> {
    let mut trace = TraceWriter::create(path)?;
    // The machine is no process of this computer: its numbers are ours to choose, but not 0.
    let machine = trace.process_track(1).name("stack machine").describe()?;
    let cpu = trace.thread_track(&machine, 1).name("cpu").describe()?;

    let mut profiler = Profiler { trace, cpu };
    let result = Machine::default().run(&mut profiler)?;
    profiler.trace.finish()?;
    Ok(result)
}

/// What turns calls and returns into slices.
struct Profiler {
    trace: FileTraceWriter,
    cpu: Track,
}

impl Profiler {
    fn enter(&mut self, name: &str, machine: &Machine) -> Result<(), pftrace::Error> {
        let Machine { pc, fp, a, stack, .. } = machine;
        self.trace.begin_with(&mut self.cpu, machine.nanoseconds(), name, |event| {
            if let Some(n) = machine.argument() {
                event.arg("n", n);
            }
            event.category("call").dict("registers", |registers| {
                registers.pointer("pc", *pc as u64).arg("sp", stack.len()).arg("fp", *fp).arg("a", *a);
                if let Some(return_address) = machine.return_address() {
                    registers.pointer("return_address", return_address as u64);
                }
            });
        })
    }

    fn leave(&mut self, machine: &Machine) -> Result<(), pftrace::Error> {
        // What is said at the end of a slice is added to what was said at its begin.
        self.trace.end_with(&mut self.cpu, machine.nanoseconds(), |event| _ = event.arg("result", machine.a))
    }
}

#[derive(Clone, Copy)]
enum Op {
    Set(i64),
    Add(i64),
    LoadArgument,
    Push,
    AddPopped,
    JumpIfBelow(i64, usize),
    Call(usize),
    Return,
}

const FIB: usize = 4;

/// `main` calls `fib(9)`; `fib(n)` is `n` below 2, else `fib(n - 1) + fib(n - 2)`.
#[rustfmt::skip]
const PROGRAM: [Op; 16] = [
    Op::Set(9), Op::Push, Op::Call(FIB), Op::Return,
    Op::LoadArgument, Op::JumpIfBelow(2, 15), Op::Add(-1), Op::Push, Op::Call(FIB), Op::Push,
    Op::LoadArgument, Op::Add(-2), Op::Push, Op::Call(FIB), Op::AddPopped, Op::Return,
];

#[derive(Default)]
struct Machine {
    pc: usize,
    /// Where the frame of the running function begins on the stack: its argument, the return address and the old `fp` lie below.
    fp: usize,
    a: i64,
    stack: Vec<i64>,
    executed: u64,
}

impl Machine {
    fn run(&mut self, profiler: &mut Profiler) -> Result<i64, Box<dyn Error>> {
        profiler.enter("main", self)?;
        loop {
            let op = *PROGRAM.get(self.pc).ok_or_else(|| format!("no instruction at {}", self.pc))?;
            self.pc += 1;
            self.executed += 1;
            match op {
                Op::Set(value) => self.a = value,
                Op::Add(value) => self.a += value,
                Op::LoadArgument => self.a = self.argument().ok_or("no argument")?,
                Op::Push => self.stack.push(self.a),
                Op::AddPopped => self.a += self.pop()?,
                Op::JumpIfBelow(limit, target) if self.a < limit => self.pc = target,
                Op::JumpIfBelow(..) => {}
                Op::Call(target) => {
                    self.stack.extend([self.pc as i64, self.fp as i64]);
                    (self.pc, self.fp) = (target, self.stack.len());
                    profiler.enter("fib", self)?;
                }
                Op::Return => {
                    profiler.leave(self)?;
                    if self.fp == 0 {
                        return Ok(self.a);
                    }
                    (self.fp, self.pc) = (self.pop()? as usize, self.pop()? as usize);
                    self.pop()?; // the argument
                }
            }
        }
    }

    fn pop(&mut self) -> Result<i64, &'static str> {
        self.stack.pop().ok_or("the stack is empty")
    }

    fn argument(&self) -> Option<i64> {
        self.stack.get(self.fp.checked_sub(3)?).copied()
    }

    fn return_address(&self) -> Option<usize> {
        self.stack.get(self.fp.checked_sub(2)?).map(|address| *address as usize)
    }

    fn nanoseconds(&self) -> u64 {
        self.executed * 250
    }
}
