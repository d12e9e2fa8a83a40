//! A small machine around the CPU: memory, a banked ROM, ports, a timer and a screen that only blanks.
//!
//! ```text
//! $0000-$7EFF  RAM; the zero page and the stack are in it
//! $7F00-$7FFF  ports, see `Port`
//! $8000-$BFFF  a window on one of the ROM banks of 16 KiB
//! $C000-$FFFF  ROM that is always there, with the vectors
//! ```
//!
//! Everything happens in simulated time, counted in cycles of the CPU. The timer raises IRQ every so many cycles until
//! the program acknowledges it. A frame takes 29780.5 cycles, and each begins with a vertical blank that raises NMI.

use std::fmt;
use std::ops::RangeInclusive;

use crate::asm::Image;
use crate::calls::{CallKind, CallStack, Site};
use crate::cpu::{Bus, Cpu, IllegalOpcode, Interrupt, Step};
use crate::observer::{Counter, Instruction, Observer};

const PORTS: RangeInclusive<u16> = 0x7f00..=0x7fff;
const WINDOW: RangeInclusive<u16> = 0x8000..=0xbfff;
const FIXED: RangeInclusive<u16> = 0xc000..=0xffff;
const BANK_LEN: usize = 0x4000;
const MAX_BANKS: u8 = 16;

/// Half cycles per frame: 262 lines of 113 2/3 cycles, less half a cycle on average.
const FRAME_HALF_CYCLES: u64 = 59_561;

/// When a cycle begins, in nanoseconds, rounded down: the clock is NTSC's 315/88 MHz divided by two.
///
/// Computed from the start each time, so that nothing adds up.
pub(crate) fn nanoseconds(cycles: u64) -> u64 {
    // 63 cycles take exactly 35200 ns.
    let (whole, part) = (cycles / 63, cycles % 63);
    whole * 35_200 + part * 35_200 / 63
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The program wrote this to the exit port.
    Exit(u8),
    IllegalOpcode(IllegalOpcode),
    /// The given number of cycles was reached.
    CycleLimit,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::Exit(code) => write!(f, "exit with code {code}"),
            Stop::IllegalOpcode(illegal) => illegal.fmt(f),
            Stop::CycleLimit => write!(f, "cycle limit reached"),
        }
    }
}

/// The machine with a program in its ROM.
#[derive(Debug)]
pub(crate) struct Machine<'p> {
    cpu: Cpu,
    hardware: Hardware,
    calls: CallStack<'p>,
    cycles: u64,
}

impl<'p> Machine<'p> {
    /// Loads the program and resets the CPU.
    ///
    /// # Errors
    ///
    /// A part of the program is not where ROM is.
    pub(crate) fn new(program: &'p Image) -> Result<Self, LoadError> {
        let mut hardware = Hardware::with_rom(program)?;
        let cpu = Cpu::after_reset(&mut hardware);
        Ok(Machine { cpu, hardware, calls: CallStack::new(program), cycles: 0 })
    }

    /// Runs until the program ends, or until `max_cycles` have passed since the reset.
    pub(crate) fn run(&mut self, max_cycles: u64, observer: &mut impl Observer) -> Stop {
        self.calls.reset(&self.cpu, self.hardware.bank_at(self.cpu.pc), observer);
        let stop = loop {
            if self.cycles >= max_cycles {
                break Stop::CycleLimit;
            }
            if let Err(illegal) = self.step(observer) {
                break Stop::IllegalOpcode(illegal);
            }
            if let Some(code) = self.hardware.exit {
                break Stop::Exit(code);
            }
        };
        let site = self.site(self.cpu.sp);
        self.calls.stop(site, observer);
        stop
    }

    pub(crate) fn cycles(&self) -> u64 {
        self.cycles
    }

    /// A byte of RAM, for who looks from outside.
    #[cfg(test)]
    pub(crate) fn ram(&self, address: u16) -> u8 {
        self.hardware.ram[usize::from(address) % RAM_LEN]
    }

    #[cfg(test)]
    pub(crate) fn depth(&self) -> usize {
        self.calls.depth()
    }

    fn step(&mut self, observer: &mut impl Observer) -> Result<(), IllegalOpcode> {
        self.raise_interrupts(observer);
        let Cpu { pc, sp, .. } = self.cpu;
        let (bank, cycles_before) = (self.hardware.bank_at(pc), self.cycles);
        match self.cpu.step(&mut self.hardware)? {
            Step::Instruction(executed) => {
                self.cycles += u64::from(executed.cycles);
                let cycles_after = self.cycles;
                observer.instruction(&Instruction { executed, bank, cycles_before, cycles_after }, &self.cpu);
                self.report_port(observer);
                // Where the last instruction leads to does not run any more.
                if self.hardware.exit.is_none() {
                    let site = self.site(sp);
                    self.calls.instruction(&executed, site, observer);
                }
            }
            Step::Interrupt { kind, cycles } => {
                observer.interrupt(cycles_before, kind);
                self.report_latency(kind, observer);
                // The cycles of the entry are the handler's.
                let site = self.site(sp);
                self.calls.interrupt(call_kind(kind), pc, site, observer);
                self.cycles += u64::from(cycles);
            }
        }
        Ok(())
    }

    fn raise_interrupts(&mut self, observer: &mut impl Observer) {
        self.hardware.now = self.cycles;
        self.hardware.timer.advance(self.cycles);
        self.cpu.irq_line = self.hardware.timer.requested_at.is_some();
        if self.hardware.next_frame_at() <= self.cycles {
            observer.frame(self.cycles, self.hardware.frame);
            self.hardware.frame += 1;
            self.cpu.nmi_pending |= self.hardware.nmi_enabled;
        }
    }

    fn report_port(&mut self, observer: &mut impl Observer) {
        let Some((port, value)) = self.hardware.written.take() else {
            return;
        };
        observer.port_write(self.cycles, port, value);
        if let Port::Gauge(number) = port {
            observer.counter(self.cycles, Counter::Gauge(number), value.into());
        }
    }

    fn report_latency(&self, kind: Interrupt, observer: &mut impl Observer) {
        if let (Interrupt::Irq, Some(requested_at)) = (kind, self.hardware.timer.requested_at) {
            observer.counter(self.cycles, Counter::IrqLatency, self.cycles - requested_at);
        }
    }

    fn site(&self, sp: u8) -> Site {
        Site { cycles: self.cycles, sp, cpu: self.cpu, bank: self.hardware.bank_at(self.cpu.pc) }
    }
}

fn call_kind(kind: Interrupt) -> CallKind {
    match kind {
        Interrupt::Irq => CallKind::Irq,
        Interrupt::Nmi => CallKind::Nmi,
    }
}

/// A port, by its address from $7F00 on. Ports without a line about reading read as zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Port {
    /// $7F00: prints a character.
    Console,
    /// $7F01: which bank is in the window. Can be read.
    Bank,
    /// $7F02: ends the run.
    Exit,
    /// $7F03: the low byte of the timer's period in cycles.
    TimerLow,
    /// $7F04: the high byte; starts the timer, or with a period of zero stops it, and drops a request not yet taken.
    TimerHigh,
    /// $7F05: acknowledges the timer's IRQ. Reads bit 7 set while there is one.
    TimerAck,
    /// $7F06: bit 7 lets vertical blanks raise NMI.
    NmiEnable,
    /// $7F08-$7F0F: gauges, for who watches.
    Gauge(u8),
}

impl Port {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Port::Console => "console",
            Port::Bank => "bank",
            Port::Exit => "exit",
            Port::TimerLow => "timer low",
            Port::TimerHigh => "timer high",
            Port::TimerAck => "timer ack",
            Port::NmiEnable => "NMI enable",
            Port::Gauge(_) => "gauge",
        }
    }

    fn at(address: u16) -> Option<Port> {
        if !PORTS.contains(&address) {
            return None;
        }
        match address as u8 {
            0x00 => Some(Port::Console),
            0x01 => Some(Port::Bank),
            0x02 => Some(Port::Exit),
            0x03 => Some(Port::TimerLow),
            0x04 => Some(Port::TimerHigh),
            0x05 => Some(Port::TimerAck),
            0x06 => Some(Port::NmiEnable),
            low @ 0x08..=0x0f => Some(Port::Gauge(low - 0x08)),
            _ => None,
        }
    }
}

const RAM_LEN: usize = 0x7f00;

/// What is on the bus beside the CPU.
struct Hardware {
    ram: Vec<u8>,
    banks: Vec<Vec<u8>>,
    fixed: Vec<u8>,
    bank: u8,
    timer: Timer,
    frame: u64,
    nmi_enabled: bool,
    exit: Option<u8>,
    /// The port that the current instruction wrote; none writes two.
    written: Option<(Port, u8)>,
    /// When the current instruction began, in cycles.
    now: u64,
}

impl fmt::Debug for Hardware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hardware").field("bank", &self.bank).field("timer", &self.timer).finish_non_exhaustive()
    }
}

impl Hardware {
    fn with_rom(program: &Image) -> Result<Self, LoadError> {
        let last_bank = program.segments.iter().filter_map(|segment| segment.bank).max().unwrap_or(0);
        let mut hardware = Hardware {
            ram: vec![0; RAM_LEN],
            banks: vec![vec![0xff; BANK_LEN]; usize::from(last_bank.min(MAX_BANKS - 1)) + 1],
            fixed: vec![0xff; BANK_LEN],
            bank: 0,
            timer: Timer::default(),
            frame: 0,
            nmi_enabled: false,
            exit: None,
            written: None,
            now: 0,
        };
        for segment in &program.segments {
            let (bank, origin) = (segment.bank, segment.origin);
            let room = hardware.rom_from(bank, origin).and_then(|rom| rom.get_mut(..segment.bytes.len()));
            room.ok_or(LoadError { bank, origin, len: segment.bytes.len() })?.copy_from_slice(&segment.bytes);
        }
        Ok(hardware)
    }

    /// The ROM from an address to the end of its bank.
    fn rom_from(&mut self, bank: Option<u8>, address: u16) -> Option<&mut [u8]> {
        let rom = match bank {
            Some(bank) if WINDOW.contains(&address) => self.banks.get_mut(usize::from(bank))?,
            None if FIXED.contains(&address) => &mut self.fixed,
            _ => return None,
        };
        rom.get_mut(usize::from(address) % BANK_LEN..)
    }

    /// The bank that an address is in now.
    fn bank_at(&self, address: u16) -> Option<u8> {
        WINDOW.contains(&address).then_some(self.bank)
    }

    fn next_frame_at(&self) -> u64 {
        (self.frame * FRAME_HALF_CYCLES).div_ceil(2)
    }

    fn read_port(&self, port: Port) -> u8 {
        match port {
            Port::Bank => self.bank,
            Port::TimerAck if self.timer.requested_at.is_some() => 0x80,
            _ => 0,
        }
    }

    fn write_port(&mut self, port: Port, value: u8) {
        self.written = Some((port, value));
        match port {
            // There are fewer banks than the register can say; they repeat.
            Port::Bank => self.bank = (usize::from(value) % self.banks.len()) as u8,
            Port::Exit => self.exit = Some(value),
            Port::TimerLow => self.timer.period_low = value,
            Port::TimerHigh => self.timer.start(self.now, value),
            Port::TimerAck => self.timer.requested_at = None,
            Port::NmiEnable => self.nmi_enabled = value & 0x80 != 0,
            Port::Console | Port::Gauge(_) => {}
        }
    }
}

impl Bus for Hardware {
    fn read(&mut self, address: u16) -> u8 {
        if let Some(byte) = self.ram.get(usize::from(address)) {
            return *byte;
        }
        let offset = usize::from(address) % BANK_LEN;
        if FIXED.contains(&address) {
            self.fixed[offset]
        } else if WINDOW.contains(&address) {
            self.banks[usize::from(self.bank)][offset]
        } else {
            Port::at(address).map_or(0, |port| self.read_port(port))
        }
    }

    fn write(&mut self, address: u16, value: u8) {
        if let Some(byte) = self.ram.get_mut(usize::from(address)) {
            *byte = value;
        } else if let Some(port) = Port::at(address) {
            self.write_port(port, value);
        }
    }
}

#[derive(Debug, Default)]
struct Timer {
    period_low: u8,
    /// Cycles between two requests; zero when it is stopped.
    period: u16,
    next_at: u64,
    /// Since when the IRQ line is raised.
    requested_at: Option<u64>,
}

impl Timer {
    fn start(&mut self, now: u64, period_high: u8) {
        self.period = u16::from_le_bytes([self.period_low, period_high]);
        self.next_at = now + u64::from(self.period);
        self.requested_at = None;
    }

    fn advance(&mut self, now: u64) {
        while self.period != 0 && self.next_at <= now {
            self.requested_at.get_or_insert(self.next_at);
            self.next_at += u64::from(self.period);
        }
    }
}

/// A part of the program that is not where ROM is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LoadError {
    bank: Option<u8>,
    origin: u16,
    len: usize,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LoadError { origin, len, .. } = self;
        match self.bank {
            Some(bank) => write!(f, "bank {bank} has no room at ${origin:04X} for {len} bytes"),
            None => write!(f, "there is no fixed ROM at ${origin:04X} for {len} bytes"),
        }
    }
}

impl std::error::Error for LoadError {}
