//! A MOS 6502 (NMOS): every documented instruction, with its flags and its exact number of cycles.
//!
//! One [`Cpu::step`] is one instruction or the entry of one interrupt. It touches memory through [`Bus`] only, and
//! reports what it did.
//!
//! As on the chip:
//! - decimal mode sets N, V and Z from what the adder holds before its last correction;
//! - `JMP ($xxFF)` takes the high byte of its target from the start of the same page;
//! - `BRK` skips a byte, and is told from an IRQ by bit 4 of the pushed status only;
//! - the change of I by `CLI`, `SEI` and `PLP` counts for interrupts one instruction later.
//!
//! Left out: undocumented opcodes (an error), accesses whose value is thrown away (the first write of `INC`, the read
//! of an indexed address before its carry), and an interrupt that takes over a `BRK` half way.

mod execute;
mod status;

use std::fmt;

pub(crate) use self::status::Status;
use crate::isa::{Mnemonic, Mode, OPCODES, Opcode};

pub(crate) const NMI_VECTOR: u16 = 0xfffa;
pub(crate) const RESET_VECTOR: u16 = 0xfffc;
pub(crate) const IRQ_VECTOR: u16 = 0xfffe;

const INTERRUPT_CYCLES: u8 = 7;

/// What the CPU is wired to.
pub(crate) trait Bus {
    fn read(&mut self, address: u16) -> u8;
    fn write(&mut self, address: u16, value: u8);
}

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Instruction(Executed),
    /// The status and the return address were pushed, and the vector was taken: always seven cycles.
    Interrupt {
        kind: Interrupt,
        cycles: u8,
    },
}

/// An instruction that was executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Executed {
    pub(crate) pc: u16,
    pub(crate) opcode: u8,
    pub(crate) mnemonic: Mnemonic,
    pub(crate) mode: Mode,
    /// The bytes after the opcode, little-endian; zero when there are none.
    pub(crate) operand: u16,
    /// Where in memory it read, wrote or jumped; `None` when it has no address.
    pub(crate) address: Option<u16>,
    pub(crate) cycles: u8,
}

/// As in an assembler listing: `LDA ($12),Y`.
impl fmt::Display for Executed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, operand) = (self.mnemonic, self.operand);
        match self.mode {
            Mode::Implied => write!(f, "{name}"),
            Mode::Accumulator => write!(f, "{name} A"),
            Mode::Immediate => write!(f, "{name} #${operand:02X}"),
            Mode::ZeroPage => write!(f, "{name} ${operand:02X}"),
            Mode::ZeroPageX => write!(f, "{name} ${operand:02X},X"),
            Mode::ZeroPageY => write!(f, "{name} ${operand:02X},Y"),
            Mode::Relative => write!(f, "{name} ${:04X}", self.address.unwrap_or(operand)),
            Mode::Absolute => write!(f, "{name} ${operand:04X}"),
            Mode::AbsoluteX => write!(f, "{name} ${operand:04X},X"),
            Mode::AbsoluteY => write!(f, "{name} ${operand:04X},Y"),
            Mode::Indirect => write!(f, "{name} (${operand:04X})"),
            Mode::IndirectX => write!(f, "{name} (${operand:02X},X)"),
            Mode::IndirectY => write!(f, "{name} (${operand:02X}),Y"),
        }
    }
}

/// An interrupt that the hardware asks for. `BRK` is an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interrupt {
    Irq,
    Nmi,
}

impl Interrupt {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Interrupt::Irq => "IRQ",
            Interrupt::Nmi => "NMI",
        }
    }

    const fn vector(self) -> u16 {
        match self {
            Interrupt::Irq => IRQ_VECTOR,
            Interrupt::Nmi => NMI_VECTOR,
        }
    }
}

/// The CPU met a byte that is no documented instruction; it stays in front of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IllegalOpcode {
    pub(crate) pc: u16,
    pub(crate) opcode: u8,
}

impl fmt::Display for IllegalOpcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "undocumented opcode ${:02X} at ${:04X}", self.opcode, self.pc)
    }
}

/// The registers and the interrupt inputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cpu {
    pub(crate) a: u8,
    pub(crate) x: u8,
    pub(crate) y: u8,
    pub(crate) sp: u8,
    pub(crate) pc: u16,
    pub(crate) status: Status,
    /// The IRQ line is a level: as long as it is set and I is clear, interrupts are taken.
    pub(crate) irq_line: bool,
    /// NMI is an edge: taken once for each time it is set.
    pub(crate) nmi_pending: bool,
    /// I as the last instruction's interrupt poll saw it.
    pub(crate) irq_masked: bool,
}

/// What an instruction works on.
#[derive(Clone, Copy)]
enum Target {
    None,
    Accumulator,
    Immediate(u8),
    Memory(u16),
}

impl Cpu {
    /// The CPU after its reset sequence, which takes seven cycles and moves SP down by three without writing.
    pub(crate) fn after_reset(bus: &mut impl Bus) -> Self {
        Cpu {
            sp: 0xfd,
            pc: read_word(bus, RESET_VECTOR),
            status: Status { interrupt_disable: true, ..Status::default() },
            irq_masked: true,
            ..Cpu::default()
        }
    }

    /// Executes one instruction, or enters an interrupt that is due.
    ///
    /// # Errors
    ///
    /// At an undocumented opcode. Nothing has changed then, and the next step fails in the same way.
    pub(crate) fn step(&mut self, bus: &mut impl Bus) -> Result<Step, IllegalOpcode> {
        if self.nmi_pending {
            self.nmi_pending = false;
            return Ok(self.interrupt(bus, Interrupt::Nmi));
        }
        if self.irq_line && !self.irq_masked {
            return Ok(self.interrupt(bus, Interrupt::Irq));
        }

        let pc = self.pc;
        let byte = bus.read(pc);
        let Some(opcode) = OPCODES[usize::from(byte)] else {
            return Err(IllegalOpcode { pc, opcode: byte });
        };
        Ok(Step::Instruction(self.instruction(bus, byte, opcode)))
    }

    fn instruction(&mut self, bus: &mut impl Bus, byte: u8, opcode: Opcode) -> Executed {
        let Opcode { mnemonic, mode, cycles } = opcode;
        let pc = self.pc;
        let masked_before = self.status.interrupt_disable;

        let operand = fetch_operand(bus, pc, mode);
        self.pc = pc.wrapping_add(1).wrapping_add(mode.operand_len());
        let (target, crosses_page) = self.resolve(bus, mode, operand);
        let page_cycle = u8::from(crosses_page && opcode.pays_for_page_crossing());
        let branch_cycles = self.execute(bus, mnemonic, target);

        self.irq_masked = match mnemonic {
            Mnemonic::Cli | Mnemonic::Sei | Mnemonic::Plp => masked_before,
            _ => self.status.interrupt_disable,
        };
        Executed {
            pc,
            opcode: byte,
            mnemonic,
            mode,
            operand,
            address: if let Target::Memory(address) = target { Some(address) } else { None },
            cycles: cycles + page_cycle + branch_cycles,
        }
    }

    fn interrupt(&mut self, bus: &mut impl Bus, kind: Interrupt) -> Step {
        self.enter_handler(bus, self.pc, kind.vector(), false);
        Step::Interrupt { kind, cycles: INTERRUPT_CYCLES }
    }

    fn enter_handler(&mut self, bus: &mut impl Bus, return_address: u16, vector: u16, software: bool) {
        self.push_word(bus, return_address);
        self.push(bus, self.status.to_byte(software));
        self.status.interrupt_disable = true;
        self.irq_masked = true;
        self.pc = read_word(bus, vector);
    }

    /// Where the operand is, and whether adding the index left the page.
    fn resolve(&self, bus: &mut impl Bus, mode: Mode, operand: u16) -> (Target, bool) {
        let low = operand as u8;
        match mode {
            Mode::Implied => (Target::None, false),
            Mode::Accumulator => (Target::Accumulator, false),
            Mode::Immediate => (Target::Immediate(low), false),
            Mode::ZeroPage => (Target::Memory(low.into()), false),
            Mode::ZeroPageX => (Target::Memory(low.wrapping_add(self.x).into()), false),
            Mode::ZeroPageY => (Target::Memory(low.wrapping_add(self.y).into()), false),
            Mode::Relative => (Target::Memory(self.pc.wrapping_add_signed((low as i8).into())), false),
            Mode::Absolute => (Target::Memory(operand), false),
            Mode::AbsoluteX => indexed(operand, self.x),
            Mode::AbsoluteY => indexed(operand, self.y),
            Mode::Indirect => (Target::Memory(read_word_in_page(bus, operand)), false),
            Mode::IndirectX => (Target::Memory(read_word_in_page(bus, low.wrapping_add(self.x).into())), false),
            Mode::IndirectY => indexed(read_word_in_page(bus, low.into()), self.y),
        }
    }
}

fn fetch_operand(bus: &mut impl Bus, pc: u16, mode: Mode) -> u16 {
    match mode.operand_len() {
        0 => 0,
        1 => bus.read(pc.wrapping_add(1)).into(),
        _ => read_word(bus, pc.wrapping_add(1)),
    }
}

pub(crate) fn read_word(bus: &mut impl Bus, address: u16) -> u16 {
    let low = bus.read(address);
    let high = bus.read(address.wrapping_add(1));
    u16::from_le_bytes([low, high])
}

/// The high byte comes from the same page: pointers in the zero page wrap, and `JMP ($12FF)` reads $1200.
fn read_word_in_page(bus: &mut impl Bus, address: u16) -> u16 {
    let low = bus.read(address);
    let high = bus.read((address & 0xff00) | (address.wrapping_add(1) & 0x00ff));
    u16::from_le_bytes([low, high])
}

fn indexed(base: u16, index: u8) -> (Target, bool) {
    let address = base.wrapping_add(index.into());
    (Target::Memory(address), page(base) != page(address))
}

fn page(address: u16) -> u8 {
    address.to_be_bytes()[0]
}
