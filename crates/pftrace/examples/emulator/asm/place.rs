//! The first pass: statements to addresses.

use std::collections::HashMap;

use super::statement::{ByteItem, Expr, Item, Statement};
use super::{AsmError, Function};
use crate::isa::Mode;

/// Labels and constants, by the function they are in and their name.
#[derive(Debug, Default)]
pub(super) struct Symbols {
    table: HashMap<(Option<String>, String), Symbol>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Symbol {
    pub(super) value: i32,
    pub(super) bank: Option<u8>,
    line: usize,
}

impl Symbols {
    pub(super) fn find(&self, function: Option<&str>, name: &str) -> Option<&Symbol> {
        let local = function.and_then(|function| self.table.get(&(Some(function.into()), name.into())));
        local.or_else(|| self.table.get(&(None, name.into())))
    }

    fn define(&mut self, function: Option<&str>, name: &str, symbol: Symbol) -> Result<(), AsmError> {
        let old = self.table.insert((function.map(String::from), name.into()), symbol);
        match old {
            Some(old) => Err(redefined(name, symbol.line, old.line)),
            None => Ok(()),
        }
    }

    /// A name has one meaning in a function: otherwise the two passes could see two values.
    fn check_shadowing(&self) -> Result<(), AsmError> {
        let locals = self.table.iter().filter(|((function, _), _)| function.is_some());
        let shadows = locals.filter_map(|((_, name), local)| {
            let outer = self.table.get(&(None, name.clone()))?;
            Some(redefined(name, local.line.max(outer.line), local.line.min(outer.line)))
        });
        shadows.min_by_key(|error| error.line).map_or(Ok(()), Err)
    }
}

fn redefined(name: &str, line: usize, old_line: usize) -> AsmError {
    AsmError { line, message: format!("`{name}` is already defined in line {old_line}") }
}

/// Where a statement is, and what the second pass must not decide again.
pub(super) struct Place<'s> {
    pub(super) scope: Scope<'s>,
    /// The mode of an instruction.
    pub(super) mode: Mode,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Scope<'s> {
    pub(super) function: Option<&'s str>,
    pub(super) bank: Option<u8>,
    /// One past the end of memory is 65536.
    pub(super) address: u32,
}

pub(super) fn place<'s>(statements: &[Statement<'s>]) -> Result<(Symbols, Vec<Function>, Vec<Place<'s>>), AsmError> {
    let mut placer = Placer::default();
    for statement in statements {
        placer.place(statement)?;
    }
    let Placer { symbols, mut functions, places, scope } = placer;
    if let (Some(open), Some(last)) = (scope.function, statements.last()) {
        return Err(last.error(format!("`{open}` has no `.endproc`")));
    }
    symbols.check_shadowing()?;
    functions.sort_by_key(|function| (function.bank, function.start));
    Ok((symbols, functions, places))
}

#[derive(Default)]
struct Placer<'s> {
    symbols: Symbols,
    functions: Vec<Function>,
    places: Vec<Place<'s>>,
    /// Where the next statement is.
    scope: Scope<'s>,
}

impl<'s> Placer<'s> {
    fn place(&mut self, statement: &Statement<'s>) -> Result<(), AsmError> {
        let mode = self.mode(statement)?;
        let next = self.after(statement, mode)?;
        if next.address > 0x1_0000 {
            return Err(statement.error("this is past the end of memory"));
        }
        if let Some(label) = statement.label {
            let symbol = self.symbol(statement)?;
            self.symbols.define(self.scope.function, label, symbol)?;
            if let Item::Proc = statement.item {
                let Scope { bank, address, .. } = self.scope;
                self.functions.push(Function { name: label.into(), bank, start: address as u16, line: statement.line });
            }
        }
        self.places.push(Place { scope: self.scope, mode });
        self.scope = next;
        Ok(())
    }

    fn mode(&self, statement: &Statement<'_>) -> Result<Mode, AsmError> {
        let Item::Instruction(mnemonic, operand) = &statement.item else {
            return Ok(Mode::Implied);
        };
        let is_short = |expr: &Expr<'_>| matches!(expr.value(&self.scope, &self.symbols), Ok(Ok(0..=0xff)));
        let mode = operand.mode(*mnemonic, is_short);
        mode.ok_or_else(|| statement.error(format!("{mnemonic} has no {} operand", operand.describe())))
    }

    /// Where the statement behind this one is.
    fn after(&self, statement: &Statement<'s>, mode: Mode) -> Result<Scope<'s>, AsmError> {
        let known = |what, expr, max| statement.in_range(what, self.known(statement, expr)?, 0, max);
        let mut scope = self.scope;
        match &statement.item {
            Item::Nothing | Item::Constant(_) => {}
            Item::Org(expr) => scope.address = known("an address", expr, 0xffff)? as u32,
            Item::Bank(None) => scope.bank = None,
            Item::Bank(Some(expr)) => scope.bank = Some(known("a bank", expr, 0xff)? as u8),
            Item::Proc => {
                if let Some(outer) = scope.function {
                    return Err(statement.error(format!("`{outer}` has no `.endproc` yet")));
                }
                scope.function = statement.label;
            }
            Item::EndProc => {
                if scope.function.take().is_none() {
                    return Err(statement.error("no `.proc` is open"));
                }
            }
            Item::Bytes(items) => scope.address += items.iter().map(ByteItem::len).sum::<u32>(),
            Item::Words(words) => scope.address += 2 * words.len() as u32,
            Item::Reserve(expr) => scope.address += known("a count", expr, 0xffff)? as u32,
            Item::Instruction(..) => scope.address += 1 + u32::from(mode.operand_len()),
        }
        Ok(scope)
    }

    /// What the label of this statement means.
    fn symbol(&self, statement: &Statement<'_>) -> Result<Symbol, AsmError> {
        let line = statement.line;
        if let Item::Constant(expr) = &statement.item {
            let value = statement.in_range("a constant", self.known(statement, expr)?, -0x8000, 0xffff)?;
            return Ok(Symbol { value, bank: None, line });
        }
        Ok(Symbol { value: self.scope.address as i32, bank: self.scope.bank, line })
    }

    fn known(&self, statement: &Statement<'_>, expr: &Expr<'_>) -> Result<i32, AsmError> {
        let value = expr.value(&self.scope, &self.symbols).map_err(|message| statement.error(message))?;
        value.map_err(|name| statement.error(format!("`{name}` must be defined above this line")))
    }
}
