//! The command: see the crate's documentation.

use std::io::{Read, Write};
use std::process::ExitCode;

const USAGE: &str = "usage: pftrace-transcode MESSAGE < IN > OUT
       pftrace-transcode --list

Decodes the message of that full name, and writes it again with the generated
writers. --list prints the names of all messages that there are.";

fn main() -> ExitCode {
    let arguments: Vec<_> =
        std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
    let result = match &arguments[..] {
        [option] if option == "--list" => print(pftrace_transcode::schema().names().map(|name| format!("{name}\n"))),
        [option] if option == "--help" => print([format!("{USAGE}\n")]),
        [name] if !name.starts_with('-') => run(name),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pftrace-transcode: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(name: &str) -> Result<(), Box<dyn std::error::Error>> {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    Ok(std::io::stdout().write_all(&pftrace_transcode::transcode(&bytes, name)?)?)
}

fn print(lines: impl IntoIterator<Item = String>) -> Result<(), Box<dyn std::error::Error>> {
    Ok(std::io::stdout().write_all(lines.into_iter().collect::<String>().as_bytes())?)
}
