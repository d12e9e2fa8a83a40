//! Klaus Dormann's functional test of the 6502, which is not part of this project.
//!
//! <https://github.com/Klaus2m5/6502_65C02_functional_tests>, `bin_files/6502_functional_test.bin`.

use crate::cpu::{Cpu, Step};
use crate::{Bench, Memory};

#[test]
#[ignore = "set FUNCTIONAL_TEST_6502 to the path of 6502_functional_test.bin"]
fn klaus_dormanns_functional_test() {
    let path = std::env::var_os("FUNCTIONAL_TEST_6502").expect("FUNCTIONAL_TEST_6502 is set");
    let memory = std::fs::read(path).expect("the file can be read");
    assert_eq!(memory.len(), 0x1_0000);
    let mut bench = Bench { cpu: Cpu { pc: 0x0400, ..Cpu::default() }, memory: Memory(memory) };
    // A failed check, and the success, is an instruction that jumps to itself.
    loop {
        let pc = bench.cpu.pc;
        match bench.cpu.step(&mut bench.memory) {
            Ok(Step::Instruction(_)) if bench.cpu.pc == pc => break,
            Ok(_) => {}
            Err(illegal) => panic!("{illegal}"),
        }
    }
    assert_eq!(bench.cpu.pc, 0x3469, "a check failed at this address");
}
