//! Which comment belongs to which declaration, by protoc's rules, and its text.

use super::decl::Comments;
use super::lexer::{Comment, Lexed};

/// The comments on the declaration whose head begins with the token `first` and ends with the token `last`.
pub(super) fn comments(text: &str, lexed: &Lexed, first: usize, last: usize) -> Comments {
    Comments {
        leading: text_of(text, leading(lexed, first)),
        trailing: text_of(text, trailing(lexed, last).as_slice()),
    }
}

/// Between the token before `token` and it.
fn between(lexed: &Lexed, token: usize) -> &[Comment] {
    let from = if token == 0 { 0 } else { lexed.tokens[token - 1].comments_before };
    &lexed.comments[from..lexed.tokens[token].comments_before]
}

/// The last comment above, if no blank line lies in between: one block, or a run of lines.
fn leading(lexed: &Lexed, token: usize) -> &[Comment] {
    let previous_line = if token == 0 { 0 } else { lexed.tokens[token - 1].line };
    let candidates = between(lexed, token);
    // What begins on the line of the token before belongs to that.
    let foreign = candidates.iter().take_while(|c| c.first_line == previous_line).count();
    let own = &candidates[foreign..];
    let Some(last) = own.last() else { return &[] };
    if last.last_line + 1 < lexed.tokens[token].line {
        return &[];
    }
    let mut start = own.len() - 1;
    while start > 0
        && !own[start].block
        && !own[start - 1].block
        && own[start - 1].last_line + 1 == own[start].first_line
    {
        start -= 1;
    }
    &own[start..]
}

/// The first comment behind, on the same line.
fn trailing(lexed: &Lexed, token: usize) -> Option<Comment> {
    let next = (token + 1).min(lexed.tokens.len() - 1);
    let comment = *between(lexed, next).first()?;
    let same_line = comment.first_line == lexed.tokens[token].line;
    // A block with more code behind it could belong to either.
    let ambiguous = comment.block && comment.last_line == lexed.tokens[next].line && next + 1 < lexed.tokens.len();
    (same_line && !ambiguous).then_some(comment)
}

fn text_of(text: &str, comments: &[Comment]) -> String {
    let mut lines = Vec::new();
    for comment in comments {
        let body = &text[comment.start..comment.end];
        if comment.block { block_lines(body, &mut lines) } else { lines.push(body[2..].trim_end()) }
    }
    dedent(&lines)
}

/// Without `/*`, `*/` and the stars in front of the lines between.
fn block_lines<'a>(body: &'a str, lines: &mut Vec<&'a str>) {
    let inner = &body[2..body.len() - 2];
    for line in inner.lines() {
        let line = line.trim();
        // The second star of `/**`, or the one in front of a line, with the blank behind it.
        let starred = line.strip_prefix('*').map(|rest| rest.strip_prefix(' ').unwrap_or(rest));
        lines.push(starred.unwrap_or(line));
    }
}

/// The lines without the white space that all of them begin with, and without blank lines at both ends.
pub(crate) fn dedent(lines: &[&str]) -> String {
    let blank = |line: &&str| line.trim().is_empty();
    let Some(first) = lines.iter().position(|l| !blank(l)) else {
        return String::new();
    };
    let last = lines.iter().rposition(|l| !blank(l)).unwrap_or(first);
    let lines = &lines[first..=last];
    let margin = lines.iter().filter(|l| !blank(l)).map(|l| l.bytes().take_while(|&c| c == b' ').count()).min();
    let dedented: Vec<_> = lines.iter().map(|l| l.get(margin.unwrap_or(0)..).unwrap_or("")).collect();
    dedented.join("\n")
}
