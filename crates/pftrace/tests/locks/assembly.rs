//! The assembly of the hottest code is read by people: what is off, and one slice with all that it calls, with a comment for each
//! block, in `assembly.txt`. Here it is compared with what the compiler makes now.
//!
//! Without addresses and hashes, with labels for jumps, so it is the same wherever it is built by the compiler that the file names. What is
//! taken over with `PFTRACE_BLESS=1` keeps the comments of the instructions that stay.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use super::package::Profile;
use super::{expected, is_blessed, on_path, package, rustc, rustc_of};

/// Functions of `program.rs`: alone, and with all of pftrace that it calls.
const DISABLED: &str = "locks::no_session";
const SLICE: &str = "locks::plain_slice";

/// What is not followed: what happens once, or not in steady state.
const COLD: [&str; 2] = ["::begin_guarded_again", "::end_of_in_full"];

#[test]
fn the_assembly_is_what_was_reviewed() {
    let Some(objdump) = on_path("objdump") else { return };
    let path = expected("assembly.txt");
    let text = fs::read_to_string(&path).unwrap();
    if !is_blessed() && rustc_of(&text) != rustc() {
        return skip(&format!("the assembly was reviewed of rustc {}, this is {}", rustc_of(&text), rustc()));
    }
    let program = package::build(Profile::Whole, false);
    let dump = |names: &[&str]| {
        let output = Command::new(&objdump)
            .args(["--disassemble", "--disassembler-options=intel", "--no-show-raw-insn"])
            .args(names)
            .arg(&program)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let functions = functions(&dump(&[]), &dump(&["--demangle"]));
    let found = reached(&functions);
    if is_blessed() {
        return fs::write(path, blessed(&text, &found)).unwrap();
    }
    let before: Vec<&str> = text.lines().filter(|line| !is_comment(line)).collect();
    let first =
        (0..before.len().max(found.len())).find(|&at| before.get(at) != found.get(at).map(|line| &**line).as_ref());
    if let Some(at) = first {
        let around =
            |lines: &[&str]| lines[at.saturating_sub(5).min(lines.len())..(at + 10).min(lines.len())].join("\n");
        let found: Vec<&str> = found.iter().map(|line| &**line).collect();
        panic!("was reviewed:\n{}\n\nis now:\n{}\n\nPFTRACE_BLESS=1 takes it over", around(&before), around(&found));
    }
}

/// Notes that a test could not run for want of the right compiler: that is no fault, also in continuous integration.
fn skip(why: &str) {
    eprintln!("SKIP {why}");
    let log = pftrace_testkit::tools::dir().join("skips.log");
    let log = fs::OpenOptions::new().create(true).append(true).open(log);
    if let Ok(mut log) = log {
        _ = std::io::Write::write_all(&mut log, format!("the_assembly_is_what_was_reviewed: {why}\n").as_bytes());
    }
}

/// A function as objdump shows it: its name without a hash, and its lines.
struct Function {
    name: String,
    lines: Vec<Line>,
}

struct Line {
    address: u64,
    instruction: String,
    /// The symbol that it calls or jumps to, and how far behind the symbol's begin.
    target: Option<(String, u64)>,
}

/// By symbol. Both texts have the same lines; names that people read may be of several symbols.
fn functions(symbols: &str, names: &str) -> BTreeMap<String, Function> {
    let mut functions = BTreeMap::new();
    let mut symbol = String::new();
    for (by_symbol, by_name) in symbols.lines().zip(names.lines()) {
        if let (Some(new), Some(name)) = (head(by_symbol), head(by_name)) {
            symbol = new.to_owned();
            functions.insert(symbol.clone(), Function { name: without_hash(name), lines: vec![] });
        } else if let (Some(function), Some((address, text))) = (functions.get_mut(&symbol), instruction(by_name)) {
            let target = reference(by_symbol).map(|(symbol, offset)| (symbol.to_owned(), offset));
            function.lines.push(Line { address, instruction: text.to_owned(), target });
        }
    }
    functions
}

/// `0000000000001000 <name>:`
fn head(line: &str) -> Option<&str> {
    line.split_once(" <")?.1.strip_suffix(">:").filter(|_| !line.starts_with(' '))
}

/// `1000:`, a tab, `mov    rax,rbx`
fn instruction(line: &str) -> Option<(u64, &str)> {
    let (address, text) = line.split_once(":\t")?;
    Some((u64::from_str_radix(address.trim(), 16).ok()?, text.trim()))
}

/// What stands in `<…>`, and the number behind its last `+`.
fn reference(line: &str) -> Option<(&str, u64)> {
    let name = line.trim_end().strip_suffix('>')?.split_once(" <")?.1;
    match name.rsplit_once("+0x") {
        Some((name, offset)) => Some((name, u64::from_str_radix(offset, 16).ok()?)),
        None => Some((name, 0)),
    }
}

/// Without `::h0123456789abcdef` and `[0123456789abcdef]`, which legacy and newer names have.
fn without_hash(name: &str) -> String {
    let is_hash = |text: &str| text.len() >= 12 && text.chars().all(|digit| digit.is_ascii_hexdigit());
    let name = match name.rsplit_once("::h") {
        Some((name, hash)) if is_hash(hash) => name,
        _ => name,
    };
    let parts = name.split('[').enumerate().map(|(at, part)| match part.split_once(']') {
        Some((hash, rest)) if at > 0 && is_hash(hash) => rest.to_owned(),
        _ if at > 0 => format!("[{part}"),
        _ => part.to_owned(),
    });
    parts.collect()
}

/// The disabled path, and the slice with what it calls in the order in which it is met.
fn reached(functions: &BTreeMap<String, Function>) -> Vec<String> {
    let symbol = |name: &str| {
        let found = functions.iter().find(|(_, function)| function.name == name);
        found.unwrap_or_else(|| panic!("the program has no {name}")).0.clone()
    };
    let mut queue = vec![symbol(DISABLED), symbol(SLICE)];
    let mut text = vec![];
    let mut at = 0;
    while let Some(symbol) = queue.get(at).cloned() {
        let function = &functions[&symbol];
        text.push(format!("{}:", function.name));
        text.extend(normalized(&symbol, function));
        let called = function.lines.iter().filter_map(|line| line.target.as_ref()).filter(|(_, offset)| *offset == 0);
        for (called, _) in called {
            let is_new =
                !queue.contains(called) && functions.get(called).is_some_and(|function| is_hot(&function.name));
            if is_new && function.name != DISABLED {
                queue.push(called.clone());
            }
        }
        at += 1;
    }
    text
}

fn is_hot(name: &str) -> bool {
    name.starts_with("pftrace") && !COLD.iter().any(|cold| name.ends_with(cold))
}

/// Instructions without addresses.
fn normalized(symbol: &str, function: &Function) -> Vec<String> {
    let is_filler = |line: &&Line| {
        ["int3", "nop", "cs nop", "data16", "xchg   ax,ax"].iter().any(|filler| line.instruction.starts_with(filler))
    };
    let begin = function.lines.first().map_or(0, |line| line.address);
    let inner = |line: &Line| {
        let (to, offset) = line.target.as_ref()?;
        (to == symbol && is_jump(&line.instruction)).then_some(begin + offset)
    };
    let labels: BTreeSet<u64> = function.lines.iter().filter_map(inner).collect();
    let label = |address: u64| labels.iter().position(|label| *label == address).map(|at| format!(".{at}"));
    let mut text = vec![];
    for line in function.lines.iter().filter(|line| !is_filler(line)) {
        text.extend(label(line.address).map(|label| format!("{label}:")));
        text.push(format!("    {}", plain(line, inner(line).and_then(label))));
    }
    text
}

fn is_jump(instruction: &str) -> bool {
    instruction.starts_with('j')
}

fn plain(line: &Line, label: Option<String>) -> String {
    let (instruction, place) = match line.instruction.split_once(" # ") {
        Some((instruction, _)) => (instruction, reference(&line.instruction)),
        None => (&*line.instruction, None),
    };
    let (mnemonic, operands) = instruction.trim().split_once(' ').unwrap_or((instruction.trim(), ""));
    let mut operands = operands.trim().to_owned();
    if is_jump(mnemonic) || mnemonic == "call" {
        if let Some(label) = label {
            operands = label;
        } else if let Some((name, offset)) = reference(instruction) {
            let offset = if offset == 0 { String::new() } else { format!("+{offset:#x}") };
            operands = format!("{}{offset}", without_hash(name));
        }
    }
    // Where a static lies; unnamed ones have no name that stays.
    if let Some((head, tail)) = operands.clone().split_once("[rip+0x").or(operands.clone().split_once("[rip-0x")) {
        let tail = tail.split_once(']').map_or("", |(_, tail)| tail);
        let name = match place {
            Some((name, offset)) if name.contains("pftrace") || name.contains("locks") => {
                let offset = if offset == 0 { String::new() } else { format!("+{offset:#x}") };
                format!("{}{offset}", without_hash(name))
            }
            _ => "data".to_owned(),
        };
        operands = format!("{head}[{name}]{tail}");
    }
    if let Some((head, tail)) = operands.clone().split_once("fs:0x") {
        let tail = tail.trim_start_matches(|digit: char| digit.is_ascii_hexdigit());
        operands = format!("{head}fs:[thread-local]{tail}");
    }
    format!("{mnemonic:<6} {operands}").trim_end().to_owned()
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#')
}

/// The new text with the comments of the old: each stands in front of the line that it stood in front of, or where that would be.
fn blessed(old: &str, new: &[String]) -> String {
    let mut comments: Vec<Vec<&str>> = vec![vec![]];
    let mut before = vec![];
    for line in old.lines().skip(1) {
        if is_comment(line) {
            comments.last_mut().unwrap().push(line);
        } else {
            before.push(line);
            comments.push(vec![]);
        }
    }
    let (mut at, mut text) = (0, format!("# rustc {}\n", rustc()));
    for (place, line) in aligned(&before, new).into_iter().zip(new) {
        if let Some(place) = place {
            for line in comments[at..=place].iter().flatten() {
                text += line;
                text.push('\n');
            }
            at = place + 1;
        }
        text += line;
        text.push('\n');
    }
    text
}

/// For each new line the old one that it is, by the longest common subsequence.
fn aligned(old: &[&str], new: &[String]) -> Vec<Option<usize>> {
    let mut longest = vec![vec![0_u32; new.len() + 1]; old.len() + 1];
    for (i, old) in old.iter().enumerate().rev() {
        for (j, new) in new.iter().enumerate().rev() {
            longest[i][j] =
                if old == new { longest[i + 1][j + 1] + 1 } else { longest[i + 1][j].max(longest[i][j + 1]) };
        }
    }
    let (mut i, mut places) = (0, vec![None; new.len()]);
    for (j, place) in places.iter_mut().enumerate() {
        while i < old.len() && *old[i] != *new[j] && longest[i + 1][j] >= longest[i][j + 1] && longest[i][j] > 0 {
            i += 1;
        }
        if i < old.len() && *old[i] == *new[j] {
            *place = Some(i);
            i += 1;
        }
    }
    places
}
