//! The assembler: what it writes, and what it refuses.

use crate::asm::{Image, assemble};

fn bytes(source: &str) -> Vec<u8> {
    let image = assemble(source).unwrap_or_else(|error| panic!("{error}\n{source}"));
    image.segments.into_iter().flat_map(|segment| segment.bytes).collect()
}

fn error(source: &str) -> String {
    assemble(source).expect_err(source).to_string()
}

fn segments(image: &Image) -> Vec<(Option<u8>, u16, &[u8])> {
    image.segments.iter().map(|segment| (segment.bank, segment.origin, segment.bytes.as_slice())).collect()
}

#[test]
fn every_addressing_mode() {
    for (source, expected) in [
        ("NOP", &[0xea][..]),
        ("asl", &[0x0a]),
        ("asl a", &[0x0a]),
        ("ASL A", &[0x0a]),
        ("lda #$12", &[0xa9, 0x12]),
        ("lda $12", &[0xa5, 0x12]),
        ("lda $12,x", &[0xb5, 0x12]),
        ("ldx $12,y", &[0xb6, 0x12]),
        ("lda $1234", &[0xad, 0x34, 0x12]),
        ("lda $1234,x", &[0xbd, 0x34, 0x12]),
        ("lda $1234 , Y", &[0xb9, 0x34, 0x12]),
        ("lda ($12,x)", &[0xa1, 0x12]),
        ("lda ($12),y", &[0xb1, 0x12]),
        ("jmp ($1234)", &[0x6c, 0x34, 0x12]),
        ("jmp ($12)", &[0x6c, 0x12, 0x00]),
        ("jmp $12", &[0x4c, 0x12, 0x00]),
        ("bne *", &[0xd0, 0xfe]),
        // There is no short form with Y.
        ("lda $12,y", &[0xb9, 0x12, 0x00]),
        // There is no long form.
        ("stx $12,y", &[0x96, 0x12]),
    ] {
        assert_eq!(bytes(source), expected, "{source}");
    }
}

#[test]
fn every_documented_opcode_can_be_written() {
    use crate::isa::{Mode, OPCODES};
    for opcode in 0..=255_u8 {
        let Some(meaning) = OPCODES[usize::from(opcode)] else {
            continue;
        };
        let operand = match meaning.mode {
            Mode::Implied => "",
            Mode::Accumulator => "a",
            Mode::Immediate => "#1",
            Mode::ZeroPage => "$12",
            Mode::ZeroPageX => "$12,x",
            Mode::ZeroPageY => "$12,y",
            Mode::Relative => "*",
            Mode::Absolute => "$1234",
            Mode::AbsoluteX => "$1234,x",
            Mode::AbsoluteY => "$1234,y",
            Mode::Indirect => "($1234)",
            Mode::IndirectX => "($12,x)",
            Mode::IndirectY => "($12),y",
        };
        let written = bytes(&format!("{} {operand}", meaning.mnemonic));
        assert_eq!(written[0], opcode, "{} {operand}", meaning.mnemonic);
        assert_eq!(written.len(), 1 + usize::from(meaning.mode.operand_len()));
    }
}

#[test]
fn expressions() {
    for (source, expected) in [
        (".byte 12, $0c, %1100, 'x'", &[12, 12, 12, 0x78][..]),
        (".byte -1, 1+2-4+3, 5 - 3", &[0xff, 2, 2]),
        // `<` and `>` take the whole sum.
        (".byte <$12ff+1, >$12ff+1", &[0x00, 0x13]),
        (".word $1234, -2", &[0x34, 0x12, 0xfe, 0xff]),
        (".org $1000\n.word *, *+1", &[0x00, 0x10, 0x01, 0x10]),
        ("A1 = 3\nB1 = A1+A1\n.byte B1", &[6]),
        (".byte \"a\\n\\\"\\\\;\", 0 ; the rest", &[b'a', b'\n', b'"', b'\\', b';', 0]),
        (".text \"hi\"", b"hi"),
        (".byte ';', ' '", b"; "),
    ] {
        assert_eq!(bytes(source), expected, "{source}");
    }
}

#[test]
fn labels_forwards_and_backwards() {
    assert_eq!(
        bytes(" .org $0300\nstart: ldx #2\nagain: dex\n bne again\n beq end\n jmp start\nend: .word start, again, end"),
        [0xa2, 2, 0xca, 0xd0, 0xfd, 0xf0, 3, 0x4c, 0, 3, 0x00, 0x03, 0x02, 0x03, 0x0a, 0x03],
    );
    // Known to be in the zero page: short. Not known yet: long.
    assert_eq!(bytes(" .org $10\nzero: .res 1\n .org $0300\n lda zero"), [0xa5, 0x10]);
    assert_eq!(bytes(" .org $0300\n lda zero\n .org $10\nzero: .res 1"), [0xad, 0x10, 0x00]);
}

#[test]
fn labels_of_a_function_are_its_own() {
    let source = ".proc one\nend: jmp end\n.endproc\n.proc two\n nop\nend: jmp end\n jmp one\n.endproc";
    assert_eq!(bytes(source), [0x4c, 0, 0, 0xea, 0x4c, 4, 0, 0x4c, 0, 0]);
    assert_eq!(error(".proc one\nend: rts\n.endproc\n jmp end"), "line 4: `end` is not defined");
}

#[test]
fn segments_banks_and_functions() {
    let source = "\
 .org $c000
 .proc main
 nop
 .endproc
 .res 2
 .byte 1
 .bank 1
 .org $8000
 .proc first
 rts
 .endproc
second: .byte ^first, ^second
 .bank fixed
 .org $c010
 .byte ^second";
    let image = assemble(source).unwrap();
    let expected: [(Option<u8>, u16, &[u8]); 4] =
        [(None, 0xc000, &[0xea]), (None, 0xc003, &[1]), (None, 0xc010, &[1]), (Some(1), 0x8000, &[0x60, 1, 1])];
    assert_eq!(segments(&image), expected);

    // The address goes on, the segment does not.
    let two_banks = assemble(" .bank 0\n nop\n .bank 1\n nop").unwrap();
    let expected: [(Option<u8>, u16, &[u8]); 2] = [(Some(0), 0, &[0xea]), (Some(1), 1, &[0xea])];
    assert_eq!(segments(&two_banks), expected);

    let name = |bank, address| image.function_at(bank, address).map(|function| (function.name.as_str(), function.line));
    assert_eq!(name(None, 0xc000), Some(("main", 2)));
    assert_eq!(name(Some(1), 0x8000), Some(("first", 9)));
    assert_eq!(name(None, 0x8000), None);
    assert_eq!(name(Some(0), 0x8000), None);
    assert_eq!(name(None, 0xc001), None);
}

#[test]
fn mistakes_are_told_with_their_line() {
    for (source, expected) in [
        ("\n\n foo", "line 3: no instruction is called `foo`"),
        (" .foo", "line 1: no directive is called `.foo`"),
        (" .", "line 1: expected the name of a directive after `.`"),
        (" sta #1", "line 1: STA has no `#value` operand"),
        (" lda", "line 1: LDA has no empty operand"),
        (" inx a", "line 1: INX has no `a` operand"),
        (" lda ($12)", "line 1: LDA has no `(address)` operand"),
        (" inc $1234,y", "line 1: INC has no `address,y` operand"),
        (" lda #256", "line 1: expected a byte from -128 to 255, found 256"),
        (" lda #-129", "line 1: expected a byte from -128 to 255, found -129"),
        (" lda ($100),y", "line 1: expected a zero page address from 0 to 255, found 256"),
        (" stx $100,y", "line 1: expected a zero page address from 0 to 255, found 256"),
        (" jmp -1", "line 1: expected an address from 0 to 65535, found -1"),
        (" .word $ffff+1", "line 1: expected a word from -32768 to 65535, found 65536"),
        (" bne *+130", "line 1: expected a branch distance from -128 to 127, found 128"),
        (" bne *-127\n", "line 1: expected a branch distance from -128 to 127, found -129"),
        (" .byte 65536", "line 1: `65536` is no number of 16 bits in base 10"),
        (" .byte $xy", "line 1: `xy` is no number of 16 bits in base 16"),
        (" .byte %12", "line 1: `12` is no number of 16 bits in base 2"),
        (" .byte", "line 1: expected a number or a name, found the end of the line"),
        (" .byte 1,,2", "line 1: expected a number or a name, found `,`"),
        (" .byte \"abc", "line 1: the text has no closing `\"`"),
        (" .byte \"\\t\"", "line 1: expected `\\n`, `\\\"` or `\\\\`"),
        (" .byte \"\u{e9}\"", "line 1: text is ASCII, found `\\u{e9}`"),
        (" .byte 'ab'", "line 1: expected one ASCII character between `'`"),
        (" nop nop", "line 1: NOP has no `address` operand"),
        (" lda #1 2", "line 1: expected the end of the line, found `2`"),
        (" lda (1", "line 1: expected `)`"),
        (" lda 1,z", "line 1: expected `x` or `y` after `,`"),
        (" lda (1,y)", "line 1: an indirect operand is `(address)`, `(address,x)` or `(address),y`"),
        (" jmp there", "line 1: `there` is not defined"),
        ("one: nop\ntwo: nop\none: nop", "line 3: `one` is already defined in line 1"),
        ("ONE = 1\nONE = 1", "line 2: `ONE` is already defined in line 1"),
        ("ONE = TWO\nTWO = 1", "line 1: `TWO` must be defined above this line"),
        (" .org later\nlater:", "line 1: `later` must be defined above this line"),
        ("ONE = $ffff + 1", "line 1: expected a constant from -32768 to 65535, found 65536"),
        (" .org $fffe\n .byte 1, 2\n .byte 3", "line 3: this is past the end of memory"),
        (" .res -1", "line 1: expected a count from 0 to 65535, found -1"),
        (" .bank 256", "line 1: expected a bank from 0 to 255, found 256"),
        (" .byte ^1", "line 1: `^` stands in front of one label"),
        ("here: .byte ^here", "line 1: `here` is in no bank"),
        (" .proc", "line 1: expected the name of the function"),
        ("x: .proc y", "line 1: `.proc` makes a label of its own"),
        (" .proc one\n .proc two", "line 2: `one` has no `.endproc` yet"),
        (" .proc one\n nop", "line 2: `one` has no `.endproc`"),
        (" .endproc", "line 1: no `.proc` is open"),
        (" .proc one\nend: nop\n .endproc\nend: nop", "line 4: `end` is already defined in line 2"),
        (" .byte 1, 2\n .org 1\n .byte 3", "line 3: what starts here overlaps what starts in line 1"),
    ] {
        assert_eq!(error(source), expected, "{source}");
    }
}

#[test]
fn no_text_is_too_strange() {
    let pieces = [
        "lda", "a", ":", "=", ".byte", ".org", "#", "(", ")", ",x", "$", "\"", "'", "\\", "-", "*", "\u{20ac}", "\n",
        " ",
    ];
    let mut random = crate::random::Random(1);
    for _ in 0..20_000 {
        let source: String = (0..12).map(|_| pieces[random.below(pieces.len())]).collect();
        // Either answer is fine, as long as there is one.
        let _ = assemble(&source);
    }
}
