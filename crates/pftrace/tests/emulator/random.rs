//! Programs of random instructions: nothing panics, time goes on, calls nest and stay bounded.

use std::fmt::Write as _;

use crate::asm;
use crate::calls::{Call, Leave};
use crate::cpu::{Cpu, Interrupt};
use crate::isa::OPCODES;
use crate::machine::{Machine, Port, Stop};
use crate::observer::{Counter, Instruction, Observer};

/// Marsaglia's xorshift.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }
}

/// Checks what every observer relies on.
#[derive(Default)]
pub(crate) struct Checker {
    now: u64,
    instructions_until: u64,
    /// Name, kind and stack pointer are compared when the call is left.
    open: Vec<(String, u8)>,
    pub(crate) max_depth: usize,
    pub(crate) stops: usize,
}

impl Checker {
    fn at(&mut self, cycles: u64) {
        assert!(cycles >= self.now, "time goes back from {} to {cycles}", self.now);
        self.now = cycles;
    }

    pub(crate) fn check_closed(&self) {
        assert_eq!(self.open, []);
        assert!(self.stops > 0);
    }
}

impl Observer for Checker {
    fn enter(&mut self, cycles: u64, call: &Call<'_>) {
        self.at(cycles);
        self.open.push((call.name().into(), call.sp));
        self.max_depth = self.max_depth.max(self.open.len());
    }

    fn leave(&mut self, cycles: u64, call: &Call<'_>, how: Leave) {
        self.at(cycles);
        assert_eq!(self.open.pop(), Some((call.name().into(), call.sp)));
        self.stops += usize::from(how == Leave::Stop);
    }

    fn instruction(&mut self, instruction: &Instruction, _: &Cpu) {
        let Instruction { executed, cycles_before, cycles_after, .. } = instruction;
        assert_eq!(*cycles_before, self.instructions_until);
        assert_eq!(cycles_after - cycles_before, u64::from(executed.cycles));
        self.instructions_until = *cycles_after;
        self.at(*cycles_after);
    }

    fn interrupt(&mut self, cycles: u64, _: Interrupt) {
        assert_eq!(cycles, self.instructions_until);
        self.instructions_until += 7;
        self.at(cycles);
    }

    fn port_write(&mut self, cycles: u64, _: Port, _: u8) {
        assert_eq!(cycles, self.instructions_until);
        self.at(cycles);
    }

    fn counter(&mut self, cycles: u64, _: Counter, _: u64) {
        self.at(cycles);
    }

    fn frame(&mut self, cycles: u64, _: u64) {
        self.at(cycles);
    }
}

#[test]
fn random_programs() {
    let documented: Vec<u8> = (0..=255).filter(|opcode| OPCODES[usize::from(*opcode)].is_some()).collect();
    let mut deepest = 0;
    let mut reached_the_limit = 0;
    for seed in 1..=24 {
        let mut random = Random(u64::wrapping_mul(seed, 0x9e37_79b9_7f4a_7c15));
        let mut source = String::new();
        for (bank, origin) in [("fixed", "$c000"), ("0", "$8000"), ("1", "$8000"), ("2", "$8000")] {
            writeln!(source, " .bank {bank}\n .org {origin}").unwrap();
            for number in 0..500 {
                // All bytes are opcodes, so that it goes on wherever it jumps; few of the last address the ports.
                write!(source, " .proc f{bank}_{number}\n .byte ${:02x}", documented[random.below(151)]).unwrap();
                for _ in 0..30 {
                    write!(source, ", ${:02x}", documented[random.below(151)]).unwrap();
                }
                source.push_str("\n .endproc\n");
            }
        }
        let calls = (0..40).map(|_| format!(" jsr ${:04x}\n", 0x8000 + random.below(0x7f00))).collect::<String>();
        write!(
            source,
            " .bank fixed\n .org $ff00\n lda #50\n sta $7f03\n lda #0\n sta $7f04\n lda #$80\n sta $7f06\n cli\n{calls}"
        )
        .unwrap();
        let start = [0xff00, 0xc000 + random.below(15_000)][usize::from(seed % 4 == 0)];
        let vectors = [0xc000 + random.below(15_000), start, 0xc000 + random.below(15_000)];
        writeln!(source, " .org $fffa\n .word {}, {}, {}", vectors[0], vectors[1], vectors[2]).unwrap();

        let program = asm::assemble(&source).unwrap();
        let mut machine = Machine::new(&program).unwrap();
        let mut checker = Checker::default();
        let stop = machine.run(50_000, &mut checker);
        checker.check_closed();
        assert_eq!(machine.depth(), 0);
        assert!(checker.max_depth <= 2 * 256 + 2);
        deepest = deepest.max(checker.max_depth);
        reached_the_limit += usize::from(stop == Stop::CycleLimit);
    }
    assert!(deepest > 20, "{deepest}");
    assert!(reached_the_limit > 5, "{reached_the_limit}");
}

/// Endless recursion, and interrupts whose handler forgets where it came from.
#[test]
fn runaway_programs_stay_bounded() {
    for (body, handler) in [
        (" jsr f", " rti"),
        (" pla\n pla\n jsr f", " rti"),
        (" brk", " jmp f"),
        (" cli", " jmp f"),
        (" cli\nwait: jmp wait", " sta $7f05\n pla\n pla\n pla\n jmp f"),
    ] {
        let source = format!(
            " .org $c000\n .proc main\n lda #40\n sta $7f03\n lda #0\n sta $7f04\n cli\n jsr f\n .endproc\n\
             .proc f\n{body}\n jmp f\n .endproc\n .proc handler\n{handler}\n .endproc\n\
             .org $fffa\n .word handler, main, handler"
        );
        let program = asm::assemble(&source).unwrap();
        let mut checker = Checker::default();
        let stop = Machine::new(&program).unwrap().run(200_000, &mut checker);
        assert_eq!(stop, Stop::CycleLimit, "{body}");
        checker.check_closed();
        assert!(checker.max_depth <= 2 * 256 + 2, "{body}: {}", checker.max_depth);
    }
}
