//! Which function is running: a stack of calls kept beside the 6502's own stack.
//!
//! A call is over when the stack pointer is back where it was before the call. So a program may do with its return
//! addresses what 6502 programs do:
//!
//! - `PHA PHA RTS` and `JMP` into another function are tail calls: the new function takes the place of the old one;
//! - text behind a `JSR`, whose reader pulls the return address and pushes another: still one call and one return;
//! - `PLA PLA RTS`, to return to the caller's caller: both calls are over;
//! - `LDX saved / TXS`, to leave many calls at once: all of them are over.
//!
//! Given up: a function that pulls its own return address, calls another one, and then pushes it again, seems to be
//! over at that call.
//!
//! A program that goes wrong cannot make this grow: of two calls the inner one has the lower stack pointer, or it is an
//! interrupt in a call, so there are at most two for each of the 256 values.

use std::borrow::Cow;

use crate::asm::{Function, Image};
use crate::cpu::{Cpu, Executed};
use crate::isa::Mnemonic;
use crate::observer::{Counter, Observer};

/// A function that is running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Call<'p> {
    pub(crate) kind: CallKind,
    /// `None` if the program has no function there.
    pub(crate) function: Option<&'p Function>,
    pub(crate) bank: Option<u8>,
    /// Where the function starts.
    pub(crate) entry: u16,
    /// The instruction that called, or in front of which the interrupt was taken.
    pub(crate) caller: u16,
    pub(crate) return_address: u16,
    /// Whether it was an interrupt that pushed the return address; tail calls do not change that.
    pub(crate) interrupts: bool,
    /// The stack pointer before the call, and again after it.
    pub(crate) sp: u8,
}

impl Call<'_> {
    pub(crate) fn name(&self) -> Cow<'_, str> {
        match self.function {
            Some(function) => Cow::Borrowed(&function.name),
            None => Cow::Owned(format!("sub_{:04x}", self.entry)),
        }
    }
}

/// How a function was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallKind {
    Reset,
    Jsr,
    /// Without a return address of its own: it returns for the function before it.
    Tail,
    Brk,
    Irq,
    Nmi,
}

/// How a function was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leave {
    /// By `RTS` or `RTI`.
    Return,
    /// Another function took its place.
    Tail,
    /// Its return address was dropped from the stack.
    Abandoned,
    /// The run ended inside of it.
    Stop,
}

/// The calls that are open, the outermost first.
#[derive(Debug)]
pub(crate) struct CallStack<'p> {
    image: &'p Image,
    calls: Vec<Call<'p>>,
}

impl<'p> CallStack<'p> {
    pub(crate) fn new(image: &'p Image) -> Self {
        CallStack { image, calls: Vec::new() }
    }

    #[cfg(test)]
    pub(crate) fn depth(&self) -> usize {
        self.calls.len()
    }

    /// The outermost call, which nothing returns from.
    pub(crate) fn reset(&mut self, cpu: &Cpu, bank: Option<u8>, observer: &mut impl Observer) {
        let site = Site { cycles: 0, sp: cpu.sp, cpu: *cpu, bank };
        self.enter(CallKind::Reset, cpu.pc, cpu.pc, site, observer);
    }

    /// Follows an instruction that moved the CPU to `site`, with the stack pointer at `site.sp` before it.
    pub(crate) fn instruction(&mut self, executed: &Executed, site: Site, observer: &mut impl Observer) {
        let pc = executed.pc;
        match executed.mnemonic {
            Mnemonic::Jsr => return self.call(CallKind::Jsr, pc, pc.wrapping_add(3), site, observer),
            Mnemonic::Brk => return self.call(CallKind::Brk, pc, pc.wrapping_add(2), site, observer),
            Mnemonic::Rts | Mnemonic::Rti => self.returned(site, observer),
            Mnemonic::Txs => self.leave_below(site.cpu.sp, true, site, observer),
            _ => {}
        }
        self.tail_call(pc, site, observer);
    }

    /// Follows the entry of an interrupt in front of the instruction at `pc`.
    pub(crate) fn interrupt(&mut self, kind: CallKind, pc: u16, site: Site, observer: &mut impl Observer) {
        self.leave_below(site.sp, false, site, observer);
        // Its handler dropped what was pushed here before.
        while self.calls.len() > 1 && self.last_is(|call| call.sp == site.sp && call.interrupts) {
            self.leave(Leave::Abandoned, site, observer);
        }
        self.enter(kind, pc, pc, site, observer);
    }

    /// Closes what is open at the end of the run.
    pub(crate) fn stop(&mut self, site: Site, observer: &mut impl Observer) {
        while !self.calls.is_empty() {
            self.leave(Leave::Stop, site, observer);
        }
    }

    fn call(&mut self, kind: CallKind, pc: u16, return_address: u16, site: Site, observer: &mut impl Observer) {
        self.leave_below(site.sp, true, site, observer);
        self.enter(kind, pc, return_address, site, observer);
    }

    fn returned(&mut self, site: Site, observer: &mut impl Observer) {
        let sp = site.cpu.sp;
        self.leave_below(sp, false, site, observer);
        if self.calls.len() > 1 && self.last_is(|call| call.sp == sp) {
            self.leave(Leave::Return, site, observer);
        }
    }

    /// If the CPU came to the start of another function without a call, that one continues for this one.
    fn tail_call(&mut self, pc: u16, site: Site, observer: &mut impl Observer) {
        let Some(function) = self.image.function_at(site.bank, site.cpu.pc) else {
            return;
        };
        let Some(call) = self.calls.last().copied() else { return };
        if call.function != Some(function) {
            self.leave(Leave::Tail, site, observer);
            let (entry, caller) = (site.cpu.pc, pc);
            let next = Call { kind: CallKind::Tail, function: Some(function), bank: site.bank, entry, caller, ..call };
            self.push(next, site, observer);
        }
    }

    /// Leaves the calls whose return address is no longer on the stack: those that began below `sp`, or at it.
    fn leave_below(&mut self, sp: u8, or_at: bool, site: Site, observer: &mut impl Observer) {
        while self.calls.len() > 1 && self.last_is(|call| call.sp < sp || or_at && call.sp == sp) {
            self.leave(Leave::Abandoned, site, observer);
        }
    }

    fn last_is(&self, test: impl Fn(&Call<'_>) -> bool) -> bool {
        self.calls.last().is_some_and(test)
    }

    fn enter(&mut self, kind: CallKind, caller: u16, return_address: u16, site: Site, observer: &mut impl Observer) {
        let (bank, entry) = (site.bank, site.cpu.pc);
        let function = self.image.function_at(bank, entry);
        let interrupts = matches!(kind, CallKind::Irq | CallKind::Nmi);
        self.push(
            Call { kind, function, bank, entry, caller, return_address, interrupts, sp: site.sp },
            site,
            observer,
        );
    }

    fn push(&mut self, call: Call<'p>, site: Site, observer: &mut impl Observer) {
        observer.enter(site.cycles, &call);
        observer.counter(site.cycles, Counter::StackBytes, site.stack_bytes());
        self.calls.push(call);
    }

    fn leave(&mut self, how: Leave, site: Site, observer: &mut impl Observer) {
        if let Some(call) = self.calls.pop() {
            observer.leave(site.cycles, &call, how);
            observer.counter(site.cycles, Counter::StackBytes, site.stack_bytes());
        }
    }
}

/// Where and when the CPU is after a step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site {
    pub(crate) cycles: u64,
    /// The stack pointer before the step.
    pub(crate) sp: u8,
    /// The CPU after the step.
    pub(crate) cpu: Cpu,
    /// The bank at its PC.
    pub(crate) bank: Option<u8>,
}

impl Site {
    fn stack_bytes(&self) -> u64 {
        (0xff - self.cpu.sp).into()
    }
}
