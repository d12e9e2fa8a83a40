//! How many instructions recording takes, counted by valgrind: a number that does not depend on the machine's load. The clock is one
//! that costs three instructions and is the same each time, so the counts are exact: two hundred events take twice what one
//! hundred take.

use std::collections::HashMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::package::{self, Profile};
use super::{expected, is_blessed, on_path, rustc, rustc_of};

/// By the compiler that the table names; another one may differ.
const TOLERANCE: f64 = 0.01;
const TOLERANCE_OF_OTHERS: f64 = 0.15;

/// One in a hundred or more of these goes the long way: there is room for more of them then, or a chunk is full.
const NEARLY: [&str; 2] = ["new_in_its_chunk", "long_text"];

/// Built by cargo's own profile the units of the library are optimized apart, and which function is in which unit changes with what else there is.
const TOLERANCE_OF_UNITS: f64 = 0.1;

#[test]
fn recording_takes_no_more_instructions_than_it_did() {
    let Some(valgrind) = on_path("valgrind") else { return };
    let found = [Profile::Whole, Profile::Release].map(|profile| (profile, Calls::of(&valgrind, profile)));
    let path = expected("instructions.txt");
    let text = fs::read_to_string(&path).unwrap();
    if is_blessed() {
        return fs::write(path, blessed(&text, &found)).unwrap();
    }
    let tolerances = match rustc_of(&text) == rustc() {
        true => [TOLERANCE, TOLERANCE_OF_UNITS],
        false => [TOLERANCE_OF_OTHERS; 2],
    };
    let mut wrong = vec![];
    for (form, expected) in lines(&text) {
        for ((expected, (profile, calls)), tolerance) in expected.into_iter().zip(&found).zip(tolerances) {
            let found = calls.each(form);
            println!("{form}, {profile:?}: {found} instructions, expected {expected}");
            // A count as small as that of what is off is exact.
            if found.abs_diff(expected) as f64 > expected as f64 * tolerance {
                wrong.push(format!("{form}, {profile:?}: {found} instead of {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "instructions per call: {wrong:#?}\nPFTRACE_BLESS=1 takes them over");
}

/// The table's lines: a function of `program.rs`, and the instructions of one call, by the first profile and the second.
fn lines(text: &str) -> Vec<(&str, [u64; 2])> {
    text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(line).collect()
}

fn line(line: &str) -> (&str, [u64; 2]) {
    let mut words = line.split_whitespace();
    let form = words.next().unwrap();
    let counts = [words.next(), words.next()].map(|count| count.and_then(|count| count.parse().ok()));
    // A new form has no counts yet.
    (form, counts.map(|count| count.unwrap_or(0)))
}

fn blessed(text: &str, found: &[(Profile, Calls); 2]) -> String {
    let comments = text.lines().filter(|line| line.starts_with('#')).skip(1);
    let mut new = format!("# rustc {}\n", rustc());
    comments.for_each(|line| _ = writeln!(new, "{line}"));
    for (form, _) in lines(text) {
        let [whole, release] = found.each_ref().map(|(_, calls)| calls.each(form));
        writeln!(new, "{form:<20}{whole:>5}{release:>7}").unwrap();
    }
    new
}

/// Of a profile: who called whom, how often, and the instructions of all these calls, with what they called in turn.
struct Calls(HashMap<(String, String), (u64, u64)>);

impl Calls {
    /// Runs the program.
    fn of(valgrind: &Path, profile: Profile) -> Self {
        let program = package::build(profile, true);
        let out = program.with_extension("callgrind");
        let run = Command::new(valgrind)
            .args(["--tool=callgrind", "--quiet"])
            .arg(format!("--callgrind-out-file={}", out.display()))
            .arg(&program)
            .output()
            .unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        Self::read(&fs::read_to_string(&out).unwrap())
    }

    /// The format (<https://valgrind.org/docs/manual/cl-format.html>): `fn=` begins the lines of a function; `cfn=` names what it
    /// calls, `calls=` follows with the number of calls, and the line after that has the cost of all of them. A name is written
    /// out once, as `(7) name`, later it is `(7)`.
    fn read(profile: &str) -> Self {
        let mut names = HashMap::new();
        let mut name = |text: &str| -> String {
            let (number, name) = text.split_once(')').unwrap();
            names.entry(number.to_owned()).or_insert_with(|| name.trim().to_owned()).clone()
        };
        let (mut caller, mut callee) = (String::new(), String::new());
        let mut calls = HashMap::new();
        let mut lines = profile.lines();
        while let Some(line) = lines.next() {
            if let Some(text) = line.strip_prefix("fn=(") {
                caller = name(text);
            } else if let Some(text) = line.strip_prefix("cfn=(") {
                callee = name(text);
            } else if let Some(text) = line.strip_prefix("calls=") {
                let number = |text: Option<&str>| text.unwrap().parse::<u64>().unwrap();
                let cost = number(lines.next().unwrap().split(' ').nth(1));
                let sum: &mut (u64, u64) = calls.entry((caller.clone(), callee.clone())).or_default();
                sum.0 += number(text.split(' ').next());
                sum.1 += cost;
            }
        }
        Self(calls)
    }

    /// The instructions of one call of a form, which is the same each time.
    fn each(&self, form: &str) -> u64 {
        let of = |caller: &str, calls: u64| {
            let pair = (format!("locks::{caller}"), format!("locks::{form}"));
            let found = self.0.get(&pair).unwrap_or_else(|| panic!("{} does not call {}", pair.0, pair.1));
            assert_eq!(found.0, calls, "calls of {form}");
            found.1
        };
        let (some, twice_as_many) = (of("some", 100), of("twice_as_many", 200));
        let difference = twice_as_many.abs_diff(2 * some);
        assert!(
            difference <= if NEARLY.contains(&form) { some / 20 } else { 0 },
            "{form} does not take the same each time"
        );
        some / 100
    }
}
