//! Decimal mode, for all operands.

use crate::Bench;
use crate::cpu::Cpu;

const ADC: u8 = 0x69;
const SBC: u8 = 0xe9;

/// Executes `ADC #value` or `SBC #value` in decimal mode.
struct Adder(Bench);

impl Adder {
    fn new() -> Self {
        Adder(Bench::new(""))
    }

    fn compute(&mut self, opcode: u8, a: u8, value: u8, carry: bool) -> Cpu {
        let Bench { cpu, memory } = &mut self.0;
        (cpu.pc, cpu.a, cpu.status.carry, cpu.status.decimal) = (0x0400, a, carry, true);
        memory.0[0x0400..0x0402].copy_from_slice(&[opcode, value]);
        self.0.step();
        self.0.cpu
    }
}

fn all_operands() -> impl Iterator<Item = (u8, u8, bool)> {
    (0..=255).flat_map(|a| (0..=255).flat_map(move |value| [(a, value, false), (a, value, true)]))
}

/// The number that two decimal digits stand for.
fn number(bcd: u8) -> Option<i32> {
    let (high, low) = (bcd >> 4, bcd & 0x0f);
    (high < 10 && low < 10).then(|| i32::from(high) * 10 + i32::from(low))
}

fn bcd(number: i32) -> u8 {
    (number / 10 * 16 + number % 10) as u8
}

#[test]
fn decimal_numbers_are_added() {
    let mut adder = Adder::new();
    for (a, value, carry) in all_operands() {
        let (Some(x), Some(y)) = (number(a), number(value)) else {
            continue;
        };
        let sum = x + y + i32::from(carry);
        let cpu = adder.compute(ADC, a, value, carry);
        assert_eq!((cpu.a, cpu.status.carry), (bcd(sum % 100), sum > 99), "{a:02x} + {value:02x} + {carry}");
    }
}

#[test]
fn decimal_numbers_are_subtracted() {
    let mut adder = Adder::new();
    for (a, value, carry) in all_operands() {
        let (Some(x), Some(y)) = (number(a), number(value)) else {
            continue;
        };
        let difference = x - y - i32::from(!carry);
        let cpu = adder.compute(SBC, a, value, carry);
        let expected = (bcd(difference.rem_euclid(100)), difference >= 0);
        assert_eq!((cpu.a, cpu.status.carry), expected, "{a:02x} - {value:02x} - {}", !carry);
    }
}

/// Of a digit from -8 to 7.
fn signed(digit: u8) -> i32 {
    if digit < 8 { digit.into() } else { i32::from(digit) - 16 }
}

/// A digit and its carry, as the chip corrects it: also for digits above nine.
fn corrected(sum: u8) -> (u8, u8) {
    if sum > 9 { ((sum + 6) & 0x0f, 1) } else { (sum, 0) }
}

#[test]
fn any_bytes_are_added_digit_by_digit() {
    let mut adder = Adder::new();
    for (a, value, carry) in all_operands() {
        let (low, low_carry) = corrected((a & 0x0f) + (value & 0x0f) + u8::from(carry));
        let high_sum = (a >> 4) + (value >> 4) + low_carry;
        let (high, high_carry) = corrected(high_sum);
        let signed_sum = signed(a >> 4) + signed(value >> 4) + i32::from(low_carry);

        let Cpu { a: result, status, .. } = adder.compute(ADC, a, value, carry);
        let what = format!("{a:02x} + {value:02x} + {carry}");
        assert_eq!(result, high << 4 | low, "{what}");
        assert_eq!(status.carry, high_carry == 1, "{what}");
        assert_eq!(status.zero, (u32::from(a) + u32::from(value) + u32::from(carry)) % 256 == 0, "{what}");
        assert_eq!(status.negative, high_sum & 0x08 != 0, "{what}");
        assert_eq!(status.overflow, !(-8..=7).contains(&signed_sum), "{what}");
        assert!(status.decimal);
    }
}

#[test]
fn any_bytes_are_subtracted_digit_by_digit_with_binary_flags() {
    let digit = |difference: i32| {
        if difference < 0 { ((difference - 6) & 0x0f, 1) } else { (difference, 0) }
    };
    let mut adder = Adder::new();
    for (a, value, carry) in all_operands() {
        let (low, borrow) = digit(i32::from(a & 0x0f) - i32::from(value & 0x0f) - i32::from(!carry));
        let (high, _) = digit(i32::from(a >> 4) - i32::from(value >> 4) - borrow);
        let binary = i32::from(a) - i32::from(value) - i32::from(!carry);
        let signed_binary = i32::from(a as i8) - i32::from(value as i8) - i32::from(!carry);

        let Cpu { a: result, status, .. } = adder.compute(SBC, a, value, carry);
        let what = format!("{a:02x} - {value:02x} - {}", !carry);
        assert_eq!(i32::from(result), high << 4 | low, "{what}");
        assert_eq!(status.carry, binary >= 0, "{what}");
        assert_eq!(status.zero, binary & 0xff == 0, "{what}");
        assert_eq!(status.negative, binary & 0x80 != 0, "{what}");
        assert_eq!(status.overflow, !(-128..=127).contains(&signed_binary), "{what}");
    }
}
