//! From expressions to values, recorded.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use pftrace::{Annotate, Argument, NamedCounter, Unit, category_enabled, counter, dict, end, instant, slice};

use super::parse::{Expression, parse};

pftrace::categories! {
    /// Calls of the program's functions.
    CALL = "call";
    /// What is built in.
    #[tags("detail")]
    BUILTIN = "builtin";
    /// What the program's global values take.
    HEAP = "heap";
}

static LISTS: NamedCounter = NamedCounter::new("lists").unit(Unit::Count);
static ELEMENTS: NamedCounter = NamedCounter::new("elements").unit(Unit::Count);

#[derive(Clone, Debug)]
pub(crate) enum Value {
    Number(i64),
    List(Vec<Value>),
    Function(Rc<Function>),
}

/// A function of the program.
#[derive(Debug)]
pub(crate) struct Function {
    name: Rc<str>,
    parameters: Vec<Rc<str>>,
    body: Rc<Expression>,
}

/// Makes a value of the program one of an annotation: a number, an array of values, a text.
impl Annotate for Value {
    fn argument(&self) -> Argument<'_> {
        match self {
            Self::Number(number) => number.argument(),
            Self::List(values) => values.argument(),
            Self::Function(function) => function.name.argument(),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::List(values) => write!(f, "(list{})", texts(values)),
            Self::Function(function) => f.write_str(&function.name),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Interpreter {
    globals: BTreeMap<Rc<str>, Value>,
    /// What the program has printed, and its errors.
    pub(crate) said: Vec<String>,
    /// How often each function was called.
    pub(crate) calls: BTreeMap<Rc<str>, u64>,
}

type Locals<'a> = &'a [(&'a Rc<str>, Value)];

impl Interpreter {
    pub(crate) fn run(&mut self, text: &str) {
        let expressions = match parse(text) {
            Ok(expressions) => expressions,
            Err(error) => return self.said.push(error),
        };
        for expression in expressions {
            if let Err(error) = self.top_level(expression) {
                instant!(CALL, "error", error);
                self.said.push(error);
            }
            // All values have to be looked at for this: only if somebody is to see it.
            if category_enabled!(HEAP) {
                let (lists, elements) = self.globals.values().fold((0, 0), count_lists);
                counter!(track: &LISTS, HEAP, lists);
                counter!(track: &ELEMENTS, HEAP, elements);
            }
        }
    }

    /// `(define name value)`, `(define (name parameter …) body)`, or an expression.
    fn top_level(&mut self, expression: Expression) -> Result<(), String> {
        use Expression::{List, Name};
        let List { mut items, line } = expression else { return self.evaluate(&expression, &[]).map(drop) };
        match &items[..] {
            [Name(define), Name(name), value] if **define == *"define" => {
                let value = self.evaluate(value, &[])?;
                self.globals.insert(name.clone(), value);
            }
            [Name(define), List { items: head, .. }, _] if **define == *"define" => {
                let names = head.iter().map(|item| if let Name(name) = item { Some(name.clone()) } else { None });
                let names = names.collect::<Option<Vec<_>>>().filter(|names| !names.is_empty());
                let mut names = names.ok_or_else(|| format!("line {line}: expected names"))?;
                let (name, body) = (names.remove(0), Rc::new(items.remove(2)));
                let function = Function { name: name.clone(), parameters: names, body };
                self.globals.insert(name, Value::Function(function.into()));
            }
            _ => _ = self.evaluate(&List { items, line }, &[])?,
        }
        Ok(())
    }

    fn evaluate(&mut self, expression: &Expression, locals: Locals<'_>) -> Result<Value, String> {
        match expression {
            Expression::Number(number) => Ok(Value::Number(*number)),
            Expression::Name(name) => self.look_up(name, locals).ok_or_else(|| format!("there is no {name}")),
            Expression::List { items, line } => {
                let [first, rest @ ..] = &items[..] else { return Ok(Value::List(Vec::new())) };
                let Expression::Name(name) = first else { return Err(format!("line {line}: expected a function")) };
                if let ("if", [condition, yes, no]) = (&**name, rest) {
                    let condition = self.evaluate(condition, locals)?;
                    return self.evaluate(if matches!(condition, Value::Number(0)) { no } else { yes }, locals);
                }
                let arguments = rest.iter().map(|argument| self.evaluate(argument, locals));
                let arguments = arguments.collect::<Result<Vec<_>, _>>()?;
                match self.look_up(name, locals) {
                    Some(Value::Function(function)) => self.call(&function, arguments, *line),
                    Some(value) => Err(format!("line {line}: {value} is no function")),
                    None => self.built_in(name, arguments).map_err(|error| format!("line {line}: {error}")),
                }
            }
        }
    }

    fn look_up(&self, name: &Rc<str>, locals: Locals<'_>) -> Option<Value> {
        let local = locals.iter().find(|(local, _)| *local == name).map(|(_, value)| value);
        local.or_else(|| self.globals.get(name)).cloned()
    }

    /// A call is a slice. Its name is known only now, and what it is called with, and how many.
    fn call(&mut self, function: &Function, arguments: Vec<Value>, line: u32) -> Result<Value, String> {
        let Function { name, parameters, body } = function;
        if parameters.len() != arguments.len() {
            return Err(format!("line {line}: {name} takes {} arguments, found {}", parameters.len(), arguments.len()));
        }
        *self.calls.entry(name.clone()).or_default() += 1;
        let locals: Vec<_> = parameters.iter().zip(arguments).collect();
        // Written where it goes: nothing is put together for it, and with the category off nothing is done at all.
        let with = dict(|with| locals.iter().for_each(|(name, value)| _ = with.value(name, value)));
        let call = slice!(CALL, name, line, with);
        let result = self.evaluate(body, &locals);
        match &result {
            Ok(value) => end!(slice: call, result = value),
            // Functions that an error passes through are left, so their slices end as well.
            Err(error) => end!(slice: call, error),
        }
        result
    }

    fn built_in(&mut self, name: &str, mut arguments: Vec<Value>) -> Result<Value, String> {
        use Value::{List, Number};
        let built_in = slice!(BUILTIN, name, arguments);
        let result = match (name, &mut arguments[..]) {
            ("+", [Number(a), Number(b)]) => a.checked_add(*b).map(Number),
            ("-", [Number(a), Number(b)]) => a.checked_sub(*b).map(Number),
            ("*", [Number(a), Number(b)]) => a.checked_mul(*b).map(Number),
            ("/", [Number(a), Number(b)]) => a.checked_div(*b).map(Number),
            ("<", [Number(a), Number(b)]) => Some(Number((a < b).into())),
            ("=", [Number(a), Number(b)]) => Some(Number((a == b).into())),
            ("empty?", [List(list)]) => Some(Number(list.is_empty().into())),
            ("first", [List(list)]) => list.first().cloned(),
            ("rest", [List(list)]) => list.get(1..).map(|rest| List(rest.into())),
            ("list", values) => Some(List(values.into())),
            ("join", [value, List(list)]) => Some(List([std::slice::from_ref(value), &list[..]].concat())),
            ("print", [value]) => {
                self.said.push(value.to_string());
                Some(value.clone())
            }
            _ => None,
        };
        let result = result.ok_or_else(|| format!("({name}{}) has no value", texts(&arguments)));
        end!(slice: built_in, result = result.as_ref().ok());
        result
    }
}

fn texts(values: &[Value]) -> String {
    values.iter().map(|value| format!(" {value}")).collect()
}

/// How many lists there are in values, and how many elements these have.
fn count_lists((lists, elements): (usize, usize), value: &Value) -> (usize, usize) {
    let Value::List(values) = value else { return (lists, elements) };
    values.iter().fold((lists + 1, elements + values.len()), count_lists)
}
