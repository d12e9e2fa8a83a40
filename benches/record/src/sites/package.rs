//! Packages that are generated, built, and measured.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::recorders::{Kind, Recorder};

/// A program of one recorder.
#[derive(Debug)]
pub struct Package {
    folder: PathBuf,
    recorder: &'static Recorder,
}

/// What building it took, and what came of it.
#[derive(Debug, Clone, Copy)]
pub struct Built {
    pub cpu_seconds: f64,
    /// Bytes of machine code.
    pub text: f64,
    /// Bytes of all that is loaded: code, constants, tables for unwinding, statics.
    pub loaded: f64,
}

impl Package {
    pub fn new(recorder: &'static Recorder) -> Self {
        let own = std::env::current_exe().expect("the system knows this executable");
        let name: String = recorder.name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let folder = own.ancestors().nth(2).expect("it lies in a target folder").join("sites").join(name);
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        fs::create_dir_all(folder.join("src")).expect("folders can be made");
        let dependencies = recorder.dependencies.replace("{crates}", &here.join("../../crates").display().to_string());
        let manifest = format!(
            "[package]\nname = \"sites\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n[dependencies]\nlibc = \"0.2\"\n{dependencies}\n"
        );
        write_new(&folder.join("Cargo.toml"), &manifest);
        // The versions of the race.
        fs::copy(here.join("Cargo.lock"), folder.join("Cargo.lock")).expect("the lock file is there");
        Self { folder, recorder }
    }

    /// Builds it with so many call sites. What it depends on is built by the first call.
    pub fn build(&self, kind: Kind, sites: usize) -> Built {
        write_new(&self.folder.join("src/main.rs"), &program(self.recorder, kind, sites));
        let cpu_seconds = cargo_build(&self.folder, "target");
        let (text, loaded) = sections(&self.executable());
        Built { cpu_seconds, text, loaded }
    }

    /// Builds it and all that it depends on, from nothing.
    pub fn build_all(&self) -> f64 {
        write_new(&self.folder.join("src/main.rs"), &program(self.recorder, Kind::Span, 0));
        _ = fs::remove_dir_all(self.folder.join("target-anew"));
        cargo_build(&self.folder, "target-anew")
    }

    pub fn executable(&self) -> PathBuf {
        self.folder.join("target/release/sites")
    }

    /// What the harness prints.
    pub fn run(&self) -> Vec<f64> {
        let output = Command::new(self.executable()).output().expect("it runs");
        assert!(output.status.success(), "{}: {}", self.recorder.name, String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.split_whitespace().filter_map(|number| number.parse().ok()).collect()
    }
}

fn program(recorder: &Recorder, kind: Kind, sites: usize) -> String {
    let harness = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sites/harness.rs");
    let mut text = format!(
        "#![allow(unused)]\n#[path = {harness:?}]\nmod harness;\nconst TEXT: &str = \"short text\";\n{}\n",
        recorder.prelude
    );
    for site in 0..sites {
        let statement = recorder
            .statement(kind)
            .replace("NAME", &format!("\"site {site}\""))
            .replace("NUMBER", &format!("{site}_u32"));
        writeln!(text, "#[inline(never)] fn site_{site}(i: u64) {{ {statement} }}").expect("a String takes all");
    }
    text += "fn main() {\n    let started = start();\n    let sites: &[fn(u64)] = &[";
    (0..sites).for_each(|site| write!(text, "site_{site}, ").expect("a String takes all"));
    text + "];\n    harness::run(std::hint::black_box(sites));\n    finish(started);\n}\n"
}

fn write_new(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// CPU seconds, user and system, of the release build.
fn cargo_build(folder: &Path, target: &str) -> f64 {
    let begin = children_cpu_seconds();
    let output = Command::new("cargo")
        .args(["build", "--quiet", "--release", "--target-dir", target])
        .current_dir(folder)
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_TARGET_DIR")
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}: {}", folder.display(), String::from_utf8_lossy(&output.stderr));
    children_cpu_seconds() - begin
}

fn children_cpu_seconds() -> f64 {
    // SAFETY: all zeros is a rusage.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `usage` is valid to write to.
    let result = unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, &mut usage) };
    assert_eq!(result, 0, "getrusage");
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

/// By binutils' `size`: the machine code, and all that is loaded. Not numbers without it.
fn sections(executable: &Path) -> (f64, f64) {
    let Ok(output) = Command::new("size").args(["-A", "-d"]).arg(executable).output() else {
        return (f64::NAN, f64::NAN);
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let section = |line: &str| {
        let mut words = line.split_whitespace();
        let (name, size, address) = (words.next()?.to_owned(), words.next()?.parse::<f64>().ok()?, words.next()?);
        (address != "0").then_some((name, size))
    };
    let sections: Vec<(String, f64)> = text.lines().filter_map(section).collect();
    let text = sections.iter().filter(|(name, _)| name == ".text").map(|(_, size)| size).sum();
    (text, sections.iter().map(|(_, size)| size).sum())
}
