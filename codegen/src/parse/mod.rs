//! From .proto text to declarations, with their places and comments.
//!
//! It takes linear time and never panics, whatever the text. It knows the grammar and no types: what a name means is found
//! out in [`resolve`](crate::resolve), and what is wrong though well formed in [`check`](crate::check). Values of
//! options are kept as they are written.

mod aggregates;
mod comments;
mod decl;
mod lexer;
mod options;
mod services;
mod tokens;
mod values;
mod walk;

use std::borrow::Cow;

pub(crate) use comments::dedent;
pub(crate) use decl::{
    Comments, Content, Entry, Enum, Extend, Field, File, Import, Label, Message, Method, Opt, Pos, Range, ReservedName,
    Service, Syntax, TypeRef, Value,
};
pub(crate) use values::{int_value, unescape};

/// Brackets of all kinds nest up to here: this parser, which goes down by recursion, needs the stack.
pub(crate) const MAX_DEPTH: usize = 64;

/// Messages and groups nest up to here, as in protoc.
const MAX_MESSAGE_DEPTH: usize = 31;

/// Names are at most this long, so that full names stay short.
pub(crate) const MAX_NAME_LEN: usize = 255;

/// Why a text is not a .proto file.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) line: u32,
    pub(crate) message: String,
}

/// Parses one .proto text.
pub(crate) fn parse(text: &str) -> Result<File, Failure> {
    let lexed = lexer::lex(text)?;
    check_tokens(&lexed.tokens)?;
    walk::walk(text, &lexed)
}

/// The text of a file. Bytes that are not UTF-8 are allowed in comments, where they become U+FFFD, and in strings, where they are escaped.
/// Fails with the line of the first one elsewhere.
pub(crate) fn text(bytes: &[u8]) -> Result<Cow<'_, str>, u32> {
    let lossy = String::from_utf8_lossy(bytes);
    let Cow::Owned(lossy) = lossy else { return Ok(lossy) };
    let (comments, strings) = lexer::comments_and_strings(&lossy);
    let mut text = String::new();
    // Where we are in `lossy`.
    let mut at = 0;
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        at += chunk.valid().len();
        if chunk.invalid().is_empty() {
            continue;
        }
        if is_within(&strings, at) {
            chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\{byte:03o}")));
        } else if is_within(&comments, at) {
            text.push(char::REPLACEMENT_CHARACTER);
        } else {
            return Err(1 + text.matches('\n').count() as u32);
        }
        at += char::REPLACEMENT_CHARACTER.len_utf8();
    }
    Ok(Cow::Owned(text))
}

/// Whether one of the sorted `ranges` has `at` in it.
fn is_within(ranges: &[std::ops::Range<usize>], at: usize) -> bool {
    let behind = ranges.partition_point(|range| range.start <= at);
    behind.checked_sub(1).is_some_and(|index| at < ranges[index].end)
}

fn check_tokens(tokens: &[lexer::Token]) -> Result<(), Failure> {
    let mut depth = 0_usize;
    for token in tokens {
        match token.kind {
            lexer::Kind::Symbol(b'{' | b'[' | b'(' | b'<') => depth += 1,
            lexer::Kind::Symbol(b'}' | b']' | b')' | b'>') => depth = depth.saturating_sub(1),
            lexer::Kind::Ident if token.end - token.start > MAX_NAME_LEN => {
                let message = format!("expected names of at most {MAX_NAME_LEN} bytes, found a longer one");
                return Err(Failure { line: token.line, message });
            }
            _ => {}
        }
        if depth > MAX_DEPTH {
            let message = format!("expected at most {MAX_DEPTH} nested brackets, found more");
            return Err(Failure { line: token.line, message });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
