//! What a line of the source says: a statement, its operand, and the expressions in it.

use super::AsmError;
use super::place::{Scope, Symbols};
use crate::isa::{self, Mnemonic, Mode};

#[derive(Debug)]
pub(super) struct Statement<'s> {
    pub(super) line: usize,
    pub(super) label: Option<&'s str>,
    pub(super) item: Item<'s>,
}

impl Statement<'_> {
    pub(super) fn error(&self, message: impl Into<String>) -> AsmError {
        AsmError { line: self.line, message: message.into() }
    }

    pub(super) fn in_range(&self, what: &str, value: i32, min: i32, max: i32) -> Result<i32, AsmError> {
        if (min..=max).contains(&value) {
            Ok(value)
        } else {
            Err(self.error(format!("expected {what} from {min} to {max}, found {value}")))
        }
    }
}

#[derive(Debug)]
pub(super) enum Item<'s> {
    Nothing,
    Constant(Expr<'s>),
    Org(Expr<'s>),
    Bank(Option<Expr<'s>>),
    Proc,
    EndProc,
    Bytes(Vec<ByteItem<'s>>),
    Words(Vec<Expr<'s>>),
    Reserve(Expr<'s>),
    Instruction(Mnemonic, Operand<'s>),
}

#[derive(Debug)]
pub(super) enum ByteItem<'s> {
    Text(Vec<u8>),
    Value(Expr<'s>),
}

/// An operand as written. Which addressing mode it is depends on the mnemonic and the value.
#[derive(Debug)]
pub(super) enum Operand<'s> {
    None,
    Accumulator,
    Immediate(Expr<'s>),
    Plain(Expr<'s>),
    PlainX(Expr<'s>),
    PlainY(Expr<'s>),
    Indirect(Expr<'s>),
    IndirectX(Expr<'s>),
    IndirectY(Expr<'s>),
}

impl ByteItem<'_> {
    pub(super) fn len(&self) -> u32 {
        match self {
            ByteItem::Text(text) => text.len() as u32,
            ByteItem::Value(_) => 1,
        }
    }
}

impl Operand<'_> {
    /// The addressing mode: the short form when the value is known to fit, or when there is no other.
    pub(super) fn mode(&self, mnemonic: Mnemonic, is_short: impl Fn(&Expr<'_>) -> bool) -> Option<Mode> {
        let has = |mode: &Mode| isa::encode(mnemonic, *mode).is_some();
        let short_or_long = |expr: &Expr<'_>, short: Mode, long: Mode| {
            let order = if is_short(expr) { [short, long] } else { [long, short] };
            order.into_iter().find(has)
        };
        match self {
            Operand::None => [Mode::Implied, Mode::Accumulator].into_iter().find(has),
            Operand::Accumulator => Some(Mode::Accumulator).filter(has),
            Operand::Immediate(_) => Some(Mode::Immediate).filter(has),
            Operand::Plain(_) if has(&Mode::Relative) => Some(Mode::Relative),
            Operand::Plain(expr) => short_or_long(expr, Mode::ZeroPage, Mode::Absolute),
            Operand::PlainX(expr) => short_or_long(expr, Mode::ZeroPageX, Mode::AbsoluteX),
            Operand::PlainY(expr) => short_or_long(expr, Mode::ZeroPageY, Mode::AbsoluteY),
            Operand::Indirect(_) => Some(Mode::Indirect).filter(has),
            Operand::IndirectX(_) => Some(Mode::IndirectX).filter(has),
            Operand::IndirectY(_) => Some(Mode::IndirectY).filter(has),
        }
    }

    pub(super) fn describe(&self) -> &'static str {
        match self {
            Operand::None => "empty",
            Operand::Accumulator => "`a`",
            Operand::Immediate(_) => "`#value`",
            Operand::Plain(_) => "`address`",
            Operand::PlainX(_) => "`address,x`",
            Operand::PlainY(_) => "`address,y`",
            Operand::Indirect(_) => "`(address)`",
            Operand::IndirectX(_) => "`(address,x)`",
            Operand::IndirectY(_) => "`(address),y`",
        }
    }

    pub(super) fn expr(&self) -> Option<&Expr<'_>> {
        match self {
            Operand::None | Operand::Accumulator => None,
            Operand::Immediate(expr)
            | Operand::Plain(expr)
            | Operand::PlainX(expr)
            | Operand::PlainY(expr)
            | Operand::Indirect(expr)
            | Operand::IndirectX(expr)
            | Operand::IndirectY(expr) => Some(expr),
        }
    }
}

/// A sum of terms, of which all or a part is wanted.
#[derive(Debug)]
pub(super) struct Expr<'s> {
    pub(super) part: Part,
    pub(super) terms: Vec<(Sign, Term<'s>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Whole,
    Low,
    High,
    Bank,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    Plus,
    Minus,
}

#[derive(Debug)]
pub(super) enum Term<'s> {
    Number(i32),
    Here,
    Symbol(&'s str),
}

impl<'s> Expr<'s> {
    /// The value, or inside of `Ok` the name that is not defined (yet).
    pub(super) fn value(&self, scope: &Scope<'_>, symbols: &Symbols) -> Result<Result<i32, &'s str>, String> {
        if self.part == Part::Bank {
            return self.bank(scope, symbols);
        }
        let mut sum = 0_i32;
        for (sign, term) in &self.terms {
            let value = match term {
                Term::Number(number) => *number,
                Term::Here => scope.address as i32,
                Term::Symbol(name) => match symbols.find(scope.function, name) {
                    Some(symbol) => symbol.value,
                    None => return Ok(Err(name)),
                },
            };
            sum = match sign {
                Sign::Plus => sum.wrapping_add(value),
                Sign::Minus => sum.wrapping_sub(value),
            };
        }
        Ok(Ok(match self.part {
            Part::Low => sum & 0xff,
            Part::High => sum >> 8 & 0xff,
            Part::Whole | Part::Bank => sum,
        }))
    }

    fn bank(&self, scope: &Scope<'_>, symbols: &Symbols) -> Result<Result<i32, &'s str>, String> {
        let [(Sign::Plus, Term::Symbol(name))] = self.terms.as_slice() else {
            return Err("`^` stands in front of one label".into());
        };
        let Some(symbol) = symbols.find(scope.function, name) else {
            return Ok(Err(name));
        };
        match symbol.bank {
            Some(bank) => Ok(Ok(bank.into())),
            None => Err(format!("`{name}` is in no bank")),
        }
    }
}
