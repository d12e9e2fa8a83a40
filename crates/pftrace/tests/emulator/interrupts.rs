//! BRK, IRQ, NMI and RTI.

use crate::Bench;
use crate::cpu::{Cpu, IRQ_VECTOR, Interrupt, NMI_VECTOR, RESET_VECTOR, Step};

fn with_vectors(source: &str) -> Bench {
    let mut bench = Bench::new(source);
    for (vector, target) in [(NMI_VECTOR, 0x1000_u16), (RESET_VECTOR, 0x0400), (IRQ_VECTOR, 0x2000)] {
        let at = usize::from(vector);
        bench.memory.0[at..at + 2].copy_from_slice(&target.to_le_bytes());
    }
    // Both handlers are an RTI.
    (bench.memory.0[0x1000], bench.memory.0[0x2000]) = (0x40, 0x40);
    bench
}

/// The kind of interrupt that the next step takes, or `None` for an instruction.
fn next(bench: &mut Bench) -> Option<Interrupt> {
    match bench.cpu.step(&mut bench.memory) {
        Ok(Step::Interrupt { kind, .. }) => Some(kind),
        Ok(Step::Instruction(_)) => None,
        Err(illegal) => panic!("{illegal}"),
    }
}

#[test]
fn reset() {
    let mut bench = with_vectors(" nop");
    let cpu = Cpu::after_reset(&mut bench.memory);
    assert_eq!((cpu.pc, cpu.sp, crate::flags(cpu.status)), (0x0400, 0xfd, "i".into()));
}

#[test]
fn brk_skips_a_byte_and_is_marked() {
    let mut bench = with_vectors(" sec\n brk\n .byte $ff\n nop");
    bench.step();
    bench.step();
    assert_eq!((bench.cpu.pc, bench.cpu.sp, bench.flags()), (0x2000, 0xfc, "ic".into()));
    assert_eq!((bench.word(0x01fe), bench.memory.0[0x01fd]), (0x0403, 0b0011_0001));
    // RTI comes back, with the status as it was.
    bench.step();
    assert_eq!((bench.cpu.pc, bench.cpu.sp, bench.flags()), (0x0403, 0xff, "c".into()));
}

#[test]
fn an_irq_is_not_marked_and_comes_back_to_the_same_instruction() {
    let mut bench = with_vectors(" sec\n nop");
    bench.step();
    bench.cpu.irq_line = true;
    assert_eq!(next(&mut bench), Some(Interrupt::Irq));
    assert_eq!((bench.cpu.pc, bench.cpu.sp, bench.flags()), (0x2000, 0xfc, "ic".into()));
    assert_eq!((bench.word(0x01fe), bench.memory.0[0x01fd]), (0x0401, 0b0010_0001));
    // Not again in its own handler, but right after it while the line is still raised.
    assert_eq!(next(&mut bench), None);
    assert_eq!((bench.cpu.pc, bench.flags()), (0x0401, "c".into()));
    assert_eq!(next(&mut bench), Some(Interrupt::Irq));
}

#[test]
fn i_masks_irq_but_not_nmi() {
    let mut bench = with_vectors(" sei\n nop\n nop\n nop");
    bench.step();
    bench.step();
    bench.cpu.irq_line = true;
    assert_eq!(next(&mut bench), None);
    bench.cpu.nmi_pending = true;
    assert_eq!(next(&mut bench), Some(Interrupt::Nmi));
    assert_eq!((bench.cpu.pc, bench.word(0x01fe)), (0x1000, 0x0403));
    assert_eq!(bench.memory.0[0x01fd], 0b0010_0100);
    // An edge is taken once.
    assert_eq!(next(&mut bench), None);
    assert_eq!(bench.cpu.pc, 0x0403);
}

#[test]
fn nmi_goes_before_irq() {
    let mut bench = with_vectors(" nop");
    (bench.cpu.irq_line, bench.cpu.nmi_pending) = (true, true);
    assert_eq!(next(&mut bench), Some(Interrupt::Nmi));
    // And in the NMI's handler, IRQ is masked.
    assert_eq!(next(&mut bench), None);
    assert_eq!(next(&mut bench), Some(Interrupt::Irq));
}

#[test]
fn cli_sei_and_plp_count_one_instruction_later() {
    let mut bench = with_vectors(" sei\n cli\n nop\n nop");
    bench.step();
    bench.step();
    bench.cpu.irq_line = true;
    bench.step();
    assert_eq!(next(&mut bench), Some(Interrupt::Irq));
    assert_eq!(bench.word(0x01fe), 0x0403, "one instruction runs after CLI");

    let mut bench = with_vectors(" sei\n nop");
    bench.step();
    bench.cpu.irq_line = true;
    assert_eq!(next(&mut bench), Some(Interrupt::Irq), "SEI comes too late");
    assert_eq!(bench.memory.0[0x01fd] & 0x04, 0x04);

    let mut bench = with_vectors(" php\n sei\n nop\n plp\n nop\n nop");
    for _ in 0..3 {
        bench.step();
    }
    bench.cpu.irq_line = true;
    bench.step();
    bench.step();
    assert_eq!(next(&mut bench), Some(Interrupt::Irq), "one instruction runs after PLP");
}
