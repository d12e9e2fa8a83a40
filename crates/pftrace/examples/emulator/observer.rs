//! What a run of the machine tells about itself.

use crate::calls::{Call, Leave};
use crate::cpu::{Cpu, Executed, Interrupt};
use crate::machine::Port;

/// Somebody who watches a run: a profiler, a tracer.
///
/// `cycles` is the simulated clock, counted from the end of the reset; it never goes back from one call to the next.
/// [`nanoseconds`](crate::machine::nanoseconds) converts it.
pub(crate) trait Observer {
    /// A function begins. Every `enter` is followed by its `leave`, properly nested.
    fn enter(&mut self, cycles: u64, call: &Call<'_>) {
        let _ = (cycles, call);
    }

    /// The innermost function ends.
    fn leave(&mut self, cycles: u64, call: &Call<'_>, how: Leave) {
        let _ = (cycles, call, how);
    }

    /// An instruction was executed; `cpu` is as it left it. What else the instruction did follows.
    fn instruction(&mut self, instruction: &Instruction, cpu: &Cpu) {
        let _ = (instruction, cpu);
    }

    /// The CPU takes an interrupt. The `enter` of its handler follows.
    fn interrupt(&mut self, cycles: u64, kind: Interrupt) {
        let _ = (cycles, kind);
    }

    /// The program wrote to a port.
    fn port_write(&mut self, cycles: u64, port: Port, value: u8) {
        let _ = (cycles, port, value);
    }

    /// A measured value is now `value`.
    fn counter(&mut self, cycles: u64, counter: Counter, value: u64) {
        let _ = (cycles, counter, value);
    }

    /// The vertical blank of frame `number` begins, with or without an NMI.
    fn frame(&mut self, cycles: u64, number: u64) {
        let _ = (cycles, number);
    }
}

/// Both watch, the first one first.
impl<A: Observer, B: Observer> Observer for (&mut A, B) {
    fn enter(&mut self, cycles: u64, call: &Call<'_>) {
        self.0.enter(cycles, call);
        self.1.enter(cycles, call);
    }

    fn leave(&mut self, cycles: u64, call: &Call<'_>, how: Leave) {
        self.0.leave(cycles, call, how);
        self.1.leave(cycles, call, how);
    }

    fn instruction(&mut self, instruction: &Instruction, cpu: &Cpu) {
        self.0.instruction(instruction, cpu);
        self.1.instruction(instruction, cpu);
    }

    fn interrupt(&mut self, cycles: u64, kind: Interrupt) {
        self.0.interrupt(cycles, kind);
        self.1.interrupt(cycles, kind);
    }

    fn port_write(&mut self, cycles: u64, port: Port, value: u8) {
        self.0.port_write(cycles, port, value);
        self.1.port_write(cycles, port, value);
    }

    fn counter(&mut self, cycles: u64, counter: Counter, value: u64) {
        self.0.counter(cycles, counter, value);
        self.1.counter(cycles, counter, value);
    }

    fn frame(&mut self, cycles: u64, number: u64) {
        self.0.frame(cycles, number);
        self.1.frame(cycles, number);
    }
}

/// An executed instruction, where and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instruction {
    pub(crate) executed: Executed,
    /// The ROM bank it was read from; `None` outside of the window.
    pub(crate) bank: Option<u8>,
    pub(crate) cycles_before: u64,
    pub(crate) cycles_after: u64,
}

/// What [`Observer::counter`] reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counter {
    /// Bytes between the stack pointer and the end of the stack, at each `enter` and `leave`.
    StackBytes,
    /// Cycles from the timer's request to its interrupt.
    IrqLatency,
    /// What the program wrote to this gauge port.
    Gauge(u8),
}
