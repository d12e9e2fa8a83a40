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

use std::collections::HashMap;
use std::fmt;

use crate::isa::{self, Mnemonic, Mode};

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

// The parser: a line of text to a statement.

#[derive(Debug)]
struct Statement<'s> {
    line: usize,
    label: Option<&'s str>,
    item: Item<'s>,
}

impl Statement<'_> {
    fn error(&self, message: impl Into<String>) -> AsmError {
        AsmError { line: self.line, message: message.into() }
    }
}

#[derive(Debug)]
enum Item<'s> {
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
enum ByteItem<'s> {
    Text(Vec<u8>),
    Value(Expr<'s>),
}

/// An operand as written. Which addressing mode it is depends on the mnemonic and the value.
#[derive(Debug)]
enum Operand<'s> {
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

/// A sum of terms, of which all or a part is wanted.
#[derive(Debug)]
struct Expr<'s> {
    part: Part,
    terms: Vec<(Sign, Term<'s>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Whole,
    Low,
    High,
    Bank,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Plus,
    Minus,
}

#[derive(Debug)]
enum Term<'s> {
    Number(i32),
    Here,
    Symbol(&'s str),
}

fn parse(source: &str) -> Result<Vec<Statement<'_>>, AsmError> {
    let lines = source.lines().zip(1..);
    lines.map(|(text, line)| parse_line(text, line).map_err(|message| AsmError { line, message })).collect()
}

fn parse_line(text: &str, line: usize) -> Result<Statement<'_>, String> {
    let mut parser = Parser { rest: text };
    let mut statement = Statement { line, label: None, item: Item::Nothing };

    let mut word = parser.name();
    if let Some(name) = word {
        if parser.eats(':') {
            statement.label = Some(name);
            word = parser.name();
        } else if parser.eats('=') {
            statement.label = Some(name);
            statement.item = Item::Constant(parser.expr()?);
            word = None;
        }
    }
    if let Some(name) = word {
        let mnemonic = Mnemonic::from_name(name).ok_or_else(|| format!("no instruction is called `{name}`"))?;
        statement.item = Item::Instruction(mnemonic, parser.operand()?);
    } else if parser.eats('.') {
        parser.directive(&mut statement)?;
    }
    if !parser.at_end() {
        return Err(format!("expected the end of the line, found `{}`", parser.rest));
    }
    Ok(statement)
}

struct Parser<'s> {
    rest: &'s str,
}

impl<'s> Parser<'s> {
    fn directive(&mut self, statement: &mut Statement<'s>) -> Result<(), String> {
        let name = self.name().ok_or("expected the name of a directive after `.`")?;
        statement.item = match name {
            "org" => Item::Org(self.expr()?),
            "bank" if self.eats_word("fixed") => Item::Bank(None),
            "bank" => Item::Bank(Some(self.expr()?)),
            "proc" => {
                if statement.label.is_some() {
                    return Err("`.proc` makes a label of its own".into());
                }
                statement.label = Some(self.name().ok_or("expected the name of the function")?);
                Item::Proc
            }
            "endproc" => Item::EndProc,
            "byte" | "text" => Item::Bytes(self.list(Self::byte_item)?),
            "word" => Item::Words(self.list(Self::expr)?),
            "res" => Item::Reserve(self.expr()?),
            _ => return Err(format!("no directive is called `.{name}`")),
        };
        Ok(())
    }

    fn operand(&mut self) -> Result<Operand<'s>, String> {
        if self.at_end() {
            return Ok(Operand::None);
        }
        if self.eats('#') {
            return Ok(Operand::Immediate(self.expr()?));
        }
        if self.eats('(') {
            return self.indirect();
        }
        if self.eats_word("a") {
            return Ok(Operand::Accumulator);
        }
        let expr = self.expr()?;
        Ok(match self.index()? {
            None => Operand::Plain(expr),
            Some('x') => Operand::PlainX(expr),
            Some(_) => Operand::PlainY(expr),
        })
    }

    fn indirect(&mut self) -> Result<Operand<'s>, String> {
        let expr = self.expr()?;
        let inner = self.index()?;
        if !self.eats(')') {
            return Err("expected `)`".into());
        }
        match (inner, self.index()?) {
            (None, None) => Ok(Operand::Indirect(expr)),
            (Some('x'), None) => Ok(Operand::IndirectX(expr)),
            (None, Some('y')) => Ok(Operand::IndirectY(expr)),
            _ => Err("an indirect operand is `(address)`, `(address,x)` or `(address),y`".into()),
        }
    }

    /// `,x` or `,y`.
    fn index(&mut self) -> Result<Option<char>, String> {
        if !self.eats(',') {
            Ok(None)
        } else if self.eats_word("x") {
            Ok(Some('x'))
        } else if self.eats_word("y") {
            Ok(Some('y'))
        } else {
            Err("expected `x` or `y` after `,`".into())
        }
    }

    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T, String>) -> Result<Vec<T>, String> {
        let mut items = vec![item(self)?];
        while self.eats(',') {
            items.push(item(self)?);
        }
        Ok(items)
    }

    fn byte_item(&mut self) -> Result<ByteItem<'s>, String> {
        if !self.eats('"') {
            return Ok(ByteItem::Value(self.expr()?));
        }
        let mut text = Vec::new();
        let mut chars = self.rest.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return Ok(ByteItem::Text(text));
                }
                '\\' => match chars.next() {
                    Some((_, 'n')) => text.push(b'\n'),
                    Some((_, c @ ('"' | '\\'))) => text.push(c as u8),
                    _ => return Err(r#"expected `\n`, `\"` or `\\`"#.into()),
                },
                ' '..='~' => text.push(c as u8),
                _ => return Err(format!("text is ASCII, found `{}`", c.escape_default())),
            }
        }
        Err("the text has no closing `\"`".into())
    }

    fn expr(&mut self) -> Result<Expr<'s>, String> {
        let part = if self.eats('<') {
            Part::Low
        } else if self.eats('>') {
            Part::High
        } else if self.eats('^') {
            Part::Bank
        } else {
            Part::Whole
        };
        let mut sign = if self.eats('-') { Sign::Minus } else { Sign::Plus };
        let mut terms = Vec::new();
        loop {
            terms.push((sign, self.term()?));
            sign = if self.eats('+') {
                Sign::Plus
            } else if self.eats('-') {
                Sign::Minus
            } else {
                return Ok(Expr { part, terms });
            };
        }
    }

    fn term(&mut self) -> Result<Term<'s>, String> {
        if let Some(name) = self.name() {
            Ok(Term::Symbol(name))
        } else if self.eats('*') {
            Ok(Term::Here)
        } else if self.eats('$') {
            self.number(16)
        } else if self.eats('%') {
            self.number(2)
        } else if self.rest.starts_with('\'') {
            self.character()
        } else {
            self.number(10)
        }
    }

    fn number(&mut self, radix: u32) -> Result<Term<'s>, String> {
        let digits = self.take_while(|c| c.is_ascii_alphanumeric());
        if digits.is_empty() {
            let found = self.rest.chars().next().map_or("the end of the line".into(), |c| format!("`{c}`"));
            return Err(format!("expected a number or a name, found {found}"));
        }
        match u16::from_str_radix(digits, radix) {
            Ok(number) => Ok(Term::Number(number.into())),
            Err(_) => Err(format!("`{digits}` is no number of 16 bits in base {radix}")),
        }
    }

    /// Only called in front of a quote.
    fn character(&mut self) -> Result<Term<'s>, String> {
        match *self.rest.as_bytes() {
            [b'\'', c @ b' '..=b'~', b'\'', ..] => {
                self.rest = &self.rest[3..];
                Ok(Term::Number(c.into()))
            }
            _ => Err("expected one ASCII character between `'`".into()),
        }
    }

    fn name(&mut self) -> Option<&'s str> {
        self.skip_space();
        if !self.rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            return None;
        }
        Some(self.take_while(|c| c.is_ascii_alphanumeric() || c == '_'))
    }

    fn eats_word(&mut self, word: &str) -> bool {
        let before = self.rest;
        let found = self.name().is_some_and(|name| name.eq_ignore_ascii_case(word));
        if !found {
            self.rest = before;
        }
        found
    }

    fn eats(&mut self, c: char) -> bool {
        self.skip_space();
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn at_end(&mut self) -> bool {
        self.skip_space();
        self.rest.is_empty() || self.rest.starts_with(';')
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'s str {
        let (taken, rest) = self.rest.split_at(self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len()));
        self.rest = rest;
        taken
    }
}

// The first pass: statements to addresses.

/// Labels and constants, by the function they are in and their name.
#[derive(Debug, Default)]
struct Symbols {
    table: HashMap<(Option<String>, String), Symbol>,
}

#[derive(Clone, Copy, Debug)]
struct Symbol {
    value: i32,
    bank: Option<u8>,
    line: usize,
}

impl Symbols {
    fn find(&self, function: Option<&str>, name: &str) -> Option<&Symbol> {
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
struct Place<'s> {
    scope: Scope<'s>,
    /// The mode of an instruction.
    mode: Mode,
}

#[derive(Clone, Copy, Default)]
struct Scope<'s> {
    function: Option<&'s str>,
    bank: Option<u8>,
    /// One past the end of memory is 65536.
    address: u32,
}

fn place<'s>(statements: &[Statement<'s>]) -> Result<(Symbols, Vec<Function>, Vec<Place<'s>>), AsmError> {
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

impl ByteItem<'_> {
    fn len(&self) -> u32 {
        match self {
            ByteItem::Text(text) => text.len() as u32,
            ByteItem::Value(_) => 1,
        }
    }
}

impl Operand<'_> {
    /// The addressing mode: the short form when the value is known to fit, or when there is no other.
    fn mode(&self, mnemonic: Mnemonic, is_short: impl Fn(&Expr<'_>) -> bool) -> Option<Mode> {
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

    fn describe(&self) -> &'static str {
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

    fn expr(&self) -> Option<&Expr<'_>> {
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

impl<'s> Expr<'s> {
    /// The value, or inside of `Ok` the name that is not defined (yet).
    fn value(&self, scope: &Scope<'_>, symbols: &Symbols) -> Result<Result<i32, &'s str>, String> {
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

impl Statement<'_> {
    fn in_range(&self, what: &str, value: i32, min: i32, max: i32) -> Result<i32, AsmError> {
        if (min..=max).contains(&value) {
            Ok(value)
        } else {
            Err(self.error(format!("expected {what} from {min} to {max}, found {value}")))
        }
    }
}

// The second pass: statements to bytes.

fn emit(statements: &[Statement<'_>], places: &[Place<'_>], symbols: &Symbols) -> Result<Vec<Segment>, AsmError> {
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
