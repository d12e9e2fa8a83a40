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

use std::fmt;

use crate::isa::{Mnemonic, Mode, OPCODES, Opcode};

pub(crate) const NMI_VECTOR: u16 = 0xfffa;
pub(crate) const RESET_VECTOR: u16 = 0xfffc;
pub(crate) const IRQ_VECTOR: u16 = 0xfffe;

const STACK: u16 = 0x0100;
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

/// The status register, one flag each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) carry: bool,
    pub(crate) zero: bool,
    pub(crate) interrupt_disable: bool,
    pub(crate) decimal: bool,
    pub(crate) overflow: bool,
    pub(crate) negative: bool,
}

impl Status {
    const BREAK: u8 = 0x10;
    const UNUSED: u8 = 0x20;

    /// The byte that is pushed. Bit 4 exists only there: set by `BRK` and `PHP`, clear in an interrupt.
    pub(crate) fn to_byte(self, software: bool) -> u8 {
        u8::from(self.carry)
            | u8::from(self.zero) << 1
            | u8::from(self.interrupt_disable) << 2
            | u8::from(self.decimal) << 3
            | if software { Self::BREAK } else { 0 }
            | Self::UNUSED
            | u8::from(self.overflow) << 6
            | u8::from(self.negative) << 7
    }

    pub(crate) fn from_byte(byte: u8) -> Self {
        Status {
            carry: byte & 0x01 != 0,
            zero: byte & 0x02 != 0,
            interrupt_disable: byte & 0x04 != 0,
            decimal: byte & 0x08 != 0,
            overflow: byte & 0x40 != 0,
            negative: byte & 0x80 != 0,
        }
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

    /// Does the work, and returns the cycles that a taken branch adds.
    fn execute(&mut self, bus: &mut impl Bus, mnemonic: Mnemonic, target: Target) -> u8 {
        use Mnemonic::*;
        match mnemonic {
            Lda => self.a = self.loaded(bus, target),
            Ldx => self.x = self.loaded(bus, target),
            Ldy => self.y = self.loaded(bus, target),
            Sta => self.store(bus, target, self.a),
            Stx => self.store(bus, target, self.x),
            Sty => self.store(bus, target, self.y),

            Tax => self.x = self.flagged(self.a),
            Tay => self.y = self.flagged(self.a),
            Tsx => self.x = self.flagged(self.sp),
            Txa => self.a = self.flagged(self.x),
            Tya => self.a = self.flagged(self.y),
            Txs => self.sp = self.x,

            Pha => self.push(bus, self.a),
            Php => self.push(bus, self.status.to_byte(true)),
            Pla => {
                let value = self.pull(bus);
                self.a = self.flagged(value);
            }
            Plp => self.status = Status::from_byte(self.pull(bus)),

            Adc => {
                let value = self.load(bus, target);
                self.add(value);
            }
            Sbc => {
                let value = self.load(bus, target);
                self.subtract(value);
            }
            Cmp => self.compare(bus, target, self.a),
            Cpx => self.compare(bus, target, self.x),
            Cpy => self.compare(bus, target, self.y),

            And => self.combine(bus, target, |a, value| a & value),
            Ora => self.combine(bus, target, |a, value| a | value),
            Eor => self.combine(bus, target, |a, value| a ^ value),
            Bit => self.test_bits(bus, target),

            Asl => self.shift(bus, target, |value, _| (value << 1, value & 0x80 != 0)),
            Lsr => self.shift(bus, target, |value, _| (value >> 1, value & 0x01 != 0)),
            Rol => self.shift(bus, target, |value, carry| (value << 1 | u8::from(carry), value & 0x80 != 0)),
            Ror => self.shift(bus, target, |value, carry| (value >> 1 | u8::from(carry) << 7, value & 0x01 != 0)),

            Inc => self.step_memory(bus, target, 1),
            Dec => self.step_memory(bus, target, 0xff),
            Inx => self.x = self.flagged(self.x.wrapping_add(1)),
            Iny => self.y = self.flagged(self.y.wrapping_add(1)),
            Dex => self.x = self.flagged(self.x.wrapping_sub(1)),
            Dey => self.y = self.flagged(self.y.wrapping_sub(1)),

            Bcc => return self.branch(target, !self.status.carry),
            Bcs => return self.branch(target, self.status.carry),
            Bne => return self.branch(target, !self.status.zero),
            Beq => return self.branch(target, self.status.zero),
            Bpl => return self.branch(target, !self.status.negative),
            Bmi => return self.branch(target, self.status.negative),
            Bvc => return self.branch(target, !self.status.overflow),
            Bvs => return self.branch(target, self.status.overflow),

            Jmp => self.jump(target),
            Jsr => {
                self.push_word(bus, self.pc.wrapping_sub(1));
                self.jump(target);
            }
            Rts => self.pc = self.pull_word(bus).wrapping_add(1),
            Brk => self.enter_handler(bus, self.pc.wrapping_add(1), IRQ_VECTOR, true),
            Rti => {
                self.status = Status::from_byte(self.pull(bus));
                self.pc = self.pull_word(bus);
            }

            Clc => self.status.carry = false,
            Sec => self.status.carry = true,
            Cld => self.status.decimal = false,
            Sed => self.status.decimal = true,
            Cli => self.status.interrupt_disable = false,
            Sei => self.status.interrupt_disable = true,
            Clv => self.status.overflow = false,
            Nop => {}
        }
        0
    }

    /// Sets N and Z from `value`, and hands it on.
    fn flagged(&mut self, value: u8) -> u8 {
        self.status.zero = value == 0;
        self.status.negative = value & 0x80 != 0;
        value
    }

    fn load(&self, bus: &mut impl Bus, target: Target) -> u8 {
        match target {
            Target::None | Target::Accumulator => self.a,
            Target::Immediate(value) => value,
            Target::Memory(address) => bus.read(address),
        }
    }

    fn loaded(&mut self, bus: &mut impl Bus, target: Target) -> u8 {
        let value = self.load(bus, target);
        self.flagged(value)
    }

    fn store(&mut self, bus: &mut impl Bus, target: Target, value: u8) {
        match target {
            Target::Memory(address) => bus.write(address, value),
            Target::Accumulator => self.a = value,
            Target::None | Target::Immediate(_) => {}
        }
    }

    fn combine(&mut self, bus: &mut impl Bus, target: Target, combined: impl Fn(u8, u8) -> u8) {
        let value = self.load(bus, target);
        self.a = self.flagged(combined(self.a, value));
    }

    fn shift(&mut self, bus: &mut impl Bus, target: Target, shifted: impl Fn(u8, bool) -> (u8, bool)) {
        let (value, carry) = shifted(self.load(bus, target), self.status.carry);
        self.status.carry = carry;
        self.flagged(value);
        self.store(bus, target, value);
    }

    fn step_memory(&mut self, bus: &mut impl Bus, target: Target, delta: u8) {
        let value = self.load(bus, target).wrapping_add(delta);
        self.flagged(value);
        self.store(bus, target, value);
    }

    fn compare(&mut self, bus: &mut impl Bus, target: Target, register: u8) {
        let value = self.load(bus, target);
        self.status.carry = register >= value;
        self.flagged(register.wrapping_sub(value));
    }

    fn test_bits(&mut self, bus: &mut impl Bus, target: Target) {
        let value = self.load(bus, target);
        self.status.zero = self.a & value == 0;
        self.status.negative = value & 0x80 != 0;
        self.status.overflow = value & 0x40 != 0;
    }

    fn add(&mut self, value: u8) {
        if self.status.decimal { self.add_decimal(value) } else { self.add_binary(value) }
    }

    fn subtract(&mut self, value: u8) {
        let (a, borrow) = (self.a, !self.status.carry);
        // All flags are those of the binary subtraction, in decimal mode too.
        self.add_binary(!value);
        if self.status.decimal {
            self.a = subtracted_in_decimal(a, value, borrow);
        }
    }

    fn add_binary(&mut self, value: u8) {
        let sum = u16::from(self.a) + u16::from(value) + u16::from(self.status.carry);
        let result = sum as u8;
        self.status.carry = sum > 0xff;
        self.status.overflow = overflows(self.a, value, result);
        self.a = self.flagged(result);
    }

    fn add_decimal(&mut self, value: u8) {
        let (a, carry) = (self.a, self.status.carry);
        let mut low = (a & 0x0f) + (value & 0x0f) + u8::from(carry);
        if low >= 0x0a {
            low = ((low + 0x06) & 0x0f) + 0x10;
        }
        let mut sum = u16::from(a & 0xf0) + u16::from(value & 0xf0) + u16::from(low);

        // N and V see the high digit before it is corrected; Z sees the binary sum.
        let uncorrected = sum as u8;
        self.status.zero = a.wrapping_add(value).wrapping_add(carry.into()) == 0;
        self.status.negative = uncorrected & 0x80 != 0;
        self.status.overflow = overflows(a, value, uncorrected);
        if sum >= 0xa0 {
            sum += 0x60;
        }
        self.status.carry = sum > 0xff;
        self.a = sum as u8;
    }

    fn branch(&mut self, target: Target, taken: bool) -> u8 {
        if !taken {
            return 0;
        }
        let next = self.pc;
        self.jump(target);
        1 + u8::from(page(next) != page(self.pc))
    }

    fn jump(&mut self, target: Target) {
        if let Target::Memory(address) = target {
            self.pc = address;
        }
    }

    fn push(&mut self, bus: &mut impl Bus, value: u8) {
        bus.write(STACK | u16::from(self.sp), value);
        self.sp = self.sp.wrapping_sub(1);
    }

    fn pull(&mut self, bus: &mut impl Bus) -> u8 {
        self.sp = self.sp.wrapping_add(1);
        bus.read(STACK | u16::from(self.sp))
    }

    fn push_word(&mut self, bus: &mut impl Bus, value: u16) {
        let [low, high] = value.to_le_bytes();
        self.push(bus, high);
        self.push(bus, low);
    }

    fn pull_word(&mut self, bus: &mut impl Bus) -> u16 {
        let low = self.pull(bus);
        let high = self.pull(bus);
        u16::from_le_bytes([low, high])
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

/// Two operands of one sign gave a result of the other.
fn overflows(a: u8, b: u8, result: u8) -> bool {
    !(a ^ b) & (a ^ result) & 0x80 != 0
}

fn subtracted_in_decimal(a: u8, value: u8, borrow: bool) -> u8 {
    let mut low = i16::from(a & 0x0f) - i16::from(value & 0x0f) - i16::from(borrow);
    if low < 0 {
        low = ((low - 0x06) & 0x0f) - 0x10;
    }
    let mut difference = i16::from(a & 0xf0) - i16::from(value & 0xf0) + low;
    if difference < 0 {
        difference -= 0x60;
    }
    difference as u8
}
