//! What `program.s` prints, against the same computed here; and the machine it runs on.

use std::fmt::Write as _;

use crate::asm::{self, Image};
use crate::cpu::{Cpu, Interrupt};
use crate::machine::{Machine, Port, Stop, nanoseconds};
use crate::observer::{Counter, Instruction, Observer};
use crate::random::Checker;
use crate::trace::Tracer;

const SOURCE: &str = include_str!("../../examples/emulator/program.s");

fn program(source: &str) -> Image {
    asm::assemble(source).unwrap_or_else(|error| panic!("{error}"))
}

#[derive(Default)]
struct Recorder {
    console: Vec<u8>,
    irqs: u64,
    nmis: u64,
    frames: Vec<u64>,
    banks: Vec<u8>,
    gauges: Vec<(u8, u64)>,
    latencies: Vec<u64>,
    /// Instructions in the fixed ROM, bank 0 and bank 1.
    instructions: [u64; 3],
}

impl Observer for Recorder {
    fn instruction(&mut self, instruction: &Instruction, _: &Cpu) {
        self.instructions[instruction.bank.map_or(0, |bank| usize::from(bank) + 1)] += 1;
    }

    fn interrupt(&mut self, _: u64, kind: Interrupt) {
        match kind.as_str() {
            "IRQ" => self.irqs += 1,
            "NMI" => self.nmis += 1,
            other => panic!("no interrupt is called {other}"),
        }
    }

    fn port_write(&mut self, _: u64, port: Port, value: u8) {
        match port {
            Port::Console => self.console.push(value),
            Port::Bank => self.banks.push(value),
            _ => {}
        }
    }

    fn counter(&mut self, _: u64, counter: Counter, value: u64) {
        match counter {
            Counter::Gauge(number) => self.gauges.push((number, value)),
            Counter::IrqLatency => self.latencies.push(value),
            Counter::StackBytes => {}
        }
    }

    fn frame(&mut self, cycles: u64, _: u64) {
        self.frames.push(cycles);
    }
}

/// Numbers with a space between them, `width` a line; an unfinished line is finished.
fn columns<T: ToString>(items: &[T], width: usize) -> String {
    let mut text = String::new();
    for (item, number) in items.iter().zip(1..) {
        text += &item.to_string();
        text.push(if number % width == 0 { '\n' } else { ' ' });
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn hanoi(disks: u32, from: char, to: char, via: char, moves: &mut Vec<String>) {
    if disks > 0 {
        hanoi(disks - 1, from, via, to, moves);
        moves.push(format!("{from}-{to}"));
        hanoi(disks - 1, via, to, from, moves);
    }
}

fn ackermann(m: u32, n: u32) -> u32 {
    match (m, n) {
        (0, _) => n + 1,
        (_, 0) => ackermann(m - 1, 1),
        _ => ackermann(m - 1, ackermann(m, n - 1)),
    }
}

fn expected_console(ticks: u64) -> String {
    let primes: Vec<u32> = (2..=1000).filter(|n| (2..*n).all(|divisor| n % divisor != 0)).collect();
    let fibonacci: Vec<u32> =
        std::iter::successors(Some((0, 1)), |(a, b)| Some((*b, a + b))).map(|(a, _)| a).take(40).collect();
    let mut moves = Vec::new();
    hanoi(5, 'A', 'C', 'B', &mut moves);
    let shifted = |value: &u32| Some(if value % 2 == 1 { (value / 2) ^ 0xb8 } else { value / 2 });
    let mut values: Vec<u32> = std::iter::successors(Some(0x5a), shifted).skip(1).take(64).collect();
    values.sort();

    let mut text = format!("Primes up to 1000:\n{}{} primes\n", columns(&primes, 16), primes.len());
    write!(text, "\nFibonacci numbers:\n{}", columns(&fibonacci, 8)).unwrap();
    write!(text, "\nTowers of Hanoi:\n{}", columns(&moves, 16)).unwrap();
    write!(text, "\nSorted:\n{}Sum: {}\n", columns(&values, 16), values.iter().sum::<u32>()).unwrap();
    write!(text, "\nAckermann(3, 3) = {}\nFrames: 20, ticks: {ticks}\n", ackermann(3, 3)).unwrap();
    text
}

#[test]
fn the_program_prints_what_it_should() {
    let program = program(SOURCE);
    let mut machine = Machine::new(&program).unwrap();
    let mut recorder = Recorder::default();
    assert_eq!(machine.run(10_000_000, &mut recorder), Stop::Exit(0));
    assert_eq!(String::from_utf8_lossy(&recorder.console), expected_console(recorder.irqs));

    assert_eq!(recorder.nmis, 20);
    assert!((100..200).contains(&recorder.irqs), "{}", recorder.irqs);
    assert_eq!(recorder.latencies.len() as u64, recorder.irqs);
    // All three ROMs ran, and bank 1 called bank 0.
    assert!(recorder.instructions.iter().all(|count| *count > 1000), "{:?}", recorder.instructions);
    assert!(recorder.banks.windows(3).any(|banks| banks == [1, 0, 1]), "{:?}", recorder.banks);
    assert_eq!(recorder.gauges.iter().filter(|gauge| gauge.0 == 0).map(|gauge| gauge.1).max(), Some(168));
    assert!((100_000..1_000_000).contains(&machine.cycles()), "{}", machine.cycles());
    // The last of the counters that the interrupts keep, as the program itself sees them.
    assert_eq!(u64::from(machine.ram(0)), recorder.irqs);
    assert_eq!(machine.ram(2), 20);
}

#[test]
fn the_program_keeps_the_observers_promises() {
    let program = program(SOURCE);
    let mut machine = Machine::new(&program).unwrap();
    let mut checker = Checker::default();
    machine.run(10_000_000, &mut checker);
    checker.check_closed();
    // Only `reset` is still running when it writes to the exit port.
    assert_eq!(checker.stops, 1);
}

#[test]
fn every_run_is_the_same() {
    let program = program(SOURCE);
    let run = || {
        let mut machine = Machine::new(&program).unwrap();
        let mut recorder = Recorder::default();
        machine.run(10_000_000, &mut recorder);
        (machine.cycles(), recorder.console, recorder.latencies)
    };
    assert_eq!(run(), run());
}

#[test]
fn a_trace_of_the_program_is_the_same_each_time() {
    let program = program(SOURCE);
    let trace = || {
        let mut recorder = Recorder::default();
        let mut both = (&mut recorder, Tracer::new(Vec::new()).unwrap());
        assert_eq!(Machine::new(&program).unwrap().run(10_000_000, &mut both), Stop::Exit(0));
        let bytes = both.1.finish().unwrap();
        // The other observer saw the run too.
        assert_eq!(String::from_utf8_lossy(&recorder.console), expected_console(recorder.irqs));
        bytes
    };
    let bytes = trace();
    // Two events for each of some 180 000 instructions.
    assert!(bytes.len() > 5_000_000, "{}", bytes.len());
    assert!(bytes == trace(), "two runs differ");
}

/// A writer with room for some bytes only.
struct Full(usize);

impl std::io::Write for Full {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(std::io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_trace_that_cannot_be_written_is_an_error_and_the_run_goes_on() {
    let program = program(SOURCE);
    let mut recorder = Recorder::default();
    let mut both = (&mut recorder, Tracer::new(Full(200_000)).unwrap());
    assert_eq!(Machine::new(&program).unwrap().run(10_000_000, &mut both), Stop::Exit(0));
    assert!(matches!(both.1.finish(), Err(pftrace::Error::Io { .. })));
    assert_eq!(recorder.nmis, 20);
}

#[test]
fn frames_come_every_29780_and_a_half_cycles() {
    let program = program(" .org $c000\n jmp *\n .org $fffc\n .word $c000");
    let mut machine = Machine::new(&program).unwrap();
    let mut recorder = Recorder::default();
    assert_eq!(machine.run(2_978_050, &mut recorder), Stop::CycleLimit);
    assert_eq!(recorder.frames.len(), 100);
    for (cycles, number) in recorder.frames.iter().zip(0..) {
        let due = (number * 59_561_u64).div_ceil(2);
        assert!((due..due + 3).contains(cycles), "frame {number} at {cycles}");
    }
    assert_eq!(recorder.nmis, 0, "they were not enabled");
}

#[test]
fn the_timer_raises_irq_until_it_is_acknowledged() {
    // Counts in $00, and keeps what it reads before and after it acknowledges.
    let source = " .org $c000\nstart: ldx #$ff\n txs\n lda #<1000\n sta $7f03\n lda #>1000\n sta $7f04\n cli\n jmp *\n\
                  handler: lda $7f05\n sta $01\n sta $7f05\n lda $7f05\n sta $02\n inc $00\n rti\n\
                  .org $fffc\n .word start, handler";
    let program = program(source);
    let mut machine = Machine::new(&program).unwrap();
    let mut recorder = Recorder::default();
    machine.run(1_000_500, &mut recorder);
    assert_eq!((recorder.irqs, machine.ram(0)), (1000, (1000 % 256) as u8));
    assert_eq!((machine.ram(1), machine.ram(2)), (0x80, 0x00));
    assert!(recorder.latencies.iter().all(|latency| *latency < 3), "{:?}", recorder.latencies);
}

#[test]
fn banks_repeat_and_can_be_read() {
    let source = " .bank fixed\n .org $c000\nstart: lda #4\n sta $7f01\n lda $7f01\n sta $00\n lda $8000\n sta $01\n\
                  lda #0\n sta $8000\n sta $c000\n lda $8000\n sta $02\n lda #7\n sta $7f02\n\
                  .org $fffc\n .word start\n .bank 0\n .org $8000\n .byte $a0\n .bank 1\n .org $8000\n .byte $a1\n\
                  .bank 2\n .org $8000\n .byte $a2";
    let program = program(source);
    let mut machine = Machine::new(&program).unwrap();
    assert_eq!(machine.run(1000, &mut Recorder::default()), Stop::Exit(7));
    assert_eq!([0, 1, 2].map(|address| machine.ram(address)), [1, 0xa1, 0xa1], "and ROM cannot be written");
}

#[test]
fn a_program_that_does_not_fit_is_refused() {
    let error = |source: &str| Machine::new(&program(source)).unwrap_err().to_string();
    assert_eq!(error(" .org $0200\n nop"), "there is no fixed ROM at $0200 for 1 bytes");
    assert_eq!(error(" .org $8000\n nop"), "there is no fixed ROM at $8000 for 1 bytes");
    assert_eq!(error(" .bank 0\n .org $bfff\n .byte 1, 2"), "bank 0 has no room at $BFFF for 2 bytes");
    assert_eq!(error(" .bank 0\n .org $c000\n nop"), "bank 0 has no room at $C000 for 1 bytes");
    assert_eq!(error(" .bank 16\n .org $8000\n nop"), "bank 16 has no room at $8000 for 1 bytes");
}

#[test]
fn undocumented_opcodes_end_the_run() {
    let program = program(" .org $c000\n nop\n .byte $02\n .org $fffc\n .word $c000");
    let stop = Machine::new(&program).unwrap().run(1000, &mut Recorder::default());
    assert_eq!(stop.to_string(), "undocumented opcode $02 at $C001");
}

#[test]
fn time_does_not_drift() {
    let exact = |cycles: u64| (u128::from(cycles) * 1_000_000_000 * 176 / 315_000_000) as u64;
    for cycles in (0..10_000).chain((0..10_000).map(|n| n * 1_789_773)).chain((0..100).map(|n| (1 << 44) + n)) {
        assert_eq!(nanoseconds(cycles), exact(cycles), "{cycles}");
    }
    // 11 seconds are a whole number of cycles.
    assert_eq!(nanoseconds(19_687_500), 11_000_000_000);
    assert!((0..1000).all(|cycles| nanoseconds(cycles) < nanoseconds(cycles + 1)));
}
