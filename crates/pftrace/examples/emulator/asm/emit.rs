//! The second pass: statements to bytes.

use super::place::{Place, Scope, Symbols};
use super::statement::{ByteItem, Expr, Item, Statement};
use super::{AsmError, Segment};
use crate::isa::{self, Mode};

pub(super) fn emit(
    statements: &[Statement<'_>],
    places: &[Place<'_>],
    symbols: &Symbols,
) -> Result<Vec<Segment>, AsmError> {
    let mut segments: Vec<Segment> = Vec::new();
    for (statement, place) in statements.iter().zip(places) {
        let bytes = Encoder { statement, place, symbols }.bytes()?;
        if bytes.is_empty() {
            continue;
        }
        let Scope { bank, address, .. } = place.scope;
        match segments.last_mut() {
            Some(last) if last.bank == bank && last.end() == address => last.bytes.extend(bytes),
            _ => segments.push(Segment { bank, origin: address as u16, bytes, line: statement.line }),
        }
    }
    segments.sort_by_key(|segment| (segment.bank, segment.origin));
    for pair in segments.windows(2) {
        if pair[0].bank == pair[1].bank && pair[0].end() > pair[1].origin.into() {
            let (line, other) = (pair[0].line.max(pair[1].line), pair[0].line.min(pair[1].line));
            return Err(AsmError { line, message: format!("what starts here overlaps what starts in line {other}") });
        }
    }
    Ok(segments)
}

impl Segment {
    fn end(&self) -> u32 {
        u32::from(self.origin) + self.bytes.len() as u32
    }
}

struct Encoder<'a> {
    statement: &'a Statement<'a>,
    place: &'a Place<'a>,
    symbols: &'a Symbols,
}

impl Encoder<'_> {
    fn bytes(&self) -> Result<Vec<u8>, AsmError> {
        let mut bytes = Vec::new();
        match &self.statement.item {
            Item::Bytes(items) => {
                for item in items {
                    match item {
                        ByteItem::Text(text) => bytes.extend(text),
                        ByteItem::Value(expr) => bytes.push(self.byte(expr)?),
                    }
                }
            }
            Item::Words(words) => {
                for word in words {
                    bytes.extend(self.word(word)?);
                }
            }
            Item::Instruction(mnemonic, operand) => {
                bytes.extend(isa::encode(*mnemonic, self.place.mode));
                if let Some(expr) = operand.expr() {
                    self.operand(expr, &mut bytes)?;
                }
            }
            Item::Nothing
            | Item::Constant(_)
            | Item::Org(_)
            | Item::Bank(_)
            | Item::Proc
            | Item::EndProc
            | Item::Reserve(_) => {}
        }
        Ok(bytes)
    }

    fn operand(&self, expr: &Expr<'_>, bytes: &mut Vec<u8>) -> Result<(), AsmError> {
        match self.place.mode {
            Mode::Implied | Mode::Accumulator => {}
            Mode::Immediate => bytes.push(self.byte(expr)?),
            Mode::ZeroPage | Mode::ZeroPageX | Mode::ZeroPageY | Mode::IndirectX | Mode::IndirectY => {
                let address = self.statement.in_range("a zero page address", self.value(expr)?, 0, 0xff)?;
                bytes.push(address as u8);
            }
            Mode::Relative => {
                let distance = self.value(expr)?.saturating_sub(self.place.scope.address as i32 + 2);
                let distance = self.statement.in_range("a branch distance", distance, -128, 127)?;
                bytes.push(distance as u8);
            }
            Mode::Absolute | Mode::AbsoluteX | Mode::AbsoluteY | Mode::Indirect => {
                let address = self.statement.in_range("an address", self.value(expr)?, 0, 0xffff)?;
                bytes.extend((address as u16).to_le_bytes());
            }
        }
        Ok(())
    }

    fn byte(&self, expr: &Expr<'_>) -> Result<u8, AsmError> {
        Ok(self.statement.in_range("a byte", self.value(expr)?, -128, 0xff)? as u8)
    }

    fn word(&self, expr: &Expr<'_>) -> Result<[u8; 2], AsmError> {
        Ok((self.statement.in_range("a word", self.value(expr)?, -0x8000, 0xffff)? as u16).to_le_bytes())
    }

    fn value(&self, expr: &Expr<'_>) -> Result<i32, AsmError> {
        let value = expr.value(&self.place.scope, self.symbols).map_err(|message| self.statement.error(message))?;
        value.map_err(|name| self.statement.error(format!("`{name}` is not defined")))
    }
}
