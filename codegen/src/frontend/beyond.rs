//! What `protobuf-parse` would take seconds, or more stack than there is, for.

use crate::load::Unit;
use crate::parse::Message;

pub(super) fn protobuf_parse(units: &[Unit]) -> bool {
    let scopes: Vec<_> = units.iter().map(scopes).collect();
    takes_long_to_look_up(&scopes) || takes_long_to_copy(units, &scopes)
}

/// For each name it looks through all that are declared beside another one. The official Perfetto schema, when it is one file,
/// takes half as many steps.
fn takes_long_to_look_up(scopes: &[Vec<usize>]) -> bool {
    const MAX_STEPS: usize = 20_000_000;
    let largest = scopes.iter().flatten().max().copied().unwrap_or(0);
    scopes.iter().flatten().sum::<usize>().saturating_mul(largest) > MAX_STEPS
}

/// For each file it copies all that the file imports, and what that imports, one within the other, and looks at each other file. The official
/// Perfetto tree takes a sixth as many steps; so many take a quarter of a second.
fn takes_long_to_copy(units: &[Unit], scopes: &[Vec<usize>]) -> bool {
    const MAX_STEPS: usize = 500_000;
    let mut steps = units.len().saturating_mul(units.len()) / 20;
    // The last unit that has copied each unit.
    let mut copied = vec![None; units.len()];
    for (unit, imports) in units.iter().enumerate().map(|(unit, source)| (unit, &source.imports)) {
        let mut open = imports.clone();
        while let Some(import) = open.pop() {
            if steps > MAX_STEPS {
                return true;
            }
            if copied[import].replace(unit) != Some(unit) {
                steps += scopes[import].iter().sum::<usize>();
                open.extend(&units[import].imports);
            }
            steps += 1;
        }
    }
    steps > MAX_STEPS
}

/// How many names are declared in the file, and in each message and enum.
fn scopes(unit: &Unit) -> Vec<usize> {
    let file = &unit.file;
    let extensions: usize = file.extends.iter().map(|extend| extend.fields.len()).sum();
    let mut scopes = vec![file.messages.len() + file.enums.len() + extensions];
    file.enums.iter().for_each(|enumeration| scopes.push(enumeration.values.len()));
    file.messages.iter().for_each(|message| count_names(message, &mut scopes));
    scopes
}

/// How many names are declared in `message`, and in those within.
fn count_names(message: &Message, scopes: &mut Vec<usize>) {
    let extensions: usize = message.extends.iter().map(|extend| extend.fields.len()).sum();
    let types = message.messages.len() + message.enums.len();
    scopes.push(message.fields.len() + message.oneofs.len() + types + extensions);
    message.enums.iter().for_each(|enumeration| scopes.push(enumeration.values.len()));
    message.messages.iter().for_each(|nested| count_names(nested, scopes));
}
