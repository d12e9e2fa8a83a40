//! The instruction set of the NMOS 6502: what the CPU decodes and the assembler encodes, in one table.
//!
//! 151 of the 256 opcodes are documented. The others do not exist here: the CPU refuses them.

use std::fmt;

use self::Mnemonic::*;
use self::Mode::*;

/// What one opcode byte means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opcode {
    pub(crate) mnemonic: Mnemonic,
    pub(crate) mode: Mode,
    /// Cycles without the penalties for crossing a page and for taking a branch.
    pub(crate) cycles: u8,
}

impl Opcode {
    /// Whether an indexed address that leaves its page costs one cycle more.
    ///
    /// Instructions that write always spend that cycle: it is in their `cycles` already.
    pub(crate) fn pays_for_page_crossing(&self) -> bool {
        matches!(self.mode, AbsoluteX | AbsoluteY | IndirectY) && !self.mnemonic.writes_memory()
    }
}

/// An addressing mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// `CLC`
    Implied,
    /// `ASL A`
    Accumulator,
    /// `LDA #$12`
    Immediate,
    /// `LDA $12`
    ZeroPage,
    /// `LDA $12,X`
    ZeroPageX,
    /// `LDX $12,Y`
    ZeroPageY,
    /// `BNE $1234`, encoded as a signed distance of one byte
    Relative,
    /// `LDA $1234`
    Absolute,
    /// `LDA $1234,X`
    AbsoluteX,
    /// `LDA $1234,Y`
    AbsoluteY,
    /// `JMP ($1234)`
    Indirect,
    /// `LDA ($12,X)`: the pointer is found with X
    IndirectX,
    /// `LDA ($12),Y`: Y is added to the pointer
    IndirectY,
}

impl Mode {
    /// Bytes after the opcode.
    pub(crate) const fn operand_len(self) -> u16 {
        match self {
            Implied | Accumulator => 0,
            Immediate | ZeroPage | ZeroPageX | ZeroPageY | Relative | IndirectX | IndirectY => 1,
            Absolute | AbsoluteX | AbsoluteY | Indirect => 2,
        }
    }
}

macro_rules! mnemonics {
    ($($name:ident $text:literal),* $(,)?) => {
        /// The name of an operation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Mnemonic { $($name),* }

        impl Mnemonic {
            pub(crate) const ALL: &'static [Mnemonic] = &[$($name),*];

            /// The three capital letters.
            pub(crate) const fn as_str(self) -> &'static str {
                match self { $($name => $text),* }
            }
        }
    };
}

mnemonics! {
    Adc "ADC", And "AND", Asl "ASL", Bcc "BCC", Bcs "BCS", Beq "BEQ", Bit "BIT", Bmi "BMI", Bne "BNE", Bpl "BPL",
    Brk "BRK", Bvc "BVC", Bvs "BVS", Clc "CLC", Cld "CLD", Cli "CLI", Clv "CLV", Cmp "CMP", Cpx "CPX", Cpy "CPY",
    Dec "DEC", Dex "DEX", Dey "DEY", Eor "EOR", Inc "INC", Inx "INX", Iny "INY", Jmp "JMP", Jsr "JSR", Lda "LDA",
    Ldx "LDX", Ldy "LDY", Lsr "LSR", Nop "NOP", Ora "ORA", Pha "PHA", Php "PHP", Pla "PLA", Plp "PLP", Rol "ROL",
    Ror "ROR", Rti "RTI", Rts "RTS", Sbc "SBC", Sec "SEC", Sed "SED", Sei "SEI", Sta "STA", Stx "STX", Sty "STY",
    Tax "TAX", Tay "TAY", Tsx "TSX", Txa "TXA", Txs "TXS", Tya "TYA",
}

impl Mnemonic {
    /// The mnemonic of these letters, capital or not.
    pub(crate) fn from_name(name: &str) -> Option<Mnemonic> {
        Mnemonic::ALL.iter().copied().find(|mnemonic| mnemonic.as_str().eq_ignore_ascii_case(name))
    }

    fn writes_memory(self) -> bool {
        matches!(self, Sta | Stx | Sty | Asl | Lsr | Rol | Ror | Inc | Dec)
    }
}

impl fmt::Display for Mnemonic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The opcode byte of a mnemonic in a mode, if the 6502 has it.
pub(crate) fn encode(mnemonic: Mnemonic, mode: Mode) -> Option<u8> {
    DOCUMENTED.iter().find(|row| row.1 == mnemonic && row.2 == mode).map(|row| row.0)
}

/// What each byte means; `None` is an undocumented opcode.
pub(crate) static OPCODES: [Option<Opcode>; 256] = decoded(&DOCUMENTED);

const fn decoded(rows: &[(u8, Mnemonic, Mode, u8)]) -> [Option<Opcode>; 256] {
    let mut table = [None; 256];
    let mut i = 0;
    while i < rows.len() {
        let (byte, mnemonic, mode, cycles) = rows[i];
        assert!(table[byte as usize].is_none(), "an opcode has two rows");
        table[byte as usize] = Some(Opcode { mnemonic, mode, cycles });
        i += 1;
    }
    table
}

#[rustfmt::skip]
const DOCUMENTED: [(u8, Mnemonic, Mode, u8); 151] = [
    // Loads and stores.
    (0xa9, Lda, Immediate, 2), (0xa5, Lda, ZeroPage, 3), (0xb5, Lda, ZeroPageX, 4), (0xad, Lda, Absolute, 4),
    (0xbd, Lda, AbsoluteX, 4), (0xb9, Lda, AbsoluteY, 4), (0xa1, Lda, IndirectX, 6), (0xb1, Lda, IndirectY, 5),
    (0xa2, Ldx, Immediate, 2), (0xa6, Ldx, ZeroPage, 3), (0xb6, Ldx, ZeroPageY, 4), (0xae, Ldx, Absolute, 4), (0xbe, Ldx, AbsoluteY, 4),
    (0xa0, Ldy, Immediate, 2), (0xa4, Ldy, ZeroPage, 3), (0xb4, Ldy, ZeroPageX, 4), (0xac, Ldy, Absolute, 4), (0xbc, Ldy, AbsoluteX, 4),
    (0x85, Sta, ZeroPage, 3), (0x95, Sta, ZeroPageX, 4), (0x8d, Sta, Absolute, 4), (0x9d, Sta, AbsoluteX, 5),
    (0x99, Sta, AbsoluteY, 5), (0x81, Sta, IndirectX, 6), (0x91, Sta, IndirectY, 6),
    (0x86, Stx, ZeroPage, 3), (0x96, Stx, ZeroPageY, 4), (0x8e, Stx, Absolute, 4),
    (0x84, Sty, ZeroPage, 3), (0x94, Sty, ZeroPageX, 4), (0x8c, Sty, Absolute, 4),
    // Register to register.
    (0xaa, Tax, Implied, 2), (0xa8, Tay, Implied, 2), (0xba, Tsx, Implied, 2),
    (0x8a, Txa, Implied, 2), (0x9a, Txs, Implied, 2), (0x98, Tya, Implied, 2),
    // The stack.
    (0x48, Pha, Implied, 3), (0x08, Php, Implied, 3), (0x68, Pla, Implied, 4), (0x28, Plp, Implied, 4),
    // Arithmetic and comparison.
    (0x69, Adc, Immediate, 2), (0x65, Adc, ZeroPage, 3), (0x75, Adc, ZeroPageX, 4), (0x6d, Adc, Absolute, 4),
    (0x7d, Adc, AbsoluteX, 4), (0x79, Adc, AbsoluteY, 4), (0x61, Adc, IndirectX, 6), (0x71, Adc, IndirectY, 5),
    (0xe9, Sbc, Immediate, 2), (0xe5, Sbc, ZeroPage, 3), (0xf5, Sbc, ZeroPageX, 4), (0xed, Sbc, Absolute, 4),
    (0xfd, Sbc, AbsoluteX, 4), (0xf9, Sbc, AbsoluteY, 4), (0xe1, Sbc, IndirectX, 6), (0xf1, Sbc, IndirectY, 5),
    (0xc9, Cmp, Immediate, 2), (0xc5, Cmp, ZeroPage, 3), (0xd5, Cmp, ZeroPageX, 4), (0xcd, Cmp, Absolute, 4),
    (0xdd, Cmp, AbsoluteX, 4), (0xd9, Cmp, AbsoluteY, 4), (0xc1, Cmp, IndirectX, 6), (0xd1, Cmp, IndirectY, 5),
    (0xe0, Cpx, Immediate, 2), (0xe4, Cpx, ZeroPage, 3), (0xec, Cpx, Absolute, 4),
    (0xc0, Cpy, Immediate, 2), (0xc4, Cpy, ZeroPage, 3), (0xcc, Cpy, Absolute, 4),
    // Logic.
    (0x29, And, Immediate, 2), (0x25, And, ZeroPage, 3), (0x35, And, ZeroPageX, 4), (0x2d, And, Absolute, 4),
    (0x3d, And, AbsoluteX, 4), (0x39, And, AbsoluteY, 4), (0x21, And, IndirectX, 6), (0x31, And, IndirectY, 5),
    (0x09, Ora, Immediate, 2), (0x05, Ora, ZeroPage, 3), (0x15, Ora, ZeroPageX, 4), (0x0d, Ora, Absolute, 4),
    (0x1d, Ora, AbsoluteX, 4), (0x19, Ora, AbsoluteY, 4), (0x01, Ora, IndirectX, 6), (0x11, Ora, IndirectY, 5),
    (0x49, Eor, Immediate, 2), (0x45, Eor, ZeroPage, 3), (0x55, Eor, ZeroPageX, 4), (0x4d, Eor, Absolute, 4),
    (0x5d, Eor, AbsoluteX, 4), (0x59, Eor, AbsoluteY, 4), (0x41, Eor, IndirectX, 6), (0x51, Eor, IndirectY, 5),
    (0x24, Bit, ZeroPage, 3), (0x2c, Bit, Absolute, 4),
    // Shifts and rotations.
    (0x0a, Asl, Accumulator, 2), (0x06, Asl, ZeroPage, 5), (0x16, Asl, ZeroPageX, 6), (0x0e, Asl, Absolute, 6), (0x1e, Asl, AbsoluteX, 7),
    (0x4a, Lsr, Accumulator, 2), (0x46, Lsr, ZeroPage, 5), (0x56, Lsr, ZeroPageX, 6), (0x4e, Lsr, Absolute, 6), (0x5e, Lsr, AbsoluteX, 7),
    (0x2a, Rol, Accumulator, 2), (0x26, Rol, ZeroPage, 5), (0x36, Rol, ZeroPageX, 6), (0x2e, Rol, Absolute, 6), (0x3e, Rol, AbsoluteX, 7),
    (0x6a, Ror, Accumulator, 2), (0x66, Ror, ZeroPage, 5), (0x76, Ror, ZeroPageX, 6), (0x6e, Ror, Absolute, 6), (0x7e, Ror, AbsoluteX, 7),
    // Increment and decrement.
    (0xe6, Inc, ZeroPage, 5), (0xf6, Inc, ZeroPageX, 6), (0xee, Inc, Absolute, 6), (0xfe, Inc, AbsoluteX, 7),
    (0xc6, Dec, ZeroPage, 5), (0xd6, Dec, ZeroPageX, 6), (0xce, Dec, Absolute, 6), (0xde, Dec, AbsoluteX, 7),
    (0xe8, Inx, Implied, 2), (0xc8, Iny, Implied, 2), (0xca, Dex, Implied, 2), (0x88, Dey, Implied, 2),
    // Branches: one cycle more when taken, one more when the target is in another page.
    (0x90, Bcc, Relative, 2), (0xb0, Bcs, Relative, 2), (0xf0, Beq, Relative, 2), (0xd0, Bne, Relative, 2),
    (0x30, Bmi, Relative, 2), (0x10, Bpl, Relative, 2), (0x50, Bvc, Relative, 2), (0x70, Bvs, Relative, 2),
    // Jumps, calls and interrupts.
    (0x4c, Jmp, Absolute, 3), (0x6c, Jmp, Indirect, 5), (0x20, Jsr, Absolute, 6), (0x60, Rts, Implied, 6),
    (0x00, Brk, Implied, 7), (0x40, Rti, Implied, 6),
    // Flags.
    (0x18, Clc, Implied, 2), (0x38, Sec, Implied, 2), (0xd8, Cld, Implied, 2), (0xf8, Sed, Implied, 2),
    (0x58, Cli, Implied, 2), (0x78, Sei, Implied, 2), (0xb8, Clv, Implied, 2),
    (0xea, Nop, Implied, 2),
];
