//! Each group of instructions: results, flags, and where they read and write.

use crate::Bench;
use crate::cpu::{Cpu, Status};

/// Executes one instruction with the given A, operand and carry.
fn one(source: &str, a: u8, value: u8, carry: bool) -> Bench {
    let mut bench = Bench::new(source);
    (bench.cpu.a, bench.cpu.x, bench.cpu.y) = (a, a, a);
    bench.cpu.status.carry = carry;
    bench.memory.0[0x80] = value;
    bench.step();
    bench
}

/// The flags after a result, with `more` of `vc` known.
fn nz(result: u8, more: &str) -> String {
    let (v, c) = (more.contains('v'), more.contains('c'));
    let flags = [(result >= 0x80, 'n'), (v, 'v'), (result == 0, 'z'), (c, 'c')];
    flags.into_iter().filter_map(|(set, name)| set.then_some(name)).collect()
}

fn bytes() -> impl Iterator<Item = u8> {
    0..=255
}

/// All pairs, with both carries.
fn pairs() -> impl Iterator<Item = (u8, u8, bool)> {
    bytes().flat_map(|a| bytes().flat_map(move |value| [(a, value, false), (a, value, true)]))
}

/// One instruction on a bench that is used again, for the tests over all operands.
fn over_all(source: &str, mut check: impl FnMut((u8, u8, bool), Cpu)) {
    let mut bench = Bench::new(source);
    for (a, value, carry) in pairs() {
        bench.cpu = Cpu { a, x: a, y: a, pc: 0x0400, sp: 0xff, ..Cpu::default() };
        bench.cpu.status.carry = carry;
        bench.memory.0[0x80] = value;
        bench.step();
        check((a, value, carry), bench.cpu);
    }
}

#[test]
fn loads() {
    for value in bytes() {
        let carry = value & 1 != 0;
        let expected = nz(value, if carry { "c" } else { "" });
        let lda = one(" lda $80", 0x55, value, carry);
        let ldx = one(" ldx $80", 0x55, value, carry);
        let ldy = one(" ldy $80", 0x55, value, carry);
        assert_eq!((lda.cpu.a, lda.cpu.x, lda.cpu.y, lda.flags()), (value, 0x55, 0x55, expected.clone()));
        assert_eq!((ldx.cpu.a, ldx.cpu.x, ldx.cpu.y, ldx.flags()), (0x55, value, 0x55, expected.clone()));
        assert_eq!((ldy.cpu.a, ldy.cpu.x, ldy.cpu.y, ldy.flags()), (0x55, 0x55, value, expected));
    }
}

#[test]
fn stores_set_no_flags() {
    let mut bench = Bench::new(" sta $10\n stx $11\n sty $12");
    (bench.cpu.a, bench.cpu.x, bench.cpu.y) = (0x00, 0x80, 0x7f);
    for _ in 0..3 {
        bench.step();
    }
    assert_eq!(bench.memory.0[0x10..0x13], [0x00, 0x80, 0x7f]);
    assert_eq!(bench.flags(), "");
}

#[test]
fn transfers() {
    for value in [0x00, 0x01, 0x7f, 0x80, 0xff] {
        let run = |source: &str| {
            let mut bench = Bench::new(source);
            bench.cpu = Cpu { a: 0x11, x: 0x22, y: 0x33, sp: 0x44, ..bench.cpu };
            match source.as_bytes()[2] {
                b'a' => bench.cpu.a = value,
                b'x' => bench.cpu.x = value,
                b'y' => bench.cpu.y = value,
                _ => bench.cpu.sp = value,
            }
            bench.step();
            bench
        };
        let registers = |bench: &Bench| [bench.cpu.a, bench.cpu.x, bench.cpu.y, bench.cpu.sp];
        let expected = [
            (" tax", [value, value, 0x33, 0x44]),
            (" tay", [value, 0x22, value, 0x44]),
            (" txa", [value, value, 0x33, 0x44]),
            (" tya", [value, 0x22, value, 0x44]),
            (" tsx", [0x11, value, 0x33, value]),
            (" txs", [0x11, value, 0x33, value]),
        ];
        for (source, after) in expected {
            let bench = run(source);
            assert_eq!(registers(&bench), after, "{source}");
            let flags = if source == " txs" { String::new() } else { nz(value, "") };
            assert_eq!(bench.flags(), flags, "{source} {value:02x}");
        }
    }
}

#[test]
fn binary_addition() {
    over_all(" adc $80", |(a, value, carry), cpu| {
        let sum = u32::from(a) + u32::from(value) + u32::from(carry);
        let signed = i32::from(a as i8) + i32::from(value as i8) + i32::from(carry);
        let expected = Status {
            carry: sum >= 256,
            zero: sum % 256 == 0,
            negative: sum % 256 >= 128,
            overflow: !(-128..=127).contains(&signed),
            ..Status::default()
        };
        assert_eq!((u32::from(cpu.a), cpu.status), (sum % 256, expected), "{a:02x} + {value:02x} + {carry}");
    });
}

#[test]
fn binary_subtraction() {
    over_all(" sbc $80", |(a, value, carry), cpu| {
        let difference = i32::from(a) - i32::from(value) - i32::from(!carry);
        let signed = i32::from(a as i8) - i32::from(value as i8) - i32::from(!carry);
        let result = difference.rem_euclid(256);
        let expected = Status {
            carry: difference >= 0,
            zero: result == 0,
            negative: result >= 128,
            overflow: !(-128..=127).contains(&signed),
            ..Status::default()
        };
        assert_eq!((i32::from(cpu.a), cpu.status), (result, expected), "{a:02x} - {value:02x} - {}", !carry);
    });
}

#[test]
fn comparisons() {
    for source in [" cmp $80", " cpx $80", " cpy $80"] {
        over_all(source, |(register, value, _), cpu| {
            let difference = (i32::from(register) - i32::from(value)).rem_euclid(256);
            let expected = Status {
                carry: value <= register,
                zero: value == register,
                negative: difference >= 128,
                ..Status::default()
            };
            assert_eq!(cpu.status, expected, "{source} {register:02x} {value:02x}");
            assert_eq!((cpu.a, cpu.x, cpu.y), (register, register, register));
        });
    }
    // The registers are not the same one.
    assert_eq!(Bench::run(" lda #3\n ldx #2\n ldy #1\n cmp #3", 4).flags(), "zc");
    assert_eq!(Bench::run(" lda #3\n ldx #2\n ldy #1\n cpx #2", 4).flags(), "zc");
    assert_eq!(Bench::run(" lda #3\n ldx #2\n ldy #1\n cpy #1", 4).flags(), "zc");
}

type Combination = fn(u8, u8) -> u8;

#[test]
fn logic() {
    let operations: [(&str, Combination); 3] =
        [(" and $80", |a, b| a & b), (" ora $80", |a, b| a | b), (" eor $80", |a, b| a ^ b)];
    for (source, operation) in operations {
        over_all(source, |(a, value, carry), cpu| {
            let result = operation(a, value);
            let expected = Status { carry, zero: result == 0, negative: result >= 128, ..Status::default() };
            assert_eq!((cpu.a, cpu.status), (result, expected), "{source} {a:02x} {value:02x}");
        });
    }
}

#[test]
fn bit_takes_n_and_v_from_memory() {
    over_all(" bit $80", |(a, value, carry), cpu| {
        let (negative, overflow) = (value >= 128, value % 128 >= 64);
        let expected = Status { carry, zero: a & value == 0, negative, overflow, ..Status::default() };
        assert_eq!((cpu.a, cpu.status), (a, expected), "{a:02x} {value:02x}");
    });
}

/// From a value and the carry, to a value with the carry on top.
type NineBits = fn(u32, u32) -> u32;

#[test]
fn shifts_in_the_accumulator_and_in_memory() {
    let operations: [(&str, NineBits); 4] = [
        ("asl", |value, _| value * 2),
        ("rol", |value, carry| value * 2 + carry),
        ("lsr", |value, _| value / 2 + (value % 2) * 256),
        ("ror", |value, carry| value / 2 + carry * 128 + (value % 2) * 256),
    ];
    for (name, operation) in operations {
        for (value, carry) in bytes().flat_map(|value| [(value, false), (value, true)]) {
            let nine_bits = operation(value.into(), carry.into());
            let result = (nine_bits % 256) as u8;
            let expected = nz(result, if nine_bits >= 256 { "c" } else { "" });

            let memory = one(&format!(" {name} $80"), 0x55, value, carry);
            assert_eq!(
                (memory.memory.0[0x80], memory.cpu.a, memory.flags()),
                (result, 0x55, expected.clone()),
                "{name}"
            );
            for source in [format!(" {name}"), format!(" {name} a")] {
                let accumulator = one(&source, value, 0x55, carry);
                assert_eq!((accumulator.cpu.a, accumulator.memory.0[0x80]), (result, 0x55), "{name}");
                assert_eq!(accumulator.flags(), expected, "{name} {value:02x} {carry}");
            }
        }
    }
}

#[test]
fn increments_and_decrements() {
    for value in bytes() {
        let (up, down) = (value.wrapping_add(1), value.wrapping_sub(1));
        for (source, result) in [(" inc $80", up), (" dec $80", down)] {
            let bench = one(source, 0x55, value, true);
            assert_eq!((bench.memory.0[0x80], bench.flags()), (result, nz(result, "c")), "{source}");
        }
        let expected = [
            (" inx", [value, up, value], up),
            (" iny", [value, value, up], up),
            (" dex", [value, down, value], down),
            (" dey", [value, value, down], down),
        ];
        for (source, registers, result) in expected {
            let Bench { cpu, .. } = one(source, value, 0, true);
            assert_eq!(([cpu.a, cpu.x, cpu.y], crate::flags(cpu.status)), (registers, nz(result, "c")), "{source}");
        }
    }
}

#[test]
fn flags_are_set_and_cleared_one_by_one() {
    let all = 0b1100_1111;
    for (source, bit, set) in [
        (" clc", 0x01, false),
        (" sec", 0x01, true),
        (" cli", 0x04, false),
        (" sei", 0x04, true),
        (" cld", 0x08, false),
        (" sed", 0x08, true),
        (" clv", 0x40, false),
    ] {
        for before in [0, all] {
            let mut bench = Bench::new(source);
            bench.cpu.status = Status::from_byte(before);
            bench.step();
            let expected = if set { before | bit } else { before & !bit };
            assert_eq!(bench.cpu.status, Status::from_byte(expected), "{source}");
        }
    }
    assert_eq!(Bench::run(" nop", 1).cpu, Cpu { pc: 0x0401, ..Bench::new(" nop").cpu });
}

#[test]
fn status_to_byte_and_back() {
    for byte in bytes() {
        let status = Status::from_byte(byte);
        assert_eq!(status.to_byte(true), byte | 0x30);
        assert_eq!(status.to_byte(false), byte & !0x10 | 0x20);
    }
}

#[test]
fn the_stack() {
    let bench = Bench::run(" lda #$80\n pha\n lda #0\n pla", 4);
    assert_eq!((bench.cpu.a, bench.cpu.sp, bench.memory.0[0x01ff], bench.flags()), (0x80, 0xff, 0x80, "n".into()));

    let bench = Bench::run(" sec\n sed\n php\n clc\n cld\n plp", 6);
    assert_eq!((bench.cpu.sp, bench.memory.0[0x01ff], bench.flags()), (0xff, 0b0011_1001, "dc".into()));

    // It wraps in its page.
    let bench = Bench::run(" ldx #0\n txs\n lda #$12\n pha\n pha", 5);
    assert_eq!((bench.cpu.sp, bench.memory.0[0x0100], bench.memory.0[0x01ff]), (0xfe, 0x12, 0x12));
    let bench = Bench::run(" ldx #$ff\n txs\n pla", 3);
    assert_eq!(bench.cpu.sp, 0x00);
}

#[test]
fn addressing_modes_read() {
    let data = "\n .org $0010\n .byte $34, $12\n .org $00fe\n .byte $a1, $a2\n .org $0000\n .byte $b0, $b1\n .org $1234\n .byte $c0, $c1, $c2, $c3\n .org $1300\n .byte $d0";
    for (source, address, value) in [
        (" lda #$99", None, 0x99),
        (" lda $10", Some(0x0010), 0x34),
        (" lda $fe,x", Some(0x0000), 0xb0),
        (" ldx $fe,y", Some(0x0001), 0xb1),
        (" lda $1234", Some(0x1234), 0xc0),
        (" lda $1234,x", Some(0x1236), 0xc2),
        (" lda $1234,y", Some(0x1237), 0xc3),
        (" lda ($0e,x)", Some(0x1234), 0xc0),
        (" lda ($10),y", Some(0x1237), 0xc3),
        (" lda $12fe,x", Some(0x1300), 0xd0),
        // The address space wraps too.
        (" lda $fffe,x", Some(0x0000), 0xb0),
        // A pointer at $FF has its high byte at $00.
        (" lda ($fd,x)", Some(0xb0a2), 0x00),
        (" lda ($ff),y", Some(0xb0a5), 0x00),
    ] {
        let code = format!(" .org $0400\n{source}{data}");
        let mut bench = Bench::new(&code);
        bench.cpu = Cpu { pc: 0x0400, x: 2, y: 3, ..bench.cpu };
        let executed = bench.step();
        let loaded = if source.starts_with(" ldx") { bench.cpu.x } else { bench.cpu.a };
        assert_eq!((executed.address, loaded), (address, value), "{source}");
    }
}

#[test]
fn addressing_modes_write() {
    for (source, address) in [
        (" sta $10", 0x0010),
        (" sta $fe,x", 0x0000),
        (" sta $1234", 0x1234),
        (" sta $1234,x", 0x1236),
        (" sta $1234,y", 0x1237),
        (" sta ($20,x)", 0x5634),
        (" sta ($22),y", 0x5637),
        (" stx $fe,y", 0x0001),
        (" sty $ff,x", 0x0001),
        (" inc $1234,x", 0x1236),
        (" inc $fe,x", 0x0000),
    ] {
        let mut bench = Bench::new(source);
        bench.memory.0[0x22..0x24].copy_from_slice(&[0x34, 0x56]);
        bench.cpu = Cpu { a: 1, x: 2, y: 3, ..bench.cpu };
        let before = bench.memory.0.clone();
        bench.step();
        let changed: Vec<_> = (0..0x1_0000).filter(|at| bench.memory.0[*at] != before[*at]).collect();
        assert_eq!(changed, [address], "{source}");
    }
}

#[test]
fn a_store_does_not_read_its_address() {
    struct Watched(Vec<u16>);
    impl crate::cpu::Bus for Watched {
        fn read(&mut self, address: u16) -> u8 {
            self.0.push(address);
            [0x8d, 0x00, 0x7f][usize::from(address) % 3]
        }
        fn write(&mut self, _: u16, _: u8) {}
    }
    let mut bus = Watched(Vec::new());
    let mut cpu = Cpu { pc: 0x0300, ..Cpu::default() };
    cpu.step(&mut bus).unwrap();
    assert_eq!(bus.0, [0x0300, 0x0301, 0x0302]);
}

#[test]
fn jumps_and_calls() {
    assert_eq!(Bench::run(" jmp $1234", 1).cpu.pc, 0x1234);
    assert_eq!(Bench::run(" jmp (pointer)\npointer: .word $1234", 1).cpu.pc, 0x1234);

    let mut bench = Bench::new(" jsr routine\n nop\nroutine: rts");
    bench.step();
    assert_eq!((bench.cpu.pc, bench.cpu.sp, bench.word(0x01fe)), (0x0404, 0xfd, 0x0402));
    bench.step();
    assert_eq!((bench.cpu.pc, bench.cpu.sp), (0x0403, 0xff));
}

#[test]
fn an_indirect_jump_stays_in_the_page_of_its_pointer() {
    let mut bench = Bench::new(" jmp ($10ff)");
    bench.memory.0[0x10ff] = 0x34;
    bench.memory.0[0x1000] = 0x12;
    bench.memory.0[0x1100] = 0x56;
    bench.step();
    assert_eq!(bench.cpu.pc, 0x1234);
}

#[test]
fn branches() {
    for (source, flag) in [("bcs", 0x01), ("beq", 0x02), ("bvs", 0x40), ("bmi", 0x80)] {
        let opposite = match source {
            "bcs" => "bcc",
            "beq" => "bne",
            "bvs" => "bvc",
            _ => "bpl",
        };
        for byte in [0, flag, 0xff, !flag] {
            let is_set = byte & flag != 0;
            for (name, taken) in [(source, is_set), (opposite, !is_set)] {
                let mut bench = Bench::new(&format!(" {name} there\n nop\nthere:"));
                bench.cpu.status = Status::from_byte(byte);
                bench.step();
                assert_eq!(bench.cpu.pc, if taken { 0x0403 } else { 0x0402 }, "{name} {byte:02x}");
                assert_eq!(bench.cpu.status, Status::from_byte(byte));
            }
        }
    }
}

#[test]
fn the_listing_shows_what_was_written() {
    for source in [
        "NOP",
        "ASL A",
        "LDA #$12",
        "LDA $12",
        "LDA $12,X",
        "LDX $12,Y",
        "LDA $1234",
        "LDA $1234,X",
        "LDA $1234,Y",
        "LDA ($12,X)",
        "LDA ($12),Y",
        "JMP ($1234)",
        "BNE $0412",
    ] {
        assert_eq!(Bench::new(&format!(" {source}")).step().to_string(), source);
    }
}
