//! The emulator of the example: its CPU, its assembler, its machine, and what its program prints.

// Each file is a module of the example, compiled here once more.
#[path = "../../examples/emulator/asm/mod.rs"]
mod asm;
#[path = "../../examples/emulator/calls.rs"]
mod calls;
#[path = "../../examples/emulator/cpu/mod.rs"]
mod cpu;
#[path = "../../examples/emulator/isa.rs"]
mod isa;
#[path = "../../examples/emulator/machine.rs"]
mod machine;
#[path = "../../examples/emulator/observer.rs"]
mod observer;
#[path = "../../examples/emulator/trace.rs"]
mod trace;

mod assembler;
mod call_tracking;
mod cycles;
mod decimal;
mod functional;
mod instructions;
mod interrupts;
mod program;
mod random;
mod traced;

use crate::cpu::{Bus, Cpu, Executed, Status, Step};

/// 64 KiB of memory and nothing else.
struct Memory(Vec<u8>);

impl Bus for Memory {
    fn read(&mut self, address: u16) -> u8 {
        self.0[usize::from(address)]
    }

    fn write(&mut self, address: u16, value: u8) {
        self.0[usize::from(address)] = value;
    }
}

/// A CPU in front of a program in plain memory.
struct Bench {
    cpu: Cpu,
    memory: Memory,
}

impl Bench {
    /// Assembles `source`; the CPU stands at its first instruction, which is at $0400 unless the source says otherwise.
    fn new(source: &str) -> Self {
        let image =
            asm::assemble(&format!(" .org $0400\n{source}")).unwrap_or_else(|error| panic!("{error}\n{source}"));
        let mut memory = Memory(vec![0; 0x1_0000]);
        for segment in &image.segments {
            let start = usize::from(segment.origin);
            memory.0[start..start + segment.bytes.len()].copy_from_slice(&segment.bytes);
        }
        let pc = image.segments.first().map_or(0x0400, |segment| segment.origin);
        Bench { cpu: Cpu { pc, sp: 0xff, ..Cpu::default() }, memory }
    }

    /// The bench after as many steps.
    fn run(source: &str, steps: usize) -> Self {
        let mut bench = Bench::new(source);
        for _ in 0..steps {
            bench.step();
        }
        bench
    }

    fn step(&mut self) -> Executed {
        match self.cpu.step(&mut self.memory) {
            Ok(Step::Instruction(executed)) => executed,
            other => panic!("expected an instruction, found {other:?}"),
        }
    }

    /// The flags that are set, of `nvdizc`.
    fn flags(&self) -> String {
        flags(self.cpu.status)
    }

    fn word(&mut self, address: u16) -> u16 {
        cpu::read_word(&mut self.memory, address)
    }
}

fn flags(status: Status) -> String {
    let Status { carry, zero, interrupt_disable, decimal, overflow, negative } = status;
    let all = [(negative, 'n'), (overflow, 'v'), (decimal, 'd'), (interrupt_disable, 'i'), (zero, 'z'), (carry, 'c')];
    all.into_iter().filter_map(|(set, name)| set.then_some(name)).collect()
}
