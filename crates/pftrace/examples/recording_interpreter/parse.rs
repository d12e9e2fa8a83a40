//! From text to expressions.

use std::rc::Rc;

/// An expression of the language.
#[derive(Debug)]
pub(crate) enum Expression {
    Number(i64),
    Name(Rc<str>),
    List { items: Vec<Expression>, line: u32 },
}

/// All expressions of a text.
pub(crate) fn parse(text: &str) -> Result<Vec<Expression>, String> {
    let mut tokens = tokens(text).into_iter();
    let (expressions, end) = list(&mut tokens)?;
    match end {
        Some(line) => Err(format!("line {line}: expected an expression, found `)`")),
        None => Ok(expressions),
    }
}

/// Each with its line, from 1. A comment goes from `;` to the end of the line.
fn tokens(text: &str) -> Vec<(&str, u32)> {
    let lines = text.lines().map(|line| line.split(';').next().unwrap_or_default()).zip(1..);
    lines.flat_map(|(line, number)| tokens_of(line).map(move |token| (token, number))).collect()
}

fn tokens_of(line: &str) -> impl Iterator<Item = &str> {
    // A parenthesis is a token of its own, whatever stands beside it.
    const ENDS: [char; 4] = ['(', ')', ' ', '\t'];
    let pieces = line.split_inclusive(ENDS).flat_map(|piece| {
        let (token, end) = piece.split_at(piece.trim_end_matches(ENDS).len());
        [token, end.trim()]
    });
    pieces.filter(|token| !token.is_empty())
}

/// Expressions up to a `)`, whose line is returned too, or the end of the text.
fn list<'t>(tokens: &mut impl Iterator<Item = (&'t str, u32)>) -> Result<(Vec<Expression>, Option<u32>), String> {
    let mut items = Vec::new();
    while let Some((token, line)) = tokens.next() {
        items.push(match token {
            ")" => return Ok((items, Some(line))),
            "(" => match list(tokens)? {
                (items, Some(_)) => Expression::List { items, line },
                (_, None) => return Err(format!("line {line}: `(` has no `)`")),
            },
            _ => token.parse().map_or_else(|_| Expression::Name(token.into()), Expression::Number),
        });
    }
    Ok((items, None))
}
