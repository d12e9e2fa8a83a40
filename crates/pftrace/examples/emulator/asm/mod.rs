//! A two-pass assembler for the 6502.
//!
//! One statement a line, `;` starts a comment:
//!
//! ```text
//! RADIX = 10                  ; a constant; what it is made of is defined above it
//!         .bank 1             ; what follows is in bank 1; `.bank fixed` leaves the banks
//!         .org $8000
//!         .proc print         ; a label that is also a function; the labels up to .endproc are its own
//! loop:   lda text,y
//!         beq done
//!         sta CONSOLE
//!         iny
//!         bne loop
//! done:   rts
//!         .endproc
//! text:   .byte "Hello", $0a, 0
//! table:  .word print, text+1
//! buffer: .res 16             ; room, no bytes
//! ```
//!
//! Numbers are `12`, `$0c`, `%1100` and `'x'`; `*` is the address of the statement. Numbers and names are joined by `+`
//! and `-`. In front of the whole, `<` takes the low byte, `>` the high byte, and `^` the bank of a label. A label of
//! the zero page must be defined before it is used, otherwise the long form of the instruction is taken.
//!
//! The first pass gives each statement its address, the second writes the bytes.

mod emit;
mod parse;
mod place;
mod statement;

use std::fmt;

use self::emit::emit;
use self::parse::parse;
use self::place::place;

/// Assembles a whole program.
///
/// # Errors
///
/// The first mistake found, with its line.
pub(crate) fn assemble(source: &str) -> Result<Image, AsmError> {
    let statements = parse(source)?;
    let (symbols, functions, places) = place(&statements)?;
    let segments = emit(&statements, &places, &symbols)?;
    Ok(Image { segments, functions })
}

/// What is wrong in the source, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AsmError {
    /// Counted from one.
    pub(crate) line: usize,
    pub(crate) message: String,
}

impl fmt::Display for AsmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

/// An assembled program.
#[derive(Debug)]
pub(crate) struct Image {
    /// Ordered by bank and origin; they do not overlap.
    pub(crate) segments: Vec<Segment>,
    /// Ordered by bank and start.
    functions: Vec<Function>,
}

impl Image {
    /// The function that starts at this very address.
    pub(crate) fn function_at(&self, bank: Option<u8>, address: u16) -> Option<&Function> {
        let found = self.functions.binary_search_by_key(&(bank, address), |function| (function.bank, function.start));
        found.ok().map(|index| &self.functions[index])
    }
}

/// Bytes that are next to each other.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    /// `None` outside of the banks.
    pub(crate) bank: Option<u8>,
    pub(crate) origin: u16,
    pub(crate) bytes: Vec<u8>,
    line: usize,
}

/// A `.proc`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) bank: Option<u8>,
    pub(crate) start: u16,
    /// Where it begins in the source.
    pub(crate) line: usize,
}
