//! From .proto text to declarations, with their places and comments.
//!
//! It takes linear time and never panics, whatever the text. It knows the grammar and no types: what a name means is found
//! out in [`resolve`](crate::resolve), and what is wrong though well formed in [`check`](crate::check). Bodies of services and values of
//! options are stepped over.

mod comments;
mod decl;
mod lexer;
mod tokens;
mod values;
mod walk;

pub(crate) use comments::dedent;
pub(crate) use decl::{
    Comments, Enum, Extend, Field, File, Import, Label, Message, Opt, Pos, Range, Syntax, TypeRef, Value,
};
pub(crate) use values::{int_value, unescape};

/// Brackets of all kinds nest up to here. protoc stops at 32 messages; what matters is that this parser, which goes down by
/// recursion, has enough stack.
pub(crate) const MAX_DEPTH: usize = 64;

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
