//! What each instruction does, once its operand is found.

use super::{Bus, Cpu, IRQ_VECTOR, Status, Target, page};
use crate::isa::Mnemonic;

const STACK: u16 = 0x0100;

impl Cpu {
    /// Does the work, and returns the cycles that a taken branch adds.
    pub(super) fn execute(&mut self, bus: &mut impl Bus, mnemonic: Mnemonic, target: Target) -> u8 {
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

    pub(super) fn push(&mut self, bus: &mut impl Bus, value: u8) {
        bus.write(STACK | u16::from(self.sp), value);
        self.sp = self.sp.wrapping_sub(1);
    }

    fn pull(&mut self, bus: &mut impl Bus) -> u8 {
        self.sp = self.sp.wrapping_add(1);
        bus.read(STACK | u16::from(self.sp))
    }

    pub(super) fn push_word(&mut self, bus: &mut impl Bus, value: u16) {
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
