//! Enter and leave, for all that programs do with the stack.

use crate::asm;
use crate::calls::{Call, CallKind, Leave};
use crate::machine::{Machine, Port, Stop};
use crate::observer::Observer;

/// Keeps the calls as text: `>name` and `<name`, with how it was left if it did not return; and writes to gauges.
#[derive(Default)]
struct Calls(Vec<String>);

impl Observer for Calls {
    fn enter(&mut self, _: u64, call: &Call<'_>) {
        let kind = match call.kind {
            CallKind::Reset | CallKind::Jsr => String::new(),
            other => format!(" {other:?}"),
        };
        self.0.push(format!(">{}{kind}", call.name()));
    }

    fn leave(&mut self, _: u64, call: &Call<'_>, how: Leave) {
        let how = match how {
            Leave::Return => String::new(),
            other => format!(" {other:?}"),
        };
        self.0.push(format!("<{}{how}", call.name()));
    }

    fn port_write(&mut self, _: u64, port: Port, _: u8) {
        if let Port::Gauge(number) = port {
            self.0.push(format!("gauge {number}"));
        }
    }
}

/// The calls in a program between `main`'s beginning and the end of the run.
fn calls(source: &str) -> Vec<String> {
    let source = format!(
        " .bank fixed\n .org $c000\n .proc main\n ldx #$ff\n txs\n{source}\n .org $fffa\n .word 0, main, handler"
    );
    let source = if source.contains("handler\n") { source } else { source + "\nhandler = 0" };
    let program = asm::assemble(&source).unwrap_or_else(|error| panic!("{error}\n{source}"));
    let mut calls = Calls::default();
    let stop = Machine::new(&program).unwrap().run(100_000, &mut calls);
    assert_eq!(stop, Stop::Exit(0), "{:?}", calls.0);
    let all = calls.0;
    assert_eq!((all.first(), all.last()), (Some(&">main".into()), Some(&"<main Stop".into())));
    all[1..all.len() - 1].to_vec()
}

const END: &str = "\n lda #0\n sta $7f02\n .endproc\n";

#[test]
fn nested_calls() {
    let source = format!(" jsr f\n jsr g{END} .proc f\n jsr g\n rts\n .endproc\n .proc g\n rts\n .endproc");
    assert_eq!(calls(&source), [">f", ">g", "<g", "<f", ">g", "<g"]);
}

#[test]
fn a_function_without_a_name() {
    assert_eq!(calls(&format!(" jsr f{END} .org $c100\nf: rts")), [">sub_c100", "<sub_c100"]);
}

#[test]
fn tail_calls() {
    let jump = format!(" jsr f{END} .proc f\n jmp g\n .endproc\n .proc g\n rts\n .endproc");
    assert_eq!(calls(&jump), [">f", "<f Tail", ">g Tail", "<g"]);

    let fall = format!(" jsr f{END} .proc f\n nop\n .endproc\n .proc g\n rts\n .endproc");
    assert_eq!(calls(&fall), [">f", "<f Tail", ">g Tail", "<g"]);

    let by_rts =
        format!(" jsr f{END} .proc f\n lda #>g-1\n pha\n lda #<g-1\n pha\n rts\n .endproc\n .proc g\n rts\n .endproc");
    assert_eq!(calls(&by_rts), [">f", "<f Tail", ">g Tail", "<g"]);

    // A loop to the own start is none.
    let own = format!(" ldx #3\n jsr f{END} .proc f\n dex\n bne f\n rts\n .endproc");
    assert_eq!(calls(&own), [">f", "<f"]);
}

#[test]
fn text_behind_the_call() {
    let source = format!(
        " jsr f\n .byte $ff\n jsr g{END}\
         .proc f\n pla\n clc\n adc #1\n tay\n pla\n adc #0\n pha\n tya\n pha\n rts\n .endproc\n .proc g\n rts\n .endproc"
    );
    assert_eq!(calls(&source), [">f", "<f", ">g", "<g"]);
}

#[test]
fn return_to_the_callers_caller() {
    let source = format!(
        " jsr f\n jsr g{END} .proc f\n jsr h\n brk\n .endproc\n .proc h\n pla\n pla\n rts\n .endproc\n .proc g\n rts\n .endproc"
    );
    assert_eq!(calls(&source), [">f", ">h", "<h Abandoned", "<f", ">g", "<g"]);
}

#[test]
fn many_calls_left_at_once() {
    let source = format!(
        " jsr f\n jsr g{END}\
         .proc f\n jsr h\n brk\n .endproc\n\
         .proc h\n ldx #$ff\n txs\n sta $7f08\n jmp $c006\n .endproc\n .proc g\n rts\n .endproc"
    );
    assert_eq!(calls(&source), [">f", ">h", "<h Abandoned", "<f Abandoned", "gauge 0", ">g", "<g"]);
}

#[test]
fn a_dropped_return_address_is_noticed_at_the_next_call() {
    let source = format!(" jsr f\n jsr g{END} .proc f\n pla\n pla\n jmp $c006\n .endproc\n .proc g\n rts\n .endproc");
    assert_eq!(calls(&source), [">f", "<f Abandoned", ">g", "<g"]);
}

#[test]
fn brk_and_its_handler() {
    let source = format!(" brk\n .byte 0\n jsr g{END} .proc handler\n rti\n .endproc\n .proc g\n rts\n .endproc");
    assert_eq!(calls(&source), [">handler Brk", "<handler", ">g", "<g"]);
}

/// An interrupt comes between every two instructions, also while a return address is off the stack.
#[test]
fn interrupts_anywhere_disturb_no_call() {
    let mut handled = 0;
    for period in 18..80 {
        let source = format!(
            " lda #{period}\n sta $7f03\n lda #0\n sta $7f04\n cli\n jsr f\n .byte $ff\n sei{END}\
             .proc f\n pla\n clc\n adc #1\n tay\n pla\n adc #0\n pha\n tya\n pha\n rts\n .endproc\n\
             .proc handler\n sta $7f05\n rti\n .endproc"
        );
        let (of_handler, others): (Vec<_>, Vec<_>) =
            calls(&source).into_iter().partition(|call| call.contains("handler"));
        assert_eq!(others, [">f", "<f"], "period {period}");
        for pair in of_handler.chunks(2) {
            assert_eq!(pair, [">handler Irq", "<handler"], "period {period}");
        }
        handled += of_handler.len() / 2;
    }
    assert!(handled > 50, "{handled}");
}

#[test]
fn addresses_and_stack_pointers() {
    #[derive(Default)]
    struct Entered(Vec<(u64, u16, u16, u16, u8)>);
    impl Observer for Entered {
        fn enter(&mut self, cycles: u64, call: &Call<'_>) {
            self.0.push((cycles, call.caller, call.entry, call.return_address, call.sp));
        }
    }
    let source = " .org $c000\n ldx #$80\n txs\n jsr f\n .org $c010\nf: sta $7f02\n .org $fffc\n .word $c000";
    let program = asm::assemble(source).unwrap();
    let mut entered = Entered::default();
    Machine::new(&program).unwrap().run(100, &mut entered);
    assert_eq!(entered.0, [(0, 0xc000, 0xc000, 0xc000, 0xfd), (10, 0xc003, 0xc010, 0xc006, 0x80)]);
}
