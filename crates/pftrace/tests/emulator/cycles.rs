//! How many cycles each instruction takes, against the published table.

use crate::Bench;
use crate::cpu::{IllegalOpcode, Interrupt, Step};
use crate::isa::{Mnemonic, Mode, OPCODES};

/// One row for each high digit; `.` is an undocumented opcode.
const CYCLES: [&str; 16] = [
    "76...35.322..46.", //
    "25...46.24...47.",
    "66..335.422.446.",
    "25...46.24...47.",
    "66...35.322.346.",
    "25...46.24...47.",
    "66...35.422.546.",
    "25...46.24...47.",
    ".6..333.2.2.444.",
    "26..444.252..5..",
    "262.333.222.444.",
    "25..444.242.444.",
    "26..335.222.446.",
    "25...46.24...47.",
    "26..335.222.446.",
    "25...46.24...47.",
];

/// The opcodes that take one more when the indexed address is in another page.
const PAGE_CROSSING: [u8; 23] = [
    0x11, 0x19, 0x1d, 0x31, 0x39, 0x3d, 0x51, 0x59, 0x5d, 0x71, 0x79, 0x7d, 0xb1, 0xb9, 0xbc, 0xbd, 0xbe, 0xd1, 0xd9,
    0xdd, 0xf1, 0xf9, 0xfd,
];

fn expected(opcode: u8) -> Option<u8> {
    let digit = CYCLES[usize::from(opcode >> 4)].as_bytes()[usize::from(opcode & 0x0f)];
    (digit as char).to_digit(10).map(|cycles| cycles as u8)
}

/// Executes an opcode with operands $2080 or $80, a pointer at $80 to $2080, and both index registers at `index`.
fn cycles(opcode: u8, index: u8) -> Result<u8, IllegalOpcode> {
    let mut bench = Bench::new("");
    let code = [opcode, 0x80, 0x20];
    bench.memory.0[0x0400..0x0403].copy_from_slice(&code);
    bench.memory.0[0x80..0x82].copy_from_slice(&[0x80, 0x20]);
    (bench.cpu.x, bench.cpu.y) = (index, index);
    match bench.cpu.step(&mut bench.memory)? {
        Step::Instruction(executed) => Ok(executed.cycles),
        Step::Interrupt { .. } => panic!("nobody asked for an interrupt"),
    }
}

fn is_branch(opcode: u8) -> bool {
    opcode & 0x1f == 0x10
}

#[test]
fn every_opcode_takes_its_cycles() {
    let mut documented = 0;
    for opcode in (0..=255).filter(|opcode| !is_branch(*opcode)) {
        assert_eq!(cycles(opcode, 0).ok(), expected(opcode), "{opcode:02x}");
        documented += usize::from(expected(opcode).is_some());
    }
    assert_eq!(documented + 8, 151);
}

#[test]
fn crossing_a_page_costs_one_cycle_where_it_does() {
    for opcode in (0..=255).filter(|opcode| !is_branch(*opcode)) {
        let penalty = u8::from(PAGE_CROSSING.contains(&opcode));
        assert_eq!(cycles(opcode, 0x7f).ok(), expected(opcode), "{opcode:02x} up to the end of the page");
        let crossing = expected(opcode).map(|cycles| cycles + penalty);
        assert_eq!(cycles(opcode, 0x80).ok(), crossing, "{opcode:02x} past the end of the page");
    }
}

#[test]
fn a_branch_takes_two_three_or_four_cycles() {
    // The opcode and the status byte with which it is taken; it is not taken with the opposite.
    let branches = [
        (0x10, 0x00_u8, 0x80),
        (0x30, 0x80, 0x00),
        (0x50, 0x00, 0x40),
        (0x70, 0x40, 0x00),
        (0x90, 0x00, 0x01),
        (0xb0, 0x01, 0x00),
        (0xd0, 0x00, 0x02),
        (0xf0, 0x02, 0x00),
    ];
    for (opcode, taken, not_taken) in branches {
        assert_eq!(expected(opcode), Some(2), "{opcode:02x}");
        let branch = |pc: u16, distance: i8, status: u8| {
            let mut bench = Bench::new("");
            bench.cpu.pc = pc;
            bench.cpu.status = crate::cpu::Status::from_byte(status);
            bench.memory.0[usize::from(pc)] = opcode;
            bench.memory.0[usize::from(pc) + 1] = distance as u8;
            let cycles = bench.step().cycles;
            (bench.cpu.pc, cycles)
        };
        assert_eq!(branch(0x0410, 0x10, not_taken), (0x0412, 2), "{opcode:02x}");
        assert_eq!(branch(0x0410, 0x10, taken), (0x0422, 3), "{opcode:02x}");
        assert_eq!(branch(0x0410, -0x12, taken), (0x0400, 3), "{opcode:02x}");
        assert_eq!(branch(0x0410, -0x13, taken), (0x03ff, 4), "{opcode:02x}");
        assert_eq!(branch(0x0480, 0x7d, taken), (0x04ff, 3), "{opcode:02x}");
        assert_eq!(branch(0x0480, 0x7e, taken), (0x0500, 4), "{opcode:02x}");
        // What counts is the page of the next instruction, not the branch's own.
        assert_eq!(branch(0x04fe, 0x10, taken), (0x0510, 3), "{opcode:02x}");
        assert_eq!(branch(0x04fe, -0x10, taken), (0x04f0, 4), "{opcode:02x}");
    }
}

#[test]
fn an_interrupt_takes_seven_cycles() {
    let mut bench = Bench::new(" nop");
    bench.cpu.nmi_pending = true;
    assert_eq!(bench.cpu.step(&mut bench.memory), Ok(Step::Interrupt { kind: Interrupt::Nmi, cycles: 7 }));
}

#[test]
fn an_undocumented_opcode_changes_nothing() {
    for opcode in (0..=255).filter(|opcode| expected(*opcode).is_none()) {
        let mut bench = Bench::new("");
        bench.memory.0[0x0400] = opcode;
        let before = bench.cpu;
        for _ in 0..2 {
            assert_eq!(bench.cpu.step(&mut bench.memory), Err(IllegalOpcode { pc: 0x0400, opcode }));
            assert_eq!(bench.cpu, before);
        }
    }
}

#[test]
fn a_mnemonic_and_a_mode_have_one_opcode() {
    for opcode in 0..=255_u8 {
        if let Some(meaning) = OPCODES[usize::from(opcode)] {
            assert_eq!(crate::isa::encode(meaning.mnemonic, meaning.mode), Some(opcode));
        }
    }
    assert_eq!(Mnemonic::ALL.len(), 56);
    assert_eq!(crate::isa::encode(Mnemonic::Sta, Mode::Immediate), None);
}
